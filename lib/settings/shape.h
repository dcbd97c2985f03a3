/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "walk.h"

// The shape of a text before a document is made of it: libyaml composes any depth and any number of
// anchors, in time that grows with their square.

#define WR_SETTINGS_DEPTH_MAX   16  // lists and groups inside each other; no table needs half
#define WR_SETTINGS_ANCHORS_MAX 256 // '&name' marks

// 0, or -EINVAL for what is too deep, has too many anchors, or is not YAML; or -ENOMEM.
int wr_settings_shape_check(struct wr_settings_walk *w, const char *text, size_t len);
