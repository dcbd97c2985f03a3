/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp_priv.h"

#include <errno.h>

#include <rte_malloc.h>

// Listeners: a chained hash from endpoint to slot. There are few, they change rarely, and a SYN
// looks one up.

int wr_tcp_listeners_init(struct wr_tcp_stack *s)
{
	s->listeners = rte_zmalloc_socket("wr_tcp_listeners",
		sizeof(*s->listeners) * WR_TCP_LISTENER_CAPACITY, 0, s->cfg.numa_node);
	if (s->listeners == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < WR_TCP_LISTENER_BUCKETS; i++)
		s->listener_bucket[i] = WR_TCP_NO_LISTENER;
	for (uint32_t i = 0; i < WR_TCP_LISTENER_CAPACITY; i++)
		s->listeners[i].next =
			i + 1 < WR_TCP_LISTENER_CAPACITY ? (uint16_t)(i + 1) : WR_TCP_NO_LISTENER;
	s->listener_free = 0;
	return 0;
}

static uint16_t *bucket_of(struct wr_tcp_stack *s, const struct wr_addr *addr, uint16_t port)
{
	uint64_t h = wr_hash_mum(addr->q[0] ^ s->cfg.secret[2], addr->q[1] ^ s->cfg.secret[3]);

	h = wr_hash_mum(h ^ port, 0x9e3779b97f4a7c15ULL);
	return &s->listener_bucket[h % WR_TCP_LISTENER_BUCKETS];
}

// The slot's index as its predecessor stores it, or NULL.
static uint16_t *find_link(struct wr_tcp_stack *s, const struct wr_addr *addr, uint16_t port)
{
	uint16_t *at = bucket_of(s, addr, port);

	while (*at != WR_TCP_NO_LISTENER) {
		struct wr_tcp_listener *l = &s->listeners[*at];

		if (l->local.port == port && wr_addr_eq(&l->local.addr, addr))
			return at;
		at = &l->next;
	}
	return NULL;
}

struct wr_tcp_listener *wr_tcp_listener_lookup(
	struct wr_tcp_stack *s, const struct wr_addr *addr, uint16_t port)
{
	uint16_t *at = find_link(s, addr, port);

	return at != NULL ? &s->listeners[*at] : NULL;
}

uint32_t wr_tcp_listener_user(
	const struct wr_tcp_stack *s, const struct wr_addr *addr, uint16_t port)
{
	const struct wr_tcp_listener *l =
		wr_tcp_listener_lookup((struct wr_tcp_stack *)(uintptr_t)s, addr, port);

	return l != NULL ? l->opts.user : UINT32_MAX;
}

int wr_tcp_listen(struct wr_tcp_stack *s, const struct wr_endpoint *local,
	const struct wr_tcp_listen_opts *opts)
{
	struct wr_tcp_listener *l;
	uint16_t *at;
	uint16_t i;

	if (local->port == 0 || wr_addr_is_multicast(&local->addr) ||
		wr_addr_is_unspecified(&local->addr))
		return -EINVAL;
	if (find_link(s, &local->addr, local->port) != NULL)
		return -EADDRINUSE;
	i = s->listener_free;
	if (i == WR_TCP_NO_LISTENER)
		return -ENOMEM;
	l = &s->listeners[i];
	s->listener_free = l->next;
	at = bucket_of(s, &local->addr, local->port);
	*l = (struct wr_tcp_listener){
		.local = *local, .opts = *opts, .admit = WR_TCP_ADMIT, .next = *at, .used = true};
	*at = i;
	return 0;
}

int wr_tcp_unlisten(struct wr_tcp_stack *s, const struct wr_endpoint *local)
{
	uint16_t *at = find_link(s, &local->addr, local->port);
	uint16_t i;

	if (at == NULL)
		return -ENOENT;
	i = *at;
	*at = s->listeners[i].next;
	s->listeners[i] = (struct wr_tcp_listener){.next = s->listener_free};
	s->listener_free = i;
	return 0;
}

int wr_tcp_set_admit(struct wr_tcp_stack *s, const struct wr_endpoint *local, enum wr_tcp_admit a)
{
	struct wr_tcp_listener *l = wr_tcp_listener_lookup(s, &local->addr, local->port);

	if (l == NULL)
		return -ENOENT;
	l->admit = a;
	return 0;
}

void wr_tcp_set_admit_all(struct wr_tcp_stack *s, enum wr_tcp_admit a)
{
	for (uint32_t i = 0; i < WR_TCP_LISTENER_CAPACITY; i++)
		if (s->listeners[i].used)
			s->listeners[i].admit = a;
}
