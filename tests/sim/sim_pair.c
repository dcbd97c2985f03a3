/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "pair.h"
#include "runner.h"
#include "watch.h"

// Random scenarios between two stacks: every seed is another mix of link faults, options, buffers,
// budgets, applications and endings. After each turn the books are checked; streams are compared
// byte by byte, and every packet is judged (watch.h); at the end nothing is left anywhere.

#define LIFE_US    (3600 * WR_US_PER_S) // longest scenario
#define TURNS_MAX  3000000
#define STARVE_MAX 4  // times that buffers run out
#define HARSH      40 // permille lost from which a time-out is no surprise

// What an ACK may wait for, at each end by itself. Up to PATIENT_US no peer takes it for a loss: it
// is less than the smallest time-out, also where an ACK waits for two times as long (ack_delay.c).
#define PATIENT_US (40 * WR_US_PER_MS)
static const wr_us_t ack_delays[] = {
	0, WR_US_PER_MS, 2 * WR_US_PER_MS, PATIENT_US, 100 * WR_US_PER_MS};

static const uint32_t bases[] = {0, 0x7fffffff, 0xfffffff0, 0x80000000};

enum trouble {
	LOSS,
	DUP,
	REORDER,
	CORRUPT,
	HOSTILE,
	NO_SMALL,
	NO_RX,
	BUDGET,
	ABORTS,
	GIVEN_UP,
	STALLED
};
static const char *const trouble_names[] = {"loss", "duplication", "reordering", "corruption",
	"forgery", "no small buffers", "no RX buffers", "small budget", "aborts", "time-outs",
	NULL};

struct scenario {
	uint64_t seed;
	const struct runner_opts *o;
	struct pair p;
	struct watch w;
	uint32_t conns;
	uint32_t trouble;
	bool calm;                // nothing is lost, late or short
	uint32_t starve;          // times still to come
	wr_us_t hungry;           // when buffers run out or come back
	struct rte_mempool *from; // where the taken ones belong
	struct rte_mbuf *taken[PAIR_SMALL + 1];
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

// By a number of their own, so that all else of a seed is what it is without them.
static void random_ack_delay(uint64_t seed, struct wr_tcp_config *a, struct wr_tcp_config *b)
{
	struct wr_rng rng;

	wr_rng_init(&rng, seed ^ 0xacde1a);
	a->ack_delay_us = ack_delays[wr_rng_below(&rng, RTE_DIM(ack_delays))];
	b->ack_delay_us = ack_delays[wr_rng_below(&rng, RTE_DIM(ack_delays))];
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
	p->link.corrupt = one_in(p, 3) ? pick(p, 0, one_in(p, 4) ? 100 : 20) : 0;
	p->link.share = one_in(p, 3) ? pick(p, 0, 1000) : 0;
	p->link.split = one_in(p, 3) ? pick(p, 0, 500) : 0;
}

// Streams of some hundred segments: more would repeat themselves, and less would not get far.
static void random_app(struct pair *p, struct pair_app *a, struct pair_app *b, uint32_t mss)
{
	uint32_t chunk = one_in(p, 3) ? pick(p, 1, 100) : pick(p, 100, 2048);
	uint32_t segs = one_in(p, 8) ? 150 : 75;
	uint32_t most = segs * RTE_MIN(mss, 8 * chunk);

	a->to_send = one_in(p, 5) ? pick(p, 0, 300) : pick(p, most / 3, most);
	a->chunk = chunk;
	a->fin_when_done = true;
	b->echo = one_in(p, 2);
	if (b->echo) {
		b->fin_on_eof = true;
	} else {
		b->to_send = one_in(p, 4) ? 0 : pick(p, 0, most);
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
	o.mss = (uint16_t)(one_in(p, 4) ? pick(p, 64, 1440) : 1440);
	a = pair_connect(p, &o);
	if (a == NULL)
		pair_fail(p, "connect");
	random_app(p, a, pair_peer(p, a), o.mss);
}

// Keep the buffers of one pool away for a while, but for a few: allocations fail at any place
// (tcp-cases 36).
static void take(struct scenario *sc)
{
	struct pair *p = &sc->p;
	uint32_t left = one_in(p, 2) ? 0 : pick(p, 1, 20), n;

	sc->from = one_in(p, 2) ? p->small : p->rx;
	sc->trouble |= sc->from == p->small ? 1u << NO_SMALL : 1u << NO_RX;
	n = rte_mempool_avail_count(sc->from);
	n = n > left ? n - left : 0;
	if (n == 0 || rte_pktmbuf_alloc_bulk(sc->from, sc->taken, n) != 0)
		return;
	sc->taken_count = n;
}

static void give_back(struct scenario *sc)
{
	if (sc->taken_count > 0)
		rte_pktmbuf_free_bulk(sc->taken, sc->taken_count);
	sc->taken_count = 0;
	watch_excuse(&sc->w, sc->p.now);
}

static void starve(struct scenario *sc)
{
	struct pair *p = &sc->p;

	if (p->now < sc->hungry)
		return;
	if (sc->taken_count > 0) {
		give_back(sc);
		sc->hungry = sc->starve > 0 ? p->now + pick(p, 1, 1000000) : WR_US_NEVER;
	} else if (sc->starve > 0) {
		sc->starve--;
		take(sc);
		sc->hungry = p->now + (one_in(p, 2) ? pick(p, 1000, 3000000) : pick(p, 100, 20000));
	} else {
		sc->hungry = WR_US_NEVER;
	}
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

// Whether an early end may come from nothing but the link and the buffers.
static bool harsh(const struct scenario *sc)
{
	return sc->p.link.loss + sc->p.link.corrupt >= HARSH ||
	       (sc->trouble & (1u << NO_SMALL | 1u << NO_RX | 1u << BUDGET));
}

static void check_ends(struct scenario *sc)
{
	struct pair *p = &sc->p;

	for (uint32_t i = 0; i < sc->conns; i++) {
		const struct pair_app *a = &p->app[0][i], *b = &p->app[1][i];

		if (p->hostile > 0) // any end will do
			return;
		if (!a->used || !b->used) // aborted, or never got through
			continue;
		PAIR_CHECK(p, a->conn != WR_HANDLE_NONE || a->end != WR_TCP_END_NONE);
		PAIR_CHECK(p, b->conn != WR_HANDLE_NONE || b->end != WR_TCP_END_NONE);
		if (a->end != WR_TCP_END_CLOSED || b->end != WR_TCP_END_CLOSED) {
			if (!(sc->trouble & 1u << ABORTS) && !harsh(sc))
				pair_fail(p, "connection %u ended %s and %s", i,
					wr_tcp_end_name(a->end), wr_tcp_end_name(b->end));
			sc->trouble |= 1u << GIVEN_UP;
			continue;
		}
		PAIR_EQ(p, b->got, a->to_send);
		PAIR_EQ(p, a->got, b->echo ? a->to_send : b->to_send);
		PAIR_CHECK(p, a->eof && b->eof);
	}
}

// An ACK that waits is not taken for a loss.
static void check_patience(struct scenario *sc)
{
	for (int side = 0; sc->calm && side < 2; side++)
		PAIR_EQ(&sc->p, sc->p.stats[side].ctr[WR_CTR_tcp_retrans_segs], 0);
}

static uint32_t live(struct pair *p)
{
	struct wr_tcp_gauges a, b;

	wr_tcp_gauges(p->s[0], &a);
	wr_tcp_gauges(p->s[1], &b);
	return a.conns + b.conns;
}

static void check_empty(struct pair *p)
{
	for (int side = 0; side < 2; side++) {
		struct wr_tcp_gauges g;

		wr_tcp_gauges(p->s[side], &g);
		PAIR_EQ(p, g.conns, 0);
		PAIR_EQ(p, g.half_open + g.time_wait + g.ready + g.dirty, 0);
		PAIR_EQ(p, g.held_rx_mbufs + g.held_small_mbufs, 0);
		PAIR_EQ(p, g.promised_bytes, 0);
		PAIR_EQ(p, g.recv_queue_bytes + g.ooo_bytes + g.send_queue_bytes, 0);
		PAIR_CHECK(p, wr_wheel_next(&p->s[side]->wheel) == WR_US_NEVER);
		// who is gone leaves the ring of late ACKs when its time comes
		wr_tcp_timers(p->s[side], UINT32_MAX, p->now + WR_US_PER_S / 2);
		PAIR_CHECK(p, wr_tcp_next_timer(p->s[side]) == WR_US_NEVER);
		pair_check(p, side);
	}
}

static_assert(PAIR_F_LOST == WATCH_F_LOST && PAIR_F_DUP == WATCH_F_DUP &&
		      PAIR_F_LATE == WATCH_F_LATE && PAIR_F_CORRUPT == WATCH_F_CORRUPT &&
		      PAIR_F_HOSTILE == WATCH_F_HOSTILE && PAIR_F_QUEUE == WATCH_F_QUEUE,
	"one set of flags");

// --- the watch
// ------------------------------------------------------------------------------------

static bool sight(void *arg, const struct wr_tuple *t, uint64_t *cache, struct watch_sight *out)
{
	struct scenario *sc = arg;
	int side = t->lport == 80 ? 1 : 0;
	struct wr_tcp_stack *s = sc->p.s[side];
	uint32_t cursor = 0;
	wr_handle_t h;

	out->timeouts = sc->p.stats[side].ctr[WR_CTR_tcp_rto];
	if (*cache != 0 && wr_tcp_info(s, (wr_handle_t)*cache, &out->info) &&
		wr_tuple_eq(&out->info.tuple, t))
		return true;
	while ((h = wr_tcp_walk(s, &cursor)) != WR_HANDLE_NONE)
		if (wr_tcp_info(s, h, &out->info) && wr_tuple_eq(&out->info.tuple, t)) {
			*cache = h;
			return true;
		}
	return false;
}

static const char *name(void *arg, const struct wr_addr *a, uint16_t port)
{
	return port == 80 ? "server" : "client";
}

__attribute__((noreturn)) static void wrong(void *arg, const char *text)
{
	struct scenario *sc = arg;

	pair_fail(&sc->p, "%s", text);
}

static void on_sent(void *arg, int from, const struct wr_pkt *k, wr_us_t at, uint32_t what)
{
	struct scenario *sc = arg;

	watch_sent(&sc->w, sc->p.now, k, at, what);
}

static void on_arrives(void *arg, int to, const struct wr_pkt *k, uint32_t what)
{
	struct scenario *sc = arg;

	watch_arrives(&sc->w, sc->p.now, k, what);
}

static void on_failed(void *arg)
{
	struct scenario *sc = arg;

	watch_print_last(&sc->w);
	fprintf(stderr, "seed %llu failed\n", (unsigned long long)sc->seed);
	runner_say_replay(sc->o, sc->seed);
	fflush(stderr);
}

// --- one seed
// -------------------------------------------------------------------------------------

static void say(
	const struct scenario *sc, const struct wr_tcp_config *a, const struct wr_tcp_config *b)
{
	const struct pair *p = &sc->p;

	printf("seed %llu: v%c conns %u loss %u dup %u reorder %u corrupt %u delay %u share %u "
	       "split %u budget %u/%u rcv %u/%u ack %u/%u ms aborts %d starve %u hostile %u\n",
		(unsigned long long)sc->seed, p->v6 ? '6' : '4', sc->conns, p->link.loss,
		p->link.dup, p->link.reorder, p->link.corrupt, p->link.delay_us, p->link.share,
		p->link.split, a->held_budget, b->held_budget, a->rcv_buf_bytes, b->rcv_buf_bytes,
		(uint32_t)(a->ack_delay_us / WR_US_PER_MS),
		(uint32_t)(b->ack_delay_us / WR_US_PER_MS), !!(sc->trouble & 1u << ABORTS),
		sc->starve, p->hostile);
}

static void make(struct scenario *sc)
{
	struct watch_ops ops = {sc, sight, name, wrong};
	struct wr_tcp_listen_opts lo = {0};
	struct wr_tcp_config ca, cb;
	struct pair *p = &sc->p;
	struct wr_rng rng;

	wr_rng_init(&rng, sc->seed ^ 0x51ed270b);
	ca = random_config(&rng);
	cb = random_config(&rng);
	random_ack_delay(sc->seed, &ca, &cb);
	pair_start(p, &ca, &cb, sc->seed, sc->seed & 1);
	random_link(p);
	p->iss_forced = !one_in(p, 3);
	for (int i = 0; i < 2; i++) {
		p->iss[i] = bases[wr_rng_below(&p->rng, RTE_DIM(bases))];
		p->iss[i] -= pick(p, 0, 5000);
	}
	p->room = one_in(p, 4) ? pick(p, 1, 4) : 64;
	sc->starve = one_in(p, 5) ? pick(p, 1, STARVE_MAX) : 0;
	sc->hungry = sc->starve > 0 ? p->now + pick(p, 0, 1000000) : WR_US_NEVER;
	p->hostile = one_in(p, 8) ? pick(p, 1, 200) : 0;
	sc->conns = one_in(p, 3) ? pick(p, 2, 6) : 1;
	sc->trouble = (p->link.loss > 0) << LOSS | (p->link.dup > 0) << DUP |
	              (p->link.reorder > 0) << REORDER | (p->link.corrupt > 0) << CORRUPT |
	              (p->hostile > 0) << HOSTILE |
	              (ca.held_budget < 400 || cb.held_budget < 400) << BUDGET |
	              (uint32_t)(p->hostile > 0 || one_in(p, 6)) << ABORTS;
	sc->calm = sc->trouble == 0 && sc->starve == 0 && p->link.jitter_us == 0 &&
	           RTE_MAX(ca.ack_delay_us, cb.ack_delay_us) <= PATIENT_US;
	watch_reset(&sc->w, &ops, p->now);
	sc->w.trace = sc->o->trace;
	sc->w.hostile = p->hostile > 0;
	p->watch = (struct pair_watch){sc, on_sent, on_arrives, on_failed};
	if (sc->o->verbose || sc->o->trace)
		say(sc, &ca, &cb);
	pair_listen(p, &lo);
	for (uint32_t i = 0; i < sc->conns; i++)
		open_one(p);
	pair_flush(p, 0);
}

static void live_through(struct scenario *sc)
{
	struct pair *p = &sc->p;
	wr_us_t start = p->now;
	uint32_t turns = 0;

	while (!all_done(p) && pair_turn(p)) {
		// who is on the path can stall a connection for good
		if (p->hostile > 0 && p->now - start > LIFE_US) {
			sc->trouble |= 1u << STALLED;
			if (sc->o->verbose)
				printf("seed %llu stalled\n", (unsigned long long)sc->seed);
			break;
		}
		if (++turns > TURNS_MAX || p->now - start > LIFE_US)
			pair_fail(p, "no end after %u turns", turns);
		if ((sc->trouble & 1u << ABORTS) && one_in(p, 200))
			abort_some(p);
		starve(sc);
		if (sc->taken_count == 0)
			watch_progress(&sc->w, p->now, pair_next(p));
	}
	give_back(sc);
	if (!all_done(p) && !(sc->trouble & 1u << ABORTS))
		pair_fail(p, "nothing moves any more");
}

static void run(uint64_t seed, const struct runner_opts *o, struct runner_result *r)
{
	static struct scenario scenario;
	struct scenario *sc = &scenario;
	struct pair *p = &sc->p;
	wr_us_t start;

	wr_test_eal_init();
	sc->seed = seed;
	sc->o = o;
	make(sc);
	live_through(sc);
	check_ends(sc);
	check_patience(sc);
	drop_orphans(p);
	// TIME-WAIT, orphans and half-open ones run out
	start = p->now;
	while (live(p) > 0 && p->now - start < 1000 * WR_US_PER_S && pair_turn(p))
		watch_progress(&sc->w, p->now, pair_next(p));
	check_empty(p);
	pair_stop(p);
	r->segments = (uint32_t)sc->w.segments;
	r->trouble = sc->trouble;
}

int main(int argc, char **argv)
{
	static const struct runner_sim sim = {"sim_pair", 100, trouble_names, run};

	return runner_main(argc, argv, &sim);
}
