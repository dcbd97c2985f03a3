/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <net/if.h>

#include <rte_ethdev.h>

#include "wr_port.h"
#include "wr_rss.h"

#define WR_PORT_L2_OVERHEAD (RTE_ETHER_HDR_LEN + RTE_VLAN_HLEN) // Ethernet header and one tag
#define WR_PORT_KERNEL_FDS                                                                         \
	64 // AF_PACKET sockets of one port: qpairs of the driver, at most 16 in use

// What sends and receives: known to the burst functions, so that they can branch instead of calling
// through a pointer.
enum wr_port_kind {
	WR_PORT_KIND_ETHDEV,
	WR_PORT_KIND_SIM,
};

struct wr_port;

// ESP packets that a rule sends to a queue.
struct wr_port_spi {
	struct wr_addr local;
	uint32_t spi; // host order; 0: no rule
	uint16_t udp_port;
	uint16_t queue;
};

// Everything but bursts; control thread.
struct wr_port_ops {
	int (*start)(struct wr_port *p, const struct wr_mempools *pools, struct wr_err *err);
	void (*close)(struct wr_port *p); // releases what it holds, not the port itself
	int (*set_multicast)(struct wr_port *p, const struct rte_ether_addr *list, uint32_t n);
	void (*stats)(struct wr_port *p, struct wr_port_stats *out);
	int (*steer)(struct wr_port *p, const struct wr_port_spi *what, void **rule);
	void (*unsteer)(struct wr_port *p, void *rule);
};

// A device string taken apart.
struct wr_port_device {
	char name[64];        // "0000:3b:00.0" or "net_af_packet0"
	char args[256];       // what follows the first comma
	char iface[IFNAMSIZ]; // value of iface=, when it names an interface of the kernel that must
	                      // exist
	bool pci;
};

struct wr_sim; // sim.c

struct wr_port {
	// what bursts read
	enum wr_port_kind kind;
	uint16_t dev; // ethdev's number
	uint16_t id;  // ours
	uint16_t mtu;
	uint16_t segs_max; // segments of one frame that the port sends
	uint32_t flags;
	uint64_t tx_hw;             // RTE_MBUF_F_TX_* that the port does itself
	struct rte_mempool *copies; // linear copies come from here; NULL before start
	struct wr_sim *sim;

	// facts
	const struct wr_port_ops *ops;
	uint16_t rx_queues, tx_queues;
	uint16_t rx_desc, tx_desc;
	int numa_node;
	struct rte_ether_addr mac;
	char name[WR_NAME_LEN];
	char driver[WR_NAME_LEN];
	struct wr_driver_profile profile;
	uint8_t rss_key[WR_RSS_KEY_LEN];
	uint16_t rss_key_len;
	uint16_t reta_size; // 0: no RSS that we know
	uint16_t reta_dev;  // entries of the device, a multiple of reta_size
	uint16_t reta[WR_RSS_RETA_MAX];

	// ethdev and the kernel's side, control thread
	struct wr_port_device device;
	struct rte_device *rte_dev; // to detach what we attached; NULL when EAL had it already
	uint64_t owner;
	bool started;
	unsigned int ifindex; // of device.iface
	int kernel_fd[WR_PORT_KERNEL_FDS];
	uint32_t kernel_fds;
	uint64_t kernel_loss;
	bool filter_open; // promiscuous or all-multicast already
};

// --- memif.c
bool wr_port_is_memif(const struct wr_port_device *d);

// A server that was killed leaves its socket behind, beside which the driver does not start: remove
// one that nobody listens on.
void wr_port_memif_tidy(const struct wr_port_device *d);

// Call by the thread of interrupts, and wait: the driver takes a connection down there when its
// peer leaves, and does not lock that against a stop or removal by another thread.
void wr_port_memif_call(struct wr_port *p, void (*fn)(struct wr_port *p));

// --- device.c
int wr_port_device_parse(struct wr_port_device *d, const char *text, struct wr_err *err);

// Append to d->args those "key=value" items of `defaults` whose key is absent. 0 or -ENOSPC.
int wr_port_device_add_args(struct wr_port_device *d, const char *defaults);

// Value of a key in "k=v,k=v"; false when absent or longer than the buffer.
bool wr_port_device_arg(const char *args, const char *key, char *out, size_t len);

// Find or attach the ethdev port of a device. *attached tells whether it is ours to detach.
int wr_port_device_attach(
	const struct wr_port_device *d, uint16_t *dev, bool *attached, struct wr_err *err);

// --- profile.c
// The directory in force: `dir`, else the environment's WEIR_DRIVERS_CONFIG, else the built-in one.
const char *wr_port_profiles_dir(const char *dir);

// --- ethdev_rss.c
// Decide on key and RETA for p->rx_queues from what the device offers; p->reta_size stays 0 when
// it offers too little.
void wr_port_rss_plan(struct wr_port *p, const struct rte_eth_dev_info *info);
uint64_t wr_port_rss_types(
	const struct rte_eth_dev_info *info); // 0: cannot hash TCP of both families
int wr_port_rss_apply(struct wr_port *p, struct wr_err *err);

// --- netdev.c: the kernel's interface behind a virtual port
bool wr_port_netdev_flags(const char *iface, bool *up, bool *running);
bool wr_port_netdev_mtu(const char *iface, uint32_t *mtu);
// Names of offloads that are on ("tx tso gso"), empty when all are off or cannot be read.
void wr_port_netdev_offloads(const char *iface, char *out, size_t len);
uint32_t wr_port_netdev_packet_fds(unsigned int ifindex, int *fds, uint32_t max);
uint64_t wr_port_netdev_packet_loss(const int *fds, uint32_t n); // since the last call
bool wr_port_netdev_capable(unsigned int cap);                   // CAP_* in force

// --- ethdev_caps.c: choices written into p; ints are 0 or an error with its sentence
int wr_port_choose_mtu(struct wr_port *p, uint16_t want, struct wr_err *err);
int wr_port_choose_queues(struct wr_port *p, const struct wr_port_config *cfg, uint16_t workers,
	const struct rte_eth_dev_info *info, struct wr_err *err);
uint64_t wr_port_choose_tx_offloads(struct wr_port *p, const struct rte_eth_dev_info *info);
uint64_t wr_port_choose_rx_offloads(struct wr_port *p, const struct rte_eth_dev_info *info);

// A virtual port has no link to negotiate, no filter for addresses, and takes chains whether or not
// its driver says so.
static inline bool wr_port_is_virtual(const struct wr_port *p)
{
	return !p->device.pci;
}

// --- flow.c: ops of an ethdev
int wr_port_flow_steer(struct wr_port *p, const struct wr_port_spi *what, void **rule);
void wr_port_flow_unsteer(struct wr_port *p, void *rule);

// --- ethdev.c
extern const struct wr_port_ops wr_port_ethdev_ops;

// --- sim.c
uint16_t wr_sim_port_rx(struct wr_port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n);
uint16_t wr_sim_port_tx(struct wr_port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n);
int wr_sim_port_rx_depth(struct wr_port *p, uint16_t queue);

// The one way to allocate a port, zeroed, on cache lines; released by wr_port_close().
struct wr_port *wr_port_alloc(const char *name, uint16_t id);
