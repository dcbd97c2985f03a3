/* SPDX-License-Identifier: BSD-3-Clause */
#include "conf_test.h"

#include "wr_pressure.h"

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

static void check_more_service(const struct wr_conf_service *s)
{
	assert_int_equal(s->class, 2);
	assert_int_equal(s->source_count, 2);
	assert_int_equal(s->sources[0].class, 0);
	assert_int_equal(s->sources[0].from.len, 120);
	assert_int_equal(s->sources[1].class, 7);
	assert_int_equal(s->sources[1].from.len, 48);
	assert_true(s->sources[1].line > 0);
	assert_int_equal(s->refuse, WR_CONF_REFUSE_DROP);
	assert_int_equal(s->wait_sessions, 6);
	assert_int_equal(s->wait_time_us, 700000);
	assert_int_equal(s->wait_target_us, 30000);
	assert_int_equal(s->limit.rate, 2500);
	assert_int_equal(s->limit.rate_burst, 26);
	assert_int_equal(s->limit.connections, 7);
	assert_int_equal(s->limit.bytes, 3 << 20);
	assert_int_equal(s->limit.bytes_burst, 64 << 10);
	assert_int_equal(s->over, WR_CONF_OVER_DELAY);
	assert_int_equal(s->client.rate, 25);
	assert_int_equal(s->client.rate_burst, 2);
	assert_int_equal(s->client.connections, 3);
	assert_int_equal(s->client.bytes, 20 << 10);
	assert_int_equal(s->client.bytes_burst, 9 << 10);
	assert_int_equal(s->client_prefix_v4, 24);
	assert_int_equal(s->client_prefix_v6, 56);
}

static void parse_pressure_values(void **state)
{
	struct wr_conf *c = conf_take((struct conf_parts){.more = CONF_MORE,
		.pools = "pools: [{name: web, max_connections: 5, backends: [{name: b, address: "
			 "\"198.18.0.11:80\", max_connections: 5}]}]\n",
		.services = CONF_SERVICES CONF_SERVICE_MORE});
	const struct wr_conf_pressure *p = &c->pressure;

	assert_false(p->enabled);
	assert_int_equal(p->target_us, 7000);
	assert_int_equal(p->hold_us, 900000);
	assert_int_equal(p->hold_requests, 5);
	assert_int_equal(p->resets_per_s, 20000);
	assert_int_equal(p->stall_us, 2 * WR_US_PER_S);
	assert_int_equal(p->evictions, 9);
	assert_int_equal(p->clients, 3000);
	assert_int_equal(p->marks_count, 2);
	assert_int_equal(p->marks[0].queue, WR_Q_rx_pool);
	assert_int_equal(p->marks[0].critical, 100);
	assert_int_equal(p->marks[1].queue, WR_Q_source_ports);
	assert_int_equal(p->marks[1].low, 10);
	assert_int_equal(p->marks[1].high, 20);
	assert_int_equal(c->access.deny_count, 3);
	assert_int_equal(c->access.allow_count, 3);
	assert_int_equal(c->access.deny[0].len, 120);
	assert_int_equal(c->access.allow[2].len, 128);
	assert_int_equal(c->limit.rate, 1000000);
	assert_int_equal(c->limit.rate_burst, 20000);
	assert_int_equal(c->limit.connections, 99);
	assert_int_equal(c->limit.bytes, 1 << 30);
	assert_int_equal(c->limit.bytes_burst, 1 << 20);
	assert_int_equal(c->over, WR_CONF_OVER_DELAY);
	assert_int_equal(c->pools[0].max_connections, 5);
	assert_int_equal(c->pools[0].backends[0].max_connections, 5);
	check_more_service(&c->services[0]);
	wr_conf_free(c);
}

static void parse_pressure_defaults(void **state)
{
	static const struct wr_conf_limit none;
	struct wr_conf *c = conf_take((struct conf_parts){0});
	const struct wr_conf_pressure *p = &c->pressure;
	const struct wr_conf_service *s = &c->services[0];

	assert_true(p->enabled);
	assert_int_equal(p->target_us, 5000);
	assert_int_equal(p->hold_us, 300000);
	assert_int_equal(p->hold_requests, 4096);
	assert_int_equal(p->resets_per_s, 0);
	assert_int_equal(p->stall_us, 30 * WR_US_PER_S);
	assert_int_equal(p->evictions, 4);
	assert_int_equal(p->clients, 65536);
	assert_int_equal(p->marks_count, 0);
	assert_int_equal(c->access.deny_count + c->access.allow_count, 0);
	assert_memory_equal(&c->limit, &none, sizeof(none));
	assert_int_equal(c->over, WR_CONF_OVER_REFUSE);
	assert_int_equal(s->class, 4);
	assert_int_equal(s->source_count, 0);
	assert_int_equal(s->refuse, WR_CONF_REFUSE_RESET);
	assert_int_equal(s->wait_sessions, 1024);
	assert_int_equal(s->wait_time_us, WR_US_PER_S);
	assert_int_equal(s->wait_target_us, 50000);
	assert_int_equal(s->over, WR_CONF_OVER_REFUSE);
	assert_memory_equal(&s->limit, &none, sizeof(none));
	assert_memory_equal(&s->client, &none, sizeof(none));
	assert_int_equal(s->client_prefix_v4, 32);
	assert_int_equal(s->client_prefix_v6, 64);
	assert_int_equal(c->pools[0].max_connections, 0);
	assert_int_equal(c->pools[0].backends[0].max_connections, 0);
	wr_conf_free(c);
}

static void parse_access_one_prefix(void **state)
{
	struct wr_conf *c = conf_take((struct conf_parts){
		.more = "access: {deny: \"2001:db8:bad::/48\", allow: 203.0.113.0/24}\n"});

	assert_int_equal(c->access.deny_count, 1);
	assert_int_equal(c->access.deny[0].len, 48);
	assert_int_equal(c->access.allow_count, 1);
	assert_int_equal(c->access.allow[0].len, 120);
	wr_conf_free(c);
}

static void parse_pressure_ranges(void **state)
{
	static const struct {
		const char *more, *says;
	} bad[] = {
		{"pressure: {hold: 1s}\n",
			"pressure.hold: value '1s' is too long: a client sends its SYN again after "
			"1 s "
			"(RFC 6298 2.1); right would be off or a time from 1ms to 900ms"},
		{"pressure: {hold: 901ms}\n", "a client sends its SYN again"},
		{"pressure: {hold: 300}\n", "pressure.hold: value '300' has no unit"},
		{"pressure: {resets: -1}\n", "pressure.resets: value '-1'"},
		{"pressure: {clients: 1023}\n", "pressure.clients: value '1023' is too small"},
		{"pressure: {evictions: 1001}\n", "pressure.evictions: value '1001' is too large"},
		{"pressure: {marks: [{queue: rx_pol, low: 1, high: 2, critical: 3}]}\n",
			"pressure.marks[0].queue: value 'rx_pol' is not a choice here; right would "
			"be "
			"rx_ring, lag, "},
		{"pressure: {marks: [{queue: rx_pool, low: 1, high: 2}]}\n",
			"pressure.marks[0].critical: is missing; right would be a whole number "
			"from 1 "
			"to 100 (percent of capacity)"},
		{"pressure: {marks: [{queue: rx_pool, low: 0, high: 2, critical: 3}]}\n",
			"pressure.marks[0].low: value '0' is too small"},
		{"pressure: {marks: [{queue: rx_pool, low: 1, high: 2, critical: 101}]}\n",
			"pressure.marks[0].critical: value '101' is too large"},
		{"access: {deny: [203.0.113.0]}\n",
			"access.deny[0]: value '203.0.113.0' has no prefix length"},
		{"limits: {bytes: 1000}\n", "limits.bytes: value '1000' is too small"},
		{"limits: {bytes: 1MiB, bytes_burst: 9215B}\n",
			"limits.bytes_burst: value '9215B' is too small; right would be auto or a "
			"size "
			"from 9KiB"},
		{"limits: {over: ignore}\n",
			"limits.over: value 'ignore' is not a choice here; right would be delay or "
			"refuse"},
	};

	for (uint32_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		conf_refused((struct conf_parts){.more = bad[i].more}, bad[i].says);
	conf_refused((struct conf_parts){.services = CONF_SERVICES "    class: 8\n"},
		"services[0].class: value '8' is too large; right would be a whole number from 0 "
		"to 7");
	conf_refused((struct conf_parts){.services = CONF_SERVICES
					 "    limits: {client: {prefix_v4: 33}}\n"},
		"services[0].limits.client.prefix_v4: value '33' is too large; right would be a "
		"whole "
		"number from 1 to 32 (bits)");
	conf_refused((struct conf_parts){.services = CONF_SERVICES
					 "    limits: {client: {prefix_v6: 129}}\n"},
		"services[0].limits.client.prefix_v6: value '129' is too large");
	conf_refused((struct conf_parts){.services = CONF_SERVICES
					 "    limits: {client: {prefix_v6: 0}}\n"},
		"services[0].limits.client.prefix_v6: value '0' is too small");
	conf_good((struct conf_parts){.services = CONF_SERVICES
				      "    limits: {client: {prefix_v4: 1, prefix_v6: 128}}\n"});
}

// Over all services, through one list with an alias; what was made is let go.
static void parse_sources_too_many(void **state)
{
	char *text = malloc(300000), *p = text;

	p += sprintf(p, CONF_PORTS CONF_POOLS "services:\n  - name: s0\n    pool: web\n"
					      "    listen: \"198.18.0.100:80\"\n    sources: &s\n");
	for (int i = 0; i < 2049; i++)
		p += sprintf(p, "      - {from: 10.%d.%d.0/24, class: 1}\n", i / 256, i % 256);
	p += sprintf(p, "  - {name: s1, pool: web, listen: \"198.18.0.100:81\", sources: *s}\n");
	conf_refused_text(text, strlen(text),
		"services[1].sources: has 2049 items, 4098 with those before; right would be at "
		"most "
		"4096");
	free(text);
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
		cmocka_unit_test(parse_pressure_values),
		cmocka_unit_test(parse_pressure_defaults),
		cmocka_unit_test(parse_access_one_prefix),
		cmocka_unit_test(parse_pressure_ranges),
		cmocka_unit_test(parse_sources_too_many),
		cmocka_unit_test(parse_list_single_value),
		cmocka_unit_test(parse_descriptors_one_number),
		cmocka_unit_test(parse_key_missing),
		cmocka_unit_test(parse_list_too_long),
		cmocka_unit_test(parse_backends_too_many),
		cmocka_unit_test(parse_reference_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
