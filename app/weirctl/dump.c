/* SPDX-License-Identifier: BSD-3-Clause */
#include "dump.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include <rte_version.h>

#include "bundle.h"
#include "doctor.h"
#include "views.h"
#include "wr_version.h"

#define LONG_TABLE 10000 // rows of tables that grow with the load
#define TOP_ROWS   100
#define NAME_LEN   200

struct dump {
	const struct client *c;
	struct bundle *b;
	char folder[NAME_LEN];
	bool limit_set;
	FILE *manifest;
	char *manifest_text;
	size_t manifest_len;
	unsigned int failed;
	bool reached; // the instance answered at least once
	json_t *conns, *clients;
};

static double clock_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void put_time(FILE *out)
{
	time_t now = time(NULL);
	char text[32];
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	fputs(text, out);
}

static void add(struct dump *d, const char *name, const char *data, size_t len)
{
	char path[2 * NAME_LEN];

	snprintf(path, sizeof(path), "%s/%s", d->folder, name);
	bundle_add(d->b, path, data, len);
}

// What a function prints becomes a file.
static void add_printed(struct dump *d, const char *name,
	void (*print)(FILE *out, const json_t *rows), const json_t *rows)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL)
		return;
	print(out, rows);
	fclose(out);
	add(d, name, text, len);
	free(text);
}

static void print_json(FILE *out, const json_t *rows)
{
	fputs("[", out);
	for (size_t i = 0; i < json_array_size(rows); i++) {
		fputs(i > 0 ? ",\n" : "\n", out);
		json_dumpf(json_array_get(rows, i), out, JSON_COMPACT);
	}
	fputs("\n]\n", out);
}

// --- tables
// ---------------------------------------------------------------------------------------

static bool is_long(const char *path)
{
	return strcmp(path, "/weir/conns") == 0 || strcmp(path, "/weir/clients") == 0;
}

// "config_history.json" of "/weir/config/history".
static void name_of(const char *path, const char *suffix, char *buf, size_t len)
{
	snprintf(buf, len, "%s%s.json", path + strlen("/weir/"), suffix);
	for (char *c = buf; *c != '\0'; c++)
		if (!isalnum((unsigned char)*c) && *c != '.')
			*c = '_';
}

static void keep(json_t **where, json_t *rows)
{
	json_decref(*where);
	*where = json_incref(rows);
}

// One table, to its end. What is wrong with it is in the manifest.
static void add_table(struct dump *d, const char *path, const char *params, const char *suffix)
{
	struct client c = *d->c;
	struct wr_err err = {0};
	double from = clock_s();
	char name[NAME_LEN];
	uint64_t total = 0;
	json_t *rows = NULL;
	int more = 0, rc;

	if (!d->limit_set)
		c.limit = is_long(path) ? LONG_TABLE : 0;
	rc = client_fetch(&c, path, params, &rows, &total, &more, NULL, &err);
	name_of(path, suffix, name, sizeof(name));
	put_time(d->manifest);
	fprintf(d->manifest, " %s: %zu rows in %.0f ms", name, json_array_size(rows),
		(clock_s() - from) * 1000);
	if (rc != EXIT_OK)
		fprintf(d->manifest, ", not all: %s", err.text);
	if (rc == EXIT_OK && more)
		fprintf(d->manifest, ", the first of %" PRIu64, total);
	fputc('\n', d->manifest);
	if (rc != EXIT_OK)
		d->failed++;
	d->reached = d->reached || rc != EXIT_REACH;
	add_printed(d, name, print_json, rows);
	if (strcmp(path, "/weir/config") == 0)
		add_printed(d, "config.yaml", view_print_config, rows);
	if (strcmp(path, "/weir/conns") == 0)
		keep(&d->conns, rows);
	if (strcmp(path, "/weir/clients") == 0)
		keep(&d->clients, rows);
	json_decref(rows);
}

// Tables that are for acting alone say nothing when they are read.
static bool acts_only(const char *path)
{
	static const char *const paths[] = {"/weir/backend", "/weir/conn", "/weir/config/reload",
		"/weir/config/confirm", "/weir/config/rollback", "/weir/ipsec/rekey"};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (strcmp(paths[i], path) == 0)
			return true;
	return false;
}

// What the instance has: DPDK lists its commands.
static json_t *list_paths(struct dump *d)
{
	char *reply = malloc(CLIENT_REPLY_MAX);
	struct wr_err err = {0};
	json_t *top = NULL, *paths = NULL;

	if (reply != NULL && client_ask(d->c, "/", reply, &err) == EXIT_OK) {
		top = json_loads(reply, 0, NULL);
		paths = json_incref(json_object_get(top, "/"));
		d->reached = true;
	} else {
		put_time(d->manifest);
		fprintf(d->manifest, " no tables: %s\n", err.text);
		d->failed++;
	}
	json_decref(top);
	free(reply);
	return paths;
}

static void add_tables(struct dump *d)
{
	json_t *paths = list_paths(d);

	for (size_t i = 0; i < json_array_size(paths); i++) {
		const char *path = json_string_value(json_array_get(paths, i));

		if (path == NULL || strncmp(path, "/weir/", 6) != 0 || acts_only(path))
			continue;
		if (strcmp(path, "/weir/events") == 0)
			add_table(d, path, "last=4096", "");
		else if (strcmp(path, "/weir/drops") == 0 || strcmp(path, "/weir/counters") == 0)
			add_table(d, path, "all=1", "");
		else if (strcmp(path, "/weir/backends") == 0)
			add_table(d, path, "detail=1", "");
		else
			add_table(d, path, "", "");
		if (strcmp(path, "/weir/recorder") == 0)
			add_table(d, path, "saved=1", "_saved");
	}
	json_decref(paths);
}

// --- top talkers
// ----------------------------------------------------------------------------------

static uint64_t bytes_of(const json_t *row)
{
	return client_uint(row, "c_bytes_in") + client_uint(row, "c_bytes_out");
}

static int more_bytes(const void *a, const void *b)
{
	uint64_t x = bytes_of(*(json_t *const *)a), y = bytes_of(*(json_t *const *)b);

	return x < y ? 1 : x > y ? -1 : 0;
}

static int more_connections(const void *a, const void *b)
{
	uint64_t x = client_uint(*(json_t *const *)a, "connections");
	uint64_t y = client_uint(*(json_t *const *)b, "connections");

	return x < y ? 1 : x > y ? -1 : 0;
}

static void add_top(struct dump *d, const char *view, const char *name, const json_t *rows,
	int (*compare)(const void *, const void *))
{
	size_t n = json_array_size(rows);
	json_t **row = calloc(n + 1, sizeof(*row));
	json_t *top = json_array();
	char *text = NULL, *words[] = {(char *)(uintptr_t)view};
	size_t len = 0;
	int count;
	FILE *out = open_memstream(&text, &len);

	for (size_t i = 0; row != NULL && i < n; i++)
		row[i] = json_array_get(rows, i);
	if (row != NULL)
		qsort(row, n, sizeof(*row), compare);
	for (size_t i = 0; row != NULL && i < n && i < TOP_ROWS; i++)
		json_array_append(top, row[i]);
	if (out != NULL) {
		view_print(view_find(words, 1, &count), out, top);
		fclose(out);
		add(d, name, text, len);
	}
	free(text);
	json_decref(top);
	free(row);
}

// --- versions, doctor
// -----------------------------------------------------------------------------

static void put_command_line(FILE *out, int pid)
{
	char path[64], text[4096];
	size_t n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	f = pid > 0 ? fopen(path, "r") : NULL;
	if (f != NULL) {
		n = fread(text, 1, sizeof(text) - 1, f);
		fclose(f);
	}
	for (size_t i = 0; i < n; i++)
		if (text[i] == '\0')
			text[i] = ' ';
	fprintf(out, "process: %d\ncommand line: %.*s\n", pid, (int)n, text);
}

static void print_versions(struct dump *d)
{
	struct utsname u = {0};
	char *text = NULL, hello[CLIENT_REPLY_MAX];
	struct wr_err err = {0};
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL)
		return;
	uname(&u);
	fprintf(out, "weirctl: %s\nDPDK of weirctl: %s\n", WR_VERSION, rte_version());
	fprintf(out, "kernel: %s %s %s %s\nhost: %s\n", u.sysname, u.release, u.version, u.machine,
		u.nodename);
	put_command_line(out, client_pid(d->c));
	if (client_ask(d->c, "/info", hello, &err) == EXIT_OK)
		fprintf(out, "DPDK of the instance: %s\n", hello);
	if (client_ask(d->c, "/weir/status", hello, &err) == EXIT_OK)
		fprintf(out, "instance: %s\n", hello);
	fclose(out);
	add(d, "versions.txt", text, len);
	free(text);
}

static void add_doctor(struct dump *d)
{
	struct wr_err err = {0};
	char *text = NULL;
	size_t len = 0;
	int code = doctor_run(&text, &len, &err);

	put_time(d->manifest);
	if (code < 0) {
		fprintf(d->manifest, " doctor.txt: none: %s\n", err.text);
		d->failed++;
		return;
	}
	fprintf(d->manifest, " doctor.txt: weir --doctor ended with exit code %d\n", code);
	add(d, "doctor.txt", text, len);
	free(text);
}

// --- all of it
// ------------------------------------------------------------------------------------

static void default_name(const struct client *c, char *buf, size_t len)
{
	time_t now = time(NULL);
	char at[32];
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(at, sizeof(at), "%Y%m%d-%H%M%S", &tm);
	snprintf(buf, len, "weir-dump-%.64s-%s.tar.gz", c->name, at);
}

// The folder inside the archive: the file's name without what tells its kind.
static void folder_of(const char *file, char *buf, size_t len)
{
	const char *slash = strrchr(file, '/');
	char *dot;

	snprintf(buf, len, "%s", slash != NULL ? slash + 1 : file);
	dot = strstr(buf, ".t");
	if (dot != NULL && dot > buf)
		*dot = '\0';
	if (buf[0] == '\0')
		snprintf(buf, len, "weir-dump");
}

static void fill(struct dump *d)
{
	print_versions(d);
	add_tables(d);
	if (d->conns != NULL)
		add_top(d, "conns", "top_conns.txt", d->conns, more_bytes);
	if (d->clients != NULL)
		add_top(d, "clients", "top_clients.txt", d->clients, more_connections);
	add_doctor(d);
	put_time(d->manifest);
	fprintf(d->manifest, " end: %u not read in full\n", d->failed);
	fclose(d->manifest);
	add(d, "MANIFEST", d->manifest_text, d->manifest_len);
}

int dump_run(const struct client *c, const char *file, bool limit_set, struct wr_err *err)
{
	struct dump d = {.c = c, .limit_set = limit_set};
	char name[NAME_LEN];
	int rc = EXIT_OK;

	default_name(c, name, sizeof(name));
	if (file == NULL)
		file = name;
	folder_of(file, d.folder, sizeof(d.folder));
	d.manifest = open_memstream(&d.manifest_text, &d.manifest_len);
	if (d.manifest == NULL)
		return -wr_err_set(err, EXIT_FAILED, "no memory for the archive's manifest");
	d.b = bundle_open(file, err);
	if (d.b == NULL) {
		fclose(d.manifest);
		free(d.manifest_text);
		return EXIT_FAILED;
	}
	put_time(d.manifest);
	fprintf(d.manifest, " begin: instance %s, weirctl %s\n", c->name, WR_VERSION);
	fill(&d);
	if (bundle_close(d.b, err) != 0)
		rc = EXIT_FAILED;
	else if (!d.reached)
		rc = -wr_err_set(err, EXIT_REACH,
			"instance '%s' was not reached: %s has the rest, and why in its MANIFEST",
			c->name, file);
	else
		fprintf(stderr, "weirctl: %s%s\n", file,
			d.failed > 0 ? " (not everything could be read: see its MANIFEST)" : "");
	json_decref(d.conns);
	json_decref(d.clients);
	free(d.manifest_text);
	return rc;
}
