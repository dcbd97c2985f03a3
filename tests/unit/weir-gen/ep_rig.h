/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "wr_test.h"

#include "ep.h"
#include "wr_parse.h"
#include "wr_rng.h"
#include "wr_tcp.h"

// Two endpoints on a virtual clock, each the generator's or the engine of lib/tcp, joined by a link
// that may lose, repeat and reorder, with applications that send and verify numbered streams. Side
// 0 connects, side 1 listens. The same seed is the same run.

#define RIG_APPS   64
#define RIG_FRAMES 8192
#define RIG_PORT   80

struct rig_app {
	uint32_t id;
	wr_handle_t conn;
	bool used, manual; // manual: the test closes it
	uint32_t to_send, given, got;
	bool fin_when_done, fin_on_eof, shut;
	wr_us_t read_from; // reads nothing before
	// what happened
	bool opened, eof, acked, over;
	uint32_t ends; // calls of ended()
	enum ep_end end;
};

struct rig_frame {
	struct rte_mbuf *m;
	wr_us_t at;
	int to;
};

struct rig_side {
	struct ep_stack *ep;      // or
	struct wr_tcp_stack *tcp; // the engine
	struct wr_stats stats;
	struct rig_app app[RIG_APPS];
	uint32_t frames; // that it sent
};

struct rig_kind {
	bool engine[2];
	bool v6, timestamps;
	uint32_t loss, dup, reorder; // permille
	wr_us_t time_wait_us;
	uint32_t window_bytes;
	uint64_t seed;
};

struct rig {
	struct rte_mempool *large, *small;
	uint32_t large_idle, small_idle;
	struct rig_kind kind;
	struct rig_side side[2];
	struct wr_rng rng;
	struct gen_now now;
	struct rig_frame frame[RIG_FRAMES]; // by time
	uint32_t frame_count, lost;
	wr_us_t delay_us;
	uint16_t room;
	bool cut; // the link loses everything
	// sees each segment before the link; false loses it
	bool (*tap)(struct rig *r, int from, const struct wr_pkt *p);
	void *tap_arg;
	uint32_t damaged;
};

struct rig *rig_start(const struct rig_kind *kind);
// Both stacks empty of connections, and every buffer back.
void rig_stop(struct rig *r);
// The same when connections may be left.
void rig_stop_any(struct rig *r);

struct wr_tuple rig_tuple(const struct rig *r, uint32_t id); // of side 0
struct wr_endpoint rig_server(const struct rig *r);
extern const struct ep_ops rig_ops;

void rig_listen(struct rig *r);
struct rig_app *rig_connect(struct rig *r, uint32_t id);
struct rig_app *rig_peer(struct rig *r, uint32_t id);
struct ep_conn *rig_conn(struct rig *r, int side, uint32_t id); // of the generator's
void rig_abort(struct rig *r, int side, uint32_t id);

void rig_flush(struct rig *r, int side);
void rig_turn(struct rig *r); // one event
void rig_run(struct rig *r, wr_us_t us);
void rig_set_time(struct rig *r, wr_us_t us);

uint8_t rig_byte(int side, uint32_t id, uint32_t at);

// A hand-made segment, given at once to the generator's side `to`.
struct rig_seg {
	struct wr_tuple t; // as the receiver sees it
	uint32_t seq, ack;
	uint8_t flags, opts, wscale;
	uint16_t window, mss;
	uint32_t ts_val, ts_ecr, len;
	int from; // whose stream the payload is of
	uint32_t offset, id;
};
void rig_inject(struct rig *r, int to, const struct rig_seg *seg);
