/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "peer.h"

// One packet as the parser would give it, without going through the stack.
static struct wr_pkt packet(
	struct peer *r, uint16_t port, uint8_t flags, uint32_t seq, uint32_t len)
{
	struct wr_pkt k = {.m = rte_pktmbuf_alloc(r->p.rx),
		.kind = WR_PKT_TCP,
		.l3_len = 20,
		.l4_len = 20,
		.payload_len = (uint16_t)len,
		.flags = flags,
		.seq = seq,
		.window = 1000,
		.t = r->t};

	k.t.rport = port;
	memset(rte_pktmbuf_append(k.m, (uint16_t)(40 + len)), 0, 40 + len);
	r->p.payload_in[1] += len;
	return k;
}

// A burst larger than what is looked ahead, with packets of one connection that the burst itself
// creates and ends.
static void demux_burst_of_many(void **state)
{
	struct peer *r = peer_start(&peer_variants[0], NULL);
	struct wr_pkt k[200];

	for (uint32_t i = 0; i < 200; i++)
		k[i] = packet(r, (uint16_t)(1000 + i / 2), i & 1 ? WR_TCP_RST : WR_TCP_SYN,
			i & 1 ? 501 : 500, 0);
	wr_tcp_input_burst(r->s, k, 200, r->p.now);
	assert_int_equal(r->st->ctr[WR_CTR_tcp_segs_in], 200);
	assert_int_equal(r->st->ctr[WR_CTR_tcp_syn_in], 100);
	assert_int_equal(r->st->ctr[WR_CTR_tcp_rst_in], 100);
	assert_int_equal(wr_pool_used(&r->s->conns), 0);
	peer_stop(r);
}

// What was looked up for the whole burst is outdated by its own packets: the connection ends, its
// object becomes another connection, and a packet for the old one still follows; a new one gets
// its first segments behind its SYN.
static void demux_burst_outdates_its_lookup(void **state)
{
	struct peer *r = peer_start(&peer_variants[0], NULL);
	wr_handle_t old;
	struct wr_pkt k[4];

	peer_open(r);
	old = r->conn;
	wr_tcp_release(r->s, old, r->p.now);
	k[0] = packet(r, r->t.rport, WR_TCP_RST, r->irs + 1, 0);
	k[1] = packet(r, 2000, WR_TCP_SYN, 500, 0);
	k[2] = packet(r, r->t.rport, WR_TCP_ACK, r->irs + 1, 300);
	k[3] = packet(r, 2000, WR_TCP_RST, 501, 0);
	wr_tcp_input_burst(r->s, k, 3, r->p.now);
	assert_int_equal(wr_pool_used(&r->s->conns), 1);
	assert_ptr_equal(wr_pool_at(&r->s->conns, wr_handle_index(old)),
		wr_tcp_conn_lookup(r->s, wr_hash_tuple(&r->s->cfg.secret[2], &k[3].t), &k[3].t));
	assert_int_equal(r->st->drop[WR_DROP_tcp_no_conn], 1);
	assert_int_equal(r->st->drop_bytes[WR_DROP_pay_closed], 300);
	wr_tcp_input_burst(r->s, &k[3], 1, r->p.now);
	assert_int_equal(wr_pool_used(&r->s->conns), 0);
	peer_stop(r);
}

static void demux_bad_flags(void **state)
{
	struct peer *r = peer_start(&peer_variants[0], NULL);
	struct wr_pkt k[3] = {packet(r, 1000, WR_TCP_SYN | WR_TCP_FIN, 1, 10),
		packet(r, 1000, WR_TCP_SYN | WR_TCP_RST, 1, 0), packet(r, 1000, 0, 1, 5)};

	wr_tcp_input_burst(r->s, k, 3, r->p.now);
	assert_int_equal(r->st->drop[WR_DROP_tcp_flags], 3); // case 63
	assert_int_equal(r->s->answer_count, 0);
	assert_int_equal(r->st->drop_bytes[WR_DROP_pay_trimmed], 15);
	peer_stop(r);
}

static void demux_land(void **state)
{
	struct peer *r = peer_start(&peer_variants[0], NULL);
	struct wr_pkt k = packet(r, 80, WR_TCP_SYN, 1, 0);

	k.t.remote = k.t.local;
	wr_tcp_input_burst(r->s, &k, 1, r->p.now);
	assert_int_equal(r->st->drop[WR_DROP_land], 1); // case 63
	k = packet(r, 0, WR_TCP_SYN, 1, 0);
	wr_tcp_input_burst(r->s, &k, 1, r->p.now);
	assert_int_equal(r->st->drop[WR_DROP_tcp_port_zero], 1);
	assert_int_equal(r->s->answer_count, 0);
	peer_stop(r);
}

static void owns(struct peer *r)
{
	struct wr_endpoint e = pair_server(&r->p);
	struct wr_pkt k = {.t = r->t};

	assert_true(wr_tcp_owns(r->s, &k));
	k.t.lport = 81;
	assert_false(wr_tcp_owns(r->s, &k));
	k.t.lport = 80;
	peer_open(r);
	assert_int_equal(wr_tcp_unlisten(r->s, &e), 0);
	assert_true(wr_tcp_owns(r->s, &k));
	k.t.rport++;
	assert_false(wr_tcp_owns(r->s, &k));
}

// case 54: what lies behind the IP length is not payload
static void demux_padding(void **state)
{
	struct peer *r = peer_start(&peer_variants[0], NULL);
	struct wr_pkt k;

	peer_open(r);
	k = packet(r, r->t.rport, WR_TCP_ACK, r->irs + 1, 0);
	k.ack = r->iss + 1;
	rte_pktmbuf_append(k.m, 6);
	wr_tcp_input_burst(r->s, &k, 1, r->p.now);
	assert_int_equal(r->st->ctr[WR_CTR_pay_rx_bytes], 0);
	k = packet(r, r->t.rport, WR_TCP_ACK, r->irs + 1, 400);
	k.ack = r->iss + 1;
	rte_pktmbuf_append(k.m, 6);
	wr_tcp_input_burst(r->s, &k, 1, r->p.now);
	assert_int_equal(r->st->ctr[WR_CTR_pay_rx_bytes], 400);
	assert_int_equal(peer_conn(r)->rcvq.bytes, 400);
	peer_stop(r);
}

static void demux_owns(void **state)
{
	PEER_EACH(owns);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(demux_burst_of_many),
		cmocka_unit_test(demux_burst_outdates_its_lookup),
		cmocka_unit_test(demux_bad_flags),
		cmocka_unit_test(demux_land),
		cmocka_unit_test(demux_owns),
		cmocka_unit_test(demux_padding),
	};

	wr_test_eal_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
