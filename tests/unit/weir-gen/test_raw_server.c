/* SPDX-License-Identifier: BSD-3-Clause */
#include "fake_ep.h"

static uint8_t bytes[300000];

static struct ep_conn *start(void)
{
	fake_init(GEN_PROTOCOL_RAW);
	fake_start();
	return fake_open(0);
}

static void raw_answer_lengths(void **state)
{
	const uint32_t asked[] = {16, 17, 64, 100000, 1};
	const uint32_t want[] = {16, 17, 64, 100000, 16};
	struct ep_conn *c = start();

	for (uint32_t i = 0; i < 5; i++) {
		fake_request(c, i, asked[i]);
		fake_answer(c, i, want[i], MESSAGE_OK);
	}
	fake_request(c, 9, 0); // as the backend likes
	fake_answer(c, 9, 64, MESSAGE_OK);
	assert_int_equal(fake_stats()->bytes_in, 6 * 16);
	assert_int_equal(fake_stats()->bytes_out, 16 + 17 + 64 + 100000 + 16 + 64);
	fake_stop();
}

static void raw_request_cut_anywhere(void **state)
{
	struct ep_conn *c = start();
	uint32_t len = fake_request_bytes(bytes, 5, 45, 33);

	for (uint32_t cut = 1; cut < len; cut++) {
		fake_write(c, bytes, len, cut);
		fake_answer(c, 5, 33, MESSAGE_OK);
		fake_write(c, bytes, cut, 0);
		fake_write(c, bytes + cut, len - cut, 0);
		fake_answer(c, 5, 33, MESSAGE_OK);
	}
	assert_int_equal(fake_stats()->wrong_bytes, 0);
	fake_stop();
}

static void raw_request_long(void **state)
{
	struct ep_conn *c = start();
	uint32_t len = fake_request_bytes(bytes, 77, sizeof(bytes), 20);

	fake_write(c, bytes, len - 1, 1448);
	assert_int_equal(fake_stats()->requests, 0);
	fake_write(c, bytes + len - 1, 1, 0);
	fake_answer(c, 77, 20, MESSAGE_OK);
	assert_int_equal(fake_stats()->wrong_bytes, 0);
	fake_stop();
}

static void raw_answer_read_in_pieces(void **state)
{
	struct ep_conn *c = start();
	struct message m;

	for (uint32_t cut = 1; cut < 40; cut += 3) {
		fake_request(c, cut, 5000);
		assert_int_equal(fake_read(c, bytes, sizeof(bytes), cut), 5000);
		assert_true(message_read(bytes, &m));
		assert_int_equal(m.length, 5000);
		assert_true(message_verify(cut, bytes + 16, 16, 5000 - 16));
	}
	fake_stop();
}

static void raw_request_wrong_bytes(void **state)
{
	struct ep_conn *c = start();
	uint32_t len = fake_request_bytes(bytes, 5, 3000, 33);

	bytes[2999] ^= 1;
	fake_write(c, bytes, len, 100);
	fake_answer(c, 5, 33, MESSAGE_OK);
	assert_int_equal(fake_stats()->wrong_bytes, 1);
	fake_request_bytes(bytes, 6, 3000, 33);
	fake_write(c, bytes, len, 100);
	fake_answer(c, 6, 33, MESSAGE_OK);
	assert_int_equal(fake_stats()->wrong_bytes, 1);
	fake_stop();
}

static void bad(const uint8_t header[16])
{
	struct ep_conn *c = start();

	fake_request(c, 1, 0);
	fake_answer(c, 1, 64, MESSAGE_OK);
	fake_write(c, header, 16, 0);
	assert_true(c->aborted);
	assert_int_equal(fake_stats()->bad_requests, 1);
	assert_int_equal(fake_stats()->requests, 1);
	fake_stop();
}

static void raw_request_bad(void **state)
{
	struct message answer = {.answer = true, .id = 1, .length = 16};
	struct message too_much = {.id = 1, .length = 16, .value = UINT32_MAX};

	memset(bytes, 'x', 16);
	bad(bytes);
	message_write(&answer, bytes, 0, 16);
	bad(bytes);
	message_write(&too_much, bytes, 0, 16);
	bad(bytes);
	fake_request_bytes(bytes, 1, 16, 0);
	bytes[11] = 15; // shorter than a header
	bad(bytes);
}

static void raw_fin_inside_a_request(void **state)
{
	struct ep_conn *c = start();

	fake_request_bytes(bytes, 1, 16, 0);
	fake_write(c, bytes, 9, 0);
	fake_peer_fin(c);
	assert_true(c->fin);
	assert_int_equal(fake_stats()->early_closes, 1);
	fake_end(c, EP_END_CLOSED);
	assert_int_equal(fake_stats()->early_closes, 1);
	fake_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(raw_answer_lengths),
		cmocka_unit_test(raw_request_cut_anywhere),
		cmocka_unit_test(raw_request_long),
		cmocka_unit_test(raw_answer_read_in_pieces),
		cmocka_unit_test(raw_request_wrong_bytes),
		cmocka_unit_test(raw_request_bad),
		cmocka_unit_test(raw_fin_inside_a_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
