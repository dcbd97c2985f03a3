/* SPDX-License-Identifier: BSD-3-Clause */

// What a backend is: its state, the time in each, and in words.

#include "backend_priv.h"

#include <stdio.h>
#include <string.h>

#include <rte_common.h>

const char *wr_backend_state_word(enum wr_backend_state st)
{
	static const char *const words[WR_BACKEND_STATES] = {
		[WR_BACKEND_LEAVING] = "leaving",
		[WR_BACKEND_DISABLED] = "disabled",
		[WR_BACKEND_DRAINING] = "drain",
		[WR_BACKEND_DOWN] = "down",
		[WR_BACKEND_OPEN] = "open",
		[WR_BACKEND_HALF_OPEN] = "half_open",
		[WR_BACKEND_SLOW_START] = "slow_start",
		[WR_BACKEND_UP] = "up",
		[WR_BACKEND_NOCHECK] = "unchecked",
	};

	return (uint32_t)st < WR_BACKEND_STATES ? words[st] : "?";
}

enum wr_backend_state wr_backend_state(const struct wr_backend *be)
{
	if (be->slot != WR_CONF_LIVE)
		return WR_BACKEND_LEAVING;
	if (be->admin == WR_ADMIN_DISABLED)
		return WR_BACKEND_DISABLED;
	if (be->admin == WR_ADMIN_DRAINING || be->agent_drain)
		return WR_BACKEND_DRAINING;
	if (be->health == WR_HEALTH_DOWN || be->agent_down)
		return WR_BACKEND_DOWN;
	if (be->breaker == WR_BREAKER_OPEN)
		return WR_BACKEND_OPEN;
	if (be->breaker == WR_BREAKER_HALF_OPEN)
		return WR_BACKEND_HALF_OPEN;
	if (be->slow_since_us != 0)
		return WR_BACKEND_SLOW_START;
	return be->health == WR_HEALTH_UP ? WR_BACKEND_UP : WR_BACKEND_NOCHECK;
}

void wr_backend_settle(struct wr_backends *b, struct wr_backend *be, wr_us_t now)
{
	enum wr_backend_state st;
	bool usable = wr_backend_usable(be);

	if (!usable)
		wr_ramp_stop(b, be);
	if (usable != be->seen->pickable) {
		be->seen->pickable = usable;
		be->seen->since_us = now;
		b->more[be->pool].dirty = true;
	}
	st = wr_backend_state(be);
	if (st == be->state)
		return;
	if (now > be->state_since_us)
		be->time_in_us[be->state] += now - be->state_since_us;
	be->state_since_us = now;
	be->state = st;
	// A pool that fails open picks by less than what makes one usable.
	b->more[be->pool].dirty = true;
}

wr_us_t wr_backend_time_in(const struct wr_backend *be, enum wr_backend_state st, wr_us_t now)
{
	wr_us_t t = be->time_in_us[st];

	if (st == be->state && now > be->state_since_us)
		t += now - be->state_since_us;
	return t;
}

static const char *ago(wr_us_t us, char *buf, size_t len)
{
	uint64_t s = us / WR_US_PER_S;

	if (s < 1)
		snprintf(buf, len, "%u ms", (unsigned)(us / WR_US_PER_MS));
	else if (s < 600)
		snprintf(buf, len, "%u s", (unsigned)s);
	else if (s < 36000)
		snprintf(buf, len, "%u min", (unsigned)(s / 60));
	else
		snprintf(buf, len, "%u h", (unsigned)(s / 3600));
	return buf;
}

static const char *check_words(const struct wr_backend_check *c, char *buf, size_t len)
{
	if (!c->known)
		return "not checked yet";
	if (c->last.text[0] != '\0')
		return c->last.text;
	snprintf(buf, len, "%s", c->last.err == 0 ? "passed" : strerror(c->last.err));
	return buf;
}

// Why it is what it is, after the colon; empty where the word says it all.
static void why(const struct wr_backends *b, const struct wr_backend *be, wr_us_t now, char *buf,
	size_t len)
{
	const struct wr_conf_pool *pc = pool_conf(b, be);
	const struct wr_backend_check *hc = &be->check[WR_CHECK_SLOT_HEALTH];
	const struct wr_backend_check *ac = &be->check[WR_CHECK_SLOT_AGENT];
	uint32_t fall = pc != NULL ? pc->health_fall : 0, rise = pc != NULL ? pc->health_rise : 0;
	uint32_t held = wr_backend_held(b, be->id);
	char t[32], u[80];

	buf[0] = '\0';
	switch (be->state) {
	case WR_BACKEND_LEAVING:
	case WR_BACKEND_DRAINING:
		if (be->state == WR_BACKEND_DRAINING && be->admin != WR_ADMIN_DRAINING)
			snprintf(
				buf, len, ": its agent says so, %s", check_words(ac, u, sizeof(u)));
		else if (be->drain_until_us > now)
			snprintf(buf, len, ": %u sessions left, reset in %s", held,
				ago(be->drain_until_us - now, t, sizeof(t)));
		else
			snprintf(buf, len, ": %u sessions left", held);
		break;
	case WR_BACKEND_DOWN:
		if (be->health != WR_HEALTH_DOWN)
			snprintf(
				buf, len, ": its agent says so, %s", check_words(ac, u, sizeof(u)));
		else if (be->streak > 0)
			snprintf(buf, len, ": %s (%u of %u good checks)",
				check_words(hc, u, sizeof(u)), be->streak, rise);
		else
			snprintf(buf, len, ": %s (%u of %u)", check_words(hc, u, sizeof(u)), fall,
				fall);
		break;
	case WR_BACKEND_OPEN:
		snprintf(buf, len, ": %s; tried again in %s", be->breaker_why,
			ago(be->breaker_until_us > now ? be->breaker_until_us - now : 0, t,
				sizeof(t)));
		break;
	case WR_BACKEND_HALF_OPEN:
		snprintf(buf, len, ": %s; a check decides", be->breaker_why);
		break;
	case WR_BACKEND_SLOW_START:
		snprintf(buf, len, ": %u %% of its share", b->share[be->id] * 100u / WHOLE);
		break;
	case WR_BACKEND_UP:
		if (hc->known && be->streak > 0)
			snprintf(buf, len, ": %s (%u of %u)", check_words(hc, u, sizeof(u)),
				be->streak, fall);
		else
			snprintf(buf, len, ": %s", check_words(hc, u, sizeof(u)));
		break;
	default:
		break;
	}
}

char *wr_backend_words(const struct wr_backends *b, const struct wr_backend *be, wr_us_t now,
	char *buf, size_t len)
{
	static const char *const is[WR_BACKEND_STATES] = {
		[WR_BACKEND_LEAVING] = "is leaving",
		[WR_BACKEND_DISABLED] = "is disabled",
		[WR_BACKEND_DRAINING] = "drains",
		[WR_BACKEND_DOWN] = "is down",
		[WR_BACKEND_OPEN] = "is taken out",
		[WR_BACKEND_HALF_OPEN] = "is tried again",
		[WR_BACKEND_SLOW_START] = "starts slowly",
		[WR_BACKEND_UP] = "is up",
		[WR_BACKEND_NOCHECK] = "is not checked",
	};
	wr_us_t in = now > be->state_since_us ? now - be->state_since_us : 0;
	char t[32], reason[160];

	why(b, be, now, reason, sizeof(reason));
	snprintf(buf, len, "%s %s since %s%s", be->name, is[be->state], ago(in, t, sizeof(t)),
		reason);
	return buf;
}
