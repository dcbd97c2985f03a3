/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <string.h>

#include "script.h"

// Lines that are no packets: what the application does, what is expected, faults.

const char *const pk_events[8] = {
	"SYN", "ACCEPTED", "CONNECTED", "READABLE", "WRITABLE", "CLOSED", "STALLED", "RESUMED"};

static const char *const queues[] = {"send", "recv", "ooo"};
static const char *const admits[] = {"all", "rst", "drop"};

// What follows a command's word: each letter is one kind of argument.
//   n number   o number, may be left out   s seconds   S state   E end   V events   D drop reason
//   C counter  Q queue   A admission   t "for S", may be left out   < options, may be left out
//   c "in N", may be left out   d "data=NAME", may be left out   f "fails", may be left out
//   B ranges and data=NAME   l "deferred", may be left out
static const struct command {
	const char *word;
	enum pk_kind kind;
	const char *args;
	const char *usage;
} commands[] = {
	{"listen", PK_LISTEN, "l", "listen [deferred]"},
	{"unlisten", PK_UNLISTEN, "", "unlisten"},
	{"admit", PK_ADMIT, "A", "admit all|rst|drop"},
	{"open", PK_OPEN, "<", "open [<options>]"},
	{"connect", PK_CONNECT, "<f", "connect [<options>] [fails]"},
	{"accept", PK_ACCEPT, "", "accept"},
	{"write", PK_WRITE, "ncf", "write LEN [in CHUNK] [fails]"},
	{"read", PK_READ, "od", "read [LEN] [data=NAME]"},
	{"stop-reading", PK_STOP_READING, "", "stop-reading"},
	{"start-reading", PK_START_READING, "", "start-reading"},
	{"shutdown", PK_SHUTDOWN, "", "shutdown"},
	{"release", PK_RELEASE, "", "release"},
	{"abort", PK_ABORT, "", "abort"},
	{"fail", PK_FAIL, "", "fail"},
	{"nothing", PK_NOTHING, "t", "nothing [for S]"},
	{"state", PK_STATE, "S", "state NAME, or state none"},
	{"event", PK_EVENT, "V", "event NAME..., or event none"},
	{"eof", PK_EOF, "", "eof"},
	{"no-eof", PK_NO_EOF, "", "no-eof"},
	{"end", PK_END, "E", "end NAME"},
	{"drop", PK_DROP, "Dn", "drop REASON N, or drop REASON +N"},
	{"drop-bytes", PK_DROP_BYTES, "Dn", "drop-bytes REASON N, or +N"},
	{"count", PK_COUNT, "Cn", "count COUNTER N, or count COUNTER +N"},
	{"cwnd", PK_CWND, "n", "cwnd EXPR"},
	{"ssthresh", PK_SSTHRESH, "n", "ssthresh EXPR"},
	{"rto", PK_RTO, "s", "rto S"},
	{"queue", PK_QUEUE, "Qn", "queue send|recv|ooo N"},
	{"bytes", PK_BYTES, "B", "bytes L:R... data=NAME"},
	{"send-space", PK_SPACE, "n", "send-space N"},
	{"no-mbufs", PK_NO_MBUFS, "", "no-mbufs"},
	{"mbufs", PK_MBUFS, "", "mbufs"},
	{"tx-room", PK_TX_ROOM, "n", "tx-room N"},
	{"tx-hold", PK_TX_HOLD, "", "tx-hold"},
	{"tx-free", PK_TX_FREE, "", "tx-free"},
};

static int unknown(struct pk_lex *l, const char *what, const char *const *names, uint32_t n)
{
	const char *near = pk_nearest(l->word, names, n);
	char all[300] = "";

	for (uint32_t i = 0; i < n && n <= 16; i++)
		snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s", i ? ", " : "",
			names[i]);
	return pk_bad(l, "'%s' is no %s%s%s%s%s%s", l->word, what, near ? ", perhaps " : "",
		near ? near : "", *all ? " (" : "", all, *all ? ")" : "");
}

static int parse_name(
	struct pk_lex *l, const char *what, const char *const *names, uint32_t n, int32_t *id)
{
	if (!pk_next(l))
		return pk_bad(l, "the %s is missing", what);
	for (uint32_t i = 0; i < n; i++) {
		if (names[i] != NULL && strcmp(l->word, names[i]) == 0) {
			*id = (int32_t)i;
			return 0;
		}
	}
	return unknown(l, what, names, n);
}

static int parse_state(struct pk_lex *l, struct pk_line *line)
{
	const char *names[WR_TCP_ST_COUNT + 1];
	int r;

	for (uint32_t i = 0; i < WR_TCP_ST_COUNT; i++)
		names[i] = wr_tcp_state_name((enum wr_tcp_state)i);
	names[WR_TCP_ST_COUNT] = "none";
	r = parse_name(l, "state", names, RTE_DIM(names), &line->id);
	if (line->id == WR_TCP_ST_COUNT)
		line->id = -1;
	return r;
}

static int parse_end(struct pk_lex *l, struct pk_line *line)
{
	const char *names[16];
	uint32_t n = 0;

	while (n < RTE_DIM(names) && strcmp(wr_tcp_end_name((enum wr_tcp_end)n), "?") != 0) {
		names[n] = wr_tcp_end_name((enum wr_tcp_end)n);
		n++;
	}
	return parse_name(l, "end", names, n, &line->id);
}

static int parse_events(struct pk_lex *l, struct pk_line *line)
{
	bool none = false;
	int32_t id;

	if (pk_end(l))
		return pk_bad(l, "event needs a name, or none");
	while (!pk_end(l)) {
		const char *at = l->at;

		pk_next(l);
		if (strcmp(l->word, "none") == 0) {
			none = true;
			continue;
		}
		l->at = at;
		if (parse_name(l, "event", pk_events, RTE_DIM(pk_events), &id) != 0)
			return -1;
		line->id |= 1 << id;
	}
	return none && line->id != 0 ? pk_bad(l, "event none stands alone") : 0;
}

static int parse_drop(struct pk_lex *l, struct pk_line *line)
{
	const char *names[WR_DROP_COUNT];

	for (uint32_t i = 0; i < WR_DROP_COUNT; i++)
		names[i] = wr_drop_name((enum wr_drop)i);
	return parse_name(l, "drop reason", names, RTE_DIM(names), &line->id);
}

static int parse_counter(struct pk_lex *l, struct pk_line *line)
{
	const char *names[WR_CTR_COUNT];

	for (uint32_t i = 0; i < WR_CTR_COUNT; i++)
		names[i] = wr_counter_name((enum wr_counter)i);
	return parse_name(l, "counter", names, RTE_DIM(names), &line->id);
}

static int parse_n(struct pk_lex *l, struct pk_line *line)
{
	if (!pk_next(l))
		return pk_bad(l, "a number is missing");
	line->flags |= PK_F_LEN;
	if (*l->word == '+')
		line->flags |= PK_F_PLUS;
	return pk_parse_expr(l, l->word, &line->n);
}

// An argument that may be left out: is the next word it?
static bool optional(struct pk_lex *l, const char *word)
{
	const char *at = l->at;

	if (pk_next(l) && (word == NULL || strcmp(l->word, word) == 0))
		return true;
	l->at = at;
	return false;
}

static int parse_word(struct pk_lex *l, struct pk_line *line, const char *word, uint8_t flag)
{
	if (optional(l, word))
		line->flags |= flag;
	return 0;
}

static int parse_in(struct pk_lex *l, struct pk_line *line)
{
	if (!optional(l, "in"))
		return 0;
	if (!pk_next(l))
		return pk_bad(l, "a number is missing behind in");
	line->flags |= PK_F_CHUNK;
	return pk_parse_expr(l, l->word, &line->chunk);
}

static int parse_for(struct pk_lex *l, struct pk_line *line)
{
	if (!optional(l, "for"))
		return 0;
	if (!pk_next(l))
		return pk_bad(l, "a time is missing behind for");
	line->flags |= PK_F_LEN;
	return pk_parse_seconds(l, l->word, (wr_us_t *)&line->n.n);
}

static int parse_data(struct pk_lex *l, struct pk_line *line)
{
	const char *at = l->at;

	if (pk_next(l) && strncmp(l->word, "data=", 5) == 0)
		snprintf(line->other, sizeof(line->other), "%.15s", l->word + 5);
	else
		l->at = at;
	return 0;
}

static int parse_ranges(struct pk_lex *l, struct pk_line *line)
{
	while (pk_next(l) && strchr(l->word, ':') != NULL && line->ranges < PK_RANGES) {
		char *colon = strchr(l->word, ':');

		*colon = '\0';
		if (pk_parse_expr(l, l->word, &line->from[line->ranges]) != 0 ||
			pk_parse_expr(l, colon + 1, &line->to[line->ranges]) != 0)
			return -1;
		line->ranges++;
	}
	if (line->ranges == 0 || strncmp(l->word, "data=", 5) != 0)
		return pk_bad(l, "ranges and a name are meant, as 'bytes 1:101 data=OTHER'");
	snprintf(line->other, sizeof(line->other), "%.15s", l->word + 5);
	return 0;
}

static int parse_seconds(struct pk_lex *l, struct pk_line *line)
{
	if (!pk_next(l))
		return pk_bad(l, "a time is missing");
	return pk_parse_seconds(l, l->word, (wr_us_t *)&line->n.n);
}

static int parse_arg(struct pk_lex *l, char kind, struct pk_line *line)
{
	switch (kind) {
	case 'n':
		return parse_n(l, line);
	case 'o':
		if (pk_end(l) || strncmp(l->at, "data=", 5) == 0)
			return 0;
		return parse_n(l, line);
	case 's':
		return parse_seconds(l, line);
	case 'S':
		return parse_state(l, line);
	case 'E':
		return parse_end(l, line);
	case 'V':
		return parse_events(l, line);
	case 'D':
		return parse_drop(l, line);
	case 'C':
		return parse_counter(l, line);
	case 'Q':
		return parse_name(l, "queue", queues, RTE_DIM(queues), &line->id);
	case 'A':
		return parse_name(l, "admission", admits, RTE_DIM(admits), &line->id);
	case 'B':
		return parse_ranges(l, line);
	case 't':
		return parse_for(l, line);
	case 'c':
		return parse_in(l, line);
	case 'd':
		return parse_data(l, line);
	case 'l':
		return parse_word(l, line, "deferred", PK_F_DEFERRED);
	case 'f':
		return parse_word(l, line, "fails", PK_F_FAILS);
	default:
		if (pk_end(l) || *l->at != '<')
			return 0;
		l->at++;
		return pk_parse_options(l, false, &line->p.o);
	}
}

int pk_parse_command(struct pk_lex *l, const char *word, struct pk_line *line)
{
	const char *names[RTE_DIM(commands)], *near;

	for (uint32_t i = 0; i < RTE_DIM(commands); i++) {
		const struct command *c = &commands[i];

		names[i] = c->word;
		if (strcmp(word, c->word) != 0)
			continue;
		line->kind = c->kind;
		for (const char *a = c->args; *a != '\0'; a++)
			if (parse_arg(l, *a, line) != 0)
				return -1;
		if (pk_end(l))
			return 0;
		pk_next(l);
		return pk_bad(l, "'%s' is too much: %s", l->word, c->usage);
	}
	near = pk_nearest(word, names, RTE_DIM(names));
	return pk_bad(l, "'%s' begins no line%s%s", word, near != NULL ? ", perhaps " : "",
		near != NULL ? near : ": a time and < or >, or a command of README.md is meant");
}
