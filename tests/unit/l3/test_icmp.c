/* SPDX-License-Identifier: BSD-3-Clause */
#include "l3_test.h"

#define PEER4 "203.0.113.7" // behind a router
#define PEER6 "2001:db8:7::7"

// Echo request with `len` payload bytes and some padding behind it.
static struct rte_mbuf *echo4(struct rig *r, const char *src, const char *dst, uint8_t type,
	uint32_t len, uint32_t options)
{
	struct wr_addr s = t_addr(src), d = t_addr(dst);
	uint8_t b[1800] = {0};
	uint32_t n = t_eth(b, 0, &t_mac0, &t_peer, 0x0800);
	uint32_t hdr = 20 + options, total = hdr + 8 + len;
	uint16_t ck;

	memcpy(b + n,
		(uint8_t[]){(uint8_t)(0x40 | hdr / 4), 0, (uint8_t)(total >> 8), (uint8_t)total, 0,
			0, 0, 0, 61, 1},
		10);
	memcpy(b + n + 12, &s.w[3], 4);
	memcpy(b + n + 16, &d.w[3], 4);
	memset(b + n + 20, 1, options); // no-operation
	ck = wr_csum_finish(wr_csum_add(0, b + n, hdr));
	memcpy(b + n + 10, &ck, 2);
	b[n + hdr] = type;
	memcpy(b + n + hdr + 4, "\x12\x34\x00\x01", 4);
	for (uint32_t i = 0; i < len; i++)
		b[n + hdr + 8 + i] = (uint8_t)(i * 7);
	ck = wr_csum_finish(wr_csum_add(0, b + n + hdr, 8 + len));
	memcpy(b + n + hdr + 2, &ck, 2);
	return t_frame(r, 0, b, n + total + 5);
}

static struct rte_mbuf *echo6(
	struct rig *r, const char *src, const char *dst, uint8_t type, uint32_t len)
{
	struct t_icmp6 i = {.dst_mac = &t_mac0,
		.src_mac = &t_peer,
		.src = src,
		.dst = dst,
		.hops = 61,
		.len = 8 + len};

	i.msg[0] = type;
	memcpy(i.msg + 4, "\x12\x34\x00\x01", 4);
	for (uint32_t k = 0; k < len; k++)
		i.msg[8 + k] = (uint8_t)(k * 7);
	return t_icmp6(r, &i);
}

// Frame 0 is a right answer of `len` payload bytes between these.
static void assert_echo(struct rig *r, const char *src, const char *dst, uint8_t type, uint32_t len)
{
	struct wr_addr s = t_addr(src), d = t_addr(dst);
	struct wr_pkt p;
	uint8_t copy[1600];
	const uint8_t *icmp;

	assert_int_equal(r->tx.count, 1);
	wr_parse_frame(&p, r->tx.pkts[0], 0); // verifies the checksums
	assert_true(p.kind == WR_PKT_ICMP4 || p.kind == WR_PKT_ICMP6);
	assert_true(wr_addr_eq(&p.t.remote, &s));
	assert_true(wr_addr_eq(&p.t.local, &d));
	assert_int_equal(p.payload_len, 8 + len);
	assert_int_equal(p.hop_limit, 64);
	assert_int_equal(r->tx.pkts[0]->pkt_len, p.l2_len + p.l3_len + 8 + len);
	icmp = rte_pktmbuf_read(r->tx.pkts[0], wr_pkt_payload_offset(&p), 8 + len, copy);
	assert_int_equal(icmp[0], type);
	assert_memory_equal(icmp + 4, "\x12\x34\x00\x01", 4);
	for (uint32_t i = 0; i < len; i++)
		assert_int_equal(icmp[8 + i], (uint8_t)(i * 7));
	assert_mac(sent(r, 0), &t_peer);
	assert_mac(sent(r, 0) + 6, &t_mac0);
	assert_int_equal(r->tx.pkts[0]->port, 0);
	rig_clear(r);
}

static void icmp_echo_is_answered_on_any_worker(void **state)
{
	struct rig r;

	rig_config(&r);
	rig_start(&r);
	assert_false(rig_input(&r, 0, echo4(&r, PEER4, "198.18.0.1", 8, 56, 0)));
	assert_echo(&r, "198.18.0.1", PEER4, 0, 56);
	rig_input(&r, 1, echo4(&r, PEER4, "198.18.0.100", 8, 0, 0));
	assert_echo(&r, "198.18.0.100", PEER4, 0, 0);
	rig_input(&r, 1, echo4(&r, PEER4, "198.18.200.1", 8, 33, 0));
	assert_echo(&r, "198.18.200.1", PEER4, 0, 33);
	rig_input(&r, 1, echo6(&r, PEER6, "2001:db8::100", 128, 57));
	assert_echo(&r, "2001:db8::100", PEER6, 129, 57);
	rig_input(&r, 0, echo6(&r, "fe80::7", "fe80::ff:fe00:1", 128, 8));
	assert_echo(&r, "fe80::ff:fe00:1", "fe80::7", 129, 8);
	assert_int_equal(r.stats[0].ctr[WR_CTR_icmp_echo], 2);
	assert_int_equal(r.stats[1].ctr[WR_CTR_icmp_echo], 3);
	assert_int_equal(r.stats[1].ctr[WR_CTR_tx_made], 3);
	assert_int_equal(r.stats[1].ctr[WR_CTR_rx_l3], 3);
	rig_stop(&r);
}

static void icmp_echo_options_are_left_out(void **state)
{
	struct rig r;

	rig_config(&r);
	rig_start(&r);
	rig_input(&r, 0, echo4(&r, PEER4, "198.18.0.1", 8, 20, 40));
	assert_echo(&r, "198.18.0.1", PEER4, 0, 20);
	rig_stop(&r);
}

// A frame of one small buffer after another, as a chain.
static struct rte_mbuf *split(struct rig *r, struct rte_mbuf *m, uint32_t size)
{
	struct rte_mbuf *head = NULL, *seg;

	for (uint32_t off = 0; off < m->pkt_len; off += size) {
		seg = t_frame(r, m->port, rte_pktmbuf_mtod_offset(m, void *, off),
			RTE_MIN(size, m->pkt_len - off));
		if (head == NULL)
			head = seg;
		else
			rte_pktmbuf_chain(head, seg);
	}
	rte_pktmbuf_free(m);
	return head;
}

static void icmp_echo_chain(void **state)
{
	struct rig r;

	rig_config(&r);
	rig_start(&r);
	// in place; headers cut; padding alone in the last buffer
	rig_input(&r, 0, split(&r, echo4(&r, PEER4, "198.18.0.1", 8, 400, 0), 100));
	assert_echo(&r, "198.18.0.1", PEER4, 0, 400);
	rig_input(&r, 0, split(&r, echo4(&r, PEER4, "198.18.0.1", 8, 400, 0), 40));
	assert_echo(&r, "198.18.0.1", PEER4, 0, 400);
	rig_input(&r, 0, split(&r, echo4(&r, PEER4, "198.18.0.1", 8, 158, 0), 200));
	assert_echo(&r, "198.18.0.1", PEER4, 0, 158);
	rig_input(&r, 0, split(&r, echo6(&r, PEER6, "2001:db8::1", 128, 400), 50));
	assert_echo(&r, "2001:db8::1", PEER6, 129, 400);
	rig_stop(&r);
}

static void icmp_echo_shared_buffer_is_copied(void **state)
{
	struct rte_mbuf *m, *clone;
	uint8_t before[128];
	struct rig r;

	rig_config(&r);
	rig_start(&r);
	// indirect: what net_ring may hand over
	m = echo4(&r, PEER4, "198.18.0.1", 8, 56, 0);
	clone = rte_pktmbuf_clone(m, r.pool);
	clone->port = 0;
	memcpy(before, rte_pktmbuf_mtod(m, void *), m->data_len);
	rig_input(&r, 0, clone);
	assert_memory_equal(before, rte_pktmbuf_mtod(m, void *), m->data_len);
	assert_echo(&r, "198.18.0.1", PEER4, 0, 56);
	// referenced by another holder
	rte_mbuf_refcnt_update(m, 1);
	rig_input(&r, 0, m);
	assert_memory_equal(before, rte_pktmbuf_mtod(m, void *), m->data_len);
	assert_int_equal(rte_mbuf_refcnt_read(m), 1);
	assert_echo(&r, "198.18.0.1", PEER4, 0, 56);
	rte_pktmbuf_free(m);
	rig_stop(&r);
}

static void icmp_echo_long_from_large_buffer(void **state)
{
	struct rte_mempool *large;
	struct rte_mbuf *m, *clone;
	uint8_t b[1514];
	struct wr_addr src = t_addr(PEER6), dst = t_addr("2001:db8::1");
	uint32_t len = 1460;
	uint16_t ck;
	struct rig r;

	rig_config(&r);
	rig_start(&r);
	large = rte_pktmbuf_pool_create("l3_large", 15, 0, WR_MBUF_PRIV_SIZE, WR_RX_DATAROOM, -1);
	assert_non_null(large);
	memset(b, 0, sizeof(b));
	t_eth(b, 0, &t_mac0, &t_peer, 0x86dd);
	memcpy(b + 14, (uint8_t[]){0x60, 0, 0, 0, len >> 8, len & 0xff, 58, 61}, 8);
	memcpy(b + 22, src.b, 16);
	memcpy(b + 38, dst.b, 16);
	b[54] = 128;
	memcpy(b + 58, "\x12\x34\x00\x01", 4);
	for (uint32_t i = 0; i < len - 8; i++)
		b[62 + i] = (uint8_t)(i * 7);
	ck = wr_csum_finish(wr_csum_add(wr_csum_pseudo(&src, &dst, 58, len), b + 54, len));
	memcpy(b + 56, &ck, 2);
	m = rte_pktmbuf_alloc(large);
	memcpy(rte_pktmbuf_append(m, sizeof(b)), b, sizeof(b));
	m->port = 0;
	clone = rte_pktmbuf_clone(m, r.pool);
	rig_input(&r, 0, m); // shared now: copied into several small buffers
	assert_echo(&r, "2001:db8::1", PEER6, 129, len - 8);
	rig_input(&r, 0, clone);
	assert_echo(&r, "2001:db8::1", PEER6, 129, len - 8);
	assert_int_equal(rte_mempool_avail_count(large), 15);
	rte_mempool_free(large);
	rig_stop(&r);
}

static void icmp_echo_longer_than_mtu_is_not_answered(void **state)
{
	struct rig r;

	rig_config(&r);
	r.port[0].mtu = 400;
	rig_start(&r);
	rig_input(&r, 0, echo4(&r, PEER4, "198.18.0.1", 8, 372, 0));
	assert_echo(&r, "198.18.0.1", PEER4, 0, 372);
	rig_input(&r, 0, echo4(&r, PEER4, "198.18.0.1", 8, 373, 0));
	rig_input(&r, 0, echo6(&r, PEER6, "2001:db8::1", 128, 353));
	assert_int_equal(r.tx.count, 0);
	assert_int_equal(r.stats[0].drop[WR_DROP_icmp_ignored], 2);
	rig_stop(&r);
}

static void icmp_echo_to_or_from_groups_is_ignored(void **state)
{
	struct rig r;

	rig_config(&r);
	rig_start(&r);
	rig_input(&r, 0, echo4(&r, PEER4, "198.18.0.255", 8, 8, 0));
	rig_input(&r, 0, echo4(&r, PEER4, "255.255.255.255", 8, 8, 0));
	rig_input(&r, 0, echo4(&r, PEER4, "224.0.0.1", 8, 8, 0));
	rig_input(&r, 0, echo6(&r, PEER6, "ff02::1", 128, 8));
	assert_int_equal(r.stats[0].drop[WR_DROP_icmp_ignored], 4);
	rig_input(&r, 0, echo4(&r, "198.18.0.255", "198.18.0.1", 8, 8, 0));
	rig_input(&r, 0, echo6(&r, "::", "2001:db8::1", 128, 8));
	assert_int_equal(r.stats[0].drop[WR_DROP_ip_source], 2);
	assert_int_equal(r.tx.count, 0);
	rig_stop(&r);
}

static void icmp_echo_tentative_or_foreign_is_dropped(void **state)
{
	struct rig r;

	rig_config(&r);
	rig_open(&r);
	rig_input(&r, 0, echo4(&r, PEER4, "198.18.0.1", 8, 8, 0));
	rig_input(&r, 0, echo6(&r, PEER6, "2001:db8::1", 128, 8));
	rig_input(&r, 0, echo4(&r, PEER4, "198.18.0.2", 8, 8, 0));
	assert_int_equal(r.stats[0].drop[WR_DROP_not_for_us], 3);
	rig_stop(&r);
}

static void icmp_echo_rate_is_bounded(void **state)
{
	struct rig r;

	rig_config(&r);
	r.cfg.echo_per_s = 100; // a bucket of 10
	rig_start(&r);
	for (int i = 0; i < 15; i++)
		rig_input(&r, 0, echo4(&r, PEER4, "198.18.0.1", 8, 8, 0));
	assert_int_equal(r.tx.count, 10);
	assert_int_equal(r.stats[0].drop[WR_DROP_icmp_rate], 5);
	rig_clear(&r);
	r.now += 30 * T_MS;
	for (int i = 0; i < 15; i++)
		rig_input(&r, 0, echo4(&r, PEER4, "198.18.0.1", 8, 8, 0));
	assert_int_equal(r.tx.count, 3);
	rig_clear(&r);
	r.now += 3600 * T_S;
	for (int i = 0; i < 15; i++)
		rig_input(&r, 0, echo4(&r, PEER4, "198.18.0.1", 8, 8, 0));
	assert_int_equal(r.tx.count, 10);
	r.tx.room = 10;
	r.now += T_S;
	rig_input(&r, 0, echo4(&r, PEER4, "198.18.0.1", 8, 8, 0)); // no room for the answer
	assert_int_equal(r.tx.count, 10);
	rig_stop(&r);
}

static void icmp_other_kinds_are_ignored_or_passed(void **state)
{
	struct rig r;

	for (int exception = 0; exception < 2; exception++) {
		rig_config(&r);
		r.port[0].exception = exception;
		rig_start(&r);
		assert_int_equal(rig_input(&r, 0, echo4(&r, PEER4, "198.18.0.1", 0, 8, 0)),
			exception); // echo reply
		assert_int_equal(rig_input(&r, 0, echo4(&r, PEER4, "198.18.0.1", 3, 40, 0)),
			exception); // unreachable
		assert_int_equal(rig_input(&r, 0, echo4(&r, PEER4, "198.18.0.77", 8, 8, 0)),
			exception); // for an address that only the kernel has
		assert_int_equal(rig_input(&r, 0, echo6(&r, "fe80::7", "ff02::1", 134, 8)),
			exception); // router advertisement
		assert_int_equal(rig_input(&r, 0, echo6(&r, "fe80::7", "fe80::ff:fe00:1", 137, 32)),
			exception); // redirect
		assert_int_equal(r.stats[0].drop[WR_DROP_icmp_ignored], exception ? 0 : 4);
		assert_false(rig_input(&r, 0, echo4(&r, PEER4, "198.18.0.1", 8, 8, 0)));
		assert_int_equal(r.tx.count, 1);
		rig_stop(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(icmp_echo_is_answered_on_any_worker),
		cmocka_unit_test(icmp_echo_options_are_left_out),
		cmocka_unit_test(icmp_echo_chain),
		cmocka_unit_test(icmp_echo_shared_buffer_is_copied),
		cmocka_unit_test(icmp_echo_long_from_large_buffer),
		cmocka_unit_test(icmp_echo_longer_than_mtu_is_not_answered),
		cmocka_unit_test(icmp_echo_to_or_from_groups_is_ignored),
		cmocka_unit_test(icmp_echo_tentative_or_foreign_is_dropped),
		cmocka_unit_test(icmp_echo_rate_is_bounded),
		cmocka_unit_test(icmp_other_kinds_are_ignored_or_passed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
