/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include <errno.h>

#include "check_agent.h"

// Lines of agents: fed whole and byte by byte, ended by a newline or by closing.

static struct wr_check_answer feed(const char *line, size_t len, size_t step, bool closes)
{
	struct check_agent c;

	check_agent_init(&c);
	for (size_t at = 0; at < len; at += step)
		check_agent_feed(&c, (const uint8_t *)line + at,
			(uint32_t)(len - at < step ? len - at : step));
	if (closes)
		check_agent_end(&c);
	return c.judged ? c.answer : (struct wr_check_answer){.err = -1};
}

static struct wr_check_answer said(const char *line)
{
	struct wr_check_answer a = feed(line, strlen(line), strlen(line), true), b;
	char ended[CHECK_AGENT_LINE_MAX + 16];

	b = feed(line, strlen(line), 1, true);
	assert_memory_equal(&a, &b, sizeof(a));
	snprintf(ended, sizeof(ended), "%s\r\nmore, which is not looked at\n", line);
	b = feed(ended, strlen(ended), 3, false);
	assert_memory_equal(&a, &b, sizeof(a));
	return a;
}

static void fits(const char *line, uint16_t agent)
{
	struct wr_check_answer a = said(line);

	if (a.err != 0 || a.agent != agent)
		fail_msg("%s: %d %s, %x", line, a.err, a.text, a.agent);
}

static void agent_words(void **state)
{
	fits("ready", WR_AGENT_READY);
	fits("drain", WR_AGENT_DRAIN);
	fits("maint", WR_AGENT_MAINT);
	fits("up", WR_AGENT_UP);
	fits("down", WR_AGENT_DOWN);
	fits("fail", WR_AGENT_DOWN);
	fits("failed", WR_AGENT_DOWN);
	fits("STOPPED", WR_AGENT_DOWN);
	fits("up ready", WR_AGENT_UP | WR_AGENT_READY);
	fits("\tup,ready , 5%", WR_AGENT_UP | WR_AGENT_READY | WR_AGENT_WEIGHT);
	// The last of two that contradict each other.
	fits("up down", WR_AGENT_DOWN);
	fits("maint drain ready", WR_AGENT_READY);
}

static void agent_numbers(void **state)
{
	struct wr_check_answer a = said("75% maxconn:30 up");

	assert_int_equal(a.err, 0);
	assert_int_equal(a.agent, WR_AGENT_WEIGHT | WR_AGENT_MAXCONN | WR_AGENT_UP);
	assert_int_equal(a.weight_percent, 75);
	assert_int_equal(a.maxconn, 30);
	assert_string_equal(a.text, "agent: 75% maxconn:30 up");
	a = said("0%,maxconn:0");
	assert_int_equal(a.agent, WR_AGENT_WEIGHT | WR_AGENT_MAXCONN);
	assert_int_equal(a.weight_percent, 0);
	assert_int_equal(a.maxconn, 0);
	assert_int_equal(said("65535%").weight_percent, 65535);
	assert_int_equal(said("maxconn:4294967295").maxconn, UINT32_MAX);
	assert_int_equal(said("10% 20%").weight_percent, 20);
}

static void agent_description(void **state)
{
	struct wr_check_answer a = said("down#disk is full, really  ");

	assert_int_equal(a.err, 0);
	assert_int_equal(a.agent, WR_AGENT_DOWN);
	assert_string_equal(a.text, "agent: down#disk is full, really");
	fits("up #\tand 5% more", WR_AGENT_UP);
	assert_int_equal(said("#only words").err, EPROTO);
}

static void agent_unknown_word(void **state)
{
	static const char *const wrong[] = {"hello", "75", "%", "7x%", "-5%", "65536%", "5%%",
		"maxconn:", "maxconn:x", "maxconn:4294967296", "maxconn", "downs", "u",
		"99999999999999999999%"};
	struct wr_check_answer a;
	char text[64];

	for (size_t i = 0; i < RTE_DIM(wrong); i++) {
		a = said(wrong[i]);
		assert_int_equal(a.err, EPROTO);
		snprintf(text, sizeof(text), "agent: unknown word '%s'", wrong[i]);
		assert_string_equal(a.text, text);
		assert_int_equal(a.agent, 0);
	}
	// Nothing of a line that was not understood counts.
	a = said("50% maxconn:5 drain what");
	assert_int_equal(a.err, EPROTO);
	assert_string_equal(a.text, "agent: unknown word 'what'");
	assert_int_equal(a.agent | a.weight_percent | a.maxconn, 0);
}

static void agent_nothing_said(void **state)
{
	struct wr_check_answer a = feed("\n", 1, 1, false);

	assert_int_equal(a.err, EPROTO);
	assert_string_equal(a.text, "agent: no word in its line");
	assert_int_equal(feed(" \t,\r\nup\n", 8, 8, false).err, EPROTO);
	a = feed("", 0, 1, true);
	assert_int_equal(a.err, EPIPE);
	assert_string_equal(a.text, "agent: closed without a line");
	assert_int_equal(feed("up", 2, 2, false).err, -1); // more may come
}

static void agent_line_limit(void **state)
{
	char line[CHECK_AGENT_LINE_MAX + 1];
	struct wr_check_answer a;

	memset(line, ' ', sizeof(line));
	memcpy(line + sizeof(line) - 4, "up\n", 3);
	a = feed(line, CHECK_AGENT_LINE_MAX, 100, false);
	assert_int_equal(a.err, 0);
	assert_int_equal(a.agent, WR_AGENT_UP);
	memcpy(line + sizeof(line) - 4, " up\n", 4);
	a = feed(line, sizeof(line), 100, false);
	assert_int_equal(a.err, EMSGSIZE);
	assert_string_equal(a.text, "agent: line longer than 512 bytes");
}

static void agent_odd_bytes(void **state)
{
	struct wr_check_answer a = feed("up\0down\n", 8, 8, false);

	assert_int_equal(a.err, EPROTO);
	assert_string_equal(a.text, "agent: unknown word 'up?down'");
	a = feed("\x1b[31mup\n", 8, 8, false);
	assert_string_equal(a.text, "agent: unknown word '?[31mup'");
	a = feed("\xff\xfe\n", 3, 3, false);
	assert_string_equal(a.text, "agent: unknown word '?"
				    "?'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agent_words),
		cmocka_unit_test(agent_numbers),
		cmocka_unit_test(agent_description),
		cmocka_unit_test(agent_unknown_word),
		cmocka_unit_test(agent_nothing_said),
		cmocka_unit_test(agent_line_limit),
		cmocka_unit_test(agent_odd_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
