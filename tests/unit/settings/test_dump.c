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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dump_round_trip_defaults),
		cmocka_unit_test(dump_round_trip_everything),
		cmocka_unit_test(dump_section_optional),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
