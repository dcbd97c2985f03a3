/* SPDX-License-Identifier: BSD-3-Clause */
#include "words_priv.h"

#include "wr_stats.h"

#define say wr_words_say

// Tunnels in words.

static void keys(struct wr_sentence *s, const struct wr_event *ev, const char *scope)
{
	switch ((enum wr_event_kind)ev->kind) {
	case WR_EV_ipsec_keys:
		say(s, "%s has new keys, number %u: what arrives may use them", scope, ev->extra);
		break;
	case WR_EV_ipsec_switched:
		say(s, "%s sends with keys %u from now on: %s", scope, ev->extra, ev->text);
		break;
	case WR_EV_ipsec_retired:
		say(s, "%s does not accept keys %u any more", scope, ev->extra);
		break;
	default:
		say(s, "new keys of %s are refused, it goes on with those it has: %s", scope,
			ev->text);
		break;
	}
}

static void refused(struct wr_sentence *s, const struct wr_event *ev, const char *scope)
{
	const char *reason = wr_drop_name(ev->reason);

	say(s, "%u packets that arrived through %s were refused in the last second", ev->count,
		scope);
	if (ev->reason != WR_DROP_NONE && reason != NULL)
		say(s, ", most of them by %s: %s", reason, wr_drop_text(ev->reason));
}

bool wr_words_ipsec(struct wr_sentence *s, const struct wr_event *ev, const char *scope)
{
	scope = scope[0] != '\0' ? scope : "a tunnel";
	switch ((enum wr_event_kind)ev->kind) {
	case WR_EV_ipsec_keys:
	case WR_EV_ipsec_switched:
	case WR_EV_ipsec_retired:
	case WR_EV_ipsec_keys_refused:
		keys(s, ev, scope);
		return true;
	case WR_EV_ipsec_ending:
		say(s,
			"keys %u of %s are near the end of their life and there are no new ones: "
			"%s; weirctl ipsec --rekey",
			ev->extra, scope, ev->text);
		return true;
	case WR_EV_ipsec_closed:
		say(s, "%s is closed, nothing is sent in clear: %s; weirctl ipsec --rekey", scope,
			ev->text);
		return true;
	case WR_EV_ipsec_open:
		say(s, "%s is open, with keys %u", scope, ev->extra);
		return true;
	case WR_EV_ipsec_refused:
		refused(s, ev, scope);
		return true;
	default:
		return false;
	}
}
