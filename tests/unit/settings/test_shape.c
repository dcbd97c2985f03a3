/* SPDX-License-Identifier: BSD-3-Clause */
#include "settings_test.h"

#include "shape.h"

static void nested_refused(const char *unit, const char *sentence)
{
	size_t len = strlen(unit), n = 200000 / len * len;
	char *text = malloc(n);

	for (size_t i = 0; i < n; i += len)
		memcpy(text + i, unit, len);
	toy_refused_whole(text, n, NULL, sentence);
	free(text);
}

static void shape_depth_refused(void **state)
{
	nested_refused("[", "t.yaml:1: lists and groups are nested deeper than 16");
	nested_refused("{", "nested deeper than 16");
	nested_refused("- ", "nested deeper than 16");
	nested_refused("? ", "nested deeper than 16");
	nested_refused("[{a: ", "nested deeper than 16");
}

static int check(const char *text)
{
	struct wr_err err = {{0}};
	struct wr_settings_walk w = {.table = &toy_table, .file = "t.yaml", .err = &err};

	return wr_settings_shape_check(&w, text, strlen(text));
}

static void shape_depth_limit_exact(void **state)
{
	char text[64] = "";

	memset(text, '[', WR_SETTINGS_DEPTH_MAX);
	memset(text + WR_SETTINGS_DEPTH_MAX, ']', WR_SETTINGS_DEPTH_MAX);
	assert_int_equal(check(text), 0);
	memset(text, '[', WR_SETTINGS_DEPTH_MAX + 1);
	memset(text + WR_SETTINGS_DEPTH_MAX + 1, ']', WR_SETTINGS_DEPTH_MAX + 1);
	assert_true(check(text) < 0);
}

static void shape_anchors_limit(void **state)
{
	char text[8192], *p = text;

	for (int i = 0; i < WR_SETTINGS_ANCHORS_MAX; i++)
		p += sprintf(p, "- &a%d x\n", i);
	assert_int_equal(check(text), 0);
	sprintf(p, "- &last [x]\n");
	assert_true(check(text) < 0);
}

static void shape_error_late(void **state)
{
	toy_refused_whole(TOY_TEXT("a: b\n---\nc: ]\n"), NULL, "t.yaml:3: is not YAML");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shape_depth_refused),
		cmocka_unit_test(shape_depth_limit_exact),
		cmocka_unit_test(shape_anchors_limit),
		cmocka_unit_test(shape_error_late),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
