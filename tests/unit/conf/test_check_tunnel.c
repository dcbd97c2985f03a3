/* SPDX-License-Identifier: BSD-3-Clause */
#include "conf_test.h"

#define MOST 4096

// Tunnels in order of their lines: the first begins at line 2.
static void refused(const char *tunnels, const char *sentence)
{
	char text[MOST];

	snprintf(text, sizeof(text), "tunnels:\n%s", tunnels);
	conf_refused((struct conf_parts){.more = text}, sentence);
}

static void good(const char *tunnels)
{
	char text[MOST];

	snprintf(text, sizeof(text), "tunnels:\n%s", tunnels);
	conf_good((struct conf_parts){.more = text});
}

// One tunnel with these of its keys; "" is as good ones are, NULL without the key.
struct keys {
	const char *name, *local, *remote, *to, *keys, *more;
};

static const char *put(char *at, size_t room, const char *key, const char *value, const char *usual)
{
	if (value)
		snprintf(at, room, "    %s: %s\n", key, *value ? value : usual);
	else
		*at = 0;
	return at;
}

static const char *tunnel(char text[MOST], struct keys k)
{
	char part[5][512];

	snprintf(text, MOST, "  - name: %s\n%s%s%s%s%s", k.name,
		put(part[0], sizeof(part[0]), "local", k.local, "198.18.0.1"),
		put(part[1], sizeof(part[1]), "remote", k.remote, "198.18.9.1"),
		put(part[2], sizeof(part[2]), "to", k.to, "10.1.0.0/16"),
		put(part[3], sizeof(part[3]), "keys", k.keys, "/k"), k.more ? k.more : "");
	return text;
}

static void key_refused(struct keys k, const char *sentence)
{
	char text[MOST];

	refused(tunnel(text, k), sentence);
}

static void key_good(struct keys k)
{
	char text[MOST];

	good(tunnel(text, k));
}

#define LOCAL(x)  ((struct keys){.name = "a", .local = x, .remote = "", .to = "", .keys = ""})
#define REMOTE(x) ((struct keys){.name = "a", .local = "", .remote = x, .to = "", .keys = ""})
#define TO(x)     ((struct keys){.name = "a", .local = "", .remote = "", .to = x, .keys = ""})
#define KEYS(x)   ((struct keys){.name = "a", .local = "", .remote = "", .to = "", .keys = x})
#define MORE(x)                                                                                    \
	((struct keys){.name = "a", .local = "", .remote = "", .to = "", .keys = "", .more = x})

static void check_tunnel_defaults(void **state)
{
	struct wr_conf *c = conf_take((struct conf_parts){.more = "tunnels:\n" CONF_TUNNEL_ONE});
	const struct wr_conf_tunnel *t = &c->tunnels[0];
	char text[WR_ADDR_STR + 4];

	assert_int_equal(c->tunnel_count, 1);
	assert_string_equal(t->name, "dc1");
	assert_int_equal(t->mode, WR_CONF_TUNNEL_TUNNEL);
	assert_int_equal(t->cipher, WR_CONF_CIPHER_AES_GCM_128);
	assert_string_equal(wr_addr_format(&t->local, text, sizeof(text)), "198.18.0.1");
	assert_string_equal(wr_addr_format(&t->remote, text, sizeof(text)), "198.18.9.1");
	assert_int_equal(t->to_count, 2);
	assert_false(t->to_remote);
	assert_string_equal(wr_prefix_format(&t->to[1], text, sizeof(text)), "10.3.0.0/24");
	assert_string_equal(t->keys, "/etc/weir/keys/dc1");
	assert_true(t->esn);
	assert_int_equal(t->replay_window, 1024);
	assert_int_equal(t->udp_port, 0);
	assert_int_equal(t->mtu, 0);
	assert_int_equal(t->life_bytes, 0);
	assert_int_equal(t->life_packets, 0);
	assert_int_equal(t->life_us, 0);
	assert_int_equal(t->life_warn_percent, 80);
	assert_int_equal(t->switch_us, 5000000);
	assert_int_equal(t->keep_us, 60000000);
	assert_int_equal(t->line, 2);
	assert_int_equal(c->pools[0].tunnel, -1);
	assert_true(c->pools[0].require);
	wr_conf_free(c);
}

static void check_tunnel_values(void **state)
{
	struct wr_conf *c = conf_take((struct conf_parts){
		.more = CONF_TUNNELS_MORE, .pools = CONF_POOLS CONF_POOLS_BEHIND});
	const struct wr_conf_tunnel *t = &c->tunnels[0];

	assert_int_equal(t->cipher, WR_CONF_CIPHER_AES_CBC_256_SHA256);
	assert_false(t->esn);
	assert_int_equal(t->replay_window, 4096);
	assert_int_equal(t->udp_port, 4500);
	assert_int_equal(t->mtu, 1400);
	assert_true(t->life_bytes == 1ULL << 40);
	assert_true(t->life_packets == 4000000000ULL);
	assert_true(t->life_us == 8 * 3600 * 1000000ULL);
	assert_int_equal(t->life_warn_percent, 99);
	assert_int_equal(t->switch_us, 0);
	assert_int_equal(t->keep_us, 90000000);
	// Mode transport has the host behind it.
	t = &c->tunnels[1];
	assert_int_equal(t->mode, WR_CONF_TUNNEL_TRANSPORT);
	assert_true(t->to_remote);
	assert_int_equal(t->to_count, 1);
	assert_int_equal(t->to[0].len, 128);
	assert_true(wr_addr_eq(&t->to[0].addr, &t->remote));
	wr_conf_free(c);
}

static void check_tunnel_names(void **state)
{
	refused(CONF_TUNNEL_ONE CONF_TUNNEL_ONE,
		"t.yaml:7: tunnels[1].name: value 'dc1' is the name of tunnels[0] already");
	refused("  - {local: 198.18.0.1, remote: 198.18.9.1, to: 10.1.0.0/16, keys: /k}\n",
		"t.yaml:2: tunnels[0].name: is missing");
	refused("  - {name: none, local: 198.18.0.1, remote: 198.18.9.1, to: 10.1.0.0/16, keys: "
		"/k}\n",
		"t.yaml:2: tunnels[0].name: value 'none' is what pools without a tunnel say");
	refused("  - {name: a, locl: 198.18.0.1}\n", "did you mean 'local'?");
}

static void check_tunnel_local(void **state)
{
	key_refused(LOCAL(NULL), "tunnels[0].local: is missing; right would be an address");
	key_refused(LOCAL("198.18.0.2"),
		"t.yaml:3: tunnels[0].local: value '198.18.0.2' is no port's own address; right "
		"would be 198.18.0.1");
	key_refused(LOCAL("198.18.0.100"), "is no port's own address"); // a listener is no port
	key_refused(LOCAL("127.0.0.1"), "is a loopback address");
	key_refused(LOCAL("\"fe80::1\""), "is a link-local address");
	key_refused(LOCAL("198.18.0.1/24"), "tunnels[0].local: value '198.18.0.1/24'");
	key_refused((struct keys){.name = "a",
			    .local = "198.18.0.2",
			    .remote = "\"2001:db8::55\"",
			    .to = "",
			    .keys = ""},
		"right would be 2001:db8::1");
	key_refused((struct keys){.name = "a",
			    .local = "198.18.0.2",
			    .remote = "\"2001:db9::55\"",
			    .to = "",
			    .keys = ""},
		"right would be one of ports[].addresses");
}

static void check_tunnel_remote(void **state)
{
	key_refused(REMOTE(NULL), "tunnels[0].remote: is missing; right would be an address");
	key_refused(REMOTE("\"2001:db8::55\""),
		"t.yaml:4: tunnels[0].remote: value '2001:db8::55' is IPv6 and local '198.18.0.1' "
		"is IPv4; right would be two addresses of one family");
	key_refused(REMOTE("198.18.0.1"),
		"tunnels[0].remote: value '198.18.0.1' is this box: the address 198.18.0.1 of port "
		"'wan'; right would be the address of the far gateway or host");
	key_refused(
		REMOTE("198.18.0.100"), "is this box: the address 198.18.0.100 of service 'www'");
	key_refused(REMOTE("224.0.0.5"), "is a multicast or broadcast address");
	key_refused((struct keys){.name = "a",
			    .local = "\"2001:db8::1\"",
			    .remote = "\"2001:db9::1\"",
			    .to = "",
			    .keys = ""},
		"value '2001:db9::1' is in no port's prefix, and no gateway or route leads there");
	conf_refused(
		(struct conf_parts){.more = "tunnels:\n" CONF_TUNNEL_ONE,
			.pools = "pools:\n  - name: web\n    source: [198.18.8.200-198.18.9.1]\n"
				 "    backends: [{name: b, address: \"198.18.0.11:80\"}]\n"},
		"value '198.18.9.1' is this box: a source of pool 'web'");
	key_good(REMOTE("198.18.0.254")); // the gateway itself may be the far end
	key_good(REMOTE("198.19.1.1"));
}

static void check_tunnel_remote_inside(void **state)
{
	refused(CONF_TUNNEL_ONE "  - {name: dc2, local: 198.18.0.1, remote: 10.3.0.9, to: "
				"10.9.0.0/16, keys: /k2}\n",
		"t.yaml:7: tunnels[1].remote: value '10.3.0.9' lies in tunnels[0].to[1] "
		"'10.3.0.0/24', so that its encrypted packets would go into another tunnel");
	key_refused(TO("[10.0.0.0/8, 198.18.8.0/23]"),
		"t.yaml:4: tunnels[0].remote: value '198.18.9.1' lies in tunnels[0].to[1] "
		"'198.18.8.0/23', so that its encrypted packets would go into the tunnel itself");
	// Before it in the file, and of another mode.
	refused("  - {name: h, mode: transport, local: 198.18.0.1, remote: 10.1.0.9, keys: /k2}\n"
		"  - {name: dc, local: 198.18.0.1, remote: 198.18.9.1, to: 10.2.0.0/16, keys: "
		"/k}\n"
		"  - {name: e, local: 198.18.0.1, remote: 198.18.9.2, to: 198.18.9.0/28, keys: "
		"/k3}\n",
		"t.yaml:3: tunnels[1].remote: value '198.18.9.1' lies in tunnels[2].to[0]");
}

static void check_tunnel_to_given(void **state)
{
	static const char right[] = "right would be the prefixes behind the gateway such as";

	key_refused(TO(NULL), "t.yaml:2: tunnels[0].to: is missing; right would be the prefixes");
	key_refused(TO("[]"), "tunnels[0].to: is an empty list; right would be 1 or more");
	key_refused(TO("remote"), right);
	refused("  - {name: h, mode: transport, local: 198.18.0.1, remote: 198.18.9.1, keys: /k,\n"
		"    to: 198.18.9.1/32}\n",
		"t.yaml:3: tunnels[0].to: is given, but with mode transport there is only "
		"'remote' behind it; right would be to leave it out");
	good("  - {name: h, mode: transport, local: 198.18.0.1, remote: 198.18.9.1, keys: /k,\n"
	     "    to: remote}\n");
	key_refused(TO("10.1.0.0"), "tunnels[0].to: value '10.1.0.0' ");
	key_refused(MORE("    mode: tunel\n"),
		"tunnels[0].mode: value 'tunel' is not a choice here; right would be tunnel or "
		"transport; did you mean 'tunnel'?");
}

static void check_tunnel_to_prefix(void **state)
{
	key_refused(TO("[10.1.0.0/16, \"2001:db8:9::/48\"]"),
		"t.yaml:5: tunnels[0].to[1]: value '2001:db8:9::/48' is IPv6 and the first is "
		"IPv4; right would be one family a tunnel, and another tunnel for the other");
	key_refused(TO("10.1.0.1/16"), "has bits beyond its prefix length; right would be "
				       "'10.1.0.0/16'");
	key_refused(TO("0.0.0.0/0"), "begins at the unspecified address and covers clients too");
	key_refused(TO("\"::/0\""), "tunnels[0].to[0]: value '::/0' begins at the unspecified");
	key_refused(TO("224.0.0.0/8"), "is a multicast or broadcast address");
	key_refused(TO("\"fe80::/64\""), "is a link-local address");
	// What is behind may be of another family than the ends.
	key_good(TO("[\"2001:db8:9::/48\", \"2001:db8:8::5/128\"]"));
}

static void check_tunnel_to_ours(void **state)
{
	char text[MOST];

	key_refused(TO("198.18.0.0/30"),
		"t.yaml:5: tunnels[0].to[0]: value '198.18.0.0/30' covers the address 198.18.0.1 "
		"of port 'wan', which is on this side of the tunnel; right would be prefixes");
	key_refused(TO("198.18.0.100/32"), "covers the address 198.18.0.100 of service 'www'");
	key_refused(TO("\"2001:db8::100/124\""), "covers the address 2001:db8::100 of service");
	key_refused(TO("198.18.0.254/32"), "covers the gateway 198.18.0.254 of port 'wan'");
	key_refused(TO("198.18.0.252/31"), "covers the next hop 198.18.0.253 of routes[0]");
	snprintf(text, sizeof(text), "tunnels:\n%s", "");
	strcat(text, "  - {name: a, local: 198.18.0.1, remote: 198.18.9.1, keys: /k, to: "
		     "10.1.0.8/30}\n");
	conf_refused((struct conf_parts){.more = text,
			     .pools = "pools:\n  - name: web\n    source: [10.1.0.1-10.1.0.200]\n"
				      "    backends: [{name: b, address: \"198.18.0.11:80\"}]\n"},
		"covers a source of pool 'web'");
}

static void check_tunnel_to_overlap(void **state)
{
	static const char two[] = CONF_TUNNEL_ONE "  - name: b\n    local: 198.18.0.1\n"
						  "    remote: %s\n    keys: /k2\n    %s\n";
	static const struct {
		const char *remote, *rest, *says;
	} bad[] = {
		{"198.18.9.2", "to: [10.9.0.0/16, 10.1.7.0/24]",
			"t.yaml:11: tunnels[1].to[1]: value '10.1.7.0/24' overlaps '10.1.0.0/16' "
			"behind tunnel 'dc1': overlapping selectors; right would be each address"},
		{"198.18.9.1", "to: 10.0.0.0/14", "value '10.0.0.0/14' overlaps '10.1.0.0/16'"},
		{"10.1.0.5", "mode: transport",
			"t.yaml:9: tunnels[1].remote: value '10.1.0.5/32' overlaps '10.1.0.0/16'"},
		{"198.18.9.2", "to: [10.9.0.0/16, 10.9.0.0/16]",
			"overlaps '10.9.0.0/16' behind tunnel 'b'"},
	};
	char text[MOST];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text), two, bad[i].remote, bad[i].rest);
		refused(text, bad[i].says);
	}
	// The same two ends may have two tunnels: the SPIs tell.
	snprintf(text, sizeof(text), two, "198.18.9.1", "to: \"2001:db8:9::/48\"");
	good(text);
	refused("  - {name: h, mode: transport, local: 198.18.0.1, remote: 10.9.0.9, keys: /1}\n"
		"  - {name: i, mode: transport, local: 198.18.0.1, remote: 10.9.0.9, keys: /2}\n",
		"t.yaml:3: tunnels[1].remote: value '10.9.0.9/32' overlaps '10.9.0.9/32' behind "
		"tunnel 'h'");
}

static void check_tunnel_keys(void **state)
{
	key_refused(KEYS(NULL), "tunnels[0].keys: is missing");
	key_refused(KEYS("keys/dc1"),
		"t.yaml:6: tunnels[0].keys: value 'keys/dc1' is not an absolute path; right would "
		"be one such as /etc/weir/keys/a");
	refused("  - {name: a, local: 198.18.0.1, remote: 198.18.9.1, to: 10.1.0.0/16, keys: /k}\n"
		"  - {name: b, local: 198.18.0.1, remote: 198.18.9.1, to: 10.2.0.0/16, keys: "
		"/k}\n",
		"t.yaml:3: tunnels[1].keys: value '/k' is the key file of tunnel 'a' already; each "
		"tunnel needs keys of its own");
}

static void check_tunnel_cipher(void **state)
{
	static const char *const words[] = {
		"aes-gcm-128", "aes-gcm-256", "aes-cbc-128-sha256", "aes-cbc-256-sha256"};
	char more[64];

	for (uint32_t i = 0; i < 4; i++) {
		struct wr_conf *c;
		char one[MOST], text[MOST + 16];

		snprintf(more, sizeof(more), "    cipher: %s\n", words[i]);
		snprintf(text, sizeof(text), "tunnels:\n%s", tunnel(one, MORE(more)));
		c = conf_take((struct conf_parts){.more = text});
		assert_int_equal(c->tunnels[0].cipher, i);
		wr_conf_free(c);
	}
	key_refused(MORE("    cipher: aes-gcm-126\n"),
		"tunnels[0].cipher: value 'aes-gcm-126' is not a choice here; right would be "
		"aes-gcm-128, aes-gcm-256, aes-cbc-128-sha256 or aes-cbc-256-sha256; did you mean "
		"'aes-gcm-128'?");
	key_refused(MORE("    cipher: aes-cbc-256-sha1\n"), "did you mean 'aes-cbc-256-sha256'?");
}

static void check_tunnel_ranges(void **state)
{
	static const struct {
		const char *more, *says;
	} bad[] = {
		{"    replay_window: 63\n", "replay_window: value '63' is too small; right would "
					    "be a whole number from 64 to 4096 (packets)"},
		{"    replay_window: 4097\n", "replay_window: value '4097' is too large"},
		{"    udp_port: 65536\n", "udp_port: value '65536' is too large"},
		{"    mtu: 575\n", "mtu: value '575' is too small; right would be auto or a"},
		{"    mtu: 9001\n", "mtu: value '9001' is too large"},
		{"    life: {warn: 0}\n", "life.warn: value '0' is too small"},
		{"    life: {warn: 100}\n", "life.warn: value '100' is too large"},
		{"    life: {time: 999ms}\n", "life.time: value '999ms' is too short"},
		{"    life: {time: 8}\n", "life.time: value '8' has no unit"},
		{"    life: {bytes: 1KiB}\n", "life.bytes: value '1KiB' is too small"},
		{"    life: {packets: 99}\n", "life.packets: value '99' is too small"},
		{"    rekey: {switch_after: 61m}\n", "rekey.switch_after: value '61m' is too long"},
		{"    rekey: {keep_old: 25h}\n", "rekey.keep_old: value '25h' is too long"},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		key_refused(MORE(bad[i].more), bad[i].says);
	key_good(MORE("    replay_window: 100\n    udp_port: 0\n    mtu: 0\n"
		      "    life: {bytes: 0, packets: 0, time: 0s, warn: 1}\n"));
	key_good(MORE("    life: {bytes: none, packets: none, time: none}\n"));
}

static void check_tunnel_mtu(void **state)
{
	struct keys v6 = {.name = "a",
		.local = "\"2001:db8::1\"",
		.remote = "\"2001:db8::55\"",
		.to = "",
		.keys = "",
		.more = "    mtu: 1279\n"};
	char one[MOST], text[MOST + 16];

	key_refused(v6, "t.yaml:7: tunnels[0].mtu: value '1279' is too small for IPv6, which the "
			"tunnel's ends speak; right would be 1280 or more");
	v6.more = "    mtu: 1280\n";
	key_good(v6);
	key_refused(MORE("    mtu: 1501\n"),
		"tunnels[0].mtu: value '1501' is above the mtu of port 'wan', which is 1500; right "
		"would be at most that");
	key_good(MORE("    mtu: 1500\n"));
	snprintf(text, sizeof(text), "tunnels:\n%s", tunnel(one, MORE("    mtu: 9000\n")));
	conf_good((struct conf_parts){.more = text, .ports = CONF_PORTS "    mtu: 9000\n"});
	// A route decides the port before a gateway does.
	conf_refused(
		(struct conf_parts){.more = text,
			.ports = CONF_PORTS "    mtu: 9000\n  - {name: lan, device: d, addresses: "
					    "198.18.7.1/24, mtu: 8000}\n",
			.routes = "routes: [{to: 198.18.9.0/24, via: 198.18.7.2, port: lan}]\n"},
		"is above the mtu of port 'lan', which is 8000");
}

static void check_tunnel_esn(void **state)
{
	key_refused(MORE("    esn: no\n    life: {packets: 4294967296}\n"),
		"t.yaml:8: tunnels[0].life.packets: value '4294967296' is more than the 4294967295 "
		"that there are sequence numbers for without esn; right would be at most that");
	key_good(MORE("    esn: no\n    life: {packets: 4294967295}\n"));
	key_good(MORE("    esn: yes\n    life: {packets: 5G}\n"));
}

static void check_tunnel_too_many(void **state)
{
	char text[MOST] = "";

	for (uint32_t i = 0; i <= WR_MAX_TUNNELS; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			"  - {name: t%u, local: 198.18.0.1, remote: 198.18.9.1, to: 10.%u.0.0/16, "
			"keys: /k%u}\n",
			i, i, i);
	refused(text, "tunnels: has 17 items; right would be at most 16");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_tunnel_defaults),
		cmocka_unit_test(check_tunnel_values),
		cmocka_unit_test(check_tunnel_names),
		cmocka_unit_test(check_tunnel_local),
		cmocka_unit_test(check_tunnel_remote),
		cmocka_unit_test(check_tunnel_remote_inside),
		cmocka_unit_test(check_tunnel_to_given),
		cmocka_unit_test(check_tunnel_to_prefix),
		cmocka_unit_test(check_tunnel_to_ours),
		cmocka_unit_test(check_tunnel_to_overlap),
		cmocka_unit_test(check_tunnel_keys),
		cmocka_unit_test(check_tunnel_cipher),
		cmocka_unit_test(check_tunnel_ranges),
		cmocka_unit_test(check_tunnel_mtu),
		cmocka_unit_test(check_tunnel_esn),
		cmocka_unit_test(check_tunnel_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
