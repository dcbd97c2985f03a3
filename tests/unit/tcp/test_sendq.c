/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "peer.h"

#define A WR_TCP_ACK

static void entries_are_numbered(struct peer *r)
{
	struct rte_mbuf *m;
	uint32_t seq = r->iss + 1;

	peer_open(r);
	peer_write(r, 5000, 700);
	wr_mq_foreach(m, &peer_conn(r)->sndq)
	{
		assert_int_equal(wr_mbuf_priv(m)->seq, seq);
		seq += m->data_len;
	}
	assert_int_equal(peer_conn(r)->snd_end, seq);
	assert_int_equal(r->s->send_queue_bytes, 5000);
}

// What the application made counts as held until it is acknowledged; empty buffers go at once.
static void own_buffers_count(struct peer *r)
{
	struct wr_mq q = {0};
	struct rte_mbuf *m = rte_pktmbuf_alloc(r->p.rx);

	peer_open(r);
	rte_pktmbuf_append(m, 1000);
	wr_mq_append(&q, m);
	wr_mq_append(&q, rte_pktmbuf_alloc(r->p.small));
	m = rte_pktmbuf_alloc(r->p.small);
	rte_pktmbuf_append(m, 10);
	wr_mq_append(&q, m);
	assert_int_equal(wr_tcp_write(r->s, r->conn, &q, r->p.now), 0);
	assert_int_equal(q.count, 0);
	assert_int_equal(r->s->held_rx, 1);
	assert_int_equal(r->s->held_small, 1);
	r->n = 0;
	peer_flush(r);
	peer_seg(r, A, 1, 1011, 0);
	assert_int_equal(r->s->held_rx + r->s->held_small, 0);
}

// The FIN's number is not payload.
static void fin_is_no_payload(struct peer *r)
{
	peer_open(r);
	peer_write(r, 100, 100);
	wr_tcp_shutdown(r->s, r->conn, r->p.now);
	peer_flush(r);
	peer_seg(r, A, 1, 102, 0);
	assert_int_equal(r->st->ctr[WR_CTR_pay_tx_bytes], 100);
	assert_int_equal(r->s->send_queue_bytes, 0);
	assert_int_equal(peer_state(r), WR_TCP_ST_FIN_WAIT_2);
}

static void written_before_established(struct peer *r)
{
	peer_connect(r, r->v.opts);
	peer_write(r, 3000, 1000);
	assert_int_equal(r->n, 0);
	peer_syn_ack(r);
	assert_true(r->n >= 2);
	peer_expect(r, 0, A, 1, 1, peer_conn(r)->mss);
	peer_seg(r, A, 1, 3001, 0);
	assert_int_equal(r->st->ctr[WR_CTR_pay_tx_bytes], 3000);
}

static void purge_counts_what_is_left(struct peer *r)
{
	peer_open(r);
	peer_write(r, 5000, 1000);
	peer_seg(r, A, 1, 1501, 0);
	wr_tcp_abort(r->s, r->conn, r->p.now);
	assert_int_equal(r->st->drop_bytes[WR_DROP_pay_aborted_tx], 3500);
	assert_int_equal(r->s->send_queue_bytes, 0);
	assert_int_equal(r->s->held_rx + r->s->held_small, 0);
}

#define EACH(name, body)                                                                           \
	static void name(void **state)                                                             \
	{                                                                                          \
		PEER_EACH(body);                                                                   \
	}
EACH(sendq_entries_are_numbered, entries_are_numbered)
EACH(sendq_own_buffers_count, own_buffers_count)
EACH(sendq_fin_is_no_payload, fin_is_no_payload)
EACH(sendq_written_before_established, written_before_established)
EACH(sendq_purge_counts_what_is_left, purge_counts_what_is_left)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sendq_entries_are_numbered),
		cmocka_unit_test(sendq_own_buffers_count),
		cmocka_unit_test(sendq_fin_is_no_payload),
		cmocka_unit_test(sendq_written_before_established),
		cmocka_unit_test(sendq_purge_counts_what_is_left),
	};

	wr_test_eal_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
