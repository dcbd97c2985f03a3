/* SPDX-License-Identifier: BSD-3-Clause */
#include "settings_test.h"

#include "wr_settings_diff.h"

struct told {
	char all[4096];
	const void *at;
	const char *only; // path of the one row that is wanted; NULL: all
};

static void tell(void *arg, const struct wr_settings_change *c)
{
	struct told *t = arg;
	size_t used = strlen(t->all);

	snprintf(t->all + used, sizeof(t->all) - used, "%c %s [%s] [%s]\n", c->sign, c->path,
		c->before, c->after);
	t->at = c->at;
}

static bool wants(void *arg, const struct wr_settings_row *row)
{
	const struct told *t = arg;

	return strcmp(row->path, t->only) == 0;
}

static void compare(const struct toy *a, const struct toy *b, const char *expected)
{
	struct told t = {{0}};
	const struct wr_settings_differ d = {.tell = tell, .arg = &t};

	assert_int_equal(wr_settings_diff(&toy_table, a, b, &d), 0);
	assert_string_equal(t.all, expected);
}

static void check(const char *before, const char *after, const char *expected)
{
	struct toy *a = toy_take(before), *b = toy_take(after);

	compare(a, b, expected);
	toy_free(a);
	toy_free(b);
}

static void diff_nothing(void **state)
{
	check(TOY_SHELVES, TOY_SHELVES, "");
	check("nets: [10.0.0.0/8, \"2001:db8::/32\"]\nshelves: [{name: a}, {name: b}]\n",
		"nets: [\"2001:db8::/32\", 10.0.0.0/8]\nshelves: [{name: b}, {name: a}]\n", "");
}

static void diff_values_of_each_type(void **state)
{
	check(TOY_SHELVES,
		"fast: yes\nname: t2\nfile: /a b\nwait: {mean: 4s}\nbytes: 16\nrate: 7\n"
		"share: 0.25\nmode: quick\nflags: [fin, ack]\nmac: \"02:00:00:00:00:01\"\n"
		"addr: \"2001:db8::1\"\nrange: 198.18.0.1-198.18.0.9\nspan: 2-9\nperm: 600\n"
		"verb: pull\n" TOY_SHELVES,
		"~ fast [no] [yes]\n~ name [toy] [t2]\n~ file [none] [\"/a b\"]\n"
		"~ wait.mean [3s] [4s]\n~ bytes [1KiB] [16B]\n~ rate [10k] [7]\n"
		"~ share [0.5] [0.25]\n~ mode [slow] [quick]\n~ flags [[syn]] [[fin, ack]]\n"
		"~ mac [auto] [02:00:00:00:00:01]\n~ addr [198.18.0.1] [2001:db8::1]\n"
		"~ range [none] [198.18.0.1-198.18.0.9]\n~ span [1-9] [2-9]\n"
		"~ perm [0640] [0600]\n~ verb [push] [pull]\n");
}

static void diff_reference_by_name(void **state)
{
	check("shelves: [{name: a}, {name: b}]\nprefer: b\n",
		"shelves: [{name: b}, {name: a}]\nprefer: b\n", "");
	check("shelves: [{name: a}, {name: b}]\nprefer: a\n",
		"shelves: [{name: b}, {name: a}]\nprefer: b\n", "~ prefer [a] [b]\n");
}

static void diff_lists(void **state)
{
	check("nets: [10.0.0.0/8, 11.0.0.0/8]\nshelves: [{name: a}, {name: b}]\n",
		"nets: [11.0.0.0/8, 12.0.0.0/8]\n"
		"shelves: [{name: c, boxes: [{name: x, size: 7, tags: [3, 4]}, {name: y}]},\n"
		"  {name: b, boxes: [{name: z}]}]\n",
		"- shelves[a] [] []\n+ shelves[b].boxes[z] [] []\n+ shelves[c] [] []\n"
		"+ shelves[c].boxes[x] [] [size 7 tags 3,4]\n+ shelves[c].boxes[y] [] []\n"
		"- nets [10.0.0.0/8] []\n+ nets [] [12.0.0.0/8]\n");
}

static void diff_list_left_to_the_program(void **state)
{
	struct toy *a = toy_take(TOY_SHELVES), *b = toy_take(TOY_SHELVES);

	a->workers[a->worker_count++] = 3;
	compare(a, b, "");
	toy_free(b);
	b = toy_take("workers: [3]\n" TOY_SHELVES);
	compare(a, b, "~ workers [auto] [a list]\n");
	compare(b, a, "~ workers [a list] [auto]\n");
	toy_free(a);
	toy_free(b);
}

static void diff_optional_group(void **state)
{
	check(TOY_SHELVES, "extra: {a: 3}\n" TOY_SHELVES, "+ extra [] [a 3]\n");
	check("extra: {a: 3}\n" TOY_SHELVES, TOY_SHELVES, "- extra [] []\n");
	check("extra: {a: 3}\n" TOY_SHELVES, "extra: {a: 3, b: 2}\n" TOY_SHELVES,
		"~ extra.b [7] [2]\n");
}

static void diff_absent_items(void **state)
{
	struct toy *a = toy_take("shelves: [{name: a}, {name: b}]\n"),
		   *b = toy_take("shelves: [{name: b}]\n");

	compare(a, b, "- shelves[a] [] []\n");
	a->shelves[0].gone = 2;
	compare(a, b, "");
	compare(b, a, "");
	toy_free(a);
	toy_free(b);
}

static void diff_wanted_rows(void **state)
{
	struct toy *a = toy_take(TOY_SHELVES), *b = toy_take("fast: yes\nrate: 7\n" TOY_SHELVES);
	struct told t = {.only = "rate"};
	const struct wr_settings_differ d = {.wants = wants, .tell = tell, .arg = &t};

	assert_int_equal(wr_settings_diff(&toy_table, a, b, &d), 0);
	assert_string_equal(t.all, "~ rate [10k] [7]\n");
	assert_ptr_equal(t.at, &b->rate);
	toy_free(a);
	toy_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(diff_nothing),
		cmocka_unit_test(diff_values_of_each_type),
		cmocka_unit_test(diff_reference_by_name),
		cmocka_unit_test(diff_lists),
		cmocka_unit_test(diff_list_left_to_the_program),
		cmocka_unit_test(diff_optional_group),
		cmocka_unit_test(diff_absent_items),
		cmocka_unit_test(diff_wanted_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
