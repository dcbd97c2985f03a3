/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <assert.h>

#include <rte_branch_prediction.h>
#include <rte_common.h>

#include "cc.h"
#include "flow.h"
#include "list.h"
#include "wr_hash.h"
#include "wr_limits.h"
#include "wr_rng.h"
#include "wr_seq.h"
#include "wr_tcp.h"
#include "wr_wheel.h"

// Inside of the engine: the connection, the stack, and what the files offer one another.

#define WR_TCP_ANSWERS       1024 // stateless answers that may wait for one output call
#define WR_TCP_MSS_MIN       64 // floor for a peer's MSS: less would be an attack on our packet rate
#define WR_TCP_MSS_V4        1460 // Ethernet, RFC 9293 3.7.1
#define WR_TCP_MSS_V6        1440
#define WR_TCP_MSS_DEF_V4    536 // when the peer gives none (RFC 9293 3.7.1)
#define WR_TCP_MSS_DEF_V6    1220
#define WR_TCP_TS_LEN        12 // timestamps with padding, in every segment
#define WR_TCP_DUPACKS       3  // RFC 5681 3.2
#define WR_TCP_DUPACKS_OUT   3  // duplicate ACKs kept apart in one burst
#define WR_TCP_CHALLENGES    10 // challenge and re-ACKs of empty segments, per second and connection
#define WR_TCP_SINCE_SHIFT   16
#define WR_TCP_ORPHAN_US     (60 * WR_US_PER_S) // FIN-WAIT-2 without an owner
#define WR_TCP_PAWS_SHIFT    26
#define WR_TCP_PAWS_IDLE     ((24ULL * 24 * 3600 * WR_US_PER_S) >> WR_TCP_PAWS_SHIFT) // RFC 7323 5.5
#define WR_TCP_SLOW_WND      16384 // largest new window from pressure level 1 on
#define WR_TCP_TRUESIZE      512   // least that a queued buffer is charged against rcv_buf
#define WR_TCP_PREFETCH      64    // packets looked ahead in one go
#define WR_TCP_DISORDERS     8     // one disorder object for so many connections,
#define WR_TCP_DISORDERS_MIN 256u  // but for so many connections at least
#define WR_TCP_ACK_DELAY_US                                                                        \
	(200 * WR_US_PER_MS)  // longest that a peer may hold an ACK (RFC 8985 7.2)
#define WR_TCP_REO_PERSIST 16 // recoveries that a raised reordering window lasts (RFC 8985 6.2)
#define WR_TCP_PACE_SEGS   32 // windows from here on are paced
#define WR_TCP_GOAL_UNIT   16384u
#define WR_TCP_TUNE_SHARE  8 // share of the budget that one connection's buffer may grow to

// Verdict of a step that ends the segment without a drop: handled.
#define WR_TCP_STOP ((enum wr_drop)WR_DROP_COUNT)

// wr_tcp_conn.flags
#define F_OWNED        0x00000001u // the application holds the handle
#define F_HASHED       0x00000002u // in the flow table
#define F_DIRTY        0x00000004u
#define F_READY        0x00000008u
#define F_AGED         0x00000010u // in the FIFO of TIME-WAIT
#define F_HALF_OPEN    0x00000020u // counted in half_open
#define F_PASSIVE      0x00000040u
#define F_ACK_DUE      0x00000080u // an ACK goes out with the next output
#define F_SYN_DUE      0x00000100u // SYN or SYN-ACK goes out with the next output
#define F_FIN_QUEUED   0x00000200u // FIN behind snd_end
#define F_FIN_SENT     0x00000400u
#define F_FIN_RCVD     0x00000800u // in order: the stream has ended
#define F_FIN_SEEN     0x00001000u // fin_seq is known, bytes before it are missing
#define F_FAST_RTX     0x00002000u // one lost segment goes out whatever cwnd says
#define F_FIN_LOST     0x00004000u // the FIN, sent alone, is to be sent again
#define F_PROBE_DUE    0x00008000u // zero-window or keepalive probe
#define F_SWS_OVERRIDE 0x00010000u // send what fits, though it is little
#define F_STALLED      0x00020000u // EV_STALLED was raised
#define F_WANT_WRITE   0x00040000u // EV_WRITABLE armed
#define F_CWND_LIMITED 0x00080000u // cwnd held data back at the last output
#define F_ZERO_WND     0x00100000u // last window advertised was zero
#define F_SYN_RTX      0x00200000u // SYN or SYN-ACK was sent more than once
#define F_TS_VALID     0x00400000u // ts_recent was set
#define F_PARTIAL_ACK  0x00800000u // a partial ACK restarted the timer in this recovery
#define F_SYNCED       0x01000000u // our SYN was acknowledged
#define F_USER         0x02000000u // `user` is the application's, no longer the listener's
#define F_TLP_DUE      0x04000000u // a tail loss probe goes out with the next output
#define F_KEEPALIVE    0x08000000u // life_at is the keepalive timer
#define F_REORDERED    0x10000000u // the path was seen to reorder
#define F_NAGLE        0x20000000u
#define F_PACED        0x40000000u // pace_us holds back new segments
#define F_COOKIE       0x80000000u // made from a SYN cookie: its round trip was not measured

enum wr_tcp_ca {
	WR_TCP_CA_OPEN,
	WR_TCP_CA_RECOVERY, // fast recovery, RFC 6582, 6675, 8985
	WR_TCP_CA_LOSS,     // after a time-out
};

// What rtx_at is the deadline of.
enum wr_tcp_rtx {
	WR_TCP_RTX_RTO,
	WR_TCP_RTX_PERSIST, // RFC 9293 3.8.6.1
	WR_TCP_RTX_PTO,     // tail loss probe, RFC 8985 7
	WR_TCP_RTX_REO,     // reordering timer, RFC 8985 6.3
};

// Whether a tail loss probe is out, and of what.
enum wr_tcp_tlp {
	WR_TCP_TLP_NONE,
	WR_TCP_TLP_NEW,   // payload that was not sent before
	WR_TCP_TLP_AGAIN, // what was sent last
};

// An idle connection is six cache lines. What only a connection with losses or reordering needs is
// in struct wr_tcp_disorder, from a smaller pool.
struct wr_tcp_conn {
	// who it is, and what each received segment is compared with
	struct wr_tuple t;
	wr_handle_t handle;
	uint32_t flags;
	uint8_t state; // enum wr_tcp_state
	uint8_t opts;  // WR_TCPOPT_* in force; while opening: offered
	uint8_t peer_wscale;
	uint8_t our_wscale;
	uint32_t rcv_nxt;
	uint32_t rcv_adv; // right edge shown to the peer; never withdrawn
	uint32_t ts_recent;

	// sending
	uint32_t snd_una;
	uint32_t snd_nxt; // highest sequence number sent, plus one; never pulled back
	uint32_t snd_end; // behind the last queued byte; a FIN has this number
	uint32_t snd_wnd;
	uint32_t snd_wl1; // SND.WL2 needs no field: no ACK below SND.UNA comes that far
	uint32_t cwnd;
	uint32_t ssthresh;
	uint16_t mss; // payload of a full segment, timestamps taken off
	uint8_t dupacks;
	uint8_t ca_state; // enum wr_tcp_ca
	uint32_t rto_us;
	uint32_t srtt_us; // 0: no sample yet
	uint32_t rttvar_us;
	uint32_t last_ack_sent;
	struct rte_mbuf *snd_cur; // queue entry that holds snd_nxt, NULL at the end
	wr_us_t rtx_at;           // deadline of what `rtx` says

	// queues and lists
	struct wr_mq sndq; // priv.seq numbers each entry; the head may be acknowledged in part
	struct wr_mq rcvq;
	struct wr_tcp_link dirty;
	struct wr_tcp_link ready; // of an owner's; in TIME-WAIT without one: in the FIFO

	struct wr_wheel_node timer;
	wr_us_t life_at;          // half-open, keepalive, orphan or TIME-WAIT deadline
	struct rte_mbuf *rtx_cur; // no lost entry lies before it; NULL: there is none
	uint32_t rtx_nxt;         // first byte of it that was not sent again
	uint32_t sacked_bytes;    // above SND.UNA; without SACK: what duplicate ACKs tell
	uint32_t lost_bytes;      // deemed lost and not sent again yet
	uint32_t recover;         // SND.NXT when the last loss was found
	uint32_t min_rtt_us;      // 0: none yet
	uint32_t pace_us;         // when new segments may leave, with F_PACED; while opening: when
	                          // the SYN was sent first
	struct wr_tcp_cc_priv cc_priv;

	uint32_t iss;
	uint32_t irs;
	uint32_t ts_offset;
	uint32_t rcv_buf;
	uint32_t snd_buf;
	uint32_t max_snd_wnd;
	uint32_t promised; // share of the stack's promised_bytes
	uint32_t user;     // the application's; before it is set, the listener's id
	uint32_t path;
	uint32_t retrans;
	uint32_t recv_seq;     // first byte not read when the round of autotuning began
	uint32_t recv_us;      // and when that was
	uint32_t send_tick;    // when the last segment was sent, WR_TCP_TICK
	uint32_t recv_tick;    // when the last one was received
	wr_handle_t disorder;  // struct wr_tcp_disorder, or none
	uint16_t rtx_since;    // since when retransmissions or probes are unanswered, in units of
	                       // 2^16 us; 0: they are not
	uint16_t ts_recent_at; // when ts_recent was set, in units of 2^26 us
	uint16_t in_wraps;     // how often the payload received passed 4 GiB
	uint16_t out_wraps;    // and the payload acknowledged
	uint16_t peer_mss;
	uint16_t rcv_mss;    // what we show
	uint8_t events;      // WR_TCP_EV_*
	uint8_t challenge_s; // second that `challenges` counts, modulo 256
	uint8_t challenges;
	uint8_t backoff;
	uint8_t dup_acks_due : 6;
	uint8_t ack_queued : 1;  // stands in the ring of late ACKs
	uint8_t ack_at_once : 1; // nothing of ours follows payload in time (ack_delay.c)
	uint8_t end;             // enum wr_tcp_end
	uint8_t rtx;             // enum wr_tcp_rtx
	uint8_t cc;              // enum wr_tcp_congestion
	uint8_t keep_probes;     // unanswered keepalive probes
	uint8_t reo_wnd;         // RFC 8985 6.2 step 4: multiplier of the reordering window, 0 is 1
	uint32_t tlp_end;        // SND.NXT when the tail loss probe was sent that is out
	uint8_t tlp;             // enum wr_tcp_tlp
	uint8_t reo_persist;     // recoveries left before that falls back to 1
	uint16_t recv_goal;      // what rcv_buf grows to as payload is read, WR_TCP_GOAL_UNIT
	uint32_t ack_since;      // when the payload came that is not acknowledged yet, low half
};

static_assert(sizeof(struct wr_tcp_conn) <= 384, "a connection grew beyond its budget");
static_assert(offsetof(struct wr_tcp_conn, snd_una) == 64, "identity left the first cache line");

// What a connection needs while segments are out of order or lost, in either direction. Taken from
// its pool when that begins and given back when all is in order again. Without one (the pool is
// smaller than that of connections) payload out of order is not kept, and losses are found by the
// retransmission timer alone.
struct wr_tcp_disorder {
	// receiving
	struct wr_mq ooo;                           // sorted by priv.seq, without overlap
	struct wr_sack_block sack[WR_TCP_MAX_SACK]; // to report, newest first
	struct wr_sack_block dsack;                 // to report once; none: left == right
	uint32_t fin_seq;                           // of the peer's FIN, with F_FIN_SEEN
	uint8_t sack_count;

	// sending
	uint8_t sacked_segs; // segments SACKed above SND.UNA, about; saturates
	bool rack_valid;     // something was delivered since
	bool undo_any;       // something was sent again since
	bool undo_ts_valid;
	uint8_t seen_count;
	struct rte_mbuf *sent;     // entries in flight by time of sending, oldest first: a ring
	struct rte_mbuf *sack_cur; // where marking ended last, below the highest SACKed entry
	struct rte_mbuf *sack_top; // highest SACKed entry
	struct wr_sack_block seen[WR_TCP_MAX_SACK]; // blocks of the last ACK, marked already
	wr_us_t rack_sent_us; // RFC 8985 5.2: when the segment was sent that was sent last of those
	                      // delivered
	uint32_t rack_end;    // where it ends
	uint32_t rack_rtt_us; // its round-trip time
	uint32_t dsack_round; // SND.NXT when the reordering window was last raised
	uint32_t prr_delivered; // RFC 6937, bytes since recovery began
	uint32_t prr_out;
	uint32_t prr_flight; // RecoverFS
	uint32_t undo_cwnd;  // before the reduction; 0: nothing to undo
	uint32_t undo_ssthresh;
	uint32_t undo_bytes; // sent again since, not reported as duplicate
	uint32_t undo_ts;    // our timestamp of the first of those
	uint32_t undo_until; // reports of duplicates may come until this is acknowledged
};

static_assert(sizeof(struct wr_tcp_disorder) <= 192, "disorder grew beyond its budget");

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
enum wr_drop wr_tcp_input_listen(struct wr_tcp_stack *s, struct wr_tcp_seg *g, uint32_t iss_above,
	bool iss_bound, wr_us_t now);
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
// The connection's disorder, taken from the pool if it has none. NULL: the pool is empty.
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
// A segment of no connection, sent first by the next output. False: no room or no buffer.
bool wr_tcp_answer(struct wr_tcp_stack *s, const struct wr_tcp_hdr *h, uint32_t path);
// Stateless reset for a segment of no connection (RFC 9293 3.10.7.1).
void wr_tcp_reset_answer(struct wr_tcp_stack *s, const struct wr_tcp_seg *g, uint32_t path);
// Reset of a connection, sent with the next output.
void wr_tcp_reset_conn(struct wr_tcp_stack *s, const struct wr_tcp_conn *c);

// --- timers.c -------------------------------------------------------------------------------
// Restart the retransmission timer, as RTO or as PTO; stop it when nothing is out.
void wr_tcp_timer_restart(struct wr_tcp_stack *s, struct wr_tcp_conn *c, wr_us_t now);
void wr_tcp_timer_keepalive(struct wr_tcp_stack *s, struct wr_tcp_conn *c, wr_us_t now);
void wr_tcp_timer_pace(struct wr_tcp_stack *s, struct wr_tcp_conn *c, wr_us_t at);
void wr_tcp_timer_rtx(struct wr_tcp_stack *s, struct wr_tcp_conn *c, wr_us_t at);
void wr_tcp_timer_life(struct wr_tcp_stack *s, struct wr_tcp_conn *c, wr_us_t at);
