/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "template.h"

// What template.c and template_check.c share.

struct template_sizes {
	bool v4;
	uint32_t l4, cksum /* from l4 */, payload; // offsets
	uint32_t first, last;
	uint32_t imix[3];
};

// Ranges and sizes of a stream, resolved; a sentence with the arithmetic when they do not fit.
int template_check(const struct gen_packets *conf, const struct packets_env *env,
	struct template_sizes *out, struct wr_err *err);

// Put the checksums of a frame right, whatever it holds, as far as its headers make sense.
void template_repair(uint8_t *frame, uint32_t size);
