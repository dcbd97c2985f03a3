/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

#include "wr_conf_plan.h"
#include "wr_err.h"
#include "wr_units.h"

struct wr_ctl;

// Configurations of an instance, one after another: each has a number from 1 (the one it started
// with), and its text is kept so that it can come back.

#define WR_VERSIONS   16  // kept
#define WR_DIFF_LINES 256 // kept of each; more are counted

struct wr_version {
	uint32_t id;
	time_t at;
	char from[80]; // "file /etc/weir/a.yaml, SIGHUP"
	char *text;    // as wr_conf_dump() writes it; malloc'd
	size_t len;
	uint64_t sum;                   // wr_conf_id()
	uint32_t lines;                 // of difference to the one before
	char (*line)[WR_CONF_DIFF_LEN]; // malloc'd, the first WR_DIFF_LINES of them
	bool in_force;
	bool rolled_back; // left because nobody confirmed it, or by order
	uint32_t edits;   // that made it; 0: it is of a file, or of a version
	wr_us_t edits_us; // when the first of them was in force
};

// Edits that follow one another so soon are one version, and versions of edits take so many places
// at most: those of files, which an operator goes back to, are not pushed out by a program that
// adds and removes backends.
#define WR_EDITS_RUN_US   (10 * WR_US_PER_S)
#define WR_EDITS_VERSIONS 4

enum wr_change_kind {
	WR_CHANGE_FILE,
	WR_CHANGE_SWEEP, // the same, without rows that have left; no version of its own
	WR_CHANGE_BACK,
	WR_CHANGE_EDITS
};

// What is taken back to unless somebody confirms.
struct wr_reload_good {
	char *text; // malloc'd; NULL: none is kept
	size_t len;
	uint32_t id; // version that it was
};

// What the file would change, as last asked: who only reads does not have it parsed ever again.
struct wr_reload_look {
	bool there;
	wr_us_t at;
	uint32_t done; // changes that had ended then
	struct stat file;
	int rc; // of wr_reload_preview()
	struct wr_err err;
	char (*line)[WR_CONF_DIFF_LEN]; // malloc'd
};

// What is under way: a file that was read, or edits of what is in force, is laid over the running
// configuration and taken over by all workers; one at a time. By the control thread and telemetry
// threads, under the control lock.
struct wr_reload {
	struct wr_conf *owned;  // in force; NULL: the first one, which is not ours
	struct wr_conf *fresh;  // being taken over
	struct wr_conf *edited; // waits for its turn, and for more edits
	uint32_t edits;         // in it
	wr_us_t edited_us;      // when the first of them came
	struct wr_fabric_change *change;
	char from[80];
	enum wr_change_kind kind; // of the change
	uint32_t edits_under_way; // in it
	uint32_t target;          // of one that goes back: version that is to be in force
	char why_back[64];
	uint32_t count;                         // versions so far
	struct wr_version version[WR_VERSIONS]; // in no order
	uint32_t in_force;                      // id

	// A confirmation that is awaited ends when it comes, when a file is taken over, or when a
	// rollback is; edits have nothing to do with it.
	wr_us_t confirm_us;         // until when; 0: none is awaited
	uint32_t confirm_id;        // of which version
	struct wr_reload_good good; // what stands behind it; kept when the next one waits as well
	wr_us_t back_us;            // the next try to take it back, when one failed; 0: none did
	uint32_t confirm_s;         // asked for with the change under way
	struct wr_reload_good next; // for it

	struct wr_reload_look look;
	wr_us_t sweep_us;      // when to look for what has left
	bool asked;            // SIGHUP: when nothing is under way
	uint32_t done, failed; // changes that ended so far
	struct wr_err last_error;
};

int wr_reload_init(struct wr_ctl *c);
void wr_reload_fini(struct wr_ctl *c);

// Go on with what is under way, begin what waits. Returns when it wants to run again.
wr_us_t wr_reload_turn(struct wr_ctl *c, wr_us_t now);

// Read the file again; confirm_s: take it back unless it is confirmed within so many seconds (0:
// no). 1: a change is under way, 0: nothing differs, or negative errno with a sentence: -EBUSY
// while another is under way.
int wr_reload_file(struct wr_ctl *c, const char *who, uint32_t confirm_s, struct wr_err *err);
// Back to a version, 0: to the one that was in force before. As wr_reload_file().
int wr_reload_back(struct wr_ctl *c, uint32_t id, const char *why, struct wr_err *err);
// The version that waits for it stays, whatever was edited since. 0, -ENOENT: none waits, or
// another.
int wr_reload_confirm(struct wr_ctl *c, uint32_t id, struct wr_err *err);
// What a reload would change: the file against what is in force, as wr_conf_diff(). Negative errno
// with a sentence when the file is refused.
int wr_reload_preview(
	struct wr_ctl *c, char (*line)[WR_CONF_DIFF_LEN], uint32_t max, struct wr_err *err);

// What waits to be taken over is not: edits.c.
void wr_edits_drop(struct wr_ctl *c);

// A limit of a backend, or of a pool (`name` NULL), as an edit.
int wr_ctl_edit_limit(
	struct wr_ctl *c, const char *pool, const char *name, uint32_t limit, struct wr_err *err);

// What wr_ctl_edit_remove() would say; nothing is done.
int wr_ctl_edit_may_remove(
	struct wr_ctl *c, const char *pool, const char *name, struct wr_err *err);

const struct wr_version *wr_reload_version(const struct wr_reload *r, uint32_t id); // NULL: none

// --- versions.c -------------------------------------------------------------------------------

// A version of `conf`, with its difference to `before` (NULL: none). -ENOMEM: not kept.
int wr_version_keep(struct wr_reload *r, const struct wr_conf *before, const struct wr_conf *conf,
	const char *from, time_t at);
// The same for a configuration that `edits` made; soon after others (WR_EDITS_RUN_US) it takes the
// number of theirs, which holds what all of them changed.
int wr_version_keep_edits(struct wr_reload *r, const struct wr_conf *before,
	const struct wr_conf *conf, uint32_t edits, time_t at, wr_us_t now);
// What would bring `conf` back. -ENOMEM.
int wr_version_text(const struct wr_conf *conf, char **text, size_t *len);
// The newest one older than `id`, NULL: none.
const struct wr_version *wr_reload_version_before(const struct wr_reload *r, uint32_t id);
void wr_versions_free(struct wr_reload *r);

// --- records.c --------------------------------------------------------------------------------

// All records that there are, before a slot has another name: once, at most what the rings hold.
void wr_ctl_records_all(struct wr_ctl *c, wr_us_t now);
