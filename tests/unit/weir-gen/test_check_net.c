/* SPDX-License-Identifier: BSD-3-Clause */
#include "settings_test.h"

#define CLIENT(target) "clients: [{target: [\"" target "\"], load: {rate: 1}}]\n"

static void port(const char *keys, const char *sentence)
{
	char text[512];

	snprintf(text, sizeof(text), "ports: [{device: x, %s}]\n" GEN_BACKENDS, keys);
	gen_refused(text, sentence);
}

static void check_net_port_addresses(void **state)
{
	port("addresses: [198.18.0.0/24]",
		"ports[0].addresses[0]: value '198.18.0.0/24' is the address of the network");
	port("addresses: [198.18.0.1/24, 198.18.0.1/16]", "value '198.18.0.1/16' is given twice");
	port("addresses: [198.18.0.1/24, \"2001:db8::1/64\"], mtu: 1000",
		"ports[0].mtu: value '1000' is too small for IPv6");
	port("addresses: [198.18.0.1/24], gateway: 198.18.1.1",
		"ports[0].gateway[0]: value '198.18.1.1' is in none of");
	port("addresses: [198.18.0.1/24], gateway: 198.18.0.1", "is the port's own address");
	port("addresses: [198.18.0.1/24], gateway: [198.18.0.2, 198.18.0.3]",
		"is the second gateway of its family");
	gen_refused("ports: [{device: x, addresses: 198.18.0.1/24}, {device: x, addresses: "
		    "198.18.1.1/24}]\n" GEN_BACKENDS,
		"ports[1].device: value 'x' is the device of port 'port0' already");
}

static void check_net_port_as_gateway(void **state)
{
	// Each port is a host of its own: one may be the router of the other, in the same network.
	gen_good("ports: [{device: x, addresses: 198.18.0.254/24}, {device: y, addresses: "
		 "198.18.0.253/24, gateway: 198.18.0.254}]\n" GEN_BACKENDS);
}

static void check_net_target_reached(void **state)
{
	gen_refused(GEN_PORTS CLIENT("198.20.0.1:80"),
		"clients[0].target[0]: value '198.20.0.1:80' is in no port's prefix and no port "
		"has a "
		"gateway for it; add an address in its prefix or a gateway");
	gen_refused("ports: [{device: x, addresses: 198.18.0.1/24}]\n" CLIENT("[2001:db8::9]:80"),
		"value '[2001:db8::9]:80' is in no port's prefix");
	gen_refused("ports: [{device: x, addresses: 198.18.0.1/24, gateway: 198.18.0.2}]\n"
		    "clients: [{port: port0, target: [\"[2001:db8::9]:80\"], load: {rate: 1}}]\n",
		"is IPv6 and the port has no IPv6 address");
	gen_refused(GEN_PORTS CLIENT("224.0.0.1:80"),
		"clients[0].target[0]: value '224.0.0.1:80' is in no");
	gen_good("ports: [{device: x, addresses: 198.18.0.1/24, gateway: 198.18.0.2}]\n" CLIENT(
		"198.20.0.1:80"));
}

static void check_net_source_family(void **state)
{
	gen_refused("ports: [{device: x, addresses: 198.18.0.1/24}]\n"
		    "clients: [{source: \"2001:db8::5\", target: \"198.18.0.2:80\", load: {rate: "
		    "1}}]\n",
		"clients[0].source[0]: value '2001:db8::5' is of a family that the port has no "
		"address "
		"of; right would be addresses of the port's prefix, or ones that the other side "
		"routes to port 'port0'");
	gen_refused(GEN_PORTS
		"clients: [{source: \"127.0.0.1\", target: \"198.18.0.2:80\", load: {rate: 1}}]\n",
		"is a loopback address");
	// The other side routes them here.
	gen_good(GEN_PORTS "clients: [{source: \"198.19.0.1\", target: \"198.18.0.2:80\", load: "
			   "{rate: 1}}]\n");
}

static void check_net_listener(void **state)
{
	gen_refused(GEN_PORTS "backends: [{listen: \"198.18.1.1:80\"}]\n",
		"t.yaml:4: backends[0].listen[0]: value '198.18.1.1:80' is in no port's prefix; "
		"right "
		"would be an address in a prefix of port 'port0'");
	gen_refused(GEN_PORTS "backends: [{listen: [\"198.18.0.9:80\", \"[2001:db9::9]:80\"]}]\n",
		"backends[0].listen[1]: value '[2001:db9::9]:80' is in none of the port's "
		"prefixes");
	gen_refused(GEN_PORTS "backends: [{listen: [\"198.18.0.9:80\", \"198.18.0.9:80\"]}]\n",
		"backends[0].listen[1]: value '198.18.0.9:80' is listened on by backend 'backend0' "
		"already");
	gen_refused(GEN_PORTS
		"backends: [{listen: \"198.18.0.9:80\"}, {listen: \"198.18.0.9:80\"}]\n",
		"backends[1].listen[0]");
	gen_good("ports: [{device: x, addresses: 198.18.0.1/24}, {device: y, addresses: "
		 "198.18.0.2/24}]\n"
		 "backends: [{port: port0, listen: \"198.18.0.9:80\"}, {port: port1, listen: "
		 "\"198.18.0.9:80\"}]\n");
}

static void check_net_packets_target(void **state)
{
	gen_refused(GEN_PORTS "packets: [{kind: udp}]\n", "packets[0].target: is missing");
	gen_refused(GEN_PORTS "packets: [{target: 198.20.0.1}]\n",
		"packets[0].target: value '198.20.0.1' is in none of the port's prefixes and the "
		"port "
		"has no gateway; add one to port 'port0', or give target_mac");
	gen_good(GEN_PORTS "packets: [{target: 198.20.0.1, target_mac: \"02:00:00:00:00:01\"}]\n");
	gen_good(GEN_PORTS "packets: [{kind: random}]\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_net_port_addresses),
		cmocka_unit_test(check_net_port_as_gateway),
		cmocka_unit_test(check_net_target_reached),
		cmocka_unit_test(check_net_source_family),
		cmocka_unit_test(check_net_listener),
		cmocka_unit_test(check_net_packets_target),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
