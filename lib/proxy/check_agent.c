/* SPDX-License-Identifier: BSD-3-Clause */
#include "check_agent.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "check_answer.h"

#define SEPARATORS " \t,\r"

static const struct word {
	const char *text;
	uint16_t sets, clears; // the last word of those that contradict each other holds
} words[] = {
	{"up", WR_AGENT_UP, WR_AGENT_DOWN},
	{"down", WR_AGENT_DOWN, WR_AGENT_UP},
	{"fail", WR_AGENT_DOWN, WR_AGENT_UP},
	{"failed", WR_AGENT_DOWN, WR_AGENT_UP},
	{"stopped", WR_AGENT_DOWN, WR_AGENT_UP},
	{"ready", WR_AGENT_READY, WR_AGENT_DRAIN | WR_AGENT_MAINT},
	{"drain", WR_AGENT_DRAIN, WR_AGENT_READY | WR_AGENT_MAINT},
	{"maint", WR_AGENT_MAINT, WR_AGENT_READY | WR_AGENT_DRAIN},
};

void check_agent_init(struct check_agent *c)
{
	memset(&c->answer, 0, sizeof(c->answer));
	c->len = 0;
	c->judged = false;
}

// Digits up to `end`, at most `most`.
static bool number(const char *text, const char *end, uint64_t most, uint64_t *out)
{
	*out = 0;
	if (text == end)
		return false;
	for (; text < end; text++) {
		if (!isdigit((unsigned char)*text))
			return false;
		*out = *out * 10 + (uint64_t)(*text - '0');
		if (*out > most)
			return false;
	}
	return true;
}

static bool take_word(struct wr_check_answer *a, const char *at, size_t len)
{
	static const char maxconn[] = "maxconn:";
	const size_t head = sizeof(maxconn) - 1;
	uint64_t n;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strlen(words[i].text) != len || strncasecmp(at, words[i].text, len) != 0)
			continue;
		a->agent = (uint16_t)((a->agent & ~words[i].clears) | words[i].sets);
		return true;
	}
	if (at[len - 1] == '%' && number(at, at + len - 1, UINT16_MAX, &n)) {
		a->agent |= WR_AGENT_WEIGHT;
		a->weight_percent = (uint16_t)n;
		return true;
	}
	if (len > head && strncasecmp(at, maxconn, head) == 0 &&
		number(at + head, at + len, UINT32_MAX, &n)) {
		a->agent |= WR_AGENT_MAXCONN;
		a->maxconn = (uint32_t)n;
		return true;
	}
	return false;
}

static void nothing_said(struct wr_check_answer *a)
{
	a->agent = 0;
	a->weight_percent = 0;
	a->maxconn = 0;
}

static void judge(struct check_agent *c)
{
	struct wr_check_answer *a = &c->answer;
	const char *begin = c->line + strspn(c->line, SEPARATORS), *at = begin;
	// What stands behind a '#' is for people.
	const char *end = begin + strcspn(begin, "#");

	c->judged = true;
	if (at == end) {
		check_answer_set(a, EPROTO, "agent: no word in its line");
		return;
	}
	while (at < end) {
		size_t len = strcspn(at, SEPARATORS);

		if (len > (size_t)(end - at))
			len = (size_t)(end - at);
		if (!take_word(a, at, len)) {
			nothing_said(a);
			check_answer_set(a, EPROTO, "agent: unknown word '%.*s'", (int)len, at);
			return;
		}
		at += len;
		at += strspn(at, SEPARATORS);
	}
	end = begin + strlen(begin);
	while (strchr(SEPARATORS, end[-1]) != NULL)
		end--;
	check_answer_set(a, 0, "agent: %.*s", (int)(end - begin), begin);
}

bool check_agent_feed(struct check_agent *c, const uint8_t *data, uint32_t len)
{
	for (uint32_t i = 0; i < len && !c->judged; i++) {
		if (data[i] == '\n') {
			c->line[c->len] = '\0';
			judge(c);
		} else if (c->len == CHECK_AGENT_LINE_MAX - 1) {
			check_answer_set(&c->answer, EMSGSIZE, "agent: line longer than %u bytes",
				CHECK_AGENT_LINE_MAX);
			c->judged = true;
		} else {
			// A NUL is no end of the line, and no word has one.
			c->line[c->len++] = data[i] != 0 ? (char)data[i] : '?';
		}
	}
	return c->judged;
}

void check_agent_end(struct check_agent *c)
{
	if (c->judged)
		return;
	if (c->len == 0) {
		check_answer_set(&c->answer, EPIPE, "agent: closed without a line");
		c->judged = true;
		return;
	}
	c->line[c->len] = '\0';
	judge(c);
}
