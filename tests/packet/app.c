/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include "run.h"
#include "wr_csum.h"
#include "wr_parse.h"

// What the application does, and faults.

#define ALL_OPTS (WR_TCPOPT_WSCALE | WR_TCPOPT_SACKOK | WR_TCPOPT_TS)

static bool do_listen(struct pk_run *r, bool deferred)
{
	struct wr_tcp_listen_opts o = {.user = 5, .deferred = deferred};
	struct wr_endpoint e = {r->t.local, r->t.lport};
	int rc = wr_tcp_listen(r->s, &e, &o);

	if (rc != 0)
		return pk_fail(r, "listen is refused: %s", strerror(-rc));
	r->listening = true;
	r->deferred = deferred;
	return true;
}

// The expected segment of a built-in step.
static bool expect(struct pk_run *r, uint8_t flags, uint32_t seq, int64_t ack)
{
	struct pk_line line = {.kind = PK_OUT, .time = {.kind = PK_AFTER}};

	line.p.flags = flags;
	line.p.seq.n = seq;
	line.p.has_ack = flags & WR_TCP_ACK;
	line.p.ack.n = ack;
	line.p.via.doff = -1;
	return pk_expect_segment(r, &line);
}

// The three-way handshake with the peer as the active side.
static bool do_open(struct pk_run *r, const struct pk_line *line)
{
	struct pk_packet syn = {.flags = WR_TCP_SYN, .o = line->p.o, .via = {.doff = -1}};
	struct pk_packet ack = {.flags = WR_TCP_ACK, .has_ack = true, .via = {.doff = -1}};

	if (!r->listening && !do_listen(r, false))
		return false;
	if (!pk_inject(r, &syn))
		return false;
	if (r->deferred) {
		if (!(r->events & WR_TCP_EV_SYN) || wr_tcp_accept(r->s, r->conn, r->now) != 0)
			return pk_fail(r, "open: the request does not wait to be accepted");
		pk_flush(r);
	}
	if (!expect(r, WR_TCP_SYN | WR_TCP_ACK, 0, 1))
		return false;
	ack.seq.n = 1;
	ack.ack.n = 1;
	if (!pk_inject(r, &ack))
		return false;
	if (r->out_count > 0)
		return pk_fail(r, "open: a segment left after the handshake");
	if (!(r->events & WR_TCP_EV_ACCEPTED))
		return pk_fail(r, "open: the connection is not accepted");
	r->events = 0;
	return true;
}

static bool do_connect(struct pk_run *r, const struct pk_line *line)
{
	const struct pk_opts *w = &line->p.o;
	struct wr_tcp_connect_opts o = {.user = 9, .opts = ALL_OPTS};
	wr_handle_t h;
	int rc;

	if (!r->v.ts || w->nots)
		o.opts &= (uint8_t)~WR_TCPOPT_TS;
	if (!r->v.sack || w->nosackok)
		o.opts &= (uint8_t)~WR_TCPOPT_SACKOK;
	if (w->nowscale)
		o.opts &= (uint8_t)~WR_TCPOPT_WSCALE;
	if (w->mss)
		o.mss = (uint16_t)w->mss_n.n;
	rc = wr_tcp_connect(r->s, &r->t, &o, r->now, &h);
	if ((rc != 0) != !!(line->flags & PK_F_FAILS))
		return pk_fail(r, rc != 0 ? "connect is refused: %s" : "connect is not refused",
			strerror(-rc));
	if (rc != 0)
		return true;
	r->conn = h;
	if (r->owned_count < PK_HANDLES)
		r->owned[r->owned_count++] = h;
	r->written = 0;
	r->read = 1;
	r->peer_syn = false;
	r->events = 0;
	pk_find_conn(r);
	pk_flush(r);
	// its SYN is there for the next line, or for none
	if (r->out_count == 1 && r->out[r->out_first].k.flags == WR_TCP_SYN &&
		r->out[r->out_first].seq == 0 && *r->out[r->out_first].why == '\0')
		r->syn_waits = true;
	return true;
}

static struct rte_mbuf *our_bytes(struct pk_run *r, uint32_t at, uint32_t len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(len <= 512 ? r->pools->small : r->pools->rx);
	uint8_t *to;

	if (m == NULL)
		m = rte_pktmbuf_alloc(r->pools->rx);
	to = m != NULL ? (uint8_t *)rte_pktmbuf_append(m, (uint16_t)len) : NULL;
	if (to == NULL) {
		rte_pktmbuf_free(m);
		return NULL;
	}
	for (uint32_t i = 0; i < len; i++)
		to[i] = pk_our_byte(at + i);
	return m;
}

static bool do_write(struct pk_run *r, const struct pk_line *line)
{
	int64_t len = pk_value(r, &line->n), chunk = pk_send_mss(r);
	uint32_t done = 0;
	struct wr_mq q = {0};
	int rc;

	if (line->flags & PK_F_CHUNK)
		chunk = pk_value(r, &line->chunk);
	if (len < 0 || chunk <= 0)
		return pk_fail(
			r, "write %lld in %lld makes no sense", (long long)len, (long long)chunk);
	chunk = RTE_MIN(chunk, (int64_t)2048);
	while (done < len) {
		uint32_t part = (uint32_t)RTE_MIN(chunk, len - done);
		struct rte_mbuf *m = our_bytes(r, 1 + r->written + done, part);

		if (m == NULL) {
			for (m = wr_mq_pop(&q); m != NULL; m = wr_mq_pop(&q))
				rte_pktmbuf_free_seg(m);
			return pk_fail(r, "no buffers to write %lld bytes in pieces of %lld",
				(long long)len, (long long)chunk);
		}
		wr_mq_append(&q, m);
		done += part;
	}
	r->written += done;
	rc = wr_tcp_write(r->s, r->conn, &q, r->now);
	if ((rc != 0) != !!(line->flags & PK_F_FAILS))
		return pk_fail(r, rc != 0 ? "write is refused: %s" : "write is not refused",
			strerror(-rc));
	if (rc != 0)
		r->written -= done;
	pk_flush(r);
	return true;
}

static const char *name_at(const struct pk_run *r, const char *other)
{
	for (uint32_t i = 0; i < r->other_count; i++)
		if (r->read >= r->other[i].from && r->read < r->other[i].to)
			return r->other[i].name;
	return other;
}

// What was read against the peer's stream.
static bool compare(struct pk_run *r, const struct wr_mq *q, const char *all)
{
	struct rte_mbuf *m;

	wr_mq_foreach (m, q) {
		const uint8_t *at = rte_pktmbuf_mtod(m, const uint8_t *);

		for (uint32_t i = 0; i < m->data_len; i++, r->read++) {
			const char *other = name_at(r, all);

			if (at[i] != pk_peer_byte(r->read, other))
				return pk_fail(r, "byte %u of the peer's stream is read wrong%s%s",
					r->read, *other != '\0' ? ": it is not that of data=" : "",
					other);
		}
	}
	return true;
}

static bool take(struct pk_run *r, uint32_t max, const char *other, uint32_t *got)
{
	struct wr_mq q = {0};
	uint32_t n = wr_tcp_read(r->s, r->conn, &q, max, r->now);
	bool good = n == q.bytes;

	if (!good)
		pk_fail(r, "read says %u bytes, but gives %u", n, q.bytes);
	good = compare(r, &q, other) && good;
	wr_tcp_free_mq(r->s, &q, WR_DROP_NONE);
	*got = n;
	return good;
}

bool pk_read_all(struct pk_run *r)
{
	uint32_t got;

	return take(r, UINT32_MAX, "", &got);
}

static bool do_read(struct pk_run *r, const struct pk_line *line)
{
	uint32_t got, max = UINT32_MAX;
	int64_t want = 0;

	if (line->flags & PK_F_LEN) {
		want = pk_value(r, &line->n);
		max = want > 0 ? (uint32_t)want : UINT32_MAX;
	}
	if (!take(r, max, line->other, &got))
		return false;
	if ((line->flags & PK_F_LEN) && got != want)
		return pk_fail(r, "%u bytes are read (whole buffers), but %lld are expected", got,
			(long long)want);
	if (!(line->flags & PK_F_LEN) && got == 0)
		return pk_fail(r, "there is nothing to read; 'read 0' expects that");
	pk_flush(r);
	return true;
}

static bool starve(struct pk_run *r)
{
	struct rte_mbuf *m;

	while (r->starved_count < PK_SMALL && (m = rte_pktmbuf_alloc(r->pools->small)) != NULL)
		r->starved[r->starved_count++] = m;
	return true;
}

static bool feed(struct pk_run *r)
{
	while (r->starved_count > 0)
		rte_pktmbuf_free(r->starved[--r->starved_count]);
	pk_flush(r);
	return true;
}

// What a TX ring held is sent at last: it must still be what it was (tcp-cases 34).
static bool free_held(struct pk_run *r)
{
	bool good = true;

	r->hold = false;
	for (uint32_t i = 0; i < r->held_count; i++) {
		struct wr_pkt k;

		wr_parse_frame(&k, r->held[i], WR_PARSE_F_NO_L2);
		if (k.kind != WR_PKT_TCP)
			good = pk_fail(r, "segment %u of the TX ring has changed: %s", i + 1,
				wr_drop_name(k.drop));
		rte_pktmbuf_free(r->held[i]);
	}
	r->held_count = 0;
	return good;
}

static bool do_admit(struct pk_run *r, int32_t id)
{
	static const enum wr_tcp_admit how[] = {
		WR_TCP_ADMIT, WR_TCP_REFUSE_RST, WR_TCP_REFUSE_DROP};

	wr_tcp_set_admit_all(r->s, how[id]);
	return true;
}

static bool result(struct pk_run *r, const char *what, int rc)
{
	if (rc != 0)
		return pk_fail(r, "%s is refused: %s", what, strerror(-rc));
	pk_flush(r);
	return true;
}

static bool close_call(struct pk_run *r, const struct pk_line *line)
{
	if (r->conn == WR_HANDLE_NONE)
		return pk_fail(r, "the application has no connection yet");
	switch (line->kind) {
	case PK_ACCEPT:
		return result(r, "accept", wr_tcp_accept(r->s, r->conn, r->now));
	case PK_SHUTDOWN:
		return result(r, "shutdown", wr_tcp_shutdown(r->s, r->conn, r->now));
	case PK_RELEASE:
		wr_tcp_release(r->s, r->conn, r->now);
		break;
	case PK_FAIL:
		wr_tcp_fail(r->s, r->conn, r->now);
		break;
	default:
		wr_tcp_abort(r->s, r->conn, r->now);
		break;
	}
	pk_flush(r);
	return true;
}

bool pk_app(struct pk_run *r, const struct pk_line *line)
{
	struct wr_endpoint e = {r->t.local, r->t.lport};

	pk_log(r, "%s", line->text);
	switch (line->kind) {
	case PK_LISTEN:
		return do_listen(r, line->flags & PK_F_DEFERRED);
	case PK_UNLISTEN:
		r->listening = false;
		return result(r, "unlisten", wr_tcp_unlisten(r->s, &e));
	case PK_ADMIT:
		return do_admit(r, line->id);
	case PK_OPEN:
		return do_open(r, line);
	case PK_CONNECT:
		return do_connect(r, line);
	case PK_WRITE:
		return do_write(r, line);
	case PK_READ:
		return do_read(r, line);
	case PK_STOP_READING:
		r->reading = false;
		return true;
	case PK_START_READING:
		r->reading = true;
		if (r->conn != WR_HANDLE_NONE)
			pk_read_all(r);
		pk_flush(r);
		return true;
	case PK_NO_MBUFS:
		return starve(r);
	case PK_MBUFS:
		return feed(r);
	case PK_TX_ROOM:
		r->room = (uint16_t)RTE_MIN(RTE_MAX(line->n.n, 0), 64);
		pk_flush(r);
		return true;
	case PK_TX_HOLD:
		r->hold = true;
		return true;
	case PK_TX_FREE:
		return free_held(r);
	default:
		return close_call(r, line);
	}
}
