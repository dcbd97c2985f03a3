/* SPDX-License-Identifier: BSD-3-Clause */

// Memory: huge pages of each node against the need, and what else decides about it.

#include "doctor_priv.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#define MIB (1024ULL * 1024)

struct pages { // of one NUMA node, or of the box
	uint64_t free_bytes;
	uint64_t total_2m, free_2m; // pages of the size that a cure can ask for
};

static bool read_pages(const struct doctor *d, const char *dir, struct pages *out)
{
	char path[512];
	struct dirent *e;
	DIR *list;

	memset(out, 0, sizeof(*out));
	doctor_path(d, path, sizeof(path), "%s", dir);
	list = opendir(path);
	if (list == NULL)
		return false;
	while ((e = readdir(list)) != NULL) {
		long long n = 0, total = 0;
		unsigned long kb;

		if (sscanf(e->d_name, "hugepages-%lukB", &kb) != 1)
			continue;
		doctor_number(d, &n, "%s/%s/free_hugepages", dir, e->d_name);
		doctor_number(d, &total, "%s/%s/nr_hugepages", dir, e->d_name);
		out->free_bytes += (uint64_t)n * kb * 1024;
		if (kb == 2048) {
			out->free_2m = (uint64_t)n;
			out->total_2m = (uint64_t)total;
		}
	}
	closedir(list);
	return true;
}

// What this process itself holds: after a start that failed it is as good as free.
static uint64_t own_bytes(const struct doctor *d)
{
	char text[64];

	if (!doctor_field(d, "/proc/self/status", "HugetlbPages", text, sizeof(text)))
		return 0;
	return strtoull(text, NULL, 10) * 1024;
}

static void judge_pages(struct doctor *d, const char *where, const char *file,
	const struct pages *have, uint64_t need)
{
	bool must = d->conf->runtime.memory == WR_CONF_MEMORY_HUGE;
	uint64_t pages = (need + 2 * MIB - 1) / (2 * MIB) + 1;

	if (have->free_bytes >= need) {
		doctor_say(d, DOCTOR_PASS, "huge-pages", "%s: %llu MiB free, %llu MiB needed",
			where, (unsigned long long)(have->free_bytes / MIB),
			(unsigned long long)(need / MIB));
		return;
	}
	doctor_say(d, must ? DOCTOR_FAIL : DOCTOR_WARN, "huge-pages",
		"%s: %llu MiB free, %llu MiB needed%s", where,
		(unsigned long long)(have->free_bytes / MIB), (unsigned long long)(need / MIB),
		must ? "" : "; Weir would run without any, slower and not pinned to a NUMA node");
	doctor_cure(d, "echo %llu > %s/hugepages-2048kB/nr_hugepages",
		(unsigned long long)(have->total_2m - have->free_2m + pages), file);
}

// The node's share of the need is that of its workers.
static void judge_nodes(struct doctor *d)
{
	uint32_t workers[DOCTOR_NODES] = {0}, n = d->conf->runtime.worker_count;
	uint64_t own = own_bytes(d);
	struct pages have;
	char where[32], file[128];
	uint32_t nodes = 0;

	for (uint32_t i = 0; i < n; i++)
		workers[doctor_node_of_cpu(d, d->conf->runtime.workers[i])]++;
	for (int node = 0; node < DOCTOR_NODES; node++)
		nodes += workers[node] > 0;
	for (int node = 0; node < DOCTOR_NODES; node++) {
		snprintf(file, sizeof(file), "/sys/devices/system/node/node%d/hugepages", node);
		if (workers[node] == 0 || !read_pages(d, file, &have))
			continue;
		have.free_bytes += own * workers[node] / n;
		snprintf(where, sizeof(where), "node %d", node);
		judge_pages(d, where, file, &have, d->need_bytes * workers[node] / n);
	}
	snprintf(file, sizeof(file), "/sys/kernel/mm/hugepages");
	if (nodes == 1 && doctor_exists(d, "/sys/devices/system/node/node0/hugepages"))
		return;
	if (!read_pages(d, file, &have)) {
		doctor_say(d,
			d->conf->runtime.memory == WR_CONF_MEMORY_HUGE ? DOCTOR_FAIL : DOCTOR_WARN,
			"huge-pages", "this kernel has none (no %s)", file);
		doctor_cure(d, "sed -i 's/memory: .*/memory: plain/' %s", d->conf->file);
		return;
	}
	have.free_bytes += own;
	judge_pages(d, "the box", file, &have, d->need_bytes);
}

static void judge_available(struct doctor *d)
{
	char text[64];
	uint64_t bytes;

	if (!doctor_field(d, "/proc/meminfo", "MemAvailable", text, sizeof(text)))
		return;
	bytes = strtoull(text, NULL, 10) * 1024 + own_bytes(d);
	if (d->conf->runtime.memory != WR_CONF_MEMORY_PLAIN) {
		struct pages have = {0};

		read_pages(d, "/sys/kernel/mm/hugepages", &have);
		bytes += have.free_bytes; // set apart, so not available
	}
	if (bytes >= d->need_bytes) {
		doctor_say(d, DOCTOR_PASS, "memory", "%llu MiB available, %llu MiB needed",
			(unsigned long long)(bytes / MIB),
			(unsigned long long)(d->need_bytes / MIB));
		return;
	}
	doctor_say(d, DOCTOR_FAIL, "memory",
		"%llu MiB available, %llu MiB needed for runtime.max_sessions %u",
		(unsigned long long)(bytes / MIB), (unsigned long long)(d->need_bytes / MIB),
		d->conf->runtime.max_sessions);
	doctor_cure(d, "write 'max_sessions: %llu' under runtime: in %s",
		(unsigned long long)((uint64_t)d->conf->runtime.max_sessions * bytes /
				     d->need_bytes / 2),
		d->conf->file);
}

void doctor_huge_pages(struct doctor *d)
{
	struct pages have;

	if (d->conf != NULL && d->need_bytes > 0)
		judge_available(d);
	if (d->conf != NULL && d->conf->runtime.memory == WR_CONF_MEMORY_PLAIN) {
		doctor_say(d, DOCTOR_PASS, "huge-pages",
			"not needed: runtime.memory is plain (slower than huge pages)");
		return;
	}
	if (d->conf != NULL && d->need_bytes > 0) {
		judge_nodes(d);
		return;
	}
	if (!read_pages(d, "/sys/kernel/mm/hugepages", &have) || have.free_bytes == 0) {
		doctor_say(d, DOCTOR_WARN, "huge-pages",
			"none free; Weir would run without any, slower");
		doctor_cure(d, "sysctl -w vm.nr_hugepages=1024");
		return;
	}
	doctor_say(d, DOCTOR_PASS, "huge-pages",
		"%llu MiB free; with -c FILE the need is told as well",
		(unsigned long long)(have.free_bytes / MIB));
}

// Files of DPDK programs that were killed while they used a mounted hugetlbfs.
static uint32_t map_files(const struct doctor *d, const char *mount)
{
	char path[512];
	struct dirent *e;
	uint32_t n = 0;
	DIR *list;

	doctor_path(d, path, sizeof(path), "%s", mount);
	list = opendir(path);
	if (list == NULL)
		return 0;
	while ((e = readdir(list)) != NULL)
		n += strstr(e->d_name, "map_") != NULL;
	closedir(list);
	return n;
}

static bool mounted(const struct doctor *d, char *mount, size_t len)
{
	FILE *in = doctor_open(d, "/proc/mounts");
	char line[1024], at[256], type[64];
	bool found = false;

	if (in == NULL)
		return false;
	while (!found && fgets(line, sizeof(line), in) != NULL)
		if (sscanf(line, "%*s %255s %63s", at, type) == 2 &&
			strcmp(type, "hugetlbfs") == 0) {
			snprintf(mount, len, "%s", at);
			found = true;
		}
	fclose(in);
	return found;
}

void doctor_hugetlbfs(struct doctor *d)
{
	char mount[256], line[128];
	FILE *in = doctor_open(d, "/proc/filesystems");
	bool known = in == NULL; // not told
	uint32_t files;

	while (in != NULL && fgets(line, sizeof(line), in) != NULL)
		known |= strstr(line, "hugetlbfs") != NULL;
	if (in != NULL)
		fclose(in);
	if (!known) {
		bool must = d->conf != NULL && d->conf->runtime.memory == WR_CONF_MEMORY_HUGE;

		doctor_say(d, must ? DOCTOR_FAIL : DOCTOR_WARN, "hugetlbfs",
			"this kernel is built without CONFIG_HUGETLBFS: no huge pages");
		doctor_cure(d, "write 'memory: plain' under runtime:, or boot a kernel with it");
	} else if (!mounted(d, mount, sizeof(mount))) {
		doctor_say(d, DOCTOR_PASS, "hugetlbfs",
			"not mounted, and not needed: Weir maps huge pages in memory only");
	} else if ((files = map_files(d, mount)) > 0) {
		doctor_say(d, DOCTOR_WARN, "hugetlbfs",
			"%s: %u files of DPDK programs; those of dead ones keep their huge pages",
			mount, files);
		doctor_cure(d, "fuser -s %s/*map_* || rm %s/*map_*", mount, mount);
	} else {
		doctor_say(d, DOCTOR_PASS, "hugetlbfs", "mounted at %s, nothing left there", mount);
	}
}

void doctor_transparent(struct doctor *d)
{
	bool plain = d->conf != NULL && d->conf->runtime.memory == WR_CONF_MEMORY_PLAIN;
	const char *path = "/sys/kernel/mm/transparent_hugepage/enabled";
	char text[128];

	if (!doctor_line(d, text, sizeof(text), "%s", path))
		doctor_say(d, DOCTOR_PASS, "transparent-huge-pages", "not in this kernel");
	else if (plain && strstr(text, "[never]") != NULL) {
		doctor_say(d, DOCTOR_WARN, "transparent-huge-pages",
			"off, while runtime.memory is plain: every page is of 4 KiB");
		doctor_cure(d, "echo always > %s", path);
	} else if (!plain && strstr(text, "[always]") != NULL) {
		doctor_say(d, DOCTOR_WARN, "transparent-huge-pages",
			"always: the kernel stops workers now and then to join pages");
		doctor_cure(d, "echo madvise > %s", path);
	} else {
		doctor_say(d, DOCTOR_PASS, "transparent-huge-pages", "%s", text);
	}
}

void doctor_swap(struct doctor *d)
{
	FILE *in = doctor_open(d, "/proc/swaps");
	char line[512];
	uint32_t lines = 0;

	while (in != NULL && fgets(line, sizeof(line), in) != NULL)
		lines++;
	if (in != NULL)
		fclose(in);
	if (lines <= 1) {
		doctor_say(d, DOCTOR_PASS, "swap", "none");
	} else if (d->conf == NULL || d->conf->runtime.memory == WR_CONF_MEMORY_HUGE) {
		doctor_say(d, DOCTOR_PASS, "swap", "on; huge pages are never swapped out");
	} else {
		doctor_say(d, DOCTOR_WARN, "swap",
			"on: without huge pages the kernel may swap buffers out, and workers stall "
			"for milliseconds");
		doctor_cure(d, "swapoff -a");
	}
}
