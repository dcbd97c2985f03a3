/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "client.h"

// The key that an instance with runtime.act_group wants from those who act: a file beside its
// socket that only that group may read.

#define KEY_MAX 64

// The key, or "" where none is needed. EXIT_OK, or EXIT_REACH with a sentence that says who may
// read it.
int key_read(const struct client *c, char key[KEY_MAX + 1], struct wr_err *err);

// As client_ask(), for a request that acts: with the key behind it.
int key_ask(const struct client *c, const char *request, char reply[CLIENT_REPLY_MAX],
	struct wr_err *err);
