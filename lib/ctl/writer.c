/* SPDX-License-Identifier: BSD-3-Clause */
#include "writer.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "wr_log.h"
#include "wr_units.h"

#define SLICE_BYTES 65536 // one write(2) carries so much

// --- the thread
// -----------------------------------------------------------------------------------

static int open_file(const char *path, struct stat *st)
{
	int flags = O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;
	int fd;

	// A FIFO is opened for reading as well: so its open does not need a reader, and a write
	// without one is an error and no signal.
	if (stat(path, st) == 0 && S_ISFIFO(st->st_mode))
		flags = O_RDWR | O_NONBLOCK | O_CLOEXEC;
	fd = open(path, flags, 0640);
	if (fd < 0)
		return -errno;
	if (fstat(fd, st) == 0)
		return fd;
	close(fd);
	return -EIO;
}

// What one turn of the thread did; published with the lock held.
struct deed {
	int fd, err;
	struct wr_writer_count count;
};

// Moved away (logrotate) or removed: what is at the path now is another file, or nothing.
static void look_at_file(struct wr_writer *w, struct deed *d)
{
	struct stat st = {0};
	int fd;

	if (d->fd >= 0 && (stat(w->path, &st) != 0 || st.st_dev != w->dev || st.st_ino != w->ino)) {
		close(d->fd);
		d->fd = -1;
	}
	if (d->fd >= 0)
		return;
	fd = open_file(w->path, &st);
	d->err = fd < 0 ? -fd : 0;
	if (fd < 0)
		return;
	d->fd = fd;
	w->dev = st.st_dev;
	w->ino = st.st_ino;
	w->torn = false;
	d->count.opened++;
}

static uint32_t newlines(const char *data, size_t len)
{
	uint32_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += data[i] == '\n';
	return n;
}

// Whole lines, as many as fit into one write.
static size_t slice(const char *data, size_t len)
{
	const char *end;

	if (len <= SLICE_BYTES)
		return len;
	end = memrchr(data, '\n', SLICE_BYTES);
	return end == NULL ? SLICE_BYTES : (size_t)(end - data) + 1;
}

static void write_slice(struct wr_writer *w, struct deed *d, const char *data, size_t len)
{
	uint32_t lines = newlines(data, len), whole;
	ssize_t n;

	// What was cut off stands there without its end; a newline in front ends it.
	if (w->torn && write(d->fd, "\n", 1) == 1) {
		d->count.bytes++;
		w->torn = false;
	}
	n = w->torn ? -1 : write(d->fd, data, len);
	if (n < 0) {
		d->err = errno;
		d->count.failed += lines;
		return;
	}
	whole = newlines(data, (size_t)n);
	w->torn = n > 0 && data[n - 1] != '\n';
	d->err = (size_t)n == len ? 0 : ENOSPC;
	d->count.bytes += (uint64_t)n;
	d->count.written += whole;
	d->count.failed += lines - whole;
}

static void write_all(struct wr_writer *w, struct deed *d, size_t used, uint32_t lines)
{
	if (d->fd < 0) {
		d->count.closed += lines;
		return;
	}
	for (size_t at = 0, n; at < used; at += n) {
		n = slice(w->take + at, used - at);
		write_slice(w, d, w->take + at, n);
	}
}

// With the lock held, but while it works.
static void turn(struct wr_writer *w)
{
	struct deed d = {.fd = w->fd, .err = w->err};
	size_t used = w->used;
	uint32_t lines = w->lines;
	bool look = w->look;
	char *take = w->fill;

	w->fill = w->take;
	w->take = take;
	w->used = w->lines = 0;
	w->taken = lines;
	w->go = w->look = false;
	w->busy = true;
	pthread_mutex_unlock(&w->lock);
	if (look)
		look_at_file(w, &d);
	write_all(w, &d, used, lines);
	pthread_mutex_lock(&w->lock);
	w->busy = false;
	w->taken = 0;
	w->fd = d.fd;
	w->err = d.err;
	w->count.written += d.count.written;
	w->count.bytes += d.count.bytes;
	w->count.opened += d.count.opened;
	w->count.closed += d.count.closed;
	w->count.failed += d.count.failed;
}

static void destroy(struct wr_writer *w)
{
	pthread_cond_destroy(&w->wake);
	pthread_cond_destroy(&w->rest);
	pthread_mutex_destroy(&w->lock);
	free(w->fill);
	free(w->take);
	free(w->path);
	free(w);
}

// A thread has the rights of the one that made it; this one writes and needs none.
static void give_up_rights(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {{0}};

	if (syscall(SYS_capset, &head, none) < 0)
		wr_log(WR_LOG_WARN, "the thread that writes the log keeps its rights: %s",
			strerror(errno));
}

static void *run(void *arg)
{
	struct wr_writer *w = arg;
	bool left;

	give_up_rights();
	pthread_mutex_lock(&w->lock);
	while (w->go || w->look || !w->ends) {
		if (w->go || w->look) {
			turn(w);
			continue;
		}
		pthread_cond_broadcast(&w->rest);
		pthread_cond_wait(&w->wake, &w->lock);
	}
	if (w->fd >= 0) {
		int fd = w->fd;

		w->fd = -1;
		w->busy = true;
		pthread_mutex_unlock(&w->lock);
		close(fd);
		pthread_mutex_lock(&w->lock);
		w->busy = false;
	}
	w->done = true;
	left = w->left;
	pthread_cond_broadcast(&w->rest);
	pthread_mutex_unlock(&w->lock);
	if (left)
		destroy(w);
	return NULL;
}

// --- who gives the lines
// --------------------------------------------------------------------------

// Signals are for the thread that waits for them.
static int begin(struct wr_writer *w)
{
	sigset_t all, was;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &was);
	rc = pthread_create(&w->thread, NULL, run, w);
	pthread_sigmask(SIG_SETMASK, &was, NULL);
	return rc;
}

struct wr_writer *wr_writer_create(const char *path)
{
	struct wr_writer *w = calloc(1, sizeof(*w));
	pthread_condattr_t attr;
	int rc = ENOMEM;

	if (w == NULL)
		return NULL;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->wake, NULL);
	pthread_cond_init(&w->rest, &attr);
	pthread_condattr_destroy(&attr);
	w->fd = -1;
	w->look = true;
	w->path = strdup(path);
	w->fill = malloc(WR_WRITER_BYTES);
	w->take = malloc(WR_WRITER_BYTES);
	if (w->path != NULL && w->fill != NULL && w->take != NULL)
		rc = begin(w);
	if (rc == 0)
		return w;
	destroy(w);
	errno = rc;
	return NULL;
}

bool wr_writer_put(struct wr_writer *w, const char *line, size_t len)
{
	bool room;

	pthread_mutex_lock(&w->lock);
	room = w->used + len + 1 <= WR_WRITER_BYTES;
	if (room) {
		memcpy(w->fill + w->used, line, len);
		w->used += len;
		w->fill[w->used++] = '\n';
		w->lines++;
	}
	pthread_mutex_unlock(&w->lock);
	return room;
}

void wr_writer_go(struct wr_writer *w, bool look)
{
	pthread_mutex_lock(&w->lock);
	w->go |= w->used > 0;
	w->look |= look;
	if (w->go || w->look)
		pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
}

// With the lock held.
static void take_count(struct wr_writer *w, struct wr_writer_count *sum)
{
	sum->written += w->count.written;
	sum->bytes += w->count.bytes;
	sum->opened += w->count.opened;
	sum->closed += w->count.closed;
	sum->failed += w->count.failed;
	w->count = (struct wr_writer_count){0};
}

void wr_writer_counts(struct wr_writer *w, struct wr_writer_count *sum, int *fd, int *err)
{
	pthread_mutex_lock(&w->lock);
	take_count(w, sum);
	*fd = w->fd;
	*err = w->err;
	pthread_mutex_unlock(&w->lock);
}

void wr_writer_end(struct wr_writer *w)
{
	pthread_mutex_lock(&w->lock);
	w->go |= w->used > 0;
	w->ends = true;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
}

bool wr_writer_rests(struct wr_writer *w, uint32_t ms)
{
	struct timespec until;
	bool rests;
	int rc = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += (long)(ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&w->lock);
	while (!(rests = !w->go && !w->look && !w->busy && w->done == w->ends) && rc == 0)
		rc = pthread_cond_timedwait(&w->rest, &w->lock, &until);
	pthread_mutex_unlock(&w->lock);
	return rests;
}

bool wr_writer_free(struct wr_writer *w, bool leave, struct wr_writer_count *sum, uint64_t *lines)
{
	bool done;

	pthread_mutex_lock(&w->lock);
	done = w->done;
	take_count(w, sum);
	*lines = done ? 0 : (uint64_t)w->lines + w->taken;
	if (!done && leave) {
		w->ends = w->left = true;
		pthread_detach(w->thread);
	}
	pthread_mutex_unlock(&w->lock);
	if (done) {
		pthread_join(w->thread, NULL);
		destroy(w);
	}
	return done;
}
