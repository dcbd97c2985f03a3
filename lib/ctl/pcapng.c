/* SPDX-License-Identifier: BSD-3-Clause */
#include "pcapng.h"

#include <string.h>

// Block types and options of draft-ietf-opsawg-pcapng, section 4.
#define BLOCK_SECTION    0x0A0D0D0Au
#define BLOCK_INTERFACE  1u
#define BLOCK_STATISTICS 5u
#define BLOCK_PACKET     6u
#define MAGIC            0x1A2B3C4Du
#define LINK_ETHERNET    1u
#define TICKS_NS         9 // 10^-9 s

#define OPT_END        0
#define OPT_COMMENT    1
#define SHB_USERAPPL   4
#define IF_NAME        2
#define IF_DESCRIPTION 3
#define IF_TSRESOL     9
#define IF_FILTER      11
#define FILTER_TEXT    0 // libpcap's expression follows
#define EPB_FLAGS      2
#define ISB_STARTTIME  2
#define ISB_ENDTIME    3
#define ISB_IFRECV     4
#define ISB_IFDROP     5
#define DIRECTION_IN   1u
#define DIRECTION_OUT  2u
#define TEXT_MAX       1024

#define PAD(n) (((n) + 3u) & ~3u)

// A block without a packet's bytes: small enough to be put together first.
struct block {
	uint32_t used;
	uint8_t bytes[4 * TEXT_MAX];
};

static void put(struct block *b, const void *src, uint32_t n)
{
	static const uint8_t zero[4];

	memcpy(b->bytes + b->used, src, n);
	memcpy(b->bytes + b->used + n, zero, PAD(n) - n);
	b->used += PAD(n);
}

static void put32(struct block *b, uint32_t value)
{
	put(b, &value, sizeof(value));
}

static void begin(struct block *b, uint32_t type)
{
	b->used = 0;
	put32(b, type);
	put32(b, 0); // its length, once known
}

static void option(struct block *b, uint16_t code, const void *value, uint16_t len)
{
	uint16_t head[2] = {code, len};

	put(b, head, sizeof(head));
	put(b, value, len);
}

static void option_text(struct block *b, uint16_t code, const char *text)
{
	if (text != NULL && text[0] != '\0')
		option(b, code, text, (uint16_t)strnlen(text, TEXT_MAX - 8));
}

// High half first, whatever the byte order.
static void option_time(struct block *b, uint16_t code, uint64_t ns)
{
	uint32_t half[2] = {(uint32_t)(ns >> 32), (uint32_t)ns};

	option(b, code, half, sizeof(half));
}

static uint32_t finish(struct block *b, FILE *out)
{
	uint32_t total;

	option(b, OPT_END, "", 0);
	total = b->used + 4;
	memcpy(b->bytes + 4, &total, 4);
	put32(b, total);
	return fwrite(b->bytes, b->used, 1, out) == 1 ? b->used : 0;
}

uint32_t wr_pcapng_section(FILE *out, const char *application, const char *comment)
{
	uint16_t version[2] = {1, 0};
	uint64_t unknown = UINT64_MAX; // the section's length: until the end of the file
	struct block b;

	begin(&b, BLOCK_SECTION);
	put32(&b, MAGIC);
	put(&b, version, sizeof(version));
	put(&b, &unknown, sizeof(unknown));
	option_text(&b, SHB_USERAPPL, application);
	option_text(&b, OPT_COMMENT, comment);
	return finish(&b, out);
}

uint32_t wr_pcapng_interface(
	FILE *out, const char *name, const char *device, const char *filter, uint32_t snap)
{
	uint16_t link[2] = {LINK_ETHERNET, 0};
	uint8_t ticks = TICKS_NS;
	char text[TEXT_MAX];
	struct block b;

	begin(&b, BLOCK_INTERFACE);
	put(&b, link, sizeof(link));
	put32(&b, snap);
	option_text(&b, IF_NAME, name);
	option_text(&b, IF_DESCRIPTION, device);
	option(&b, IF_TSRESOL, &ticks, sizeof(ticks));
	if (filter != NULL && filter[0] != '\0') {
		text[0] = FILTER_TEXT;
		snprintf(text + 1, sizeof(text) - 9, "%s", filter);
		option(&b, IF_FILTER, text, (uint16_t)(1 + strlen(text + 1)));
	}
	return finish(&b, out);
}

// Head of an enhanced packet block, its bytes, and one option of 4 bytes with the end of options.
#define PACKET_HEAD 28u
#define PACKET_TAIL 16u

uint32_t wr_pcapng_packet_bytes(uint32_t kept)
{
	return PACKET_HEAD + PAD(kept) + PACKET_TAIL;
}

uint32_t wr_pcapng_packet(FILE *out, const struct wr_pcapng_packet *p)
{
	uint32_t total = wr_pcapng_packet_bytes(p->kept);
	uint32_t direction = p->out ? DIRECTION_OUT : DIRECTION_IN;
	uint16_t flags[2] = {EPB_FLAGS, sizeof(direction)}, end[2] = {OPT_END, 0};
	uint8_t none[4] = {0};
	struct block b;

	begin(&b, BLOCK_PACKET);
	memcpy(b.bytes + 4, &total, sizeof(total));
	put32(&b, p->interface);
	put32(&b, (uint32_t)(p->unix_ns >> 32));
	put32(&b, (uint32_t)p->unix_ns);
	put32(&b, p->kept);
	put32(&b, p->len);
	if (fwrite(b.bytes, b.used, 1, out) != 1 || fwrite(p->data, 1, p->kept, out) != p->kept ||
		fwrite(none, 1, PAD(p->kept) - p->kept, out) != PAD(p->kept) - p->kept)
		return 0;
	b.used = 0;
	put(&b, flags, sizeof(flags));
	put32(&b, direction);
	put(&b, end, sizeof(end));
	put32(&b, total);
	return fwrite(b.bytes, b.used, 1, out) == 1 ? total : 0;
}

uint32_t wr_pcapng_statistics(FILE *out, const struct wr_pcapng_stats *s)
{
	struct block b;

	begin(&b, BLOCK_STATISTICS);
	put32(&b, s->interface);
	put32(&b, (uint32_t)(s->end_ns >> 32));
	put32(&b, (uint32_t)s->end_ns);
	option_time(&b, ISB_STARTTIME, s->start_ns);
	option_time(&b, ISB_ENDTIME, s->end_ns);
	option(&b, ISB_IFRECV, &s->received, sizeof(s->received));
	option(&b, ISB_IFDROP, &s->dropped, sizeof(s->dropped));
	return finish(&b, out);
}
