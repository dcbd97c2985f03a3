/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "wr_err.h"

// Parameters of a reading command: an optional cursor first, then key=value, comma separated:
// "40,service=web,stalled=1".

#define WR_PARAMS_MAX 8

struct wr_params {
	char text[1024]; // DPDK cuts a request at 1,023 bytes
	uint64_t cursor;
	uint32_t count;
	struct {
		const char *key;
		const char *value;
	} item[WR_PARAMS_MAX];
};

// Parse `text` (NULL: none). `allowed` names the keys that the command knows, separated by blanks.
// 0, or -EINVAL with a sentence.
int wr_params_parse(struct wr_params *p, const char *text, const char *allowed, struct wr_err *err);

// The value of a key, or NULL.
const char *wr_params_get(const struct wr_params *p, const char *key);

// A number, `fallback` when the key is absent. 0, or -EINVAL with a sentence.
int wr_params_uint(const struct wr_params *p, const char *key, uint64_t fallback, uint64_t max,
	uint64_t *out, struct wr_err *err);

// A switch: "1" or "0", absent means false. 0, or -EINVAL with a sentence.
int wr_params_bool(const struct wr_params *p, const char *key, bool *out, struct wr_err *err);

// "worker.id" as /weir/conns shows it. 0, or -EINVAL.
int wr_params_conn_id(const char *text, uint16_t *worker, uint32_t *id);

// A decimal number and nothing else, at most `max`. 0, or -EINVAL.
int wr_params_number(const char *text, uint64_t max, uint64_t *out);
