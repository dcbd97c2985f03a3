/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include <dirent.h>
#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <jansson.h>
#include <rte_telemetry.h>

#include "reply.h"

// Replies go through DPDK's own serialiser and socket: what a client gets is what is tested.

static char dir[] = "/tmp/wr-reply-XXXXXX";
static int fd = -1;
static char raw[32768];

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
			"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"");
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
	json_error_t where;
	json_t *top;
	ssize_t n;

	assert_int_equal(send(fd, request, strlen(request), 0), (ssize_t)strlen(request));
	n = recv(fd, raw, sizeof(raw) - 1, 0);
	assert_true(n > 0);
	raw[n] = '\0';
	assert_true(n <= 13 * 1024);
	top = json_loads(raw, 0, &where);
	if (top == NULL)
		fail_msg("not JSON: %s in %s", where.text, raw);
	return top;
}

static json_t *page(json_t *top)
{
	return json_object_iter_value(json_object_iter(top));
}

static json_t *row(json_t *top, const char *number)
{
	return json_object_get(json_object_get(page(top), "rows"), number);
}

static json_int_t number(const json_t *o, const char *key)
{
	assert_true(json_is_integer(json_object_get(o, key)));
	return json_integer_value(json_object_get(o, key));
}

static const char *text(const json_t *o, const char *key)
{
	assert_true(json_is_string(json_object_get(o, key)));
	return json_string_value(json_object_get(o, key));
}

// --- tests ---------------------------------------------------------------------------------------

static void reply_page_empty(void **state)
{
	json_t *top = ask("/test/empty");

	assert_int_equal(number(page(top), "next"), 0);
	assert_int_equal(number(page(top), "total"), 0);
	assert_int_equal(json_object_size(json_object_get(page(top), "rows")), 0);
	json_decref(top);
}

static void reply_values_survive(void **state)
{
	json_t *top = ask("/test/values");
	json_t *r = row(top, "0");

	assert_null(json_object_get(r, "lost"));
	assert_string_equal(text(r, "odd"), "b\"1\\ ???? end");
	assert_int_equal(strlen(text(r, "cut")), 127);
	assert_int_equal(strlen(text(r, "long")), 127);
	assert_int_equal(text(r, "long_2")[0], 'y');
	assert_int_equal(strlen(text(r, "long_2")), 127);
	assert_int_equal(strlen(text(r, "long_3")), 299 - 2 * 127);
	assert_null(json_object_get(r, "long_4"));
	assert_null(json_object_get(r, "short_2"));
	assert_string_equal(text(r, "null"), "");
	assert_string_equal(text(r, "fmt"), "1.42");
	assert_true(number(r, "big") == INT64_MAX);
	assert_int_equal(number(r, "minus"), -5);
	assert_true(number(r, "plus") == 5000000000);
	assert_true(number(r, "far") == INT32_MIN);
	json_decref(top);
}

static void reply_error_row_behind_a_cursor(void **state)
{
	json_t *top = ask("/test/error");

	assert_string_equal(text(row(top, "0"), "error"), "no service 'x'");
	assert_string_equal(text(row(top, "0"), "remedy"), "do it otherwise");
	assert_int_equal(number(page(top), "next"), 0);
	json_decref(top);
}

// Every row comes once, in order, whatever the number of pages.
static void reply_pages_join(void **state)
{
	json_int_t seen = 0, next = 0;
	int pages = 0;

	do {
		char request[64], key[24];
		json_t *top;

		snprintf(request, sizeof(request), "/test/many,%lld,500", (long long)next);
		top = ask(request);
		assert_true(strlen(raw) < 12 * 1024 + 512);
		assert_int_equal(number(page(top), "total"), 500);
		for (size_t i = 0; i < json_object_size(json_object_get(page(top), "rows")); i++) {
			snprintf(key, sizeof(key), "%zu", i);
			assert_int_equal(number(row(top, key), "number"), seen++);
		}
		next = number(page(top), "next");
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

	assert_true(strlen(raw) > 11 * 1024);
	json_decref(top);
}

static void reply_cursor_past_the_end(void **state)
{
	json_t *top = ask("/test/many,9,3");

	assert_int_equal(json_object_size(json_object_get(page(top), "rows")), 0);
	assert_int_equal(number(page(top), "next"), 0);
	assert_int_equal(number(page(top), "total"), 3);
	json_decref(top);
}

static void reply_own_cursor_and_total(void **state)
{
	json_t *top = ask("/test/own");

	assert_true(number(page(top), "next") == 1LL << 33);
	assert_int_equal(number(page(top), "total"), 77);
	json_decref(top);
}

// --- EAL with telemetry, in a directory of its own -----------------------------------------------

static int start(void **state)
{
	char *argv[] = {"test", "--no-huge", "-m", "64", "--no-pci", "--no-shconf", "--lcores",
		"0@0", "--log-level", "lib.*:error", "--file-prefix", "reply", NULL};
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	char hello[1024];

	if (mkdtemp(dir) == NULL || setenv("RUNTIME_DIRECTORY", dir, 1) != 0 ||
		rte_eal_init(12, argv) < 0)
		return -1;
	rte_telemetry_register_cmd("/test/many", answer_many, "");
	rte_telemetry_register_cmd("/test/values", answer_values, "");
	rte_telemetry_register_cmd("/test/error", answer_error, "");
	rte_telemetry_register_cmd("/test/empty", answer_empty, "");
	rte_telemetry_register_cmd("/test/own", answer_own_cursor, "");
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/dpdk/reply/dpdk_telemetry.v2", dir);
	fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) != 0)
		return -1;
	return recv(fd, hello, sizeof(hello), 0) > 0 ? 0 : -1;
}

static void remove_tree(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;
	char sub[512];

	while (d != NULL && (e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		snprintf(sub, sizeof(sub), "%s/%s", path, e->d_name);
		if (e->d_type == DT_DIR)
			remove_tree(sub);
		else
			unlink(sub);
	}
	if (d != NULL)
		closedir(d);
	rmdir(path);
}

static int stop(void **state)
{
	close(fd);
	rte_eal_cleanup();
	remove_tree(dir);
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

	return cmocka_run_group_tests(tests, start, stop);
}
