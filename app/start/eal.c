/* SPDX-License-Identifier: BSD-3-Clause */
#include "eal.h"

#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <rte_eal.h>
#include <rte_errno.h>

#define ARGS_MAX 64
#define ARG_LEN  512

struct args {
	int n;
	char *v[ARGS_MAX];
	char text[ARGS_MAX][ARG_LEN];
};

__attribute__((format(printf, 2, 3))) static void add(struct args *a, const char *fmt, ...)
{
	va_list ap;

	if (a->n == ARGS_MAX - 1)
		return;
	va_start(ap, fmt);
	vsnprintf(a->text[a->n], ARG_LEN, fmt, ap);
	va_end(ap);
	a->v[a->n] = a->text[a->n];
	a->n++;
}

static bool has_loop(const struct eal_options *o, int cpu)
{
	for (uint32_t i = 0; i < o->cpu_count; i++)
		if (o->cpus[i] == cpu)
			return true;
	return false;
}

static void add_lcores(struct args *a, const struct eal_options *o)
{
	char map[ARG_LEN] = "", cpus[256] = "", any[256] = "";
	cpu_set_t allowed;
	size_t at = 0;

	CPU_ZERO(&allowed);
	sched_getaffinity(0, sizeof(allowed), &allowed);
	for (uint32_t i = 0; i < o->cpu_count; i++)
		at += (size_t)snprintf(map + at, sizeof(map) - at, "%u@%u,", i, o->cpus[i]);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		size_t len = strlen(cpus), all = strlen(any);

		if (!CPU_ISSET(cpu, &allowed) || all > sizeof(any) - 8)
			continue;
		snprintf(any + all, sizeof(any) - all, "%s%d", all > 0 ? "," : "", cpu);
		if (!has_loop(o, cpu))
			snprintf(cpus + len, sizeof(cpus) - len, "%s%d", len > 0 ? "," : "", cpu);
	}
	snprintf(map + at, sizeof(map) - at, "%d@(%s)", EAL_LCORE_MAIN, cpus[0] != 0 ? cpus : any);
	add(a, "--lcores");
	add(a, "%s", map);
	add(a, "--main-lcore");
	add(a, "%d", EAL_LCORE_MAIN);
}

static bool is_pci(const char *device)
{
	unsigned int domain, bus, dev, fn;

	return sscanf(device, "%x:%x:%x.%x", &domain, &bus, &dev, &fn) == 4;
}

static void add_devices(struct args *a, const struct eal_options *o)
{
	bool pci = false;

	for (uint32_t i = 0; i < o->device_count; i++) {
		if (!is_pci(o->devices[i]))
			continue;
		pci = true;
		add(a, "-a");
		add(a, "%s", o->devices[i]);
	}
	if (!pci) {
		add(a, "--no-pci");
		add(a, "--iova-mode=va");
	}
}

int eal_start(const struct eal_options *o, struct wr_err *err)
{
	static struct args a; // EAL keeps pointers to its arguments

	add(&a, "%s", o->program);
	add_lcores(&a, o);
	add(&a, "--file-prefix=%s", o->name);
	add_devices(&a, o);
	if (o->huge) {
		add(&a, "--in-memory");
	} else {
		add(&a, "--no-huge");
		add(&a, "--no-shconf");
		add(&a, "-m");
		add(&a, "%llu", (unsigned long long)(o->memory_bytes / (1024 * 1024) + 1));
	}
	if (!o->telemetry)
		add(&a, "--no-telemetry");
	add(&a, "--log-level=*:error");
	if (rte_eal_init(a.n, a.v) < 0)
		return wr_err_set(err, rte_errno != 0 ? rte_errno : EIO,
			"DPDK does not start: %s%s", rte_strerror(rte_errno),
			rte_errno == EACCES || rte_errno == EPERM ? "; run as root"
			: rte_errno == ENOMEM                     ? "; lower the number of "
								    "connections or add huge pages"
								  : "");
	return 0;
}
