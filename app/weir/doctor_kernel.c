/* SPDX-License-Identifier: BSD-3-Clause */

// What the kernel holds that is ours, and what kernel it is.

#include "doctor_priv.h"

#include <stdlib.h>
#include <string.h>

// /proc/net/fib_trie: an address line, then "/32 host LOCAL".
static bool kernel_has_v4(const struct doctor *d, const char *text)
{
	FILE *in = doctor_open(d, "/proc/net/fib_trie");
	char line[256], last[64] = "";
	bool found = false;

	if (in == NULL)
		return false;
	while (!found && fgets(line, sizeof(line), in) != NULL) {
		char *at = strstr(line, "|-- ");

		if (at != NULL)
			snprintf(last, sizeof(last), "%.*s", (int)strcspn(at + 4, "\n"), at + 4);
		else
			found = strstr(line, "/32 host LOCAL") != NULL && strcmp(last, text) == 0;
	}
	fclose(in);
	return found;
}

// /proc/net/if_inet6: 32 digits, index, length, scope, flags, device.
static bool kernel_has_v6(
	const struct doctor *d, const struct wr_addr *a, char *dev, size_t len, unsigned int *plen)
{
	FILE *in = doctor_open(d, "/proc/net/if_inet6");
	char line[256], hex[33], digits[33], name[64];
	bool found = false;

	if (in == NULL)
		return false;
	for (int i = 0; i < 16; i++)
		snprintf(hex + 2 * i, 3, "%02x", a->b[i]);
	while (!found && fgets(line, sizeof(line), in) != NULL)
		found = sscanf(line, "%32s %*x %x %*x %*x %63s", digits, plen, name) == 3 &&
		        strcmp(digits, hex) == 0;
	fclose(in);
	if (found)
		snprintf(dev, len, "%s", name);
	return found;
}

static bool kernel_has(const struct doctor *d, const struct wr_addr *a)
{
	char text[WR_ADDR_STR], dev[64];
	unsigned int plen;

	if (wr_addr_is_v4(a))
		return kernel_has_v4(d, wr_addr_format(a, text, sizeof(text)));
	return kernel_has_v6(d, a, dev, sizeof(dev), &plen);
}

static bool say_address(struct doctor *d, const char *what, const char *name,
	const struct wr_addr *a, enum doctor_level level)
{
	char text[WR_ADDR_STR], dev[64];
	unsigned int plen;

	wr_addr_format(a, text, sizeof(text));
	if (!kernel_has(d, a))
		return false;
	doctor_say(d, level, "addresses",
		"%s of %s %s is an address of the kernel here, which answers instead of Weir", text,
		what, name);
	if (wr_addr_is_v4(a))
		doctor_cure(d, // which prints the command: it may cut off who gives it
			"ip -o -4 addr show to %s | awk '{print \"ip addr del\", $4, \"dev\", $2}'",
			text);
	else if (kernel_has_v6(d, a, dev, sizeof(dev), &plen))
		doctor_cure(d, "ip addr del %s/%u dev %s", text, plen, dev);
	return true;
}

void doctor_addresses(struct doctor *d)
{
	const struct wr_conf *c = d->conf;
	bool said = false;

	if (c == NULL)
		return;
	for (uint32_t i = 0; i < c->port_count; i++)
		for (uint32_t k = 0; k < c->ports[i].addr_count; k++)
			// With an exception path the kernel may have them, on its TAP alone.
			said |= say_address(d, "port", c->ports[i].name, &c->ports[i].addr[k].addr,
				c->ports[i].exception ? DOCTOR_WARN : DOCTOR_FAIL);
	for (uint32_t i = 0; i < c->service_count; i++)
		for (uint32_t k = 0; k < c->services[i].listen_count; k++)
			said |= say_address(d, "service", c->services[i].name,
				&c->services[i].listen[k].addr, DOCTOR_FAIL);
	for (uint32_t i = 0; i < c->pool_count; i++)
		for (uint32_t k = 0; k < c->pools[i].source_count; k++) {
			const struct wr_conf_source *s = &c->pools[i].source[k];
			struct wr_addr a = s->first;

			for (int n = 0; n < WR_MAX_SOURCES && wr_addr_cmp(&a, &s->last) <= 0;
				n++, a = wr_addr_next(&a))
				said |= say_address(d, "pool", c->pools[i].name, &a, DOCTOR_FAIL);
		}
	if (!said)
		doctor_say(d, DOCTOR_PASS, "addresses", "the kernel has none of ours");
}

// A line of /proc/net/tcp or tcp6: the words of an address are in the machine's order.
static bool parse_listener(const char *line, struct wr_endpoint *out)
{
	unsigned int w[4], port, state;
	char hex[33];

	if (sscanf(line, " %*[0-9]: %32[0-9A-F]:%x %*[0-9A-F]:%*x %x", hex, &port, &state) != 3 ||
		state != 0x0a) // TCP_LISTEN
		return false;
	out->port = (uint16_t)port;
	if (strlen(hex) == 8 && sscanf(hex, "%8x", &w[0]) == 1)
		out->addr = wr_addr_from_v4(w[0]);
	else if (sscanf(hex, "%8x%8x%8x%8x", &w[0], &w[1], &w[2], &w[3]) == 4)
		memcpy(out->addr.w, w, sizeof(w));
	else
		return false;
	return true;
}

static void find_listener(
	const struct doctor *d, const struct wr_endpoint *e, bool *exact, bool *any)
{
	static const char *const files[] = {"/proc/net/tcp", "/proc/net/tcp6"};
	struct wr_endpoint l;
	char line[512];

	*exact = *any = false;
	for (int i = 0; i < 2; i++) {
		FILE *in = doctor_open(d, files[i]);

		while (in != NULL && fgets(line, sizeof(line), in) != NULL) {
			if (!parse_listener(line, &l) || l.port != e->port)
				continue;
			*exact |= wr_addr_eq(&l.addr, &e->addr);
			*any |= wr_addr_is_unspecified(&l.addr) &&
			        (i == 1 || wr_addr_is_v4(&e->addr));
		}
		if (in != NULL)
			fclose(in);
	}
}

static bool say_listener(struct doctor *d, const char *service, const struct wr_endpoint *e)
{
	char text[WR_ENDPOINT_STR];
	bool exact, any;

	find_listener(d, e, &exact, &any);
	any = any && kernel_has(d, &e->addr);
	wr_endpoint_format(e, text, sizeof(text));
	if (!exact && !any)
		return false;
	// Without the address the kernel gets no connection to it, whoever listens.
	doctor_say(d, kernel_has(d, &e->addr) ? DOCTOR_FAIL : DOCTOR_WARN, "listeners",
		"a program of the kernel listens on %s of service %s", text, service);
	doctor_cure(d, "ss -Hltnp 'sport = :%u' (names it; stop it)", e->port);
	return true;
}

void doctor_listeners(struct doctor *d)
{
	bool said = false;

	if (d->conf == NULL)
		return;
	for (uint32_t i = 0; i < d->conf->service_count; i++)
		for (uint32_t k = 0; k < d->conf->services[i].listen_count; k++)
			said |= say_listener(
				d, d->conf->services[i].name, &d->conf->services[i].listen[k]);
	if (!said)
		doctor_say(d, DOCTOR_PASS, "listeners", "no program of the kernel listens there");
}

// The kernel sees the frames of a packet socket too: what it forwards arrives twice.
void doctor_forwarding(struct doctor *d)
{
	static const char *const keys[] = {"net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"};
	static const char *const files[] = {
		"/proc/sys/net/ipv4/ip_forward", "/proc/sys/net/ipv6/conf/all/forwarding"};
	bool shared = false, said = false;
	long long on;

	for (uint32_t i = 0; d->conf != NULL && i < d->conf->port_count; i++)
		shared |= strncmp(d->conf->ports[i].device, "net_af_packet", 13) == 0;
	for (int i = 0; shared && i < 2; i++) {
		if (!doctor_number(d, &on, "%s", files[i]) || on == 0)
			continue;
		doctor_say(d, DOCTOR_WARN, "forwarding",
			"%s is on: the kernel forwards what packet sockets also give to Weir",
			keys[i]);
		doctor_cure(d, "sysctl -w %s=0", keys[i]);
		said = true;
	}
	if (d->conf != NULL && !said)
		doctor_say(d, DOCTOR_PASS, "forwarding", "%s",
			shared ? "off in the kernel" : "no port shares its frames with the kernel");
}

void doctor_versions(struct doctor *d)
{
	int major = 0, minor = 0;
	char kernel[128];

	doctor_line(d, kernel, sizeof(kernel), "/proc/sys/kernel/osrelease");
	sscanf(kernel, "%d.%d", &major, &minor);
	if (major < 4 || (major == 4 && minor < 19)) {
		doctor_say(d, DOCTOR_FAIL, "kernel", "%s; DPDK 22.11 wants 4.19 at least", kernel);
		doctor_cure(d, "apt-get install linux-image-amd64, reboot");
	} else if (major == 4 || (major == 5 && minor < 10)) {
		doctor_say(
			d, DOCTOR_WARN, "kernel", "%s; Weir is tested on 5.10 and later", kernel);
		doctor_cure(d, "apt-get install linux-image-amd64, reboot");
	} else {
		doctor_say(d, DOCTOR_PASS, "kernel", "%s", kernel);
	}
	if (strcmp(d->dpdk_built, d->dpdk_runs) == 0) {
		doctor_say(d, DOCTOR_PASS, "dpdk", "%s", d->dpdk_runs);
		return;
	}
	// Of one ABI are those of a year and month: "DPDK 22.11.3" and "DPDK 22.11.5".
	doctor_say(d, strncmp(d->dpdk_built, d->dpdk_runs, 10) == 0 ? DOCTOR_WARN : DOCTOR_FAIL,
		"dpdk", "built with %s, runs with %s", d->dpdk_built, d->dpdk_runs);
	doctor_cure(d, "scripts/build release");
}

void doctor_clock(struct doctor *d)
{
	static const char dir[] = "/sys/devices/system/clocksource/clocksource0";
	char now[64], list[128], flags[4096];

	doctor_line(d, now, sizeof(now), "%s/current_clocksource", dir);
	doctor_line(d, list, sizeof(list), "%s/available_clocksource", dir);
	if (doctor_field(d, "/proc/cpuinfo", "flags", flags, sizeof(flags)) &&
		strstr(flags, "constant_tsc") == NULL) {
		doctor_say(d, DOCTOR_FAIL, "clock",
			"the TSC of these CPUs changes its rate, and Weir's time with it");
		doctor_cure(
			d, "run on CPUs with constant_tsc (grep -c constant_tsc /proc/cpuinfo)");
	} else if (strcmp(now, "tsc") == 0 || now[0] == '\0') {
		doctor_say(d, DOCTOR_PASS, "clock", "%s", now[0] != '\0' ? now : "not told");
	} else {
		doctor_say(d, DOCTOR_WARN, "clock",
			"the kernel uses %s, not tsc: it found the TSC wanting, or has a slow "
			"clock",
			now);
		if (strstr(list, "tsc") != NULL)
			doctor_cure(d, "echo tsc > %s/current_clocksource", dir);
		else
			doctor_cure(d, "add tsc=reliable to GRUB_CMDLINE_LINUX in "
				       "/etc/default/grub, update-grub, reboot");
	}
}
