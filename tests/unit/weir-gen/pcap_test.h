/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

// Pcap files written byte by byte, so that no libpcap of ours vouches for itself.

#include "wr_test.h"

#include <unistd.h>

#define T_PCAP_US 0xa1b2c3d4u
#define T_PCAP_NS 0xa1b23c4du

struct t_pcap {
	char path[64];
	FILE *out;
};

static inline void t_pcap_write(struct t_pcap *p, const void *data, size_t len)
{
	assert_int_equal(fwrite(data, 1, len, p->out), len);
}

static inline void t_pcap_open(struct t_pcap *p, uint32_t magic, uint32_t link)
{
	const uint32_t head[] = {magic, 4u << 16 | 2, 0, 0, 65535, link};
	int fd;

	snprintf(p->path, sizeof(p->path), "/tmp/t_pcap_XXXXXX");
	fd = mkstemp(p->path);
	assert_true(fd >= 0);
	p->out = fdopen(fd, "wb");
	assert_non_null(p->out);
	t_pcap_write(p, head, sizeof(head));
}

// A frame that begins with its number.
static inline void t_pcap_add(
	struct t_pcap *p, uint32_t s, uint32_t part, uint32_t caplen, uint32_t len, uint8_t number)
{
	const uint32_t head[] = {s, part, caplen, len};
	static uint8_t data[20000];

	memset(data, number, sizeof(data));
	data[12] = 8;
	data[13] = 0;
	t_pcap_write(p, head, sizeof(head));
	t_pcap_write(p, data, caplen);
}

static inline void t_pcap_close(struct t_pcap *p)
{
	assert_int_equal(fclose(p->out), 0);
}
