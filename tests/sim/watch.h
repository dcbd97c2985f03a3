/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "wr_pkt.h"
#include "wr_tcp.h"

// Looks at every segment that leaves a stack and every one that reaches it, and judges the sender
// by what it had been told, without a look inside:
// - a window once shown is not withdrawn, but for one unit of scaling (RFC 7323 2.4);
// - no payload beyond the largest right edge that arrived;
// - no new payload while more is in the network than the congestion window allows;
// - while something is outstanding, something is sent within three time-outs.
// It keeps the last packets, to be printed when something is wrong.

#define WATCH_TABLE 8192 // connections ever seen in one run, at most half of it
#define WATCH_LAST  64   // packets kept for a failure

// What an engine says of its end of a connection.
struct watch_sight {
	struct wr_tcp_info info;
	uint64_t timeouts; // of the whole stack
};

struct watch_ops {
	void *arg;
	// Fills *out for the end whose own tuple is t; *cache is 0 at first and may hold a handle.
	// False: no such connection.
	bool (*sight)(
		void *arg, const struct wr_tuple *t, uint64_t *cache, struct watch_sight *out);
	// A short name for a station.
	const char *(*name)(void *arg, const struct wr_addr *a, uint16_t port);
	// Something is wrong; does not return.
	void (*wrong)(void *arg, const char *text) __attribute__((noreturn));
};

// One transmission of payload.
struct watch_sent {
	uint32_t seq, len;
	wr_us_t at;
	bool there; // acknowledged, selectively or not
};

// What one end sends, and what has reached it.
struct watch_dir {
	struct wr_tuple own; // as that end sees it
	uint64_t cache;
	bool syn, reset;      // sent
	bool gone;            // its engine knows it no more
	uint32_t iss, nxt;    // highest sent, plus one
	uint32_t una;         // highest acknowledgement of ours that arrived
	uint8_t wscale, opts; // of its SYN
	bool shift_known;
	uint8_t shift; // of the windows it shows
	bool edge_known, room_known;
	uint32_t edge; // highest right edge that it has shown
	uint32_t room; // highest right edge that reached it
	uint32_t syn_wnd, peer_syn_wnd;
	wr_us_t alive_at; // it sent something, or something reached it
	wr_us_t sent_at, gap_us;
	wr_us_t pending_at; // since when something has been outstanding, as far as was looked; or 0
	uint32_t dupacks, mss;
	uint64_t timeouts;
	uint32_t retrans;
	// transmissions that may be in the network: a ring
	struct watch_sent *log;
	uint32_t log_size, log_head, log_tail, log_lost;
	struct wr_sack_block block[2 * WR_TCP_MAX_SACK]; // last ones that arrived
	uint32_t blocks;
	wr_us_t newest; // when the newest one that is known to have arrived was sent
};

struct watch_conn {
	bool used;
	struct watch_dir dir[2]; // 0: the end that comes first in order
};

struct watch_line {
	wr_us_t at, arrives;
	const char *from, *to;
	uint16_t sport, dport, window;
	uint32_t seq, ack, len; // relative to both initial numbers
	uint8_t flags, opts, wscale, sack_count, kind, drop;
	uint16_t mss;
	bool arrival;
	uint32_t what;
	struct wr_sack_block sack[WR_TCP_MAX_SACK];
};

struct watch {
	struct watch_ops ops;
	bool trace; // print at once
	bool lower; // below a stack somebody may hold segments back: its own count of what it sent
	            // again is a sign of life as well
	bool hostile; // segments say what nobody meant: only what an end itself promised is judged
	wr_us_t looked_at;          // at progress
	wr_us_t start, blind_until; // no progress is asked for before
	uint64_t segments;
	uint32_t used[WATCH_TABLE / 2], used_count;
	struct watch_conn conn[WATCH_TABLE];
	struct watch_line line[WATCH_LAST];
	uint32_t lines;
};

// Forget everything; `w` is zeroed before the first time.
void watch_reset(struct watch *w, const struct watch_ops *ops, wr_us_t now);

// What happened to a segment, for the trace.
#define WATCH_F_LOST    0x01
#define WATCH_F_DUP     0x02
#define WATCH_F_LATE    0x04
#define WATCH_F_CORRUPT 0x08
#define WATCH_F_HOSTILE 0x10
#define WATCH_F_QUEUE   0x20

// A segment leaves its stack and arrives at `arrives` (WR_US_NEVER: it does not).
void watch_sent(
	struct watch *w, wr_us_t now, const struct wr_pkt *k, wr_us_t arrives, uint32_t what);
// A segment reaches the other stack, or the parser drops it.
void watch_arrives(struct watch *w, wr_us_t now, const struct wr_pkt *k, uint32_t what);
// Whether everybody who has something outstanding has done something about it; the clock is about
// to go on to `next`.
void watch_progress(struct watch *w, wr_us_t now, wr_us_t next);
// Nothing could be sent until now: time counts from here.
void watch_excuse(struct watch *w, wr_us_t now);

// trace.c
void watch_note(struct watch *w, wr_us_t now, const struct wr_pkt *k, wr_us_t arrives,
	uint32_t what, bool arrival, uint32_t seq_base, uint32_t ack_base);
void watch_print_last(const struct watch *w);
