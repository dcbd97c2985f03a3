/* SPDX-License-Identifier: BSD-3-Clause */

// DPDK's start: its arguments are made from the configuration; the operator never writes one.

#include "weir.h"

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

static bool is_worker_cpu(const struct wr_conf *c, int cpu)
{
	for (uint32_t i = 0; i < c->runtime.worker_count; i++)
		if (c->runtime.workers[i] == cpu)
			return true;
	return false;
}

// lcore i is worker i on its CPU; the control thread takes every other CPU, or shares them all.
static void add_lcores(struct args *a, const struct wr_conf *c)
{
	char map[ARG_LEN] = "", cpus[256] = "", any[256] = "";
	cpu_set_t allowed;
	size_t at = 0;

	CPU_ZERO(&allowed);
	sched_getaffinity(0, sizeof(allowed), &allowed);
	for (uint32_t i = 0; i < c->runtime.worker_count; i++)
		at += (size_t)snprintf(
			map + at, sizeof(map) - at, "%u@%u,", i, c->runtime.workers[i]);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		size_t len = strlen(cpus), all = strlen(any);

		if (!CPU_ISSET(cpu, &allowed) || all > sizeof(any) - 8)
			continue;
		snprintf(any + all, sizeof(any) - all, "%s%d", all > 0 ? "," : "", cpu);
		if (!is_worker_cpu(c, cpu))
			snprintf(cpus + len, sizeof(cpus) - len, "%s%d", len > 0 ? "," : "", cpu);
	}
	snprintf(map + at, sizeof(map) - at, "%d@(%s)", LCORE_CONTROL, cpus[0] != 0 ? cpus : any);
	add(a, "--lcores");
	add(a, "%s", map);
	add(a, "--main-lcore");
	add(a, "%d", LCORE_CONTROL);
}

static bool is_pci(const char *device)
{
	unsigned int domain, bus, dev, fn;

	return sscanf(device, "%x:%x:%x.%x", &domain, &bus, &dev, &fn) == 4;
}

static void add_devices(struct args *a, const struct wr_conf *c)
{
	bool pci = false;

	for (uint32_t i = 0; i < c->port_count; i++) {
		if (!is_pci(c->ports[i].device))
			continue;
		pci = true;
		add(a, "-a");
		add(a, "%s", c->ports[i].device);
	}
	if (!pci) {
		add(a, "--no-pci");
		add(a, "--iova-mode=va");
	}
}

int eal_start(const struct instance *in, struct wr_err *err)
{
	static struct args a; // EAL keeps pointers to its arguments
	const struct wr_conf *c = in->conf;

	add(&a, "weir");
	add_lcores(&a, c);
	add(&a, "--file-prefix=%s", c->runtime.name);
	add_devices(&a, c);
	if (in->huge) {
		add(&a, "--in-memory"); // nothing is left behind, whatever ends the process
	} else {
		add(&a, "--no-huge");
		add(&a, "--no-shconf");
		add(&a, "-m");
		add(&a, "%llu", (unsigned long long)(in->memory_bytes / (1024 * 1024) + 1));
	}
	add(&a, "--log-level=*:error");
	if (rte_eal_init(a.n, a.v) < 0)
		return wr_err_set(err, rte_errno != 0 ? rte_errno : EIO,
			"DPDK does not start: %s%s", rte_strerror(rte_errno),
			rte_errno == EACCES || rte_errno == EPERM ? "; run as root"
			: rte_errno == ENOMEM ? "; lower runtime.max_sessions or add huge pages"
					      : "");
	return 0;
}
