/* SPDX-License-Identifier: BSD-3-Clause */
#include <dirent.h>
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "port_priv.h"

static int interface_ioctl(const char *iface, unsigned long request, struct ifreq *ifr)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), rc;

	if (fd < 0)
		return -errno;
	snprintf(ifr->ifr_name, sizeof(ifr->ifr_name), "%s", iface);
	rc = ioctl(fd, request, ifr) < 0 ? -errno : 0;
	close(fd);
	return rc;
}

bool wr_port_netdev_flags(const char *iface, bool *up, bool *running)
{
	struct ifreq ifr = {0};

	if (interface_ioctl(iface, SIOCGIFFLAGS, &ifr) < 0)
		return false;
	*up = (ifr.ifr_flags & IFF_UP) != 0;
	*running = *up && (ifr.ifr_flags & IFF_RUNNING) != 0;
	return true;
}

bool wr_port_netdev_mtu(const char *iface, uint32_t *mtu)
{
	struct ifreq ifr = {0};

	if (interface_ioctl(iface, SIOCGIFMTU, &ifr) < 0)
		return false;
	*mtu = (uint32_t)ifr.ifr_mtu;
	return true;
}

void wr_port_netdev_offloads(const char *iface, char *out, size_t len)
{
	// in the words of `ethtool -K`
	static const struct {
		uint32_t command;
		uint32_t mask;
		const char *word;
	} offloads[] = {
		{ETHTOOL_GTXCSUM, UINT32_MAX, "tx"},
		{ETHTOOL_GTSO, UINT32_MAX, "tso"},
		{ETHTOOL_GGSO, UINT32_MAX, "gso"},
		{ETHTOOL_GGRO, UINT32_MAX, "gro"},
		{ETHTOOL_GFLAGS, ETH_FLAG_LRO, "lro"},
	};
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < RTE_DIM(offloads); i++) {
		struct ethtool_value v = {.cmd = offloads[i].command};
		struct ifreq ifr = {.ifr_data = (char *)&v};

		if (interface_ioctl(iface, SIOCETHTOOL, &ifr) < 0 ||
			(v.data & offloads[i].mask) == 0)
			continue;
		if (used + strlen(offloads[i].word) + 2 > len)
			break;
		used += (size_t)snprintf(
			out + used, len - used, "%s%s", used > 0 ? " " : "", offloads[i].word);
	}
}

// An AF_PACKET socket with a memory-mapped ring (as the driver's, unlike a sniffer's of our own)
// that is bound to the interface.
static bool is_driver_socket(int fd, unsigned int ifindex)
{
	struct sockaddr_ll ll = {0};
	socklen_t len = sizeof(ll);
	int version = -1;
	socklen_t vlen = sizeof(version);

	if (getsockname(fd, (struct sockaddr *)&ll, &len) < 0 || ll.sll_family != AF_PACKET)
		return false;
	return ll.sll_ifindex == (int)ifindex &&
	       getsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, &vlen) == 0 &&
	       version == TPACKET_V2;
}

uint32_t wr_port_netdev_packet_fds(unsigned int ifindex, int *fds, uint32_t max)
{
	DIR *dir = opendir("/proc/self/fd");
	const struct dirent *e;
	uint32_t n = 0;

	if (dir == NULL)
		return 0;
	while (n < max && (e = readdir(dir)) != NULL) {
		char *end;
		long fd = strtol(e->d_name, &end, 10);

		if (end != e->d_name && *end == '\0' && is_driver_socket((int)fd, ifindex))
			fds[n++] = (int)fd;
	}
	closedir(dir);
	return n;
}

uint64_t wr_port_netdev_packet_loss(const int *fds, uint32_t n)
{
	uint64_t loss = 0;

	for (uint32_t i = 0; i < n; i++) {
		struct tpacket_stats st = {0};
		socklen_t len = sizeof(st);

		// packet(7): reading resets the counters
		if (getsockopt(fds[i], SOL_PACKET, PACKET_STATISTICS, &st, &len) == 0)
			loss += st.tp_drops;
	}
	return loss;
}

bool wr_port_netdev_capable(unsigned int cap)
{
	FILE *in = fopen("/proc/self/status", "re");
	unsigned long long caps = 0;
	char line[256];

	if (in == NULL)
		return true; // without /proc the kernel's own answer has to do
	while (fgets(line, sizeof(line), in) != NULL)
		if (sscanf(line, "CapEff: %llx", &caps) == 1)
			break;
	fclose(in);
	return (caps >> cap) & 1;
}
