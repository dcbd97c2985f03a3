/* SPDX-License-Identifier: BSD-3-Clause */
#include "conf_test.h"

#include <unistd.h>

#define TCP(keys) ((struct conf_parts){.runtime = "runtime:\n  workers: 1\n  tcp:\n" keys})

static void check_tcp_defaults(void **state)
{
	struct wr_conf *c = conf_take((struct conf_parts){0});
	const struct wr_conf_tcp *t = &c->runtime.tcp;

	assert_int_equal(t->congestion, WR_CONF_CONGESTION_CUBIC);
	assert_int_equal(t->syn_cookies, WR_CONF_COOKIES_AUTO);
	assert_int_equal(t->ack_delay_us, 2 * WR_US_PER_MS);
	assert_int_equal(t->keepalive_us, 0);
	assert_int_equal(t->keepalive_interval_us, 75 * WR_US_PER_S);
	assert_int_equal(t->keepalive_probes, 9);
	assert_int_equal(t->receive_buffer, 128 << 10);
	assert_int_equal(t->receive_buffer_max, 4 << 20);
	assert_int_equal(t->send_buffer, 128 << 10);
	assert_int_equal(t->send_buffer_max, 4 << 20);
	wr_conf_free(c);
}

static void check_tcp_given(void **state)
{
	struct wr_conf *c = conf_take(TCP("    congestion: newreno\n"
					  "    ack_delay: 15ms\n"
					  "    keepalive: 90s\n"
					  "    keepalive_interval: 10s\n"
					  "    keepalive_probes: 3\n"
					  "    receive_buffer: 64K\n"
					  "    receive_buffer_max: 65536\n"
					  "    send_buffer: 1000000B\n"
					  "    send_buffer_max: 512MiB\n"
					  "    syn_cookies: never\n"));
	const struct wr_conf_tcp *t = &c->runtime.tcp;

	assert_int_equal(t->congestion, WR_CONF_CONGESTION_NEWRENO);
	assert_int_equal(t->syn_cookies, WR_CONF_COOKIES_NEVER);
	assert_int_equal(t->ack_delay_us, 15 * WR_US_PER_MS);
	assert_int_equal(t->keepalive_us, 90 * WR_US_PER_S);
	assert_int_equal(t->keepalive_interval_us, 10 * WR_US_PER_S);
	assert_int_equal(t->keepalive_probes, 3);
	assert_int_equal(t->receive_buffer, 64 << 10);
	assert_int_equal(t->receive_buffer_max, 64 << 10);
	assert_int_equal(t->send_buffer, 1000000);
	assert_int_equal(t->send_buffer_max, 512 << 20);
	wr_conf_free(c);
}

static void check_tcp_ack_delay(void **state)
{
	static const struct {
		const char *text;
		wr_us_t us;
	} rows[] = {{"off", 0}, {"0s", 0}, {"1ms", 1000}, {"1500us", 1500}, {"100ms", 100000}};

	for (uint32_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char text[100];
		struct wr_conf *c;

		snprintf(text, sizeof(text), "runtime:\n  workers: 1\n  tcp: {ack_delay: %s}\n",
			rows[i].text);
		c = conf_take((struct conf_parts){.runtime = text});
		assert_int_equal(c->runtime.tcp.ack_delay_us, rows[i].us);
		wr_conf_free(c);
	}
	conf_refused(TCP("    ack_delay: 999us\n"),
		"t.yaml:4: runtime.tcp.ack_delay: value '999us' is too short; right would be off "
		"or a time from 1ms to 100ms");
	// far below the half second of RFC 9293 3.8.6.3
	conf_refused(TCP("    ack_delay: 101ms\n"), "ack_delay: value '101ms' is too long");
	conf_refused(TCP("    ack_delay: 2\n"), "runtime.tcp.ack_delay: value '2'");
	conf_refused(TCP("    ack_delay: -1ms\n"), "runtime.tcp.ack_delay: value '-1ms'");
	conf_refused(TCP("    ack_dealy: 2ms\n"), "did you mean 'ack_delay'?");
}

static void check_tcp_max_below_start(void **state)
{
	conf_refused(TCP("    receive_buffer_max: 64KiB\n"),
		"t.yaml:4: runtime.tcp.receive_buffer_max: value '64KiB' is below receive_buffer, "
		"which is 128KiB; right would be 128KiB or more");
	conf_refused(TCP("    receive_buffer: 1MiB\n    receive_buffer_max: 1023KiB\n"),
		"t.yaml:5: runtime.tcp.receive_buffer_max: value '1023KiB' is below");
	conf_refused(TCP("    send_buffer: 32KiB\n    send_buffer_max: 16KiB\n"),
		"t.yaml:5: runtime.tcp.send_buffer_max: value '16KiB' is below send_buffer, which "
		"is 32KiB");
	conf_refused(TCP("    congestion: cubic\n    send_buffer: 8MiB\n"),
		"t.yaml:5: runtime.tcp.send_buffer: value '8MiB' is above send_buffer_max, which "
		"is 4MiB by default; right would be at most 4MiB, or a send_buffer_max of 8MiB or "
		"more");
	conf_good(TCP("    send_buffer: 8MiB\n    send_buffer_max: 8MiB\n"));
}

static void check_tcp_bad_values(void **state)
{
	conf_refused(TCP("    congestion: reno\n"),
		"t.yaml:4: runtime.tcp.congestion: value 'reno' is not a choice here; right would "
		"be cubic or newreno");
	conf_refused(TCP("    syn_cookies: yes\n"), "right would be auto, always or never");
	conf_refused(TCP("    keepalive: 10ms\n"),
		"runtime.tcp.keepalive: value '10ms' is too short; right would be off or a time "
		"from 1s to 168h");
	conf_refused(TCP("    keepalive_probes: 0\n"), "keepalive_probes: value '0' is too small");
	conf_refused(TCP("    send_buffer: 4KiB\n"),
		"send_buffer: value '4KiB' is too small; right would be a size from 16KiB to "
		"512MiB in bytes, KiB, MiB, GiB or TiB, such as 128KiB");
	conf_refused(TCP("    send_buffer_max: 1G\n"), "send_buffer_max: value '1G' is too large");
	conf_refused(TCP("    receive_bufer: 1M\n"), "did you mean 'receive_buffer'?");
}

// What a good configuration makes the log say.
static void logs(struct conf_parts p, char *said, size_t len)
{
	int saved = dup(STDERR_FILENO);
	FILE *log = tmpfile();
	size_t n;

	assert_non_null(log);
	dup2(fileno(log), STDERR_FILENO);
	conf_good(p);
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(log);
	n = fread(said, 1, len - 1, log);
	said[n] = 0;
	fclose(log);
}

static void check_tcp_keepalive_warns(void **state)
{
	char said[1024];

	logs(TCP("    keepalive: 2h\n"), said, sizeof(said));
	assert_non_null(strstr(said, "t.yaml:4: runtime.tcp.keepalive: value '2h' is not below "
				     "services[0].timeouts.idle, which is 5m"));
	logs(TCP("    keepalive: 299s\n"), said, sizeof(said));
	assert_string_equal(said, "");
	logs(TCP("    keepalive: 0s\n"), said, sizeof(said));
	assert_string_equal(said, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_tcp_defaults),
		cmocka_unit_test(check_tcp_given),
		cmocka_unit_test(check_tcp_ack_delay),
		cmocka_unit_test(check_tcp_max_below_start),
		cmocka_unit_test(check_tcp_bad_values),
		cmocka_unit_test(check_tcp_keepalive_warns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
