/* SPDX-License-Identifier: BSD-3-Clause */
#include "value.h"

#include <string.h>

// What a value looks like, in words, from its row: for messages and for the reference.

static const char *expect_choice(const struct wr_conf_setting *s, char *buf, size_t len)
{
	size_t used = 0;

	buf[0] = 0;
	for (uint32_t i = 0; s->choices[i] && used < len; i++) {
		const char *sep = i == 0 ? "" : s->choices[i + 1] ? ", " : " or ";

		used += (size_t)snprintf(buf + used, len - used, "%s%s", sep, s->choices[i]);
	}
	return buf;
}

static const char *expect_number(const struct wr_conf_setting *s, char *buf, size_t len)
{
	char lo[32], hi[32];

	if (s->type == WR_CONF_T_TIME) {
		wr_units_format_time(s->min, lo, sizeof(lo));
		wr_units_format_time(s->max, hi, sizeof(hi));
		if (s->zero)
			snprintf(buf, len,
				"%s or a time from %s to %s with its unit (us, ms, s, m, h)",
				s->zero, lo, hi);
		else
			snprintf(buf, len,
				"a time from %s to %s with its unit (us, ms, s, m, h)%s%s", lo, hi,
				s->dflt ? ", such as " : "", s->dflt ? s->dflt : "");
		return buf;
	}
	if (s->type == WR_CONF_T_SIZE) {
		snprintf(buf, len, "a size from %s to %s in bytes, KiB, MiB or GiB%s%s",
			wr_conf_size_format(s->min, lo, sizeof(lo)),
			wr_conf_size_format(s->max, hi, sizeof(hi)), s->dflt ? ", such as " : "",
			s->dflt ? s->dflt : "");
		return buf;
	}
	snprintf(buf, len, "%s%sa whole number from %llu to %llu%s%s%s", s->zero ? s->zero : "",
		s->zero ? " or " : "", (unsigned long long)s->min, (unsigned long long)s->max,
		s->unit ? " (" : "", s->unit ? s->unit : "", s->unit ? ")" : "");
	return buf;
}

const char *wr_conf_value_expect(const struct wr_conf_setting *s, char *buf, size_t len)
{
	switch (s->type) {
	case WR_CONF_T_BOOL:
		return "yes or no";
	case WR_CONF_T_COUNT:
	case WR_CONF_T_TIME:
	case WR_CONF_T_SIZE:
		return expect_number(s, buf, len);
	case WR_CONF_T_CHOICE:
		return expect_choice(s, buf, len);
	case WR_CONF_T_NAME:
		snprintf(buf, len,
			"1 to %zu of the letters a-z and A-Z, the digits, '_', '.' and '-', the "
			"first not '.' or '-'",
			s->size - 1);
		return buf;
	case WR_CONF_T_TEXT:
		snprintf(buf, len, "1 to %zu printable ASCII characters", s->size - 1);
		return buf;
	case WR_CONF_T_ADDR:
		return "an address such as 198.18.0.254 or 2001:db8::1";
	case WR_CONF_T_PREFIX:
		return "an address with a prefix length such as 198.18.0.1/24 or 2001:db8::1/64";
	case WR_CONF_T_ENDPOINT:
		return "an address with a port from 1 to 65535, such as \"198.18.0.100:80\" or "
		       "\"[2001:db8::100]:80\"";
	case WR_CONF_T_RANGE:
		snprintf(buf, len,
			"one address or a range of at most %u, lowest first, such as "
			"\"198.18.1.10-198.18.1.25\"",
			WR_MAX_SOURCES);
		return buf;
	case WR_CONF_T_PORT:
		return "the name of a port";
	case WR_CONF_T_POOL:
		return "the name of a pool";
	case WR_CONF_T_SECTION:
		return s->list ? "a list of groups of keys" : "a group of keys";
	}
	return "";
}
