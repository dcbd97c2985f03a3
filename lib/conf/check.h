/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "wr_conf.h"
#include "wr_settings_check.h"

// What only several values together can tell: names, references, addresses, reachability.

struct wr_conf_check {
	const struct wr_conf *c;
	struct wr_settings_place at;
};

// All checks; the first failure is told. 0 or -EINVAL.
int wr_conf_check(
	const struct wr_conf *c, const struct wr_settings_marks *marks, struct wr_err *err);

// Parts of wr_conf_check(), one a source file.
int wr_conf_check_net(const struct wr_conf_check *k);    // ports, gateways, routes
int wr_conf_check_tunnel(const struct wr_conf_check *k); // encrypted paths
int wr_conf_check_behind(const struct wr_conf_check *k); // whether pools say what they mean of them
int wr_conf_check_listen(const struct wr_conf_check *k); // listeners
int wr_conf_check_pool(const struct wr_conf_check *k);   // sources, backends
int wr_conf_check_serve(const struct wr_conf_check *k);  // picking, backups
int wr_conf_check_health(const struct wr_conf_check *k); // checks, breakers
int wr_conf_check_runtime(const struct wr_conf_check *k);  // users and groups, log
int wr_conf_check_access(const struct wr_conf_check *k);   // who may connect
int wr_conf_check_pressure(const struct wr_conf_check *k); // marks
int wr_conf_check_limits(const struct wr_conf_check *k);   // limits, waits, classes by source
int wr_conf_check_tcp(const struct wr_conf_check *k);      // buffers, keepalive; warns last

// Warns in the log.
void wr_conf_check_tunnel_unused(const struct wr_conf_check *k);

// What they have to say about one backend, or one pool, or any number of rows that are LEAVING.
int wr_conf_check_backend(const struct wr_conf_check *k, uint32_t pool, uint32_t backend);
int wr_conf_check_backend_tunnel(const struct wr_conf_check *k, uint32_t pool, uint32_t backend);
int wr_conf_check_backend_access(const struct wr_conf_check *k, const struct wr_conf_backend *b);
int wr_conf_check_pool_limits(const struct wr_conf_check *k, uint32_t pool);
int wr_conf_check_queues(const struct wr_conf_check *k);

// Refuse a prefix with bits beyond its length; `key` names it, `line` is where when it has no mark.
int wr_conf_check_network(
	const struct wr_conf_check *k, const char *key, const struct wr_prefix *p, uint32_t line);

// Does a port have an address of this family that connections can come from?
bool wr_conf_check_family(const struct wr_conf *c, bool v4);

// The port that has this address, or NULL.
const struct wr_conf_port *wr_conf_check_own(const struct wr_conf *c, const struct wr_addr *a);

// The port that packets to an address leave by, in clear; NULL: no way leads there.
const struct wr_conf_port *wr_conf_check_way(const struct wr_conf *c, const struct wr_addr *a);

// The pool's tunnel, or NULL.
const struct wr_conf_tunnel *wr_conf_check_pool_tunnel(
	const struct wr_conf *c, const struct wr_conf_pool *p);

// As wr_prefix_contains(), but a short IPv6 prefix does not hold all of IPv4.
static inline bool wr_conf_check_holds(const struct wr_prefix *p, const struct wr_addr *a)
{
	return wr_addr_is_v4(&p->addr) == wr_addr_is_v4(a) && wr_prefix_contains(p, a);
}

static inline const char *wr_conf_family(bool v4)
{
	return v4 ? "IPv4" : "IPv6";
}
