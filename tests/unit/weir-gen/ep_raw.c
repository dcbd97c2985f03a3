/* SPDX-License-Identifier: BSD-3-Clause */
#include "ep_raw.h"

static bool record(struct rig *r, int from, const struct wr_pkt *p)
{
	struct raw *w = r->tap_arg;

	assert_int_equal(from, 1);
	assert_true(w->count < RAW_SEEN);
	w->seen[w->count++] = *p;
	return false;
}

void raw_start(struct raw *w, bool v6, bool timestamps)
{
	struct rig_kind k = {.v6 = v6, .timestamps = timestamps, .seed = 7};

	memset(w, 0, sizeof(*w));
	w->r = rig_start(&k);
	rig_listen(w->r);
	w->s = w->r->side[1].ep;
	w->t = rig_tuple(w->r, 0);
	w->t = (struct wr_tuple){w->t.remote, w->t.local, w->t.rport, w->t.lport};
	w->iss = 0xfffffff0u; // wraps soon
	w->opts = timestamps ? WR_TCPOPT_TS : 0;
	w->ts = 1000;
	w->window = 60000;
	w->app = rig_peer(w->r, 0);
	w->r->tap = record;
	w->r->tap_arg = w;
}

void raw_stop(struct raw *w)
{
	rig_stop_any(w->r);
}

void raw_send(struct raw *w, uint8_t flags, uint32_t at, uint32_t ack, uint32_t len)
{
	struct rig_seg g = {.t = w->t,
		.seq = w->iss + 1 + at,
		.ack = w->irs + 1 + ack,
		.flags = flags,
		.opts = w->opts,
		.window = w->window,
		.ts_val = w->ts,
		.len = len,
		.from = 0,
		.offset = at};

	if (flags & WR_TCP_SYN) {
		g.seq = w->iss + at;
		g.opts |= WR_TCPOPT_MSS;
		g.mss = 1400;
	}
	rig_inject(w->r, 1, &g);
}

uint32_t raw_output(struct raw *w)
{
	w->count = 0;
	rig_flush(w->r, 1);
	return w->count;
}

void raw_wait(struct raw *w, wr_us_t us)
{
	wr_us_t end = w->r->now.us + us;

	for (wr_us_t at = w->r->now.us; at < end;) {
		at = RTE_MIN(at + 1000, end);
		rig_set_time(w->r, at);
		ep_timers(w->s, 64, &w->r->now);
	}
}

void raw_open(struct raw *w)
{
	raw_send(w, WR_TCP_SYN, 0, 0, 0);
	assert_int_equal(raw_output(w), 1);
	assert_int_equal(w->seen[0].flags, WR_TCP_SYN | WR_TCP_ACK);
	assert_int_equal(w->seen[0].ack, w->iss + 1);
	w->irs = w->seen[0].seq;
	raw_send(w, WR_TCP_ACK, 0, 0, 0);
	assert_true(w->app->opened);
	assert_int_equal(raw_output(w), 0);
}

struct ep_conn *raw_conn(struct raw *w)
{
	return rig_conn(w->r, 1, 0);
}
