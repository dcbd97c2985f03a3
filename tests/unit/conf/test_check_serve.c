/* SPDX-License-Identifier: BSD-3-Clause */
#include "conf_test.h"

#define B "backends: [{name: x, address: \"198.18.0.13:80\"}]"

static void refused(const char *more, const char *sentence)
{
	char pools[1024];

	snprintf(pools, sizeof(pools), CONF_POOLS "    %s\n", more);
	conf_refused((struct conf_parts){.pools = pools}, sentence);
}

static void check_serve_defaults(void **state)
{
	struct wr_conf *c = conf_take((struct conf_parts){0});
	const struct wr_conf_pool *p = &c->pools[0];

	assert_int_equal(p->balance, WR_CONF_BALANCE_MAGLEV);
	assert_int_equal(p->hash, WR_CONF_HASH_ADDRESS_PORT);
	assert_int_equal(p->hash_prefix_v4, 24);
	assert_int_equal(p->hash_prefix_v6, 56);
	assert_int_equal(p->bound_percent, 125);
	assert_int_equal(p->send_proxy, WR_CONF_SEND_PROXY_NO);
	assert_int_equal(p->slow_start_us, 10000000);
	assert_int_equal(p->fail_open_percent, 0);
	assert_int_equal(p->spill_percent, 70);
	assert_int_equal(p->spill_hold_us, 10000000);
	assert_int_equal(p->backup, -1);
	assert_int_equal(p->drain_us, 300000000);
	assert_int_equal(p->backends[0].priority, 0);
	assert_false(p->backends[0].disabled);
	assert_false(p->backends[0].draining);
	assert_int_equal(p->backends[0].id, 0);
	assert_int_equal(p->backends[1].id, 1);
	wr_conf_free(c);
}

static void check_serve_words(void **state)
{
	static const char *const words[] = {
		"maglev", "bounded", "least", "two_choices", "round_robin"};
	char pools[512];

	for (uint32_t i = 0; i < 5; i++) {
		struct wr_conf *c;

		snprintf(pools, sizeof(pools), CONF_POOLS "    balance: %s\n    hash: address\n",
			words[i]);
		c = conf_take((struct conf_parts){.pools = pools});
		assert_int_equal(c->pools[0].balance, i);
		assert_int_equal(c->pools[0].hash, WR_CONF_HASH_ADDRESS);
		wr_conf_free(c);
	}
	refused("balance: random", "right would be maglev, bounded, least, two_choices or round");
	refused("send_proxy: yes", "pools[0].send_proxy: value 'yes' is not a choice here; right "
				   "would be no, v1 or v2");
}

static void check_serve_not_heeded(void **state)
{
	refused("bound: 150",
		"t.yaml:14: pools[0].bound: value '150' is heeded by balance: bounded only; right "
		"would be that, or to leave it out");
	refused("hash_prefix_v4: 8", "pools[0].hash_prefix_v4: value '8' is heeded by hash: pref");
	refused("hash_prefix_v6: 8", "pools[0].hash_prefix_v6: value '8' is heeded by hash: pref");
	refused("balance: bounded\n    bound: 109", "pools[0].bound: value '109' is too small");
	refused("balance: bounded\n    bound: 1001", "pools[0].bound: value '1001' is too large");
	refused("hash: prefix\n    hash_prefix_v4: 33", "pools[0].hash_prefix_v4: value '33' is");
	refused("hash: prefix\n    hash_prefix_v6: 0", "pools[0].hash_prefix_v6: value '0' is");
}

static void check_serve_spill(void **state)
{
	static const char two[] = "pools:\n  - name: web\n    backends:\n"
				  "      - {name: b1, address: \"198.18.0.11:1\"}\n"
				  "      - {name: b2, address: \"[2001:db8::2]:1\", priority: 5}\n"
				  "    fail_open: 71\n";

	conf_refused((struct conf_parts){.pools = two},
		"t.yaml:14: pools[0].fail_open: value '71' is above spill.below, which is 70");
	conf_good((struct conf_parts){.pools = CONF_POOLS "    fail_open: 100\n"});
	refused("spill: {below: 0}", "pools[0].spill.below: value '0' is too small");
	refused("spill: {below: 101}", "pools[0].spill.below: value '101' is too large");
}

static void check_serve_backup(void **state)
{
	struct wr_conf *c = conf_take((struct conf_parts){
		.pools = CONF_POOLS "    backup: later\n  - {name: later, backup: none, " B "}\n"});

	assert_int_equal(c->pools[0].backup, 1);
	assert_int_equal(c->pools[1].backup, -1);
	wr_conf_free(c);
	refused("backup: wbe\n  - {name: web2, " B "}",
		"t.yaml:14: pools[0].backup: value 'wbe' names no pool; did you mean 'web'?");
	refused("backup: web", "t.yaml:14: pools[0].backup: value 'web' is the pool itself");
	refused("backup: b\n  - {name: b, backup: c, " B "}\n  - {name: c, backup: web, " B "}",
		"t.yaml:14: pools[0].backup: value 'b' leads back to 'web', so that none of them "
		"is "
		"the last");
	// The circle is told where it is, not where it is seen from.
	refused("backup: b\n  - {name: b, backup: c, " B "}\n  - {name: c, backup: b, " B "}",
		"t.yaml:15: pools[1].backup: value 'c' leads back to 'b'");
	refused("backup: b\n  - {name: b, backends: [{name: x, weight: 0, address: "
		"\"198.18.0.13:80\"}]}",
		"pools[0].backup: value 'b' has no backend with a weight above 0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_serve_defaults),
		cmocka_unit_test(check_serve_words),
		cmocka_unit_test(check_serve_not_heeded),
		cmocka_unit_test(check_serve_spill),
		cmocka_unit_test(check_serve_backup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
