/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stddef.h>

#include "wr_event.h"
#include "wr_log.h"

// Events in words: one sentence that an operator can read without a manual.

#define WR_WORDS_LEN 500 // what a reply holds in pieces

// Write the sentence of an event; `scope` is the name of its backend, port or service, or "".
// Returns buf.
char *wr_words_event(const struct wr_event *ev, const char *scope, char *buf, size_t len);

// How loud the log says it.
enum wr_log_level wr_words_level(const struct wr_event *ev);

// True when `queue`, `depth` and `capacity` of the kind mean something.
bool wr_words_has_queue(enum wr_event_kind kind);
