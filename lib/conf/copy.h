/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "wr_conf.h"

// Deep copies of rows into empty ones. false: no memory; what was made is the row's.

bool wr_conf_copy_service(struct wr_conf_service *to, const struct wr_conf_service *from);
bool wr_conf_copy_pool(struct wr_conf_pool *to, const struct wr_conf_pool *from);
