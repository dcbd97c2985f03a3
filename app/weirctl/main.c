/* SPDX-License-Identifier: BSD-3-Clause */
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "act.h"
#include "client.h"
#include "explain.h"
#include "table.h"
#include "top.h"
#include "views.h"
#include "wr_version.h"

// weirctl: the operator's client of the telemetry socket.

#define DEFAULT_NAME       "weir"
#define DEFAULT_TIMEOUT_MS 3000 // a worker is waited for 1 s, several one after another
#define FOLLOW_MS          500
#define PARAMS_LEN         900

struct options {
	struct client client;
	struct act_options act;
	bool json;
	bool saved;
	bool fields;
	bool once;
	bool follow;
	bool limit_set;
};

static void usage(FILE *out)
{
	fprintf(out, "usage: weirctl [OPTIONS] COMMAND [ARGUMENTS]\n\n"
		     "Reading; filters are key=value:\n");
	for (const struct view *v = view_all(); v->name != NULL; v++) {
		fprintf(out, "  %-12s %s\n", v->name, v->help);
		if (v->filters[0] != '\0')
			fprintf(out, "  %-12s   %s\n", "", v->filters);
	}
	fprintf(out,
		"  top          load, level, nearest queues, refusals, every second; --once\n"
		"               headroom is 100 %% less the larger of cpu and the fullest queue "
		"that can refuse\n"
		"  explain NAME what a level, drop reason, counter, queue or event means (asks "
		"nobody)\n"
		"  raw /weir/PATH[,PARAMETERS]  one request, the reply as it came\n"
		"\nActing; each is an event with an id. What may cut more than is meant says so "
		"first, and needs --yes:\n");
	act_usage(out);
	fprintf(out,
		"\nOptions:\n"
		"  -n, --name NAME        instance (default " DEFAULT_NAME ")\n"
		"      --runtime-dir DIR  where its dpdk folder is, when systemd moved it\n"
		"      --json             replies as they came, one a line\n"
		"      --fields           every field, one a line\n"
		"      --limit N          stop asking after N rows (0: all)\n"
		"      --timeout MS       for each answer (default %d)\n"
		"      --follow           events: wait for more\n"
		"      --once             top: print one picture\n"
		"      --saved            recorder: what was saved at the first critical mark\n"
		"      --service NAME     deny, allow, undeny: of this service alone\n"
		"      --for TIME         deny, allow, class: for so long\n"
		"      --yes              do what would be asked about\n"
		"      --version, -h, --help\n"
		"\nExit: 0 done, 1 refused or failed, 2 wrong usage, 3 instance not reached\n",
		DEFAULT_TIMEOUT_MS);
}

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

	if (!join_filters(params, sizeof(params), args, count))
		return misuse("filters are key=value: ", v->filters);
	if (!o->limit_set)
		c.limit = v->limit;
	if (o->saved && strcmp(v->name, "recorder") != 0)
		return misuse("--saved is for recorder, not for ", v->name);
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

static int run(const struct options *o, char **args, int count)
{
	const char *command = args[0];
	const struct view *v = view_find(command);
	struct wr_err err = {0};
	int rc;

	if (v != NULL && (o->act.service != NULL || o->act.time != NULL || o->act.yes))
		return misuse("--service, --for and --yes are for acting, not for ", command);
	if (v != NULL && o->follow)
		return strcmp(command, "events") == 0
		               ? run_follow(o, args + 1, count - 1)
		               : misuse("--follow is for events, not for ", command);
	if (v != NULL)
		return run_view(o, v, args + 1, count - 1);
	if (strcmp(command, "explain") == 0)
		return run_explain(args + 1, count - 1);
	if (strcmp(command, "top") == 0 && count == 1) {
		rc = top_run(&o->client, o->once, &err);
		return rc == EXIT_OK ? rc : fail(rc, &err);
	}
	if (strcmp(command, "raw") == 0 && count == 2)
		return run_raw(o, args[1]);
	rc = act_run(&o->client, &o->act, args, count, &err);
	if (rc != ACT_UNKNOWN)
		return rc == EXIT_OK ? rc : fail(rc, &err);
	return misuse("no such command, or not with these arguments: ", command);
}

static bool parse_number(const char *text, uint32_t *out)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end != '\0' || value > 3600000)
		return false;
	*out = (uint32_t)value;
	return true;
}

enum {
	OPT_JSON = 256,
	OPT_FIELDS,
	OPT_LIMIT,
	OPT_TIMEOUT,
	OPT_FOLLOW,
	OPT_ONCE,
	OPT_DIR,
	OPT_SAVED,
	OPT_SERVICE,
	OPT_FOR,
	OPT_YES,
	OPT_VERSION
};

static const struct option longs[] = {{"name", required_argument, NULL, 'n'},
	{"json", no_argument, NULL, OPT_JSON}, {"fields", no_argument, NULL, OPT_FIELDS},
	{"limit", required_argument, NULL, OPT_LIMIT},
	{"timeout", required_argument, NULL, OPT_TIMEOUT},
	{"follow", no_argument, NULL, OPT_FOLLOW}, {"once", no_argument, NULL, OPT_ONCE},
	{"runtime-dir", required_argument, NULL, OPT_DIR}, {"saved", no_argument, NULL, OPT_SAVED},
	{"service", required_argument, NULL, OPT_SERVICE},
	{"for", required_argument, NULL, OPT_FOR}, {"yes", no_argument, NULL, OPT_YES},
	{"version", no_argument, NULL, OPT_VERSION}, {"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0}};

// A switch, or one that names something. False: not one of these.
static bool take_word(struct options *o, int option, const char *value)
{
	switch (option) {
	case 'n':
		o->client.name = value;
		return true;
	case OPT_DIR:
		o->client.dir = value;
		return true;
	case OPT_JSON:
		o->json = o->act.json = true;
		return true;
	case OPT_FIELDS:
		o->fields = true;
		return true;
	case OPT_FOLLOW:
		o->follow = true;
		return true;
	case OPT_ONCE:
		o->once = true;
		return true;
	case OPT_SAVED:
		o->saved = true;
		return true;
	case OPT_SERVICE:
		o->act.service = value;
		return true;
	case OPT_FOR:
		o->act.time = value;
		return true;
	case OPT_YES:
		o->act.yes = true;
		return true;
	default:
		return false;
	}
}

int main(int argc, char **argv)
{
	struct options o = {.client = {.name = DEFAULT_NAME, .timeout_ms = DEFAULT_TIMEOUT_MS}};
	int c;

	while ((c = getopt_long(argc, argv, "n:h", longs, NULL)) != -1) {
		if (take_word(&o, c, optarg))
			continue;
		switch (c) {
		case OPT_LIMIT:
			if (!parse_number(optarg, &o.client.limit))
				return misuse("--limit takes a number, not ", optarg);
			o.limit_set = true;
			break;
		case OPT_TIMEOUT:
			if (!parse_number(optarg, &o.client.timeout_ms) || o.client.timeout_ms == 0)
				return misuse("--timeout takes milliseconds, not ", optarg);
			break;
		case OPT_VERSION:
			printf("weirctl %s\n", WR_VERSION);
			return EXIT_OK;
		case 'h':
			usage(stdout);
			return EXIT_OK;
		default:
			usage(stderr);
			return EXIT_USAGE;
		}
	}
	if (optind == argc) {
		usage(stderr);
		return EXIT_USAGE;
	}
	return run(&o, argv + optind, argc - optind);
}
