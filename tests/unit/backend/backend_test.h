/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

// Pools and backends from a configuration text, without EAL.

#include "wr_test.h"

#include <errno.h>

#include "backend_priv.h"

#define T_WORKERS 2
#define T_S       WR_US_PER_S

struct rig {
	struct wr_conf *conf;
	struct wr_backends *b;
};

#define T_HEAD                                                                                     \
	"runtime: {workers: [1, 2]}\n"                                                             \
	"ports:\n"                                                                                 \
	"  - {name: p, device: x, addresses: [198.18.0.1/24, \"2001:db8::1/64\"]}\n"               \
	"services:\n"                                                                              \
	"  - {name: s, listen: [\"198.18.0.100:80\"], mode: tcp, pool: web}\n"                     \
	"pools:\n"

static inline void rig_open(struct rig *r, const char *pools)
{
	struct wr_err err = {0};
	char text[8192];
	int n = snprintf(text, sizeof(text), "%s%s", T_HEAD, pools);

	assert_true(n < (int)sizeof(text));
	r->conf = wr_conf_parse("test.yaml", text, (size_t)n, &err);
	if (r->conf == NULL)
		fail_msg("%s", err.text);
	r->b = wr_backends_create(r->conf, T_WORKERS, &err);
	if (r->b == NULL)
		fail_msg("%s", err.text);
}

static inline void rig_close(struct rig *r)
{
	wr_backends_destroy(r->b);
	wr_conf_free(r->conf);
}

// How often each backend is picked over n keys; share[WR_MAX_BACKENDS] counts none.
static inline void rig_spread(
	struct rig *r, uint16_t pool, uint32_t n, uint32_t *share, uint32_t ids)
{
	memset(share, 0, (ids + 1) * sizeof(*share));
	for (uint32_t i = 0; i < n; i++) {
		struct wr_addr a = wr_addr_from_v4(0xc6120000u + i * 2654435761u);
		uint16_t id =
			wr_backends_pick(r->b, pool, wr_maglev_key(&a, (uint16_t)(i * 7)), NULL, 0);

		assert_true(id < ids || id == WR_MAGLEV_NONE);
		share[id == WR_MAGLEV_NONE ? ids : id]++;
	}
}

#define T_POOL                                                                                     \
	"  - name: web\n"                                                                          \
	"    health: {type: tcp, interval: 1s, rise: 2, fall: 3}\n"                                \
	"    backends:\n"                                                                          \
	"      - {name: b1, address: \"198.18.0.11:80\", weight: 1}\n"                             \
	"      - {name: b2, address: \"198.18.0.12:80\", weight: 1}\n"                             \
	"      - {name: b3, address: \"[2001:db8::13]:80\", weight: 2}\n"
