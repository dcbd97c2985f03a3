/* SPDX-License-Identifier: BSD-3-Clause */

// Keys of tunnels, once a second: what nears its end, what has ended, what was refused.

#include <inttypes.h>
#include <stdio.h>

#include "ipsec.h"

uint64_t wr_ctl_ipsec_life_packets(const struct wr_ipsec_tunnel *t)
{
	// RFC 4303 3.3.3: sequence numbers must not begin again.
	if (!t->esn && (t->life_packets == 0 || t->life_packets > UINT32_MAX))
		return UINT32_MAX;
	return t->life_packets;
}

bool wr_ctl_ipsec_ended(
	const struct wr_ipsec_tunnel *t, const struct wr_ipsec_sa_info *sa, wr_us_t now)
{
	uint64_t packets = wr_ctl_ipsec_life_packets(t);

	return sa->expired || (packets != 0 && sa->packets >= packets) ||
	       (t->life_bytes != 0 && sa->bytes >= t->life_bytes) ||
	       (t->life_us != 0 && now >= sa->made_us + t->life_us);
}

static void life_of(
	struct ipsec_life *l, uint64_t used, uint64_t all, const char *what, uint16_t worker)
{
	uint32_t permille;

	if (all == 0)
		return;
	permille = used >= all ? 1000 : (uint32_t)((double)used * 1000 / (double)all);
	if (l->what != NULL && permille <= l->permille)
		return;
	l->permille = permille;
	l->what = what;
	l->left = used >= all ? 0 : all - used;
	l->worker = worker;
}

void wr_ctl_ipsec_life(const struct ipsec_tunnel *t, uint16_t workers,
	const struct ipsec_generation *g, wr_us_t now, struct ipsec_life *out)
{
	wr_us_t age = now > g->made_us ? now - g->made_us : 0;
	struct wr_ipsec_sa_info info;
	bool ended;

	*out = (struct ipsec_life){0};
	life_of(out, age / WR_US_PER_S, t->t->life_us / WR_US_PER_S, "s", 0);
	for (uint16_t i = 0; i < 2 * workers; i++) {
		wr_ipsec_sa_info(i % 2 != 0 ? g->out[i / 2] : g->in[i / 2], &info);
		life_of(out, info.packets, wr_ctl_ipsec_life_packets(t->t), "packets", i / 2);
		life_of(out, info.bytes, t->t->life_bytes, "bytes", i / 2);
		out->sending += info.out;
		ended = wr_ctl_ipsec_ended(t->t, &info, now);
		out->ended += ended;
		out->sending_ended += info.out && ended;
	}
}

enum ipsec_state wr_ctl_ipsec_state(struct wr_ctl *c, struct ipsec_tunnel *t)
{
	const struct ipsec_generation *g = wr_ctl_ipsec_find(t, IPSEC_CURRENT);
	struct ipsec_life life;

	if (g == NULL || !t->ever)
		return IPSEC_OPENING;
	wr_ctl_ipsec_life(t, c->workers, g, c->now_us, &life);
	if (life.sending_ended == life.sending)
		return IPSEC_CLOSED;
	return life.ended > 0 ? IPSEC_PARTLY : IPSEC_OPEN;
}

// --- life
// -----------------------------------------------------------------------------------------

static void warn(struct wr_ctl *c, uint32_t tunnel, struct ipsec_generation *g,
	const struct ipsec_life *life)
{
	char text[96];

	g->warned = true;
	snprintf(text, sizeof(text), "%" PRIu64 " %s left", life->left, life->what);
	if (life->what[0] != 's')
		snprintf(text, sizeof(text), "%" PRIu64 " %s left on worker %u", life->left,
			life->what, life->worker);
	wr_ctl_ipsec_event(c, tunnel, WR_EV_ipsec_ending, g->number, text);
}

static void closed(struct wr_ctl *c, uint32_t tunnel, const struct ipsec_generation *g,
	const struct ipsec_life *life)
{
	char text[96];

	c->ipsec->tunnel[tunnel].closed = true;
	snprintf(text, sizeof(text), "keys %u reached the end of their life (%s)", g->number,
		life->what[0] == 's' ? "time" : life->what);
	if (life->ended < 2u * c->workers)
		snprintf(text, sizeof(text), "keys %u reached their end on worker %u alone (%s)",
			g->number, life->worker, life->what);
	wr_ctl_ipsec_event(c, tunnel, WR_EV_ipsec_closed, g->number, text);
}

static void watch_life(struct wr_ctl *c, uint32_t tunnel, wr_us_t now)
{
	struct ipsec_tunnel *t = &c->ipsec->tunnel[tunnel];
	struct ipsec_generation *g = wr_ctl_ipsec_find(t, IPSEC_CURRENT);
	uint32_t percent = c->conf->tunnels[tunnel].life_warn_percent;
	struct ipsec_life life;

	// With new ones there the switch comes at the latest when these end, and mends it.
	if (g == NULL || t->telling || wr_ctl_ipsec_find(t, IPSEC_NEXT) != NULL)
		return;
	wr_ctl_ipsec_life(t, c->workers, g, now, &life);
	if (life.ended > 0 && !t->closed)
		closed(c, tunnel, g, &life);
	else if (life.what != NULL && !g->warned && !t->closed && percent != 0 &&
		 life.permille >= percent * 10)
		warn(c, tunnel, g, &life);
}

// --- refusals
// -------------------------------------------------------------------------------------

void wr_ctl_ipsec_add(struct ipsec_totals *to, const struct wr_ipsec_sa_info *sa)
{
	if (sa->out) {
		to->out_packets += sa->packets;
		to->out_bytes += sa->bytes;
		return;
	}
	to->in_packets += sa->packets;
	to->in_bytes += sa->bytes;
	to->replayed += sa->replayed;
	to->forged += sa->forged;
	to->malformed += sa->malformed;
	to->misplaced += sa->misplaced;
}

void wr_ctl_ipsec_totals(
	const struct wr_ctl *c, const struct ipsec_tunnel *t, struct ipsec_totals *out)
{
	struct wr_ipsec_sa_info info;

	*out = t->gone;
	for (uint32_t i = 0; i < IPSEC_GENERATIONS; i++)
		for (uint16_t w = 0; t->generation[i].number != 0 && w < c->workers; w++) {
			wr_ipsec_sa_info(t->generation[i].in[w], &info);
			wr_ctl_ipsec_add(out, &info);
			wr_ipsec_sa_info(t->generation[i].out[w], &info);
			wr_ctl_ipsec_add(out, &info);
		}
}

static void watch_refusals(struct wr_ctl *c, uint32_t tunnel)
{
	struct ipsec_tunnel *t = &c->ipsec->tunnel[tunnel];
	struct wr_event ev = {.kind = WR_EV_ipsec_refused,
		.worker = UINT16_MAX,
		.queue = UINT16_MAX,
		.scope = tunnel};
	struct ipsec_totals now;
	uint64_t most = 0, all = 0;

	wr_ctl_ipsec_totals(c, t, &now);
	const struct {
		uint64_t count;
		enum wr_drop reason;
	} grown[] = {{now.forged - t->seen.forged, WR_DROP_ipsec_authentication},
		{now.replayed - t->seen.replayed, WR_DROP_ipsec_replay},
		{now.malformed - t->seen.malformed, WR_DROP_ipsec_malformed},
		{now.misplaced - t->seen.misplaced, WR_DROP_ipsec_selector}};

	t->seen = now;
	for (uint32_t i = 0; i < RTE_DIM(grown); i++) {
		all += grown[i].count;
		if (grown[i].count <= most)
			continue;
		most = grown[i].count;
		ev.reason = (uint16_t)grown[i].reason;
	}
	ev.count = (uint32_t)RTE_MIN(all, (uint64_t)UINT32_MAX);
	if (all > 0)
		wr_ctl_event_add(c, &ev);
}

void wr_ctl_ipsec_watch(struct wr_ctl *c, uint32_t tunnel, wr_us_t now)
{
	watch_life(c, tunnel, now);
	watch_refusals(c, tunnel);
}
