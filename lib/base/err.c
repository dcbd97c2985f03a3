/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

// A text that did not fit ends in dots, so that nobody takes it for the whole sentence.
static void mark_cut(char *text, size_t len, int wanted)
{
	static const char dots[] = "...";

	if (wanted >= 0 && (size_t)wanted >= len)
		memcpy(text + len - sizeof(dots), dots, sizeof(dots));
}

int wr_err_set(struct wr_err *err, int code, const char *fmt, ...)
{
	va_list ap;

	if (err == NULL || err->text[0] != '\0')
		return -code;
	va_start(ap, fmt);
	mark_cut(err->text, sizeof(err->text), vsnprintf(err->text, sizeof(err->text), fmt, ap));
	va_end(ap);
	return -code;
}

void wr_err_prefix(struct wr_err *err, const char *fmt, ...)
{
	char where[sizeof(err->text)];
	char what[sizeof(err->text)];
	va_list ap;

	if (err == NULL || err->text[0] == '\0')
		return;
	va_start(ap, fmt);
	mark_cut(where, sizeof(where), vsnprintf(where, sizeof(where), fmt, ap));
	va_end(ap);
	memcpy(what, err->text, sizeof(what));
	mark_cut(err->text, sizeof(err->text),
		snprintf(err->text, sizeof(err->text), "%s: %s", where, what));
}
