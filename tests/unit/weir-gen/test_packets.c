/* SPDX-License-Identifier: BSD-3-Clause */
#include "packets_test.h"

#include <unistd.h>

#include "pcap_test.h"
#include "wr_rng.h"

#define SECOND 1000000000ULL
#define MS     1000000ULL
#define BURST  32

// A port that takes all; counts layer-1 bits.
static uint64_t poll_all(struct packets *p, uint64_t ns, uint64_t *bits)
{
	struct gen_now now = t_at(ns);
	struct rte_mbuf *m[BURST];
	uint64_t total = 0, bytes;
	uint16_t made;

	do {
		made = packets_make(p, m, BURST, &now);
		bytes = 0;
		for (uint16_t i = 0; i < made; i++) {
			bytes += m[i]->pkt_len;
			*bits += (RTE_MAX(m[i]->pkt_len, 60u) + 24) * 8;
			assert_int_equal(m[i]->ol_flags, 0);
			assert_int_equal(m[i]->nb_segs, 1);
		}
		if (made > 0)
			packets_sent(p, m, made, made, bytes);
		rte_pktmbuf_free_bulk(m, made);
		total += made;
	} while (made == BURST && total < 100000);
	return total;
}

static void finish(struct packets *p)
{
	packets_destroy(p);
	assert_int_equal(rte_mempool_in_use_count(t_pool()), 0);
}

static void packets_rate_exact(void **state)
{
	struct gen_packets c = t_conf(GEN_PACKET_TCP, false);
	struct gen_now now = t_at(12345);
	uint64_t sent = 0, bits = 0;
	struct packets *p;

	c.rate_pps = 123457;
	p = t_create(&c);
	packets_start(p, &now);
	for (uint64_t ns = 0; ns < SECOND; ns += 7919)
		sent += poll_all(p, 12345 + ns, &bits);
	sent += poll_all(p, 12345 + SECOND - 1, &bits);
	assert_int_equal(sent, 123457);
	assert_int_equal(packets_stats(p)->sent, 123457);
	assert_int_equal(packets_stats(p)->sent_bytes, 123457 * 60);
	assert_int_equal(packets_stats(p)->behind, 0);
	assert_false(packets_done(p));
	assert_int_equal(packets_next(p), (12345 + SECOND) / 1000);
	assert_int_equal(poll_all(p, 12345 + SECOND, &bits), 1);
	finish(p);
}

static void packets_bits_exact(void **state)
{
	struct gen_packets c = t_conf(GEN_PACKET_UDP, true);
	struct gen_now now = t_at(0);
	uint64_t sent = 0, bits = 0;
	struct packets *p;

	c.rate_bps = 100000000;
	c.imix = true;
	p = t_create(&c);
	packets_start(p, &now);
	for (uint64_t ns = 0; ns <= SECOND; ns += 50000)
		sent += poll_all(p, ns, &bits);
	assert_in_range(bits, 100000000, 100000000 + 1538 * 8); // to a frame
	assert_in_range(sent, 33000, 35000);
	finish(p);
}

static void packets_as_fast_as_taken(void **state)
{
	struct gen_packets c = t_conf(GEN_PACKET_UDP, false);
	struct rte_mbuf *m[2 * PACKETS_MOST];
	struct gen_now now = t_at(5);
	struct packets *p = t_create(&c);

	assert_int_equal(packets_make(p, m, BURST, &now), 0); // not started
	assert_true(packets_done(p));
	packets_start(p, &now);
	assert_int_equal(packets_next(p), 0);
	assert_int_equal(packets_make(p, m, 2 * PACKETS_MOST, &now), PACKETS_MOST);
	packets_sent(p, m, PACKETS_MOST, PACKETS_MOST, 60 * PACKETS_MOST);
	rte_pktmbuf_free_bulk(m, PACKETS_MOST);
	assert_int_equal(packets_stats(p)->behind, 0);
	finish(p);
}

// A loop that stands still for 10 ms: all comes later, and it says how far it was behind.
static void packets_behind_catches_up(void **state)
{
	struct gen_packets c = t_conf(GEN_PACKET_UDP, false);
	struct gen_now now = t_at(0);
	struct rte_mbuf *m[BURST];
	struct packets *p;
	uint32_t polls = 0;

	c.rate_pps = 100000; // one in 10 us
	p = t_create(&c);
	packets_start(p, &now);
	now = t_at(10 * MS);
	while (packets_make(p, m, BURST, &now) == BURST) {
		packets_sent(p, m, BURST, BURST, 60 * BURST);
		rte_pktmbuf_free_bulk(m, BURST);
		polls++;
		assert_int_equal(packets_stats(p)->behind_now, 1001 - polls * BURST);
	}
	assert_int_equal(polls, 31);
	packets_sent(p, m, 9, 9, 60 * 9);
	rte_pktmbuf_free_bulk(m, 9);
	assert_int_equal(packets_stats(p)->behind_now, 0);
	assert_int_equal(packets_stats(p)->behind, 1001 - BURST);
	assert_int_equal(packets_stats(p)->sent, 1001);
	finish(p);
}

static uint64_t seq_of(const struct rte_mbuf *m)
{
	uint64_t be;

	memcpy(&be, rte_pktmbuf_mtod_offset(m, const uint8_t *, 46), sizeof(be));
	return rte_be_to_cpu_64(be);
}

// A port that takes what it likes: all frames leave once, in order, and are counted once.
static void packets_kept_come_first(void **state)
{
	struct gen_packets c = t_conf(GEN_PACKET_UDP, false);
	struct rte_mbuf *m[PACKETS_MOST];
	uint64_t next = 0, not_taken = 0;
	struct gen_now now = t_at(0);
	struct wr_rng rng;
	struct packets *p;

	c.stamp = true;
	c.count = 20000;
	p = t_create(&c);
	packets_start(p, &now);
	wr_rng_init(&rng, 1);
	while (!packets_done(p)) {
		uint16_t n = (uint16_t)(1 + wr_rng_below(&rng, PACKETS_MOST));
		uint16_t made = packets_make(p, m, n, &now);
		uint16_t taken = (uint16_t)wr_rng_below(&rng, made + 1u);

		assert_true(made <= n && made > 0);
		for (uint16_t i = 0; i < made; i++)
			assert_int_equal(seq_of(m[i]), next + i);
		next += taken;
		not_taken += made - taken;
		packets_sent(p, m, made, taken, 60 * taken);
		rte_pktmbuf_free_bulk(m, taken);
		assert_int_equal(packets_stats(p)->sent, next);
	}
	assert_int_equal(next, 20000);
	assert_int_equal(packets_stats(p)->not_taken, not_taken);
	assert_int_equal(packets_next(p), WR_US_NEVER);
	assert_int_equal(packets_make(p, m, 32, &now), 0);
	finish(p);
}

static void packets_full_port_is_behind(void **state)
{
	struct gen_packets c = t_conf(GEN_PACKET_UDP, false);
	struct gen_now now = t_at(0);
	struct rte_mbuf *m[BURST];
	struct packets *p;

	c.rate_pps = 1000;
	p = t_create(&c);
	packets_start(p, &now);
	now = t_at(9 * MS);
	assert_int_equal(packets_make(p, m, BURST, &now), 10);
	packets_sent(p, m, 10, 4, 240);
	rte_pktmbuf_free_bulk(m, 4);
	assert_int_equal(packets_stats(p)->behind_now, 6);
	assert_int_equal(packets_next(p), 0);
	assert_int_equal(packets_make(p, m, 2, &now), 2);
	assert_int_equal(packets_stats(p)->behind_now, 4);
	packets_sent(p, m, 2, 0, 0);
	assert_int_equal(packets_stats(p)->behind_now, 6);
	packets_stop(p); // frees the six
	assert_true(packets_done(p));
	assert_int_equal(packets_stats(p)->behind_now, 0);
	assert_int_equal(packets_stats(p)->behind, 6);
	assert_int_equal(rte_mempool_in_use_count(t_pool()), 0);
	finish(p);
}

static void packets_count_and_again(void **state)
{
	struct gen_packets c = t_conf(GEN_PACKET_TCP, true);
	struct gen_now now = t_at(0);
	struct packets *p;
	uint64_t bits = 0;

	c.count = 50;
	p = t_create(&c);
	for (int round = 0; round < 3; round++) {
		packets_start(p, &now);
		assert_false(packets_done(p));
		assert_int_equal(poll_all(p, 0, &bits), 50);
		assert_true(packets_done(p));
		packets_stop(p);
	}
	assert_int_equal(packets_stats(p)->sent, 150);
	finish(p);
}

static void packets_set_rate_anew(void **state)
{
	struct gen_packets c = t_conf(GEN_PACKET_TCP, false);
	struct gen_now now = t_at(0);
	struct packets *p;
	uint64_t bits = 0;

	c.rate_bps = 1;
	p = t_create(&c);
	packets_start(p, &now);
	assert_int_equal(poll_all(p, 0, &bits), 1);
	now = t_at(SECOND);
	packets_set_rate(p, 1000, &now);
	assert_int_equal(poll_all(p, SECOND + 10 * MS - 1, &bits), 10);
	packets_stop(p);
	now = t_at(5 * SECOND);
	packets_start(p, &now);
	assert_int_equal(poll_all(p, 5 * SECOND + 2 * MS - 1, &bits), 2);
	finish(p);
}

static void packets_pool_empty(void **state)
{
	struct gen_packets c = t_conf(GEN_PACKET_TCP, false);
	struct rte_mbuf *all[2047], *m[BURST];
	struct gen_now now = t_at(0);
	struct packets *p = t_create(&c);

	assert_int_equal(rte_pktmbuf_alloc_bulk(t_pool(), all, 2040), 0);
	packets_start(p, &now);
	assert_int_equal(packets_make(p, m, BURST, &now), 7); // to the last
	assert_int_equal(packets_stats(p)->no_buffers, 1);
	packets_sent(p, m, 7, 7, 420);
	rte_pktmbuf_free_bulk(m, 7);
	rte_pktmbuf_free_bulk(all, 2040);
	assert_int_equal(packets_make(p, m, BURST, &now), BURST);
	packets_sent(p, m, BURST, BURST, 60 * BURST);
	rte_pktmbuf_free_bulk(m, BURST);
	finish(p);
}

static void packets_target_mac_late(void **state)
{
	const uint8_t hop[6] = {2, 7, 7, 7, 7, 7}, own[6] = {2, 8, 8, 8, 8, 8};
	struct gen_packets c = t_conf(GEN_PACKET_TCP, false);
	struct gen_now now = t_at(0);

	for (int given = 0; given < 2; given++) {
		struct rte_mbuf *m;
		struct packets *p;

		if (given)
			memcpy(c.target_mac, own, 6);
		p = t_create(&c);
		packets_set_target_mac(p, hop);
		packets_start(p, &now);
		assert_int_equal(packets_make(p, &m, 1, &now), 1);
		assert_memory_equal(rte_pktmbuf_mtod(m, const uint8_t *), given ? own : hop, 6);
		packets_sent(p, &m, 1, 0, 0); // kept
		finish(p);
	}
}

static struct rte_mbuf *one(struct packets *p, uint64_t ns)
{
	struct gen_now now = t_at(ns);
	struct rte_mbuf *m;

	assert_int_equal(packets_make(p, &m, 1, &now), 1);
	packets_sent(p, &m, 1, 1, m->pkt_len);
	return m;
}

// --- files -----------------------------------------------------------------------------------

static void pcap_conf(struct gen_packets *c, struct t_pcap *f)
{
	*c = (struct gen_packets){.name = "t", .kind = GEN_PACKET_PCAP};
	t_pcap_open(f, T_PCAP_US, 1);
	t_pcap_add(f, 10, 0, 60, 60, 1);
	t_pcap_add(f, 10, 100, 100, 100, 2);
	t_pcap_add(f, 10, 400, 1514, 1514, 3);
	t_pcap_close(f);
	snprintf(c->pcap, sizeof(c->pcap), "%s", f->path);
}

static void packets_pcap_own_timing(void **state)
{
	struct gen_now now = t_at(7 * MS);
	struct gen_packets c;
	struct packets *p;
	struct t_pcap f;
	uint64_t bits = 0;

	pcap_conf(&c, &f);
	c.pcap_timing = true;
	c.pcap_loops = 2; // of 400 us and a mean gap of 200 us
	p = t_create(&c);
	packets_start(p, &now);
	assert_int_equal(poll_all(p, 7 * MS, &bits), 1);
	assert_int_equal(packets_next(p), 7100);
	assert_int_equal(poll_all(p, 7 * MS + 99999, &bits), 0);
	assert_int_equal(poll_all(p, 7 * MS + 100000, &bits), 1);
	assert_int_equal(poll_all(p, 7 * MS + 400000, &bits), 1);
	assert_int_equal(packets_next(p), 7600);
	assert_int_equal(poll_all(p, 7 * MS + 599999, &bits), 0);
	assert_int_equal(poll_all(p, 7 * MS + 700000, &bits), 2);
	assert_false(packets_done(p));
	assert_int_equal(poll_all(p, 7 * MS + 10 * MS, &bits), 1);
	assert_true(packets_done(p));
	assert_int_equal(packets_stats(p)->sent_bytes, 2 * (60 + 100 + 1514));
	assert_int_equal(packets_stats(p)->behind, 0);
	unlink(f.path);
	finish(p);
}

static void packets_pcap_behind(void **state)
{
	struct gen_now now = t_at(0);
	struct rte_mbuf *m;
	struct gen_packets c;
	struct packets *p;
	struct t_pcap f;

	pcap_conf(&c, &f);
	c.pcap_timing = true;
	p = t_create(&c);
	packets_start(p, &now);
	now = t_at(10 * 600000 + 50000);
	assert_int_equal(packets_make(p, &m, 1, &now), 1);
	assert_int_equal(packets_stats(p)->behind_now, 30);
	packets_sent(p, &m, 1, 0, 0);
	assert_int_equal(packets_stats(p)->behind, 31);
	unlink(f.path);
	finish(p);
}

static void packets_pcap_at_rate(void **state)
{
	const uint8_t mac[6] = {2, 7, 7, 7, 7, 7};
	struct gen_now now = t_at(0);
	struct gen_packets c;
	struct packets *p;
	struct t_pcap f;

	pcap_conf(&c, &f);
	unlink(c.pcap);
	t_refused(&c, "packets t: pcap file /tmp/t_pcap_");
	pcap_conf(&c, &f);
	c.rate_pps = 1000;
	c.count = 7;
	memcpy(c.source_mac, mac, 6);
	p = t_create(&c);
	packets_set_target_mac(p, mac); // only of streams that ask a neighbour
	packets_start(p, &now);
	for (uint32_t i = 0; i < 7; i++) {
		struct rte_mbuf *m = one(p, i * MS);
		const uint8_t *b = rte_pktmbuf_mtod(m, const uint8_t *);

		assert_int_equal(m->pkt_len, i % 3 == 0 ? 60 : i % 3 == 1 ? 100 : 1514);
		assert_int_equal(b[0], i % 3 + 1);
		assert_memory_equal(b + 6, mac, 6);
		assert_int_equal(b[59], i % 3 + 1);
		rte_pktmbuf_free(m);
	}
	assert_true(packets_done(p));
	c.stamp = true;
	t_refused(&c, "frames of a file carry no stamp");
	unlink(f.path);
	finish(p);
}

static void packets_create_refused(void **state)
{
	struct gen_packets c = t_conf(GEN_PACKET_UDP, false);

	c.size.first = 60;
	c.size.last = 2000;
	t_refused(&c, "packets t: frames of 2000 bytes are too large");
}

static int group_setup(void **state)
{
	t_pool();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packets_rate_exact),
		cmocka_unit_test(packets_bits_exact),
		cmocka_unit_test(packets_as_fast_as_taken),
		cmocka_unit_test(packets_behind_catches_up),
		cmocka_unit_test(packets_kept_come_first),
		cmocka_unit_test(packets_full_port_is_behind),
		cmocka_unit_test(packets_count_and_again),
		cmocka_unit_test(packets_set_rate_anew),
		cmocka_unit_test(packets_pool_empty),
		cmocka_unit_test(packets_target_mac_late),
		cmocka_unit_test(packets_pcap_own_timing),
		cmocka_unit_test(packets_pcap_behind),
		cmocka_unit_test(packets_pcap_at_rate),
		cmocka_unit_test(packets_create_refused),
	};

	return cmocka_run_group_tests(tests, group_setup, NULL);
}
