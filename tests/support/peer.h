/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "pair.h"

// A hand-driven peer of one stack: the test says which segment arrives and sees every segment that
// leaves, on a virtual clock. Sequence numbers in calls are offsets from the two initial ones, so
// that a test reads the same at any start: the peer's first payload byte is number 1, and so is
// ours.

#define PEER_OUT 64

struct peer_variant {
	bool v6;
	uint32_t iss, irs; // ours, the peer's
	uint8_t opts;      // WR_TCPOPT_* of the peer's SYN
};

struct peer_out {
	struct wr_pkt k;
	uint32_t seq, ack; // as offsets
	uint8_t data[4096];
};

struct peer {
	struct pair p; // side 1 is the stack under test; side 0 stays idle
	struct wr_tcp_stack *s;
	struct wr_stats *st;
	struct wr_tuple t;
	struct peer_variant v;
	wr_handle_t conn;
	uint32_t iss, irs;
	uint16_t window, mss;
	uint8_t wscale;
	uint32_t ts_val, ts_ecr;
	bool no_ts;      // leave the option off although it was negotiated
	uint32_t events; // all since last cleared
	uint32_t n;      // segments that left since the last call that let time or segments in
	struct peer_out out[PEER_OUT];
	uint8_t sack_count;
	struct wr_sack_block sack[WR_TCP_MAX_SACK]; // offsets, put on the next segment only
};

// Every variant: start 0, 2^31 - 1 and just before the wrap, both families, with and without
// options.
extern const struct peer_variant peer_variants[];
extern const uint32_t peer_variant_count;

// A peer of a fresh stack that listens on pair_server(); cfg may be NULL.
struct peer *peer_start(const struct peer_variant *v, const struct wr_tcp_config *cfg);
void peer_stop(struct peer *r);

// SYN, SYN-ACK, ACK: r->conn is established afterwards.
void peer_open(struct peer *r);
void peer_syn(struct peer *r); // the SYN alone
// An active open of the stack under test up to the SYN; complete it with peer_syn_ack().
void peer_connect(struct peer *r, uint8_t opts);
void peer_syn_ack(struct peer *r);

// A segment arrives: flags, offsets, payload of the peer's stream (peer_byte) of len bytes.
void peer_seg(struct peer *r, uint8_t flags, uint32_t seq, uint32_t ack, uint32_t len);
void peer_seg_data(
	struct peer *r, uint8_t flags, uint32_t seq, uint32_t ack, const void *data, uint32_t len);
// A duplicate ACK, which reports [left, right) where SACK was negotiated.
void peer_dup(struct peer *r, uint32_t ack, uint32_t left, uint32_t right);
uint8_t peer_byte(uint32_t seq);

// Time passes, timers run, what is due leaves.
void peer_wait(struct peer *r, wr_us_t us);
void peer_flush(struct peer *r); // what is due leaves, now

// The application writes its next bytes; reads everything and compares with the peer's stream from
// offset `seq` on; returns the bytes read.
void peer_write(struct peer *r, uint32_t len, uint32_t chunk);
uint32_t peer_read(struct peer *r, uint32_t seq);

struct wr_tcp_conn *peer_conn(struct peer *r); // inside of the connection
enum wr_tcp_state peer_state(struct peer *r);
const struct wr_mq *peer_ooo(struct peer *r); // its out-of-order store

// The i-th segment that left has these flags, offsets and length.
#define peer_expect(r, i, f, s, a, l)                                                              \
	do {                                                                                       \
		assert_true((i) < (r)->n);                                                         \
		assert_int_equal((r)->out[i].k.flags & ~WR_TCP_PSH, (f));                          \
		assert_int_equal((r)->out[i].seq, (s));                                            \
		if ((f)&WR_TCP_ACK)                                                                \
			assert_int_equal((r)->out[i].ack, (a));                                    \
		assert_int_equal((r)->out[i].k.payload_len, (l));                                  \
	} while (0)

// Run `test` over all variants.
#define PEER_EACH(test)                                                                            \
	do {                                                                                       \
		for (uint32_t v_ = 0; v_ < peer_variant_count; v_++) {                             \
			struct peer *r_ = peer_start(&peer_variants[v_], NULL);                    \
			test(r_);                                                                  \
			peer_stop(r_);                                                             \
		}                                                                                  \
	} while (0)
