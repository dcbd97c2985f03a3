/* SPDX-License-Identifier: BSD-3-Clause */
#include "restart.h"

#include <errno.h>
#include <string.h>

#include "settings.h"
#include "wr_settings_diff.h"

// Sizes and devices that are fixed when an instance starts.

static const char *const fixed[] = {"runtime", "ports[]", "routes[]", "tunnels[]",
	"pressure.clients", "pressure.hold_requests", "pressure.resets"};
static const char *const free_of_it[] = {"runtime.drain_timeout"};

struct restart {
	const struct wr_conf *fresh;
	struct wr_err *err;
	int rc;
};

// Is `path` the same as, or inside, `group`?
static bool is_in(const char *path, const char *group)
{
	size_t len = strlen(group);

	return strncmp(path, group, len) == 0 && (path[len] == 0 || path[len] == '.');
}

static bool wants(void *arg, const struct wr_settings_row *row)
{
	for (size_t i = 0; i < sizeof(free_of_it) / sizeof(*free_of_it); i++) {
		if (is_in(row->path, free_of_it[i]))
			return false;
	}
	for (size_t i = 0; i < sizeof(fixed) / sizeof(*fixed); i++) {
		if (is_in(row->path, fixed[i]) || is_in(fixed[i], row->path))
			return true;
	}
	return false;
}

static uint32_t line_of(const struct restart *r, const struct wr_settings_change *c)
{
	uint32_t line = 0;

	if (c->sign == '-')
		return 0;
	if (c->row->type == WR_SETTINGS_T_SECTION)
		memcpy(&line, (const uint8_t *)c->at + c->row->line_offset, sizeof(line));
	else if (r->fresh->marks)
		line = wr_settings_marks_line(r->fresh->marks, c->at, 0);
	return line;
}

static void tell(void *arg, const struct wr_settings_change *c)
{
	struct restart *r = arg;
	uint32_t line = line_of(r, c);
	char place[300];

	if (r->rc < 0)
		return;
	snprintf(place, sizeof(place), line ? "%s:%u" : "%s", r->fresh->file, line);
	if (c->sign == '~')
		r->rc = wr_err_set(r->err, EBUSY,
			"%s: %s: value '%.100s' is in force as '%.100s', which only a restart "
			"changes; right would be '%.100s', or a restart",
			place, c->path, c->after, c->before, c->before);
	else
		r->rc = wr_err_set(r->err, EBUSY,
			"%s: %s: %s%.100s%s, which only a restart changes; right would be to %s, "
			"or a restart",
			place, c->path, c->row->type == WR_SETTINGS_T_SECTION ? "" : "value '",
			c->row->type == WR_SETTINGS_T_SECTION ? "it"
			: c->sign == '+'                      ? c->after
							      : c->before,
			c->row->type == WR_SETTINGS_T_SECTION
				? c->sign == '+' ? " is new" : " is not there any more"
			: c->sign == '+' ? "' is new"
					 : "' is not there any more",
			c->sign == '+' ? "leave it out" : "keep it");
}

int wr_conf_restart_check(
	const struct wr_conf *fresh, const struct wr_conf *running, struct wr_err *err)
{
	struct restart r = {.fresh = fresh, .err = err};
	const struct wr_settings_differ d = {.wants = wants, .tell = tell, .arg = &r};

	if (wr_settings_diff(&wr_conf_table, running, fresh, &d) < 0)
		return wr_err_set(err, ENOMEM, "%s: no memory to compare it with what is in force",
			fresh->file);
	return r.rc;
}
