/* SPDX-License-Identifier: BSD-3-Clause */
#include "check.h"

#include "wr_value.h"
#include "wr_log.h"

// TCP: buffers that may grow to their maximum, and questions that are asked before a session ends.

static int check_buffer(
	const struct wr_conf_check *k, const char *key, const uint32_t *start, const uint32_t *max)
{
	char a[32], b[32];

	if (*max >= *start)
		return 0;
	wr_settings_format_size(*start, a, sizeof(a));
	wr_settings_format_size(*max, b, sizeof(b));
	if (!wr_settings_given(k->at.marks, max))
		return wr_settings_fail(&k->at, start, 0,
			"runtime.tcp.%s: value '%s' is above %s_max, which is %s by default; right "
			"would be at most %s, or a %s_max of %s or more",
			key, a, key, b, b, key, a);
	return wr_settings_fail(&k->at, max, 0,
		"runtime.tcp.%s_max: value '%s' is below %s, which is %s; right would be %s or "
		"more",
		key, b, key, a, a);
}

// Not wrong, as half-closed sessions may live longer.
static void warn_keepalive(const struct wr_conf_check *k)
{
	const struct wr_conf_tcp *t = &k->c->runtime.tcp;
	char keep[32], idle[32];

	for (uint32_t i = 0; t->keepalive_us > 0 && i < k->c->service_count; i++) {
		const struct wr_conf_service *s = &k->c->services[i];

		if (t->keepalive_us < s->idle_us)
			continue;
		wr_log(WR_LOG_WARN,
			"%s:%u: runtime.tcp.keepalive: value '%s' is not below "
			"services[%u].timeouts.idle, which is %s: quiet sessions end before a peer "
			"is asked; right would be a shorter time",
			k->c->file, wr_settings_marks_line(k->at.marks, &t->keepalive_us, 0),
			wr_units_format_time(t->keepalive_us, keep, sizeof(keep)), i,
			wr_units_format_time(s->idle_us, idle, sizeof(idle)));
		return;
	}
}

int wr_conf_check_tcp(const struct wr_conf_check *k)
{
	const struct wr_conf_tcp *t = &k->c->runtime.tcp;
	int rc = check_buffer(k, "receive_buffer", &t->receive_buffer, &t->receive_buffer_max);

	if (rc == 0)
		rc = check_buffer(k, "send_buffer", &t->send_buffer, &t->send_buffer_max);
	if (rc == 0)
		warn_keepalive(k);
	return rc;
}
