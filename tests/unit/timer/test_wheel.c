/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "wr_rng.h"
#include "wr_wheel.h"

#define TICK_US 1024ULL
#define S       WR_US_PER_S
#define MIN     (60 * WR_US_PER_S)
#define HOUR    (60 * MIN)

struct fixture {
	struct wr_wheel w;
	struct wr_wheel_node n[8];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	wr_wheel_init(&f->w, 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

// When a node may fire: at its deadline, rounded up to a tick.
static wr_us_t fire_time(wr_us_t deadline)
{
	return (deadline + TICK_US - 1) / TICK_US * TICK_US;
}

static void wheel_poll_empty(void **state)
{
	struct fixture *f = *state;

	assert_null(wr_wheel_poll(&f->w, 0));
	assert_null(wr_wheel_poll(&f->w, 365 * 24 * HOUR));
	assert_int_equal(wr_wheel_next(&f->w), WR_US_NEVER);
	assert_int_equal(f->w.armed, 0);
}

static void wheel_poll_never_early(void **state)
{
	// One tick, and both sides of every boundary between slots, turns and rounds.
	static const wr_us_t deadlines[] = {1, 1023, 1024, 1025, 255 * TICK_US, 256 * TICK_US,
		256 * TICK_US + 1, 257 * TICK_US, 511 * TICK_US, 512 * TICK_US, 513 * TICK_US,
		3 * S, 65535 * TICK_US, 65536 * TICK_US, 65537 * TICK_US, 131071 * TICK_US,
		131072 * TICK_US, 131073 * TICK_US, 4 * HOUR, 256 * 65536 * TICK_US - 1,
		257 * 65536 * TICK_US, 258 * 65536 * TICK_US, 5 * HOUR, 100 * HOUR};
	struct fixture *f = *state;
	wr_us_t starts[] = {0, 77, 255 * TICK_US, 65535 * TICK_US + 5, 65536 * TICK_US};
	wr_us_t at;

	for (size_t s = 0; s < sizeof(starts) / sizeof(starts[0]); s++) {
		for (size_t i = 0; i < sizeof(deadlines) / sizeof(deadlines[0]); i++) {
			wr_wheel_init(&f->w, starts[s]);
			at = fire_time(starts[s] + deadlines[i]);
			wr_wheel_arm(&f->w, &f->n[0], starts[s] + deadlines[i]);
			assert_true(wr_wheel_is_armed(&f->n[0]));
			assert_null(wr_wheel_poll(&f->w, starts[s]));
			assert_null(wr_wheel_poll(&f->w, at - 1));
			assert_ptr_equal(wr_wheel_poll(&f->w, at), &f->n[0]);
			assert_false(wr_wheel_is_armed(&f->n[0]));
			assert_null(wr_wheel_poll(&f->w, at));
		}
	}
}

static void wheel_poll_walking_time(void **state)
{
	struct fixture *f = *state;
	wr_us_t deadline = 70 * S + 5;

	// Through levels 1 and 0 with a poll at every tick, as a worker does it.
	wr_wheel_arm(&f->w, &f->n[0], deadline);
	for (wr_us_t now = 0; now < fire_time(deadline); now += TICK_US)
		assert_null(wr_wheel_poll(&f->w, now));
	assert_ptr_equal(wr_wheel_poll(&f->w, fire_time(deadline)), &f->n[0]);
}

static void wheel_arm_past_fires_at_same_time(void **state)
{
	struct fixture *f = *state;

	assert_null(wr_wheel_poll(&f->w, 5000));
	wr_wheel_arm(&f->w, &f->n[0], 5000);
	wr_wheel_arm(&f->w, &f->n[1], 0);
	assert_int_equal(wr_wheel_next(&f->w), 5000);
	assert_ptr_equal(wr_wheel_poll(&f->w, 5000), &f->n[0]);
	assert_ptr_equal(wr_wheel_poll(&f->w, 5000), &f->n[1]);
	assert_null(wr_wheel_poll(&f->w, 5000));
}

static void wheel_arm_again_moves(void **state)
{
	struct fixture *f = *state;

	wr_wheel_arm(&f->w, &f->n[0], 1 * S);
	wr_wheel_arm(&f->w, &f->n[0], 2 * S);
	assert_int_equal(f->w.armed, 1);
	assert_null(wr_wheel_poll(&f->w, fire_time(2 * S) - 1));
	assert_ptr_equal(wr_wheel_poll(&f->w, fire_time(2 * S)), &f->n[0]);
	assert_int_equal(f->w.armed, 0);
}

static void wheel_arm_never_cancels(void **state)
{
	struct fixture *f = *state;

	wr_wheel_arm(&f->w, &f->n[0], 1 * S);
	wr_wheel_arm(&f->w, &f->n[0], WR_US_NEVER);
	assert_false(wr_wheel_is_armed(&f->n[0]));
	assert_null(wr_wheel_poll(&f->w, 2 * S));
	wr_wheel_arm(&f->w, &f->n[0], WR_US_NEVER - 1);
	assert_null(wr_wheel_poll(&f->w, 1000 * HOUR));
	assert_true(wr_wheel_is_armed(&f->n[0]));
}

static void wheel_cancel_every_place(void **state)
{
	struct fixture *f = *state;

	wr_wheel_cancel(&f->w, &f->n[0]);
	assert_null(wr_wheel_poll(&f->w, 10 * TICK_US));
	wr_wheel_arm(&f->w, &f->n[0], 0);             // late
	wr_wheel_arm(&f->w, &f->n[1], 11 * TICK_US);  // level 0
	wr_wheel_arm(&f->w, &f->n[2], 11 * TICK_US);  // expired by the poll of n[0]'s turn
	wr_wheel_arm(&f->w, &f->n[3], 100 * S);       // level 1
	wr_wheel_arm(&f->w, &f->n[4], 3 * HOUR);      // level 2
	wr_wheel_arm(&f->w, &f->n[5], 300 * TICK_US); // level 0, next turn
	assert_ptr_equal(wr_wheel_poll(&f->w, 12 * TICK_US), &f->n[0]);
	assert_non_null(wr_wheel_poll(&f->w, 12 * TICK_US));
	wr_wheel_cancel(&f->w, &f->n[1]);
	wr_wheel_cancel(&f->w, &f->n[2]);
	for (int i = 3; i < 6; i++)
		wr_wheel_cancel(&f->w, &f->n[i]);
	assert_int_equal(f->w.armed, 0);
	for (size_t i = 0; i < WR_WHEEL_ALL_SLOTS / 64; i++)
		assert_int_equal(f->w.occupied[i], 0);
	assert_null(wr_wheel_poll(&f->w, 24 * HOUR));
}

static void wheel_cancel_late_tail(void **state)
{
	struct fixture *f = *state;

	wr_wheel_arm(&f->w, &f->n[0], 0);
	wr_wheel_arm(&f->w, &f->n[1], 0);
	wr_wheel_cancel(&f->w, &f->n[1]);
	wr_wheel_arm(&f->w, &f->n[2], 0);
	assert_ptr_equal(wr_wheel_poll(&f->w, 0), &f->n[0]);
	wr_wheel_cancel(&f->w, &f->n[2]);
	assert_null(wr_wheel_poll(&f->w, 0));
	wr_wheel_arm(&f->w, &f->n[3], 0);
	assert_ptr_equal(wr_wheel_poll(&f->w, 0), &f->n[3]);
}

static void wheel_poll_past_does_not_starve_ticks(void **state)
{
	struct fixture *f = *state;
	struct wr_wheel_node *n;
	int polls = 0;

	// n[0] arms itself for the past for ever; n[1] still gets its turn.
	wr_wheel_arm(&f->w, &f->n[1], 10 * TICK_US);
	wr_wheel_arm(&f->w, &f->n[0], 0);
	while ((n = wr_wheel_poll(&f->w, 20 * TICK_US)) != &f->n[1]) {
		assert_ptr_equal(n, &f->n[0]);
		wr_wheel_arm(&f->w, n, 0);
		assert_true(++polls < 4);
	}
	assert_ptr_equal(wr_wheel_poll(&f->w, 20 * TICK_US), &f->n[0]);
}

static void wheel_poll_budget_keeps_place(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 4; i++)
		wr_wheel_arm(&f->w, &f->n[i], (i + 1) * S);
	// A caller that takes one a loop gets them in order of time, however far time went on.
	for (int i = 0; i < 4; i++) {
		assert_ptr_equal(wr_wheel_poll(&f->w, HOUR + i * S), &f->n[i]);
		wr_wheel_arm(&f->w, &f->n[4 + i], HOUR + 100 * S + i * S);
	}
	assert_null(wr_wheel_poll(&f->w, HOUR + 99 * S));
	for (int i = 4; i < 8; i++)
		assert_ptr_equal(wr_wheel_poll(&f->w, 2 * HOUR), &f->n[i]);
}

static void wheel_poll_time_going_back(void **state)
{
	struct fixture *f = *state;

	assert_null(wr_wheel_poll(&f->w, 10 * S));
	wr_wheel_arm(&f->w, &f->n[0], 11 * S);
	assert_null(wr_wheel_poll(&f->w, 5 * S));
	assert_null(wr_wheel_poll(&f->w, 11 * S - 1));
	assert_ptr_equal(wr_wheel_poll(&f->w, fire_time(11 * S)), &f->n[0]);
}

static void wheel_poll_jump_of_years(void **state)
{
	struct fixture *f = *state;
	const wr_us_t year = 365 * 24 * HOUR;

	// 31 G empty ticks a year: only skipping them ends in time.
	for (uint64_t y = 1; y <= 20; y++) {
		wr_wheel_arm(&f->w, &f->n[0], y * year);
		assert_null(wr_wheel_poll(&f->w, fire_time(y * year) - 1));
		assert_ptr_equal(wr_wheel_poll(&f->w, fire_time(y * year)), &f->n[0]);
	}
}

static void wheel_poll_spreads_a_full_slot(void **state)
{
	enum {
		COUNT = 5000
	};
	struct fixture *f = *state;
	struct wr_wheel_node *n = calloc(COUNT, sizeof(*n));
	wr_us_t deadline = 1000 * TICK_US + 1; // turn 3, so level 1 now
	uint32_t fired = 0;

	for (int i = 0; i < COUNT; i++)
		wr_wheel_arm(&f->w, &n[i], deadline);
	// Polled ten times a tick from turn 2 on, the slot has moved down before its turn begins.
	for (wr_us_t now = 512 * TICK_US; now < 767 * TICK_US; now += TICK_US / 10)
		assert_null(wr_wheel_poll(&f->w, now));
	assert_null(f->w.spread[0]);
	while (wr_wheel_poll(&f->w, fire_time(deadline)) != NULL)
		fired++;
	assert_int_equal(fired, COUNT);
	free(n);
}

static void wheel_next_virtual_clock(void **state)
{
	struct fixture *f = *state;
	wr_us_t now = 0, next;
	int steps = 0;

	// A clock that only jumps to wr_wheel_next gets to a deadline out of reach in few steps.
	wr_wheel_arm(&f->w, &f->n[0], 100 * HOUR);
	while (wr_wheel_poll(&f->w, now) == NULL) {
		next = wr_wheel_next(&f->w);
		assert_true(next > now);
		assert_true(next <= fire_time(100 * HOUR));
		now = next;
		assert_true(++steps < 100);
	}
	assert_int_equal(now, fire_time(100 * HOUR));
}

// The naive model: the time at which each node fires, WR_US_NEVER while not armed.
enum {
	MODEL_NODES = 192
};

struct model {
	struct wr_rng rng;
	wr_us_t now;
	struct wr_wheel w;
	struct wr_wheel_node n[MODEL_NODES];
	wr_us_t fires[MODEL_NODES];
};

static wr_us_t model_min(const struct model *m)
{
	wr_us_t min = WR_US_NEVER;

	for (int i = 0; i < MODEL_NODES; i++)
		min = m->fires[i] < min ? m->fires[i] : min;
	return min;
}

static wr_us_t random_span(struct wr_rng *rng)
{
	static const wr_us_t spans[] = {
		3, 2 * TICK_US, S, S, 30 * S, 3 * MIN, 20 * MIN, 4 * HOUR, 12 * HOUR};

	return wr_rng_next(rng) % spans[wr_rng_below(rng, sizeof(spans) / sizeof(spans[0]))];
}

static void model_arm(struct model *m)
{
	uint32_t i = wr_rng_below(&m->rng, MODEL_NODES);
	wr_us_t deadline = m->now + random_span(&m->rng);

	if (wr_rng_below(&m->rng, 16) == 0)
		deadline = m->now / 2;
	wr_wheel_arm(&m->w, &m->n[i], deadline);
	m->fires[i] = deadline <= m->w.now_us ? deadline : fire_time(deadline);
}

static void model_cancel(struct model *m)
{
	uint32_t i = wr_rng_below(&m->rng, MODEL_NODES);

	wr_wheel_cancel(&m->w, &m->n[i]);
	m->fires[i] = WR_US_NEVER;
}

static void model_step(struct model *m)
{
	switch (wr_rng_below(&m->rng, 4)) {
	case 0:
		m->now += wr_rng_below(&m->rng, 50);
		break;
	case 1:
		m->now += wr_rng_below(&m->rng, 3 * TICK_US);
		break;
	case 2:
		if (wr_rng_below(&m->rng, 64) == 0)
			m->now += random_span(&m->rng);
		break;
	default:
		if (wr_rng_below(&m->rng, 16) == 0 && wr_wheel_next(&m->w) != WR_US_NEVER &&
			wr_wheel_next(&m->w) > m->now)
			m->now = wr_wheel_next(&m->w);
	}
}

static void model_poll(struct model *m)
{
	uint32_t budget = wr_rng_below(&m->rng, 4) == 0 ? 2 : UINT32_MAX;
	struct wr_wheel_node *n;
	wr_us_t min, next;

	while (budget-- > 0) {
		n = wr_wheel_poll(&m->w, m->now);
		if (n == NULL) {
			min = model_min(m);
			next = wr_wheel_next(&m->w);
			assert_true(min > m->now);
			assert_true(next > m->now && next <= min);
			assert_true((min == WR_US_NEVER) == (next == WR_US_NEVER));
			return;
		}
		assert_true(m->fires[n - m->n] <= m->now);
		assert_false(wr_wheel_is_armed(n));
		m->fires[n - m->n] = WR_US_NEVER;
	}
}

static void run_model(uint64_t seed, int operations)
{
	struct model *m = calloc(1, sizeof(*m));
	uint64_t armed = 0;

	wr_rng_init(&m->rng, seed);
	m->now = wr_rng_next(&m->rng) >> 20;
	wr_wheel_init(&m->w, m->now);
	memset(m->fires, 0xff, sizeof(m->fires));
	for (int i = 0; i < operations; i++) {
		switch (wr_rng_below(&m->rng, 8)) {
		case 0:
			model_cancel(m);
			break;
		case 1:
		case 2:
		case 3:
			model_arm(m);
			break;
		default:
			model_step(m);
			model_poll(m);
		}
	}
	for (int i = 0; i < MODEL_NODES; i++) {
		assert_int_equal(wr_wheel_is_armed(&m->n[i]), m->fires[i] != WR_US_NEVER);
		armed += m->fires[i] != WR_US_NEVER;
	}
	assert_int_equal(m->w.armed, armed);
	free(m);
}

static void wheel_random_against_model(void **state)
{
	for (uint64_t seed = 1; seed <= 10; seed++)
		run_model(seed, 100000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(wheel_poll_empty, setup, teardown),
		cmocka_unit_test_setup_teardown(wheel_poll_never_early, setup, teardown),
		cmocka_unit_test_setup_teardown(wheel_poll_walking_time, setup, teardown),
		cmocka_unit_test_setup_teardown(wheel_arm_past_fires_at_same_time, setup, teardown),
		cmocka_unit_test_setup_teardown(wheel_arm_again_moves, setup, teardown),
		cmocka_unit_test_setup_teardown(wheel_arm_never_cancels, setup, teardown),
		cmocka_unit_test_setup_teardown(wheel_cancel_every_place, setup, teardown),
		cmocka_unit_test_setup_teardown(wheel_cancel_late_tail, setup, teardown),
		cmocka_unit_test_setup_teardown(
			wheel_poll_past_does_not_starve_ticks, setup, teardown),
		cmocka_unit_test_setup_teardown(wheel_poll_budget_keeps_place, setup, teardown),
		cmocka_unit_test_setup_teardown(wheel_poll_time_going_back, setup, teardown),
		cmocka_unit_test_setup_teardown(wheel_poll_jump_of_years, setup, teardown),
		cmocka_unit_test_setup_teardown(wheel_poll_spreads_a_full_slot, setup, teardown),
		cmocka_unit_test_setup_teardown(wheel_next_virtual_clock, setup, teardown),
		cmocka_unit_test(wheel_random_against_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
