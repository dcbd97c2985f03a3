/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include <errno.h>

#include "check_answer.h"

static void answer_set_clean_and_cut(void **state)
{
	struct wr_check_answer a = {.status = 7};

	check_answer_set(&a, EPROTO, "a\n\x7f%s\xc3", "\x1b~ ");
	assert_int_equal(a.err, EPROTO);
	assert_string_equal(a.text, "a???~ ?");
	assert_int_equal(a.status, 7);
	check_answer_set(&a, 0, "%0100d", 1);
	assert_int_equal(strlen(a.text), sizeof(a.text) - 1);
}

static void answer_ended_each(void **state)
{
	static const struct {
		enum wr_tcp_end end;
		enum check_stage stage;
		int err;
		const char *text;
	} rows[] = {
		{WR_TCP_END_REFUSED, CHECK_CONNECTING, ECONNREFUSED, "connection refused"},
		{WR_TCP_END_RESET, CHECK_ASKED, ECONNRESET, "reset before an answer"},
		{WR_TCP_END_RESET, CHECK_READING, ECONNRESET, "reset in the middle of its answer"},
		{WR_TCP_END_TIMEOUT, CHECK_ASKED, ETIMEDOUT,
			"packets not acknowledged before an answer"},
		{WR_TCP_END_NO_ROUTE, CHECK_CONNECTING, EHOSTUNREACH,
			"unreachable while connecting"},
		{WR_TCP_END_CLOSED, CHECK_ASKED, EPIPE, "closed before an answer"},
		{WR_TCP_END_EVICTED, CHECK_READING, ENOBUFS,
			"not asked: no connection or buffer free"},
	};

	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		struct wr_check_answer a = {0};

		check_answer_ended(&a, rows[i].end, rows[i].stage);
		assert_int_equal(a.err, rows[i].err);
		assert_string_equal(a.text, rows[i].text);
	}
}

static void answer_late_by_stage(void **state)
{
	struct wr_check_answer a = {0};

	check_answer_late(&a, CHECK_CONNECTING, WR_US_PER_S);
	assert_int_equal(a.err, ETIMEDOUT);
	assert_string_equal(a.text, "not connected within 1 s");
	check_answer_late(&a, CHECK_ASKED, 250 * WR_US_PER_MS);
	assert_string_equal(a.text, "no answer within 250 ms");
	check_answer_late(&a, CHECK_READING, 1500 * WR_US_PER_MS);
	assert_string_equal(a.text, "answer not complete within 1500 ms");
}

static void answer_unable_each(void **state)
{
	static const int errs[] = {EADDRNOTAVAIL, EADDRINUSE, ENETUNREACH, ENOBUFS, EINVAL};
	struct wr_check_answer a = {0};

	for (size_t i = 0; i < RTE_DIM(errs); i++) {
		check_answer_unable(&a, errs[i]);
		assert_int_equal(a.err, errs[i]);
		assert_int_equal(strncmp(a.text, "not asked: ", 11), 0);
	}
}

static void answer_no_verdict_fits(void **state)
{
	struct wr_check_answer a = {0};

	check_answer_set(&a, ECONNREFUSED, "connection refused");
	check_answer_no_verdict(&a);
	assert_int_equal(a.err, ECONNREFUSED);
	assert_string_equal(a.text, "agent: connection refused (no verdict)");
	check_answer_set(&a, EPIPE, "%060d", 1);
	check_answer_no_verdict(&a);
	assert_non_null(strstr(a.text, " (no verdict)"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answer_set_clean_and_cut),
		cmocka_unit_test(answer_ended_each),
		cmocka_unit_test(answer_late_by_stage),
		cmocka_unit_test(answer_unable_each),
		cmocka_unit_test(answer_no_verdict_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
