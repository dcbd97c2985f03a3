/* SPDX-License-Identifier: BSD-3-Clause */

// What an instance is made of, in order: ports, buffers, backends, workers, control.

#include "weir.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include <rte_eal.h>
#include <rte_ether.h>
#include <rte_launch.h>
#include <rte_lcore.h>

#include "wr_ipsec.h"
#include "wr_log.h"

static int open_port(struct instance *in, uint16_t i, struct wr_err *err)
{
	const struct wr_conf_port *pc = &in->conf->ports[i];
	struct wr_port_config cfg = {.mtu = pc->mtu,
		.rx_queues = pc->queues,
		.tx_queues = pc->queues,
		.rx_desc = pc->rx_desc,
		.tx_desc = pc->tx_desc};

	memcpy(cfg.name, pc->name, sizeof(cfg.name));
	memcpy(cfg.device, pc->device, sizeof(cfg.device));
	in->ports[i] = wr_port_open(&cfg, i, (uint16_t)in->conf->runtime.worker_count, err);
	if (in->ports[i] == NULL) {
		wr_err_prefix(err, "%s:%u: port %s: ", in->conf->file, pc->line, pc->name);
		return -EIO;
	}
	return 0;
}

// The exception path: a TAP of the port's name and MAC, so that the kernel answers as the port.
static int open_tap(struct instance *in, uint16_t i, struct wr_err *err)
{
	const struct wr_conf_port *pc = &in->conf->ports[i];
	const struct rte_ether_addr *mac = wr_port_mac(in->ports[i]);
	struct wr_port_config cfg = {
		.mtu = wr_port_mtu(in->ports[i]), .rx_queues = 1, .tx_queues = 1};

	snprintf(cfg.name, sizeof(cfg.name), "tap-%.50s", pc->name);
	snprintf(cfg.device, sizeof(cfg.device),
		"net_tap_w%u,iface=w-%.12s,mac=" RTE_ETHER_ADDR_PRT_FMT, i, pc->name,
		RTE_ETHER_ADDR_BYTES(mac));
	in->taps[i] = wr_port_open(&cfg, i, 1, err);
	if (in->taps[i] == NULL) {
		wr_err_prefix(err, "%s:%u: port %s: exception path: ", in->conf->file, pc->line,
			pc->name);
		return -EIO;
	}
	return 0;
}

static int ports_open(struct instance *in, struct wr_err *err)
{
	for (uint16_t i = 0; i < in->conf->port_count; i++)
		if (open_port(in, i, err) < 0)
			return -EIO;
	for (uint16_t i = 0; i < in->conf->port_count; i++)
		if (in->conf->ports[i].exception && open_tap(in, i, err) < 0)
			return -EIO;
	return 0;
}

static int node_of(int node)
{
	return node < 0 || node >= NODES_MAX ? 0 : node;
}

static int worker_node(uint32_t i)
{
	return node_of((int)rte_lcore_to_socket_id(i));
}

// Ethernet header and one tag.
#define LINK_LEN (RTE_ETHER_HDR_LEN + RTE_VLAN_HLEN)

// The largest MTU of usual buffers. Behind a frame there is room for what opening ESP writes there:
// without it, each would be copied, into a buffer that has none either.
#define MTU_USUAL (WR_RX_DATAROOM - RTE_PKTMBUF_HEADROOM - LINK_LEN - WR_IPSEC_TAILROOM)

// What a larger MTU takes besides itself, of a buffer of its own size.
#define JUMBO_MORE 256
_Static_assert(JUMBO_MORE >= RTE_PKTMBUF_HEADROOM + LINK_LEN + WR_IPSEC_TAILROOM,
	"a jumbo frame is opened where it is");

static void add_descriptors(struct wr_mempools_need *need, const struct wr_port *p)
{
	need->rx_desc += wr_port_rx_queues(p) * wr_port_rx_desc(p);
	need->tx_desc += wr_port_tx_queues(p) * wr_port_tx_desc(p);
	if (wr_port_mtu(p) > MTU_USUAL)
		need->rx_dataroom =
			RTE_MAX(need->rx_dataroom, (uint32_t)wr_port_mtu(p) + JUMBO_MORE);
}

// Buffers on each NUMA node that has a port or a worker.
static int pools_create(struct instance *in, struct wr_err *err)
{
	const struct wr_conf *c = in->conf;
	struct wr_mempools_need need[NODES_MAX] = {0};
	bool wanted[NODES_MAX] = {false};
	char line[512];

	for (uint32_t i = 0; i < c->runtime.worker_count; i++) {
		need[worker_node(i)].workers++;
		wanted[worker_node(i)] = true;
	}
	for (uint32_t i = 0; i < c->port_count; i++) {
		int node = node_of(wr_port_numa_node(in->ports[i]));

		if (need[node].workers == 0)
			wr_log(WR_LOG_WARN,
				"port %s is on NUMA node %d, where no worker runs: its frames "
				"cross the nodes; choose runtime.workers of that node",
				c->ports[i].name, node);
		wanted[node] = true;
		add_descriptors(&need[node], in->ports[i]);
		if (in->taps[i] != NULL)
			add_descriptors(&need[node], in->taps[i]);
	}
	for (int n = 0; n < NODES_MAX; n++) {
		if (!wanted[n])
			continue;
		need[n].rx_count = c->runtime.rx_mbufs;
		need[n].max_sessions = c->runtime.max_sessions * RTE_MAX(need[n].workers, 1u) /
		                       c->runtime.worker_count;
		need[n].workers = RTE_MAX(need[n].workers, 1u);
		if (c->tunnel_count > 0)
			need[n].esp_frames = wr_worker_frames_most(
				(uint16_t)need[n].workers, (uint16_t)c->port_count);
		if (wr_mempools_create(&in->pools[n], c->runtime.name, n, &need[n], err) < 0)
			return -ENOMEM;
		in->pools_made[n] = true;
		wr_log(WR_LOG_INFO, "%s",
			wr_mempools_format(&in->pools[n], &need[n], line, sizeof(line)));
	}
	return 0;
}

static int ports_start(struct instance *in, struct wr_err *err)
{
	for (uint32_t i = 0; i < in->conf->port_count; i++) {
		const struct wr_mempools *pools =
			&in->pools[node_of(wr_port_numa_node(in->ports[i]))];

		if (wr_port_start(in->ports[i], pools, err) < 0 ||
			(in->taps[i] != NULL && wr_port_start(in->taps[i], pools, err) < 0)) {
			wr_err_prefix(err, "port %s: ", in->conf->ports[i].name);
			return -EIO;
		}
		wr_log(WR_LOG_INFO, "port %s: %s, %u RX and %u TX queues of %u and %u, MTU %u",
			in->conf->ports[i].name, wr_port_driver(in->ports[i]),
			wr_port_rx_queues(in->ports[i]), wr_port_tx_queues(in->ports[i]),
			wr_port_rx_desc(in->ports[i]), wr_port_tx_desc(in->ports[i]),
			wr_port_mtu(in->ports[i]));
	}
	return 0;
}

static int fabric_create(struct instance *in, struct wr_err *err)
{
	struct wr_fabric_config fc = {.conf = in->conf,
		.backends = in->backends,
		.workers = (uint16_t)in->conf->runtime.worker_count};
	uint32_t refused;

	memcpy(fc.ports, in->ports, sizeof(fc.ports));
	memcpy(fc.taps, in->taps, sizeof(fc.taps));
	for (uint32_t i = 0; i < fc.workers; i++)
		fc.pools[i] = &in->pools[worker_node(i)];
	if (getrandom(fc.secret, sizeof(fc.secret), 0) != sizeof(fc.secret) ||
		getrandom(&fc.seed, sizeof(fc.seed), 0) != sizeof(fc.seed))
		return wr_err_set(
			err, EIO, "no random numbers from the kernel: %s", strerror(errno));
	in->fabric = wr_fabric_create(&fc, wr_clock_now(), err);
	if (in->fabric == NULL)
		return -EIO;
	refused = wr_fabric_join_groups(in->fabric);
	for (uint16_t i = 0; i < in->conf->port_count; i++) {
		if (refused & (1u << i))
			wr_log(WR_LOG_WARN,
				"port %s: cannot receive IPv6 neighbour discovery groups; IPv6 "
				"peers will not find us",
				in->conf->ports[i].name);
	}
	return 0;
}

int boot(struct instance *in, struct wr_err *err)
{
	uint64_t seed; // of jitter: two boxes with one configuration must not check in step

	if (ports_open(in, err) < 0 || pools_create(in, err) < 0 || ports_start(in, err) < 0)
		return -EIO;
	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		return wr_err_set(
			err, EIO, "no random numbers from the kernel: %s", strerror(errno));
	in->backends =
		wr_backends_create(in->conf, (uint16_t)in->conf->runtime.worker_count, seed, err);
	if (in->backends == NULL || fabric_create(in, err) < 0)
		return -EIO;
	in->ctl = wr_ctl_create(in->fabric, err);
	if (in->ctl == NULL)
		return -EIO;
	for (uint32_t i = 0; i < in->conf->runtime.worker_count; i++)
		if (rte_eal_remote_launch(
			    wr_worker_run, wr_fabric_worker(in->fabric, (uint16_t)i), i) < 0)
			return wr_err_set(err, EIO, "worker %u does not start on CPU %u", i,
				in->conf->runtime.workers[i]);
	in->workers_run = true;
	return 0;
}

int settle(struct instance *in, struct wr_err *err)
{
	char key[RIGHTS_KEY_LEN + 1];
	bool admin = false;
	int rc;

	for (uint32_t i = 0; i < in->conf->port_count; i++)
		admin |= in->taps[i] != NULL || rights_need_admin(wr_port_driver(in->ports[i]));
	rc = rundir_give(rte_eal_get_runtime_dir(), &in->accounts, in->conf, in->lock_fd, key, err);
	if (rc == 0 && key[0] != '\0')
		wr_ctl_set_key(in->ctl, key);
	explicit_bzero(key, sizeof(key));
	return rc == 0 ? rights_drop(&in->accounts, admin, err) : rc;
}

void shut(struct instance *in)
{
	if (in->workers_run) {
		wr_fabric_stop(in->fabric);
		rte_eal_mp_wait_lcore();
	}
	wr_ctl_destroy(in->ctl);
	wr_fabric_destroy(in->fabric);
	wr_backends_destroy(in->backends);
	for (uint32_t i = 0; i < WR_MAX_PORTS; i++) {
		if (in->taps[i] != NULL)
			wr_port_close(in->taps[i]);
		if (in->ports[i] != NULL)
			wr_port_close(in->ports[i]);
	}
	for (int n = 0; n < NODES_MAX; n++)
		if (in->pools_made[n])
			wr_mempools_destroy(&in->pools[n]);
	rundir_clear(rte_eal_get_runtime_dir());
	rte_eal_cleanup();
}
