/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "script.h"

// A file into scripts: `for` lines multiplied out, names replaced, header lines, then line by line.

#define FOR_MAX    6  // `for` lines of a file
#define NAMES_MAX  6  // names of one
#define VALUES_MAX 96 // values of one

struct loop {
	int line;
	char *text; // the names and values point into it
	char *name[NAMES_MAX];
	uint32_t names;
	char *value[VALUES_MAX];
	uint32_t values, at;
	bool used[NAMES_MAX];
};

struct source {
	const char *path;
	char *text;
	char **raw; // its lines
	uint32_t count;
	struct loop loop[FOR_MAX];
	uint32_t loops;
	struct wr_err *err;
};

static int fail_at(struct source *f, int line, struct wr_err *err)
{
	wr_err_prefix(err, "%s:%d", f->path, line);
	return -EINVAL;
}

static int read_lines(struct source *f)
{
	FILE *in = fopen(f->path, "r");
	size_t n, cap = 1 << 20;
	char *save = NULL;

	if (in == NULL)
		return wr_err_set(
			f->err, errno, "%s: cannot be opened: %s", f->path, strerror(errno));
	f->text = malloc(cap + 1);
	n = fread(f->text, 1, cap, in);
	fclose(in);
	if (n == cap)
		return wr_err_set(f->err, EINVAL, "%s: a script of more than a megabyte", f->path);
	f->text[n] = '\0';
	for (char *at = f->text; at != NULL; f->count++)
		at = strchr(at, '\n') != NULL ? strchr(at, '\n') + 1 : NULL;
	f->raw = calloc(f->count, sizeof(*f->raw));
	f->count = 0;
	for (char *at = f->text; at != NULL; at = save) {
		save = strchr(at, '\n');
		if (save != NULL)
			*save++ = '\0';
		f->raw[f->count++] = at;
	}
	return 0;
}

// A cell of a table row, without the blanks around it.
static void copy_cell(const char *row, uint32_t i, char *to, size_t len)
{
	size_t n;

	for (row++; i > 0; i--)
		row = strchr(row, '|') + 1;
	row += strspn(row, " \t");
	n = strcspn(row, "|");
	while (n > 0 && (row[n - 1] == ' ' || row[n - 1] == '\t' || row[n - 1] == '\r'))
		n--;
	snprintf(to, len, "%.*s", (int)n, row);
}

// Cut words, or "words in quotes", off a `for` line. NULL at its end.
static char *cut_word(char **at)
{
	char *w = *at + strspn(*at, " \t"), *end;

	if (*w == '\0')
		return NULL;
	if (*w == '"') {
		end = strchr(++w, '"');
		if (end == NULL)
			return NULL;
	} else {
		end = w + strcspn(w, " \t");
	}
	*at = *end != '\0' ? end + 1 : end;
	*end = '\0';
	return w;
}

static int add_value(struct source *f, struct loop *p, char *w, char mark)
{
	uint32_t marks = 0;

	for (const char *c = w + (mark == '|'); *c != '\0'; c++)
		marks += *c == mark;
	if ((p->names > 1 || mark == '|') && marks != p->names - 1)
		return wr_err_set(
			f->err, EINVAL, "'%s' has %u values for %u names", w, marks + 1, p->names);
	if (p->values == VALUES_MAX)
		return wr_err_set(f->err, EINVAL, "more than %d values", VALUES_MAX);
	p->value[p->values++] = w;
	return 0;
}

static int parse_loop(struct source *f, struct loop *p, char *text)
{
	char *at = text + 3, *w = cut_word(&at), *save = NULL;

	for (char *n = w != NULL ? strtok_r(w, ",", &save) : NULL;
		n != NULL && p->names < NAMES_MAX; n = strtok_r(NULL, ",", &save))
		p->name[p->names++] = n;
	w = cut_word(&at);
	if (p->names == 0 || w == NULL || strcmp(w, "in") != 0)
		return wr_err_set(f->err, EINVAL,
			"'for' is written: for NAME in A B C, or for X,Y in 1,2 3,4 or \"with "
			"blanks\", or rows below it that begin with |");
	while ((w = cut_word(&at)) != NULL)
		if (add_value(f, p, w, ',') != 0)
			return -1;
	return 0;
}

// Copy the value of name i of a loop in its present turn.
static void copy_value(const struct loop *p, uint32_t i, char *to, size_t len)
{
	const char *v = p->value[p->at];

	if (*v == '|') {
		copy_cell(v, i, to, len);
		return;
	}
	if (p->names == 1) {
		snprintf(to, len, "%s", v);
		return;
	}
	for (; i > 0; i--)
		v = strchr(v, ',') + 1;
	snprintf(to, len, "%.*s", (int)strcspn(v, ","), v);
}

static bool name_value(struct source *f, const char *name, size_t n, char *to, size_t len)
{
	for (uint32_t k = 0; k < f->loops; k++) {
		for (uint32_t i = 0; i < f->loop[k].names; i++) {
			if (strlen(f->loop[k].name[i]) != n ||
				strncmp(f->loop[k].name[i], name, n) != 0)
				continue;
			f->loop[k].used[i] = true;
			copy_value(&f->loop[k], i, to, len);
			return true;
		}
	}
	return false;
}

// $NAME and ${NAME} by their values; the comment off.
static int substitute(struct source *f, const char *in, char *out)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
	size_t n = 0;

	for (const char *w = in; *w != '\0';) {
		char value[PK_TEXT];
		size_t len, brace = w[0] == '$' && w[1] == '{';

		if (*w == '#' && (w == in || w[-1] == ' ' || w[-1] == '\t'))
			break;
		if (n >= PK_TEXT - 1)
			return wr_err_set(
				f->err, EINVAL, "a line of more than %d letters", PK_TEXT - 1);
		if (*w != '$') {
			out[n++] = *w++;
			continue;
		}
		len = strspn(w + 1 + brace, letters);
		if (!name_value(f, w + 1 + brace, len, value, sizeof(value)))
			return wr_err_set(f->err, EINVAL, "$%.*s is the name of no for line",
				(int)len, w + 1 + brace);
		if (n + strlen(value) >= PK_TEXT - 1)
			return wr_err_set(
				f->err, EINVAL, "a line of more than %d letters", PK_TEXT - 1);
		strcpy(out + n, value);
		n += strlen(value);
		w += 1 + len + 2 * brace;
	}
	while (n > 0 && (out[n - 1] == ' ' || out[n - 1] == '\t' || out[n - 1] == '\r'))
		n--;
	out[n] = '\0';
	return 0;
}

// `[ts v4]` in front: the line is for these variants alone.
static int parse_bracket(struct pk_lex *l, struct pk_line *line)
{
	bool last = false;

	while (!last) {
		char *w = l->word + (*l->word == '[');
		size_t n = strlen(w);

		last = n > 0 && w[n - 1] == ']';
		if (last)
			w[n - 1] = '\0';
		if (pk_parse_only(l, w, &line->only) != 0)
			return -1;
		if (!pk_next(l))
			return pk_bad(l, "nothing stands behind [...]");
	}
	return 0;
}

static int parse_line(struct pk_lex *l, struct pk_line *line)
{
	bool out;

	if (*l->word == '[' && parse_bracket(l, line) != 0)
		return -1;
	if (strcmp(l->word, "time") == 0 && !pk_next(l))
		return pk_bad(l, "time: the time is missing, as 'time +1.5'");
	line->kind = PK_TIME;
	if (pk_is_time(l->word)) {
		if (pk_parse_time(l, l->word, &line->time) != 0)
			return -1;
		if (!pk_next(l))
			return line->time.kind == PK_ANY ? pk_bad(l, "* stands before > alone") : 0;
	}
	if (strcmp(l->word, "<") == 0 || strcmp(l->word, ">") == 0) {
		out = *l->word == '>';
		line->kind = out ? PK_OUT : PK_IN;
		if (line->time.kind == PK_NOW)
			return pk_bad(l, "a time is missing before %s, as +0", l->word);
		if (!out && line->time.kind == PK_ANY)
			return pk_bad(l,
				"* is no time for a segment that arrives: it stands before "
				"> alone");
		return pk_parse_packet(l, out, &line->p);
	}
	if (line->time.kind == PK_ANY)
		return pk_bad(l, "* stands before > alone");
	return pk_parse_command(l, l->word, line);
}

static void label_script(struct source *f, struct pk_script *s)
{
	for (uint32_t k = 0; k < f->loops; k++)
		for (uint32_t i = 0; i < f->loop[k].names; i++) {
			char value[PK_TEXT];
			size_t n = strlen(s->label);

			copy_value(&f->loop[k], i, value, sizeof(value));
			snprintf(s->label + n, sizeof(s->label) - n, "%s%s=%.60s", n > 0 ? " " : "",
				f->loop[k].name[i], value);
		}
}

static int parse_script(struct source *f, struct pk_script *s)
{
	bool header = true;

	snprintf(s->file, sizeof(s->file), "%s", f->path);
	s->peer_mss = 1460;
	s->peer_wscale = 2;
	s->peer_win = 65535;
	s->lines = calloc(f->count, sizeof(*s->lines));
	label_script(f, s);
	for (uint32_t i = 0; i < f->count; i++) {
		struct pk_line *line = &s->lines[s->line_count];
		struct pk_lex l = {.err = f->err};
		int r = 0;

		if (*s->title == '\0' && f->raw[i][0] == '#' &&
			strncmp(f->raw[i], "# SPDX", 6) != 0)
			snprintf(s->title, sizeof(s->title), "%.200s",
				f->raw[i] + 1 + strspn(f->raw[i] + 1, " "));
		if (strncmp(f->raw[i], "for ", 4) == 0 || f->raw[i][0] == '|')
			continue; // multiplied out already
		*line = (struct pk_line){.number = (int)i + 1};
		if (substitute(f, f->raw[i], line->text) != 0)
			return fail_at(f, line->number, f->err);
		l.at = line->text;
		if (!pk_next(&l))
			continue;
		r = pk_parse_header(&l, s);
		if (r == 1 && !header)
			r = pk_bad(
				&l, "a header line (only, config, peer) stands before all others");
		if (r == 0) {
			header = false;
			r = parse_line(&l, line);
			s->line_count++;
		}
		if (r < 0)
			return fail_at(f, line->number, f->err);
	}
	if (s->line_count == 0)
		return wr_err_set(f->err, EINVAL, "%s: a script without a line", f->path);
	return 0;
}

// Rows of a table below a `for` line.
static int find_rows(struct source *f, struct loop *p, uint32_t *i)
{
	while (*i + 1 < f->count) {
		char *w = f->raw[*i + 1] + strspn(f->raw[*i + 1], " \t");

		if (*w != '|')
			return 0;
		w[strcspn(w, "#")] = '\0';
		++*i;
		f->raw[*i] = w;
		if (add_value(f, p, w, '|') != 0)
			return fail_at(f, (int)*i + 1, f->err);
	}
	return 0;
}

static int find_loops(struct source *f)
{
	for (uint32_t i = 0; i < f->count; i++) {
		char *w = f->raw[i] + strspn(f->raw[i], " \t");
		struct loop *p = &f->loop[f->loops];
		uint32_t line = i;

		if (strncmp(w, "for ", 4) != 0)
			continue;
		if (f->loops == FOR_MAX) {
			wr_err_set(f->err, EINVAL, "more than %d for lines", FOR_MAX);
			return fail_at(f, (int)i + 1, f->err);
		}
		f->raw[i] = w;
		w[strcspn(w, "#")] = '\0';
		f->loops++;
		p->line = (int)line + 1;
		p->text = strdup(w);
		if (parse_loop(f, p, p->text) != 0)
			return fail_at(f, (int)line + 1, f->err);
		if (find_rows(f, p, &i) != 0)
			return -EINVAL;
		if (p->values == 0) {
			wr_err_set(f->err, EINVAL, "for without a value");
			return fail_at(f, (int)line + 1, f->err);
		}
	}
	return 0;
}

static bool next_turn(struct source *f)
{
	for (uint32_t k = f->loops; k-- > 0;) {
		if (++f->loop[k].at < f->loop[k].values)
			return true;
		f->loop[k].at = 0;
	}
	return false;
}

static int check_used(struct source *f)
{
	for (uint32_t k = 0; k < f->loops; k++) {
		for (uint32_t i = 0; i < f->loop[k].names; i++) {
			if (f->loop[k].used[i])
				continue;
			wr_err_set(f->err, EINVAL,
				"$%s is never used, so that its values would all be the same "
				"script",
				f->loop[k].name[i]);
			return fail_at(f, f->loop[k].line, f->err);
		}
	}
	return 0;
}

int pk_script_load(const char *path, struct pk_scripts *out, struct wr_err *err)
{
	struct source f = {.path = path, .err = err};
	int r = read_lines(&f);

	if (r == 0)
		r = find_loops(&f);
	if (r == 0) {
		do {
			out->s = realloc(out->s, (out->count + 1) * sizeof(*out->s));
			out->s[out->count] = (struct pk_script){0};
			r = parse_script(&f, &out->s[out->count++]);
		} while (r == 0 && next_turn(&f));
	}
	if (r == 0)
		r = check_used(&f);
	for (uint32_t k = 0; k < f.loops; k++)
		free(f.loop[k].text);
	free(f.raw);
	free(f.text);
	return r;
}

void pk_scripts_free(struct pk_scripts *s)
{
	for (uint32_t i = 0; i < s->count; i++)
		free(s->s[i].lines);
	free(s->s);
}
