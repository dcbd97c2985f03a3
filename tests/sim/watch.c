/* SPDX-License-Identifier: BSD-3-Clause */
#include "watch.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include "wr_seq.h"

#define STALL_RTOS     3                    // time-outs without a sign of life are a stall
#define STALL_LEAST_US (200 * WR_US_PER_MS) // less is not looked at
#define STALL_SLACK    10000                // us: the wheel's tick, and jitter of ours
#define OVER_SEGS      3 // beyond cwnd: limited transmit (RFC 3042), a tail loss probe (RFC 8985)

__attribute__((noreturn, format(printf, 3, 4))) static void wrong(
	struct watch *w, const struct watch_dir *d, const char *fmt, ...)
{
	char what[200], text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	snprintf(text, sizeof(text), "%s:%u to %s:%u: %s",
		w->ops.name(w->ops.arg, &d->own.local, d->own.lport), d->own.lport,
		w->ops.name(w->ops.arg, &d->own.remote, d->own.rport), d->own.rport, what);
	w->ops.wrong(w->ops.arg, text);
}

void watch_reset(struct watch *w, const struct watch_ops *ops, wr_us_t now)
{
	for (uint32_t i = 0; i < w->used_count; i++) {
		struct watch_conn *c = &w->conn[w->used[i]];

		free(c->dir[0].log);
		free(c->dir[1].log);
		memset(c, 0, sizeof(*c));
	}
	w->used_count = 0;
	w->ops = *ops;
	w->trace = w->hostile = w->lower = false;
	w->start = w->blind_until = w->looked_at = now;
	w->segments = 0;
	w->lines = 0;
}

// --- who ----------------------------------------------------------------------------------------

static int order(const struct wr_tuple *t)
{
	int c = memcmp(&t->local, &t->remote, sizeof(t->local));

	return c != 0 ? c : (int)t->lport - (int)t->rport;
}

static uint32_t mix(const struct wr_tuple *t)
{
	uint32_t h = (uint32_t)(t->lport + t->rport) * 2654435761u ^
	             (uint32_t)(t->lport ^ t->rport) * 40503u;

	h += (uint32_t)(t->local.b[15] + t->remote.b[15]) * 0x9e3779b1u;
	h ^= h >> 15;
	return h % WATCH_TABLE;
}

// The connection of a segment, and in *from which end sent it.
static struct watch_conn *conn_of(struct watch *w, const struct wr_pkt *k, int *from)
{
	struct wr_tuple t = {k->t.remote, k->t.local, k->t.rport, k->t.lport};
	struct wr_tuple back = k->t;
	struct watch_conn *c;
	uint32_t i = mix(&t);

	*from = order(&t) < 0 ? 0 : 1;
	for (; (c = &w->conn[i])->used; i = (i + 1) % WATCH_TABLE)
		if (wr_tuple_eq(&c->dir[*from].own, &t))
			return c;
	if (w->used_count == WATCH_TABLE / 2)
		w->ops.wrong(w->ops.arg, "more connections than the watch has room for");
	w->used[w->used_count++] = i;
	c->used = true;
	c->dir[*from].own = t;
	c->dir[!*from].own = back;
	return c;
}

static bool sight(struct watch *w, struct watch_dir *d, struct watch_sight *out)
{
	return w->ops.sight(w->ops.arg, &d->own, &d->cache, out);
}

// --- what is in the network ---------------------------------------------------------------------

static void log_add(struct watch_dir *d, uint32_t seq, uint32_t len, wr_us_t now)
{
	if (d->log_tail - d->log_head == d->log_size) {
		uint32_t size = d->log_size == 0 ? 64 : 2 * d->log_size;
		struct watch_sent *log = calloc(size, sizeof(*log));

		if (log == NULL)
			abort();
		for (uint32_t i = d->log_head; i != d->log_tail; i++)
			log[i % size] = d->log[i % d->log_size];
		free(d->log);
		d->log = log;
		d->log_size = size;
	}
	d->log[d->log_tail++ % d->log_size] = (struct watch_sent){seq, len, now, false};
}

static void log_mark(struct watch_dir *d, const struct wr_sack_block *b, bool from_start)
{
	for (uint32_t i = d->log_head; i != d->log_tail; i++) {
		struct watch_sent *s = &d->log[i % d->log_size];

		if (s->there || wr_seq_gt(s->seq + s->len, b->right) ||
			(!from_start && wr_seq_lt(s->seq, b->left)))
			continue;
		s->there = true;
		d->newest = RTE_MAX(d->newest, s->at);
	}
	while (d->log_head != d->log_tail && d->log[d->log_head % d->log_size].there)
		d->log_head++;
}

// The same block comes many times.
static void log_mark_sack(struct watch_dir *d, const struct wr_sack_block *b)
{
	for (uint32_t i = 0; i < RTE_DIM(d->block); i++)
		if (d->block[i].left == b->left && d->block[i].right == b->right)
			return;
	d->block[d->blocks++ % RTE_DIM(d->block)] = *b;
	log_mark(d, b, false);
}

// The least that can be in the network by any rule: what was sent after the newest transmission
// that is known to have arrived. Whatever was sent before it may be deemed lost (RFC 8985 6.2), and
// after a time-out everything may (RFC 6298 5.4).
static uint32_t in_network(const struct watch_dir *d)
{
	uint32_t bytes = 0;

	for (uint32_t i = d->log_head; i != d->log_tail; i++) {
		const struct watch_sent *s = &d->log[i % d->log_size];

		if (!s->there && s->at > d->newest && (int32_t)(i - d->log_lost) >= 0)
			bytes += s->len;
	}
	return bytes;
}

// --- what an end sends
// ----------------------------------------------------------------------------

static void sent_syn(struct watch_dir *d, struct watch_dir *peer, const struct wr_pkt *k)
{
	if (!d->syn || d->iss != k->seq) { // a new incarnation
		struct watch_sent *log = d->log;
		uint32_t size = d->log_size;

		*d = (struct watch_dir){.own = d->own,
			.peer_syn_wnd = d->peer_syn_wnd,
			.log = log,
			.log_size = size};
		d->iss = d->una = k->seq;
		d->nxt = k->seq + 1;
		if (!(k->flags & WR_TCP_ACK))
			peer->syn = false;
	}
	d->syn = true;
	d->reset = false;
	d->opts = k->opts;
	d->wscale = k->wscale;
	d->syn_wnd = k->window;
	if (k->flags & WR_TCP_ACK) {
		d->edge = k->ack + k->window;
		d->edge_known = true;
		d->room = d->iss + 1 + d->peer_syn_wnd;
		d->room_known = true;
	}
}

static void learn_shift(struct watch *w, struct watch_dir *d, const struct watch_dir *peer)
{
	struct watch_sight s;

	if (d->shift_known)
		return;
	d->shift = d->opts & peer->opts & WR_TCPOPT_WSCALE ? d->wscale : 0;
	if (w->hostile && sight(w, d, &s))
		d->shift = s.info.our_wscale;
	d->shift_known = true;
	if (!d->edge_known && !w->hostile) { // the promise of its SYN
		d->edge = peer->iss + 1 + d->syn_wnd;
		d->edge_known = true;
	}
}

static void check_edge(struct watch *w, struct watch_dir *d, const struct wr_pkt *k)
{
	uint32_t edge = k->ack + ((uint32_t)k->window << d->shift);

	if (d->edge_known && (int32_t)(edge - d->edge) <= -(int32_t)(1u << d->shift))
		wrong(w, d, "withdrew its right edge by %u bytes", d->edge - edge);
	if (!d->edge_known || wr_seq_gt(edge, d->edge))
		d->edge = edge;
	d->edge_known = true;
}

static void check_room(struct watch *w, const struct watch_dir *d, const struct wr_pkt *k)
{
	uint32_t end = k->seq + k->payload_len;

	if (!w->hostile && d->room_known && wr_seq_gt(end, d->room))
		wrong(w, d, "sent %u bytes beyond the window of its peer", end - d->room);
}

// Payload was sent for the first time.
static void check_cwnd(struct watch *w, struct watch_dir *d)
{
	uint32_t there, credit = 0;
	struct watch_sight s;
	uint64_t limit;

	if (w->hostile || !sight(w, d, &s))
		return;
	// without SACK each duplicate ACK tells that a segment has left the network
	d->mss = s.info.mss;
	if (!(s.info.opts & WR_TCPOPT_SACKOK))
		credit = d->dupacks * s.info.mss;
	limit = (uint64_t)s.info.cwnd_bytes + OVER_SEGS * s.info.mss + credit;
	if (d->nxt - d->una <= limit)
		return;
	there = in_network(d);
	if (there > limit)
		wrong(w, d, "has %u bytes in the network with a congestion window of %u (mss %u)",
			there, s.info.cwnd_bytes, s.info.mss);
}

static void note_timeouts(struct watch *w, struct watch_dir *d)
{
	struct watch_sight s;

	if (sight(w, d, &s) && s.timeouts != d->timeouts) {
		d->timeouts = s.timeouts;
		d->log_lost = d->log_tail;
	}
}

static void sent_payload(struct watch *w, wr_us_t now, struct watch_dir *d, const struct wr_pkt *k)
{
	bool fresh = wr_seq_gt(k->seq + k->payload_len, d->nxt);

	check_room(w, d, k);
	note_timeouts(w, d);
	log_add(d, k->seq, k->payload_len, now);
	if (fresh)
		check_cwnd(w, d);
}

void watch_sent(
	struct watch *w, wr_us_t now, const struct wr_pkt *k, wr_us_t arrives, uint32_t what)
{
	int from;
	struct watch_conn *c = conn_of(w, k, &from);
	struct watch_dir *d = &c->dir[from], *peer = &c->dir[!from];
	uint32_t end = k->seq + k->payload_len + !!(k->flags & WR_TCP_FIN);

	w->segments++;
	if (k->flags & WR_TCP_SYN)
		sent_syn(d, peer, k);
	watch_note(w, now, k, arrives, what, false, d->syn ? d->iss : 0, peer->syn ? peer->iss : 0);
	if (k->flags & WR_TCP_RST) {
		d->reset = true;
	} else if (!(k->flags & WR_TCP_SYN) && d->syn && peer->syn) {
		learn_shift(w, d, peer);
		if (k->flags & WR_TCP_ACK)
			check_edge(w, d, k);
		if (k->payload_len > 0)
			sent_payload(w, now, d, k);
		if (wr_seq_gt(end, d->nxt))
			d->nxt = end;
	}
	d->gone = false;
	d->gap_us = d->sent_at != 0 ? now - d->sent_at : 0;
	d->sent_at = d->alive_at = now;
}

// --- what reaches an end
// --------------------------------------------------------------------------

static void acked(struct watch_dir *d, const struct wr_pkt *k)
{
	if (wr_seq_lt(k->ack, d->una) || wr_seq_gt(k->ack, d->nxt))
		return;
	if (k->ack == d->una && k->payload_len == 0 && d->nxt != d->una) {
		d->dupacks++;
	} else if (k->ack != d->una) {
		// of what they spoke for, so much is acknowledged now
		uint32_t segs = d->mss > 0 ? (k->ack - d->una) / d->mss : 0;

		d->dupacks -= RTE_MIN(d->dupacks, k->ack == d->nxt ? UINT32_MAX : segs);
		log_mark(d, &(struct wr_sack_block){d->una, k->ack}, true);
		d->una = k->ack;
	}
	for (uint32_t i = 0; i < k->sack_count; i++)
		if (wr_seq_gt(k->sack[i].left, d->una))
			log_mark_sack(d, &k->sack[i]);
}

void watch_arrives(struct watch *w, wr_us_t now, const struct wr_pkt *k, uint32_t what)
{
	struct watch_dir *d, *peer;
	struct watch_conn *c;
	uint32_t edge;
	int from;

	if (k->kind != WR_PKT_TCP) {
		watch_note(w, now, k, now, what, true, 0, 0);
		return;
	}
	c = conn_of(w, k, &from);
	d = &c->dir[!from];
	peer = &c->dir[from];
	if (what & WATCH_F_HOSTILE)
		watch_note(
			w, now, k, now, what, true, peer->syn ? peer->iss : 0, d->syn ? d->iss : 0);
	d->alive_at = now;
	if (k->flags & WR_TCP_RST)
		d->reset = true;
	if (k->flags & WR_TCP_SYN && !(k->flags & WR_TCP_ACK))
		d->peer_syn_wnd = k->window;
	if (!(k->flags & WR_TCP_ACK) || !d->syn)
		return;
	edge = k->ack + ((uint32_t)k->window << (k->flags & WR_TCP_SYN ? 0 : peer->shift));
	if (!d->room_known || wr_seq_gt(edge, d->room))
		d->room = edge;
	d->room_known = true;
	acked(d, k);
}

// --- progress
// -------------------------------------------------------------------------------------

void watch_excuse(struct watch *w, wr_us_t now)
{
	w->blind_until = now;
}

static bool outstanding(struct watch *w, struct watch_dir *d, struct watch_sight *s)
{
	d->gone = !sight(w, d, s);
	return !d->gone && s->info.state != WR_TCP_ST_CLOSED &&
	       s->info.state != WR_TCP_ST_TIME_WAIT && s->info.state != WR_TCP_ST_LISTEN &&
	       (s->info.send_queue_bytes > 0 || d->una != d->nxt);
}

static void check_stall(struct watch *w, wr_us_t now, bool leap, struct watch_dir *d)
{
	struct watch_sight s;
	wr_us_t since, limit;

	if (!d->syn || d->reset || d->gone || (!leap && now - d->alive_at < STALL_LEAST_US))
		return;
	if (!outstanding(w, d, &s)) {
		d->pending_at = 0;
		return;
	}
	if (d->pending_at == 0)
		d->pending_at = now;
	since = RTE_MAX(RTE_MAX(d->alive_at, d->pending_at), w->blind_until);
	limit = STALL_RTOS * (wr_us_t)s.info.rto_us + STALL_SLACK;
	// probes of a closed window come less and less often
	if (d->una == d->nxt)
		limit = RTE_MAX(limit, STALL_RTOS * d->gap_us);
	if (now - since <= limit)
		return;
	if (w->lower && s.info.retrans != d->retrans) {
		d->retrans = s.info.retrans;
		d->alive_at = now;
		return;
	}
	wrong(w, d, "sent nothing for %llu ms (%u bytes queued, %u out, rto %u ms, %s)",
		(unsigned long long)((now - since) / WR_US_PER_MS), s.info.send_queue_bytes,
		d->nxt - d->una, s.info.rto_us / 1000, wr_tcp_state_name(s.info.state));
}

void watch_progress(struct watch *w, wr_us_t now, wr_us_t next)
{
	bool leap = next - now >= STALL_LEAST_US / 4;

	if (!leap && now - w->looked_at < STALL_LEAST_US / 4)
		return;
	w->looked_at = now;
	for (uint32_t i = 0; i < w->used_count; i++)
		for (int k = 0; k < 2; k++)
			check_stall(w, now, leap, &w->conn[w->used[i]].dir[k]);
}
