/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp_priv.h"

#include <rte_prefetch.h>

// What others may see of connections and of the stack, and the small setters.

static const char *const state_names[WR_TCP_ST_COUNT] = {
	"CLOSED",
	"LISTEN",
	"SYN-SENT",
	"SYN-RECEIVED",
	"ESTABLISHED",
	"FIN-WAIT-1",
	"FIN-WAIT-2",
	"CLOSE-WAIT",
	"CLOSING",
	"LAST-ACK",
	"TIME-WAIT",
};

static const char *const end_names[] = {
	"none",
	"closed",
	"reset",
	"refused",
	"timeout",
	"no_route",
	"evicted",
};

const char *wr_tcp_state_name(enum wr_tcp_state st)
{
	return (unsigned int)st < RTE_DIM(state_names) ? state_names[st] : "?";
}

const char *wr_tcp_end_name(enum wr_tcp_end e)
{
	return (unsigned int)e < RTE_DIM(end_names) ? end_names[e] : "?";
}

enum wr_tcp_end wr_tcp_end(struct wr_tcp_stack *s, wr_handle_t conn)
{
	struct wr_tcp_conn *c = wr_tcp_conn_owned(s, conn);

	return c != NULL ? (enum wr_tcp_end)c->end : WR_TCP_END_NONE;
}

void wr_tcp_prefetch(const struct wr_tcp_stack *s, wr_handle_t conn)
{
	uint32_t index = wr_handle_index(conn);
	const char *c = wr_pool_at(&s->conns, index);

	rte_prefetch0(&s->conns.gen[index]);
	for (size_t at = 0; at < sizeof(struct wr_tcp_conn); at += RTE_CACHE_LINE_SIZE)
		rte_prefetch0(c + at);
}

void wr_tcp_set_user(struct wr_tcp_stack *s, wr_handle_t conn, uint32_t user)
{
	struct wr_tcp_conn *c = wr_tcp_conn_owned(s, conn);

	if (c != NULL) {
		c->user = user;
		c->flags |= F_USER;
	}
}

void wr_tcp_set_path(struct wr_tcp_stack *s, wr_handle_t conn, uint32_t path)
{
	struct wr_tcp_conn *c = wr_tcp_conn_owned(s, conn);

	if (c != NULL)
		c->path = path;
}

static const char *ca_name(const struct wr_tcp_conn *c)
{
	if (c->ca_state == WR_TCP_CA_OPEN)
		return c->sacked_bytes > 0 || c->dupacks > 0 ? "disorder" : "open";
	return c->ca_state == WR_TCP_CA_RECOVERY ? "recovery" : "loss";
}

bool wr_tcp_info(struct wr_tcp_stack *s, wr_handle_t conn, struct wr_tcp_info *out)
{
	const struct wr_tcp_conn *c = wr_tcp_conn_at(s, conn);
	const struct wr_tcp_disorder *d;

	if (c == NULL)
		return false;
	d = wr_tcp_disorder_of(s, c);
	*out = (struct wr_tcp_info){
		.tuple = c->t,
		.state = (enum wr_tcp_state)c->state,
		.opts = c->opts,
		.peer_wscale = c->peer_wscale,
		.our_wscale = c->our_wscale,
		.mss = c->mss,
		.peer_mss = c->peer_mss,
		.recv_queue_bytes = c->rcvq.bytes,
		.ooo_bytes = d != NULL ? d->ooo.bytes : 0,
		.send_queue_bytes = wr_tcp_unacked_payload(c),
		.in_flight_bytes = wr_tcp_flight(c),
		.snd_wnd_bytes = c->snd_wnd,
		.rcv_wnd_bytes = c->rcv_adv - c->rcv_nxt,
		.cwnd_bytes = c->cwnd,
		.ssthresh_bytes = c->ssthresh,
		.srtt_us = c->srtt_us,
		.rto_us = c->rto_us,
		.retrans = c->retrans,
		.rcv_buf_bytes = c->rcv_buf,
		.snd_buf_bytes = c->snd_buf,
		.min_rtt_us = c->min_rtt_us,
		.sacked_bytes = c->sacked_bytes,
		.lost_bytes = c->lost_bytes,
		.ca_state = ca_name(c),
		.congestion = wr_tcp_cc(c)->name,
		.bytes_in = wr_tcp_bytes_in(c),
		.bytes_out = wr_tcp_bytes_out(c),
		.iss = c->iss,
		.irs = c->irs,
		.snd_una = c->snd_una,
		.snd_nxt = c->snd_nxt,
		.rcv_nxt = c->rcv_nxt,
	};
	return true;
}

void wr_tcp_gauges(struct wr_tcp_stack *s, struct wr_tcp_gauges *out)
{
	*out = (struct wr_tcp_gauges){
		.conns = wr_pool_used(&s->conns),
		.half_open = s->half_open,
		.time_wait = s->time_wait,
		.ready = s->ready.count,
		.dirty = s->dirty.count,
		.disorders = wr_pool_used(&s->disorders),
		.conns_max = s->conns.peak,
		.half_open_max = s->half_open_max,
		.disorders_max = s->disorders.peak,
		.answers = (uint16_t)s->answer_count,
		.answers_room = WR_TCP_ANSWERS,
		.disorders_room = s->disorders.capacity,
		.held_rx_mbufs = s->held_rx,
		.held_budget = s->cfg.held_budget,
		.held_small_mbufs = s->held_small,
		.promised_bytes = s->promised_bytes,
		.stale_promise_bytes = s->stale_promise_bytes,
		.recv_queue_bytes = s->recv_queue_bytes,
		.ooo_bytes = s->ooo_bytes,
		.send_queue_bytes = s->send_queue_bytes,
	};
}

static uint64_t walk_queue(struct wr_tcp_gauges *g, const struct wr_mq *q)
{
	struct rte_mbuf *m;
	uint64_t bytes = 0;

	wr_mq_foreach (m, q) {
		bytes += m->data_len;
		if (wr_mbuf_priv(m)->flags & WR_MBUF_F_RX)
			g->held_rx_mbufs++;
		else
			g->held_small_mbufs++;
	}
	return bytes;
}

static void walk_conn(struct wr_tcp_stack *s, struct wr_tcp_gauges *g, const struct wr_tcp_conn *c)
{
	const struct wr_tcp_disorder *d = wr_tcp_disorder_of(s, c);
	uint64_t send = walk_queue(g, &c->sndq);

	// the head may be acknowledged in part
	if (c->sndq.head != NULL && wr_seq_gt(c->snd_una, wr_mbuf_priv(c->sndq.head)->seq))
		send -= c->snd_una - wr_mbuf_priv(c->sndq.head)->seq;
	g->conns++;
	g->half_open += c->state == WR_TCP_ST_LISTEN || c->state == WR_TCP_ST_SYN_RECEIVED;
	g->time_wait += c->state == WR_TCP_ST_TIME_WAIT;
	g->ready += !!(c->flags & F_READY);
	g->dirty += !!(c->flags & F_DIRTY);
	g->disorders += d != NULL;
	if (c->promised & WR_TCP_STALE) {
		g->promised_bytes += 2u * c->rcv_mss;
		g->stale_promise_bytes += c->rcv_adv - c->rcv_nxt - 2u * c->rcv_mss;
	} else {
		g->promised_bytes += c->promised;
	}
	g->recv_queue_bytes += walk_queue(g, &c->rcvq);
	if (d != NULL)
		g->ooo_bytes += walk_queue(g, &d->ooo);
	g->send_queue_bytes += send;
}

void wr_tcp_gauges_walk(struct wr_tcp_stack *s, struct wr_tcp_gauges *out)
{
	*out = (struct wr_tcp_gauges){
		.conns_max = s->conns.peak,
		.half_open_max = s->half_open_max,
		.answers = (uint16_t)s->answer_count,
		.answers_room = WR_TCP_ANSWERS,
		.disorders_max = s->disorders.peak,
		.disorders_room = s->disorders.capacity,
		.held_budget = s->cfg.held_budget,
	};
	for (uint32_t i = 0; i < s->conns.capacity; i++)
		if (wr_pool_handle_at(&s->conns, i) != WR_HANDLE_NONE)
			walk_conn(s, out, wr_pool_at(&s->conns, i));
}

uint32_t wr_tcp_conn_size(void)
{
	// with its share of what few need at a time
	return RTE_ALIGN(sizeof(struct wr_tcp_conn), RTE_CACHE_LINE_SIZE) +
	       RTE_ALIGN(sizeof(struct wr_tcp_disorder), RTE_CACHE_LINE_SIZE) / WR_TCP_DISORDERS;
}

wr_handle_t wr_tcp_walk(struct wr_tcp_stack *s, uint32_t *cursor)
{
	while (*cursor < s->conns.capacity) {
		wr_handle_t h = wr_pool_handle_at(&s->conns, (*cursor)++);

		if (h != WR_HANDLE_NONE)
			return h;
	}
	return WR_HANDLE_NONE;
}
