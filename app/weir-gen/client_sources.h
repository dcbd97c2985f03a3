/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "gen.h"

// Which source address and port goes to which target. A range walks over its addresses, then to the
// next port, so that a tuple rests for as long as possible before it is used again; ranges and
// targets take turns. A source only meets targets of its own family.

struct client_source {
	struct wr_addr first, last, addr;
	uint16_t port;
	uint32_t target_count;
	uint32_t turn;  // of the targets
	uint32_t shift; // moves on with each round, so that all tuples come
	uint8_t target[GEN_MAX_TARGETS];
};

struct client_sources {
	uint16_t port_first, port_last;
	uint32_t count, turn;
	const struct wr_endpoint *targets;
	struct client_source source[GEN_MAX_RANGES];
};

// `conf` must outlive it. 0 or -EINVAL with a sentence.
int client_sources_init(
	struct client_sources *s, const struct gen_client *conf, struct wr_err *err);

// The next tuple; it may be in use.
void client_sources_next(struct client_sources *s, struct wr_tuple *t);
