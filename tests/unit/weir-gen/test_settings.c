/* SPDX-License-Identifier: BSD-3-Clause */
#include "settings_test.h"

#include "settings_priv.h"
#include "wr_version.h"

static void settings_whole_values(void **state)
{
	struct gen_conf *c = gen_take(
		"runtime: {name: g, core: 3, memory: plain, seed: 9, max_conns: 50000, warmup: "
		"2s,\n"
		"  duration: 3s, drain: 4s, interval: 500ms, time_wait: 100ms, timestamps: no,\n"
		"  verify: no, quiet: yes, json: /tmp/x.json, csv: /tmp/x.csv}\n"
		"ports:\n"
		"  - {name: wan, device: net_null0, addresses: [198.18.0.1/24],\n"
		"     gateway: [198.18.0.254], mtu: 9000, rx_desc: 512, tx_desc: 64,\n"
		"     capture: /tmp/x.pcap, capture_frames: 5}\n"
		"clients:\n"
		"  - {name: a, port: wan, source: [\"198.19.0.1-198.19.15.255\"],\n"
		"     source_ports: \"2000-3000\", target: [\"198.18.0.100:80\", "
		"\"198.18.0.101:80\"],\n"
		"     protocol: http, path: /x, host: h,\n"
		"     load: {model: ramp, rate: 10k, rate_to: 1.5M, period: 5s, max_open: 77},\n"
		"     shape: {requests: 5, request: 100, answer: 2KiB, pause: 5ms, send_rate: 1k,\n"
		"       read_rate: 2k, close: server, abort_after: 99},\n"
		"     timeouts: {connect: 1s, answer: 2s}, retries: 3,\n"
		"     retry_delay: {kind: pareto, mean: 5ms, shape: 1.2, max: 1s}, objective: "
		"10ms}\n"
		"backends:\n"
		"  - {name: b, listen: [\"198.18.0.5:80\"], protocol: http, service: {kind: "
		"exponential,\n"
		"     mean: 1ms}, concurrency: 4, queue: 8, on_full: reset, answer: 100,\n"
		"     tokens: {count: 50, bytes: 12, first: 100ms, gap: {kind: uniform, mean: "
		"5ms}},\n"
		"     close: yes, closes_idle: no,\n"
		"     faults: [{kind: flap, at: 1s, for: 2s, delay: 100ms, permille: 500}]}\n");
	const struct gen_client *cl = &c->clients[0];
	const struct gen_backend *b = &c->backends[0];

	assert_string_equal(c->name, "g");
	assert_int_equal(c->core, 3);
	assert_int_equal(c->memory, GEN_MEMORY_PLAIN);
	assert_int_equal(c->seed, 9);
	assert_int_equal(c->max_conns, 50000);
	assert_int_equal(c->warmup_us + c->duration_us + c->drain_us, 9000000);
	assert_int_equal(c->interval_us, 500000);
	assert_int_equal(c->time_wait_us, 100000);
	assert_false(c->timestamps || c->verify);
	assert_true(c->quiet);
	assert_string_equal(c->json, "/tmp/x.json");
	assert_string_equal(c->csv, "/tmp/x.csv");
	assert_int_equal(c->ports[0].mtu, 9000);
	assert_int_equal(c->ports[0].rx_desc * 1000 + c->ports[0].tx_desc, 512064);
	assert_string_equal(c->ports[0].capture, "/tmp/x.pcap");
	assert_int_equal(c->ports[0].capture_frames, 5);
	assert_int_equal(cl->port, 0);
	assert_int_equal(cl->source_count, 1);
	assert_int_equal(cl->source[0].line, 9);
	assert_int_equal(cl->source_port_first, 2000);
	assert_int_equal(cl->source_port_last, 3000);
	assert_int_equal(cl->target_count, 2);
	assert_int_equal(cl->protocol, GEN_PROTOCOL_HTTP);
	assert_string_equal(cl->path, "/x");
	assert_string_equal(cl->host, "h");
	assert_int_equal(cl->model, GEN_LOAD_RAMP);
	assert_int_equal(cl->rate, 10000);
	assert_int_equal(cl->rate_to, 1500000);
	assert_int_equal(cl->period_us, 5000000);
	assert_int_equal(cl->max_open, 77);
	assert_int_equal(cl->requests, 5);
	assert_int_equal(cl->request_bytes, 100);
	assert_int_equal(cl->answer_bytes, 2048);
	assert_int_equal(cl->pause.kind, GEN_DIST_FIXED);
	assert_int_equal(cl->pause.mean_us, 5000);
	assert_int_equal(cl->send_rate, 1000);
	assert_int_equal(cl->read_rate, 2000);
	assert_int_equal(cl->close, GEN_CLOSE_SERVER);
	assert_int_equal(cl->abort_after, 99);
	assert_int_equal(cl->connect_timeout_us, 1000000);
	assert_int_equal(cl->answer_timeout_us, 2000000);
	assert_int_equal(cl->retries, 3);
	assert_int_equal(cl->retry_delay.kind, GEN_DIST_PARETO);
	assert_int_equal(cl->retry_delay.shape_permille, 1200);
	assert_int_equal(cl->retry_delay.max_us, 1000000);
	assert_int_equal(cl->objective_us, 10000);
	assert_int_equal(b->port, GEN_PORT_AUTO);
	assert_int_equal(b->service.kind, GEN_DIST_EXPONENTIAL);
	assert_int_equal(b->concurrency * 10 + b->queue, 48);
	assert_int_equal(b->on_full, GEN_ON_FULL_RESET);
	assert_int_equal(b->answer_bytes, 100);
	assert_int_equal(b->tokens, 50);
	assert_int_equal(b->token_bytes, 12);
	assert_int_equal(b->first_token.mean_us, 100000);
	assert_int_equal(b->token_gap.kind, GEN_DIST_UNIFORM);
	assert_true(b->close);
	assert_false(b->closes_idle);
	assert_int_equal(b->fault[0].kind, GEN_FAULT_FLAP);
	assert_int_equal(b->fault[0].at_us + b->fault[0].for_us + b->fault[0].delay_us, 3100000);
	assert_int_equal(b->fault[0].permille, 500);
	gen_conf_free(c);
}

static void settings_packets_values(void **state)
{
	struct gen_conf *c = gen_take(
		"ports:\n  - {device: a, addresses: [198.18.0.1/24]}\n"
		"  - {device: b, name: lan, addresses: [198.18.1.1/24]}\n"
		"packets:\n"
		"  - {port: lan, kind: udp, source: \"198.19.0.1-198.19.255.254\",\n"
		"     target: 198.18.1.100, source_ports: \"5-9\", target_ports: 53, walk: "
		"random,\n"
		"     source_mac: \"02:00:00:00:00:01\", target_mac: \"02:00:00:00:00:02\",\n"
		"     source_macs: 7, size: \"60-1514\", rate_pps: 2M, count: 99, stamp: no}\n"
		"  - {flags: [syn, ack], target: 198.18.0.9, imix: yes, rate_bps: 10G, stamp: "
		"yes}\n");
	const struct gen_packets *p = c->packets;

	assert_int_equal(p[0].port, 1);
	assert_int_equal(p[0].kind, GEN_PACKET_UDP);
	assert_int_equal(p[0].source.last.b[15], 254);
	assert_int_equal(p[0].source_port.first * 10 + p[0].source_port.last, 59);
	assert_int_equal(p[0].target_port.first, 53);
	assert_int_equal(p[0].target_port.line, 6);
	assert_int_equal(p[0].walk, GEN_WALK_RANDOM);
	assert_int_equal(p[0].source_mac[5] * 10 + p[0].target_mac[5], 12);
	assert_int_equal(p[0].source_macs, 7);
	assert_int_equal(p[0].size.first * 10000 + p[0].size.last, 601514);
	assert_int_equal(p[0].rate_pps, 2000000);
	assert_int_equal(p[0].count, 99);
	assert_int_equal(p[1].port, 0);
	assert_int_equal(p[1].flags, 0x12);
	assert_true(p[1].imix && p[1].stamp);
	assert_int_equal(p[1].rate_bps, 10000000000);
	assert_int_equal(p[1].size.first, 0);
	// Its own address where none is given.
	assert_int_equal(p[1].source.first.b[15], 1);
	assert_int_equal(p[1].source.last.b[15], 1);
	assert_int_equal(p[1].source_macs, 1);
	gen_conf_free(c);
}

static void settings_whole_defaults(void **state)
{
	struct gen_conf *c =
		gen_take(GEN_PORTS "clients: [{target: [\"198.18.0.100:80\"], load: {rate: 10}}, "
				   "{target: [\"[2001:db8::9]:80\"], protocol: http, load: {rate: "
				   "10}}]\n" GEN_BACKENDS);
	const struct gen_client *cl = c->clients;

	assert_string_equal(c->name, "weir-gen");
	assert_int_equal(c->core, 1);
	assert_int_equal(c->duration_us, 10000000);
	assert_true(c->timestamps && c->verify && !c->quiet);
	assert_string_equal(c->json, "");
	assert_string_equal(c->ports[0].name, "port0");
	assert_int_equal(c->ports[0].mtu, 1500);
	assert_string_equal(cl[1].name, "client1");
	assert_int_equal(cl->port, GEN_PORT_AUTO);
	assert_int_equal(cl->source_port_first, 1024);
	assert_int_equal(cl->source_port_last, 65535);
	assert_int_equal(cl->request_bytes, 64);
	assert_int_equal(cl[1].request_bytes, 0);
	assert_int_equal(cl->max_open, c->max_conns);
	assert_int_equal(cl->connect_timeout_us, 3000000);
	assert_int_equal(cl->requests, 1);
	// The port's own address of the target's family.
	assert_int_equal(cl[0].source_count, 1);
	assert_true(wr_addr_is_v4(&cl[0].source[0].first));
	assert_int_equal(cl[1].source_count, 1);
	assert_false(wr_addr_is_v4(&cl[1].source[0].first));
	assert_int_equal(c->backends[0].answer_bytes, 64);
	assert_true(c->backends[0].closes_idle);
	assert_false(c->search.on);
	gen_conf_free(c);
}

static void settings_search_values(void **state)
{
	struct gen_conf *c = gen_take(GEN_PORTS "clients: [{target: [\"198.18.0.100:80\"]}]\n"
						"search: {low: 1k, high: 1M, tolerance: 0.02, "
						"runs: 5, good: 0.999, objective: 5ms,\n"
						"  quantile: 0.95}\n");

	assert_true(c->search.on);
	assert_int_equal(c->search.low, 1000);
	assert_int_equal(c->search.high, 1000000);
	assert_int_equal(c->search.tolerance_permille, 20);
	assert_int_equal(c->search.runs, 5);
	assert_int_equal(c->search.good_permille, 999);
	assert_int_equal(c->search.objective_us, 5000);
	assert_int_equal(c->search.objective_permille, 950);
	// It begins where the search does.
	assert_int_equal(c->clients[0].rate, 1000);
	gen_conf_free(c);
}

static void settings_override_over_file(void **state)
{
	struct gen_conf *c = gen_take_set(GEN_PORTS GEN_CLIENTS GEN_BACKENDS,
		SET("clients[0].load.rate=2k", "clients[0].load.rate=5k",
			"runtime.duration=forever", "backends[0].service.kind=exponential",
			"backends[0].service.mean=1ms"));

	assert_int_equal(c->clients[0].rate, 5000);
	assert_int_equal(c->duration_us, 0);
	assert_int_equal(c->backends[0].service.kind, GEN_DIST_EXPONENTIAL);
	gen_conf_free(c);
	gen_refused_set(GEN_PORTS GEN_CLIENTS, SET("clients[0].load.rate=x"),
		"command line: clients[0].load.rate: value 'x' is not a number");
	gen_refused_set(GEN_PORTS GEN_CLIENTS, SET("clients[0].lod.rate=1"),
		"command line: clients[0]: unknown key 'lod'; did you mean 'load'?");
	gen_refused_set(GEN_PORTS GEN_CLIENTS, SET("backends[0].listen=198.18.9.9:80"),
		"command line: backends[0].listen[0]: value '198.18.9.9:80' is in no port's "
		"prefix");
	gen_refused(GEN_PORTS "clients:\n  - {load: {rate: 1}}\n",
		"t.yaml:5: clients[0].target: is missing");
}

static void settings_override_alone(void **state)
{
	struct gen_conf *c = gen_take_set(
		NULL, SET("ports[0].device=net_null0", "ports[0].addresses=198.18.0.1/24",
			      "clients[0].target=198.18.0.100:80", "clients[0].load.rate=10"));

	assert_int_equal(c->clients[0].line, 0);
	gen_conf_free(c);
	gen_refused_set(NULL, SET("runtime.core=1"), "command line: ports: is missing");
}

static void settings_load_file(void **state)
{
	char name[] = "/tmp/weir-gen-XXXXXX";
	struct wr_err err = {{0}};
	struct gen_conf *c;
	FILE *out = fdopen(mkstemp(name), "w");

	fputs(GEN_PORTS GEN_CLIENTS, out);
	fclose(out);
	c = gen_conf_load(name, 0, NULL, &err);
	assert_non_null(c);
	assert_string_equal(c->file, name);
	gen_conf_free(c);
	remove(name);
	assert_null(gen_conf_load(name, 0, NULL, &err));
	assert_non_null(strstr(err.text, "cannot be opened"));
	gen_conf_free(NULL);
}

static char *dump(const struct gen_conf *c)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	gen_conf_dump(c, out);
	fclose(out);
	return text;
}

static const char *const examples[] = {"short", "keepalive", "bulk", "flood", "llm"};

static void settings_examples_parse(void **state)
{
	for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
		struct wr_err err = {{0}};
		struct gen_conf *c, *again;
		char file[512], *text, *second;

		snprintf(
			file, sizeof(file), "%s/tests/bench/gen/%s.yaml", WR_TREE_DIR, examples[i]);
		c = gen_conf_load(file, 0, NULL, &err);
		if (!c)
			fail_msg("%s", err.text);
		text = dump(c);
		again = gen_take(text);
		second = dump(again);
		assert_string_equal(text, second);
		free(text);
		free(second);
		gen_conf_free(c);
		gen_conf_free(again);
	}
}

// What the parser takes for granted of a table.
static void settings_table_rows(void **state)
{
	assert_true(gen_settings_table.count <= WR_SETTINGS_ROWS);
	for (uint32_t i = 0; i < gen_settings_table.count; i++) {
		const struct wr_settings_row *s = &gen_settings_table.rows[i];
		size_t help = s->help ? strlen(s->help) : 0, path = strlen(s->path);
		bool brackets = path > 2 && strcmp(s->path + path - 2, "[]") == 0;
		bool words = s->type == WR_SETTINGS_T_CHOICE || s->type == WR_SETTINGS_T_FLAGS;
		char why[WR_SETTINGS_WHY];
		uint8_t dst[256];

		if (!help || s->help[help - 1] != '.')
			fail_msg("%s has no sentence", s->path);
		if (s->list != brackets || words != (s->choices != NULL))
			fail_msg("%s: brackets or choices", s->path);
		assert_true(!s->list || (s->max_items && s->size));
		for (uint32_t j = 0; j < i; j++)
			assert_string_not_equal(s->path, gen_settings_table.rows[j].path);
		if (s->dflt && s->type != WR_SETTINGS_T_REF && !strchr(s->dflt, '#') &&
			wr_settings_parse_value(s, s->dflt, dst, NULL, why) < 0)
			fail_msg("%s: default '%s' %s", s->path, s->dflt, why);
		assert_true(strlen(wr_settings_expect_value(s, why, sizeof(why))) < 220);
	}
}

static void settings_reference_rows(void **state)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	gen_conf_reference(out, false);
	fclose(out);
	assert_non_null(
		strstr(text, "clients[].load.think.kind\n    fixed, uniform, exponential, pareto "
			     "or lognormal; default: fixed\n"));
	assert_non_null(strstr(text, "clients[].load.rate\n    none or a number from 1 to 100M"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(settings_whole_values),
		cmocka_unit_test(settings_packets_values),
		cmocka_unit_test(settings_whole_defaults),
		cmocka_unit_test(settings_search_values),
		cmocka_unit_test(settings_override_over_file),
		cmocka_unit_test(settings_override_alone),
		cmocka_unit_test(settings_load_file),
		cmocka_unit_test(settings_examples_parse),
		cmocka_unit_test(settings_table_rows),
		cmocka_unit_test(settings_reference_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
