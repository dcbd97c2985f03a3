/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "capture_spec.h"
#include "wr_capture.h"

static struct wr_conf conf;
static struct wr_capture_spec s;
static struct wr_err err;

static int setup(void **state)
{
	conf.port_count = 2;
	snprintf(conf.ports[0].name, WR_NAME_LEN, "wan");
	snprintf(conf.ports[1].name, WR_NAME_LEN, "lan");
	return 0;
}

static int parse(const char *text)
{
	err.text[0] = '\0';
	return wr_capture_spec_parse(&s, text, &conf, &err);
}

static void expect_refused(const char *text, const char *part)
{
	assert_true(parse(text) < 0);
	if (strstr(err.text, part) == NULL)
		fail_msg("'%s' is not in: %s", part, err.text);
}

static void capture_spec_defaults_are_bounded(void **state)
{
	assert_int_equal(parse(""), 0);
	assert_int_equal(s.port, -1);
	assert_int_equal(s.packets, 1000);
	assert_int_equal(s.seconds, 10);
	assert_int_equal(s.snap, 0);
	assert_true(s.in && s.out);
	assert_string_equal(s.filter, "");
	assert_false(s.has_conn);
}

static void capture_spec_every_key(void **state)
{
	assert_int_equal(parse("port=lan;filter=tcp[13] = 2 and host 2001:db8::1;packets=1000000;"
			       "seconds=300;snap=96;dir=in"),
		0);
	assert_int_equal(s.port, 1);
	assert_string_equal(s.filter, "tcp[13] = 2 and host 2001:db8::1");
	assert_int_equal(s.packets, 1000000);
	assert_int_equal(s.seconds, 300);
	assert_int_equal(s.snap, 96);
	assert_true(s.in && !s.out);
	assert_int_equal(parse("dir=out"), 0);
	assert_true(!s.in && s.out);
	assert_int_equal(parse("dir=both;conn=1.77"), 0);
	assert_true(s.in && s.out && s.has_conn);
	assert_int_equal(s.worker, 1);
	assert_int_equal(s.conn, 77);
}

static void capture_spec_bad_pieces(void **state)
{
	char text[1200];

	expect_refused("port=dmz", "no port 'dmz'");
	expect_refused("packets=0", "packets is '0', not a number from 1 to 1000000");
	expect_refused("packets=1000001", "packets");
	expect_refused("seconds=301", "from 1 to 300");
	expect_refused("snap=65536", "snap");
	expect_refused("dir=sideways", "not in, out or both");
	expect_refused("conn=7", "not the id");
	expect_refused("colour=red", "unknown key 'colour'");
	expect_refused("tcp", "'tcp' is not key=value");
	expect_refused("conn=0.1;filter=tcp", "give only one");
	memset(text, 'x', sizeof(text));
	memcpy(text, "filter=", 7);
	text[1000] = '\0';
	expect_refused(text, "longer than");
	text[1000] = 'x';
	text[sizeof(text) - 1] = '\0';
	expect_refused(text, "more than");
}

static void capture_spec_compile_passes_libpcaps_words_on(void **state)
{
	struct bpf_program prog;

	assert_int_equal(parse("filter=tcp port 80"), 0);
	assert_int_equal(wr_capture_spec_compile(&s, &prog, &err), 0);
	assert_true(prog.bf_len > 2);
	pcap_freecode(&prog);
	assert_int_equal(parse("filter=tcp prot 80"), 0);
	assert_true(wr_capture_spec_compile(&s, &prog, &err) < 0);
	assert_non_null(strstr(err.text, "tcp prot 80"));
	assert_non_null(strstr(err.text, "syntax error"));
	pcap_freecode(&prog);
}

static struct wr_tuple tuple(const char *local, uint16_t lport, const char *remote, uint16_t rport)
{
	struct wr_tuple t = {.lport = lport, .rport = rport};

	assert_int_equal(wr_addr_parse(local, &t.local), 0);
	assert_int_equal(wr_addr_parse(remote, &t.remote), 0);
	return t;
}

// An Ethernet frame with IPv4 and ports, tagged or not.
static uint32_t frame(uint8_t *p, const struct wr_tuple *t, bool tag)
{
	uint8_t *ip = p + (tag ? 18 : 14);

	memset(p, 0, 64);
	p[12] = tag ? 0x81 : 0x08;
	if (tag) {
		p[15] = 5;
		p[16] = 0x08;
	}
	ip[0] = 0x45;
	ip[9] = 6;
	memcpy(ip + 12, t->local.b + 12, 4);
	memcpy(ip + 16, t->remote.b + 12, 4);
	ip[20] = (uint8_t)(t->lport >> 8);
	ip[21] = (uint8_t)t->lport;
	ip[22] = (uint8_t)(t->rport >> 8);
	ip[23] = (uint8_t)t->rport;
	return 64;
}

static bool passes(const struct bpf_program *prog, const struct wr_tuple *t, bool tag)
{
	uint8_t p[64];
	uint32_t len = frame(p, t, tag);

	return bpf_filter(prog->bf_insns, p, len, len) != 0;
}

static void capture_spec_session_both_sides_tagged_or_not(void **state)
{
	struct wr_session_info info = {
		.has_server = true,
		.client.tuple = tuple("198.18.0.100", 80, "198.18.5.5", 40000),
		.server.tuple = tuple("198.18.1.10", 2000, "198.18.1.2", 8080),
	};
	struct wr_tuple back = tuple("198.18.1.2", 8080, "198.18.1.10", 2000);
	struct wr_tuple other = tuple("198.18.0.100", 80, "198.18.5.5", 40001);
	struct bpf_program prog;

	assert_int_equal(parse("conn=0.5"), 0);
	wr_capture_spec_session(&s, &info);
	if (wr_capture_spec_compile(&s, &prog, &err) != 0)
		fail_msg("%s", err.text);
	for (int tag = 0; tag < 2; tag++) {
		assert_true(passes(&prog, &info.client.tuple, tag));
		assert_true(passes(&prog, &info.server.tuple, tag));
		assert_true(passes(&prog, &back, tag));
		assert_false(passes(&prog, &other, tag));
	}
	pcap_freecode(&prog);
}

static void capture_spec_session_v6_and_without_backend(void **state)
{
	struct wr_session_info info = {
		.client.tuple = tuple("2001:db8:ffff:ffff:ffff:ffff:ffff:fff0", 65535,
			"2001:db8:eeee:eeee:eeee:eeee:eeee:eee0", 65534),
		.server.tuple = tuple("2001:db8:ffff:ffff:ffff:ffff:ffff:fff1", 65533,
			"2001:db8:eeee:eeee:eeee:eeee:eeee:eee1", 65532),
	};
	struct bpf_program prog;

	for (int server = 0; server < 2; server++) {
		info.has_server = server;
		assert_int_equal(parse("conn=0.5"), 0);
		wr_capture_spec_session(&s, &info); // the longest there is
		if (wr_capture_spec_compile(&s, &prog, &err) != 0)
			fail_msg("%s", err.text);
		pcap_freecode(&prog);
		assert_int_equal(strstr(s.filter, "65532") != NULL, server);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(capture_spec_defaults_are_bounded),
		cmocka_unit_test(capture_spec_every_key),
		cmocka_unit_test(capture_spec_bad_pieces),
		cmocka_unit_test(capture_spec_compile_passes_libpcaps_words_on),
		cmocka_unit_test(capture_spec_session_both_sides_tagged_or_not),
		cmocka_unit_test(capture_spec_session_v6_and_without_backend),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
