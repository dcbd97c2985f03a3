/* SPDX-License-Identifier: BSD-3-Clause */

// The rules as the control thread keeps them, and the snapshot of them that workers read.

#include "limit_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_branch_prediction.h>

#include "wr_limits.h"

#define PREFIX_STR (WR_ADDR_STR + 4)
#define CLASSES    8
#define V4_BITS    96 // bits before the IPv4 address in its mapped form

// A snapshot that was replaced, and the grace period after which no worker reads it.
struct retired {
	struct snapshot *snapshot;
	uint64_t token;
};

struct wr_access {
	struct snapshot *now; // NULL: no rules
	struct rte_rcu_qsbr *rcu;
	struct wr_access_rule *rule; // in order of access_rule_cmp(), each key once
	uint32_t count;
	wr_us_t ends_us; // when the next rule ends
	struct retired *retired;
	uint32_t retired_count, retired_max;
};

struct wr_access *wr_access_create(struct rte_rcu_qsbr *rcu)
{
	struct wr_access *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	a->rcu = rcu;
	a->ends_us = WR_US_NEVER;
	return a;
}

void wr_access_destroy(struct wr_access *a)
{
	if (a == NULL)
		return;
	for (uint32_t i = 0; i < a->retired_count; i++)
		snapshot_destroy(a->retired[i].snapshot);
	snapshot_destroy(a->now);
	free(a->retired);
	free(a->rule);
	free(a);
}

void wr_access_reclaim(struct wr_access *a)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < a->retired_count; i++) {
		if (a->rcu == NULL || rte_rcu_qsbr_check(a->rcu, a->retired[i].token, false) == 1)
			snapshot_destroy(a->retired[i].snapshot);
		else
			a->retired[kept++] = a->retired[i];
	}
	a->retired_count = kept;
}

static int reserve_retired(struct wr_access *a)
{
	uint32_t max = a->retired_max != 0 ? a->retired_max * 2 : 16;
	struct retired *grown;

	if (a->retired_count < a->retired_max)
		return 0;
	grown = realloc(a->retired, max * sizeof(*grown));
	if (grown == NULL)
		return -ENOMEM;
	a->retired = grown;
	a->retired_max = max;
	return 0;
}

// Put these rules in force instead; `rule` (malloc'd) is consumed on every path.
static int commit(struct wr_access *a, struct wr_access_rule *rule, uint32_t n, struct wr_err *err)
{
	struct snapshot *fresh = NULL, *old;

	wr_access_reclaim(a);
	if (reserve_retired(a) < 0 || (n > 0 && (fresh = snapshot_create(rule, n)) == NULL)) {
		free(rule);
		return wr_err_set(err, ENOMEM,
			"access: out of memory for %u rules; the rules before stay in force, give "
			"fewer or more memory",
			n);
	}
	free(a->rule);
	a->rule = rule;
	a->count = n;
	a->ends_us = WR_US_NEVER;
	for (uint32_t i = 0; i < n; i++)
		if (rule[i].until_us != 0 && rule[i].until_us < a->ends_us)
			a->ends_us = rule[i].until_us;
	old = __atomic_exchange_n(&a->now, fresh, __ATOMIC_ACQ_REL);
	if (old != NULL) {
		a->retired[a->retired_count].snapshot = old;
		a->retired[a->retired_count].token =
			a->rcu != NULL ? rte_rcu_qsbr_start(a->rcu) : 0;
		a->retired_count++;
	}
	wr_access_reclaim(a);
	return 0;
}

static void mask(struct wr_prefix *p)
{
	for (uint32_t i = 0; i < 16; i++) {
		uint32_t bits = p->len > i * 8 ? p->len - i * 8 : 0;

		p->addr.b[i] &= (uint8_t)(bits >= 8 ? 0xff : 0xff00 >> bits);
	}
}

static int check(const struct wr_access_rule *r, struct wr_err *err)
{
	char text[PREFIX_STR];

	if (r->from.len > 128 || (wr_addr_is_v4(&r->from.addr) && r->from.len < V4_BITS))
		return wr_err_set(err, EINVAL,
			"access: a rule has the impossible prefix length %u; IPv4 has 0 to 32 bits "
			"behind the first 96, IPv6 0 to 128",
			r->from.len);
	wr_prefix_format(&r->from, text, sizeof(text));
	if (r->service >= WR_MAX_SERVICES && r->service != WR_ACCESS_ANY)
		return wr_err_set(err, EINVAL,
			"access: the rule for %s is of service %u, and there are %u at most", text,
			r->service, WR_MAX_SERVICES);
	if (r->action > WR_ACCESS_DENY)
		return wr_err_set(err, EINVAL, "access: the rule for %s has the unknown action %u",
			text, r->action);
	if (r->class >= CLASSES && r->class != WR_ACCESS_NO_CLASS)
		return wr_err_set(err, EINVAL,
			"access: the rule for %s gives class %u; classes are 0 to %u", text,
			r->class, CLASSES - 1);
	if (r->action == WR_ACCESS_NONE && r->class == WR_ACCESS_NO_CLASS)
		return wr_err_set(err, EINVAL,
			"access: the rule for %s says nothing; let it allow, deny or give a class",
			text);
	return 0;
}

// A rule to add, and its place in the caller's list: of equal ones the last holds.
struct row {
	struct wr_access_rule rule;
	uint32_t at;
};

static int row_cmp(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int d = access_rule_cmp(&x->rule, &y->rule);

	return d != 0 ? d : (x->at > y->at) - (x->at < y->at);
}

// The rules as one row for each statement, sorted, each key once. -EINVAL: nothing to free.
static int rows_make(const struct wr_access_rule *rule, uint32_t n, struct row *rows,
	uint32_t *count, struct wr_err *err)
{
	uint32_t made = 0, kept = 0;

	for (uint32_t i = 0; i < n; i++) {
		struct wr_access_rule r = rule[i];
		int rc = check(&r, err);

		if (rc != 0)
			return rc;
		mask(&r.from);
		rows[made] = (struct row){r, made};
		rows[made].rule.class = WR_ACCESS_NO_CLASS;
		made += r.action != WR_ACCESS_NONE;
		if (r.class == WR_ACCESS_NO_CLASS)
			continue;
		rows[made] = (struct row){r, made};
		rows[made].rule.action = WR_ACCESS_NONE;
		made++;
	}
	qsort(rows, made, sizeof(*rows), row_cmp);
	for (uint32_t i = 0; i < made; i++)
		if (i + 1 == made || access_rule_cmp(&rows[i].rule, &rows[i + 1].rule) != 0)
			rows[kept++] = rows[i];
	*count = kept;
	return 0;
}

// Both lists in one, the new one's where both have a key. Returns how many.
static uint32_t merge(struct wr_access_rule *out, const struct wr_access_rule *rule, uint32_t rules,
	const struct row *rows, uint32_t n)
{
	uint32_t i = 0, k = 0, count = 0;

	while (i < rules || k < n) {
		int d = i == rules ? 1 : k == n ? -1 : access_rule_cmp(&rule[i], &rows[k].rule);

		out[count++] = d < 0 ? rule[i] : rows[k].rule;
		i += d <= 0;
		k += d >= 0;
	}
	return count;
}

static bool same(const struct wr_access *a, const struct wr_access_rule *rule, uint32_t n)
{
	bool same = a->count == n;

	for (uint32_t i = 0; i < n && same; i++)
		same = access_rule_cmp(&a->rule[i], &rule[i]) == 0 &&
		       a->rule[i].action == rule[i].action && a->rule[i].class == rule[i].class &&
		       a->rule[i].until_us == rule[i].until_us;
	return same;
}

// Which of the rules in force stay beside new ones.
struct stay {
	bool configured; // those as well
	const bool *gone;
};

// Copies what stays to `out`. Returns how many.
static uint32_t keep(const struct wr_access *a, struct stay stay, struct wr_access_rule *out)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < a->count; i++) {
		const struct wr_access_rule *r = &a->rule[i];
		bool gone =
			stay.gone != NULL && r->service < WR_MAX_SERVICES && stay.gone[r->service];

		if ((stay.configured || !r->configured) && !gone)
			out[n++] = *r;
	}
	return n;
}

static int put(struct wr_access *a, const struct wr_access_rule *rule, uint32_t n, struct stay stay,
	struct wr_err *err)
{
	struct wr_access_rule *all = NULL, *kept = NULL;
	struct row *rows = NULL;
	uint32_t count = 0;
	int rc;

	if (n > WR_ACCESS_RULES)
		goto full;
	rows = calloc(n + 1, 2 * sizeof(*rows));
	if (rows == NULL)
		goto no_memory;
	rc = rows_make(rule, n, rows, &count, err);
	if (rc != 0) {
		free(rows);
		return rc;
	}
	all = calloc(a->count + count + 1, sizeof(*all));
	kept = calloc(a->count + 1, sizeof(*kept));
	if (all == NULL || kept == NULL)
		goto no_memory;
	count = merge(all, kept, keep(a, stay, kept), rows, count);
	if (count > WR_ACCESS_RULES)
		goto full;
	free(rows);
	free(kept);
	if (!same(a, all, count))
		return commit(a, all, count, err);
	free(all);
	return 0;

full:
	free(rows);
	free(kept);
	free(all);
	return wr_err_set(err, ENOSPC,
		"access: %u rules and %u more are above the limit of %u; remove some, or give "
		"wider "
		"prefixes",
		a->count, n, WR_ACCESS_RULES);
no_memory:
	free(rows);
	free(kept);
	free(all);
	return wr_err_set(err, ENOMEM, "access: out of memory for %u more rules", n);
}

int wr_access_add(
	struct wr_access *a, const struct wr_access_rule *rule, uint32_t n, struct wr_err *err)
{
	return n == 0 ? 0 : put(a, rule, n, (struct stay){.configured = true}, err);
}

int wr_access_configure(struct wr_access *a, const struct wr_access_rule *rule, uint32_t n,
	const bool *gone, struct wr_err *err)
{
	struct wr_access_rule *all = n <= WR_ACCESS_RULES ? calloc(n + 1, sizeof(*all)) : NULL;
	int rc;

	if (n <= WR_ACCESS_RULES && all == NULL)
		return wr_err_set(err, ENOMEM, "access: out of memory for %u rules", n);
	for (uint32_t i = 0; i < n && all != NULL; i++) {
		all[i] = rule[i];
		all[i].configured = true;
	}
	rc = put(a, all, n, (struct stay){.gone = gone}, err);
	free(all);
	return rc;
}

int wr_access_remove(
	struct wr_access *a, const struct wr_prefix *from, uint16_t service, struct wr_err *err)
{
	struct wr_access_rule *kept;
	struct wr_prefix wanted = *from;
	uint32_t count = 0, configured = 0;
	char text[PREFIX_STR] = "an impossible prefix";

	if (from->len <= 128) {
		mask(&wanted);
		wr_prefix_format(&wanted, text, sizeof(text));
	}
	kept = calloc(a->count + 1, sizeof(*kept));
	if (kept == NULL)
		return wr_err_set(err, ENOMEM, "access: out of memory to remove %s", text);
	for (uint32_t i = 0; i < a->count; i++) {
		const struct wr_access_rule *r = &a->rule[i];
		bool is = r->service == service && r->from.len == wanted.len &&
		          wr_addr_eq(&r->from.addr, &wanted.addr);

		configured += is && r->configured;
		if (!is || r->configured)
			kept[count++] = *r;
	}
	if (count < a->count)
		return commit(a, kept, count, err);
	free(kept);
	if (configured > 0)
		return wr_err_set(err, EPERM,
			"access: the rule for %s is from the configuration file; change it there, "
			"or "
			"give one that overrides it",
			text);
	return wr_err_set(err, ENOENT, "access: no rule was given for %s and this service", text);
}

uint32_t wr_access_expire(
	struct wr_access *a, wr_us_t now, struct wr_access_rule *out, uint32_t max)
{
	struct wr_access_rule *kept;
	uint32_t count = 0, ended = 0;

	if (now < a->ends_us || max == 0)
		return 0;
	kept = calloc(a->count, sizeof(*kept));
	if (kept == NULL)
		return 0;
	for (uint32_t i = 0; i < a->count; i++) {
		const struct wr_access_rule *r = &a->rule[i];

		if (ended < max && r->until_us != 0 && r->until_us <= now)
			out[ended++] = *r;
		else
			kept[count++] = *r;
	}
	return commit(a, kept, count, NULL) == 0 ? ended : 0;
}

uint32_t wr_access_list(
	const struct wr_access *a, uint32_t at, struct wr_access_rule *out, uint32_t max)
{
	uint32_t n = at < a->count ? a->count - at : 0;

	if (n > max)
		n = max;
	if (n > 0)
		memcpy(out, &a->rule[at], n * sizeof(*out));
	return n;
}

uint32_t wr_access_count(const struct wr_access *a)
{
	return a->count;
}

struct wr_access_verdict wr_access_look(const struct wr_access *a, const struct wr_addr *client,
	uint16_t service, uint8_t otherwise)
{
	const struct snapshot *s = __atomic_load_n(&a->now, __ATOMIC_ACQUIRE);

	if (likely(s == NULL))
		return (struct wr_access_verdict){false, otherwise};
	return snapshot_look(s, client, service, otherwise);
}
