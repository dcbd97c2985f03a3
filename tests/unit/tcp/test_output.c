/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "peer.h"

#define A WR_TCP_ACK

// one ACK a connection for a whole burst
static void one_ack_a_burst(struct peer *r)
{
	peer_open(r);
	for (uint32_t i = 0; i < 10; i++) {
		uint8_t data[100] = {0};
		struct pair_seg g = {.t = r->t,
			.seq = r->irs + 1 + i * 100,
			.ack = r->iss + 1,
			.flags = A,
			.window = 1000,
			.opts = r->v.opts & WR_TCPOPT_TS,
			.ts_val = r->ts_val,
			.data = data,
			.len = 100};

		pair_inject(&r->p, 1, &g);
	}
	r->n = 0;
	peer_flush(r);
	assert_int_equal(r->n, 1);
	peer_expect(r, 0, A, 1, 1001, 0);
	assert_int_equal(r->st->ctr[WR_CTR_tcp_acks_out], 1);
}

// up to three duplicate ACKs of a burst stay apart
static void duplicate_acks_of_a_burst(struct peer *r)
{
	uint8_t data[100] = {0};

	peer_open(r);
	for (uint32_t i = 0; i < 6; i++) {
		struct pair_seg g = {.t = r->t,
			.seq = r->irs + 501 + i * 100,
			.ack = r->iss + 1,
			.flags = A,
			.window = 1000,
			.opts = r->v.opts & WR_TCPOPT_TS,
			.ts_val = r->ts_val,
			.data = data,
			.len = 100};

		pair_inject(&r->p, 1, &g);
	}
	r->n = 0;
	peer_flush(r);
	assert_int_equal(r->n, WR_TCP_DUPACKS_OUT);
	for (uint32_t i = 0; i < r->n; i++)
		peer_expect(r, i, A, 1, 1, 0);
}

// data carries the ACK; no pure one besides
static void data_carries_the_ack(struct peer *r)
{
	struct wr_mq q = {0};
	struct rte_mbuf *m = rte_pktmbuf_alloc(r->p.small);
	uint8_t data[10] = {0};
	struct pair_seg g = {.t = r->t, .flags = A, .window = 1000, .data = data, .len = 10};

	peer_open(r);
	rte_pktmbuf_append(m, 50);
	wr_mq_append(&q, m);
	g.seq = r->irs + 1;
	g.ack = r->iss + 1;
	g.opts = r->v.opts & WR_TCPOPT_TS;
	g.ts_val = r->ts_val;
	pair_inject(&r->p, 1, &g);
	wr_tcp_write(r->s, r->conn, &q, r->p.now);
	r->n = 0;
	peer_flush(r);
	assert_int_equal(r->n, 1);
	peer_expect(r, 0, A, 1, 11, 50);
}

// case 49: what is small goes at once, whatever is outstanding
static void no_nagle(struct peer *r)
{
	peer_open(r);
	for (uint32_t i = 0; i < 5; i++) {
		peer_write(r, 10, 10);
		assert_int_equal(r->n, 1);
		peer_expect(r, 0, A, 1 + i * 10, 1, 10);
	}
}

static void listen_nagle(struct peer *r)
{
	struct wr_endpoint e = pair_server(&r->p);
	struct wr_tcp_listen_opts lo = {.user = 5, .nagle = true};

	wr_tcp_unlisten(r->s, &e);
	pair_listen(&r->p, &lo);
}

// What is small waits for the ACK of what is out, and then goes together.
static void nagle(struct peer *r)
{
	uint32_t m;

	listen_nagle(r);
	peer_open(r);
	m = peer_conn(r)->mss;
	peer_write(r, 10, 10);
	assert_int_equal(r->n, 1);
	for (uint32_t i = 0; i < 5; i++) {
		peer_write(r, 10, 10);
		assert_int_equal(r->n, 0);
	}
	peer_seg(r, A, 1, 11, 0);
	assert_int_equal(r->n, 1);
	peer_expect(r, 0, A, 11, 1, 50);
	// full segments do not wait
	peer_write(r, m + 5, m + 5);
	assert_int_equal(r->n, 1);
	peer_expect(r, 0, A, 61, 1, m);
	peer_seg(r, A, 1, 61, 0);
	assert_int_equal(r->n, 0);
	peer_seg(r, A, 1, 61 + m, 0);
	assert_int_equal(r->n, 1);
	peer_expect(r, 0, A, 61 + m, 1, 5);
}

static void nagle_does_not_hold_the_fin(struct peer *r)
{
	listen_nagle(r);
	peer_open(r);
	peer_write(r, 10, 10);
	peer_write(r, 10, 10);
	assert_int_equal(r->n, 0);
	wr_tcp_shutdown(r->s, r->conn, r->p.now);
	peer_flush(r);
	assert_int_equal(r->n, 1);
	peer_expect(r, 0, A | WR_TCP_FIN, 11, 1, 10);
}

static void nagle_active_open(struct peer *r)
{
	struct wr_tcp_connect_opts o = {.opts = r->v.opts, .nagle = true};

	assert_int_equal(wr_tcp_connect(r->s, &r->t, &o, r->p.now, &r->conn), 0);
	wr_tcp_conn_iss(peer_conn(r), r->iss);
	peer_flush(r);
	peer_syn_ack(r);
	peer_write(r, 10, 10);
	assert_int_equal(r->n, 1);
	peer_write(r, 10, 10);
	assert_int_equal(r->n, 0);
	peer_seg(r, A, 1, 11, 0);
	assert_int_equal(r->n, 1);
}

// --- pacing ---------------------------------------------------------------------------------

#define TICK      (1u << WR_WHEEL_TICK_SHIFT)
#define PACE_SRTT 20000u
#define PACE_SEGS 40u

// A window that is large enough to be paced, if the round trip is long enough.
static uint32_t window_open(struct peer *r, uint32_t segs, uint32_t srtt_us)
{
	struct wr_tcp_conn *c;

	peer_open(r);
	c = peer_conn(r);
	c->cwnd = segs * c->mss;
	c->srtt_us = srtt_us;
	c->min_rtt_us = srtt_us;
	return c->mss;
}

// What left since the last call follows on `next`, without gaps; returns where it ends.
static uint32_t in_sequence(const struct peer *r, uint32_t next)
{
	for (uint32_t i = 0; i < r->n; i++) {
		assert_int_equal(r->out[i].seq, next);
		next += r->out[i].k.payload_len;
	}
	return next;
}

// Steps of a tick until all is out. Returns how many there were, with at most `most` segments.
static uint32_t steps(struct peer *r, uint32_t next, uint32_t end, uint32_t most)
{
	uint32_t n = 0;

	for (; next < end; n++) {
		assert_true(n < 100);
		assert_true(peer_conn(r)->flags & F_PACED);
		peer_wait(r, TICK);
		assert_in_range(r->n, 0, most);
		next = in_sequence(r, next);
	}
	return n;
}

// 2 x 40 segments a round trip of 19.5 ticks in slow start; 1.25 x 40 behind it.
static void paced(struct peer *r)
{
	uint32_t m = window_open(r, PACE_SEGS, PACE_SRTT), end = 1 + PACE_SEGS * m, n;

	peer_write(r, PACE_SEGS * m, m);
	assert_int_equal(r->n, 5);
	n = steps(r, in_sequence(r, 1), end, 5);
	assert_in_range(n, 7, 9);
	peer_conn(r)->ssthresh = peer_conn(r)->cwnd; // has not grown: nothing was acknowledged
	peer_seg(r, A, 1, end, 0);
	peer_conn(r)->cwnd = PACE_SEGS * m;
	peer_conn(r)->ssthresh = PACE_SEGS * m;
	peer_conn(r)->srtt_us = PACE_SRTT;
	peer_write(r, PACE_SEGS * m, m);
	assert_int_equal(r->n, 3);
	n = steps(r, in_sequence(r, end), end + PACE_SEGS * m, 3);
	assert_in_range(n, 12, 15);
	peer_seg(r, A, 1, end + PACE_SEGS * m, 0);
	assert_int_equal(r->s->send_queue_bytes, 0);
	assert_int_equal(r->st->ctr[WR_CTR_tcp_retrans_segs], 0);
	assert_int_equal(r->st->ctr[WR_CTR_tcp_tlp], 0);
}

static void not_paced_when_small(struct peer *r)
{
	uint32_t m = window_open(r, WR_TCP_PACE_SEGS - 1, PACE_SRTT);

	peer_write(r, (WR_TCP_PACE_SEGS - 1) * m, m);
	assert_int_equal(r->n, WR_TCP_PACE_SEGS - 1);
	assert_false(peer_conn(r)->flags & F_PACED);
}

static void not_paced_when_near(struct peer *r)
{
	uint32_t m = window_open(r, PACE_SEGS, 4 * TICK - 1);

	peer_write(r, PACE_SEGS * m, m);
	assert_int_equal(r->n, PACE_SEGS);
	assert_false(peer_conn(r)->flags & F_PACED);
}

// ACKs and writes in between do not make it faster.
static void paced_between_ticks(struct peer *r)
{
	uint32_t m = window_open(r, PACE_SEGS, PACE_SRTT), next;

	peer_write(r, PACE_SEGS * m, m);
	next = in_sequence(r, 1);
	r->p.now += TICK / 2;
	peer_seg(r, A, 1, 1 + m, 0);
	assert_int_equal(r->n, 0);
	peer_write(r, 5 * m, m);
	assert_int_equal(r->n, 0);
	peer_conn(r)->srtt_us = PACE_SRTT;
	peer_wait(r, TICK);
	assert_in_range(r->n, 1, 6);
	assert_int_equal(r->out[0].seq, next);
}

// The reason to pace goes away while something waits for its tick: the rest goes at once.
static void paced_no_more(struct peer *r)
{
	uint32_t m = window_open(r, PACE_SEGS, PACE_SRTT), next;

	peer_write(r, PACE_SEGS * m, m);
	next = in_sequence(r, 1);
	peer_conn(r)->srtt_us = TICK;
	peer_wait(r, 2 * TICK);
	assert_int_equal(in_sequence(r, next), 1 + PACE_SEGS * m);
	assert_false(peer_conn(r)->flags & F_PACED);
}

// Another deadline comes first: the one of pacing is not forgotten.
static void paced_beside_a_deadline(struct peer *r)
{
	uint32_t m, next;

	r->p.now = (r->p.now | (TICK - 1)) + TICK / 2; // in the middle of a tick
	m = window_open(r, PACE_SEGS, PACE_SRTT);
	peer_write(r, PACE_SEGS * m, m);
	next = in_sequence(r, 1);
	wr_tcp_timer_rtx(r->s, peer_conn(r), r->p.now + 1);
	peer_conn(r)->rtx_at = r->p.now + 100000; // put off since
	assert_true(peer_conn(r)->timer.deadline_us < r->p.now + TICK);
	peer_wait(r, TICK - 1);
	assert_int_equal(r->n, 0);
	steps(r, next, 1 + PACE_SEGS * m, 5);
}

// Nothing comes back: time-outs in between, and all the same every byte goes out in the end.
static void paced_into_a_hole(struct peer *r)
{
	uint32_t m = window_open(r, PACE_SEGS, PACE_SRTT), next = 1, turns = 0;

	peer_write(r, PACE_SEGS * m, m);
	peer_wait(r, 3 * TICK); // what left so far is lost
	assert_true(peer_conn(r)->flags & F_PACED);
	r->p.now += 400000; // nobody looked at the timers for a while
	while (next < 1 + PACE_SEGS * m && turns++ < 400) {
		peer_wait(r, 10 * TICK);
		for (uint32_t i = 0; i < r->n; i++)
			if (r->out[i].seq == next)
				next += r->out[i].k.payload_len;
		if (r->n > 0)
			peer_seg(r, A, 1, next, 0);
		for (uint32_t i = 0; i < r->n; i++)
			if (r->out[i].seq == next)
				next += r->out[i].k.payload_len;
	}
	assert_int_equal(next, 1 + PACE_SEGS * m);
	peer_seg(r, A, 1, next, 0);
	assert_int_equal(r->s->send_queue_bytes, 0);
}

static void paced_fin(struct peer *r)
{
	uint32_t m = window_open(r, PACE_SEGS, PACE_SRTT), next;

	peer_write(r, PACE_SEGS * m, m);
	next = in_sequence(r, 1);
	wr_tcp_shutdown(r->s, r->conn, r->p.now);
	r->n = 0;
	peer_flush(r);
	assert_int_equal(r->n, 0);
	steps(r, next, 1 + PACE_SEGS * m, 5);
	assert_true(r->out[r->n - 1].k.flags & WR_TCP_FIN);
	peer_seg(r, A, 1, 2 + PACE_SEGS * m, 0);
	assert_int_equal(peer_state(r), WR_TCP_ST_FIN_WAIT_2);
}

static void paced_and_aborted(struct peer *r)
{
	uint32_t m = window_open(r, PACE_SEGS, PACE_SRTT);

	peer_write(r, PACE_SEGS * m, m);
	assert_true(peer_conn(r)->flags & F_PACED);
	wr_tcp_abort(r->s, r->conn, r->p.now);
	peer_flush(r);
	assert_int_equal(r->s->wheel.armed, 0);
	peer_wait(r, 10 * TICK);
	assert_int_equal(r->n, 0);
}

// A full tx array stops in the middle; the rest follows from there.
static void tx_is_full(struct peer *r)
{
	struct rte_mbuf *pkts[2];
	struct wr_tcp_tx tx = {pkts, 0, 2};
	struct wr_mq q = {0};
	uint32_t next = 1;

	peer_open(r);
	for (int i = 0; i < 5; i++) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(r->p.rx);

		rte_pktmbuf_append(m, peer_conn(r)->mss);
		wr_mq_append(&q, m);
	}
	wr_tcp_write(r->s, r->conn, &q, r->p.now);
	for (int turn = 0; turn < 3; turn++) {
		tx.count = 0;
		wr_tcp_output(r->s, &tx, 10, r->p.now);
		assert_int_equal(tx.count, turn < 2 ? 2 : 1);
		next += tx.count * peer_conn(r)->mss;
		assert_int_equal(peer_conn(r)->snd_nxt - r->iss, next);
		assert_int_equal(r->s->dirty.count, turn < 2 ? 1 : 0);
		for (uint16_t i = 0; i < tx.count; i++)
			rte_pktmbuf_free(pkts[i]);
	}
	tx.room = 0;
	assert_int_equal(wr_tcp_output(r->s, &tx, 10, r->p.now), 0);
}

static void budget_keeps_places(struct peer *r)
{
	struct rte_mbuf *pkts[64];
	struct wr_tcp_tx tx = {pkts, 0, 64};
	uint16_t port = 0;

	for (int i = 0; i < 6; i++) {
		struct pair_seg g = {.t = r->t, .seq = 1, .flags = WR_TCP_SYN, .window = 1000};

		g.t.rport = (uint16_t)(2000 + i);
		pair_inject(&r->p, 1, &g);
	}
	for (int turn = 0; turn < 3; turn++) {
		tx.count = 0;
		assert_int_equal(wr_tcp_output(r->s, &tx, 2, r->p.now), 2);
		for (uint16_t i = 0; i < tx.count; i++) {
			struct wr_pkt k;

			wr_parse_frame(&k, pkts[i], WR_PARSE_F_NO_L2 | WR_PARSE_F_TRUST_CK);
			assert_int_equal(k.t.lport, 2000 + port);
			port++;
			rte_pktmbuf_free(pkts[i]);
		}
	}
	assert_int_equal(port, 6);
}

static void path_is_told(struct peer *r)
{
	struct rte_mbuf *pkts[4];
	struct wr_tcp_tx tx = {pkts, 0, 4};

	peer_open(r);
	wr_tcp_set_path(r->s, r->conn, 77);
	wr_tcp_shutdown(r->s, r->conn, r->p.now);
	wr_tcp_output(r->s, &tx, 10, r->p.now);
	assert_int_equal(tx.count, 1);
	assert_int_equal(pkts[0]->hash.usr, 77);
	rte_pktmbuf_free(pkts[0]);
	wr_tcp_abort(r->s, r->conn, r->p.now);
	tx.count = 0;
	wr_tcp_output(r->s, &tx, 10, r->p.now);
	assert_int_equal(tx.count, 1);
	assert_int_equal(pkts[0]->hash.usr, 77);
	rte_pktmbuf_free(pkts[0]);
}

// RFC 5681 4.1
static void idle_restart(struct peer *r)
{
	uint32_t m, seq = 1;

	peer_open(r);
	m = peer_conn(r)->mss;
	for (int i = 0; i < 4; i++) {
		uint32_t flight;

		peer_write(r, 40 * m, m);
		while ((flight = wr_tcp_flight(peer_conn(r))) > 0) {
			seq += flight;
			peer_seg(r, A, 1, seq, 0);
		}
	}
	assert_true(peer_conn(r)->cwnd > 11 * m);
	peer_wait(r, 10 * WR_US_PER_S);
	peer_write(r, 40 * m, 40 * m > 2000 ? 2000 : m);
	assert_true(wr_tcp_flight(peer_conn(r)) <= RTE_MAX(14600u, 2 * m) + 2000);
	assert_true(peer_conn(r)->cwnd <= RTE_MAX(14600u, 2 * m));
}

// the FIN rides on the last segment
static void fin_rides(struct peer *r)
{
	struct wr_mq q = {0};
	struct rte_mbuf *m = rte_pktmbuf_alloc(r->p.small);

	peer_open(r);
	rte_pktmbuf_append(m, 50);
	wr_mq_append(&q, m);
	wr_tcp_write(r->s, r->conn, &q, r->p.now);
	wr_tcp_shutdown(r->s, r->conn, r->p.now);
	r->n = 0;
	peer_flush(r);
	assert_int_equal(r->n, 1);
	peer_expect(r, 0, A | WR_TCP_FIN, 1, 1, 50);
	peer_wait(r, 300000);
	peer_expect(r, 0, A | WR_TCP_FIN, 1, 1, 50);
	peer_seg(r, A, 1, 51, 0); // the data, but not the FIN
	assert_int_equal(peer_state(r), WR_TCP_ST_FIN_WAIT_1);
	peer_seg(r, A, 1, 52, 0);
	assert_int_equal(peer_state(r), WR_TCP_ST_FIN_WAIT_2);
}

#define EACH(name, body)                                                                           \
	static void name(void **state)                                                             \
	{                                                                                          \
		PEER_EACH(body);                                                                   \
	}
EACH(output_one_ack_a_burst, one_ack_a_burst)
EACH(output_duplicate_acks_of_a_burst, duplicate_acks_of_a_burst)
EACH(output_data_carries_the_ack, data_carries_the_ack)
EACH(output_no_nagle, no_nagle)
EACH(output_tx_is_full, tx_is_full)
EACH(output_budget_keeps_places, budget_keeps_places)
EACH(output_path_is_told, path_is_told)
EACH(output_idle_restart, idle_restart)
EACH(output_fin_rides, fin_rides)
EACH(output_nagle, nagle)
EACH(output_nagle_does_not_hold_the_fin, nagle_does_not_hold_the_fin)
EACH(output_nagle_active_open, nagle_active_open)
EACH(output_paced, paced)
EACH(output_not_paced_when_small, not_paced_when_small)
EACH(output_not_paced_when_near, not_paced_when_near)
EACH(output_paced_between_ticks, paced_between_ticks)
EACH(output_paced_no_more, paced_no_more)
EACH(output_paced_into_a_hole, paced_into_a_hole)
EACH(output_paced_fin, paced_fin)
EACH(output_paced_and_aborted, paced_and_aborted)
EACH(output_paced_beside_a_deadline, paced_beside_a_deadline)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(output_one_ack_a_burst),
		cmocka_unit_test(output_duplicate_acks_of_a_burst),
		cmocka_unit_test(output_data_carries_the_ack),
		cmocka_unit_test(output_no_nagle),
		cmocka_unit_test(output_tx_is_full),
		cmocka_unit_test(output_budget_keeps_places),
		cmocka_unit_test(output_path_is_told),
		cmocka_unit_test(output_idle_restart),
		cmocka_unit_test(output_fin_rides),
		cmocka_unit_test(output_nagle),
		cmocka_unit_test(output_nagle_does_not_hold_the_fin),
		cmocka_unit_test(output_nagle_active_open),
		cmocka_unit_test(output_paced),
		cmocka_unit_test(output_not_paced_when_small),
		cmocka_unit_test(output_not_paced_when_near),
		cmocka_unit_test(output_paced_between_ticks),
		cmocka_unit_test(output_paced_no_more),
		cmocka_unit_test(output_paced_into_a_hole),
		cmocka_unit_test(output_paced_fin),
		cmocka_unit_test(output_paced_and_aborted),
		cmocka_unit_test(output_paced_beside_a_deadline),
	};

	wr_test_eal_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
