/* SPDX-License-Identifier: BSD-3-Clause */
#include "value_priv.h"

#include <errno.h>
#include <string.h>

// Numbers with and without units.

// Digits, a point and up to `places` more digits, in units of 10^-places. Returns what follows, or
// NULL; more than 18 digits before the point are *big.
static const char *decimal(const char *p, uint32_t places, uint64_t *v, bool *big)
{
	const char *first = p;

	*v = 0;
	*big = false;
	for (; *p >= '0' && *p <= '9'; p++) {
		*big = *big || __builtin_mul_overflow(*v, 10, v) ||
		       __builtin_add_overflow(*v, (uint64_t)(*p - '0'), v);
	}
	if (p == first)
		return NULL;
	if (*p == '.') {
		for (p++, first = p; *p >= '0' && *p <= '9' && places > 0; p++, places--) {
			*big = *big || __builtin_mul_overflow(*v, 10, v) ||
			       __builtin_add_overflow(*v, (uint64_t)(*p - '0'), v);
		}
		if (p == first)
			return NULL;
	}
	for (; places > 0; places--)
		*big = *big || __builtin_mul_overflow(*v, 10, v);
	return p;
}

// Whole numbers. Returns NULL, or what is wrong.
static const char *read_count(const char *text, uint64_t *v)
{
	// 010 is 8 to some readers of YAML and 10 to others.
	if (text[0] == '0' && text[1])
		return "is not a decimal number: it begins with 0";
	*v = 0;
	for (const char *p = text; *p; p++) {
		if (*p < '0' || *p > '9')
			return "is not a whole number";
		if (p - text >= 18)
			return "is too large";
		*v = *v * 10 + (uint64_t)(*p - '0');
	}
	return text[0] ? NULL : "is not a whole number";
}

static const char *read_octal(const char *text, uint64_t *v)
{
	*v = 0;
	for (const char *p = text; *p; p++) {
		if (*p < '0' || *p > '7')
			return "is not an octal number";
		if (p - text >= 12)
			return "is too large";
		*v = *v * 8 + (uint64_t)(*p - '0');
	}
	return text[0] ? NULL : "is not an octal number";
}

static const char *read_time(const char *text, uint64_t *v)
{
	int rc = wr_units_parse_time(text, v);

	if (rc == -ERANGE)
		return "is too long";
	if (rc < 0 && text[0] && strspn(text, "0123456789") == strlen(text))
		return "has no unit";
	return rc < 0 ? "is not a time with its unit" : NULL;
}

static const char *read_size(const char *text, uint64_t *v)
{
	int rc = wr_units_parse_size(text, v);

	if (rc == -ERANGE)
		return "is too large";
	return rc < 0 ? "is not a size with a known unit" : NULL;
}

// Powers of 1000, with as many decimals as still make a whole number.
static const char *read_rate(const char *text, uint64_t *v)
{
	const char *unit = text + strspn(text, "0123456789.");
	uint32_t places = *unit == 'k' ? 3 : *unit == 'M' ? 6 : *unit == 'G' ? 9 : 0;
	const char *end;
	bool big;

	if (!places && strchr(text, '.'))
		return "is not a whole number, which only k, M or G may make of a decimal";
	end = decimal(text, places, v, &big);
	if (!end || end != unit || strlen(unit) != (places ? 1 : 0))
		return "is not a number with k, M or G, or none of them";
	return big ? "is too large" : NULL;
}

static const char *read_decimal(const char *text, uint64_t *v)
{
	bool big;
	const char *end = decimal(text, 3, v, &big);

	if (!end || *end)
		return "is not a number with at most three decimals";
	return big ? "is too large" : NULL;
}

int wr_settings_parse_number(
	const struct wr_settings_row *s, const char *text, void *dst, char why[WR_SETTINGS_WHY])
{
	bool time = s->type == WR_SETTINGS_T_TIME;
	char reason[80]; // as much as wr_settings_wrong() shows
	const char *wrong;
	uint64_t v = 0;

	// The word of a list stands for the whole list, not for an item of 0.
	if (s->zero && !s->list && strcmp(text, s->zero) == 0) {
		wr_settings_store(dst, s->size, 0);
		return 0;
	}
	switch (s->type) {
	case WR_SETTINGS_T_OCTAL:
		wrong = read_octal(text, &v);
		break;
	case WR_SETTINGS_T_TIME:
		wrong = read_time(text, &v);
		break;
	case WR_SETTINGS_T_SIZE:
		wrong = read_size(text, &v);
		break;
	case WR_SETTINGS_T_RATE:
		wrong = read_rate(text, &v);
		break;
	case WR_SETTINGS_T_DECIMAL:
		wrong = read_decimal(text, &v);
		break;
	default:
		wrong = read_count(text, &v);
		break;
	}
	if (!wrong && v < s->min && (v > 0 || !s->zero || s->list))
		wrong = time ? "is too short" : "is too small";
	if (!wrong && v > s->max) {
		wrong = time ? "is too long" : "is too large";
		if (s->beyond) {
			snprintf(reason, sizeof(reason), "%s: %s", wrong, s->beyond);
			wrong = reason;
		}
	}
	if (wrong)
		return wr_settings_wrong(s, why, wrong);
	wr_settings_store(dst, s->size, v);
	return 0;
}

int wr_settings_parse_span(
	const struct wr_settings_row *s, const char *text, void *dst, char why[WR_SETTINGS_WHY])
{
	const char *dash = strchr(text, '-'), *wrong;
	struct wr_settings_span span;
	uint64_t first, last;
	char part[24];

	if (s->zero && strcmp(text, s->zero) == 0) {
		memset(dst, 0, sizeof(span));
		return 0;
	}
	snprintf(part, sizeof(part), "%.*s", dash ? (int)(dash - text) : (int)strlen(text), text);
	wrong = read_count(part, &first);
	last = first;
	if (!wrong && dash)
		wrong = read_count(dash + 1, &last);
	if (!wrong && first > last)
		wrong = "is reversed: its last number is below its first";
	if (!wrong && first < s->min)
		wrong = "begins too low";
	if (!wrong && last > s->max)
		wrong = "ends too high";
	if (wrong)
		return wr_settings_wrong(s, why, wrong);
	span = (struct wr_settings_span){.first = (uint16_t)first, .last = (uint16_t)last};
	memcpy(dst, &span, sizeof(span));
	return 0;
}

const char *wr_settings_format_size(uint64_t bytes, char *buf, size_t len)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
	uint32_t u = 0;

	for (; bytes && bytes % 1024 == 0 && u < 4; u++)
		bytes /= 1024;
	snprintf(buf, len, "%llu%s", (unsigned long long)bytes, units[u]);
	return buf;
}

const char *wr_settings_format_rate(uint64_t rate, char *buf, size_t len)
{
	static const char *const units[] = {"", "k", "M", "G"};
	uint32_t u = 0;

	for (; rate && rate % 1000 == 0 && u < 3; u++)
		rate /= 1000;
	snprintf(buf, len, "%llu%s", (unsigned long long)rate, units[u]);
	return buf;
}

const char *wr_settings_format_decimal(uint64_t thousandths, char *buf, size_t len)
{
	char part[8];
	size_t used;

	snprintf(part, sizeof(part), ".%03u", (uint32_t)(thousandths % 1000));
	used = strlen(part);
	while (used > 1 && part[used - 1] == '0')
		part[--used] = 0;
	snprintf(
		buf, len, "%llu%s", (unsigned long long)(thousandths / 1000), used > 1 ? part : "");
	return buf;
}
