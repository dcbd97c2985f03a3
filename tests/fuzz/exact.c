/* SPDX-License-Identifier: BSD-3-Clause */
#include "exact.h"

#include <sanitizer/asan_interface.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_eal.h>

#include "wr_mbuf.h"

static uint32_t live;

uint32_t exact_live(void)
{
	return live;
}

void exact_init(void)
{
	static char *argv[] = {"fuzz", "--no-huge", "-m", "256", "--no-pci", "--no-telemetry",
		"--no-shconf", "--lcores", "0@0", "--log-level", "lib.*:error", NULL};
	static bool done;

	if (done)
		return;
	done = true;
	if (rte_eal_init((int)RTE_DIM(argv) - 1, argv) < 0) {
		fprintf(stderr, "EAL did not start\n");
		abort();
	}
}

struct rte_mempool *exact_pool(const char *name, uint32_t count, uint16_t dataroom)
{
	struct rte_mempool *p =
		rte_pktmbuf_pool_create(name, count, 0, WR_MBUF_PRIV_SIZE, dataroom, SOCKET_ID_ANY);

	if (p == NULL) {
		fprintf(stderr, "no memory for the pool %s\n", name);
		abort();
	}
	return p;
}

static void block_free(void *block, void *shinfo)
{
	live--;
	free(block);
	free(shinfo);
}

// The heap block, and apart from it what DPDK counts its users in.
static void attach(struct rte_mbuf *m, const uint8_t *data, uint32_t len)
{
	struct rte_mbuf_ext_shared_info *si = malloc(sizeof(*si));
	uint8_t *block = malloc(len > 0 ? len : 1);

	if (len > 0)
		memcpy(block, data, len);
	si->free_cb = block_free;
	si->fcb_opaque = si;
	rte_mbuf_ext_refcnt_set(si, 1);
	rte_pktmbuf_attach_extbuf(m, block, RTE_BAD_IOVA, (uint16_t)len, si);
	live++;
}

struct rte_mbuf *exact_plain(struct rte_mempool *pool)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);

	if (m != NULL)
		ASAN_UNPOISON_MEMORY_REGION(m->buf_addr, m->buf_len);
	return m;
}

static struct rte_mbuf *segment(
	struct rte_mempool *shells, const uint8_t *data, uint32_t len, bool direct)
{
	struct rte_mbuf *m = exact_plain(shells);
	uint8_t *room;

	if (m == NULL)
		return NULL;
	if (!direct || len > rte_pktmbuf_tailroom(m)) {
		attach(m, data, len);
	} else {
		room = m->buf_addr;
		if (len > 0)
			memcpy(room + m->data_off, data, len);
		ASAN_POISON_MEMORY_REGION(room, m->data_off);
		ASAN_POISON_MEMORY_REGION(
			room + m->data_off + len, (size_t)m->buf_len - m->data_off - len);
	}
	m->data_len = (uint16_t)len;
	m->pkt_len = len;
	return m;
}

struct rte_mbuf *exact_frame(
	struct rte_mempool *shells, const uint8_t *data, uint32_t len, const struct exact_how *how)
{
	struct rte_mbuf *first = NULL, *last = NULL, *m;
	uint32_t off = 0, n = 0, state = how->cut * 2654435761u + 1;

	do {
		// Short pieces first, where the headers are; the last takes what remains.
		uint32_t want = 1 + (state >> 24) % (n < 40 ? 9 : 200);

		if (how->cut & 1) // a few large pieces instead
			want = 1 + (state >> 16) % (len + 1);
		if (how->cut == 0 || n == EXACT_SEGS_MAX - 1 || want > len - off)
			want = len - off;
		state = state * 1664525u + 1013904223u;
		m = segment(shells, data + off, want, how->direct);
		if (m == NULL) {
			rte_pktmbuf_free(first);
			return NULL;
		}
		if (last != NULL)
			last->next = m;
		else
			first = m;
		last = m;
		off += want;
		n++;
	} while (off < len);
	first->nb_segs = (uint16_t)n;
	first->pkt_len = len;
	return first;
}
