/* SPDX-License-Identifier: BSD-3-Clause */
#include "ep_priv.h"

#include <errno.h>

#define LISTENER_MASK (2 * EP_LISTENERS - 1)

static uint32_t place(const struct ep_stack *s, const struct wr_addr *addr, uint16_t port)
{
	return (uint32_t)wr_hash_mum(
		       wr_hash_mum(addr->q[0] ^ s->key[0], addr->q[1] ^ s->key[1]) ^ port,
		       s->key[0] | 1) &
	       LISTENER_MASK;
}

struct ep_listener *ep_listener_lookup(
	struct ep_stack *s, const struct wr_addr *addr, uint16_t port)
{
	uint32_t i;

	for (i = place(s, addr, port); s->listener_slots[i] != 0; i = (i + 1) & LISTENER_MASK) {
		struct ep_listener *l = &s->listeners[s->listener_slots[i] - 1];

		if (l->local.port == port && wr_addr_eq(&l->local.addr, addr))
			return l;
	}
	return NULL;
}

int ep_listen(
	struct ep_stack *s, const struct wr_endpoint *local, const struct ep_ops *ops, void *user)
{
	uint32_t i;

	if (ep_listener_lookup(s, &local->addr, local->port) != NULL)
		return -EADDRINUSE;
	if (s->listener_count == EP_LISTENERS)
		return -ENOMEM;
	for (i = place(s, &local->addr, local->port); s->listener_slots[i] != 0;)
		i = (i + 1) & LISTENER_MASK;
	s->listeners[s->listener_count] =
		(struct ep_listener){.local = *local, .ops = ops, .user = user};
	s->listener_slots[i] = (uint16_t)++s->listener_count;
	return 0;
}

int ep_listen_admit(struct ep_stack *s, const struct wr_endpoint *local, ep_admit_fn fn)
{
	struct ep_listener *l = ep_listener_lookup(s, &local->addr, local->port);

	if (l == NULL)
		return -ENOENT;
	s->hooks += (fn != NULL) - (l->admit != NULL);
	l->admit = fn;
	return 0;
}

bool ep_listener_dead(struct ep_stack *s, const struct ep_listener *l, const struct wr_tuple *t,
	const struct gen_now *now)
{
	wr_us_t delay = 0;

	return l->admit != NULL && l->admit(l->user, t, &delay, now) == EP_ADMIT_DROP;
}

enum wr_drop ep_syn(struct ep_stack *s, const struct wr_pkt *p, const struct gen_now *now)
{
	struct ep_listener *l = ep_listener_lookup(s, &p->t.local, p->t.lport);
	enum ep_admit admit = l != NULL ? EP_ADMIT : EP_ADMIT_RESET;
	struct ep_conn *c;
	wr_us_t delay = 0;

	if (l != NULL && l->admit != NULL)
		admit = l->admit(l->user, &p->t, &delay, now);
	if (admit == EP_ADMIT_DROP)
		return WR_DROP_syn_dropped;
	if (admit == EP_ADMIT_RESET) {
		// RFC 9293 3.10.7.1: the SYN counts one
		ep_reply(s, &p->t, 0, p->seq + 1 + p->payload_len, WR_TCP_RST | WR_TCP_ACK);
		s->counters.stray += l == NULL;
		return l == NULL ? WR_DROP_tcp_no_conn : WR_DROP_syn_refused;
	}
	c = ep_conn_new(s, &p->t);
	if (c == NULL)
		return WR_DROP_conn_pool_full;
	c->state = EP_SYN_RECEIVED;
	c->flags |= EP_F_PASSIVE;
	c->listener = (uint16_t)(l - s->listeners);
	c->ops = l->ops;
	c->user = l->user;
	ep_conn_options(c, p);
	if (delay == 0)
		return WR_DROP_NONE;
	c->flags = (uint16_t)((c->flags & ~EP_F_SYN) | EP_F_HELD);
	ep_rto_in(c, ep_ticks(delay));
	return WR_DROP_NONE;
}
