/* SPDX-License-Identifier: BSD-3-Clause */
#include "backend_test.h"

static void note_events_in_order(void **state)
{
	struct wr_event ev;
	struct rig r;

	rig_open(&r, 1);
	assert_false(wr_backends_next_event(r.b, &ev));
	for (uint32_t i = 0; i < 3; i++)
		wr_note_text(wr_note(r.b, WR_EV_backend_up, i, 5), "number %u", i);
	for (uint32_t i = 0; i < 3; i++) {
		assert_true(wr_backends_next_event(r.b, &ev));
		assert_int_equal(ev.scope, i);
		assert_int_equal(ev.at_us, 5);
		assert_int_equal(ev.worker, UINT16_MAX);
		assert_int_equal(ev.count, 0);
	}
	assert_string_equal(ev.text, "number 2");
	assert_false(wr_backends_next_event(r.b, &ev));
	rig_close(&r);
}

static void note_full_is_counted(void **state)
{
	struct wr_event ev;
	struct rig r;

	rig_open(&r, 1);
	for (uint32_t i = 0; i < 1024 + 7; i++)
		wr_note(r.b, WR_EV_backend_up, i, 5);
	assert_true(wr_backends_next_event(r.b, &ev));
	assert_int_equal(ev.scope, 0);
	assert_int_equal(ev.count, 7);
	for (uint32_t i = 1; i < 1024; i++) {
		assert_true(wr_backends_next_event(r.b, &ev));
		assert_int_equal(ev.scope, i);
		assert_int_equal(ev.count, 0);
	}
	assert_false(wr_backends_next_event(r.b, &ev));
	rig_close(&r);
}

static void note_queue_holds_each_once(void **state)
{
	struct flags_queue *q = calloc(1, sizeof(*q));
	uint16_t id;

	for (int round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < WR_MAX_BACKENDS; i++) {
			wr_queue_add(q, (uint16_t)i);
			wr_queue_add(q, (uint16_t)i);
		}
		wr_queue_remove(q, 0);
		wr_queue_remove(q, 17);
		wr_queue_remove(q, 17);
		for (uint32_t i = 1; i < WR_MAX_BACKENDS; i++) {
			if (i == 17)
				continue;
			assert_true(wr_queue_take(q, &id));
			assert_int_equal(id, i);
		}
		assert_false(wr_queue_take(q, &id));
	}
	free(q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(note_events_in_order),
		cmocka_unit_test(note_full_is_counted),
		cmocka_unit_test(note_queue_holds_each_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
