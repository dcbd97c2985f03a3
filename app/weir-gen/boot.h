/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "loop.h"

// How often a signal asked the run to end; the second one ends the drain too.
typedef int (*run_signals)(void);

// Everything that a run holds, in the order in which it is made.
struct instance {
	struct gen_conf *conf;
	bool huge;
	uint64_t memory_bytes;
	struct wr_port *ports[GEN_MAX_PORTS];
	struct wr_mempools pools;
	bool pools_made;
	struct loop loop;
};

// Ports, buffers, hosts, clients, backends; next hops of all targets asked for (at most 20 s),
// packet streams made. The loop does not run yet. Sentence on error, or when a signal came first.
int boot(struct instance *in, run_signals signals, struct wr_err *err);

// boot() did as far as it came; the loop must not run any more.
void shut(struct instance *in);

// Huge pages or not, and how much memory.
int memory_decide(struct instance *in, struct wr_err *err);
