/* SPDX-License-Identifier: BSD-3-Clause */
#include "settings_test.h"

#include <unistd.h>

static void read_file_whole(void **state)
{
	char name[] = "/tmp/weir-settings-XXXXXX", *text;
	struct wr_err err = {{0}};
	int fd = mkstemp(name);
	size_t len = 0;

	assert_int_equal(write(fd, "a: b", 4), 4);
	text = wr_settings_read(name, &len, &err);
	assert_non_null(text);
	assert_int_equal(len, 4);
	assert_memory_equal(text, "a: b", 4);
	free(text);
	// One byte more than the parser takes is read, so that it can say so.
	assert_int_equal(ftruncate(fd, 9 << 20), 0);
	text = wr_settings_read(name, &len, &err);
	assert_int_equal(len, (8 << 20) + 1);
	toy_refused_whole(text, len, NULL, "t.yaml: is larger than 8 MiB");
	free(text);
	close(fd);
	unlink(name);
}

static void read_file_missing(void **state)
{
	struct wr_err err = {{0}};
	size_t len;

	assert_null(wr_settings_read("/nonexistent/w.yaml", &len, &err));
	assert_non_null(strstr(err.text, "cannot be opened: No such file"));
	memset(&err, 0, sizeof(err));
	assert_null(wr_settings_read("/tmp", &len, &err));
	assert_non_null(strstr(err.text, "/tmp: cannot be read: Is a directory"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(read_file_whole),
		cmocka_unit_test(read_file_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
