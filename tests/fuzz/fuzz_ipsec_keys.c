/* SPDX-License-Identifier: BSD-3-Clause */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wr_ipsec_keys.h"

// Any bytes as a key file, behind one that says for which cipher and how many workers. Refused with
// a sentence that has a place and nothing of a key, and then all is wiped; or taken, and then
// written anew and taken as the same.

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PART 8 // characters of a key

static void require(int holds, const char *what, const char *detail)
{
	if (holds)
		return;
	fprintf(stderr, "%s: %s\n", what, detail);
	abort();
}

static bool ends_word(char c)
{
	return isspace((unsigned char)c) || c == '#' || c == '\0';
}

// Numbers of the sentence, SPIs among them, are not taken for parts of keys.
static void without_numbers(char *text)
{
	while (*text != '\0') {
		size_t n = strspn(text, "0123456789abcdefx");

		if (n > 0 && n <= 10 && text[0] >= '0' && text[0] <= '9')
			memset(text, '_', n);
		text += n > 0 ? n : 1;
	}
}

static void hides(const char *text, size_t len, const char *sentence)
{
	char told[sizeof(((struct wr_err *)NULL)->text)];

	snprintf(told, sizeof(told), "%s", sentence);
	without_numbers(told);
	for (size_t i = 0; i < len; i++) {
		size_t n = 0;

		while (i + n < len && !ends_word(text[i + n]))
			n++;
		for (size_t k = 0; n > 12 && k + PART <= n; k++) {
			char part[PART + 1] = {0};

			memcpy(part, text + i + k, PART);
			// What is no hex digit is of no key.
			if (strspn(part, "0123456789abcdefABCDEF") == PART)
				require(strstr(told, part) == NULL, "part of a key", sentence);
		}
		i += n;
	}
}

static int parse(const char *text, size_t len, enum wr_ipsec_cipher cipher, uint16_t workers,
	struct wr_ipsec_keys *out, struct wr_err *err)
{
	char *copy = malloc(len ? len : 1); // exactly as long: an over-read is seen
	int rc;

	if (len > 0)
		memcpy(copy, text, len);
	memset(out, 0x5a, sizeof(*out));
	rc = wr_ipsec_keys_parse("fuzz.keys", copy, len, cipher, workers, out, err);
	free(copy);
	return rc;
}

static void put_hex(FILE *out, const uint8_t *b, size_t len)
{
	for (size_t i = 0; i < len; i++)
		fprintf(out, "%02X", b[i]);
}

static void put_key(FILE *out, const struct wr_ipsec_key *k, bool gcm)
{
	fprintf(out, "%u\t%s %#x ", k->worker, k->out ? "out" : "in", k->spi);
	put_hex(out, k->key, k->key_len);
	if (gcm)
		put_hex(out, k->salt, sizeof(k->salt));
	else
		fputc(' ', out);
	if (!gcm)
		put_hex(out, k->auth, sizeof(k->auth));
	fputs("\r\n", out);
}

static void check_taken(struct wr_ipsec_keys *k, enum wr_ipsec_cipher cipher, uint16_t workers)
{
	bool gcm = cipher == WR_IPSEC_AES_GCM_128 || cipher == WR_IPSEC_AES_GCM_256;
	static struct wr_ipsec_keys again;
	struct wr_ipsec_clash clash;
	struct wr_err err = {{0}};
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	require(k->workers == workers, "not the workers", "");
	for (uint16_t i = 0; i < workers; i++) {
		require(k->in[i].line > 0 && k->out[i].line > 0, "no peer", "");
		require(k->in[i].spi > 255 && k->out[i].spi > 255, "a reserved SPI", "");
		for (uint16_t j = 0; j < i; j++)
			require(k->in[i].spi != k->in[j].spi && k->out[i].spi != k->out[j].spi,
				"an SPI twice", "");
		put_key(out, &k->in[i], gcm);
		put_key(out, &k->out[i], gcm);
	}
	fclose(out);
	require(parse(text, len, cipher, workers, &again, &err) == 0, "refused anew", err.text);
	for (uint16_t i = 0; i < workers; i++) {
		k->in[i].line = again.in[i].line;
		k->out[i].line = again.out[i].line;
	}
	require(memcmp(k, &again, sizeof(again)) == 0, "taken as another", text);
	require(wr_ipsec_keys_clash(k, &again, false, &clash) && clash.spi &&
			clash.b->spi == again.in[0].spi,
		"no clash with itself", "");
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct wr_ipsec_keys keys;
	static const struct wr_ipsec_keys none;
	struct wr_err err = {{0}};
	enum wr_ipsec_cipher cipher;
	uint16_t workers;
	const char *text;

	if (size == 0)
		return 0;
	cipher = (enum wr_ipsec_cipher)(data[0] % WR_IPSEC_CIPHERS);
	workers = (uint16_t)(1 + data[0] / WR_IPSEC_CIPHERS % WR_MAX_WORKERS);
	text = (const char *)data + 1;
	if (parse(text, size - 1, cipher, workers, &keys, &err) == 0) {
		require(!err.text[0], "taken with an error", err.text);
		check_taken(&keys, cipher, workers);
		return 0;
	}
	require(strncmp(err.text, "fuzz.keys:", 10) == 0, "refused without a place", err.text);
	require(!strpbrk(err.text, "\n\r\t\033"), "control character", err.text);
	require(memcmp(&keys, &none, sizeof(none)) == 0, "not wiped", err.text);
	hides(text, size - 1, err.text);
	return 0;
}
