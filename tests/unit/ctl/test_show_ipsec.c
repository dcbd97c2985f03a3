/* SPDX-License-Identifier: BSD-3-Clause */
#include "ipsec_test.h"

static void show_associations_one_row_each(void **state)
{
	json_t *top = rig_ask("/weir/ipsec"), *row;

	assert_int_equal(rig_rows(top), TUNNELS * 2 * 2);
	row = rig_row(top, 2);
	assert_string_equal(rig_str(row, "tunnel"), "far");
	assert_string_equal(rig_str(row, "mode"), "tunnel");
	assert_string_equal(rig_str(row, "cipher"), "aes-gcm-128");
	assert_string_equal(rig_str(row, "local"), "198.18.1.1");
	assert_string_equal(rig_str(row, "remote"), "198.18.1.200");
	assert_int_equal(rig_uint(row, "worker"), 1);
	assert_string_equal(rig_str(row, "direction"), "in");
	assert_int_equal(strtoul(rig_str(row, "spi"), NULL, 16), key_of(1, 0, 1, false).spi);
	assert_int_equal(strlen(rig_str(row, "spi")), 10);
	assert_int_equal(rig_uint(row, "generation"), 1);
	assert_string_equal(rig_str(row, "state"), "current");
	assert_int_equal(rig_uint(row, "packets"), 0);
	assert_int_equal(rig_uint(row, "forged"), 0);
	assert_string_equal(rig_str(row, "steered"), "worker");
	assert_null(json_object_get(row, "life_packets_left")); // there is no end
	row = rig_row(top, 3);
	assert_string_equal(rig_str(row, "direction"), "out");
	assert_null(json_object_get(row, "forged"));
	assert_null(json_object_get(row, "steered"));
	json_decref(top);
}

static void show_associations_of_generations(void **state)
{
	json_t *top;

	keys_are(0, 2);
	rekey_must(0, 1);
	top = rig_ask("/weir/ipsec,tunnel=far,worker=1");
	assert_int_equal(rig_rows(top), 4);
	assert_string_equal(rig_str(rig_row(top, 0), "state"), "next");
	assert_int_equal(rig_uint(rig_row(top, 0), "generation"), 2);
	assert_string_equal(rig_str(rig_row(top, 2), "state"), "current");
	json_decref(top);
	rig_run(21 * WR_US_PER_S / 10);
	top = rig_ask("/weir/ipsec,tunnel=far,worker=1");
	assert_string_equal(rig_str(rig_row(top, 0), "state"), "current");
	assert_int_equal(rig_uint(rig_row(top, 0), "age_s"), 2);
	assert_string_equal(rig_str(rig_row(top, 2), "state"), "old");
	json_decref(top);
	rig_expect_error("/weir/ipsec,tunnel=x", "no tunnel 'x'", "/weir/tunnels");
	rig_expect_error("/weir/ipsec,worker=9", "worker", "worker");
}

static int setup_life(void **state)
{
	tunnels_make(1);
	tunnel_of(0)->life_us = 10 * WR_US_PER_S;
	tunnel_of(0)->life_packets = 100;
	tunnel_of(0)->life_bytes = 5000;
	control_make();
	return 0;
}

static void show_life_that_is_left(void **state)
{
	struct far_side f;
	json_t *top, *row;

	far_open(&f, 1, 0);
	far_send(&f);
	rig_run(2 * WR_US_PER_S);
	top = rig_ask("/weir/ipsec,tunnel=far");
	row = rig_row(top, 0);
	assert_int_equal(rig_uint(row, "packets"), 1);
	assert_int_equal(rig_uint(row, "bytes"), 40);
	assert_int_equal(rig_uint(row, "sequence"), 1);
	assert_int_equal(rig_uint(row, "life_packets_left"), 99);
	assert_int_equal(rig_uint(row, "life_bytes_left"), 4960);
	assert_in_range(rig_uint(row, "life_s_left"), 6, 9);
	json_decref(top);
	top = rig_ask("/weir/tunnels,tunnel=far");
	row = rig_row(top, 0);
	assert_in_range(rig_uint(row, "life_used_permille"), 100, 400);
	assert_int_equal(rig_uint(row, "in_packets"), 1);
	json_decref(top);
	rig_run(9 * WR_US_PER_S);
	top = rig_ask("/weir/ipsec,tunnel=far");
	assert_string_equal(rig_str(rig_row(top, 0), "state"), "expired");
	assert_int_equal(rig_uint(rig_row(top, 0), "life_s_left"), 0);
	json_decref(top);
	top = rig_ask("/weir/tunnels");
	assert_string_equal(rig_str(rig_row(top, 0), "state"), "closed");
	json_decref(top);
	far_close(&f);
}

static void show_tunnels_one_row_each(void **state)
{
	json_t *top = rig_ask("/weir/tunnels"), *row;

	assert_int_equal(rig_rows(top), TUNNELS);
	row = rig_row(top, 0);
	assert_string_equal(rig_str(row, "name"), "far");
	assert_string_equal(rig_str(row, "state"), "open");
	assert_int_equal(rig_uint(row, "required"), 1);
	assert_string_equal(rig_str(row, "pools"), "web");
	assert_int_equal(rig_uint(row, "generation"), 1);
	assert_null(json_object_get(row, "generation_next"));
	assert_in_range(rig_uint(row, "mtu_inside"), 1400, 1480);
	assert_int_equal(rig_uint(row, "forged"), 0);
	assert_null(json_object_get(row, "life_used_permille"));
	json_decref(top);
	rig_expect_error("/weir/tunnels,tunnel=x", "no tunnel 'x'", "/weir/tunnels");
}

static void show_tunnels_in_clear_until_the_first_keys(void **state)
{
	struct wr_err err = {0};
	json_t *top;

	rig.t->conf->pools[0].require = false;
	rig.c = wr_ctl_create(rig.t->f, &err);
	assert_non_null(rig.c);
	top = rig_ask_pumping("/weir/tunnels", NULL, NULL);
	assert_string_equal(rig_str(rig_row(top, 0), "state"), "in clear");
	assert_int_equal(rig_uint(rig_row(top, 0), "required"), 0);
	json_decref(top);
	rig_run(SOON);
	top = rig_ask("/weir/tunnels");
	assert_string_equal(rig_str(rig_row(top, 0), "state"), "open");
	json_decref(top);
}

static int setup_stopped(void **state)
{
	tunnels_make(1);
	return 0;
}

static void show_without_tunnels(void **state)
{
	json_t *top = rig_ask("/weir/ipsec");

	assert_int_equal(rig_rows(top), 0);
	json_decref(top);
	top = rig_ask("/weir/tunnels");
	assert_int_equal(rig_rows(top), 0);
	json_decref(top);
}

// --- no part of a key is anywhere
// -----------------------------------------------------------------

static void expect_no_key(const char *where, const char *text)
{
	char hex[80];

	for (uint32_t set = 1; set <= 3; set++)
		for (uint32_t i = 0; i < TUNNELS * 4; i++) {
			struct wr_ipsec_key k = key_of(set, i / 4, i / 2 % 2, i % 2);

			// Any eight bytes of it, as digits.
			for (uint32_t at = 0; at + 8 <= k.key_len; at++) {
				hex_of(k.key + at, 8, hex);
				if (strcasestr(text, hex) != NULL)
					fail_msg("%s shows a key: %s", where, text);
			}
			hex_of(k.salt, sizeof(k.salt), hex);
			if (strcasestr(text, hex) != NULL)
				fail_msg("%s shows a salt: %s", where, text);
		}
}

static void expect_no_key_in(const char *request)
{
	json_t *top = rig_ask(request);

	expect_no_key(request, rig_raw());
	json_decref(top);
}

static void expect_no_key_in_pages(const char *path)
{
	uint64_t cursor = 0;
	char request[128];
	json_t *top;

	do {
		snprintf(request, sizeof(request), "%s,%llu", path, (unsigned long long)cursor);
		top = rig_ask(request);
		expect_no_key(request, rig_raw());
		cursor = rig_uint(rig_page(top), "next");
		json_decref(top);
	} while (cursor != 0);
}

// All that the instance tells, after keys were taken, refused and retired.
static void show_no_part_of_a_key_anywhere(void **state)
{
	static const char *const words[] = {"/weir/backends,detail=1", "/weir/counters,all=1",
		"/weir/drops,all=1", "/weir/config,show", "/weir/config/diff,file=1",
		"/weir/ipsec/rekey,tunnel=far", "/weir/recorder,saved=1"};
	struct wr_ipsec_key k[4];
	json_t *top, *list;
	const char *path;

	keys_are(0, 2);
	rekey_must(0, 1);
	rig_run(6 * WR_US_PER_S);
	for (uint32_t i = 0; i < 4; i++)
		k[i] = key_of(3, 0, (uint16_t)(i / 2), i % 2);
	k[3].key_len = 15; // a line that is wrong
	keys_file(0, k, 4);
	top = rig_ask("/weir/ipsec/rekey,tunnel=far");
	expect_no_key("a refusal", rig_raw());
	assert_non_null(strstr(rig_raw(), "error"));
	json_decref(top);
	top = rig_ask_pumping("/", NULL, NULL);
	list = json_incref(json_object_iter_value(json_object_iter(top)));
	json_decref(top);
	assert_true(json_array_size(list) > 30);
	for (size_t i = 0; i < json_array_size(list); i++) {
		path = json_string_value(json_array_get(list, i));
		if (strncmp(path, "/weir/", 6) == 0)
			expect_no_key_in_pages(path);
	}
	json_decref(list);
	for (size_t i = 0; i < RTE_DIM(words); i++)
		expect_no_key_in(words[i]);
	// Events are shown by sentences; their own text may hold more.
	for (uint64_t id = wr_history_oldest(&rig.c->history); id < rig.c->history.next_id; id++)
		expect_no_key("an event", wr_history_get(&rig.c->history, id)->ev.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			show_associations_one_row_each, tunnels_setup_two, tunnels_teardown),
		cmocka_unit_test_setup_teardown(
			show_associations_of_generations, tunnels_setup_two, tunnels_teardown),
		cmocka_unit_test_setup_teardown(
			show_life_that_is_left, setup_life, tunnels_teardown),
		cmocka_unit_test_setup_teardown(
			show_tunnels_one_row_each, tunnels_setup, tunnels_teardown),
		cmocka_unit_test_setup_teardown(show_tunnels_in_clear_until_the_first_keys,
			setup_stopped, tunnels_teardown),
		cmocka_unit_test_setup_teardown(show_without_tunnels, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(
			show_no_part_of_a_key_anywhere, tunnels_setup_two, tunnels_teardown),
	};

	return cmocka_run_group_tests(tests, rig_group_start, rig_group_stop);
}
