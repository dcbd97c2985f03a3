/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "port_priv.h"

// What a port is asked to do, chosen from what its driver can, what its profile allows and what the
// operator wants.

static int choose_rx_queues(struct wr_port *p, const struct wr_port_config *cfg, uint16_t workers,
	const struct rte_eth_dev_info *info, struct wr_err *err)
{
	uint16_t max = RTE_MIN(info->max_rx_queues, p->profile.rx_queues_max);
	bool rss = p->profile.rss && wr_port_rss_types(info) != 0 && info->reta_size != 0;

	if (cfg->rx_queues > 1 && !rss)
		return wr_err_set(err, EINVAL,
			"%u receive queues are asked for, but Weir cannot set the hash of driver "
			"%s, so "
			"frames of a connection would arrive anywhere; write 1",
			cfg->rx_queues, p->driver);
	if (cfg->rx_queues > max || cfg->rx_queues > workers)
		return wr_err_set(err, EINVAL,
			"%u receive queues are asked for; at most %u fit: the port has %u and each "
			"needs one "
			"of %u workers",
			cfg->rx_queues, RTE_MIN(max, workers), max, workers);
	p->rx_queues = cfg->rx_queues != 0 ? cfg->rx_queues : rss ? RTE_MIN(max, workers) : 1;
	if (rss)
		wr_port_rss_plan(p, info);
	if (p->reta_size != 0) {
		p->flags |= WR_PORT_F_RSS;
	} else {
		if (cfg->rx_queues > 1)
			return wr_err_set(err, EINVAL,
				"%u receive queues are asked for, but key or RETA of driver %s "
				"have sizes "
				"(%u, %u) that Weir cannot compute with; write 1",
				cfg->rx_queues, p->driver, info->hash_key_size, info->reta_size);
		p->rx_queues = 1;
	}
	return 0;
}

int wr_port_choose_queues(struct wr_port *p, const struct wr_port_config *cfg, uint16_t workers,
	const struct rte_eth_dev_info *info, struct wr_err *err)
{
	uint16_t tx_max = RTE_MIN(info->max_tx_queues, p->profile.tx_queues_max);
	int rc = choose_rx_queues(p, cfg, workers, info, err);

	if (rc < 0)
		return rc;
	if (cfg->tx_queues > tx_max || cfg->tx_queues > workers)
		return wr_err_set(err, EINVAL,
			"%u transmit queues are asked for; at most %u fit: the port has %u and "
			"each needs "
			"one of %u workers",
			cfg->tx_queues, RTE_MIN(tx_max, workers), tx_max, workers);
	p->tx_queues = cfg->tx_queues != 0 ? cfg->tx_queues : RTE_MIN(tx_max, workers);
	return 0;
}

uint64_t wr_port_choose_tx_offloads(struct wr_port *p, const struct rte_eth_dev_info *info)
{
	// never MBUF_FAST_FREE: payload is shared with the other connection's queue
	uint64_t tx = info->tx_offload_capa &
	              (RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_CKSUM);
	bool chains =
		p->profile.multi_segs &&
		((info->tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS) || wr_port_is_virtual(p));
	uint16_t limit = RTE_MIN(info->tx_desc_lim.nb_seg_max, info->tx_desc_lim.nb_mtu_seg_max);

	if (tx & RTE_ETH_TX_OFFLOAD_IPV4_CKSUM) {
		p->flags |= WR_PORT_F_TX_IP_CKSUM;
		p->tx_hw |= RTE_MBUF_F_TX_IP_CKSUM;
	}
	if (tx & RTE_ETH_TX_OFFLOAD_TCP_CKSUM) {
		p->flags |= WR_PORT_F_TX_TCP_CKSUM;
		p->tx_hw |= RTE_MBUF_F_TX_TCP_CKSUM;
	}
	p->segs_max = 1;
	if (chains) {
		p->flags |= WR_PORT_F_TX_MULTI_SEGS;
		p->segs_max = limit == 0 ? WR_CHAIN_SEGS : RTE_MIN(limit, (uint16_t)WR_CHAIN_SEGS);
		tx |= info->tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
	}
	return tx;
}

uint64_t wr_port_choose_rx_offloads(struct wr_port *p, const struct rte_eth_dev_info *info)
{
	uint64_t cksum = RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_TCP_CKSUM, rx = 0;

	if ((info->rx_offload_capa & cksum) == cksum) {
		rx |= cksum;
		p->flags |= WR_PORT_F_RX_CKSUM;
	}
	if (p->reta_size != 0)
		rx |= info->rx_offload_capa & RTE_ETH_RX_OFFLOAD_RSS_HASH;
	if ((uint32_t)p->mtu + WR_PORT_L2_OVERHEAD > WR_RX_DATAROOM - RTE_PKTMBUF_HEADROOM)
		rx |= info->rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER;
	return rx;
}

int wr_port_choose_mtu(struct wr_port *p, uint16_t want, struct wr_err *err)
{
	p->mtu = want != 0 ? want : RTE_ETHER_MTU;
	if (p->mtu < 1280) // RFC 8200 5
		return wr_err_set(
			err, EINVAL, "MTU %u is below 1280, the least that IPv6 runs on", p->mtu);
	if (p->mtu > p->profile.mtu_max)
		return wr_err_set(err, EINVAL, "MTU %u is more than driver %s carries, at most %u",
			p->mtu, p->driver, p->profile.mtu_max);
	return 0;
}
