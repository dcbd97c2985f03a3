/* SPDX-License-Identifier: BSD-3-Clause */
#include "runner.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define JOBS_MAX     64
#define FAILURES_MAX 5   // then the rest is left
#define SEED_S       300 // of real time; more is a loop without end

// Seen by all processes.
struct shared {
	uint64_t next;         // offset of the next seed
	uint64_t done;         // seeds that ended well
	uint64_t at[JOBS_MAX]; // offset that each process works on
	uint64_t trouble[RUNNER_TROUBLES];
	uint64_t segments_total;
	bool stop;
	uint32_t segments[]; // of each seed
};

static const struct runner_opts *running;
static uint64_t running_seed;

void runner_say_replay(const struct runner_opts *o, uint64_t seed)
{
	fprintf(stderr, "replay: %s --seed %llu --count 1 --trace\n", o->program,
		(unsigned long long)seed);
}

static void too_long(int sig)
{
	fprintf(stderr, "seed %llu takes more than %d s\n", (unsigned long long)running_seed,
		SEED_S);
	runner_say_replay(running, running_seed);
	fflush(stderr);
	abort();
}

static void run_one(const struct runner_sim *sim, const struct runner_opts *o, struct shared *sh,
	uint64_t offset)
{
	struct runner_result r = {0};

	running = o;
	running_seed = o->seed + offset;
	alarm(o->trace ? 0 : SEED_S);
	sim->run(running_seed, o, &r);
	alarm(0);
	sh->segments[offset] = r.segments;
	__atomic_fetch_add(&sh->segments_total, r.segments, __ATOMIC_RELAXED);
	for (uint32_t i = 0; i < RUNNER_TROUBLES; i++)
		if (r.trouble & 1u << i)
			__atomic_fetch_add(&sh->trouble[i], 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&sh->done, 1, __ATOMIC_RELAXED);
}

static void work(
	const struct runner_sim *sim, const struct runner_opts *o, struct shared *sh, uint32_t job)
{
	uint64_t offset;

	while (!__atomic_load_n(&sh->stop, __ATOMIC_RELAXED) &&
		(offset = __atomic_fetch_add(&sh->next, 1, __ATOMIC_RELAXED)) < o->count) {
		sh->at[job] = offset;
		run_one(sim, o, sh, offset);
	}
}

static pid_t start(
	const struct runner_sim *sim, const struct runner_opts *o, struct shared *sh, uint32_t job)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		// a failure is written in one piece
		setvbuf(stderr, NULL, _IOFBF, 1 << 16);
		work(sim, o, sh, job);
		fflush(NULL);
		_exit(0);
	}
	return pid;
}

// Waits for all; a process that died is replaced. Returns how many died.
static uint32_t oversee(
	const struct runner_sim *sim, const struct runner_opts *o, struct shared *sh)
{
	pid_t pid[JOBS_MAX];
	uint32_t failed = 0, alive = 0, job;
	int status;

	for (job = 0; job < o->jobs; job++, alive++)
		pid[job] = start(sim, o, sh, job);
	while (alive > 0) {
		pid_t p = wait(&status);

		for (job = 0; job < o->jobs && pid[job] != p;)
			job++;
		if (p < 0 || job == o->jobs)
			continue;
		alive--;
		if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
			continue;
		fprintf(stderr, "%s: seed %llu failed\n", sim->name,
			(unsigned long long)(o->seed + sh->at[job]));
		runner_say_replay(o, o->seed + sh->at[job]);
		if (++failed >= FAILURES_MAX) {
			sh->stop = true;
			continue;
		}
		pid[job] = start(sim, o, sh, job);
		alive++;
	}
	return failed;
}

static int by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void say(const struct runner_sim *sim, const struct runner_opts *o, struct shared *sh,
	uint32_t median, double seconds)
{
	printf("%s: %llu seeds from %llu: %llu segments, median %u a seed, %.0f s;", sim->name,
		(unsigned long long)sh->done, (unsigned long long)o->seed,
		(unsigned long long)sh->segments_total, median, seconds);
	for (uint32_t i = 0; sim->trouble[i] != NULL; i++)
		printf("%s %s %llu", i > 0 ? "," : "", sim->trouble[i],
			(unsigned long long)sh->trouble[i]);
	putchar('\n');
}

static bool parse(int argc, char **argv, struct runner_opts *o)
{
	static const struct option options[] = {{"seed", required_argument, NULL, 's'},
		{"count", required_argument, NULL, 'c'}, {"jobs", required_argument, NULL, 'j'},
		{"trace", no_argument, NULL, 't'}, {"verbose", no_argument, NULL, 'v'}, {0}};
	int c;

	*o = (struct runner_opts){.seed = 1, .count = 100, .jobs = 1, .program = argv[0]};
	while ((c = getopt_long(argc, argv, "s:c:j:tv", options, NULL)) != -1) {
		if (c == 's')
			o->seed = strtoull(optarg, NULL, 0);
		else if (c == 'c')
			o->count = strtoull(optarg, NULL, 0);
		else if (c == 'j')
			o->jobs = (uint32_t)strtoul(optarg, NULL, 0);
		else if (c == 't')
			o->trace = true;
		else if (c == 'v')
			o->verbose = true;
		else
			return false;
	}
	return optind == argc && o->count > 0 && o->jobs >= 1 && o->jobs <= JOBS_MAX;
}

int runner_main(int argc, char **argv, const struct runner_sim *sim)
{
	struct rlimit no_core = {0, 0};
	struct timespec a, b;
	struct runner_opts o;
	struct shared *sh;
	uint32_t failed = 0, median;

	if (!parse(argc, argv, &o)) {
		fprintf(stderr, "%s [--seed N] [--count N] [--jobs 1-%d] [--trace] [--verbose]\n",
			argv[0], JOBS_MAX);
		return 2;
	}
	sh = mmap(NULL, sizeof(*sh) + o.count * sizeof(uint32_t), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (sh == MAP_FAILED) {
		fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
		return 1;
	}
	setrlimit(RLIMIT_CORE, &no_core);
	signal(SIGALRM, too_long);
	clock_gettime(CLOCK_MONOTONIC, &a);
	if (o.count == 1) // in this process, for a debugger
		work(sim, &o, sh, 0);
	else
		failed = oversee(sim, &o, sh);
	clock_gettime(CLOCK_MONOTONIC, &b);
	qsort(sh->segments, o.count, sizeof(uint32_t), by_size);
	median = sh->segments[o.count / 2];
	say(sim, &o, sh, median,
		(double)(b.tv_sec - a.tv_sec) + 1e-9 * (double)(b.tv_nsec - a.tv_nsec));
	if (failed == 0 && o.count >= 100 && median < sim->median_min) {
		fprintf(stderr, "%s: a median of %u segments a seed is less than %u\n", sim->name,
			median, sim->median_min);
		return 1;
	}
	return failed > 0 ? 1 : 0;
}
