/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_value.h"

#include <string.h>

// What a value looks like, in words, from its row: for messages and for the reference.

static const char *expect_choice(
	const struct wr_settings_row *s, const char *before, char *buf, size_t len)
{
	size_t used = (size_t)snprintf(buf, len, "%s", before);

	for (uint32_t i = 0; s->choices[i] && used < len; i++) {
		const char *sep = i == 0 ? "" : s->choices[i + 1] ? ", " : " or ";

		used += (size_t)snprintf(buf + used, len - used, "%s%s", sep, s->choices[i]);
	}
	return buf;
}

static const char *such_as(const struct wr_settings_row *s, char *buf, size_t len)
{
	if (s->dflt && !s->zero)
		snprintf(buf, len, ", such as %s", s->dflt);
	else
		buf[0] = 0;
	return buf;
}

static const char *expect_number(const struct wr_settings_row *s, char *buf, size_t len)
{
	char lo[32], hi[32], such[48];
	const char *zero = s->zero ? s->zero : "", *sep = s->zero ? " or " : "";

	such_as(s, such, sizeof(such));
	switch (s->type) {
	case WR_SETTINGS_T_TIME:
		wr_units_format_time(s->min, lo, sizeof(lo));
		wr_units_format_time(s->max, hi, sizeof(hi));
		snprintf(buf, len, "%s%sa time from %s to %s with its unit (us, ms, s, m, h)%s",
			zero, sep, lo, hi, such);
		return buf;
	case WR_SETTINGS_T_SIZE:
		snprintf(buf, len, "%s%sa size from %s to %s in bytes, KiB, MiB, GiB or TiB%s",
			zero, sep, wr_settings_format_size(s->min, lo, sizeof(lo)),
			wr_settings_format_size(s->max, hi, sizeof(hi)), such);
		return buf;
	case WR_SETTINGS_T_RATE:
		snprintf(buf, len, "%s%sa number from %s to %s, with k, M or G if you like", zero,
			sep, wr_settings_format_rate(s->min, lo, sizeof(lo)),
			wr_settings_format_rate(s->max, hi, sizeof(hi)));
		break;
	case WR_SETTINGS_T_DECIMAL:
		snprintf(buf, len, "%s%sa number from %s to %s with at most three decimals", zero,
			sep, wr_settings_format_decimal(s->min, lo, sizeof(lo)),
			wr_settings_format_decimal(s->max, hi, sizeof(hi)));
		break;
	case WR_SETTINGS_T_OCTAL:
		snprintf(buf, len, "%s%san octal number from \"%04llo\" to \"%04llo\"", zero, sep,
			(unsigned long long)s->min, (unsigned long long)s->max);
		break;
	case WR_SETTINGS_T_SPAN:
		snprintf(buf, len,
			"%s%sa number from %llu to %llu or two with a dash, lowest first, such as "
			"\"%llu-%llu\"",
			zero, sep, (unsigned long long)s->min, (unsigned long long)s->max,
			(unsigned long long)s->min, (unsigned long long)s->max);
		break;
	default:
		snprintf(buf, len, "%s%sa whole number from %llu to %llu", zero, sep,
			(unsigned long long)s->min, (unsigned long long)s->max);
		break;
	}
	if (s->unit)
		snprintf(buf + strlen(buf), len - strlen(buf), " (%s)", s->unit);
	return buf;
}

const char *wr_settings_expect_value(const struct wr_settings_row *s, char *buf, size_t len)
{
	const char *zero = s->zero ? s->zero : "", *sep = s->zero ? " or " : "";

	switch (s->type) {
	case WR_SETTINGS_T_BOOL:
		return "yes or no";
	case WR_SETTINGS_T_COUNT:
	case WR_SETTINGS_T_OCTAL:
	case WR_SETTINGS_T_TIME:
	case WR_SETTINGS_T_SIZE:
	case WR_SETTINGS_T_RATE:
	case WR_SETTINGS_T_DECIMAL:
	case WR_SETTINGS_T_SPAN:
		return expect_number(s, buf, len);
	case WR_SETTINGS_T_CHOICE:
		return expect_choice(s, "", buf, len);
	case WR_SETTINGS_T_FLAGS:
		return expect_choice(s, "a list of ", buf, len);
	case WR_SETTINGS_T_NAME:
		snprintf(buf, len,
			"%s%s1 to %zu of the letters a-z and A-Z, the digits, '_', '.' and '-', "
			"the first not '.' or '-'",
			zero, sep, s->size - 1);
		return buf;
	case WR_SETTINGS_T_TEXT:
		if (s->choices)
			return expect_choice(s, "", buf, len);
		snprintf(buf, len, "%s%s1 to %zu printable ASCII characters", zero, sep,
			s->size - 1);
		return buf;
	case WR_SETTINGS_T_ADDR:
		return "an address such as 198.18.0.254 or 2001:db8::1";
	case WR_SETTINGS_T_PREFIX:
		return "an address with a prefix length such as 198.18.0.1/24 or 2001:db8::1/64";
	case WR_SETTINGS_T_ENDPOINT:
		return "an address with a port from 1 to 65535, such as \"198.18.0.100:80\" or "
		       "\"[2001:db8::100]:80\"";
	case WR_SETTINGS_T_RANGE:
		snprintf(buf, len,
			"%s%sone address or a range of at most %llu, lowest first, such as "
			"\"198.18.1.10-198.18.1.25\"",
			s->list ? "" : zero, s->list ? "" : sep, (unsigned long long)s->max);
		return buf;
	case WR_SETTINGS_T_MAC:
		snprintf(buf, len, "%s%san Ethernet address such as \"02:00:00:00:00:01\"", zero,
			sep);
		return buf;
	case WR_SETTINGS_T_REF:
		snprintf(buf, len, "%s%sthe name of a %s", zero, sep, s->unit);
		return buf;
	case WR_SETTINGS_T_SECTION:
		return s->list ? "a list of groups of keys" : "a group of keys";
	}
	return "";
}
