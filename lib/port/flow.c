/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include <netinet/in.h>

#include <rte_flow.h>

#include "port_priv.h"

// Rules of a NIC that send an encrypted connection to the queue of the worker that has its keys.
// ESP has no ports, so a hash puts all of a tunnel's packets on one queue; the SPI tells them
// apart.

int wr_port_steer_spi(struct wr_port *p, const struct wr_addr *local, uint16_t udp_port,
	uint32_t spi, uint16_t queue, void **rule)
{
	const struct wr_port_spi what = {
		.local = *local, .udp_port = udp_port, .spi = spi, .queue = queue};

	*rule = NULL;
	// RFC 4303 2.1: 0 is never sent, and RFC 3948 2.2 takes it for what is not ESP
	if (spi == 0 || queue >= p->rx_queues || !p->started)
		return -EINVAL;
	return p->ops->steer(p, &what, rule);
}

void wr_port_unsteer(struct wr_port *p, void *rule)
{
	if (rule != NULL)
		p->ops->unsteer(p, rule);
}

// What the items of a pattern point at.
struct specs {
	struct rte_flow_item_ipv4 v4, v4_mask;
	struct rte_flow_item_ipv6 v6, v6_mask;
	struct rte_flow_item_udp udp, udp_mask;
	struct rte_flow_item_esp esp, esp_mask;
};

#define ITEMS 5 // eth, ip, udp, esp, end

// Any frame with ESP of this SPI to this address, by whole fields: what the most drivers take.
static void pattern(const struct wr_port_spi *what, struct specs *s, struct rte_flow_item *item)
{
	uint32_t n = 0;

	memset(s, 0, sizeof(*s));
	memset(item, 0, ITEMS * sizeof(*item));
	item[n++].type = RTE_FLOW_ITEM_TYPE_ETH;
	if (wr_addr_is_v4(&what->local)) {
		s->v4.hdr.dst_addr = what->local.w[3];
		s->v4_mask.hdr.dst_addr = UINT32_MAX;
		item[n++] = (struct rte_flow_item){
			.type = RTE_FLOW_ITEM_TYPE_IPV4, .spec = &s->v4, .mask = &s->v4_mask};
	} else {
		memcpy(s->v6.hdr.dst_addr, what->local.b, sizeof(s->v6.hdr.dst_addr));
		memset(s->v6_mask.hdr.dst_addr, 0xff, sizeof(s->v6_mask.hdr.dst_addr));
		item[n++] = (struct rte_flow_item){
			.type = RTE_FLOW_ITEM_TYPE_IPV6, .spec = &s->v6, .mask = &s->v6_mask};
	}
	if (what->udp_port != 0) { // RFC 3948 2.1
		s->udp.hdr.dst_port = rte_cpu_to_be_16(what->udp_port);
		s->udp_mask.hdr.dst_port = UINT16_MAX;
		item[n++] = (struct rte_flow_item){
			.type = RTE_FLOW_ITEM_TYPE_UDP, .spec = &s->udp, .mask = &s->udp_mask};
	}
	s->esp.hdr.spi = rte_cpu_to_be_32(what->spi);
	s->esp_mask.hdr.spi = UINT32_MAX;
	item[n++] = (struct rte_flow_item){
		.type = RTE_FLOW_ITEM_TYPE_ESP, .spec = &s->esp, .mask = &s->esp_mask};
	item[n].type = RTE_FLOW_ITEM_TYPE_END;
}

int wr_port_flow_steer(struct wr_port *p, const struct wr_port_spi *what, void **rule)
{
	const struct rte_flow_attr attr = {.ingress = 1};
	const struct rte_flow_action_queue queue = {.index = what->queue};
	const struct rte_flow_action action[] = {
		{.type = RTE_FLOW_ACTION_TYPE_QUEUE, .conf = &queue},
		{.type = RTE_FLOW_ACTION_TYPE_END},
	};
	struct rte_flow_item item[ITEMS];
	struct rte_flow_error why = {0};
	struct specs specs;

	pattern(what, &specs, item);
	// Drivers say by many errors that they cannot, -EINVAL among them.
	if (rte_flow_validate(p->dev, &attr, item, action, &why) != 0)
		return -ENOTSUP;
	rte_errno = 0;
	*rule = rte_flow_create(p->dev, &attr, item, action, &why);
	if (*rule != NULL)
		return 0;
	return rte_errno > 0 ? -rte_errno : -EIO;
}

void wr_port_flow_unsteer(struct wr_port *p, void *rule)
{
	struct rte_flow_error why = {0};

	// A rule that the driver keeps goes with the port; it steers packets of keys that are gone.
	rte_flow_destroy(p->dev, rule, &why);
}
