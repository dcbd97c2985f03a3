/* SPDX-License-Identifier: BSD-3-Clause */
#include "backend_test.h"

#include "wr_rng.h"

// Hours of virtual time in which backends fail at random in every way, operators act and
// configurations change; what must hold at every step, and that all is well once it stops.

#define STEP     (50 * T_MS)
#define BACKENDS 12 // of web in two tiers; a backup pool of 3 behind

struct sim {
	struct rig r;
	struct wr_rng rng;
	bool refuses[WR_MAX_BACKENDS]; // connects fail
	bool silent[WR_MAX_BACKENDS];  // accepts, says nothing
	uint32_t faults;               // begun, and acts of operators: events are bounded by them
	uint32_t events;
	uint32_t hits;
};

static bool roll(struct sim *s, uint32_t one_in)
{
	return wr_rng_below(&s->rng, one_in) == 0;
}

static void session(struct sim *s, uint16_t id)
{
	uint16_t w = (uint16_t)wr_rng_below(&s->rng, T_WORKERS);
	struct wr_backend_counters *c = wr_backend_counters(be_of(&s->r, id), w);

	c->picks++;
	if (s->refuses[id]) {
		c->connect_refused++;
		return;
	}
	c->sessions_total++;
	if (s->silent[id]) {
		if (c->unanswered++ == 0)
			c->unanswered_since_us = s->r.now;
		return;
	}
	if (c->unanswered > 0) // it goes on: those that waited get theirs
		c->answered += c->unanswered;
	c->unanswered = 0;
	c->answered++;
	c->last_byte_us = s->r.now;
	wr_backends_latency(s->r.b, w, id, 100 + wr_rng_below(&s->rng, 100));
}

// What may be picked at all, whatever else is there.
static void assert_pickable(struct sim *s, uint16_t id)
{
	struct wr_backend *be = be_of(&s->r, id);

	assert_non_null(be);
	assert_true(be->ready);
	// A change of this very moment is in the view a window later.
	if (s->r.b->more[be->pool].dirty)
		return;
	assert_int_equal(be->slot, WR_CONF_LIVE);
	assert_int_equal(be->admin, WR_ADMIN_ENABLED);
	assert_false(be->agent_drain);
	assert_true(be->weight > 0);
	if (!wr_backends_pool(s->r.b, be->pool)->failing_open) {
		assert_int_not_equal(be->health, WR_HEALTH_DOWN);
		assert_int_equal(be->breaker, WR_BREAKER_CLOSED);
	}
}

static uint32_t usable_of(struct sim *s, uint16_t pool)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < wr_backends_count(s->r.b); i++) {
		struct wr_backend *be = be_of(&s->r, (uint16_t)i);

		n += be != NULL && be->pool == pool && be->ready && wr_backend_usable(be);
	}
	return n;
}

static void picks(struct sim *s)
{
	uint16_t pool, id;

	for (uint32_t k = 0; k < 4; k++) {
		pool = wr_backends_route(s->r.b, 0);
		id = wr_backends_pick(s->r.b, pool, 0, wr_rng_next(&s->rng), NULL, 0);
		if (id == WR_BACKEND_NONE && !s->r.b->more[0].dirty && !s->r.b->more[1].dirty) {
			assert_int_equal(usable_of(s, 0), 0);
			assert_int_equal(usable_of(s, 1), 0);
		}
		if (id == WR_BACKEND_NONE)
			continue;
		s->hits++;
		assert_pickable(s, id);
		session(s, id);
	}
}

static void assert_invariants(struct sim *s)
{
	for (uint16_t p = 0; p < 2; p++) {
		struct wr_pool_slot *ps = wr_backends_pool(s->r.b, p);
		uint32_t live = 0, open = 0, most, share = 0;

		for (uint32_t i = 0; i < ps->count; i++) {
			struct wr_backend *be = be_of(&s->r, ps->member[i]);

			live += be->slot == WR_CONF_LIVE;
			open += be->slot == WR_CONF_LIVE && be->breaker != WR_BREAKER_CLOSED;
			assert_int_equal(be->pool, p);
		}
		assert_true(!s->r.b->more[p].dirty ||
			    s->r.now < s->r.b->more[p].rebuilt_us + WINDOW_US);
		most = live * ps->conf->breaker.share_permille / 1000;
		most = live < 2 ? 0 : most < 1 ? 1 : most;
		assert_in_range(open, 0, most);
		for (uint32_t t = 0; t < 8; t++)
			share += ps->tier_share[t];
		assert_int_equal(share, ps->usable > 0 ? 256 : 0);
	}
}

static void adopt(struct sim *s)
{
	struct wr_conf *next = rig_next(&s->r);
	struct wr_conf_pool *pc = &next->pools[0];
	uint32_t k = wr_rng_below(&s->rng, pc->backend_count);
	struct wr_conf_backend *bc = &pc->backends[k];
	char name[16];

	if (bc->slot == WR_CONF_LEAVING && !wr_backends_backend_used(s->r.b, bc->id)) {
		// Its slot is another's now.
		snprintf(name, sizeof(name), "n%u", wr_rng_below(&s->rng, 1u << 30));
		memcpy(bc->name, name, sizeof(name));
		bc->slot = WR_CONF_LIVE;
		s->refuses[bc->id] = s->silent[bc->id] = false;
		s->r.err[bc->id] = 0;
	} else if (bc->slot == WR_CONF_LEAVING) {
		bc->slot = WR_CONF_LIVE; // changed their minds
	} else if (roll(s, 2)) {
		bc->slot = WR_CONF_LEAVING;
	} else {
		bc->weight = 1 + wr_rng_below(&s->rng, 4);
	}
	rig_adopt(&s->r, next);
}

static void operate(struct sim *s)
{
	uint16_t id = (uint16_t)wr_rng_below(&s->rng, wr_backends_count(s->r.b));

	if (be_of(&s->r, id) == NULL || be_of(&s->r, id)->slot != WR_CONF_LIVE)
		return;
	switch (wr_rng_below(&s->rng, 4)) {
	case 0:
		wr_backends_set_weight(s->r.b, id, wr_rng_below(&s->rng, 5), s->r.now);
		break;
	case 1:
		wr_backends_set_admin(s->r.b, id, WR_ADMIN_DRAINING, s->r.now + 5 * T_S, s->r.now);
		break;
	case 2:
		wr_backends_set_admin(s->r.b, id, WR_ADMIN_DISABLED, 0, s->r.now);
		break;
	default:
		wr_backends_set_admin(s->r.b, id, WR_ADMIN_ENABLED, 0, s->r.now);
		break;
	}
}

static void fault(struct sim *s)
{
	uint16_t id = (uint16_t)wr_rng_below(&s->rng, wr_backends_count(s->r.b));
	static const int errs[] = {ECONNREFUSED, ETIMEDOUT, -1, EPROTO, ENOBUFS};

	switch (wr_rng_below(&s->rng, 6)) {
	case 0:
		s->r.err[id] = errs[wr_rng_below(&s->rng, 5)];
		break;
	case 1:
		s->refuses[id] = true;
		break;
	case 2:
		s->silent[id] = true;
		break;
	default:
		s->r.err[id] = 0;
		s->refuses[id] = s->silent[id] = false;
		break;
	}
}

static void step(struct sim *s, bool trouble)
{
	uint32_t before = 0, after = 0;

	for (uint32_t k = 0; k < WR_EV_COUNT; k++)
		before += s->r.told[k];
	if (trouble && roll(s, 60)) {
		fault(s);
		s->faults++;
	}
	if (trouble && roll(s, 200)) {
		operate(s);
		s->faults++;
	}
	if (trouble && roll(s, 400)) {
		adopt(s);
		s->faults++;
	}
	rig_turn(&s->r);
	picks(s);
	s->r.now += STEP / 2;
	rig_turn(&s->r);
	assert_invariants(s);
	picks(s);
	s->r.now += STEP / 2;
	for (uint32_t k = 0; k < WR_EV_COUNT; k++)
		after += s->r.told[k];
	s->events += after - before;
}

static void heal(struct sim *s)
{
	for (uint32_t i = 0; i < wr_backends_count(s->r.b); i++) {
		struct wr_backend *be = be_of(&s->r, (uint16_t)i);

		s->r.err[i] = 0;
		s->refuses[i] = s->silent[i] = false;
		if (be == NULL)
			continue;
		for (uint16_t w = 0; w < T_WORKERS; w++)
			wr_backend_counters(be, w)->unanswered = 0;
		if (be->slot != WR_CONF_LIVE)
			continue;
		wr_backends_set_weight(s->r.b, (uint16_t)i, 1, s->r.now);
		wr_backends_set_admin(s->r.b, (uint16_t)i, WR_ADMIN_ENABLED, 0, s->r.now);
	}
}

static void assert_all_well(struct sim *s)
{
	for (uint32_t i = 0; i < wr_backends_count(s->r.b); i++) {
		struct wr_backend *be = be_of(&s->r, (uint16_t)i);
		wr_us_t sum = 0;

		if (be == NULL)
			continue;
		for (uint32_t st = 0; st < WR_BACKEND_STATES; st++)
			sum += wr_backend_time_in(be, (enum wr_backend_state)st, s->r.now);
		assert_in_range(sum, 1, s->r.now);
		if (be->slot != WR_CONF_LIVE)
			continue;
		assert_int_equal(wr_backend_state(be), WR_BACKEND_UP);
		assert_int_equal(s->r.b->share[i], 256);
	}
	// Each tier that there is is well, and the first of them has everything.
	for (uint32_t t = 0; t < 8; t++) {
		struct wr_pool_slot *ps = wr_backends_pool(s->r.b, 0);

		if (ps->tier_share[t] > 0) {
			assert_int_equal(ps->tier_share[t], 256);
			break;
		}
	}
	assert_int_equal(wr_backends_route(s->r.b, 0), 0);
}

static void play(uint64_t seed, enum wr_conf_balance balance, uint32_t fail_open, wr_us_t hours)
{
	struct sim *s = calloc(1, sizeof(*s));
	struct wr_conf_pool *pc = rig_conf(&s->r, BACKENDS);

	wr_rng_init(&s->rng, seed);
	pc->balance = balance;
	pc->fail_open_percent = fail_open;
	pc->backup = 1;
	pc->breaker.open_max_us = 60 * T_S;
	for (uint32_t i = BACKENDS * 2 / 3; i < BACKENDS; i++)
		pc->backends[i].priority = 1;
	conf_pool(s->r.conf, "backup", 3, "k", BACKENDS)->breaker.open_max_us = 60 * T_S;
	rig_start(&s->r);
	while (s->r.now < hours * 3600 * T_S)
		step(s, true);
	heal(s);
	// The longest back-off with its jitter, checks, ramp and hold of the tiers.
	for (wr_us_t end = s->r.now + (66 + 10 + 10 + 15) * T_S; s->r.now < end;)
		step(s, false);
	assert_all_well(s);
	assert_true(s->hits > 1000);
	// Each fault makes few events; what stays broken is tried again with back-off. Over a
	// hundred seconds of back-off at most one try: half-open, open, withheld, tiers.
	assert_in_range(
		s->events, 1, 20 * s->faults + (uint32_t)(hours * 3600 / 10) * (BACKENDS + 3));
	assert_int_equal(s->r.b->note_lost, 0);
	rig_close(&s->r);
	free(s);
}

static void sim_maglev(void **state)
{
	for (uint64_t seed = 1; seed <= 2; seed++)
		play(seed, WR_CONF_BALANCE_MAGLEV, 0, 1);
}

static void sim_fail_open(void **state)
{
	for (uint64_t seed = 11; seed <= 11; seed++)
		play(seed, WR_CONF_BALANCE_BOUNDED, 50, 1);
}

static void sim_least(void **state)
{
	play(21, WR_CONF_BALANCE_LEAST, 0, 1);
}

static void sim_two_choices(void **state)
{
	play(31, WR_CONF_BALANCE_TWO_CHOICES, 30, 1);
}

static void sim_round_robin(void **state)
{
	play(41, WR_CONF_BALANCE_ROUND_ROBIN, 0, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sim_maglev),
		cmocka_unit_test(sim_fail_open),
		cmocka_unit_test(sim_least),
		cmocka_unit_test(sim_two_choices),
		cmocka_unit_test(sim_round_robin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
