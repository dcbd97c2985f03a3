/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp_priv.h"

// CUBIC (RFC 9438) with HyStart++ (RFC 9406) for the first slow start. Integers only.
//
// The curve is W(t) = C (t - K)^3 + w_max. Of t and K only the difference counts, so one word holds
// it, and a curve is joined at any window by solving for that difference.

#define WINDOW_MAX     (UINT32_MAX / 4)
#define HS_MIN_THRESH  4000u // us; RFC 9406 4.3, as all of HS_
#define HS_MAX_THRESH  16000u
#define HS_MIN_DIVISOR 8u
#define HS_SAMPLES     8u
#define HS_CSS_DIVISOR 4u
#define HS_CSS_ROUNDS  5u
// RFC 9406 4.3 for senders that do not pace. An ACK often covers that much where the peer or a
// device between gathers segments, and the exit by delay is what makes so fast a growth safe.
#define HS_L   8u
#define NO_RTT UINT32_MAX

// cubic.flags
#define Q_INITIAL 0x01u // before the first reduction: the words belong to HyStart++
#define Q_PENDING 0x02u // congestion avoidance starts an epoch when it comes
#define Q_REDUCED 0x04u // nothing was acknowledged since the last reduction
#define Q_FLAT    0x08u // the epoch starts with K = 0 and w_max = cwnd (RFC 9438 4.8, 4.10)
#define Q_ALPHA_1 0x10u // w_est has come up to where the last reduction was
#define Q_ROUND   0x20u // HyStart++: round_end is valid

// cubic.undo: Q_* as they were before the last reduction, and
#define U_FRIENDLY 0x20u // cwnd was w_est
#define U_INTACT   0x40u // past_us, w_est and est_frac are still those of then
#define U_VALID    0x80u

struct cubic {
	union {
		struct { // congestion avoidance
			uint32_t w_max;
			uint32_t last_us; // of the last ACK
			int32_t past_us;  // t - K
			uint32_t w_est;   // window that Reno would have
		};
		struct { // slow start until the first reduction
			uint32_t round_end;
			uint32_t last_min_us; // of the round before
			uint32_t min_us;
			uint32_t css_min_us;
		};
	};
	union {
		uint16_t est_frac; // of a byte of w_est
		struct {
			uint8_t samples;
			uint8_t css_round; // of conservative slow start; 0: not in it
		};
	};
	uint8_t flags;
	uint8_t undo;
	uint32_t undo_w_max;
};

static_assert(sizeof(struct cubic) == sizeof(struct wr_tcp_cc_priv), "state and its room differ");

static struct cubic *cubic_of(struct wr_tcp_conn *c)
{
	return (struct cubic *)&c->cc_priv;
}

// --- the curve ------------------------------------------------------------------------------

// Largest r with r^3 <= n, one bit of r at a time.
static uint32_t cube_root(uint64_t n)
{
	uint64_t r = 0;

	for (int s = 63; s >= 0; s -= 3) {
		uint64_t b;

		r <<= 1;
		b = 3 * r * (r + 1) + 1; // (r + 1)^3 - r^3
		if ((n >> s) >= b) {
			n -= b << s;
			r++;
		}
	}
	return (uint32_t)r;
}

// Time in which the curve covers `bytes` from its flat point: the K of RFC 9438 4.2, C = 0.4. The
// root is taken in 1/1024 s: (bytes / mss / 0.4) * 2^30 stays below 2^62.
static int32_t curve_time(uint32_t bytes, uint32_t mss)
{
	uint64_t cube = ((uint64_t)min32(bytes, WINDOW_MAX) * 5 << 29) / mss;

	return (int32_t)((uint64_t)cube_root(cube) * 15625 / 16);
}

// W(t) at t - K = past_us, RFC 9438 (1).
static uint32_t curve_at(uint32_t w_max, int64_t past_us, uint32_t mss)
{
	// In 1/1024 s and below 2048 s, which is 3.4e9 segments: neither the cube nor the product
	// overflows.
	uint64_t x = min64((uint64_t)(past_us < 0 ? -past_us : past_us) * 16 / 15625, 1u << 21);
	uint64_t segs = x * x * x / 5 * 2 >> 14; // in 2^-16 segments
	uint64_t bytes = min64(segs * mss >> 16, UINT32_MAX);

	if (past_us < 0)
		return bytes < w_max ? w_max - (uint32_t)bytes : 0;
	return (uint32_t)min64(w_max + bytes, WINDOW_MAX);
}

// --- slow start -----------------------------------------------------------------------------

static void hystart_reset(struct cubic *q)
{
	q->flags = Q_INITIAL;
	q->last_min_us = NO_RTT;
	q->min_us = NO_RTT;
	q->css_min_us = NO_RTT;
	q->samples = 0;
	q->css_round = 0;
}

static void hystart_leave(struct cubic *q)
{
	// without a loss K is 0, and w_est starts at cwnd_prior (RFC 9438 4.3, 4.10)
	q->flags = Q_PENDING | Q_FLAT | Q_ALPHA_1;
}

// RFC 9406 4.2: into conservative slow start when the delay has risen, and back when it was jitter.
static void hystart_sample(struct cubic *q, uint32_t rtt_us)
{
	uint32_t thresh;

	q->min_us = min32(q->min_us, rtt_us);
	if (q->samples < HS_SAMPLES)
		q->samples++;
	if (q->samples < HS_SAMPLES)
		return;
	if (q->css_round > 0) {
		if (q->min_us < q->css_min_us)
			q->css_round = 0;
		return;
	}
	if (q->last_min_us == NO_RTT)
		return;
	thresh = max32(HS_MIN_THRESH, min32(q->last_min_us / HS_MIN_DIVISOR, HS_MAX_THRESH));
	if (q->min_us >= q->last_min_us + thresh) {
		q->css_min_us = q->min_us;
		q->css_round = 1; // the rest of this round counts
	}
}

static void hystart_round_end(struct wr_tcp_conn *c, struct cubic *q)
{
	if (q->css_round > 0 && ++q->css_round > HS_CSS_ROUNDS) {
		c->ssthresh = c->cwnd;
		hystart_leave(q);
		return;
	}
	q->last_min_us = q->min_us;
	q->min_us = NO_RTT;
	q->samples = 0;
	q->round_end = c->snd_nxt;
}

static void hystart_acked(struct wr_tcp_conn *c, struct cubic *q, uint32_t acked, uint32_t rtt_us)
{
	uint32_t grow = min32(acked, HS_L * c->mss);

	if (!(q->flags & Q_ROUND)) {
		q->round_end = c->snd_nxt;
		q->flags |= Q_ROUND;
	}
	if (rtt_us != 0)
		hystart_sample(q, min32(rtt_us, NO_RTT / 2));
	c->cwnd = min32(c->cwnd + (q->css_round > 0 ? grow / HS_CSS_DIVISOR : grow), WINDOW_MAX);
	if (wr_seq_geq(c->snd_una, q->round_end))
		hystart_round_end(c, q);
}

// Later slow starts know where to stop (RFC 9406 4.3: HyStart++ is for the initial one).
static void slow_start(struct wr_tcp_conn *c, struct cubic *q, uint32_t acked)
{
	uint32_t l = q->flags & Q_FLAT ? 1 : 2; // RFC 3465 2.3: 1 after a time-out

	q->flags |= Q_PENDING;
	c->cwnd = min32(c->cwnd + min32(acked, l * c->mss), c->ssthresh);
}

// --- congestion avoidance -------------------------------------------------------------------

static void epoch_begin(struct wr_tcp_conn *c, struct cubic *q, wr_us_t now)
{
	if ((q->flags & Q_FLAT) || c->cwnd >= q->w_max)
		q->w_max = c->cwnd;
	q->past_us = -curve_time(q->w_max - c->cwnd, c->mss);
	q->w_est = c->cwnd;
	q->est_frac = 0;
	q->last_us = (uint32_t)now;
	q->flags &= (uint8_t) ~(Q_PENDING | Q_FLAT);
	q->undo &= (uint8_t)~U_INTACT;
}

// t without the times at which cwnd was not in use (RFC 9438 4.2, 5.8): a sender whose limit is
// cwnd hears an ACK every round trip, so what is longer than two was a pause.
static void epoch_advance(struct cubic *q, uint32_t rtt_us, wr_us_t now)
{
	uint32_t dt = (uint32_t)now - q->last_us;

	if (rtt_us != 0)
		dt = (uint32_t)min64(dt, 2ULL * rtt_us);
	q->past_us = (int32_t)RTE_MIN((int64_t)q->past_us + dt, (int64_t)INT32_MAX);
	q->last_us = (uint32_t)now;
}

// RFC 9438 (4): alpha = 3 (1 - 0.7) / (1 + 0.7) = 9/17 until the window of the last reduction is
// reached, which ssthresh tells, then 1.
static void reno_advance(struct wr_tcp_conn *c, struct cubic *q, uint32_t acked)
{
	uint64_t add = (uint64_t)acked * c->mss << 16; // below 2^62

	if (!(q->flags & Q_ALPHA_1) && (uint64_t)q->w_est * 7 >= (uint64_t)c->ssthresh * 10)
		q->flags |= Q_ALPHA_1;
	if (!(q->flags & Q_ALPHA_1))
		add = add / 17 * 9;
	add = add / c->cwnd + q->est_frac;
	q->est_frac = (uint16_t)add;
	q->w_est = (uint32_t)min64(q->w_est + (add >> 16), WINDOW_MAX);
}

static void avoid_congestion(
	struct wr_tcp_conn *c, struct cubic *q, uint32_t acked, uint32_t rtt_us, wr_us_t now)
{
	uint32_t rtt = c->srtt_us != 0 ? c->srtt_us : rtt_us;
	uint32_t target;

	if (q->flags & Q_INITIAL)
		hystart_leave(q);
	if (q->flags & Q_PENDING)
		epoch_begin(c, q, now);
	else
		epoch_advance(q, rtt, now);
	acked = min32(acked, c->cwnd);
	reno_advance(c, q, acked);
	if (curve_at(q->w_max, q->past_us, c->mss) < q->w_est) {
		c->cwnd = max32(c->cwnd, q->w_est); // RFC 9438 4.3
		return;
	}
	// RFC 9438 4.2, 4.4, 4.5: where the curve is a round trip from now, in [cwnd, 1.5 cwnd]
	target = curve_at(q->w_max, (int64_t)q->past_us + rtt, c->mss);
	target = min32(max32(target, c->cwnd), c->cwnd + c->cwnd / 2);
	c->cwnd += (uint32_t)((uint64_t)(target - c->cwnd) * acked / c->cwnd);
	c->cwnd = min32(c->cwnd, WINDOW_MAX);
}

// --- operations -----------------------------------------------------------------------------

static void cubic_init(struct wr_tcp_conn *c, bool syn_lost, wr_us_t now)
{
	struct cubic *q = cubic_of(c);

	// RFC 5681 3.1: one segment after a lost SYN
	c->cwnd = syn_lost ? c->mss : wr_tcp_cc_initial_window(c);
	c->ssthresh = UINT32_MAX / 2;
	*q = (struct cubic){0};
	hystart_reset(q);
}

static void cubic_acked(
	struct wr_tcp_conn *c, uint32_t acked, uint32_t rtt_us, bool limited, wr_us_t now)
{
	struct cubic *q = cubic_of(c);

	if (q->flags & Q_REDUCED) {
		// Recovery ends near ssthresh, a time-out starts far below it: then what was w_max
		// no longer says where the next loss is (RFC 9438 4.8).
		q->flags &= (uint8_t)~Q_REDUCED;
		if (c->cwnd <= c->ssthresh / 2)
			q->flags |= Q_FLAT;
	}
	if (!limited) {
		if (!(q->flags & Q_INITIAL))
			q->last_us = (uint32_t)now;
		return;
	}
	if (c->cwnd >= c->ssthresh)
		avoid_congestion(c, q, acked, rtt_us, now);
	else if (q->flags & Q_INITIAL)
		hystart_acked(c, q, acked, rtt_us);
	else
		slow_start(c, q, acked);
}

static uint32_t cubic_ssthresh(struct wr_tcp_conn *c, uint32_t flight, wr_us_t now)
{
	struct cubic *q = cubic_of(c);
	bool initial = q->flags & Q_INITIAL;

	q->undo = U_VALID | U_INTACT | (q->flags & (uint8_t)~Q_ROUND);
	q->undo_w_max = initial ? 0 : q->w_max;
	if (!initial && q->w_est >= c->cwnd)
		q->undo |= U_FRIENDLY;
	// fast convergence, RFC 9438 4.7: (1 + 0.7) / 2
	q->w_max =
		!initial && c->cwnd < q->w_max ? (uint32_t)((uint64_t)c->cwnd * 17 / 20) : c->cwnd;
	q->flags = Q_PENDING | Q_REDUCED;
	// RFC 9438 4.6; what was sent beyond cwnd (RFC 3042, a peer that reneges) earns nothing
	return max32((uint32_t)((uint64_t)min32(flight, c->cwnd) * 7 / 10), 2u * c->mss);
}

static void cubic_restart(struct wr_tcp_conn *c, wr_us_t now)
{
	struct cubic *q = cubic_of(c);
	uint32_t w = wr_tcp_cc_initial_window(c);

	if (q->flags & Q_INITIAL)
		hystart_reset(q); // what a round was is over
	if (c->cwnd <= w)
		return;
	if (!(q->flags & Q_INITIAL)) {
		// slow start leads back to near the window that worked (RFC 7661 4.4.3)
		c->ssthresh = max32(c->ssthresh, c->cwnd - c->cwnd / 4);
		q->flags |= Q_PENDING;
	}
	c->cwnd = w; // RFC 5681 4.1
}

// RFC 9438 4.9. The epoch goes on where it was, without the time that the recovery took. When a new
// one has begun meanwhile, the curve is joined at cwnd: the same place, unless Reno was ahead of
// it.
static void cubic_undo(struct wr_tcp_conn *c, wr_us_t now)
{
	struct cubic *q = cubic_of(c);
	uint8_t undo = q->undo;

	if (!(undo & U_VALID))
		return;
	q->undo = 0;
	if (undo & Q_INITIAL) {
		hystart_reset(q);
		return;
	}
	q->flags = undo & (Q_PENDING | Q_REDUCED | Q_FLAT | Q_ALPHA_1);
	q->w_max = q->undo_w_max;
	q->last_us = (uint32_t)now;
	if ((undo & U_INTACT) || (q->flags & Q_PENDING))
		return;
	q->past_us = c->cwnd < q->w_max ? -curve_time(q->w_max - c->cwnd, c->mss)
	                                : curve_time(c->cwnd - q->w_max, c->mss);
	q->w_est = undo & U_FRIENDLY ? c->cwnd : min32(c->cwnd, c->ssthresh);
	q->est_frac = 0;
}

const struct wr_tcp_cc_ops wr_tcp_cc_cubic = {
	.name = "cubic",
	.init = cubic_init,
	.acked = cubic_acked,
	.ssthresh = cubic_ssthresh,
	.restart = cubic_restart,
	.undo = cubic_undo,
};
