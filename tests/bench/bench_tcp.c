/* SPDX-License-Identifier: BSD-3-Clause */

// The TCP engine alone, without ports, parser and proxy: what a packet, a connection, a timer and a
// lookup cost. Packets arrive in bursts of 32, each of another connection out of 1,024 in random
// order, as the parser would hand them over; making them is not measured.
// bench_tcp [--instructions] [--no-huge]

#include "bench_tcp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_eal.h>
#include <rte_memory.h>

#include "wr_build.h"
#include "wr_mempool.h"
#include "wr_parse.h"
#include "wr_rng.h"
#include "wr_tcp.h"

#define CONNS      1024u
#define CONNS_MANY 1000000u
#define BUFFERS    8191u
#define SEGMENT    1448u // payload of a full Ethernet frame with timestamps
#define OPTS       (WR_TCPOPT_MSS | WR_TCPOPT_WSCALE | WR_TCPOPT_SACKOK | WR_TCPOPT_TS)
#define STEP_US    200
#define CLIENT_SEQ 1000u

// The far end of a connection, as little of it as is needed to write its next segment.
struct client {
	wr_handle_t conn;
	uint32_t seq, ack;
	uint32_t ts_ecr;
};

struct engine {
	struct wr_tcp_stack *s;
	struct wr_stats stats;
	struct rte_mempool *rx, *small;
	uint32_t conns;        // that stay
	struct client *client; // and 32 more, which come and go
	uint32_t *order;       // random
	uint32_t next;         // in order
	struct wr_rng rng;
	wr_us_t now;
	uint32_t now_of[BENCH_BURST]; // clients of this burst
	struct wr_pkt pkts[BENCH_BURST];
	struct rte_mbuf *out[2 * BENCH_BURST];
	uint64_t cycles; // of the burst so far
	uint32_t clocks;
};

struct wr_tuple bench_tuple(uint32_t i)
{
	return (struct wr_tuple){.local = wr_addr_from_v4(RTE_BE32(0xc6120064)),
		.remote = wr_addr_from_v4(rte_cpu_to_be_32(0xc6130000 + (i >> 14))),
		.lport = 80,
		.rport = (uint16_t)(1024 + (i & 16383))};
}

// --- measured: the engine's calls and nothing else ------------------------------------------

#define MEASURE(e, call)                                                                           \
	do {                                                                                       \
		uint64_t at_ = bench_clock();                                                      \
		call;                                                                              \
		(e)->cycles += bench_clock() - at_;                                                \
		(e)->clocks++;                                                                     \
	} while (0)

// One measured function a row: callgrind tells them apart by name.
#define MEASURED_INPUT(name)                                                                       \
	BENCH_MEASURED static void measured_##name(struct engine *e)                               \
	{                                                                                          \
		wr_tcp_input_burst(e->s, e->pkts, BENCH_BURST, e->now);                            \
		BENCH_END(name, BENCH_BURST);                                                      \
	}

MEASURED_INPUT(data_in)
MEASURED_INPUT(ack_in)

static uint32_t pop_all(struct engine *e, struct wr_tcp_ready *ready)
{
	uint32_t n = 0;

	while (n < BENCH_BURST && wr_tcp_ready_pop(e->s, &ready[n]))
		n++;
	return n;
}

static uint16_t output(struct engine *e)
{
	struct wr_tcp_tx tx = {e->out, 0, RTE_DIM(e->out)};

	wr_tcp_output(e->s, &tx, BENCH_BURST, e->now);
	return tx.count;
}

BENCH_MEASURED static uint16_t measured_data_out(struct engine *e, struct wr_mq *q)
{
	uint16_t n;

	for (uint32_t i = 0; i < BENCH_BURST; i++)
		wr_tcp_write(e->s, e->client[e->now_of[i]].conn, &q[i], e->now);
	n = output(e);
	BENCH_END(data_out, n);
	return n;
}

// SYN, then SYN-ACK, then ACK and accept.
BENCH_MEASURED static uint16_t measured_conn_setup(struct engine *e, struct wr_tcp_ready *ready)
{
	uint16_t n;

	wr_tcp_input_burst(e->s, e->pkts, BENCH_BURST, e->now);
	n = ready != NULL ? (uint16_t)pop_all(e, ready) : output(e);
	BENCH_END(conn_setup, ready != NULL ? n : 0);
	return n;
}

// FIN, then our FIN; then its acknowledgement and the end.
BENCH_MEASURED static uint16_t measured_conn_teardown(struct engine *e, bool last)
{
	struct wr_tcp_ready ready[BENCH_BURST];
	uint32_t got;
	uint16_t n = 0;

	wr_tcp_input_burst(e->s, e->pkts, BENCH_BURST, e->now);
	got = pop_all(e, ready);
	for (uint32_t i = 0; i < got; i++) {
		if (last)
			wr_tcp_release(e->s, ready[i].conn, e->now);
		else
			wr_tcp_shutdown(e->s, ready[i].conn, e->now);
	}
	if (!last)
		n = output(e);
	BENCH_END(conn_teardown, last ? got : 0);
	return n;
}

BENCH_MEASURED static uint32_t measured_timer_fire(struct engine *e)
{
	uint32_t n = wr_tcp_timers(e->s, BENCH_BURST, e->now);

	BENCH_END(timer_fire, n);
	return n;
}

// --- the far ends ---------------------------------------------------------------------------

static void segment(struct engine *e, uint32_t i, uint8_t flags, uint32_t len)
{
	uint32_t id = e->now_of[i];
	struct client *c = &e->client[id];
	struct wr_pkt *k = &e->pkts[i];
	bool syn = flags & WR_TCP_SYN;

	*k = (struct wr_pkt){.m = rte_pktmbuf_alloc(e->rx),
		.kind = WR_PKT_TCP,
		.l3_len = 20,
		.l4_len = syn ? 40 : 32,
		.payload_len = (uint16_t)len,
		.flags = flags,
		.opts = syn ? OPTS : WR_TCPOPT_TS,
		.mss = 1460,
		.wscale = 7,
		.window = UINT16_MAX,
		.seq = c->seq,
		.ack = c->ack,
		.ts_val = (uint32_t)(e->now / WR_US_PER_MS),
		.ts_ecr = c->ts_ecr,
		.t = bench_tuple(id)};
	if (k->m == NULL)
		bench_die("out of buffers");
	rte_pktmbuf_append(k->m, (uint16_t)(k->l3_len + k->l4_len + len));
	c->seq += len + syn + !!(flags & WR_TCP_FIN);
}

// What left: the far ends learn what to acknowledge; the frames are done with.
static void absorb(struct engine *e, uint16_t n)
{
	struct wr_pkt k;

	for (uint16_t i = 0; i < n; i++) {
		struct client *c;

		wr_build_finish_csum(e->out[i]);
		wr_parse_frame(&k, e->out[i], WR_PARSE_F_NO_L2);
		if (k.kind != WR_PKT_TCP || (k.flags & WR_TCP_RST))
			bench_die("the engine sent what it should not have");
		c = &e->client[((rte_be_to_cpu_32(k.t.local.w[3]) & 0xffff) << 14) + k.t.lport -
			       1024u];
		c->ack = k.seq + k.payload_len + !!(k.flags & (WR_TCP_SYN | WR_TCP_FIN));
		c->ts_ecr = k.ts_val;
		rte_pktmbuf_free(e->out[i]);
	}
}

static void read_all(struct engine *e)
{
	struct wr_tcp_ready r;

	while (wr_tcp_ready_pop(e->s, &r)) {
		struct wr_mq q = {0};

		wr_tcp_read(e->s, r.conn, &q, UINT32_MAX, e->now);
		wr_tcp_free_mq(e->s, &q, WR_DROP_NONE);
	}
}

static void settle(struct engine *e)
{
	uint16_t n;

	read_all(e);
	while ((n = output(e)) > 0)
		absorb(e, n);
	e->now += STEP_US;
	wr_tcp_timers(e->s, UINT32_MAX, e->now);
}

// The next 32 of the connections that stay.
static void next_clients(struct engine *e)
{
	for (uint32_t i = 0; i < BENCH_BURST; i++)
		e->now_of[i] = e->order[e->next++ % e->conns];
	e->cycles = 0;
	e->clocks = 0;
}

static void open_burst(struct engine *e, struct wr_tcp_ready *ready)
{
	uint16_t n = 0;

	for (uint32_t i = 0; i < BENCH_BURST; i++) {
		e->client[e->now_of[i]] = (struct client){.seq = CLIENT_SEQ};
		segment(e, i, WR_TCP_SYN, 0);
	}
	MEASURE(e, n = measured_conn_setup(e, NULL));
	absorb(e, n);
	for (uint32_t i = 0; i < BENCH_BURST; i++)
		segment(e, i, WR_TCP_ACK, 0);
	MEASURE(e, n = measured_conn_setup(e, ready));
	if (n != BENCH_BURST)
		bench_die("a connection was not accepted");
	for (uint32_t i = 0; i < BENCH_BURST; i++)
		e->client[e->now_of[i]].conn = ready[i].conn;
}

static void close_burst(struct engine *e)
{
	uint16_t n = 0;

	for (uint32_t i = 0; i < BENCH_BURST; i++)
		segment(e, i, WR_TCP_FIN | WR_TCP_ACK, 0);
	MEASURE(e, n = measured_conn_teardown(e, false));
	absorb(e, n);
	for (uint32_t i = 0; i < BENCH_BURST; i++)
		segment(e, i, WR_TCP_ACK, 0);
	MEASURE(e, measured_conn_teardown(e, true));
}

// --- rows -----------------------------------------------------------------------------------

static void write_queues(struct engine *e, struct wr_mq *q)
{
	for (uint32_t i = 0; i < BENCH_BURST; i++) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(e->rx);

		if (m == NULL)
			bench_die("out of buffers");
		rte_pktmbuf_append(m, SEGMENT);
		q[i] = (struct wr_mq){0};
		wr_mq_append(&q[i], m);
	}
}

static void row_data_in(struct engine *e, struct bench *b, bool arg)
{
	next_clients(e);
	for (uint32_t i = 0; i < BENCH_BURST; i++)
		segment(e, i, WR_TCP_ACK, SEGMENT);
	MEASURE(e, measured_data_in(e));
	bench_burst(b, e->cycles, e->clocks, BENCH_BURST);
	settle(e);
}

// One turn for both: a segment each leaves, and then its acknowledgement comes.
static void row_data_out(struct engine *e, struct bench *b, bool ack)
{
	struct wr_mq q[BENCH_BURST];
	uint16_t n = 0;

	next_clients(e);
	write_queues(e, q);
	MEASURE(e, n = measured_data_out(e, q));
	if (n != BENCH_BURST)
		bench_die("a segment was held back");
	if (!ack)
		bench_burst(b, e->cycles, e->clocks, BENCH_BURST);
	absorb(e, n);
	e->now += STEP_US;
	for (uint32_t i = 0; i < BENCH_BURST; i++)
		segment(e, i, WR_TCP_ACK, 0);
	e->cycles = 0;
	e->clocks = 0;
	MEASURE(e, measured_ack_in(e));
	if (ack)
		bench_burst(b, e->cycles, e->clocks, BENCH_BURST);
	settle(e);
}

static void row_conn(struct engine *e, struct bench *b, bool close)
{
	struct wr_tcp_ready ready[BENCH_BURST];

	for (uint32_t i = 0; i < BENCH_BURST; i++)
		e->now_of[i] = e->conns + i;
	e->cycles = 0;
	e->clocks = 0;
	open_burst(e, ready);
	if (!close)
		bench_burst(b, e->cycles, e->clocks, BENCH_BURST);
	e->cycles = 0;
	e->clocks = 0;
	close_burst(e);
	if (close)
		bench_burst(b, e->cycles, e->clocks, BENCH_BURST);
	settle(e);
}

static void run(struct engine *e, const char *name,
	void (*row)(struct engine *, struct bench *, bool), bool arg)
{
	static struct bench b;

	memset(&b, 0, sizeof(b));
	for (uint32_t i = 0; i < bench_rounds(); i++) {
		for (uint32_t k = 0; k < bench_bursts(); k++)
			row(e, &b, arg);
		bench_round_end(&b);
	}
	bench_print(&b, name);
}

// Every connection has sent a segment that nobody acknowledges; each firing sends it again.
static void run_timer(struct engine *e)
{
	static struct bench b;
	struct wr_mq q[BENCH_BURST];
	uint32_t n;

	for (uint32_t i = 0; i < e->conns / BENCH_BURST; i++) {
		next_clients(e);
		write_queues(e, q);
		for (uint32_t k = 0; k < BENCH_BURST; k++)
			wr_tcp_write(e->s, e->client[e->now_of[k]].conn, &q[k], e->now);
	}
	for (uint32_t round = 0; round < 3 * bench_rounds(); round++) {
		while ((n = output(e)) > 0)
			for (uint32_t i = 0; i < n; i++)
				rte_pktmbuf_free(e->out[i]);
		e->now = RTE_MAX(wr_tcp_next_timer(e->s), e->now + 1);
		do {
			e->cycles = 0;
			e->clocks = 0;
			MEASURE(e, n = measured_timer_fire(e));
			if (n == BENCH_BURST && b.bursts < BENCH_BURSTS)
				bench_burst(&b, e->cycles, e->clocks, n);
		} while (n > 0);
		if (b.bursts > 0)
			bench_round_end(&b);
	}
	bench_print(&b, "timer_fire");
}

// --- set-up ---------------------------------------------------------------------------------

static void engine_open(struct engine *e, uint32_t conns)
{
	struct wr_tcp_listen_opts lo = {0};
	struct wr_tuple t = bench_tuple(0);
	struct wr_endpoint at = {t.local, t.lport};
	struct wr_tcp_ready ready[BENCH_BURST];
	struct wr_tcp_config c = {.max_conns = conns + 1024,
		.max_half_open = 1024,
		.held_budget = BUFFERS,
		.held_reserve = 32,
		.rto_max_us = WR_US_PER_S, // many timers in little time
		.give_up_us = 3600 * WR_US_PER_S,
		.stats = &e->stats,
		.secret = {1, 2, 3, 4},
		.numa_node = SOCKET_ID_ANY};

	e->conns = conns;
	e->client = calloc(conns + BENCH_BURST, sizeof(*e->client));
	e->order = calloc(conns, sizeof(*e->order));
	c.small = e->small;
	e->now = WR_US_PER_S;
	e->s = wr_tcp_stack_create(&c, e->now);
	if (e->client == NULL || e->order == NULL || e->s == NULL)
		bench_die("no memory for the engine: more huge pages (vm.nr_hugepages) are needed");
	if (wr_tcp_listen(e->s, &at, &lo) != 0)
		bench_die("cannot listen");
	wr_rng_init(&e->rng, 1);
	for (uint32_t i = 0; i < conns; i++) {
		uint32_t k = wr_rng_below(&e->rng, i + 1);

		e->order[i] = e->order[k];
		e->order[k] = i;
	}
	for (uint32_t i = 0; i < conns / BENCH_BURST; i++) {
		next_clients(e);
		open_burst(e, ready);
		settle(e);
	}
}

static void engine_close(struct engine *e)
{
	wr_tcp_stack_destroy(e->s);
	free(e->client);
	free(e->order);
}

static void pools_create(struct engine *e)
{
	e->rx = rte_pktmbuf_pool_create(
		"bench_rx", BUFFERS, 256, WR_MBUF_PRIV_SIZE, WR_RX_DATAROOM, SOCKET_ID_ANY);
	e->small = rte_pktmbuf_pool_create(
		"bench_small", BUFFERS, 256, WR_MBUF_PRIV_SIZE, WR_SMALL_DATAROOM, SOCKET_ID_ANY);
	if (e->rx == NULL || e->small == NULL)
		bench_die("no memory for buffers");
}

static void eal_start(bool no_huge)
{
	static char *with[] = {"bench", "--in-memory", "--no-pci", "--no-telemetry", "--lcores",
		"0@0", "--log-level", "lib.*:error", NULL};
	static char *without[] = {"bench", "--no-huge", "-m", "1400", "--no-pci", "--no-telemetry",
		"--no-shconf", "--lcores", "0@0", "--log-level", "lib.*:error", NULL};
	FILE *f = fopen("/proc/meminfo", "r");
	unsigned long pages = 0;
	bool huge;
	char line[128];

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		sscanf(line, "HugePages_Free: %lu", &pages);
	if (f != NULL)
		fclose(f);
	huge = pages > 0 && !no_huge;
	if (rte_eal_init(huge ? (int)RTE_DIM(with) - 1 : (int)RTE_DIM(without) - 1,
		    huge ? with : without) < 0)
		bench_die("EAL did not start");
	printf("huge_pages\tused\t%d\n", huge);
}

int main(int argc, char **argv)
{
	static struct engine e;
	bool no_huge = false;

	for (int i = 1; i < argc; i++) {
		bench_counts = bench_counts || strcmp(argv[i], "--instructions") == 0;
		no_huge = no_huge || strcmp(argv[i], "--no-huge") == 0;
	}
	eal_start(no_huge);
	bench_calibrate();
	pools_create(&e);
	engine_open(&e, CONNS);
	run(&e, "data_in", row_data_in, false);
	run(&e, "ack_in", row_data_out, true);
	run(&e, "data_out", row_data_out, false);
	run(&e, "conn_setup", row_conn, false);
	run(&e, "conn_teardown", row_conn, true);
	run_timer(&e);
	engine_close(&e);
	// setting up a million takes callgrind minutes, and they cost no other instructions
	if (!bench_counts) {
		engine_open(&e, CONNS_MANY);
		run(&e, "data_in_1m", row_data_in, false);
		engine_close(&e);
	}
	bench_flow(1000, "1k");
	bench_flow(100000, "100k");
	bench_flow(1000000, "1m");
	bench_print_items();
	return 0;
}
