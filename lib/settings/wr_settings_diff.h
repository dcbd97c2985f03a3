/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "wr_settings.h"

// What is different between two structures of one table. Items of lists are told apart by their
// first key, or by their value; where they stand does not count, nor do absent ones.

struct wr_settings_change {
	char sign; // '+': only after, '-': only before, '~': another value
	const struct wr_settings_row *row;
	const char *path;   // with names in place of indices: "pools[web].backends[b4].weight"
	const char *before; // of '~'; of '-' the value of a list of plain values, else ""
	const char *after;  // of '~' and '+'; of a group what it sets: "address 198.18.1.5:80"
	const void *at;     // the field, or the item; in the structure after, of '-' before
};

struct wr_settings_differ {
	// Is this row looked at, and what is inside it? NULL: all are.
	bool (*wants)(void *arg, const struct wr_settings_row *row);
	void (*tell)(void *arg, const struct wr_settings_change *change);
	void *arg;
};

// 0 or -ENOMEM.
int wr_settings_diff(const struct wr_settings_table *t, const void *before, const void *after,
	const struct wr_settings_differ *d);
