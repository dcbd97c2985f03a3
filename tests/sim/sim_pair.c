/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include <getopt.h>

#include "pair.h"

// Random scenarios between two stacks: every seed is another mix of link faults, options, buffers,
// budgets, applications and endings. After each turn the books are checked; streams are compared
// byte by byte; at the end every buffer is back in its pool.

static const uint32_t bases[] = {0, 0x7fffffff, 0xfffffff0, 0x80000000};

struct scenario {
	uint64_t seed;
	uint32_t conns;
	bool aborts, starve, verbose, trace;
	struct rte_mbuf *taken[1 << 14]; // small buffers that the scenario keeps away
	uint32_t taken_count;
};

static uint32_t pick(struct pair *p, uint32_t low, uint32_t high)
{
	return low + wr_rng_below(&p->rng, high - low + 1);
}

static bool one_in(struct pair *p, uint32_t n)
{
	return wr_rng_below(&p->rng, n) == 0;
}

static struct wr_tcp_config random_config(struct wr_rng *rng)
{
	struct wr_tcp_config c = pair_config();

	if (wr_rng_below(rng, 2) == 0)
		c.rcv_buf_bytes = 2000 + wr_rng_below(rng, 200000);
	if (wr_rng_below(rng, 2) == 0)
		c.snd_buf_bytes = 2000 + wr_rng_below(rng, 200000);
	if (wr_rng_below(rng, 4) == 0)
		c.ooo_segs_max = 1 + wr_rng_below(rng, 16);
	if (wr_rng_below(rng, 4) == 0) {
		c.held_budget = 60 + wr_rng_below(rng, 300);
		c.held_reserve = wr_rng_below(rng, 30);
	}
	c.time_wait_us = 30000000 + wr_rng_below(rng, 30000000);
	c.max_conns = 16;
	return c;
}

static void random_link(struct pair *p)
{
	p->link.delay_us = one_in(p, 4) ? 1 : pick(p, 10, 30000);
	p->link.jitter_us = one_in(p, 2) ? 0 : pick(p, 0, 2000);
	p->link.held_us = pick(p, 100, 50000);
	if (!one_in(p, 4)) {
		p->link.loss = one_in(p, 3) ? pick(p, 0, 150) : pick(p, 0, 20);
		p->link.dup = one_in(p, 2) ? 0 : pick(p, 0, 100);
		p->link.reorder = one_in(p, 2) ? 0 : pick(p, 0, 200);
	}
	p->link.share = one_in(p, 3) ? pick(p, 0, 1000) : 0;
	p->link.split = one_in(p, 3) ? pick(p, 0, 500) : 0;
}

static void random_app(struct pair *p, struct pair_app *a, struct pair_app *b)
{
	a->to_send = one_in(p, 4) ? pick(p, 0, 300) : pick(p, 0, 120000);
	a->chunk = one_in(p, 3) ? pick(p, 1, 100) : pick(p, 100, 2048);
	if (a->chunk < 64 && a->to_send > 20000)
		a->to_send = 20000;
	a->fin_when_done = true;
	b->echo = one_in(p, 2);
	if (b->echo) {
		b->fin_on_eof = true;
	} else {
		b->to_send = one_in(p, 4) ? 0 : pick(p, 0, 120000);
		b->chunk = pick(p, 1000, 2048);
		b->fin_when_done = true;
	}
	if (one_in(p, 4))
		b->read_from = p->now + pick(p, 0, 20000000);
	if (one_in(p, 8))
		a->read_from = p->now + pick(p, 0, 20000000);
	if (one_in(p, 4))
		b->read_max = pick(p, 1, 4000);
}

static void open_one(struct pair *p)
{
	struct wr_tcp_connect_opts o = {0};
	struct pair_app *a;

	o.opts = (uint8_t)(wr_rng_next(&p->rng) &
			   (WR_TCPOPT_WSCALE | WR_TCPOPT_SACKOK | WR_TCPOPT_TS));
	if (one_in(p, 4))
		o.mss = (uint16_t)pick(p, 64, 1440);
	a = pair_connect(p, &o);
	if (a == NULL)
		pair_fail(p, "connect");
	random_app(p, a, pair_peer(p, a));
}

// Keep small buffers away for a while: every allocation fails (tcp-cases 36).
static void starve(struct pair *p, struct scenario *sc)
{
	while (sc->taken_count < RTE_DIM(sc->taken)) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(p->small);

		if (m == NULL)
			break;
		sc->taken[sc->taken_count++] = m;
	}
}

static void feed(struct scenario *sc)
{
	while (sc->taken_count > 0)
		rte_pktmbuf_free(sc->taken[--sc->taken_count]);
}

static bool all_done(const struct pair *p)
{
	for (int side = 0; side < 2; side++)
		for (int i = 0; i < PAIR_CONNS; i++)
			if (p->app[side][i].used && p->app[side][i].conn != WR_HANDLE_NONE)
				return false;
	return true;
}

static void abort_some(struct pair *p)
{
	int side = (int)wr_rng_below(&p->rng, 2);
	struct pair_app *a = &p->app[side][wr_rng_below(&p->rng, PAIR_CONNS)];

	if (!a->used || a->conn == WR_HANDLE_NONE)
		return;
	if (one_in(p, 2))
		wr_tcp_abort(p->s[side], a->conn, p->now);
	else
		wr_tcp_release(p->s[side], a->conn, p->now);
	a->conn = WR_HANDLE_NONE;
	a->used = false;
}

// A reset may be lost, and an idle peer then never learns that it is alone.
static void drop_orphans(struct pair *p)
{
	for (int side = 0; side < 2; side++)
		for (int i = 0; i < PAIR_CONNS; i++)
			if (p->app[side][i].used && p->app[side][i].conn != WR_HANDLE_NONE) {
				wr_tcp_abort(p->s[side], p->app[side][i].conn, p->now);
				p->app[side][i].conn = WR_HANDLE_NONE;
			}
}

static void check_ends(struct pair *p, const struct scenario *sc)
{
	for (uint32_t i = 0; i < sc->conns; i++) {
		const struct pair_app *a = &p->app[0][i], *b = &p->app[1][i];

		if (p->hostile > 0) // any end will do
			return;
		if (!a->used || !b->used) // aborted, or never got through
			continue;
		if (a->end != WR_TCP_END_CLOSED || b->end != WR_TCP_END_CLOSED) {
			if (!sc->aborts)
				pair_fail(p, "connection %u ended %s and %s", i,
					wr_tcp_end_name(a->end), wr_tcp_end_name(b->end));
			continue;
		}
		PAIR_EQ(p, b->got, a->to_send);
		PAIR_EQ(p, a->got, b->echo ? a->to_send : b->to_send);
		PAIR_CHECK(p, a->eof && b->eof);
	}
}

static void run(struct scenario *sc)
{
	static struct pair pair;
	struct pair *p = &pair;
	struct wr_tcp_listen_opts lo = {0};
	struct wr_tcp_config ca, cb;
	struct wr_rng rng;
	wr_us_t hungry = WR_US_NEVER, start;
	uint32_t turns = 0;

	wr_rng_init(&rng, sc->seed ^ 0x51ed270b);
	ca = random_config(&rng);
	cb = random_config(&rng);
	pair_start(p, &ca, &cb, sc->seed, sc->seed & 1);
	random_link(p);
	p->iss_forced = !one_in(p, 3);
	p->iss[0] = bases[wr_rng_below(&p->rng, RTE_DIM(bases))] - pick(p, 0, 5000);
	p->iss[1] = bases[wr_rng_below(&p->rng, RTE_DIM(bases))] - pick(p, 0, 5000);
	p->room = one_in(p, 4) ? pick(p, 1, 4) : 64;
	sc->aborts = one_in(p, 5);
	sc->starve = one_in(p, 6);
	if (one_in(p, 6)) {
		p->hostile = pick(p, 1, 200);
		sc->aborts = true;
	}
	sc->conns = one_in(p, 3) ? pick(p, 2, 6) : 1;
	p->trace = sc->trace;
	pair_listen(p, &lo);
	start = p->now;
	if (sc->verbose)
		printf("seed %llu: v%c conns %u loss %u dup %u reorder %u delay %u share %u split "
		       "%u "
		       "budget %u/%u rcv %u/%u aborts %d starve %d "
		       "hostile %u\n",
			(unsigned long long)sc->seed, p->v6 ? '6' : '4', sc->conns, p->link.loss,
			p->link.dup, p->link.reorder, p->link.delay_us, p->link.share,
			p->link.split, ca.held_budget, cb.held_budget, ca.rcv_buf_bytes,
			cb.rcv_buf_bytes, sc->aborts, sc->starve, p->hostile);
	for (uint32_t i = 0; i < sc->conns; i++)
		open_one(p);
	if (sc->starve)
		hungry = p->now + pick(p, 0, 1000000);
	pair_flush(p, 0);
	while (!all_done(p) && pair_turn(p)) {
		// who is on the path can stall a connection for good
		if (p->hostile > 0 && p->now - start > 3600 * WR_US_PER_S)
			break;
		if (++turns > 3000000 || p->now - start > 3600 * WR_US_PER_S)
			pair_fail(p, "no end after %u turns", turns);
		if (sc->aborts && one_in(p, 200))
			abort_some(p);
		if (p->now >= hungry && sc->taken_count == 0) {
			starve(p, sc);
			hungry = p->now + pick(p, 1000, 3000000);
		} else if (p->now >= hungry) {
			feed(sc);
			hungry = WR_US_NEVER;
		}
	}
	feed(sc);
	if (!all_done(p) && !sc->aborts)
		pair_fail(p, "nothing moves any more");
	check_ends(p, sc);
	drop_orphans(p);
	// TIME-WAIT, orphans and half-open ones run out
	start = p->now;
	while ((wr_pool_used(&p->s[0]->conns) > 0 || wr_pool_used(&p->s[1]->conns) > 0) &&
		p->now - start < 1000 * WR_US_PER_S && pair_turn(p))
		;
	PAIR_EQ(p, wr_pool_used(&p->s[0]->conns), 0);
	PAIR_EQ(p, wr_pool_used(&p->s[1]->conns), 0);
	PAIR_EQ(p, p->s[0]->held_rx + p->s[1]->held_rx, 0);
	PAIR_EQ(p, p->s[0]->held_small + p->s[1]->held_small, 0);
	PAIR_EQ(p, p->s[0]->promised_bytes + p->s[1]->promised_bytes, 0);
	PAIR_EQ(p, p->s[0]->promised_segs + p->s[1]->promised_segs, 0);
	pair_stop(p);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"seed", required_argument, NULL, 's'},
		{"count", required_argument, NULL, 'c'}, {"verbose", no_argument, NULL, 'v'},
		{"trace", no_argument, NULL, 't'}, {0}};
	static struct scenario sc;
	uint64_t seed = 1, count = 100;
	int o;

	while ((o = getopt_long(argc, argv, "s:c:vt", options, NULL)) != -1) {
		if (o == 's')
			seed = strtoull(optarg, NULL, 0);
		else if (o == 'c')
			count = strtoull(optarg, NULL, 0);
		else if (o == 'v')
			sc.verbose = true;
		else if (o == 't')
			sc.trace = true;
		else
			return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	wr_test_eal_init();
	for (uint64_t i = 0; i < count; i++) {
		sc.seed = seed + i;
		if (!sc.verbose) // so that a failure names its seed
			fprintf(stderr, "\rseed %llu ", (unsigned long long)sc.seed);
		run(&sc);
	}
	fprintf(stderr, "\r");
	printf("%llu seeds from %llu: all well\n", (unsigned long long)count,
		(unsigned long long)seed);
	return 0;
}
