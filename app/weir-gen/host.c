/* SPDX-License-Identifier: BSD-3-Clause */
#include "host.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "capture.h"
#include "wr_build.h"
#include "wr_csum.h"
#include "wr_parse.h"

#define ADDRESSES_MAX 8192u // on-link ones that are answered for by ARP and ND
#define EP_WINDOW     (1u << 20)
#define OUT_FRAMES    64u
#define ECHO_LEN      16u

// --- who belongs where ----------------------------------------------------------------------

static bool in_prefixes(const struct gen_port *p, const struct wr_addr *a)
{
	for (uint32_t i = 0; i < p->addr_count; i++)
		if (wr_addr_is_v4(&p->addr[i].addr) == wr_addr_is_v4(a) &&
			wr_prefix_contains(&p->addr[i], a))
			return true;
	return false;
}

static bool has_gateway(const struct gen_port *p, const struct wr_addr *a)
{
	for (uint32_t i = 0; i < p->gateway_count; i++)
		if (wr_addr_is_v4(&p->gateway[i]) == wr_addr_is_v4(a))
			return true;
	return false;
}

int host_of_client(const struct gen_conf *conf, const struct gen_client *c)
{
	if (c->port != GEN_PORT_AUTO)
		return (int)c->port;
	for (uint32_t i = 0; i < conf->port_count; i++)
		if (in_prefixes(&conf->ports[i], &c->target[0].addr))
			return (int)i;
	for (uint32_t i = 0; i < conf->port_count; i++)
		if (has_gateway(&conf->ports[i], &c->target[0].addr))
			return (int)i;
	return -1;
}

int host_of_backend(const struct gen_conf *conf, const struct gen_backend *b)
{
	if (b->port != GEN_PORT_AUTO)
		return (int)b->port;
	for (uint32_t i = 0; i < conf->port_count; i++)
		for (uint32_t k = 0; k < conf->ports[i].addr_count; k++)
			if (wr_addr_eq(&conf->ports[i].addr[k].addr, &b->listen[0].addr))
				return (int)i;
	for (uint32_t i = 0; i < conf->port_count; i++)
		if (in_prefixes(&conf->ports[i], &b->listen[0].addr))
			return (int)i;
	return -1;
}

// --- making ---------------------------------------------------------------------------------

struct addresses {
	struct host *host;
	const struct gen_port *port;
	struct wr_addr *list;
	uint32_t count;
};

static bool is_own(const struct gen_port *p, const struct wr_addr *a)
{
	for (uint32_t i = 0; i < p->addr_count; i++)
		if (wr_addr_eq(&p->addr[i].addr, a))
			return true;
	return false;
}

// Addresses outside the prefixes reach us through a route of the peer's: nobody asks for them.
static int add_range(struct addresses *to, const struct gen_range *r, struct wr_err *err)
{
	char text[WR_ADDR_STR];

	if (!in_prefixes(to->port, &r->first))
		return 0;
	for (struct wr_addr a = r->first;; a = wr_addr_next(&a)) {
		if (!is_own(to->port, &a)) {
			if (to->count == ADDRESSES_MAX)
				return wr_err_set(err, E2BIG,
					"port %s: more than %u addresses to answer ARP or ND for "
					"(range from %s); take a range outside the port's prefixes "
					"and let the peer route it to one of the port's addresses",
					to->port->name, ADDRESSES_MAX,
					wr_addr_format(&r->first, text, sizeof(text)));
			to->list[to->count++] = a;
		}
		if (wr_addr_cmp(&a, &r->last) >= 0)
			return 0;
	}
}

static int collect(
	struct addresses *to, const struct gen_conf *conf, uint16_t index, struct wr_err *err)
{
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < conf->client_count; i++) {
		const struct gen_client *c = &conf->clients[i];

		if (host_of_client(conf, c) != index)
			continue;
		for (uint32_t k = 0; rc == 0 && k < c->source_count; k++) {
			to->host->ranges[to->host->range_count++] = c->source[k];
			rc = add_range(to, &c->source[k], err);
		}
	}
	for (uint32_t i = 0; rc == 0 && i < conf->backend_count; i++) {
		const struct gen_backend *b = &conf->backends[i];

		if (host_of_backend(conf, b) != index)
			continue;
		for (uint32_t k = 0; rc == 0 && k < b->listen_count; k++) {
			struct gen_range one = {
				.first = b->listen[k].addr, .last = b->listen[k].addr};

			rc = add_range(to, &one, err);
		}
	}
	return rc;
}

static int l3_init(struct host *h, uint16_t index, const struct host_env *env,
	const struct gen_now *now, struct wr_err *err)
{
	struct wr_l3_port port = {.id = index,
		.mac = *wr_port_mac(h->port),
		.mtu = wr_port_mtu(h->port),
		.addr_count = h->conf->addr_count,
		.gateway_count = h->conf->gateway_count};
	struct wr_l3_config lc = {.port_count = 1,
		.ports = &port,
		.neighbours_max = 16384,
		.wait_frames_max = 4096,
		.wait_frames_per_hop = 512,
		.echo_per_s = 1000000};
	struct addresses a = {
		.host = h, .port = h->conf, .list = calloc(ADDRESSES_MAX, sizeof(struct wr_addr))};

	if (a.list == NULL)
		return wr_err_set(err, ENOMEM, "out of memory");
	memcpy(port.addr, h->conf->addr, sizeof(port.addr));
	memcpy(port.gateway, h->conf->gateway, sizeof(port.gateway));
	if (collect(&a, env->conf, index, err) == 0) {
		lc.vips = a.list;
		lc.vip_count = a.count;
		h->net = wr_l3_net_create(&lc, env->seed, now->us, err);
		if (h->net == NULL)
			wr_err_prefix(err, "port %s", h->conf->name);
	}
	free(a.list);
	if (h->net == NULL)
		return -EINVAL;
	h->l3 = wr_l3_create(h->net, 0, env->pools->small, &h->stats, NULL, now->us);
	return h->l3 != NULL ? 0 : wr_err_set(err, ENOMEM, "no memory for layer 3");
}

static void groups_join(struct host *h, uint16_t index)
{
	struct rte_ether_addr groups[64];
	uint32_t n = wr_l3_multicast_macs(h->net, index, groups, RTE_DIM(groups));

	if (n > 0)
		wr_port_set_multicast(h->port, groups, n);
}

int host_init(struct host *h, uint16_t index, const struct host_env *env, const struct gen_now *now,
	struct wr_err *err)
{
	const struct gen_conf *conf = env->conf;
	struct ep_config ec = {.max_conns = conf->max_conns,
		.window_bytes = EP_WINDOW,
		.mss_v4 = (uint16_t)(wr_port_mtu(h->port) - 40),
		.mss_v6 = (uint16_t)(wr_port_mtu(h->port) - 60),
		.timestamps = conf->timestamps,
		.time_wait_us = conf->time_wait_us,
		.small = env->pools->small,
		.large = env->pools->rx,
		.stats = &h->stats,
		.seed = env->seed ^ (0x9e3779b97f4a7c15ULL * (index + 1u)),
		.numa_node = env->pools->numa_node};

	ec.app_bytes = env->app_bytes;
	if (l3_init(h, index, env, now, err) < 0)
		return -EINVAL;
	groups_join(h, index);
	h->ep = ep_create(&ec, now);
	if (h->ep == NULL)
		return wr_err_set(err, ENOMEM,
			"port %s: no memory for %u connections; lower runtime.max_conns",
			h->conf->name, conf->max_conns);
	return 0;
}

void host_fini(struct host *h)
{
	for (; h->count > 0; h->count--) {
		rte_pktmbuf_free(h->backlog[h->head]);
		h->head = (h->head + 1) & (HOST_BACKLOG - 1);
	}
	if (h->ep != NULL)
		ep_destroy(h->ep);
	if (h->l3 != NULL)
		wr_l3_destroy(h->l3);
	if (h->net != NULL)
		wr_l3_net_destroy(h->net);
}

// --- in -------------------------------------------------------------------------------------

static void drop(struct host *h, struct rte_mbuf *m, enum wr_drop why)
{
	wr_stats_drop(&h->stats, why, 1);
	rte_pktmbuf_free(m);
}

// Room was asked for before; only frames that waited for a neighbour can come beyond it.
static void push(struct host *h, struct rte_mbuf *m)
{
	if (unlikely(h->count == HOST_BACKLOG)) {
		h->tx_errors++;
		rte_pktmbuf_free(m);
		return;
	}
	h->backlog[(h->head + h->count++) & (HOST_BACKLOG - 1)] = m;
}

static void push_all(struct host *h, struct wr_l3_tx *out)
{
	for (uint16_t i = 0; i < out->count; i++)
		push(h, out->pkts[i]);
	out->count = 0;
}

// Whether a host answers here, and not a made-up source of a flood, which never would.
static bool is_ours(const struct host *h, const struct wr_addr *a)
{
	if (wr_l3_classify(h->net, a) != WR_L3_NOT_OURS)
		return true;
	for (uint32_t i = 0; i < h->range_count; i++)
		if (wr_addr_cmp(a, &h->ranges[i].first) >= 0 &&
			wr_addr_cmp(a, &h->ranges[i].last) <= 0)
			return true;
	return false;
}

static void to_l3(struct host *h, struct wr_pkt *p, const struct gen_now *now)
{
	struct rte_mbuf *frames[4];
	struct wr_l3_tx out = {.pkts = frames, .room = RTE_DIM(frames)};

	if (HOST_BACKLOG - h->count < RTE_DIM(frames)) {
		drop(h, p->m, WR_DROP_icmp_rate);
		return;
	}
	if (wr_l3_input(h->l3, p, &out, now->us))
		drop(h, p->m, WR_DROP_icmp_ignored);
	push_all(h, &out);
}

uint32_t host_rx(struct host *h, host_judge judge, void *arg, const struct gen_now *now)
{
	struct rte_mbuf *m[WR_BURST];
	struct wr_pkt pkts[WR_BURST], tcp[WR_BURST];
	uint16_t n = wr_port_rx(h->port, 0, m, WR_BURST), count = 0;

	if (n == 0)
		return 0;
	h->rx_frames += n;
	for (uint16_t i = 0; i < n; i++) {
		h->rx_bytes += m[i]->pkt_len;
		if (h->capture != NULL)
			capture_write(h->capture, m[i], now);
	}
	wr_parse_burst(pkts, m, n, 0);
	for (uint16_t i = 0; i < n; i++) {
		struct wr_pkt *p = &pkts[i];
		enum wr_drop why = WR_DROP_NONE;

		if (judge != NULL && judge(arg, p, now)) {
			h->stamped++;
			rte_pktmbuf_free(p->m);
			continue;
		}
		why = p->kind == WR_PKT_DROP ? p->drop : wr_l3_check_mac(h->net, p->m);
		if (why == WR_DROP_NONE && h->spoofs && p->kind == WR_PKT_TCP &&
			!is_ours(h, &p->t.local))
			why = WR_DROP_not_for_us;
		if (why != WR_DROP_NONE)
			drop(h, p->m, why);
		else if (p->kind == WR_PKT_TCP)
			tcp[count++] = *p;
		else if (p->kind == WR_PKT_PUNT)
			drop(h, p->m, WR_DROP_unknown_protocol);
		else
			to_l3(h, p, now);
	}
	if (count > 0)
		ep_input(h->ep, tcp, count, now);
	return n;
}

// --- out ------------------------------------------------------------------------------------

static uint32_t flush(struct host *h)
{
	uint32_t done = 0;

	while (h->count > 0) {
		uint32_t in_row = RTE_MIN(h->count, HOST_BACKLOG - h->head);
		uint16_t n = (uint16_t)RTE_MIN(in_row, (uint32_t)WR_BURST), sent;
		struct rte_mbuf **m = &h->backlog[h->head];
		uint32_t errors = 0, linear = 0;
		uint64_t bytes = 0;

		for (uint16_t i = 0; i < n; i++)
			bytes += m[i]->pkt_len; // afterwards they belong to the port
		sent = wr_port_tx(h->port, 0, m, n, &errors, &linear);
		for (uint16_t i = sent; i < n; i++)
			bytes -= m[i]->pkt_len;
		h->head = (h->head + sent) & (HOST_BACKLOG - 1);
		h->count -= sent;
		h->tx_frames += sent - errors;
		h->tx_bytes += bytes;
		h->tx_errors += errors;
		done += sent;
		if (sent < n)
			break;
	}
	return done;
}

uint32_t host_output(struct host *h, const struct gen_now *now)
{
	struct rte_mbuf *packets[OUT_FRAMES], *frames[OUT_FRAMES];
	struct wr_l3_tx out = {.pkts = frames, .room = OUT_FRAMES};
	uint32_t done = 0;

	if (HOST_BACKLOG - h->count >= OUT_FRAMES) {
		wr_l3_poll(h->l3, &out, now->us);
		done += out.count;
		push_all(h, &out);
	}
	for (uint32_t room = host_room(h); room > 0; room = host_room(h)) {
		struct ep_tx tx = {
			.pkts = packets, .room = (uint16_t)RTE_MIN(room, (uint32_t)OUT_FRAMES)};

		ep_output(h->ep, &tx, OUT_FRAMES, now);
		for (uint16_t i = 0; i < tx.count; i++) {
			// Frames that waited for a neighbour may go out before this one.
			if (out.count == out.room)
				push_all(h, &out);
			wr_l3_output(h->l3, packets[i], &out, now->us);
		}
		push_all(h, &out);
		done += tx.count;
		if (tx.count < tx.room)
			break;
	}
	return done + flush(h);
}

// --- next hops ------------------------------------------------------------------------------

static const struct wr_addr *next_hop(const struct host *h, const struct wr_addr *to)
{
	if (in_prefixes(h->conf, to))
		return to;
	for (uint32_t i = 0; i < h->conf->gateway_count; i++)
		if (wr_addr_is_v4(&h->conf->gateway[i]) == wr_addr_is_v4(to))
			return &h->conf->gateway[i];
	return NULL;
}

// RFC 792, RFC 4443 4.1.
void host_ask(struct host *h, const struct wr_addr *to, const struct wr_addr *from,
	struct rte_mempool *small, const struct gen_now *now)
{
	bool v4 = wr_addr_is_v4(to);
	// An answer of nothing but zeros would have a checksum of either zero.
	uint8_t echo[ECHO_LEN] = {v4 ? 8 : 128, [4] = 'w', 'g'};
	struct rte_mbuf *frames[4], *m = rte_pktmbuf_alloc(small);
	struct wr_l3_tx out = {.pkts = frames, .room = RTE_DIM(frames)};
	uint32_t sum = v4 ? 0 : wr_csum_pseudo(from, to, IPPROTO_ICMPV6, ECHO_LEN);
	uint16_t cksum;

	if (m == NULL)
		return;
	cksum = wr_csum_finish(wr_csum_add(sum, echo, sizeof(echo)));
	memcpy(echo + 2, &cksum, sizeof(cksum));
	memcpy(rte_pktmbuf_append(m, sizeof(echo)), echo, sizeof(echo));
	if (host_room(h) < RTE_DIM(frames) ||
		wr_build_ip(m, from, to, v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6, 0, 0) < 0) {
		rte_pktmbuf_free(m);
		return;
	}
	wr_l3_output(h->l3, m, &out, now->us);
	push_all(h, &out);
}

bool host_knows(const struct host *h, const struct wr_addr *to, struct rte_ether_addr *mac,
	const struct gen_now *now)
{
	const struct wr_addr *hop = next_hop(h, to);
	struct wr_l3_neigh_info info;
	uint32_t cursor = 0;

	while (hop != NULL && wr_l3_neigh_walk(h->net, &cursor, now->us, &info)) {
		if (!wr_addr_eq(&info.addr, hop) || strcmp(info.state, "incomplete") == 0 ||
			strcmp(info.state, "failed") == 0)
			continue;
		*mac = info.mac;
		return true;
	}
	return false;
}
