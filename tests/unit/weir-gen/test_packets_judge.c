/* SPDX-License-Identifier: BSD-3-Clause */
#include "packets_test.h"

#include "wr_csum.h"
#include "wr_rng.h"

// Stamped packets that come back, as packets_judge() sees them.

#define SECOND 1000000000ULL
#define MS     1000000ULL
#define BURST  32

static void finish(struct packets *p)
{
	packets_destroy(p);
	assert_int_equal(rte_mempool_in_use_count(t_pool()), 0);
}

// What comes back, as the loop hands it on.
static bool judge(struct packets *p, struct rte_mbuf *m, uint64_t ns)
{
	struct gen_now now = t_at(ns);
	struct wr_pkt pkt;

	wr_parse_frame(&pkt, m, 0);
	return packets_judge(p, &pkt, &now);
}

static const struct {
	enum gen_packet_kind kind;
	bool v6;
} stamped[] = {
	{GEN_PACKET_TCP, false},
	{GEN_PACKET_TCP, true},
	{GEN_PACKET_UDP, false},
	{GEN_PACKET_UDP, true},
	{GEN_PACKET_ICMP_ECHO, false},
	{GEN_PACKET_ICMP_ECHO, true},
};

// A seeded path that loses, copies, holds back and harms, beside its own book.
struct path {
	struct wr_rng rng;
	struct rte_mbuf *held[8];
	uint32_t held_count;
	uint8_t seen[4000];
	uint64_t returned, reordered, duplicated, corrupted, highest;
};

static void deliver(
	struct path *w, struct packets *p, struct rte_mbuf *m, uint64_t seq, uint64_t ns)
{
	if (w->seen[seq]) {
		w->duplicated++;
	} else {
		w->seen[seq] = 1;
		w->returned++;
		w->reordered += seq < w->highest;
		w->highest = RTE_MAX(w->highest, seq + 1);
	}
	assert_true(judge(p, m, ns));
}

static void through_path(
	struct path *w, struct packets *p, struct rte_mbuf *m, uint64_t seq, uint64_t ns)
{
	uint32_t r = wr_rng_below(&w->rng, 100);
	uint8_t *last = rte_pktmbuf_mtod_offset(m, uint8_t *, m->pkt_len - 1);

	m->dynfield1[0] = (uint32_t)seq;
	if (r < 10) { // lost
		rte_pktmbuf_free(m);
	} else if (r < 15) { // harmed
		*last ^= 0x10;
		assert_true(judge(p, m, ns));
		w->corrupted++;
		rte_pktmbuf_free(m);
	} else if (r < 30 && w->held_count < RTE_DIM(w->held)) {
		w->held[w->held_count++] = m;
	} else {
		deliver(w, p, m, seq, ns);
		if (r >= 90)
			deliver(w, p, m, seq, ns);
		rte_pktmbuf_free(m);
	}
	if (r >= 70 && w->held_count > 0) {
		m = w->held[--w->held_count];
		deliver(w, p, m, m->dynfield1[0], ns);
		rte_pktmbuf_free(m);
	}
}

static void packets_judge_seeded_path(void **state)
{
	for (size_t k = 0; k < RTE_DIM(stamped); k++) {
		struct gen_packets c = t_conf(stamped[k].kind, stamped[k].v6);
		const struct gen_packets_stats *s;
		struct gen_now now = t_at(0);
		struct path w = {.held_count = 0};
		struct rte_mbuf *m[BURST];
		struct packets *p;
		uint64_t seq = 0;

		c.stamp = true;
		c.count = sizeof(w.seen);
		c.size = (struct gen_span){100, 300, 0};
		p = t_create(&c);
		wr_rng_init(&w.rng, k);
		packets_start(p, &now);
		while (!packets_done(p)) {
			uint16_t made = packets_make(p, m, BURST, &now);

			packets_sent(p, m, made, made, 100);
			for (uint16_t i = 0; i < made; i++)
				through_path(&w, p, m[i], seq++, 5000);
		}
		rte_pktmbuf_free_bulk(w.held, w.held_count);
		s = packets_stats(p);
		assert_true(w.reordered > 100 && w.duplicated > 100 && w.corrupted > 100);
		assert_int_equal(s->returned, w.returned);
		assert_int_equal(s->reordered, w.reordered);
		assert_int_equal(s->duplicated, w.duplicated);
		assert_int_equal(s->corrupted, w.corrupted);
		assert_int_equal(s->lost, sizeof(w.seen) - w.returned);
		assert_int_equal(s->latency_ns->count, w.returned);
		assert_int_equal(s->latency_ns->min, 5000);
		assert_int_equal(s->latency_ns->max, 5000);
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

// From when it should have left, not from when it did.
static void packets_latency_intended(void **state)
{
	struct gen_packets c = t_conf(GEN_PACKET_UDP, false);
	struct gen_now now = t_at(1000 * SECOND);
	struct rte_mbuf *m;
	struct packets *p;

	c.stamp = true;
	c.rate_pps = 1000;
	p = t_create(&c);
	packets_start(p, &now);
	rte_pktmbuf_free(one(p, now.ns));
	m = one(p, now.ns + 3 * MS); // 2 ms late
	assert_true(judge(p, m, now.ns + 4 * MS));
	rte_pktmbuf_free(m);
	assert_int_equal(packets_stats(p)->latency_ns->max, 3 * MS);
	assert_int_equal(packets_stats(p)->lost, 1);
	finish(p);
}

// Past 2^48 ns of run time.
static void packets_latency_time_wraps(void **state)
{
	struct gen_packets c = t_conf(GEN_PACKET_UDP, true);
	struct gen_now now = t_at((1ULL << 48) - 100);
	struct rte_mbuf *m;
	struct packets *p;

	c.stamp = true;
	p = t_create(&c);
	packets_start(p, &now);
	m = one(p, now.ns);
	assert_true(judge(p, m, now.ns + 700));
	assert_int_equal(packets_stats(p)->latency_ns->max, 700);
	rte_pktmbuf_free(m);
	finish(p);
}

static void fix16(uint8_t *at, uint32_t sum, const void *data, uint32_t len)
{
	uint16_t ck;

	memset(at, 0, 2);
	ck = wr_csum_finish(wr_csum_add(sum, data, len));
	memcpy(at, &ck, 2);
}

// The answer of a host: addresses changed round, type of the reply, checksums anew.
static void packets_judge_echo_reply(void **state)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct gen_packets c = t_conf(GEN_PACKET_ICMP_ECHO, v6);
		struct gen_now now = t_at(0);
		struct packets *p;
		struct rte_mbuf *m;
		struct wr_pkt pkt;
		uint8_t *ip, *icmp;
		uint32_t len;

		c.stamp = true;
		p = t_create(&c);
		packets_start(p, &now);
		m = one(p, 0);
		ip = rte_pktmbuf_mtod_offset(m, uint8_t *, 14);
		icmp = ip + (v6 ? 40 : 20);
		len = m->pkt_len - (v6 ? 54 : 34);
		memcpy(ip + (v6 ? 8 : 12), v6 ? (void *)c.target.first.b : &c.target.first.w[3],
			v6 ? 16 : 4);
		memcpy(ip + (v6 ? 24 : 16), v6 ? (void *)c.source.first.b : &c.source.first.w[3],
			v6 ? 16 : 4);
		icmp[0] = v6 ? 129 : 0;
		if (!v6)
			fix16(ip + 10, 0, ip, 20);
		fix16(icmp + 2,
			v6 ? wr_csum_pseudo(&c.source.first, &c.target.first, IPPROTO_ICMPV6, len)
			   : 0,
			icmp, len);
		wr_parse_frame(&pkt, m, 0);
		assert_int_equal(pkt.kind, v6 ? WR_PKT_ICMP6 : WR_PKT_ICMP4);
		assert_true(judge(p, m, 900));
		assert_int_equal(packets_stats(p)->returned, 1);
		assert_int_equal(packets_stats(p)->corrupted, 0);
		rte_pktmbuf_free(m);
		finish(p);
	}
}

// Through a router that lowers the hop limit, pads and sets its own MACs.
static void packets_judge_forwarded(void **state)
{
	struct gen_packets c = t_conf(GEN_PACKET_UDP, false);
	struct gen_now now = t_at(0);
	struct packets *p;
	struct rte_mbuf *m;
	uint8_t *f;

	c.stamp = true;
	p = t_create(&c);
	packets_start(p, &now);
	m = one(p, 0);
	f = rte_pktmbuf_mtod(m, uint8_t *);
	memset(f, 6, 12);
	f[22]--;
	fix16(f + 24, 0, f + 14, 20);
	memset(rte_pktmbuf_append(m, 4), 0xaa, 4);
	assert_true(judge(p, m, 1));
	assert_int_equal(packets_stats(p)->returned, 1);
	rte_pktmbuf_free(m);
	finish(p);
}

static void packets_judge_never_sent(void **state)
{
	struct gen_packets c = t_conf(GEN_PACKET_UDP, false);
	struct gen_now now = t_at(0);
	struct packets *p, *later;
	struct rte_mbuf *m;

	c.stamp = true;
	p = t_create(&c);
	later = t_create(&c); // of the same identity
	packets_start(p, &now);
	m = one(p, 0);
	assert_true(judge(later, m, 1)); // a number that it has not made
	assert_int_equal(packets_stats(later)->corrupted, 1);
	assert_int_equal(packets_stats(later)->returned, 0);
	rte_pktmbuf_free(m);
	packets_destroy(later);
	finish(p);
}

static void packets_judge_not_ours(void **state)
{
	struct gen_packets c = t_conf(GEN_PACKET_UDP, false), d = c;
	struct packets_env env = t_env();
	struct gen_now now = t_at(0);
	struct packets *p, *other, *plain;
	struct rte_mbuf *m;

	c.stamp = true;
	p = t_create(&c);
	plain = t_create(&d);
	env.stream++;
	other = packets_create(&c, &env, NULL);
	assert_non_null(other);
	packets_start(p, &now);
	packets_start(plain, &now);
	m = one(p, 0);
	assert_false(judge(other, m, 1));
	assert_false(judge(plain, m, 1));
	rte_pktmbuf_free(m);
	m = one(plain, 0);
	assert_false(judge(p, m, 1));
	rte_pktmbuf_free(m);
	packets_destroy(other);
	packets_destroy(plain);
	finish(p);
}

// What was sent before a reset does not count when it returns; what was made but not taken does.
static void packets_reset_in_flight(void **state)
{
	struct gen_packets c = t_conf(GEN_PACKET_UDP, false);
	struct gen_now now = t_at(0);
	struct rte_mbuf *m[10];
	struct packets *p;

	c.stamp = true;
	p = t_create(&c);
	packets_start(p, &now);
	assert_int_equal(packets_make(p, m, 10, &now), 10);
	packets_sent(p, m, 10, 6, 360);
	packets_reset_stats(p);
	for (int i = 0; i < 6; i++) {
		assert_true(judge(p, m[i], 1));
		rte_pktmbuf_free(m[i]);
	}
	assert_int_equal(packets_stats(p)->returned, 0);
	assert_int_equal(packets_stats(p)->latency_ns->count, 0);
	assert_int_equal(packets_make(p, m, 4, &now), 4);
	packets_sent(p, m, 4, 4, 240);
	for (int i = 0; i < 4; i++) {
		if (i > 0)
			assert_true(judge(p, m[i], 1));
		rte_pktmbuf_free(m[i]);
	}
	assert_int_equal(packets_stats(p)->sent, 4);
	assert_int_equal(packets_stats(p)->returned, 3);
	assert_int_equal(packets_stats(p)->lost, 1);
	finish(p);
}

static void packets_random_never_judged(void **state)
{
	for (int i = 0; i < 4; i++) {
		struct gen_packets c = t_conf(i & 2 ? GEN_PACKET_RANDOM : GEN_PACKET_MUTATE, i & 1);
		struct gen_packets d = t_conf(GEN_PACKET_UDP, i & 1);
		struct gen_now now = t_at(0);
		struct packets *p, *stamps;

		c.size = (struct gen_span){90, 200, 0};
		d.stamp = true;
		p = t_create(&c);
		stamps = t_create(&d);
		packets_start(p, &now);
		for (int n = 0; n < 5000; n++) {
			struct rte_mbuf *m = one(p, 0);

			assert_false(judge(stamps, m, 1));
			rte_pktmbuf_free(m);
		}
		packets_destroy(stamps);
		finish(p);
	}
}

static int group_setup(void **state)
{
	t_pool();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packets_judge_seeded_path),
		cmocka_unit_test(packets_latency_intended),
		cmocka_unit_test(packets_latency_time_wraps),
		cmocka_unit_test(packets_judge_echo_reply),
		cmocka_unit_test(packets_judge_forwarded),
		cmocka_unit_test(packets_judge_never_sent),
		cmocka_unit_test(packets_judge_not_ours),
		cmocka_unit_test(packets_reset_in_flight),
		cmocka_unit_test(packets_random_never_judged),
	};

	return cmocka_run_group_tests(tests, group_setup, NULL);
}
