/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "wr_test.h"

#include "wr_settings.h"
#include "wr_value.h"

// A small program's table: a value of every type, lists of all kinds.

struct toy_box {
	char name[16];
	uint32_t size;
	uint32_t tag_count, tag[3];
	uint32_t line;
};

struct toy {
	bool fast;
	char name[16], file[32];
	uint32_t workers[3], worker_count;
	bool workers_auto;
	wr_us_t wait_us, wait_max_us;
	uint64_t bytes, rate;
	uint32_t share, mode;
	uint8_t flags, mac[6];
	struct wr_prefix prefix;
	struct wr_addr addr;
	struct wr_endpoint end;
	struct wr_settings_range range;
	struct wr_settings_span span;
	uint16_t rx, tx;
	uint32_t perm, prefer;
	char verb[8];
	uint32_t shelf_count;
	struct toy_shelf {
		char name[16];
		uint32_t box_count;
		struct toy_box *boxes;
		uint32_t line, gone;
	} shelves[4];
	uint32_t first;
	struct wr_prefix *nets; // a list of plain values on the heap
	uint32_t net_count;
	bool extra;
	uint32_t extra_a, extra_b;
};

static const char *const toy_modes[] = {"slow", "quick", NULL};
static const char *const toy_verbs[] = {"push", "pull", NULL};
static const char *const toy_flags[] = {"fin", "syn", "ack", NULL};

#define TOY(m) WR_SETTINGS_FIELD(toy, m)
// clang-format off
static const struct wr_settings_row toy_rows[] = {
	{.path = "fast", .type = WR_SETTINGS_T_BOOL, .dflt = "no", TOY(fast), .help = "F."},
	{.path = "name", .type = WR_SETTINGS_T_NAME, .dflt = "toy", TOY(name), .help = "N."},
	{.path = "file", .type = WR_SETTINGS_T_TEXT, .zero = "none", .dflt = "none", TOY(file), .help = "F."},
	{.path = "workers[]", .type = WR_SETTINGS_T_COUNT, .zero = "auto", .dflt = "auto", .max = 9, .min_items = 1,
	 WR_SETTINGS_ITEMS(toy, workers, worker_count), .auto_offset = offsetof(struct toy, workers_auto), .help = "W."},
	{.path = "wait", WR_SETTINGS_INSIDE, .scalar_sets = "mean", .help = "W."},
	{.path = "wait.mean", .type = WR_SETTINGS_T_TIME, .dflt = "3s", .min = 1000, .max = 3600000000ULL, TOY(wait_us), .help = "M."},
	{.path = "wait.max", .type = WR_SETTINGS_T_TIME, .zero = "off", .dflt = "off", .min = 1000, .max = 3600000000ULL,
	 TOY(wait_max_us), .help = "M."},
	{.path = "bytes", .type = WR_SETTINGS_T_SIZE, .dflt = "1KiB", .min = 16, .max = 1 << 20, TOY(bytes), .help = "B."},
	{.path = "rate", .type = WR_SETTINGS_T_RATE, .dflt = "10k", .min = 1, .max = 1000000000, .unit = "a second", TOY(rate), .help = "R."},
	{.path = "share", .type = WR_SETTINGS_T_DECIMAL, .dflt = "0.5", .min = 1, .max = 2000, TOY(share), .help = "S."},
	{.path = "mode", .type = WR_SETTINGS_T_CHOICE, .choices = toy_modes, .dflt = "slow", TOY(mode), .help = "M."},
	{.path = "kind", .type = WR_SETTINGS_T_CHOICE, .choices = toy_modes, .dflt = "slow", .offset = WR_SETTINGS_NO_FIELD, .help = "K."},
	{.path = "flags", .type = WR_SETTINGS_T_FLAGS, .choices = toy_flags, .dflt = "syn", TOY(flags), .help = "F."},
	{.path = "mac", .type = WR_SETTINGS_T_MAC, .zero = "auto", .dflt = "auto", TOY(mac), .help = "M."},
	{.path = "prefix", .type = WR_SETTINGS_T_PREFIX, .dflt = "198.18.0.1/24", TOY(prefix), .help = "P."},
	{.path = "addr", .type = WR_SETTINGS_T_ADDR, .dflt = "198.18.0.1", TOY(addr), .help = "A."},
	{.path = "end", .type = WR_SETTINGS_T_ENDPOINT, .dflt = "198.18.0.1:80", TOY(end), .help = "E."},
	{.path = "range", .type = WR_SETTINGS_T_RANGE, .zero = "none", .dflt = "none", .max = 256, TOY(range), .help = "R."},
	{.path = "span", .type = WR_SETTINGS_T_SPAN, .dflt = "1-9", .min = 1, .max = 65535, TOY(span), .help = "S."},
	{.path = "rings", WR_SETTINGS_INSIDE, .scalar_sets = "*", .help = "R."},
	{.path = "rings.rx", .type = WR_SETTINGS_T_COUNT, .dflt = "64", .min = 32, .max = 512, TOY(rx), .help = "R."},
	{.path = "rings.tx", .type = WR_SETTINGS_T_COUNT, .dflt = "64", .min = 32, .max = 512, TOY(tx), .help = "T."},
	{.path = "perm", .type = WR_SETTINGS_T_OCTAL, .dflt = "0640", .min = 0200, .max = 0777, TOY(perm), .help = "P."},
	{.path = "prefer", .type = WR_SETTINGS_T_REF, .refers = "shelves[]", .late = true, .unit = "shelf", .zero = "any", .dflt = "any",
	 .max = UINT32_MAX, TOY(prefer), .help = "P."},
	{.path = "verb", .type = WR_SETTINGS_T_TEXT, .choices = toy_verbs, .dflt = "push", TOY(verb), .help = "V."},
	{.path = "shelves[]", .type = WR_SETTINGS_T_SECTION, .min_items = 1, WR_SETTINGS_ARRAY(toy, shelves, shelf_count),
	 .line_offset = offsetof(struct toy_shelf, line), .absent_offset = offsetof(struct toy_shelf, gone), .help = "S."},
	{.path = "shelves[].name", .type = WR_SETTINGS_T_NAME, .dflt = "shelf#", WR_SETTINGS_FIELD(toy_shelf, name), .help = "N."},
	{.path = "shelves[].boxes[]", .type = WR_SETTINGS_T_SECTION, WR_SETTINGS_HEAP(toy_shelf, boxes, box_count, 10),
	 .line_offset = offsetof(struct toy_box, line), .help = "B."},
	{.path = "shelves[].boxes[].name", .type = WR_SETTINGS_T_NAME, WR_SETTINGS_FIELD(toy_box, name), .help = "N."},
	{.path = "shelves[].boxes[].size", .type = WR_SETTINGS_T_COUNT, .dflt = "1", .min = 1, .max = 99,
	 WR_SETTINGS_FIELD(toy_box, size), .help = "S."},
	{.path = "shelves[].boxes[].tags[]", .type = WR_SETTINGS_T_COUNT, .max = 99, WR_SETTINGS_ARRAY(toy_box, tag, tag_count), .help = "T."},
	{.path = "first", .type = WR_SETTINGS_T_REF, .refers = "shelves[]", .unit = "shelf", .zero = "any", .dflt = "any", TOY(first), .help = "F."},
	{.path = "nets[]", .type = WR_SETTINGS_T_PREFIX, WR_SETTINGS_HEAP(toy, nets, net_count, 3), .help = "N."},
	{.path = "extra", WR_SETTINGS_OPTIONAL(toy, extra), .help = "E."},
	{.path = "extra.a", .type = WR_SETTINGS_T_COUNT, .max = 9, TOY(extra_a), .help = "A."},
	{.path = "extra.b", .type = WR_SETTINGS_T_COUNT, .max = 9, .dflt = "7", TOY(extra_b), .help = "B."},
};
// clang-format on
static const struct wr_settings_table toy_table = {
	.rows = toy_rows,
	.count = sizeof(toy_rows) / sizeof(toy_rows[0]),
	.needs = "shelves",
};

static inline void toy_free(struct toy *t)
{
	for (uint32_t i = 0; i < 4; i++)
		free(t->shelves[i].boxes);
	free(t->nets);
	free(t);
}

// From text (NULL: no file) and settings of the command line, which end with NULL.
static inline struct toy *toy_try(
	const char *text, size_t len, char *const *set, struct wr_err *err)
{
	struct wr_settings_input in = {.file = "t.yaml", .text = text, .len = len, .set = set};
	struct toy *t = calloc(1, sizeof(*t));
	struct wr_settings_marks marks = {0};
	int rc;

	while (set && set[in.set_count])
		in.set_count++;
	rc = wr_settings_parse(&toy_table, &in, t, &marks, err);
	wr_settings_marks_fini(&marks);
	if (rc == 0)
		return t;
	assert_true(err->text[0] != 0);
	toy_free(t);
	return NULL;
}

static inline struct toy *toy_take_set(const char *text, char *const *set)
{
	struct wr_err err = {{0}};
	struct toy *t = toy_try(text, text ? strlen(text) : 0, set, &err);

	if (!t)
		fail_msg("refused: %s", err.text);
	return t;
}

static inline struct toy *toy_take(const char *text)
{
	return toy_take_set(text, NULL);
}

static inline void toy_refused_whole(
	const char *text, size_t len, char *const *set, const char *sentence)
{
	struct wr_err err = {{0}};

	if (toy_try(text, len, set, &err))
		fail_msg("taken, but should say: %s", sentence);
	if (!strstr(err.text, sentence))
		fail_msg("says:      %s\nshould say: %s", err.text, sentence);
}

// A text and its length.
#define TOY_TEXT(text) text, sizeof(text) - 1

#define TOY_SHELVES "shelves: [{boxes: [{name: a}]}]\n"
// A text that lacks no more than the shelves, refused.
static inline void toy_refused(const char *text, const char *sentence)
{
	char whole[8192];

	snprintf(whole, sizeof(whole), "%s" TOY_SHELVES, text);
	toy_refused_whole(whole, strlen(whole), NULL, sentence);
}

static inline struct wr_settings_row toy_row(
	enum wr_settings_type type, uint64_t min, uint64_t max, size_t size)
{
	return (struct wr_settings_row){
		.path = "x", .type = type, .min = min, .max = max, .size = size};
}

static inline void takes(const struct wr_settings_row *s, const char *text, void *dst)
{
	char why[WR_SETTINGS_WHY];

	if (wr_settings_parse_value(s, text, dst, NULL, why) < 0)
		fail_msg("'%s' %s", text, why);
}

static inline void refuses(const struct wr_settings_row *s, const char *text, const char *reason)
{
	char why[WR_SETTINGS_WHY] = "";
	uint8_t dst[256];

	if (wr_settings_parse_value(s, text, dst, NULL, why) == 0)
		fail_msg("'%s' is taken", text);
	if (!strstr(why, reason) || !strstr(why, "; right would be "))
		fail_msg("'%s' %s", text, why);
}

// Print, and compare with what is expected.
static inline void prints(const struct wr_settings_row *s, const void *src, const char *expected)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	wr_settings_print_value(s, src, NULL, out);
	fclose(out);
	assert_string_equal(text, expected);
	free(text);
}
