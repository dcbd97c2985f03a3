/* SPDX-License-Identifier: BSD-3-Clause */
#include "settings_test.h"

// A client of these keys, refused.
static void client(const char *keys, const char *sentence)
{
	char text[1024];

	snprintf(text, sizeof(text), GEN_PORTS "clients: [{target: \"198.18.0.100:80\", %s}]\n",
		keys);
	gen_refused(text, sentence);
}

static void client_good(const char *keys)
{
	char text[1024];

	snprintf(text, sizeof(text), GEN_PORTS "clients: [{target: \"198.18.0.100:80\", %s}]\n",
		keys);
	gen_good(text);
}

static void check_client_load_model(void **state)
{
	client("load: {}", "clients[0].load.rate: is missing; right would be connections a second");
	client("load: {model: closed}", "clients[0].load.users: is missing");
	client("load: {model: closed, users: 5, rate: 5}",
		"clients[0].load.rate: value '5' is of no use to model: closed");
	client("load: {users: 5}", "clients[0].load.users: value '5' is of no use to an open loop");
	client("load: {rate: 5, model: ramp, rate_to: 9}", "clients[0].load.period: is missing");
	client("load: {rate: 5, model: step, period: 9s}", "clients[0].load.rate_to: is missing");
	client("load: {rate: 5, rate_to: 9}",
		"clients[0].load.rate_to: is of use to ramp and step alone");
	client("load: {rate: 5, period: 9s}",
		"clients[0].load.period: is of use to ramp and step alone");
	client("load: {rate: 5, burst: 9}",
		"clients[0].load.burst: value '9' is of use to model: burst alone");
	client_good("load: {rate: 5, burst: 9, model: burst}");
	client_good("load: {rate: 5, rate_to: 9, period: 1s, model: ramp}");
	client_good("load: {model: closed, users: 9}");
}

static void check_client_message_sizes(void **state)
{
	client("load: {rate: 1}, shape: {request: 15}",
		"clients[0].shape.request: value '15' is less than the header of a raw message; "
		"right would be 16 bytes or more");
	client("load: {rate: 1}, shape: {answer: 15}",
		"clients[0].shape.answer: value '15' is less than the header");
	client_good("load: {rate: 1}, shape: {request: 16, answer: 16}");
	client_good("load: {rate: 1}, protocol: http, shape: {request: 15, answer: 1}");
}

static void check_client_http(void **state)
{
	client("load: {rate: 1}, protocol: http, path: x",
		"clients[0].path: value 'x' does not begin with '/'");
	client("load: {rate: 1}, protocol: http, path: \"/x y\"",
		"clients[0].path: value '/x y' has a space");
	client("load: {rate: 1}, protocol: http, host: \"x y\"",
		"clients[0].host: value 'x y' has a space");
}

static void check_client_dist(void **state)
{
	client("load: {rate: 1}, shape: {pause: {kind: pareto, mean: 1s, shape: 1}}",
		"clients[0].shape.pause: the shape of a pareto");
	client("load: {rate: 1, think: {kind: lognormal, mean: 1s, shape: 9}}",
		"clients[0].load.think: the shape");
	client("load: {rate: 1}, retry_delay: {kind: pareto, mean: 1s, max: 1ms}",
		"clients[0].retry_delay: the cut");
}

static void check_client_pairs(void **state)
{
	client("load: {rate: 10k}, source: 198.18.0.9, source_ports: 1-100",
		"clients[0].load.rate: 10k connections/s x 1s of TIME-WAIT (runtime.time_wait) = "
		"10000 pairs of "
		"address and port, but 1 source x 100 ports x 1 target = 100 pairs; right would be "
		"more "
		"addresses under source, or a shorter time_wait");
	client("load: {rate: 10k}, source: 198.18.0.9, source_ports: 1-100, shape: {close: never}",
		"10k connections/s x 11s that never close = 110000 pairs");
	client("load: {rate: 200k}, source: 198.18.0.2-198.18.0.99",
		"200k connections/s x 1s of TIME-WAIT (runtime.time_wait) = 200000 connections, "
		"but "
		"runtime.max_conns is 100000");
	client("load: {model: ramp, rate: 1, rate_to: 10k, period: 1s}, source_ports: 1-100",
		"10k connections/s x 1s");
	// Where the other side closes it waits there.
	client_good("load: {rate: 10k}, source: 198.18.0.9, source_ports: 1-100, shape: {close: "
		    "server}");
	client_good("load: {rate: 10k}, source: 198.18.0.2-198.18.0.102, source_ports: 1-100");
}

static void check_client_users(void **state)
{
	client("load: {model: closed, users: 100001}",
		"clients[0].load.users: value '100001' is more than runtime.max_conns, which is "
		"100000");
	client("load: {model: closed, users: 101}, source_ports: 1-100",
		"clients[0].load.users: 101 users need as many connections at once, but 1 source x "
		"100 "
		"ports x 1 target = 100 pairs");
}

static void check_client_families(void **state)
{
	client("load: {rate: 1}, source: [198.18.0.9, \"2001:db8::9\"]",
		"clients[0].target: has no IPv6 address, and there are IPv6 sources");
	gen_refused(GEN_PORTS "clients: [{source: 198.18.0.9, load: {rate: 1}, target: "
			      "[\"198.18.0.100:80\", \"[2001:db8::9]:80\"]}]\n",
		"clients[0].source: has no IPv6 address, and there are IPv6 targets");
}

static void check_client_ranges(void **state)
{
	client("load: {rate: 1}, source: 198.18.0.9-198.18.0.5",
		"clients[0].source: value '198.18.0.9-198.18.0.5' is reversed");
	client("load: {rate: 1}, source: 198.18.0.9-2001:db8::1", "mixes IPv4 and IPv6");
	client("load: {rate: 1}, source_ports: 9-5",
		"clients[0].source_ports: value '9-5' is reversed");
	client("load: {rate: 1}, source: 198.18.0.0-198.19.0.0", "has too many addresses");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_client_load_model),
		cmocka_unit_test(check_client_message_sizes),
		cmocka_unit_test(check_client_http),
		cmocka_unit_test(check_client_dist),
		cmocka_unit_test(check_client_pairs),
		cmocka_unit_test(check_client_users),
		cmocka_unit_test(check_client_families),
		cmocka_unit_test(check_client_ranges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
