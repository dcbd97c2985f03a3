/* SPDX-License-Identifier: BSD-3-Clause */
#include "human.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

char *human_bytes(uint64_t bytes, char *buf, size_t len)
{
	static const char *const unit[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double value = (double)bytes;
	unsigned int u = 0;

	// 1023.95 would print as 1024.0
	while (value >= 1023.95 && u + 1 < sizeof(unit) / sizeof(unit[0])) {
		value /= 1024;
		u++;
	}
	if (u == 0)
		snprintf(buf, len, "%" PRIu64 " B", bytes);
	else
		snprintf(buf, len, "%.1f %s", value, unit[u]);
	return buf;
}

char *human_duration(uint64_t us, char *buf, size_t len)
{
	uint64_t s = us / 1000000;

	if (us == 0)
		snprintf(buf, len, "0 s");
	else if (us < 1000)
		snprintf(buf, len, "%" PRIu64 " us", us);
	else if (us < 1000000)
		snprintf(buf, len, "%.1f ms", (double)(us / 100) / 10);
	else if (s < 60)
		snprintf(buf, len, "%.1f s", (double)(us / 100000) / 10);
	else if (s < 3600)
		snprintf(buf, len, "%" PRIu64 " m %" PRIu64 " s", s / 60, s % 60);
	else if (s < 86400)
		snprintf(buf, len, "%" PRIu64 " h %" PRIu64 " m", s / 3600, s % 3600 / 60);
	else
		snprintf(buf, len, "%" PRIu64 " d %" PRIu64 " h", s / 86400, s % 86400 / 3600);
	return buf;
}

char *human_permille(uint64_t permille, char *buf, size_t len)
{
	snprintf(buf, len, "%" PRIu64 ".%" PRIu64 " %%", permille / 10, permille % 10);
	return buf;
}

char *human_rate(double per_s, char *buf, size_t len)
{
	if (per_s < 10000)
		snprintf(buf, len, "%.0f", per_s);
	else if (per_s < 1e6)
		snprintf(buf, len, "%.1f k", per_s / 1e3);
	else if (per_s < 1e9)
		snprintf(buf, len, "%.1f M", per_s / 1e6);
	else
		snprintf(buf, len, "%.1f G", per_s / 1e9);
	return buf;
}

static bool ends(const char *key, const char *suffix)
{
	size_t k = strlen(key), s = strlen(suffix);

	return k >= s && strcmp(key + k - s, suffix) == 0;
}

char *human_by_key(const char *key, uint64_t value, char *buf, size_t len)
{
	if (ends(key, "_permille"))
		return human_permille(value, buf, len);
	if (ends(key, "_us"))
		return human_duration(value, buf, len);
	if (ends(key, "_ms"))
		return human_duration(value * 1000, buf, len);
	if (ends(key, "_s") && !ends(key, "_per_s"))
		return human_duration(value * 1000000, buf, len);
	if (strstr(key, "bytes") != NULL)
		return human_bytes(value, buf, len);
	snprintf(buf, len, "%" PRIu64, value);
	return buf;
}
