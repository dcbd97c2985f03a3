/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Numbers for people. Each writes into buf and returns it; 24 bytes are enough.

#define HUMAN_LEN 24

char *human_bytes(uint64_t bytes, char *buf, size_t len);       // "1.5 MiB"
char *human_duration(uint64_t us, char *buf, size_t len);       // "3.2 ms", "2 h 5 m"
char *human_permille(uint64_t permille, char *buf, size_t len); // "97.3 %"
char *human_rate(double per_s, char *buf, size_t len);          // "12.3 k"

// By the unit that the key ends in: _us, _ms, _s, _permille, bytes; else the plain number.
char *human_by_key(const char *key, uint64_t value, char *buf, size_t len);
