/* SPDX-License-Identifier: BSD-3-Clause */

// The doctor on this box: what is not in a file of the kernel, and what main() calls.

#include "doctor.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rte_version.h>

#include "doctor_priv.h"
#include "weir.h"

static void read_offloads(const char *iface, char *out, size_t len)
{
	// in the words of `ethtool -K`
	static const struct {
		uint32_t command;
		const char *word;
	} offloads[] = {
		{ETHTOOL_GTXCSUM, "tx"},
		{ETHTOOL_GTSO, "tso"},
		{ETHTOOL_GGSO, "gso"},
		{ETHTOOL_GGRO, "gro"},
	};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; fd >= 0 && i < sizeof(offloads) / sizeof(offloads[0]); i++) {
		struct ethtool_value v = {.cmd = offloads[i].command};
		struct ifreq ifr = {.ifr_data = (char *)&v};

		snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%.15s", iface);
		if (ioctl(fd, SIOCETHTOOL, &ifr) < 0 || v.data == 0 || used + 8 > len)
			continue;
		used += (size_t)snprintf(
			out + used, len - used, "%s%s", used > 0 ? " " : "", offloads[i].word);
	}
	if (fd >= 0)
		close(fd);
}

static void begin(struct doctor *d, const struct wr_conf *conf)
{
	*d = (struct doctor){.root = "", .conf = conf, .self = getpid(), .offloads = read_offloads};
	snprintf(d->dpdk_built, sizeof(d->dpdk_built), "%s %d.%02d.%d%s", RTE_VER_PREFIX,
		RTE_VER_YEAR, RTE_VER_MONTH, RTE_VER_MINOR, RTE_VER_SUFFIX);
	snprintf(d->dpdk_runs, sizeof(d->dpdk_runs), "%s", rte_version());
}

int doctor_main(const char *file, bool json)
{
	struct wr_conf *conf = NULL;
	struct wr_err err = {0};
	struct doctor d;
	int rc = 0;

	if (file != NULL) {
		conf = wr_conf_load(file, &err);
		if (conf == NULL) {
			fprintf(stderr, "weir: %s\n", err.text);
			return 2;
		}
	}
	begin(&d, conf);
	if (conf != NULL && memory_estimate(conf, &d.need_bytes, NULL) < 0)
		d.need_bytes = 0; // the start will say why
	doctor_examine(&d);
	if (json)
		rc = doctor_print_json(&d, stdout);
	else
		doctor_print(&d, true, stdout);
	rc = rc < 0 || d.levels[DOCTOR_FAIL] > 0;
	doctor_fini(&d);
	wr_conf_free(conf);
	return rc;
}

void doctor_after_failure(const struct wr_conf *conf, uint64_t need_bytes, FILE *out)
{
	struct doctor d;

	begin(&d, conf);
	d.need_bytes = need_bytes;
	doctor_examine(&d);
	doctor_print(&d, false, out);
	doctor_fini(&d);
}
