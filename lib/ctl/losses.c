/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl_priv.h"

#define EVERY_US WR_US_PER_S

static void port_event(struct wr_ctl *c, struct wr_event ev, uint16_t port)
{
	ev.worker = UINT16_MAX;
	ev.scope = port;
	wr_ctl_event_add(c, &ev);
}

static uint32_t grown(uint64_t now, uint64_t before)
{
	return (uint32_t)RTE_MIN(now - before, (uint64_t)UINT32_MAX);
}

static void read_port(struct wr_ctl *c, uint16_t i)
{
	struct wr_port *port = wr_fabric_port(c->fabric, i);
	struct wr_ctl_port *seen = &c->port[i];
	struct wr_port_stats st;

	wr_port_stats(port, &st);
	if (seen->seen && st.link_up != seen->link_up)
		port_event(c,
			(struct wr_event){
				.kind = WR_EV_port_link, .queue = UINT16_MAX, .extra = st.link_up},
			i);
	if (st.kernel_loss > seen->kernel_loss)
		port_event(c,
			(struct wr_event){.kind = WR_EV_port_loss,
				.queue = UINT16_MAX,
				.reason = WR_DROP_kernel_loss,
				.count = grown(st.kernel_loss, seen->kernel_loss)},
			i);
	// The receive ring overflows in the NIC, where no worker can see it: the port's count can.
	if (st.rx_missed > seen->rx_missed)
		port_event(c,
			(struct wr_event){.kind = WR_EV_works_queue_full,
				.queue = WR_Q_rx_ring,
				.reason = WR_DROP_rx_missed,
				.depth = wr_port_rx_desc(port),
				.capacity = wr_port_rx_desc(port),
				.level = wr_ctl_level(c),
				.count = grown(st.rx_missed, seen->rx_missed)},
			i);
	seen->seen = true;
	seen->link_up = st.link_up;
	seen->kernel_loss = st.kernel_loss;
	seen->rx_missed = st.rx_missed;
}

void wr_ctl_losses_turn(struct wr_ctl *c, wr_us_t now)
{
	if (now < c->next_port_us)
		return;
	c->next_port_us = now + EVERY_US;
	for (uint16_t i = 0; i < c->conf->port_count; i++)
		read_port(c, i);
}
