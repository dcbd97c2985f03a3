/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "rig.h"

#include "reply.h"

// Replies go through DPDK's own serialiser and socket: what a client gets is what is tested.

// --- what the commands under test answer ---------------------------------------------------------

static int answer_many(const char *cmd, const char *params, struct rte_tel_data *d)
{
	struct wr_reply r;
	unsigned long cursor = 0, rows = 0;

	sscanf(params, "%lu,%lu", &cursor, &rows);
	wr_reply_begin(&r, cursor);
	for (unsigned long i = 0; i < rows; i++) {
		if (!wr_reply_row(&r))
			continue;
		wr_reply_uint(&r, "number", i);
		wr_reply_str(&r, "name", "a backend of some pool whose name is of some length");
		wr_reply_text(&r, "text",
			"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\""
			"\"");
	}
	return wr_reply_finish(&r, d);
}

static int answer_values(const char *cmd, const char *params, struct rte_tel_data *d)
{
	struct wr_reply r;
	char longest[300];

	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	longest[127] = 'y';
	wr_reply_begin(&r, 0);
	// Without a row nothing is written, and nothing breaks.
	wr_reply_str(&r, "lost", "lost");
	wr_reply_uint(&r, "lost", 1);
	wr_reply_int(&r, "lost", -1);
	assert_true(wr_reply_row(&r));
	wr_reply_str(&r, "odd", "b\"1\\ \n\x01\xc3\xbc end");
	wr_reply_str(&r, "cut", longest);
	wr_reply_text(&r, "long", longest);
	wr_reply_text(&r, "short", "one piece");
	wr_reply_str(&r, "null", NULL);
	wr_reply_fmt(&r, "fmt", "%u.%u", 1, 42);
	wr_reply_uint(&r, "big", INT64_MAX);
	wr_reply_int(&r, "minus", -5);
	wr_reply_int(&r, "plus", 5000000000);
	wr_reply_int(&r, "far", -5000000000);
	return wr_reply_finish(&r, d);
}

static int answer_error(const char *cmd, const char *params, struct rte_tel_data *d)
{
	struct wr_reply r;

	// Also behind a cursor.
	wr_reply_begin(&r, 1000);
	wr_reply_error(&r, "do it otherwise", "no service '%s'", "x");
	return wr_reply_finish(&r, d);
}

static int answer_empty(const char *cmd, const char *params, struct rte_tel_data *d)
{
	struct wr_reply r;

	wr_reply_begin(&r, 0);
	return wr_reply_finish(&r, d);
}

static int answer_own_cursor(const char *cmd, const char *params, struct rte_tel_data *d)
{
	struct wr_reply r;
	size_t before;

	wr_reply_begin(&r, 0);
	before = wr_reply_room(&r);
	assert_true(wr_reply_row(&r));
	wr_reply_str(&r, "name", "b1");
	assert_true(wr_reply_room(&r) < before);
	assert_true(wr_reply_room(&r) > before - 64);
	wr_reply_set_next(&r, 1ULL << 33);
	wr_reply_set_total(&r, 77);
	return wr_reply_finish(&r, d);
}

// --- helpers -------------------------------------------------------------------------------------

static json_t *ask(const char *request)
{
	json_t *top = rig_ask_pumping(request, NULL, NULL);

	assert_true(strlen(rig_raw()) <= 13 * 1024);
	return top;
}

static json_int_t number(const json_t *o, const char *key)
{
	assert_true(json_is_integer(json_object_get(o, key)));
	return json_integer_value(json_object_get(o, key));
}

// --- tests ---------------------------------------------------------------------------------------

static void reply_page_empty(void **state)
{
	json_t *top = ask("/test/empty");

	assert_int_equal(number(rig_page(top), "next"), 0);
	assert_int_equal(number(rig_page(top), "total"), 0);
	assert_int_equal(rig_rows(top), 0);
	json_decref(top);
}

static void reply_values_survive(void **state)
{
	json_t *top = ask("/test/values");
	json_t *r = rig_row(top, 0);

	assert_null(json_object_get(r, "lost"));
	assert_string_equal(rig_str(r, "odd"), "b\"1\\ ???? end");
	assert_int_equal(strlen(rig_str(r, "cut")), 127);
	assert_int_equal(strlen(rig_str(r, "long")), 127);
	assert_int_equal(rig_str(r, "long_2")[0], 'y');
	assert_int_equal(strlen(rig_str(r, "long_2")), 127);
	assert_int_equal(strlen(rig_str(r, "long_3")), 299 - 2 * 127);
	assert_null(json_object_get(r, "long_4"));
	assert_null(json_object_get(r, "short_2"));
	assert_string_equal(rig_str(r, "null"), "");
	assert_string_equal(rig_str(r, "fmt"), "1.42");
	assert_true(number(r, "big") == INT64_MAX);
	assert_int_equal(number(r, "minus"), -5);
	assert_true(number(r, "plus") == 5000000000);
	assert_true(number(r, "far") == INT32_MIN);
	json_decref(top);
}

static void reply_error_row_behind_a_cursor(void **state)
{
	json_t *top = ask("/test/error");

	assert_string_equal(rig_str(rig_row(top, 0), "error"), "no service 'x'");
	assert_string_equal(rig_str(rig_row(top, 0), "remedy"), "do it otherwise");
	assert_int_equal(number(rig_page(top), "next"), 0);
	json_decref(top);
}

// Every row comes once, in order, whatever the number of pages.
static void reply_pages_join(void **state)
{
	json_int_t seen = 0, next = 0;
	int pages = 0;

	do {
		char request[64];
		json_t *top;

		snprintf(request, sizeof(request), "/test/many,%lld,500", (long long)next);
		top = ask(request);
		assert_true(strlen(rig_raw()) < 12 * 1024 + 512);
		assert_int_equal(number(rig_page(top), "total"), 500);
		for (unsigned int i = 0; i < rig_rows(top); i++)
			assert_int_equal(number(rig_row(top, i), "number"), seen++);
		next = number(rig_page(top), "next");
		assert_true(next == 0 || next == seen);
		json_decref(top);
		pages++;
	} while (next != 0 && pages < 100);
	assert_int_equal(seen, 500);
	assert_in_range(pages, 6, 20);
}

// The count of bytes is the serialiser's: a page that was closed was nearly full.
static void reply_page_is_filled(void **state)
{
	json_t *top = ask("/test/many,0,500");

	assert_true(strlen(rig_raw()) > 11 * 1024);
	json_decref(top);
}

static void reply_cursor_past_the_end(void **state)
{
	json_t *top = ask("/test/many,9,3");

	assert_int_equal(rig_rows(top), 0);
	assert_int_equal(number(rig_page(top), "next"), 0);
	assert_int_equal(number(rig_page(top), "total"), 3);
	json_decref(top);
}

static void reply_own_cursor_and_total(void **state)
{
	json_t *top = ask("/test/own");

	assert_true(number(rig_page(top), "next") == 1LL << 33);
	assert_int_equal(number(rig_page(top), "total"), 77);
	json_decref(top);
}

static int start(void **state)
{
	rig_eal_start();
	rte_telemetry_register_cmd("/test/many", answer_many, "");
	rte_telemetry_register_cmd("/test/values", answer_values, "");
	rte_telemetry_register_cmd("/test/error", answer_error, "");
	rte_telemetry_register_cmd("/test/empty", answer_empty, "");
	rte_telemetry_register_cmd("/test/own", answer_own_cursor, "");
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reply_page_empty),
		cmocka_unit_test(reply_values_survive),
		cmocka_unit_test(reply_error_row_behind_a_cursor),
		cmocka_unit_test(reply_pages_join),
		cmocka_unit_test(reply_page_is_filled),
		cmocka_unit_test(reply_cursor_past_the_end),
		cmocka_unit_test(reply_own_cursor_and_total),
	};

	return cmocka_run_group_tests(tests, start, rig_group_stop);
}
