/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stddef.h>

// Who holds connections to the telemetry socket of process `pid`: "testpmd (812) 7, python3 (77)
// 3", as far as this user may see; "" when nothing is seen. Returns buf.
char *holders_list(int pid, char *buf, size_t len);
