/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "peer.h"

static struct pair pools;

static struct wr_tcp_config config(struct wr_stats *st)
{
	struct wr_tcp_config c = pair_config();

	pair_pools(&pools);
	c.small = pools.small;
	c.stats = st;
	return c;
}

static void stack_defaults(void **state)
{
	struct wr_stats st = {0};
	struct wr_tcp_config c = config(&st);
	struct wr_tcp_stack *s = wr_tcp_stack_create(&c, 5);

	assert_non_null(s);
	assert_int_equal(s->cfg.max_half_open, 64);
	assert_int_equal(s->cfg.rcv_buf_bytes, 128 << 10);
	assert_int_equal(s->cfg.ooo_total_max, c.held_budget / 4);
	assert_int_equal(s->cfg.time_wait_us, 60 * WR_US_PER_S);
	assert_int_equal(s->cfg.rto_initial_us, WR_US_PER_S);
	assert_int_equal(s->cfg.small_budget, pools.small->size / 2);
	assert_int_equal(s->cfg.give_up_us, 300 * WR_US_PER_S);
	assert_int_equal(s->cfg.keepalive_us, 0); // never
	assert_int_equal(s->cfg.keepalive_interval_us, 75 * WR_US_PER_S);
	assert_int_equal(s->cfg.keepalive_probes, 9);
	assert_int_equal(s->cfg.congestion, WR_TCP_CUBIC);
	assert_int_equal(s->cfg.cookies, WR_TCP_COOKIES_AUTO);
	assert_int_equal(s->cfg.rcv_buf_max_bytes, 0);
	assert_int_equal(wr_tcp_next_timer(s), WR_US_NEVER);
	wr_tcp_stack_destroy(s);
	wr_tcp_stack_destroy(NULL);
}

static void stack_refuses_impossible(void **state)
{
	struct wr_stats st = {0};
	struct wr_tcp_config c;

	c = config(&st);
	c.max_conns = 0;
	assert_null(wr_tcp_stack_create(&c, 0));
	c = config(&st);
	c.reserved_conns = c.max_conns;
	assert_null(wr_tcp_stack_create(&c, 0));
	c = config(&st);
	c.held_budget = 0;
	assert_null(wr_tcp_stack_create(&c, 0));
	c = config(&st);
	c.held_reserve = c.held_budget;
	assert_null(wr_tcp_stack_create(&c, 0));
	c = config(&st);
	c.small = NULL;
	assert_null(wr_tcp_stack_create(&c, 0));
	c = config(NULL);
	assert_null(wr_tcp_stack_create(&c, 0));
	c = config(&st);
	c.rto_min_us = 2;
	c.rto_max_us = 1;
	assert_null(wr_tcp_stack_create(&c, 0));
}

static void create_limit(const struct wr_tcp_config *good, const struct wr_tcp_config *bad)
{
	struct wr_tcp_stack *s = wr_tcp_stack_create(good, 0);

	assert_non_null(s);
	wr_tcp_stack_destroy(s);
	assert_null(wr_tcp_stack_create(bad, 0));
}

// The largest value of each is taken, one more is not.
static void stack_limits(void **state)
{
	struct wr_stats st = {0};
	const struct wr_tcp_config c = config(&st);
	struct wr_tcp_config good, bad;

#define LIMIT(field, most)                                                                         \
	do {                                                                                       \
		good = bad = c;                                                                    \
		good.field = (most);                                                               \
		bad.field = (most) + 1;                                                            \
		create_limit(&good, &bad);                                                         \
	} while (0)
	LIMIT(cookies, WR_TCP_COOKIES_NEVER);
	LIMIT(congestion, WR_TCP_NEWRENO);
	LIMIT(keepalive_probes, UINT8_MAX);    // counted in a byte
	LIMIT(give_up_us, 3600 * WR_US_PER_S); // counted in 16 bits of 65 ms
	LIMIT(rto_max_us, UINT32_MAX / 2);
	LIMIT(rcv_buf_bytes, 1u << 29);
	LIMIT(snd_buf_bytes, 1u << 29);
	LIMIT(rcv_buf_max_bytes, 1u << 29);
	LIMIT(snd_buf_max_bytes, 1u << 29);
	LIMIT(reserved_conns, c.max_conns - 1);
	LIMIT(held_reserve, c.held_budget - 1);
#undef LIMIT
}

static void stack_destroy_counts_what_is_held(void **state)
{
	struct peer *r = peer_start(&peer_variants[0], NULL);
	struct wr_stats *st = r->st;
	uint64_t bytes;

	peer_open(r);
	peer_seg(r, WR_TCP_ACK, 1, 1, 100);
	peer_seg(r, WR_TCP_ACK, 1001, 1, 1000);
	peer_write(r, 5000, 1000);
	peer_seg(r, WR_TCP_ACK, 101, 1501, 0);
	wr_tcp_reset_conn(r->s, peer_conn(r)); // an answer that never leaves
	wr_tcp_stack_destroy(r->s);
	bytes = st->drop_bytes[WR_DROP_shutdown];
	assert_int_equal(bytes, 100 + 1000 + 3500);
	r->p.s[1] = NULL;
	pair_stop(&r->p); // every buffer is back
	free(r);
}

static void stack_pressure_is_clamped(void **state)
{
	struct peer *r = peer_start(&peer_variants[0], NULL);

	wr_tcp_set_pressure(r->s, 3, 9);
	assert_int_equal(r->s->overcommit, 4);
	wr_tcp_set_pressure(r->s, 3, 0);
	assert_int_equal(r->s->overcommit, 1);
	peer_stop(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stack_defaults),
		cmocka_unit_test(stack_refuses_impossible),
		cmocka_unit_test(stack_limits),
		cmocka_unit_test(stack_destroy_counts_what_is_held),
		cmocka_unit_test(stack_pressure_is_clamped),
	};

	wr_test_eal_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
