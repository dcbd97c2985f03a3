/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stddef.h>
#include <stdio.h>

#include <rte_ether.h>

#include "exact.h"
#include "wr_tcp.h"

// The input of a stateful target is a program: one byte an operation, its low half what, its high
// half where, then what the operation reads. Segments say where their numbers lie relative to what
// the connection expects at that moment, so that a mutation stays near the interesting places. A
// program that ends in the middle of an operation reads zeroes.

struct prog {
	const uint8_t *at;
	size_t left;
	uint32_t op; // of which number, for whoever reads a failure
};

static inline uint8_t prog_u8(struct prog *p)
{
	if (p->left == 0)
		return 0;
	p->left--;
	return *p->at++;
}

uint32_t prog_u32(struct prog *p);
uint32_t prog_len(struct prog *p); // payload length: the interesting ones
wr_us_t prog_time(struct prog *p); // a step of the clock: microseconds to minutes

// What the far end of a tuple remembers.
struct prog_peer {
	uint32_t iss;      // of its next SYN
	uint32_t syn_seq;  // of its last SYN
	uint32_t last_seq; // of its last segment
	uint32_t last_end;
	uint32_t last_ack;
	uint32_t ts_ecr; // last timestamp that we showed
	uint16_t window; // what it shows when it behaves
	uint8_t opts;    // WR_TCPOPT_* of its SYN
	uint8_t wscale;
	uint16_t mss;
};

// A segment as the stack under test will see it.
struct prog_seg {
	struct wr_tuple t;
	uint32_t seq, ack, len;
	uint32_t base; // sequence number of its stream's byte 0
	uint8_t flags, opts, wscale, sack_count;
	uint16_t window, mss;
	uint32_t ts_val, ts_ecr;
	struct wr_sack_block sack[WR_TCP_MAX_SACK];
	bool up; // which of the two streams
	struct exact_how how;
};

// A segment of the peer's without payload that says what is right: RCV.NXT, an ACK of everything,
// its window, timestamps if in force. `i` NULL: there is no connection.
void prog_seg_good(struct prog_seg *g, const struct prog_peer *p, const struct wr_tcp_info *i,
	const struct wr_tuple *t, uint8_t flags, wr_us_t now);
// One whose every field is read from the program.
void prog_seg_read(struct prog_seg *g, struct prog *in, const struct prog_peer *p,
	const struct wr_tcp_info *i, const struct wr_tuple *t, wr_us_t now);
// What the peer remembers of having sent it.
void prog_seg_sent(struct prog_peer *p, const struct prog_seg *g);

// Byte `at` of a stream; both ends know it.
uint8_t prog_byte(bool up, uint32_t at);
void prog_expect(bool up, uint32_t at, const uint8_t *data, uint32_t len);

// Build the packet (Ethernet in front when `src` is not NULL) in `buf`; *len is its length.
#define PROG_FRAME_MAX 8192
const uint8_t *prog_build(uint8_t buf[PROG_FRAME_MAX], const struct prog_seg *g,
	const struct rte_ether_addr *src, const struct rte_ether_addr *dst, uint32_t *len);

// Running counts against walks, and what the counters say of payload. `payload_in`: payload bytes
// that the stack was given, UINT64_MAX where nobody knows.
void prog_books(struct wr_tcp_stack *s, const struct wr_stats *st, uint64_t payload_in);

// The live connection of a tuple; false when there is none.
bool prog_find(struct wr_tcp_stack *s, const struct wr_tuple *t, struct wr_tcp_info *out);

// The right edge that a peer was shown is never taken back, but for what scaling hides.
struct prog_edge {
	bool known;
	uint32_t right;
};
void prog_edge(struct prog_edge *e, const struct wr_pkt *sent, const struct wr_tcp_info *i);

// WEIR_FUZZ_TRACE in the environment: print operations and segments.
extern bool prog_traced;
#define prog_trace(...)                                                                            \
	do {                                                                                       \
		if (prog_traced)                                                                   \
			fprintf(stderr, __VA_ARGS__);                                              \
	} while (0)
void prog_trace_pkt(wr_us_t now, char dir, const struct wr_pkt *k, const struct wr_tcp_info *i);

#define prog_fail(...) prog_die(__FILE__, __LINE__, __VA_ARGS__)
void prog_die(const char *file, int line, const char *fmt, ...)
	__attribute__((noreturn, format(printf, 3, 4)));
#define PROG_CHECK(cond)                                                                           \
	do {                                                                                       \
		if (!(cond))                                                                       \
			prog_fail("not true: %s", #cond);                                          \
	} while (0)
#define PROG_EQ(a, b)                                                                              \
	do {                                                                                       \
		uint64_t a_ = (uint64_t)(a), b_ = (uint64_t)(b);                                   \
		if (a_ != b_)                                                                      \
			prog_fail("%s = %llu, but %s = %llu", #a, (unsigned long long)a_, #b,      \
				(unsigned long long)b_);                                           \
	} while (0)
