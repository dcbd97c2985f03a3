/* SPDX-License-Identifier: BSD-3-Clause */

// Devices of the ports: are they there, and with the driver that DPDK needs?

#include "doctor_priv.h"

#include <dirent.h>
#include <libgen.h>
#include <string.h>

#define PCI_DIR "/sys/bus/pci/devices"

static bool for_dpdk(const char *driver)
{
	return strcmp(driver, "vfio-pci") == 0 || strcmp(driver, "uio_pci_generic") == 0 ||
	       strcmp(driver, "igb_uio") == 0;
}

// Does a port need vfio? A bifurcated driver keeps its NIC.
static bool wants_vfio(const struct doctor *d)
{
	struct doctor_port p;

	for (uint32_t i = 0; d->conf != NULL && i < d->conf->port_count; i++) {
		doctor_port_read(d, &d->conf->ports[i], &p);
		if (p.pci && (!p.has_profile || strcmp(p.profile.kernel_driver, "vfio-pci") == 0))
			return true;
	}
	return false;
}

static bool has_iommu(const struct doctor *d)
{
	char path[512];
	struct dirent *e;
	bool any = false;
	DIR *list;

	doctor_path(d, path, sizeof(path), "/sys/class/iommu");
	list = opendir(path);
	if (list == NULL)
		return false;
	while ((e = readdir(list)) != NULL)
		any |= e->d_name[0] != '.';
	closedir(list);
	return any;
}

static bool unsafe_mode(const struct doctor *d)
{
	char text[8];

	return doctor_line(d, text, sizeof(text),
		       "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode") &&
	       (text[0] == 'Y' || text[0] == '1');
}

void doctor_iommu(struct doctor *d)
{
	bool wanted = wants_vfio(d);
	char cmdline[4096];

	doctor_line(d, cmdline, sizeof(cmdline), "/proc/cmdline");
	if (has_iommu(d)) {
		doctor_say(d, DOCTOR_PASS, "iommu", "on%s",
			strstr(cmdline, "iommu=pt") != NULL ? ", kernel devices pass through" : "");
	} else if (!wanted) {
		doctor_say(d, DOCTOR_PASS, "iommu", "off; no port %s",
			d->conf != NULL ? "needs it" : "is known that needs it");
	} else if (unsafe_mode(d)) {
		doctor_say(d, DOCTOR_WARN, "iommu",
			"off; vfio runs in no-IOMMU mode, where a NIC can write anywhere in "
			"memory");
		doctor_cure(d, "add intel_iommu=on iommu=pt to GRUB_CMDLINE_LINUX in "
			       "/etc/default/grub, update-grub, reboot");
	} else {
		doctor_say(d, DOCTOR_FAIL, "iommu", "off%s, and vfio needs it",
			strstr(cmdline, "iommu=off") != NULL ? " by the kernel's command line"
							     : "");
		doctor_cure(d, "add intel_iommu=on iommu=pt to GRUB_CMDLINE_LINUX in "
			       "/etc/default/grub, update-grub, reboot; in a guest without one: "
			       "modprobe vfio && echo 1 > "
			       "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode");
	}
}

void doctor_vfio(struct doctor *d)
{
	bool wanted = wants_vfio(d);

	if (doctor_exists(d, "/sys/bus/pci/drivers/vfio-pci")) {
		if (wanted && !doctor_exists(d, "/dev/vfio/vfio")) {
			doctor_say(d, DOCTOR_WARN, "vfio",
				"vfio-pci is loaded, but there is no /dev/vfio/vfio here (a "
				"container?)");
			doctor_cure(d, "start the container with --device /dev/vfio");
		} else {
			doctor_say(d, DOCTOR_PASS, "vfio", "vfio-pci is loaded");
		}
	} else if (!wanted) {
		doctor_say(d, DOCTOR_PASS, "vfio", "vfio-pci is not loaded; no port %s",
			d->conf != NULL ? "needs it" : "is known that needs it");
	} else {
		doctor_say(d, DOCTOR_FAIL, "vfio", "vfio-pci is not loaded");
		doctor_cure(d, "modprobe vfio-pci");
	}
}

// Other devices of the group must not stay with the kernel, or vfio gives out none of it.
static bool group_is_split(struct doctor *d, const struct doctor_port *p)
{
	char group[32], path[512], driver[64];
	bool split = false;
	struct dirent *e;
	DIR *list;

	if (!doctor_link(d, group, sizeof(group), PCI_DIR "/%s/iommu_group", p->address))
		return false;
	doctor_path(d, path, sizeof(path), "/sys/kernel/iommu_groups/%s/devices", group);
	list = opendir(path);
	while (list != NULL && !split && (e = readdir(list)) != NULL) {
		if (e->d_name[0] == '.' || strcmp(e->d_name, p->address) == 0 ||
			!doctor_link(d, driver, sizeof(driver), PCI_DIR "/%s/driver", e->d_name) ||
			for_dpdk(driver) || strcmp(driver, "pcieport") == 0 ||
			strcmp(driver, "pci-stub") == 0)
			continue;
		doctor_say(d, DOCTOR_FAIL, "driver",
			"port %s: %s is in IOMMU group %s with %.16s, which belongs to %s",
			p->conf->name, p->address, group, e->d_name, driver);
		doctor_cure(d, "scripts/bind-nic bind %.16s", e->d_name);
		split = true;
	}
	if (list != NULL)
		closedir(list);
	return split;
}

static void judge_pci(struct doctor *d, const struct doctor_port *p)
{
	const char *wanted = p->has_profile && p->profile.kernel_driver[0] != '\0'
	                             ? p->profile.kernel_driver
	                             : "vfio-pci";
	const char *name = p->conf->name;
	char driver[64];

	if (!doctor_exists(d, PCI_DIR "/%s", p->address)) {
		doctor_say(d, DOCTOR_FAIL, "device", "port %s: there is no PCI device %s", name,
			p->address);
		doctor_cure(d, "scripts/bind-nic show");
		return;
	}
	doctor_say(d, DOCTOR_PASS, "device", "port %s: PCI device %s, %s", name, p->address,
		p->has_profile ? p->profile.summary : "of a kind without a profile");
	if (!doctor_link(d, driver, sizeof(driver), PCI_DIR "/%s/driver", p->address)) {
		doctor_say(d, DOCTOR_FAIL, "driver", "port %s: %s has no driver, it needs %s", name,
			p->address, wanted);
		doctor_cure(d, "scripts/bind-nic bind %s --driver %s", p->address, wanted);
	} else if (strcmp(driver, wanted) == 0) {
		if (!for_dpdk(driver) || !group_is_split(d, p))
			doctor_say(d, DOCTOR_PASS, "driver", "port %s: %s is bound to %s", name,
				p->address, driver);
	} else if (for_dpdk(driver) && strcmp(wanted, "vfio-pci") == 0) {
		doctor_say(d, DOCTOR_WARN, "driver",
			"port %s: %s is bound to %s, without the protection of an IOMMU", name,
			p->address, driver);
		doctor_cure(d, "scripts/bind-nic bind %s", p->address);
	} else {
		doctor_say(d, DOCTOR_FAIL, "driver", "port %s: %s belongs to %s, it needs %s", name,
			p->address, driver, wanted);
		doctor_cure(d, "scripts/bind-nic %s %s",
			strcmp(wanted, "vfio-pci") == 0 ? "bind" : "give-back", p->address);
	}
}

static void judge_memif(struct doctor *d, const struct doctor_port *p)
{
	char text[256], *dir;

	snprintf(text, sizeof(text), "%s", p->socket);
	dir = dirname(text);
	if (doctor_exists(d, "%s", dir)) {
		doctor_say(d, DOCTOR_PASS, "device", "port %s: %s for its socket is there",
			p->conf->name, dir);
		return;
	}
	doctor_say(d, DOCTOR_FAIL, "device", "port %s: no directory %s for its socket",
		p->conf->name, dir);
	doctor_cure(d, "mkdir -p %s", dir);
}

static void judge_tap(struct doctor *d, const struct doctor_port *p)
{
	if (!doctor_exists(d, "/dev/net/tun")) {
		doctor_say(d, DOCTOR_FAIL, "device", "port %s: no /dev/net/tun", p->conf->name);
		doctor_cure(d, "modprobe tun");
	} else if (p->iface[0] != '\0' && doctor_exists(d, "/sys/class/net/%s", p->iface)) {
		doctor_say(d, DOCTOR_WARN, "device",
			"port %s: the interface %s is there already, and net_tap makes its own",
			p->conf->name, p->iface);
		doctor_cure(d, "ip link del %s", p->iface);
	} else {
		doctor_say(
			d, DOCTOR_PASS, "device", "port %s: /dev/net/tun is there", p->conf->name);
	}
}

static void judge_iface(struct doctor *d, const struct doctor_port *p)
{
	unsigned int flags = 0;
	char text[32];

	if (!doctor_exists(d, "/sys/class/net/%s", p->iface)) {
		doctor_say(d, DOCTOR_FAIL, "device",
			"port %s: there is no interface %s in this network namespace",
			p->conf->name, p->iface);
		doctor_cure(
			d, "ip -br link (and write iface= of one of them in %s)", d->conf->file);
		return;
	}
	if (doctor_line(d, text, sizeof(text), "/sys/class/net/%s/flags", p->iface) &&
		sscanf(text, "%x", &flags) == 1 && !(flags & 1)) { // IFF_UP
		doctor_say(d, DOCTOR_WARN, "device", "port %s: the interface %s is down",
			p->conf->name, p->iface);
		doctor_cure(d, "ip link set %s up", p->iface);
		return;
	}
	doctor_say(d, DOCTOR_PASS, "device", "port %s: the interface %s is there and up",
		p->conf->name, p->iface);
}

void doctor_devices(struct doctor *d)
{
	for (uint32_t i = 0; d->conf != NULL && i < d->conf->port_count; i++) {
		struct doctor_port p;

		doctor_port_read(d, &d->conf->ports[i], &p);
		if (p.pci)
			judge_pci(d, &p);
		else if (p.makes_iface)
			judge_tap(d, &p);
		else if (p.socket[0] != '\0')
			judge_memif(d, &p);
		else if (p.iface[0] != '\0')
			judge_iface(d, &p);
		if (!p.has_profile && (!p.pci || doctor_exists(d, PCI_DIR "/%s", p.address))) {
			doctor_say(d, DOCTOR_WARN, "profile",
				"port %s: no file of drivers-config fits %s: one queue, no RSS, no "
				"chains, MTU 1500",
				p.conf->name, p.pci ? p.address : p.name);
			doctor_cure(d, "write one as drivers-config/README.md says");
		}
	}
}
