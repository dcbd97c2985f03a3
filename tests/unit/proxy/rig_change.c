/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig_change.h"

#include "wr_conf_plan.h"

static bool service_used(void *arg, uint16_t slot)
{
	return wr_proxy_service_sessions(((struct rig *)arg)->p, slot) > 0;
}

static bool pool_used(void *arg, uint16_t slot)
{
	return wr_backends_pool_used(((struct rig *)arg)->backends, slot);
}

static bool backend_used(void *arg, uint16_t id)
{
	return wr_backends_backend_used(((struct rig *)arg)->backends, id);
}

struct wr_conf *rig_edit(const struct rig *r)
{
	struct wr_conf *c = wr_conf_copy(r->conf);

	assert_non_null(c);
	return c;
}

static void must(const struct wr_err *err, bool done)
{
	if (!done)
		fail_msg("%s", err->text);
}

void rig_change(struct rig *r, struct wr_conf *fresh)
{
	struct wr_conf_use use = {service_used, pool_used, backend_used, r};
	static const uint64_t key[2] = {5, 6};
	struct wr_proxy_change *ch;
	struct wr_err err = {0};

	if (fresh == NULL)
		fresh = rig_edit(r);
	must(&err, wr_conf_plan(fresh, r->conf, &use, &err) == 0);
	must(&err, wr_backends_prepare(r->backends, fresh, &err) == 0);
	must(&err, wr_proxy_shared_prepare(r->shared, fresh, key, SOCKET_ID_ANY, &err) == 0);
	ch = wr_proxy_change_create(r->p, fresh, &err);
	must(&err, ch != NULL);
	wr_proxy_adopt(r->p, ch, r->now);
	must(change_err(ch), change_err(ch) == NULL);
	wr_backends_commit(r->backends, fresh, r->now);
	must(&err, wr_proxy_shared_commit(r->shared, r->conf, fresh, &err) == 0);
	wr_proxy_change_destroy(ch);
	wr_conf_free(r->conf);
	r->conf = fresh;
	wr_backends_flush(r->backends, r->now);
}

static struct wr_endpoint numbered(const struct rig *r, const char *v4, const char *v6, uint32_t n)
{
	struct wr_endpoint e = {.port = 80};
	char text[64];

	snprintf(text, sizeof(text), r->cfg.family == 6 ? v6 : v4, n);
	assert_int_equal(wr_addr_parse(text, &e.addr), 0);
	return e;
}

struct wr_endpoint rig_service_at(const struct rig *r, uint32_t n)
{
	return numbered(r, "198.18.2.%u", "2001:db8:2::%u", 100 + n);
}

struct wr_conf_service *rig_add_service(
	const struct rig *r, struct wr_conf *c, const char *name, uint32_t n, uint32_t pool)
{
	const struct wr_conf_service *like = &c->services[0];
	struct wr_conf_service *sv = &c->services[c->service_count++];

	*sv = *like;
	sv->sources = NULL;
	sv->source_count = 0;
	sv->slot = WR_CONF_LIVE;
	snprintf(sv->name, sizeof(sv->name), "%s", name);
	sv->listen_count = 1;
	sv->listen[0] = rig_service_at(r, n);
	sv->pool = pool;
	return sv;
}

struct wr_conf_pool *rig_add_pool(struct wr_conf *c, const char *name)
{
	struct wr_conf_pool *pc = &c->pools[c->pool_count++];

	*pc = c->pools[0];
	snprintf(pc->name, sizeof(pc->name), "%s", name);
	pc->slot = WR_CONF_LIVE;
	pc->backends = NULL;
	pc->backend_count = 0;
	pc->max_connections = 0;
	return pc;
}

struct wr_conf_backend *rig_add_backend(
	const struct rig *r, struct wr_conf *c, uint32_t pool, uint32_t n)
{
	struct wr_conf_pool *pc = &c->pools[pool];
	struct wr_conf_backend *bc;

	pc->backends = realloc(pc->backends, (pc->backend_count + 1) * sizeof(*bc));
	assert_non_null(pc->backends);
	bc = &pc->backends[pc->backend_count++];
	*bc = (struct wr_conf_backend){.weight = 1, .slot = WR_CONF_LIVE};
	snprintf(bc->name, sizeof(bc->name), "b%u", n);
	bc->address = numbered(r, "198.18.1.%u", "2001:db8:1::%u", 20 + n);
	return bc;
}
