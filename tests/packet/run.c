/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run.h"

// The clock of a run, its variants, and line after line.

const uint32_t pk_starts[3] = {0, 0x7fffffffu, 0xfffffff0u};

struct pk_variant pk_variant(uint32_t i)
{
	return (struct pk_variant){
		.v6 = i & 1, .ts = i & 2, .sack = i & 4, .start = pk_starts[i / 8 % 3]};
}

uint8_t pk_variant_mask(const struct pk_variant *v)
{
	return (uint8_t)((v->v6 ? PK_V6 : PK_V4) | (v->ts ? PK_TS : PK_NO_TS) |
			 (v->sack ? PK_SACK : PK_NO_SACK));
}

char *pk_variant_name(const struct pk_variant *v, char *buf, size_t len)
{
	snprintf(buf, len, "%s,%x,%s,%s", v->v6 ? "v6" : "v4", v->start, v->ts ? "ts" : "no-ts",
		v->sack ? "sack" : "no-sack");
	return buf;
}

bool pk_variant_parse(const char *text, struct pk_variant *v)
{
	for (uint32_t i = 0; i < PK_VARIANTS; i++) {
		char name[40];

		*v = pk_variant(i);
		if (strcmp(pk_variant_name(v, name, sizeof(name)), text) == 0)
			return true;
	}
	return false;
}

bool pk_fail(struct pk_run *r, const char *fmt, ...)
{
	va_list ap;

	if (r->failed)
		return false;
	r->failed = true;
	va_start(ap, fmt);
	vsnprintf(r->why, sizeof(r->why), fmt, ap);
	va_end(ap);
	return false;
}

void pk_log(struct pk_run *r, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (r->log_len + 512 > r->log_cap) {
		r->log_cap = 2 * r->log_cap + 4096;
		r->log = realloc(r->log, r->log_cap);
	}
	n = snprintf(r->log + r->log_len, 32, "  %11.6f ", (double)(r->now - r->start) / 1e6);
	r->log_len += (size_t)n;
	va_start(ap, fmt);
	n = vsnprintf(r->log + r->log_len, 400, fmt, ap);
	va_end(ap);
	r->log_len += (size_t)RTE_MIN(n, 399);
	r->log[r->log_len++] = '\n';
	r->log[r->log_len] = '\0';
}

static uint8_t stream_byte(uint32_t side, uint32_t offset)
{
	uint64_t x = (offset + 1ULL) * 0x9e3779b97f4a7c15ULL + side * 77u;

	return (uint8_t)(x >> 29);
}

uint8_t pk_peer_byte(uint32_t offset, const char *other)
{
	uint8_t h = 0;

	for (const char *w = other; *w != '\0'; w++)
		h = (uint8_t)(h * 31 + *w);
	// never the byte that the stream has there
	return stream_byte(0, offset) ^ (*other != '\0' ? (h | 1) : 0);
}

uint8_t pk_our_byte(uint32_t offset)
{
	return stream_byte(1, offset);
}

uint32_t pk_send_mss(const struct pk_run *r)
{
	bool ts = r->peer_syn ? (r->peer_opts & r->our_opts & WR_TCPOPT_TS) : r->v.ts;
	uint32_t ours = r->our_syn ? r->our_mss : r->v.v6 ? 1440 : 1460;
	uint32_t theirs = r->peer_syn ? r->peer_mss : r->sc->peer_mss;

	return RTE_MIN(RTE_MAX(theirs, 64u), ours) - (ts ? 12 : 0);
}

int64_t pk_value(const struct pk_run *r, const struct pk_expr *e)
{
	int64_t wnd = (int32_t)(r->edge - r->last_ack);

	return e->n + e->mss * pk_send_mss(r) + e->edge * (int64_t)(int32_t)r->edge + e->wnd * wnd;
}

static void adopt(struct pk_run *r, wr_handle_t h)
{
	struct wr_tcp_info info;

	r->conn = h;
	for (uint32_t i = 0; i < r->owned_count; i++)
		if (r->owned[i] == h)
			return;
	if (r->owned_count < PK_HANDLES)
		r->owned[r->owned_count++] = h;
	if (wr_tcp_info(r->s, h, &info))
		r->read = info.irs - r->irs + 1;
	r->written = 0;
}

static bool pop_events(struct pk_run *r)
{
	struct wr_tcp_ready e;
	bool readable = false;

	while (wr_tcp_ready_pop(r->s, &e)) {
		r->events |= e.events;
		if (e.events & (WR_TCP_EV_ACCEPTED | WR_TCP_EV_SYN | WR_TCP_EV_CONNECTED))
			adopt(r, e.conn);
		readable = readable || (e.events & WR_TCP_EV_READABLE);
	}
	return readable;
}

static void output(struct pk_run *r)
{
	struct rte_mbuf *pkts[64];

	for (uint32_t rounds = 0; rounds < 10000; rounds++) {
		struct wr_tcp_tx tx = {pkts, 0, r->room};

		wr_tcp_output(r->s, &tx, 64, r->now);
		for (uint16_t i = 0; i < tx.count; i++)
			pk_capture(r, pkts[i]);
		if (tx.count == 0)
			return;
	}
	pk_fail(r, "the engine never stops sending");
}

void pk_flush(struct pk_run *r)
{
	bool readable = pop_events(r);

	output(r);
	readable = pop_events(r) || readable;
	if (r->reading && readable && r->conn != WR_HANDLE_NONE) {
		pk_read_all(r);
		output(r);
		pop_events(r);
	}
}

bool pk_advance(struct pk_run *r, wr_us_t until, bool stop_at_segment)
{
	while (r->now < until && !r->failed) {
		wr_us_t next = RTE_MAX(wr_tcp_next_timer(r->s), r->now + 1);
		struct wr_tcp_gauges g;

		// what could not be sent is tried again soon, as a worker would
		wr_tcp_gauges(r->s, &g);
		if (g.dirty > 0)
			next = RTE_MIN(next, r->now + WR_US_PER_MS);
		r->now = RTE_MIN(next, until);
		wr_tcp_timers(r->s, 256, r->now);
		pk_flush(r);
		if (stop_at_segment && r->out_count > 0)
			break;
	}
	return !r->failed;
}

// The live connection of the tuple, whoever owns it.
static wr_handle_t find(struct pk_run *r, struct wr_tcp_info *info)
{
	uint32_t cursor = 0;
	wr_handle_t h;

	while ((h = wr_tcp_walk(r->s, &cursor)) != WR_HANDLE_NONE)
		if (wr_tcp_info(r->s, h, info) && info->state != WR_TCP_ST_CLOSED &&
			wr_tuple_eq(&info->tuple, &r->t))
			return h;
	return WR_HANDLE_NONE;
}

bool pk_live(struct pk_run *r)
{
	struct wr_tcp_info info;

	return find(r, &info) != WR_HANDLE_NONE;
}

bool pk_info(struct pk_run *r, struct wr_tcp_info *info)
{
	if (find(r, info) != WR_HANDLE_NONE)
		return true;
	return r->conn != WR_HANDLE_NONE && wr_tcp_info(r->s, r->conn, info);
}

bool pk_find_conn(struct pk_run *r)
{
	struct wr_tcp_info info;
	wr_handle_t h = find(r, &info);

	if (h == WR_HANDLE_NONE || h == r->known)
		return false;
	// later incarnations choose their number themselves; offsets count from it
	if (r->known == WR_HANDLE_NONE)
		pk_force_iss(r->s, h, r->iss);
	wr_tcp_info(r->s, h, &info);
	r->iss = info.iss;
	r->known = h;
	// one that stands as soon as it is there answered its SYN without state
	if (info.state <= WR_TCP_ST_SYN_RECEIVED) {
		r->our_syn = r->ts_ours_known = r->edge_known = false;
		r->snd_max = 0;
		r->acked = 0;
	}
	return true;
}

static bool start(struct pk_run *r)
{
	struct wr_tcp_config c = r->sc->cfg;
	static const uint8_t v6[2][16] = {
		{0x20, 0x01, 0x0d, 0xb8, [15] = 1}, {0x20, 0x01, 0x0d, 0xb8, [15] = 2}};

	c.max_conns = c.max_conns != 0 ? c.max_conns : 16;
	c.held_budget = c.held_budget != 0 ? c.held_budget : 800;
	c.held_reserve = c.held_reserve != 0 ? c.held_reserve : RTE_MIN(16u, c.held_budget - 1);
	c.numa_node = SOCKET_ID_ANY;
	c.small = r->pools->small;
	c.stats = &r->st;
	c.seed = 1;
	for (int k = 0; k < 4; k++)
		c.secret[k] = 0x0123456789abcdefULL * (uint64_t)(k + 3);
	r->now = r->start = 7000000 + r->v.start % 997;
	r->iss = r->v.start;
	r->irs = r->v.start - 7;
	r->t = (struct wr_tuple){.lport = 80, .rport = 1024};
	r->t.local = r->v.v6 ? wr_addr_from_v6(v6[0]) : wr_addr_from_v4(RTE_BE32(0xc6120001u));
	r->t.remote = r->v.v6 ? wr_addr_from_v6(v6[1]) : wr_addr_from_v4(RTE_BE32(0xc6120002u));
	r->conn = r->known = WR_HANDLE_NONE;
	r->room = 64;
	r->s = wr_tcp_stack_create(&c, r->now);
	return r->s != NULL || pk_fail(r, "the engine refuses this configuration");
}

// Segments that wait for a line: none may when something else happens.
static bool nothing_left(struct pk_run *r)
{
	if (r->syn_waits)
		pk_drop_first(r);
	if (r->out_count == 0)
		return true;
	return pk_fail(r, "a segment left that no line before this one expects");
}

static bool pass_time(struct pk_run *r, const struct pk_line *line)
{
	wr_us_t until = r->now;

	if (line->time.kind == PK_AFTER)
		until = r->now + line->time.us;
	else if (line->time.kind == PK_AT)
		until = r->start + line->time.us;
	if (until < r->now)
		return pk_fail(r, "the time of this line is past: it is %.6f already",
			(double)(r->now - r->start) / 1e6);
	return pk_advance(r, until, false);
}

static bool is_expectation(const struct pk_line *line)
{
	return line->kind >= PK_NOTHING && line->kind <= PK_BYTES && line->time.kind == PK_NOW;
}

static bool play_line(struct pk_run *r, const struct pk_line *line)
{
	uint32_t before;

	if (line->kind == PK_OUT)
		return pk_expect_segment(r, line);
	if (!is_expectation(line) && !nothing_left(r))
		return false;
	if (!pass_time(r, line))
		return false;
	before = r->out_count;
	switch (line->kind) {
	case PK_TIME:
		break;
	case PK_IN:
		if (before > 0)
			return pk_fail(r, "a segment left before this one arrived");
		if (!pk_inject(r, &line->p))
			return false;
		break;
	default:
		if (line->kind >= PK_NOTHING && line->kind <= PK_BYTES) {
			if (!pk_expect(r, line))
				return false;
		} else if (!pk_app(r, line)) {
			return false;
		}
		break;
	}
	return !r->failed && pk_check_books(r);
}

bool pk_run(struct pk_run *r, const struct pk_script *sc, const struct pk_variant *v,
	const struct pk_pools *pools)
{
	uint8_t mask = pk_variant_mask(v);
	char *log = r->log;
	size_t cap = r->log_cap;
	bool trace = r->trace;

	memset(r, 0, offsetof(struct pk_run, out));
	r->out_first = r->out_count = 0;
	r->syn_waits = false;
	memset(r->drop_mark, 0, sizeof(*r) - offsetof(struct pk_run, drop_mark));
	r->log = log;
	r->log_cap = cap;
	r->trace = trace;
	r->sc = sc;
	r->v = *v;
	r->pools = pools;
	if (!start(r))
		return false;
	for (uint32_t i = 0; i < sc->line_count && !r->failed; i++) {
		r->line = &sc->lines[i];
		if ((r->line->only & mask) == r->line->only)
			play_line(r, r->line);
	}
	if (!r->failed && nothing_left(r))
		pk_check_end(r);
	while (r->held_count > 0)
		rte_pktmbuf_free(r->held[--r->held_count]);
	while (r->starved_count > 0)
		rte_pktmbuf_free(r->starved[--r->starved_count]);
	wr_tcp_stack_destroy(r->s);
	r->s = NULL;
	if (rte_mempool_avail_count(pools->rx) != pools->rx_idle ||
		rte_mempool_avail_count(pools->small) != pools->small_idle)
		pk_fail(r, "buffers are missing at the end: %d of the RX pool, %d small ones",
			(int)(pools->rx_idle - rte_mempool_avail_count(pools->rx)),
			(int)(pools->small_idle - rte_mempool_avail_count(pools->small)));
	return !r->failed;
}

void pk_run_report(const struct pk_run *r, FILE *to)
{
	const struct pk_line *line = r->line;
	char name[40];

	fprintf(to, "%s:%d: %s\n", r->sc->file, line != NULL ? line->number : 0, r->why);
	fprintf(to, "  script:   %s%s%s%s\n", r->sc->title, *r->sc->label ? " (" : "", r->sc->label,
		*r->sc->label ? ")" : "");
	fprintf(to, "  variant:  %s\n", pk_variant_name(&r->v, name, sizeof(name)));
	fprintf(to, "  replay:   packet_run --trace --variant %s%s%s%s %s\n", name,
		*r->sc->label ? " --values '" : "", r->sc->label, *r->sc->label ? "'" : "",
		r->sc->file);
	if (line != NULL)
		fprintf(to, "  expected: %s\n", line->text);
	if (r->out_count == 0)
		fprintf(to, "  left:     nothing\n");
	for (uint32_t i = 0; i < r->out_count && i < 8; i++)
		fprintf(to, "  left:     %s%s%s\n", r->out[r->out_first + i].text,
			*r->out[r->out_first + i].why ? " ; " : "", r->out[r->out_first + i].why);
	fprintf(to, "  exchange so far:\n%s", r->log_len > 0 ? r->log : "  none\n");
}
