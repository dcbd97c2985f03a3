/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "wr_event.h"
#include "wr_stats.h"

static void drop_known_row(void **state)
{
	assert_string_equal(wr_drop_name(WR_DROP_NONE), "none");
	assert_string_equal(wr_drop_name(WR_DROP_short_frame), "short_frame");
	assert_int_equal(wr_drop_severity(WR_DROP_short_frame), WR_SEV_INFO);
	assert_int_equal(wr_drop_severity(WR_DROP_pay_no_credit), WR_SEV_WARN);
	assert_int_equal(wr_drop_severity(WR_DROP_addr_conflict), WR_SEV_FAULT);
}

static void counter_known_row(void **state)
{
	assert_string_equal(wr_counter_name(WR_CTR_rx_frames), "rx_frames");
	assert_string_equal(wr_counter_text(WR_CTR_rx_frames), "frames received from ports");
}

static void event_known_row(void **state)
{
	assert_string_equal(wr_event_name(WR_EV_works_queue_full), "works_queue_full");
	assert_memory_equal(wr_event_text(WR_EV_works_queue_full), "works queue_full", 16);
}

static void catalogue_out_of_range(void **state)
{
	assert_null(wr_drop_name(WR_DROP_COUNT));
	assert_null(wr_drop_text((enum wr_drop) - 1));
	assert_int_equal(wr_drop_severity(WR_DROP_COUNT), WR_SEV_FAULT);
	assert_null(wr_counter_name(WR_CTR_COUNT));
	assert_null(wr_counter_text((enum wr_counter) - 1));
	assert_null(wr_event_name(WR_EV_COUNT));
	assert_null(wr_event_text((enum wr_event_kind) - 1));
}

// Telemetry keys: [A-Za-z0-9_] and at most 63 characters; sentences fit a telemetry string.
static void check_row(const char *name, const char *text)
{
	assert_non_null(name);
	assert_non_null(text);
	assert_in_range(strlen(name), 3, 63);
	assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_"), strlen(name));
	assert_true(strlen(text) >= 8);
}

static void catalogue_rows_are_complete(void **state)
{
	for (int i = 0; i < WR_DROP_COUNT; i++)
		check_row(wr_drop_name((enum wr_drop)i), wr_drop_text((enum wr_drop)i));
	for (int i = 0; i < WR_CTR_COUNT; i++)
		check_row(wr_counter_name((enum wr_counter)i), wr_counter_text((enum wr_counter)i));
	for (int i = 0; i < WR_EV_COUNT; i++)
		check_row(
			wr_event_name((enum wr_event_kind)i), wr_event_text((enum wr_event_kind)i));
}

static void stats_count(void **state)
{
	struct wr_stats s = {0};

	wr_stats_add(&s, WR_CTR_rx_frames, 32);
	wr_stats_add(&s, WR_CTR_rx_frames, 1);
	wr_stats_drop(&s, WR_DROP_short_frame, 2);
	wr_stats_drop_bytes(&s, WR_DROP_pay_duplicate, 1448);
	wr_stats_drop_bytes(&s, WR_DROP_pay_duplicate, 2);
	assert_int_equal(s.ctr[WR_CTR_rx_frames], 33);
	assert_int_equal(s.drop[WR_DROP_short_frame], 2);
	assert_int_equal(s.drop[WR_DROP_pay_duplicate], 2);
	assert_int_equal(s.drop_bytes[WR_DROP_pay_duplicate], 1450);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(drop_known_row),
		cmocka_unit_test(counter_known_row),
		cmocka_unit_test(event_known_row),
		cmocka_unit_test(catalogue_out_of_range),
		cmocka_unit_test(catalogue_rows_are_complete),
		cmocka_unit_test(stats_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
