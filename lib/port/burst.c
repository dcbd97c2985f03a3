/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include <rte_memcpy.h>

#include "port_priv.h"
#include "wr_build.h"

// Offloads that a sender may ask for and that can be finished here.
#define TX_SOFT (RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_L4_MASK)

uint16_t wr_port_rx(struct wr_port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n)
{
	uint16_t got;

	if (likely(p->kind == WR_PORT_KIND_ETHDEV))
		got = rte_eth_rx_burst(p->dev, queue, m, n);
	else
		got = wr_sim_port_rx(p, queue, m, n);
	for (uint16_t i = 0; i < got; i++)
		m[i]->port = p->id;
	return got;
}

int wr_port_rx_depth(struct wr_port *p, uint16_t queue)
{
	if ((p->flags & WR_PORT_F_RX_DEPTH) == 0)
		return -ENOTSUP;
	if (p->kind == WR_PORT_KIND_SIM)
		return wr_sim_port_rx_depth(p, queue);
	return rte_eth_rx_queue_count(p->dev, queue);
}

static uint16_t device_tx(struct wr_port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n)
{
	if (n == 0)
		return 0;
	if (likely(p->kind == WR_PORT_KIND_ETHDEV))
		return rte_eth_tx_burst(p->dev, queue, m, n);
	return wr_sim_port_tx(p, queue, m, n);
}

// A copy of the chain in one buffer; the chain is freed. NULL (and the chain untouched) when there
// is no buffer now.
static struct rte_mbuf *linearise(struct wr_port *p, struct rte_mbuf *m)
{
	struct rte_mbuf *copy = rte_pktmbuf_alloc(p->copies);
	uint8_t *to;

	if (copy == NULL)
		return NULL;
	to = rte_pktmbuf_mtod(copy, uint8_t *);
	for (const struct rte_mbuf *s = m; s != NULL; s = s->next) {
		rte_memcpy(to, rte_pktmbuf_mtod(s, const void *), s->data_len);
		to += s->data_len;
	}
	copy->data_len = (uint16_t)m->pkt_len;
	copy->pkt_len = m->pkt_len;
	copy->tx_offload = m->tx_offload;
	copy->vlan_tci = m->vlan_tci;
	copy->ol_flags |=
		m->ol_flags & RTE_MBUF_F_TX_OFFLOAD_MASK; // not the marks of indirect buffers
	rte_pktmbuf_free(m);
	return copy;
}

// The longest frame that a linear copy can hold; 0 before start.
static uint32_t copy_room(const struct wr_port *p)
{
	if (p->copies == NULL)
		return 0;
	return rte_pktmbuf_data_room_size(p->copies) - (uint32_t)RTE_PKTMBUF_HEADROOM;
}

// No port of this configuration can ever send the frame.
static bool unsendable(const struct wr_port *p, const struct rte_mbuf *m)
{
	if (m->pkt_len < RTE_ETHER_HDR_LEN || m->pkt_len > (uint32_t)p->mtu + WR_PORT_L2_OVERHEAD)
		return true;
	return m->nb_segs > p->segs_max && m->pkt_len > copy_room(p);
}

// Make frames fit for the device, in place, until one has to wait for a buffer. Returns how many of
// them are settled; *bad has a bit for each that can never be sent.
static uint16_t prepare(
	struct wr_port *p, struct rte_mbuf **m, uint16_t n, uint64_t *bad, uint32_t *linearised)
{
	for (uint16_t i = 0; i < n; i++) {
		if (unlikely(unsendable(p, m[i]))) {
			*bad |= 1ULL << i;
			continue;
		}
		if (m[i]->ol_flags & TX_SOFT & ~p->tx_hw)
			wr_build_finish_csum(m[i]);
		if (m[i]->nb_segs > p->segs_max) {
			struct rte_mbuf *copy = linearise(p, m[i]);

			if (copy == NULL)
				return i;
			m[i] = copy;
			(*linearised)++;
		}
	}
	return n;
}

// The rare half of a burst: some frames are bad. They count as taken only when everything before
// them was, since what is taken is taken from the front.
static uint16_t send_around_bad(struct wr_port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n,
	uint64_t bad, uint32_t *errors)
{
	struct rte_mbuf *good[WR_BURST];
	uint16_t at[WR_BURST], count = 0, sent, taken;

	for (uint16_t i = 0; i < n; i++) {
		if (bad & (1ULL << i))
			continue;
		at[count] = i;
		good[count++] = m[i];
	}
	sent = device_tx(p, queue, good, count);
	taken = sent < count ? at[sent] : n;
	for (uint16_t i = 0; i < taken; i++) {
		if ((bad & (1ULL << i)) == 0)
			continue;
		rte_pktmbuf_free(m[i]);
		(*errors)++;
	}
	return taken;
}

uint16_t wr_port_tx(struct wr_port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n,
	uint32_t *errors, uint32_t *linearised)
{
	uint16_t taken = 0;

	RTE_BUILD_BUG_ON(WR_BURST > 64); // bits of `bad`
	while (taken < n) {
		uint16_t want = RTE_MIN((uint16_t)(n - taken), (uint16_t)WR_BURST);
		uint64_t bad = 0;
		uint16_t ready = prepare(p, m + taken, want, &bad, linearised);
		uint16_t done = likely(bad == 0)
		                        ? device_tx(p, queue, m + taken, ready)
		                        : send_around_bad(p, queue, m + taken, ready, bad, errors);

		taken += done;
		if (done < want)
			break;
	}
	return taken;
}
