/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static char dir[] = "/tmp/wr-records-XXXXXX";
static char file[64], journal[64], runtime[128];
static int journal_fd = -1;

static int begin(const char *to, const char *service)
{
	snprintf(dir, sizeof(dir), "/tmp/wr-records-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(file, sizeof(file), "%s/log", dir);
	snprintf(journal, sizeof(journal), "%s/journal", dir);
	snprintf(runtime, sizeof(runtime), "log:\n  to: %s\n  rate: 10\n%s%s\n", to,
		strcmp(to, "file") == 0 ? "  file: " : "", strcmp(to, "file") == 0 ? file : "");
	rig_begin(&(struct tri_config){
		.seed = 1, .family = 4, .runtime = runtime, .service = service});
	return 0;
}

static int setup_file(void **state)
{
	return begin("file", NULL);
}

static int setup_silent_service(void **state)
{
	return begin("file", "    log: no\n");
}

static int setup_none(void **state)
{
	return begin("none", NULL);
}

static int setup_journal(void **state)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};

	begin("journal", NULL);
	journal_fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	memcpy(addr.sun_path, journal, strlen(journal) + 1);
	assert_int_equal(bind(journal_fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	// Whatever the first turn opened was this machine's own.
	rig.c->sink.journal = journal;
	if (rig.c->sink.fd >= 0)
		close(rig.c->sink.fd);
	rig.c->sink.fd = -1;
	rig.c->sink.next_look_us = 0;
	return 0;
}

static int teardown(void **state)
{
	rig_teardown(state);
	if (journal_fd >= 0)
		close(journal_fd);
	journal_fd = -1;
	unlink(file);
	unlink(journal);
	rmdir(dir);
	return 0;
}

static struct wr_record record(void)
{
	struct wr_record rec = {
		.ended_us = rig.t->now,
		.session = 77,
		.backend = 1,
		.cause = WR_RECORD_SERVER,
		.phase = WR_RECORD_CONNECT,
		.class = 4,
		.tries = 2,
		.bytes_in = 100,
		.bytes_out = 5000000000,
		.wait_us = 1500,
		.connect_us = 250,
		.first_byte_us = 1000000,
		.total_us = 2345678,
	};

	wr_endpoint_parse("198.18.0.2:10000", &rec.client);
	wr_endpoint_parse("198.18.0.2:10000", &rec.peer);
	wr_endpoint_parse("[2001:db8::100]:80", &rec.local);
	return rec;
}

static void push(const struct wr_record *rec)
{
	assert_true(wr_record_push(wr_worker_records(wr_fabric_worker(rig.t->f, 0)), rec));
}

static json_t *line(FILE *in)
{
	char text[WR_SINK_LINE_MAX];
	json_error_t where;
	json_t *o;

	if (fgets(text, sizeof(text), in) == NULL)
		return NULL;
	o = json_loads(text, 0, &where);
	if (o == NULL)
		fail_msg("not JSON: %s in %s", where.text, text);
	return o;
}

static void records_line_says_everything(void **state)
{
	struct wr_record rec = record();
	FILE *in;
	json_t *o;

	push(&rec);
	assert_false(wr_ctl_records_turn(rig.c, rig.t->now));
	assert_true(wr_sink_settle(&rig.c->sink, 10000));
	in = fopen(file, "r");
	assert_non_null(in);
	o = line(in);
	assert_non_null(o);
	assert_null(line(in));
	fclose(in);
	assert_int_equal(strlen(rig_str(o, "time")), strlen("2026-11-22T07:00:00.000Z"));
	assert_string_equal(rig_str(o, "session"), "0.77");
	assert_string_equal(rig_str(o, "service"), "web");
	assert_string_equal(rig_str(o, "backend"), "web/b1");
	assert_string_equal(rig_str(o, "client"), "198.18.0.2:10000");
	assert_string_equal(rig_str(o, "local"), "[2001:db8::100]:80");
	assert_int_equal(rig_uint(o, "bytes_out"), 5000000000);
	assert_string_equal(rig_str(o, "termination"), "SC");
	assert_true(strlen(rig_str(o, "cause")) > 4);
	assert_int_equal(rig_uint(o, "tries"), 2);
	assert_true(json_is_false(json_object_get(o, "proxied")));
	assert_true(json_real_value(json_object_get(o, "wait_ms")) == 1.5);
	assert_true(json_real_value(json_object_get(o, "total_ms")) == 2345.678);
	json_decref(o);
}

// A session that never had a backend; a service's number that means nothing any more.
static void records_names_that_are_not(void **state)
{
	struct wr_record rec = record();
	FILE *in;
	json_t *o;

	rec.backend = WR_BACKEND_NONE;
	rec.service = UINT16_MAX;
	rec.proxied = true;
	push(&rec);
	wr_ctl_records_turn(rig.c, rig.t->now);
	assert_true(wr_sink_settle(&rig.c->sink, 10000));
	in = fopen(file, "r");
	o = line(in);
	assert_string_equal(rig_str(o, "backend"), "");
	assert_string_equal(rig_str(o, "service"), "");
	assert_true(json_is_true(json_object_get(o, "proxied")));
	fclose(in);
	json_decref(o);
}

static void records_of_real_sessions(void **state)
{
	FILE *in;
	json_t *o;

	for (int i = 0; i < 3; i++) {
		struct tri_conn *c =
			tri_connect(rig.t, &(struct tri_want){.mode = TRI_ECHO, .up = 1000});

		TRI_WAIT(rig.t, tri_complete(rig.t, c), 10 * TRI_S);
	}
	rig_run(200 * WR_US_PER_MS);
	assert_true(wr_sink_settle(&rig.c->sink, 10000));
	assert_int_equal(rig.c->sink.written, 3);
	in = fopen(file, "r");
	for (int i = 0; i < 3; i++) {
		o = line(in);
		assert_non_null(o);
		assert_string_equal(rig_str(o, "termination"), "--");
		assert_int_equal(rig_uint(o, "bytes_in"), 1000 + sizeof(struct tri_order));
		assert_int_equal(rig_uint(o, "bytes_out"), 1000);
		json_decref(o);
	}
	fclose(in);
}

static void records_above_the_rate_are_told_once_in_a_while(void **state)
{
	struct wr_record rec = record();
	const struct wr_event *ev;

	for (int i = 0; i < 25; i++)
		push(&rec);
	wr_ctl_records_turn(rig.c, rig.t->now);
	assert_true(wr_sink_settle(&rig.c->sink, 10000));
	assert_int_equal(rig.c->sink.written, 10);
	assert_int_equal(rig.c->sink.lost[WR_SINK_LOST_RATE], 15);
	ev = rig_event(WR_EV_log_lost);
	assert_non_null(ev);
	assert_int_equal(ev->count, 15);
	assert_string_equal(ev->text, "15 above log.rate");
	for (int i = 0; i < 12; i++)
		push(&rec);
	wr_ctl_records_turn(rig.c, rig.t->now + WR_US_PER_S / 2);
	assert_int_equal(rig_event_count(WR_EV_log_lost), 1);
	wr_ctl_records_turn(rig.c, rig.t->now + 11 * WR_US_PER_S);
	assert_int_equal(rig_event_count(WR_EV_log_lost), 2);
	assert_int_equal(rig_event(WR_EV_log_lost)->count, 7);
}

// What a worker left out of its sample was not wanted: it is shown, and nothing was lost.
static void records_sampled_out_are_not_lost(void **state)
{
	struct wr_worker *w = rig.t->f->worker[0];
	json_t *top, *row;

	wr_stats_add(&w->stats, WR_CTR_records_sampled, 150);
	rig_run(2 * WR_US_PER_S);
	assert_int_equal(wr_sink_untold(&rig.c->sink), 0);
	assert_int_equal(rig_event_count(WR_EV_log_lost), 0);
	wr_stats_add(&w->stats, WR_CTR_records_lost, 2);
	rig_run(2 * WR_US_PER_S);
	assert_string_equal(rig_event(WR_EV_log_lost)->text, "2 no room in a worker's ring");
	top = rig_ask("/weir/log");
	row = rig_row(top, 0);
	assert_int_equal(rig_uint(row, "sampled_out"), 150);
	assert_int_equal(rig_uint(row, "lost"), 2);
	json_decref(top);
}

static void records_a_turn_is_bounded(void **state)
{
	struct wr_record rec = record();

	for (int i = 0; i < 600; i++)
		push(&rec);
	assert_true(wr_ctl_records_turn(rig.c, rig.t->now));
	assert_false(wr_ctl_records_turn(rig.c, rig.t->now));
	assert_true(wr_sink_settle(&rig.c->sink, 10000));
	assert_int_equal(rig.c->sink.written + rig.c->sink.lost[WR_SINK_LOST_RATE], 600);
}

static void records_of_a_silent_service_leave_no_line(void **state)
{
	struct wr_record rec = record();

	push(&rec);
	wr_ctl_records_turn(rig.c, rig.t->now);
	assert_int_equal(rig.c->sink.written, 0);
	assert_int_equal(wr_sink_untold(&rig.c->sink), 0);
}

static void records_without_a_target_are_taken_away(void **state)
{
	struct wr_record rec = record();

	for (int i = 0; i < 20; i++)
		push(&rec);
	assert_false(wr_ctl_records_turn(rig.c, rig.t->now));
	assert_false(wr_record_pop(wr_worker_records(wr_fabric_worker(rig.t->f, 0)), &rec));
	assert_int_equal(wr_sink_untold(&rig.c->sink), 0);
}

static void records_to_the_journal_have_fields(void **state)
{
	struct wr_record rec = record();
	char text[WR_SINK_LINE_MAX];
	ssize_t n;

	push(&rec);
	wr_ctl_records_turn(rig.c, rig.t->now);
	n = recv(journal_fd, text, sizeof(text) - 1, MSG_DONTWAIT);
	assert_true(n > 0);
	text[n] = '\0';
	assert_int_equal(
		strncmp(text, "MESSAGE=web: 198.18.0.2:10000 to web/b1, 2345.678 ms", 52), 0);
	assert_non_null(strstr(text, "\nPRIORITY=6\n"));
	assert_non_null(strstr(text, "\nWEIR_INSTANCE=tri\n"));
	assert_non_null(strstr(text, "\nWEIR_BACKEND=web/b1\n"));
	assert_non_null(strstr(text, "\nWEIR_BYTES_OUT=5000000000\n"));
	assert_non_null(strstr(text, "\nWEIR_WAIT_MS=1.500\n"));
	assert_non_null(strstr(text, "\nWEIR_TERMINATION=SC\n"));
	assert_non_null(strstr(text, "\nWEIR_PROXIED=0\n"));
	assert_int_equal(text[n - 1], '\n');
	assert_int_equal(rig.c->sink.written, 1);
}

// The slot of a backend that left is vacated with the next change: its records are written before.
static void records_before_names_are_gone(void **state)
{
	struct wr_conf_backend b = {.name = "b2", .weight = 1};
	struct wr_record rec = record();
	struct wr_err err = {0};
	FILE *in;
	json_t *o;

	rig.c->reload->sweep_us = WR_US_NEVER; // else it is vacated in time
	assert_int_equal(wr_endpoint_parse("198.18.1.22:80", &b.address), 0);
	assert_int_equal(wr_ctl_edit_remove(rig.c, "web", "b1", 0, &err), 0);
	rig_run(WR_US_PER_S);
	assert_int_equal(wr_ctl_edit_add(rig.c, "web", &b, &err), 0);
	push(&rec);
	wr_reload_turn(rig.c, rig.t->now + WR_US_PER_S);
	assert_true(wr_sink_settle(&rig.c->sink, 10000));
	assert_non_null(rig.c->reload->change);
	in = fopen(file, "r");
	assert_non_null(in);
	for (int i = 0; i < 2; i++) {
		o = line(in);
		assert_non_null(o);
		assert_string_equal(rig_str(o, "backend"), "web/b1");
		json_decref(o);
		assert_null(line(in));
		if (i == 0) {
			tri_settle(rig.t);
			push(&rec);
			wr_reload_turn(rig.c, rig.t->now + WR_US_PER_S);
			assert_true(wr_sink_settle(&rig.c->sink, 10000));
			assert_null(rig.c->reload->change);
			clearerr(in);
		}
	}
	fclose(in);
	assert_null(wr_backends_get(rig.c->backends, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(records_line_says_everything, setup_file, teardown),
		cmocka_unit_test_setup_teardown(records_names_that_are_not, setup_file, teardown),
		cmocka_unit_test_setup_teardown(records_of_real_sessions, setup_file, teardown),
		cmocka_unit_test_setup_teardown(
			records_above_the_rate_are_told_once_in_a_while, setup_file, teardown),
		cmocka_unit_test_setup_teardown(
			records_before_names_are_gone, setup_file, teardown),
		cmocka_unit_test_setup_teardown(
			records_sampled_out_are_not_lost, setup_file, teardown),
		cmocka_unit_test_setup_teardown(records_a_turn_is_bounded, setup_file, teardown),
		cmocka_unit_test_setup_teardown(
			records_of_a_silent_service_leave_no_line, setup_silent_service, teardown),
		cmocka_unit_test_setup_teardown(
			records_without_a_target_are_taken_away, setup_none, teardown),
		cmocka_unit_test_setup_teardown(
			records_to_the_journal_have_fields, setup_journal, teardown),
	};

	return cmocka_run_group_tests(tests, rig_group_start, rig_group_stop);
}
