/* SPDX-License-Identifier: BSD-3-Clause */
#include "l3_priv.h"

#include <errno.h>

#include <rte_malloc.h>

// The part that all workers share: made and checked from the configuration, then fixed.

#define NEIGHBOURS_DEFAULT   4096
#define NEIGHBOURS_MAX       (1u << 20)
#define WAIT_FRAMES_DEFAULT  1024
#define WAIT_FRAMES_MAX      (1u << 20)
#define WAIT_PER_HOP_DEFAULT 16
#define ECHO_PER_S_DEFAULT   1000

struct l3_addr *l3_addr_insert(struct wr_l3_net *n, const struct l3_addr *a)
{
	uint32_t i = (uint32_t)l3_hash(n, 0, &a->addr) & n->addr_mask;
	struct l3_addr *e = &n->addr[n->addr_count];

	RTE_ASSERT(n->addr_count < n->addr_room);
	*e = *a;
	while (l3_addr_slot(n, i) != 0)
		i = (i + 1) & n->addr_mask;
	__atomic_store_n(&n->addr_count, n->addr_count + 1, __ATOMIC_RELEASE);
	__atomic_store_n(&n->addr_slot[i], n->addr_count, __ATOMIC_RELEASE);
	return e;
}

static bool v4_broadcast(const struct wr_prefix *p, struct wr_addr *out)
{
	if (!wr_addr_is_v4(&p->addr) || p->len > 96 + 30)
		return false;
	*out = p->addr;
	out->w[3] |= rte_cpu_to_be_32(UINT32_MAX >> (p->len - 96));
	return true;
}

static int check_unicast(const struct wr_addr *a, const char *what, struct wr_err *err)
{
	char text[WR_ADDR_STR];

	if (!wr_addr_is_multicast(a) && !wr_addr_is_unspecified(a) && !wr_addr_is_loopback(a))
		return 0;
	return wr_err_set(err, EINVAL, "%s %s is not a unicast address", what,
		wr_addr_format(a, text, sizeof(text)));
}

static int add_own(
	struct wr_l3_net *n, uint16_t port, const struct wr_prefix *p, struct wr_err *err)
{
	bool v4 = wr_addr_is_v4(&p->addr);
	char text[WR_ADDR_STR];
	struct wr_addr broadcast;
	int rc = check_unicast(&p->addr, "port address", err);

	if (rc != 0)
		return rc;
	wr_addr_format(&p->addr, text, sizeof(text));
	if (p->len > 128 || (v4 && p->len < 96))
		return wr_err_set(err, EINVAL,
			"address %s of port %u has an impossible prefix length", text, port);
	// every link has its own link-local addresses
	if (l3_addr_lookup(
		    n, &p->addr, wr_addr_is_linklocal(&p->addr) && !v4 ? port : L3_NO_PORT) != NULL)
		return wr_err_set(err, EINVAL,
			"address %s of port %u is given twice; an address belongs to one port once",
			text, port);
	if (v4_broadcast(p, &broadcast) && wr_addr_eq(&broadcast, &p->addr))
		return wr_err_set(err, EINVAL,
			"address %s of port %u is the broadcast address of its own prefix", text,
			port);
	l3_addr_insert(n,
		&(struct l3_addr){
			.addr = p->addr, .port = port, .kind = L3_ADDR_OWN, .prefix_len = p->len});
	n->own_count[port]++;
	return 0;
}

// The address that a port needs for ND: its prefix and the MAC (RFC 4291 2.5.6 and appendix A).
static int add_linklocal(struct wr_l3_net *n, const struct wr_l3_port *p, struct wr_err *err)
{
	const uint8_t *mac = p->mac.addr_bytes;
	struct wr_prefix ll = {.len = 64};
	bool v6 = false;

	for (uint32_t i = 0; i < p->addr_count; i++) {
		if (wr_addr_is_v4(&p->addr[i].addr))
			continue;
		if (wr_addr_is_linklocal(&p->addr[i].addr))
			return 0;
		v6 = true;
	}
	if (!v6)
		return 0;
	memcpy(ll.addr.b,
		(uint8_t[16]){0xfe, 0x80, 0, 0, 0, 0, 0, 0, mac[0] ^ 0x02, mac[1], mac[2], 0xff,
			0xfe, mac[3], mac[4], mac[5]},
		16);
	return add_own(n, p->id, &ll, err);
}

static int add_port(struct wr_l3_net *n, const struct wr_l3_port *p, struct wr_err *err)
{
	int rc;

	if (p->id >= WR_MAX_PORTS)
		return wr_err_set(err, EINVAL, "port number %u is above the limit of %u", p->id,
			WR_MAX_PORTS - 1);
	if (l3_port(n, p->id) != NULL)
		return wr_err_set(err, EINVAL, "port number %u is given twice", p->id);
	if (p->addr_count > WR_MAX_PORT_ADDRS || p->gateway_count > RTE_DIM(p->gateway))
		return wr_err_set(err, EINVAL, "port %u has more than %u addresses or %zu gateways",
			p->id, WR_MAX_PORT_ADDRS, RTE_DIM(p->gateway));
	n->port[p->id] = *p;
	n->port_mask |= 1u << p->id;
	n->own_first[p->id] = n->addr_count;
	for (uint32_t i = 0; i < p->addr_count; i++) {
		rc = add_own(n, p->id, &p->addr[i], err);
		if (rc != 0)
			return rc;
	}
	return add_linklocal(n, p, err);
}

static void add_broadcasts(struct wr_l3_net *n)
{
	uint32_t own = n->addr_count;

	for (uint32_t i = 0; i < own; i++) {
		struct wr_prefix p = {n->addr[i].addr, n->addr[i].prefix_len};
		uint16_t port = n->addr[i].port;
		struct wr_addr broadcast;

		if (!v4_broadcast(&p, &broadcast) || l3_addr_lookup(n, &broadcast, port) != NULL)
			continue;
		l3_addr_insert(
			n, &(struct l3_addr){
				   .addr = broadcast, .port = port, .kind = L3_ADDR_BROADCAST});
	}
}

// A service's address is announced on the port with the longest prefix around it.
uint16_t l3_vip_port(const struct wr_l3_net *n, const struct wr_addr *a)
{
	uint16_t port = L3_NO_PORT;
	int best = -1;

	// own addresses come first in the array
	for (uint32_t i = 0; i < n->addr_count && n->addr[i].kind == L3_ADDR_OWN; i++) {
		const struct l3_addr *own = &n->addr[i];
		struct wr_prefix p = {own->addr, own->prefix_len};

		if (own->prefix_len > best && wr_addr_is_v4(&own->addr) == wr_addr_is_v4(a) &&
			wr_prefix_contains(&p, a)) {
			best = own->prefix_len;
			port = own->port;
		}
	}
	return port;
}

static int add_vips(struct wr_l3_net *n, const struct wr_l3_config *cfg, struct wr_err *err)
{
	char text[WR_ADDR_STR];

	for (uint32_t i = 0; i < cfg->vip_count; i++) {
		const struct wr_addr *a = &cfg->vips[i];
		struct l3_addr *e = l3_addr_lookup(n, a, L3_NO_PORT);
		uint16_t port = l3_vip_port(n, a);
		int rc = check_unicast(a, "service address", err);

		if (rc != 0)
			return rc;
		if (e != NULL && e->kind == L3_ADDR_BROADCAST)
			return wr_err_set(err, EINVAL,
				"service address %s is the broadcast address of a port's prefix",
				wr_addr_format(a, text, sizeof(text)));
		if (e != NULL) // several listeners of one address, or one on a port's own
			continue;
		l3_addr_insert(n, &(struct l3_addr){.addr = *a, .port = port, .kind = L3_ADDR_VIP});
	}
	return 0;
}

static int add_addresses(struct wr_l3_net *n, const struct wr_l3_config *cfg, struct wr_err *err)
{
	uint32_t room = RTE_MAX(cfg->vip_count, cfg->vip_room), slots;
	int rc;

	for (uint32_t i = 0; i < cfg->port_count; i++)
		room += 2 * cfg->ports[i].addr_count + 1; // each with a broadcast; a link-local one
	slots = rte_align32pow2(RTE_MAX(room, 8u) * 2);
	n->addr = rte_zmalloc("l3_addr", RTE_MAX(room, 1u) * sizeof(*n->addr), 0);
	n->addr_slot = rte_zmalloc("l3_addr_slot", slots * sizeof(*n->addr_slot), 0);
	if (n->addr == NULL || n->addr_slot == NULL)
		return wr_err_set(err, ENOMEM, "no memory for %u addresses", room);
	n->addr_room = room;
	n->addr_mask = slots - 1;
	for (uint32_t i = 0; i < cfg->port_count; i++) {
		rc = add_port(n, &cfg->ports[i], err);
		if (rc != 0)
			return rc;
	}
	add_broadcasts(n);
	return add_vips(n, cfg, err);
}

static struct rte_ring *want_create(void)
{
	ssize_t size = rte_ring_get_memsize_elem(sizeof(struct l3_want), L3_WANT_SLOTS);
	struct rte_ring *r = size > 0 ? rte_zmalloc("l3_want", size, RTE_CACHE_LINE_SIZE) : NULL;

	// in memory of ours: no name in EAL is taken
	if (r != NULL && rte_ring_init(r, "l3_want", L3_WANT_SLOTS, RING_F_SC_DEQ) != 0) {
		rte_free(r);
		return NULL;
	}
	return r;
}

static uint32_t or_default(uint32_t value, uint32_t fallback, uint32_t max)
{
	return value == 0 ? fallback : RTE_MIN(value, max);
}

static int net_init(
	struct wr_l3_net *n, const struct wr_l3_config *cfg, wr_us_t now, struct wr_err *err)
{
	uint32_t neighbours = or_default(cfg->neighbours_max, NEIGHBOURS_DEFAULT, NEIGHBOURS_MAX);
	int rc = add_addresses(n, cfg, err);

	if (rc != 0)
		return rc;
	rc = l3_route_build(n, cfg, err);
	if (rc != 0)
		return rc;
	rc = l3_tunnel_build(n, cfg, err);
	if (rc != 0)
		return rc;
	n->want = want_create();
	if (n->want == NULL || l3_neigh_init(n, neighbours) != 0)
		return wr_err_set(err, ENOMEM, "no memory for %u neighbours", neighbours);
	wr_wheel_init(&n->wheel, now);
	l3_dad_init(n, now);
	return 0;
}

struct wr_l3_net *wr_l3_net_create(
	const struct wr_l3_config *cfg, uint64_t seed, wr_us_t now, struct wr_err *err)
{
	struct wr_l3_net *n = rte_zmalloc("l3_net", sizeof(*n), RTE_CACHE_LINE_SIZE);

	if (n == NULL) {
		wr_err_set(err, ENOMEM, "no memory for the network part");
		return NULL;
	}
	wr_rng_init(&n->rng, seed);
	n->key[0] = wr_rng_next(&n->rng);
	n->key[1] = wr_rng_next(&n->rng);
	n->dad = cfg->dad;
	n->wait_frames_max = or_default(cfg->wait_frames_max, WAIT_FRAMES_DEFAULT, WAIT_FRAMES_MAX);
	n->wait_frames_per_hop =
		or_default(cfg->wait_frames_per_hop, WAIT_PER_HOP_DEFAULT, UINT32_MAX);
	n->echo_per_s = or_default(cfg->echo_per_s, ECHO_PER_S_DEFAULT, UINT32_MAX);
	if (net_init(n, cfg, now, err) != 0) {
		wr_l3_net_destroy(n);
		return NULL;
	}
	return n;
}

void wr_l3_net_destroy(struct wr_l3_net *n)
{
	if (n == NULL)
		return;
	rte_free(n->addr);
	rte_free(n->addr_slot);
	rte_free(n->route);
	rte_free(n->tunnel);
	rte_free(n->behind);
	rte_free(n->neigh);
	rte_free(n->want);
	rte_free(n);
}
