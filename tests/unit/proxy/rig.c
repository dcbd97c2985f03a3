/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

#include "wr_build.h"
#include "wr_mempool.h"
#include "wr_parse.h"

#define PEER_BUFS  32767
#define RX_BUFS    24575
#define SMALL_BUFS 32767
#define CHUNK      1400u // of what applications send
#define BURST      64
#define ROUNDS_MAX 100000
#define READY_TURN 96 // as the worker's
#define RECORDS    4096

static struct rte_mempool *pool(const char *name, uint32_t n, uint16_t room)
{
	struct rte_mempool *m = rte_mempool_lookup(name);

	if (m == NULL)
		m = rte_pktmbuf_pool_create(name, n, 0, WR_MBUF_PRIV_SIZE, room, SOCKET_ID_ANY);
	assert_non_null(m);
	assert_int_equal(rte_mempool_in_use_count(m), 0);
	return m;
}

static struct wr_addr address(const char *text)
{
	struct wr_addr a;

	assert_int_equal(wr_addr_parse(text, &a), 0);
	return a;
}

static struct wr_addr numbered(const struct rig *r, const char *v4, const char *v6, uint32_t n)
{
	char text[64];

	snprintf(text, sizeof(text), r->cfg.family == 6 ? v6 : v4, n);
	return address(text);
}

struct wr_addr rig_client_addr(const struct rig *r, uint32_t from)
{
	return numbered(r, "198.18.0.%u", "2001:db8:0:%u::1", 2 + from);
}

static struct wr_endpoint service_at(const struct rig *r, uint32_t i)
{
	return (struct wr_endpoint){numbered(r, "198.18.2.%u", "2001:db8:2::%u", 100 + i), 80};
}

static struct wr_endpoint backend_at(const struct rig *r, uint32_t i)
{
	return (struct wr_endpoint){numbered(r, "198.18.1.%u", "2001:db8:1::%u", 20 + i), 80};
}

static void configure(struct rig *r)
{
	struct wr_conf *c = calloc(1, sizeof(*c));
	struct wr_conf_pool *pc = &c->pools[0];

	r->conf = c;
	c->pressure.enabled = true;
	c->pressure.stall_us = 30 * RIG_S;
	c->pressure.evictions = 4;
	c->pressure.clients = 1024;
	c->port_count = 1;
	snprintf(c->ports[0].name, sizeof(c->ports[0].name), "p");
	c->service_count = r->cfg.services;
	for (uint32_t i = 0; i < c->service_count; i++) {
		struct wr_conf_service *sv = &c->services[i];

		snprintf(sv->name, sizeof(sv->name), "s%u", i);
		sv->listen_count = 1;
		sv->listen[0] = service_at(r, i);
		sv->accept = r->cfg.deferred ? WR_CONF_ACCEPT_DEFERRED : WR_CONF_ACCEPT_EAGER;
		sv->connect_us = 3 * RIG_S;
		sv->idle_us = 300 * RIG_S;
		sv->half_closed_us = 3600 * RIG_S;
		sv->close_us = 10 * RIG_S;
		sv->class = 4;
		sv->wait_sessions = 1024;
		sv->wait_time_us = RIG_S;
		sv->wait_target_us = 50 * RIG_MS;
		sv->client_prefix_v4 = 32;
		sv->client_prefix_v6 = 64;
		sv->header_us = 3 * RIG_S;
		sv->log = true;
	}
	c->log.to = WR_CONF_LOG_JOURNAL;
	c->pool_count = 1;
	snprintf(pc->name, sizeof(pc->name), "pool");
	pc->retries = 3;
	pc->backup = -1;
	pc->tunnel = -1;
	pc->hash_prefix_v4 = 24;
	pc->hash_prefix_v6 = 56;
	pc->bound_percent = 125;
	pc->backend_count = r->cfg.backends;
	pc->backends = calloc(pc->backend_count, sizeof(*pc->backends));
	for (uint32_t i = 0; i < pc->backend_count; i++) {
		snprintf(pc->backends[i].name, sizeof(pc->backends[i].name), "b%u", i);
		pc->backends[i].address = backend_at(r, i);
		pc->backends[i].weight = 1;
		pc->backends[i].id = (uint16_t)i;
	}
	if (r->cfg.tune != NULL)
		r->cfg.tune(c);
}

static struct wr_tcp_stack *stack(struct rig *r, bool peer)
{
	struct wr_tcp_config c = {.max_conns = peer ? RIG_APPS : r->cfg.max_sessions * 3 + 64,
		.max_half_open = peer ? RIG_APPS : r->cfg.max_sessions,
		.held_budget = peer ? PEER_BUFS / 2 : r->cfg.held_budget,
		.held_reserve = 64,
		.time_wait_us = RIG_MS, // sequence numbers do not wrap here
		.small = peer ? r->peer_small : r->small,
		.stats = peer ? &r->peer_stats : &r->stats,
		.secret = {1, 2, 3, peer},
		.seed = 7u + peer,
		.numa_node = SOCKET_ID_ANY};
	struct wr_tcp_stack *s = wr_tcp_stack_create(&c, r->now);

	assert_non_null(s);
	return s;
}

static void net_create(struct rig *r)
{
	struct wr_l3_port port = {.mtu = 1500, .addr_count = 2};
	struct wr_l3_config c = {.port_count = 1, .ports = &port};
	struct wr_err err = {0};

	assert_int_equal(wr_prefix_parse("198.18.0.1/15", &port.addr[0]), 0);
	assert_int_equal(wr_prefix_parse("2001:db8::1/32", &port.addr[1]), 0);
	r->l3 = wr_l3_net_create(&c, 1, r->now, &err);
	if (r->l3 == NULL)
		fail_msg("%s", err.text);
}

static void proxy_create(struct rig *r)
{
	static const struct wr_rss *const no_rss[WR_MAX_PORTS];
	static const uint64_t key[2] = {5, 6};
	struct wr_err err = {0};
	struct wr_proxy_config pc = {.conf = r->conf,
		.tcp = r->tcp,
		.small = r->small,
		.l3 = r->l3,
		.port_rss = no_rss,
		.worker = r->cfg.worker,
		.workers = r->cfg.workers,
		.max_sessions = r->cfg.max_sessions,
		.max_probes = 4,
		.snd_buf_bytes = 128 << 10,
		.rcv_buf_max_bytes = 128 << 10,
		.snd_buf_max_bytes = 128 << 10,
		.stats = &r->stats,
		.events = r->events,
		.records = r->records,
		.seed = 3,
		.numa_node = SOCKET_ID_ANY};

	r->backends = wr_backends_create(r->conf, r->cfg.workers, 9, &err);
	if (r->backends == NULL)
		fail_msg("%s", err.text);
	r->shared = wr_proxy_shared_create(
		r->conf, r->backends, r->cfg.workers, key, SOCKET_ID_ANY, &err);
	if (r->shared == NULL)
		fail_msg("%s", err.text);
	pc.backends = r->backends;
	pc.shared = r->shared;
	r->p = wr_proxy_create(&pc, r->now, &err);
	if (r->p == NULL)
		fail_msg("%s", err.text);
}

void rig_open(struct rig *r, const struct rig_config *cfg)
{
	memset(r, 0, sizeof(*r));
	r->cfg = *cfg;
	r->cfg.family = cfg->family != 0 ? cfg->family : 4;
	r->cfg.backends = cfg->backends != 0 ? cfg->backends : 2;
	r->cfg.services = cfg->services != 0 ? cfg->services : 1;
	r->cfg.max_sessions = cfg->max_sessions != 0 ? cfg->max_sessions : 256;
	r->cfg.held_budget = cfg->held_budget != 0 ? cfg->held_budget : 4000;
	r->cfg.workers = cfg->workers != 0 ? cfg->workers : 1;
	r->now = 10 * RIG_S;
	r->next_tick = r->now;
	r->next_port = 1024;
	wr_test_eal_init();
	r->rx = pool("rig_rx", RX_BUFS, WR_RX_DATAROOM);
	r->small = pool("rig_small", SMALL_BUFS, WR_SMALL_DATAROOM);
	r->peer_rx = pool("rig_peer_rx", PEER_BUFS, WR_RX_DATAROOM);
	r->peer_small = pool("rig_peer_small", SMALL_BUFS, WR_SMALL_DATAROOM);
	r->app = calloc(RIG_APPS, sizeof(*r->app));
	r->events = wr_event_ring_create(1024, SOCKET_ID_ANY);
	assert_non_null(r->events);
	r->records = wr_record_ring_create(RECORDS, SOCKET_ID_ANY);
	assert_non_null(r->records);
	configure(r);
	net_create(r);
	r->tcp = stack(r, false);
	r->peer = stack(r, true);
	proxy_create(r);
	for (uint32_t i = 0; i < r->cfg.backends; i++)
		rig_listen(r, i, true);
	rig_settle(r);
}

void rig_listen(struct rig *r, uint32_t backend, bool on)
{
	struct wr_endpoint at = backend_at(r, backend);
	struct wr_tcp_listen_opts o = {.user = backend};

	assert_int_equal(on ? wr_tcp_listen(r->peer, &at, &o) : wr_tcp_unlisten(r->peer, &at), 0);
}

// --- the link ---------------------------------------------------------------------------------

static bool is_dead(const struct rig *r, const struct wr_addr *a)
{
	for (uint32_t i = 0; i < r->cfg.backends; i++) {
		struct wr_endpoint at = backend_at(r, i);

		if (r->dead[i] && wr_addr_eq(a, &at.addr))
			return true;
	}
	return false;
}

static void carry(struct rig *r, struct rte_mbuf *m, bool to_peer)
{
	struct rte_mbuf *n = rte_pktmbuf_alloc(to_peer ? r->peer_rx : r->rx);
	struct wr_pkt k;
	char *to;

	wr_build_finish_csum(m);
	if (n != NULL) { // else lost, as at a NIC without buffers
		to = rte_pktmbuf_append(n, (uint16_t)m->pkt_len);
		assert_non_null(to);
		for (const struct rte_mbuf *s = m; s != NULL; to += s->data_len, s = s->next)
			memcpy(to, rte_pktmbuf_mtod(s, const void *), s->data_len);
		wr_parse_frame(&k, n, WR_PARSE_F_NO_L2);
		assert_int_equal(k.kind, WR_PKT_TCP);
		if (is_dead(r, to_peer ? &k.t.local : &k.t.remote))
			rte_pktmbuf_free(n);
		else
			wr_tcp_input_burst(to_peer ? r->peer : r->tcp, &k, 1, r->now);
	}
	rte_pktmbuf_free(m);
}

static bool flush(struct rig *r, bool peer)
{
	struct rte_mbuf *pkts[BURST];
	struct wr_tcp_tx tx = {pkts, 0, BURST};

	wr_tcp_output(peer ? r->peer : r->tcp, &tx, BURST, r->now);
	for (uint16_t i = 0; i < tx.count; i++)
		carry(r, pkts[i], !peer);
	return tx.count > 0;
}

// --- applications -----------------------------------------------------------------------------

static struct rig_app *app_get(struct rig *r, wr_handle_t h)
{
	struct rig_app *a = &r->app[r->apps++];

	assert_true(r->apps <= RIG_APPS);
	*a = (struct rig_app){.used = true, .h = h};
	wr_tcp_set_user(r->peer, h, r->apps); // one more than its index
	return a;
}

static void app_send(struct rig *r, struct rig_app *a)
{
	uint32_t space = wr_tcp_send_space(r->peer, a->h);
	struct wr_mq q = {0};

	// Small buffers: what is read back must find room in the others.
	while (a->sent < a->to_send && q.bytes < space) {
		uint32_t n = (uint32_t)RTE_MIN(a->to_send - a->sent, (uint64_t)CHUNK);
		struct rte_mbuf *m = rte_pktmbuf_alloc(n > 500 ? r->peer_rx : r->peer_small);

		if (m == NULL)
			break;
		memset(rte_pktmbuf_append(m, (uint16_t)n), 'x', n);
		wr_mq_append(&q, m);
		a->sent += n;
	}
	if (q.count > 0)
		wr_tcp_write(r->peer, a->h, &q, r->now);
}

static void keep_first(struct rig_app *a, const struct wr_mq *q)
{
	uint64_t at = a->got;
	struct rte_mbuf *m;

	wr_mq_foreach (m, q) {
		if (at >= RIG_FIRST)
			return;
		memcpy(a->first + at, rte_pktmbuf_mtod(m, const void *),
			RTE_MIN((uint64_t)m->data_len, RIG_FIRST - at));
		at += m->data_len;
	}
}

static void app_turn(struct rig *r, struct rig_app *a)
{
	struct wr_mq q = {0};

	if (!a->deaf) {
		uint32_t n = wr_tcp_read(r->peer, a->h, &q, UINT32_MAX, r->now);

		keep_first(a, &q);
		a->got += n;
		wr_tcp_free_mq(r->peer, &q, WR_DROP_NONE);
		a->eof = a->eof || wr_tcp_eof(r->peer, a->h);
	}
	if (a->connected && !a->closed && a->sent < a->to_send)
		app_send(r, a);
	// A backend ends its stream behind its client's.
	if (!a->client && a->eof && a->sent == a->to_send)
		wr_tcp_shutdown(r->peer, a->h, r->now);
}

static void app_event(struct rig *r, const struct wr_tcp_ready *e)
{
	struct rig_app *a;

	if (e->user == 0) {
		a = app_get(r, e->conn);
		a->backend = (uint16_t)e->listener;
		a->to_send = r->bulk;
		a->deaf = r->backend_deaf;
	} else {
		a = &r->app[e->user - 1];
	}
	if (e->events & (WR_TCP_EV_ACCEPTED | WR_TCP_EV_CONNECTED))
		a->connected = true;
	if (e->events & WR_TCP_EV_CLOSED) {
		a->closed = true;
		a->end = wr_tcp_end(r->peer, a->h);
	}
	app_turn(r, a);
	if (a->closed) {
		wr_tcp_release(r->peer, a->h, r->now);
		a->h = WR_HANDLE_NONE;
	}
}

struct rig_app *rig_connect(struct rig *r, uint16_t service, uint32_t from, uint64_t to_send)
{
	struct wr_endpoint at = service_at(r, service);
	struct wr_tuple t = {rig_client_addr(r, from), at.addr, r->next_port++, at.port};
	struct wr_tcp_connect_opts o = {.opts = WR_TCPOPT_WSCALE | WR_TCPOPT_SACKOK | WR_TCPOPT_TS,
		.rcv_buf_bytes = r->client_rcv_buf};
	struct rig_app *a;
	wr_handle_t h;

	assert_int_equal(wr_tcp_connect(r->peer, &t, &o, r->now, &h), 0);
	a = app_get(r, h);
	a->client = true;
	a->to_send = to_send;
	return a;
}

struct rig_app *rig_backend_end(struct rig *r)
{
	for (uint32_t i = r->apps; i > 0; i--)
		if (!r->app[i - 1].client)
			return &r->app[i - 1];
	fail_msg("no backend was connected to");
	return NULL;
}

void rig_send(struct rig *r, struct rig_app *a, const void *data, uint32_t len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(r->peer_rx);
	struct wr_mq q = {0};

	assert_non_null(m);
	memcpy(rte_pktmbuf_append(m, (uint16_t)len), data, len);
	wr_mq_append(&q, m);
	assert_int_equal(wr_tcp_write(r->peer, a->h, &q, r->now), 0);
}

bool rig_record(struct rig *r, struct wr_record *rec)
{
	return wr_record_pop(r->records, rec);
}

struct wr_backend_counters *rig_backend(struct rig *r, uint32_t backend)
{
	return wr_backend_counters(wr_backends_get(r->backends, (uint16_t)backend), r->cfg.worker);
}

void rig_reset(struct rig *r, struct rig_app *a)
{
	if (a->h == WR_HANDLE_NONE)
		return;
	wr_tcp_abort(r->peer, a->h, r->now);
	a->h = WR_HANDLE_NONE;
	a->closed = true;
}

void rig_fin(struct rig *r, struct rig_app *a)
{
	wr_tcp_shutdown(r->peer, a->h, r->now);
}

void rig_end(struct rig *r, struct rig_app *a)
{
	rig_fin(r, a);
	rig_settle(r);
	assert_true(a->closed);
	assert_int_equal(a->end, WR_TCP_END_CLOSED);
}

bool rig_refused(const struct rig_app *a)
{
	return a->closed && (a->end == WR_TCP_END_RESET || a->end == WR_TCP_END_REFUSED);
}

uint32_t rig_open_at(const struct rig *r, uint32_t backend)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < r->apps; i++)
		n += !r->app[i].client && !r->app[i].closed && r->app[i].backend == backend;
	return n;
}

struct wr_session_info rig_session(struct rig *r, const struct rig_app *a)
{
	struct wr_session_filter f = {.service = -1, .backend = -1, .id = -1};
	struct wr_session_info s = {0};
	struct wr_tcp_info i;
	uint32_t cursor = 0;

	assert_true(wr_tcp_info(r->peer, a->h, &i));
	while (cursor != UINT32_MAX)
		if (wr_proxy_dump(r->p, &f, &cursor, &s, 1, r->now) == 1 &&
			s.client.tuple.rport == i.tuple.lport)
			return s;
	fail_msg("no session");
	return s;
}

// --- the clock ----------------------------------------------------------------------------------

static void events(struct rig *r)
{
	struct wr_event ev;

	while (wr_event_pop(r->events, &ev)) {
		r->event_count[ev.kind]++;
		r->event_stands_for[ev.kind] += ev.count;
		r->last[ev.kind] = ev;
	}
}

static bool round_of_all(struct rig *r)
{
	struct wr_tcp_gauges g;
	struct wr_tcp_ready e;
	bool any = false;

	any |= wr_tcp_timers(r->peer, 256, r->now) > 0;
	for (uint32_t n = 0; n < READY_TURN && wr_tcp_ready_pop(r->peer, &e); n++, any = true)
		app_event(r, &e);
	any |= flush(r, true);
	any |= wr_tcp_timers(r->tcp, 256, r->now) > 0;
	any |= wr_proxy_poll(r->p, READY_TURN, r->now) > 0;
	any |= !r->muted && flush(r, false);
	rte_rcu_qsbr_quiescent(wr_backends_rcu(r->backends), 0);
	wr_tcp_gauges(r->tcp, &g);
	assert_true(g.held_rx_mbufs <= g.held_budget);
	r->held_peak = RTE_MAX(r->held_peak, g.held_rx_mbufs);
	events(r);
	return any;
}

void rig_settle(struct rig *r)
{
	for (uint32_t n = 0; round_of_all(r); n++)
		if (n > ROUNDS_MAX)
			fail_msg("no rest at one time");
}

void rig_run(struct rig *r, wr_us_t us)
{
	wr_us_t end = r->now + us;

	rig_settle(r);
	while (r->now < end) {
		r->now = RTE_MIN(end, r->next_tick);
		if (r->now == r->next_tick) {
			wr_proxy_tick(r->p, r->now);
			wr_backends_turn(r->backends, r->now);
			r->next_tick += RIG_MS;
			// Who waits for buffers gets no event.
			for (uint32_t i = 0; i < r->apps; i++)
				if (r->app[i].h != WR_HANDLE_NONE &&
					(r->app[i].sent < r->app[i].to_send || !r->app[i].deaf))
					app_turn(r, &r->app[i]);
		}
		rig_settle(r);
	}
}

static void nothing_left(struct rig *r)
{
	struct wr_proxy_gauges g;
	uint32_t count = wr_backends_count(r->backends);

	wr_proxy_gauges(r->p, &g);
	assert_int_equal(g.sessions, 0);
	assert_int_equal(g.connecting, 0);
	assert_int_equal(g.ports_used, 0);
	assert_int_equal(r->p->waiting, 0);
	for (uint32_t i = 0; i < WR_MAX_POOLS; i++)
		assert_int_equal(r->p->pool_waiting[i], 0);
	assert_int_equal(r->p->wheel.armed, 0);
	for (uint32_t i = 0; i < count; i++) {
		if (wr_backends_get(r->backends, (uint16_t)i) == NULL)
			continue;
		assert_int_equal(wr_lease_used(r->shared->backends[i]), 0);
		assert_int_equal(r->shared->backends[i]->share[r->cfg.worker].waiters, 0);
		assert_int_equal(rig_backend(r, i)->sessions, 0);
		assert_int_equal(rig_backend(r, i)->unanswered, 0);
		// Nobody points at it: were it to leave, its slot would be free.
		wr_backends_get(r->backends, (uint16_t)i)->slot = WR_CONF_LEAVING;
		wr_backends_reclaim(r->backends);
		assert_false(wr_backends_backend_used(r->backends, (uint16_t)i));
	}
	for (uint32_t i = 0; i < WR_MAX_POOLS; i++)
		if (r->shared->pools[i] != NULL)
			assert_int_equal(wr_lease_used(r->shared->pools[i]), 0);
	for (uint32_t i = 0; i <= WR_MAX_SERVICES; i++)
		assert_int_equal(r->shared->limits[i].connections, 0);
	for (uint32_t i = 0; i < WR_MAX_SERVICES; i++)
		assert_int_equal(wr_proxy_service_sessions(r->p, (uint16_t)i), 0);
	assert_int_equal(rig_ctr(r, WR_CTR_sessions_opened), rig_ctr(r, WR_CTR_sessions_closed));
	assert_int_equal(rig_ctr(r, WR_CTR_pay_read_bytes) + r->headers_out,
		rig_ctr(r, WR_CTR_pay_written_bytes) + r->headers_in);
}

void rig_close(struct rig *r)
{
	wr_proxy_set_pressure(r->p, 0);
	wr_proxy_abort_all(r->p);
	rig_run(r, 5 * RIG_MS);
	nothing_left(r);
	wr_proxy_destroy(r->p);
	wr_tcp_stack_destroy(r->tcp);
	wr_tcp_stack_destroy(r->peer);
	wr_proxy_shared_destroy(r->shared);
	wr_backends_destroy(r->backends);
	wr_l3_net_destroy(r->l3);
	wr_event_ring_destroy(r->events);
	wr_record_ring_destroy(r->records);
	wr_conf_free(r->conf);
	free(r->app);
	assert_int_equal(rte_mempool_in_use_count(r->rx), 0);
	assert_int_equal(rte_mempool_in_use_count(r->small), 0);
	assert_int_equal(rte_mempool_in_use_count(r->peer_rx), 0);
	assert_int_equal(rte_mempool_in_use_count(r->peer_small), 0);
}
