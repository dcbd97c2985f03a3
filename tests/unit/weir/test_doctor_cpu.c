/* SPDX-License-Identifier: BSD-3-Clause */
#include "box.h"

#define CPU "/sys/devices/system/cpu"

static void cpus(struct box *b)
{
	char path[128], text[64];

	for (int i = 0; i < 8; i++) {
		snprintf(path, sizeof(path), CPU "/cpu%d/topology/thread_siblings_list", i);
		snprintf(text, sizeof(text), "%d\n", i);
		box_file(b, path, text);
	}
	box_file(b, CPU "/online", "0-7\n");
	box_file(b, "/proc/self/status", "CapEff:\tff\nCpus_allowed_list:\t0-7\n");
}

static void set_parse_format(void **state)
{
	struct doctor_set s;
	char text[64];

	doctor_set_parse(&s, "0-2,5,1023\n");
	assert_int_equal(doctor_set_count(&s), 5);
	assert_true(doctor_in_set(&s, 1023));
	assert_false(doctor_in_set(&s, 1024));
	assert_string_equal(doctor_set_format(&s, text, sizeof(text)), "0-2,5,1023");
	doctor_set_parse(&s, "5-4000000000");
	assert_int_equal(doctor_set_count(&s), DOCTOR_CPUS - 5);
	doctor_set_parse(&s, "");
	assert_string_equal(doctor_set_format(&s, text, sizeof(text)), "");
	doctor_set_parse(&s, "junk");
	assert_int_equal(doctor_set_count(&s), 0);
}

static void cpus_levels(void **state)
{
	struct box *b = *state;

	cpus(b);
	box_expect(b, doctor_cpus, DOCTOR_PASS, "cpus", "8 online: 0-7", "");
	box_conf(b, "  workers: [1, 2]", BOX_NULLS);
	box_expect(b, doctor_cpus, DOCTOR_PASS, "cpus", "1-2, all there", "");
	box_remove(b, CPU "/cpu2");
	box_expect(b, doctor_cpus, DOCTOR_FAIL, "cpus", "CPU 2 is not in this box", "lscpu");
	cpus(b);
	box_file(b, CPU "/online", "0-1,3-7\n");
	box_expect(b, doctor_cpus, DOCTOR_FAIL, "cpus", "CPU 2 is offline", "cpu2/online");
	cpus(b);
	box_file(b, "/proc/self/cpuset", "/weir.slice\n");
	box_file(b, "/sys/fs/cgroup/weir.slice/cpuset.cpus.effective", "0-1\n");
	box_expect(b, doctor_cpus, DOCTOR_FAIL, "cpus", "CPU 2 is outside the cpuset",
		"AllowedCPUs=2");
	box_file(b, "/sys/fs/cgroup/weir.slice/cpuset.cpus.effective", "0-7\n");
	box_file(b, "/proc/self/status", "Cpus_allowed_list:\t0-1\n");
	box_expect(b, doctor_cpus, DOCTOR_WARN, "cpus", "CPU 2 is not in the affinity", "taskset");
	// Isolated CPUs are in no affinity by default, and are ours all the same.
	box_file(b, CPU "/isolated", "1-2\n");
	box_expect(b, doctor_cpus, DOCTOR_PASS, "cpus", "1-2", "");
	box_file(b, "/proc/self/status", "Cpus_allowed_list:\t1-2\n");
	box_expect(b, doctor_cpus, DOCTOR_WARN, "cpus", "workers have every CPU", "leave one");
}

static void isolation_levels(void **state)
{
	struct box *b = *state;

	cpus(b);
	box_expect(b, doctor_isolation, DOCTOR_PASS, "isolation", "none", "");
	box_conf(b, "  workers: [2, 3]", BOX_NULLS);
	box_expect(b, doctor_isolation, DOCTOR_WARN, "isolation", "2-3 are shared",
		"isolcpus=2-3 nohz_full=2-3");
	box_file(b, CPU "/isolated", "2\n");
	box_expect(b, doctor_isolation, DOCTOR_WARN, "isolation", "CPUs 3 are shared", "=2-3");
	// The other by a cpuset partition.
	box_file(b, "/sys/fs/cgroup/cpuset.cpus.isolated", "3\n");
	box_expect(b, doctor_isolation, DOCTOR_WARN, "isolation", "tick", "nohz_full");
	box_file(b, CPU "/nohz_full", "2-3\n");
	box_expect(b, doctor_isolation, DOCTOR_PASS, "isolation", "isolated, no tick", "");
}

static void siblings_levels(void **state)
{
	struct box *b = *state;

	cpus(b);
	box_conf(b, "  workers: [2, 3]", BOX_NULLS);
	box_expect(b, doctor_siblings, DOCTOR_PASS, "smt", "no worker", "");
	box_file(b, CPU "/cpu2/topology/thread_siblings_list", "2,6\n");
	box_expect(
		b, doctor_siblings, DOCTOR_WARN, "smt", "CPU 6, where the control", "cpu6/online");
	box_file(b, CPU "/isolated", "6\n");
	box_expect(b, doctor_siblings, DOCTOR_PASS, "smt", "no worker", "");
	box_file(b, CPU "/cpu2/topology/thread_siblings_list", "2-3\n");
	box_expect(b, doctor_siblings, DOCTOR_WARN, "smt", "CPU 3, another worker", "cpu3/online");
}

static void governor_levels(void **state)
{
	struct box *b = *state;

	cpus(b);
	box_conf(b, "  workers: [2]", BOX_NULLS);
	box_expect(b, doctor_governor, DOCTOR_PASS, "governor", "does not scale", "");
	box_file(b, CPU "/cpu2/cpufreq/scaling_governor", "performance\n");
	box_expect(b, doctor_governor, DOCTOR_PASS, "governor", "performance", "");
	box_file(b, CPU "/cpu2/cpufreq/scaling_governor", "powersave\n");
	box_expect(b, doctor_governor, DOCTOR_WARN, "governor", "powersave on CPUs 2",
		"cpupower -c 2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(set_parse_format),
		cmocka_unit_test_setup_teardown(cpus_levels, box_make, box_drop),
		cmocka_unit_test_setup_teardown(isolation_levels, box_make, box_drop),
		cmocka_unit_test_setup_teardown(siblings_levels, box_make, box_drop),
		cmocka_unit_test_setup_teardown(governor_levels, box_make, box_drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
