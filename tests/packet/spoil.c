/* SPDX-License-Identifier: BSD-3-Clause */
#include "spoil.h"

// One expectation of a line made wrong at a time: a script that passes all the same expects
// nothing there.

static bool spoil_state(struct pk_line *line)
{
	line->id = line->id == WR_TCP_ST_LAST_ACK ? WR_TCP_ST_CLOSING : WR_TCP_ST_LAST_ACK;
	return true;
}

// 1: done, 0: this does not apply here, negative: there is no more.
static int spoil_packet(struct pk_line *line, uint32_t which, const char **what)
{
	struct pk_packet *p = &line->p;

	switch (which) {
	case 0:
		*what = "the flags";
		p->flags ^= WR_TCP_FIN;
		return 1;
	case 1:
		*what = "the sequence number";
		p->seq.n++;
		return 1;
	case 2:
		*what = "the length";
		p->len.n++;
		return 1;
	case 3:
		*what = "the acknowledgement";
		p->ack.n++;
		return p->has_ack;
	case 4:
		*what = "the window";
		p->win.n++;
		return p->has_win;
	case 5:
		*what = "the time";
		line->time.us += 10 * WR_US_PER_MS;
		return line->time.kind != PK_ANY;
	case 6:
		*what = "the MSS";
		p->o.mss_n.n++;
		return p->o.mss;
	case 7:
		*what = "the window scale";
		p->o.shift++;
		return p->o.wscale;
	case 8:
		*what = "a SACK block";
		p->o.left[0].n--;
		return p->o.sack;
	case 9:
		*what = "the number of SACK blocks";
		p->o.sack_count--;
		return p->o.sack && !p->o.sackset;
	case 10:
		*what = "the timestamp echo";
		p->o.ts_ecr++;
		return p->o.ts && !p->o.ts_ecr_own;
	case 11:
		*what = "the port";
		p->via.sport = 4711;
		return 1;
	default:
		return -1;
	}
}

static int spoil_other(struct pk_line *line, const char **what)
{
	*what = "what it says";
	switch (line->kind) {
	case PK_STATE:
		return spoil_state(line);
	case PK_EVENT:
		line->id = line->id == 0 ? 0xff : 0;
		return line->id != 0; // `event none` cannot stand for "not these"
	case PK_EOF:
		line->kind = PK_NO_EOF;
		return 1;
	case PK_NO_EOF:
		line->kind = PK_EOF;
		return 1;
	case PK_END:
		line->id = line->id == WR_TCP_END_EVICTED ? WR_TCP_END_NONE : WR_TCP_END_EVICTED;
		return 1;
	case PK_RTO:
		line->n.n += 100000;
		return 1;
	case PK_READ:
		line->n.n++;
		return !!(line->flags & PK_F_LEN);
	case PK_BYTES:
		line->other[0] ^= 1;
		return 1;
	case PK_DROP:
	case PK_DROP_BYTES:
	case PK_COUNT:
	case PK_CWND:
	case PK_SSTHRESH:
	case PK_QUEUE:
	case PK_SPACE:
		line->n.n++;
		return 1;
	default:
		return 0;
	}
}

int pk_spoil(struct pk_line *line, uint32_t which, const char **what)
{
	if (line->kind == PK_OUT)
		return spoil_packet(line, which, what);
	return which == 0 ? spoil_other(line, what) : -1;
}
