/* SPDX-License-Identifier: BSD-3-Clause */
#include "ep_priv.h"

#include <errno.h>
#include <string.h>

#include <rte_malloc.h>
#include <rte_mbuf.h>

#include "wr_rng.h"

#define DEFAULT_WINDOW     (256u << 10)
#define DEFAULT_RTO_MIN_US (200 * WR_US_PER_MS)
#define DEFAULT_GIVE_UP_US (30 * WR_US_PER_S)
#define SCALE_MAX          14 // RFC 7323 2.3

const char *ep_end_name(enum ep_end e)
{
	static const char *const names[] = {
		[EP_END_NONE] = "none",
		[EP_END_CLOSED] = "closed",
		[EP_END_RESET] = "reset",
		[EP_END_REFUSED] = "refused",
		[EP_END_TIMEOUT] = "timeout",
		[EP_END_ABORTED] = "aborted",
	};

	return (uint32_t)e < RTE_DIM(names) ? names[e] : NULL;
}

// --- the stack ------------------------------------------------------------------------------

static void set_defaults(struct ep_stack *s)
{
	struct ep_config *cfg = &s->cfg;

	if (cfg->window_bytes == 0)
		cfg->window_bytes = DEFAULT_WINDOW;
	if (cfg->mss_v4 == 0)
		cfg->mss_v4 = 1460;
	if (cfg->mss_v6 == 0)
		cfg->mss_v6 = 1440;
	if (cfg->rto_min_us == 0)
		cfg->rto_min_us = DEFAULT_RTO_MIN_US;
	if (cfg->give_up_us == 0)
		cfg->give_up_us = DEFAULT_GIVE_UP_US;
	s->window = RTE_MIN(cfg->window_bytes, 65535u << SCALE_MAX);
	while (s->window >> s->wscale > 65535)
		s->wscale++;
	s->rto_min = ep_ticks(cfg->rto_min_us);
	s->rto_first = ep_ticks(RTE_MAX(EP_RTO_FIRST_US, cfg->rto_min_us));
	s->give_up = ep_ticks(cfg->give_up_us);
	s->time_wait = ep_ticks(cfg->time_wait_us);
}

static bool pools_fit(const struct ep_config *cfg)
{
	return cfg->small != NULL && cfg->large != NULL && cfg->stats != NULL &&
	       rte_pktmbuf_data_room_size(cfg->large) >=
	               RTE_PKTMBUF_HEADROOM + RTE_MAX(cfg->mss_v4, cfg->mss_v6) &&
	       RTE_MIN(cfg->mss_v4, cfg->mss_v6) >= EP_MSS_MIN;
}

struct ep_stack *ep_create(const struct ep_config *cfg, const struct gen_now *now)
{
	struct ep_stack *s =
		rte_zmalloc_socket("ep_stack", sizeof(*s), RTE_CACHE_LINE_SIZE, cfg->numa_node);
	struct wr_rng rng;
	uint32_t ring;

	if (s == NULL)
		return NULL;
	s->cfg = *cfg;
	set_defaults(s);
	wr_rng_init(&rng, cfg->seed);
	s->key[0] = wr_rng_next(&rng);
	s->key[1] = wr_rng_next(&rng);
	s->ts_base = (uint32_t)wr_rng_next(&rng);
	ep_clock(s, now);
	wr_wheel_init(&s->wheel, now->us);
	if (!pools_fit(&s->cfg) || wr_pool_init(&s->conns, "ep_conns", cfg->max_conns,
					   ep_conn_size(s), cfg->numa_node) != 0)
		goto err_free_stack;
	ring = rte_align32pow2(cfg->max_conns);
	s->dirty = rte_malloc_socket(
		"ep_dirty", ring * sizeof(*s->dirty), RTE_CACHE_LINE_SIZE, cfg->numa_node);
	s->dirty_mask = ring - 1;
	if (s->dirty == NULL || ep_table_init(s) != 0)
		goto err_free_conns;
	return s;
err_free_conns:
	rte_free(s->dirty);
	wr_pool_fini(&s->conns);
err_free_stack:
	rte_free(s);
	return NULL;
}

void ep_destroy(struct ep_stack *s)
{
	if (s == NULL)
		return;
	ep_table_fini(s);
	wr_pool_fini(&s->conns);
	rte_free(s->dirty);
	rte_free(s);
}

void ep_reply(
	struct ep_stack *s, const struct wr_tuple *t, uint32_t seq, uint32_t ack, uint8_t flags)
{
	if (s->reply_count == EP_REPLIES)
		return;
	s->replies[(s->reply_head + s->reply_count++) % EP_REPLIES] =
		(struct ep_reply){*t, seq, ack, flags};
}

// --- connections ----------------------------------------------------------------------------

static uint16_t own_mss(const struct ep_conn *c)
{
	return wr_addr_is_v4(&c->t.local) ? c->s->cfg.mss_v4 : c->s->cfg.mss_v6;
}

static void set_iss(struct ep_conn *c, uint32_t iss)
{
	c->iss = c->snd_una = c->snd_nxt = c->snd_max = iss;
	c->snd_end = iss + 1;
}

void ep_conn_begin_after(struct ep_conn *c, uint32_t past)
{
	past += c->s->window;
	if (wr_seq_lt(c->iss, past))
		set_iss(c, past);
}

struct ep_conn *ep_conn_new(struct ep_stack *s, const struct wr_tuple *t)
{
	uint64_t hash = wr_hash_tuple(s->key, t);
	struct ep_conn *c;
	wr_handle_t h;
	bool queued;

	c = wr_pool_get(&s->conns, &h);
	if (c == NULL)
		return NULL;
	queued = c->queued;
	memset(c, 0, sizeof(*c) + s->cfg.app_bytes);
	c->t = *t;
	c->s = s;
	c->queued = queued;
	c->handle = h;
	// RFC 9293 3.4.1: a clock of 4 us and a secret of the tuple
	set_iss(c, (uint32_t)(s->tick << (EP_TICK_SHIFT - 2)) + (uint32_t)(hash >> 32));
	c->mss = own_mss(c);
	c->ssthresh = UINT32_MAX;
	c->flags = EP_F_SYN;
	ep_table_add(s, (uint32_t)hash, c);
	ep_dirty(c);
	return c;
}

static void unlink_conn(struct ep_conn *c)
{
	struct ep_stack *s = c->s;

	wr_wheel_cancel(&s->wheel, &c->node);
	ep_table_del(s, (uint32_t)wr_hash_tuple(s->key, &c->t), c);
	c->state = EP_CLOSED;
	c->flags &= (uint16_t)~EP_F_TOLD;
}

static void put_conn(struct ep_conn *c)
{
	wr_handle_t h = c->handle;

	c->handle = WR_HANDLE_NONE;
	wr_pool_put(&c->s->conns, h);
}

void ep_conn_free(struct ep_conn *c)
{
	unlink_conn(c);
	put_conn(c);
}

// The tuple is free when the user learns of it, so that it may be used again there and then.
void ep_conn_end(struct ep_conn *c, enum ep_end how, const struct gen_now *now)
{
	bool told = c->flags & EP_F_TOLD;

	unlink_conn(c);
	if (told && c->ops->ended != NULL)
		c->ops->ended(c, how, now);
	put_conn(c);
}

void ep_conn_time_wait(struct ep_conn *c, const struct gen_now *now)
{
	struct ep_stack *s = c->s;

	c->state = EP_TIME_WAIT;
	c->flags &= (uint16_t) ~(EP_F_RTO | EP_F_TOLD);
	ep_ack_now(c);
	if (s->time_wait > 0)
		ep_rto_in(c, s->time_wait);
	if (c->ops->ended != NULL)
		c->ops->ended(c, EP_END_CLOSED, now);
}

void ep_conn_options(struct ep_conn *c, const struct wr_pkt *p)
{
	// RFC 9293 3.7.1: what a peer that does not say takes
	uint16_t mss = wr_addr_is_v4(&c->t.local) ? 536 : 1220;

	if (p->opts & WR_TCPOPT_MSS)
		mss = RTE_MAX(p->mss, (uint16_t)EP_MSS_MIN);
	c->mss = RTE_MIN(mss, own_mss(c));
	if ((p->opts & WR_TCPOPT_TS) && c->s->cfg.timestamps) {
		c->flags |= EP_F_TS;
		c->ts_recent = p->ts_val;
		c->mss -= 12; // RFC 7323 appendix A
	}
	if (p->opts & WR_TCPOPT_WSCALE) {
		c->flags |= EP_F_WSCALE;
		c->wscale = p->wscale;
	}
	c->irs = p->seq;
	c->rcv_nxt = c->rcv_adv = p->seq + 1;
	c->wl1 = p->seq;
	c->snd_wnd = p->window; // never scaled in a SYN (RFC 7323 2.2)
	c->cwnd = EP_CWND_SEGMENTS * c->mss;
}

// --- endpoints ------------------------------------------------------------------------------

struct ep_conn *ep_connect(struct ep_stack *s, const struct wr_tuple *t, const struct ep_ops *ops,
	void *user, const struct gen_now *now, int *why)
{
	struct ep_conn *c = ep_table_lookup(s, (uint32_t)wr_hash_tuple(s->key, t), t);
	uint32_t past = 0;
	bool reused = c != NULL;

	ep_clock(s, now);
	if (reused && c->state != EP_TIME_WAIT) {
		*why = -EADDRINUSE;
		return NULL;
	}
	if (reused) {
		past = c->snd_max;
		ep_conn_free(c);
	}
	c = ep_conn_new(s, t);
	if (c == NULL) {
		*why = -ENOBUFS;
		return NULL;
	}
	if (reused)
		ep_conn_begin_after(c, past);
	c->state = EP_SYN_SENT;
	c->flags |= EP_F_TOLD;
	c->ops = ops;
	c->user = user;
	return c;
}

void *ep_user(const struct ep_conn *c)
{
	return c->user;
}

void *ep_app(struct ep_conn *c)
{
	return c->app;
}

wr_handle_t ep_handle(const struct ep_conn *c)
{
	return c->handle;
}

struct ep_conn *ep_lookup(struct ep_stack *s, wr_handle_t h)
{
	struct ep_conn *c = wr_pool_lookup(&s->conns, h);

	return c != NULL && (c->flags & EP_F_TOLD) ? c : NULL;
}

const struct wr_tuple *ep_tuple(const struct ep_conn *c)
{
	return &c->t;
}

void ep_send(struct ep_conn *c, uint32_t bytes)
{
	if (c->flags & EP_F_FIN)
		return;
	c->snd_end += bytes;
	if (c->state >= EP_ESTABLISHED)
		ep_dirty(c);
}

uint32_t ep_unsent(const struct ep_conn *c)
{
	uint32_t una = c->snd_una == c->iss ? c->iss + 1 : c->snd_una; // SYN

	return wr_seq_lt(una, c->snd_end) ? c->snd_end - una : 0; // FIN
}

void ep_fin(struct ep_conn *c)
{
	c->flags |= EP_F_FIN;
	if (c->state >= EP_ESTABLISHED)
		ep_dirty(c);
}

void ep_abort(struct ep_conn *c, const struct gen_now *now)
{
	// RFC 9293 3.10.5; TIME-WAIT has no user
	if (!(c->flags & EP_F_TOLD))
		return;
	if (c->state != EP_SYN_SENT && !ep_conn_dead(c, now))
		ep_reply(c->s, &c->t, ep_ack_seq(c), c->rcv_nxt, WR_TCP_RST | WR_TCP_ACK);
	ep_conn_free(c);
}

// Tell the peer that a window which kept it waiting is open again.
static void window_update(struct ep_conn *c)
{
	if (c->state >= EP_ESTABLISHED && ep_rcv_wnd(c) < 2u * c->mss && ep_window_growth(c) > 0)
		ep_ack_now(c);
}

void ep_hold(struct ep_conn *c, bool on)
{
	if (on) {
		c->flags |= EP_F_HOLD;
		return;
	}
	c->flags &= (uint16_t)~EP_F_HOLD;
	ep_read(c, c->unread);
}

void ep_read(struct ep_conn *c, uint32_t bytes)
{
	c->unread -= RTE_MIN(bytes, c->unread);
	window_update(c);
}

uint32_t ep_unread(const struct ep_conn *c)
{
	return c->unread;
}

const struct ep_counters *ep_counters(const struct ep_stack *s)
{
	return &s->counters;
}

uint32_t ep_open(const struct ep_stack *s)
{
	return wr_pool_used(&s->conns);
}

uint32_t ep_conn_size(const struct ep_stack *s)
{
	return (uint32_t)RTE_ALIGN_CEIL(
		sizeof(struct ep_conn) + s->cfg.app_bytes, (size_t)RTE_CACHE_LINE_SIZE);
}
