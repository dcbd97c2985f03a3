/* SPDX-License-Identifier: BSD-3-Clause */
#include "explain.h"

#include <stdbool.h>
#include <string.h>

#include "wr_event.h"
#include "wr_pressure.h"
#include "wr_stats.h"

static const char *severity_name(enum wr_severity s)
{
	switch (s) {
	case WR_SEV_INFO:
		return "info: normal in operation";
	case WR_SEV_WARN:
		return "warn: someone should look";
	default:
		return "fault: Weir or its set-up is wrong";
	}
}

static bool matches(const char *name, const char *wanted, bool part)
{
	return part ? strstr(name, wanted) != NULL : strcmp(name, wanted) == 0;
}

// What is in no catalogue: pressure levels, and words of HAProxy's that rows have.
static const struct {
	const char *name, *text;
} terms[] = {
	{"P0", "normal: every queue is below its low mark"},
	{"P1", "elevated, a queue passed its low mark: buffers stop growing, new windows are "
	       "smaller"},
	{"P2", "high, a queue passed its high mark: SYN-ACKs are paced, failed connects are not "
	       "retried, peers that stall are closed"},
	{"P3", "severe, a high mark stood for 100 ms or half of the new connections are cut: SYN "
	       "cookies, new connections are cut by class, slow peers above their share are reset"},
	{"P4", "critical, a queue passed its critical mark: only the top class and established "
	       "sessions are served"},
	{"qcur", "sessions of a service that wait for a backend with room (pending)"},
	{"qmax", "most that waited, the sum of what each worker saw (pending_peak)"},
	{"qlimit", "most that may wait (services[].wait.sessions)"},
	{"qtime", "how long those waited that had to, mean since the start, in milliseconds"},
	{"scur", "sessions now (sessions)"},
	{"smax", "most sessions at a time, the sum of what each worker saw (sessions_peak)"},
	{"stot", "sessions since the start (sessions_total)"},
	{"slim", "sessions at the same time that are allowed; 0: no limit"},
};

static unsigned int print_matching(FILE *out, const char *wanted, bool part)
{
	unsigned int n = 0;

	for (size_t t = 0; t < sizeof(terms) / sizeof(terms[0]); t++)
		if (matches(terms[t].name, wanted, part) && ++n)
			fprintf(out, "term %s\n  %s\n", terms[t].name, terms[t].text);
	for (uint32_t d = WR_DROP_NONE + 1; d < WR_DROP_COUNT; d++)
		if (matches(wr_drop_name(d), wanted, part) && ++n)
			fprintf(out, "drop reason %s (%s)\n  %s\n  do first: %s\n", wr_drop_name(d),
				severity_name(wr_drop_severity(d)), wr_drop_text(d),
				wr_drop_cure(d));
	for (uint32_t c = 0; c < WR_CTR_COUNT; c++)
		if (matches(wr_counter_name(c), wanted, part) && ++n)
			fprintf(out, "counter %s\n  %s\n", wr_counter_name(c), wr_counter_text(c));
	for (uint32_t q = 0; q < WR_Q_COUNT; q++)
		if (matches(wr_queue_name(q), wanted, part) && ++n)
			fprintf(out, "queue %s, in %s\n  %s\n", wr_queue_name(q), wr_queue_unit(q),
				wr_queue_text(q));
	for (uint32_t e = 0; e < WR_EV_COUNT; e++)
		if (matches(wr_event_name(e), wanted, part) && ++n)
			fprintf(out, "event %s\n  %s\n  do first: %s\n", wr_event_name(e),
				wr_event_text(e), wr_event_cure(e));
	return n;
}

unsigned int explain_print(FILE *out, const char *name)
{
	unsigned int n = print_matching(out, name, false);

	return n > 0 ? n : print_matching(out, name, true);
}
