/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include <stdlib.h>

#include "ctl_priv.h"

// A small configuration with `backends` of them, and an idle time-out.
static struct wr_conf *conf_of(uint32_t backends, uint32_t idle_s)
{
	size_t room = 1024 + backends * 64, n = 0;
	struct wr_err err = {0};
	char *text = malloc(room);
	struct wr_conf *c;

	assert_non_null(text);
	n += (size_t)snprintf(text + n, room - n,
		"runtime: {workers: [1], name: t}\n"
		"ports:\n  - {name: wan, device: net_null0, addresses: [198.18.0.1/20]}\n"
		"services:\n  - {name: www, listen: [\"198.18.0.100:80\"], pool: web,\n"
		"     timeouts: {idle: %us}}\n"
		"pools:\n  - name: web\n    backends:\n",
		idle_s);
	for (uint32_t i = 0; i < backends; i++)
		n += (size_t)snprintf(text + n, room - n,
			"      - {name: b%u, address: \"198.18.%u.%u:80\"}\n", i, 1 + i / 200,
			1 + i % 200);
	c = wr_conf_parse("t.yaml", text, n, &err);
	free(text);
	if (c == NULL)
		fail_msg("%s", err.text);
	return c;
}

static void keep(struct wr_reload *r, const struct wr_conf *before, uint32_t idle_s)
{
	struct wr_conf *c = conf_of(1, idle_s);

	assert_int_equal(wr_version_keep(r, before, c, "test", 1000 + idle_s), 0);
	wr_conf_free(c);
}

static void versions_first(void **state)
{
	struct wr_conf *c = conf_of(2, 60), *again;
	struct wr_reload r = {0};
	const struct wr_version *v;
	struct wr_err err = {0};

	assert_null(wr_reload_version(&r, 0));
	assert_null(wr_reload_version(&r, 1));
	assert_int_equal(wr_version_keep(&r, NULL, c, "start: t.yaml", 12345), 0);
	v = wr_reload_version(&r, 1);
	assert_non_null(v);
	assert_int_equal(r.in_force, 1);
	assert_int_equal(v->at, 12345);
	assert_int_equal(v->lines, 0);
	assert_true(v->in_force && !v->rolled_back);
	assert_string_equal(v->from, "start: t.yaml");
	assert_int_equal(v->sum, wr_conf_id(c));
	assert_int_equal(strlen(v->text), v->len);
	// Its text is the configuration.
	again = wr_conf_parse("t.yaml", v->text, v->len, &err);
	assert_non_null(again);
	assert_int_equal(wr_conf_diff(c, again, NULL, 0), 0);
	assert_int_equal(wr_conf_id(again), v->sum);
	assert_null(wr_reload_version(&r, 0));
	assert_null(wr_reload_version(&r, 1 + WR_VERSIONS));
	wr_conf_free(again);
	wr_conf_free(c);
	wr_versions_free(&r);
	assert_null(wr_reload_version(&r, 1));
}

static void versions_say_what_changed(void **state)
{
	struct wr_conf *a = conf_of(1, 60), *b = conf_of(2, 61);
	struct wr_reload r = {0};
	const struct wr_version *v;

	assert_int_equal(wr_version_keep(&r, NULL, a, "one", 1), 0);
	assert_int_equal(wr_version_keep(&r, a, b, "two", 2), 0);
	v = wr_reload_version(&r, 2);
	assert_int_equal(v->lines, 2);
	for (uint32_t i = 0; i < 2; i++)
		assert_true(strstr(v->line[i], "idle") != NULL || strstr(v->line[i], "b1") != NULL);
	assert_true(v->in_force);
	assert_false(wr_reload_version(&r, 1)->in_force);
	assert_true(v->sum != wr_reload_version(&r, 1)->sum);
	wr_conf_free(a);
	wr_conf_free(b);
	wr_versions_free(&r);
}

static void versions_are_bounded(void **state)
{
	struct wr_reload r = {0};
	uint32_t in_force = 0;

	for (uint32_t i = 1; i <= 3 * WR_VERSIONS + 5; i++) {
		keep(&r, NULL, i);
		assert_int_equal(r.in_force, i);
		assert_int_equal(r.count, i);
		assert_int_equal(wr_reload_version(&r, i)->at, 1000 + i);
		if (i > WR_VERSIONS) {
			assert_null(wr_reload_version(&r, i - WR_VERSIONS));
			assert_non_null(wr_reload_version(&r, i - WR_VERSIONS + 1));
		}
		assert_null(wr_reload_version(&r, i + 1));
	}
	for (uint32_t i = 0; i < WR_VERSIONS; i++)
		in_force += r.version[i].in_force;
	assert_int_equal(in_force, 1);
	wr_versions_free(&r);
}

// More lines than are kept are counted.
static void versions_keep_the_first_lines(void **state)
{
	struct wr_conf *a = conf_of(1, 60), *b = conf_of(1 + WR_DIFF_LINES + 44, 60);
	struct wr_reload r = {0};
	const struct wr_version *v;

	assert_int_equal(wr_version_keep(&r, a, b, "many", 1), 0);
	v = wr_reload_version(&r, 1);
	assert_int_equal(v->lines, WR_DIFF_LINES + 44);
	assert_true(v->line[WR_DIFF_LINES - 1][0] != '\0');
	wr_conf_free(a);
	wr_conf_free(b);
	wr_versions_free(&r);
}

static void versions_from_is_cut(void **state)
{
	struct wr_conf *a = conf_of(1, 60);
	struct wr_reload r = {0};
	char from[200];

	memset(from, 'x', sizeof(from) - 1);
	from[sizeof(from) - 1] = '\0';
	assert_int_equal(wr_version_keep(&r, NULL, a, from, 1), 0);
	assert_int_equal(strlen(wr_reload_version(&r, 1)->from), sizeof(r.version[0].from) - 1);
	wr_conf_free(a);
	wr_versions_free(&r);
	wr_versions_free(&r); // nothing is freed twice
}

static void keep_edits(struct wr_reload *r, uint32_t before_s, uint32_t idle_s, wr_us_t now)
{
	struct wr_conf *a = conf_of(1, before_s), *b = conf_of(1, idle_s);

	assert_int_equal(wr_version_keep_edits(r, a, b, 2, 1000, now), 0);
	wr_conf_free(a);
	wr_conf_free(b);
}

static void versions_of_edits_that_follow_are_one(void **state)
{
	struct wr_reload r = {0};
	const struct wr_version *v;

	keep(&r, NULL, 60);
	for (uint32_t i = 0; i < 5; i++)
		keep_edits(&r, 60 + i, 61 + i, (1 + i) * WR_US_PER_S);
	assert_int_equal(r.count, 2);
	assert_int_equal(r.in_force, 2);
	v = wr_reload_version(&r, 2);
	assert_int_equal(v->lines, 5);
	assert_int_equal(v->edits, 10);
	assert_string_equal(v->from, "operator: 10 edits");
	assert_non_null(strstr(v->line[0], "-> 61s"));
	assert_non_null(strstr(v->line[4], "-> 65s"));
	assert_non_null(strstr(v->text, "65s"));
	assert_true(v->in_force);
	// The run is over, or something else came in between.
	keep_edits(&r, 65, 66, WR_US_PER_S + WR_EDITS_RUN_US);
	assert_int_equal(r.in_force, 3);
	keep(&r, NULL, 70);
	keep_edits(&r, 70, 71, WR_US_PER_S + WR_EDITS_RUN_US);
	assert_int_equal(r.in_force, 5);
	wr_versions_free(&r);
}

static void versions_of_edits_leave_room(void **state)
{
	struct wr_reload r = {0};
	const struct wr_version *v = NULL;
	uint32_t n = 0;

	for (uint32_t i = 1; i <= WR_VERSIONS - WR_EDITS_VERSIONS; i++)
		keep(&r, NULL, i);
	for (uint32_t i = 0; i < 40; i++)
		keep_edits(&r, 60, 61, i * WR_EDITS_RUN_US);
	assert_int_equal(r.in_force, WR_VERSIONS - WR_EDITS_VERSIONS + 40);
	for (uint32_t i = 1; i <= WR_VERSIONS - WR_EDITS_VERSIONS; i++)
		assert_non_null(wr_reload_version(&r, i));
	assert_null(wr_reload_version(&r, r.in_force - WR_EDITS_VERSIONS));
	assert_non_null(wr_reload_version(&r, r.in_force - WR_EDITS_VERSIONS + 1));
	// Newest first, over the gap.
	while ((v = wr_reload_version_before(&r, v != NULL ? v->id : UINT32_MAX)) != NULL)
		n++;
	assert_int_equal(n, WR_VERSIONS);
	assert_int_equal(wr_reload_version_before(&r, r.in_force - WR_EDITS_VERSIONS + 1)->id,
		WR_VERSIONS - WR_EDITS_VERSIONS);
	wr_versions_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(versions_first),
		cmocka_unit_test(versions_say_what_changed),
		cmocka_unit_test(versions_are_bounded),
		cmocka_unit_test(versions_keep_the_first_lines),
		cmocka_unit_test(versions_from_is_cut),
		cmocka_unit_test(versions_of_edits_that_follow_are_one),
		cmocka_unit_test(versions_of_edits_leave_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
