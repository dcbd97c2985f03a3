/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>

#include "client.h"

// One archive of everything that an instance tells about itself, for those who look at it from
// afar. `file` NULL: weir-dump-NAME-TIME.tar.gz here. Tables of sessions and clients end after
// 10,000 rows, unless limit_set: then after c->limit (0: never). An instance that is not reached is
// said in the archive, which has the rest. Exit code, with a sentence but for EXIT_OK.
int dump_run(const struct client *c, const char *file, bool limit_set, struct wr_err *err);
