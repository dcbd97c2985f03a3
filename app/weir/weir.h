/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <signal.h>
#include <stdbool.h>

#include "notify.h"
#include "rights.h"
#include "wr_conf.h"
#include "wr_ctl.h"
#include "wr_err.h"
#include "wr_mempool.h"
#include "wr_port.h"
#include "wr_worker.h"

#define NODES_MAX 8

// Everything that a running instance holds, in the order in which it is made.
struct instance {
	struct wr_conf *conf;
	int lock_fd;
	bool huge;
	uint64_t memory_bytes; // estimated need
	struct wr_port *ports[WR_MAX_PORTS];
	struct wr_port *taps[WR_MAX_PORTS];
	struct wr_mempools pools[NODES_MAX];
	bool pools_made[NODES_MAX];
	struct wr_backends *backends;
	struct wr_fabric *fabric;
	struct wr_ctl *ctl;
	bool workers_run;
	struct accounts accounts;
	struct notify notify;
};

// lock.c: the name of an instance is held by one process. Sets lock_fd. -EBUSY names the other's
// pid.
int lock_take(struct instance *in, struct wr_err *err);
void lock_release(struct instance *in);

// memory.c: huge pages or not, and how much. Fills `huge` and `memory_bytes`.
int memory_decide(struct instance *in, struct wr_err *err);
// What this configuration will take, as far as can be told before DPDK runs.
int memory_estimate(const struct wr_conf *c, uint64_t *bytes, struct wr_err *err);

// boot.c: ports, pools, fabric and control; workers launched.
int boot(struct instance *in, struct wr_err *err);
void shut(struct instance *in);
// After boot(): the socket, the key and files for whom they are, then the rights that are not
// needed any more.
int settle(struct instance *in, struct wr_err *err);

// serve.c: the control thread, from the first turn until all sessions ended. Asked to end when
// *ends is not 0, at once when above 1; *reload is taken back.
void serve(struct instance *in, volatile sig_atomic_t *ends, volatile sig_atomic_t *reload);
