/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "wr_settings.h"

// Weir's settings.
extern const struct wr_settings_table wr_conf_table;
