/* SPDX-License-Identifier: BSD-3-Clause */

// The fabric of tests/support on an EAL whose telemetry runs: its own start of EAL is replaced.

#define wr_test_eal_init wr_test_eal_init_without_telemetry
#include "wr_test.h"
#undef wr_test_eal_init

#include "rig.h"

static void wr_test_eal_init(void)
{
	rig_eal_start();
}

#include "../../support/triple.c"
