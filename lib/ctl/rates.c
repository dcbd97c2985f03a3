/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl_priv.h"

#include <string.h>

#include "wr_hash.h"

// Sessions a second, of each backend: its counters are looked at once a second, some backends a
// turn.

#define EVERY_US   WR_US_PER_S
#define SLOTS_TURN 512

// Who is in a slot. Not secret, so any key does.
static uint64_t ident(const struct wr_backend *be)
{
	static const uint64_t key[2] = {0x7765697220627920ULL, 0x736c6f7473000000ULL};
	struct {
		char name[WR_NAME_LEN];
		struct wr_addr addr;
		uint32_t pool, port;
	} who = {.addr = be->addr.addr, .pool = be->pool, .port = be->addr.port};

	memcpy(who.name, be->name, sizeof(who.name));
	return wr_siphash(key, &who, sizeof(who));
}

// The histograms are not needed here, and are most of what wr_backend_sum() reads.
static uint64_t sessions_total(const struct wr_ctl *c, const struct wr_backend *be)
{
	uint64_t n = 0;

	for (uint16_t w = 0; w < c->workers; w++)
		n += __atomic_load_n(&be->per_worker[w].sessions_total, __ATOMIC_RELAXED);
	return n;
}

static void look(struct wr_ctl *c, uint16_t id, wr_us_t now)
{
	const struct wr_backend *be = wr_backends_get(c->backends, id);
	struct wr_ctl_watch *w = &c->watch[id];
	uint64_t who, total, grown;

	if (be == NULL) {
		memset(w, 0, sizeof(*w));
		return;
	}
	who = ident(be);
	total = sessions_total(c, be);
	if (who != w->ident || total < w->total || now <= w->look_us) {
		// Somebody else, or the first look: a rate needs two.
		if (who != w->ident)
			memset(w, 0, sizeof(*w));
		w->ident = who;
	} else {
		grown = (total - w->total) * WR_US_PER_S / (now - w->look_us);
		w->per_s[w->at] = (uint32_t)RTE_MIN(grown, (uint64_t)UINT32_MAX);
		w->per_s_max = RTE_MAX(w->per_s_max, w->per_s[w->at]);
		w->at = (uint8_t)((w->at + 1) % WR_CTL_RATE_LOOKS);
		w->looks = (uint8_t)RTE_MIN(w->looks + 1, WR_CTL_RATE_LOOKS);
	}
	w->total = total;
	w->look_us = now;
}

void wr_ctl_rates_turn(struct wr_ctl *c, wr_us_t now)
{
	uint32_t count = RTE_MIN(wr_backends_count(c->backends), (uint32_t)WR_MAX_BACKENDS);
	uint32_t end;

	if (c->rates_at == 0 && now < c->next_rates_us)
		return;
	if (c->rates_at == 0)
		c->next_rates_us = now + EVERY_US;
	end = RTE_MIN(count, c->rates_at + SLOTS_TURN);
	for (uint32_t i = c->rates_at; i < end; i++)
		look(c, (uint16_t)i, now);
	c->rates_at = end >= count ? 0 : end;
}

struct wr_ctl_rate wr_ctl_rate(const struct wr_ctl *c, uint16_t backend)
{
	const struct wr_ctl_watch *w = &c->watch[backend];
	struct wr_ctl_rate rate = {.per_s_max = w->per_s_max};
	uint64_t sum = 0;

	if (w->looks == 0)
		return rate;
	// Looks fill the ring from its start, so the first `looks` are the valid ones.
	for (uint8_t i = 0; i < w->looks; i++)
		sum += w->per_s[i];
	rate.per_s = w->per_s[(w->at + WR_CTL_RATE_LOOKS - 1) % WR_CTL_RATE_LOOKS];
	rate.per_s_10 = (sum + w->looks / 2) / w->looks;
	return rate;
}
