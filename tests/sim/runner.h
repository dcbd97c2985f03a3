/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

// Runs a range of seeds in several processes, says in one line what they met, and names the seeds
// that failed with the command that replays them.

#define RUNNER_TROUBLES 16

struct runner_opts {
	uint64_t seed, count;
	uint32_t jobs;
	bool trace;   // print every packet
	bool verbose; // print each seed's scenario
	const char *program;
};

// What a seed reports of itself.
struct runner_result {
	uint32_t segments;
	uint32_t trouble; // bit i: the seed had trouble i
};

struct runner_sim {
	const char *name;
	uint32_t median_min;        // segments; a range of seeds with less proves too little
	const char *const *trouble; // names, NULL at the end
	void (*run)(uint64_t seed, const struct runner_opts *o, struct runner_result *r);
};

// main() of a simulation: [--seed N] [--count N] [--jobs N] [--trace] [--verbose].
int runner_main(int argc, char **argv, const struct runner_sim *sim);

// Prints the command that replays a seed; for whoever finds it wrong.
void runner_say_replay(const struct runner_opts *o, uint64_t seed);
