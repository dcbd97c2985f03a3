/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "peer.h"

#define A    WR_TCP_ACK
#define SRTT 8000u

static uint32_t mss(struct peer *r)
{
	return peer_conn(r)->mss;
}

// `n` segments out of all that is written. False: the peer has no SACK, so there are no probes.
static bool segments_out(struct peer *r, uint32_t n)
{
	peer_open(r);
	peer_conn(r)->min_rtt_us = SRTT;
	peer_conn(r)->srtt_us = SRTT;
	peer_write(r, n * mss(r), mss(r));
	assert_int_equal(r->n, n);
	if (r->v.opts & WR_TCPOPT_SACKOK)
		return true;
	peer_wait(r, 100000);
	assert_int_equal(r->n, 0);
	assert_int_equal(r->st->ctr[WR_CTR_tcp_tlp], 0);
	return false;
}

static void probe_of_the_last(struct peer *r)
{
	uint32_t m;

	if (!segments_out(r, 4))
		return;
	m = mss(r);
	assert_int_equal(peer_conn(r)->rtx, WR_TCP_RTX_PTO);
	peer_wait(r, 2 * SRTT);
	assert_int_equal(r->n, 0);
	peer_wait(r, 4000);
	assert_int_equal(r->n, 1);
	peer_expect(r, 0, A, 1 + 3 * m, 1, m);
	assert_int_equal(r->st->ctr[WR_CTR_tcp_tlp], 1);
	assert_int_equal(r->st->ctr[WR_CTR_tcp_retrans_segs], 1);
	assert_int_equal(peer_conn(r)->ca_state, WR_TCP_CA_OPEN);
	assert_int_equal(peer_conn(r)->cwnd, 10 * m);
	// one probe only, then the retransmission timer
	peer_wait(r, 190000);
	assert_int_equal(r->n, 0);
	peer_wait(r, 20000);
	assert_int_equal(r->n, 1);
	peer_expect(r, 0, A, 1, 1, m);
	assert_int_equal(r->st->ctr[WR_CTR_tcp_tlp], 1);
	assert_int_equal(r->st->ctr[WR_CTR_tcp_rto], 1);
}

// RFC 8985 7.3: what was not sent yet makes the better probe, whatever cwnd says.
static void probe_of_new(struct peer *r)
{
	uint32_t m;

	if (!segments_out(r, 10))
		return;
	m = mss(r);
	peer_write(r, 3 * m, m);
	assert_int_equal(r->n, 0); // cwnd is full
	peer_wait(r, 2 * SRTT + 4000);
	assert_int_equal(r->n, 1);
	peer_expect(r, 0, A, 1 + 10 * m, 1, m);
	assert_int_equal(r->st->ctr[WR_CTR_tcp_retrans_segs], 0);
	// all arrived: nothing was lost
	peer_seg(r, A, 1, 1 + 11 * m, 0);
	assert_int_equal(r->st->ctr[WR_CTR_tcp_tlp_repaired], 0);
	assert_true(peer_conn(r)->cwnd >= 10 * m);
	peer_seg(r, A, 1, 1 + 13 * m, 0);
	assert_int_equal(r->st->ctr[WR_CTR_tcp_tlp_repaired], 0);
	assert_int_equal(wr_pool_used(&r->s->disorders), 0);
}

// The window has no room for what is new.
static void probe_within_the_window(struct peer *r)
{
	uint32_t m;

	if (!segments_out(r, 4))
		return;
	m = mss(r);
	r->window = (uint16_t)((3 * m) >> r->wscale);
	peer_seg(r, A, 1, 1 + m, 0);
	peer_write(r, m, m);
	assert_int_equal(r->n, 0);
	peer_wait(r, 2 * SRTT + 4000);
	assert_int_equal(r->n, 1);
	peer_expect(r, 0, A, 1 + 3 * m, 1, m);
}

static void probe_with_fin(struct peer *r)
{
	peer_open(r);
	peer_conn(r)->srtt_us = SRTT;
	wr_tcp_shutdown(r->s, r->conn, r->p.now);
	peer_flush(r);
	peer_wait(r, 210000);
	assert_int_equal(r->n, 1);
	peer_expect(r, 0, A | WR_TCP_FIN, 1, 1, 0);
	assert_int_equal(r->st->ctr[WR_CTR_tcp_tlp], r->v.opts & WR_TCPOPT_SACKOK ? 1 : 0);
	peer_seg(r, A, 1, 2, 0);
	assert_int_equal(peer_state(r), WR_TCP_ST_FIN_WAIT_2);
}

static void probe_carries_the_fin(struct peer *r)
{
	uint32_t m;

	if (!segments_out(r, 4))
		return;
	m = mss(r);
	wr_tcp_shutdown(r->s, r->conn, r->p.now);
	r->n = 0;
	peer_flush(r);
	peer_expect(r, 0, A | WR_TCP_FIN, 1 + 4 * m, 1, 0);
	peer_wait(r, 2 * SRTT + 4000);
	assert_int_equal(r->n, 1);
	peer_expect(r, 0, A | WR_TCP_FIN, 1 + 3 * m, 1, m);
	peer_seg(r, A, 1, 2 + 4 * m, 0);
	assert_int_equal(peer_state(r), WR_TCP_ST_FIN_WAIT_2);
}

// An entry may be larger than a segment: its last segment is the probe.
static void probe_of_a_large_entry(struct peer *r)
{
	uint32_t m;

	r->mss = 700;
	peer_open(r);
	m = mss(r);
	peer_conn(r)->srtt_us = SRTT;
	peer_write(r, 5 * m / 2, 5 * m / 2);
	assert_int_equal(r->n, 3);
	peer_wait(r, 2 * SRTT + 4000);
	if (!(r->v.opts & WR_TCPOPT_SACKOK)) {
		assert_int_equal(r->n, 0);
		return;
	}
	assert_int_equal(r->n, 1);
	peer_expect(r, 0, A, 1 + 5 * m / 2 - m, 1, m);
}

// 7.4.2: the probe has filled a hole, so something was lost and the window answers to that.
static void repaired(struct peer *r)
{
	uint32_t m;

	if (!segments_out(r, 4))
		return;
	m = mss(r);
	peer_wait(r, 2 * SRTT + 4000);
	assert_int_equal(r->n, 1);
	peer_seg(r, A, 1, 1 + 4 * m, 0);
	assert_int_equal(r->st->ctr[WR_CTR_tcp_tlp_repaired], 0); // a DSACK may come yet
	peer_write(r, m, m);
	peer_seg(r, A, 1, 1 + 5 * m, 0);
	assert_int_equal(r->st->ctr[WR_CTR_tcp_tlp_repaired], 1);
	assert_true(peer_conn(r)->cwnd < 10 * m);
	assert_int_equal(peer_conn(r)->cwnd, peer_conn(r)->ssthresh);
	assert_int_equal(wr_pool_used(&r->s->disorders), 0);
}

static void not_needed_by_dsack(struct peer *r)
{
	uint32_t m;

	if (!segments_out(r, 4))
		return;
	m = mss(r);
	peer_wait(r, 2 * SRTT + 4000);
	peer_seg(r, A, 1, 1 + 4 * m, 0);
	r->sack[0] = (struct wr_sack_block){1 + 3 * m, 1 + 4 * m};
	r->sack_count = 1;
	peer_seg(r, A, 1, 1 + 4 * m, 0);
	peer_write(r, m, m);
	peer_seg(r, A, 1, 1 + 5 * m, 0);
	assert_int_equal(r->st->ctr[WR_CTR_tcp_tlp_repaired], 0);
	assert_true(peer_conn(r)->cwnd >= 10 * m);
	assert_int_equal(peer_conn(r)->reo_wnd, 0); // the probe says nothing of reordering
	assert_int_equal(wr_pool_used(&r->s->disorders), 0);
}

// The tail is lost: the answer to the probe tells of it, in time of round trips, not of time-outs.
static void tail_is_repaired(struct peer *r)
{
	uint32_t m, again = 0;
	wr_us_t began;

	if (!segments_out(r, 6))
		return;
	m = mss(r);
	began = r->p.now;
	peer_wait(r, SRTT);
	peer_seg(r, A, 1, 1 + m, 0); // of the other five, all are lost
	peer_wait(r, 2 * SRTT + 4000);
	assert_int_equal(r->n, 1);
	peer_expect(r, 0, A, 1 + 5 * m, 1, m);
	r->p.now += SRTT;
	peer_dup(r, 1 + m, 1 + 5 * m, 1 + 6 * m);
	for (uint32_t turn = 0; turn < 10 && again < 4; turn++) {
		again += r->n;
		peer_wait(r, SRTT / 2);
		again += r->n;
		peer_seg(r, A, 1, 1 + (1 + again) * m, 0);
	}
	assert_int_equal(again, 4);
	assert_int_equal(r->st->ctr[WR_CTR_tcp_rto], 0);
	assert_true(r->p.now - began < 100000);
}

static void timeout_by_flight(struct peer *r)
{
	struct wr_tcp_conn *c;
	wr_us_t several = 2 * SRTT + 2048;

	peer_open(r);
	c = peer_conn(r);
	peer_write(r, 2 * c->mss, c->mss);
	c->srtt_us = SRTT;
	c->rto_us = 1000000;
	assert_int_equal(wr_tcp_tlp_timeout(c), several);
	c->rto_us = (uint32_t)several - 1; // never behind the retransmission timer
	assert_int_equal(wr_tcp_tlp_timeout(c), several - 1);
	c->rto_us = 1000000;
	peer_seg(r, A, 1, 1 + c->mss, 0);
	c->srtt_us = SRTT;
	c->rto_us = 1000000;
	// one segment may wait for a delayed ACK
	assert_int_equal(wr_tcp_tlp_timeout(c), 2 * SRTT + WR_TCP_ACK_DELAY_US);
}

static void wanted(struct peer *r)
{
	struct wr_tcp_conn *c;
	bool sack = r->v.opts & WR_TCPOPT_SACKOK;

	peer_open(r);
	c = peer_conn(r);
	peer_write(r, 2 * c->mss, c->mss);
	c->srtt_us = SRTT;
	assert_int_equal(wr_tcp_tlp_wanted(c), sack);
	c->ca_state = WR_TCP_CA_LOSS;
	assert_false(wr_tcp_tlp_wanted(c));
	c->ca_state = WR_TCP_CA_OPEN;
	c->backoff = 1;
	assert_false(wr_tcp_tlp_wanted(c));
	c->backoff = 0;
	c->sacked_bytes = 1;
	assert_false(wr_tcp_tlp_wanted(c));
	c->sacked_bytes = 0;
	c->srtt_us = 0;
	assert_false(wr_tcp_tlp_wanted(c));
	c->srtt_us = SRTT;
	assert_int_equal(wr_tcp_tlp_wanted(c), sack);
	c->tlp = WR_TCP_TLP_AGAIN; // one at a time
	assert_false(wr_tcp_tlp_wanted(c));
	c->tlp = WR_TCP_TLP_NONE;
}

// What was in order at the PTO need not be when the output comes to it.
static void acknowledged_in_between(struct peer *r)
{
	if (!segments_out(r, 4))
		return;
	r->p.now += 2 * SRTT + 4000;
	wr_tcp_timers(r->s, 256, r->p.now);
	assert_true(peer_conn(r)->flags & F_TLP_DUE);
	peer_seg(r, A, 1, 1 + 4 * mss(r), 0);
	assert_int_equal(r->n, 0);
	assert_false(peer_conn(r)->flags & F_TLP_DUE);
	assert_int_equal(r->st->ctr[WR_CTR_tcp_tlp], 0);
	assert_int_equal(wr_pool_used(&r->s->disorders), 0);
}

#define EACH(name, body)                                                                           \
	static void name(void **state)                                                             \
	{                                                                                          \
		PEER_EACH(body);                                                                   \
	}
EACH(tlp_probe_of_the_last, probe_of_the_last)
EACH(tlp_probe_of_new, probe_of_new)
EACH(tlp_probe_within_the_window, probe_within_the_window)
EACH(tlp_probe_with_fin, probe_with_fin)
EACH(tlp_probe_carries_the_fin, probe_carries_the_fin)
EACH(tlp_probe_of_a_large_entry, probe_of_a_large_entry)
EACH(tlp_repaired, repaired)
EACH(tlp_not_needed_by_dsack, not_needed_by_dsack)
EACH(tlp_tail_is_repaired, tail_is_repaired)
EACH(tlp_timeout_by_flight, timeout_by_flight)
EACH(tlp_wanted, wanted)
EACH(tlp_acknowledged_in_between, acknowledged_in_between)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tlp_probe_of_the_last),
		cmocka_unit_test(tlp_probe_of_new),
		cmocka_unit_test(tlp_probe_within_the_window),
		cmocka_unit_test(tlp_probe_with_fin),
		cmocka_unit_test(tlp_probe_carries_the_fin),
		cmocka_unit_test(tlp_probe_of_a_large_entry),
		cmocka_unit_test(tlp_repaired),
		cmocka_unit_test(tlp_not_needed_by_dsack),
		cmocka_unit_test(tlp_tail_is_repaired),
		cmocka_unit_test(tlp_timeout_by_flight),
		cmocka_unit_test(tlp_wanted),
		cmocka_unit_test(tlp_acknowledged_in_between),
	};

	wr_test_eal_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
