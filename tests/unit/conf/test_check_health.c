/* SPDX-License-Identifier: BSD-3-Clause */
#include "conf_test.h"

static void refused(const char *health, const char *sentence)
{
	char pools[1024];

	snprintf(pools, sizeof(pools), CONF_POOLS "    %s\n", health);
	conf_refused((struct conf_parts){.pools = pools}, sentence);
}

static void good(const char *health)
{
	char pools[1024];

	snprintf(pools, sizeof(pools), CONF_POOLS "    %s\n", health);
	conf_good((struct conf_parts){.pools = pools});
}

static void check_health_defaults(void **state)
{
	struct wr_conf *c = conf_take((struct conf_parts){
		.pools = CONF_POOLS "    health: {type: http, http: {path: /up}, agent: {port: "
				    "5}}\n    breaker: {open: 10m}\n"});
	const struct wr_conf_pool *p = &c->pools[0];

	assert_int_equal(p->health, WR_CONF_HEALTH_HTTP);
	assert_string_equal(p->http.method, "GET");
	assert_string_equal(p->http.path, "/up");
	assert_string_equal(p->http.host, "");
	assert_int_equal(p->http.status_first, 200);
	assert_int_equal(p->http.status_last, 399);
	assert_string_equal(p->http.header, "");
	assert_string_equal(p->http.body, "");
	assert_int_equal(p->agent_port, 5);
	assert_int_equal(p->agent_interval_us, 2000000);
	assert_int_equal(p->health_port, 0);
	assert_int_equal(p->health_interval_down_us, 0);
	assert_true(p->breaker.enabled);
	assert_int_equal(p->breaker.failures, 5);
	assert_int_equal(p->breaker.rate_permille, 500);
	assert_int_equal(p->breaker.rate_min, 20);
	assert_int_equal(p->breaker.window_us, 10000000);
	assert_int_equal(p->breaker.silence_us, 10000000);
	assert_int_equal(p->breaker.silence_sessions, 3);
	assert_int_equal(p->breaker.open_us, 600000000);
	assert_int_equal(p->breaker.open_max_us, 600000000);
	assert_int_equal(p->breaker.share_permille, 333);
	wr_conf_free(c);
}

static void check_health_type_without_keys(void **state)
{
	refused("health: {type: http}",
		"t.yaml:14: pools[0].health.type: value 'http' needs health.http, what to ask and "
		"what to expect; right would be http: {path: /health}");
	refused("health: {agent: {interval: 3s}}",
		"t.yaml:14: pools[0].health.agent.port: is missing; right would be a whole number "
		"from 1 to 65535");
}

static void check_health_keys_without_type(void **state)
{
	refused("health: {http: {path: /a}}",
		"t.yaml:14: pools[0].health.http: is given, and health.type is 'tcp', which does "
		"not heed it; right would be type: http, or no http");
	refused("health: {type: none, http: {}}", "health.type is 'none'");
	refused("health: {type: none, port: 80}",
		"pools[0].health.port: is given, and health.type 'none' checks nothing");
	refused("health: {type: none, interval_down: 1s}", "pools[0].health.interval_down: is");
	refused("health: {type: none, interval_fast: 1s}", "pools[0].health.interval_fast: is");
	good("health: {type: none, agent: {port: 80}}");
}

static void check_health_request(void **state)
{
	refused("health: {type: http, http: {path: up}}",
		"pools[0].health.http.path: value 'up' does not begin with a slash; right would be "
		"a path such as /health");
	refused("health: {type: http, http: {path: /a b}}", "value '/a b' has a space or '#'");
	refused("health: {type: http, http: {path: \"/a\\r\\nX: y\"}}",
		"has a character that cannot be printed");
	refused("health: {type: http, http: {path: \"*\"}}", "is for method OPTIONS only");
	good("health: {type: http, http: {path: \"*\", method: OPTIONS}}");
	good("health: {type: http, http: {path: \"/a?b=%20\"}}");
	refused("health: {type: http, http: {method: POST}}",
		"pools[0].health.http.method: value 'POST' is not a choice here; right would be "
		"GET, HEAD or OPTIONS");
	refused("health: {type: http, http: {host: a b}}",
		"health.http.host: value 'a b' is not a name");
	refused("health: {type: http, http: {method: HEAD, body: ok}}",
		"health.http.body: value 'ok' is looked for in the answer's body, and HEAD brings");
}

static void check_health_answer(void **state)
{
	refused("health: {type: http, http: {status: 399-200}}",
		"pools[0].health.http.status: value '399-200' is reversed");
	refused("health: {type: http, http: {status: 99}}", "begins too low");
	refused("health: {type: http, http: {status: 200-600}}", "ends too high");
	refused("health: {type: http, http: {header: ok}}",
		"health.http.header: value 'ok' has no colon between name and value; right would "
		"be \"Name: value\"");
	refused("health: {type: http, http: {header: \"X Y: z\"}}",
		"does not begin with a name that a header may have");
	refused("health: {type: http, http: {header: \": z\"}}", "does not begin with a name");
	good("health: {type: http, http: {header: \"X-Up:\", status: 204}}");
}

static void check_health_times(void **state)
{
	refused("health: {interval_fast: 2s}",
		"pools[0].health.interval_fast: value '2s' is more than health.interval of 1s; "
		"right would be at most 1s");
	good("health: {interval_fast: 1s, interval_down: 10ms}");
	refused("breaker: {open: 10s, open_max: 9s}",
		"pools[0].breaker.open: value '10s' is more than breaker.open_max of 9s");
	refused("breaker: {rate: 1.1}", "pools[0].breaker.rate: value '1.1' is too large");
	refused("breaker: {share: 0}", "pools[0].breaker.share: value '0' is too small");
	refused("breaker: {silence: 99ms}", "pools[0].breaker.silence: value '99ms' is too short");
	good("breaker: {silence: off}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_health_defaults),
		cmocka_unit_test(check_health_type_without_keys),
		cmocka_unit_test(check_health_keys_without_type),
		cmocka_unit_test(check_health_request),
		cmocka_unit_test(check_health_answer),
		cmocka_unit_test(check_health_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
