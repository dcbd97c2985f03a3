/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

// Payload buffers while Weir holds them, and queues of them.
//
// A queued buffer is a single-segment mbuf of a Weir pool (m->next == NULL) whose data_off and
// data_len delimit the payload that is still wanted; the queue links through the private area,
// never through m->next, so that a TX ring may hold the same mbuf behind a header at the same time.

// The private area of every mbuf of a Weir pool.
struct wr_mbuf_priv {
	struct rte_mbuf *next;    // next in the queue, NULL at the tail
	uint32_t seq;             // sequence number of its first byte, as its owner counts
	uint16_t flags;           // WR_MBUF_F_*
	uint16_t sent;            // times that (part of) it was sent, saturating
	uint64_t sent_us;         // when it was last sent; 0: never
	struct rte_mbuf *later;   // ring of what is in flight by time of sending: the next one sent
	struct rte_mbuf *earlier; // and the one sent before
};

#define WR_MBUF_F_RX     0x0001 // counts against the RX pool's budget (`held`)
#define WR_MBUF_F_COPY   0x0002 // private copy in a small buffer: may be appended to
#define WR_MBUF_F_SACKED 0x0004 // selectively acknowledged by the peer
#define WR_MBUF_F_LOST   0x0008 // deemed lost, to be sent again
#define WR_MBUF_F_SENT   0x0010 // in flight: in the ring by time of sending
#define WR_MBUF_F_BEGIN  0x0020 // a segment began in it when it was sent last

// A whole cache line, so that data behind it starts on one; padding would take the rest anyway.
#define WR_MBUF_PRIV_SIZE RTE_ALIGN(sizeof(struct wr_mbuf_priv), RTE_CACHE_LINE_SIZE)

static inline struct wr_mbuf_priv *wr_mbuf_priv(struct rte_mbuf *m)
{
	return (struct wr_mbuf_priv *)rte_mbuf_to_priv(m);
}

// A queue of payload buffers. Zero-initialised is empty.
struct wr_mq {
	struct rte_mbuf *head;
	struct rte_mbuf *tail;
	uint32_t bytes; // payload bytes
	uint32_t count; // buffers
};

#define wr_mq_foreach(m, q) for ((m) = (q)->head; (m) != NULL; (m) = wr_mbuf_priv(m)->next)

static inline void wr_mq_append(struct wr_mq *q, struct rte_mbuf *m)
{
	wr_mbuf_priv(m)->next = NULL;
	if (q->tail != NULL)
		wr_mbuf_priv(q->tail)->next = m;
	else
		q->head = m;
	q->tail = m;
	q->bytes += m->data_len;
	q->count++;
}

// Take the head off; NULL when empty.
static inline struct rte_mbuf *wr_mq_pop(struct wr_mq *q)
{
	struct rte_mbuf *m = q->head;

	if (m == NULL)
		return NULL;
	q->head = wr_mbuf_priv(m)->next;
	if (q->head == NULL)
		q->tail = NULL;
	q->bytes -= m->data_len;
	q->count--;
	wr_mbuf_priv(m)->next = NULL;
	return m;
}

// Append all of src to dst; src is empty afterwards.
static inline void wr_mq_concat(struct wr_mq *dst, struct wr_mq *src)
{
	if (src->head == NULL)
		return;
	if (dst->tail != NULL)
		wr_mbuf_priv(dst->tail)->next = src->head;
	else
		dst->head = src->head;
	dst->tail = src->tail;
	dst->bytes += src->bytes;
	dst->count += src->count;
	*src = (struct wr_mq){0};
}
