/* SPDX-License-Identifier: BSD-3-Clause */

// Who may open a session, how many at the same time, and how many bytes may pass. Rates of new
// connections are charged before, at the door; here stand the numbers that a session holds until it
// ends.

#include "proxy_priv.h"

void admit_plan(struct service_run *r, const struct wr_conf *conf, uint16_t service)
{
	const struct wr_conf_service *sv = &conf->services[service];
	const struct wr_conf_limit *all = &conf->limit;

	r->limit = wr_proxy_limit_rule(&sv->limit);
	r->client = wr_proxy_limit_rule(&sv->client);
	r->counts = (all->connections | r->limit.connections | r->client.connections) != 0;
	r->bytes = (all->bytes | r->limit.bytes_per_s | r->client.bytes_per_s) != 0;
	// Its rate is the door's business alone.
	r->clients = (r->client.connections | r->client.bytes_per_s) != 0;
}

static void refuse(struct wr_proxy *p, struct session *s, uint32_t scope, wr_us_t now)
{
	wr_stats_add(p->stats, WR_CTR_limits_refused, 1);
	p->services[s->service].limited++;
	p->limited.count++;
	p->limited.scope = scope;
	p->limited.reason = WR_DROP_syn_limit_conns;
	proxy_tell(p, &p->limited, WR_EV_limit_reached, now);
}

static void client_get(
	struct wr_proxy *p, struct session *s, const struct wr_addr *client, wr_us_t now)
{
	const struct wr_conf_service *sv = session_service(p, s);

	s->client_index = wr_clients_get(p->cfg.shared->clients, s->service, client,
		(uint8_t)sv->client_prefix_v4, (uint8_t)sv->client_prefix_v6, now);
	// Where its rate is limited too, the door has asked for it and counted.
	if (s->client_index == WR_CLIENT_NONE && p->runs[s->service].client.rate_per_s == 0)
		wr_stats_add(p->stats, WR_CTR_clients_full, 1);
}

static void client_put(struct wr_proxy *p, struct session *s)
{
	if (s->client_index == WR_CLIENT_NONE)
		return;
	wr_clients_put(p->cfg.shared->clients, s->client_index);
	s->client_index = WR_CLIENT_NONE;
}

// Give back what counts the session, as it was when it came: limits may have come and gone since.
static void leave(struct wr_proxy *p, struct session *s)
{
	struct wr_limit *limits = p->cfg.shared->limits;

	if (s->limited & COUNTED_INSTANCE)
		wr_limit_leave(&limits[0]);
	if (s->limited & COUNTED_SERVICE)
		wr_limit_leave(&limits[1 + s->service]);
	if (s->limited & COUNTED_CLIENT)
		wr_limit_leave(wr_clients_limit(p->cfg.shared->clients, s->client_index));
	s->limited = 0;
}

static bool count(struct session *s, uint8_t by, struct wr_limit *l, const struct wr_limit_rule *r)
{
	if (r->connections == 0)
		return true;
	if (!wr_limit_enter(l, r))
		return false;
	s->limited |= by;
	return true;
}

// Each limit that is configured counts the session, or none does.
static bool enter(struct wr_proxy *p, struct session *s, wr_us_t now)
{
	struct wr_limit *limits = p->cfg.shared->limits;
	const struct service_run *r = &p->runs[s->service];
	uint32_t scope = UINT16_MAX; // the instance's

	if (count(s, COUNTED_INSTANCE, &limits[0], &p->limit)) {
		scope = s->service;
		if (count(s, COUNTED_SERVICE, &limits[1 + s->service], &r->limit) &&
			(s->client_index == WR_CLIENT_NONE ||
				count(s, COUNTED_CLIENT,
					wr_clients_limit(p->cfg.shared->clients, s->client_index),
					&r->client)))
			return true;
	}
	leave(p, s);
	refuse(p, s, scope, now);
	return false;
}

bool admit_session(struct wr_proxy *p, struct session *s, const struct wr_addr *client, wr_us_t now)
{
	const struct service_run *r = &p->runs[s->service];
	struct wr_access_verdict v = wr_access_look(
		p->cfg.shared->access, client, s->service, (uint8_t)session_service(p, s)->class);

	s->class = v.class;
	// One that the rules denied since its SYN, or that came back with a cookie.
	if (v.denied) {
		p->services[s->service].refused++;
		return false;
	}
	if (r->clients)
		client_get(p, s, client, now);
	if (!r->counts || enter(p, s, now))
		return true;
	client_put(p, s);
	return false;
}

void admit_leave(struct wr_proxy *p, struct session *s)
{
	leave(p, s);
	client_put(p, s);
}

wr_us_t admit_bytes_wait(struct wr_proxy *p, const struct session *s, wr_us_t now)
{
	struct wr_limit *limits = p->cfg.shared->limits;
	const struct service_run *r = &p->runs[s->service];
	wr_us_t wait = 0;

	if (p->limit.bytes_per_s != 0)
		wait = wr_limit_bytes_wait(&limits[0], &p->limit, now);
	if (r->limit.bytes_per_s != 0)
		wait = RTE_MAX(wait, wr_limit_bytes_wait(&limits[1 + s->service], &r->limit, now));
	if (r->client.bytes_per_s != 0 && s->client_index != WR_CLIENT_NONE)
		wait = RTE_MAX(wait, wr_limit_bytes_wait(wr_clients_limit(p->cfg.shared->clients,
								 s->client_index),
					     &r->client, now));
	return wait;
}

wr_us_t admit_bytes(struct wr_proxy *p, const struct session *s, uint64_t n, wr_us_t now)
{
	struct wr_limit *limits = p->cfg.shared->limits;
	const struct service_run *r = &p->runs[s->service];
	wr_us_t wait = 0;

	if (p->limit.bytes_per_s != 0)
		wait = wr_limit_bytes(&limits[0], &p->limit, n, now);
	if (r->limit.bytes_per_s != 0)
		wait = RTE_MAX(wait, wr_limit_bytes(&limits[1 + s->service], &r->limit, n, now));
	if (r->client.bytes_per_s != 0 && s->client_index != WR_CLIENT_NONE)
		wait = RTE_MAX(wait,
			wr_limit_bytes(wr_clients_limit(p->cfg.shared->clients, s->client_index),
				&r->client, n, now));
	return wait;
}
