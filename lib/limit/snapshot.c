/* SPDX-License-Identifier: BSD-3-Clause */

// Access rules as workers read them: a tree of prefixes for each family, whose nodes name what is
// said there, by service.

#include "limit_priv.h"

#include <stdio.h>
#include <stdlib.h>

#include <rte_byteorder.h>
#include <rte_memory.h>
#include <rte_rib.h>
#include <rte_rib6.h>

// Questions that a client asks.
#define ASK_ACCESS 1u
#define ASK_CLASS  2u

// What is said at one prefix for one service; a service's own has what is said for ANY filled in.
struct said {
	uint16_t service;
	uint8_t action;
	uint8_t class;
};

struct snapshot {
	struct rte_rib *v4; // NULL: no prefix of this family
	struct rte_rib6 *v6;
	uint8_t asks[2]; // questions that some rule answers, by family (v6: 1)
	struct said said[];
};

int access_rule_cmp(const struct wr_access_rule *a, const struct wr_access_rule *b)
{
	int d = wr_addr_cmp(&a->from.addr, &b->from.addr);

	if (d != 0)
		return d;
	if (a->from.len != b->from.len)
		return a->from.len < b->from.len ? -1 : 1;
	if (a->service != b->service)
		return a->service < b->service ? -1 : 1;
	d = access_rule_is_class(a) - access_rule_is_class(b);
	return d != 0 ? d : a->configured - b->configured;
}

static bool same_prefix(const struct wr_access_rule *a, const struct wr_access_rule *b)
{
	return a->from.len == b->from.len && wr_addr_eq(&a->from.addr, &b->from.addr);
}

static int trees_create(struct snapshot *s, const struct wr_access_rule *rule, uint32_t n)
{
	uint32_t prefixes[2] = {0};
	// A tree has an inner node at most for each prefix.
	struct rte_rib_conf conf4 = {.ext_sz = 0};
	struct rte_rib6_conf conf6 = {.ext_sz = 0};
	char name[24];

	for (uint32_t i = 0; i < n; i++)
		if (i == 0 || !same_prefix(&rule[i - 1], &rule[i]))
			prefixes[!wr_addr_is_v4(&rule[i].from.addr)]++;
	// Names are of the process: the address of what lives as long as the tree is unique.
	if (prefixes[0] > 0) {
		conf4.max_nodes = (int)(2 * prefixes[0] + 1);
		snprintf(name, sizeof(name), "wr%lx.4", (unsigned long)(uintptr_t)s);
		s->v4 = rte_rib_create(name, SOCKET_ID_ANY, &conf4);
		if (s->v4 == NULL)
			return -1;
	}
	if (prefixes[1] > 0) {
		conf6.max_nodes = (int)(2 * prefixes[1] + 1);
		snprintf(name, sizeof(name), "wr%lx.6", (unsigned long)(uintptr_t)s);
		s->v6 = rte_rib6_create(name, SOCKET_ID_ANY, &conf6);
		if (s->v6 == NULL)
			return -1;
	}
	return 0;
}

static int insert(struct snapshot *s, const struct wr_prefix *p, uint64_t next)
{
	struct rte_rib_node *n4;
	struct rte_rib6_node *n6;

	if (wr_addr_is_v4(&p->addr)) {
		n4 = rte_rib_insert(s->v4, rte_be_to_cpu_32(p->addr.w[3]), (uint8_t)(p->len - 96));
		return n4 != NULL ? rte_rib_set_nh(n4, next) : -1;
	}
	n6 = rte_rib6_insert(s->v6, p->addr.b, p->len);
	return n6 != NULL ? rte_rib6_set_nh(n6, next) : -1;
}

// Gather the n rules of one prefix, by service. Returns how many services there are.
static uint32_t gather(struct said *out, const struct wr_access_rule *rule, uint32_t n)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < n; i++) {
		const struct wr_access_rule *r = &rule[i];
		struct said *at;

		if (count == 0 || out[count - 1].service != r->service)
			out[count++] =
				(struct said){r->service, WR_ACCESS_NONE, WR_ACCESS_NO_CLASS};
		at = &out[count - 1];
		// The first one of a statement holds: the operator's.
		if (access_rule_is_class(r)) {
			if (at->class == WR_ACCESS_NO_CLASS)
				at->class = r->class;
		} else if (at->action == WR_ACCESS_NONE) {
			at->action = r->action;
		}
	}
	for (uint32_t i = 0; i + 1 < count && out[count - 1].service == WR_ACCESS_ANY; i++) {
		if (out[i].action == WR_ACCESS_NONE)
			out[i].action = out[count - 1].action;
		if (out[i].class == WR_ACCESS_NO_CLASS)
			out[i].class = out[count - 1].class;
	}
	return count;
}

struct snapshot *snapshot_create(const struct wr_access_rule *rule, uint32_t n)
{
	struct snapshot *s = calloc(1, sizeof(*s) + n * sizeof(s->said[0]));
	uint32_t used = 0;

	if (s == NULL)
		return NULL;
	if (trees_create(s, rule, n) < 0)
		goto fail;
	for (uint32_t i = 0, k; i < n; i = k) {
		bool v6 = !wr_addr_is_v4(&rule[i].from.addr);
		uint32_t count;

		for (k = i; k < n && same_prefix(&rule[i], &rule[k]); k++)
			s->asks[v6] |= access_rule_is_class(&rule[k]) ? ASK_CLASS : ASK_ACCESS;
		count = gather(&s->said[used], &rule[i], k - i);
		if (insert(s, &rule[i].from, (uint64_t)used << 32 | count) != 0)
			goto fail;
		used += count;
	}
	return s;

fail:
	snapshot_destroy(s);
	return NULL;
}

void snapshot_destroy(struct snapshot *s)
{
	if (s == NULL)
		return;
	rte_rib_free(s->v4);
	rte_rib6_free(s->v6);
	free(s);
}

// What is said to a service at one prefix, or NULL. Sorted; ANY is the last one.
static const struct said *said_to(const struct said *said, uint32_t count, uint16_t service)
{
	uint32_t low = 0, high = count - 1;

	while (low < high) {
		uint32_t mid = (low + high) / 2;

		if (said[mid].service < service)
			low = mid + 1;
		else
			high = mid;
	}
	if (said[low].service == service)
		return &said[low];
	return said[count - 1].service == WR_ACCESS_ANY ? &said[count - 1] : NULL;
}

// Answer what is asked and said at one prefix. Returns what is still asked.
static inline uint32_t answer(const struct snapshot *s, uint64_t next, uint16_t service,
	uint32_t asks, struct wr_access_verdict *v)
{
	const struct said *said = said_to(&s->said[next >> 32], (uint32_t)next, service);

	if (said == NULL)
		return asks;
	if ((asks & ASK_ACCESS) && said->action != WR_ACCESS_NONE) {
		v->denied = said->action == WR_ACCESS_DENY;
		asks &= ~ASK_ACCESS;
	}
	if ((asks & ASK_CLASS) && said->class != WR_ACCESS_NO_CLASS) {
		v->class = said->class;
		asks &= ~ASK_CLASS;
	}
	return asks;
}

struct wr_access_verdict snapshot_look(
	const struct snapshot *s, const struct wr_addr *client, uint16_t service, uint8_t otherwise)
{
	struct wr_access_verdict v = {false, otherwise};
	uint64_t next = 0;

	if (wr_addr_is_v4(client)) {
		uint32_t asks = s->asks[0];
		struct rte_rib_node *at;

		if (asks == 0)
			return v;
		at = rte_rib_lookup(s->v4, rte_be_to_cpu_32(client->w[3]));
		for (; at != NULL && asks != 0; at = rte_rib_lookup_parent(at)) {
			rte_rib_get_nh(at, &next);
			asks = answer(s, next, service, asks, &v);
		}
	} else {
		uint32_t asks = s->asks[1];
		struct rte_rib6_node *at;

		if (asks == 0)
			return v;
		at = rte_rib6_lookup(s->v6, client->b);
		for (; at != NULL && asks != 0; at = rte_rib6_lookup_parent(at)) {
			rte_rib6_get_nh(at, &next);
			asks = answer(s, next, service, asks, &v);
		}
	}
	return v;
}
