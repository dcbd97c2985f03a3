/* SPDX-License-Identifier: BSD-3-Clause */
#include "catalog.h"

#include "act.h"
#include "views.h"

static const struct catalog_words tools[] = {
	{CATALOG_TOOLS, "top", "[--once]",
		"load, level, nearest queues, refusals, every second; headroom is 100 % less the "
		"larger of cpu and the fullest queue that can refuse",
		""},
	{CATALOG_TOOLS, "explain", "NAME",
		"what a level, drop reason, counter, queue or event means (asks nobody)", ""},
	{CATALOG_TOOLS, "runbook", "",
		"what to do first about every event and drop reason, as Markdown (asks nobody)",
		""},
	{CATALOG_TOOLS, "capture",
		"[--port NAME] [--filter EXPRESSION] [--conn WORKER.ID] [--packets N] [--seconds "
		"N] [--snap N] [--dir in|out|both] -w FILE|-",
		"frames of a running port or session, as pcapng; Ctrl-C ends it early", ""},
	{CATALOG_TOOLS, "dump", "[-o FILE.tar.gz]",
		"one archive of all that the instance tells, for those who help", ""},
	{CATALOG_TOOLS, "raw", "/weir/PATH[,PARAMETERS]", "one request, the reply as it came", ""},
	{CATALOG_TOOLS, "completion", "bash", "print completions, to be sourced by the shell", ""},
};

#define TOOLS (sizeof(tools) / sizeof(tools[0]))

bool catalog(size_t n, struct catalog_words *out)
{
	const struct view *v = view_all();
	struct act_words act;

	for (; v->name != NULL && n > 0; v++)
		n--;
	if (v->name != NULL) {
		*out = (struct catalog_words){
			CATALOG_READING, v->name, v->usage, v->help, v->filters};
		if (out->usage == NULL)
			out->usage = "";
		return true;
	}
	if (n < TOOLS) {
		*out = tools[n];
		return true;
	}
	if (!act_words(n - TOOLS, &act))
		return false;
	*out = (struct catalog_words){CATALOG_ACTING, act.name, act.usage, act.help, ""};
	return true;
}

const char *catalog_group_title(enum catalog_group g)
{
	switch (g) {
	case CATALOG_READING:
		return "Reading; filters are key=value";
	case CATALOG_TOOLS:
		return "Looking closer";
	default:
		return "Acting; each is an event with an id. What may cut more than is meant says "
		       "so first, and needs --yes";
	}
}
