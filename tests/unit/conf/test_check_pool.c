/* SPDX-License-Identifier: BSD-3-Clause */
#include "conf_test.h"

#define ONE_V4 "    backends: [{name: b, address: \"198.18.0.11:80\"}]\n"

static void pool_refused(const char *rest, const char *sentence)
{
	char text[1024];

	snprintf(text, sizeof(text), "pools:\n  - name: web\n%s", rest);
	conf_refused((struct conf_parts){.pools = text}, sentence);
}

static void backend_refused(const char *address, const char *sentence)
{
	char text[1024];

	snprintf(text, sizeof(text), CONF_POOLS "      - {name: b3, address: \"%s\"}\n", address);
	conf_refused((struct conf_parts){.pools = text}, sentence);
}

static void check_pool_source_ranges(void **state)
{
	pool_refused("    source: [198.18.1.25-198.18.1.10]\n" ONE_V4,
		"pools[0].source[0]: value '198.18.1.25-198.18.1.10' is reversed");
	pool_refused("    source: [198.18.1.0-198.18.2.0]\n" ONE_V4, "has too many addresses");
	pool_refused("    source: [198.18.1.0-198.18.1.199, 198.18.2.0-198.18.2.199]\n" ONE_V4,
		"pools[0].source: has 400 addresses; right would be at most 256");
	pool_refused("    source: [198.18.1.5, 198.18.1.1-198.18.1.9]\n" ONE_V4,
		"pools[0].source[1]: the range from '198.18.1.1' overlaps source[0]");
	pool_refused(
		"    source: [198.18.1.1-198.18.1.9, 198.18.1.9]\n" ONE_V4, "overlaps source[0]");
	pool_refused("    source: [224.0.0.1]\n" ONE_V4, "is a multicast or broadcast address");
	pool_refused("    source: [\"fe80::1\"]\n" ONE_V4, "is a link-local address");
}

static void check_pool_source_limit_exact(void **state)
{
	conf_good((struct conf_parts){.pools = "pools:\n  - name: web\n    source: [198.18.1.0-"
					       "198.18.1.127, 198.18.2.0-198.18.2.127]\n" ONE_V4});
}

static void check_pool_source_family(void **state)
{
	pool_refused("    source: [\"2001:db8::50\"]\n" ONE_V4,
		"value '198.18.0.11:80' is IPv4 and the pool's source has no IPv4 address");
	conf_refused(
		(struct conf_parts){
			.ports = "ports:\n  - {name: wan, device: d, addresses: "
				 "[198.18.0.1/24, \"fe80::1/64\"], gateway: [\"fe80::9\"]}\n",
			.services = "services: [{name: a, listen: \"198.18.0.100:80\", "
				    "pool: web}]\n"},
		"pools[0].backends[1].address: value '[2001:db8::12]:8080' is IPv6 and no port "
		"has an IPv6 address to connect from");
}

static void check_pool_health_timeout(void **state)
{
	pool_refused("    health: {interval: 50ms, timeout: 501ms}\n" ONE_V4,
		"pools[0].health.timeout: value '501ms' is more than ten intervals of 50ms; right "
		"would be at most 500ms");
	conf_good((struct conf_parts){.pools = "pools:\n  - name: web\n    health: {interval: "
					       "50ms, timeout: 500ms}\n" ONE_V4});
	pool_refused("    health: {rise: 0}\n" ONE_V4,
		"pools[0].health.rise: value '0' is too small; "
		"right would be a whole number from 1");
	pool_refused("    health: {fall: 0}\n" ONE_V4, "pools[0].health.fall: value '0'");
	pool_refused("    health: {type: udp}\n" ONE_V4, "right would be none, tcp or http");
}

static void check_pool_backend_ours(void **state)
{
	backend_refused("198.18.0.100:80",
		"pools[0].backends[2].address: value '198.18.0.100:80' is a listener of service "
		"'www', a loop");
	backend_refused("[2001:db8::100]:80", "is a listener of service 'www', a loop");
	backend_refused("198.18.0.100:81", "is at the address of service 'www', a loop");
	backend_refused("198.18.0.1:80", "is at the address of port 'wan'");
	pool_refused("    source: [198.18.0.5-198.18.0.15]\n" ONE_V4,
		"value '198.18.0.11:80' lies in pools[0].source[0]");
}

static void check_pool_backend_address(void **state)
{
	backend_refused("0.0.0.0:80", "is the unspecified address");
	backend_refused("255.255.255.255:80", "is a multicast or broadcast address");
	backend_refused("[::1]:80", "is a loopback address");
	backend_refused("[fe80::1]:80", "is a link-local address");
	backend_refused("198.18.0.11:8080", "is the address of backend 'b1' already");
	backend_refused("[2001:db8:9::1]:80", "no gateway or route leads there");
}

static void check_pool_backend_routed(void **state)
{
	conf_good((struct conf_parts){
		.routes = "routes: [{to: \"2001:db8:9::/48\", via: \"2001:db8::5\", port: wan}]\n",
		.pools = CONF_POOLS "      - {name: b3, address: \"[2001:db8:9::1]:80\"}\n"
				    "      - {name: b4, address: \"198.19.7.7:80\"}\n"});
}

static void check_pool_backend_weight(void **state)
{
	pool_refused("    backends: [{name: b, address: \"198.18.0.11:80\", weight: 257}]\n",
		"backends[0].weight: value '257' is too large; right would be a whole number from "
		"0 to 256");
	pool_refused("    backends: []\n", "pools[0].backends: is an empty list");
}

static void check_pool_unused(void **state)
{
	conf_good((struct conf_parts){
		.pools = CONF_POOLS
		"  - {name: spare, backends: [{name: x, address: \"198.18.0.9:1\"}]}\n"});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_pool_source_ranges),
		cmocka_unit_test(check_pool_source_limit_exact),
		cmocka_unit_test(check_pool_source_family),
		cmocka_unit_test(check_pool_health_timeout),
		cmocka_unit_test(check_pool_backend_ours),
		cmocka_unit_test(check_pool_backend_address),
		cmocka_unit_test(check_pool_backend_routed),
		cmocka_unit_test(check_pool_backend_weight),
		cmocka_unit_test(check_pool_unused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
