/* SPDX-License-Identifier: BSD-3-Clause */
#include "loop.h"

#include <time.h>

#include <rte_cycles.h>

#define RX_BURSTS     4   // of a host and turn
#define TIMER_BUDGET  256 // of a host and turn
#define START_BUDGET  256 // connections that a population begins in a turn
#define SERVER_BUDGET 256
#define PACKET_BURSTS 4         // of a stream and turn
#define QUIET_NS      100000000 // without a frame: no more are on their way

// --- the turn -------------------------------------------------------------------------------

static bool judge(void *arg, const struct wr_pkt *p, const struct gen_now *now)
{
	struct loop *l = arg;

	for (uint32_t i = 0; i < l->packets_count; i++)
		if (packets_judge(l->packets[i].p, p, now))
			return true;
	return false;
}

static uint32_t hosts_in(struct loop *l, const struct gen_now *now)
{
	uint32_t done = 0;

	for (uint32_t i = 0; i < l->conf->port_count; i++) {
		for (uint32_t k = 0; k < RX_BURSTS; k++) {
			uint32_t n = host_rx(l->hosts[i], l->stamped ? judge : NULL, l, now);

			done += n;
			if (n > 0)
				l->rx_ns = now->ns;
			if (n < WR_BURST)
				break;
		}
		done += ep_timers(l->hosts[i]->ep, TIMER_BUDGET, now);
	}
	return done;
}

static uint32_t stream(struct loop_packets *s, const struct gen_now *now)
{
	uint32_t done = 0;

	for (uint32_t k = 0; k < PACKET_BURSTS && s->host->count == 0; k++) {
		struct rte_mbuf *m[WR_BURST];
		uint16_t n = packets_make(s->p, m, WR_BURST, now), taken;
		uint32_t errors = 0, linear = 0;
		uint64_t bytes = 0;

		if (n == 0)
			break;
		for (uint16_t i = 0; i < n; i++)
			bytes += m[i]->pkt_len; // afterwards they belong to the port
		taken = wr_port_tx(s->host->port, 0, m, n, &errors, &linear);
		for (uint16_t i = taken; i < n; i++)
			bytes -= m[i]->pkt_len;
		s->host->tx_frames += taken - errors;
		s->host->tx_bytes += bytes;
		s->host->tx_errors += errors;
		packets_sent(s->p, m, n, taken, bytes);
		done += taken;
		if (taken < WR_BURST)
			break;
	}
	return done;
}

uint32_t loop_turn(struct loop *l, const struct gen_now *now)
{
	const struct gen_conf *c = l->conf;
	uint32_t done = hosts_in(l, now);

	for (uint32_t i = 0; i < c->client_count; i++)
		done += client_poll(l->clients[i], START_BUDGET, now);
	for (uint32_t i = 0; i < c->backend_count; i++)
		done += server_poll(l->servers[i], SERVER_BUDGET, now);
	for (uint32_t i = 0; i < c->port_count; i++)
		done += host_output(l->hosts[i], now);
	for (uint32_t i = 0; i < l->packets_count; i++)
		done += stream(&l->packets[i], now);
	return done;
}

// --- orders ---------------------------------------------------------------------------------

static void start(struct loop *l, wr_us_t warmup, wr_us_t measured, const struct gen_now *now)
{
	wr_us_t from = now->us + warmup;

	l->schedule_ns = now->ns;
	for (uint32_t i = 0; i < l->conf->backend_count; i++)
		server_start(l->servers[i], now);
	for (uint32_t i = 0; i < l->conf->client_count; i++)
		client_start(l->clients[i], from, from + measured, now);
	for (uint32_t i = 0; i < l->packets_count; i++)
		packets_start(l->packets[i].p, now);
}

static void reset(struct loop *l)
{
	for (uint32_t i = 0; i < l->conf->backend_count; i++)
		server_reset_stats(l->servers[i]);
	for (uint32_t i = 0; i < l->conf->client_count; i++)
		client_reset_stats(l->clients[i]);
	for (uint32_t i = 0; i < l->packets_count; i++)
		packets_reset_stats(l->packets[i].p);
}

static void set_load(struct loop *l, uint64_t load, const struct gen_now *now)
{
	if (l->conf->client_count > 0)
		client_set_load(l->clients[0], load, now);
	else
		packets_set_rate(l->packets[0].p, load, now);
}

static void stop(struct loop *l)
{
	for (uint32_t i = 0; i < l->conf->client_count; i++)
		client_stop(l->clients[i]);
	for (uint32_t i = 0; i < l->packets_count; i++)
		packets_stop(l->packets[i].p);
}

static bool idle(const struct loop *l, const struct gen_now *now)
{
	// stamped packets are on their way back
	if (l->stamped && now->ns - l->rx_ns < QUIET_NS)
		return false;
	for (uint32_t i = 0; i < l->conf->client_count; i++)
		if (!client_idle(l->clients[i]))
			return false;
	for (uint32_t i = 0; i < l->packets_count; i++)
		if (!packets_done(l->packets[i].p))
			return false;
	return true;
}

static void snapshot_port(struct gen_port_count *to, struct host *h)
{
	wr_port_stats(h->port, &to->port);
	// What a device counts differs by driver; frames that moved are ours to know.
	to->port.rx_frames = h->rx_frames;
	to->port.rx_bytes = h->rx_bytes;
	to->port.tx_frames = h->tx_frames;
	to->port.tx_bytes = h->tx_bytes;
	to->kernel_loss_known = (wr_port_flags(h->port) & WR_PORT_F_KERNEL_LOSS) != 0;
	to->tx_given_up = h->tx_errors;
}

static void snapshot(
	struct loop *l, struct gen_snapshot *s, enum gen_phase phase, const struct gen_now *now)
{
	const struct gen_conf *c = l->conf;

	gen_snapshot_begin(s, now->ns - l->schedule_ns, phase);
	s->loop = (struct gen_loop_stats){.cycles = l->cycles,
		.cycles_busy = l->cycles_busy,
		.loops = l->loops,
		.longest_ns = l->longest_ns};
	l->longest_ns = 0;
	for (uint32_t i = 0; i < c->client_count; i++)
		gen_snapshot_client(s, i, client_stats(l->clients[i]));
	for (uint32_t i = 0; i < c->backend_count; i++)
		gen_snapshot_backend(s, i, server_stats(l->servers[i]));
	for (uint32_t i = 0; i < l->packets_count; i++)
		gen_snapshot_packets(s, i, packets_stats(l->packets[i].p));
	for (uint32_t i = 0; i < c->port_count; i++) {
		gen_snapshot_add_ep(s, ep_counters(l->hosts[i]->ep));
		gen_snapshot_add_drops(s, &l->hosts[i]->stats);
		snapshot_port(&s->ports[i], l->hosts[i]);
	}
}

static void carry_out(struct loop *l, struct loop_order *o, const struct gen_now *now)
{
	switch (o->kind) {
	case LOOP_START:
		start(l, o->a, o->b, now);
		break;
	case LOOP_SET_LOAD:
		set_load(l, o->a, now);
		break;
	case LOOP_RESET:
		reset(l);
		break;
	case LOOP_STOP:
		stop(l);
		break;
	case LOOP_ABORT:
		for (uint32_t i = 0; i < l->conf->client_count; i++)
			client_abort(l->clients[i], now);
		break;
	case LOOP_IDLE:
		o->result = idle(l, now);
		break;
	case LOOP_SNAPSHOT:
		snapshot(l, o->ptr, (enum gen_phase)o->a, now);
		break;
	case LOOP_END:
		l->ended = true;
		break;
	}
}

int loop_order(struct loop *l, struct loop_order *o)
{
	struct timespec pause = {.tv_nsec = 50000};

	o->result = 0;
	__atomic_store_n(&l->order, o, __ATOMIC_RELEASE);
	while (__atomic_load_n(&l->order, __ATOMIC_ACQUIRE) != NULL)
		nanosleep(&pause, NULL);
	return o->result;
}

// --- next hops ------------------------------------------------------------------------------

static uint32_t ask_one(struct loop *l, struct host *h, const struct wr_addr *to,
	const struct gen_now *now, struct wr_addr *first)
{
	struct rte_ether_addr mac;
	struct wr_addr from;

	if (host_knows(h, to, &mac, now))
		return 0;
	*first = *to;
	if (wr_l3_source(h->net, to, &from))
		host_ask(h, to, &from, l->small, now);
	return 1;
}

uint32_t loop_ask(struct loop *l, const struct gen_now *now, struct wr_addr *first)
{
	const struct gen_conf *c = l->conf;
	uint32_t unknown = 0;

	for (uint32_t i = 0; i < c->client_count; i++)
		for (uint32_t k = 0; k < c->clients[i].target_count; k++)
			unknown += ask_one(
				l, l->client_host[i], &c->clients[i].target[k].addr, now, first);
	for (uint32_t i = 0; i < c->packets_count; i++) {
		static const uint8_t none[6];
		const struct gen_packets *s = &c->packets[i];

		if (memcmp(s->target_mac, none, sizeof(none)) == 0 && s->kind != GEN_PACKET_PCAP &&
			s->kind != GEN_PACKET_RANDOM)
			unknown += ask_one(l, l->hosts[s->port], &s->target.first, now, first);
	}
	return unknown;
}

// --- the clock ------------------------------------------------------------------------------

struct gen_now loop_clock(uint64_t start)
{
	uint64_t passed = rte_get_tsc_cycles() - start, hz = rte_get_tsc_hz();
	// Whole seconds apart, so that nothing overflows.
	uint64_t ns = passed / hz * 1000000000ULL + passed % hz * 1000000000ULL / hz;

	return (struct gen_now){.us = ns / 1000 + 1, .ns = ns + 1000};
}

int loop_run(void *arg)
{
	struct loop *l = arg;
	uint64_t before = rte_get_tsc_cycles();
	struct gen_now last = loop_clock(l->start);

	while (!l->ended) {
		struct gen_now now = loop_clock(l->start);
		struct loop_order *o = __atomic_load_n(&l->order, __ATOMIC_ACQUIRE);
		uint32_t done;
		uint64_t after;

		if (now.ns - last.ns > l->longest_ns)
			l->longest_ns = now.ns - last.ns;
		last = now;
		if (unlikely(o != NULL)) {
			carry_out(l, o, &now);
			__atomic_store_n(&l->order, NULL, __ATOMIC_RELEASE);
		}
		done = loop_turn(l, &now);
		after = rte_get_tsc_cycles();
		l->loops++;
		l->cycles += after - before;
		if (done > 0)
			l->cycles_busy += after - before;
		before = after;
	}
	return 0;
}
