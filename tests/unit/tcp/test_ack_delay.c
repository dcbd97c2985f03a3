/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "peer.h"

// The ring of late ACKs, its deadlines, and who is made to wait. Packet by packet: the scripts of
// tests/packet/ack_delay.

#define A     WR_TCP_ACK
#define DELAY 2000u // us

static struct wr_tcp_config delayed(wr_us_t us)
{
	struct wr_tcp_config cfg = pair_config();

	cfg.ack_delay_us = us;
	return cfg;
}

// Run `test` over all variants, with a delay.
#define DELAYED(name, body)                                                                        \
	static void name(void **state)                                                             \
	{                                                                                          \
		struct wr_tcp_config cfg = delayed(DELAY);                                         \
                                                                                                   \
		for (uint32_t v = 0; v < peer_variant_count; v++) {                                \
			struct peer *r = peer_start(&peer_variants[v], &cfg);                      \
                                                                                                   \
			body(r);                                                                   \
			peer_stop(r);                                                              \
		}                                                                                  \
	}

static struct wr_tcp_ack_ring *ring(struct peer *r)
{
	return &r->s->late_acks;
}

// Another connection of the same peer, with 100 bytes that wait.
static wr_handle_t another(struct peer *r)
{
	r->t.rport++;
	r->conn = WR_HANDLE_NONE;
	peer_open(r);
	peer_seg(r, A, 1, 1, 100);
	assert_int_equal(r->n, 0);
	return r->conn;
}

// It is over and its slot is free.
static void gone(struct peer *r)
{
	wr_tcp_abort(r->s, r->conn, r->p.now);
	assert_null(peer_conn(r));
	peer_flush(r);
}

// --- deadlines ------------------------------------------------------------------------------

static void waits_its_time(struct peer *r)
{
	wr_us_t came;

	peer_open(r);
	assert_int_equal(ring(r)->count, 0);
	came = r->p.now;
	peer_seg(r, A, 1, 1, 100);
	assert_int_equal(r->n, 0);
	assert_int_equal(ring(r)->count, 1);
	assert_true(peer_conn(r)->ack_queued);
	// to the microsecond: a virtual clock does not oversleep
	assert_int_equal(wr_tcp_next_timer(r->s), came + DELAY);
	assert_int_equal(wr_tcp_timers(r->s, 256, came + DELAY - 1), 0);
	assert_int_equal(wr_tcp_next_timer(r->s), came + DELAY);
	r->p.now = came + DELAY;
	assert_int_equal(wr_tcp_timers(r->s, 256, r->p.now), 1);
	r->n = 0;
	peer_flush(r);
	assert_int_equal(r->n, 1);
	peer_expect(r, 0, A, 1, 101, 0);
	assert_int_equal(r->st->ctr[WR_CTR_tcp_acks_delayed], 1);
	assert_int_equal(ring(r)->count, 0);
	assert_false(peer_conn(r)->ack_queued);
	assert_true(wr_tcp_ack_delay_next(r->s, r->p.now) == WR_US_NEVER);
}

// A wheel timer that is due before is what comes next.
static void nearest_of_both(struct peer *r)
{
	wr_us_t at;

	peer_open(r);
	peer_write(r, 100, 100); // its probe or time-out is later
	at = r->p.now + DELAY;
	peer_seg(r, A, 1, 1, 100);
	assert_int_equal(wr_tcp_next_timer(r->s), at);
	wr_tcp_timer_pace(r->s, peer_conn(r), r->p.now + 1);
	assert_true(wr_tcp_next_timer(r->s) < at);
	peer_seg(r, A, 101, 101, 0);
}

// Payload that comes while it stands in the ring, after what it stood for was acknowledged.
static void put_back(struct peer *r)
{
	wr_us_t first, second;

	peer_open(r);
	first = r->p.now;
	peer_seg(r, A, 1, 1, 100);
	peer_wait(r, 500);
	peer_write(r, 10, 10);
	peer_expect(r, 0, A, 1, 101, 10);
	peer_wait(r, 500);
	second = r->p.now;
	peer_seg(r, A, 101, 11, 100);
	assert_int_equal(r->n, 0);
	assert_int_equal(ring(r)->count, 1);
	assert_int_equal(wr_tcp_next_timer(r->s), first + DELAY);
	peer_wait(r, DELAY - 1000);
	assert_int_equal(r->n, 0);
	assert_int_equal(ring(r)->count, 1);
	assert_int_equal(wr_tcp_next_timer(r->s), second + DELAY);
	peer_wait(r, 1000);
	assert_int_equal(r->n, 1);
	peer_expect(r, 0, A, 11, 201, 0);
	assert_int_equal(r->st->ctr[WR_CTR_tcp_acks_delayed], 1);
}

// One that was put back stands behind others that came later than its payload.
static void held_less_than_twice(struct peer *r)
{
	wr_handle_t conn = another(r);
	wr_us_t came;

	peer_wait(r, 1);
	peer_write(r, 10, 10);
	assert_int_equal(r->n, 1);
	came = r->p.now;
	peer_seg(r, A, 101, 11, 100);
	assert_int_equal(r->n, 0);
	peer_wait(r, DELAY - 2);
	another(r);
	r->conn = conn;
	while (peer_conn(r)->rcv_nxt != peer_conn(r)->last_ack_sent) {
		peer_wait(r, 1);
		assert_true(r->p.now - came < 2 * DELAY);
	}
	assert_true(r->p.now - came >= DELAY);
}

// The low half of the time wraps every 71 minutes.
static void low_half_wraps(struct peer *r)
{
	static const int32_t before[] = {0, 1, (int32_t)DELAY - 1, (int32_t)DELAY, DELAY + 1};
	uint32_t seq = 1, ours = 1;

	peer_open(r);
	for (uint32_t i = 0; i < RTE_DIM(before); i++) {
		wr_us_t wrap = ((r->p.now >> 32) + 1) << 32;

		r->p.now = wrap - (wr_us_t)before[i];
		wr_tcp_timers(r->s, 256, r->p.now);
		peer_conn(r)->ack_at_once = 0;
		peer_seg(r, A, seq, ours, 100);
		assert_int_equal(r->n, 0);
		seq += 100;
		assert_int_equal(wr_tcp_next_timer(r->s), r->p.now + DELAY);
		if (i % 2 == 0) { // the other half is carried
			peer_wait(r, DELAY - 1);
			assert_int_equal(r->n, 0);
			peer_wait(r, 1);
			peer_expect(r, 0, A, ours, seq, 0);
		} else {
			peer_wait(r, DELAY / 2);
			peer_write(r, 10, 10);
			peer_expect(r, 0, A, ours, seq, 10);
			ours += 10;
			peer_seg(r, A, seq, ours, 0);
			peer_wait(r, DELAY);
			assert_int_equal(r->n, 0);
		}
	}
}

// Nobody asked for the time for so long that the low half says nothing: it is never too late.
static void after_a_long_rest(struct peer *r)
{
	static const wr_us_t rests[] = {1800, 2200, 4294, 4296, 7000, 86400};
	uint32_t seq = 1;

	peer_open(r);
	for (uint32_t i = 0; i < RTE_DIM(rests); i++, seq += 100) {
		r->p.now += rests[i] * WR_US_PER_S;
		peer_conn(r)->ack_at_once = 0;
		peer_seg(r, A, seq, 1, 100);
		assert_int_equal(r->n, 0);
		assert_true(wr_tcp_next_timer(r->s) <= r->p.now + DELAY);
		peer_wait(r, DELAY);
		assert_int_equal(r->n, 1);
		peer_expect(r, 0, A, 1, seq + 100, 0);
	}
}

// --- the ring -------------------------------------------------------------------------------

#define FEW 8u

static void ack_delay_ring_full(void **state)
{
	struct wr_tcp_config cfg = delayed(DELAY);

	cfg.max_conns = FEW;
	for (uint32_t v = 0; v < peer_variant_count; v++) {
		struct peer *r = peer_start(&peer_variants[v], &cfg);

		assert_int_equal(ring(r)->mask, FEW - 1);
		for (int round = 0; round < 3; round++) {
			for (uint32_t i = 0; i < FEW; i++)
				another(r);
			assert_int_equal(ring(r)->count, FEW);
			peer_wait(r, DELAY);
			assert_int_equal(r->n, FEW);
			assert_int_equal(ring(r)->count, 0);
			for (uint32_t i = 0; i < FEW; i++, r->t.rport--) {
				r->conn = wr_pool_handle_at(&r->s->conns, i);
				gone(r);
			}
			r->t.rport += FEW;
		}
		assert_int_equal(r->st->ctr[WR_CTR_tcp_acks_delayed], 3 * FEW);
		peer_stop(r);
	}
}

// Connections that end while they wait leave their entries: more of those than connections.
static void ack_delay_ring_outlived(void **state)
{
	struct wr_tcp_config cfg = delayed(DELAY);

	cfg.max_conns = FEW;
	for (uint32_t v = 0; v < peer_variant_count; v++) {
		struct peer *r = peer_start(&peer_variants[v], &cfg);
		wr_handle_t first = another(r), last = WR_HANDLE_NONE;
		uint32_t acked = 0;

		for (uint32_t i = 0; i < 3 * FEW; i++) {
			r->t.rport++;
			r->conn = WR_HANDLE_NONE;
			peer_open(r);
			peer_seg(r, A, 1, 1, 100); // waits, or is answered for want of room
			last = r->conn;
			acked += r->n;
			assert_in_range(ring(r)->count, 1, FEW);
			if (i + 1 < 3 * FEW)
				gone(r);
		}
		peer_wait(r, 2 * DELAY);
		assert_int_equal(ring(r)->count, 0);
		// those that live were heard
		for (int i = 0; i < 2; i++) {
			r->conn = i == 0 ? first : last;
			assert_int_equal(peer_conn(r)->rcv_nxt, peer_conn(r)->last_ack_sent);
			assert_false(peer_conn(r)->ack_queued);
		}
		assert_true(acked > 0);
		peer_stop(r);
	}
}

static void ring_empty(struct peer *r)
{
	assert_int_equal(wr_tcp_ack_delay_poll(r->s, 256, r->p.now), 0);
	assert_true(wr_tcp_ack_delay_next(r->s, r->p.now) == WR_US_NEVER);
	assert_true(wr_tcp_next_timer(r->s) == WR_US_NEVER);
	another(r);
	peer_wait(r, DELAY);
	assert_int_equal(r->n, 1);
	assert_int_equal(wr_tcp_ack_delay_poll(r->s, 256, r->p.now + 10 * DELAY), 0);
}

// The slot of who waited is somebody else's now.
static void stale_handle(struct peer *r)
{
	wr_handle_t old = another(r), young;

	gone(r);
	peer_wait(r, DELAY / 2);
	young = another(r);
	assert_int_equal(wr_handle_index(old), wr_handle_index(young));
	assert_true(old != young);
	assert_int_equal(ring(r)->count, 2);
	peer_wait(r, DELAY / 2);
	assert_int_equal(r->n, 0);
	assert_int_equal(ring(r)->count, 1);
	assert_true(peer_conn(r)->ack_queued);
	assert_int_equal(r->st->ctr[WR_CTR_tcp_acks_delayed], 0);
	peer_wait(r, DELAY / 2);
	assert_int_equal(r->n, 1);
	assert_int_equal(r->st->ctr[WR_CTR_tcp_acks_delayed], 1);
}

// Over, but its owner has not let go.
static void over_but_owned(struct peer *r)
{
	another(r);
	peer_seg(r, WR_TCP_RST, 101, 0, 0);
	assert_non_null(peer_conn(r));
	assert_int_equal(peer_state(r), WR_TCP_ST_CLOSED);
	peer_wait(r, DELAY);
	assert_int_equal(r->n, 0);
	assert_int_equal(r->st->ctr[WR_CTR_tcp_acks_delayed], 0);
	assert_int_equal(ring(r)->count, 0);
	wr_tcp_release(r->s, r->conn, r->p.now);
}

static void budget(struct peer *r)
{
	for (int i = 0; i < 10; i++)
		another(r);
	r->p.now += DELAY + 10;
	assert_int_equal(wr_tcp_timers(r->s, 0, r->p.now), 0);
	assert_int_equal(wr_tcp_timers(r->s, 4, r->p.now), 4);
	assert_int_equal(ring(r)->count, 6);
	assert_true(wr_tcp_next_timer(r->s) <= r->p.now);
	assert_int_equal(wr_tcp_timers(r->s, 5, r->p.now), 5);
	assert_int_equal(wr_tcp_timers(r->s, 5, r->p.now), 1);
	assert_int_equal(wr_tcp_timers(r->s, 5, r->p.now), 0);
	r->n = 0;
	peer_flush(r);
	assert_int_equal(r->n, 10);
}

// Late ACKs and the wheel share what one call may do.
static void budget_is_shared(struct peer *r)
{
	struct wr_tcp_conn *c;

	another(r);
	c = peer_conn(r);
	wr_tcp_timer_pace(r->s, c, r->p.now + 1);
	r->p.now += 2 * DELAY;
	assert_int_equal(wr_tcp_timers(r->s, 1, r->p.now), 1);
	assert_int_equal(wr_tcp_timers(r->s, 1, r->p.now), 1);
	assert_int_equal(wr_tcp_timers(r->s, 1, r->p.now), 0);
	r->n = 0;
	peer_flush(r);
	assert_int_equal(r->n, 1);
}

// --- who waits ------------------------------------------------------------------------------

static void at_once_and_back(struct peer *r)
{
	peer_open(r);
	peer_seg(r, A, 1, 1, 100);
	peer_wait(r, DELAY);
	assert_true(peer_conn(r)->ack_at_once);
	peer_wait(r, 10 * DELAY);
	peer_seg(r, A, 101, 1, 100);
	peer_expect(r, 0, A, 1, 201, 0);
	assert_int_equal(ring(r)->count, 0);
	peer_wait(r, DELAY); // an answer, but too late
	peer_write(r, 10, 10);
	assert_true(peer_conn(r)->ack_at_once);
	peer_seg(r, A, 201, 11, 100);
	peer_expect(r, 0, A, 11, 301, 0);
	peer_wait(r, DELAY - 1); // just in time
	peer_write(r, 10, 10);
	assert_false(peer_conn(r)->ack_at_once);
	peer_seg(r, A, 301, 21, 100);
	assert_int_equal(r->n, 0);
	peer_write(r, 10, 10);
	peer_expect(r, 0, A, 21, 401, 10);
	assert_int_equal(r->st->ctr[WR_CTR_tcp_acks_delayed], 1);
}

// A FIN without payload is no answer.
static void fin_is_no_answer(struct peer *r)
{
	peer_open(r);
	peer_seg(r, A, 1, 1, 100);
	peer_wait(r, DELAY);
	peer_seg(r, A, 101, 1, 100);
	assert_int_equal(r->n, 1);
	wr_tcp_shutdown(r->s, r->conn, r->p.now);
	peer_flush(r);
	assert_true(peer_conn(r)->ack_at_once);
	peer_seg(r, A, 201, 2, 100);
	peer_expect(r, 0, A, 2, 301, 0);
}

static void second_segment(struct peer *r)
{
	uint32_t mss;

	peer_open(r);
	mss = peer_conn(r)->rcv_mss;
	peer_seg(r, A, 1, 1, mss);
	assert_int_equal(r->n, 0);
	peer_seg(r, A, 1 + mss, 1, 1);
	peer_expect(r, 0, A, 1, 2 + mss, 0);
	// what was acknowledged counts no more
	peer_seg(r, A, 2 + mss, 1, mss);
	assert_int_equal(r->n, 0);
	peer_wait(r, DELAY);
	assert_int_equal(r->n, 1);
	peer_expect(r, 0, A, 1, 2 + 2 * mss, 0);
}

// What fills the window waits like any other; what comes into a closed one does not.
static void ack_delay_zero_window(void **state)
{
	struct wr_tcp_config cfg = delayed(DELAY);

	cfg.rcv_buf_bytes = 1024;
	for (uint32_t v = 0; v < peer_variant_count; v++) {
		struct peer *r = peer_start(&peer_variants[v], &cfg);

		peer_open(r);
		peer_seg(r, A, 1, 1, 1024);
		assert_int_equal(r->n, 0);
		assert_int_equal(ring(r)->count, 1);
		peer_wait(r, DELAY);
		peer_expect(r, 0, A, 1, 1025, 0);
		assert_int_equal(r->out[0].k.window, 0);
		peer_conn(r)->ack_at_once = 0;
		peer_seg(r, A, 1025, 1, 1); // a probe
		peer_expect(r, 0, A, 1, 1025, 0);
		assert_int_equal(ring(r)->count, 0);
		// the reader opens it: that goes out by itself
		assert_int_equal(peer_read(r, 1), 1024);
		assert_int_equal(r->n, 1);
		peer_expect(r, 0, A, 1, 1025, 0);
		assert_int_equal(r->out[0].k.window, 1024);
		peer_stop(r);
	}
}

// A reader that makes room tells so, however small the buffer: the peer has no reason to send.
static void ack_delay_small_windows_open(void **state)
{
	static const uint32_t bufs[] = {2000, 3000, 4096, 6000, 8192, 16384, 65535};

	for (uint32_t v = 0; v < peer_variant_count; v++)
		for (uint32_t i = 0; i < RTE_DIM(bufs); i++) {
			struct wr_tcp_config cfg = delayed(DELAY);
			struct wr_tcp_conn *c;
			struct peer *r;
			uint32_t seq = 1;

			cfg.rcv_buf_bytes = bufs[i];
			r = peer_start(&peer_variants[v], &cfg);
			peer_open(r);
			c = peer_conn(r);
			// no room for a full segment is left
			while (c->rcv_adv - c->rcv_nxt >= c->rcv_mss) {
				peer_seg(r, A, seq, 1, c->rcv_mss);
				seq += c->rcv_mss;
			}
			peer_wait(r, DELAY);
			assert_int_equal(c->rcv_nxt, c->last_ack_sent);
			assert_int_equal(peer_read(r, 1), seq - 1);
			assert_true(c->rcv_adv - c->rcv_nxt >= bufs[i] / 2);
			assert_true(wr_seq_geq(c->rcv_adv, c->rcv_nxt + RTE_MIN(bufs[i], 2920u)));
			assert_int_equal(r->n, 1);
			peer_stop(r);
		}
}

// --- settings -------------------------------------------------------------------------------

static void ack_delay_off(void **state)
{
	for (uint32_t v = 0; v < peer_variant_count; v++) {
		struct peer *r = peer_start(&peer_variants[v], NULL);

		peer_open(r);
		assert_null(ring(r)->slot);
		peer_seg(r, A, 1, 1, 100);
		peer_expect(r, 0, A, 1, 101, 0);
		assert_int_equal(ring(r)->count, 0);
		assert_int_equal(r->st->ctr[WR_CTR_tcp_acks_delayed], 0);
		peer_stop(r);
	}
}

// RFC 9293 3.8.6.3: less than half a second
static void ack_delay_limits(void **state)
{
	static const struct {
		wr_us_t us;
		bool good;
	} rows[] = {{1, true}, {249999, true}, {250000, false}, {WR_US_NEVER, false}};
	struct peer *r = peer_start(&peer_variants[0], NULL);

	for (uint32_t i = 0; i < RTE_DIM(rows); i++) {
		struct wr_tcp_config cfg = delayed(rows[i].us);
		struct wr_tcp_stack *s;

		cfg.small = r->p.small;
		cfg.stats = &r->p.stats[0];
		s = wr_tcp_stack_create(&cfg, r->p.now);
		assert_int_equal(s != NULL, rows[i].good);
		wr_tcp_stack_destroy(s);
	}
	peer_stop(r);
}

DELAYED(ack_delay_waits_its_time, waits_its_time)
DELAYED(ack_delay_nearest_of_both, nearest_of_both)
DELAYED(ack_delay_put_back, put_back)
DELAYED(ack_delay_held_less_than_twice, held_less_than_twice)
DELAYED(ack_delay_low_half_wraps, low_half_wraps)
DELAYED(ack_delay_after_a_long_rest, after_a_long_rest)
DELAYED(ack_delay_ring_empty, ring_empty)
DELAYED(ack_delay_stale_handle, stale_handle)
DELAYED(ack_delay_over_but_owned, over_but_owned)
DELAYED(ack_delay_budget, budget)
DELAYED(ack_delay_budget_is_shared, budget_is_shared)
DELAYED(ack_delay_at_once_and_back, at_once_and_back)
DELAYED(ack_delay_fin_is_no_answer, fin_is_no_answer)
DELAYED(ack_delay_second_segment, second_segment)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ack_delay_waits_its_time),
		cmocka_unit_test(ack_delay_nearest_of_both),
		cmocka_unit_test(ack_delay_put_back),
		cmocka_unit_test(ack_delay_held_less_than_twice),
		cmocka_unit_test(ack_delay_low_half_wraps),
		cmocka_unit_test(ack_delay_after_a_long_rest),
		cmocka_unit_test(ack_delay_ring_full),
		cmocka_unit_test(ack_delay_ring_outlived),
		cmocka_unit_test(ack_delay_ring_empty),
		cmocka_unit_test(ack_delay_stale_handle),
		cmocka_unit_test(ack_delay_over_but_owned),
		cmocka_unit_test(ack_delay_budget),
		cmocka_unit_test(ack_delay_budget_is_shared),
		cmocka_unit_test(ack_delay_at_once_and_back),
		cmocka_unit_test(ack_delay_fin_is_no_answer),
		cmocka_unit_test(ack_delay_second_segment),
		cmocka_unit_test(ack_delay_zero_window),
		cmocka_unit_test(ack_delay_small_windows_open),
		cmocka_unit_test(ack_delay_off),
		cmocka_unit_test(ack_delay_limits),
	};

	wr_test_eal_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
