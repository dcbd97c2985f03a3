/* SPDX-License-Identifier: BSD-3-Clause */

// Flow lookup in bursts of 32, in random order, with rte_hash's bulk lookup beside it: the same
// tuples, as many of them, both tables half full.

#include "bench_tcp.h"

#include <stdio.h>
#include <string.h>

#include <rte_common.h>
#include <rte_hash.h>
#include <rte_prefetch.h>

#include "flow.h"
#include "wr_hash.h"
#include "wr_rng.h"
#include "wr_tcp.h"

static const uint64_t key[2] = {0x243f6a8885a308d3ULL, 0x13198a2e03707344ULL};

// What wr_tcp_input_burst() does first with every burst.
BENCH_MEASURED static void measured_lookup(const struct wr_tcp_flow *f, const struct wr_pool *conns,
	const struct wr_pkt *pkts, void **found)
{
	wr_tcp_flow_lookup_bulk(f, conns, key, pkts, BENCH_BURST, found);
	BENCH_END(lookup, BENCH_BURST);
}

BENCH_MEASURED static int measured_rte_hash(
	const struct rte_hash *h, const void **keys, int32_t *positions)
{
	int rc = rte_hash_lookup_bulk(h, keys, BENCH_BURST, positions);

	BENCH_END(rte_hash, BENCH_BURST);
	return rc;
}

// What any lookup of that many objects pays on this machine: one line of each of 32, asked for at
// once.
BENCH_MEASURED static uint64_t measured_memory(void *const *at)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < BENCH_BURST; i++)
		rte_prefetch0(at[i]);
	for (uint32_t i = 0; i < BENCH_BURST; i++)
		sum += *(const volatile uint64_t *)at[i];
	BENCH_END(memory, BENCH_BURST);
	return sum;
}

struct tables {
	uint32_t conns;
	struct wr_tcp_flow flow;
	struct wr_pool pool;
	struct rte_hash *rte;
	struct wr_rng rng;
	struct wr_pkt pkts[BENCH_BURST];
};

static void tables_fill(struct tables *t, uint32_t conns)
{
	struct rte_hash_parameters params = {.name = "bench",
		.entries = conns + conns / 2, // 64 % full, as the flow table is
		.key_len = offsetof(struct wr_tuple, rport) + sizeof(uint16_t)};
	// without the share of what only few connections need at a time
	size_t stride = RTE_ALIGN_FLOOR(wr_tcp_conn_size(), RTE_CACHE_LINE_SIZE);
	wr_handle_t h;

	t->conns = conns;
	t->rte = rte_hash_create(&params);
	if (t->rte == NULL || wr_pool_init(&t->pool, "bench", conns, stride, SOCKET_ID_ANY) < 0 ||
		wr_tcp_flow_init(&t->flow, conns, SOCKET_ID_ANY) < 0)
		bench_die("no memory for the tables: more huge pages (vm.nr_hugepages) are needed");
	for (uint32_t i = 0; i < conns; i++) {
		struct wr_tuple *at = wr_pool_get(&t->pool, &h);

		*at = bench_tuple(i);
		if (!wr_tcp_flow_add(&t->flow, wr_hash_tuple(key, at), h) ||
			rte_hash_add_key(t->rte, at) < 0)
			bench_die("a table is full before it should be");
	}
	wr_rng_init(&t->rng, conns);
}

static void random_burst(struct tables *t)
{
	for (uint32_t i = 0; i < BENCH_BURST; i++)
		t->pkts[i].t = bench_tuple(wr_rng_below(&t->rng, t->conns));
}

static void round_flow(struct tables *t, struct bench *b)
{
	void *found[BENCH_BURST];
	uint64_t at;

	for (uint32_t k = 0; k < bench_bursts(); k++) {
		random_burst(t);
		at = bench_clock();
		measured_lookup(&t->flow, &t->pool, t->pkts, found);
		bench_burst(b, bench_clock() - at, 1, BENCH_BURST);
		for (uint32_t i = 0; i < BENCH_BURST; i++)
			if (found[i] == NULL || !wr_tuple_eq(found[i], &t->pkts[i].t))
				bench_die("a lookup went wrong");
	}
	bench_round_end(b);
}

static void round_rte_hash(struct tables *t, struct bench *b)
{
	int32_t positions[BENCH_BURST];
	const void *keys[BENCH_BURST];
	uint64_t at;

	for (uint32_t i = 0; i < BENCH_BURST; i++)
		keys[i] = &t->pkts[i].t;
	for (uint32_t k = 0; k < bench_bursts(); k++) {
		random_burst(t);
		at = bench_clock();
		measured_rte_hash(t->rte, keys, positions);
		bench_burst(b, bench_clock() - at, 1, BENCH_BURST);
		for (uint32_t i = 0; i < BENCH_BURST; i++)
			if (positions[i] < 0)
				bench_die("rte_hash lost a key");
	}
	bench_round_end(b);
}

static void round_memory(struct tables *t, struct bench *b)
{
	void *at[BENCH_BURST];
	uint64_t clock;

	for (uint32_t k = 0; k < bench_bursts(); k++) {
		for (uint32_t i = 0; i < BENCH_BURST; i++)
			at[i] = wr_pool_at(&t->pool, wr_rng_below(&t->rng, t->conns));
		clock = bench_clock();
		measured_memory(at);
		bench_burst(b, bench_clock() - clock, 1, BENCH_BURST);
	}
	bench_round_end(b);
}

void bench_flow(uint32_t conns, const char *label)
{
	static struct tables t;
	static struct bench flow, rte, memory;
	char name[64];

	memset(&flow, 0, sizeof(flow));
	memset(&rte, 0, sizeof(rte));
	memset(&memory, 0, sizeof(memory));
	tables_fill(&t, conns);
	// in turns, so that all meet the same disturbances
	for (uint32_t i = 0; i < bench_rounds(); i++) {
		round_flow(&t, &flow);
		round_rte_hash(&t, &rte);
		round_memory(&t, &memory);
	}
	snprintf(name, sizeof(name), "lookup_%s", label);
	bench_print(&flow, name);
	snprintf(name, sizeof(name), "lookup_%s_rte_hash", label);
	bench_print(&rte, name);
	snprintf(name, sizeof(name), "lookup_%s_memory", label);
	bench_print(&memory, name);
	rte_hash_free(t.rte);
	wr_tcp_flow_fini(&t.flow);
	wr_pool_fini(&t.pool);
}
