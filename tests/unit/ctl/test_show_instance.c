/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

#include <unistd.h>

#include "wr_version.h"

static void instance_status_row(void **state)
{
	json_t *top, *row;

	rig_run(3 * WR_US_PER_S);
	top = rig_ask("/weir/status");
	row = rig_row(top, 0);
	assert_int_equal(rig_rows(top), 1);
	assert_string_equal(rig_str(row, "name"), "tri");
	assert_string_equal(rig_str(row, "version"), WR_VERSION);
	assert_string_equal(rig_str(row, "state"), "serving");
	assert_int_equal(rig_uint(row, "ready"), 1);
	assert_int_equal(rig_uint(row, "pid"), getpid());
	assert_int_equal(rig_uint(row, "uptime_s"), 3);
	assert_int_equal(rig_uint(row, "workers"), 1);
	assert_int_equal(rig_uint(row, "backends_usable"), 2);
	assert_int_equal(rig_uint(row, "sessions"), 0);
	json_decref(top);
	wr_ctl_begin_stop(rig.c, rig.t->now);
	top = rig_ask("/weir/status");
	assert_string_equal(rig_str(rig_row(top, 0), "state"), "stopping");
	assert_int_equal(rig_uint(rig_row(top, 0), "ready"), 0);
	json_decref(top);
}

static void instance_sessions_are_counted(void **state)
{
	json_t *top;

	tri_connect(rig.t, &(struct tri_want){.hold = true});
	rig_run(WR_US_PER_S);
	top = rig_ask("/weir/status");
	assert_int_equal(rig_uint(rig_row(top, 0), "sessions"), 1);
	assert_int_equal(rig_uint(rig_row(top, 0), "connections"), 2);
	assert_int_equal(rig_uint(rig_row(top, 0), "sessions_total"), 1);
	json_decref(top);
	top = rig_ask("/weir/workers");
	assert_int_equal(rig_uint(rig_row(top, 0), "sessions"), 1);
	assert_true(rig_uint(rig_row(top, 0), "held_budget") > 0);
	assert_int_equal(rig_uint(rig_row(top, 0), "worker"), 0);
	assert_int_equal(rig_uint(rig_row(top, 0), "cpu"), 1);
	json_decref(top);
}

static void instance_ports_facts(void **state)
{
	json_t *top = rig_ask("/weir/ports");
	json_t *row = rig_row(top, 1);

	assert_int_equal(rig_rows(top), 2);
	assert_string_equal(rig_str(row, "name"), "lan");
	assert_string_equal(rig_str(row, "device"), "net_sim1");
	assert_string_equal(rig_str(row, "mac"), "02:00:00:00:00:02");
	assert_non_null(strstr(rig_str(row, "flags"), "tx_multi_segs rx_cksum"));
	assert_null(strstr(rig_str(row, "flags"), "rss"));
	assert_string_equal(rig_str(row, "loss_known"), "by the port only");
	assert_int_equal(rig_uint(row, "mtu"), 1500);
	json_decref(top);
}

static void instance_neighbours_known(void **state)
{
	json_t *top;
	bool found = false;

	tri_connect(rig.t, &(struct tri_want){.hold = true});
	rig_run(WR_US_PER_S);
	top = rig_ask("/weir/neighbours");
	for (unsigned int i = 0; i < rig_rows(top); i++) {
		json_t *row = rig_row(top, i);

		if (strcmp(rig_str(row, "address"), "198.18.0.2") != 0)
			continue;
		found = true;
		assert_string_equal(rig_str(row, "mac"), "02:aa:00:00:00:00");
		assert_string_equal(rig_str(row, "port"), "wan");
		assert_string_equal(rig_str(row, "state"), "reachable");
	}
	assert_true(found);
	json_decref(top);
}

// The lines, put together, are a configuration that says the same.
static void instance_config_reads_back(void **state)
{
	char text[16384] = "", *again = NULL, *dump = NULL;
	struct wr_err err = {0};
	struct wr_conf *conf;
	uint64_t next = 0;
	size_t len;
	FILE *out;

	do {
		char request[64];
		json_t *top;

		snprintf(request, sizeof(request), "/weir/config,%llu", (unsigned long long)next);
		top = rig_ask(request);
		for (unsigned int i = 0; i < rig_rows(top); i++) {
			json_t *row = rig_row(top, i);

			strcat(text, rig_str(row, "text"));
			if (json_object_get(row, "text_2") != NULL)
				strcat(text, rig_str(row, "text_2"));
			strcat(text, "\n");
		}
		next = rig_uint(rig_page(top), "next");
		json_decref(top);
	} while (next != 0);
	conf = wr_conf_parse("again.yaml", text, strlen(text), &err);
	if (conf == NULL)
		fail_msg("%s", err.text);
	out = open_memstream(&again, &len);
	wr_conf_dump(conf, out);
	fclose(out);
	out = open_memstream(&dump, &len);
	wr_conf_dump(rig.t->conf, out);
	fclose(out);
	assert_string_equal(again, dump);
	free(again);
	free(dump);
	wr_conf_free(conf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(instance_status_row, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(
			instance_sessions_are_counted, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(instance_ports_facts, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(instance_neighbours_known, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(
			instance_config_reads_back, rig_setup, rig_teardown),
	};

	return cmocka_run_group_tests(tests, rig_group_start, rig_group_stop);
}
