/* SPDX-License-Identifier: BSD-3-Clause */
#include "limit_test.h"

#define ANY WR_ACCESS_ANY
#define NO  WR_ACCESS_NO_CLASS

static int cmp(const void *a, const void *b)
{
	return access_rule_cmp(a, b);
}

static struct snapshot *build(struct wr_access_rule *rules, uint32_t n)
{
	struct snapshot *s;

	wr_test_eal_init();
	qsort(rules, n, sizeof(*rules), cmp);
	s = snapshot_create(rules, n);
	assert_non_null(s);
	return s;
}

static void expect(
	const struct snapshot *s, const char *client, uint16_t service, bool denied, uint8_t class)
{
	struct wr_addr addr = t_addr(client);
	struct wr_access_verdict v = snapshot_look(s, &addr, service, 4);

	assert_int_equal(v.denied, denied);
	assert_int_equal(v.class, class);
}

static void snapshot_longest_that_speaks(void **state)
{
	struct wr_access_rule rules[] = {
		t_rule("198.18.0.0/15", ANY, WR_ACCESS_DENY, NO),
		t_rule("198.18.0.0/16", ANY, WR_ACCESS_NONE, 1),   // says nothing about access
		t_rule("198.18.1.0/24", ANY, WR_ACCESS_ALLOW, NO), // nor this about a class
		t_rule("198.18.1.1/32", ANY, WR_ACCESS_DENY, NO),
		t_rule("198.18.1.1/32", ANY, WR_ACCESS_NONE, 0),
	};
	struct snapshot *s = build(rules, RTE_DIM(rules));

	expect(s, "198.19.0.1", 0, true, 4);
	expect(s, "198.18.0.1", 0, true, 1);
	expect(s, "198.18.1.2", 0, false, 1);
	expect(s, "198.18.1.1", 0, true, 0);
	expect(s, "198.20.0.1", 0, false, 4);
	expect(s, "2001:db8::1", 0, false, 4);
	snapshot_destroy(s);
	snapshot_destroy(NULL);
}

static void snapshot_service_before_any(void **state)
{
	struct wr_access_rule rules[] = {
		t_rule("2001:db8::/32", ANY, WR_ACCESS_DENY, NO),
		t_rule("2001:db8::/32", ANY, WR_ACCESS_NONE, 6),
		t_rule("2001:db8::/32", 5, WR_ACCESS_ALLOW, NO),
		t_rule("2001:db8::/32", 9, WR_ACCESS_NONE, 2),
		t_rule("2001:db8:1::/48", 3, WR_ACCESS_DENY, NO),
		t_rule("2001:db8:1::/48", ANY, WR_ACCESS_ALLOW, NO),
		t_rule("2001:db8:2::/48", 5, WR_ACCESS_NONE, 0),
	};
	struct snapshot *s = build(rules, RTE_DIM(rules));

	expect(s, "2001:db8::1", 5, false, 6);
	expect(s, "2001:db8::1", 9, true, 2);
	expect(s, "2001:db8::1", 0, true, 6);
	expect(s, "2001:db8::1", 255, true, 6);
	// A longer prefix for all services stands before a shorter one of this service.
	expect(s, "2001:db8:1::1", 9, false, 2);
	expect(s, "2001:db8:1::1", 3, true, 6);
	// One that is for other services only does not hide the shorter one.
	expect(s, "2001:db8:2::1", 4, true, 6);
	expect(s, "2001:db8:2::1", 5, false, 0);
	expect(s, "198.18.0.1", 5, false, 4);
	snapshot_destroy(s);
}

static void snapshot_families_apart(void **state)
{
	struct wr_access_rule rules[] = {
		t_rule("0.0.0.0/0", ANY, WR_ACCESS_DENY, NO),
		t_rule("::/0", ANY, WR_ACCESS_NONE, 7),
		t_rule("::/1", ANY, WR_ACCESS_NONE, 5),
		t_rule("8000::/1", 1, WR_ACCESS_DENY, NO),
		t_rule("2001:db8::1/128", ANY, WR_ACCESS_DENY, NO),
		t_rule("255.255.255.255/32", ANY, WR_ACCESS_ALLOW, NO),
	};
	struct snapshot *s = build(rules, RTE_DIM(rules));

	// ::/0 holds the mapped form of IPv4, and does not mean it.
	expect(s, "198.18.0.1", 1, true, 4);
	expect(s, "255.255.255.255", 1, false, 4);
	expect(s, "2001:db8::2", 1, false, 5);
	expect(s, "2001:db8::1", 1, true, 5);
	expect(s, "::1", 1, false, 5);
	expect(s, "fe80::1", 1, true, 7);
	expect(s, "fe80::1", 2, false, 7);
	snapshot_destroy(s);
}

static void snapshot_operator_before_configured(void **state)
{
	struct wr_access_rule rules[] = {
		t_rule("198.18.0.0/24", 1, WR_ACCESS_ALLOW, NO),
		t_rule("198.18.0.0/24", 1, WR_ACCESS_DENY, NO),
		t_rule("198.18.0.0/24", 1, WR_ACCESS_NONE, 1),
		t_rule("198.18.0.0/24", 1, WR_ACCESS_NONE, 2),
	};
	struct snapshot *s;

	rules[1].configured = true;
	rules[3].configured = true;
	s = build(rules, RTE_DIM(rules));
	expect(s, "198.18.0.9", 1, false, 1);
	snapshot_destroy(s);
}

static void snapshot_every_service_of_a_prefix(void **state)
{
	struct wr_access_rule rules[257];
	struct snapshot *s;

	for (uint32_t i = 0; i < 256; i++)
		rules[i] = t_rule("198.18.0.0/24", (uint16_t)i, WR_ACCESS_NONE, i % 8);
	rules[256] = t_rule("198.18.0.0/24", ANY, WR_ACCESS_DENY, NO);
	s = build(rules, 257);
	for (uint32_t i = 0; i < 256; i++)
		expect(s, "198.18.0.9", (uint16_t)i, true, i % 8);
	snapshot_destroy(s);
}

static bool speaks(
	const struct wr_access_rule *r, const struct wr_addr *a, uint16_t service, bool class)
{
	return access_rule_is_class(r) == class && wr_prefix_contains(&r->from, a) &&
	       (r->service == service || r->service == ANY);
}

// The rule that holds, by looking at each: longer, then the service's own, then the operator's.
static const struct wr_access_rule *scan(const struct wr_access_rule *rules, uint32_t n,
	const struct wr_addr *a, uint16_t service, bool class)
{
	const struct wr_access_rule *best = NULL;

	for (uint32_t i = 0; i < n; i++) {
		const struct wr_access_rule *r = &rules[i];

		if (!speaks(r, a, service, class))
			continue;
		if (best == NULL || r->from.len > best->from.len ||
			(r->from.len == best->from.len &&
				(r->service < best->service ||
					(r->service == best->service && !r->configured))))
			best = r;
	}
	return best;
}

static struct wr_addr random_addr(uint64_t *rng, bool dense)
{
	struct wr_addr a = t_addr(t_random(rng) % 2 ? "198.18.0.0" : "2001:db8::");
	uint32_t from = wr_addr_is_v4(&a) ? 13 : 4;

	// Few values a byte, so that prefixes nest.
	for (uint32_t i = from; i < 16; i++)
		a.b[i] = (uint8_t)(dense ? t_random(rng) % 3 * 0x55 : t_random(rng));
	return a;
}

// Random rules of both families against a plain scan.
static void snapshot_model_random(void **state)
{
	for (uint64_t seed = 1; seed <= 60; seed++) {
		uint64_t rng = seed * 0x9e3779b97f4a7c15ULL;
		uint32_t n = 1 + t_random(&rng) % 200, kept = 0;
		struct wr_access_rule rules[200];
		struct snapshot *s;

		for (uint32_t i = 0; i < n; i++) {
			struct wr_access_rule *r = &rules[i];
			uint8_t bits, low;

			*r = t_rule("::/0", t_random(&rng) % 3 ? ANY : t_random(&rng) % 4,
				WR_ACCESS_NONE, NO);
			r->from.addr = random_addr(&rng, true);
			low = wr_addr_is_v4(&r->from.addr) ? 96 : 0;
			bits = (uint8_t)(low + t_random(&rng) % (129 - low));
			r->from.len = bits;
			for (uint32_t b = bits; b < 128; b++)
				r->from.addr.b[b / 8] &= (uint8_t) ~(0x80 >> b % 8);
			r->configured = t_random(&rng) % 2;
			if (t_random(&rng) % 2)
				r->class = t_random(&rng) % 8;
			else
				r->action = 1 + t_random(&rng) % 2;
		}
		qsort(rules, n, sizeof(rules[0]), cmp);
		for (uint32_t i = 0; i < n; i++)
			if (kept == 0 || access_rule_cmp(&rules[kept - 1], &rules[i]) != 0)
				rules[kept++] = rules[i];
		s = build(rules, kept);
		for (uint32_t i = 0; i < 600; i++) {
			struct wr_addr a = random_addr(&rng, i % 8 != 0);
			uint16_t service = t_random(&rng) % 5;
			const struct wr_access_rule *access, *class;
			struct wr_access_verdict v;

			// Often inside a rule, at its first or last address.
			if (i % 2) {
				struct wr_prefix *p = &rules[t_random(&rng) % kept].from;

				for (uint32_t b = 0; b < p->len; b++)
					a.b[b / 8] = (uint8_t)((a.b[b / 8] & ~(0x80 >> b % 8)) |
							       (p->addr.b[b / 8] & 0x80 >> b % 8));
			}
			v = snapshot_look(s, &a, service, 9);
			access = scan(rules, kept, &a, service, false);
			class = scan(rules, kept, &a, service, true);
			assert_int_equal(
				v.denied, access != NULL && access->action == WR_ACCESS_DENY);
			assert_int_equal(v.class, class != NULL ? class->class : 9);
		}
		snapshot_destroy(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(snapshot_longest_that_speaks),
		cmocka_unit_test(snapshot_service_before_any),
		cmocka_unit_test(snapshot_families_apart),
		cmocka_unit_test(snapshot_operator_before_configured),
		cmocka_unit_test(snapshot_every_service_of_a_prefix),
		cmocka_unit_test(snapshot_model_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
