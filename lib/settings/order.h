/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "wr_value.h"

// The items of a list in the order of what tells them apart: a group's first key, or the value
// itself. What is absent is left out.

#define WR_SETTINGS_PRINTED 1024 // bytes of a value as a dump has it, cut

struct wr_settings_item {
	char key[136]; // longest of what lists have: a name, a range of addresses
	const uint8_t *at;
};

// A value as a dump has it, without the quotes that only YAML needs. Returns buf.
const char *wr_settings_text(const struct wr_settings_row *s, const void *src,
	const struct wr_settings_names *names, char buf[WR_SETTINGS_PRINTED]);

// The items of list `s` in `base`, and how many there are; as they stand, absent ones included.
const uint8_t *wr_settings_items(
	const struct wr_settings_row *s, const uint8_t *base, uint32_t *count);
bool wr_settings_absent(const struct wr_settings_row *s, const uint8_t *item);

// What is there in order, malloc'd; NULL with *count not 0: no memory.
struct wr_settings_item *wr_settings_order(const struct wr_settings_names *names,
	const struct wr_settings_row *s, const uint8_t *base, uint32_t *count);
