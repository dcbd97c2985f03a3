/* SPDX-License-Identifier: BSD-3-Clause */
#include "conf_test.h"

// A configuration with one port whose lines after the name and device are `rest`.
static void port_refused(const char *rest, const char *sentence)
{
	char text[1024];

	snprintf(text, sizeof(text), "ports:\n  - name: wan\n    device: d1\n%s", rest);
	conf_refused((struct conf_parts){.ports = text}, sentence);
}

static void route_refused(const char *row, const char *sentence)
{
	char text[1024];

	snprintf(text, sizeof(text), CONF_ROUTES "  - %s\n", row);
	conf_refused((struct conf_parts){.routes = text}, sentence);
}

static void check_net_address_kind(void **state)
{
	port_refused("    addresses: [198.18.0.0/24]\n",
		"t.yaml:5: ports[0].addresses[0]: value '198.18.0.0/24' is the address of the "
		"network itself");
	port_refused("    addresses: [198.18.0.255/24]\n", "is the broadcast address");
	port_refused("    addresses: [224.0.0.1/24]\n", "is a multicast or broadcast address");
	port_refused("    addresses: [127.0.0.1/8]\n", "is a loopback address");
	port_refused("    addresses: [\"::/64\"]\n", "is the unspecified address");
	port_refused("    addresses: []\n", "ports[0].addresses: is an empty list");
}

static void check_net_address_short_prefix(void **state)
{
	// RFC 3021: both addresses of a /31 are stations.
	conf_good((struct conf_parts){
		.ports = "ports:\n  - {name: wan, device: d, addresses: [198.18.0.0/31, "
			 "198.18.0.253/32, 198.18.0.9/24, \"2001:db8::/64\"]}\n",
		.routes = ""});
}

static void check_net_address_twice(void **state)
{
	port_refused("    addresses: [198.18.0.1/24, 198.18.0.1/16]\n",
		"value '198.18.0.1/16' is an address of port 'wan' already");
	conf_refused(
		(struct conf_parts){
			.ports = CONF_PORTS
			"  - {name: lan, device: d2, addresses: [\"2001:db8::1/96\"]}\n"},
		"ports[1].addresses[0]: value '2001:db8::1/96' is an address of port 'wan'");
}

static void check_net_mtu_ip6(void **state)
{
	conf_refused((struct conf_parts){.ports = CONF_PORTS "    mtu: 1279\n"},
		"t.yaml:7: ports[0].mtu: value '1279' is too small for IPv6");
	conf_good((struct conf_parts){.ports = CONF_PORTS "    mtu: 1280\n"});
}

static void check_net_device_twice(void **state)
{
	conf_refused(
		(struct conf_parts){
			.ports = CONF_PORTS
			"  - {name: lan, device: net_null0, addresses: [198.18.9.1/24]}\n"},
		"ports[1].device: value 'net_null0' is the device of port 'wan' already");
}

static void check_net_gateway_place(void **state)
{
	port_refused("    addresses: [198.18.0.1/24]\n    gateway: [198.18.1.1]\n",
		"t.yaml:6: ports[0].gateway[0]: value '198.18.1.1' is in none of the port's "
		"prefixes");
	port_refused("    addresses: [198.18.0.1/24]\n    gateway: [\"2001:db8::9\"]\n",
		"is in none of the port's prefixes");
	port_refused("    addresses: [198.18.0.1/24]\n    gateway: [\"fe80::1\"]\n",
		"is in none of the port's prefixes");
	port_refused("    addresses: [198.18.0.1/24]\n    gateway: [198.18.0.1]\n",
		"is an address of this box");
	port_refused("    addresses: [198.18.0.1/24]\n    gateway: [0.0.0.0]\n",
		"is the unspecified address");
	port_refused("    addresses: [198.18.0.1/24]\n    gateway: [198.18.0.2, 198.18.0.3]\n",
		"ports[0].gateway[1]: value '198.18.0.3' is the second gateway of its family");
}

static void check_net_gateway_link_local(void **state)
{
	conf_good((struct conf_parts){
		.ports = "ports:\n  - {name: wan, device: d, addresses: [198.18.0.1/24, "
			 "\"2001:db8::1/64\"], gateway: [198.18.0.2, \"fe80::1\"]}\n"});
}

static void check_net_route_rows(void **state)
{
	route_refused("{to: 198.19.0.1/16, via: 198.18.0.253, port: wan}",
		"t.yaml:9: routes[1].to: value '198.19.0.1/16' has bits beyond its prefix length; "
		"right would be '198.19.0.0/16'");
	route_refused("{to: \"2001:db8:1::/48\", via: 198.18.0.253, port: wan}",
		"is not of the family of '2001:db8:1::/48'");
	route_refused("{to: 198.19.0.0/24, via: 198.18.7.1, port: wan}",
		"routes[1].via: value '198.18.7.1' is in none of the port's prefixes");
	route_refused(
		"{to: 198.19.0.0/24, via: 198.18.0.1, port: wan}", "is an address of this box");
	route_refused("{to: 198.19.0.0/16, via: 198.18.0.252, port: wan}",
		"has a route already (routes[0])");
}

static void check_net_route_default(void **state)
{
	conf_good((struct conf_parts){
		.routes = "routes:\n  - {to: 0.0.0.0/0, via: 198.18.0.253, port: wan}\n"
			  "  - {to: \"::/0\", via: \"fe80::5\", port: wan}\n"});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_net_address_kind),
		cmocka_unit_test(check_net_address_short_prefix),
		cmocka_unit_test(check_net_address_twice),
		cmocka_unit_test(check_net_mtu_ip6),
		cmocka_unit_test(check_net_device_twice),
		cmocka_unit_test(check_net_gateway_place),
		cmocka_unit_test(check_net_gateway_link_local),
		cmocka_unit_test(check_net_route_rows),
		cmocka_unit_test(check_net_route_default),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
