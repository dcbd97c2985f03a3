/* SPDX-License-Identifier: BSD-3-Clause */

// What encryption costs a worker: ESP packets made and opened in bursts, and bulk through a whole
// fabric with backends in clear and behind a tunnel. Prints "metric, value".

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_ether.h>

#include "bench_time.h"
#include "triple.h"
#include "wr_build.h"
#include "wr_parse.h"
#include "wr_test.h"

#define BURST  32
#define ROUNDS 2000 // bursts of each size
#define PARTS  21   // of which medians are taken
#define BULK   (64u << 20)

static const uint32_t sizes[] = {64, 128, 256, 512, 1024, 1408, 2048, 4096, 8192};
static const char *const names[WR_IPSEC_CIPHERS] = {
	"gcm128", "gcm256", "cbc128_sha256", "cbc256_sha256"};

struct bench {
	struct wr_ipsec_tunnel tunnel, back;
	struct wr_prefix to;
	const struct wr_prefix *to_list;
	uint32_t to_count;
	struct wr_ipsec_device *device;
	struct wr_ipsec_sad *sad;
	struct wr_ipsec *x, *y; // one sends, one receives
	struct wr_ipsec_sa *out, *in;
	struct rte_mempool *pool;
	struct wr_stats stats;
};

static void die(const char *what)
{
	fprintf(stderr, "bench_ipsec: %s\n", what);
	exit(1);
}

static struct wr_addr addr(const char *text)
{
	struct wr_addr a;

	if (wr_addr_parse(text, &a) != 0)
		die(text);
	return a;
}

static struct wr_ipsec *worker(struct bench *b, const struct wr_ipsec_tunnel *t)
{
	struct wr_ipsec_config cfg = {.device = b->device,
		.tunnel_count = 1,
		.tunnels = t,
		.to = &b->to_list,
		.to_count = &b->to_count,
		.pool = b->pool,
		.rx = b->pool,
		.stats = &b->stats,
		.numa_node = SOCKET_ID_ANY};
	struct wr_err err = {0};
	struct wr_ipsec *x = wr_ipsec_create(&cfg, &err);

	if (x == NULL)
		die(err.text);
	return x;
}

static void open_bench(struct bench *b, enum wr_ipsec_cipher cipher, struct rte_mempool *pool)
{
	struct wr_ipsec_key k = {.out = true, .spi = 4096, .key_len = cipher & 1 ? 32 : 16};
	struct wr_err err = {0};

	*b = (struct bench){.pool = pool, .to_count = 1};
	for (uint32_t i = 0; i < sizeof(k.key); i++)
		k.key[i] = k.auth[i] = (uint8_t)(i * 7 + 1);
	b->tunnel = (struct wr_ipsec_tunnel){.name = "bench",
		.cipher = cipher,
		.local = addr("198.18.0.1"),
		.remote = addr("198.18.0.2"),
		.inner_v4 = true,
		.esn = true,
		.replay_window = 1024};
	b->back = b->tunnel;
	b->back.local = b->tunnel.remote;
	b->back.remote = b->tunnel.local;
	b->to_list = &b->to;
	if (wr_prefix_parse("198.18.0.0/15", &b->to) != 0)
		die("prefix");
	b->device = wr_ipsec_device_create(1u << cipher, 1, SOCKET_ID_ANY, &err);
	b->sad = wr_ipsec_sad_create(16, SOCKET_ID_ANY, &err);
	if (b->device == NULL || b->sad == NULL)
		die(err.text);
	b->x = worker(b, &b->tunnel);
	b->y = worker(b, &b->back);
	b->out = wr_ipsec_sa_create(b->device, &b->tunnel, 0, &k, 1, 0, &err);
	k.out = false;
	b->in = wr_ipsec_sa_create(b->device, &b->back, 0, &k, 1, 0, &err);
	if (b->out == NULL || b->in == NULL || wr_ipsec_sad_add(b->sad, b->in) != 0)
		die(err.text);
	wr_ipsec_set_out(b->x, 0, b->out);
}

static void close_bench(struct bench *b)
{
	wr_ipsec_sad_remove(b->sad, b->in);
	wr_ipsec_destroy(b->x);
	wr_ipsec_destroy(b->y);
	wr_ipsec_sa_destroy(b->in);
	wr_ipsec_sa_destroy(b->out);
	wr_ipsec_sad_destroy(b->sad);
	wr_ipsec_device_destroy(b->device);
}

// A TCP segment of `size` bytes of IP, header and payload in buffers of their own as the engine
// makes it.
static struct rte_mbuf *plain(struct bench *b, uint32_t size)
{
	struct wr_tuple t = {addr("198.18.5.2"), addr("198.18.5.1"), 80, 33000};
	struct wr_tcp_hdr h = {.t = &t, .flags = WR_TCP_ACK, .window = 1000};
	struct rte_mbuf *m = rte_pktmbuf_alloc(b->pool), *payload = NULL;

	if (size > 40)
		payload = rte_pktmbuf_alloc(b->pool);
	if (m == NULL || (size > 40 && payload == NULL))
		die("out of buffers");
	if (payload != NULL)
		memset(rte_pktmbuf_append(payload, (uint16_t)(size - 40)), 'x', size - 40);
	if (payload != NULL)
		rte_pktmbuf_chain(m, payload);
	if (wr_build_tcp(m, &h) != 0)
		die("header");
	wr_build_finish_csum(m);
	m->ol_flags &= ~(RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_L4_MASK);
	m->port = 0;
	return m;
}

// As a port gives it.
static void arrive(struct bench *b, struct rte_mbuf *m, struct wr_pkt *p, struct wr_ipsec_sa **sa)
{
	struct rte_ether_addr a = {{2, 0, 0, 0, 0, 1}}, c = {{2, 0, 0, 0, 0, 2}};

	if (wr_build_eth(m, &a, &c, RTE_ETHER_TYPE_IPV4, 0) != 0)
		die("ethernet");
	m->ol_flags = 0;
	m->tx_offload = 0;
	wr_parse_frame(p, m, 0);
	if (wr_ipsec_peek(b->sad, p, NULL, 0, sa) != WR_IPSEC_FOUND)
		die("no association");
}

static void one_size(struct bench *b, const char *cipher, uint32_t size)
{
	struct rte_mbuf *m[BURST], *esp[BURST], *in[BURST];
	struct wr_ipsec_sa *sa[BURST];
	struct wr_pkt p[BURST];
	double out_cycles[PARTS], in_cycles[PARTS];

	for (uint32_t part = 0; part < PARTS; part++) {
		uint64_t out = 0, back = 0, at;

		for (uint32_t r = 0; r < ROUNDS / PARTS; r++) {
			for (uint32_t i = 0; i < BURST; i++)
				m[i] = plain(b, size);
			at = rte_rdtsc();
			if (wr_ipsec_out(b->x, m, BURST, esp, 0) != BURST)
				die("not all were encrypted");
			out += rte_rdtsc() - at;
			for (uint32_t i = 0; i < BURST; i++)
				arrive(b, esp[i], &p[i], &sa[i]);
			at = rte_rdtsc();
			if (wr_ipsec_in(b->y, p, sa, BURST, in, 0) != BURST)
				die("not all were opened");
			back += rte_rdtsc() - at;
			rte_pktmbuf_free_bulk(in, BURST);
		}
		out_cycles[part] = (double)out / BURST / (ROUNDS / PARTS);
		in_cycles[part] = (double)back / BURST / (ROUNDS / PARTS);
	}
	printf("ipsec_out_cycles_%s_%u\t%.0f\n", cipher, size, median(out_cycles, PARTS));
	printf("ipsec_in_cycles_%s_%u\t%.0f\n", cipher, size, median(in_cycles, PARTS));
}

static void packets(void)
{
	struct rte_mempool *pool = rte_pktmbuf_pool_create(
		"bench", 8191, 256, WR_MBUF_PRIV_SIZE, 9216 + RTE_PKTMBUF_HEADROOM, SOCKET_ID_ANY);

	if (pool == NULL)
		die("out of memory");
	for (int c = 0; c < WR_IPSEC_CIPHERS; c++) {
		struct bench b;

		open_bench(&b, (enum wr_ipsec_cipher)c, pool);
		for (uint32_t i = 0; i < RTE_DIM(sizes); i++)
			one_size(&b, names[c], sizes[i]);
		close_bench(&b);
	}
	rte_mempool_free(pool);
}

// --- bulk through a fabric
// ------------------------------------------------------------------------

// Cycles of the worker alone until a stream is through; what the peers do is not in it.
static uint64_t drive(struct triple *t, const struct tri_conn *c)
{
	uint64_t cycles = 0;

	while (!tri_complete(t, c)) {
		bool any = true;

		while (any) {
			uint64_t at;
			uint32_t done;

			any = tri_net_deliver(t);
			at = rte_rdtsc();
			done = wr_worker_turn(wr_fabric_worker(t->f, 0), t->now);
			if (done > 0)
				cycles += rte_rdtsc() - at;
			any |= done > 0;
			any |= tri_net_drain(t);
			for (uint32_t i = 0; i < t->peers; i++)
				any |= tri_apps_turn(t, &t->peer[i]);
		}
		t->now = tri_next(t);
	}
	return cycles;
}

static double bulk(uint32_t esp, bool down)
{
	struct tri_config cfg = {.esp = esp, .family = 4, .backends = 1};
	struct triple *t = tri_create(&cfg);
	struct tri_conn *c = tri_connect(
		t, &(struct tri_want){
			   .mode = TRI_BULK, .up = down ? 0 : BULK, .down = down ? BULK : 0});
	double per_byte;

	t->check_every = 0;
	per_byte = (double)drive(t, c) / BULK;
	tri_finish(t);
	return per_byte;
}

static void bulks(void)
{
	static const struct {
		const char *name;
		uint32_t esp;
	} kinds[] = {{"clear", 0}, {"gcm128", TRI_ESP | WR_IPSEC_AES_GCM_128},
		{"gcm256", TRI_ESP | WR_IPSEC_AES_GCM_256},
		{"cbc128_sha256", TRI_ESP | WR_IPSEC_AES_CBC_128_SHA256}};
	double v[RTE_DIM(kinds)][2][3];

	// In turns, so that a slow phase of the machine meets all.
	for (uint32_t r = 0; r < 3; r++)
		for (uint32_t k = 0; k < RTE_DIM(kinds); k++)
			for (uint32_t down = 0; down < 2; down++)
				v[k][down][r] = bulk(kinds[k].esp, down);
	for (uint32_t k = 0; k < RTE_DIM(kinds); k++)
		for (uint32_t down = 0; down < 2; down++)
			printf("ipsec_bulk_%s_cycles_per_byte_%s\t%.3f\n", down ? "down" : "up",
				kinds[k].name, median(v[k][down], 3));
}

int main(int argc, char **argv)
{
	const char *what = argc == 2 ? argv[1] : "";

	if (strcmp(what, "packets") == 0) {
		wr_test_eal_init();
		packets();
	} else if (strcmp(what, "bulk") == 0) {
		bulks();
	} else {
		die("bench_ipsec packets|bulk");
	}
	return 0;
}
