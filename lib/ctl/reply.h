/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_telemetry.h>

// The one shape of a reply: {"next": N, "total": N, "rows": {"0": {...}, "1": {...}}}.
// DPDK hides what does not fit into 16 KiB, so a page is closed at 12 KiB by our own count, and
// `next` is the cursor that the next request begins with (0: that was all).

#define WR_REPLY_BYTES    12288
#define WR_REPLY_ROWS     200 // a DPDK dict holds 256 entries
#define WR_REPLY_TEXT_MAX (RTE_TEL_MAX_STRING_LEN - 1)

struct wr_reply {
	struct rte_tel_data *rows;
	struct rte_tel_data *row; // open, not yet in `rows`
	size_t bytes;             // of finished rows, as JSON
	size_t row_bytes;         // of the open one
	uint64_t cursor;          // rows before this index are skipped
	uint64_t index;           // of the next row
	uint64_t next;
	uint64_t total;
	uint32_t count; // rows in the page
	bool total_set;
	bool full;
	bool failed; // out of memory, or DPDK refused a field
};

// Begin a page at a cursor. False: out of memory (finish it all the same).
bool wr_reply_begin(struct wr_reply *r, uint64_t cursor);

// Begin the next row, ending the one before. False when it lies before the cursor or behind the end
// of the page: the caller skips its fields and goes on to the next row, so that the total is right.
bool wr_reply_row(struct wr_reply *r);

// Fields of the open row. Text is cut at 127 characters; what is not printable ASCII becomes '?'
// (22.11 indexes a table with the signed character).
void wr_reply_str(struct wr_reply *r, const char *key, const char *text);
void wr_reply_fmt(struct wr_reply *r, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void wr_reply_uint(struct wr_reply *r, const char *key, uint64_t value);

// Negative values below -2^31 are shown as -2^31: 22.11 has no wider signed integer.
void wr_reply_int(struct wr_reply *r, const char *key, int64_t value);

// A sentence of any length in pieces of 127 characters: key, key_2, key_3 ... to be joined.
void wr_reply_text(struct wr_reply *r, const char *key, const char *text);

// A row {error, remedy}.
void wr_reply_error(struct wr_reply *r, const char *remedy, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

// Bytes left in the page, the open row ended.
size_t wr_reply_room(struct wr_reply *r);

// For tables that have cursors of their own: what `next` and `total` say.
void wr_reply_set_next(struct wr_reply *r, uint64_t next);
void wr_reply_set_total(struct wr_reply *r, uint64_t total);

// End the page into what DPDK serialises, and let go of everything. 0 or -ENOMEM.
int wr_reply_finish(struct wr_reply *r, struct rte_tel_data *top);

// The only place that names DPDK's unsigned integer: 23.03 renamed it.
int wr_ctl_put_uint(struct rte_tel_data *d, const char *name, uint64_t value);
