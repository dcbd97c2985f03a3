/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

// What the tests of lib/ctl share: EAL with its telemetry socket in a directory of its own, a
// client of that socket, and (for most) a whole fabric on a virtual clock with a control side.

#include "wr_test.h"

#include <errno.h>
#include <stdbool.h>

#include <jansson.h>
#include <rte_telemetry.h>

// --- EAL and its socket --------------------------------------------------------------------------

void rig_eal_start(void); // once a program
void rig_eal_stop(void);  // at its end; removes the directory

// What the engine does while a request waits: the workers' loop.
typedef void (*rig_pump_fn)(void *arg);

// One request, one reply, parsed. The caller releases it. Fails the test when there is none.
json_t *rig_ask_pumping(const char *request, rig_pump_fn turn, void *arg);
const char *rig_raw(void); // the last reply as it came

json_t *rig_page(json_t *top);                     // behind the command's name
size_t rig_rows(json_t *top);                      // in the page
json_t *rig_row(json_t *top, unsigned int number); // fails the test when there is none
uint64_t rig_uint(const json_t *row, const char *key);
const char *rig_str(const json_t *row, const char *key);

// --- a fabric with a control side
// -----------------------------------------------------------------

#include "triple.h"

#include "ctl_priv.h"

struct rig {
	struct triple *t;
	struct wr_ctl *c;
};
extern struct rig rig;

// A fabric of cfg, for cmocka: rig_setup() takes the workers' number and the pool's lines.
void rig_begin(const struct tri_config *cfg);
int rig_setup(void **state); // one worker, two backends, no checks
int rig_teardown(void **state);
int rig_group_start(void **state);
int rig_group_stop(void **state);

void rig_run(wr_us_t us);             // fabric and control, at most 5 ms a step
json_t *rig_ask(const char *request); // with the workers running
void rig_expect_error(const char *request, const char *part_of_error, const char *part_of_remedy);
// An acting request succeeds: its verb and target come back, and `part` is in what was done.
void rig_expect_done(const char *request, const char *verb, const char *target, const char *part);
// It is asked back: nothing was done, and `again` would do it.
void rig_expect_confirm(const char *request, const char *again, const char *part);
// The newest event of a kind, or NULL.
const struct wr_event *rig_event(enum wr_event_kind kind);
uint32_t rig_event_count(enum wr_event_kind kind);
