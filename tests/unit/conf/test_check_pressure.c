/* SPDX-License-Identifier: BSD-3-Clause */
#include "conf_test.h"

static void marks_refused(const char *marks, const char *sentence)
{
	char text[512];

	snprintf(text, sizeof(text), "pressure: {marks: [%s]}\n", marks);
	conf_refused((struct conf_parts){.more = text}, sentence);
}

static void marks_good(const char *marks)
{
	char text[512];

	snprintf(text, sizeof(text), "pressure: {marks: [%s]}\n", marks);
	conf_good((struct conf_parts){.more = text});
}

static void check_pressure_marks_order(void **state)
{
	marks_good("{queue: rx_pool, low: 98, high: 99, critical: 100}");
	marks_good("{queue: rx_pool, low: 1, high: 2, critical: 3}");
	marks_refused("{queue: rx_pool, low: 60, high: 60, critical: 90}",
		"t.yaml:1: pressure.marks[0].high: value '60' is not above low, which is 60; right "
		"would be low < high < critical <= 100, as 60, 75 and 90, which rx_pool has by "
		"default");
	marks_refused("{queue: rx_pool, low: 70, high: 60, critical: 90}",
		"value '60' is not above low, which is 70");
	marks_refused("{queue: syn_backlog, low: 60, high: 75, critical: 75}",
		"pressure.marks[0].critical: value '75' is not above high, which is 75; right "
		"would "
		"be low < high < critical <= 100, as 25, 50 and 80, which syn_backlog has");
	marks_refused("{queue: rx_pool, low: 60, high: 75, critical: 70}",
		"value '70' is not above high, which is 75");
}

static void check_pressure_marks_twice(void **state)
{
	marks_good("{queue: rx_pool, low: 1, high: 2, critical: 3}, "
		   "{queue: small_pool, low: 1, high: 2, critical: 3}");
	marks_refused("{queue: rx_pool, low: 1, high: 2, critical: 3}, "
		      "{queue: rx_pool, low: 4, high: 5, critical: 6}",
		"pressure.marks[1].queue: value 'rx_pool' has its marks in pressure.marks[0] "
		"already; keep one");
}

static void check_pressure_marks_gauge(void **state)
{
	static const char *const gauges[] = {
		"conn_recv", "conn_send", "events", "cpu", "clients", "disorder"};
	static const char *const queues[] = {"rx_ring", "lag", "syn_hold", "pending",
		"pending_wait", "backend_inflight", "pool_inflight", "mailbox"};
	char text[128], says[128];

	for (uint32_t i = 0; i < sizeof(gauges) / sizeof(gauges[0]); i++) {
		snprintf(
			text, sizeof(text), "{queue: %s, low: 1, high: 2, critical: 3}", gauges[i]);
		snprintf(says, sizeof(says), "pressure.marks[0].queue: value '%s' is a gauge only",
			gauges[i]);
		marks_refused(text, says);
	}
	for (uint32_t i = 0; i < sizeof(queues) / sizeof(queues[0]); i++) {
		snprintf(
			text, sizeof(text), "{queue: %s, low: 1, high: 2, critical: 3}", queues[i]);
		marks_good(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_pressure_marks_order),
		cmocka_unit_test(check_pressure_marks_twice),
		cmocka_unit_test(check_pressure_marks_gauge),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
