/* SPDX-License-Identifier: BSD-3-Clause */
#include "conf_test.h"

#define TUNNELS "tunnels:\n" CONF_TUNNEL_ONE
#define HOST    "  - {name: host, mode: transport, local: 198.18.0.1, remote: 198.18.9.9, keys: /k2}\n"
#define V6_ONLY                                                                                    \
	"ports:\n  - {name: wan, device: net_null0, addresses: [198.18.0.1/24, "                   \
	"\"2001:db8::1/64\"]}\n"
#define FAR(rest, address)                                                                         \
	CONF_POOLS "  - name: far\n    " rest                                                      \
		   "\n    backends:\n      - {name: b, address: \"" address "\"}\n"
#define DC1 "ipsec: {tunnel: dc1}"

static void refused(const char *pools, const char *sentence)
{
	conf_refused((struct conf_parts){.more = TUNNELS HOST, .pools = pools}, sentence);
}

static void good(const char *pools)
{
	conf_good((struct conf_parts){.more = TUNNELS HOST, .pools = pools});
}

static void check_behind_names(void **state)
{
	struct wr_conf *c = conf_take((struct conf_parts){.more = TUNNELS HOST,
		.pools = FAR("ipsec: {tunnel: host, require: no}", "198.18.9.9:80")});

	assert_int_equal(c->pools[0].tunnel, -1);
	assert_int_equal(c->pools[1].tunnel, 1);
	assert_false(c->pools[1].require);
	wr_conf_free(c);
	refused(FAR("ipsec: {tunnel: dc2}", "10.1.0.5:80"),
		"pools[1].ipsec.tunnel: value 'dc2' names no tunnel; did you mean 'dc1'?");
	conf_refused((struct conf_parts){.pools = FAR(DC1, "10.1.0.5:80")},
		"names no tunnel; right would be one of those under 'tunnels:'");
}

static void check_behind_address(void **state)
{
	good(FAR(DC1, "10.3.0.5:80"));
	refused(FAR(DC1, "10.3.1.5:80"),
		"t.yaml:24: pools[1].backends[0].address: value '10.3.1.5:80' is behind no tunnel, "
		"but pool 'far' says tunnel 'dc1'; right would be an address in 10.1.0.0/16 or the "
		"others of its 'to'");
	refused(FAR(DC1, "198.18.9.9:80"),
		"value '198.18.9.9:80' is behind tunnel 'host', but pool 'far' says tunnel 'dc1'");
	refused(FAR("ipsec: {tunnel: host}", "198.18.9.8:80"),
		"is behind no tunnel, but pool 'far' says tunnel 'host'; right would be an address "
		"in 198.18.9.9/32");
	refused(FAR("retries: 1", "10.1.0.5:80"),
		"t.yaml:24: pools[1].backends[0].address: value '10.1.0.5:80' is behind tunnel "
		"'dc1', but pool 'far' does not say so: overlapping selectors; right would be "
		"ipsec: {tunnel: dc1} in the pool, or a 'to' of the tunnel without it");
	refused(FAR("retries: 1", "198.18.9.9:80"), "is behind tunnel 'host', but pool 'far' does");
	refused(FAR(DC1, "[2001:db8::77]:80"), "is behind no tunnel, but pool 'far' says tunnel");
	refused(FAR(DC1, "198.18.0.13:80") "  - {name: x, backup: far, backends: [{name: b, "
					   "address: \"10.1.0.9:1\"}]}\n",
		"is behind no tunnel");
}

// A backup is judged by what it says itself.
static void check_behind_backup(void **state)
{
	good(FAR(DC1, "10.1.0.5:80") "    backup: web\n");
	refused(FAR(DC1, "10.1.0.5:80") "    backup: x\n  - {name: x, backends: [{name: b, "
					"address: \"10.1.0.9:1\"}]}\n",
		"value '10.1.0.9:1' is behind tunnel 'dc1', but pool 'x' does not say so");
}

// It is the far end that must be reached; the backend itself only where it may be so in clear.
static void check_behind_way(void **state)
{
	static const char near[] = "tunnels:\n  - {name: dc1, local: 198.18.0.1, remote: "
				   "198.18.0.9, to: 10.1.0.0/16, keys: /k}\n";

	conf_good((struct conf_parts){
		.ports = V6_ONLY, .routes = "", .more = near, .pools = FAR(DC1, "10.1.0.5:80")});
	conf_refused((struct conf_parts){.ports = V6_ONLY,
			     .routes = "",
			     .more = near,
			     .pools = FAR("ipsec: {tunnel: dc1, require: no}", "10.1.0.5:80")},
		"value '10.1.0.5:80' is in no port's prefix, and no gateway or route leads there");
	good(FAR("ipsec: {tunnel: dc1, require: no}", "10.1.0.5:80"));
}

static void check_behind_require(void **state)
{
	refused(FAR("ipsec: {require: yes}", "198.18.0.13:80"),
		"t.yaml:22: pools[1].ipsec.require: value 'yes' is heeded with a tunnel only, and "
		"pool 'far' has none: all would go in clear; right would be ipsec.tunnel");
	refused(FAR("ipsec: {require: no}", "198.18.0.13:80"), "value 'no' is heeded with a");
	refused(FAR("ipsec: {tunnel: none, require: no}", "198.18.0.13:80"), "value 'no' is");
	good(FAR("ipsec: {tunnel: none, require: yes}", "198.18.0.13:80")); // as a dump says it
	good(FAR("ipsec: {}", "198.18.0.13:80"));
}

static void check_behind_source_family(void **state)
{
	static const char v6[] = "tunnels:\n  - {name: dc1, local: 198.18.7.1, remote: "
				 "198.18.7.2, to: \"2001:db8:9::/48\", keys: /k}\n";
	static const char lan[] =
		CONF_PORTS "  - {name: lan, device: d, addresses: 198.18.7.1/24}\n";

	refused(FAR(DC1 "\n    source: [\"2001:db8::50\"]", "10.1.0.5:80"),
		"value '10.1.0.5:80' is IPv4 and the pool's source has no IPv4 address");
	// Another port has one, but it is not from there that they go.
	conf_refused(
		(struct conf_parts){
			.ports = lan, .more = v6, .pools = FAR(DC1, "[2001:db8:9::5]:80")},
		"value '[2001:db8:9::5]:80' is IPv6 and port 'lan', towards the remote end of "
		"tunnel 'dc1', has no IPv6 address to connect from; add one to the port, or a "
		"source to the pool");
	conf_good((struct conf_parts){.ports = lan,
		.more = v6,
		.pools = FAR(DC1 "\n    source: [\"2001:db8:7::50\"]", "[2001:db8:9::5]:80")});
}

// The packets of mode transport come from the tunnel's own end.
static void check_behind_source_transport(void **state)
{
	static const char two[] =
		"ports:\n  - {name: wan, device: net_null0, gateway: 198.18.0.254, addresses: "
		"[198.18.0.1/24, 198.18.0.2/24, \"2001:db8::1/64\", \"fe80::7/64\"]}\n";

	good(FAR("ipsec: {tunnel: host}", "198.18.9.9:80"));
	refused(FAR("ipsec: {tunnel: host}\n    source: [198.18.0.50]", "198.18.9.9:80"),
		"pools[1].backends[0].address: is reached in mode transport by tunnel 'host', "
		"which takes connections from its local address '198.18.0.1' only, and pool 'far' "
		"has others; right would be source: [\"198.18.0.1\"] in the pool");
	conf_refused((struct conf_parts){.ports = two,
			     .more = TUNNELS HOST,
			     .pools = FAR("ipsec: {tunnel: host}", "198.18.9.9:80")},
		"takes connections from its local address '198.18.0.1' only");
	conf_good((struct conf_parts){.ports = two,
		.more = TUNNELS HOST,
		.pools = FAR("ipsec: {tunnel: host}\n    source: [198.18.0.1]", "198.18.9.9:80")});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_behind_names),
		cmocka_unit_test(check_behind_address),
		cmocka_unit_test(check_behind_backup),
		cmocka_unit_test(check_behind_way),
		cmocka_unit_test(check_behind_require),
		cmocka_unit_test(check_behind_source_family),
		cmocka_unit_test(check_behind_source_transport),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
