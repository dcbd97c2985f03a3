/* SPDX-License-Identifier: BSD-3-Clause */
#include "conf_test.h"

static void access_refused(const char *keys, const char *sentence)
{
	char text[512];

	snprintf(text, sizeof(text), "access: {%s}\n", keys);
	conf_refused((struct conf_parts){.more = text}, sentence);
}

static void access_good(const char *keys)
{
	char text[512];

	snprintf(text, sizeof(text), "access: {%s}\n", keys);
	conf_good((struct conf_parts){.more = text});
}

static void check_access_prefix_whole(void **state)
{
	access_good("deny: [203.0.113.0/24, \"2001:db8:bad::/48\"]");
	access_refused("deny: [203.0.113.1/24]",
		"t.yaml:1: access.deny[0]: value '203.0.113.1/24' has bits beyond its prefix "
		"length; right would be '203.0.113.0/24'");
	access_refused("allow: [203.0.113.0/24, \"2001:db8:bad::1/48\"]",
		"access.allow[1]: value '2001:db8:bad::1/48' has bits beyond its prefix length; "
		"right would be '2001:db8:bad::/48'");
}

static void check_access_prefix_twice(void **state)
{
	access_good("deny: [203.0.113.0/24, 203.0.113.0/25], allow: [203.0.113.0/26]");
	access_refused("deny: [203.0.113.0/24, 203.0.113.0/24]",
		"access.deny[1]: value '203.0.113.0/24' is listed twice, as access.deny[0]; keep "
		"one");
	access_refused("allow: [\"2001:db8::/48\", 10.0.0.0/8, \"2001:db8::/48\"]",
		"access.allow[2]: value '2001:db8::/48' is listed twice, as access.allow[0]");
	access_refused("deny: [203.0.113.0/24], allow: [10.0.0.0/8, 203.0.113.0/24]",
		"access.allow[1]: value '203.0.113.0/24' is denied by access.deny[0] as well");
	access_refused("deny: \"2001:db8:bad::/48\", allow: \"2001:db8:bad::/48\"",
		"is denied by access.deny[0] as well");
}

static void check_access_nobody(void **state)
{
	access_refused("deny: 0.0.0.0/0", "access.deny[0]: value '0.0.0.0/0' denies every IPv4 "
					  "client and access.allow has no "
					  "IPv4 prefix: nobody could connect");
	access_refused("deny: \"::/0\"", "access.deny[0]: value '::/0' denies every IPv6 client "
					 "and access.allow has no IPv6 "
					 "prefix");
	access_refused("deny: 0.0.0.0/0, allow: \"2001:db8::/32\"", "has no IPv4 prefix");
	access_refused("deny: \"::/0\", allow: 203.0.113.0/24", "has no IPv6 prefix");
	access_good("deny: 0.0.0.0/0, allow: 203.0.113.0/24");
	access_good("deny: [\"::/0\", 0.0.0.0/0], allow: [203.0.113.0/24, \"2001:db8:5::/48\"]");
}

static void check_access_own(void **state)
{
	access_refused("deny: [203.0.113.0/24, 198.18.0.0/29]",
		"access.deny[1]: value '198.18.0.0/29' covers 198.18.0.1, the address of port "
		"'wan', "
		"and would cut it off from every service; right would be prefixes without it, or "
		"'198.18.0.1/32' under access.allow");
	access_refused("deny: \"2001:db8::/125\"",
		"covers 2001:db8::1, the address of port 'wan', and would cut it off from every "
		"service; right would be prefixes without it, or '2001:db8::1/128'");
	access_refused(
		"deny: 198.18.0.254/32", "covers 198.18.0.254, the gateway of port 'wan', and");
	access_refused("deny: 198.18.0.253/32", "covers 198.18.0.253, a next hop on port 'wan'");
	access_refused(
		"deny: 198.18.0.11/32", "covers 198.18.0.11, the address of backend 'b1', and");
	access_refused("deny: \"2001:db8::12/128\"", "covers 2001:db8::12, the address of backend");
	access_good("deny: [198.18.0.64/26, \"2001:db8::1:0/112\"]");
}

static void check_access_own_allowed(void **state)
{
	access_good("deny: 198.18.0.8/29, allow: 198.18.0.11/32");
	access_good("deny: 198.18.0.0/15, allow: 198.18.0.0/24");
	// The longest prefix decides, not the list.
	access_refused("deny: [198.18.0.0/15, 198.18.0.11/32], allow: 198.18.0.0/24",
		"access.deny[1]: value '198.18.0.11/32' covers 198.18.0.11");
	// The other family's allow says nothing.
	access_refused("deny: 198.18.0.8/29, allow: \"::/1\"", "covers 198.18.0.11");
}

static void check_access_source(void **state)
{
	static const struct {
		const char *more, *says;
	} bad[] = {
		{"access: {deny: 198.18.0.50/32}\n", "covers 198.18.0.50, which probes come from"},
		{"access: {deny: 198.18.0.60/32}\n", "covers 198.18.0.60, which probes come from"},
		{"access: {deny: 198.18.0.54/31}\n",
			"covers 198.18.0.54, which probes come from, a source of pool 'web', and"},
		{"access: {deny: \"2001:db8::50/128\"}\n", "covers 2001:db8::50, which probes"},
	};
	const char *pools = CONF_POOLS "    source: [198.18.0.50-198.18.0.60, \"2001:db8::50\"]\n";

	for (uint32_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		conf_refused((struct conf_parts){.pools = pools, .more = bad[i].more}, bad[i].says);
	conf_good((struct conf_parts){
		.pools = pools, .more = "access: {deny: [198.18.0.48/31, 198.18.0.61/32]}\n"});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_access_prefix_whole),
		cmocka_unit_test(check_access_prefix_twice),
		cmocka_unit_test(check_access_nobody),
		cmocka_unit_test(check_access_own),
		cmocka_unit_test(check_access_own_allowed),
		cmocka_unit_test(check_access_source),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
