/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "client.h"

// The commands that change something: from words to a request, and back to a sentence.

struct act_options {
	const char *service; // --service, or NULL
	const char *time;    // --for, or NULL
	bool yes;            // --yes: what would be asked about is done
	bool json;
};

struct act_request {
	const char *path;
	const char *verb;
	const char *target;
	char text[960];    // whole request
	char warning[256]; // not empty: only with --yes
};

#define ACT_UNKNOWN (-1) // not an acting command, or not with so many arguments

// EXIT_OK, EXIT_USAGE with a sentence, or ACT_UNKNOWN.
int act_build(const struct act_options *o, char **args, int count, struct act_request *out,
	struct wr_err *err);

// Seconds of "90", "30s", "10m", "2h", "1d"; 0: not of this form.
uint64_t act_seconds(const char *text);

// Judge the reply: EXIT_OK with the sentence for the user in `done`, EXIT_FAILED with one in `err`.
// DPDK's threads can mix up requests: the reply says what it is about.
int act_judge(
	const struct act_request *a, const char *reply, char *done, size_t len, struct wr_err *err);

// All of it. Exit code; ACT_UNKNOWN as above.
int act_run(const struct client *c, const struct act_options *o, char **args, int count,
	struct wr_err *err);

void act_usage(FILE *out);
