/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "peer.h"
#include "wr_build.h"

#define A WR_TCP_ACK
#define S WR_TCP_SYN

static void handshake(struct peer *r)
{
	struct wr_tcp_info i;

	peer_syn(r);
	peer_expect(r, 0, S | A, 0, 1, 0);
	// only what the SYN offered is answered (case 24)
	assert_int_equal(r->out[0].k.opts, r->v.opts | WR_TCPOPT_MSS);
	assert_int_equal(r->out[0].k.mss, r->v.v6 ? 1440 : 1460);
	assert_int_equal(r->out[0].k.window, 65535); // never scaled in a SYN
	assert_int_equal(r->s->half_open, 1);
	peer_seg(r, A, 1, 1, 0);
	assert_int_equal(r->n, 0);
	assert_int_equal(r->events, WR_TCP_EV_ACCEPTED);
	assert_int_equal(r->s->half_open, 0);
	assert_true(wr_tcp_info(r->s, r->conn, &i));
	assert_int_equal(i.state, WR_TCP_ST_ESTABLISHED);
	assert_int_equal(i.opts, r->v.opts);
	assert_int_equal(i.mss, (r->v.v6 ? 1440 : 1460) - (r->v.opts & WR_TCPOPT_TS ? 12 : 0));
	assert_int_equal(i.snd_wnd_bytes, 65535u << (r->v.opts & WR_TCPOPT_WSCALE ? 2 : 0));
}

// case 25
static void peer_mss(struct peer *r)
{
	static const uint16_t given[] = {0, 1, 64, 536, 1000, 9000};
	uint16_t most = r->v.v6 ? 1440 : 1460;
	struct wr_tcp_info i;

	for (uint32_t k = 0; k < RTE_DIM(given); k++) {
		uint16_t want = RTE_MIN(RTE_MAX(given[k], WR_TCP_MSS_MIN), most);

		if (given[k] == 0) // the option is absent
			want = r->v.v6 ? 1220 : 536;
		if (r->v.opts & WR_TCPOPT_TS)
			want -= 12;
		r->t.rport++;
		r->mss = given[k];
		r->conn = WR_HANDLE_NONE;
		peer_open(r);
		assert_true(wr_tcp_info(r->s, r->conn, &i));
		assert_int_equal(i.mss, want);
		peer_write(r, 3000, 3000 / 2);
		assert_int_equal(r->out[0].k.payload_len, RTE_MIN(want, 3000));
	}
}

static void syn_again(struct peer *r)
{
	peer_syn(r);
	peer_seg(r, S, 0, 0, 0);
	peer_expect(r, 0, S | A, 0, 1, 0);
	assert_int_equal(r->st->drop[WR_DROP_tcp_dup_syn], 1);
	assert_int_equal(wr_pool_used(&r->s->conns), 1);
	// another incarnation: back to LISTEN, where its next SYN begins anew
	peer_seg(r, S, 5000, 0, 0);
	assert_int_equal(r->n, 0);
	assert_int_equal(wr_pool_used(&r->s->conns), 0);
	peer_seg(r, S, 5000, 0, 0);
	peer_expect(r, 0, S | A, 0, 5001, 0);
	peer_seg(r, A, 5001, 1, 0);
	assert_int_equal(peer_state(r), WR_TCP_ST_ESTABLISHED);
}

static void bad_ack_of_syn_ack(struct peer *r)
{
	peer_syn(r);
	peer_seg(r, A, 1, 2, 0);
	assert_int_equal(r->n, 1);
	peer_expect(r, 0, WR_TCP_RST, 2, 0, 0);
	peer_seg(r, WR_TCP_RST, 1, 0, 0);
	assert_int_equal(wr_pool_used(&r->s->conns), 0);
}

// case 61: the payload of a SYN is not acknowledged, it comes again
static void data_in_syn(struct peer *r)
{
	peer_seg(r, S, 0, 0, 100);
	peer_expect(r, 0, S | A, 0, 1, 0);
	assert_int_equal(r->st->drop_bytes[WR_DROP_pay_trimmed], 100);
	peer_seg(r, A, 1, 1, 100); // data with the ACK is taken
	assert_int_equal(peer_read(r, 1), 100);
}

// case 36 and RFC 6298 5.7: the SYN-ACK is repeated, and the entry expires (case 47)
static void syn_ack_repeats_and_expires(struct peer *r)
{
	peer_syn(r);
	peer_wait(r, 1100000);
	assert_int_equal(r->n, 1);
	peer_expect(r, 0, S | A, 0, 1, 0);
	peer_wait(r, 2100000);
	assert_int_equal(r->n, 1);
	peer_wait(r, 60 * WR_US_PER_S);
	assert_int_equal(wr_pool_used(&r->s->conns), 0);
	assert_int_equal(r->st->ctr[WR_CTR_tcp_timeout], 1);
	assert_int_equal(r->s->half_open, 0);
}

static void admission(struct peer *r)
{
	struct wr_endpoint e = pair_server(&r->p);

	assert_int_equal(wr_tcp_set_admit(r->s, &e, WR_TCP_REFUSE_RST), 0);
	peer_seg(r, S, 0, 0, 0);
	assert_int_equal(r->n, 1);
	peer_expect(r, 0, WR_TCP_RST | A, (uint32_t)-r->iss, 1, 0);
	assert_int_equal(r->st->drop[WR_DROP_syn_refused], 1);
	wr_tcp_set_admit_all(r->s, WR_TCP_REFUSE_DROP);
	peer_seg(r, S, 0, 0, 0);
	assert_int_equal(r->n, 0);
	assert_int_equal(r->st->drop[WR_DROP_syn_dropped], 1);
	wr_tcp_set_admit_all(r->s, WR_TCP_ADMIT);
	peer_open(r);
}

// A SYN of which the door says `admit` and `why`.
static void judge(struct peer *r, uint8_t admit, uint8_t why)
{
	struct wr_tuple t = {r->t.remote, r->t.local, r->t.rport, r->t.lport};
	struct wr_tcp_hdr h = {.t = &t, .seq = r->irs, .window = 1000, .flags = S};
	struct rte_mbuf *m = rte_pktmbuf_alloc(r->p.rx);
	struct wr_pkt k;

	assert_int_equal(wr_build_tcp(m, &h), 0);
	wr_build_finish_csum(m);
	memset(&k, 0xff, sizeof(k));
	wr_parse_frame(&k, m, WR_PARSE_F_NO_L2);
	assert_int_equal(k.kind, WR_PKT_TCP);
	assert_int_equal(k.admit, WR_TCP_ADMIT); // unless somebody says otherwise
	assert_int_equal(k.admit_why, WR_DROP_NONE);
	k.admit = admit;
	k.admit_why = why;
	wr_tcp_input_burst(r->s, &k, 1, r->p.now);
}

static void judged_syn(struct peer *r, uint8_t admit, uint8_t why)
{
	judge(r, admit, why);
	r->n = 0;
	peer_flush(r);
}

// Each verdict of the listener against each of the door.
static void door(struct peer *r)
{
	static const uint8_t expect[4][4] = {
		// of the door: let in, reset, drop, cookie
		{0, 1, 2, 3}, // let in
		{1, 1, 2, 1}, // reset
		{2, 2, 2, 2}, // drop
		{3, 1, 2, 3}, // cookie
	};
	uint64_t *drop = r->st->drop, *ctr = r->st->ctr;

	for (uint8_t all = 0; all < 4; all++) {
		for (uint8_t one = 0; one < 4; one++) {
			uint64_t refused = drop[WR_DROP_syn_refused], rst = ctr[WR_CTR_tcp_rst_out];
			uint64_t dropped = drop[WR_DROP_syn_dropped];
			uint64_t cookies = ctr[WR_CTR_door_cookies];
			uint32_t conns = wr_pool_used(&r->s->conns);
			uint8_t how = expect[all][one];

			wr_tcp_set_admit_all(r->s, (enum wr_tcp_admit)all);
			r->t.rport++;
			judged_syn(r, one, WR_DROP_NONE);
			assert_int_equal(drop[WR_DROP_syn_refused] - refused, how == 1);
			assert_int_equal(ctr[WR_CTR_tcp_rst_out] - rst, how == 1);
			assert_int_equal(drop[WR_DROP_syn_dropped] - dropped, how == 2);
			assert_int_equal(ctr[WR_CTR_door_cookies] - cookies, how == 3);
			assert_int_equal(wr_pool_used(&r->s->conns) - conns, how == 0);
			assert_int_equal(r->n, how != 2);
			assert_int_equal(r->out[0].k.flags, how == 1   ? WR_TCP_RST | A
							    : how == 2 ? r->out[0].k.flags
								       : S | A);
		}
	}
	assert_int_equal(ctr[WR_CTR_tcp_cookies_sent], ctr[WR_CTR_door_cookies]);
}

// The reason counts with a refusal of the door alone; what is none of either is not believed.
static void door_reasons(struct peer *r)
{
	uint64_t *drop = r->st->drop;

	judged_syn(r, WR_TCP_REFUSE_RST, WR_DROP_syn_limit_conns);
	judged_syn(r, WR_TCP_REFUSE_DROP, WR_DROP_syn_limit_conns);
	assert_int_equal(drop[WR_DROP_syn_limit_conns], 2);
	assert_int_equal(drop[WR_DROP_syn_refused] + drop[WR_DROP_syn_dropped], 0);
	judged_syn(r, WR_TCP_REFUSE_RST, UINT8_MAX);
	assert_int_equal(drop[WR_DROP_syn_refused], 1);
	judged_syn(r, 77, WR_DROP_NONE);
	assert_int_equal(drop[WR_DROP_syn_dropped], 1);
	wr_tcp_set_admit_all(r->s, WR_TCP_REFUSE_DROP);
	judged_syn(r, WR_TCP_REFUSE_RST, WR_DROP_syn_operator); // both refuse: the name counts
	assert_int_equal(drop[WR_DROP_syn_operator], 1);
	assert_int_equal(r->n, 0);
	judged_syn(r, WR_TCP_ADMIT, WR_DROP_syn_operator);
	assert_int_equal(drop[WR_DROP_syn_operator], 1);
	assert_int_equal(drop[WR_DROP_syn_dropped], 2);
	assert_int_equal(r->st->ctr[WR_CTR_tcp_syn_in], 6);
	assert_int_equal(wr_pool_used(&r->s->conns), 0);
}

// A client that got no reset was not told, whatever the door meant to say; it counts once.
static void door_resets_unsent(struct peer *r)
{
	uint32_t room = WR_TCP_ANSWERS - WR_TCP_ANSWERS_KEPT;
	struct rte_mbuf *pkts[WR_TCP_ANSWERS];
	struct wr_tcp_tx tx = {pkts, 0, WR_TCP_ANSWERS};
	uint64_t *drop = r->st->drop;

	for (uint32_t i = 0; i < room; i++)
		judge(r, WR_TCP_REFUSE_RST, WR_DROP_syn_refused);
	assert_int_equal(drop[WR_DROP_syn_refused], room);
	judge(r, WR_TCP_REFUSE_RST, WR_DROP_syn_refused);
	judge(r, WR_TCP_REFUSE_RST, WR_DROP_NONE);
	judge(r, WR_TCP_REFUSE_DROP, WR_DROP_syn_refused);
	assert_int_equal(drop[WR_DROP_syn_dropped], 3);
	judge(r, WR_TCP_REFUSE_RST, WR_DROP_syn_limit_rate);
	assert_int_equal(drop[WR_DROP_syn_limit_rate], 1);
	wr_tcp_set_admit_all(r->s, WR_TCP_REFUSE_RST);
	judge(r, WR_TCP_ADMIT, WR_DROP_NONE);
	assert_int_equal(drop[WR_DROP_syn_dropped], 4);
	assert_int_equal(drop[WR_DROP_syn_refused], room);
	assert_int_equal(drop[WR_DROP_no_mbuf], 0);
	assert_int_equal(r->st->ctr[WR_CTR_tcp_rst_out], room);
	wr_tcp_output(r->s, &tx, 10, r->p.now);
	assert_int_equal(tx.count, room);
	rte_pktmbuf_free_bulk(pkts, tx.count);
	// the listener's own word is the stricter: nothing is sent
	wr_tcp_set_admit_all(r->s, WR_TCP_REFUSE_DROP);
	judged_syn(r, WR_TCP_REFUSE_RST, WR_DROP_syn_refused);
	assert_int_equal(r->n, 0);
	assert_int_equal(drop[WR_DROP_syn_dropped], 5);
}

// The door has a rate of its own: strays take nothing of it, nor it of theirs.
static void input_syn_door_rate(void **state)
{
	struct wr_tcp_config cfg = pair_config();

	cfg.resets_per_s = 1;
	for (uint32_t v = 0; v < peer_variant_count; v++) {
		struct peer *r = peer_start(&peer_variants[v], &cfg);
		uint64_t *drop = r->st->drop, *ctr = r->st->ctr;

		for (int i = 0; i < 10; i++)
			judged_syn(r, WR_TCP_REFUSE_RST, WR_DROP_syn_refused);
		peer_seg(r, A, 77, 99, 0);
		assert_int_equal(r->n, 1);
		peer_seg(r, A, 77, 99, 0);
		assert_int_equal(r->n, 0);
		wr_tcp_set_admit_all(r->s, WR_TCP_REFUSE_RST);
		judged_syn(r, WR_TCP_REFUSE_RST, WR_DROP_syn_refused);
		assert_int_equal(r->n, 1);
		assert_int_equal(drop[WR_DROP_syn_refused], 11);
		assert_int_equal(ctr[WR_CTR_resets_withheld], 1);
		// the listener has none
		judged_syn(r, WR_TCP_ADMIT, WR_DROP_NONE);
		judged_syn(r, WR_TCP_ADMIT_COOKIE, WR_DROP_NONE);
		assert_int_equal(drop[WR_DROP_syn_dropped], 2);
		assert_int_equal(ctr[WR_CTR_resets_withheld], 3);
		r->p.now += WR_US_PER_S;
		judged_syn(r, WR_TCP_ADMIT, WR_DROP_NONE);
		assert_int_equal(drop[WR_DROP_syn_refused], 12);
		assert_int_equal(ctr[WR_CTR_tcp_rst_out], 13);
		peer_stop(r);
	}
}

// Anyone can ask for the reset of a half-open connection, save one that we open ourselves.
static void input_syn_half_open_rate(void **state)
{
	struct wr_tcp_config cfg = pair_config();

	cfg.resets_per_s = 1;
	for (uint32_t v = 0; v < peer_variant_count; v++) {
		struct peer *r = peer_start(&peer_variants[v], &cfg);
		struct wr_endpoint e = {r->t.local, 82};

		assert_int_equal(
			wr_tcp_listen(r->s, &e, &(struct wr_tcp_listen_opts){.deferred = true}), 0);
		r->t.lport = 82;
		peer_seg(r, S, 0, 0, 0);
		assert_int_equal(peer_state(r), WR_TCP_ST_LISTEN);
		peer_seg(r, A, 1, 99, 0);
		peer_expect(r, 0, WR_TCP_RST, 99, 0, 0);
		assert_int_equal(r->st->drop[WR_DROP_tcp_ack_unacceptable], 1);
		peer_seg(r, A, 1, 99, 0);
		assert_int_equal(r->n, 0);
		assert_int_equal(r->st->drop[WR_DROP_reset_rate], 1);
		assert_int_equal(r->st->ctr[WR_CTR_resets_withheld], 1);
		peer_stop(r);

		r = peer_start(&peer_variants[v], &cfg);
		peer_connect(r, r->v.opts);
		for (int i = 0; i < 3; i++) {
			uint64_t before = r->st->ctr[WR_CTR_tcp_rst_out];

			peer_seg(r, A, 0, 99, 0);
			assert_int_equal(r->st->ctr[WR_CTR_tcp_rst_out] - before, 1);
		}
		assert_int_equal(r->st->drop[WR_DROP_tcp_ack_unacceptable], 3);
		peer_stop(r);
	}
}

static void no_listener(struct peer *r)
{
	r->t.lport = 81;
	peer_seg(r, S, 0, 0, 0);
	peer_expect(r, 0, WR_TCP_RST | A, (uint32_t)-r->iss, 1, 0);
	peer_seg(r, A, 77, 99, 0);
	peer_expect(r, 0, WR_TCP_RST, 99, 0, 0);
	peer_seg(r, WR_TCP_RST, 77, 0, 0);
	assert_int_equal(r->n, 0);
	assert_int_equal(r->st->drop[WR_DROP_tcp_no_conn], 2);
	assert_int_equal(r->st->drop[WR_DROP_tcp_no_conn_rst], 1);
}

static void input_syn_half_open_limit(void **state)
{
	struct wr_tcp_config cfg = pair_config();
	struct peer *r;

	cfg.max_half_open = 3;
	cfg.cookies = WR_TCP_COOKIES_NEVER;
	r = peer_start(&peer_variants[0], &cfg);
	for (int i = 0; i < 5; i++) {
		r->t.rport++;
		peer_seg(r, S, 0, 0, 0);
	}
	assert_int_equal(r->s->half_open, 3);
	assert_int_equal(r->st->drop[WR_DROP_syn_backlog_full], 2);
	peer_stop(r);
}

static void active(struct peer *r)
{
	peer_connect(r, r->v.opts);
	peer_expect(r, 0, S, 0, 0, 0);
	assert_int_equal(r->out[0].k.opts, r->v.opts | WR_TCPOPT_MSS);
	peer_syn_ack(r);
	peer_expect(r, 0, A, 1, 1, 0);
	assert_int_equal(r->events, WR_TCP_EV_CONNECTED);
	assert_int_equal(r->st->ctr[WR_CTR_tcp_connected], 1);
}

// An option that was not offered is not used, whatever the answer holds (case 24).
static void active_unasked_options(struct peer *r)
{
	struct wr_tcp_info i;

	peer_connect(r, 0);
	assert_int_equal(r->out[0].k.opts, WR_TCPOPT_MSS);
	peer_syn_ack(r);
	assert_true(wr_tcp_info(r->s, r->conn, &i));
	assert_int_equal(i.opts, 0);
	assert_int_equal(i.snd_wnd_bytes, 65535);
}

// case 17
static void active_resets(struct peer *r)
{
	peer_connect(r, r->v.opts);
	peer_seg(r, WR_TCP_RST, 0, 0, 0); // without ACK
	peer_seg(r, WR_TCP_RST | A, 0, 0, 0);
	peer_seg(r, WR_TCP_RST | A, 0, 2, 0);
	assert_int_equal(r->st->drop[WR_DROP_tcp_rst_ignored], 3);
	assert_int_equal(r->n, 0);
	peer_seg(r, S | A, 0, 5, 0); // half-open peer: it is told, and asked again at once
	assert_int_equal(r->n, 2);
	peer_expect(r, 0, WR_TCP_RST, 5, 0, 0);
	peer_expect(r, 1, S, 0, 0, 0);
	peer_seg(r, S | A, 0, 5, 0); // but once
	assert_int_equal(r->n, 1);
	peer_expect(r, 0, WR_TCP_RST, 5, 0, 0);
	peer_seg(r, A, 0, 1, 10); // neither SYN nor RST
	assert_int_equal(r->n, 0);
	assert_int_equal(peer_state(r), WR_TCP_ST_SYN_SENT);
	peer_seg(r, WR_TCP_RST | A, 0, 1, 0);
	assert_int_equal(r->events, WR_TCP_EV_CLOSED);
	assert_int_equal(wr_tcp_end(r->s, r->conn), WR_TCP_END_REFUSED);
	assert_int_equal(r->st->ctr[WR_CTR_tcp_connect_failed], 1);
}

static void active_timeout(struct peer *r)
{
	peer_connect(r, r->v.opts);
	peer_wait(r, 3200000);
	assert_int_equal(r->n, 2); // after 1 s and 2 s more
	peer_expect(r, 1, S, 0, 0, 0);
	peer_wait(r, 60 * WR_US_PER_S);
	assert_int_equal(wr_tcp_end(r->s, r->conn), WR_TCP_END_TIMEOUT);
	assert_int_equal(r->st->ctr[WR_CTR_tcp_connect_failed], 1);
}

static void active_data_with_syn_ack(struct peer *r)
{
	peer_connect(r, r->v.opts);
	peer_seg(r, S | A, 0, 1, 0);
	r->n = 0;
	peer_seg(r, A, 1, 1, 20);
	assert_int_equal(peer_read(r, 1), 20);
}

// case 10
static void simultaneous_open(struct peer *r)
{
	peer_connect(r, r->v.opts);
	peer_seg(r, S, 0, 0, 0);
	peer_expect(r, 0, S | A, 0, 1, 0);
	assert_int_equal(peer_state(r), WR_TCP_ST_SYN_RECEIVED);
	peer_seg(r, S | A, 0, 1, 0); // theirs crosses ours
	assert_int_equal(peer_state(r), WR_TCP_ST_ESTABLISHED);
	assert_int_equal(r->events, WR_TCP_EV_CONNECTED);
	assert_int_equal(wr_pool_used(&r->s->conns), 1);
	assert_int_equal(peer_conn(r)->snd_wnd, 65535);
	assert_true(peer_conn(r)->cwnd > 2u * peer_conn(r)->mss); // nothing was lost
	peer_seg(r, A, 1, 1, 300);
	peer_expect(r, 0, A, 1, 301, 0);
	assert_int_equal(peer_read(r, 1), 300);
}

static void deferred(struct peer *r)
{
	struct wr_endpoint e = {r->t.local, 82};
	struct wr_tcp_listen_opts o = {.user = 3, .deferred = true, .mss_v4 = 1200, .mss_v6 = 1100};

	assert_int_equal(wr_tcp_listen(r->s, &e, &o), 0);
	r->t.lport = 82;
	peer_seg(r, S, 0, 0, 0);
	assert_int_equal(r->n, 0);
	assert_int_equal(r->events, WR_TCP_EV_SYN);
	peer_seg(r, S, 0, 0, 0); // they repeat themselves
	assert_int_equal(r->n, 0);
	assert_int_equal(wr_pool_used(&r->s->conns), 1);
	wr_tcp_accept(r->s, r->conn, r->p.now);
	peer_flush(r);
	peer_expect(r, 0, S | A, 0, 1, 0);
	assert_int_equal(r->out[0].k.mss, r->v.v6 ? 1100 : 1200);
	peer_seg(r, A, 1, 1, 0);
	assert_true(r->events & WR_TCP_EV_ACCEPTED);
	// the other answer
	r->t.rport++;
	r->conn = WR_HANDLE_NONE;
	peer_seg(r, S, 0, 0, 0);
	wr_tcp_abort(r->s, r->conn, r->p.now);
	r->n = 0;
	peer_flush(r);
	peer_expect(r, 0, WR_TCP_RST | A, (uint32_t)-r->iss, 1, 0);
	// the peer gives up first
	r->t.rport++;
	r->conn = WR_HANDLE_NONE;
	peer_seg(r, S, 0, 0, 0);
	peer_seg(r, WR_TCP_RST, 99, 0, 0);
	assert_int_equal(peer_state(r), WR_TCP_ST_LISTEN);
	r->events = 0;
	peer_seg(r, WR_TCP_RST, 1, 0, 0);
	assert_int_equal(r->events, WR_TCP_EV_CLOSED);
	assert_int_equal(wr_tcp_accept(r->s, r->conn, r->p.now), -EINVAL);
}

#define EACH(name, body)                                                                           \
	static void name(void **state)                                                             \
	{                                                                                          \
		PEER_EACH(body);                                                                   \
	}
EACH(input_syn_handshake, handshake)
EACH(input_syn_peer_mss, peer_mss)
EACH(input_syn_again, syn_again)
EACH(input_syn_bad_ack_of_syn_ack, bad_ack_of_syn_ack)
EACH(input_syn_data_in_syn, data_in_syn)
EACH(input_syn_repeats_and_expires, syn_ack_repeats_and_expires)
EACH(input_syn_admission, admission)
EACH(input_syn_door, door)
EACH(input_syn_door_reasons, door_reasons)
EACH(input_syn_door_resets_unsent, door_resets_unsent)
EACH(input_syn_no_listener, no_listener)
EACH(input_syn_active, active)
EACH(input_syn_active_unasked_options, active_unasked_options)
EACH(input_syn_active_resets, active_resets)
EACH(input_syn_active_timeout, active_timeout)
EACH(input_syn_active_data, active_data_with_syn_ack)
EACH(input_syn_simultaneous_open, simultaneous_open)
EACH(input_syn_deferred, deferred)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(input_syn_handshake),
		cmocka_unit_test(input_syn_peer_mss),
		cmocka_unit_test(input_syn_again),
		cmocka_unit_test(input_syn_bad_ack_of_syn_ack),
		cmocka_unit_test(input_syn_data_in_syn),
		cmocka_unit_test(input_syn_repeats_and_expires),
		cmocka_unit_test(input_syn_admission),
		cmocka_unit_test(input_syn_door),
		cmocka_unit_test(input_syn_door_reasons),
		cmocka_unit_test(input_syn_door_resets_unsent),
		cmocka_unit_test(input_syn_door_rate),
		cmocka_unit_test(input_syn_half_open_rate),
		cmocka_unit_test(input_syn_no_listener),
		cmocka_unit_test(input_syn_half_open_limit),
		cmocka_unit_test(input_syn_active),
		cmocka_unit_test(input_syn_active_unasked_options),
		cmocka_unit_test(input_syn_active_resets),
		cmocka_unit_test(input_syn_active_timeout),
		cmocka_unit_test(input_syn_active_data),
		cmocka_unit_test(input_syn_simultaneous_open),
		cmocka_unit_test(input_syn_deferred),
	};

	wr_test_eal_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
