/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>

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
};

// lock.c: the name of an instance is held by one process. Sets lock_fd. -EBUSY names the other's
// pid.
int lock_take(struct instance *in, struct wr_err *err);
void lock_release(struct instance *in);

// memory.c: huge pages or not, and how much. Fills `huge` and `memory_bytes`.
int memory_decide(struct instance *in, struct wr_err *err);

// boot.c: ports, pools, fabric and control; workers launched.
int boot(struct instance *in, struct wr_err *err);
void shut(struct instance *in);
