/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl_priv.h"

#include <string.h>

// The lines for sessions that ended: where they go, and those that were lost.

static const char *target_name(enum wr_conf_log to)
{
	switch (to) {
	case WR_CONF_LOG_FILE:
		return "file";
	case WR_CONF_LOG_JOURNAL:
		return "journal";
	default:
		return "none";
	}
}

void wr_show_log(struct wr_ctl *c, const struct wr_params *p, struct wr_reply *r)
{
	const struct wr_sink *s = &c->sink;
	const struct wr_conf_logging *conf = &c->conf->log;
	uint64_t lost = 0;

	if (!wr_reply_row(r))
		return;
	for (uint32_t i = 0; i < WR_SINK_LOST_REASONS; i++)
		lost += s->lost[i];
	wr_reply_str(r, "target", target_name(conf->to));
	if (conf->to == WR_CONF_LOG_FILE)
		wr_reply_text(r, "file", conf->file);
	if (conf->to == WR_CONF_LOG_NONE)
		wr_reply_str(r, "state", "off");
	else
		wr_reply_str(r, "state", s->fd < 0 ? "closed" : s->err != 0 ? "failing" : "open");
	if (s->err != 0)
		wr_reply_str(r, "last_error", strerror(s->err));
	wr_reply_uint(r, "rate_limit_per_s", conf->rate);
	wr_reply_uint(r, "written", s->written);
	wr_reply_uint(r, "bytes", s->bytes);
	wr_reply_uint(r, "opened", s->opened);
	wr_reply_uint(r, "sampled_out", c->sampled);
	wr_reply_uint(r, "lost", lost);
	wr_reply_uint(r, "lost_rate", s->lost[WR_SINK_LOST_RATE]);
	wr_reply_uint(r, "lost_ring", s->lost[WR_SINK_LOST_RING]);
	wr_reply_uint(r, "lost_closed", s->lost[WR_SINK_LOST_CLOSED]);
	wr_reply_uint(r, "lost_write", s->lost[WR_SINK_LOST_WRITE]);
	wr_reply_uint(r, "lost_behind", s->lost[WR_SINK_LOST_BEHIND]);
}
