/* SPDX-License-Identifier: BSD-3-Clause */
#include "pair.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <rte_malloc.h>

#include "wr_build.h"
#include "wr_mempool.h"

#define RX_COUNT    8191
#define SMALL_COUNT 16383

// Every connection of a side, for whoever reads a failure.
static void describe(struct pair *p, int side)
{
	struct wr_tcp_info info;
	uint32_t cursor = 0;
	wr_handle_t h;

	while (p->s[side] != NULL && (h = wr_tcp_walk(p->s[side], &cursor)) != WR_HANDLE_NONE) {
		struct wr_tcp_conn *c = wr_tcp_conn_at(p->s[side], h);

		wr_tcp_info(p->s[side], h, &info);
		fprintf(stderr,
			"side %d %s flags %x una +%u nxt +%u end +%u wnd %u cwnd %u mss %u ca %u "
			"dup %u rcv +%u adv +%u recvq %u ooo %u rto %u rtx_at %lld since %lld\n",
			side, wr_tcp_state_name(info.state), c->flags, c->snd_una - c->iss,
			c->snd_nxt - c->iss, c->snd_end - c->iss, c->snd_wnd, c->cwnd, c->mss,
			c->ca_state, c->dupacks, c->rcv_nxt - c->irs, c->rcv_adv - c->irs,
			c->rcvq.bytes, c->ooo.bytes, c->rto_us,
			c->rtx_at == WR_US_NEVER ? -1 : (long long)(c->rtx_at - p->now),
			c->rtx_since_us == 0 ? -1 : (long long)(p->now - c->rtx_since_us));
	}
	for (int i = 0; i < PAIR_CONNS; i++) {
		struct pair_app *a = &p->app[side][i];

		if (a->used)
			fprintf(stderr,
				"side %d app %d written %llu of %llu got %llu eof %d shut %d "
				"closed %d end %s\n",
				side, i, (unsigned long long)a->written,
				(unsigned long long)a->to_send, (unsigned long long)a->got, a->eof,
				a->shut, a->closed, wr_tcp_end_name(a->end));
	}
	for (uint32_t d = 0; d < WR_DROP_COUNT; d++)
		if (p->stats[side].drop[d] > 0)
			fprintf(stderr, "side %d drop %s %llu\n", side, wr_drop_name(d),
				(unsigned long long)p->stats[side].drop[d]);
}

void pair_die(struct pair *p, const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s:%d: at %llu us: ", file, line, (unsigned long long)p->now);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	for (int side = 0; side < 2; side++)
		describe(p, side);
	abort();
}

void pair_pools(struct pair *p)
{
	p->rx = rte_mempool_lookup("pair_rx");
	p->small = rte_mempool_lookup("pair_small");
	if (p->rx == NULL)
		p->rx = rte_pktmbuf_pool_create("pair_rx", RX_COUNT, 0, WR_MBUF_PRIV_SIZE,
			WR_RX_DATAROOM, SOCKET_ID_ANY);
	if (p->small == NULL)
		p->small = rte_pktmbuf_pool_create("pair_small", SMALL_COUNT, 0, WR_MBUF_PRIV_SIZE,
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
	p->app[1][id % PAIR_CONNS] = *a;
	p->app[1][id % PAIR_CONNS].used = false;
	p->right_known[0][id % PAIR_CONNS] = p->right_known[1][id % PAIR_CONNS] = false;
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

// --- link -------------------------------------------------------------------------------------

static bool earlier(const struct pair_frame *a, const struct pair_frame *b)
{
	return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void push_frame(struct pair *p, struct rte_mbuf *m, int to, wr_us_t at)
{
	struct pair_frame f = {m, at, p->order++, to};
	uint32_t i = p->frame_count++;

	if (i >= PAIR_FRAMES)
		pair_fail(p, "more than %d frames under way", PAIR_FRAMES);
	for (; i > 0 && earlier(&f, &p->frames[(i - 1) / 2]); i = (i - 1) / 2)
		p->frames[i] = p->frames[(i - 1) / 2];
	p->frames[i] = f;
}

static struct pair_frame pop_frame(struct pair *p)
{
	struct pair_frame top = p->frames[0], last = p->frames[--p->frame_count];
	uint32_t i = 0, k;

	while ((k = 2 * i + 1) < p->frame_count) {
		if (k + 1 < p->frame_count && earlier(&p->frames[k + 1], &p->frames[k]))
			k++;
		if (!earlier(&p->frames[k], &last))
			break;
		p->frames[i] = p->frames[k];
		i = k;
	}
	p->frames[i] = last;
	return top;
}

// What a NIC would write into its own buffers; in two segments when `split`.
static struct rte_mbuf *as_received(struct pair *p, struct rte_mbuf *m, bool split)
{
	uint32_t len = m->pkt_len, first = len;
	struct rte_mbuf *n = rte_pktmbuf_alloc(p->rx), *n2 = NULL;

	if (n == NULL)
		return NULL;
	if (split && len > 200)
		first = 60 + wr_rng_below(&p->rng, len - 100);
	wr_tcp_payload_copy(rte_pktmbuf_append(n, (uint16_t)first), m, 0, first);
	if (first < len) {
		n2 = rte_pktmbuf_alloc(p->rx);
		if (n2 == NULL) {
			rte_pktmbuf_free(n);
			return NULL;
		}
		wr_tcp_payload_copy(
			rte_pktmbuf_append(n2, (uint16_t)(len - first)), m, first, len - first);
		rte_pktmbuf_chain(n, n2);
	}
	return n;
}

static bool chance(struct pair *p, uint32_t permille)
{
	return permille > 0 && wr_rng_below(&p->rng, 1000) < permille;
}

// The right edge that a peer has been shown is never taken back, but for the rounding that window
// scaling causes (RFC 7323 2.4).
static void check_edge(struct pair *p, int from, const struct wr_pkt *k)
{
	uint32_t id = (from == 0 ? k->t.rport : k->t.lport) - 1024u, i = id % PAIR_CONNS;
	uint32_t edge, unit;
	bool syn = k->flags & WR_TCP_SYN;

	if (id > UINT16_MAX || !(k->flags & WR_TCP_ACK) || (k->flags & WR_TCP_RST))
		return;
	if (syn) {
		struct wr_tcp_info info;

		p->right_known[from][i] = false;
		p->shift[from][i] = 0;
		(void)info;
		return;
	}
	for (uint32_t c = 0; c < p->s[from]->conns.capacity; c++) {
		struct wr_tcp_conn *x = wr_pool_at(&p->s[from]->conns, c);

		if (wr_pool_handle_at(&p->s[from]->conns, c) != WR_HANDLE_NONE &&
			(from == 0 ? x->t.lport : x->t.rport) == id + 1024)
			p->shift[from][i] = x->our_wscale;
	}
	unit = 1u << p->shift[from][i];
	edge = k->ack + ((uint32_t)k->window << p->shift[from][i]);
	if (p->right_known[from][i] && (int32_t)(edge - p->right_edge[from][i]) <= -(int32_t)unit)
		pair_fail(p, "side %d withdrew its right edge from %u to %u", from,
			p->right_edge[from][i], edge);
	if (!p->right_known[from][i] || (int32_t)(edge - p->right_edge[from][i]) > 0)
		p->right_edge[from][i] = edge;
	p->right_known[from][i] = true;
}

static void trace(struct pair *p, int from, const struct wr_pkt *k)
{
	uint32_t port = from == 0 ? k->t.rport : k->t.lport;

	printf("%llu %c %u %s%s%s%s seq %u len %u ack %u win %u sack %u\n",
		(unsigned long long)p->now, from ? '<' : '>', port,
		k->flags & WR_TCP_SYN ? "S" : "", k->flags & WR_TCP_FIN ? "F" : "",
		k->flags & WR_TCP_RST ? "R" : "", k->flags & WR_TCP_ACK ? "." : "",
		k->seq - p->iss[from], k->payload_len, k->ack - p->iss[!from], k->window,
		k->sack_count);
}

static void transmit(struct pair *p, int from, struct rte_mbuf *m)
{
	wr_us_t at = p->now + p->link.delay_us + wr_rng_below(&p->rng, p->link.jitter_us + 1);
	struct rte_mbuf *n;
	struct wr_pkt k;
	int copies = 1;

	wr_build_finish_csum(m);
	wr_parse_frame(&k, m, WR_PARSE_F_NO_L2);
	if (k.kind != WR_PKT_TCP)
		pair_fail(p, "side %d sent a frame that does not parse: %s", from,
			wr_drop_name(k.drop));
	check_edge(p, from, &k);
	if (p->trace)
		trace(p, from, &k);
	if ((p->tap != NULL && !p->tap(p, from, &k, p->tap_arg)) || chance(p, p->link.loss)) {
		p->lost++;
		rte_pktmbuf_free(m);
		return;
	}
	if (chance(p, p->link.reorder))
		at += wr_rng_below(&p->rng, p->link.held_us + 1);
	copies += chance(p, p->link.dup);
	for (int i = 0; i < copies - 1; i++) {
		n = as_received(p, m, chance(p, p->link.split));
		if (n != NULL)
			push_frame(p, n, !from, at + wr_rng_below(&p->rng, p->link.held_us + 1));
	}
	if (chance(p, p->link.share)) {
		push_frame(p, m, !from, at);
		return;
	}
	n = as_received(p, m, chance(p, p->link.split));
	rte_pktmbuf_free(m);
	if (n != NULL)
		push_frame(p, n, !from, at);
}

void pair_flush(struct pair *p, int side)
{
	struct rte_mbuf *pkts[64];
	uint32_t rounds = 0;

	for (;;) {
		struct wr_tcp_tx tx = {pkts, 0, (uint16_t)p->room};
		uint32_t n = wr_tcp_output(p->s[side], &tx, 64, p->now);

		for (uint16_t i = 0; i < tx.count; i++)
			transmit(p, side, pkts[i]);
		if (tx.count == 0 || ++rounds > 10000)
			break;
		(void)n;
	}
	if (rounds > 10000)
		pair_fail(p, "side %d never stops sending", side);
}

// --- applications -----------------------------------------------------------------------------

uint8_t pair_byte(int side, uint32_t id, uint64_t at)
{
	uint64_t x = (at + 1) * 0x9e3779b97f4a7c15ULL + id * 0x10001u + (uint32_t)side * 77u;

	return (uint8_t)(x >> 29);
}

void pair_write(struct pair *p, int side, struct pair_app *a, uint32_t len)
{
	struct wr_mq q = {0};

	while (len > 0) {
		uint32_t part = 1 + wr_rng_below(&p->rng, a->chunk);
		struct rte_mbuf *m;
		uint8_t *to;

		part = len < part ? len : part;
		if (rte_mempool_avail_count(p->small) < SMALL_COUNT / 2)
			break;
		m = rte_pktmbuf_alloc(part <= 512 ? p->small : p->rx);
		if (m == NULL)
			break;
		to = (uint8_t *)rte_pktmbuf_append(m, (uint16_t)part);
		for (uint32_t i = 0; i < part; i++)
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

	wr_mq_foreach(m, q)
	{
		const uint8_t *at = rte_pktmbuf_mtod(m, const uint8_t *);

		for (uint32_t i = 0; i < m->data_len; i++, a->got++)
			if (at[i] != pair_byte(from, a->id, a->got))
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
	const struct wr_tcp_stack *st = p->s[side];
	uint32_t half = st->cfg.held_budget / 2;

	// what applications make themselves counts against the budget as well
	space = RTE_MIN(space, st->held_rx < half ? (half - st->held_rx) * 512 : 0);
	if (!a->connected || a->shut || a->closed)
		return;
	if (!a->echo && left > 0 && space > 0)
		pair_write(p, side, a, (uint32_t)(left < space ? left : space));
	// a lack of buffers gives no event
	if (!a->echo && a->written < a->to_send && wr_tcp_send_space(p->s[side], a->conn) > 0)
		p->retry = true;
	if ((!a->echo && a->fin_when_done && a->written == a->to_send) || (a->fin_on_eof && a->eof)) {
		wr_tcp_shutdown(p->s[side], a->conn, p->now);
		a->shut = true;
	}
}

static void app_turn(struct pair *p, int side, struct pair_app *a)
{
	if (!a->used || a->conn == WR_HANDLE_NONE || a->manual)
		return;
	if (p->now >= a->read_from &&
		!(a->echo && wr_tcp_send_space(p->s[side], a->conn) == 0))
		pair_read(p, side, a, a->read_max);
	if (p->now >= a->read_from && wr_tcp_conn_at(p->s[side], a->conn) != NULL &&
		wr_tcp_conn_at(p->s[side], a->conn)->rcvq.count > 0)
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
	struct wr_tcp_ready r;

	wr_tcp_timers(p->s[side], 256, p->now);
	while (wr_tcp_ready_pop(p->s[side], &r))
		app_ready(p, side, &r);
	for (int i = 0; i < PAIR_CONNS; i++)
		app_turn(p, side, &p->app[side][i]);
	pair_flush(p, side);
	// long queues are walked now and then only, or nothing else would run
	if (p->check && (p->s[side]->held_small + p->s[side]->held_rx < 200 || p->turns++ % 32 == 0))
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

static void deliver(struct pair *p, int to)
{
	struct wr_pkt pkts[32];
	uint16_t n = 0;

	while (n < 32 && p->frame_count > 0 && p->frames[0].at <= p->now && p->frames[0].to == to) {
		struct pair_frame f = pop_frame(p);

		wr_parse_frame(&pkts[n], f.m, WR_PARSE_F_NO_L2);
		PAIR_EQ(p, pkts[n].kind, WR_PKT_TCP);
		p->payload_in[to] += pkts[n].payload_len;
		p->delivered++;
		n++;
	}
	if (n > 0)
		wr_tcp_input_burst(p->s[to], pkts, n, p->now);
	force_iss(p);
}

static wr_us_t next_event(struct pair *p)
{
	wr_us_t at = WR_US_NEVER;

	for (int i = 0; i < 2; i++) {
		at = RTE_MIN(at, wr_tcp_next_timer(p->s[i]));
		for (int k = 0; k < PAIR_CONNS; k++)
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
	wr_us_t at = next_event(p);

	if (at == WR_US_NEVER && p->s[0]->dirty.count + p->s[1]->dirty.count == 0)
		return false;
	if (at == WR_US_NEVER || at < p->now + 1)
		at = p->now + 1;
	// what could not be sent for want of buffers is tried again soon, as a worker would
	if (p->s[0]->dirty.count + p->s[1]->dirty.count > 0)
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
	while (RTE_MIN(next_event(p), p->now + 1000000000) <= end && pair_turn(p))
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

// --- hand-made segments -----------------------------------------------------------------------

void pair_inject(struct pair *p, int to, const struct pair_seg *seg)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(p->rx);
	struct wr_tuple t = {seg->t.remote, seg->t.local, seg->t.rport, seg->t.lport};
	struct wr_tcp_hdr h = {.t = &t,
		.seq = seg->seq,
		.ack = seg->ack,
		.window = seg->window,
		// the parser refuses some combinations; the engine has to stand them all the same
		.flags = seg->flags & (WR_TCP_SYN | WR_TCP_RST | WR_TCP_ACK) ? seg->flags
									     : WR_TCP_ACK,
		.opts = seg->opts,
		.mss = seg->mss,
		.wscale = seg->wscale,
		.sack_count = seg->sack_count,
		.sack = seg->sack,
		.ts_val = seg->ts_val,
		.ts_ecr = seg->ts_ecr};
	struct wr_pkt k;

	if (seg->len > 0)
		memcpy(rte_pktmbuf_append(m, (uint16_t)seg->len), seg->data, seg->len);
	PAIR_EQ(p, wr_build_tcp(m, &h), 0);
	wr_build_finish_csum(m);
	wr_parse_frame(&k, m, WR_PARSE_F_NO_L2);
	if (k.kind != WR_PKT_TCP)
		pair_fail(p, "injected segment does not parse: %s", wr_drop_name(k.drop));
	k.flags = seg->flags;
	p->payload_in[to] += k.payload_len;
	wr_tcp_input_burst(p->s[to], &k, 1, p->now);
}

// --- books ------------------------------------------------------------------------------------

static void check_conn(struct pair *p, const struct wr_tcp_conn *c)
{
	struct rte_mbuf *m;
	uint32_t seq, n = 0;

	PAIR_CHECK(p, wr_seq_leq(c->snd_una, c->snd_nxt));
	PAIR_CHECK(p, wr_seq_leq(c->snd_nxt, c->snd_end + 1) || c->state == WR_TCP_ST_CLOSED);
	PAIR_CHECK(p, wr_seq_leq(c->rcv_nxt, c->rcv_adv));
	seq = c->rcv_nxt;
	wr_mq_foreach(m, &c->ooo)
	{
		PAIR_CHECK(p, wr_seq_gt(wr_mbuf_priv(m)->seq, seq) ||
				      (n > 0 && wr_mbuf_priv(m)->seq == seq));
		seq = wr_mbuf_priv(m)->seq + m->data_len;
		n++;
	}
	PAIR_EQ(p, n, c->ooo.count);
	PAIR_CHECK(p, c->ooo.count <= 0 || wr_seq_leq(seq, c->rcv_adv));
	if (c->sndq.head != NULL) {
		PAIR_CHECK(p, wr_seq_leq(wr_mbuf_priv(c->sndq.head)->seq, wr_seq_max(c->snd_una, c->iss + 1)));
		seq = wr_mbuf_priv(c->sndq.head)->seq;
		wr_mq_foreach(m, &c->sndq)
		{
			PAIR_EQ(p, wr_mbuf_priv(m)->seq, seq);
			seq += m->data_len;
		}
		PAIR_EQ(p, seq, c->snd_end);
	}
}

void pair_check(struct pair *p, int side)
{
	const struct wr_stats *st = &p->stats[side];
	struct wr_tcp_gauges g, w;

	wr_tcp_gauges(p->s[side], &g);
	wr_tcp_gauges_walk(p->s[side], &w);
	PAIR_EQ(p, g.conns, w.conns);
	PAIR_EQ(p, g.half_open, w.half_open);
	PAIR_EQ(p, g.time_wait, w.time_wait);
	PAIR_EQ(p, g.ready, w.ready);
	PAIR_EQ(p, g.dirty, w.dirty);
	PAIR_EQ(p, g.promised_bytes, w.promised_bytes);
	PAIR_EQ(p, g.recv_queue_bytes, w.recv_queue_bytes);
	PAIR_EQ(p, g.ooo_bytes, w.ooo_bytes);
	PAIR_EQ(p, g.send_queue_bytes, w.send_queue_bytes);
	PAIR_EQ(p, g.held_rx_mbufs, w.held_rx_mbufs);
	PAIR_EQ(p, g.held_small_mbufs, w.held_small_mbufs);
	PAIR_CHECK(p, g.held_rx_mbufs <= p->s[side]->cfg.held_budget);
	PAIR_EQ(p, st->ctr[WR_CTR_pay_rx_bytes],
		st->ctr[WR_CTR_pay_read_bytes] + w.recv_queue_bytes + w.ooo_bytes +
			st->drop_bytes[WR_DROP_pay_aborted_rx] +
			st->drop_bytes[WR_DROP_pay_ooo_evicted]);
	PAIR_EQ(p, st->ctr[WR_CTR_pay_written_bytes],
		st->ctr[WR_CTR_pay_tx_bytes] + w.send_queue_bytes +
			st->drop_bytes[WR_DROP_pay_aborted_tx]);
	PAIR_EQ(p, p->payload_in[side],
		st->ctr[WR_CTR_pay_rx_bytes] + st->drop_bytes[WR_DROP_pay_duplicate] +
			st->drop_bytes[WR_DROP_pay_trimmed] +
			st->drop_bytes[WR_DROP_pay_no_credit] +
			st->drop_bytes[WR_DROP_pay_ooo_limit] +
			st->drop_bytes[WR_DROP_pay_closed]);
	for (uint32_t i = 0; i < p->s[side]->conns.capacity; i++)
		if (wr_pool_handle_at(&p->s[side]->conns, i) != WR_HANDLE_NONE)
			check_conn(p, wr_pool_at(&p->s[side]->conns, i));
}
