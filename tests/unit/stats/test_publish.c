/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "wr_stats.h"

#include <pthread.h>
#include <signal.h>
#include <sys/time.h>

#define WORDS (sizeof(struct wr_stats_snapshot) / sizeof(uint64_t))

static void fill(struct wr_stats_snapshot *s, uint64_t value)
{
	uint64_t *w = (uint64_t *)s;

	for (size_t i = 0; i < WORDS; i++)
		w[i] = value;
}

static void assert_filled(const struct wr_stats_snapshot *s, uint64_t value)
{
	const uint64_t *w = (const uint64_t *)s;

	for (size_t i = 0; i < WORDS; i++)
		assert_true(w[i] == value);
}

static void publish_read_before_first(void **state)
{
	struct wr_stats_pub pub = {0};
	struct wr_stats_snapshot out;

	fill(&out, 9);
	wr_stats_read(&pub, &out);
	assert_filled(&out, 0);
}

static void publish_read_latest(void **state)
{
	struct wr_stats_pub pub = {0};
	struct wr_stats_snapshot in, out;

	for (uint64_t n = 1; n < 10; n++) {
		fill(&in, n);
		wr_stats_publish(&pub, &in.stats, &in.gauges);
		wr_stats_read(&pub, &out);
		assert_filled(&out, n);
		assert_int_equal(pub.seq, 2 * n);
	}
}

static void publish_read_across_sequence_wrap(void **state)
{
	struct wr_stats_pub pub = {.seq = UINT32_MAX - 3};
	struct wr_stats_snapshot in, out;

	for (uint64_t n = 1; n < 5; n++) {
		fill(&in, n);
		wr_stats_publish(&pub, &in.stats, &in.gauges);
		wr_stats_read(&pub, &out);
		assert_filled(&out, n);
	}
}

static void publish_read_while_writing(void **state)
{
	struct wr_stats_pub pub = {0};
	struct wr_stats_snapshot in, out;

	// As a writer stopped in the middle leaves it: odd, and the other copy half written.
	fill(&in, 1);
	wr_stats_publish(&pub, &in.stats, &in.gauges);
	pub.seq++;
	pub.copy[0].stats.ctr[0] = 2;
	wr_stats_read(&pub, &out);
	assert_filled(&out, 1);
}

struct shared {
	struct wr_stats_pub pub;
	int stop;
};

static void *writer(void *arg)
{
	struct shared *s = arg;
	struct wr_stats_snapshot in;

	for (uint64_t n = 1; !__atomic_load_n(&s->stop, __ATOMIC_RELAXED); n++) {
		fill(&in, n);
		wr_stats_publish(&s->pub, &in.stats, &in.gauges);
	}
	return NULL;
}

static void publish_read_consistent_under_a_writer(void **state)
{
	struct shared *s = calloc(1, sizeof(*s));
	struct wr_stats_snapshot out;
	uint64_t last = 0;
	bool torn = false, back = false;
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, writer, s), 0);
	for (int i = 0; i < 20000; i++) {
		const uint64_t *w = (const uint64_t *)&out;

		wr_stats_read(&s->pub, &out);
		for (size_t k = 1; k < WORDS; k++)
			torn |= w[k] != w[0];
		back |= w[0] < last;
		last = w[0];
	}
	__atomic_store_n(&s->stop, 1, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	assert_false(torn);
	assert_false(back);
	free(s);
}

// A writer that interrupts the reader in the middle: a timer signal publishes up to three times, or
// stops half-way through the second, as a preempted writer on another core does.
static struct {
	struct wr_stats_pub pub;
	uint64_t n;
	int signals;
	bool half;
} intr;

static void publish_in_signal(int sig)
{
	struct wr_stats_snapshot in;
	int times = intr.signals++ % 4;

	if (intr.half)
		intr.pub.seq--;
	intr.half = times == 3;
	for (int i = 0; i <= (intr.half ? 0 : times); i++) {
		fill(&in, ++intr.n);
		wr_stats_publish(&intr.pub, &in.stats, &in.gauges);
	}
	if (intr.half) {
		intr.pub.seq++;
		fill(&intr.pub.copy[((intr.pub.seq >> 1) + 1) & 1], UINT64_MAX);
	}
}

static void publish_read_interrupted_midway(void **state)
{
	struct sigaction act = {.sa_handler = publish_in_signal, .sa_flags = SA_RESTART};
	struct itimerval every = {{0, 50}, {0, 50}};
	const struct itimerval off = {0};
	struct wr_stats_snapshot out;
	bool torn = false;

	assert_int_equal(sigaction(SIGALRM, &act, NULL), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &every, NULL), 0);
	for (int i = 0; i < 5000000 && __atomic_load_n(&intr.signals, __ATOMIC_RELAXED) < 1000;
		i++) {
		wr_stats_read(&intr.pub, &out);
		torn |= out.stats.ctr[0] != out.gauges.handoff_queued;
	}
	assert_int_equal(setitimer(ITIMER_REAL, &off, NULL), 0);
	assert_true(intr.signals >= 100);
	assert_false(torn);
}

static void sum_adds_every_field(void **state)
{
	struct wr_stats_snapshot a, b;

	fill(&a, 3);
	fill(&b, 4);
	wr_stats_sum(&a, &b);
	assert_int_equal(a.gauges.now_us, 4);
	a.gauges.now_us = 7;
	assert_filled(&a, 7);
	assert_filled(&b, 4);
}

static void sum_now_is_the_later(void **state)
{
	struct wr_stats_snapshot a = {.gauges.now_us = 10, .gauges.conns = 1};
	struct wr_stats_snapshot b = {.gauges.now_us = 5, .gauges.conns = 2};

	wr_stats_sum(&a, &b);
	assert_int_equal(a.gauges.now_us, 10);
	assert_int_equal(a.gauges.conns, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(publish_read_before_first),
		cmocka_unit_test(publish_read_latest),
		cmocka_unit_test(publish_read_across_sequence_wrap),
		cmocka_unit_test(publish_read_while_writing),
		cmocka_unit_test(publish_read_consistent_under_a_writer),
		cmocka_unit_test(publish_read_interrupted_midway),
		cmocka_unit_test(sum_adds_every_field),
		cmocka_unit_test(sum_now_is_the_later),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
