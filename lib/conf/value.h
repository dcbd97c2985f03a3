/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stddef.h>
#include <stdio.h>

#include "settings.h"
#include "wr_conf.h"

// One value: from text into its field and back, by the type of its row.

#define WR_CONF_WHY 384 // bytes that hold a reason or a description

// Parse `text` as one item of `s` into `dst` (NULL: check only). `c` resolves names of ports and
// pools. Returns 0, or -EINVAL with `why` = "is not ...; right would be ...".
int wr_conf_value_parse(const struct wr_conf_setting *s, const char *text, void *dst,
	const struct wr_conf *c, char why[WR_CONF_WHY]);

// Write one item as the file would have it.
void wr_conf_value_print(
	const struct wr_conf_setting *s, const void *src, const struct wr_conf *c, FILE *out);

// A size in its shortest exact form ("128KiB", "1000B"); returns buf.
const char *wr_conf_size_format(uint64_t bytes, char *buf, size_t len);

// What a value of this row looks like: "a time from 10ms to 5m, such as 3s". Returns buf.
const char *wr_conf_value_expect(const struct wr_conf_setting *s, char *buf, size_t len);
