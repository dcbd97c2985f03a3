/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include <errno.h>

#include "params.h"

static struct wr_params p;
static struct wr_err err;

static int parse(const char *text, const char *allowed)
{
	memset(&err, 0, sizeof(err));
	return wr_params_parse(&p, text, allowed, &err);
}

static void params_parse_nothing(void **state)
{
	assert_int_equal(parse(NULL, "a"), 0);
	assert_int_equal(p.count, 0);
	assert_int_equal(p.cursor, 0);
	assert_int_equal(parse("", "a"), 0);
}

static void params_parse_cursor_and_filters(void **state)
{
	assert_int_equal(parse("40,service=web,stalled=1", "service stalled"), 0);
	assert_int_equal(p.cursor, 40);
	assert_string_equal(wr_params_get(&p, "service"), "web");
	assert_string_equal(wr_params_get(&p, "stalled"), "1");
	assert_null(wr_params_get(&p, "peer"));
}

static void params_parse_filter_without_cursor(void **state)
{
	assert_int_equal(parse("peer=2001:db8::5", "peer"), 0);
	assert_int_equal(p.cursor, 0);
	assert_string_equal(wr_params_get(&p, "peer"), "2001:db8::5");
}

static void params_parse_value_with_equal_sign(void **state)
{
	assert_int_equal(parse("a=b=c", "a"), 0);
	assert_string_equal(wr_params_get(&p, "a"), "b=c");
}

static void params_parse_unknown_key(void **state)
{
	assert_int_equal(parse("drain=web/b1", "service"), -EINVAL);
	assert_non_null(strstr(err.text, "'drain'"));
	// A part of a known key is not a known key.
	assert_int_equal(parse("serv=web", "service"), -EINVAL);
	assert_int_equal(parse("services=web", "service"), -EINVAL);
	assert_int_equal(parse("x=1", ""), -EINVAL);
}

static void params_parse_malformed(void **state)
{
	assert_int_equal(parse("web", "service"), -EINVAL);
	assert_int_equal(parse("service=web,4", "service"), -EINVAL);
	assert_int_equal(parse("4,5", "service"), -EINVAL);
	assert_int_equal(parse("4,", "service"), -EINVAL);
	assert_int_equal(parse("service=", "service"), -EINVAL);
	assert_non_null(strstr(err.text, "no value"));
	assert_int_equal(parse("service=a,service=b", "service"), -EINVAL);
	assert_non_null(strstr(err.text, "twice"));
	assert_int_equal(parse("-1", "service"), -EINVAL);
	assert_int_equal(parse("18446744073709551616", "service"), -EINVAL);
}

static void params_parse_limits(void **state)
{
	char text[1100];

	memset(text, 'a', sizeof(text));
	text[1024] = '\0';
	assert_int_equal(parse(text, "a"), -EINVAL);
	assert_non_null(strstr(err.text, "1023"));
	assert_int_equal(parse("a=1,b=1,c=1,d=1,e=1,f=1,g=1,h=1", "a b c d e f g h i"), 0);
	assert_int_equal(
		parse("a=1,b=1,c=1,d=1,e=1,f=1,g=1,h=1,i=1", "a b c d e f g h i"), -EINVAL);
	assert_int_equal(parse("18446744073709551615", ""), 0);
	assert_true(p.cursor == UINT64_MAX);
}

static void params_uint_range(void **state)
{
	uint64_t v;

	assert_int_equal(parse("worker=3", "worker"), 0);
	assert_int_equal(wr_params_uint(&p, "worker", 9, 3, &v, &err), 0);
	assert_int_equal(v, 3);
	assert_int_equal(wr_params_uint(&p, "worker", 9, 2, &v, &err), -EINVAL);
	assert_non_null(strstr(err.text, "0 to 2"));
	assert_int_equal(wr_params_uint(&p, "since", 9, 100, &v, &err), 0);
	assert_int_equal(v, 9);
}

static void params_bool_forms(void **state)
{
	bool on;

	assert_int_equal(parse("a=1,b=0,c=2", "a b c"), 0);
	assert_int_equal(wr_params_bool(&p, "a", &on, &err), 0);
	assert_true(on);
	assert_int_equal(wr_params_bool(&p, "b", &on, &err), 0);
	assert_false(on);
	assert_int_equal(wr_params_bool(&p, "d", &on, &err), 0);
	assert_false(on);
	assert_int_equal(wr_params_bool(&p, "c", &on, &err), -EINVAL);
	assert_false(on);
}

static void params_conn_id_forms(void **state)
{
	uint16_t w;
	uint32_t id;

	assert_int_equal(wr_params_conn_id("1.4194305", &w, &id), 0);
	assert_int_equal(w, 1);
	assert_int_equal(id, 4194305);
	assert_int_equal(wr_params_conn_id("0.4294967295", &w, &id), 0);
	assert_true(id == UINT32_MAX);
	assert_int_equal(wr_params_conn_id("0.4294967296", &w, &id), -EINVAL);
	assert_int_equal(wr_params_conn_id("65536.1", &w, &id), -EINVAL);
	assert_int_equal(wr_params_conn_id("12", &w, &id), -EINVAL);
	assert_int_equal(wr_params_conn_id(".1", &w, &id), -EINVAL);
	assert_int_equal(wr_params_conn_id("1.", &w, &id), -EINVAL);
	assert_int_equal(wr_params_conn_id("1.2.3", &w, &id), -EINVAL);
	assert_int_equal(wr_params_conn_id("00000000001.2", &w, &id), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(params_parse_nothing),
		cmocka_unit_test(params_parse_cursor_and_filters),
		cmocka_unit_test(params_parse_filter_without_cursor),
		cmocka_unit_test(params_parse_value_with_equal_sign),
		cmocka_unit_test(params_parse_unknown_key),
		cmocka_unit_test(params_parse_malformed),
		cmocka_unit_test(params_parse_limits),
		cmocka_unit_test(params_uint_range),
		cmocka_unit_test(params_bool_forms),
		cmocka_unit_test(params_conn_id_forms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
