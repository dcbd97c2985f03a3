/* SPDX-License-Identifier: BSD-3-Clause */
#include "check_rig.h"

#include "wr_build.h"
#include "wr_mempool.h"
#include "wr_parse.h"

static struct check_rig *rig; // whose fakes below speak

// --- what check.c needs of others
// -----------------------------------------------------------------

struct wr_backend *wr_backends_get(struct wr_backends *b, uint16_t id)
{
	return id == 0 && !rig->no_backend ? &rig->be : NULL;
}

void wr_backend_check_answer(
	struct wr_backend *be, uint8_t slot, uint32_t asked, const struct wr_check_answer *a)
{
	assert_ptr_equal(be, &rig->be);
	rig->answers++;
	rig->slot = slot;
	rig->asked = asked;
	rig->last = *a;
}

bool sources_get(
	struct wr_proxy *p, const struct wr_backend *be, struct wr_tuple *t, uint32_t *source)
{
	if (rig->no_port)
		return false;
	*t = rig->tuple;
	t->lport = rig->next_port++;
	t->remote = be->addr.addr;
	t->rport = be->addr.port;
	*source = 3;
	rig->ports_out++;
	return true;
}

void sources_put(struct wr_proxy *p, const struct wr_backend *be, uint32_t source, uint16_t port)
{
	assert_int_equal(source, 3);
	rig->ports_out--;
}

uint16_t sources_mss(const struct wr_proxy *p, const struct wr_backend *be)
{
	return 1400;
}

bool sources_reach(struct wr_proxy *p, const struct wr_backend *be)
{
	return !rig->no_reach;
}

bool wr_l3_path(
	const struct wr_l3_net *net, const struct wr_addr *dst, uint16_t *port, uint16_t *mtu)
{
	*port = 0;
	*mtu = 1500;
	return true;
}

// --- the rig ----------------------------------------------------------------------------------

static struct rte_mempool *pool(const char *name, uint32_t count, uint16_t room)
{
	struct rte_mempool *mp = rte_mempool_lookup(name);

	if (mp == NULL)
		mp = rte_pktmbuf_pool_create(
			name, count, 0, WR_MBUF_PRIV_SIZE, room, SOCKET_ID_ANY);
	assert_non_null(mp);
	return mp;
}

static struct wr_tcp_stack *stack(struct check_rig *r, bool peer)
{
	struct wr_tcp_config c = {.max_conns = peer ? 256 : 16,
		.reserved_conns = peer ? 0 : RIG_SLOTS * 2,
		.max_half_open = 16,
		.held_budget = 400,
		.held_reserve = 8,
		.small = peer ? r->peer_small : r->small,
		.stats = peer ? &r->peer_stats : &r->stats,
		.secret = {1, 2, 3, peer},
		.seed = 7u + peer,
		.numa_node = SOCKET_ID_ANY};
	struct wr_tcp_stack *s = wr_tcp_stack_create(&c, r->now);

	assert_non_null(s);
	return s;
}

void check_rig_listen(struct check_rig *r, uint16_t port)
{
	struct wr_endpoint at = {r->be.addr.addr, port};
	struct wr_tcp_listen_opts o = {.user = 1};

	assert_int_equal(wr_tcp_listen(r->peer, &at, &o), 0);
}

void check_rig_open(struct check_rig *r, int family)
{
	static const struct wr_rss *no_rss[WR_MAX_PORTS];
	struct wr_conf_pool *pc;

	memset(r, 0, sizeof(*r));
	rig = r;
	r->now = 10 * RIG_S;
	r->next_port = 2000;
	wr_test_eal_init();
	r->rx = pool("chk_rx", 511, WR_RX_DATAROOM);
	r->small = pool("chk_small", 511, WR_SMALL_DATAROOM);
	r->peer_rx = pool("chk_peer_rx", 511, WR_RX_DATAROOM);
	r->peer_small = pool("chk_peer_small", 511, WR_SMALL_DATAROOM);
	wr_addr_parse(family == 4 ? "198.18.1.1" : "2001:db8::1", &r->tuple.local);
	wr_addr_parse(family == 4 ? "198.18.1.20" : "2001:db8::20", &r->be.addr.addr);
	r->be.addr.port = 80;
	r->tcp = stack(r, false);
	r->peer = stack(r, true);
	r->conf = calloc(1, sizeof(*r->conf));
	r->p = calloc(1, sizeof(*r->p));
	pc = &r->conf->pools[0];
	pc->http = (struct wr_conf_http_check){.status_first = 200, .status_last = 399};
	r->p->cfg = (struct wr_proxy_config){.conf = r->conf,
		.tcp = r->tcp,
		.small = r->small,
		.port_rss = no_rss,
		.max_probes = RIG_SLOTS,
		.stats = &r->stats};
	r->p->conf = r->conf;
	r->p->tcp = r->tcp;
	r->p->stats = &r->stats;
	wr_rng_init(&r->p->rng, 5);
	wr_wheel_init(&r->p->wheel, r->now);
	assert_int_equal(checks_create(r->p), 0);
	check_rig_listen(r, 80);
}

static void carry(struct check_rig *r, struct rte_mbuf *m, bool to_peer)
{
	struct rte_mbuf *n = rte_pktmbuf_alloc(to_peer ? r->peer_rx : r->rx);
	struct wr_pkt k;
	char *to;

	wr_build_finish_csum(m);
	assert_non_null(n);
	to = rte_pktmbuf_append(n, (uint16_t)m->pkt_len);
	for (const struct rte_mbuf *s = m; s != NULL; to += s->data_len, s = s->next)
		memcpy(to, rte_pktmbuf_mtod(s, const void *), s->data_len);
	rte_pktmbuf_free(m);
	wr_parse_frame(&k, n, WR_PARSE_F_NO_L2);
	assert_int_equal(k.kind, WR_PKT_TCP);
	if (r->dead)
		rte_pktmbuf_free(n);
	else
		wr_tcp_input_burst(to_peer ? r->peer : r->tcp, &k, 1, r->now);
}

static bool flush(struct check_rig *r, bool peer)
{
	struct rte_mbuf *pkts[32];
	struct wr_tcp_tx tx = {pkts, 0, 32};

	if (r->stuck && !peer)
		return false;
	wr_tcp_output(peer ? r->peer : r->tcp, &tx, 32, r->now);
	for (uint16_t i = 0; i < tx.count; i++)
		carry(r, pkts[i], !peer);
	return tx.count > 0;
}

static void app_write(struct check_rig *r)
{
	uint32_t left = (uint32_t)strlen(r->answer) - r->sent;
	uint32_t n = r->piece != 0 && r->piece < left ? r->piece : left;
	struct wr_mq q = {0};

	while (n > 0) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(r->peer_small);
		uint32_t part = RTE_MIN(n, 500u);

		assert_non_null(m);
		memcpy(rte_pktmbuf_append(m, (uint16_t)part), r->answer + r->sent, part);
		wr_mq_append(&q, m);
		r->sent += part;
		n -= part;
	}
	if (q.count > 0)
		wr_tcp_write(r->peer, r->conn, &q, r->now);
	if (r->answer[r->sent] == '\0' && r->closes)
		wr_tcp_shutdown(r->peer, r->conn, r->now);
}

static void app_event(struct check_rig *r, const struct wr_tcp_ready *e)
{
	struct wr_mq q = {0};
	struct rte_mbuf *m;

	if (e->events & WR_TCP_EV_ACCEPTED) {
		r->accepted++;
		r->conn = e->conn;
		r->sent = 0;
	}
	wr_tcp_read(r->peer, e->conn, &q, UINT32_MAX, r->now);
	wr_mq_foreach (m, &q) {
		memcpy(r->got + r->got_len, rte_pktmbuf_mtod(m, char *), m->data_len);
		r->got_len += m->data_len;
	}
	wr_tcp_free_mq(r->peer, &q, WR_DROP_NONE);
	r->got_fin = r->got_fin || wr_tcp_eof(r->peer, e->conn);
	if (e->events & WR_TCP_EV_CLOSED) {
		r->over = true;
		r->end = wr_tcp_end(r->peer, e->conn);
		wr_tcp_release(r->peer, e->conn, r->now);
		r->conn = WR_HANDLE_NONE;
	} else if (r->at_once ||
		   (r->got_len >= 4 && memcmp(r->got + r->got_len - 4, "\r\n\r\n", 4) == 0)) {
		if (r->resets)
			wr_tcp_abort(r->peer, e->conn, r->now);
		else if (r->answer != NULL && r->piece == 0)
			app_write(r);
	}
}

bool check_rig_turn(struct check_rig *r)
{
	struct wr_wheel_node *n;
	struct wr_tcp_ready e;
	bool any = wr_tcp_timers(r->tcp, 100, r->now) > 0;

	any |= wr_tcp_timers(r->peer, 100, r->now) > 0;
	while (wr_tcp_ready_pop(r->tcp, &e)) {
		assert_true(e.user & USER_CHECK);
		check_event(r->p, e.user & ~USER_CHECK, e.conn, e.events, r->now);
		any = true;
	}
	while ((n = wr_wheel_poll(&r->p->wheel, r->now)) != NULL) {
		assert_int_equal(n->kind, TIMER_CHECK);
		check_timer(r->p, n->owner, r->now);
		any = true;
	}
	while (wr_tcp_ready_pop(r->peer, &e)) {
		app_event(r, &e);
		any = true;
	}
	any |= flush(r, false);
	return flush(r, true) || any;
}

void check_rig_run(struct check_rig *r, wr_us_t us)
{
	for (wr_us_t end = r->now + us;; r->now += RIG_MS) {
		while (check_rig_turn(r))
			;
		if (r->now >= end)
			return;
		if (r->piece != 0 && r->got_len > 0 && r->conn != WR_HANDLE_NONE)
			app_write(r);
	}
}

void check_rig_ask(struct check_rig *r, uint8_t kind, uint32_t asked, wr_us_t timeout)
{
	struct wr_check c = {.kind = kind,
		.slot = kind == WR_CHECK_AGENT ? WR_CHECK_SLOT_AGENT : WR_CHECK_SLOT_HEALTH,
		.asked = asked,
		.timeout_us = timeout};

	wr_proxy_check(r->p, &c, r->now);
}

void check_rig_check(struct check_rig *r, uint8_t kind, int err, const char *text)
{
	uint32_t was = r->answers;

	r->got_len = 0;
	r->got_fin = r->over = false;
	check_rig_ask(r, kind, was + 1, RIG_S);
	check_rig_run(r, 1500 * RIG_MS);
	assert_int_equal(r->answers, was + 1);
	assert_int_equal(r->asked, was + 1);
	assert_int_equal(
		r->slot, kind == WR_CHECK_AGENT ? WR_CHECK_SLOT_AGENT : WR_CHECK_SLOT_HEALTH);
	assert_string_equal(r->last.text, text);
	assert_int_equal(r->last.err, err);
	assert_int_equal(r->p->checks_busy, 0);
	assert_int_equal(r->p->wheel.armed, 0);
	assert_int_equal(r->ports_out, 0);
}

void check_rig_close(struct check_rig *r)
{
	struct wr_tcp_gauges g;

	assert_int_equal(r->p->checks_busy, 0);
	check_rig_run(r, 400 * RIG_S); // what is left closes by itself
	wr_tcp_gauges(r->tcp, &g);
	assert_int_equal(g.conns, 0);
	wr_tcp_stack_destroy(r->tcp);
	wr_tcp_stack_destroy(r->peer);
	checks_destroy(r->p);
	free(r->p);
	free(r->conf);
	assert_int_equal(rte_mempool_in_use_count(r->rx), 0);
	assert_int_equal(rte_mempool_in_use_count(r->small), 0);
}

uint64_t check_rig_ctr(const struct check_rig *r, int c)
{
	return r->stats.ctr[c];
}
