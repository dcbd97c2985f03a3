/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "wr_backend.h"

// A table that was replaced, and the grace period after which no worker reads it.
struct retired {
	struct wr_maglev *table;
	uint64_t token;
};

struct wr_backends {
	uint16_t workers;
	uint32_t pool_count;
	uint32_t count;
	struct wr_pool_slot *pools;
	struct wr_backend *backends;
	struct wr_backend_counters *counters; // [count][workers]
	struct rte_rcu_qsbr *rcu;
	struct retired *retired;
	uint32_t retired_count, retired_max;
};

// Build the pool's table from its slots and swap it in; the old one is retired. 0 or -ENOMEM (the
// old table stays). Control thread.
int wr_backends_rebuild(struct wr_backends *b, uint16_t pool);
