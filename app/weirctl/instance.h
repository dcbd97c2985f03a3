/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stddef.h>

// Where instances put their telemetry sockets: <runtime dir>/dpdk/<name>/dpdk_telemetry.v2.

#define INSTANCE_PATH_LEN 512

// The socket of an instance, as EAL chooses it (RUNTIME_DIRECTORY, else /var/run for root, else
// XDG_RUNTIME_DIR, else /tmp), or under `dir` when that is not NULL. Where nothing is there, the
// place that a systemd unit with RuntimeDirectory=weir gives is tried too. Returns buf.
char *instance_socket(const char *dir, const char *name, char *buf, size_t len);

// Names of the instances that have a socket, separated by blanks; empty when there is none.
// Returns buf.
char *instance_list(const char *dir, char *buf, size_t len);
