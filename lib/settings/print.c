/* SPDX-License-Identifier: BSD-3-Clause */
#include "value_priv.h"

#include <string.h>

// One value as a file would have it.

static void print_quoted(const char *text, FILE *out)
{
	fputc('"', out);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

static void print_range(const struct wr_settings_range *r, FILE *out)
{
	char a[WR_ADDR_STR], b[WR_ADDR_STR];

	wr_addr_format(&r->first, a, sizeof(a));
	if (wr_addr_eq(&r->first, &r->last))
		fprintf(out, "\"%s\"", a);
	else
		fprintf(out, "\"%s-%s\"", a, wr_addr_format(&r->last, b, sizeof(b)));
}

static void print_mac(const uint8_t *mac, FILE *out)
{
	fprintf(out, "\"%02x:%02x:%02x:%02x:%02x:%02x\"", mac[0], mac[1], mac[2], mac[3], mac[4],
		mac[5]);
}

static void print_flags(const struct wr_settings_row *s, uint64_t v, FILE *out)
{
	const char *sep = "";

	fputc('[', out);
	for (uint32_t i = 0; s->choices[i]; i++) {
		if (!(v & 1ULL << i))
			continue;
		fprintf(out, "%s%s", sep, s->choices[i]);
		sep = ", ";
	}
	fputc(']', out);
}

static void print_number(const struct wr_settings_row *s, const void *src, FILE *out)
{
	uint64_t v = s->offset == WR_SETTINGS_NO_FIELD ? 0 : wr_settings_load(src, s->size);
	char buf[64];

	switch (s->type) {
	case WR_SETTINGS_T_BOOL:
		fputs(v ? "yes" : "no", out);
		return;
	case WR_SETTINGS_T_CHOICE:
		fputs(s->choices[v], out);
		return;
	case WR_SETTINGS_T_FLAGS:
		print_flags(s, v, out);
		return;
	case WR_SETTINGS_T_OCTAL:
		snprintf(buf, sizeof(buf), "\"%04llo\"", (unsigned long long)v);
		break;
	case WR_SETTINGS_T_TIME:
		wr_units_format_time(v, buf, sizeof(buf));
		break;
	case WR_SETTINGS_T_SIZE:
		wr_settings_format_size(v, buf, sizeof(buf));
		break;
	case WR_SETTINGS_T_RATE:
		wr_settings_format_rate(v, buf, sizeof(buf));
		break;
	case WR_SETTINGS_T_DECIMAL:
		wr_settings_format_decimal(v, buf, sizeof(buf));
		break;
	default:
		snprintf(buf, sizeof(buf), "%llu", (unsigned long long)v);
		break;
	}
	fputs(s->zero && !s->list && v == 0 ? s->zero : buf, out);
}

// Is it what the word `zero` is stored as?
static bool is_zero(const struct wr_settings_row *s, const void *src)
{
	static const uint8_t zeroes[sizeof(struct wr_settings_range)];

	if (!s->zero || s->list)
		return false;
	switch (s->type) {
	case WR_SETTINGS_T_NAME:
	case WR_SETTINGS_T_TEXT:
		return *(const char *)src == 0;
	case WR_SETTINGS_T_SPAN:
		return memcmp(src, zeroes, sizeof(struct wr_settings_span)) == 0;
	case WR_SETTINGS_T_MAC:
		return memcmp(src, zeroes, 6) == 0;
	case WR_SETTINGS_T_REF:
		return wr_settings_load(src, s->size) == s->max;
	case WR_SETTINGS_T_RANGE:
		return memcmp(src, zeroes, sizeof(zeroes)) == 0;
	default:
		return false;
	}
}

void wr_settings_print_value(const struct wr_settings_row *s, const void *src,
	const struct wr_settings_names *names, FILE *out)
{
	struct wr_settings_span span;
	const char *name;
	char buf[64];

	if (is_zero(s, src)) {
		fputs(s->zero, out);
		return;
	}
	switch (s->type) {
	case WR_SETTINGS_T_NAME:
	case WR_SETTINGS_T_TEXT:
		print_quoted(src, out);
		return;
	case WR_SETTINGS_T_MAC:
		print_mac(src, out);
		return;
	case WR_SETTINGS_T_ADDR:
		fprintf(out, "\"%s\"", wr_addr_format(src, buf, sizeof(buf)));
		return;
	case WR_SETTINGS_T_PREFIX:
		fprintf(out, "\"%s\"", wr_prefix_format(src, buf, sizeof(buf)));
		return;
	case WR_SETTINGS_T_ENDPOINT:
		fprintf(out, "\"%s\"", wr_endpoint_format(src, buf, sizeof(buf)));
		return;
	case WR_SETTINGS_T_RANGE:
		print_range(src, out);
		return;
	case WR_SETTINGS_T_SPAN:
		memcpy(&span, src, sizeof(span));
		fprintf(out, "\"%u-%u\"", span.first, span.last);
		return;
	case WR_SETTINGS_T_REF:
		// An index that nothing has is of a structure that no file made.
		name = wr_settings_ref_name(s, names, wr_settings_load(src, s->size));
		if (name)
			print_quoted(name, out);
		else
			fputs(s->zero ? s->zero : "", out);
		return;
	case WR_SETTINGS_T_SECTION:
		return;
	default:
		print_number(s, src, out);
	}
}
