/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "peer.h"

#define A WR_TCP_ACK

// cases 1 and 3: a closed window is probed for as long as probes are answered
static void persist(struct peer *r)
{
	uint32_t probes;

	peer_open(r);
	r->window = 0;
	peer_seg(r, A, 1, 1, 0);
	peer_write(r, 3000, 1000);
	assert_int_equal(r->n, 0);
	assert_true(r->events & WR_TCP_EV_STALLED);
	peer_wait(r, 210000);
	assert_int_equal(r->n, 1);
	peer_expect(r, 0, A, 0, 1, 0); // SND.UNA - 1: outside of any window
	peer_wait(r, 410000);
	assert_int_equal(r->n, 1); // it backs off
	peer_wait(r, 410000);
	assert_int_equal(r->n, 0);
	for (int i = 0; i < 40; i++) { // an hour of answers
		peer_wait(r, 90 * WR_US_PER_S);
		assert_true(r->n >= 1);
		peer_seg(r, A, 1, 1, 0);
	}
	probes = (uint32_t)r->st->ctr[WR_CTR_tcp_persist_probes];
	assert_in_range(probes, 40, 100);
	r->window = 65535;
	peer_seg(r, A, 1, 1, 0);
	assert_true(r->events & WR_TCP_EV_RESUMED);
	assert_true(r->n >= 2);
	assert_int_equal(r->out[0].seq, 1);
	peer_seg(r, A, 1, 3001, 0);
	assert_int_equal(r->s->send_queue_bytes, 0);
}

static void persist_unanswered_gives_up(struct peer *r)
{
	peer_open(r);
	r->window = 0;
	peer_seg(r, A, 1, 1, 0);
	peer_write(r, 100, 100);
	peer_wait(r, 299 * WR_US_PER_S);
	assert_int_equal(peer_state(r), WR_TCP_ST_ESTABLISHED);
	peer_wait(r, 62 * WR_US_PER_S);
	assert_int_equal(wr_tcp_end(r->s, r->conn), WR_TCP_END_TIMEOUT);
	assert_int_equal(r->st->drop_bytes[WR_DROP_pay_aborted_tx], 100);
}

// case 3: a small window is not used at once, but it is used
static void small_window_after_a_while(struct peer *r)
{
	peer_open(r);
	r->window = 100;
	peer_seg(r, A, 1, 1, 0);
	peer_write(r, 3000, 1000);
	assert_int_equal(r->n, 0);
	assert_false(r->events & WR_TCP_EV_STALLED);
	peer_wait(r, 250000);
	assert_int_equal(r->n, 1);
	peer_expect(r, 0, A, 1, 1, r->v.opts & WR_TCPOPT_WSCALE ? 400 : 100);
	peer_seg(r, A, 1, 1 + r->out[0].k.payload_len, 0);
	assert_int_equal(peer_state(r), WR_TCP_ST_ESTABLISHED);
}

// case 37, R2 of RFC 9293 3.8.3
static void unanswered_data_gives_up(struct peer *r)
{
	peer_open(r);
	peer_write(r, 100, 100);
	peer_wait(r, 299 * WR_US_PER_S);
	assert_int_equal(peer_state(r), WR_TCP_ST_ESTABLISHED);
	assert_true(r->n >= 9);
	peer_wait(r, 62 * WR_US_PER_S);
	assert_true(r->events & WR_TCP_EV_CLOSED);
	assert_int_equal(wr_tcp_end(r->s, r->conn), WR_TCP_END_TIMEOUT);
	assert_int_equal(r->st->ctr[WR_CTR_tcp_timeout], 1);
}

// cases 11 and 37: a FIN alone is repeated, with its flag
static void fin_is_repeated(struct peer *r)
{
	peer_open(r);
	wr_tcp_shutdown(r->s, r->conn, r->p.now);
	r->n = 0;
	peer_flush(r);
	peer_expect(r, 0, A | WR_TCP_FIN, 1, 1, 0);
	peer_wait(r, 250000);
	assert_int_equal(r->n, 1);
	peer_expect(r, 0, A | WR_TCP_FIN, 1, 1, 0);
	peer_seg(r, A | WR_TCP_FIN, 1, 1, 0); // crossing FIN
	peer_expect(r, 0, A, 2, 2, 0);
	assert_int_equal(peer_state(r), WR_TCP_ST_CLOSING);
	peer_wait(r, 500000);
	assert_int_equal(r->n, 1);
	peer_expect(r, 0, A | WR_TCP_FIN, 1, 2, 0);
	peer_seg(r, A, 2, 2, 0);
	assert_int_equal(peer_state(r), WR_TCP_ST_TIME_WAIT);
}

static void orphan_ends(struct peer *r)
{
	peer_open(r);
	wr_tcp_release(r->s, r->conn, r->p.now);
	r->n = 0;
	peer_flush(r);
	peer_expect(r, 0, A | WR_TCP_FIN, 1, 1, 0);
	peer_seg(r, A, 1, 2, 0);
	peer_wait(r, 59 * WR_US_PER_S);
	assert_int_equal(wr_pool_used(&r->s->conns), 1);
	peer_wait(r, 2 * WR_US_PER_S);
	assert_int_equal(wr_pool_used(&r->s->conns), 0);
}

// case 58: a deadline of a connection that is gone reaches nobody
static void stale_deadlines(struct peer *r)
{
	peer_open(r);
	peer_write(r, 1000, 1000);
	wr_tcp_abort(r->s, r->conn, r->p.now);
	assert_int_equal(r->s->wheel.armed, 0);
	peer_flush(r);
	r->t.rport++;
	r->conn = WR_HANDLE_NONE;
	peer_open(r); // the same object again
	peer_wait(r, 2 * WR_US_PER_S);
	assert_int_equal(r->n, 0);
	assert_int_equal(r->st->ctr[WR_CTR_tcp_rto], 0);
}

// An ACK moves the deadline, not the wheel; what fires early is armed again.
static void lazy_rearm(struct peer *r)
{
	wr_us_t at;

	peer_open(r);
	peer_write(r, 2000, 1000);
	at = peer_conn(r)->timer.deadline_us;
	r->p.now += 150000;
	peer_seg(r, A, 1, 1001, 0);
	assert_int_equal(peer_conn(r)->timer.deadline_us, at);
	assert_true(peer_conn(r)->rtx_at > at);
	peer_wait(r, 60000);
	assert_int_equal(r->n, 0);
	assert_int_equal(peer_conn(r)->timer.deadline_us, peer_conn(r)->rtx_at);
	peer_wait(r, WR_US_PER_S);
	assert_true(r->n >= 1);
}

static void budget_is_kept(struct peer *r)
{
	uint32_t ran = 0, n;

	for (int i = 0; i < 20; i++) {
		r->t.rport++;
		peer_syn(r);
	}
	r->p.now += 1100000;
	for (int i = 0; i < 4; i++) {
		n = wr_tcp_timers(r->s, 5, r->p.now);
		assert_int_equal(n, 5);
		ran += n;
	}
	assert_int_equal(ran, 20);
	assert_int_equal(wr_tcp_timers(r->s, 5, r->p.now), 0);
}

#define EACH(name, body)                                                                           \
	static void name(void **state)                                                             \
	{                                                                                          \
		PEER_EACH(body);                                                                   \
	}
EACH(timers_persist, persist)
EACH(timers_persist_unanswered_gives_up, persist_unanswered_gives_up)
EACH(timers_small_window_after_a_while, small_window_after_a_while)
EACH(timers_unanswered_data_gives_up, unanswered_data_gives_up)
EACH(timers_fin_is_repeated, fin_is_repeated)
EACH(timers_orphan_ends, orphan_ends)
EACH(timers_stale_deadlines, stale_deadlines)
EACH(timers_lazy_rearm, lazy_rearm)
EACH(timers_budget_is_kept, budget_is_kept)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timers_persist),
		cmocka_unit_test(timers_persist_unanswered_gives_up),
		cmocka_unit_test(timers_small_window_after_a_while),
		cmocka_unit_test(timers_unanswered_data_gives_up),
		cmocka_unit_test(timers_fin_is_repeated),
		cmocka_unit_test(timers_orphan_ends),
		cmocka_unit_test(timers_stale_deadlines),
		cmocka_unit_test(timers_lazy_rearm),
		cmocka_unit_test(timers_budget_is_kept),
	};

	wr_test_eal_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
