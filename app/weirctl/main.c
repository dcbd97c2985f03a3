/* SPDX-License-Identifier: BSD-3-Clause */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "act.h"
#include "capture.h"
#include "client.h"
#include "dump.h"
#include "explain.h"
#include "manual.h"
#include "options.h"
#include "runbook.h"
#include "table.h"
#include "top.h"
#include "views.h"
#include "wr_version.h"

// weirctl: the operator's client of the telemetry socket.

#define FOLLOW_MS  500
#define PARAMS_LEN 900

static int misuse(const char *text, const char *what)
{
	fprintf(stderr, "weirctl: %s%s; see weirctl --help\n", text, what);
	return EXIT_USAGE;
}

static int fail(int rc, const struct wr_err *err)
{
	fprintf(stderr, "weirctl: %s\n", err->text);
	return rc;
}

static void print_reply(const char *reply)
{
	printf("%s\n", reply);
}

// Filters behind the command become parameters. False: one is not key=value.
static bool join_filters(char *out, size_t len, char **args, int count)
{
	out[0] = '\0';
	for (int i = 0; i < count; i++) {
		size_t used = strlen(out);

		if (strchr(args[i], '=') == NULL || strchr(args[i], ',') != NULL ||
			used + strlen(args[i]) + 2 > len)
			return false;
		snprintf(out + used, len - used, "%s%s", used > 0 ? "," : "", args[i]);
	}
	return true;
}

static void add_saved(char *params, size_t len)
{
	size_t used = strlen(params);

	snprintf(params + used, len - used, "%ssaved=1", used > 0 ? "," : "");
}

static int run_view(const struct options *o, const struct view *v, char **args, int count)
{
	struct client c = o->client;
	struct wr_err err = {0};
	char params[PARAMS_LEN];
	uint64_t total;
	json_t *rows;
	int more, rc;

	if (v->key != NULL && (count != 1 || strpbrk(args[0], "=,") != NULL))
		return misuse(v->usage, " is what it takes, and nothing else");
	if (v->key != NULL)
		snprintf(params, sizeof(params), "%s=%s", v->key, args[0]);
	else if (!join_filters(params, sizeof(params), args, count))
		return misuse("filters are key=value: ", v->filters);
	if (o->limit == NULL)
		c.limit = v->limit;
	if (o->saved)
		add_saved(params, sizeof(params));
	if (strcmp(v->name, "events") == 0 && params[0] == '\0')
		snprintf(params, sizeof(params), "last=50");
	rc = client_fetch(
		&c, v->path, params, &rows, &total, &more, o->json ? print_reply : NULL, &err);
	// What came before the error is worth seeing.
	if (!o->json && o->fields && json_array_size(rows) > 0)
		table_print_fields(stdout, rows);
	else if (!o->json && (rc == EXIT_OK || json_array_size(rows) > 0))
		view_print(v, stdout, rows);
	if (rc == EXIT_OK && more)
		fprintf(stderr,
			"weirctl: stopped after %zu of %" PRIu64 " rows; --limit 0 shows all\n",
			json_array_size(rows), total);
	json_decref(rows);
	return rc == EXIT_OK ? rc : fail(rc, &err);
}

static int run_follow(const struct options *o, char **args, int count)
{
	const struct timespec pause = {.tv_nsec = FOLLOW_MS * 1000000L};
	struct wr_err err = {0};
	char filters[PARAMS_LEN], params[PARAMS_LEN + 40];
	uint64_t seen = 0, total;
	json_t *rows;
	int more, rc;

	if (!join_filters(filters, sizeof(filters), args, count) ||
		strstr(filters, "since=") != NULL || strstr(filters, "last=") != NULL)
		return misuse("--follow takes kind=NAME alone", "");
	snprintf(params, sizeof(params), "last=20%s%s", filters[0] != '\0' ? "," : "", filters);
	for (;;) {
		rc = client_fetch(
			&o->client, "/weir/events", params, &rows, &total, &more, NULL, &err);
		if (rc == EXIT_OK && o->json)
			for (size_t i = 0; i < json_array_size(rows); i++) {
				json_dumpf(json_array_get(rows, i), stdout, JSON_COMPACT);
				printf("\n");
			}
		else if (rc == EXIT_OK)
			view_print_events(stdout, rows);
		if (json_array_size(rows) > 0)
			seen = client_uint(json_array_get(rows, json_array_size(rows) - 1), "id");
		json_decref(rows);
		if (rc != EXIT_OK)
			return fail(rc, &err);
		fflush(stdout);
		snprintf(params, sizeof(params), "since=%" PRIu64 "%s%s", seen,
			filters[0] != '\0' ? "," : "", filters);
		nanosleep(&pause, NULL);
	}
}

static int run_raw(const struct options *o, const char *request)
{
	char reply[CLIENT_REPLY_MAX];
	struct wr_err err = {0};
	int rc = client_ask(&o->client, request, reply, &err);

	if (rc != EXIT_OK)
		return fail(rc, &err);
	print_reply(reply);
	return EXIT_OK;
}

static int run_explain(char **args, int count)
{
	char name[128] = "";

	// "works queue_full" is called works_queue_full
	for (int i = 0; i < count; i++) {
		size_t used = strlen(name);

		snprintf(name + used, sizeof(name) - used, "%s%s", i > 0 ? "_" : "", args[i]);
	}
	if (explain_print(stdout, name) > 0)
		return EXIT_OK;
	fprintf(stderr, "weirctl: nothing is called '%s'; weirctl explain lists every name\n",
		name);
	return EXIT_FAILED;
}

// What is neither a table nor an action. ACT_UNKNOWN: none of these.
static int run_tool(const struct options *o, char **args, int count)
{
	struct wr_err err = {0};
	int rc;

	if (strcmp(args[0], "explain") == 0)
		return run_explain(args + 1, count - 1);
	if (strcmp(args[0], "raw") == 0 && count == 2)
		return run_raw(o, args[1]);
	if (strcmp(args[0], "completion") == 0 && count == 2 && strcmp(args[1], "bash") == 0) {
		manual_completion(stdout);
		return EXIT_OK;
	}
	if (strcmp(args[0], "runbook") == 0 && count == 1) {
		runbook_print(stdout);
		return EXIT_OK;
	}
	if (strcmp(args[0], "top") == 0 && count == 1)
		rc = top_run(&o->client, o->once, &err);
	else if (strcmp(args[0], "capture") == 0 && count == 1)
		rc = capture_run(&o->client, &o->capture, &err);
	else if (strcmp(args[0], "dump") == 0 && count == 1)
		rc = dump_run(&o->client, o->archive, o->limit != NULL, &err);
	else
		return ACT_UNKNOWN;
	return rc == EXIT_OK ? rc : fail(rc, &err);
}

// "ipsec --rekey TUNNEL" is "rekey TUNNEL".
static int run_rekey(struct options *o, int count)
{
	char rekey[] = "rekey", tunnel[PARAMS_LEN];
	char *args[] = {rekey, tunnel};
	struct wr_err err = {0};
	int rc;

	if (count > 0)
		return misuse("--rekey takes a tunnel, and ipsec no filter with it", "");
	snprintf(tunnel, sizeof(tunnel), "%s", o->rekey);
	rc = act_run(&o->client, &o->act, args, 2, &err);
	return rc == EXIT_OK ? rc : fail(rc, &err);
}

static int run(struct options *o, char **args, int count)
{
	int words, rc;
	const struct view *v = view_find(args, count, &words);
	struct wr_err err = {0};

	rc = options_check(o, v != NULL ? v->name : args[0], &err);
	if (rc != EXIT_OK)
		return misuse(err.text, "");
	if (v != NULL && o->follow)
		return run_follow(o, args + words, count - words);
	if (v != NULL && o->rekey != NULL)
		return run_rekey(o, count - words);
	if (v != NULL)
		return run_view(o, v, args + words, count - words);
	rc = run_tool(o, args, count);
	if (rc != ACT_UNKNOWN)
		return rc;
	if (strcmp(args[0], "add") == 0)
		o->act.limit = o->limit;
	rc = act_run(&o->client, &o->act, args, count, &err);
	if (rc != ACT_UNKNOWN)
		return rc == EXIT_OK ? rc : fail(rc, &err);
	return misuse("no such command, or not with these arguments: ", args[0]);
}

int main(int argc, char **argv)
{
	struct wr_err err = {0};
	struct options o;
	int first;
	int rc = options_parse(&o, argc, argv, &first, &err);

	if (rc != EXIT_OK) {
		if (err.text[0] != '\0')
			return misuse(err.text, "");
		fputs("weirctl: see weirctl --help\n", stderr);
		return rc;
	}
	if (o.version)
		printf("weirctl %s\n", WR_VERSION);
	else if (o.man)
		manual_page(stdout);
	else if (o.help)
		manual_usage(stdout);
	if (o.version || o.man || o.help)
		return EXIT_OK;
	if (first == argc) {
		manual_usage(stderr);
		return EXIT_USAGE;
	}
	return run(&o, argv + first, argc - first);
}
