/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "port_priv.h"
#include "wr_build.h"
#include "wr_parse.h"
#include "wr_rng.h"

#define SIM_DESC     512
#define SIM_RETA     128
#define SIM_QUEUES   64
#define SIM_DESC_MAX 32768

// A bounded queue of frames.
struct fifo {
	struct rte_mbuf **slot;
	uint32_t mask;
	uint32_t head, tail; // free-running
};

struct wr_sim {
	struct fifo rx[SIM_QUEUES];
	struct fifo out;     // all TX queues in the order of sending
	uint16_t *out_queue; // TX queue of each slot of `out`
	uint32_t tx_used[SIM_QUEUES];
	struct wr_rss *rss;
	struct wr_port_spi *spi; // rules
	uint16_t spi_room;
	struct wr_rng rng_rx,
		rng_tx; // apart, so that what one direction carries leaves the other's losses
	uint32_t loss_permille;
	struct wr_port_stats stats;
};

static int fifo_init(struct fifo *f, uint32_t slots)
{
	f->slot = calloc(slots, sizeof(*f->slot));
	f->mask = slots - 1;
	return f->slot == NULL ? -ENOMEM : 0;
}

static uint32_t fifo_count(const struct fifo *f)
{
	return f->tail - f->head;
}

static void fifo_fini(struct fifo *f)
{
	if (f->slot == NULL)
		return;
	while (fifo_count(f) > 0)
		rte_pktmbuf_free(f->slot[f->head++ & f->mask]);
	free(f->slot);
}

// --- the worker's side ----------------------------------------------------------------------

uint16_t wr_sim_port_rx(struct wr_port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n)
{
	struct fifo *f = &p->sim->rx[queue];
	uint16_t got = 0;

	while (got < n && fifo_count(f) > 0) {
		m[got] = f->slot[f->head++ & f->mask];
		p->sim->stats.rx_frames++;
		p->sim->stats.rx_bytes += m[got]->pkt_len;
		got++;
	}
	return got;
}

int wr_sim_port_rx_depth(struct wr_port *p, uint16_t queue)
{
	return (int)fifo_count(&p->sim->rx[queue]);
}

static bool lost(struct wr_rng *rng, uint32_t permille)
{
	return permille != 0 && wr_rng_below(rng, 1000) < permille;
}

uint16_t wr_sim_port_tx(struct wr_port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n)
{
	struct wr_sim *s = p->sim;
	uint16_t taken = 0;

	for (; taken < n && s->tx_used[queue] < p->tx_desc; taken++) {
		struct rte_mbuf *f = m[taken];

		s->stats.tx_frames++;
		s->stats.tx_bytes += f->pkt_len;
		if (f->ol_flags & p->tx_hw)
			wr_build_finish_csum(
				f); // what the NIC pretended to would do on its way out
		if (lost(&s->rng_tx, s->loss_permille)) {
			rte_pktmbuf_free(f);
			continue;
		}
		s->out_queue[s->out.tail & s->out.mask] = queue;
		s->out.slot[s->out.tail++ & s->out.mask] = f;
		s->tx_used[queue]++;
	}
	return taken;
}

// --- the wire's side ------------------------------------------------------------------------

// The queue of an ESP packet that a rule is for, or -1.
static int steer_spi(const struct wr_sim *s, const struct wr_pkt *pkt)
{
	uint32_t at = wr_pkt_payload_offset(pkt), spi_copy;
	struct rte_udp_hdr udp_copy;
	const struct rte_udp_hdr *udp = NULL;
	const uint32_t *spi;

	if (pkt->kind != WR_PKT_PUNT || (pkt->proto != IPPROTO_ESP && pkt->proto != IPPROTO_UDP))
		return -1;
	if (pkt->proto == IPPROTO_UDP) {
		udp = rte_pktmbuf_read(pkt->m, at, sizeof(udp_copy), &udp_copy);
		if (udp == NULL)
			return -1;
		at += sizeof(*udp);
	}
	spi = rte_pktmbuf_read(pkt->m, at, sizeof(spi_copy), &spi_copy);
	if (spi == NULL)
		return -1;
	memcpy(&spi_copy, spi, sizeof(spi_copy));
	for (uint16_t i = 0; i < s->spi_room; i++) {
		const struct wr_port_spi *r = &s->spi[i];

		if (r->spi != 0 && r->spi == rte_be_to_cpu_32(spi_copy) &&
			wr_addr_eq(&r->local, &pkt->t.local) &&
			r->udp_port == (udp != NULL ? rte_be_to_cpu_16(udp->dst_port) : 0))
			return r->queue;
	}
	return -1;
}

// Queue by a rule, or by the hash of TCP as a NIC computes it; anything else goes to queue 0,
// unhashed.
static uint16_t steer(struct wr_port *p, struct rte_mbuf *m)
{
	struct wr_pkt pkt;
	uint32_t hash;
	int queue;

	if (p->rx_queues == 1)
		return 0;
	wr_parse_frame(&pkt, m, WR_PARSE_F_TRUST_CK);
	queue = steer_spi(p->sim, &pkt);
	if (queue >= 0)
		return (uint16_t)queue;
	if (pkt.kind != WR_PKT_TCP)
		return 0;
	hash = wr_rss_hash(p->sim->rss, &pkt.t);
	m->hash.rss = hash;
	m->ol_flags |= RTE_MBUF_F_RX_RSS_HASH;
	return wr_rss_worker(p->sim->rss, hash);
}

// The verdict on checksums that hardware would leave in ol_flags.
static void verify(const struct wr_port *p, struct rte_mbuf *m)
{
	struct wr_pkt pkt;

	m->ol_flags &= ~(
		RTE_MBUF_F_RX_IP_CKSUM_MASK | RTE_MBUF_F_RX_L4_CKSUM_MASK | RTE_MBUF_F_RX_RSS_HASH);
	if ((p->flags & WR_PORT_F_RX_CKSUM) == 0)
		return;
	wr_parse_frame(&pkt, m, 0);
	if (pkt.kind == WR_PKT_TCP)
		m->ol_flags |= RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD;
	else if (pkt.kind == WR_PKT_DROP && pkt.drop == WR_DROP_ip_checksum)
		m->ol_flags |= RTE_MBUF_F_RX_IP_CKSUM_BAD;
	else if (pkt.kind == WR_PKT_DROP && pkt.drop == WR_DROP_tcp_checksum)
		m->ol_flags |= RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_BAD;
}

int wr_sim_port_inject(struct wr_port *p, struct rte_mbuf *m)
{
	struct wr_sim *s = p->sim;
	struct fifo *f;
	uint16_t queue;

	if (lost(&s->rng_rx, s->loss_permille)) {
		rte_pktmbuf_free(m);
		return -1;
	}
	if (m->pkt_len > (uint32_t)p->mtu + WR_PORT_L2_OVERHEAD) {
		s->stats.rx_errors++;
		rte_pktmbuf_free(m);
		return -1;
	}
	m->ol_flags &= ~RTE_MBUF_F_TX_OFFLOAD_MASK;
	verify(p, m);
	queue = steer(p, m);
	f = &s->rx[queue];
	if (fifo_count(f) >= p->rx_desc) {
		s->stats.rx_missed++;
		rte_pktmbuf_free(m);
		return -1;
	}
	f->slot[f->tail++ & f->mask] = m;
	return queue;
}

uint16_t wr_sim_port_drain(struct wr_port *p, struct rte_mbuf **m, uint16_t n)
{
	struct wr_sim *s = p->sim;
	uint16_t got = 0;

	while (got < n && fifo_count(&s->out) > 0) {
		s->tx_used[s->out_queue[s->out.head & s->out.mask]]--;
		m[got++] = s->out.slot[s->out.head++ & s->out.mask];
	}
	return got;
}

// --- life -----------------------------------------------------------------------------------

static int sim_start(struct wr_port *p, const struct wr_mempools *pools, struct wr_err *err)
{
	p->copies = pools->rx;
	p->started = true;
	return 0;
}

static void sim_close(struct wr_port *p)
{
	struct wr_sim *s = p->sim;

	if (s == NULL)
		return;
	for (uint16_t q = 0; q < p->rx_queues; q++)
		fifo_fini(&s->rx[q]);
	fifo_fini(&s->out);
	free(s->out_queue);
	free(s->spi);
	wr_rss_destroy(s->rss);
	free(s);
}

static int sim_set_multicast(struct wr_port *p, const struct rte_ether_addr *list, uint32_t n)
{
	return 0; // everything that is injected arrives
}

static void sim_stats(struct wr_port *p, struct wr_port_stats *out)
{
	*out = p->sim->stats;
	out->link_up = true;
	out->link_mbps = 10000;
}

static int sim_steer(struct wr_port *p, const struct wr_port_spi *what, void **rule)
{
	struct wr_sim *s = p->sim;
	struct wr_port_spi *vacant = NULL;

	if (s->spi_room == 0)
		return -ENOTSUP;
	for (uint16_t i = 0; i < s->spi_room; i++) {
		struct wr_port_spi *r = &s->spi[i];

		if (r->spi == what->spi && r->udp_port == what->udp_port &&
			wr_addr_eq(&r->local, &what->local))
			return -EEXIST;
		if (r->spi == 0 && vacant == NULL)
			vacant = r;
	}
	if (vacant == NULL)
		return -ENOSPC;
	*vacant = *what;
	*rule = vacant;
	return 0;
}

static void sim_unsteer(struct wr_port *p, void *rule)
{
	*(struct wr_port_spi *)rule = (struct wr_port_spi){0};
}

static const struct wr_port_ops sim_ops = {
	.start = sim_start,
	.close = sim_close,
	.set_multicast = sim_set_multicast,
	.stats = sim_stats,
	.steer = sim_steer,
	.unsteer = sim_unsteer,
};

static int sim_queues(struct wr_port *p)
{
	uint32_t slots = rte_align32pow2((uint32_t)p->tx_queues * p->tx_desc);
	struct wr_sim *s = p->sim;

	for (uint16_t q = 0; q < p->rx_queues; q++)
		if (fifo_init(&s->rx[q], p->rx_desc) < 0)
			return -ENOMEM;
	s->out_queue = calloc(slots, sizeof(*s->out_queue));
	s->spi = calloc(RTE_MAX(s->spi_room, 1), sizeof(*s->spi));
	return s->out_queue == NULL || s->spi == NULL ? -ENOMEM : fifo_init(&s->out, slots);
}

static int sim_rss(struct wr_port *p, const struct wr_sim_config *cfg)
{
	const uint8_t *key = cfg->rss_key != NULL ? cfg->rss_key : wr_rss_default_key;
	uint16_t len = cfg->rss_key != NULL ? cfg->rss_key_len : WR_RSS_KEY_LEN;
	uint16_t size = cfg->reta_size != 0 ? cfg->reta_size : SIM_RETA;

	if (len < 40 || len > WR_RSS_KEY_LEN || size > WR_RSS_RETA_MAX || !rte_is_power_of_2(size))
		return -EINVAL;
	memcpy(p->rss_key, key, len);
	for (uint16_t i = 0; i < size; i++) {
		p->reta[i] = cfg->reta != NULL ? cfg->reta[i] : i % p->rx_queues;
		if (p->reta[i] >= p->rx_queues)
			return -EINVAL;
	}
	p->sim->rss = wr_rss_create(p->rss_key, len, p->reta, size);
	if (p->sim->rss == NULL)
		return -ENOMEM;
	p->rss_key_len = len;
	p->reta_size =
		(p->flags & WR_PORT_F_RSS) ? size : 0; // else the hash is there but not known
	return 0;
}

static int sim_configure(struct wr_port *p, const struct wr_sim_config *cfg)
{
	p->mtu = cfg->mtu != 0 ? cfg->mtu : RTE_ETHER_MTU;
	p->rx_queues = RTE_MAX(cfg->rx_queues, 1);
	p->tx_queues = RTE_MAX(cfg->tx_queues, 1);
	p->rx_desc = cfg->rx_desc != 0 ? cfg->rx_desc : SIM_DESC;
	p->tx_desc = cfg->tx_desc != 0 ? cfg->tx_desc : SIM_DESC;
	p->flags = cfg->flags;
	p->mac = cfg->mac;
	if (p->rx_queues > SIM_QUEUES || p->tx_queues > SIM_QUEUES || p->rx_desc > SIM_DESC_MAX ||
		p->tx_desc > SIM_DESC_MAX || !rte_is_power_of_2(p->rx_desc) ||
		!rte_is_power_of_2(p->tx_desc) || cfg->loss_permille > 1000)
		return -EINVAL;
	p->segs_max = (p->flags & WR_PORT_F_TX_MULTI_SEGS) ? WR_CHAIN_SEGS : 1;
	if (p->flags & WR_PORT_F_TX_TCP_CKSUM)
		p->tx_hw |= RTE_MBUF_F_TX_TCP_CKSUM;
	if (p->flags & WR_PORT_F_TX_IP_CKSUM)
		p->tx_hw |= RTE_MBUF_F_TX_IP_CKSUM;
	p->sim->loss_permille = cfg->loss_permille;
	p->sim->spi_room = cfg->spi_rules;
	wr_rng_init(&p->sim->rng_rx, cfg->seed);
	wr_rng_init(&p->sim->rng_tx, ~cfg->seed);
	return sim_queues(p) < 0 ? -ENOMEM : sim_rss(p, cfg);
}

struct wr_port *wr_sim_port_create(const char *name, uint16_t id, const struct wr_sim_config *cfg)
{
	struct wr_port *p = wr_port_alloc(name, id);

	if (p == NULL)
		return NULL;
	p->kind = WR_PORT_KIND_SIM;
	p->ops = &sim_ops;
	strcpy(p->driver, "sim");
	p->sim = calloc(1, sizeof(*p->sim));
	if (p->sim == NULL || sim_configure(p, cfg) < 0) {
		wr_port_close(p);
		return NULL;
	}
	return p;
}
