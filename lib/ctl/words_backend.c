/* SPDX-License-Identifier: BSD-3-Clause */
#include "words_priv.h"

#include <stdio.h>
#include <string.h>

#define say wr_words_say

// Backends, pools and configurations in words.

// " (HTTP 503)", where something is known.
static void why(struct wr_sentence *s, const struct wr_event *ev)
{
	if (ev->text[0] != '\0')
		say(s, " (%s)", ev->text);
	else if (ev->extra != 0)
		say(s, " (%s)", strerror((int)ev->extra));
}

static void health(struct wr_sentence *s, const struct wr_event *ev, const char *scope)
{
	say(s, "backend %s ", scope);
	switch ((enum wr_event_kind)ev->kind) {
	case WR_EV_backend_up:
		say(s, "is up: it passed its checks");
		break;
	case WR_EV_backend_down:
		say(s, "is down: it failed its checks");
		why(s, ev);
		say(s, "; it had %u sessions", ev->count);
		break;
	default:
		if (ev->extra == 0) {
			say(s, "passed a health check");
			break;
		}
		say(s, "failed a health check: %s",
			ev->text[0] != '\0' ? ev->text : strerror((int)ev->extra));
		break;
	}
}

static void order(struct wr_sentence *s, const struct wr_event *ev, const char *scope)
{
	say(s, "backend %s ", scope);
	if (ev->kind == WR_EV_backend_admin) {
		say(s, "was changed by an operator: %s", ev->text);
	} else if (ev->kind == WR_EV_backend_agent) {
		say(s, "was changed by its agent: %s", ev->text);
	} else {
		say(s, "is drained");
		if (ev->count > 0)
			say(s, ": its time was over, and %u sessions were reset", ev->count);
		else
			say(s, ": it has no session left");
	}
}

static void breaker(struct wr_sentence *s, const struct wr_event *ev, const char *scope)
{
	say(s, "backend %s ", scope);
	switch ((enum wr_event_kind)ev->kind) {
	case WR_EV_breaker_open:
		say(s, "takes no sessions for %u.%u s: %s", ev->extra / 1000,
			ev->extra % 1000 / 100, ev->text);
		if (ev->count > 1)
			say(s, "; %u times in a row now", ev->count);
		break;
	case WR_EV_breaker_half_open:
		say(s, "is tried again after it was taken out");
		break;
	case WR_EV_breaker_closed:
		say(s, "serves again after it was taken out");
		break;
	case WR_EV_breaker_withheld:
		say(s, "stays although it fails (%s): too many of its pool are out", ev->text);
		break;
	default:
		say(s, "has its whole share again");
		break;
	}
}

static void pool(struct wr_sentence *s, const struct wr_event *ev, const char *scope)
{
	say(s, "%s: ", scope[0] != '\0' ? scope : "a pool");
	switch ((enum wr_event_kind)ev->kind) {
	case WR_EV_pool_spill:
		say(s, "new sessions go elsewhere");
		break;
	case WR_EV_pool_return:
		say(s, "new sessions come back");
		break;
	case WR_EV_pool_fail_open:
		say(s, "too few of its backends are well, so checks and breakers are not heeded");
		break;
	case WR_EV_pool_fail_open_end:
		say(s, "enough of its backends are well again");
		break;
	default:
		say(s, "no backend can take sessions");
		break;
	}
	if (ev->text[0] != '\0')
		say(s, ": %s", ev->text);
	if (ev->kind == WR_EV_pool_empty)
		say(s, "; see weirctl backends");
}

static void config(struct wr_sentence *s, const struct wr_event *ev)
{
	switch ((enum wr_event_kind)ev->kind) {
	case WR_EV_config_loaded:
		say(s, "configuration %u is in force, %u lines differ", ev->extra, ev->count);
		break;
	case WR_EV_config_refused:
		say(s, "a configuration was refused, the running one goes on");
		break;
	case WR_EV_config_rolled_back:
		say(s, "a configuration was taken back, number %u is in force again", ev->extra);
		break;
	default:
		say(s, "configuration %u was confirmed and stays", ev->extra);
		break;
	}
	if (ev->text[0] != '\0')
		say(s, ": %s", ev->text);
}

bool wr_words_backend(struct wr_sentence *s, const struct wr_event *ev, const char *scope)
{
	switch ((enum wr_event_kind)ev->kind) {
	case WR_EV_backend_up:
	case WR_EV_backend_down:
	case WR_EV_backend_probe:
		health(s, ev, scope);
		return true;
	case WR_EV_backend_admin:
	case WR_EV_backend_agent:
	case WR_EV_backend_drained:
		order(s, ev, scope);
		return true;
	case WR_EV_breaker_open:
	case WR_EV_breaker_half_open:
	case WR_EV_breaker_closed:
	case WR_EV_breaker_withheld:
	case WR_EV_slow_start_end:
		breaker(s, ev, scope);
		return true;
	case WR_EV_pool_spill:
	case WR_EV_pool_return:
	case WR_EV_pool_fail_open:
	case WR_EV_pool_fail_open_end:
	case WR_EV_pool_empty:
		pool(s, ev, scope);
		return true;
	case WR_EV_config_loaded:
	case WR_EV_config_refused:
	case WR_EV_config_rolled_back:
	case WR_EV_config_confirmed:
		config(s, ev);
		return true;
	default:
		return false;
	}
}
