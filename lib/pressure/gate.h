/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "wr_door.h"

// One gate: its rate, its tokens, its cut. Two kinds of controller steer it; what is common is
// here.

#define GATE_TOKEN 1000000LL // a token, in events per second x microseconds

// A rate measured by counting, smoothed.
struct gate_flow {
	uint64_t seen; // the count at the last tick
	double per_s;
	double age_s; // since when it is measured
};

struct gate {
	struct wr_gate pub;
	wr_us_t target_us;
	wr_us_t hold_us;
	uint32_t hold_requests;
	uint32_t held_now; // those held, as the owner last said, and since
	bool held_told;    // it did say so in this period: else there are none
	int64_t tokens;    // below 0: let in ahead of the rate
	wr_us_t tokens_us; // until when they are reckoned
	// Of the controller.
	struct gate_flow admitted, admitted_slow, completed, completed_slow;
	uint64_t cut_total;    // refused by the cut; an operator's orders press nothing
	uint64_t pressed_seen; // held and cut at the last tick
	double cap;      // what the worker's gate lets in while its queues are short, a service's
	                 // while its backends have room
	double ceiling;  // cap at which they last were not; 0: not known
	double cut_rate; // what the cut reckons with
	double few_rate; // of a service where few wait: what is let in, smoothed
	double before;   // what came a second before the limit
	double busy;     // permille of the core's time, smoothed
	uint32_t calm;   // ticks of raising since then
	bool behind;     // queues were too long at the last tick
	bool settled;    // they were short since the limit began
	bool bound;      // somebody was held or refused in the last tick
	uint8_t level;
	wr_us_t slow_until_us;     // P3 was left: it is not to come back at once
	wr_us_t needless_since_us; // 0: the limit is needed
	// Of the cut.
	bool cutting;
	wr_us_t cut_us, next_cut_us;
	double window; // periods' worth of demand in `aged`
	double seen_offered, seen_refused;
	uint32_t offered_now, refused_now; // since the last cut
	uint32_t demand[WR_DOOR_RANKS];    // since the last cut
	float aged[WR_DOOR_RANKS];         // before, fading
};

void gate_init(struct gate *g, wr_us_t target_us, wr_us_t now, uint32_t stagger);

// Reckon tokens up to now.
void gate_refill(struct gate *g, wr_us_t now);

static inline void gate_offer(struct gate *g, uint16_t rank)
{
	g->pub.offered++;
	g->offered_now++;
	g->demand[rank]++;
}

// What a limited gate says, without a charge: ADMIT, HOLD (within the cut, no token), or DROP.
enum wr_door_verdict gate_judge(struct gate *g, uint16_t rank, wr_us_t now);

void gate_admit(struct gate *g, uint32_t n);
void gate_refuse(struct gate *g, uint8_t class, bool by_cut);

// Steer, each period of `dt` microseconds.
void gate_tick_worker(struct gate *g, const struct wr_door_signals *s, wr_us_t dt, wr_us_t now);
void gate_tick_service(struct gate *g, const struct wr_door_service *s, wr_us_t dt, wr_us_t now);

// A new cut from the counts, when it is time.
void gate_tick_cut(struct gate *g, wr_us_t now);

// The buckets have new places: spread what is known evenly over each class.
void gate_shuffle(struct gate *g);
