/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "sink.h"

static struct {
	char dir[64], file[128], other[128], journal[96];
	struct wr_sink s;
	struct wr_conf_logging conf;
	wr_us_t now;
} f;

// A disk that stalls: writes of lines wait while this is held.
static pthread_mutex_t disk = PTHREAD_MUTEX_INITIALIZER;

ssize_t write(int fd, const void *data, size_t len)
{
	pthread_mutex_lock(&disk);
	pthread_mutex_unlock(&disk);
	return syscall(SYS_write, fd, data, len);
}

static int setup(void **state)
{
	memset(&f, 0, sizeof(f));
	snprintf(f.dir, sizeof(f.dir), "/tmp/wr-sink-XXXXXX");
	assert_non_null(mkdtemp(f.dir));
	snprintf(f.file, sizeof(f.file), "%s/log", f.dir);
	snprintf(f.other, sizeof(f.other), "%s/log.1", f.dir);
	snprintf(f.journal, sizeof(f.journal), "%s/journal", f.dir);
	f.conf = (struct wr_conf_logging){.to = WR_CONF_LOG_FILE, .rate = 1000};
	snprintf(f.conf.file, sizeof(f.conf.file), "%s", f.file);
	f.now = WR_US_PER_S;
	assert_int_equal(wr_sink_init(&f.s), 0);
	f.s.journal = f.journal;
	return 0;
}

static int teardown(void **state)
{
	wr_sink_fini(&f.s);
	unlink(f.file);
	unlink(f.other);
	unlink(f.journal);
	rmdir(f.dir);
	return 0;
}

static void follow(wr_us_t later)
{
	f.now += later;
	wr_sink_follow(&f.s, &f.conf, f.now);
	assert_true(wr_sink_settle(&f.s, 10000));
}

static void put(const char *line)
{
	wr_sink_put(&f.s, line, strlen(line));
	assert_true(wr_sink_settle(&f.s, 10000));
}

static void expect_file(const char *path, const char *text)
{
	char buf[4096];
	int fd = open(path, O_RDONLY);
	ssize_t n;

	assert_true(fd >= 0);
	n = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	assert_true(n >= 0);
	buf[n] = '\0';
	assert_string_equal(buf, text);
}

static void sink_file_is_appended_to(void **state)
{
	int fd = open(f.file, O_WRONLY | O_CREAT, 0600);

	assert_int_equal(write(fd, "before\n", 7), 7);
	close(fd);
	follow(0);
	wr_sink_put(&f.s, "one", 3);
	expect_file(f.file, "before\n"); // a batch is one write
	wr_sink_put(&f.s, "two", 3);
	assert_true(wr_sink_settle(&f.s, 10000));
	expect_file(f.file, "before\none\ntwo\n");
	assert_int_equal(f.s.written, 2);
	assert_int_equal(f.s.bytes, 8);
	assert_true(fcntl(f.s.fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(wr_sink_untold(&f.s), 0);
}

static void sink_file_that_was_moved_is_opened_again(void **state)
{
	follow(0);
	put("one");
	assert_int_equal(rename(f.file, f.other), 0);
	follow(100 * WR_US_PER_MS);
	put("two"); // not looked yet
	follow(WR_US_PER_S);
	put("three");
	expect_file(f.other, "one\ntwo\n");
	expect_file(f.file, "three\n");
	assert_int_equal(f.s.opened, 2);
	unlink(f.file);
	follow(WR_US_PER_S);
	put("four");
	expect_file(f.file, "four\n");
}

static void sink_missing_directory_is_counted_and_cured(void **state)
{
	rmdir(f.dir);
	follow(0);
	put("lost");
	assert_int_equal(f.s.err, ENOENT);
	assert_int_equal(f.s.lost[WR_SINK_LOST_CLOSED], 1);
	assert_int_equal(wr_sink_untold(&f.s), 1);
	assert_int_equal(mkdir(f.dir, 0700), 0);
	follow(WR_US_PER_S / 2);
	put("lost");
	follow(WR_US_PER_S);
	put("well");
	expect_file(f.file, "well\n");
	assert_int_equal(f.s.lost[WR_SINK_LOST_CLOSED], 2);
	assert_int_equal(f.s.err, 0);
}

static void sink_full_disk_loses_and_goes_on(void **state)
{
	snprintf(f.conf.file, sizeof(f.conf.file), "/dev/full");
	follow(0);
	put("lost");
	assert_int_equal(f.s.err, ENOSPC);
	assert_int_equal(f.s.lost[WR_SINK_LOST_WRITE], 1);
	assert_int_equal(f.s.written, 0);
	snprintf(f.conf.file, sizeof(f.conf.file), "%s", f.file);
	follow(1);
	put("well");
	expect_file(f.file, "well\n");
}

// A FIFO without a reader neither blocks nor kills; what it does not take in whole is lost.
static void sink_fifo_never_blocks(void **state)
{
	static char line[1024];
	uint64_t lines = 0;

	assert_int_equal(mkfifo(f.file, 0600), 0);
	follow(0);
	memset(line, 'x', sizeof(line) - 1);
	for (; f.s.lost[WR_SINK_LOST_WRITE] == 0 && lines < 1000; lines++)
		put(line);
	assert_in_range(lines, 10, 999);
	assert_int_equal(f.s.written + f.s.lost[WR_SINK_LOST_WRITE], lines);
	assert_true(f.s.err == EAGAIN || f.s.err == ENOSPC);
}

// What was cut off does not spoil the line behind it.
static void sink_torn_line_is_ended(void **state)
{
	follow(0);
	f.s.writer->torn = true;
	wr_sink_put(&f.s, "one", 3);
	wr_sink_put(&f.s, "two", 3);
	assert_true(wr_sink_settle(&f.s, 10000));
	expect_file(f.file, "\none\ntwo\n");
	assert_int_equal(f.s.written, 2);
	assert_int_equal(wr_sink_untold(&f.s), 0);
	assert_false(f.s.writer->torn);
}

static void sink_line_too_long_is_lost(void **state)
{
	static char line[WR_SINK_LINE_MAX + 1];

	follow(0);
	wr_sink_put(&f.s, line, sizeof(line));
	assert_int_equal(f.s.lost[WR_SINK_LOST_WRITE], 1);
	memset(line, 'y', sizeof(line));
	for (int i = 0; i < 100; i++) // more than one write carries
		wr_sink_put(&f.s, line, WR_SINK_LINE_MAX);
	assert_true(wr_sink_settle(&f.s, 10000));
	assert_int_equal(f.s.written, 100);
	assert_int_equal(f.s.bytes, 100 * (WR_SINK_LINE_MAX + 1));
}

static void sink_rate_has_a_bucket(void **state)
{
	uint32_t n = 0;

	f.conf.rate = 100;
	follow(0);
	for (int i = 0; i < 500; i++)
		n += wr_sink_may(&f.s, f.now);
	assert_int_equal(n, 100);
	assert_int_equal(f.s.lost[WR_SINK_LOST_RATE], 400);
	for (int i = 0; i < 1000; i++) // a second, a millisecond at a time
		n += wr_sink_may(&f.s, f.now + (wr_us_t)(i + 1) * WR_US_PER_MS);
	assert_in_range(n, 199, 201);
	assert_true(wr_sink_may(&f.s, f.now + 3600 * WR_US_PER_S));
}

static int journal_open(void)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	memcpy(addr.sun_path, f.journal, strlen(f.journal) + 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	return fd;
}

static void sink_journal_comes_and_goes(void **state)
{
	char buf[64];
	int fd;

	f.conf.to = WR_CONF_LOG_JOURNAL;
	follow(0);
	put("lost");
	assert_int_equal(f.s.lost[WR_SINK_LOST_CLOSED], 1);
	fd = journal_open();
	follow(WR_US_PER_S);
	put("MESSAGE=one\n");
	assert_int_equal(recv(fd, buf, sizeof(buf), 0), 12);
	assert_memory_equal(buf, "MESSAGE=one\n", 12);
	close(fd);
	unlink(f.journal);
	put("MESSAGE=lost\n");
	assert_int_equal(f.s.lost[WR_SINK_LOST_WRITE], 1);
	assert_int_equal(f.s.fd, -1);
	fd = journal_open();
	follow(WR_US_PER_S);
	put("MESSAGE=two\n");
	assert_int_equal(recv(fd, buf, sizeof(buf), 0), 12);
	assert_int_equal(f.s.written, 2);
	close(fd);
}

static void sink_journal_that_is_behind_never_blocks(void **state)
{
	int fd = journal_open();
	uint32_t n;

	f.conf.to = WR_CONF_LOG_JOURNAL;
	follow(0);
	for (n = 0; n < 100000 && f.s.lost[WR_SINK_LOST_WRITE] == 0; n++)
		put("MESSAGE=x\n");
	assert_int_equal(f.s.err, EAGAIN);
	assert_true(f.s.fd >= 0);
	close(fd);
}

static void sink_none_opens_nothing(void **state)
{
	f.conf.to = WR_CONF_LOG_NONE;
	follow(0);
	assert_int_equal(f.s.fd, -1);
	f.conf.to = WR_CONF_LOG_FILE;
	follow(1);
	put("one");
	f.conf.to = WR_CONF_LOG_NONE;
	follow(1);
	assert_int_equal(f.s.fd, -1);
	expect_file(f.file, "one\n");
}

// Nobody waits for a disk that stalls: lines wait until there is no room, and then they are lost.
static void sink_stalled_disk_holds_nobody_up(void **state)
{
	static char line[1024];
	uint64_t put_lines = 0;

	follow(0);
	memset(line, 'x', sizeof(line));
	pthread_mutex_lock(&disk);
	for (int turn = 0; turn < 30; turn++) {
		for (int i = 0; i < 100; i++, put_lines++)
			wr_sink_put(&f.s, line, sizeof(line));
		wr_sink_flush(&f.s);
		f.now += WR_US_PER_S;
		wr_sink_follow(&f.s, &f.conf, f.now);
	}
	assert_false(wr_sink_settle(&f.s, 1));
	assert_int_equal(f.s.written, 0);
	assert_in_range(f.s.lost[WR_SINK_LOST_BEHIND], 900, 2990);
	assert_int_equal(wr_sink_untold(&f.s), f.s.lost[WR_SINK_LOST_BEHIND]);
	pthread_mutex_unlock(&disk);
	assert_true(wr_sink_settle(&f.s, 10000));
	assert_int_equal(f.s.written + f.s.lost[WR_SINK_LOST_BEHIND], put_lines);
	assert_int_equal(f.s.lost[WR_SINK_LOST_WRITE], 0);
}

// The file changes while the one before stalls: the new one is written at once, and what the old
// one had not written when a third comes is given up.
static void sink_stalled_disk_is_left_behind(void **state)
{
	follow(0);
	pthread_mutex_lock(&disk);
	wr_sink_put(&f.s, "one", 3);
	wr_sink_flush(&f.s);
	snprintf(f.conf.file, sizeof(f.conf.file), "%s", f.other);
	wr_sink_follow(&f.s, &f.conf, ++f.now);
	assert_non_null(f.s.before);
	f.conf.to = WR_CONF_LOG_NONE;
	wr_sink_follow(&f.s, &f.conf, ++f.now);
	assert_non_null(f.s.before);
	assert_null(f.s.writer);
	pthread_mutex_unlock(&disk);
	assert_true(wr_sink_settle(&f.s, 10000));
	assert_null(f.s.before);
	expect_file(f.other, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(sink_file_is_appended_to, setup, teardown),
		cmocka_unit_test_setup_teardown(
			sink_file_that_was_moved_is_opened_again, setup, teardown),
		cmocka_unit_test_setup_teardown(
			sink_missing_directory_is_counted_and_cured, setup, teardown),
		cmocka_unit_test_setup_teardown(sink_full_disk_loses_and_goes_on, setup, teardown),
		cmocka_unit_test_setup_teardown(sink_fifo_never_blocks, setup, teardown),
		cmocka_unit_test_setup_teardown(sink_torn_line_is_ended, setup, teardown),
		cmocka_unit_test_setup_teardown(sink_line_too_long_is_lost, setup, teardown),
		cmocka_unit_test_setup_teardown(sink_rate_has_a_bucket, setup, teardown),
		cmocka_unit_test_setup_teardown(sink_journal_comes_and_goes, setup, teardown),
		cmocka_unit_test_setup_teardown(
			sink_journal_that_is_behind_never_blocks, setup, teardown),
		cmocka_unit_test_setup_teardown(sink_none_opens_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(sink_stalled_disk_holds_nobody_up, setup, teardown),
		cmocka_unit_test_setup_teardown(sink_stalled_disk_is_left_behind, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
