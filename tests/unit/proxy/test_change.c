/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig_change.h"

// A new configuration while sessions go on: listeners, ports of backends, limits and queues follow,
// and what is left goes on as it was.

static const struct wr_service_counters *service_named(struct rig *r, const char *name)
{
	int slot = wr_conf_find_service(r->conf, name);

	assert_true(slot >= 0);
	return wr_proxy_service(r->p, (uint16_t)slot);
}

static uint32_t pairs_made(const struct rig *r)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < WR_MAX_BACKENDS; i++)
		n += r->p->pairs[i] != NULL;
	return n;
}

static void change_nothing(void **state)
{
	struct rig_config cfg = {.services = 2, .backends = 3};
	struct source_pairs *before;
	struct rig_app *a;
	struct rig r;

	rig_open(&r, &cfg);
	a = rig_connect(&r, 0, 0, 100);
	rig_settle(&r);
	before = r.p->pairs[1];
	for (int i = 0; i < 3; i++)
		rig_change(&r, NULL);
	assert_ptr_equal(r.p->pairs[1], before);
	assert_int_equal(pairs_made(&r), 3);
	assert_ptr_equal(r.p->conf, r.conf);
	assert_int_equal(rig_service(&r, 0)->sessions_total, 1);
	rig_end(&r, a);
	rig_close(&r);
}

static void change_listeners_come_and_go(void **state)
{
	for (int family = 4; family <= 6; family += 2) {
		struct rig_config cfg = {.family = family};
		struct rig_app *old, *now;
		struct wr_endpoint at;
		struct wr_conf *c;
		uint32_t id;
		struct rig r;

		rig_open(&r, &cfg);
		old = rig_connect(&r, 0, 0, 100);
		rig_settle(&r);
		at = rig_service_at(&r, 0);
		id = wr_tcp_listener_user(r.tcp, &at.addr, at.port);
		c = rig_edit(&r);
		c->services[0].listen[0] = rig_service_at(&r, 1);
		rig_change(&r, c);
		assert_int_equal(wr_proxy_service_at(r.p, &at.addr, at.port), WR_PROXY_NO_SERVICE);
		// Who had its SYN answered there is the service's still.
		assert_int_equal(proxy_service_of(r.p, id), 0);
		now = rig_connect(&r, 0, 0, 100);
		rig_settle(&r);
		assert_true(rig_refused(now));
		now = rig_connect(&r, 1, 0, 100);
		rig_settle(&r);
		assert_true(now->connected);
		assert_int_equal(rig_service(&r, 0)->sessions, 2);
		// And back, beside the other.
		c = rig_edit(&r);
		c->services[0].listen_count = 2;
		c->services[0].listen[1] = rig_service_at(&r, 0);
		rig_change(&r, c);
		assert_int_equal(wr_proxy_service_at(r.p, &at.addr, at.port), 0);
		assert_int_not_equal(wr_tcp_listener_user(r.tcp, &at.addr, at.port), id);
		rig_end(&r, rig_connect(&r, 0, 0, 100));
		rig_end(&r, old);
		rig_end(&r, now);
		assert_int_equal(rig_service(&r, 0)->completed, 3);
		rig_close(&r);
	}
}

static void change_listener_to_another_service(void **state)
{
	struct rig_config cfg = {.services = 2};
	struct rig_app *a, *b;
	struct wr_endpoint at;
	struct wr_conf *c;
	uint32_t id;
	struct rig r;

	rig_open(&r, &cfg);
	at = rig_service_at(&r, 0);
	id = wr_tcp_listener_user(r.tcp, &at.addr, at.port);
	a = rig_connect(&r, 0, 0, 100);
	rig_settle(&r);
	c = rig_edit(&r);
	c->services[0].listen[0] = rig_service_at(&r, 1);
	c->services[1].listen[0] = rig_service_at(&r, 0);
	rig_change(&r, c);
	assert_int_equal(wr_proxy_service_at(r.p, &at.addr, at.port), 1);
	assert_int_equal(proxy_service_of(r.p, id), 0);
	b = rig_connect(&r, 0, 0, 100);
	rig_settle(&r);
	assert_int_equal(rig_session(&r, a).service, 0);
	assert_int_equal(rig_session(&r, b).service, 1);
	rig_end(&r, a);
	rig_end(&r, b);
	rig_close(&r);
}

static void change_accept_mode(void **state)
{
	struct rig_config cfg = {.backends = 1};
	struct rig_app *a;
	struct wr_conf *c;
	struct rig r;

	rig_open(&r, &cfg);
	r.dead[0] = true;
	a = rig_connect(&r, 0, 0, 100);
	rig_settle(&r);
	assert_true(a->connected);
	c = rig_edit(&r);
	c->services[0].accept = WR_CONF_ACCEPT_DEFERRED;
	rig_change(&r, c);
	a = rig_connect(&r, 0, 0, 100);
	rig_settle(&r);
	assert_false(a->connected);
	rig_close(&r);
}

static void change_refused_while_stopped(void **state)
{
	struct rig_config cfg = {.backends = 1};
	struct rig_app *a;
	struct wr_conf *c;
	struct rig r;

	rig_open(&r, &cfg);
	wr_proxy_stop(r.p);
	c = rig_edit(&r);
	c->services[0].listen_count = 2;
	c->services[0].listen[1] = rig_service_at(&r, 1);
	rig_change(&r, c);
	a = rig_connect(&r, 1, 0, 100);
	rig_settle(&r);
	assert_true(rig_refused(a) && !a->connected);
	assert_int_equal(rig_service(&r, 0)->sessions_total, 0);
	rig_close(&r);
}

// A removed service's sessions live by what it was, its listeners are gone, and its slot is free
// once they have ended.
static void change_service_removed(void **state)
{
	struct rig_config cfg = {.services = 2};
	struct rig_app *idle, *busy, *late;
	struct wr_endpoint at;
	struct wr_conf *c;
	uint32_t id;
	struct rig r;

	rig_open(&r, &cfg);
	c = rig_edit(&r);
	c->services[1].idle_us = 2 * RIG_S;
	c->services[0].idle_us = 3600 * RIG_S;
	rig_change(&r, c);
	at = rig_service_at(&r, 1);
	id = wr_tcp_listener_user(r.tcp, &at.addr, at.port);
	idle = rig_connect(&r, 1, 0, 100);
	rig_run(&r, RIG_S);
	busy = rig_connect(&r, 1, 0, 100);
	rig_settle(&r);
	c = rig_edit(&r);
	c->services[1].slot = WR_CONF_VACANT;
	rig_change(&r, c);
	assert_int_equal(r.conf->services[1].slot, WR_CONF_LEAVING);
	assert_non_null(wr_proxy_service(r.p, 1));
	assert_int_equal(wr_proxy_service_sessions(r.p, 1), 2);
	assert_int_equal(proxy_service_of(r.p, id), WR_PROXY_NO_SERVICE);
	late = rig_connect(&r, 1, 0, 100);
	rig_settle(&r);
	assert_true(rig_refused(late));
	rig_run(&r, 1100 * RIG_MS);
	assert_true(idle->closed);
	assert_false(busy->closed);
	assert_int_equal(rig_service(&r, 1)->timeouts, 1);
	rig_change(&r, NULL);
	assert_int_equal(r.conf->services[1].slot, WR_CONF_LEAVING);
	rig_end(&r, busy);
	rig_change(&r, NULL);
	assert_null(wr_proxy_service(r.p, 1));
	assert_int_equal(r.conf->service_count, 1);
	// Another one gets the slot, and nothing of what it counted.
	c = rig_edit(&r);
	rig_add_service(&r, c, "new", 1, 0);
	rig_change(&r, c);
	assert_int_equal(wr_conf_find_service(r.conf, "new"), 1);
	assert_int_equal(rig_service(&r, 1)->sessions_total + rig_service(&r, 1)->timeouts, 0);
	assert_int_equal(wr_proxy_service_at(r.p, &at.addr, at.port), 1);
	rig_end(&r, rig_connect(&r, 1, 0, 100));
	assert_int_equal(service_named(&r, "new")->completed, 1);
	rig_close(&r);
}

static void change_backends_come_and_go(void **state)
{
	for (int family = 4; family <= 6; family += 2) {
		struct rig_config cfg = {.family = family, .backends = 1};
		struct rig_app *a[20], *stays;
		struct wr_conf *c;
		uint32_t there = 0;
		struct rig r;

		rig_open(&r, &cfg);
		rig_listen(&r, 2, true);
		stays = rig_connect(&r, 0, 0, 100);
		rig_settle(&r);
		c = rig_edit(&r);
		rig_add_backend(&r, c, 0, 2);
		rig_change(&r, c);
		assert_int_equal(pairs_made(&r), 2);
		assert_int_equal(r.p->pairs[1]->sources, 1);
		for (int i = 0; i < 20; i++)
			a[i] = rig_connect(&r, 0, (uint32_t)i, 100);
		rig_settle(&r);
		for (int i = 0; i < 20; i++)
			there += rig_session(&r, a[i]).backend == 1;
		assert_in_range(there, 1, 19);
		// Without it again: its sessions stay, new ones go elsewhere.
		c = rig_edit(&r);
		c->pools[0].backends[1].slot = WR_CONF_VACANT;
		rig_change(&r, c);
		assert_int_equal(wr_backends_get(r.backends, 1)->slot, WR_CONF_LEAVING);
		assert_int_equal(pairs_made(&r), 2);
		rig_end(&r, rig_connect(&r, 0, 0, 100));
		for (int i = 0; i < 20; i++)
			rig_end(&r, a[i]);
		rig_run(&r, 50 * RIG_MS);
		rig_change(&r, NULL);
		rig_change(&r, NULL);
		assert_null(wr_backends_get(r.backends, 1));
		assert_int_equal(pairs_made(&r), 1);
		assert_false(stays->closed);
		rig_end(&r, stays);
		rig_close(&r);
	}
}

// Other sources are other ports: the backend comes again, in a slot of its own.
static void change_sources(void **state)
{
	struct rig_config cfg = {.backends = 1};
	struct rig_app *a, *b;
	struct wr_conf *c;
	struct rig r;

	rig_open(&r, &cfg);
	a = rig_connect(&r, 0, 0, 100);
	rig_settle(&r);
	c = rig_edit(&r);
	c->pools[0].source_count = 1;
	assert_int_equal(wr_addr_parse("198.18.3.1", &c->pools[0].source[0].first), 0);
	assert_int_equal(wr_addr_parse("198.18.3.4", &c->pools[0].source[0].last), 0);
	rig_change(&r, c);
	assert_int_equal(pairs_made(&r), 2);
	assert_true(r.p->pairs[0]->own);
	assert_int_equal(r.p->pairs[1]->sources, 4);
	b = rig_connect(&r, 0, 0, 100);
	rig_settle(&r);
	assert_int_equal(rig_session(&r, a).backend, 0);
	assert_int_equal(rig_session(&r, b).backend, 1);
	rig_end(&r, a);
	rig_end(&r, b);
	rig_close(&r);
}

static void change_too_many_pairs(void **state)
{
	struct rig_config cfg = {.backends = 1};
	struct wr_err err = {0};
	struct wr_conf *c;
	struct rig r;

	rig_open(&r, &cfg);
	c = rig_edit(&r);
	c->pools[0].source_count = 1;
	assert_int_equal(wr_addr_parse("198.18.3.0", &c->pools[0].source[0].first), 0);
	assert_int_equal(wr_addr_parse("198.18.5.0", &c->pools[0].source[0].last), 0);
	assert_null(wr_proxy_change_create(r.p, c, &err));
	assert_non_null(strstr(err.text, "more than 256 source addresses"));
	wr_conf_free(c);
	rig_end(&r, rig_connect(&r, 0, 0, 100));
	rig_close(&r);
}

// A change that is given up leaves nothing behind.
static void change_given_up(void **state)
{
	struct rig_config cfg = {.backends = 1};
	struct wr_proxy_change *ch;
	struct wr_err err = {0};
	struct wr_conf *c;
	struct rig r;

	rig_open(&r, &cfg);
	c = rig_edit(&r);
	rig_add_backend(&r, c, 0, 2)->id = 1;
	c->services[0].listen[0] = rig_service_at(&r, 1);
	ch = wr_proxy_change_create(r.p, c, &err);
	assert_non_null(ch);
	wr_proxy_change_destroy(ch);
	wr_proxy_change_destroy(NULL);
	wr_conf_free(c);
	assert_int_equal(pairs_made(&r), 1);
	rig_end(&r, rig_connect(&r, 0, 0, 100));
	rig_change(&r, NULL);
	rig_end(&r, rig_connect(&r, 0, 0, 100));
	rig_close(&r);
}

// --- limits
// ---------------------------------------------------------------------------------------

// Limits of connections that come and go count nobody twice, and nobody for ever.
static void change_limits_of_connections(void **state)
{
	struct rig_config cfg = {.backends = 1};
	struct rig_app *before, *counted, *after;
	struct wr_conf *c;
	struct rig r;

	rig_open(&r, &cfg);
	before = rig_connect(&r, 0, 0, 100);
	rig_settle(&r);
	c = rig_edit(&r);
	c->limit.connections = 10;
	c->services[0].limit.connections = 1;
	c->services[0].client.connections = 5;
	rig_change(&r, c);
	assert_non_null(r.shared->clients);
	counted = rig_connect(&r, 0, 0, 100);
	rig_settle(&r);
	assert_false(counted->closed);
	after = rig_connect(&r, 0, 0, 100);
	rig_settle(&r);
	assert_true(rig_refused(after));
	assert_int_equal(r.shared->limits[0].connections, 1);
	assert_int_equal(r.shared->limits[1].connections, 1);
	// Those that nobody counted leave as such.
	rig_end(&r, before);
	assert_int_equal(r.shared->limits[0].connections, 1);
	c = rig_edit(&r);
	c->services[0].limit.connections = 0;
	c->limit.connections = 0;
	rig_change(&r, c);
	after = rig_connect(&r, 0, 0, 100);
	rig_settle(&r);
	assert_false(after->closed);
	rig_end(&r, counted);
	assert_int_equal(r.shared->limits[0].connections, 0);
	assert_int_equal(r.shared->limits[1].connections, 0);
	rig_end(&r, after);
	rig_close(&r);
}

static void change_pressure_off(void **state)
{
	struct rig_config cfg = {.backends = 1};
	struct wr_conf *c;
	struct rig r;

	rig_open(&r, &cfg);
	wr_proxy_set_pressure(r.p, 3);
	c = rig_edit(&r);
	c->pressure.enabled = false;
	rig_change(&r, c);
	assert_int_equal(r.p->level, 0);
	rig_close(&r);
}

// --- by chance
// ------------------------------------------------------------------------------------

#define CHANGES   1000
#define ADDRESSES 8 // of services and of backends
#define CLIENTS   96

struct chance {
	struct rig r;
	struct wr_rng rng;
	struct rig_app *client[CLIENTS];
	uint32_t at_address[ADDRESSES]; // service's number by address, 0: nobody
	uint64_t opened, refused;
};

static uint32_t below(struct chance *k, uint32_t n)
{
	return wr_rng_below(&k->rng, n);
}

static bool address_is_taken(const struct rig *r, const struct wr_conf *c, uint32_t n)
{
	struct wr_endpoint at = rig_service_at(r, n);

	for (uint32_t i = 0; i < c->service_count; i++)
		for (uint32_t l = 0; l < c->services[i].listen_count; l++)
			if (c->services[i].slot == WR_CONF_LIVE &&
				wr_addr_eq(&c->services[i].listen[l].addr, &at.addr))
				return true;
	return false;
}

static void toggle_service(struct chance *k, struct wr_conf *c, uint32_t pool)
{
	uint32_t n = below(k, ADDRESSES);
	char name[16];
	int slot;

	snprintf(name, sizeof(name), "t%u", n);
	slot = wr_conf_find_service(c, name);
	if (slot >= 0 && c->services[slot].slot == WR_CONF_LIVE)
		c->services[slot].slot = WR_CONF_VACANT;
	else if (!address_is_taken(&k->r, c, n) && c->service_count < WR_MAX_SERVICES)
		rig_add_service(&k->r, c, name, n, pool);
}

static void toggle_backend(struct chance *k, struct wr_conf *c, uint32_t pool)
{
	struct wr_conf_pool *pc = &c->pools[pool];
	uint32_t n = below(k, ADDRESSES), live = 0;
	char name[16];

	snprintf(name, sizeof(name), "b%u", n);
	for (uint32_t i = 0; i < pc->backend_count; i++)
		live += pc->backends[i].slot == WR_CONF_LIVE;
	for (uint32_t i = 0; i < pc->backend_count; i++) {
		struct wr_conf_backend *bc = &pc->backends[i];

		if (bc->slot != WR_CONF_LIVE || strcmp(bc->name, name) != 0)
			continue;
		if (below(k, 2) == 0)
			bc->max_connections = below(k, 4);
		else if (live > 1)
			bc->slot = WR_CONF_VACANT;
		return;
	}
	rig_add_backend(&k->r, c, pool, n)->max_connections = below(k, 3) * below(k, 5);
}

// Two pools that stay, and anything else.
static void edit(struct chance *k, struct wr_conf *c)
{
	uint32_t pool = below(k, 2), i = below(k, c->service_count);
	struct wr_conf_service *sv = &c->services[i];

	switch (below(k, 8)) {
	case 0:
	case 1:
		toggle_service(k, c, pool);
		break;
	case 2:
	case 3:
		toggle_backend(k, c, pool);
		break;
	case 4:
		c->pools[pool].max_connections = below(k, 2) * (1 + below(k, 10));
		break;
	case 5:
		sv->pool = pool;
		sv->wait_sessions = 1 + below(k, 20);
		sv->wait_time_us = (1 + below(k, 50)) * RIG_MS;
		break;
	case 6:
		sv->limit.connections = below(k, 2) * (1 + below(k, 20));
		sv->client.connections = below(k, 2) * (1 + below(k, 20));
		c->limit.connections = below(k, 2) * (1 + below(k, 60));
		break;
	default:
		sv->accept = below(k, 2) ? WR_CONF_ACCEPT_EAGER : WR_CONF_ACCEPT_DEFERRED;
		c->pools[pool].source_count = below(k, 2);
		assert_int_equal(wr_addr_parse("198.18.3.1", &c->pools[pool].source[0].first), 0);
		assert_int_equal(wr_addr_parse("198.18.3.3", &c->pools[pool].source[0].last), 0);
	}
}

static void client_turn(struct chance *k, uint32_t i)
{
	struct rig_app *a = k->client[i];

	if (a == NULL) {
		if (k->r.apps + CLIENTS >= RIG_APPS / 2)
			return;
		k->client[i] = rig_connect(&k->r, (uint16_t)below(k, ADDRESSES), below(k, 6), 500);
		k->opened++;
		return;
	}
	if (!a->closed && below(k, 3) == 0)
		rig_reset(&k->r, a);
	else if (!a->closed)
		rig_fin(&k->r, a);
	k->refused += a->closed && rig_refused(a);
	k->client[i] = NULL;
}

// What holds at any time: counts agree with what a walk of the sessions finds.
static void consistent(struct chance *k)
{
	uint32_t of_service[WR_MAX_SERVICES] = {0}, waiting[WR_MAX_POOLS] = {0};
	struct wr_proxy *p = k->r.p;

	for (uint32_t i = 0; i < p->sessions.capacity; i++) {
		const struct session *s = session_at(p, i);

		if (wr_pool_handle_at(&p->sessions, i) == WR_HANDLE_NONE)
			continue;
		of_service[s->service]++;
		assert_int_not_equal(p->conf->services[s->service].slot, WR_CONF_VACANT);
		if (s->state == WR_SESSION_PENDING)
			waiting[p->conf->services[s->service].pool]++;
		if (s->placed)
			assert_non_null(wr_backends_get(k->r.backends, s->backend));
		if (s->placed)
			assert_non_null(p->pairs[s->backend]);
	}
	for (uint32_t i = 0; i < WR_MAX_SERVICES; i++)
		assert_int_equal(wr_proxy_service_sessions(p, (uint16_t)i), of_service[i]);
	for (uint32_t i = 0; i < WR_MAX_POOLS; i++)
		assert_int_equal(p->pool_waiting[i], waiting[i]);
	for (uint32_t i = 0; i < ADDRESSES; i++) {
		struct wr_endpoint at = rig_service_at(&k->r, i);
		uint16_t service = wr_proxy_service_at(p, &at.addr, at.port);

		assert_int_equal(
			address_is_taken(&k->r, p->conf, i), service != WR_PROXY_NO_SERVICE);
	}
}

static void begin(struct chance *k, int family)
{
	struct rig_config cfg = {.family = family, .services = 1, .backends = 2};
	struct wr_conf *c;

	rig_open(&k->r, &cfg);
	for (uint32_t i = 2; i < ADDRESSES; i++)
		rig_listen(&k->r, i, true);
	c = rig_edit(&k->r);
	rig_add_pool(c, "other");
	rig_add_backend(&k->r, c, 1, 2);
	c->services[0].header_us = RIG_S;
	rig_change(&k->r, c);
}

static void by_chance(int family, uint64_t seed)
{
	struct chance *k = calloc(1, sizeof(*k));

	assert_non_null(k);
	wr_rng_init(&k->rng, seed);
	begin(k, family);
	for (uint32_t n = 0; n < CHANGES; n++) {
		struct wr_conf *c = rig_edit(&k->r);

		for (uint32_t i = below(k, 3); i <= 3; i++)
			edit(k, c);
		rig_change(&k->r, c);
		for (uint32_t i = below(k, 12); i > 0; i--)
			client_turn(k, below(k, CLIENTS));
		// Some are on their way when the next change comes.
		if (below(k, 4) > 0)
			rig_run(&k->r, below(k, 3) * RIG_MS);
		if (n % 8 == 0)
			consistent(k);
	}
	assert_true(k->opened > CHANGES);
	assert_true(rig_ctr(&k->r, WR_CTR_sessions_opened) > CHANGES);
	assert_true(rig_ctr(&k->r, WR_CTR_pending_begun) > 0);
	rig_close(&k->r);
	free(k);
}

static void change_by_chance(void **state)
{
	by_chance(4, 1);
}

static void change_by_chance_v6(void **state)
{
	by_chance(6, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(change_nothing),
		cmocka_unit_test(change_listeners_come_and_go),
		cmocka_unit_test(change_listener_to_another_service),
		cmocka_unit_test(change_accept_mode),
		cmocka_unit_test(change_refused_while_stopped),
		cmocka_unit_test(change_service_removed),
		cmocka_unit_test(change_backends_come_and_go),
		cmocka_unit_test(change_sources),
		cmocka_unit_test(change_too_many_pairs),
		cmocka_unit_test(change_given_up),
		cmocka_unit_test(change_limits_of_connections),
		cmocka_unit_test(change_pressure_off),
		cmocka_unit_test(change_by_chance),
		cmocka_unit_test(change_by_chance_v6),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
