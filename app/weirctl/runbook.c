/* SPDX-License-Identifier: BSD-3-Clause */
#include "runbook.h"

#include "wr_event.h"
#include "wr_stats.h"
#include "wr_version.h"

// A cell of a table: what Markdown would take for its own is marked.
static void put_cell(FILE *out, const char *text)
{
	fputs(" ", out);
	for (; *text != '\0'; text++) {
		if (*text == '|' || *text == '*' || *text == '_' || *text == '<' || *text == '[')
			fputc('\\', out);
		fputc(*text, out);
	}
	fputs(" |", out);
}

static const char *severity_word(enum wr_severity s)
{
	static const char *const words[] = {"info", "warn", "fault"};

	return words[s];
}

static void put_events(FILE *out)
{
	fputs("## Events\n\n| Event | Means | Do first |\n|---|---|---|\n", out);
	for (uint32_t e = 0; e < WR_EV_COUNT; e++) {
		fprintf(out, "| `%s` |", wr_event_name(e));
		put_cell(out, wr_event_text(e));
		put_cell(out, wr_event_cure(e));
		fputc('\n', out);
	}
}

static void put_drops(FILE *out)
{
	fputs("## Drop reasons\n\n| Reason | Severity | Means | Do first |\n|---|---|---|---|\n",
		out);
	for (uint32_t d = WR_DROP_NONE + 1; d < WR_DROP_COUNT; d++) {
		fprintf(out, "| `%s` | %s |", wr_drop_name(d), severity_word(wr_drop_severity(d)));
		put_cell(out, wr_drop_text(d));
		put_cell(out, wr_drop_cure(d));
		fputc('\n', out);
	}
}

void runbook_print(FILE *out)
{
	fputs("# Runbook of Weir " WR_VERSION "\n\n"
	      "What to do first about each event (`weirctl events`) and each drop reason (`weirctl "
	      "drops`). \"nothing\" says why\nthere is nothing to do. NAME, POOL, SERVICE and DEV "
	      "stand for names of yours. Severity: info is normal in\noperation, warn is for "
	      "someone to look at, fault means that Weir or its set-up is wrong.\n\n",
		out);
	put_events(out);
	fputc('\n', out);
	put_drops(out);
}
