/* SPDX-License-Identifier: BSD-3-Clause */

// What this process may do: limits and privileges.

#include "doctor_priv.h"

#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>

#define MIB       (1024ULL * 1024)
#define UNLIMITED UINT64_MAX
#define FDS_BASE  512 // ports, sockets, telemetry, files

// From /proc/self/limits: "Max open files  1024  4096  files".
static bool read_limit(const struct doctor *d, const char *name, uint64_t *soft, uint64_t *hard)
{
	char text[128], a[32], b[32];

	if (!doctor_field(d, "/proc/self/limits", name, text, sizeof(text)) ||
		sscanf(text, "%31s %31s", a, b) != 2)
		return false;
	*soft = strcmp(a, "unlimited") == 0 ? UNLIMITED : strtoull(a, NULL, 10);
	*hard = strcmp(b, "unlimited") == 0 ? UNLIMITED : strtoull(b, NULL, 10);
	return true;
}

static void memlock(struct doctor *d)
{
	uint64_t soft, hard;
	bool pci = doctor_has_pci(d);

	if (!read_limit(d, "Max locked memory", &soft, &hard))
		return;
	if (soft == UNLIMITED || doctor_capable(d, CAP_IPC_LOCK))
		doctor_say(d, DOCTOR_PASS, "memory-lock", "%s",
			soft == UNLIMITED ? "no limit"
					  : "limited, but CAP_IPC_LOCK lifts the limit");
	else if (soft >= d->need_bytes && d->need_bytes > 0)
		doctor_say(d, DOCTOR_PASS, "memory-lock", "%llu MiB may be locked",
			(unsigned long long)(soft / MIB));
	else {
		doctor_say(d, pci ? DOCTOR_FAIL : DOCTOR_WARN, "memory-lock",
			"only %llu KiB may be locked; %s", (unsigned long long)(soft / 1024),
			pci ? "vfio cannot map the buffers for the NIC"
			    : "NICs through vfio and AF_XDP need more");
		doctor_cure(d, "ulimit -l unlimited (or LimitMEMLOCK=infinity in the unit)");
	}
}

// DPDK raises the soft limit to the hard one, and keeps a file open for each huge page.
static void nofile(struct doctor *d)
{
	bool huge = d->conf == NULL || d->conf->runtime.memory != WR_CONF_MEMORY_PLAIN;
	uint64_t soft, hard, need = FDS_BASE + (huge ? d->need_bytes / (2 * MIB) : 0);

	if (!read_limit(d, "Max open files", &soft, &hard))
		return;
	if (hard < need) {
		doctor_say(d, DOCTOR_FAIL, "open-files",
			"at most %llu, and %llu are needed (one a huge page of 2 MiB)",
			(unsigned long long)hard, (unsigned long long)need);
		doctor_cure(d, "ulimit -n %llu (or LimitNOFILE=%llu in the unit)",
			(unsigned long long)need, (unsigned long long)need);
	} else if (hard < 2 * need) {
		doctor_say(d, DOCTOR_WARN, "open-files",
			"at most %llu, and %llu are needed: little is left for growth",
			(unsigned long long)hard, (unsigned long long)need);
		doctor_cure(d, "ulimit -n 65536 (or LimitNOFILE=65536 in the unit)");
	} else {
		doctor_say(d, DOCTOR_PASS, "open-files", "up to %llu, %llu needed",
			(unsigned long long)hard, (unsigned long long)need);
	}
}

void doctor_limits(struct doctor *d)
{
	memlock(d);
	nofile(d);
}

void doctor_privileges(struct doctor *d)
{
	bool raw = doctor_capable(d, CAP_NET_RAW), admin = doctor_capable(d, CAP_NET_ADMIN);
	bool wide = doctor_capable(d, CAP_DAC_OVERRIDE);

	if (!raw || !admin) {
		doctor_say(d, DOCTOR_FAIL, "privileges",
			"without %s%s%s ports of the kernel cannot be opened",
			raw ? "" : "CAP_NET_RAW", !raw && !admin ? " and " : "",
			admin ? "" : "CAP_NET_ADMIN");
		doctor_cure(d, "run as root, or from the systemd unit");
	} else if (!wide) {
		doctor_say(d, DOCTOR_WARN, "privileges",
			"not root: /run/weir, /run/dpdk and /dev/vfio must belong to this user");
		doctor_cure(d, "run as root and set runtime.user, which is kept after the start");
	} else {
		doctor_say(d, DOCTOR_PASS, "privileges", "root, or as good as");
	}
}
