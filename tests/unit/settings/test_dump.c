/* SPDX-License-Identifier: BSD-3-Clause */
#include "settings_test.h"

static char *dump(const struct toy *t)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	wr_settings_dump(&toy_table, t, out);
	fclose(out);
	return text;
}

static void round_trip(const char *yaml)
{
	struct toy *a = toy_take(yaml), *b;
	char *text = dump(a), *again;

	b = toy_take(text);
	again = dump(b);
	assert_string_equal(text, again);
	for (uint32_t i = 0; i < a->shelf_count; i++) {
		assert_int_equal(a->shelves[i].box_count, b->shelves[i].box_count);
		for (uint32_t j = 0; j < a->shelves[i].box_count; j++)
			assert_memory_equal(&a->shelves[i].boxes[j], &b->shelves[i].boxes[j],
				offsetof(struct toy_box, line));
	}
	assert_memory_equal(a, b, offsetof(struct toy, shelves));
	toy_free(a);
	toy_free(b);
	free(text);
	free(again);
}

static void dump_round_trip_defaults(void **state)
{
	round_trip("shelves: [{}]\n");
}

static void dump_round_trip_everything(void **state)
{
	round_trip("fast: yes\nname: \"true\"\nfile: 'x \"y\" \\ # : z'\nworkers: [3, 5]\n"
		   "wait: {mean: 1500ms, max: 1h}\nbytes: 1000\nrate: 1234567\nshare: 0.001\n"
		   "mode: quick\nkind: quick\nflags: [fin, syn, ack]\nmac: \"02:0f:00:00:00:01\"\n"
		   "prefix: \"2001:db8::1/64\"\naddr: \"2001:db8::2\"\nend: \"[2001:db8::3]:443\"\n"
		   "range: \"2001:db8::5-2001:db8::9\"\nspan: 9-65535\nrings: {rx: 512}\n"
		   "first: s\nextra: {a: 1, b: 2}\n"
		   "shelves: [{name: r}, {name: s, boxes: [{name: \"1\", tags: [1, 2, 3]}]}]\n");
}

static void dump_section_optional(void **state)
{
	struct toy *t = toy_take(TOY_SHELVES);
	char *text = dump(t);

	assert_null(strstr(text, "extra"));
	free(text);
	toy_free(t);
}

static char *dump_sorted(const struct toy *t)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_int_equal(wr_settings_dump_sorted(&toy_table, t, out), 0);
	fclose(out);
	return text;
}

// What means the same is the same, and it still parses.
static void dump_sorted_alike(void **state)
{
	struct toy *a = toy_take(
			   "nets: [11.0.0.0/8, 10.0.0.0/8]\nprefer: b\n"
			   "shelves: [{name: b, boxes: [{name: y}, {name: x}]}, {name: a}]\n"),
		   *b = toy_take("shelves: [{name: a}, {name: b, boxes: [{name: x}, {name: y}]}]\n"
				 "nets: [10.0.0.0/8, 11.0.0.0/8]\nprefer: b\n");
	char *x, *y;

	a->workers[a->worker_count++] = 5; // chosen by the program
	x = dump_sorted(a);
	y = dump_sorted(b);
	assert_string_equal(x, y);
	toy_free(b);
	b = toy_take(x);
	toy_free(a);
	toy_free(b);
	free(x);
	free(y);
}

static void dump_without_absent(void **state)
{
	struct toy *t = toy_take("shelves: [{name: a}, {name: b}]\n");
	char *text;

	t->shelves[0].gone = 1;
	text = dump(t);
	assert_null(strstr(text, "\"a\""));
	assert_non_null(strstr(text, "  - name: \"b\"\n"));
	free(text);
	t->shelves[1].gone = 1;
	text = dump(t);
	assert_non_null(strstr(text, "shelves: []\n"));
	free(text);
	toy_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dump_round_trip_defaults),
		cmocka_unit_test(dump_round_trip_everything),
		cmocka_unit_test(dump_sorted_alike),
		cmocka_unit_test(dump_without_absent),
		cmocka_unit_test(dump_section_optional),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
