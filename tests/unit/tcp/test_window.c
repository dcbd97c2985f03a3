/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "peer.h"

#define A WR_TCP_ACK

static uint32_t edge(const struct peer *r)
{
	const struct wr_tcp_conn *c = wr_pool_lookup(&r->s->conns, r->conn);

	return r->out[0].ack + ((uint32_t)r->out[0].k.window << c->our_wscale);
}

// case 5: the reader announces the room that it makes
static void reader_opens(struct peer *r)
{
	uint32_t seq = 1;

	peer_open(r);
	while (peer_conn(r)->rcv_adv != peer_conn(r)->rcv_nxt) {
		uint32_t len = RTE_MIN(1460u, peer_conn(r)->rcv_adv - peer_conn(r)->rcv_nxt);

		peer_seg(r, A, seq, 1, len);
		seq += len;
	}
	assert_int_equal(r->out[0].k.window, 0);
	assert_int_equal(r->st->ctr[WR_CTR_tcp_zero_window], 1);
	assert_true(peer_read(r, 1) > 60000);
	assert_int_equal(r->n, 1);
	peer_expect(r, 0, A, 1, seq, 0);
	assert_true(r->out[0].k.window > 0);
	assert_int_equal(r->s->promised_bytes, peer_conn(r)->rcv_adv - peer_conn(r)->rcv_nxt);
}

// RFC 9293 3.8.6.2.2: no announcement of little
static void small_reads_are_silent(struct peer *r)
{
	struct wr_mq q = {0};

	peer_open(r);
	for (uint32_t i = 0; i < 20; i++)
		peer_seg(r, A, 1 + i * 1000, 1, 1000);
	wr_tcp_read(r->s, r->conn, &q, 1000, r->p.now);
	wr_tcp_free_mq(r->s, &q, WR_DROP_NONE);
	r->n = 0;
	peer_flush(r);
	assert_int_equal(r->n, 0);
	wr_tcp_read(r->s, r->conn, &q, 10000, r->p.now);
	wr_tcp_free_mq(r->s, &q, WR_DROP_NONE);
	r->n = 0;
	peer_flush(r);
	assert_int_equal(r->n, peer_conn(r)->our_wscale > 0 ? 1 : 0);
}

// The edge that was shown stays, whatever arrives and whatever is short.
static void edge_is_not_withdrawn(struct peer *r)
{
	uint32_t last = 0, seq = 1;

	peer_open(r);
	for (uint32_t i = 0; i < 60; i++) {
		uint32_t len = 300 + i * 7;

		if (i == 20)
			wr_tcp_set_pressure(r->s, 4, 1);
		peer_seg(r, A, seq, 1, len);
		seq += len;
		assert_true(i == 0 || edge(r) + 3 >= last);
		last = RTE_MAX(edge(r), last);
	}
	assert_int_equal(peer_read(r, 1), seq - 1);
}

// Single bytes do not push the edge on by rounding up: the buffer bounds it.
static void window_rounding_does_not_creep(void **state)
{
	struct wr_tcp_config cfg = pair_config();

	cfg.rcv_buf_bytes = 100000; // in units of 2 bytes
	for (uint32_t v = 0; v < peer_variant_count; v++) {
		struct peer *r = peer_start(&peer_variants[v], &cfg);
		uint32_t n = 0;

		peer_open(r);
		while (peer_conn(r)->rcv_adv != peer_conn(r)->rcv_nxt && n < 400000) {
			uint32_t len = n < 90000 ? 999 : 1;

			len = RTE_MIN(len, peer_conn(r)->rcv_adv - peer_conn(r)->rcv_nxt);
			peer_seg(r, A, 1 + n, 1, len);
			n += len;
		}
		assert_in_range(n, 65535, 100001);
		peer_stop(r);
	}
}

static void pressure_slows_new_windows(struct peer *r)
{
	wr_tcp_set_pressure(r->s, 1, 4);
	peer_open(r);
	assert_in_range(peer_conn(r)->rcv_adv - peer_conn(r)->rcv_nxt, 1, WR_TCP_SLOW_WND);
	peer_seg(r, A, 1, 1, 1000);
	peer_read(r, 1);
	assert_in_range(peer_conn(r)->rcv_adv - peer_conn(r)->rcv_nxt, 1, WR_TCP_SLOW_WND);
}

// promised + held <= k x budget, with a floor of two segments a connection
static void window_credit_bounds_promises(void **state)
{
	struct wr_tcp_config cfg = pair_config();
	struct peer *r;
	struct wr_tcp_conn *c = NULL;

	cfg.held_budget = 50;
	cfg.held_reserve = 4;
	r = peer_start(&peer_variants[1], &cfg);
	wr_tcp_set_pressure(r->s, 0, 2);
	for (int i = 0; i < 5; i++) {
		r->t.rport++;
		r->conn = WR_HANDLE_NONE;
		peer_open(r);
		c = peer_conn(r);
		assert_true(c->rcv_adv - c->rcv_nxt >= 2u * c->rcv_mss - 4);
	}
	// the first two took what there was
	assert_in_range(c->rcv_adv - c->rcv_nxt, 2u * c->rcv_mss - 4, 2u * c->rcv_mss);
	assert_in_range(r->s->promised_segs, 100 - 4, 100 + 3 * 3);
	peer_stop(r);
}

static void window_promises_end_with_the_stream(void **state)
{
	struct peer *r = peer_start(&peer_variants[1], NULL);

	peer_open(r);
	assert_true(r->s->promised_bytes > 0);
	peer_seg(r, A | WR_TCP_FIN, 1, 1, 0);
	assert_int_equal(r->s->promised_bytes, 0);
	assert_int_equal(r->s->promised_segs, 0);
	peer_stop(r);
}

// From level 3 on the first window is the floor; what is read opens it.
static void pressure_first_window(struct peer *r)
{
	uint32_t cursor = 0;

	wr_tcp_set_pressure(r->s, 3, 1);
	peer_syn(r);
	r->conn = wr_tcp_walk(r->s, &cursor);
	assert_int_equal(peer_conn(r)->rcv_adv - peer_conn(r)->rcv_nxt, 2u * peer_conn(r)->rcv_mss);
	peer_seg(r, A, 1, 1, 0);
	peer_seg(r, A, 1, 1, 1000);
	peer_read(r, 1);
	assert_in_range(peer_conn(r)->rcv_adv - peer_conn(r)->rcv_nxt,
		2u * peer_conn(r)->rcv_mss + 1, WR_TCP_SLOW_WND);
}

// --- autotuning -----------------------------------------------------------------------------

#define BEGIN (64u << 10)
#define MOST  300000u // less than an eighth of the budget

static struct wr_tcp_config tuning(uint32_t most)
{
	struct wr_tcp_config cfg = pair_config();

	cfg.rcv_buf_bytes = BEGIN;
	cfg.snd_buf_bytes = BEGIN;
	cfg.rcv_buf_max_bytes = most;
	cfg.snd_buf_max_bytes = most;
	return cfg;
}

// The peer fills the window; the edge that it was shown stays.
static void fill(struct peer *r, uint32_t *seq)
{
	uint32_t room, shown = peer_conn(r)->rcv_adv;

	while ((room = peer_conn(r)->rcv_adv - peer_conn(r)->rcv_nxt) > 0 &&
		peer_conn(r)->rcvq.bytes < 8 * MOST) {
		uint32_t len = RTE_MIN(1460u, room);

		peer_seg(r, A, *seq, 1, len);
		*seq += len;
		assert_true(wr_seq_geq(peer_conn(r)->rcv_adv, shown));
		shown = peer_conn(r)->rcv_adv;
	}
}

// Rounds of a round trip in which the window is filled and `read` says whether that is read.
static uint32_t rounds(struct peer *r, uint32_t n, bool read, wr_us_t round_us)
{
	uint32_t seq = 1;

	peer_open(r);
	peer_conn(r)->srtt_us = 2000;
	while (n-- > 0) {
		uint32_t first = seq - peer_conn(r)->rcvq.bytes;

		fill(r, &seq);
		r->p.now += round_us;
		if (read)
			peer_read(r, first);
	}
	return peer_conn(r)->rcv_buf;
}

static bool scaled(const struct peer *r)
{
	return r->v.opts & WR_TCPOPT_WSCALE;
}

static void tuned_to_the_cap(struct peer *r)
{
	uint32_t got = rounds(r, 8, true, 2000);

	assert_int_equal(got, MOST);
	got = peer_conn(r)->rcv_adv - peer_conn(r)->rcv_nxt;
	if (scaled(r))
		assert_in_range(got, MOST - 8, MOST);
	else
		assert_int_equal(got, UINT16_MAX);
}

static void tuned_in_steps(struct peer *r)
{
	// a byte for each byte read, once a round has told how much that is
	assert_int_equal(rounds(r, 1, true, 2000), BEGIN);
	assert_true(peer_conn(r)->recv_goal * WR_TCP_GOAL_UNIT >= 2 * BEGIN);
}

static void tuned_by_what_is_read(struct peer *r)
{
	assert_in_range(rounds(r, 2, true, 2000), BEGIN + 1, 2 * BEGIN + 8); // scaling rounds up
}

static void not_tuned_without_reader(struct peer *r)
{
	assert_int_equal(rounds(r, 8, false, 2000), BEGIN);
}

// What comes so slowly is not held back by the window.
static void not_tuned_when_idle(struct peer *r)
{
	assert_int_equal(rounds(r, 8, true, 9000), BEGIN);
}

static void not_tuned_within_a_round(struct peer *r)
{
	assert_int_equal(rounds(r, 8, true, 100), BEGIN);
}

static void not_tuned_under_pressure(struct peer *r)
{
	wr_tcp_set_pressure(r->s, 1, 4);
	assert_int_equal(rounds(r, 8, true, 2000), BEGIN);
}

// More than half of the memory is held by others.
static void not_tuned_when_memory_is_short(struct peer *r)
{
	struct wr_tcp_conn *c;
	uint32_t before;

	peer_open(r);
	c = peer_conn(r);
	c->srtt_us = 2000;
	before = c->recv_seq;
	for (uint32_t more = 1; more < 2; more--) {
		r->s->held_rx += r->s->cfg.held_budget / 2 + more;
		c->recv_seq = c->rcv_nxt - 2 * BEGIN; // as if so much had been read
		c->recv_us = (uint32_t)r->p.now;
		c->recv_goal = 64;
		wr_tcp_window_tune(r->s, c, BEGIN, r->p.now + 2000);
		r->s->held_rx -= r->s->cfg.held_budget / 2 + more;
		assert_int_equal(c->rcv_buf > BEGIN, more == 0);
	}
	c->recv_seq = before;
}

static void tuned_to_a_share(struct peer *r)
{
	uint32_t share = r->s->cfg.held_budget / WR_TCP_TUNE_SHARE * (r->v.v6 ? 1440 : 1460);
	uint32_t got = rounds(r, 8, true, 2000);

	assert_int_equal(got, share);
}

// Pressure that comes later stops growth but takes nothing back that was shown.
static void tuned_then_pressed(struct peer *r)
{
	uint32_t seq, got, first;

	got = rounds(r, 4, true, 2000);
	wr_tcp_set_pressure(r->s, 2, 1);
	seq = peer_conn(r)->rcv_nxt - r->irs;
	for (int i = 0; i < 4; i++) {
		first = seq;
		fill(r, &seq);
		r->p.now += 2000;
		peer_read(r, first);
	}
	assert_int_equal(peer_conn(r)->rcv_buf, got);
	assert_in_range(peer_conn(r)->rcv_adv - peer_conn(r)->rcv_nxt, 1, WR_TCP_SLOW_WND);
}

// Slow start, one ACK a segment, until `bytes` are out and acknowledged.
static void send_much(struct peer *r, uint32_t bytes)
{
	uint32_t m, seq = 1, end;

	peer_open(r);
	m = peer_conn(r)->mss;
	peer_conn(r)->cwnd = 10 * m;
	peer_write(r, bytes, m);
	end = 1 + bytes;
	while (seq < end) {
		seq = RTE_MIN(seq + m, end);
		peer_seg(r, A, 1, seq, 0);
	}
}

static void send_buffer_follows(struct peer *r)
{
	struct wr_tcp_conn *c;

	send_much(r, 2 * BEGIN);
	c = peer_conn(r);
	assert_true(c->cwnd > BEGIN / 2);
	assert_true(c->snd_buf > BEGIN);
	assert_in_range(c->snd_buf, 2 * c->cwnd - 20 * c->mss, 2 * c->cwnd);
	assert_int_equal(wr_tcp_send_space(r->s, r->conn), c->snd_buf);
}

static void send_buffer_has_a_cap(struct peer *r)
{
	if (!scaled(r))
		return; // the peer's window is what limits
	send_much(r, 2 * MOST);
	assert_true(peer_conn(r)->cwnd > MOST / 2);
	assert_int_equal(peer_conn(r)->snd_buf, MOST);
}

static void send_buffer_under_pressure(struct peer *r)
{
	wr_tcp_set_pressure(r->s, 1, 4);
	send_much(r, 2 * BEGIN);
	assert_true(peer_conn(r)->cwnd > BEGIN / 2);
	assert_int_equal(peer_conn(r)->snd_buf, BEGIN);
}

// A large cwnd that is not used needs no buffer.
static void send_buffer_unused(struct peer *r)
{
	uint32_t m;

	peer_open(r);
	m = peer_conn(r)->mss;
	peer_conn(r)->cwnd = 2 * BEGIN;
	peer_conn(r)->ssthresh = BEGIN;
	peer_write(r, m, m);
	peer_seg(r, A, 1, 1 + m, 0);
	assert_int_equal(peer_conn(r)->snd_buf, BEGIN);
}

static void never_tuned(struct peer *r)
{
	send_much(r, 6 * BEGIN);
	assert_int_equal(peer_conn(r)->snd_buf, 128 << 10);
	peer_conn(r)->recv_seq = peer_conn(r)->rcv_nxt - 8 * BEGIN;
	peer_conn(r)->srtt_us = 2000;
	peer_conn(r)->recv_us = (uint32_t)r->p.now;
	wr_tcp_window_tune(r->s, peer_conn(r), 1000, r->p.now + 2000);
	assert_int_equal(peer_conn(r)->rcv_buf, 128 << 10);
}

#define TUNED(name, most)                                                                          \
	static void window_##name(void **state)                                                    \
	{                                                                                          \
		struct wr_tcp_config cfg = tuning(most);                                           \
                                                                                                   \
		for (uint32_t v = 0; v < peer_variant_count; v++) {                                \
			struct peer *r = peer_start(&peer_variants[v], &cfg);                      \
                                                                                                   \
			name(r);                                                                   \
			peer_stop(r);                                                              \
		}                                                                                  \
	}
#define EACH(name, body)                                                                           \
	static void name(void **state)                                                             \
	{                                                                                          \
		PEER_EACH(body);                                                                   \
	}
EACH(window_reader_opens, reader_opens)
EACH(window_small_reads_are_silent, small_reads_are_silent)
EACH(window_edge_is_not_withdrawn, edge_is_not_withdrawn)
EACH(window_pressure_slows_new_windows, pressure_slows_new_windows)
EACH(window_pressure_first_window, pressure_first_window)
TUNED(tuned_to_the_cap, MOST)
TUNED(tuned_in_steps, MOST)
TUNED(tuned_by_what_is_read, MOST)
TUNED(not_tuned_without_reader, MOST)
TUNED(not_tuned_when_idle, MOST)
TUNED(not_tuned_within_a_round, MOST)
TUNED(not_tuned_under_pressure, MOST)
TUNED(not_tuned_when_memory_is_short, MOST)
TUNED(tuned_to_a_share, 1u << 20)
TUNED(tuned_then_pressed, MOST)
TUNED(send_buffer_follows, MOST)
TUNED(send_buffer_has_a_cap, MOST)
TUNED(send_buffer_under_pressure, MOST)
TUNED(send_buffer_unused, MOST)
EACH(window_never_tuned, never_tuned)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(window_reader_opens),
		cmocka_unit_test(window_small_reads_are_silent),
		cmocka_unit_test(window_edge_is_not_withdrawn),
		cmocka_unit_test(window_rounding_does_not_creep),
		cmocka_unit_test(window_pressure_slows_new_windows),
		cmocka_unit_test(window_pressure_first_window),
		cmocka_unit_test(window_credit_bounds_promises),
		cmocka_unit_test(window_promises_end_with_the_stream),
		cmocka_unit_test(window_tuned_to_the_cap),
		cmocka_unit_test(window_tuned_in_steps),
		cmocka_unit_test(window_tuned_by_what_is_read),
		cmocka_unit_test(window_not_tuned_without_reader),
		cmocka_unit_test(window_not_tuned_when_idle),
		cmocka_unit_test(window_not_tuned_within_a_round),
		cmocka_unit_test(window_not_tuned_under_pressure),
		cmocka_unit_test(window_not_tuned_when_memory_is_short),
		cmocka_unit_test(window_tuned_to_a_share),
		cmocka_unit_test(window_tuned_then_pressed),
		cmocka_unit_test(window_send_buffer_follows),
		cmocka_unit_test(window_send_buffer_has_a_cap),
		cmocka_unit_test(window_send_buffer_under_pressure),
		cmocka_unit_test(window_send_buffer_unused),
		cmocka_unit_test(window_never_tuned),
	};

	wr_test_eal_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
