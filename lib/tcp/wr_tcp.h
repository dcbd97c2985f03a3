/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <rte_mempool.h>

#include "wr_addr.h"
#include "wr_mbuf.h"
#include "wr_pkt.h"
#include "wr_pool.h"
#include "wr_stats.h"
#include "wr_units.h"

// The TCP engine: an endpoint API on a stack that takes parsed IP packets in and gives IP packets
// out, on a clock and a random source that the caller owns. No Ethernet, no device, no thread, no
// global: two stacks in one process share nothing. Everything here is called by the one thread that
// owns the stack. There are no callbacks: connections that changed join the ready list, which the
// layer above reads; connections that have something to send join the dirty list, which
// wr_tcp_output() works off.
//
// One turn of a worker's loop:
//   wr_tcp_input_burst() -> wr_tcp_timers() -> wr_tcp_ready_pop()* + endpoint calls ->
//   wr_tcp_output()

struct wr_tcp_stack;

// Congestion control.
enum wr_tcp_congestion {
	WR_TCP_CUBIC,   // RFC 9438 with HyStart++ (RFC 9406)
	WR_TCP_NEWRENO, // RFC 5681
};

// SYN cookies (RFC 4987 3.6): SYNs answered without keeping anything. MSS survives; window scale
// and SACK do when the peer has timestamps.
enum wr_tcp_cookies {
	WR_TCP_COOKIES_AUTO, // while half-open connections are at their limit
	WR_TCP_COOKIES_ALWAYS,
	WR_TCP_COOKIES_NEVER, // at the limit SYNs are dropped: WR_DROP_syn_backlog_full
};

// What the stack is made from. Zero in a field with a default means that default.
struct wr_tcp_config {
	uint32_t max_conns;      // connections of all states
	uint32_t max_half_open;  // of which SYN-RECEIVED; default max_conns / 4, at least 16
	uint32_t reserved_conns; // of max_conns, kept for wr_tcp_connect() with
	                         // WR_TCP_CONNECT_F_RESERVED
	uint32_t held_budget;    // most RX-pool buffers held in queues (wr_mempool.h)
	uint32_t held_reserve;   // of which only the segment at RCV.NXT may take the last ones
	uint32_t small_budget;   // most small buffers held in queues; default half of `small`: what
	                         // sends ACKs and headers must never be used up by payload
	uint32_t rcv_buf_bytes;  // receive queue limit a connection begins with; default 128 KiB
	uint32_t snd_buf_bytes;  // send queue high mark it begins with; default 128 KiB
	uint32_t rcv_buf_max_bytes; // what autotuning may raise them to, within an eighth of the
	uint32_t snd_buf_max_bytes; // budget each; default: no autotuning
	uint32_t ooo_segs_max;      // out-of-order buffers of a connection; default 128
	uint32_t ooo_total_max;     // of the stack; default held_budget / 4
	wr_us_t time_wait_us;       // 2 MSL; default 60 s
	wr_us_t rto_min_us;         // default 200 ms
	wr_us_t rto_initial_us;     // default 1 s (RFC 6298)
	wr_us_t rto_max_us;         // default 60 s
	wr_us_t syn_timeout_us;     // life of a half-open connection; default 60 s
	wr_us_t ack_delay_us; // of in-order payload, below 250 ms, since it may take twice as long;
	                      // 0: never
	wr_us_t give_up_us;   // unanswered retransmission; default 5 min (R2, RFC 9293 3.8.3);
	                      // persist never gives up while answered
	// after so long without a segment from the peer it is asked for an ACK, RFC 9293 3.8.4;
	// 0: never
	wr_us_t keepalive_us;
	wr_us_t keepalive_interval_us; // between the questions; default 75 s
	uint32_t keepalive_probes;     // unanswered ones that end the connection; default 9
	enum wr_tcp_congestion congestion;
	enum wr_tcp_cookies cookies; // deferred listeners accept eagerly what came by cookie
	struct rte_mempool *small;   // headers, indirect mbufs, small copies (wr_mempool.h)
	struct wr_stats *stats;      // counters of the owner; not freed
	uint32_t resets_per_s; // to strays, closed ports, peers of half-open connections that they
	                       // opened, and SYNs that a listener refuses, not those that
	                       // wr_pkt.admit does: whoever sets that keeps a rate. 0: no limit.
	                       // Beyond it nothing is sent: WR_DROP_reset_rate (a refused SYN:
	                       // WR_DROP_syn_dropped), counted resets_withheld
	uint64_t secret[4];    // keys: [0..1] initial sequence numbers and timestamps, [2..3] flow
	                       // table
	uint64_t seed;         // of the random source
	int numa_node;
};

// Make a stack whose clock starts at `now`. NULL: out of memory or a config out of range.
struct wr_tcp_stack *wr_tcp_stack_create(const struct wr_tcp_config *cfg, wr_us_t now);

// Free every connection (no packets are sent), queue and table. Payload still queued is counted as
// WR_DROP_shutdown bytes.
void wr_tcp_stack_destroy(struct wr_tcp_stack *s);

// --- packets in -----------------------------------------------------------------------------

// Process parsed TCP packets (kind WR_PKT_TCP; others are not allowed here). Consumes every mbuf:
// its payload is kept (trimmed to the payload, single segments) or it is freed with a reason.
// Payload under WR_COPY_BYTES, and buffers that are indirect, shared or external, are copied.
void wr_tcp_input_burst(struct wr_tcp_stack *s, struct wr_pkt *pkts, uint16_t n, wr_us_t now);

// Whether a packet belongs to a connection or listener here: the worker asks before it passes
// unknown traffic to the kernel.
bool wr_tcp_owns(struct wr_tcp_stack *s, const struct wr_pkt *p);

// Whether there is a connection of this packet's tuple that is not at rest in TIME-WAIT: a SYN then
// begins none.
bool wr_tcp_knows(struct wr_tcp_stack *s, const struct wr_pkt *p);

// --- packets out ----------------------------------------------------------------------------

// Where output goes: an array of the caller's. Mbufs start at the IP header; checksum offload is
// requested in ol_flags (wr_build_tcp); m->hash.usr is the path given by wr_tcp_set_path() (0:
// none).
struct wr_tcp_tx {
	struct rte_mbuf **pkts;
	uint16_t count; // filled
	uint16_t room;  // size of pkts; a segment is only built while count < room
};

// Work off the dirty list: stateless answers (resets, SYN-ACK retries) first, then each dirty
// connection once: segments that windows and congestion control allow, and at most one ACK. Stops
// when tx is full or `budget` connections are done; what is left stays dirty. Returns connections
// handled.
uint32_t wr_tcp_output(struct wr_tcp_stack *s, struct wr_tcp_tx *tx, uint32_t budget, wr_us_t now);

// Run due timers, at most `budget`. Returns how many ran.
uint32_t wr_tcp_timers(struct wr_tcp_stack *s, uint32_t budget, wr_us_t now);

// The earliest time at which wr_tcp_timers() has work; for virtual clocks.
wr_us_t wr_tcp_next_timer(const struct wr_tcp_stack *s);

// --- listeners ------------------------------------------------------------------------------

enum wr_tcp_admit {
	WR_TCP_ADMIT,       // accept
	WR_TCP_REFUSE_RST,  // answer a SYN with a reset: WR_DROP_syn_refused; syn_dropped if none
	                    // could be sent
	WR_TCP_REFUSE_DROP, // drop a SYN unanswered: WR_DROP_syn_dropped
	WR_TCP_ADMIT_COOKIE // of one SYN (wr_pkt.admit): accept by SYN cookie, if cookies are not
	                    // switched off; nothing is kept for it
};

// A SYN that begins a connection meets the listener's verdict and its own (wr_pkt.admit), which may
// come with a drop reason (wr_pkt.admit_why; syn_refused is only believed of those that were sent a
// reset). One that belongs to a connection meets neither.

struct wr_tcp_listen_opts {
	uint32_t user;   // given back in ready events (listener id of the owner)
	bool nagle;      // RFC 9293 3.7.4; off, since what is spliced was shaped by its sender
	bool deferred;   // SYN raises WR_TCP_EV_SYN, answered by wr_tcp_accept() or wr_tcp_abort()
	uint16_t mss_v4; // largest MSS to show, 0: 1460
	uint16_t mss_v6; // 0: 1440
	uint32_t rcv_buf_bytes; // 0: the stack's
	uint32_t snd_buf_bytes;
};

// Listen on one address and port. 0, -EADDRINUSE, -EINVAL, -ENOMEM.
int wr_tcp_listen(struct wr_tcp_stack *s, const struct wr_endpoint *local,
	const struct wr_tcp_listen_opts *opts);

// Stop listening; connections live on. 0 or -ENOENT.
int wr_tcp_unlisten(struct wr_tcp_stack *s, const struct wr_endpoint *local);

// What the listener of an address and port was given as `user`; UINT32_MAX: nobody listens there.
uint32_t wr_tcp_listener_user(
	const struct wr_tcp_stack *s, const struct wr_addr *addr, uint16_t port);

// What new connections meet, on one listener (0 or -ENOENT) or on all (never fails).
int wr_tcp_set_admit(struct wr_tcp_stack *s, const struct wr_endpoint *local, enum wr_tcp_admit a);
void wr_tcp_set_admit_all(struct wr_tcp_stack *s, enum wr_tcp_admit a);

// --- readiness ------------------------------------------------------------------------------

#define WR_TCP_EV_SYN       0x01 // deferred listener: a request waits for accept or abort
#define WR_TCP_EV_ACCEPTED  0x02 // passive open complete
#define WR_TCP_EV_CONNECTED 0x04 // active open complete
#define WR_TCP_EV_READABLE  0x08 // in-order payload, or the end of the stream, can be read
#define WR_TCP_EV_WRITABLE  0x10 // send queue fell below half its mark after it was at or above it
#define WR_TCP_EV_CLOSED    0x20 // over: wr_tcp_end() says how; only wr_tcp_release() is left to do
#define WR_TCP_EV_STALLED   0x40 // peer's window closed while data waits
#define WR_TCP_EV_RESUMED   0x80 // and opened again

struct wr_tcp_ready {
	wr_handle_t conn;
	uint32_t events;   // WR_TCP_EV_*, all since last popped
	uint32_t user;     // wr_tcp_set_user(), or 0
	uint32_t listener; // opts.user of its listener, for passive opens until wr_tcp_set_user()
};

// Take the next connection that changed. False when none. Released connections never appear.
bool wr_tcp_ready_pop(struct wr_tcp_stack *s, struct wr_tcp_ready *out);
// Whether there are any left.
bool wr_tcp_ready_left(const struct wr_tcp_stack *s);

// --- endpoints ------------------------------------------------------------------------------
// A handle from connect, ACCEPTED or SYN belongs to the caller until wr_tcp_release() or
// wr_tcp_abort(). Calls on a stale handle do nothing and return -ESTALE (or 0/NULL/false).

#define WR_TCP_CONNECT_F_RESERVED 0x1 // may use reserved_conns (health probes)

struct wr_tcp_connect_opts {
	uint32_t flags; // WR_TCP_CONNECT_F_*
	uint32_t user;
	uint32_t path; // as wr_tcp_set_path()
	uint16_t mss;  // to show; 0: 1460 or 1440
	uint8_t opts;  // WR_TCPOPT_WSCALE, _SACKOK, _TS to offer (MSS always)
	bool nagle;
	uint32_t rcv_buf_bytes; // 0: the stack's
	uint32_t snd_buf_bytes;
};

// Start an active open; SYN goes out with the next wr_tcp_output(). The tuple's local side is ours.
// A TIME-WAIT connection on the same tuple is replaced when RFC 6191 / RFC 1122 4.2.2.13 allow it.
// 0 and *out, or -EADDRINUSE (tuple taken), -ENOBUFS (pool or table full), -EINVAL.
int wr_tcp_connect(struct wr_tcp_stack *s, const struct wr_tuple *t,
	const struct wr_tcp_connect_opts *opts, wr_us_t now, wr_handle_t *out);

// Answer a deferred request. 0, -ESTALE, -EINVAL (not waiting).
int wr_tcp_accept(struct wr_tcp_stack *s, wr_handle_t conn, wr_us_t now);

// Move whole in-order buffers to the end of *out while the total stays <= max_bytes (the last one
// may exceed it; at least one when any is there). Returns payload bytes moved. Opens the receive
// window and, when RFC 9293 3.8.6.2.2 says so, schedules its announcement. Moved buffers still
// count as held until they are acknowledged on the other side or freed through wr_tcp_free_mq().
uint32_t wr_tcp_read(struct wr_tcp_stack *s, wr_handle_t conn, struct wr_mq *out,
	uint32_t max_bytes, wr_us_t now);

// True when the peer's FIN was reached and everything before it was read.
bool wr_tcp_eof(struct wr_tcp_stack *s, wr_handle_t conn);

// Append all of *in to the send queue; consumes it always (a stale or closed connection frees it,
// counted pay_aborted_tx, and returns -ESTALE or -EPIPE). The caller keeps to wr_tcp_send_space().
int wr_tcp_write(struct wr_tcp_stack *s, wr_handle_t conn, struct wr_mq *in, wr_us_t now);

// Bytes that may be written before the high mark; 0 also arms WR_TCP_EV_WRITABLE.
uint32_t wr_tcp_send_space(struct wr_tcp_stack *s, wr_handle_t conn);

// FIN behind what is queued (half-close). 0 or -ESTALE; idempotent.
int wr_tcp_shutdown(struct wr_tcp_stack *s, wr_handle_t conn, wr_us_t now);

// Give the handle up. A connection that is not over is closed in the manner of close(2): FIN behind
// queued data; unread payload, or payload that arrives later, is answered with a reset (RFC 1122
// 4.2.2.13). The engine finishes it alone; no more events.
void wr_tcp_release(struct wr_tcp_stack *s, wr_handle_t conn, wr_us_t now);

// Reset the peer (when the state has one to tell), drop the queues, give the handle up.
void wr_tcp_abort(struct wr_tcp_stack *s, wr_handle_t conn, wr_us_t now);

// End a connection that the network cannot reach (WR_TCP_END_NO_ROUTE): queues to the peer are
// dropped, nothing is sent, EV_CLOSED follows.
void wr_tcp_fail(struct wr_tcp_stack *s, wr_handle_t conn, wr_us_t now);

// Fetch a connection into cache, for calls on it that follow soon. Any handle.
void wr_tcp_prefetch(const struct wr_tcp_stack *s, wr_handle_t conn);

void wr_tcp_set_user(struct wr_tcp_stack *s, wr_handle_t conn, uint32_t user);
void wr_tcp_set_path(struct wr_tcp_stack *s, wr_handle_t conn, uint32_t path);

// How a connection ended.
enum wr_tcp_end {
	WR_TCP_END_NONE,     // not over
	WR_TCP_END_CLOSED,   // both FINs exchanged and acknowledged
	WR_TCP_END_RESET,    // the peer reset it
	WR_TCP_END_REFUSED,  // the peer reset our SYN
	WR_TCP_END_TIMEOUT,  // retransmissions went unanswered
	WR_TCP_END_NO_ROUTE, // wr_tcp_fail(): the network cannot reach it
	WR_TCP_END_EVICTED,  // taken for lack of room
};
enum wr_tcp_end wr_tcp_end(struct wr_tcp_stack *s, wr_handle_t conn);
const char *wr_tcp_end_name(enum wr_tcp_end e);

// Free buffers that wr_tcp_read() gave out and that will not be written to any connection of this
// stack, and take them off the held count (bytes counted under `why`).
void wr_tcp_free_mq(struct wr_tcp_stack *s, struct wr_mq *q, enum wr_drop why);

// --- sight ----------------------------------------------------------------------------------

enum wr_tcp_state {
	WR_TCP_ST_CLOSED,
	WR_TCP_ST_LISTEN, // a deferred request that was not answered yet
	WR_TCP_ST_SYN_SENT,
	WR_TCP_ST_SYN_RECEIVED,
	WR_TCP_ST_ESTABLISHED,
	WR_TCP_ST_FIN_WAIT_1,
	WR_TCP_ST_FIN_WAIT_2,
	WR_TCP_ST_CLOSE_WAIT,
	WR_TCP_ST_CLOSING,
	WR_TCP_ST_LAST_ACK,
	WR_TCP_ST_TIME_WAIT,
	WR_TCP_ST_COUNT
};
const char *wr_tcp_state_name(enum wr_tcp_state st); // "ESTABLISHED"

struct wr_tcp_info {
	struct wr_tuple tuple;
	enum wr_tcp_state state;
	uint8_t opts; // options in force: WR_TCPOPT_WSCALE, _SACKOK, _TS
	uint8_t peer_wscale;
	uint8_t our_wscale;
	uint16_t mss;      // effective send MSS, options taken off
	uint16_t peer_mss; // as the peer gave it
	uint32_t recv_queue_bytes;
	uint32_t ooo_bytes;
	uint32_t send_queue_bytes;
	uint32_t in_flight_bytes;
	uint32_t snd_wnd_bytes; // peer's window
	uint32_t rcv_wnd_bytes; // ours, as last advertised
	uint32_t cwnd_bytes;
	uint32_t ssthresh_bytes;
	uint32_t srtt_us;
	uint32_t rto_us;
	uint32_t rcv_buf_bytes; // as autotuning has it now
	uint32_t snd_buf_bytes;
	uint32_t min_rtt_us;
	uint32_t sacked_bytes;  // in flight, and held by the peer already
	uint32_t lost_bytes;    // deemed lost, waiting to be sent again
	const char *ca_state;   // "open", "disorder", "recovery" or "loss"
	const char *congestion; // "cubic" or "newreno"
	uint32_t retrans;       // segments sent again, this connection
	uint64_t bytes_in;      // in-order payload
	uint64_t bytes_out;     // acknowledged payload
	uint32_t iss, irs, snd_una, snd_nxt, rcv_nxt;
};
bool wr_tcp_info(struct wr_tcp_stack *s, wr_handle_t conn, struct wr_tcp_info *out);

// Gauges for the ledger and for pressure; the *_walk values are counted by walking every connection
// (slow; for tests and the ledger), the others are running counts.
struct wr_tcp_gauges {
	uint32_t conns, half_open, time_wait, ready, dirty;
	uint32_t disorders; // connections with segments lost or out of order
	uint32_t conns_max, half_open_max, disorders_max; // peaks
	uint16_t answers, answers_room; // stateless answers that wait for the next output
	uint32_t disorders_room;        // of which there can be at once
	uint32_t held_rx_mbufs, held_budget;
	uint32_t held_small_mbufs;
	uint64_t promised_bytes;
	uint64_t stale_promise_bytes; // promised to connections that hold nothing and have been
	                              // silent for 1 s, beyond the 2 MSS that are charged for them
	uint64_t recv_queue_bytes;    // in order, not read
	uint64_t ooo_bytes;
	uint64_t send_queue_bytes; // written, not acknowledged
};
void wr_tcp_gauges(struct wr_tcp_stack *s, struct wr_tcp_gauges *out);
void wr_tcp_gauges_walk(struct wr_tcp_stack *s, struct wr_tcp_gauges *out);

// Pressure level 0-4 of the owner: from 1 on new windows are at most 16 KiB and buffers do not
// grow; from 2 on windows above the floor of 2 MSS are not raised while held is above the share.
// `overcommit` is k of the credit rule (promised + held <= k x budget), 4 down to 1.
// From 2 on payload that fills less than a quarter of its buffer is copied into small ones.
void wr_tcp_set_pressure(struct wr_tcp_stack *s, uint32_t level, uint32_t overcommit);

// Look at some connections (at most `budget`) for promises that nobody makes use of: a connection
// that holds nothing and has been silent for 1 s, or a request not completed in that time, is
// charged 2 MSS; the rest of its window is stale_promise. Its next payload, or what we send it,
// charges it in full again; so does the next look when it has sent an ACK alone. Once a tick.
void wr_tcp_promise_walk(struct wr_tcp_stack *s, uint32_t budget, wr_us_t now);

// Bytes of one connection object, for sizing.
uint32_t wr_tcp_conn_size(void);

// Visit live connections from a cursor (start at 0): returns the next handle and moves *cursor on,
// WR_HANDLE_NONE at the end. For telemetry, in bounded steps.
wr_handle_t wr_tcp_walk(struct wr_tcp_stack *s, uint32_t *cursor);
