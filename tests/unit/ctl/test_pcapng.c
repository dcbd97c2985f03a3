/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include <pcap/pcap.h>

#include "pcapng.h"

static char *bytes;
static size_t len;

static FILE *begin(void)
{
	return open_memstream(&bytes, &len);
}

static uint32_t word(size_t at)
{
	uint32_t value;

	assert_true(at + 4 <= len);
	memcpy(&value, bytes + at, 4);
	return value;
}

// Where the nth block of a type begins; every length before it is checked.
static size_t block(uint32_t type, unsigned int nth)
{
	for (size_t at = 0; at < len; at += word(at + 4)) {
		uint32_t total = word(at + 4);

		assert_int_equal(total % 4, 0);
		assert_int_equal(word(at + total - 4), total);
		if (word(at) == type && nth-- == 0)
			return at;
	}
	fail_msg("no block %u", type);
	return 0;
}

// Offset of an option's value in the block at `at`, whose options begin behind `fixed` bytes.
static size_t option(size_t at, size_t fixed, uint16_t code, uint16_t *size)
{
	size_t end = at + word(at + 4) - 4;

	for (at += fixed; at < end;) {
		uint16_t head[2];

		memcpy(head, bytes + at, 4);
		if (head[0] == code) {
			*size = head[1];
			return at + 4;
		}
		at += 4 + ((head[1] + 3u) & ~3u);
	}
	fail_msg("no option %u", code);
	return 0;
}

static const uint8_t payload[61] = {[0] = 0xaa, [60] = 0x55};

static void write_all(FILE *f)
{
	struct wr_pcapng_packet p = {.interface = 1,
		.unix_ns = 1700000000123456789,
		.len = 1514,
		.kept = sizeof(payload),
		.data = payload,
		.out = true};
	struct wr_pcapng_stats st = {.interface = 0,
		.start_ns = 1700000000000000000,
		.end_ns = 1700000001000000000,
		.received = 5000000000,
		.dropped = 3};

	assert_int_not_equal(wr_pcapng_section(f, "weir 1", "instance lb1"), 0);
	assert_int_not_equal(wr_pcapng_interface(f, "wan", "net_null0", "tcp port 80", 61), 0);
	assert_int_not_equal(wr_pcapng_interface(f, "lan", "net_null1", NULL, 61), 0);
	assert_int_equal(wr_pcapng_packet(f, &p), wr_pcapng_packet_bytes(sizeof(payload)));
	p.out = false;
	p.interface = 0;
	p.kept = p.len = 60;
	assert_int_equal(wr_pcapng_packet(f, &p), wr_pcapng_packet_bytes(60));
	assert_int_not_equal(wr_pcapng_statistics(f, &st), 0);
	fclose(f);
}

// libpcap is the judge.
static void pcapng_libpcap_reads_it(void **state)
{
	char error[PCAP_ERRBUF_SIZE];
	struct pcap_pkthdr *h;
	const uint8_t *data;
	pcap_t *in;

	write_all(begin());
	in = pcap_fopen_offline_with_tstamp_precision(
		fmemopen(bytes, len, "r"), PCAP_TSTAMP_PRECISION_NANO, error);
	if (in == NULL)
		fail_msg("%s", error);
	assert_int_equal(pcap_datalink(in), DLT_EN10MB);
	assert_int_equal(pcap_next_ex(in, &h, &data), 1);
	assert_int_equal(h->len, 1514);
	assert_int_equal(h->caplen, sizeof(payload));
	assert_int_equal(h->ts.tv_sec, 1700000000);
	assert_int_equal(h->ts.tv_usec, 123456789);
	assert_memory_equal(data, payload, sizeof(payload));
	assert_int_equal(pcap_next_ex(in, &h, &data), 1);
	assert_int_equal(h->caplen, 60);
	assert_int_equal(pcap_next_ex(in, &h, &data), PCAP_ERROR_BREAK);
	pcap_close(in);
	free(bytes);
}

static void pcapng_names_filter_and_directions(void **state)
{
	uint16_t size;
	size_t at;

	write_all(begin());
	at = option(block(1, 0), 16, 2, &size);
	assert_int_equal(size, 3);
	assert_memory_equal(bytes + at, "wan", 3);
	at = option(block(1, 0), 16, 11, &size);
	assert_int_equal(size, 12);
	assert_memory_equal(bytes + at, "\0tcp port 80", 12);
	at = option(block(1, 1), 16, 9, &size);
	assert_int_equal(size, 1);
	assert_int_equal(bytes[at], 9);
	at = option(block(6, 0), 28 + 64, 2, &size);
	assert_int_equal(word(at), 2); // outbound
	at = option(block(6, 1), 28 + 60, 2, &size);
	assert_int_equal(word(at), 1); // inbound
	free(bytes);
}

static void pcapng_statistics_count_losses(void **state)
{
	uint64_t value;
	uint16_t size;
	size_t at;

	write_all(begin());
	at = option(block(5, 0), 20, 5, &size);
	memcpy(&value, bytes + at, 8);
	assert_int_equal(value, 3);
	at = option(block(5, 0), 20, 4, &size);
	memcpy(&value, bytes + at, 8);
	assert_int_equal(value, 5000000000);
	at = option(block(5, 0), 20, 3, &size);
	assert_int_equal((uint64_t)word(at) << 32 | word(at + 4), 1700000001000000000);
	free(bytes);
}

static void pcapng_long_texts_are_cut(void **state)
{
	char text[3000];
	FILE *f = begin();

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_not_equal(wr_pcapng_section(f, text, text), 0);
	assert_int_not_equal(wr_pcapng_interface(f, text, text, text, 0), 0);
	fclose(f);
	block(1, 0);
	free(bytes);
}

static void pcapng_full_disk_is_told(void **state)
{
	FILE *f = fopen("/dev/full", "w");
	struct wr_pcapng_packet p = {.kept = sizeof(payload), .data = payload};

	assert_non_null(f);
	setvbuf(f, NULL, _IONBF, 0);
	assert_int_equal(wr_pcapng_section(f, "weir", ""), 0);
	assert_int_equal(wr_pcapng_packet(f, &p), 0);
	fclose(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pcapng_libpcap_reads_it),
		cmocka_unit_test(pcapng_names_filter_and_directions),
		cmocka_unit_test(pcapng_statistics_count_losses),
		cmocka_unit_test(pcapng_long_texts_are_cut),
		cmocka_unit_test(pcapng_full_disk_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
