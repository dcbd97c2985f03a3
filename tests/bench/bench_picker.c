/* SPDX-License-Identifier: BSD-3-Clause */

// Pickers of each algorithm: time to build one of a thousand backends, time to pick from 100 pools
// a tenth of whose backends is down. Prints "metric, value"; with --instructions it only picks, in
// functions for callgrind, and prints "algorithm, items, how many".

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_time.h"
#include "wr_limits.h"
#include "wr_picker.h"
#include "wr_rng.h"

#define POOLS         100u
#define POOL_BACKENDS 40u   // of each: all ids that there are; tables of 16,381 entries
#define DOWN          10u   // one in so many
#define BUILDS        9u    // of each kind; the median counts
#define BUILD_MOST    1000u // backends
#define PICKS         3200u // of a round: 32 of each pool on average
#define ROUNDS        31u
#define WARM_UP       100u        // rounds
#define EVICT_BYTES   (96u << 20) // more than the last level of the cache
#define KINDS         (WR_BALANCE_ROUND_ROBIN + 1)

static const char *const kinds[KINDS] = {
	"maglev", "bounded", "least", "two_choices", "round_robin"};

struct pool {
	struct wr_picker *picker;
	struct wr_picker_signals signals;
	struct wr_picker_turn turn;
};

static char names[BUILD_MOST][16];
static struct wr_maglev_backend backends[BUILD_MOST];
static uint32_t own[WR_MAX_BACKENDS], others[WR_MAX_BACKENDS], latency_us[WR_MAX_BACKENDS];
static uint16_t share[WR_MAX_BACKENDS];
static struct pool pools[POOLS];

static void die(const char *what)
{
	fprintf(stderr, "bench_picker: %s\n", what);
	exit(1);
}

static struct wr_picker *build(enum wr_balance how, uint32_t n, uint32_t size)
{
	struct wr_picker *p = wr_picker_build(how, 125, backends, n, size);

	if (p == NULL)
		die("out of memory");
	return p;
}

// --- building ---------------------------------------------------------------------------------

static void time_build(enum wr_balance how, const char *weights)
{
	double took[BUILDS];

	for (uint32_t i = 0; i < BUILDS; i++) {
		double at = now_ns();
		struct wr_picker *p = build(how, BUILD_MOST, 0);

		took[i] = now_ns() - at;
		wr_picker_destroy(p);
	}
	printf("picker_build_ms_%s_%s\t%.3f\n", kinds[how], weights, median(took, BUILDS) / 1e6);
}

static void building(void)
{
	struct wr_rng rng;

	wr_rng_init(&rng, 1);
	for (uint32_t i = 0; i < BUILD_MOST; i++)
		backends[i] = (struct wr_maglev_backend){names[i], (uint16_t)i, 1};
	for (int how = 0; how < (int)KINDS; how++)
		time_build((enum wr_balance)how, "equal");
	for (uint32_t i = 0; i < BUILD_MOST; i++)
		backends[i].weight = (uint16_t)(1 + i % 4);
	for (int how = 0; how < (int)KINDS; how++)
		time_build((enum wr_balance)how, "1_to_4");
	for (uint32_t i = 0; i < BUILD_MOST; i++)
		backends[i].weight = (uint16_t)(1 + wr_rng_below(&rng, 256));
	for (int how = 0; how < (int)KINDS; how++)
		time_build((enum wr_balance)how, "1_to_256");
}

// --- picking -----------------------------------------------------------------------------------

static void make_pools(enum wr_balance how)
{
	struct wr_rng rng;

	wr_rng_init(&rng, 2);
	for (uint32_t k = 0; k < POOLS; k++) {
		uint64_t sessions = 0;
		uint32_t size;

		for (uint32_t i = 0; i < POOL_BACKENDS; i++) {
			uint16_t id = (uint16_t)(k * POOL_BACKENDS + i);

			backends[i] =
				(struct wr_maglev_backend){names[i], id, (uint16_t)(1 + i % 4)};
			own[id] = wr_rng_below(&rng, 10) * backends[i].weight;
			others[id] = wr_rng_below(&rng, 30) * backends[i].weight;
			latency_us[id] = 500 + wr_rng_below(&rng, 5000);
			share[id] = 256;
			sessions += own[id] + others[id];
		}
		size = wr_maglev_size(backends, POOL_BACKENDS);
		for (uint32_t i = k % DOWN; i < POOL_BACKENDS; i += DOWN)
			backends[i].weight = 0;
		pools[k].picker = build(how, POOL_BACKENDS, size);
		pools[k].signals = (struct wr_picker_signals){
			own, others, latency_us, share, sessions, 30 * 256};
	}
}

static uint64_t mix(uint64_t h)
{
	h *= 0xbf58476d1ce4e5b9ULL;
	return h ^ h >> 29;
}

enum how_picked {
	NOT,     // the time of everything else
	APART,   // keys of their own, as connections have: picks overlap as far as they can
	CHAINED, // each key from the pick before: all the time from a key to a backend
};

static uint64_t picks(uint32_t count, enum how_picked picked, uint64_t h)
{
	for (uint32_t i = 0; i < PICKS; i++) {
		struct pool *p = &pools[((h & UINT32_MAX) * count) >> 32];
		uint64_t id = (uint64_t)(p - pools);

		h = mix(h + 1);
		if (picked != NOT)
			id = wr_picker_pick(p->picker, &p->signals, &p->turn, h, 0);
		__asm__ volatile("" : "+r"(id));
		h = mix(h + (picked == CHAINED ? id : 0) + 1);
	}
	return h;
}

static double time_round(uint32_t count, enum how_picked picked, uint64_t *h)
{
	double at = now_ns();

	*h = picks(count, picked, *h);
	return (now_ns() - at) / PICKS;
}

static void evict(uint8_t *bytes)
{
	for (uint32_t i = 0; i < EVICT_BYTES; i += 64)
		*(volatile uint8_t *)(bytes + i) += 1;
}

static void time_picks(
	const char *what, const char *kind, uint32_t count, enum how_picked picked, uint8_t *cold)
{
	double took[ROUNDS], empty[ROUNDS];
	uint64_t h = 12345;

	for (uint32_t i = 0; i < WARM_UP && cold == NULL; i++)
		h = picks(count, picked, h);
	for (uint32_t i = 0; i < ROUNDS; i++) {
		empty[i] = time_round(count, NOT, &h);
		if (cold != NULL)
			evict(cold);
		took[i] = time_round(count, picked, &h);
	}
	printf("picker_pick_ns_%s%s\t%.2f\n", kind, what,
		median(took, ROUNDS) - median(empty, ROUNDS));
}

static void picking(void)
{
	uint8_t *cold = calloc(1, EVICT_BYTES);

	if (cold == NULL)
		die("out of memory");
	memset(cold, 1, EVICT_BYTES);
	for (int how = 0; how < (int)KINDS; how++) {
		make_pools((enum wr_balance)how);
		time_picks("_hot", kinds[how], 1, CHAINED, NULL);
		time_picks("", kinds[how], POOLS, APART, NULL);
		time_picks("_chained", kinds[how], POOLS, CHAINED, NULL);
		time_picks("_cold", kinds[how], POOLS, CHAINED, cold);
		for (uint32_t k = 0; k < POOLS; k++)
			wr_picker_destroy(pools[k].picker);
	}
	free(cold);
}

// --- counting ----------------------------------------------------------------------------------

// Told apart by a comment, or compilers make one function of them.
#define MEASURED(kind)                                                                             \
	static __attribute__((noinline)) uint64_t measured_##kind(enum how_picked how)             \
	{                                                                                          \
		__asm__ volatile("# " #kind);                                                      \
		return picks(POOLS, how, 777);                                                     \
	}

MEASURED(maglev)
MEASURED(bounded)
MEASURED(least)
MEASURED(two_choices)
MEASURED(round_robin)
MEASURED(nothing) // what is around a pick

static void counting(void)
{
	static uint64_t (*const measured[])(enum how_picked) = {measured_maglev, measured_bounded,
		measured_least, measured_two_choices, measured_round_robin, measured_nothing};
	uint64_t sum = 0;

	for (uint32_t how = 0; how <= KINDS; how++) {
		if (how < KINDS)
			make_pools((enum wr_balance)how);
		sum += measured[how](how < KINDS ? APART : NOT);
		printf("%s\titems\t%u\n", how < KINDS ? kinds[how] : "nothing", PICKS);
	}
	if (sum == 0)
		die("a sum of 0");
}

int main(int argc, char **argv)
{
	for (uint32_t i = 0; i < BUILD_MOST; i++)
		snprintf(names[i], sizeof(names[i]), "backend-%u", i);
	if (argc > 1 && strcmp(argv[1], "--instructions") == 0) {
		counting();
		return 0;
	}
	building();
	picking();
	return 0;
}
