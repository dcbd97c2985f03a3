/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stddef.h>

#include "wr_err.h"

// Run `weir --doctor`, of the weir beside this program or else in PATH, for at most half a minute:
// what it said in *text (from malloc), and its exit code; -1 with a sentence when it cannot be run.
int doctor_run(char **text, size_t *len, struct wr_err *err);
