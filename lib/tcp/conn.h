/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <assert.h>

#include "cc.h"
#include "list.h"
#include "wr_seq.h"
#include "wr_tcp.h"
#include "wr_wheel.h"

// The connection: constants of the engine, flags, fields, and what only disorder needs.

#define WR_TCP_ANSWERS       1024 // stateless answers that may wait for one output call
#define WR_TCP_ANSWERS_KEPT  256  // of them, for the resets of connections
#define WR_TCP_RST_AHEAD_NS  ((int64_t)100000000) // what resets may be ahead of their rate
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
#define WR_TCP_SILENT_US   WR_US_PER_S // after which a promise is stale
#define WR_TCP_STALE       0x80000000u // in `promised`: charged with two segments only
#define WR_TCP_WALK_SLOTS  8           // slots looked at for each connection that a walk may visit
#define WR_TCP_EVICT_LOOK  8           // disorders looked at to find one that may go
#define WR_TCP_EVICT_SINCE 2           // units of 2^16 us without progress, the least

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
	uint32_t promised; // window that the stack's sums know of, with WR_TCP_STALE in part
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
	uint16_t progress;         // when payload last came in order, wr_tcp_since()
	wr_handle_t conn;          // whose it is
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
