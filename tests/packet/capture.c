/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run.h"
#include "wr_build.h"
#include "wr_parse.h"

// A segment of the engine: finished as a port without offloads would, parsed, checked for what must
// always hold, and compared with what a line says.

void pk_describe_flags(uint8_t flags, char *buf)
{
	static const char letters[] = "FSRP.UEC", order[] = "SFRPUEC.";
	char *to = buf;

	for (const char *w = order; *w != '\0'; w++)
		if (flags & (1u << (strchr(letters, *w) - letters)))
			*to++ = *w;
	if (to == buf)
		*to++ = '-';
	*to = '\0';
}

static uint32_t window_of(const struct pk_run *r, const struct wr_pkt *k)
{
	bool scaled = !(k->flags & WR_TCP_SYN) && (r->peer_opts & r->our_opts & WR_TCPOPT_WSCALE);

	return (uint32_t)k->window << (scaled ? r->our_wscale : 0);
}

static void describe(struct pk_run *r, struct pk_out *o)
{
	size_t cap = sizeof(o->text), n;
	char flags[16];

	pk_describe_flags(o->k.flags, flags);
	n = (size_t)snprintf(o->text, cap, "> %s %d(%u)", flags, (int)o->seq, o->k.payload_len);
	if (o->k.flags & WR_TCP_ACK)
		n += (size_t)snprintf(o->text + n, cap - n, " ack %d", (int)o->ack);
	n += (size_t)snprintf(o->text + n, cap - n, " win %u", window_of(r, &o->k));
	if (o->k.opts & WR_TCPOPT_MSS)
		n += (size_t)snprintf(o->text + n, cap - n, " mss %u", o->k.mss);
	if (o->k.opts & WR_TCPOPT_WSCALE)
		n += (size_t)snprintf(o->text + n, cap - n, " wscale %u", o->k.wscale);
	if (o->k.opts & WR_TCPOPT_SACKOK)
		n += (size_t)snprintf(o->text + n, cap - n, " sackOK");
	if (o->k.opts & WR_TCPOPT_TS)
		n += (size_t)snprintf(o->text + n, cap - n, " ts %d %d",
			(int)(o->k.ts_val - r->ts_ours_first), (int)(o->k.ts_ecr - PK_TS_START));
	for (uint32_t i = 0; i < o->k.sack_count; i++)
		n += (size_t)snprintf(o->text + n, cap - n, "%s%d:%d", i == 0 ? " sack " : " ",
			(int)(o->k.sack[i].left - r->irs), (int)(o->k.sack[i].right - r->irs));
	if (o->k.t.lport != r->t.rport || o->k.t.rport != r->t.lport)
		snprintf(o->text + n, cap - n, " from port %u to port %u", o->k.t.rport,
			o->k.t.lport);
}

static void wrong(struct pk_out *o, const char *what)
{
	if (*o->why == '\0')
		snprintf(o->why, sizeof(o->why), "%s", what);
}

static void note_syn(struct pk_run *r, const struct wr_pkt *k)
{
	r->our_syn = true;
	r->our_opts = k->opts;
	r->our_wscale = k->wscale;
	r->our_mss = k->opts & WR_TCPOPT_MSS ? k->mss : 536;
}

static void check_payload(struct pk_run *r, struct pk_out *o)
{
	uint8_t *data = malloc(o->k.payload_len + 1u);
	const uint8_t *at =
		rte_pktmbuf_read(o->k.m, wr_pkt_payload_offset(&o->k), o->k.payload_len, data);

	for (uint32_t i = 0; i < o->k.payload_len; i++) {
		if (at == NULL || at[i] != pk_our_byte(o->seq + i)) {
			snprintf(o->why, sizeof(o->why), "payload byte %u of our stream is wrong",
				o->seq + i);
			break;
		}
	}
	if (o->k.payload_len > 0 && o->seq + o->k.payload_len > 1 + r->written)
		wrong(o, "payload that nobody wrote");
	free(data);
}

// Present in all segments once both asked for it (RFC 7323 3.2), and what it may say.
static void check_ts(struct pk_run *r, struct pk_out *o)
{
	bool here = o->k.opts & WR_TCPOPT_TS;
	bool want = r->v.ts && r->our_syn && (r->our_opts & WR_TCPOPT_TS);

	if (o->k.flags & WR_TCP_RST) // RFC 7323 3.2 lets it be
		return;
	if (o->k.flags & WR_TCP_SYN)
		want = here && r->v.ts && (!r->peer_syn || (r->peer_opts & WR_TCPOPT_TS));
	else
		want = want && (r->peer_opts & WR_TCPOPT_TS);
	if (here != want)
		wrong(o, here ? "timestamps that were not agreed on" : "no timestamps");
	if (!here)
		return;
	if (r->ts_ours_known && wr_seq_lt(o->k.ts_val, r->ts_ours) &&
		r->now - r->ts_ours_at < 24 * 24 * 3600 * WR_US_PER_S)
		wrong(o, "our timestamp went back");
	if (!r->ts_ours_known)
		r->ts_ours_first = o->k.ts_val;
	r->ts_ours = o->k.ts_val;
	r->ts_ours_known = true;
	r->ts_ours_at = r->now;
	if (!(o->k.flags & WR_TCP_ACK) || !r->ts_peer_known)
		return;
	if (wr_seq_lt(o->k.ts_ecr, r->ts_low) || wr_seq_gt(o->k.ts_ecr, r->ts_high))
		snprintf(o->why, sizeof(o->why),
			"timestamp echo %d, but %d to %d may be echoed (RFC 7323 4.3)",
			(int)(o->k.ts_ecr - PK_TS_START), (int)(r->ts_low - PK_TS_START),
			(int)(r->ts_high - PK_TS_START));
}

// The right edge that was shown is never taken back, but for the rounding of window scaling
// (RFC 7323 2.4).
static void check_edge(struct pk_run *r, struct pk_out *o)
{
	uint32_t edge = o->ack + window_of(r, &o->k);
	uint32_t unit = 1u << ((r->peer_opts & r->our_opts & WR_TCPOPT_WSCALE) ? r->our_wscale : 0);

	if (!(o->k.flags & WR_TCP_ACK) || (o->k.flags & WR_TCP_RST))
		return;
	if (r->edge_known && (int32_t)(edge - r->edge) <= -(int32_t)unit)
		wrong(o, "the right edge of our window went back");
	if (!r->edge_known || wr_seq_gt(edge, r->edge))
		r->edge = edge;
	if (r->edge_known && wr_seq_lt(o->ack, r->last_ack))
		wrong(o, "our acknowledgement went back");
	r->edge_known = true;
	r->last_ack = o->ack;
}

static bool ours(const struct pk_run *r, const struct wr_pkt *k)
{
	return k->t.lport == r->t.rport && k->t.rport == r->t.lport &&
	       wr_addr_eq(&k->t.remote, &r->t.local);
}

void pk_capture(struct pk_run *r, struct rte_mbuf *m)
{
	struct pk_out *o = &r->out[r->out_first + r->out_count];
	uint32_t end;

	wr_build_finish_csum(m);
	if (r->out_first + r->out_count == PK_OUT_MAX) {
		pk_fail(r, "more than %d segments left", PK_OUT_MAX);
		rte_pktmbuf_free(m);
		return;
	}
	*o = (struct pk_out){.at = r->now, .edge_before = r->edge, .ack_before = r->last_ack};
	r->out_count++;
	wr_parse_frame(&o->k, m, WR_PARSE_F_NO_L2);
	if (o->k.kind != WR_PKT_TCP) {
		snprintf(o->why, sizeof(o->why), "it does not parse: %s", wr_drop_name(o->k.drop));
		snprintf(o->text, sizeof(o->text), "> ?");
	} else {
		if (ours(r, &o->k) && (o->k.flags & WR_TCP_SYN)) {
			note_syn(r, &o->k);
			if (!pk_live(r)) // a SYN-ACK without state numbers itself
				r->iss = o->k.seq;
		}
		o->seq = o->k.seq - r->iss;
		o->ack = o->k.ack - r->irs;
		// a reset for no connection has the number 0 itself (RFC 9293 3.10.7.1)
		if ((o->k.flags & WR_TCP_RST) && o->k.seq == 0 && !pk_live(r))
			o->seq = 0;
		if (ours(r, &o->k)) {
			end = o->seq + o->k.payload_len +
			      !!(o->k.flags & (WR_TCP_SYN | WR_TCP_FIN));
			if (!(o->k.flags & WR_TCP_RST) && wr_seq_gt(end, r->snd_max))
				r->snd_max = end;
			check_payload(r, o);
			check_ts(r, o);
			check_edge(r, o);
		}
		if (!(o->k.flags & (WR_TCP_ACK | WR_TCP_SYN | WR_TCP_RST)))
			wrong(o, "a segment without ACK");
		describe(r, o);
	}
	pk_log(r, "%s%s%s", o->text, *o->why != '\0' ? " ; " : "", o->why);
	o->k.m = NULL;
	if (r->hold && r->held_count < PK_HELD)
		r->held[r->held_count++] = m;
	else
		rte_pktmbuf_free(m);
}

static bool differs(struct pk_run *r, const char *what, int64_t got, int64_t want)
{
	if (got == want)
		return false;
	pk_fail(r, "%s is %lld, but %lld is expected", what, (long long)got, (long long)want);
	return true;
}

static bool has_option(struct pk_run *r, const char *name, bool here, bool want)
{
	if (here == want)
		return true;
	return pk_fail(r, want ? "the option %s is missing" : "the option %s is there", name);
}

static bool same_set(struct pk_run *r, const struct pk_opts *w, const struct wr_pkt *k)
{
	for (uint32_t n = 0; n < w->sack_count; n++) {
		uint32_t left = r->irs + (uint32_t)pk_value(r, &w->left[n]), i = 0;
		uint32_t right = r->irs + (uint32_t)pk_value(r, &w->right[n]);

		while (i < k->sack_count && (k->sack[i].left != left || k->sack[i].right != right))
			i++;
		if (i == k->sack_count)
			return pk_fail(r, "the SACK block %d:%d is missing", (int)(left - r->irs),
				(int)(right - r->irs));
	}
	return true;
}

static bool same_sack(struct pk_run *r, const struct pk_opts *w, const struct wr_pkt *k)
{
	bool want = w->sack && r->v.sack;
	char what[40];

	if (!want)
		return has_option(r, "sack", k->sack_count > 0, false);
	if (differs(r, "the number of SACK blocks", k->sack_count, w->sack_count))
		return false;
	if (w->sackset)
		return same_set(r, w, k);
	for (uint32_t i = 0; i < k->sack_count; i++) {
		snprintf(what, sizeof(what), "left edge of SACK block %u", i + 1);
		if (differs(r, what, (int32_t)(k->sack[i].left - r->irs), pk_value(r, &w->left[i])))
			return false;
		snprintf(what, sizeof(what), "right edge of SACK block %u", i + 1);
		if (differs(r, what, (int32_t)(k->sack[i].right - r->irs),
			    pk_value(r, &w->right[i])))
			return false;
	}
	return true;
}

static bool same_options(struct pk_run *r, const struct pk_opts *w, const struct wr_pkt *k)
{
	bool here = k->opts & WR_TCPOPT_TS;

	if (w->mss && (!has_option(r, "mss", k->opts & WR_TCPOPT_MSS, true) ||
			      differs(r, "the MSS option", k->mss, pk_value(r, &w->mss_n))))
		return false;
	if (w->nomss && !has_option(r, "mss", k->opts & WR_TCPOPT_MSS, false))
		return false;
	if (w->wscale && (!has_option(r, "wscale", k->opts & WR_TCPOPT_WSCALE, true) ||
				 differs(r, "the window scale", k->wscale, w->shift)))
		return false;
	if (w->nowscale && !has_option(r, "wscale", k->opts & WR_TCPOPT_WSCALE, false))
		return false;
	if (w->sackok && !has_option(r, "sackOK", k->opts & WR_TCPOPT_SACKOK, r->v.sack))
		return false;
	if (w->nosackok && !has_option(r, "sackOK", k->opts & WR_TCPOPT_SACKOK, false))
		return false;
	if (w->ts && !has_option(r, "ts", here, r->v.ts))
		return false;
	if (w->nots && !has_option(r, "ts", here, false))
		return false;
	if (w->ts && here && !w->ts_val_own &&
		differs(r, "the timestamp", (int32_t)(k->ts_val - r->ts_ours_first), w->ts_val))
		return false;
	if (w->ts && here && !w->ts_ecr_own &&
		differs(r, "the timestamp echo", (int32_t)(k->ts_ecr - PK_TS_START), w->ts_ecr))
		return false;
	if (w->sack || w->nosack)
		return same_sack(r, w, k);
	return true;
}

static bool same_segment(struct pk_run *r, const struct pk_packet *w, const struct pk_out *o)
{
	uint8_t push = w->push ? 0 : WR_TCP_PSH;
	char got[16], want[16];

	if (o->k.kind != WR_PKT_TCP || *o->why != '\0')
		return pk_fail(r, "the segment is wrong in itself: %s", o->why);
	if (((o->k.flags ^ w->flags) & ~push) != 0) {
		pk_describe_flags(o->k.flags & (uint8_t)~push, got);
		pk_describe_flags(w->flags, want);
		return pk_fail(r, "the flags are %s, but %s is expected", got, want);
	}
	if (differs(r, "the source port", o->k.t.rport,
		    w->via.sport != 0 ? w->via.sport : r->t.lport) ||
		differs(r, "the destination port", o->k.t.lport,
			w->via.dport != 0 ? w->via.dport : r->t.rport))
		return false;
	if (differs(r, "the sequence number", (int32_t)o->seq, pk_value(r, &w->seq)) ||
		differs(r, "the length", o->k.payload_len, pk_value(r, &w->len)))
		return false;
	if (w->has_ack && differs(r, "the acknowledgement", (int32_t)o->ack, pk_value(r, &w->ack)))
		return false;
	if (w->has_win && differs(r, "the window", window_of(r, &o->k), pk_value(r, &w->win)))
		return false;
	return same_options(r, &w->o, &o->k);
}

void pk_drop_first(struct pk_run *r)
{
	r->syn_waits = false;
	r->out_first++;
	r->out_count--;
	if (r->out_count == 0)
		r->out_first = 0;
}

bool pk_expect_segment(struct pk_run *r, const struct pk_line *line)
{
	wr_us_t least = r->now, most = r->now + PK_ANY_US, due;
	const struct pk_out *o;
	uint32_t edge, ack;
	bool good;

	if (line->time.kind != PK_ANY) {
		due = line->time.kind == PK_AFTER ? r->now + line->time.us
		                                  : r->start + line->time.us;
		least = due > PK_TOL_US ? due - PK_TOL_US : 0;
		most = due + PK_TOL_US;
	} else {
		least = 0;
	}
	if (r->syn_waits && (line->p.flags != WR_TCP_SYN || r->now < least))
		pk_drop_first(r);
	if (r->out_count == 0 && !pk_advance(r, most, true))
		return false;
	if (r->out_count == 0)
		return pk_fail(r, "no segment left until %.6f", (double)(r->now - r->start) / 1e6);
	o = &r->out[r->out_first];
	if (o->at < least || o->at > most)
		return pk_fail(r, "the segment left %s: at %.6f",
			o->at < least ? "too early" : "too late", (double)(o->at - r->start) / 1e6);
	// edge and wnd are those that the segment's sender had shown before it
	edge = r->edge;
	ack = r->last_ack;
	r->edge = o->edge_before;
	r->last_ack = o->ack_before;
	good = same_segment(r, &line->p, o);
	r->edge = edge;
	r->last_ack = ack;
	if (!good)
		return false;
	pk_drop_first(r);
	return true;
}
