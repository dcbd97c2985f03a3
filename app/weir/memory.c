/* SPDX-License-Identifier: BSD-3-Clause */

// Huge pages or plain memory, decided before DPDK starts.

#include "weir.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eal.h"
#include "wr_log.h"
#include "wr_proxy.h"
#include "wr_tcp.h"

#define MIB             (1024ULL * 1024)
#define SLACK_BYTES     (96 * MIB) // DPDK's own structures, rings, flow tables' rounding
#define RX_DESC_ASSUMED 2048       // before a port can be asked
#define TX_DESC_ASSUMED 2048

static int estimate(struct instance *in, struct wr_err *err)
{
	const struct wr_conf *c = in->conf;
	uint32_t workers = c->runtime.worker_count, sessions = c->runtime.max_sessions;
	struct wr_mempools_need need = {.rx_count = c->runtime.rx_mbufs,
		.rx_desc = c->port_count * workers * RX_DESC_ASSUMED,
		.tx_desc = c->port_count * workers * TX_DESC_ASSUMED,
		.workers = workers,
		.max_sessions = sessions};
	struct wr_mempools plan;
	// A session's two connections, a quarter more for TIME-WAIT, flow slots at half load.
	uint64_t per_session = wr_proxy_session_size() + 5 * wr_tcp_conn_size() / 2 + 2 * 2 * 64;
	int rc = wr_mempools_plan(&plan, &need, err);

	if (rc < 0)
		return rc;
	in->memory_bytes = plan.bytes + per_session * sessions + SLACK_BYTES + workers * 16 * MIB;
	wr_log(WR_LOG_INFO,
		"memory: %u sessions x %llu bytes (session %u, connections 2.5 x %u, flow slots) = "
		"%llu MiB; buffers %llu MiB; with rings and slack %llu MiB",
		sessions, (unsigned long long)per_session, wr_proxy_session_size(),
		wr_tcp_conn_size(), (unsigned long long)(per_session * sessions / MIB),
		(unsigned long long)(plan.bytes / MIB),
		(unsigned long long)(in->memory_bytes / MIB));
	return 0;
}

int memory_decide(struct instance *in, struct wr_err *err)
{
	uint64_t free_bytes = eal_huge_free_bytes();
	unsigned long long pages;
	int rc = estimate(in, err);

	if (rc < 0)
		return rc;
	pages = in->memory_bytes / (2 * MIB) + 1;
	in->huge =
		in->conf->runtime.memory != WR_CONF_MEMORY_PLAIN && free_bytes >= in->memory_bytes;
	if (in->conf->runtime.memory == WR_CONF_MEMORY_HUGE && !in->huge)
		return wr_err_set(err, ENOMEM,
			"runtime.memory is 'huge' but %llu MiB of huge pages are free and %llu MiB "
			"are needed; cure: sysctl -w vm.nr_hugepages=%llu",
			(unsigned long long)(free_bytes / MIB),
			(unsigned long long)(in->memory_bytes / MIB), pages);
	if (!in->huge)
		wr_log(WR_LOG_WARN,
			"memory: running without huge pages (%llu MiB free, %llu MiB needed), "
			"slower and not pinned to a NUMA node; cure: sysctl -w "
			"vm.nr_hugepages=%llu",
			(unsigned long long)(free_bytes / MIB),
			(unsigned long long)(in->memory_bytes / MIB), pages);
	return 0;
}
