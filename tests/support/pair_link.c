/* SPDX-License-Identifier: BSD-3-Clause */
#include "pair.h"

#include "wr_build.h"

// The link between the two stacks: frames under way, and what happens to them.

static bool earlier(const struct pair_frame *a, const struct pair_frame *b)
{
	return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void push_frame(struct pair *p, struct rte_mbuf *m, int to, wr_us_t at, bool corrupt)
{
	struct pair_frame f = {m, at, p->order++, to, corrupt};
	uint32_t i = p->frame_count++;

	if (i >= PAIR_FRAMES)
		pair_fail(p, "more than %d frames under way", PAIR_FRAMES);
	for (; i > 0 && earlier(&f, &p->frames[(i - 1) / 2]); i = (i - 1) / 2)
		p->frames[i] = p->frames[(i - 1) / 2];
	p->frames[i] = f;
}

struct pair_frame pair_pop_frame(struct pair *p)
{
	struct pair_frame top = p->frames[0], last = p->frames[--p->frame_count];
	uint32_t i = 0, k;

	while ((k = 2 * i + 1) < p->frame_count) {
		if (k + 1 < p->frame_count && earlier(&p->frames[k + 1], &p->frames[k]))
			k++;
		if (!earlier(&p->frames[k], &last))
			break;
		p->frames[i] = p->frames[k];
		i = k;
	}
	p->frames[i] = last;
	return top;
}

// What a NIC would write into its own buffers; in two segments when `split`.
static struct rte_mbuf *as_received(struct pair *p, struct rte_mbuf *m, bool split)
{
	uint32_t len = m->pkt_len, first = len;
	struct rte_mbuf *n = rte_pktmbuf_alloc(p->rx), *n2 = NULL;

	if (n == NULL)
		return NULL;
	if (split && len > 200)
		first = 60 + wr_rng_below(&p->rng, len - 100);
	wr_tcp_payload_copy(rte_pktmbuf_append(n, (uint16_t)first), m, 0, first);
	if (first < len) {
		n2 = rte_pktmbuf_alloc(p->rx);
		if (n2 == NULL) {
			rte_pktmbuf_free(n);
			return NULL;
		}
		wr_tcp_payload_copy(
			rte_pktmbuf_append(n2, (uint16_t)(len - first)), m, first, len - first);
		rte_pktmbuf_chain(n, n2);
	}
	return n;
}

static bool chance(struct pair *p, uint32_t permille)
{
	return permille > 0 && wr_rng_below(&p->rng, 1000) < permille;
}

// One byte changes: no Internet checksum misses that.
static void damage(struct pair *p, struct rte_mbuf *m)
{
	uint32_t at = wr_rng_below(&p->rng, m->pkt_len);

	for (; at >= m->data_len; m = m->next)
		at -= m->data_len;
	*rte_pktmbuf_mtod_offset(m, uint8_t *, at) ^= (uint8_t)(1 + wr_rng_below(&p->rng, 255));
}

// Onto the line of a given rate: when it is through, or false when its queue has no room.
static bool line(struct pair *p, int from, uint32_t bytes, wr_us_t *at)
{
	const struct pair_link *l = &p->link;
	uint64_t now = p->now * 1000, free = RTE_MAX(p->line_free_ns[from], now);
	uint64_t waiting = (free - now) * l->rate_kbit / 8000000;

	if (waiting + bytes > l->queue_bytes)
		return false;
	p->line_free_ns[from] = free + (uint64_t)bytes * 8000000 / l->rate_kbit;
	*at += (p->line_free_ns[from] - now) / 1000;
	return true;
}

static void seen(struct pair *p, int from, const struct wr_pkt *k, wr_us_t at, uint32_t what)
{
	if (p->watch.sent != NULL)
		p->watch.sent(p->watch.arg, from, k, at, what);
}

static void put(struct pair *p, struct rte_mbuf *m, int to, wr_us_t at, bool corrupt)
{
	if (m == NULL) {
		p->no_buffer++;
		return;
	}
	if (corrupt)
		damage(p, m);
	push_frame(p, m, to, at, corrupt);
}

void pair_transmit(struct pair *p, int from, struct rte_mbuf *m)
{
	wr_us_t at = p->now + p->link.delay_us + wr_rng_below(&p->rng, p->link.jitter_us + 1);
	uint32_t what = 0;
	struct rte_mbuf *n;
	struct wr_pkt k;

	wr_build_finish_csum(m);
	wr_parse_frame(&k, m, WR_PARSE_F_NO_L2);
	if (k.kind != WR_PKT_TCP)
		pair_fail(p, "side %d sent a frame that does not parse: %s", from,
			wr_drop_name(k.drop));
	if ((p->tap != NULL && !p->tap(p, from, &k, p->tap_arg)) || chance(p, p->link.loss))
		what = PAIR_F_LOST;
	else if (p->link.rate_kbit > 0 && from == 0 && !line(p, from, m->pkt_len, &at))
		what = PAIR_F_LOST | PAIR_F_QUEUE;
	if (what & PAIR_F_LOST) {
		seen(p, from, &k, WR_US_NEVER, what);
		p->lost++;
		rte_pktmbuf_free(m);
		return;
	}
	what |= chance(p, p->link.reorder) ? PAIR_F_LATE : 0;
	what |= chance(p, p->link.dup) ? PAIR_F_DUP : 0;
	what |= chance(p, p->link.corrupt) ? PAIR_F_CORRUPT : 0;
	if (what & PAIR_F_LATE)
		at += wr_rng_below(&p->rng, p->link.held_us + 1);
	seen(p, from, &k, at, what);
	if (what & PAIR_F_DUP) {
		n = as_received(p, m, chance(p, p->link.split));
		put(p, n, !from, at + wr_rng_below(&p->rng, p->link.held_us + 1), false);
	}
	if (!(what & PAIR_F_CORRUPT) && chance(p, p->link.share)) {
		put(p, m, !from, at, false);
		return;
	}
	put(p, as_received(p, m, chance(p, p->link.split)), !from, at, what & PAIR_F_CORRUPT);
	rte_pktmbuf_free(m);
}

void pair_flush(struct pair *p, int side)
{
	struct rte_mbuf *pkts[64];
	uint32_t rounds = 0;

	for (;;) {
		struct wr_tcp_tx tx = {pkts, 0, (uint16_t)p->room};
		uint32_t n = wr_tcp_output(p->s[side], &tx, 64, p->now);

		for (uint16_t i = 0; i < tx.count; i++)
			pair_transmit(p, side, pkts[i]);
		if (tx.count == 0 || ++rounds > 10000)
			break;
		(void)n;
	}
	if (rounds > 10000)
		pair_fail(p, "side %d never stops sending", side);
}

static uint32_t near(struct pair *p, uint32_t v)
{
	static const uint32_t reach[] = {2, 1500, 70000, 1u << 20, UINT32_MAX};
	uint32_t r = reach[wr_rng_below(&p->rng, RTE_DIM(reach))];

	return v + wr_rng_below(&p->rng, r) - r / 2;
}

void pair_mutate(struct pair *p, struct wr_pkt *k)
{
	switch (wr_rng_below(&p->rng, 8)) {
	case 0:
		k->seq = near(p, k->seq);
		break;
	case 1:
		k->ack = near(p, k->ack);
		break;
	case 2:
		k->flags = (uint8_t)wr_rng_next(&p->rng);
		break;
	case 3:
		k->flags ^= (uint8_t)(1u << wr_rng_below(&p->rng, 8));
		break;
	case 4:
		k->window = (uint16_t)wr_rng_next(&p->rng);
		break;
	case 5:
		k->ts_val = near(p, k->ts_val);
		k->ts_ecr = near(p, k->ts_ecr);
		break;
	case 6:
		k->sack_count = (uint8_t)wr_rng_below(&p->rng, WR_TCP_MAX_SACK + 1);
		for (uint32_t i = 0; i < k->sack_count; i++)
			k->sack[i].left = near(p, k->ack), k->sack[i].right = near(p, k->ack);
		break;
	default:
		k->opts ^= (uint8_t)(1u << wr_rng_below(&p->rng, 5));
		k->mss = (uint16_t)wr_rng_next(&p->rng);
		k->wscale = (uint8_t)wr_rng_below(&p->rng, 15);
		break;
	}
}

void pair_inject(struct pair *p, int to, const struct pair_seg *seg)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(p->rx);
	struct wr_tuple t = {seg->t.remote, seg->t.local, seg->t.rport, seg->t.lport};
	struct wr_tcp_hdr h = {.t = &t,
		.seq = seg->seq,
		.ack = seg->ack,
		.window = seg->window,
		// the parser refuses some combinations; the engine has to stand them all the same
		.flags = seg->flags & WR_TCP_SYN ? WR_TCP_SYN : WR_TCP_ACK,
		.opts = seg->opts,
		.mss = seg->mss,
		.wscale = seg->wscale,
		.sack_count = seg->sack_count,
		.sack = seg->sack,
		.ts_val = seg->ts_val,
		.ts_ecr = seg->ts_ecr};
	struct wr_pkt k;

	if (seg->len > 0)
		memcpy(rte_pktmbuf_append(m, (uint16_t)seg->len), seg->data, seg->len);
	PAIR_EQ(p, wr_build_tcp(m, &h), 0);
	wr_build_finish_csum(m);
	wr_parse_frame(&k, m, WR_PARSE_F_NO_L2);
	if (k.kind != WR_PKT_TCP)
		pair_fail(p, "injected segment does not parse: %s", wr_drop_name(k.drop));
	k.flags = seg->flags;
	p->payload_in[to] += k.payload_len;
	wr_tcp_input_burst(p->s[to], &k, 1, p->now);
}
