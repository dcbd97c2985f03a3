/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "peer.h"

#define A   WR_TCP_ACK
#define RTT 8000u // of the path, in microseconds

static uint32_t mss(struct peer *r)
{
	return peer_conn(r)->mss;
}

// Ten segments out on a path of RTT, which are about to be answered.
static bool window_out(struct peer *r)
{
	if (!(r->v.opts & WR_TCPOPT_SACKOK))
		return false;
	peer_open(r);
	peer_conn(r)->min_rtt_us = RTT;
	peer_conn(r)->srtt_us = RTT;
	peer_write(r, 20 * mss(r), mss(r));
	assert_int_equal(r->n, 10);
	r->p.now += RTT;
	return true;
}

// How often what begins at `seq` left since the last call.
static uint32_t left(const struct peer *r, uint32_t seq)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < r->n; i++)
		n += r->out[i].seq == seq;
	return n;
}

// One report is enough when it is followed by nothing: a quarter of the round trip later the
// segment before it is lost (RFC 8985 6.3).
static void reordering_timer(struct peer *r)
{
	uint32_t m;

	if (!window_out(r))
		return;
	m = mss(r);
	peer_dup(r, 1, 1 + m, 1 + 2 * m);
	assert_int_equal(left(r, 1), 0);
	assert_int_equal(peer_conn(r)->rtx, WR_TCP_RTX_REO);
	assert_int_equal(peer_conn(r)->rtx_at, r->p.now + RTT / 4);
	peer_wait(r, RTT / 4 - 1);
	assert_int_equal(left(r, 1), 0);
	peer_wait(r, 1100); // ticks are coarser than the deadline
	assert_int_equal(left(r, 1), 1);
	assert_int_equal(peer_conn(r)->ca_state, WR_TCP_CA_RECOVERY);
	assert_int_equal(r->st->ctr[WR_CTR_tcp_fast_retrans], 1);
	assert_int_equal(r->st->ctr[WR_CTR_tcp_rto], 0);
}

// What comes within that time was only late, and from now on three reports are not enough.
static void late_is_not_lost(struct peer *r)
{
	uint32_t m, una;

	if (!window_out(r))
		return;
	m = mss(r);
	assert_false(peer_conn(r)->flags & F_REORDERED);
	peer_dup(r, 1, 1 + 2 * m, 1 + 3 * m);
	r->p.now += RTT / 8;
	peer_seg(r, A, 1, 1 + 3 * m, 0);
	assert_true(peer_conn(r)->flags & F_REORDERED);
	assert_int_equal(r->st->ctr[WR_CTR_tcp_retrans_segs], 0);
	una = 1 + 3 * m;
	for (uint32_t i = 1; i <= 4; i++) {
		peer_dup(r, una, una + m, una + (i + 1) * m);
		assert_int_equal(left(r, una), 0);
	}
	assert_int_equal(peer_conn(r)->ca_state, WR_TCP_CA_OPEN);
	peer_wait(r, RTT);
	assert_int_equal(left(r, una), 1);
}

static void three_are_enough_before_that(struct peer *r)
{
	uint32_t m;

	if (!window_out(r))
		return;
	m = mss(r);
	for (uint32_t i = 1; i <= 3; i++) {
		peer_dup(r, 1, 1 + m, 1 + (i + 1) * m);
		assert_int_equal(left(r, 1), i == 3);
	}
}

// Segments sent after the one that was delivered are not judged by it.
static void what_was_sent_later_is_not_lost(struct peer *r)
{
	uint32_t m;

	if (!window_out(r))
		return;
	m = mss(r);
	r->sack[0] = (struct wr_sack_block){1 + m, 1 + 6 * m};
	r->sack_count = 1;
	peer_seg(r, A, 1, 1, 0);
	assert_int_equal(left(r, 1), 1);
	for (uint32_t i = 6; i < 10; i++)
		assert_int_equal(left(r, 1 + i * m), 0);
	peer_wait(r, RTT);
	for (uint32_t i = 6; i < 10; i++)
		assert_int_equal(left(r, 1 + i * m), 0);
	assert_int_equal(r->st->ctr[WR_CTR_tcp_retrans_segs], 1);
}

// --- the steps by themselves ----------------------------------------------------------------

struct steps {
	struct wr_tcp_conn *c;
	struct wr_tcp_disorder *d;
	struct rte_mbuf *e[4];
	wr_us_t t0;
};

// Four entries out, the i-th sent i ms after the first.
static void steps_start(struct peer *r, struct steps *x)
{
	struct rte_mbuf *m;
	uint32_t i = 0;

	peer_open(r);
	peer_write(r, 4 * mss(r), mss(r));
	x->c = peer_conn(r);
	x->c->min_rtt_us = RTT;
	x->c->srtt_us = RTT;
	x->d = wr_tcp_disorder_need(r->s, x->c);
	x->t0 = r->p.now;
	wr_mq_foreach (m, &x->c->sndq) {
		x->e[i] = m;
		wr_mbuf_priv(m)->sent_us = x->t0 + 1000 * i++;
	}
	assert_int_equal(i, 4);
}

static void steps_stop(struct steps *x)
{
	wr_tcp_inflight_none_lost(x->c, x->d);
}

static void delivered_newest_counts(struct peer *r)
{
	struct wr_tcp_acked a = {0};
	struct wr_pkt p = {0};
	struct steps x;

	steps_start(r, &x);
	assert_false(x.d->rack_valid);
	wr_tcp_rack_delivered(x.c, x.d, x.e[1], &p, &a, x.t0 + 1000 + RTT);
	assert_true(x.d->rack_valid);
	assert_int_equal(x.d->rack_sent_us, x.t0 + 1000);
	assert_int_equal(x.d->rack_rtt_us, RTT);
	wr_tcp_rack_delivered(x.c, x.d, x.e[0], &p, &a, x.t0 + 2 * RTT); // older: time stands
	assert_int_equal(x.d->rack_sent_us, x.t0 + 1000);
	assert_int_equal(x.d->rack_end, wr_mbuf_priv(x.e[1])->seq + x.e[1]->data_len);
	wr_mbuf_priv(x.e[2])->sent_us = x.t0 + 1000; // the same time: the number decides
	wr_tcp_rack_delivered(x.c, x.d, x.e[2], &p, &a, x.t0 + 1000 + RTT);
	assert_int_equal(x.d->rack_end, wr_mbuf_priv(x.e[2])->seq + x.e[2]->data_len);
	assert_false(x.c->flags & F_REORDERED);
	steps_stop(&x);
}

// Of what was sent twice, the ACK may be for the first copy (6.2 step 2).
static void delivered_first_copy(struct peer *r)
{
	struct wr_tcp_acked a = {0};
	struct wr_pkt p = {.opts = r->v.opts & WR_TCPOPT_TS};
	struct steps x;

	steps_start(r, &x);
	wr_mbuf_priv(x.e[0])->sent = 2;
	wr_mbuf_priv(x.e[0])->sent_us = x.t0 + RTT;
	p.ts_ecr = wr_tcp_ts_now(x.c, x.t0 + RTT);
	wr_tcp_rack_delivered(x.c, x.d, x.e[0], &p, &a, x.t0 + 2 * RTT - 1); // too quick
	assert_false(x.d->rack_valid);
	p.ts_ecr = wr_tcp_ts_now(x.c, x.t0);
	wr_tcp_rack_delivered(x.c, x.d, x.e[0], &p, &a, x.t0 + 2 * RTT);
	assert_int_equal(x.d->rack_valid, !(r->v.opts & WR_TCPOPT_TS)); // the echo tells
	p.ts_ecr = wr_tcp_ts_now(x.c, x.t0 + RTT);
	wr_tcp_rack_delivered(x.c, x.d, x.e[0], &p, &a, x.t0 + 2 * RTT);
	assert_true(x.d->rack_valid);
	wr_mbuf_priv(x.e[0])->sent = 1;
	wr_mbuf_priv(x.e[0])->sent_us = x.t0;
	steps_stop(&x);
}

static void delivered_below_the_highest(struct peer *r)
{
	struct wr_tcp_acked a = {.had_fack = true};
	struct wr_pkt p = {0};
	struct steps x;

	steps_start(r, &x);
	a.fack = wr_mbuf_priv(x.e[0])->seq + x.e[0]->data_len;
	wr_tcp_rack_delivered(x.c, x.d, x.e[0], &p, &a, x.t0 + RTT); // the highest itself
	assert_false(x.c->flags & F_REORDERED);
	a.fack++;
	wr_mbuf_priv(x.e[0])->sent = 2; // a repetition comes late by nature
	wr_tcp_rack_delivered(x.c, x.d, x.e[0], &p, &a, x.t0 + RTT);
	assert_false(x.c->flags & F_REORDERED);
	wr_mbuf_priv(x.e[0])->sent = 1;
	wr_tcp_rack_delivered(x.c, x.d, x.e[0], &p, &a, x.t0 + RTT);
	assert_true(x.c->flags & F_REORDERED);
	steps_stop(&x);
}

static void deliver_last(struct steps *x, wr_us_t now)
{
	struct wr_tcp_acked a = {0};
	struct wr_pkt p = {0};

	wr_tcp_rack_delivered(x->c, x->d, x->e[3], &p, &a, now);
	wr_tcp_inflight_gone(x->d, x->e[3]);
}

static void detect_by_time(struct peer *r)
{
	struct steps x;
	wr_us_t again = 0, due;

	steps_start(r, &x);
	assert_int_equal(wr_tcp_rack_detect(x.c, x.d, x.t0 + 9 * RTT, &again), 0); // nothing known
	assert_int_equal(again, WR_US_NEVER);
	deliver_last(&x, x.t0 + 3000 + RTT);
	due = x.t0 + RTT + RTT / 4;
	assert_int_equal(wr_tcp_rack_detect(x.c, x.d, due - 1, &again), 0);
	assert_int_equal(again, due);
	assert_int_equal(wr_tcp_rack_detect(x.c, x.d, due + 1000, &again), 2 * x.c->mss);
	assert_int_equal(again, due + 2000);
	assert_ptr_equal(x.d->sent, x.e[2]);
	assert_int_equal(wr_tcp_rack_detect(x.c, x.d, due + 2000, &again), x.c->mss);
	assert_int_equal(again, WR_US_NEVER);
	steps_stop(&x);
}

static void detect_window(struct peer *r)
{
	static const struct {
		uint32_t flags, ca, segs, mult, wnd;
	} rows[] = {
		{0, WR_TCP_CA_OPEN, 2, 0, RTT / 4},
		{0, WR_TCP_CA_OPEN, 3, 0, 0}, // three are enough,
		{0, WR_TCP_CA_RECOVERY, 0, 0, 0},
		{F_REORDERED, WR_TCP_CA_OPEN, 3, 0, RTT / 4}, // unless the path reorders
		{F_REORDERED, WR_TCP_CA_RECOVERY, 0, 0, RTT / 4},
		{F_REORDERED, WR_TCP_CA_OPEN, 0, 3, 3 * RTT / 4},
		{F_REORDERED, WR_TCP_CA_OPEN, 0, 255, RTT}, // a round trip at most
	};
	struct steps x;
	wr_us_t again;

	steps_start(r, &x);
	deliver_last(&x, x.t0 + 3000 + RTT);
	for (uint32_t i = 0; i < RTE_DIM(rows); i++) {
		x.c->flags = (x.c->flags & ~F_REORDERED) | rows[i].flags;
		x.c->ca_state = (uint8_t)rows[i].ca;
		x.d->sacked_segs = (uint8_t)rows[i].segs;
		x.c->reo_wnd = (uint8_t)rows[i].mult;
		wr_tcp_rack_detect(x.c, x.d, x.t0 + RTT - 1, &again);
		assert_int_equal(again, x.t0 + RTT + rows[i].wnd);
	}
	x.c->flags &= ~F_REORDERED;
	x.c->ca_state = WR_TCP_CA_OPEN;
	x.d->sacked_segs = 0;
	x.c->reo_wnd = 0;
	steps_stop(&x);
}

static void dsack_raises_once_a_round(struct peer *r)
{
	struct steps x;

	steps_start(r, &x);
	wr_tcp_rack_dsack(x.c, x.d);
	assert_int_equal(x.c->reo_wnd, 2);
	assert_int_equal(x.c->reo_persist, WR_TCP_REO_PERSIST);
	wr_tcp_rack_dsack(x.c, x.d);
	assert_int_equal(x.c->reo_wnd, 2);
	for (int i = 0; i < 300; i++) {
		x.d->dsack_round = 0;
		wr_tcp_rack_dsack(x.c, x.d);
	}
	assert_int_equal(x.c->reo_wnd, UINT8_MAX);
	steps_stop(&x);
}

// The peer reports that what was repeated had arrived: wider for sixteen recoveries.
static void dsack_widens_for_a_while(struct peer *r)
{
	uint32_t m, una = 1;

	if (!window_out(r))
		return;
	m = mss(r);
	for (uint32_t i = 1; i <= 3; i++)
		peer_dup(r, 1, 1 + m, 1 + (i + 1) * m);
	r->sack[0] = (struct wr_sack_block){1, 1 + m};
	r->sack_count = 1;
	una = peer_conn(r)->snd_nxt - r->iss;
	peer_seg(r, A, 1, una, 0);
	assert_int_equal(r->st->ctr[WR_CTR_tcp_dsack_in], 1);
	assert_int_equal(peer_conn(r)->reo_wnd, 2);
	assert_int_equal(peer_conn(r)->ca_state, WR_TCP_CA_OPEN);
	assert_int_equal(r->st->ctr[WR_CTR_tcp_spurious], 1);
	for (uint32_t n = 0; n < WR_TCP_REO_PERSIST; n++) {
		assert_int_equal(peer_conn(r)->reo_wnd, 2);
		peer_write(r, 20 * m, m);
		r->p.now += RTT;
		for (uint32_t i = 1; i <= 3; i++)
			peer_dup(r, una, una + m, una + (i + 1) * m);
		peer_wait(r, RTT);
		assert_int_equal(peer_conn(r)->ca_state, WR_TCP_CA_RECOVERY);
		while (peer_conn(r)->snd_una != peer_conn(r)->snd_end) {
			una = peer_conn(r)->snd_nxt - r->iss;
			peer_seg(r, A, 1, una, 0);
			r->p.now += RTT;
		}
	}
	assert_int_equal(peer_conn(r)->reo_wnd, 1);
}

#define EACH(name, body)                                                                           \
	static void name(void **state)                                                             \
	{                                                                                          \
		PEER_EACH(body);                                                                   \
	}
EACH(rack_reordering_timer, reordering_timer)
EACH(rack_late_is_not_lost, late_is_not_lost)
EACH(rack_three_are_enough_before_that, three_are_enough_before_that)
EACH(rack_what_was_sent_later_is_not_lost, what_was_sent_later_is_not_lost)
EACH(rack_delivered_newest_counts, delivered_newest_counts)
EACH(rack_delivered_first_copy, delivered_first_copy)
EACH(rack_delivered_below_the_highest, delivered_below_the_highest)
EACH(rack_detect_by_time, detect_by_time)
EACH(rack_detect_window, detect_window)
EACH(rack_dsack_raises_once_a_round, dsack_raises_once_a_round)
EACH(rack_dsack_widens_for_a_while, dsack_widens_for_a_while)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rack_reordering_timer),
		cmocka_unit_test(rack_late_is_not_lost),
		cmocka_unit_test(rack_three_are_enough_before_that),
		cmocka_unit_test(rack_what_was_sent_later_is_not_lost),
		cmocka_unit_test(rack_delivered_newest_counts),
		cmocka_unit_test(rack_delivered_first_copy),
		cmocka_unit_test(rack_delivered_below_the_highest),
		cmocka_unit_test(rack_detect_by_time),
		cmocka_unit_test(rack_detect_window),
		cmocka_unit_test(rack_dsack_raises_once_a_round),
		cmocka_unit_test(rack_dsack_widens_for_a_while),
	};

	wr_test_eal_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
