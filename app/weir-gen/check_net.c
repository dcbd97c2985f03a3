/* SPDX-License-Identifier: BSD-3-Clause */
#include "settings_priv.h"

#include <stdio.h>
#include <string.h>

// Ports, what they reach, and who listens behind them. Each port is a host of its own: an address
// may stand behind two of them, and one may be the gateway of another.

bool gen_check_in_prefix(const struct gen_port *p, const struct wr_addr *a)
{
	for (uint32_t i = 0; i < p->addr_count; i++) {
		if (wr_prefix_contains(&p->addr[i], a))
			return true;
	}
	return false;
}

bool gen_check_has_gateway(const struct gen_port *p, const struct wr_addr *a)
{
	for (uint32_t i = 0; i < p->gateway_count; i++) {
		if (wr_addr_is_v4(&p->gateway[i]) == wr_addr_is_v4(a))
			return true;
	}
	return false;
}

static bool has_family(const struct gen_port *p, const struct wr_addr *a)
{
	for (uint32_t i = 0; i < p->addr_count; i++) {
		if (wr_addr_is_v4(&p->addr[i].addr) == wr_addr_is_v4(a))
			return true;
	}
	return false;
}

static int check_addresses(const struct gen_check *k, uint32_t i)
{
	const struct gen_port *p = &k->c->ports[i];
	char text[WR_ADDR_STR + 4];

	for (uint32_t j = 0; j < p->addr_count; j++) {
		const char *why = wr_settings_not_station(&p->addr[j]);

		for (uint32_t x = 0; !why && x < j; x++) {
			if (wr_addr_eq(&p->addr[x].addr, &p->addr[j].addr))
				why = "is given twice";
		}
		if (why)
			return wr_settings_fail(&k->at, &p->addr[j], p->line,
				"ports[%u].addresses[%u]: value '%s' %s; right would be an address "
				"of one station",
				i, j, wr_prefix_format(&p->addr[j], text, sizeof(text)), why);
		if (!wr_addr_is_v4(&p->addr[j].addr) && p->mtu < 1280)
			// RFC 8200 5.
			return wr_settings_fail(&k->at, &p->mtu, p->line,
				"ports[%u].mtu: value '%u' is too small for IPv6, which the port "
				"has an address of; right would be 1280 or more",
				i, p->mtu);
	}
	return 0;
}

static int check_gateways(const struct gen_check *k, uint32_t i)
{
	const struct gen_port *p = &k->c->ports[i];
	char text[WR_ADDR_STR];

	for (uint32_t j = 0; j < p->gateway_count; j++) {
		const struct wr_addr *g = &p->gateway[j];
		const char *why = wr_settings_not_unicast(g);

		if (!why && !gen_check_in_prefix(p, g) &&
			(wr_addr_is_v4(g) || !wr_addr_is_linklocal(g)))
			why = "is in none of the port's prefixes";
		for (uint32_t x = 0; !why && x < p->addr_count; x++) {
			if (wr_addr_eq(&p->addr[x].addr, g))
				why = "is the port's own address";
		}
		if (!why && j == 1 && wr_addr_is_v4(&p->gateway[0]) == wr_addr_is_v4(g))
			why = "is the second gateway of its family";
		if (why)
			return wr_settings_fail(&k->at, g, p->line,
				"ports[%u].gateway[%u]: value '%s' %s; right would be a router on "
				"this port's link, one a family",
				i, j, wr_addr_format(g, text, sizeof(text)), why);
	}
	return 0;
}

static int check_port(const struct gen_check *k, uint32_t i)
{
	const struct gen_port *p = &k->c->ports[i];
	int rc = check_addresses(k, i);

	for (uint32_t j = 0; rc == 0 && j < i; j++) {
		if (strcmp(p->device, k->c->ports[j].device) == 0)
			rc = wr_settings_fail(&k->at, p->device, p->line,
				"ports[%u].device: value '%s' is the device of port '%s' already; "
				"a device makes one port",
				i, p->device, k->c->ports[j].name);
	}
	return rc == 0 ? check_gateways(k, i) : rc;
}

// Why a port cannot send to an address; NULL when it can.
static const char *not_reached(const struct gen_port *p, const struct wr_addr *a)
{
	const char *why = wr_settings_not_unicast(a);

	if (why)
		return why;
	if (!has_family(p, a))
		return wr_addr_is_v4(a) ? "is IPv4 and the port has no IPv4 address"
		                        : "is IPv6 and the port has no IPv6 address";
	if (!gen_check_in_prefix(p, a) && !gen_check_has_gateway(p, a))
		return "is in none of the port's prefixes and the port has no gateway";
	return NULL;
}

const struct gen_port *gen_check_port(
	const struct gen_conf *c, uint32_t port, const struct wr_addr *a, bool gateways)
{
	if (port != GEN_PORT_AUTO)
		return &c->ports[port];
	for (uint32_t i = 0; i < c->port_count; i++) {
		if (gen_check_in_prefix(&c->ports[i], a))
			return &c->ports[i];
	}
	for (uint32_t i = 0; gateways && i < c->port_count; i++) {
		if (gen_check_has_gateway(&c->ports[i], a))
			return &c->ports[i];
	}
	return NULL;
}

static int check_sources(const struct gen_check *k, uint32_t i, const struct gen_port *p)
{
	const struct gen_client *cl = &k->c->clients[i];
	char text[WR_ADDR_STR];

	for (uint32_t j = 0; j < cl->source_count; j++) {
		const struct wr_addr *a = &cl->source[j].first;
		const char *why = wr_settings_not_unicast(a);

		if (!why)
			why = wr_settings_not_unicast(&cl->source[j].last);
		if (!why && !has_family(p, a))
			why = "is of a family that the port has no address of";
		if (why)
			return wr_settings_fail(&k->at, &cl->source[j], cl->line,
				"clients[%u].source[%u]: value '%s' %s; right would be addresses "
				"of "
				"the port's prefix, or ones that the other side routes to port "
				"'%s'",
				i, j, wr_addr_format(a, text, sizeof(text)), why, p->name);
	}
	return 0;
}

static int check_client(const struct gen_check *k, uint32_t i)
{
	const struct gen_client *cl = &k->c->clients[i];
	const struct gen_port *p = gen_check_port(k->c, cl->port, &cl->target[0].addr, true);
	char text[WR_ENDPOINT_STR];

	for (uint32_t j = 0; j < cl->target_count; j++) {
		const char *why = p ? not_reached(p, &cl->target[j].addr)
		                    : "is in no port's prefix and no port has a gateway for it";

		if (why)
			return wr_settings_fail(&k->at, &cl->target[j], cl->line,
				"clients[%u].target[%u]: value '%s' %s; add an address in its "
				"prefix or a gateway of its family to port '%s'",
				i, j, wr_endpoint_format(&cl->target[j], text, sizeof(text)), why,
				p ? p->name : k->c->ports[0].name);
	}
	return check_sources(k, i, p);
}

static int check_twice(const struct gen_check *k, uint32_t i, uint32_t j, const char *text)
{
	const struct gen_backend *b = &k->c->backends[i];
	const struct wr_endpoint *e = &b->listen[j];
	const struct gen_port *p = gen_check_port(k->c, b->port, &b->listen[0].addr, false);

	for (uint32_t x = 0; x <= i; x++) {
		const struct gen_backend *o = &k->c->backends[x];

		for (uint32_t y = 0; y < (x == i ? j : o->listen_count); y++) {
			if (e->port == o->listen[y].port &&
				wr_addr_eq(&e->addr, &o->listen[y].addr) &&
				gen_check_port(k->c, o->port, &o->listen[0].addr, false) == p)
				return wr_settings_fail(&k->at, e, b->line,
					"backends[%u].listen[%u]: value '%s' is listened on by "
					"backend '%s' already; give each its own address or port",
					i, j, text, o->name);
		}
	}
	return 0;
}

static int check_backend(const struct gen_check *k, uint32_t i)
{
	const struct gen_backend *b = &k->c->backends[i];
	const struct gen_port *p = gen_check_port(k->c, b->port, &b->listen[0].addr, false);
	char text[WR_ENDPOINT_STR];
	int rc = 0;

	for (uint32_t j = 0; rc == 0 && j < b->listen_count; j++) {
		const char *why = wr_settings_not_unicast(&b->listen[j].addr);

		wr_endpoint_format(&b->listen[j], text, sizeof(text));
		if (!why && (!p || !gen_check_in_prefix(p, &b->listen[j].addr)))
			why = p ? "is in none of the port's prefixes" : "is in no port's prefix";
		if (why)
			return wr_settings_fail(&k->at, &b->listen[j], b->line,
				"backends[%u].listen[%u]: value '%s' %s; right would be an address "
				"in a prefix of port '%s'",
				i, j, text, why, p ? p->name : k->c->ports[0].name);
		rc = check_twice(k, i, j, text);
	}
	return rc;
}

static int check_stream(const struct gen_check *k, uint32_t i)
{
	static const uint8_t none[6];
	const struct gen_packets *s = &k->c->packets[i];
	const struct gen_port *p = &k->c->ports[s->port];
	char text[WR_ADDR_STR];
	const char *why;

	if (s->kind == GEN_PACKET_RANDOM || s->kind == GEN_PACKET_PCAP)
		return 0;
	if (wr_addr_is_unspecified(&s->target.first))
		return wr_settings_fail(&k->at, &s->target, s->line,
			"packets[%u].target: is missing; right would be the address or range that "
			"the packets go to",
			i);
	why = not_reached(p, &s->target.first);
	if (!why || memcmp(s->target_mac, none, 6) != 0)
		return 0;
	return wr_settings_fail(&k->at, &s->target, s->line,
		"packets[%u].target: value '%s' %s; add one to port '%s', or give target_mac", i,
		wr_addr_format(&s->target.first, text, sizeof(text)), why, p->name);
}

int gen_check_net(const struct gen_check *k)
{
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < k->c->port_count; i++)
		rc = check_port(k, i);
	for (uint32_t i = 0; rc == 0 && i < k->c->client_count; i++)
		rc = check_client(k, i);
	for (uint32_t i = 0; rc == 0 && i < k->c->backend_count; i++)
		rc = check_backend(k, i);
	for (uint32_t i = 0; rc == 0 && i < k->c->packets_count; i++)
		rc = check_stream(k, i);
	return rc;
}
