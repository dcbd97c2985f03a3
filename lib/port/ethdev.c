/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_dev.h>

#include "port_priv.h"
#include "wr_log.h"

#define LINK_WAIT_MS 2000
#define LINK_POLL_MS 10
#define DESC_DEFAULT 512

static int negative(int rc)
{
	return rc < 0 ? -rc : EIO;
}

// --- open -----------------------------------------------------------------------------------

// PCI drivers call themselves "mlx5_pci"; their file is net_mlx5.yaml.
static void profile_name(const char *driver, char *out, size_t len)
{
	const char *cut = strrchr(driver, '_');

	if (strncmp(driver, "net_", 4) != 0 && cut != NULL &&
		(strcmp(cut, "_pci") == 0 || strcmp(cut, "_auxiliary") == 0))
		snprintf(out, len, "net_%.*s", (int)(cut - driver), driver);
	else
		snprintf(out, len, "%s", driver);
}

static int load_profile(struct wr_port *p, const char *dir, struct wr_err *err)
{
	struct wr_err why = {0};
	char name[WR_NAME_LEN];
	int rc;

	profile_name(p->driver, name, sizeof(name));
	rc = wr_driver_profile_load(dir, name, &p->profile, &why);
	if (rc == -ENOENT) {
		wr_log(WR_LOG_WARN,
			"port %s: no profile %s.yaml in %s; going on with one queue and careful "
			"limits",
			p->name, name, wr_port_profiles_dir(dir));
		p->profile = (struct wr_driver_profile){.rx_queues_max = 1,
			.tx_queues_max = 1,
			.rx_desc = DESC_DEFAULT,
			.tx_desc = DESC_DEFAULT,
			.mtu_max = RTE_ETHER_MTU};
		snprintf(p->profile.driver, sizeof(p->profile.driver), "%s", name);
		return 0;
	}
	return rc < 0 ? wr_err_set(err, -rc, "%s", why.text) : 0;
}

// Default arguments apply while a device is being attached, when only its name tells the driver.
static int add_default_args(struct wr_port *p, const char *dir, struct wr_err *err)
{
	struct wr_driver_profile profile;
	char driver[WR_NAME_LEN];
	int rc;

	if (p->device.pci ||
		!wr_port_profile_for_device(dir, p->device.name, driver, sizeof(driver)))
		return 0;
	rc = wr_driver_profile_load(dir, driver, &profile, err);
	if (rc < 0)
		return rc;
	if (wr_port_device_add_args(&p->device, profile.devargs) < 0)
		return wr_err_set(err, EINVAL,
			"the device string %s,%s is too long for the defaults '%s'", p->device.name,
			p->device.args, profile.devargs);
	return 0;
}

// Configuring takes no MTU above what the driver reports, and some report less than they carry.
static int set_mtu(struct wr_port *p, struct wr_err *err)
{
	uint32_t now = RTE_ETHER_MTU;
	int rc;

	if (p->device.iface[0] != '\0')
		wr_port_netdev_mtu(p->device.iface, &now);
	if (now == p->mtu)
		return 0;
	rc = rte_eth_dev_set_mtu(p->dev, p->mtu);
	if (rc == 0 || (rc == -ENOTSUP && wr_port_is_virtual(p)))
		return 0;
	return wr_err_set(err, -rc, "MTU %u is refused by driver %s (%s)%s%s", p->mtu, p->driver,
		strerror(-rc), p->device.iface[0] != '\0' ? "; see `ip link show " : "",
		p->device.iface[0] != '\0' ? p->device.iface : "");
}

static int configure(struct wr_port *p, const struct wr_port_config *cfg,
	const struct rte_eth_dev_info *info, struct wr_err *err)
{
	struct rte_eth_conf conf = {0};
	int rc;

	conf.txmode.offloads = wr_port_choose_tx_offloads(p, info);
	conf.rxmode.offloads = wr_port_choose_rx_offloads(p, info);
	conf.rxmode.mtu = RTE_MIN(p->mtu, RTE_ETHER_MTU);
	if (p->reta_size != 0) {
		conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
		conf.rx_adv_conf.rss_conf.rss_key = p->rss_key;
		conf.rx_adv_conf.rss_conf.rss_key_len = (uint8_t)p->rss_key_len;
		conf.rx_adv_conf.rss_conf.rss_hf = wr_port_rss_types(info);
	}
	rc = rte_eth_dev_configure(p->dev, p->rx_queues, p->tx_queues, &conf);
	if (rc < 0)
		return wr_err_set(err, -rc,
			"driver %s refuses %u receive and %u transmit queues with MTU %u (%s)",
			p->driver, p->rx_queues, p->tx_queues, conf.rxmode.mtu, strerror(-rc));
	rc = set_mtu(p, err);
	if (rc < 0)
		return rc;
	p->rx_desc = cfg->rx_desc != 0 ? cfg->rx_desc : p->profile.rx_desc;
	p->tx_desc = cfg->tx_desc != 0 ? cfg->tx_desc : p->profile.tx_desc;
	rc = rte_eth_dev_adjust_nb_rx_tx_desc(p->dev, &p->rx_desc, &p->tx_desc);
	if (rc < 0)
		return wr_err_set(err, -rc, "driver %s refuses rings of %u and %u descriptors (%s)",
			p->driver, p->rx_desc, p->tx_desc, strerror(-rc));
	if ((cfg->rx_desc != 0 && cfg->rx_desc != p->rx_desc) ||
		(cfg->tx_desc != 0 && cfg->tx_desc != p->tx_desc))
		wr_log(WR_LOG_NOTICE,
			"port %s: rings of %u and %u descriptors, as its limits demand", p->name,
			p->rx_desc, p->tx_desc);
	return 0;
}

static void choose_mac(struct wr_port *p)
{
	rte_eth_macaddr_get(p->dev, &p->mac);
	if (rte_is_valid_assigned_ether_addr(&p->mac))
		return;
	// net_ring and net_null have none; one of our own, locally administered, does for them
	p->mac = (struct rte_ether_addr){
		{0x02, 'W', 'e', 'i', (uint8_t)(p->id >> 8), (uint8_t)p->id}};
	rte_eth_dev_default_mac_addr_set(p->dev, &p->mac);
}

// What the kernel's side of a virtual port tells and how it is set.
static void look_behind(struct wr_port *p)
{
	const char *iface = p->device.iface;
	bool up, running;
	char on[64];

	if (iface[0] == '\0')
		return;
	p->ifindex = if_nametoindex(iface);
	if (strcmp(p->driver, "net_af_packet") == 0) {
		p->kernel_fds =
			wr_port_netdev_packet_fds(p->ifindex, p->kernel_fd, WR_PORT_KERNEL_FDS);
		if (p->kernel_fds > 0)
			p->flags |= WR_PORT_F_KERNEL_LOSS;
	}
	wr_port_netdev_offloads(iface, on, sizeof(on));
	if (on[0] != '\0')
		wr_log(WR_LOG_WARN,
			"port %s: interface %s has offloads on (%s), which make super-frames and "
			"partial "
			"checksums; run, here and at a veth's other end: ethtool -K %s tx off tso "
			"off gso "
			"off gro off lro off",
			p->name, iface, on, iface);
	if (wr_port_netdev_flags(iface, &up, &running) && !up)
		wr_log(WR_LOG_WARN, "port %s: interface %s is down; run: ip link set %s up",
			p->name, iface, iface);
}

static int own(struct wr_port *p, struct wr_err *err)
{
	struct rte_eth_dev_owner owner = {0}, other = {0};
	int rc = rte_eth_dev_owner_new(&p->owner);

	if (rc < 0)
		return wr_err_set(err, -rc, "DPDK gives no owner id (%s)", strerror(-rc));
	owner.id = p->owner;
	snprintf(owner.name, sizeof(owner.name), "%s", p->name);
	if (rte_eth_dev_owner_get(p->dev, &other) == 0 && other.id != RTE_ETH_DEV_NO_OWNER)
		rc = -EBUSY;
	else
		rc = rte_eth_dev_owner_set(p->dev, &owner);
	if (rc == 0)
		return 0;
	p->owner = RTE_ETH_DEV_NO_OWNER;
	return wr_err_set(err, EBUSY, "device %s is busy: port %s of this instance has it already",
		p->device.name, other.name);
}

static int setup(
	struct wr_port *p, const struct wr_port_config *cfg, uint16_t workers, struct wr_err *err)
{
	struct rte_eth_dev_info info;
	int rc = rte_eth_dev_info_get(p->dev, &info);

	if (rc < 0)
		return wr_err_set(
			err, -rc, "the driver does not describe the port (%s)", strerror(-rc));
	snprintf(p->driver, sizeof(p->driver), "%s", info.driver_name);
	p->numa_node = RTE_MAX(rte_eth_dev_socket_id(p->dev), 0);
	rc = load_profile(p, cfg->profiles_dir, err);
	if (rc == 0)
		rc = wr_port_choose_mtu(p, cfg->mtu, err);
	if (rc == 0)
		rc = wr_port_choose_queues(p, cfg, workers, &info, err);
	if (rc == 0)
		rc = configure(p, cfg, &info, err);
	if (rc < 0)
		return rc;
	choose_mac(p);
	look_behind(p);
	return 0;
}

static void detach(struct wr_port *p)
{
	rte_eth_dev_owner_unset(p->dev, p->owner);
	if (p->rte_dev != NULL)
		rte_dev_remove(p->rte_dev);
	else
		rte_eth_dev_close(p->dev);
}

static int attach(struct wr_port *p, struct wr_err *err)
{
	struct rte_eth_dev_info info;
	bool attached;
	int rc = wr_port_device_attach(&p->device, &p->dev, &attached, err);

	if (rc < 0)
		return rc;
	if (attached && rte_eth_dev_info_get(p->dev, &info) == 0)
		p->rte_dev = info.device;
	return own(p, err);
}

struct wr_port *wr_port_open(
	const struct wr_port_config *cfg, uint16_t id, uint16_t workers, struct wr_err *err)
{
	struct wr_port *p = wr_port_alloc(cfg->name, id);

	if (p == NULL) {
		wr_err_set(err, ENOMEM, "no memory for port %s", cfg->name);
		return NULL;
	}
	p->kind = WR_PORT_KIND_ETHDEV;
	p->ops = &wr_port_ethdev_ops;
	if (wr_port_device_parse(&p->device, cfg->device, err) < 0 ||
		add_default_args(p, cfg->profiles_dir, err) < 0 || attach(p, err) < 0)
		goto err_free;
	if (setup(p, cfg, RTE_MAX(workers, 1), err) < 0)
		goto err_detach;
	return p;

err_detach:
	detach(p);
err_free:
	wr_err_prefix(err, "port %s", cfg->name);
	free(p);
	return NULL;
}

// --- start ----------------------------------------------------------------------------------

static int explain_rx_queue(const struct wr_port *p, uint16_t queue, int rc, struct wr_err *err)
{
	if (strcmp(p->driver, "net_af_xdp") == 0)
		return wr_err_set(err, -rc,
			"port %s: no AF_XDP socket on interface %s (%s); another program, or an "
			"earlier port of "
			"this one, may hold queue 0 of %s",
			p->name, p->device.iface, strerror(-rc), p->device.iface);
	return wr_err_set(err, -rc,
		"port %s: receive queue %u with %u descriptors is refused (%s); fewer descriptors "
		"or more "
		"buffers may do",
		p->name, queue, p->rx_desc, strerror(-rc));
}

static int setup_queues(struct wr_port *p, struct rte_mempool *pool, struct wr_err *err)
{
	unsigned int node = (unsigned int)p->numa_node;
	struct rte_eth_dev_info info;
	int rc = rte_eth_dev_info_get(p->dev, &info);

	if (rc < 0)
		return wr_err_set(err, -rc, "port %s: the driver no longer answers", p->name);
	// what the port has is set for all of its queues
	info.default_rxconf.offloads = 0;
	info.default_txconf.offloads = 0;
	for (uint16_t q = 0; q < p->rx_queues; q++) {
		rc = rte_eth_rx_queue_setup(
			p->dev, q, p->rx_desc, node, &info.default_rxconf, pool);
		if (rc < 0)
			return explain_rx_queue(p, q, rc, err);
	}
	for (uint16_t q = 0; q < p->tx_queues; q++) {
		rc = rte_eth_tx_queue_setup(p->dev, q, p->tx_desc, node, &info.default_txconf);
		if (rc < 0)
			return wr_err_set(err, -rc,
				"port %s: transmit queue %u with %u descriptors is refused (%s)",
				p->name, q, p->tx_desc, strerror(-rc));
	}
	return 0;
}

// A cable may take its time to negotiate; a virtual port's peer may come at any time.
static void wait_link(const struct wr_port *p)
{
	struct rte_eth_link link = {0};

	if (wr_port_is_virtual(p))
		return;
	for (int ms = 0; ms < LINK_WAIT_MS; ms += LINK_POLL_MS) {
		if (rte_eth_link_get_nowait(p->dev, &link) == 0 &&
			link.link_status == RTE_ETH_LINK_UP)
			return;
		rte_delay_us_sleep(LINK_POLL_MS * 1000);
	}
	wr_log(WR_LOG_WARN, "port %s: no link after %d ms; going on without", p->name,
		LINK_WAIT_MS);
}

static int ethdev_start(struct wr_port *p, const struct wr_mempools *pools, struct wr_err *err)
{
	uint32_t room = rte_pktmbuf_data_room_size(pools->rx) - RTE_PKTMBUF_HEADROOM;
	int rc;

	if ((uint32_t)p->mtu + RTE_ETHER_HDR_LEN > room &&
		(p->flags & WR_PORT_F_TX_MULTI_SEGS) == 0)
		return wr_err_set(err, EINVAL,
			"port %s: MTU %u does not fit in buffers of %u bytes, and driver %s sends "
			"no chains",
			p->name, p->mtu, room, p->driver);
	rc = setup_queues(p, pools->rx, err);
	if (rc < 0)
		return rc;
	p->copies = pools->rx;
	rc = rte_eth_dev_start(p->dev);
	if (rc < 0)
		return wr_err_set(err, negative(rc), "port %s: the driver %s does not start (%s)%s",
			p->name, p->driver, strerror(negative(rc)),
			wr_port_is_memif(&p->device) ? "; a client of memif needs the side with "
						       "role=server to run already"
						     : "");
	p->started = true;
	rc = wr_port_rss_apply(p, err);
	if (rc < 0)
		return rc;
	if (rte_eth_rx_queue_count(p->dev, 0) >= 0)
		p->flags |= WR_PORT_F_RX_DEPTH;
	wait_link(p);
	return 0;
}

static void ethdev_read_loss(struct wr_port *p)
{
	p->kernel_loss += wr_port_netdev_packet_loss(p->kernel_fd, p->kernel_fds);
}

static void stop_and_detach(struct wr_port *p)
{
	if (p->started)
		rte_eth_dev_stop(p->dev);
	detach(p);
}

static void ethdev_close(struct wr_port *p)
{
	if (wr_port_is_memif(&p->device))
		wr_port_memif_call(p, stop_and_detach);
	else
		stop_and_detach(p);
}

// --- addresses and figures ------------------------------------------------------------------

static int ethdev_set_multicast(struct wr_port *p, const struct rte_ether_addr *list, uint32_t n)
{
	int rc = rte_eth_dev_set_mc_addr_list(p->dev, (struct rte_ether_addr *)(uintptr_t)list, n);

	// The list does not reach the kernel's interface behind net_tap, whose own filter is past
	// us.
	if (rc == 0 || p->filter_open || n == 0)
		return rc == 0 || p->filter_open || rc == -ENOTSUP ? 0 : rc;
	rc = rte_eth_allmulticast_enable(p->dev);
	if (rc < 0) {
		rc = rte_eth_promiscuous_enable(p->dev);
		if (rc == 0)
			p->flags |= WR_PORT_F_PROMISC;
	}
	if (rc == -ENOTSUP && wr_port_is_virtual(p))
		rc = 0; // no filter at all: everything arrives
	p->filter_open = rc == 0;
	return rc;
}

static void ethdev_stats(struct wr_port *p, struct wr_port_stats *out)
{
	struct rte_eth_stats st;
	struct rte_eth_link link = {0};
	bool up;

	if (rte_eth_stats_get(p->dev, &st) == 0) {
		out->rx_frames = st.ipackets;
		out->rx_bytes = st.ibytes;
		out->tx_frames = st.opackets;
		out->tx_bytes = st.obytes;
		out->rx_missed = st.imissed;
		out->rx_errors = st.ierrors;
		out->rx_no_mbuf = st.rx_nombuf;
		out->tx_errors = st.oerrors;
	}
	ethdev_read_loss(p);
	out->kernel_loss = p->kernel_loss;
	if (p->started && rte_eth_link_get_nowait(p->dev, &link) == 0) {
		out->link_up = link.link_status == RTE_ETH_LINK_UP;
		out->link_mbps = link.link_speed == RTE_ETH_SPEED_NUM_UNKNOWN ? 0 : link.link_speed;
	}
	// these drivers report a link of their own whatever the interface does
	if (p->device.iface[0] != '\0')
		wr_port_netdev_flags(p->device.iface, &up, &out->link_up);
}

const struct wr_port_ops wr_port_ethdev_ops = {
	.start = ethdev_start,
	.close = ethdev_close,
	.set_multicast = ethdev_set_multicast,
	.stats = ethdev_stats,
	.steer = wr_port_flow_steer,
	.unsteer = wr_port_flow_unsteer,
};
