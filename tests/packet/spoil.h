/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "script.h"

// Make the `which`th expectation of a line wrong. 1: done, *what names it; 0: the line has no such
// expectation; negative: nor any later one.
int pk_spoil(struct pk_line *line, uint32_t which, const char **what);
