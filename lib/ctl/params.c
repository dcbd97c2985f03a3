/* SPDX-License-Identifier: BSD-3-Clause */
#include "params.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

int wr_params_number(const char *text, uint64_t max, uint64_t *out)
{
	uint64_t value = 0;

	if (text[0] == '\0')
		return -EINVAL;
	for (const char *c = text; *c != '\0'; c++) {
		if (*c < '0' || *c > '9')
			return -EINVAL;
		if (__builtin_mul_overflow(value, 10, &value) ||
			__builtin_add_overflow(value, (uint64_t)(*c - '0'), &value) || value > max)
			return -EINVAL;
	}
	*out = value;
	return 0;
}

// True when `key` is one of the words of `list`.
static bool listed(const char *list, const char *key)
{
	size_t len = strlen(key);

	for (const char *w = list; *w != '\0';) {
		size_t n = strcspn(w, " ");

		if (n == len && memcmp(w, key, n) == 0)
			return true;
		w += n;
		w += strspn(w, " ");
	}
	return false;
}

// One piece between commas: the cursor, or key=value.
static int parse_item(
	struct wr_params *p, char *item, bool first, const char *allowed, struct wr_err *err)
{
	char *value = strchr(item, '=');

	if (value == NULL) {
		if (first && wr_params_number(item, UINT64_MAX, &p->cursor) == 0)
			return 0;
		return wr_err_set(err, EINVAL,
			"parameter '%.64s' is neither a cursor in front nor key=value", item);
	}
	*value++ = '\0';
	if (!listed(allowed, item))
		return wr_err_set(err, EINVAL, "unknown parameter '%.64s'", item);
	if (*value == '\0')
		return wr_err_set(err, EINVAL, "parameter '%.64s' has no value", item);
	if (wr_params_get(p, item) != NULL)
		return wr_err_set(err, EINVAL, "parameter '%.64s' is given twice", item);
	if (p->count == WR_PARAMS_MAX)
		return wr_err_set(err, EINVAL, "more than %d parameters", WR_PARAMS_MAX);
	p->item[p->count].key = item;
	p->item[p->count].value = value;
	p->count++;
	return 0;
}

int wr_params_parse(struct wr_params *p, const char *text, const char *allowed, struct wr_err *err)
{
	char *rest = p->text;
	bool first = true;

	memset(p, 0, sizeof(*p));
	if (text == NULL || text[0] == '\0')
		return 0;
	if (strlen(text) >= sizeof(p->text))
		return wr_err_set(
			err, EINVAL, "parameters longer than %zu characters", sizeof(p->text) - 1);
	memcpy(p->text, text, strlen(text) + 1);
	while (rest != NULL) {
		char *item = rest;
		int rc;

		rest = strchr(item, ',');
		if (rest != NULL)
			*rest++ = '\0';
		rc = parse_item(p, item, first, allowed, err);
		if (rc != 0)
			return rc;
		first = false;
	}
	return 0;
}

const char *wr_params_get(const struct wr_params *p, const char *key)
{
	for (uint32_t i = 0; i < p->count; i++)
		if (strcmp(p->item[i].key, key) == 0)
			return p->item[i].value;
	return NULL;
}

int wr_params_uint(const struct wr_params *p, const char *key, uint64_t fallback, uint64_t max,
	uint64_t *out, struct wr_err *err)
{
	const char *value = wr_params_get(p, key);

	*out = fallback;
	if (value == NULL)
		return 0;
	if (wr_params_number(value, max, out) != 0)
		return wr_err_set(err, EINVAL,
			"parameter '%s' is '%.64s', not a number from 0 to %" PRIu64, key, value,
			max);
	return 0;
}

int wr_params_bool(const struct wr_params *p, const char *key, bool *out, struct wr_err *err)
{
	uint64_t value;
	int rc = wr_params_uint(p, key, 0, 1, &value, err);

	*out = rc == 0 && value == 1;
	return rc;
}

int wr_params_conn_id(const char *text, uint16_t *worker, uint32_t *id)
{
	const char *dot = strchr(text, '.');
	char head[8];
	uint64_t w, n;

	if (dot == NULL || (size_t)(dot - text) >= sizeof(head))
		return -EINVAL;
	memcpy(head, text, (size_t)(dot - text));
	head[dot - text] = '\0';
	if (wr_params_number(head, UINT16_MAX, &w) != 0 ||
		wr_params_number(dot + 1, UINT32_MAX, &n) != 0)
		return -EINVAL;
	*worker = (uint16_t)w;
	*id = (uint32_t)n;
	return 0;
}
