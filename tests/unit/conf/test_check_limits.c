/* SPDX-License-Identifier: BSD-3-Clause */
#include "conf_test.h"

#include "wr_pressure.h"

#define FEW "runtime: {workers: [1, 2], max_sessions: 100}\n"

static struct conf_parts parts(const char *more, const char *service)
{
	static char text[1024];

	snprintf(text, sizeof(text), CONF_SERVICES "%s", service);
	return (struct conf_parts){.runtime = FEW, .more = more, .services = text};
}

static void refused(const char *more, const char *service, const char *sentence)
{
	conf_refused(parts(more, service), sentence);
}

static void good(const char *more, const char *service)
{
	conf_good(parts(more, service));
}

static void pool_refused(const char *pool, const char *sentence)
{
	conf_refused((struct conf_parts){.runtime = FEW, .pools = pool}, sentence);
}

static void pool_good(const char *pool)
{
	conf_good((struct conf_parts){.runtime = FEW, .pools = pool});
}

static void check_limits_burst_alone(void **state)
{
	good("limits: {rate: 1, rate_burst: 1, bytes: 1KiB, bytes_burst: 9KiB}\n", "");
	refused("limits: {rate_burst: 10k}\n", "",
		"t.yaml:1: limits.rate_burst: value '10k' has no limits.rate to be the burst of");
	refused("limits: {rate: none, rate_burst: 1}\n", "", "limits.rate_burst: value '1' has no");
	refused("limits: {rate: 5, bytes_burst: 1MiB}\n", "",
		"limits.bytes_burst: value '1MiB' has no limits.bytes to be the burst of");
	refused("", "    limits: {rate_burst: 7}\n",
		"services[0].limits.rate_burst: value '7' has no services[0].limits.rate");
	refused("", "    limits: {rate: 9, client: {rate_burst: 7}}\n",
		"services[0].limits.client.rate_burst: value '7' has no "
		"services[0].limits.client.rate");
	refused("", "    limits: {bytes: 1MiB, client: {bytes_burst: 9KiB}}\n",
		"services[0].limits.client.bytes_burst: value '9KiB' has no");
}

static void check_limits_above_sessions(void **state)
{
	good("limits: {connections: 100}\n", "    limits: {connections: 100}\n");
	refused("limits: {connections: 101}\n", "",
		"limits.connections: value '101' is above runtime.max_sessions, which is 100: the "
		"instance cannot hold 1 more; right would be at most 100, or a larger "
		"max_sessions");
	refused("", "    limits: {connections: 150}\n",
		"services[0].limits.connections: value '150' is above runtime.max_sessions, which "
		"is "
		"100: the instance cannot hold 50 more");
	refused("", "    limits: {client: {connections: 101}}\n",
		"services[0].limits.client.connections: value '101' is above runtime.max_sessions");
}

// Services share what the instance can hold.
static void check_limits_sum_above_sessions(void **state)
{
	good("", "    limits: {connections: 100}\n"
		 "  - {name: other, listen: \"198.18.0.100:81\", pool: web, "
		 "limits: {connections: 100}}\n");
}

static void check_limits_inner_above_outer(void **state)
{
	good("limits: {rate: 100, connections: 90, bytes: 1MiB}\n",
		"    limits: {rate: 100, connections: 90, bytes: 1MiB,\n"
		"      client: {rate: 100, connections: 90, bytes: 1MiB}}\n");
	refused("limits: {rate: 1k}\n", "    limits: {rate: 1001}\n",
		"services[0].limits.rate: value '1001' is above limits.rate, which is 1k and is "
		"reached first, so it limits nothing; right would be at most 1k");
	refused("limits: {connections: 50}\n", "    limits: {connections: 51}\n",
		"services[0].limits.connections: value '51' is above limits.connections, which is "
		"50");
	refused("limits: {bytes: 1MiB}\n", "    limits: {bytes: 1025KiB}\n",
		"services[0].limits.bytes: value '1025KiB' is above limits.bytes, which is 1MiB");
	refused("", "    limits: {rate: 10, client: {rate: 11}}\n",
		"services[0].limits.client.rate: value '11' is above services[0].limits.rate, "
		"which "
		"is 10");
	refused("", "    limits: {connections: 10, client: {connections: 11}}\n",
		"services[0].limits.client.connections: value '11' is above "
		"services[0].limits.connections, which is 10");
	refused("", "    limits: {bytes: 1KiB, client: {bytes: 2KiB}}\n",
		"services[0].limits.client.bytes: value '2KiB' is above services[0].limits.bytes");
	refused("limits: {rate: 10}\n", "    limits: {client: {rate: 11}}\n",
		"services[0].limits.client.rate: value '11' is above limits.rate, which is 10");
}

static void check_limits_delay_needs_hold(void **state)
{
	good("limits: {over: delay}\n", "    limits: {over: delay}\n");
	good("pressure: {hold: off}\nlimits: {over: refuse}\n", "");
	refused("pressure: {hold: off}\nlimits: {rate: 10, over: delay}\n", "",
		"t.yaml:2: limits.over: value 'delay' holds connections back for pressure.hold at "
		"most, which is off; right would be a hold, or refuse");
	refused("pressure: {hold: off}\n", "    limits: {rate: 10, over: delay}\n",
		"services[0].limits.over: value 'delay' holds");
}

static void check_limits_wait(void **state)
{
	good("", "    wait: {sessions: 100, time: 2s, target: 2s}\n    timeouts: {idle: 2s}\n");
	refused("", "    wait: {sessions: 101}\n",
		"services[0].wait.sessions: value '101' is above runtime.max_sessions, which is "
		"100: "
		"a session that waits is one of them; right would be at most 100");
	refused("", "    wait: {time: 2001ms}\n    timeouts: {idle: 2s}\n",
		"services[0].wait.time: value '2001ms' is above timeouts.idle, which is 2s and "
		"ends "
		"the wait first; right would be at most 2s");
	refused("", "    wait: {time: 100ms, target: 101ms}\n",
		"services[0].wait.target: value '101ms' is above wait.time, which is 100ms");
	refused("", "    wait: {target: 1100ms}\n", "is above wait.time, which is 1s");
	good("", "    wait: {time: 10ms}\n");
	good("", "    timeouts: {idle: 10ms}\n");
}

static void check_limits_sources(void **state)
{
	good("", "    sources: [{from: 10.0.0.0/8, class: 1}, {from: 10.0.0.0/9, class: 2},\n"
		 "      {from: \"2001:db8::/32\", class: 2}, {from: \"::/0\", class: 3},\n"
		 "      {from: 0.0.0.0/0, class: 3}]\n");
	good("", "    sources: [{from: 10.0.0.0/8, class: 1}]\n"
		 "  - {name: other, listen: \"198.18.0.100:81\", pool: web,\n"
		 "      sources: [{from: 10.0.0.0/8, class: 2}]}\n");
	refused("", "    sources: [{from: 10.0.0.0/8, class: 1}, {from: 10.0.0.0/8, class: 1}]\n",
		"services[0].sources[1].from: value '10.0.0.0/8' has a class in "
		"services[0].sources[0] already; keep one");
	refused("",
		"    sources: [{from: \"2001:db8::/32\", class: 1}, {from: 10.0.0.0/8, class: 1},\n"
		"      {from: \"2001:db8::/32\", class: 2}]\n",
		"services[0].sources[2].from: value '2001:db8::/32' has a class in "
		"services[0].sources[0] already");
	refused("", "    sources: [{from: 10.0.0.1/8, class: 1}]\n",
		"services[0].sources[0].from: value '10.0.0.1/8' has bits beyond its prefix "
		"length; "
		"right would be '10.0.0.0/8'");
	refused("", "    sources: [{from: \"2001:db8::1/32\", class: 1}]\n",
		"right would be '2001:db8::/32'");
	refused("", "    sources: [{from: 10.0.0.0/8}]\n",
		"services[0].sources[0].class: is missing");
}

#define POOL(max, a, b)                                                                            \
	"pools: [{name: web, max_connections: " max ", backends: [\n"                              \
	"  {name: b1, address: \"198.18.0.11:80\", max_connections: " a "},\n"                     \
	"  {name: b2, address: \"[2001:db8::12]:80\", max_connections: " b "}]}]\n"

static void check_limits_proxied(void **state)
{
	good("", "    proxy_from: [10.0.0.0/8, 10.0.0.0/9, \"2001:db8::/32\"]\n");
	refused("", "    proxy_from: [10.0.0.0/8, \"2001:db8::/32\", \"2001:db8::/32\"]\n",
		"services[0].proxy_from[2]: value '2001:db8::/32' is listed twice, as "
		"services[0].proxy_from[1]; keep one");
	refused("", "    proxy_from: 10.0.0.1/8\n",
		"services[0].proxy_from[0]: value '10.0.0.1/8' has bits beyond its prefix length");
}

static void check_limits_pool(void **state)
{
	pool_good(POOL("50", "20", "30"));
	pool_good(POOL("100", "none", "30"));
	pool_good(POOL("1", "1", "1"));
	pool_good(POOL("none", "100", "100"));
	pool_refused(POOL("51", "20", "30"),
		"t.yaml:9: pools[0].max_connections: value '51' cannot be reached: the "
		"max_connections of its 2 backends add up to 50; right would be at most 50");
	pool_refused(POOL("101", "none", "none"), "pools[0].max_connections: value '101' is above "
						  "runtime.max_sessions, which is 100: "
						  "the instance cannot hold 1 more");
	pool_refused(POOL("none", "20", "101"),
		"pools[0].backends[1].max_connections: value '101' is above runtime.max_sessions");
	pool_refused(POOL("20", "none", "21"),
		"pools[0].backends[1].max_connections: value '21' is above "
		"pools[0].max_connections, which is 20 and is reached first");
	pool_refused(POOL("-1", "1", "1"), "pools[0].max_connections: value '-1'");
}

static char *queues_text(uint32_t backends, const char *workers)
{
	char *text = malloc(200000), *p = text;

	p += sprintf(p, "runtime: {workers: %s}\n" CONF_PORTS CONF_SERVICES, workers);
	p += sprintf(p, "pools:\n  - name: web\n    max_connections: 9\n    backends:\n");
	for (uint32_t i = 0; i < backends; i++)
		p += sprintf(p,
			"      - {name: b%u, address: \"198.18.0.11:%u\", max_connections: 1}\n", i,
			i + 1);
	return text;
}

static void check_limits_queues(void **state)
{
	// Of its own, 1 port, 1 other worker, 1 service that may wait, 1 pool.
	uint32_t fits = WR_PRESSURE_QUEUES_MAX - (WR_Q_COUNT - 7) - 2 - 1 - 2 - 1;
	char *text = queues_text(fits, "[1, 2]"), says[256];

	wr_conf_free(conf_take_text(text, strlen(text)));
	free(text);
	text = queues_text(fits + 1, "[1, 2]");
	snprintf(says, sizeof(says),
		"max_connections: makes 513 queues of each worker: %u of its own + 2 x 1 ports + 1 "
		"from other workers + 2 x 1 services that may wait + 1 pools and %u backends with "
		"max_connections; right would be at most 512",
		WR_Q_COUNT - 7, fits + 1);
	conf_refused_text(text, strlen(text), says);
	free(text);
	text = queues_text(fits, "auto");
	conf_refused_text(
		text, strlen(text), "+ 31 from other workers (auto counts as the most) + 2 x 1");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_limits_burst_alone),
		cmocka_unit_test(check_limits_above_sessions),
		cmocka_unit_test(check_limits_sum_above_sessions),
		cmocka_unit_test(check_limits_inner_above_outer),
		cmocka_unit_test(check_limits_delay_needs_hold),
		cmocka_unit_test(check_limits_wait),
		cmocka_unit_test(check_limits_sources),
		cmocka_unit_test(check_limits_proxied),
		cmocka_unit_test(check_limits_pool),
		cmocka_unit_test(check_limits_queues),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
