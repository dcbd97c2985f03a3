/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "cookie.h"
#include "peer.h"

// That may wait, of those to no connection.
#define ANSWERS (WR_TCP_ANSWERS - WR_TCP_ANSWERS_KEPT)

#define A       WR_TCP_ACK
#define STEP    WR_TCP_COOKIE_STEP_US
#define OPTS    (WR_TCPOPT_WSCALE | WR_TCPOPT_SACKOK | WR_TCPOPT_TS)
#define IPV6(r) ((r)->v.v6)

static uint64_t ctr(const struct peer *r, enum wr_counter c)
{
	return r->st->ctr[c];
}

static uint32_t conns(struct peer *r)
{
	return wr_pool_used(&r->s->conns);
}

// The next client of the same stack.
static void another(struct peer *r)
{
	r->t.rport++;
	r->conn = WR_HANDLE_NONE;
}

// A SYN that is answered by a cookie, which numbers our side from then on.
static void syn_cookie(struct peer *r)
{
	uint64_t sent = ctr(r, WR_CTR_tcp_cookies_sent);
	uint32_t held = conns(r);

	peer_syn(r);
	assert_int_equal(r->n, 1);
	r->iss = r->out[0].k.seq;
	assert_int_equal(r->out[0].k.flags, WR_TCP_SYN | A);
	assert_int_equal(r->out[0].ack, 1);
	assert_int_equal(ctr(r, WR_CTR_tcp_cookies_sent), sent + 1);
	assert_int_equal(conns(r), held);
}

static void expect_reset(struct peer *r, uint32_t seq)
{
	assert_int_equal(r->n, 1);
	assert_int_equal(r->out[0].k.flags, WR_TCP_RST);
	assert_int_equal(r->out[0].seq, seq);
}

static void nothing_is_held(struct peer *r)
{
	for (int i = 0; i < 5; i++) {
		syn_cookie(r);
		assert_int_equal(conns(r), 0);
		another(r);
	}
	assert_int_equal(r->s->half_open, 0);
	assert_int_equal(r->s->wheel.armed, 0);
	assert_int_equal(r->s->promised_bytes, 0);
	peer_wait(r, WR_US_PER_S);
	assert_int_equal(r->n, 0); // SYN-ACKs are not repeated: the SYN is
	assert_int_equal(r->events, 0);
}

static void opens(struct peer *r)
{
	struct wr_tcp_ready e = {0};
	struct pair_seg g = {.t = r->t, .flags = A, .window = 1000};
	struct wr_tcp_info i;

	syn_cookie(r);
	g.seq = r->irs + 1;
	g.ack = r->iss + 1;
	g.opts = r->v.opts & WR_TCPOPT_TS;
	g.ts_val = r->ts_val;
	g.ts_ecr = r->ts_ecr;
	pair_inject(&r->p, 1, &g);
	assert_true(wr_tcp_ready_pop(r->s, &e));
	assert_int_equal(e.events, WR_TCP_EV_ACCEPTED);
	assert_int_equal(e.listener, 5);
	r->conn = e.conn;
	assert_int_equal(ctr(r, WR_CTR_tcp_cookies_accepted), 1);
	assert_int_equal(ctr(r, WR_CTR_tcp_accepted), 1);
	assert_int_equal(conns(r), 1);
	assert_int_equal(r->s->half_open, 0);
	assert_true(wr_tcp_info(r->s, r->conn, &i));
	assert_int_equal(i.state, WR_TCP_ST_ESTABLISHED);
	assert_int_equal(i.snd_wnd_bytes, r->v.opts & WR_TCPOPT_WSCALE ? 4000 : 1000);
	assert_int_equal(i.rto_us, r->s->cfg.rto_initial_us); // no round trip was measured
	assert_int_equal(i.srtt_us, 0);
	// the same ACK again is one of a connection
	peer_seg(r, A, 1, 1, 0);
	assert_int_equal(r->n, 0);
	assert_int_equal(conns(r), 1);
	// both streams and both ends
	peer_seg(r, A, 1, 1, 1000);
	assert_int_equal(peer_read(r, 1), 1000);
	peer_write(r, 3000, 1000);
	peer_seg(r, A | WR_TCP_FIN, 1001, 3001, 0);
	assert_true(wr_tcp_eof(r->s, r->conn));
	wr_tcp_shutdown(r->s, r->conn, r->p.now);
	r->n = 0;
	peer_flush(r);
	peer_expect(r, 0, A | WR_TCP_FIN, 3001, 1002, 0);
	peer_seg(r, A, 1002, 3002, 0);
	assert_int_equal(wr_tcp_end(r->s, r->conn), WR_TCP_END_CLOSED);
}

// What the SYN said survives as far as there was room for it.
static void options(struct peer *r)
{
	static const uint8_t rows[][2] = {// offered, in force
		{OPTS, OPTS}, {0, 0}, {WR_TCPOPT_TS, WR_TCPOPT_TS},
		{WR_TCPOPT_WSCALE | WR_TCPOPT_SACKOK, 0}, // no timestamps to carry them
		{WR_TCPOPT_TS | WR_TCPOPT_SACKOK, WR_TCPOPT_TS | WR_TCPOPT_SACKOK},
		{WR_TCPOPT_TS | WR_TCPOPT_WSCALE, WR_TCPOPT_TS | WR_TCPOPT_WSCALE}};

	for (uint32_t i = 0; i < RTE_DIM(rows); i++) {
		const struct wr_tcp_conn *c;
		const struct wr_pkt *k = &r->out[0].k;

		r->v.opts = rows[i][0];
		r->wscale = (uint8_t)(7 + i);
		syn_cookie(r);
		assert_int_equal(k->opts & OPTS, rows[i][1]);
		assert_true(k->opts & WR_TCPOPT_MSS);
		assert_int_equal(k->mss, IPV6(r) ? WR_TCP_MSS_V6 : WR_TCP_MSS_V4);
		if (rows[i][1] & WR_TCPOPT_TS)
			assert_int_equal(k->ts_ecr, r->ts_val);
		r->v.opts = rows[i][1]; // what was not agreed on is not used
		peer_seg(r, A, 1, 1, 0);
		assert_int_equal(r->n, 0);
		c = peer_conn(r);
		assert_int_equal(c->opts, rows[i][1]);
		assert_int_equal(c->peer_wscale, c->opts & WR_TCPOPT_WSCALE ? 7 + i : 0);
		assert_int_equal(c->our_wscale, c->opts & WR_TCPOPT_WSCALE ? 2 : 0);
		assert_int_equal(c->irs, r->irs);
		assert_int_equal(c->iss, r->iss);
		if (c->opts & WR_TCPOPT_TS)
			assert_int_equal(c->ts_recent, r->ts_val);
		// the next segment is no older than the SYN-ACK (PAWS of the peer)
		peer_write(r, 100, 100);
		if (c->opts & WR_TCPOPT_TS)
			assert_true(wr_seq_geq(r->out[0].k.ts_val, k->ts_val));
		another(r);
	}
}

static void segment_size(struct peer *r)
{
	static const struct {
		uint16_t said, v4, v6;
	} rows[] = {{1460, 1460, 1440}, {1452, 1440, 1440}, {9000, 1460, 1440}, {10, 64, 64},
		{0, 536, 1220}};

	for (uint32_t i = 0; i < RTE_DIM(rows); i++) {
		uint32_t ts = r->v.opts & WR_TCPOPT_TS ? WR_TCP_TS_LEN : 0;

		r->mss = rows[i].said; // 0: no option
		syn_cookie(r);
		peer_seg(r, A, 1, 1, 0);
		assert_int_equal(peer_conn(r)->mss, (IPV6(r) ? rows[i].v6 : rows[i].v4) - ts);
		another(r);
	}
}

// The ACK was lost, or carries the request already.
static void ack_with_payload(struct peer *r)
{
	syn_cookie(r);
	peer_seg(r, A | WR_TCP_FIN, 1, 1, 700);
	peer_expect(r, 0, A, 1, 702, 0);
	assert_int_equal(peer_state(r), WR_TCP_ST_CLOSE_WAIT);
	assert_int_equal(peer_read(r, 1), 700);
	assert_true(wr_tcp_eof(r->s, r->conn));
}

static void guessed(struct peer *r)
{
	static const uint32_t off[] = {8, 0x80000000u, 0xfffffff0u};

	syn_cookie(r);
	for (uint32_t i = 0; i < RTE_DIM(off); i++) {
		peer_seg(r, A, 1, 1 + off[i], 0);
		expect_reset(r, 1 + off[i]);
		assert_int_equal(ctr(r, WR_CTR_tcp_cookies_refused), i + 1);
	}
	peer_seg(r, A, 2, 1, 0); // not the number behind the SYN
	expect_reset(r, 1);
	r->t.rport++; // somebody else's
	peer_seg(r, A, 1, 1, 0);
	expect_reset(r, 1);
	assert_int_equal(ctr(r, WR_CTR_tcp_cookies_refused), RTE_DIM(off) + 2);
	assert_int_equal(ctr(r, WR_CTR_tcp_cookies_accepted), 0);
	assert_int_equal(conns(r), 0);
	assert_int_equal(r->st->drop[WR_DROP_tcp_no_conn], RTE_DIM(off) + 2);
}

// Payload may overtake the ACK, or that is lost: it is neither taken nor reset, for a few seconds.
static void payload_before_the_ack(struct peer *r)
{
	syn_cookie(r);
	peer_seg(r, A, 501, 1, 500);
	assert_int_equal(r->n, 0);
	assert_int_equal(r->st->drop[WR_DROP_tcp_cookie_wait], 1);
	assert_int_equal(conns(r), 0);
	peer_seg(r, A, 1, 1, 500); // its start comes again
	peer_expect(r, 0, A, 1, 501, 0);
	assert_int_equal(ctr(r, WR_CTR_tcp_cookies_accepted), 1);
	peer_seg(r, A, 501, 1, 500);
	assert_int_equal(peer_read(r, 1), 1000);
	r->p.now += 4 * WR_US_PER_S;
	r->t.rport++;
	peer_seg(r, A, 501, 1, 500);
	expect_reset(r, 1);
	assert_int_equal(r->st->drop[WR_DROP_tcp_cookie_wait], 1);
}

static void echo_is_not_ours(struct peer *r)
{
	if (!(r->v.opts & WR_TCPOPT_TS))
		return;
	syn_cookie(r);
	r->ts_ecr += 1000;
	peer_seg(r, A, 1, 1, 0);
	expect_reset(r, 1);
	assert_int_equal(ctr(r, WR_CTR_tcp_cookies_refused), 1);
	assert_int_equal(conns(r), 0);
}

static void expires(struct peer *r)
{
	uint32_t first, echo;

	r->p.now += STEP - r->p.now % STEP; // a step begins
	syn_cookie(r);
	first = r->iss;
	echo = r->ts_ecr;
	r->p.now += 2 * STEP - 1;
	another(r);
	syn_cookie(r); // cookies are about
	r->p.now += 1;
	r->t.rport--;
	r->iss = first;
	r->ts_ecr = echo;
	peer_seg(r, A, 1, 1, 0);
	expect_reset(r, 1);
	assert_int_equal(ctr(r, WR_CTR_tcp_cookies_refused), 1);
	assert_int_equal(conns(r), 0);
}

static void good_to_the_end(struct peer *r)
{
	r->p.now += STEP - r->p.now % STEP;
	syn_cookie(r);
	r->p.now += 2 * STEP - 1;
	peer_seg(r, A, 1, 1, 0);
	assert_int_equal(r->n, 0);
	assert_int_equal(peer_state(r), WR_TCP_ST_ESTABLISHED);
}

// When the last cookie has expired no hash is spent on segments any more.
static void not_looked_for(struct peer *r)
{
	peer_seg(r, A, 1, 1, 0); // none was sent ever
	expect_reset(r, 1);
	syn_cookie(r);
	r->p.now += 2 * STEP + 1;
	peer_seg(r, A, 1, 1, 0);
	expect_reset(r, 1);
	assert_int_equal(ctr(r, WR_CTR_tcp_cookies_refused), 0);
	assert_int_equal(conns(r), 0);
}

// Only what answers a SYN-ACK is looked at; a reset ends nothing, as nothing is there.
static void other_segments(struct peer *r)
{
	struct wr_endpoint e = pair_server(&r->p);

	syn_cookie(r);
	peer_seg(r, WR_TCP_RST, 1, 0, 0);
	assert_int_equal(r->n, 0);
	peer_seg(r, WR_TCP_RST | A, 1, 1, 0);
	assert_int_equal(r->n, 0);
	assert_int_equal(r->st->drop[WR_DROP_tcp_no_conn_rst], 2);
	peer_seg(r, WR_TCP_SYN | A, 0, 1, 0);
	expect_reset(r, 1);
	peer_seg(r, WR_TCP_FIN, 1, 0, 0);
	assert_int_equal(r->n, 0);
	assert_int_equal(r->st->drop[WR_DROP_tcp_no_ack], 1);
	assert_int_equal(ctr(r, WR_CTR_tcp_cookies_refused), 0);
	assert_int_equal(conns(r), 0);
	// the listener has gone in between
	wr_tcp_unlisten(r->s, &e);
	peer_seg(r, A, 1, 1, 0);
	expect_reset(r, 1);
	assert_int_equal(conns(r), 0);
	pair_listen(&r->p, &(struct wr_tcp_listen_opts){.user = 5});
	peer_seg(r, A, 1, 1, 0);
	assert_int_equal(peer_state(r), WR_TCP_ST_ESTABLISHED);
}

// What is kept waits for wr_tcp_accept(); a cookie cannot.
static void deferred_is_accepted_at_once(struct peer *r)
{
	struct wr_endpoint e = pair_server(&r->p);

	wr_tcp_unlisten(r->s, &e);
	pair_listen(&r->p, &(struct wr_tcp_listen_opts){.user = 6, .deferred = true});
	syn_cookie(r);
	assert_int_equal(r->events, 0);
	peer_seg(r, A, 1, 1, 0);
	assert_int_equal(r->events, WR_TCP_EV_ACCEPTED);
}

static void refusal_comes_first(struct peer *r)
{
	wr_tcp_set_admit_all(r->s, WR_TCP_REFUSE_DROP);
	peer_syn(r);
	assert_int_equal(r->n, 0);
	wr_tcp_set_admit_all(r->s, WR_TCP_REFUSE_RST);
	peer_syn(r);
	assert_int_equal(r->n, 1);
	assert_int_equal(r->out[0].k.flags, WR_TCP_RST | A);
	assert_int_equal(ctr(r, WR_CTR_tcp_cookies_sent), 0);
}

// Cookies begin at the limit and end below it.
static void at_the_limit(struct peer *r)
{
	uint32_t iss = r->iss;
	uint16_t port = r->t.rport;

	for (int i = 0; i < 4; i++) {
		peer_syn(r);
		assert_int_equal(r->n, 1);
		another(r);
	}
	assert_int_equal(r->s->half_open, 4);
	assert_int_equal(ctr(r, WR_CTR_tcp_cookies_sent), 0);
	syn_cookie(r);
	assert_int_equal(conns(r), 4);
	assert_int_equal(r->s->half_open, 4);
	peer_seg(r, A, 1, 1, 0); // does not wait for room among the half-open
	assert_int_equal(peer_state(r), WR_TCP_ST_ESTABLISHED);
	assert_int_equal(conns(r), 5);
	// one of the kept opens: the next SYN is kept again
	another(r);
	r->t.rport = port;
	r->iss = iss;
	peer_seg(r, A, 1, 1, 0);
	assert_int_equal(r->s->half_open, 3);
	r->t.rport = (uint16_t)(port + 9);
	peer_syn(r);
	assert_int_equal(r->s->half_open, 4);
	assert_int_equal(ctr(r, WR_CTR_tcp_cookies_sent), 1);
	assert_int_equal(r->st->drop[WR_DROP_syn_backlog_full], 0);
}

static void never(struct peer *r)
{
	for (int i = 0; i < 4; i++) {
		peer_syn(r);
		another(r);
	}
	peer_syn(r);
	assert_int_equal(r->n, 0);
	assert_int_equal(r->st->drop[WR_DROP_syn_backlog_full], 1);
	assert_int_equal(ctr(r, WR_CTR_tcp_cookies_sent), 0);
	assert_int_equal(conns(r), 4);
}

// The peer believes to be connected: it is told.
static void no_room_when_the_ack_comes(struct peer *r)
{
	wr_handle_t first;
	uint32_t iss, echo;

	syn_cookie(r);
	iss = r->iss;
	echo = r->ts_ecr;
	another(r);
	for (int i = 0; i < 2; i++) {
		syn_cookie(r);
		peer_seg(r, A, 1, 1, 0);
		first = r->conn;
		another(r);
	}
	assert_int_equal(conns(r), 2);
	r->t.rport = (uint16_t)(r->t.rport - 3);
	r->iss = iss;
	r->ts_ecr = echo;
	peer_seg(r, A, 1, 1, 100);
	expect_reset(r, 1);
	assert_int_equal(r->st->drop[WR_DROP_conn_pool_full], 1);
	assert_int_equal(ctr(r, WR_CTR_tcp_cookies_accepted), 2);
	wr_tcp_abort(r->s, first, r->p.now);
	peer_flush(r);
	peer_seg(r, A, 1, 1, 100);
	assert_int_equal(ctr(r, WR_CTR_tcp_cookies_accepted), 3);
	assert_int_equal(conns(r), 2);
}

// One SYN too many before the output comes to the answers.
static void answers_are_full(struct peer *r)
{
	struct rte_mbuf *pkts[ANSWERS + 1];
	struct wr_tcp_tx tx = {pkts, 0, RTE_DIM(pkts)};
	struct pair_seg g = {.t = r->t, .seq = r->irs, .flags = WR_TCP_SYN, .window = 1000};

	for (uint32_t i = 0; i <= ANSWERS; i++) {
		assert_int_equal(r->st->drop[WR_DROP_answers_full], 0);
		g.t.rport++;
		pair_inject(&r->p, 1, &g);
	}
	assert_int_equal(r->st->drop[WR_DROP_answers_full], 1);
	assert_int_equal(ctr(r, WR_CTR_tcp_cookies_sent), ANSWERS);
	assert_int_equal(conns(r), 0);
	wr_tcp_output(r->s, &tx, 10, r->p.now);
	assert_int_equal(tx.count, ANSWERS);
	for (uint16_t i = 0; i < tx.count; i++)
		rte_pktmbuf_free(pkts[i]);
	r->t.rport = g.t.rport;
	syn_cookie(r); // the SYN that comes again
	peer_seg(r, A, 1, 1, 0);
	assert_int_equal(conns(r), 1);
}

static void each(void (*test)(struct peer *r), enum wr_tcp_cookies mode, uint32_t max_conns)
{
	struct wr_tcp_config cfg = pair_config();

	cfg.cookies = mode;
	cfg.max_conns = max_conns;
	cfg.max_half_open = 4;
	for (uint32_t v = 0; v < peer_variant_count; v++) {
		struct peer *r = peer_start(&peer_variants[v], &cfg);

		test(r);
		peer_stop(r);
	}
}

#define EACH(name, body, mode, max_conns)                                                          \
	static void name(void **state)                                                             \
	{                                                                                          \
		each(body, WR_TCP_COOKIES_##mode, max_conns);                                      \
	}
EACH(input_cookie_nothing_is_held, nothing_is_held, ALWAYS, 256)
EACH(input_cookie_opens, opens, ALWAYS, 256)
EACH(input_cookie_options, options, ALWAYS, 256)
EACH(input_cookie_segment_size, segment_size, ALWAYS, 256)
EACH(input_cookie_ack_with_payload, ack_with_payload, ALWAYS, 256)
EACH(input_cookie_guessed, guessed, ALWAYS, 256)
EACH(input_cookie_echo_is_not_ours, echo_is_not_ours, ALWAYS, 256)
EACH(input_cookie_expires, expires, ALWAYS, 256)
EACH(input_cookie_good_to_the_end, good_to_the_end, ALWAYS, 256)
EACH(input_cookie_not_looked_for, not_looked_for, ALWAYS, 256)
EACH(input_cookie_other_segments, other_segments, ALWAYS, 256)
EACH(input_cookie_deferred_is_accepted_at_once, deferred_is_accepted_at_once, ALWAYS, 256)
EACH(input_cookie_refusal_comes_first, refusal_comes_first, ALWAYS, 256)
EACH(input_cookie_at_the_limit, at_the_limit, AUTO, 256)
EACH(input_cookie_never, never, NEVER, 256)
EACH(input_cookie_no_room_when_the_ack_comes, no_room_when_the_ack_comes, ALWAYS, 2)
EACH(input_cookie_answers_are_full, answers_are_full, ALWAYS, 256)
EACH(input_cookie_payload_before_the_ack, payload_before_the_ack, ALWAYS, 256)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(input_cookie_nothing_is_held),
		cmocka_unit_test(input_cookie_opens),
		cmocka_unit_test(input_cookie_options),
		cmocka_unit_test(input_cookie_segment_size),
		cmocka_unit_test(input_cookie_ack_with_payload),
		cmocka_unit_test(input_cookie_guessed),
		cmocka_unit_test(input_cookie_echo_is_not_ours),
		cmocka_unit_test(input_cookie_expires),
		cmocka_unit_test(input_cookie_good_to_the_end),
		cmocka_unit_test(input_cookie_not_looked_for),
		cmocka_unit_test(input_cookie_other_segments),
		cmocka_unit_test(input_cookie_deferred_is_accepted_at_once),
		cmocka_unit_test(input_cookie_refusal_comes_first),
		cmocka_unit_test(input_cookie_at_the_limit),
		cmocka_unit_test(input_cookie_never),
		cmocka_unit_test(input_cookie_no_room_when_the_ack_comes),
		cmocka_unit_test(input_cookie_answers_are_full),
		cmocka_unit_test(input_cookie_payload_before_the_ack),
	};

	wr_test_eal_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
