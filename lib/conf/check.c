/* SPDX-License-Identifier: BSD-3-Clause */
#include "check.h"

#include <stdio.h>

bool wr_conf_check_family(const struct wr_conf *c, bool v4)
{
	for (uint32_t i = 0; i < c->port_count; i++) {
		for (uint32_t j = 0; j < c->ports[i].addr_count; j++) {
			const struct wr_addr *a = &c->ports[i].addr[j].addr;

			if (wr_addr_is_v4(a) == v4 && !wr_addr_is_linklocal(a))
				return true;
		}
	}
	return false;
}

const struct wr_conf_port *wr_conf_check_own(const struct wr_conf *c, const struct wr_addr *a)
{
	for (uint32_t i = 0; i < c->port_count; i++) {
		for (uint32_t j = 0; j < c->ports[i].addr_count; j++) {
			if (wr_addr_eq(a, &c->ports[i].addr[j].addr))
				return &c->ports[i];
		}
	}
	return NULL;
}

const struct wr_conf_port *wr_conf_check_way(const struct wr_conf *c, const struct wr_addr *a)
{
	const struct wr_conf_port *way = NULL;
	int best = -1;

	for (uint32_t i = 0; i < c->port_count; i++) {
		for (uint32_t j = 0; j < c->ports[i].addr_count; j++) {
			const struct wr_prefix *p = &c->ports[i].addr[j];

			if (!wr_conf_check_holds(p, a) || p->len <= best)
				continue;
			way = &c->ports[i];
			best = p->len;
		}
	}
	for (uint32_t i = 0; i < c->route_count; i++) {
		const struct wr_conf_route *r = &c->routes[i];

		if (!wr_prefix_contains(&r->to, a) || wr_addr_is_v4(&r->via) != wr_addr_is_v4(a) ||
			r->to.len <= best)
			continue;
		way = &c->ports[r->port];
		best = r->to.len;
	}
	for (uint32_t i = 0; !way && i < c->port_count; i++) {
		for (uint32_t j = 0; j < c->ports[i].gateway_count; j++) {
			if (wr_addr_is_v4(&c->ports[i].gateway[j]) == wr_addr_is_v4(a))
				way = &c->ports[i];
		}
	}
	return way;
}

int wr_conf_check_network(
	const struct wr_conf_check *k, const char *key, const struct wr_prefix *p, uint32_t line)
{
	struct wr_prefix net = wr_settings_network(p);
	char text[WR_ADDR_STR + 4], right[WR_ADDR_STR + 4];

	if (wr_addr_eq(&net.addr, &p->addr))
		return 0;
	return wr_settings_fail(&k->at, p, line,
		"%s: value '%s' has bits beyond its prefix length; right would be '%s'", key,
		wr_prefix_format(p, text, sizeof(text)),
		wr_prefix_format(&net, right, sizeof(right)));
}

static int check_workers(const struct wr_conf_check *k)
{
	const struct wr_conf_runtime *r = &k->c->runtime;

	for (uint32_t i = 1; i < r->worker_count; i++) {
		for (uint32_t j = 0; j < i; j++) {
			if (r->workers[i] == r->workers[j])
				return wr_settings_fail(&k->at, &r->workers[i], 0,
					"runtime.workers[%u]: value '%u' is listed twice; give "
					"each worker its own lcore",
					i, r->workers[i]);
		}
	}
	return 0;
}

int wr_conf_check(
	const struct wr_conf *c, const struct wr_settings_marks *marks, struct wr_err *err)
{
	struct wr_conf_check k = {.c = c, .at = {.file = c->file, .marks = marks, .err = err}};
	char kind[64];
	int rc;

	rc = check_workers(&k);
	if (rc == 0)
		rc = wr_settings_check_names(
			&k.at, "ports", c->ports[0].name, sizeof(c->ports[0]), c->port_count);
	if (rc == 0)
		rc = wr_settings_check_names(&k.at, "services", c->services[0].name,
			sizeof(c->services[0]), c->service_count);
	if (rc == 0)
		rc = wr_settings_check_names(
			&k.at, "pools", c->pools[0].name, sizeof(c->pools[0]), c->pool_count);
	if (rc == 0)
		rc = wr_settings_check_names(&k.at, "tunnels", c->tunnels[0].name,
			sizeof(c->tunnels[0]), c->tunnel_count);
	for (uint32_t i = 0; rc == 0 && i < c->pool_count; i++) {
		snprintf(kind, sizeof(kind), "pools[%u].backends", i);
		rc = wr_settings_check_names(&k.at, kind, c->pools[i].backends[0].name,
			sizeof(c->pools[i].backends[0]), c->pools[i].backend_count);
	}
	if (rc == 0)
		rc = wr_conf_check_net(&k);
	if (rc == 0)
		rc = wr_conf_check_tunnel(&k);
	if (rc == 0)
		rc = wr_conf_check_behind(&k);
	if (rc == 0)
		rc = wr_conf_check_listen(&k);
	if (rc == 0)
		rc = wr_conf_check_pool(&k);
	if (rc == 0)
		rc = wr_conf_check_serve(&k);
	if (rc == 0)
		rc = wr_conf_check_health(&k);
	if (rc == 0)
		rc = wr_conf_check_runtime(&k);
	if (rc == 0)
		rc = wr_conf_check_access(&k);
	if (rc == 0)
		rc = wr_conf_check_pressure(&k);
	if (rc == 0)
		rc = wr_conf_check_limits(&k);
	if (rc == 0)
		rc = wr_conf_check_tcp(&k);
	if (rc == 0)
		wr_conf_check_tunnel_unused(&k);
	return rc;
}
