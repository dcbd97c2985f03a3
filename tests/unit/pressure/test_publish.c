/* SPDX-License-Identifier: BSD-3-Clause */
#include "pressure_test.h"

#include <pthread.h>

static void publish_nothing_yet(void **state)
{
	struct wr_pressure_pub *pub = wr_pressure_pub_create();
	struct wr_pressure *out = malloc(sizeof(*out));

	memset(out, 0xff, sizeof(*out));
	wr_pressure_read(pub, out);
	assert_int_equal(out->queue_count, 0);
	assert_int_equal(out->own.level, 0);
	assert_null(out->events);
	wr_pressure_pub_destroy(pub);
	free(out);
}

static void publish_newest_without_pointers(void **state)
{
	struct wr_pressure_pub *pub = wr_pressure_pub_create();
	struct wr_pressure *out = malloc(sizeof(*out));
	struct rig *r = rig_create(16);

	wr_pressure_add(&r->p, WR_Q_handoff, 4, 100);
	wr_pressure_add(&r->p, WR_Q_conns, 5, 1000);
	wr_pressure_force(&r->p, 2, 3);
	rig_tick(r);
	for (uint64_t depth = 1; depth <= 5; depth++) {
		wr_pressure_depth(&r->p, 1, depth);
		wr_pressure_publish(pub, &r->p);
		wr_pressure_read(pub, out);
		assert_int_equal(out->queue[1].depth, depth);
	}
	assert_int_equal(out->worker, 3);
	assert_int_equal(out->queue_count, 2);
	assert_int_equal(out->services, 4);
	assert_int_equal(out->service[2].level, 3);
	assert_memory_equal(out->service, r->p.service, 4 * sizeof(out->service[0]));
	assert_int_equal(out->marks[WR_Q_rx_pool].low, 600);
	assert_memory_equal(out->queue, r->p.queue, 2 * sizeof(out->queue[0]));
	assert_null(out->events);
	assert_null(out->stats);
	wr_pressure_pub_destroy(pub);
	rig_destroy(r);
	free(out);
}

struct race {
	struct wr_pressure_pub *pub;
	struct rig *r;
	bool stop;
};

static void *writer(void *arg)
{
	struct race *race = arg;
	struct wr_pressure *p = &race->r->p;

	for (uint64_t n = 1; !__atomic_load_n(&race->stop, __ATOMIC_RELAXED); n++) {
		p->own.level_since_us = n;
		for (int i = 0; i < p->services; i++)
			p->service[i].level_since_us = n;
		for (int i = 0; i < p->queue_count; i++)
			wr_pressure_depth(p, i, n);
		wr_pressure_publish(race->pub, p);
	}
	return NULL;
}

// Every copy read is of one moment.
static void publish_race_consistent(void **state)
{
	struct race race = {.pub = wr_pressure_pub_create(), .r = rig_create(16)};
	struct wr_pressure *out = malloc(sizeof(*out));
	uint64_t last = 0;
	pthread_t thread;

	for (uint16_t i = 0; i < 64; i++)
		wr_pressure_add(&race.r->p, WR_Q_conns, i, 1000);
	assert_int_equal(pthread_create(&thread, NULL, writer, &race), 0);
	for (int n = 0; n < 20000; n++) {
		wr_pressure_read(race.pub, out);
		assert_true(out->own.level_since_us >= last);
		last = out->own.level_since_us;
		for (int i = 0; i < out->services; i++)
			assert_true(out->service[i].level_since_us == last);
		for (int i = 0; i < out->queue_count; i++)
			assert_true(out->queue[i].depth == last);
	}
	__atomic_store_n(&race.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	wr_pressure_pub_destroy(race.pub);
	rig_destroy(race.r);
	free(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(publish_nothing_yet),
		cmocka_unit_test(publish_newest_without_pointers),
		cmocka_unit_test(publish_race_consistent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
