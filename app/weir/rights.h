/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "wr_conf.h"
#include "wr_err.h"

// Who an instance runs as, what it may still do once everything is open, and who may reach it.

struct accounts {
	uid_t uid; // to run as
	gid_t gid;
	bool other_user;  // it is not who started us
	gid_t socket_gid; // group of the telemetry socket
	gid_t act_gid;    // of the key
	uint32_t secrets; // tunnels, whose keys must reach no core file
	char user[32];
};

#define RIGHTS_KEY_LEN 32 // hexadecimal digits

// --- accounts.c
// -----------------------------------------------------------------------------------

// The names of the configuration in the box's tables. 0, or negative errno with a sentence.
int accounts_look_up(struct accounts *a, const struct wr_conf *c, struct wr_err *err);

// --- privilege.c
// ----------------------------------------------------------------------------------

// Before DPDK starts: nothing that this process may ever execute has more rights than it, and
// memory may be locked without limit.
void rights_begin(void);

// Whether a port of this driver needs CAP_NET_ADMIN while it runs: it lies on an interface of the
// kernel's, whose address filter a new configuration or the end may change.
bool rights_need_admin(const char *driver);

// From now on a crash writes no core file, and nobody of the same user may look into this process.
// Before any key is read; rights_drop() does it again, since the kernel decides anew with the user.
void rights_seal(void);

// Become the user, and keep the least: CAP_NET_ADMIN for the main thread where `admin`, nothing for
// all other threads. What was kept is a line in the log. After it, an error leaves nothing that may
// go on.
int rights_drop(const struct accounts *a, bool admin, struct wr_err *err);

// --- threads.c
// ------------------------------------------------------------------------------------

// Take every capability from all threads of this process but the calling one. Returns how many
// threads there are besides it, or negative errno with a sentence when one keeps some.
int threads_disarm(struct wr_err *err);

// --- rundir.c
// -------------------------------------------------------------------------------------

// The directory of the telemetry socket, for whom it must be passable.
mode_t rundir_mode(uint32_t socket_mode, bool other_group);

// Give the directory with the telemetry socket to the user, and mode and group of the configuration
// to the socket; write a new key (RIGHTS_KEY_LEN digits, also into `key`) where acting needs one,
// else "". The lock file and the log file become the user's. As root, before rights_drop().
int rundir_give(const char *dir, const struct accounts *a, const struct wr_conf *c, int lock_fd,
	char key[RIGHTS_KEY_LEN + 1], struct wr_err *err);
// At the end: the key goes.
void rundir_clear(const char *dir);
