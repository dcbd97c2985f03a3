/* SPDX-License-Identifier: BSD-3-Clause */
#include "plan_test.h"

#include <errno.h>

static void refused(struct conf_parts next, const char *sentence)
{
	struct wr_conf *c = conf_take((struct conf_parts){0});
	struct wr_err err = {{0}};

	assert_int_equal(plan_try(&c, next, false, &err), -EBUSY);
	if (!strstr(err.text, sentence))
		fail_msg("says:      %s\nshould say: %s", err.text, sentence);
	wr_conf_free(c);
}

static void restart_runtime(void **state)
{
	refused(
		(struct conf_parts){
			.runtime = "runtime:\n  workers: [1, 2]\n  name: t\n  max_sessions: 7\n"},
		"t.yaml:4: runtime.max_sessions: value '7' is in force as '100000', which only a "
		"restart changes; right would be '100000', or a restart");
	refused((struct conf_parts){.runtime = "runtime: {name: t, workers: [1, 2, 3]}\n"},
		"t.yaml:1: runtime.workers: value '3' is new, which only a restart changes; right "
		"would be to leave it out, or a restart");
	refused((struct conf_parts){.runtime = "runtime: {name: t, workers: [1]}\n"},
		"t.yaml: runtime.workers: value '2' is not there any more, which only a restart "
		"changes; right would be to keep it");
	refused((struct conf_parts){.runtime = "runtime: {name: t, workers: auto}\n"},
		"runtime.workers: value 'auto' is in force as 'a list'");
	refused((struct conf_parts){.runtime = "runtime: {name: t, workers: [1, 2], tcp: "
					       "{syn_cookies: never}}\n"},
		"runtime.tcp.syn_cookies: value 'never' is in force as 'auto'");
	refused((struct conf_parts){.runtime = "runtime: {name: t, workers: [1, 2], socket_mode: "
					       "\"0600\"}\n"},
		"runtime.socket_mode: value '0600' is in force as '0660'");
}

static void restart_ports_and_routes(void **state)
{
	refused((struct conf_parts){.ports = CONF_PORTS "    mtu: 9000\n"},
		"t.yaml:7: ports[wan].mtu: value '9000' is in force as 'auto'");
	refused((struct conf_parts){.ports = CONF_PORTS "  - {name: lan, device: net_null1, "
							"addresses: 198.18.9.1/24}\n"},
		"t.yaml:7: ports[lan]: it is new, which only a restart changes");
	refused((struct conf_parts){.routes = ""},
		"t.yaml: routes[198.19.0.0/16]: it is not there any more, which only a restart");
}

static void restart_pressure(void **state)
{
	refused((struct conf_parts){.more = "pressure: {clients: 2048}\n"},
		"t.yaml:1: pressure.clients: value '2048' is in force as '65536'");
	refused((struct conf_parts){.more = "pressure: {hold_requests: 7}\n"},
		"pressure.hold_requests: value '7' is in force as '4096'");
}

static void tunnels_refused(const char *more, const char *sentence)
{
	struct wr_conf *c = conf_take((struct conf_parts){.more = "tunnels:\n" CONF_TUNNEL_ONE});
	struct wr_err err = {{0}};

	assert_int_equal(plan_try(&c, (struct conf_parts){.more = more}, false, &err), -EBUSY);
	if (!strstr(err.text, sentence))
		fail_msg("says:      %s\nshould say: %s", err.text, sentence);
	wr_conf_free(c);
}

static void restart_tunnels(void **state)
{
	tunnels_refused("", "t.yaml: tunnels[dc1]: it is not there any more, which only a restart "
			    "changes; right would be to keep it, or a restart");
	tunnels_refused("tunnels:\n" CONF_TUNNEL_ONE
			"  - {name: h, mode: transport, local: 198.18.0.1, remote: 198.18.9.9, "
			"keys: /k}\n",
		"t.yaml:7: tunnels[h]: it is new, which only a restart changes");
	tunnels_refused("tunnels:\n" CONF_TUNNEL_ONE "    rekey: {keep_old: 9s}\n",
		"t.yaml:7: tunnels[dc1].rekey.keep_old: value '9s' is in force as '1m'");
	tunnels_refused("tunnels:\n" CONF_TUNNEL_ONE "    cipher: aes-gcm-256\n",
		"tunnels[dc1].cipher: value 'aes-gcm-256' is in force as 'aes-gcm-128'");
	tunnels_refused("tunnels:\n"
			"  - {name: dc1, local: 198.18.0.1, remote: 198.18.9.1, to: "
			"[10.3.0.0/24, 10.1.0.0/17], keys: /etc/weir/keys/dc1}\n",
		"tunnels[dc1].to: value '10.1.0.0/1");
}

// Order and what the program chose do not count; what is free of it is taken.
static void restart_not_for(void **state)
{
	static const char two[] = CONF_PORTS "  - {name: lan, device: net_null1, addresses: "
					     "198.18.9.1/24}\n",
			  turned[] =
				  "ports:\n  - {name: lan, device: net_null1, addresses: "
				  "198.18.9.1/24}\n"
				  "  - {name: wan, device: net_null0, addresses: "
				  "[\"2001:db8::1/64\", 198.18.0.1/24], gateway: 198.18.0.254}\n";
	struct wr_conf *c = conf_take((struct conf_parts){.ports = two});

	plan_next(&c,
		(struct conf_parts){.ports = turned,
			.runtime = "runtime: {workers: [2, 1], name: t, drain_timeout: 7s}\n",
			.more = "pressure: {target: 7ms, enabled: no}\nlimits: {rate: 5}\n"
				"log: {to: journal}\n"},
		false);
	assert_string_equal(c->ports[0].name, "wan");
	assert_int_equal(c->routes[0].port, 0);
	assert_int_equal(c->runtime.workers[0], 1);
	assert_int_equal(c->runtime.drain_timeout_us, 7000000);
	assert_int_equal(c->pressure.target_us, 7000);
	assert_false(c->pressure.enabled);
	assert_int_equal(c->limit.rate, 5);
	assert_int_equal(c->log.to, WR_CONF_LOG_JOURNAL);
	wr_conf_free(c);
}

// Processors that are left to the program are those that it took when it started.
static void restart_auto_workers(void **state)
{
	struct conf_parts p = {.runtime = ""};
	struct wr_conf *c = conf_take(p);
	uint32_t count = c->runtime.worker_count;

	c->runtime.workers[c->runtime.worker_count++] = 31;
	plan_next(&c, p, false);
	assert_int_equal(c->runtime.worker_count, count + 1);
	wr_conf_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(restart_runtime),
		cmocka_unit_test(restart_ports_and_routes),
		cmocka_unit_test(restart_pressure),
		cmocka_unit_test(restart_tunnels),
		cmocka_unit_test(restart_not_for),
		cmocka_unit_test(restart_auto_workers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
