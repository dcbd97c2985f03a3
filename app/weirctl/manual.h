/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdio.h>

// What weirctl says about itself, from its tables.

void manual_usage(FILE *out);
void manual_page(FILE *out);       // mdoc(7)
void manual_completion(FILE *out); // for bash
