/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../../app/weirctl/holders.h"

// An instance of ours: a child that accepts, and children that hold connections to it.

static struct sockaddr_un addr = {.sun_family = AF_UNIX};
static int held[2]; // children say that they are there

// Run `body` in a child, which then waits to be killed.
static pid_t child(const char *name, void (*body)(int n), int n)
{
	char c = 0;
	pid_t pid = fork();

	if (pid != 0) {
		assert_int_equal(read(held[0], &c, 1), 1);
		return pid;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, name);
	body(n);
	if (write(held[1], &c, 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

static void hold(int n)
{
	for (int i = 0; i < n; i++) {
		int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);

		if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) != 0)
			_exit(1);
	}
}

static int listener;

static void take(int n)
{
	for (int i = 0; i < n; i++)
		if (accept(listener, NULL, NULL) < 0)
			_exit(1);
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void holders_are_named_with_their_number(void **state)
{
	char text[256], part[64];
	pid_t one, two, instance;

	assert_int_equal(pipe(held), 0);
	snprintf(addr.sun_path, sizeof(addr.sun_path), "/tmp/wr-holders-%d", (int)getpid());
	listener = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(listener, 8), 0);
	one = child("one", hold, 3);
	two = child("two", hold, 1);
	instance = child("instance", take, 4);
	holders_list(instance, text, sizeof(text));
	snprintf(part, sizeof(part), "one (pid %d) 3", one);
	if (strstr(text, part) == NULL)
		fail_msg("'%s' is not in: %s", part, text);
	snprintf(part, sizeof(part), "two (pid %d) 1", two);
	assert_non_null(strstr(text, part));
	assert_null(strstr(text, "instance"));
	end(one);
	end(two);
	assert_string_equal(holders_list(instance, text, sizeof(text)), "");
	end(instance);
	close(listener);
	unlink(addr.sun_path);
}

static void holders_of_nobody(void **state)
{
	char text[256];

	assert_string_equal(holders_list(0, text, sizeof(text)), "");
	assert_string_equal(holders_list(0x7ffffff0, text, sizeof(text)), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(holders_are_named_with_their_number),
		cmocka_unit_test(holders_of_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
