/* SPDX-License-Identifier: BSD-3-Clause */
#include "manual.h"

#include <stdbool.h>
#include <string.h>

#include "catalog.h"
#include "options.h"
#include "wr_version.h"

#define LEFT_WIDTH 31

static const struct {
	int code;
	const char *text;
} exits[] = {
	{EXIT_OK, "done"},
	{EXIT_FAILED, "refused or failed; the reason is printed"},
	{EXIT_USAGE, "wrong usage"},
	{EXIT_REACH,
		"instance not reached: none there, no answer, all of its clients taken, or not "
		"permitted"},
};

static void option_left(const struct option_words *w, char *buf, size_t len)
{
	char letter[8] = "    ";

	if (w->letter != 0)
		snprintf(letter, sizeof(letter), "-%c, ", w->letter);
	snprintf(buf, len, "%s--%s%s%s", letter, w->name, w->argument != NULL ? " " : "",
		w->argument != NULL ? w->argument : "");
}

// A line of two columns; what is too long for the left one has a line of its own.
static void two_columns(FILE *out, const char *left, const char *right)
{
	if (strlen(left) > LEFT_WIDTH)
		fprintf(out, "  %s\n  %-*s  %s\n", left, LEFT_WIDTH, "", right);
	else
		fprintf(out, "  %-*s  %s\n", LEFT_WIDTH, left, right);
}

void manual_usage(FILE *out)
{
	struct catalog_words c;
	char left[256];

	fprintf(out, "usage: weirctl [OPTIONS] COMMAND [ARGUMENTS]\n");
	for (int g = 0; g < CATALOG_GROUPS; g++) {
		fprintf(out, "\n%s:\n", catalog_group_title((enum catalog_group)g));
		for (size_t i = 0; catalog(i, &c); i++) {
			if (c.group != (enum catalog_group)g)
				continue;
			snprintf(left, sizeof(left), "%s%s%s", c.name,
				c.usage[0] != '\0' ? " " : "", c.usage);
			two_columns(out, left, c.help);
			if (c.filters[0] != '\0')
				two_columns(out, "", c.filters);
		}
	}
	fprintf(out, "\nTIME is 90, 30s, 10m, 2h or 1d.\n\nOptions:\n");
	for (const struct option_words *w = options_all(); w->name != NULL; w++) {
		char right[200];

		if (w->hidden)
			continue;
		option_left(w, left, sizeof(left));
		snprintf(right, sizeof(right), "%s%s%s", w->commands[0] > '*' ? w->commands : "",
			w->commands[0] > '*' ? ": " : "", w->help);
		two_columns(out, left, right);
	}
	fprintf(out, "\nExit:");
	for (size_t i = 0; i < sizeof(exits) / sizeof(exits[0]); i++)
		fprintf(out, "%s %d %s", i > 0 ? ";" : "", exits[i].code, exits[i].text);
	fputc('\n', out);
}

// Text of mdoc: no line may begin with a control character, and backslashes and dashes are signs.
static void put_text(FILE *out, const char *text)
{
	for (const char *c = text; *c != '\0'; c++) {
		if (c == text && (*c == '.' || *c == '\''))
			fputs("\\&", out);
		if (*c == '\\')
			fputs("\\e", out);
		else if (*c == '-')
			fputs("\\-", out);
		else
			fputc(*c, out);
	}
}

static void put_item(FILE *out, const char *name, const char *rest)
{
	fputs(".It Xo\n.Sy \"", out);
	put_text(out, name);
	fputs("\"\n", out);
	if (rest[0] != '\0') {
		fputs(".No \"", out);
		put_text(out, rest);
		fputs("\"\n", out);
	}
	fputs(".Xc\n", out);
}

static void put_commands(FILE *out, enum catalog_group g)
{
	struct catalog_words c;

	fprintf(out, ".Ss %s\n.Bl -tag -width Ds\n", catalog_group_title(g));
	for (size_t i = 0; catalog(i, &c); i++) {
		if (c.group != g)
			continue;
		put_item(out, c.name, c.usage);
		put_text(out, c.help);
		fputc('\n', out);
		if (c.filters[0] != '\0') {
			fputs(".br\nFilters: ", out);
			put_text(out, c.filters);
			fputc('\n', out);
		}
	}
	fputs(".El\n", out);
}

static void put_options(FILE *out)
{
	char left[128];

	fputs(".Sh OPTIONS\n.Bl -tag -width Ds\n", out);
	for (const struct option_words *w = options_all(); w->name != NULL; w++) {
		if (w->hidden)
			continue;
		option_left(w, left, sizeof(left));
		put_item(out, left + strspn(left, " "), "");
		put_text(out, w->help);
		fputc('\n', out);
		if (w->commands[0] > '*')
			fprintf(out, "(%s)\n", w->commands);
	}
	fputs(".El\n", out);
}

static void put_files(FILE *out)
{
	static const struct {
		const char *path, *text;
	} files[] = {
		{"/run/dpdk/NAME/dpdk_telemetry.v2",
			"the socket of an instance; under "
			"$RUNTIME_DIRECTORY or /run/weir where systemd "
			"gives a directory, under $XDG_RUNTIME_DIR or "
			"/tmp for other users than root"},
		{"/run/dpdk/NAME/act.key",
			"what acting needs where runtime.act_group is set; readable by that group"},
		{"/run/dpdk/NAME/capture-ID.pcapng", "captures that were not fetched yet"},
	};

	fputs(".Sh FILES\n.Bl -tag -width Ds\n", out);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		put_item(out, files[i].path, "");
		put_text(out, files[i].text);
		fputc('\n', out);
	}
	fputs(".El\n", out);
}

void manual_page(FILE *out)
{
	fputs(".\\\" SPDX-License-Identifier: BSD-3-Clause\n.Dd $Mdocdate$\n.Dt WEIRCTL 8\n", out);
	fprintf(out, ".Os \"Weir %s\"\n", WR_VERSION);
	fputs(".Sh NAME\n.Nm weirctl\n.Nd look at and operate the load balancer Weir\n"
	      ".Sh SYNOPSIS\n.Nm\n.Op Ar options\n.Ar command\n.Op Ar arguments\n"
	      ".Sh DESCRIPTION\n"
	      ".Nm\nis a client of the telemetry socket of an instance of Weir. It connects for\n"
	      "each request, since ten clients may be connected at the same time, and prints\n"
	      "aligned tables, or replies as they came.\n.Pp\n"
	      "A TIME is 90, 30s, 10m, 2h or 1d.\n.Sh COMMANDS\n",
		out);
	for (int g = 0; g < CATALOG_GROUPS; g++)
		put_commands(out, (enum catalog_group)g);
	put_options(out);
	put_files(out);
	fputs(".Sh EXIT STATUS\n.Bl -tag -width Ds\n", out);
	for (size_t i = 0; i < sizeof(exits) / sizeof(exits[0]); i++) {
		fprintf(out, ".It %d\n", exits[i].code);
		put_text(out, exits[i].text);
		fputc('\n', out);
	}
	fputs(".El\n.Sh SEE ALSO\n.Xr weir 8\n", out);
}

// --- completion
// -----------------------------------------------------------------------------------

// First words of commands, each once.
static void put_names(FILE *out)
{
	struct catalog_words c, before;

	for (size_t i = 0; catalog(i, &c); i++) {
		size_t len = strcspn(c.name, " ");
		bool seen = false;

		for (size_t k = 0; k < i && catalog(k, &before); k++)
			seen = seen || (strcspn(before.name, " ") == len &&
					       strncmp(before.name, c.name, len) == 0);
		if (!seen)
			fprintf(out, "%s%.*s", i > 0 ? " " : "", (int)len, c.name);
	}
}

// "service= backend=" of "service=NAME backend=POOL/NAME".
static void put_keys(FILE *out, const char *filters)
{
	while (*filters != '\0') {
		size_t len = strcspn(filters, " ");
		size_t key = strcspn(filters, "=");

		if (key < len)
			fprintf(out, " %.*s=", (int)key, filters);
		filters += len;
		filters += strspn(filters, " ");
	}
}

static void put_words_of_commands(FILE *out)
{
	struct catalog_words c;

	for (size_t i = 0; catalog(i, &c); i++) {
		const char *second = strchr(c.name, ' ');

		if (second != NULL)
			fprintf(out, "\t%.*s) words=\"$words%s\" ;;&\n", (int)(second - c.name),
				c.name, second);
		if (c.filters[0] == '\0' || second != NULL)
			continue;
		fprintf(out, "\t%s) words=\"$words", c.name);
		put_keys(out, c.filters);
		fputs("\" ;;&\n", out);
	}
	fputs("\tcompletion) words=\"$words bash\" ;;&\n", out);
}

static void put_option_names(FILE *out, bool with_argument)
{
	const char *between = "";

	for (const struct option_words *w = options_all(); w->name != NULL; w++) {
		if (w->hidden || (with_argument && w->argument == NULL))
			continue;
		if (w->letter != 0)
			fprintf(out, "%s-%c", between, w->letter);
		if (w->letter != 0)
			between = with_argument ? "|" : " ";
		fprintf(out, "%s--%s", between, w->name);
		between = with_argument ? "|" : " ";
	}
}

void manual_completion(FILE *out)
{
	fputs("# SPDX-License-Identifier: BSD-3-Clause\n"
	      "# shellcheck shell=bash\n"
	      "# Completion of weirctl " WR_VERSION ", printed by weirctl completion bash.\n"
	      "_weirctl() {\n"
	      "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} "
	      "words='' command='' i\n"
	      "\tCOMPREPLY=()\n"
	      "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	      "\t\tcase ${COMP_WORDS[i]} in\n\t\t",
		out);
	put_option_names(out, true);
	fputs(") i=$((i + 1)) ;;\n"
	      "\t\t-*) ;;\n"
	      "\t\t*)\n\t\t\tcommand=${COMP_WORDS[i]}\n\t\t\tbreak\n\t\t\t;;\n"
	      "\t\tesac\n\tdone\n"
	      "\tcase $prev in\n"
	      "\t-w | --write | -o | --output | --runtime-dir)\n"
	      "\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n\t\treturn\n\t\t;;\n"
	      "\t--dir)\n"
	      "\t\tmapfile -t COMPREPLY < <(compgen -W 'in out both' -- \"$cur\")\n"
	      "\t\treturn\n\t\t;;\n"
	      "\tesac\n"
	      "\tcase $command in\n"
	      "\t'') words='",
		out);
	put_names(out);
	fputs("' ;;\n", out);
	put_words_of_commands(out);
	fputs("\t*) ;;\n\tesac\n\t[[ $cur != -* ]] || words='", out);
	put_option_names(out, false);
	fputs("'\n\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
	      "\t[[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace\n"
	      "}\ncomplete -F _weirctl weirctl\n",
		out);
}
