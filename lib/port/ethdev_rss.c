/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include "port_priv.h"

// Weir spreads TCP over queues; what is not TCP (ARP, ICMP, fragments) stays unhashed on queue 0.
#define RSS_TCP (RTE_ETH_RSS_NONFRAG_IPV4_TCP | RTE_ETH_RSS_NONFRAG_IPV6_TCP)

uint64_t wr_port_rss_types(const struct rte_eth_dev_info *info)
{
	return (info->flow_type_rss_offloads & RSS_TCP) == RSS_TCP ? RSS_TCP : 0;
}

void wr_port_rss_plan(struct wr_port *p, const struct rte_eth_dev_info *info)
{
	uint16_t key_len = info->hash_key_size != 0 ? info->hash_key_size : 40;

	p->reta_size = 0;
	if (p->rx_queues < 2 || wr_port_rss_types(info) == 0 || key_len < 40 ||
		key_len > WR_RSS_KEY_LEN || !rte_is_power_of_2(info->reta_size) ||
		info->reta_size > RTE_ETH_RSS_RETA_SIZE_512 * 4)
		return;
	p->rss_key_len = key_len;
	memcpy(p->rss_key, wr_rss_default_key, key_len);
	p->reta_dev = info->reta_size;
	// A longer table of the device repeats ours: low bits of the hash then choose as if it were
	// short.
	p->reta_size = RTE_MIN(info->reta_size, (uint16_t)WR_RSS_RETA_MAX);
	for (uint16_t i = 0; i < p->reta_size; i++)
		p->reta[i] = i % p->rx_queues;
}

#define RETA_GROUPS (RTE_ETH_RSS_RETA_SIZE_512 * 4 / RTE_ETH_RETA_GROUP_SIZE)

static int apply_reta(struct wr_port *p, struct wr_err *err)
{
	struct rte_eth_rss_reta_entry64 want[RETA_GROUPS] = {0}, got[RETA_GROUPS] = {0};
	int rc;

	for (uint16_t i = 0; i < p->reta_dev; i++) {
		struct rte_eth_rss_reta_entry64 *g = &want[i / RTE_ETH_RETA_GROUP_SIZE];

		g->mask |= 1ULL << (i % RTE_ETH_RETA_GROUP_SIZE);
		g->reta[i % RTE_ETH_RETA_GROUP_SIZE] = p->reta[i & (p->reta_size - 1)];
	}
	rc = rte_eth_dev_rss_reta_update(p->dev, want, p->reta_dev);
	if (rc < 0)
		return wr_err_set(err, -rc,
			"port %s: the driver %s refuses a RETA of %u entries (%s); set `rss: "
			"false` in its "
			"profile to run with one queue",
			p->name, p->driver, p->reta_dev, strerror(-rc));
	for (uint16_t i = 0; i < p->reta_dev; i++)
		got[i / RTE_ETH_RETA_GROUP_SIZE].mask |= 1ULL << (i % RTE_ETH_RETA_GROUP_SIZE);
	rc = rte_eth_dev_rss_reta_query(p->dev, got, p->reta_dev);
	if (rc == -ENOTSUP)
		return 0;
	if (rc < 0 || memcmp(want, got, sizeof(want)) != 0)
		return wr_err_set(err, EIO,
			"port %s: the RETA read back from %s is not the one that was set; set "
			"`rss: false` "
			"in its profile",
			p->name, p->driver);
	return 0;
}

// The key that the device says it hashes with is ours, for TCP of both families.
static bool key_holds(const struct wr_port *p, int *rc)
{
	uint8_t key[UINT8_MAX] = {0};
	struct rte_eth_rss_conf conf = {.rss_key = key, .rss_key_len = (uint8_t)p->rss_key_len};

	*rc = rte_eth_dev_rss_hash_conf_get(p->dev, &conf);
	return *rc == 0 && memcmp(key, p->rss_key, p->rss_key_len) == 0 &&
	       (conf.rss_hf & RSS_TCP) == RSS_TCP;
}

int wr_port_rss_apply(struct wr_port *p, struct wr_err *err)
{
	struct rte_eth_rss_conf conf = {
		.rss_key = p->rss_key, .rss_key_len = (uint8_t)p->rss_key_len, .rss_hf = RSS_TCP};
	int rc;

	if (p->reta_size == 0)
		return 0;
	rc = apply_reta(p, err);
	if (rc < 0)
		return rc;
	// A driver that keeps a key of its own would make every prediction wrong, so ask. Some take
	// the key only by itself, not with the configuration.
	if (key_holds(p, &rc) || rc == -ENOTSUP)
		return 0;
	rte_eth_dev_rss_hash_update(p->dev, &conf);
	if (key_holds(p, &rc))
		return 0;
	return wr_err_set(err, EIO,
		"port %s: the driver %s does not honour the RSS key or cannot hash TCP of both "
		"families; "
		"set `rss: false` in its profile",
		p->name, p->driver);
}
