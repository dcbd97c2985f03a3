/* SPDX-License-Identifier: BSD-3-Clause */

// What whole operations cost in instructions: ops [NAME ...], under callgrind with
// --instr-atstart=no --collect-atstart=no. Prints the compiler, what the processor has that code is
// dispatched by, and "name, operations, frames in, frames out"; callgrind leaves one dump an
// operation, which carries the name. Without callgrind it only checks that all of it works.

#include "ops.h"

#include <stdio.h>
#include <string.h>

#include <valgrind/callgrind.h>

#include "flow.h"
#include "proxy_priv.h"
#include "wr_hash.h"
#include "wr_maglev.h"
#include "wr_rng.h"
#include "wr_tcp.h"
#include "worker_priv.h"

#define BATCH      1000u // operations counted
#define WARM       256u  // and before them
#define BULK_BATCH 8u    // MiB
#define BULK_WARM  8u
#define KEPT       64u // keep-alive connections
#define FLOWS      1000u

struct op {
	const char *name;
	struct ops_mode mode;
	// Do n of them, of which the world may have done some before.
	void (*run)(struct ops *o, uint32_t n);
	uint32_t warm, batch;
};

static void check(uint32_t got, uint32_t want, const char *what)
{
	if (got != want)
		ops_die("%u %s instead of %u", got, what, want);
}

// --- through the worker -------------------------------------------------------------------------

// From SYN to the end of TIME-WAIT.
static void run_short(struct ops *o, uint32_t n)
{
	uint32_t answers = o->answers, closed = o->closed;

	for (uint32_t i = 0; i < n; i += OPS_BURST) {
		for (uint32_t k = i; k < RTE_MIN(i + OPS_BURST, n); k++)
			ops_client(o, 80);
		ops_settle(o);
	}
	check(o->answers - answers, n, "answers");
	check(o->closed - closed, n, "connections ended");
	ops_expire(o);
	check(wr_pool_used(&o->worker->proxy->sessions), 0, "sessions");
}

static void run_keepalive(struct ops *o, uint32_t n)
{
	uint32_t answers;

	if (o->clients == 0) {
		for (uint32_t i = 0; i < KEPT; i++)
			ops_client(o, 80);
		ops_settle(o);
	}
	answers = o->answers;
	for (uint32_t i = 0; i < n; i += OPS_BURST) {
		for (uint32_t k = i; k < RTE_MIN(i + OPS_BURST, n); k++)
			ops_request(o, k % KEPT);
		ops_settle(o);
	}
	check(o->answers - answers, n, "answers");
}

static void bulk(struct ops *o, bool up, uint32_t mib)
{
	uint8_t side = up ? OPS_WAN : OPS_LAN;
	struct ops_far *from = up ? &o->client[0] : &o->backend;
	uint32_t left = (mib << 20) / OPS_SEGMENT, n;

	if (o->clients == 0) {
		ops_client(o, 80);
		ops_settle(o);
	}
	for (uint32_t rounds = 0; left > 0; rounds++) {
		n = (from->una + from->window - from->seq) / OPS_SEGMENT;
		n = RTE_MIN(RTE_MIN(n, left), OPS_BURST);
		ops_data(o, side, from, n);
		left -= n;
		ops_turn(o);
		if (rounds > 1000000)
			ops_die("a bulk transfer stands still");
	}
	ops_settle(o);
	// An acknowledgement may be delayed.
	for (uint32_t i = 0; i < 1000 && from->seq != from->una; i++) {
		o->now += WR_US_PER_MS;
		ops_settle(o);
	}
	check(from->seq - from->una, 0, "bytes not acknowledged");
}

static void run_up(struct ops *o, uint32_t n)
{
	bulk(o, true, n);
}

static void run_down(struct ops *o, uint32_t n)
{
	bulk(o, false, n);
}

static void syns(struct ops *o, uint16_t port, uint32_t n)
{
	for (uint32_t i = 0; i < n; i += OPS_BURST) {
		for (uint32_t k = i; k < RTE_MIN(i + OPS_BURST, n); k++)
			ops_client(o, port);
		ops_settle(o);
	}
}

static void run_refused(struct ops *o, uint32_t n)
{
	struct wr_msg stop = {.kind = WR_MSG_STOP_ACCEPT};
	uint32_t resets = o->resets;

	if (o->clients == 0) {
		wr_worker_post(o->worker, &stop);
		ops_settle(o);
		o->now += WR_PRESSURE_TICK_US;
		ops_settle(o);
	}
	syns(o, 80, n);
	check(o->resets - resets, n, "resets");
}

static void run_closed_port(struct ops *o, uint32_t n)
{
	uint32_t resets = o->resets;

	syns(o, 81, n);
	check(o->resets - resets, n, "resets");
}

static void run_dropped(struct ops *o, uint32_t n)
{
	uint64_t dropped = o->worker->stats.drop[WR_DROP_syn_dropped];

	wr_tcp_set_admit_all(o->worker->tcp, WR_TCP_REFUSE_DROP);
	syns(o, 80, n);
	check((uint32_t)(o->worker->stats.drop[WR_DROP_syn_dropped] - dropped), n, "SYNs dropped");
}

static void run_cookie(struct ops *o, uint32_t n)
{
	uint32_t synacks = o->synacks;

	syns(o, 80, n);
	check(o->synacks - synacks, n, "SYN-ACKs");
}

static void run_arp(struct ops *o, uint32_t n)
{
	uint32_t arps = o->arps;

	for (uint32_t i = 0; i < n; i += OPS_BURST) {
		for (uint32_t k = i; k < RTE_MIN(i + OPS_BURST, n); k++)
			ops_ask_arp(o);
		ops_settle(o);
	}
	check(o->arps - arps, n, "answers");
}

static void run_idle(struct ops *o, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		check(ops_turn(o), 0, "things done in an idle turn");
		o->now += 1 - OPS_TURN_US;
	}
}

// One backend after the other, as many at a time as there are.
static void run_probe(struct ops *o, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		struct wr_backend *be = wr_backends_get(o->backends, (uint16_t)(i % 4));
		struct wr_msg m = {.kind = WR_MSG_CHECK,
			.a = be->id,
			.b = ++be->check[WR_CHECK_SLOT_HEALTH].asked,
			.c = WR_CHECK_TCP | WR_CHECK_SLOT_HEALTH << 8,
			.t = WR_US_PER_S};

		wr_worker_post(o->worker, &m);
		if (i % 4 < 3)
			continue;
		ops_settle(o);
		for (uint16_t k = 0; k < 4; k++) {
			const struct wr_backend_check *c =
				&wr_backends_get(o->backends, k)->check[WR_CHECK_SLOT_HEALTH];

			check(c->answered == c->asked, 1, "answers of a check");
			check((uint32_t)c->answer.err, 0, "is the error of a check");
		}
	}
}

// --- parts of it
// -----------------------------------------------------------------------------------

static void collect(const struct ops *o)
{
	if (o->counting)
		CALLGRIND_TOGGLE_COLLECT;
}

static void run_parse(struct ops *o, uint32_t n)
{
	struct rte_mbuf *m[OPS_BURST];
	struct wr_pkt k[OPS_BURST];

	if (o->clients == 0)
		ops_client(o, 80);
	for (uint32_t i = 0; i < OPS_BURST; i++) {
		m[i] = ops_frame(o, OPS_WAN, &o->client[0], WR_TCP_ACK, OPS_REQUEST, o->pools.rx);
		m[i]->ol_flags = 0;
	}
	for (uint32_t i = 0; i < n; i += OPS_BURST) {
		collect(o);
		wr_parse_burst(k, m, OPS_BURST, 0);
		collect(o);
		check(k[OPS_BURST - 1].kind, WR_PKT_TCP, "is the kind of a packet");
	}
	rte_pktmbuf_free_bulk(m, OPS_BURST);
}

// The key of a client and its backend, out of ten.
static void run_pick(struct ops *o, uint32_t n)
{
	static const char *const name[] = {
		"b0", "b1", "b2", "b3", "b4", "b5", "b6", "b7", "b8", "b9"};
	struct wr_maglev_backend b[RTE_DIM(name)];
	struct wr_addr client[OPS_BURST];
	struct wr_maglev *t;

	for (uint16_t i = 0; i < RTE_DIM(b); i++)
		b[i] = (struct wr_maglev_backend){name[i], i, 1};
	t = wr_maglev_build(b, RTE_DIM(b), 0);
	if (t == NULL)
		ops_die("out of memory");
	for (uint32_t i = 0; i < OPS_BURST; i++)
		client[i] = wr_addr_from_v4(rte_cpu_to_be_32(0xc6130000 + i * 77));
	for (uint32_t i = 0; i < n; i += OPS_BURST) {
		uint32_t in_burst = 0;

		collect(o);
		for (uint32_t k = 0; k < OPS_BURST; k++)
			in_burst += wr_maglev_pick(t, wr_maglev_key(&client[k], (uint16_t)(i + k)));
		collect(o);
		__asm__ volatile("" ::"r"(in_burst)); // it is wanted
	}
	wr_maglev_destroy(t);
}

static void run_lookup(struct ops *o, uint32_t n)
{
	static const uint64_t key[2] = {1, 2};
	struct wr_pkt k[OPS_BURST];
	struct wr_tcp_flow f;
	struct wr_pool pool;
	struct wr_rng rng;
	wr_handle_t h;

	if (wr_tcp_flow_init(&f, FLOWS, SOCKET_ID_ANY) < 0 ||
		wr_pool_init(&pool, "ops_flow", FLOWS, RTE_CACHE_LINE_SIZE, SOCKET_ID_ANY) < 0)
		ops_die("out of memory");
	wr_rng_init(&rng, 1);
	for (uint32_t i = 0; i < FLOWS; i++) {
		struct wr_tuple *t = wr_pool_get(&pool, &h);

		*t = (struct wr_tuple){.local = wr_addr_from_v4(RTE_BE32(0xc6120064)),
			.remote = wr_addr_from_v4(rte_cpu_to_be_32(0xc6130000 + i)),
			.lport = 80,
			.rport = (uint16_t)(1024 + i)};
		if (!wr_tcp_flow_add(&f, wr_hash_tuple(key, t), h))
			ops_die("the flow table is full before it should be");
	}
	for (uint32_t i = 0; i < n; i += OPS_BURST) {
		void *found[OPS_BURST];

		for (uint32_t b = 0; b < OPS_BURST; b++) {
			uint32_t at = wr_rng_below(&rng, FLOWS);

			k[b].t = (struct wr_tuple){.local = wr_addr_from_v4(RTE_BE32(0xc6120064)),
				.remote = wr_addr_from_v4(rte_cpu_to_be_32(0xc6130000 + at)),
				.lport = 80,
				.rport = (uint16_t)(1024 + at)};
		}
		collect(o);
		wr_tcp_flow_lookup_bulk(&f, &pool, key, k, OPS_BURST, found);
		collect(o);
		check(found[OPS_BURST - 1] != NULL, 1, "flows found");
	}
	wr_tcp_flow_fini(&f);
	wr_pool_fini(&pool);
}

// --- all of them
// ----------------------------------------------------------------------------------

#define ALWAYS "  tcp: {syn_cookies: always}\n"
// What is done in bursts of 32 is counted in whole ones.
#define BURSTS (BATCH / OPS_BURST * OPS_BURST)

static const struct op ops[] = {
	{"short_backend_closes_v4", {.answer = 64, .backend_closes = true}, run_short, WARM, BATCH},
	{"short_backend_closes_v6", {.v6 = true, .answer = 64, .backend_closes = true}, run_short,
		WARM, BATCH},
	{"short_client_closes_v4", {.answer = 64, .client_closes = true}, run_short, WARM, BATCH},
	{"short_client_closes_v6", {.v6 = true, .answer = 64, .client_closes = true}, run_short,
		WARM, BATCH},
	{"keepalive_64_v4", {.answer = 64}, run_keepalive, WARM, BATCH},
	{"keepalive_64_v6", {.v6 = true, .answer = 64}, run_keepalive, WARM, BATCH},
	{"keepalive_1k_v4", {.answer = 1024}, run_keepalive, WARM, BATCH},
	{"keepalive_1k_v6", {.v6 = true, .answer = 1024}, run_keepalive, WARM, BATCH},
	{"bulk_up_mib_v4", {.bulk = true}, run_up, BULK_WARM, BULK_BATCH},
	{"bulk_up_mib_v4_offload", {.bulk = true, .offload = true}, run_up, BULK_WARM, BULK_BATCH},
	{"bulk_down_mib_v4", {.bulk = true}, run_down, BULK_WARM, BULK_BATCH},
	{"bulk_down_mib_v4_offload", {.bulk = true, .offload = true}, run_down, BULK_WARM,
		BULK_BATCH},
	{"syn_refused_v4", {.deaf = true}, run_refused, WARM, BATCH},
	{"syn_closed_port_v4", {.deaf = true}, run_closed_port, WARM, BATCH},
	{"syn_dropped_v4", {.deaf = true}, run_dropped, WARM, BATCH},
	{"syn_cookie_v4", {.deaf = true, .runtime = ALWAYS}, run_cookie, WARM, BATCH},
	{"syn_cookie_v6", {.v6 = true, .deaf = true, .runtime = ALWAYS}, run_cookie, WARM, BATCH},
	{"arp_answered", {0}, run_arp, WARM, BATCH},
	{"probe_v4", {0}, run_probe, WARM, BATCH},
	{"idle_turn", {0}, run_idle, 10 * BATCH, 10 * BATCH},
	{"parse_v4", {0}, run_parse, OPS_BURST, BURSTS},
	{"parse_v6", {.v6 = true}, run_parse, OPS_BURST, BURSTS},
	{"maglev_pick", {0}, run_pick, OPS_BURST, BURSTS},
	{"flow_lookup", {0}, run_lookup, OPS_BURST, BURSTS},
};

static bool wanted(const char *name, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], name) == 0)
			return true;
	return argc == 1;
}

static void measure(const struct op *op)
{
	struct ops *o = ops_open(&op->mode);

	op->run(o, op->warm);
	CALLGRIND_START_INSTRUMENTATION;
	o->counting = true;
	op->run(o, op->batch);
	o->counting = false;
	CALLGRIND_DUMP_STATS_AT(op->name);
	CALLGRIND_STOP_INSTRUMENTATION;
	printf("%s\t%u\t%llu\t%llu\n", op->name, op->batch, (unsigned long long)o->frames_in,
		(unsigned long long)o->frames_out);
	fflush(stdout);
	ops_close(o);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		uint32_t k = 0;

		while (k < RTE_DIM(ops) && strcmp(ops[k].name, argv[i]) != 0)
			k++;
		if (k == RTE_DIM(ops))
			ops_die("there is no operation '%s'", argv[i]);
	}
	printf("compiler\t%s\navx2\t%s\n", __VERSION__,
		__builtin_cpu_supports("avx2") ? "yes" : "no");
	ops_eal();
	for (uint32_t i = 0; i < RTE_DIM(ops); i++)
		if (wanted(ops[i].name, argc, argv))
			measure(&ops[i]);
	return 0;
}
