/* SPDX-License-Identifier: BSD-3-Clause */
#include "settings_test.h"

// Keys and scalars of the document: what is unknown, twice, tagged, nested, or not text.

static void walk_key_unknown(void **state)
{
	toy_refused(
		"wait:\n  meen: 1s\n", "t.yaml:2: wait: unknown key 'meen'; did you mean 'mean'?");
	toy_refused("waits: {}\n", "t.yaml:1: unknown key 'waits'; did you mean 'wait'?");
	toy_refused("wait: {zzzzzz: 1}\n", "unknown key 'zzzzzz'; known here: mean, max");
	toy_refused("wait: {\"mean\\0x\": 1}\n", "unknown key 'mean?x'");
	toy_refused("wait: {\"\": 1}\n", "unknown key ''");
}

static void walk_key_unknown_deep(void **state)
{
	toy_refused_whole(TOY_TEXT("shelves: [{boxes: [{name: a}, {nam: b}]}]"), NULL,
		"shelves[0].boxes[1]: unknown key 'nam'; did you mean 'name'?");
}

static void walk_key_twice(void **state)
{
	toy_refused("wait:\n  max: 1s\n  max: 2s\n",
		"t.yaml:3: wait: key 'max' is given twice; the first is at line 2");
	toy_refused(TOY_SHELVES, "key 'shelves' is given twice");
}

static void walk_key_not_a_word(void **state)
{
	toy_refused("? [a, b]\n: 1\n", "a key is one word");
	toy_refused("wait: {{a: b}: 1}\n", "a key is one word");
}

static void walk_key_merge(void **state)
{
	toy_refused("wait: {<<: {max: 3s}}\n", "merge keys ('<<') are not supported");
}

static void walk_section_wrong_kind(void **state)
{
	toy_refused("extra: 5\n", "extra: is not a group of keys");
	toy_refused("wait: [a]\n", "wait: is not a group of keys");
	toy_refused("wait: !x {}\n", "wait: is not a group of keys");
}

static void walk_scalar_wrong_kind(void **state)
{
	toy_refused("name: [a]\n", "name: is a list; right would be 1 to 15");
	toy_refused("fast: {a: b}\n", "fast: is a group of keys; right would be yes or no");
	toy_refused("bytes: !!int 5\n", "has a YAML tag");
	toy_refused("name: \"a\\0b\"\n", "has a NUL byte in its value");
	toy_refused("workers: \"auto\\0b\"\n", "has a NUL byte in its value");
}

static void walk_scalar_shown_safely(void **state)
{
	char text[600] = "name: \"", *p = text + strlen(text);

	memset(p, 'x', 500);
	strcpy(p + 500, "\"\n");
	toy_refused(text, "xxxxxxxx...' is too long");
	toy_refused("name: \"a\\eb\\nc\"\n", "value 'a?b?c' has a character");
}

static void walk_alias_shared(void **state)
{
	struct toy *t =
		toy_take("shelves:\n  - {boxes: &b [{name: x, size: 9}]}\n  - {boxes: *b}\n");

	assert_int_equal(t->shelves[1].boxes[0].size, 9);
	assert_ptr_not_equal(t->shelves[0].boxes, t->shelves[1].boxes);
	toy_free(t);
}

static void walk_alias_cycle(void **state)
{
	toy_refused("wait: &a {mean: *a}\n", "wait.mean: is a group of keys");
	toy_refused_whole(TOY_TEXT("shelves: &p\n  - {boxes: *p}\n"), NULL,
		"shelves[0].boxes[0]: unknown key 'boxes'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(walk_key_unknown),
		cmocka_unit_test(walk_key_unknown_deep),
		cmocka_unit_test(walk_key_twice),
		cmocka_unit_test(walk_key_not_a_word),
		cmocka_unit_test(walk_key_merge),
		cmocka_unit_test(walk_section_wrong_kind),
		cmocka_unit_test(walk_scalar_wrong_kind),
		cmocka_unit_test(walk_scalar_shown_safely),
		cmocka_unit_test(walk_alias_shared),
		cmocka_unit_test(walk_alias_cycle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
