/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "wr_l3.h"

#include "l3_neigh.h"
#include "l3_tunnel.h"

#include "wr_hash.h"
#include "wr_rng.h"
#include "wr_wheel.h"

#include <rte_ring.h>

// Inside of lib/l3. Port numbers index net->port directly.

#define L3_NO_PORT UINT16_MAX

// Duplicate detection. RFC 5227 1.1 waits seconds; these are shorter so that a restart serves in
// less than one (see README).
#define L3_DAD_PROBES      3
#define L3_DAD_GAP_US      (200 * WR_US_PER_MS)
#define L3_DAD_JITTER_US   (50 * WR_US_PER_MS)
#define L3_ANNOUNCES       2                  // ANNOUNCE_NUM
#define L3_ANNOUNCE_GAP_US (1 * WR_US_PER_S)  // half of ANNOUNCE_INTERVAL
#define L3_DEFEND_US       (10 * WR_US_PER_S) // DEFEND_INTERVAL
#define L3_DAD_RETRY_US    (10 * WR_US_PER_S)
#define L3_CONFLICT_EV_US  (1 * WR_US_PER_S) // events of one address are coalesced over this

#define L3_ND_SOLICIT   135
#define L3_ND_ADVERT    136
#define L3_NA_SOLICITED 0x40
#define L3_NA_OVERRIDE  0x20

enum l3_addr_kind {
	L3_ADDR_OWN,
	L3_ADDR_VIP,
	L3_ADDR_BROADCAST, // directed broadcast of a connected IPv4 prefix
	L3_ADDR_GONE,      // was a VIP; the entry waits for it to come back
};

enum l3_addr_state {
	L3_ADDR_TENTATIVE,
	L3_ADDR_READY,
	L3_ADDR_FAILED, // another station has it; tried again later
};

struct l3_addr {
	struct wr_addr addr;
	uint16_t port;      // L3_NO_PORT: routed to us, not announced
	uint8_t kind;       // enum l3_addr_kind; atomic, worker 0 writes
	uint8_t prefix_len; // of an own address
	uint8_t state;      // enum l3_addr_state; atomic, worker 0 writes
	uint8_t probes;     // left; from here on worker 0 alone
	uint8_t announces;  // left
	uint32_t conflicts; // not told by an event yet
	wr_us_t due_us;
	wr_us_t defended_us; // WR_US_NEVER: never yet
	wr_us_t event_us;    // WR_US_NEVER: never yet
};

struct l3_route {
	uint64_t value[2];
	uint64_t mask[2];
	struct wr_addr via; // unspecified: on-link
	uint16_t port;
	uint8_t len;
	uint8_t rank; // among equal lengths: connected 0, static 1, gateway 2
	bool v4;
};

struct wr_l3_net {
	uint64_t key[2];
	bool dad;
	uint32_t port_mask; // bit per port number
	struct wr_l3_port port[WR_MAX_PORTS];
	uint32_t own_first[WR_MAX_PORTS], own_count[WR_MAX_PORTS]; // in addr[]
	struct l3_addr *addr;
	uint32_t addr_count, addr_room;
	uint32_t *addr_slot; // open addressing, index + 1; atomic: worker 0 adds VIPs
	uint32_t addr_mask;
	struct l3_route *route; // by length, longest first
	uint32_t route_count;
	uint32_t tunnel_count, behind_count;
	struct l3_tunnel *tunnel;
	struct l3_behind *behind;
	struct l3_neigh *neigh;
	uint32_t neigh_mask;
	uint32_t neigh_max;
	uint32_t wait_frames_max, wait_frames_per_hop, echo_per_s;
	struct rte_ring *want; // all workers to worker 0

	uint32_t not_ready __rte_cache_aligned; // atomic; addresses that are not served
	uint32_t changes; // atomic; counts neighbours that became usable or failed

	// worker 0
	wr_us_t addr_due_us __rte_cache_aligned;
	uint32_t neigh_used;
	struct l3_neigh_list stale, failed; // oldest first
	struct wr_rng rng;
	struct wr_wheel wheel;
};

// The way to a destination that was used lately. Routes and the ports' own addresses stay as they
// are made, so of all that was looked up only the neighbour can change, and its entry tells. What
// is behind a tunnel has no neighbour among `path`, whether or not the tunnel is required: so each
// packet to it is looked at, and others do not pay for that.
#define L3_PATH_BITS  7
#define L3_OUTER_BITS 6
struct l3_path {
	struct wr_addr dst;
	struct wr_addr hop;
	const struct l3_neigh *neigh; // NULL: to be looked up
	const struct wr_l3_port *port;
	uint16_t tunnel; // that dst is behind, plus 1; 0: not known
} __rte_cache_aligned;

// A next hop that frames wait for, and a frame that waits.
struct l3_hop {
	struct wr_addr addr;
	uint16_t port;
	uint32_t next;               // in its bucket or the free list, index + 1
	uint32_t active;             // place in wr_l3.active
	uint32_t head, tail, frames; // of l3_wait, index + 1
	wr_us_t ask_us;              // when to ask (again)
	wr_us_t end_us;
};

struct l3_wait {
	struct rte_mbuf *m; // m->port, if there are tunnels: the one that it leaves in clear now
	uint32_t next;
};

struct wr_l3 {
	struct wr_l3_net *net;
	uint16_t worker;
	struct rte_mempool *small;
	struct wr_stats *stats;
	struct wr_event_ring *events;
	uint32_t changes_seen;
	bool hops_again; // a flush stopped for lack of room
	wr_us_t hops_due_us;
	uint32_t hop_count, queued;
	uint32_t *bucket;
	uint32_t bucket_mask;
	struct l3_hop *hop;
	struct l3_wait *wait;
	uint32_t *active; // hops in use
	uint32_t hop_free, wait_free;
	uint64_t echo_tokens; // in 1/1000000 of an answer
	wr_us_t echo_us;
	uint16_t ip_id;
	struct l3_path path[1u << L3_PATH_BITS]; // by destination, the latest of its place
	// the same for what leaves whatever tunnels say: encrypted, or in clear for now
	struct l3_path outer[1u << L3_OUTER_BITS];
	struct l3_tunnelled tunnelled;
};

// --- small things ---------------------------------------------------------------------------

static inline const struct wr_l3_port *l3_port(const struct wr_l3_net *n, uint16_t id)
{
	return id < WR_MAX_PORTS && (n->port_mask & (1u << id)) != 0 ? &n->port[id] : NULL;
}

static inline enum l3_addr_state l3_addr_state(const struct l3_addr *a)
{
	return (enum l3_addr_state)__atomic_load_n(&a->state, __ATOMIC_ACQUIRE);
}

static inline enum l3_addr_kind l3_addr_kind(const struct l3_addr *a)
{
	return (enum l3_addr_kind)__atomic_load_n(&a->kind, __ATOMIC_RELAXED);
}

static inline uint32_t l3_addr_slot(const struct wr_l3_net *n, uint32_t i)
{
	return __atomic_load_n(&n->addr_slot[i], __ATOMIC_ACQUIRE);
}

static inline bool l3_tx_full(const struct wr_l3_tx *tx)
{
	return tx->count >= tx->room;
}

static inline bool l3_mac_is_station(const struct rte_ether_addr *mac)
{
	return !rte_is_zero_ether_addr(mac) && !rte_is_multicast_ether_addr(mac);
}

void l3_event(struct wr_l3 *l, const struct wr_event *ev);

// --- address.c ------------------------------------------------------------------------------
static inline uint64_t l3_hash(const struct wr_l3_net *n, uint16_t port, const struct wr_addr *a)
{
	return wr_hash_mum(a->q[0] ^ n->key[0] ^ port, a->q[1] ^ n->key[1]);
}

// Our address on a port, or on any with L3_NO_PORT; NULL when not ours. Broadcasts included.
struct l3_addr *l3_addr_lookup(const struct wr_l3_net *n, const struct wr_addr *a, uint16_t port);

// The same for addresses that a port announces: own and VIP, not broadcasts.
struct l3_addr *l3_addr_claimed(const struct wr_l3_net *n, const struct wr_addr *a, uint16_t port);

// Best own address of a port for talking to `to`; `ready` prefers those that are served.
const struct l3_addr *l3_addr_source(
	const struct wr_l3_net *n, uint16_t port, const struct wr_addr *to, bool ready);

bool l3_addr_onlink(const struct wr_l3_net *n, uint16_t port, const struct wr_addr *a);
bool l3_mac_is_ours(const struct wr_l3_net *n, const struct rte_ether_addr *mac);

// --- net.c ----------------------------------------------------------------------------------
// A new address, whole before any other worker finds it. The caller knows that there is room.
struct l3_addr *l3_addr_insert(struct wr_l3_net *n, const struct l3_addr *a);
// The port that announces a VIP, L3_NO_PORT: none.
uint16_t l3_vip_port(const struct wr_l3_net *n, const struct wr_addr *a);

// --- dad.c (worker 0) -----------------------------------------------------------------------
void l3_dad_init(struct wr_l3_net *n, wr_us_t now);
// Begin detection, or announcing, of an address that was added or came back.
void l3_dad_begin(struct wr_l3_net *n, struct l3_addr *a, wr_us_t now);
// It is not ours any more.
void l3_dad_end(struct wr_l3_net *n, struct l3_addr *a);
void l3_dad_poll(struct wr_l3 *l, struct wr_l3_tx *tx, wr_us_t now);
void l3_dad_conflict(
	struct wr_l3 *l, struct l3_addr *a, const struct rte_ether_addr *mac, wr_us_t now);

// --- route.c --------------------------------------------------------------------------------
int l3_route_build(struct wr_l3_net *n, const struct wr_l3_config *cfg, struct wr_err *err);
void l3_prefix_mask(uint8_t len, uint64_t mask[2]);
const struct l3_route *l3_route_lookup(const struct wr_l3_net *n, const struct wr_addr *dst);

// --- hop.c ----------------------------------------------------------------------------------
int l3_hop_init(struct wr_l3 *l);
void l3_hop_fini(struct wr_l3 *l);
struct l3_hop *l3_hop_lookup(struct wr_l3 *l, uint16_t port, const struct wr_addr *a);
// Queue a frame for a hop (made when NULL); consumes m.
void l3_hop_enqueue(struct wr_l3 *l, struct l3_hop *h, uint16_t port, const struct wr_addr *a,
	struct rte_mbuf *m, wr_us_t now);
// Send what waits, leaving `keep` places of *tx. True when the hop is empty and gone.
bool l3_hop_flush(struct wr_l3 *l, struct l3_hop *h, const struct rte_ether_addr *mac,
	struct wr_l3_tx *tx, uint16_t keep);
void l3_hop_poll(struct wr_l3 *l, struct wr_l3_tx *tx, wr_us_t now);

// --- output.c -------------------------------------------------------------------------------
// Prepend Ethernet and append to *tx; consumes m.
void l3_output_eth(struct wr_l3 *l, struct rte_mbuf *m, uint16_t port,
	const struct rte_ether_addr *dst, struct wr_l3_tx *tx);

// --- message.c (worker 0) -------------------------------------------------------------------
// Each makes one frame and counts it; false when *tx is full or no buffer is free.
// Ask for a neighbour: by group, or by unicast when mac is given.
bool l3_send_ask(struct wr_l3 *l, uint16_t port, const struct wr_addr *src,
	const struct wr_addr *target, const struct rte_ether_addr *mac, struct wr_l3_tx *tx);
bool l3_send_dad_probe(struct wr_l3 *l, const struct l3_addr *a, struct wr_l3_tx *tx);
bool l3_send_announcement(struct wr_l3 *l, const struct l3_addr *a, struct wr_l3_tx *tx);
// Tell a station (to, mac) our MAC for an address of ours; IPv6 to :: answers all nodes.
bool l3_send_answer(struct wr_l3 *l, const struct l3_addr *a, const struct wr_addr *to,
	const struct rte_ether_addr *mac, struct wr_l3_tx *tx);
void l3_solicited_node(const struct wr_addr *a, struct wr_addr *group, struct rte_ether_addr *mac);

// --- arp.c, nd.c, icmp.c --------------------------------------------------------------------
// What became of a received frame. TAKEN: the mbuf went into *tx.
enum l3_fate {
	L3_FATE_DONE,
	L3_FATE_DROP,
	L3_FATE_PUNT,
	L3_FATE_TAKEN
};
struct l3_verdict {
	enum l3_fate fate;
	enum wr_drop drop;
};
#define L3_DONE  ((struct l3_verdict){L3_FATE_DONE, WR_DROP_NONE})
#define L3_TAKEN ((struct l3_verdict){L3_FATE_TAKEN, WR_DROP_NONE})
// Punted where the port has an exception path, else dropped with the reason.
#define L3_PUNT(r) ((struct l3_verdict){L3_FATE_PUNT, WR_DROP_##r})
#define L3_DROP(r) ((struct l3_verdict){L3_FATE_DROP, WR_DROP_##r})

struct l3_verdict l3_arp_input(struct wr_l3 *l, struct wr_pkt *p, struct wr_l3_tx *tx, wr_us_t now);
struct l3_verdict l3_nd_input(struct wr_l3 *l, struct wr_pkt *p, struct wr_l3_tx *tx, wr_us_t now);
struct l3_verdict l3_icmp_input(
	struct wr_l3 *l, struct wr_pkt *p, struct wr_l3_tx *tx, wr_us_t now);
