/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdio.h>

// What to do first about every event and drop reason, as Markdown.
void runbook_print(FILE *out);
