/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <string.h>

#include "run.h"

// What a script says must be so.

static bool same(struct pk_run *r, const char *what, int64_t got, int64_t want)
{
	if (got == want)
		return true;
	return pk_fail(
		r, "%s is %lld, but %lld is expected", what, (long long)got, (long long)want);
}

static bool nothing(struct pk_run *r, const struct pk_line *line)
{
	if (r->syn_waits)
		pk_drop_first(r);
	if (r->out_count == 0 && (line->flags & PK_F_LEN))
		pk_advance(r, r->now + (wr_us_t)line->n.n, true);
	if (r->out_count > 0)
		return pk_fail(r, "a segment left, but none is expected");
	return !r->failed;
}

// `none` is a connection that is not in the table, even if the application still has its handle.
static bool state(struct pk_run *r, const struct pk_line *line)
{
	struct wr_tcp_info info;
	bool here = pk_info(r, &info);
	const char *want = line->id >= 0 ? wr_tcp_state_name((enum wr_tcp_state)line->id) : "none";

	if (line->id < 0 && (!here || info.state == WR_TCP_ST_CLOSED))
		return true;
	if (here && (int32_t)info.state == line->id)
		return true;
	return pk_fail(r, "the state is %s, but %s is expected",
		here ? wr_tcp_state_name(info.state) : "none", want);
}

static void event_names(uint32_t events, char *buf, size_t len)
{
	size_t n = 0;

	snprintf(buf, len, "none");
	for (uint32_t i = 0; i < RTE_DIM(pk_events); i++)
		if (events & (1u << i))
			n += (size_t)snprintf(
				buf + n, len - n, "%s%s", n > 0 ? " " : "", pk_events[i]);
}

// All of the named ones since the last such line; `none`: not one.
static bool event(struct pk_run *r, const struct pk_line *line)
{
	uint32_t want = (uint32_t)line->id, got = r->events;
	char a[120], b[120];

	r->events = 0;
	if (want != 0 ? (got & want) == want : got == 0)
		return true;
	event_names(got, a, sizeof(a));
	event_names(want, b, sizeof(b));
	return pk_fail(r, "the events since the last event line are %s, but %s is expected", a, b);
}

static bool counted(struct pk_run *r, const struct pk_line *line, const char *name, uint64_t now,
	uint64_t *mark)
{
	uint64_t got = line->flags & PK_F_PLUS ? now - *mark : now;

	*mark = now;
	return same(r, name, (int64_t)got, pk_value(r, &line->n));
}

static bool about_conn(struct pk_run *r, const struct pk_line *line)
{
	struct wr_tcp_info info;
	int64_t n;

	if (!pk_info(r, &info))
		return pk_fail(r, "there is no connection");
	switch (line->kind) {
	case PK_CWND:
		return same(r, "cwnd", info.cwnd_bytes, pk_value(r, &line->n));
	case PK_SSTHRESH:
		return same(r, "ssthresh", info.ssthresh_bytes, pk_value(r, &line->n));
	case PK_RTO:
		n = (int64_t)info.rto_us - line->n.n;
		if (n >= -PK_TOL_US && n <= PK_TOL_US)
			return true;
		return pk_fail(r, "the RTO is %.6f, but %.6f is expected", info.rto_us / 1e6,
			(double)line->n.n / 1e6);
	default:
		n = line->id == 0   ? info.send_queue_bytes
		    : line->id == 1 ? info.recv_queue_bytes
		                    : info.ooo_bytes;
		return same(r,
			line->id == 0   ? "the send queue"
			: line->id == 1 ? "the receive queue"
					: "the out-of-order store",
			n, pk_value(r, &line->n));
	}
}

static bool bytes(struct pk_run *r, const struct pk_line *line)
{
	for (uint32_t i = 0; i < line->ranges; i++) {
		if (r->other_count == PK_OTHERS)
			return pk_fail(r, "more than %d ranges of other bytes", PK_OTHERS);
		r->other[r->other_count++] =
			(struct pk_other){(uint32_t)pk_value(r, &line->from[i]),
				(uint32_t)pk_value(r, &line->to[i]), line->other};
	}
	return true;
}

bool pk_expect(struct pk_run *r, const struct pk_line *line)
{
	enum wr_tcp_end end;
	bool eof;

	switch (line->kind) {
	case PK_NOTHING:
		return nothing(r, line);
	case PK_STATE:
		return state(r, line);
	case PK_EVENT:
		return event(r, line);
	case PK_EOF:
	case PK_NO_EOF:
		eof = wr_tcp_eof(r->s, r->conn);
		if (eof == (line->kind == PK_EOF))
			return true;
		return pk_fail(r, eof ? "the stream has ended" : "the stream has not ended");
	case PK_END:
		end = wr_tcp_end(r->s, r->conn);
		if ((int32_t)end == line->id)
			return true;
		return pk_fail(r, "the end is %s, but %s is expected", wr_tcp_end_name(end),
			wr_tcp_end_name((enum wr_tcp_end)line->id));
	case PK_DROP:
		return counted(r, line, wr_drop_name((enum wr_drop)line->id), r->st.drop[line->id],
			&r->drop_mark[line->id]);
	case PK_DROP_BYTES:
		return counted(r, line, wr_drop_name((enum wr_drop)line->id),
			r->st.drop_bytes[line->id], &r->bytes_mark[line->id]);
	case PK_COUNT:
		return counted(r, line, wr_counter_name((enum wr_counter)line->id),
			r->st.ctr[line->id], &r->ctr_mark[line->id]);
	case PK_BYTES:
		return bytes(r, line);
	case PK_SPACE:
		return same(r, "the send space", wr_tcp_send_space(r->s, r->conn),
			pk_value(r, &line->n));
	default:
		return about_conn(r, line);
	}
}
