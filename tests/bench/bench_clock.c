/* SPDX-License-Identifier: BSD-3-Clause */

// Taking the time of bursts, and saying what came out.

#include "bench_tcp.h"

#include <stdio.h>
#include <stdlib.h>

#include <rte_common.h>
#include <rte_cycles.h>

bool bench_counts;
uint64_t bench_items[BENCH_WHATS];
static uint64_t empty; // cycles that taking the time takes

void bench_die(const char *what)
{
	fprintf(stderr, "bench_tcp: %s\n", what);
	exit(1);
}

uint64_t bench_clock(void)
{
	return rte_rdtsc_precise();
}

uint32_t bench_rounds(void)
{
	return bench_counts ? 1 : BENCH_ROUNDS;
}

uint32_t bench_bursts(void)
{
	return bench_counts ? 64 : BENCH_BURSTS;
}

void bench_burst(struct bench *b, uint64_t cycles, uint32_t clocks, uint32_t items)
{
	uint64_t lost = empty * clocks;

	b->cycles[b->bursts++] = 100 * (cycles > lost ? cycles - lost : 0) / items;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

void bench_round_end(struct bench *b)
{
	double median;

	qsort(b->cycles, b->bursts, sizeof(*b->cycles), by_value);
	median = (double)b->cycles[b->bursts / 2] / 100;
	if (b->best == 0 || median < b->best)
		b->best = median;
	b->bursts = 0;
}

void bench_print(const struct bench *b, const char *name)
{
	if (!bench_counts)
		printf("%s\tcycles\t%.1f\n", name, b->best);
	fflush(stdout);
}

// By what callgrind's sums are divided.
void bench_print_items(void)
{
	static const char *const name[BENCH_WHATS] = {"data_in", "ack_in", "data_out", "conn_setup",
		"conn_teardown", "timer_fire", "lookup", "rte_hash", "memory"};

	for (uint32_t i = 0; bench_counts && i < BENCH_WHATS; i++)
		printf("%s\titems\t%llu\n", name[i], (unsigned long long)bench_items[i]);
}

void bench_calibrate(void)
{
	empty = UINT64_MAX;
	for (int i = 0; i < 1000; i++) {
		uint64_t at = bench_clock();

		empty = RTE_MIN(empty, bench_clock() - at);
	}
}
