/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "pair.h"

// The engine as a whole: two stacks back to back, over both families and over sequence numbers that
// wrap.

static const uint32_t bases[] = {0, 0x7fffffff, 0xfffffff0};

struct variant {
	bool v6;
	uint32_t iss;
	uint8_t opts;
};

static void for_each_variant(void (*test)(struct pair *p, const struct wr_tcp_connect_opts *o))
{
	static struct pair p;
	struct wr_tcp_config c = pair_config();
	const uint8_t opts[] = {0, WR_TCPOPT_WSCALE | WR_TCPOPT_SACKOK | WR_TCPOPT_TS};

	for (uint32_t i = 0; i < RTE_DIM(bases) * 4; i++) {
		struct wr_tcp_connect_opts o = {.opts = opts[i & 1]};

		pair_start(&p, &c, &c, 1 + i, i & 2);
		p.iss_forced = true;
		p.iss[0] = bases[i / 4];
		p.iss[1] = bases[i / 4] - 500;
		p.link.delay_us = 1000;
		test(&p, &o);
		pair_stop(&p);
	}
}

static struct pair_app *open_pair(
	struct pair *p, const struct wr_tcp_connect_opts *o, struct pair_app **b)
{
	struct wr_tcp_listen_opts lo = {0};
	struct pair_app *a;

	pair_listen(p, &lo);
	a = pair_connect(p, o);
	assert_non_null(a);
	*b = pair_peer(p, a);
	return a;
}

static enum wr_tcp_state state(struct pair *p, int side, const struct pair_app *a)
{
	struct wr_tcp_info i;

	return wr_tcp_info(p->s[side], a->conn, &i) ? i.state : WR_TCP_ST_COUNT;
}

static void transfer(struct pair *p, const struct wr_tcp_connect_opts *o)
{
	struct pair_app *b, *a = open_pair(p, o, &b);

	a->to_send = 300000;
	b->to_send = 200000;
	a->fin_when_done = b->fin_when_done = true;
	pair_run(p, 10 * WR_US_PER_S);
	assert_int_equal(b->got, 300000);
	assert_int_equal(a->got, 200000);
	assert_int_equal(a->end, WR_TCP_END_CLOSED);
	assert_int_equal(b->end, WR_TCP_END_CLOSED);
	assert_int_equal(p->stats[0].ctr[WR_CTR_tcp_retrans_segs], 0);
	assert_int_equal(p->stats[1].ctr[WR_CTR_tcp_retrans_segs], 0);
	assert_int_equal(p->stats[0].ctr[WR_CTR_pay_tx_bytes], 300000);
	assert_int_equal(p->stats[1].ctr[WR_CTR_pay_rx_bytes], 300000);
	pair_run(p, 61 * WR_US_PER_S);
	assert_int_equal(wr_pool_used(&p->s[0]->conns), 0);
	assert_int_equal(wr_pool_used(&p->s[1]->conns), 0);
}

static void transfer_lossy(struct pair *p, const struct wr_tcp_connect_opts *o)
{
	p->link.loss = 30;
	p->link.dup = 20;
	p->link.reorder = 50;
	p->link.held_us = 3000;
	struct pair_app *b, *a = open_pair(p, o, &b);

	a->to_send = 200000;
	b->to_send = 200000;
	a->fin_when_done = b->fin_when_done = true;
	pair_run(p, 400 * WR_US_PER_S);
	assert_int_equal(b->got, 200000);
	assert_int_equal(a->got, 200000);
	assert_int_equal(a->end, WR_TCP_END_CLOSED);
	assert_int_equal(b->end, WR_TCP_END_CLOSED);
	assert_true(p->stats[0].ctr[WR_CTR_tcp_retrans_segs] +
			    p->stats[1].ctr[WR_CTR_tcp_retrans_segs] >
		    0);
}

// cases 1 and 5: the reader stops, the window closes, the sender probes; then all of it arrives
static void zero_window(struct pair *p, const struct wr_tcp_connect_opts *o)
{
	struct pair_app *b, *a = open_pair(p, o, &b);

	b->read_from = p->now + 700 * WR_US_PER_S; // longer than give_up
	a->to_send = 400000;
	a->fin_when_done = true;
	b->fin_on_eof = true;
	pair_run(p, 60 * WR_US_PER_S);
	assert_true(a->events & WR_TCP_EV_STALLED);
	assert_true(p->stats[0].ctr[WR_CTR_tcp_persist_probes] >= 3);
	assert_true(p->stats[1].ctr[WR_CTR_tcp_zero_window] >= 1);
	pair_run(p, 750 * WR_US_PER_S);
	assert_int_equal(b->got, 400000);
	assert_true(a->events & WR_TCP_EV_RESUMED);
	assert_int_equal(a->end, WR_TCP_END_CLOSED);
}

// case 12: one direction ends, the other goes on
static void half_close(struct pair *p, const struct wr_tcp_connect_opts *o)
{
	struct pair_app *b, *a = open_pair(p, o, &b);

	a->to_send = 1000;
	a->fin_when_done = true;
	pair_run(p, WR_US_PER_S);
	assert_int_equal(state(p, 0, a), WR_TCP_ST_FIN_WAIT_2);
	assert_int_equal(state(p, 1, b), WR_TCP_ST_CLOSE_WAIT);
	assert_true(b->eof);
	pair_run(p, 3600 * WR_US_PER_S);
	b->to_send = 500000;
	b->fin_when_done = true;
	pair_run(p, 10 * WR_US_PER_S);
	assert_int_equal(a->got, 500000);
	assert_int_equal(a->end, WR_TCP_END_CLOSED);
	assert_int_equal(b->end, WR_TCP_END_CLOSED);
}

static void echo(struct pair *p, const struct wr_tcp_connect_opts *o)
{
	struct pair_app *b, *a = open_pair(p, o, &b);

	a->to_send = 300000;
	a->fin_when_done = true;
	b->echo = b->fin_on_eof = true;
	p->link.share = 300;
	p->link.split = 300;
	pair_run(p, 30 * WR_US_PER_S);
	assert_int_equal(a->got, 300000);
	assert_int_equal(a->end, WR_TCP_END_CLOSED);
}

static void aborted(struct pair *p, const struct wr_tcp_connect_opts *o)
{
	struct pair_app *b, *a = open_pair(p, o, &b);

	a->to_send = 50000;
	b->read_from = WR_US_NEVER - 1;
	pair_run(p, WR_US_PER_S / 2);
	wr_tcp_abort(p->s[0], a->conn, p->now);
	a->used = false;
	b->read_from = 0;
	pair_run(p, WR_US_PER_S / 2);
	// what arrived in order is still there to be read (case 18)
	assert_int_equal(b->got, 50000);
	assert_false(b->eof);
	assert_int_equal(b->end, WR_TCP_END_RESET);
	assert_int_equal(wr_pool_used(&p->s[0]->conns), 0);
	assert_int_equal(wr_pool_used(&p->s[1]->conns), 0);
}

static void refused(struct pair *p, const struct wr_tcp_connect_opts *o)
{
	struct pair_app *a = pair_connect(p, o);

	pair_run(p, WR_US_PER_S);
	assert_true(a->closed);
	assert_int_equal(a->end, WR_TCP_END_REFUSED);
	assert_int_equal(p->stats[1].ctr[WR_CTR_tcp_rst_out], 1);
	assert_int_equal(p->stats[0].ctr[WR_CTR_tcp_connect_failed], 1);
}

// Both ends shut down at once (case 11).
static void simultaneous_close(struct pair *p, const struct wr_tcp_connect_opts *o)
{
	struct pair_app *b, *a = open_pair(p, o, &b);

	pair_run(p, WR_US_PER_S);
	wr_tcp_shutdown(p->s[0], a->conn, p->now);
	wr_tcp_shutdown(p->s[1], b->conn, p->now);
	pair_flush(p, 0);
	pair_flush(p, 1);
	pair_run(p, 1000);
	assert_int_equal(state(p, 0, a), WR_TCP_ST_CLOSING);
	assert_int_equal(state(p, 1, b), WR_TCP_ST_CLOSING);
	pair_run(p, 1000);
	assert_int_equal(a->end, WR_TCP_END_CLOSED);
	assert_int_equal(b->end, WR_TCP_END_CLOSED);
	pair_run(p, 61 * WR_US_PER_S);
	assert_int_equal(wr_pool_used(&p->s[0]->conns) + wr_pool_used(&p->s[1]->conns), 0);
}

static void deferred(struct pair *p, const struct wr_tcp_connect_opts *o)
{
	struct wr_tcp_listen_opts lo = {.deferred = true, .user = 7};
	struct pair_app *a, *b;

	pair_listen(p, &lo);
	a = pair_connect(p, o);
	b = pair_peer(p, a);
	pair_run(p, WR_US_PER_S / 2);
	assert_int_equal(b->events, WR_TCP_EV_SYN);
	assert_int_equal(state(p, 1, b), WR_TCP_ST_LISTEN);
	assert_false(a->connected);
	assert_int_equal(wr_tcp_accept(p->s[1], b->conn, p->now), 0);
	assert_int_equal(wr_tcp_accept(p->s[1], b->conn, p->now), -EINVAL);
	a->to_send = b->to_send = 5000;
	a->fin_when_done = b->fin_when_done = true;
	pair_run(p, WR_US_PER_S);
	assert_int_equal(a->got, 5000);
	assert_int_equal(b->got, 5000);
	assert_int_equal(b->end, WR_TCP_END_CLOSED);
}

static void pair_transfer(void **st)
{
	for_each_variant(transfer);
}

static void pair_transfer_lossy(void **st)
{
	for_each_variant(transfer_lossy);
}

static void pair_zero_window(void **st)
{
	for_each_variant(zero_window);
}

static void pair_half_close(void **st)
{
	for_each_variant(half_close);
}

static void pair_echo_zero_copy(void **st)
{
	for_each_variant(echo);
}

static void pair_abort(void **st)
{
	for_each_variant(aborted);
}

static void pair_refused(void **st)
{
	for_each_variant(refused);
}

static void pair_simultaneous_close(void **st)
{
	for_each_variant(simultaneous_close);
}

static void pair_deferred(void **st)
{
	for_each_variant(deferred);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pair_transfer),
		cmocka_unit_test(pair_transfer_lossy),
		cmocka_unit_test(pair_zero_window),
		cmocka_unit_test(pair_half_close),
		cmocka_unit_test(pair_echo_zero_copy),
		cmocka_unit_test(pair_abort),
		cmocka_unit_test(pair_refused),
		cmocka_unit_test(pair_simultaneous_close),
		cmocka_unit_test(pair_deferred),
	};

	wr_test_eal_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
