/* SPDX-License-Identifier: BSD-3-Clause */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "script.h"

// A packet line behind its direction: FLAGS SEQ(LEN) [ack N] [win N] [urg N] [<options>] [via ...]

static const char *const fields[] = {"ack", "win", "urg", "via"};

static int parse_flags(struct pk_lex *l, struct pk_packet *p)
{
	static const char letters[] = "FSRP.UEC"; // bit by bit

	if (strcmp(l->word, "-") == 0)
		return 0;
	for (const char *w = l->word; *w != '\0'; w++) {
		const char *at = strchr(letters, *w);

		if (at == NULL)
			return pk_bad(l,
				"flags '%s': '%c' is none; S F R P U E C are, . is ACK, - alone is "
				"no flag at all",
				l->word, *w);
		p->flags |= (uint8_t)(1u << (at - letters));
	}
	p->push = p->flags & WR_TCP_PSH;
	return 0;
}

static int parse_seq(struct pk_lex *l, struct pk_packet *p)
{
	char *open = strchr(l->word, '('), *close = strrchr(l->word, ')');
	int r;

	if (open == NULL || close == NULL || close < open || close[1] != '\0' || open == l->word)
		return pk_bad(l, "'%s' is no SEQ(LEN), as 1(100) or 1+mss(mss)", l->word);
	*open = *close = '\0';
	r = pk_parse_expr(l, l->word, &p->seq);
	return r != 0 ? r : pk_parse_expr(l, open + 1, &p->len);
}

static int parse_raw(struct pk_lex *l, const char *hex, struct pk_opts *o)
{
	size_t n = strlen(hex);

	if (n % 2 != 0 || n / 2 > sizeof(o->raw) || strspn(hex, "0123456789abcdefABCDEF") != n)
		return pk_bad(l, "raw '%s': pairs of hex digits are meant, at most 40", hex);
	for (size_t i = 0; i < n / 2; i++) {
		char two[3] = {hex[2 * i], hex[2 * i + 1], '\0'};

		o->raw[i] = (uint8_t)strtoul(two, NULL, 16);
	}
	o->raw_len = (uint8_t)(n / 2);
	return 0;
}

static int parse_ts(struct pk_lex *l, char **save, struct pk_opts *o)
{
	char *val = strtok_r(NULL, " \t,", save), *ecr = strtok_r(NULL, " \t,", save);
	int r = 0;

	if (val == NULL || ecr == NULL)
		return pk_bad(l, "ts needs two numbers, as 'ts 100 0' or 'ts -5 -'");
	o->ts = true;
	o->ts_val_own = strcmp(val, "-") == 0;
	o->ts_ecr_own = strcmp(ecr, "-") == 0;
	if (!o->ts_val_own)
		r = pk_parse_number(l, val, "ts VAL", INT32_MIN, UINT32_MAX, &o->ts_val);
	if (r == 0 && !o->ts_ecr_own)
		r = pk_parse_number(l, ecr, "ts ECR", INT32_MIN, UINT32_MAX, &o->ts_ecr);
	return r;
}

static int parse_block(struct pk_lex *l, char *w, struct pk_opts *o)
{
	char *colon = strchr(w, ':');
	int r;

	if (o->sack_count == WR_TCP_MAX_SACK)
		return pk_bad(l, "a segment has at most %d SACK blocks", WR_TCP_MAX_SACK);
	*colon = '\0';
	r = pk_parse_expr(l, w, &o->left[o->sack_count]);
	if (r == 0)
		r = pk_parse_expr(l, colon + 1, &o->right[o->sack_count]);
	o->sack_count++;
	return r;
}

static int parse_option(struct pk_lex *l, char *w, char **save, bool out, struct pk_opts *o)
{
	static const char *const names[] = {"mss", "wscale", "sackOK", "ts", "sack", "nots", "eol",
		"raw", "nosack", "nowscale", "nomss", "nosackOK"};
	const char *arg, *near;
	int64_t n = 0;
	int r = 0;

	if (strcmp(w, "sackOK") == 0) {
		o->sackok = true;
	} else if (strcmp(w, "nots") == 0) {
		o->nots = true;
	} else if (strcmp(w, "nosack") == 0) {
		o->nosack = true;
	} else if (strcmp(w, "nowscale") == 0) {
		o->nowscale = true;
	} else if (strcmp(w, "nomss") == 0) {
		o->nomss = true;
	} else if (strcmp(w, "nosackOK") == 0) {
		o->nosackok = true;
	} else if (strcmp(w, "eol") == 0 && !out) {
		o->eol = true;
	} else if (strcmp(w, "ts") == 0) {
		return parse_ts(l, save, o);
	} else if (strcmp(w, "sack") == 0 || (strcmp(w, "sackset") == 0 && out)) {
		o->sack = true;
		o->sackset = w[4] != '\0';
	} else if (o->sack && strchr(w, ':') != NULL) {
		return parse_block(l, w, o);
	} else if (strcmp(w, "mss") == 0 || strcmp(w, "wscale") == 0 ||
		   (strcmp(w, "raw") == 0 && !out)) {
		arg = strtok_r(NULL, " \t,", save);
		if (arg == NULL)
			return pk_bad(l, "option '%s' needs a value", w);
		if (*w == 'r')
			return parse_raw(l, arg, o);
		if (*w == 'm') {
			o->mss = true;
			return pk_parse_expr(l, arg, &o->mss_n);
		}
		o->wscale = true;
		r = pk_parse_number(l, arg, "wscale", 0, 255, &n);
		o->shift = (uint8_t)n;
	} else {
		near = pk_nearest(w, names, RTE_DIM(names));
		return pk_bad(l,
			"'%s' is no option%s%s: mss N, wscale N, sackOK, ts VAL ECR, sack L:R ..., "
			"nots, nosack, nowscale, nomss, nosackOK%s",
			w, near != NULL ? ", perhaps " : "", near != NULL ? near : "",
			out ? ", sackset L:R ..." : ", eol, raw HEX");
	}
	return r;
}

int pk_parse_options(struct pk_lex *l, bool out, struct pk_opts *o)
{
	const char *end = strchr(l->at, '>');
	char text[PK_TEXT], *save = NULL, *w;
	size_t n;
	int r;

	if (end == NULL)
		return pk_bad(l, "options begin with < and end with >; there is no >");
	n = (size_t)(end - l->at);
	memcpy(text, l->at, n);
	text[n] = '\0';
	l->at = end + 1;
	if (*l->at != '\0' && *l->at != ' ' && *l->at != '\t')
		return pk_bad(l, "a blank is missing behind the > of the options");
	for (w = strtok_r(text, " \t,", &save); w != NULL; w = strtok_r(NULL, " \t,", &save)) {
		r = parse_option(l, w, &save, out, o);
		if (r != 0)
			return r;
	}
	if (o->sack && o->sack_count == 0)
		return pk_bad(l, "sack without a block, as 'sack 101:201'");
	return 0;
}

static int via_number(struct pk_lex *l, const char *what, int64_t most, int64_t *out)
{
	if (!pk_next(l))
		return pk_bad(l, "via %s needs a number", what);
	return pk_parse_number(l, l->word, what, 0, most, out);
}

// What stands at the door says of a SYN (enum wr_tcp_admit).
static int via_admit(struct pk_lex *l, uint8_t *out)
{
	static const char *const hows[] = {"all", "rst", "drop", "cookie"};

	if (pk_next(l)) {
		for (uint8_t i = 0; i < RTE_DIM(hows); i++) {
			*out = i;
			if (strcmp(l->word, hows[i]) == 0)
				return 0;
		}
	}
	return pk_bad(l, "via admit needs one of all, rst, drop, cookie");
}

static int via_why(struct pk_lex *l, uint8_t *out)
{
	if (pk_next(l)) {
		for (uint32_t i = 1; i < WR_DROP_COUNT; i++) {
			*out = (uint8_t)i;
			if (strcmp(l->word, wr_drop_name((enum wr_drop)i)) == 0)
				return 0;
		}
	}
	return pk_bad(l, "via why needs a drop reason");
}

static int parse_via_word(struct pk_lex *l, struct pk_via *v)
{
	char w[32];
	int64_t n = 0;
	int r = 0;

	snprintf(w, sizeof(w), "%.31s", l->word);
	if (strcmp(w, "bad-checksum") == 0) {
		v->bad_checksum = true;
	} else if (strcmp(w, "bad-ip-checksum") == 0) {
		v->bad_ip_checksum = true;
	} else if (strcmp(w, "land") == 0) {
		v->land = true;
	} else if (strcmp(w, "ttl") == 0) {
		r = via_number(l, w, 255, &n);
		v->ttl = (uint8_t)n;
	} else if (strcmp(w, "tos") == 0) {
		r = via_number(l, w, 255, &n);
		v->tos = (uint8_t)n;
	} else if (strcmp(w, "doff") == 0) {
		r = via_number(l, w, 15, &n);
		v->doff = (int16_t)n;
	} else if (strcmp(w, "padding") == 0) {
		r = via_number(l, w, 1000, &n);
		v->padding = (uint16_t)n;
	} else if (strcmp(w, "split") == 0) {
		r = via_number(l, w, 2000, &n);
		v->split = (uint16_t)n;
	} else if (strcmp(w, "sport") == 0) {
		r = via_number(l, w, 65535, &n);
		v->sport = (uint16_t)n;
	} else if (strcmp(w, "dport") == 0) {
		r = via_number(l, w, 65535, &n);
		v->dport = (uint16_t)n;
	} else if (strcmp(w, "admit") == 0) {
		r = via_admit(l, &v->admit);
	} else if (strcmp(w, "why") == 0) {
		r = via_why(l, &v->why);
	} else {
		return pk_bad(l,
			"via '%s' is unknown: bad-checksum, bad-ip-checksum, land, ttl N, tos N, "
			"doff N, padding N, split N, sport N, dport N, admit HOW, why REASON",
			w);
	}
	return r;
}

static int parse_field(struct pk_lex *l, bool out, struct pk_packet *p)
{
	struct pk_expr *e = NULL;
	const char *near;
	char name[16];

	if (strcmp(l->word, "ack") == 0) {
		e = &p->ack;
		p->has_ack = true;
	} else if (strcmp(l->word, "win") == 0) {
		e = &p->win;
		p->has_win = true;
	} else if (strcmp(l->word, "urg") == 0) {
		e = &p->urg;
		p->has_urg = true;
	}
	if (e != NULL) {
		snprintf(name, sizeof(name), "%.15s", l->word);
		if (!pk_next(l))
			return pk_bad(l, "a number is missing behind '%s'", name);
		return pk_parse_expr(l, l->word, e);
	}
	if (strncmp(l->word, "data=", 5) == 0 && !out) {
		snprintf(p->other, sizeof(p->other), "%.15s", l->word + 5);
		return *p->other == '\0' ? pk_bad(l, "data= needs a name") : 0;
	}
	near = pk_nearest(l->word, fields, RTE_DIM(fields));
	return pk_bad(l,
		"'%s' is no field of a packet%s%s: ack N, win N, urg N, %s<options>, via ...; a "
		"comment begins with # or with two blanks",
		l->word, near != NULL ? ", perhaps " : "", near != NULL ? near : "",
		out ? "" : "data=NAME, ");
}

// Two blanks begin a comment; a field behind them would silently not count.
static int check_comment(struct pk_lex *l)
{
	bool field = *l->word == '<' || strncmp(l->word, "data=", 5) == 0;

	for (uint32_t i = 0; i < RTE_DIM(fields); i++)
		field = field || strcmp(l->word, fields[i]) == 0;
	if (field)
		return pk_bad(l,
			"'%s' stands behind two blanks, where a comment begins: put one blank "
			"there, "
			"or a # before the comment",
			l->word);
	return 0;
}

static int check_packet(struct pk_lex *l, bool out, const struct pk_packet *p)
{
	bool ack = p->flags & WR_TCP_ACK;

	if (p->has_ack && !ack)
		return pk_bad(l, "ack N without . in the flags");
	if (!out && ack && !p->has_ack)
		return pk_bad(l, "the flags have . but no ack N follows");
	if (p->has_urg && !(p->flags & WR_TCP_URG))
		return pk_bad(l, "urg N without U in the flags");
	return 0;
}

int pk_parse_packet(struct pk_lex *l, bool out, struct pk_packet *p)
{
	int r;

	p->via.doff = -1;
	if (!pk_next(l))
		return pk_bad(l, "flags are missing behind %c", out ? '>' : '<');
	r = parse_flags(l, p);
	if (r != 0)
		return r;
	if (!pk_next(l))
		return pk_bad(l, "SEQ(LEN) is missing, as 1(100)");
	r = parse_seq(l, p);
	while (r == 0) {
		const char *before = l->at;

		if (!pk_next(l))
			break;
		if (l->gap >= 2)
			return check_comment(l) != 0 ? -1 : check_packet(l, out, p);
		if (*l->word == '<') {
			l->at = before + strspn(before, " \t") + 1;
			r = pk_parse_options(l, out, &p->o);
		} else if (strcmp(l->word, "via") == 0) {
			if (!pk_next(l))
				return pk_bad(l, "a word is missing behind via");
			r = parse_via_word(l, &p->via);
			while (r == 0) {
				const char *here = l->at;

				if (!pk_next(l) || l->gap >= 2 || *l->word == '<') {
					l->at = here;
					break;
				}
				r = parse_via_word(l, &p->via);
			}
		} else {
			r = parse_field(l, out, p);
		}
	}
	return r != 0 ? r : check_packet(l, out, p);
}
