/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdint.h>

#include "wr_conf.h"

// From YAML text to the structure, driven by the table of settings; and where each value stood.

struct wr_conf_mark {
	const void *at; // the field in struct wr_conf or in what it owns
	uint32_t line;
};

// Lines of the values that the file gave; defaults have none.
struct wr_conf_marks {
	struct wr_conf_mark *mark;
	uint32_t count, room;
};

void wr_conf_marks_fini(struct wr_conf_marks *m);

// Line of a field, or `other` when the file did not give it.
uint32_t wr_conf_marks_line(const struct wr_conf_marks *m, const void *at, uint32_t other);

// Fill `c` (zeroed, c->file set) from text: every value is present, of its type and in its range;
// what needs two values to judge is left to wr_conf_check(). 0, -EINVAL or -ENOMEM.
int wr_conf_parse_yaml(struct wr_conf *c, const char *text, size_t len, struct wr_conf_marks *marks,
	struct wr_err *err);
