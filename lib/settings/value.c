/* SPDX-License-Identifier: BSD-3-Clause */
#include "value_priv.h"

#include <errno.h>
#include <string.h>

#include "wr_suggest.h"

static bool name_char(char ch)
{
	return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') ||
	       ch == '_' || ch == '.' || ch == '-';
}

void wr_settings_store(void *dst, size_t size, uint64_t v)
{
	uint8_t v8 = (uint8_t)v;
	uint16_t v16 = (uint16_t)v;
	uint32_t v32 = (uint32_t)v;

	memcpy(dst,
		size == 1   ? (void *)&v8
		: size == 2 ? (void *)&v16
		: size == 4 ? (void *)&v32
			    : (void *)&v,
		size);
}

uint64_t wr_settings_load(const void *src, size_t size)
{
	uint8_t v8;
	uint16_t v16;
	uint32_t v32;
	uint64_t v64;

	switch (size) {
	case 1:
		memcpy(&v8, src, 1);
		return v8;
	case 2:
		memcpy(&v16, src, 2);
		return v16;
	case 4:
		memcpy(&v32, src, 4);
		return v32;
	default:
		memcpy(&v64, src, 8);
		return v64;
	}
}

int wr_settings_wrong(const struct wr_settings_row *s, char why[WR_SETTINGS_WHY], const char *what)
{
	char expect[WR_SETTINGS_WHY - 96];

	snprintf(why, WR_SETTINGS_WHY, "%.80s; right would be %s", what,
		wr_settings_expect_value(s, expect, sizeof(expect)));
	return -EINVAL;
}

static int parse_bool(const struct wr_settings_row *s, const char *text, void *dst, char *why)
{
	static const char *const words[] = {"no", "yes", "false", "true", "off", "on"};

	for (uint32_t i = 0; i < 6; i++) {
		if (strcmp(text, words[i]) == 0) {
			wr_settings_store(dst, s->size, i & 1);
			return 0;
		}
	}
	return wr_settings_wrong(s, why, "is neither yes nor no");
}

static int not_a_choice(const struct wr_settings_row *s, const char *text, char *why)
{
	int rc = wr_settings_wrong(s, why, "is not a choice here");
	struct wr_settings_suggest near;
	size_t used = strlen(why);

	wr_settings_suggest_init(&near, text);
	for (uint32_t i = 0; s->choices[i]; i++)
		wr_settings_suggest_add(&near, s->choices[i]);
	if (near.best)
		snprintf(why + used, WR_SETTINGS_WHY - used, "; did you mean '%s'?", near.best);
	return rc;
}

static int parse_choice(const struct wr_settings_row *s, const char *text, void *dst, char *why)
{
	for (uint32_t i = 0; s->choices[i]; i++) {
		if (strcmp(text, s->choices[i]) == 0) {
			if (s->offset != WR_SETTINGS_NO_FIELD)
				wr_settings_store(dst, s->size, i);
			return 0;
		}
	}
	return not_a_choice(s, text, why);
}

static bool is_choice(const struct wr_settings_row *s, const char *text)
{
	for (uint32_t i = 0; s->choices[i]; i++) {
		if (strcmp(text, s->choices[i]) == 0)
			return true;
	}
	return false;
}

static int parse_string(const struct wr_settings_row *s, const char *text, char *dst, char *why)
{
	size_t len = strlen(text);

	if (s->zero && strcmp(text, s->zero) == 0) {
		dst[0] = 0;
		return 0;
	}
	if (!len)
		return wr_settings_wrong(s, why, "is empty");
	if (s->choices && !is_choice(s, text))
		return not_a_choice(s, text, why);
	if (len >= s->size)
		return wr_settings_wrong(s, why, "is too long");
	for (size_t i = 0; i < len; i++) {
		if (s->type == WR_SETTINGS_T_NAME && !name_char(text[i]))
			return wr_settings_wrong(s, why, "has a character that no name may have");
		if (text[i] < 0x20 || text[i] > 0x7e)
			return wr_settings_wrong(s, why, "has a character that cannot be printed");
	}
	// A name becomes part of file names and of command lines.
	if (s->type == WR_SETTINGS_T_NAME && (text[0] == '.' || text[0] == '-'))
		return wr_settings_wrong(s, why, "begins with a dot or a dash");
	memcpy(dst, text, len + 1);
	return 0;
}

// Words behind each other, with a comma between.
static int parse_flags(const struct wr_settings_row *s, const char *text, void *dst, char *why)
{
	uint64_t v = 0;

	for (const char *p = text; *p; p += *p == ',') {
		size_t len = strcspn(p, ",");
		uint32_t i = 0;

		while (s->choices[i] &&
			(strlen(s->choices[i]) != len || memcmp(s->choices[i], p, len) != 0))
			i++;
		if (!s->choices[i])
			return wr_settings_wrong(s, why, "has a word that is not a choice here");
		v |= 1ULL << i;
		p += len;
	}
	wr_settings_store(dst, s->size, v);
	return 0;
}

const char *wr_settings_ref_name(
	const struct wr_settings_row *s, const struct wr_settings_names *names, uint64_t i)
{
	const struct wr_settings_row *list = wr_settings_find(names->table, s->refers), *name;
	const uint8_t *root = names->root, *items = root + list->offset;
	char path[64];
	uint32_t n;

	memcpy(&n, root + list->count_offset, sizeof(n));
	if (i >= n)
		return NULL;
	if (list->heap)
		memcpy(&items, root + list->offset, sizeof(items));
	snprintf(path, sizeof(path), "%s.name", s->refers);
	name = wr_settings_find(names->table, path);
	return (const char *)items + i * list->size + name->offset;
}

static int parse_ref(const struct wr_settings_row *s, const char *text, void *dst,
	const struct wr_settings_names *names, char *why)
{
	struct wr_settings_suggest near;
	const char *name;

	wr_settings_suggest_init(&near, text);
	for (uint32_t i = 0; names && (name = wr_settings_ref_name(s, names, i)); i++) {
		if (strcmp(text, name) == 0) {
			wr_settings_store(dst, s->size, i);
			return 0;
		}
		wr_settings_suggest_add(&near, name);
	}
	if (s->zero && strcmp(text, s->zero) == 0) {
		wr_settings_store(dst, s->size, s->max);
		return 0;
	}
	if (near.best)
		snprintf(why, WR_SETTINGS_WHY, "names no %s; did you mean '%s'?", s->unit,
			near.best);
	else
		snprintf(why, WR_SETTINGS_WHY,
			"names no %s; right would be one of those under '%.*s:'", s->unit,
			(int)strcspn(s->refers, "["), s->refers);
	return -EINVAL;
}

int wr_settings_parse_value(const struct wr_settings_row *s, const char *text, void *dst,
	const struct wr_settings_names *names, char why[WR_SETTINGS_WHY])
{
	switch (s->type) {
	case WR_SETTINGS_T_BOOL:
		return parse_bool(s, text, dst, why);
	case WR_SETTINGS_T_COUNT:
	case WR_SETTINGS_T_OCTAL:
	case WR_SETTINGS_T_TIME:
	case WR_SETTINGS_T_SIZE:
	case WR_SETTINGS_T_RATE:
	case WR_SETTINGS_T_DECIMAL:
		return wr_settings_parse_number(s, text, dst, why);
	case WR_SETTINGS_T_SPAN:
		return wr_settings_parse_span(s, text, dst, why);
	case WR_SETTINGS_T_CHOICE:
		return parse_choice(s, text, dst, why);
	case WR_SETTINGS_T_FLAGS:
		return parse_flags(s, text, dst, why);
	case WR_SETTINGS_T_NAME:
	case WR_SETTINGS_T_TEXT:
		return parse_string(s, text, dst, why);
	case WR_SETTINGS_T_REF:
		return parse_ref(s, text, dst, names, why);
	default:
		return wr_settings_parse_net(s, text, dst, why);
	}
}
