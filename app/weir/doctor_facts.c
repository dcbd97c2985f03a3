/* SPDX-License-Identifier: BSD-3-Clause */

// Files of the kernel, read below a root.

#include "doctor_priv.h"

#include <libgen.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_LEN 768

static void path_va(const struct doctor *d, char *out, size_t len, const char *fmt, va_list ap)
{
	size_t n = (size_t)snprintf(out, len, "%s", d->root);

	if (n < len)
		vsnprintf(out + n, len - n, fmt, ap);
}

void doctor_path(const struct doctor *d, char *out, size_t len, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	path_va(d, out, len, fmt, ap);
	va_end(ap);
}

bool doctor_exists(const struct doctor *d, const char *fmt, ...)
{
	char path[PATH_LEN];
	va_list ap;

	va_start(ap, fmt);
	path_va(d, path, sizeof(path), fmt, ap);
	va_end(ap);
	return access(path, F_OK) == 0;
}

static bool line_va(const struct doctor *d, char *out, size_t len, const char *fmt, va_list ap)
{
	char path[PATH_LEN];
	FILE *in;
	bool ok;

	path_va(d, path, sizeof(path), fmt, ap);
	out[0] = '\0';
	in = fopen(path, "re");
	if (in == NULL)
		return false;
	ok = fgets(out, (int)len, in) != NULL;
	fclose(in);
	out[strcspn(out, "\n")] = '\0';
	return ok;
}

bool doctor_line(const struct doctor *d, char *out, size_t len, const char *fmt, ...)
{
	va_list ap;
	bool ok;

	va_start(ap, fmt);
	ok = line_va(d, out, len, fmt, ap);
	va_end(ap);
	return ok;
}

bool doctor_number(const struct doctor *d, long long *out, const char *fmt, ...)
{
	char text[64], *end;
	va_list ap;
	bool ok;

	va_start(ap, fmt);
	ok = line_va(d, text, sizeof(text), fmt, ap);
	va_end(ap);
	*out = strtoll(text, &end, 10);
	return ok && end != text;
}

bool doctor_set_read(const struct doctor *d, struct doctor_set *out, const char *fmt, ...)
{
	char text[4096];
	va_list ap;
	bool ok;

	va_start(ap, fmt);
	ok = line_va(d, text, sizeof(text), fmt, ap);
	va_end(ap);
	doctor_set_parse(out, text);
	return ok;
}

bool doctor_link(const struct doctor *d, char *out, size_t len, const char *fmt, ...)
{
	char path[PATH_LEN], target[PATH_LEN];
	va_list ap;
	ssize_t n;

	va_start(ap, fmt);
	path_va(d, path, sizeof(path), fmt, ap);
	va_end(ap);
	out[0] = '\0';
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		return false;
	target[n] = '\0';
	snprintf(out, len, "%s", basename(target));
	return true;
}

FILE *doctor_open(const struct doctor *d, const char *path)
{
	char whole[PATH_LEN];

	doctor_path(d, whole, sizeof(whole), "%s", path);
	return fopen(whole, "re");
}

bool doctor_field(const struct doctor *d, const char *path, const char *key, char *out, size_t len)
{
	FILE *in = doctor_open(d, path);
	size_t n = strlen(key);
	char line[4096];
	bool found = false;

	out[0] = '\0';
	if (in == NULL)
		return false;
	while (!found && fgets(line, sizeof(line), in) != NULL) {
		if (strncmp(line, key, n) != 0)
			continue;
		line[strcspn(line, "\n")] = '\0';
		snprintf(out, len, "%s", line + n + strspn(line + n, ": \t"));
		found = true;
	}
	fclose(in);
	return found;
}

bool doctor_capable(const struct doctor *d, unsigned int cap)
{
	char text[64];

	if (!doctor_field(d, "/proc/self/status", "CapEff", text, sizeof(text)))
		return true; // without /proc the kernel's own answer has to do
	return (strtoull(text, NULL, 16) >> cap) & 1;
}

void doctor_set_parse(struct doctor_set *s, const char *text)
{
	memset(s, 0, sizeof(*s));
	while (*text >= '0' && *text <= '9') {
		char *end;
		unsigned long first = strtoul(text, &end, 10), last = first;

		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		for (unsigned long n = first; n <= last && n < DOCTOR_CPUS; n++)
			s->bits[n / 64] |= 1ULL << (n % 64);
		text = *end == ',' ? end + 1 : end;
	}
}

bool doctor_in_set(const struct doctor_set *s, unsigned int n)
{
	return n < DOCTOR_CPUS && ((s->bits[n / 64] >> (n % 64)) & 1);
}

uint32_t doctor_set_count(const struct doctor_set *s)
{
	uint32_t n = 0;

	for (size_t i = 0; i < DOCTOR_CPUS / 64; i++)
		n += (uint32_t)__builtin_popcountll(s->bits[i]);
	return n;
}

// As the kernel takes it on its command line.
char *doctor_set_format(const struct doctor_set *s, char *buf, size_t len)
{
	size_t used = 0;

	buf[0] = '\0';
	for (unsigned int n = 0; n < DOCTOR_CPUS && used + 12 < len; n++) {
		unsigned int last = n;

		if (!doctor_in_set(s, n))
			continue;
		while (doctor_in_set(s, last + 1))
			last++;
		used += (size_t)snprintf(buf + used, len - used, "%s%u", used > 0 ? "," : "", n);
		if (last > n)
			used += (size_t)snprintf(buf + used, len - used, "-%u", last);
		n = last;
	}
	return buf;
}

int doctor_node_of_cpu(const struct doctor *d, unsigned int cpu)
{
	struct doctor_set cpus;

	for (int node = 0; node < DOCTOR_NODES; node++)
		if (doctor_set_read(d, &cpus, "/sys/devices/system/node/node%d/cpulist", node) &&
			doctor_in_set(&cpus, cpu))
			return node;
	return 0;
}
