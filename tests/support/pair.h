/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tcp_priv.h"
#include "wr_parse.h"

// Two TCP stacks back to back on a virtual clock, joined by a link that may lose, repeat, delay and
// reorder, with applications that send and check numbered streams. The same seed is the same run.
// Side 0 connects, side 1 listens.

#define PAIR_SMALL  16383 // buffers of each pool
#define PAIR_RX     8191
#define PAIR_CONNS  64
#define PAIR_FRAMES 16384

// What the link does, each in permille of frames.
struct pair_link {
	uint32_t loss, dup, reorder;
	uint32_t delay_us, jitter_us;
	uint32_t share;   // frames handed over as they are (chains, shared buffers), not as a copy
	uint32_t split;   // of the copied ones: received into two segments
	uint32_t corrupt; // frames of which one byte changes on the way
	uint32_t held_us; // how much later a reordered frame arrives
	// From side 0 to side 1: a line of this rate behind a queue that drops at its tail. 0:
	// none.
	uint32_t rate_kbit;
	uint32_t queue_bytes;
};

// One application's view of its connection.
struct pair_app {
	wr_handle_t conn;
	bool used;
	uint32_t id;      // number of the connection, the same on both sides
	uint64_t to_send; // stream length
	uint64_t written;
	uint64_t got;
	uint32_t chunk; // most bytes in one buffer written
	bool whole;     // all buffers but the last have so many
	bool blank;     // nobody cares for the bytes: they are neither made nor compared
	uint32_t read_max;
	wr_us_t read_from;              // no reading before this time
	bool echo;                      // send back what was read, zero copy
	bool fin_when_done, fin_on_eof; // shut down after the last byte; after the peer's FIN
	bool shut, eof, connected;
	bool closed;     // EV_CLOSED came
	bool manual;     // the test reads and writes
	uint32_t events; // all ever seen
	enum wr_tcp_end end;
};

struct pair_frame {
	struct rte_mbuf *m;
	wr_us_t at;
	uint64_t order;
	int to;
	bool corrupt;
};

struct pair;

// What happened to a frame.
#define PAIR_F_LOST    0x01
#define PAIR_F_DUP     0x02
#define PAIR_F_LATE    0x04 // behind frames that were sent after it
#define PAIR_F_CORRUPT 0x08
#define PAIR_F_HOSTILE 0x10 // changed so that no checksum tells
#define PAIR_F_QUEUE   0x20 // lost at the tail of the queue

// Whoever looks on; all may be NULL.
struct pair_watch {
	void *arg;
	// A frame leaves its stack and will arrive at `at`.
	void (*sent)(void *arg, int from, const struct wr_pkt *k, wr_us_t at, uint32_t what);
	// A frame is about to be given to its stack; or was dropped by the parser (kind).
	void (*arrives)(void *arg, int to, const struct wr_pkt *k, uint32_t what);
	void (*failed)(void *arg); // something is wrong; the program ends when this returns
};
// Sees each frame before the link; false loses it.
typedef bool (*pair_tap)(struct pair *p, int from, const struct wr_pkt *pkt, void *arg);

struct pair {
	struct rte_mempool *rx, *small;
	uint32_t rx_idle, small_idle; // buffers free before anything ran
	struct wr_tcp_stack *s[2];
	struct wr_stats stats[2];
	uint64_t payload_in[2]; // payload bytes given to the stacks
	struct pair_link link;
	struct wr_rng rng;
	wr_us_t now;
	uint64_t order;
	struct pair_frame *frames; // a heap
	uint32_t frame_count;
	struct pair_app app[2][PAIR_CONNS];
	uint32_t apps; // how many of each side were ever used
	pair_tap tap;
	void *tap_arg;
	struct pair_watch watch;
	bool v6;
	bool iss_forced;
	uint32_t iss[2], forced;
	uint16_t next_port;
	uint32_t room;    // tx slots per output call
	uint32_t hostile; // permille of segments changed on the way; streams are not compared then
	bool retry;       // an application could not write for want of buffers
	uint32_t turns;
	bool check; // verify books after each turn
	uint64_t lost, delivered;
	uint64_t no_buffer;       // lost because the receiver had no buffer
	uint64_t damaged;         // dropped by the parser, with a reason
	uint64_t line_free_ns[2]; // when the line from each side is through with what it has
};

// Pools are shared by all pairs of a program, made at first use.
void pair_pools(struct pair *p);
// The same with other sizes; before any other call.
void pair_pools_sized(struct pair *p, uint32_t rx, uint32_t small);

// Defaults of a small stack; change, then pair_start().
struct wr_tcp_config pair_config(void);
void pair_start(struct pair *p, const struct wr_tcp_config *a, const struct wr_tcp_config *b,
	uint64_t seed, bool v6);
// Ends both stacks and checks that every buffer came home.
void pair_stop(struct pair *p);

struct wr_endpoint pair_server(const struct pair *p);
void pair_listen(struct pair *p, const struct wr_tcp_listen_opts *opts);
// Active open from side 0; the server's application is filled in when it accepts.
struct pair_app *pair_connect(struct pair *p, const struct wr_tcp_connect_opts *opts);
struct pair_app *pair_peer(struct pair *p, const struct pair_app *a);

// When the next thing happens; WR_US_NEVER: nothing will.
wr_us_t pair_next(struct pair *p);
// One event: clock to the next arrival or timer, then a turn of both sides. False: nothing left.
bool pair_turn(struct pair *p);
void pair_flush(struct pair *p, int side); // output and onto the link, now
// Turns until `us` later, or until nothing happens.
void pair_run(struct pair *p, wr_us_t us);
// Turns until no frame is under way.
void pair_settle(struct pair *p);

// A frame onto the link; the frame that arrives next, off it.
void pair_transmit(struct pair *p, int from, struct rte_mbuf *m);
struct pair_frame pair_pop_frame(struct pair *p);

// Change what a received segment says, as an attacker on the path could.
void pair_mutate(struct pair *p, struct wr_pkt *k);

// Books: running counts against walks, and the ledgers. Aborts with a sentence when wrong.
void pair_check(struct pair *p, int side);

uint8_t pair_byte(int side, uint32_t id, uint64_t at);
// Write `len` bytes of the stream as one or more buffers.
void pair_write(struct pair *p, int side, struct pair_app *a, uint32_t len);
// Read and compare; returns bytes.
uint32_t pair_read(struct pair *p, int side, struct pair_app *a, uint32_t max);

// A hand-made segment to side `to`, delivered at once and alone.
struct pair_seg {
	struct wr_tuple t; // as the receiver sees it
	uint32_t seq, ack;
	uint8_t flags, opts, wscale, sack_count;
	uint16_t window, mss;
	uint32_t ts_val, ts_ecr;
	struct wr_sack_block sack[WR_TCP_MAX_SACK];
	const void *data;
	uint32_t len;
};
void pair_inject(struct pair *p, int to, const struct pair_seg *seg);

#define pair_fail(p, ...) pair_die((p), __FILE__, __LINE__, __VA_ARGS__)
void pair_die(struct pair *p, const char *file, int line, const char *fmt, ...)
	__attribute__((noreturn, format(printf, 4, 5)));
#define PAIR_CHECK(p, cond)                                                                        \
	do {                                                                                       \
		if (!(cond))                                                                       \
			pair_fail((p), "not true: %s", #cond);                                     \
	} while (0)
#define PAIR_EQ(p, a, b)                                                                           \
	do {                                                                                       \
		uint64_t a_ = (uint64_t)(a), b_ = (uint64_t)(b);                                   \
		if (a_ != b_)                                                                      \
			pair_fail((p), "%s = %llu, but %s = %llu", #a, (unsigned long long)a_, #b, \
				(unsigned long long)b_);                                           \
	} while (0)
