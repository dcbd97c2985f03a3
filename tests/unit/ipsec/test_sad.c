/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include <errno.h>

#include "ipsec_test.h"

static int group_setup(void **state)
{
	wr_test_eal_init();
	return 0;
}

#define SOME 64

static struct wr_ipsec_tunnel tunnel;
static struct wr_ipsec_sa sas[SOME];

// What the table tells of a frame with this SPI between the tunnel's ends.
static struct wr_ipsec_sa *found(const struct wr_ipsec_sad *d, struct rig *r, uint32_t spi)
{
	uint8_t frame[34 + 8] = {[12] = 8};
	struct rte_mbuf *m;
	struct wr_pkt p;
	struct wr_ipsec_sa *sa = NULL;
	enum wr_ipsec_kind kind;
	uint32_t be = rte_cpu_to_be_32(spi);

	memcpy(frame + 34, &be, 4);
	m = rig_bytes(r, frame, sizeof(frame));
	p = (struct wr_pkt){.m = m,
		.kind = WR_PKT_PUNT,
		.ethertype = RTE_ETHER_TYPE_IPV4,
		.proto = IPPROTO_ESP,
		.l2_len = 14,
		.l3_len = 20,
		.payload_len = 8,
		.t = {.local = tunnel.local, .remote = tunnel.remote}};
	kind = wr_ipsec_peek(d, &p, NULL, 0, &sa);
	rte_pktmbuf_free(m);
	assert_true((kind == WR_IPSEC_FOUND) == (sa != NULL));
	assert_true(kind == WR_IPSEC_FOUND || kind == WR_IPSEC_UNKNOWN);
	return sa;
}

static void sad_add_and_remove(void **state)
{
	struct wr_err err = {""};
	struct rig r = {.rx = rig_pool("rig_rx", 4095, WR_RX_DATAROOM)};
	struct wr_ipsec_sad *d = wr_ipsec_sad_create(2, 0, &err);
	struct wr_ipsec_sa twin;

	assert_non_null(d);
	memset(sas, 0, sizeof(sas));
	tunnel.local = rig_addr("198.18.0.1");
	tunnel.remote = rig_addr("198.18.9.1");
	for (uint32_t i = 0; i < 3; i++) {
		sas[i].spi = 256 + i;
		sas[i].t = &tunnel;
	}
	twin = sas[0];
	assert_int_equal(wr_ipsec_sad_add(d, &sas[0]), 0);
	assert_int_equal(wr_ipsec_sad_add(d, &twin), -EEXIST);
	assert_int_equal(wr_ipsec_sad_add(d, &sas[1]), 0);
	assert_int_equal(wr_ipsec_sad_add(d, &sas[2]), -ENOSPC);
	assert_ptr_equal(found(d, &r, 256), &sas[0]);
	assert_ptr_equal(found(d, &r, 257), &sas[1]);
	assert_null(found(d, &r, 258));
	wr_ipsec_sad_remove(d, &twin); // was never there
	assert_ptr_equal(found(d, &r, 256), &sas[0]);
	wr_ipsec_sad_remove(d, &sas[0]);
	assert_null(found(d, &r, 256));
	assert_int_equal(wr_ipsec_sad_add(d, &sas[2]), 0);
	assert_ptr_equal(found(d, &r, 258), &sas[2]);
	wr_ipsec_sad_destroy(d);
	wr_ipsec_sad_destroy(NULL);
}

// Against a plain list, through very many changes: what is left behind never hides or stays.
static void sad_many_changes(void **state)
{
	struct wr_err err = {""};
	struct rig r = {.rx = rig_pool("rig_rx", 4095, WR_RX_DATAROOM)};
	struct wr_ipsec_sad *d = wr_ipsec_sad_create(SOME, 0, &err);
	bool in[SOME] = {false};
	uint32_t seed = 1;

	for (uint32_t i = 0; i < SOME; i++) {
		sas[i].spi = 256 + i * 0x61c88647u; // many of one home
		sas[i].t = &tunnel;
	}
	for (uint32_t n = 0; n < 20000; n++) {
		uint32_t i;

		seed = seed * 1664525 + 1013904223;
		i = (seed >> 16) % SOME;
		if (in[i])
			wr_ipsec_sad_remove(d, &sas[i]);
		else
			assert_int_equal(wr_ipsec_sad_add(d, &sas[i]), 0);
		in[i] = !in[i];
		i = (seed >> 8) % SOME;
		assert_ptr_equal(found(d, &r, sas[i].spi), in[i] ? &sas[i] : NULL);
	}
	for (uint32_t i = 0; i < SOME; i++)
		if (in[i])
			wr_ipsec_sad_remove(d, &sas[i]);
	for (uint32_t i = 0; i < SOME; i++)
		assert_null(found(d, &r, sas[i].spi));
	wr_ipsec_sad_destroy(d);
}

static uint32_t count_gone(const struct wr_ipsec_sad *d)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i <= d->mask; i++)
		n += d->slot[i] == IPSEC_SAD_GONE;
	return n;
}

// One association stays while others come and go, one at a time and the last beside the next, as
// keys do. `spi`: of the n-th, never twice in a row.
static void come_and_go(uint32_t (*spi)(uint32_t n), uint32_t compact_every)
{
	struct wr_err err = {""};
	struct rig r = {.rx = rig_pool("rig_rx", 4095, WR_RX_DATAROOM)};
	struct wr_ipsec_sad *d = wr_ipsec_sad_create(16, 0, &err);
	struct wr_ipsec_sa stays = {.spi = 0xff, .t = &tunnel};
	uint32_t most = 0;

	assert_non_null(d);
	assert_int_equal(wr_ipsec_sad_add(d, &stays), 0);
	for (uint32_t n = 0; n < 20000; n++) {
		struct wr_ipsec_sa *sa = &sas[n & 1], *before = &sas[~n & 1];

		*sa = (struct wr_ipsec_sa){.spi = spi(n), .t = &tunnel};
		assert_int_equal(wr_ipsec_sad_add(d, sa), 0);
		assert_ptr_equal(found(d, &r, sa->spi), sa);
		assert_ptr_equal(found(d, &r, stays.spi), &stays);
		assert_null(found(d, &r, 0xfe));
		if (n > 0)
			wr_ipsec_sad_remove(d, before);
		wr_ipsec_sad_remove(d, before); // is not there
		assert_int_equal(count_gone(d), d->gone);
		most = RTE_MAX(most, d->gone);
		if (compact_every == 0 || n % compact_every != 0)
			continue;
		wr_ipsec_sad_compact(d);
		assert_int_equal(d->gone, 0);
		assert_int_equal(count_gone(d), 0);
		assert_int_equal(d->used, 2);
		assert_ptr_equal(found(d, &r, sa->spi), sa);
		assert_ptr_equal(found(d, &r, stays.spi), &stays);
		assert_null(found(d, &r, before->spi));
	}
	// Without compaction no slot is empty in the end: this is what walks must be bounded for.
	assert_int_equal(most, compact_every == 0 ? d->mask - 1 : most);
	assert_true(most > 0);
	wr_ipsec_sad_destroy(d);
}

static uint32_t spi_ascending(uint32_t n)
{
	return 0x100 + n;
}

static uint32_t spi_random(uint32_t n)
{
	return ((n + 1) * 0x85ebca6bu ^ n << 7) | 0x100;
}

static void sad_one_stays_while_others_come_and_go(void **state)
{
	tunnel.local = rig_addr("198.18.0.1");
	tunnel.remote = rig_addr("198.18.9.1");
	come_and_go(spi_ascending, 0);
	come_and_go(spi_random, 0);
}

static void sad_compact_while_others_come_and_go(void **state)
{
	tunnel.local = rig_addr("198.18.0.1");
	tunnel.remote = rig_addr("198.18.9.1");
	come_and_go(spi_ascending, 1);
	come_and_go(spi_ascending, 97);
	come_and_go(spi_random, 1);
	come_and_go(spi_random, 97);
}

// Full: all are there afterwards, also those that lie behind others; and with nothing to do it
// stays where it is.
static void sad_compact_full(void **state)
{
	struct wr_err err = {""};
	struct rig r = {.rx = rig_pool("rig_rx", 4095, WR_RX_DATAROOM)};
	struct wr_ipsec_sad *d = wr_ipsec_sad_create(SOME, 0, &err);
	struct wr_ipsec_sa **was;

	assert_non_null(d);
	wr_ipsec_sad_compact(d);
	assert_ptr_equal(d->slot, d->array);
	for (uint32_t i = 0, spi = 256; i < SOME; spi++) {
		if (spi * 0x9e3779b1u >> 24 > 3)
			continue; // not of the homes that all shall have
		sas[i] = (struct wr_ipsec_sa){.spi = spi, .t = &tunnel};
		assert_int_equal(wr_ipsec_sad_add(d, &sas[i++]), 0);
	}
	wr_ipsec_sad_compact(d);
	assert_ptr_equal(d->slot, d->array);
	for (uint32_t i = 0; i < SOME; i += 2)
		wr_ipsec_sad_remove(d, &sas[i]);
	assert_true(d->gone > 0);
	for (uint32_t round = 0; round < 3; round++) {
		was = d->slot;
		wr_ipsec_sad_compact(d);
		assert_true((d->slot != was) == (round == 0));
		assert_int_equal(count_gone(d), 0);
		for (uint32_t i = 0; i < SOME; i++)
			assert_ptr_equal(found(d, &r, sas[i].spi), i % 2 != 0 ? &sas[i] : NULL);
	}
	for (uint32_t i = 0; i < SOME; i += 2)
		assert_int_equal(wr_ipsec_sad_add(d, &sas[i]), 0);
	assert_int_equal(wr_ipsec_sad_add(d, &(struct wr_ipsec_sa){.spi = 1}), -ENOSPC);
	wr_ipsec_sad_destroy(d);
}

static void udp_start(struct rig *r, bool v4)
{
	rig_tunnel(r, 0, WR_IPSEC_AES_GCM_128, WR_IPSEC_TUNNEL, v4, true);
	r->near[0].udp_port = RIG_PORT;
	rig_start(r);
}

// A UDP packet between the ends of the tunnel, with `len` bytes inside.
static enum wr_ipsec_kind peek_udp(struct rig *r, uint16_t port, const void *data, uint32_t len)
{
	struct rte_udp_hdr udp = {.src_port = rte_cpu_to_be_16(port),
		.dst_port = rte_cpu_to_be_16(port),
		.dgram_len = rte_cpu_to_be_16((uint16_t)(8 + len))};
	struct rte_mbuf *m = rig_bytes(r, &udp, sizeof(udp));
	struct wr_ipsec_sa *sa = NULL;
	enum wr_ipsec_kind kind;
	struct wr_pkt p;

	if (len > 0)
		memcpy(rte_pktmbuf_append(m, (uint16_t)len), data, len);
	assert_int_equal(
		wr_build_ip(m, &r->near[0].local, &r->near[0].remote, IPPROTO_UDP, 0, 0), 0);
	rig_wire(m);
	kind = rig_peek(r, m, &p, &sa);
	rte_pktmbuf_free(m);
	return kind;
}

static void peek_kinds(bool v4)
{
	struct rig r = {.tunnels = 0};
	static const uint8_t esp[16] = {0, 0, 0x10, 0x01, 0, 0, 0, 1};
	static const uint8_t other[16] = {0, 0, 0x10, 0x02, 0, 0, 0, 1};

	udp_start(&r, v4);
	assert_int_equal(peek_udp(&r, RIG_PORT, "\xff", 1), WR_IPSEC_KEEPALIVE);
	assert_int_equal(peek_udp(&r, RIG_PORT, "\xfe", 1), WR_IPSEC_SHORT);
	assert_int_equal(peek_udp(&r, RIG_PORT, "", 0), WR_IPSEC_SHORT);
	assert_int_equal(peek_udp(&r, RIG_PORT, esp, 7), WR_IPSEC_SHORT);
	assert_int_equal(peek_udp(&r, RIG_PORT, esp, 8), WR_IPSEC_FOUND);
	assert_int_equal(peek_udp(&r, RIG_PORT, other, 16), WR_IPSEC_UNKNOWN);
	assert_int_equal(peek_udp(&r, RIG_PORT, "\0\0\0\0IKE.....", 12), WR_IPSEC_NOT);
	assert_int_equal(peek_udp(&r, RIG_PORT + 1, esp, 16), WR_IPSEC_NOT);
	rig_stop(&r);
}

static void sad_peek_udp(void **state)
{
	peek_kinds(true);
	peek_kinds(false);
}

static void sad_peek_udp_length_beyond_packet(void **state)
{
	struct rig r = {.tunnels = 0};
	struct wr_ipsec_sa *sa;
	struct rte_mbuf *m;
	struct wr_pkt p;

	udp_start(&r, true);
	m = rig_sealed(&r, 0, 10);
	assert_int_equal(rig_peek(&r, m, &p, &sa), WR_IPSEC_FOUND);
	*rte_pktmbuf_mtod_offset(m, uint8_t *, 14 + 20 + 4) = 1;
	assert_int_equal(rig_peek(&r, m, &p, &sa), WR_IPSEC_SHORT);
	rte_pktmbuf_free(m);
	rig_stop(&r);
}

// ESP right on IP for an association that is in UDP, and the reverse.
static void sad_peek_other_encapsulation(void **state)
{
	struct rig r = {.tunnels = 0};
	struct wr_ipsec_sa *sa;
	struct rte_mbuf *m;
	struct wr_pkt p;

	udp_start(&r, true);
	m = rig_sealed(&r, 0, 10);
	r.far[0].udp_port = 0;
	assert_int_equal(rig_peek(&r, m, &p, &sa), WR_IPSEC_UNKNOWN);
	r.far[0].udp_port = RIG_PORT + 1;
	assert_int_equal(rig_peek(&r, m, &p, &sa), WR_IPSEC_UNKNOWN);
	rte_pktmbuf_free(m);
	rig_stop(&r);
}

static void wrong_address(bool v4)
{
	struct rig r = {.tunnels = 0};
	struct wr_ipsec_sa *sa;
	struct rte_mbuf *m;
	struct wr_pkt p;

	rig_tunnel(&r, 0, WR_IPSEC_AES_GCM_128, WR_IPSEC_TUNNEL, v4, v4);
	rig_start(&r);
	m = rig_sealed(&r, 0, 10);
	assert_int_equal(rig_peek(&r, m, &p, &sa), WR_IPSEC_FOUND);
	r.far[0].remote.b[15] ^= 1;
	assert_int_equal(rig_peek(&r, m, &p, &sa), WR_IPSEC_UNKNOWN);
	r.far[0].remote.b[15] ^= 1;
	r.far[0].local.b[12] ^= 1;
	assert_int_equal(rig_peek(&r, m, &p, &sa), WR_IPSEC_UNKNOWN);
	r.far[0].local.b[12] ^= 1;
	*rte_pktmbuf_mtod_offset(m, uint8_t *, 14 + (v4 ? 20 : 40)) ^= 1; // SPI
	assert_int_equal(rig_peek(&r, m, &p, &sa), WR_IPSEC_UNKNOWN);
	rte_pktmbuf_free(m);
	rig_stop(&r);
}

static void sad_peek_wrong_address_or_spi(void **state)
{
	wrong_address(true);
	wrong_address(false);
}

static void sad_peek_not_ip(void **state)
{
	struct rig r = {.tunnels = 0};
	struct wr_ipsec_sa *sa;
	struct wr_pkt p = {.kind = WR_PKT_PUNT, .ethertype = 0x88cc, .proto = IPPROTO_ESP};
	struct rte_mbuf *m;

	udp_start(&r, true);
	assert_int_equal(wr_ipsec_peek(r.sad, &p, NULL, 0, &sa), WR_IPSEC_NOT);
	m = rig_sealed(&r, 0, 10);
	wr_parse_frame(&p, m, 0);
	assert_int_equal(wr_ipsec_peek(r.sad, &p, NULL, 0, &sa), WR_IPSEC_NOT); // no port at all
	rte_pktmbuf_free(m);
	rig_stop(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sad_add_and_remove),
		cmocka_unit_test(sad_many_changes),
		cmocka_unit_test(sad_one_stays_while_others_come_and_go),
		cmocka_unit_test(sad_compact_while_others_come_and_go),
		cmocka_unit_test(sad_compact_full),
		cmocka_unit_test(sad_peek_udp),
		cmocka_unit_test(sad_peek_udp_length_beyond_packet),
		cmocka_unit_test(sad_peek_other_encapsulation),
		cmocka_unit_test(sad_peek_wrong_address_or_spi),
		cmocka_unit_test(sad_peek_not_ip),
	};

	return cmocka_run_group_tests(tests, group_setup, NULL);
}
