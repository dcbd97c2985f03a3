/* SPDX-License-Identifier: BSD-3-Clause */

// Encrypted paths: the driver, what the CPU has for it, and key files.

#include "doctor_priv.h"

#include <dirent.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rte_build_config.h>

#include "tunnels.h"

#define DRIVER     "librte_crypto_ipsec_mb.so" // and versions after it
#define GROUPS_MAX 64
#define PATH_LEN   768

static bool wanted(const struct doctor *d)
{
	return d->conf != NULL && d->conf->tunnel_count > 0;
}

// --- the box
// -------------------------------------------------------------------------------------

void doctor_ipsec_driver(struct doctor *d)
{
	char path[PATH_LEN];
	const struct dirent *e;
	bool found = false;
	DIR *dir;

	if (!wanted(d))
		return;
	doctor_path(d, path, sizeof(path), "%s", RTE_EAL_PMD_PATH);
	dir = opendir(path);
	while (dir != NULL && !found && (e = readdir(dir)) != NULL)
		found = strncmp(e->d_name, DRIVER, strlen(DRIVER)) == 0;
	if (dir != NULL)
		closedir(dir);
	if (found) {
		doctor_say(d, DOCTOR_PASS, "ipsec-driver", DRIVER " is in %s", RTE_EAL_PMD_PATH);
		return;
	}
	doctor_say(d, DOCTOR_FAIL, "ipsec-driver",
		DRIVER " is not in %s: DPDK has no driver that encrypts for %u tunnels",
		RTE_EAL_PMD_PATH, d->conf->tunnel_count);
	doctor_cure(d, "apt-get install librte-crypto-ipsec-mb23");
}

static bool has_flag(const char *flags, const char *flag)
{
	size_t n = strlen(flag);

	for (const char *at = strstr(flags, flag); at != NULL; at = strstr(at + n, flag))
		if ((at == flags || at[-1] == ' ') && (at[n] == ' ' || at[n] == '\0'))
			return true;
	return false;
}

// ipsec-mb takes the widest kernels that the CPU has; without the first two it does not start.
void doctor_ipsec_cpu(struct doctor *d)
{
	char flags[4096];
	bool aes, pclmul;

	if (!wanted(d) || !doctor_field(d, "/proc/cpuinfo", "flags", flags, sizeof(flags)))
		return;
	aes = has_flag(flags, "aes");
	pclmul = has_flag(flags, "pclmulqdq");
	if (!aes || !pclmul) {
		doctor_say(d, DOCTOR_FAIL, "ipsec-cpu",
			"this CPU has no %s%s%s, which encryption needs", aes ? "" : "AES",
			!aes && !pclmul ? " and no " : "", pclmul ? "" : "PCLMULQDQ");
		doctor_cure(d,
			"use a CPU that has them (a guest: qemu -cpu host), or take tunnels "
			"out of %s",
			d->conf->file);
		return;
	}
	doctor_say(d, DOCTOR_PASS, "ipsec-cpu", "AES and PCLMULQDQ; %s",
		has_flag(flags, "vaes") && has_flag(flags, "vpclmulqdq") &&
				has_flag(flags, "avx512f")
			? "VAES on AVX512: the fastest kernels"
		: has_flag(flags, "avx2") ? "no VAES on AVX512: slower kernels"
					  : "no AVX2: the slowest kernels");
}

// --- key files
// -----------------------------------------------------------------------------------

// Who reads keys once rights are given up.
struct reader {
	char name[32];
	uid_t uid;
	gid_t groups[GROUPS_MAX];
	int group_count;
};

static void find_reader(const struct doctor *d, struct reader *r)
{
	const char *user = d->conf->runtime.user;
	const struct passwd *p = user[0] != '\0' ? getpwnam(user) : getpwuid(geteuid());

	*r = (struct reader){.uid = geteuid(), .group_count = GROUPS_MAX};
	snprintf(r->name, sizeof(r->name), "%s", p != NULL ? p->pw_name : "this user");
	if (p == NULL) {
		r->group_count = 0;
		return;
	}
	r->uid = p->pw_uid;
	if (getgrouplist(p->pw_name, p->pw_gid, r->groups, &r->group_count) < 0)
		r->group_count = GROUPS_MAX; // the first of them
}

// By mode alone: no capability is left then that would help, even to root.
static bool may(const struct reader *r, const char *path, mode_t right)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return false;
	if (st.st_uid == r->uid)
		return (st.st_mode & (right << 6)) != 0;
	for (int i = 0; i < r->group_count; i++)
		if (r->groups[i] == st.st_gid)
			return (st.st_mode & (right << 3)) != 0;
	return (st.st_mode & right) != 0;
}

// The first folder on the way to a file that the reader may not pass.
static bool barred(
	const struct doctor *d, const struct reader *r, const char *file, char *folder, size_t len)
{
	char path[PATH_LEN];

	for (const char *slash = strchr(file, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		snprintf(folder, len, "%.*s", slash > file ? (int)(slash - file) : 1, file);
		doctor_path(d, path, sizeof(path), "%s", folder);
		if (!may(r, path, 01))
			return true;
	}
	return false;
}

static void judge_reader(struct doctor *d, const struct reader *r, const struct wr_conf_tunnel *t)
{
	char path[PATH_LEN], folder[256];

	doctor_path(d, path, sizeof(path), "%s", t->keys);
	if (barred(d, r, t->keys, folder, sizeof(folder))) {
		doctor_say(d, DOCTOR_WARN, "ipsec-keys",
			"tunnel %s: %s is read at the start, but not by weirctl ipsec --rekey: "
			"'%s', who runs then, may not pass %s",
			t->name, t->keys, r->name, folder);
		doctor_cure(d, "chmod o+x %s", folder);
	} else if (!may(r, path, 04)) {
		doctor_say(d, DOCTOR_WARN, "ipsec-keys",
			"tunnel %s: %s is read at the start, but not by weirctl ipsec --rekey: it "
			"does not belong to '%s', who runs then",
			t->name, t->keys, r->name);
		doctor_cure(d, "chown %s %s", r->name, t->keys);
	} else {
		doctor_say(d, DOCTOR_PASS, "ipsec-keys",
			"tunnel %s: %s has keys for %u workers, and '%s' can read it again",
			t->name, t->keys, d->conf->runtime.worker_count, r->name);
	}
}

// A sentence of the check has its cure at its end.
static void say_refused(struct doctor *d, const struct wr_err *err)
{
	static const char mark[] = "; cure: ";
	const char *cure = strstr(err->text, mark);
	size_t len = cure != NULL ? (size_t)(cure - err->text) : strlen(err->text);

	doctor_say(d, DOCTOR_FAIL, "ipsec-keys", "%.*s", (int)len, err->text);
	if (cure != NULL)
		doctor_cure(d, "%s", cure + strlen(mark));
	else
		doctor_cure(d, "mend that line, then weir --check -c %s", d->conf->file);
}

void doctor_ipsec_keys(struct doctor *d)
{
	size_t len = wanted(d) ? d->conf->tunnel_count * sizeof(struct wr_ipsec_keys) : 0;
	struct wr_ipsec_keys *keys = len > 0 ? malloc(len) : NULL;
	struct wr_err err = {0};
	struct reader r;
	bool all = true;

	if (keys == NULL)
		return;
	memset(keys, 0, len);
	find_reader(d, &r);
	for (uint32_t i = 0; i < d->conf->tunnel_count; i++) {
		err.text[0] = '\0';
		if (tunnels_load(d->conf, d->root, i, &keys[i], &err) == 0) {
			judge_reader(d, &r, &d->conf->tunnels[i]);
			continue;
		}
		say_refused(d, &err);
		all = false;
	}
	if (all && tunnels_clash(d->conf, keys, &err) < 0)
		say_refused(d, &err);
	explicit_bzero(keys, len);
	free(keys);
}
