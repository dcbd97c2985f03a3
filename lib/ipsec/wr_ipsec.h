/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>
#include <rte_mempool.h>

#include "wr_addr.h"
#include "wr_err.h"
#include "wr_ipsec_keys.h"
#include "wr_limits.h"
#include "wr_pkt.h"
#include "wr_stats.h"
#include "wr_units.h"

// IPsec ESP (RFC 4303) between Weir and the gateways or hosts of its backends, by rte_ipsec and
// Intel ipsec-mb (cryptodevs crypto_aesni_gcm, crypto_aesni_mb). Nothing here knows a port, a
// route or a connection: plain IP packets go in and ESP packets come out, and the reverse.
//
// A tunnel is what both ends agreed on. It has one association a worker and direction (in the
// manner of RFC 9611): sequence numbers and replay windows are never shared, and the SPI of an
// arriving packet tells the worker that owns it. All associations that arrive are in one table
// (struct wr_ipsec_sad), read by all workers and written by the control thread; what is sent with
// is each worker's own (struct wr_ipsec).
//
// Crypto is done when these functions return: nothing stays in a crypto queue between two turns.

enum wr_ipsec_mode {
	WR_IPSEC_TUNNEL,    // whole packets inside, to a gateway
	WR_IPSEC_TRANSPORT, // payload only, to the host itself
};

// What rte_ipsec writes behind a packet while it is worked on: the upper half of an extended
// sequence number, and the additional data of GCM. A frame is opened in its buffer when that has
// so much room behind it.
#define WR_IPSEC_TAILROOM 32

// What both ends agreed on. Lives as long as what was made with it.
struct wr_ipsec_tunnel {
	char name[WR_NAME_LEN]; // for messages
	enum wr_ipsec_mode mode;
	enum wr_ipsec_cipher cipher;
	struct wr_addr local, remote; // of the packets on the wire; same family
	bool inner_v4;                // family inside; of transport mode that of `remote`
	bool esn;                     // extended sequence numbers (RFC 4304)
	uint32_t replay_window;       // packets, 64-4096
	uint16_t udp_port; // 0: ESP right on IP; else in UDP (RFC 3948), both sides' port
	// Hard ends of an association; 0: none. Without esn at most 2^32-1 packets in any case.
	uint64_t life_bytes, life_packets;
	wr_us_t life_us;
};

// Largest plain packet (with its IP header) that fits, encrypted, into `mtu` bytes of IP. 0: none.
uint16_t wr_ipsec_inner_mtu(const struct wr_ipsec_tunnel *t, uint16_t mtu);

// --- the box's cryptography: control thread ------------------------------------------------------

struct wr_ipsec_device;

// Cryptodevs for what `ciphers` (bits 1 << enum wr_ipsec_cipher) needs, with a queue pair for each
// worker; after rte_eal_init. NULL with a sentence: a driver that is not installed, a cipher or key
// size that this box's ipsec-mb lacks (named, with the cure).
struct wr_ipsec_device *wr_ipsec_device_create(
	uint32_t ciphers, uint16_t workers, int numa_node, struct wr_err *err);
void wr_ipsec_device_destroy(struct wr_ipsec_device *d); // all associations are gone before

// --- associations: made and freed by the control thread, used by one worker --------------------

struct wr_ipsec_sa;

// `generation`: number of the keys, for display. NULL with a sentence. Keeps `t`, not `k`: the
// caller wipes it.
struct wr_ipsec_sa *wr_ipsec_sa_create(struct wr_ipsec_device *d, const struct wr_ipsec_tunnel *t,
	uint16_t tunnel, const struct wr_ipsec_key *k, uint32_t generation, wr_us_t now,
	struct wr_err *err);
// No worker knows it any more. Key material is wiped.
void wr_ipsec_sa_destroy(struct wr_ipsec_sa *sa);

// What an association has done; any thread, each word by itself.
struct wr_ipsec_sa_info {
	uint32_t spi;
	uint16_t tunnel, worker;
	bool out;
	uint32_t generation;
	wr_us_t made_us;
	uint64_t packets, bytes;       // protected; bytes of plain IP packets
	uint64_t replayed, forged;     // arriving: refused by window, by authentication
	uint64_t malformed, misplaced; // padding or next header; addresses inside
	uint64_t sequence;             // next to send, or highest seen
	bool expired;                  // a hard end was reached: not used any more
};
void wr_ipsec_sa_info(const struct wr_ipsec_sa *sa, struct wr_ipsec_sa_info *out);
uint16_t wr_ipsec_sa_worker(const struct wr_ipsec_sa *sa);

// --- what arrives: SPI to association ------------------------------------------------------------

struct wr_ipsec_sad;

// Room for `max` associations. NULL: no memory.
struct wr_ipsec_sad *wr_ipsec_sad_create(uint32_t max, int numa_node, struct wr_err *err);
void wr_ipsec_sad_destroy(struct wr_ipsec_sad *d);
// Control thread. 0, -EEXIST (the SPI is there), -ENOSPC. What was removed may be used by workers
// until each has ended the turn it is in; then it may be destroyed.
int wr_ipsec_sad_add(struct wr_ipsec_sad *d, struct wr_ipsec_sa *sa);
void wr_ipsec_sad_remove(struct wr_ipsec_sad *d, struct wr_ipsec_sa *sa);
// Control thread. Make the ways to associations short again, which those that were removed have
// left long; nothing to do is normal. All workers have ended the turn that they were in when it
// was called last: what is written now may have been read until then.
void wr_ipsec_sad_compact(struct wr_ipsec_sad *d);

// What an arriving packet is, by its headers. `p` is a parsed packet of kind WR_PKT_PUNT. `ports`
// (host order, `n` of them) are UDP ports that carry ESP.
enum wr_ipsec_kind {
	WR_IPSEC_NOT, // neither ESP nor UDP of such a port; also IKE on that port (RFC 3948 2.2)
	WR_IPSEC_KEEPALIVE, // one byte 0xff in UDP: to be ignored (RFC 3948 2.3)
	WR_IPSEC_SHORT,     // ESP without room for its header: WR_DROP_ipsec_malformed
	WR_IPSEC_UNKNOWN,   // no association has the SPI, or it is not from and to its ends'
	                    // addresses
	WR_IPSEC_FOUND,     // *sa
};
enum wr_ipsec_kind wr_ipsec_peek(const struct wr_ipsec_sad *d, const struct wr_pkt *p,
	const uint16_t *ports, uint16_t n, struct wr_ipsec_sa **sa);

// --- one worker
// --------------------------------------------------------------------------------------

struct wr_ipsec;

struct wr_ipsec_config {
	struct wr_ipsec_device *device;
	uint16_t worker; // its queue pair
	uint16_t tunnel_count;
	const struct wr_ipsec_tunnel *tunnels; // [tunnel_count]; not owned
	const struct wr_prefix *const *to; // [tunnel_count][to_count[i]]: sources allowed inside
	const uint32_t *to_count;          // of what arrives
	struct rte_mempool *pool; // for packets on their way out; not owned, outlives ports; its
	                          // buffers have WR_MBUF_PRIV_SIZE and room for the largest
	                          // ESP packet
	struct rte_mempool *rx;   // for arrived packets that cannot be opened in place
	struct wr_stats *stats;
	int numa_node;
};

struct wr_ipsec *wr_ipsec_create(const struct wr_ipsec_config *cfg, struct wr_err *err);
void wr_ipsec_destroy(struct wr_ipsec *x);

// What a tunnel's packets are sent with from now on; NULL: nothing, they are dropped
// (WR_DROP_ipsec_no_association). Returns what it was. Owner only.
struct wr_ipsec_sa *wr_ipsec_set_out(struct wr_ipsec *x, uint16_t tunnel, struct wr_ipsec_sa *sa);

// Encrypt `n` (any) plain IP packets (data at the IP header; m->port: tunnel). They are not
// changed, only read and released: what they share with a send queue stays as it is. Writes ESP
// packets (data at the outer IP header, checksums done, DF set, m->port: tunnel) in their order to
// `out`, which has room for n, and returns how many. Each one that is not among them was counted
// by a drop reason. Offloads asked for inside (TCP and IP checksums) are done here.
uint16_t wr_ipsec_out(
	struct wr_ipsec *x, struct rte_mbuf **m, uint16_t n, struct rte_mbuf **out, wr_us_t now);

// Open `n` (at most WR_BURST) packets that wr_ipsec_peek() found associations of this worker for.
// Consumes p[i].m. Writes frames to `out` and returns how many: an Ethernet header (as it arrived,
// EtherType by the family inside, no VLAN tag) and the packet inside, m->port as it arrived, marked
// RTE_MBUF_F_RX_SEC_OFFLOAD. Payload stays where it was. What is not TCP from a source that the
// tunnel may carry is dropped (WR_DROP_ipsec_selector). Each one missing has a drop reason.
uint16_t wr_ipsec_in(struct wr_ipsec *x, const struct wr_pkt *p, struct wr_ipsec_sa *const *sa,
	uint16_t n, struct rte_mbuf **out, wr_us_t now);

struct wr_ipsec_gauges {
	uint32_t buffers_used, buffers_max; // of the pool
	uint32_t ops_most, ops_max; // crypto operations at the same time: most since the last
	                            // call, and how many the queue takes
};
void wr_ipsec_gauges(struct wr_ipsec *x, struct wr_ipsec_gauges *out); // owner
