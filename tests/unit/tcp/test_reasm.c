/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "peer.h"

#define A WR_TCP_ACK

static void fill(uint8_t *to, uint8_t value, uint32_t len)
{
	memset(to, value, len);
}

// case 30: every way in which a segment can overlap one that is stored; the bytes that came first
// are the ones that are read
static void overlaps(struct peer *r)
{
	uint8_t data[1000], want[1000];
	struct wr_mq q = {0};
	struct rte_mbuf *m;
	uint32_t at = 0;
	// stored: [300, 600) of 'a'. Then 'b' from `from` to `to`.
	static const uint32_t cut[][2] = {{100, 300}, {100, 400}, {100, 600}, {100, 800},
		{300, 400}, {300, 600}, {300, 800}, {400, 500}, {400, 600}, {400, 800}, {600, 800},
		{700, 800}, {200, 301}, {599, 700}};

	peer_open(r);
	for (uint32_t i = 0; i < RTE_DIM(cut); i++) {
		uint32_t base = 1 + i * 1000;

		fill(data, 'a', 300);
		peer_seg_data(r, A, base + 300, 1, data, 300);
		fill(data, 'b', 1000);
		peer_seg_data(r, A, base + cut[i][0], 1, data, cut[i][1] - cut[i][0]);
		fill(data, 'c', 1000);
		peer_seg_data(r, A, base, 1, data, 1000);
		fill(want, 'c', 1000);
		fill(want + cut[i][0], 'b', cut[i][1] - cut[i][0]);
		fill(want + 300, 'a', 300);
		assert_int_equal(peer_ooo(r)->count, 0);
		assert_int_equal(wr_tcp_read(r->s, r->conn, &q, UINT32_MAX, r->p.now), 1000);
		at = 0;
		wr_mq_foreach (m, &q) {
			assert_memory_equal(rte_pktmbuf_mtod(m, void *), want + at, m->data_len);
			at += m->data_len;
		}
		assert_int_equal(at, 1000);
		wr_tcp_free_mq(r->s, &q, WR_DROP_NONE);
	}
	assert_int_equal(r->s->held_rx + r->s->held_small, 0);
}

// A segment that fills several gaps at once.
static void superset_of_many(struct peer *r)
{
	peer_open(r);
	peer_seg(r, A, 101, 1, 50);
	peer_seg(r, A, 301, 1, 300);
	peer_seg(r, A, 801, 1, 10);
	assert_int_equal(peer_ooo(r)->count, 3);
	peer_seg(r, A, 51, 1, 1400);
	assert_int_equal(peer_ooo(r)->bytes, 1400);
	peer_seg(r, A, 1, 1, 1460);
	peer_expect(r, 0, A, 1, 1461, 0);
	assert_int_equal(peer_read(r, 1), 1460);
}

// one duplicate ACK at least for each burst, with the newest block first
static void out_of_order_is_reported(struct peer *r)
{
	peer_open(r);
	peer_seg(r, A, 1001, 1, 1000);
	peer_expect(r, 0, A, 1, 1, 0);
	peer_seg(r, A, 3001, 1, 1000);
	peer_expect(r, 0, A, 1, 1, 0);
	if (r->v.opts & WR_TCPOPT_SACKOK) {
		assert_int_equal(r->out[0].k.sack_count, 2);
		assert_int_equal(r->out[0].k.sack[0].left - r->irs, 3001);
		assert_int_equal(r->out[0].k.sack[0].right - r->irs, 4001);
		assert_int_equal(r->out[0].k.sack[1].left - r->irs, 1001);
	} else {
		assert_int_equal(r->out[0].k.sack_count, 0);
	}
	peer_seg(r, A, 1, 1, 1000);
	peer_expect(r, 0, A, 1, 2001, 0);
	assert_int_equal(r->out[0].k.sack_count, r->v.opts & WR_TCPOPT_SACKOK ? 1 : 0);
	peer_seg(r, A, 2001, 1, 1000);
	peer_expect(r, 0, A, 1, 4001, 0);
	assert_int_equal(r->out[0].k.sack_count, 0);
	assert_int_equal(peer_read(r, 1), 4000);
}

static void repeated_out_of_order(struct peer *r)
{
	peer_open(r);
	peer_seg(r, A, 1001, 1, 1000);
	peer_seg(r, A, 1001, 1, 1000);
	assert_int_equal(r->st->drop_bytes[WR_DROP_pay_duplicate], 1000);
	assert_int_equal(peer_ooo(r)->count, 1);
}

// case 31 and tail-first eviction
static void reasm_full_store_takes_the_missing(void **state)
{
	struct wr_tcp_config cfg = pair_config();

	cfg.ooo_segs_max = 4;
	for (uint32_t v = 0; v < peer_variant_count; v++) {
		struct peer *r = peer_start(&peer_variants[v], &cfg);

		peer_open(r);
		for (uint32_t i = 4; i < 8; i++)
			peer_seg(r, A, 1 + i * 1000, 1, 1000);
		peer_seg(r, A, 9001, 1, 1000); // behind all: refused
		assert_int_equal(r->st->drop_bytes[WR_DROP_pay_ooo_limit], 1000);
		peer_seg(r, A, 1001, 1, 1000); // before them: the last one goes
		assert_int_equal(r->st->drop_bytes[WR_DROP_pay_ooo_evicted], 1000);
		assert_int_equal(peer_ooo(r)->count, 4);
		if (r->v.opts & WR_TCPOPT_SACKOK)
			for (uint32_t i = 0; i < r->out[0].k.sack_count; i++)
				assert_true(r->out[0].k.sack[i].right - r->irs <= 7001);
		peer_seg(r, A, 1, 1, 1000);
		peer_expect(r, 0, A, 1, 2001, 0);
		peer_seg(r, A, 2001, 1, 2000);
		peer_expect(r, 0, A, 1, 7001, 0);
		assert_int_equal(peer_read(r, 1), 7000);
		peer_stop(r);
	}
}

static void reasm_stack_limit_counts_all_connections(void **state)
{
	struct wr_tcp_config cfg = pair_config();
	struct peer *r;

	cfg.ooo_total_max = 2;
	r = peer_start(&peer_variants[0], &cfg);
	peer_open(r);
	peer_seg(r, A, 1001, 1, 500);
	peer_seg(r, A, 2001, 1, 500);
	r->t.rport++;
	r->conn = WR_HANDLE_NONE;
	peer_open(r);
	peer_seg(r, A, 1001, 1, 500);
	assert_int_equal(r->st->drop_bytes[WR_DROP_pay_ooo_limit], 500);
	peer_seg(r, A, 1, 1, 500);
	assert_int_equal(peer_read(r, 1), 500);
	peer_stop(r);
}

// case 32: single bytes that never become contiguous are bounded by buffers
static void one_byte_flood(struct peer *r)
{
	peer_open(r);
	for (uint32_t i = 0; i < 1000; i++)
		peer_seg(r, A, 3 + 2 * i, 1, 1);
	assert_int_equal(peer_ooo(r)->count, 128);
	assert_int_equal(r->s->held_small, 128);
	assert_int_equal(r->st->drop[WR_DROP_pay_ooo_limit], 1000 - 128);
}

// case 32 in order: what is small is gathered in few buffers
static void small_in_order(struct peer *r)
{
	peer_open(r);
	for (uint32_t i = 0; i < 512; i++)
		peer_seg(r, A, 1 + i, 1, 1);
	assert_int_equal(peer_conn(r)->rcvq.count, 1);
	assert_int_equal(r->s->held_rx, 0);
	assert_int_equal(r->st->ctr[WR_CTR_pay_copied_bytes], 512);
	assert_int_equal(peer_read(r, 1), 512);
}

// A flood of single bytes in order: what it may pin is a small part of the window shown, whether it
// is read by nobody, or what is read is taken by nobody.
static void one_byte_share(struct peer *r)
{
	uint32_t sent = 0, pinned = 0, buf;
	struct wr_mq q = {0};

	peer_open(r);
	buf = peer_conn(r)->rcv_buf;
	while (peer_conn(r)->rcv_adv != peer_conn(r)->rcv_nxt && sent < buf) {
		peer_seg(r, A, 1 + sent, 1, 1);
		sent++;
	}
	assert_int_equal(r->s->held_rx, 0);
	assert_in_range(r->s->held_small, 1, buf / 512 + 1);
	assert_int_equal(peer_read(r, 1), sent);
	// read as they come and written on, to a peer that takes nothing
	for (uint32_t i = 0; i < 2000; i++) {
		uint32_t space = wr_tcp_send_space(r->s, r->conn);

		peer_seg(r, A, 1 + sent + i, 1, 1);
		if (space > 0 && wr_tcp_read(r->s, r->conn, &q, space, r->p.now) > 0)
			wr_tcp_write(r->s, r->conn, &q, r->p.now);
		pinned = RTE_MAX(pinned, r->s->held_small);
	}
	assert_in_range(pinned, 200, peer_conn(r)->snd_buf / 512 + buf / 512 + 2);
	assert_true(peer_conn(r)->sndq.count <= peer_conn(r)->snd_buf / 512);
}

static void reasm_one_byte_share(void **state)
{
	for (uint32_t v = 0; v < peer_variant_count; v++) {
		struct peer *r = peer_start(&peer_variants[v], NULL);

		r->p.check = false; // what is written is not the application's stream
		one_byte_share(r);
		peer_stop(r);
	}
}

// From level 2 on payload that fills less than a quarter of its buffer is copied; in order and not.
static void compaction(struct peer *r)
{
	const uint32_t quarter = (rte_pktmbuf_data_room_size(r->p.rx) - RTE_PKTMBUF_HEADROOM) / 4;
	uint32_t seq = 1;

	peer_open(r);
	wr_tcp_set_pressure(r->s, 1, 4);
	peer_seg(r, A, seq, 1, quarter - 1);
	seq += quarter - 1;
	assert_int_equal(r->s->held_rx, 1);
	wr_tcp_set_pressure(r->s, 2, 4);
	peer_seg(r, A, seq, 1, quarter);
	seq += quarter;
	assert_int_equal(r->s->held_rx, 2);
	assert_int_equal(r->st->ctr[WR_CTR_pay_compacted], 0);
	peer_seg(r, A, seq, 1, quarter - 1);
	seq += quarter - 1;
	assert_int_equal(r->s->held_rx, 2);
	assert_in_range(r->s->held_small, 1, 2);
	assert_int_equal(r->st->ctr[WR_CTR_pay_compacted], 1);
	peer_seg(r, A, seq + 100, 1, quarter - 1); // out of order
	assert_int_equal(r->s->held_rx, 2);
	assert_int_equal(r->st->ctr[WR_CTR_pay_compacted], 2);
	peer_seg(r, A, seq, 1, 100); // what is copied in any case is not counted
	assert_int_equal(r->st->ctr[WR_CTR_pay_compacted], 2);
	seq += 100 + quarter - 1;
	assert_int_equal(peer_read(r, 1), seq - 1);
	// two of them share a small buffer
	peer_seg(r, A, seq, 1, WR_COPY_BYTES);
	peer_seg(r, A, seq + WR_COPY_BYTES, 1, WR_COPY_BYTES);
	assert_int_equal(r->s->held_small, 1);
	assert_int_equal(r->st->ctr[WR_CTR_pay_compacted], 4);
	assert_int_equal(peer_read(r, seq), 2 * WR_COPY_BYTES);
	seq += 2 * WR_COPY_BYTES;
	// without small buffers it is kept as it came
	r->s->cfg.small_budget = 0;
	peer_seg(r, A, seq, 1, quarter - 1);
	assert_int_equal(r->s->held_rx, 1);
	assert_int_equal(r->st->ctr[WR_CTR_pay_compacted], 4);
	assert_int_equal(peer_read(r, seq), quarter - 1);
}

static void reasm_no_credit_discards_unacknowledged(void **state)
{
	struct wr_tcp_config cfg = pair_config();

	cfg.held_budget = 10;
	cfg.held_reserve = 4;
	cfg.ooo_total_max = 100;
	for (uint32_t v = 0; v < peer_variant_count; v++) {
		struct peer *r = peer_start(&peer_variants[v], &cfg);
		uint32_t seq = 1;

		peer_open(r);
		for (uint32_t i = 0; i < 6; i++)
			peer_seg(r, A, 5001 + i * 1000, 1, 1000);
		assert_int_equal(r->s->held_rx, 6);
		peer_seg(r, A, 3001, 1, 1000); // beyond what is for everybody
		assert_int_equal(r->st->drop_bytes[WR_DROP_pay_no_credit], 1000);
		for (; seq < 4001; seq += 1000) { // the edge has the reserve
			peer_seg(r, A, seq, 1, 1000);
			peer_expect(r, 0, A, 1, seq + 1000, 0);
		}
		assert_int_equal(r->s->held_rx, 10);
		// and then what waits behind it
		peer_seg(r, A, 4001, 1, 1000);
		assert_int_equal(r->st->drop_bytes[WR_DROP_pay_ooo_evicted], 1000);
		assert_int_equal(r->s->held_rx, 10);
		peer_seg(r, A, 10001, 1, 1000);
		peer_expect(r, 0, A, 1, 10001, 0);
		assert_int_equal(r->st->drop_bytes[WR_DROP_pay_no_credit], 2000);
		assert_int_equal(peer_read(r, 1), 10000);
		peer_seg(r, A, 10001, 1, 1000);
		peer_expect(r, 0, A, 1, 11001, 0);
		assert_int_equal(peer_read(r, 10001), 1000);
		peer_stop(r);
	}
}

#define EACH(name, body)                                                                           \
	static void name(void **state)                                                             \
	{                                                                                          \
		PEER_EACH(body);                                                                   \
	}
EACH(reasm_overlaps, overlaps)
EACH(reasm_superset_of_many, superset_of_many)
EACH(reasm_out_of_order_is_reported, out_of_order_is_reported)
EACH(reasm_repeated_out_of_order, repeated_out_of_order)
EACH(reasm_one_byte_flood, one_byte_flood)
EACH(reasm_small_in_order, small_in_order)
EACH(reasm_compaction, compaction)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reasm_overlaps),
		cmocka_unit_test(reasm_superset_of_many),
		cmocka_unit_test(reasm_out_of_order_is_reported),
		cmocka_unit_test(reasm_repeated_out_of_order),
		cmocka_unit_test(reasm_one_byte_flood),
		cmocka_unit_test(reasm_small_in_order),
		cmocka_unit_test(reasm_one_byte_share),
		cmocka_unit_test(reasm_compaction),
		cmocka_unit_test(reasm_full_store_takes_the_missing),
		cmocka_unit_test(reasm_stack_limit_counts_all_connections),
		cmocka_unit_test(reasm_no_credit_discards_unacknowledged),
	};

	wr_test_eal_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
