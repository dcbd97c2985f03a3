/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "notify.h"

#define NAME "weir-test-notify"

struct ear {
	int fd;
	char name[64];
};

// An abstract socket: no file to leave behind.
static void listen_as_manager(struct ear *e)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int n = snprintf(e->name, sizeof(e->name), "@" NAME "-%d", (int)getpid());

	memcpy(a.sun_path + 1, e->name + 1, (size_t)n - 1);
	e->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	assert_true(e->fd >= 0);
	assert_int_equal(
		bind(e->fd, (struct sockaddr *)&a, (socklen_t)(sizeof(sa_family_t) + (size_t)n)),
		0);
	setenv("NOTIFY_SOCKET", e->name, 1);
}

// The next message, "" when there is none.
static const char *hear(struct ear *e)
{
	static char text[1024];
	ssize_t n = recv(e->fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void open_both(struct ear *e, struct notify *n, const char *watchdog_usec)
{
	listen_as_manager(e);
	if (watchdog_usec != NULL)
		setenv("WATCHDOG_USEC", watchdog_usec, 1);
	notify_open(n);
	assert_true(n->fd >= 0);
}

static void close_both(struct ear *e, struct notify *n)
{
	notify_close(n);
	notify_close(n); // twice is nothing
	close(e->fd);
}

static void watch_moved_all_workers(void **state)
{
	struct watch w = {0};
	uint16_t hangs = 99;

	assert_true(watch_moved(&w, (uint64_t[]){10, 10, 10}, 3, &hangs)); // the first look
	assert_false(watch_moved(&w, (uint64_t[]){11, 10, 11}, 3, &hangs));
	assert_int_equal(hangs, 1);
	// What had moved need not move again.
	assert_false(watch_moved(&w, (uint64_t[]){11, 10, 11}, 3, &hangs));
	assert_true(watch_moved(&w, (uint64_t[]){11, 12, 11}, 3, &hangs));
	assert_false(watch_moved(&w, (uint64_t[]){11, 13, 12}, 3, &hangs));
	assert_int_equal(hangs, 0);
}

static void notify_open_takes_environment(void **state)
{
	struct ear e;
	struct notify n;

	open_both(&e, &n, "20000000");
	assert_int_equal(n.watchdog_us, 10 * WR_US_PER_S);
	assert_null(getenv("NOTIFY_SOCKET"));
	assert_null(getenv("WATCHDOG_USEC"));
	close_both(&e, &n);
}

static void notify_open_other_pid(void **state)
{
	struct ear e;
	struct notify n;

	setenv("WATCHDOG_PID", "1", 1);
	open_both(&e, &n, "20000000");
	assert_int_equal(n.watchdog_us, 0);
	assert_null(getenv("WATCHDOG_PID"));
	close_both(&e, &n);
}

static void notify_open_bad_address(void **state)
{
	static const char *const names[] = {"", "relative", "/", "@",
		"/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"aaaaa"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
	struct notify n;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		setenv("NOTIFY_SOCKET", names[i], 1);
		notify_open(&n);
		assert_int_equal(n.fd, -1);
		notify_ready(&n, "x", 1);
		notify_stopping(&n, 1);
		assert_false(notify_watchdog_due(&n, 1));
	}
}

static void notify_life(void **state)
{
	struct ear e;
	struct notify n;
	char line[512];

	open_both(&e, &n, NULL);
	notify_ready(&n, "serves: 0 sessions", 100);
	snprintf(line, sizeof(line), "READY=1\nSTATUS=serves: 0 sessions\nMAINPID=%d",
		(int)getpid());
	assert_string_equal(hear(&e), line);
	notify_reload(&n, false); // nothing changed
	assert_string_equal(hear(&e), "");
	notify_reload(&n, true);
	assert_non_null(strstr(hear(&e), "RELOADING=1\nMONOTONIC_USEC="));
	notify_reload(&n, true);
	assert_string_equal(hear(&e), "");
	notify_reload(&n, false);
	assert_string_equal(hear(&e), "READY=1");
	notify_stopping(&n, 30 * WR_US_PER_S);
	assert_non_null(strstr(hear(&e), "EXTEND_TIMEOUT_USEC=45000000"));
	close_both(&e, &n);
}

static void notify_status_rarely(void **state)
{
	struct ear e;
	struct notify n;

	open_both(&e, &n, NULL);
	notify_ready(&n, "a", 0);
	hear(&e);
	notify_status(&n, "b", false, 4 * WR_US_PER_S);
	assert_string_equal(hear(&e), "");
	notify_status(&n, "b", false, 5 * WR_US_PER_S);
	assert_string_equal(hear(&e), "STATUS=b");
	notify_status(&n, "b", true, 6 * WR_US_PER_S);
	assert_string_equal(hear(&e), "");
	// A sentence about a file may hold what would be another field.
	notify_status(&n, "c\nWATCHDOG=trigger", true, 6 * WR_US_PER_S);
	assert_string_equal(hear(&e), "STATUS=c WATCHDOG=trigger");
	close_both(&e, &n);
}

static void notify_watchdog_stops_with_a_worker(void **state)
{
	struct ear e;
	struct notify n;

	open_both(&e, &n, "2000000"); // so one a second
	notify_ready(&n, "", 0);
	hear(&e);
	assert_true(notify_watchdog_due(&n, 0));
	notify_watchdog(&n, (uint64_t[]){1, 1}, 2, 0);
	assert_string_equal(hear(&e), "WATCHDOG=1");
	assert_false(notify_watchdog_due(&n, WR_US_PER_S - 1));
	assert_true(notify_watchdog_due(&n, WR_US_PER_S));
	notify_watchdog(&n, (uint64_t[]){2, 1}, 2, WR_US_PER_S);
	assert_string_equal(hear(&e), "");
	notify_watchdog(&n, (uint64_t[]){3, 1}, 2, 2 * WR_US_PER_S);
	notify_watchdog(&n, (uint64_t[]){4, 1}, 2, 3 * WR_US_PER_S);
	assert_string_equal(hear(&e), "");
	notify_watchdog(&n, (uint64_t[]){4, 2}, 2, 3 * WR_US_PER_S);
	assert_string_equal(hear(&e), "WATCHDOG=1");
	close_both(&e, &n);
}

static void notify_manager_gone(void **state)
{
	struct ear e, again;
	struct notify n;

	open_both(&e, &n, NULL);
	close(e.fd);
	notify_ready(&n, "nobody hears", 0);
	// One that comes back under the same name is found.
	listen_as_manager(&again);
	notify_reload(&n, true);
	assert_non_null(strstr(hear(&again), "RELOADING=1"));
	close_both(&again, &n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(watch_moved_all_workers),
		cmocka_unit_test(notify_open_takes_environment),
		cmocka_unit_test(notify_open_other_pid),
		cmocka_unit_test(notify_open_bad_address),
		cmocka_unit_test(notify_life),
		cmocka_unit_test(notify_status_rarely),
		cmocka_unit_test(notify_watchdog_stops_with_a_worker),
		cmocka_unit_test(notify_manager_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
