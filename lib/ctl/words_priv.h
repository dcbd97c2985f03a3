/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "wr_event.h"

// A sentence that grows; what does not fit is cut.
struct wr_sentence {
	char *buf;
	size_t len;
	size_t used;
};

void wr_words_say(struct wr_sentence *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

// The sentence of an event about a backend, a pool or a configuration. False: it is about
// something else.
bool wr_words_backend(struct wr_sentence *s, const struct wr_event *ev, const char *scope);
// The same of events about tunnels.
bool wr_words_ipsec(struct wr_sentence *s, const struct wr_event *ev, const char *scope);
