/* SPDX-License-Identifier: BSD-3-Clause */
#include "plan_test.h"

#include <errno.h>

static struct wr_conf_backend backend(const char *name, const char *address)
{
	struct wr_conf_backend b = {.weight = 1};

	snprintf(b.name, sizeof(b.name), "%s", name);
	assert_int_equal(wr_endpoint_parse(address, &b.address), 0);
	return b;
}

static void add(struct wr_conf *c, const char *name, const char *address)
{
	struct wr_conf_backend b = backend(name, address);
	struct wr_err err = {{0}};

	if (wr_conf_add_backend(c, "web", &b, &err) < 0)
		fail_msg("refused: %s", err.text);
}

// Refused with this, and nothing changed.
static void refused(
	struct wr_conf *c, const char *pool, struct wr_conf_backend b, int rc, const char *sentence)
{
	struct wr_conf *was = wr_conf_copy(c);
	struct wr_err err = {{0}};

	assert_int_equal(wr_conf_add_backend(c, pool, &b, &err), rc);
	if (!strstr(err.text, sentence))
		fail_msg("says:      %s\nshould say: %s", err.text, sentence);
	assert_int_equal(wr_conf_diff(was, c, NULL, 0), 0);
	assert_int_equal(was->pools[0].backend_count, c->pools[0].backend_count);
	wr_conf_free(was);
}

static void edit_add(void **state)
{
	struct wr_conf *c = conf_take((struct conf_parts){0});

	add(c, "b3", "198.18.0.13:80");
	add(c, "b4", "[2001:db8::13]:80");
	assert_int_equal(plan_id(c, "web", "b3", WR_CONF_LIVE), 2);
	assert_int_equal(plan_id(c, "web", "b4", WR_CONF_LIVE), 3);
	assert_int_equal(wr_conf_backend_slots(c), 4);
	wr_conf_free(c);
}

static void edit_add_wrong(void **state)
{
	struct wr_conf *c = conf_take((struct conf_parts){
		.more = "access: {deny: 198.18.0.64/26}\n",
		.runtime = "runtime: {workers: 1, max_sessions: 100}\n",
	});
	struct wr_conf_backend b;

	refused(c, "wbe", backend("b3", "198.18.0.13:80"), -ENOENT,
		"there is no pool 'wbe'; did you mean 'web'?");
	refused(c, "web", backend("b2", "198.18.0.13:80"), -EEXIST,
		"backend web/b2: is there already; right would be");
	refused(c, "web", backend("-b", "198.18.0.13:80"), -EINVAL,
		"backend web/-b: name '-b' begins with a dot or a dash; right would be");
	refused(c, "web", backend("", "198.18.0.13:80"), -EINVAL, "name '' is empty");
	refused(c, "web", backend("b3", "198.18.0.11:8080"), -EINVAL,
		"backend web/b3: address: value '198.18.0.11:8080' is the address of backend 'b1'");
	refused(c, "web", backend("b3", "198.18.0.100:80"), -EINVAL, "a listener of service 'www'");
	refused(c, "web", backend("b3", "[2001:db8::1]:80"), -EINVAL,
		"at the address of port 'wan'");
	refused(c, "web", backend("b3", "127.0.0.1:80"), -EINVAL, "is a loopback address");
	refused(c, "web", backend("b3", "198.18.0.70:80"), -EINVAL,
		"access.deny[0]: value '198.18.0.64/26' covers 198.18.0.70");
	b = backend("b3", "198.18.0.13:80");
	b.weight = 257;
	refused(c, "web", b, -EINVAL, "backend web/b3: weight '257' is too large");
	b.weight = 1;
	b.priority = 8;
	refused(c, "web", b, -EINVAL, "backend web/b3: priority '8' is too large");
	b.priority = 0;
	b.max_connections = 101;
	refused(c, "web", b, -EINVAL,
		"backend web/b3: max_connections: value '101' is above runtime.max_sessions");
	wr_conf_free(c);
}

// By telemetry as by a file: what is behind a tunnel is what its pool says.
static void edit_add_behind_tunnel(void **state)
{
	struct wr_conf *c = conf_take((struct conf_parts){
		.more = CONF_TUNNELS_MORE, .pools = CONF_POOLS CONF_POOLS_BEHIND});
	struct wr_conf_backend b = backend("b3", "10.1.7.7:80");
	struct wr_err err = {{0}};

	refused(c, "web", b, -EINVAL,
		"backend web/b3: address: value '10.1.7.7:80' is behind tunnel 'dc1', but pool "
		"'web' does not say so: overlapping selectors");
	refused(c, "web", backend("b3", "[2001:db8::55]:81"), -EINVAL, "behind tunnel 'host'");
	refused(c, "far", backend("b3", "198.18.0.13:80"), -EINVAL,
		"backend far/b3: address: value '198.18.0.13:80' is behind no tunnel, but pool "
		"'far' says tunnel 'dc1'");
	refused(c, "end", b, -EINVAL, "is behind tunnel 'dc1', but pool 'end' says tunnel 'host'");
	assert_int_equal(wr_conf_add_backend(c, "far", &b, &err), 0);
	b = backend("b3", "[2001:db8::55]:81");
	assert_int_equal(wr_conf_add_backend(c, "end", &b, &err), 0);
	wr_conf_free(c);
}

static void edit_remove(void **state)
{
	struct wr_conf *c = conf_take((struct conf_parts){0});
	struct wr_err err = {{0}};

	assert_int_equal(wr_conf_remove_backend(c, "web", "b1", &err), 0);
	assert_int_equal(plan_id(c, "web", "b1", WR_CONF_LEAVING), 0);
	assert_int_equal(plan_id(c, "web", "b2", WR_CONF_LIVE), 1);
	// Its id is not free, so another one gets the next.
	add(c, "b1", "198.18.0.13:80");
	assert_int_equal(plan_id(c, "web", "b1", WR_CONF_LIVE), 2);
	assert_int_equal(wr_conf_remove_backend(c, "web", "b1", &err), 0);
	// The same again is the same.
	add(c, "b1", "198.18.0.11:8080");
	assert_int_equal(plan_id(c, "web", "b1", WR_CONF_LIVE), 0);
	assert_int_equal(c->pools[0].backend_count, 3);
	wr_conf_free(c);
}

static void edit_remove_old_source_is_another(void **state)
{
	struct wr_conf *c = conf_take((struct conf_parts){0});
	struct wr_err err = {{0}};

	assert_int_equal(wr_conf_remove_backend(c, "web", "b1", &err), 0);
	c->pools[0].backends[0].old_source = true;
	add(c, "b1", "198.18.0.11:8080");
	assert_int_equal(plan_id(c, "web", "b1", WR_CONF_LIVE), 2);
	wr_conf_free(c);
}

static void edit_remove_within(void **state)
{
	struct wr_conf *c = conf_take((struct conf_parts){0});
	struct wr_err err = {{0}};

	assert_int_equal(wr_conf_remove_backend_within(c, "web", "b1", 7000000, &err), 0);
	assert_true(c->pools[0].backends[0].drain_given);
	assert_int_equal(c->pools[0].backends[0].drain_us, 7000000);
	add(c, "b1", "198.18.0.11:8080"); // it returns as if nothing had been said
	assert_int_equal(c->pools[0].backend_count, 2);
	for (uint32_t i = 0; i < 2; i++)
		assert_false(c->pools[0].backends[i].drain_given);
	assert_int_equal(wr_conf_remove_backend_within(c, "web", "b9", 7000000, &err), -ENOENT);
	wr_conf_free(c);
}

static void edit_limit(void **state)
{
	struct wr_conf *c = conf_take((struct conf_parts){0});
	struct wr_err err = {{0}};

	assert_int_equal(wr_conf_limit_connections(c, "web", NULL, 9, &err), 0);
	assert_int_equal(c->pools[0].max_connections, 9);
	assert_int_equal(wr_conf_limit_connections(c, "web", "b2", 5, &err), 0);
	assert_int_equal(c->pools[0].backends[1].max_connections, 5);
	assert_int_equal(wr_conf_limit_connections(c, "web", "b2", 10, &err), -EINVAL);
	assert_non_null(strstr(err.text, "backend web/b2: "));
	if (strstr(err.text, "above pools[0].max_connections") == NULL)
		fail_msg("%s", err.text);
	assert_int_equal(c->pools[0].backends[1].max_connections, 5);
	err.text[0] = 0;
	assert_int_equal(
		wr_conf_limit_connections(c, "web", NULL, c->runtime.max_sessions + 1, &err),
		-EINVAL);
	assert_non_null(strstr(err.text, "pool web: "));
	assert_int_equal(c->pools[0].max_connections, 9);
	err.text[0] = 0;
	assert_int_equal(wr_conf_limit_connections(c, "web", "b9", 1, &err), -ENOENT);
	assert_int_equal(wr_conf_limit_connections(c, "x", NULL, 1, &err), -ENOENT);
	assert_int_equal(wr_conf_limit_connections(c, "web", "b2", 0, &err), 0);
	assert_int_equal(c->pools[0].backends[1].max_connections, 0);
	wr_conf_free(c);
}

static void edit_remove_wrong(void **state)
{
	struct wr_conf *c = conf_take((struct conf_parts){
		.pools = "pools:\n  - name: web\n    max_connections: 5\n    backends:\n"
			 "      - {name: b1, address: \"198.18.0.11:1\", max_connections: 3}\n"
			 "      - {name: b2, address: \"198.18.0.12:1\", max_connections: 4}\n"
			 "  - {name: one, backends: [{name: x, address: \"198.18.0.12:1\"}]}\n"});
	struct wr_err err = {{0}};

	assert_int_equal(wr_conf_remove_backend(c, "one", "x", &err), -EINVAL);
	assert_non_null(strstr(err.text, "backend one/x: is the pool's last one"));
	err.text[0] = 0;
	assert_int_equal(wr_conf_remove_backend(c, "web", "b11", &err), -ENOENT);
	assert_non_null(strstr(err.text, "backend web/b11: the pool has no such backend; did you "
					 "mean 'b1'?"));
	err.text[0] = 0;
	assert_int_equal(wr_conf_remove_backend(c, "x", "b1", &err), -ENOENT);
	err.text[0] = 0;
	assert_int_equal(wr_conf_remove_backend(c, "web", "b1", &err), -EINVAL);
	assert_non_null(strstr(err.text, "backend web/b1: max_connections: value '5' cannot be "
					 "reached: the max_connections of its 1 backends"));
	assert_int_equal(plan_id(c, "web", "b1", WR_CONF_LIVE), 0);
	wr_conf_free(c);
}

static void edit_add_too_many(void **state)
{
	struct wr_conf *c = conf_take((struct conf_parts){0});
	struct wr_conf_pool *p = &c->pools[0];

	free(p->backends);
	p->backends = calloc(WR_MAX_BACKENDS, sizeof(*p->backends));
	p->backend_count = WR_MAX_BACKENDS;
	for (uint32_t i = 0; i < WR_MAX_BACKENDS; i++) {
		p->backends[i] = backend("x", "198.18.0.11:1");
		snprintf(p->backends[i].name, WR_NAME_LEN, "b%u", i);
		p->backends[i].address.port = (uint16_t)(i + 1);
		p->backends[i].id = (uint16_t)i;
	}
	refused(c, "web", backend("b", "198.18.0.13:80"), -ENOSPC,
		"backend web/b: is one more than the 4096");
	wr_conf_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(edit_add),
		cmocka_unit_test(edit_add_wrong),
		cmocka_unit_test(edit_add_behind_tunnel),
		cmocka_unit_test(edit_remove),
		cmocka_unit_test(edit_remove_old_source_is_another),
		cmocka_unit_test(edit_remove_within),
		cmocka_unit_test(edit_limit),
		cmocka_unit_test(edit_remove_wrong),
		cmocka_unit_test(edit_add_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
