/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_port.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "port_priv.h"

struct wr_port *wr_port_alloc(const char *name, uint16_t id)
{
	struct wr_port *p =
		aligned_alloc(RTE_CACHE_LINE_SIZE, RTE_ALIGN_CEIL(sizeof(*p), RTE_CACHE_LINE_SIZE));

	if (p == NULL)
		return NULL;
	memset(p, 0, sizeof(*p));
	p->id = id;
	snprintf(p->name, sizeof(p->name), "%s", name);
	return p;
}

int wr_port_start(struct wr_port *p, const struct wr_mempools *pools, struct wr_err *err)
{
	if (p->started)
		return wr_err_set(err, EALREADY, "port %s is started already", p->name);
	return p->ops->start(p, pools, err);
}

void wr_port_close(struct wr_port *p)
{
	if (p == NULL)
		return;
	p->ops->close(p);
	free(p);
}

const char *wr_port_name(const struct wr_port *p)
{
	return p->name;
}

const char *wr_port_driver(const struct wr_port *p)
{
	return p->driver;
}

uint16_t wr_port_id(const struct wr_port *p)
{
	return p->id;
}

uint32_t wr_port_flags(const struct wr_port *p)
{
	return p->flags;
}

uint16_t wr_port_mtu(const struct wr_port *p)
{
	return p->mtu;
}

int wr_port_numa_node(const struct wr_port *p)
{
	return p->numa_node;
}

uint16_t wr_port_rx_queues(const struct wr_port *p)
{
	return p->rx_queues;
}

uint16_t wr_port_tx_queues(const struct wr_port *p)
{
	return p->tx_queues;
}

uint16_t wr_port_rx_desc(const struct wr_port *p)
{
	return p->rx_desc;
}

uint16_t wr_port_tx_desc(const struct wr_port *p)
{
	return p->tx_desc;
}

const struct rte_ether_addr *wr_port_mac(const struct wr_port *p)
{
	return &p->mac;
}

uint16_t wr_port_rss(
	const struct wr_port *p, const uint8_t **key, uint16_t *key_len, const uint16_t **reta)
{
	if (p->reta_size == 0)
		return 0;
	*key = p->rss_key;
	*key_len = p->rss_key_len;
	*reta = p->reta;
	return p->reta_size;
}

int wr_port_set_multicast(struct wr_port *p, const struct rte_ether_addr *list, uint32_t n)
{
	return p->ops->set_multicast(p, list, n);
}

void wr_port_stats(struct wr_port *p, struct wr_port_stats *out)
{
	memset(out, 0, sizeof(*out));
	p->ops->stats(p, out);
}
