/* SPDX-License-Identifier: BSD-3-Clause */
#include "program.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wr_build.h"
#include "wr_seq.h"

#define HEADROOM 192

bool prog_traced;

void prog_die(const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s:%d: ", file, line);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	abort();
}

// --- reading ----------------------------------------------------------------------------------

uint32_t prog_u32(struct prog *p)
{
	uint32_t v = 0;

	for (int i = 0; i < 4; i++)
		v = v << 8 | prog_u8(p);
	return v;
}

uint32_t prog_len(struct prog *p)
{
	static const uint16_t len[] = {
		0, 1, 2, 64, 255, 256, 257, 500, 512, 536, 1000, 1448, 1460, 2000, 2048, 4000};
	uint8_t v = prog_u8(p);

	return v < RTE_DIM(len) ? len[v] : v * 8u;
}

wr_us_t prog_time(struct prog *p)
{
	static const uint32_t ms[] = {0, 1, 10, 40, 100, 200, 250, 400, 500, 1000, 1100, 2000, 3000,
		5000, 10000, 20000, 30000, 60000, 61000, 120000, 240000, 300000, 301000};
	uint8_t v = prog_u8(p);

	return v < RTE_DIM(ms) ? ms[v] * WR_US_PER_MS : v * 37u;
}

static const int32_t deltas[32] = {0, 1, -1, 2, -2, 10, -10, 100, -100, 255, 256, -256, 536, -536,
	1000, -1000, 1448, -1448, 1460, -1460, 2896, -2896, 5000, -5000, 16384, -16384, 65535,
	-65535, 1 << 20, -(1 << 20), INT32_MAX, INT32_MIN};

static uint32_t read_seq(struct prog *in, const struct prog_peer *p, const struct wr_tcp_info *i)
{
	uint8_t v = prog_u8(in);
	uint32_t d = (uint32_t)deltas[v >> 3], next = i != NULL ? i->rcv_nxt : p->iss;

	switch (v & 7) {
	case 0:
		return next + d;
	case 1:
		return next + (i != NULL ? i->rcv_wnd_bytes : 0) + d;
	case 2:
		return (i != NULL ? i->irs : p->syn_seq) + d;
	case 3:
		return next + (i != NULL ? i->rcv_wnd_bytes / 2 : 0) + d;
	case 4:
		return p->iss + d;
	case 5:
		return p->last_seq + d;
	case 6:
		return p->last_end + d;
	default:
		return prog_u32(in) + d;
	}
}

static uint32_t read_ack(struct prog *in, const struct prog_peer *p, const struct wr_tcp_info *i)
{
	static const struct wr_tcp_info nobody;
	uint8_t v = prog_u8(in);
	uint32_t d = (uint32_t)deltas[v >> 3];

	if (i == NULL)
		i = &nobody;
	switch (v & 7) {
	case 0:
		return i->snd_nxt + d;
	case 1:
		return i->snd_una + d;
	case 2:
		return i->iss + d;
	case 3:
		return i->snd_una + i->mss + d;
	case 4:
		return i->snd_una + i->in_flight_bytes / 2 + d;
	case 5:
		return i->snd_una + i->send_queue_bytes + d;
	case 6:
		return p->last_ack + d;
	default:
		return prog_u32(in) + d;
	}
}

static uint16_t read_window(struct prog *in)
{
	static const uint16_t wnd[] = {
		65535, 0, 1, 100, 536, 1459, 1460, 2920, 4096, 8192, 16384, 32767, 32768, 50000};
	uint8_t v = prog_u8(in);

	return v < RTE_DIM(wnd) ? wnd[v] : (uint16_t)(v * 251u);
}

// --- segments ---------------------------------------------------------------------------------

static uint32_t clock_of(wr_us_t now)
{
	return (uint32_t)(now / WR_US_PER_MS) + 0xfffff000; // wraps soon
}

void prog_seg_good(struct prog_seg *g, const struct prog_peer *p, const struct wr_tcp_info *i,
	const struct wr_tuple *t, uint8_t flags, wr_us_t now)
{
	*g = (struct prog_seg){.t = *t,
		.seq = i != NULL ? i->rcv_nxt : p->iss,
		.flags = flags,
		.window = p->window,
		.ts_val = clock_of(now),
		.ts_ecr = p->ts_ecr};
	if (flags & WR_TCP_ACK)
		g->ack = i != NULL ? i->snd_nxt : 0;
	if (flags & WR_TCP_SYN) {
		g->seq = p->iss;
		g->opts = p->opts | (p->mss != 0 ? WR_TCPOPT_MSS : 0);
		g->mss = p->mss;
		g->wscale = p->wscale;
	} else {
		g->opts = i != NULL ? i->opts & WR_TCPOPT_TS : p->opts & WR_TCPOPT_TS;
	}
	g->base = 1 + (flags & WR_TCP_SYN ? g->seq : i != NULL ? i->irs : p->syn_seq);
}

static void read_sack(
	struct prog_seg *g, struct prog *in, const struct prog_peer *p, const struct wr_tcp_info *i)
{
	uint8_t n = prog_u8(in);

	g->opts |= WR_TCPOPT_SACK;
	g->sack_count = n % (WR_TCP_MAX_SACK + 1);
	for (uint32_t k = 0; k < g->sack_count; k++) {
		g->sack[k].left = read_ack(in, p, i);
		g->sack[k].right = n & 0x80 ? read_ack(in, p, i) : g->sack[k].left + prog_len(in);
	}
}

void prog_seg_read(struct prog_seg *g, struct prog *in, const struct prog_peer *p,
	const struct wr_tcp_info *i, const struct wr_tuple *t, wr_us_t now)
{
	uint8_t how;

	prog_seg_good(g, p, i, t, prog_u8(in), now);
	g->seq = read_seq(in, p, i);
	g->ack = read_ack(in, p, i);
	g->len = prog_len(in);
	g->window = read_window(in);
	how = prog_u8(in);
	if (how & 0x01)
		read_sack(g, in, p, i);
	if (how & 0x02)
		g->ts_val += (uint32_t)deltas[prog_u8(in) & 31];
	if (how & 0x04)
		g->ts_ecr += (uint32_t)deltas[prog_u8(in) & 31];
	if (how & 0x08)
		g->opts ^= prog_u8(in) & 0x1f;
	if (how & 0x10)
		g->mss = (uint16_t)(prog_u8(in) * 8);
	if (how & 0x20)
		g->wscale = prog_u8(in) & 15;
	if (how & 0x40)
		g->how.cut = prog_u8(in);
	g->how.direct = how & 0x80;
	g->base = 1 + (g->flags & WR_TCP_SYN ? g->seq : i != NULL ? i->irs : p->syn_seq);
}

void prog_seg_sent(struct prog_peer *p, const struct prog_seg *g)
{
	p->last_seq = g->seq;
	p->last_end = g->seq + g->len;
	p->last_ack = g->ack;
	if (g->flags & WR_TCP_SYN)
		p->syn_seq = g->seq;
}

uint8_t prog_byte(bool up, uint32_t at)
{
	return (uint8_t)((at + 1) * 0x9e3779b1u >> 21) ^ (up ? 0x5a : 0);
}

void prog_expect(bool up, uint32_t at, const uint8_t *data, uint32_t len)
{
	for (uint32_t k = 0; k < len; k++)
		if (data[k] != prog_byte(up, at + k))
			prog_fail("byte %u of the %s stream is wrong", at + k, up ? "up" : "down");
}

const uint8_t *prog_build(uint8_t buf[PROG_FRAME_MAX], const struct prog_seg *g,
	const struct rte_ether_addr *src, const struct rte_ether_addr *dst, uint32_t *len)
{
	const struct wr_tuple t = {g->t.remote, g->t.local, g->t.rport, g->t.lport};
	const struct wr_tcp_hdr h = {.t = &t,
		.seq = g->seq,
		.ack = g->ack,
		.window = g->window,
		.flags = g->flags,
		.opts = g->opts,
		.mss = g->mss,
		.wscale = g->wscale,
		.sack_count = g->sack_count,
		.sack = g->sack,
		.ts_val = g->ts_val,
		.ts_ecr = g->ts_ecr};
	struct rte_mbuf m = {
		.buf_addr = buf, .data_off = HEADROOM, .buf_len = PROG_FRAME_MAX, .nb_segs = 1};

	PROG_CHECK(HEADROOM + g->len <= PROG_FRAME_MAX);
	for (uint32_t k = 0; k < g->len; k++)
		buf[HEADROOM + k] =
			prog_byte(g->up, g->seq + !!(g->flags & WR_TCP_SYN) + k - g->base);
	m.data_len = (uint16_t)g->len;
	m.pkt_len = g->len;
	PROG_EQ(wr_build_tcp(&m, &h), 0);
	if (src != NULL)
		PROG_EQ(wr_build_eth(&m, src, dst,
				wr_addr_is_v4(&t.local) ? RTE_ETHER_TYPE_IPV4 : RTE_ETHER_TYPE_IPV6,
				0),
			0);
	wr_build_finish_csum(&m);
	*len = m.data_len;
	return rte_pktmbuf_mtod(&m, const uint8_t *);
}

// --- looking ----------------------------------------------------------------------------------

void prog_books(struct wr_tcp_stack *s, const struct wr_stats *st, uint64_t payload_in)
{
	const uint64_t *drop = st->drop_bytes;
	struct wr_tcp_gauges g, w;

	wr_tcp_gauges(s, &g);
	wr_tcp_gauges_walk(s, &w);
	PROG_EQ(g.conns, w.conns);
	PROG_EQ(g.half_open, w.half_open);
	PROG_EQ(g.time_wait, w.time_wait);
	PROG_EQ(g.ready, w.ready);
	PROG_EQ(g.dirty, w.dirty);
	PROG_EQ(g.promised_bytes, w.promised_bytes);
	PROG_EQ(g.recv_queue_bytes, w.recv_queue_bytes);
	PROG_EQ(g.ooo_bytes, w.ooo_bytes);
	PROG_EQ(g.send_queue_bytes, w.send_queue_bytes);
	PROG_EQ(g.held_rx_mbufs, w.held_rx_mbufs);
	PROG_EQ(g.held_small_mbufs, w.held_small_mbufs);
	PROG_CHECK(g.held_rx_mbufs <= g.held_budget);
	PROG_EQ(st->ctr[WR_CTR_pay_rx_bytes], st->ctr[WR_CTR_pay_read_bytes] + w.recv_queue_bytes +
						      w.ooo_bytes + drop[WR_DROP_pay_aborted_rx] +
						      drop[WR_DROP_pay_ooo_evicted]);
	PROG_EQ(st->ctr[WR_CTR_pay_written_bytes],
		st->ctr[WR_CTR_pay_tx_bytes] + w.send_queue_bytes + drop[WR_DROP_pay_aborted_tx]);
	if (payload_in != UINT64_MAX)
		PROG_EQ(payload_in, st->ctr[WR_CTR_pay_rx_bytes] + drop[WR_DROP_pay_duplicate] +
					    drop[WR_DROP_pay_trimmed] +
					    drop[WR_DROP_pay_no_credit] +
					    drop[WR_DROP_pay_ooo_limit] + drop[WR_DROP_pay_closed]);
}

bool prog_find(struct wr_tcp_stack *s, const struct wr_tuple *t, struct wr_tcp_info *out)
{
	uint32_t cursor = 0;
	wr_handle_t h;

	while ((h = wr_tcp_walk(s, &cursor)) != WR_HANDLE_NONE) {
		PROG_CHECK(wr_tcp_info(s, h, out));
		if (out->state != WR_TCP_ST_CLOSED && wr_tuple_eq(&out->tuple, t))
			return true;
	}
	return false;
}

void prog_edge(struct prog_edge *e, const struct wr_pkt *sent, const struct wr_tcp_info *i)
{
	uint8_t shift = i->opts & WR_TCPOPT_WSCALE ? i->our_wscale : 0;
	uint32_t right;

	if (sent->flags & WR_TCP_SYN)
		e->known = false;
	if (!(sent->flags & WR_TCP_ACK) || (sent->flags & WR_TCP_RST))
		return;
	if (sent->flags & WR_TCP_SYN)
		shift = 0; // RFC 7323 2.2
	right = sent->ack + ((uint32_t)sent->window << shift);
	if (e->known && (int32_t)(right - e->right) <= -(int32_t)(1u << shift))
		prog_fail("right edge withdrawn by %u", e->right - right);
	if (!e->known || wr_seq_gt(right, e->right))
		e->right = right;
	e->known = true;
}

void prog_trace_pkt(wr_us_t now, char dir, const struct wr_pkt *k, const struct wr_tcp_info *i)
{
	static const struct wr_tcp_info nobody;
	bool in = dir == '<';

	if (!prog_traced)
		return;
	if (i == NULL)
		i = &nobody;
	fprintf(stderr,
		"%llu.%06llu %c %u:%u %s%s%s%s%s seq %+d len %u ack %+d win %u opts %x sack %u "
		"%s\n",
		(unsigned long long)(now / WR_US_PER_S), (unsigned long long)(now % WR_US_PER_S),
		dir, k->t.lport, k->t.rport, k->flags & WR_TCP_SYN ? "S" : "",
		k->flags & WR_TCP_FIN ? "F" : "", k->flags & WR_TCP_RST ? "R" : "",
		k->flags & WR_TCP_PSH ? "P" : "", k->flags & WR_TCP_ACK ? "." : "",
		(int32_t)(k->seq - (in ? i->irs : i->iss)), k->payload_len,
		(int32_t)(k->ack - (in ? i->iss : i->irs)), k->window, k->opts, k->sack_count,
		i == &nobody ? "-" : wr_tcp_state_name(i->state));
}
