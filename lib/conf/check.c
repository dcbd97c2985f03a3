/* SPDX-License-Identifier: BSD-3-Clause */
#include "check.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int wr_conf_check_fail(
	const struct wr_conf_check *k, const void *at, uint32_t line, const char *fmt, ...)
{
	char text[sizeof(k->err->text)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return wr_err_set(k->err, EINVAL, "%s:%u: %s", k->c->file,
		wr_conf_marks_line(k->marks, at, line), text);
}

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

const char *wr_conf_check_unicast(const struct wr_addr *a)
{
	if (wr_addr_is_unspecified(a))
		return "is the unspecified address";
	if (wr_addr_is_multicast(a))
		return "is a multicast or broadcast address";
	if (wr_addr_is_loopback(a))
		return "is a loopback address";
	return NULL;
}

// Names of one kind, `stride` bytes apart.
static int check_names(const struct wr_conf_check *k, const char *kind, const char *names,
	size_t stride, uint32_t n)
{
	for (uint32_t i = 1; i < n; i++) {
		const char *a = names + i * stride;

		for (uint32_t j = 0; j < i; j++) {
			if (strcmp(a, names + j * stride) == 0)
				return wr_conf_check_fail(k, a, 0,
					"%s[%u].name: value '%s' is the name of %s[%u] already; "
					"give each its own",
					kind, i, a, kind, j);
		}
	}
	return 0;
}

static int check_workers(const struct wr_conf_check *k)
{
	const struct wr_conf_runtime *r = &k->c->runtime;

	for (uint32_t i = 1; i < r->worker_count; i++) {
		for (uint32_t j = 0; j < i; j++) {
			if (r->workers[i] == r->workers[j])
				return wr_conf_check_fail(k, &r->workers[i], 0,
					"runtime.workers[%u]: value '%u' is listed twice; give "
					"each worker its own lcore",
					i, r->workers[i]);
		}
	}
	return 0;
}

int wr_conf_check(const struct wr_conf *c, const struct wr_conf_marks *marks, struct wr_err *err)
{
	struct wr_conf_check k = {.c = c, .marks = marks, .err = err};
	char kind[64];
	int rc;

	rc = check_workers(&k);
	if (rc == 0)
		rc = check_names(&k, "ports", c->ports[0].name, sizeof(c->ports[0]), c->port_count);
	if (rc == 0)
		rc = check_names(&k, "services", c->services[0].name, sizeof(c->services[0]),
			c->service_count);
	if (rc == 0)
		rc = check_names(&k, "pools", c->pools[0].name, sizeof(c->pools[0]), c->pool_count);
	for (uint32_t i = 0; rc == 0 && i < c->pool_count; i++) {
		snprintf(kind, sizeof(kind), "pools[%u].backends", i);
		rc = check_names(&k, kind, c->pools[i].backends[0].name,
			sizeof(c->pools[i].backends[0]), c->pools[i].backend_count);
	}
	if (rc == 0)
		rc = wr_conf_check_net(&k);
	if (rc == 0)
		rc = wr_conf_check_listen(&k);
	if (rc == 0)
		rc = wr_conf_check_pool(&k);
	if (rc == 0)
		rc = wr_conf_check_tcp(&k);
	return rc;
}
