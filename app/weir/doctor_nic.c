/* SPDX-License-Identifier: BSD-3-Clause */

// What ports can do, against what the configuration wants of them.

#include "doctor_priv.h"

#include <dirent.h>
#include <string.h>

#define MTU_DEFAULT 1500

static bool port_node(const struct doctor *d, const struct doctor_port *p, long long *node)
{
	if (p->pci)
		return doctor_number(d, node, "/sys/bus/pci/devices/%s/numa_node", p->address);
	return p->iface[0] != '\0' &&
	       doctor_number(d, node, "/sys/class/net/%s/device/numa_node", p->iface);
}

// CPUs of the node, as a cure: where workers would be near.
static void near_cpus(const struct doctor *d, long long node, char *out, size_t len)
{
	struct doctor_set cpus;

	doctor_set_read(d, &cpus, "/sys/devices/system/node/node%lld/cpulist", node);
	doctor_set_format(&cpus, out, len);
}

static void judge_node(struct doctor *d, const struct doctor_port *p)
{
	uint32_t near = 0, n = d->conf->runtime.worker_count;
	long long node;
	char cpus[128];

	if (!port_node(d, p, &node) || node < 0) {
		doctor_say(
			d, DOCTOR_PASS, "numa", "port %s is on no particular node", p->conf->name);
		return;
	}
	for (uint32_t w = 0; w < n; w++)
		near += doctor_node_of_cpu(d, d->conf->runtime.workers[w]) == node;
	if (near == n) {
		doctor_say(d, DOCTOR_PASS, "numa", "port %s and the workers are on node %lld",
			p->conf->name, node);
		return;
	}
	near_cpus(d, node, cpus, sizeof(cpus));
	doctor_say(d, DOCTOR_WARN, "numa",
		"port %s is on node %lld, but %u of %u workers are elsewhere: frames cross nodes",
		p->conf->name, node, n - near, n);
	doctor_cure(d, "choose runtime.workers from %s in %s", cpus, d->conf->file);
}

void doctor_nodes(struct doctor *d)
{
	for (uint32_t i = 0; d->conf != NULL && i < d->conf->port_count; i++) {
		struct doctor_port p;

		doctor_port_read(d, &d->conf->ports[i], &p);
		judge_node(d, &p);
	}
}

static uint32_t kernel_queues(const struct doctor *d, const char *iface)
{
	char path[512];
	struct dirent *e;
	uint32_t n = 0;
	DIR *list;

	doctor_path(d, path, sizeof(path), "/sys/class/net/%s/queues", iface);
	list = opendir(path);
	while (list != NULL && (e = readdir(list)) != NULL)
		n += strncmp(e->d_name, "rx-", 3) == 0;
	if (list != NULL)
		closedir(list);
	return n;
}

static void judge_queues(struct doctor *d, const struct doctor_port *p)
{
	uint32_t workers = d->conf->runtime.worker_count, asked = p->conf->queues;
	uint32_t can = p->has_profile && p->profile.rss ? p->profile.rx_queues_max : 1;
	uint32_t kernel = p->iface[0] != '\0' && !p->makes_iface ? kernel_queues(d, p->iface) : 0;

	// It reads the interface's queue 0 only.
	if (strncmp(p->name, "net_af_xdp", 10) == 0 && kernel > 1) {
		doctor_say(d, DOCTOR_FAIL, "queues",
			"port %s: %s spreads over %u queues, and AF_XDP reads the first alone",
			p->conf->name, p->iface, kernel);
		doctor_cure(d, "ethtool -L %s combined 1", p->iface);
	} else if (asked > can) {
		doctor_say(d, DOCTOR_FAIL, "queues",
			"port %s: %u queues asked for, %u is what %s gives%s", p->conf->name, asked,
			can, p->has_profile ? p->profile.driver : "an unknown driver",
			can == 1 ? " without RSS" : "");
		doctor_cure(d, "write 'queues: %u' for the port in %s", can, d->conf->file);
	} else if (asked > workers) {
		doctor_say(d, DOCTOR_FAIL, "queues", "port %s: %u queues for %u workers",
			p->conf->name, asked, workers);
		doctor_cure(d, "write 'queues: %u' for the port in %s", workers, d->conf->file);
	} else if ((asked != 0 ? asked : can) < workers) {
		doctor_say(d, DOCTOR_WARN, "queues",
			"port %s: %u of %u workers read it, and hand frames on to the others",
			p->conf->name, asked != 0 ? asked : can, workers);
		doctor_cure(d, "write %u CPUs in runtime.workers of %s, or take a NIC with RSS",
			can, d->conf->file);
	} else {
		doctor_say(d, DOCTOR_PASS, "queues",
			"port %s: up to %u RX queues%s for %u workers%s", p->conf->name, can,
			can > 1 ? " by RSS" : "", workers,
			p->has_profile && !p->profile.tested
				? " (by the driver's documentation, not run by our tests)"
				: "");
	}
}

void doctor_queues(struct doctor *d)
{
	for (uint32_t i = 0; d->conf != NULL && i < d->conf->port_count; i++) {
		struct doctor_port p;

		doctor_port_read(d, &d->conf->ports[i], &p);
		judge_queues(d, &p);
	}
}

static void judge_mtu(struct doctor *d, const struct doctor_port *p, uint32_t mtu)
{
	long long kernel;

	if (p->has_profile && mtu > p->profile.mtu_max) {
		doctor_say(d, DOCTOR_FAIL, "mtu", "port %s: MTU %u, and %s carries %u at most",
			p->conf->name, mtu, p->profile.driver, p->profile.mtu_max);
		doctor_cure(
			d, "write 'mtu: %u' for the port in %s", p->profile.mtu_max, d->conf->file);
	} else if (p->iface[0] != '\0' && !p->makes_iface &&
		   doctor_number(d, &kernel, "/sys/class/net/%s/mtu", p->iface) && kernel != mtu) {
		doctor_say(d, kernel < mtu ? DOCTOR_FAIL : DOCTOR_WARN, "mtu",
			"port %s: MTU %u, but the interface %s has %lld%s", p->conf->name, mtu,
			p->iface, kernel,
			kernel < mtu ? ": full frames are lost"
				     : ": longer frames of peers are cut");
		doctor_cure(d, "ip link set %s mtu %u", p->iface, mtu);
	} else {
		doctor_say(d, DOCTOR_PASS, "mtu", "port %s: %u", p->conf->name, mtu);
	}
}

static int port_of(const struct wr_conf *c, const struct wr_addr *a)
{
	for (uint32_t i = 0; i < c->port_count; i++)
		for (uint32_t k = 0; k < c->ports[i].addr_count; k++)
			if (wr_prefix_contains(&c->ports[i].addr[k], a))
				return (int)i;
	for (uint32_t i = 0; i < c->route_count; i++)
		if (wr_prefix_contains(&c->routes[i].to, a))
			return (int)c->routes[i].port;
	return -1;
}

static uint32_t mtu_of(const struct wr_conf_port *p)
{
	return p->mtu != 0 ? p->mtu : MTU_DEFAULT;
}

// Segments pass whole only when the backend's path takes what the client's does.
static void judge_path(struct doctor *d, const struct wr_conf_service *s)
{
	const struct wr_conf *c = d->conf;
	const struct wr_conf_pool *pool = &c->pools[s->pool];
	int front = s->listen_count > 0 ? port_of(c, &s->listen[0].addr) : -1;

	for (uint32_t i = 0; front >= 0 && i < pool->backend_count; i++) {
		int back = port_of(c, &pool->backends[i].address.addr);
		uint32_t a = mtu_of(&c->ports[front]), b;

		if (back < 0 || (b = mtu_of(&c->ports[back])) == a)
			continue;
		doctor_say(d, DOCTOR_WARN, "mtu",
			"service %s comes in by port %s with MTU %u, its backend %s is reached by "
			"port %s with %u: segments are cut again",
			s->name, c->ports[front].name, a, pool->backends[i].name,
			c->ports[back].name, b);
		doctor_cure(d, "write 'mtu: %u' for both ports in %s", a < b ? a : b, c->file);
		return;
	}
}

void doctor_mtu(struct doctor *d)
{
	if (d->conf == NULL)
		return;
	for (uint32_t i = 0; i < d->conf->port_count; i++) {
		struct doctor_port p;

		doctor_port_read(d, &d->conf->ports[i], &p);
		judge_mtu(d, &p, mtu_of(&d->conf->ports[i]));
	}
	for (uint32_t i = 0; i < d->conf->service_count; i++)
		judge_path(d, &d->conf->services[i]);
}

// The other end of a veth, when it is in this namespace.
static bool find_peer(const struct doctor *d, const char *iface, char *peer, size_t len)
{
	long long link, index;
	char path[512];
	bool found = false;
	struct dirent *e;
	DIR *list;

	if (!doctor_number(d, &link, "/sys/class/net/%s/iflink", iface))
		return false;
	doctor_path(d, path, sizeof(path), "/sys/class/net");
	list = opendir(path);
	while (list != NULL && !found && (e = readdir(list)) != NULL) {
		long long back;

		found = strcmp(e->d_name, iface) != 0 &&
		        doctor_number(d, &index, "/sys/class/net/%s/ifindex", e->d_name) &&
		        doctor_number(d, &back, "/sys/class/net/%s/iflink", e->d_name) &&
		        index == link && back != index;
		if (found)
			snprintf(peer, len, "%.31s", e->d_name);
	}
	if (list != NULL)
		closedir(list);
	return found;
}

static bool is_veth(const struct doctor *d, const char *iface)
{
	long long link, index;

	return !doctor_exists(d, "/sys/class/net/%s/device", iface) &&
	       doctor_number(d, &link, "/sys/class/net/%s/iflink", iface) &&
	       doctor_number(d, &index, "/sys/class/net/%s/ifindex", iface) && link != index;
}

static void judge_offloads(struct doctor *d, const struct doctor_port *p)
{
	char own[64], others[64] = "", peer[32] = "";
	const char *off = "tx off tso off gso off gro off";
	bool veth = is_veth(d, p->iface), seen = veth && find_peer(d, p->iface, peer, sizeof(peer));

	d->offloads(p->iface, own, sizeof(own));
	if (seen)
		d->offloads(peer, others, sizeof(others));
	if (others[0] != '\0') {
		doctor_say(d, DOCTOR_FAIL, "offloads",
			"port %s: %s, the peer of %s, has %s on: frames arrive unfinished, without "
			"checksums or cut off",
			p->conf->name, peer, p->iface, others);
		doctor_cure(d, "ethtool -K %s %s", peer, off);
	} else if (own[0] != '\0') {
		doctor_say(d, DOCTOR_WARN, "offloads", "port %s: %s has %s on%s", p->conf->name,
			p->iface, own,
			veth && !seen ? "; its peer is in another namespace, probably likewise"
				      : ": frames may arrive joined, and are cut off");
		if (veth && !seen)
			doctor_cure(
				d, "ethtool -K %s %s (and likewise for its peer)", p->iface, off);
		else
			doctor_cure(d, "ethtool -K %s %s", p->iface, off);
	} else {
		doctor_say(d, DOCTOR_PASS, "offloads", "port %s: %s has none on%s", p->conf->name,
			p->iface, veth && !seen ? "; its peer is in another namespace" : "");
	}
}

void doctor_offloads(struct doctor *d)
{
	for (uint32_t i = 0; d->conf != NULL && i < d->conf->port_count; i++) {
		struct doctor_port p;

		doctor_port_read(d, &d->conf->ports[i], &p);
		if (p.iface[0] != '\0' && !p.makes_iface &&
			doctor_exists(d, "/sys/class/net/%s", p.iface))
			judge_offloads(d, &p);
	}
}
