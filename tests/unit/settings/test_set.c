/* SPDX-License-Identifier: BSD-3-Clause */
#include "settings_test.h"

#define SET(...) ((char *const[]){__VA_ARGS__, NULL})

static void set_value_over_file(void **state)
{
	struct toy *t = toy_take_set("fast: no\nwait: {max: 9s}\n" TOY_SHELVES,
		SET("fast=yes", "wait.mean=4s", "shelves[0].boxes[0].size=5", "file=a=b,c"));

	assert_true(t->fast);
	assert_int_equal(t->wait_us, 4000000);
	assert_int_equal(t->wait_max_us, 9000000);
	assert_int_equal(t->shelves[0].boxes[0].size, 5);
	assert_string_equal(t->shelves[0].boxes[0].name, "a");
	assert_string_equal(t->file, "a=b,c");
	toy_free(t);
}

static void set_without_file(void **state)
{
	struct toy *t = toy_take_set(
		NULL, SET("shelves[1].boxes[0].name=x", "shelves[1].boxes[0].name=y", "extra.a=3"));

	assert_int_equal(t->shelf_count, 2);
	assert_int_equal(t->shelves[0].box_count, 0);
	assert_string_equal(t->shelves[1].boxes[0].name, "y");
	assert_int_equal(t->shelves[1].boxes[0].line, 0);
	assert_true(t->extra);
	toy_free(t);
	toy_refused_whole(NULL, 0, NULL, "command line: is empty; right would be shelves");
	toy_refused_whole(NULL, 0, SET("fast=yes"), "command line: shelves: is missing");
}

static void set_over_nothing(void **state)
{
	struct toy *t = toy_take_set("", SET("shelves[0].name=x"));

	toy_free(t);
	t = toy_take_set("shelves:\nwait:\n", SET("shelves[0].name=x", "wait.max=1s"));
	assert_int_equal(t->wait_us, 3000000);
	toy_free(t);
}

static void set_plain_value_spread(void **state)
{
	struct toy *t = toy_take_set("wait: 7s\nrings: 128\nworkers: 4\n" TOY_SHELVES,
		SET("wait.max=9s", "rings.tx=256", "workers[1]=6"));

	assert_int_equal(t->wait_us, 7000000);
	assert_int_equal(t->wait_max_us, 9000000);
	assert_int_equal(t->rx, 128);
	assert_int_equal(t->tx, 256);
	assert_int_equal(t->worker_count, 2);
	assert_int_equal(t->workers[0], 4);
	assert_int_equal(t->workers[1], 6);
	toy_free(t);
	t = toy_take_set("workers: [1, 2, 3]\n" TOY_SHELVES, SET("workers=7"));
	assert_int_equal(t->worker_count, 1);
	toy_free(t);
}

static void set_alias_elsewhere_kept(void **state)
{
	struct toy *t = toy_take_set("shelves:\n  - {boxes: &b [{name: x, size: 9}]}\n"
				     "  - {boxes: *b}\n",
		SET("shelves[0].boxes[0].size=5"));

	assert_int_equal(t->shelves[0].boxes[0].size, 5);
	assert_int_equal(t->shelves[1].boxes[0].size, 9);
	toy_free(t);
}

static void set_place_in_messages(void **state)
{
	const char *file = "bytes: 64\n" TOY_SHELVES;
	size_t len = strlen(file);

	toy_refused_whole(file, len, SET("bytes=1"), "command line: bytes: value '1' is too small");
	toy_refused_whole(file, len, SET("shelves[0].boxes[0].siez=1"),
		"command line: shelves[0].boxes[0]: unknown key 'siez'; did you mean 'size'?");
	toy_refused_whole(file, len, SET("shelves[0].boxes[1].size=1"),
		"command line: shelves[0].boxes[1].name: is missing");
	toy_refused_whole("bytes: 1\n" TOY_SHELVES, len - 1, SET("fast=yes"), "t.yaml:1: bytes: ");
	// What the file gave keeps its line.
	toy_refused_whole(TOY_TEXT("fast: no\nwait:\n  mean: 1\nshelves: []"), SET("wait.max=1s"),
		"t.yaml:3: wait.mean: value '1' has no unit");
}

static void set_path_wrong(void **state)
{
	const char *file = TOY_SHELVES;
	size_t len = strlen(file);
	char deep[300] = "a";

	toy_refused_whole(file, len, SET("fast"), "command line: 'fast' is not a setting");
	toy_refused_whole(file, len, SET("=1"), "command line: '' is not a path of keys");
	toy_refused_whole(file, len, SET("fast..x=1"), "is not a path of keys");
	toy_refused_whole(file, len, SET("fast.x=1"), "command line: fast: is a group of keys");
	toy_refused_whole(file, len, SET("[0]=1"), "does not begin with a key");
	toy_refused_whole(file, len, SET("shelves[x]=1"), "has an index that is not a number");
	toy_refused_whole(file, len, SET("shelves[-1]=1"), "has an index that is not a number");
	toy_refused_whole(file, len, SET("shelves[1=1"), "has an index that is not a number");
	toy_refused_whole(file, len, SET("shelves[4096].name=x"), "from 0 to 4095");
	toy_refused_whole(
		file, len, SET("shelves[99999999999999999999999].name=x"), "from 0 to 4095");
	toy_refused_whole(file, len, SET("shelves[0]name=x"), "lacks a dot");
	toy_refused_whole(file, len, SET("shelves.name=x"), "goes by a key into a list");
	toy_refused_whole(file, len, SET("shelves[0][0]=x"), "goes by an index into a group");
	toy_refused_whole(file, len, SET("a b=x"), "has a character that no key has");
	toy_refused_whole(TOY_TEXT("x"), SET("a=x"), "the file is not a group of keys");
	for (int i = 0; i < 40; i++)
		strcat(deep, ".a");
	strcat(deep, "=1");
	toy_refused_whole(file, len, SET(deep), "is longer than the path of any setting");
	// Nothing of the value is shown, which may have any characters.
	toy_refused_whole(file, len, SET("[[[[[[[[[[[[[[[[[[[[x=a\nb"),
		"command line: '[[[[[[[[[[[[[[[[[[[[x...': is longer");
}

static void set_into_plain_value(void **state)
{
	toy_refused_whole("name: n\n" TOY_SHELVES, strlen(TOY_SHELVES) + 8, SET("name.x=1"),
		"'name.x' goes into a plain value");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(set_value_over_file),
		cmocka_unit_test(set_without_file),
		cmocka_unit_test(set_over_nothing),
		cmocka_unit_test(set_plain_value_spread),
		cmocka_unit_test(set_alias_elsewhere_kept),
		cmocka_unit_test(set_place_in_messages),
		cmocka_unit_test(set_path_wrong),
		cmocka_unit_test(set_into_plain_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
