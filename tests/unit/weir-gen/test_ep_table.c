/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "ep_priv.h"
#include "wr_rng.h"

#define CONNS 1000

static struct wr_tuple tuple(uint32_t i)
{
	return (struct wr_tuple){
		wr_addr_from_v4(1), wr_addr_from_v4(i >> 8), 80, (uint16_t)(i & 255)};
}

// Adds, removals and look-ups at random against a plain array; hashes are made to collide and to
// lie around the end of the table.
static void table_random(void **state)
{
	static const uint32_t masks[] = {UINT32_MAX, 0x3f, 0x80000001u, 0};
	static struct ep_conn *conn[CONNS];
	static struct ep_stack s;
	struct wr_rng rng;

	for (uint32_t m = 0; m < RTE_DIM(masks); m++) {
		memset(&s, 0, sizeof(s));
		s.cfg.max_conns = CONNS;
		s.cfg.numa_node = SOCKET_ID_ANY;
		wr_rng_init(&rng, m);
		assert_int_equal(
			wr_pool_init(&s.conns, "t", CONNS, sizeof(struct ep_conn), SOCKET_ID_ANY),
			0);
		assert_int_equal(ep_table_init(&s), 0);
		memset(conn, 0, sizeof(conn));
		for (uint32_t n = 0; n < 20000; n++) {
			uint32_t i = wr_rng_below(&rng, masks[m] != 0 ? CONNS : 40);
			uint32_t hash = (i * 0x9e3779b9u & masks[m]) - 3;
			struct wr_tuple t = tuple(i);
			wr_handle_t h;

			assert_ptr_equal(ep_table_lookup(&s, hash, &t), conn[i]);
			ep_table_prefetch(&s, hash);
			ep_table_prefetch_conn(&s, hash);
			if (conn[i] == NULL) {
				conn[i] = wr_pool_get(&s.conns, &h);
				conn[i]->t = t;
				conn[i]->handle = h;
				ep_table_add(&s, hash, conn[i]);
			} else {
				ep_table_del(&s, hash, conn[i]);
				ep_table_del(&s, hash, conn[i]); // not there: nothing happens
				wr_pool_put(&s.conns, conn[i]->handle);
				conn[i] = NULL;
			}
		}
		ep_table_fini(&s);
		wr_pool_fini(&s.conns);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_random),
	};

	wr_test_eal_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
