/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdio.h>

#include "gen.h"

// From a YAML file and from flags to a checked configuration.

// Read, parse and check. `file` may be NULL: flags alone. `override` are n strings "path=value"
// with the paths of the file ("clients[0].load.rate=50k"), put over it; later ones win. NULL with a
// sentence that names file and line, or the command line, key, value and what would be right.
struct gen_conf *gen_conf_load(const char *file, int n, char *const *override, struct wr_err *err);

// The same from memory (tests); `file` only names it in messages.
struct gen_conf *gen_conf_parse(const char *file, const char *text, size_t len, int n,
	char *const *override, struct wr_err *err);

void gen_conf_free(struct gen_conf *c);

// Every setting: type, range, default, sentence; plain or as Markdown.
void gen_conf_reference(FILE *out, bool markdown);

// Write the whole configuration, defaults included; it parses back to the same.
void gen_conf_dump(const struct gen_conf *c, FILE *out);

// --- the command line --------------------------------------------------------------------------

// What argv says: a file, what to do, and settings, where a flag such as --rate stands for a path.
struct gen_flags {
	const char *file; // NULL: none
	bool help, reference, markdown, check, dump, version;
	int count;
	char **override; // malloc'd, as are its strings
};

// 0, or negative with a sentence. gen_flags_free() in both cases.
int gen_flags_parse(int argc, char **argv, struct gen_flags *f, struct wr_err *err);
void gen_flags_free(struct gen_flags *f);
void gen_flags_help(FILE *out);

// All of it: parse argv, do what is done at once (--help, --check, ...), load. Returns the exit
// code for when *conf is NULL: 0 when all was done, 2 when something was wrong, which stderr tells.
int gen_flags_load(int argc, char **argv, struct gen_conf **conf, struct wr_err *err);
