/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "peer.h"

#define A WR_TCP_ACK

static void expect_blocks(const struct wr_tcp_disorder *d, uint32_t n, const uint32_t (*want)[2])
{
	assert_int_equal(d->sack_count, n);
	for (uint32_t i = 0; i < n; i++) {
		assert_int_equal(d->sack[i].left, want[i][0]);
		assert_int_equal(d->sack[i].right, want[i][1]);
	}
}

static void sack_note_merges_and_leads(void **state)
{
	struct wr_tcp_disorder d = {0};

	wr_tcp_sack_note(&d, 200, 300);
	wr_tcp_sack_note(&d, 400, 500);
	expect_blocks(&d, 2, (const uint32_t[][2]){{400, 500}, {200, 300}});
	wr_tcp_sack_note(&d, 600, 700);
	wr_tcp_sack_note(&d, 300, 350);
	expect_blocks(&d, 3, (const uint32_t[][2]){{200, 350}, {600, 700}, {400, 500}});
	wr_tcp_sack_note(&d, 350, 400); // closes the gap between two
	expect_blocks(&d, 2, (const uint32_t[][2]){{200, 500}, {600, 700}});
}

static void sack_note_forgets_the_oldest(void **state)
{
	struct wr_tcp_disorder d = {0};

	for (uint32_t i = 0; i < 6; i++)
		wr_tcp_sack_note(&d, i * 100, i * 100 + 50);
	expect_blocks(&d, 4, (const uint32_t[][2]){{500, 550}, {400, 450}, {300, 350}, {200, 250}});
}

static void sack_note_across_the_wrap(void **state)
{
	struct wr_tcp_disorder d = {0};

	wr_tcp_sack_note(&d, 0xfffffff0, 0x10);
	wr_tcp_sack_note(&d, 0x10, 0x20);
	expect_blocks(&d, 1, (const uint32_t[][2]){{0xfffffff0, 0x20}});
	wr_tcp_sack_advance(&d, 0x20);
	assert_int_equal(d.sack_count, 0);
}

static void sack_cut_reports_only_what_is_held(void **state)
{
	struct wr_tcp_disorder d = {0};

	wr_tcp_sack_note(&d, 100, 200);
	wr_tcp_sack_note(&d, 300, 400);
	wr_tcp_sack_cut(&d, 350);
	expect_blocks(&d, 2, (const uint32_t[][2]){{300, 350}, {100, 200}});
	wr_tcp_sack_cut(&d, 300);
	expect_blocks(&d, 1, (const uint32_t[][2]){{100, 200}});
}

static void report(struct peer *r, uint32_t left, uint32_t right)
{
	r->sack[0] = (struct wr_sack_block){left, right};
	r->sack_count = 1;
	peer_seg(r, A, 1, 1, 0);
}

// case 28
static void marks(struct peer *r)
{
	peer_open(r);
	if (!(r->v.opts & WR_TCPOPT_SACKOK))
		return;
	peer_write(r, 5000, 1000);
	report(r, 2001, 1001);  // inverted
	report(r, 1 - 500u, 1); // below SND.UNA
	report(r, 1, 1001);     // at it
	report(r, 4001, 5002);  // beyond what was sent
	report(r, 1500, 1600);  // inside of an entry
	assert_int_equal(peer_conn(r)->sacked_bytes, 0);
	report(r, 1001, 3001);
	assert_int_equal(peer_conn(r)->sacked_bytes, 2000);
	report(r, 1001, 3001); // again
	assert_int_equal(peer_conn(r)->sacked_bytes, 2000);
	peer_seg(r, A, 1, 2001, 0);
	assert_int_equal(peer_conn(r)->sacked_bytes, 1000);
}

// case 27: after a time-out all of it is sent again, whatever was reported
static void reneging(struct peer *r)
{
	peer_open(r);
	if (!(r->v.opts & WR_TCPOPT_SACKOK))
		return;
	peer_write(r, 3000, 1000);
	report(r, 1001, 3001);
	assert_int_equal(peer_conn(r)->sacked_bytes, 2000);
	peer_wait(r, 700000); // what RACK repeats at once is lost as well
	assert_int_equal(peer_conn(r)->sacked_bytes, 0);
	assert_int_equal(r->out[r->n - 1].seq, 1);
	assert_int_equal(r->out[r->n - 1].k.payload_len, peer_conn(r)->mss);
	peer_seg(r, A, 1, 1001, 0);
	assert_int_equal(r->out[0].seq, 1 + peer_conn(r)->mss);
	assert_true(r->out[0].k.payload_len > 0);
}

static void not_negotiated(struct peer *r)
{
	peer_open(r);
	if (r->v.opts & WR_TCPOPT_SACKOK)
		return;
	peer_write(r, 3000, 1000);
	report(r, 1001, 3001); // counts as one segment that arrived, like any duplicate ACK
	assert_int_equal(peer_conn(r)->sacked_bytes, peer_conn(r)->mss);
	assert_int_equal(
		wr_mbuf_priv(wr_mbuf_priv(peer_conn(r)->sndq.head)->next)->flags & WR_MBUF_F_SACKED,
		0);
}

#define EACH(name, body)                                                                           \
	static void name(void **state)                                                             \
	{                                                                                          \
		PEER_EACH(body);                                                                   \
	}
EACH(sack_marks_only_sane_blocks, marks)
EACH(sack_reneging_is_survived, reneging)
EACH(sack_not_negotiated_is_ignored, not_negotiated)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sack_note_merges_and_leads),
		cmocka_unit_test(sack_note_forgets_the_oldest),
		cmocka_unit_test(sack_note_across_the_wrap),
		cmocka_unit_test(sack_cut_reports_only_what_is_held),
		cmocka_unit_test(sack_marks_only_sane_blocks),
		cmocka_unit_test(sack_reneging_is_survived),
		cmocka_unit_test(sack_not_negotiated_is_ignored),
	};

	wr_test_eal_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
