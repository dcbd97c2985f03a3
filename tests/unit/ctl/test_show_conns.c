/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

#define SESSIONS 40

static int setup(void **state)
{
	rig_begin(&(struct tri_config){.seed = 3, .workers = 2});
	for (int i = 0; i < SESSIONS; i++) {
		struct tri_conn *c = tri_connect(
			rig.t, &(struct tri_want){.hold = true, .family = i % 2 == 0 ? 4 : 6});

		TRI_WAIT(rig.t, tri_other(rig.t, c) != NULL, TRI_S);
	}
	rig_run(20 * WR_US_PER_MS);
	return 0;
}

// Walk all pages; returns how many rows came, *pages how many requests it took.
static unsigned int walk(const char *filter, unsigned int *pages, char ids[][32])
{
	unsigned int n = 0;
	uint64_t next = 0;

	*pages = 0;
	do {
		char request[128];
		json_t *top;

		snprintf(request, sizeof(request), "/weir/conns,%llu%s%s", (unsigned long long)next,
			filter[0] != '\0' ? "," : "", filter);
		top = rig_ask(request);
		assert_true(strlen(rig_raw()) < 13 * 1024);
		for (unsigned int i = 0; i < rig_rows(top); i++, n++) {
			assert_true(n < SESSIONS);
			snprintf(ids[n], 32, "%s", rig_str(rig_row(top, i), "id"));
			for (unsigned int k = 0; k < n; k++)
				assert_string_not_equal(ids[k], ids[n]);
		}
		assert_int_equal(rig_uint(rig_page(top), "total"), SESSIONS);
		next = rig_uint(rig_page(top), "next");
		json_decref(top);
	} while (next != 0 && ++*pages < 100);
	return n;
}

static char ids[SESSIONS][32];

static void conns_every_session_once_over_pages_and_workers(void **state)
{
	unsigned int pages;

	assert_int_equal(walk("", &pages, ids), SESSIONS);
	assert_true(pages >= 2);
}

static void conns_filters(void **state)
{
	unsigned int pages, b0, b1;
	char filter[64];

	b0 = walk("backend=web/b0", &pages, ids);
	b1 = walk("backend=web/b1", &pages, ids);
	assert_int_equal(b0 + b1, SESSIONS);
	assert_true(b0 > 0 && b1 > 0);
	assert_int_equal(walk("service=web", &pages, ids), SESSIONS);
	assert_int_equal(walk("peer=198.18.0.2", &pages, ids), SESSIONS / 2);
	assert_int_equal(walk("peer=2001:db8::2", &pages, ids), SESSIONS / 2);
	assert_int_equal(walk("peer=198.18.0.77", &pages, ids), 0);
	assert_int_equal(walk("stalled=1", &pages, ids), 0);
	assert_int_equal(walk("stalled=0", &pages, ids), SESSIONS);
	walk("peer=2001:db8::2,backend=web/b0", &pages, ids);
	snprintf(filter, sizeof(filter), "id=%s", ids[0]);
	assert_int_equal(walk(filter, &pages, ids), 1);
	assert_string_equal(strchr(filter, '=') + 1, ids[0]);
}

static void conns_row_has_both_sides(void **state)
{
	json_t *top = rig_ask("/weir/conns,backend=web/b0,peer=198.18.0.2");
	json_t *row = rig_row(top, 0);

	assert_string_equal(rig_str(row, "service"), "web");
	assert_string_equal(rig_str(row, "backend"), "web/b0");
	assert_string_equal(rig_str(row, "listener"), "198.18.0.100:80");
	assert_string_equal(rig_str(row, "state"), "open");
	assert_string_equal(rig_str(row, "stalled"), "");
	assert_string_equal(rig_str(row, "c_state"), "ESTABLISHED");
	assert_string_equal(rig_str(row, "b_state"), "ESTABLISHED");
	assert_int_equal(strncmp(rig_str(row, "client"), "198.18.0.2:", 11), 0);
	assert_int_equal(rig_uint(row, "c_bytes_in"), sizeof(struct tri_order));
	assert_int_equal(rig_uint(row, "b_bytes_out"), sizeof(struct tri_order));
	json_decref(top);
}

static void conns_row_has_what_tcp_is_doing(void **state)
{
	json_t *top = rig_ask("/weir/conns,peer=2001:db8::2");
	json_t *row = rig_row(top, 0);

	for (const char *side = "cb"; *side != '\0'; side++) {
		static const char *const at_rest[] = {"_sacked", "_lost", "_retrans", "_in_flight"};
		char key[32];

		snprintf(key, sizeof(key), "%c_cc", *side);
		assert_string_equal(rig_str(row, key), "cubic");
		snprintf(key, sizeof(key), "%c_ca", *side);
		assert_string_equal(rig_str(row, key), "open");
		snprintf(key, sizeof(key), "%c_recv_buf", *side);
		assert_int_equal(rig_uint(row, key), 128 << 10);
		snprintf(key, sizeof(key), "%c_send_buf", *side);
		assert_int_equal(rig_uint(row, key), 128 << 10);
		snprintf(key, sizeof(key), "%c_cwnd", *side);
		assert_true(rig_uint(row, key) > 0);
		snprintf(key, sizeof(key), "%c_min_rtt_us", *side);
		assert_true(rig_uint(row, key) <= WR_US_PER_S);
		for (size_t i = 0; i < RTE_DIM(at_rest); i++) {
			snprintf(key, sizeof(key), "%c%s", *side, at_rest[i]);
			assert_int_equal(rig_uint(row, key), 0);
		}
	}
	json_decref(top);
}

static void conns_bad_filters(void **state)
{
	rig_expect_error("/weir/conns,service=x", "no service 'x'", "/weir/services");
	rig_expect_error("/weir/conns,backend=x", "no backend 'x'", "POOL/NAME");
	rig_expect_error("/weir/conns,peer=198.18.0.5:80", "not an address", "198.18.0.5");
	rig_expect_error("/weir/conns,id=7", "not the id", "WORKER.NUMBER");
	rig_expect_error("/weir/conns,id=2.7", "not the id", "WORKER.NUMBER");
	rig_expect_error("/weir/conns,stalled=yes", "'yes'", "0 or 1");
}

static void conns_cursor_of_no_worker(void **state)
{
	json_t *top = rig_ask("/weir/conns,8589934592");

	assert_int_equal(rig_rows(top), 0);
	assert_int_equal(rig_uint(rig_page(top), "next"), 0);
	json_decref(top);
}

// The workers stand still: the reply says so in a row, and comes.
static void conns_worker_that_does_not_answer(void **state)
{
	json_t *top = rig_ask_pumping("/weir/conns", NULL, NULL);

	assert_int_equal(rig_rows(top), 2);
	assert_non_null(strstr(rig_str(rig_row(top, 0), "error"), "worker 0 did not answer"));
	assert_non_null(strstr(rig_str(rig_row(top, 1), "error"), "worker 1 did not answer"));
	json_decref(top);
	rig_run(WR_US_PER_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			conns_every_session_once_over_pages_and_workers, setup, rig_teardown),
		cmocka_unit_test_setup_teardown(conns_filters, setup, rig_teardown),
		cmocka_unit_test_setup_teardown(conns_row_has_both_sides, setup, rig_teardown),
		cmocka_unit_test_setup_teardown(
			conns_row_has_what_tcp_is_doing, setup, rig_teardown),
		cmocka_unit_test_setup_teardown(conns_bad_filters, setup, rig_teardown),
		cmocka_unit_test_setup_teardown(conns_cursor_of_no_worker, setup, rig_teardown),
		cmocka_unit_test_setup_teardown(
			conns_worker_that_does_not_answer, setup, rig_teardown),
	};

	return cmocka_run_group_tests(tests, rig_group_start, rig_group_stop);
}
