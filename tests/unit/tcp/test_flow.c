/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include <rte_memory.h>

#include "flow.h"
#include "wr_hash.h"
#include "wr_rng.h"

// Objects that begin with a tuple, as connections do.
struct table {
	struct wr_tcp_flow f;
	struct wr_pool pool;
	uint64_t key[2];
};

static struct wr_tuple tuple(bool v6, uint32_t i)
{
	uint8_t b[16] = {0x20, 0x01, 0x0d, 0xb8, [12] = (uint8_t)(i >> 24), (uint8_t)(i >> 16),
		(uint8_t)(i >> 8), (uint8_t)i};
	struct wr_tuple t = {.lport = 80, .rport = (uint16_t)(1024 + i % 7)};

	t.remote = v6 ? wr_addr_from_v6(b)
	              : wr_addr_from_v4(__builtin_bswap32(0xc6120000u + (i & 0x1ffff)));
	t.local = t.remote;
	t.local.b[15] ^= 0x80;
	return t;
}

static void table_init(struct table *t, uint32_t entries)
{
	t->key[0] = 1;
	t->key[1] = 2;
	assert_int_equal(wr_tcp_flow_init(&t->f, entries, SOCKET_ID_ANY), 0);
	assert_int_equal(wr_pool_init(&t->pool, "flow", entries, 128, SOCKET_ID_ANY), 0);
}

static void table_fini(struct table *t)
{
	wr_tcp_flow_fini(&t->f);
	wr_pool_fini(&t->pool);
}

static struct wr_tuple *add(struct table *t, const struct wr_tuple *k, uint64_t hash)
{
	wr_handle_t h;
	struct wr_tuple *o = wr_pool_get(&t->pool, &h);

	assert_non_null(o);
	*o = *k;
	return wr_tcp_flow_add(&t->f, hash, h) ? o : NULL;
}

static void *look(const struct table *t, const struct wr_tuple *k)
{
	return wr_tcp_flow_lookup(&t->f, &t->pool, wr_hash_tuple(t->key, k), k);
}

// Up to the number that the table was made for, of both families, by both lookups; and none that
// was not added.
static void flow_finds_what_was_added(void **state)
{
	enum {
		N = 20000
	};
	struct wr_pkt pkts[WR_TCP_FLOW_BURST] = {0};
	void *out[WR_TCP_FLOW_BURST];
	struct wr_tuple k;
	struct table t;

	for (int v6 = 0; v6 <= 1; v6++) {
		table_init(&t, N);
		for (uint32_t i = 0; i < N; i++) {
			k = tuple(v6, i);
			assert_non_null(add(&t, &k, wr_hash_tuple(t.key, &k)));
		}
		assert_int_equal(t.f.count, N);
		for (uint32_t i = 0; i < 2 * N; i++) {
			struct wr_tuple *o;

			k = tuple(v6, i);
			o = look(&t, &k);
			assert_int_equal(o != NULL, i < N);
			assert_true(o == NULL || wr_tuple_eq(o, &k));
		}
		for (uint32_t i = 0; i < 2 * N; i += WR_TCP_FLOW_BURST - 1) {
			uint32_t n = i % WR_TCP_FLOW_BURST + 1; // every length

			for (uint32_t j = 0; j < n; j++)
				pkts[j].t = tuple(v6, i + j);
			wr_tcp_flow_lookup_bulk(&t.f, &t.pool, t.key, pkts, n, out);
			for (uint32_t j = 0; j < n; j++)
				assert_ptr_equal(out[j], look(&t, &pkts[j].t));
		}
		table_fini(&t);
	}
}

// Connections come and go in a table that stays full.
static void flow_churn_at_full_load(void **state)
{
	enum {
		N = 4000
	};
	static struct wr_tuple at[N];
	static wr_handle_t handle[N];
	struct table t;
	struct wr_rng rng;

	wr_rng_init(&rng, 1);
	table_init(&t, N);
	for (uint32_t i = 0; i < 20 * N; i++) {
		uint32_t k = i < N ? i : wr_rng_below(&rng, N);
		struct wr_tuple *o;

		if (i >= N) {
			uint64_t h = wr_hash_tuple(t.key, &at[k]);

			assert_true(wr_tcp_flow_del(&t.f, h, handle[k]));
			assert_false(wr_tcp_flow_del(&t.f, h, handle[k]));
			assert_null(look(&t, &at[k]));
			wr_pool_put(&t.pool, handle[k]);
		}
		at[k] = tuple(true, i);
		o = wr_pool_get(&t.pool, &handle[k]);
		*o = at[k];
		assert_true(wr_tcp_flow_add(&t.f, wr_hash_tuple(t.key, o), handle[k]));
		assert_ptr_equal(look(&t, &at[k]), o);
		assert_int_equal(t.f.changes, i < N ? i + 1 : N + 2 * (i - N + 1));
	}
	assert_int_equal(t.f.count, N);
	table_fini(&t);
}

// The same hash for different tuples: the tag says nothing, the tuple decides, in both buckets.
static void flow_same_hash_is_told_apart(void **state)
{
	enum {
		N = 2 * WR_TCP_FLOW_WAYS
	};
	struct wr_tuple k[N + 1];
	struct wr_tuple *o[N];
	struct table t;

	table_init(&t, 64);
	for (uint32_t i = 0; i <= N; i++)
		k[i] = tuple(false, i);
	for (uint32_t i = 0; i < N; i++) {
		o[i] = add(&t, &k[i], 42);
		assert_non_null(o[i]);
	}
	for (uint32_t i = 0; i < N; i++)
		assert_ptr_equal(wr_tcp_flow_lookup(&t.f, &t.pool, 42, &k[i]), o[i]);
	assert_null(wr_tcp_flow_lookup(&t.f, &t.pool, 42, &k[N]));
	assert_null(add(&t, &k[N], 42)); // both are full
	assert_int_equal(t.f.count, N);
	assert_non_null(add(&t, &k[N], 0x8000000000000009ULL)); // others still fit
	assert_false(wr_tcp_flow_del(&t.f, 42, WR_HANDLE_INDEX_MASK));
	table_fini(&t);
}

// The first candidate of the bulk lookup is wrong whenever another tuple has its tag in the same
// bucket: at a load like this, one in 200.
static void flow_bulk_is_exact(void **state)
{
	struct wr_pkt pkts[WR_TCP_FLOW_BURST] = {0};
	void *out[WR_TCP_FLOW_BURST];
	struct wr_tuple k;
	struct table t;
	uint64_t h;

	table_init(&t, 64);
	k = tuple(true, 1);
	h = wr_hash_tuple(t.key, &k);
	for (uint32_t i = 2; i < 20; i++) { // impostors in all of the first bucket and more
		struct wr_tuple other = tuple(true, i);

		assert_non_null(add(&t, &other, h));
	}
	for (uint32_t i = 0; i < WR_TCP_FLOW_BURST; i++)
		pkts[i].t = k;
	wr_tcp_flow_lookup_bulk(&t.f, &t.pool, t.key, pkts, WR_TCP_FLOW_BURST, out);
	for (uint32_t i = 0; i < WR_TCP_FLOW_BURST; i++)
		assert_null(out[i]);
	assert_non_null(add(&t, &k, h));
	wr_tcp_flow_lookup_bulk(&t.f, &t.pool, t.key, pkts, WR_TCP_FLOW_BURST, out);
	for (uint32_t i = 0; i < WR_TCP_FLOW_BURST; i++)
		assert_true(out[i] != NULL && wr_tuple_eq(out[i], &k));
	table_fini(&t);
}

static void flow_size(void **state)
{
	struct wr_tcp_flow f;

	assert_int_equal(sizeof(struct wr_tcp_flow_bucket), 64);
	assert_int_equal(wr_tcp_flow_bytes(1), 128);             // two buckets at least
	assert_true(wr_tcp_flow_bytes(1000000) <= 6400000 + 64); // 6.4 bytes a connection
	assert_int_equal(wr_tcp_flow_init(&f, 1, SOCKET_ID_ANY), 0);
	assert_int_equal(f.bucket_count, 2);
	wr_tcp_flow_fini(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flow_finds_what_was_added),
		cmocka_unit_test(flow_churn_at_full_load),
		cmocka_unit_test(flow_same_hash_is_told_apart),
		cmocka_unit_test(flow_bulk_is_exact),
		cmocka_unit_test(flow_size),
	};

	wr_test_eal_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
