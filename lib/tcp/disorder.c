/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp_priv.h"

// When a connection has a disorder object, and when not.

static bool receiving_in_order(const struct wr_tcp_conn *c, const struct wr_tcp_disorder *d)
{
	return d->ooo.count == 0 && d->sack_count == 0 && d->dsack.left == d->dsack.right &&
	       !((c->flags & F_FIN_SEEN) && !(c->flags & F_FIN_RCVD));
}

// A reduction may turn out to have been wrong for a round trip after its recovery.
static bool sending_in_order(const struct wr_tcp_conn *c, const struct wr_tcp_disorder *d)
{
	if (c->ca_state != WR_TCP_CA_OPEN || c->lost_bytes > 0 || d->sack_top != NULL ||
		d->sack_cur != NULL)
		return false;
	return c->snd_una == c->snd_nxt || d->undo_cwnd == 0 ||
	       wr_seq_geq(c->snd_una, d->undo_until);
}

// Whether so few are left that those who wait in vain give way: whoever holds one byte out of order
// keeps an object for as long as he likes.
static bool is_crowded(const struct wr_tcp_stack *s)
{
	const struct wr_pool *p = &s->disorders;

	return p->free_count < (s->level >= 1 ? p->capacity / 2 : p->capacity / 8) ||
	       p->free_count == 0;
}

// Of the next few the one that waits longest for payload in order, if it did so for a while and
// loses nothing but what it received (RFC 2018 8: that may be given up, SACKed or not).
static void evict_one(struct wr_tcp_stack *s)
{
	uint16_t now = wr_tcp_since(s->wheel.now_us), longest = WR_TCP_EVICT_SINCE;
	struct wr_tcp_conn *victim = NULL;
	uint64_t bytes;

	for (uint32_t i = min32(WR_TCP_EVICT_LOOK, s->disorders.capacity); i > 0; i--) {
		const struct wr_tcp_disorder *d;
		struct wr_tcp_conn *c;

		if (s->evict_at >= s->disorders.capacity)
			s->evict_at = 0;
		d = wr_pool_at(&s->disorders, s->evict_at);
		if (wr_pool_handle_at(&s->disorders, s->evict_at++) == WR_HANDLE_NONE ||
			(uint16_t)(now - d->progress) < longest)
			continue;
		c = wr_tcp_conn_at(s, d->conn);
		if (c == NULL || !sending_in_order(c, d))
			continue;
		victim = c;
		longest = (uint16_t)(now - d->progress);
	}
	if (victim == NULL)
		return;
	bytes = wr_tcp_reasm_purge(s, victim);
	if (bytes > 0)
		wr_stats_drop_bytes(s->stats, WR_DROP_pay_ooo_evicted, bytes);
	wr_tcp_disorder_free(s, victim);
}

struct wr_tcp_disorder *wr_tcp_disorder_need(struct wr_tcp_stack *s, struct wr_tcp_conn *c)
{
	struct wr_tcp_disorder *d;
	wr_handle_t h;

	if (c->disorder != WR_HANDLE_NONE)
		return wr_tcp_disorder_of(s, c);
	if (unlikely(is_crowded(s)))
		evict_one(s);
	d = wr_pool_get(&s->disorders, &h);
	if (unlikely(d == NULL)) {
		wr_tcp_count(s, WR_CTR_tcp_disorder_full, 1);
		return NULL;
	}
	memset(d, 0, sizeof(*d));
	d->conn = c->handle;
	d->progress = wr_tcp_since(s->wheel.now_us);
	c->disorder = h;
	wr_tcp_inflight_build(c, d);
	return d;
}

void wr_tcp_disorder_free(struct wr_tcp_stack *s, struct wr_tcp_conn *c)
{
	struct wr_tcp_disorder *d = wr_tcp_disorder_of(s, c);

	if (d == NULL)
		return;
	while (d->sent != NULL)
		wr_tcp_inflight_gone(d, d->sent);
	wr_pool_put(&s->disorders, c->disorder);
	c->disorder = WR_HANDLE_NONE;
	c->flags &= ~F_FIN_SEEN;
}

void wr_tcp_disorder_done(struct wr_tcp_stack *s, struct wr_tcp_conn *c)
{
	struct wr_tcp_disorder *d = wr_tcp_disorder_of(s, c);

	if (d != NULL && receiving_in_order(c, d) && sending_in_order(c, d))
		wr_tcp_disorder_free(s, c);
}
