/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdio.h>

// What a name means, from the catalogue built in: no instance is asked.

// Print the sentence of every term, drop reason, counter, queue and event of this name; of those
// that contain it when none is called so; of all when name is "". Returns how many were printed.
unsigned int explain_print(FILE *out, const char *name);
