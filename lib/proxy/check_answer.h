/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdarg.h>

#include "wr_backend.h"
#include "wr_tcp.h"

// The result of a check in words. Pure.

// What is being waited for.
enum check_stage {
	CHECK_CONNECTING,
	CHECK_ASKED, // no byte of an answer yet
	CHECK_READING,
};

// What a backend sent may be part of the words: anything but printable ASCII becomes '?', and what
// does not fit is cut.
void check_answer_set(struct wr_check_answer *a, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

// The connection ended by itself.
void check_answer_ended(struct wr_check_answer *a, enum wr_tcp_end end, enum check_stage stage);
// Time is over.
void check_answer_late(struct wr_check_answer *a, enum check_stage stage, wr_us_t timeout_us);
// It could not begin, for a reason of ours: no verdict.
void check_answer_unable(struct wr_check_answer *a, int err);
// What was set is about an agent that could not be heard.
void check_answer_no_verdict(struct wr_check_answer *a);
