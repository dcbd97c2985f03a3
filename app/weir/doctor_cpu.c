/* SPDX-License-Identifier: BSD-3-Clause */

// CPUs: those of the workers, and who else runs there.

#include "doctor_priv.h"

#include <stdlib.h>
#include <string.h>

#define CPU_DIR "/sys/devices/system/cpu"

static void read_isolated(const struct doctor *d, struct doctor_set *out)
{
	// Of the kernel's command line, and of cpuset partitions.
	static const char *const files[] = {
		CPU_DIR "/isolated", "/sys/fs/cgroup/cpuset.cpus.isolated"};
	struct doctor_set s;

	memset(out, 0, sizeof(*out));
	for (size_t f = 0; f < 2; f++) {
		doctor_set_read(d, &s, "%s", files[f]);
		for (size_t i = 0; i < DOCTOR_CPUS / 64; i++)
			out->bits[i] |= s.bits[i];
	}
}

static void read_workers(const struct doctor *d, struct doctor_set *out)
{
	memset(out, 0, sizeof(*out));
	for (uint32_t i = 0; i < d->conf->runtime.worker_count; i++)
		if (d->conf->runtime.workers[i] < DOCTOR_CPUS)
			out->bits[d->conf->runtime.workers[i] / 64] |=
				1ULL << (d->conf->runtime.workers[i] % 64);
}

// The CPUs that the cgroup leaves to this process; all, when there is none.
static bool read_cpuset(const struct doctor *d, struct doctor_set *out)
{
	char group[512];

	if (!doctor_line(d, group, sizeof(group), "/proc/self/cpuset"))
		return false;
	return doctor_set_read(d, out, "/sys/fs/cgroup%s%s", strcmp(group, "/") == 0 ? "" : group,
		"/cpuset.cpus.effective");
}

static void read_allowed(const struct doctor *d, struct doctor_set *out)
{
	char text[1024];

	doctor_field(d, "/proc/self/status", "Cpus_allowed_list", text, sizeof(text));
	doctor_set_parse(out, text);
}

static bool judge_cpu(struct doctor *d, unsigned int cpu)
{
	struct doctor_set online, cpuset, allowed, isolated;

	if (!doctor_exists(d, CPU_DIR "/cpu%u", cpu)) {
		doctor_say(d, DOCTOR_FAIL, "cpus", "worker CPU %u is not in this box", cpu);
		doctor_cure(d, "write CPUs that `lscpu -e` lists in runtime.workers of %s",
			d->conf->file);
		return false;
	}
	if (doctor_set_read(d, &online, CPU_DIR "/online") && !doctor_in_set(&online, cpu)) {
		doctor_say(d, DOCTOR_FAIL, "cpus", "worker CPU %u is offline", cpu);
		doctor_cure(d, "echo 1 > " CPU_DIR "/cpu%u/online", cpu);
		return false;
	}
	if (read_cpuset(d, &cpuset) && !doctor_in_set(&cpuset, cpu)) {
		doctor_say(d, DOCTOR_FAIL, "cpus",
			"worker CPU %u is outside the cpuset of this process's cgroup", cpu);
		doctor_cure(d, "systemctl set-property weir@%s.service AllowedCPUs=%u",
			d->conf->runtime.name, cpu);
		return false;
	}
	read_allowed(d, &allowed);
	read_isolated(d, &isolated);
	if (doctor_set_count(&allowed) > 0 && !doctor_in_set(&allowed, cpu) &&
		!doctor_in_set(&isolated, cpu)) {
		doctor_say(d, DOCTOR_WARN, "cpus",
			"worker CPU %u is not in the affinity that Weir is started with", cpu);
		doctor_cure(d, "start without taskset, or with CPUAffinity=%u in the unit", cpu);
		return false;
	}
	return true;
}

void doctor_cpus(struct doctor *d)
{
	struct doctor_set workers, allowed;
	char text[128];
	bool good = true, left = false;

	if (d->conf == NULL) {
		doctor_set_read(d, &workers, CPU_DIR "/online");
		doctor_say(d, DOCTOR_PASS, "cpus", "%u online: %s", doctor_set_count(&workers),
			doctor_set_format(&workers, text, sizeof(text)));
		return;
	}
	read_workers(d, &workers);
	for (unsigned int cpu = 0; cpu < DOCTOR_CPUS; cpu++)
		if (doctor_in_set(&workers, cpu))
			good &= judge_cpu(d, cpu);
	if (doctor_set_count(&workers) < d->conf->runtime.worker_count) {
		doctor_say(d, DOCTOR_WARN, "cpus", "several workers share a CPU");
		doctor_cure(
			d, "give each of runtime.workers a CPU of its own in %s", d->conf->file);
		good = false;
	}
	read_allowed(d, &allowed);
	for (unsigned int cpu = 0; cpu < DOCTOR_CPUS; cpu++)
		left |= doctor_in_set(&allowed, cpu) && !doctor_in_set(&workers, cpu);
	if (doctor_set_count(&allowed) > 0 && !left) {
		doctor_say(d, DOCTOR_WARN, "cpus",
			"workers have every CPU; the control thread shares one with them");
		doctor_cure(d, "leave one CPU out of runtime.workers in %s", d->conf->file);
		good = false;
	}
	if (good)
		doctor_say(d, DOCTOR_PASS, "cpus", "workers on %s, all there and allowed",
			doctor_set_format(&workers, text, sizeof(text)));
}

void doctor_isolation(struct doctor *d)
{
	struct doctor_set isolated, tickless, workers, shared = {{0}}, ticking = {{0}};
	char a[128], b[128];

	read_isolated(d, &isolated);
	doctor_set_read(d, &tickless, CPU_DIR "/nohz_full");
	if (d->conf == NULL) {
		doctor_say(d, DOCTOR_PASS, "isolation", "isolated CPUs: %s",
			doctor_set_count(&isolated) > 0 ? doctor_set_format(&isolated, a, sizeof(a))
							: "none");
		return;
	}
	read_workers(d, &workers);
	for (size_t i = 0; i < DOCTOR_CPUS / 64; i++) {
		shared.bits[i] = workers.bits[i] & ~isolated.bits[i];
		ticking.bits[i] = workers.bits[i] & ~tickless.bits[i];
	}
	doctor_set_format(&workers, a, sizeof(a));
	if (doctor_set_count(&shared) > 0) {
		doctor_say(d, DOCTOR_WARN, "isolation",
			"worker CPUs %s are shared with the rest of the box: workers nap there, "
			"and are interrupted",
			doctor_set_format(&shared, b, sizeof(b)));
	} else if (doctor_set_count(&ticking) > 0) {
		doctor_say(d, DOCTOR_WARN, "isolation",
			"worker CPUs %s are isolated, but the kernel's tick interrupts them",
			doctor_set_format(&ticking, b, sizeof(b)));
	} else {
		doctor_say(d, DOCTOR_PASS, "isolation", "worker CPUs %s are isolated, no tick", a);
		return;
	}
	doctor_cure(d,
		"add isolcpus=%s nohz_full=%s rcu_nocbs=%s to GRUB_CMDLINE_LINUX in "
		"/etc/default/grub, update-grub, reboot",
		a, a, a);
}

void doctor_siblings(struct doctor *d)
{
	struct doctor_set workers, isolated, siblings;
	bool told = false;

	if (d->conf == NULL)
		return;
	read_workers(d, &workers);
	read_isolated(d, &isolated);
	for (unsigned int cpu = 0; cpu < DOCTOR_CPUS; cpu++) {
		if (!doctor_in_set(&workers, cpu) ||
			!doctor_set_read(
				d, &siblings, CPU_DIR "/cpu%u/topology/thread_siblings_list", cpu))
			continue;
		for (unsigned int s = 0; s < DOCTOR_CPUS; s++) {
			bool worker = doctor_in_set(&workers, s);

			if (s == cpu || !doctor_in_set(&siblings, s) ||
				(!worker && doctor_in_set(&isolated, s)) || (worker && s < cpu))
				continue;
			doctor_say(d, DOCTOR_WARN, "smt",
				"worker CPU %u shares its core with CPU %u, %s", cpu, s,
				worker ? "another worker"
				       : "where the control thread and others run");
			doctor_cure(d, "echo 0 > " CPU_DIR "/cpu%u/online", s);
			told = true;
		}
	}
	if (!told)
		doctor_say(d, DOCTOR_PASS, "smt", "no worker shares its core");
}

void doctor_governor(struct doctor *d)
{
	char text[64], bad[64] = "";
	struct doctor_set cpus, slow = {{0}};
	char list[128];
	bool any = false;

	if (d->conf != NULL)
		read_workers(d, &cpus);
	else
		doctor_set_read(d, &cpus, CPU_DIR "/online");
	for (unsigned int cpu = 0; cpu < DOCTOR_CPUS; cpu++) {
		if (!doctor_in_set(&cpus, cpu) ||
			!doctor_line(d, text, sizeof(text),
				CPU_DIR "/cpu%u/cpufreq/scaling_governor", cpu))
			continue;
		any = true;
		if (strcmp(text, "performance") == 0)
			continue;
		slow.bits[cpu / 64] |= 1ULL << (cpu % 64);
		snprintf(bad, sizeof(bad), "%s", text);
	}
	if (!any) {
		doctor_say(
			d, DOCTOR_PASS, "governor", "the kernel does not scale frequencies here");
	} else if (doctor_set_count(&slow) == 0) {
		doctor_say(d, DOCTOR_PASS, "governor", "performance");
	} else {
		doctor_set_format(&slow, list, sizeof(list));
		doctor_say(d, DOCTOR_WARN, "governor",
			"%s on CPUs %s: a worker that naps wakes up slow", bad, list);
		doctor_cure(d, "cpupower -c %s frequency-set -g performance", list);
	}
}
