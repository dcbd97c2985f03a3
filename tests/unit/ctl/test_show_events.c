/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

static void tell(enum wr_event_kind kind, unsigned int times)
{
	for (unsigned int i = 0; i < times; i++) {
		struct wr_event ev = {.kind = kind, .queue = UINT16_MAX, .count = i};

		wr_ctl_event(rig.c, &ev);
	}
}

static void events_all_pages_in_order(void **state)
{
	uint64_t next = 0, expected = 1;
	unsigned int pages = 0;

	tell(WR_EV_backend_up, 300);
	do {
		char request[64];
		json_t *top;

		snprintf(request, sizeof(request), "/weir/events,%llu", (unsigned long long)next);
		top = rig_ask(request);
		assert_true(strlen(rig_raw()) < 13 * 1024);
		for (unsigned int i = 0; i < rig_rows(top); i++)
			assert_int_equal(rig_uint(rig_row(top, i), "id"), expected++);
		next = rig_uint(rig_page(top), "next");
		assert_true(next == 0 || next == expected);
		json_decref(top);
	} while (next != 0 && ++pages < 100);
	assert_int_equal(expected, 301);
	assert_true(pages > 2);
}

static void events_since_and_last(void **state)
{
	json_t *top;

	tell(WR_EV_backend_up, 30);
	top = rig_ask("/weir/events,since=28");
	assert_int_equal(rig_rows(top), 2);
	assert_int_equal(rig_uint(rig_row(top, 0), "id"), 29);
	assert_int_equal(rig_uint(rig_page(top), "total"), 30);
	json_decref(top);
	top = rig_ask("/weir/events,since=30");
	assert_int_equal(rig_rows(top), 0);
	json_decref(top);
	top = rig_ask("/weir/events,last=5");
	assert_int_equal(rig_rows(top), 5);
	assert_int_equal(rig_uint(rig_row(top, 0), "id"), 26);
	json_decref(top);
	top = rig_ask("/weir/events,last=4096");
	assert_int_equal(rig_uint(rig_row(top, 0), "id"), 1);
	json_decref(top);
}

static void events_kind(void **state)
{
	json_t *top;

	tell(WR_EV_backend_up, 3);
	tell(WR_EV_backend_down, 2);
	top = rig_ask("/weir/events,kind=backend_down");
	assert_int_equal(rig_rows(top), 2);
	assert_string_equal(rig_str(rig_row(top, 0), "kind"), "backend_down");
	json_decref(top);
	rig_expect_error("/weir/events,kind=x", "no event is called 'x'", "explain");
	rig_expect_error("/weir/events,since=x", "'x'", "id");
	rig_expect_error("/weir/events,last=5000", "0 to 4096", "number");
}

static void events_queue_full_row(void **state)
{
	struct wr_event ev = {.kind = WR_EV_works_queue_full,
		.worker = 0,
		.queue = WR_Q_sessions,
		.reason = WR_DROP_session_pool_full,
		.count = 12,
		.depth = 256,
		.capacity = 256,
		.level = 2};
	json_t *top, *row;

	assert_true(wr_event_push(wr_worker_events(wr_fabric_worker(rig.t->f, 0)), &ev));
	wr_ctl_turn(rig.c, rig.t->now);
	top = rig_ask("/weir/events");
	row = rig_row(top, 0);
	assert_int_equal(strncmp(rig_str(row, "text"), "works queue_full", 16), 0);
	// Longer than DPDK's 127 characters: it goes on in the next piece.
	assert_int_equal(strlen(rig_str(row, "text")), 127);
	assert_true(strlen(rig_str(row, "text_2")) > 0);
	assert_string_equal(rig_str(row, "queue"), "sessions");
	assert_string_equal(rig_str(row, "unit"), "sessions");
	assert_string_equal(rig_str(row, "reason"), "session_pool_full");
	assert_string_equal(rig_str(row, "worker"), "0");
	assert_int_equal(rig_uint(row, "depth"), 256);
	assert_int_equal(rig_uint(row, "capacity"), 256);
	assert_int_equal(rig_uint(row, "level"), 2);
	assert_int_equal(rig_uint(row, "count"), 12);
	json_decref(top);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(events_all_pages_in_order, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(events_since_and_last, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(events_kind, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(events_queue_full_row, rig_setup, rig_teardown),
	};

	return cmocka_run_group_tests(tests, rig_group_start, rig_group_stop);
}
