/* SPDX-License-Identifier: BSD-3-Clause */

// The fabric: what all workers share (layer 3, steering, rings), and who owns which queue.

#include "worker_priv.h"

#include <errno.h>
#include <stdlib.h>

#include <rte_cycles.h>
#include <rte_malloc.h>

#include "ipsec.h"
#include "vips.h"
#include "worker_life.h"

struct rte_ring *worker_ring_create(
	uint32_t slots, uint32_t elem_size, unsigned int flags, int numa_node)
{
	ssize_t size = rte_ring_get_memsize_elem(elem_size, slots);
	struct rte_ring *r =
		rte_zmalloc_socket("wr_ring", (size_t)size, RTE_CACHE_LINE_SIZE, numa_node);

	if (r != NULL && rte_ring_init(r, "wr", slots, flags) < 0) {
		rte_free(r);
		return NULL;
	}
	return r;
}

#define HOP_FRAMES 128 // SYNs of a burst to a backend whose address is being asked for

// --- layer 3 --------------------------------------------------------------------------------

static void l3_port(struct wr_fabric *f, uint16_t i, struct wr_l3_port *out)
{
	const struct wr_conf_port *pc = &f->cfg.conf->ports[i];

	*out = (struct wr_l3_port){.id = i,
		.mac = *wr_port_mac(f->cfg.ports[i]),
		.mtu = wr_port_mtu(f->cfg.ports[i]),
		.vlan = pc->vlan,
		.addr_count = pc->addr_count,
		.gateway_count = pc->gateway_count,
		.exception = f->cfg.taps[i] != NULL};
	memcpy(out->addr, pc->addr, sizeof(out->addr));
	memcpy(out->gateway, pc->gateway, sizeof(out->gateway));
}

static int l3_create(struct wr_fabric *f, wr_us_t now, struct wr_err *err)
{
	const struct wr_conf *c = f->cfg.conf;
	struct wr_l3_port *ports = calloc(c->port_count, sizeof(*ports));
	struct wr_l3_route *routes = calloc(c->route_count + 1, sizeof(*routes));
	struct wr_l3_tunnel *tunnels = calloc(c->tunnel_count + 1, sizeof(*tunnels));
	struct wr_addr *vips = calloc(VIPS_MAX, sizeof(*vips));
	int rc = vips_init(&f->vips, c, err);
	struct wr_l3_config lc = {.port_count = c->port_count,
		.ports = ports,
		.route_count = c->route_count,
		.routes = routes,
		.tunnel_count = c->tunnel_count,
		.tunnels = tunnels,
		.vips = vips,
		.vip_room = 2 * VIPS_MAX, // given up ones stay in its table
		.wait_frames_per_hop = HOP_FRAMES,
		.dad = c->runtime.dad};

	if (ports == NULL || routes == NULL || tunnels == NULL || vips == NULL) {
		wr_err_set(err, ENOMEM, "out of memory");
	} else if (rc == 0) {
		for (uint16_t i = 0; i < c->port_count; i++)
			l3_port(f, i, &ports[i]);
		for (uint32_t i = 0; i < c->route_count; i++)
			routes[i] = (struct wr_l3_route){.to = c->routes[i].to,
				.via = c->routes[i].via,
				.port = (uint16_t)c->routes[i].port};
		fabric_ipsec_l3(c, tunnels);
		for (uint32_t i = 0; i < f->vips.count; i++)
			vips[lc.vip_count++] = f->vips.list[i].addr;
		vips_commit(&f->vips, 0, now);
		f->l3 = wr_l3_net_create(&lc, f->cfg.seed, now, err);
	}
	free(ports);
	free(routes);
	free(tunnels);
	free(vips);
	return f->l3 == NULL ? -EINVAL : 0;
}

// --- steering -------------------------------------------------------------------------------

static int steering_create(struct wr_fabric *f, struct wr_err *err)
{
	uint16_t workers = f->cfg.workers;
	uint16_t reta[RSS_RETA_SIZE];

	if (workers == 1)
		return 0;
	for (uint32_t i = 0; i < RSS_RETA_SIZE; i++)
		reta[i] = (uint16_t)(i % workers);
	f->software_rss = wr_rss_create(wr_rss_default_key, WR_RSS_KEY_LEN, reta, RSS_RETA_SIZE);
	if (f->software_rss == NULL)
		return wr_err_set(err, ENOMEM, "out of memory for steering tables");
	for (uint32_t i = 0; i < f->cfg.conf->port_count; i++) {
		const uint8_t *key;
		const uint16_t *port_reta;
		uint16_t key_len, size = wr_port_rss(f->cfg.ports[i], &key, &key_len, &port_reta);

		f->port_rss[i] = f->software_rss;
		// Queue q belongs to worker q, so the port's RETA names workers already.
		if (size == 0 || wr_port_rx_queues(f->cfg.ports[i]) != workers)
			continue;
		f->port_rss_own[i] = wr_rss_create(key, key_len, port_reta, size);
		if (f->port_rss_own[i] == NULL)
			return wr_err_set(err, ENOMEM, "out of memory for steering tables");
		f->port_rss[i] = f->port_rss_own[i];
		f->nic_steers[i] = true;
	}
	return 0;
}

// --- queues and rings -----------------------------------------------------------------------

static int wire_port(struct wr_fabric *f, struct wr_worker *w, uint16_t i)
{
	struct wport *wp = &w->port[i];
	uint16_t workers = f->cfg.workers;
	int node = f->cfg.pools[w->id]->numa_node;

	wp->port = f->cfg.ports[i];
	wp->tap = w->id == 0 ? f->cfg.taps[i] : NULL;
	wp->exception = f->cfg.taps[i] != NULL;
	// With fewer queues than workers a queue's reader is spread over workers by port.
	if (wr_port_rx_queues(wp->port) >= workers) {
		wp->rxq = w->id;
		wp->reads = true;
	} else {
		uint16_t q = (uint16_t)((w->id + workers - i % workers) % workers);

		wp->rxq = q;
		wp->reads = q < wr_port_rx_queues(wp->port);
	}
	if (wr_port_tx_queues(wp->port) >= workers) {
		wp->txq = w->id;
		wp->owns_tx = true;
	} else {
		f->tx_owner[i] = (uint16_t)(i % workers);
		wp->txq = 0;
		wp->owns_tx = f->tx_owner[i] == w->id;
	}
	if (wp->owns_tx) {
		wp->backlog = calloc(BACKLOG_SLOTS, sizeof(*wp->backlog));
		return wp->backlog == NULL ? -ENOMEM : 0;
	}
	wp->to_owner = worker_ring_create(
		TX_RING_SLOTS, sizeof(void *), RING_F_SP_ENQ | RING_F_SC_DEQ, node);
	f->tx_ring[w->id][i] = wp->to_owner;
	return wp->to_owner == NULL ? -ENOMEM : 0;
}

static int wire(struct wr_fabric *f, struct wr_worker *w, struct wr_err *err)
{
	w->ports = (uint16_t)f->cfg.conf->port_count;
	for (uint16_t i = 0; i < w->ports; i++)
		if (wire_port(f, w, i) < 0)
			return wr_err_set(err, ENOMEM, "worker %u: no memory for rings", w->id);
	for (uint16_t i = 0; i < f->cfg.workers; i++) {
		if (i == w->id)
			continue;
		w->handoff_in[i] = worker_ring_create(WR_HANDOFF_SLOTS, sizeof(void *),
			RING_F_SP_ENQ | RING_F_SC_DEQ, f->cfg.pools[w->id]->numa_node);
		if (w->handoff_in[i] == NULL)
			return wr_err_set(err, ENOMEM, "worker %u: no memory for rings", w->id);
	}
	if (worker_queues_register(w) < 0)
		return wr_err_set(err, ENOSPC, "worker %u: more than %u queues", w->id,
			WR_PRESSURE_QUEUES_MAX);
	return 0;
}

uint32_t fabric_rx_in_use(const struct wr_fabric *f)
{
	uint32_t n = 0;

	for (uint16_t i = 0; i < f->cfg.workers; i++) {
		bool seen = false;

		for (uint16_t k = 0; k < i; k++)
			seen = seen || f->cfg.pools[k] == f->cfg.pools[i];
		if (!seen)
			n += rte_mempool_in_use_count(f->cfg.pools[i]->rx);
	}
	return n;
}

struct wr_fabric *wr_fabric_create(
	const struct wr_fabric_config *cfg, wr_us_t now, struct wr_err *err)
{
	struct wr_fabric *f = calloc(1, sizeof(*f));
	struct rte_rcu_qsbr *rcu = wr_backends_rcu(cfg->backends);

	if (f == NULL) {
		wr_err_set(err, ENOMEM, "out of memory");
		return NULL;
	}
	f->cfg = *cfg;
	f->cycles_per_ms = rte_get_tsc_hz() / 1000;
	f->shared = wr_proxy_shared_create(cfg->conf, cfg->backends, cfg->workers, &cfg->secret[2],
		cfg->pools[0]->numa_node, err);
	if (f->shared == NULL || l3_create(f, now, err) < 0 || fabric_ipsec_create(f, err) < 0 ||
		fabric_ipsec_paths(f, err) < 0 || steering_create(f, err) < 0)
		goto fail;
	for (uint16_t i = 0; i < cfg->workers; i++)
		if (worker_create(f, i, now, err) == NULL)
			goto fail;
	for (uint16_t i = 0; i < cfg->workers; i++) {
		if (wire(f, f->worker[i], err) < 0)
			goto fail;
		rte_rcu_qsbr_thread_register(rcu, i);
		rte_rcu_qsbr_thread_online(rcu, i);
		worker_publish(f->worker[i], now);
		wr_pressure_publish(f->worker[i]->pressure_pub, &f->worker[i]->pressure);
	}
	f->mbuf_baseline = fabric_rx_in_use(f);
	return f;

fail:
	wr_fabric_destroy(f);
	return NULL;
}

void wr_fabric_destroy(struct wr_fabric *f)
{
	struct rte_mbuf *m;

	if (f == NULL)
		return;
	for (uint16_t i = 0; i < f->cfg.workers; i++) {
		for (uint16_t p = 0; p < WR_MAX_PORTS; p++) {
			if (f->tx_ring[i][p] == NULL)
				continue;
			while (rte_ring_sc_dequeue(f->tx_ring[i][p], (void **)&m) == 0)
				rte_pktmbuf_free(m);
			rte_free(f->tx_ring[i][p]);
		}
	}
	for (uint16_t i = 0; i < f->cfg.workers; i++) {
		// Nobody waits for a worker that is no more.
		rte_rcu_qsbr_thread_offline(wr_backends_rcu(f->cfg.backends), i);
		rte_rcu_qsbr_thread_unregister(wr_backends_rcu(f->cfg.backends), i);
		worker_destroy(f->worker[i]);
	}
	for (uint32_t i = 0; i < WR_MAX_PORTS; i++)
		wr_rss_destroy(f->port_rss_own[i]);
	wr_proxy_shared_destroy(f->shared);
	wr_rss_destroy(f->software_rss);
	fabric_ipsec_destroy(f);
	vips_fini(&f->vips);
	if (f->l3 != NULL)
		wr_l3_net_destroy(f->l3);
	wr_conf_free(f->kept[0]);
	wr_conf_free(f->kept[1]);
	free(f);
}

uint16_t wr_fabric_workers(const struct wr_fabric *f)
{
	return f->cfg.workers;
}

struct wr_worker *wr_fabric_worker(struct wr_fabric *f, uint16_t i)
{
	return i < f->cfg.workers ? f->worker[i] : NULL;
}

struct wr_l3_net *wr_fabric_l3(struct wr_fabric *f)
{
	return f->l3;
}

struct wr_port *wr_fabric_port(struct wr_fabric *f, uint16_t i)
{
	return i < f->cfg.conf->port_count ? f->cfg.ports[i] : NULL;
}

const struct wr_conf *wr_fabric_conf(const struct wr_fabric *f)
{
	return f->cfg.conf;
}

struct wr_backends *wr_fabric_backends(struct wr_fabric *f)
{
	return f->cfg.backends;
}

struct wr_proxy_shared *wr_fabric_shared(struct wr_fabric *f)
{
	return f->shared;
}

const struct wr_mempools *wr_fabric_pools(const struct wr_fabric *f, uint16_t worker)
{
	return f->cfg.pools[worker];
}
