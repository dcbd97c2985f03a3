/* SPDX-License-Identifier: BSD-3-Clause */

// One stack between a hostile network and a hostile application: a program (program.h) of segments,
// steps of the clock, endpoint calls and shortages. The books are checked after every operation,
// every byte read or sent is compared with its stream, and at the end nothing is left.

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "program.h"
#include "wr_build.h"
#include "wr_mempool.h"
#include "wr_parse.h"
#include "wr_seq.h"

#define PASSIVE 4 // tuples that come in; as many go out
#define TUPLES  (2 * PASSIVE)
#define APPS    64
#define OPS_MAX 512
#define RX      1023
#define SMALL   2047
#define BURST   16

enum op {
	OP_SEGMENT,
	OP_OPEN,  // the peer's half of a handshake
	OP_DATA,  // in order
	OP_ACK,   // of everything
	OP_FIN,   // at RCV.NXT
	OP_RESET, // at RCV.NXT
	OP_TIME,
	OP_READ,
	OP_WRITE,
	OP_END, // shutdown, release, abort, fail, accept
	OP_CONNECT,
	OP_SHORTAGE,
	OP_SETTING,
	OP_HOLD,  // the next segments arrive as one burst
	OP_TIMER, // the clock to the next timer
	OP_PIPE,  // what one connection read, written to another
};

struct app {
	wr_handle_t h; // WR_HANDLE_NONE: given back
	uint32_t tuple, iss, order;
	uint32_t got, written;
	bool piped; // sends what another received: its bytes are not the stream's
	bool used;
};

struct world {
	struct prog in;
	struct wr_tcp_stack *s;
	struct wr_stats st;
	wr_us_t now;
	uint64_t payload_in;
	struct wr_tuple tuple[TUPLES];
	struct prog_peer peer[TUPLES];
	struct prog_edge edge[TUPLES];
	struct app app[APPS];
	uint32_t orders;
	struct rte_mbuf *hostage[SMALL];
	uint32_t hostages;
	uint16_t room;
	bool deferred;
	struct wr_pkt burst[BURST];
	uint16_t burst_count, hold;
};

static struct rte_mempool *rx, *small;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	exact_init();
	prog_traced = getenv("WEIR_FUZZ_TRACE") != NULL;
	rx = exact_pool("fuzz_rx", RX, WR_RX_DATAROOM);
	small = exact_pool("fuzz_small", SMALL, WR_SMALL_DATAROOM);
	return 0;
}

// --- the world --------------------------------------------------------------------------------

static struct wr_addr address(bool v6, uint8_t host)
{
	uint8_t b[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = host};

	return v6 ? wr_addr_from_v6(b) : wr_addr_from_v4(RTE_BE32(0xc6120000u + host));
}

static struct wr_endpoint local(bool v6)
{
	return (struct wr_endpoint){address(v6, 1), 80};
}

static void listen_on(struct world *w, bool v6)
{
	struct wr_tcp_listen_opts o = {.user = v6, .deferred = w->deferred};
	struct wr_endpoint e = local(v6);
	int rc = wr_tcp_listen(w->s, &e, &o);

	PROG_CHECK(rc == 0 || rc == -EADDRINUSE);
}

static void world_start(struct world *w)
{
	static const uint32_t starts[] = {0, 0x7fffffff, 0xfffffff0, 0xffff8000};
	static const uint32_t budgets[] = {500, 40, 6, 1};
	static const uint32_t buffers[] = {0, 4000, 100000, 1 << 20};
	uint8_t a = prog_u8(&w->in), b = prog_u8(&w->in), opts = prog_u8(&w->in);
	struct wr_tcp_config c = {.max_conns = a & 0x80 ? 3 : 16,
		.max_half_open = a & 0x40 ? 2 : 0,
		.reserved_conns = a & 0x20 ? 1 : 0,
		.held_budget = budgets[b & 3],
		.rcv_buf_bytes = buffers[b >> 2 & 3],
		.snd_buf_bytes = buffers[b >> 4 & 3],
		.ooo_segs_max = b & 0x40 ? 3 : 0,
		.small_budget = b & 0x80 ? 8 : 0,
		.small = small,
		.stats = &w->st,
		.secret = {1, 2, 3, a & 3u},
		.seed = 7,
		.numa_node = SOCKET_ID_ANY};

	c.held_reserve = c.held_budget / 8;
	w->now = WR_US_PER_S;
	w->room = 64;
	w->deferred = a & 0x10;
	w->s = wr_tcp_stack_create(&c, w->now);
	PROG_CHECK(w->s != NULL);
	for (uint8_t i = 0; i < TUPLES; i++) {
		bool v6 = i & 1, active = i >= PASSIVE;

		w->tuple[i] = (struct wr_tuple){.local = address(v6, 1),
			.remote = address(v6, 2),
			.lport = active ? 2000 + i : 80,
			.rport = active ? 80 : 1000 + i};
		w->peer[i] = (struct prog_peer){.iss = starts[(a >> 2) & 3] - i * 300u,
			.window = i & 2 ? 2000 : 65535,
			.opts = (uint8_t)((opts >> (i & 2)) &
					  (WR_TCPOPT_WSCALE | WR_TCPOPT_SACKOK | WR_TCPOPT_TS)),
			.wscale = opts & 0x40 ? 14 : 3,
			.mss = opts & 0x80 ? 0 : 1460};
		w->peer[i].syn_seq = w->peer[i].iss;
	}
	listen_on(w, false);
	listen_on(w, true);
}

static void feed(struct world *w)
{
	while (w->hostages > 0)
		rte_pktmbuf_free(w->hostage[--w->hostages]);
}

static uint32_t tuple_of(const struct world *w, const struct wr_tuple *t)
{
	uint32_t i = 0;

	while (i < TUPLES && !wr_tuple_eq(t, &w->tuple[i]))
		i++;
	return i;
}

// --- the application --------------------------------------------------------------------------

static struct app *newest(struct world *w, uint32_t tuple)
{
	struct app *best = NULL;

	for (uint32_t i = 0; i < APPS; i++) {
		struct app *a = &w->app[i];

		if (a->used && a->tuple == tuple && (best == NULL || a->order > best->order))
			best = a;
	}
	return best;
}

static struct app *app_new(struct world *w, wr_handle_t h, uint32_t tuple)
{
	struct wr_tcp_info info;
	struct app *best = NULL;

	PROG_CHECK(tuple < TUPLES && wr_tcp_info(w->s, h, &info));
	for (uint32_t i = 0; i < APPS; i++) {
		struct app *a = &w->app[i];

		if (a->used && a->h != WR_HANDLE_NONE)
			continue;
		if (best == NULL || !a->used || (best->used && a->order < best->order))
			best = a;
	}
	if (best == NULL)
		return NULL;
	*best = (struct app){
		.h = h, .tuple = tuple, .iss = info.iss, .order = w->orders++, .used = true};
	return best;
}

static void events(struct world *w)
{
	struct wr_tcp_ready r;
	struct wr_tcp_info info;

	while (wr_tcp_ready_pop(w->s, &r)) {
		bool known = false;

		PROG_CHECK(wr_tcp_info(w->s, r.conn, &info));
		for (uint32_t i = 0; i < APPS; i++)
			known = known || (w->app[i].used && w->app[i].h == r.conn);
		PROG_CHECK(known || (r.events & (WR_TCP_EV_SYN | WR_TCP_EV_ACCEPTED)));
		prog_trace("  event %x of %s\n", r.events, wr_tcp_state_name(info.state));
		if (!known && app_new(w, r.conn, tuple_of(w, &info.tuple)) == NULL)
			wr_tcp_abort(w->s, r.conn, w->now);
	}
}

static struct app *pick(struct world *w, uint32_t tuple)
{
	struct app *a = newest(w, tuple);

	return a != NULL && a->h != WR_HANDLE_NONE ? a : NULL;
}

static uint32_t read_app(struct world *w, struct app *a, struct wr_mq *q, uint32_t most)
{
	uint32_t n = wr_tcp_read(w->s, a->h, q, most, w->now);
	struct rte_mbuf *m;

	PROG_EQ(n, q->bytes);
	wr_mq_foreach (m, q) {
		prog_expect(true, a->got, rte_pktmbuf_mtod(m, const uint8_t *), m->data_len);
		a->got += m->data_len;
	}
	return n;
}

static void op_read(struct world *w, struct app *a)
{
	static const uint32_t most[] = {UINT32_MAX, 1, 100, 1460, 5000};
	struct wr_mq q = {0};
	uint8_t v = prog_u8(&w->in);

	if (a == NULL)
		return;
	read_app(w, a, &q, most[v % RTE_DIM(most)]);
	wr_tcp_free_mq(w->s, &q, WR_DROP_NONE);
	(void)wr_tcp_eof(w->s, a->h);
}

static void op_write(struct world *w, struct app *a)
{
	uint32_t len = prog_len(&w->in), chunk = 1 + prog_u8(&w->in) * 9u, space;
	struct wr_tcp_gauges g;
	struct wr_mq q = {0};

	if (a == NULL)
		return;
	space = wr_tcp_send_space(w->s, a->h);
	wr_tcp_gauges(w->s, &g);
	len = RTE_MIN(len * (chunk & 1 ? 8 : 1), space);
	while (len > 0) {
		// what an application brings itself counts as held, and is not refused
		bool big = chunk > 512 && g.held_rx_mbufs + q.count + 1 < g.held_budget / 2;
		uint32_t part = RTE_MIN(RTE_MIN(len, chunk), big ? 2048u : 512u);
		struct rte_mbuf *m = big ? exact_plain(rx) : rte_pktmbuf_alloc(small);
		uint8_t *to;

		if (m == NULL)
			break;
		to = (uint8_t *)rte_pktmbuf_append(m, (uint16_t)part);
		for (uint32_t k = 0; k < part; k++)
			to[k] = prog_byte(false, a->written + k);
		a->written += part;
		wr_mq_append(&q, m);
		len -= part;
	}
	wr_tcp_write(w->s, a->h, &q, w->now);
	PROG_EQ(q.count, 0);
}

static void op_pipe(struct world *w, struct app *from)
{
	struct app *to = pick(w, prog_u8(&w->in) % TUPLES);
	struct wr_mq q = {0};
	uint32_t n;

	if (from == NULL || to == NULL || wr_tcp_send_space(w->s, to->h) == 0)
		return;
	n = read_app(w, from, &q, wr_tcp_send_space(w->s, to->h));
	to->piped = to->piped || n > 0;
	to->written += n;
	wr_tcp_write(w->s, to->h, &q, w->now);
	PROG_EQ(q.count, 0);
}

static void op_end(struct world *w, struct app *a)
{
	uint8_t how = prog_u8(&w->in) % 6;

	if (a == NULL)
		return;
	prog_trace("  %s\n", (const char *const[]){"shutdown", "release", "abort", "fail", "accept",
				     "path"}[how]);
	switch (how) {
	case 0:
		wr_tcp_shutdown(w->s, a->h, w->now);
		return;
	case 1:
		wr_tcp_release(w->s, a->h, w->now);
		break;
	case 2:
		wr_tcp_abort(w->s, a->h, w->now);
		break;
	case 3:
		wr_tcp_fail(w->s, a->h, w->now);
		return;
	case 4:
		wr_tcp_accept(w->s, a->h, w->now);
		return;
	default:
		wr_tcp_set_path(w->s, a->h, 3);
		wr_tcp_set_user(w->s, a->h, 4);
		return;
	}
	a->h = WR_HANDLE_NONE;
}

static void op_connect(struct world *w, uint32_t tuple)
{
	struct wr_tcp_connect_opts o = {.opts = prog_u8(&w->in) & 0x0f};
	wr_handle_t h;

	if (tuple < PASSIVE || wr_tcp_connect(w->s, &w->tuple[tuple], &o, w->now, &h) != 0)
		return;
	if (app_new(w, h, tuple) == NULL)
		wr_tcp_abort(w->s, h, w->now);
}

// --- the network ------------------------------------------------------------------------------

static void deliver(struct world *w)
{
	uint16_t n = w->burst_count;

	w->burst_count = 0;
	w->hold = 0;
	if (n > 0)
		wr_tcp_input_burst(w->s, w->burst, n, w->now);
}

static void arrive(struct world *w, const struct prog_seg *g, uint32_t tuple)
{
	uint8_t buf[PROG_FRAME_MAX];
	struct prog_seg plain = *g;
	struct wr_pkt *k = &w->burst[w->burst_count];
	struct wr_tcp_info info;
	const uint8_t *frame;
	struct rte_mbuf *m;
	uint32_t len;

	// the parser refuses some combinations; the engine has to stand them all the same
	plain.flags = g->flags & WR_TCP_SYN ? WR_TCP_SYN : WR_TCP_ACK;
	frame = prog_build(buf, &plain, NULL, NULL, &len);
	m = exact_frame(rx, frame, len, &g->how);
	if (m == NULL)
		return;
	wr_parse_frame(k, m, WR_PARSE_F_NO_L2);
	PROG_EQ(k->kind, WR_PKT_TCP);
	PROG_EQ(k->payload_len, g->len);
	k->flags = g->flags;
	prog_trace_pkt(w->now, '<', k, prog_find(w->s, &g->t, &info) ? &info : NULL);
	prog_seg_sent(&w->peer[tuple], g);
	w->payload_in += k->payload_len;
	if (++w->burst_count >= w->hold || w->burst_count == BURST || (g->flags & WR_TCP_SYN))
		deliver(w);
}

static void sent(struct world *w, struct rte_mbuf *m)
{
	struct wr_tcp_info info;
	uint8_t copy[PROG_FRAME_MAX];
	const uint8_t *data;
	struct wr_tuple t;
	struct wr_pkt k;
	struct app *a;
	uint32_t i;
	bool live;

	wr_build_finish_csum(m);
	wr_parse_frame(&k, m, WR_PARSE_F_NO_L2);
	if (k.kind != WR_PKT_TCP)
		prog_fail("a frame was sent that does not parse: %s", wr_drop_name(k.drop));
	t = (struct wr_tuple){k.t.remote, k.t.local, k.t.rport, k.t.lport};
	i = tuple_of(w, &t);
	PROG_CHECK(i < TUPLES);
	live = prog_find(w->s, &t, &info);
	prog_trace_pkt(w->now, '>', &k, live ? &info : NULL);
	if (k.opts & WR_TCPOPT_TS)
		w->peer[i].ts_ecr = k.ts_val;
	if (live)
		prog_edge(&w->edge[i], &k, &info);
	if (k.payload_len > 0) {
		a = newest(w, i);
		PROG_CHECK(a != NULL && k.payload_len <= sizeof(copy));
		data = rte_pktmbuf_read(m, wr_pkt_payload_offset(&k), k.payload_len, copy);
		PROG_CHECK(wr_seq_leq(k.seq + k.payload_len, a->iss + 1 + a->written));
		if (!a->piped)
			prog_expect(false, k.seq - a->iss - 1, data, k.payload_len);
	}
	rte_pktmbuf_free(m);
}

static void output(struct world *w)
{
	struct rte_mbuf *pkts[64];

	for (uint32_t rounds = 0;; rounds++) {
		struct wr_tcp_tx tx = {pkts, 0, w->room};

		PROG_CHECK(rounds < 20000); // it never stops sending
		wr_tcp_output(w->s, &tx, 64, w->now);
		for (uint16_t i = 0; i < tx.count; i++)
			sent(w, pkts[i]);
		if (tx.count == 0)
			return;
	}
}

static void simple(struct world *w, enum op op, uint32_t tuple)
{
	static const uint8_t flags[] = {[OP_OPEN] = WR_TCP_SYN,
		[OP_DATA] = WR_TCP_ACK,
		[OP_ACK] = WR_TCP_ACK,
		[OP_FIN] = WR_TCP_ACK | WR_TCP_FIN,
		[OP_RESET] = WR_TCP_RST};
	const struct wr_tuple *t = &w->tuple[tuple];
	struct prog_peer *p = &w->peer[tuple];
	struct wr_tcp_info info;
	bool live = prog_find(w->s, t, &info);
	struct prog_seg g;
	uint8_t f = flags[op];

	if (op == OP_OPEN && live && info.state == WR_TCP_ST_SYN_SENT)
		f |= WR_TCP_ACK;
	prog_seg_good(&g, p, live ? &info : NULL, t, f, w->now);
	if (op == OP_OPEN && (f & WR_TCP_ACK))
		g.ack = info.iss + 1;
	if (op == OP_DATA) {
		g.len = prog_len(&w->in);
		g.how.direct = true;
	}
	if (op == OP_ACK)
		g.window = (uint16_t)(prog_u8(&w->in) << 8 | (g.window & 0xff));
	g.up = true;
	arrive(w, &g, tuple);
	if (op != OP_OPEN || (f & WR_TCP_ACK))
		return;
	events(w);
	output(w);
	if (!prog_find(w->s, t, &info) || info.state != WR_TCP_ST_SYN_RECEIVED)
		return;
	prog_seg_good(&g, p, &info, t, WR_TCP_ACK, w->now);
	g.up = true;
	arrive(w, &g, tuple);
}

static void op_segment(struct world *w, uint32_t tuple)
{
	struct wr_tcp_info info;
	bool live = prog_find(w->s, &w->tuple[tuple], &info);
	struct prog_seg g;

	prog_seg_read(&g, &w->in, &w->peer[tuple], live ? &info : NULL, &w->tuple[tuple], w->now);
	g.up = true;
	if ((g.flags & WR_TCP_SYN) && w->burst_count > 0)
		deliver(w); // what waits belongs to the stream before it
	arrive(w, &g, tuple);
}

// --- the rest ---------------------------------------------------------------------------------

static void op_shortage(struct world *w)
{
	uint8_t keep = prog_u8(&w->in);
	struct rte_mbuf *m;

	feed(w);
	if (keep & 0x80)
		return;
	while (rte_mempool_avail_count(small) > keep && (m = rte_pktmbuf_alloc(small)) != NULL)
		w->hostage[w->hostages++] = m;
}

static void op_setting(struct world *w)
{
	uint8_t v = prog_u8(&w->in);
	struct wr_endpoint e = local(v & 8);

	switch (v & 7) {
	case 0:
		w->room = (uint16_t)(1 + (v >> 3) * 2);
		break;
	case 1:
		wr_tcp_set_pressure(w->s, v >> 3 & 7, v >> 6);
		break;
	case 2:
		wr_tcp_set_admit(w->s, &e, (enum wr_tcp_admit)((v >> 4) % 3));
		break;
	case 3:
		wr_tcp_set_admit_all(w->s, (enum wr_tcp_admit)((v >> 4) % 3));
		break;
	case 4:
		wr_tcp_unlisten(w->s, &e);
		break;
	case 5:
		w->deferred = v & 16;
		listen_on(w, v & 8);
		break;
	case 6:
		w->peer[(v >> 3) % TUPLES].window = (v & 0x80) ? 0 : 65535;
		break;
	default:
		w->peer[(v >> 3) % TUPLES].iss += 0x10000;
		break;
	}
}

static void step(struct world *w)
{
	uint8_t v = prog_u8(&w->in);
	enum op op = v & 15;
	uint32_t tuple = (v >> 4) % TUPLES;
	uint64_t waiting = 0; // payload of a burst that did not arrive yet
	wr_us_t next;

	prog_trace("op %u: %u tuple %u\n", w->in.op, op, tuple);
	if (op > OP_RESET && op != OP_HOLD)
		deliver(w);
	switch (op) {
	case OP_SEGMENT:
		op_segment(w, tuple);
		break;
	case OP_OPEN:
		deliver(w);
		simple(w, op, tuple);
		break;
	case OP_DATA:
	case OP_ACK:
	case OP_FIN:
	case OP_RESET:
		simple(w, op, tuple);
		break;
	case OP_TIME:
		w->now += prog_time(&w->in);
		break;
	case OP_READ:
		op_read(w, pick(w, tuple));
		break;
	case OP_WRITE:
		op_write(w, pick(w, tuple));
		break;
	case OP_END:
		op_end(w, pick(w, tuple));
		break;
	case OP_CONNECT:
		op_connect(w, tuple);
		break;
	case OP_SHORTAGE:
		op_shortage(w);
		break;
	case OP_SETTING:
		op_setting(w);
		break;
	case OP_HOLD:
		w->hold = 1 + (prog_u8(&w->in) % BURST);
		break;
	case OP_TIMER:
		next = wr_tcp_next_timer(w->s);
		if (next != WR_US_NEVER && next > w->now)
			w->now = next;
		break;
	case OP_PIPE:
		op_pipe(w, pick(w, tuple));
		break;
	}
	wr_tcp_timers(w->s, 256, w->now);
	events(w);
	if (w->burst_count == 0)
		output(w);
	for (uint16_t i = 0; i < w->burst_count; i++)
		waiting += w->burst[i].payload_len;
	prog_books(w->s, &w->st, w->payload_in - waiting);
}

static void world_end(struct world *w)
{
	struct wr_tcp_gauges g;
	uint32_t turns = 0;

	prog_trace("end\n");
	deliver(w);
	feed(w);
	w->room = 64;
	for (;;) {
		events(w);
		for (uint32_t i = 0; i < APPS; i++) {
			if (w->app[i].used && w->app[i].h != WR_HANDLE_NONE)
				wr_tcp_abort(w->s, w->app[i].h, w->now);
			w->app[i].h = WR_HANDLE_NONE;
		}
		output(w);
		wr_tcp_gauges(w->s, &g);
		if (g.conns == 0)
			break;
		if (++turns > 5000)
			prog_fail("%u connections never end", g.conns);
		w->now = RTE_MAX(
			RTE_MIN(wr_tcp_next_timer(w->s), w->now + 100 * WR_US_PER_S), w->now + 1);
		wr_tcp_timers(w->s, 256, w->now);
	}
	prog_books(w->s, &w->st, w->payload_in);
	PROG_EQ(g.promised_bytes, 0);
	PROG_EQ(g.held_rx_mbufs + g.held_small_mbufs, 0);
	PROG_EQ(g.half_open + g.time_wait + g.ready + g.dirty, 0);
	wr_tcp_stack_destroy(w->s);
	PROG_EQ(rte_mempool_in_use_count(rx), 0);
	PROG_EQ(rte_mempool_in_use_count(small), 0);
	PROG_EQ(exact_live(), 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world w;

	memset(&w, 0, sizeof(w));
	w.in = (struct prog){data, size, 0};
	world_start(&w);
	while (w.in.left > 0 && w.in.op < OPS_MAX) {
		w.in.op++;
		step(&w);
	}
	world_end(&w);
	return 0;
}
