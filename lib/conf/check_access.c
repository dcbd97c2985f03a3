/* SPDX-License-Identifier: BSD-3-Clause */
#include "check.h"

#include <stdio.h>

// Who may connect: prefixes that are whole and told once, and that cut off nothing which the box
// itself lives on.

static bool is_same(const struct wr_prefix *a, const struct wr_prefix *b)
{
	return a->len == b->len && wr_addr_eq(&a->addr, &b->addr);
}

// A whole family: then allow lists who may connect.
static bool is_family(const struct wr_prefix *p)
{
	return p->len == (wr_addr_is_v4(&p->addr) ? 96 : 0);
}

static int check_list(
	const struct wr_conf_check *k, const char *name, const struct wr_prefix *list, uint32_t n)
{
	char key[32], text[WR_ADDR_STR + 4];

	for (uint32_t i = 0; i < n; i++) {
		int rc;

		snprintf(key, sizeof(key), "access.%s[%u]", name, i);
		rc = wr_conf_check_network(k, key, &list[i], 0);
		if (rc < 0)
			return rc;
		for (uint32_t j = 0; j < i; j++) {
			if (is_same(&list[i], &list[j]))
				return wr_settings_fail(&k->at, &list[i], 0,
					"%s: value '%s' is listed twice, as access.%s[%u]; keep "
					"one",
					key, wr_prefix_format(&list[i], text, sizeof(text)), name,
					j);
		}
	}
	return 0;
}

static int check_both(const struct wr_conf_check *k)
{
	const struct wr_conf_access *a = &k->c->access;
	char text[WR_ADDR_STR + 4];

	for (uint32_t i = 0; i < a->allow_count; i++) {
		for (uint32_t j = 0; j < a->deny_count; j++) {
			if (is_same(&a->allow[i], &a->deny[j]))
				return wr_settings_fail(&k->at, &a->allow[i], 0,
					"access.allow[%u]: value '%s' is denied by access.deny[%u] "
					"as well; keep one, or allow a longer prefix inside it",
					i, wr_prefix_format(&a->allow[i], text, sizeof(text)), j);
		}
	}
	return 0;
}

static int check_somebody(const struct wr_conf_check *k, uint32_t i)
{
	const struct wr_conf_access *a = &k->c->access;
	bool v4 = wr_addr_is_v4(&a->deny[i].addr);
	char text[WR_ADDR_STR + 4];

	for (uint32_t j = 0; j < a->allow_count; j++) {
		if (wr_addr_is_v4(&a->allow[j].addr) == v4)
			return 0;
	}
	return wr_settings_fail(&k->at, &a->deny[i], 0,
		"access.deny[%u]: value '%s' denies every %s client and access.allow has no %s "
		"prefix: nobody could connect; right would be the prefixes that may, under "
		"access.allow",
		i, wr_prefix_format(&a->deny[i], text, sizeof(text)), wr_conf_family(v4),
		wr_conf_family(v4));
}

// The prefix that denies an address, unless a longer one allows it or a whole family is denied.
static const struct wr_prefix *denied(const struct wr_conf_access *a, const struct wr_addr *addr)
{
	const struct wr_prefix *deny = NULL;

	for (uint32_t i = 0; i < a->deny_count; i++) {
		if (wr_prefix_contains(&a->deny[i], addr) && !is_family(&a->deny[i]) &&
			(!deny || a->deny[i].len > deny->len))
			deny = &a->deny[i];
	}
	for (uint32_t i = 0; deny && i < a->allow_count; i++) {
		if (a->allow[i].len > deny->len && wr_prefix_contains(&a->allow[i], addr))
			return NULL;
	}
	return deny;
}

// Refuse what would keep `addr` out, which is `what` `whose`: "backend", "b1".
static int check_kept(const struct wr_conf_check *k, const struct wr_addr *addr, const char *what,
	const char *whose)
{
	const struct wr_prefix *deny = denied(&k->c->access, addr);
	char text[WR_ADDR_STR], prefix[WR_ADDR_STR + 4];

	if (!deny)
		return 0;
	wr_addr_format(addr, text, sizeof(text));
	return wr_settings_fail(&k->at, deny, 0,
		"access.deny[%u]: value '%s' covers %s, %s '%s', and would cut it off from every "
		"service; right would be prefixes without it, or '%s/%u' under access.allow",
		(uint32_t)(deny - k->c->access.deny),
		wr_prefix_format(deny, prefix, sizeof(prefix)), text, what, whose, text,
		wr_addr_is_v4(addr) ? 32 : 128);
}

static int check_ports(const struct wr_conf_check *k)
{
	int rc = 0;

	for (uint32_t i = 0; i < k->c->port_count; i++) {
		const struct wr_conf_port *p = &k->c->ports[i];

		for (uint32_t j = 0; rc == 0 && j < p->addr_count; j++)
			rc = check_kept(k, &p->addr[j].addr, "the address of port", p->name);
		for (uint32_t j = 0; rc == 0 && j < p->gateway_count; j++)
			rc = check_kept(k, &p->gateway[j], "the gateway of port", p->name);
	}
	for (uint32_t i = 0; rc == 0 && i < k->c->route_count; i++)
		rc = check_kept(k, &k->c->routes[i].via, "a next hop on port",
			k->c->ports[k->c->routes[i].port].name);
	return rc;
}

// A prefix that covers a part of a range covers an end of it, or lies inside.
static int check_source(
	const struct wr_conf_check *k, const struct wr_conf_pool *p, const struct wr_conf_source *r)
{
	static const char what[] = "which probes come from, a source of pool";
	const struct wr_conf_access *a = &k->c->access;
	int rc = check_kept(k, &r->first, what, p->name);

	if (rc == 0)
		rc = check_kept(k, &r->last, what, p->name);
	for (uint32_t i = 0; rc == 0 && i < a->deny_count; i++) {
		if (wr_settings_in_range((const struct wr_settings_range *)r, &a->deny[i].addr))
			rc = check_kept(k, &a->deny[i].addr, what, p->name);
	}
	return rc;
}

int wr_conf_check_backend_access(const struct wr_conf_check *k, const struct wr_conf_backend *b)
{
	return check_kept(k, &b->address.addr, "the address of backend", b->name);
}

static int check_pools(const struct wr_conf_check *k)
{
	int rc = 0;

	for (uint32_t i = 0; i < k->c->pool_count; i++) {
		const struct wr_conf_pool *p = &k->c->pools[i];

		for (uint32_t j = 0; rc == 0 && j < p->backend_count; j++)
			rc = wr_conf_check_backend_access(k, &p->backends[j]);
		for (uint32_t j = 0; rc == 0 && j < p->source_count; j++)
			rc = check_source(k, p, &p->source[j]);
	}
	return rc;
}

int wr_conf_check_access(const struct wr_conf_check *k)
{
	const struct wr_conf_access *a = &k->c->access;
	int rc = check_list(k, "deny", a->deny, a->deny_count);

	if (rc == 0)
		rc = check_list(k, "allow", a->allow, a->allow_count);
	if (rc == 0)
		rc = check_both(k);
	for (uint32_t i = 0; rc == 0 && i < a->deny_count; i++) {
		if (is_family(&a->deny[i]))
			rc = check_somebody(k, i);
	}
	if (rc == 0 && a->deny_count)
		rc = check_ports(k);
	if (rc == 0 && a->deny_count)
		rc = check_pools(k);
	return rc;
}
