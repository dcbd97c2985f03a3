/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp_priv.h"

// Life of a connection object: from the pool into the flow table, through its states, and back.

#define OFF_DIRTY offsetof(struct wr_tcp_conn, dirty)
#define OFF_READY offsetof(struct wr_tcp_conn, ready)
#define OFF_AGE   OFF_READY // never on both lists

struct wr_tcp_conn *wr_tcp_conn_lookup(
	struct wr_tcp_stack *s, uint64_t hash, const struct wr_tuple *t)
{
	return wr_tcp_flow_lookup(&s->flow, &s->conns, hash, t);
}

// Take back the oldest connection that only waits out TIME-WAIT.
static bool evict_time_wait(struct wr_tcp_stack *s)
{
	struct wr_tcp_conn *c = wr_tcp_conn_at(s, s->aged.head);

	if (c == NULL)
		return false;
	wr_tcp_conn_over(s, c, WR_TCP_END_EVICTED);
	return true;
}

struct wr_tcp_conn *wr_tcp_conn_create(
	struct wr_tcp_stack *s, const struct wr_tuple *t, uint32_t reserve, enum wr_drop *why)
{
	struct wr_tcp_conn *c;
	wr_handle_t h;

	*why = WR_DROP_conn_pool_full;
	// more than one when those who may use the reserve have dipped into it
	while (unlikely(s->conns.free_count <= reserve))
		if (!evict_time_wait(s))
			return NULL;
	c = wr_pool_get(&s->conns, &h);
	if (unlikely(c == NULL))
		return NULL;
	memset(c, 0, sizeof(*c));
	c->t = *t;
	c->handle = h;
	c->timer.owner = h;
	c->rtx_at = WR_US_NEVER;
	c->life_at = WR_US_NEVER;
	c->cc = (uint8_t)s->cfg.congestion;
	c->rto_us = (uint32_t)s->cfg.rto_initial_us;
	if (unlikely(!wr_tcp_flow_add(&s->flow, wr_hash_tuple(&s->cfg.secret[2], t), h))) {
		*why = WR_DROP_flow_table_full;
		wr_pool_put(&s->conns, h);
		return NULL;
	}
	c->flags = F_HASHED;
	return c;
}

uint16_t wr_tcp_conn_mss(const struct wr_tuple *t, uint16_t mss)
{
	if (mss != 0)
		return (uint16_t)max32(mss, WR_TCP_MSS_MIN);
	return wr_addr_is_v4(&t->local) ? WR_TCP_MSS_V4 : WR_TCP_MSS_V6;
}

// Smallest shift that shows the largest buffer (RFC 7323 2.3).
uint8_t wr_tcp_conn_wscale(const struct wr_tcp_stack *s, uint32_t rcv_buf)
{
	uint32_t most =
		max32(rcv_buf != 0 ? rcv_buf : s->cfg.rcv_buf_bytes, s->cfg.rcv_buf_max_bytes);
	uint8_t shift = 0;

	while (shift < 14 && (most >> shift) > UINT16_MAX)
		shift++;
	return shift;
}

void wr_tcp_conn_limits(struct wr_tcp_stack *s, struct wr_tcp_conn *c, uint16_t mss,
	uint32_t rcv_buf, uint32_t snd_buf)
{
	c->rcv_mss = wr_tcp_conn_mss(&c->t, mss);
	c->rcv_buf = rcv_buf != 0 ? rcv_buf : s->cfg.rcv_buf_bytes;
	c->snd_buf = snd_buf != 0 ? snd_buf : s->cfg.snd_buf_bytes;
	c->our_wscale = wr_tcp_conn_wscale(s, rcv_buf);
}

// Both keys of a tuple from one hash: low half for sequence numbers, high half for timestamps.
static uint64_t tuple_keys(const struct wr_tcp_stack *s, const struct wr_tuple *t)
{
	uint8_t text[36];

	memcpy(text, t->local.b, 16);
	memcpy(text + 16, t->remote.b, 16);
	memcpy(text + 32, &t->lport, 2);
	memcpy(text + 34, &t->rport, 2);
	return wr_siphash(s->cfg.secret, text, sizeof(text));
}

// Initial sequence number (RFC 6528: clock of 4 us plus a keyed hash) and timestamp offset, which
// is the same for every incarnation of a tuple, so that PAWS works across them (RFC 7323 5.4).
void wr_tcp_conn_keys(struct wr_tcp_stack *s, struct wr_tcp_conn *c, wr_us_t now)
{
	uint64_t h = tuple_keys(s, &c->t);

	c->ts_offset = (uint32_t)(h >> 32);
	wr_tcp_conn_iss(c, (uint32_t)h + (uint32_t)(now >> 2));
}

uint32_t wr_tcp_ts_clock(const struct wr_tcp_stack *s, const struct wr_tuple *t, wr_us_t now)
{
	return (uint32_t)(now / WR_US_PER_MS) + (uint32_t)(tuple_keys(s, t) >> 32);
}

void wr_tcp_conn_iss(struct wr_tcp_conn *c, uint32_t iss)
{
	c->iss = iss;
	c->snd_una = iss;
	c->snd_nxt = iss;
	c->snd_end = iss + 1;
	c->rtx_nxt = iss;
	c->recover = iss;
}

// RFC 1122 4.2.2.13 (a); the distance keeps late segments of the old one out of the new window.
void wr_tcp_conn_iss_above(struct wr_tcp_stack *s, struct wr_tcp_conn *c, uint32_t last)
{
	uint32_t least = last + (1u << 16) + wr_rng_below(&s->rng, 1u << 16);

	if (wr_seq_lt(c->iss, least))
		wr_tcp_conn_iss(c, least);
}

void wr_tcp_conn_event(struct wr_tcp_stack *s, struct wr_tcp_conn *c, uint32_t events)
{
	if (!(c->flags & F_OWNED))
		return;
	c->events |= (uint8_t)events;
	if (c->flags & F_READY)
		return;
	c->flags |= F_READY;
	wr_tcp_list_append(&s->ready, &s->conns, c->handle, OFF_READY);
}

void wr_tcp_conn_dirty(struct wr_tcp_stack *s, struct wr_tcp_conn *c)
{
	if (c->flags & F_DIRTY)
		return;
	c->flags |= F_DIRTY;
	wr_tcp_list_append(&s->dirty, &s->conns, c->handle, OFF_DIRTY);
}

void wr_tcp_conn_set_state(struct wr_tcp_stack *s, struct wr_tcp_conn *c, enum wr_tcp_state st)
{
	bool half = st == WR_TCP_ST_LISTEN || st == WR_TCP_ST_SYN_RECEIVED;

	if (half != !!(c->flags & F_HALF_OPEN)) {
		c->flags ^= F_HALF_OPEN;
		s->half_open += half ? 1 : -1;
		s->half_open_max = max32(s->half_open_max, s->half_open);
	}
	s->time_wait +=
		(uint32_t)(st == WR_TCP_ST_TIME_WAIT) - (uint32_t)(c->state == WR_TCP_ST_TIME_WAIT);
	c->state = (uint8_t)st;
}

// Off every list and timer and out of the table: nothing reaches it but its handle.
static void detach(struct wr_tcp_stack *s, struct wr_tcp_conn *c)
{
	if (c->flags & F_HASHED)
		wr_tcp_flow_del(&s->flow, wr_hash_tuple(&s->cfg.secret[2], &c->t), c->handle);
	if (c->flags & F_DIRTY)
		wr_tcp_list_remove(&s->dirty, &s->conns, c->handle, OFF_DIRTY);
	if (c->flags & F_AGED)
		wr_tcp_list_remove(&s->aged, &s->conns, c->handle, OFF_AGE);
	c->flags &= ~(F_HASHED | F_DIRTY | F_AGED | F_ACK_DUE | F_SYN_DUE | F_PROBE_DUE |
		      F_FIN_LOST | F_TLP_DUE | F_PACED);
	wr_wheel_cancel(&s->wheel, &c->timer);
	c->rtx_at = WR_US_NEVER;
	c->life_at = WR_US_NEVER;
}

static void drop_send_side(struct wr_tcp_stack *s, struct wr_tcp_conn *c)
{
	uint64_t bytes = wr_tcp_sendq_purge(s, c);

	if (bytes > 0)
		wr_stats_drop_bytes(s->stats, WR_DROP_pay_aborted_tx, bytes);
}

static void drop_receive_side(struct wr_tcp_stack *s, struct wr_tcp_conn *c)
{
	uint64_t bytes = c->rcvq.bytes;

	s->recv_queue_bytes -= c->rcvq.bytes;
	wr_tcp_mq_free(s, &c->rcvq);
	bytes += wr_tcp_reasm_purge(s, c);
	if (bytes > 0)
		wr_stats_drop_bytes(s->stats, WR_DROP_pay_aborted_rx, bytes);
}

void wr_tcp_conn_free(struct wr_tcp_stack *s, struct wr_tcp_conn *c)
{
	wr_tcp_conn_set_state(s, c, WR_TCP_ST_CLOSED);
	detach(s, c);
	if (c->flags & F_READY)
		wr_tcp_list_remove(&s->ready, &s->conns, c->handle, OFF_READY);
	drop_send_side(s, c);
	drop_receive_side(s, c);
	wr_tcp_disorder_free(s, c);
	wr_tcp_window_promise(s, c);
	wr_pool_put(&s->conns, c->handle);
}

static void count_end(struct wr_tcp_stack *s, const struct wr_tcp_conn *c, enum wr_tcp_end end)
{
	if (c->state == WR_TCP_ST_SYN_SENT)
		wr_tcp_count(s, WR_CTR_tcp_connect_failed, 1);
	switch (end) {
	case WR_TCP_END_CLOSED:
		wr_tcp_count(s, WR_CTR_tcp_closed, 1);
		break;
	case WR_TCP_END_RESET:
	case WR_TCP_END_REFUSED:
		wr_tcp_count(s, WR_CTR_tcp_reset, 1);
		break;
	case WR_TCP_END_TIMEOUT:
		wr_tcp_count(s, WR_CTR_tcp_timeout, 1);
		break;
	default:
		break;
	}
}

void wr_tcp_conn_over(struct wr_tcp_stack *s, struct wr_tcp_conn *c, enum wr_tcp_end end)
{
	uint64_t bytes;

	// TIME-WAIT told its end when it was entered
	if (c->end == WR_TCP_END_NONE) {
		count_end(s, c, end);
		c->end = (uint8_t)end;
		wr_tcp_conn_event(s, c, WR_TCP_EV_CLOSED);
	}
	if (!(c->flags & F_OWNED)) {
		wr_tcp_conn_free(s, c);
		return;
	}
	// in-order payload stays readable until release
	wr_tcp_conn_set_state(s, c, WR_TCP_ST_CLOSED);
	detach(s, c);
	drop_send_side(s, c);
	bytes = wr_tcp_reasm_purge(s, c);
	if (bytes > 0)
		wr_stats_drop_bytes(s->stats, WR_DROP_pay_aborted_rx, bytes);
	wr_tcp_disorder_free(s, c);
	wr_tcp_window_promise(s, c);
}

static void join_aged(struct wr_tcp_stack *s, struct wr_tcp_conn *c)
{
	c->flags |= F_AGED;
	wr_tcp_list_append(&s->aged, &s->conns, c->handle, OFF_AGE);
}

void wr_tcp_conn_time_wait(struct wr_tcp_stack *s, struct wr_tcp_conn *c, wr_us_t now)
{
	wr_tcp_conn_set_state(s, c, WR_TCP_ST_TIME_WAIT);
	c->rtx_at = WR_US_NEVER;
	c->flags &= ~(F_PROBE_DUE | F_FIN_LOST | F_TLP_DUE | F_PACED);
	wr_tcp_disorder_free(s, c);
	wr_tcp_window_promise(s, c);
	wr_tcp_timer_life(s, c, now + s->cfg.time_wait_us);
	count_end(s, c, WR_TCP_END_CLOSED);
	c->end = WR_TCP_END_CLOSED;
	wr_tcp_conn_event(s, c, WR_TCP_EV_CLOSED);
	if (!(c->flags & F_OWNED))
		join_aged(s, c);
}

void wr_tcp_conn_disown(struct wr_tcp_stack *s, struct wr_tcp_conn *c)
{
	if (c->flags & F_READY)
		wr_tcp_list_remove(&s->ready, &s->conns, c->handle, OFF_READY);
	c->flags &= ~(F_OWNED | F_READY);
	c->events = 0;
	if (c->state == WR_TCP_ST_TIME_WAIT) {
		drop_receive_side(s, c);
		join_aged(s, c);
	} else if (c->state == WR_TCP_ST_CLOSED) {
		wr_tcp_conn_free(s, c);
	}
}
