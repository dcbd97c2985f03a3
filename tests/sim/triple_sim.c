/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "reloads.h"
#include "runner.h"
#include "triple.h"
#include "watch.h"

// Random scenarios through a whole fabric: every seed is another mix of workers, queues, port
// abilities, pools, link faults, endings and disturbances. Streams are compared byte by byte, every
// packet is judged (watch.h), books are checked on the way, and at the end nothing is left
// anywhere.

#define CONNS_MAX 48
#define END_US    (3000 * TRI_S)

enum trouble {
	LOSS,
	DUP,
	REORDER,
	CORRUPT,
	NO_SMALL,
	NO_RX,
	BUDGET,
	DISTURBED,
	BROKEN,
	SEVERAL,
	RELOADS,
	TUNNELS
};
static const char *const trouble_names[] = {"loss", "duplication", "reordering", "corruption",
	"no small buffers", "no RX buffers", "small budget", "resets and deaths",
	"connections that broke", "several workers", "changes of configuration", "encrypted", NULL};

struct scenario {
	struct triple *t;
	const struct runner_opts *o;
	struct wr_rng rng; // of the scenario; the link has its own
	struct watch w;
	struct reloads reloads;
	uint32_t trouble;
	bool disturbed; // somebody resets, dies, is killed
	bool died;      // a peer was dead: from then on nobody is asked for progress
	bool lossy;
	uint32_t conns;
	struct tri_conn *conn[CONNS_MAX];
	bool second[CONNS_MAX];  // to the second service
	bool excused[CONNS_MAX]; // which was not there, or left before a backend heard of it
	bool was_deaf[CONNS_MAX];
	wr_us_t next_act;
	uint32_t acts;
	uint32_t starve; // times that buffers of the fabric still run out
	wr_us_t hungry;
	struct rte_mempool *from; // where the taken ones belong
	struct rte_mbuf **taken;
	uint32_t taken_count;
};

static uint32_t pick(struct scenario *sc, uint32_t low, uint32_t high)
{
	return low + wr_rng_below(&sc->rng, high - low + 1);
}

static bool one_in(struct scenario *sc, uint32_t n)
{
	return wr_rng_below(&sc->rng, n) == 0;
}

static void random_link(struct scenario *sc, struct tri_link *l)
{
	l->delay_us = one_in(sc, 3) ? 0 : pick(sc, 10, 20000);
	l->jitter_us = one_in(sc, 2) ? 0 : pick(sc, 0, 1000);
	l->held_us = pick(sc, 100, 30000);
	l->split = one_in(sc, 4) ? pick(sc, 0, 300) : 0;
	if (one_in(sc, 3))
		return;
	l->loss = one_in(sc, 3) ? pick(sc, 0, 60) : pick(sc, 0, 10);
	l->dup = one_in(sc, 2) ? 0 : pick(sc, 0, 50);
	l->reorder = one_in(sc, 2) ? 0 : pick(sc, 0, 100);
	l->corrupt = one_in(sc, 3) ? pick(sc, 0, 20) : 0;
	sc->lossy = sc->lossy || l->loss > 0 || l->corrupt > 0;
	sc->trouble |= (l->loss > 0) << LOSS | (l->dup > 0) << DUP | (l->reorder > 0) << REORDER |
	               (l->corrupt > 0) << CORRUPT;
}

// What an ACK of the fabric may wait for. By a number of its own, so that all else of a seed is
// what it is without.
static const char *random_ack_delay(uint64_t seed)
{
	static const char *const runtimes[] = {"  tcp: {ack_delay: off}\n",
		"  tcp: {ack_delay: 1ms}\n", "  tcp: {ack_delay: 2ms}\n",
		"  tcp: {ack_delay: 40ms}\n", "  tcp: {ack_delay: 100ms}\n"};
	struct wr_rng rng;

	wr_rng_init(&rng, seed ^ 0xacde1a);
	return runtimes[wr_rng_below(&rng, RTE_DIM(runtimes))];
}

// Backends behind tunnels, of every kind; by a number of its own as well.
static void random_tunnels(struct scenario *sc, struct tri_config *c)
{
	struct wr_rng rng;

	wr_rng_init(&rng, c->seed ^ 0x7e55e1);
	if (wr_rng_below(&rng, 3) > 0)
		return;
	c->esp = TRI_ESP | wr_rng_below(&rng, 2 * TRI_ESP_OUTER6);
	if (c->family == 0)
		c->family = wr_rng_below(&rng, 2) ? 4 : 6;
	sc->trouble |= 1u << TUNNELS;
}

static struct tri_config random_config(struct scenario *sc, uint64_t seed)
{
	static const uint16_t workers[] = {1, 1, 2, 2, 2, 4};
	static const char *const services[] = {NULL, "    accept: deferred\n",
		"    timeouts: {connect: 1s, idle: 20s, half_closed: 30s, close: 5s}\n",
		"    accept: deferred\n    timeouts: {connect: 400ms, idle: 5s}\n"};
	struct tri_config c = {.seed = seed};

	c.workers = workers[wr_rng_below(&sc->rng, RTE_DIM(workers))];
	c.queues = one_in(sc, 2) ? c.workers : 1;
	c.reta_size = (uint16_t)(1u << pick(sc, 0, 9));
	c.port_flags = WR_PORT_F_RX_DEPTH;
	c.port_flags |= one_in(sc, 4) ? 0 : WR_PORT_F_TX_MULTI_SEGS;
	c.port_flags |= one_in(sc, 2) ? 0 : WR_PORT_F_TX_TCP_CKSUM | WR_PORT_F_TX_IP_CKSUM;
	c.port_flags |= one_in(sc, 2) ? 0 : WR_PORT_F_RX_CKSUM;
	c.backends = pick(sc, 1, 5);
	c.family = one_in(sc, 2) ? 0 : one_in(sc, 2) ? 4 : 6;
	c.max_sessions = one_in(sc, 4) ? pick(sc, 16, 64) : 256;
	c.tx_desc = one_in(sc, 3) ? 16 : 0;
	c.rx_mbufs = one_in(sc, 6) ? 6000 : 0; // little for payload: credit is refused, levels rise
	c.service = services[wr_rng_below(&sc->rng, RTE_DIM(services))];
	c.pool = "    health: {type: tcp, rise: 1, fall: 1}\n";
	c.sources = one_in(sc, 4) ? "" : NULL;
	c.runtime = random_ack_delay(seed);
	random_link(sc, &c.link[TRI_WAN]);
	random_link(sc, &c.link[TRI_LAN]);
	reloads_configure(&sc->reloads, &c);
	random_tunnels(sc, &c);
	return c;
}

static void open_one(struct scenario *sc)
{
	struct tri_want w = {.mode = one_in(sc, 2) ? TRI_ECHO : TRI_BULK};
	struct tri_conn *c;

	w.up = one_in(sc, 3) ? pick(sc, 0, 400) : pick(sc, 0, 80000);
	w.down = one_in(sc, 3) ? pick(sc, 0, 400) : pick(sc, 0, 80000);
	w.family = one_in(sc, 2) ? 4 : 6;
	w.no_opts = (uint8_t)(wr_rng_next(&sc->rng) &
			      (WR_TCPOPT_WSCALE | WR_TCPOPT_SACKOK | WR_TCPOPT_TS));
	w.mss = (uint16_t)(one_in(sc, 4) ? pick(sc, 100, 1440) : 0);
	w.rcv_buf = one_in(sc, 4) ? pick(sc, 3000, 60000) : 0;
	w.flags = w.mode == TRI_BULK && one_in(sc, 3) ? TRI_F_CLOSE_FIRST : 0;
	w.flags |= one_in(sc, 8) ? TRI_F_DEAF : 0;
	if (sc->disturbed && one_in(sc, 10))
		w.flags |= TRI_F_RESET;
	// Some come to a service that is not there.
	if (sc->reloads.on)
		w.service = wr_rng_below(&sc->reloads.rng, sc->reloads.second_up ? 2 : 8) == 0;
	c = tri_connect(sc->t, &w);
	c->deaf = one_in(sc, 10);
	sc->second[sc->conns] = w.service > 0;
	sc->excused[sc->conns] = sc->was_deaf[sc->conns] = false;
	sc->conn[sc->conns++] = c;
}

static void look_at_conns(struct scenario *sc)
{
	for (uint32_t i = 0; i < sc->conns; i++) {
		struct tri_conn *other = tri_other(sc->t, sc->conn[i]);

		sc->was_deaf[i] |= sc->conn[i]->deaf || (other != NULL && other->deaf);
		if (sc->second[i] && !sc->reloads.second_up && other == NULL)
			sc->excused[i] = true;
	}
}

// --- disturbances -----------------------------------------------------------------------------

static struct tri_conn *any_live(struct scenario *sc)
{
	struct tri_conn *c = &sc->t->conn[wr_rng_below(&sc->rng, sc->t->conns)];

	return c->released ? NULL : c;
}

static void set_listening(struct scenario *sc, uint32_t backend, bool on)
{
	struct tri_peer *p = &sc->t->peer[1 + backend];
	bool v4 = sc->t->cfg.family == 4 || (sc->t->cfg.family == 0 && backend % 2 == 0);
	struct wr_endpoint at = {v4 ? p->addr4 : p->addr6, 80};
	struct wr_tcp_listen_opts o = {0};

	if (on)
		wr_tcp_listen(p->tcp, &at, &o);
	else
		wr_tcp_unlisten(p->tcp, &at);
}

static void probe(struct scenario *sc, uint32_t backend)
{
	struct wr_backend *be = tri_backend(sc->t, backend);
	enum wr_backend_health before;
	struct wr_msg m;

	if (be == NULL || sc->reloads.on) // it has left, or control checks it
		return;
	before = be->health;
	wr_backends_turn(sc->t->backends, sc->t->now);
	if (before == WR_HEALTH_UP && be->health == WR_HEALTH_DOWN && one_in(sc, 2))
		tri_post(sc->t, &(struct wr_msg){.kind = WR_MSG_KILL_BACKEND, .a = backend});
	m = tri_ask(be, WR_CHECK_TCP, TRI_S);
	wr_worker_post(
		wr_fabric_worker(sc->t->f, (uint16_t)wr_rng_below(&sc->rng, sc->t->cfg.workers)),
		&m);
}

static void disturb(struct scenario *sc)
{
	uint32_t b = wr_rng_below(&sc->rng, sc->t->cfg.backends);
	struct tri_conn *c;

	switch (wr_rng_below(&sc->rng, 9)) {
	case 0:
		sc->t->peer[1 + b].dead = !sc->t->peer[1 + b].dead;
		sc->died = true;
		break;
	case 1:
		set_listening(sc, b, one_in(sc, 2));
		break;
	case 2:
		tri_post(sc->t, &(struct wr_msg){.kind = WR_MSG_KILL_BACKEND, .a = b});
		break;
	case 3:
		tri_post(sc->t, &(struct wr_msg){.kind = WR_MSG_KILL_SESSION,
					.a = (uint32_t)wr_rng_next(&sc->rng)});
		break;
	case 4:
	case 5:
		probe(sc, b);
		break;
	default:
		c = any_live(sc);
		if (c != NULL)
			tri_reset(sc->t, c);
		break;
	}
}

// What harms nobody.
static void change(struct scenario *sc)
{
	uint16_t b = (uint16_t)wr_rng_below(&sc->rng, sc->t->cfg.backends);
	struct tri_conn *c = any_live(sc);

	if (one_in(sc, 3))
		wr_backends_set_weight(sc->t->backends, b, pick(sc, 1, 10), sc->t->now);
	else if (sc->t->cfg.backends > 1 && b > 0) // one always stays
		wr_backends_set_admin(sc->t->backends, b,
			one_in(sc, 2) ? WR_ADMIN_DRAINING : WR_ADMIN_ENABLED, 0, sc->t->now);
	wr_backends_reclaim(sc->t->backends);
	if (sc->t->esp != NULL && b == 0)
		tri_esp_rekey(sc->t);
	if (c != NULL && one_in(sc, 2))
		c->deaf = !c->deaf;
}

static void act(struct scenario *sc)
{
	if (sc->t->now < sc->next_act)
		return;
	sc->next_act = sc->t->now + pick(sc, 1000, 2000000);
	if (++sc->acts < 60) {
		if (sc->disturbed && one_in(sc, 3))
			disturb(sc);
		else
			change(sc);
		return;
	}
	for (uint32_t i = 0; i < sc->t->peers; i++)
		sc->t->peer[i].dead = false;
	for (uint32_t i = 0; i < sc->t->conns; i++)
		sc->t->conn[i].deaf = false;
	if (sc->acts > 1000)
		sc->next_act = WR_US_NEVER;
}

// --- the end ----------------------------------------------------------------------------------

static bool all_over(const struct scenario *sc)
{
	for (uint32_t i = 0; i < sc->t->conns; i++)
		if (!sc->t->conn[i].released)
			return false;
	return true;
}

static void say_broken(struct scenario *sc, const struct tri_conn *c)
{
	const struct tri_conn *b = tri_other(sc->t, c);

	printf("  %u at %llu: mode %u flags %u up %llu/%llu down %llu/%llu %s", c->order.id,
		(unsigned long long)c->closed_us, c->order.mode, c->order.flags,
		(unsigned long long)c->written, (unsigned long long)c->up,
		(unsigned long long)c->got, (unsigned long long)c->order.down,
		c->released ? wr_tcp_end_name(c->end) : "open");
	if (b != NULL)
		printf("; backend %u at %llu: read %llu written %llu %s", b->peer - 1,
			(unsigned long long)b->closed_us, (unsigned long long)b->got,
			(unsigned long long)b->written,
			b->released ? wr_tcp_end_name(b->end) : "open");
	putchar('\n');
}

// Nothing of what happened breaks a connection, whatever the configuration became.
static bool nothing_breaks(const struct scenario *sc)
{
	const struct triple *t = sc->t;

	return !sc->disturbed && !sc->lossy && sc->taken == NULL && t->cfg.rx_mbufs == 0 &&
	       t->cfg.max_sessions == 256 && !sc->reloads.limited && t->kills == 0 &&
	       t->event_count[WR_EV_breaker_open] == 0 && t->event_count[WR_EV_backend_down] == 0 &&
	       (t->cfg.service == NULL || strstr(t->cfg.service, "connect") == NULL);
}

static void check_end(struct scenario *sc)
{
	struct triple *t = sc->t;
	struct wr_service_counters s = tri_service(t);
	uint64_t broken = 0, told;
	bool patient;

	for (uint32_t i = 0; i < sc->conns; i++) {
		if (tri_complete(t, sc->conn[i]))
			continue;
		if (sc->o->verbose)
			say_broken(sc, sc->conn[i]);
		// Counters of the second service go with it.
		broken += !sc->second[i];
		if (sc->second[i] && !sc->excused[i] && !sc->was_deaf[i] && nothing_breaks(sc))
			tri_fail(t, "connection %u to the second service did not end well",
				sc->conn[i]->order.id);
	}
	sc->trouble |= (broken > 0) << BROKEN;
	// Whoever did not get everything was told so, and we counted it.
	told = s.failed + s.refused + s.timeouts + s.resets_backend + s.pending_timeouts +
	       s.pending_evicted + s.pending_full + tri_drop(t, WR_DROP_session_pool_full) +
	       tri_drop(t, WR_DROP_syn_refused) + tri_drop(t, WR_DROP_syn_backlog_full) +
	       tri_drop(t, WR_DROP_conn_pool_full) + tri_ctr(t, WR_CTR_slow_evicted) +
	       tri_ctr(t, WR_CTR_stall_closed) + tri_ctr(t, WR_CTR_door_reset) + t->kills;
	if (!sc->disturbed && broken > told)
		tri_fail(t, "%llu connections did not end well, but only %llu were told so",
			(unsigned long long)broken, (unsigned long long)told);
	// Without loss only a client that did not read for longer than the close time-out.
	patient = sc->taken == NULL; // nor were there always buffers
	patient = patient && (t->cfg.service == NULL || strstr(t->cfg.service, "connect") == NULL);
	if (sc->reloads.on)
		patient = nothing_breaks(sc);
	if (!sc->disturbed && !sc->lossy && patient && t->cfg.max_sessions == 256)
		TRI_EQ(t, broken, s.timeouts);
	if (t->cfg.queues == t->cfg.workers)
		TRI_EQ(t, tri_ctr(t, WR_CTR_steer_misses), 0);
}

static void say(const struct scenario *sc, uint32_t conns)
{
	const struct tri_config *c = &sc->t->cfg;

	printf("seed %llu: workers %u queues %u flags %x backends %u conns %u loss %u/%u dup %u/%u "
	       "delay %u/%u sessions %u%s%s%s%s\n",
		(unsigned long long)c->seed, c->workers, c->queues, c->port_flags, c->backends,
		conns, c->link[0].loss, c->link[1].loss, c->link[0].dup, c->link[1].dup,
		c->link[0].delay_us, c->link[1].delay_us, c->max_sessions, c->runtime + 1,
		c->service != NULL ? c->service + 4 : "", sc->disturbed ? "disturbed" : "",
		sc->reloads.on ? " reloads" : "");
	if (c->esp != 0)
		printf("  tunnels %x\n", c->esp);
}

// --- buffers that run out
// -------------------------------------------------------------------------

static void take(struct scenario *sc)
{
	const struct wr_mempools *mp = sc->t->pools;
	uint32_t left = one_in(sc, 2) ? 0 : pick(sc, 1, 40), n;

	sc->from = one_in(sc, 2) ? mp->small : mp->rx;
	sc->trouble |= sc->from == mp->small ? 1u << NO_SMALL : 1u << NO_RX;
	n = rte_mempool_avail_count(sc->from);
	n = n > left ? n - left : 0;
	sc->taken = realloc(sc->taken, n * sizeof(*sc->taken));
	if (n == 0 || rte_pktmbuf_alloc_bulk(sc->from, sc->taken, n) != 0)
		return;
	sc->taken_count = n;
	sc->t->buffers_away = n;
	sc->t->tick_least_us = 100;
}

static void give_back(struct scenario *sc)
{
	if (sc->taken_count > 0)
		rte_pktmbuf_free_bulk(sc->taken, sc->taken_count);
	sc->taken_count = sc->t->buffers_away = 0;
	sc->t->tick_least_us = 0;
	watch_excuse(&sc->w, sc->t->now);
}

static void starve(struct scenario *sc)
{
	if (sc->t->now < sc->hungry)
		return;
	if (sc->taken_count > 0) {
		give_back(sc);
		sc->hungry = sc->t->now + pick(sc, 1, 1000000);
	} else if (sc->starve > 0) {
		sc->starve--;
		take(sc);
		sc->hungry = sc->t->now + pick(sc, 100, one_in(sc, 2) ? 2000000 : 20000);
	} else {
		sc->hungry = WR_US_NEVER;
	}
}

// --- the watch
// ------------------------------------------------------------------------------------

// Peers come first, then workers.
static struct wr_tcp_stack *stack_at(struct scenario *sc, uint32_t i, uint64_t *timeouts)
{
	struct triple *t = sc->t;

	if (i < t->peers) {
		*timeouts = t->peer[i].stats.ctr[WR_CTR_tcp_rto];
		return t->peer[i].tcp;
	}
	i -= t->peers;
	if (i >= t->cfg.workers)
		return NULL;
	*timeouts = wr_fabric_worker(t->f, (uint16_t)i)->stats.ctr[WR_CTR_tcp_rto];
	return wr_fabric_worker(t->f, (uint16_t)i)->tcp;
}

static bool sight(void *arg, const struct wr_tuple *tuple, uint64_t *cache, struct watch_sight *out)
{
	struct scenario *sc = arg;
	struct wr_tcp_stack *s;

	if (*cache != 0) {
		s = stack_at(sc, (uint32_t)(*cache >> 32) - 1, &out->timeouts);
		if (wr_tcp_info(s, (wr_handle_t)*cache, &out->info) &&
			wr_tuple_eq(&out->info.tuple, tuple))
			return true;
	}
	for (uint32_t i = 0; (s = stack_at(sc, i, &out->timeouts)) != NULL; i++) {
		uint32_t cursor = 0;
		wr_handle_t h;

		while ((h = wr_tcp_walk(s, &cursor)) != WR_HANDLE_NONE)
			if (wr_tcp_info(s, h, &out->info) && wr_tuple_eq(&out->info.tuple, tuple)) {
				*cache = (uint64_t)(i + 1) << 32 | h;
				return true;
			}
	}
	return false;
}

static const char *name(void *arg, const struct wr_addr *a, uint16_t port)
{
	static const char *const names[TRI_PEERS] = {"client", "backend0", "backend1", "backend2",
		"backend3", "backend4", "backend5", "backend6", "backend7"};
	struct scenario *sc = arg;

	for (uint32_t i = 0; i < sc->t->peers; i++)
		if (wr_addr_eq(a, &sc->t->peer[i].addr4) || wr_addr_eq(a, &sc->t->peer[i].addr6))
			return names[i];
	return "weir";
}

__attribute__((noreturn)) static void wrong(void *arg, const char *text)
{
	struct scenario *sc = arg;

	tri_fail(sc->t, "%s", text);
}

static void on_sent(void *arg, const struct wr_pkt *k, wr_us_t at, uint32_t what)
{
	struct scenario *sc = arg;

	watch_sent(&sc->w, sc->t->now, k, at, what);
}

static void on_arrives(void *arg, const struct wr_pkt *k, uint32_t what)
{
	struct scenario *sc = arg;

	watch_arrives(&sc->w, sc->t->now, k, what);
}

static void on_failed(void *arg)
{
	struct scenario *sc = arg;

	watch_print_last(&sc->w);
	runner_say_replay(sc->o, sc->t->cfg.seed);
	fflush(stderr);
}

static_assert(TRI_F_LOST == WATCH_F_LOST && TRI_F_DUP == WATCH_F_DUP &&
		      TRI_F_LATE == WATCH_F_LATE && TRI_F_CORRUPT == WATCH_F_CORRUPT,
	"one set of flags");

// --- one seed
// -------------------------------------------------------------------------------------

static void make(struct scenario *sc, uint64_t seed)
{
	struct watch_ops ops = {sc, sight, name, wrong};
	struct tri_config cfg;

	sc->trouble = sc->conns = sc->acts = sc->taken_count = 0;
	sc->died = sc->lossy = false;
	sc->next_act = 0;
	sc->taken = NULL;
	wr_rng_init(&sc->rng, seed ^ 0x7219);
	reloads_init(&sc->reloads, seed);
	cfg = random_config(sc, seed);
	sc->disturbed = one_in(sc, 2);
	sc->t = tri_create(&cfg);
	sc->trouble |= (uint32_t)sc->disturbed << DISTURBED | (cfg.rx_mbufs > 0) << BUDGET |
	               (cfg.workers > 1) << SEVERAL;
	sc->t->check_every = one_in(sc, 4) ? 1 : 64;
	sc->starve = one_in(sc, 5) ? pick(sc, 1, 3) : 0;
	sc->hungry = sc->starve > 0 ? sc->t->now + pick(sc, 0, 1000000) : WR_US_NEVER;
	watch_reset(&sc->w, &ops, sc->t->now);
	sc->w.trace = sc->o->trace;
	sc->w.lower = true;
	sc->t->watch = (struct tri_watch){sc, on_sent, on_arrives, on_failed};
}

static void run(uint64_t seed, const struct runner_opts *o, struct runner_result *r)
{
	static struct scenario scenario;
	struct scenario *sc = &scenario;
	uint32_t conns;
	wr_us_t end;

	sc->o = o;
	make(sc, seed);
	conns = one_in(sc, 6) ? pick(sc, 10, CONNS_MAX) : pick(sc, 1, 8);
	if (o->verbose || o->trace)
		say(sc, conns);
	end = sc->t->now + END_US;
	while (sc->conns < conns || !all_over(sc)) {
		if (sc->t->now >= end)
			break;
		if (sc->conns < conns && (sc->conns == 0 || one_in(sc, 20)))
			open_one(sc);
		act(sc);
		starve(sc);
		reloads_turn(&sc->reloads, sc->t);
		look_at_conns(sc);
		tri_step(sc->t, RTE_MIN(RTE_MIN(end, sc->reloads.next_turn), sc->t->now + TRI_S));
		if (sc->taken_count == 0 && !sc->died)
			watch_progress(&sc->w, sc->t->now, tri_next(sc->t));
	}
	give_back(sc);
	sc->trouble |= (sc->t->changes > 0) << RELOADS;
	check_end(sc);
	tri_finish(sc->t);
	free(sc->taken);
	r->segments = (uint32_t)sc->w.segments;
	r->trouble = sc->trouble;
}

int main(int argc, char **argv)
{
	static const struct runner_sim sim = {"triple_sim", 100, trouble_names, run};

	return runner_main(argc, argv, &sim);
}
