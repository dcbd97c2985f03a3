/* SPDX-License-Identifier: BSD-3-Clause */
#include "backend_test.h"

static void load_sums_others(void **state)
{
	struct rig r;

	rig_open(&r, 3);
	rig_turn(&r);
	for (int i = 0; i < 5; i++)
		wr_backends_hold(r.b, 0, 1);
	for (int i = 0; i < 3; i++)
		wr_backends_hold(r.b, 1, 1);
	wr_backends_hold(r.b, 1, 2);
	wr_backends_release(r.b, 1, 2);
	assert_int_equal(r.b->own[0].sessions[1], 5); // at once
	r.now += 5 * T_MS;
	rig_turn(&r);
	assert_int_equal(r.b->others[0].sessions[1], 3);
	assert_int_equal(r.b->others[1].sessions[1], 5);
	assert_int_equal(r.b->others[0].sessions[2], 0);
	assert_int_equal(r.b->load[0].sessions[0], 8);
	assert_int_equal(wr_backend_held(r.b, 1), 8);
	rig_close(&r);
}

static void load_hot_is_a_quantile(void **state)
{
	struct rig r;

	rig_conf(&r, 101)->balance = WR_CONF_BALANCE_TWO_CHOICES;
	rig_start(&r);
	rig_turn(&r);
	for (uint16_t id = 0; id < 101; id++)
		for (uint32_t i = 0; i < (id * 37u) % 101; i++)
			wr_backends_hold(r.b, 0, id);
	r.now += 5 * T_MS;
	rig_turn(&r);
	assert_int_equal(r.b->load[0].hot[0], 84 * 256);
	rig_close(&r);
}

static void load_latency_is_smoothed(void **state)
{
	uint32_t *us;
	struct rig r;

	rig_open(&r, 2);
	us = &r.b->own[1].latency_us[1];
	wr_backends_latency(r.b, 1, 1, 800);
	assert_int_equal(*us, 800);
	wr_backends_latency(r.b, 1, 1, 1600);
	assert_int_equal(*us, 900);
	wr_backends_latency(r.b, 1, 1, 0);
	assert_in_range(*us, 787, 788);
	wr_backends_latency(r.b, 1, 0, 0);
	assert_int_equal(r.b->own[1].latency_us[0], 1); // known, if short
	wr_backends_latency(r.b, 1, 0, WR_US_NEVER);
	assert_int_equal(r.b->own[1].latency_us[0], 1 + (UINT32_MAX - 1) / 8);
	assert_int_equal(r.b->own[0].latency_us[1], 0); // another worker's own
	rig_close(&r);
}

// With least, picks go where room is, the other workers' sessions included.
static void load_decides_least(void **state)
{
	uint32_t n[3] = {0};
	struct rig r;

	rig_conf(&r, 3)->balance = WR_CONF_BALANCE_LEAST;
	rig_start(&r);
	rig_turn(&r);
	for (int i = 0; i < 30; i++)
		wr_backends_hold(r.b, 1, 0);
	r.now += 5 * T_MS;
	rig_turn(&r);
	for (uint32_t i = 0; i < 60; i++) {
		uint16_t id = wr_backends_pick(r.b, 0, 0, t_key(i), NULL, 0);

		wr_backends_hold(r.b, 0, id);
		n[id]++;
	}
	assert_int_equal(n[0], 0);
	assert_int_equal(n[1], 30);
	assert_int_equal(n[2], 30);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(load_sums_others),
		cmocka_unit_test(load_hot_is_a_quantile),
		cmocka_unit_test(load_latency_is_smoothed),
		cmocka_unit_test(load_decides_least),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
