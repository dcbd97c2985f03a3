/* SPDX-License-Identifier: BSD-3-Clause */
#include "capture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pcap/pcap.h>

#define CAPTURE_BUFFER  (1u << 20)
#define CAPTURE_SNAPLEN 65535u
#define SECOND_NS       1000000000ULL

struct capture {
	pcap_t *format; // what the file's header says
	pcap_dumper_t *out;
	char *buffer;
	uint64_t written, missed, most;
	uint64_t epoch_ns;
	uint32_t snaplen;
	char path[GEN_PATH_LEN];
	uint8_t linear[CAPTURE_SNAPLEN]; // a frame in several segments
};

struct capture *capture_open(const char *path, uint32_t snaplen, uint64_t max_frames,
	uint64_t epoch_ns, struct wr_err *err)
{
	struct capture *c = calloc(1, sizeof(*c));

	if (c == NULL)
		goto err_memory;
	c->snaplen = snaplen == 0 ? CAPTURE_SNAPLEN : RTE_MIN(snaplen, CAPTURE_SNAPLEN);
	c->most = max_frames == 0 ? UINT64_MAX : max_frames;
	c->epoch_ns = epoch_ns;
	snprintf(c->path, sizeof(c->path), "%s", path);
	c->buffer = malloc(CAPTURE_BUFFER);
	c->format = pcap_open_dead_with_tstamp_precision(
		DLT_EN10MB, (int)c->snaplen, PCAP_TSTAMP_PRECISION_NANO);
	if (c->buffer == NULL || c->format == NULL)
		goto err_memory;
	c->out = pcap_dump_open(c->format, path);
	if (c->out == NULL) {
		wr_err_set(err, EIO, "capture file %s cannot be written: %s", path,
			pcap_geterr(c->format));
		goto err_free;
	}
	// The file's header sits in the old buffer until it is flushed.
	pcap_dump_flush(c->out);
	setvbuf(pcap_dump_file(c->out), c->buffer, _IOFBF, CAPTURE_BUFFER);
	return c;

err_memory:
	wr_err_set(err, ENOMEM, "no memory for the capture to %s", path);
err_free:
	capture_close(c, NULL);
	return NULL;
}

void capture_write(struct capture *c, const struct rte_mbuf *m, const struct gen_now *now)
{
	uint32_t len = RTE_MIN(m->pkt_len, c->snaplen);
	uint64_t at = c->epoch_ns + now->ns;
	struct pcap_pkthdr h = {
		// With nanosecond precision, libpcap takes nanoseconds in tv_usec.
		.ts = {.tv_sec = (time_t)(at / SECOND_NS), .tv_usec = (long)(at % NS_PER_S)},
		.caplen = len,
		.len = m->pkt_len,
	};
	const uint8_t *data;

	if (c->written >= c->most) {
		c->missed++;
		return;
	}
	data = rte_pktmbuf_read(m, 0, len, c->linear);
	if (data == NULL) // a chain that is shorter than it says
		return;
	pcap_dump((u_char *)c->out, &h, data);
	c->written++;
}

uint64_t capture_written(const struct capture *c)
{
	return c->written;
}

uint64_t capture_missed(const struct capture *c)
{
	return c->missed;
}

int capture_close(struct capture *c, struct wr_err *err)
{
	int ret = 0;

	if (c == NULL)
		return 0;
	if (c->out != NULL) {
		// pcap_dump() does not tell of errors; the stream remembers.
		if (pcap_dump_flush(c->out) != 0 || ferror(pcap_dump_file(c->out)))
			ret = wr_err_set(err, EIO,
				"capture file %s is not whole: writing failed (%s); free space "
				"there or capture fewer frames",
				c->path, strerror(errno));
		pcap_dump_close(c->out); // before its buffer goes
	}
	if (c->format != NULL)
		pcap_close(c->format);
	free(c->buffer);
	free(c);
	return ret;
}
