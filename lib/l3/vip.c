/* SPDX-License-Identifier: BSD-3-Clause */

// Addresses of services that come and go while workers run. An entry is never taken out of the
// table, since others read it: one that is gone waits for the same address to come back.

#include "l3_priv.h"

#include <errno.h>

// The entry of an address on any port, a gone one included.
static struct l3_addr *find(const struct wr_l3_net *n, const struct wr_addr *a)
{
	uint32_t i = (uint32_t)l3_hash(n, 0, a) & n->addr_mask;
	uint32_t at;

	for (; (at = l3_addr_slot(n, i)) != 0; i = (i + 1) & n->addr_mask)
		if (wr_addr_eq(&n->addr[at - 1].addr, a))
			return &n->addr[at - 1];
	return NULL;
}

int wr_l3_vip_may(const struct wr_l3_net *n, const struct wr_addr *a, uint32_t more)
{
	const struct l3_addr *e = find(n, a);

	if (wr_addr_is_multicast(a) || wr_addr_is_unspecified(a) || wr_addr_is_loopback(a) ||
		(e != NULL && l3_addr_kind(e) == L3_ADDR_BROADCAST))
		return -EINVAL;
	if (e != NULL)
		return 1;
	return __atomic_load_n(&n->addr_count, __ATOMIC_RELAXED) + more >= n->addr_room ? -ENOSPC
	                                                                                : 0;
}

int wr_l3_vip_add(struct wr_l3 *l, const struct wr_addr *a, wr_us_t now)
{
	struct wr_l3_net *n = l->net;
	struct l3_addr *e = find(n, a);
	struct l3_addr fresh = {.addr = *a, .kind = L3_ADDR_VIP};

	int rc = wr_l3_vip_may(n, a, 0);

	RTE_ASSERT(l->worker == 0);
	if (rc < 0)
		return rc;
	if (e != NULL && l3_addr_kind(e) == L3_ADDR_GONE) {
		l3_dad_begin(n, e, now);
		__atomic_store_n(&e->kind, L3_ADDR_VIP, __ATOMIC_RELEASE);
		return 0;
	}
	if (e != NULL)
		return 0;
	fresh.port = l3_vip_port(n, a);
	l3_dad_begin(n, &fresh, now);
	l3_addr_insert(n, &fresh);
	return 0;
}

void wr_l3_vip_drop(struct wr_l3 *l, const struct wr_addr *a)
{
	struct l3_addr *e = find(l->net, a);

	RTE_ASSERT(l->worker == 0);
	if (e == NULL || l3_addr_kind(e) != L3_ADDR_VIP)
		return;
	__atomic_store_n(&e->kind, L3_ADDR_GONE, __ATOMIC_RELEASE);
	l3_dad_end(l->net, e);
}
