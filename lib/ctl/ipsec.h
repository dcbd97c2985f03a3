/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "ctl_priv.h"
#include "wr_ipsec.h"

// Keys of tunnels: which generations there are and what each may do. Control thread, lock held.
//
// A generation is made from a key file (or an action). Its arriving associations are accepted from
// then on; it is sent with once a packet of it arrived, or after rekey.switch_after, or at once
// when there is nothing else to send with; the one before is accepted for rekey.keep_old after
// that, which holds the next rekey.switch_after back. At most three live at a time: old, current,
// next. One more takes the place of the next, which leaves. Workers are told by message; what they
// had is destroyed when each has answered (nothing is freed on a guess).

enum ipsec_stage {
	IPSEC_NEXT,    // accepted, not sent with yet
	IPSEC_CURRENT, // sent with, as each worker is told
	IPSEC_OLD,     // accepted, for a while
	IPSEC_LEAVING, // not accepted; workers may still look at it
};

// Workers that are asked for something: whose mailbox was full is asked again in the next turn.
struct ipsec_round {
	uint32_t owed;            // bit a worker: not asked yet
	int done[WR_MAX_WORKERS]; // written by workers
};

struct ipsec_generation {
	uint32_t number; // from 1; 0: free
	enum ipsec_stage stage;
	wr_us_t made_us, switched_us;
	bool warned;
	bool retiring;              // of one that leaves: it had been accepted for long enough
	struct ipsec_round left;    // of one that leaves: who has ended a turn since
	void *rule[WR_MAX_WORKERS]; // of the NIC, for what arrives; NULL: workers steer it
	uint64_t print[WR_MAX_WORKERS][2]; // of its keys: in, out
	struct wr_ipsec_sa *in[WR_MAX_WORKERS], *out[WR_MAX_WORKERS];
};

// Old, current and next, and two that leave while a worker does not answer.
#define IPSEC_GENERATIONS 5

struct ipsec_totals {
	uint64_t in_packets, in_bytes, out_packets, out_bytes;
	uint64_t replayed, forged, malformed, misplaced;
};

enum ipsec_state {
	IPSEC_OPENING, // the first keys are on their way to the workers
	IPSEC_OPEN,
	IPSEC_PARTLY, // some of the associations in use have reached the end of their life
	IPSEC_CLOSED, // all that is sent with have
};

struct ipsec_tunnel {
	const struct wr_ipsec_tunnel *t; // of the fabric
	uint32_t made;                   // generations so far
	struct ipsec_generation generation[IPSEC_GENERATIONS];
	bool telling; // workers are being told to send with the current one
	struct ipsec_round told;
	char why[48];             // it is sent with
	bool ever;                // some keys were in force
	bool closed;              // and it was said
	struct ipsec_totals gone; // of what was destroyed
	struct ipsec_totals seen; // at the last look
};

// Keys are used once, whatever the file says later: with a key of AES-GCM that starts again, so do
// its nonces (RFC 4106 9). Kept is a hash of each, keyed by a secret of this process.
#define IPSEC_PRINTS 65536

struct wr_ctl_ipsec {
	uint32_t count;
	struct ipsec_tunnel *tunnel; // [count], in the order of the configuration
	uint64_t secret[2];
	uint64_t *print; // [IPSEC_PRINTS]
	uint32_t prints; // so far
	uint32_t reloads;
	// At whose leaving the table of associations was compacted: not again until workers let go
	// of it. NULL: none.
	const struct ipsec_generation *compacted;
	wr_us_t next_us; // look at life and refusals
};

// --- ipsec.c: generations ------------------------------------------------------------------------

// First keys of all tunnels, before workers run. 0 (also without tunnels), or negative errno with a
// sentence; then nothing is left.
int wr_ctl_ipsec_init(struct wr_ctl *c, struct wr_err *err);
// Workers do not run any more. Device and table of associations are the fabric's, which is
// destroyed after this.
void wr_ctl_ipsec_fini(struct wr_ctl *c);
// Returns when it wants to run again.
wr_us_t wr_ctl_ipsec_turn(struct wr_ctl *c, wr_us_t now);
// Read a tunnel's key file again. 1: new keys are installed, 0: it says what the newest ones are;
// negative errno with a sentence: refused, and an event says so.
int wr_ctl_ipsec_rekey(struct wr_ctl *c, uint32_t tunnel, struct wr_err *err);
// The one in a stage, or NULL; not for those that leave.
struct ipsec_generation *wr_ctl_ipsec_find(struct ipsec_tunnel *t, enum ipsec_stage stage);
void wr_ctl_ipsec_event(struct wr_ctl *c, uint32_t tunnel, enum wr_event_kind kind, uint32_t extra,
	const char *text);

// --- ipsec_keys.c: what a key file may say
// --------------------------------------------------------

// 0, or -EEXIST with a sentence: an SPI is in use, or a key was.
int wr_ctl_ipsec_check_keys(struct wr_ctl *c, const struct ipsec_tunnel *t,
	const struct wr_ipsec_keys *k, struct wr_err *err);
bool wr_ctl_ipsec_is_made_of(
	const struct wr_ctl *c, const struct ipsec_generation *g, const struct wr_ipsec_keys *k);
// Hashes of its keys into g->print; and kept, so that none of them is used again.
void wr_ctl_ipsec_print_keys(
	const struct wr_ctl *c, const struct wr_ipsec_keys *k, struct ipsec_generation *g);
void wr_ctl_ipsec_remember(struct wr_ctl *c, const struct ipsec_generation *g);

// --- ipsec_watch.c: life, refusals ---------------------------------------------------------------

// The association of a generation that is nearest to its end.
struct ipsec_life {
	uint32_t permille; // used; 0: there is no end
	const char *what;  // "packets", "bytes" or "s"
	uint64_t left;
	uint16_t worker;
	uint32_t sending, ended, sending_ended; // associations: that send, that have ended, both
};
void wr_ctl_ipsec_life(const struct ipsec_tunnel *t, uint16_t workers,
	const struct ipsec_generation *g, wr_us_t now, struct ipsec_life *out);
// Whether an association has reached the end of its life, of whatever kind: a worker notes it with
// the next packet.
bool wr_ctl_ipsec_ended(
	const struct wr_ipsec_tunnel *t, const struct wr_ipsec_sa_info *sa, wr_us_t now);
// Packets that an association may carry in all; 0: no end.
uint64_t wr_ctl_ipsec_life_packets(const struct wr_ipsec_tunnel *t);
enum ipsec_state wr_ctl_ipsec_state(struct wr_ctl *c, struct ipsec_tunnel *t);
void wr_ctl_ipsec_add(struct ipsec_totals *to, const struct wr_ipsec_sa_info *sa);
// Since the start.
void wr_ctl_ipsec_totals(
	const struct wr_ctl *c, const struct ipsec_tunnel *t, struct ipsec_totals *out);
// Once a second: what nears its end, what has ended, what was refused.
void wr_ctl_ipsec_watch(struct wr_ctl *c, uint32_t tunnel, wr_us_t now);
