/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "export.h"

// Between export.c and export_flat.c.

#define METRIC_LEN 192

void export_put_count(json_t *to, const char *key, uint64_t v);
void export_put_real(json_t *to, const char *key, double v);
// printf style; whatever is no letter or digit becomes an underscore. Returns buf.
const char *export_metric(char buf[METRIC_LEN], const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

// The quantiles that are told of every histogram.
struct export_quantile {
	const char *name;
	uint32_t ppm;
};
#define EXPORT_QUANTILES 6
extern const struct export_quantile export_quantile[EXPORT_QUANTILES];

// All metrics of a run: name -> number.
json_t *export_flat(const struct report *r);
