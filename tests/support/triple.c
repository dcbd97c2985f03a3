/* SPDX-License-Identifier: BSD-3-Clause */

// The fabric under its clock: made from a configuration, stepped, checked against its books.

#include "triple.h"

#include <stdarg.h>

#include "wr_test.h"

#define PEER_RX    16383
#define PEER_SMALL 16383
#define ESP_FRAMES 8192
#define ROUNDS_MAX 200000 // turns at one time: more is a loop that never rests

// Made once a program: buffers that a scenario leaves behind are seen at its end.
static struct {
	struct wr_mempools pools;
	uint32_t rx_mbufs, small_mbufs;
	bool esp;
	struct rte_mempool *peer_rx, *peer_small;
	bool made;
} env;

void tri_die(struct triple *t, const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s:%d: seed %llu at %llu us: ", file, line,
		(unsigned long long)t->cfg.seed, (unsigned long long)t->now);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	if (t->watch.failed != NULL)
		t->watch.failed(t->watch.arg);
	if (t->cfg.replay != NULL)
		fprintf(stderr, "replay: %s\n", t->cfg.replay);
	abort();
}

// --- making -----------------------------------------------------------------------------------

static void buffers(struct triple *t)
{
	const struct tri_config *c = &t->cfg;
	struct wr_mempools_need need = {.rx_count = c->rx_mbufs,
		.small_count = c->small_mbufs,
		.rx_desc = 2048,
		.tx_desc = 2048,
		.workers = 2,
		.max_sessions = 256,
		.esp_frames = c->esp ? ESP_FRAMES : 0};
	struct wr_err err = {0};

	wr_test_eal_init();
	if (env.made && (env.rx_mbufs != c->rx_mbufs || env.small_mbufs != c->small_mbufs ||
				env.esp < (c->esp != 0))) {
		wr_mempools_destroy(&env.pools);
		env.made = false;
	}
	if (!env.made && wr_mempools_create(&env.pools, "tri", SOCKET_ID_ANY, &need, &err) < 0)
		tri_fail(t, "%s", err.text);
	if (env.peer_rx == NULL) {
		env.peer_rx = rte_pktmbuf_pool_create("tri_peer_rx", PEER_RX, 0, WR_MBUF_PRIV_SIZE,
			WR_RX_DATAROOM, SOCKET_ID_ANY);
		env.peer_small = rte_pktmbuf_pool_create("tri_peer_small", PEER_SMALL, 0,
			WR_MBUF_PRIV_SIZE, WR_SMALL_DATAROOM, SOCKET_ID_ANY);
	}
	TRI_CHECK(t, env.peer_rx != NULL && env.peer_small != NULL);
	env.made = true;
	env.rx_mbufs = c->rx_mbufs;
	env.small_mbufs = c->small_mbufs;
	env.esp = env.pools.esp != NULL;
	t->pools = &env.pools;
	t->peer_rx = env.peer_rx;
	t->peer_small = env.peer_small;
}

static bool backend_is_v4(const struct triple *t, uint32_t i)
{
	return t->cfg.family == 4 || (t->cfg.family == 0 && i % 2 == 0);
}

static void configure(struct triple *t)
{
	const struct tri_config *c = &t->cfg;
	struct wr_err err = {0};
	char text[4096], tunnels[1024] = "";
	size_t n = 0;

	if (c->esp)
		tri_esp_configure(t, tunnels, sizeof(tunnels));

#define SAY(...) (n += (size_t)snprintf(text + n, sizeof(text) - n, __VA_ARGS__))
	SAY("runtime:\n  workers: %s\n  memory: plain\n  name: tri\n  max_sessions: %u\n  dad: "
	    "%s\n%s",
		c->workers == 1   ? "[1]"
		: c->workers == 2 ? "[1, 2]"
				  : "[1, 2, 3, 4]",
		c->max_sessions, c->dad ? "yes" : "no", c->runtime != NULL ? c->runtime : "");
	SAY("ports:\n"
	    "  - {name: wan, device: net_sim0, addresses: [198.18.0.1/24, \"2001:db8::1/64\"]%s}\n"
	    "  - {name: lan, device: net_sim1, addresses: [198.18.1.1/24, \"2001:db8:1::1/64\"]}\n",
		c->tap ? ", exception: tap" : "");
	SAY("%s", tunnels);
	SAY("services:\n  - name: web\n    listen: [\"198.18.0.100:80\", \"[2001:db8::100]:80\"]\n"
	    "    mode: tcp\n    pool: web\n%s",
		c->service != NULL ? c->service : "");
	SAY("pools:\n  - name: web\n    balance: maglev\n%s%s",
		c->esp ? "    ipsec: {tunnel: far}\n" : "",
		c->pool != NULL ? c->pool : "    health: {type: none}\n");
	if (c->sources == NULL && c->esp)
		SAY("    source: [\"%s\"]\n", c->family == 4 ? "198.18.1.10-198.18.1.13"
							     : "2001:db8:1::10-2001:db8:1::13");
	else if (c->sources == NULL)
		SAY("    source: [\"198.18.1.10-198.18.1.13\", "
		    "\"2001:db8:1::10-2001:db8:1::13\"]\n");
	else if (c->sources[0] != '\0')
		SAY("    source: [%s]\n", c->sources);
	SAY("    backends:\n");
	for (uint32_t i = 0; i < c->backends; i++)
		SAY(backend_is_v4(t, i) ? "      - {name: b%u, address: \"198.18.1.%u:80\"}\n"
					: "      - {name: b%u, address: \"[2001:db8:1::%u]:80\"}\n",
			i, 20 + i);
#undef SAY
	TRI_CHECK(t, n < sizeof(text));
	t->conf = wr_conf_parse("triple.yaml", text, n, &err);
	if (t->conf == NULL)
		tri_fail(t, "%s", err.text);
}

static struct wr_port *port_create(
	struct triple *t, const char *name, uint16_t side, uint16_t queues)
{
	struct wr_sim_config sc = {.rx_queues = queues,
		.tx_queues = queues,
		.tx_desc = t->cfg.tx_desc,
		.flags = t->cfg.port_flags,
		.seed = t->cfg.seed + side,
		.reta_size = t->cfg.reta_size,
		.mac = {{2, 0, 0, 0, 0, (uint8_t)(1 + side)}}};
	struct wr_port *p = wr_sim_port_create(name, side, &sc);
	struct wr_err err = {0};

	TRI_CHECK(t, p != NULL);
	if (wr_port_start(p, t->pools, &err) < 0)
		tri_fail(t, "%s", err.text);
	return p;
}

static void fabric_create(struct triple *t)
{
	struct wr_fabric_config fc = {.conf = t->conf,
		.ports = {t->port[TRI_WAN], t->port[TRI_LAN]},
		.taps = {t->tap},
		.workers = t->cfg.workers,
		.secret = {1, 2, 3, t->cfg.seed},
		.seed = t->cfg.seed};
	struct wr_err err = {0};

	for (uint16_t i = 0; i < t->cfg.workers; i++)
		fc.pools[i] = t->pools;
	t->backends = wr_backends_create(t->conf, t->cfg.workers, t->cfg.seed, &err);
	if (t->backends == NULL)
		tri_fail(t, "%s", err.text);
	fc.backends = t->backends;
	t->f = wr_fabric_create(&fc, t->now, &err);
	if (t->f == NULL)
		tri_fail(t, "%s", err.text);
}

static void peer_create(struct triple *t, uint8_t i)
{
	struct tri_peer *p = &t->peer[i];
	struct wr_tcp_config c = {.max_conns = 2048,
		.max_half_open = 1024,
		.held_budget = PEER_RX / 2,
		.small = t->peer_small,
		.stats = &p->stats,
		.secret = {i, 5, i, 7},
		.seed = t->cfg.seed * 31 + i,
		.numa_node = SOCKET_ID_ANY};
	char text[64];

	p->index = i;
	p->side = i == TRI_CLIENT ? TRI_WAN : TRI_LAN;
	p->mac = (struct rte_ether_addr){{2, 0xaa, 0, 0, 0, i}};
	snprintf(text, sizeof(text), i == 0 ? "198.18.0.2" : "198.18.1.%u", 19 + i);
	TRI_EQ(t, wr_addr_parse(text, &p->addr4), 0);
	snprintf(text, sizeof(text), i == 0 ? "2001:db8::2" : "2001:db8:1::%u", 19 + i);
	TRI_EQ(t, wr_addr_parse(text, &p->addr6), 0);
	p->tcp = wr_tcp_stack_create(&c, t->now);
	TRI_CHECK(t, p->tcp != NULL);
	if (i != TRI_CLIENT)
		tri_listen(t, i - 1u, true);
}

struct triple *tri_create(const struct tri_config *cfg)
{
	struct triple *t = calloc(1, sizeof(*t));
	struct tri_config *c = &t->cfg;

	*c = *cfg;
	c->workers = c->workers != 0 ? c->workers : 1;
	c->queues = c->queues != 0 ? c->queues : 1;
	c->backends = c->backends != 0 ? c->backends : 2;
	c->max_sessions = c->max_sessions != 0 ? c->max_sessions : 256;
	if (c->port_flags == 0)
		c->port_flags = WR_PORT_F_TX_MULTI_SEGS | WR_PORT_F_TX_TCP_CKSUM |
		                WR_PORT_F_TX_IP_CKSUM | WR_PORT_F_RX_CKSUM | WR_PORT_F_RX_DEPTH;
	if (c->queues > 1)
		c->port_flags |= WR_PORT_F_RSS;
	t->now = TRI_S;
	t->next_port = 10000;
	t->peers = 1 + c->backends + c->spare;
	t->check_every = 16;
	wr_rng_init(&t->rng, c->seed);
	t->frames = calloc(TRI_FRAMES, sizeof(*t->frames));
	buffers(t);
	configure(t);
	t->port[TRI_WAN] = port_create(t, "wan", TRI_WAN, c->queues);
	t->port[TRI_LAN] = port_create(t, "lan", TRI_LAN, c->queues);
	if (c->tap)
		t->tap = port_create(t, "tap", TRI_WAN, 1);
	fabric_create(t);
	for (uint8_t i = 0; i < t->peers; i++)
		peer_create(t, i);
	if (c->esp)
		tri_esp_create(t);
	tri_settle(t);
	return t;
}

// --- the clock --------------------------------------------------------------------------------

static void events(struct triple *t)
{
	struct wr_event ev;

	for (uint16_t i = 0; i < t->cfg.workers; i++) {
		while (wr_event_pop(wr_worker_events(wr_fabric_worker(t->f, i)), &ev)) {
			t->event_count[ev.kind]++;
			t->last[ev.kind] = ev;
			if (ev.queue >= WR_Q_COUNT)
				continue;
			t->full[ev.queue] += ev.kind == WR_EV_works_queue_full ? ev.count : 0;
			t->high[ev.queue] += ev.kind == WR_EV_queue_high;
			t->critical[ev.queue] += ev.kind == WR_EV_queue_critical;
			t->normal[ev.queue] += ev.kind == WR_EV_queue_normal;
		}
	}
}

void tri_settle(struct triple *t)
{
	uint32_t rounds = 0;
	bool any;

	do {
		any = tri_net_deliver(t);
		for (uint16_t i = 0; i < t->cfg.workers; i++)
			any |= wr_worker_turn(wr_fabric_worker(t->f, i), t->now) > 0;
		any |= tri_net_drain(t);
		for (uint32_t i = 0; i < t->peers; i++)
			any |= tri_apps_turn(t, &t->peer[i]);
		if (++rounds > ROUNDS_MAX)
			tri_fail(t, "no rest at one time");
	} while (any);
	events(t);
	if (t->check_every != 0 && ++t->steps % t->check_every == 0)
		tri_check(t);
}

wr_us_t tri_next(struct triple *t)
{
	wr_us_t at = t->frame_count > 0 ? t->frames[0].at : WR_US_NEVER;

	for (uint16_t i = 0; i < t->cfg.workers; i++)
		at = RTE_MIN(at, wr_worker_next_timer(wr_fabric_worker(t->f, i)));
	for (uint32_t i = 0; i < t->peers; i++)
		at = RTE_MIN(at, wr_tcp_next_timer(t->peer[i].tcp));
	return RTE_MAX(at, t->now + RTE_MAX(t->tick_least_us, (wr_us_t)1));
}

void tri_step(struct triple *t, wr_us_t limit)
{
	wr_us_t at = RTE_MIN(tri_next(t), limit);

	if (t->tick_us != 0)
		at = RTE_MIN(at, t->now + t->tick_us);
	t->now = at;
	tri_settle(t);
}

void tri_run(struct triple *t, wr_us_t us)
{
	wr_us_t end = t->now + us;

	tri_settle(t);
	while (t->now < end)
		tri_step(t, end);
}

// --- books ------------------------------------------------------------------------------------

static void check_worker(struct triple *t, uint16_t i, const struct wr_stats_snapshot *s)
{
	struct wr_worker *w = wr_fabric_worker(t->f, i);
	struct wr_ledger_row row[WR_LEDGER_COUNT];
	struct wr_tcp_gauges g, walk;

	wr_ledger_compute(s, row);
	for (int k = 0; k < WR_LEDGER_COUNT; k++)
		if (row[k].residual != 0)
			tri_fail(t, "worker %u ledger %s: in %llu out %llu held %llu dropped %llu",
				i, wr_ledger_name((enum wr_ledger_kind)k),
				(unsigned long long)row[k].in, (unsigned long long)row[k].out,
				(unsigned long long)row[k].held,
				(unsigned long long)row[k].dropped);
	wr_tcp_gauges(w->tcp, &g);
	wr_tcp_gauges_walk(w->tcp, &walk);
	TRI_EQ(t, s->gauges.held_rx_mbufs, walk.held_rx_mbufs);
	TRI_EQ(t, s->gauges.pay_recv_held_bytes, walk.recv_queue_bytes + walk.ooo_bytes);
	TRI_EQ(t, s->gauges.pay_send_held_bytes, walk.send_queue_bytes);
	TRI_EQ(t, s->gauges.conns, walk.conns);
	TRI_EQ(t, s->gauges.sessions, wr_pool_used(&w->proxy->sessions));
	TRI_EQ(t, s->stats.ctr[WR_CTR_pay_read_bytes] + s->stats.ctr[WR_CTR_pay_made_bytes],
		s->stats.ctr[WR_CTR_pay_written_bytes] + s->stats.ctr[WR_CTR_pay_taken_bytes]);
	TRI_CHECK(t, g.held_rx_mbufs <= g.held_budget);
	TRI_EQ(t, g.held_small_mbufs, walk.held_small_mbufs);
	TRI_EQ(t, s->stats.drop[WR_DROP_handoff_full], 0);
	TRI_EQ(t, s->stats.drop[WR_DROP_tx_error], 0);
}

void tri_check(struct triple *t)
{
	uint64_t rx = 0, tx = 0, port_rx = 0, port_tx = 0;
	struct wr_stats_snapshot s;
	struct wr_port_stats ps;
	struct wr_ledger_row mbufs;

	for (uint16_t i = 0; i < t->cfg.workers; i++) {
		wr_worker_stats(wr_fabric_worker(t->f, i), &s);
		check_worker(t, i, &s);
		rx += s.stats.ctr[WR_CTR_rx_frames];
		tx += s.stats.ctr[WR_CTR_tx_frames];
	}
	for (uint8_t side = 0; side < 2; side++) {
		wr_port_stats(t->port[side], &ps);
		port_rx += ps.rx_frames;
		port_tx += ps.tx_frames;
	}
	TRI_EQ(t, rx, port_rx);
	TRI_EQ(t, tx, port_tx);
	if (t->frame_count > 0 || t->buffers_away > 0)
		return;
	wr_fabric_mbuf_ledger(t->f, &mbufs);
	TRI_EQ(t, mbufs.residual, 0);
}

static void check_empty(struct triple *t, uint16_t i)
{
	struct wr_worker *w = wr_fabric_worker(t->f, i);
	struct wr_proxy_gauges pg;
	struct wr_tcp_gauges g;

	wr_tcp_gauges(w->tcp, &g);
	TRI_EQ(t, g.conns, 0);
	TRI_EQ(t, g.half_open, 0);
	TRI_EQ(t, g.promised_bytes, 0);
	TRI_EQ(t, g.held_rx_mbufs + g.held_small_mbufs, 0);
	wr_proxy_gauges(w->proxy, &pg);
	TRI_EQ(t, pg.sessions + pg.connecting, 0);
	for (uint32_t k = 0; k < WR_MAX_BACKENDS; k++) {
		const struct source_pairs *sp = w->proxy->pairs[k];

		for (uint32_t n = 0; sp != NULL && n < sp->sources; n++)
			TRI_EQ(t, sp->ports[n].in_use, 0);
	}
	TRI_EQ(t, w->proxy->checks_busy, 0);
	TRI_EQ(t, w->proxy->wheel.armed, 0);
}

void tri_finish(struct triple *t)
{
	for (uint32_t i = 0; i < t->conns; i++)
		if (!t->conn[i].released)
			tri_reset(t, &t->conn[i]);
	for (uint32_t i = 0; i < t->peers; i++)
		t->peer[i].dead = false;
	t->tick_us = 0;
	memset(t->cfg.link, 0, sizeof(t->cfg.link));
	// Time-outs, TIME-WAIT and orphans run out.
	tri_run(t, 4000 * TRI_S);
	TRI_EQ(t, t->frame_count, 0);
	tri_check(t);
	for (uint16_t i = 0; i < t->cfg.workers; i++)
		check_empty(t, i);
	if (t->changes > 0 || t->change != NULL)
		tri_check_left(t);
	TRI_EQ(t, tri_service(t).sessions, 0);
	for (uint32_t i = 0; i < wr_backends_count(t->backends); i++)
		if (tri_backend(t, i) != NULL)
			TRI_EQ(t, tri_backend_counters(t, i).sessions, 0);
	wr_backends_reclaim(t->backends);
	if (t->esp != NULL)
		tri_esp_destroy(t);
	wr_fabric_destroy(t->f);
	wr_backends_destroy(t->backends);
	wr_port_close(t->port[0]);
	wr_port_close(t->port[1]);
	if (t->tap != NULL)
		wr_port_close(t->tap);
	for (uint32_t i = 0; i < t->peers; i++)
		wr_tcp_stack_destroy(t->peer[i].tcp);
	wr_conf_free(t->conf);
	TRI_EQ(t, rte_mempool_in_use_count(t->pools->rx), 0);
	TRI_EQ(t, rte_mempool_in_use_count(t->pools->small), 0);
	if (t->pools->esp != NULL)
		TRI_EQ(t, rte_mempool_in_use_count(t->pools->esp), 0);
	TRI_EQ(t, rte_mempool_in_use_count(t->peer_rx), 0);
	TRI_EQ(t, rte_mempool_in_use_count(t->peer_small), 0);
	free(t->frames);
	free(t);
}

// --- questions and orders -----------------------------------------------------------------------

void tri_listen(struct triple *t, uint32_t backend, bool on)
{
	struct tri_peer *p = &t->peer[1 + backend];
	struct wr_endpoint at = {backend_is_v4(t, backend) ? p->addr4 : p->addr6, 80};
	struct wr_tcp_listen_opts o = {0};

	TRI_EQ(t, on ? wr_tcp_listen(p->tcp, &at, &o) : wr_tcp_unlisten(p->tcp, &at), 0);
}

struct wr_backend *tri_backend(struct triple *t, uint32_t backend)
{
	return wr_backends_get(t->backends, (uint16_t)backend);
}

void tri_post(struct triple *t, const struct wr_msg *m)
{
	for (uint16_t i = 0; i < t->cfg.workers; i++)
		TRI_EQ(t, wr_worker_post(wr_fabric_worker(t->f, i), m), 0);
}

struct wr_msg tri_ask(struct wr_backend *be, enum wr_check_kind kind, wr_us_t timeout)
{
	uint32_t slot = kind == WR_CHECK_AGENT ? WR_CHECK_SLOT_AGENT : WR_CHECK_SLOT_HEALTH;

	be->check[slot].out = true;
	be->check[slot].lost_us = WR_US_NEVER;
	return (struct wr_msg){.kind = WR_MSG_CHECK,
		.a = be->id,
		.b = ++be->check[slot].asked,
		.c = kind | slot << 8,
		.t = timeout};
}

int tri_probe(struct triple *t, uint32_t backend, wr_us_t timeout)
{
	struct wr_backend *be = tri_backend(t, backend);
	struct wr_backend_check *k = &be->check[WR_CHECK_SLOT_HEALTH];
	struct wr_msg m = tri_ask(be, WR_CHECK_TCP, timeout);

	TRI_EQ(t, wr_worker_post(wr_fabric_worker(t->f, 0), &m), 0);
	TRI_WAIT(t, __atomic_load_n(&k->answered, __ATOMIC_ACQUIRE) == k->asked, timeout + TRI_S);
	wr_backends_turn(t->backends, t->now);
	return k->last.err;
}

uint64_t tri_ctr(struct triple *t, enum wr_counter c)
{
	uint64_t n = 0;

	for (uint16_t i = 0; i < t->cfg.workers; i++)
		n += wr_fabric_worker(t->f, i)->stats.ctr[c];
	return n;
}

uint64_t tri_drop(struct triple *t, enum wr_drop d)
{
	uint64_t n = 0;

	for (uint16_t i = 0; i < t->cfg.workers; i++)
		n += wr_fabric_worker(t->f, i)->stats.drop[d];
	return n;
}

uint64_t tri_sessions(struct triple *t)
{
	return tri_ctr(t, WR_CTR_sessions_opened) - tri_ctr(t, WR_CTR_sessions_closed);
}

struct wr_service_counters tri_service(struct triple *t)
{
	struct wr_service_counters sum = {0};

	for (uint16_t i = 0; i < t->cfg.workers; i++) {
		const struct wr_service_counters *c =
			wr_worker_service(wr_fabric_worker(t->f, i), 0);

		for (size_t k = 0; k < sizeof(sum) / sizeof(uint64_t); k++)
			((uint64_t *)&sum)[k] += ((const uint64_t *)c)[k];
	}
	return sum;
}

struct wr_backend_counters tri_backend_counters(struct triple *t, uint32_t backend)
{
	struct wr_backend_counters sum;

	wr_backend_sum(t->backends, tri_backend(t, backend), &sum);
	return sum;
}
