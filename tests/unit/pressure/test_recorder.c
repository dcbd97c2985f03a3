/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include <pthread.h>

#include "wr_recorder.h"

#define HOUR_US (3600 * WR_US_PER_S)

static struct wr_recorder *create(void)
{
	struct wr_recorder *r;

	wr_test_eal_init();
	r = wr_recorder_create(-1);
	assert_non_null(r);
	return r;
}

static bool put(struct wr_recorder *r, wr_us_t at, uint8_t level)
{
	return wr_recorder_put(r, &(struct wr_recorder_row){.at_us = at,
					  .level = level,
					  .level_before = level,
					  .offered = (uint32_t)(at / 1000)});
}

static void recorder_empty(void **state)
{
	struct wr_recorder *r = create();
	struct wr_recorder_row rec;
	uint64_t from = 0;

	assert_int_equal(wr_recorder_read(r, false, &from, &rec, 1), 0);
	assert_int_equal(wr_recorder_read(r, true, &from, &rec, 1), 0);
	assert_int_equal(from, 0);
	assert_int_equal(wr_recorder_count(r, false), 0);
	assert_int_equal(wr_recorder_count(r, true), 0);
	assert_int_equal(wr_recorder_saved_us(r), 0);
	assert_true(wr_recorder_due(r, 0));
	wr_recorder_destroy(r);
	wr_recorder_destroy(NULL);
}

static void recorder_keeps_every_field(void **state)
{
	struct wr_recorder *r = create();
	struct wr_recorder_row rec, out;
	uint64_t from = 0;

	memset(&rec, 0x5a, sizeof(rec));
	rec.level = 3;
	wr_recorder_put(r, &rec);
	assert_int_equal(wr_recorder_read(r, false, &from, &out, 1), 1);
	assert_memory_equal(&out, &rec, sizeof(rec));
	assert_int_equal(from, 1);
	wr_recorder_destroy(r);
}

static void recorder_reads_in_pages(void **state)
{
	struct wr_recorder *r = create();
	struct wr_recorder_row out[4];
	uint64_t from = 0;

	for (wr_us_t i = 0; i < 10; i++)
		put(r, i * 1000, 0);
	assert_int_equal(wr_recorder_read(r, false, &from, out, 4), 4);
	assert_int_equal(out[0].offered, 0);
	assert_int_equal(wr_recorder_read(r, false, &from, out, 4), 4);
	assert_int_equal(out[0].offered, 4);
	assert_int_equal(wr_recorder_read(r, false, &from, out, 4), 2);
	assert_int_equal(out[1].offered, 9);
	assert_int_equal(wr_recorder_read(r, false, &from, out, 4), 0);
	assert_int_equal(from, 10);
	put(r, 10000, 0);
	assert_int_equal(wr_recorder_read(r, false, &from, out, 0), 0);
	assert_int_equal(wr_recorder_read(r, false, &from, out, 4), 1);
	assert_int_equal(out[0].offered, 10);
	wr_recorder_destroy(r);
}

static void recorder_wraps_oldest_first(void **state)
{
	static struct wr_recorder_row out[WR_RECORDER_SLOTS];
	struct wr_recorder *r = create();
	uint64_t from = 5; // gone by then

	for (wr_us_t i = 0; i < 3000; i++)
		put(r, i * 1000, 0);
	assert_int_equal(wr_recorder_count(r, false), WR_RECORDER_SLOTS);
	assert_int_equal(
		wr_recorder_read(r, false, &from, out, WR_RECORDER_SLOTS), WR_RECORDER_SLOTS);
	for (uint32_t i = 0; i < WR_RECORDER_SLOTS; i++)
		assert_int_equal(out[i].offered, 3000 - WR_RECORDER_SLOTS + i);
	assert_int_equal(from, 3000);
	wr_recorder_destroy(r);
}

static void recorder_due_each_100_ms(void **state)
{
	struct wr_recorder *r = create();
	uint32_t n = 0;

	// Looked at each millisecond and a bit: late looks do not add up.
	for (wr_us_t now = 0; now < 60 * WR_US_PER_S; now += 1300)
		if (wr_recorder_due(r, now)) {
			put(r, now, 0);
			n++;
		}
	assert_in_range(n, 599, 601);
	wr_recorder_destroy(r);
}

static void recorder_due_after_stall(void **state)
{
	struct wr_recorder *r = create();

	put(r, WR_US_PER_S, 0);
	put(r, 5 * WR_US_PER_S, 0);
	assert_false(wr_recorder_due(r, 5 * WR_US_PER_S + 99999)); // what was missed is missed
	assert_true(wr_recorder_due(r, 5 * WR_US_PER_S + 100000));
	wr_recorder_destroy(r);
}

static void recorder_change_does_not_put_off(void **state)
{
	struct wr_recorder *r = create();

	put(r, WR_US_PER_S, 0);
	put(r, WR_US_PER_S + 50000, 2);
	assert_false(wr_recorder_due(r, WR_US_PER_S + 99999));
	assert_true(wr_recorder_due(r, WR_US_PER_S + 100000));
	wr_recorder_destroy(r);
}

static void recorder_saves_first_critical(void **state)
{
	static struct wr_recorder_row out[WR_RECORDER_SLOTS];
	struct wr_recorder *r = create();
	uint64_t from = 0;
	wr_us_t now = 0;

	for (int i = 0; i < 20; i++, now += 100000)
		assert_false(put(r, now, i % 4));
	assert_true(put(r, now, 4));
	for (int i = 0; i < 2000; i++)
		assert_false(put(r, now += 100000, i % 5)); // at P4 again and again
	assert_int_equal(wr_recorder_count(r, true), 21);
	assert_int_equal(wr_recorder_saved_us(r), 20 * 100000);
	assert_int_equal(wr_recorder_read(r, true, &from, out, 15), 15);
	assert_int_equal(out[0].at_us, 0);
	assert_int_equal(wr_recorder_read(r, true, &from, out, 15), 6);
	assert_int_equal(out[5].level, 4);
	assert_int_equal(out[5].at_us, 2000000);
	assert_int_equal(wr_recorder_read(r, true, &from, out, 15), 0);
	wr_recorder_destroy(r);
}

static void recorder_saves_again_after_quiet_hour(void **state)
{
	static struct wr_recorder_row out[WR_RECORDER_SLOTS];
	struct wr_recorder *r = create();
	uint64_t from = 0;

	assert_true(put(r, 0, 4));
	assert_int_equal(wr_recorder_saved_us(r), 1); // 0 would say: none
	assert_false(put(r, HOUR_US - 1, 4));
	assert_false(put(r, 2 * HOUR_US - 2, 4)); // an hour after the first, not without one
	for (wr_us_t i = 0; i < 2000; i++)
		assert_false(put(r, 2 * HOUR_US + i, 3));
	assert_true(put(r, 3 * HOUR_US - 2, 4));
	assert_int_equal(wr_recorder_saved_us(r), 3 * HOUR_US - 2);
	assert_int_equal(wr_recorder_count(r, true), WR_RECORDER_SLOTS);
	assert_int_equal(
		wr_recorder_read(r, true, &from, out, WR_RECORDER_SLOTS), WR_RECORDER_SLOTS);
	assert_int_equal(out[0].at_us, 2 * HOUR_US + 2000 - (WR_RECORDER_SLOTS - 1));
	assert_int_equal(out[WR_RECORDER_SLOTS - 1].level, 4);
	wr_recorder_destroy(r);
}

#define RACE_PUTS 1000000

struct race {
	struct wr_recorder *r;
	uint32_t puts;
	bool stop;
};

static bool race_goes_on(const struct race *race, uint64_t read)
{
	return read == 0 || __atomic_load_n(&race->puts, __ATOMIC_RELAXED) < RACE_PUTS;
}

// Each record holds its number in many fields, and each save is a story of its own.
static void *writer(void *arg)
{
	struct race *race = arg;

	for (uint32_t n = 1; !__atomic_load_n(&race->stop, __ATOMIC_RELAXED); n++) {
		wr_recorder_put(race->r, &(struct wr_recorder_row){.at_us = n * HOUR_US,
						 .level = n % 4096 == 0 ? 4 : 1,
						 .full_in_ms = n,
						 .sessions = n,
						 .held_mbufs = n,
						 .queue_full = n});
		__atomic_store_n(&race->puts, n, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void check_whole(const struct wr_recorder_row *rec)
{
	assert_true(rec->full_in_ms > 0);
	assert_true(rec->at_us == rec->full_in_ms * HOUR_US);
	assert_true(rec->sessions == rec->full_in_ms && rec->held_mbufs == rec->full_in_ms &&
		    rec->queue_full == rec->full_in_ms);
}

static void recorder_race_ring(void **state)
{
	static struct wr_recorder_row out[WR_RECORDER_SLOTS];
	struct race race = {.r = create()};
	uint32_t last = 0;
	uint64_t from = 0, total = 0;
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, writer, &race), 0);
	while (race_goes_on(&race, total)) {
		uint32_t n = wr_recorder_read(race.r, false, &from, out, WR_RECORDER_SLOTS);

		for (uint32_t k = 0; k < n; k++) {
			check_whole(&out[k]);
			assert_true(out[k].full_in_ms > last);
			last = out[k].full_in_ms;
		}
		total += n;
		// The oldest is the one that is about to be written over.
		for (int k = 0; k < 64; k++) {
			uint64_t oldest = 0;

			if (wr_recorder_read(race.r, false, &oldest, out, 1) == 1)
				check_whole(&out[0]);
		}
	}
	__atomic_store_n(&race.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	wr_recorder_destroy(race.r);
}

static void recorder_race_saved(void **state)
{
	static struct wr_recorder_row out[WR_RECORDER_SLOTS];
	struct race race = {.r = create()};
	uint64_t total = 0;
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, writer, &race), 0);
	while (race_goes_on(&race, total)) {
		uint64_t from = 0;
		uint32_t n = wr_recorder_read(race.r, true, &from, out, WR_RECORDER_SLOTS);

		for (uint32_t k = 0; k < n; k++) {
			check_whole(&out[k]);
			if (k > 0) // of one copy: without gaps
				assert_true(out[k].full_in_ms == out[k - 1].full_in_ms + 1);
		}
		if (n > 0)
			assert_int_equal(out[n - 1].level, 4);
		total += n;
	}
	__atomic_store_n(&race.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	wr_recorder_destroy(race.r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recorder_empty),
		cmocka_unit_test(recorder_keeps_every_field),
		cmocka_unit_test(recorder_reads_in_pages),
		cmocka_unit_test(recorder_wraps_oldest_first),
		cmocka_unit_test(recorder_due_each_100_ms),
		cmocka_unit_test(recorder_due_after_stall),
		cmocka_unit_test(recorder_change_does_not_put_off),
		cmocka_unit_test(recorder_saves_first_critical),
		cmocka_unit_test(recorder_saves_again_after_quiet_hour),
		cmocka_unit_test(recorder_race_ring),
		cmocka_unit_test(recorder_race_saved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
