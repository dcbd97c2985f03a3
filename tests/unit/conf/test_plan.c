/* SPDX-License-Identifier: BSD-3-Clause */
#include "plan_test.h"

#include <errno.h>

#define POOL(name, backends) "  - {name: " name ", backends: [" backends "]}\n"
#define B(name, host)        "{name: " name ", address: \"198.18.0." host ":80\"}"
#define SERVICE(name, port, pool)                                                                  \
	"  - {name: " name ", listen: [\"198.18.0.100:" port "\", \"[2001:db8::100]:" port "\"], " \
	"pool: " pool "}\n"

static struct conf_parts parts(const char *pools, const char *services)
{
	return (struct conf_parts){.pools = pools, .services = services};
}

static const char two_pools[] = "pools:\n" POOL("a", B("b1", "11") "," B("b2", "12"))
	POOL("b", B("b1", "21") ", {name: b6, address: \"[2001:db8::21]:80\"}");
static const char two_services[] = "services:\n" SERVICE("x", "80", "a") SERVICE("y", "81", "b");

static void plan_same_again(void **state)
{
	struct wr_conf *c = conf_take(parts(two_pools, two_services));

	assert_int_equal(wr_conf_backend_slots(c), 4);
	plan_next(&c, parts(two_pools, two_services), false);
	assert_int_equal(c->service_count, 2);
	assert_int_equal(c->pool_count, 2);
	assert_int_equal(wr_conf_find_pool(c, "b"), 1);
	assert_int_equal(plan_id(c, "b", "b6", WR_CONF_LIVE), 3);
	assert_int_equal(wr_conf_backend_slots(c), 4);
	assert_null(c->marks);
	wr_conf_free(c);
}

static void plan_order_of_the_file_does_not_count(void **state)
{
	struct wr_conf *c = conf_take(parts(two_pools, two_services));

	plan_next(&c,
		parts("pools:\n" POOL(
			      "b", "{name: b6, address: \"[2001:db8::21]:80\"}," B("b1", "21"))
				POOL("c", B("b1", "31")) POOL("a", B("b2", "12") "," B("b1", "11")),
			"services:\n" SERVICE("z", "82", "c") SERVICE("y", "81", "b")
				SERVICE("x", "80", "c")),
		false);
	assert_int_equal(wr_conf_find_pool(c, "a"), 0);
	assert_int_equal(wr_conf_find_pool(c, "b"), 1);
	assert_int_equal(wr_conf_find_pool(c, "c"), 2);
	assert_int_equal(wr_conf_find_service(c, "x"), 0);
	assert_int_equal(c->services[0].pool, 2);
	assert_int_equal(c->services[1].pool, 1);
	assert_int_equal(c->services[2].pool, 2);
	assert_int_equal(plan_id(c, "a", "b1", WR_CONF_LIVE), 0);
	assert_int_equal(plan_id(c, "a", "b2", WR_CONF_LIVE), 1);
	assert_int_equal(plan_id(c, "b", "b1", WR_CONF_LIVE), 2);
	assert_int_equal(plan_id(c, "b", "b6", WR_CONF_LIVE), 3);
	assert_int_equal(plan_id(c, "c", "b1", WR_CONF_LIVE), 4);
	wr_conf_free(c);
}

static void plan_removed_leaves_while_in_use(void **state)
{
	struct conf_parts one =
		parts("pools:\n" POOL("b", B("b1", "21")), "services:\n" SERVICE("y", "81", "b"));
	struct wr_conf *c = conf_take(parts(two_pools, two_services));

	// Once without being asked: a worker may begin a session until it has the new one.
	plan_next(&c, one, false);
	assert_int_equal(c->services[0].slot, WR_CONF_LEAVING);
	assert_int_equal(c->services[0].listen_count, 0);
	assert_int_equal(c->services[0].pool, 0);
	assert_int_equal(c->pools[0].slot, WR_CONF_LEAVING);
	assert_int_equal(c->pools[0].backend_count, 2);
	assert_int_equal(plan_id(c, "b", "b6", WR_CONF_LEAVING), 3);
	plan_next(&c, one, true);
	assert_int_equal(c->pools[0].backend_count, 2);
	plan_next(&c, one, false);
	assert_int_equal(c->services[0].slot, WR_CONF_VACANT);
	assert_int_equal(c->pools[0].slot, WR_CONF_VACANT);
	assert_int_equal(c->pools[0].name[0], 0);
	assert_int_equal(c->pools[0].backup, -1);
	assert_int_equal(wr_conf_find_pool(c, ""), -1);
	assert_int_equal(wr_conf_find_service(c, ""), -1);
	assert_int_equal(c->pools[1].backend_count, 1);
	assert_int_equal(wr_conf_backend_slots(c), 3);
	// And the slots are there for others.
	plan_next(&c, parts(two_pools, two_services), false);
	assert_int_equal(wr_conf_find_service(c, "x"), 0);
	assert_int_equal(plan_id(c, "b", "b1", WR_CONF_LIVE), 2);
	wr_conf_free(c);
}

static void plan_service_keeps_its_pool(void **state)
{
	struct conf_parts one =
		parts("pools:\n" POOL("b", B("b1", "21")), "services:\n" SERVICE("y", "81", "b"));
	struct wr_conf *c = conf_take(parts(two_pools, two_services)), *fresh;
	struct plan_use yes = {.all = true};
	struct wr_conf_use use = {
		.service = plan_used, .pool = plan_unused, .backend = plan_unused, .arg = &yes};
	struct wr_err err = {{0}};

	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(yes.asked, i ? i - 1 : 0);
		fresh = conf_take(one);
		assert_int_equal(wr_conf_plan(fresh, c, &use, &err), 0);
		wr_conf_free(c);
		c = fresh;
	}
	assert_int_equal(c->services[0].slot, WR_CONF_LEAVING);
	assert_int_equal(c->pools[0].slot, WR_CONF_LEAVING);
	assert_int_equal(c->pools[0].backend_count, 0);
	wr_conf_free(c);
}

static void plan_backend_comes_back(void **state)
{
	struct conf_parts without = parts("pools:\n" POOL("a", B("b1", "11")),
				  "services:\n" SERVICE("x", "80", "a")),
			  with = parts("pools:\n" POOL("a", B("b1", "11") "," B("b2", "12")),
				  "services:\n" SERVICE("x", "80", "a"));
	struct wr_conf *c = conf_take(with);

	plan_next(&c, without, true);
	assert_int_equal(plan_id(c, "a", "b2", WR_CONF_LEAVING), 1);
	plan_next(&c, with, true);
	assert_int_equal(plan_id(c, "a", "b2", WR_CONF_LIVE), 1);
	assert_int_equal(plan_id(c, "a", "b2", WR_CONF_LEAVING), -1);
	wr_conf_free(c);
}

static void plan_backend_new_address(void **state)
{
	struct conf_parts before = parts("pools:\n" POOL("a", B("b1", "11")),
				  "services:\n" SERVICE("x", "80", "a")),
			  after = parts("pools:\n" POOL("a", B("b1", "12")),
				  "services:\n" SERVICE("x", "80", "a"));
	struct wr_conf *c = conf_take(before);

	plan_next(&c, after, true);
	assert_int_equal(plan_id(c, "a", "b1", WR_CONF_LIVE), 1);
	assert_int_equal(plan_id(c, "a", "b1", WR_CONF_LEAVING), 0);
	plan_next(&c, before, true);
	assert_int_equal(plan_id(c, "a", "b1", WR_CONF_LIVE), 0);
	assert_int_equal(plan_id(c, "a", "b1", WR_CONF_LEAVING), 1);
	wr_conf_free(c);
}

// Sessions of another source must not share a slot with those of the new one, ever.
static void plan_backend_new_source(void **state)
{
	const char *services = "services:\n" SERVICE("x", "80", "a");
	struct conf_parts one = parts("pools:\n  - {name: a, source: 198.18.0.50, backends: [" B(
					      "b1", "11") "]}\n",
				  services),
			  two = parts("pools:\n  - {name: a, source: 198.18.0.51, backends: [" B(
					      "b1", "11") "]}\n",
				  services);
	struct wr_conf *c = conf_take(one);

	plan_next(&c, two, true);
	assert_int_equal(plan_id(c, "a", "b1", WR_CONF_LIVE), 1);
	plan_next(&c, two, true);
	assert_int_equal(plan_id(c, "a", "b1", WR_CONF_LIVE), 1);
	assert_int_equal(plan_id(c, "a", "b1", WR_CONF_LEAVING), 0);
	plan_next(&c, one, true);
	assert_int_equal(plan_id(c, "a", "b1", WR_CONF_LIVE), 2);
	plan_next(&c, one, false);
	assert_int_equal(c->pools[0].backend_count, 1);
	wr_conf_free(c);
}

static void plan_backup_moves_along(void **state)
{
	const char *services = "services:\n" SERVICE("x", "80", "a");
	struct wr_conf *c = conf_take(parts("pools:\n  - {name: a, backup: z, backends: [" B(
						    "b1", "11") "]}\n" POOL("z", B("b1", "12")),
		services));

	assert_int_equal(c->pools[0].backup, 1);
	plan_next(&c,
		parts("pools:\n" POOL("y", B("b1", "13"))
				POOL("z", B("b1", "12")) "  - {name: a, backup: y, backends: [" B(
					"b1", "11") "]}\n",
			services),
		false);
	assert_int_equal(c->pools[0].backup, 2);
	assert_string_equal(c->pools[2].name, "y");
	// It leaves with the pool that has it.
	plan_next(&c,
		parts("pools:\n" POOL("z", B("b1", "12")), "services:\n" SERVICE("x", "80", "z")),
		false);
	assert_int_equal(c->pools[0].slot, WR_CONF_LEAVING);
	assert_int_equal(c->pools[0].backup, 2);
	wr_conf_free(c);
}

static void plan_edited_copy(void **state)
{
	struct wr_conf *c = conf_take(parts(two_pools, two_services)), *edited;
	struct plan_use no = {.all = false};
	struct wr_conf_use use = {
		.service = plan_used, .pool = plan_used, .backend = plan_used, .arg = &no};
	struct wr_err err = {{0}};

	edited = wr_conf_copy(c);
	assert_int_equal(wr_conf_remove_backend(edited, "a", "b1", &err), 0);
	assert_int_equal(wr_conf_plan(edited, c, &use, &err), 0);
	assert_int_equal(plan_id(edited, "a", "b1", WR_CONF_LEAVING), 0);
	wr_conf_free(c);
	c = edited;
	edited = wr_conf_copy(c);
	assert_int_equal(wr_conf_plan(edited, c, &use, &err), 0);
	assert_int_equal(plan_id(edited, "a", "b1", WR_CONF_LEAVING), -1);
	wr_conf_free(c);
	wr_conf_free(edited);
}

// The time that an operator gave goes along to the row that leaves, and is in no file.
static void plan_edited_copy_with_a_drain(void **state)
{
	struct wr_conf *c = conf_take(parts(two_pools, two_services)), *edited, *plain;
	struct plan_use yes = {.all = true};
	struct wr_conf_use use = {
		.service = plan_used, .pool = plan_used, .backend = plan_used, .arg = &yes};
	struct wr_err err = {{0}};
	uint32_t found = 0;

	plain = wr_conf_copy(c);
	edited = wr_conf_copy(c);
	assert_int_equal(wr_conf_remove_backend(plain, "a", "b1", &err), 0);
	assert_int_equal(wr_conf_remove_backend_within(edited, "a", "b1", 7, &err), 0);
	assert_int_equal(wr_conf_diff(plain, edited, NULL, 0), 0);
	assert_int_equal(wr_conf_id(plain), wr_conf_id(edited));
	assert_int_equal(wr_conf_plan(edited, c, &use, &err), 0);
	for (int round = 0; round < 2; round++) {
		for (uint32_t i = 0; i < edited->pools[0].backend_count; i++) {
			const struct wr_conf_backend *b = &edited->pools[0].backends[i];

			assert_int_equal(b->drain_given, b->slot == WR_CONF_LEAVING);
			assert_int_equal(b->drain_us, b->drain_given ? 7 : 0);
			found += b->drain_given;
		}
		// The next one keeps it.
		wr_conf_free(c);
		c = edited;
		edited = wr_conf_copy(c);
		assert_int_equal(wr_conf_plan(edited, c, &use, &err), 0);
	}
	assert_int_equal(found, 2);
	wr_conf_free(c);
	wr_conf_free(edited);
	wr_conf_free(plain);
}

static void put_pools(char *text, size_t len, char prefix)
{
	size_t used = (size_t)snprintf(text, len, "pools:\n");

	for (uint32_t i = 0; i < 200; i++)
		used += (size_t)snprintf(text + used, len - used,
			"  - {name: %c%u, backends: [{name: b, address: \"198.18.0.11:%u\"}]}\n",
			prefix, i, 1000 + i);
	snprintf(text + used, len - used,
		"%sservices:\n  - {name: s, listen: \"198.18.0.100:80\", "
		"pool: %c0}\n",
		CONF_RUNTIME CONF_PORTS, prefix);
}

static void plan_no_room_while_the_old_leave(void **state)
{
	char text[32768];
	struct plan_use yes = {.all = true};
	struct wr_conf_use use = {
		.service = plan_used, .pool = plan_used, .backend = plan_used, .arg = &yes};
	struct wr_conf *c, *fresh;
	struct wr_err err = {{0}};

	put_pools(text, sizeof(text), 'a');
	c = conf_take_text(text, strlen(text));
	put_pools(text, sizeof(text), 'b');
	fresh = conf_take_text(text, strlen(text));
	assert_int_equal(wr_conf_plan(fresh, c, &use, &err), -ENOSPC);
	assert_non_null(strstr(err.text, "t.yaml:58: pools: 'b56' is one more than the 256"));
	wr_conf_free(fresh);
	wr_conf_free(c);
}

// The running one's tunnels and their order stay; what pools say of them may change.
static void plan_tunnels(void **state)
{
	static const char
		first[] = "tunnels:\n" CONF_TUNNEL_ONE
			  "  - {name: dc2, local: 198.18.0.1, remote: 198.18.9.2, to: 10.9.0.0/16, "
			  "keys: /k}\n",
		second[] =
			"tunnels:\n"
			"  - {name: dc2, local: 198.18.0.1, remote: 198.18.9.2, to: 10.9.0.0/16, "
			"keys: /k}\n" CONF_TUNNEL_ONE,
		one[] = "pools:\n  - {name: a, ipsec: {tunnel: dc2}, backends: [{name: b, address: "
			"\"10.9.0.1:1\"}]}\n",
		two[] = "pools:\n  - {name: n, ipsec: {tunnel: dc1, require: no}, backends: "
			"[{name: b, address: \"10.1.0.1:1\"}]}\n"
			"  - {name: a, ipsec: {tunnel: dc2, require: no}, backends: [{name: b, "
			"address: \"10.9.0.1:1\"}]}\n",
		clear[] = "pools:\n  - {name: n, backends: [{name: b, address: "
			  "\"198.18.0.9:1\"}]}\n",
		services[] = "services:\n" SERVICE("x", "80", "a"),
		other[] = "services:\n" SERVICE("x", "80", "n");
	struct wr_conf *c =
		conf_take((struct conf_parts){.more = first, .pools = one, .services = services});

	assert_int_equal(c->pools[0].tunnel, 1);
	assert_true(wr_conf_tunnel_required(c, 1));
	plan_next(
		&c, (struct conf_parts){.more = second, .pools = two, .services = services}, false);
	assert_string_equal(c->tunnels[0].name, "dc1");
	assert_int_equal(c->pools[0].tunnel, 1);
	assert_int_equal(c->pools[1].tunnel, 0);
	assert_int_equal(plan_id(c, "a", "b", WR_CONF_LIVE), 0);
	assert_false(wr_conf_tunnel_required(c, 1));
	// One that leaves keeps what it had, then nothing is left of it.
	plan_next(
		&c, (struct conf_parts){.more = second, .pools = clear, .services = other}, false);
	assert_int_equal(c->pools[0].slot, WR_CONF_LEAVING);
	assert_int_equal(c->pools[0].tunnel, 1);
	assert_int_equal(c->pools[1].tunnel, -1);
	plan_next(&c, (struct conf_parts){.more = first, .pools = clear, .services = other}, false);
	plan_next(&c, (struct conf_parts){.more = first, .pools = clear, .services = other}, false);
	assert_int_equal(c->pools[0].slot, WR_CONF_VACANT);
	assert_int_equal(c->pools[0].tunnel, -1);
	wr_conf_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plan_same_again),
		cmocka_unit_test(plan_order_of_the_file_does_not_count),
		cmocka_unit_test(plan_removed_leaves_while_in_use),
		cmocka_unit_test(plan_service_keeps_its_pool),
		cmocka_unit_test(plan_backend_comes_back),
		cmocka_unit_test(plan_backend_new_address),
		cmocka_unit_test(plan_backend_new_source),
		cmocka_unit_test(plan_backup_moves_along),
		cmocka_unit_test(plan_edited_copy),
		cmocka_unit_test(plan_edited_copy_with_a_drain),
		cmocka_unit_test(plan_no_room_while_the_old_leave),
		cmocka_unit_test(plan_tunnels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
