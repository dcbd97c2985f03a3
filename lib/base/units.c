/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_units.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MAX_TIME_US (365ULL * 24 * 3600 * WR_US_PER_S)

struct unit {
	const char *name;
	uint64_t factor;
};

// Largest first: the first that divides gives the shortest exact form.
static const struct unit time_units[] = {
	{"h", 3600 * WR_US_PER_S},
	{"m", 60 * WR_US_PER_S},
	{"s", WR_US_PER_S},
	{"ms", WR_US_PER_MS},
	{"us", 1},
};

static const struct unit size_units[] = {
	{"", 1},
	{"B", 1},
	{"K", 1ULL << 10},
	{"KB", 1ULL << 10},
	{"KiB", 1ULL << 10},
	{"M", 1ULL << 20},
	{"MB", 1ULL << 20},
	{"MiB", 1ULL << 20},
	{"G", 1ULL << 30},
	{"GB", 1ULL << 30},
	{"GiB", 1ULL << 30},
	{"T", 1ULL << 40},
	{"TB", 1ULL << 40},
	{"TiB", 1ULL << 40},
};

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

// Digits, then exactly one of the units. The form is judged before the range, so that a wrong unit
// is called a wrong unit even behind a number that is too large.
static int parse(const char *text, const struct unit *units, size_t n, uint64_t max, uint64_t *out)
{
	const char *p = text;
	uint64_t value = 0;
	bool over = false;

	if (p == NULL || *p < '0' || *p > '9')
		return -EINVAL;
	for (; *p >= '0' && *p <= '9'; p++) {
		over = over || __builtin_mul_overflow(value, 10, &value);
		over = over || __builtin_add_overflow(value, (uint64_t)(*p - '0'), &value);
	}
	for (size_t i = 0; i < n; i++) {
		if (strcmp(p, units[i].name) != 0)
			continue;
		if (over || __builtin_mul_overflow(value, units[i].factor, &value) || value > max)
			return -ERANGE;
		*out = value;
		return 0;
	}
	return -EINVAL;
}

int wr_units_parse_time(const char *text, wr_us_t *out)
{
	return parse(text, time_units, COUNT_OF(time_units), MAX_TIME_US, out);
}

int wr_units_parse_size(const char *text, uint64_t *out)
{
	return parse(text, size_units, COUNT_OF(size_units), UINT64_MAX, out);
}

char *wr_units_format_time(wr_us_t us, char *buf, size_t len)
{
	if (us == WR_US_NEVER) {
		snprintf(buf, len, "never");
		return buf;
	}
	if (us == 0) {
		snprintf(buf, len, "0s");
		return buf;
	}
	for (size_t i = 0; i < COUNT_OF(time_units); i++) {
		if (us % time_units[i].factor != 0)
			continue;
		snprintf(buf, len, "%" PRIu64 "%s", us / time_units[i].factor, time_units[i].name);
		break;
	}
	return buf;
}
