/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "wr_event.h"

#include <pthread.h>
#include <sched.h>

#include <rte_memory.h>

static int group_setup(void **state)
{
	wr_test_eal_init();
	return 0;
}

static void event_ring_create_sizes(void **state)
{
	struct wr_event_ring *r;

	assert_null(wr_event_ring_create(0, SOCKET_ID_ANY));
	assert_null(wr_event_ring_create(3, SOCKET_ID_ANY));
	assert_null(wr_event_ring_create(1u << 31, SOCKET_ID_ANY));
	r = wr_event_ring_create(1, SOCKET_ID_ANY);
	assert_non_null(r);
	wr_event_ring_destroy(r);
	wr_event_ring_destroy(NULL);
}

static void event_ring_pop_empty(void **state)
{
	struct wr_event_ring *r = wr_event_ring_create(4, SOCKET_ID_ANY);
	struct wr_event ev = {.extra = 5};

	assert_false(wr_event_pop(r, &ev));
	assert_int_equal(ev.extra, 5);
	wr_event_ring_destroy(r);
}

static void event_ring_push_full(void **state)
{
	struct wr_event_ring *r = wr_event_ring_create(4, SOCKET_ID_ANY);
	struct wr_event ev = {0};

	// Every slot counts, and one freed is one more, around the ring several times.
	for (uint32_t i = 0; i < 4; i++) {
		ev.extra = i;
		assert_true(wr_event_push(r, &ev));
	}
	for (uint32_t i = 4; i < 40; i++) {
		ev.extra = i;
		assert_false(wr_event_push(r, &ev));
		assert_true(wr_event_pop(r, &ev));
		assert_int_equal(ev.extra, i - 4);
		ev.extra = i;
		assert_true(wr_event_push(r, &ev));
	}
	for (uint32_t i = 36; i < 40; i++) {
		assert_true(wr_event_pop(r, &ev));
		assert_int_equal(ev.extra, i);
	}
	assert_false(wr_event_pop(r, &ev));
	wr_event_ring_destroy(r);
}

static void event_ring_keeps_every_field(void **state)
{
	struct wr_event_ring *r = wr_event_ring_create(2, SOCKET_ID_ANY);
	struct wr_event in, out;

	memset(&in, 0xa5, sizeof(in));
	memset(&out, 0, sizeof(out));
	assert_true(wr_event_push(r, &in));
	memset(&in, 0, sizeof(in));
	assert_true(wr_event_pop(r, &out));
	memset(&in, 0xa5, sizeof(in));
	assert_memory_equal(&in, &out, sizeof(in));
	wr_event_ring_destroy(r);
}

enum {
	TRANSFERS = 100000
};

static void *producer(void *arg)
{
	struct wr_event_ring *r = arg;
	struct wr_event ev = {0};

	for (uint64_t i = 1; i <= TRANSFERS;) {
		ev.at_us = i;
		ev.capacity = ~i;
		if (wr_event_push(r, &ev))
			i++;
		else
			sched_yield();
	}
	return NULL;
}

static void event_ring_two_threads(void **state)
{
	struct wr_event_ring *r = wr_event_ring_create(64, SOCKET_ID_ANY);
	struct wr_event ev;
	bool wrong = false;
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, producer, r), 0);
	for (uint64_t i = 1; i <= TRANSFERS;) {
		if (!wr_event_pop(r, &ev)) {
			sched_yield();
			continue;
		}
		wrong |= ev.at_us != i || ev.capacity != ~i;
		i++;
	}
	pthread_join(thread, NULL);
	assert_false(wrong);
	assert_false(wr_event_pop(r, &ev));
	wr_event_ring_destroy(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(event_ring_create_sizes),
		cmocka_unit_test(event_ring_pop_empty),
		cmocka_unit_test(event_ring_push_full),
		cmocka_unit_test(event_ring_keeps_every_field),
		cmocka_unit_test(event_ring_two_threads),
	};

	return cmocka_run_group_tests(tests, group_setup, NULL);
}
