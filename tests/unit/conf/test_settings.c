/* SPDX-License-Identifier: BSD-3-Clause */
#include "conf_test.h"

#include "settings.h"
#include "value.h"
#include "walk.h"

// The table itself: what parser, dump and reference take for granted.

static void settings_row_complete(void **state)
{
	assert_true(wr_conf_setting_count <= WR_CONF_VALUES);
	for (uint32_t i = 0; i < wr_conf_setting_count; i++) {
		const struct wr_conf_setting *s = &wr_conf_settings[i];
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
		if (s->type == WR_CONF_T_CHOICE && !s->choices)
			fail_msg("%s: no choices", s->path);
		if ((s->type == WR_CONF_T_COUNT || s->type == WR_CONF_T_TIME ||
			    s->type == WR_CONF_T_SIZE) &&
			s->max <= s->min)
			fail_msg("%s: no range", s->path);
		if (s->type != WR_CONF_T_SECTION && s->offset != WR_CONF_NO_FIELD && !s->size)
			fail_msg("%s: no size", s->path);
		assert_true(strlen(wr_conf_setting_key(s, key, sizeof(key))) < 31);
	}
}

static void settings_row_unique(void **state)
{
	for (uint32_t i = 0; i < wr_conf_setting_count; i++) {
		for (uint32_t j = 0; j < i; j++)
			assert_string_not_equal(wr_conf_settings[i].path, wr_conf_settings[j].path);
	}
}

// A parent's row comes before its children, and every row is reached from the root.
static uint32_t count_below(const struct wr_conf_setting *parent)
{
	uint32_t n = 0;

	for (int i = -1; (i = wr_conf_setting_child(parent, i)) >= 0;) {
		n++;
		if (wr_conf_settings[i].type == WR_CONF_T_SECTION)
			n += count_below(&wr_conf_settings[i]);
	}
	return n;
}

static void settings_tree_whole(void **state)
{
	assert_int_equal(count_below(NULL), wr_conf_setting_count);
}

static void settings_default_valid(void **state)
{
	struct wr_conf *c = calloc(1, sizeof(*c));
	char why[WR_CONF_WHY];
	uint8_t dst[256];

	for (uint32_t i = 0; i < wr_conf_setting_count; i++) {
		const struct wr_conf_setting *s = &wr_conf_settings[i];

		if (!s->dflt || (s->list && s->zero && strcmp(s->dflt, s->zero) == 0))
			continue;
		if (wr_conf_value_parse(s, s->dflt, dst, c, why) < 0)
			fail_msg("%s: default '%s' %s", s->path, s->dflt, why);
	}
	free(c);
}

static void settings_key_last_component(void **state)
{
	const struct wr_conf_setting a = {.path = "a.b[].c_d[]"}, b = {.path = "xy"};
	char key[32];

	assert_string_equal(wr_conf_setting_key(&a, key, sizeof(key)), "c_d");
	assert_string_equal(wr_conf_setting_key(&b, key, sizeof(key)), "xy");
	assert_int_equal(wr_conf_setting_child(&a, -1), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(settings_row_complete),
		cmocka_unit_test(settings_row_unique),
		cmocka_unit_test(settings_tree_whole),
		cmocka_unit_test(settings_default_valid),
		cmocka_unit_test(settings_key_last_component),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
