/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

// What went wrong, in one sentence that an operator can act on: what, where, what would be right.

struct wr_err {
	char text[512]; // complete sentence without a newline; empty while nothing went wrong
};

// Set the text (printf style) unless one is set already: the first cause wins.
// Returns -code, so that a caller can write: return wr_err_set(err, EINVAL, "...").
// `err` may be NULL. Control side only.
int wr_err_set(struct wr_err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

// Put "prefix: " (printf style) before a text that is set already, to add where it happened.
void wr_err_prefix(struct wr_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
