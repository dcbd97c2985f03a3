/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

// The rig with a configuration file of its own, for what reads it again.

#include "rig.h"

#include <unistd.h>

static char file_path[64];

static inline void file_write(const char *text, size_t len)
{
	FILE *out = fopen(file_path, "w");

	assert_non_null(out);
	assert_int_equal(fwrite(text, 1, len, out), len);
	assert_int_equal(fclose(out), 0);
}

// What is in force, to be changed.
static inline struct wr_conf *file_edit(void)
{
	struct wr_conf *c = wr_conf_copy(rig.c->conf);

	assert_non_null(c);
	return c;
}

// The file says this from now on.
static inline void file_says(struct wr_conf *c)
{
	FILE *out = fopen(file_path, "w");

	assert_non_null(out);
	wr_conf_dump(c, out);
	assert_int_equal(fclose(out), 0);
	wr_conf_free(c);
}

static inline int file_setup(void **state)
{
	rig_setup(state);
	snprintf(file_path, sizeof(file_path), "/tmp/wr-reload-XXXXXX");
	close(mkstemp(file_path));
	snprintf(rig.t->conf->file, sizeof(rig.t->conf->file), "%s", file_path);
	file_says(file_edit());
	return 0;
}

static inline int file_teardown(void **state)
{
	rig_teardown(state);
	unlink(file_path);
	return 0;
}

// The file with another timeout, or one more backend.
static inline void file_says_idle(wr_us_t idle)
{
	struct wr_conf *c = file_edit();

	c->services[0].idle_us = idle;
	file_says(c);
}

static inline void file_says_backend(const char *name, const char *at)
{
	struct wr_conf *c = file_edit();
	struct wr_conf_backend b = {.weight = 1};
	struct wr_err err = {0};

	snprintf(b.name, sizeof(b.name), "%s", name);
	assert_int_equal(wr_endpoint_parse(at, &b.address), 0);
	assert_int_equal(wr_conf_add_backend(c, "web", &b, &err), 0);
	file_says(c);
}

#define SOON (100 * WR_US_PER_MS)

static inline struct wr_reload *rl(void)
{
	return rig.c->reload;
}

static inline void reload_must(int want, uint32_t confirm_s)
{
	struct wr_err err = {0};
	int rc = wr_reload_file(rig.c, "test", confirm_s, &err);

	if (rc != want)
		fail_msg("%d, not %d: %s", rc, want, err.text);
	if (rc < 0)
		assert_true(err.text[0] != '\0');
}

static inline int add(const char *name, const char *at)
{
	struct wr_conf_backend b = {.weight = 1};
	struct wr_err err = {0};

	snprintf(b.name, sizeof(b.name), "%s", name);
	assert_int_equal(wr_endpoint_parse(at, &b.address), 0);
	return wr_ctl_edit_add(rig.c, "web", &b, &err);
}

static inline void expect_refused(const char *part)
{
	const struct wr_conf *before = wr_ctl_conf(rig.c);
	uint32_t failed = rl()->failed, events = rig_event_count(WR_EV_config_refused);
	struct wr_err err = {0};

	assert_true(wr_reload_file(rig.c, "test", 0, &err) < 0);
	if (strstr(err.text, part) == NULL)
		fail_msg("'%s' is not in: %s", part, err.text);
	assert_string_equal(rl()->last_error.text, err.text);
	assert_int_equal(rl()->failed, failed + 1);
	assert_int_equal(rig_event_count(WR_EV_config_refused), events + 1);
	assert_int_equal(rig_event(WR_EV_config_refused)->extra, rl()->in_force);
	assert_ptr_equal(wr_ctl_conf(rig.c), before);
	assert_null(rl()->change);
	assert_null(rl()->fresh);
}
