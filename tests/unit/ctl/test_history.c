/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include <errno.h>

#include "history.h"

static int setup(void **state)
{
	struct wr_history *h = malloc(sizeof(*h));

	*state = h;
	return wr_history_init(h);
}

static int teardown(void **state)
{
	wr_history_fini(*state);
	free(*state);
	return 0;
}

static void add(struct wr_history *h, uint32_t scope)
{
	struct wr_event ev = {.kind = WR_EV_backend_up, .scope = scope};

	wr_history_add(h, &ev, scope * 10);
	assert_int_equal(ev.id, h->next_id - 1);
}

static void history_get_empty(void **state)
{
	struct wr_history *h = *state;

	assert_int_equal(wr_history_oldest(h), h->next_id);
	assert_null(wr_history_get(h, 0));
	assert_null(wr_history_get(h, 1));
}

static void history_add_numbers_from_one(void **state)
{
	struct wr_history *h = *state;

	add(h, 7);
	add(h, 8);
	assert_int_equal(wr_history_oldest(h), 1);
	assert_int_equal(wr_history_get(h, 1)->ev.scope, 7);
	assert_int_equal(wr_history_get(h, 1)->ev.id, 1);
	assert_int_equal(wr_history_get(h, 2)->unix_ms, 80);
	assert_null(wr_history_get(h, 3));
}

static void history_add_past_the_end_forgets_the_oldest(void **state)
{
	struct wr_history *h = *state;

	for (uint32_t i = 1; i <= WR_HISTORY_EVENTS + 5; i++)
		add(h, i);
	assert_int_equal(wr_history_oldest(h), 6);
	assert_null(wr_history_get(h, 5));
	for (uint64_t id = 6; id < h->next_id; id++) {
		assert_int_equal(wr_history_get(h, id)->ev.id, id);
		assert_int_equal(wr_history_get(h, id)->ev.scope, id);
	}
}

static void history_log_flood_is_cut_and_told(void **state)
{
	struct wr_history *h = *state;
	uint32_t hidden;

	for (uint32_t i = 0; i < WR_HISTORY_LINES_MAX; i++)
		assert_true(wr_history_may_log(h, WR_EV_conn_stalled, 5000, &hidden));
	for (uint32_t i = 0; i < 30; i++)
		assert_false(wr_history_may_log(h, WR_EV_conn_stalled, 5999, &hidden));
	// Another kind has lines of its own.
	assert_true(wr_history_may_log(h, WR_EV_backend_down, 5999, &hidden));
	assert_int_equal(hidden, 0);
	assert_true(wr_history_may_log(h, WR_EV_conn_stalled, 6000, &hidden));
	assert_int_equal(hidden, 30);
	assert_true(wr_history_may_log(h, WR_EV_conn_stalled, 6001, &hidden));
	assert_int_equal(hidden, 0);
}

static void history_log_unknown_kind(void **state)
{
	uint32_t hidden = 1;

	assert_true(wr_history_may_log(*state, WR_EV_COUNT, 0, &hidden));
	assert_int_equal(hidden, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(history_get_empty, setup, teardown),
		cmocka_unit_test_setup_teardown(history_add_numbers_from_one, setup, teardown),
		cmocka_unit_test_setup_teardown(
			history_add_past_the_end_forgets_the_oldest, setup, teardown),
		cmocka_unit_test_setup_teardown(history_log_flood_is_cut_and_told, setup, teardown),
		cmocka_unit_test_setup_teardown(history_log_unknown_kind, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
