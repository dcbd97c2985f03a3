/* SPDX-License-Identifier: BSD-3-Clause */
#include "pair.h"

#include <stdlib.h>

#include <rte_malloc.h>

#include "wr_build.h"
#include "wr_mempool.h"

#define CACHE 256 // buffers that stay warm

void pair_pools(struct pair *p)
{
	pair_pools_sized(p, PAIR_RX, PAIR_SMALL);
}

void pair_pools_sized(struct pair *p, uint32_t rx, uint32_t small)
{
	p->rx = rte_mempool_lookup("pair_rx");
	p->small = rte_mempool_lookup("pair_small");
	if (p->rx == NULL)
		p->rx = rte_pktmbuf_pool_create(
			"pair_rx", rx, CACHE, WR_MBUF_PRIV_SIZE, WR_RX_DATAROOM, SOCKET_ID_ANY);
	if (p->small == NULL)
		p->small = rte_pktmbuf_pool_create("pair_small", small, CACHE, WR_MBUF_PRIV_SIZE,
			WR_SMALL_DATAROOM, SOCKET_ID_ANY);
	if (p->rx == NULL || p->small == NULL)
		pair_fail(p, "no memory for pools");
	p->rx_idle = rte_mempool_avail_count(p->rx);
	p->small_idle = rte_mempool_avail_count(p->small);
}

struct wr_tcp_config pair_config(void)
{
	return (struct wr_tcp_config){.max_conns = 256,
		.held_budget = 2000,
		.held_reserve = 32,
		.numa_node = SOCKET_ID_ANY};
}

void pair_start(struct pair *p, const struct wr_tcp_config *a, const struct wr_tcp_config *b,
	uint64_t seed, bool v6)
{
	struct wr_tcp_config c[2] = {*a, *b};

	memset(p, 0, sizeof(*p));
	pair_pools(p);
	wr_rng_init(&p->rng, seed);
	p->now = 1000000 + wr_rng_below(&p->rng, 1u << 30);
	p->v6 = v6;
	p->room = 64;
	p->next_port = 1024;
	p->check = true;
	p->frames = calloc(PAIR_FRAMES, sizeof(*p->frames));
	for (int i = 0; i < 2; i++) {
		c[i].small = p->small;
		c[i].stats = &p->stats[i];
		c[i].seed = wr_rng_next(&p->rng);
		for (int k = 0; k < 4; k++)
			c[i].secret[k] = wr_rng_next(&p->rng);
		p->s[i] = wr_tcp_stack_create(&c[i], p->now);
		if (p->s[i] == NULL || p->frames == NULL)
			pair_fail(p, "no stack");
	}
}

void pair_stop(struct pair *p)
{
	for (uint32_t i = 0; i < p->frame_count; i++)
		rte_pktmbuf_free(p->frames[i].m);
	free(p->frames);
	wr_tcp_stack_destroy(p->s[0]);
	wr_tcp_stack_destroy(p->s[1]);
	PAIR_EQ(p, rte_mempool_avail_count(p->rx), p->rx_idle);
	PAIR_EQ(p, rte_mempool_avail_count(p->small), p->small_idle);
}

static struct wr_addr address(bool v6, int side)
{
	uint8_t b[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = (uint8_t)(side + 1)};

	return v6 ? wr_addr_from_v6(b) : wr_addr_from_v4(RTE_BE32(0xc6120001u + (uint32_t)side));
}

struct wr_endpoint pair_server(const struct pair *p)
{
	return (struct wr_endpoint){address(p->v6, 1), 80};
}

void pair_listen(struct pair *p, const struct wr_tcp_listen_opts *opts)
{
	struct wr_endpoint e = pair_server(p);

	if (wr_tcp_listen(p->s[1], &e, opts) != 0)
		pair_fail(p, "listen");
}

struct pair_app *pair_connect(struct pair *p, const struct wr_tcp_connect_opts *opts)
{
	struct wr_tuple t = {address(p->v6, 0), address(p->v6, 1), p->next_port, 80};
	uint32_t id = p->next_port - 1024u;
	struct pair_app *a = &p->app[0][id % PAIR_CONNS];
	struct wr_tcp_connect_opts o = *opts;

	o.user = id;
	*a = (struct pair_app){.used = true, .id = id, .chunk = 1460, .read_max = UINT32_MAX};
	p->apps = RTE_MAX(p->apps, id % PAIR_CONNS + 1);
	p->app[1][id % PAIR_CONNS] = *a;
	p->app[1][id % PAIR_CONNS].used = false;
	p->next_port++;
	if (wr_tcp_connect(p->s[0], &t, &o, p->now, &a->conn) != 0)
		return NULL;
	if (p->iss_forced)
		wr_tcp_conn_iss(wr_tcp_conn_at(p->s[0], a->conn), p->iss[0]);
	return a;
}

struct pair_app *pair_peer(struct pair *p, const struct pair_app *a)
{
	int side = a >= p->app[1] ? 1 : 0;

	return &p->app[!side][a->id % PAIR_CONNS];
}

uint8_t pair_byte(int side, uint32_t id, uint64_t at)
{
	uint64_t x = (at + 1) * 0x9e3779b97f4a7c15ULL + id * 0x10001u + (uint32_t)side * 77u;

	return (uint8_t)(x >> 29);
}

void pair_write(struct pair *p, int side, struct pair_app *a, uint32_t len)
{
	struct wr_mq q = {0};
	uint32_t spare = rte_mempool_avail_count(p->small);

	spare -= RTE_MIN(spare, PAIR_SMALL / 2u); // what sends ACKs
	while (len > 0 && spare-- > 0) {
		uint32_t part = a->whole ? a->chunk : 1 + wr_rng_below(&p->rng, a->chunk);
		struct rte_mbuf *m;
		uint8_t *to;

		part = len < part ? len : part;
		m = rte_pktmbuf_alloc(part <= 512 ? p->small : p->rx);
		if (m == NULL)
			break;
		to = (uint8_t *)rte_pktmbuf_append(m, (uint16_t)part);
		for (uint32_t i = 0; i < part && !a->blank; i++)
			to[i] = pair_byte(side, a->id, a->written + i);
		wr_mq_append(&q, m);
		a->written += part;
		len -= part;
	}
	if (q.count > 0)
		wr_tcp_write(p->s[side], a->conn, &q, p->now);
}

static void compare(struct pair *p, int side, struct pair_app *a, const struct wr_mq *q)
{
	int from = a->echo || pair_peer(p, a)->echo ? 0 : !side;
	struct rte_mbuf *m;

	if (a->blank) {
		a->got += q->bytes;
		return;
	}
	wr_mq_foreach (m, q) {
		const uint8_t *at = rte_pktmbuf_mtod(m, const uint8_t *);

		for (uint32_t i = 0; i < m->data_len; i++, a->got++)
			if (at[i] != pair_byte(from, a->id, a->got) && p->hostile == 0)
				pair_fail(p, "side %d connection %u: byte %llu is wrong", side,
					a->id, (unsigned long long)a->got);
	}
}

uint32_t pair_read(struct pair *p, int side, struct pair_app *a, uint32_t max)
{
	struct wr_mq q = {0};
	uint32_t n = wr_tcp_read(p->s[side], a->conn, &q, max, p->now);

	PAIR_EQ(p, n, q.bytes);
	compare(p, side, a, &q);
	if (a->echo && !a->shut) {
		a->written += n;
		if (n > 0)
			wr_tcp_write(p->s[side], a->conn, &q, p->now);
	} else {
		wr_tcp_free_mq(p->s[side], &q, WR_DROP_NONE);
	}
	return n;
}

static void app_write(struct pair *p, int side, struct pair_app *a)
{
	uint32_t space = wr_tcp_send_space(p->s[side], a->conn);
	uint64_t left = a->to_send - a->written;
	struct wr_tcp_gauges g;
	uint32_t half;

	// what applications make themselves counts against the budget as well
	wr_tcp_gauges(p->s[side], &g);
	half = g.held_budget / 2;
	space = RTE_MIN(space, g.held_rx_mbufs < half ? (half - g.held_rx_mbufs) * 512 : 0);
	if (!a->connected || a->shut || a->closed)
		return;
	if (!a->echo && left > 0 && space > 0)
		pair_write(p, side, a, (uint32_t)(left < space ? left : space));
	// a lack of buffers gives no event
	if (!a->echo && a->written < a->to_send && wr_tcp_send_space(p->s[side], a->conn) > 0)
		p->retry = true;
	if ((!a->echo && a->fin_when_done && a->written == a->to_send) ||
		(a->fin_on_eof && a->eof)) {
		wr_tcp_shutdown(p->s[side], a->conn, p->now);
		a->shut = true;
	}
}

static void app_turn(struct pair *p, int side, struct pair_app *a)
{
	struct wr_tcp_info info;

	if (!a->used || a->conn == WR_HANDLE_NONE || a->manual)
		return;
	if (p->now >= a->read_from && !(a->echo && wr_tcp_send_space(p->s[side], a->conn) == 0))
		pair_read(p, side, a, a->read_max);
	if (p->now >= a->read_from && wr_tcp_info(p->s[side], a->conn, &info) &&
		info.recv_queue_bytes > 0)
		p->retry = true; // it goes on reading without being told
	a->eof = a->eof || wr_tcp_eof(p->s[side], a->conn);
	app_write(p, side, a);
	if (a->closed && p->now >= a->read_from) {
		while (pair_read(p, side, a, UINT32_MAX) > 0)
			;
		a->eof = a->eof || wr_tcp_eof(p->s[side], a->conn);
		a->end = wr_tcp_end(p->s[side], a->conn);
		wr_tcp_release(p->s[side], a->conn, p->now);
		a->conn = WR_HANDLE_NONE;
	}
}

static void app_ready(struct pair *p, int side, const struct wr_tcp_ready *r)
{
	struct wr_tcp_info info;
	struct pair_app *a;

	if (!wr_tcp_info(p->s[side], r->conn, &info))
		pair_fail(p, "a ready connection does not exist");
	a = &p->app[side][((side == 0 ? info.tuple.lport : info.tuple.rport) - 1024u) % PAIR_CONNS];
	if (r->events & (WR_TCP_EV_ACCEPTED | WR_TCP_EV_SYN)) {
		p->apps = RTE_MAX(p->apps, (uint32_t)(a - p->app[side]) + 1);
		a->used = true;
		a->conn = r->conn;
	}
	a->events |= r->events;
	if (r->events & (WR_TCP_EV_ACCEPTED | WR_TCP_EV_CONNECTED))
		a->connected = true;
	if (r->events & WR_TCP_EV_CLOSED)
		a->closed = true;
}

static void sides_turn(struct pair *p, int side)
{
	struct wr_tcp_gauges g;
	struct wr_tcp_ready r;

	wr_tcp_timers(p->s[side], 256, p->now);
	while (wr_tcp_ready_pop(p->s[side], &r))
		app_ready(p, side, &r);
	for (uint32_t i = 0; i < p->apps; i++)
		app_turn(p, side, &p->app[side][i]);
	pair_flush(p, side);
	// long queues are walked now and then only, or nothing else would run
	wr_tcp_gauges(p->s[side], &g);
	if (p->check && (g.held_small_mbufs + g.held_rx_mbufs < 64 || p->turns++ % 128 == 0))
		pair_check(p, side);
}

static void force_iss(struct pair *p)
{
	for (uint32_t i = 0; p->iss_forced && i < p->s[1]->conns.capacity; i++) {
		struct wr_tcp_conn *c = wr_pool_at(&p->s[1]->conns, i);

		// each number once: what tells incarnations of a tuple apart must stay
		if (wr_pool_handle_at(&p->s[1]->conns, i) != WR_HANDLE_NONE &&
			c->snd_nxt == c->iss && c->iss - p->iss[1] > 256 * p->forced) {
			wr_tcp_conn_iss(c, p->iss[1] + 256 * p->forced);
			p->forced++;
		}
	}
}

// Takes one frame off the link; false when the parser dropped it, as damaged ones must be.
static bool receive(struct pair *p, struct wr_pkt *k)
{
	struct pair_frame f = pair_pop_frame(p);
	uint32_t what = f.corrupt ? PAIR_F_CORRUPT : 0;

	wr_parse_frame(k, f.m, WR_PARSE_F_NO_L2);
	// what no checksum covers may change unseen: flow label, traffic class, hop limit
	if (k->kind == WR_PKT_TCP && p->hostile > 0 && wr_rng_below(&p->rng, 1000) < p->hostile) {
		pair_mutate(p, k);
		what |= PAIR_F_HOSTILE;
	}
	if (p->watch.arrives != NULL)
		p->watch.arrives(p->watch.arg, f.to, k, what);
	if (k->kind == WR_PKT_TCP)
		return true;
	if (!f.corrupt || (k->kind == WR_PKT_DROP && k->drop == WR_DROP_NONE))
		pair_fail(p, "a frame does not parse: %s", wr_drop_name(k->drop));
	p->damaged++;
	rte_pktmbuf_free(f.m);
	return false;
}

static void deliver(struct pair *p, int to)
{
	struct wr_pkt pkts[32];
	uint16_t n = 0;

	while (n < 32 && p->frame_count > 0 && p->frames[0].at <= p->now && p->frames[0].to == to) {
		if (!receive(p, &pkts[n]))
			continue;
		p->payload_in[to] += pkts[n].payload_len;
		p->delivered++;
		n++;
	}
	if (n > 0)
		wr_tcp_input_burst(p->s[to], pkts, n, p->now);
	force_iss(p);
}

static uint32_t waiting(struct pair *p)
{
	struct wr_tcp_gauges a, b;

	wr_tcp_gauges(p->s[0], &a);
	wr_tcp_gauges(p->s[1], &b);
	return a.dirty + b.dirty;
}

wr_us_t pair_next(struct pair *p)
{
	wr_us_t at = WR_US_NEVER;

	for (int i = 0; i < 2; i++) {
		at = RTE_MIN(at, wr_tcp_next_timer(p->s[i]));
		for (uint32_t k = 0; k < p->apps; k++)
			if (p->app[i][k].used && p->app[i][k].conn != WR_HANDLE_NONE &&
				p->app[i][k].read_from > p->now)
				at = RTE_MIN(at, p->app[i][k].read_from);
	}
	if (p->retry)
		at = RTE_MIN(at, p->now + 10000);
	if (p->frame_count > 0)
		at = RTE_MIN(at, p->frames[0].at);
	return at;
}

bool pair_turn(struct pair *p)
{
	wr_us_t at = pair_next(p);
	bool dirty = waiting(p) > 0;

	if (at == WR_US_NEVER && !dirty)
		return false;
	if (at == WR_US_NEVER || at < p->now + 1)
		at = p->now + 1;
	// what could not be sent for want of buffers is tried again soon, as a worker would
	if (dirty)
		at = RTE_MIN(at, p->now + 1000);
	p->now = at;
	while (p->frame_count > 0 && p->frames[0].at <= p->now)
		deliver(p, p->frames[0].to);
	p->retry = false;
	sides_turn(p, 0);
	sides_turn(p, 1);
	return true;
}

void pair_run(struct pair *p, wr_us_t us)
{
	wr_us_t end = p->now + us;

	sides_turn(p, 0);
	sides_turn(p, 1);
	while (RTE_MIN(pair_next(p), p->now + 1000000000) <= end && pair_turn(p))
		;
	if (p->now < end)
		p->now = end;
}

void pair_settle(struct pair *p)
{
	sides_turn(p, 0);
	sides_turn(p, 1);
	while (p->frame_count > 0)
		pair_turn(p);
}
