/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <assert.h>

#include <rte_branch_prediction.h>
#include <rte_common.h>

#include "conn.h"
#include "flow.h"
#include "wr_hash.h"
#include "wr_limits.h"
#include "wr_rng.h"
#include "wr_seq.h"
#include "wr_tcp.h"
#include "wr_wheel.h"

// Inside of the engine: the stack, and what the files offer one another.

struct wr_tcp_listener {
	struct wr_endpoint local;
	struct wr_tcp_listen_opts opts;
	enum wr_tcp_admit admit;
	uint16_t next; // in its hash chain or the free list; WR_TCP_NO_LISTENER ends
	bool used;
};

#define WR_TCP_NO_LISTENER       UINT16_MAX
#define WR_TCP_LISTENER_BUCKETS  1024u
#define WR_TCP_LISTENER_CAPACITY WR_MAX_LISTENERS

// A connection whose ACK may wait for data to carry it, until then.
struct wr_tcp_late_ack {
	wr_handle_t conn;
	uint32_t at_us; // low half
};

struct wr_tcp_ack_ring {
	struct wr_tcp_late_ack *slot; // NULL: ACKs are never delayed
	uint32_t mask, head, count;
};

struct wr_tcp_stack {
	struct wr_tcp_config cfg;
	struct wr_stats *stats;
	struct rte_mempool *small;
	struct wr_pool conns;
	struct wr_pool disorders;
	struct wr_tcp_flow flow;
	struct wr_tcp_list dirty;
	struct wr_tcp_list ready;
	struct wr_tcp_list aged; // TIME-WAIT without an owner, oldest first
	struct wr_tcp_ack_ring late_acks;

	// running counts, exact at any time
	uint32_t held_rx;    // RX buffers in queues or read and not yet given back
	uint32_t held_small; // small buffers likewise
	uint32_t ooo_count;
	uint32_t half_open, half_open_max;
	uint32_t time_wait;
	uint64_t promised_bytes;
	uint64_t promised_segs;
	uint64_t stale_promise_bytes;
	uint64_t recv_queue_bytes;
	uint64_t ooo_bytes;
	uint64_t send_queue_bytes;

	uint32_t level;      // pressure
	uint32_t overcommit; // k
	uint32_t inv_mss;    // an MSS, and
	uint32_t inv;        // 2^32 divided by it
	wr_us_t cookie_at;   // when the last SYN cookie was sent
	bool cookies_out;    // any was
	uint32_t share;      // buffers a connection may hold before level 2 stops its window

	struct rte_mbuf *answers[WR_TCP_ANSWERS]; // stateless answers, a ring
	uint32_t answer_head;
	uint32_t answer_count;
	int64_t reset_ns;      // when the next reset to no connection is due
	int64_t reset_step_ns; // between two of them; 0: no limit
	int64_t reset_ahead_ns;
	uint32_t promise_at; // where the walk of promises is
	uint32_t evict_at;   // and where the next look at disorders begins

	struct wr_tcp_listener *listeners;
	uint16_t listener_free;
	uint16_t listener_bucket[WR_TCP_LISTENER_BUCKETS];

	struct wr_rng rng;
	struct wr_wheel wheel;
};

// One received segment on its way through the steps.
struct wr_tcp_seg {
	struct wr_pkt *p; // p->m goes NULL when its buffers were kept
	uint32_t seq;     // of the first payload byte that is left
	uint32_t ack;
	uint32_t len; // payload bytes that are left
	uint32_t off; // where they start in the frame
	uint8_t flags;
};

// RTE_MIN and RTE_MAX shadow their own locals when nested.
static inline uint32_t min32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static inline uint32_t max32(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

static inline uint64_t min64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t max64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static inline void wr_tcp_count(struct wr_tcp_stack *s, enum wr_counter c, uint64_t n)
{
	wr_stats_add(s->stats, c, n);
}

static inline struct wr_tcp_conn *wr_tcp_conn_at(struct wr_tcp_stack *s, wr_handle_t h)
{
	return wr_pool_lookup(&s->conns, h);
}

// Live connection that the application owns.
static inline struct wr_tcp_conn *wr_tcp_conn_owned(struct wr_tcp_stack *s, wr_handle_t h)
{
	struct wr_tcp_conn *c = wr_pool_lookup(&s->conns, h);

	return c != NULL && (c->flags & F_OWNED) ? c : NULL;
}

static inline uint32_t wr_tcp_flight(const struct wr_tcp_conn *c)
{
	return c->snd_nxt - c->snd_una;
}

// First payload byte that is not acknowledged; the SYN's number is not payload.
static inline uint32_t wr_tcp_unacked_seq(const struct wr_tcp_conn *c)
{
	return c->flags & F_SYNCED ? c->snd_una : c->iss + 1;
}

// Payload written and not acknowledged.
static inline uint32_t wr_tcp_unacked_payload(const struct wr_tcp_conn *c)
{
	uint32_t first = wr_tcp_unacked_seq(c);

	return wr_seq_gt(c->snd_end, first) ? c->snd_end - first : 0;
}

// What the send queue counts for against its limit: an entry costs more than its payload, so that
// single bytes do not take buffers without end.
static inline uint32_t wr_tcp_send_charge(const struct wr_tcp_conn *c)
{
	return max32(wr_tcp_unacked_payload(c), c->sndq.count * WR_TCP_TRUESIZE);
}

static inline bool wr_tcp_fin_acked(const struct wr_tcp_conn *c)
{
	return (c->flags & F_FIN_SENT) && c->snd_una == c->snd_end + 1;
}

// States in which payload may be sent.
static inline bool wr_tcp_can_send(const struct wr_tcp_conn *c)
{
	return ((1u << c->state) & (1u << WR_TCP_ST_ESTABLISHED | 1u << WR_TCP_ST_CLOSE_WAIT |
					   1u << WR_TCP_ST_FIN_WAIT_1 | 1u << WR_TCP_ST_CLOSING |
					   1u << WR_TCP_ST_LAST_ACK)) != 0;
}

// States in which the peer may still send payload.
static inline bool wr_tcp_can_receive(const struct wr_tcp_conn *c)
{
	return ((1u << c->state) & (1u << WR_TCP_ST_ESTABLISHED | 1u << WR_TCP_ST_FIN_WAIT_1 |
					   1u << WR_TCP_ST_FIN_WAIT_2)) != 0;
}

// Timestamp clock of a connection: milliseconds (RFC 7323 5.4), offset per connection.
static inline uint32_t wr_tcp_ts_now(const struct wr_tcp_conn *c, wr_us_t now)
{
	return (uint32_t)(now / WR_US_PER_MS) + c->ts_offset;
}

// Ticks of 1.024 ms, for times of which only the distance is wanted.
static inline uint32_t wr_tcp_tick(wr_us_t now)
{
	return (uint32_t)(now >> WR_WHEEL_TICK_SHIFT);
}

// For rtx_since: never 0.
static inline uint16_t wr_tcp_since(wr_us_t now)
{
	uint16_t t = (uint16_t)(now >> WR_TCP_SINCE_SHIFT);

	return t != 0 ? t : 1;
}

// Payload in order; the sequence numbers tell it modulo 2^32.
static inline uint64_t wr_tcp_bytes_in(const struct wr_tcp_conn *c)
{
	uint64_t n = ((uint64_t)c->in_wraps << 32) + (uint32_t)(c->rcv_nxt - c->irs - 1);

	return c->rcv_nxt == c->irs ? 0 : n - !!(c->flags & F_FIN_RCVD);
}

// Payload acknowledged.
static inline uint64_t wr_tcp_bytes_out(const struct wr_tcp_conn *c)
{
	uint64_t n = ((uint64_t)c->out_wraps << 32) + (uint32_t)(c->snd_una - c->iss - 1);

	return c->flags & F_SYNCED ? n - wr_tcp_fin_acked(c) : 0;
}

static inline const struct wr_tcp_cc_ops *wr_tcp_cc(const struct wr_tcp_conn *c)
{
	return c->cc == WR_TCP_NEWRENO ? &wr_tcp_cc_newreno : &wr_tcp_cc_cubic;
}

static inline struct wr_tcp_disorder *wr_tcp_disorder_of(
	struct wr_tcp_stack *s, const struct wr_tcp_conn *c)
{
	if (likely(c->disorder == WR_HANDLE_NONE))
		return NULL;
	return wr_pool_at(&s->disorders, wr_handle_index(c->disorder));
}

// Payload in the network (RFC 6675 4): sent, not delivered, not deemed lost.
static inline uint32_t wr_tcp_pipe(const struct wr_tcp_conn *c)
{
	uint32_t out = wr_seq_min(c->snd_nxt, c->snd_end) - c->snd_una;
	uint32_t gone = c->sacked_bytes + c->lost_bytes;

	if ((int32_t)out < 0) // only the FIN is left
		return 0;
	return out > gone ? out - gone : 0;
}

struct wr_tcp_hdr;

// --- conn.c: life of a connection -----------------------------------------------------------
struct wr_tcp_conn *wr_tcp_conn_lookup(
	struct wr_tcp_stack *s, uint64_t hash, const struct wr_tuple *t);
struct wr_tcp_conn *wr_tcp_conn_create(
	struct wr_tcp_stack *s, const struct wr_tuple *t, uint32_t reserve, enum wr_drop *why);
void wr_tcp_conn_free(struct wr_tcp_stack *s, struct wr_tcp_conn *c);
void wr_tcp_conn_set_state(struct wr_tcp_stack *s, struct wr_tcp_conn *c, enum wr_tcp_state st);
// The connection is over: out of the table, timers off, send side dropped, EV_CLOSED; freed when
// nobody owns it.
void wr_tcp_conn_over(struct wr_tcp_stack *s, struct wr_tcp_conn *c, enum wr_tcp_end end);
void wr_tcp_conn_time_wait(struct wr_tcp_stack *s, struct wr_tcp_conn *c, wr_us_t now);
void wr_tcp_conn_event(struct wr_tcp_stack *s, struct wr_tcp_conn *c, uint32_t events);
void wr_tcp_conn_dirty(struct wr_tcp_stack *s, struct wr_tcp_conn *c);
void wr_tcp_conn_disown(struct wr_tcp_stack *s, struct wr_tcp_conn *c);
void wr_tcp_conn_limits(struct wr_tcp_stack *s, struct wr_tcp_conn *c, uint16_t mss,
	uint32_t rcv_buf, uint32_t snd_buf);
void wr_tcp_conn_keys(struct wr_tcp_stack *s, struct wr_tcp_conn *c, wr_us_t now);
// Number the send side from `iss`; nothing was sent yet.
void wr_tcp_conn_iss(struct wr_tcp_conn *c, uint32_t iss);
// The MSS to show and the window scale, from a listener's options.
uint16_t wr_tcp_conn_mss(const struct wr_tuple *t, uint16_t mss);
uint8_t wr_tcp_conn_wscale(const struct wr_tcp_stack *s, uint32_t rcv_buf);
// The timestamp clock of a tuple, whatever connection uses it.
uint32_t wr_tcp_ts_clock(const struct wr_tcp_stack *s, const struct wr_tuple *t, wr_us_t now);
// Make the ISS larger than what an earlier incarnation sent.
void wr_tcp_conn_iss_above(struct wr_tcp_stack *s, struct wr_tcp_conn *c, uint32_t last);

// --- payload.c: buffers ---------------------------------------------------------------------
// Take `len` bytes at `off` of the chain *m as queue entries to *out. With `keep`, buffers are
// stolen where that is allowed and *m goes NULL; without, bytes are copied. False: no small buffer,
// nothing changed.
bool wr_tcp_payload_take(struct wr_tcp_stack *s, struct rte_mbuf **m, uint32_t off, uint32_t len,
	bool keep, struct wr_mq *out);
// Whether `len` bytes of m are copied rather than kept, at pressure level 2 and above; counts them.
bool wr_tcp_payload_compacts(struct wr_tcp_stack *s, const struct rte_mbuf *m, uint32_t len);
// Append `len` bytes at `off` to the private copy `tail`; false when it has no room for them.
bool wr_tcp_payload_append(struct wr_tcp_stack *s, struct rte_mbuf *tail, const struct rte_mbuf *m,
	uint32_t off, uint32_t len);
void wr_tcp_payload_copy(void *to, const struct rte_mbuf *m, uint32_t off, uint32_t len);
void wr_tcp_buf_free(struct wr_tcp_stack *s, struct rte_mbuf *m);
uint64_t wr_tcp_mq_free(struct wr_tcp_stack *s, struct wr_mq *q);

// --- input*.c -------------------------------------------------------------------------------
enum wr_drop wr_tcp_input_synchronised(
	struct wr_tcp_stack *s, struct wr_tcp_conn *c, struct wr_tcp_seg *g, wr_us_t now);
enum wr_drop wr_tcp_input_syn_sent(
	struct wr_tcp_stack *s, struct wr_tcp_conn *c, struct wr_tcp_seg *g, wr_us_t now);
// `old`: the connection in TIME-WAIT that the new one replaces once it is let in, or NULL.
enum wr_drop wr_tcp_input_listen(
	struct wr_tcp_stack *s, struct wr_tcp_seg *g, struct wr_tcp_conn *old, wr_us_t now);
enum wr_drop wr_tcp_input_deferred(
	struct wr_tcp_stack *s, struct wr_tcp_conn *c, struct wr_tcp_seg *g, wr_us_t now);
enum wr_drop wr_tcp_input_time_wait(
	struct wr_tcp_stack *s, struct wr_tcp_conn *c, struct wr_tcp_seg *g, wr_us_t now);
enum wr_drop wr_tcp_input_payload(
	struct wr_tcp_stack *s, struct wr_tcp_conn *c, struct wr_tcp_seg *g, wr_us_t now);
void wr_tcp_learn_syn(
	struct wr_tcp_conn *c, const struct wr_tcp_seg *g, uint8_t offered, wr_us_t now);
// Answer a SYN without keeping anything; take the ACK of such an answer (false: it is none).
enum wr_drop wr_tcp_cookie_answer(struct wr_tcp_stack *s, const struct wr_tcp_listener *l,
	const struct wr_tcp_seg *g, wr_us_t now);
bool wr_tcp_cookie_input(
	struct wr_tcp_stack *s, struct wr_tcp_seg *g, wr_us_t now, enum wr_drop *verdict);
void wr_tcp_conn_established(
	struct wr_tcp_stack *s, struct wr_tcp_conn *c, const struct wr_tcp_seg *g, wr_us_t now);
void wr_tcp_ts_update(struct wr_tcp_conn *c, const struct wr_tcp_seg *g, wr_us_t now);
// A challenge or re-ACK of an empty segment, within the connection's rate.
void wr_tcp_challenge(struct wr_tcp_stack *s, struct wr_tcp_conn *c, wr_us_t now);
void wr_tcp_ack_now(struct wr_tcp_stack *s, struct wr_tcp_conn *c);

// ack_delay.c
int wr_tcp_ack_delay_init(struct wr_tcp_stack *s); // 0, or -1: no memory
void wr_tcp_ack_delay_fini(struct wr_tcp_stack *s);
// In-order payload of `bytes` was taken: its ACK goes out now or when its delay is over.
void wr_tcp_ack_in_order(
	struct wr_tcp_stack *s, struct wr_tcp_conn *c, uint32_t bytes, wr_us_t now);
// Payload of ours leaves, and the ACK with it.
void wr_tcp_ack_carried(struct wr_tcp_stack *s, struct wr_tcp_conn *c, wr_us_t now);
uint32_t wr_tcp_ack_delay_poll(struct wr_tcp_stack *s, uint32_t budget, wr_us_t now);
wr_us_t wr_tcp_ack_delay_next(const struct wr_tcp_stack *s, wr_us_t now);

// --- listen.c -------------------------------------------------------------------------------
int wr_tcp_listeners_init(struct wr_tcp_stack *s);
struct wr_tcp_listener *wr_tcp_listener_lookup(
	struct wr_tcp_stack *s, const struct wr_addr *addr, uint16_t port);

// --- reasm.c --------------------------------------------------------------------------------
// Accept the payload of a segment inside the window.
void wr_tcp_reasm(struct wr_tcp_stack *s, struct wr_tcp_conn *c, struct wr_tcp_seg *g, wr_us_t now);
uint64_t wr_tcp_reasm_purge(struct wr_tcp_stack *s, struct wr_tcp_conn *c);

// --- ack.c, sack.c, rtt.c -------------------------------------------------------------------
// What one ACK tells.
struct wr_tcp_acked {
	uint32_t bytes;     // payload newly acknowledged
	uint32_t delivered; // payload newly known to have arrived, SACKed bytes included
	uint32_t lost;      // payload newly deemed lost
	uint32_t rtt_us;    // 0: no sample
	bool advanced;      // SND.UNA moved
	bool sacked;        // payload was newly SACKed
	bool dup;           // RFC 5681 2
	bool had_fack;      // something above SND.UNA was SACKed before, up to `fack`
	uint32_t fack;
	bool dsack; // reports a duplicate (RFC 2883)
	struct wr_sack_block dsack_block;
};
void wr_tcp_ack(
	struct wr_tcp_stack *s, struct wr_tcp_conn *c, const struct wr_tcp_seg *g, wr_us_t now);
void wr_tcp_sack_mark(struct wr_tcp_stack *s, struct wr_tcp_conn *c, const struct wr_tcp_seg *g,
	struct wr_tcp_acked *a, wr_us_t now);
void wr_tcp_sack_note(struct wr_tcp_disorder *d, uint32_t left, uint32_t right);
void wr_tcp_sack_advance(struct wr_tcp_disorder *d, uint32_t rcv_nxt);
void wr_tcp_sack_cut(struct wr_tcp_disorder *d, uint32_t from);
// [left, right) arrived once more (RFC 2883).
void wr_tcp_sack_duplicate(
	struct wr_tcp_stack *s, struct wr_tcp_conn *c, uint32_t left, uint32_t right);
void wr_tcp_rtt_sample(const struct wr_tcp_stack *s, struct wr_tcp_conn *c, uint32_t rtt_us);
void wr_tcp_rto_set(const struct wr_tcp_stack *s, struct wr_tcp_conn *c);
void wr_tcp_rto_back_off(const struct wr_tcp_stack *s, struct wr_tcp_conn *c);

// --- disorder.c, inflight.c -----------------------------------------------------------------
// The connection's disorder, taken from the pool if it has none; of a crowded pool, from one that
// waits in vain. NULL: the pool is empty.
struct wr_tcp_disorder *wr_tcp_disorder_need(struct wr_tcp_stack *s, struct wr_tcp_conn *c);
// Give it back if all is in order again, or in any case.
void wr_tcp_disorder_done(struct wr_tcp_stack *s, struct wr_tcp_conn *c);
void wr_tcp_disorder_free(struct wr_tcp_stack *s, struct wr_tcp_conn *c);
// The ring of entries in flight, by time of sending.
void wr_tcp_inflight_sent(struct wr_tcp_disorder *d, struct rte_mbuf *m);
void wr_tcp_inflight_gone(struct wr_tcp_disorder *d, struct rte_mbuf *m);
void wr_tcp_inflight_build(struct wr_tcp_conn *c, struct wr_tcp_disorder *d);
// Bytes of an entry that were sent and are not acknowledged.
uint32_t wr_tcp_inflight_bytes(const struct wr_tcp_conn *c, const struct rte_mbuf *m);
// An entry is deemed lost; returns its bytes.
uint32_t wr_tcp_inflight_lost(struct wr_tcp_conn *c, struct wr_tcp_disorder *d, struct rte_mbuf *m);
// It is not, or not any more.
void wr_tcp_inflight_not_lost(struct wr_tcp_conn *c, struct rte_mbuf *m);
void wr_tcp_inflight_all_lost(struct wr_tcp_conn *c, struct wr_tcp_disorder *d);
void wr_tcp_inflight_none_lost(struct wr_tcp_conn *c, struct wr_tcp_disorder *d);
// The lost entry to send next, with rtx_nxt inside of it; NULL: none.
struct rte_mbuf *wr_tcp_inflight_next_lost(struct wr_tcp_conn *c);

// --- rack.c, tlp.c, recovery.c --------------------------------------------------------------
void wr_tcp_rack_delivered(struct wr_tcp_conn *c, struct wr_tcp_disorder *d, struct rte_mbuf *m,
	const struct wr_pkt *p, const struct wr_tcp_acked *a, wr_us_t now);
// Mark what is lost; returns its bytes. *again is when to look again, or WR_US_NEVER.
uint32_t wr_tcp_rack_detect(
	struct wr_tcp_conn *c, struct wr_tcp_disorder *d, wr_us_t now, wr_us_t *again);
void wr_tcp_rack_dsack(struct wr_tcp_conn *c, struct wr_tcp_disorder *d);
bool wr_tcp_tlp_wanted(const struct wr_tcp_conn *c);
wr_us_t wr_tcp_tlp_timeout(const struct wr_tcp_conn *c);
void wr_tcp_tlp_acked(struct wr_tcp_stack *s, struct wr_tcp_conn *c, const struct wr_tcp_acked *a,
	uint32_t ack, wr_us_t now);
void wr_tcp_recovery_acked(struct wr_tcp_stack *s, struct wr_tcp_conn *c,
	const struct wr_tcp_seg *g, struct wr_tcp_acked *a, wr_us_t now);
void wr_tcp_recovery_reordering(struct wr_tcp_stack *s, struct wr_tcp_conn *c, wr_us_t now);
void wr_tcp_recovery_timeout(struct wr_tcp_stack *s, struct wr_tcp_conn *c, wr_us_t now);
// `bytes` from `seq` on were sent in recovery, `again` or for the first time.
void wr_tcp_recovery_sent(struct wr_tcp_stack *s, struct wr_tcp_conn *c, uint32_t seq,
	uint32_t bytes, bool again, wr_us_t now);

// --- sendq.c --------------------------------------------------------------------------------
void wr_tcp_sendq_append(struct wr_tcp_stack *s, struct wr_tcp_conn *c, struct wr_mq *in);
// What an ACK tells of the round-trip time.
struct wr_tcp_sample {
	uint32_t rtt_us; // of the newest whole entry covered; 0: none, or something was sent twice
	wr_us_t resent_us; // when what was sent twice was sent last; 0: nothing was
	bool fin_only;     // only the FIN was acknowledged
};
// Free what the segment's ACK covers; SND.UNA is the caller's to move. Adds to a->bytes and
// a->delivered.
void wr_tcp_sendq_acked(struct wr_tcp_stack *s, struct wr_tcp_conn *c, const struct wr_tcp_seg *g,
	wr_us_t now, struct wr_tcp_acked *a, struct wr_tcp_sample *sample);
uint64_t wr_tcp_sendq_purge(struct wr_tcp_stack *s, struct wr_tcp_conn *c);

// --- window.c -------------------------------------------------------------------------------
void wr_tcp_window_open(struct wr_tcp_stack *s, struct wr_tcp_conn *c);
uint16_t wr_tcp_window_advertise(struct wr_tcp_stack *s, struct wr_tcp_conn *c);
bool wr_tcp_window_worth_update(struct wr_tcp_stack *s, const struct wr_tcp_conn *c);
void wr_tcp_window_promise(struct wr_tcp_stack *s, struct wr_tcp_conn *c);
void wr_tcp_window_stale(struct wr_tcp_stack *s, struct wr_tcp_conn *c);
// The application has read `bytes`: grow the buffer when that is what holds the peer back.
void wr_tcp_window_tune(struct wr_tcp_stack *s, struct wr_tcp_conn *c, uint32_t bytes, wr_us_t now);
// Likewise the send queue's limit, when cwnd has outgrown it.
void wr_tcp_window_tune_send(const struct wr_tcp_stack *s, struct wr_tcp_conn *c);
// Whether `bufs` more RX buffers may be held; `at_edge` for the segment at RCV.NXT.
bool wr_tcp_credit(const struct wr_tcp_stack *s, uint32_t bufs, bool at_edge);

// --- segment.c, reset.c ---------------------------------------------------------------------
enum wr_tcp_sent {
	WR_TCP_SENT,
	WR_TCP_NO_ROOM, // tx is full
	WR_TCP_NO_MBUF,
};
// What to send: [seq, seq + len) starting inside queue entry `cur`.
struct wr_tcp_out {
	uint32_t seq;
	uint32_t len; // wanted; less when the chain got too long
	uint8_t flags;
	bool again; // a retransmission
	struct rte_mbuf *cur;
};
// Build and emit one segment with payload or FIN; advances o->seq, o->len, o->cur past it.
enum wr_tcp_sent wr_tcp_segment_data(struct wr_tcp_stack *s, struct wr_tcp_conn *c,
	struct wr_tcp_tx *tx, struct wr_tcp_out *o, wr_us_t now);
// A segment without payload: ACK, SYN, probe (at `seq`).
enum wr_tcp_sent wr_tcp_segment_bare(struct wr_tcp_stack *s, struct wr_tcp_conn *c,
	struct wr_tcp_tx *tx, uint32_t seq, uint8_t flags, wr_us_t now);
// A segment of no connection, sent first by the next output. False: as many wait as may (`most`),
// or no buffer.
bool wr_tcp_answer(
	struct wr_tcp_stack *s, const struct wr_tcp_hdr *h, uint32_t path, uint32_t most);
// Why the last answer was not taken.
enum wr_drop wr_tcp_answer_lost(const struct wr_tcp_stack *s);
// Stateless reset for a segment of no connection (RFC 9293 3.10.7.1), within their rate. False: it
// is withheld.
bool wr_tcp_reset_answer(struct wr_tcp_stack *s, const struct wr_tcp_seg *g, wr_us_t now);
// The same for a request that is refused. `limited`: within the rate, unless whoever refuses keeps
// one. False: none was sent, which is counted by the reason of the drop alone.
bool wr_tcp_reset_refused(
	struct wr_tcp_stack *s, const struct wr_tcp_seg *g, bool limited, wr_us_t now);
// The same for a segment that is not acceptable to a connection that we open; without limit.
void wr_tcp_reset_opening(
	struct wr_tcp_stack *s, const struct wr_tcp_conn *c, const struct wr_tcp_seg *g);
// And to one whose peer has not shown itself, so that anyone may ask: within the rate. False: it is
// withheld.
bool wr_tcp_reset_half_open(struct wr_tcp_stack *s, const struct wr_tcp_conn *c,
	const struct wr_tcp_seg *g, wr_us_t now);
// Reset of a connection, sent with the next output.
void wr_tcp_reset_conn(struct wr_tcp_stack *s, const struct wr_tcp_conn *c);

// --- timers.c -------------------------------------------------------------------------------
// Restart the retransmission timer, as RTO or as PTO; stop it when nothing is out.
void wr_tcp_timer_restart(struct wr_tcp_stack *s, struct wr_tcp_conn *c, wr_us_t now);
void wr_tcp_timer_keepalive(struct wr_tcp_stack *s, struct wr_tcp_conn *c, wr_us_t now);
void wr_tcp_timer_pace(struct wr_tcp_stack *s, struct wr_tcp_conn *c, wr_us_t at);
void wr_tcp_timer_rtx(struct wr_tcp_stack *s, struct wr_tcp_conn *c, wr_us_t at);
void wr_tcp_timer_life(struct wr_tcp_stack *s, struct wr_tcp_conn *c, wr_us_t at);
