/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>

#include "client.h"

// Load, level, nearest queues and refusals, refreshed every second until q or Ctrl-C; or once.
int top_run(const struct client *c, bool once, struct wr_err *err);
