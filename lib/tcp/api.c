/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp_priv.h"

#include <errno.h>

// Endpoint calls of the layer above.

bool wr_tcp_ready_left(const struct wr_tcp_stack *s)
{
	return s->ready.count > 0;
}

bool wr_tcp_ready_pop(struct wr_tcp_stack *s, struct wr_tcp_ready *out)
{
	struct wr_tcp_conn *c = wr_tcp_conn_at(s, s->ready.head);

	if (c == NULL)
		return false;
	wr_tcp_list_remove(&s->ready, &s->conns, c->handle, offsetof(struct wr_tcp_conn, ready));
	*out = (struct wr_tcp_ready){.conn = c->handle, .events = c->events};
	if (c->flags & F_USER)
		out->user = c->user;
	else
		out->listener = c->user;
	c->flags &= ~F_READY;
	c->events = 0;
	return true;
}

static uint32_t max_tick(uint32_t a, uint32_t b)
{
	return wr_seq_gt(a, b) ? a : b;
}

// RFC 6191 2: timestamps of the new incarnation are newer than any of the old one, which needs the
// clock to have ticked since; the sequence number is made larger as well.
static int replace_time_wait(
	struct wr_tcp_stack *s, struct wr_tcp_conn *old, wr_us_t now, uint32_t *last)
{
	if (old->state != WR_TCP_ST_TIME_WAIT || !(old->opts & WR_TCPOPT_TS) ||
		wr_tcp_tick(now) - max_tick(old->recv_tick, old->send_tick) < WR_US_PER_S >>
			WR_WHEEL_TICK_SHIFT)
		return -EADDRINUSE;
	*last = old->snd_nxt;
	wr_tcp_count(s, WR_CTR_tcp_timewait_reused, 1);
	wr_tcp_conn_over(s, old, WR_TCP_END_EVICTED);
	return 0;
}

static bool tuple_valid(const struct wr_tuple *t)
{
	return t->lport != 0 && t->rport != 0 &&
	       wr_addr_is_v4(&t->local) == wr_addr_is_v4(&t->remote) &&
	       !wr_addr_is_unspecified(&t->local) && !wr_addr_is_unspecified(&t->remote) &&
	       !wr_addr_is_multicast(&t->remote) && !wr_addr_is_multicast(&t->local) &&
	       !(t->lport == t->rport && wr_addr_eq(&t->local, &t->remote));
}

int wr_tcp_connect(struct wr_tcp_stack *s, const struct wr_tuple *t,
	const struct wr_tcp_connect_opts *opts, wr_us_t now, wr_handle_t *out)
{
	uint32_t reserve = opts->flags & WR_TCP_CONNECT_F_RESERVED ? 0 : s->cfg.reserved_conns;
	struct wr_tcp_conn *c, *old;
	enum wr_drop why;
	uint32_t last = 0;
	bool bound;

	if (!tuple_valid(t))
		return -EINVAL;
	old = wr_tcp_conn_lookup(s, wr_hash_tuple(&s->cfg.secret[2], t), t);
	bound = old != NULL;
	if (old != NULL && replace_time_wait(s, old, now, &last) != 0)
		return -EADDRINUSE;
	c = wr_tcp_conn_create(s, t, reserve, &why);
	if (c == NULL) {
		wr_stats_drop(s->stats, why, 1);
		return -ENOBUFS;
	}
	c->flags |= F_OWNED | F_SYN_DUE | F_USER | (opts->nagle ? F_NAGLE : 0);
	c->user = opts->user;
	c->path = opts->path;
	c->opts = opts->opts & (WR_TCPOPT_WSCALE | WR_TCPOPT_SACKOK | WR_TCPOPT_TS);
	wr_tcp_conn_limits(s, c, opts->mss, opts->rcv_buf_bytes, opts->snd_buf_bytes);
	if (!(c->opts & WR_TCPOPT_WSCALE))
		c->our_wscale = 0;
	wr_tcp_conn_keys(s, c, now);
	if (bound)
		wr_tcp_conn_iss_above(s, c, last);
	wr_tcp_conn_set_state(s, c, WR_TCP_ST_SYN_SENT);
	wr_tcp_window_open(s, c);
	wr_tcp_timer_life(s, c, now + s->cfg.syn_timeout_us);
	wr_tcp_conn_dirty(s, c);
	*out = c->handle;
	return 0;
}

int wr_tcp_accept(struct wr_tcp_stack *s, wr_handle_t conn, wr_us_t now)
{
	struct wr_tcp_conn *c = wr_tcp_conn_owned(s, conn);

	if (c == NULL)
		return -ESTALE;
	if (c->state != WR_TCP_ST_LISTEN)
		return -EINVAL;
	wr_tcp_conn_set_state(s, c, WR_TCP_ST_SYN_RECEIVED);
	c->flags |= F_SYN_DUE;
	wr_tcp_timer_life(s, c, now + s->cfg.syn_timeout_us);
	wr_tcp_conn_dirty(s, c);
	return 0;
}

uint32_t wr_tcp_read(struct wr_tcp_stack *s, wr_handle_t conn, struct wr_mq *out,
	uint32_t max_bytes, wr_us_t now)
{
	struct wr_tcp_conn *c = wr_tcp_conn_owned(s, conn);
	uint32_t moved = 0;

	if (c == NULL || c->rcvq.head == NULL)
		return 0;
	if (c->rcvq.bytes <= max_bytes) {
		moved = c->rcvq.bytes;
		wr_mq_concat(out, &c->rcvq);
	} else {
		do {
			struct rte_mbuf *m = wr_mq_pop(&c->rcvq);

			moved += m->data_len;
			wr_mq_append(out, m);
		} while (moved < max_bytes && c->rcvq.head != NULL);
	}
	s->recv_queue_bytes -= moved;
	wr_tcp_count(s, WR_CTR_pay_read_bytes, moved);
	wr_tcp_window_tune(s, c, moved, now);
	if (wr_tcp_can_receive(c) && wr_tcp_window_worth_update(s, c))
		wr_tcp_ack_now(s, c);
	return moved;
}

bool wr_tcp_eof(struct wr_tcp_stack *s, wr_handle_t conn)
{
	struct wr_tcp_conn *c = wr_tcp_conn_owned(s, conn);

	return c != NULL && (c->flags & F_FIN_RCVD) && c->rcvq.head == NULL;
}

int wr_tcp_write(struct wr_tcp_stack *s, wr_handle_t conn, struct wr_mq *in, wr_us_t now)
{
	struct wr_tcp_conn *c = wr_tcp_conn_owned(s, conn);
	uint32_t bytes = in->bytes;
	bool open = c != NULL && c->state != WR_TCP_ST_CLOSED && c->state != WR_TCP_ST_TIME_WAIT &&
	            !(c->flags & F_FIN_QUEUED);

	wr_tcp_count(s, WR_CTR_pay_written_bytes, bytes);
	if (unlikely(!open)) {
		if (in->count > 0)
			wr_tcp_free_mq(s, in, WR_DROP_pay_aborted_tx);
		return c == NULL ? -ESTALE : -EPIPE;
	}
	wr_tcp_sendq_append(s, c, in);
	if (wr_tcp_send_charge(c) >= c->snd_buf)
		c->flags |= F_WANT_WRITE;
	if (wr_tcp_can_send(c))
		wr_tcp_conn_dirty(s, c);
	return 0;
}

uint32_t wr_tcp_send_space(struct wr_tcp_stack *s, wr_handle_t conn)
{
	struct wr_tcp_conn *c = wr_tcp_conn_owned(s, conn);
	uint32_t queued;

	if (c == NULL || c->state == WR_TCP_ST_CLOSED)
		return 0;
	queued = wr_tcp_send_charge(c);
	if (queued < c->snd_buf)
		return c->snd_buf - queued;
	c->flags |= F_WANT_WRITE;
	return 0;
}

static void queue_fin(struct wr_tcp_stack *s, struct wr_tcp_conn *c)
{
	if (c->flags & F_FIN_QUEUED)
		return;
	c->flags |= F_FIN_QUEUED;
	if (c->state == WR_TCP_ST_ESTABLISHED)
		wr_tcp_conn_set_state(s, c, WR_TCP_ST_FIN_WAIT_1);
	else if (c->state == WR_TCP_ST_CLOSE_WAIT)
		wr_tcp_conn_set_state(s, c, WR_TCP_ST_LAST_ACK);
	if (wr_tcp_can_send(c))
		wr_tcp_conn_dirty(s, c);
}

int wr_tcp_shutdown(struct wr_tcp_stack *s, wr_handle_t conn, wr_us_t now)
{
	struct wr_tcp_conn *c = wr_tcp_conn_owned(s, conn);

	if (c == NULL)
		return -ESTALE;
	if (c->state != WR_TCP_ST_CLOSED && c->state != WR_TCP_ST_TIME_WAIT)
		queue_fin(s, c);
	return 0;
}

// RFC 9293 3.10.5: these have a peer that would otherwise wait.
static bool peer_waits(const struct wr_tcp_conn *c)
{
	return ((1u << c->state) & (1u << WR_TCP_ST_CLOSED | 1u << WR_TCP_ST_SYN_SENT |
					   1u << WR_TCP_ST_CLOSING | 1u << WR_TCP_ST_LAST_ACK |
					   1u << WR_TCP_ST_TIME_WAIT)) == 0;
}

static void reset_and_free(struct wr_tcp_stack *s, struct wr_tcp_conn *c)
{
	c->flags &= ~F_OWNED;
	c->events = 0;
	if (peer_waits(c))
		wr_tcp_reset_conn(s, c);
	wr_tcp_conn_over(s, c, WR_TCP_END_RESET);
}

void wr_tcp_release(struct wr_tcp_stack *s, wr_handle_t conn, wr_us_t now)
{
	struct wr_tcp_conn *c = wr_tcp_conn_owned(s, conn);
	const struct wr_tcp_disorder *d;

	if (c == NULL)
		return;
	switch (c->state) {
	case WR_TCP_ST_CLOSED:
	case WR_TCP_ST_TIME_WAIT:
		wr_tcp_conn_disown(s, c);
		return;
	case WR_TCP_ST_LISTEN:
	case WR_TCP_ST_SYN_SENT:
	case WR_TCP_ST_SYN_RECEIVED:
		reset_and_free(s, c);
		return;
	default:
		break;
	}
	// RFC 1122 4.2.2.13: unread payload is lost, and the peer has to know
	d = wr_tcp_disorder_of(s, c);
	if (c->rcvq.count > 0 || (d != NULL && d->ooo.count > 0)) {
		reset_and_free(s, c);
		return;
	}
	queue_fin(s, c);
	wr_tcp_conn_disown(s, c);
	if (c->state == WR_TCP_ST_FIN_WAIT_2)
		wr_tcp_timer_life(s, c, now + WR_TCP_ORPHAN_US);
	else
		wr_tcp_timer_life(s, c, now + WR_TCP_ORPHAN_US + s->cfg.give_up_us);
}

void wr_tcp_abort(struct wr_tcp_stack *s, wr_handle_t conn, wr_us_t now)
{
	struct wr_tcp_conn *c = wr_tcp_conn_owned(s, conn);

	if (c == NULL)
		return;
	if (c->state == WR_TCP_ST_TIME_WAIT || c->state == WR_TCP_ST_CLOSED)
		wr_tcp_conn_disown(s, c); // nobody waits; the tuple stays guarded
	else
		reset_and_free(s, c);
}

void wr_tcp_fail(struct wr_tcp_stack *s, wr_handle_t conn, wr_us_t now)
{
	struct wr_tcp_conn *c = wr_tcp_conn_owned(s, conn);

	if (c != NULL && c->state != WR_TCP_ST_CLOSED && c->state != WR_TCP_ST_TIME_WAIT)
		wr_tcp_conn_over(s, c, WR_TCP_END_NO_ROUTE);
}

void wr_tcp_free_mq(struct wr_tcp_stack *s, struct wr_mq *q, enum wr_drop why)
{
	struct rte_mbuf *m;
	uint64_t bytes = q->bytes;

	if (q->head == NULL)
		return;
	while ((m = wr_mq_pop(q)) != NULL) {
		if (wr_mbuf_priv(m)->flags & (WR_MBUF_F_RX | WR_MBUF_F_COPY))
			wr_tcp_buf_free(s, m);
		else // made by the application, never counted as held
			rte_pktmbuf_free_seg(m);
	}
	wr_stats_drop_bytes(s->stats, why, bytes);
}
