/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "wr_ipsec_keys.h"

#define NOBODY 65534

// Keys that no sentence could hold a part of by accident.
#define K16_0 "9c41e70b5d28f36a8e13b7c094d25f61"
#define K16_1 "17fa3c8d60e29b45d3087e1fc65ab924"
#define K16_2 "e5b80193c47f2ad65b9e3f07128ac4dd"
#define K16_3 "4d29f6a51b8c03e7762fe9d8b0354ca2"
#define S0    "c3a9175e"
#define S1    "80d6f24b"
#define A0    K16_2 K16_3
#define A1    K16_3 K16_0
#define GCM   WR_IPSEC_AES_GCM_128
#define CBC   WR_IPSEC_AES_CBC_128_SHA256

static struct wr_ipsec_keys keys;

static bool is_wiped(void)
{
	const uint8_t *b = (const uint8_t *)&keys;

	for (size_t i = 0; i < sizeof(keys); i++)
		if (b[i] != 0)
			return false;
	return true;
}

static int parse(const char *text, size_t len, enum wr_ipsec_cipher cipher, uint16_t workers,
	struct wr_err *err)
{
	char *copy = malloc(len + (len == 0)); // exactly as long: an over-read is seen
	int rc;

	memcpy(copy, text, len);
	memset(&keys, 0x5a, sizeof(keys));
	rc = wr_ipsec_keys_parse("t.keys", copy, len, cipher, workers, &keys, err);
	free(copy);
	return rc;
}

static void take(const char *text, enum wr_ipsec_cipher cipher, uint16_t workers)
{
	struct wr_err err = {{0}};

	if (parse(text, strlen(text), cipher, workers, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(err.text, "");
	assert_int_equal(keys.workers, workers);
}

// Not four characters in a row of any long word of the text are in the sentence.
static void hides(const char *text, size_t len, const char *sentence)
{
	for (size_t i = 0; i < len;) {
		size_t n = 0;

		while (i + n < len && !isspace((unsigned char)text[i + n]) && text[i + n] != '#')
			n++;
		for (size_t k = 0; n > 12 && k + 4 <= n; k++) {
			char part[5] = {0};

			memcpy(part, text + i + k, 4);
			if (strlen(part) == 4 && strstr(sentence, part) != NULL)
				fail_msg("'%s' shows '%s' of a key", sentence, part);
		}
		i += n + 1;
	}
}

// --- what is taken
// -------------------------------------------------------------------------------

static void parse_takes_gcm(void **state)
{
	take("# keys of dc1\n"
	     "\n"
	     "0 out 0x00001001 " K16_0 S0 "\n"
	     "  0\tin 8193\t" K16_1 S1 "   # of the gateway\n"
	     "1 in 0xFFFFFFFF " K16_2 S0 "#near\n"
	     "1 out 256 " K16_3 S1 "\n",
		GCM, 2);
	assert_int_equal(keys.out[0].spi, 0x1001);
	assert_int_equal(keys.in[0].spi, 8193);
	assert_int_equal(keys.in[1].spi, UINT32_MAX);
	assert_int_equal(keys.out[1].spi, 256);
	assert_int_equal(keys.out[0].key_len, 16);
	assert_int_equal(keys.out[0].line, 3);
	assert_int_equal(keys.in[0].line, 4);
	assert_int_equal(keys.in[1].worker, 1);
	assert_false(keys.in[1].out);
	assert_true(keys.out[1].out);
	assert_int_equal(keys.out[0].key[0], 0x9c);
	assert_int_equal(keys.out[0].key[15], 0x61);
	assert_int_equal(keys.out[0].salt[0], 0xc3);
	assert_int_equal(keys.out[0].salt[3], 0x5e);
	wr_ipsec_keys_wipe(&keys);
	assert_true(is_wiped());
}

static void parse_takes_all_ciphers(void **state)
{
	take("0 in 256 " K16_0 K16_1 S0 "\n0 out 256 " K16_1 K16_0 S0 "\n", WR_IPSEC_AES_GCM_256,
		1);
	assert_int_equal(keys.in[0].key_len, 32);
	assert_int_equal(keys.in[0].key[31], 0x24);
	assert_int_equal(keys.in[0].salt[0], 0xc3);
	take("0 in 256 " K16_0 " " A0 "\n0 out 257 " K16_1 " " A1 "\n", CBC, 1);
	assert_int_equal(keys.in[0].key_len, 16);
	assert_int_equal(keys.in[0].auth[0], 0xe5);
	assert_int_equal(keys.in[0].auth[31], 0xa2);
	assert_int_equal(keys.in[0].salt[0], 0);
	take("0 in 256 " K16_0 K16_1 " " A0 "\n0 out 257 " K16_1 K16_0 " " A1 "\n",
		WR_IPSEC_AES_CBC_256_SHA256, 1);
	assert_int_equal(keys.out[0].key_len, 32);
	assert_int_equal(keys.out[0].auth[0], 0x4d);
	assert_string_equal(wr_ipsec_cipher_name(GCM), "aes-gcm-128");
	assert_string_equal(wr_ipsec_cipher_name(WR_IPSEC_AES_GCM_256), "aes-gcm-256");
	assert_string_equal(wr_ipsec_cipher_name(CBC), "aes-cbc-128-sha256");
	assert_string_equal(
		wr_ipsec_cipher_name(WR_IPSEC_AES_CBC_256_SHA256), "aes-cbc-256-sha256");
	assert_string_equal(wr_ipsec_cipher_name(WR_IPSEC_CIPHERS), "?");
}

static void parse_takes_upper_case(void **state)
{
	struct wr_ipsec_keys lower;

	take("0 in 0xabc " K16_0 S0 "\n0 out 0xdef " K16_1 S1 "\n", GCM, 1);
	lower = keys;
	take("0 in 0XABC 9C41E70B5D28F36A8E13B7C094D25F61C3A9175E\n"
	     "0 out 0xDeF 17FA3c8d60e29b45d3087e1fc65ab92480D6F24B\n",
		GCM, 1);
	assert_memory_equal(&lower, &keys, sizeof(keys));
}

static void parse_takes_ends_of_lines(void **state)
{
	static const char *const texts[] = {
		"0 in 256 " K16_0 S0 "\n0 out 257 " K16_1 S1,
		"0 in 256 " K16_0 S0 "\r\n0 out 257 " K16_1 S1 "\r\n",
		"\r\n#\r\n0 in 256 " K16_0 S0 "\r\n0 out 257 " K16_1 S1 "\r",
		"0 in 256 " K16_0 S0 "\n\n\n0 out 257 " K16_1 S1 "\n\n# end",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		take(texts[i], GCM, 1);
		assert_int_equal(keys.out[0].spi, 257);
	}
}

static void parse_takes_the_most_workers(void **state)
{
	char text[WR_MAX_WORKERS * 200] = "";
	size_t at = 0;

	for (uint32_t i = 0; i < WR_MAX_WORKERS; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at,
			"%u in %u %02x%.30s" S0 "\n%u out %u %02x%.30s" S0 "\n", i, 256 + i, i,
			K16_0, i, 256 + i, i, K16_1);
	take(text, GCM, WR_MAX_WORKERS);
	assert_int_equal(keys.out[WR_MAX_WORKERS - 1].spi, 256 + WR_MAX_WORKERS - 1);
}

// --- what is refused
// -----------------------------------------------------------------------------

static const struct {
	enum wr_ipsec_cipher cipher;
	uint16_t workers;
	const char *text, *where, *why;
} bad[] = {
	{GCM, 1, "", "t.keys:1: ", "worker 0 has no line; each of the 1 workers needs"},
	{GCM, 1, "# nothing\n\n", "t.keys:2: ", "worker 0 has no line"},
	{GCM, 1, "0 in 256 " K16_0 S0 "\n", "t.keys:1: ",
		"an association without a peer: worker 0 has this line 'in' and none 'out'"},
	{GCM, 2, "0 in 256 " K16_0 S0 "\n0 out 256 " K16_1 S0 "\n1 out 257 " K16_2 S0 "\n# end\n",
		"t.keys:3: ", "worker 1 has this line 'out' and none 'in'"},
	{GCM, 2, "0 in 256 " K16_0 S0 "\n0 out 256 " K16_1 S0 "\n",
		"t.keys:2: ", "worker 1 has no line"},
	// words
	{GCM, 1, K16_0 S0 "\n", "t.keys:1: ", "1 word, and aes-gcm-128 takes 4: WORKER in|out SPI"},
	{GCM, 1, "0 in " K16_0 S0 "\n", "t.keys:1: ", "3 words"},
	{GCM, 1, "\n0 in 256 # " K16_0 S0 "\n", "t.keys:2: ", "3 words"},
	{GCM, 1, "0 in 256 " K16_0 S0 " " A0 "\n", "t.keys:1: ", "5 words"},
	{GCM, 1, "0 in 256 " K16_0 S0 " " A0 " " A1 " x\n", "t.keys:1: ", "7 words"},
	{CBC, 1, "0 in 256 " K16_0 "\n",
		"t.keys:1: ", "takes 5: WORKER in|out SPI KEY AUTHENTICATION-KEY"},
	// worker
	{GCM, 1, "1 in 256 " K16_0 S0 "\n", "t.keys:1: ",
		"there is no worker 1: runtime.workers makes 1; right would be 0 to 0"},
	{GCM, 2, "5000 in 256 " K16_0 S0 "\n", "t.keys:1: ", "no such worker"},
	{GCM, 2, "-1 in 256 " K16_0 S0 "\n", "t.keys:1: ", "not the number of a worker"},
	{GCM, 2, "x in 256 " K16_0 S0 "\n", "t.keys:1: ", "right would be 0 to 1"},
	{GCM, 1, K16_0 S0 " in 256 0\n", "t.keys:1: ", "not the number of a worker"},
	{GCM, 1, "00000000009c41e70b5d in 256 " K16_0 S0 "\n", "t.keys:1: ", "not the number"},
	{GCM, 1, "0 in 256 " K16_0 S0 "\n0 in 257 " K16_1 S0 "\n",
		"t.keys:2: ", "worker 0 has its 'in' in line 1 already"},
	// direction
	{GCM, 1, "0 IN 256 " K16_0 S0 "\n", "t.keys:1: ", "right would be in or out"},
	{GCM, 1, "0 " K16_0 S0 " 256 in\n", "t.keys:1: ", "right would be in or out"},
	{GCM, 1, "0 input 256 " K16_0 S0 "\n", "t.keys:1: ", "right would be in or out"},
	// SPI
	{GCM, 1, "0 in 255 " K16_0 S0 "\n", "t.keys:1: ", "SPI 255 is reserved (RFC 4303)"},
	{GCM, 1, "0 in 0 " K16_0 S0 "\n", "t.keys:1: ", "256 or above"},
	{GCM, 1, "0 in 0xff " K16_0 S0 "\n", "t.keys:1: ", "SPI 255 is reserved"},
	{GCM, 1, "0 in 4294967296 " K16_0 S0 "\n", "t.keys:1: ", "not an SPI"},
	{GCM, 1, "0 in 0x100000000 " K16_0 S0 "\n", "t.keys:1: ", "not an SPI"},
	{GCM, 1, "0 in 0x " K16_0 S0 "\n", "t.keys:1: ", "not an SPI"},
	{GCM, 1, "0 in 1a0 " K16_0 S0 "\n", "t.keys:1: ", "not an SPI"},
	{GCM, 1, "0 in 0xg00 " K16_0 S0 "\n", "t.keys:1: ", "not an SPI"},
	{GCM, 1, "0 in " K16_0 S0 " 256\n", "t.keys:1: ", "not an SPI"},
	{GCM, 1, "0 in 0000000000000000000000000000b5d28 256\n", "t.keys:1: ", "not an SPI"},
	{GCM, 1, "0 in 0000000000000000000000000000035928 256\n", "t.keys:1: ", "not an SPI"},
	{GCM, 2, "0 in 256 " K16_0 S0 "\n1 in 0x100 " K16_1 S0 "\n",
		"t.keys:2: ", "SPI 0x100 is that of line 1 already"},
	{GCM, 2, "0 out 4097 " K16_0 S0 "\n\n1 out 0x1001 " K16_1 S0 "\n",
		"t.keys:3: ", "SPI 0x1001 is that of line 1 already"},
	// key
	{GCM, 1, "0 in 256 " K16_0 "\n", "t.keys:1: ",
		"KEY has 32 characters, and aes-gcm-128 takes 40 hex digits: 16 bytes of key and 4 "
		"bytes of salt"},
	{GCM, 1, "0 in 256 " K16_0 S0 "1\n", "t.keys:1: ", "KEY has 41 characters"},
	{GCM, 1, "0 in 256 0x" K16_0 S0 "\n", "t.keys:1: ", "KEY has 42 characters"},
	{GCM, 1, "0 in 256 0x" K16_0 "c3a917\n", "t.keys:1: ", "without 0x"},
	{GCM, 1, "0 in 256 " K16_0 "c3a917g0\n", "t.keys:1: ", "no hex digit"},
	{GCM, 1, "0 in 256 9c41e70b-d28f36a8e13b7c094d25f61" S0 "\n", "t.keys:1: ", "no hex digit"},
	{GCM, 1, "0 in 256 7b7b7b7b7b7b7b7b7b7b7b7b7b7b7b7b" S0 "\n",
		"t.keys:1: ", "KEY is one byte repeated"},
	{CBC, 1, "0 in 256 " K16_0 S0 " " A0 "\n",
		"t.keys:1: ", "aes-cbc-128-sha256 takes 32 hex digits: 16 bytes of key"},
	{CBC, 1, "0 in 256 " K16_0 " " K16_1 "\n", "t.keys:1: ",
		"AUTHENTICATION KEY has 32 characters, and aes-cbc-128-sha256 takes 64"},
	{CBC, 1, "0 in 256 " K16_0 " " K16_1 "4d29f6a51b8c03e7762fe9d8b0354c!2\n",
		"t.keys:1: ", "AUTHENTICATION KEY holds what is no hex digit"},
	{CBC, 1,
		"0 in 256 " K16_0
		" 3939393939393939393939393939393939393939393939393939393939393939\n",
		"t.keys:1: ", "AUTHENTICATION KEY is one byte repeated"},
	{GCM, 1, "0 in 256 " K16_0 S0 "\n0 out 256 " K16_0 S1 "\n",
		"t.keys:2: ", "KEY is that of line 1 already"},
	{GCM, 2, "0 in 256 " K16_0 S0 "\n0 out 256 " K16_1 S1 "\n1 out 257 " K16_0 S0 "\n",
		"t.keys:3: ", "KEY is that of line 1 already"},
};

static void parse_refuses(void **state)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct wr_err err = {{0}};
		size_t len = strlen(bad[i].text);

		assert_int_equal(
			parse(bad[i].text, len, bad[i].cipher, bad[i].workers, &err), -EINVAL);
		if (strncmp(err.text, bad[i].where, strlen(bad[i].where)) != 0 ||
			strstr(err.text, bad[i].why) == NULL)
			fail_msg("row %zu: '%s' is not '%s..%s'", i, err.text, bad[i].where,
				bad[i].why);
		hides(bad[i].text, len, err.text);
		assert_true(is_wiped());
		assert_int_equal(
			parse(bad[i].text, len, bad[i].cipher, bad[i].workers, NULL), -EINVAL);
	}
}

static void parse_refuses_nul_bytes(void **state)
{
	static const char good[] = "0 in 256 " K16_0 S0 "\n0 out 257 " K16_1 S1 "\n# end\n";
	char text[sizeof(good)];
	struct wr_err err;

	for (size_t i = 0; i < sizeof(good) - 1; i++) {
		if (good[i] == '\n')
			continue; // two lines become one, which has too many words
		memcpy(text, good, sizeof(good));
		text[i] = '\0';
		err.text[0] = '\0';
		assert_int_equal(parse(text, sizeof(good) - 1, GCM, 1, &err), -EINVAL);
		assert_non_null(strstr(err.text, "a NUL byte"));
		hides(good, sizeof(good) - 1, err.text);
		assert_true(is_wiped());
	}
}

// Each character of a good file as another: taken or refused, and nothing of a key is shown.
static void parse_hides_keys_of_damaged_files(void **state)
{
	static const char good[] = "0 in 256 " K16_0 " " A0 "\n0 out 0x1001 " K16_1 " " A1 "\n";
	static const char with[] = {' ', '\n', '#', '\0', 'x', '0', '\xff', 'G', '\r'};
	char text[sizeof(good)];

	for (size_t i = 0; i < sizeof(good) - 1; i++)
		for (size_t k = 0; k < sizeof(with); k++) {
			struct wr_err err = {{0}};

			memcpy(text, good, sizeof(good));
			text[i] = with[k];
			if (parse(text, sizeof(good) - 1, CBC, 1, &err) == 0)
				continue;
			hides(good, sizeof(good) - 1, err.text);
			assert_true(is_wiped());
		}
	for (size_t len = 0; len < sizeof(good) - 2; len++) {
		struct wr_err err = {{0}};

		assert_int_equal(parse(good, len, CBC, 1, &err), -EINVAL);
		hides(good, len, err.text);
		assert_true(is_wiped());
	}
}

static void parse_refuses_impossible_arguments(void **state)
{
	struct wr_err err = {{0}};

	assert_int_equal(parse("", 0, WR_IPSEC_CIPHERS, 1, &err), -EINVAL);
	assert_int_equal(parse("", 0, GCM, 0, NULL), -EINVAL);
	assert_int_equal(parse("", 0, GCM, WR_MAX_WORKERS + 1, NULL), -EINVAL);
	assert_true(is_wiped());
}

// --- files
// ---------------------------------------------------------------------------------------

static const char good[] = "0 in 256 " K16_0 S0 "\n0 out 257 " K16_1 S1 "\n";
static char dir[] = "/tmp/wr-keys-XXXXXX", path[64];

// Each read(2) of this program goes through here.
static size_t read_at_most;
static void (*while_reading)(void);

ssize_t read(int fd, void *buf, size_t len)
{
	void (*hook)(void) = while_reading;

	while_reading = NULL;
	if (hook != NULL)
		hook();
	return syscall(
		SYS_read, fd, buf, read_at_most > 0 && len > read_at_most ? read_at_most : len);
}

// And each wipe: what was there before is looked at.
static uint32_t keys_wiped;

void explicit_bzero(void *buf, size_t len)
{
	volatile uint8_t *b = buf;
	void *volatile seen = buf; // gcc takes it for one that is only written

	if (memmem(seen, len, K16_0, 32) != NULL)
		keys_wiped++;
	for (size_t i = 0; i < len; i++)
		b[i] = 0;
}

static void put(const char *text, size_t len, mode_t mode)
{
	int fd;

	unlink(path);
	rmdir(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static int load(const char *file, struct wr_err *err)
{
	memset(&keys, 0x5a, sizeof(keys));
	err->text[0] = '\0';
	return wr_ipsec_keys_load(file, GCM, 1, &keys, err);
}

static void expect_refused(int rc, int code, const char *why, const struct wr_err *err)
{
	if (rc != -code || strncmp(err->text, path, strlen(path)) != 0 ||
		strstr(err->text, why) == NULL)
		fail_msg("%d: '%s' is not '%s: ..%s'", rc, err->text, path, why);
	hides(good, sizeof(good) - 1, err->text);
	assert_true(is_wiped());
}

static void load_reads_a_file_in_pieces(void **state)
{
	struct wr_err err;

	put(good, sizeof(good) - 1, 0600);
	for (read_at_most = 0; read_at_most < 4; read_at_most++) {
		keys_wiped = 0;
		if (load(path, &err) < 0)
			fail_msg("%s", err.text);
		assert_int_equal(keys.out[0].spi, 257);
		assert_int_equal(keys_wiped, 1); // the text of the file
	}
	read_at_most = 0;
	put(good, sizeof(good) - 1, 0400);
	assert_int_equal(load(path, &err), 0);
	put(good, sizeof(good) - 2, 0600); // without its last newline
	assert_int_equal(load(path, &err), 0);
}

static void load_wipes_what_it_refuses(void **state)
{
	static const char half[] = "0 in 256 " K16_0 S0 "\n0 out x " K16_1 S1 "\n";
	struct wr_err err;
	int rc;

	put(half, sizeof(half) - 1, 0600);
	keys_wiped = 0;
	rc = load(path, &err);
	expect_refused(rc, EINVAL, ":2: the third word", &err);
	assert_int_equal(keys_wiped, 1);
}

static void load_refuses_modes(void **state)
{
	static const mode_t modes[] = {0640, 0620, 0604, 0602, 0644, 0666, 0777};
	char cure[128], mode[16];
	struct wr_err err;
	int rc;

	snprintf(cure, sizeof(cure), "cure: chmod 600 %s", path);
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		put(good, sizeof(good) - 1, modes[i]);
		snprintf(mode, sizeof(mode), "mode %04o", (unsigned int)modes[i]);
		rc = load(path, &err);
		expect_refused(rc, EACCES, mode, &err);
		expect_refused(rc, EACCES, cure, &err);
	}
}

static void load_refuses_kinds(void **state)
{
	struct wr_err err;
	int rc;

	unlink(path);
	rc = load(path, &err);
	expect_refused(rc, ENOENT, "No such file", &err);
	assert_int_equal(symlink("/dev/null", path), 0);
	rc = load(path, &err);
	expect_refused(rc, EACCES, "is a symbolic link", &err);
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0); // which does not wait for a writer
	rc = load(path, &err);
	expect_refused(rc, EACCES, "is a FIFO", &err);
	unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	rc = load(path, &err);
	expect_refused(rc, EACCES, "is a directory", &err);
	rmdir(path);
	memset(&keys, 0x5a, sizeof(keys));
	assert_int_equal(load("/dev/null", &err), -EACCES);
	assert_non_null(strstr(err.text, "is a device"));
}

static void load_refuses_sizes(void **state)
{
	char *big = malloc(1024 * 1024 + 1);
	struct wr_err err;
	int rc;

	memset(big, '#', 1024 * 1024 + 1);
	memcpy(big, good, sizeof(good) - 1);
	put(big, 1024 * 1024, 0600);
	assert_int_equal(load(path, &err), 0);
	put(big, 1024 * 1024 + 1, 0600);
	rc = load(path, &err);
	expect_refused(rc, EFBIG, "1048577 bytes", &err);
	put("", 0, 0600);
	rc = load(path, &err);
	expect_refused(rc, EINVAL, ":1: worker 0 has no line", &err);
	free(big);
}

static void grow(void)
{
	int fd = open(path, O_WRONLY | O_APPEND);

	assert_int_equal(write(fd, "#\n", 2), 2);
	close(fd);
}

static void shrink(void)
{
	assert_int_equal(truncate(path, sizeof(good) - 4), 0);
}

static void rewrite(void)
{
	struct timespec past[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
	int fd = open(path, O_WRONLY);

	assert_int_equal(write(fd, "1", 1), 1);
	assert_int_equal(futimens(fd, past), 0);
	close(fd);
}

static void load_refuses_what_changes(void **state)
{
	static void (*const changes[])(void) = {grow, shrink, rewrite};
	struct wr_err err;
	int rc;

	for (int i = 0; i < 3; i++) {
		put(good, sizeof(good) - 1, 0600);
		while_reading = changes[i];
		keys_wiped = 0;
		rc = load(path, &err);
		expect_refused(rc, EAGAIN, "changed while it was read", &err);
		assert_int_equal(keys_wiped, 1);
	}
}

static void load_refuses_owners(void **state)
{
	struct wr_err err = {{0}};
	int rc;

	if (geteuid() != 0)
		skip();
	put(good, sizeof(good) - 1, 0600);
	assert_int_equal(chown(path, NOBODY, NOBODY), 0);
	rc = load(path, &err);
	expect_refused(rc, EACCES, "belongs to user 65534", &err);
	assert_non_null(strstr(err.text, "cure: chown 0 "));
	// To be given to that user later: the start may read it already.
	assert_int_equal(wr_ipsec_keys_load_as("nobody", path, GCM, 1, &keys, NULL), 0);
	assert_int_equal(wr_ipsec_keys_load_as("", path, GCM, 1, &keys, NULL), -EACCES);
	assert_true(is_wiped());
	assert_int_equal(wr_ipsec_keys_load_as("no_such", path, GCM, 1, &keys, NULL), -EACCES);
	// That user reads its own, and not root's.
	assert_int_equal(chmod(dir, 0711), 0);
	assert_int_equal(seteuid(NOBODY), 0);
	rc = load(path, &err);
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(rc, 0);
	put(good, sizeof(good) - 1, 0600);
	assert_int_equal(seteuid(NOBODY), 0);
	rc = load(path, &err);
	assert_int_equal(seteuid(0), 0);
	expect_refused(rc, EACCES, "user 65534 may not read it; cure: chown 65534", &err);
}

static int make_dir(void **state)
{
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/k", dir);
	return 0;
}

static int drop_dir(void **state)
{
	unlink(path);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parse_takes_gcm),
		cmocka_unit_test(parse_takes_all_ciphers),
		cmocka_unit_test(parse_takes_upper_case),
		cmocka_unit_test(parse_takes_ends_of_lines),
		cmocka_unit_test(parse_takes_the_most_workers),
		cmocka_unit_test(parse_refuses),
		cmocka_unit_test(parse_refuses_nul_bytes),
		cmocka_unit_test(parse_hides_keys_of_damaged_files),
		cmocka_unit_test(parse_refuses_impossible_arguments),
		cmocka_unit_test(load_reads_a_file_in_pieces),
		cmocka_unit_test(load_wipes_what_it_refuses),
		cmocka_unit_test(load_refuses_modes),
		cmocka_unit_test(load_refuses_kinds),
		cmocka_unit_test(load_refuses_sizes),
		cmocka_unit_test(load_refuses_what_changes),
		cmocka_unit_test(load_refuses_owners),
	};

	return cmocka_run_group_tests(tests, make_dir, drop_dir);
}
