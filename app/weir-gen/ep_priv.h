/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stddef.h>

#include <rte_branch_prediction.h>
#include <rte_common.h>

#include "ep.h"
#include "wr_hash.h"
#include "wr_seq.h"

// Time of protocol timers is counted in ticks of the wheel (1,024 us), in 32 bits that wrap.
#define EP_TICK_SHIFT      WR_WHEEL_TICK_SHIFT
#define EP_ACK_DELAY_TICKS 39          // 40 ms: answers carry the ACK meanwhile (RFC 9293 3.8.6.3)
#define EP_RTO_FIRST_US    WR_US_PER_S // RFC 6298 2.1
#define EP_RTO_MAX_TICKS   58594       // 60 s (RFC 6298 2.5)
#define EP_RTT_MAX_TICKS   8000        // eight times that fits 16 bits
#define EP_CWND_MAX        (1u << 26)
#define EP_CWND_SEGMENTS   10   // RFC 6928
#define EP_MSS_MIN         64   // a peer that announces less gets so much all the same
#define EP_DUPS_MAX        16   // duplicate ACKs of a connection in one loop
#define EP_SEGMENTS_MAX    64   // data segments of a connection in one visit
#define EP_BURST           32   // looked up at once: as many cache misses are under way
#define EP_LISTENERS       4096 // 64 backends of 64 endpoints
#define EP_REPLIES         1024 // resets that wait for output; more are not sent

enum ep_state {
	EP_CLOSED,
	EP_SYN_SENT,
	EP_SYN_RECEIVED,
	EP_ESTABLISHED,
	EP_FIN_WAIT_1, // from here on our FIN has been sent, but in CLOSE-WAIT
	EP_FIN_WAIT_2,
	EP_CLOSE_WAIT,
	EP_CLOSING,
	EP_LAST_ACK,
	EP_TIME_WAIT,
};

// ep_conn.flags
#define EP_F_TOLD      0x0001 // the user knows of it
#define EP_F_PASSIVE   0x0002
#define EP_F_TS        0x0004 // timestamps in force
#define EP_F_WSCALE    0x0008 // window scale in force
#define EP_F_FIN       0x0010 // FIN behind snd_end
#define EP_F_SYN       0x0020 // SYN or SYN-ACK is to be sent
#define EP_F_HELD      0x0040 // SYN-ACK waits for its delay
#define EP_F_ACK_NOW   0x0080
#define EP_F_ACK_LATER 0x0100 // until ack_tick
#define EP_F_FULL      0x0200 // a large segment is not acknowledged yet
#define EP_F_RTO       0x0400 // until rto_tick: retransmission, persist, TIME-WAIT, delayed SYN-ACK
#define EP_F_TIMED     0x0800 // rtt_seq is timed
#define EP_F_RECOVERY  0x1000 // until snd_una passes `recover`
#define EP_F_STUCK     0x2000 // unanswered since stuck_tick
#define EP_F_PROBE     0x4000 // probe the closed window
#define EP_F_HOLD      0x8000 // slow reader

// Two lines that every segment needs, one that most do not, then the user's bytes. Begins with the
// tuple. All sequence numbers are those on the wire.
struct ep_conn {
	struct wr_tuple t;
	struct ep_stack *s;
	const struct ep_ops *ops;
	void *user;

	uint32_t snd_una, snd_nxt, snd_max; // snd_nxt goes back to snd_una on loss
	uint32_t snd_end;                   // behind the last byte given by ep_send()
	uint32_t rcv_nxt, rcv_adv;          // rcv_adv: highest right edge of the window ever shown
	uint32_t snd_wnd, cwnd;
	uint32_t ts_recent;
	wr_handle_t handle; // 0: free
	uint32_t iss, irs;
	uint32_t rto_tick;
	uint16_t mss; // payload of a full segment
	uint16_t flags;
	uint16_t ack_tick;
	uint8_t state;
	uint8_t wscale; // the peer's
	uint8_t dupacks;
	uint8_t dups_due; // duplicate ACKs to be sent
	uint8_t backoff;
	bool queued; // index is on the ring of the dirty; outlives the connection

	struct wr_wheel_node node; // never later than what is wanted, but maybe earlier
	uint32_t ssthresh;
	uint32_t recover; // snd_max when a loss was seen
	uint32_t wl1;     // segment of the last window update (RFC 9293 3.10.7.4)
	uint32_t rtt_seq;
	uint32_t unread;
	uint32_t stuck_tick;
	uint16_t rtt_tick;
	uint16_t srtt8, rttvar4; // ticks, times 8 and 4 (RFC 6298); srtt8 0: no sample yet
	uint16_t listener;

	uint8_t app[] __attribute__((aligned(64)));
};
_Static_assert(offsetof(struct ep_conn, snd_una) == 64, "second line");
_Static_assert(offsetof(struct ep_conn, node) == 128, "third line");
_Static_assert(offsetof(struct ep_conn, app) == 192, "no gap");

// Open addressing, linear probing, at most half full; entries behind a removed one move up.
struct ep_slot {
	uint32_t hash;
	uint32_t ref; // index + 1; 0: free
};

struct ep_listener {
	struct wr_endpoint local;
	const struct ep_ops *ops;
	void *user;
	ep_admit_fn admit;
};

// An answer without a connection.
struct ep_reply {
	struct wr_tuple t;
	uint32_t seq, ack;
	uint8_t flags;
};

struct ep_stack {
	uint64_t tick; // of the latest time seen
	uint64_t key[2];
	struct ep_slot *slots;
	uint32_t slot_mask;
	uint32_t *dirty; // ring of indices
	uint32_t dirty_mask, dirty_head, dirty_count;
	struct wr_pool conns;
	uint32_t window;
	uint8_t wscale; // ours
	uint16_t ip_id;
	uint32_t ts_base;
	uint32_t hooks;                                  // listeners with one
	uint32_t rto_min, give_up, time_wait, rto_first; // ticks
	uint32_t reply_head, reply_count;
	uint32_t listener_count;
	struct ep_counters counters;
	struct ep_config cfg;
	struct wr_wheel wheel;
	struct ep_reply replies[EP_REPLIES];
	struct ep_listener listeners[EP_LISTENERS];
	uint16_t listener_slots[2 * EP_LISTENERS]; // index + 1
};

// --- flow table (ep_table.c) ------------------------------------------------------------------

int ep_table_init(struct ep_stack *s);
void ep_table_fini(struct ep_stack *s);
void ep_table_add(struct ep_stack *s, uint32_t hash, const struct ep_conn *c);
void ep_table_del(struct ep_stack *s, uint32_t hash, const struct ep_conn *c);
struct ep_conn *ep_table_lookup(const struct ep_stack *s, uint32_t hash, const struct wr_tuple *t);

static inline void ep_table_prefetch(const struct ep_stack *s, uint32_t hash)
{
	__builtin_prefetch(&s->slots[hash & s->slot_mask]);
}

// Ask for the connection that such a hash most likely means.
static inline void ep_table_prefetch_conn(const struct ep_stack *s, uint32_t hash)
{
	const struct ep_slot *at = &s->slots[hash & s->slot_mask];
	const char *c;

	if (at->ref == 0 || at->hash != hash)
		return;
	c = wr_pool_at(&s->conns, at->ref - 1);
	__builtin_prefetch(c);
	__builtin_prefetch(c + 64);
	__builtin_prefetch(c + 128);
	__builtin_prefetch(c + 192);
}

// --- connections (ep.c) -----------------------------------------------------------------------

// A connection on the tuple in the table, SYN to be sent. NULL: none free.
struct ep_conn *ep_conn_new(struct ep_stack *s, const struct wr_tuple *t);
void ep_conn_free(struct ep_conn *c);
// Tell the user, free.
void ep_conn_end(struct ep_conn *c, enum ep_end how, const struct gen_now *now);
// Both FINs are through: tell the user and wait, or be gone as soon as the last ACK is out.
void ep_conn_time_wait(struct ep_conn *c, const struct gen_now *now);
void ep_reply(
	struct ep_stack *s, const struct wr_tuple *t, uint32_t seq, uint32_t ack, uint8_t flags);
// Begin above what the peer saw of the tuple's last incarnation (RFC 9293 3.6.1, RFC 6191).
void ep_conn_begin_after(struct ep_conn *c, uint32_t past);
// Options of the peer's SYN.
void ep_conn_options(struct ep_conn *c, const struct wr_pkt *p);

static inline void ep_dirty(struct ep_conn *c)
{
	struct ep_stack *s = c->s;

	if (c->queued)
		return;
	c->queued = true;
	s->dirty[(s->dirty_head + s->dirty_count++) & s->dirty_mask] = wr_handle_index(c->handle);
}

static inline void ep_ack_now(struct ep_conn *c)
{
	c->flags |= EP_F_ACK_NOW;
	ep_dirty(c);
}

// Where our stream ends, FIN included when it was asked for.
static inline uint32_t ep_send_edge(const struct ep_conn *c)
{
	return c->snd_end + ((c->flags & EP_F_FIN) ? 1 : 0);
}

// Sequence number of a segment without payload: the latest that the peer's window lets in, or it
// would be refused with its ACK while a probe is out.
static inline uint32_t ep_ack_seq(const struct ep_conn *c)
{
	uint32_t edge = wr_seq_max(c->snd_una + c->snd_wnd, c->iss + 1);

	return wr_seq_min(c->snd_max, edge);
}

static inline uint32_t ep_rcv_wnd(const struct ep_conn *c)
{
	return c->rcv_adv - c->rcv_nxt;
}

// By how much the peer's right edge may be moved, worth telling (RFC 9293 3.8.6.2.2).
static inline uint32_t ep_window_growth(const struct ep_conn *c)
{
	const struct ep_stack *s = c->s;
	uint32_t whole = (c->flags & EP_F_WSCALE) ? s->window : RTE_MIN(s->window, 65535u);
	int32_t by = (int32_t)(c->rcv_nxt + whole - RTE_MIN(c->unread, whole) - c->rcv_adv);

	return by >= (int32_t)RTE_MIN(whole / 2, (uint32_t)c->mss) ? (uint32_t)by : 0;
}

// --- timers (ep_timers.c) ---------------------------------------------------------------------

static inline void ep_clock(struct ep_stack *s, const struct gen_now *now)
{
	s->tick = now->us >> EP_TICK_SHIFT;
}

static inline uint32_t ep_ticks(wr_us_t us)
{
	return (uint32_t)RTE_MIN(
		(us + (1u << EP_TICK_SHIFT) - 1) >> EP_TICK_SHIFT, (wr_us_t)INT32_MAX);
}

static inline uint32_t ep_ts_now(const struct ep_stack *s)
{
	return (uint32_t)s->tick + s->ts_base;
}

// See to it that the node fires no later than `ticks` from now.
void ep_timer_within(struct ep_conn *c, uint32_t ticks);
// (Re)start the retransmission timer with its back-off.
void ep_rto_start(struct ep_conn *c);
void ep_rto_in(struct ep_conn *c, uint32_t ticks);
void ep_ack_later(struct ep_conn *c);

// --- acknowledgements (ep_ack.c) --------------------------------------------------------------

// False: no more is to be done with the segment.
bool ep_ack(struct ep_conn *c, const struct wr_pkt *p, const struct gen_now *now);
// What was sent from snd_una on is taken for lost.
void ep_go_back(struct ep_conn *c, bool timeout);

// --- listeners (ep_listen.c) ------------------------------------------------------------------

struct ep_listener *ep_listener_lookup(
	struct ep_stack *s, const struct wr_addr *addr, uint16_t port);
// Whether a listener's hook lets nothing through.
bool ep_listener_dead(struct ep_stack *s, const struct ep_listener *l, const struct wr_tuple *t,
	const struct gen_now *now);
// A SYN for no connection.
enum wr_drop ep_syn(struct ep_stack *s, const struct wr_pkt *p, const struct gen_now *now);

static inline bool ep_conn_dead(const struct ep_conn *c, const struct gen_now *now)
{
	return unlikely(c->s->hooks > 0) && (c->flags & EP_F_PASSIVE) &&
	       ep_listener_dead(c->s, &c->s->listeners[c->listener], &c->t, now);
}
