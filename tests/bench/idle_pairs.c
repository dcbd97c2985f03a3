/* SPDX-License-Identifier: BSD-3-Clause */

// What an idle proxied pair costs in memory: opens that many through the engine and the proxy,
// counts the bytes of their pools and what the process really grew by, then passes one byte through
// each. Clients and backends have no memory: their segments follow from the tuple alone.
// idle_pairs [--pairs N] [--limits]

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_malloc.h>

#include "flow.h"
#include "wr_backend.h"
#include "wr_build.h"
#include "wr_mempool.h"
#include "wr_parse.h"
#include "wr_ports.h"
#include "wr_proxy.h"

#define BATCH       32u
#define STEP_US     1000
#define BUFFERS     16383u
#define CLIENT_ISS  1000u
#define BACKEND_ISS 5000u
#define BACKENDS    8u
#define SOURCES     4u
#define PAIR_LIMIT  1024.0 // bytes of a pair
#define CONN_LIMIT  440.0  // of a connection

// All 4 x 8 pairs of source and backend together have two million ports.
static const char conf_text[] =
	"runtime:\n  workers: [1]\n  memory: plain\n  name: idle\n  dad: no\n"
	"ports:\n  - {name: wan, device: net_sim0, addresses: [198.18.0.1/24]}\n"
	"  - {name: lan, device: net_sim1, addresses: [198.18.1.1/24]}\n"
	"services:\n  - name: web\n    listen: [\"198.18.0.100:80\"]\n    mode: tcp\n"
	"    pool: web\n    timeouts: {idle: 24h}\n"
	"pools:\n  - name: web\n    balance: maglev\n    health: {type: none}\n"
	"    source: [\"198.18.1.10-198.18.1.13\"]\n    backends:\n"
	"      - {name: b0, address: \"198.18.1.20:80\"}\n"
	"      - {name: b1, address: \"198.18.1.21:80\"}\n"
	"      - {name: b2, address: \"198.18.1.22:80\"}\n"
	"      - {name: b3, address: \"198.18.1.23:80\"}\n"
	"      - {name: b4, address: \"198.18.1.24:80\"}\n"
	"      - {name: b5, address: \"198.18.1.25:80\"}\n"
	"      - {name: b6, address: \"198.18.1.26:80\"}\n"
	"      - {name: b7, address: \"198.18.1.27:80\"}\n";

struct world {
	uint32_t pairs;
	wr_us_t now;
	struct rte_mempool *rx, *small;
	uint32_t small_idle, rx_idle; // free buffers before anything ran
	struct wr_stats stats;
	struct wr_conf *conf;
	struct wr_backends *backends;
	struct wr_l3_net *l3;
	struct wr_tcp_stack *tcp;
	struct wr_proxy_shared *shared;
	struct wr_proxy *proxy;
	struct wr_pkt in[4 * BATCH]; // on their way to the engine
	uint32_t in_count;
	uint32_t *seen_by_client; // our initial number + 1, by client: the bench's own memory
	uint8_t *arrived;         // bits by source, backend and port
	uint32_t arrivals;        // bytes in all
	uint32_t batch_base;      // of the batch under way, and which of its bytes came
	uint32_t batch_bytes;
};

static void die(const char *what)
{
	fprintf(stderr, "idle_pairs: %s\n", what);
	exit(1);
}

// --- far ends -------------------------------------------------------------------------------

static struct wr_tuple client_tuple(const struct world *w, uint32_t i)
{
	return (struct wr_tuple){.local = wr_addr_from_v4(RTE_BE32(0xc6120064)),
		.remote = wr_addr_from_v4(rte_cpu_to_be_32(0xc6130000 + (i >> 14))),
		.lport = 80,
		.rport = (uint16_t)(1024 + (i & 16383))};
}

static bool is_client(const struct wr_tuple *remote_first)
{
	return remote_first->lport != 80;
}

static uint32_t client_of(const struct wr_tuple *t)
{
	return ((rte_be_to_cpu_32(t->local.w[3]) & 0xffff) << 14) + t->lport - 1024u;
}

// A segment towards Weir; `byte` is its payload, -1: none.
static void send_segment(struct world *w, const struct wr_tuple *t, uint8_t flags, uint32_t seq,
	uint32_t ack, int byte)
{
	struct wr_pkt *k = &w->in[w->in_count++];
	char *at;

	if (w->in_count > RTE_DIM(w->in))
		die("more segments at once than there should be");
	*k = (struct wr_pkt){.m = rte_pktmbuf_alloc(w->rx),
		.kind = WR_PKT_TCP,
		.l3_len = 20,
		.l4_len = 20,
		.payload_len = byte >= 0,
		.flags = flags,
		.window = UINT16_MAX,
		.seq = seq,
		.ack = ack,
		.t = *t};
	if (flags & WR_TCP_SYN) {
		k->l4_len = 32;
		k->opts = WR_TCPOPT_MSS | WR_TCPOPT_WSCALE | WR_TCPOPT_SACKOK;
		k->mss = 1460;
		k->wscale = 7;
	}
	if (k->m == NULL)
		die("out of buffers");
	at = rte_pktmbuf_append(k->m, (uint16_t)(k->l3_len + k->l4_len + k->payload_len));
	if (byte >= 0)
		at[k->l3_len + k->l4_len] = (char)byte;
}

// The byte of a pair: different within a batch, and from batch to batch.
static uint8_t byte_of(uint32_t pair)
{
	return (uint8_t)(pair + pair / BATCH * 11);
}

static void byte_arrived(struct world *w, const struct wr_pkt *k)
{
	const uint8_t *at = rte_pktmbuf_mtod_offset(k->m, const uint8_t *, k->l3_len + k->l4_len);
	uint32_t backend = k->t.local.b[15] - 20u, source = k->t.remote.b[15] - 10u;
	uint32_t bit = (source * BACKENDS + backend) * 65536 + k->t.rport;
	uint8_t copy, which;

	// The header may sit in a segment of its own.
	at = rte_pktmbuf_read(k->m, wr_pkt_payload_offset(k), 1, &copy);
	which = (uint8_t)(*at - byte_of(w->batch_base));
	if (k->payload_len != 1 || backend >= BACKENDS || source >= SOURCES || which >= BATCH)
		die("a backend got what no client sent");
	if ((w->arrived[bit / 8] >> bit % 8 & 1) || (w->batch_bytes >> which & 1))
		die("a byte arrived twice");
	w->arrived[bit / 8] |= (uint8_t)(1u << bit % 8);
	w->batch_bytes |= 1u << which;
	w->arrivals++;
}

// What a peer without memory answers to a segment of Weir's.
static void answer(struct world *w, const struct wr_pkt *k)
{
	struct wr_tuple back = {k->t.remote, k->t.local, k->t.rport, k->t.lport};

	if (k->flags & (WR_TCP_RST | WR_TCP_FIN))
		die("a connection ended");
	if (is_client(&k->t)) {
		if (k->flags & WR_TCP_SYN) {
			w->seen_by_client[client_of(&k->t)] = k->seq + 1;
			send_segment(w, &back, WR_TCP_ACK, CLIENT_ISS + 1, k->seq + 1, -1);
		}
		return;
	}
	if (k->flags & WR_TCP_SYN) {
		send_segment(w, &back, WR_TCP_SYN | WR_TCP_ACK, BACKEND_ISS, k->seq + 1, -1);
	} else if (k->payload_len > 0) {
		byte_arrived(w, k);
		send_segment(w, &back, WR_TCP_ACK, BACKEND_ISS + 1, k->seq + k->payload_len, -1);
	}
}

// --- turns ----------------------------------------------------------------------------------

static uint16_t turn(struct world *w)
{
	struct rte_mbuf *out[4 * BATCH];
	struct wr_tcp_tx tx = {out, 0, RTE_DIM(out)};
	struct wr_pkt k;

	wr_tcp_input_burst(w->tcp, w->in, (uint16_t)w->in_count, w->now);
	w->in_count = 0;
	wr_tcp_timers(w->tcp, 256, w->now);
	wr_proxy_poll(w->proxy, 256, w->now);
	wr_tcp_output(w->tcp, &tx, 256, w->now);
	for (uint16_t i = 0; i < tx.count; i++) {
		wr_build_finish_csum(out[i]);
		wr_parse_frame(&k, out[i], WR_PARSE_F_NO_L2);
		if (k.kind != WR_PKT_TCP)
			die("a frame does not parse");
		answer(w, &k);
		rte_pktmbuf_free(out[i]);
	}
	return tx.count;
}

static void settle(struct world *w)
{
	while (turn(w) > 0 || w->in_count > 0)
		;
	w->now += STEP_US;
}

static void open_pairs(struct world *w)
{
	struct wr_proxy_gauges g;

	for (uint32_t i = 0; i < w->pairs; i += BATCH) {
		for (uint32_t k = i; k < RTE_MIN(i + BATCH, w->pairs); k++) {
			struct wr_tuple t = client_tuple(w, k);

			send_segment(w, &t, WR_TCP_SYN, CLIENT_ISS, 0, -1);
		}
		settle(w);
	}
	wr_proxy_gauges(w->proxy, &g);
	if (g.sessions != w->pairs || g.connecting != 0)
		die("not every pair opened");
}

static void pass_bytes(struct world *w)
{
	for (uint32_t i = 0; i < w->pairs; i += BATCH) {
		uint32_t n = RTE_MIN(BATCH, w->pairs - i);

		w->batch_base = i;
		w->batch_bytes = 0;
		for (uint32_t k = i; k < i + n; k++) {
			struct wr_tuple t = client_tuple(w, k);

			send_segment(w, &t, WR_TCP_ACK | WR_TCP_PSH, CLIENT_ISS + 1,
				w->seen_by_client[k], byte_of(k));
		}
		settle(w);
		if (w->batch_bytes != (n == 32 ? UINT32_MAX : (1u << n) - 1))
			die("a byte did not arrive");
	}
	if (w->arrivals != w->pairs)
		die("not every pair passed its byte");
}

// --- set-up ---------------------------------------------------------------------------------

static void pools_create(struct world *w)
{
	w->rx = rte_pktmbuf_pool_create(
		"idle_rx", BUFFERS, 0, WR_MBUF_PRIV_SIZE, WR_RX_DATAROOM, SOCKET_ID_ANY);
	w->small = rte_pktmbuf_pool_create(
		"idle_small", BUFFERS, 0, WR_MBUF_PRIV_SIZE, WR_SMALL_DATAROOM, SOCKET_ID_ANY);
	w->seen_by_client = calloc(w->pairs, sizeof(*w->seen_by_client));
	w->arrived = calloc(SOURCES * BACKENDS, 65536 / 8);
	if (w->rx == NULL || w->small == NULL || w->seen_by_client == NULL || w->arrived == NULL)
		die("out of memory");
	memset(w->seen_by_client, 1, w->pairs * sizeof(*w->seen_by_client));
	w->rx_idle = rte_mempool_avail_count(w->rx);
	w->small_idle = rte_mempool_avail_count(w->small);
}

static void network_create(struct world *w)
{
	struct wr_l3_port ports[2] = {{.id = 0, .mtu = 1500}, {.id = 1, .mtu = 1500}};
	struct wr_l3_config lc = {.port_count = 2, .ports = ports};
	struct wr_err err = {0};

	w->conf = wr_conf_parse("idle.yaml", conf_text, sizeof(conf_text) - 1, &err);
	if (w->conf == NULL)
		die(err.text);
	for (uint16_t i = 0; i < 2; i++) {
		ports[i].addr_count = 1;
		ports[i].addr[0] = w->conf->ports[i].addr[0];
		ports[i].mac.addr_bytes[5] = (uint8_t)(i + 1);
	}
	w->backends = wr_backends_create(w->conf, 1, 1, &err);
	if (w->backends == NULL)
		die(err.text);
	w->l3 = wr_l3_net_create(&lc, 1, w->now, &err);
	if (w->l3 == NULL)
		die(err.text);
}

static void engine_create(struct world *w)
{
	static const struct wr_rss *no_rss[WR_MAX_PORTS];
	struct wr_tcp_config tc = {.max_conns = 2 * w->pairs,
		.max_half_open = 4 * BATCH,
		.held_budget = BUFFERS / 2,
		.held_reserve = BATCH,
		.small = w->small,
		.stats = &w->stats,
		.secret = {1, 2, 3, 4},
		.numa_node = SOCKET_ID_ANY};
	struct wr_proxy_config pc = {.conf = w->conf,
		.backends = w->backends,
		.l3 = w->l3,
		.port_rss = no_rss,
		.workers = 1,
		.max_sessions = w->pairs,
		.max_probes = 1,
		.snd_buf_bytes = 128 << 10,
		.rcv_buf_max_bytes = 128 << 10,
		.snd_buf_max_bytes = 128 << 10,
		.stats = &w->stats,
		.numa_node = SOCKET_ID_ANY};
	struct wr_err err = {0};

	w->tcp = wr_tcp_stack_create(&tc, w->now);
	if (w->tcp == NULL)
		die("no memory for the connections");
	pc.tcp = w->tcp;
	pc.shared = wr_proxy_shared_create(w->conf, w->backends, 1, tc.secret, SOCKET_ID_ANY, &err);
	w->shared = pc.shared;
	if (pc.shared == NULL)
		die(err.text);
	w->proxy = wr_proxy_create(&pc, w->now, &err);
	if (w->proxy == NULL)
		die(err.text);
}

static void eal_start(uint64_t megabytes)
{
	char mem[16];
	char *argv[] = {"idle_pairs", "--no-huge", "-m", mem, "--no-pci", "--no-telemetry",
		"--no-shconf", "--lcores", "0@0", "--log-level", "lib.*:error", NULL};

	snprintf(mem, sizeof(mem), "%llu", (unsigned long long)megabytes);
	if (rte_eal_init((int)RTE_DIM(argv) - 1, argv) < 0)
		die("EAL did not start");
}

// --- accounts -------------------------------------------------------------------------------

static uint64_t resident(void)
{
	unsigned long size, pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (f == NULL || fscanf(f, "%lu %lu", &size, &pages) != 2)
		die("cannot read /proc/self/statm");
	fclose(f);
	return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

// What a pool keeps beside each object.
static double beside(void)
{
	struct wr_pool p;
	double each;

	if (wr_pool_init(&p, "size", 64, RTE_CACHE_LINE_SIZE, SOCKET_ID_ANY) < 0)
		die("out of memory");
	each = (double)p.bytes / 64 - RTE_CACHE_LINE_SIZE;
	wr_pool_fini(&p);
	return each;
}

// With its entry in a flow table filled to what it is made for; its timer is inside of it.
static double conn_bytes(void)
{
	return wr_tcp_conn_size() + beside() + (double)wr_tcp_flow_bytes(1000000) / 1000000;
}

static double session_bytes(void)
{
	return wr_proxy_session_size() + beside(); // two arrays without gaps
}

static double pair_bytes(void)
{
	double port = (double)wr_ports_bitmap_bytes() / WR_PORTS_COUNT;

	return 2 * conn_bytes() + session_bytes() + port;
}

static void check_limits(void)
{
	if (conn_bytes() > CONN_LIMIT)
		die("an idle connection takes more than its 440 bytes");
	if (pair_bytes() > PAIR_LIMIT)
		die("an idle pair takes more than its 1,024 bytes");
}

int main(int argc, char **argv)
{
	static struct world w = {.pairs = 100000, .now = WR_US_PER_S};
	bool limits = false;
	uint64_t before, grown;

	for (int i = 1; i < argc; i++) {
		limits = limits || strcmp(argv[i], "--limits") == 0;
		if (strcmp(argv[i], "--pairs") == 0 && i + 1 < argc)
			w.pairs = (uint32_t)strtoul(argv[++i], NULL, 10);
	}
	if (w.pairs < 1 || w.pairs > 1u << 20)
		die("--pairs is from 1 to 1048576");
	eal_start(((uint64_t)w.pairs * 1400 >> 20) + 160);
	pools_create(&w);
	network_create(&w);
	before = resident();
	engine_create(&w);
	open_pairs(&w);
	grown = resident() - before;
	if (rte_mempool_avail_count(w.rx) != w.rx_idle ||
		rte_mempool_avail_count(w.small) != w.small_idle)
		die("an idle pair holds a buffer");
	pass_bytes(&w);
	printf("pairs\t%u\nbytes_passed\t%u\nconn_bytes\t%.1f\nsession_bytes\t%.1f\n"
	       "pair_bytes\t%.1f\npair_bytes_resident\t%.1f\n",
		w.pairs, w.arrivals, conn_bytes(), session_bytes(), pair_bytes(),
		(double)grown / w.pairs);
	if (limits)
		check_limits();
	wr_proxy_destroy(w.proxy);
	wr_proxy_shared_destroy(w.shared);
	wr_tcp_stack_destroy(w.tcp);
	wr_l3_net_destroy(w.l3);
	wr_backends_destroy(w.backends);
	wr_conf_free(w.conf);
	free(w.seen_by_client);
	free(w.arrived);
	return 0;
}
