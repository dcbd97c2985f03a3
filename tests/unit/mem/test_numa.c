/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "wr_numa.h"

#include <errno.h>
#include <sys/mman.h>

#include <numa.h>

static void numa_node_of_touched_page(void **state)
{
	int *p = malloc(sizeof(*p));
	int node;

	*p = 1;
	node = wr_numa_node_of(p);
	free(p);
	if (numa_available() < 0 || node == -EPERM || node == -ENOSYS)
		return; // a kernel or container that does not tell
	assert_in_range(node, 0, numa_max_node());
}

static void numa_node_of_nothing(void **state)
{
	char *map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_true(map != MAP_FAILED);
	assert_true(wr_numa_node_of(map) < 0);
	munmap(map, 8192);
	assert_true(wr_numa_node_of(map) < 0);
	assert_true(wr_numa_node_of(NULL) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numa_node_of_touched_page),
		cmocka_unit_test(numa_node_of_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
