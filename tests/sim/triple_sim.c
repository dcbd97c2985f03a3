/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include <getopt.h>

#include "triple.h"

// Random scenarios through a whole fabric: every seed is another mix of workers, queues, port
// abilities, pools, link faults, endings and disturbances. Streams are compared byte by byte, books
// are checked on the way, and at the end nothing is left anywhere. The same seed is the same run.

#define CONNS_MAX 48
#define END_US    (3000 * TRI_S)

struct scenario {
	struct triple *t;
	struct wr_rng rng; // of the scenario; the link has its own
	bool verbose;
	bool disturbed; // somebody resets, dies, is killed
	bool lossy;
	uint32_t conns;
	struct tri_conn *conn[CONNS_MAX];
	wr_us_t next_act;
	uint32_t acts;
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
	sc->lossy = sc->lossy || l->loss > 0;
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
	random_link(sc, &c.link[TRI_WAN]);
	random_link(sc, &c.link[TRI_LAN]);
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
	c = tri_connect(sc->t, &w);
	c->deaf = one_in(sc, 10);
	sc->conn[sc->conns++] = c;
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
	struct wr_endpoint at = tri_backend(sc->t, backend)->addr;
	struct wr_tcp_listen_opts o = {0};

	if (on)
		wr_tcp_listen(p->tcp, &at, &o);
	else
		wr_tcp_unlisten(p->tcp, &at);
}

static void probe(struct scenario *sc, uint32_t backend)
{
	struct wr_backend *be = tri_backend(sc->t, backend);
	struct wr_msg m = {
		.kind = WR_MSG_PROBE, .a = backend, .b = be->probe_asked + 1, .t = TRI_S};
	int err;

	if (wr_backends_probe_take(sc->t->backends, be->id, sc->t->now, &err) ==
			WR_BACKEND_WENT_DOWN &&
		one_in(sc, 2))
		tri_post(sc->t, &(struct wr_msg){.kind = WR_MSG_KILL_BACKEND, .a = backend});
	be->probe_asked++;
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
			one_in(sc, 2) ? WR_ADMIN_DRAINING : WR_ADMIN_ENABLED, sc->t->now);
	wr_backends_reclaim(sc->t->backends);
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

static void check_end(struct scenario *sc)
{
	struct triple *t = sc->t;
	struct wr_service_counters s = tri_service(t);
	uint64_t broken = 0, told;
	bool patient;

	for (uint32_t i = 0; i < sc->conns; i++) {
		if (tri_complete(t, sc->conn[i]))
			continue;
		broken++;
		if (sc->verbose)
			say_broken(sc, sc->conn[i]);
	}
	// Whoever did not get everything was told so, and we counted it.
	told = s.failed + s.refused + s.timeouts + s.resets_backend +
	       tri_drop(t, WR_DROP_session_pool_full) + tri_drop(t, WR_DROP_syn_refused) +
	       tri_drop(t, WR_DROP_syn_backlog_full) + tri_drop(t, WR_DROP_conn_pool_full);
	if (!sc->disturbed && broken > told)
		tri_fail(t, "%llu connections did not end well, but only %llu were told so",
			(unsigned long long)broken, (unsigned long long)told);
	// Without loss only a client that did not read for longer than the close time-out.
	patient = t->cfg.service == NULL || strstr(t->cfg.service, "connect") == NULL;
	if (!sc->disturbed && !sc->lossy && patient && t->cfg.max_sessions == 256)
		TRI_EQ(t, broken, s.timeouts);
	if (t->cfg.queues == t->cfg.workers)
		TRI_EQ(t, tri_ctr(t, WR_CTR_steer_misses), 0);
}

static void say(const struct scenario *sc)
{
	const struct tri_config *c = &sc->t->cfg;

	printf("seed %llu: workers %u queues %u flags %x backends %u conns %u loss %u/%u dup %u/%u "
	       "delay %u/%u sessions %u %s%s\n",
		(unsigned long long)c->seed, c->workers, c->queues, c->port_flags, c->backends,
		sc->conns, c->link[0].loss, c->link[1].loss, c->link[0].dup, c->link[1].dup,
		c->link[0].delay_us, c->link[1].delay_us, c->max_sessions,
		c->service != NULL ? c->service + 4 : "", sc->disturbed ? "disturbed" : "");
}

static void run(uint64_t seed, const char *program, bool verbose)
{
	static struct scenario scenario;
	struct scenario *sc = &scenario;
	char replay[256];
	struct tri_config cfg;
	uint32_t conns;
	wr_us_t end;

	memset(sc, 0, sizeof(*sc));
	sc->verbose = verbose;
	wr_rng_init(&sc->rng, seed ^ 0x7219);
	snprintf(replay, sizeof(replay), "%s --seed %llu --count 1", program,
		(unsigned long long)seed);
	cfg = random_config(sc, seed);
	cfg.replay = replay;
	sc->disturbed = one_in(sc, 2);
	sc->t = tri_create(&cfg);
	sc->t->check_every = one_in(sc, 4) ? 1 : 64;
	conns = one_in(sc, 3) ? pick(sc, 10, CONNS_MAX) : pick(sc, 1, 8);
	end = sc->t->now + END_US;
	while (sc->conns < conns || !all_over(sc)) {
		if (sc->t->now >= end)
			break;
		if (sc->conns < conns && (sc->conns == 0 || one_in(sc, 20)))
			open_one(sc);
		act(sc);
		tri_step(sc->t, RTE_MIN(end, sc->t->now + TRI_S));
	}
	if (verbose)
		say(sc);
	check_end(sc);
	tri_finish(sc->t);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"seed", required_argument, NULL, 's'},
		{"count", required_argument, NULL, 'c'}, {"verbose", no_argument, NULL, 'v'}, {0}};
	uint64_t seed = 1, count = 100;
	bool verbose = false;
	int o;

	while ((o = getopt_long(argc, argv, "s:c:v", options, NULL)) != -1) {
		if (o == 's')
			seed = strtoull(optarg, NULL, 0);
		else if (o == 'c')
			count = strtoull(optarg, NULL, 0);
		else if (o == 'v')
			verbose = true;
		else
			return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (uint64_t i = 0; i < count; i++)
		run(seed + i, argv[0], verbose);
	printf("%llu seeds from %llu: all well\n", (unsigned long long)count,
		(unsigned long long)seed);
	return 0;
}
