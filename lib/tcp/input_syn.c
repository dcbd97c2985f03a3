/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp_priv.h"

// Segments that open connections: SYN to a listener, answers to our SYN, crossing SYNs.

// What the peer's SYN says about its side. Options that were not on its SYN are not used.
void wr_tcp_learn_syn(
	struct wr_tcp_conn *c, const struct wr_tcp_seg *g, uint8_t offered, wr_us_t now)
{
	const struct wr_pkt *p = g->p;
	bool v4 = wr_addr_is_v4(&c->t.local);
	uint32_t mss;

	c->irs = g->seq;
	c->rcv_adv = g->seq + 1 + (c->rcv_adv - c->rcv_nxt);
	c->rcv_nxt = g->seq + 1;
	c->last_ack_sent = c->rcv_nxt;
	c->opts = p->opts & offered & (WR_TCPOPT_WSCALE | WR_TCPOPT_SACKOK | WR_TCPOPT_TS);
	if (c->opts & WR_TCPOPT_WSCALE)
		c->peer_wscale = min32(p->wscale, 14);
	else
		c->our_wscale = 0;
	c->peer_mss = p->opts & WR_TCPOPT_MSS ? p->mss : v4 ? WR_TCP_MSS_DEF_V4 : WR_TCP_MSS_DEF_V6;
	// RFC 9293 3.7.1, with a floor; options are taken off (RFC 6691)
	mss = min32(max32(c->peer_mss, WR_TCP_MSS_MIN), c->rcv_mss);
	c->mss = (uint16_t)(c->opts & WR_TCPOPT_TS ? mss - WR_TCP_TS_LEN : mss);
	if (c->opts & WR_TCPOPT_TS) {
		c->ts_recent = p->ts_val;
		c->ts_recent_at = (uint16_t)(now >> WR_TCP_PAWS_SHIFT);
		c->flags |= F_TS_VALID;
	}
	// the window of a SYN is never scaled (RFC 7323 2.2)
	c->snd_wnd = p->window;
	c->max_snd_wnd = p->window;
	c->snd_wl1 = g->seq;
}

void wr_tcp_conn_established(
	struct wr_tcp_stack *s, struct wr_tcp_conn *c, const struct wr_tcp_seg *g, wr_us_t now)
{
	bool syn = g->p->flags & WR_TCP_SYN;
	bool passive = c->flags & F_PASSIVE;

	c->snd_una = c->iss + 1;
	c->snd_wnd = syn ? g->p->window : (uint32_t)g->p->window << c->peer_wscale;
	c->max_snd_wnd = max32(c->max_snd_wnd, c->snd_wnd);
	c->snd_wl1 = g->seq;
	c->recover = c->iss;
	c->rtx_nxt = c->snd_una;
	c->rtx_at = WR_US_NEVER;
	c->rtx_since = 0;
	c->backoff = 0;
	c->life_at = WR_US_NEVER;
	c->recv_seq = c->rcv_nxt;
	c->recv_us = (uint32_t)now;
	c->flags = (c->flags & ~F_SYN_DUE) | F_SYNCED;
	c->send_tick = wr_tcp_tick(now);
	c->recv_tick = wr_tcp_tick(now);
	if (c->flags & F_COOKIE) {
		c->rto_us = (uint32_t)s->cfg.rto_initial_us;
	} else if (c->flags & F_SYN_RTX) {
		// RFC 6298 5.7
		c->rto_us = (uint32_t)max64(s->cfg.rto_initial_us, 3 * WR_US_PER_S);
		c->rto_us = (uint32_t)min64(c->rto_us, s->cfg.rto_max_us);
	} else {
		wr_tcp_rtt_sample(
			s, c, (uint32_t)min64((uint32_t)now - c->pace_us, s->cfg.rto_max_us));
	}
	wr_tcp_cc(c)->init(c, c->flags & F_SYN_RTX, now);
	wr_tcp_conn_set_state(s, c, WR_TCP_ST_ESTABLISHED);
	if (passive)
		c->flags |= F_OWNED;
	wr_tcp_count(s, passive ? WR_CTR_tcp_accepted : WR_CTR_tcp_connected, 1);
	wr_tcp_conn_event(s, c, passive ? WR_TCP_EV_ACCEPTED : WR_TCP_EV_CONNECTED);
	wr_tcp_timer_keepalive(s, c, now);
	if (c->flags & F_FIN_QUEUED)
		wr_tcp_conn_set_state(s, c, WR_TCP_ST_FIN_WAIT_1);
	if (c->sndq.count > 0 || (c->flags & F_FIN_QUEUED))
		wr_tcp_conn_dirty(s, c);
}

static bool is_refusal(uint32_t admit)
{
	return admit != WR_TCP_ADMIT && admit != WR_TCP_ADMIT_COOKIE;
}

// Of the listener's verdict and that on the request itself, the stricter.
static uint32_t verdict(const struct wr_tcp_listener *l, const struct wr_pkt *p)
{
	uint32_t a = l->admit, b = p->admit;

	if (likely(a == WR_TCP_ADMIT))
		return b;
	if (is_refusal(a) && is_refusal(b))
		return max32(a, b);
	return is_refusal(a) || b == WR_TCP_ADMIT ? a : b;
}

// The reason is that of whoever refused this request by name, if it gave one; that the client was
// told is only said of those that were. The door has a rate of its own for what it refuses.
static enum wr_drop refuse(
	struct wr_tcp_stack *s, const struct wr_tcp_seg *g, uint32_t how, wr_us_t now)
{
	const struct wr_pkt *p = g->p;
	bool told = how == WR_TCP_REFUSE_RST &&
	            wr_tcp_reset_refused(s, g, p->admit != WR_TCP_REFUSE_RST, now);

	if (is_refusal(p->admit) && p->admit_why != WR_DROP_NONE &&
		p->admit_why != WR_DROP_syn_refused && p->admit_why < WR_DROP_COUNT)
		return (enum wr_drop)p->admit_why;
	return told ? WR_DROP_syn_refused : WR_DROP_syn_dropped;
}

// Whether the request is answered by a cookie, for which nothing is kept. An ISS that is a cookie
// cannot be above that of an earlier incarnation (`old`) as well.
static bool by_cookie(const struct wr_tcp_stack *s, uint32_t how, const struct wr_tcp_conn *old)
{
	if (old != NULL || s->cfg.cookies == WR_TCP_COOKIES_NEVER)
		return false;
	return how == WR_TCP_ADMIT_COOKIE || s->cfg.cookies == WR_TCP_COOKIES_ALWAYS ||
	       s->half_open >= s->cfg.max_half_open;
}

// RFC 9293 3.10.7.2. Payload of a SYN is not taken: it is not acknowledged and comes again.
enum wr_drop wr_tcp_input_listen(
	struct wr_tcp_stack *s, struct wr_tcp_seg *g, struct wr_tcp_conn *old, wr_us_t now)
{
	const struct wr_tuple *t = &g->p->t;
	struct wr_tcp_listener *l = wr_tcp_listener_lookup(s, &t->local, t->lport);
	bool bound = old != NULL;
	struct wr_tcp_conn *c;
	uint32_t how, last = 0;
	enum wr_drop v;
	bool v4;

	wr_tcp_count(s, WR_CTR_tcp_syn_in, 1);
	if (t->lport == t->rport && wr_addr_eq(&t->local, &t->remote))
		return WR_DROP_land;
	if (t->rport == 0)
		return WR_DROP_tcp_port_zero;
	if (l == NULL)
		return wr_tcp_reset_answer(s, g, now) ? WR_DROP_tcp_no_conn : WR_DROP_reset_rate;
	how = verdict(l, g->p);
	if (unlikely(is_refusal(how)))
		return refuse(s, g, how, now);
	if (by_cookie(s, how, old)) {
		v = wr_tcp_cookie_answer(s, l, g, now);
		if (how == WR_TCP_ADMIT_COOKIE && v == WR_DROP_NONE)
			wr_tcp_count(s, WR_CTR_door_cookies, 1);
		return v;
	}
	if (unlikely(s->half_open >= s->cfg.max_half_open))
		return WR_DROP_syn_backlog_full;
	if (unlikely(bound)) {
		last = old->snd_nxt;
		wr_tcp_count(s, WR_CTR_tcp_timewait_reused, 1);
		wr_tcp_conn_over(s, old, WR_TCP_END_EVICTED);
	}
	c = wr_tcp_conn_create(s, t, s->cfg.reserved_conns, &v);
	if (c == NULL)
		return v;
	v4 = wr_addr_is_v4(&t->local);
	c->flags |= F_PASSIVE;
	c->user = l->opts.user;
	c->flags |= l->opts.nagle ? F_NAGLE : 0;
	wr_tcp_conn_limits(s, c, v4 ? l->opts.mss_v4 : l->opts.mss_v6, l->opts.rcv_buf_bytes,
		l->opts.snd_buf_bytes);
	wr_tcp_conn_keys(s, c, now);
	if (bound)
		wr_tcp_conn_iss_above(s, c, last);
	wr_tcp_learn_syn(c, g, UINT8_MAX, now);
	wr_tcp_conn_set_state(s, c, l->opts.deferred ? WR_TCP_ST_LISTEN : WR_TCP_ST_SYN_RECEIVED);
	wr_tcp_window_open(s, c);
	wr_tcp_timer_life(s, c, now + s->cfg.syn_timeout_us);
	if (l->opts.deferred) {
		c->flags |= F_OWNED;
		wr_tcp_conn_event(s, c, WR_TCP_EV_SYN);
	} else {
		c->flags |= F_SYN_DUE;
		wr_tcp_conn_dirty(s, c);
	}
	return WR_DROP_NONE;
}

// A request that waits for wr_tcp_accept(): the peer repeats itself, or gives up.
enum wr_drop wr_tcp_input_deferred(
	struct wr_tcp_stack *s, struct wr_tcp_conn *c, struct wr_tcp_seg *g, wr_us_t now)
{
	if (g->flags & WR_TCP_RST) {
		if (g->seq != c->rcv_nxt)
			return WR_DROP_tcp_rst_ignored;
		wr_tcp_count(s, WR_CTR_tcp_rst_in, 1);
		wr_tcp_conn_over(s, c, WR_TCP_END_RESET);
		return WR_TCP_STOP;
	}
	if (g->flags & WR_TCP_ACK)
		return wr_tcp_reset_half_open(s, c, g, now) ? WR_DROP_tcp_ack_unacceptable
		                                            : WR_DROP_reset_rate;
	return g->flags & WR_TCP_SYN ? WR_DROP_tcp_dup_syn : WR_DROP_tcp_no_ack;
}

static enum wr_drop syn_sent_open(
	struct wr_tcp_stack *s, struct wr_tcp_conn *c, struct wr_tcp_seg *g, wr_us_t now)
{
	wr_tcp_learn_syn(c, g, c->opts, now);
	if (!(g->flags & WR_TCP_ACK)) {
		// simultaneous open: our SYN goes out again, with the ACK of theirs
		wr_tcp_conn_set_state(s, c, WR_TCP_ST_SYN_RECEIVED);
		c->flags |= F_SYN_DUE;
		wr_tcp_conn_dirty(s, c);
		return WR_DROP_NONE;
	}
	wr_tcp_conn_established(s, c, g, now);
	g->flags &= (uint8_t)~WR_TCP_SYN;
	g->seq++;
	wr_tcp_ack_now(s, c);
	// data may come with the SYN-ACK (RFC 9293 3.10.7.3, last step)
	return wr_tcp_input_payload(s, c, g, now);
}

// RFC 9293 3.10.7.3
enum wr_drop wr_tcp_input_syn_sent(
	struct wr_tcp_stack *s, struct wr_tcp_conn *c, struct wr_tcp_seg *g, wr_us_t now)
{
	bool ack = g->flags & WR_TCP_ACK;

	if (ack && (wr_seq_leq(g->ack, c->iss) || wr_seq_gt(g->ack, c->snd_nxt))) {
		if (g->flags & WR_TCP_RST)
			return WR_DROP_tcp_rst_ignored;
		wr_tcp_reset_opening(s, c, g);
		// The peer remembers an older connection of this tuple, as after our restart: the
		// reset ends that, and a SYN right behind it spares the time-out. Once, as anyone
		// can send this.
		if (!(c->flags & F_SYN_RTX) && c->snd_nxt != c->iss) {
			c->flags |= F_SYN_DUE | F_SYN_RTX;
			wr_tcp_conn_dirty(s, c);
		}
		return WR_DROP_tcp_ack_unacceptable;
	}
	if (g->flags & WR_TCP_RST) {
		if (!ack)
			return WR_DROP_tcp_rst_ignored;
		wr_tcp_count(s, WR_CTR_tcp_rst_in, 1);
		wr_tcp_conn_over(s, c, WR_TCP_END_REFUSED);
		return WR_TCP_STOP;
	}
	if (!(g->flags & WR_TCP_SYN))
		return WR_DROP_tcp_no_ack;
	return syn_sent_open(s, c, g, now);
}
