/* SPDX-License-Identifier: BSD-3-Clause */
#include "packets_test.h"

#include "stamp.h"
#include "template.h"
#include "wr_rng.h"

static struct stamp_track track;

static void expect(uint64_t returned, uint64_t reordered, uint64_t duplicated)
{
	assert_int_equal(track.returned, returned);
	assert_int_equal(track.reordered, reordered);
	assert_int_equal(track.duplicated, duplicated);
}

static void stamp_track_in_order(void **state)
{
	stamp_track_reset(&track, 0);
	for (uint64_t i = 0; i < 3 * STAMP_WINDOW; i++)
		assert_true(stamp_track_see(&track, i));
	expect(3 * STAMP_WINDOW, 0, 0);
	assert_false(stamp_track_see(&track, 3 * STAMP_WINDOW - 1));
	assert_false(stamp_track_see(&track, 2 * STAMP_WINDOW)); // the oldest that is known
	expect(3 * STAMP_WINDOW, 0, 2);
}

// RFC 4737 3.3: lower than the next expected, though only one was early.
static void stamp_track_one_early(void **state)
{
	static const uint64_t order[] = {0, 4, 1, 2, 3, 5};

	stamp_track_reset(&track, 0);
	for (size_t i = 0; i < RTE_DIM(order); i++)
		assert_true(stamp_track_see(&track, order[i]));
	expect(6, 3, 0);
}

static void stamp_track_late_copy(void **state)
{
	stamp_track_reset(&track, 0);
	stamp_track_see(&track, 0);
	stamp_track_see(&track, 9);
	stamp_track_see(&track, 5);
	stamp_track_see(&track, 5); // a copy is no reordering
	stamp_track_see(&track, 9);
	expect(3, 1, 2);
}

static void stamp_track_before_first(void **state)
{
	stamp_track_reset(&track, 100);
	assert_false(stamp_track_see(&track, 99));
	assert_true(stamp_track_see(&track, 100));
	expect(1, 0, 0);
}

static void stamp_track_window(void **state)
{
	stamp_track_reset(&track, 0);
	assert_true(stamp_track_see(&track, 1));
	assert_true(stamp_track_see(&track, STAMP_WINDOW + 1)); // in the same place
	assert_true(stamp_track_see(&track, 2));
	assert_false(stamp_track_see(&track, 2));
	expect(3, 1, 1);
	assert_true(stamp_track_see(&track, 1)); // out of the window: not known any more
	expect(4, 2, 1);
	assert_true(stamp_track_see(&track, 50ULL * STAMP_WINDOW)); // far: all forgotten
	assert_true(stamp_track_see(&track, 50ULL * STAMP_WINDOW - 1));
	expect(6, 3, 1);
}

// Against a model with a flag for each: a path that loses, copies and holds back.
static void stamp_track_seeded_path(void **state)
{
	enum {
		N = 50000
	};
	static uint8_t seen[N];
	uint64_t returned = 0, reordered = 0, duplicated = 0, highest = 0;
	uint32_t held[64], held_count = 0;
	struct wr_rng rng;

	memset(seen, 0, sizeof(seen));
	wr_rng_init(&rng, 7);
	stamp_track_reset(&track, 0);
	for (uint32_t i = 0; i < N; i++) {
		uint32_t out[3], n = 0, r = wr_rng_below(&rng, 100);

		if (r < 5)
			continue; // lost
		if (r < 10 && held_count < RTE_DIM(held))
			held[held_count++] = i;
		else
			out[n++] = i;
		if (r >= 97)
			out[n++] = i;
		if (r >= 90 && held_count > 0)
			out[n++] = held[--held_count];
		for (uint32_t k = 0; k < n; k++) {
			if (seen[out[k]]) {
				duplicated++;
			} else {
				seen[out[k]] = 1;
				returned++;
				reordered += out[k] < highest;
				highest = RTE_MAX(highest, out[k] + 1ULL);
			}
			stamp_track_see(&track, out[k]);
		}
	}
	assert_true(returned > N / 2 && reordered > 1000 && duplicated > 500);
	expect(returned, reordered, duplicated);
}

static void stamp_put_read_back(void **state)
{
	uint8_t b[STAMP_LEN] = {0};
	uint64_t sum = stamp_put(b, 0xf1f2f3f4f5f6f7f8ULL, 0xabcd123456789abcULL);

	assert_memory_equal(b + 4, "\xf1\xf2\xf3\xf4\xf5\xf6\xf7\xf8", 8);
	assert_memory_equal(b + 12, "\x12\x34\x56\x78\x9a\xbc", 6);
	// As the words in network order add up, seen through the byte order of the host.
	assert_int_equal(rte_be_to_cpu_16((uint16_t)(sum % 0xffff)), t_naive_sum(0, b, sizeof(b)));
}

static void stamp_ids_differ(void **state)
{
	assert_int_equal(stamp_id(1, 2) >> 16, 0x5747);
	assert_int_not_equal(stamp_id(1, 2), stamp_id(1, 3));
	assert_int_not_equal(stamp_id(1, 2), stamp_id(2, 2));
}

// A stamped frame of a kind, in segments of `cut` bytes.
struct sample {
	struct template *t;
	struct rte_mbuf *m;
	struct wr_pkt pkt;
	uint8_t b[256];
	uint32_t size;
};

static void chain(struct sample *s, uint32_t cut)
{
	struct rte_mbuf *last = NULL;

	rte_pktmbuf_free(s->m);
	s->m = NULL;
	for (uint32_t off = 0; off < s->size; off += cut) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(t_pool());
		uint32_t n = RTE_MIN(cut, s->size - off);

		assert_non_null(m);
		memcpy(rte_pktmbuf_append(m, (uint16_t)n), s->b + off, n);
		if (s->m == NULL) {
			s->m = m;
		} else {
			last->next = m;
			s->m->nb_segs++;
			s->m->pkt_len += n;
		}
		last = m;
	}
	wr_parse_frame(&s->pkt, s->m, 0);
}

static void sample(struct sample *s, enum gen_packet_kind kind, bool v6, uint8_t flags)
{
	struct gen_packets c = t_conf(kind, v6);
	struct packets_env env = t_env();

	memset(s, 0, sizeof(*s));
	c.stamp = true;
	c.flags = flags;
	c.size.first = 131;
	s->t = template_create(&c, &env, NULL);
	assert_non_null(s->t);
	s->size = template_next_size(s->t);
	template_write(s->t, s->b, s->size, 77, 88);
	chain(s, 1000);
}

static void sample_free(struct sample *s)
{
	rte_pktmbuf_free(s->m);
	template_destroy(s->t);
	assert_int_equal(rte_mempool_in_use_count(t_pool()), 0);
}

static bool intact(const struct sample *s)
{
	uint32_t off, len;
	struct stamp st;

	assert_true(stamp_locate(&s->pkt, &off, &len));
	assert_int_equal(off, s->t->payload);
	assert_int_equal(len, s->size - s->t->payload);
	assert_true(stamp_read(&s->pkt, off, &st));
	assert_int_equal(st.id, s->t->stamp_id);
	assert_int_equal(st.seq, 77);
	assert_int_equal(st.at_ns, 88);
	return stamp_intact(&s->pkt, off, len, s->t->frame + s->t->payload);
}

static const struct {
	enum gen_packet_kind kind;
	uint8_t flags; // some that the parser drops
} samples[] = {
	{GEN_PACKET_TCP, WR_TCP_SYN},
	{GEN_PACKET_TCP, WR_TCP_SYN | WR_TCP_FIN},
	{GEN_PACKET_TCP, 0},
	{GEN_PACKET_UDP, 0},
	{GEN_PACKET_ICMP_ECHO, 0},
};

static void stamp_found_every_kind(void **state)
{
	for (size_t i = 0; i < 2 * RTE_DIM(samples); i++) {
		struct sample s;

		sample(&s, samples[i / 2].kind, i & 1, samples[i / 2].flags);
		assert_true(intact(&s));
		for (uint32_t cut = 1; cut < s.size; cut += cut < 20 ? 1 : 13) {
			chain(&s, cut);
			assert_true(intact(&s));
		}
		sample_free(&s);
	}
}

// A bit flipped behind the stamp, with the checksum as it was and with one that fits.
static void stamp_harmed_payload(void **state)
{
	for (size_t i = 0; i < 2 * RTE_DIM(samples); i++) {
		struct sample s;
		uint16_t ck;
		uint32_t at, sum;

		sample(&s, samples[i / 2].kind, i & 1, samples[i / 2].flags);
		at = s.t->payload + STAMP_LEN + 2; // an even place of the checksum's words
		s.b[at] ^= 1;
		chain(&s, 60);
		assert_false(intact(&s));
		ck = t_get16(s.b + s.t->cksum); // RFC 1624 3, equation 3
		sum = (uint16_t)~ck + (s.b[at] & 1 ? 0x0100u : 0xfeffu);
		sum = (sum & 0xffff) + (sum >> 16);
		ck = (uint16_t)~sum;
		s.b[s.t->cksum] = (uint8_t)(ck >> 8);
		s.b[s.t->cksum + 1] = (uint8_t)ck;
		assert_true(t_sums_right(s.b, s.size));
		chain(&s, 60);
		assert_false(intact(&s));
		sample_free(&s);
	}
}

static void stamp_udp_without_sum(void **state)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct sample s;

		sample(&s, GEN_PACKET_UDP, v6, 0);
		memset(s.b + s.t->cksum, 0, 2);
		chain(&s, 1000);
		assert_int_equal(intact(&s), !v6);
		sample_free(&s);
	}
}

static void stamp_not_in_others(void **state)
{
	struct sample s;
	uint32_t off, len;

	sample(&s, GEN_PACKET_UDP, false, 0);
	s.pkt.payload_len = 8 + STAMP_LEN - 1; // too short
	assert_false(stamp_locate(&s.pkt, &off, &len));
	s.pkt.payload_len = 8 + STAMP_LEN;
	assert_true(stamp_locate(&s.pkt, &off, &len));
	s.pkt.proto = IPPROTO_GRE;
	assert_false(stamp_locate(&s.pkt, &off, &len));
	s.pkt.proto = IPPROTO_UDP;
	s.pkt.kind = WR_PKT_DROP;
	s.pkt.drop = WR_DROP_ip_fragment;
	assert_false(stamp_locate(&s.pkt, &off, &len));
	s.pkt.kind = WR_PKT_ARP;
	s.pkt.l3_len = 0;
	assert_false(stamp_locate(&s.pkt, &off, &len));
	sample_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stamp_track_in_order),
		cmocka_unit_test(stamp_track_one_early),
		cmocka_unit_test(stamp_track_late_copy),
		cmocka_unit_test(stamp_track_before_first),
		cmocka_unit_test(stamp_track_window),
		cmocka_unit_test(stamp_track_seeded_path),
		cmocka_unit_test(stamp_put_read_back),
		cmocka_unit_test(stamp_ids_differ),
		cmocka_unit_test(stamp_found_every_kind),
		cmocka_unit_test(stamp_harmed_payload),
		cmocka_unit_test(stamp_udp_without_sum),
		cmocka_unit_test(stamp_not_in_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
