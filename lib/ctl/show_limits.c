/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl_priv.h"

#include <string.h>

// Who may connect, and how much: access rules, limits and how far they are used, clients.

#define LIST_STEP 64

// --- /weir/access
// ---------------------------------------------------------------------------------

static void rule_row(struct wr_ctl *c, struct wr_reply *r, const struct wr_access_rule *rule)
{
	static const char *const action[] = {"class", "allow", "deny"};
	char from[WR_ADDR_STR + 4];

	wr_reply_str(r, "from", wr_prefix_format(&rule->from, from, sizeof(from)));
	wr_reply_str(r, "action", action[RTE_MIN(rule->action, WR_ACCESS_DENY)]);
	wr_reply_str(r, "service",
		wr_ctl_has_service(c, rule->service) ? c->conf->services[rule->service].name
						     : "all");
	if (rule->class != WR_ACCESS_NO_CLASS)
		wr_reply_uint(r, "class", rule->class);
	wr_reply_str(r, "by", rule->configured ? "configuration" : "operator");
	wr_reply_uint(r, "configured", rule->configured);
	// A rule without an end has no time left to show.
	if (rule->until_us != 0)
		wr_reply_uint(r, "left_s",
			rule->until_us > c->now_us ? (rule->until_us - c->now_us) / WR_US_PER_S
						   : 0);
}

void wr_show_access(struct wr_ctl *c, const struct wr_params *p, struct wr_reply *r)
{
	const struct wr_access *a = c->shared->access;
	struct wr_access_rule rule[LIST_STEP];
	uint32_t at = 0, n;
	int service;

	if (!wr_ctl_param_service(c, p, r, &service))
		return;
	while ((n = wr_access_list(a, at, rule, LIST_STEP)) > 0) {
		for (uint32_t i = 0; i < n; i++) {
			if (service >= 0 && rule[i].service != service &&
				rule[i].service != WR_ACCESS_ANY)
				continue;
			if (wr_reply_row(r))
				rule_row(c, r, &rule[i]);
		}
		at += n;
	}
}

// --- /weir/limits
// ---------------------------------------------------------------------------------

void wr_ctl_put_rule(struct wr_reply *r, const struct wr_limit_rule *rule)
{
	if (rule->connections != 0)
		wr_reply_uint(r, "limit_connections", rule->connections);
	if (rule->rate_per_s != 0) {
		wr_reply_uint(r, "limit_rate_per_s", rule->rate_per_s);
		wr_reply_uint(r, "limit_rate_burst", rule->rate_burst);
	}
	if (rule->bytes_per_s != 0) {
		wr_reply_uint(r, "limit_bytes_per_s", rule->bytes_per_s);
		wr_reply_uint(r, "limit_bytes_burst", rule->bytes_burst);
	}
}

// How far a rate is used: its theoretical arrival time is ahead of now by at most a whole burst.
static uint64_t used_permille(uint64_t at_ns, uint64_t per_s, uint64_t burst, wr_us_t now_us)
{
	double ahead = (double)at_ns - (double)now_us * 1e3;
	double whole = (double)burst * 1e9 / (double)per_s;

	if (ahead <= 0 || whole <= 0)
		return 0;
	return ahead >= whole ? 1000 : (uint64_t)(ahead * 1000 / whole);
}

static void put_use(
	struct wr_reply *r, const struct wr_limit_rule *rule, struct wr_limit *l, wr_us_t now_us)
{
	uint32_t conns = __atomic_load_n(&l->connections, __ATOMIC_RELAXED);

	if (rule->connections != 0) {
		wr_reply_uint(r, "connections", conns);
		wr_reply_uint(
			r, "connections_used_permille", (uint64_t)conns * 1000 / rule->connections);
	}
	if (rule->rate_per_s != 0)
		wr_reply_uint(r, "rate_used_permille",
			used_permille(__atomic_load_n(&l->rate_at, __ATOMIC_RELAXED),
				rule->rate_per_s, rule->rate_burst, now_us));
	if (rule->bytes_per_s != 0)
		wr_reply_uint(r, "bytes_used_permille",
			used_permille(__atomic_load_n(&l->bytes_at, __ATOMIC_RELAXED),
				rule->bytes_per_s, rule->bytes_burst, now_us));
}

static void limit_row(struct wr_ctl *c, struct wr_reply *r, const char *of, const char *each,
	const struct wr_limit_rule *rule, struct wr_limit *l, enum wr_conf_over over)
{
	wr_reply_str(r, "of", of);
	wr_reply_str(r, "each", each);
	wr_ctl_put_rule(r, rule);
	if (l != NULL)
		put_use(r, rule, l, c->now_us);
	wr_reply_str(r, "over", over == WR_CONF_OVER_DELAY ? "delay" : "refuse");
}

void wr_show_limits(struct wr_ctl *c, const struct wr_params *p, struct wr_reply *r)
{
	struct wr_limit_rule rule = wr_proxy_limit_rule(&c->conf->limit);
	int only;

	if (!wr_ctl_param_service(c, p, r, &only))
		return;
	// What has no limit is shown for the instance alone, so that the table is never empty.
	if (only < 0 && wr_reply_row(r))
		limit_row(c, r, "instance", "all", &rule, &c->shared->limits[0], c->conf->over);
	for (uint16_t i = 0; i < c->conf->service_count; i++) {
		const struct wr_conf_service *s = &c->conf->services[i];

		if (s->slot == WR_CONF_VACANT || (only >= 0 && only != i))
			continue;
		rule = wr_proxy_limit_rule(&s->limit);
		if (wr_limit_rule_any(&rule) && wr_reply_row(r)) {
			limit_row(c, r, s->name, "all", &rule, &c->shared->limits[1 + i], s->over);
			wr_ctl_put_slot(r, s->slot);
		}
		rule = wr_proxy_limit_rule(&s->client);
		if (wr_limit_rule_any(&rule) && wr_reply_row(r)) {
			limit_row(c, r, s->name, "client", &rule, NULL, s->over);
			wr_ctl_put_slot(r, s->slot);
		}
	}
}

// --- /weir/clients
// --------------------------------------------------------------------------------

static void client_row(struct wr_ctl *c, struct wr_reply *r, const struct wr_client_row *row)
{
	char client[WR_ADDR_STR + 4];

	wr_reply_str(r, "client", wr_prefix_format(&row->client, client, sizeof(client)));
	wr_reply_str(r, "service",
		wr_ctl_has_service(c, row->service) ? c->conf->services[row->service].name : "");
	wr_reply_uint(r, "connections", row->connections);
	wr_reply_uint(r, "rate_ahead_us", row->rate_ahead_us);
	wr_reply_uint(r, "bytes_ahead_us", row->bytes_ahead_us);
}

void wr_show_clients(struct wr_ctl *c, const struct wr_params *p, struct wr_reply *r)
{
	const struct wr_clients *table = c->shared->clients;
	uint32_t at = (uint32_t)RTE_MIN(p->cursor, (uint64_t)UINT32_MAX);
	struct wr_client_row row;
	int only;

	if (!wr_ctl_param_service(c, p, r, &only))
		return;
	wr_reply_set_total(r, 0);
	if (table == NULL) // nobody limits clients
		return;
	while (at != UINT32_MAX) {
		uint32_t before = at;

		// One at a time: the cursor behind it is where the next page begins.
		if (wr_clients_dump(table, &at, &row, 1, c->now_us) == 0)
			continue;
		if (only >= 0 && row.service != only)
			continue;
		if (wr_reply_row(r))
			client_row(c, r, &row);
		(void)wr_reply_room(r);
		if (!r->full && r->count < WR_REPLY_ROWS)
			continue;
		if (r->full)
			at = before;
		if (at != UINT32_MAX)
			wr_reply_set_next(r, at);
		break;
	}
	wr_reply_set_total(r, wr_clients_used(table, c->now_us));
}
