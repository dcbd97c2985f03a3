/* SPDX-License-Identifier: BSD-3-Clause */
#include "settings_test.h"

#define ARGS(...) ((char *[]){"weir-gen", __VA_ARGS__, NULL})

// argv, and the settings that it must become, one a line.
static void becomes(char **argv, const char *expected)
{
	struct wr_err err = {{0}};
	struct gen_flags f;
	char text[2048] = "";
	int argc = 0;

	while (argv[argc])
		argc++;
	if (gen_flags_parse(argc, argv, &f, &err) < 0)
		fail_msg("refused: %s", err.text);
	for (int i = 0; i < f.count; i++) {
		strcat(text, f.override[i]);
		strcat(text, "\n");
	}
	assert_string_equal(text, expected);
	gen_flags_free(&f);
}

static void refused(char **argv, const char *sentence)
{
	struct wr_err err = {{0}};
	struct gen_flags f;
	int argc = 0;

	while (argv[argc])
		argc++;
	if (gen_flags_parse(argc, argv, &f, &err) == 0)
		fail_msg("taken, but should say: %s", sentence);
	if (!strstr(err.text, sentence))
		fail_msg("says:      %s\nshould say: %s", err.text, sentence);
	gen_flags_free(&f);
}

static void flags_switches(void **state)
{
	struct wr_err err = {{0}};
	struct gen_flags f;

	assert_int_equal(gen_flags_parse(4, ARGS("-c", "x.yaml", "--check"), &f, &err), 0);
	assert_string_equal(f.file, "x.yaml");
	assert_true(f.check && !f.help && !f.dump);
	assert_int_equal(f.count, 0);
	gen_flags_free(&f);
	assert_int_equal(gen_flags_parse(3, ARGS("--help-config", "--markdown"), &f, &err), 0);
	assert_true(f.reference && f.markdown);
	gen_flags_free(&f);
	assert_int_equal(gen_flags_parse(2, ARGS("--config=y"), &f, &err), 0);
	assert_string_equal(f.file, "y");
	gen_flags_free(&f);
	assert_int_equal(gen_flags_parse(1, ARGS(NULL), &f, &err), 0);
	assert_null(f.file);
	gen_flags_free(&f);
	refused(ARGS("--markdown"), "--markdown is of --help-config alone");
}

static void flags_client_paths(void **state)
{
	becomes(ARGS("--port", "net_null0", "--address", "198.18.0.1/24", "--address",
			"2001:db8::1/64", "--gateway", "198.18.0.254", "--connect",
			"198.18.0.100:80", "--connect", "198.18.0.101:80", "--source",
			"198.19.0.1-198.19.0.9", "--rate", "10k", "--requests=5", "--request", "64",
			"--answer", "1K"),
		"ports[0].device=net_null0\nports[0].addresses=198.18.0.1/24\n"
		"ports[0].addresses[1]=2001:db8::1/64\nports[0].gateway=198.18.0.254\n"
		"clients[0].target=198.18.0.100:80\nclients[0].target[1]=198.18.0.101:80\n"
		"clients[0].source=198.19.0.1-198.19.0.9\nclients[0].load.rate=10k\n"
		"clients[0].shape.requests=5\nclients[0].shape.request=64\n"
		"clients[0].shape.answer=1K\n");
	becomes(ARGS("--users", "7", "--connect", "a", "--http", "/x"),
		"clients[0].load.model=closed\nclients[0].load.users=7\nclients[0].target=a\n"
		"clients[0].protocol=http\nclients[0].path=/x\n");
}

static void flags_second_port(void **state)
{
	becomes(ARGS("--port", "a", "--address", "1", "--port", "b", "--address", "2", "--address",
			"3"),
		"ports[0].device=a\nports[0].addresses=1\nports[1].device=b\n"
		"ports[1].addresses=2\nports[1].addresses[1]=3\n");
}

static void flags_backend_paths(void **state)
{
	becomes(ARGS("--listen", "a", "--listen", "b", "--service", "1ms", "--answer", "99",
			"--http", "/"),
		"backends[0].listen=a\nbackends[0].listen[1]=b\nbackends[0].service=1ms\n"
		"backends[0].answer=99\nbackends[0].protocol=http\n");
	becomes(ARGS("--answer", "99", "--http", "/", "--listen", "a", "--connect", "b"),
		"clients[0].shape.answer=99\nbackends[0].protocol=http\n"
		"clients[0].protocol=http\nclients[0].path=/\nbackends[0].listen=a\n"
		"clients[0].target=b\n");
}

static void flags_flood_paths(void **state)
{
	becomes(ARGS("--connect", "198.18.0.100:80", "--source", "a", "--flood", "ack", "--pps",
			"1M"),
		"packets[0].target=198.18.0.100\npackets[0].target_ports=80\npackets[0].source=a\n"
		"packets[0].flags=ack\npackets[0].rate_pps=1M\n");
	becomes(ARGS("--flood", "udp", "--connect", "[2001:db8::9]:53"),
		"packets[0].kind=udp\npackets[0].target=2001:db8::9\npackets[0].target_ports=53\n");
	refused(ARGS("--flood", "icmp"),
		"--flood: value 'icmp' is not a choice here; right would be syn, ack, rst or udp");
	refused(ARGS("--flood", "syn", "--rate", "5"),
		"--rate is of connections, and --flood sends packets");
	refused(ARGS("--flood", "syn", "--connect", "198.18.0.1"),
		"--connect: value '198.18.0.1' is not an address with a port");
	refused(ARGS("--flood", "syn", "--connect", "[2001:db8::1:80"),
		"is not an address with a port");
	refused(ARGS("--flood", "syn", "--connect", "a:1", "--connect", "b:1"),
		"--connect is given twice");
	refused(ARGS("--pps", "5"), "--pps is of packets; right would be --flood too");
}

static void flags_runtime_paths(void **state)
{
	becomes(ARGS("--duration", "5s", "--warmup", "1s", "--json", "f", "--csv", "g", "--core",
			"2", "--seed", "3", "--quiet", "clients[0].retries=5"),
		"runtime.duration=5s\nruntime.warmup=1s\nruntime.json=f\nruntime.csv=g\n"
		"runtime.core=2\nruntime.seed=3\nruntime.quiet=yes\nclients[0].retries=5\n");
}

static void flags_unknown(void **state)
{
	refused(ARGS("--adress", "x"),
		"command line: unknown flag '--adress'; did you mean '--address'?");
	refused(ARGS("--zzzzzzzzzz"), "unknown flag '--zzzzzzzzzz'; see --help");
	refused(ARGS("-x"), "unknown flag '-x'; see --help");
	refused(ARGS("x"), "'x' is neither a flag nor PATH=VALUE");
	refused(ARGS("--rate"), "'--rate' lacks its value; right would be --rate N");
	refused(ARGS("-c"), "'-c' lacks its value; right would be -c FILE");
	refused(ARGS("--quiet=yes"), "--quiet takes no value");
	refused(ARGS("--"), "unknown flag '--'");
}

static void flags_help_all(void **state)
{
	char *text = NULL, *save = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	gen_flags_help(out);
	fclose(out);
	assert_non_null(strstr(text, "--flood KIND"));
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		assert_true(strlen(line) <= 100);
	free(text);
}

static void flags_load_all(void **state)
{
	struct wr_err err = {{0}};
	struct gen_conf *c = NULL;

	assert_int_equal(gen_flags_load(9,
				 ARGS("--port", "net_null0", "--address", "198.18.0.1/24",
					 "--connect", "198.18.0.100:80", "--rate", "10"),
				 &c, &err),
		0);
	assert_non_null(c);
	assert_int_equal(c->clients[0].rate, 10);
	gen_conf_free(c);
	assert_int_equal(gen_flags_load(9,
				 ARGS("--port", "net_null0", "--address", "198.18.0.1/24",
					 "--connect", "198.18.0.100:80", "--flood", "syn"),
				 &c, &err),
		0);
	assert_non_null(c);
	assert_int_equal(c->client_count, 0);
	assert_int_equal(c->packets[0].target_port.first, 80);
	gen_conf_free(c);
	assert_int_equal(gen_flags_load(9,
				 ARGS("--port", "net_null0", "--address", "198.18.0.1/24",
					 "--listen", "198.18.0.100:80", "--duration", "forever"),
				 &c, &err),
		0);
	assert_non_null(c);
	assert_int_equal(c->duration_us, 0);
	gen_conf_free(c);
	assert_int_equal(gen_flags_load(1, ARGS(NULL), &c, &err), 2);
	assert_null(c);
	assert_non_null(strstr(err.text, "nothing to do; give -c FILE"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flags_switches),
		cmocka_unit_test(flags_client_paths),
		cmocka_unit_test(flags_second_port),
		cmocka_unit_test(flags_backend_paths),
		cmocka_unit_test(flags_flood_paths),
		cmocka_unit_test(flags_runtime_paths),
		cmocka_unit_test(flags_unknown),
		cmocka_unit_test(flags_help_all),
		cmocka_unit_test(flags_load_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
