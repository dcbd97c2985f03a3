/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "peer.h"

#define ENTRIES 5

// Five entries of two segments each are out, and a sixth waits.
static struct wr_tcp_conn *entries_out(
	struct peer *r, struct wr_tcp_disorder **d, struct rte_mbuf **e)
{
	struct wr_tcp_conn *c;
	struct rte_mbuf *m;
	uint32_t i = 0;

	r->mss = 900;
	peer_open(r);
	c = peer_conn(r);
	assert_int_equal(c->cwnd, 10 * c->mss);
	peer_write(r, 12u * c->mss, 2u * c->mss);
	assert_int_equal(r->n, 10);
	*d = wr_tcp_disorder_need(r->s, c);
	assert_non_null(*d);
	wr_mq_foreach (m, &c->sndq)
		if (i < ENTRIES)
			e[i++] = m;
	assert_int_equal(i, ENTRIES);
	return c;
}

// The ring holds these, oldest first, in both directions.
static void expect_ring(const struct wr_tcp_disorder *d, struct rte_mbuf *const *e, uint32_t n)
{
	struct rte_mbuf *m = d->sent;

	if (n == 0) {
		assert_null(m);
		return;
	}
	for (uint32_t i = 0; i < n; i++) {
		assert_ptr_equal(m, e[i]);
		assert_true(wr_mbuf_priv(m)->flags & WR_MBUF_F_SENT);
		assert_ptr_equal(wr_mbuf_priv(wr_mbuf_priv(m)->later)->earlier, m);
		m = wr_mbuf_priv(m)->later;
	}
	assert_ptr_equal(m, d->sent);
}

#define RING(d, ...)                                                                               \
	do {                                                                                       \
		struct rte_mbuf *ring_[] = {__VA_ARGS__};                                          \
		expect_ring((d), ring_, RTE_DIM(ring_));                                           \
	} while (0)

static void built_in_order(struct peer *r)
{
	struct wr_tcp_disorder *d;
	struct rte_mbuf *e[ENTRIES];
	struct wr_tcp_conn *c = entries_out(r, &d, e);

	expect_ring(d, e, ENTRIES);
	assert_false(wr_mbuf_priv(wr_mbuf_priv(e[4])->next)->flags & WR_MBUF_F_SENT);
	wr_tcp_disorder_free(r->s, c);
	for (uint32_t i = 0; i < ENTRIES; i++)
		assert_false(wr_mbuf_priv(e[i])->flags & WR_MBUF_F_SENT);
}

static void sent_again_is_newest(struct peer *r)
{
	struct wr_tcp_disorder *d;
	struct rte_mbuf *e[ENTRIES];

	entries_out(r, &d, e);
	wr_mbuf_priv(e[0])->sent_us += 10;
	wr_tcp_inflight_sent(d, e[0]);
	RING(d, e[1], e[2], e[3], e[4], e[0]);
	wr_mbuf_priv(e[3])->sent_us += 20;
	wr_tcp_inflight_sent(d, e[3]);
	RING(d, e[1], e[2], e[4], e[0], e[3]);
}

// What comes back from an undone recovery has its old time.
static void put_back_by_time(struct peer *r)
{
	struct wr_tcp_disorder *d;
	struct rte_mbuf *e[ENTRIES];

	entries_out(r, &d, e);
	for (uint32_t i = 0; i < ENTRIES; i++)
		wr_mbuf_priv(e[i])->sent_us += 10 * i;
	wr_tcp_inflight_gone(d, e[2]);
	wr_tcp_inflight_sent(d, e[2]);
	RING(d, e[0], e[1], e[2], e[3], e[4]);
	wr_tcp_inflight_gone(d, e[0]);
	wr_tcp_inflight_sent(d, e[0]); // older than all of them
	RING(d, e[0], e[1], e[2], e[3], e[4]);
	wr_mbuf_priv(e[4])->sent_us = wr_mbuf_priv(e[1])->sent_us;
	wr_tcp_inflight_sent(d, e[4]); // behind what was sent at the same time
	RING(d, e[0], e[1], e[4], e[2], e[3]);
}

static void gone_from_anywhere(struct peer *r)
{
	struct wr_tcp_disorder *d;
	struct rte_mbuf *e[ENTRIES];

	entries_out(r, &d, e);
	wr_tcp_inflight_gone(d, e[2]);
	wr_tcp_inflight_gone(d, e[2]); // no matter
	RING(d, e[0], e[1], e[3], e[4]);
	wr_tcp_inflight_gone(d, e[0]);
	RING(d, e[1], e[3], e[4]);
	wr_tcp_inflight_gone(d, e[4]);
	RING(d, e[1], e[3]);
	wr_tcp_inflight_gone(d, e[1]);
	wr_tcp_inflight_gone(d, e[3]);
	expect_ring(d, NULL, 0);
	wr_tcp_inflight_sent(d, e[3]);
	RING(d, e[3]);
	for (uint32_t i = 0; i < ENTRIES; i++)
		wr_tcp_inflight_sent(d, e[i]);
	expect_ring(d, e, ENTRIES);
}

static void bytes_of_an_entry(struct peer *r)
{
	struct wr_tcp_disorder *d;
	struct rte_mbuf *e[ENTRIES];
	struct wr_tcp_conn *c = entries_out(r, &d, e);
	uint32_t una = c->snd_una, nxt = c->snd_nxt, m = c->mss;

	assert_int_equal(wr_tcp_inflight_bytes(c, e[0]), 2 * m);
	assert_int_equal(wr_tcp_inflight_bytes(c, wr_mbuf_priv(e[4])->next), 0); // not sent
	c->snd_una += 3;
	c->snd_nxt -= m + 4;
	assert_int_equal(wr_tcp_inflight_bytes(c, e[0]), 2 * m - 3);
	assert_int_equal(wr_tcp_inflight_bytes(c, e[1]), 2 * m);
	assert_int_equal(wr_tcp_inflight_bytes(c, e[4]), m - 4);
	c->snd_una += 2 * m;
	assert_int_equal(wr_tcp_inflight_bytes(c, e[0]), 0);
	c->snd_una = una;
	c->snd_nxt = nxt;
}

static void lost_and_found(struct peer *r)
{
	struct wr_tcp_disorder *d;
	struct rte_mbuf *e[ENTRIES];
	struct wr_tcp_conn *c = entries_out(r, &d, e);
	uint32_t m = c->mss;

	assert_null(wr_tcp_inflight_next_lost(c));
	assert_int_equal(wr_tcp_inflight_lost(c, d, e[3]), 2 * m);
	assert_int_equal(wr_tcp_inflight_lost(c, d, e[3]), 0); // once
	assert_ptr_equal(wr_tcp_inflight_next_lost(c), e[3]);
	assert_int_equal(wr_tcp_inflight_lost(c, d, e[1]), 2 * m);
	RING(d, e[0], e[2], e[4]);
	assert_int_equal(c->lost_bytes, 4 * m);
	assert_ptr_equal(wr_tcp_inflight_next_lost(c), e[1]); // oldest first
	assert_int_equal(c->rtx_nxt, wr_mbuf_priv(e[1])->seq);
	wr_tcp_inflight_not_lost(c, e[1]);
	assert_int_equal(c->lost_bytes, 2 * m);
	assert_ptr_equal(wr_tcp_inflight_next_lost(c), e[3]);
	wr_tcp_inflight_not_lost(c, e[3]);
	assert_int_equal(c->lost_bytes, 0);
	assert_null(wr_tcp_inflight_next_lost(c));
	wr_tcp_inflight_none_lost(c, d);
}

static void sacked_is_not_lost(struct peer *r)
{
	struct wr_tcp_disorder *d;
	struct rte_mbuf *e[ENTRIES];
	struct wr_tcp_conn *c = entries_out(r, &d, e);

	wr_mbuf_priv(e[2])->flags |= WR_MBUF_F_SACKED;
	assert_int_equal(wr_tcp_inflight_lost(c, d, e[2]), 0);
	wr_tcp_inflight_all_lost(c, d);
	assert_int_equal(c->lost_bytes, 8 * c->mss);
	assert_false(wr_mbuf_priv(e[2])->flags & WR_MBUF_F_LOST);
	wr_mbuf_priv(e[2])->flags &= (uint16_t)~WR_MBUF_F_SACKED;
	wr_tcp_inflight_none_lost(c, d);
}

// An entry is being sent again when one before it turns out to be lost: it comes again as a whole.
static void sent_again_in_part(struct peer *r)
{
	struct wr_tcp_disorder *d;
	struct rte_mbuf *e[ENTRIES];
	struct wr_tcp_conn *c = entries_out(r, &d, e);
	uint32_t m = c->mss;

	wr_tcp_inflight_lost(c, d, e[2]);
	c->rtx_nxt += m; // as output does
	c->lost_bytes -= m;
	assert_int_equal(wr_tcp_inflight_lost(c, d, e[1]), 2 * m);
	assert_int_equal(c->lost_bytes, 4 * m);
	assert_ptr_equal(wr_tcp_inflight_next_lost(c), e[1]);
	wr_tcp_inflight_not_lost(c, e[1]);
	assert_ptr_equal(wr_tcp_inflight_next_lost(c), e[2]);
	assert_int_equal(c->rtx_nxt, wr_mbuf_priv(e[2])->seq);
	// only what was not sent again leaves the sum
	c->rtx_nxt += m;
	c->lost_bytes -= m;
	wr_tcp_inflight_not_lost(c, e[2]);
	assert_int_equal(c->lost_bytes, 0);
	wr_tcp_inflight_none_lost(c, d);
}

static void all_and_none(struct peer *r)
{
	struct wr_tcp_disorder *d;
	struct rte_mbuf *e[ENTRIES];
	struct wr_tcp_conn *c = entries_out(r, &d, e);

	wr_tcp_inflight_all_lost(c, d);
	assert_int_equal(c->lost_bytes, 10 * c->mss);
	assert_int_equal(wr_tcp_pipe(c), 0);
	assert_ptr_equal(wr_tcp_inflight_next_lost(c), e[0]);
	expect_ring(d, NULL, 0);
	assert_false(wr_mbuf_priv(wr_mbuf_priv(e[4])->next)->flags & WR_MBUF_F_LOST); // not sent
	wr_tcp_inflight_none_lost(c, d);
	assert_int_equal(c->lost_bytes, 0);
	assert_null(wr_tcp_inflight_next_lost(c));
	expect_ring(d, e, ENTRIES);
}

// A lost entry is acknowledged in part: what is sent again begins behind that.
static void next_is_not_acknowledged(struct peer *r)
{
	struct wr_tcp_disorder *d;
	struct rte_mbuf *e[ENTRIES];
	struct wr_tcp_conn *c = entries_out(r, &d, e);

	wr_tcp_inflight_lost(c, d, e[0]);
	c->snd_una += 7;
	c->lost_bytes -= 7;
	assert_ptr_equal(wr_tcp_inflight_next_lost(c), e[0]);
	assert_int_equal(c->rtx_nxt, c->snd_una);
	c->snd_una -= 7;
	c->lost_bytes += 7;
	wr_tcp_inflight_none_lost(c, d);
}

#define EACH(name, body)                                                                           \
	static void name(void **state)                                                             \
	{                                                                                          \
		PEER_EACH(body);                                                                   \
	}
EACH(inflight_built_in_order, built_in_order)
EACH(inflight_sent_again_is_newest, sent_again_is_newest)
EACH(inflight_put_back_by_time, put_back_by_time)
EACH(inflight_gone_from_anywhere, gone_from_anywhere)
EACH(inflight_bytes_of_an_entry, bytes_of_an_entry)
EACH(inflight_lost_and_found, lost_and_found)
EACH(inflight_sacked_is_not_lost, sacked_is_not_lost)
EACH(inflight_sent_again_in_part, sent_again_in_part)
EACH(inflight_all_and_none, all_and_none)
EACH(inflight_next_is_not_acknowledged, next_is_not_acknowledged)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(inflight_built_in_order),
		cmocka_unit_test(inflight_sent_again_is_newest),
		cmocka_unit_test(inflight_put_back_by_time),
		cmocka_unit_test(inflight_gone_from_anywhere),
		cmocka_unit_test(inflight_bytes_of_an_entry),
		cmocka_unit_test(inflight_lost_and_found),
		cmocka_unit_test(inflight_sacked_is_not_lost),
		cmocka_unit_test(inflight_sent_again_in_part),
		cmocka_unit_test(inflight_all_and_none),
		cmocka_unit_test(inflight_next_is_not_acknowledged),
	};

	wr_test_eal_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
