/* SPDX-License-Identifier: BSD-3-Clause */

// Signals for pickers: who has how many sessions, which of them are hot, who answers how fast.

#include "backend_priv.h"

#include <string.h>

#include <rte_common.h>

// Prequal calls those hot whose load is above this quantile of all (Wydrowski et al., NSDI 2024).
#define HOT_PERCENT 84

void wr_backends_hold(struct wr_backends *b, uint16_t worker, uint16_t id)
{
	uint32_t *own = &b->own[worker].sessions[id];

	__atomic_store_n(own, *own + 1, __ATOMIC_RELAXED);
}

void wr_backends_release(struct wr_backends *b, uint16_t worker, uint16_t id)
{
	uint32_t *own = &b->own[worker].sessions[id];

	__atomic_store_n(own, *own - 1, __ATOMIC_RELAXED);
}

// An average in which each new value counts an eighth, as RFC 6298 smooths round trips.
void wr_backends_latency(struct wr_backends *b, uint16_t worker, uint16_t id, wr_us_t us)
{
	uint32_t *latency = &b->own[worker].latency_us[id];
	int64_t old = *latency, fresh = (int64_t)RTE_MIN(us, (wr_us_t)UINT32_MAX);

	if (old != 0)
		fresh = old + (fresh - old) / 8;
	*latency = (uint32_t)RTE_MAX(fresh, 1); // 0 means unknown
}

void wr_load_forget(struct wr_backends *b, uint16_t id)
{
	for (uint16_t w = 0; w < b->workers; w++)
		b->own[w].latency_us[id] = 0;
	b->share[id] = WHOLE;
}

// The k-th smallest of v[0..n), which it reorders.
static uint32_t smallest(uint32_t *v, uint32_t n, uint32_t k)
{
	uint32_t low = 0, high = n;

	while (high - low > 1) {
		uint32_t pivot = v[low + (high - low) / 2], lt = low, i = low, gt = high;

		while (i < gt) {
			uint32_t x = v[i];

			if (x < pivot) {
				v[i++] = v[lt];
				v[lt++] = x;
			} else if (x > pivot) {
				v[i] = v[--gt];
				v[gt] = x;
			} else {
				i++;
			}
		}
		if (k < lt)
			high = lt;
		else if (k >= gt)
			low = gt;
		else
			return pivot;
	}
	return v[low];
}

static void tier(struct wr_backends *b, const struct wr_pool_slot *ps, uint8_t p, bool hot,
	const uint32_t *sum, uint32_t *scratch)
{
	uint64_t sessions = 0;
	uint32_t n = 0;

	for (uint32_t i = 0; i < ps->count; i++) {
		const struct wr_backend *be = wr_pool_member(b, ps, i);
		uint32_t w;

		if (be == NULL || be->priority != p ||
			!(ps->failing_open ? wr_backend_candidate(be) : be->seen->pickable))
			continue;
		w = wr_backend_share_weight(be);
		sessions += sum[be->id];
		scratch[n++] = w > 0 ? (uint32_t)((uint64_t)sum[be->id] * 256 / w) : 0;
	}
	__atomic_store_n(&b->load[ps->id].sessions[p], sessions, __ATOMIC_RELAXED);
	if (hot && n > 0)
		__atomic_store_n(&b->load[ps->id].hot[p],
			smallest(scratch, n, (n - 1) * HOT_PERCENT / 100), __ATOMIC_RELAXED);
}

void wr_load_collect(struct wr_backends *b)
{
	uint32_t sum[WR_MAX_BACKENDS];

	memset(sum, 0, b->count * sizeof(*sum));
	for (uint16_t w = 0; w < b->workers; w++)
		for (uint32_t i = 0; i < b->count; i++)
			sum[i] += __atomic_load_n(&b->own[w].sessions[i], __ATOMIC_RELAXED);
	for (uint16_t w = 0; b->workers > 1 && w < b->workers; w++) {
		const uint32_t *own = b->own[w].sessions;
		uint32_t *others = b->others[w].sessions;

		for (uint32_t i = 0; i < b->count; i++) {
			uint32_t mine = __atomic_load_n(&own[i], __ATOMIC_RELAXED);
			uint32_t n = sum[i] > mine ? sum[i] - mine : 0;

			if (others[i] != n) // leaves the worker's cache lines alone
				__atomic_store_n(&others[i], n, __ATOMIC_RELAXED);
		}
	}
	for (uint16_t i = 0; i < b->pool_count; i++) {
		const struct wr_pool_slot *ps = &b->pools[i];

		if (!b->pool_used[i] || ps->conf == NULL)
			continue;
		for (uint32_t t = 0; ps->view != NULL && t < ps->view->tiers; t++)
			tier(b, ps, ps->view->tier[t].priority,
				ps->conf->balance == WR_CONF_BALANCE_TWO_CHOICES, sum, b->scratch);
	}
}
