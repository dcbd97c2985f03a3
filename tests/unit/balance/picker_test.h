/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "wr_test.h"

#include "wr_picker.h"
#include "wr_rng.h"

#define T_MOST  4096u
#define T_PICKS 1000000u
#define T_ID    7u // of the first backend

// A pool with its signals, as one worker has them.
struct t_pool {
	uint32_t n;
	struct wr_maglev_backend b[T_MOST];
	char name[T_MOST][16];
	uint32_t own[T_MOST + T_ID], others[T_MOST + T_ID], latency_us[T_MOST + T_ID];
	uint16_t share[T_MOST + T_ID];
	struct wr_picker_signals s;
	struct wr_picker_turn turn;
	uint64_t picked[T_MOST + T_ID];
};

// n backends b0, b1, ... of weight 1 with ids from T_ID on, all whole, nothing known of latencies.
static inline struct t_pool *t_pool(uint32_t n)
{
	struct t_pool *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	t->n = n;
	for (uint32_t i = 0; i < n; i++) {
		snprintf(t->name[i], sizeof(t->name[i]), "b%u", i);
		t->b[i] = (struct wr_maglev_backend){t->name[i], (uint16_t)(T_ID + i), 1};
	}
	for (uint32_t i = 0; i < T_MOST + T_ID; i++)
		t->share[i] = 256;
	t->s = (struct wr_picker_signals){
		t->own, t->others, t->latency_us, t->share, 0, UINT32_MAX};
	return t;
}

// The same pool, listed in another order.
static inline void t_shuffle(struct t_pool *t, struct wr_rng *rng)
{
	for (uint32_t i = t->n - 1; i > 0; i--) {
		uint32_t j = wr_rng_below(rng, i + 1);
		struct wr_maglev_backend b = t->b[i];

		t->b[i] = t->b[j];
		t->b[j] = b;
	}
}

static inline struct wr_picker *t_build(const struct t_pool *t, enum wr_balance how)
{
	struct wr_picker *p = wr_picker_build(how, 125, t->b, t->n, wr_maglev_size(t->b, t->n));

	assert_non_null(p);
	assert_int_equal(wr_picker_how(p), how);
	return p;
}

static inline uint32_t t_weight(const struct t_pool *t)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < t->n; i++)
		sum += t->b[i].weight;
	return sum;
}

// Every backend has its weight's share of `all`, to `percent` of it.
static inline void t_expect_shares(const struct t_pool *t, uint64_t all, double percent)
{
	for (uint32_t i = 0; i < t->n; i++) {
		double want = (double)all * t->b[i].weight / t_weight(t);
		double got = (double)t->picked[t->b[i].id];

		if (got < want * (1 - percent / 100) || got > want * (1 + percent / 100))
			fail_msg("backend %u of weight %u got %.0f, not %.0f", i, t->b[i].weight,
				got, want);
	}
}
