/* SPDX-License-Identifier: BSD-3-Clause */
#include "wire_test.h"

#include "wr_peek.h"

// The frame in a buffer without a pool, of which only the first `len` bytes are in the first
// segment.
static bool peek(struct t_frame *f, uint32_t len, struct wr_tuple *t)
{
	struct rte_mbuf m = {.buf_addr = f->b, .data_len = (uint16_t)len, .pkt_len = f->len};

	return wr_peek_syn(&m, t);
}

static void expect(struct t_frame *f, bool is_request)
{
	struct wr_tuple t;

	assert_int_equal(peek(f, f->len, &t), is_request);
}

// What it says of a request is what the parser says.
static void peek_agrees_with_parser(void **state)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct t_frame f;
		struct wr_tuple t;
		struct wr_pkt p;

		t_frame_tcp(&f, v6, WR_TCP_SYN, NULL, 0, 0);
		t_parse(&p, &f);
		assert_true(peek(&f, f.len, &t));
		assert_true(wr_tuple_eq(&t, &p.t));
		t_frame_tcp(&f, v6, WR_TCP_SYN | WR_TCP_ECE | WR_TCP_CWR, NULL, 0, 0);
		expect(&f, true);
	}
}

static void peek_behind_a_tag(void **state)
{
	static const uint8_t tag[4] = {0x81, 0x00, 0x00, 0x07};

	for (int v6 = 0; v6 < 2; v6++) {
		struct t_frame f;

		t_frame_tcp(&f, v6, WR_TCP_SYN, NULL, 0, 0);
		t_frame_insert(&f, 12, tag, sizeof(tag));
		t_frame_fix(&f);
		expect(&f, true);
		// A second tag is left to the parser.
		t_frame_insert(&f, 12, tag, sizeof(tag));
		expect(&f, false);
	}
}

static void peek_leaves_the_rest(void **state)
{
	static const uint8_t flags[] = {0, WR_TCP_ACK, WR_TCP_SYN | WR_TCP_ACK, WR_TCP_RST,
		WR_TCP_SYN | WR_TCP_RST, WR_TCP_SYN | WR_TCP_FIN, WR_TCP_FIN | WR_TCP_ACK};

	for (int v6 = 0; v6 < 2; v6++) {
		struct t_frame f;

		for (size_t i = 0; i < sizeof(flags); i++) {
			t_frame_tcp(&f, v6, flags[i], NULL, 0, 0);
			expect(&f, false);
		}
		t_frame_ip(&f, v6, IPPROTO_UDP, 20);
		expect(&f, false);
	}
}

static void peek_leaves_fragments(void **state)
{
	struct t_frame f;

	t_frame_tcp(&f, false, WR_TCP_SYN, NULL, 0, 0);
	f.b[f.l3 + 6] = 0x20; // more fragments
	expect(&f, false);
	f.b[f.l3 + 6] = 0;
	f.b[f.l3 + 7] = 1; // not the first one
	expect(&f, false);
	f.b[f.l3 + 6] = 0x40; // must not be fragmented
	f.b[f.l3 + 7] = 0;
	expect(&f, true);
}

// Headers that the first buffer does not hold are not read: every length, with the buffer ending
// there.
static void peek_short_at_every_length(void **state)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct t_frame f;
		struct wr_tuple t;

		t_frame_tcp(&f, v6, WR_TCP_SYN, NULL, 0, 0);
		for (uint32_t len = 0; len < f.l4 + 20; len++) {
			uint8_t *exact = malloc(len + 2); // frames lie on even addresses
			struct rte_mbuf m = {.data_len = (uint16_t)len, .pkt_len = f.len};

			memcpy(exact + 2, f.b, len); // ends with its memory
			m.buf_addr = exact + 2;
			assert_false(wr_peek_syn(&m, &t));
			free(exact);
		}
		assert_true(peek(&f, f.l4 + 20, &t));
	}
}

static void peek_header_length_impossible(void **state)
{
	struct t_frame f;

	for (uint8_t words = 0; words < 16; words++) {
		t_frame_tcp(&f, false, WR_TCP_SYN, NULL, 0, 0);
		f.b[f.l3] = (uint8_t)(0x40 | words);
		expect(&f, words == 5);
	}
	t_frame_tcp(&f, false, WR_TCP_SYN, NULL, 0, 0);
	f.b[f.l3] = 0x55; // version
	expect(&f, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(peek_agrees_with_parser),
		cmocka_unit_test(peek_behind_a_tag),
		cmocka_unit_test(peek_leaves_the_rest),
		cmocka_unit_test(peek_leaves_fragments),
		cmocka_unit_test(peek_short_at_every_length),
		cmocka_unit_test(peek_header_length_impossible),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
