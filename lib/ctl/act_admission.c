/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

// An operator's orders about admission: levels by hand, and classes that are refused.

#define LEVEL_MAX 4
#define ARG_LEN   (WR_NAME_LEN + 16)

// "all" (or "workers") is the workers' own domain. -1: no such service, said.
static int find_domain(struct wr_ctl *c, const char *name, struct wr_reply *r)
{
	int service;

	if (strcmp(name, "all") == 0 || strcmp(name, "workers") == 0)
		return WR_CTL_WORKERS;
	service = wr_conf_find_service(c->conf, name);
	if (service < 0)
		wr_reply_error(r, "see /weir/services for the names; all means the workers",
			"no service '%.64s'; nothing was done", name);
	return service;
}

static const char *domain_name(struct wr_ctl *c, int domain)
{
	return domain == WR_CTL_WORKERS ? "all workers" : c->conf->services[domain].name;
}

// The event, and the row; who could not be told yet is part of what was done.
static void ordered(struct wr_ctl *c, struct wr_reply *r, const char *verb, const char *target,
	struct wr_event *ev, uint32_t owed)
{
	char what[sizeof(ev->text) + 64];

	if (owed > 0)
		snprintf(what, sizeof(what),
			"%s; %u workers have full mailboxes and are told again", ev->text, owed);
	else
		snprintf(what, sizeof(what), "%s", ev->text);
	wr_act_done(c, r, ev, verb, target, what);
	wr_reply_uint(r, "workers_owed", owed);
}

static void act_level(struct wr_ctl *c, const char *verb, const char *arg, struct wr_reply *r)
{
	struct wr_event ev = {.kind = WR_EV_operator};
	char buf[ARG_LEN], *piece[2];
	uint64_t level = 0;
	int domain;
	bool by_queues;

	if (wr_act_split(arg, buf, sizeof(buf), piece, 2) != 2 ||
		(strcmp(piece[1], "auto") != 0 &&
			wr_params_number(piece[1], LEVEL_MAX, &level) != 0)) {
		wr_reply_error(r,
			"write level=SERVICE,N or level=all,N with N from 0 to 4, or auto",
			"'%.64s' is not a service and a level; nothing was done", arg);
		return;
	}
	by_queues = strcmp(piece[1], "auto") == 0;
	domain = find_domain(c, piece[0], r);
	if (domain < 0)
		return;
	if (by_queues)
		snprintf(ev.text, sizeof(ev.text), "level of %.40s follows its queues again",
			domain_name(c, domain));
	else
		snprintf(ev.text, sizeof(ev.text),
			"level of %.40s held at P%u, whatever queues say", domain_name(c, domain),
			(unsigned int)level);
	ordered(c, r, verb, piece[0], &ev,
		wr_ctl_order_level(c, (uint16_t)domain, by_queues ? -1 : (int)level));
}

static uint64_t sessions_of(struct wr_ctl *c, int domain)
{
	struct wr_service_counters s;
	uint64_t n = 0;

	for (uint16_t i = 0; i < c->conf->service_count; i++) {
		if (!wr_ctl_has_service(c, i) || (domain != WR_CTL_WORKERS && domain != i))
			continue;
		wr_ctl_service_sum(c, i, &s);
		n += s.sessions;
	}
	return n;
}

static void refuse(struct wr_ctl *c, const char *verb, int domain, const char *name, uint8_t class,
	struct wr_reply *r)
{
	struct wr_event ev = {.kind = WR_EV_operator};

	if (class == 0)
		snprintf(ev.text, sizeof(ev.text),
			"every new connection of %.24s is refused; %" PRIu64 " sessions go on",
			domain_name(c, domain), sessions_of(c, domain));
	else
		snprintf(ev.text, sizeof(ev.text),
			"new connections of %.32s of class %u and worse are refused",
			domain_name(c, domain), class);
	ordered(c, r, verb, name, &ev, wr_ctl_order_refuse(c, (uint16_t)domain, class));
}

static void act_refuse(struct wr_ctl *c, const char *verb, const char *arg, struct wr_reply *r)
{
	char buf[ARG_LEN], *piece[2], again[ARG_LEN + 16];
	uint64_t class;
	int domain;

	if (wr_act_split(arg, buf, sizeof(buf), piece, 2) != 2 ||
		wr_params_number(piece[1], WR_CLASSES - 1, &class) != 0) {
		wr_reply_error(r,
			"write refuse=SERVICE,CLASS or refuse=all,CLASS with CLASS from "
			"1 to 7; refuse_all=SERVICE refuses everyone",
			"'%.64s' is not a service and a class; nothing was done", arg);
		return;
	}
	domain = find_domain(c, piece[0], r);
	if (domain < 0)
		return;
	if (class > 0) {
		refuse(c, verb, domain, piece[0], (uint8_t) class, r);
		return;
	}
	snprintf(again, sizeof(again), "refuse_all=%s", piece[0]);
	wr_act_confirm(r, again,
		"this would refuse every new connection of %.40s; the %" PRIu64
		" sessions that live would go on",
		domain_name(c, domain), sessions_of(c, domain));
}

static void act_admit(struct wr_ctl *c, const char *verb, const char *arg, struct wr_reply *r)
{
	struct wr_event ev = {.kind = WR_EV_operator};
	int domain = find_domain(c, arg, r);
	uint32_t owed;

	if (domain < 0)
		return;
	owed = wr_ctl_order_refuse(c, (uint16_t)domain, WR_CLASSES);
	// Every order, the services' as well: who says all means nobody is refused by order now.
	for (uint16_t s = 0; domain == WR_CTL_WORKERS && s < c->conf->service_count; s++)
		if (c->orders.refuse[s] < WR_CLASSES)
			owed = RTE_MAX(owed, wr_ctl_order_refuse(c, s, WR_CLASSES));
	snprintf(ev.text, sizeof(ev.text), "%.40s: no class is refused by order any more",
		domain == WR_CTL_WORKERS ? "all services" : domain_name(c, domain));
	ordered(c, r, verb, arg, &ev, owed);
}

void wr_act_admission(struct wr_ctl *c, const char *verb, const char *arg, struct wr_reply *r)
{
	int domain;

	if (strcmp(verb, "level") == 0) {
		act_level(c, verb, arg, r);
	} else if (strcmp(verb, "refuse") == 0) {
		act_refuse(c, verb, arg, r);
	} else if (strcmp(verb, "admit") == 0) {
		act_admit(c, verb, arg, r);
	} else {
		domain = find_domain(c, arg, r);
		if (domain >= 0)
			refuse(c, verb, domain, arg, 0, r);
	}
}
