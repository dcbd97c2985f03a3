/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "client.h"

// The commands that change something: from words to a request, and back to a sentence.

struct act_options { // as given, or NULL
	const char *service;
	const char *time;    // --for
	const char *confirm; // time in which a reload must be confirmed
	const char *weight, *priority, *limit;
	bool yes; // what would be asked about is done
	bool json;
};

struct act_request {
	const char *path;
	const char *verb;
	const char *target;
	char text[940];    // whole request, without a key
	char warning[256]; // not empty: only with --yes
	char again[400];   // by act_judge(): the request that does what was asked back, or ""
};

struct act_words {
	const char *name, *usage, *help;
};
// The nth acting command in words; false behind the last.
bool act_words(size_t n, struct act_words *out);

#define ACT_UNKNOWN (-1) // not an acting command, or not with so many arguments

// EXIT_OK, EXIT_USAGE with a sentence, or ACT_UNKNOWN.
int act_build(const struct act_options *o, char **args, int count, struct act_request *out,
	struct wr_err *err);

// Seconds of "90", "30s", "10m", "2h", "1d"; 0: not of this form.
uint64_t act_seconds(const char *text);

// Take what was asked back as the next request. False: the instance wants something else confirmed.
bool act_repeat(struct act_request *a, char verb[32]);

// Judge the reply: EXIT_OK with the sentence for the user in `done`, EXIT_FAILED with one in `err`.
// DPDK's threads can mix up requests: the reply says what it is about.
int act_judge(struct act_request *a, const char *reply, char *done, size_t len, struct wr_err *err);

// All of it. Exit code; ACT_UNKNOWN as above.
int act_run(const struct client *c, const struct act_options *o, char **args, int count,
	struct wr_err *err);
