/* SPDX-License-Identifier: BSD-3-Clause */
#include "settings_priv.h"

#include <stdio.h>
#include <string.h>

#include "message.h"

// Clients: a load that its model can make, and pairs of ports enough to make it with.

static bool open_model(const struct gen_client *cl)
{
	return cl->model != GEN_LOAD_CLOSED;
}

static bool two_rates(const struct gen_client *cl)
{
	return cl->model == GEN_LOAD_RAMP || cl->model == GEN_LOAD_STEP;
}

static int check_load(const struct gen_check *k, uint32_t i)
{
	const struct gen_client *cl = &k->c->clients[i];

	if (open_model(cl) && cl->users > 0)
		return wr_settings_fail(&k->at, &cl->users, cl->line,
			"clients[%u].load.users: value '%u' is of no use to an open loop; right "
			"would be model: closed, or a rate alone",
			i, cl->users);
	if (open_model(cl) && cl->rate == 0)
		return wr_settings_fail(&k->at, &cl->rate, cl->line,
			"clients[%u].load.rate: is missing; right would be connections a second, "
			"such as 10k, or users with model: closed",
			i);
	if (!open_model(cl) && cl->users == 0)
		return wr_settings_fail(&k->at, &cl->users, cl->line,
			"clients[%u].load.users: is missing; right would be how many users model: "
			"closed has, such as 100",
			i);
	if (!open_model(cl) && cl->rate > 0)
		return wr_settings_fail(&k->at, &cl->rate, cl->line,
			"clients[%u].load.rate: value '%u' is of no use to model: closed, whose "
			"rate "
			"follows from users and answers; right would be users alone",
			i, cl->rate);
	if (two_rates(cl) && (cl->rate_to == 0 || cl->period_us == 0))
		return wr_settings_fail(&k->at, &cl->model, cl->line,
			"clients[%u].load.%s: is missing; right would be both rate_to and period "
			"with ramp and step",
			i, cl->rate_to == 0 ? "rate_to" : "period");
	if (!two_rates(cl) && (cl->rate_to > 0 || cl->period_us > 0))
		return wr_settings_fail(&k->at,
			cl->rate_to > 0 ? (void *)&cl->rate_to : (void *)&cl->period_us, cl->line,
			"clients[%u].load.%s: is of use to ramp and step alone; right would be one "
			"of these models, or neither rate_to nor period",
			i, cl->rate_to > 0 ? "rate_to" : "period");
	if (cl->model != GEN_LOAD_BURST && cl->burst > 1)
		return wr_settings_fail(&k->at, &cl->burst, cl->line,
			"clients[%u].load.burst: value '%u' is of use to model: burst alone", i,
			cl->burst);
	return 0;
}

static int check_http(const struct gen_check *k, uint32_t i)
{
	const struct gen_client *cl = &k->c->clients[i];

	if (cl->path[0] != '/' || strchr(cl->path, ' '))
		return wr_settings_fail(&k->at, cl->path, cl->line,
			"clients[%u].path: value '%s' %s; right would be one such as /index.html",
			i, cl->path,
			cl->path[0] == '/' ? "has a space" : "does not begin with '/'");
	if (strchr(cl->host, ' '))
		return wr_settings_fail(&k->at, cl->host, cl->line,
			"clients[%u].host: value '%s' has a space; right would be a name or an "
			"address",
			i, cl->host);
	return 0;
}

static int check_shape(const struct gen_check *k, uint32_t i)
{
	const struct gen_client *cl = &k->c->clients[i];
	int rc;

	if (cl->protocol == GEN_PROTOCOL_RAW && cl->request_bytes < MESSAGE_HEADER)
		return wr_settings_fail(&k->at, &cl->request_bytes, cl->line,
			"clients[%u].shape.request: value '%u' is less than the header of a raw "
			"message; right would be %u bytes or more",
			i, cl->request_bytes, MESSAGE_HEADER);
	if (cl->protocol == GEN_PROTOCOL_RAW && cl->answer_bytes > 0 &&
		cl->answer_bytes < MESSAGE_HEADER)
		return wr_settings_fail(&k->at, &cl->answer_bytes, cl->line,
			"clients[%u].shape.answer: value '%u' is less than the header of a raw "
			"message; right would be %u bytes or more, or auto",
			i, cl->answer_bytes, MESSAGE_HEADER);
	if (cl->protocol == GEN_PROTOCOL_HTTP && (rc = check_http(k, i)) < 0)
		return rc;
	rc = gen_check_dist(k, &cl->think, cl->line, "clients[%u].load.think", i);
	if (rc == 0)
		rc = gen_check_dist(k, &cl->pause, cl->line, "clients[%u].shape.pause", i);
	if (rc == 0)
		rc = gen_check_dist(k, &cl->retry_delay, cl->line, "clients[%u].retry_delay", i);
	return rc;
}

// What a family of addresses of a client has.
struct pairs {
	uint64_t sources, targets, ports, all;
};

static struct pairs count_pairs(const struct gen_client *cl, bool v4)
{
	struct pairs n = {.ports = cl->source_port_last - cl->source_port_first + 1u};

	for (uint32_t i = 0; i < cl->source_count; i++) {
		const struct wr_settings_range r = {
			.first = cl->source[i].first, .last = cl->source[i].last};

		if (wr_addr_is_v4(&r.first) == v4)
			n.sources += wr_settings_range_size(&r);
	}
	for (uint32_t i = 0; i < cl->target_count; i++)
		n.targets += wr_addr_is_v4(&cl->target[i].addr) == v4;
	n.all = n.sources * n.ports * n.targets;
	return n;
}

static int check_families(const struct gen_check *k, uint32_t i)
{
	const struct gen_client *cl = &k->c->clients[i];

	for (uint32_t v4 = 0; v4 < 2; v4++) {
		struct pairs n = count_pairs(cl, v4);

		if (n.sources == 0 && n.targets > 0)
			return wr_settings_fail(&k->at, &cl->target[0], cl->line,
				"clients[%u].source: has no %s address, and there are %s targets; "
				"add one, or drop these targets",
				i, v4 ? "IPv4" : "IPv6", v4 ? "IPv4" : "IPv6");
		if (n.sources > 0 && n.targets == 0)
			return wr_settings_fail(&k->at, &cl->source[0], cl->line,
				"clients[%u].target: has no %s address, and there are %s sources; "
				"add one, or drop these sources",
				i, v4 ? "IPv4" : "IPv6", v4 ? "IPv4" : "IPv6");
	}
	return 0;
}

static uint64_t all_pairs(const struct gen_client *cl)
{
	return count_pairs(cl, true).all + count_pairs(cl, false).all;
}

// "1 address x 100 ports x 1 target = 100 pairs"
static void say_pairs(const struct gen_client *cl, char *buf, size_t len)
{
	struct pairs a = count_pairs(cl, true), b = count_pairs(cl, false);
	const struct pairs *n = a.all > 0 ? &a : &b;

	if (a.all > 0 && b.all > 0)
		snprintf(buf, len, "sources, source_ports and targets make %llu pairs",
			(unsigned long long)(a.all + b.all));
	else
		snprintf(buf, len, "%llu source%s x %llu port%s x %llu target%s = %llu pairs",
			(unsigned long long)n->sources, n->sources == 1 ? "" : "s",
			(unsigned long long)n->ports, n->ports == 1 ? "" : "s",
			(unsigned long long)n->targets, n->targets == 1 ? "" : "s",
			(unsigned long long)n->all);
}

static int check_users(const struct gen_check *k, uint32_t i)
{
	const struct gen_client *cl = &k->c->clients[i];
	char sum[160];

	if (cl->users > k->c->max_conns)
		return wr_settings_fail(&k->at, &cl->users, cl->line,
			"clients[%u].load.users: value '%u' is more than runtime.max_conns, which "
			"is %u; right would be a max_conns of %u or more",
			i, cl->users, k->c->max_conns, cl->users);
	if (cl->users <= all_pairs(cl))
		return 0;
	say_pairs(cl, sum, sizeof(sum));
	return wr_settings_fail(&k->at, &cl->users, cl->line,
		"clients[%u].load.users: %u users need as many connections at once, but %s; right "
		"would be more addresses under source",
		i, cl->users, sum);
}

// Each connection keeps its pair for TIME-WAIT when it was closed from here, and for the whole run
// when it is never closed.
static int check_pairs(const struct gen_check *k, uint32_t i)
{
	const struct gen_client *cl = &k->c->clients[i];
	uint32_t rate = cl->rate_to > cl->rate ? cl->rate_to : cl->rate;
	bool kept = cl->close == GEN_CLOSE_NEVER && k->c->duration_us > 0;
	bool ours = cl->close == GEN_CLOSE_CLIENT || cl->close == GEN_CLOSE_HALF;
	wr_us_t hold = kept ? k->c->warmup_us + k->c->duration_us : ours ? k->c->time_wait_us : 0;
	uint64_t need = (uint64_t)((__uint128_t)rate * hold / WR_US_PER_S);
	char sum[160], r[32], t[32];
	const char *what = kept ? "that never close" : "of TIME-WAIT (runtime.time_wait)";

	wr_settings_format_rate(rate, r, sizeof(r));
	wr_units_format_time(hold, t, sizeof(t));
	if (need > all_pairs(cl)) {
		say_pairs(cl, sum, sizeof(sum));
		return wr_settings_fail(&k->at, &cl->rate, cl->line,
			"clients[%u].load.rate: %s connections/s x %s %s = %llu pairs of address "
			"and "
			"port, but %s; right would be more addresses under source%s",
			i, r, t, what, (unsigned long long)need, sum,
			kept ? "" : ", or a shorter time_wait");
	}
	if (need > k->c->max_conns)
		return wr_settings_fail(&k->at, &cl->rate, cl->line,
			"clients[%u].load.rate: %s connections/s x %s %s = %llu connections, but "
			"runtime.max_conns is %u; right would be %llu or more%s",
			i, r, t, what, (unsigned long long)need, k->c->max_conns,
			(unsigned long long)need, kept ? "" : ", or a shorter time_wait");
	return 0;
}

int gen_check_client(const struct gen_check *k)
{
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < k->c->client_count; i++) {
		rc = check_load(k, i);
		if (rc == 0)
			rc = check_shape(k, i);
		if (rc == 0)
			rc = check_families(k, i);
		if (rc == 0)
			rc = open_model(&k->c->clients[i]) ? check_pairs(k, i) : check_users(k, i);
	}
	return rc;
}
