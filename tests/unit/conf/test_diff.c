/* SPDX-License-Identifier: BSD-3-Clause */
#include "plan_test.h"

#define LINES 32

struct told {
	uint32_t count;
	char line[LINES][WR_CONF_DIFF_LEN];
};

static struct told tell(struct conf_parts before, struct conf_parts after)
{
	struct wr_conf *a = conf_take(before), *b = conf_take(after);
	struct told t = {0};

	t.count = wr_conf_diff(a, b, t.line, LINES);
	wr_conf_free(a);
	wr_conf_free(b);
	return t;
}

static void says(const struct told *t, const char *line)
{
	for (uint32_t i = 0; i < t->count; i++) {
		if (strcmp(t->line[i], line) == 0)
			return;
	}
	for (uint32_t i = 0; i < t->count; i++)
		print_message("%s\n", t->line[i]);
	fail_msg("does not say: %s", line);
}

static void diff_nothing(void **state)
{
	struct conf_parts p = {.more = CONF_MORE,
		.pools = CONF_POOLS CONF_POOL_MORE,
		.services = CONF_SERVICES CONF_SERVICE_MORE};

	assert_int_equal(tell(p, p).count, 0);
}

static void diff_values(void **state)
{
	struct told t = tell((struct conf_parts){0},
		(struct conf_parts){.services = CONF_SERVICES "    timeouts: {idle: 1m}\n"
							      "    proxy_from: 198.18.9.0/24\n",
			.pools = CONF_POOLS "    balance: least\n    breaker: {rate: 0.25}\n",
			.more = "access: {deny: 203.0.113.0/24}\n"});

	assert_int_equal(t.count, 5);
	says(&t, "~ services[www].timeouts.idle 5m -> 1m");
	says(&t, "+ services[www].proxy_from 198.18.9.0/24");
	says(&t, "~ pools[web].balance maglev -> least");
	says(&t, "~ pools[web].breaker.rate 0.5 -> 0.25");
	says(&t, "+ access.deny 203.0.113.0/24");
}

static void diff_items(void **state)
{
	struct told t = tell((struct conf_parts){0},
		(struct conf_parts){
			.pools = "pools:\n"
				 "  - {name: new, backends: [{name: x, address: 198.18.0.13:1}]}\n"
				 "  - name: web\n    backends:\n"
				 "      - {name: b2, address: \"[2001:db8::12]:8080\", weight: 7}\n"
				 "      - {name: b3, address: \"198.18.0.13:8080\", weight: 9}\n"
				 "    health: {type: http, http: {path: /up}}\n",
			.services = "services:\n  - {name: other, pool: new, listen: "
				    "\"[2001:db8::100]:80\", timeouts: {idle: 1m}}\n"});

	says(&t, "- pools[web].backends[b1]");
	says(&t, "+ pools[web].backends[b3] address 198.18.0.13:8080 weight 9");
	says(&t, "+ pools[new]");
	says(&t, "+ pools[new].backends[x] address 198.18.0.13:1");
	says(&t, "~ pools[web].health.type tcp -> http");
	says(&t, "+ pools[web].health.http path /up");
	says(&t, "- services[www]");
	says(&t, "+ services[other] listen [2001:db8::100]:80 pool new timeouts.idle 1m");
	assert_int_equal(t.count, 8);
}

static void diff_tunnels(void **state)
{
	static const char none[] = "  - {name: far, source: 198.18.0.50, backends: [{name: b, "
				   "address: \"198.18.0.9:80\"}]}\n",
			  dc1[] = "  - {name: far, source: 198.18.0.50, ipsec: {tunnel: dc1, "
				  "require: no}, backends: [{name: b, address: "
				  "\"10.1.0.9:80\"}]}\n";
	char pools[2][1024];
	struct told t;

	snprintf(pools[0], sizeof(pools[0]), "%s%s", CONF_POOLS, none);
	snprintf(pools[1], sizeof(pools[1]), "%s%s", CONF_POOLS, dc1);
	t = tell((struct conf_parts){.pools = pools[0]},
		(struct conf_parts){.pools = pools[1], .more = "tunnels:\n" CONF_TUNNEL_ONE});
	says(&t, "+ tunnels[dc1] local 198.18.0.1 remote 198.18.9.1 to 10.1.0.0/16,10.3.0.0/24 "
		 "keys /etc/weir/keys/dc1");
	says(&t, "~ pools[far].ipsec.tunnel none -> dc1");
	says(&t, "~ pools[far].ipsec.require yes -> no");
	says(&t, "~ pools[far].backends[b].address 198.18.0.9:80 -> 10.1.0.9:80");
	assert_int_equal(t.count, 4);
}

// References are compared by name, rows that are not LIVE are not there.
static void diff_planned(void **state)
{
	struct wr_conf *c = conf_take((struct conf_parts){
			       .pools = CONF_POOLS "  - {name: a, backends: [{name: x, address: "
						   "\"198.18.0.13:1\"}]}\n"}),
		       *loaded;
	struct conf_parts next = {.pools = "pools:\n  - {name: a, backends: [{name: x, address: "
					   "\"198.18.0.13:1\"}]}\n",
		.services = "services:\n  - {name: www, listen: \"198.18.0.100:80\", pool: a}\n"};

	plan_next(&c, next, true);
	loaded = conf_take(next);
	assert_int_equal(c->services[0].pool, 1);
	assert_int_equal(wr_conf_diff(c, loaded, NULL, 0), 0);
	assert_int_equal(wr_conf_diff(loaded, c, NULL, 0), 0);
	assert_true(wr_conf_id(c) == wr_conf_id(loaded));
	wr_conf_free(c);
	wr_conf_free(loaded);
}

static void diff_long_and_many(void **state)
{
	char line[1][WR_CONF_DIFF_LEN];
	struct wr_conf *a = conf_take((struct conf_parts){0}),
		       *b = conf_take((struct conf_parts){0});

	memset(b->log.file, 'x', sizeof(b->log.file) - 1);
	b->over = WR_CONF_OVER_DELAY;
	assert_int_equal(wr_conf_diff(a, b, line, 1), 2);
	assert_int_equal(wr_conf_diff(a, b, NULL, 0), 2);
	b->over = a->over;
	assert_int_equal(wr_conf_diff(a, b, line, 1), 1);
	assert_int_equal(strlen(line[0]), WR_CONF_DIFF_LEN - 1);
	assert_non_null(strstr(line[0], "xxx..."));
	wr_conf_free(a);
	wr_conf_free(b);
}

static void diff_id(void **state)
{
	struct wr_conf *a = conf_take((struct conf_parts){0}), *b;

	// Another order and spelling of the same.
	b = conf_take((struct conf_parts){
		.pools = "pools:\n  - backends:\n"
			 "      - {weight: 7, name: b2, address: \"[2001:db8:0::12]:8080\"}\n"
			 "      - {name: b1, address: \"198.18.0.11:8080\", weight: 1}\n"
			 "    name: web\n",
		.services = "services:\n  - {name: www, pool: web, listen: "
			    "[\"[2001:db8::100]:80\", \"198.18.0.100:80\"]}\n"});
	assert_true(wr_conf_id(a) != 0);
	assert_true(wr_conf_id(a) == wr_conf_id(b));
	b->pools[0].backends[0].weight++;
	assert_true(wr_conf_id(a) != wr_conf_id(b));
	wr_conf_free(a);
	wr_conf_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(diff_nothing),
		cmocka_unit_test(diff_values),
		cmocka_unit_test(diff_items),
		cmocka_unit_test(diff_tunnels),
		cmocka_unit_test(diff_planned),
		cmocka_unit_test(diff_long_and_many),
		cmocka_unit_test(diff_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
