/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "wr_test.h"

#include "settings.h"

// A small good configuration in parts; a test replaces the part that it is about.

#define GEN_PORTS                                                                                  \
	"ports:\n"                                                                                 \
	"  - device: net_null0\n"                                                                  \
	"    addresses: [198.18.0.1/24, \"2001:db8::1/64\"]\n"
#define GEN_CLIENTS                                                                                \
	"clients:\n"                                                                               \
	"  - source: [\"198.18.0.10-198.18.0.19\"]\n"                                              \
	"    target: [\"198.18.0.100:80\"]\n"                                                      \
	"    load: {rate: 1k}\n"
#define GEN_BACKENDS "backends:\n  - listen: [\"198.18.0.100:80\"]\n"
#define GEN_PACKETS  "packets:\n  - target: 198.18.0.100\n"

#define SET(...) ((char *const[]){__VA_ARGS__, NULL})

static inline int set_count(char *const *set)
{
	int n = 0;

	while (set && set[n])
		n++;
	return n;
}

static inline struct gen_conf *gen_take_set(const char *text, char *const *set)
{
	struct wr_err err = {{0}};
	struct gen_conf *c =
		gen_conf_parse("t.yaml", text, text ? strlen(text) : 0, set_count(set), set, &err);

	if (!c)
		fail_msg("refused: %s", err.text);
	assert_int_equal(err.text[0], 0);
	return c;
}

static inline struct gen_conf *gen_take(const char *text)
{
	return gen_take_set(text, NULL);
}

static inline void gen_good(const char *text)
{
	gen_conf_free(gen_take(text));
}

static inline void gen_refused_set(const char *text, char *const *set, const char *sentence)
{
	struct wr_err err = {{0}};
	struct gen_conf *c =
		gen_conf_parse("t.yaml", text, text ? strlen(text) : 0, set_count(set), set, &err);

	if (c)
		fail_msg("taken, but should say: %s", sentence);
	if (!strstr(err.text, sentence))
		fail_msg("says:      %s\nshould say: %s", err.text, sentence);
}

static inline void gen_refused(const char *text, const char *sentence)
{
	gen_refused_set(text, NULL, sentence);
}
