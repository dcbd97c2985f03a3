/* SPDX-License-Identifier: BSD-3-Clause */
#include "conf_test.h"

// Weir's own settings: where each goes and what it is without.

static void parse_whole_values(void **state)
{
	struct wr_conf *c = conf_take((struct conf_parts){
		.runtime = "runtime: {workers: [3, 5], memory: plain, name: t-1, max_sessions: 7,\n"
			   "  rx_mbufs: 4096, drain_timeout: 250ms, dad: no}\n",
		.ports = CONF_PORTS "    exception: tap\n    mtu: 9000\n    vlan: 17\n"
				    "    queues: 2\n    descriptors: {rx: 512}\n"});

	assert_false(c->runtime.workers_auto);
	assert_int_equal(c->runtime.worker_count, 2);
	assert_int_equal(c->runtime.workers[1], 5);
	assert_int_equal(c->runtime.memory, WR_CONF_MEMORY_PLAIN);
	assert_string_equal(c->runtime.name, "t-1");
	assert_int_equal(c->runtime.max_sessions, 7);
	assert_int_equal(c->runtime.rx_mbufs, 4096);
	assert_int_equal(c->runtime.drain_timeout_us, 250000);
	assert_false(c->runtime.dad);
	assert_int_equal(c->ports[0].addr_count, 2);
	assert_int_equal(c->ports[0].addr[1].len, 64);
	assert_int_equal(c->ports[0].gateway_count, 1);
	assert_true(c->ports[0].exception);
	assert_int_equal(c->ports[0].mtu, 9000);
	assert_int_equal(c->ports[0].vlan, 17);
	assert_int_equal(c->ports[0].queues, 2);
	assert_int_equal(c->ports[0].rx_desc, 512);
	assert_int_equal(c->ports[0].tx_desc, 0);
	assert_int_equal(c->ports[0].line, 4);
	wr_conf_free(c);
}

static void parse_whole_defaults(void **state)
{
	struct wr_conf *c = conf_take((struct conf_parts){.runtime = "", .routes = ""});
	const struct wr_conf_pool *p = &c->pools[0];
	const struct wr_conf_service *s = &c->services[0];

	assert_true(c->runtime.workers_auto);
	assert_true(c->runtime.worker_count >= 1);
	assert_int_equal(c->runtime.memory, WR_CONF_MEMORY_AUTO);
	assert_string_equal(c->runtime.name, "weir");
	assert_int_equal(c->runtime.max_sessions, 100000);
	assert_int_equal(c->runtime.drain_timeout_us, 30 * WR_US_PER_S);
	assert_true(c->runtime.dad);
	assert_int_equal(c->route_count, 0);
	assert_false(c->ports[0].exception);
	assert_int_equal(c->ports[0].mtu, 0);
	assert_int_equal(p->health, WR_CONF_HEALTH_TCP);
	assert_int_equal(p->health_interval_us, WR_US_PER_S);
	assert_int_equal(p->health_timeout_us, WR_US_PER_S);
	assert_int_equal(p->health_rise, 2);
	assert_int_equal(p->health_fall, 3);
	assert_int_equal(p->retries, 3);
	assert_int_equal(p->on_down, WR_CONF_ON_DOWN_RESET);
	assert_int_equal(p->source_count, 0);
	assert_int_equal(p->backends[0].weight, 1);
	assert_int_equal(p->backends[1].weight, 7);
	assert_int_equal(s->accept, WR_CONF_ACCEPT_EAGER);
	assert_int_equal(s->on_reset, WR_CONF_ON_RESET_PASS);
	assert_int_equal(s->connect_us, 3 * WR_US_PER_S);
	assert_int_equal(s->idle_us, 300 * WR_US_PER_S);
	assert_int_equal(s->half_closed_us, 3600 * WR_US_PER_S);
	assert_int_equal(s->close_us, 10 * WR_US_PER_S);
	wr_conf_free(c);
}

static void parse_list_single_value(void **state)
{
	struct wr_conf *c = conf_take((struct conf_parts){.runtime = "runtime: {workers: 4}\n"});

	assert_int_equal(c->runtime.worker_count, 1);
	assert_int_equal(c->runtime.workers[0], 4);
	wr_conf_free(c);
}

static void parse_descriptors_one_number(void **state)
{
	struct wr_conf *c =
		conf_take((struct conf_parts){.ports = CONF_PORTS "    descriptors: 1024\n"});

	assert_int_equal(c->ports[0].rx_desc, 1024);
	assert_int_equal(c->ports[0].tx_desc, 1024);
	wr_conf_free(c);
	conf_refused((struct conf_parts){.ports = CONF_PORTS "    descriptors: 16\n"},
		"ports[0].descriptors.rx: value '16' is too small");
}

static void parse_key_missing(void **state)
{
	conf_refused((struct conf_parts){.pools = "pools: [{name: a}]\n"},
		"pools[0].backends: is missing");
	conf_refused((struct conf_parts){.pools = ""}, "pools: is missing");
	conf_refused((struct conf_parts){.services = "services: [{name: a, pool: web}]\n"},
		"services[0].listen: is missing; right would be a list, each item an address with");
	conf_refused((struct conf_parts){.services = "services: []\n"},
		"services: is an empty list; right would be 1 or more");
	conf_refused((struct conf_parts){.ports = "ports:\n"}, "ports: is not a list");
	conf_refused((struct conf_parts){.routes = "routes:\n  - {via: 198.18.0.253, port: wan}\n"},
		"routes[0].to: is missing; right would be an address with a prefix length");
}

static void parse_list_too_long(void **state)
{
	conf_refused((struct conf_parts){.ports = "ports: [{name: a, device: b, addresses: "
						  "198.18.0.1/24, gateway: [198.18.0.2, "
						  "198.18.0.3, 198.18.0.4]}]\n"},
		"ports[0].gateway: has 3 items; right would be at most 2");
}

static void parse_backends_too_many(void **state)
{
	// One list of 1100 through aliases in four pools.
	char *text = malloc(200000), *p = text;

	p += sprintf(p, CONF_PORTS "pools:\n  - name: p0\n    backends: &b\n");
	for (int i = 0; i < 1100; i++)
		p += sprintf(p, "      - {name: b%d, address: \"198.18.0.11:%d\"}\n", i, i + 1);
	for (int i = 1; i < 4; i++)
		p += sprintf(p, "  - {name: p%d, backends: *b}\n", i);
	p += sprintf(p, "services: [{name: a, listen: \"198.18.0.100:80\", pool: p0}]\n");
	conf_refused_text(text, strlen(text),
		"pools[3].backends: has 1100 items, 4400 with those before; right would be at most "
		"4096");
	free(text);
}

static void parse_reference_unknown(void **state)
{
	conf_refused((struct conf_parts){.services = "services: [{name: a, listen: "
						     "\"198.18.0.9:80\", pool: wbe}]\n"},
		"services[0].pool: value 'wbe' names no pool; did you mean 'web'?");
	conf_refused((struct conf_parts){.routes = "routes: [{to: 198.19.0.0/16, via: "
						   "198.18.0.253, port: lan}]\n"},
		"routes[0].port: value 'lan' names no port; did you mean 'wan'?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parse_whole_values),
		cmocka_unit_test(parse_whole_defaults),
		cmocka_unit_test(parse_list_single_value),
		cmocka_unit_test(parse_descriptors_one_number),
		cmocka_unit_test(parse_key_missing),
		cmocka_unit_test(parse_list_too_long),
		cmocka_unit_test(parse_backends_too_many),
		cmocka_unit_test(parse_reference_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
