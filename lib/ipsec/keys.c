/* SPDX-License-Identifier: BSD-3-Clause */

// Key files. What a sentence quotes of a file is only what was understood as a number of a worker
// or as an SPI: any other word may be a key in the wrong place.

#include "wr_ipsec_keys.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define BYTES_MAX (1024 * 1024) // of a file
#define WORDS     5             // of a line, at most
#define SPI_MIN   256           // RFC 4303 2.1: 0 to 255 are reserved

static const struct cipher {
	const char *name;
	uint8_t key, salt, auth; // bytes
} ciphers[WR_IPSEC_CIPHERS] = {
	[WR_IPSEC_AES_GCM_128] = {"aes-gcm-128", 16, 4, 0}, // RFC 4106 8.1
	[WR_IPSEC_AES_GCM_256] = {"aes-gcm-256", 32, 4, 0},
	[WR_IPSEC_AES_CBC_128_SHA256] = {"aes-cbc-128-sha256", 16, 0, 32}, // RFC 4868 2.1.1
	[WR_IPSEC_AES_CBC_256_SHA256] = {"aes-cbc-256-sha256", 32, 0, 32},
};

struct word {
	const char *at;
	size_t len;
};

// A file while it is read.
struct reader {
	const char *file;
	uint32_t line;
	const struct cipher *cipher;
	struct wr_ipsec_keys *out;
	struct wr_err *err;
};

#define refuse(r, fmt, ...)                                                                        \
	wr_err_set((r)->err, EINVAL, "%s:%u: " fmt, (r)->file, (r)->line, ##__VA_ARGS__)

const char *wr_ipsec_cipher_name(enum wr_ipsec_cipher c)
{
	return (unsigned int)c < WR_IPSEC_CIPHERS ? ciphers[c].name : "?";
}

void wr_ipsec_keys_wipe(struct wr_ipsec_keys *k)
{
	explicit_bzero(k, sizeof(*k));
}

// --- words
// ---------------------------------------------------------------------------------------

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

// Words of a line up to a comment. Returns how many, of which the first WORDS are in `w`.
static uint32_t split(const char *at, const char *end, struct word w[WORDS])
{
	uint32_t n = 0;

	while (at < end && *at != '#') {
		const char *begin = at;

		while (at < end && *at != '#' && !is_blank(*at))
			at++;
		if (at > begin) {
			if (n < WORDS)
				w[n] = (struct word){begin, (size_t)(at - begin)};
			n++;
		}
		while (at < end && is_blank(*at))
			at++;
	}
	return n;
}

static bool is_word(const struct word *w, const char *text)
{
	return w->len == strlen(text) && memcmp(w->at, text, w->len) == 0;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

// Decimal, or hex after 0x; of 32 bits. No longer than such a number is: a key never passes.
static bool read_number(const struct word *w, uint32_t *out)
{
	bool hex = w->len > 2 && w->at[0] == '0' && (w->at[1] == 'x' || w->at[1] == 'X');
	uint64_t v = 0;

	if (w->len > 10)
		return false;
	for (size_t i = hex ? 2 : 0; i < w->len; i++) {
		int d = digit(w->at[i]);

		if (d < 0 || (!hex && d > 9))
			return false;
		v = v * (hex ? 16 : 10) + (uint64_t)d;
		if (v > UINT32_MAX)
			return false;
	}
	*out = (uint32_t)v;
	return w->len > 0;
}

static bool read_hex(const struct word *w, size_t at, uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		int high = digit(w->at[at + 2 * i]), low = digit(w->at[at + 2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

// --- one line
// ------------------------------------------------------------------------------------

static bool all_equal(const uint8_t *b, size_t len)
{
	for (size_t i = 1; i < len; i++)
		if (b[i] != b[0])
			return false;
	return true;
}

static int read_worker(const struct reader *r, const struct word *w, uint16_t *out)
{
	uint16_t last = (uint16_t)(r->out->workers - 1);
	uint32_t v;

	if (!read_number(w, &v))
		return refuse(r,
			"the first word is not the number of a worker; right would be 0 to %u",
			last);
	if (v > last && v < 1000)
		return refuse(r,
			"there is no worker %u: runtime.workers makes %u; right would be 0 to %u",
			v, r->out->workers, last);
	if (v > last)
		return refuse(r,
			"there is no such worker: runtime.workers makes %u; right would "
			"be 0 to %u",
			r->out->workers, last);
	*out = (uint16_t)v;
	return 0;
}

// RFC 4303 2.1: the SPI alone may tell the receiver which association a packet belongs to, so it is
// there once a direction.
static int read_spi(const struct reader *r, const struct word *w, const struct wr_ipsec_key *side,
	uint32_t *spi)
{
	if (!read_number(w, spi))
		return refuse(r, "the third word is not an SPI; right would be 256 to 4294967295, "
				 "or 0x100 to 0xffffffff");
	if (*spi < SPI_MIN)
		return refuse(
			r, "SPI %u is reserved (RFC 4303); right would be 256 or above", *spi);
	for (uint16_t i = 0; i < r->out->workers; i++)
		if (side[i].line != 0 && side[i].spi == *spi)
			return refuse(r,
				"SPI %#x is that of line %u already; each association of a "
				"direction needs its own",
				*spi, side[i].line);
	return 0;
}

// With AES-GCM the same key in two associations means the same nonces, which betray what was
// encrypted and the means to forge (RFC 4106 2). There is no reason for it with AES-CBC either.
static int check_own(const struct reader *r, const struct wr_ipsec_key *k)
{
	for (uint16_t i = 0; i < r->out->workers; i++) {
		const struct wr_ipsec_key *const others[] = {&r->out->in[i], &r->out->out[i]};

		for (int j = 0; j < 2; j++)
			if (others[j] != k && others[j]->line != 0 &&
				memcmp(others[j]->key, k->key, k->key_len) == 0)
				return refuse(r,
					"KEY is that of line %u already; each association needs "
					"its own random key",
					others[j]->line);
	}
	return 0;
}

static int read_key(const struct reader *r, const struct word *w, struct wr_ipsec_key *k)
{
	const struct cipher *c = r->cipher;
	size_t digits = 2 * ((size_t)c->key + c->salt);

	if (w->len != digits)
		return refuse(r,
			"KEY has %zu characters, and %s takes %zu hex digits: %u bytes of key%s",
			w->len, c->name, digits, c->key, c->salt > 0 ? " and 4 bytes of salt" : "");
	k->key_len = c->key;
	if (!read_hex(w, 0, k->key, c->key) || !read_hex(w, 2 * (size_t)c->key, k->salt, c->salt))
		return refuse(r,
			"KEY holds what is no hex digit; right would be %zu of 0-9 and "
			"a-f, without 0x",
			digits);
	if (all_equal(k->key, c->key))
		return refuse(r, "KEY is one byte repeated, which is no secret; right would be "
				 "random bytes");
	return check_own(r, k);
}

static int read_auth(const struct reader *r, const struct word *w, struct wr_ipsec_key *k)
{
	const struct cipher *c = r->cipher;

	if (w->len != 2 * (size_t)c->auth)
		return refuse(r,
			"AUTHENTICATION KEY has %zu characters, and %s takes %u hex digits: %u "
			"bytes",
			w->len, c->name, 2u * c->auth, c->auth);
	if (!read_hex(w, 0, k->auth, c->auth))
		return refuse(r,
			"AUTHENTICATION KEY holds what is no hex digit; right would be "
			"%u of 0-9 and a-f, without 0x",
			2u * c->auth);
	if (all_equal(k->auth, c->auth))
		return refuse(r, "AUTHENTICATION KEY is one byte repeated, which is no secret; "
				 "right would be random bytes");
	return 0;
}

static int check_words(const struct reader *r, uint32_t n)
{
	uint32_t wanted = r->cipher->auth > 0 ? 5 : 4;

	if (n == wanted)
		return 0;
	return refuse(r, "%u word%s, and %s takes %u: WORKER in|out SPI KEY%s", n,
		n == 1 ? "" : "s", r->cipher->name, wanted,
		wanted == 5 ? " AUTHENTICATION-KEY" : "");
}

static int read_line(const struct reader *r, const char *at, const char *end)
{
	struct word w[WORDS];
	uint32_t n, spi = 0;
	uint16_t worker = 0;
	struct wr_ipsec_key *side, *k;
	bool out;
	int rc;

	if (memchr(at, '\0', (size_t)(end - at)) != NULL)
		return refuse(r, "a NUL byte; a key file is text");
	n = split(at, end, w);
	if (n == 0)
		return 0;
	rc = check_words(r, n);
	if (rc == 0)
		rc = read_worker(r, &w[0], &worker);
	if (rc < 0)
		return rc;
	out = is_word(&w[1], "out");
	if (!out && !is_word(&w[1], "in"))
		return refuse(r, "the second word is not a direction; right would be in or out");
	side = out ? r->out->out : r->out->in;
	k = &side[worker];
	if (k->line != 0)
		return refuse(r, "worker %u has its '%s' in line %u already", worker,
			out ? "out" : "in", k->line);
	rc = read_spi(r, &w[2], side, &spi);
	if (rc == 0)
		rc = read_key(r, &w[3], k);
	if (rc == 0 && r->cipher->auth > 0)
		rc = read_auth(r, &w[4], k);
	k->worker = worker;
	k->out = out;
	k->spi = spi;
	k->line = r->line;
	return rc;
}

// --- the whole
// -----------------------------------------------------------------------------------

static int check_whole(struct reader *r)
{
	uint32_t last = r->line > 0 ? r->line : 1;

	for (uint16_t i = 0; i < r->out->workers; i++) {
		const struct wr_ipsec_key *in = &r->out->in[i], *out = &r->out->out[i];

		r->line = last;
		if (in->line == 0 && out->line == 0)
			return refuse(r,
				"worker %u has no line; each of the %u workers needs one 'in' and "
				"one 'out'",
				i, r->out->workers);
		r->line = in->line != 0 ? in->line : out->line;
		if (in->line == 0 || out->line == 0)
			return refuse(r,
				"an association without a peer: worker %u has this line '%s' and "
				"none '%s'",
				i, in->line != 0 ? "in" : "out", in->line != 0 ? "out" : "in");
	}
	return 0;
}

int wr_ipsec_keys_parse(const char *file, const char *text, size_t len, enum wr_ipsec_cipher cipher,
	uint16_t workers, struct wr_ipsec_keys *out, struct wr_err *err)
{
	struct reader r = {.file = file, .out = out, .err = err};
	const char *at = text, *end = text + len;
	int rc = 0;

	wr_ipsec_keys_wipe(out);
	if ((unsigned int)cipher >= WR_IPSEC_CIPHERS || workers == 0 || workers > WR_MAX_WORKERS)
		return wr_err_set(err, EINVAL, "%s: no such cipher, or %u workers; at most %u",
			file, workers, WR_MAX_WORKERS);
	r.cipher = &ciphers[cipher];
	out->workers = workers;
	while (rc == 0 && at < end) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));

		if (stop == NULL)
			stop = end;
		r.line++;
		rc = read_line(&r, at, stop);
		at = stop < end ? stop + 1 : end;
	}
	if (rc == 0)
		rc = check_whole(&r);
	if (rc < 0)
		wr_ipsec_keys_wipe(out);
	return rc;
}

// --- files
// ---------------------------------------------------------------------------------------

// By name, as the box's table of users has it now. Whom it does not have owns nothing.
static uid_t find_user(const char *user)
{
	struct passwd entry, *found = NULL;
	char buf[4096];

	if (user == NULL || user[0] == '\0' ||
		getpwnam_r(user, &entry, buf, sizeof(buf), &found) != 0 || found == NULL)
		return geteuid();
	return entry.pw_uid;
}

static int open_file(const char *file, uid_t user, struct wr_err *err)
{
	// What is no regular file is not waited for, and not followed.
	int fd = open(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	if (errno == ELOOP)
		return wr_err_set(err, EACCES,
			"%s: is a symbolic link, which is not followed; cure: name the file itself "
			"in tunnels[].keys",
			file);
	if (errno == EACCES)
		return wr_err_set(err, EACCES,
			"%s: user %u may not read it; cure: chown %u %s && chmod 600 %s, and its "
			"folders must let this user pass",
			file, (unsigned int)geteuid(), (unsigned int)user, file, file);
	return wr_err_set(err, errno,
		"%s: cannot be opened: %s; right would be a key file that "
		"is there before the start",
		file, strerror(errno));
}

static int check_file(const char *file, const struct stat *st, uid_t user, struct wr_err *err)
{
	if (!S_ISREG(st->st_mode))
		return wr_err_set(err, EACCES,
			"%s: is a %s; cure: name a regular file in tunnels[].keys", file,
			S_ISDIR(st->st_mode)    ? "directory"
			: S_ISFIFO(st->st_mode) ? "FIFO"
						: "device");
	if (st->st_uid != 0 && st->st_uid != geteuid() && st->st_uid != user)
		return wr_err_set(err, EACCES,
			"%s: belongs to user %u, who could change it; cure: chown %u %s && chmod "
			"600 %s",
			file, (unsigned int)st->st_uid, (unsigned int)user, file, file);
	if ((st->st_mode & 0066) != 0)
		return wr_err_set(err, EACCES,
			"%s: mode %04o lets others read or write keys; cure: chmod 600 %s", file,
			(unsigned int)st->st_mode & 07777, file);
	if (st->st_size > BYTES_MAX)
		return wr_err_set(err, EFBIG,
			"%s: has %lld bytes; right would be a key file, at most %d", file,
			(long long)st->st_size, BYTES_MAX);
	return 0;
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

// All of `size` bytes and nothing more, from a file that stays as it is meanwhile.
static int read_whole(
	int fd, const char *file, const struct stat *st, char *buf, size_t room, struct wr_err *err)
{
	struct stat after;
	size_t have = 0;
	ssize_t n;

	do {
		n = read(fd, buf + have, room - have);
		if (n < 0 && errno != EINTR)
			return wr_err_set(
				err, errno, "%s: cannot be read: %s", file, strerror(errno));
		have += n > 0 ? (size_t)n : 0;
	} while (n != 0 && have < room);
	if (have != (size_t)st->st_size || fstat(fd, &after) < 0 || after.st_size != st->st_size ||
		!same_time(&after.st_mtim, &st->st_mtim) ||
		!same_time(&after.st_ctim, &st->st_ctim))
		return wr_err_set(err, EAGAIN,
			"%s: changed while it was read; cure: write keys into a new file, then "
			"rename it",
			file);
	return 0;
}

static int begin_ivs(struct wr_ipsec_keys *k, struct wr_err *err)
{
	for (uint16_t i = 0; i < k->workers; i++) {
		if (getrandom(&k->out[i].iv, sizeof(k->out[i].iv), 0) == sizeof(k->out[i].iv))
			continue;
		wr_ipsec_keys_wipe(k);
		return wr_err_set(
			err, errno, "no random numbers from the kernel: %s", strerror(errno));
	}
	return 0;
}

int wr_ipsec_keys_load_as(const char *user, const char *file, enum wr_ipsec_cipher cipher,
	uint16_t workers, struct wr_ipsec_keys *out, struct wr_err *err)
{
	uid_t owner = find_user(user);
	struct stat st;
	size_t room = 0;
	char *buf = NULL;
	int fd, rc;

	wr_ipsec_keys_wipe(out);
	fd = open_file(file, owner, err);
	if (fd < 0)
		return fd;
	rc = fstat(fd, &st) < 0 ? wr_err_set(err, errno, "%s: %s", file, strerror(errno))
	                        : check_file(file, &st, owner, err);
	if (rc < 0)
		goto out_close;
	room = (size_t)st.st_size + 1; // one more: that there is none is known by trying
	buf = malloc(room);
	rc = buf == NULL ? wr_err_set(err, ENOMEM, "%s: no memory to read it", file)
	                 : read_whole(fd, file, &st, buf, room, err);
	if (rc == 0)
		rc = wr_ipsec_keys_parse(file, buf, (size_t)st.st_size, cipher, workers, out, err);
	if (rc == 0)
		rc = begin_ivs(out, err);
	if (buf != NULL)
		explicit_bzero(buf, room);
	free(buf);
out_close:
	close(fd);
	return rc;
}

int wr_ipsec_keys_load(const char *file, enum wr_ipsec_cipher cipher, uint16_t workers,
	struct wr_ipsec_keys *out, struct wr_err *err)
{
	return wr_ipsec_keys_load_as(NULL, file, cipher, workers, out, err);
}
