/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "wr_test.h"

#include "wr_conf.h"

// A small good configuration in parts; a test replaces the part that it is about.
struct conf_parts {
	const char *runtime, *ports, *routes, *pools, *services;
};

#define CONF_RUNTIME "runtime: {workers: [1, 2], name: t}\n"
#define CONF_PORTS                                                                                 \
	"ports:\n"                                                                                 \
	"  - name: wan\n"                                                                          \
	"    device: net_null0\n"                                                                  \
	"    addresses: [198.18.0.1/24, \"2001:db8::1/64\"]\n"                                     \
	"    gateway: [198.18.0.254]\n"
#define CONF_ROUTES "routes:\n  - {to: 198.19.0.0/16, via: 198.18.0.253, port: wan}\n"
#define CONF_POOLS                                                                                 \
	"pools:\n"                                                                                 \
	"  - name: web\n"                                                                          \
	"    backends:\n"                                                                          \
	"      - {name: b1, address: \"198.18.0.11:8080\"}\n"                                      \
	"      - {name: b2, address: \"[2001:db8::12]:8080\", weight: 7}\n"
#define CONF_SERVICES                                                                              \
	"services:\n"                                                                              \
	"  - name: www\n"                                                                          \
	"    listen: [\"198.18.0.100:80\", \"[2001:db8::100]:80\"]\n"                              \
	"    pool: web\n"

static inline void conf_join(char *text, size_t len, struct conf_parts p)
{
	snprintf(text, len, "%s%s%s%s%s", p.runtime ? p.runtime : CONF_RUNTIME,
		p.ports ? p.ports : CONF_PORTS, p.routes ? p.routes : CONF_ROUTES,
		p.pools ? p.pools : CONF_POOLS, p.services ? p.services : CONF_SERVICES);
}

static inline struct wr_conf *conf_take_text(const char *text, size_t len)
{
	struct wr_err err = {{0}};
	struct wr_conf *c = wr_conf_parse("t.yaml", text, len, &err);

	if (!c)
		fail_msg("refused: %s", err.text);
	assert_int_equal(err.text[0], 0);
	return c;
}

static inline struct wr_conf *conf_take(struct conf_parts p)
{
	char text[8192];

	conf_join(text, sizeof(text), p);
	return conf_take_text(text, strlen(text));
}

static inline void conf_good(struct conf_parts p)
{
	wr_conf_free(conf_take(p));
}

static inline void conf_refused_text(const char *text, size_t len, const char *sentence)
{
	struct wr_err err = {{0}};
	struct wr_conf *c = wr_conf_parse("t.yaml", text, len, &err);

	if (c)
		fail_msg("taken, but should say: %s", sentence);
	if (!strstr(err.text, sentence))
		fail_msg("says:      %s\nshould say: %s", err.text, sentence);
}

// Refused with a text that contains `sentence`.
static inline void conf_refused(struct conf_parts p, const char *sentence)
{
	char text[8192];

	conf_join(text, sizeof(text), p);
	conf_refused_text(text, strlen(text), sentence);
}
