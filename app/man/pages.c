/* SPDX-License-Identifier: BSD-3-Clause */

// Manual pages from tables: pages conf|events|drops. Run by the build, not installed.

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wr_conf.h"
#include "wr_event.h"
#include "wr_stats.h"
#include "wr_version.h"

// Text of mdoc: no line may begin with a control character, backslashes and dashes are signs, and a
// sentence begins a line.
static void put_text(const char *text)
{
	const char *begin = text;

	for (; *text != '\0'; text++) {
		if (text > begin + 2 && text[-1] == ' ' && text[-2] == '.' && *text != ' ') {
			fputc('\n', stdout);
			begin = text;
		}
		if (text == begin && (*text == '.' || *text == '\''))
			fputs("\\&", stdout);
		if (*text == ' ' && text > begin && text[-1] == '.')
			continue;
		if (*text == '\\')
			fputs("\\e", stdout);
		else if (*text == '"')
			fputs("\\(dq", stdout);
		else if (*text == '-')
			fputs("\\-", stdout);
		else
			fputc(*text, stdout);
	}
}

static void put_line(const char *text)
{
	put_text(text);
	fputc('\n', stdout);
}

static void put_head(const char *name, int section, const char *what)
{
	printf(".\\\" SPDX-License-Identifier: BSD-3-Clause\n.Dd $Mdocdate$\n.Dt %s %d\n"
	       ".Os \"Weir %s\"\n.Sh NAME\n.Nm %s\n.Nd %s\n.Sh DESCRIPTION\n",
		name, section, WR_VERSION, name, what);
}

static void put_item(const char *name)
{
	fputs(".It Sy \"", stdout);
	put_text(name);
	fputs("\"\n", stdout);
}

// --- settings
// ------------------------------------------------------------------------------------

// The reference as text: a line with the name, one with type and default, one with the meaning,
// each of the last two indented by four, and an empty line.
static int conf_page(void)
{
	char *text = NULL, *save = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	uint32_t n = 0;

	if (out == NULL)
		return 1;
	wr_conf_reference(out, false);
	fclose(out);
	put_head("weir.yaml", 5, "configuration of the load balancer Weir");
	fputs("A file of YAML, given to\n.Xr weir 8\nwith\n.Fl c .\n"
	      "An unknown key, a wrong unit or an impossible combination is an error that names "
	      "the\n"
	      "line, the value and what would be right; nothing is ignored.\n"
	      ".Ic weir \\-\\-check \\-c Ar FILE\nchecks a file,\n.Ic weir \\-\\-dump \\-c Ar "
	      "FILE\n"
	      "prints it with all defaults.\nIn the names below, [] is an item of a list.\n"
	      ".Sh SETTINGS\n.Bl -tag -width Ds\n",
		stdout);
	for (char *line = strtok_r(text, "\n", &save); line != NULL;
		line = strtok_r(NULL, "\n", &save)) {
		size_t indent = strspn(line, " ");

		if (indent == 0) {
			put_item(line);
			n = 0;
			continue;
		}
		if (n++ > 0)
			fputs(".br\n", stdout);
		put_line(line + indent);
	}
	fputs(".El\n.Sh FILES\n.Bl -tag -width Ds\n.It Pa " WR_CONF_DIR "/NAME.yaml\n"
	      "of the service weir@NAME\n.It Pa " WR_CONF_DIR "/example.yaml\nto begin with\n.El\n"
	      ".Sh SEE ALSO\n.Xr weir 8 ,\n.Xr weirctl 8\n",
		stdout);
	free(text);
	return 0;
}

// --- catalogues
// ----------------------------------------------------------------------------------

static int events_page(void)
{
	put_head("weir-events", 7, "events of the load balancer Weir, and what to do first");
	fputs("An instance keeps its last events, logs each as a line and tells them to\n"
	      ".Ic weirctl events .\nEach has a number, a time, the worker that raised it and, "
	      "when it\n"
	      "stands for several of the same, a count.\n.Sh EVENTS\n.Bl -tag -width Ds\n",
		stdout);
	for (uint32_t e = 0; e < WR_EV_COUNT; e++) {
		put_item(wr_event_name(e));
		put_line(wr_event_text(e));
		fputs(".br\nDo first: ", stdout);
		put_line(wr_event_cure(e));
	}
	fputs(".El\n.Sh SEE ALSO\n.Xr weir-drops 7 ,\n.Xr weirctl 8\n", stdout);
	return 0;
}

static int drops_page(void)
{
	static const char *const words[] = {
		[WR_SEV_INFO] = "info", [WR_SEV_WARN] = "warn", [WR_SEV_FAULT] = "fault"};

	put_head("weir-drops", 7, "drop reasons of the load balancer Weir, and what to do first");
	fputs("Every frame, segment or byte that is neither passed on nor held is counted under "
	      "one\n"
	      "of these reasons, shown by\n.Ic weirctl drops .\nSeverity info is normal in "
	      "operation,\n"
	      "warn is worth a look, fault means that Weir or its set-up is wrong.\n"
	      ".Sh REASONS\n.Bl -tag -width Ds\n",
		stdout);
	for (uint32_t d = WR_DROP_NONE + 1; d < WR_DROP_COUNT; d++) {
		char name[80];

		snprintf(
			name, sizeof(name), "%s (%s)", wr_drop_name(d), words[wr_drop_severity(d)]);
		put_item(name);
		put_line(wr_drop_text(d));
		fputs(".br\nDo first: ", stdout);
		put_line(wr_drop_cure(d));
	}
	fputs(".El\n.Sh SEE ALSO\n.Xr weir-events 7 ,\n.Xr weirctl 8\n", stdout);
	return 0;
}

int main(int argc, char **argv)
{
	const char *page = argc == 2 ? argv[1] : "";

	if (strcmp(page, "conf") == 0)
		return conf_page();
	if (strcmp(page, "events") == 0)
		return events_page();
	if (strcmp(page, "drops") == 0)
		return drops_page();
	fputs("usage: pages conf|events|drops\n", stderr);
	return 2;
}
