/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

// What top shows, drawn from two looks at the instance.

struct sample {
	json_t *status; // its only row
	json_t *workers;
	json_t *queues; // nearest to full first
	json_t *pressure;
	json_t *services;
	json_t *drops;
	double at_s;
};

void picture_print(FILE *out, const struct sample *now, const struct sample *before);

// What of a worker is left before its fullest queue that can refuse, or its CPU, is full: permille
// of capacity. `load_permille` is its CPU's.
uint64_t picture_headroom(const struct sample *s, uint64_t worker, uint64_t load_permille);

void picture_drop(struct sample *s);
