/* SPDX-License-Identifier: BSD-3-Clause */

// What a port of the configuration names: a PCI device, an interface of the kernel, a socket.

#include "doctor_priv.h"

#include <stdlib.h>
#include <string.h>

bool doctor_arg(const char *device, const char *key, char *out, size_t len)
{
	size_t klen = strlen(key);
	const char *at = strchr(device, ',');

	while (at != NULL) {
		at++;
		if (strncmp(at, key, klen) == 0 && at[klen] == '=') {
			snprintf(out, len, "%.*s", (int)strcspn(at + klen + 1, ","), at + klen + 1);
			return true;
		}
		at = strchr(at, ',');
	}
	out[0] = '\0';
	return false;
}

// "0000:3b:00.0" or "3b:00.0".
static bool read_address(const char *name, char *out, size_t len)
{
	unsigned int domain = 0, bus, dev, fn;
	int end = 0;

	if (sscanf(name, "%4x:%2x:%2x.%1x%n", &domain, &bus, &dev, &fn, &end) != 4 ||
		name[end] != '\0') {
		domain = 0;
		end = 0;
		if (sscanf(name, "%2x:%2x.%1x%n", &bus, &dev, &fn, &end) != 3 || name[end] != '\0')
			return false;
	}
	snprintf(out, len, "%04x:%02x:%02x.%x", domain & 0xffff, bus & 0xff, dev & 0xff, fn & 0xf);
	return true;
}

static void find_pci_profile(const struct doctor *d, struct doctor_port *p)
{
	char vendor[16], device[16];

	if (doctor_line(d, vendor, sizeof(vendor), "/sys/bus/pci/devices/%s/vendor", p->address) &&
		doctor_line(
			d, device, sizeof(device), "/sys/bus/pci/devices/%s/device", p->address))
		p->has_profile =
			wr_driver_profile_find_pci(d->profiles, (uint16_t)strtoul(vendor, NULL, 16),
				(uint16_t)strtoul(device, NULL, 16), &p->profile, NULL) == 0;
}

void doctor_port_read(
	const struct doctor *d, const struct wr_conf_port *conf, struct doctor_port *out)
{
	char driver[WR_NAME_LEN];

	memset(out, 0, sizeof(*out));
	out->conf = conf;
	snprintf(out->name, sizeof(out->name), "%.*s", (int)strcspn(conf->device, ","),
		conf->device);
	out->pci = read_address(out->name, out->address, sizeof(out->address));
	if (out->pci) {
		find_pci_profile(d, out);
		return;
	}
	doctor_arg(conf->device, "iface", out->iface, sizeof(out->iface));
	out->makes_iface = strncmp(out->name, "net_tap", 7) == 0;
	if (strncmp(out->name, "net_memif", 9) == 0 &&
		!doctor_arg(conf->device, "socket", out->socket, sizeof(out->socket)))
		snprintf(out->socket, sizeof(out->socket), "/run/memif.sock");
	out->has_profile =
		wr_port_profile_for_device(d->profiles, out->name, driver, sizeof(driver)) &&
		wr_driver_profile_load(d->profiles, driver, &out->profile, NULL) == 0;
}

bool doctor_has_pci(const struct doctor *d)
{
	struct doctor_port p;

	for (uint32_t i = 0; d->conf != NULL && i < d->conf->port_count; i++) {
		doctor_port_read(d, &d->conf->ports[i], &p);
		if (p.pci)
			return true;
	}
	return false;
}
