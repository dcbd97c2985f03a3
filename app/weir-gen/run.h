/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "boot.h"

// A run, from the first arrival to the tables: the main thread's part, while the loop works.

// Make the run, or the trials of a search, print and write what was measured. The loop runs on its
// lcore. 0; negative errno with a sentence when a result cannot be written.
int run(struct instance *in, run_signals signals, struct wr_err *err);
