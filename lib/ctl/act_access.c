/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl_priv.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

// An operator's access rules. A rule is about new connections: sessions that live go on.

#define ARG_LEN      256
#define SECONDS_MAX  (366 * 86400)
#define WIDE_V4_BITS 8 // a deny of more than a sixteenth of a family's addresses is asked about
#define WIDE_V6_BITS 16
#define V4_MAPPED    96

// "198.18.5.0/24", or one address. False: neither.
static bool parse_from(const char *text, struct wr_prefix *out)
{
	if (wr_prefix_parse(text, out) != 0) {
		if (wr_addr_parse(text, &out->addr) != 0)
			return false;
		out->len = 128;
	}
	// Host bits say nothing here; without them a rule is found again however it was written.
	for (uint32_t bit = out->len; bit < 128; bit++)
		out->addr.b[bit / 8] &= (uint8_t) ~(0x80u >> (bit % 8));
	return true;
}

static bool is_wide(const struct wr_prefix *p)
{
	if (wr_addr_is_v4(&p->addr) && p->len >= V4_MAPPED)
		return p->len < V4_MAPPED + WIDE_V4_BITS;
	return p->len < WIDE_V6_BITS;
}

// A service by name, or all. False: neither.
static bool parse_service(struct wr_ctl *c, const char *text, uint16_t *out)
{
	int service = wr_conf_find_service(c->conf, text);

	*out = service >= 0 ? (uint16_t)service : WR_ACCESS_ANY;
	return service >= 0 || strcmp(text, "all") == 0;
}

// Pieces behind the prefix: [SERVICE|all][,SECONDS]. False: an error row was written.
static bool parse_rest(
	struct wr_ctl *c, char **piece, uint32_t n, struct wr_access_rule *rule, struct wr_reply *r)
{
	uint64_t seconds = 0;
	uint32_t i = 0;

	rule->service = WR_ACCESS_ANY;
	if (i < n && parse_service(c, piece[i], &rule->service))
		i++;
	if (i < n && wr_params_number(piece[i], SECONDS_MAX, &seconds) == 0 && seconds > 0)
		i++;
	if (i == n) {
		rule->until_us = seconds > 0 ? c->now_us + seconds * WR_US_PER_S : 0;
		return true;
	}
	wr_reply_error(r, "behind the prefix: a service of /weir/services or all, then seconds",
		"'%.64s' is neither a service nor a time from 1 to %d seconds; nothing was done",
		piece[i], SECONDS_MAX);
	return false;
}

// --- what a deny would cut
// ------------------------------------------------------------------------

// The name of something of ours that lies in the prefix, or false.
static bool covers_ours(struct wr_ctl *c, const struct wr_prefix *p, char *what, size_t len)
{
	for (uint32_t i = 0; i < c->conf->port_count; i++) {
		const struct wr_conf_port *port = &c->conf->ports[i];

		for (uint32_t k = 0; k < port->addr_count; k++)
			if (wr_prefix_contains(p, &port->addr[k].addr)) {
				snprintf(what, len, "an address of port %s", port->name);
				return true;
			}
		for (uint32_t k = 0; k < port->gateway_count; k++)
			if (wr_prefix_contains(p, &port->gateway[k])) {
				snprintf(what, len, "the gateway of port %s", port->name);
				return true;
			}
	}
	for (uint32_t i = 0; i < c->conf->route_count; i++)
		if (wr_prefix_contains(p, &c->conf->routes[i].via)) {
			snprintf(what, len, "the next hop of a route");
			return true;
		}
	for (uint32_t i = 0; i < wr_backends_count(c->backends); i++) {
		const struct wr_backend *be = wr_backends_get(c->backends, (uint16_t)i);

		if (be != NULL && wr_prefix_contains(p, &be->addr.addr)) {
			snprintf(what, len, "backend ");
			wr_ctl_backend_name(c, (uint16_t)i, what + 8, len - 8);
			return true;
		}
	}
	return false;
}

// Connections from there, as far as the table of clients knows: it has those of services with
// limits of clients. Asking workers for all sessions would take longer than an operator in need
// has.
static uint64_t known_connections(struct wr_ctl *c, const struct wr_access_rule *rule)
{
	struct wr_client_row row[64];
	uint32_t cursor = 0, n;
	uint64_t sum = 0;

	while (c->shared->clients != NULL && cursor != UINT32_MAX) {
		n = wr_clients_dump(c->shared->clients, &cursor, row, RTE_DIM(row), c->now_us);
		for (uint32_t i = 0; i < n; i++) {
			if (rule->service != WR_ACCESS_ANY && rule->service != row[i].service)
				continue;
			if (wr_prefix_contains(&rule->from, &row[i].client.addr) ||
				wr_prefix_contains(&row[i].client, &rule->from.addr))
				sum += row[i].connections;
		}
	}
	return sum;
}

static uint64_t sessions_of(struct wr_ctl *c, uint16_t service)
{
	struct wr_service_counters s;
	uint64_t sum = 0;

	for (uint16_t i = 0; i < c->conf->service_count; i++) {
		if (!wr_ctl_has_service(c, i) || (service != WR_ACCESS_ANY && service != i))
			continue;
		wr_ctl_service_sum(c, i, &s);
		sum += s.sessions;
	}
	return sum;
}

// True: the deny may cut what nobody meant to, and the row says so.
static bool asked_back(
	struct wr_ctl *c, const struct wr_access_rule *rule, const char *arg, struct wr_reply *r)
{
	char what[2 * WR_NAME_LEN + 32], again[ARG_LEN + 8], cause[2 * WR_NAME_LEN + 64];
	uint64_t known = known_connections(c, rule);

	if (covers_ours(c, &rule->from, what, sizeof(what)))
		snprintf(cause, sizeof(cause), "it covers %s", what);
	else if (is_wide(&rule->from))
		snprintf(cause, sizeof(cause), "it covers a great part of all addresses");
	else if (known > 0)
		snprintf(cause, sizeof(cause), "clients with %" PRIu64 " connections are in it",
			known);
	else
		return false;
	snprintf(again, sizeof(again), "deny!=%s", arg);
	wr_act_confirm(r, again,
		"this may deny more than is meant: %s; established sessions (%" PRIu64
		" of the services it is for, from anywhere) would go on, only new connections "
		"would be refused",
		cause, sessions_of(c, rule->service));
	return true;
}

// --- verbs
// ----------------------------------------------------------------------------------------

// Put the rule in force and say so.
static void add_rule(struct wr_ctl *c, const char *verb, const char *target,
	const struct wr_access_rule *rule, struct wr_reply *r)
{
	struct wr_event ev = {.kind = WR_EV_operator};
	struct wr_err err = {0};
	char words[sizeof(ev.text)];
	uint64_t left = rule->until_us > c->now_us ? rule->until_us - c->now_us : 0;

	if (wr_access_add(c->shared->access, rule, 1, &err) != 0) {
		wr_reply_error(r, "see /weir/access for the rules in force",
			"%.300s; nothing was done", err.text);
		return;
	}
	wr_ctl_rule_words(c, rule, words, sizeof(words));
	if (left > 0)
		snprintf(ev.text, sizeof(ev.text), "%.75s for %u s", words,
			(uint32_t)RTE_MIN(left / WR_US_PER_S, (uint64_t)SECONDS_MAX));
	else
		snprintf(ev.text, sizeof(ev.text), "%s", words);
	wr_act_done(c, r, &ev, verb, target, ev.text);
}

static void act_rule(struct wr_ctl *c, const char *verb, const char *arg, char **piece, uint32_t n,
	struct wr_reply *r)
{
	struct wr_access_rule rule = {.class = WR_ACCESS_NO_CLASS};
	bool deny = verb[0] == 'd' || verb[0] == 'f';

	rule.action = deny ? WR_ACCESS_DENY : WR_ACCESS_ALLOW;
	(void)parse_from(piece[0], &rule.from);
	if (!parse_rest(c, piece + 1, n - 1, &rule, r))
		return;
	if (strcmp(verb, "deny") == 0 && asked_back(c, &rule, arg, r))
		return;
	add_rule(c, verb, piece[0], &rule, r);
}

static void act_class(struct wr_ctl *c, const char *verb, const char *arg, char **piece, uint32_t n,
	struct wr_reply *r)
{
	struct wr_access_rule rule = {.action = WR_ACCESS_NONE};
	uint64_t class;
	char *rest[2];

	if (n < 3 || wr_params_number(piece[2], WR_CLASSES - 1, &class) != 0) {
		wr_reply_error(r,
			"write class=PREFIX,SERVICE,CLASS[,SECONDS] with CLASS from 0 "
			"(served first) to 7",
			"'%.64s' is not a prefix, a service and a class; nothing was done", arg);
		return;
	}
	(void)parse_from(piece[0], &rule.from);
	rule.class = (uint8_t) class;
	rest[0] = piece[1];
	rest[1] = n > 3 ? piece[3] : NULL;
	if (parse_rest(c, rest, n - 2, &rule, r))
		add_rule(c, verb, piece[0], &rule, r);
}

static void act_remove(
	struct wr_ctl *c, const char *verb, char **piece, uint32_t n, struct wr_reply *r)
{
	struct wr_event ev = {.kind = WR_EV_operator};
	char from[WR_ADDR_STR + 4];
	struct wr_err err = {0};
	struct wr_prefix prefix;
	uint16_t service = WR_ACCESS_ANY;

	(void)parse_from(piece[0], &prefix);
	if (n > 2 || (n == 2 && !parse_service(c, piece[1], &service))) {
		wr_reply_error(r, "write remove=PREFIX or remove=PREFIX,SERVICE",
			"'%.64s' is no service; nothing was done", piece[1]);
		return;
	}
	if (wr_access_remove(c->shared->access, &prefix, service, &err) != 0) {
		wr_reply_error(r,
			"see /weir/access: a rule is named by its prefix and its service; a "
			"configured one is overridden with allow= or deny=",
			"%.300s; nothing was done", err.text);
		return;
	}
	snprintf(ev.text, sizeof(ev.text), "rule of %s to %.32s removed",
		wr_prefix_format(&prefix, from, sizeof(from)),
		service == WR_ACCESS_ANY ? "all services" : c->conf->services[service].name);
	wr_act_done(c, r, &ev, verb, piece[0], ev.text);
}

void wr_act_access(struct wr_ctl *c, const char *verb, const char *arg, struct wr_reply *r)
{
	char buf[ARG_LEN], *piece[4];
	uint32_t n = wr_act_split(arg, buf, sizeof(buf), piece, RTE_DIM(piece));
	struct wr_prefix from;

	if (n == 0 || !parse_from(piece[0], &from)) {
		wr_reply_error(r, "write a prefix as 198.18.5.0/24 or 2001:db8::/64, or an address",
			"'%.64s' does not begin with a prefix; nothing was done", arg);
		return;
	}
	if (strcmp(verb, "class") == 0)
		act_class(c, verb, arg, piece, n, r);
	else if (strcmp(verb, "remove") == 0)
		act_remove(c, verb, piece, n, r);
	else
		act_rule(c, verb, arg, piece, n, r);
}
