/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "client_sources.h"

#include "gen.h"

static struct gen_client conf;
static struct client_sources sources;

static void range(uint32_t i, const char *first, const char *last)
{
	assert_int_equal(wr_addr_parse(first, &conf.source[i].first), 0);
	assert_int_equal(wr_addr_parse(last, &conf.source[i].last), 0);
	if (conf.source_count <= i)
		conf.source_count = i + 1;
}

static void targets(uint32_t count, const char *text)
{
	for (uint32_t i = 0; i < count; i++) {
		struct wr_endpoint *e = &conf.target[conf.target_count++];

		assert_int_equal(wr_endpoint_parse(text, e), 0);
		e->port = (uint16_t)(e->port + i);
	}
}

static void init(uint16_t first, uint16_t last)
{
	struct wr_err err = {0};

	conf.source_port_first = first;
	conf.source_port_last = last;
	assert_int_equal(client_sources_init(&sources, &conf, &err), 0);
}

// All addresses x ports x targets come once each before one comes again, whatever divides what.
static void sources_next_covers_every_tuple(void **state)
{
	for (uint32_t a = 1; a <= 4; a++) {
		for (uint32_t p = 1; p <= 4; p++) {
			for (uint32_t t = 1; t <= 6; t++) {
				uint8_t seen[4][4][6] = {0};
				struct wr_tuple u;
				char last[32];

				memset(&conf, 0, sizeof(conf));
				snprintf(last, sizeof(last), "198.18.0.%u", a);
				range(0, "198.18.0.1", last);
				targets(t, "198.19.0.1:100");
				init(2000, (uint16_t)(1999 + p));
				for (uint32_t i = 0; i < a * p * t; i++) {
					client_sources_next(&sources, &u);
					seen[u.local.b[15] - 1][u.lport - 2000][u.rport - 100]++;
				}
				for (uint32_t i = 0; i < a * p * t; i++)
					assert_int_equal(seen[i % a][i / a % p][i / a / p], 1);
			}
		}
	}
}

static void sources_next_keeps_families_apart(void **state)
{
	struct wr_tuple u;
	uint32_t v4 = 0;

	memset(&conf, 0, sizeof(conf));
	range(0, "198.18.0.250", "198.18.1.5");
	range(1, "2001:db8::ffff:fff0", "2001:db8::1:0:10");
	targets(2, "198.19.0.1:80");
	targets(3, "[2001:db8:1::1]:80");
	init(1024, 65535);
	for (uint32_t i = 0; i < 10000; i++) {
		client_sources_next(&sources, &u);
		assert_int_equal(wr_addr_is_v4(&u.local), wr_addr_is_v4(&u.remote));
		v4 += wr_addr_is_v4(&u.local);
	}
	assert_int_equal(v4, 5000);
}

static void sources_init_refuses_what_does_not_meet(void **state)
{
	struct wr_err err = {0};

	memset(&conf, 0, sizeof(conf));
	range(0, "198.18.0.1", "198.18.0.9");
	range(1, "2001:db8::1", "2001:db8::1");
	targets(1, "198.19.0.1:80");
	assert_int_equal(client_sources_init(&sources, &conf, &err), -22);
	assert_non_null(strstr(err.text, "2001:db8::1"));
	err.text[0] = 0;
	conf.source_count = 1;
	targets(1, "[2001:db8:1::1]:80");
	assert_int_equal(client_sources_init(&sources, &conf, &err), -22);
	assert_non_null(strstr(err.text, "2001:db8:1::1"));
	err.text[0] = 0;
	conf.target_count = 0;
	assert_int_equal(client_sources_init(&sources, &conf, &err), -22);
	assert_true(strlen(err.text) > 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sources_next_covers_every_tuple),
		cmocka_unit_test(sources_next_keeps_families_apart),
		cmocka_unit_test(sources_init_refuses_what_does_not_meet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
