/* SPDX-License-Identifier: BSD-3-Clause */

// Edits of the configuration, as operators ask for them one by one: they gather in a copy, which
// reload.c takes over as one change.

#include "ctl_priv.h"

#include <errno.h>
#include <string.h>

// The configuration that edits go into: what is in force, or about to be, and the edits before.
static struct wr_conf *edited(struct wr_ctl *c, struct wr_err *err)
{
	struct wr_reload *r = c->reload;

	if (r->edited == NULL) {
		r->edited = wr_conf_copy(r->fresh != NULL ? r->fresh : c->conf);
		r->edited_us = c->now_us;
		r->edits = 0;
	}
	if (r->edited == NULL)
		wr_err_set(err, ENOMEM, "out of memory for an edited configuration");
	return r->edited;
}

static int edit_done(struct wr_ctl *c, int rc)
{
	struct wr_reload *r = c->reload;

	if (rc == 0)
		r->edits++;
	if (r->edits == 0) {
		wr_conf_free(r->edited);
		r->edited = NULL;
	}
	return rc;
}

int wr_ctl_edit_add(
	struct wr_ctl *c, const char *pool, const struct wr_conf_backend *b, struct wr_err *err)
{
	struct wr_conf *conf = edited(c, err);

	return conf == NULL ? -ENOMEM : edit_done(c, wr_conf_add_backend(conf, pool, b, err));
}

int wr_ctl_edit_remove(
	struct wr_ctl *c, const char *pool, const char *name, wr_us_t drain, struct wr_err *err)
{
	struct wr_conf *conf = edited(c, err);

	return conf == NULL
	               ? -ENOMEM
	               : edit_done(c, wr_conf_remove_backend_within(conf, pool, name, drain, err));
}

int wr_ctl_edit_may_remove(struct wr_ctl *c, const char *pool, const char *name, struct wr_err *err)
{
	const struct wr_reload *r = c->reload;
	struct wr_conf *conf = wr_conf_copy(r->edited ? r->edited : r->fresh ? r->fresh : c->conf);
	int rc;

	if (conf == NULL)
		return wr_err_set(err, ENOMEM, "out of memory for an edited configuration");
	rc = wr_conf_remove_backend(conf, pool, name, err);
	wr_conf_free(conf);
	return rc;
}

int wr_ctl_edit_limit(
	struct wr_ctl *c, const char *pool, const char *name, uint32_t limit, struct wr_err *err)
{
	struct wr_conf *conf = edited(c, err);

	return conf == NULL ? -ENOMEM
	                    : edit_done(c, wr_conf_limit_connections(conf, pool, name, limit, err));
}

// A limit was put in force at once: back to the configured one.
void wr_edits_drop(struct wr_ctl *c)
{
	const struct wr_conf_backend *row[WR_MAX_BACKENDS] = {NULL};
	struct wr_conf *e = c->reload->edited;

	c->reload->edited = NULL;
	c->reload->edits = 0;
	for (uint32_t i = 0; e != NULL && i < e->pool_count; i++)
		for (uint32_t k = 0; k < e->pools[i].backend_count; k++)
			row[e->pools[i].backends[k].id] = &e->pools[i].backends[k];
	for (uint16_t i = 0; e != NULL && i < RTE_MIN(e->pool_count, c->conf->pool_count); i++) {
		const struct wr_conf_pool *p = &c->conf->pools[i];

		if (p->slot != WR_CONF_LIVE || strcmp(p->name, e->pools[i].name) != 0)
			continue;
		if (p->max_connections != e->pools[i].max_connections)
			wr_proxy_shared_limit(c->shared, i, WR_BACKEND_NONE, p->max_connections);
		for (uint32_t k = 0; k < p->backend_count; k++) {
			const struct wr_conf_backend *b = &p->backends[k];

			if (b->slot == WR_CONF_LIVE && row[b->id] != NULL &&
				b->max_connections != row[b->id]->max_connections)
				wr_proxy_shared_limit(c->shared, i, b->id, b->max_connections);
		}
	}
	wr_conf_free(e);
}
