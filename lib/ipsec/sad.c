/* SPDX-License-Identifier: BSD-3-Clause */
#include "ipsec_priv.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include <rte_common.h>
#include <rte_ether.h>
#include <rte_malloc.h>

// Open addressing over pointers, at most a quarter full, so that a reader needs no lock: it sees a
// slot as it was or as it is. A slot that was left holds GONE, so that the way to those behind it
// stays whole; GONE before an empty slot is cleared again. What stays GONE, before associations
// that live long, goes with a compaction: there are two arrays, of which one is in use. Until then
// there may be no empty slot at all: each walk ends after one round.

#define SAD_SPREAD      4           // slots an association
#define SAD_KEEP        0xff        // the one byte of a keepalive (RFC 3948 2.3)
#define SAD_HASH        0x9e3779b1u // 2^32 over the golden ratio
#define SAD_READ(p)     __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define SAD_WRITE(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)

struct wr_ipsec_sad *wr_ipsec_sad_create(uint32_t max, int numa_node, struct wr_err *err)
{
	uint32_t slots = rte_align32pow2(RTE_MAX(max, 4u) * SAD_SPREAD);
	struct wr_ipsec_sad *d = rte_zmalloc_socket("ipsec_sad",
		sizeof(*d) + 2 * slots * sizeof(d->array[0]), RTE_CACHE_LINE_SIZE, numa_node);

	if (d == NULL) {
		wr_err_set(err, ENOMEM, "no memory for a table of %u associations", max);
		return NULL;
	}
	d->mask = slots - 1;
	d->shift = 32 - (uint32_t)__builtin_ctz(slots);
	d->max = max;
	d->slot = d->array;
	return d;
}

void wr_ipsec_sad_destroy(struct wr_ipsec_sad *d)
{
	rte_free(d);
}

static inline uint32_t home(const struct wr_ipsec_sad *d, uint32_t spi)
{
	return (spi * SAD_HASH) >> d->shift;
}

static inline struct wr_ipsec_sa *lookup(const struct wr_ipsec_sad *d, uint32_t spi)
{
	struct wr_ipsec_sa **slot = SAD_READ(&d->slot);
	uint32_t first = home(d, spi);

	for (uint32_t n = 0; n <= d->mask; n++) {
		struct wr_ipsec_sa *sa = SAD_READ(&slot[(first + n) & d->mask]);

		if (sa == NULL)
			return NULL;
		if (sa != IPSEC_SAD_GONE && sa->spi == spi)
			return sa;
	}
	return NULL;
}

// The first slot of its way that is free, empty or left. At most a quarter is taken: there is one.
static struct wr_ipsec_sa **free_slot(
	const struct wr_ipsec_sad *d, struct wr_ipsec_sa **slot, uint32_t spi)
{
	uint32_t i = home(d, spi);

	for (uint32_t n = 0; n < d->mask && slot[i] != NULL && slot[i] != IPSEC_SAD_GONE; n++)
		i = (i + 1) & d->mask;
	return &slot[i];
}

int wr_ipsec_sad_add(struct wr_ipsec_sad *d, struct wr_ipsec_sa *sa)
{
	struct wr_ipsec_sa **to;

	if (lookup(d, sa->spi) != NULL)
		return -EEXIST;
	if (d->used == d->max)
		return -ENOSPC;
	to = free_slot(d, d->slot, sa->spi);
	d->gone -= *to == IPSEC_SAD_GONE;
	d->used++;
	// The association is whole before anybody can find it.
	SAD_WRITE(to, sa);
	return 0;
}

void wr_ipsec_sad_remove(struct wr_ipsec_sad *d, struct wr_ipsec_sa *sa)
{
	uint32_t i = home(d, sa->spi), n = 0;

	while (d->slot[i] != sa) {
		if (d->slot[i] == NULL || ++n > d->mask)
			return;
		i = (i + 1) & d->mask;
	}
	SAD_WRITE(&d->slot[i], IPSEC_SAD_GONE);
	d->used--;
	d->gone++;
	if (d->slot[(i + 1) & d->mask] != NULL)
		return;
	// Ends at the empty slot behind the first, at the latest.
	for (; d->slot[i] == IPSEC_SAD_GONE; i = (i - 1) & d->mask) {
		SAD_WRITE(&d->slot[i], NULL);
		d->gone--;
	}
}

void wr_ipsec_sad_compact(struct wr_ipsec_sad *d)
{
	struct wr_ipsec_sa **spare = d->slot == d->array ? d->array + d->mask + 1 : d->array;

	if (d->gone == 0)
		return;
	// Nobody reads this one any more: who did has ended its turn (wr_ipsec.h).
	memset(spare, 0, (d->mask + 1) * sizeof(*spare));
	for (uint32_t i = 0; i <= d->mask; i++)
		if (d->slot[i] != NULL && d->slot[i] != IPSEC_SAD_GONE)
			*free_slot(d, spare, d->slot[i]->spi) = d->slot[i];
	d->gone = 0;
	SAD_WRITE(&d->slot, spare);
}

// --- what a packet is ------------------------------------------------------------------------

static inline uint16_t be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static bool is_esp_port(const uint16_t *ports, uint16_t n, uint16_t port)
{
	for (uint16_t i = 0; i < n; i++)
		if (ports[i] == port)
			return true;
	return false;
}

// ESP of `len` bytes at `off`, in UDP to `port` (0: right on IP).
static enum wr_ipsec_kind find(const struct wr_ipsec_sad *d, const struct wr_pkt *p, uint32_t off,
	uint32_t len, uint16_t port, struct wr_ipsec_sa **out)
{
	uint8_t buf[4];
	const uint8_t *at;
	struct wr_ipsec_sa *sa;
	uint32_t spi;

	if (len < IPSEC_ESP_LEN)
		return WR_IPSEC_SHORT;
	at = rte_pktmbuf_read(p->m, off, sizeof(buf), buf);
	if (at == NULL)
		return WR_IPSEC_SHORT;
	spi = (uint32_t)be16(at) << 16 | be16(at + 2);
	if (port != 0 && spi == 0)
		return WR_IPSEC_NOT; // the non-ESP marker, so IKE (RFC 3948 2.2)
	sa = lookup(d, spi);
	if (sa == NULL || sa->t->udp_port != port || !wr_addr_eq(&sa->t->remote, &p->t.remote) ||
		!wr_addr_eq(&sa->t->local, &p->t.local))
		return WR_IPSEC_UNKNOWN;
	*out = sa;
	return WR_IPSEC_FOUND;
}

enum wr_ipsec_kind wr_ipsec_peek(const struct wr_ipsec_sad *d, const struct wr_pkt *p,
	const uint16_t *ports, uint16_t n, struct wr_ipsec_sa **sa)
{
	uint32_t off = p->l2_len + p->l3_len, len;
	uint8_t buf[IPSEC_UDP_LEN];
	const uint8_t *u;
	uint16_t port;

	if (p->ethertype != RTE_ETHER_TYPE_IPV4 && p->ethertype != RTE_ETHER_TYPE_IPV6)
		return WR_IPSEC_NOT;
	if (p->proto == IPPROTO_ESP)
		return find(d, p, off, p->payload_len, 0, sa);
	if (p->proto != IPPROTO_UDP || n == 0 || p->payload_len < IPSEC_UDP_LEN)
		return WR_IPSEC_NOT;
	u = rte_pktmbuf_read(p->m, off, sizeof(buf), buf);
	if (u == NULL)
		return WR_IPSEC_NOT;
	port = be16(u + 2);
	len = be16(u + 4);
	if (!is_esp_port(ports, n, port))
		return WR_IPSEC_NOT;
	if (len < IPSEC_UDP_LEN || len > p->payload_len)
		return WR_IPSEC_SHORT;
	off += IPSEC_UDP_LEN;
	len -= IPSEC_UDP_LEN;
	if (len == 1) {
		u = rte_pktmbuf_read(p->m, off, 1, buf);
		return u != NULL && *u == SAD_KEEP ? WR_IPSEC_KEEPALIVE : WR_IPSEC_SHORT;
	}
	return find(d, p, off, len, port, sa);
}
