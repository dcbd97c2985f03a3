/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <jansson.h>

#include "report.h"

// The result of a run for programs: JSON, and the series as CSV. Files appear whole or not at all.

// {"flat": metric -> number, "series", "clients", "backends", "packets", "ports", "run", "search"}.
// The caller owns it; NULL when memory is short.
json_t *export_json(const struct report *r);

// What conf->json and conf->csv ask for. 0 or negative errno with the path and the cause; both are
// tried.
int export_write(const struct report *r, struct wr_err *err);

// The series into an open file: a header row, then a row for each interval and population.
void export_csv(const struct report *r, FILE *to);
