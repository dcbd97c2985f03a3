/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "hold.h"

#define MS WR_US_PER_MS

static struct wr_pkt pkt(uint32_t seq)
{
	return (struct wr_pkt){.seq = seq, .payload_len = 5, .flags = WR_TCP_SYN};
}

static struct hold *make(uint32_t items, wr_us_t time_us)
{
	struct hold *h = calloc(1, sizeof(*h));

	wr_test_eal_init();
	assert_non_null(h);
	assert_int_equal(hold_init(h, time_us != 0 ? items : 0, time_us != 0 ? items / 4 : 0,
				 time_us, SOCKET_ID_ANY, 1000),
		0);
	return h;
}

static void unmake(struct hold *h)
{
	assert_int_equal(h->used, 0);
	hold_fini(h);
	free(h);
}

// The first comes first, and of a request everything but its frame is kept.
static void hold_next_is_the_oldest(void **state)
{
	struct hold *h = make(8, 300 * MS);
	struct wr_pkt a = pkt(1), b = pkt(2);
	uint32_t out, i;

	a.m = (struct rte_mbuf *)(uintptr_t)1;
	assert_true(hold_queue(h, &a, 3, 4, 1000, &out));
	assert_true(hold_queue(h, &b, 3, 4, 2000, &out));
	assert_int_equal(out, WR_WAITQ_NONE);
	assert_int_equal(h->used, 2);
	i = hold_next(h, 3000);
	assert_int_equal(h->slot[i].pkt.seq, 1);
	assert_int_equal(h->slot[i].pkt.payload_len, 0);
	assert_null(h->slot[i].pkt.m);
	assert_int_equal(h->slot[i].service, 3);
	hold_put(h, i);
	i = hold_next(h, 3000);
	assert_int_equal(h->slot[i].pkt.seq, 2);
	hold_put(h, i);
	assert_int_equal(hold_next(h, 3000), WR_WAITQ_NONE);
	unmake(h);
}

static void hold_full_lets_the_worse_leave(void **state)
{
	struct hold *h = make(4, 300 * MS);
	struct wr_pkt p = pkt(0);
	uint32_t out, i;

	for (p.seq = 0; p.seq < 4; p.seq++)
		assert_true(hold_queue(h, &p, 0, 5, 1000 + p.seq, &out));
	assert_false(hold_queue(h, &p, 0, 5, 2000, &out)); // nobody is worse
	assert_true(hold_refuses(h, 5) && hold_refuses(h, 7) && !hold_refuses(h, 4));
	assert_int_equal(h->used, 4);
	assert_true(hold_queue(h, &p, 0, 1, 2000, &out));
	assert_int_not_equal(out, WR_WAITQ_NONE);
	assert_int_equal(h->slot[out].pkt.seq, 0);
	hold_put(h, out);
	i = hold_next(h, 2000);
	assert_int_equal(h->slot[i].class, 1);
	hold_put(h, i);
	while ((i = hold_next(h, 2000)) != WR_WAITQ_NONE)
		hold_put(h, i);
	unmake(h);
}

static void hold_time_is_bounded(void **state)
{
	struct hold *h = make(4, 300 * MS);
	struct wr_pkt p = pkt(7);
	uint32_t out, i;

	assert_true(hold_queue(h, &p, 0, 4, 1000, &out));
	assert_int_equal(hold_expired(h, 1000 + 299 * MS), WR_WAITQ_NONE);
	i = hold_expired(h, 1000 + 301 * MS);
	assert_int_equal(h->slot[i].pkt.seq, 7);
	hold_put(h, i);
	unmake(h);
}

// Each at its own time; a quarter of the queue's room.
static void hold_delayed_are_due(void **state)
{
	struct hold *h = make(16, 300 * MS);
	struct wr_pkt p = pkt(0);
	uint32_t i;

	for (p.seq = 0; p.seq < 4; p.seq++)
		assert_true(hold_until(h, &p, 0, 4, 1000 + (4 - p.seq) * 20 * MS));
	assert_false(hold_until(h, &p, 0, 4, 1000));
	assert_int_equal(hold_due(h, 1000), WR_WAITQ_NONE);
	assert_true(hold_next_timer(h, 1000) <= 1000 + 22 * MS);
	for (uint32_t k = 0; k < 4; k++) {
		i = hold_due(h, 1000 + (k + 1) * 20 * MS + 2 * MS);
		assert_int_not_equal(i, WR_WAITQ_NONE);
		assert_int_equal(h->slot[i].pkt.seq, 3 - k);
		hold_put(h, i);
	}
	assert_int_equal(hold_due(h, WR_US_PER_S), WR_WAITQ_NONE);
	assert_int_equal(hold_next_timer(h, WR_US_PER_S), WR_US_NEVER);
	unmake(h);
}

// pressure.hold: off.
static void hold_off_takes_nothing(void **state)
{
	struct hold *h = make(16, 0);
	struct wr_pkt p = pkt(0);
	uint32_t out;

	assert_false(hold_queue(h, &p, 0, 0, 1000, &out));
	assert_int_equal(out, WR_WAITQ_NONE);
	assert_false(hold_until(h, &p, 0, 0, 2000));
	unmake(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hold_next_is_the_oldest),
		cmocka_unit_test(hold_full_lets_the_worse_leave),
		cmocka_unit_test(hold_time_is_bounded),
		cmocka_unit_test(hold_delayed_are_due),
		cmocka_unit_test(hold_off_takes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
