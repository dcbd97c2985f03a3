/* SPDX-License-Identifier: BSD-3-Clause */
// What the relay knows of a frame, and its pattern of fates.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum kind {
	KIND_NEIGHBOUR, // ARP, neighbour and router discovery
	KIND_OTHER,
	KIND_DATA, // TCP with payload
};

enum kind frame_kind(const uint8_t *f, uint32_t len);

// True for `share` (of 2^64) of all numbers; seed and salt choose which.
bool pattern(uint64_t seed, uint64_t salt, uint64_t number, uint64_t share);
