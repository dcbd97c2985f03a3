/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "wr_limits.h"
#include "wr_mbuf.h"
#include "wr_mempool.h"

#include <errno.h>

#include <rte_malloc.h>
#include <rte_mbuf.h>

#define CACHE_MOST (WR_MBUF_CACHE * 3 / 2)

static int group_setup(void **state)
{
	wr_test_eal_init();
	return 0;
}

static void assert_invariant(const struct wr_mempools *p, const struct wr_mempools_need *need)
{
	assert_int_equal(p->held_budget, p->rx_count - need->rx_desc - need->tx_desc -
						 need->workers * (WR_BURST + CACHE_MOST) -
						 p->reserve);
	assert_true(p->held_budget > 0);
	assert_true(p->reserve >= need->workers * WR_BURST);
}

static void mempool_plan_automatic_least(void **state)
{
	struct wr_mempools_need need = {.rx_desc = 1024, .tx_desc = 1024, .workers = 2};
	struct wr_err err = {""};
	struct wr_mempools p;

	assert_int_equal(wr_mempools_plan(&p, &need, &err), 0);
	assert_invariant(&p, &need);
	assert_in_range(p.held_budget, 8192, 8192 + 64);
	assert_in_range(p.small_count, 8192, 16384);
	assert_true(p.bytes < 64ULL << 20);
	assert_null(p.rx);
}

static void mempool_plan_automatic_by_sessions(void **state)
{
	struct wr_mempools_need need = {
		.rx_desc = 1024, .tx_desc = 1024, .workers = 2, .max_sessions = 5000};
	struct wr_err err = {""};
	struct wr_mempools p;

	assert_int_equal(wr_mempools_plan(&p, &need, &err), 0);
	assert_invariant(&p, &need);
	assert_in_range(p.held_budget, 80000, 80000 + 64);
	assert_true(p.small_count >= 20000 + 2 * 1024);
}

static void mempool_plan_automatic_capped(void **state)
{
	struct wr_mempools_need need = {
		.rx_desc = 4096, .tx_desc = 4096, .workers = 4, .max_sessions = UINT32_MAX};
	struct wr_err err = {""};
	struct wr_mempools p;

	assert_int_equal(wr_mempools_plan(&p, &need, &err), 0);
	assert_invariant(&p, &need);
	assert_in_range(p.bytes, 500ULL << 20, 512ULL << 20);
	need.rx_dataroom = 9216 + RTE_PKTMBUF_HEADROOM;
	assert_int_equal(wr_mempools_plan(&p, &need, &err), 0);
	assert_invariant(&p, &need);
	assert_in_range(p.bytes, 500ULL << 20, 512ULL << 20);
}

static void mempool_plan_descriptors_beyond_cap(void **state)
{
	struct wr_mempools_need need = {
		.rx_desc = 300000, .tx_desc = 300000, .workers = 32, .max_sessions = 100000};
	struct wr_err err = {""};
	struct wr_mempools p;

	// What must be is not capped, only what may be.
	assert_int_equal(wr_mempools_plan(&p, &need, &err), 0);
	assert_invariant(&p, &need);
	assert_true(p.held_budget >= 8192);
	assert_true(p.bytes > 512ULL << 20);
}

static void mempool_plan_counts_given(void **state)
{
	struct wr_mempools_need need = {.rx_count = 1000000,
		.small_count = 5000,
		.rx_desc = 1024,
		.tx_desc = 1024,
		.workers = 1};
	struct wr_err err = {""};
	struct wr_mempools p;

	assert_int_equal(wr_mempools_plan(&p, &need, &err), 0);
	assert_int_equal(p.rx_count, 1000000);
	assert_int_equal(p.small_count, 5000);
	assert_invariant(&p, &need);
	assert_true(p.bytes > 2ULL << 30);
}

static void mempool_plan_rx_too_few(void **state)
{
	struct wr_mempools_need need = {
		.rx_count = 2048, .rx_desc = 1024, .tx_desc = 1024, .workers = 2};
	struct wr_err err = {""};
	struct wr_mempools p;

	assert_int_equal(wr_mempools_plan(&p, &need, &err), -EINVAL);
	assert_string_equal(err.text, "2048 RX buffers leave none for payload: 2048 - 1024 RX "
				      "descriptors - 1024 TX descriptors - "
				      "2 workers x (32 burst + 384 cache) - 64 reserve = -896; "
				      "give at least 11136, or fewer "
				      "descriptors");
}

static void mempool_plan_rx_edge(void **state)
{
	struct wr_mempools_need need = {
		.rx_count = 2048 + 416 + 32, .rx_desc = 1024, .tx_desc = 1024, .workers = 1};
	struct wr_err err = {""};
	struct wr_mempools p;

	assert_int_equal(wr_mempools_plan(&p, &need, &err), -EINVAL);
	need.rx_count++;
	assert_int_equal(wr_mempools_plan(&p, &need, NULL), 0);
	assert_int_equal(p.held_budget, 1);
}

static void mempool_plan_small_too_few(void **state)
{
	struct wr_mempools_need need = {.small_count = 2048 + 448, .tx_desc = 1024, .workers = 1};
	struct wr_err err = {""};
	struct wr_mempools p;

	assert_int_equal(wr_mempools_plan(&p, &need, &err), -EINVAL);
	assert_non_null(strstr(
		err.text, "1024 TX descriptors x 2 + 1 workers x (2 x 32 burst + 384 cache)"));
	need.small_count++;
	assert_int_equal(wr_mempools_plan(&p, &need, NULL), 0);
}

static void mempool_plan_impossible(void **state)
{
	struct wr_mempools_need need = {.rx_dataroom = 65536};
	struct wr_err err = {""};
	struct wr_mempools p;

	assert_int_equal(wr_mempools_plan(&p, &need, &err), -EINVAL);
	assert_non_null(strstr(err.text, "65536"));
	need = (struct wr_mempools_need){.rx_dataroom = 100};
	assert_int_equal(wr_mempools_plan(&p, &need, NULL), -EINVAL);
	need = (struct wr_mempools_need){
		.rx_desc = UINT32_MAX, .tx_desc = UINT32_MAX, .workers = 1};
	memset(&err, 0, sizeof(err));
	assert_int_equal(wr_mempools_plan(&p, &need, &err), -EINVAL);
	assert_non_null(strstr(err.text, "too many"));
}

static void mempool_format_shows_the_sum(void **state)
{
	struct wr_mempools_need need = {.rx_count = 20000,
		.small_count = 9000,
		.rx_desc = 1024,
		.tx_desc = 512,
		.workers = 2};
	struct wr_mempools p;
	char buf[256];

	assert_int_equal(wr_mempools_plan(&p, &need, NULL), 0);
	assert_string_equal(wr_mempools_format(&p, &need, buf, sizeof(buf)),
		"20000 RX buffers - 1024 RX descriptors - 512 TX descriptors - 2 workers x (32 "
		"burst + 384 "
		"cache) - 1102 reserve = 16530 for payload; 9000 small buffers; 59 MiB in all");
	need.esp_frames = 5000;
	assert_int_equal(wr_mempools_plan(&p, &need, NULL), 0);
	assert_non_null(strstr(wr_mempools_format(&p, &need, buf, sizeof(buf)),
		"9000 small buffers; 6536 for encrypted packets; "));
}

static void mempool_esp_only_with_tunnels(void **state)
{
	struct wr_mempools_need need = {.rx_count = 4096,
		.small_count = 2048,
		.rx_desc = 512,
		.tx_desc = 512,
		.workers = 1};
	struct wr_err err = {""};
	struct wr_mempools p, q;

	assert_int_equal(wr_mempools_create(&p, "esp0", SOCKET_ID_ANY, &need, &err), 0);
	assert_null(p.esp);
	need.esp_frames = 1000;
	assert_int_equal(wr_mempools_create(&q, "esp1", SOCKET_ID_ANY, &need, &err), 0);
	assert_int_equal(rte_mempool_avail_count(q.esp), 1000 + 512 + 4 * 32 + 384);
	assert_true(q.bytes > p.bytes);
	assert_int_equal(q.held_budget, p.held_budget);
	wr_mempools_destroy(&p);
	wr_mempools_destroy(&q);
	assert_null(q.esp);
	need.esp_frames = UINT32_MAX;
	assert_int_equal(wr_mempools_plan(&p, &need, &err), -EINVAL);
	assert_non_null(strstr(err.text, "encrypted"));
}

static void mempool_create_buffers(void **state)
{
	struct wr_mempools_need need = {.rx_count = 4096,
		.small_count = 2048,
		.rx_desc = 512,
		.tx_desc = 512,
		.workers = 1};
	struct wr_err err = {""};
	struct wr_mempools p, q;
	struct rte_mbuf *m;

	assert_int_equal(wr_mempools_create(&p, "test0", SOCKET_ID_ANY, &need, &err), 0);
	assert_int_equal(rte_mempool_avail_count(p.rx), 4096);
	assert_int_equal(rte_mempool_avail_count(p.small), 2048);
	assert_int_equal(p.rx->nb_mem_chunks, 1);
	m = rte_pktmbuf_alloc(p.rx);
	assert_int_equal(rte_pktmbuf_tailroom(m), 2048);
	assert_int_equal(rte_pktmbuf_priv_size(p.rx), WR_MBUF_PRIV_SIZE);
	assert_int_equal((uintptr_t)rte_pktmbuf_mtod(m, void *) % 64, 0);
	memset(wr_mbuf_priv(m), 0xff, sizeof(struct wr_mbuf_priv));
	assert_ptr_equal(m->buf_addr, (char *)wr_mbuf_priv(m) + WR_MBUF_PRIV_SIZE);
	rte_pktmbuf_free(m);
	m = rte_pktmbuf_alloc(p.small);
	assert_int_equal(rte_pktmbuf_tailroom(m), 512);
	rte_pktmbuf_free(m);

	// A second stack needs another prefix; then both live.
	assert_int_equal(wr_mempools_create(&q, "test0", SOCKET_ID_ANY, &need, &err), -EINVAL);
	assert_non_null(strstr(err.text, "test0_rx exists"));
	assert_int_equal(wr_mempools_create(&q, "test1", SOCKET_ID_ANY, &need, NULL), 0);
	wr_mempools_destroy(&q);
	wr_mempools_destroy(&p);
	assert_null(p.rx);
	wr_mempools_destroy(&p);
	assert_int_equal(wr_mempools_create(&p, "test0", SOCKET_ID_ANY, &need, NULL), 0);
	wr_mempools_destroy(&p);
}

static void mempool_create_takes_what_was_planned(void **state)
{
	struct wr_mempools_need need = {.rx_desc = 512, .tx_desc = 512, .workers = 1};
	struct rte_malloc_socket_stats before, after;
	struct wr_mempools p;

	assert_int_equal(rte_malloc_get_socket_stats(0, &before), 0);
	assert_int_equal(wr_mempools_create(&p, "sized", SOCKET_ID_ANY, &need, NULL), 0);
	assert_int_equal(rte_malloc_get_socket_stats(0, &after), 0);
	assert_in_range(after.heap_allocsz_bytes - before.heap_allocsz_bytes,
		p.bytes - p.bytes / 20, p.bytes);
	wr_mempools_destroy(&p);
}

static void mempool_create_no_memory(void **state)
{
	struct wr_mempools_need need = {.rx_count = 400000, .workers = 1};
	struct wr_err err = {""};
	struct wr_mempools p;

	assert_int_equal(wr_mempools_create(&p, "big", SOCKET_ID_ANY, &need, &err), -ENOMEM);
	assert_non_null(strstr(err.text, "no memory on NUMA node"));
	assert_non_null(strstr(err.text, "start with more memory"));
	assert_null(p.rx);
	assert_null(p.small);
}

static void mempool_create_second_fails(void **state)
{
	struct wr_mempools_need need = {.rx_count = 2048, .small_count = 700000, .workers = 1};
	struct wr_err err = {""};
	struct wr_mempools p;

	// The first pool is given back, so that its name is free again.
	assert_int_equal(wr_mempools_create(&p, "half", SOCKET_ID_ANY, &need, &err), -ENOMEM);
	assert_null(p.rx);
	need.small_count = 2048;
	assert_int_equal(wr_mempools_create(&p, "half", SOCKET_ID_ANY, &need, NULL), 0);
	wr_mempools_destroy(&p);
}

static void mempool_create_name_too_long(void **state)
{
	struct wr_mempools_need need = {.workers = 1};
	struct wr_err err = {""};
	struct wr_mempools p;

	assert_int_equal(wr_mempools_create(
				 &p, "a_prefix_longer_than_dpdk_takes", SOCKET_ID_ANY, &need, &err),
		-EINVAL);
	assert_non_null(strstr(err.text, "too long"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mempool_plan_automatic_least),
		cmocka_unit_test(mempool_plan_automatic_by_sessions),
		cmocka_unit_test(mempool_plan_automatic_capped),
		cmocka_unit_test(mempool_plan_descriptors_beyond_cap),
		cmocka_unit_test(mempool_plan_counts_given),
		cmocka_unit_test(mempool_plan_rx_too_few),
		cmocka_unit_test(mempool_plan_rx_edge),
		cmocka_unit_test(mempool_plan_small_too_few),
		cmocka_unit_test(mempool_plan_impossible),
		cmocka_unit_test(mempool_format_shows_the_sum),
		cmocka_unit_test(mempool_esp_only_with_tunnels),
		cmocka_unit_test(mempool_create_buffers),
		cmocka_unit_test(mempool_create_takes_what_was_planned),
		cmocka_unit_test(mempool_create_no_memory),
		cmocka_unit_test(mempool_create_second_fails),
		cmocka_unit_test(mempool_create_name_too_long),
	};

	return cmocka_run_group_tests(tests, group_setup, NULL);
}
