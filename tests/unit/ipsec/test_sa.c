/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "ipsec_test.h"

static int group_setup(void **state)
{
	wr_test_eal_init();
	return 0;
}

static void sa_inner_mtu(void **state)
{
	struct wr_ipsec_tunnel t = {.cipher = WR_IPSEC_AES_GCM_128, .inner_v4 = true};

	t.remote = rig_addr("198.18.0.1");
	// 20 + 8 + 8 + 16 around, a multiple of 4 inside, 2 of trailer.
	assert_int_equal(wr_ipsec_inner_mtu(&t, 1500), 1500 - 52 - 2);
	assert_int_equal(wr_ipsec_inner_mtu(&t, 1499), 1496 - 52 - 2);
	t.udp_port = 4500;
	assert_int_equal(wr_ipsec_inner_mtu(&t, 1500), 1500 - 60 - 2);
	t.remote = rig_addr("2001:db8::1");
	assert_int_equal(wr_ipsec_inner_mtu(&t, 1500), 1500 - 80 - 2);
	t.mode = WR_IPSEC_TRANSPORT;
	t.inner_v4 = false;
	assert_int_equal(wr_ipsec_inner_mtu(&t, 1500), 1500 - 40 - 2);
	t.cipher = WR_IPSEC_AES_CBC_256_SHA256;
	t.udp_port = 0;
	assert_int_equal(wr_ipsec_inner_mtu(&t, 1500), 40 + (1500 - 40 - 40) / 16 * 16 - 2);
}

static void sa_inner_mtu_nothing_fits(void **state)
{
	struct wr_ipsec_tunnel t = {.cipher = WR_IPSEC_AES_CBC_128_SHA256, .inner_v4 = true};

	t.remote = rig_addr("198.18.0.1");
	assert_int_equal(wr_ipsec_inner_mtu(&t, 0), 0);
	assert_int_equal(wr_ipsec_inner_mtu(&t, 60), 0);
	assert_int_equal(wr_ipsec_inner_mtu(&t, 60 + 16), 0); // 14 bytes are no IPv4
	assert_int_equal(wr_ipsec_inner_mtu(&t, 60 + 32), 30);
	assert_int_equal(wr_ipsec_inner_mtu(&t, UINT16_MAX), (UINT16_MAX - 60) / 16 * 16 - 2);
}

static void sa_info_counts(void **state)
{
	struct rig r = {.tunnels = 0};
	struct wr_ipsec_sa_info out, in;
	struct rte_mbuf *m, *got;

	rig_tunnel(&r, 0, WR_IPSEC_AES_GCM_128, WR_IPSEC_TUNNEL, true, true);
	r.near[0].esn = true;
	rig_start(&r);
	wr_ipsec_sa_info(r.out[0], &out);
	assert_int_equal(out.sequence, 1);
	for (uint32_t i = 0; i < 3; i++) {
		m = rig_sealed(&r, 0, 60);
		assert_int_equal(rig_open(&r, &m, 1, &got, 0), 1);
		rte_pktmbuf_free(got);
	}
	wr_ipsec_sa_info(r.out[0], &out);
	wr_ipsec_sa_info(r.in[0], &in);
	assert_true(out.out);
	assert_false(in.out);
	assert_int_equal(out.spi, RIG_SPI);
	assert_int_equal(in.spi, RIG_SPI);
	assert_int_equal(out.generation, 1);
	assert_int_equal(out.packets, 3);
	assert_int_equal(in.packets, 3);
	assert_int_equal(out.bytes, 300);
	assert_int_equal(in.bytes, 300);
	assert_int_equal(out.sequence, 4);
	assert_int_equal(in.sequence, 3);
	assert_false(out.expired || in.expired);
	assert_int_equal(wr_ipsec_sa_worker(r.in[0]), 0);
	rig_stop(&r);
}

static void assert_no_sa(
	struct wr_ipsec_device *d, const struct wr_ipsec_tunnel *t, const struct wr_ipsec_key *k)
{
	struct wr_err err = {""};

	assert_null(wr_ipsec_sa_create(d, t, 0, k, 1, 0, &err));
	assert_string_not_equal(err.text, "");
	assert_null(strstr(err.text, "10111213")); // no key
}

static void sa_refused(void **state)
{
	struct rig r = {.tunnels = 0};
	struct wr_ipsec_key k;
	struct wr_ipsec_tunnel t;

	rig_tunnel(&r, 0, WR_IPSEC_AES_GCM_128, WR_IPSEC_TUNNEL, true, true);
	rig_start(&r);
	k = r.key[0];
	k.worker = 1; // the device is for one
	assert_no_sa(r.dev, &r.near[0], &k);
	k = r.key[0];
	k.key_len = 32;
	assert_no_sa(r.dev, &r.near[0], &k);
	t = r.near[0];
	t.cipher = WR_IPSEC_AES_GCM_256; // not one of those that the device was made for
	assert_no_sa(r.dev, &t, &r.key[0]);
	t = r.near[0];
	t.replay_window = UINT32_MAX / 2;
	assert_no_sa(r.dev, &t, &r.key[0]);
	wr_ipsec_sa_destroy(NULL);
	rig_stop(&r);
}

// Sessions come back, and there are as many as promised.
static void sa_room_for_all_generations(void **state)
{
	struct rig r = {.tunnels = 0};
	struct wr_ipsec_sa *sa[WR_MAX_TUNNELS * 2 * 4];
	struct wr_err err = {""};

	rig_tunnel(&r, 0, WR_IPSEC_AES_CBC_128_SHA256, WR_IPSEC_TUNNEL, true, true);
	rig_start(&r);
	for (uint32_t round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < RTE_DIM(sa) - 2; i++) { // the rig has two
			sa[i] = wr_ipsec_sa_create(r.dev, &r.near[0], 0, &r.key[0], 1, 0, &err);
			assert_string_equal(err.text, "");
			assert_non_null(sa[i]);
		}
		assert_null(wr_ipsec_sa_create(r.dev, &r.near[0], 0, &r.key[0], 1, 0, &err));
		assert_non_null(strstr(err.text, "four generations"));
		err.text[0] = 0;
		for (uint32_t i = 0; i < RTE_DIM(sa) - 2; i++)
			wr_ipsec_sa_destroy(sa[i]);
	}
	rig_stop(&r);
}

// Looks for 8 bytes of a key in all objects of the pool of sessions.
static void look(struct rte_mempool *mp, void *arg, void *obj, unsigned int i)
{
	uint32_t *found = arg;

	if (memmem(obj, mp->elt_size, "wipe me,", 8) != NULL)
		(*found)++;
}

static void sa_destroy_wipes_keys(void **state)
{
	struct rig r = {.tunnels = 0};
	struct wr_ipsec_sa *sa;
	struct wr_ipsec_key k;
	struct wr_err err = {""};
	uint32_t found = 0;

	rig_tunnel(&r, 0, WR_IPSEC_AES_GCM_128, WR_IPSEC_TUNNEL, true, true);
	rig_start(&r);
	k = r.key[0];
	memcpy(k.key, "wipe me, please", 16); // the first round key of its schedule
	sa = wr_ipsec_sa_create(r.dev, &r.near[0], 0, &k, 1, 0, &err);
	assert_non_null(sa);
	rte_mempool_obj_iter(r.dev->sessions, look, &found);
	assert_int_equal(found, 1);
	wr_ipsec_sa_destroy(sa);
	found = 0;
	rte_mempool_obj_iter(r.dev->sessions, look, &found);
	assert_int_equal(found, 0);
	rig_stop(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sa_inner_mtu),
		cmocka_unit_test(sa_inner_mtu_nothing_fits),
		cmocka_unit_test(sa_info_counts),
		cmocka_unit_test(sa_refused),
		cmocka_unit_test(sa_room_for_all_generations),
		cmocka_unit_test(sa_destroy_wipes_keys),
	};

	return cmocka_run_group_tests(tests, group_setup, NULL);
}
