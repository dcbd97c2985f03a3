/* SPDX-License-Identifier: BSD-3-Clause */
#include "pair.h"

#include "wr_build.h"

// The link between the two stacks: frames under way, and what happens to them.

static bool earlier(const struct pair_frame *a, const struct pair_frame *b)
{
	return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void push_frame(struct pair *p, struct rte_mbuf *m, int to, wr_us_t at)
{
	struct pair_frame f = {m, at, p->order++, to};
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

// The right edge that a peer has been shown is never taken back, but for the rounding that window
// scaling causes (RFC 7323 2.4).
static void check_edge(struct pair *p, int from, const struct wr_pkt *k)
{
	uint32_t id = (from == 0 ? k->t.rport : k->t.lport) - 1024u, i = id % PAIR_CONNS;
	uint32_t edge, unit;
	bool syn = k->flags & WR_TCP_SYN;

	if (id > UINT16_MAX || !(k->flags & WR_TCP_ACK) || (k->flags & WR_TCP_RST))
		return;
	if (syn) {
		p->right_known[from][i] = false;
		p->shift[from][i] = 0;
		return;
	}
	for (uint32_t c = 0; c < p->s[from]->conns.capacity; c++) {
		struct wr_tcp_conn *x = wr_pool_at(&p->s[from]->conns, c);

		if (wr_pool_handle_at(&p->s[from]->conns, c) != WR_HANDLE_NONE &&
			(from == 0 ? x->t.lport : x->t.rport) == id + 1024)
			p->shift[from][i] = x->our_wscale;
	}
	unit = 1u << p->shift[from][i];
	edge = k->ack + ((uint32_t)k->window << p->shift[from][i]);
	if (p->right_known[from][i] && (int32_t)(edge - p->right_edge[from][i]) <= -(int32_t)unit)
		pair_fail(p, "side %d withdrew its right edge from %u to %u", from,
			p->right_edge[from][i], edge);
	if (!p->right_known[from][i] || (int32_t)(edge - p->right_edge[from][i]) > 0)
		p->right_edge[from][i] = edge;
	p->right_known[from][i] = true;
}

static void trace(struct pair *p, int from, const struct wr_pkt *k)
{
	uint32_t port = from == 0 ? k->t.rport : k->t.lport;

	printf("%llu %c %u %s%s%s%s seq %u len %u ack %u win %u sack %u\n",
		(unsigned long long)p->now, from ? '<' : '>', port,
		k->flags & WR_TCP_SYN ? "S" : "", k->flags & WR_TCP_FIN ? "F" : "",
		k->flags & WR_TCP_RST ? "R" : "", k->flags & WR_TCP_ACK ? "." : "",
		k->seq - p->iss[from], k->payload_len, k->ack - p->iss[!from], k->window,
		k->sack_count);
}

void pair_transmit(struct pair *p, int from, struct rte_mbuf *m)
{
	wr_us_t at = p->now + p->link.delay_us + wr_rng_below(&p->rng, p->link.jitter_us + 1);
	struct rte_mbuf *n;
	struct wr_pkt k;
	int copies = 1;

	wr_build_finish_csum(m);
	wr_parse_frame(&k, m, WR_PARSE_F_NO_L2);
	if (k.kind != WR_PKT_TCP)
		pair_fail(p, "side %d sent a frame that does not parse: %s", from,
			wr_drop_name(k.drop));
	check_edge(p, from, &k);
	if (p->trace)
		trace(p, from, &k);
	if ((p->tap != NULL && !p->tap(p, from, &k, p->tap_arg)) || chance(p, p->link.loss)) {
		p->lost++;
		rte_pktmbuf_free(m);
		return;
	}
	if (chance(p, p->link.reorder))
		at += wr_rng_below(&p->rng, p->link.held_us + 1);
	copies += chance(p, p->link.dup);
	for (int i = 0; i < copies - 1; i++) {
		n = as_received(p, m, chance(p, p->link.split));
		if (n != NULL)
			push_frame(p, n, !from, at + wr_rng_below(&p->rng, p->link.held_us + 1));
	}
	if (chance(p, p->link.share)) {
		push_frame(p, m, !from, at);
		return;
	}
	n = as_received(p, m, chance(p, p->link.split));
	rte_pktmbuf_free(m);
	if (n != NULL)
		push_frame(p, n, !from, at);
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
			k->sack[i] = (struct wr_sack_block){near(p, k->ack), near(p, k->ack)};
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
