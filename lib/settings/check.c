/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_settings_check.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "order.h"

int wr_settings_fail(
	const struct wr_settings_place *p, const void *at, uint32_t line, const char *fmt, ...)
{
	char text[sizeof(p->err->text)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	line = wr_settings_marks_line(p->marks, at, line);
	if (line == 0)
		return wr_err_set(p->err, EINVAL, "command line: %s", text);
	return wr_err_set(p->err, EINVAL, "%s:%u: %s", p->file, line, text);
}

int wr_settings_check_names(const struct wr_settings_place *p, const char *kind, const char *names,
	size_t stride, uint32_t n)
{
	for (uint32_t i = 1; i < n; i++) {
		const char *a = names + i * stride;

		for (uint32_t j = 0; j < i; j++) {
			if (strcmp(a, names + j * stride) == 0)
				return wr_settings_fail(p, a, 0,
					"%s[%u].name: value '%s' is the name of %s[%u] already; "
					"give each its own",
					kind, i, a, kind, j);
		}
	}
	return 0;
}

int wr_settings_check_item(const struct wr_settings_table *t, const struct wr_settings_row *section,
	const void *item, const char *what, struct wr_err *err)
{
	char text[WR_SETTINGS_PRINTED], why[WR_SETTINGS_WHY], key[32];
	uint64_t dst[WR_SETTINGS_PRINTED / 8];

	for (int i = -1; (i = wr_settings_child(t, section, i)) >= 0;) {
		const struct wr_settings_row *s = &t->rows[i];
		const uint8_t *at = (const uint8_t *)item + s->offset;
		bool is_text = s->type == WR_SETTINGS_T_NAME || s->type == WR_SETTINGS_T_TEXT;

		if (s->list || s->type == WR_SETTINGS_T_SECTION || s->type == WR_SETTINGS_T_REF ||
			s->offset == WR_SETTINGS_NO_FIELD)
			continue;
		// Printing a text would quote what no text may have.
		if (is_text)
			snprintf(text, sizeof(text), "%s", (const char *)at);
		else
			wr_settings_text(s, at, NULL, text);
		if ((is_text && s->zero && !*text) ||
			wr_settings_parse_value(s, text, dst, NULL, why) == 0)
			continue;
		return wr_err_set(err, EINVAL, "%s: %s '%.60s' %s", what,
			wr_settings_key(s, key, sizeof(key)), text, why);
	}
	return 0;
}

const char *wr_settings_not_unicast(const struct wr_addr *a)
{
	if (wr_addr_is_unspecified(a))
		return "is the unspecified address";
	if (wr_addr_is_multicast(a))
		return "is a multicast or broadcast address";
	if (wr_addr_is_loopback(a))
		return "is a loopback address";
	return NULL;
}

struct wr_prefix wr_settings_network(const struct wr_prefix *p)
{
	struct wr_prefix n = *p;

	for (uint32_t bit = p->len; bit < 128; bit++)
		n.addr.b[bit / 8] &= (uint8_t) ~(0x80 >> (bit % 8));
	return n;
}

// The address with every host bit set: the broadcast address of an IPv4 network.
static struct wr_addr last_of(const struct wr_prefix *p)
{
	struct wr_addr a = p->addr;

	for (uint32_t bit = p->len; bit < 128; bit++)
		a.b[bit / 8] |= (uint8_t)(0x80 >> (bit % 8));
	return a;
}

const char *wr_settings_not_station(const struct wr_prefix *p)
{
	const char *why = wr_settings_not_unicast(&p->addr);
	struct wr_prefix n = wr_settings_network(p);
	struct wr_addr last = last_of(p);

	if (why)
		return why;
	// RFC 3021: a /31 has no network and broadcast address, nor has a /32.
	if (!wr_addr_is_v4(&p->addr) || p->len >= 127)
		return NULL;
	if (wr_addr_eq(&n.addr, &p->addr))
		return "is the address of the network itself";
	if (wr_addr_eq(&last, &p->addr))
		return "is the broadcast address of its network";
	return NULL;
}

uint64_t wr_settings_range_size(const struct wr_settings_range *r)
{
	uint64_t hi = __builtin_bswap64(r->last.q[0]) - __builtin_bswap64(r->first.q[0]);
	uint64_t lo = __builtin_bswap64(r->last.q[1]) - __builtin_bswap64(r->first.q[1]);
	bool borrow = __builtin_bswap64(r->last.q[1]) < __builtin_bswap64(r->first.q[1]);

	return (hi - borrow || lo > UINT32_MAX ? 1ULL << 32 : lo) + 1;
}

bool wr_settings_in_range(const struct wr_settings_range *r, const struct wr_addr *a)
{
	return wr_addr_cmp(a, &r->first) >= 0 && wr_addr_cmp(a, &r->last) <= 0;
}
