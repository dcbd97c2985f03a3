/* SPDX-License-Identifier: BSD-3-Clause */
#include "check.h"

#include <stdio.h>

// Listeners: unique, unicast, of a family that some port speaks.

static bool is_next_hop(const struct wr_conf *c, const struct wr_addr *a)
{
	for (uint32_t i = 0; i < c->port_count; i++) {
		for (uint32_t j = 0; j < c->ports[i].gateway_count; j++) {
			if (wr_addr_eq(a, &c->ports[i].gateway[j]))
				return true;
		}
	}
	for (uint32_t i = 0; i < c->route_count; i++) {
		if (wr_addr_eq(a, &c->routes[i].via))
			return true;
	}
	return false;
}

static int check_overlap(const struct wr_conf_check *k, uint32_t i, uint32_t j, const char *text)
{
	const struct wr_endpoint *e = &k->c->services[i].listen[j];

	for (uint32_t x = 0; x <= i; x++) {
		const struct wr_conf_service *s = &k->c->services[x];

		for (uint32_t y = 0; y < (x == i ? j : s->listen_count); y++) {
			if (e->port == s->listen[y].port &&
				wr_addr_eq(&e->addr, &s->listen[y].addr))
				return wr_settings_fail(&k->at, e, k->c->services[i].line,
					"services[%u].listen[%u]: value '%s' is listened on by "
					"service '%s' already; give each its own address or port",
					i, j, text, s->name);
		}
	}
	return 0;
}

static int check_listener(const struct wr_conf_check *k, uint32_t i, uint32_t j)
{
	const struct wr_conf_service *s = &k->c->services[i];
	const struct wr_endpoint *e = &s->listen[j];
	const char *why = wr_settings_not_unicast(&e->addr);
	bool v4 = wr_addr_is_v4(&e->addr);
	char text[WR_ENDPOINT_STR];

	wr_endpoint_format(e, text, sizeof(text));
	if (!why && wr_addr_is_linklocal(&e->addr) && !wr_conf_check_own(k->c, &e->addr))
		why = "is a link-local address that no port has";
	if (!why && is_next_hop(k->c, &e->addr))
		why = "is the address of a gateway or next hop";
	if (why)
		return wr_settings_fail(&k->at, e, s->line,
			"services[%u].listen[%u]: value '%s' %s; right would be the address that "
			"clients connect to",
			i, j, text, why);
	if (!wr_conf_check_family(k->c, v4) && !wr_conf_check_own(k->c, &e->addr))
		return wr_settings_fail(&k->at, e, s->line,
			"services[%u].listen[%u]: value '%s' is %s and no port has an %s address; "
			"add one to a port",
			i, j, text, wr_conf_family(v4), wr_conf_family(v4));
	return check_overlap(k, i, j, text);
}

int wr_conf_check_listen(const struct wr_conf_check *k)
{
	uint32_t total = 0;
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < k->c->service_count; i++) {
		total += k->c->services[i].listen_count;
		if (total > WR_MAX_LISTENERS)
			return wr_settings_fail(&k->at, NULL, k->c->services[i].line,
				"services[%u].listen: makes %u listeners with those before; right "
				"would be at most %u over all services",
				i, total, WR_MAX_LISTENERS);
		for (uint32_t j = 0; rc == 0 && j < k->c->services[i].listen_count; j++)
			rc = check_listener(k, i, j);
	}
	return rc;
}
