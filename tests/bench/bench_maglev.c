/* SPDX-License-Identifier: BSD-3-Clause */

// Maglev tables: time to build, time to pick, how even they are and how much moves when a backend
// goes, by number of backends and size of table. Prints "metric, value".

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_time.h"
#include "wr_maglev.h"

#define BACKENDS_MOST 1000u
#define BUILDS        9u // of each table; the median counts
#define POOLS         100u
#define POOL_BACKENDS 100u  // of each of them: tables of 16,381 entries
#define PICKS         3200u // of a round: 32 of each pool on average
#define ROUNDS        31u
#define WARM_UP       100u        // rounds
#define EVICT_BYTES   (96u << 20) // more than the last level of the cache
#define GONE          10u         // backends taken out, one at a time

static const uint32_t sizes[] = {1021, 4093, 16381, 65537, 131071, 655373};

static char names[BACKENDS_MOST][24];
static struct wr_maglev_backend backends[BACKENDS_MOST];

static void die(const char *what)
{
	fprintf(stderr, "bench_maglev: %s\n", what);
	exit(1);
}

static struct wr_maglev *build(uint32_t n, uint32_t size)
{
	struct wr_maglev *m = wr_maglev_build(backends, n, size);

	if (m == NULL)
		die("out of memory");
	return m;
}

// --- building ---------------------------------------------------------------------------------

static void time_build(uint32_t n, uint32_t size)
{
	double took[BUILDS];

	for (uint32_t i = 0; i < BUILDS; i++) {
		double at = now_ns();

		wr_maglev_destroy(build(n, size));
		took[i] = now_ns() - at;
	}
	printf("maglev_build_ms_%u_backends_%u\t%.4f\n", n, size, median(took, BUILDS) / 1e6);
}

// --- evenness and disruption --------------------------------------------------------------------

// Entries of the backend with most of them, over the mean.
static void imbalance(const struct wr_maglev *m, uint32_t n)
{
	static uint32_t share[BACKENDS_MOST];
	uint32_t most = 0;

	memset(share, 0, sizeof(share));
	for (uint32_t i = 0; i < m->size; i++)
		share[m->entry[i]]++;
	for (uint32_t i = 0; i < n; i++)
		most = share[i] > most ? share[i] : most;
	printf("maglev_imbalance_permille_%u_backends_%u\t%.1f\n", n, m->size,
		1000.0 * ((double)most * n / m->size - 1));
}

// Entries that changed hands although their backend stayed, of all, when one backend goes.
static void disruption(const struct wr_maglev *m, uint32_t n)
{
	double sum = 0;

	for (uint32_t k = 0; k < GONE; k++) {
		uint32_t gone = k * (n / GONE), moved = 0;
		struct wr_maglev *after;

		backends[gone].weight = 0;
		after = build(n, m->size);
		backends[gone].weight = 1;
		for (uint32_t i = 0; i < m->size; i++)
			moved += m->entry[i] != gone && m->entry[i] != after->entry[i];
		sum += (double)moved / m->size;
		wr_maglev_destroy(after);
	}
	printf("maglev_disruption_permille_%u_backends_%u\t%.2f\n", n, m->size, 1000 * sum / GONE);
}

// --- picking -----------------------------------------------------------------------------------

static uint64_t mix(uint64_t h)
{
	h *= 0xbf58476d1ce4e5b9ULL;
	return h ^ h >> 29;
}

// Each key comes from the pick before, so that nothing overlaps: the time is what one pick adds to
// a connection. Without `pools` it is the time of everything else.
static double picks(struct wr_maglev *const *pools, uint32_t count, uint64_t *seed)
{
	uint64_t h = *seed;
	double at = now_ns();

	for (uint32_t i = 0; i < PICKS; i++) {
		uint32_t pool = (uint32_t)(((h & UINT32_MAX) * count) >> 32);
		uint64_t id = pools != NULL ? wr_maglev_pick(pools[pool], h) : pool;

		__asm__ volatile("" : "+r"(id));
		h = mix(h + id + 1);
	}
	at = now_ns() - at;
	*seed = h;
	return at / PICKS;
}

static void evict(uint8_t *bytes)
{
	for (uint32_t i = 0; i < EVICT_BYTES; i += 64)
		*(volatile uint8_t *)(bytes + i) += 1;
}

static void time_picks(
	const char *metric, struct wr_maglev *const *pools, uint32_t count, uint8_t *cold)
{
	double took[ROUNDS], empty[ROUNDS];
	uint64_t seed = 12345;

	// more picks than the tables have cache lines
	for (uint32_t i = 0; i < WARM_UP && cold == NULL; i++)
		picks(pools, count, &seed);
	for (uint32_t i = 0; i < ROUNDS; i++) {
		empty[i] = picks(NULL, count, &seed);
		if (cold != NULL)
			evict(cold);
		took[i] = picks(pools, count, &seed);
	}
	printf("%s\t%.2f\n", metric, median(took, ROUNDS) - median(empty, ROUNDS));
}

static void time_key(void)
{
	struct wr_addr a = wr_addr_from_v4(0x010013c6);
	double took[ROUNDS];
	uint64_t h = 1;

	for (uint32_t i = 0; i < ROUNDS; i++) {
		double at = now_ns();

		for (uint32_t k = 0; k < PICKS; k++) {
			a.w[3] = (uint32_t)h;
			h = wr_maglev_key(&a, (uint16_t)k);
		}
		took[i] = (now_ns() - at) / PICKS;
	}
	if (h == 0)
		die("a hash of 0");
	printf("maglev_key_ns\t%.2f\n", median(took, ROUNDS));
}

static void picking(void)
{
	uint8_t *cold = calloc(1, EVICT_BYTES);
	struct wr_maglev *pools[POOLS], *small;

	if (cold == NULL)
		die("out of memory");
	memset(cold, 1, EVICT_BYTES);
	small = build(10, 0);
	// Tables of their own, each in memory of its own; what is in them does not matter here.
	for (uint32_t i = 0; i < POOLS; i++)
		pools[i] = build(POOL_BACKENDS, 0);
	time_key();
	time_picks("maglev_pick_ns_hot", &small, 1, NULL);
	time_picks("maglev_pick_ns_warm", pools, POOLS, NULL);
	time_picks("maglev_pick_ns", pools, POOLS, cold);
	for (uint32_t i = 0; i < POOLS; i++)
		wr_maglev_destroy(pools[i]);
	wr_maglev_destroy(small);
	free(cold);
}

int main(void)
{
	for (uint32_t i = 0; i < BACKENDS_MOST; i++) {
		snprintf(names[i], sizeof(names[i]), "backend-%u", i);
		backends[i] = (struct wr_maglev_backend){names[i], (uint16_t)i, 1};
	}
	for (uint32_t n = 10; n <= BACKENDS_MOST; n *= 10) {
		printf("maglev_size_%u_backends\t%u\n", n, wr_maglev_size(backends, n));
		for (uint32_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
			struct wr_maglev *m;

			if (sizes[k] < n * 4) // hardly an entry each
				continue;
			m = build(n, sizes[k]);
			time_build(n, sizes[k]);
			imbalance(m, n);
			disruption(m, n);
			wr_maglev_destroy(m);
		}
	}
	picking();
	return 0;
}
