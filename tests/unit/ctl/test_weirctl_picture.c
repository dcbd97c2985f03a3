/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include <inttypes.h>

#include "../../../app/weirctl/picture.h"

static char *printed;
static size_t printed_len;

static json_t *rows(const char *text)
{
	json_error_t where;
	json_t *r = json_loads(text, 0, &where);

	if (r == NULL)
		fail_msg("%s in %s", where.text, text);
	return r;
}

// A second of one worker whose sessions fill, whose gate is limited, with one service that waits.
static struct sample look(uint64_t count, double at_s)
{
	char text[512];
	struct sample s = {.at_s = at_s};

	s.status =
		rows("[{\"name\":\"weir\",\"version\":\"1\",\"state\":\"serving\",\"level\":2}]");
	snprintf(text, sizeof(text),
		"[{\"worker\":0,\"cpu\":3,\"level\":2,\"cycles_per_s\":1000,\"cycles_busy\":%u}]",
		(unsigned int)(400 * at_s));
	s.workers = rows(text);
	s.queues = rows(
		"[{\"queue\":\"conn_recv\",\"worker\":0,\"used_permille\":1000,\"gauge_only\":1},"
		"{\"queue\":\"cpu\",\"worker\":0,\"used_permille\":990,\"gauge_only\":1},"
		"{\"queue\":\"sessions\",\"scope\":\"\",\"worker\":0,\"used_permille\":720,"
		"\"gauge_only\":0,\"full_in_ms\":1200,\"depth\":72,\"capacity\":100},"
		"{\"queue\":\"conns\",\"worker\":1,\"used_permille\":700,\"gauge_only\":0}]");
	snprintf(text, sizeof(text),
		"[{\"worker\":0,\"domain\":\"worker\",\"gate\":\"limited\",\"rate_per_s\":900,"
		"\"cut\":\"4.37\",\"offered\":%" PRIu64 ",\"admitted\":%" PRIu64
		",\"refused\":0,\"held\":0,\"cause\":\"cpu\",\"cause_scope\":\"\","
		"\"drops_early\":1}]",
		2 * count, count);
	s.pressure = rows(text);
	snprintf(text, sizeof(text),
		"[{\"name\":\"web\",\"level\":1,\"pending\":12,\"pending_timeouts\":%" PRIu64
		"},{\"name\":\"calm\",\"level\":0,\"pending\":0}]",
		count);
	s.services = rows(text);
	snprintf(text, sizeof(text),
		"[{\"name\":\"syn_refused\",\"count\":%" PRIu64
		"},{\"name\":\"old\",\"count\":5}%s]",
		count, count > 0 ? ",{\"name\":\"syn_early\",\"count\":3}" : "");
	s.drops = rows(text);
	return s;
}

static void expect(const char *part)
{
	if (strstr(printed, part) == NULL)
		fail_msg("no '%s' in\n%s", part, printed);
}

static void picture_says_what_presses(void **state)
{
	struct sample before = look(0, 0), now = look(500, 1);
	FILE *out = open_memstream(&printed, &printed_len);

	picture_print(out, &now, &before);
	fclose(out);
	expect("now: syn_refused 500/s  syn_early 3/s");
	assert_null(strstr(printed, "old"));
	expect("P2    40 %");
	expect("28.0 %");
	expect("cause cpu");
	expect("sessions");
	expect("full in 1.2 s");
	expect("limited");
	expect("4.37");
	expect("1000         500");
	expect("worker, drops at first parse");
	expect("500  web");
	assert_null(strstr(printed, "calm"));
	free(printed);
	picture_drop(&before);
	picture_drop(&now);
	assert_null(now.status);
}

static void picture_headroom_is_what_the_nearest_leaves(void **state)
{
	struct sample s = look(0, 0);

	// The gauges at 1000 and 990 do not count; the load of now does.
	assert_int_equal(picture_headroom(&s, 0, 100), 280);
	assert_int_equal(picture_headroom(&s, 0, 900), 100);
	assert_int_equal(picture_headroom(&s, 1, 0), 300);
	assert_int_equal(picture_headroom(&s, 2, 1200), 0);
	picture_drop(&s);
}

// An instance that restarted between two looks has no rates, rather than absurd ones.
static void picture_counters_that_went_back(void **state)
{
	struct sample before = look(500, 0), now = look(0, 1);
	FILE *out = open_memstream(&printed, &printed_len);

	picture_print(out, &now, &before);
	fclose(out);
	assert_null(strstr(printed, "now: "));
	expect("        0           0");
	free(printed);
	picture_drop(&before);
	picture_drop(&now);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(picture_says_what_presses),
		cmocka_unit_test(picture_headroom_is_what_the_nearest_leaves),
		cmocka_unit_test(picture_counters_that_went_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
