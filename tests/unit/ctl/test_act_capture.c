/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

#include <sys/stat.h>
#include <unistd.h>

#include "capture.h"

// /weir/capture, over the socket.

static char file[WR_TAPE_PATH_LEN];

static const struct wr_tape *tape(void)
{
	return rig.c->captures != NULL && rig.c->captures->count > 0
	               ? &rig.c->captures->tape[rig.c->captures->count - 1]
	               : NULL;
}

static void start(const char *spec)
{
	char request[400];

	snprintf(request, sizeof(request), "/weir/capture,start=%s", spec);
	json_decref(rig_ask(request));
	if (tape() == NULL)
		fail_msg("%s: %s", request, rig_raw());
	snprintf(file, sizeof(file), "%s", tape()->file);
}

static void ask(const char *verb, uint32_t id)
{
	char request[64];

	snprintf(request, sizeof(request), "/weir/capture,%s=%u", verb, id);
	json_decref(rig_ask(request));
}

static void end(void)
{
	uint32_t id = tape()->id;

	ask("stop", id);
	for (int i = 0; i < 20; i++) {
		rig_run(5 * TRI_MS);
		pthread_mutex_lock(&rig.c->lock);
		wr_ctl_capture_turn(rig.c, rig.c->now_us);
		pthread_mutex_unlock(&rig.c->lock);
	}
	assert_int_equal(tape()->state, WR_TAPE_ENDED);
	ask("remove", id);
	assert_int_not_equal(access(file, F_OK), 0);
}

static void act_capture_from_start_to_removal(void **state)
{
	struct stat st;
	json_t *top;

	start("port=wan;filter=tcp port 80;packets=500;seconds=60;snap=96;dir=in");
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	top = rig_ask("/weir/capture");
	assert_int_equal(rig_rows(top), 1);
	assert_string_equal(rig_str(rig_row(top, 0), "state"), "running");
	assert_string_equal(rig_str(rig_row(top, 0), "port"), "wan");
	assert_string_equal(rig_str(rig_row(top, 0), "dir"), "in");
	assert_string_equal(rig_str(rig_row(top, 0), "filter"), "tcp port 80");
	assert_int_equal(rig_uint(rig_row(top, 0), "packets_max"), 500);
	json_decref(top);
	rig_expect_error("/weir/capture,start=packets=1", "there is one at a time", "stop=ID");
	rig_expect_error("/weir/capture,remove=1", "has not ended", "stop=ID");
	end();
	top = rig_ask("/weir/capture");
	assert_int_equal(rig_rows(top), 0);
	json_decref(top);
	assert_non_null(rig_event(WR_EV_capture_ended));
}

static void act_capture_one_session(void **state)
{
	char spec[64];
	json_t *top;

	tri_connect(rig.t, &(struct tri_want){.mode = TRI_ECHO, .up = 100, .hold = true});
	rig_run(200 * TRI_MS);
	top = rig_ask("/weir/conns");
	snprintf(spec, sizeof(spec), "conn=%s", rig_str(rig_row(top, 0), "id"));
	json_decref(top);
	start(spec);
	assert_non_null(strstr(tape()->spec.filter, "tcp port 80"));
	assert_non_null(strstr(tape()->spec.filter, "vlan and"));
	end();
	rig_expect_error("/weir/capture,start=conn=0.999999", "no connection", "/weir/conns");
	rig_expect_error("/weir/capture,start=conn=9.1", "no connection", "/weir/conns");
}

static void act_capture_refusals(void **state)
{
	rig_expect_error("/weir/capture,start=filter=tcp prot 80", "syntax error", "tcpdump");
	rig_expect_error("/weir/capture,start=port=dmz", "no port 'dmz'", "key=value");
	rig_expect_error("/weir/capture,stop=1", "no capture 1 runs", "/weir/capture");
	rig_expect_error("/weir/capture,remove=77", "no capture 77", "/weir/capture");
	rig_expect_error("/weir/capture,stop=x", "not the id of a capture", "numbers");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			act_capture_from_start_to_removal, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(act_capture_one_session, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(act_capture_refusals, rig_setup, rig_teardown),
	};

	return cmocka_run_group_tests(tests, rig_group_start, rig_group_stop);
}
