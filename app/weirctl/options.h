/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "act.h"
#include "capture.h"
#include "client.h"

// What the command line says: one table of options gives the parser, the help, the manual page and
// the completion.

#define DEFAULT_NAME       "weir"
#define DEFAULT_TIMEOUT_MS 3000 // a worker is waited for 1 s, several one after another

struct options {
	struct client client;
	struct act_options act;
	struct capture_options capture;
	const char *archive; // --output
	const char *limit;   // as given
	const char *rekey;   // a tunnel
	bool json, saved, fields, once, follow, man, version, help;
};

struct option_words {
	char letter;          // 0: none
	const char *name;     // without the dashes
	const char *argument; // NULL: a switch
	const char *help;
	const char *commands; // that take it, apart by blanks; "": all
	bool hidden;
};
// Ended by one without a name.
const struct option_words *options_all(void);

// Read the options; *first is the index of the command. EXIT_OK or EXIT_USAGE with a sentence.
int options_parse(struct options *o, int argc, char **argv, int *first, struct wr_err *err);

// Whether what was given goes with the command ("config history" as one word). EXIT_OK or
// EXIT_USAGE with a sentence.
int options_check(const struct options *o, const char *command, struct wr_err *err);
