/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "wr_err.h"

// DPDK's start, the same for every program here: its arguments are made from a few facts; nobody
// who runs a program writes one.

#define EAL_LCORE_MAIN 127 // id of the main thread's lcore; loops are lcores 0, 1, ...

struct eal_options {
	const char *program;  // for DPDK's own messages
	const char *name;     // of the instance: files of two with different names do not collide
	const uint16_t *cpus; // lcore i runs on cpus[i]
	uint32_t cpu_count;
	const char *const *devices; // of the ports; PCI addresses among them are allowed to DPDK
	uint32_t device_count;
	bool huge; // in-memory huge pages: nothing is left behind, whatever ends the process
	uint64_t memory_bytes; // without huge pages: what to reserve
	bool telemetry;
};

// Start DPDK. The main thread takes every allowed CPU that no loop has, or shares them all. Once a
// process. 0, or a negative errno with a sentence.
int eal_start(const struct eal_options *o, struct wr_err *err);

// Free huge pages of all sizes and nodes, in bytes.
uint64_t eal_huge_free_bytes(void);
