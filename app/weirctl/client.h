/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "wr_err.h"

// A client of DPDK's telemetry socket (v2): connects per request, since DPDK allows ten clients.

#define EXIT_OK     0
#define EXIT_FAILED 1 // the instance refused or failed
#define EXIT_USAGE  2
#define EXIT_REACH  3 // no instance, no answer

#define CLIENT_KEY ",key=" // what follows is shown to nobody

#define CLIENT_REPLY_MAX 65536 // DPDK stops at 16 KiB; later ones may not

struct client {
	const char *name; // of the instance
	const char *dir;  // runtime directory, or NULL for the usual
	uint32_t timeout_ms;
	uint32_t limit; // rows after which no further page is asked for; 0: all
};

// One request, one reply as it came, terminated. EXIT_OK, or EXIT_REACH with a sentence.
int client_ask(const struct client *c, const char *request, char reply[CLIENT_REPLY_MAX],
	struct wr_err *err);

// The process that made the socket of an instance, 0: not known.
int client_pid(const struct client *c);

// A command and its parameters ("" for none; "service=web,stalled=1"), page after page: the rows of
// all pages as an array, which the caller releases. *total gets what the instance says, *more is
// not 0 when the limit cut it. EXIT_OK, EXIT_REACH, or EXIT_FAILED with the error row's sentence.
// `raw` (may be NULL) is called with each reply as it came.
int client_fetch(const struct client *c, const char *path, const char *params, json_t **rows,
	uint64_t *total, int *more, void (*raw)(const char *reply), struct wr_err *err);

// A text field that was sent in pieces: key, key_2, key_3 ... Returns buf.
char *client_text(const json_t *row, const char *key, char *buf, size_t len);

// Number of a field, 0 when absent or no number; and a string, "" when absent.
uint64_t client_uint(const json_t *row, const char *key);
const char *client_str(const json_t *row, const char *key);
