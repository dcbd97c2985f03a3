/* SPDX-License-Identifier: BSD-3-Clause */
#include "box.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <jansson.h>

static int lock_file(struct box *b, const char *path)
{
	char whole[256];
	int fd;

	snprintf(whole, sizeof(whole), "%s%s", b->root, path);
	fd = open(whole, O_RDWR);
	assert_true(fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0);
	return fd;
}

static void instance_levels(void **state)
{
	struct box *b = *state;
	int fd;

	box_conf(b, "  workers: [0]\n  name: edge", BOX_NULLS);
	box_expect(b, doctor_instance, DOCTOR_PASS, "instance", "none named edge", "");
	box_file(b, "/run/weir/edge.lock", "");
	box_expect(b, doctor_instance, DOCTOR_PASS, "instance", "none named edge", "");
	box_file(b, "/run/weir/edge.lock", "4711\n");
	box_expect(b, doctor_instance, DOCTOR_WARN, "instance", "pid 4711", "journalctl _PID=4711");
	fd = lock_file(b, "/run/weir/edge.lock");
	box_expect(b, doctor_instance, DOCTOR_FAIL, "instance", "runs already, pid 4711",
		"kill -TERM 4711");
	b->d.self = 4711; // our own
	box_expect(b, doctor_instance, DOCTOR_PASS, "instance", "none named edge", "");
	close(fd);
}

static int listener(struct box *b, const char *path)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);

	box_parent(b, path);
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%.40s%.60s", b->root, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(listen(fd, 4), 0);
	return fd;
}

static void leftovers_levels(void **state)
{
	struct box *b = *state;
	int fd;

	box_expect(b, doctor_leftovers, DOCTOR_PASS, "leftovers", "none", "");
	fd = listener(b, "/run/dpdk/edge/t.v2");
	box_conf(b, "  workers: [0]\n  name: edge", BOX_NULLS);
	box_expect(b, doctor_leftovers, DOCTOR_FAIL, "leftovers", "another DPDK program",
		"runtime.name");
	b->d.self = getpid();
	box_expect(b, doctor_leftovers, DOCTOR_PASS, "leftovers", "none", "");
	close(fd);
	box_expect(b, doctor_leftovers, DOCTOR_WARN, "leftovers", "/run/dpdk/edge is of a dead",
		"rm -r /run/dpdk/edge");
	b->d.conf = NULL; // all names, then
	box_expect(b, doctor_leftovers, DOCTOR_WARN, "leftovers", "/run/dpdk/edge", "rm -r");
	box_remove(b, "/run/dpdk/edge");
	close(listener(b, "/run/m.sock"));
	box_conf(b, "  workers: [0]",
		BOX_PORTS("net_memif0,socket=/run/m.sock,role=server", "", "net_null1", ""));
	box_expect(b, doctor_leftovers, DOCTOR_WARN, "leftovers", "nobody listens on /run/m.sock",
		"rm /run/m.sock");
}

#define TRIE(a) "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- " a "\n        /32 host LOCAL\n"

static void addresses_levels(void **state)
{
	struct box *b = *state;

	box_conf(b, "  workers: [0]", BOX_NULLS);
	box_file(b, "/proc/net/fib_trie", TRIE("127.0.0.1"));
	box_expect(b, doctor_addresses, DOCTOR_PASS, "addresses", "none of ours", "");
	box_file(b, "/proc/net/fib_trie", TRIE("198.18.0.1"));
	box_expect(b, doctor_addresses, DOCTOR_FAIL, "addresses", "198.18.0.1 of port wan",
		"ip -o -4 addr show to 198.18.0.1");
	box_file(b, "/proc/net/fib_trie", TRIE("198.18.0.100"));
	box_expect(b, doctor_addresses, DOCTOR_FAIL, "addresses", "198.18.0.100 of service web",
		"ip addr del");
	box_file(
		b, "/proc/net/if_inet6", "20010db8000000000000000000000100 04 40 00 80     eth1\n");
	box_expect(b, doctor_addresses, DOCTOR_FAIL, "addresses", "2001:db8::100 of service web",
		"ip addr del 2001:db8::100/64 dev eth1");
	// The exception path gives them to the kernel.
	box_file(b, "/proc/net/fib_trie", TRIE("198.18.0.1"));
	box_conf(b, "  workers: [0]", BOX_PORTS("net_null0", ", exception: tap", "net_null1", ""));
	box_expect(b, doctor_addresses, DOCTOR_WARN, "addresses", "198.18.0.1 of port wan", "ip");
}

#define TCP(addr, state)                                                                           \
	"  sl  local_address rem_address   st\n   0: " addr " 00000000:0000 " state " 00000000\n"

static void listeners_levels(void **state)
{
	struct box *b = *state;

	box_conf(b, "  workers: [0]", BOX_NULLS);
	box_file(b, "/proc/net/tcp", TCP("00000000:0050", "0A"));
	box_expect(b, doctor_listeners, DOCTOR_PASS, "listeners", "no program", "");
	box_file(b, "/proc/net/fib_trie", TRIE("198.18.0.100"));
	box_expect(b, doctor_listeners, DOCTOR_FAIL, "listeners", "198.18.0.100:80", "sport = :80");
	box_file(b, "/proc/net/tcp", TCP("640012C6:0050", "0A"));
	box_expect(b, doctor_listeners, DOCTOR_FAIL, "listeners", "198.18.0.100:80", "ss -Hltnp");
	box_remove(b, "/proc/net/fib_trie"); // bound with ip_nonlocal_bind
	box_expect(b, doctor_listeners, DOCTOR_WARN, "listeners", "198.18.0.100:80", "ss");
	box_file(b, "/proc/net/tcp", TCP("640012C6:0050", "01")); // a connection
	box_expect(b, doctor_listeners, DOCTOR_PASS, "listeners", "no program", "");
	box_file(b, "/proc/net/tcp6",
		"   0: B80D0120000000000000000000010000:0050 "
		"00000000000000000000000000000000:0000 0A 0\n");
	box_expect(b, doctor_listeners, DOCTOR_WARN, "listeners", "[2001:db8::100]:80", "ss");
}

static void forwarding_levels(void **state)
{
	struct box *b = *state;

	box_file(b, "/proc/sys/net/ipv4/ip_forward", "1\n");
	box_file(b, "/proc/sys/net/ipv6/conf/all/forwarding", "1\n");
	box_conf(b, "  workers: [0]", BOX_NULLS);
	box_expect(b, doctor_forwarding, DOCTOR_PASS, "forwarding", "no port shares", "");
	box_conf(b, "  workers: [0]", BOX_PORTS("net_af_packet0,iface=a0", "", "net_null1", ""));
	box_expect(b, doctor_forwarding, DOCTOR_WARN, "forwarding", "net.ipv4.ip_forward",
		"sysctl -w net.ipv4.ip_forward=0");
	box_expect(b, doctor_forwarding, DOCTOR_WARN, "forwarding", "net.ipv6", "sysctl -w");
	box_file(b, "/proc/sys/net/ipv4/ip_forward", "0\n");
	box_file(b, "/proc/sys/net/ipv6/conf/all/forwarding", "0\n");
	box_expect(b, doctor_forwarding, DOCTOR_PASS, "forwarding", "off", "");
}

static void versions_levels(void **state)
{
	struct box *b = *state;

	box_file(b, "/proc/sys/kernel/osrelease", "6.1.0-18-amd64\n");
	box_expect(b, doctor_versions, DOCTOR_PASS, "kernel", "6.1.0", "");
	box_expect(b, doctor_versions, DOCTOR_PASS, "dpdk", "DPDK 22.11.3", "");
	box_file(b, "/proc/sys/kernel/osrelease", "5.4.0\n");
	snprintf(b->d.dpdk_runs, sizeof(b->d.dpdk_runs), "DPDK 22.11.5");
	box_expect(b, doctor_versions, DOCTOR_WARN, "kernel", "5.4.0", "apt-get install");
	box_expect(b, doctor_versions, DOCTOR_WARN, "dpdk", "runs with DPDK 22.11.5", "build");
	box_file(b, "/proc/sys/kernel/osrelease", "3.10.0\n");
	snprintf(b->d.dpdk_runs, sizeof(b->d.dpdk_runs), "DPDK 23.11.0");
	box_expect(b, doctor_versions, DOCTOR_FAIL, "kernel", "3.10.0", "reboot");
	box_expect(b, doctor_versions, DOCTOR_FAIL, "dpdk", "runs with DPDK 23.11.0", "build");
}

static void clock_levels(void **state)
{
	const char *dir = "/sys/devices/system/clocksource/clocksource0";
	struct box *b = *state;
	char now[128], list[128];

	snprintf(now, sizeof(now), "%s/current_clocksource", dir);
	snprintf(list, sizeof(list), "%s/available_clocksource", dir);
	box_file(b, now, "tsc\n");
	box_file(b, "/proc/cpuinfo", "flags\t\t: fpu constant_tsc nonstop_tsc\n");
	box_expect(b, doctor_clock, DOCTOR_PASS, "clock", "tsc", "");
	box_file(b, now, "hpet\n");
	box_file(b, list, "hpet acpi_pm\n");
	box_expect(b, doctor_clock, DOCTOR_WARN, "clock", "hpet", "tsc=reliable");
	box_file(b, list, "tsc hpet acpi_pm\n");
	box_expect(b, doctor_clock, DOCTOR_WARN, "clock", "hpet", "echo tsc >");
	box_file(b, "/proc/cpuinfo", "flags\t\t: fpu\n");
	box_expect(b, doctor_clock, DOCTOR_FAIL, "clock", "changes its rate", "constant_tsc");
}

// On an empty box nothing stumbles, and what is printed adds up.
static void print_all_short_json(void **state)
{
	struct box *b = *state;
	char *text, last[64];
	size_t len;
	FILE *out;
	json_t *j;

	box_conf(b, "  workers: [0]", BOX_PORTS("3b:00.0", "", "net_af_packet1,iface=x", ""));
	doctor_examine(&b->d);
	assert_int_equal(b->d.count,
		b->d.levels[DOCTOR_PASS] + b->d.levels[DOCTOR_WARN] + b->d.levels[DOCTOR_FAIL]);
	assert_true(b->d.levels[DOCTOR_FAIL] > 0 && b->d.levels[DOCTOR_PASS] > 0);
	snprintf(last, sizeof(last), "%u pass, %u warn, %u fail\n", b->d.levels[DOCTOR_PASS],
		b->d.levels[DOCTOR_WARN], b->d.levels[DOCTOR_FAIL]);

	out = open_memstream(&text, &len);
	doctor_print(&b->d, true, out);
	fclose(out);
	assert_non_null(strstr(text, "pass  "));
	assert_non_null(strstr(text, "FAIL  device: port wan: there is no PCI device 0000:3b:00.0; "
				     "cure: scripts/bind-nic show\n"));
	assert_string_equal(text + len - strlen(last), last);
	free(text);

	out = open_memstream(&text, &len);
	doctor_print(&b->d, false, out);
	fclose(out);
	assert_null(strstr(text, "pass  "));
	assert_non_null(strstr(text, "FAIL  "));
	free(text);

	doctor_say(&b->d, DOCTOR_WARN, "odd", "a name that is no UTF-8: \xff");
	doctor_cure(&b->d, "none");
	out = open_memstream(&text, &len);
	assert_int_equal(doctor_print_json(&b->d, out), 0);
	fclose(out);
	j = json_loads(text, 0, NULL);
	assert_int_equal(json_array_size(json_object_get(j, "findings")), b->d.count);
	assert_int_equal(json_integer_value(json_object_get(j, "fail")), b->d.levels[DOCTOR_FAIL]);
	json_decref(j);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(instance_levels, box_make, box_drop),
		cmocka_unit_test_setup_teardown(leftovers_levels, box_make, box_drop),
		cmocka_unit_test_setup_teardown(addresses_levels, box_make, box_drop),
		cmocka_unit_test_setup_teardown(listeners_levels, box_make, box_drop),
		cmocka_unit_test_setup_teardown(forwarding_levels, box_make, box_drop),
		cmocka_unit_test_setup_teardown(versions_levels, box_make, box_drop),
		cmocka_unit_test_setup_teardown(clock_levels, box_make, box_drop),
		cmocka_unit_test_setup_teardown(print_all_short_json, box_make, box_drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
