/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "worker_priv.h"

// Make worker `id` on the fabric (ports and rings are wired by the fabric afterwards). What was
// made before a failure hangs on f->worker[id] and goes with worker_destroy().
struct wr_worker *worker_create(struct wr_fabric *f, uint16_t id, wr_us_t now, struct wr_err *err);
void worker_destroy(struct wr_worker *w);
