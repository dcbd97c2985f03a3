/* SPDX-License-Identifier: BSD-3-Clause */
#include "reply.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define FIELD_OVERHEAD 4   // two quotes, colon, comma
#define ROW_OVERHEAD   10  // quoted number, colon, braces, comma
#define TEXT_PIECES    4   // of a long sentence
#define PAGE_OVERHEAD  128 // command, next, total, rows

int wr_ctl_put_uint(struct rte_tel_data *d, const char *name, uint64_t value)
{
	return rte_tel_data_add_dict_u64(d, name, value);
}

bool wr_reply_begin(struct wr_reply *r, uint64_t cursor)
{
	memset(r, 0, sizeof(*r));
	r->cursor = cursor;
	r->bytes = PAGE_OVERHEAD;
	r->rows = rte_tel_data_alloc();
	if (r->rows == NULL || rte_tel_data_start_dict(r->rows) != 0)
		r->failed = true;
	return !r->failed;
}

// Put the open row into the page, or close the page in front of it.
static void end_row(struct wr_reply *r)
{
	char key[12];

	if (r->row == NULL)
		return;
	// The first row goes in whatever its size: a page without progress would never end.
	if (r->count > 0 &&
		(r->bytes + r->row_bytes > WR_REPLY_BYTES || r->count >= WR_REPLY_ROWS)) {
		r->full = true;
		r->next = r->index - 1;
		rte_tel_data_free(r->row);
	} else {
		snprintf(key, sizeof(key), "%" PRIu32, r->count);
		if (rte_tel_data_add_dict_container(r->rows, key, r->row, 0) != 0) {
			r->failed = true;
			rte_tel_data_free(r->row);
		}
		r->bytes += r->row_bytes;
		r->count++;
	}
	r->row = NULL;
}

bool wr_reply_row(struct wr_reply *r)
{
	uint64_t index;

	end_row(r);
	index = r->index++;
	if (index < r->cursor || r->full || r->failed)
		return false;
	r->row = rte_tel_data_alloc();
	if (r->row == NULL || rte_tel_data_start_dict(r->row) != 0) {
		r->failed = true;
		return false;
	}
	r->row_bytes = ROW_OVERHEAD;
	return true;
}

// Copy at most `len - 1` characters; returns the bytes that they take in JSON.
static size_t clean(char *out, size_t len, const char *text)
{
	size_t json = 0;
	size_t i = 0;

	for (; i < len - 1 && text[i] != '\0'; i++) {
		bool printable = text[i] >= ' ' && text[i] <= '~';

		out[i] = printable ? text[i] : '?';
		json += out[i] == '"' || out[i] == '\\' ? 2 : 1;
	}
	out[i] = '\0';
	return json;
}

void wr_reply_str(struct wr_reply *r, const char *key, const char *text)
{
	char cut[WR_REPLY_TEXT_MAX + 1];

	if (r->row == NULL)
		return;
	r->row_bytes += clean(cut, sizeof(cut), text == NULL ? "" : text);
	r->row_bytes += strlen(key) + FIELD_OVERHEAD + 2;
	if (rte_tel_data_add_dict_string(r->row, key, cut) != 0)
		r->failed = true;
}

void wr_reply_fmt(struct wr_reply *r, const char *key, const char *fmt, ...)
{
	char text[WR_REPLY_TEXT_MAX + 1];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	wr_reply_str(r, key, text);
}

void wr_reply_uint(struct wr_reply *r, const char *key, uint64_t value)
{
	char digits[24];

	if (r->row == NULL)
		return;
	r->row_bytes += strlen(key) + FIELD_OVERHEAD +
	                (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, value);
	if (wr_ctl_put_uint(r->row, key, value) != 0)
		r->failed = true;
}

void wr_reply_int(struct wr_reply *r, const char *key, int64_t value)
{
	if (value >= 0) {
		wr_reply_uint(r, key, (uint64_t)value);
		return;
	}
	if (r->row == NULL)
		return;
	r->row_bytes += strlen(key) + FIELD_OVERHEAD + 11;
	if (rte_tel_data_add_dict_int(r->row, key, value < INT32_MIN ? INT32_MIN : (int)value) != 0)
		r->failed = true;
}

void wr_reply_text(struct wr_reply *r, const char *key, const char *text)
{
	char name[48];
	size_t len = strlen(text);

	wr_reply_str(r, key, text);
	for (unsigned int piece = 2; piece <= TEXT_PIECES; piece++) {
		size_t at = (size_t)(piece - 1) * WR_REPLY_TEXT_MAX;

		if (at >= len)
			break;
		snprintf(name, sizeof(name), "%s_%u", key, piece);
		wr_reply_str(r, name, text + at);
	}
}

void wr_reply_error(struct wr_reply *r, const char *remedy, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	// An error is shown whatever the cursor says.
	r->cursor = 0;
	if (!wr_reply_row(r))
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	wr_reply_text(r, "error", text);
	wr_reply_text(r, "remedy", remedy);
}

size_t wr_reply_room(struct wr_reply *r)
{
	end_row(r);
	if (r->full || r->failed || r->count >= WR_REPLY_ROWS || r->bytes >= WR_REPLY_BYTES)
		return 0;
	return WR_REPLY_BYTES - r->bytes;
}

void wr_reply_set_next(struct wr_reply *r, uint64_t next)
{
	r->next = next;
}

void wr_reply_set_total(struct wr_reply *r, uint64_t total)
{
	r->total = total;
	r->total_set = true;
}

int wr_reply_finish(struct wr_reply *r, struct rte_tel_data *top)
{
	end_row(r);
	if (r->failed || rte_tel_data_start_dict(top) != 0)
		goto err_free_rows;
	if (wr_ctl_put_uint(top, "next", r->next) != 0 ||
		wr_ctl_put_uint(top, "total", r->total_set ? r->total : r->index) != 0)
		goto err_free_rows;
	// DPDK frees the rows once they are written out.
	if (rte_tel_data_add_dict_container(top, "rows", r->rows, 0) != 0)
		goto err_free_rows;
	r->rows = NULL;
	return 0;

err_free_rows:
	if (r->rows != NULL)
		rte_tel_data_free(r->rows);
	r->rows = NULL;
	return -ENOMEM;
}
