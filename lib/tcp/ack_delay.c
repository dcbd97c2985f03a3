/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp_priv.h"

#include <rte_malloc.h>

// Delayed acknowledgement (RFC 9293 3.8.6.3, RFC 5681 4.2): the answer that the other side of a
// session is about to give can carry the ACK of its question. What has to be acknowledged and was
// not is RCV.NXT - last_ack_sent; connections that wait stand in a ring in order of their
// deadlines, since all wait equally long; one whose payload was acknowledged meanwhile and that
// got new payload since may stand before others that are due earlier, by less than the delay.
//
// A connection on which nothing came to carry the ACK in time acknowledges at once from then on,
// until data follows data within the delay again: a peer that waits for the ACK before it sends the
// rest (Nagle) is held up once.

int wr_tcp_ack_delay_init(struct wr_tcp_stack *s)
{
	struct wr_tcp_ack_ring *r = &s->late_acks;

	if (s->cfg.ack_delay_us == 0)
		return 0;
	r->mask = rte_align32pow2(s->cfg.max_conns) - 1;
	r->slot = rte_zmalloc_socket(
		"wr_tcp_late_acks", (r->mask + 1ULL) * sizeof(*r->slot), 0, s->cfg.numa_node);
	return r->slot != NULL ? 0 : -1;
}

void wr_tcp_ack_delay_fini(struct wr_tcp_stack *s)
{
	rte_free(s->late_acks.slot);
}

static void enqueue(struct wr_tcp_stack *s, struct wr_tcp_conn *c)
{
	struct wr_tcp_ack_ring *r = &s->late_acks;

	r->slot[(r->head + r->count++) & r->mask] =
		(struct wr_tcp_late_ack){c->handle, c->ack_since + (uint32_t)s->cfg.ack_delay_us};
	c->ack_queued = 1;
}

void wr_tcp_ack_in_order(struct wr_tcp_stack *s, struct wr_tcp_conn *c, uint32_t bytes, wr_us_t now)
{
	if (c->rcv_nxt - bytes == c->last_ack_sent)
		c->ack_since = (uint32_t)now;
	// at least every second full segment
	if (c->ack_at_once || c->rcv_nxt - c->last_ack_sent > c->rcv_mss ||
		s->late_acks.slot == NULL) {
		wr_tcp_ack_now(s, c);
		return;
	}
	if (c->ack_queued)
		return;
	// A connection is in the ring once, but those that ended while they waited are too.
	if (unlikely(s->late_acks.count > s->late_acks.mask))
		wr_tcp_ack_now(s, c);
	else
		enqueue(s, c);
}

static bool waits(const struct wr_tcp_conn *c)
{
	return c->rcv_nxt != c->last_ack_sent && !(c->flags & F_ACK_DUE) &&
	       c->state != WR_TCP_ST_CLOSED && c->state != WR_TCP_ST_SYN_SENT;
}

uint32_t wr_tcp_ack_delay_poll(struct wr_tcp_stack *s, uint32_t budget, wr_us_t now)
{
	struct wr_tcp_ack_ring *r = &s->late_acks;
	uint32_t n = 0;

	for (; n < budget && r->count > 0; n++) {
		struct wr_tcp_late_ack a = r->slot[r->head & r->mask];
		struct wr_tcp_conn *c;

		if ((int32_t)((uint32_t)now - a.at_us) < 0)
			break;
		r->head++;
		r->count--;
		c = wr_tcp_conn_at(s, a.conn);
		if (c == NULL)
			continue;
		c->ack_queued = 0;
		if (!waits(c))
			continue;
		// what waits now came later than what it was put here for
		if ((uint32_t)now - c->ack_since < s->cfg.ack_delay_us) {
			enqueue(s, c);
			continue;
		}
		c->ack_at_once = 1;
		wr_tcp_count(s, WR_CTR_tcp_acks_delayed, 1);
		wr_tcp_ack_now(s, c);
	}
	return n;
}

void wr_tcp_ack_carried(struct wr_tcp_stack *s, struct wr_tcp_conn *c, wr_us_t now)
{
	if (c->ack_at_once && (uint32_t)now - c->ack_since < s->cfg.ack_delay_us)
		c->ack_at_once = 0;
}

wr_us_t wr_tcp_ack_delay_next(const struct wr_tcp_stack *s, wr_us_t now_of_wheel)
{
	const struct wr_tcp_ack_ring *r = &s->late_acks;

	if (r->count == 0)
		return WR_US_NEVER;
	// the low half of a time close by
	return now_of_wheel + (wr_us_t)(int64_t)(int32_t)(r->slot[r->head & r->mask].at_us -
							  (uint32_t)now_of_wheel);
}
