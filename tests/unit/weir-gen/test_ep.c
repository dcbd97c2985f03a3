/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include <errno.h>

#include "ep_rig.h"

static struct ep_config config(struct rig *r)
{
	return (struct ep_config){.max_conns = 4,
		.app_bytes = 100,
		.small = r->small,
		.large = r->large,
		.stats = &r->side[0].stats,
		.numa_node = SOCKET_ID_ANY};
}

static void ep_config_out_of_range(void **state)
{
	struct rig_kind k = {.seed = 1};
	struct rig *r = rig_start(&k);
	struct ep_config c = config(r);

	c.max_conns = 0;
	assert_null(ep_create(&c, &r->now));
	c = config(r);
	c.mss_v4 = 9000; // more than a buffer takes
	assert_null(ep_create(&c, &r->now));
	c = config(r);
	c.mss_v6 = 10;
	assert_null(ep_create(&c, &r->now));
	c = config(r);
	c.large = NULL;
	assert_null(ep_create(&c, &r->now));
	ep_destroy(NULL);
	rig_stop(r);
}

static void ep_names(void **state)
{
	assert_string_equal(ep_end_name(EP_END_CLOSED), "closed");
	assert_string_equal(ep_end_name(EP_END_ABORTED), "aborted");
	assert_null(ep_end_name(99));
}

static void ep_connect_limits(void **state)
{
	struct rig_kind k = {.seed = 1};
	struct rig *r = rig_start(&k);
	struct ep_config cfg = config(r);
	struct ep_stack *s = ep_create(&cfg, &r->now);
	struct wr_tuple t = rig_tuple(r, 0);
	struct ep_conn *c;
	wr_handle_t h;
	int why = 0;

	assert_non_null(s);
	assert_int_equal(ep_conn_size(s), 192 + 128);
	for (uint16_t i = 0; i < 4; i++) {
		t.lport = (uint16_t)(2000 + i);
		c = ep_connect(s, &t, &rig_ops, &r->side[0], &r->now, &why);
		assert_non_null(c);
		for (uint32_t b = 0; b < 100; b++)
			assert_int_equal(((uint8_t *)ep_app(c))[b], 0);
		memset(ep_app(c), 0xff, 100);
		assert_int_equal(ep_tuple(c)->lport, 2000 + i);
		assert_ptr_equal(ep_user(c), &r->side[0]);
	}
	assert_null(ep_connect(s, &t, &rig_ops, NULL, &r->now, &why));
	assert_int_equal(why, -EADDRINUSE);
	t.lport++;
	assert_null(ep_connect(s, &t, &rig_ops, NULL, &r->now, &why));
	assert_int_equal(why, -ENOBUFS);
	assert_int_equal(ep_open(s), 4);
	h = ep_handle(c);
	assert_ptr_equal(ep_lookup(s, h), c);
	ep_abort(c, &r->now); // a SYN that was never sent needs no reset
	assert_null(ep_lookup(s, h));
	c = ep_connect(s, &t, &rig_ops, &r->side[0], &r->now, &why);
	assert_non_null(c);
	assert_int_not_equal(ep_handle(c), h);
	for (uint32_t b = 0; b < 100; b++)
		assert_int_equal(((uint8_t *)ep_app(c))[b], 0);
	ep_destroy(s);
	rig_stop(r);
}

// Bytes and FIN given before the open are sent when it comes; what is given after FIN is not.
static void ep_send_before_open(void **state)
{
	for (uint32_t i = 0; i < 4; i++) {
		struct rig_kind k = {.seed = 1 + i, .v6 = i & 1, .timestamps = i & 2};
		struct rig *r = rig_start(&k);
		struct rig_app *a, *b = rig_peer(r, 7);
		struct ep_conn *c;

		rig_listen(r);
		a = rig_connect(r, 7);
		b->fin_on_eof = true;
		c = rig_conn(r, 0, 7);
		ep_send(c, a->given = a->to_send = 5000);
		assert_int_equal(ep_unsent(c), 5000);
		ep_fin(c);
		a->shut = true;
		ep_send(c, 10);
		assert_int_equal(ep_unsent(c), 5000);
		rig_run(r, WR_US_PER_S);
		assert_int_equal(b->got, 5000);
		assert_int_equal(a->end, EP_END_CLOSED);
		rig_stop(r);
	}
}

// Every op may end its own connection, and begin another on the same object.
static int ending_op;
static uint32_t ended_calls, began;
static struct rig *ending_rig;

static void end_in(int op, struct ep_conn *c, const struct gen_now *now)
{
	struct wr_tuple t;
	int why;

	if (op != ending_op)
		return;
	t = *ep_tuple(c);
	ep_abort(c, now);
	t.lport += 1000;
	assert_non_null(
		ep_connect(ending_rig->side[0].ep, &t, &rig_ops, &ending_rig->side[0], now, &why));
	began++;
}

static void end_opened(struct ep_conn *c, const struct gen_now *now)
{
	ep_send(c, 10);
	end_in(0, c, now);
}

static void end_data(struct ep_conn *c, const uint8_t *at, uint32_t offset, uint32_t len,
	const struct gen_now *now)
{
	end_in(1, c, now);
}

static void end_fin(struct ep_conn *c, const struct gen_now *now)
{
	end_in(2, c, now);
}

static void end_fill(struct ep_conn *c, uint8_t *to, uint32_t offset, uint32_t len)
{
	memset(to, 0, len);
	for (uint32_t i = 0; i < len; i++)
		to[i] = rig_byte(0, 4, offset + i);
}

static void end_acked(struct ep_conn *c, const struct gen_now *now)
{
	end_in(3, c, now);
}

static void end_ended(struct ep_conn *c, enum ep_end how, const struct gen_now *now)
{
	ended_calls++;
}

static void ep_abort_in_ops(void **state)
{
	static const struct ep_ops ops = {
		end_opened, end_data, end_fin, end_fill, end_acked, end_ended};

	for (ending_op = 0; ending_op < 5; ending_op++) {
		struct rig_kind k = {.seed = 4};
		struct rig *r = ending_rig = rig_start(&k);
		struct rig_app *b = rig_peer(r, 4);
		struct wr_tuple t = rig_tuple(r, 4);
		int why;

		rig_listen(r);
		r->side[1].app[4].to_send = 3000;
		b->fin_when_done = true;
		ended_calls = began = 0;
		assert_non_null(ep_connect(r->side[0].ep, &t, &ops, &r->side[0], &r->now, &why));
		rig_run(r, 20000);
		assert_int_equal(began, ending_op < 4);
		assert_int_equal(ended_calls, 0);
		rig_stop_any(r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ep_config_out_of_range),
		cmocka_unit_test(ep_names),
		cmocka_unit_test(ep_connect_limits),
		cmocka_unit_test(ep_send_before_open),
		cmocka_unit_test(ep_abort_in_ops),
	};

	wr_test_eal_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
