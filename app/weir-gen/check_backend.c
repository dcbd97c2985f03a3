/* SPDX-License-Identifier: BSD-3-Clause */
#include "settings_priv.h"

#include "message.h"

// Backends: a queue that can fill, answers that can be told, faults that say all they need.

static int check_answer(const struct gen_check *k, uint32_t i)
{
	const struct gen_backend *b = &k->c->backends[i];

	if (b->protocol == GEN_PROTOCOL_RAW && b->answer_bytes < MESSAGE_HEADER)
		return wr_settings_fail(&k->at, &b->answer_bytes, b->line,
			"backends[%u].answer: value '%u' is less than the header of a raw message; "
			"right would be %u bytes or more",
			i, b->answer_bytes, MESSAGE_HEADER);
	if (b->queue > 0 && b->concurrency == 0)
		return wr_settings_fail(&k->at, &b->queue, b->line,
			"backends[%u].queue: value '%u' is of no use without a concurrency, since "
			"nothing ever waits; right would be both",
			i, b->queue);
	return 0;
}

static int check_fault(const struct gen_check *k, uint32_t i, uint32_t j)
{
	const struct gen_fault *f = &k->c->backends[i].fault[j];
	bool delays = f->kind == GEN_FAULT_SLOW_ACCEPT || f->kind == GEN_FAULT_FLAP;

	if (delays && f->delay_us == 0)
		return wr_settings_fail(&k->at, &f->kind, f->line,
			"backends[%u].faults[%u].delay: is missing; right would be a time with "
			"slow_accept and flap, such as 500ms",
			i, j);
	if (!delays && f->delay_us > 0)
		return wr_settings_fail(&k->at, &f->delay_us, f->line,
			"backends[%u].faults[%u].delay: is of use to slow_accept and flap alone; "
			"right would be none",
			i, j);
	return 0;
}

int gen_check_backend(const struct gen_check *k)
{
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < k->c->backend_count; i++) {
		const struct gen_backend *b = &k->c->backends[i];

		rc = check_answer(k, i);
		if (rc == 0)
			rc = gen_check_dist(k, &b->service, b->line, "backends[%u].service", i);
		if (rc == 0)
			rc = gen_check_dist(
				k, &b->first_token, b->line, "backends[%u].tokens.first", i);
		if (rc == 0)
			rc = gen_check_dist(
				k, &b->token_gap, b->line, "backends[%u].tokens.gap", i);
		for (uint32_t j = 0; rc == 0 && j < b->fault_count; j++)
			rc = check_fault(k, i, j);
	}
	return rc;
}
