/* SPDX-License-Identifier: BSD-3-Clause */
#include "conf_test.h"

#include "value.h"

static struct wr_conf_setting row(enum wr_conf_type type, uint64_t min, uint64_t max, size_t size)
{
	return (struct wr_conf_setting){
		.path = "x", .type = type, .min = min, .max = max, .size = size};
}

static void takes(const struct wr_conf_setting *s, const char *text, void *dst)
{
	char why[WR_CONF_WHY];

	if (wr_conf_value_parse(s, text, dst, NULL, why) < 0)
		fail_msg("'%s' %s", text, why);
}

static void refuses(const struct wr_conf_setting *s, const char *text, const char *reason)
{
	char why[WR_CONF_WHY] = "";
	uint8_t dst[256];

	if (wr_conf_value_parse(s, text, dst, NULL, why) == 0)
		fail_msg("'%s' is taken", text);
	if (!strstr(why, reason) || !strstr(why, "; right would be "))
		fail_msg("'%s' %s", text, why);
}

// Print, and compare with what is expected.
static void prints(const struct wr_conf_setting *s, const void *src, const char *expected)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	wr_conf_value_print(s, src, NULL, out);
	fclose(out);
	assert_string_equal(text, expected);
	free(text);
}

static void value_bool_words(void **state)
{
	struct wr_conf_setting s = row(WR_CONF_T_BOOL, 0, 0, 1);
	bool v = false;

	takes(&s, "yes", &v);
	assert_true(v);
	takes(&s, "false", &v);
	assert_false(v);
	prints(&s, &v, "no");
	refuses(&s, "maybe", "neither yes nor no");
	refuses(&s, "", "neither yes nor no");
}

static void value_count_range(void **state)
{
	struct wr_conf_setting s = row(WR_CONF_T_COUNT, 5, 70000, 4);
	uint32_t v = 0;

	takes(&s, "5", &v);
	takes(&s, "70000", &v);
	assert_int_equal(v, 70000);
	prints(&s, &v, "70000");
	refuses(&s, "4", "too small");
	refuses(&s, "70001", "too large");
	refuses(&s, "99999999999999999999999", "too large");
	refuses(&s, "-6", "not a whole number");
	refuses(&s, "6.0", "not a whole number");
	refuses(&s, "0x10", "begins with 0");
	refuses(&s, "010", "begins with 0");
	refuses(&s, "", "not a whole number");
	refuses(&s, "auto", "not a whole number");
}

static void value_count_zero_word(void **state)
{
	struct wr_conf_setting s = row(WR_CONF_T_COUNT, 32, 4096, 2);
	uint16_t v[2] = {7, 7};

	s.zero = "auto";
	takes(&s, "auto", v);
	assert_int_equal(v[0], 0);
	assert_int_equal(v[1], 7);
	prints(&s, v, "auto");
	takes(&s, "0", v);
	refuses(&s, "1", "auto or a whole number from 32 to 4096");
}

static void value_time_units(void **state)
{
	struct wr_conf_setting s = row(WR_CONF_T_TIME, 1000, 3600000000ULL, 8);
	wr_us_t v = 0;

	takes(&s, "3s", &v);
	assert_int_equal(v, 3000000);
	takes(&s, "1h", &v);
	prints(&s, &v, "1h");
	takes(&s, "1500ms", &v);
	prints(&s, &v, "1500ms");
	refuses(&s, "3", "has no unit");
	refuses(&s, "3 s", "not a time");
	refuses(&s, "999us", "too short");
	refuses(&s, "2h", "too long");
	refuses(&s, "99999h", "too long");
	refuses(&s, "soon", "not a time");
}

static void value_time_zero_word(void **state)
{
	struct wr_conf_setting s = row(WR_CONF_T_TIME, 1000000, 3600000000ULL, 8);
	wr_us_t v = 7;

	refuses(&s, "0s", "too short");
	s.zero = "off";
	takes(&s, "off", &v);
	assert_int_equal(v, 0);
	prints(&s, &v, "off");
	v = 7;
	takes(&s, "0s", &v);
	assert_int_equal(v, 0);
	takes(&s, "1s", &v);
	prints(&s, &v, "1s");
	refuses(&s, "0", "has no unit");
	refuses(&s, "999ms", "off or a time from 1s to 1h");
}

static void value_size_units(void **state)
{
	struct wr_conf_setting s = row(WR_CONF_T_SIZE, 1000, 3U << 30, 4);
	uint32_t v = 0;

	takes(&s, "128KiB", &v);
	assert_int_equal(v, 128 << 10);
	prints(&s, &v, "128KiB");
	takes(&s, "1000", &v);
	prints(&s, &v, "1000B");
	takes(&s, "1536K", &v);
	prints(&s, &v, "1536KiB");
	takes(&s, "2048M", &v);
	prints(&s, &v, "2GiB");
	takes(&s, "3GB", &v);
	assert_int_equal(v, 3U << 30);
	refuses(&s, "999", "too small");
	refuses(&s, "3145729KiB", "too large");
	refuses(&s, "99999999999999999999999G", "too large");
	refuses(&s, "1 MiB", "not a size");
	refuses(&s, "4TiB", "not a size");
	refuses(&s, "-1K", "not a size");
	refuses(&s, "", "not a size");
}

static void value_choice_words(void **state)
{
	static const char *const words[] = {"one", "two", "three", NULL};
	struct wr_conf_setting s = row(WR_CONF_T_CHOICE, 0, 0, 4);
	uint32_t v = 9;

	s.choices = words;
	takes(&s, "three", &v);
	assert_int_equal(v, 2);
	prints(&s, &v, "three");
	refuses(&s, "Two", "one, two or three");
}

static void value_name_characters(void **state)
{
	struct wr_conf_setting s = row(WR_CONF_T_NAME, 0, 0, 8);
	char v[8];

	takes(&s, "a-B_0.9", v);
	prints(&s, v, "\"a-B_0.9\"");
	refuses(&s, "eightchr", "too long");
	refuses(&s, "a b", "no name may have");
	refuses(&s, "a/b", "no name may have");
	refuses(&s, "\xc3\xa9", "no name may have");
	refuses(&s, "..", "begins with a dot");
	refuses(&s, "-x", "begins with a dot or a dash");
	refuses(&s, "", "empty");
}

static void value_text_quoting(void **state)
{
	struct wr_conf_setting s = row(WR_CONF_T_TEXT, 0, 0, 32);
	char v[32];

	takes(&s, "a \"b\" \\c: #d", v);
	prints(&s, v, "\"a \\\"b\\\" \\\\c: #d\"");
	refuses(&s, "tab\t", "cannot be printed");
	refuses(&s, "\x7f", "cannot be printed");
}

static void value_address_forms(void **state)
{
	struct wr_conf_setting a = row(WR_CONF_T_ADDR, 0, 0, sizeof(struct wr_addr));
	struct wr_conf_setting p = row(WR_CONF_T_PREFIX, 0, 0, sizeof(struct wr_prefix));
	struct wr_conf_setting e = row(WR_CONF_T_ENDPOINT, 0, 0, sizeof(struct wr_endpoint));
	struct wr_endpoint end;
	struct wr_prefix pre;
	struct wr_addr addr;

	takes(&a, "2001:db8::1", &addr);
	prints(&a, &addr, "\"2001:db8::1\"");
	takes(&p, "198.18.0.1/24", &pre);
	assert_int_equal(pre.len, 120);
	prints(&p, &pre, "\"198.18.0.1/24\"");
	takes(&e, "[2001:db8::1]:443", &end);
	prints(&e, &end, "\"[2001:db8::1]:443\"");
	refuses(&a, "198.18.0.256", "not an IP address");
	refuses(&p, "198.18.0.1", "no prefix length");
	refuses(&p, "198.18.0.1/33", "not an address with a prefix length");
	refuses(&e, "198.18.0.1", "has no port");
	refuses(&e, "2001:db8::1", "brackets");
	refuses(&e, "198.18.0.1:0", "not an address with a port");
	refuses(&e, "198.18.0.1:65536", "not an address with a port");
	refuses(&e, "example.net:80", "not an address with a port");
}

static void value_range_forms(void **state)
{
	struct wr_conf_setting s = row(WR_CONF_T_RANGE, 0, 0, sizeof(struct wr_conf_source));
	struct wr_conf_source r;

	takes(&s, "198.18.1.10-198.18.1.25", &r);
	prints(&s, &r, "\"198.18.1.10-198.18.1.25\"");
	takes(&s, "2001:db8::5", &r);
	assert_true(wr_addr_eq(&r.first, &r.last));
	prints(&s, &r, "\"2001:db8::5\"");
	takes(&s, "198.18.0.0-198.18.0.255", &r);
	takes(&s, "2001:db8::ffff:ffff:ffff:ffff-2001:db8:0:1::fe", &r);
	refuses(&s, "198.18.0.0-198.18.1.0", "too many addresses");
	refuses(&s, "2001:db8::-2001:db8:0:1::", "too many addresses");
	refuses(&s, "198.18.1.25-198.18.1.10", "reversed");
	refuses(&s, "198.18.1.25-2001:db8::1", "mixes IPv4 and IPv6");
	refuses(&s, "198.18.1.0/24", "not an address or a range");
	refuses(&s, "198.18.1.1-", "not an address or a range");
	refuses(&s, "-", "not an address or a range");
	refuses(&s, "1111111111111111111111111111111111111111111111111111-", "not an address");
}

static void value_reference_names(void **state)
{
	struct wr_conf_setting s = row(WR_CONF_T_POOL, 0, 0, 4);
	struct wr_conf *c = calloc(1, sizeof(*c));
	char why[WR_CONF_WHY];
	uint32_t v = 9;

	c->pool_count = 2;
	strcpy(c->pools[0].name, "static");
	strcpy(c->pools[1].name, "dynamic");
	assert_int_equal(wr_conf_value_parse(&s, "dynamic", &v, c, why), 0);
	assert_int_equal(v, 1);
	assert_true(wr_conf_value_parse(&s, "statik", &v, c, why) < 0);
	assert_string_equal(why, "names no pool; did you mean 'static'?");
	assert_true(wr_conf_value_parse(&s, "zzz", &v, c, why) < 0);
	assert_non_null(strstr(why, "'pools:'"));
	s.type = WR_CONF_T_PORT;
	assert_true(wr_conf_value_parse(&s, "static", &v, c, why) < 0);
	free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(value_bool_words),
		cmocka_unit_test(value_count_range),
		cmocka_unit_test(value_count_zero_word),
		cmocka_unit_test(value_time_units),
		cmocka_unit_test(value_time_zero_word),
		cmocka_unit_test(value_size_units),
		cmocka_unit_test(value_choice_words),
		cmocka_unit_test(value_name_characters),
		cmocka_unit_test(value_text_quoting),
		cmocka_unit_test(value_address_forms),
		cmocka_unit_test(value_range_forms),
		cmocka_unit_test(value_reference_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
