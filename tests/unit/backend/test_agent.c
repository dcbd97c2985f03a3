/* SPDX-License-Identifier: BSD-3-Clause */
#include "backend_test.h"

// The next question to a backend's agent is answered so.
static void says(struct rig *r, uint16_t id, const struct wr_check_answer *a)
{
	struct wr_check c;
	bool asked = false;

	while (!asked) {
		r->now += 10 * T_MS;
		wr_backends_turn(r->b, r->now);
		while (wr_backends_next_check(r->b, r->now, &c)) {
			struct wr_check_answer ok = {.err = 0};
			bool his = c.slot == WR_CHECK_SLOT_AGENT && c.backend == id;

			assert_int_equal(c.kind == WR_CHECK_AGENT, c.slot == WR_CHECK_SLOT_AGENT);
			wr_backend_check_answer(
				be_of(r, c.backend), c.slot, c.asked, his ? a : &ok);
			asked |= his;
		}
	}
	wr_backends_turn(r->b, r->now);
	r->now += 30 * T_MS;
	wr_backends_turn(r->b, r->now);
	rig_hear(r);
}

static void open_agents(struct rig *r)
{
	struct wr_conf_pool *pc = rig_conf(r, 3);

	pc->agent_port = 8080;
	pc->on_down = WR_CONF_ON_DOWN_RESET;
	for (uint32_t i = 0; i < 3; i++)
		pc->backends[i].weight = 10;
	rig_start(r);
}

static void agent_sets_weight(void **state)
{
	static uint16_t map[T_KEYS];
	struct rig r;

	open_agents(&r);
	says(&r, 0,
		&(struct wr_check_answer){
			.agent = WR_AGENT_WEIGHT, .weight_percent = 50, .text = "agent: 50%"});
	assert_int_equal(be_of(&r, 0)->agent_percent, 50);
	assert_int_equal(be_of(&r, 0)->weight, 10);
	rig_map(&r, 0, map);
	assert_in_range(map_count(map, 0), T_KEYS / 5 * 95 / 100, T_KEYS / 5 * 105 / 100);
	assert_int_equal(r.told[WR_EV_backend_agent], 1);
	assert_string_equal(r.last[WR_EV_backend_agent].text, "agent: 50%");
	says(&r, 0, &(struct wr_check_answer){.agent = WR_AGENT_WEIGHT, .weight_percent = 50});
	assert_int_equal(r.told[WR_EV_backend_agent], 1); // nothing new
	says(&r, 0, &(struct wr_check_answer){.agent = WR_AGENT_WEIGHT, .weight_percent = 1});
	assert_int_equal(wr_backends_usable(r.b, 0), 3); // 0.1, but not nothing
	says(&r, 0, &(struct wr_check_answer){.agent = WR_AGENT_WEIGHT, .weight_percent = 0});
	assert_int_equal(wr_backends_usable(r.b, 0), 2);
	rig_close(&r);
}

static void agent_sets_limit(void **state)
{
	uint32_t limit = 0;
	uint16_t id = 9;
	struct wr_conf *next;
	struct rig r;

	open_agents(&r);
	says(&r, 1, &(struct wr_check_answer){.agent = WR_AGENT_MAXCONN, .maxconn = 70});
	assert_true(wr_backends_next_limit(r.b, &id, &limit));
	assert_int_equal(id, 1);
	assert_int_equal(limit, 70);
	assert_false(wr_backends_next_limit(r.b, &id, &limit));
	says(&r, 1, &(struct wr_check_answer){.agent = WR_AGENT_MAXCONN, .maxconn = 70});
	assert_false(wr_backends_next_limit(r.b, &id, &limit));
	// Without agents the file's limit is in force again.
	next = rig_next(&r);
	next->pools[0].agent_port = 0;
	next->pools[0].backends[1].max_connections = 100;
	rig_adopt(&r, next);
	assert_true(wr_backends_next_limit(r.b, &id, &limit));
	assert_int_equal(limit, 100);
	rig_close(&r);
}

static void agent_drains_and_readies(void **state)
{
	struct rig r;

	open_agents(&r);
	says(&r, 0, &(struct wr_check_answer){.agent = WR_AGENT_DRAIN});
	assert_int_equal(wr_backend_state(be_of(&r, 0)), WR_BACKEND_DRAINING);
	assert_int_equal(wr_backends_usable(r.b, 0), 2);
	says(&r, 0, &(struct wr_check_answer){.agent = WR_AGENT_UP}); // not what takes it out of it
	assert_int_equal(wr_backend_state(be_of(&r, 0)), WR_BACKEND_DRAINING);
	says(&r, 0, &(struct wr_check_answer){.agent = WR_AGENT_READY});
	assert_int_equal(wr_backend_state(be_of(&r, 0)), WR_BACKEND_UP);
	says(&r, 0, &(struct wr_check_answer){.agent = WR_AGENT_MAINT});
	assert_int_equal(wr_backends_usable(r.b, 0), 2);
	assert_int_equal(r.kills[0], 0);
	rig_close(&r);
}

static void agent_takes_down_and_up(void **state)
{
	struct rig r;

	open_agents(&r);
	says(&r, 2, &(struct wr_check_answer){.agent = WR_AGENT_DOWN, .text = "agent: down"});
	assert_int_equal(wr_backend_state(be_of(&r, 2)), WR_BACKEND_DOWN);
	assert_int_equal(be_of(&r, 2)->health, WR_HEALTH_UP);
	assert_int_equal(wr_backends_usable(r.b, 0), 2);
	assert_int_equal(r.kills[2], 1);
	says(&r, 2, &(struct wr_check_answer){.agent = WR_AGENT_UP});
	assert_int_equal(wr_backend_state(be_of(&r, 2)), WR_BACKEND_SLOW_START);
	assert_int_equal(wr_backends_usable(r.b, 0), 3);
	rig_close(&r);
}

// One that is not there or talks nonsense changes nothing: the health check is for that.
static void agent_silent_changes_nothing(void **state)
{
	struct rig r;

	open_agents(&r);
	for (int i = 0; i < 5; i++)
		says(&r, 0,
			&(struct wr_check_answer){
				.err = i % 2 ? EPROTO : ECONNREFUSED, .agent = WR_AGENT_DOWN});
	assert_int_equal(wr_backend_state(be_of(&r, 0)), WR_BACKEND_UP);
	assert_int_equal(be_of(&r, 0)->check[WR_CHECK_SLOT_AGENT].last.err, ECONNREFUSED);
	assert_int_equal(r.told[WR_EV_backend_agent], 0);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agent_sets_weight),
		cmocka_unit_test(agent_sets_limit),
		cmocka_unit_test(agent_drains_and_readies),
		cmocka_unit_test(agent_takes_down_and_up),
		cmocka_unit_test(agent_silent_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
