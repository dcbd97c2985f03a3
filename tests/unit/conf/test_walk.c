/* SPDX-License-Identifier: BSD-3-Clause */
#include "conf_test.h"

// Keys and scalars of the document: what is unknown, twice, tagged, nested, or not text.

static void walk_key_unknown(void **state)
{
	conf_refused((struct conf_parts){.runtime = "runtime:\n  worker: [1]\n"},
		"t.yaml:2: runtime: unknown key 'worker'; did you mean 'workers'?");
	conf_refused((struct conf_parts){.runtime = "runtimes: {}\n"},
		"t.yaml:1: unknown key 'runtimes'; did you mean 'runtime'?");
	conf_refused((struct conf_parts){.runtime = "runtime: {zzzzzz: 1}\n"},
		"unknown key 'zzzzzz'; known here: workers, memory, name");
	conf_refused((struct conf_parts){.runtime = "runtime: {\"name\\0x\": 1}\n"},
		"unknown key 'name?x'");
	conf_refused((struct conf_parts){.runtime = "runtime: {\"\": 1}\n"}, "unknown key ''");
}

static void walk_key_unknown_deep(void **state)
{
	conf_refused((struct conf_parts){.services = CONF_SERVICES "    timeouts: {idel: 3s}\n"},
		"services[0].timeouts: unknown key 'idel'; did you mean 'idle'?");
	conf_refused((struct conf_parts){.pools = CONF_POOLS
					 "      - {nam: x, address: \"198.18.0.14:1\"}\n"},
		"pools[0].backends[2]: unknown key 'nam'; did you mean 'name'?");
}

static void walk_key_twice(void **state)
{
	conf_refused((struct conf_parts){.runtime = "runtime:\n  name: a\n  name: b\n"},
		"t.yaml:3: runtime: key 'name' is given twice; the first is at line 2");
	conf_refused((struct conf_parts){.runtime = CONF_RUNTIME CONF_RUNTIME},
		"key 'runtime' is given twice");
}

static void walk_key_not_a_word(void **state)
{
	conf_refused((struct conf_parts){.runtime = "? [a, b]\n: 1\n"}, "a key is one word");
	conf_refused((struct conf_parts){.runtime = "runtime: {{a: b}: 1}\n"}, "a key is one word");
}

static void walk_key_merge(void **state)
{
	conf_refused((struct conf_parts){.services = CONF_SERVICES "    <<: {idle: 3s}\n"},
		"merge keys ('<<') are not supported");
}

static void walk_section_wrong_kind(void **state)
{
	conf_refused(
		(struct conf_parts){.runtime = "runtime: 5\n"}, "runtime: is not a group of keys");
	conf_refused((struct conf_parts){.runtime = "runtime: [a]\n"},
		"runtime: is not a group of keys");
	conf_refused((struct conf_parts){.runtime = "runtime: !x {}\n"},
		"runtime: is not a group of keys");
}

static void walk_scalar_wrong_kind(void **state)
{
	conf_refused((struct conf_parts){.runtime = "runtime: {name: [a]}\n"},
		"runtime.name: is a list; right would be 1 to 63");
	conf_refused((struct conf_parts){.runtime = "runtime: {dad: {a: b}}\n"},
		"runtime.dad: is a group of keys; right would be yes or no");
	conf_refused((struct conf_parts){.runtime = "runtime: {max_sessions: !!int 5}\n"},
		"has a YAML tag");
	conf_refused((struct conf_parts){.runtime = "runtime: {name: \"a\\0b\"}\n"},
		"has a NUL byte in its value");
	conf_refused((struct conf_parts){.runtime = "runtime: {workers: \"auto\\0b\"}\n"},
		"has a NUL byte in its value");
}

static void walk_scalar_shown_safely(void **state)
{
	char text[600] = "runtime: {name: \"", *p = text + strlen(text);

	memset(p, 'x', 500);
	strcpy(p + 500, "\"}\n");
	conf_refused((struct conf_parts){.runtime = text}, "xxxxxxxx...' is too long");
	conf_refused((struct conf_parts){.runtime = "runtime: {name: \"a\\eb\\nc\"}\n"},
		"value 'a?b?c' has a character");
}

static void walk_alias_shared(void **state)
{
	struct wr_conf *c = conf_take((struct conf_parts){
		.services =
			"services:\n"
			"  - {name: a, listen: \"198.18.0.100:1\", pool: web,\n"
			"     timeouts: &t {idle: 9s}}\n"
			"  - {name: b, listen: \"198.18.0.100:2\", pool: web, timeouts: *t}\n"});

	assert_int_equal(c->services[1].idle_us, 9 * WR_US_PER_S);
	assert_int_equal(c->services[1].connect_us, 3 * WR_US_PER_S);
	wr_conf_free(c);
}

static void walk_alias_cycle(void **state)
{
	conf_refused((struct conf_parts){.runtime = "runtime: &a {workers: [*a]}\n"},
		"runtime.workers[0]: is a group of keys");
	conf_refused((struct conf_parts){.pools = "pools: &p\n  - {name: x, backends: *p}\n"},
		"pools[0].backends[0]: unknown key 'backends'");
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
