/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <rte_mempool.h>

#include "gen.h"
#include "wr_pkt.h"
#include "wr_pool.h"
#include "wr_stats.h"
#include "wr_wheel.h"

// A TCP endpoint for generators: small, independent of Weir's engine (so that a fault of the one is
// not hidden by the same fault in the other), and cheap enough to saturate it from one core.
//
// It stores no payload. What it sends is written by its user from the stream offset, as often as it
// is sent; what arrives in order is shown to its user at once; what arrives out of order is
// dropped, answered with a duplicate ACK and sent again by the peer (RFC 9293 3.10.7.4 allows to
// drop it). Loss is mended by going back to SND.UNA: on three duplicate ACKs or a time-out (RFC
// 6298, 5681).
//
// Parsed IP packets in, IP packets out, time as an argument, no global. One thread owns a stack.
// Ops are called from inside ep_input(), ep_timers() and the calls below; they may call anything
// here but ep_input(), ep_timers() and ep_output().

struct ep_stack;
struct ep_conn;

enum ep_end {
	EP_END_NONE,
	EP_END_CLOSED,  // both FINs acknowledged
	EP_END_RESET,   // by the peer
	EP_END_REFUSED, // our SYN was reset
	EP_END_TIMEOUT, // retransmissions unanswered
	EP_END_ABORTED, // by ep_abort()
};
const char *ep_end_name(enum ep_end e);

struct ep_ops {
	// Passive open complete (NULL on clients) or active open complete.
	void (*opened)(struct ep_conn *c, const struct gen_now *now);
	// `len` in-order bytes of the peer's stream from `offset` on.
	void (*data)(struct ep_conn *c, const uint8_t *at, uint32_t offset, uint32_t len,
		const struct gen_now *now);
	// The peer's FIN was reached.
	void (*fin)(struct ep_conn *c, const struct gen_now *now);
	// Write the bytes [offset, offset + len) of our stream; may come again for the same bytes.
	void (*fill)(struct ep_conn *c, uint8_t *to, uint32_t offset, uint32_t len);
	// All bytes given to ep_send() are acknowledged. May be NULL.
	void (*acked)(struct ep_conn *c, const struct gen_now *now);
	// Over; `c` must not be used after the return. Comes once for each connection of which the
	// user was told or that it made, except after ep_abort().
	void (*ended)(struct ep_conn *c, enum ep_end how, const struct gen_now *now);
};

struct ep_config {
	uint32_t max_conns;
	uint32_t app_bytes;      // of the user's own state in every connection, zeroed at the start
	uint32_t window_bytes;   // receive window; default 256 KiB
	uint16_t mss_v4, mss_v6; // 0: 1460, 1440
	bool timestamps;         // RFC 7323
	wr_us_t time_wait_us;    // 0: none
	wr_us_t rto_min_us;      // default 200 ms
	wr_us_t give_up_us;      // default 30 s of unanswered retransmission
	struct rte_mempool *small, *large; // mbufs for headers alone and with payload
	struct wr_stats *stats;            // drop reasons of frames that it consumes
	uint64_t seed;
	int numa_node;
};

struct ep_counters {
	uint64_t segments_in, segments_out, retransmitted, out_of_order, duplicate, stray,
		resets_in, resets_out, bytes_in, bytes_out /* acknowledged */, no_mbuf;
	uint64_t syns, syns_again; // SYNs of those that connect, all; the second and later ones
};

struct ep_stack *ep_create(const struct ep_config *cfg, const struct gen_now *now);
void ep_destroy(struct ep_stack *s); // no op is called

// Consumes every mbuf. Packets are of kind WR_PKT_TCP.
void ep_input(struct ep_stack *s, struct wr_pkt *pkts, uint16_t n, const struct gen_now *now);
uint32_t ep_timers(struct ep_stack *s, uint32_t budget, const struct gen_now *now);
wr_us_t ep_next_timer(const struct ep_stack *s);

// Where output goes: mbufs start at the IP header, checksum offload requested (wr_build_tcp).
struct ep_tx {
	struct rte_mbuf **pkts;
	uint16_t count, room;
};
// Work off the connections that have something to send; what finds no room stays. Returns those
// handled.
uint32_t ep_output(
	struct ep_stack *s, struct ep_tx *tx, uint32_t budget, const struct gen_now *now);

// --- endpoints -------------------------------------------------------------------------------

// Listen; `user` is given by ep_user(). 0, -EADDRINUSE, -ENOMEM (4,096 at most).
int ep_listen(
	struct ep_stack *s, const struct wr_endpoint *local, const struct ep_ops *ops, void *user);

// What SYNs of a listener meet.
enum ep_admit {
	EP_ADMIT,
	EP_ADMIT_RESET,
	EP_ADMIT_DROP, // and nothing on that address and port is answered: a black hole
};
// Chosen for each SYN (and, for EP_ADMIT_DROP, each segment) by the hook, with a delay for the
// SYN-ACK.
typedef enum ep_admit (*ep_admit_fn)(
	void *user, const struct wr_tuple *t, wr_us_t *delay_us, const struct gen_now *now);
int ep_listen_admit(struct ep_stack *s, const struct wr_endpoint *local, ep_admit_fn fn);

// Active open. NULL with *why: -EADDRINUSE (tuple in use), -ENOBUFS (connections at their limit).
struct ep_conn *ep_connect(struct ep_stack *s, const struct wr_tuple *t, const struct ep_ops *ops,
	void *user, const struct gen_now *now, int *why);

void *ep_user(const struct ep_conn *c);
void *ep_app(struct ep_conn *c); // app_bytes of the user's
wr_handle_t ep_handle(const struct ep_conn *c);
struct ep_conn *ep_lookup(struct ep_stack *s, wr_handle_t h); // NULL when gone
const struct wr_tuple *ep_tuple(const struct ep_conn *c);

// `bytes` more of our stream may be sent. Before the open is complete too.
void ep_send(struct ep_conn *c, uint32_t bytes);
uint32_t ep_unsent(const struct ep_conn *c);                 // given and not acknowledged
void ep_fin(struct ep_conn *c);                              // FIN behind what was given
void ep_abort(struct ep_conn *c, const struct gen_now *now); // reset, gone; `ended` is not called
// Slow reading: from now on arrived bytes stay counted as unread and take window, until ep_read().
// Off: all of them count as read.
void ep_hold(struct ep_conn *c, bool on);
void ep_read(struct ep_conn *c, uint32_t bytes); // at most the unread ones
uint32_t ep_unread(const struct ep_conn *c);

const struct ep_counters *ep_counters(const struct ep_stack *s);
uint32_t ep_open(const struct ep_stack *s);      // connections of all states
uint32_t ep_conn_size(const struct ep_stack *s); // bytes of one, app_bytes included
