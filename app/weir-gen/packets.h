/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <rte_mbuf.h>
#include <rte_mempool.h>

#include "gen.h"
#include "wr_hist.h"
#include "wr_pkt.h"

// Stateless packets of one stream: templates with ranges, floods, mutated and random frames, replay
// of a file; and the judge of stamped packets that come back.
//
// Order of GEN_WALK_STEP: source address, source port, target address and target port turn like the
// wheels of an odometer, the source address fastest, so that a full turn has every combination
// once. Sizes and source MACs are no part of that: each goes to its next value with every packet.
// IMIX has a cycle of 12 frames. ICMP echo: the source port is the identifier, the sequence number
// counts, the target port has no meaning.
//
// Sizes: 0 stands for the smallest frame that carries the headers (and the stamp), at least 60; so
// does the small frame of IMIX. TCP frames of 60 bytes have no payload but padding; others are
// filled with payload.
//
// A replayed file keeps its MAC addresses where the stream gives none. Its own timing goes before a
// rate; between two rounds lies one mean gap. Frames below 60 bytes leave as they are in the file.

#define PACKETS_MOST 512 // frames that one packets_make() makes at most

struct gen_packets_stats {
	uint64_t sent, sent_bytes; // taken by the port
	uint64_t not_taken;        // offered again later: the port was full
	uint64_t no_buffers;       // times that the mempool was empty
	uint64_t behind;           // packets that the schedule was behind at most
	uint64_t behind_now;
	// stamped ones
	uint64_t returned;   // different ones, unharmed
	uint64_t lost;       // sent less returned: gaps that never filled, at the end
	uint64_t reordered;  // of `returned`: behind one of a higher number (RFC 4737 3.3)
	uint64_t duplicated; // further copies of a returned one
	uint64_t corrupted;  // checksum or payload wrong, or a number never sent; not in `returned`
	struct wr_hist *latency_ns; // from the intended time of sending
};

struct packets;

struct packets_env {
	uint8_t port_mac[6];
	uint8_t target_mac[6]; // next hop's, when the stream gives none
	struct rte_mempool *pool;
	uint16_t mtu;
	uint8_t stream; // index of the stream in the run: tells the stamps of streams apart
	uint64_t seed;
};

// Sentence on error: sizes that do not fit the MTU, a pcap file that cannot be read, ...
// `conf` must outlive the stream.
struct packets *packets_create(
	const struct gen_packets *conf, const struct packets_env *env, struct wr_err *err);
void packets_destroy(struct packets *p);
// The next hop's address, when it is known only after packets_create(). No effect on a stream that
// gives its own.
void packets_set_target_mac(struct packets *p, const uint8_t mac[6]);
// Begin the schedule at `now`; also again after packets_stop(), with a whole `count`.
void packets_start(struct packets *p, const struct gen_now *now);
// A new schedule of so many packets a second from `now` on, 0: as fast as the port takes them. What
// the old one was behind is forgotten (`behind` keeps it). It replaces the timing of a pcap file
// and holds for later starts too.
void packets_set_rate(struct packets *p, uint64_t pps, const struct gen_now *now);
// Make what is due, whole frames with right checksums and no offload requests, at most n and
// PACKETS_MOST. Then the caller sends m[0..made) and calls packets_sent() with the same m, which
// holds what the port took, m[0..taken), and what it did not, m[taken..made): those the stream
// keeps, by reference, and they come first in the next packets_make(). Between the two calls no
// other call on the stream but packets_judge().
uint16_t packets_make(
	struct packets *p, struct rte_mbuf **m, uint16_t n, const struct gen_now *now);
// `bytes_taken`: of the frames taken, without check sequences. To be called when made is not 0.
void packets_sent(struct packets *p, struct rte_mbuf **m, uint16_t made, uint16_t taken,
	uint64_t bytes_taken);
// Make no more; kept frames are freed unsent. Frames that return are judged on.
void packets_stop(struct packets *p);
bool packets_done(const struct packets *p); // count taken by the port, or file at its end; stopped
// When the next frame is due; 0: now, WR_US_NEVER: none to come.
wr_us_t packets_next(const struct packets *p);

// Look at a frame that arrived on any port: true when it carries a stamp of this stream (counted;
// the mbuf stays the caller's). Frames that the parser drops for a checksum or for flags count too.
bool packets_judge(struct packets *p, const struct wr_pkt *pkt, const struct gen_now *now);
const struct gen_packets_stats *packets_stats(struct packets *p);
// From zero; packets sent before do not count when they return.
void packets_reset_stats(struct packets *p);
