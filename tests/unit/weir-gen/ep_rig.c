/* SPDX-License-Identifier: BSD-3-Clause */
#include "ep_rig.h"

#include "wr_build.h"
#include "wr_mbuf.h"
#include "wr_mempool.h"

#define BUFFERS 8191

static struct rig *rig_now; // for ops, which know only their connection

uint8_t rig_byte(int side, uint32_t id, uint32_t at)
{
	uint64_t x = (at + 1ULL) * 0x9e3779b97f4a7c15ULL + id * 0x10001u + (uint32_t)side * 77u;

	return (uint8_t)(x >> 29);
}

void rig_set_time(struct rig *r, wr_us_t us)
{
	r->now = (struct gen_now){us, us * 1000};
}

// --- applications of the generator --------------------------------------------------------------

static int side_of(const struct ep_conn *c)
{
	return ep_user(c) == &rig_now->side[1];
}

static struct rig_app *app_of(struct ep_conn *c)
{
	const struct wr_tuple *t = ep_tuple(c);
	int side = side_of(c);

	return &rig_now->side[side].app[((side == 0 ? t->lport : t->rport) - 1024u) % RIG_APPS];
}

static void give(struct rig_app *a, struct ep_conn *c)
{
	if (a->to_send > a->given) {
		ep_send(c, a->to_send - a->given);
		a->given = a->to_send;
	}
	if (!a->shut && (a->fin_when_done || (a->fin_on_eof && a->eof))) {
		ep_fin(c);
		a->shut = true;
	}
}

static void on_opened(struct ep_conn *c, const struct gen_now *now)
{
	struct rig_app *a = app_of(c);

	assert_false(a->opened);
	a->used = a->opened = true;
	a->conn = ep_handle(c);
	assert_ptr_equal(ep_lookup(rig_now->side[side_of(c)].ep, a->conn), c);
	if (a->read_from > now->us)
		ep_hold(c, true);
	give(a, c);
}

static void on_data(struct ep_conn *c, const uint8_t *at, uint32_t offset, uint32_t len,
	const struct gen_now *now)
{
	struct rig_app *a = app_of(c);
	int from = !side_of(c);

	assert_true(a->opened && !a->eof && len > 0);
	assert_int_equal(offset, a->got);
	for (uint32_t i = 0; i < len; i++)
		if (at[i] != rig_byte(from, a->id, offset + i))
			fail_msg("byte %u of side %d is wrong", offset + i, from);
	a->got += len;
}

static void on_fin(struct ep_conn *c, const struct gen_now *now)
{
	struct rig_app *a = app_of(c);

	assert_false(a->eof);
	a->eof = true;
	give(a, c);
}

static void on_fill(struct ep_conn *c, uint8_t *to, uint32_t offset, uint32_t len)
{
	const struct rig_app *a = app_of(c);

	assert_true(offset + len <= a->given);
	for (uint32_t i = 0; i < len; i++)
		to[i] = rig_byte(side_of(c), a->id, offset + i);
}

static void on_acked(struct ep_conn *c, const struct gen_now *now)
{
	assert_int_equal(ep_unsent(c), 0);
	app_of(c)->acked = true;
}

static void on_ended(struct ep_conn *c, enum ep_end how, const struct gen_now *now)
{
	struct rig_app *a = app_of(c);

	a->ends++;
	assert_int_equal(a->ends, 1);
	a->end = how;
	a->over = true;
	a->conn = WR_HANDLE_NONE;
}

const struct ep_ops rig_ops = {on_opened, on_data, on_fin, on_fill, on_acked, on_ended};

static void ep_app_turn(struct rig *r, int side, struct rig_app *a)
{
	struct ep_conn *c = ep_lookup(r->side[side].ep, a->conn);

	if (c == NULL || a->read_from > r->now.us)
		return;
	if (a->read_from != 0) {
		ep_hold(c, false);
		a->read_from = 0;
	}
	if (a->opened)
		give(a, c);
}

// --- applications of the engine -----------------------------------------------------------------

static void tcp_write(struct rig *r, int side, struct rig_app *a)
{
	struct wr_tcp_stack *s = r->side[side].tcp;
	uint32_t space = wr_tcp_send_space(s, a->conn);
	uint32_t left = RTE_MIN(a->to_send - a->given, space);
	struct wr_mq q = {0};

	while (left > 0) {
		uint32_t part = RTE_MIN(left, 1 + wr_rng_below(&r->rng, 1460));
		struct rte_mbuf *m = rte_pktmbuf_alloc(part <= 400 ? r->small : r->large);
		uint8_t *to;

		assert_non_null(m);
		to = (uint8_t *)rte_pktmbuf_append(m, (uint16_t)part);
		for (uint32_t i = 0; i < part; i++)
			to[i] = rig_byte(side, a->id, a->given + i);
		wr_mq_append(&q, m);
		a->given += part;
		left -= part;
	}
	if (q.count > 0)
		assert_int_equal(wr_tcp_write(s, a->conn, &q, r->now.us), 0);
}

static void tcp_read(struct rig *r, int side, struct rig_app *a)
{
	struct wr_tcp_stack *s = r->side[side].tcp;
	struct wr_mq q = {0};
	struct rte_mbuf *m;

	if (a->read_from > r->now.us)
		return;
	while (wr_tcp_read(s, a->conn, &q, UINT32_MAX, r->now.us) > 0)
		;
	wr_mq_foreach (m, &q) {
		const uint8_t *at = rte_pktmbuf_mtod(m, const uint8_t *);

		for (uint32_t i = 0; i < m->data_len; i++, a->got++)
			assert_int_equal(at[i], rig_byte(!side, a->id, a->got));
	}
	wr_tcp_free_mq(s, &q, WR_DROP_NONE);
	a->eof = a->eof || wr_tcp_eof(s, a->conn);
}

static enum ep_end end_of(enum wr_tcp_end e)
{
	static const enum ep_end as[] = {
		[WR_TCP_END_CLOSED] = EP_END_CLOSED,
		[WR_TCP_END_RESET] = EP_END_RESET,
		[WR_TCP_END_REFUSED] = EP_END_REFUSED,
		[WR_TCP_END_TIMEOUT] = EP_END_TIMEOUT,
	};

	return as[e];
}

static void tcp_app_turn(struct rig *r, int side, struct rig_app *a)
{
	struct wr_tcp_stack *s = r->side[side].tcp;

	if (a->conn == WR_HANDLE_NONE)
		return;
	tcp_read(r, side, a);
	if (a->opened && !a->over)
		tcp_write(r, side, a);
	if (a->opened && !a->shut && !a->over && a->given == a->to_send &&
		(a->fin_when_done || (a->fin_on_eof && a->eof))) {
		wr_tcp_shutdown(s, a->conn, r->now.us);
		a->shut = true;
	}
	if (a->over && a->read_from <= r->now.us) {
		a->end = end_of(wr_tcp_end(s, a->conn));
		wr_tcp_release(s, a->conn, r->now.us);
		a->conn = WR_HANDLE_NONE;
	}
}

static void tcp_ready(struct rig *r, int side)
{
	struct wr_tcp_stack *s = r->side[side].tcp;
	struct wr_tcp_ready e;

	while (wr_tcp_ready_pop(s, &e)) {
		struct wr_tcp_info i;
		struct rig_app *a;

		assert_true(wr_tcp_info(s, e.conn, &i));
		a = &r->side[side]
		             .app[((side == 0 ? i.tuple.lport : i.tuple.rport) - 1024u) % RIG_APPS];
		a->used = true;
		a->conn = e.conn;
		a->opened |= (e.events & (WR_TCP_EV_ACCEPTED | WR_TCP_EV_CONNECTED)) != 0;
		a->over |= (e.events & WR_TCP_EV_CLOSED) != 0;
	}
}

// --- link ---------------------------------------------------------------------------------------

static bool chance(struct rig *r, uint32_t permille)
{
	return permille > 0 && wr_rng_below(&r->rng, 1000) < permille;
}

static void push(struct rig *r, struct rte_mbuf *m, int to, wr_us_t at)
{
	struct rte_mbuf *n = rte_pktmbuf_alloc(r->large);
	uint32_t i = r->frame_count++;

	assert_non_null(n);
	assert_true(i < RIG_FRAMES);
	assert_int_equal(m->nb_segs == 1 || r->kind.engine[!to], true);
	for (; m != NULL; m = m->next)
		memcpy(rte_pktmbuf_append(n, m->data_len), rte_pktmbuf_mtod(m, void *),
			m->data_len);
	for (; i > 0 && r->frame[i - 1].at > at; i--)
		r->frame[i] = r->frame[i - 1];
	r->frame[i] = (struct rig_frame){n, at, to};
}

static void transmit(struct rig *r, int from, struct rte_mbuf *m)
{
	wr_us_t at = r->now.us + r->delay_us;
	struct wr_pkt k;

	wr_build_finish_csum(m);
	wr_parse_frame(&k, m, WR_PARSE_F_NO_L2);
	assert_int_equal(k.kind, WR_PKT_TCP);
	assert_true(m->pkt_len <= 1500);
	r->side[from].frames++;
	if (r->cut || (r->tap != NULL && !r->tap(r, from, &k)) || chance(r, r->kind.loss)) {
		r->lost++;
	} else {
		if (chance(r, r->kind.dup))
			push(r, m, !from, at + wr_rng_below(&r->rng, 3000));
		if (chance(r, r->kind.reorder))
			at += wr_rng_below(&r->rng, 3000);
		push(r, m, !from, at);
	}
	rte_pktmbuf_free(m);
}

void rig_flush(struct rig *r, int side)
{
	struct rte_mbuf *pkts[64];
	uint16_t n;

	do {
		if (r->side[side].ep != NULL) {
			struct ep_tx tx = {pkts, 0, r->room};

			ep_output(r->side[side].ep, &tx, 64, &r->now);
			n = tx.count;
		} else {
			struct wr_tcp_tx tx = {pkts, 0, r->room};

			wr_tcp_output(r->side[side].tcp, &tx, 64, r->now.us);
			n = tx.count;
		}
		for (uint16_t i = 0; i < n; i++)
			transmit(r, side, pkts[i]);
	} while (n > 0);
}

static void deliver(struct rig *r, int to)
{
	struct wr_pkt k[32];
	uint16_t n = 0;

	while (n < 32 && r->frame_count > 0 && r->frame[0].at <= r->now.us &&
		r->frame[0].to == to) {
		wr_parse_frame(&k[n++], r->frame[0].m, WR_PARSE_F_NO_L2);
		memmove(r->frame, r->frame + 1, --r->frame_count * sizeof(r->frame[0]));
	}
	if (r->side[to].ep != NULL)
		ep_input(r->side[to].ep, k, n, &r->now);
	else
		wr_tcp_input_burst(r->side[to].tcp, k, n, r->now.us);
}

// --- turns --------------------------------------------------------------------------------------

static void sides_turn(struct rig *r, int side)
{
	struct rig_side *s = &r->side[side];

	rig_now = r;
	if (s->ep != NULL) {
		ep_timers(s->ep, 256, &r->now);
	} else {
		wr_tcp_timers(s->tcp, 256, r->now.us);
		tcp_ready(r, side);
	}
	for (uint32_t i = 0; i < RIG_APPS; i++) {
		if (!s->app[i].used)
			continue;
		if (s->ep != NULL)
			ep_app_turn(r, side, &s->app[i]);
		else
			tcp_app_turn(r, side, &s->app[i]);
	}
	rig_flush(r, side);
}

static wr_us_t next(const struct rig *r)
{
	wr_us_t at = r->frame_count > 0 ? r->frame[0].at : WR_US_NEVER;

	for (int i = 0; i < 2; i++) {
		at = RTE_MIN(at, r->side[i].ep != NULL ? ep_next_timer(r->side[i].ep)
						       : wr_tcp_next_timer(r->side[i].tcp));
		for (uint32_t k = 0; k < RIG_APPS; k++)
			if (r->side[i].app[k].read_from > r->now.us)
				at = RTE_MIN(at, r->side[i].app[k].read_from);
	}
	return RTE_MAX(at, r->now.us + 1);
}

void rig_turn(struct rig *r)
{
	while (r->frame_count > 0 && r->frame[0].at <= r->now.us)
		deliver(r, r->frame[0].to);
	sides_turn(r, 0);
	sides_turn(r, 1);
}

void rig_run(struct rig *r, wr_us_t us)
{
	wr_us_t end = r->now.us + us, at;

	rig_now = r;
	rig_turn(r);
	while ((at = next(r)) <= end) {
		rig_set_time(r, at);
		rig_turn(r);
	}
	rig_set_time(r, end);
}

// --- life ---------------------------------------------------------------------------------------

static struct rte_mempool *pool(const char *name, uint16_t room)
{
	struct rte_mempool *p = rte_mempool_lookup(name);

	if (p == NULL)
		p = rte_pktmbuf_pool_create(
			name, BUFFERS, 128, WR_MBUF_PRIV_SIZE, room, SOCKET_ID_ANY);
	assert_non_null(p);
	return p;
}

static void start_engine(struct rig *r, int i)
{
	struct wr_tcp_config c = {.max_conns = 256,
		.held_budget = 2000,
		.held_reserve = 32,
		.small = r->small,
		.stats = &r->side[i].stats,
		.rcv_buf_bytes = r->kind.window_bytes,
		.seed = wr_rng_next(&r->rng),
		.numa_node = SOCKET_ID_ANY};

	for (int k = 0; k < 4; k++)
		c.secret[k] = wr_rng_next(&r->rng);
	r->side[i].tcp = wr_tcp_stack_create(&c, r->now.us);
	assert_non_null(r->side[i].tcp);
}

static void start_ep(struct rig *r, int i)
{
	struct ep_config c = {.max_conns = 256,
		.app_bytes = 24,
		.window_bytes = r->kind.window_bytes,
		.timestamps = r->kind.timestamps,
		.time_wait_us = r->kind.time_wait_us,
		.small = r->small,
		.large = r->large,
		.stats = &r->side[i].stats,
		.seed = wr_rng_next(&r->rng),
		.numa_node = SOCKET_ID_ANY};

	r->side[i].ep = ep_create(&c, &r->now);
	assert_non_null(r->side[i].ep);
}

struct rig *rig_start(const struct rig_kind *kind)
{
	struct rig *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	rig_now = r;
	r->kind = *kind;
	r->large = pool("rig_large", WR_RX_DATAROOM);
	r->small = pool("rig_small", WR_SMALL_DATAROOM);
	r->large_idle = rte_mempool_avail_count(r->large);
	r->small_idle = rte_mempool_avail_count(r->small);
	wr_rng_init(&r->rng, kind->seed);
	rig_set_time(r, 1000000 + wr_rng_below(&r->rng, 1u << 30));
	r->delay_us = 1000;
	r->room = 64;
	for (int i = 0; i < 2; i++) {
		if (kind->engine[i])
			start_engine(r, i);
		else
			start_ep(r, i);
		for (uint32_t k = 0; k < RIG_APPS; k++)
			r->side[i].app[k].id = k;
	}
	return r;
}

void rig_stop_any(struct rig *r)
{
	for (uint32_t i = 0; i < r->frame_count; i++)
		rte_pktmbuf_free(r->frame[i].m);
	for (int i = 0; i < 2; i++) {
		if (r->side[i].ep != NULL)
			ep_destroy(r->side[i].ep);
		else
			wr_tcp_stack_destroy(r->side[i].tcp);
	}
	assert_int_equal(rte_mempool_avail_count(r->large), r->large_idle);
	assert_int_equal(rte_mempool_avail_count(r->small), r->small_idle);
	free(r);
}

void rig_stop(struct rig *r)
{
	for (int i = 0; i < 2; i++) {
		struct wr_tcp_gauges g;

		if (r->side[i].ep != NULL) {
			assert_int_equal(ep_open(r->side[i].ep), 0);
			continue;
		}
		wr_tcp_gauges(r->side[i].tcp, &g);
		assert_int_equal(g.conns, g.time_wait);
	}
	rig_stop_any(r);
}

static struct wr_addr address(bool v6, int side)
{
	uint8_t b[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = (uint8_t)(side + 1)};

	return v6 ? wr_addr_from_v6(b) : wr_addr_from_v4(RTE_BE32(0xc6120001u + (uint32_t)side));
}

struct wr_tuple rig_tuple(const struct rig *r, uint32_t id)
{
	return (struct wr_tuple){
		address(r->kind.v6, 0), address(r->kind.v6, 1), (uint16_t)(1024 + id), RIG_PORT};
}

struct wr_endpoint rig_server(const struct rig *r)
{
	return (struct wr_endpoint){address(r->kind.v6, 1), RIG_PORT};
}

void rig_listen(struct rig *r)
{
	struct wr_endpoint e = rig_server(r);
	struct wr_tcp_listen_opts o = {0};

	if (r->side[1].ep != NULL)
		assert_int_equal(ep_listen(r->side[1].ep, &e, &rig_ops, &r->side[1]), 0);
	else
		assert_int_equal(wr_tcp_listen(r->side[1].tcp, &e, &o), 0);
}

struct rig_app *rig_connect(struct rig *r, uint32_t id)
{
	struct rig_app *a = &r->side[0].app[id];
	struct wr_tuple t = rig_tuple(r, id);
	struct wr_tcp_connect_opts o = {.opts = WR_TCPOPT_WSCALE | WR_TCPOPT_SACKOK};
	struct ep_conn *c;
	int why = 0;

	*a = (struct rig_app){.id = id, .used = true};
	r->side[1].app[id] = (struct rig_app){.id = id};
	if (r->kind.timestamps)
		o.opts |= WR_TCPOPT_TS;
	if (r->side[0].ep == NULL) {
		assert_int_equal(wr_tcp_connect(r->side[0].tcp, &t, &o, r->now.us, &a->conn), 0);
		return a;
	}
	c = ep_connect(r->side[0].ep, &t, &rig_ops, &r->side[0], &r->now, &why);
	if (c == NULL)
		return NULL;
	a->conn = ep_handle(c);
	return a;
}

struct rig_app *rig_peer(struct rig *r, uint32_t id)
{
	return &r->side[1].app[id];
}

struct ep_conn *rig_conn(struct rig *r, int side, uint32_t id)
{
	return ep_lookup(r->side[side].ep, r->side[side].app[id].conn);
}

void rig_abort(struct rig *r, int side, uint32_t id)
{
	struct rig_app *a = &r->side[side].app[id];

	if (r->side[side].ep != NULL)
		ep_abort(rig_conn(r, side, id), &r->now);
	else
		wr_tcp_abort(r->side[side].tcp, a->conn, r->now.us);
	a->conn = WR_HANDLE_NONE;
}

void rig_inject(struct rig *r, int to, const struct rig_seg *seg)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(r->large);
	struct wr_tuple t = {seg->t.remote, seg->t.local, seg->t.rport, seg->t.lport};
	struct wr_tcp_hdr h = {.t = &t,
		.seq = seg->seq,
		.ack = seg->ack,
		.window = seg->window,
		// the parser refuses some combinations; the endpoint has to stand them all the same
		.flags = seg->flags & WR_TCP_SYN ? WR_TCP_SYN : WR_TCP_ACK,
		.opts = seg->opts,
		.mss = seg->mss,
		.wscale = seg->wscale,
		.ts_val = seg->ts_val,
		.ts_ecr = seg->ts_ecr};
	struct wr_pkt k;
	uint8_t *at;

	rig_now = r;
	at = (uint8_t *)rte_pktmbuf_append(m, (uint16_t)seg->len);
	for (uint32_t i = 0; i < seg->len; i++)
		at[i] = rig_byte(seg->from, seg->id, seg->offset + i);
	assert_int_equal(wr_build_tcp(m, &h), 0);
	wr_build_finish_csum(m);
	wr_parse_frame(&k, m, WR_PARSE_F_NO_L2);
	assert_int_equal(k.kind, WR_PKT_TCP);
	k.flags = seg->flags;
	ep_input(r->side[to].ep, &k, 1, &r->now);
}
