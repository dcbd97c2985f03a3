/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <rte_ether.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#include "wr_addr.h"
#include "wr_err.h"
#include "wr_event.h"
#include "wr_limits.h"
#include "wr_pkt.h"
#include "wr_stats.h"
#include "wr_units.h"

// Layer 3: our addresses, next hops and routes, neighbours (ARP, RFC 826 and 5227; ND, RFC 4861 and
// 4862), ICMP echo. IPv4 and IPv6 in one body.
//
// One `struct wr_l3_net` an instance holds what all workers read: addresses, routes, and the
// neighbour table, whose only writer is worker 0 (entries are published as one 64-bit word with the
// MAC and state). One `struct wr_l3` a worker holds its bounded wait queue. Other workers ask
// worker 0 for a resolution through `want` (a small atomic per entry), not through messages.

struct wr_l3_net;
struct wr_l3;

struct wr_l3_port {
	uint16_t id; // as wr_port_id()
	struct rte_ether_addr mac;
	uint16_t mtu;
	uint16_t vlan; // 0: untagged
	uint32_t addr_count;
	struct wr_prefix addr[WR_MAX_PORT_ADDRS]; // own addresses with their on-link prefix
	uint32_t gateway_count;                   // default routes of the port
	struct wr_addr gateway[2];                // at most one a family
	bool exception; // an exception path exists: pass copies of ARP/ND answers, punt the rest
};

struct wr_l3_route {
	struct wr_prefix to;
	struct wr_addr via;
	uint16_t port;
};

// What goes to these prefixes leaves only encrypted, to `remote`.
struct wr_l3_tunnel {
	struct wr_addr remote; // may lie in `to` itself (transport mode)
	uint32_t to_count;
	struct wr_prefix to[WR_MAX_TUNNEL_TO]; // one family; in none of another tunnel
	bool clear; // until wr_l3_tunnel_require(): in clear, as if there were no tunnel
};

struct wr_l3_config {
	uint32_t port_count;
	const struct wr_l3_port *ports;
	uint32_t route_count;
	const struct wr_l3_route *routes;
	uint32_t tunnel_count;
	const struct wr_l3_tunnel *tunnels;
	uint32_t vip_count; // addresses of services; announced on the port whose prefix holds them
	const struct wr_addr *vips;
	uint32_t vip_room; // how many there may ever be, those given up included; least: vip_count
	uint32_t neighbours_max;      // default 4096
	uint32_t wait_frames_max;     // of one worker, for unresolved next hops; default 1024
	uint32_t wait_frames_per_hop; // default 16
	uint32_t echo_per_s;          // echo answers a second and worker; default 1000
	bool dad; // probe for duplicates before serving an address (RFC 5227, 4862)
};

// Check and make the shared part. NULL with a sentence: duplicate address, gateway off-link, route
// via an address that no port reaches, tunnels that overlap or whose remote end no port reaches.
struct wr_l3_net *wr_l3_net_create(
	const struct wr_l3_config *cfg, uint64_t seed, wr_us_t now, struct wr_err *err);
void wr_l3_net_destroy(struct wr_l3_net *n);

// One worker's part. `small` gives buffers for our own messages; `events` may be NULL.
struct wr_l3 *wr_l3_create(struct wr_l3_net *n, uint16_t worker, struct rte_mempool *small,
	struct wr_stats *stats, struct wr_event_ring *events, wr_us_t now);
void wr_l3_destroy(struct wr_l3 *l);

// --- who is addressed -----------------------------------------------------------------------

enum wr_l3_class {
	WR_L3_NOT_OURS,  // neither ours nor a group
	WR_L3_OWN,       // a port's own address, also when a service listens on it
	WR_L3_VIP,       // a service's address
	WR_L3_TENTATIVE, // ours, but duplicate detection is not through or found a conflict
	WR_L3_GROUP,     // multicast or broadcast
};

// Classify a destination address. Any worker.
enum wr_l3_class wr_l3_classify(const struct wr_l3_net *n, const struct wr_addr *dst);

// Check of a frame's MAC addresses and VLAN tag: WR_DROP_NONE, own_mac, not_our_mac, vlan_unknown,
// short_frame.
enum wr_drop wr_l3_check_mac(const struct wr_l3_net *n, const struct rte_mbuf *m);

// --- packets --------------------------------------------------------------------------------

// Frames ready for a port: m->port is the port to leave by.
struct wr_l3_tx {
	struct rte_mbuf **pkts;
	uint16_t count; // filled
	uint16_t room;  // size of pkts
};

// Whether worker 0 must handle this frame: ARP, neighbour solicitations and advertisements.
bool wr_l3_for_owner(const struct wr_pkt *p);

// ARP, ICMPv4, ICMPv6 (kinds WR_PKT_ARP, _ICMP4, _ICMP6) that arrived on m->port. Consumes the
// mbuf, except when it returns true: then the frame is (also) for the kernel's exception path and
// the caller passes it there. Answers go to *tx. ARP and ND state changes happen on worker 0 only;
// the caller steers those frames there. On another worker they are dropped (icmp_ignored). Counts
// rx_l3 or one drop reason; nothing for a frame that it returns true for. An answer for which *tx
// has no room is not given.
bool wr_l3_input(struct wr_l3 *l, struct wr_pkt *p, struct wr_l3_tx *tx, wr_us_t now);

// Send an IP packet (m->data at the IP header): find route and neighbour, prepend Ethernet, append
// to *tx; or queue it while the neighbour is being asked; or free it with a reason. Consumes m. The
// caller leaves room for at least one frame in *tx.
void wr_l3_output(struct wr_l3 *l, struct rte_mbuf *m, struct wr_l3_tx *tx, wr_us_t now);

// The same for a packet to a tunnel's prefix: it is not sent but kept, in order, m->port being the
// tunnel (at most WR_L3_TUNNELLED of them; above that WR_DROP_ipsec_out_queue_full), until the
// caller takes and encrypts them. Moves up to `room` into m, oldest first; returns how many. Also
// after wr_l3_poll(): what waited for a neighbour in clear may have to be encrypted by then.
#define WR_L3_TUNNELLED 128
uint16_t wr_l3_take_tunnelled(struct wr_l3 *l, struct rte_mbuf **m, uint16_t room);

// Send an encrypted packet: as wr_l3_output(), whatever tunnels say of its destination.
void wr_l3_output_outer(struct wr_l3 *l, struct rte_mbuf *m, struct wr_l3_tx *tx, wr_us_t now);

// Timers and duties: ageing, probes, announcements (worker 0), and frames whose neighbour became
// known since (every worker). Call once a loop; cheap when nothing is due.
void wr_l3_poll(struct wr_l3 *l, struct wr_l3_tx *tx, wr_us_t now);

wr_us_t wr_l3_next_timer(const struct wr_l3 *l); // for virtual clocks

// --- questions ------------------------------------------------------------------------------

// MTU and port of the path to an address. False when no route leads there.
bool wr_l3_path(
	const struct wr_l3_net *n, const struct wr_addr *dst, uint16_t *port, uint16_t *mtu);

// The same, whatever tunnels say. wr_l3_path() of what is behind a tunnel is the port towards its
// remote end, and the MTU that wr_l3_tunnel_mtu() gave; no way while it gave none. While it may be
// left in clear: the port of the way in clear, if there is one, and never more than that MTU, which
// holds later.
bool wr_l3_path_outer(
	const struct wr_l3_net *n, const struct wr_addr *dst, uint16_t *port, uint16_t *mtu);

// The tunnel that an address is behind and that may not be left in clear, or -1. Any thread; for
// what arrives in clear and must not.
int wr_l3_tunnel_of(const struct wr_l3_net *n, const struct wr_addr *a);
// Largest plain packet that a tunnel takes; 0: none. Before workers run.
void wr_l3_tunnel_mtu(struct wr_l3_net *n, uint16_t tunnel, uint16_t mtu);
// From now on in clear, or encrypted only. Any thread. What wr_l3_output() is given after it has
// returned follows it, and so do packets that wait for a neighbour; frames that are in a *tx
// already are the caller's.
void wr_l3_tunnel_require(struct wr_l3_net *n, uint16_t tunnel, bool require);

// A source address of ours for a destination: the port's own address of the same family whose
// prefix fits best. False when none. Behind a tunnel: of the port towards its remote end, also
// while it may be left in clear, so that it holds later.
bool wr_l3_source(const struct wr_l3_net *n, const struct wr_addr *dst, struct wr_addr *out);

// True when every address passed duplicate detection (or it is off).
bool wr_l3_ready(const struct wr_l3_net *n);

// Frames waiting for neighbours in this worker, and packets waiting to be taken for a tunnel.
uint32_t wr_l3_queued(const struct wr_l3 *l);

// Solicited-node and other multicast MACs that the port must accept; returns how many.
uint32_t wr_l3_multicast_macs(
	const struct wr_l3_net *n, uint16_t port, struct rte_ether_addr *list, uint32_t max);

// Announce all addresses again (gratuitous ARP, unsolicited NA): worker 0.
void wr_l3_announce(struct wr_l3 *l, wr_us_t now);

// Serve one more address from now on (duplicate detection first, then announced), or no longer.
// Worker 0, while others run: they see it whole or not at all. What is ours by another kind, or
// already, is left as it is. 0, -EINVAL (not unicast, or a broadcast address), -ENOSPC: vip_room is
// used up.
// Whether that can be done, `more` that take a new place being added before: 0, 1 when it has its
// place already, given up or not, or as wr_l3_vip_add(). Any thread.
int wr_l3_vip_may(const struct wr_l3_net *n, const struct wr_addr *a, uint32_t more);
int wr_l3_vip_add(struct wr_l3 *l, const struct wr_addr *a, wr_us_t now);
void wr_l3_vip_drop(struct wr_l3 *l, const struct wr_addr *a);

struct wr_l3_neigh_info {
	struct wr_addr addr;
	struct rte_ether_addr mac;
	uint16_t port;
	const char *state; // "reachable", "stale", "incomplete", "failed"
	wr_us_t age_us;
};
// Walk the neighbour table from *cursor (start 0); false at the end. Any thread.
bool wr_l3_neigh_walk(
	const struct wr_l3_net *n, uint32_t *cursor, wr_us_t now, struct wr_l3_neigh_info *out);
