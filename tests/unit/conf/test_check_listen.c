/* SPDX-License-Identifier: BSD-3-Clause */
#include "conf_test.h"

#define PORT_V4 "ports:\n  - {name: wan, device: d, addresses: [198.18.0.1/24]}\n"
#define POOL_V4 "pools: [{name: web, backends: [{name: b, address: \"198.18.0.11:80\"}]}]\n"

static void listen_refused(const char *list, const char *sentence)
{
	char text[1024];

	snprintf(text, sizeof(text), CONF_SERVICES "  - {name: s2, pool: web, listen: %s}\n", list);
	conf_refused((struct conf_parts){.services = text}, sentence);
}

static void check_listen_overlap(void **state)
{
	listen_refused("[\"198.18.0.100:81\", \"198.18.0.100:80\"]",
		"services[1].listen[1]: value '198.18.0.100:80' is listened on by service 'www' "
		"already");
	listen_refused("\"[2001:db8:0::100]:80\"", "value '[2001:db8::100]:80' is listened on");
	listen_refused("[\"198.18.0.101:80\", \"198.18.0.101:80\"]",
		"is listened on by service 's2' already");
}

static void check_listen_same_address_other_port(void **state)
{
	conf_good((struct conf_parts){.services = CONF_SERVICES
				      "  - {name: s2, pool: web, listen: \"198.18.0.100:81\"}\n"});
}

static void check_listen_address_kind(void **state)
{
	listen_refused("\"0.0.0.0:80\"", "is the unspecified address");
	listen_refused("\"[::]:80\"", "is the unspecified address");
	listen_refused("\"239.1.1.1:80\"", "is a multicast or broadcast address");
	listen_refused("\"127.0.0.1:80\"", "is a loopback address");
	listen_refused("\"[fe80::1]:80\"", "is a link-local address that no port has");
	listen_refused("\"198.18.0.254:80\"", "is the address of a gateway or next hop");
	listen_refused("\"198.18.0.253:80\"", "is the address of a gateway or next hop");
}

static void check_listen_family(void **state)
{
	conf_refused((struct conf_parts){.ports = PORT_V4, .pools = POOL_V4},
		"services[0].listen[1]: value '[2001:db8::100]:80' is IPv6 and no port has an IPv6 "
		"address");
	conf_refused((struct conf_parts){.ports = "ports:\n  - {name: wan, device: d, addresses: "
						  "[\"2001:db8::1/64\"]}\n",
			     .routes = ""},
		"is IPv4 and no port has an IPv4 address");
}

static void check_listen_own_address(void **state)
{
	conf_good((struct conf_parts){
		.services = "services: [{name: a, listen: \"198.18.0.1:80\", pool: web}]\n"});
}

static void check_listen_too_many(void **state)
{
	char text[100000], whole[120000], *p = text;

	p += sprintf(p, "services:\n");
	for (int i = 0; i < 65; i++) {
		p += sprintf(p, "  - name: s%d\n    pool: web\n    listen:\n", i);
		for (int j = 0; j < 16; j++)
			p += sprintf(p, "      - \"198.18.0.100:%d\"\n", i * 16 + j + 1);
	}
	sprintf(whole, "%s%s%s", CONF_PORTS, CONF_POOLS, text);
	conf_refused_text(whole, strlen(whole),
		"services[64].listen: makes 1040 listeners with those before; right would be at "
		"most 1024");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_listen_overlap),
		cmocka_unit_test(check_listen_same_address_other_port),
		cmocka_unit_test(check_listen_address_kind),
		cmocka_unit_test(check_listen_family),
		cmocka_unit_test(check_listen_own_address),
		cmocka_unit_test(check_listen_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
