/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "wr_mbuf.h"

#include <rte_mbuf.h>

// The queues are plain pointers: buffers need no pool here.
struct buffer {
	struct rte_mbuf m;
	uint8_t priv[WR_MBUF_PRIV_SIZE];
};

struct fixture {
	struct wr_mq q;
	struct buffer b[4];
};

static int setup(void **state)
{
	struct fixture *f = NULL;

	assert_int_equal(posix_memalign((void **)&f, 64, sizeof(*f)), 0);
	memset(f, 0, sizeof(*f));
	for (int i = 0; i < 4; i++)
		f->b[i].m.data_len = (uint16_t)(100 * (i + 1));
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static void mbuf_priv_follows_the_mbuf(void **state)
{
	struct fixture *f = *state;

	assert_ptr_equal(wr_mbuf_priv(&f->b[0].m), f->b[0].priv);
	assert_int_equal(WR_MBUF_PRIV_SIZE % RTE_MBUF_PRIV_ALIGN, 0);
	assert_true(WR_MBUF_PRIV_SIZE >= sizeof(struct wr_mbuf_priv));
}

static void mq_pop_empty(void **state)
{
	struct fixture *f = *state;

	assert_null(wr_mq_pop(&f->q));
}

static void mq_append_pop_in_order(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 3; i++)
		wr_mq_append(&f->q, &f->b[i].m);
	assert_int_equal(f->q.count, 3);
	assert_int_equal(f->q.bytes, 600);
	for (int i = 0; i < 3; i++)
		assert_ptr_equal(wr_mq_pop(&f->q), &f->b[i].m);
	assert_int_equal(f->q.count, 0);
	assert_int_equal(f->q.bytes, 0);
	assert_null(f->q.head);
	assert_null(f->q.tail);
	wr_mq_append(&f->q, &f->b[3].m);
	assert_ptr_equal(f->q.head, f->q.tail);
}

static void mq_leaves_the_chain_alone(void **state)
{
	struct fixture *f = *state;

	// m->next belongs to a TX ring that may hold the buffer at the same time.
	f->b[0].m.next = &f->b[3].m;
	wr_mq_append(&f->q, &f->b[0].m);
	wr_mq_append(&f->q, &f->b[1].m);
	assert_ptr_equal(wr_mq_pop(&f->q)->next, &f->b[3].m);
}

static void mq_concat_moves_all(void **state)
{
	struct fixture *f = *state;
	struct wr_mq src = {0};
	struct rte_mbuf *m;
	int n = 0;

	wr_mq_concat(&f->q, &src);
	assert_null(f->q.head);
	wr_mq_append(&src, &f->b[0].m);
	wr_mq_concat(&f->q, &src);
	assert_null(src.head);
	assert_int_equal(src.count, 0);
	wr_mq_append(&src, &f->b[1].m);
	wr_mq_append(&src, &f->b[2].m);
	wr_mq_concat(&f->q, &src);
	wr_mq_concat(&f->q, &src);
	wr_mq_append(&f->q, &f->b[3].m);
	wr_mq_foreach (m, &f->q)
		assert_ptr_equal(m, &f->b[n++].m);
	assert_int_equal(n, 4);
	assert_int_equal(f->q.count, 4);
	assert_int_equal(f->q.bytes, 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(mbuf_priv_follows_the_mbuf, setup, teardown),
		cmocka_unit_test_setup_teardown(mq_pop_empty, setup, teardown),
		cmocka_unit_test_setup_teardown(mq_append_pop_in_order, setup, teardown),
		cmocka_unit_test_setup_teardown(mq_leaves_the_chain_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(mq_concat_moves_all, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
