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
	assert_null(wr_drop_cure(WR_DROP_COUNT));
	assert_null(wr_event_cure((enum wr_event_kind) - 1));
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

// Exactly one row each is checked when it is compiled. A sentence that an operator can act on names
// a command, a setting or something outside, or says why there is nothing to do.
static void check_cure(const char *cure)
{
	static const char *const words[] = {"weir", "ethtool", "nothing", "runtime.", "ports[]",
		"services[]", "tunnels[]", "routes", "tcpdump", "systemctl"};
	bool good = false;

	assert_non_null(cure);
	assert_in_range(strlen(cure), 15, 240);
	assert_null(strchr(cure, '\n'));
	if (strncmp(cure, "nothing", 7) == 0)
		assert_true(strpbrk(cure, ":;") != NULL || strstr(cure, "nothing unless") != NULL);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		good = good || strstr(cure, words[i]) != NULL;
	assert_true(good);
}

static void catalogue_cures_are_complete(void **state)
{
	for (int i = 0; i < WR_DROP_COUNT; i++)
		check_cure(wr_drop_cure((enum wr_drop)i));
	for (int i = 0; i < WR_EV_COUNT; i++)
		check_cure(wr_event_cure((enum wr_event_kind)i));
}

// What someone should look at has something to be done about it.
static void catalogue_faults_have_a_cure(void **state)
{
	for (int i = 1; i < WR_DROP_COUNT; i++) {
		if (wr_drop_severity((enum wr_drop)i) == WR_SEV_INFO)
			continue;
		assert_memory_not_equal(wr_drop_cure((enum wr_drop)i), "nothing: ", 9);
	}
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
		cmocka_unit_test(catalogue_cures_are_complete),
		cmocka_unit_test(catalogue_faults_have_a_cure),
		cmocka_unit_test(stats_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
