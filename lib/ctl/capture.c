/* SPDX-License-Identifier: BSD-3-Clause */
#include "capture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include <rte_eal.h>

#include "ctl_priv.h"
#include "pcapng.h"
#include "wr_version.h"

#define RINGS_BYTES     (64u << 20) // of all workers
#define RING_MAX        (8u << 20)
#define RING_MIN        (1u << 20)
#define TURN_FRAMES     4096
#define TURN_BYTES      (4u << 20)
#define TURN_EVERY_US   (5 * WR_US_PER_MS)
#define SETTLE_US       (10 * WR_US_PER_MS) // a worker may still bring frames that are so old
#define NAMES_TRIED     10000 // files that an instance before us left under the same name
#define FILE_MODE       0600
#define FILE_MODE_GROUP 0640
#define NEVER_US        WR_US_PER_S

// --- rings
// ----------------------------------------------------------------------------------------

void wr_ctl_capture_rings_free(struct wr_capture **ring)
{
	for (uint16_t w = 0; w < WR_MAX_WORKERS; w++) {
		wr_capture_destroy(ring[w]);
		ring[w] = NULL;
	}
}

bool wr_ctl_capture_rings(struct wr_ctl *c, const struct wr_capture_spec *s,
	const struct bpf_program *prog, struct wr_capture **ring, struct wr_err *err)
{
	struct wr_capture_config cfg = {.port = s->port,
		.in = s->in,
		.out = s->out,
		.filter = prog->bf_insns,
		.filter_len = prog->bf_len,
		.snap = s->snap,
		.ring_bytes = rte_align32prevpow2(RINGS_BYTES / c->workers)};

	cfg.ring_bytes = RTE_MAX(RING_MIN, RTE_MIN(RING_MAX, cfg.ring_bytes));
	memset(ring, 0, WR_MAX_WORKERS * sizeof(*ring));
	for (uint16_t w = 0; w < c->workers; w++) {
		ring[w] = wr_capture_create(&cfg, wr_fabric_pools(c->fabric, w)->numa_node, err);
		if (ring[w] == NULL) {
			wr_ctl_capture_rings_free(ring);
			return false;
		}
	}
	return true;
}

// --- the file
// -------------------------------------------------------------------------------------

// Frames are for those who may start a capture: the group that may read the key, where there is
// one.
static void give_group(const struct wr_ctl *c, int fd)
{
	char path[WR_TAPE_PATH_LEN];
	struct stat st;

	if (c->conf->runtime.act_group[0] == '\0')
		return;
	// Asking for a group by its name may take long; the key belongs to it already.
	snprintf(path, sizeof(path), "%s/act.key", rte_eal_get_runtime_dir());
	if (lstat(path, &st) == 0 && S_ISREG(st.st_mode) && fchown(fd, (uid_t)-1, st.st_gid) == 0)
		fchmod(fd, FILE_MODE_GROUP);
}

// Those of an instance before, which nobody lists any more.
static void drop_old(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL) {
		unsigned int id;
		int len = 0;

		if (sscanf(e->d_name, "capture-%9u.pcapng%n", &id, &len) == 1 && len > 0 &&
			e->d_name[len] == '\0')
			unlinkat(dirfd(d), e->d_name, 0);
	}
	if (d != NULL)
		closedir(d);
}

uint64_t wr_ctl_capture_room(uint64_t free_bytes)
{
	uint64_t most = RTE_MIN(free_bytes / 4, (uint64_t)WR_TAPE_FILE_BYTES);

	return most < WR_TAPE_FILE_MIN ? 0 : most;
}

// The directory is memory on most boxes.
static bool limit_file(struct wr_tape *t, struct wr_err *err)
{
	const char *dir = rte_eal_get_runtime_dir();
	struct statvfs st;
	uint64_t room;

	if (statvfs(dir, &st) != 0) {
		wr_err_set(err, errno, "%s: %s", dir, strerror(errno));
		return false;
	}
	room = (uint64_t)st.f_bavail * st.f_frsize;
	t->bytes_max = wr_ctl_capture_room(room);
	if (t->bytes_max == 0)
		wr_err_set(err, ENOSPC,
			"%s has %" PRIu64 " KiB free, of which a capture may take a quarter, and "
			"that is less than 1 MiB",
			dir, room >> 10);
	return t->bytes_max != 0;
}

static FILE *open_file(
	struct wr_ctl *c, struct wr_ctl_captures *k, struct wr_tape *t, struct wr_err *err)
{
	FILE *out;
	int fd = -1;

	if (!limit_file(t, err))
		return NULL;
	for (uint32_t i = 0; fd < 0 && i < NAMES_TRIED; i++) {
		t->id = k->next_id++;
		if ((size_t)snprintf(t->file, sizeof(t->file), "%s/capture-%u.pcapng",
			    rte_eal_get_runtime_dir(), t->id) >= sizeof(t->file)) {
			errno = ENAMETOOLONG;
			break;
		}
		fd = open(t->file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
		if (fd < 0 && errno != EEXIST)
			break;
	}
	if (fd < 0) {
		wr_err_set(err, errno, "%s cannot be made: %s", t->file, strerror(errno));
		return NULL;
	}
	fchmod(fd, FILE_MODE); // whatever the umask
	give_group(c, fd);
	out = fdopen(fd, "w");
	if (out == NULL) {
		unlink(t->file);
		close(fd);
		wr_err_set(err, ENOMEM, "no memory for the file's buffer");
	}
	return out;
}

static bool has_interface(const struct wr_tape *t, uint16_t port)
{
	return t->spec.port < 0 || t->spec.port == port;
}

static uint32_t interface_of(const struct wr_tape *t, uint16_t port)
{
	return t->spec.port < 0 ? port : 0;
}

static bool write_heads(struct wr_ctl *c, struct wr_ctl_captures *k)
{
	struct wr_tape *t = k->now;
	uint32_t n = wr_pcapng_section(k->out, "weir " WR_VERSION, c->conf->runtime.name);

	t->bytes = n;
	for (uint16_t i = 0; n > 0 && i < c->conf->port_count; i++) {
		if (!has_interface(t, i))
			continue;
		n = wr_pcapng_interface(k->out, c->conf->ports[i].name, c->conf->ports[i].device,
			t->spec.filter, t->spec.snap == 0 ? WR_CAPTURE_SNAP_MAX : t->spec.snap);
		t->bytes += n;
	}
	return n > 0 && fflush(k->out) == 0;
}

// --- begin and end
// --------------------------------------------------------------------------------

struct wr_tape *wr_ctl_capture_find(struct wr_ctl *c, uint32_t id)
{
	struct wr_ctl_captures *k = c->captures;

	for (uint32_t i = 0; k != NULL && i < k->count; i++)
		if (k->tape[i].id == id)
			return &k->tape[i];
	return NULL;
}

static void forget(struct wr_ctl_captures *k, struct wr_tape *t)
{
	memmove(t, t + 1, (size_t)(&k->tape[k->count] - (t + 1)) * sizeof(*t));
	k->count--;
}

static bool make_heads(struct wr_ctl_captures *k, uint16_t workers)
{
	for (uint16_t w = 0; w < workers; w++) {
		k->head[w].here = false;
		if (k->head[w].data == NULL)
			k->head[w].data = malloc(WR_CAPTURE_SNAP_MAX);
		if (k->head[w].data == NULL)
			return false;
	}
	k->workers = workers;
	return true;
}

static struct wr_ctl_captures *table(struct wr_ctl *c)
{
	if (c->captures == NULL) {
		c->captures = calloc(1, sizeof(*c->captures));
		if (c->captures != NULL) {
			c->captures->next_id = 1;
			drop_old(rte_eal_get_runtime_dir());
		}
	}
	return c->captures;
}

struct wr_tape *wr_ctl_capture_start(struct wr_ctl *c, const struct wr_capture_spec *s,
	struct wr_capture **ring, struct wr_err *err)
{
	struct wr_ctl_captures *k = table(c);
	struct wr_tape *t;

	if (k == NULL || !make_heads(k, c->workers)) {
		wr_err_set(err, ENOMEM, "no memory for a capture");
		return NULL;
	}
	if (c->stopping || k->now != NULL || k->count == WR_TAPES_KEPT) {
		if (c->stopping)
			wr_err_set(err, EBUSY, "the instance is stopping");
		else if (k->now != NULL)
			wr_err_set(
				err, EBUSY, "capture %u runs; there is one at a time", k->now->id);
		else
			wr_err_set(err, ENOSPC,
				"%u files of captures were not removed yet, the oldest of capture "
				"%u",
				k->count, k->tape[0].id);
		return NULL;
	}
	t = &k->tape[k->count];
	*t = (struct wr_tape){.spec = *s};
	k->out = open_file(c, k, t, err);
	if (k->out == NULL)
		return NULL;
	k->now = t;
	if (!write_heads(c, k)) {
		wr_err_set(err, errno, "%s cannot be written: %s", t->file, strerror(errno));
		k->now = NULL;
		fclose(k->out);
		unlink(t->file);
		return NULL;
	}
	k->count++;
	memcpy(k->ring, ring, sizeof(k->ring));
	memset(ring, 0, sizeof(k->ring));
	memset(k->done, 0, sizeof(k->done));
	memset(k->written, 0, sizeof(k->written));
	k->begun = k->full = false;
	k->owed = (uint32_t)(((uint64_t)1 << c->workers) - 1);
	return t;
}

static void end(struct wr_ctl *c, struct wr_ctl_captures *k, const char *why)
{
	if (k->now->state != WR_TAPE_RUNNING)
		return;
	snprintf(k->now->why, sizeof(k->now->why), "%s", why);
	k->now->state = WR_TAPE_STOPPING;
	k->owed = (uint32_t)(((uint64_t)1 << c->workers) - 1);
}

int wr_ctl_capture_stop(struct wr_ctl *c, uint32_t id, const char *why)
{
	struct wr_ctl_captures *k = c->captures;

	if (k == NULL || k->now == NULL || k->now->id != id)
		return -ENOENT;
	end(c, k, why);
	return 0;
}

int wr_ctl_capture_remove(struct wr_ctl *c, uint32_t id)
{
	struct wr_tape *t = wr_ctl_capture_find(c, id);

	if (t == NULL)
		return -ENOENT;
	if (t->state != WR_TAPE_ENDED)
		return -EBUSY;
	if (unlink(t->file) != 0 && errno != ENOENT)
		return -errno;
	forget(c->captures, t);
	return 0;
}

static uint64_t lost_now(const struct wr_ctl_captures *k)
{
	uint64_t sum = 0;

	for (uint16_t w = 0; w < k->workers; w++)
		sum += wr_capture_lost(k->ring[w]);
	return sum;
}

static void finish(struct wr_ctl *c, struct wr_ctl_captures *k, wr_us_t now)
{
	struct wr_tape *t = k->now;
	struct wr_event ev = {.at_us = now,
		.kind = WR_EV_capture_ended,
		.worker = UINT16_MAX,
		.queue = UINT16_MAX,
		.count = (uint32_t)t->packets};

	t->lost = lost_now(k);
	for (uint16_t i = 0; i < c->conf->port_count; i++) {
		struct wr_pcapng_stats st = {.interface = interface_of(t, i),
			.start_ns = t->base_ns + t->begun_us * 1000,
			.end_ns = t->base_ns + now * 1000};

		if (!has_interface(t, i))
			continue;
		for (uint16_t w = 0; w < k->workers; w++)
			st.dropped += wr_capture_lost_at(k->ring[w], i);
		st.received = k->written[i] + st.dropped;
		t->bytes += wr_pcapng_statistics(k->out, &st);
	}
	if (fclose(k->out) != 0)
		snprintf(t->why, sizeof(t->why), "its end was not written: %s", strerror(errno));
	k->out = NULL;
	wr_ctl_capture_rings_free(k->ring);
	t->state = WR_TAPE_ENDED;
	k->now = NULL;
	snprintf(ev.text, sizeof(ev.text), "%.40s: %.52s", t->why, t->file);
	wr_ctl_event_add(c, &ev);
}

// --- turns
// ----------------------------------------------------------------------------------------

static void tell(struct wr_ctl *c, struct wr_ctl_captures *k)
{
	bool running = k->now->state == WR_TAPE_RUNNING;

	for (uint16_t w = 0; w < k->workers; w++) {
		struct wr_msg m = {.kind = WR_MSG_CAPTURE,
			.ptr = running ? k->ring[w] : NULL,
			.done = running ? NULL : &k->done[w]};

		if ((k->owed & (1u << w)) != 0 &&
			wr_worker_post(wr_fabric_worker(c->fabric, w), &m) == 0)
			k->owed &= ~(1u << w);
	}
}

// No worker has its ring any more.
static bool all_let_go(const struct wr_ctl_captures *k)
{
	if (k->now->state != WR_TAPE_STOPPING)
		return false;
	for (uint16_t w = 0; w < k->workers; w++)
		if (__atomic_load_n(&k->done[w], __ATOMIC_ACQUIRE) == 0)
			return false;
	return true;
}

// The worker whose next frame is the oldest, or -1.
static int oldest(struct wr_ctl_captures *k)
{
	int best = -1;

	for (int w = 0; w < k->workers; w++) {
		if (!k->head[w].here)
			k->head[w].here = wr_capture_next(k->ring[w], &k->head[w].frame,
				k->head[w].data, WR_CAPTURE_SNAP_MAX);
		if (k->head[w].here &&
			(best < 0 || k->head[w].frame.at_us < k->head[best].frame.at_us))
			best = w;
	}
	return best;
}

// Write one frame, as far as the limits allow.
static void write_frame(struct wr_ctl *c, struct wr_ctl_captures *k, int w)
{
	const struct wr_capture_frame *f = &k->head[w].frame;
	struct wr_tape *t = k->now;
	struct wr_pcapng_packet p = {.interface = interface_of(t, f->port),
		.unix_ns = t->base_ns + f->at_us * 1000,
		.len = f->len,
		.kept = f->kept,
		.data = k->head[w].data,
		.out = f->out};
	uint32_t n;

	if (t->bytes + wr_pcapng_packet_bytes(f->kept) > t->bytes_max) {
		char why[96];

		snprintf(why, sizeof(why), "the file has %" PRIu64 " MiB, and may have no more",
			t->bytes_max >> 20);
		k->full = true;
		end(c, k, t->bytes_max == WR_TAPE_FILE_BYTES ? "the file has 256 MiB" : why);
		return;
	}
	n = wr_pcapng_packet(k->out, &p);
	if (n == 0) {
		char why[96];

		snprintf(why, sizeof(why), "writing failed: %s", strerror(errno));
		k->full = true;
		end(c, k, why);
		return;
	}
	t->bytes += n;
	k->written[f->port]++;
	if (++t->packets >= t->spec.packets) {
		k->full = true;
		end(c, k, "all packets that were asked for");
	}
}

// Rings into the file, oldest first, frames up to `until`. False: some may be left.
static bool drain(struct wr_ctl *c, struct wr_ctl_captures *k, wr_us_t until, uint32_t frames)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < frames && bytes < TURN_BYTES; i++) {
		int w = oldest(k);

		if (w < 0 || k->head[w].frame.at_us > until)
			return true;
		k->head[w].here = false;
		bytes += k->head[w].frame.kept;
		if (!k->full)
			write_frame(c, k, w);
	}
	return false;
}

static void begin(struct wr_ctl_captures *k, wr_us_t now)
{
	struct timespec ts;

	if (k->begun)
		return;
	clock_gettime(CLOCK_REALTIME, &ts);
	k->begun = true;
	k->now->base_ns = (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec - now * 1000;
	k->now->begun_us = now;
	k->now->until_us = now + k->now->spec.seconds * WR_US_PER_S;
}

wr_us_t wr_ctl_capture_turn(struct wr_ctl *c, wr_us_t now)
{
	struct wr_ctl_captures *k = c->captures;
	bool last, empty;

	if (k == NULL || k->now == NULL)
		return now + NEVER_US;
	begin(k, now);
	if (now >= k->now->until_us)
		end(c, k, "its time is over");
	tell(c, k);
	// Of one worker everything is in order; of several, what is old enough.
	last = all_let_go(k);
	empty = drain(c, k,
		last || k->workers == 1 ? UINT64_MAX
		: now > SETTLE_US       ? now - SETTLE_US
					: 0,
		TURN_FRAMES);
	if (last && empty) {
		finish(c, k, now);
		return now + NEVER_US;
	}
	k->now->lost = lost_now(k);
	return empty ? now + TURN_EVERY_US : now;
}

void wr_ctl_capture_fini(struct wr_ctl *c)
{
	struct wr_ctl_captures *k = c->captures;

	if (k == NULL)
		return;
	if (k->now != NULL) {
		begin(k, c->now_us);
		end(c, k, "the instance ended");
		// For workers that a test turns on; nobody waits for them.
		for (uint16_t w = 0; w < k->workers; w++)
			wr_worker_post(wr_fabric_worker(c->fabric, w),
				&(struct wr_msg){.kind = WR_MSG_CAPTURE});
		while (!drain(c, k, UINT64_MAX, TURN_FRAMES))
			;
		finish(c, k, c->now_us);
	}
	for (uint16_t w = 0; w < WR_MAX_WORKERS; w++)
		free(k->head[w].data);
	free(k);
	c->captures = NULL;
}
