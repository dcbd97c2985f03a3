/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

// What every cmocka test includes, in the order that cmocka needs.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <rte_eal.h>

// Start EAL once for tests that need mbufs: no huge pages, no PCI, no telemetry, nothing left
// behind.
static inline void wr_test_eal_init(void)
{
	static int done;
	static char *argv[] = {"test", "--no-huge", "-m", "512", "--no-pci", "--no-telemetry",
		"--no-shconf", "--lcores", "0@0", "--log-level", "lib.*:error", NULL};

	if (done)
		return;
	done = 1;
	if (rte_eal_init((int)(sizeof(argv) / sizeof(argv[0])) - 1, argv) < 0) {
		fprintf(stderr, "EAL did not start\n");
		abort();
	}
}
