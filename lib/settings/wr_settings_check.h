/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "wr_settings.h"

// What the checks of any program share: sentences with their place, names that are unique,
// addresses that a station can have.

struct wr_settings_place {
	const char *file;
	const struct wr_settings_marks *marks;
	struct wr_err *err;
};

// Set "file:line: " (or "command line: ") and the sentence; the line is that of the field, or
// `line` when it was not given. Returns -EINVAL.
int wr_settings_fail(const struct wr_settings_place *p, const void *at, uint32_t line,
	const char *fmt, ...) __attribute__((format(printf, 4, 5)));

// Refuse names (strings, `stride` bytes apart) of "kind[i].name" that are given twice.
int wr_settings_check_names(const struct wr_settings_place *p, const char *kind, const char *names,
	size_t stride, uint32_t n);

// Refuse an item of `section` that did not come from a file with a value that no file could have
// set; lists and groups inside it are not looked at. `what` names it: "backend 'b4'". 0 or -EINVAL.
int wr_settings_check_item(const struct wr_settings_table *t, const struct wr_settings_row *section,
	const void *item, const char *what, struct wr_err *err);

// Why no station can have this address: "is a multicast address", or NULL when one can.
const char *wr_settings_not_unicast(const struct wr_addr *a);

// The same of an address with its prefix: neither may it be that of the network or its broadcast.
const char *wr_settings_not_station(const struct wr_prefix *p);

// The network of a prefix, its host bits cleared.
struct wr_prefix wr_settings_network(const struct wr_prefix *p);

// How many addresses a range has; more than 2^32 are given as 2^32 + 1.
uint64_t wr_settings_range_size(const struct wr_settings_range *r);
bool wr_settings_in_range(const struct wr_settings_range *r, const struct wr_addr *a);
