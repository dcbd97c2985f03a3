/* SPDX-License-Identifier: BSD-3-Clause */
#include "copy.h"

#include <stdlib.h>
#include <string.h>

// NULL for none; *ok becomes false without memory.
static void *copy_list(const void *from, uint32_t n, size_t size, bool *ok)
{
	void *to = n ? malloc(n * size) : NULL;

	if (to)
		memcpy(to, from, n * size);
	*ok = *ok && (to || n == 0);
	return to;
}

bool wr_conf_copy_service(struct wr_conf_service *to, const struct wr_conf_service *from)
{
	bool ok = true;

	*to = *from;
	to->sources = copy_list(from->sources, from->source_count, sizeof(*from->sources), &ok);
	to->proxied = copy_list(from->proxied, from->proxied_count, sizeof(*from->proxied), &ok);
	return ok;
}

bool wr_conf_copy_pool(struct wr_conf_pool *to, const struct wr_conf_pool *from)
{
	bool ok = true;

	*to = *from;
	to->backends = copy_list(from->backends, from->backend_count, sizeof(*from->backends), &ok);
	return ok;
}

struct wr_conf *wr_conf_copy(const struct wr_conf *c)
{
	struct wr_conf *to = calloc(1, sizeof(*to));
	bool ok = true;

	if (!to)
		return NULL;
	memcpy(to, c, offsetof(struct wr_conf, services));
	to->marks = NULL; // they point into the original
	to->access.deny =
		copy_list(c->access.deny, c->access.deny_count, sizeof(*c->access.deny), &ok);
	to->access.allow =
		copy_list(c->access.allow, c->access.allow_count, sizeof(*c->access.allow), &ok);
	to->pool_count = c->pool_count;
	for (uint32_t i = 0; i < c->service_count; i++)
		ok = wr_conf_copy_service(&to->services[i], &c->services[i]) && ok;
	for (uint32_t i = 0; i < c->pool_count; i++)
		ok = wr_conf_copy_pool(&to->pools[i], &c->pools[i]) && ok;
	if (ok)
		return to;
	wr_conf_free(to);
	return NULL;
}
