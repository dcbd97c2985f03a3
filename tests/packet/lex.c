/* SPDX-License-Identifier: BSD-3-Clause */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "script.h"

// Words, numbers and expressions of a script line.

int pk_bad(struct pk_lex *l, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return wr_err_set(l->err, EINVAL, "%s", text);
}

bool pk_next(struct pk_lex *l)
{
	uint32_t n = 0;

	l->gap = 0;
	for (; *l->at == ' ' || *l->at == '\t'; l->at++)
		l->gap += *l->at == '\t' ? 2 : 1;
	while (*l->at != '\0' && *l->at != ' ' && *l->at != '\t' && n < sizeof(l->word) - 1)
		l->word[n++] = *l->at++;
	l->word[n] = '\0';
	return n > 0;
}

bool pk_end(struct pk_lex *l)
{
	while (*l->at == ' ' || *l->at == '\t')
		l->at++;
	return *l->at == '\0';
}

bool pk_is_time(const char *w)
{
	return strcmp(w, "*") == 0 || *w == '+' || isdigit((unsigned char)*w);
}

int pk_parse_seconds(struct pk_lex *l, const char *word, wr_us_t *out)
{
	const char *w = word;
	wr_us_t us = 0, unit = WR_US_PER_S;

	if (!isdigit((unsigned char)*w))
		goto bad;
	for (; isdigit((unsigned char)*w); w++)
		us = us * 10 + (wr_us_t)(*w - '0') * WR_US_PER_S;
	if (*w == '.') {
		for (w++; isdigit((unsigned char)*w); w++) {
			unit /= 10;
			if (unit == 0)
				return pk_bad(l, "time %s is finer than a microsecond", word);
			us += (wr_us_t)(*w - '0') * unit;
		}
	}
	if (*w != '\0')
		goto bad;
	*out = us;
	return 0;
bad:
	return pk_bad(l, "'%s' is no time: seconds are meant, as 0.250", word);
}

int pk_parse_time(struct pk_lex *l, const char *w, struct pk_time *out)
{
	if (strcmp(w, "*") == 0) {
		out->kind = PK_ANY;
		return 0;
	}
	out->kind = *w == '+' ? PK_AFTER : PK_AT;
	return pk_parse_seconds(l, *w == '+' ? w + 1 : w, &out->us);
}

// One term: a number, a name, or a number of times a name.
static int parse_term(struct pk_lex *l, const char *all, const char **at, struct pk_expr *e)
{
	const char *w = *at;
	int64_t sign = 1, n = 0;
	uint32_t len = 0;
	bool digits = false;

	if (*w == '+' || *w == '-')
		sign = *w++ == '-' ? -1 : 1;
	for (; isdigit((unsigned char)*w); w++, digits = true)
		n = n * 10 + (*w - '0');
	if (!digits)
		n = 1;
	while (isalpha((unsigned char)w[len]))
		len++;
	if (len == 0 && digits)
		e->n += sign * n;
	else if (len == 1 && *w == 'k' && digits)
		e->n += sign * n * 1024;
	else if (len == 3 && strncmp(w, "mss", 3) == 0)
		e->mss += sign * n;
	else if (len == 3 && strncmp(w, "wnd", 3) == 0)
		e->wnd += sign * n;
	else if (len == 4 && strncmp(w, "edge", 4) == 0)
		e->edge += sign * n;
	else
		return pk_bad(l,
			"'%s' is no number: sums of numbers, mss, edge and wnd are, as 1+10mss+100 "
			"or "
			"edge-1",
			all);
	*at = w + len;
	return 0;
}

int pk_parse_expr(struct pk_lex *l, const char *text, struct pk_expr *out)
{
	const char *at = text;
	int r;

	*out = (struct pk_expr){0};
	do {
		r = parse_term(l, text, &at, out);
		if (r != 0)
			return r;
	} while (*at == '+' || *at == '-');
	if (*at != '\0')
		return pk_bad(l, "'%s' is no number: '%s' is too much", text, at);
	return 0;
}

int pk_parse_number(struct pk_lex *l, const char *word, const char *what, int64_t least,
	int64_t most, int64_t *out)
{
	char *end;
	long long n = strtoll(word, &end, 0);

	if (end == word || *end != '\0' || n < least || n > most)
		return pk_bad(l, "%s '%s': a number from %lld to %lld is meant", what, word,
			(long long)least, (long long)most);
	*out = n;
	return 0;
}

int pk_parse_only(struct pk_lex *l, const char *word, uint8_t *mask)
{
	static const char *const names[] = {"v4", "v6", "ts", "no-ts", "sack", "no-sack"};

	for (uint32_t i = 0; i < RTE_DIM(names); i++) {
		if (strcmp(word, names[i]) == 0) {
			*mask |= (uint8_t)(1u << i);
			return 0;
		}
	}
	return pk_bad(l, "'%s' is no part of a variant: v4, v6, ts, no-ts, sack, no-sack", word);
}

// Edit distance, for words of at most 31 letters.
static uint32_t distance(const char *a, const char *b)
{
	uint32_t row[32], la = (uint32_t)strlen(a), lb = (uint32_t)strlen(b);

	if (la > 31 || lb > 31)
		return 99;
	for (uint32_t j = 0; j <= lb; j++)
		row[j] = j;
	for (uint32_t i = 1; i <= la; i++) {
		uint32_t diag = row[0];

		row[0] = i;
		for (uint32_t j = 1; j <= lb; j++) {
			uint32_t best = diag + (tolower(a[i - 1]) != tolower(b[j - 1]));

			diag = row[j];
			best = RTE_MIN(best, row[j] + 1);
			row[j] = RTE_MIN(best, row[j - 1] + 1);
		}
	}
	return row[lb];
}

const char *pk_nearest(const char *word, const char *const *names, uint32_t n)
{
	const char *best = NULL;
	uint32_t least = 4;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t d = names[i] != NULL ? distance(word, names[i]) : 99;

		if (d < least && d < strlen(word)) {
			least = d;
			best = names[i];
		}
	}
	return best;
}
