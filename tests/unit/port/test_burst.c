/* SPDX-License-Identifier: BSD-3-Clause */
#include "port_test.h"

// What wr_port_tx does to frames before a device sees them, on the simulated port.

static struct wr_port *port(uint32_t flags, uint16_t tx_desc)
{
	const struct wr_sim_config cfg = {.flags = flags, .tx_desc = tx_desc};
	struct wr_port *p = wr_sim_port_create("sim", 0, &cfg);
	struct wr_err err = {0};

	assert_non_null(p);
	assert_int_equal(wr_port_start(p, pt_pools(), &err), 0);
	return p;
}

// Send each shape in each family; what leaves is whole, with right checksums.
static void check_shapes(uint32_t flags, uint16_t chain_segs, uint32_t expect_copies)
{
	struct wr_port *p = port(flags, 512);
	uint32_t errors = 0, copies = 0;

	for (int v6 = 0; v6 < 2; v6++) {
		for (int shape = PT_LINEAR; shape <= PT_INDIRECT; shape++) {
			struct rte_mbuf *held = NULL, *out;
			struct rte_mbuf *m = pt_segment(v6, (enum pt_shape)shape, 40, 1001, &held);

			assert_int_equal(wr_port_tx(p, 0, &m, 1, &errors, &copies), 1);
			assert_int_equal(wr_sim_port_drain(p, &out, 1), 1);
			assert_int_equal(out->nb_segs, shape == PT_LINEAR ? 1 : chain_segs);
			pt_assert_mbuf(out, v6, 40, 1001);
			rte_pktmbuf_free(out);
			if (held != NULL) { // the payload itself is as it was
				assert_int_equal(rte_mbuf_refcnt_read(held), 1);
				assert_int_equal(
					*rte_pktmbuf_mtod(held, uint8_t *), pt_byte(40, 0));
			}
			rte_pktmbuf_free(held);
		}
	}
	assert_int_equal(errors, 0);
	assert_int_equal(copies, expect_copies);
	wr_port_close(p);
	assert_int_equal(pt_in_use(), 0);
}

static void burst_tx_software_checksums(void **state)
{
	check_shapes(WR_PORT_F_TX_MULTI_SEGS, 2, 0);
	check_shapes(WR_PORT_F_TX_MULTI_SEGS | WR_PORT_F_TX_IP_CKSUM, 2, 0);
}

static void burst_tx_hardware_checksums(void **state)
{
	check_shapes(
		WR_PORT_F_TX_MULTI_SEGS | WR_PORT_F_TX_TCP_CKSUM | WR_PORT_F_TX_IP_CKSUM, 2, 0);
}

static void burst_tx_linearises(void **state)
{
	check_shapes(0, 1, 4);
	check_shapes(WR_PORT_F_TX_TCP_CKSUM, 1, 4); // offload requests survive the copy
}

static struct rte_mbuf *long_chain(uint32_t segs)
{
	struct rte_mbuf *m = pt_segment(false, PT_CHAIN, 50, 10, NULL);

	for (uint32_t i = 2; i < segs; i++)
		assert_int_equal(rte_pktmbuf_chain(m, pt_payload(pt_pools()->small, i, 5)), 0);
	m->ol_flags = 0;
	return m;
}

static void burst_tx_chain_limit(void **state)
{
	struct wr_port *p = port(WR_PORT_F_TX_MULTI_SEGS, 512);
	uint32_t errors = 0, copies = 0;

	for (uint32_t segs = WR_CHAIN_SEGS; segs <= WR_CHAIN_SEGS + 1; segs++) {
		struct rte_mbuf *m = long_chain(segs), *out;
		uint32_t len = m->pkt_len;

		assert_int_equal(m->nb_segs, segs);
		assert_int_equal(wr_port_tx(p, 0, &m, 1, &errors, &copies), 1);
		assert_int_equal(wr_sim_port_drain(p, &out, 1), 1);
		assert_int_equal(out->nb_segs, segs == WR_CHAIN_SEGS ? segs : 1);
		assert_int_equal(out->pkt_len, len);
		rte_pktmbuf_free(out);
	}
	assert_int_equal(copies, 1);
	wr_port_close(p);
	assert_int_equal(pt_in_use(), 0);
}

static struct rte_mbuf *plain(uint32_t len)
{
	return pt_payload(pt_pools()->rx, len, len);
}

static void burst_tx_unsendable(void **state)
{
	struct wr_port *p = port(WR_PORT_F_TX_MULTI_SEGS, 512);
	struct rte_mbuf *m[5] = {plain(1518), plain(1519), plain(60), plain(13), plain(14)},
			*out[5];
	uint32_t errors = 0, copies = 0;

	assert_int_equal(wr_port_tx(p, 0, m, 5, &errors, &copies), 5);
	assert_int_equal(errors, 2);
	assert_int_equal(wr_sim_port_drain(p, out, 5), 3);
	assert_int_equal(out[0]->pkt_len, 1518);
	assert_int_equal(out[1]->pkt_len, 60);
	assert_int_equal(out[2]->pkt_len, 14);
	rte_pktmbuf_free_bulk(out, 3);
	wr_port_close(p);
	assert_int_equal(pt_in_use(), 0);
}

// With no room for the frame before it, a bad frame stays the caller's: takes are from the front.
static void burst_tx_unsendable_behind_full(void **state)
{
	struct wr_port *p = port(WR_PORT_F_TX_MULTI_SEGS, 1);
	struct rte_mbuf *m[4] = {plain(2000), plain(60), plain(61), plain(2000)}, *out;
	uint32_t errors = 0, copies = 0;

	assert_int_equal(wr_port_tx(p, 0, m, 4, &errors, &copies), 2);
	assert_int_equal(errors, 1);
	assert_int_equal(rte_mbuf_refcnt_read(m[2]), 1);
	assert_int_equal(wr_port_tx(p, 0, m + 2, 2, &errors, &copies), 0);
	assert_int_equal(errors, 1);
	assert_int_equal(wr_sim_port_drain(p, &out, 1), 1);
	rte_pktmbuf_free(out);
	assert_int_equal(wr_port_tx(p, 0, m + 2, 2, &errors, &copies), 2);
	assert_int_equal(errors, 2);
	wr_port_close(p);
	assert_int_equal(pt_in_use(), 0);
}

static void burst_tx_more_than_a_burst(void **state)
{
	struct wr_port *p = port(WR_PORT_F_TX_MULTI_SEGS, 128);
	struct rte_mbuf *m[100], *out[100];
	uint32_t errors = 0, copies = 0;

	for (uint32_t i = 0; i < 100; i++)
		m[i] = plain(i == 50 ? 3000 - 1000 : 60 + i);
	assert_int_equal(wr_port_tx(p, 0, m, 100, &errors, &copies), 100);
	assert_int_equal(errors, 1);
	assert_int_equal(wr_sim_port_drain(p, out, 100), 99);
	for (uint32_t i = 0; i < 99; i++)
		assert_int_equal(out[i]->pkt_len, 60 + i + (i >= 50));
	rte_pktmbuf_free_bulk(out, 99);
	assert_int_equal(wr_port_tx(p, 0, m, 0, &errors, &copies), 0);
	wr_port_close(p);
	assert_int_equal(pt_in_use(), 0);
}

// A chain for which there is no buffer waits, and goes out whole once there is one.
static void burst_tx_no_buffer_for_copy(void **state)
{
	static struct rte_mbuf *all[20000];
	struct wr_port *p = port(0, 512);
	struct rte_mbuf *m[2] = {pt_segment(false, PT_CHAIN, 60, 300, NULL),
		pt_segment(true, PT_CHAIN, 61, 300, NULL)};
	struct rte_mbuf *out[2];
	uint32_t n = 0, errors = 0, copies = 0;

	while ((all[n] = rte_pktmbuf_alloc(pt_pools()->rx)) != NULL)
		n++;
	assert_int_equal(wr_port_tx(p, 0, m, 2, &errors, &copies), 0);
	assert_int_equal(copies, 0);
	rte_pktmbuf_free(all[--n]);
	// the first chain's own payload buffer is what the second is copied into
	assert_int_equal(wr_port_tx(p, 0, m, 2, &errors, &copies), 2);
	assert_int_equal(copies, 2);
	rte_pktmbuf_free_bulk(all, n);
	assert_int_equal(wr_sim_port_drain(p, out, 2), 2);
	pt_assert_mbuf(out[0], false, 60, 300);
	pt_assert_mbuf(out[1], true, 61, 300);
	rte_pktmbuf_free_bulk(out, 2);
	assert_int_equal(errors, 0);
	wr_port_close(p);
	assert_int_equal(pt_in_use(), 0);
}

// A copy that the device did not take is sent later without another copy.
static void burst_tx_copy_not_taken(void **state)
{
	struct wr_port *p = port(0, 1);
	struct rte_mbuf *m[2] = {pt_segment(false, PT_CHAIN, 70, 300, NULL),
		pt_segment(false, PT_CHAIN, 71, 300, NULL)};
	struct rte_mbuf *out;
	uint32_t errors = 0, copies = 0;

	assert_int_equal(wr_port_tx(p, 0, m, 2, &errors, &copies), 1);
	assert_int_equal(copies, 2);
	assert_int_equal(wr_sim_port_drain(p, &out, 1), 1);
	rte_pktmbuf_free(out);
	assert_int_equal(wr_port_tx(p, 0, m + 1, 1, &errors, &copies), 1);
	assert_int_equal(copies, 2);
	assert_int_equal(wr_sim_port_drain(p, &out, 1), 1);
	pt_assert_mbuf(out, false, 71, 300);
	rte_pktmbuf_free(out);
	wr_port_close(p);
	assert_int_equal(pt_in_use(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(burst_tx_software_checksums),
		cmocka_unit_test(burst_tx_hardware_checksums),
		cmocka_unit_test(burst_tx_linearises),
		cmocka_unit_test(burst_tx_chain_limit),
		cmocka_unit_test(burst_tx_unsendable),
		cmocka_unit_test(burst_tx_unsendable_behind_full),
		cmocka_unit_test(burst_tx_more_than_a_burst),
		cmocka_unit_test(burst_tx_no_buffer_for_copy),
		cmocka_unit_test(burst_tx_copy_not_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
