/* SPDX-License-Identifier: BSD-3-Clause */
#include "settings_priv.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dist.h"

// What only several values together can tell, of the run as a whole.

int gen_check_dist(
	const struct gen_check *k, const struct gen_dist *d, uint32_t line, const char *fmt, ...)
{
	struct wr_err err = {{0}};
	char path[64];
	va_list ap;

	if (dist_check(d, &err) == 0)
		return 0;
	va_start(ap, fmt);
	vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);
	return wr_settings_fail(&k->at, &d->kind, line, "%s: %s", path, err.text);
}

static int check_names(const struct gen_check *k)
{
	const struct gen_conf *c = k->c;
	int rc = wr_settings_check_names(
		&k->at, "ports", c->ports[0].name, sizeof(c->ports[0]), c->port_count);

	if (rc == 0 && c->client_count > 0)
		rc = wr_settings_check_names(&k->at, "clients", c->clients[0].name,
			sizeof(c->clients[0]), c->client_count);
	if (rc == 0 && c->backend_count > 0)
		rc = wr_settings_check_names(&k->at, "backends", c->backends[0].name,
			sizeof(c->backends[0]), c->backend_count);
	if (rc == 0 && c->packets_count > 0)
		rc = wr_settings_check_names(&k->at, "packets", c->packets[0].name,
			sizeof(c->packets[0]), c->packets_count);
	return rc;
}

// A file that will be written at the end of the run: better to know before it.
static int check_writable(
	const struct gen_check *k, const char *path, uint32_t line, const char *key)
{
	const char *slash = strrchr(path, '/');
	char dir[GEN_PATH_LEN];

	if (path[0] == 0)
		return 0;
	if (slash)
		snprintf(dir, sizeof(dir), "%.*s", slash == path ? 1 : (int)(slash - path), path);
	else
		snprintf(dir, sizeof(dir), ".");
	if (access(dir, W_OK | X_OK) != 0)
		return wr_settings_fail(&k->at, path, line,
			"%s: value '%s' cannot be written: %s: %s; right would be a file in a "
			"folder that exists and is yours",
			key, path, dir, strerror(errno));
	if (slash && slash[1] == 0)
		return wr_settings_fail(&k->at, path, line,
			"%s: value '%s' is a folder; right would be a file in it", key, path);
	if (access(path, F_OK) == 0 && access(path, W_OK) != 0)
		return wr_settings_fail(&k->at, path, line,
			"%s: value '%s' cannot be written: %s; right would be another file", key,
			path, strerror(errno));
	return 0;
}

static int check_files(const struct gen_check *k)
{
	const struct gen_conf *c = k->c;
	int rc = check_writable(k, c->json, 0, "runtime.json");
	char key[48];

	if (rc == 0)
		rc = check_writable(k, c->csv, 0, "runtime.csv");
	if (rc == 0 && c->json[0] != 0 && strcmp(c->json, c->csv) == 0)
		rc = wr_settings_fail(&k->at, c->csv, 0,
			"runtime.csv: value '%s' is runtime.json too; give each its own file",
			c->csv);
	for (uint32_t i = 0; rc == 0 && i < c->port_count; i++) {
		snprintf(key, sizeof(key), "ports[%u].capture", i);
		rc = check_writable(k, c->ports[i].capture, c->ports[i].line, key);
	}
	return rc;
}

static int check_search(const struct gen_check *k)
{
	const struct gen_conf *c = k->c;
	const struct gen_search *s = &c->search;
	char low[32], high[32];

	if (!s->on)
		return 0;
	wr_settings_format_rate(s->low, low, sizeof(low));
	wr_settings_format_rate(s->high, high, sizeof(high));
	if (s->low >= s->high)
		return wr_settings_fail(&k->at, &s->low, 0,
			"search.low: value '%s' is not below search.high, which is %s; right would "
			"be a load that passes for sure",
			low, high);
	if (c->client_count == 0 && c->packets_count == 0)
		return wr_settings_fail(&k->at, &s->low, 0,
			"search: there are no clients and no packets whose load could be searched; "
			"add one of them");
	if (c->client_count > 0 && s->objective_us == 0 && c->clients[0].objective_us == 0)
		return wr_settings_fail(&k->at, &s->low, 0,
			"search.objective: is missing, and clients[0].objective too; right would "
			"be "
			"the latency that the load must keep, such as 10ms");
	if (c->client_count == 0 && !c->packets[0].stamp)
		return wr_settings_fail(&k->at, &c->packets[0].stamp, c->packets[0].line,
			"packets[0].stamp: is 'no', so nobody would know which packets returned; "
			"right would be yes when they are searched");
	if (c->duration_us == 0)
		return wr_settings_fail(&k->at, &c->duration_us, 0,
			"runtime.duration: value 'forever' makes a search of one trial; right "
			"would "
			"be the time of one trial, such as 10s");
	return 0;
}

static int check_work(const struct gen_check *k)
{
	const struct gen_conf *c = k->c;

	if (c->client_count + c->backend_count + c->packets_count == 0)
		return wr_settings_fail(&k->at, NULL, c->ports[0].line,
			"there is nothing to do: no clients, no backends and no packets; add one, "
			"or "
			"give --connect, --listen or --flood");
	return 0;
}

int gen_check(const struct gen_conf *c, const struct wr_settings_marks *marks, struct wr_err *err)
{
	struct gen_check k = {.c = c, .at = {.file = c->file, .marks = marks, .err = err}};
	int rc = check_work(&k);

	if (rc == 0)
		rc = check_names(&k);
	if (rc == 0)
		rc = check_search(&k);
	if (rc == 0)
		rc = gen_check_net(&k);
	if (rc == 0)
		rc = gen_check_client(&k);
	if (rc == 0)
		rc = gen_check_backend(&k);
	if (rc == 0)
		rc = gen_check_packets(&k);
	return rc == 0 ? check_files(&k) : rc;
}
