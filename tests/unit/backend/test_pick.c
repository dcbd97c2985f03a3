/* SPDX-License-Identifier: BSD-3-Clause */
#include "backend_test.h"

// Two boxes with one configuration pick the same, whatever their seeds, slots and order.
static void pick_two_instances_agree(void **state)
{
	static const enum wr_conf_balance kinds[] = {
		WR_CONF_BALANCE_MAGLEV, WR_CONF_BALANCE_BOUNDED};
	struct wr_conf_backend swap;
	struct wr_conf_pool *pc;
	struct rig x, y;

	for (size_t k = 0; k < 2; k++) {
		rig_conf(&x, 7)->balance = kinds[k];
		pc = rig_conf(&y, 7);
		pc->balance = kinds[k];
		swap = pc->backends[0];
		pc->backends[0] = pc->backends[5];
		pc->backends[5] = swap;
		for (uint16_t i = 0; i < 7; i++)
			pc->backends[i].id = 100 + i;
		rig_start(&x);
		rig_start(&y);
		rig_run(&x, 2 * T_S);
		for (uint32_t i = 0; i < 2000; i++) {
			uint16_t a = wr_backends_pick(x.b, 0, 0, t_key(i), NULL, 0);
			uint16_t b = wr_backends_pick(y.b, 0, 1, t_key(i), NULL, 0);

			assert_string_equal(be_of(&x, a)->name, be_of(&y, b)->name);
		}
		rig_close(&x);
		rig_close(&y);
	}
}

struct ask {
	uint32_t asked[16];
	uint32_t total;
	uint16_t yes;
};

static bool only(void *arg, uint16_t id)
{
	struct ask *a = arg;

	a->asked[id]++;
	a->total++;
	return id == a->yes;
}

// None is missed, none that is not usable is asked, whatever the tier.
static void pick_asks_everyone(void **state)
{
	static const enum wr_conf_balance kinds[] = {WR_CONF_BALANCE_MAGLEV,
		WR_CONF_BALANCE_BOUNDED, WR_CONF_BALANCE_LEAST, WR_CONF_BALANCE_TWO_CHOICES,
		WR_CONF_BALANCE_ROUND_ROBIN};
	struct wr_conf_pool *pc;
	struct rig r;

	for (size_t k = 0; k < 5; k++) {
		pc = rig_conf(&r, 16);
		pc->balance = kinds[k];
		for (uint32_t i = 8; i < 16; i++)
			pc->backends[i].priority = i / 4;
		pc->backends[5].disabled = true;
		rig_start(&r);
		for (uint32_t i = 0; i < 200; i++) {
			struct ask a = {.yes = (uint16_t)(i % 16)};
			uint16_t id = wr_backends_pick_if(r.b, 0, 0, t_key(i), only, &a);

			assert_int_equal(id, a.yes == 5 ? WR_BACKEND_NONE : a.yes);
			assert_int_equal(a.asked[5], 0);
			assert_in_range(a.total, 1, 9 + 16);
		}
		rig_close(&r);
	}
}

static void pick_skips_what_was_tried(void **state)
{
	uint16_t tried[6];
	struct rig r;

	rig_open(&r, 6);
	for (uint32_t i = 0; i < 100; i++) {
		for (uint32_t n = 0; n < 6; n++) {
			tried[n] = wr_backends_pick(r.b, 0, 0, t_key(i), tried, n);
			assert_in_range(tried[n], 0, 5);
			for (uint32_t k = 0; k < n; k++)
				assert_int_not_equal(tried[k], tried[n]);
		}
		assert_int_equal(wr_backends_pick(r.b, 0, 0, t_key(i), tried, 6), WR_BACKEND_NONE);
	}
	rig_close(&r);
}

static void pick_key_as_configured(void **state)
{
	struct wr_endpoint a, b, c;
	struct rig r;

	rig_conf(&r, 1);
	conf_pool(r.conf, "address", 1, "a", 1)->hash = WR_CONF_HASH_ADDRESS;
	conf_pool(r.conf, "prefix", 1, "p", 2)->hash = WR_CONF_HASH_PREFIX;
	rig_start(&r);
	wr_endpoint_parse("198.18.0.1:1000", &a);
	wr_endpoint_parse("198.18.0.1:1001", &b);
	wr_endpoint_parse("198.18.0.200:1001", &c);
	assert_true(wr_backends_key(r.b, 0, &a) != wr_backends_key(r.b, 0, &b));
	assert_int_equal(wr_backends_key(r.b, 0, &a), wr_maglev_key(&a.addr, a.port));
	assert_true(wr_backends_key(r.b, 1, &a) == wr_backends_key(r.b, 1, &b));
	assert_true(wr_backends_key(r.b, 1, &b) != wr_backends_key(r.b, 1, &c));
	assert_true(wr_backends_key(r.b, 2, &a) == wr_backends_key(r.b, 2, &c));
	wr_endpoint_parse("[2001:db8:0:aa01::1]:1", &a);
	wr_endpoint_parse("[2001:db8:0:aaff::2]:2", &b);
	wr_endpoint_parse("[2001:db8:0:ab01::2]:2", &c);
	assert_true(wr_backends_key(r.b, 1, &a) != wr_backends_key(r.b, 1, &b));
	assert_true(wr_backends_key(r.b, 2, &a) == wr_backends_key(r.b, 2, &b));
	assert_true(wr_backends_key(r.b, 2, &a) != wr_backends_key(r.b, 2, &c));
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pick_two_instances_agree),
		cmocka_unit_test(pick_asks_everyone),
		cmocka_unit_test(pick_skips_what_was_tried),
		cmocka_unit_test(pick_key_as_configured),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
