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

// --- keepalive, RFC 9293 3.8.4 --------------------------------------------------------------

#define IDLE     (10 * WR_US_PER_S)
#define INTERVAL WR_US_PER_S
#define PROBES   3
#define TICK     1100 // the wheel is late by so much at most

static uint64_t keepalives(const struct peer *r)
{
	return r->st->ctr[WR_CTR_tcp_keepalive_probes];
}

static void keepalive_idle(struct peer *r)
{
	peer_open(r);
	peer_wait(r, IDLE - 2 * TICK);
	assert_int_equal(r->n, 0);
	peer_wait(r, 3 * TICK);
	assert_int_equal(r->n, 1);
	peer_expect(r, 0, A, 0, 1, 0); // SND.UNA - 1: asks for an ACK
	assert_int_equal(keepalives(r), 1);
	assert_int_equal(r->st->ctr[WR_CTR_tcp_persist_probes], 0);
}

static void keepalive_active_open(struct peer *r)
{
	peer_connect(r, r->v.opts);
	peer_syn_ack(r);
	peer_wait(r, IDLE + TICK);
	assert_int_equal(r->n, 1);
	peer_expect(r, 0, A, 0, 1, 0);
}

static void keepalive_answered(struct peer *r)
{
	peer_open(r);
	for (uint32_t i = 1; i <= 20; i++) {
		peer_wait(r, IDLE - 2 * TICK); // none earlier
		assert_int_equal(r->n, 0);
		peer_wait(r, 3 * TICK);
		assert_int_equal(r->n, 1);
		if (i % 2 == 0) { // the first one got lost
			peer_wait(r, INTERVAL + TICK);
			assert_int_equal(r->n, 1);
		}
		peer_seg(r, A, 1, 1, 0);
		assert_int_equal(r->n, 0);
	}
	assert_int_equal(keepalives(r), 30);
	assert_int_equal(peer_state(r), WR_TCP_ST_ESTABLISHED);
	assert_int_equal(r->events, 0);
}

// Whatever the peer sends counts.
static void keepalive_peer_is_busy(struct peer *r)
{
	uint32_t seq = 1;

	peer_open(r);
	for (int i = 0; i < 10; i++) {
		peer_wait(r, IDLE / 2);
		assert_int_equal(r->n, 0);
		peer_seg(r, A, seq, 1, 10);
		seq += 10;
	}
	assert_int_equal(keepalives(r), 0);
	peer_wait(r, IDLE + TICK);
	assert_int_equal(keepalives(r), 1);
}

static void keepalive_dead_peer(struct peer *r)
{
	peer_open(r);
	peer_wait(r, IDLE + (PROBES - 1) * INTERVAL + PROBES * TICK);
	assert_int_equal(r->n, PROBES);
	peer_wait(r, INTERVAL - (PROBES + 1) * TICK);
	assert_int_equal(peer_state(r), WR_TCP_ST_ESTABLISHED);
	assert_false(r->events & WR_TCP_EV_CLOSED);
	peer_wait(r, 2 * (PROBES + 1) * TICK);
	assert_int_equal(r->n, 0); // nobody to reset
	assert_true(r->events & WR_TCP_EV_CLOSED);
	assert_int_equal(wr_tcp_end(r->s, r->conn), WR_TCP_END_TIMEOUT);
	assert_int_equal(keepalives(r), PROBES);
	assert_int_equal(r->st->ctr[WR_CTR_tcp_timeout], 1);
	assert_int_equal(r->s->wheel.armed, 0);
	wr_tcp_release(r->s, r->conn, r->p.now);
	assert_int_equal(wr_pool_used(&r->s->conns), 0);
}

// What is out asks by itself.
static void keepalive_data_is_out(struct peer *r)
{
	peer_open(r);
	peer_wait(r, IDLE - WR_US_PER_S);
	peer_write(r, 100, 100);
	peer_wait(r, 5 * WR_US_PER_S);
	assert_true(r->n >= 2);
	for (uint32_t i = 0; i < r->n; i++)
		peer_expect(r, i, A, 1, 1, 100);
	assert_int_equal(keepalives(r), 0);
	peer_wait(r, 60 * WR_US_PER_S); // the longer give-up of retransmission counts
	assert_int_equal(peer_state(r), WR_TCP_ST_ESTABLISHED);
	assert_int_equal(keepalives(r), 0);
	peer_seg(r, A, 1, 101, 0);
	peer_wait(r, IDLE - 2 * TICK);
	assert_int_equal(r->n, 0);
	peer_wait(r, 3 * TICK);
	assert_int_equal(keepalives(r), 1);
	peer_expect(r, 0, A, 100, 1, 0);
}

static void keepalive_window_is_closed(struct peer *r)
{
	peer_open(r);
	r->window = 0;
	peer_seg(r, A, 1, 1, 0);
	peer_write(r, 100, 100);
	for (int i = 0; i < 10; i++) {
		peer_wait(r, 2 * IDLE);
		peer_seg(r, A, 1, 1, 0);
	}
	assert_int_equal(keepalives(r), 0);
	assert_true(r->st->ctr[WR_CTR_tcp_persist_probes] > 0);
	assert_int_equal(peer_state(r), WR_TCP_ST_ESTABLISHED);
}

static void keepalive_fin_wait_2(struct peer *r)
{
	peer_open(r);
	wr_tcp_shutdown(r->s, r->conn, r->p.now);
	peer_flush(r);
	peer_seg(r, A, 1, 2, 0);
	assert_int_equal(peer_state(r), WR_TCP_ST_FIN_WAIT_2);
	peer_wait(r, IDLE + TICK);
	assert_int_equal(r->n, 1);
	peer_expect(r, 0, A, 1, 1, 0);
	peer_seg(r, A, 1, 2, 0);
	peer_wait(r, IDLE + PROBES * (INTERVAL + TICK) + TICK);
	assert_true(r->events & WR_TCP_EV_CLOSED);
	assert_int_equal(wr_tcp_end(r->s, r->conn), WR_TCP_END_TIMEOUT);
}

// Its time is that of orphans, whatever keepalive would say.
static void keepalive_released(struct peer *r)
{
	peer_open(r);
	wr_tcp_release(r->s, r->conn, r->p.now);
	r->n = 0;
	peer_flush(r);
	peer_expect(r, 0, A | WR_TCP_FIN, 1, 1, 0);
	peer_seg(r, A, 1, 2, 0);
	peer_wait(r, WR_TCP_ORPHAN_US - TICK);
	assert_int_equal(r->n, 0);
	assert_int_equal(wr_pool_used(&r->s->conns), 1);
	peer_wait(r, 3 * TICK);
	assert_int_equal(r->n, 0);
	assert_int_equal(keepalives(r), 0);
	assert_int_equal(wr_pool_used(&r->s->conns), 0);
}

static void keepalive_time_wait(struct peer *r)
{
	peer_open(r);
	wr_tcp_shutdown(r->s, r->conn, r->p.now);
	peer_flush(r);
	peer_seg(r, A | WR_TCP_FIN, 1, 2, 0);
	assert_int_equal(peer_state(r), WR_TCP_ST_TIME_WAIT);
	peer_wait(r, 60 * WR_US_PER_S - TICK);
	assert_int_equal(r->n, 0);
	assert_int_equal(peer_state(r), WR_TCP_ST_TIME_WAIT);
	assert_int_equal(keepalives(r), 0);
	peer_wait(r, 3 * TICK);
	assert_int_equal(peer_state(r), WR_TCP_ST_CLOSED);
	assert_int_equal(wr_tcp_end(r->s, r->conn), WR_TCP_END_CLOSED);
}

static void no_keepalive(struct peer *r)
{
	peer_open(r);
	peer_wait(r, 24 * 3600 * WR_US_PER_S);
	assert_int_equal(r->n, 0);
	assert_int_equal(keepalives(r), 0);
	assert_int_equal(peer_state(r), WR_TCP_ST_ESTABLISHED);
}

#define EACH(name, body)                                                                           \
	static void name(void **state)                                                             \
	{                                                                                          \
		PEER_EACH(body);                                                                   \
	}
// With keepalive on.
#define ALIVE(body)                                                                                \
	static void timers_##body(void **state)                                                    \
	{                                                                                          \
		struct wr_tcp_config cfg = pair_config();                                          \
                                                                                                   \
		cfg.keepalive_us = IDLE;                                                           \
		cfg.keepalive_interval_us = INTERVAL;                                              \
		cfg.keepalive_probes = PROBES;                                                     \
		for (uint32_t v = 0; v < peer_variant_count; v++) {                                \
			struct peer *r = peer_start(&peer_variants[v], &cfg);                      \
                                                                                                   \
			body(r);                                                                   \
			peer_stop(r);                                                              \
		}                                                                                  \
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
ALIVE(keepalive_idle)
ALIVE(keepalive_active_open)
ALIVE(keepalive_answered)
ALIVE(keepalive_peer_is_busy)
ALIVE(keepalive_dead_peer)
ALIVE(keepalive_data_is_out)
ALIVE(keepalive_window_is_closed)
ALIVE(keepalive_fin_wait_2)
ALIVE(keepalive_released)
ALIVE(keepalive_time_wait)
EACH(timers_no_keepalive, no_keepalive)

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
		cmocka_unit_test(timers_keepalive_idle),
		cmocka_unit_test(timers_keepalive_active_open),
		cmocka_unit_test(timers_keepalive_answered),
		cmocka_unit_test(timers_keepalive_peer_is_busy),
		cmocka_unit_test(timers_keepalive_dead_peer),
		cmocka_unit_test(timers_keepalive_data_is_out),
		cmocka_unit_test(timers_keepalive_window_is_closed),
		cmocka_unit_test(timers_keepalive_fin_wait_2),
		cmocka_unit_test(timers_keepalive_released),
		cmocka_unit_test(timers_keepalive_time_wait),
		cmocka_unit_test(timers_no_keepalive),
	};

	wr_test_eal_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
