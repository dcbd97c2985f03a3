/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include <errno.h>

#include "wr_pressure.h"
#include "wr_stats.h"

#include "words.h"

static char buf[WR_WORDS_LEN];

static const char *words(struct wr_event ev, const char *scope)
{
	return wr_words_event(&ev, scope, buf, sizeof(buf));
}

static struct wr_endpoint endpoint(const char *text)
{
	struct wr_endpoint e;

	assert_int_equal(wr_endpoint_parse(text, &e), 0);
	return e;
}

static void words_queue_full_says_everything(void **state)
{
	const char *s = words((struct wr_event){.kind = WR_EV_works_queue_full,
				      .worker = 1,
				      .queue = WR_Q_tx_backlog,
				      .depth = 4096,
				      .capacity = 4096,
				      .level = 2,
				      .count = 37,
				      .reason = WR_DROP_conn_pool_full},
		"port wan");

	assert_int_equal(strncmp(s, "works queue_full", 16), 0);
	assert_non_null(strstr(s, "queue tx_backlog (port wan) of worker 1"));
	assert_non_null(strstr(s, "4096 of 4096 frames"));
	assert_non_null(strstr(s, "level P2"));
	assert_non_null(strstr(s, "37 refused"));
	assert_non_null(strstr(s, "conn_pool_full: no room in the connection pool"));
	assert_non_null(strstr(s, "weirctl ports"));
}

static void words_queue_full_of_the_control_thread(void **state)
{
	const char *s = words((struct wr_event){.kind = WR_EV_works_queue_full,
				      .worker = UINT16_MAX,
				      .queue = WR_Q_rx_ring,
				      .depth = 512,
				      .capacity = 512},
		"port wan");

	assert_int_equal(strncmp(s, "works queue_full", 16), 0);
	assert_null(strstr(s, "of worker"));
	assert_non_null(strstr(s, "1 refused"));
}

static void words_queue_marks(void **state)
{
	struct wr_event ev = {
		.kind = WR_EV_queue_high, .queue = WR_Q_conns, .depth = 850, .capacity = 1000};

	assert_string_equal(words(ev, ""),
		"queue conns of worker 0 went above its high mark: 850 of 1000 connections");
	ev.kind = WR_EV_queue_critical;
	assert_non_null(strstr(words(ev, ""), "its critical mark"));
	ev.kind = WR_EV_queue_normal;
	ev.extra = 1200;
	assert_non_null(strstr(words(ev, ""), "below its low mark again after 1200 ms"));
}

// Whatever is full, the sentence says what can be done; only a few need nobody's help.
static void words_queue_full_names_a_cure(void **state)
{
	uint32_t without = 0;

	for (uint32_t q = 0; q < WR_Q_COUNT; q++) {
		const char *s = words((struct wr_event){.kind = WR_EV_works_queue_full,
					      .queue = (uint16_t)q,
					      .reason = WR_DROP_syn_hold_timeout,
					      .depth = UINT64_MAX,
					      .capacity = UINT64_MAX},
			"a-name-that-is-as-long-as-the-names-of-backends-can-possibly-be/x");

		without += strstr(s, "held back for as long as allowed; ") == NULL;
		assert_true(strlen(s) < WR_WORDS_LEN - 1);
	}
	assert_in_range(without, 1, 4);
}

static void words_queue_warning_says_when(void **state)
{
	struct wr_event ev = {.kind = WR_EV_queue_warning,
		.queue = WR_Q_sessions,
		.depth = 710,
		.capacity = 1000,
		.extra = 1250};

	assert_string_equal(words(ev, ""),
		"queue sessions of worker 0 is filling: 710 of 1000 sessions, full in 1.2 s at "
		"this rate; raise runtime.max_sessions, or add an instance");
	ev.extra = 0;
	assert_non_null(strstr(words(ev, ""), "not rising now"));
}

static void words_of_admission(void **state)
{
	struct wr_event ev = {.kind = WR_EV_service_level,
		.worker = 1,
		.level = 2,
		.extra = 1,
		.queue = WR_Q_pending,
		.depth = 30,
		.capacity = 50};

	assert_string_equal(words(ev, "service web"),
		"service web goes from level P1 to P2 on worker 1; the cause is queue pending with "
		"30 of 50 sessions");
	ev = (struct wr_event){.kind = WR_EV_door_limited, .worker = 1, .extra = 900};
	assert_string_equal(words(ev, ""), "worker 1 lets in 900 new connections a second now: it "
					   "is behind with what arrives");
	assert_string_equal(words(ev, "service web"),
		"service web lets in 900 new connections a second now on worker 1: its backends "
		"have no room for more");
	ev.kind = WR_EV_door_open;
	ev.count = 12;
	assert_string_equal(words(ev, ""),
		"worker 1 lets in every new connection again after 900 ms; 12 were refused");
	ev = (struct wr_event){
		.kind = WR_EV_limit_reached, .reason = WR_DROP_syn_limit_rate, .count = 7};
	assert_non_null(strstr(words(ev, "service web"), "a limit of service web is reached: 7"));
	assert_non_null(strstr(words(ev, "service web"), "syn_limit_rate: "));
}

static void words_of_orders_and_ends(void **state)
{
	struct wr_event ev = {.kind = WR_EV_operator, .worker = UINT16_MAX, .text = "deny x"};

	assert_string_equal(words(ev, ""), "an operator's order: deny x");
	ev.kind = WR_EV_access_expired;
	assert_string_equal(words(ev, ""), "an access rule ended, its time being over: deny x");
	ev = (struct wr_event){.kind = WR_EV_recorded, .worker = 2, .extra = 600};
	assert_non_null(strstr(words(ev, ""), "600 records"));
	assert_non_null(strstr(words(ev, ""), "weirctl recorder --saved worker=2"));
	ev = (struct wr_event){.kind = WR_EV_stall_closed, .worker = 1, .depth = 9};
	ev.a = endpoint("[2001:db8::5]:4321");
	assert_string_equal(words(ev, "web/b1"),
		"peer [2001:db8::5]:4321 of web/b1 took nothing for too long under pressure; its "
		"session was reset; 9 bytes were held for it (worker 1)");
	ev = (struct wr_event){.kind = WR_EV_slow_evicted, .worker = 1, .count = 4};
	assert_non_null(strstr(words(ev, ""), "4 sessions were reset under severe pressure"));
}

static void words_level_change_names_the_cause(void **state)
{
	struct wr_event ev = {.kind = WR_EV_level_change,
		.worker = 3,
		.level = 1,
		.extra = 0,
		.queue = WR_Q_rx_pool,
		.depth = 61,
		.capacity = 100};

	assert_string_equal(words(ev, ""), "worker 3 goes from level P0 to P1; the cause is queue "
					   "rx_pool with 61 of 100 mbufs");
	ev.queue = UINT16_MAX;
	assert_string_equal(words(ev, ""), "worker 3 goes from level P0 to P1");
}

static void words_conn_both_families(void **state)
{
	struct wr_event ev = {.kind = WR_EV_conn_stalled, .worker = 1};

	ev.a = endpoint("198.18.0.5:4321");
	assert_string_equal(words(ev, "service web"),
		"peer 198.18.0.5:4321 of service web keeps its window closed; its connection "
		"pauses the other side (worker 1)");
	ev.kind = WR_EV_conn_resumed;
	ev.a = endpoint("[2001:db8::5]:4321");
	ev.depth = 9;
	ev.extra = 250;
	assert_string_equal(words(ev, "web/b1"),
		"peer [2001:db8::5]:4321 of web/b1 takes data again after 250 ms; 9 bytes wait for "
		"it (worker 1)");
}

static void words_backend_down_has_the_cause(void **state)
{
	struct wr_event ev = {.kind = WR_EV_backend_down,
		.worker = UINT16_MAX,
		.extra = ECONNREFUSED,
		.count = 12};

	assert_string_equal(words(ev, "web/b1"),
		"backend web/b1 is down: it failed its checks (Connection refused); it had 12 "
		"sessions");
	ev.kind = WR_EV_backend_admin;
	snprintf(ev.text, sizeof(ev.text), "weight from 1 to 5");
	assert_string_equal(words(ev, "web/b1"),
		"backend web/b1 was changed by an operator: weight from 1 to 5");
}

static void words_of_lines_and_headers(void **state)
{
	struct wr_event ev = {.kind = WR_EV_log_lost, .count = 7, .text = "7 above log.rate"};

	assert_string_equal(words(ev, ""), "7 lines about ended sessions were not written: 7 above "
					   "log.rate; see weirctl log");
	assert_int_equal(wr_words_level(&ev), WR_LOG_WARN);
	ev = (struct wr_event){
		.kind = WR_EV_capture_ended, .count = 5, .text = "its time is over: /x"};
	assert_string_equal(words(ev, ""), "a capture ended with 5 packets: its time is over: /x");
	ev = (struct wr_event){.kind = WR_EV_proxy_header_bad, .count = 3};
	ev.a = endpoint("198.18.0.9:5");
	assert_non_null(strstr(words(ev, "service web"), "3 connections to service web"));
	assert_non_null(strstr(words(ev, "service web"), "198.18.0.9:5"));
}

static void words_port_says_the_cure(void **state)
{
	struct wr_event ev = {.kind = WR_EV_port_checksum};

	assert_non_null(strstr(words(ev, "port wan"), "ethtool -K DEV tx off"));
	ev.kind = WR_EV_port_loss;
	ev.count = 5;
	assert_string_equal(words(ev, "port wan"), "port wan: the kernel side lost 5 frames");
	ev.kind = WR_EV_port_link;
	assert_string_equal(words(ev, "port wan"), "port wan: link is down");
}

static void words_instance_says_how(void **state)
{
	struct wr_event ev = {.kind = WR_EV_stopped, .text = "drained"};

	assert_string_equal(words(ev, ""), "the instance ended (drained)");
	ev = (struct wr_event){.kind = WR_EV_started};
	assert_string_equal(words(ev, ""), "the instance serves");
}

static void words_every_kind_has_a_sentence(void **state)
{
	for (uint32_t k = 0; k < WR_EV_COUNT; k++) {
		struct wr_event ev = {.kind = (uint16_t)k, .queue = UINT16_MAX};
		const char *s = words(ev, "x");

		assert_true(strlen(s) > 8);
		assert_null(strchr(s, '\n'));
	}
	assert_non_null(strstr(words((struct wr_event){.kind = WR_EV_COUNT}, ""), "unknown"));
}

static void words_cut_at_the_end_of_the_buffer(void **state)
{
	struct wr_event ev = {.kind = WR_EV_works_queue_full, .queue = WR_Q_conns};
	char small[20];

	memset(small, 'x', sizeof(small));
	wr_words_event(&ev, "", small, 16);
	assert_int_equal(strlen(small), 15);
	assert_int_equal(small[16], 'x');
}

static void words_level_of_the_log(void **state)
{
	struct wr_event ev = {.kind = WR_EV_works_queue_full};

	assert_int_equal(wr_words_level(&ev), WR_LOG_WARN);
	ev.kind = WR_EV_backend_probe;
	assert_int_equal(wr_words_level(&ev), WR_LOG_DEBUG);
	ev.extra = ETIMEDOUT;
	assert_int_equal(wr_words_level(&ev), WR_LOG_INFO);
	ev.kind = WR_EV_queue_warning;
	assert_int_equal(wr_words_level(&ev), WR_LOG_WARN);
	assert_true(wr_words_has_queue(WR_EV_service_level));
	assert_true(wr_words_has_queue(WR_EV_queue_high));
	assert_false(wr_words_has_queue(WR_EV_backend_up));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_queue_full_says_everything),
		cmocka_unit_test(words_queue_full_of_the_control_thread),
		cmocka_unit_test(words_queue_marks),
		cmocka_unit_test(words_queue_full_names_a_cure),
		cmocka_unit_test(words_queue_warning_says_when),
		cmocka_unit_test(words_of_admission),
		cmocka_unit_test(words_of_orders_and_ends),
		cmocka_unit_test(words_level_change_names_the_cause),
		cmocka_unit_test(words_conn_both_families),
		cmocka_unit_test(words_backend_down_has_the_cause),
		cmocka_unit_test(words_of_lines_and_headers),
		cmocka_unit_test(words_port_says_the_cure),
		cmocka_unit_test(words_instance_says_how),
		cmocka_unit_test(words_every_kind_has_a_sentence),
		cmocka_unit_test(words_cut_at_the_end_of_the_buffer),
		cmocka_unit_test(words_level_of_the_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
