/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "wr_conf.h"

// Refuse what cannot change while an instance runs. 0, -EBUSY or -ENOMEM.
int wr_conf_restart_check(
	const struct wr_conf *fresh, const struct wr_conf *running, struct wr_err *err);
