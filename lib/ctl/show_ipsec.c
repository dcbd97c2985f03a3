/* SPDX-License-Identifier: BSD-3-Clause */
#include "ipsec.h"

#include <stdio.h>
#include <string.h>

// Encrypted paths to backends: tunnels, and the associations of each. No part of a key is known
// here.

static const char *const modes[] = {
	[WR_IPSEC_TUNNEL] = "tunnel",
	[WR_IPSEC_TRANSPORT] = "transport",
};

static wr_us_t since(const struct wr_ctl *c, wr_us_t at)
{
	return c->now_us > at ? c->now_us - at : 0;
}

static void put_ends(struct wr_reply *r, const struct wr_ipsec_tunnel *t)
{
	char addr[WR_ADDR_STR];

	wr_reply_str(r, "mode", modes[t->mode]);
	wr_reply_str(r, "cipher", wr_ipsec_cipher_name(t->cipher));
	wr_reply_str(r, "local", wr_addr_format(&t->local, addr, sizeof(addr)));
	wr_reply_str(r, "remote", wr_addr_format(&t->remote, addr, sizeof(addr)));
}

// The tunnel of a parameter, -1 for all. False: an error row was written.
static bool param_tunnel(
	struct wr_ctl *c, const struct wr_params *p, struct wr_reply *r, int *tunnel)
{
	const char *name = wr_params_get(p, "tunnel");

	*tunnel = name != NULL ? wr_conf_find_tunnel(c->conf, name) : -1;
	if (name == NULL || *tunnel >= 0)
		return true;
	wr_reply_error(r, "see /weir/tunnels for those that there are", "no tunnel '%.64s'", name);
	return false;
}

// --- /weir/ipsec
// ----------------------------------------------------------------------------------

static const char *state_of(const struct wr_ctl *c, const struct ipsec_tunnel *t,
	const struct ipsec_generation *g, const struct wr_ipsec_sa_info *info)
{
	static const char *const stages[] = {
		[IPSEC_NEXT] = "next",
		[IPSEC_CURRENT] = "current",
		[IPSEC_OLD] = "old",
	};

	if (wr_ctl_ipsec_ended(t->t, info, c->now_us))
		return "expired";
	return stages[g->stage];
}

static uint64_t left_of(uint64_t all, uint64_t used)
{
	return used < all ? all - used : 0;
}

// What has no end has nothing left to show.
static void put_life(struct wr_ctl *c, struct wr_reply *r, const struct wr_ipsec_tunnel *t,
	const struct ipsec_generation *g, const struct wr_ipsec_sa_info *info)
{
	uint64_t packets = wr_ctl_ipsec_life_packets(t);

	if (packets != 0)
		wr_reply_uint(r, "life_packets_left", left_of(packets, info->packets));
	if (t->life_bytes != 0)
		wr_reply_uint(r, "life_bytes_left", left_of(t->life_bytes, info->bytes));
	if (t->life_us != 0)
		wr_reply_uint(
			r, "life_s_left", left_of(t->life_us, since(c, g->made_us)) / WR_US_PER_S);
}

static void sa_row(struct wr_ctl *c, struct wr_reply *r, const struct ipsec_tunnel *t,
	const struct ipsec_generation *g, const struct wr_ipsec_sa_info *info)
{
	wr_reply_str(r, "tunnel", t->t->name);
	put_ends(r, t->t);
	wr_reply_uint(r, "worker", info->worker);
	wr_reply_str(r, "direction", info->out ? "out" : "in");
	wr_reply_fmt(r, "spi", "0x%08x", info->spi);
	wr_reply_uint(r, "generation", g->number);
	wr_reply_str(r, "state", state_of(c, t, g, info));
	wr_reply_uint(r, "age_s", since(c, g->made_us) / WR_US_PER_S);
	wr_reply_uint(r, "packets", info->packets);
	wr_reply_uint(r, "bytes", info->bytes);
	wr_reply_uint(r, "sequence", info->sequence);
	put_life(c, r, t->t, g, info);
	if (info->out)
		return;
	wr_reply_uint(r, "replayed", info->replayed);
	wr_reply_uint(r, "forged", info->forged);
	wr_reply_uint(r, "malformed", info->malformed);
	wr_reply_uint(r, "misplaced", info->misplaced);
	wr_reply_str(r, "steered", g->rule[info->worker] != NULL ? "nic" : "worker");
}

static void generation_rows(struct wr_ctl *c, struct wr_reply *r, const struct ipsec_tunnel *t,
	const struct ipsec_generation *g, uint64_t worker)
{
	struct wr_ipsec_sa_info info;

	for (uint16_t w = 0; w < c->workers; w++) {
		const struct wr_ipsec_sa *both[] = {g->in[w], g->out[w]};

		for (uint32_t i = 0; i < RTE_DIM(both); i++) {
			if ((worker != UINT64_MAX && worker != w) || !wr_reply_row(r))
				continue;
			wr_ipsec_sa_info(both[i], &info);
			sa_row(c, r, t, g, &info);
		}
	}
}

void wr_show_ipsec(struct wr_ctl *c, const struct wr_params *p, struct wr_reply *r)
{
	// Newest first.
	static const enum ipsec_stage order[] = {IPSEC_NEXT, IPSEC_CURRENT, IPSEC_OLD};
	uint64_t worker;
	int only;

	if (!wr_ctl_param_worker(c, p, r, &worker) || !param_tunnel(c, p, r, &only))
		return;
	for (uint32_t i = 0; c->ipsec != NULL && i < c->ipsec->count; i++)
		for (uint32_t k = 0; k < RTE_DIM(order); k++) {
			struct ipsec_tunnel *t = &c->ipsec->tunnel[i];
			const struct ipsec_generation *g = wr_ctl_ipsec_find(t, order[k]);

			if (g != NULL && (only < 0 || (uint32_t)only == i))
				generation_rows(c, r, t, g, worker);
		}
}

// --- /weir/tunnels
// --------------------------------------------------------------------------------

static const char *state_name(struct wr_ctl *c, struct ipsec_tunnel *t, bool required)
{
	static const char *const names[] = {
		[IPSEC_OPENING] = "opening",
		[IPSEC_OPEN] = "open",
		[IPSEC_PARTLY] = "partly closed",
		[IPSEC_CLOSED] = "closed",
	};

	return required ? names[wr_ctl_ipsec_state(c, t)] : "in clear";
}

static void put_pools(struct wr_ctl *c, struct wr_reply *r, int tunnel)
{
	char text[WR_REPLY_TEXT_MAX * 4] = "";
	size_t used = 0;

	for (uint32_t i = 0; i < c->conf->pool_count; i++) {
		const struct wr_conf_pool *p = &c->conf->pools[i];

		if (p->slot == WR_CONF_VACANT || p->tunnel != tunnel ||
			used + strlen(p->name) + 2 > sizeof(text))
			continue;
		used += (size_t)snprintf(
			text + used, sizeof(text) - used, "%s%s", used > 0 ? " " : "", p->name);
	}
	wr_reply_text(r, "pools", text);
}

static void put_totals(struct wr_reply *r, const struct ipsec_totals *s)
{
	wr_reply_uint(r, "in_packets", s->in_packets);
	wr_reply_uint(r, "in_bytes", s->in_bytes);
	wr_reply_uint(r, "out_packets", s->out_packets);
	wr_reply_uint(r, "out_bytes", s->out_bytes);
	wr_reply_uint(r, "replayed", s->replayed);
	wr_reply_uint(r, "forged", s->forged);
	wr_reply_uint(r, "malformed", s->malformed);
	wr_reply_uint(r, "misplaced", s->misplaced);
}

static void tunnel_row(struct wr_ctl *c, struct wr_reply *r, struct ipsec_tunnel *t, uint32_t i)
{
	const struct wr_conf_tunnel *conf = &c->conf->tunnels[i];
	const struct ipsec_generation *g = wr_ctl_ipsec_find(t, IPSEC_CURRENT);
	const struct ipsec_generation *next = wr_ctl_ipsec_find(t, IPSEC_NEXT);
	bool required = t->ever || wr_conf_tunnel_required(c->conf, i);
	struct ipsec_totals s;
	struct ipsec_life life;
	uint16_t port, mtu;

	wr_reply_str(r, "name", t->t->name);
	wr_reply_str(r, "state", state_name(c, t, required));
	wr_reply_uint(r, "required", required);
	put_ends(r, t->t);
	put_pools(c, r, (int)i);
	// Before there are keys in force an optional tunnel is not what such a packet takes.
	if (required && wr_l3_path(c->l3, &conf->to[0].addr, &port, &mtu))
		wr_reply_uint(r, "mtu_inside", mtu);
	wr_ctl_ipsec_totals(c, t, &s);
	put_totals(r, &s);
	if (next != NULL)
		wr_reply_uint(r, "generation_next", next->number);
	if (g == NULL)
		return;
	wr_reply_uint(r, "generation", g->number);
	wr_reply_uint(r, "age_s", since(c, g->made_us) / WR_US_PER_S);
	wr_ctl_ipsec_life(t, c->workers, g, c->now_us, &life);
	if (life.what != NULL)
		wr_reply_uint(r, "life_used_permille", life.permille);
}

void wr_show_tunnels(struct wr_ctl *c, const struct wr_params *p, struct wr_reply *r)
{
	int only;

	if (!param_tunnel(c, p, r, &only))
		return;
	for (uint32_t i = 0; c->ipsec != NULL && i < c->ipsec->count; i++)
		if ((only < 0 || (uint32_t)only == i) && wr_reply_row(r))
			tunnel_row(c, r, &c->ipsec->tunnel[i], i);
}
