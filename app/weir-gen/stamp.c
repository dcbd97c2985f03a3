/* SPDX-License-Identifier: BSD-3-Clause */
#include "stamp.h"

#include <netinet/in.h>

#include "wr_csum.h"

#define STAMP_TCP_HDR   20u
#define STAMP_UDP_HDR   8u // also that of ICMP echo
#define STAMP_TCP_CKSUM 16u

static const uint8_t *bytes_at(const struct wr_pkt *pkt, uint32_t off, uint32_t len, void *buf)
{
	return rte_pktmbuf_read(pkt->m, off, len, buf);
}

bool stamp_locate(const struct wr_pkt *pkt, uint32_t *offset, uint32_t *len)
{
	uint32_t l4 = (uint32_t)pkt->l2_len + pkt->l3_len;
	uint32_t have = (uint32_t)pkt->l4_len + pkt->payload_len, hlen = STAMP_UDP_HDR;

	if (pkt->l3_len == 0 || (pkt->kind == WR_PKT_DROP && pkt->drop == WR_DROP_ip_fragment))
		return false;
	if (pkt->proto == IPPROTO_TCP) {
		uint8_t buf;
		const uint8_t *at;

		if (have < STAMP_TCP_HDR)
			return false;
		at = bytes_at(pkt, l4 + 12, 1, &buf); // data offset
		if (at == NULL)
			return false;
		hlen = (*at >> 4) * 4u;
		if (hlen < STAMP_TCP_HDR)
			return false;
	} else if (pkt->proto != IPPROTO_UDP && pkt->proto != IPPROTO_ICMP &&
		   pkt->proto != IPPROTO_ICMPV6) {
		return false;
	}
	if (have < hlen + STAMP_LEN)
		return false;
	*offset = l4 + hlen;
	*len = have - hlen;
	return true;
}

bool stamp_read(const struct wr_pkt *pkt, uint32_t offset, struct stamp *out)
{
	uint8_t buf[STAMP_LEN];
	const uint8_t *at = bytes_at(pkt, offset, STAMP_LEN, buf);
	uint32_t id, low;
	uint64_t seq;
	uint16_t high;

	if (at == NULL)
		return false;
	memcpy(&id, at, sizeof(id));
	memcpy(&seq, at + 4, sizeof(seq));
	memcpy(&high, at + 12, sizeof(high));
	memcpy(&low, at + 14, sizeof(low));
	out->id = rte_be_to_cpu_32(id);
	out->seq = rte_be_to_cpu_64(seq);
	out->at_ns = (uint64_t)rte_be_to_cpu_16(high) << 32 | rte_be_to_cpu_32(low);
	return true;
}

// The parser verifies TCP and ICMP, but neither UDP nor, of course, what it drops.
static bool checksum_good(const struct wr_pkt *pkt)
{
	uint32_t l4 = (uint32_t)pkt->l2_len + pkt->l3_len;
	uint32_t len = (uint32_t)pkt->l4_len + pkt->payload_len, sum = 0;

	if (pkt->kind != WR_PKT_DROP && pkt->proto != IPPROTO_UDP)
		return true;
	if (pkt->proto == IPPROTO_UDP) {
		uint16_t buf, sent = 0;
		const uint8_t *at = bytes_at(pkt, l4 + 6, sizeof(buf), &buf);

		if (at == NULL)
			return false;
		memcpy(&sent, at, sizeof(sent));
		if (sent == 0) // none was made: IPv4 only (RFC 768, RFC 8200 8.1)
			return wr_addr_is_v4(&pkt->t.remote);
	}
	if (pkt->proto != IPPROTO_ICMP)
		sum = wr_csum_pseudo(&pkt->t.remote, &pkt->t.local, pkt->proto, len);
	return wr_csum_finish(wr_csum_add_mbuf(sum, pkt->m, l4, len)) == 0;
}

bool stamp_intact(const struct wr_pkt *pkt, uint32_t offset, uint32_t len, const uint8_t *pattern)
{
	const struct rte_mbuf *m = pkt->m;
	uint32_t done = STAMP_LEN;

	if (!checksum_good(pkt))
		return false;
	offset += STAMP_LEN;
	while (m != NULL && offset >= m->data_len) {
		offset -= m->data_len;
		m = m->next;
	}
	for (; m != NULL && done < len; m = m->next, offset = 0) {
		uint32_t n = RTE_MIN(m->data_len - offset, len - done);

		if (memcmp(rte_pktmbuf_mtod_offset(m, const uint8_t *, offset), pattern + done,
			    n) != 0)
			return false;
		done += n;
	}
	return done == len;
}

void stamp_track_reset(struct stamp_track *t, uint64_t first)
{
	memset(t, 0, sizeof(*t));
	t->first = first;
	t->next = first;
}

static uint64_t *word_of(struct stamp_track *t, uint64_t seq)
{
	return &t->seen[(seq % STAMP_WINDOW) / 64];
}

// Numbers [from, to) come into the window as not seen.
static void open_window(struct stamp_track *t, uint64_t from, uint64_t to)
{
	if (to - from >= STAMP_WINDOW) {
		memset(t->seen, 0, sizeof(t->seen));
		return;
	}
	while (from < to) {
		if (from % 64 == 0 && to - from >= 64) {
			*word_of(t, from) = 0;
			from += 64;
		} else {
			*word_of(t, from) &= ~(1ULL << (from % 64));
			from++;
		}
	}
}

bool stamp_track_see(struct stamp_track *t, uint64_t seq)
{
	uint64_t bit = 1ULL << (seq % 64);

	if (seq < t->first)
		return false;
	if (seq >= t->next) {
		open_window(t, t->next, seq);
		t->next = seq + 1;
		*word_of(t, seq) |= bit;
		t->returned++;
		return true;
	}
	if (t->next - seq <= STAMP_WINDOW) {
		if (*word_of(t, seq) & bit) {
			t->duplicated++;
			return false;
		}
		*word_of(t, seq) |= bit;
	}
	t->returned++;
	t->reordered++; // below the next one expected (RFC 4737 3.3)
	return true;
}
