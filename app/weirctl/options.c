/* SPDX-License-Identifier: BSD-3-Clause */
#include "options.h"

#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_MAX 3600000
#define FIRST_LONG 256

struct row {
	struct option_words words;
	size_t at; // of a const char * or a bool in struct options
};

#define AT(field) offsetof(struct options, field)
#define CAPTURE   "capture"
#define ONLY_ACTS "deny allow class undeny drain remove"

static const struct row rows[] = {
	{{'n', "name", "NAME", "instance (default " DEFAULT_NAME ")", ""}, AT(client.name)},
	{{0, "runtime-dir", "DIR", "where its dpdk folder is, when systemd moved it", ""},
		AT(client.dir)},
	{{0, "json", NULL, "replies as they came, one a line", ""}, AT(json)},
	{{0, "fields", NULL, "every field, one a line", ""}, AT(fields)},
	{{0, "limit", "N", "stop asking after N rows (0: all); add: connections at the same time",
		 ""},
		AT(limit)},
	{{0, "timeout", "MS", "for each answer (default 3000)", ""}, 0},
	{{0, "follow", NULL, "wait for more", "events"}, AT(follow)},
	{{0, "once", NULL, "print one picture", "top"}, AT(once)},
	{{0, "saved", NULL, "what was saved at the first critical mark", "recorder"}, AT(saved)},
	{{0, "service", "NAME", "of this service alone", "deny allow class undeny"},
		AT(act.service)},
	{{0, "for", "TIME", "for so long; of backends: until what is left ends (or never)",
		 ONLY_ACTS},
		AT(act.time)},
	{{0, "confirm", "TIME", "take it back unless confirmed within", "reload"}, AT(act.confirm)},
	{{0, "rekey", "TUNNEL", "read the key file of a tunnel again", "ipsec"}, AT(rekey)},
	{{0, "weight", "N", "from 0 to 256", "add"}, AT(act.weight)},
	{{0, "priority", "N", "tier, from 0 (first) to 7", "add"}, AT(act.priority)},
	{{0, "yes", NULL, "do what would be asked about", "*"}, AT(act.yes)},
	{{0, "port", "NAME", "frames of one port", CAPTURE}, AT(capture.port)},
	{{0, "filter", "EXPRESSION", "as for tcpdump", CAPTURE}, AT(capture.filter)},
	{{0, "conn", "WORKER.ID", "one session, both sides", CAPTURE}, AT(capture.conn)},
	{{0, "packets", "N", "at most (default 1000)", CAPTURE}, AT(capture.packets)},
	{{0, "seconds", "N", "at most (default 10)", CAPTURE}, AT(capture.seconds)},
	{{0, "snap", "N", "bytes kept of each frame (default all)", CAPTURE}, AT(capture.snap)},
	{{0, "dir", "in|out|both", "frames of one direction", CAPTURE}, AT(capture.dir)},
	{{'w', "write", "FILE", "where to; - is standard output", CAPTURE}, AT(capture.file)},
	{{'o', "output", "FILE", "archive to write (default weir-dump-NAME-TIME.tar.gz)", "dump"},
		AT(archive)},
	{{0, "man", NULL, "print the manual page", "", true}, AT(man)},
	{{0, "version", NULL, "print the version", ""}, AT(version)},
	{{'h', "help", NULL, "print this", ""}, AT(help)},
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

const struct option_words *options_all(void)
{
	static struct option_words all[ROWS + 1];

	for (size_t i = 0; i < ROWS; i++)
		all[i] = rows[i].words;
	return all;
}

static bool parse_number(const char *text, uint32_t *out)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end != '\0' || value > NUMBER_MAX)
		return false;
	*out = (uint32_t)value;
	return true;
}

static int take(struct options *o, const struct row *r, const char *value, struct wr_err *err)
{
	char *field = (char *)o + r->at;

	if (strcmp(r->words.name, "timeout") == 0) {
		if (!parse_number(value, &o->client.timeout_ms) || o->client.timeout_ms == 0)
			return -wr_err_set(
				err, EXIT_USAGE, "--timeout takes milliseconds, not %.32s", value);
	} else if (r->words.argument == NULL) {
		*(bool *)field = true;
	} else {
		*(const char **)field = value;
	}
	if (strcmp(r->words.name, "limit") == 0 && !parse_number(value, &o->client.limit))
		return -wr_err_set(err, EXIT_USAGE, "--limit takes a number, not %.32s", value);
	o->act.json = o->json;
	return EXIT_OK;
}

static const struct row *find(int got)
{
	if (got >= FIRST_LONG)
		return &rows[got - FIRST_LONG];
	for (size_t i = 0; i < ROWS; i++)
		if (got == rows[i].words.letter)
			return &rows[i];
	return NULL;
}

int options_parse(struct options *o, int argc, char **argv, int *first, struct wr_err *err)
{
	struct option longs[ROWS + 1] = {{NULL, 0, NULL, 0}};
	char letters[2 * ROWS + 1] = "";
	int got, rc = EXIT_OK;

	*o = (struct options){.client = {.name = DEFAULT_NAME, .timeout_ms = DEFAULT_TIMEOUT_MS}};
	for (size_t i = 0; i < ROWS; i++) {
		const struct option_words *w = &rows[i].words;
		size_t used = strlen(letters);

		longs[i] = (struct option){w->name,
			w->argument != NULL ? required_argument : no_argument, NULL,
			FIRST_LONG + (int)i};
		if (w->letter != 0)
			snprintf(letters + used, sizeof(letters) - used, "%c%s", w->letter,
				w->argument != NULL ? ":" : "");
	}
	optind = 0; // anew, whoever used it before
	while (rc == EXIT_OK && (got = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		const struct row *r = find(got);

		// getopt has said what is wrong.
		rc = r != NULL ? take(o, r, optarg, err) : EXIT_USAGE;
	}
	*first = optind;
	return rc;
}

static bool is_given(const struct options *o, const struct row *r)
{
	const char *field = (const char *)o + r->at;

	if (strcmp(r->words.name, "timeout") == 0)
		return false;
	return r->words.argument == NULL ? *(const bool *)field
	                                 : *(const char *const *)field != NULL;
}

static bool listed(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = list; (at = strstr(at, word)) != NULL; at += len)
		if ((at == list || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0'))
			return true;
	return false;
}

int options_check(const struct options *o, const char *command, struct wr_err *err)
{
	struct act_words w;
	bool acts = false;

	for (size_t i = 0; act_words(i, &w); i++)
		acts = acts || strcmp(w.name, command) == 0;
	for (size_t i = 0; i < ROWS; i++) {
		const struct option_words *ow = &rows[i].words;

		if (ow->commands[0] == '\0' || !is_given(o, &rows[i]) ||
			listed(ow->commands, command) || (acts && ow->commands[0] == '*'))
			continue;
		return -wr_err_set(err, EXIT_USAGE, "--%s is for %s, not for %s", ow->name,
			ow->commands[0] == '*' ? "acting" : ow->commands, command);
	}
	return EXIT_OK;
}
