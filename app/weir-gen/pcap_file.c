/* SPDX-License-Identifier: BSD-3-Clause */
#include "pcap_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <pcap/pcap.h>
#include <rte_ether.h>

#define SECOND_NS      1000000000ULL
#define ROUND_LEAST_NS 1000 // a file without any gap must not stop the clock
#define FIRST_BYTES    (64u << 10)
#define FIRST_FRAMES   1024u

// What grows while a file is read.
struct reading {
	struct pcap_file *f;
	pcap_t *pcap;
	uint64_t room_bytes, room_frames, bytes, most;
	uint64_t first_ns;
	uint16_t mtu;
};

static uint64_t held(const struct reading *r, uint64_t bytes, uint64_t frames)
{
	return bytes + frames * sizeof(*r->f->frame);
}

// Twice as much room, but never more than the bound.
static uint64_t more(uint64_t room, uint64_t first, uint64_t need, uint64_t most)
{
	uint64_t want = room == 0 ? first : 2 * room;

	return RTE_MIN(RTE_MAX(want, need), RTE_MAX(most, need));
}

static int grow(struct reading *r, uint32_t len, struct wr_err *err)
{
	struct pcap_file *f = r->f;
	void *p;

	if (held(r, r->bytes + len, (uint64_t)f->count + 1) > r->most)
		return wr_err_set(err, EFBIG,
			"it is too large to be held in memory: the first %u frames take %" PRIu64
			" of at most %" PRIu64 " bytes; cut it, for instance with editcap -c",
			f->count, held(r, r->bytes, f->count), r->most);
	if (r->bytes + len > r->room_bytes) {
		r->room_bytes = more(r->room_bytes, FIRST_BYTES, r->bytes + len, r->most);
		p = realloc(f->data, r->room_bytes);
		if (p == NULL)
			goto err_memory;
		f->data = p;
	}
	if (f->count + 1ULL > r->room_frames) {
		r->room_frames = more(
			r->room_frames, FIRST_FRAMES, f->count + 1ULL, r->most / sizeof(*f->frame));
		p = realloc(f->frame, r->room_frames * sizeof(*f->frame));
		if (p == NULL)
			goto err_memory;
		f->frame = p;
	}
	return 0;

err_memory:
	return wr_err_set(err, ENOMEM, "no memory for its %u frames and more", f->count);
}

static int check_frame(const struct reading *r, const struct pcap_pkthdr *h, const uint8_t *data,
	struct wr_err *err)
{
	uint32_t number = r->f->count + 1;
	uint32_t most = r->mtu + (uint32_t)RTE_ETHER_HDR_LEN;

	if (h->caplen < RTE_ETHER_HDR_LEN)
		return wr_err_set(err, EINVAL,
			"frame %u has %u bytes, less than an Ethernet header of %u: remove it",
			number, h->caplen, RTE_ETHER_HDR_LEN);
	if (h->caplen < h->len)
		return wr_err_set(err, EINVAL,
			"frame %u was cut when it was captured, to %u of %u bytes: capture again "
			"with a longer snapshot length",
			number, h->caplen, h->len);
	if (data[12] == 0x81 && data[13] == 0x00) // an 802.1Q tag is no part of the MTU
		most += RTE_VLAN_HLEN;
	if (h->caplen > most)
		return wr_err_set(err, EMSGSIZE,
			"frame %u has %u bytes, and the port's MTU of %u allows %u: raise the MTU "
			"or remove the frame",
			number, h->caplen, r->mtu, most);
	return 0;
}

static int take_frame(
	struct reading *r, const struct pcap_pkthdr *h, const uint8_t *data, struct wr_err *err)
{
	struct pcap_file *f = r->f;
	// With nanosecond precision asked for, libpcap gives nanoseconds in tv_usec.
	uint64_t at = (uint64_t)h->ts.tv_sec * SECOND_NS + (uint64_t)h->ts.tv_usec;
	uint64_t before = f->count > 0 ? f->frame[f->count - 1].at_ns : 0;
	int ret = check_frame(r, h, data, err);

	if (ret == 0)
		ret = grow(r, h->caplen, err);
	if (ret < 0)
		return ret;
	if (f->count == 0)
		r->first_ns = at;
	at = at > r->first_ns ? at - r->first_ns : 0;
	f->frame[f->count++] = (struct pcap_file_frame){
		.at_ns = RTE_MAX(at, before), // captures of several queues can go back a little
		.offset = (uint32_t)r->bytes,
		.len = h->caplen,
	};
	memcpy(f->data + r->bytes, data, h->caplen);
	r->bytes += h->caplen;
	return 0;
}

static int take_all(struct reading *r, struct wr_err *err)
{
	struct pcap_pkthdr *h;
	const uint8_t *data;
	int got, ret;

	if (pcap_datalink(r->pcap) != DLT_EN10MB)
		return wr_err_set(err, EINVAL,
			"its link type is %s, only Ethernet (EN10MB) can be replayed",
			pcap_datalink_val_to_name(pcap_datalink(r->pcap)) != NULL
				? pcap_datalink_val_to_name(pcap_datalink(r->pcap))
				: "unknown");
	while ((got = pcap_next_ex(r->pcap, &h, &data)) == 1) {
		ret = take_frame(r, h, data, err);
		if (ret < 0)
			return ret;
	}
	if (got != PCAP_ERROR_BREAK)
		return wr_err_set(err, EINVAL, "it is damaged behind frame %u: %s", r->f->count,
			pcap_geterr(r->pcap));
	if (r->f->count == 0)
		return wr_err_set(err, EINVAL, "it holds no frames");
	return 0;
}

// A round ends one mean gap behind the last frame.
static uint64_t round_ns(const struct pcap_file *f)
{
	uint64_t last = f->frame[f->count - 1].at_ns;
	uint64_t mean = f->count > 1 ? last / (f->count - 1) : 0;

	return RTE_MAX(last + mean, (uint64_t)ROUND_LEAST_NS);
}

struct pcap_file *pcap_file_load(const char *path, uint16_t mtu, uint64_t most, struct wr_err *err)
{
	char text[PCAP_ERRBUF_SIZE] = "";
	// Offsets have 32 bits.
	struct reading r = {.mtu = mtu, .most = RTE_MIN(most, (uint64_t)UINT32_MAX)};
	int ret;

	r.f = calloc(1, sizeof(*r.f));
	if (r.f == NULL) {
		wr_err_set(err, ENOMEM, "no memory for pcap file %s", path);
		return NULL;
	}
	r.pcap = pcap_open_offline_with_tstamp_precision(path, PCAP_TSTAMP_PRECISION_NANO, text);
	if (r.pcap == NULL) {
		ret = wr_err_set(err, ENOENT, "it cannot be read: %s", text);
	} else {
		ret = take_all(&r, err);
		pcap_close(r.pcap);
	}
	if (ret < 0) {
		wr_err_prefix(err, "pcap file %s", path);
		pcap_file_destroy(r.f);
		return NULL;
	}
	r.f->span_ns = round_ns(r.f);
	return r.f;
}

void pcap_file_destroy(struct pcap_file *f)
{
	if (f == NULL)
		return;
	free(f->frame);
	free(f->data);
	free(f);
}
