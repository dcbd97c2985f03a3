/* SPDX-License-Identifier: BSD-3-Clause */
#include "wire_test.h"

#include <errno.h>

#include "wr_build.h"
#include "wr_csum.h"

#define HEADROOM 128

static const struct rte_ether_addr mac_src = {{2, 0, 0, 0, 0, 1}};
static const struct rte_ether_addr mac_dst = {{2, 0, 0, 0, 0, 2}};

static struct wr_tuple tuple(bool v6)
{
	struct wr_tuple t = {.lport = 443, .rport = 51000};

	assert_int_equal(wr_addr_parse(v6 ? "2001:db8::1" : "198.18.0.1", &t.local), 0);
	assert_int_equal(wr_addr_parse(v6 ? "2001:db8::2" : "198.19.0.2", &t.remote), 0);
	return t;
}

static struct rte_mbuf *payload(uint32_t len)
{
	uint8_t b[9000];

	for (uint32_t i = 0; i < len; i++)
		b[i] = (uint8_t)(i * 11 + 3);
	return t_mbuf(b, len, HEADROOM);
}

// What was built, read back by the parser as its receiver would.
static void read_back(struct wr_pkt *p, struct rte_mbuf *m, const struct wr_tcp_hdr *h)
{
	wr_parse_frame(p, m, 0);
	assert_int_equal(p->drop, WR_DROP_NONE);
	assert_int_equal(p->kind, WR_PKT_TCP);
	assert_true(wr_addr_eq(&p->t.remote, &h->t->local));
	assert_true(wr_addr_eq(&p->t.local, &h->t->remote));
	assert_int_equal(p->t.rport, h->t->lport);
	assert_int_equal(p->t.lport, h->t->rport);
	assert_int_equal(p->seq, h->seq);
	assert_int_equal(p->ack, h->ack);
	assert_int_equal(p->flags, h->flags);
	assert_int_equal(p->window, h->window);
	assert_int_equal(p->tos, h->tos);
	assert_int_equal(p->hop_limit, h->hop_limit ? h->hop_limit : 64);
	assert_int_equal(p->l4_len, wr_build_tcp_hdr_len(h));
}

static void build_tcp_round_trip(void **state)
{
	const struct wr_sack_block sack[4] = {{1, 2}, {3, 4}, {5, 6}, {7, 8}};

	for (int v6 = 0; v6 < 2; v6++)
		for (int opts = 0; opts < 32; opts++) {
			struct wr_tuple t = tuple(v6);
			struct wr_tcp_hdr h = {
				.t = &t,
				.seq = 0x80000001,
				.ack = 0xfffffffe,
				.window = 1234,
				.flags = WR_TCP_SYN | WR_TCP_ACK,
				.opts = (uint8_t)opts,
				.mss = 1440,
				.wscale = 9,
				.sack_count = 4,
				.ts_val = 77,
				.ts_ecr = 88,
				.sack = sack,
				.tos = 0x02,
				.hop_limit = (uint8_t)opts,
				.ip_id = 0xbeef,
			};
			struct rte_mbuf *m = payload(101);
			struct wr_pkt p;

			assert_int_equal(wr_build_tcp(m, &h), 0);
			assert_int_equal(
				wr_build_eth(m, &mac_src, &mac_dst, v6 ? 0x86dd : 0x0800, 0), 0);
			wr_build_finish_csum(m);
			read_back(&p, m, &h);
			assert_int_equal(p.opts, opts);
			assert_int_equal(p.payload_len, 101);
			assert_int_equal(p.l4_len % 4, 0);
			if (opts & WR_TCPOPT_MSS)
				assert_int_equal(p.mss, 1440);
			if (opts & WR_TCPOPT_WSCALE)
				assert_int_equal(p.wscale, 9);
			if (opts & WR_TCPOPT_TS)
				assert_true(p.ts_val == 77 && p.ts_ecr == 88);
			assert_memory_equal(p.sack, sack, p.sack_count * sizeof(sack[0]));
			t_mbuf_free(m);
		}
}

static uint32_t sack_len(uint8_t opts, uint8_t count)
{
	const struct wr_tcp_hdr h = {.opts = opts, .sack_count = count};

	return wr_build_tcp_hdr_len(&h);
}

static void build_tcp_hdr_len_limits(void **state)
{
	assert_int_equal(sack_len(0, 0), 20);
	assert_int_equal(sack_len(WR_TCPOPT_SACK, 0), 20);
	assert_int_equal(sack_len(WR_TCPOPT_SACK, 1), 32);
	assert_int_equal(sack_len(WR_TCPOPT_SACK, 4), 56);
	assert_int_equal(sack_len(WR_TCPOPT_SACK, 200), 56);
	assert_int_equal(sack_len(WR_TCPOPT_SACK | WR_TCPOPT_TS, 4), 60);
	assert_int_equal(sack_len(WR_TCPOPT_TS, 4), 32);
	assert_int_equal(
		sack_len(WR_TCPOPT_MSS | WR_TCPOPT_SACKOK | WR_TCPOPT_TS | WR_TCPOPT_WSCALE, 0),
		40);
	for (int opts = 0; opts < 32; opts++)
		for (int n = 0; n < 6; n++)
			assert_true(sack_len((uint8_t)opts, (uint8_t)n) <= 60);
}

static void build_tcp_offload_request(void **state)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct wr_tuple t = tuple(v6);
		struct wr_tcp_hdr h = {.t = &t, .flags = WR_TCP_ACK, .opts = WR_TCPOPT_TS};
		struct rte_mbuf *m = payload(10);
		uint8_t *ip;
		uint16_t ck;

		m->ol_flags = RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_UDP_CKSUM; // of a former life
		m->tx_offload = UINT64_MAX;
		assert_int_equal(wr_build_tcp(m, &h), 0);
		assert_int_equal(wr_build_eth(m, &mac_src, &mac_dst, 0x0800, 0), 0);
		assert_int_equal(
			m->ol_flags, RTE_MBUF_F_TX_TCP_CKSUM |
					     (v6 ? RTE_MBUF_F_TX_IPV6
						 : RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM));
		assert_int_equal(m->l2_len, 14);
		assert_int_equal(m->l3_len, v6 ? 40 : 20);
		assert_int_equal(m->l4_len, 32);
		assert_int_equal(m->tso_segsz, 0);
		assert_int_equal(m->pkt_len, 14 + (v6 ? 40 : 20) + 32 + 10);
		ip = rte_pktmbuf_mtod_offset(m, uint8_t *, 14);
		memcpy(&ck, ip + m->l3_len + 16, 2);
		assert_int_equal(
			ck, wr_csum_fold(wr_csum_pseudo(&t.local, &t.remote, IPPROTO_TCP, 42)));
		if (!v6) {
			assert_int_equal(t_get16(ip + 10), 0);     // the port computes it
			assert_int_equal(t_get16(ip + 6), 0x4000); // DF
		}
		t_mbuf_free(m);
	}
}

// The zero-copy form: headers in an empty mbuf, payload in a chain of odd pieces behind.
static void build_tcp_chain_payload(void **state)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct wr_tuple t = tuple(v6);
		struct wr_tcp_hdr h = {.t = &t, .flags = WR_TCP_ACK};
		struct rte_mbuf *m = t_mbuf(NULL, 0, HEADROOM);
		struct wr_pkt p;

		m->next = payload(13);
		m->next->next = payload(7);
		m->next->next->next = payload(1001);
		m->nb_segs = 4;
		m->pkt_len = 1021;
		assert_int_equal(wr_build_tcp(m, &h), 0);
		assert_int_equal(wr_build_eth(m, &mac_src, &mac_dst, v6 ? 0x86dd : 0x0800, 100), 0);
		wr_build_finish_csum(m);
		read_back(&p, m, &h);
		assert_int_equal(p.payload_len, 1021);
		assert_int_equal(p.vlan, 100);
		assert_int_equal(m->data_len, 18 + (v6 ? 40 : 20) + 20);
		t_mbuf_free(m);
	}
}

static void build_tcp_no_headroom(void **state)
{
	struct wr_tuple t = tuple(false);
	struct wr_tcp_hdr h = {.t = &t, .flags = WR_TCP_ACK};
	struct rte_mbuf *m = t_mbuf("x", 1, 39);

	m->ol_flags = RTE_MBUF_F_TX_IP_CKSUM;
	assert_int_equal(wr_build_tcp(m, &h), -ENOSPC);
	assert_int_equal(m->pkt_len, 1);
	assert_int_equal(m->data_off, 39);
	assert_int_equal(m->ol_flags, RTE_MBUF_F_TX_IP_CKSUM);
	t_mbuf_free(m);
	m = t_mbuf("x", 1, 40);
	assert_int_equal(wr_build_tcp(m, &h), 0);
	assert_int_equal(wr_build_eth(m, &mac_src, &mac_dst, 0x0800, 0), -ENOSPC);
	assert_int_equal(m->pkt_len, 41);
	t_mbuf_free(m);
}

static void build_longer_than_ip_can_say(void **state)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct wr_tuple t = tuple(v6);
		struct wr_tcp_hdr h = {.t = &t, .flags = WR_TCP_ACK};
		struct rte_mbuf *m = t_mbuf(NULL, 0, HEADROOM);
		uint32_t most = 65535 - (v6 ? 0 : 20);

		m->pkt_len = most - 20 + 1;
		assert_int_equal(wr_build_tcp(m, &h), -EMSGSIZE);
		m->pkt_len = most + 1;
		assert_int_equal(wr_build_ip(m, &t.local, &t.remote, 17, 0, 0), -EMSGSIZE);
		assert_int_equal(m->data_off, HEADROOM);
		m->pkt_len = most - 20;
		assert_int_equal(wr_build_tcp(m, &h), 0);
		t_mbuf_free(m);
	}
}

static void build_ip_round_trip(void **state)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct wr_tuple t = tuple(v6);
		struct rte_mbuf *m = payload(100);
		struct wr_pkt p;

		assert_int_equal(wr_build_ip(m, &t.local, &t.remote, 47, v6 ? 255 : 0, 9), 0);
		assert_int_equal(m->l3_len, v6 ? 40 : 20);
		assert_int_equal(wr_build_eth(m, &mac_src, &mac_dst, v6 ? 0x86dd : 0x0800, 0), 0);
		wr_parse_frame(&p, m, 0);
		assert_int_equal(p.kind, WR_PKT_PUNT);
		assert_int_equal(p.proto, 47);
		assert_int_equal(p.hop_limit, v6 ? 255 : 64);
		assert_int_equal(p.payload_len, 100);
		assert_true(wr_addr_eq(&p.t.remote, &t.local));
		assert_true(wr_addr_eq(&p.t.local, &t.remote));
		assert_int_equal(m->ol_flags, 0);
		t_mbuf_free(m);
	}
	{
		struct wr_tuple t = tuple(true);
		struct rte_mbuf *m = t_mbuf("x", 1, 39);

		assert_int_equal(wr_build_ip(m, &t.local, &t.remote, 47, 0, 0), -ENOSPC);
		assert_int_equal(m->pkt_len, 1);
		t_mbuf_free(m);
	}
}

static void build_eth_bytes(void **state)
{
	struct rte_mbuf *m = t_mbuf("abcd", 4, HEADROOM);

	assert_int_equal(wr_build_eth(m, &mac_src, &mac_dst, 0x0806, 0), 0);
	assert_int_equal(m->pkt_len, 18);
	assert_int_equal(m->l2_len, 14);
	assert_memory_equal(rte_pktmbuf_mtod(m, void *),
		"\2\0\0\0\0\2\2\0\0\0\0\1\x08\x06"
		"abcd",
		18);
	t_mbuf_free(m);
	m = t_mbuf("abcd", 4, HEADROOM);
	assert_int_equal(wr_build_eth(m, &mac_src, &mac_dst, 0x0806, 0x123), 0);
	assert_int_equal(m->l2_len, 18);
	assert_memory_equal(rte_pktmbuf_mtod(m, void *),
		"\2\0\0\0\0\2\2\0\0\0\0\1\x81\0\x01\x23\x08\x06"
		"abcd",
		22);
	t_mbuf_free(m);
}

// Before Ethernet is there, for ports and tunnels that have none.
static void build_finish_csum_without_l2(void **state)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct wr_tuple t = tuple(v6);
		struct wr_tcp_hdr h = {.t = &t, .flags = WR_TCP_RST};
		struct rte_mbuf *m = payload(3);
		struct wr_pkt p;

		assert_int_equal(wr_build_tcp(m, &h), 0);
		wr_build_finish_csum(m);
		wr_parse_frame(&p, m, WR_PARSE_F_NO_L2);
		assert_int_equal(p.kind, WR_PKT_TCP);
		assert_int_equal(p.payload_len, 3);
		t_mbuf_free(m);
	}
}

static void build_finish_csum_only_what_is_asked(void **state)
{
	struct wr_tuple t = tuple(false);
	struct wr_tcp_hdr h = {.t = &t, .flags = WR_TCP_ACK};
	struct rte_mbuf *m = payload(5);
	uint8_t before[128];

	assert_int_equal(wr_build_tcp(m, &h), 0);
	assert_int_equal(wr_build_eth(m, &mac_src, &mac_dst, 0x0800, 0), 0);
	wr_build_finish_csum(m);
	assert_int_equal(m->ol_flags, 0);
	memcpy(before, rte_pktmbuf_mtod(m, void *), m->data_len);
	wr_build_finish_csum(m); // nothing is asked any more
	assert_memory_equal(before, rte_pktmbuf_mtod(m, void *), m->data_len);
	t_mbuf_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(build_tcp_round_trip),
		cmocka_unit_test(build_tcp_hdr_len_limits),
		cmocka_unit_test(build_tcp_offload_request),
		cmocka_unit_test(build_tcp_chain_payload),
		cmocka_unit_test(build_tcp_no_headroom),
		cmocka_unit_test(build_longer_than_ip_can_say),
		cmocka_unit_test(build_ip_round_trip),
		cmocka_unit_test(build_eth_bytes),
		cmocka_unit_test(build_finish_csum_without_l2),
		cmocka_unit_test(build_finish_csum_only_what_is_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
