/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "script.h"
#include "wr_mbuf.h"
#include "wr_mempool.h"
#include "wr_seq.h"

// One run: a script in one variant against a fresh engine, on a virtual clock.

#define PK_OUT_MAX  1024 // segments that left and no line has taken yet
#define PK_RX       2047 // buffers of each pool
#define PK_SMALL    2047
#define PK_TOL_US   2000 // ticks of the timer wheel are 1,024 us
#define PK_ANY_US   (600 * WR_US_PER_S)
#define PK_TS_START 0xfffff000u // of the peer's timestamps: they wrap soon
#define PK_HANDLES  64
#define PK_HELD     4096
#define PK_OTHERS   32

struct pk_variant {
	bool v6, ts, sack;
	uint32_t start;
};

#define PK_VARIANTS 24
extern const uint32_t pk_starts[3];
struct pk_variant pk_variant(uint32_t i);
uint8_t pk_variant_mask(const struct pk_variant *v);
char *pk_variant_name(const struct pk_variant *v, char *buf, size_t len);
bool pk_variant_parse(const char *text, struct pk_variant *v);

// A segment that left.
struct pk_out {
	wr_us_t at;
	struct wr_pkt k;
	uint32_t seq, ack; // as offsets
	uint32_t edge_before, ack_before;
	char why[160]; // what is wrong with it in any case; empty: nothing
	char text[240];
};

// Bytes of the peer's stream that a read must find as `data=` sent them.
struct pk_other {
	uint32_t from, to;
	const char *name;
};

struct pk_pools {
	struct rte_mempool *rx, *small;
	uint32_t rx_idle, small_idle;
};

struct pk_run {
	const struct pk_script *sc;
	struct pk_variant v;
	const struct pk_pools *pools;
	struct wr_tcp_stack *s;
	struct wr_stats st;
	wr_us_t start, now;
	struct wr_tuple t; // as the engine sees it
	uint32_t iss, irs; // ours (of the engine), the peer's
	const struct pk_line *line;

	// the connection
	wr_handle_t conn;              // of the application, WR_HANDLE_NONE: none yet
	wr_handle_t known;             // last one seen for the tuple
	wr_handle_t owned[PK_HANDLES]; // all that were ever given to the application
	uint32_t owned_count;
	bool listening, deferred, reading;
	uint32_t events;
	uint32_t written; // bytes of our stream
	uint32_t read;    // offset of the byte that is read next
	uint64_t payload_in;
	struct pk_other other[PK_OTHERS];
	uint32_t other_count;

	// what both sides said on their SYN
	uint8_t peer_opts, our_opts; // WR_TCPOPT_*
	uint8_t peer_wscale, our_wscale;
	bool peer_syn, our_syn;
	uint32_t peer_mss, our_mss;

	// windows and timestamps, as an observer on the wire sees them
	uint32_t last_ack, edge;
	bool edge_known;
	uint32_t snd_max; // behind the highest number that left
	uint32_t acked;   // highest ACK that came in
	uint32_t ts_ours, ts_ours_first;
	bool ts_ours_known;
	wr_us_t ts_ours_at;
	uint32_t ts_low, ts_high; // what may be echoed
	bool ts_peer_known;
	wr_us_t ts_peer_at;

	// output
	uint16_t room;
	bool hold; // keep what leaves, as a TX ring would
	struct rte_mbuf *held[PK_HELD];
	uint32_t held_count;
	struct rte_mbuf *starved[PK_SMALL]; // small buffers that a script took away
	uint32_t starved_count;
	struct pk_out out[PK_OUT_MAX];
	uint32_t out_first, out_count;
	bool syn_waits; // the SYN of `connect`: the next line may take it

	// since the last such line
	uint64_t drop_mark[WR_DROP_COUNT], bytes_mark[WR_DROP_COUNT], ctr_mark[WR_CTR_COUNT];

	char *log; // the exchange so far
	size_t log_len, log_cap;
	bool trace;
	bool failed;
	char why[1200];
};

// Play a script in one variant. False: r->why says it.
bool pk_run(struct pk_run *r, const struct pk_script *sc, const struct pk_variant *v,
	const struct pk_pools *pools);
// The whole failure, for people.
void pk_run_report(const struct pk_run *r, FILE *to);

// The first reason counts. Returns false.
bool pk_fail(struct pk_run *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void pk_log(struct pk_run *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool pk_advance(struct pk_run *r, wr_us_t until, bool stop_at_segment);
void pk_flush(struct pk_run *r);
// A new connection of the tuple is numbered; true when there is one.
bool pk_find_conn(struct pk_run *r);
bool pk_live(struct pk_run *r); // whether the tuple has a connection
bool pk_info(struct pk_run *r, struct wr_tcp_info *info);
int64_t pk_value(const struct pk_run *r, const struct pk_expr *e);
uint32_t pk_send_mss(const struct pk_run *r);
uint8_t pk_peer_byte(uint32_t offset, const char *other);
uint8_t pk_our_byte(uint32_t offset);

// --- check.c: books -------------------------------------------------------------------------
bool pk_check_books(struct pk_run *r);
bool pk_check_end(struct pk_run *r); // everything ended: nothing is left

// --- frame.c: segments in -------------------------------------------------------------------
bool pk_inject(struct pk_run *r, const struct pk_packet *p);

// --- capture.c: segments out ----------------------------------------------------------------
void pk_capture(struct pk_run *r, struct rte_mbuf *m);
void pk_drop_first(struct pk_run *r); // of the segments that wait for a line
bool pk_expect_segment(struct pk_run *r, const struct pk_line *line);
void pk_describe_flags(uint8_t flags, char *buf);

// --- app.c, expect.c ------------------------------------------------------------------------
bool pk_app(struct pk_run *r, const struct pk_line *line);
bool pk_expect(struct pk_run *r, const struct pk_line *line);
bool pk_read_all(struct pk_run *r);

// --- inside.c: the one place that reaches into the engine ------------------------------------
void pk_force_iss(struct wr_tcp_stack *s, wr_handle_t conn, uint32_t iss);
