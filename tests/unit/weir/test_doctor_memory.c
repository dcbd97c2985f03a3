/* SPDX-License-Identifier: BSD-3-Clause */
#include "box.h"

#define MIB  (1024ULL * 1024)
#define NODE "/sys/devices/system/node/node%d"

static void pages(struct box *b, const char *dir, int total, int free_pages)
{
	char path[256], text[32];

	snprintf(path, sizeof(path), "%s/hugepages-2048kB/nr_hugepages", dir);
	snprintf(text, sizeof(text), "%d\n", total);
	box_file(b, path, text);
	snprintf(path, sizeof(path), "%s/hugepages-2048kB/free_hugepages", dir);
	snprintf(text, sizeof(text), "%d\n", free_pages);
	box_file(b, path, text);
}

static void huge_pages_one_node(void **state)
{
	struct box *b = *state;

	box_expect(b, doctor_huge_pages, DOCTOR_WARN, "huge-pages", "none free",
		"sysctl -w vm.nr_hugepages=");
	pages(b, "/sys/kernel/mm/hugepages", 600, 500);
	box_expect(b, doctor_huge_pages, DOCTOR_PASS, "huge-pages", "1000 MiB free", "");
	box_conf(b, "  workers: [0]", BOX_NULLS);
	b->d.need_bytes = 900 * MIB;
	box_expect(b, doctor_huge_pages, DOCTOR_PASS, "huge-pages", "900 MiB needed", "");
	b->d.need_bytes = 1200 * MIB;
	box_expect(b, doctor_huge_pages, DOCTOR_WARN, "huge-pages", "1200 MiB needed",
		"echo 701 > /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages");
	// What a start that failed still holds is as good as free.
	box_file(b, "/proc/self/status", "HugetlbPages:\t  409600 kB\n");
	box_expect(b, doctor_huge_pages, DOCTOR_PASS, "huge-pages", "1400 MiB free", "");
	box_remove(b, "/proc/self/status");
	box_conf(b, "  workers: [0]\n  memory: huge", BOX_NULLS);
	box_expect(b, doctor_huge_pages, DOCTOR_FAIL, "huge-pages", "1000 MiB free", "echo 701");
	box_remove(b, "/sys");
	box_expect(b, doctor_huge_pages, DOCTOR_FAIL, "huge-pages", "kernel has none", "plain");
	box_conf(b, "  workers: [0]\n  memory: plain", BOX_NULLS);
	box_expect(b, doctor_huge_pages, DOCTOR_PASS, "huge-pages", "plain", "");
}

static void huge_pages_two_nodes(void **state)
{
	struct box *b = *state;

	box_file(b, "/sys/devices/system/node/node0/cpulist", "0-3\n");
	box_file(b, "/sys/devices/system/node/node1/cpulist", "4-7\n");
	pages(b, "/sys/kernel/mm/hugepages", 600, 600);
	pages(b, "/sys/devices/system/node/node0/hugepages", 500, 500);
	pages(b, "/sys/devices/system/node/node1/hugepages", 100, 100);
	box_conf(b, "  workers: [1, 5]", BOX_NULLS);
	b->d.need_bytes = 800 * MIB;
	box_expect(b, doctor_huge_pages, DOCTOR_PASS, "huge-pages", "node 0: 1000 MiB", "");
	box_expect(b, doctor_huge_pages, DOCTOR_WARN, "huge-pages",
		"node 1: 200 MiB free, 400 MiB needed", "node1/hugepages/hugepages-2048kB");
	box_expect(b, doctor_huge_pages, DOCTOR_PASS, "huge-pages", "the box: 1200 MiB", "");
}

static void memory_available(void **state)
{
	struct box *b = *state;

	box_conf(b, "  workers: [0]\n  memory: plain", BOX_NULLS);
	b->d.need_bytes = 1000 * MIB;
	box_file(b, "/proc/meminfo", "MemTotal: 9 kB\nMemAvailable:    2048000 kB\n");
	box_expect(b, doctor_huge_pages, DOCTOR_PASS, "memory", "2000 MiB available", "");
	box_file(b, "/proc/meminfo", "MemAvailable:    512000 kB\n");
	box_expect(b, doctor_huge_pages, DOCTOR_FAIL, "memory", "500 MiB available",
		"max_sessions: 25000");
}

static void hugetlbfs_levels(void **state)
{
	struct box *b = *state;

	box_file(b, "/proc/filesystems", "nodev\tproc\nnodev\thugetlbfs\n");
	box_file(b, "/proc/mounts", "proc /proc proc rw 0 0\n");
	box_expect(b, doctor_hugetlbfs, DOCTOR_PASS, "hugetlbfs", "not mounted", "");
	box_file(b, "/proc/mounts", "none /dev/hugepages hugetlbfs rw 0 0\n");
	box_folder(b, "/dev/hugepages");
	box_expect(b, doctor_hugetlbfs, DOCTOR_PASS, "hugetlbfs", "at /dev/hugepages", "");
	box_file(b, "/dev/hugepages/rtemap_0", "");
	box_expect(b, doctor_hugetlbfs, DOCTOR_WARN, "hugetlbfs", "1 files", "rm /dev/hugepages/");
	box_file(b, "/proc/filesystems", "nodev\tproc\n");
	box_expect(b, doctor_hugetlbfs, DOCTOR_WARN, "hugetlbfs", "CONFIG_HUGETLBFS", "plain");
	box_conf(b, "  workers: [0]\n  memory: huge", BOX_NULLS);
	box_expect(b, doctor_hugetlbfs, DOCTOR_FAIL, "hugetlbfs", "CONFIG_HUGETLBFS", "plain");
}

static void transparent_levels(void **state)
{
	const char *path = "/sys/kernel/mm/transparent_hugepage/enabled";
	struct box *b = *state;

	box_expect(b, doctor_transparent, DOCTOR_PASS, "transparent-huge-pages", "not in", "");
	box_file(b, path, "always [madvise] never\n");
	box_expect(b, doctor_transparent, DOCTOR_PASS, "transparent-huge-pages", "madvise", "");
	box_file(b, path, "[always] madvise never\n");
	box_expect(b, doctor_transparent, DOCTOR_WARN, "transparent-huge-pages", "always",
		"echo madvise > /sys");
	box_conf(b, "  workers: [0]\n  memory: plain", BOX_NULLS);
	box_expect(b, doctor_transparent, DOCTOR_PASS, "transparent-huge-pages", "always", "");
	box_file(b, path, "always madvise [never]\n");
	box_expect(b, doctor_transparent, DOCTOR_WARN, "transparent-huge-pages", "4 KiB",
		"echo always");
}

static void swap_levels(void **state)
{
	struct box *b = *state;

	box_file(b, "/proc/swaps", "Filename Type\n");
	box_expect(b, doctor_swap, DOCTOR_PASS, "swap", "none", "");
	box_file(b, "/proc/swaps", "Filename Type\n/dev/sda2 partition\n");
	box_expect(b, doctor_swap, DOCTOR_PASS, "swap", "never swapped", "");
	box_conf(b, "  workers: [0]\n  memory: plain", BOX_NULLS);
	box_expect(b, doctor_swap, DOCTOR_WARN, "swap", "milliseconds", "swapoff -a");
}

#define LIMITS(lock, files)                                                                        \
	"Limit  Soft Limit  Hard Limit  Units\nMax locked memory   " lock                          \
	"  bytes\nMax open files    " files "   files\n"

static void limits_levels(void **state)
{
	struct box *b = *state;

	box_file(b, "/proc/self/status", "CapEff:\t0000000000000000\n");
	box_file(b, "/proc/self/limits", LIMITS("unlimited unlimited", "1024 65536"));
	box_expect(b, doctor_limits, DOCTOR_PASS, "memory-lock", "no limit", "");
	box_expect(b, doctor_limits, DOCTOR_PASS, "open-files", "65536", "");
	box_file(b, "/proc/self/limits", LIMITS("8388608 8388608", "1024 600"));
	box_expect(b, doctor_limits, DOCTOR_WARN, "memory-lock", "8192 KiB", "ulimit -l unlimited");
	box_expect(b, doctor_limits, DOCTOR_WARN, "open-files", "600", "ulimit -n 65536");
	box_conf(b, "  workers: [0]", BOX_PORTS("0000:3b:00.0", "", "net_null1", ""));
	b->d.need_bytes = 1024 * MIB;
	box_expect(b, doctor_limits, DOCTOR_FAIL, "memory-lock", "8192 KiB", "LimitMEMLOCK");
	box_expect(
		b, doctor_limits, DOCTOR_FAIL, "open-files", "1024 are needed", "ulimit -n 1024");
	b->d.need_bytes = 8 * MIB;
	box_expect(b, doctor_limits, DOCTOR_PASS, "memory-lock", "8 MiB may be locked", "");
	box_file(b, "/proc/self/status", "CapEff:\t000001ffffffffff\n");
	b->d.need_bytes = 1024 * MIB;
	box_expect(b, doctor_limits, DOCTOR_PASS, "memory-lock", "CAP_IPC_LOCK", "");
}

static void privileges_levels(void **state)
{
	struct box *b = *state;

	box_file(b, "/proc/self/status", "CapEff:\t000001ffffffffff\n");
	box_expect(b, doctor_privileges, DOCTOR_PASS, "privileges", "root", "");
	box_file(b, "/proc/self/status", "CapEff:\t0000000000003000\n"); // NET_ADMIN, NET_RAW
	box_expect(b, doctor_privileges, DOCTOR_WARN, "privileges", "not root", "runtime.user");
	box_file(b, "/proc/self/status", "CapEff:\t0000000000001000\n");
	box_expect(b, doctor_privileges, DOCTOR_FAIL, "privileges", "CAP_NET_RAW ports", "root");
	box_file(b, "/proc/self/status", "CapEff:\t0000000000000000\n");
	box_expect(b, doctor_privileges, DOCTOR_FAIL, "privileges", "CAP_NET_RAW and CAP_NET_ADMIN",
		"root");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(huge_pages_one_node, box_make, box_drop),
		cmocka_unit_test_setup_teardown(huge_pages_two_nodes, box_make, box_drop),
		cmocka_unit_test_setup_teardown(memory_available, box_make, box_drop),
		cmocka_unit_test_setup_teardown(hugetlbfs_levels, box_make, box_drop),
		cmocka_unit_test_setup_teardown(transparent_levels, box_make, box_drop),
		cmocka_unit_test_setup_teardown(swap_levels, box_make, box_drop),
		cmocka_unit_test_setup_teardown(limits_levels, box_make, box_drop),
		cmocka_unit_test_setup_teardown(privileges_levels, box_make, box_drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
