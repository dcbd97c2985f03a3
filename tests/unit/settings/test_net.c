/* SPDX-License-Identifier: BSD-3-Clause */
#include "settings_test.h"

static void net_address_forms(void **state)
{
	struct wr_settings_row a = toy_row(WR_SETTINGS_T_ADDR, 0, 0, sizeof(struct wr_addr));
	struct wr_settings_row p = toy_row(WR_SETTINGS_T_PREFIX, 0, 0, sizeof(struct wr_prefix));
	struct wr_settings_row e =
		toy_row(WR_SETTINGS_T_ENDPOINT, 0, 0, sizeof(struct wr_endpoint));
	struct wr_endpoint end;
	struct wr_prefix pre;
	struct wr_addr addr;

	takes(&a, "2001:db8::1", &addr);
	prints(&a, &addr, "\"2001:db8::1\"");
	takes(&p, "198.18.0.1/24", &pre);
	assert_int_equal(pre.len, 120);
	prints(&p, &pre, "\"198.18.0.1/24\"");
	takes(&e, "[2001:db8::1]:443", &end);
	prints(&e, &end, "\"[2001:db8::1]:443\"");
	refuses(&a, "198.18.0.256", "not an IP address");
	refuses(&p, "198.18.0.1", "no prefix length");
	refuses(&p, "198.18.0.1/33", "not an address with a prefix length");
	refuses(&e, "198.18.0.1", "has no port");
	refuses(&e, "2001:db8::1", "brackets");
	refuses(&e, "198.18.0.1:0", "not an address with a port");
	refuses(&e, "198.18.0.1:65536", "not an address with a port");
	refuses(&e, "example.net:80", "not an address with a port");
}

static void net_range_forms(void **state)
{
	struct wr_settings_row s =
		toy_row(WR_SETTINGS_T_RANGE, 0, 256, sizeof(struct wr_settings_range));
	struct wr_settings_range r;

	takes(&s, "198.18.1.10-198.18.1.25", &r);
	prints(&s, &r, "\"198.18.1.10-198.18.1.25\"");
	takes(&s, "2001:db8::5", &r);
	assert_true(wr_addr_eq(&r.first, &r.last));
	prints(&s, &r, "\"2001:db8::5\"");
	takes(&s, "198.18.0.0-198.18.0.255", &r);
	takes(&s, "2001:db8::ffff:ffff:ffff:ffff-2001:db8:0:1::fe", &r);
	refuses(&s, "198.18.0.0-198.18.1.0", "too many addresses");
	refuses(&s, "2001:db8::-2001:db8:0:1::", "too many addresses");
	refuses(&s, "198.18.1.25-198.18.1.10", "reversed");
	refuses(&s, "198.18.1.25-2001:db8::1", "mixes IPv4 and IPv6");
	refuses(&s, "198.18.1.0/24", "not an address or a range");
	refuses(&s, "198.18.1.1-", "not an address or a range");
	refuses(&s, "-", "not an address or a range");
	refuses(&s, "1111111111111111111111111111111111111111111111111111-", "not an address");
}

static void net_range_zero_word(void **state)
{
	struct wr_settings_row s =
		toy_row(WR_SETTINGS_T_RANGE, 0, 256, sizeof(struct wr_settings_range));
	struct wr_settings_range r, zero = {0};

	s.zero = "none";
	memset(&r, 7, sizeof(r));
	takes(&s, "none", &r);
	assert_memory_equal(&r, &zero, sizeof(r));
	prints(&s, &r, "none");
	s.max = 1ULL << 32;
	takes(&s, "2001:db8::-2001:db8::ffff:ffff", &r);
	refuses(&s, "2001:db8::-2001:db8::1:0:0", "too many addresses");
}

static void net_mac_forms(void **state)
{
	struct wr_settings_row s = toy_row(WR_SETTINGS_T_MAC, 0, 0, 6);
	uint8_t mac[6];

	takes(&s, "02:00:aB:00:00:0f", mac);
	prints(&s, mac, "\"02:00:ab:00:00:0f\"");
	refuses(&s, "02:00:ab:00:00:0", "not an Ethernet address");
	refuses(&s, "02:00:ab:00:00:0f:01", "not an Ethernet address");
	refuses(&s, "02-00-ab-00-00-0f", "not an Ethernet address");
	refuses(&s, "02:00:ag:00:00:0f", "not an Ethernet address");
	refuses(&s, "auto", "not an Ethernet address");
	s.zero = "auto";
	takes(&s, "auto", mac);
	assert_int_equal(mac[0] | mac[5], 0);
	prints(&s, mac, "auto");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(net_address_forms),
		cmocka_unit_test(net_range_forms),
		cmocka_unit_test(net_range_zero_word),
		cmocka_unit_test(net_mac_forms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
