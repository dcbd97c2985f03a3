/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_ether.h>
#include <rte_mbuf.h>

#include "wr_addr.h"
#include "wr_err.h"
#include "wr_limits.h"
#include "wr_mempool.h"
#include "wr_units.h"

// Ports: any DPDK ethdev by PCI address or virtual-device string, and a simulated port for tests,
// behind one interface. Queue i of a port belongs to one worker, which alone calls the burst
// functions on it. Everything else is for the control thread.

#define WR_PORT_F_TX_TCP_CKSUM  0x0001 // the port finishes TCP checksums
#define WR_PORT_F_TX_IP_CKSUM   0x0002
#define WR_PORT_F_TX_MULTI_SEGS 0x0004 // chains are sent right
#define WR_PORT_F_RX_CKSUM      0x0008 // ol_flags of received frames tell checksums
#define WR_PORT_F_RSS           0x0010 // several RX queues, hash key and RETA set by us and known
#define WR_PORT_F_RX_DEPTH      0x0020 // wr_port_rx_depth() works
#define WR_PORT_F_PROMISC       0x0040
#define WR_PORT_F_KERNEL_LOSS   0x0080 // losses on the kernel's side can be read

// What a NIC family needs, read from drivers-config/<driver>.yaml (see drivers-config/README.md).
struct wr_driver_profile {
	char driver[WR_NAME_LEN]; // ethdev driver name, "net_af_packet"
	char summary[160];
	char kernel_driver[WR_NAME_LEN]; // to bind to: "vfio-pci"; empty for virtual ports
	char native_driver[WR_NAME_LEN]; // the kernel's own, which a NIC is given back to: "ice"
	char pci_ids[704];               // "8086:1592 8086:1593"; "15b3:*" is a whole vendor
	char devargs[160];               // appended to the device string when absent there
	uint16_t rx_queues_max, tx_queues_max;
	uint16_t rx_desc, tx_desc; // defaults
	uint32_t mtu_max;
	bool rss;              // key and RETA can be set and are honoured
	uint16_t rss_key_len;  // bytes, and entries, as documented; 0: not told
	uint16_t rss_reta_len; // what the driver reports at run time decides
	bool multi_segs;       // chains are safe to send
	bool tested;           // run here, by the tests
	char quirks[400];
};

// Load and check one file; `dir` as wr_port_config.profiles_dir. 0, -ENOENT, -EINVAL (file, line,
// key, value, what would be right).
int wr_driver_profile_load(
	const char *dir, const char *driver, struct wr_driver_profile *out, struct wr_err *err);

// Name of the profile in `dir` (as above) whose name is the longest that `device`, a virtual
// device's name, begins with. False: none.
bool wr_port_profile_for_device(const char *dir, const char *device, char *driver, size_t len);

// The profile of a PCI device by its ids. 0, -ENOENT, or as load.
int wr_driver_profile_find_pci(const char *dir, uint16_t vendor, uint16_t device,
	struct wr_driver_profile *out, struct wr_err *err);

struct wr_port_config {
	char name[WR_NAME_LEN];    // as the operator calls it
	char device[256];          // "0000:3b:00.0" or "net_af_packet0,iface=eth1"
	uint16_t mtu;              // 0: 1500
	uint16_t rx_queues;        // wanted; 0: one a worker, or what the port can
	uint16_t tx_queues;        // likewise
	uint16_t rx_desc, tx_desc; // 0: the profile's
	const char
		*profiles_dir; // NULL: the environment's WEIR_DRIVERS_CONFIG, else the built-in one
};

struct wr_port; // opaque

// Attach and configure a port; not started. The mbuf pools come later since their size depends on
// the descriptors that the port settles on. Sentence with the cure on error: no such device, no
// permission, wrong driver bound, queue counts impossible, MTU refused.
struct wr_port *wr_port_open(
	const struct wr_port_config *cfg, uint16_t id, uint16_t workers, struct wr_err *err);

// Set up queues on the pools of the port's node (one for all queues), start, wait for link at most
// 2 s.
int wr_port_start(struct wr_port *p, const struct wr_mempools *pools, struct wr_err *err);

// Stop and detach; frames in its rings are freed.
void wr_port_close(struct wr_port *p);

// --- facts, fixed after open; WR_PORT_F_RX_DEPTH is known after start --------------------------
const char *wr_port_name(const struct wr_port *p);
const char *wr_port_driver(const struct wr_port *p); // "net_af_packet", "sim"
uint16_t wr_port_id(const struct wr_port *p);        // as given to open
uint32_t wr_port_flags(const struct wr_port *p);     // WR_PORT_F_*
uint16_t wr_port_mtu(const struct wr_port *p);
int wr_port_numa_node(const struct wr_port *p);
uint16_t wr_port_rx_queues(const struct wr_port *p);
uint16_t wr_port_tx_queues(const struct wr_port *p);
uint16_t wr_port_rx_desc(const struct wr_port *p);
uint16_t wr_port_tx_desc(const struct wr_port *p);
const struct rte_ether_addr *wr_port_mac(const struct wr_port *p);

// RSS key and RETA in force, when WR_PORT_F_RSS: queue numbers by hash. Returns RETA size, or 0.
uint16_t wr_port_rss(
	const struct wr_port *p, const uint8_t **key, uint16_t *key_len, const uint16_t **reta);

// --- bursts, by the queue's owner -----------------------------------------------------------
// Receive at most n (<= WR_BURST) frames. m->port is set to wr_port_id().
uint16_t wr_port_rx(struct wr_port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n);

// Send: what ol_flags ask for is done by the port or, where it cannot, in software here; chains are
// made linear on a port without multi-segment sending (from the RX pool; a frame for which there is
// no buffer now stays untaken). Returns how many were taken, from the front; the rest stay the
// caller's. Frames that can never be sent (longer than MTU + headers) are freed, counted in
// *errors, taken. *linearised counts frames copied.
uint16_t wr_port_tx(struct wr_port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n,
	uint32_t *errors, uint32_t *linearised);

// Frames waiting in an RX queue, or -ENOTSUP.
int wr_port_rx_depth(struct wr_port *p, uint16_t queue);

// Addresses to accept besides our own MAC (IPv6 solicited-node groups): multicast filter, or
// promiscuous or allmulticast mode where the port has none. 0 or negative errno.
int wr_port_set_multicast(struct wr_port *p, const struct rte_ether_addr *list, uint32_t n);

// Have the NIC put arriving ESP packets with an SPI (host order), to `local`, on a queue; in UDP to
// udp_port, or right on IP when that is 0. After start. *rule is for wr_port_unsteer(), NULL on
// error. -ENOTSUP: the driver cannot, nothing has changed, and packets must be steered in software;
// -EINVAL: SPI 0, no such queue, not started; -EEXIST, -ENOSPC and others as the driver says.
int wr_port_steer_spi(struct wr_port *p, const struct wr_addr *local, uint16_t udp_port,
	uint32_t spi, uint16_t queue, void **rule);
// No longer; NULL does nothing. Rules that are left end with wr_port_close().
void wr_port_unsteer(struct wr_port *p, void *rule);

struct wr_port_stats {
	uint64_t rx_frames, rx_bytes, tx_frames, tx_bytes; // by the port
	uint64_t rx_missed;                                // ring full
	uint64_t rx_errors;
	uint64_t rx_no_mbuf; // pool empty
	uint64_t tx_errors;
	uint64_t kernel_loss; // PACKET_STATISTICS tp_drops, accumulated; valid with
	                      // WR_PORT_F_KERNEL_LOSS
	bool link_up;
	uint32_t link_mbps;
};
void wr_port_stats(struct wr_port *p, struct wr_port_stats *out);

// --- the simulated port ---------------------------------------------------------------------
// What no virtual port of DPDK offers: several queues, Toeplitz RSS with a known key and RETA, loss
// from a seed, and a depth that can be read. Frames are put in and taken out by the test.

struct wr_sim_config {
	uint16_t mtu;
	uint16_t rx_queues, tx_queues;
	uint16_t rx_desc, tx_desc; // power of two; 0: 512
	uint32_t flags;            // WR_PORT_F_* to pretend
	uint32_t loss_permille;    // of frames in each direction
	uint64_t seed;
	struct rte_ether_addr mac;
	const uint8_t *rss_key; // NULL: wr_rss_default_key; 40-52 bytes
	uint16_t rss_key_len;
	uint16_t reta_size;   // 0: 128; filled round robin over rx_queues
	const uint16_t *reta; // NULL: round robin
	uint16_t spi_rules;   // of wr_port_steer_spi(), at the same time; 0: -ENOTSUP
};

struct wr_port *wr_sim_port_create(const char *name, uint16_t id, const struct wr_sim_config *cfg);

// Put a frame on the wire towards the port: hashed to a queue, or lost (freed, counted) when the
// ring is full (rx_missed) or by chance. Takes ownership always. Returns the queue, or -1 when
// lost.
int wr_sim_port_inject(struct wr_port *p, struct rte_mbuf *m);

// Take frames that the port sent, in order over all queues. Returns how many; caller frees them.
uint16_t wr_sim_port_drain(struct wr_port *p, struct rte_mbuf **m, uint16_t n);
