/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "peer.h"

static struct peer *fresh(void)
{
	return peer_start(&peer_variants[0], NULL);
}

static struct rte_mbuf *filled(struct rte_mempool *pool, uint32_t len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	uint8_t *at = (uint8_t *)rte_pktmbuf_append(m, (uint16_t)len);

	for (uint32_t i = 0; i < len; i++)
		at[i] = peer_byte(i);
	return m;
}

static void expect(const struct wr_mq *q, uint32_t from, uint32_t len)
{
	struct rte_mbuf *m;

	assert_int_equal(q->bytes, len);
	wr_mq_foreach (m, q) {
		assert_null(m->next);
		assert_int_equal(m->nb_segs, 1);
		for (uint32_t i = 0; i < m->data_len; i++)
			assert_int_equal(rte_pktmbuf_mtod(m, uint8_t *)[i], peer_byte(from++));
	}
}

static void payload_large_is_kept(void **state)
{
	struct peer *r = fresh();
	struct rte_mbuf *m = filled(r->p.rx, 1500), *was = m;
	struct wr_mq q = {0};

	assert_true(wr_tcp_payload_take(r->s, &m, 40, 1400, true, &q));
	assert_null(m);
	assert_ptr_equal(q.head, was);
	expect(&q, 40, 1400);
	assert_int_equal(wr_mbuf_priv(was)->flags, WR_MBUF_F_RX);
	assert_int_equal(r->s->held_rx, 1);
	assert_int_equal(r->st->ctr[WR_CTR_pay_copied_bytes], 0);
	wr_tcp_mq_free(r->s, &q);
	assert_int_equal(wr_mbuf_priv(was)->flags, 0);
	peer_stop(r);
}

static void payload_small_is_copied(void **state)
{
	struct peer *r = fresh();
	struct rte_mbuf *m = filled(r->p.rx, 300);
	struct wr_mq q = {0};

	assert_true(wr_tcp_payload_take(r->s, &m, 40, WR_COPY_BYTES - 1, true, &q));
	assert_non_null(m);
	expect(&q, 40, WR_COPY_BYTES - 1);
	assert_ptr_equal(q.head->pool, r->p.small);
	assert_int_equal(r->s->held_rx, 0);
	assert_int_equal(r->s->held_small, 1);
	assert_true(wr_tcp_payload_append(r->s, q.tail, m, 40 + WR_COPY_BYTES - 1, 4));
	q.bytes += 4;
	expect(&q, 40, WR_COPY_BYTES + 3);
	assert_false(wr_tcp_payload_append(r->s, q.tail, m, 0, 255)); // no room left
	rte_pktmbuf_free(m);
	wr_tcp_mq_free(r->s, &q);
	peer_stop(r);
}

// Shared and indirect buffers belong to somebody else too.
static void payload_shared_is_copied(void **state)
{
	struct peer *r = fresh();
	struct rte_mbuf *m = filled(r->p.rx, 1500), *was = m;
	struct rte_mbuf *i = rte_pktmbuf_alloc(r->p.small);
	struct wr_mq q = {0};

	rte_mbuf_refcnt_update(m, 1);
	assert_true(wr_tcp_payload_take(r->s, &m, 0, 1500, true, &q));
	assert_ptr_equal(m, was);
	expect(&q, 0, 1500);
	assert_int_equal(r->s->held_rx, 0);
	assert_int_equal(q.count, 3);
	wr_tcp_mq_free(r->s, &q);
	rte_mbuf_refcnt_update(m, -1);
	rte_pktmbuf_attach(i, m);
	was = i;
	assert_true(wr_tcp_payload_take(r->s, &was, 0, 1500, true, &q));
	assert_ptr_equal(was, i);
	assert_int_equal(r->s->held_rx, 0);
	rte_pktmbuf_free(i);
	rte_pktmbuf_free(m);
	expect(&q, 0, 1500);
	wr_tcp_mq_free(r->s, &q);
	peer_stop(r);
}

// case 55
static void payload_chain_is_split(void **state)
{
	struct peer *r = fresh();
	struct wr_mq q = {0};

	for (uint32_t cut = 1; cut < 1500; cut += 97) {
		struct rte_mbuf *m = filled(r->p.rx, cut), *n = rte_pktmbuf_alloc(r->p.rx);
		uint8_t *at = (uint8_t *)rte_pktmbuf_append(n, (uint16_t)(1500 - cut));

		for (uint32_t i = cut; i < 1500; i++)
			at[i - cut] = peer_byte(i);
		rte_pktmbuf_chain(m, n);
		assert_true(wr_tcp_payload_take(r->s, &m, 40, 1450, true, &q));
		assert_null(m);
		expect(&q, 40, 1450);
		wr_tcp_mq_free(r->s, &q);
		assert_int_equal(r->s->held_rx + r->s->held_small, 0);
	}
	peer_stop(r);
}

// case 36
static void payload_no_buffers_changes_nothing(void **state)
{
	static struct rte_mbuf *taken[1 << 15];
	struct peer *r = fresh();
	struct rte_mbuf *m = filled(r->p.rx, 1500), *was = m;
	struct wr_mq q = {0};
	uint32_t n = 0;

	while ((taken[n] = rte_pktmbuf_alloc(r->p.small)) != NULL)
		n++;
	assert_false(wr_tcp_payload_take(r->s, &m, 40, 100, true, &q));
	rte_pktmbuf_free(taken[--n]);
	rte_pktmbuf_free(taken[--n]);
	assert_false(wr_tcp_payload_take(r->s, &m, 0, 1500, false, &q)); // needs three
	assert_ptr_equal(m, was);
	assert_int_equal(q.count, 0);
	assert_int_equal(r->s->held_small, 0);
	while (n > 0)
		rte_pktmbuf_free(taken[--n]);
	rte_pktmbuf_free(m);
	peer_stop(r);
}

static void payload_small_budget_is_kept(void **state)
{
	struct wr_tcp_config cfg = pair_config();
	struct wr_mq q = {0};
	struct rte_mbuf *m;
	struct peer *r;

	cfg.small_budget = 3;
	r = peer_start(&peer_variants[0], &cfg);
	m = filled(r->p.rx, 300);
	for (int i = 0; i < 3; i++)
		assert_true(wr_tcp_payload_take(r->s, &m, 0, 100, true, &q));
	assert_false(wr_tcp_payload_take(r->s, &m, 0, 100, true, &q));
	assert_int_equal(r->s->held_small, 3);
	wr_tcp_mq_free(r->s, &q);
	rte_pktmbuf_free(m);
	peer_stop(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(payload_large_is_kept),
		cmocka_unit_test(payload_small_is_copied),
		cmocka_unit_test(payload_shared_is_copied),
		cmocka_unit_test(payload_chain_is_split),
		cmocka_unit_test(payload_no_buffers_changes_nothing),
		cmocka_unit_test(payload_small_budget_is_kept),
	};

	wr_test_eal_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
