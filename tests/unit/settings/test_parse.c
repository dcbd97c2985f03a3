/* SPDX-License-Identifier: BSD-3-Clause */
#include "settings_test.h"

static void parse_whole_values(void **state)
{
	struct toy *t =
		toy_take("fast: yes\nname: n\nfile: /tmp/x\nworkers: [3, 5]\n"
			 "wait: {max: 5s}\nbytes: 2K\nrate: 1.5M\nshare: 0.25\n"
			 "mode: quick\nflags: [ack, fin]\nmac: \"02:00:00:00:00:01\"\n"
			 "range: 198.18.0.1-198.18.0.2\nspan: 7\nfirst: b\n"
			 "shelves: [{name: a}, {name: b, boxes: [{name: x, tags: [1, 2]}]}]\n");

	assert_true(t->fast);
	assert_string_equal(t->file, "/tmp/x");
	assert_false(t->workers_auto);
	assert_int_equal(t->worker_count, 2);
	assert_int_equal(t->workers[1], 5);
	assert_int_equal(t->wait_us, 3000000);
	assert_int_equal(t->wait_max_us, 5000000);
	assert_int_equal(t->bytes, 2048);
	assert_int_equal(t->rate, 1500000);
	assert_int_equal(t->share, 250);
	assert_int_equal(t->mode, 1);
	assert_int_equal(t->flags, 5);
	assert_int_equal(t->mac[5], 1);
	assert_int_equal(t->range.last.b[15], 2);
	assert_int_equal(t->span.last, 7);
	assert_int_equal(t->first, 1);
	assert_int_equal(t->shelf_count, 2);
	assert_int_equal(t->shelves[0].box_count, 0);
	assert_int_equal(t->shelves[1].boxes[0].tag[1], 2);
	assert_int_equal(t->shelves[1].boxes[0].line, 15);
	toy_free(t);
}

static void parse_whole_defaults(void **state)
{
	struct toy *t = toy_take("shelves: [{}, {name: x}, {}]\n");

	assert_false(t->fast);
	assert_string_equal(t->name, "toy");
	assert_string_equal(t->file, "");
	assert_true(t->workers_auto);
	assert_int_equal(t->worker_count, 0);
	assert_int_equal(t->wait_us, 3000000);
	assert_int_equal(t->flags, 2);
	assert_int_equal(t->share, 500);
	assert_string_equal(t->shelves[0].name, "shelf0");
	assert_string_equal(t->shelves[1].name, "x");
	assert_string_equal(t->shelves[2].name, "shelf2");
	toy_free(t);
}

static void parse_section_plain_value(void **state)
{
	struct toy *t = toy_take("wait: 7s\nrings: 128\nworkers: 4\nflags: ack\n" TOY_SHELVES);

	assert_int_equal(t->wait_us, 7000000);
	assert_int_equal(t->wait_max_us, 0);
	assert_int_equal(t->rx, 128);
	assert_int_equal(t->tx, 128);
	assert_int_equal(t->worker_count, 1);
	assert_int_equal(t->flags, 4);
	toy_free(t);
	toy_refused("wait: 7\n", "t.yaml:1: wait.mean: value '7' has no unit");
	toy_refused("rings: 16\n", "rings.rx: value '16' is too small");
}

static void parse_section_optional(void **state)
{
	struct toy *t = toy_take(TOY_SHELVES);

	assert_false(t->extra);
	assert_int_equal(t->extra_b, 0);
	toy_free(t);
	t = toy_take("extra: {a: 1}\n" TOY_SHELVES);
	assert_true(t->extra);
	assert_int_equal(t->extra_a, 1);
	assert_int_equal(t->extra_b, 7);
	toy_free(t);
	toy_refused("extra: {b: 1}\n", "extra.a: is missing");
}

static void parse_flags_list(void **state)
{
	struct toy *t = toy_take("flags: []\n" TOY_SHELVES);

	assert_int_equal(t->flags, 0);
	toy_free(t);
	toy_refused("flags: [syn, rts]\n", "flags[1]: value 'rts' has a word that is not a choice");
	toy_refused("flags: [[syn]]\n", "flags[0]: is a list");
	toy_refused("flags: {syn: 1}\n", "flags: is a group of keys");
}

static void parse_key_missing(void **state)
{
	toy_refused_whole(TOY_TEXT("fast: no\n"), NULL, "t.yaml:1: shelves: is missing");
	toy_refused_whole(TOY_TEXT("shelves: [{boxes: [{size: 1}]}]"), NULL,
		"shelves[0].boxes[0].name: is missing; right would be 1 to 15");
	toy_refused_whole(TOY_TEXT("shelves: []\n"), NULL, "shelves: is an empty list");
	toy_refused_whole(TOY_TEXT("shelves:\n"), NULL, "shelves: is not a list");
	toy_refused_whole(TOY_TEXT("shelves: !x []\n"), NULL, "shelves: is not a list");
}

static void parse_list_too_long(void **state)
{
	toy_refused("workers: [1, 2, 3, 4]\n", "workers: has 4 items; right would be at most 3");
	toy_refused_whole(
		TOY_TEXT("shelves: [{boxes: &b [{name: a}, {name: b}, {name: c}, {name: d}]}, "
			 "{boxes: *b}, {boxes: *b}]"),
		NULL,
		"shelves[2].boxes: has 4 items, 12 with those before; right would be at most 10");
}

static void parse_heap_plain_values(void **state)
{
	struct toy *t = toy_take("nets: [198.18.0.0/15, \"2001:db8::/32\"]\n" TOY_SHELVES);

	assert_int_equal(t->net_count, 2);
	assert_int_equal(t->nets[1].len, 32);
	toy_free(t);
	// One value stands for a list of it.
	t = toy_take("nets: 198.18.0.0/15\n" TOY_SHELVES);
	assert_int_equal(t->net_count, 1);
	assert_int_equal(t->nets[0].len, 111);
	toy_free(t);
	t = toy_take(TOY_SHELVES);
	assert_int_equal(t->net_count, 0);
	assert_null(t->nets);
	toy_free(t);
	toy_refused("nets: here\n", "nets: value 'here' is not an address with a prefix length");
	toy_refused("nets: [10.0.0.0/8, 10.0.0.0/8, 10.0.0.0/8, 10.0.0.0/8]\n",
		"nets: has 4 items; right would be at most 3");
}

static void parse_heap_empty(void **state)
{
	struct toy *t = toy_take("shelves: [{boxes: []}]\n");

	assert_int_equal(t->shelves[0].box_count, 0);
	assert_null(t->shelves[0].boxes);
	toy_free(t);
}

static void parse_text_not_yaml(void **state)
{
	const char nul[] = "fast: no\n\0x";

	toy_refused_whole(TOY_TEXT(""), NULL, "t.yaml:1: is empty; right would be shelves, see");
	toy_refused_whole(TOY_TEXT("# only\n"), NULL, "is empty");
	toy_refused_whole(TOY_TEXT("a: [1\nb: 2\n"), NULL, "t.yaml:2: is not YAML: ");
	toy_refused_whole(TOY_TEXT("\t\tx"), NULL, "is not YAML: ");
	toy_refused_whole(TOY_TEXT("a: \xff\xfe\n"), NULL, "t.yaml:1: is not YAML: ");
	toy_refused_whole(TOY_TEXT("\n\n\x01"), NULL, "t.yaml:3: is not YAML: ");
	toy_refused_whole(nul, sizeof(nul) - 1, NULL, "t.yaml:2: is not YAML: ");
	toy_refused_whole(TOY_TEXT("just words"), NULL, "is not a group of keys");
	toy_refused_whole(TOY_TEXT("a: *nowhere"), NULL, "is not YAML: found undefined alias");
}

static void parse_text_two_documents(void **state)
{
	toy_refused_whole(TOY_SHELVES "---\nfast: no\n", strlen(TOY_SHELVES) + 13, NULL,
		"a second document begins here");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parse_whole_values),
		cmocka_unit_test(parse_whole_defaults),
		cmocka_unit_test(parse_section_plain_value),
		cmocka_unit_test(parse_section_optional),
		cmocka_unit_test(parse_flags_list),
		cmocka_unit_test(parse_key_missing),
		cmocka_unit_test(parse_list_too_long),
		cmocka_unit_test(parse_heap_plain_values),
		cmocka_unit_test(parse_heap_empty),
		cmocka_unit_test(parse_text_not_yaml),
		cmocka_unit_test(parse_text_two_documents),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
