/* SPDX-License-Identifier: BSD-3-Clause */
#include "peer.h"

#include <stdlib.h>

#define ALL_OPTS (WR_TCPOPT_WSCALE | WR_TCPOPT_SACKOK | WR_TCPOPT_TS)
#define ROW(v6, start)                                                                             \
	{v6, start, (start)-700, 0},                                                               \
	{                                                                                          \
		v6, (start)-700, start, ALL_OPTS                                                   \
	}

const struct peer_variant peer_variants[] = {
	ROW(false, 0),
	ROW(false, 0x7fffffff),
	ROW(false, 0xfffffff0),
	ROW(true, 0),
	ROW(true, 0x7fffffff),
	ROW(true, 0xfffffff0),
};
const uint32_t peer_variant_count = RTE_DIM(peer_variants);

uint8_t peer_byte(uint32_t seq)
{
	return pair_byte(0, 1, seq);
}

static bool catch (struct pair *p, int from, const struct wr_pkt *k, void *arg)
{
	struct peer *r = arg;
	struct peer_out *o = &r->out[r->n];

	if (r->n == PEER_OUT)
		pair_fail(p, "more than %d segments at once", PEER_OUT);
	r->n++;
	o->k = *k;
	o->seq = k->seq - r->iss;
	o->ack = k->ack - r->irs;
	if (k->opts & WR_TCPOPT_TS)
		r->ts_ecr = k->ts_val;
	wr_tcp_payload_copy(o->data, k->m, wr_pkt_payload_offset(k), k->payload_len);
	o->k.m = NULL;
	return false;
}

struct peer *peer_start(const struct peer_variant *v, const struct wr_tcp_config *cfg)
{
	struct peer *r = calloc(1, sizeof(*r));
	struct wr_tcp_config c = cfg != NULL ? *cfg : pair_config();
	struct wr_tcp_config idle = pair_config();
	struct wr_tcp_listen_opts lo = {.user = 5};
	struct wr_endpoint e;

	pair_start(&r->p, &idle, &c, 1, v->v6);
	r->p.tap = catch;
	r->p.tap_arg = r;
	r->s = r->p.s[1];
	r->st = &r->p.stats[1];
	r->v = *v;
	r->iss = v->iss;
	r->irs = v->irs;
	r->p.iss_forced = true;
	r->p.iss[1] = v->iss;
	r->window = 65535;
	r->mss = 1460;
	r->wscale = 2;
	r->ts_val = 0xfffff000; // wraps soon
	e = pair_server(&r->p);
	r->t = (struct wr_tuple){.local = e.addr, .lport = 80, .rport = 1024};
	r->t.remote = e.addr;
	r->t.remote.b[15]++;
	pair_listen(&r->p, &lo);
	return r;
}

void peer_stop(struct peer *r)
{
	pair_check(&r->p, 1);
	pair_stop(&r->p);
	free(r);
}

static void pop_events(struct peer *r)
{
	struct wr_tcp_ready e;

	while (wr_tcp_ready_pop(r->s, &e)) {
		r->events |= e.events;
		if (r->conn == WR_HANDLE_NONE || (e.events & (WR_TCP_EV_ACCEPTED | WR_TCP_EV_SYN)))
			r->conn = e.conn;
	}
}

void peer_flush(struct peer *r)
{
	pop_events(r);
	pair_flush(&r->p, 1);
	pop_events(r);
	pair_check(&r->p, 1);
}

void peer_seg_data(
	struct peer *r, uint8_t flags, uint32_t seq, uint32_t ack, const void *data, uint32_t len)
{
	struct pair_seg g = {.t = r->t,
		.seq = seq + r->irs,
		.ack = flags & WR_TCP_ACK ? ack + r->iss : 0,
		.flags = flags,
		.window = r->window,
		.data = data,
		.len = len,
		.ts_val = r->ts_val,
		.ts_ecr = r->ts_ecr};

	if (flags & WR_TCP_SYN) {
		g.opts = r->v.opts | (r->mss != 0 ? WR_TCPOPT_MSS : 0);
		g.mss = r->mss;
		g.wscale = r->wscale;
	} else if ((r->v.opts & WR_TCPOPT_TS) && !r->no_ts) {
		g.opts = WR_TCPOPT_TS;
	}
	if (r->sack_count > 0) {
		g.opts |= WR_TCPOPT_SACK;
		g.sack_count = r->sack_count;
		for (uint32_t i = 0; i < r->sack_count; i++)
			g.sack[i] = (struct wr_sack_block){
				r->sack[i].left + r->iss, r->sack[i].right + r->iss};
		r->sack_count = 0;
	}
	pair_inject(&r->p, 1, &g);
	for (uint32_t i = 0; i < r->s->conns.capacity; i++) {
		struct wr_tcp_conn *c = wr_pool_at(&r->s->conns, i);

		if (wr_pool_handle_at(&r->s->conns, i) != WR_HANDLE_NONE && (flags & WR_TCP_SYN) &&
			(c->flags & F_PASSIVE) && c->snd_nxt == c->iss)
			wr_tcp_conn_iss(c, r->iss);
	}
	r->n = 0;
	peer_flush(r);
}

void peer_seg(struct peer *r, uint8_t flags, uint32_t seq, uint32_t ack, uint32_t len)
{
	uint8_t data[9000];

	for (uint32_t i = 0; i < len; i++)
		data[i] = peer_byte(seq + i);
	peer_seg_data(r, flags, seq, ack, data, len);
}

void peer_syn(struct peer *r)
{
	peer_seg(r, WR_TCP_SYN, 0, 0, 0);
}

void peer_open(struct peer *r)
{
	peer_syn(r);
	if (r->n != 1 || r->out[0].k.flags != (WR_TCP_SYN | WR_TCP_ACK))
		pair_fail(&r->p, "no SYN-ACK");
	peer_seg(r, WR_TCP_ACK, 1, 1, 0);
	if (!(r->events & WR_TCP_EV_ACCEPTED))
		pair_fail(&r->p, "not accepted");
	r->events = 0;
}

void peer_connect(struct peer *r, uint8_t opts)
{
	struct wr_tcp_connect_opts o = {.opts = opts, .user = 9};

	if (wr_tcp_connect(r->s, &r->t, &o, r->p.now, &r->conn) != 0)
		pair_fail(&r->p, "connect");
	wr_tcp_conn_iss(peer_conn(r), r->iss);
	r->n = 0;
	peer_flush(r);
}

void peer_syn_ack(struct peer *r)
{
	peer_seg(r, WR_TCP_SYN | WR_TCP_ACK, 0, 1, 0);
}

void peer_wait(struct peer *r, wr_us_t us)
{
	wr_us_t end = r->p.now + us;

	r->n = 0;
	while (r->p.now < end) {
		r->p.now = RTE_MIN(end, RTE_MAX(wr_tcp_next_timer(r->s), r->p.now + 1));
		wr_tcp_timers(r->s, 256, r->p.now);
		peer_flush(r);
	}
}

void peer_write(struct peer *r, uint32_t len, uint32_t chunk)
{
	struct pair_app *a = &r->p.app[1][1];
	uint32_t done = 0;

	a->id = 1;
	a->conn = r->conn;
	while (done < len) {
		struct wr_mq q = {0};
		uint32_t part = RTE_MIN(chunk, len - done);
		struct rte_mbuf *m = rte_pktmbuf_alloc(part <= 512 ? r->p.small : r->p.rx);
		uint8_t *to = (uint8_t *)rte_pktmbuf_append(m, (uint16_t)part);

		for (uint32_t i = 0; i < part; i++)
			to[i] = pair_byte(1, 1, a->written + i);
		wr_mq_append(&q, m);
		wr_tcp_write(r->s, r->conn, &q, r->p.now);
		a->written += part;
		done += part;
	}
	r->n = 0;
	peer_flush(r);
}

uint32_t peer_read(struct peer *r, uint32_t seq)
{
	struct wr_mq q = {0};
	uint32_t n = wr_tcp_read(r->s, r->conn, &q, UINT32_MAX, r->p.now);
	struct rte_mbuf *m;

	wr_mq_foreach (m, &q)
		for (uint32_t i = 0; i < m->data_len; i++, seq++)
			if (rte_pktmbuf_mtod(m, uint8_t *)[i] != peer_byte(seq))
				pair_fail(&r->p, "byte %u read is wrong", seq);
	wr_tcp_free_mq(r->s, &q, WR_DROP_NONE);
	r->n = 0;
	peer_flush(r);
	return n;
}

struct wr_tcp_conn *peer_conn(struct peer *r)
{
	return wr_tcp_conn_at(r->s, r->conn);
}

enum wr_tcp_state peer_state(struct peer *r)
{
	struct wr_tcp_info i;

	return wr_tcp_info(r->s, r->conn, &i) ? i.state : WR_TCP_ST_CLOSED;
}

const struct wr_mq *peer_ooo(struct peer *r)
{
	static const struct wr_mq none;
	const struct wr_tcp_disorder *d = wr_tcp_disorder_of(r->s, peer_conn(r));

	return d != NULL ? &d->ooo : &none;
}

void peer_dup(struct peer *r, uint32_t ack, uint32_t left, uint32_t right)
{
	if (peer_conn(r)->opts & WR_TCPOPT_SACKOK) {
		r->sack[0] = (struct wr_sack_block){left, right};
		r->sack_count = 1;
	}
	peer_seg(r, WR_TCP_ACK, 1, ack, 0);
}
