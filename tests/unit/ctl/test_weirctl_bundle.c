/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include <sys/stat.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>

#include "../../../app/weirctl/bundle.h"
#include "../../../app/weirctl/dump.h"

static char dir[32], file[64];
static struct wr_err err;

static int setup(void **state)
{
	snprintf(dir, sizeof(dir), "/tmp/wr-bundle-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(file, sizeof(file), "%s/a.tar.gz", dir);
	memset(&err, 0, sizeof(err));
	return 0;
}

static int teardown(void **state)
{
	unlink(file);
	// Nothing else is left there.
	assert_int_equal(rmdir(dir), 0);
	return 0;
}

// The content of one file of the archive, or NULL; *names gets how many there are.
static char *content(const char *name, unsigned int *names)
{
	struct archive *a = archive_read_new();
	struct archive_entry *e;
	char *found = NULL;

	archive_read_support_filter_gzip(a);
	archive_read_support_format_tar(a);
	assert_int_equal(archive_read_open_filename(a, file, 10240), ARCHIVE_OK);
	*names = 0;
	while (archive_read_next_header(a, &e) == ARCHIVE_OK) {
		++*names;
		if (strcmp(archive_entry_pathname(e), name) != 0)
			continue;
		found = calloc(1, (size_t)archive_entry_size(e) + 1);
		assert_int_equal(archive_read_data(a, found, (size_t)archive_entry_size(e)),
			archive_entry_size(e));
	}
	archive_read_free(a);
	return found;
}

static void bundle_is_there_when_it_is_whole(void **state)
{
	struct bundle *b = bundle_open(file, &err);
	unsigned int names;
	struct stat st;
	char *text;

	assert_non_null(b);
	assert_int_equal(bundle_add(b, "x/one", "hello", 5), 0);
	assert_int_equal(bundle_add(b, "x/empty", "", 0), 0);
	assert_int_not_equal(access(file, F_OK), 0);
	assert_int_equal(bundle_close(b, &err), 0);
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	text = content("x/one", &names);
	assert_string_equal(text, "hello");
	assert_int_equal(names, 2);
	free(text);
}

static void bundle_without_a_folder(void **state)
{
	char nowhere[80];

	snprintf(nowhere, sizeof(nowhere), "%s/no/a.tar.gz", dir);
	assert_null(bundle_open(nowhere, &err));
	assert_non_null(strstr(err.text, "cannot be made"));
}

// A name that cannot be taken over: nothing is left of the rest.
static void bundle_that_fails_leaves_nothing(void **state)
{
	struct bundle *b = bundle_open(file, &err);

	assert_int_equal(mkdir(file, 0700), 0);
	assert_int_equal(bundle_add(b, "x/one", "hello", 5), 0);
	assert_int_equal(bundle_close(b, &err), -1);
	assert_non_null(strstr(err.text, "a.tar.gz"));
	assert_int_equal(rmdir(file), 0);
}

static void dump_without_an_instance_has_the_rest(void **state)
{
	const struct client c = {.name = "lb1", .dir = dir, .timeout_ms = 1000};
	unsigned int names;
	char *text;

	assert_int_equal(dump_run(&c, file, false, &err), EXIT_REACH);
	assert_non_null(strstr(err.text, "was not reached"));
	text = content("a/MANIFEST", &names);
	assert_non_null(text);
	assert_non_null(strstr(text, "no tables: no instance 'lb1'"));
	free(text);
	text = content("a/versions.txt", &names);
	assert_non_null(strstr(text, "kernel: Linux"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(bundle_is_there_when_it_is_whole, setup, teardown),
		cmocka_unit_test_setup_teardown(bundle_without_a_folder, setup, teardown),
		cmocka_unit_test_setup_teardown(bundle_that_fails_leaves_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(
			dump_without_an_instance_has_the_rest, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
