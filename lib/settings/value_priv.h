/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "wr_value.h"

// Parsing by kind: numbers in number.c, addresses in net.c, the rest in value.c; printing in
// print.c.

// Set `why`: the reason, then what would be right. Returns -EINVAL.
int wr_settings_wrong(const struct wr_settings_row *s, char why[WR_SETTINGS_WHY], const char *what);

// An unsigned field of 1, 2, 4 or 8 bytes.
void wr_settings_store(void *dst, size_t size, uint64_t v);
uint64_t wr_settings_load(const void *src, size_t size);

int wr_settings_parse_number(
	const struct wr_settings_row *s, const char *text, void *dst, char why[WR_SETTINGS_WHY]);
int wr_settings_parse_span(
	const struct wr_settings_row *s, const char *text, void *dst, char why[WR_SETTINGS_WHY]);
int wr_settings_parse_net(
	const struct wr_settings_row *s, const char *text, void *dst, char why[WR_SETTINGS_WHY]);

// The name of item `i` of the list that a row refers to; NULL past the end.
const char *wr_settings_ref_name(
	const struct wr_settings_row *s, const struct wr_settings_names *names, uint64_t i);
