/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "wr_record.h"

#include <pthread.h>
#include <sched.h>

#include <rte_memory.h>

static int group_setup(void **state)
{
	wr_test_eal_init();
	return 0;
}

static void record_letters(void **state)
{
	char causes[WR_RECORD_CAUSES + 1] = "", phases[WR_RECORD_PHASES + 1] = "";

	for (int i = 0; i < WR_RECORD_CAUSES; i++) {
		causes[i] = wr_record_cause_letter((enum wr_record_cause)i);
		assert_true(strlen(wr_record_cause_words((enum wr_record_cause)i)) > 5);
	}
	for (int i = 0; i < WR_RECORD_PHASES; i++)
		phases[i] = wr_record_phase_letter((enum wr_record_phase)i);
	assert_string_equal(causes, "-CScsPRDKLU");
	assert_string_equal(phases, "HQCRDL-");
	assert_int_equal(wr_record_cause_letter(WR_RECORD_CAUSES), '?');
	assert_int_equal(wr_record_phase_letter(WR_RECORD_PHASES), '?');
	assert_string_equal(wr_record_cause_words(WR_RECORD_CAUSES), "unknown");
}

static void record_ring_sizes(void **state)
{
	struct wr_record_ring *r;

	assert_null(wr_record_ring_create(0, SOCKET_ID_ANY));
	assert_null(wr_record_ring_create(6, SOCKET_ID_ANY));
	assert_null(wr_record_ring_create(1u << 31, SOCKET_ID_ANY));
	assert_null(wr_record_ring_create(1, SOCKET_ID_ANY));
	r = wr_record_ring_create(2, SOCKET_ID_ANY);
	assert_non_null(r);
	wr_record_ring_destroy(r);
	wr_record_ring_destroy(NULL);
}

static void record_ring_full_and_empty(void **state)
{
	struct wr_record_ring *r = wr_record_ring_create(4, SOCKET_ID_ANY);
	struct wr_record rec = {.session = 77};

	assert_false(wr_record_pop(r, &rec));
	assert_int_equal(rec.session, 77);
	for (uint32_t i = 0; i < 3; i++) {
		rec.session = i;
		assert_true(wr_record_push(r, &rec));
	}
	for (uint32_t i = 3; i < 40; i++) {
		rec.session = i;
		assert_false(wr_record_push(r, &rec));
		assert_true(wr_record_pop(r, &rec));
		assert_int_equal(rec.session, i - 3);
		rec.session = i;
		assert_true(wr_record_push(r, &rec));
	}
	for (uint32_t i = 37; i < 40; i++) {
		assert_true(wr_record_pop(r, &rec));
		assert_int_equal(rec.session, i);
	}
	assert_false(wr_record_pop(r, &rec));
	wr_record_ring_destroy(r);
}

static void record_keeps_every_field(void **state)
{
	struct wr_record_ring *r = wr_record_ring_create(2, SOCKET_ID_ANY);
	struct wr_record in, out;

	memset(&in, 0xa5, sizeof(in));
	memset(&out, 0, sizeof(out));
	assert_true(wr_record_push(r, &in));
	memset(&in, 0, sizeof(in));
	assert_true(wr_record_pop(r, &out));
	memset(&in, 0xa5, sizeof(in));
	assert_memory_equal(&in, &out, sizeof(in));
	wr_record_ring_destroy(r);
}

#define MANY 200000u

static void *pusher(void *arg)
{
	struct wr_record rec = {0};

	for (uint32_t i = 0; i < MANY; i++) {
		rec.session = i;
		rec.bytes_in = i * 3ULL;
		rec.total_us = i * 7ULL;
		while (!wr_record_push(arg, &rec))
			sched_yield();
	}
	return NULL;
}

static void record_two_threads(void **state)
{
	struct wr_record_ring *r = wr_record_ring_create(64, SOCKET_ID_ANY);
	struct wr_record rec;
	pthread_t t;

	assert_int_equal(pthread_create(&t, NULL, pusher, r), 0);
	for (uint32_t i = 0; i < MANY;) {
		if (!wr_record_pop(r, &rec)) {
			sched_yield();
			continue;
		}
		assert_int_equal(rec.session, i);
		assert_int_equal(rec.bytes_in, i * 3ULL);
		assert_int_equal(rec.total_us, i * 7ULL);
		i++;
	}
	pthread_join(t, NULL);
	wr_record_ring_destroy(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(record_letters),
		cmocka_unit_test(record_ring_sizes),
		cmocka_unit_test(record_ring_full_and_empty),
		cmocka_unit_test(record_keeps_every_field),
		cmocka_unit_test(record_two_threads),
	};

	return cmocka_run_group_tests(tests, group_setup, NULL);
}
