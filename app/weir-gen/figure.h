/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stddef.h>
#include <stdint.h>

// Figures as text, short enough for a column. Each writes into `buf` and returns it.

#define FIGURE_LEN 32

// "12,345"; from ten million on "12.35 M", then G and T.
char *figure_count(uint64_t n, char buf[FIGURE_LEN]);
// All digits: "12,345,678".
char *figure_exact(uint64_t n, char buf[FIGURE_LEN]);
// "850 ns", "12.3 us", "4.56 ms", "1.20 s".
char *figure_time(uint64_t ns, char buf[FIGURE_LEN]);
// Seconds with one digit: "12.0 s".
char *figure_seconds(uint64_t ns, char buf[FIGURE_LEN]);
// A share in millionths: "0.12 %", "85.0 %"; never "0.00 %" for what is not zero.
char *figure_share(uint64_t ppm, char buf[FIGURE_LEN]);
