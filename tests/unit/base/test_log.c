/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "wr_log.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

struct capture {
	int saved;
	int fds[2];
	char text[4096];
};

// Standard error goes into a pipe while a test logs.
static int setup(void **state)
{
	struct capture *c = calloc(1, sizeof(*c));

	fflush(stderr);
	c->saved = dup(STDERR_FILENO);
	assert_int_equal(pipe2(c->fds, O_NONBLOCK), 0);
	dup2(c->fds[1], STDERR_FILENO);
	wr_log_set_level(WR_LOG_INFO);
	*state = c;
	return 0;
}

static const char *logged(struct capture *c)
{
	ssize_t n = read(c->fds[0], c->text, sizeof(c->text) - 1);

	c->text[n > 0 ? n : 0] = '\0';
	return c->text;
}

static int teardown(void **state)
{
	struct capture *c = *state;

	dup2(c->saved, STDERR_FILENO);
	close(c->saved);
	close(c->fds[0]);
	close(c->fds[1]);
	free(c);
	return 0;
}

static void log_line_has_level_prefix(void **state)
{
	wr_log(WR_LOG_ERROR, "port %s has no link", "wan");
	assert_string_equal(logged(*state), "<3>port wan has no link\n");
}

static void log_line_below_level(void **state)
{
	wr_log(WR_LOG_DEBUG, "not seen");
	assert_string_equal(logged(*state), "");
	wr_log_set_level(WR_LOG_DEBUG);
	wr_log(WR_LOG_DEBUG, "seen");
	assert_string_equal(logged(*state), "<7>seen\n");
	wr_log_set_level(WR_LOG_ERROR);
	wr_log(WR_LOG_WARN, "not seen");
	assert_string_equal(logged(*state), "");
}

static void log_line_stays_one(void **state)
{
	wr_log(WR_LOG_INFO, "a\nb\r\n");
	assert_string_equal(logged(*state), "<6>a b  \n");
}

static void log_line_too_long(void **state)
{
	char text[3000];
	const char *line;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	wr_log(WR_LOG_INFO, "%s", text);
	line = logged(*state);
	assert_in_range(strlen(line), 1000, 1024);
	assert_string_equal(line + strlen(line) - 2, "x\n");
}

static void log_line_keeps_errno(void **state)
{
	errno = ENOENT;
	wr_log(WR_LOG_INFO, "x");
	assert_int_equal(errno, ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(log_line_has_level_prefix, setup, teardown),
		cmocka_unit_test_setup_teardown(log_line_below_level, setup, teardown),
		cmocka_unit_test_setup_teardown(log_line_stays_one, setup, teardown),
		cmocka_unit_test_setup_teardown(log_line_too_long, setup, teardown),
		cmocka_unit_test_setup_teardown(log_line_keeps_errno, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
