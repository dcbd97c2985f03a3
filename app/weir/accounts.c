/* SPDX-License-Identifier: BSD-3-Clause */
#include "rights.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int group(
	const char *name, const char *key, const struct wr_conf *c, gid_t *gid, struct wr_err *err)
{
	struct group *g;

	errno = 0;
	g = getgrnam(name);
	if (g == NULL)
		return wr_err_set(err, ENOENT,
			"%s: runtime.%s: there is no group '%s' on this box%s%s; cure: groupadd "
			"--system %s",
			c->file, key, name, errno != 0 ? ": " : "",
			errno != 0 ? strerror(errno) : "", name);
	*gid = g->gr_gid;
	return 0;
}

int accounts_look_up(struct accounts *a, const struct wr_conf *c, struct wr_err *err)
{
	const struct wr_conf_runtime *r = &c->runtime;
	struct passwd *p;
	int rc = 0;

	*a = (struct accounts){.uid = geteuid(), .gid = getegid(), .secrets = c->tunnel_count};
	if (r->user[0] != '\0') {
		errno = 0;
		p = getpwnam(r->user);
		if (p == NULL)
			return wr_err_set(err, ENOENT,
				"%s: runtime.user: there is no user '%s' on this box%s%s; cure: "
				"useradd --system --no-create-home --shell /usr/sbin/nologin %s",
				c->file, r->user, errno != 0 ? ": " : "",
				errno != 0 ? strerror(errno) : "", r->user);
		a->other_user = p->pw_uid != a->uid;
		a->uid = p->pw_uid;
		a->gid = p->pw_gid;
		snprintf(a->user, sizeof(a->user), "%s", r->user);
		if (a->other_user && geteuid() != 0)
			return wr_err_set(err, EPERM,
				"%s: runtime.user: only root can become '%s'; run as root, or as "
				"that user with runtime.user: none",
				c->file, r->user);
	}
	a->socket_gid = a->gid;
	a->act_gid = a->gid;
	if (r->socket_group[0] != '\0')
		rc = group(r->socket_group, "socket_group", c, &a->socket_gid, err);
	if (rc == 0 && r->act_group[0] != '\0')
		rc = group(r->act_group, "act_group", c, &a->act_gid, err);
	return rc;
}
