/* SPDX-License-Identifier: BSD-3-Clause */
#include "value.h"

#include <errno.h>
#include <string.h>

#include "suggest.h"

static bool name_char(char ch)
{
	return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') ||
	       ch == '_' || ch == '.' || ch == '-';
}

static void store_uint(void *dst, size_t size, uint64_t v)
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

static uint64_t load_uint(const void *src, size_t size)
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

// The reason, then what would be right.
static int wrong(const struct wr_conf_setting *s, char why[WR_CONF_WHY], const char *what)
{
	char expect[WR_CONF_WHY - 96];

	snprintf(why, WR_CONF_WHY, "%.64s; right would be %s", what,
		wr_conf_value_expect(s, expect, sizeof(expect)));
	return -EINVAL;
}

static int parse_bool(const struct wr_conf_setting *s, const char *text, void *dst, char *why)
{
	static const char *const words[] = {"no", "yes", "false", "true", "off", "on"};

	for (uint32_t i = 0; i < 6; i++) {
		if (strcmp(text, words[i]) == 0) {
			store_uint(dst, s->size, i & 1);
			return 0;
		}
	}
	return wrong(s, why, "is neither yes nor no");
}

static int parse_count(const struct wr_conf_setting *s, const char *text, void *dst, char *why)
{
	uint64_t v = 0;

	if (s->zero && !s->list && (strcmp(text, s->zero) == 0 || strcmp(text, "0") == 0)) {
		store_uint(dst, s->size, 0);
		return 0;
	}
	// 010 is 8 to some readers of YAML and 10 to others.
	if (text[0] == '0' && text[1])
		return wrong(s, why, "is not a decimal number: it begins with 0");
	for (const char *p = text; *p; p++) {
		if (*p < '0' || *p > '9')
			return wrong(s, why, "is not a whole number");
		if (p - text >= 18)
			return wrong(s, why, "is too large");
		v = v * 10 + (uint64_t)(*p - '0');
	}
	if (!text[0])
		return wrong(s, why, "is not a whole number");
	if (v < s->min)
		return wrong(s, why, "is too small");
	if (v > s->max)
		return wrong(s, why, "is too large");
	store_uint(dst, s->size, v);
	return 0;
}

static int parse_time(const struct wr_conf_setting *s, const char *text, void *dst, char *why)
{
	wr_us_t us;
	int rc = wr_units_parse_time(text, &us);

	if (s->zero && (strcmp(text, s->zero) == 0 || (rc == 0 && us == 0))) {
		store_uint(dst, s->size, 0);
		return 0;
	}
	if (rc == -ERANGE)
		return wrong(s, why, "is too long");
	if (rc < 0 && text[0] && strspn(text, "0123456789") == strlen(text))
		return wrong(s, why, "has no unit");
	if (rc < 0)
		return wrong(s, why, "is not a time with its unit");
	if (us < s->min)
		return wrong(s, why, "is too short");
	if (us > s->max)
		return wrong(s, why, "is too long");
	store_uint(dst, s->size, us);
	return 0;
}

static int parse_size(const struct wr_conf_setting *s, const char *text, void *dst, char *why)
{
	uint64_t v;
	int rc = wr_units_parse_size(text, &v);

	if (rc == -ERANGE)
		return wrong(s, why, "is too large");
	if (rc < 0)
		return wrong(s, why, "is not a size with a known unit");
	if (v < s->min)
		return wrong(s, why, "is too small");
	if (v > s->max)
		return wrong(s, why, "is too large");
	store_uint(dst, s->size, v);
	return 0;
}

static int parse_choice(const struct wr_conf_setting *s, const char *text, void *dst, char *why)
{
	for (uint32_t i = 0; s->choices[i]; i++) {
		if (strcmp(text, s->choices[i]) == 0) {
			if (s->offset != WR_CONF_NO_FIELD)
				store_uint(dst, s->size, i);
			return 0;
		}
	}
	return wrong(s, why, "is not a choice here");
}

static int parse_string(const struct wr_conf_setting *s, const char *text, char *dst, char *why)
{
	size_t len = strlen(text);

	if (!len)
		return wrong(s, why, "is empty");
	if (len >= s->size)
		return wrong(s, why, "is too long");
	for (size_t i = 0; i < len; i++) {
		if (s->type == WR_CONF_T_NAME && !name_char(text[i]))
			return wrong(s, why, "has a character that no name may have");
		if (text[i] < 0x20 || text[i] > 0x7e)
			return wrong(s, why, "has a character that cannot be printed");
	}
	// A name becomes part of file names and of command lines.
	if (s->type == WR_CONF_T_NAME && (text[0] == '.' || text[0] == '-'))
		return wrong(s, why, "begins with a dot or a dash");
	memcpy(dst, text, len + 1);
	return 0;
}

// How many addresses lie after `first` up to `last`, saturated at 2^32.
static uint64_t span(const struct wr_addr *first, const struct wr_addr *last)
{
	uint64_t hi = __builtin_bswap64(last->q[0]) - __builtin_bswap64(first->q[0]);
	uint64_t lo = __builtin_bswap64(last->q[1]) - __builtin_bswap64(first->q[1]);
	bool borrow = __builtin_bswap64(last->q[1]) < __builtin_bswap64(first->q[1]);

	return hi - borrow || lo > UINT32_MAX ? 1ULL << 32 : lo;
}

static int parse_range(const struct wr_conf_setting *s, const char *text, void *dst, char *why)
{
	struct wr_conf_source r;
	char first[WR_ADDR_STR];
	const char *dash = strchr(text, '-');
	size_t len = dash ? (size_t)(dash - text) : strlen(text);

	if (len >= sizeof(first))
		return wrong(s, why, "is not an address or a range of them");
	snprintf(first, sizeof(first), "%.*s", (int)len, text);
	if (wr_addr_parse(first, &r.first) < 0 ||
		wr_addr_parse(dash ? dash + 1 : first, &r.last) < 0)
		return wrong(s, why, "is not an address or a range of them");
	if (wr_addr_is_v4(&r.first) != wr_addr_is_v4(&r.last))
		return wrong(s, why, "mixes IPv4 and IPv6");
	if (wr_addr_cmp(&r.first, &r.last) > 0)
		return wrong(s, why, "is reversed: its last address is below its first");
	if (span(&r.first, &r.last) >= WR_MAX_SOURCES)
		return wrong(s, why, "has too many addresses");
	memcpy(dst, &r, sizeof(r));
	return 0;
}

static int parse_net(const struct wr_conf_setting *s, const char *text, void *dst, char *why)
{
	struct wr_addr bare;

	switch (s->type) {
	case WR_CONF_T_ADDR:
		if (wr_addr_parse(text, dst) == 0)
			return 0;
		return wrong(s, why, "is not an IP address");
	case WR_CONF_T_PREFIX:
		if (wr_prefix_parse(text, dst) == 0)
			return 0;
		if (wr_addr_parse(text, &bare) == 0)
			return wrong(s, why, "has no prefix length");
		return wrong(s, why, "is not an address with a prefix length");
	default:
		if (wr_endpoint_parse(text, dst) == 0)
			return 0;
		if (wr_addr_parse(text, &bare) == 0)
			return wrong(s, why, "has no port, or lacks the brackets of IPv6");
		return wrong(s, why, "is not an address with a port");
	}
}

static int parse_ref(const struct wr_conf_setting *s, const char *text, void *dst,
	const struct wr_conf *c, char *why)
{
	bool port = s->type == WR_CONF_T_PORT;
	uint32_t n = port ? c->port_count : c->pool_count;
	struct wr_conf_suggest near;

	wr_conf_suggest_init(&near, text);
	for (uint32_t i = 0; i < n; i++) {
		const char *name = port ? c->ports[i].name : c->pools[i].name;

		if (strcmp(text, name) == 0) {
			store_uint(dst, s->size, i);
			return 0;
		}
		wr_conf_suggest_add(&near, name);
	}
	if (near.best)
		snprintf(why, WR_CONF_WHY, "names no %s; did you mean '%s'?",
			port ? "port" : "pool", near.best);
	else
		snprintf(why, WR_CONF_WHY, "names no %s; right would be one of those under '%s:'",
			port ? "port" : "pool", port ? "ports" : "pools");
	return -EINVAL;
}

int wr_conf_value_parse(const struct wr_conf_setting *s, const char *text, void *dst,
	const struct wr_conf *c, char why[WR_CONF_WHY])
{
	switch (s->type) {
	case WR_CONF_T_BOOL:
		return parse_bool(s, text, dst, why);
	case WR_CONF_T_COUNT:
		return parse_count(s, text, dst, why);
	case WR_CONF_T_TIME:
		return parse_time(s, text, dst, why);
	case WR_CONF_T_SIZE:
		return parse_size(s, text, dst, why);
	case WR_CONF_T_CHOICE:
		return parse_choice(s, text, dst, why);
	case WR_CONF_T_NAME:
	case WR_CONF_T_TEXT:
		return parse_string(s, text, dst, why);
	case WR_CONF_T_RANGE:
		return parse_range(s, text, dst, why);
	case WR_CONF_T_PORT:
	case WR_CONF_T_POOL:
		return parse_ref(s, text, dst, c, why);
	default:
		return parse_net(s, text, dst, why);
	}
}

const char *wr_conf_size_format(uint64_t bytes, char *buf, size_t len)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB"};
	uint32_t u = 0;

	for (; bytes && bytes % 1024 == 0 && u < 3; u++)
		bytes /= 1024;
	snprintf(buf, len, "%llu%s", (unsigned long long)bytes, units[u]);
	return buf;
}

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

static void print_range(const struct wr_conf_source *r, FILE *out)
{
	char a[WR_ADDR_STR], b[WR_ADDR_STR];

	wr_addr_format(&r->first, a, sizeof(a));
	if (wr_addr_eq(&r->first, &r->last))
		fprintf(out, "\"%s\"", a);
	else
		fprintf(out, "\"%s-%s\"", a, wr_addr_format(&r->last, b, sizeof(b)));
}

void wr_conf_value_print(
	const struct wr_conf_setting *s, const void *src, const struct wr_conf *c, FILE *out)
{
	uint64_t v = s->offset == WR_CONF_NO_FIELD || s->size > 8 ? 0 : load_uint(src, s->size);
	char buf[64];

	switch (s->type) {
	case WR_CONF_T_BOOL:
		fputs(v ? "yes" : "no", out);
		return;
	case WR_CONF_T_COUNT:
		if (s->zero && !s->list && v == 0)
			fputs(s->zero, out);
		else
			fprintf(out, "%llu", (unsigned long long)v);
		return;
	case WR_CONF_T_TIME:
		if (s->zero && v == 0)
			fputs(s->zero, out);
		else
			fputs(wr_units_format_time(v, buf, sizeof(buf)), out);
		return;
	case WR_CONF_T_SIZE:
		fputs(wr_conf_size_format(v, buf, sizeof(buf)), out);
		return;
	case WR_CONF_T_CHOICE:
		fputs(s->choices[v], out);
		return;
	case WR_CONF_T_NAME:
	case WR_CONF_T_TEXT:
		print_quoted(src, out);
		return;
	case WR_CONF_T_ADDR:
		fprintf(out, "\"%s\"", wr_addr_format(src, buf, sizeof(buf)));
		return;
	case WR_CONF_T_PREFIX:
		fprintf(out, "\"%s\"", wr_prefix_format(src, buf, sizeof(buf)));
		return;
	case WR_CONF_T_ENDPOINT:
		fprintf(out, "\"%s\"", wr_endpoint_format(src, buf, sizeof(buf)));
		return;
	case WR_CONF_T_RANGE:
		print_range(src, out);
		return;
	case WR_CONF_T_PORT:
		print_quoted(c->ports[v].name, out);
		return;
	case WR_CONF_T_POOL:
		print_quoted(c->pools[v].name, out);
		return;
	case WR_CONF_T_SECTION:
		return;
	}
}
