/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "wr_pool.h"

// Doubly linked lists of pooled objects, linked by handle so that objects stay position-free.
// `off` is the offset of the link inside the object; it is a constant at every call.

struct wr_tcp_link {
	wr_handle_t next;
	wr_handle_t prev;
};

struct wr_tcp_list {
	wr_handle_t head;
	wr_handle_t tail;
	uint32_t count;
};

static inline struct wr_tcp_link *wr_tcp_link_at(
	const struct wr_pool *pool, wr_handle_t h, size_t off)
{
	return (struct wr_tcp_link *)((char *)wr_pool_at(pool, wr_handle_index(h)) + off);
}

static inline void wr_tcp_list_append(
	struct wr_tcp_list *l, const struct wr_pool *pool, wr_handle_t h, size_t off)
{
	struct wr_tcp_link *k = wr_tcp_link_at(pool, h, off);

	k->next = WR_HANDLE_NONE;
	k->prev = l->tail;
	if (l->tail != WR_HANDLE_NONE)
		wr_tcp_link_at(pool, l->tail, off)->next = h;
	else
		l->head = h;
	l->tail = h;
	l->count++;
}

static inline void wr_tcp_list_remove(
	struct wr_tcp_list *l, const struct wr_pool *pool, wr_handle_t h, size_t off)
{
	struct wr_tcp_link *k = wr_tcp_link_at(pool, h, off);

	if (k->prev != WR_HANDLE_NONE)
		wr_tcp_link_at(pool, k->prev, off)->next = k->next;
	else
		l->head = k->next;
	if (k->next != WR_HANDLE_NONE)
		wr_tcp_link_at(pool, k->next, off)->prev = k->prev;
	else
		l->tail = k->prev;
	k->next = WR_HANDLE_NONE;
	k->prev = WR_HANDLE_NONE;
	l->count--;
}
