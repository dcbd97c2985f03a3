/* SPDX-License-Identifier: BSD-3-Clause */

// What arrives as ESP, against eight associations: each cipher, both modes, both families, with and
// without UDP and extended numbers. The first byte of the input is the association (low three
// bits), what the rest is (bits 3 and 4) and how its frame lies in memory (bit 5 direct or
// external, bits 6 and 7 seed cuts). The rest is a frame as it is; or a packet that is encrypted
// first, of which then bytes are changed as the input says; or the same, arriving twice.
//
// Whatever comes: one frame comes out or one reason is counted, all buffers are back, and what
// comes out is what was encrypted, or nothing.

#include <netinet/in.h>
#include <sanitizer/asan_interface.h>
#include <stdlib.h>
#include <string.h>

#include <rte_ether.h>

#include "exact.h"
#include "wr_build.h"
#include "wr_ipsec.h"
#include "wr_mempool.h"
#include "wr_parse.h"

#define ENDS      8
#define PORT      4500
#define INNER_MAX 1500

#define FUZZ_CHECK(ok)                                                                             \
	do {                                                                                       \
		if (!(ok))                                                                         \
			abort();                                                                   \
	} while (0)

static struct rte_mempool *shells, *rx, *plain;
static struct wr_ipsec_tunnel near[ENDS], far[ENDS];
static struct wr_prefix inside[ENDS];
static struct wr_ipsec *x, *y;
static struct wr_ipsec_sad *sad;
static struct wr_stats near_stats, far_stats;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void make_tunnel(uint32_t i)
{
	bool v4 = (i & 2) == 0;
	struct wr_ipsec_tunnel *t = &near[i];

	*t = (struct wr_ipsec_tunnel){
		.name = "fuzz",
		.mode = i < 4 ? WR_IPSEC_TUNNEL : WR_IPSEC_TRANSPORT,
		.cipher = i & 3,
		.inner_v4 = i < 4 ? (i & 1) == 0 : v4,
		.esn = (i & 1) != 0,
		.replay_window = 64,
		.udp_port = i == 1 || i == 2 || i == 5 || i == 7 ? PORT : 0,
	};
	wr_addr_parse(v4 ? "198.18.0.1" : "2001:db8::1", &t->local);
	wr_addr_parse(v4 ? "198.18.9.1" : "2001:db8:9::1", &t->remote);
	// Half of all sources may come.
	wr_prefix_parse(t->inner_v4 ? "0.0.0.0/1" : "::/1", &inside[i]);
	if (t->mode == WR_IPSEC_TRANSPORT)
		inside[i] = (struct wr_prefix){.addr = t->local, .len = 128};
	far[i] = *t;
	far[i].local = t->remote;
	far[i].remote = t->local;
}

static void make_association(struct wr_ipsec_device *d, uint32_t i)
{
	static const uint8_t key_len[WR_IPSEC_CIPHERS] = {16, 32, 16, 32};
	struct wr_ipsec_key k = {
		.out = true, .spi = 0x1000 + i, .key_len = key_len[near[i].cipher]};
	struct wr_ipsec_sa *sa;

	memset(k.key, (int)(0x11 + i), sizeof(k.key));
	memset(k.auth, 0x77, sizeof(k.auth));
	sa = wr_ipsec_sa_create(d, &near[i], (uint16_t)i, &k, 1, 0, NULL);
	FUZZ_CHECK(sa != NULL);
	wr_ipsec_set_out(x, (uint16_t)i, sa);
	k.out = false;
	sa = wr_ipsec_sa_create(d, &far[i], (uint16_t)i, &k, 1, 0, NULL);
	FUZZ_CHECK(sa != NULL);
	FUZZ_CHECK(wr_ipsec_sad_add(sad, sa) == 0);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const struct wr_prefix *to[ENDS];
	static uint32_t to_count[ENDS];
	struct wr_ipsec_config cfg = {.tunnel_count = ENDS, .to = to, .to_count = to_count};
	struct wr_err err = {""};

	exact_init();
	shells = exact_pool("fuzz_frames", 4 * EXACT_SEGS_MAX - 1, RTE_MBUF_DEFAULT_BUF_SIZE);
	rx = exact_pool("fuzz_rx", 15, WR_RX_DATAROOM);
	plain = exact_pool("fuzz_plain", 15, WR_RX_DATAROOM);
	for (uint32_t i = 0; i < ENDS; i++) {
		make_tunnel(i);
		to[i] = &inside[i];
		to_count[i] = 1;
	}
	cfg.device = wr_ipsec_device_create((1u << WR_IPSEC_CIPHERS) - 1, 1, 0, &err);
	if (cfg.device == NULL) {
		fprintf(stderr, "%s\n", err.text);
		abort();
	}
	cfg.pool = plain;
	cfg.rx = rx;
	cfg.tunnels = near;
	cfg.stats = &near_stats;
	x = wr_ipsec_create(&cfg, &err);
	cfg.tunnels = far;
	cfg.stats = &far_stats;
	y = wr_ipsec_create(&cfg, &err);
	sad = wr_ipsec_sad_create(ENDS, 0, &err);
	FUZZ_CHECK(x != NULL && y != NULL && sad != NULL);
	for (uint32_t i = 0; i < ENDS; i++)
		make_association(cfg.device, i);
	return 0;
}

static uint64_t dropped(const struct wr_stats *s)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < WR_DROP_COUNT; i++)
		n += s->drop[i];
	return n;
}

// The frame inside is what was encrypted, but for what ECN may change and what a header of
// transport mode says of lengths and sums.
static void check_same(const struct rte_mbuf *got, const uint8_t *want, uint32_t len, uint32_t end)
{
	const uint8_t *ip = rte_pktmbuf_mtod_offset(got, const uint8_t *, RTE_ETHER_HDR_LEN);
	uint32_t n = got->pkt_len - RTE_ETHER_HDR_LEN, from = far[end].inner_v4 ? 12 : 8;

	FUZZ_CHECK(n == len);
	FUZZ_CHECK(memcmp(ip + from, want + from, n - from) == 0);
	FUZZ_CHECK((got->ol_flags & RTE_MBUF_F_RX_SEC_OFFLOAD) != 0);
}

// One frame arrives; whether it was opened. `want`: what may come out, NULL: nothing can.
static bool arrive(const uint8_t *frame, uint32_t len, const struct exact_how *how,
	const uint8_t *want, uint32_t want_len, uint32_t end)
{
	static const uint16_t ports[] = {PORT};
	struct rte_mbuf *m = exact_frame(shells, frame, len, how), *got;
	uint64_t before = dropped(&far_stats);
	struct wr_ipsec_sa *sa;
	struct wr_pkt p;
	uint16_t n;

	FUZZ_CHECK(m != NULL);
	wr_parse_frame(&p, m, WR_PARSE_F_TRUST_CK);
	if (p.kind != WR_PKT_PUNT || wr_ipsec_peek(sad, &p, ports, 1, &sa) != WR_IPSEC_FOUND) {
		rte_pktmbuf_free(m);
		return false;
	}
	// What is opened in place is written to behind its end, where the README says.
	if (how->direct && m->nb_segs == 1)
		ASAN_UNPOISON_MEMORY_REGION(rte_pktmbuf_mtod_offset(m, void *, len),
			RTE_MIN(32, rte_pktmbuf_tailroom(m)));
	n = wr_ipsec_in(y, &p, &sa, 1, &got, 0);
	FUZZ_CHECK(n + dropped(&far_stats) - before == 1);
	if (n == 0)
		return false;
	FUZZ_CHECK(want != NULL && got->nb_segs == 1);
	check_same(got, want, want_len, end);
	wr_parse_frame(&p, got, 0);
	rte_pktmbuf_free(got);
	return true;
}

// The input as an IP packet that the tunnel would take.
static uint32_t make_inner(uint8_t *inner, const uint8_t *data, uint32_t len, uint32_t end)
{
	const struct wr_ipsec_tunnel *t = &near[end];
	uint32_t least = t->inner_v4 ? 20 : 40, n = RTE_MAX(len, least);

	memset(inner, 0, n);
	memcpy(inner, data, len);
	inner[0] = t->inner_v4 ? 0x45 : 0x60 | (inner[0] & 0x0f);
	if (t->mode == WR_IPSEC_TUNNEL)
		return n;
	// Of transport mode the addresses are outside.
	if (t->inner_v4) {
		memcpy(inner + 12, t->local.b + 12, 4);
		memcpy(inner + 16, t->remote.b + 12, 4);
	} else {
		memcpy(inner + 8, t->local.b, 16);
		memcpy(inner + 24, t->remote.b, 16);
	}
	return n;
}

// Encrypt; the frame's length, into `frame`.
static uint32_t seal(uint8_t *frame, const uint8_t *inner, uint32_t len, uint32_t end)
{
	struct rte_mbuf *m = exact_plain(plain), *out;
	uint32_t n;

	FUZZ_CHECK(m != NULL);
	memcpy(rte_pktmbuf_append(m, (uint16_t)len), inner, len);
	m->port = (uint16_t)end;
	FUZZ_CHECK(wr_ipsec_out(x, &m, 1, &out, 0) == 1);
	memset(frame, 2, 2 * RTE_ETHER_ADDR_LEN);
	memcpy(frame + 12, wr_addr_is_v4(&near[end].remote) ? "\x08\x00" : "\x86\xdd", 2);
	n = out->pkt_len;
	memcpy(frame + RTE_ETHER_HDR_LEN, rte_pktmbuf_mtod(out, void *), n);
	rte_pktmbuf_free(out);
	return n + RTE_ETHER_HDR_LEN;
}

// Up to 15 changes at the input's front: place (two bytes) and what is flipped there. Whether one
// lies in what ESP protects.
static bool mutate(uint8_t *frame, uint32_t len, uint32_t esp, const uint8_t **data, uint32_t *size)
{
	uint32_t n = *size > 0 ? **data & 15 : 0;
	uint8_t *was = malloc(len);
	bool hit;

	memcpy(was, frame, len);
	*data += *size > 0;
	*size -= *size > 0;
	for (; n > 0 && *size >= 3; n--) {
		frame[((*data)[0] << 8 | (*data)[1]) % len] ^= (*data)[2];
		*data += 3;
		*size -= 3;
	}
	hit = memcmp(was + esp, frame + esp, len - esp) != 0;
	free(was);
	return hit;
}

static void sealed(
	const uint8_t *data, uint32_t size, uint32_t end, const struct exact_how *how, bool twice)
{
	uint8_t inner[INNER_MAX], frame[INNER_MAX + 200];
	const uint8_t *changes = data;
	uint32_t left = size, n, len, esp, skip;
	bool hit, opened;

	// The packet is what follows the changes; both are read from the same input.
	skip = size > 0 ? RTE_MIN(size, 1 + 3u * (data[0] & 15)) : 0;
	n = make_inner(inner, data + skip, RTE_MIN(size - skip, (uint32_t)INNER_MAX), end);
	len = seal(frame, inner, n, end);
	esp = RTE_ETHER_HDR_LEN + (wr_addr_is_v4(&near[end].remote) ? 20 : 40) +
	      (near[end].udp_port != 0 ? 8 : 0);
	hit = mutate(frame, len, esp, &changes, &left);
	opened = arrive(frame, len, how, hit ? NULL : inner, n, end);
	if (twice && opened)
		FUZZ_CHECK(!arrive(frame, len, how, NULL, 0, end));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct exact_how how = {0};
	uint32_t kind;

	if (size < 1 || size > UINT16_MAX)
		return 0;
	how.direct = (data[0] & 0x20) != 0;
	how.cut = data[0] >> 6;
	kind = data[0] >> 3 & 3;
	if (kind == 0)
		arrive(data + 1, (uint32_t)size - 1, &how, NULL, 0, 0);
	else
		sealed(data + 1, (uint32_t)size - 1, data[0] & 7, &how, kind == 3);
	FUZZ_CHECK(exact_live() == 0);
	FUZZ_CHECK(rte_mempool_in_use_count(shells) == 0);
	FUZZ_CHECK(rte_mempool_in_use_count(rx) == 0);
	FUZZ_CHECK(rte_mempool_in_use_count(plain) == 0);
	return 0;
}
