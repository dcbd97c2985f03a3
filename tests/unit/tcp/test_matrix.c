/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "peer.h"

// Every kind of segment in every state, at every place of its numbers, over all variants: what RFC
// 9293 3.10.7, RFC 5961 and RFC 1337 allow to change, and to be said, is derived here from the
// outside and compared.

#define A WR_TCP_ACK
#define S WR_TCP_SYN
#define F WR_TCP_FIN
#define R WR_TCP_RST

enum place {
	FAR_LEFT, // below the window
	LEFT,     // one below it
	AT,       // RCV.NXT, or SND.UNA
	INSIDE,   // inside, not at the edge; SND.NXT for acknowledgements
	BEYOND,   // right of it
	PLACES
};

struct snapshot {
	enum wr_tcp_state state;
	uint32_t una, nxt, rcv, end;
	bool alive;
};

static struct snapshot take(struct peer *r)
{
	struct wr_tcp_conn *c = peer_conn(r);

	if (c == NULL)
		return (struct snapshot){.state = WR_TCP_ST_CLOSED};
	return (struct snapshot){.state = (enum wr_tcp_state)c->state,
		.una = c->snd_una - r->iss,
		.nxt = c->snd_nxt - r->iss,
		.rcv = c->rcv_nxt - r->irs,
		.end = c->rcv_adv - r->irs,
		.alive = c->state != WR_TCP_ST_CLOSED};
}

// Bring a fresh peer to a state; 100 bytes of ours are out where the state has any.
static void reach(struct peer *r, enum wr_tcp_state st)
{
	struct wr_endpoint e = {r->t.local, 82};
	struct wr_tcp_listen_opts o = {.deferred = true};

	switch (st) {
	case WR_TCP_ST_LISTEN:
		assert_int_equal(wr_tcp_listen(r->s, &e, &o), 0);
		r->t.lport = 82;
		peer_syn(r);
		break;
	case WR_TCP_ST_SYN_SENT:
		peer_connect(r, r->v.opts);
		break;
	case WR_TCP_ST_SYN_RECEIVED:
		peer_connect(r, r->v.opts);
		peer_syn(r);
		break;
	default:
		peer_open(r);
		peer_write(r, 100, 100);
		break;
	}
	switch (st) {
	case WR_TCP_ST_FIN_WAIT_1:
	case WR_TCP_ST_FIN_WAIT_2:
	case WR_TCP_ST_CLOSING:
	case WR_TCP_ST_TIME_WAIT:
		wr_tcp_shutdown(r->s, r->conn, r->p.now);
		peer_flush(r);
		if (st == WR_TCP_ST_FIN_WAIT_2 || st == WR_TCP_ST_TIME_WAIT)
			peer_seg(r, A, 1, 102, 0);
		if (st == WR_TCP_ST_CLOSING || st == WR_TCP_ST_TIME_WAIT)
			peer_seg(r, A | F, 1, st == WR_TCP_ST_CLOSING ? 1 : 102, 0);
		break;
	case WR_TCP_ST_CLOSE_WAIT:
	case WR_TCP_ST_LAST_ACK:
		peer_seg(r, A | F, 1, 1, 0);
		if (st == WR_TCP_ST_LAST_ACK)
			wr_tcp_shutdown(r->s, r->conn, r->p.now);
		peer_flush(r);
		break;
	default:
		break;
	}
	assert_int_equal(peer_state(r), st);
}

static uint32_t seq_at(const struct snapshot *b, enum place p)
{
	switch (p) {
	case FAR_LEFT:
		return b->rcv - 100000;
	case LEFT:
		return b->rcv - 1;
	case AT:
		return b->rcv;
	case INSIDE:
		return b->rcv + 1;
	default:
		return b->end + 5000;
	}
}

static uint32_t ack_at(const struct snapshot *b, enum place p)
{
	switch (p) {
	case FAR_LEFT:
		return b->una - (1u << 30);
	case LEFT:
		return b->una - 1;
	case AT:
		return b->una;
	case INSIDE:
		return b->nxt;
	default:
		return b->nxt + 1;
	}
}

struct stimulus {
	uint8_t flags;
	enum place seq, ack;
	uint32_t len;
};

// States that know both sequence numbers.
static bool synchronised(enum wr_tcp_state st)
{
	return st >= WR_TCP_ST_ESTABLISHED;
}

static void check_reset(struct peer *r, const struct stimulus *g, const struct snapshot *b,
	const struct snapshot *a)
{
	bool kills;

	// a reset is never answered by a reset (case 16)
	for (uint32_t i = 0; i < r->n; i++)
		assert_int_equal(r->out[i].k.flags, A);
	switch (b->state) {
	case WR_TCP_ST_SYN_SENT:
		kills = (g->flags & A) && g->ack == INSIDE;
		break;
	case WR_TCP_ST_TIME_WAIT:
		kills = false; // RFC 1337
		break;
	default:
		kills = g->seq == AT;
		break;
	}
	assert_int_equal(a->alive, !kills);
	if (b->state != WR_TCP_ST_SYN_SENT && b->state != WR_TCP_ST_LISTEN &&
		b->state != WR_TCP_ST_TIME_WAIT)
		assert_int_equal(r->n, !kills && g->seq == INSIDE && b->end > b->rcv ? 1 : 0);
}

static void check_synchronised(struct peer *r, const struct stimulus *g, const struct snapshot *b,
	const struct snapshot *a)
{
	uint32_t len = g->len + !!(g->flags & F);
	bool acceptable = (g->seq == AT || g->seq == INSIDE) ||
	                  (g->seq == LEFT && len > 1 && b->end > b->rcv);

	// a newer SYN begins anew (test_input_tw.c)
	if (b->state == WR_TCP_ST_TIME_WAIT && (g->flags & (S | A)) == S)
		return;
	// never a reset
	for (uint32_t i = 0; i < r->n; i++)
		assert_false(r->out[i].k.flags & (R | S));
	if (g->flags & S) {
		// RFC 5961 4.2
		assert_int_equal(a->state, b->state);
		assert_int_equal(a->una, b->una);
		assert_int_equal(a->rcv, b->rcv);
		return;
	}
	if (!(g->flags & A) || !acceptable) {
		assert_int_equal(a->state, b->state);
		assert_int_equal(a->una, b->una);
		assert_int_equal(a->rcv, b->rcv);
		// what is not acceptable is acknowledged, if it takes room (3.10.7.4, first)
		if ((g->flags & A) && len > 0)
			assert_true(r->n >= 1);
		return;
	}
	if (b->state == WR_TCP_ST_TIME_WAIT) {
		assert_int_equal(a->state, b->state);
		return;
	}
	if (g->ack == BEYOND || g->ack == FAR_LEFT) {
		assert_int_equal(a->state, b->state);
		assert_int_equal(a->una, b->una);
		assert_int_equal(a->rcv, b->rcv);
		assert_int_equal(r->n, 1);
		assert_int_equal(r->out[0].k.flags, A);
		return;
	}
	if (a->alive)
		assert_int_equal(a->una, g->ack == INSIDE ? b->nxt : b->una);
}

// Where an acceptable segment leads (RFC 9293 figure 5).
static enum wr_tcp_state expected(const struct stimulus *g, const struct snapshot *b)
{
	bool fin = (g->flags & F) && (g->seq == AT || (g->seq == LEFT && g->len > 0));
	bool ours = g->ack == INSIDE; // acknowledges everything that is out

	switch (b->state) {
	case WR_TCP_ST_ESTABLISHED:
		return fin ? WR_TCP_ST_CLOSE_WAIT : b->state;
	case WR_TCP_ST_FIN_WAIT_1:
		if (fin)
			return ours ? WR_TCP_ST_TIME_WAIT : WR_TCP_ST_CLOSING;
		return ours ? WR_TCP_ST_FIN_WAIT_2 : b->state;
	case WR_TCP_ST_FIN_WAIT_2:
		return fin ? WR_TCP_ST_TIME_WAIT : b->state;
	case WR_TCP_ST_CLOSING:
		return ours ? WR_TCP_ST_TIME_WAIT : b->state;
	case WR_TCP_ST_LAST_ACK:
		return ours ? WR_TCP_ST_CLOSED : b->state;
	default:
		return b->state;
	}
}

static void one(const struct peer_variant *v, enum wr_tcp_state st, const struct stimulus *g)
{
	struct peer *r = peer_start(v, NULL);
	struct snapshot b, a;
	bool good;

	reach(r, st);
	b = take(r);
	peer_seg(r, g->flags, seq_at(&b, g->seq), ack_at(&b, g->ack), g->len);
	a = take(r);
	if ((g->flags & S) && (g->flags & (F | R))) {
		assert_int_equal(a.state, b.state);
		assert_int_equal(r->n, 0);
	} else if (g->flags & R) {
		check_reset(r, g, &b, &a);
	} else if (synchronised(st)) {
		check_synchronised(r, g, &b, &a);
		good = g->flags == A || g->flags == (A | F);
		if (good && (g->ack == AT || g->ack == INSIDE || g->ack == LEFT) &&
			(g->seq == AT || (g->seq == LEFT && g->len + !!(g->flags & F) > 1)))
			assert_int_equal(a.state, expected(g, &b));
	}
	peer_stop(r);
}

static void matrix_state(enum wr_tcp_state st)
{
	static const uint8_t flags[] = {0, S, F, R, A, S | A, F | A, R | A, S | F, S | R, S | F | A,
		S | R | A, F | R, F | R | A, S | F | R | A};
	static const uint32_t lens[] = {0, 1, 400};

	for (uint32_t v = 0; v < peer_variant_count;
		v += 3) // both families, with and without options
		for (uint32_t f = 0; f < RTE_DIM(flags); f++)
			for (int seq = 0; seq < PLACES; seq++)
				for (int ack = 0; ack < PLACES; ack++)
					for (uint32_t l = 0; l < RTE_DIM(lens); l++)
						one(&peer_variants[v], st,
							&(struct stimulus){flags[f],
								(enum place)seq, (enum place)ack,
								lens[l]});
}

#define STATE(name, st)                                                                            \
	static void matrix_##name(void **state)                                                    \
	{                                                                                          \
		matrix_state(st);                                                                  \
	}
STATE(listen, WR_TCP_ST_LISTEN)
STATE(syn_sent, WR_TCP_ST_SYN_SENT)
STATE(syn_received, WR_TCP_ST_SYN_RECEIVED)
STATE(established, WR_TCP_ST_ESTABLISHED)
STATE(fin_wait_1, WR_TCP_ST_FIN_WAIT_1)
STATE(fin_wait_2, WR_TCP_ST_FIN_WAIT_2)
STATE(close_wait, WR_TCP_ST_CLOSE_WAIT)
STATE(closing, WR_TCP_ST_CLOSING)
STATE(last_ack, WR_TCP_ST_LAST_ACK)
STATE(time_wait, WR_TCP_ST_TIME_WAIT)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(matrix_listen),
		cmocka_unit_test(matrix_syn_sent),
		cmocka_unit_test(matrix_syn_received),
		cmocka_unit_test(matrix_established),
		cmocka_unit_test(matrix_fin_wait_1),
		cmocka_unit_test(matrix_fin_wait_2),
		cmocka_unit_test(matrix_close_wait),
		cmocka_unit_test(matrix_closing),
		cmocka_unit_test(matrix_last_ack),
		cmocka_unit_test(matrix_time_wait),
	};

	wr_test_eal_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
