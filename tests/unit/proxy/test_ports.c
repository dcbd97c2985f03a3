/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include <rte_common.h>

#include "wr_ports.h"

// Source ports by class: whatever the key, the RETA and the family, what is handed out comes home.

struct rig {
	struct wr_rng rng;
	struct wr_rss *rss;
	struct wr_ports_order *order;
	struct wr_ports ports;
	struct wr_tuple t;
	uint64_t *bitmap;
	uint16_t me;
};

static struct wr_addr random_addr(struct wr_rng *rng, bool v4)
{
	struct wr_addr a;

	if (v4)
		return wr_addr_from_v4((uint32_t)wr_rng_next(rng));
	a.q[0] = wr_rng_next(rng) | 0x20;
	a.q[1] = wr_rng_next(rng);
	return a;
}

static void rig_open(struct rig *r, uint32_t seed, uint32_t reta_size, uint16_t workers, bool v4)
{
	uint8_t key[WR_RSS_KEY_LEN];
	uint16_t reta[WR_RSS_RETA_MAX];

	memset(r, 0, sizeof(*r));
	wr_rng_init(&r->rng, seed);
	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)wr_rng_next(&r->rng);
	for (uint32_t i = 0; i < reta_size; i++)
		reta[i] = (uint16_t)(i % workers);
	r->me = (uint16_t)wr_rng_below(&r->rng, workers);
	r->rss = wr_rss_create(key, sizeof(key), reta, reta_size);
	assert_non_null(r->rss);
	r->order = wr_ports_order_create(r->rss, v4);
	assert_non_null(r->order);
	r->bitmap = calloc(1, wr_ports_bitmap_bytes());
	r->t = (struct wr_tuple){.local = random_addr(&r->rng, v4),
		.remote = random_addr(&r->rng, v4),
		.rport = (uint16_t)(1 + wr_rng_below(&r->rng, 65535))};
	wr_ports_init(&r->ports, r->order, r->rss, &r->t, r->me, r->bitmap, &r->rng);
}

static void rig_close(struct rig *r)
{
	wr_ports_order_destroy(r->order);
	wr_rss_destroy(r->rss);
	free(r->bitmap);
}

static void comes_home(struct rig *r, uint16_t port)
{
	struct wr_tuple t = r->t;

	assert_in_range(port, WR_PORTS_FIRST, 65535);
	t.lport = port;
	assert_int_equal(wr_rss_worker(r->rss, wr_rss_hash(r->rss, &t)), r->me);
}

// Every port, until none is left; none twice; exactly those that hash to this worker.
static void drain(struct rig *r)
{
	static uint8_t seen[65536];
	uint32_t expect = 0, n = 0;
	uint16_t port;

	memset(seen, 0, sizeof(seen));
	for (uint32_t p = WR_PORTS_FIRST; p < 65536; p++) {
		struct wr_tuple t = r->t;

		t.lport = (uint16_t)p;
		expect += wr_rss_worker(r->rss, wr_rss_hash(r->rss, &t)) == r->me;
	}
	assert_int_equal(r->ports.capacity, expect);
	while ((port = wr_ports_get(&r->ports)) != 0) {
		comes_home(r, port);
		assert_int_equal(seen[port], 0);
		seen[port] = 1;
		n++;
		assert_int_equal(r->ports.in_use, n);
	}
	assert_int_equal(n, expect);
	assert_int_equal(wr_ports_get(&r->ports), 0);
	assert_int_equal(r->ports.in_use, expect);
	if (n == 0)
		return;
	for (uint32_t p = 0; p < 65536; p++)
		if (seen[p])
			wr_ports_put(&r->ports, (uint16_t)p);
	assert_int_equal(r->ports.in_use, 0);
	comes_home(r, wr_ports_get(&r->ports));
}

static void ports_come_home_any_key(void **state)
{
	uint32_t seed = 1;

	for (uint32_t size = 1; size <= WR_RSS_RETA_MAX; size *= 2) {
		for (uint16_t workers = 1; workers <= 8; workers++) {
			struct rig r;

			seed++;
			rig_open(&r, seed, size, workers, seed & 1);
			// With more workers than entries of the RETA some have no port at all.
			assert_int_equal(r.ports.capacity > 0, r.me < size);
			for (int i = 0; i < 200 && r.ports.capacity > 200; i++)
				comes_home(&r, wr_ports_get(&r.ports));
			rig_close(&r);
		}
	}
}

static void ports_exhausted(void **state)
{
	static const struct {
		uint32_t size;
		uint16_t workers;
		bool v4;
	} cases[] = {{128, 2, true}, {128, 2, false}, {512, 8, true}, {1, 1, false}, {2, 8, true},
		{64, 3, false}, {32, 7, true}};

	for (size_t i = 0; i < RTE_DIM(cases); i++) {
		struct rig r;

		rig_open(&r, 100 + (uint32_t)i, cases[i].size, cases[i].workers, cases[i].v4);
		drain(&r);
		rig_close(&r);
	}
}

// One worker: no hash, one class, every port.
static void ports_one_worker(void **state)
{
	struct wr_ports_order *o = wr_ports_order_create(NULL, true);
	uint64_t *bitmap = calloc(1, wr_ports_bitmap_bytes());
	struct wr_tuple t = {0};
	struct wr_ports p;
	struct wr_rng rng;
	uint32_t n = 0;

	wr_rng_init(&rng, 3);
	wr_ports_init(&p, o, NULL, &t, 0, bitmap, &rng);
	assert_int_equal(p.capacity, WR_PORTS_COUNT);
	while (wr_ports_get(&p) != 0)
		n++;
	assert_int_equal(n, WR_PORTS_COUNT);
	wr_ports_put(&p, 4711);
	assert_int_equal(wr_ports_get(&p), 4711);
	assert_int_equal(wr_ports_get(&p), 0);
	wr_ports_order_destroy(o);
	free(bitmap);
}

// A port that was given back rests until all others had their turn: its TIME-WAIT passes meanwhile.
static void ports_rotate(void **state)
{
	struct rig r;

	for (int v4 = 0; v4 < 2; v4++) {
		uint16_t first, port;
		uint32_t n = 0;

		rig_open(&r, 7, 128, 2, v4 != 0);
		first = wr_ports_get(&r.ports);
		wr_ports_put(&r.ports, first);
		do {
			port = wr_ports_get(&r.ports);
			comes_home(&r, port);
			wr_ports_put(&r.ports, port);
			n++;
		} while (port != first);
		assert_int_equal(n, r.ports.capacity);
		assert_int_equal(r.ports.in_use, 0);
		rig_close(&r);
	}
}

static void ports_reuse_random(void **state)
{
	static uint16_t held[WR_PORTS_COUNT];
	static uint8_t out[65536];
	struct rig r;
	uint32_t n = 0;

	rig_open(&r, 11, 256, 5, false);
	memset(out, 0, sizeof(out));
	for (int i = 0; i < 300000; i++) {
		// Swings between nearly empty and full.
		bool get = wr_rng_below(&r.rng, 1000) < ((i / 30000) % 2 ? 200u : 800u);

		if (get) {
			uint16_t port = wr_ports_get(&r.ports);

			assert_int_equal(port == 0, n == r.ports.capacity);
			if (port == 0)
				continue;
			comes_home(&r, port);
			assert_int_equal(out[port]++, 0);
			held[n++] = port;
		} else if (n > 0) {
			uint32_t at = wr_rng_below(&r.rng, n);

			wr_ports_put(&r.ports, held[at]);
			out[held[at]] = 0;
			held[at] = held[--n];
		}
		assert_int_equal(r.ports.in_use, n);
	}
	rig_close(&r);
}

static void ports_put_twice_or_foreign(void **state)
{
	struct rig r;
	uint16_t a, b;

	rig_open(&r, 13, 128, 4, true);
	a = wr_ports_get(&r.ports);
	b = wr_ports_get(&r.ports);
	wr_ports_put(&r.ports, a);
	wr_ports_put(&r.ports, a);
	assert_int_equal(r.ports.in_use, 1);
	wr_ports_put(&r.ports, 0);
	wr_ports_put(&r.ports, 80);
	assert_int_equal(r.ports.in_use, 1);
	wr_ports_put(&r.ports, b);
	assert_int_equal(r.ports.in_use, 0);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ports_come_home_any_key),
		cmocka_unit_test(ports_exhausted),
		cmocka_unit_test(ports_one_worker),
		cmocka_unit_test(ports_rotate),
		cmocka_unit_test(ports_reuse_random),
		cmocka_unit_test(ports_put_twice_or_foreign),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
