/* SPDX-License-Identifier: BSD-3-Clause */
#include "cookie.h"
#include "tcp_priv.h"
#include "wr_build.h"

// SYN cookies (RFC 4987 3.6): when half-open connections are at their limit a SYN is answered
// without keeping anything, and the ACK of that answer makes the connection.

#define WAIT_US (4 * WR_US_PER_S) // a few time-outs of a peer's first segments

// What the SYN-ACK of a cookie shows, the same when its ACK comes.
static uint32_t first_window(const struct wr_tcp_stack *s, const struct wr_tcp_listener *l)
{
	uint32_t buf = l->opts.rcv_buf_bytes != 0 ? l->opts.rcv_buf_bytes : s->cfg.rcv_buf_bytes;

	return min32(min32(buf, (uint32_t)UINT16_MAX), (uint32_t)WR_TCP_SLOW_WND);
}

static struct wr_tcp_cookie_secret secret_of(const struct wr_tcp_stack *s)
{
	struct wr_tcp_cookie_secret k;
	uint64_t key[2] = {
		s->cfg.secret[0] ^ s->cfg.secret[3], s->cfg.secret[1] ^ s->cfg.secret[2]};

	wr_tcp_cookie_secret_init(&k, key);
	return k;
}

// Without timestamps there is no room for window scale and SACK, so they are not offered either.
enum wr_drop wr_tcp_cookie_answer(struct wr_tcp_stack *s, const struct wr_tcp_listener *l,
	const struct wr_tcp_seg *g, wr_us_t now)
{
	const struct wr_pkt *p = g->p;
	bool v4 = wr_addr_is_v4(&p->t.local), ts = p->opts & WR_TCPOPT_TS;
	struct wr_tcp_cookie_opts o = {.mss = v4 ? WR_TCP_MSS_DEF_V4 : WR_TCP_MSS_DEF_V6};
	struct wr_tcp_cookie_secret secret = secret_of(s);
	struct wr_tcp_hdr h = {.t = &p->t, .ack = g->seq + 1, .flags = WR_TCP_SYN | WR_TCP_ACK};
	uint16_t mss = v4 ? l->opts.mss_v4 : l->opts.mss_v6;

	o.opts = p->opts &
	         (WR_TCPOPT_MSS | (ts ? WR_TCPOPT_TS | WR_TCPOPT_WSCALE | WR_TCPOPT_SACKOK : 0));
	if (o.opts & WR_TCPOPT_MSS)
		o.mss = p->mss;
	if (o.opts & WR_TCPOPT_WSCALE)
		o.wscale = (uint8_t)min32(p->wscale, 14);
	h.seq = wr_tcp_cookie_make(&secret, &p->t, g->seq, &o, now);
	h.opts = o.opts | WR_TCPOPT_MSS;
	h.mss = wr_tcp_conn_mss(&p->t, mss);
	h.wscale = wr_tcp_conn_wscale(s, l->opts.rcv_buf_bytes);
	h.window = (uint16_t)first_window(s, l);
	h.ts_val = wr_tcp_cookie_ts(wr_tcp_ts_clock(s, &p->t, now), &o);
	h.ts_ecr = p->ts_val;
	if (!wr_tcp_answer(s, &h, 0, WR_TCP_ANSWERS - WR_TCP_ANSWERS_KEPT))
		return wr_tcp_answer_lost(s);
	s->cookie_at = now;
	s->cookies_out = true;
	wr_tcp_count(s, WR_CTR_tcp_cookies_sent, 1);
	return WR_DROP_NONE;
}

// A connection as it would be had it been kept since the SYN.
static enum wr_drop restore(struct wr_tcp_stack *s, const struct wr_tcp_listener *l,
	struct wr_tcp_seg *g, const struct wr_tcp_cookie_opts *o, wr_us_t now)
{
	const struct wr_tuple *t = &g->p->t;
	struct wr_pkt syn = *g->p;
	struct wr_tcp_seg said = {.p = &syn, .seq = g->seq - 1, .flags = WR_TCP_SYN};
	bool v4 = wr_addr_is_v4(&t->local);
	struct wr_tcp_conn *c;
	enum wr_drop v;

	c = wr_tcp_conn_create(s, t, s->cfg.reserved_conns, &v);
	if (c == NULL) {
		wr_tcp_reset_answer(s, g, now); // it believes to be connected
		return v;
	}
	syn.opts = o->opts;
	syn.mss = o->mss;
	syn.wscale = o->wscale;
	c->flags |= F_PASSIVE | F_COOKIE | (l->opts.nagle ? F_NAGLE : 0);
	c->user = l->opts.user;
	wr_tcp_conn_limits(s, c, v4 ? l->opts.mss_v4 : l->opts.mss_v6, l->opts.rcv_buf_bytes,
		l->opts.snd_buf_bytes);
	wr_tcp_conn_keys(s, c, now);
	wr_tcp_conn_iss(c, g->ack - 1);
	c->snd_nxt = g->ack;
	wr_tcp_learn_syn(c, &said, UINT8_MAX, now);
	c->rcv_adv = c->rcv_nxt + first_window(s, l);
	wr_tcp_conn_set_state(s, c, WR_TCP_ST_SYN_RECEIVED);
	wr_tcp_window_promise(s, c);
	wr_tcp_count(s, WR_CTR_tcp_cookies_accepted, 1);
	return wr_tcp_input_synchronised(s, c, g, now);
}

bool wr_tcp_cookie_input(
	struct wr_tcp_stack *s, struct wr_tcp_seg *g, wr_us_t now, enum wr_drop *verdict)
{
	const struct wr_pkt *p = g->p;
	const struct wr_tcp_listener *l;
	struct wr_tcp_cookie_secret secret;
	struct wr_tcp_cookie_opts o;
	struct wr_tcp_cookie_ack a = {
		.ack = g->ack, .seq = g->seq, .ts = p->opts & WR_TCPOPT_TS, .ts_ecr = p->ts_ecr};

	if (likely(!s->cookies_out) || now - s->cookie_at > 2 * WR_TCP_COOKIE_STEP_US)
		return false;
	if ((g->flags & (WR_TCP_SYN | WR_TCP_RST | WR_TCP_ACK)) != WR_TCP_ACK || p->t.rport == 0)
		return false;
	l = wr_tcp_listener_lookup(s, &p->t.local, p->t.lport);
	if (l == NULL)
		return false;
	a.ts_now = wr_tcp_ts_clock(s, &p->t, now); // a hash: not for every stray segment
	secret = secret_of(s);
	if (!wr_tcp_cookie_check(&secret, &p->t, &a, now, &o)) {
		wr_tcp_count(s, WR_CTR_tcp_cookies_refused, 1);
		// payload may have overtaken the ACK that proves the cookie, or outlived it: its
		// start comes again and is proof itself
		*verdict = WR_DROP_tcp_cookie_wait;
		return g->len > 0 && now - s->cookie_at < WAIT_US;
	}
	if (unlikely(l->admit == WR_TCP_REFUSE_DROP))
		*verdict = WR_DROP_syn_dropped;
	else if (unlikely(l->admit == WR_TCP_REFUSE_RST))
		*verdict = WR_DROP_syn_refused;
	else
		*verdict = restore(s, l, g, &o, now);
	if (*verdict == WR_DROP_syn_refused && !wr_tcp_reset_refused(s, g, true, now))
		*verdict = WR_DROP_syn_dropped;
	return true;
}
