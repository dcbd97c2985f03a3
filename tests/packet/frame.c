/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <string.h>

#include <netinet/in.h>

#include <rte_ip.h>
#include <rte_tcp.h>

#include "run.h"
#include "wr_csum.h"
#include "wr_parse.h"

// A segment of the peer: built byte by byte, with its checksums, and given to the parser.

#define FRAME_MAX 9300

// What a SYN of the peer offers.
struct pk_syn {
	uint8_t opts, wscale;
	uint32_t mss;
};

struct frame {
	uint8_t b[FRAME_MAX];
	uint32_t len;
	uint32_t l3; // bytes of the IP header
	uint32_t opt_len;
	uint8_t opt[64];
};

static void put_opt(struct frame *f, const void *data, uint32_t len)
{
	if (f->opt_len + len > sizeof(f->opt))
		len = sizeof(f->opt) - f->opt_len;
	memcpy(f->opt + f->opt_len, data, len);
	f->opt_len += len;
}

static void put32(uint8_t *to, uint32_t v)
{
	v = rte_cpu_to_be_32(v);
	memcpy(to, &v, 4);
}

static bool uses_ts(const struct pk_run *r, const struct pk_packet *p)
{
	if (p->o.nots || !r->v.ts)
		return false;
	if (p->flags & WR_TCP_SYN)
		return true;
	return !(r->peer_syn && !(r->peer_opts & WR_TCPOPT_TS)) &&
	       !(r->our_syn && !(r->our_opts & WR_TCPOPT_TS));
}

static uint32_t ts_value(const struct pk_run *r, const struct pk_packet *p)
{
	if (p->o.ts && !p->o.ts_val_own)
		return PK_TS_START + (uint32_t)p->o.ts_val;
	return PK_TS_START + (uint32_t)((r->now - r->start) / WR_US_PER_MS);
}

// Options of a SYN: what the script's header says, unless the line says otherwise.
static void syn_options(
	struct pk_run *r, const struct pk_packet *p, struct frame *f, struct pk_syn *syn)
{
	uint32_t mss = p->o.mss ? (uint32_t)pk_value(r, &p->o.mss_n) : r->sc->peer_mss;
	uint8_t shift = p->o.wscale ? p->o.shift : r->sc->peer_wscale;
	uint8_t text[4] = {2, 4, (uint8_t)(mss >> 8), (uint8_t)mss};

	if (!p->o.nomss) {
		put_opt(f, text, 4);
		syn->opts |= WR_TCPOPT_MSS;
	}
	if (!p->o.nowscale) {
		put_opt(f, (uint8_t[]){1, 3, 3, shift}, 4);
		syn->opts |= WR_TCPOPT_WSCALE;
	}
	if ((r->v.sack || p->o.sackok) && !p->o.nosackok) {
		put_opt(f, (uint8_t[]){1, 1, 4, 2}, 4);
		syn->opts |= WR_TCPOPT_SACKOK;
	}
	if (uses_ts(r, p))
		syn->opts |= WR_TCPOPT_TS;
	syn->wscale = RTE_MIN(shift, 14);
	syn->mss = !p->o.nomss ? mss : r->v.v6 ? 1220 : 536;
}

static void options(
	struct pk_run *r, const struct pk_packet *p, struct frame *f, struct pk_syn *syn)
{
	uint8_t text[40];

	if (p->flags & WR_TCP_SYN)
		syn_options(r, p, f, syn);
	if (uses_ts(r, p)) {
		uint32_t ecr = !(p->flags & WR_TCP_ACK) ? 0 : r->ts_ours;

		if (p->o.ts && !p->o.ts_ecr_own)
			ecr = r->ts_ours_first + (uint32_t)p->o.ts_ecr;
		memcpy(text, (uint8_t[]){1, 1, 8, 10}, 4);
		put32(text + 4, ts_value(r, p));
		put32(text + 8, ecr);
		put_opt(f, text, 12);
	}
	if (p->o.sack && (r->v.sack || (p->flags & WR_TCP_SYN))) {
		memcpy(text, (uint8_t[]){1, 1, 5, (uint8_t)(2 + 8 * p->o.sack_count)}, 4);
		for (uint32_t i = 0; i < p->o.sack_count; i++) {
			put32(text + 4 + 8 * i, r->iss + (uint32_t)pk_value(r, &p->o.left[i]));
			put32(text + 8 + 8 * i, r->iss + (uint32_t)pk_value(r, &p->o.right[i]));
		}
		put_opt(f, text, 4 + 8u * p->o.sack_count);
	}
	put_opt(f, p->o.raw, p->o.raw_len);
	if (p->o.eol)
		put_opt(f, (uint8_t[]){0}, 1);
	while (f->opt_len % 4 != 0)
		put_opt(f, p->o.eol ? (uint8_t[]){0} : (uint8_t[]){1}, 1);
}

// The window field: bytes as written, shifted as this segment's receiver will.
static bool window(struct pk_run *r, const struct pk_packet *p, uint16_t *field)
{
	uint8_t shift = 0;
	int64_t bytes = p->has_win ? pk_value(r, &p->win) : r->sc->peer_win;

	if (!(p->flags & WR_TCP_SYN) && (r->peer_opts & r->our_opts & WR_TCPOPT_WSCALE))
		shift = r->peer_wscale;
	if (p->has_win && bytes % (1 << shift) != 0)
		return pk_fail(r,
			"win %lld cannot be said with the peer's window scale of %u: a multiple of "
			"%u can, or 'peer wscale 0' at the top",
			(long long)bytes, shift, 1u << shift);
	bytes >>= shift;
	if (p->has_win && (bytes < 0 || bytes > UINT16_MAX))
		return pk_fail(r, "win %lld is more than the field holds with a scale of %u",
			(long long)bytes << shift, shift);
	*field = (uint16_t)RTE_MIN(bytes, (int64_t)UINT16_MAX);
	return true;
}

static void put_ip(struct pk_run *r, const struct pk_packet *p, struct frame *f, uint32_t l4)
{
	uint8_t ttl = p->via.ttl != 0 ? p->via.ttl : 64;
	const struct wr_addr *src = p->via.land ? &r->t.local : &r->t.remote;

	if (r->v.v6) {
		struct rte_ipv6_hdr *h = (struct rte_ipv6_hdr *)f->b;

		*h = (struct rte_ipv6_hdr){
			.vtc_flow = rte_cpu_to_be_32(6u << 28 | (uint32_t)p->via.tos << 20),
			.payload_len = rte_cpu_to_be_16((uint16_t)l4),
			.proto = IPPROTO_TCP,
			.hop_limits = ttl};
		memcpy(h->src_addr, src->b, 16);
		memcpy(h->dst_addr, r->t.local.b, 16);
		f->l3 = sizeof(*h);
	} else {
		struct rte_ipv4_hdr *h = (struct rte_ipv4_hdr *)f->b;

		*h = (struct rte_ipv4_hdr){.version_ihl = 0x45,
			.type_of_service = p->via.tos,
			.total_length = rte_cpu_to_be_16((uint16_t)(sizeof(*h) + l4)),
			.fragment_offset = RTE_BE16(0x4000),
			.time_to_live = ttl,
			.next_proto_id = IPPROTO_TCP,
			.src_addr = src->w[3],
			.dst_addr = r->t.local.w[3]};
		h->hdr_checksum = wr_csum_finish(wr_csum_add(0, h, sizeof(*h)));
		if (p->via.bad_ip_checksum)
			h->hdr_checksum ^= 0x0101;
		f->l3 = sizeof(*h);
	}
}

static bool build(struct pk_run *r, const struct pk_packet *p, struct frame *f, struct pk_syn *syn)
{
	uint32_t seq = (uint32_t)pk_value(r, &p->seq), len = (uint32_t)pk_value(r, &p->len);
	const struct wr_addr *src = p->via.land ? &r->t.local : &r->t.remote;
	struct rte_tcp_hdr h = {0};
	uint32_t l4, sum;
	uint16_t win;

	options(r, p, f, syn);
	if (!window(r, p, &win))
		return false;
	if (f->opt_len > 40 || len > FRAME_MAX - 200)
		return pk_fail(r, "%u bytes of options and %u of payload do not fit in a segment",
			f->opt_len, len);
	l4 = (uint32_t)sizeof(h) + f->opt_len + len;
	put_ip(r, p, f, l4);
	h.src_port = rte_cpu_to_be_16(p->via.sport != 0 ? p->via.sport
				      : p->via.land     ? r->t.lport
							: r->t.rport);
	h.dst_port = rte_cpu_to_be_16(p->via.dport != 0 ? p->via.dport : r->t.lport);
	h.sent_seq = rte_cpu_to_be_32(r->irs + seq);
	h.recv_ack = p->has_ack ? rte_cpu_to_be_32(r->iss + (uint32_t)pk_value(r, &p->ack)) : 0;
	h.data_off = (uint8_t)((p->via.doff >= 0 ? p->via.doff : (5 + (int)f->opt_len / 4)) << 4);
	h.tcp_flags = p->flags;
	h.rx_win = rte_cpu_to_be_16(win);
	h.tcp_urp = rte_cpu_to_be_16((uint16_t)(p->has_urg ? pk_value(r, &p->urg) : 0));
	memcpy(f->b + f->l3, &h, sizeof(h));
	memcpy(f->b + f->l3 + sizeof(h), f->opt, f->opt_len);
	f->len = f->l3 + (uint32_t)sizeof(h) + f->opt_len;
	for (uint32_t i = 0; i < len; i++)
		f->b[f->len++] = pk_peer_byte(seq + i + !!(p->flags & WR_TCP_SYN), p->other);
	sum = wr_csum_pseudo(src, &r->t.local, IPPROTO_TCP, l4);
	h.cksum = wr_csum_finish(wr_csum_add(sum, f->b + f->l3, l4));
	if (p->via.bad_checksum)
		h.cksum ^= 0x0101;
	memcpy(f->b + f->l3 + offsetof(struct rte_tcp_hdr, cksum), &h.cksum, 2);
	memset(f->b + f->len, 0xee, p->via.padding);
	f->len += p->via.padding;
	return true;
}

static struct rte_mbuf *as_received(struct pk_run *r, const struct pk_packet *p, struct frame *f)
{
	struct rte_mbuf *head = NULL;
	uint32_t part = p->via.split != 0 ? p->via.split : 2048;

	for (uint32_t at = 0; at < f->len; at += part, part = 2048) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(r->pools->rx);

		if (m == NULL) {
			rte_pktmbuf_free(head);
			return NULL;
		}
		part = RTE_MIN(part, f->len - at);
		memcpy(rte_pktmbuf_append(m, (uint16_t)part), f->b + at, part);
		if (head == NULL)
			head = m;
		else
			rte_pktmbuf_chain(head, m);
	}
	return head;
}

// What an observer may expect to be echoed from now on (RFC 7323 4.3).
static void note_ts(struct pk_run *r, const struct wr_pkt *k)
{
	uint32_t seq = k->seq - r->irs, ack = k->ack - r->iss;
	uint32_t len = k->payload_len + !!(k->flags & WR_TCP_FIN);
	struct wr_tcp_info info;
	bool sure;

	if (!(k->opts & WR_TCPOPT_TS) || (k->flags & WR_TCP_RST))
		return;
	if (k->flags & WR_TCP_SYN) {
		// crossing SYNs: theirs comes again with the ACK of ours, and may be echoed
		if (r->ts_peer_known && wr_seq_gt(k->ts_val, r->ts_high))
			r->ts_high = k->ts_val;
		return;
	}
	if (r->now - r->ts_peer_at > 24 * 24 * 3600 * WR_US_PER_S) // RFC 7323 5.5
		r->ts_low = r->ts_high = k->ts_val;
	if (wr_seq_gt(seq, r->last_ack) || wr_seq_lt(k->ts_val, r->ts_high))
		return;
	r->ts_peer_at = r->now;
	sure = (k->flags & WR_TCP_ACK) && wr_seq_geq(seq + len, r->last_ack) &&
	       wr_seq_geq(ack, r->acked) && wr_seq_leq(ack, r->snd_max) &&
	       (len == 0 || seq + len != r->last_ack) && pk_info(r, &info) &&
	       info.state >= WR_TCP_ST_ESTABLISHED && info.state != WR_TCP_ST_TIME_WAIT;
	r->ts_high = k->ts_val;
	if (sure)
		r->ts_low = k->ts_val;
}

// The SYN of the connection that is there now: what it offered counts. One that a connection only
// challenges does not.
static void note_syn(struct pk_run *r, const struct pk_syn *syn, const struct wr_pkt *k, bool fresh)
{
	if (!(k->flags & WR_TCP_SYN) || (!fresh && r->peer_syn))
		return;
	r->peer_syn = true;
	r->peer_opts = syn->opts;
	r->peer_wscale = syn->wscale;
	r->peer_mss = syn->mss;
	r->ts_peer_known = k->opts & WR_TCPOPT_TS;
	r->ts_low = r->ts_high = k->ts_val;
	r->ts_peer_at = r->now;
}

static void log_in(struct pk_run *r, const struct pk_packet *p, const struct wr_pkt *k)
{
	char flags[16];

	pk_describe_flags(p->flags, flags);
	pk_log(r, "< %s %d(%d) ack %d win %u%s%s", flags, (int)pk_value(r, &p->seq),
		(int)pk_value(r, &p->len), p->has_ack ? (int)pk_value(r, &p->ack) : 0,
		k->kind == WR_PKT_TCP ? k->window : 0, *p->other != '\0' ? " other bytes" : "",
		k->kind != WR_PKT_TCP ? " (the parser drops it)" : "");
}

bool pk_inject(struct pk_run *r, const struct pk_packet *p)
{
	struct frame f = {.len = 0};
	struct pk_syn syn = {0};
	struct rte_mbuf *m;
	struct wr_pkt k, parsed;

	if (!build(r, p, &f, &syn))
		return false;
	m = as_received(r, p, &f);
	if (m == NULL)
		return pk_fail(r, "no buffer to receive into");
	wr_parse_frame(&k, m, WR_PARSE_F_NO_L2);
	log_in(r, p, &k);
	if (k.kind != WR_PKT_TCP) {
		// the books of frames that do not parse are the worker's
		wr_stats_drop(&r->st, k.drop, 1);
		rte_pktmbuf_free(m);
		pk_flush(r);
		return true;
	}
	k.admit = p->via.admit;
	k.admit_why = p->via.why;
	parsed = k; // the engine may change its own
	note_ts(r, &k);
	if ((k.flags & WR_TCP_ACK) && wr_seq_gt(k.ack - r->iss, r->acked) &&
		wr_seq_leq(k.ack - r->iss, r->snd_max))
		r->acked = k.ack - r->iss;
	r->payload_in += k.payload_len;
	wr_tcp_input_burst(r->s, &k, 1, r->now);
	note_syn(r, &syn, &parsed, pk_find_conn(r));
	pk_flush(r);
	return true;
}
