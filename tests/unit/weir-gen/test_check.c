/* SPDX-License-Identifier: BSD-3-Clause */
#include "settings_test.h"

static void check_work_none(void **state)
{
	gen_refused(GEN_PORTS, "there is nothing to do: no clients, no backends and no packets");
	gen_refused(GEN_PORTS "clients: []\n", "there is nothing to do");
}

static void check_names_twice(void **state)
{
	gen_refused(
		"ports: [{name: a, device: x, addresses: [198.18.0.1/24]}, {name: a, device: y, "
		"addresses: [198.18.1.1/24]}]\n" GEN_CLIENTS,
		"ports[1].name: value 'a' is the name of ports[0] already");
	gen_refused(GEN_PORTS "backends: [{name: b, listen: \"198.18.0.2:1\"}, {name: b, listen: "
			      "\"198.18.0.2:2\"}]\n",
		"backends[1].name: value 'b' is the name of backends[0] already");
}

static void check_file_not_writable(void **state)
{
	gen_refused(GEN_PORTS GEN_CLIENTS "runtime: {json: /nonexistent/x.json}\n",
		"t.yaml:8: runtime.json: value '/nonexistent/x.json' cannot be written: "
		"/nonexistent: "
		"No such file or directory; right would be a file in a folder");
	gen_refused(GEN_PORTS GEN_CLIENTS "runtime: {csv: /tmp/}\n", "value '/tmp/' is a folder");
	gen_refused(GEN_PORTS GEN_CLIENTS "runtime: {json: /tmp/x, csv: /tmp/x}\n",
		"runtime.csv: value '/tmp/x' is runtime.json too");
	gen_refused("ports: [{device: x, addresses: [198.18.0.1/24], capture: "
		    "/nonexistent/x}]\n" GEN_CLIENTS,
		"ports[0].capture: value '/nonexistent/x' cannot be written");
	gen_good(GEN_PORTS GEN_CLIENTS "runtime: {json: /x.json}\n");
}

static void check_search_impossible(void **state)
{
	gen_refused(GEN_PORTS GEN_CLIENTS "search: {low: 20k, high: 10k, objective: 1ms}\n",
		"search.low: value '20k' is not below search.high, which is 10k");
	gen_refused(GEN_PORTS GEN_BACKENDS "search: {low: 1, high: 2}\n",
		"search: there are no clients and no packets");
	gen_refused(GEN_PORTS GEN_CLIENTS "search: {low: 1, high: 2}\n",
		"search.objective: is missing, and clients[0].objective too");
	gen_refused(GEN_PORTS GEN_PACKETS "search: {low: 1, high: 2}\n",
		"packets[0].stamp: is 'no', so nobody would know which packets returned");
	gen_refused(GEN_PORTS GEN_CLIENTS "runtime: {duration: forever}\n"
					  "search: {low: 1, high: 2, objective: 1ms}\n",
		"runtime.duration: value 'forever' makes a search of one trial");
	gen_refused(GEN_PORTS GEN_CLIENTS "search: {high: 2}\n", "search.low: is missing");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_work_none),
		cmocka_unit_test(check_names_twice),
		cmocka_unit_test(check_file_not_writable),
		cmocka_unit_test(check_search_impossible),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
