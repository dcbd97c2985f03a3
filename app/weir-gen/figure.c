/* SPDX-License-Identifier: BSD-3-Clause */
#include "figure.h"

#include <inttypes.h>
#include <stdio.h>

char *figure_exact(uint64_t n, char buf[FIGURE_LEN])
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%" PRIu64, n);
	size_t at = 0;

	for (int i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			buf[at++] = ',';
		buf[at++] = digits[i];
	}
	buf[at] = '\0';
	return buf;
}

char *figure_count(uint64_t n, char buf[FIGURE_LEN])
{
	static const char unit[] = "MGT";
	double v = (double)n / 1e6;
	int u = 0;

	if (n < 10000000)
		return figure_exact(n, buf);
	while (v >= 1000 && u < 2) {
		v /= 1000;
		u++;
	}
	snprintf(buf, FIGURE_LEN, "%.2f %c", v, unit[u]);
	return buf;
}

char *figure_time(uint64_t ns, char buf[FIGURE_LEN])
{
	static const struct {
		double of;
		const char *name;
	} unit[] = {{1e3, "us"}, {1e6, "ms"}, {1e9, "s"}};
	uint32_t u = ns < 1000000 ? 0 : ns < 1000000000 ? 1 : 2;
	double v = (double)ns / unit[u].of;

	if (ns < 1000)
		snprintf(buf, FIGURE_LEN, "%u ns", (unsigned)ns);
	else
		snprintf(buf, FIGURE_LEN, "%.*f %s", v < 10 ? 2 : v < 100 ? 1 : 0, v, unit[u].name);
	return buf;
}

char *figure_seconds(uint64_t ns, char buf[FIGURE_LEN])
{
	snprintf(buf, FIGURE_LEN, "%.1f s", (double)ns / 1e9);
	return buf;
}

char *figure_share(uint64_t ppm, char buf[FIGURE_LEN])
{
	if (ppm > 0 && ppm < 100)
		snprintf(buf, FIGURE_LEN, "below 0.01 %%");
	else
		snprintf(buf, FIGURE_LEN, "%.*f %%", ppm < 100000 ? 2 : 1, (double)ppm / 1e4);
	return buf;
}
