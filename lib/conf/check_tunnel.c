/* SPDX-License-Identifier: BSD-3-Clause */
#include "check.h"

#include <stdio.h>
#include <string.h>

#include "wr_log.h"

// Encrypted paths: their ends, what is behind them, their keys. What is encrypted goes by the
// address alone, so no address may be behind two of them, and none that a tunnel itself needs
// behind any.

#define PREFIX_STR (WR_ADDR_STR + 4)

// --- what a prefix must not have in it -------------------------------------------------------

struct found { // in words: "the address 198.18.0.1 of port 'wan'"
	char text[2 * WR_NAME_LEN + WR_ADDR_STR];
};

static bool find(struct found *f, const struct wr_prefix *p, const struct wr_addr *a,
	const char *what, const char *whose)
{
	char text[WR_ADDR_STR];

	if (!wr_conf_check_holds(p, a))
		return false;
	snprintf(f->text, sizeof(f->text), "%s %s of %s", what,
		wr_addr_format(a, text, sizeof(text)), whose);
	return true;
}

static bool find_source(struct found *f, const struct wr_conf *c, const struct wr_prefix *p)
{
	for (uint32_t i = 0; i < c->pool_count; i++) {
		for (uint32_t j = 0; j < c->pools[i].source_count; j++) {
			const struct wr_conf_source *r = &c->pools[i].source[j];

			if (!wr_conf_check_holds(p, &r->first) &&
				!wr_conf_check_holds(p, &r->last) &&
				!wr_settings_in_range(
					(const struct wr_settings_range *)r, &p->addr))
				continue;
			snprintf(f->text, sizeof(f->text), "a source of pool '%s'",
				c->pools[i].name);
			return true;
		}
	}
	return false;
}

// An address that this box answers for.
static bool find_ours(struct found *f, const struct wr_conf *c, const struct wr_prefix *p)
{
	char whose[WR_NAME_LEN + 16];

	for (uint32_t i = 0; i < c->port_count; i++) {
		snprintf(whose, sizeof(whose), "port '%s'", c->ports[i].name);
		for (uint32_t j = 0; j < c->ports[i].addr_count; j++) {
			if (find(f, p, &c->ports[i].addr[j].addr, "the address", whose))
				return true;
		}
	}
	for (uint32_t i = 0; i < c->service_count; i++) {
		snprintf(whose, sizeof(whose), "service '%s'", c->services[i].name);
		for (uint32_t j = 0; j < c->services[i].listen_count; j++) {
			if (find(f, p, &c->services[i].listen[j].addr, "the address", whose))
				return true;
		}
	}
	return find_source(f, c, p);
}

static bool find_next_hop(struct found *f, const struct wr_conf *c, const struct wr_prefix *p)
{
	char whose[WR_NAME_LEN + 16];

	for (uint32_t i = 0; i < c->port_count; i++) {
		snprintf(whose, sizeof(whose), "port '%s'", c->ports[i].name);
		for (uint32_t j = 0; j < c->ports[i].gateway_count; j++) {
			if (find(f, p, &c->ports[i].gateway[j], "the gateway", whose))
				return true;
		}
	}
	for (uint32_t i = 0; i < c->route_count; i++) {
		snprintf(whose, sizeof(whose), "routes[%u]", i);
		if (find(f, p, &c->routes[i].via, "the next hop", whose))
			return true;
	}
	return false;
}

// --- the two ends ----------------------------------------------------------------------------

static const char *not_an_end(const struct wr_addr *a)
{
	const char *why = wr_settings_not_unicast(a);

	return !why && wr_addr_is_linklocal(a) ? "is a link-local address" : why;
}

// An address of a port that could be the local end towards `to`.
static const char *own_towards(
	const struct wr_conf *c, const struct wr_addr *to, char text[WR_ADDR_STR])
{
	const struct wr_conf_port *p = wr_conf_check_way(c, to);

	for (uint32_t j = 0; p && j < p->addr_count; j++) {
		if (wr_addr_is_v4(&p->addr[j].addr) == wr_addr_is_v4(to) &&
			!wr_addr_is_linklocal(&p->addr[j].addr))
			return wr_addr_format(&p->addr[j].addr, text, WR_ADDR_STR);
	}
	return "one of ports[].addresses, without its prefix length";
}

static int check_local(const struct wr_conf_check *k, uint32_t i)
{
	const struct wr_conf_tunnel *t = &k->c->tunnels[i];
	char text[WR_ADDR_STR], right[WR_ADDR_STR];
	const char *why = not_an_end(&t->local);

	if (!why && !wr_conf_check_own(k->c, &t->local))
		why = "is no port's own address";
	if (!why)
		return 0;
	return wr_settings_fail(&k->at, &t->local, t->line,
		"tunnels[%u].local: value '%s' %s; right would be %s", i,
		wr_addr_format(&t->local, text, sizeof(text)), why,
		own_towards(k->c, &t->remote, right));
}

static int check_remote(const struct wr_conf_check *k, uint32_t i)
{
	const struct wr_conf_tunnel *t = &k->c->tunnels[i];
	const struct wr_prefix host = {.addr = t->remote, .len = 128};
	bool v4 = wr_addr_is_v4(&t->remote);
	char text[WR_ADDR_STR], local[WR_ADDR_STR];
	const char *why = not_an_end(&t->remote);
	struct found f;

	wr_addr_format(&t->remote, text, sizeof(text));
	if (!why && v4 != wr_addr_is_v4(&t->local))
		return wr_settings_fail(&k->at, &t->remote, t->line,
			"tunnels[%u].remote: value '%s' is %s and local '%s' is %s; right would be "
			"two addresses of one family (what is behind may be of the other)",
			i, text, wr_conf_family(v4),
			wr_addr_format(&t->local, local, sizeof(local)), wr_conf_family(!v4));
	if (!why && find_ours(&f, k->c, &host))
		return wr_settings_fail(&k->at, &t->remote, t->line,
			"tunnels[%u].remote: value '%s' is this box: %s; right would be the "
			"address of the far gateway or host",
			i, text, f.text);
	if (!why && !wr_conf_check_way(k->c, &t->remote))
		why = "is in no port's prefix, and no gateway or route leads there";
	if (!why)
		return 0;
	return wr_settings_fail(&k->at, &t->remote, t->line,
		"tunnels[%u].remote: value '%s' %s; right would be a gateway or host that a port "
		"can reach",
		i, text, why);
}

// What is encrypted would go into a tunnel once more, or into the same one for ever.
static int check_not_inside(const struct wr_conf_check *k, uint32_t i)
{
	const struct wr_conf_tunnel *t = &k->c->tunnels[i];
	char text[WR_ADDR_STR], prefix[PREFIX_STR];

	for (uint32_t j = 0; j < k->c->tunnel_count; j++) {
		const struct wr_conf_tunnel *o = &k->c->tunnels[j];

		for (uint32_t x = 0; o->mode == WR_CONF_TUNNEL_TUNNEL && x < o->to_count; x++) {
			if (!wr_conf_check_holds(&o->to[x], &t->remote))
				continue;
			return wr_settings_fail(&k->at, &t->remote, t->line,
				"tunnels[%u].remote: value '%s' lies in tunnels[%u].to[%u] '%s', "
				"so that its encrypted packets would go into %s; right would be a "
				"'to' without it",
				i, wr_addr_format(&t->remote, text, sizeof(text)), j, x,
				wr_prefix_format(&o->to[x], prefix, sizeof(prefix)),
				i == j ? "the tunnel itself" : "another tunnel");
		}
	}
	return 0;
}

// --- what is behind --------------------------------------------------------------------------

static int check_given(const struct wr_conf_check *k, uint32_t i)
{
	const struct wr_conf_tunnel *t = &k->c->tunnels[i];
	bool transport = t->mode == WR_CONF_TUNNEL_TRANSPORT;

	if (transport && !t->to_remote)
		return wr_settings_fail(&k->at, &t->to[0], t->line,
			"tunnels[%u].to: is given, but with mode transport there is only 'remote' "
			"behind it; right would be to leave it out, or mode: tunnel",
			i);
	if (!transport && t->to_count == 0)
		return wr_settings_fail(&k->at, &t->mode, t->line,
			"tunnels[%u].to: is missing; right would be the prefixes behind the "
			"gateway such as [10.1.0.0/16], or mode: transport",
			i);
	return 0;
}

static int check_prefix(const struct wr_conf_check *k, uint32_t i, uint32_t j)
{
	const struct wr_conf_tunnel *t = &k->c->tunnels[i];
	const struct wr_prefix *p = &t->to[j];
	bool v4 = wr_addr_is_v4(&p->addr);
	const char *why = not_an_end(&p->addr);
	char key[40], text[PREFIX_STR];
	struct found f;
	int rc;

	snprintf(key, sizeof(key), "tunnels[%u].to[%u]", i, j);
	wr_prefix_format(p, text, sizeof(text));
	rc = wr_conf_check_network(k, key, p, t->line);
	if (rc < 0)
		return rc;
	if (wr_addr_is_unspecified(&p->addr))
		why = "begins at the unspecified address and covers clients too";
	if (why)
		return wr_settings_fail(&k->at, p, t->line,
			"%s: value '%s' %s; right would be a prefix of backends", key, text, why);
	if (v4 != wr_addr_is_v4(&t->to[0].addr))
		return wr_settings_fail(&k->at, p, t->line,
			"%s: value '%s' is %s and the first is %s; right would be one family a "
			"tunnel, and another tunnel for the other",
			key, text, wr_conf_family(v4), wr_conf_family(!v4));
	if (find_ours(&f, k->c, p) || find_next_hop(&f, k->c, p))
		return wr_settings_fail(&k->at, p, t->line,
			"%s: value '%s' covers %s, which is on this side of the tunnel; right "
			"would be prefixes without it",
			key, text, f.text);
	return 0;
}

static bool overlap(const struct wr_prefix *a, const struct wr_prefix *b)
{
	return wr_conf_check_holds(a, &b->addr) || wr_conf_check_holds(b, &a->addr);
}

// Refuse prefix j of a tunnel when one before it has some of its addresses.
static int check_overlap(const struct wr_conf_check *k, uint32_t i, uint32_t j)
{
	const struct wr_conf_tunnel *t = &k->c->tunnels[i];
	bool transport = t->mode == WR_CONF_TUNNEL_TRANSPORT;
	char key[40], text[PREFIX_STR], other[PREFIX_STR];

	snprintf(key, sizeof(key), transport ? "tunnels[%u].remote" : "tunnels[%u].to[%u]", i, j);
	for (uint32_t x = 0; x <= i; x++) {
		const struct wr_conf_tunnel *o = &k->c->tunnels[x];

		for (uint32_t y = 0; y < (x == i ? j : o->to_count); y++) {
			if (!overlap(&t->to[j], &o->to[y]))
				continue;
			return wr_settings_fail(&k->at,
				transport ? (const void *)&t->remote : &t->to[j], t->line,
				"%s: value '%s' overlaps '%s' behind tunnel '%s': overlapping "
				"selectors; right would be each address behind one tunnel, once",
				key, wr_prefix_format(&t->to[j], text, sizeof(text)),
				wr_prefix_format(&o->to[y], other, sizeof(other)), o->name);
		}
	}
	return 0;
}

static int check_to(const struct wr_conf_check *k, uint32_t i)
{
	const struct wr_conf_tunnel *t = &k->c->tunnels[i];
	int rc = check_given(k, i);

	for (uint32_t j = 0; rc == 0 && j < t->to_count; j++) {
		if (t->mode == WR_CONF_TUNNEL_TUNNEL)
			rc = check_prefix(k, i, j);
		if (rc == 0)
			rc = check_overlap(k, i, j);
	}
	return rc;
}

// --- the rest of a tunnel --------------------------------------------------------------------

// Two associations with one key would repeat its nonces, which gives AES-GCM's key away
// (RFC 4106 2).
static int check_keys(const struct wr_conf_check *k, uint32_t i)
{
	const struct wr_conf_tunnel *t = &k->c->tunnels[i];

	if (t->keys[0] != '/')
		return wr_settings_fail(&k->at, t->keys, t->line,
			"tunnels[%u].keys: value '%.150s' is not an absolute path; right would be "
			"one such as /etc/weir/keys/%s",
			i, t->keys, t->name);
	for (uint32_t j = 0; j < i; j++) {
		if (strcmp(t->keys, k->c->tunnels[j].keys) == 0)
			return wr_settings_fail(&k->at, t->keys, t->line,
				"tunnels[%u].keys: value '%.150s' is the key file of tunnel '%s' "
				"already; each tunnel needs keys of its own",
				i, t->keys, k->c->tunnels[j].name);
	}
	return 0;
}

static int check_mtu(const struct wr_conf_check *k, uint32_t i)
{
	const struct wr_conf_tunnel *t = &k->c->tunnels[i];
	const struct wr_conf_port *p = wr_conf_check_way(k->c, &t->remote);
	uint16_t most = p->mtu ? p->mtu : 1500;

	if (t->mtu == 0)
		return 0;
	if (!wr_addr_is_v4(&t->remote) && t->mtu < 1280)
		// RFC 8200 5.
		return wr_settings_fail(&k->at, &t->mtu, t->line,
			"tunnels[%u].mtu: value '%u' is too small for IPv6, which the tunnel's "
			"ends "
			"speak; right would be 1280 or more",
			i, t->mtu);
	if (t->mtu > most)
		return wr_settings_fail(&k->at, &t->mtu, t->line,
			"tunnels[%u].mtu: value '%u' is above the mtu of port '%s', which is %u; "
			"right would be at most that, or to leave it out",
			i, t->mtu, p->name, most);
	return 0;
}

static int check_rest(const struct wr_conf_check *k, uint32_t i)
{
	const struct wr_conf_tunnel *t = &k->c->tunnels[i];
	int rc = 0;

	if (strcmp(t->name, "none") == 0)
		return wr_settings_fail(&k->at, t->name, t->line,
			"tunnels[%u].name: value 'none' is what pools without a tunnel say; right "
			"would be another name",
			i);
	// Without ESN a sequence number must not come round (RFC 4303 3.3.3).
	if (!t->esn && t->life_packets > UINT32_MAX)
		rc = wr_settings_fail(&k->at, &t->life_packets, t->line,
			"tunnels[%u].life.packets: value '%llu' is more than the 4294967295 that "
			"there are sequence numbers for without esn; right would be at most that, "
			"or esn: yes on both ends",
			i, (unsigned long long)t->life_packets);
	if (rc == 0)
		rc = check_keys(k, i);
	return rc == 0 ? check_mtu(k, i) : rc;
}

// --- all of it -------------------------------------------------------------------------------

int wr_conf_check_tunnel(const struct wr_conf_check *k)
{
	const struct wr_conf *c = k->c;
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < c->tunnel_count; i++) {
		rc = check_local(k, i);
		if (rc == 0)
			rc = check_remote(k, i);
		if (rc == 0)
			rc = check_to(k, i);
		if (rc == 0)
			rc = check_rest(k, i);
	}
	for (uint32_t i = 0; rc == 0 && i < c->tunnel_count; i++)
		rc = check_not_inside(k, i);
	return rc;
}

void wr_conf_check_tunnel_unused(const struct wr_conf_check *k)
{
	for (uint32_t i = 0; i < k->c->tunnel_count; i++) {
		bool used = false;

		for (uint32_t j = 0; j < k->c->pool_count; j++)
			used |= k->c->pools[j].tunnel == (int32_t)i;
		if (!used)
			wr_log(WR_LOG_WARN,
				"%s:%u: tunnels[%u]: value '%s' is no pool's ipsec.tunnel, so "
				"nothing goes through it; name it there, or leave it out",
				k->c->file, k->c->tunnels[i].line, i, k->c->tunnels[i].name);
	}
}
