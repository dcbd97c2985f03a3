/* SPDX-License-Identifier: BSD-3-Clause */
#include "rights.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "wr_log.h"

#define GROUPS_MAX 64

void rights_begin(void)
{
	struct rlimit all = {.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};

	// Both are inherited by every thread made from here on. Neither may fail where it matters:
	// who is not allowed the second has few rights to lose.
	prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL);
	for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap, 0UL, 0UL, 0UL) >= 0; cap++)
		prctl(PR_CAPBSET_DROP, cap, 0UL, 0UL, 0UL);
	// Memory of a later configuration is mapped for the NIC (vfio) when CAP_IPC_LOCK is gone.
	setrlimit(RLIMIT_MEMLOCK, &all);
}

bool rights_need_admin(const char *driver)
{
	static const char *const drivers[] = {
		"net_af_packet", "net_af_xdp", "net_tap", "net_mlx4", "mlx5_pci", "net_mlx5"};

	for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++)
		if (strcmp(driver, drivers[i]) == 0)
			return true;
	return false;
}

void rights_seal(void)
{
	prctl(PR_SET_DUMPABLE, 0UL, 0UL, 0UL, 0UL);
}

// The user's own groups, and the telemetry socket's: captures are given to that one.
static int set_groups(const struct accounts *a, struct wr_err *err)
{
	gid_t groups[GROUPS_MAX];
	int n = GROUPS_MAX - 1;

	if (getgrouplist(a->user, a->gid, groups, &n) < 0)
		n = GROUPS_MAX - 1; // the first of them
	groups[n++] = a->socket_gid;
	if (setgroups((size_t)n, groups) < 0)
		return wr_err_set(err, errno, "runtime.user: cannot take the groups of '%s': %s",
			a->user, strerror(errno));
	return 0;
}

// glibc does these for all threads; those that do not ask to keep capabilities lose them here.
static int become(const struct accounts *a, struct wr_err *err)
{
	if (set_groups(a, err) < 0)
		return -EPERM;
	if (setresgid(a->gid, a->gid, a->gid) < 0)
		return wr_err_set(err, errno, "runtime.user: cannot take the group of '%s': %s",
			a->user, strerror(errno));
	prctl(PR_SET_KEEPCAPS, 1UL, 0UL, 0UL, 0UL);
	if (setresuid(a->uid, a->uid, a->uid) < 0)
		return wr_err_set(err, errno, "runtime.user: cannot become '%s': %s", a->user,
			strerror(errno));
	prctl(PR_SET_KEEPCAPS, 0UL, 0UL, 0UL, 0UL);
	// The kernel took it away with the user; without it a crash leaves nothing to look at.
	prctl(PR_SET_DUMPABLE, a->secrets > 0 ? 0UL : 1UL, 0UL, 0UL, 0UL);
	return 0;
}

// The main thread: `wanted` of what it is permitted. Returns what it has now, or negative errno.
static int64_t keep_only(uint64_t wanted)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	uint64_t kept;

	if (syscall(SYS_capget, &head, data) < 0)
		return -errno;
	kept = wanted & (data[0].permitted | ((uint64_t)data[1].permitted << 32));
	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		data[i].permitted = data[i].effective = (uint32_t)(kept >> (32 * i));
		data[i].inheritable = 0;
	}
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0UL, 0UL, 0UL);
	return syscall(SYS_capset, &head, data) < 0 ? -errno : (int64_t)kept;
}

int rights_drop(const struct accounts *a, bool admin, struct wr_err *err)
{
	int64_t kept;
	int others;

	if (a->other_user && become(a, err) < 0)
		return -EPERM;
	others = threads_disarm(err);
	if (others < 0)
		return others;
	kept = keep_only(admin ? 1ULL << CAP_NET_ADMIN : 0);
	if (kept < 0)
		return wr_err_set(
			err, (int)-kept, "cannot give up capabilities: %s", strerror((int)-kept));
	if (a->uid != 0 && a->other_user && setuid(0) == 0)
		return wr_err_set(err, EPERM, "runtime.user: '%s' can become root again", a->user);
	wr_log(WR_LOG_INFO,
		"rights: runs as %s%suser %u, group %u; the main thread keeps %s, the other %d "
		"threads no capability; nothing can add one",
		a->user, a->user[0] != '\0' ? ", " : "", (unsigned int)a->uid, (unsigned int)a->gid,
		kept != 0 ? "CAP_NET_ADMIN (multicast groups of new addresses, closing ports)"
			  : "no capability",
		others);
	if (a->secrets > 0) {
		rights_seal();
		wr_log(WR_LOG_INFO,
			"core files: a crash writes none and no debugger of the same user comes "
			"near, since the keys of %u tunnels are in memory",
			a->secrets);
	}
	return 0;
}
