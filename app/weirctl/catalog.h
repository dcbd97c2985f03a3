/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>

// Every command of weirctl in words, for the help, the manual page and the completion.

enum catalog_group {
	CATALOG_READING,
	CATALOG_TOOLS, // neither reads one table nor acts
	CATALOG_ACTING,
	CATALOG_GROUPS
};

struct catalog_words {
	enum catalog_group group;
	const char *name;  // "config history" is one
	const char *usage; // arguments and options
	const char *help;
	const char *filters; // key=value ..., of reading commands
};

// The nth of all; false behind the last.
bool catalog(size_t n, struct catalog_words *out);

const char *catalog_group_title(enum catalog_group g);
