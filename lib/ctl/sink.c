/* SPDX-License-Identifier: BSD-3-Clause */
#include "sink.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <rte_common.h>

#define LOOK_EVERY_US WR_US_PER_S
#define FINI_MS       2000
#define LINE_COST     1000000ULL // of a line, in the bucket's unit

int wr_sink_init(struct wr_sink *s)
{
	memset(s, 0, sizeof(*s));
	s->fd = -1;
	s->journal = WR_SINK_JOURNAL;
	return 0;
}

static void count(struct wr_sink *s, const struct wr_writer_count *n)
{
	s->written += n->written;
	s->bytes += n->bytes;
	s->opened += n->opened;
	s->lost[WR_SINK_LOST_CLOSED] += n->closed;
	s->lost[WR_SINK_LOST_WRITE] += n->failed;
}

// The writer of the file before, if it ended meanwhile; one that hangs is left to itself.
static void drop_before(struct wr_sink *s, bool leave)
{
	struct wr_writer_count n = {0};
	uint64_t lines;
	bool done;

	if (s->before == NULL)
		return;
	done = wr_writer_free(s->before, leave, &n, &lines);
	count(s, &n);
	if (done || leave) {
		s->lost[WR_SINK_LOST_BEHIND] += lines;
		s->before = NULL;
	}
}

static void shut(struct wr_sink *s)
{
	if (s->writer != NULL) {
		drop_before(s, true);
		wr_writer_end(s->writer);
		s->before = s->writer;
		s->writer = NULL;
	} else if (s->fd >= 0) {
		close(s->fd);
	}
	s->fd = -1;
}

void wr_sink_fini(struct wr_sink *s)
{
	shut(s);
	if (s->before != NULL)
		(void)wr_writer_rests(s->before, FINI_MS);
	drop_before(s, true);
}

// --- opening -------------------------------------------------------------------------------------

static int open_journal(const char *path)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd, rc = 0;

	if (strlen(path) >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	memcpy(addr.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0)
		return fd;
	rc = -errno;
	close(fd);
	return rc;
}

static void open_target(struct wr_sink *s)
{
	int fd;

	if (s->conf.to == WR_CONF_LOG_FILE) {
		s->writer = wr_writer_create(s->conf.file);
		s->err = s->writer == NULL ? errno : 0;
		return;
	}
	fd = open_journal(s->journal);
	s->err = fd < 0 ? -fd : 0;
	if (fd < 0)
		return;
	s->fd = fd;
	s->opened++;
}

static bool same_target(const struct wr_conf_logging *a, const struct wr_conf_logging *b)
{
	return a->to == b->to && (a->to != WR_CONF_LOG_FILE || strcmp(a->file, b->file) == 0);
}

void wr_sink_follow(struct wr_sink *s, const struct wr_conf_logging *conf, wr_us_t now)
{
	bool changed = !s->followed || !same_target(&s->conf, conf);

	drop_before(s, false);
	if (changed) {
		shut(s);
		s->err = 0;
	}
	s->conf = *conf;
	s->followed = true;
	if (conf->to == WR_CONF_LOG_NONE || (!changed && now < s->next_look_us))
		return;
	s->next_look_us = now + LOOK_EVERY_US;
	if (s->writer != NULL)
		wr_writer_go(s->writer, true);
	else if (s->fd < 0)
		open_target(s);
}

// --- writing -------------------------------------------------------------------------------------

// A bucket that holds a second's worth of lines.
bool wr_sink_may(struct wr_sink *s, wr_us_t now)
{
	uint64_t most = s->conf.rate * LINE_COST;
	wr_us_t passed = now > s->credit_us ? now - s->credit_us : 0;

	// In millionths of a line, a microsecond brings as many as the rate says.
	if (s->credit_us == 0 || passed >= WR_US_PER_S)
		s->credit = most;
	else
		s->credit = RTE_MIN(most, s->credit + passed * s->conf.rate);
	s->credit_us = now;
	if (s->credit < LINE_COST) {
		s->lost[WR_SINK_LOST_RATE]++;
		return false;
	}
	s->credit -= LINE_COST;
	return true;
}

void wr_sink_flush(struct wr_sink *s)
{
	struct wr_writer_count n = {0};

	if (s->writer == NULL)
		return;
	wr_writer_go(s->writer, false);
	wr_writer_counts(s->writer, &n, &s->fd, &s->err);
	count(s, &n);
}

bool wr_sink_settle(struct wr_sink *s, uint32_t ms)
{
	wr_sink_flush(s);
	if (s->before != NULL && !wr_writer_rests(s->before, ms))
		return false;
	drop_before(s, false);
	if (s->writer != NULL && !wr_writer_rests(s->writer, ms))
		return false;
	wr_sink_flush(s);
	return true;
}

static void put_journal(struct wr_sink *s, const char *data, size_t len)
{
	if (send(s->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)len) {
		s->err = 0;
		s->written++;
		s->bytes += len;
		return;
	}
	s->err = errno;
	s->lost[WR_SINK_LOST_WRITE]++;
	// Behind on its reading, or gone: a new one has the same path.
	if (s->err != EAGAIN && s->err != ENOBUFS && s->err != EMSGSIZE)
		shut(s);
}

void wr_sink_put(struct wr_sink *s, const char *data, size_t len)
{
	if (len > WR_SINK_LINE_MAX)
		s->lost[WR_SINK_LOST_WRITE]++;
	else if (s->writer != NULL)
		s->lost[WR_SINK_LOST_BEHIND] += !wr_writer_put(s->writer, data, len);
	else if (s->fd < 0)
		s->lost[WR_SINK_LOST_CLOSED]++;
	else
		put_journal(s, data, len);
}

uint64_t wr_sink_untold(const struct wr_sink *s)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < WR_SINK_LOST_REASONS; i++)
		n += s->lost[i] - s->told[i];
	return n;
}
