/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

// A box made up for the doctor: a folder with the files of /proc, /sys and /run that a test writes.

#include "wr_test.h"

#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include "doctor_priv.h"

struct box {
	char root[64];
	struct wr_conf *conf;
	struct doctor d;
};

// Interfaces whose offloads are on, in a made-up box.
static const char *box_offloads_of[2]; // interface, offloads

static inline void box_offloads(const char *iface, char *out, size_t len)
{
	bool on = box_offloads_of[0] != NULL && strcmp(iface, box_offloads_of[0]) == 0;

	snprintf(out, len, "%s", on ? box_offloads_of[1] : "");
}

static inline int box_make(void **state)
{
	struct box *b = calloc(1, sizeof(*b));

	snprintf(b->root, sizeof(b->root), "/tmp/wr-doctor-XXXXXX");
	if (mkdtemp(b->root) == NULL)
		return 1;
	b->d = (struct doctor){.root = b->root, .self = 1, .offloads = box_offloads};
	snprintf(b->d.dpdk_built, sizeof(b->d.dpdk_built), "DPDK 22.11.3");
	snprintf(b->d.dpdk_runs, sizeof(b->d.dpdk_runs), "DPDK 22.11.3");
	*state = b;
	return 0;
}

static inline int box_drop(void **state)
{
	struct box *b = *state;
	char command[128];

	box_offloads_of[0] = NULL;
	wr_conf_free(b->conf);
	doctor_fini(&b->d);
	snprintf(command, sizeof(command), "rm -rf %s", b->root);
	free(b);
	return system(command);
}

static inline void box_folder(struct box *b, const char *path)
{
	char whole[640];

	snprintf(whole, sizeof(whole), "%s%s", b->root, path);
	for (char *c = whole + strlen(b->root) + 1; *c != '\0'; c++)
		if (*c == '/') {
			*c = '\0';
			mkdir(whole, 0755);
			*c = '/';
		}
	mkdir(whole, 0755);
}

static inline void box_parent(struct box *b, const char *path)
{
	char dir[512];

	snprintf(dir, sizeof(dir), "%s", path);
	*strrchr(dir, '/') = '\0';
	if (dir[0] != '\0')
		box_folder(b, dir);
}

static inline void box_file(struct box *b, const char *path, const char *text)
{
	char whole[640];
	FILE *out;

	box_parent(b, path);
	snprintf(whole, sizeof(whole), "%s%s", b->root, path);
	out = fopen(whole, "w");
	assert_non_null(out);
	fputs(text, out);
	fclose(out);
}

static inline void box_link(struct box *b, const char *path, const char *target)
{
	char whole[640];

	box_parent(b, path);
	snprintf(whole, sizeof(whole), "%s%s", b->root, path);
	unlink(whole);
	assert_int_equal(symlink(target, whole), 0);
}

static inline void box_remove(struct box *b, const char *path)
{
	char command[640];

	snprintf(command, sizeof(command), "rm -rf %s%s", b->root, path);
	assert_int_equal(system(command), 0);
}

// A configuration: lines of runtime, and the ports as a list.
static inline void box_conf(struct box *b, const char *runtime, const char *ports)
{
	struct wr_err err = {0};
	char text[4096];

	snprintf(text, sizeof(text),
		"runtime:\n%s\nports:\n%s\nservices:\n  - {name: web, listen: "
		"[\"198.18.0.100:80\", "
		"\"[2001:db8::100]:80\"], pool: web}\npools:\n  - name: web\n    backends:\n"
		"      - {name: b1, address: \"198.18.1.2:80\"}\n"
		"      - {name: b2, address: \"[2001:db8:1::2]:80\"}\n",
		runtime, ports);
	wr_conf_free(b->conf);
	b->conf = wr_conf_parse("box.yaml", text, strlen(text), &err);
	if (b->conf == NULL)
		fail_msg("%s", err.text);
	b->d.conf = b->conf;
}

// Two ports with addresses of both families; more keys of each.
#define BOX_PORTS(wan, wan_more, lan, lan_more)                                                    \
	"  - {name: wan, device: \"" wan "\", addresses: [198.18.0.1/24, "                         \
	"\"2001:db8::1/64\"]" wan_more "}\n"                                                       \
	"  - {name: lan, device: \"" lan "\", addresses: [198.18.1.1/24, "                         \
	"\"2001:db8:1::1/64\"]" lan_more "}\n"
#define BOX_NULLS BOX_PORTS("net_null0", "", "net_null1", "")

// Ask one topic afresh; a finding of this level and topic must say both parts.
static inline void box_expect_at(struct box *b, const char *file, int line,
	void (*topic)(struct doctor *), enum doctor_level level, const char *name,
	const char *found, const char *cure)
{
	static const char *const words[] = {"pass", "warn", "FAIL"};

	doctor_fini(&b->d);
	memset(b->d.levels, 0, sizeof(b->d.levels));
	topic(&b->d);
	for (uint32_t i = 0; i < b->d.count; i++) {
		const struct doctor_finding *f = &b->d.findings[i];

		if (f->level == level && strcmp(f->topic, name) == 0 &&
			strstr(f->found, found) != NULL && strstr(f->cure, cure) != NULL) {
			assert_int_equal(f->cure[0] == '\0', level == DOCTOR_PASS);
			return;
		}
	}
	print_message("%s:%d: no '%s  %s: ..%s..; cure: ..%s..' among\n", file, line, words[level],
		name, found, cure);
	for (uint32_t i = 0; i < b->d.count; i++)
		print_message("  %s  %s: %s; cure: %s\n", words[b->d.findings[i].level],
			b->d.findings[i].topic, b->d.findings[i].found, b->d.findings[i].cure);
	fail();
}
#define box_expect(b, topic, level, name, found, cure)                                             \
	box_expect_at(b, __FILE__, __LINE__, topic, level, name, found, cure)
