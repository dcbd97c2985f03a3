/* SPDX-License-Identifier: BSD-3-Clause */

// Applications on the peers: numbered streams, and backends that do what the first bytes tell them.

#include "triple.h"

#include <rte_ip.h>

#include "wr_build.h"

#define BUFFERS_SPARE 2048 // of the peers' pool that applications leave to the link

static uint8_t pattern(uint32_t id, bool up, uint64_t at)
{
	return (uint8_t)(((at + 1) * 0x9e3779b97f4a7c15ULL + id * 0x10001ULL + up * 77ULL) >> 29);
}

static struct wr_tcp_stack *stack_of(struct triple *t, const struct tri_conn *c)
{
	return t->peer[c->peer].tcp;
}

static struct tri_conn *conn_new(struct triple *t, uint8_t peer, bool client)
{
	struct tri_conn *c = &t->conn[t->conns];

	if (t->conns == TRI_CONNS)
		tri_fail(t, "more than %d applications", TRI_CONNS);
	*c = (struct tri_conn){.used = true, .client = client, .peer = peer};
	t->conns++;
	return c;
}

struct tri_conn *tri_connect(struct triple *t, const struct tri_want *w)
{
	struct tri_peer *p = &t->peer[TRI_CLIENT];
	bool v6 = w->family == 6;
	struct tri_conn *c = conn_new(t, TRI_CLIENT, true);
	struct wr_tcp_connect_opts o = {.user = t->conns,
		.opts = (WR_TCPOPT_WSCALE | WR_TCPOPT_SACKOK | WR_TCPOPT_TS) & (uint8_t)~w->no_opts,
		.mss = w->mss,
		.rcv_buf_bytes = w->rcv_buf};
	struct wr_tuple tuple = {.local = v6 ? p->addr6 : p->addr4, .rport = 80};
	char text[64];

	snprintf(text, sizeof(text), v6 ? "2001:db8::%u" : "198.18.0.%u", 100 + w->service);
	TRI_EQ(t, wr_addr_parse(text, &tuple.remote), 0);
	tuple.lport = t->next_port++;
	c->order = (struct tri_order){t->conns, (uint8_t)w->mode, w->flags, 0, w->down};
	c->up = w->up;
	c->hold = w->hold;
	TRI_EQ(t, wr_tcp_connect(p->tcp, &tuple, &o, t->now, &c->h), 0);
	return c;
}

struct tri_conn *tri_other(struct triple *t, const struct tri_conn *c)
{
	for (uint32_t i = 0; i < t->conns; i++) {
		struct tri_conn *x = &t->conn[i];

		if (x->client != c->client && x->order.id == c->order.id &&
			x->order_bytes == sizeof(x->order))
			return x;
	}
	return NULL;
}

void tri_reset(struct triple *t, struct tri_conn *c)
{
	wr_tcp_abort(stack_of(t, c), c->h, t->now);
	c->closed = c->released = true;
	c->closed_us = t->now;
	c->end = WR_TCP_END_RESET;
}

bool tri_complete(struct triple *t, const struct tri_conn *c)
{
	const struct tri_conn *b = tri_other(t, c);
	uint64_t down = c->order.mode == TRI_ECHO ? c->up : c->order.down;

	return b != NULL && c->released && b->released && c->end == WR_TCP_END_CLOSED &&
	       b->end == WR_TCP_END_CLOSED && c->got == down && b->got == c->up && c->eof && b->eof;
}

// --- bytes ----------------------------------------------------------------------------------

static void write_bytes(struct triple *t, struct tri_conn *c, const void *order, uint32_t len)
{
	struct wr_mq q = {0};

	while (len > 0) {
		uint32_t part = RTE_MIN(len, 1 + wr_rng_below(&t->rng, 2048));
		struct rte_mbuf *m;
		uint8_t *to;

		// an order is written once, and whole
		if (order == NULL && rte_mempool_avail_count(t->peer_rx) < BUFFERS_SPARE)
			break;
		m = rte_pktmbuf_alloc(t->peer_rx);
		TRI_CHECK(t, m != NULL);
		part = order != NULL ? len : part;
		to = (uint8_t *)rte_pktmbuf_append(m, (uint16_t)part);
		if (order != NULL) {
			memcpy(to, order, part);
		} else {
			for (uint32_t i = 0; i < part; i++)
				to[i] = pattern(c->order.id, c->client, c->written + i);
			c->written += part;
		}
		wr_mq_append(&q, m);
		len -= part;
	}
	if (q.count > 0)
		wr_tcp_write(stack_of(t, c), c->h, &q, t->now);
}

static void compare(struct triple *t, struct tri_conn *c, const uint8_t *at, uint32_t len)
{
	bool up = !c->client || c->order.mode == TRI_ECHO;

	for (uint32_t i = 0; i < len; i++, c->got++)
		if (at[i] != pattern(c->order.id, up, c->got))
			tri_fail(t, "%s %u: byte %llu is wrong", c->client ? "client" : "backend",
				c->order.id, (unsigned long long)c->got);
}

// The backend's order comes off the front of the stream.
static uint32_t take_order(struct tri_conn *c, const uint8_t *at, uint32_t len)
{
	uint32_t n = RTE_MIN(len, (uint32_t)sizeof(c->order) - c->order_bytes);

	if (c->client || n == 0)
		return 0;
	memcpy((uint8_t *)&c->order + c->order_bytes, at, n);
	c->order_bytes += n;
	if (c->order_bytes == sizeof(c->order)) {
		c->hold = c->order.flags & TRI_F_HOLD;
		c->deaf = c->order.flags & TRI_F_DEAF;
	}
	return n;
}

static uint32_t read_bytes(struct triple *t, struct tri_conn *c)
{
	struct wr_tcp_stack *s = stack_of(t, c);
	bool echo = !c->client && c->order_bytes == sizeof(c->order) && c->order.mode == TRI_ECHO;
	struct wr_mq in = {0}, out = {0};
	struct rte_mbuf *m;
	uint32_t n, max = UINT32_MAX;

	if (echo)
		max = wr_tcp_send_space(s, c->h);
	if (c->deaf || max == 0)
		return 0;
	// what makes it deaf comes first and alone
	n = wr_tcp_read(s, c->h, &in, c->client || c->order_bytes > 0 ? max : 1, t->now);
	TRI_EQ(t, n, in.bytes);
	while ((m = wr_mq_pop(&in)) != NULL) {
		uint32_t skip = take_order(c, rte_pktmbuf_mtod(m, uint8_t *), m->data_len);

		rte_pktmbuf_adj(m, (uint16_t)skip);
		compare(t, c, rte_pktmbuf_mtod(m, uint8_t *), m->data_len);
		wr_mq_append(&out, m);
	}
	echo = !c->client && c->order_bytes == sizeof(c->order) && c->order.mode == TRI_ECHO;
	if (echo && out.bytes > 0 && !c->closed && !c->shut) {
		c->written += out.bytes;
		wr_tcp_write(s, c->h, &out, t->now);
	} else {
		wr_tcp_free_mq(s, &out, WR_DROP_NONE);
	}
	return n;
}

static void write_more(struct triple *t, struct tri_conn *c)
{
	uint32_t space = wr_tcp_send_space(stack_of(t, c), c->h);
	uint64_t want = c->client ? c->up : c->order.mode == TRI_BULK ? c->order.down : 0;

	if (!c->connected || c->shut || c->closed || space == 0)
		return;
	if (c->client && c->order_bytes == 0) {
		write_bytes(t, c, &c->order, sizeof(c->order));
		c->order_bytes = sizeof(c->order);
		space = wr_tcp_send_space(stack_of(t, c), c->h);
	}
	if (c->order_bytes == sizeof(c->order) && c->written < want)
		write_bytes(t, c, NULL, (uint32_t)RTE_MIN(want - c->written, (uint64_t)space));
}

static bool may_end(const struct tri_conn *c)
{
	if (c->hold || c->shut || !c->connected || c->order_bytes < sizeof(c->order))
		return false;
	if (c->client)
		return c->written == c->up;
	if (c->order.mode == TRI_ECHO)
		return c->eof;
	return c->written == c->order.down && (c->eof || (c->order.flags & TRI_F_CLOSE_FIRST));
}

static void app_turn(struct triple *t, struct tri_conn *c)
{
	struct wr_tcp_stack *s = stack_of(t, c);

	while (read_bytes(t, c) > 0)
		;
	if (!c->client && (c->order.flags & TRI_F_RESET) && c->order_bytes == sizeof(c->order)) {
		tri_reset(t, c);
		return;
	}
	c->eof = c->eof || wr_tcp_eof(s, c->h);
	write_more(t, c);
	if (may_end(c)) {
		wr_tcp_shutdown(s, c->h, t->now);
		c->shut = true;
	}
	if (!c->closed || (c->deaf && wr_tcp_end(s, c->h) == WR_TCP_END_CLOSED && !c->eof))
		return;
	c->end = wr_tcp_end(s, c->h);
	wr_tcp_release(s, c->h, t->now);
	c->released = true;
	c->closed_us = t->now;
}

static void app_event(struct triple *t, struct tri_peer *p, const struct wr_tcp_ready *r)
{
	struct tri_conn *c;

	if (r->events & WR_TCP_EV_ACCEPTED) {
		c = conn_new(t, p->index, false);
		c->h = r->conn;
		wr_tcp_set_user(p->tcp, r->conn, t->conns);
	} else {
		TRI_CHECK(t, r->user >= 1 && r->user <= t->conns);
		c = &t->conn[r->user - 1];
		TRI_EQ(t, c->h, r->conn);
	}
	if (r->events & (WR_TCP_EV_ACCEPTED | WR_TCP_EV_CONNECTED))
		c->connected = true;
	if (r->events & WR_TCP_EV_CLOSED)
		c->closed = true;
}

static bool is_v4(const struct rte_mbuf *m)
{
	return (*rte_pktmbuf_mtod(m, const uint8_t *) >> 4) == 4;
}

static struct wr_addr destination(const struct rte_mbuf *m)
{
	return is_v4(m)
	               ? wr_addr_from_v4(rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *)->dst_addr)
	               : wr_addr_from_v6(
				 rte_pktmbuf_mtod(m, const struct rte_ipv6_hdr *)->dst_addr);
}

static void send_one(struct triple *t, struct tri_peer *p, struct rte_mbuf *m)
{
	if (t->esp != NULL && p->side == TRI_LAN) {
		struct wr_addr to = destination(m);

		m = tri_esp_seal(t, m, &to);
		if (m == NULL)
			return;
	}
	TRI_EQ(t,
		wr_build_eth(m, &p->mac, wr_port_mac(t->port[p->side]),
			is_v4(m) ? RTE_ETHER_TYPE_IPV4 : RTE_ETHER_TYPE_IPV6, 0),
		0);
	wr_build_finish_csum(m);
	tri_net_send(t, p->side, false, m);
}

// Everything that a peer's stack sends, onto its link.
static bool flush(struct triple *t, struct tri_peer *p)
{
	struct rte_mbuf *m[64];
	bool any = false;

	for (uint32_t rounds = 0;; rounds++) {
		struct wr_tcp_tx tx = {m, 0, RTE_DIM(m)};

		wr_tcp_output(p->tcp, &tx, RTE_DIM(m), t->now);
		if (tx.count == 0)
			return any;
		if (rounds > 10000)
			tri_fail(t, "peer %u never stops sending", p->index);
		any = true;
		for (uint16_t i = 0; i < tx.count; i++) {
			if (p->dead)
				rte_pktmbuf_free(m[i]);
			else
				send_one(t, p, m[i]);
		}
	}
}

bool tri_apps_turn(struct triple *t, struct tri_peer *p)
{
	bool any = wr_tcp_timers(p->tcp, 256, t->now) > 0;
	struct wr_tcp_ready r;

	while (wr_tcp_ready_pop(p->tcp, &r)) {
		app_event(t, p, &r);
		any = true;
	}
	for (uint32_t i = 0; i < t->conns; i++)
		if (t->conn[i].peer == p->index && !t->conn[i].released)
			app_turn(t, &t->conn[i]);
	return flush(t, p) || any;
}
