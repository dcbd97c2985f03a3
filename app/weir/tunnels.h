/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "wr_conf.h"
#include "wr_err.h"
#include "wr_ipsec_keys.h"

// What tunnels need besides their configuration: a CPU with AES, and key files. Each sentence names
// where the tunnel is in the configuration, and the key file and its line.

// Whether this CPU has AES instructions; before DPDK's start too.
bool tunnels_cpu(void);

// All of it, as --check and the start need it; what was read is wiped. `aes`: tunnels_cpu(). 0, or
// negative errno with a sentence.
int tunnels_check(const struct wr_conf *c, bool aes, struct wr_err *err);

// The keys of one, from its file below `root`; for as many workers as the configuration makes.
int tunnels_load(const struct wr_conf *c, const char *root, uint32_t i, struct wr_ipsec_keys *out,
	struct wr_err *err);

// -EINVAL when keys of two tunnels may not be at once (wr_ipsec_keys_clash), which the control
// thread would refuse at the start. keys[tunnel_count].
int tunnels_clash(const struct wr_conf *c, const struct wr_ipsec_keys *keys, struct wr_err *err);
