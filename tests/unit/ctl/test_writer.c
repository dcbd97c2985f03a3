/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "writer.h"

static char dir[64], file[128];

// A disk that stalls: a write tells that it was begun, and waits.
static bool stalls;
static sem_t begun, goes_on;

ssize_t write(int fd, const void *data, size_t len)
{
	if (__atomic_load_n(&stalls, __ATOMIC_ACQUIRE)) {
		sem_post(&begun);
		sem_wait(&goes_on);
	}
	return syscall(SYS_write, fd, data, len);
}

static void stall(bool yes)
{
	if (yes) {
		sem_init(&begun, 0, 0);
		sem_init(&goes_on, 0, 0);
	}
	__atomic_store_n(&stalls, yes, __ATOMIC_RELEASE);
	if (!yes)
		sem_post(&goes_on);
}

static int setup(void **state)
{
	snprintf(dir, sizeof(dir), "/tmp/wr-writer-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(file, sizeof(file), "%s/log", dir);
	return 0;
}

static int teardown(void **state)
{
	unlink(file);
	rmdir(dir);
	return 0;
}

static struct wr_writer_count counted(struct wr_writer *w, int *fd, int *err)
{
	struct wr_writer_count n = {0};

	assert_true(wr_writer_rests(w, 10000));
	wr_writer_counts(w, &n, fd, err);
	return n;
}

static void finish(struct wr_writer *w)
{
	struct wr_writer_count n = {0};
	uint64_t lines;

	wr_writer_end(w);
	assert_true(wr_writer_rests(w, 10000));
	assert_true(wr_writer_free(w, false, &n, &lines));
	assert_int_equal(lines, 0);
}

static void writer_counts_once(void **state)
{
	struct wr_writer *w = wr_writer_create(file);
	struct wr_writer_count n;
	int fd, err;

	assert_true(wr_writer_put(w, "one", 3));
	wr_writer_go(w, false);
	n = counted(w, &fd, &err);
	assert_int_equal(n.opened, 1);
	assert_int_equal(n.written, 1);
	assert_int_equal(n.bytes, 4);
	assert_true(fd >= 0);
	assert_int_equal(err, 0);
	assert_int_equal(counted(w, &fd, &err).written, 0);
	finish(w);
}

static void writer_end_writes_what_waits(void **state)
{
	struct wr_writer *w = wr_writer_create(file);
	char buf[16] = {0};
	int fd;

	assert_true(wr_writer_put(w, "one", 3));
	finish(w);
	fd = open(file, O_RDONLY);
	assert_int_equal(read(fd, buf, sizeof(buf)), 4);
	assert_string_equal(buf, "one\n");
	close(fd);
}

static void writer_has_no_more_room_than_told(void **state)
{
	static char line[1023];
	struct wr_writer *w = wr_writer_create(file);
	int fd, err;

	assert_true(wr_writer_rests(w, 10000));
	memset(line, 'x', sizeof(line));
	for (uint32_t i = 0; i < WR_WRITER_BYTES / 1024; i++)
		assert_true(wr_writer_put(w, line, sizeof(line)));
	assert_false(wr_writer_put(w, line, 0));
	wr_writer_go(w, false);
	assert_int_equal(counted(w, &fd, &err).written, WR_WRITER_BYTES / 1024);
	assert_true(wr_writer_put(w, line, 0));
	finish(w);
}

static void writer_without_its_directory(void **state)
{
	struct wr_writer *w;
	int fd, err;

	rmdir(dir);
	w = wr_writer_create(file);
	assert_true(wr_writer_put(w, "one", 3));
	wr_writer_go(w, false);
	assert_int_equal(counted(w, &fd, &err).closed, 1);
	assert_int_equal(fd, -1);
	assert_int_equal(err, ENOENT);
	finish(w);
}

// What it did between the last look and its end is told with the end.
static void writer_end_tells_what_was_not_counted(void **state)
{
	struct wr_writer *w = wr_writer_create(file);
	struct wr_writer_count n = {0};
	uint64_t lines;

	assert_true(wr_writer_put(w, "one", 3));
	wr_writer_end(w);
	assert_true(wr_writer_rests(w, 10000));
	assert_true(wr_writer_free(w, true, &n, &lines));
	assert_int_equal(n.written, 1);
	assert_int_equal(n.bytes, 4);
	assert_int_equal(lines, 0);
}

// Left while a write hangs: the lines in its hands are as lost as those that wait behind them.
static void writer_left_in_a_write_tells_all_its_lines(void **state)
{
	struct wr_writer *w = wr_writer_create(file);
	struct wr_writer_count n = {0};
	uint64_t lines;
	int fd, err;

	assert_true(wr_writer_put(w, "one", 3));
	wr_writer_go(w, false);
	assert_int_equal(counted(w, &fd, &err).written, 1);
	stall(true);
	for (int i = 0; i < 3; i++)
		assert_true(wr_writer_put(w, "two", 3));
	wr_writer_go(w, false);
	sem_wait(&begun);
	for (int i = 0; i < 2; i++)
		assert_true(wr_writer_put(w, "three", 5));
	assert_false(wr_writer_free(w, false, &n, &lines));
	assert_false(wr_writer_free(w, true, &n, &lines));
	assert_int_equal(n.written, 0);
	assert_int_equal(lines, 5);
	stall(false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(writer_counts_once, setup, teardown),
		cmocka_unit_test_setup_teardown(writer_end_writes_what_waits, setup, teardown),
		cmocka_unit_test_setup_teardown(writer_has_no_more_room_than_told, setup, teardown),
		cmocka_unit_test_setup_teardown(writer_without_its_directory, setup, teardown),
		cmocka_unit_test_setup_teardown(
			writer_end_tells_what_was_not_counted, setup, teardown),
		cmocka_unit_test_setup_teardown(
			writer_left_in_a_write_tells_all_its_lines, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
