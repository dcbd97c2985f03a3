/* SPDX-License-Identifier: BSD-3-Clause */
#include "check_answer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void check_answer_set(struct wr_check_answer *a, int err, const char *fmt, ...)
{
	va_list ap;

	a->err = err;
	va_start(ap, fmt);
	vsnprintf(a->text, sizeof(a->text), fmt, ap);
	va_end(ap);
	for (char *c = a->text; *c != '\0'; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
}

static const char *where(enum check_stage stage)
{
	return stage == CHECK_CONNECTING ? "while connecting"
	       : stage == CHECK_ASKED    ? "before an answer"
	                                 : "in the middle of its answer";
}

void check_answer_ended(struct wr_check_answer *a, enum wr_tcp_end end, enum check_stage stage)
{
	switch (end) {
	case WR_TCP_END_REFUSED:
		check_answer_set(a, ECONNREFUSED, "connection refused");
		break;
	case WR_TCP_END_RESET:
		check_answer_set(a, ECONNRESET, "reset %s", where(stage));
		break;
	case WR_TCP_END_TIMEOUT:
		check_answer_set(a, ETIMEDOUT, "packets not acknowledged %s", where(stage));
		break;
	case WR_TCP_END_NO_ROUTE:
		check_answer_set(a, EHOSTUNREACH, "unreachable %s", where(stage));
		break;
	case WR_TCP_END_NONE:
	case WR_TCP_END_EVICTED:
		check_answer_unable(a, ENOBUFS);
		break;
	case WR_TCP_END_CLOSED:
		check_answer_set(a, EPIPE, "closed %s", where(stage));
		break;
	}
}

void check_answer_late(struct wr_check_answer *a, enum check_stage stage, wr_us_t timeout_us)
{
	const char *what = stage == CHECK_CONNECTING ? "not connected"
	                   : stage == CHECK_ASKED    ? "no answer"
	                                             : "answer not complete";
	bool whole = timeout_us % WR_US_PER_S == 0;

	check_answer_set(a, ETIMEDOUT, "%s within %llu %s", what,
		timeout_us / (whole ? WR_US_PER_S : WR_US_PER_MS), whole ? "s" : "ms");
}

void check_answer_unable(struct wr_check_answer *a, int err)
{
	const char *why = err == EADDRNOTAVAIL || err == EADDRINUSE ? "no free source port"
	                  : err == ENETUNREACH ? "no source address and route towards it"
	                  : err == ENOBUFS     ? "no connection or buffer free"
	                                       : strerror(err);

	check_answer_set(a, err, "not asked: %s", why);
}

void check_answer_no_verdict(struct wr_check_answer *a)
{
	char was[sizeof(a->text)];

	memcpy(was, a->text, sizeof(was));
	check_answer_set(a, a->err, "agent: %.*s (no verdict)",
		(int)(sizeof(a->text) - sizeof("agent:  (no verdict)")), was);
}
