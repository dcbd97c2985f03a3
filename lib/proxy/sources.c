/* SPDX-License-Identifier: BSD-3-Clause */

// Source addresses towards backends, each with its ports by backend.

#include "proxy_priv.h"

#include <errno.h>
#include <stdlib.h>

#define PAIRS_MAX 65536 // 8 KiB of bitmap each: 512 MiB a worker

static uint32_t range_size(const struct wr_conf_source *r)
{
	struct wr_addr a = r->first;
	uint32_t n = 1;

	while (wr_addr_cmp(&a, &r->last) < 0 && n <= WR_MAX_SOURCES) {
		a = wr_addr_next(&a);
		n++;
	}
	return n;
}

// The sources of a pool: its own ranges, or every port's addresses that its backends need.
static int sources_list(struct wr_proxy *p, const struct wr_conf_pool *pc, struct source_pairs *sp,
	struct wr_err *err)
{
	sp->source = calloc(WR_MAX_SOURCES, sizeof(*sp->source));
	if (sp->source == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < pc->source_count; i++) {
		struct wr_addr a = pc->source[i].first;

		if (sp->sources + range_size(&pc->source[i]) > WR_MAX_SOURCES)
			return wr_err_set(err, EINVAL, "pool %s: more than %u source addresses",
				pc->name, WR_MAX_SOURCES);
		for (;; a = wr_addr_next(&a)) {
			sp->source[sp->sources++] = a;
			if (wr_addr_cmp(&a, &pc->source[i].last) >= 0)
				break;
		}
	}
	for (uint32_t i = 0; pc->source_count == 0 && i < pc->backend_count; i++) {
		struct wr_addr a;
		bool known = false;

		if (!wr_l3_source(p->cfg.l3, &pc->backends[i].address.addr, &a))
			continue;
		for (uint32_t k = 0; k < sp->sources; k++)
			known = known || wr_addr_eq(&sp->source[k], &a);
		if (!known && sp->sources < WR_MAX_SOURCES)
			sp->source[sp->sources++] = a;
	}
	return 0;
}

static int pair_init(struct wr_proxy *p, struct source_pairs *sp, const struct wr_conf_backend *bc,
	uint32_t at, uint32_t source)
{
	struct wr_tuple t = {
		.local = sp->source[source], .remote = bc->address.addr, .rport = bc->address.port};
	bool v4 = wr_addr_is_v4(&t.remote);
	struct wr_addr own;
	uint16_t port, mtu;

	sp->usable[at] = wr_addr_is_v4(&t.local) == v4;
	if (!sp->usable[at])
		return 0;
	if (!wr_l3_path(p->cfg.l3, &t.remote, &port, &mtu)) {
		sp->usable[at] = false;
		return 0;
	}
	// With the ports' own addresses, only the one that fits the way out.
	if (p->conf->pools[sp - p->pairs].source_count == 0 &&
		(!wr_l3_source(p->cfg.l3, &t.remote, &own) || !wr_addr_eq(&own, &t.local))) {
		sp->usable[at] = false;
		return 0;
	}
	if (p->orders[port][v4] == NULL)
		p->orders[port][v4] = wr_ports_order_create(p->cfg.port_rss[port], v4);
	if (p->orders[port][v4] == NULL)
		return -ENOMEM;
	wr_ports_init(&sp->ports[at], p->orders[port][v4], p->cfg.port_rss[port], &t, p->cfg.worker,
		sp->bitmaps + at * (wr_ports_bitmap_bytes() / sizeof(uint64_t)), &p->rng);
	return 0;
}

static int pairs_create(struct wr_proxy *p, uint32_t pool, uint32_t *total, struct wr_err *err)
{
	const struct wr_conf_pool *pc = &p->conf->pools[pool];
	struct source_pairs *sp = &p->pairs[pool];
	uint32_t n;
	int rc = sources_list(p, pc, sp, err);

	if (rc < 0)
		return rc;
	sp->first = wr_backends_pool(p->cfg.backends, (uint16_t)pool)->first;
	sp->backends = pc->backend_count;
	n = sp->sources * sp->backends;
	*total += n;
	sp->mss = calloc(sp->backends, sizeof(*sp->mss));
	if (sp->mss == NULL)
		return -ENOMEM;
	for (uint32_t b = 0; b < sp->backends; b++)
		sp->mss[b] = path_mss(p, &pc->backends[b].address.addr);
	if (*total > PAIRS_MAX)
		return wr_err_set(err, EINVAL,
			"pool %s: %u sources x %u backends bring the pairs to %u; %u is the most "
			"(8 KiB of port bitmap each)",
			pc->name, sp->sources, sp->backends, *total, PAIRS_MAX);
	if (n == 0)
		return 0;
	sp->ports = calloc(n, sizeof(*sp->ports));
	sp->usable = calloc(n, sizeof(*sp->usable));
	sp->bitmaps = calloc(n, wr_ports_bitmap_bytes());
	if (sp->ports == NULL || sp->usable == NULL || sp->bitmaps == NULL)
		return -ENOMEM;
	for (uint32_t b = 0; b < sp->backends; b++)
		for (uint32_t s = 0; s < sp->sources; s++)
			if (pair_init(p, sp, &pc->backends[b], b * sp->sources + s, s) < 0)
				return -ENOMEM;
	return 0;
}

int sources_create(struct wr_proxy *p, struct wr_err *err)
{
	uint32_t total = 0;

	p->pairs = calloc(p->conf->pool_count, sizeof(*p->pairs));
	if (p->pairs == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < p->conf->pool_count; i++) {
		int rc = pairs_create(p, i, &total, err);

		if (rc < 0)
			return rc;
	}
	return 0;
}

void sources_destroy(struct wr_proxy *p)
{
	for (uint32_t i = 0; p->pairs != NULL && i < p->conf->pool_count; i++) {
		free(p->pairs[i].source);
		free(p->pairs[i].mss);
		free(p->pairs[i].ports);
		free(p->pairs[i].usable);
		free(p->pairs[i].bitmaps);
	}
	free(p->pairs);
	for (uint32_t i = 0; i < WR_MAX_PORTS; i++)
		for (uint32_t f = 0; f < 2; f++)
			wr_ports_order_destroy(p->orders[i][f]);
}

static uint32_t pair_of(struct wr_proxy *p, const struct wr_backend *be, uint32_t source)
{
	const struct source_pairs *sp = &p->pairs[be->pool];

	return (be->id - sp->first) * sp->sources + source;
}

bool sources_get(
	struct wr_proxy *p, const struct wr_backend *be, struct wr_tuple *t, uint32_t *source)
{
	struct source_pairs *sp = &p->pairs[be->pool];

	t->remote = be->addr.addr;
	t->rport = be->addr.port;
	for (uint32_t k = 0; k < sp->sources; k++) {
		uint32_t at;

		if (++sp->rotor >= sp->sources)
			sp->rotor = 0;
		at = pair_of(p, be, sp->rotor);
		if (!sp->usable[at])
			continue;
		t->lport = wr_ports_get(&sp->ports[at]);
		if (t->lport == 0)
			continue;
		t->local = sp->source[sp->rotor];
		*source = sp->rotor;
		return true;
	}
	return false;
}

uint16_t sources_mss(const struct wr_proxy *p, const struct wr_backend *be)
{
	const struct source_pairs *sp = &p->pairs[be->pool];

	return sp->mss[be->id - sp->first];
}

bool sources_reach(struct wr_proxy *p, const struct wr_backend *be)
{
	for (uint32_t k = 0; k < p->pairs[be->pool].sources; k++)
		if (p->pairs[be->pool].usable[pair_of(p, be, k)])
			return true;
	return false;
}

void sources_put(struct wr_proxy *p, const struct wr_backend *be, uint32_t source, uint16_t port)
{
	wr_ports_put(&p->pairs[be->pool].ports[pair_of(p, be, source)], port);
}

void sources_gauges(const struct wr_proxy *p, struct wr_proxy_gauges *out)
{
	uint64_t capacity = 0;

	for (uint32_t i = 0; i < p->conf->pool_count; i++) {
		const struct source_pairs *sp = &p->pairs[i];

		for (uint32_t k = 0; k < sp->sources * sp->backends; k++) {
			const struct wr_ports *ports = &sp->ports[k];

			if (!sp->usable[k])
				continue;
			capacity += ports->capacity;
			// The fullest pair: used/max as a cross product instead of a division.
			if (out->ports_max == 0 ||
				(uint64_t)ports->in_use * out->ports_max >
					(uint64_t)out->ports_used * ports->capacity) {
				out->ports_used = ports->in_use;
				out->ports_max = ports->capacity;
			}
		}
	}
	out->connects_per_s_ceiling = capacity / 60;
}
