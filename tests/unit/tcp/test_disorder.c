/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "peer.h"

#define A WR_TCP_ACK

static uint32_t used(struct peer *r)
{
	return wr_pool_used(&r->s->disorders);
}

static uint32_t mss(struct peer *r)
{
	return peer_conn(r)->mss;
}

// Opens a connection that finds the pool empty: a neighbour, which is returned, has the only object
// that there is.
static wr_handle_t open_without(struct peer *r)
{
	wr_handle_t neighbour;

	wr_pool_fini(&r->s->disorders);
	assert_int_equal(wr_pool_init(&r->s->disorders, "test_disorders", 1,
				 sizeof(struct wr_tcp_disorder), SOCKET_ID_ANY),
		0);
	peer_open(r);
	peer_seg(r, A, 101, 1, 100);
	assert_int_equal(used(r), 1);
	assert_int_equal(r->st->ctr[WR_CTR_tcp_disorder_full], 0);
	neighbour = r->conn;
	r->t.rport++;
	r->conn = WR_HANDLE_NONE;
	peer_open(r);
	return neighbour;
}

static void disorder_pool_size(void **state)
{
	static const struct {
		uint32_t conns, disorders;
	} rows[] = {{1, 1}, {256, 256}, {300, 256}, {2048, 256}, {4096, 512}};

	for (uint32_t i = 0; i < RTE_DIM(rows); i++) {
		struct wr_tcp_config cfg = pair_config();
		struct peer *r;

		cfg.max_conns = rows[i].conns;
		r = peer_start(&peer_variants[0], &cfg);
		assert_int_equal(r->s->disorders.capacity, rows[i].disorders);
		peer_stop(r);
	}
}

static void while_receiving(struct peer *r)
{
	peer_open(r);
	peer_seg(r, A, 1, 1, 100);
	assert_int_equal(used(r), 0);
	peer_seg(r, A, 201, 1, 100);
	assert_int_equal(used(r), 1);
	peer_seg(r, A, 401, 1, 100);
	assert_int_equal(used(r), 1);
	peer_seg(r, A, 101, 1, 100); // one hole is left
	assert_int_equal(used(r), 1);
	peer_seg(r, A, 301, 1, 100);
	assert_int_equal(used(r), 0);
	assert_int_equal(peer_conn(r)->disorder, WR_HANDLE_NONE);
	assert_int_equal(peer_read(r, 1), 500);
}

// The number of a FIN is kept until what is missing before it has come.
static void while_the_fin_waits(struct peer *r)
{
	peer_open(r);
	peer_seg(r, A | WR_TCP_FIN, 101, 1, 0);
	assert_int_equal(used(r), 1);
	assert_int_equal(peer_state(r), WR_TCP_ST_ESTABLISHED);
	peer_seg(r, A, 1, 1, 100);
	peer_expect(r, 0, A, 1, 102, 0);
	assert_int_equal(used(r), 0);
	assert_int_equal(peer_state(r), WR_TCP_ST_CLOSE_WAIT);
	assert_int_equal(peer_read(r, 1), 100);
	assert_true(wr_tcp_eof(r->s, r->conn));
}

// A duplicate takes an object for as long as its report waits.
static void for_one_report(struct peer *r)
{
	bool sack = r->v.opts & WR_TCPOPT_SACKOK;

	peer_open(r);
	peer_seg(r, A, 1, 1, 100);
	peer_seg(r, A, 1, 1, 100);
	assert_int_equal(r->n, 1);
	assert_int_equal(r->out[0].k.sack_count, sack ? 1 : 0);
	if (sack) {
		assert_int_equal(r->out[0].k.sack[0].left - r->irs, 1);
		assert_int_equal(r->out[0].k.sack[0].right - r->irs, 101);
	}
	assert_int_equal(r->s->disorders.peak, sack ? 1 : 0);
	assert_int_equal(used(r), 0);
}

// The reduction may turn out to be wrong for a round trip after recovery: until then it is kept.
static void while_sending(struct peer *r)
{
	uint32_t m, end;

	peer_open(r);
	m = mss(r);
	peer_write(r, 20 * m, m);
	assert_int_equal(used(r), 0);
	peer_conn(r)->min_rtt_us = peer_conn(r)->srtt_us = 2000;
	r->p.now += 500;
	for (uint32_t i = 1; i <= 3; i++)
		peer_dup(r, 1, 1 + m, 1 + (i + 1) * m);
	assert_int_equal(peer_conn(r)->ca_state, WR_TCP_CA_RECOVERY);
	assert_int_equal(used(r), 1);
	end = peer_conn(r)->recover - r->iss;
	for (uint32_t i = 4; i <= 9; i++) // until something is sent behind the recovery point
		peer_dup(r, 1, 1 + m, 1 + (i + 1) * m);
	assert_true(peer_conn(r)->snd_nxt - r->iss > end);
	peer_seg(r, A, 1, end, 0);
	assert_int_equal(peer_conn(r)->ca_state, WR_TCP_CA_OPEN);
	assert_int_equal(used(r), 1);
	end = peer_conn(r)->snd_nxt - r->iss;
	peer_seg(r, A, 1, end, 0);
	assert_int_equal(used(r), 0);
	assert_int_equal(peer_conn(r)->lost_bytes, 0);
}

static void with_the_connection(struct peer *r)
{
	peer_open(r);
	peer_seg(r, A, 101, 1, 100);
	assert_int_equal(used(r), 1);
	wr_tcp_abort(r->s, r->conn, r->p.now);
	assert_int_equal(used(r), 0);
	peer_flush(r);
	// likewise when the peer ends it, and what is sent is on its way
	r->t.rport++;
	r->conn = WR_HANDLE_NONE;
	peer_open(r);
	peer_write(r, 5 * mss(r), mss(r));
	peer_seg(r, A, 101, 1, 100);
	assert_int_equal(used(r), 1);
	peer_seg(r, WR_TCP_RST, 1, 0, 0);
	assert_int_equal(wr_tcp_end(r->s, r->conn), WR_TCP_END_RESET);
	assert_int_equal(used(r), 0);
}

// Payload out of order is not kept, and comes again.
static void full_receiving(struct peer *r)
{
	open_without(r);
	peer_seg(r, A, 501, 1, 500);
	assert_int_equal(r->st->drop_bytes[WR_DROP_pay_ooo_limit], 500);
	assert_int_equal(r->st->ctr[WR_CTR_tcp_disorder_full], 1);
	assert_int_equal(r->n, 1);
	peer_expect(r, 0, A, 1, 1, 0);               // the peer learns of the hole all the same
	assert_int_equal(r->out[0].k.sack_count, 0); // but not of what is not held
	assert_int_equal(peer_ooo(r)->count, 0);
	peer_seg(r, A, 1, 1, 500);
	peer_expect(r, 0, A, 1, 501, 0);
	peer_seg(r, A, 501, 1, 500);
	peer_expect(r, 0, A, 1, 1001, 0);
	assert_int_equal(peer_read(r, 1), 1000);
	assert_int_equal(r->st->ctr[WR_CTR_tcp_disorder_full], 1);
}

static void full_fin(struct peer *r)
{
	open_without(r);
	peer_seg(r, A | WR_TCP_FIN, 101, 1, 100);
	assert_int_equal(r->st->drop_bytes[WR_DROP_pay_ooo_limit], 100);
	peer_seg(r, A, 1, 1, 100);
	peer_expect(r, 0, A, 1, 101, 0);
	assert_int_equal(peer_state(r), WR_TCP_ST_ESTABLISHED);
	peer_seg(r, A | WR_TCP_FIN, 101, 1, 100);
	peer_expect(r, 0, A, 1, 202, 0);
	assert_int_equal(peer_state(r), WR_TCP_ST_CLOSE_WAIT);
	assert_int_equal(peer_read(r, 1), 200);
}

// --- who gives way --------------------------------------------------------------------------

// A pool of eight; each of `n` neighbours holds one byte out of order.
static void open_crowd(struct peer *r, uint32_t n)
{
	wr_pool_fini(&r->s->disorders);
	assert_int_equal(wr_pool_init(&r->s->disorders, "test_disorders", 8,
				 sizeof(struct wr_tcp_disorder), SOCKET_ID_ANY),
		0);
	for (uint32_t i = 0; i < n; i++) {
		peer_open(r);
		peer_seg(r, A, 101, 1, 1);
		r->t.rport++;
		r->conn = WR_HANDLE_NONE;
	}
	peer_open(r);
	assert_int_equal(used(r), n);
}

// Time passes as a worker's clock does.
static void pass(struct peer *r, wr_us_t us)
{
	peer_wait(r, us);
	assert_true(r->s->wheel.now_us + 10 * WR_US_PER_MS >= r->p.now);
}

static void crowd_gives_way(struct peer *r)
{
	open_crowd(r, 8);
	pass(r, 60 * WR_US_PER_MS); // too soon
	peer_seg(r, A, 501, 1, 500);
	assert_int_equal(r->st->ctr[WR_CTR_tcp_disorder_full], 1);
	assert_int_equal(r->st->drop_bytes[WR_DROP_pay_ooo_evicted], 0);
	pass(r, 140 * WR_US_PER_MS);
	peer_seg(r, A, 501, 1, 500);
	assert_int_equal(r->st->ctr[WR_CTR_tcp_disorder_full], 1);
	assert_int_equal(r->st->drop_bytes[WR_DROP_pay_ooo_evicted], 1);
	assert_int_equal(peer_ooo(r)->count, 1);
	assert_int_equal(used(r), 8);
	peer_seg(r, A, 1, 1, 500);
	assert_int_equal(peer_read(r, 1), 1000);
	assert_int_equal(used(r), 7);
}

// Not before it is needed; under pressure half of the pool is enough.
static void crowd_only_when_full(struct peer *r)
{
	open_crowd(r, 5);
	pass(r, 300 * WR_US_PER_MS);
	peer_seg(r, A, 501, 1, 500);
	assert_int_equal(r->st->drop_bytes[WR_DROP_pay_ooo_evicted], 0);
	assert_int_equal(used(r), 6);
	peer_seg(r, A, 1, 1, 500);
	assert_int_equal(used(r), 5);
	wr_tcp_set_pressure(r->s, 1, 4);
	peer_seg(r, A, 1501, 1, 500);
	assert_int_equal(r->st->drop_bytes[WR_DROP_pay_ooo_evicted], 1);
	assert_int_equal(used(r), 5);
	peer_seg(r, A, 1001, 1, 500);
	assert_int_equal(peer_read(r, 1), 2000);
}

// Of them all the one that has waited longest; whoever moves stays.
static void crowd_longest_wait(struct peer *r)
{
	struct wr_tuple t;
	wr_handle_t mover, last;

	wr_pool_fini(&r->s->disorders);
	assert_int_equal(wr_pool_init(&r->s->disorders, "test_disorders", 2,
				 sizeof(struct wr_tcp_disorder), SOCKET_ID_ANY),
		0);
	peer_open(r);
	peer_seg(r, A, 201, 1, 50);
	peer_seg(r, A, 401, 1, 50);
	mover = r->conn;
	t = r->t;
	r->t.rport++;
	r->conn = WR_HANDLE_NONE;
	pass(r, 200 * WR_US_PER_MS);
	peer_open(r);
	peer_seg(r, A, 501, 1, 70);
	last = r->conn;
	r->t.rport++;
	r->conn = WR_HANDLE_NONE;
	pass(r, 200 * WR_US_PER_MS);
	RTE_SWAP(r->t, t);
	r->conn = mover;
	peer_seg(r, A, 1, 1, 200); // moves, and has a hole left
	RTE_SWAP(r->t, t);
	r->conn = WR_HANDLE_NONE;
	peer_open(r);
	peer_seg(r, A, 501, 1, 500);
	assert_int_equal(peer_ooo(r)->count, 1);
	assert_int_equal(r->st->drop_bytes[WR_DROP_pay_ooo_evicted], 70);
	r->conn = last;
	assert_int_equal(peer_ooo(r)->count, 0);
	r->conn = mover;
	assert_int_equal(peer_ooo(r)->count, 1);
}

// What a sender needs to recover from losses is not taken.
static void crowd_spares_senders(struct peer *r)
{
	uint32_t m;

	wr_pool_fini(&r->s->disorders);
	assert_int_equal(wr_pool_init(&r->s->disorders, "test_disorders", 1,
				 sizeof(struct wr_tcp_disorder), SOCKET_ID_ANY),
		0);
	peer_open(r);
	m = mss(r);
	peer_write(r, 20 * m, m);
	peer_conn(r)->min_rtt_us = peer_conn(r)->srtt_us = 2000;
	r->p.now += 500;
	for (uint32_t i = 1; i <= 3; i++)
		peer_dup(r, 1, 1 + m, 1 + (i + 1) * m);
	assert_int_equal(used(r), 1);
	assert_int_equal(peer_conn(r)->ca_state, WR_TCP_CA_RECOVERY);
	r->t.rport++;
	r->conn = WR_HANDLE_NONE;
	pass(r, 150 * WR_US_PER_MS);
	peer_open(r);
	peer_seg(r, A, 501, 1, 500);
	assert_int_equal(r->st->ctr[WR_CTR_tcp_disorder_full], 1);
	assert_int_equal(peer_ooo(r)->count, 0);
}

// The FIN that waited with the evicted payload comes again.
static void crowd_fin_comes_again(struct peer *r)
{
	wr_handle_t first;
	struct wr_tuple t;

	wr_pool_fini(&r->s->disorders);
	assert_int_equal(wr_pool_init(&r->s->disorders, "test_disorders", 1,
				 sizeof(struct wr_tcp_disorder), SOCKET_ID_ANY),
		0);
	peer_open(r);
	first = r->conn;
	t = r->t;
	peer_seg(r, A | WR_TCP_FIN, 101, 1, 100);
	r->t.rport++;
	r->conn = WR_HANDLE_NONE;
	pass(r, 200 * WR_US_PER_MS);
	peer_open(r);
	peer_seg(r, A, 501, 1, 500);
	assert_int_equal(r->st->drop_bytes[WR_DROP_pay_ooo_evicted], 100);
	peer_seg(r, A, 1, 1, 500);
	r->t = t;
	r->conn = first;
	peer_seg(r, A, 1, 1, 100);
	assert_int_equal(peer_state(r), WR_TCP_ST_ESTABLISHED);
	peer_seg(r, A | WR_TCP_FIN, 101, 1, 100);
	assert_int_equal(peer_state(r), WR_TCP_ST_CLOSE_WAIT);
	assert_int_equal(peer_read(r, 1), 200);
}

// Losses are found by the retransmission timer alone. The peer keeps nothing out of order.
static void full_sending(struct peer *r)
{
	uint32_t m, next = 1, turns = 0;

	open_without(r);
	m = mss(r);
	peer_write(r, 20 * m, m);
	assert_int_equal(r->n, 10);
	for (uint32_t i = 1; i <= 5; i++) {
		peer_dup(r, 1, 1 + m, 1 + (i + 1) * m);
		for (uint32_t k = 0; k < r->n; k++)
			assert_true(r->out[k].seq > 1);
	}
	assert_int_equal(peer_conn(r)->ca_state, WR_TCP_CA_OPEN);
	assert_true(r->st->ctr[WR_CTR_tcp_disorder_full] >= 1);
	peer_wait(r, 250000);
	assert_in_range(r->n, 1, 2); // a tail loss probe may come first
	peer_expect(r, r->n - 1, A, 1, 1, m);
	assert_int_equal(r->st->ctr[WR_CTR_tcp_rto], 1);
	while (next < 1 + 20 * m && turns++ < 100) {
		for (uint32_t i = 0; i < r->n; i++)
			if (r->out[i].seq == next)
				next += r->out[i].k.payload_len;
		if (r->n > 0)
			peer_seg(r, A, 1, next, 0);
		else
			peer_wait(r, 300000);
	}
	assert_int_equal(next, 1 + 20 * m);
	assert_int_equal(r->s->send_queue_bytes, 0);
	assert_int_equal(peer_conn(r)->ca_state, WR_TCP_CA_OPEN);
	assert_int_equal(r->st->ctr[WR_CTR_tcp_fast_retrans], 0);
}

static void taken_when_there_is_one_again(struct peer *r)
{
	wr_handle_t neighbour = open_without(r);

	peer_seg(r, A, 501, 1, 500);
	assert_int_equal(peer_ooo(r)->count, 0);
	wr_tcp_abort(r->s, neighbour, r->p.now);
	peer_seg(r, A, 501, 1, 500);
	assert_int_equal(peer_ooo(r)->bytes, 500);
	peer_seg(r, A, 1, 1, 500);
	assert_int_equal(peer_read(r, 1), 1000);
	assert_int_equal(r->st->ctr[WR_CTR_tcp_disorder_full], 1);
	assert_int_equal(used(r), 0);
}

#define EACH(name, body)                                                                           \
	static void name(void **state)                                                             \
	{                                                                                          \
		PEER_EACH(body);                                                                   \
	}
EACH(disorder_while_receiving, while_receiving)
EACH(disorder_while_the_fin_waits, while_the_fin_waits)
EACH(disorder_for_one_report, for_one_report)
EACH(disorder_while_sending, while_sending)
EACH(disorder_with_the_connection, with_the_connection)
EACH(disorder_full_receiving, full_receiving)
EACH(disorder_full_fin, full_fin)
EACH(disorder_full_sending, full_sending)
EACH(disorder_taken_when_there_is_one_again, taken_when_there_is_one_again)
EACH(disorder_crowd_gives_way, crowd_gives_way)
EACH(disorder_crowd_only_when_full, crowd_only_when_full)
EACH(disorder_crowd_longest_wait, crowd_longest_wait)
EACH(disorder_crowd_spares_senders, crowd_spares_senders)
EACH(disorder_crowd_fin_comes_again, crowd_fin_comes_again)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(disorder_pool_size),
		cmocka_unit_test(disorder_while_receiving),
		cmocka_unit_test(disorder_while_the_fin_waits),
		cmocka_unit_test(disorder_for_one_report),
		cmocka_unit_test(disorder_while_sending),
		cmocka_unit_test(disorder_with_the_connection),
		cmocka_unit_test(disorder_full_receiving),
		cmocka_unit_test(disorder_full_fin),
		cmocka_unit_test(disorder_full_sending),
		cmocka_unit_test(disorder_taken_when_there_is_one_again),
		cmocka_unit_test(disorder_crowd_gives_way),
		cmocka_unit_test(disorder_crowd_only_when_full),
		cmocka_unit_test(disorder_crowd_longest_wait),
		cmocka_unit_test(disorder_crowd_spares_senders),
		cmocka_unit_test(disorder_crowd_fin_comes_again),
	};

	wr_test_eal_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
