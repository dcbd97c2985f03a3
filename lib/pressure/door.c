/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_door.h"

#include <rte_common.h>
#include <rte_malloc.h>

#include "gate.h"
#include "wr_hash.h"

#define HOUR_US    (3600 * WR_US_PER_S)
#define EARLY_US   WR_DOOR_CUT_US
#define TARGET_US  (5 * WR_US_PER_MS)
#define SERVICE_US (50 * WR_US_PER_MS)

struct wr_door {
	struct wr_door_config cfg;
	uint64_t hour_key; // of buckets, in this hour
	uint64_t hour;
	wr_us_t tick_us, next_tick_us;
	bool ordered; // an order is in force
	bool early;
	uint8_t order[WR_MAX_SERVICES + 1]; // class from which requests are refused; [0]: of all
	int64_t resets;                     // tokens of refusals by reset
	wr_us_t resets_us;
	wr_us_t early_us;   // end of the period whose refusals are counted
	uint64_t refusals;  // in it
	struct gate gate[]; // [0]: the worker's, [1 + service]
};

static uint16_t gates_of(const struct wr_door *d)
{
	return (uint16_t)(d->cfg.services + 1);
}

static uint16_t index_of(const struct wr_door *d, uint16_t service)
{
	return service < d->cfg.services ? (uint16_t)(service + 1) : 0;
}

static void set_hour(struct wr_door *d, wr_us_t now)
{
	d->hour = now / HOUR_US;
	d->hour_key = wr_hash_mum(d->cfg.key[1] ^ d->hour, 0x9e3779b97f4a7c15ULL);
}

struct wr_door *wr_door_create(const struct wr_door_config *cfg, wr_us_t now, int numa_node)
{
	uint16_t services = RTE_MIN(cfg->services, (uint16_t)WR_MAX_SERVICES);
	size_t size = sizeof(struct wr_door) + (WR_MAX_SERVICES + 1u) * sizeof(struct gate);
	struct wr_door *d = rte_zmalloc_socket("door", size, RTE_CACHE_LINE_SIZE, numa_node);

	if (d == NULL)
		return NULL;
	d->cfg = *cfg;
	d->cfg.services = services;
	gate_init(&d->gate[0], TARGET_US, now, 0);
	wr_door_set_worker(d, cfg->target_us, cfg->hold_us, cfg->hold_requests);
	for (uint16_t i = 0; i < RTE_DIM(d->order); i++)
		d->order[i] = WR_CLASSES;
	for (uint16_t s = 0; s < WR_MAX_SERVICES; s++)
		wr_door_set_service(d, s, cfg->service_target_us[s], cfg->drop[s], true, now);
	set_hour(d, now);
	d->tick_us = now;
	d->next_tick_us = now + WR_DOOR_PERIOD_US;
	d->resets_us = now;
	d->early_us = now + EARLY_US;
	d->resets = (int64_t)cfg->resets_per_s * (int64_t)EARLY_US;
	return d;
}

void wr_door_set_worker(
	struct wr_door *d, wr_us_t target_us, wr_us_t hold_us, uint32_t hold_requests)
{
	struct gate *own = &d->gate[0];

	own->target_us = target_us ? target_us : TARGET_US;
	own->hold_us = hold_us;
	own->hold_requests = hold_us ? hold_requests : 0;
}

void wr_door_open_all(struct wr_door *d, wr_us_t now)
{
	struct gate own = d->gate[0];

	for (uint16_t i = 0; i < gates_of(d); i++)
		gate_init(&d->gate[i], d->gate[i].target_us, now, i);
	d->gate[0].hold_us = own.hold_us;
	d->gate[0].hold_requests = own.hold_requests;
	d->early = false;
}

void wr_door_set_services(struct wr_door *d, uint16_t n)
{
	d->cfg.services = RTE_MIN(n, (uint16_t)WR_MAX_SERVICES);
}

void wr_door_set_service(
	struct wr_door *d, uint16_t service, wr_us_t target_us, bool drop, bool other, wr_us_t now)
{
	struct gate *g = &d->gate[1 + service];

	target_us = target_us ? target_us : SERVICE_US;
	d->cfg.drop[service] = drop;
	if (other) {
		gate_init(g, target_us, now, service);
		d->order[1 + service] = WR_CLASSES;
	}
	g->target_us = target_us;
}

void wr_door_destroy(struct wr_door *d)
{
	rte_free(d);
}

// Place of a client's bucket inside its class. Keyed, so that clients cannot choose it, and other
// in each hour, so that the same are not always last.
static uint16_t place_of(const struct wr_door *d, const struct wr_addr *client)
{
	// Whoever has a /64 could try addresses until one is under the cut.
	uint64_t low = wr_addr_is_v4(client) ? client->q[1] : 0;
	uint64_t h = wr_hash_mum(client->q[0] ^ d->cfg.key[0], low ^ d->hour_key);

	return (uint16_t)(wr_hash_mum(h, d->hour_key ^ 0xe7037ed1a0b428dbULL) % WR_DOOR_BUCKETS);
}

// The ladder: reset while the budget lasts, then unanswered.
static enum wr_door_verdict refuse(struct wr_door *d, uint16_t index, wr_us_t now)
{
	int64_t per_s = d->cfg.resets_per_s;
	wr_us_t dt = now > d->resets_us ? now - d->resets_us : 0;

	d->refusals++;
	if (index > 0 && d->cfg.drop[index - 1])
		return WR_DOOR_DROP;
	d->resets_us += dt;
	d->resets += per_s * (int64_t)RTE_MIN(dt, WR_US_PER_S);
	d->resets = RTE_MIN(d->resets, RTE_MAX(per_s * (int64_t)EARLY_US, GATE_TOKEN));
	if (per_s == 0 || d->resets < GATE_TOKEN)
		return WR_DOOR_DROP;
	d->resets -= GATE_TOKEN;
	return WR_DOOR_RESET;
}

static enum wr_door_verdict refuse_at(struct wr_door *d, struct gate *g, uint16_t index,
	uint8_t class, wr_us_t now, enum wr_drop *why)
{
	enum wr_door_verdict v = refuse(d, index, now);

	gate_refuse(g, class, true);
	*why = v == WR_DOOR_RESET ? WR_DROP_syn_refused : WR_DROP_syn_dropped;
	return v;
}

// By an operator's order. It is no demand: who is not wanted does not move a cut.
static bool refuse_ordered(struct wr_door *d, uint16_t index, uint8_t class)
{
	uint16_t by = class >= d->order[0] ? 0 : index;

	if (class < d->order[by])
		return false;
	d->gate[by].pub.offered++;
	gate_refuse(&d->gate[by], class, false);
	return true;
}

enum wr_door_verdict wr_door_ask(struct wr_door *d, uint16_t service, uint8_t class,
	const struct wr_addr *client, wr_us_t now, enum wr_drop *why)
{
	uint16_t index = index_of(d, service), rank;
	struct gate *own = &d->gate[0], *g = &d->gate[index];

	class = RTE_MIN(class, (uint8_t)(WR_CLASSES - 1));
	rank = (uint16_t)(class * WR_DOOR_BUCKETS + place_of(d, client));
	*why = WR_DROP_NONE;
	if (unlikely(d->ordered) && refuse_ordered(d, index, class)) {
		*why = WR_DROP_syn_operator;
		return refuse(d, index, now);
	}
	if (index > 0) {
		gate_offer(g, rank);
		// Under its cut a service's gate lets in ahead of its tokens: it cannot hold.
		if (unlikely(g->pub.limited) && gate_judge(g, rank, now) == WR_DOOR_DROP)
			return refuse_at(d, g, index, class, now, why);
	}
	gate_offer(own, rank);
	if (unlikely(own->pub.limited)) {
		enum wr_door_verdict v = gate_judge(own, rank, now);

		if (v == WR_DOOR_DROP || (v == WR_DOOR_HOLD && own->hold_requests == 0))
			return refuse_at(d, own, index, class, now, why);
		if (index > 0)
			gate_admit(g, 1);
		if (v == WR_DOOR_HOLD) {
			own->pub.held++;
			own->held_now++;
			own->held_told = true;
			return WR_DOOR_HOLD;
		}
		gate_admit(own, 1);
		return WR_DOOR_ADMIT;
	}
	if (index > 0)
		gate_admit(g, 1);
	own->pub.admitted++;
	return WR_DOOR_ADMIT;
}

bool wr_door_cuts(struct wr_door *d, uint16_t service, uint8_t class, const struct wr_addr *client,
	wr_us_t now)
{
	uint16_t index = index_of(d, service), rank;
	struct gate *own = &d->gate[0], *g = &d->gate[index];

	class = RTE_MIN(class, (uint8_t)(WR_CLASSES - 1));
	rank = (uint16_t)(class * WR_DOOR_BUCKETS + place_of(d, client));
	// An open gate's cut is above all ranks.
	if (index > 0 && rank > g->pub.cut) {
		gate_offer(g, rank);
	} else if (rank > own->pub.cut) {
		if (index > 0)
			gate_offer(g, rank);
		gate_offer(own, rank);
		g = own;
	} else {
		return false;
	}
	d->refusals++;
	gate_refuse(g, class, true);
	return true;
}

uint32_t wr_door_release(struct wr_door *d, uint32_t held, uint32_t most, wr_us_t now)
{
	struct gate *own = &d->gate[0];
	uint32_t n;

	n = most = RTE_MIN(most, held);

	if (own->pub.limited) {
		gate_refill(own, now);
		n = own->tokens < GATE_TOKEN
		            ? 0
		            : (uint32_t)RTE_MIN((int64_t)most, own->tokens / GATE_TOKEN);
	}
	gate_admit(own, n);
	own->held_now = held - n;
	own->held_told = true;
	return n;
}

enum wr_door_verdict wr_door_refuse(struct wr_door *d, uint16_t service, wr_us_t now)
{
	return refuse(d, index_of(d, service), now);
}

bool wr_door_early(const struct wr_door *d)
{
	return d->early;
}

bool wr_door_due(const struct wr_door *d, wr_us_t now)
{
	return now >= d->next_tick_us;
}

// On when a period had more refusals than resets could tell of; off below half of that.
static void judge_early(struct wr_door *d, wr_us_t now)
{
	uint64_t period = EARLY_US + (now - d->early_us);
	uint64_t budget = d->cfg.resets_per_s * period / WR_US_PER_S;

	if (d->refusals > budget)
		d->early = true;
	else if (d->refusals <= budget / 2)
		d->early = false;
	d->refusals = 0;
	d->early_us = now + EARLY_US;
}

void wr_door_tick(struct wr_door *d, const struct wr_door_signals *s,
	const struct wr_door_service *service, wr_us_t now)
{
	wr_us_t dt = now > d->tick_us ? now - d->tick_us : 0;

	if (dt == 0)
		return;
	d->tick_us = now;
	d->next_tick_us = now + WR_DOOR_PERIOD_US;
	if (now / HOUR_US != d->hour) {
		set_hour(d, now);
		for (uint16_t i = 0; i < gates_of(d); i++)
			gate_shuffle(&d->gate[i]);
	}
	gate_tick_worker(&d->gate[0], s, dt, now);
	for (uint16_t i = 0; i < d->cfg.services; i++)
		gate_tick_service(&d->gate[1 + i], &service[i], dt, now);
	for (uint16_t i = 0; i < gates_of(d); i++)
		gate_tick_cut(&d->gate[i], now);
	if (now >= d->early_us)
		judge_early(d, now);
}

const struct wr_gate *wr_door_gate(const struct wr_door *d, uint16_t service)
{
	return &d->gate[index_of(d, service)].pub;
}

void wr_door_order(struct wr_door *d, uint16_t service, uint8_t class)
{
	d->order[index_of(d, service)] = RTE_MIN(class, (uint8_t)WR_CLASSES);
	d->ordered = false;
	for (uint16_t i = 0; i < gates_of(d); i++)
		d->ordered |= d->order[i] < WR_CLASSES;
}

uint8_t wr_door_ordered(const struct wr_door *d, uint16_t service)
{
	return d->order[index_of(d, service)];
}
