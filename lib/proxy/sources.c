/* SPDX-License-Identifier: BSD-3-Clause */

// Source addresses towards backends, each with its ports: one block of memory for each backend,
// made and freed by the control thread, used by the worker.

#include "proxy_priv.h"

#include <stdlib.h>

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

uint32_t sources_count(const struct wr_conf_pool *pc)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < pc->source_count; i++)
		n += range_size(&pc->source[i]);
	return pc->source_count > 0 ? n : 1; // the port's own that leads there
}

// The configured sources of a pool in order, at most `max`.
static void list(const struct wr_conf_pool *pc, struct wr_addr *out, uint32_t max)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < pc->source_count; i++) {
		struct wr_addr a = pc->source[i].first;

		for (; n < max; a = wr_addr_next(&a)) {
			out[n++] = a;
			if (wr_addr_cmp(&a, &pc->source[i].last) >= 0)
				break;
		}
	}
}

bool sources_match(const struct source_pairs *sp, const struct wr_conf_pool *pc)
{
	struct wr_addr a[WR_MAX_SOURCES];

	if (sp->own || pc->source_count == 0)
		return sp->own == (pc->source_count == 0);
	if (sp->sources != sources_count(pc))
		return false;
	list(pc, a, sp->sources);
	return memcmp(a, sp->source, sp->sources * sizeof(a[0])) == 0;
}

static int pair_init(
	struct wr_proxy *p, struct source_pairs *sp, const struct wr_conf_backend *bc, uint32_t at)
{
	struct wr_tuple t = {
		.local = sp->source[at], .remote = bc->address.addr, .rport = bc->address.port};
	bool v4 = wr_addr_is_v4(&t.remote);
	struct wr_ports_order **order;
	uint16_t port, mtu;

	if (wr_addr_is_v4(&t.local) != v4 || !wr_l3_path(p->cfg.l3, &t.remote, &port, &mtu))
		return 0;
	order = &p->maker.orders[port][v4];
	if (*order == NULL)
		*order = wr_ports_order_create(p->cfg.port_rss[port], v4);
	if (*order == NULL)
		return -1;
	sp->usable[at] = true;
	wr_ports_init(&sp->ports[at], *order, p->cfg.port_rss[port], &t, p->cfg.worker,
		sp->bitmaps + at * (wr_ports_bitmap_bytes() / sizeof(uint64_t)), &p->maker.rng);
	return 0;
}

// Room for n sources, zeroed.
static struct source_pairs *block(uint32_t n)
{
	struct source_pairs *sp;
	size_t each = wr_ports_bitmap_bytes() + sizeof(sp->ports[0]) + sizeof(sp->source[0]) +
	              sizeof(sp->usable[0]);

	sp = calloc(1, sizeof(*sp) + n * each);
	if (sp == NULL)
		return NULL;
	sp->sources = n;
	// In the order of what they must be aligned to.
	sp->bitmaps = (uint64_t *)(sp + 1);
	sp->ports = (struct wr_ports *)RTE_PTR_ADD(sp->bitmaps, n * wr_ports_bitmap_bytes());
	sp->source = (struct wr_addr *)(sp->ports + n);
	sp->usable = (bool *)(sp->source + n);
	return sp;
}

struct source_pairs *sources_create(
	struct wr_proxy *p, const struct wr_conf_pool *pc, const struct wr_conf_backend *bc)
{
	bool own = pc->source_count == 0;
	struct wr_addr from;
	bool way = own && wr_l3_source(p->cfg.l3, &bc->address.addr, &from);
	struct source_pairs *sp = block(own ? way : sources_count(pc));

	if (sp == NULL)
		return NULL;
	sp->own = own;
	sp->mss = path_mss(p, &bc->address.addr);
	if (way)
		sp->source[0] = from;
	else
		list(pc, sp->source, sp->sources);
	for (uint32_t i = 0; i < sp->sources; i++) {
		if (pair_init(p, sp, bc, i) == 0)
			continue;
		free(sp);
		return NULL;
	}
	return sp;
}

void sources_destroy(struct source_pairs *sp)
{
	free(sp);
}

bool sources_get(
	struct wr_proxy *p, const struct wr_backend *be, struct wr_tuple *t, uint32_t *source)
{
	struct source_pairs *sp = p->pairs[be->id];

	t->remote = be->addr.addr;
	t->rport = be->addr.port;
	for (uint32_t k = 0; sp != NULL && k < sp->sources; k++) {
		if (++sp->rotor >= sp->sources)
			sp->rotor = 0;
		if (!sp->usable[sp->rotor])
			continue;
		t->lport = wr_ports_get(&sp->ports[sp->rotor]);
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
	const struct source_pairs *sp = p->pairs[be->id];

	return sp != NULL ? sp->mss : 0;
}

bool sources_reach(struct wr_proxy *p, const struct wr_backend *be)
{
	const struct source_pairs *sp = p->pairs[be->id];

	for (uint32_t k = 0; sp != NULL && k < sp->sources; k++)
		if (sp->usable[k])
			return true;
	return false;
}

void sources_put(struct wr_proxy *p, const struct wr_backend *be, uint32_t source, uint16_t port)
{
	wr_ports_put(&p->pairs[be->id]->ports[source], port);
}

static void pairs_gauge(
	const struct source_pairs *sp, struct wr_proxy_gauges *out, uint64_t *capacity)
{
	for (uint32_t k = 0; k < sp->sources; k++) {
		const struct wr_ports *ports = &sp->ports[k];

		if (!sp->usable[k])
			continue;
		*capacity += ports->capacity;
		// The fullest pair: used/max as a cross product instead of a division.
		if (out->ports_max == 0 || (uint64_t)ports->in_use * out->ports_max >
						   (uint64_t)out->ports_used * ports->capacity) {
			out->ports_used = ports->in_use;
			out->ports_max = ports->capacity;
		}
	}
}

void sources_gauges(const struct wr_proxy *p, struct wr_proxy_gauges *out)
{
	uint64_t capacity = 0;

	for (uint32_t i = 0; i < p->backend_slots; i++)
		if (p->pairs[i] != NULL)
			pairs_gauge(p->pairs[i], out, &capacity);
	out->connects_per_s_ceiling = capacity / 60;
}
