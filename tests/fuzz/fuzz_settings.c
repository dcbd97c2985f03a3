/* SPDX-License-Identifier: BSD-3-Clause */
#include "../unit/settings/settings_test.h"

// Any bytes as a configuration and settings of the command line over it: the text, then each
// setting behind a NUL byte; a text that begins with '!' is no file. Refused with a sentence, or
// taken, and then dumped and taken again.

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SETS_MAX 16

static void require(int holds, const char *what, const char *detail)
{
	if (holds)
		return;
	fprintf(stderr, "%s: %s\n", what, detail);
	abort();
}

static char *cut(const uint8_t **at, size_t *left)
{
	size_t len = strnlen((const char *)*at, *left);
	char *copy = malloc(len + 1); // exactly as long: an over-read is seen

	memcpy(copy, *at, len);
	copy[len] = 0;
	*at += len < *left ? len + 1 : len;
	*left -= len < *left ? len + 1 : len;
	return copy;
}

static void again(struct toy *t)
{
	struct wr_err err = {{0}};
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	wr_settings_dump(&toy_table, t, out);
	fclose(out);
	toy_free(t);
	t = toy_try(text, len, NULL, &err);
	require(t != NULL, "its own dump is refused", err.text);
	toy_free(t);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *set[SETS_MAX + 1] = {NULL}, *text = cut(&data, &size);
	struct wr_err err = {{0}};
	struct toy *t;

	for (uint32_t i = 0; i < SETS_MAX && size > 0; i++)
		set[i] = cut(&data, &size);
	t = toy_try(text[0] == '!' ? NULL : text, strlen(text), set, &err);
	if (t) {
		require(!err.text[0], "taken with an error", err.text);
		again(t);
	} else {
		require(strncmp(err.text, "t.yaml:", 7) == 0 ||
				strncmp(err.text, "command line: ", 14) == 0,
			"refused without a place", err.text);
		require(!strpbrk(err.text, "\n\r\t\033"), "control character", err.text);
	}
	free(text);
	for (uint32_t i = 0; i < SETS_MAX; i++)
		free(set[i]);
	return 0;
}
