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

struct sum {
	uint64_t session_bytes; // of one
	uint64_t buffer_bytes;
	uint64_t bytes;
};

static int add_up(const struct wr_conf *c, struct sum *out, struct wr_err *err)
{
	uint32_t workers = c->runtime.worker_count, sessions = c->runtime.max_sessions;
	struct wr_mempools_need need = {.rx_count = c->runtime.rx_mbufs,
		.rx_desc = c->port_count * workers * RX_DESC_ASSUMED,
		.tx_desc = c->port_count * workers * TX_DESC_ASSUMED,
		.workers = workers,
		.max_sessions = sessions,
		.esp_frames = c->tunnel_count == 0 ? 0
	                                           : wr_worker_frames_most((uint16_t)workers,
							     (uint16_t)c->port_count)};
	struct wr_mempools plan;
	int rc = wr_mempools_plan(&plan, &need, err);

	if (rc < 0)
		return rc;
	// A session's two connections, a quarter more for TIME-WAIT, flow slots at half load.
	out->session_bytes = wr_proxy_session_size() + 5 * wr_tcp_conn_size() / 2 + 2 * 2 * 64;
	out->buffer_bytes = plan.bytes;
	out->bytes = plan.bytes + out->session_bytes * sessions + SLACK_BYTES + workers * 16 * MIB;
	return 0;
}

int memory_estimate(const struct wr_conf *c, uint64_t *bytes, struct wr_err *err)
{
	struct sum sum = {0};
	int rc = add_up(c, &sum, err);

	*bytes = sum.bytes;
	return rc;
}

static int estimate(struct instance *in, struct wr_err *err)
{
	uint32_t sessions = in->conf->runtime.max_sessions;
	struct sum sum = {0};
	int rc = add_up(in->conf, &sum, err);

	if (rc < 0)
		return rc;
	in->memory_bytes = sum.bytes;
	wr_log(WR_LOG_INFO,
		"memory: %u sessions x %llu bytes (session %u, connections 2.5 x %u, flow slots) = "
		"%llu MiB; buffers %llu MiB; with rings and slack %llu MiB",
		sessions, (unsigned long long)sum.session_bytes, wr_proxy_session_size(),
		wr_tcp_conn_size(), (unsigned long long)(sum.session_bytes * sessions / MIB),
		(unsigned long long)(sum.buffer_bytes / MIB),
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
