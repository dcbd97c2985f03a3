/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include <grp.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../../app/weirctl/key.h"

// The key file of an instance that has no socket: reading it asks nobody.

static char dir[32], file[64];
static struct wr_err err;
static char key[KEY_MAX + 1];

static int setup(void **state)
{
	char sub[64];

	snprintf(dir, sizeof(dir), "/tmp/wr-key-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(sub, sizeof(sub), "%s/dpdk", dir);
	mkdir(sub, 0700);
	snprintf(sub, sizeof(sub), "%s/dpdk/lb1", dir);
	mkdir(sub, 0700);
	snprintf(file, sizeof(file), "%s/dpdk/lb1/act.key", dir);
	memset(&err, 0, sizeof(err));
	return 0;
}

static int teardown(void **state)
{
	char sub[64];

	unlink(file);
	snprintf(sub, sizeof(sub), "%s/dpdk/lb1", dir);
	rmdir(sub);
	snprintf(sub, sizeof(sub), "%s/dpdk", dir);
	rmdir(sub);
	rmdir(dir);
	return 0;
}

static void put(const char *text)
{
	FILE *f = fopen(file, "w");

	fputs(text, f);
	fclose(f);
}

static int read_key(void)
{
	return key_read(&(struct client){.name = "lb1", .dir = dir}, key, &err);
}

static void key_none_is_needed(void **state)
{
	assert_int_equal(read_key(), EXIT_OK);
	assert_string_equal(key, "");
}

static void key_is_read_without_its_newline(void **state)
{
	put("0123456789abcdef0123456789abcdef\n");
	assert_int_equal(read_key(), EXIT_OK);
	assert_string_equal(key, "0123456789abcdef0123456789abcdef");
	put("0123456789abcdef0123456789abcdef");
	assert_int_equal(read_key(), EXIT_OK);
	assert_string_equal(key, "0123456789abcdef0123456789abcdef");
}

static void key_garbage_is_no_key(void **state)
{
	put("hello,world");
	assert_int_equal(read_key(), EXIT_REACH);
	assert_non_null(strstr(err.text, "holds no key"));
	assert_null(strstr(err.text, "hello"));
	err.text[0] = '\0';
	put("");
	assert_int_equal(read_key(), EXIT_REACH);
}

static void key_unreadable_names_the_cure(void **state)
{
	int status = 0;
	pid_t pid;

	put("00");
	// Whoever runs the tests: a child that is nobody, who still may look into the folder.
	chmod(dir, 0711);
	snprintf(key, sizeof(key), "%s/dpdk", dir);
	chmod(key, 0711);
	snprintf(key, sizeof(key), "%s/dpdk/lb1", dir);
	chmod(key, 0711);
	chmod(file, 0640);
	if (geteuid() != 0)
		skip();
	pid = fork();
	if (pid == 0) {
		int rc = setgroups(0, NULL) != 0 || setgid(65534) != 0 || setuid(65534) != 0
		                 ? EXIT_OK
		                 : read_key();

		_exit(rc == EXIT_REACH && strstr(err.text, "join its group root") != NULL ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(key_none_is_needed, setup, teardown),
		cmocka_unit_test_setup_teardown(key_is_read_without_its_newline, setup, teardown),
		cmocka_unit_test_setup_teardown(key_garbage_is_no_key, setup, teardown),
		cmocka_unit_test_setup_teardown(key_unreadable_names_the_cure, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
