/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp_priv.h"

// When a connection has a disorder object, and when not.

struct wr_tcp_disorder *wr_tcp_disorder_need(struct wr_tcp_stack *s, struct wr_tcp_conn *c)
{
	struct wr_tcp_disorder *d;
	wr_handle_t h;

	if (c->disorder != WR_HANDLE_NONE)
		return wr_tcp_disorder_of(s, c);
	d = wr_pool_get(&s->disorders, &h);
	if (unlikely(d == NULL)) {
		wr_tcp_count(s, WR_CTR_tcp_disorder_full, 1);
		return NULL;
	}
	memset(d, 0, sizeof(*d));
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

void wr_tcp_disorder_done(struct wr_tcp_stack *s, struct wr_tcp_conn *c)
{
	struct wr_tcp_disorder *d = wr_tcp_disorder_of(s, c);

	if (d != NULL && receiving_in_order(c, d) && sending_in_order(c, d))
		wr_tcp_disorder_free(s, c);
}
