/* SPDX-License-Identifier: BSD-3-Clause */
#include "check.h"

#include <string.h>

// Names that the system knows, and where lines of sessions go. Whether there is such a user, group
// or folder is seen at start.

static int check_account(const struct wr_conf_check *k, const char *key, const char *name)
{
	if (!name[0] || strspn(name, "0123456789") != strlen(name))
		return 0;
	return wr_settings_fail(&k->at, name, 0,
		"runtime.%s: value '%s' is a number; right would be a name, as in /etc/%s", key,
		name, strcmp(key, "user") == 0 ? "passwd" : "group");
}

static int check_accounts(const struct wr_conf_check *k)
{
	const struct wr_conf_runtime *r = &k->c->runtime;
	int rc = check_account(k, "user", r->user);

	if (rc == 0)
		rc = check_account(k, "socket_group", r->socket_group);
	if (rc == 0)
		rc = check_account(k, "act_group", r->act_group);
	return rc;
}

static int check_log(const struct wr_conf_check *k)
{
	static const char *const words[] = {"none", "journal", "file"};
	const struct wr_conf_logging *l = &k->c->log;

	if (l->to == WR_CONF_LOG_FILE && !l->file[0])
		return wr_settings_fail(&k->at, &l->to, 0,
			"log.to: value 'file' needs log.file; right would be a path beside it, "
			"such "
			"as file: /var/log/weir/sessions.log");
	if (l->to != WR_CONF_LOG_FILE && l->file[0])
		return wr_settings_fail(&k->at, l->file, 0,
			"log.file: value '%.60s' is given, and log.to is '%s'; right would be to: "
			"file, or no file",
			l->file, words[l->to]);
	if (l->file[0] && (l->file[0] != '/' || l->file[strlen(l->file) - 1] == '/'))
		return wr_settings_fail(&k->at, l->file, 0,
			"log.file: value '%.60s' is not the absolute path of a file; right would "
			"be such as /var/log/weir/sessions.log",
			l->file);
	return 0;
}

int wr_conf_check_runtime(const struct wr_conf_check *k)
{
	const struct wr_conf_runtime *r = &k->c->runtime;
	int rc = check_accounts(k);

	if (rc == 0 && (r->socket_mode & 0600) != 0600)
		rc = wr_settings_fail(&k->at, &r->socket_mode, 0,
			"runtime.socket_mode: value '%04o' takes reading or writing from the "
			"socket's owner; right would be \"%04o\"",
			r->socket_mode, r->socket_mode | 0600);
	return rc == 0 ? check_log(k) : rc;
}
