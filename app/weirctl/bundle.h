/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stddef.h>

#include "wr_err.h"

// A tar.gz that appears under its name when it is whole, for its owner alone.

struct bundle;

// NULL with a sentence.
struct bundle *bundle_open(const char *file, struct wr_err *err);
// A file of the archive. 0, or -1: bundle_close() says why.
int bundle_add(struct bundle *b, const char *name, const void *data, size_t len);
// 0, or -1 with a sentence: then there is no archive.
int bundle_close(struct bundle *b, struct wr_err *err);
