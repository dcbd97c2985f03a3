/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_conf.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>
#include <rte_config.h>

#include "check.h"
#include "settings.h"
#include "wr_log.h"

// All processors of the affinity mask but the first, which is left to control.
static int fill_workers(struct wr_conf_runtime *r, const char *file, struct wr_err *err)
{
	int first = -1;
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return wr_err_set(err, errno,
			"%s: runtime.workers: auto cannot read this process's processors: %s; list "
			"lcores instead, such as [1, 2]",
			file, strerror(errno));
	for (int cpu = 0; cpu < CPU_SETSIZE && cpu < RTE_MAX_LCORE; cpu++) {
		if (!CPU_ISSET(cpu, &set))
			continue;
		if (first < 0)
			first = cpu;
		else if (r->worker_count < WR_MAX_WORKERS)
			r->workers[r->worker_count++] = (uint16_t)cpu;
	}
	if (first < 0)
		return wr_err_set(err, ENODEV,
			"%s: runtime.workers: auto finds no processor below %u; list lcores "
			"instead, such as [1, 2]",
			file, RTE_MAX_LCORE);
	if (r->worker_count == 0) {
		r->workers[r->worker_count++] = (uint16_t)first;
		wr_log(WR_LOG_WARN,
			"%s: runtime.workers: auto has one processor only (%d), which the worker "
			"shares with control; give the process a second one",
			file, first);
	}
	return 0;
}

// What was not given follows what was: as a default it must not contradict it.
static void fill_waits(struct wr_conf *c, const struct wr_settings_marks *marks)
{
	for (uint32_t i = 0; i < c->service_count; i++) {
		struct wr_conf_service *s = &c->services[i];

		if (!wr_settings_given(marks, &s->wait_sessions))
			s->wait_sessions = RTE_MIN(s->wait_sessions, c->runtime.max_sessions);
		if (!wr_settings_given(marks, &s->wait_time_us))
			s->wait_time_us = RTE_MIN(s->wait_time_us, s->idle_us);
		if (!wr_settings_given(marks, &s->wait_target_us))
			s->wait_target_us = RTE_MIN(s->wait_target_us, s->wait_time_us);
	}
}

static void fill_breakers(struct wr_conf *c, const struct wr_settings_marks *marks)
{
	for (uint32_t i = 0; i < c->pool_count; i++) {
		struct wr_conf_breaker *b = &c->pools[i].breaker;

		if (!wr_settings_given(marks, &b->open_max_us))
			b->open_max_us = RTE_MAX(b->open_max_us, b->open_us);
	}
}

// Mode transport has the host itself behind it.
static void fill_tunnels(struct wr_conf *c)
{
	for (uint32_t i = 0; i < c->tunnel_count; i++) {
		struct wr_conf_tunnel *t = &c->tunnels[i];

		if (t->mode != WR_CONF_TUNNEL_TRANSPORT || !t->to_remote)
			continue;
		t->to[0] = (struct wr_prefix){.addr = t->remote, .len = 128};
		t->to_count = 1;
	}
}

static void fill_ids(struct wr_conf *c)
{
	uint16_t id = 0;

	for (uint32_t i = 0; i < c->pool_count; i++) {
		for (uint32_t j = 0; j < c->pools[i].backend_count; j++)
			c->pools[i].backends[j].id = id++;
	}
}

struct wr_conf *wr_conf_parse(const char *file, const char *text, size_t len, struct wr_err *err)
{
	const struct wr_settings_input in = {.file = file, .text = text, .len = len};
	struct wr_conf *c = calloc(1, sizeof(*c));
	int rc;

	if (c)
		c->marks = calloc(1, sizeof(*c->marks));
	if (!c || !c->marks) {
		wr_err_set(err, ENOMEM, "%s: no memory to read the configuration", file);
		free(c);
		return NULL;
	}
	snprintf(c->file, sizeof(c->file), "%s", file);
	rc = wr_settings_parse(&wr_conf_table, &in, c, c->marks, err);
	if (rc == 0) {
		fill_waits(c, c->marks);
		fill_breakers(c, c->marks);
		fill_tunnels(c);
		fill_ids(c);
		rc = wr_conf_check(c, c->marks, err);
	}
	if (rc == 0 && c->runtime.workers_auto)
		rc = fill_workers(&c->runtime, file, err);
	if (rc == 0)
		return c;
	wr_conf_free(c);
	return NULL;
}

struct wr_conf *wr_conf_load(const char *file, struct wr_err *err)
{
	struct wr_conf *c;
	size_t len = 0;
	char *text = wr_settings_read(file, &len, err);

	if (!text)
		return NULL;
	c = wr_conf_parse(file, text, len, err);
	free(text);
	return c;
}

void wr_conf_free(struct wr_conf *c)
{
	if (!c)
		return;
	// All of them: one that was being filled when an error came is not counted yet.
	for (uint32_t i = 0; i < WR_MAX_POOLS; i++)
		free(c->pools[i].backends);
	for (uint32_t i = 0; i < WR_MAX_SERVICES; i++) {
		free(c->services[i].sources);
		free(c->services[i].proxied);
	}
	if (c->marks)
		wr_settings_marks_fini(c->marks);
	free(c->marks);
	free(c->access.deny);
	free(c->access.allow);
	free(c);
}

int wr_conf_find_service(const struct wr_conf *c, const char *name)
{
	for (uint32_t i = 0; i < c->service_count; i++) {
		if (c->services[i].slot != WR_CONF_VACANT && strcmp(c->services[i].name, name) == 0)
			return (int)i;
	}
	return -1;
}

int wr_conf_find_pool(const struct wr_conf *c, const char *name)
{
	for (uint32_t i = 0; i < c->pool_count; i++) {
		if (c->pools[i].slot != WR_CONF_VACANT && strcmp(c->pools[i].name, name) == 0)
			return (int)i;
	}
	return -1;
}

int wr_conf_find_tunnel(const struct wr_conf *c, const char *name)
{
	for (uint32_t i = 0; i < c->tunnel_count; i++) {
		if (strcmp(c->tunnels[i].name, name) == 0)
			return (int)i;
	}
	return -1;
}

int wr_conf_tunnel_of(const struct wr_conf *c, const struct wr_addr *a)
{
	for (uint32_t i = 0; i < c->tunnel_count; i++) {
		const struct wr_conf_tunnel *t = &c->tunnels[i];

		for (uint32_t j = 0; j < t->to_count; j++) {
			if (wr_conf_check_holds(&t->to[j], a))
				return (int)i;
		}
	}
	return -1;
}

bool wr_conf_tunnel_required(const struct wr_conf *c, uint32_t tunnel)
{
	for (uint32_t i = 0; i < c->pool_count; i++) {
		const struct wr_conf_pool *p = &c->pools[i];

		if (p->slot != WR_CONF_VACANT && p->tunnel == (int32_t)tunnel && p->require)
			return true;
	}
	return false;
}

uint32_t wr_conf_backend_slots(const struct wr_conf *c)
{
	uint32_t slots = 0;

	for (uint32_t i = 0; i < c->pool_count; i++) {
		for (uint32_t j = 0; j < c->pools[i].backend_count; j++)
			slots = RTE_MAX(slots, c->pools[i].backends[j].id + 1U);
	}
	return slots;
}

bool wr_conf_pool_limited(const struct wr_conf *c, uint32_t pool)
{
	const struct wr_conf_pool *p = &c->pools[pool];

	for (uint32_t i = 0; i < p->backend_count; i++) {
		if (p->backends[i].max_connections)
			return true;
	}
	return p->max_connections > 0;
}

void wr_conf_dump(const struct wr_conf *c, FILE *out)
{
	wr_settings_dump(&wr_conf_table, c, out);
}

void wr_conf_reference(FILE *out, bool markdown)
{
	wr_settings_reference(&wr_conf_table, out, markdown);
}
