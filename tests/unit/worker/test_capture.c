/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include <rte_ether.h>

#include "wr_capture.h"

// The ring of one worker's capture.

#define RING 131072

static struct rte_mempool *pool;
static uint8_t data[WR_CAPTURE_SNAP_MAX];
static struct wr_capture_frame f;

static int setup(void **state)
{
	wr_test_eal_init();
	if (pool == NULL)
		pool = rte_pktmbuf_pool_create("capture", 255, 0, 0, 2048, 0);
	return pool != NULL ? 0 : -1;
}

// Ethernet, IPv4 or IPv6, TCP: as little as filters look at, `len` bytes of it.
static struct rte_mbuf *frame(bool v4, uint16_t dport, uint32_t len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	uint8_t *p = (uint8_t *)rte_pktmbuf_append(m, (uint16_t)len);
	uint8_t *l4;

	memset(p, 0x11, len);
	p[12] = v4 ? 0x08 : 0x86;
	p[13] = v4 ? 0x00 : 0xdd;
	if (v4) {
		p[14] = 0x45;
		p[20] = p[21] = 0;
		p[23] = 6;
	} else {
		p[14] = 0x60;
		p[20] = 6;
	}
	l4 = p + 14 + (v4 ? 20 : 40);
	l4[0] = l4[1] = 0x22;
	l4[2] = (uint8_t)(dport >> 8);
	l4[3] = (uint8_t)dport;
	return m;
}

static struct wr_capture *create(struct wr_capture_config cfg, const char *filter)
{
	struct wr_capture *c;
	struct wr_err err = {0};
	struct bpf_program prog = {0};
	pcap_t *dead = pcap_open_dead(DLT_EN10MB, WR_CAPTURE_SNAP_MAX);

	if (filter != NULL) {
		assert_int_equal(pcap_compile(dead, &prog, filter, 1, PCAP_NETMASK_UNKNOWN), 0);
		cfg.filter = prog.bf_insns;
		cfg.filter_len = prog.bf_len;
	}
	c = wr_capture_create(&cfg, 0, &err);
	if (c == NULL)
		fail_msg("%s", err.text);
	pcap_freecode(&prog);
	pcap_close(dead);
	return c;
}

static const struct wr_capture_config both = {
	.port = -1, .in = true, .out = true, .ring_bytes = RING};

static void give(struct wr_capture *c, uint16_t port, bool out, struct rte_mbuf *m, wr_us_t now)
{
	wr_capture_burst(c, port, out, &m, 1, now);
	assert_int_equal(rte_mbuf_refcnt_read(m), 1);
	rte_pktmbuf_free(m);
}

static bool next(struct wr_capture *c)
{
	return wr_capture_next(c, &f, data, sizeof(data));
}

static void capture_frames_come_out_as_they_went_in(void **state)
{
	struct wr_capture *c = create(both, NULL);

	give(c, 0, false, frame(true, 80, 60), 1000);
	give(c, 3, true, frame(false, 443, 1514), 1001);
	assert_true(next(c));
	assert_int_equal(f.at_us, 1000);
	assert_int_equal(f.port, 0);
	assert_false(f.out);
	assert_int_equal(f.len, 60);
	assert_int_equal(f.kept, 60);
	assert_int_equal(data[12], 0x08);
	assert_true(next(c));
	assert_int_equal(f.at_us, 1001);
	assert_int_equal(f.port, 3);
	assert_true(f.out);
	assert_int_equal(f.kept, 1514);
	assert_int_equal(data[14 + 40 + 3], 443 & 0xff);
	assert_int_equal(data[1513], 0x11);
	assert_false(next(c));
	assert_int_equal(wr_capture_frames(c), 2);
	assert_int_equal(wr_capture_lost(c), 0);
	wr_capture_destroy(c);
}

static void capture_takes_its_port_and_direction(void **state)
{
	struct wr_capture_config cfg = both;
	struct wr_capture *c;

	cfg.port = 2;
	cfg.out = false;
	c = create(cfg, NULL);
	give(c, 1, false, frame(true, 80, 60), 1);
	give(c, 2, true, frame(true, 80, 60), 2);
	give(c, 2, false, frame(true, 80, 60), 3);
	assert_true(next(c));
	assert_int_equal(f.at_us, 3);
	assert_false(next(c));
	assert_int_equal(wr_capture_frames(c), 1);
	wr_capture_destroy(c);
}

static void capture_filter_both_families(void **state)
{
	struct wr_capture *c = create(both, "tcp dst port 443");

	for (int v4 = 0; v4 < 2; v4++) {
		give(c, 0, false, frame(v4, 80, 100), 1);
		give(c, 0, false, frame(v4, 443, 100), 2);
	}
	for (int i = 0; i < 2; i++) {
		assert_true(next(c));
		assert_int_equal(f.at_us, 2);
	}
	assert_false(next(c));
	assert_int_equal(wr_capture_frames(c), 2);
	wr_capture_destroy(c);
}

// A header in one buffer, what it stands before in another, as output makes them.
static void capture_chain_is_put_together(void **state)
{
	struct wr_capture *c = create(both, "tcp dst port 443 and tcp[100] = 0x77");
	struct rte_mbuf *m = frame(true, 443, 54), *tail = rte_pktmbuf_alloc(pool);

	memset(rte_pktmbuf_append(tail, 1000), 0x77, 1000);
	assert_int_equal(rte_pktmbuf_chain(m, tail), 0);
	give(c, 0, true, m, 1);
	assert_true(next(c));
	assert_int_equal(f.len, 1054);
	assert_int_equal(f.kept, 1054);
	assert_int_equal(data[53], 0x11);
	assert_int_equal(data[54], 0x77);
	assert_int_equal(data[1053], 0x77);
	wr_capture_destroy(c);
}

static void capture_stripped_tag_is_back(void **state)
{
	struct wr_capture *c = create(both, "vlan 42 and tcp dst port 443");
	struct rte_mbuf *m = frame(true, 443, 60);

	m->ol_flags |= RTE_MBUF_F_RX_VLAN_STRIPPED;
	m->vlan_tci = 42;
	give(c, 0, false, m, 1);
	assert_true(next(c));
	assert_int_equal(f.len, 64);
	assert_int_equal(f.kept, 64);
	assert_memory_equal(data + 12, "\x81\x00\x00\x2a\x08\x00", 6);
	m = frame(true, 443, 60);
	m->ol_flags |= RTE_MBUF_F_TX_VLAN;
	m->vlan_tci = 42;
	give(c, 0, true, m, 2);
	assert_true(next(c));
	assert_int_equal(f.len, 64);
	// An untagged one is another.
	give(c, 0, false, frame(true, 443, 60), 3);
	assert_false(next(c));
	wr_capture_destroy(c);
}

static void capture_snap_cuts(void **state)
{
	struct wr_capture_config cfg = both;
	struct wr_capture *c;

	cfg.snap = 96;
	c = create(cfg, "tcp[500] = 0x11"); // judged on the whole
	give(c, 0, false, frame(true, 80, 1514), 1);
	give(c, 0, false, frame(true, 80, 1514), 2);
	assert_true(next(c));
	assert_int_equal(f.len, 1514);
	assert_int_equal(f.kept, 96);
	// And by the reader's room.
	assert_true(wr_capture_next(c, &f, data, 14));
	assert_int_equal(f.at_us, 2);
	assert_int_equal(f.kept, 14);
	assert_false(next(c));
	wr_capture_destroy(c);
}

static void capture_full_ring_is_counted_loss(void **state)
{
	struct wr_capture *c = create(both, NULL);
	struct rte_mbuf *m = frame(true, 80, 1500);
	uint32_t sent = 0, got = 0;

	for (; sent < 2 * RING / 1500; sent++)
		wr_capture_burst(c, 1, false, &m, 1, sent);
	assert_int_equal(wr_capture_frames(c), sent);
	assert_in_range(wr_capture_lost(c), 1, sent - 1);
	assert_int_equal(wr_capture_lost_at(c, 1), wr_capture_lost(c));
	assert_int_equal(wr_capture_lost_at(c, 0), 0);
	assert_int_equal(wr_capture_lost_at(c, WR_MAX_PORTS), 0);
	for (; next(c); got++)
		assert_int_equal(f.at_us, got); // the first ones, none in between
	assert_int_equal(got + wr_capture_lost(c), sent);
	// Emptied, it takes frames again.
	wr_capture_burst(c, 1, false, &m, 1, 7777);
	assert_true(next(c));
	assert_int_equal(f.at_us, 7777);
	rte_pktmbuf_free(m);
	wr_capture_destroy(c);
}

// Round and round: every offset of the ring's end is met.
static void capture_ring_wraps_anywhere(void **state)
{
	struct wr_capture *c = create(both, NULL);

	for (uint32_t i = 0; i < 4000; i++) {
		uint32_t len = 60 + i * 37 % 1400;
		struct rte_mbuf *m = frame(i % 2 == 0, 80, len);

		rte_pktmbuf_mtod(m, uint8_t *)[len - 1] = (uint8_t)i;
		give(c, 0, false, m, i);
		assert_true(next(c));
		assert_int_equal(f.at_us, i);
		assert_int_equal(f.kept, len);
		assert_int_equal(data[len - 1], (uint8_t)i);
	}
	assert_int_equal(wr_capture_lost(c), 0);
	wr_capture_destroy(c);
}

static void expect_refused(struct wr_capture_config cfg, const char *part)
{
	struct wr_err err = {0};

	assert_null(wr_capture_create(&cfg, 0, &err));
	if (strstr(err.text, part) == NULL)
		fail_msg("'%s' is not in: %s", part, err.text);
}

static void capture_create_bad_sizes(void **state)
{
	struct wr_capture_config cfg = both;
	struct bpf_insn ret = BPF_STMT(BPF_RET + BPF_K, 1);

	cfg.snap = WR_CAPTURE_SNAP_MAX + 1;
	expect_refused(cfg, "snap is 65536");
	cfg = both;
	cfg.ring_bytes = RING - 1;
	expect_refused(cfg, "no power of two");
	cfg.ring_bytes = 1024;
	expect_refused(cfg, "no power of two with room");
	cfg = both;
	cfg.filter = &ret;
	cfg.filter_len = 5000;
	expect_refused(cfg, "5000 instructions");
	wr_capture_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(capture_frames_come_out_as_they_went_in),
		cmocka_unit_test(capture_takes_its_port_and_direction),
		cmocka_unit_test(capture_filter_both_families),
		cmocka_unit_test(capture_chain_is_put_together),
		cmocka_unit_test(capture_stripped_tag_is_back),
		cmocka_unit_test(capture_snap_cuts),
		cmocka_unit_test(capture_full_ring_is_counted_loss),
		cmocka_unit_test(capture_ring_wraps_anywhere),
		cmocka_unit_test(capture_create_bad_sizes),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
