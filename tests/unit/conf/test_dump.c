/* SPDX-License-Identifier: BSD-3-Clause */
#include "conf_test.h"

#include "settings.h"

static char *dump(const struct wr_conf *c)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	wr_conf_dump(c, out);
	fclose(out);
	return text;
}

// Lines in the file are the only difference that a dump may make.
static void forget_lines(struct wr_conf *c)
{
	wr_settings_marks_fini(c->marks);
	free(c->marks);
	c->marks = NULL;
	for (uint32_t i = 0; i < c->port_count; i++)
		c->ports[i].line = 0;
	for (uint32_t i = 0; i < c->route_count; i++)
		c->routes[i].line = 0;
	for (uint32_t i = 0; i < c->tunnel_count; i++)
		c->tunnels[i].line = 0;
	for (uint32_t i = 0; i < c->pressure.marks_count; i++)
		c->pressure.marks[i].line = 0;
	for (uint32_t i = 0; i < c->service_count; i++) {
		c->services[i].line = 0;
		for (uint32_t j = 0; j < c->services[i].source_count; j++)
			c->services[i].sources[j].line = 0;
	}
	for (uint32_t i = 0; i < c->pool_count; i++) {
		c->pools[i].line = 0;
		for (uint32_t j = 0; j < c->pools[i].backend_count; j++)
			c->pools[i].backends[j].line = 0;
	}
}

// Lists on the heap, compared and let go.
static void same_list(void *a, void *b, uint32_t na, uint32_t nb, size_t size)
{
	void *x, *y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	assert_int_equal(na, nb);
	if (na)
		assert_memory_equal(x, y, na * size);
	free(x);
	free(y);
	memset(a, 0, sizeof(x));
	memset(b, 0, sizeof(y));
}

static void round_trip(struct conf_parts p)
{
	struct wr_conf *a = conf_take(p), *b;
	char *text = dump(a), *again;

	b = conf_take_text(text, strlen(text));
	again = dump(b);
	assert_string_equal(text, again);
	forget_lines(a);
	forget_lines(b);
	for (uint32_t i = 0; i < a->pool_count; i++)
		same_list(&a->pools[i].backends, &b->pools[i].backends, a->pools[i].backend_count,
			b->pools[i].backend_count, sizeof(*a->pools[i].backends));
	for (uint32_t i = 0; i < a->service_count; i++)
		same_list(&a->services[i].proxied, &b->services[i].proxied,
			a->services[i].proxied_count, b->services[i].proxied_count,
			sizeof(*a->services[i].proxied));
	for (uint32_t i = 0; i < a->service_count; i++)
		same_list(&a->services[i].sources, &b->services[i].sources,
			a->services[i].source_count, b->services[i].source_count,
			sizeof(*a->services[i].sources));
	same_list(&a->access.deny, &b->access.deny, a->access.deny_count, b->access.deny_count,
		sizeof(*a->access.deny));
	same_list(&a->access.allow, &b->access.allow, a->access.allow_count, b->access.allow_count,
		sizeof(*a->access.allow));
	assert_memory_equal(a, b, sizeof(*a));
	wr_conf_free(a);
	wr_conf_free(b);
	free(text);
	free(again);
}

static void dump_round_trip_defaults(void **state)
{
	round_trip((struct conf_parts){.runtime = "", .routes = ""});
}

static void dump_round_trip_everything(void **state)
{
	round_trip((struct conf_parts){
		.runtime =
			"runtime: {workers: [3, 5], memory: huge, name: t-1, max_sessions: 333,\n"
			"  rx_mbufs: 4096, drain_timeout: 250ms, dad: no,\n"
			"  tcp: {congestion: newreno, ack_delay: 7ms, keepalive: 61s, "
			"keepalive_interval: 150ms,\n"
			"    keepalive_probes: 100, receive_buffer: 16K, receive_buffer_max: "
			"33333,\n"
			"    send_buffer: 512MB, send_buffer_max: 512MiB, syn_cookies: always}}\n",
		.ports = CONF_PORTS "    exception: tap\n    mtu: 9000\n    vlan: 17\n"
				    "    queues: 2\n    descriptors: {rx: 512, tx: 64}\n"
				    "  - name: lan\n    device: 'net \"x\" \\ # : y'\n"
				    "    addresses: [198.18.7.1/24]\n",
		.more = CONF_MORE,
		.pools = CONF_POOLS "    max_connections: 7\n"
				    "    source: [198.18.0.50-198.18.0.60, \"2001:db8::50\"]\n"
				    "    on_down: drain\n    retries: 0\n" CONF_POOL_MORE
				    "  - name: \"true\"\n    backends:\n"
				    "      - {name: \"1\", address: \"198.18.7.7:1\", weight: 0, "
				    "max_connections: 3, priority: 7, disabled: yes, "
				    "draining: yes}\n"
				    "    backup: web2\n    health: {type: none, interval: "
				    "33ms, timeout: 41ms, rise: 9, fall: 8}\n"
				    "  - {name: web2, backends: [{name: x, address: "
				    "\"198.18.7.8:1\"}]}\n",
		.services = CONF_SERVICES
		"    accept: deferred\n" CONF_SERVICE_MORE "    on_reset: drain\n"
		"    timeouts: {connect: 10ms, idle: 1500ms, half_closed: 2h, close: "
		"999ms}\n"
		"  - {name: null, listen: \"198.18.0.1:65535\", pool: \"true\"}\n"});
}

static void dump_round_trip_tunnels(void **state)
{
	struct conf_parts p = {.more = CONF_TUNNELS_MORE, .pools = CONF_POOLS CONF_POOLS_BEHIND};
	struct wr_conf *c = conf_take(p);
	char *text = dump(c);

	assert_non_null(strstr(text, "    cipher: aes-cbc-256-sha256\n"));
	assert_non_null(strstr(text, "    to: [\"10.1.0.0/16\", \"10.3.0.0/24\"]\n"));
	assert_non_null(strstr(text, "    to: remote # [\"2001:db8::55/128\"]\n"));
	assert_non_null(strstr(text, "    keys: \"/etc/weir/keys/dc1\"\n"));
	assert_non_null(strstr(text, "      bytes: 1TiB\n      packets: 4G\n"));
	assert_non_null(strstr(text, "      keep_old: 90s\n"));
	assert_non_null(strstr(text, "    ipsec:\n      tunnel: \"dc1\"\n      require: no\n"));
	assert_non_null(strstr(text, "    ipsec:\n      tunnel: none\n      require: yes\n"));
	round_trip(p);
	free(text);
	wr_conf_free(c);
}

static void dump_round_trip_words(void **state)
{
	struct conf_parts p = {.more = "pressure: {enabled: no, hold: off, stall: off, evictions: "
				       "none, resets: auto}\n"
				       "access: {deny: 203.0.113.0/24}\n"};
	struct wr_conf *c = conf_take(p);
	char *text = dump(c);

	assert_non_null(strstr(text, "  hold: off\n"));
	assert_non_null(strstr(text, "  stall: off\n"));
	assert_non_null(strstr(text, "  evictions: none\n"));
	assert_non_null(strstr(text, "  resets: auto\n"));
	assert_non_null(strstr(text, "  deny: [\"203.0.113.0/24\"]\n"));
	assert_non_null(strstr(text, "        max_connections: none\n"));
	round_trip(p);
	free(text);
	wr_conf_free(c);
}

// Defaults that follow other values are dumped as they are in force, and are taken again.
static void dump_round_trip_waits_follow(void **state)
{
	struct conf_parts p = {.runtime = "runtime: {workers: 1, max_sessions: 7}\n",
		.services = CONF_SERVICES "    timeouts: {idle: 20ms}\n"};
	struct wr_conf *c = conf_take(p);

	assert_int_equal(c->services[0].wait_sessions, 7);
	assert_int_equal(c->services[0].wait_time_us, 20000);
	assert_int_equal(c->services[0].wait_target_us, 20000);
	wr_conf_free(c);
	round_trip(p);
}

static void dump_round_trip_ack_delay_off(void **state)
{
	struct conf_parts p = {.runtime = "runtime:\n  workers: 1\n  tcp: {ack_delay: off}\n"};
	struct wr_conf *c = conf_take(p);
	char *text = dump(c);

	assert_non_null(strstr(text, "ack_delay: off\n"));
	round_trip(p);
	free(text);
	wr_conf_free(c);
}

static void dump_shows_every_key(void **state)
{
	struct wr_conf *c = conf_take((struct conf_parts){.more = CONF_MORE CONF_TUNNELS_MORE,
		.pools = CONF_POOLS CONF_POOL_MORE,
		.services = CONF_SERVICES CONF_SERVICE_MORE});
	char *text = dump(c), key[40];

	for (uint32_t i = 0; i < wr_conf_table.count; i++) {
		wr_settings_key(&wr_conf_table.rows[i], key, sizeof(key) - 1);
		strcat(key, ":");
		if (!strstr(text, key))
			fail_msg("%s is not dumped", wr_conf_table.rows[i].path);
	}
	free(text);
	wr_conf_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dump_round_trip_defaults),
		cmocka_unit_test(dump_round_trip_everything),
		cmocka_unit_test(dump_round_trip_tunnels),
		cmocka_unit_test(dump_round_trip_words),
		cmocka_unit_test(dump_round_trip_waits_follow),
		cmocka_unit_test(dump_round_trip_ack_delay_off),
		cmocka_unit_test(dump_shows_every_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
