/* SPDX-License-Identifier: BSD-3-Clause */

// A ring of copied frames, of one writer (a worker) and one reader (control): a small head and the
// bytes, one behind the other. Offsets only grow; where they lie in the ring is their remainder.

#include "wr_capture.h"

#include <errno.h>
#include <numa.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <rte_branch_prediction.h>
#include <rte_byteorder.h>
#include <rte_common.h>
#include <rte_ether.h>

#define ALIGN       8u
#define MACS        (2 * RTE_ETHER_ADDR_LEN)
#define FILTER_MAX  4096u // instructions: BPF_MAXINSNS, which the kernel takes as well
#define ROOM_ENOUGH (1u << 30)

struct head {
	uint64_t at_us;
	uint32_t len, kept;
	uint16_t port;
	uint8_t out, none[5];
};
_Static_assert(sizeof(struct head) % ALIGN == 0, "records stay aligned");

struct wr_capture {
	struct wr_capture_config cfg;
	struct bpf_insn *filter;
	uint8_t *ring;
	size_t mapped;
	// What is cut in pieces, or misses its tag, is put together here first.
	uint8_t whole[WR_CAPTURE_SNAP_MAX + 1 + sizeof(struct rte_vlan_hdr)];
	// The worker's.
	struct {
		uint64_t frames, lost;
	} count[WR_MAX_PORTS] __attribute__((aligned(RTE_CACHE_LINE_SIZE)));
	uint64_t written; // published with release
	uint64_t seen;    // `read` at the last look
	// The reader's.
	uint64_t read __attribute__((aligned(RTE_CACHE_LINE_SIZE)));
};

// On the worker's node, and touched: the worker takes no page fault.
static uint8_t *map_ring(size_t bytes, int numa_node)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	if (numa_node >= 0 && numa_available() >= 0)
		numa_tonode_memory(p, bytes, numa_node);
	memset(p, 0, bytes);
	return p;
}

struct wr_capture *wr_capture_create(
	const struct wr_capture_config *cfg, int numa_node, struct wr_err *err)
{
	uint32_t snap = cfg->snap == 0 ? WR_CAPTURE_SNAP_MAX : cfg->snap;
	struct wr_capture *c;

	if (snap > WR_CAPTURE_SNAP_MAX) {
		wr_err_set(err, EINVAL, "snap is %u, not from 0 to %u bytes", cfg->snap,
			WR_CAPTURE_SNAP_MAX);
		return NULL;
	}
	if (!rte_is_power_of_2(cfg->ring_bytes) || cfg->ring_bytes > ROOM_ENOUGH ||
		cfg->ring_bytes < snap + sizeof(struct head) + ALIGN) {
		wr_err_set(err, EINVAL,
			"a ring of %u bytes is no power of two with room for a frame of %u bytes",
			cfg->ring_bytes, snap);
		return NULL;
	}
	if (cfg->filter_len > FILTER_MAX) {
		wr_err_set(err, E2BIG, "the filter compiles to %u instructions, more than %u",
			cfg->filter_len, FILTER_MAX);
		return NULL;
	}
	c = aligned_alloc(RTE_CACHE_LINE_SIZE, RTE_ALIGN(sizeof(*c), RTE_CACHE_LINE_SIZE));
	if (c == NULL)
		goto err_out;
	memset(c, 0, sizeof(*c));
	c->cfg = *cfg;
	c->cfg.snap = snap;
	c->mapped = cfg->ring_bytes;
	if (cfg->filter != NULL && cfg->filter_len > 0) {
		c->filter = malloc(cfg->filter_len * sizeof(*c->filter));
		if (c->filter == NULL)
			goto err_free;
		memcpy(c->filter, cfg->filter, cfg->filter_len * sizeof(*c->filter));
	}
	c->ring = map_ring(c->mapped, numa_node);
	if (c->ring != NULL)
		return c;
	free(c->filter);
err_free:
	free(c);
err_out:
	wr_err_set(err, ENOMEM, "no memory for a capture's ring of %u bytes", cfg->ring_bytes);
	return NULL;
}

void wr_capture_destroy(struct wr_capture *c)
{
	if (c == NULL)
		return;
	munmap(c->ring, c->mapped);
	free(c->filter);
	free(c);
}

static void put(struct wr_capture *c, uint64_t at, const void *src, uint32_t n)
{
	uint32_t from = (uint32_t)at & (c->cfg.ring_bytes - 1);
	uint32_t first = RTE_MIN(n, c->cfg.ring_bytes - from);

	memcpy(c->ring + from, src, first);
	memcpy(c->ring, (const uint8_t *)src + first, n - first);
}

static void get(const struct wr_capture *c, uint64_t at, void *dst, uint32_t n)
{
	uint32_t from = (uint32_t)at & (c->cfg.ring_bytes - 1);
	uint32_t first = RTE_MIN(n, c->cfg.ring_bytes - from);

	memcpy(dst, c->ring + from, first);
	memcpy((uint8_t *)dst + first, c->ring, n - first);
}

// Copy a chain's first bytes; returns how many.
static uint32_t flatten(const struct rte_mbuf *m, uint32_t skip, uint8_t *dst, uint32_t room)
{
	uint32_t done = 0;

	for (; m != NULL && done < room; m = m->next) {
		uint32_t from = RTE_MIN(skip, (uint32_t)m->data_len);
		uint32_t n = RTE_MIN(m->data_len - from, room - done);

		memcpy(dst + done, rte_pktmbuf_mtod_offset(m, const uint8_t *, from), n);
		skip -= from;
		done += n;
	}
	return done;
}

// The frame as it is on the wire, in one piece: where it lies in the buffer, or our copy with the
// tag that the port took out or will put in. *len is the wire's.
static const uint8_t *wire_bytes(
	struct wr_capture *c, const struct rte_mbuf *m, bool out, uint32_t *len, uint32_t *here)
{
	bool tagged = (m->ol_flags & (out ? RTE_MBUF_F_TX_VLAN : RTE_MBUF_F_RX_VLAN_STRIPPED)) != 0;
	struct rte_vlan_hdr tag;
	uint32_t n;

	*len = m->pkt_len;
	if (likely(m->nb_segs == 1 && !tagged)) {
		*here = RTE_MIN((uint32_t)m->data_len, WR_CAPTURE_SNAP_MAX);
		return rte_pktmbuf_mtod(m, const uint8_t *);
	}
	if (!tagged || m->pkt_len < MACS) {
		*here = flatten(m, 0, c->whole, WR_CAPTURE_SNAP_MAX);
		return c->whole;
	}
	// The tag stands between the addresses and the EtherType (IEEE 802.1Q 9.3).
	n = flatten(m, 0, c->whole, MACS);
	tag.vlan_tci = rte_cpu_to_be_16(RTE_ETHER_TYPE_VLAN); // its two halves, in wire order
	tag.eth_proto = rte_cpu_to_be_16(m->vlan_tci);
	memcpy(c->whole + n, &tag, sizeof(tag));
	n += sizeof(tag);
	n += flatten(m, MACS, c->whole + n, WR_CAPTURE_SNAP_MAX - n);
	*len += sizeof(tag);
	*here = n;
	return c->whole;
}

static bool room_for(struct wr_capture *c, uint64_t at, uint32_t bytes)
{
	if (at + bytes - c->seen <= c->cfg.ring_bytes)
		return true;
	c->seen = __atomic_load_n(&c->read, __ATOMIC_ACQUIRE);
	return at + bytes - c->seen <= c->cfg.ring_bytes;
}

// A plain count of its only writer, which others may read at any time.
static void count(uint64_t *n)
{
	__atomic_store_n(n, *n + 1, __ATOMIC_RELAXED);
}

void wr_capture_burst(
	struct wr_capture *c, uint16_t port, bool out, struct rte_mbuf **m, uint32_t n, wr_us_t now)
{
	uint64_t at = c->written;

	if (!(out ? c->cfg.out : c->cfg.in) || port >= WR_MAX_PORTS ||
		(c->cfg.port >= 0 && c->cfg.port != port))
		return;
	for (uint32_t i = 0; i < n; i++) {
		struct head h = {.at_us = now, .port = port, .out = out};
		uint32_t here, bytes;
		const uint8_t *data = wire_bytes(c, m[i], out, &h.len, &here);

		if (c->filter != NULL && bpf_filter(c->filter, data, h.len, here) == 0)
			continue;
		count(&c->count[port].frames);
		h.kept = RTE_MIN(here, c->cfg.snap);
		bytes = sizeof(h) + RTE_ALIGN_CEIL(h.kept, ALIGN);
		if (!room_for(c, at, bytes)) {
			count(&c->count[port].lost);
			continue;
		}
		put(c, at, &h, sizeof(h));
		put(c, at + sizeof(h), data, h.kept);
		at += bytes;
	}
	__atomic_store_n(&c->written, at, __ATOMIC_RELEASE);
}

bool wr_capture_next(struct wr_capture *c, struct wr_capture_frame *f, uint8_t *data, uint32_t room)
{
	struct head h;

	if (c->read == __atomic_load_n(&c->written, __ATOMIC_ACQUIRE))
		return false;
	get(c, c->read, &h, sizeof(h));
	*f = (struct wr_capture_frame){.at_us = h.at_us,
		.len = h.len,
		.kept = RTE_MIN(h.kept, room),
		.port = h.port,
		.out = h.out};
	get(c, c->read + sizeof(h), data, f->kept);
	__atomic_store_n(
		&c->read, c->read + sizeof(h) + RTE_ALIGN_CEIL(h.kept, ALIGN), __ATOMIC_RELEASE);
	return true;
}

uint64_t wr_capture_lost_at(const struct wr_capture *c, uint16_t port)
{
	return port < WR_MAX_PORTS ? __atomic_load_n(&c->count[port].lost, __ATOMIC_RELAXED) : 0;
}

uint64_t wr_capture_frames(const struct wr_capture *c)
{
	uint64_t sum = 0;

	for (uint16_t i = 0; i < WR_MAX_PORTS; i++)
		sum += __atomic_load_n(&c->count[i].frames, __ATOMIC_RELAXED);
	return sum;
}

uint64_t wr_capture_lost(const struct wr_capture *c)
{
	uint64_t sum = 0;

	for (uint16_t i = 0; i < WR_MAX_PORTS; i++)
		sum += wr_capture_lost_at(c, i);
	return sum;
}
