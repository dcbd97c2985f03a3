/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig_change.h"

#include <errno.h>

// What all workers share of limits, as the configuration says.

static void shared_rule_bursts(void **state)
{
	struct wr_conf_limit c = {0};
	struct wr_limit_rule r = wr_proxy_limit_rule(&c);

	assert_false(wr_limit_rule_any(&r));
	assert_int_equal(r.rate_burst | r.bytes_burst, 0);
	c = (struct wr_conf_limit){.rate = 1000, .connections = 7, .bytes = 10000000};
	r = wr_proxy_limit_rule(&c);
	assert_int_equal(r.rate_per_s, 1000);
	assert_int_equal(r.rate_burst, 100);
	assert_int_equal(r.connections, 7);
	assert_int_equal(r.bytes_per_s, 10000000);
	assert_int_equal(r.bytes_burst, 1000000);
	c = (struct wr_conf_limit){.rate = 5, .bytes = 1000};
	r = wr_proxy_limit_rule(&c);
	assert_int_equal(r.rate_burst, 1);
	assert_int_equal(r.bytes_burst, 64 << 10);
	c = (struct wr_conf_limit){.rate = 5, .rate_burst = 50, .bytes = 1000, .bytes_burst = 2000};
	r = wr_proxy_limit_rule(&c);
	assert_int_equal(r.rate_burst, 50);
	assert_int_equal(r.bytes_burst, 2000);
}

static void shared_nothing_configured(void **state)
{
	struct rig_config cfg = {.services = 3, .backends = 4};
	struct rig r;

	rig_open(&r, &cfg);
	assert_null(r.shared->clients);
	assert_int_equal(wr_access_count(r.shared->access), 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(r.shared->backends[i]->limit, 0);
	assert_null(r.shared->backends[4]);
	assert_int_equal(r.shared->pools[0]->limit, 0);
	assert_null(r.shared->pools[1]);
	// No places are counted where none are limited.
	rig_connect(&r, 0, 0, 10);
	rig_settle(&r);
	assert_int_equal(rig_service(&r, 0)->sessions, 1);
	assert_int_equal(wr_lease_out(r.shared->pools[0]), 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(wr_lease_out(r.shared->backends[i]), 0);
	rig_close(&r);
}

static void everything(struct wr_conf *c)
{
	c->access.deny = calloc(1, sizeof(struct wr_prefix));
	c->access.deny_count = 1;
	assert_int_equal(wr_prefix_parse("2001:db8:0:9::/64", &c->access.deny[0]), 0);
	c->services[1].sources = calloc(2, sizeof(*c->services[1].sources));
	c->services[1].source_count = 2;
	assert_int_equal(wr_prefix_parse("198.18.0.0/24", &c->services[1].sources[0].from), 0);
	c->services[1].sources[0].class = 2;
	assert_int_equal(wr_prefix_parse("198.18.0.7/32", &c->services[1].sources[1].from), 0);
	c->services[1].sources[1].class = 0;
	c->services[1].client.rate = 10;
	c->pools[0].max_connections = 30;
	c->pools[0].backends[1].max_connections = 20;
}

static void shared_as_configured(void **state)
{
	struct rig_config cfg = {.services = 2, .tune = everything};
	struct wr_access_verdict v;
	struct wr_access_rule rule[8];
	struct wr_addr a;
	struct rig r;

	rig_open(&r, &cfg);
	assert_non_null(r.shared->clients);
	assert_true(wr_clients_capacity(r.shared->clients) >= 1024);
	assert_int_equal(r.shared->pools[0]->limit, 30);
	assert_int_equal(r.shared->backends[0]->limit, 0);
	assert_int_equal(r.shared->backends[1]->limit, 20);
	assert_int_equal(wr_access_list(r.shared->access, 0, rule, 8), 3);
	for (int i = 0; i < 3; i++)
		assert_true(rule[i].configured);
	assert_int_equal(wr_addr_parse("198.18.0.7", &a), 0);
	v = wr_access_look(r.shared->access, &a, 1, 4);
	assert_int_equal(v.class, 0);
	assert_int_equal(wr_access_look(r.shared->access, &a, 0, 4).class, 4);
	assert_int_equal(wr_addr_parse("198.18.0.8", &a), 0);
	v = wr_access_look(r.shared->access, &a, 1, 4);
	assert_int_equal(v.class, 2);
	assert_false(v.denied);
	assert_int_equal(wr_addr_parse("2001:db8:0:9::1", &a), 0);
	assert_true(wr_access_look(r.shared->access, &a, 0, 4).denied);
	assert_true(wr_access_look(r.shared->access, &a, 1, 4).denied);
	rig_close(&r);
}

static void too_many(struct wr_conf *c)
{
	c->access.deny = calloc(WR_ACCESS_RULES + 1, sizeof(struct wr_prefix));
	c->access.deny_count = WR_ACCESS_RULES + 1;
	for (uint32_t i = 0; i <= WR_ACCESS_RULES; i++) {
		c->access.deny[i].addr = wr_addr_from_v4(RTE_BE32(0xc6120000u + i));
		c->access.deny[i].len = 128;
	}
}

static void shared_refused(void **state)
{
	struct rig_config cfg = {.backends = 1};
	static const uint64_t key[2];
	struct wr_err err = {0};
	struct rig r;

	rig_open(&r, &cfg);
	too_many(r.conf);
	assert_null(wr_proxy_shared_create(r.conf, r.backends, 1, key, SOCKET_ID_ANY, &err));
	assert_true(err.text[0] != '\0');
	wr_proxy_shared_destroy(NULL);
	rig_close(&r);
}

// Rules of the file follow it, an operator's stay, and those for a service end with it.
static void shared_access_follows(void **state)
{
	struct rig_config cfg = {.services = 2, .tune = everything};
	struct wr_access_rule own[2] = {
		{.service = 0, .action = WR_ACCESS_DENY, .class = WR_ACCESS_NO_CLASS},
		{.service = 1, .action = WR_ACCESS_DENY, .class = WR_ACCESS_NO_CLASS}};
	struct wr_addr in, was, blocked;
	struct wr_err err = {0};
	struct wr_conf *c;
	struct rig r;

	rig_open(&r, &cfg);
	assert_int_equal(wr_prefix_parse("198.18.9.0/24", &own[0].from), 0);
	own[1].from = own[0].from;
	assert_int_equal(wr_access_add(r.shared->access, own, 2, &err), 0);
	c = rig_edit(&r);
	assert_int_equal(wr_prefix_parse("198.18.7.0/24", &c->access.deny[0]), 0);
	c->services[1].sources[1].class = 6;
	rig_change(&r, c);
	assert_int_equal(wr_access_count(r.shared->access), 5);
	assert_int_equal(wr_addr_parse("198.18.7.1", &in), 0);
	assert_int_equal(wr_addr_parse("2001:db8:0:9::1", &was), 0);
	assert_int_equal(wr_addr_parse("198.18.9.1", &blocked), 0);
	assert_true(wr_access_look(r.shared->access, &in, 0, 4).denied);
	assert_false(wr_access_look(r.shared->access, &was, 0, 4).denied);
	assert_int_equal(wr_addr_parse("198.18.0.7", &in), 0);
	assert_int_equal(wr_access_look(r.shared->access, &in, 1, 4).class, 6);
	assert_true(wr_access_look(r.shared->access, &blocked, 1, 4).denied);
	c = rig_edit(&r);
	c->services[1].slot = WR_CONF_VACANT;
	rig_change(&r, c);
	rig_change(&r, NULL);
	assert_int_equal(wr_access_count(r.shared->access), 2);
	assert_true(wr_access_look(r.shared->access, &blocked, 0, 4).denied);
	assert_false(wr_access_look(r.shared->access, &blocked, 1, 4).denied);
	rig_close(&r);
}

// A limit follows the file where the file says something new; a slot's next user has its own.
static void shared_limits_follow(void **state)
{
	struct rig_config cfg = {.services = 2, .tune = everything};
	struct wr_clients *clients;
	struct wr_lease *lease;
	struct wr_conf *c;
	struct rig r;

	rig_open(&r, &cfg);
	clients = r.shared->clients;
	assert_int_equal(wr_proxy_shared_limit(r.shared, 0, WR_BACKEND_NONE, 7), 0);
	rig_change(&r, NULL);
	assert_int_equal(r.shared->pools[0]->limit, 7);
	c = rig_edit(&r);
	c->pools[0].max_connections = 40;
	rig_change(&r, c);
	assert_int_equal(r.shared->pools[0]->limit, 40);
	lease = r.shared->backends[1];
	c = rig_edit(&r);
	c->services[1].client.rate = 0;
	c->pools[0].backends[1].slot = WR_CONF_VACANT;
	rig_change(&r, c);
	assert_ptr_equal(r.shared->clients, clients); // lives on
	rig_run(&r, 50 * RIG_MS);
	rig_change(&r, NULL);
	assert_null(wr_backends_get(r.backends, 1));
	c = rig_edit(&r);
	rig_add_backend(&r, c, 0, 3)->max_connections = 3;
	rig_change(&r, c);
	assert_non_null(wr_backends_get(r.backends, 1));
	assert_ptr_equal(r.shared->backends[1], lease);
	assert_int_equal(lease->limit, 3);
	assert_true(wr_proxy_shared_limited(r.shared, 0));
	c = rig_edit(&r);
	c->pools[0].max_connections = 0;
	for (uint32_t i = 0; i < c->pools[0].backend_count; i++)
		c->pools[0].backends[i].max_connections = 0;
	rig_change(&r, c);
	assert_int_equal(lease->limit, 0);
	assert_false(wr_proxy_shared_limited(r.shared, 0));
	rig_close(&r);
}

// The table of clients is made when it is needed first.
static void shared_clients_come_later(void **state)
{
	struct rig_config cfg = {.services = 1};
	struct wr_conf *c;
	struct rig r;

	rig_open(&r, &cfg);
	assert_null(r.shared->clients);
	c = rig_edit(&r);
	c->services[0].client.connections = 1;
	rig_change(&r, c);
	assert_non_null(r.shared->clients);
	rig_connect(&r, 0, 0, 10);
	rig_settle(&r);
	assert_int_equal(wr_clients_used(r.shared->clients, r.now), 1);
	rig_close(&r);
}

// Access rules that do not fit leave those before in force; limits follow all the same.
static void shared_commit_refused(void **state)
{
	struct rig_config cfg = {.services = 2, .tune = everything};
	struct wr_err err = {0};
	struct wr_conf *c;
	struct rig r;

	rig_open(&r, &cfg);
	c = rig_edit(&r);
	free(c->access.deny);
	too_many(c);
	c->pools[0].max_connections = 9;
	assert_int_equal(wr_proxy_shared_commit(r.shared, r.conf, c, &err), -ENOSPC);
	assert_true(err.text[0] != '\0');
	assert_int_equal(wr_access_count(r.shared->access), 3);
	assert_int_equal(r.shared->pools[0]->limit, 9);
	wr_conf_free(c);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shared_rule_bursts),
		cmocka_unit_test(shared_nothing_configured),
		cmocka_unit_test(shared_as_configured),
		cmocka_unit_test(shared_refused),
		cmocka_unit_test(shared_access_follows),
		cmocka_unit_test(shared_limits_follow),
		cmocka_unit_test(shared_clients_come_later),
		cmocka_unit_test(shared_commit_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
