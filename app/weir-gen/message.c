/* SPDX-License-Identifier: BSD-3-Clause */
#include "message.h"

#include <string.h>

#include "wr_rng.h"

#define MAGIC_REQUEST 0x57475131u // "WGQ1"
#define MAGIC_ANSWER  0x57474131u // "WGA1"

// Bodies are windows into one table of random bytes. Where the window begins depends on the id and
// on which 64 KiB of the message it is, so that a byte of another message, or of another place of
// this one, is found out; a block that begins elsewhere is taken for right once in 65,536 times.
#define TABLE_BYTES 65536u
#define TABLE_MASK  (TABLE_BYTES - 1)

static uint8_t table[TABLE_BYTES]; // constant from before main() on

// Before main(), so that neither order of calls nor threads matter; the same in every process, as
// the two sides may be two.
__attribute__((constructor)) static void fill_table(void)
{
	struct wr_rng rng;
	uint64_t v;

	wr_rng_init(&rng, 0x7765697267656e31ULL);
	for (uint32_t i = 0; i < TABLE_BYTES; i += sizeof(v)) {
		v = wr_rng_next(&rng);
		memcpy(table + i, &v, sizeof(v));
	}
}

// The longest run of the table that holds body bytes from `offset` on; *len is cut to it.
static const uint8_t *window(uint32_t id, uint32_t offset, uint32_t *len)
{
	uint64_t key = ((uint64_t)id << 16 | offset / TABLE_BYTES) + 1;
	uint32_t begin = (uint32_t)((key * 0x9e3779b97f4a7c15ULL) >> 48);
	uint32_t at = (begin + offset) & TABLE_MASK;
	uint32_t block_left = TABLE_BYTES - (offset & TABLE_MASK);

	if (*len > TABLE_BYTES - at)
		*len = TABLE_BYTES - at;
	if (*len > block_left)
		*len = block_left;
	return table + at;
}

static void put32(uint8_t *to, uint32_t v)
{
	v = __builtin_bswap32(v);
	memcpy(to, &v, sizeof(v));
}

static uint32_t get32(const uint8_t *from)
{
	uint32_t v;

	memcpy(&v, from, sizeof(v));
	return __builtin_bswap32(v);
}

static uint32_t write_header(const struct message *m, uint8_t *to, uint32_t offset, uint32_t len)
{
	uint8_t h[MESSAGE_HEADER];
	uint32_t n = MESSAGE_HEADER - offset;

	put32(h, m->answer ? MAGIC_ANSWER : MAGIC_REQUEST);
	put32(h + 4, m->id);
	put32(h + 8, m->length);
	put32(h + 12, m->value);
	if (n > len)
		n = len;
	memcpy(to, h + offset, n);
	return n;
}

void message_write(const struct message *m, uint8_t *to, uint32_t offset, uint32_t len)
{
	const uint8_t *from;
	uint32_t n;

	if (offset < MESSAGE_HEADER) {
		n = write_header(m, to, offset, len);
		to += n;
		offset += n;
		len -= n;
	}
	while (len > 0) {
		n = len;
		from = window(m->id, offset, &n);
		memcpy(to, from, n);
		to += n;
		offset += n;
		len -= n;
	}
}

bool message_read(const uint8_t header[MESSAGE_HEADER], struct message *out)
{
	uint32_t magic = get32(header);

	if (magic != MAGIC_REQUEST && magic != MAGIC_ANSWER)
		return false;
	out->answer = magic == MAGIC_ANSWER;
	out->id = get32(header + 4);
	out->length = get32(header + 8);
	out->value = get32(header + 12);
	return out->length >= MESSAGE_HEADER;
}

bool message_verify(uint32_t id, const uint8_t *at, uint32_t offset, uint32_t len)
{
	const uint8_t *from;
	uint32_t n;

	while (len > 0) {
		n = len;
		from = window(id, offset, &n);
		if (memcmp(at, from, n) != 0)
			return false;
		at += n;
		offset += n;
		len -= n;
	}
	return true;
}
