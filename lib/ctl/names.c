/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl_priv.h"

#include <stdio.h>

char *wr_ctl_backend_name(struct wr_ctl *c, uint16_t backend, char *buf, size_t len)
{
	const struct wr_backend *be;
	const struct wr_pool_slot *pool;

	buf[0] = '\0';
	be = wr_backends_get(c->backends, backend);
	pool = be != NULL ? wr_backends_pool(c->backends, be->pool) : NULL;
	if (pool != NULL)
		snprintf(buf, len, "%s/%s", pool->name, be->name);
	return buf;
}

static char *port_name(struct wr_ctl *c, uint32_t port, char *buf, size_t len)
{
	buf[0] = '\0';
	if (port < c->conf->port_count)
		snprintf(buf, len, "port %s", c->conf->ports[port].name);
	return buf;
}

const char *wr_ctl_domain(struct wr_ctl *c, uint16_t domain)
{
	return wr_ctl_has_service(c, domain) ? c->conf->services[domain].name : "worker";
}

static char *service_name(
	struct wr_ctl *c, uint32_t service, const char *otherwise, char *buf, size_t len)
{
	if (wr_ctl_has_service(c, service))
		snprintf(buf, len, "service %s", c->conf->services[service].name);
	else
		snprintf(buf, len, "%s", otherwise);
	return buf;
}

static char *tunnel_name(struct wr_ctl *c, uint32_t tunnel, char *buf, size_t len)
{
	buf[0] = '\0';
	if (tunnel < c->conf->tunnel_count)
		snprintf(buf, len, "tunnel %s", c->conf->tunnels[tunnel].name);
	return buf;
}

static char *pool_name(struct wr_ctl *c, uint32_t pool, char *buf, size_t len)
{
	buf[0] = '\0';
	if (pool < c->conf->pool_count && c->conf->pools[pool].slot != WR_CONF_VACANT)
		snprintf(buf, len, "pool %s", c->conf->pools[pool].name);
	return buf;
}

char *wr_ctl_queue_scope(struct wr_ctl *c, const struct wr_queue *q, char *buf, size_t len)
{
	buf[0] = '\0';
	switch (q->kind) {
	case WR_Q_rx_ring:
	case WR_Q_tx_backlog:
		return port_name(c, q->scope, buf, len);
	case WR_Q_handoff:
		snprintf(buf, len, "from worker %u", q->scope);
		return buf;
	case WR_Q_backend_inflight:
		return wr_ctl_backend_name(c, q->scope, buf, len);
	case WR_Q_pool_inflight:
		return pool_name(c, q->scope, buf, len);
	case WR_Q_pending:
	case WR_Q_pending_wait:
		return service_name(c, q->scope, "", buf, len);
	default:
		return buf;
	}
}

// The scope of a stalled connection is a backend or a service: a backend's address is the peer's.
static char *conn_scope(struct wr_ctl *c, const struct wr_event *ev, char *buf, size_t len)
{
	if (ev->scope < wr_backends_count(c->backends)) {
		struct wr_backend *be = wr_backends_get(c->backends, (uint16_t)ev->scope);

		if (be != NULL && wr_addr_eq(&be->addr.addr, &ev->a.addr) &&
			be->addr.port == ev->a.port)
			return wr_ctl_backend_name(c, be->id, buf, len);
	}
	return service_name(c, ev->scope, "", buf, len);
}

char *wr_ctl_event_scope(struct wr_ctl *c, const struct wr_event *ev, char *buf, size_t len)
{
	struct wr_queue q = {.kind = ev->queue, .scope = (uint16_t)ev->scope};

	switch ((enum wr_event_kind)ev->kind) {
	case WR_EV_works_queue_full:
	case WR_EV_queue_high:
	case WR_EV_queue_critical:
	case WR_EV_queue_normal:
	case WR_EV_queue_warning:
	case WR_EV_level_change:
		return wr_ctl_queue_scope(c, &q, buf, len);
	case WR_EV_conn_stalled:
	case WR_EV_conn_resumed:
	case WR_EV_stall_closed:
		return conn_scope(c, ev, buf, len);
	case WR_EV_pool_spill:
	case WR_EV_pool_return:
	case WR_EV_pool_fail_open:
	case WR_EV_pool_fail_open_end:
	case WR_EV_pool_empty:
		return pool_name(c, ev->scope, buf, len);
	case WR_EV_service_level:
	case WR_EV_door_limited:
	case WR_EV_door_open:
	case WR_EV_proxy_header_bad:
		return service_name(c, ev->scope, "", buf, len);
	case WR_EV_limit_reached:
		return service_name(c, ev->scope, "the instance", buf, len);
	case WR_EV_backend_up:
	case WR_EV_backend_down:
	case WR_EV_backend_probe:
	case WR_EV_backend_admin:
	case WR_EV_backend_drained:
	case WR_EV_backend_agent:
	case WR_EV_breaker_open:
	case WR_EV_breaker_half_open:
	case WR_EV_breaker_closed:
	case WR_EV_breaker_withheld:
	case WR_EV_slow_start_end:
		return wr_ctl_backend_name(c, (uint16_t)ev->scope, buf, len);
	case WR_EV_ipsec_keys:
	case WR_EV_ipsec_switched:
	case WR_EV_ipsec_retired:
	case WR_EV_ipsec_keys_refused:
	case WR_EV_ipsec_ending:
	case WR_EV_ipsec_closed:
	case WR_EV_ipsec_open:
	case WR_EV_ipsec_refused:
		return tunnel_name(c, ev->scope, buf, len);
	case WR_EV_port_checksum:
	case WR_EV_port_truncated:
	case WR_EV_port_loss:
	case WR_EV_port_link:
	case WR_EV_steer_miss:
		return port_name(c, ev->scope, buf, len);
	default:
		buf[0] = '\0';
		return buf;
	}
}
