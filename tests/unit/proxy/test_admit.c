/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

// Who may open a session, how many, and how many bytes may pass.

static struct wr_prefix prefix(const char *text)
{
	struct wr_prefix p;

	assert_int_equal(wr_prefix_parse(text, &p), 0);
	return p;
}

static void instance_2(struct wr_conf *c)
{
	c->limit.connections = 2;
}

static void service_2(struct wr_conf *c)
{
	c->services[0].limit.connections = 2;
}

static void client_2(struct wr_conf *c)
{
	c->services[0].client.connections = 2;
}

static void all_of_them(struct wr_conf *c)
{
	c->limit.connections = 10;
	c->services[0].limit.connections = 10;
	c->services[0].client.connections = 2;
}

static void third_is_refused(void (*tune)(struct wr_conf *c), int family, uint32_t scope)
{
	struct rig_config cfg = {.family = family, .tune = tune};
	struct rig_app *a[4];
	struct rig r;

	rig_open(&r, &cfg);
	for (int i = 0; i < 3; i++) {
		a[i] = rig_connect(&r, 0, 0, 100);
		rig_settle(&r);
	}
	assert_false(a[0]->closed || a[1]->closed);
	assert_true(rig_refused(a[2]));
	assert_int_equal(rig_ctr(&r, WR_CTR_limits_refused), 1);
	assert_int_equal(rig_ctr(&r, WR_CTR_sessions_opened), 2);
	assert_int_equal(rig_service(&r, 0)->limited, 1);
	assert_int_equal(rig_service(&r, 0)->refused, 0);
	assert_int_equal(r.event_count[WR_EV_limit_reached], 1);
	assert_int_equal(r.last[WR_EV_limit_reached].scope, scope);
	assert_int_equal(r.last[WR_EV_limit_reached].reason, WR_DROP_syn_limit_conns);
	assert_int_equal(r.last[WR_EV_limit_reached].count, 1);
	rig_end(&r, a[0]);
	a[3] = rig_connect(&r, 0, 0, 100);
	rig_settle(&r);
	assert_false(a[3]->closed);
	rig_close(&r);
}

static void admit_limit_of_instance(void **state)
{
	third_is_refused(instance_2, 4, UINT16_MAX);
	third_is_refused(instance_2, 6, UINT16_MAX);
}

static void admit_limit_of_service(void **state)
{
	third_is_refused(service_2, 4, 0);
	third_is_refused(service_2, 6, 0);
}

static void admit_limit_of_client(void **state)
{
	third_is_refused(client_2, 4, 0);
	third_is_refused(client_2, 6, 0);
	third_is_refused(all_of_them, 4, 0); // which gives the others' back
}

static void admit_others_have_their_own(void **state)
{
	for (int family = 4; family <= 6; family += 2) {
		struct rig_config cfg = {.family = family, .services = 2, .tune = client_2};
		struct rig r;

		rig_open(&r, &cfg);
		for (int i = 0; i < 5; i++)
			rig_connect(&r, 0, 0, 10);
		for (int i = 0; i < 2; i++)
			rig_connect(&r, 0, 1, 10);
		for (int i = 0; i < 5; i++)
			rig_connect(&r, 1, 0, 10); // not limited here
		rig_settle(&r);
		assert_int_equal(rig_ctr(&r, WR_CTR_limits_refused), 3);
		assert_int_equal(rig_service(&r, 0)->sessions, 4);
		assert_int_equal(rig_service(&r, 1)->sessions, 5);
		rig_close(&r);
	}
}

// Two events in two seconds, which stand for all.
static void admit_events_are_coalesced(void **state)
{
	struct rig_config cfg = {.tune = service_2};
	struct rig r;

	rig_open(&r, &cfg);
	for (int i = 0; i < 50; i++) {
		rig_connect(&r, 0, 0, 10);
		rig_run(&r, 10 * RIG_MS);
	}
	assert_int_equal(r.event_count[WR_EV_limit_reached], 1);
	rig_run(&r, RIG_S);
	assert_int_equal(r.event_count[WR_EV_limit_reached], 2);
	assert_int_equal(r.event_stands_for[WR_EV_limit_reached], 48);
	rig_close(&r);
}

// Who waits for a place is counted by the limits as well, and given back when refused.
static void waits(struct wr_conf *c)
{
	client_2(c);
	c->pools[0].max_connections = 1;
}

static void admit_counts_who_waits(void **state)
{
	struct rig_config cfg = {.tune = waits};
	struct rig_app *a[3];
	struct rig r;

	rig_open(&r, &cfg);
	for (int i = 0; i < 3; i++)
		a[i] = rig_connect(&r, 0, 0, 10);
	rig_settle(&r);
	assert_true(rig_refused(a[2]));
	rig_run(&r, 200 * RIG_MS);
	assert_true(rig_refused(a[1]));
	a[1] = rig_connect(&r, 0, 0, 10);
	rig_settle(&r);
	assert_false(a[1]->closed);
	rig_close(&r);
}

static void rules(struct wr_conf *c)
{
	c->access.deny = calloc(2, sizeof(struct wr_prefix));
	c->access.allow = calloc(1, sizeof(struct wr_prefix));
	c->access.deny_count = 2;
	c->access.allow_count = 1;
	c->access.deny[0] = prefix("198.18.0.0/24");
	c->access.deny[1] = prefix("2001:db8:0:3::/64");
	c->access.allow[0] = prefix("198.18.0.2/32");
	c->services[0].sources = calloc(1, sizeof(*c->services[0].sources));
	c->services[0].source_count = 1;
	c->services[0].sources[0].from = prefix("2001:db8:0:4::/64");
	c->services[0].sources[0].class = 1;
}

static void admit_denied(void **state)
{
	for (int family = 4; family <= 6; family += 2) {
		struct rig_config cfg = {.family = family, .tune = rules};
		struct rig_app *a[3];
		struct rig r;

		rig_open(&r, &cfg);
		for (uint32_t i = 0; i < 3; i++)
			a[i] = rig_connect(&r, 0, i, 10);
		rig_settle(&r);
		assert_false(a[0]->closed);
		assert_int_equal(rig_session(&r, a[0]).class, 4);
		assert_true(rig_refused(a[1]));
		assert_int_equal(rig_refused(a[2]), family == 4);
		if (family == 6)
			assert_int_equal(rig_session(&r, a[2]).class, 1);
		assert_int_equal(rig_service(&r, 0)->refused, family == 4 ? 2 : 1);
		assert_int_equal(rig_ctr(&r, WR_CTR_limits_refused), 0);
		rig_close(&r);
	}
}

// --- bytes ------------------------------------------------------------------------------------

static void client_1m(struct wr_conf *c)
{
	c->services[0].client.bytes = 1000000;
	c->services[0].client.bytes_burst = 100000;
	c->services[0].idle_us = 50 * RIG_MS; // a pause does not idle
}

static void admit_bytes_of_client(void **state)
{
	for (int family = 4; family <= 6; family += 2) {
		struct rig_config cfg = {.family = family, .tune = client_1m};
		struct rig_app *a;
		wr_us_t begun;
		struct rig r;

		rig_open(&r, &cfg);
		begun = r.now;
		a = rig_connect(&r, 0, 0, 1000000);
		for (int i = 0; i < 2000 && rig_service(&r, 0)->bytes_in < 1000000; i++) {
			assert_false(a->closed);
			// Never ahead of the rate by more than the burst and one read.
			assert_true(rig_service(&r, 0)->bytes_in <=
				    (r.now - begun) + 100000 + (32 << 10) + 2048);
			rig_run(&r, RIG_MS);
		}
		assert_int_equal(rig_service(&r, 0)->bytes_in, 1000000);
		assert_in_range(r.now - begun, 860 * RIG_MS, 1000 * RIG_MS);
		assert_true(rig_ctr(&r, WR_CTR_limits_paused) > 10);
		assert_int_equal(rig_service(&r, 0)->timeouts, 0);
		rig_close(&r);
	}
}

static void both_directions(struct wr_conf *c)
{
	c->limit.bytes = 1000000;
	c->limit.bytes_burst = 1;
}

// Both directions together, from sessions of two services.
static void admit_bytes_of_instance(void **state)
{
	struct rig_config cfg = {.services = 2, .tune = both_directions};
	uint64_t got[2], sum;
	struct rig r;

	rig_open(&r, &cfg);
	r.bulk = 10000000;
	for (uint16_t i = 0; i < 2; i++)
		rig_connect(&r, i, 0, 10000000);
	rig_run(&r, 2 * RIG_S);
	for (uint16_t i = 0; i < 2; i++)
		got[i] = rig_service(&r, i)->bytes_in + rig_service(&r, i)->bytes_out;
	sum = got[0] + got[1];
	assert_in_range(sum, 1900000, 2100000);
	assert_in_range(got[0], sum * 4 / 10, sum * 6 / 10); // they take turns
	rig_close(&r);
}

// Those that pause at one time for one limit do not wake at one time.
static void admit_bytes_pauses_are_spread(void **state)
{
	enum {
		N = 100
	};
	struct rig_config cfg = {.tune = both_directions};
	wr_us_t until[N], wait;
	uint32_t same = 0;
	struct rig r;

	rig_open(&r, &cfg);
	wr_limit_bytes(&r.shared->limits[0], &r.p->limit, 1000000, r.now); // a second ahead
	wait = wr_limit_bytes_wait(&r.shared->limits[0], &r.p->limit, r.now);
	for (uint32_t i = 0; i < N; i++)
		rig_connect(&r, 0, i, 10);
	rig_settle(&r);
	for (uint32_t i = 0; i < N; i++) {
		until[i] = session_at(r.p, i)->moving.paused_until_us;
		assert_in_range(until[i], r.now + wait, r.now + wait + wait / 8);
		for (uint32_t k = 0; k < i; k++)
			same += until[i] / RIG_MS == until[k] / RIG_MS;
	}
	assert_true(same < N); // of 4950 pairs, 125 ms apart at most
	rig_close(&r);
}

// The end of a stream is passed on behind its last byte, however long that takes.
static void admit_bytes_then_the_end(void **state)
{
	struct rig_config cfg = {.tune = client_1m};
	struct rig_app *a;
	struct rig r;

	rig_open(&r, &cfg);
	r.bulk = 300000;
	a = rig_connect(&r, 0, 0, 100000);
	rig_run(&r, RIG_MS);
	rig_fin(&r, a);
	rig_run(&r, RIG_S);
	assert_true(a->closed);
	assert_int_equal(a->end, WR_TCP_END_CLOSED);
	assert_int_equal(a->got, 300000);
	rig_close(&r);
}

static void admit_bytes_without_a_limit(void **state)
{
	struct rig_config cfg = {.services = 2, .tune = client_1m};
	struct rig r;

	rig_open(&r, &cfg);
	rig_connect(&r, 1, 0, 5000000);
	rig_run(&r, 100 * RIG_MS);
	assert_int_equal(rig_service(&r, 1)->bytes_in, 5000000);
	assert_int_equal(rig_ctr(&r, WR_CTR_limits_paused), 0);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(admit_limit_of_instance),
		cmocka_unit_test(admit_limit_of_service),
		cmocka_unit_test(admit_limit_of_client),
		cmocka_unit_test(admit_others_have_their_own),
		cmocka_unit_test(admit_events_are_coalesced),
		cmocka_unit_test(admit_counts_who_waits),
		cmocka_unit_test(admit_denied),
		cmocka_unit_test(admit_bytes_of_client),
		cmocka_unit_test(admit_bytes_of_instance),
		cmocka_unit_test(admit_bytes_pauses_are_spread),
		cmocka_unit_test(admit_bytes_then_the_end),
		cmocka_unit_test(admit_bytes_without_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
