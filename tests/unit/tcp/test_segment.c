/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "peer.h"

#define A WR_TCP_ACK

static void expect_bytes(const struct peer *r, uint32_t i)
{
	const struct peer_out *o = &r->out[i];

	for (uint32_t k = 0; k < o->k.payload_len; k++)
		assert_int_equal(o->data[k], pair_byte(1, 1, o->seq - 1 + k));
}

// What one output call builds, kept as it is: the caller frees it.
static uint16_t build(struct peer *r, struct rte_mbuf **pkts, uint16_t room)
{
	struct wr_tcp_tx tx = {pkts, 0, room};

	wr_tcp_output(r->s, &tx, 64, r->p.now);
	return tx.count;
}

static void queue(struct peer *r, uint32_t len, uint32_t count)
{
	struct wr_mq q = {0};

	for (uint32_t i = 0; i < count; i++) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(len > 512 ? r->p.rx : r->p.small);

		memset(rte_pktmbuf_append(m, (uint16_t)len), (int)('a' + i), len);
		wr_mq_append(&q, m);
	}
	assert_int_equal(wr_tcp_write(r->s, r->conn, &q, r->p.now), 0);
}

static void free_all(struct rte_mbuf **pkts, uint16_t n)
{
	for (uint16_t i = 0; i < n; i++)
		rte_pktmbuf_free(pkts[i]);
}

static void whole_buffer_is_chained(struct peer *r)
{
	struct rte_mbuf *p[4];

	peer_open(r);
	queue(r, 1000, 1);
	assert_int_equal(build(r, p, 4), 1);
	assert_int_equal(p[0]->nb_segs, 2);
	assert_ptr_equal(p[0]->next, peer_conn(r)->sndq.head);
	assert_int_equal(rte_mbuf_refcnt_read(p[0]->next), 2);
	assert_ptr_equal(p[0]->pool, r->p.small);
	assert_int_equal(p[0]->pkt_len, p[0]->l3_len + p[0]->l4_len + 1000);
	assert_true(p[0]->ol_flags & RTE_MBUF_F_TX_TCP_CKSUM);
	free_all(p, 1);
	assert_int_equal(rte_mbuf_refcnt_read(peer_conn(r)->sndq.head), 1);
}

static void little_is_copied(struct peer *r)
{
	struct rte_mbuf *p[4];

	peer_open(r);
	queue(r, WR_COPY_BYTES - 1, 1);
	assert_int_equal(build(r, p, 4), 1);
	assert_int_equal(p[0]->nb_segs, 1);
	assert_int_equal(r->st->ctr[WR_CTR_pay_copied_bytes], WR_COPY_BYTES - 1);
	free_all(p, 1);
}

// Case 34: while the first copy waits in a ring, the second one stands beside it and both are
// right.
static void again_while_in_the_ring(struct peer *r)
{
	struct rte_mbuf *p[4], *q[4];
	uint8_t *a, *b;

	peer_open(r);
	queue(r, 1000, 1);
	assert_int_equal(build(r, p, 4), 1);
	r->p.now += 300000;
	wr_tcp_timers(r->s, 10, r->p.now);
	assert_int_equal(build(r, q, 4), 1);
	assert_ptr_not_equal(q[0]->next, p[0]->next);
	assert_true(RTE_MBUF_CLONED(q[0]->next));
	a = rte_pktmbuf_mtod(p[0]->next, uint8_t *);
	b = rte_pktmbuf_mtod(q[0]->next, uint8_t *);
	assert_ptr_equal(a, b);
	assert_int_equal(p[0]->next->data_len, 1000);
	assert_int_equal(q[0]->next->data_len, 1000);
	// acknowledged in part, then whole, while both are out
	peer_seg(r, A, 1, 501, 0);
	assert_int_equal(p[0]->next->data_len, 1000);
	assert_int_equal(p[0]->next->data_off, RTE_PKTMBUF_HEADROOM);
	peer_seg(r, A, 1, 1001, 0);
	assert_int_equal(r->s->held_rx, 0);
	assert_int_equal(a[999], 'a'); // case 35: the rings still hold it
	free_all(p, 1);
	free_all(q, 1);
}

// Cases 33 and 51: buffers larger and smaller than a segment, cut anywhere, repeated from anywhere.
static void cut_anywhere(struct peer *r)
{
	uint32_t seen = 1, m;

	r->mss = 700;
	peer_open(r);
	m = peer_conn(r)->mss;
	peer_write(r, 5000, 1900);
	assert_int_equal(r->n, (5000 + m - 1) / m);
	for (uint32_t i = 0; i < r->n; i++) {
		assert_int_equal(r->out[i].seq, seen);
		expect_bytes(r, i);
		seen += r->out[i].k.payload_len;
	}
	assert_int_equal(seen, 5001);
	assert_int_equal(r->st->ctr[WR_CTR_resegmented], 3);
	peer_seg(r, A, 1, 1001, 0); // in the middle of the first
	peer_wait(r, 300000);
	assert_true(r->n >= 1); // a tail loss probe may come first
	for (uint32_t i = 0; i < r->n; i++)
		expect_bytes(r, i);
	peer_expect(r, r->n - 1, A, 1001, 1, m);
	peer_seg(r, A, 1, 1777, 0);
	for (uint32_t i = 0; i < r->n; i++)
		expect_bytes(r, i);
	peer_expect(r, 0, A, 1777, 1, m);
	peer_seg(r, A, 1, 5001, 0);
	assert_int_equal(r->s->held_rx + r->s->held_small, 0);
}

// Case 50: many small buffers leave in few segments.
static void small_ones_are_gathered(struct peer *r)
{
	struct rte_mbuf *p[32];
	uint16_t n;

	peer_open(r);
	queue(r, 100, 14);
	n = build(r, p, 32);
	// a chain holds seven pieces of payload
	assert_int_equal(n, 2);
	assert_int_equal(p[0]->nb_segs, WR_CHAIN_SEGS);
	for (uint16_t i = 0; i < n; i++)
		assert_true(p[i]->nb_segs <= WR_CHAIN_SEGS);
	free_all(p, n);
}

// Payload cut a little shorter than our segments passes whole.
static void nearly_full_stays_whole(struct peer *r)
{
	uint32_t len;

	peer_open(r);
	len = peer_conn(r)->mss - 12;
	queue(r, len, 5);
	r->n = 0;
	peer_flush(r);
	assert_int_equal(r->n, 5);
	for (uint32_t i = 0; i < 5; i++)
		assert_int_equal(r->out[i].k.payload_len, len);
	assert_int_equal(r->st->ctr[WR_CTR_resegmented], 0);
}

static void two_buffers_in_one_segment(struct peer *r)
{
	struct rte_mbuf *p[4];

	peer_open(r);
	queue(r, 600, 2);
	assert_int_equal(build(r, p, 4), 1);
	assert_int_equal(p[0]->nb_segs, 3);
	assert_true(RTE_MBUF_CLONED(p[0]->next)); // its `next` has to stay free
	assert_true(RTE_MBUF_DIRECT(p[0]->next->next));
	assert_null(p[0]->next->next->next);
	free_all(p, 1);
}

// Case 36: without buffers nothing changes, and it works as soon as there are some.
static void no_buffers(struct peer *r)
{
	static struct rte_mbuf *taken[1 << 15];
	struct rte_mbuf *p[8];
	uint32_t n = 0;

	peer_open(r);
	queue(r, 1000, 3);
	wr_tcp_shutdown(r->s, r->conn, r->p.now);
	while ((taken[n] = rte_pktmbuf_alloc(r->p.small)) != NULL)
		n++;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(build(r, p, 8), 0);
		assert_int_equal(peer_conn(r)->snd_nxt, peer_conn(r)->snd_una);
		assert_int_equal(r->s->dirty.count, 1);
	}
	assert_true(r->st->drop[WR_DROP_no_mbuf] >= 3);
	// one: a header, but nothing to stand for the payload of several buffers
	rte_pktmbuf_free(taken[--n]);
	assert_int_equal(build(r, p, 8), 0);
	assert_int_equal(rte_mbuf_refcnt_read(peer_conn(r)->sndq.head), 1);
	while (n > 0)
		rte_pktmbuf_free(taken[--n]);
	assert_int_equal(build(r, p, 8), 3);
	free_all(p, 3);
	assert_true(peer_conn(r)->flags & F_FIN_SENT);
}

static void push_marks_the_end(struct peer *r)
{
	peer_open(r);
	peer_write(r, 2 * peer_conn(r)->mss, peer_conn(r)->mss);
	// each write was flushed alone
	peer_seg(r, A, 1, 1 + 2 * peer_conn(r)->mss, 0);
	queue(r, peer_conn(r)->mss, 2);
	r->n = 0;
	peer_flush(r);
	assert_int_equal(r->n, 2);
	assert_false(r->out[0].k.flags & WR_TCP_PSH);
	assert_true(r->out[1].k.flags & WR_TCP_PSH);
}

#define EACH(name, body)                                                                           \
	static void name(void **state)                                                             \
	{                                                                                          \
		PEER_EACH(body);                                                                   \
	}
EACH(segment_whole_buffer_is_chained, whole_buffer_is_chained)
EACH(segment_little_is_copied, little_is_copied)
EACH(segment_again_while_in_the_ring, again_while_in_the_ring)
EACH(segment_cut_anywhere, cut_anywhere)
EACH(segment_small_ones_are_gathered, small_ones_are_gathered)
EACH(segment_nearly_full_stays_whole, nearly_full_stays_whole)
EACH(segment_two_buffers_in_one, two_buffers_in_one_segment)
EACH(segment_no_buffers, no_buffers)
EACH(segment_push_marks_the_end, push_marks_the_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(segment_whole_buffer_is_chained),
		cmocka_unit_test(segment_little_is_copied),
		cmocka_unit_test(segment_again_while_in_the_ring),
		cmocka_unit_test(segment_cut_anywhere),
		cmocka_unit_test(segment_small_ones_are_gathered),
		cmocka_unit_test(segment_nearly_full_stays_whole),
		cmocka_unit_test(segment_two_buffers_in_one),
		cmocka_unit_test(segment_no_buffers),
		cmocka_unit_test(segment_push_marks_the_end),
	};

	wr_test_eal_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
