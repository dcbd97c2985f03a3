/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_numa.h"

#include <errno.h>
#include <stdint.h>
#include <unistd.h>

#include <numaif.h>

int wr_numa_node_of(const void *addr)
{
	uintptr_t page = (uintptr_t)addr & ~((uintptr_t)sysconf(_SC_PAGESIZE) - 1);
	void *pages[1] = {(void *)page};
	int status[1] = {-EFAULT};

	// move_pages(2) without target nodes moves nothing and reports where each page is.
	if (move_pages(0, 1, pages, NULL, status, 0) < 0)
		return -errno;
	return status[0];
}
