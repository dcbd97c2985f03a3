/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "wr_settings.h"

// One value: from text into its field and back, by the type of its row.

#define WR_SETTINGS_WHY 448 // bytes that hold a reason or a description

// Where references find the names of list items.
struct wr_settings_names {
	const struct wr_settings_table *table;
	const void *root;
};

// Parse `text` as one item of `s` into `dst` (NULL where there is no field). `names` may be NULL
// when the row is no reference, or the text its word `zero`. Returns 0, or -EINVAL with `why` = "is
// not ...; right would be
// ...".
int wr_settings_parse_value(const struct wr_settings_row *s, const char *text, void *dst,
	const struct wr_settings_names *names, char why[WR_SETTINGS_WHY]);

// Write one item as the file would have it.
void wr_settings_print_value(const struct wr_settings_row *s, const void *src,
	const struct wr_settings_names *names, FILE *out);

// A size in its shortest exact form ("128KiB", "1000B"); returns buf.
const char *wr_settings_format_size(uint64_t bytes, char *buf, size_t len);

// A rate in its shortest exact form ("1500", "10k"); returns buf.
const char *wr_settings_format_rate(uint64_t rate, char *buf, size_t len);

// Thousandths as a decimal ("0.03", "2"); returns buf.
const char *wr_settings_format_decimal(uint64_t thousandths, char *buf, size_t len);

// What a value of this row looks like: "a time from 10ms to 5m, such as 3s". Returns buf.
const char *wr_settings_expect_value(const struct wr_settings_row *s, char *buf, size_t len);
