/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include <errno.h>

#include "ep_raw.h"

static enum ep_admit verdict;
static wr_us_t verdict_delay;
static uint32_t asked;

static enum ep_admit hook(
	void *user, const struct wr_tuple *t, wr_us_t *delay_us, const struct gen_now *now)
{
	assert_int_equal(t->lport, RIG_PORT);
	assert_non_null(user);
	asked++;
	*delay_us = verdict_delay;
	return verdict;
}

static void hooked(struct raw *w, enum ep_admit v, wr_us_t delay)
{
	struct wr_endpoint e;

	raw_start(w, asked & 1, false);
	e = rig_server(w->r);
	assert_int_equal(ep_listen_admit(w->s, &e, hook), 0);
	verdict = v;
	verdict_delay = delay;
	asked = 0;
}

// 64 backends of 64 endpoints of both families, and not one more.
static void listen_many(void **state)
{
	struct rig_kind k = {.seed = 1};
	struct rig *r = rig_start(&k);
	struct wr_endpoint e = {.port = 1};

	for (uint32_t i = 0; i < 4096; i++) {
		e.addr = i & 1 ? wr_addr_from_v4(i) : (struct wr_addr){.w = {1, 2, 3, i}};
		e.port = (uint16_t)(i / 16);
		assert_int_equal(ep_listen(r->side[1].ep, &e, &rig_ops, r), 0);
		assert_int_equal(ep_listen(r->side[1].ep, &e, &rig_ops, r), -EADDRINUSE);
	}
	e.port = 1000;
	assert_int_equal(ep_listen(r->side[1].ep, &e, &rig_ops, r), -ENOMEM);
	assert_int_equal(ep_listen_admit(r->side[1].ep, &e, hook), -ENOENT);
	rig_stop(r);
}

static void listen_reset(void **state)
{
	struct raw w;

	hooked(&w, EP_ADMIT_RESET, 0);
	raw_send(&w, WR_TCP_SYN, 0, 0, 0);
	assert_int_equal(raw_output(&w), 1);
	assert_int_equal(w.seen[0].flags, WR_TCP_RST | WR_TCP_ACK);
	assert_int_equal(w.seen[0].ack, w.iss + 1);
	assert_int_equal(ep_open(w.s), 0);
	assert_int_equal(asked, 1);
	verdict = EP_ADMIT;
	raw_open(&w);
	raw_stop(&w);
}

// Dead all at once: SYNs, open connections in both directions, strays; then alive again.
static void listen_black_hole(void **state)
{
	struct raw w;

	hooked(&w, EP_ADMIT, 0);
	raw_open(&w);
	verdict = EP_ADMIT_DROP;
	raw_send(&w, WR_TCP_ACK, 0, 0, 1400);
	raw_send(&w, WR_TCP_ACK, 1400, 0, 1400);
	w.app->given = w.app->to_send = 100;
	ep_send(raw_conn(&w), 100);
	assert_int_equal(raw_output(&w), 0);
	assert_int_equal(w.app->got, 0);
	w.t.rport++; // another one
	raw_send(&w, WR_TCP_SYN, 0, 0, 0);
	raw_send(&w, WR_TCP_ACK, 0, 0, 0);
	assert_int_equal(raw_output(&w), 0);
	assert_int_equal(ep_open(w.s), 1);
	assert_int_equal(ep_counters(w.s)->stray, 0);
	w.t.rport--;
	raw_wait(&w, 500000);
	assert_int_equal(raw_output(&w), 0);
	verdict = EP_ADMIT;
	for (uint32_t i = 0; i < 20 && raw_output(&w) == 0; i++)
		raw_wait(&w, WR_US_PER_S); // its retransmission timer
	assert_int_equal(w.count, 1);
	assert_int_equal(w.seen[0].payload_len, 100);
	raw_send(&w, WR_TCP_ACK, 0, 100, 1400);
	assert_int_equal(w.app->got, 1400);
	raw_stop(&w);
}

static void listen_slow_accept(void **state)
{
	struct raw w;

	hooked(&w, EP_ADMIT, 70000);
	raw_send(&w, WR_TCP_SYN, 0, 0, 0);
	raw_send(&w, WR_TCP_SYN, 0, 0, 0); // impatient
	raw_wait(&w, 69000);
	assert_int_equal(raw_output(&w), 0);
	raw_wait(&w, 4000);
	assert_int_equal(raw_output(&w), 1);
	assert_int_equal(w.seen[0].flags, WR_TCP_SYN | WR_TCP_ACK);
	w.irs = w.seen[0].seq;
	raw_send(&w, WR_TCP_ACK, 0, 0, 10);
	assert_int_equal(w.app->got, 10);
	raw_stop(&w);
}

// A hook that is taken away again leaves nothing behind.
static void listen_hook_removed(void **state)
{
	struct wr_endpoint e;
	struct raw w;

	hooked(&w, EP_ADMIT_DROP, 0);
	e = rig_server(w.r);
	assert_int_equal(ep_listen_admit(w.s, &e, NULL), 0);
	raw_open(&w);
	assert_int_equal(asked, 0);
	raw_stop(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(listen_many),
		cmocka_unit_test(listen_reset),
		cmocka_unit_test(listen_black_hole),
		cmocka_unit_test(listen_slow_accept),
		cmocka_unit_test(listen_hook_removed),
	};

	wr_test_eal_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
