/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Units of time and size. Engine time is microseconds in 64 bits, counted from an origin that the
// caller owns and that never goes back.

typedef uint64_t wr_us_t;

#define WR_US_PER_MS 1000ULL
#define WR_US_PER_S  1000000ULL
#define WR_US_NEVER  UINT64_MAX

// Parse "250us", "30ms", "3s", "5m", "1h" (a bare number is refused: the unit is required).
// Returns 0 and sets *out, -EINVAL when not of this form, -ERANGE past 365 days.
int wr_units_parse_time(const char *text, wr_us_t *out);

// Write the shortest exact form ("3s", "1500ms") into buf; returns buf.
char *wr_units_format_time(wr_us_t us, char *buf, size_t len);

// Parse a size: a number, or one with K, M, G, T (powers of 1024), optionally followed by B or iB.
// Returns 0, -EINVAL or -ERANGE.
int wr_units_parse_size(const char *text, uint64_t *out);
