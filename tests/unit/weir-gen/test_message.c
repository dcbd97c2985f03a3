/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "message.h"

#define LONG (200 * 1024u)

static uint8_t whole[LONG], part[LONG];

static void message_header_reads_back_as_written(void **state)
{
	struct message out, m = {.answer = true, .id = 0xdeadbeef, .length = 16, .value = 1};

	message_write(&m, whole, 0, MESSAGE_HEADER);
	assert_memory_equal(whole, "WGA1\xde\xad\xbe\xef\0\0\0\x10\0\0\0\x01", 16);
	assert_true(message_read(whole, &out));
	assert_true(out.answer);
	assert_int_equal(out.id, m.id);
	assert_int_equal(out.length, 16);
	assert_int_equal(out.value, 1);
	m = (struct message){.id = 7, .length = 100, .value = 5000};
	message_write(&m, whole, 0, MESSAGE_HEADER);
	assert_memory_equal(whole, "WGQ1", 4);
	assert_true(message_read(whole, &out));
	assert_false(out.answer);
	assert_int_equal(out.length, 100);
	assert_int_equal(out.value, 5000);
}

static void message_header_refuses_bad_magic_and_length(void **state)
{
	struct message out, m = {.id = 1, .length = 16};

	message_write(&m, whole, 0, 16);
	for (uint32_t bit = 0; bit < 32; bit++) {
		whole[bit / 8] ^= (uint8_t)(1u << (bit % 8));
		if (memcmp(whole, "WGA1", 4) != 0) // Q and A are one bit apart
			assert_false(message_read(whole, &out));
		whole[bit / 8] ^= (uint8_t)(1u << (bit % 8));
	}
	m.length = 15;
	message_write(&m, whole, 0, 16);
	assert_false(message_read(whole, &out));
}

// Every piece of a message is the same as in the message written whole, over the table's end too.
static void message_write_pieces_equal_whole(void **state)
{
	static const uint32_t sizes[] = {1, 3, 15, 16, 17, 1000, 1460, 65535, 65536, 65537};
	struct message m = {.id = 12345, .length = LONG};
	uint32_t n;

	message_write(&m, whole, 0, LONG);
	assert_true(message_verify(m.id, whole + 16, 16, LONG - 16));
	for (uint32_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		memset(part, 0, LONG);
		for (uint32_t at = 0; at < LONG; at += n) {
			n = sizes[i] < LONG - at ? sizes[i] : LONG - at;
			message_write(&m, part + at, at, n);
			if (at >= MESSAGE_HEADER)
				assert_true(message_verify(m.id, part + at, at, n));
		}
		assert_memory_equal(whole, part, LONG);
	}
}

static void message_verify_finds_any_changed_byte(void **state)
{
	struct message m = {.id = 99, .length = 3000};

	message_write(&m, whole, 0, m.length);
	for (uint32_t i = MESSAGE_HEADER; i < m.length; i++) {
		whole[i] ^= 0x40;
		assert_false(message_verify(m.id, whole + 16, 16, m.length - 16));
		whole[i] ^= 0x40;
	}
	assert_true(message_verify(m.id, whole + 16, 16, m.length - 16));
	assert_true(message_verify(m.id, whole + 16, 16, 0));
}

// A piece of another message or of another place is not taken for right.
static void message_verify_finds_wrong_place(void **state)
{
	struct message m = {.id = 5, .length = LONG};

	message_write(&m, whole, 0, LONG);
	for (uint32_t id = 6; id < 1000; id++)
		assert_false(message_verify(id, whole + 16, 16, 64));
	for (uint32_t shift = 1; shift < 2000; shift++)
		assert_false(message_verify(m.id, whole + 100 + shift, 100, 64));
	assert_false(message_verify(m.id, whole + 100 + 65536, 100, 64));
	assert_false(message_verify(m.id, whole + 100, 100 + 65536, 64));
}

static void message_bytes_are_spread(void **state)
{
	struct message m = {.id = 1, .length = 65536 + 16};
	uint32_t count[256] = {0};

	message_write(&m, whole, 0, m.length);
	for (uint32_t i = 16; i < m.length; i++)
		count[whole[i]]++;
	for (uint32_t i = 0; i < 256; i++)
		assert_in_range(count[i], 160, 360);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(message_header_reads_back_as_written),
		cmocka_unit_test(message_header_refuses_bad_magic_and_length),
		cmocka_unit_test(message_write_pieces_equal_whole),
		cmocka_unit_test(message_verify_finds_any_changed_byte),
		cmocka_unit_test(message_verify_finds_wrong_place),
		cmocka_unit_test(message_bytes_are_spread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
