/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "wr_conf.h"

// Does this box let Weir start, and run well? One finding a line, with the command that cures it.
// Nothing is changed; DPDK is not started.

// `weir --doctor`: with a file, against what this configuration needs; NULL: the box alone. Prints
// all findings. Exit code: 0 without a FAIL, 1 with one, 2 for a bad configuration.
int doctor_main(const char *file, bool json);

// After a start failed: what is not well, to `out`. `need_bytes` is what was estimated before; DPDK
// cannot be asked any more. 0: it did not come so far.
void doctor_after_failure(const struct wr_conf *conf, uint64_t need_bytes, FILE *out);
