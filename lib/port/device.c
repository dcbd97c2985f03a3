/* SPDX-License-Identifier: BSD-3-Clause */
#include <ctype.h>
#include <errno.h>
#include <libgen.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_dev.h>

#include "port_priv.h"

// "0000:3b:00.0" or "3b:00.0", which gets the domain 0000.
static bool parse_pci(const char *name, char *out, size_t len)
{
	unsigned int domain, bus, dev, fn;
	int end = 0;

	if (sscanf(name, "%4x:%2x:%2x.%1x%n", &domain, &bus, &dev, &fn, &end) != 4 ||
		name[end] != '\0') {
		domain = 0;
		end = 0;
		if (sscanf(name, "%2x:%2x.%1x%n", &bus, &dev, &fn, &end) != 3 || name[end] != '\0')
			return false;
	}
	if (dev > 31 || fn > 7)
		return false;
	snprintf(out, len, "%04x:%02x:%02x.%x", domain, bus, dev, fn);
	return true;
}

bool wr_port_device_arg(const char *args, const char *key, char *out, size_t len)
{
	size_t klen = strlen(key);

	while (args != NULL && *args != '\0') {
		size_t n = strcspn(args, ",");

		if (n > klen && strncmp(args, key, klen) == 0 && args[klen] == '=') {
			if (n - klen - 1 >= len)
				return false;
			snprintf(out, len, "%.*s", (int)(n - klen - 1), args + klen + 1);
			return true;
		}
		args += n;
		args += *args == ',';
	}
	return false;
}

// Drivers that sit on an interface of the kernel which must be there before; net_tap makes its own.
static bool needs_interface(const char *name)
{
	static const char *const drivers[] = {
		"net_af_packet", "eth_af_packet", "net_af_xdp", "net_pcap", "eth_pcap"};

	for (size_t i = 0; i < RTE_DIM(drivers); i++)
		if (strncmp(name, drivers[i], strlen(drivers[i])) == 0)
			return true;
	return false;
}

int wr_port_device_parse(struct wr_port_device *d, const char *text, struct wr_err *err)
{
	size_t n = strcspn(text, ",");
	char name[sizeof(d->name)];

	memset(d, 0, sizeof(*d));
	if (n == 0)
		return wr_err_set(err, EINVAL,
			"device '%s' is empty; a PCI address like 0000:3b:00.0 or a DPDK virtual "
			"device "
			"like net_af_packet0,iface=eth1 is expected",
			text);
	if (n >= sizeof(d->name) || strlen(text) - n > sizeof(d->args))
		return wr_err_set(err, EINVAL,
			"device '%.80s...' is too long: at most %zu characters of "
			"name and %zu of arguments",
			text, sizeof(d->name) - 1, sizeof(d->args) - 1);
	snprintf(name, sizeof(name), "%.*s", (int)n, text);
	if (text[n] == ',')
		snprintf(d->args, sizeof(d->args), "%s", text + n + 1);
	d->pci = parse_pci(name, d->name, sizeof(d->name));
	if (d->pci)
		return 0;
	snprintf(d->name, sizeof(d->name), "%s", name);
	for (const char *c = name; *c != '\0'; c++)
		if (!isalnum((unsigned char)*c) && *c != '_' && *c != '-')
			return wr_err_set(err, EINVAL,
				"device '%s' is neither a PCI address like 0000:3b:00.0 nor a DPDK "
				"virtual "
				"device like net_af_packet0,iface=eth1",
				name);
	if (needs_interface(d->name) &&
		!wr_port_device_arg(d->args, "iface", d->iface, sizeof(d->iface))) {
		d->iface[0] = '\0';
		if (strstr(d->name, "pcap") == NULL) // which can do with files
			return wr_err_set(err, EINVAL,
				"device '%s' names no interface of at most %d characters; write "
				"%s,iface=eth1",
				text, IFNAMSIZ - 1, d->name);
	}
	return 0;
}

int wr_port_device_add_args(struct wr_port_device *d, const char *defaults)
{
	while (*defaults != '\0') {
		size_t n = strcspn(defaults, ","), used = strlen(d->args);
		char key[64], old[256];

		snprintf(key, sizeof(key), "%.*s", (int)strcspn(defaults, "=,"), defaults);
		if (!wr_port_device_arg(d->args, key, old, sizeof(old))) {
			if (used + n + 2 > sizeof(d->args))
				return -ENOSPC;
			snprintf(d->args + used, sizeof(d->args) - used, "%s%.*s",
				used > 0 ? "," : "", (int)n, defaults);
		}
		defaults += n;
		defaults += *defaults == ',';
	}
	return 0;
}

static int check_before_attach(const struct wr_port_device *d, struct wr_err *err)
{
	bool kernel_side = d->iface[0] != '\0' || strncmp(d->name, "net_tap", 7) == 0;

	wr_port_memif_tidy(d);
	if (d->iface[0] != '\0' && if_nametoindex(d->iface) == 0)
		return wr_err_set(err, ENODEV,
			"there is no interface '%s' in this network namespace; `ip link` lists "
			"what there is",
			d->iface);
	if (kernel_side &&
		(!wr_port_netdev_capable(CAP_NET_RAW) || !wr_port_netdev_capable(CAP_NET_ADMIN)))
		return wr_err_set(err, EPERM,
			"no permission to open %s: the capabilities CAP_NET_RAW and CAP_NET_ADMIN "
			"are "
			"needed; run as root or grant them",
			d->name);
	return 0;
}

// Why a PCI device did not start, as far as sysfs tells.
static int explain_pci(const struct wr_port_device *d, struct wr_err *err)
{
	char path[128], target[256], *driver;
	ssize_t n;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s", d->name);
	if (access(path, F_OK) != 0)
		return wr_err_set(err, ENODEV,
			"there is no PCI device %s on this machine; `lspci -D` lists what there is",
			d->name);
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver", d->name);
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		return wr_err_set(err, ENODEV,
			"PCI device %s has no kernel driver; bind it: dpdk-devbind.py -b vfio-pci "
			"%s",
			d->name, d->name);
	target[n] = '\0';
	driver = basename(target);
	if (strcmp(driver, "vfio-pci") != 0 && strcmp(driver, "uio_pci_generic") != 0 &&
		strcmp(driver, "igb_uio") != 0 && strcmp(driver, "mlx5_core") != 0)
		return wr_err_set(err, EBUSY,
			"PCI device %s belongs to the kernel's driver %s; bind it to DPDK's: "
			"dpdk-devbind.py -b vfio-pci %s",
			d->name, driver, d->name);
	if (geteuid() != 0)
		return wr_err_set(err, EPERM,
			"no permission for PCI device %s (kernel driver %s); run as root, or give "
			"this user "
			"its /dev/vfio group",
			d->name, driver);
	return wr_err_set(err, EBUSY,
		"PCI device %s (kernel driver %s) did not start: another program uses it, or DPDK "
		"has no "
		"driver for its kind; the log above says more",
		d->name, driver);
}

static int explain_vdev(const struct wr_port_device *d, int rc, struct wr_err *err)
{
	if (rc == -EFAULT) // what the bus says when no driver's name begins the device's
		return wr_err_set(err, ENODEV,
			"DPDK has no driver for the virtual device '%s'; known are net_af_packet, "
			"net_af_xdp, net_tap, net_memif, net_ring, net_null and net_pcap, each "
			"with a number "
			"behind it",
			d->name);
	if (rc == -EBUSY)
		return wr_err_set(err, EBUSY,
			"device %s is busy: another program holds it (for net_af_xdp, another XDP "
			"program: "
			"`ip link show %s` tells)",
			d->name, d->iface);
	return wr_err_set(err, ENODEV,
		"the driver refused the device '%s%s%s' (%s); the log above says more: an argument "
		"that it "
		"does not know, a missing kernel feature, or a busy interface",
		d->name, d->args[0] != '\0' ? "," : "", d->args,
		rc < -1 ? strerror(-rc) : "no reason given");
}

static bool find_port(const struct wr_port_device *d, uint16_t *dev)
{
	struct rte_dev_iterator it;

	if (rte_eth_dev_get_port_by_name(d->name, dev) == 0)
		return true;
	if (!d->pci)
		return false;
	// drivers may name their ports otherwise than by the address
	RTE_ETH_FOREACH_MATCHING_DEV(*dev, d->name, &it)
	{
		rte_eth_iterator_cleanup(&it);
		return true;
	}
	return false;
}

int wr_port_device_attach(
	const struct wr_port_device *d, uint16_t *dev, bool *attached, struct wr_err *err)
{
	int rc;

	*attached = false;
	if (find_port(d, dev))
		return 0;
	rc = check_before_attach(d, err);
	if (rc < 0)
		return rc;
	rc = rte_eal_hotplug_add(d->pci ? "pci" : "vdev", d->name, d->args);
	if (rc < 0)
		return d->pci ? explain_pci(d, err) : explain_vdev(d, rc, err);
	if (!find_port(d, dev))
		return wr_err_set(
			err, ENODEV, "device %s started but is no Ethernet port", d->name);
	*attached = true;
	return 0;
}
