/* SPDX-License-Identifier: BSD-3-Clause */
#include "conf_test.h"

#include "settings.h"
#include "wr_value.h"

// The table itself: what parser, dump and reference take for granted.

static void settings_row_complete(void **state)
{
	assert_true(wr_conf_table.count <= WR_SETTINGS_ROWS);
	for (uint32_t i = 0; i < wr_conf_table.count; i++) {
		const struct wr_settings_row *s = &wr_conf_table.rows[i];
		size_t help = s->help ? strlen(s->help) : 0;
		size_t path = strlen(s->path);
		bool brackets = path > 2 && strcmp(s->path + path - 2, "[]") == 0;
		char key[32];

		if (!help || s->help[help - 1] != '.')
			fail_msg("%s has no sentence", s->path);
		if (s->list != brackets)
			fail_msg("%s: a list is written with []", s->path);
		if (s->list && (!s->max_items || !s->size || !s->count_offset))
			fail_msg("%s: list without room or count", s->path);
		if (s->type == WR_SETTINGS_T_CHOICE && !s->choices)
			fail_msg("%s: no choices", s->path);
		if ((s->type == WR_SETTINGS_T_COUNT || s->type == WR_SETTINGS_T_TIME ||
			    s->type == WR_SETTINGS_T_SIZE) &&
			s->max <= s->min)
			fail_msg("%s: no range", s->path);
		if (s->type != WR_SETTINGS_T_SECTION && s->offset != WR_SETTINGS_NO_FIELD &&
			!s->size)
			fail_msg("%s: no size", s->path);
		assert_true(strlen(wr_settings_key(s, key, sizeof(key))) < 31);
	}
}

static void settings_row_unique(void **state)
{
	for (uint32_t i = 0; i < wr_conf_table.count; i++) {
		for (uint32_t j = 0; j < i; j++)
			assert_string_not_equal(
				wr_conf_table.rows[i].path, wr_conf_table.rows[j].path);
	}
}

// A parent's row comes before its children, and every row is reached from the root.
static uint32_t count_below(const struct wr_settings_row *parent)
{
	uint32_t n = 0;

	for (int i = -1; (i = wr_settings_child(&wr_conf_table, parent, i)) >= 0;) {
		n++;
		if (wr_conf_table.rows[i].type == WR_SETTINGS_T_SECTION)
			n += count_below(&wr_conf_table.rows[i]);
	}
	return n;
}

static void settings_tree_whole(void **state)
{
	assert_int_equal(count_below(NULL), wr_conf_table.count);
}

static void settings_default_valid(void **state)
{
	char why[WR_SETTINGS_WHY];
	uint8_t dst[256];

	for (uint32_t i = 0; i < wr_conf_table.count; i++) {
		const struct wr_settings_row *s = &wr_conf_table.rows[i];

		if (!s->dflt || (s->list && s->zero && strcmp(s->dflt, s->zero) == 0))
			continue;
		if (wr_settings_parse_value(s, s->dflt, dst, NULL, why) < 0)
			fail_msg("%s: default '%s' %s", s->path, s->dflt, why);
	}
}

static void settings_expect_short(void **state)
{
	for (uint32_t i = 0; i < wr_conf_table.count; i++) {
		char buf[WR_SETTINGS_WHY];

		// Messages put up to 80 bytes before it, and the error holds them all.
		assert_in_range(
			strlen(wr_settings_expect_value(&wr_conf_table.rows[i], buf, sizeof(buf))),
			3, 320);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(settings_row_complete),
		cmocka_unit_test(settings_row_unique),
		cmocka_unit_test(settings_tree_whole),
		cmocka_unit_test(settings_default_valid),
		cmocka_unit_test(settings_expect_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
