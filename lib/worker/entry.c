/* SPDX-License-Identifier: BSD-3-Clause */
#include "entry.h"

#include "wr_peek.h"

#define RELEASES 32 // held requests let in, and as many refused, in one turn

// What holds a request back, or refuses it.
struct limits {
	struct wr_limit *limit[3];
	struct wr_limit_rule rule[3];
	bool delay[3]; // what is above the rate waits, if it can
	uint32_t n, client;
};

static void add_limit(struct limits *ls, struct wr_limit *l, const struct wr_conf_limit *c,
	enum wr_conf_over over)
{
	ls->limit[ls->n] = l;
	ls->delay[ls->n] = over == WR_CONF_OVER_DELAY;
	ls->rule[ls->n++] = wr_proxy_limit_rule(c);
}

// The limits of a new connection, from the widest to the client's own.
static void limits_of(struct wr_worker *w, uint16_t service, const struct wr_addr *client,
	wr_us_t now, struct limits *ls)
{
	struct wr_proxy_shared *sh = w->fabric->shared;
	const struct wr_conf *conf = w->conf;
	const struct wr_conf_service *sv = &conf->services[service];

	ls->n = 0;
	ls->client = WR_CLIENT_NONE;
	if (w->limited_all)
		add_limit(ls, &sh->limits[0], &conf->limit, conf->over);
	if (w->limited[service] & LIMITED_SERVICE)
		add_limit(ls, &sh->limits[1 + service], &sv->limit, sv->over);
	if (!(w->limited[service] & LIMITED_CLIENT))
		return;
	ls->client = wr_clients_get(sh->clients, service, client, (uint8_t)sv->client_prefix_v4,
		(uint8_t)sv->client_prefix_v6, now);
	if (ls->client != WR_CLIENT_NONE)
		add_limit(ls, wr_clients_limit(sh->clients, ls->client), &sv->client, sv->over);
	else if (sv->client.rate != 0) // else the session tells, which counts its connections
		wr_stats_add(&w->stats, WR_CTR_clients_full, 1);
}

static void charge_back(struct limits *ls, uint32_t n)
{
	while (n-- > 0)
		if (ls->rule[n].rate_per_s != 0)
			wr_limit_rate_back(ls->limit[n], &ls->rule[n]);
}

// Charge the rates; where they delay, a request may wait for `most`. Returns for how long this one
// has to; WR_US_NEVER: longer, or *why tells of a number of connections that is reached; nothing is
// charged.
static wr_us_t charge(struct limits *ls, wr_us_t most, wr_us_t now, enum wr_drop *why)
{
	wr_us_t wait = 0, one;

	for (uint32_t i = 0; i < ls->n; i++) {
		const struct wr_limit_rule *r = &ls->rule[i];

		one = 0;
		if (r->connections != 0 && __atomic_load_n(&ls->limit[i]->connections,
						   __ATOMIC_RELAXED) >= r->connections) {
			*why = WR_DROP_syn_limit_conns;
			one = WR_US_NEVER;
		} else if (r->rate_per_s != 0) {
			*why = WR_DROP_syn_limit_rate;
			one = wr_limit_rate_within(ls->limit[i], r, ls->delay[i] ? most : 0, now);
		}
		if (one == WR_US_NEVER) {
			charge_back(ls, i);
			return one;
		}
		wait = RTE_MAX(wait, one);
	}
	return wait;
}

static void refuse(
	struct wr_worker *w, struct wr_pkt *p, enum wr_drop why, enum wr_door_verdict how)
{
	bool reset = how == WR_DOOR_RESET;

	p->admit = reset ? WR_TCP_REFUSE_RST : WR_TCP_REFUSE_DROP;
	p->admit_why = (uint8_t)why;
	wr_stats_add(&w->stats, reset ? WR_CTR_door_reset : WR_CTR_door_dropped, 1);
}

// Whether limits let the request pass. False: *held tells whether it waits, else it is refused.
static bool pass_limits(struct wr_worker *w, struct wr_pkt *p, uint16_t service, uint8_t class,
	wr_us_t now, bool *held)
{
	const struct wr_conf *conf = w->conf;
	enum wr_drop why = WR_DROP_NONE;
	struct limits ls;
	wr_us_t wait;

	limits_of(w, service, &p->t.remote, now, &ls);
	wait = charge(&ls, conf->pressure.hold_us, now, &why);
	*held = wait != 0 && wait != WR_US_NEVER &&
	        hold_until(&w->hold, p, service, class, now + wait);
	if (wait != 0 && wait != WR_US_NEVER && !*held)
		charge_back(&ls, ls.n);
	if (ls.client != WR_CLIENT_NONE)
		wr_clients_put(w->fabric->shared->clients, ls.client);
	if (wait == 0)
		return true;
	w->limit_hits[service]++;
	if (*held) {
		wr_stats_add(&w->stats, WR_CTR_door_delayed, 1);
	} else {
		w->limit_why[service] = why;
		refuse(w, p, why, wr_door_refuse(w->door, service, now));
	}
	return false;
}

// The queue that a gate stands for.
static int queue_of_gate(const struct wr_worker *w, uint16_t service)
{
	const struct wr_gate *g = wr_door_gate(w->door, service);

	if (g->limited && w->q.pending[service] >= 0)
		return w->q.pending[service];
	return w->q.lag;
}

static void refuse_at_door(struct wr_worker *w, struct wr_pkt *p, uint16_t service,
	enum wr_door_verdict how, enum wr_drop why)
{
	if (why != WR_DROP_syn_operator)
		wr_pressure_refuse(&w->pressure, queue_of_gate(w, service), 1, why);
	refuse(w, p, why, how);
}

static void let_in(struct wr_worker *w, struct wr_pkt *p)
{
	// Where half-open connections crowd, nothing is kept for a client that has not shown
	// itself.
	p->admit = w->by_cookie ? WR_TCP_ADMIT_COOKIE : WR_TCP_ADMIT;
	wr_stats_add(&w->stats, WR_CTR_door_admitted, 1);
}

// Refuse one that was held, for its time or for one of a better class.
static void refuse_held(
	struct wr_worker *w, struct hold_slot *s, struct wr_pkt *p, enum wr_drop why, wr_us_t now)
{
	*p = s->pkt;
	wr_pressure_refuse(&w->pressure, w->q.syn_hold, 1, why);
	refuse(w, p, why, wr_door_refuse(w->door, s->service, now));
}

static void engine(struct wr_worker *w, struct wr_pkt *p, uint16_t n, wr_us_t now)
{
	if (n == 0)
		return;
	wr_stats_add(&w->stats, WR_CTR_rx_tcp, n);
	wr_tcp_input_burst(w->tcp, p, n, now);
}

static bool hold(
	struct wr_worker *w, struct wr_pkt *p, uint16_t service, uint8_t class, wr_us_t now)
{
	struct wr_pkt other;
	uint32_t out;

	if (!hold_queue(&w->hold, p, service, class, now, &out))
		return false;
	wr_stats_add(&w->stats, WR_CTR_door_held, 1);
	if (out != WR_WAITQ_NONE) {
		refuse_held(w, &w->hold.slot[out], &other, WR_DROP_syn_hold_full, now);
		hold_put(&w->hold, out);
		engine(w, &other, 1, now);
	}
	return true;
}

// The door's part, for one that access list and limits let pass. False: held.
static bool at_door(
	struct wr_worker *w, struct wr_pkt *p, uint16_t service, uint8_t class, wr_us_t now)
{
	enum wr_drop why = WR_DROP_NONE;
	enum wr_door_verdict v;

	// Something that every connection takes is at its critical mark: the first class alone.
	if (w->refusing >= 0 && class > 0) {
		wr_pressure_refuse(&w->pressure, w->refusing, 1, WR_DROP_syn_refused);
		refuse(w, p, WR_DROP_syn_refused, wr_door_refuse(w->door, service, now));
		return true;
	}
	v = wr_door_ask(w->door, service, class, &p->t.remote, now, &why);
	if (v == WR_DOOR_HOLD) {
		if (hold(w, p, service, class, now))
			return false;
		wr_pressure_refuse(&w->pressure, w->q.syn_hold, 1, WR_DROP_syn_hold_full);
		refuse(w, p, WR_DROP_syn_hold_full, wr_door_refuse(w->door, service, now));
	} else if (v == WR_DOOR_ADMIT) {
		let_in(w, p);
	} else {
		refuse_at_door(w, p, service, v, why);
	}
	return true;
}

// Whether a request could meet a limit, or a gate that is not open.
static bool judges(const struct wr_worker *w, uint16_t service)
{
	return w->limited_all || w->limited[service] ||
	       wr_door_gate(w->door, WR_DOOR_WORKER)->limited ||
	       wr_door_gate(w->door, service)->limited;
}

bool entry_judge(struct wr_worker *w, struct wr_pkt *p, wr_us_t now)
{
	uint16_t service = wr_proxy_service_at(w->proxy, &p->t.local, p->t.lport);
	struct wr_access_verdict v;
	uint32_t bytes = p->payload_len;
	bool held = false;

	if (service == WR_PROXY_NO_SERVICE || w->stopped)
		return true;
	// Sent again for a connection that there is, it begins none: nothing is charged for it.
	if (unlikely(judges(w, service)) && wr_tcp_knows(w->tcp, p))
		return true;
	wr_stats_add(&w->stats, WR_CTR_door_asked, 1);
	v = wr_access_look(w->fabric->shared->access, &p->t.remote, service,
		(uint8_t)w->conf->services[service].class);
	if (v.denied) {
		refuse(w, p, WR_DROP_syn_denied, WR_DOOR_DROP);
		return true;
	}
	if ((w->limited_all || w->limited[service]) &&
		!pass_limits(w, p, service, v.class, now, &held)) {
		if (!held)
			return true;
	} else if (at_door(w, p, service, v.class, now)) {
		return true;
	}
	// Payload of a request is not acknowledged and comes again.
	if (bytes > 0)
		wr_stats_drop_bytes(&w->stats, WR_DROP_pay_trimmed, bytes);
	return false;
}

uint16_t entry_early(struct wr_worker *w, struct rte_mbuf **m, uint16_t n, wr_us_t now)
{
	const struct wr_fabric *f = w->fabric;
	bool limited = wr_door_gate(w->door, WR_DOOR_WORKER)->limited;
	uint16_t left = 0;

	for (uint16_t i = 0; i < n; i++) {
		const struct wr_rss *rss = f->port_rss[m[i]->port];
		struct wr_access_verdict v;
		struct wr_tuple t;
		uint16_t service;

		m[left] = m[i];
		if (!wr_peek_syn(m[i], &t) ||
			(rss != NULL && wr_rss_worker(rss, wr_rss_hash(rss, &t)) != w->id)) {
			left++;
			continue;
		}
		service = wr_proxy_service_at(w->proxy, &t.local, t.lport);
		if (service == WR_PROXY_NO_SERVICE) {
			left++;
			continue;
		}
		v = wr_access_look(f->shared->access, &t.remote, service,
			(uint8_t)w->conf->services[service].class);
		// Who is denied is no demand: counted as such behind the parser.
		if (v.denied || (!wr_door_cuts(w->door, service, v.class, &t.remote, now) &&
					!(limited && hold_refuses(&w->hold, v.class)))) {
			left++;
			continue;
		}
		wr_pressure_refuse(&w->pressure, queue_of_gate(w, service), 1, WR_DROP_syn_early);
		wr_stats_drop(&w->stats, WR_DROP_syn_early, 1);
		wr_stats_add(&w->stats, WR_CTR_door_asked, 1);
		wr_stats_add(&w->stats, WR_CTR_door_dropped, 1);
		rte_pktmbuf_free(m[i]);
	}
	return left;
}

// Those that a limit delayed: their rates were charged when they came.
static uint32_t turn_due(struct wr_worker *w, struct wr_pkt *p, wr_us_t now)
{
	uint32_t i, n = 0;

	while (n < RELEASES && (i = hold_due(&w->hold, now)) != WR_WAITQ_NONE) {
		struct hold_slot s = w->hold.slot[i];

		hold_put(&w->hold, i);
		p[n] = s.pkt;
		n += at_door(w, &p[n], s.service, s.class, now);
	}
	return n;
}

static uint32_t turn_expired(struct wr_worker *w, struct wr_pkt *p, wr_us_t now)
{
	uint32_t i, n = 0;

	for (; n < RELEASES && (i = hold_expired(&w->hold, now)) != WR_WAITQ_NONE; n++) {
		refuse_held(w, &w->hold.slot[i], &p[n], WR_DROP_syn_hold_timeout, now);
		hold_put(&w->hold, i);
	}
	return n;
}

static uint32_t turn_released(struct wr_worker *w, struct wr_pkt *p, wr_us_t now)
{
	uint32_t most =
		w->stopped ? RELEASES : wr_door_release(w->door, w->hold.q.depth, RELEASES, now);
	uint32_t i, n = 0;

	for (; n < most && (i = hold_next(&w->hold, now)) != WR_WAITQ_NONE; n++) {
		p[n] = w->hold.slot[i].pkt;
		let_in(w, &p[n]);
		hold_put(&w->hold, i);
	}
	return n;
}

uint32_t entry_turn(struct wr_worker *w, wr_us_t now)
{
	struct wr_pkt p[RELEASES];
	uint32_t n, done = 0;

	if (w->hold.used == 0)
		return 0;
	n = turn_expired(w, p, now);
	engine(w, p, (uint16_t)n, now);
	done += n;
	n = turn_due(w, p, now);
	engine(w, p, (uint16_t)n, now);
	done += n;
	n = w->hold.q.depth > 0 ? turn_released(w, p, now) : 0;
	engine(w, p, (uint16_t)n, now);
	return done + n;
}

static void tell(struct wr_worker *w, enum wr_event_kind kind, uint16_t service, uint64_t extra,
	uint64_t count, enum wr_drop reason, wr_us_t now)
{
	struct wr_event ev = {.at_us = now,
		.kind = (uint16_t)kind,
		.worker = w->id,
		.queue = UINT16_MAX,
		.scope = service,
		.level = w->pressure.own.level,
		.reason = (uint16_t)reason,
		.extra = (uint32_t)RTE_MIN(extra, (uint64_t)UINT32_MAX),
		.count = (uint32_t)RTE_MIN(count, (uint64_t)UINT32_MAX)};

	wr_stats_add(&w->stats, WR_CTR_events_raised, 1);
	if (!wr_event_push(w->events, &ev))
		wr_stats_add(&w->stats, WR_CTR_events_lost, 1);
}

// A gate that was limited, or that opened.
static void tell_gate(struct wr_worker *w, uint16_t service, uint32_t slot, wr_us_t now)
{
	const struct wr_gate *g = wr_door_gate(w->door, service);
	struct gate_seen *seen = &w->gate_seen[slot];

	if (g->limited == seen->limited)
		return;
	seen->limited = g->limited;
	if (g->limited) {
		seen->since_us = now;
		tell(w, WR_EV_door_limited, service, g->rate_per_s, 0, WR_DROP_NONE, now);
	} else {
		tell(w, WR_EV_door_open, service, (now - seen->since_us) / WR_US_PER_MS,
			g->refused_limited, WR_DROP_NONE, now);
	}
}

static void tell_limits(struct wr_worker *w, uint16_t service, wr_us_t now)
{
	uint64_t n = w->limit_hits[service] - w->limit_told[service];

	if (n == 0 || now < w->next_limit_us[service])
		return;
	w->next_limit_us[service] = now + WR_US_PER_S;
	w->limit_told[service] = w->limit_hits[service];
	tell(w, WR_EV_limit_reached, service, 0, n, w->limit_why[service], now);
}

void entry_tick(struct wr_worker *w, wr_us_t now)
{
	uint16_t services = (uint16_t)w->conf->service_count;
	struct wr_door_service ds[WR_MAX_SERVICES];
	struct wr_door_signals sig = {.lag_us = w->lag_period_us,
		.sessions_ended = w->stats.ctr[WR_CTR_sessions_closed],
		.level = w->pressure.own.level};

	for (uint16_t i = 0; i < services; i++)
		tell_limits(w, i, now);
	if (!wr_door_due(w->door, now))
		return;
	for (uint16_t i = 0; i < services; i++) {
		struct wr_proxy_pending pp;

		ds[i] = (struct wr_door_service){0};
		if (w->conf->services[i].slot == WR_CONF_VACANT)
			continue;
		wr_proxy_pending(w->proxy, i, now, &pp);
		ds[i] = (struct wr_door_service){.pending = pp.depth,
			.waits = pp.waits,
			.completed = wr_proxy_service(w->proxy, i)->completed};
	}
	sig.busy_permille = busy_permille(w, &w->door_busy, now);
	w->lag_period_us = 0;
	if (!w->conf->pressure.enabled)
		return;
	wr_door_tick(w->door, &sig, ds, now);
	tell_gate(w, WR_DOOR_WORKER, 0, now);
	for (uint16_t i = 0; i < services; i++)
		tell_gate(w, i, 1u + i, now);
	// The worker's own gate alone: what one service refuses is that service's matter.
	wr_pressure_cut(&w->pressure, wr_door_gate(w->door, WR_DOOR_WORKER)->cut_permille);
}
