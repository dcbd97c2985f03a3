/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include <errno.h>

#include "port_priv.h"

// A NIC as its driver would describe it.
static const struct rte_eth_dev_info nic = {
	.max_rx_queues = 16,
	.max_tx_queues = 16,
	.reta_size = 512,
	.hash_key_size = 52,
	.flow_type_rss_offloads =
		RTE_ETH_RSS_NONFRAG_IPV4_TCP | RTE_ETH_RSS_NONFRAG_IPV6_TCP | RTE_ETH_RSS_IPV4,
	.rx_offload_capa = RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_TCP_CKSUM |
                           RTE_ETH_RX_OFFLOAD_SCATTER | RTE_ETH_RX_OFFLOAD_RSS_HASH |
                           RTE_ETH_RX_OFFLOAD_TCP_LRO,
	.tx_offload_capa = RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_CKSUM |
                           RTE_ETH_TX_OFFLOAD_MULTI_SEGS | RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE |
                           RTE_ETH_TX_OFFLOAD_TCP_TSO,
	.tx_desc_lim = {.nb_seg_max = 40, .nb_mtu_seg_max = 38},
};

static struct wr_port pci_port(void)
{
	struct wr_port p = {.mtu = 1500,
		.name = "wan",
		.driver = "net_x",
		.device = {.pci = true},
		.profile = {.rx_queues_max = 8,
			.tx_queues_max = 8,
			.mtu_max = 9000,
			.rss = true,
			.multi_segs = true}};

	return p;
}

static void caps_tx_by_capability(void **state)
{
	struct wr_port p = pci_port();

	// what is on; above all not MBUF_FAST_FREE
	assert_true(wr_port_choose_tx_offloads(&p, &nic) ==
		    (RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_CKSUM |
			    RTE_ETH_TX_OFFLOAD_MULTI_SEGS));
	assert_int_equal(
		p.flags, WR_PORT_F_TX_IP_CKSUM | WR_PORT_F_TX_TCP_CKSUM | WR_PORT_F_TX_MULTI_SEGS);
	assert_true(p.tx_hw == (RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_TCP_CKSUM));
	assert_int_equal(p.segs_max, WR_CHAIN_SEGS);
}

static void caps_tx_segment_limits(void **state)
{
	struct rte_eth_dev_info info = nic;
	struct wr_port p = pci_port();

	info.tx_desc_lim.nb_mtu_seg_max = 5;
	wr_port_choose_tx_offloads(&p, &info);
	assert_int_equal(p.segs_max, 5);
	info.tx_desc_lim.nb_mtu_seg_max = 0; // not told
	wr_port_choose_tx_offloads(&p, &info);
	assert_int_equal(p.segs_max, WR_CHAIN_SEGS);
	p = pci_port();
	p.profile.multi_segs = false; // the profile knows better than the driver
	assert_true((wr_port_choose_tx_offloads(&p, &info) & RTE_ETH_TX_OFFLOAD_MULTI_SEGS) == 0);
	assert_int_equal(p.segs_max, 1);
	p = pci_port();
	info.tx_offload_capa = 0;
	assert_true(wr_port_choose_tx_offloads(&p, &info) == 0);
	assert_int_equal(p.segs_max, 1);
	assert_int_equal(p.flags, 0);
	p.device.pci = false; // virtual drivers take chains without saying so
	assert_true(wr_port_choose_tx_offloads(&p, &info) == 0);
	assert_int_equal(p.segs_max, WR_CHAIN_SEGS);
}

static void caps_rx_by_capability(void **state)
{
	struct rte_eth_dev_info info = nic;
	struct wr_port p = pci_port();

	assert_true(wr_port_choose_rx_offloads(&p, &info) ==
		    (RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_TCP_CKSUM));
	assert_int_equal(p.flags, WR_PORT_F_RX_CKSUM);
	p.mtu = 9000;
	p.reta_size = 128;
	assert_true(wr_port_choose_rx_offloads(&p, &info) ==
		    (RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_TCP_CKSUM |
			    RTE_ETH_RX_OFFLOAD_SCATTER | RTE_ETH_RX_OFFLOAD_RSS_HASH));
	p = pci_port();
	info.rx_offload_capa = RTE_ETH_RX_OFFLOAD_TCP_CKSUM; // half of it is of no use
	assert_true(wr_port_choose_rx_offloads(&p, &info) == 0);
	assert_int_equal(p.flags, 0);
}

static int queues(struct wr_port *p, uint16_t rx, uint16_t tx, uint16_t workers,
	const struct rte_eth_dev_info *info, struct wr_err *err)
{
	const struct wr_port_config cfg = {.rx_queues = rx, .tx_queues = tx};

	*err = (struct wr_err){0};
	return wr_port_choose_queues(p, &cfg, workers, info, err);
}

static void caps_queues_one_a_worker(void **state)
{
	struct wr_port p = pci_port();
	struct wr_err err;

	assert_int_equal(queues(&p, 0, 0, 4, &nic, &err), 0);
	assert_int_equal(p.rx_queues, 4);
	assert_int_equal(p.tx_queues, 4);
	assert_true(p.flags & WR_PORT_F_RSS);
	p = pci_port();
	assert_int_equal(queues(&p, 0, 0, 12, &nic, &err), 0); // the profile's limit
	assert_int_equal(p.rx_queues, 8);
	p = pci_port();
	assert_int_equal(queues(&p, 2, 3, 4, &nic, &err), 0); // as asked for
	assert_int_equal(p.rx_queues, 2);
	assert_int_equal(p.tx_queues, 3);
	p = pci_port();
	assert_int_equal(queues(&p, 0, 0, 1, &nic, &err), 0); // nothing to spread
	assert_int_equal(p.rx_queues, 1);
	assert_false(p.flags & WR_PORT_F_RSS);
}

static void caps_queues_without_rss(void **state)
{
	struct rte_eth_dev_info info = nic;
	struct wr_port p = pci_port();
	struct wr_err err;

	p.profile.rss = false;
	assert_int_equal(queues(&p, 0, 0, 4, &nic, &err), 0);
	assert_int_equal(p.rx_queues, 1);
	assert_int_equal(p.tx_queues, 4);
	p = pci_port();
	info.flow_type_rss_offloads = RTE_ETH_RSS_NONFRAG_IPV4_TCP; // one family only
	assert_int_equal(queues(&p, 0, 0, 4, &info, &err), 0);
	assert_int_equal(p.rx_queues, 1);
	p = pci_port();
	info = nic;
	info.hash_key_size = 32;
	assert_int_equal(queues(&p, 0, 0, 4, &info, &err), 0);
	assert_int_equal(p.rx_queues, 1);
	assert_int_equal(queues(&p, 2, 0, 4, &info, &err), -EINVAL);
	assert_non_null(strstr(err.text, "(32, 512)"));
}

static void caps_queues_impossible(void **state)
{
	struct wr_port p = pci_port();
	struct wr_err err;

	assert_int_equal(queues(&p, 9, 0, 16, &nic, &err), -EINVAL);
	assert_non_null(strstr(err.text, "9 receive queues are asked for; at most 8 fit"));
	assert_int_equal(queues(&p, 3, 0, 2, &nic, &err), -EINVAL);
	assert_non_null(strstr(err.text, "at most 2 fit"));
	assert_int_equal(queues(&p, 1, 9, 16, &nic, &err), -EINVAL);
	assert_non_null(strstr(err.text, "9 transmit queues"));
	p.profile.rss = false;
	assert_int_equal(queues(&p, 2, 0, 4, &nic, &err), -EINVAL);
	assert_non_null(strstr(err.text, "cannot set the hash"));
}

static void caps_mtu_limits(void **state)
{
	struct wr_port p = pci_port();
	struct wr_err err = {0};

	assert_int_equal(wr_port_choose_mtu(&p, 0, &err), 0);
	assert_int_equal(p.mtu, 1500);
	assert_int_equal(wr_port_choose_mtu(&p, 1280, &err), 0);
	assert_int_equal(wr_port_choose_mtu(&p, 9000, &err), 0);
	assert_int_equal(p.mtu, 9000);
	assert_int_equal(wr_port_choose_mtu(&p, 9001, &err), -EINVAL);
	assert_non_null(strstr(err.text, "9001"));
	err.text[0] = '\0';
	assert_int_equal(wr_port_choose_mtu(&p, 1279, &err), -EINVAL);
	assert_non_null(strstr(err.text, "1280"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(caps_tx_by_capability),
		cmocka_unit_test(caps_tx_segment_limits),
		cmocka_unit_test(caps_rx_by_capability),
		cmocka_unit_test(caps_queues_one_a_worker),
		cmocka_unit_test(caps_queues_without_rss),
		cmocka_unit_test(caps_queues_impossible),
		cmocka_unit_test(caps_mtu_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
