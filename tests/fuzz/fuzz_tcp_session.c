/* SPDX-License-Identifier: BSD-3-Clause */

// A whole worker between a hostile client and hostile backends: a program (program.h) of segments
// at both ends of proxied sessions, steps of the clock, kills, probes and shortages. All books are
// checked after every operation, every byte that is passed on is compared with the stream of the
// end that sent it, and at the end nothing is left anywhere.

#include <sanitizer/asan_interface.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "program.h"
#include "triple.h"
#include "wr_build.h"
#include "wr_parse.h"
#include "wr_seq.h"

#define CLIENTS  4 // tuples of clients; as many connections towards backends are in reach
#define TARGETS  8
#define KNOWN    32 // tuples that are remembered
#define OPS_MAX  256
#define STEPS    150 // turns of one step of the clock; what is left is jumped over
#define HOSTAGES 32768

enum op {
	OP_SEGMENT,
	OP_OPEN,  // the client's half of a handshake
	OP_DATA,  // in order
	OP_ACK,   // of everything
	OP_FIN,   // at RCV.NXT
	OP_RESET, // at RCV.NXT
	OP_TIME,
	OP_KILL,
	OP_PROBE,
	OP_WINDOW,
	OP_ANSWER, // the backend's half of a handshake
	OP_SHORTAGE,
	OP_ADMIN,
	OP_BEHAVE, // both ends answer as they should, a few times
	OP_TIMER,  // the clock to the next timer
	OP_HOLD,   // the next segments arrive together
};

struct known {
	struct wr_tuple t;
	struct prog_peer peer;
	struct prog_edge edge;
};

struct world {
	struct prog in;
	struct triple *t;
	struct wr_worker *w;
	struct known known[KNOWN];
	uint32_t known_next;
	uint32_t start;
	uint8_t opts;
	uint8_t hold;
	struct rte_mbuf **hostage;
	uint32_t hostages;
};

static struct rte_mbuf *hostages[HOSTAGES];

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	prog_traced = getenv("WEIR_FUZZ_TRACE") != NULL;
	return 0;
}

// --- the world --------------------------------------------------------------------------------

static void world_start(struct world *w)
{
	static const uint32_t starts[] = {0, 0x7fffffff, 0xfffffff0, 0xffff8000};
	static const int families[] = {0, 4, 6, 0};
	uint8_t a = prog_u8(&w->in);
	struct tri_config c = {.max_sessions = 16,
		.rx_mbufs = 8191,
		.small_mbufs = 8191,
		.tx_desc = a & 2 ? 16 : 0,
		.family = families[a >> 2 & 3],
		.backends = 2,
		.service =
			a & 1 ? "    accept: deferred\n    timeouts: {connect: 400ms, idle: 5s}\n"
			      : "    timeouts: {connect: 1s, idle: 20s, half_closed: 30s, "
				"close: 5s}\n",
		.seed = 1};

	w->start = starts[a >> 4 & 3];
	w->opts = prog_u8(&w->in);
	w->hostage = hostages;
	w->t = tri_create(&c);
	w->t->check_every = 0;
	w->w = wr_fabric_worker(w->t->f, 0);
}

static struct wr_tuple client(struct world *w, uint32_t i)
{
	struct wr_tuple t = {.lport = 80, .rport = (uint16_t)(1000 + i)};
	bool v6 = i & 1;

	t.remote = v6 ? w->t->peer[TRI_CLIENT].addr6 : w->t->peer[TRI_CLIENT].addr4;
	wr_addr_parse(v6 ? "2001:db8::100" : "198.18.0.100", &t.local);
	return t;
}

// The station at the far end of a tuple.
static struct tri_peer *station(struct world *w, const struct wr_addr *a)
{
	for (uint32_t i = 0; i < w->t->peers; i++) {
		struct tri_peer *p = &w->t->peer[i];

		if (wr_addr_eq(a, &p->addr4) || wr_addr_eq(a, &p->addr6))
			return p;
	}
	prog_fail("nobody has that address");
}

static bool is_client(const struct wr_tuple *t)
{
	return t->lport == 80;
}

static struct known *know(struct world *w, const struct wr_tuple *t)
{
	struct known *k;

	for (uint32_t i = 0; i < KNOWN; i++)
		if (wr_tuple_eq(&w->known[i].t, t))
			return &w->known[i];
	k = &w->known[w->known_next++ % KNOWN];
	*k = (struct known){.t = *t};
	k->peer = (struct prog_peer){.iss = w->start - w->known_next * 300u,
		.window = 65535,
		.wscale = w->opts & 0x40 ? 14 : 3,
		.opts = w->opts & (WR_TCPOPT_WSCALE | WR_TCPOPT_SACKOK | WR_TCPOPT_TS),
		.mss = w->opts & 0x80 ? 0 : 1460};
	k->peer.syn_seq = k->peer.iss;
	return k;
}

// The tuple that an operation means; false: there is none now.
static bool target(struct world *w, uint32_t i, struct wr_tuple *t)
{
	struct wr_tcp_info info;
	uint32_t cursor = 0;
	wr_handle_t h;

	*t = client(w, i);
	if (i < CLIENTS)
		return true;
	i -= CLIENTS;
	while ((h = wr_tcp_walk(w->w->tcp, &cursor)) != WR_HANDLE_NONE) {
		PROG_CHECK(wr_tcp_info(w->w->tcp, h, &info));
		*t = info.tuple;
		if (info.state != WR_TCP_ST_CLOSED && !is_client(t) && i-- == 0)
			return true;
	}
	return false;
}

// --- the wire ---------------------------------------------------------------------------------

static void sent(struct world *w, struct rte_mbuf *m)
{
	struct wr_tcp_info info;
	uint8_t copy[PROG_FRAME_MAX];
	const uint8_t *data;
	struct wr_tuple t;
	struct known *n;
	struct wr_pkt k;

	wr_parse_frame(&k, m, 0);
	if (k.kind != WR_PKT_TCP)
		prog_fail("a frame was sent that does not parse: %s", wr_drop_name(k.drop));
	t = (struct wr_tuple){k.t.remote, k.t.local, k.t.rport, k.t.lport};
	n = know(w, &t);
	if (k.opts & WR_TCPOPT_TS)
		n->peer.ts_ecr = k.ts_val;
	if (!prog_find(w->w->tcp, &t, &info)) {
		prog_trace_pkt(w->t->now, '>', &k, NULL);
		rte_pktmbuf_free(m);
		return;
	}
	prog_trace_pkt(w->t->now, '>', &k, &info);
	prog_edge(&n->edge, &k, &info);
	if (k.payload_len > 0 && wr_seq_leq(k.seq + k.payload_len, info.snd_nxt)) {
		PROG_CHECK(k.payload_len <= sizeof(copy));
		data = rte_pktmbuf_read(m, wr_pkt_payload_offset(&k), k.payload_len, copy);
		prog_expect(!is_client(&t), k.seq - info.iss - 1, data, k.payload_len);
	}
	rte_pktmbuf_free(m);
}

static void inject(struct world *w, uint8_t side, const uint8_t *frame, uint32_t len,
	const struct exact_how *how)
{
	struct rte_mbuf *m = exact_frame(w->t->pools->rx, frame, len, how);

	if (m != NULL)
		wr_sim_port_inject(w->t->port[side], m);
}

// ARP and ND of the fabric go to the stations of the harness; what these answer arrives here.
static bool ask_stations(struct world *w)
{
	struct triple *t = w->t;
	bool any;

	t->cfg.link[TRI_WAN].delay_us = t->cfg.link[TRI_LAN].delay_us = 1;
	any = tri_net_deliver(t);
	t->cfg.link[TRI_WAN].delay_us = t->cfg.link[TRI_LAN].delay_us = 0;
	for (uint32_t i = 0; i < t->frame_count; i++) {
		struct tri_frame *f = &t->frames[i];

		PROG_CHECK(!f->to_peers && rte_pktmbuf_is_contiguous(f->m));
		inject(w, f->side, rte_pktmbuf_mtod(f->m, uint8_t *), f->m->pkt_len,
			&(struct exact_how){0});
		rte_pktmbuf_free(f->m);
		any = true;
	}
	t->frame_count = 0;
	return any;
}

static bool drain(struct world *w)
{
	struct rte_mbuf *m[WR_BURST];
	bool any = false;
	struct wr_pkt k;
	uint16_t n;

	for (uint8_t side = 0; side < 2; side++) {
		while ((n = wr_sim_port_drain(w->t->port[side], m, WR_BURST)) > 0) {
			any = true;
			for (uint16_t i = 0; i < n; i++) {
				wr_parse_frame(&k, m[i], 0);
				if (k.kind == WR_PKT_ARP || k.kind == WR_PKT_ICMP6)
					tri_net_send(w->t, side, true, m[i]);
				else
					sent(w, m[i]);
			}
		}
	}
	return any;
}

static void settle(struct world *w)
{
	uint32_t rounds = 0;
	bool any;

	w->hold = 0;
	do {
		any = ask_stations(w);
		any |= wr_worker_turn(w->w, w->t->now) > 0;
		any |= drain(w);
		PROG_CHECK(++rounds < 20000); // it never rests
	} while (any);
}

static void arrive(struct world *w, const struct prog_seg *g, struct known *n)
{
	const struct tri_peer *p = station(w, &g->t.remote);
	uint8_t buf[PROG_FRAME_MAX];
	struct wr_tcp_info info;
	struct rte_mbuf shown = {.nb_segs = 1};
	const uint8_t *frame;
	struct wr_pkt k;
	uint32_t len;

	if ((g->flags & WR_TCP_SYN) && w->hold > 0)
		settle(w); // what waits belongs to the stream before it
	frame = prog_build(buf, g, &p->mac, wr_port_mac(w->t->port[p->side]), &len);
	if (prog_traced) {
		shown.buf_addr = (void *)(uintptr_t)frame;
		shown.data_len = (uint16_t)len;
		shown.pkt_len = len;
		wr_parse_frame(&k, &shown, 0);
		prog_trace_pkt(
			w->t->now, '<', &k, prog_find(w->w->tcp, &g->t, &info) ? &info : NULL);
	}
	prog_seg_sent(&n->peer, g);
	inject(w, p->side, frame, len, &g->how);
	if (w->hold > 1 && !(g->flags & WR_TCP_SYN))
		w->hold--;
	else
		settle(w);
}

// --- operations -------------------------------------------------------------------------------

static void good(struct world *w, const struct wr_tuple *t, uint8_t flags, uint32_t len)
{
	struct known *n = know(w, t);
	struct wr_tcp_info info;
	bool live = prog_find(w->w->tcp, t, &info);
	struct prog_seg g;

	prog_seg_good(&g, &n->peer, live ? &info : NULL, t, flags, w->t->now);
	g.len = len;
	g.up = is_client(t);
	g.how.direct = true;
	arrive(w, &g, n);
}

static void op_simple(struct world *w, enum op op, uint32_t i)
{
	static const uint8_t flags[] = {[OP_OPEN] = WR_TCP_SYN,
		[OP_DATA] = WR_TCP_ACK,
		[OP_ACK] = WR_TCP_ACK,
		[OP_FIN] = WR_TCP_ACK | WR_TCP_FIN,
		[OP_RESET] = WR_TCP_RST,
		[OP_ANSWER] = WR_TCP_SYN | WR_TCP_ACK};
	uint32_t len = op == OP_DATA ? RTE_MIN(prog_len(&w->in), 2048u) : 0;
	struct wr_tcp_info info;
	struct wr_tuple t;

	if (!target(w, op == OP_ANSWER ? i | CLIENTS : i, &t))
		return;
	if (op == OP_OPEN && !is_client(&t))
		return;
	good(w, &t, flags[op], len);
	if (op == OP_OPEN && prog_find(w->w->tcp, &t, &info) &&
		info.state == WR_TCP_ST_SYN_RECEIVED)
		good(w, &t, WR_TCP_ACK, 0);
}

static void op_segment(struct world *w, uint32_t i)
{
	struct wr_tcp_info info;
	struct prog_seg g;
	struct wr_tuple t;
	struct known *n;
	bool live;

	if (!target(w, i, &t))
		return;
	live = prog_find(w->w->tcp, &t, &info);
	n = know(w, &t);
	prog_seg_read(&g, &w->in, &n->peer, live ? &info : NULL, &t, w->t->now);
	g.len = RTE_MIN(g.len, 4000u);
	g.up = is_client(&t);
	arrive(w, &g, n);
}

// Whoever has something outstanding is answered, and so is every SYN towards a backend.
static void op_behave(struct world *w)
{
	for (uint32_t turn = 0; turn < 4; turn++) {
		for (uint32_t i = 0; i < TARGETS; i++) {
			struct wr_tcp_info info;
			struct wr_tuple t;

			if (!target(w, i, &t) || !prog_find(w->w->tcp, &t, &info))
				continue;
			if (info.state == WR_TCP_ST_SYN_SENT)
				good(w, &t, WR_TCP_SYN | WR_TCP_ACK, 0);
			else if (info.state > WR_TCP_ST_SYN_SENT && info.in_flight_bytes > 0)
				good(w, &t, WR_TCP_ACK, 0);
		}
	}
}

static void op_time(struct world *w, wr_us_t us)
{
	wr_us_t end = w->t->now + us;

	for (uint32_t n = 0; n < STEPS && w->t->now < end; n++) {
		w->t->now = RTE_MIN(end, RTE_MAX(wr_worker_next_timer(w->w), w->t->now + 1));
		settle(w);
	}
	w->t->now = end;
	settle(w);
}

static void op_kill(struct world *w)
{
	uint8_t v = prog_u8(&w->in);
	struct wr_msg m = {.kind = v & 0x80 ? WR_MSG_KILL_BACKEND : WR_MSG_KILL_SESSION};

	m.a = v & 0x80 ? v & 1 : v;
	tri_post(w->t, &m);
}

static void op_probe(struct world *w)
{
	uint32_t i = prog_u8(&w->in) & 1;
	struct wr_backend *be = tri_backend(w->t, i);
	struct wr_msg m = tri_ask(be, WR_CHECK_TCP, TRI_S);

	tri_post(w->t, &m);
	settle(w);
	wr_backends_turn(w->t->backends, w->t->now);
}

static void op_admin(struct world *w)
{
	uint8_t v = prog_u8(&w->in);

	if (v & 2)
		wr_backends_set_weight(w->t->backends, v & 1, 1 + (v >> 4), w->t->now);
	else
		wr_backends_set_admin(w->t->backends, v & 1,
			v & 4 ? WR_ADMIN_DRAINING : WR_ADMIN_ENABLED, 0, w->t->now);
	wr_backends_reclaim(w->t->backends);
}

static void feed(struct world *w)
{
	while (w->hostages > 0)
		rte_pktmbuf_free(w->hostage[--w->hostages]);
}

static void op_shortage(struct world *w)
{
	struct rte_mempool *small = w->t->pools->small;
	uint8_t keep = prog_u8(&w->in);
	struct rte_mbuf *m;

	feed(w);
	if (keep & 0x80)
		return;
	while (w->hostages < HOSTAGES && rte_mempool_avail_count(small) > keep &&
		(m = rte_pktmbuf_alloc(small)) != NULL)
		w->hostage[w->hostages++] = m;
}

static void op_window(struct world *w, uint32_t i)
{
	static const uint16_t windows[] = {0, 65535, 100, 2000};
	uint8_t v = prog_u8(&w->in);
	struct wr_tuple t;

	if (!target(w, i, &t))
		return;
	know(w, &t)->peer.window = windows[v & 3];
	if (v & 4)
		know(w, &t)->peer.iss += 0x10000;
}

static void step(struct world *w)
{
	uint8_t v = prog_u8(&w->in);
	enum op op = v & 15;
	uint32_t i = (v >> 4) % TARGETS;

	prog_trace("op %u: %u target %u\n", w->in.op, op, i);
	if (op > OP_RESET && op != OP_HOLD)
		settle(w);
	switch (op) {
	case OP_SEGMENT:
		op_segment(w, i);
		break;
	case OP_OPEN:
	case OP_DATA:
	case OP_ACK:
	case OP_FIN:
	case OP_RESET:
	case OP_ANSWER:
		op_simple(w, op, i);
		break;
	case OP_TIME:
		op_time(w, prog_time(&w->in));
		break;
	case OP_KILL:
		op_kill(w);
		break;
	case OP_PROBE:
		op_probe(w);
		break;
	case OP_WINDOW:
		op_window(w, i);
		break;
	case OP_SHORTAGE:
		op_shortage(w);
		break;
	case OP_ADMIN:
		op_admin(w);
		break;
	case OP_BEHAVE:
		op_behave(w);
		break;
	case OP_TIMER:
		op_time(w, RTE_MIN(wr_worker_next_timer(w->w) - w->t->now, 300 * TRI_S));
		break;
	case OP_HOLD:
		w->hold = 1 + (prog_u8(&w->in) & 15);
		return;
	}
	if (w->hold > 1)
		return;
	settle(w);
	prog_books(w->w->tcp, &w->w->stats, UINT64_MAX);
	tri_check(w->t);
}

static void unpoison(struct rte_mempool *pool, void *arg, void *obj, unsigned int i)
{
	struct rte_mbuf *m = obj;

	// where the pool put it, whatever is attached now
	ASAN_UNPOISON_MEMORY_REGION(
		(char *)m + sizeof(*m) + m->priv_size, rte_pktmbuf_data_room_size(pool));
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
	prog_trace("end\n");
	feed(&w);
	settle(&w);
	PROG_EQ(exact_live(), 0);
	// The harness brings it to its end with stations of its own, which refuse everything and
	// write where they like.
	for (uint32_t i = 0; i < w.t->cfg.backends; i++)
		tri_listen(w.t, i, false);
	rte_mempool_obj_iter(w.t->pools->rx, unpoison, NULL);
	tri_finish(w.t);
	return 0;
}
