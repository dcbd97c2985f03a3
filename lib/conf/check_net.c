/* SPDX-License-Identifier: BSD-3-Clause */
#include "check.h"

#include <stdio.h>
#include <string.h>

// Ports: devices, addresses, gateways; static routes.

static int check_addresses(const struct wr_conf_check *k, uint32_t i)
{
	const struct wr_conf_port *p = &k->c->ports[i];
	char text[WR_ADDR_STR + 4];

	for (uint32_t j = 0; j < p->addr_count; j++) {
		const char *why = wr_settings_not_station(&p->addr[j]);

		wr_prefix_format(&p->addr[j], text, sizeof(text));
		if (why)
			return wr_settings_fail(&k->at, &p->addr[j], p->line,
				"ports[%u].addresses[%u]: value '%s' %s; right would be an address "
				"of one station",
				i, j, text, why);
		for (uint32_t x = 0; x <= i; x++) {
			for (uint32_t y = 0; y < (x == i ? j : k->c->ports[x].addr_count); y++) {
				if (wr_addr_eq(&p->addr[j].addr, &k->c->ports[x].addr[y].addr))
					return wr_settings_fail(&k->at, &p->addr[j], p->line,
						"ports[%u].addresses[%u]: value '%s' is an address "
						"of port '%s' already; an address belongs to one "
						"port, once",
						i, j, text, k->c->ports[x].name);
			}
		}
		if (!wr_addr_is_v4(&p->addr[j].addr) && p->mtu && p->mtu < 1280)
			// RFC 8200 5.
			return wr_settings_fail(&k->at, &p->mtu, p->line,
				"ports[%u].mtu: value '%u' is too small for IPv6, which the port "
				"has an address of; right would be 1280 or more",
				i, p->mtu);
	}
	return 0;
}

// Can a next hop be reached over the port without a router? Sets `why` otherwise.
static bool next_hop_ok(const struct wr_conf *c, const struct wr_conf_port *p,
	const struct wr_addr *a, const char **why)
{
	*why = wr_settings_not_unicast(a);
	if (*why)
		return false;
	*why = "is an address of this box";
	if (wr_conf_check_own(c, a))
		return false;
	*why = "is in none of the port's prefixes";
	for (uint32_t i = 0; i < p->addr_count; i++) {
		if (wr_addr_is_v4(&p->addr[i].addr) != wr_addr_is_v4(a))
			continue;
		// Every IPv6 link has the link-local prefix (RFC 4291 2.5.6).
		if (wr_prefix_contains(&p->addr[i], a) ||
			(!wr_addr_is_v4(a) && wr_addr_is_linklocal(a)))
			return true;
	}
	return false;
}

static int check_gateways(const struct wr_conf_check *k, uint32_t i)
{
	const struct wr_conf_port *p = &k->c->ports[i];
	char text[WR_ADDR_STR];
	const char *why;

	for (uint32_t j = 0; j < p->gateway_count; j++) {
		wr_addr_format(&p->gateway[j], text, sizeof(text));
		if (!next_hop_ok(k->c, p, &p->gateway[j], &why))
			return wr_settings_fail(&k->at, &p->gateway[j], p->line,
				"ports[%u].gateway[%u]: value '%s' %s; right would be a router on "
				"this port's link",
				i, j, text, why);
		if (j == 1 && wr_addr_is_v4(&p->gateway[0]) == wr_addr_is_v4(&p->gateway[1]))
			return wr_settings_fail(&k->at, &p->gateway[j], p->line,
				"ports[%u].gateway[%u]: value '%s' is the second gateway of its "
				"family; right would be one for IPv4 and one for IPv6, and "
				"'routes' for others",
				i, j, text);
	}
	return 0;
}

static int check_devices(const struct wr_conf_check *k, uint32_t i)
{
	for (uint32_t j = 0; j < i; j++) {
		if (strcmp(k->c->ports[i].device, k->c->ports[j].device) == 0)
			return wr_settings_fail(&k->at, k->c->ports[i].device, k->c->ports[i].line,
				"ports[%u].device: value '%s' is the device of port '%s' already; "
				"a device makes one port",
				i, k->c->ports[i].device, k->c->ports[j].name);
	}
	return 0;
}

static int check_route(const struct wr_conf_check *k, uint32_t i)
{
	const struct wr_conf_route *r = &k->c->routes[i];
	char key[32], to[WR_ADDR_STR + 4], via[WR_ADDR_STR];
	const char *why;
	int rc;

	wr_prefix_format(&r->to, to, sizeof(to));
	wr_addr_format(&r->via, via, sizeof(via));
	snprintf(key, sizeof(key), "routes[%u].to", i);
	rc = wr_conf_check_network(k, key, &r->to, r->line);
	if (rc < 0)
		return rc;
	if (wr_addr_is_v4(&r->via) != (r->to.len >= 96 && wr_addr_is_v4(&r->to.addr)))
		return wr_settings_fail(&k->at, &r->via, r->line,
			"routes[%u].via: value '%s' is not of the family of '%s'; right would be "
			"a next hop of the same family",
			i, via, to);
	if (!next_hop_ok(k->c, &k->c->ports[r->port], &r->via, &why))
		return wr_settings_fail(&k->at, &r->via, r->line,
			"routes[%u].via: value '%s' %s; right would be a router on the link of "
			"port '%s'",
			i, via, why, k->c->ports[r->port].name);
	for (uint32_t j = 0; j < i; j++) {
		if (r->to.len == k->c->routes[j].to.len &&
			wr_addr_eq(&r->to.addr, &k->c->routes[j].to.addr))
			return wr_settings_fail(&k->at, &r->to, r->line,
				"routes[%u].to: value '%s' has a route already (routes[%u]); keep "
				"one",
				i, to, j);
	}
	return 0;
}

int wr_conf_check_net(const struct wr_conf_check *k)
{
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < k->c->port_count; i++) {
		rc = check_devices(k, i);
		if (rc == 0)
			rc = check_addresses(k, i);
	}
	for (uint32_t i = 0; rc == 0 && i < k->c->port_count; i++)
		rc = check_gateways(k, i);
	for (uint32_t i = 0; rc == 0 && i < k->c->route_count; i++)
		rc = check_route(k, i);
	return rc;
}
