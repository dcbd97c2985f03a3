/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_stats.h"
#include "wr_event.h"

#include <assert.h>
#include <stddef.h>

struct row {
	const char *name;
	const char *text;
	enum wr_severity severity;
};

static const struct row drops[WR_DROP_COUNT] = {
	[WR_DROP_NONE] = {"none", "not dropped", WR_SEV_INFO},
#define WR_DROP(sym, sev, sentence) [WR_DROP_##sym] = {#sym, sentence, WR_SEV_##sev},
#include "wr_drop.def"
#undef WR_DROP
};

static const struct row counters[WR_CTR_COUNT] = {
#define WR_COUNTER(sym, sentence) [WR_CTR_##sym] = {#sym, sentence, WR_SEV_INFO},
#include "wr_counter.def"
#undef WR_COUNTER
};

static const struct row events[WR_EV_COUNT] = {
#define WR_EVENT(sym, sentence) [WR_EV_##sym] = {#sym, sentence, WR_SEV_INFO},
#include "wr_event.def"
#undef WR_EVENT
};

static const char *const drop_cures[WR_DROP_COUNT] = {
	[WR_DROP_NONE] = "nothing: it was not dropped",
#define WR_CURE_DROP(sym, sentence) [WR_DROP_##sym] = sentence,
#define WR_CURE_EVENT(sym, sentence)
#include "wr_cure.def"
#undef WR_CURE_DROP
#undef WR_CURE_EVENT
};

static const char *const event_cures[WR_EV_COUNT] = {
#define WR_CURE_DROP(sym, sentence)
#define WR_CURE_EVENT(sym, sentence) [WR_EV_##sym] = sentence,
#include "wr_cure.def"
#undef WR_CURE_DROP
#undef WR_CURE_EVENT
};

// A row for what does not exist fails above, two rows for one thing here; so do the counts when
// one is missing.
enum cured_drop {
#define WR_CURE_DROP(sym, sentence) CURED_DROP_##sym,
#define WR_CURE_EVENT(sym, sentence)
#include "wr_cure.def"
#undef WR_CURE_DROP
#undef WR_CURE_EVENT
	CURED_DROPS
};
enum cured_event {
#define WR_CURE_DROP(sym, sentence)
#define WR_CURE_EVENT(sym, sentence) CURED_EVENT_##sym,
#include "wr_cure.def"
#undef WR_CURE_DROP
#undef WR_CURE_EVENT
	CURED_EVENTS
};
static_assert((int)CURED_DROPS == (int)WR_DROP_COUNT - 1,
	"a drop reason of wr_drop.def has no row WR_CURE_DROP in wr_cure.def");
static_assert((int)CURED_EVENTS == (int)WR_EV_COUNT,
	"an event of wr_event.def has no row WR_CURE_EVENT in wr_cure.def");

const char *wr_drop_name(enum wr_drop d)
{
	return (unsigned int)d < WR_DROP_COUNT ? drops[d].name : NULL;
}

const char *wr_drop_text(enum wr_drop d)
{
	return (unsigned int)d < WR_DROP_COUNT ? drops[d].text : NULL;
}

enum wr_severity wr_drop_severity(enum wr_drop d)
{
	return (unsigned int)d < WR_DROP_COUNT ? drops[d].severity : WR_SEV_FAULT;
}

const char *wr_counter_name(enum wr_counter c)
{
	return (unsigned int)c < WR_CTR_COUNT ? counters[c].name : NULL;
}

const char *wr_counter_text(enum wr_counter c)
{
	return (unsigned int)c < WR_CTR_COUNT ? counters[c].text : NULL;
}

const char *wr_event_name(enum wr_event_kind k)
{
	return (unsigned int)k < WR_EV_COUNT ? events[k].name : NULL;
}

const char *wr_event_text(enum wr_event_kind k)
{
	return (unsigned int)k < WR_EV_COUNT ? events[k].text : NULL;
}

const char *wr_drop_cure(enum wr_drop d)
{
	return (unsigned int)d < WR_DROP_COUNT ? drop_cures[d] : NULL;
}

const char *wr_event_cure(enum wr_event_kind k)
{
	return (unsigned int)k < WR_EV_COUNT ? event_cures[k] : NULL;
}
