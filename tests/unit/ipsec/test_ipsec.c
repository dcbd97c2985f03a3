/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "ipsec_test.h"

static int group_setup(void **state)
{
	wr_test_eal_init();
	return 0;
}

static void both_start(struct rig *r)
{
	rig_tunnel(r, 0, WR_IPSEC_AES_GCM_128, WR_IPSEC_TUNNEL, true, true);
	rig_tunnel(r, 1, WR_IPSEC_AES_CBC_128_SHA256, WR_IPSEC_TUNNEL, true, true);
	rig_start(r);
}

static void ipsec_create_refused(void **state)
{
	struct rig r = {.tunnels = 0};
	struct wr_ipsec_config cfg;
	struct wr_err err = {""};

	both_start(&r);
	cfg = r.x->cfg;
	cfg.worker = 1; // the device has one queue pair
	assert_null(wr_ipsec_create(&cfg, &err));
	assert_string_not_equal(err.text, "");
	cfg = r.x->cfg;
	cfg.tunnel_count = WR_MAX_TUNNELS + 1;
	err.text[0] = 0;
	assert_null(wr_ipsec_create(&cfg, &err));
	assert_string_not_equal(err.text, "");
	wr_ipsec_destroy(NULL);
	rig_stop(&r);
}

static void ipsec_set_out_says_what_it_was(void **state)
{
	struct rig r = {.tunnels = 0};

	both_start(&r);
	assert_ptr_equal(wr_ipsec_set_out(r.x, 1, NULL), r.out[1]);
	assert_null(wr_ipsec_set_out(r.x, 1, r.out[1]));
	assert_ptr_equal(wr_ipsec_set_out(r.x, 0, r.out[0]), r.out[0]);
	rig_stop(&r);
}

static void ipsec_gauges(void **state)
{
	struct rig r = {.tunnels = 0};
	struct rte_mbuf *m[100], *out[100];
	struct wr_ipsec_gauges g;

	both_start(&r);
	wr_ipsec_gauges(r.x, &g);
	assert_int_equal(g.buffers_used, 0);
	assert_int_equal(g.buffers_max, 2047);
	assert_int_equal(g.ops_most, 0);
	assert_int_equal(g.ops_max, ipsec_device_descriptors());
	for (uint32_t i = 0; i < 100; i++)
		m[i] = rig_tcp(&r, i == 99, i, 0);
	assert_int_equal(wr_ipsec_out(r.x, m, 100, out, 0), 100);
	wr_ipsec_gauges(r.x, &g);
	assert_int_equal(g.buffers_used, 100);
	assert_int_equal(g.ops_most, IPSEC_BURST);
	rte_pktmbuf_free_bulk(out, 100);
	m[0] = rig_tcp(&r, 0, 1, 0);
	assert_int_equal(wr_ipsec_out(r.x, m, 1, out, 0), 1);
	wr_ipsec_gauges(r.x, &g);
	assert_int_equal(g.ops_most, 1); // since the last look
	assert_int_equal(g.buffers_used, 1);
	rte_pktmbuf_free(out[0]);
	rig_stop(&r);
}

// Of each device by itself, whichever comes last.
static void ipsec_gauges_of_two_devices(void **state)
{
	struct rig r = {.tunnels = 0};
	struct rte_mbuf *m[50], *out[50];
	struct wr_ipsec_gauges g;

	both_start(&r);
	for (uint32_t first = 10; first <= 40; first += 30) {
		for (uint32_t i = 0; i < 50; i++)
			m[i] = rig_tcp(&r, i >= first, i, 0);
		assert_int_equal(wr_ipsec_out(r.x, m, 50, out, 0), 50);
		wr_ipsec_gauges(r.x, &g);
		assert_int_equal(g.ops_most, 40);
		rte_pktmbuf_free_bulk(out, 50);
	}
	rig_stop(&r);
}

static void ipsec_crypt_nothing(void **state)
{
	struct rig r = {.tunnels = 0};
	struct rte_mbuf *none = NULL;

	both_start(&r);
	ipsec_crypt(r.x, NULL, 0, &none);
	assert_int_equal(wr_ipsec_out(r.x, &none, 0, &none, 0), 0);
	assert_int_equal(wr_ipsec_in(r.x, NULL, NULL, 0, &none, 0), 0);
	rig_stop(&r);
}

// Two drivers in turn: each run comes back whole, from its own device.
static void ipsec_crypt_alternating_devices(void **state)
{
	struct rig r = {.tunnels = 0};
	struct rte_mbuf *m[60], *out[60], *got[60];

	both_start(&r);
	for (uint32_t i = 0; i < 60; i++)
		m[i] = rig_tcp(&r, i & 1, i * 20, 0);
	assert_int_equal(wr_ipsec_out(r.x, m, 60, out, 0), 60);
	for (uint32_t i = 0; i < 60; i++)
		rig_wire(out[i]);
	assert_int_equal(rig_open(&r, out, 30, got, 0), 30);
	assert_int_equal(rig_open(&r, out + 30, 30, got + 30, 0), 30);
	for (uint32_t i = 0; i < 60; i++) {
		struct wr_pkt p;

		wr_parse_frame(&p, got[i], 0);
		assert_int_equal(p.kind, WR_PKT_TCP);
		assert_int_equal(p.payload_len, i * 20);
		rte_pktmbuf_free(got[i]);
	}
	rig_stop(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ipsec_create_refused),
		cmocka_unit_test(ipsec_set_out_says_what_it_was),
		cmocka_unit_test(ipsec_gauges),
		cmocka_unit_test(ipsec_gauges_of_two_devices),
		cmocka_unit_test(ipsec_crypt_nothing),
		cmocka_unit_test(ipsec_crypt_alternating_devices),
	};

	return cmocka_run_group_tests(tests, group_setup, NULL);
}
