/* SPDX-License-Identifier: BSD-3-Clause */

// What the key file of a tunnel may say beside what lib/ipsec asks of it: no SPI of those that
// live, no key that was in use before.

#include "ipsec.h"

#include <errno.h>

#include "wr_hash.h"

// Hash of a key, salt and authentication key: one after another, so that no copy of them is made.
static uint64_t print_of(const struct wr_ctl_ipsec *x, const struct wr_ipsec_key *k)
{
	uint64_t key[2] = {x->secret[0], x->secret[1]};

	key[0] ^= wr_siphash(key, k->key, sizeof(k->key));
	key[0] ^= wr_siphash(key, k->salt, sizeof(k->salt));
	return wr_siphash(key, k->auth, sizeof(k->auth));
}

static bool print_known(const struct wr_ctl_ipsec *x, uint64_t print)
{
	uint32_t n = RTE_MIN(x->prints, (uint32_t)IPSEC_PRINTS);

	for (uint32_t i = 0; i < n; i++)
		if (x->print[i] == print)
			return true;
	return false;
}

static void print_keep(struct wr_ctl_ipsec *x, uint64_t print)
{
	// Past its end from the middle on: what is full stays full.
	if (x->prints >= 2 * IPSEC_PRINTS)
		x->prints = IPSEC_PRINTS;
	x->print[x->prints++ % IPSEC_PRINTS] = print;
}

static bool has_spi(const struct wr_ipsec_sa *sa, uint32_t spi)
{
	struct wr_ipsec_sa_info info;

	if (sa == NULL)
		return false;
	wr_ipsec_sa_info(sa, &info);
	return info.spi == spi;
}

bool wr_ctl_ipsec_is_made_of(
	const struct wr_ctl *c, const struct ipsec_generation *g, const struct wr_ipsec_keys *k)
{
	for (uint16_t w = 0; w < c->workers; w++)
		if (!has_spi(g->in[w], k->in[w].spi) || !has_spi(g->out[w], k->out[w].spi) ||
			g->print[w][0] != print_of(c->ipsec, &k->in[w]) ||
			g->print[w][1] != print_of(c->ipsec, &k->out[w]))
			return false;
	return true;
}

static int check_spi(struct wr_ctl *c, const struct ipsec_tunnel *t, const struct wr_ipsec_key *k,
	const struct ipsec_tunnel *other, struct wr_err *err)
{
	// Each end gives the SPIs of what arrives there (RFC 4301 4.1).
	if (k->out && !wr_addr_eq(&t->t->remote, &other->t->remote))
		return 0;
	for (uint32_t i = 0; i < IPSEC_GENERATIONS; i++) {
		const struct ipsec_generation *g = &other->generation[i];

		if (g->number == 0 || g->stage == IPSEC_LEAVING)
			continue;
		for (uint16_t w = 0; w < c->workers; w++)
			if (has_spi(k->out ? g->out[w] : g->in[w], k->spi))
				return wr_err_set(err, EEXIST,
					"%s:%u: SPI 0x%08x is in use by keys %u of tunnel %s; give "
					"new keys SPIs of their own",
					c->conf->tunnels[t - c->ipsec->tunnel].keys, k->line,
					k->spi, g->number, other->t->name);
	}
	return 0;
}

static int check_key(struct wr_ctl *c, const struct ipsec_tunnel *t, const struct wr_ipsec_key *k,
	struct wr_err *err)
{
	int rc = 0;

	for (uint32_t i = 0; i < c->ipsec->count && rc == 0; i++)
		rc = check_spi(c, t, k, &c->ipsec->tunnel[i], err);
	if (rc == 0 && print_known(c->ipsec, print_of(c->ipsec, k)))
		rc = wr_err_set(err, EEXIST,
			"%s:%u: the key of worker %u, direction %s, was in use before: its "
			"sequence numbers would begin again; make a new key for each association",
			c->conf->tunnels[t - c->ipsec->tunnel].keys, k->line, k->worker,
			k->out ? "out" : "in");
	return rc;
}

int wr_ctl_ipsec_check_keys(struct wr_ctl *c, const struct ipsec_tunnel *t,
	const struct wr_ipsec_keys *k, struct wr_err *err)
{
	int rc = 0;

	for (uint16_t w = 0; w < c->workers && rc == 0; w++) {
		rc = check_key(c, t, &k->in[w], err);
		if (rc == 0)
			rc = check_key(c, t, &k->out[w], err);
	}
	return rc;
}

void wr_ctl_ipsec_print_keys(
	const struct wr_ctl *c, const struct wr_ipsec_keys *k, struct ipsec_generation *g)
{
	for (uint16_t w = 0; w < c->workers; w++) {
		g->print[w][0] = print_of(c->ipsec, &k->in[w]);
		g->print[w][1] = print_of(c->ipsec, &k->out[w]);
	}
}

void wr_ctl_ipsec_remember(struct wr_ctl *c, const struct ipsec_generation *g)
{
	for (uint16_t w = 0; w < c->workers; w++) {
		print_keep(c->ipsec, g->print[w][0]);
		print_keep(c->ipsec, g->print[w][1]);
	}
}
