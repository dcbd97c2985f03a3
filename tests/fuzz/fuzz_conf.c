/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wr_conf.h"

// Any bytes as a configuration: refused with a sentence, or taken and then dumped and taken again.

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds, const char *what, const char *detail)
{
	if (holds)
		return;
	fprintf(stderr, "%s: %s\n", what, detail);
	abort();
}

static struct wr_conf *parse_exact(const char *text, size_t len, struct wr_err *err)
{
	char *copy = malloc(len ? len : 1); // exactly as long: an over-read is seen
	struct wr_conf *c;

	memcpy(copy, text, len);
	c = wr_conf_parse("fuzz.yaml", copy, len, err);
	free(copy);
	return c;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wr_err err = {{0}};
	struct wr_conf *c = parse_exact((const char *)data, size, &err);
	char *text = NULL;
	size_t len;
	FILE *out;

	if (!c) {
		require(strncmp(err.text, "fuzz.yaml", 9) == 0, "refused without a place",
			err.text);
		require(!strpbrk(err.text, "\n\r\t\033"), "control character", err.text);
		return 0;
	}
	require(!err.text[0], "taken with an error", err.text);
	out = open_memstream(&text, &len);
	wr_conf_dump(c, out);
	fclose(out);
	wr_conf_free(c);
	c = parse_exact(text, len, &err);
	require(c != NULL, "its own dump is refused", err.text);
	wr_conf_free(c);
	free(text);
	return 0;
}
