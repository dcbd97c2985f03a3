/* SPDX-License-Identifier: BSD-3-Clause */
#include "conf_test.h"

#include <sched.h>
#include <unistd.h>

static void conf_load_file(void **state)
{
	char name[] = "/tmp/weir-conf-XXXXXX", text[8192];
	struct wr_err err = {{0}};
	struct wr_conf *c;
	int fd = mkstemp(name);

	conf_join(text, sizeof(text), (struct conf_parts){0});
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	c = wr_conf_load(name, &err);
	assert_non_null(c);
	assert_string_equal(c->file, name);
	wr_conf_free(c);
	assert_int_equal(ftruncate(fd, 9 << 20), 0);
	assert_null(wr_conf_load(name, &err));
	assert_non_null(strstr(err.text, "is larger than 8 MiB"));
	close(fd);
	unlink(name);
}

static void conf_load_missing(void **state)
{
	struct wr_err err = {{0}};

	assert_null(wr_conf_load("/nonexistent/w.yaml", &err));
	assert_string_equal(err.text, "/nonexistent/w.yaml: cannot be opened: No such file or "
				      "directory; give the path of a configuration");
	memset(&err, 0, sizeof(err));
	assert_null(wr_conf_load("/tmp", &err));
	assert_non_null(strstr(err.text, "/tmp: cannot be read: Is a directory"));
}

static void conf_find_by_name(void **state)
{
	struct wr_conf *c = conf_take((struct conf_parts){0});

	assert_int_equal(wr_conf_find_pool(c, "web"), 0);
	assert_int_equal(wr_conf_find_pool(c, "www"), -1);
	assert_int_equal(wr_conf_find_service(c, "www"), 0);
	assert_int_equal(wr_conf_find_service(c, ""), -1);
	wr_conf_free(c);
	wr_conf_free(NULL);
}

static int tunnel_of(const struct wr_conf *c, const char *address)
{
	struct wr_addr a;

	assert_int_equal(wr_addr_parse(address, &a), 0);
	return wr_conf_tunnel_of(c, &a);
}

static void conf_tunnel_of_address(void **state)
{
	struct wr_conf *c = conf_take((struct conf_parts){
		.more = CONF_TUNNELS_MORE, .pools = CONF_POOLS CONF_POOLS_BEHIND});

	assert_int_equal(wr_conf_find_tunnel(c, "dc1"), 0);
	assert_int_equal(wr_conf_find_tunnel(c, "host"), 1);
	assert_int_equal(wr_conf_find_tunnel(c, "hos"), -1);
	assert_int_equal(tunnel_of(c, "10.1.0.0"), 0);
	assert_int_equal(tunnel_of(c, "10.1.255.255"), 0);
	assert_int_equal(tunnel_of(c, "10.2.0.0"), -1);
	assert_int_equal(tunnel_of(c, "10.3.0.9"), 0);
	assert_int_equal(tunnel_of(c, "198.18.9.1"), -1); // its end is not behind it
	assert_int_equal(tunnel_of(c, "2001:db8::55"), 1);
	assert_int_equal(tunnel_of(c, "2001:db8::56"), -1);
	// A short IPv6 prefix has the bits of every IPv4 address behind it, but not the addresses.
	c->tunnels[0].to_count = 1;
	memset(&c->tunnels[0].to[0], 0, sizeof(c->tunnels[0].to[0]));
	assert_int_equal(tunnel_of(c, "10.1.0.0"), -1);
	assert_int_equal(tunnel_of(c, "2001:db8::56"), 0);
	wr_conf_free(c);
}

static void conf_tunnel_required_by_one(void **state)
{
	struct wr_conf *c = conf_take((struct conf_parts){.more = CONF_TUNNELS_MORE,
		.pools = CONF_POOLS CONF_POOLS_BEHIND
		"  - {name: far2, ipsec: {tunnel: dc1}, source: 198.18.0.51, backends: [{name: b, "
		"address: \"10.3.0.8:80\"}]}\n"});

	assert_true(wr_conf_tunnel_required(c, 0));
	assert_true(wr_conf_tunnel_required(c, 1));
	c->pools[3].slot = WR_CONF_LEAVING; // it has sessions
	assert_true(wr_conf_tunnel_required(c, 0));
	c->pools[3].slot = WR_CONF_VACANT;
	assert_false(wr_conf_tunnel_required(c, 0));
	c->pools[2].tunnel = -1;
	assert_false(wr_conf_tunnel_required(c, 1));
	wr_conf_free(c);
}

static void conf_pool_limited_by_either(void **state)
{
	struct wr_conf *c = conf_take((struct conf_parts){
		.pools = CONF_POOLS
		"  - {name: p1, max_connections: 1, backends: [{name: x, address: "
		"\"198.18.0.9:1\"}]}\n"
		"  - {name: p2, backends: [{name: x, address: \"198.18.0.9:1\"},\n"
		"      {name: y, address: \"[2001:db8::9]:1\", max_connections: 1}]}\n"});

	assert_false(wr_conf_pool_limited(c, 0));
	assert_true(wr_conf_pool_limited(c, 1));
	assert_true(wr_conf_pool_limited(c, 2));
	wr_conf_free(c);
}

static void conf_workers_auto_leaves_first(void **state)
{
	struct wr_conf *c = conf_take((struct conf_parts){.runtime = "runtime: {workers: auto}\n"});
	cpu_set_t set;
	uint32_t n = 0;
	int first = -1;

	assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);
	for (int cpu = 0; cpu < 128; cpu++) {
		if (!CPU_ISSET(cpu, &set))
			continue;
		if (first >= 0 && n < WR_MAX_WORKERS)
			assert_int_equal(c->runtime.workers[n++], cpu);
		if (first < 0)
			first = cpu;
	}
	assert_true(c->runtime.workers_auto);
	assert_int_equal(c->runtime.worker_count, n ? n : 1);
	wr_conf_free(c);
}

static void conf_workers_auto_one_cpu(void **state)
{
	cpu_set_t before, one;
	struct wr_conf *c;
	int first = 0;

	assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
	while (!CPU_ISSET(first, &before))
		first++;
	CPU_ZERO(&one);
	CPU_SET(first, &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	c = conf_take((struct conf_parts){.runtime = ""});
	assert_int_equal(c->runtime.worker_count, 1);
	assert_int_equal(c->runtime.workers[0], first);
	wr_conf_free(c);
	assert_int_equal(sched_setaffinity(0, sizeof(before), &before), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conf_load_file),
		cmocka_unit_test(conf_load_missing),
		cmocka_unit_test(conf_find_by_name),
		cmocka_unit_test(conf_tunnel_of_address),
		cmocka_unit_test(conf_tunnel_required_by_one),
		cmocka_unit_test(conf_pool_limited_by_either),
		cmocka_unit_test(conf_workers_auto_leaves_first),
		cmocka_unit_test(conf_workers_auto_one_cpu),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
