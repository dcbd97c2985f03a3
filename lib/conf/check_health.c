/* SPDX-License-Identifier: BSD-3-Clause */
#include "check.h"

#include <stdio.h>
#include <string.h>

// Checks and breakers of a pool: what is asked can be asked, and times that can be kept.

// Begins a key and names its pool, for all sentences here.
#define POOL "pools[%u]."

static int too_long(const struct wr_conf_check *k, uint32_t i, const wr_us_t *at, const char *key,
	const char *than, wr_us_t limit, const wr_us_t *other)
{
	const struct wr_conf_pool *p = &k->c->pools[i];
	char a[32], b[32];

	wr_units_format_time(*at, a, sizeof(a));
	wr_units_format_time(limit, b, sizeof(b));
	return wr_settings_fail(&k->at, at, wr_settings_marks_line(k->at.marks, other, p->line),
		POOL "%s: value '%s' is more than %s of %s; right would be at most %s", i, key, a,
		than, b, b);
}

static int check_times(const struct wr_conf_check *k, uint32_t i)
{
	const struct wr_conf_pool *p = &k->c->pools[i];
	const struct wr_conf_breaker *b = &p->breaker;
	char timeout[32], interval[32], right[32];

	if (p->health_timeout_us > p->health_interval_us * 10) {
		wr_units_format_time(p->health_timeout_us, timeout, sizeof(timeout));
		wr_units_format_time(p->health_interval_us, interval, sizeof(interval));
		wr_units_format_time(p->health_interval_us * 10, right, sizeof(right));
		return wr_settings_fail(&k->at, &p->health_timeout_us,
			wr_settings_marks_line(k->at.marks, &p->health_interval_us, p->line),
			POOL "health.timeout: value '%s' is more than ten intervals of %s; right "
			     "would be at most %s",
			i, timeout, interval, right);
	}
	if (p->health_interval_fast_us > p->health_interval_us)
		return too_long(k, i, &p->health_interval_fast_us, "health.interval_fast",
			"health.interval", p->health_interval_us, &p->health_interval_us);
	if (b->open_us > b->open_max_us)
		return too_long(k, i, &b->open_us, "breaker.open", "breaker.open_max",
			b->open_max_us, &b->open_max_us);
	return 0;
}

static int no_check(const struct wr_conf_check *k, uint32_t i, const void *at, const char *key)
{
	return wr_settings_fail(&k->at, at, k->c->pools[i].line,
		POOL "health.%s: is given, and health.type 'none' checks nothing; right would be "
		     "type: tcp or http, or none of it",
		i, key);
}

// A type has its keys, and no others.
static int check_type(const struct wr_conf_check *k, uint32_t i)
{
	static const char *const types[] = {"none", "tcp", "http"};
	const struct wr_conf_pool *p = &k->c->pools[i];

	if (p->health == WR_CONF_HEALTH_HTTP && !p->http_given)
		return wr_settings_fail(&k->at, &p->health, p->line,
			POOL "health.type: value 'http' needs health.http, what to ask and what to "
			     "expect; right would be http: {path: /health} beside it, or type: tcp",
			i);
	if (p->health != WR_CONF_HEALTH_HTTP && p->http_given)
		return wr_settings_fail(&k->at, p->http.path,
			wr_settings_marks_line(k->at.marks, &p->health, p->line),
			POOL "health.http: is given, and health.type is '%s', which does not heed "
			     "it; right would be type: http, or no http",
			i, types[p->health]);
	if (p->health == WR_CONF_HEALTH_NONE && p->health_interval_down_us)
		return no_check(k, i, &p->health_interval_down_us, "interval_down");
	if (p->health == WR_CONF_HEALTH_NONE && p->health_interval_fast_us)
		return no_check(k, i, &p->health_interval_fast_us, "interval_fast");
	if (p->health == WR_CONF_HEALTH_NONE && p->health_port)
		return no_check(k, i, &p->health_port, "port");
	return 0;
}

static int wrong(const struct wr_conf_check *k, uint32_t i, const char *key, const char *value,
	const char *why)
{
	return wr_settings_fail(&k->at, value, k->c->pools[i].line,
		POOL "health.http.%s: value '%.60s' %s", i, key, value, why);
}

// A token of RFC 9110 5.6.2.
static bool is_token(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] <= ' ' || text[i] > '~' || strchr("\"(),/:;<=>?@[\\]{}", text[i]))
			return false;
	}
	return len > 0;
}

static int check_header(const struct wr_conf_check *k, uint32_t i)
{
	const char *header = k->c->pools[i].http.header, *colon = strchr(header, ':');

	if (!header[0])
		return 0;
	if (!colon)
		return wrong(k, i, "header", header,
			"has no colon between name and value; right would be \"Name: value\"");
	if (!is_token(header, (size_t)(colon - header)))
		return wrong(k, i, "header", header,
			"does not begin with a name that a header may have (RFC 9110, 5.6.2); "
			"right would be \"Name: value\"");
	return 0;
}

// What becomes a line of a request cannot have spaces in it (RFC 9112, 3).
static int check_http(const struct wr_conf_check *k, uint32_t i)
{
	const struct wr_conf_http_check *h = &k->c->pools[i].http;

	if (!k->c->pools[i].http_given)
		return 0;
	if (strcmp(h->path, "*") == 0 && strcmp(h->method, "OPTIONS") != 0)
		return wrong(k, i, "path", h->path,
			"is for method OPTIONS only (RFC 9112, 3.2.4); right would be a path "
			"such as /health");
	if (h->path[0] != '/' && strcmp(h->path, "*") != 0)
		return wrong(k, i, "path", h->path,
			"does not begin with a slash; right would be a path such as /health");
	if (strchr(h->path, ' ') || strchr(h->path, '#'))
		return wrong(k, i, "path", h->path,
			"has a space or '#'; right would be %20 or %23 in its place");
	if (strpbrk(h->host, " /@#?"))
		return wrong(k, i, "host", h->host,
			"is not a name with a port or without; right would be such as "
			"www.example.org");
	if (h->body[0] && strcmp(h->method, "HEAD") == 0)
		return wrong(k, i, "body", h->body,
			"is looked for in the answer's body, and HEAD brings none; right would be "
			"method: GET");
	return check_header(k, i);
}

int wr_conf_check_health(const struct wr_conf_check *k)
{
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < k->c->pool_count; i++) {
		rc = check_type(k, i);
		if (rc == 0)
			rc = check_times(k, i);
		if (rc == 0)
			rc = check_http(k, i);
	}
	return rc;
}
