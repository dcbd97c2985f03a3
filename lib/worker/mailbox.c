/* SPDX-License-Identifier: BSD-3-Clause */

// The control mailbox: at most WR_MBOX_BUDGET messages a turn.

#include "worker_priv.h"

#include <errno.h>
#include <time.h>

// Parts of a look are neighbours in memory: a worker writes its own once.
static void look_at_vip(const struct wr_worker *w, struct vip_look_part *part)
{
	uint32_t cursor = part->cursor;

	part->used = wr_proxy_uses_address(w->proxy, part->addr, &cursor);
	part->cursor = cursor;
}

static int handle(struct wr_worker *w, const struct wr_msg *m, wr_us_t now)
{
	struct wr_dump_request *dump;

	switch (m->kind) {
	case WR_MSG_CHECK:
		wr_proxy_check(w->proxy,
			&(struct wr_check){.backend = (uint16_t)m->a,
				.kind = (uint8_t)m->c,
				.slot = (uint8_t)(m->c >> 8),
				.asked = m->b,
				.timeout_us = m->t},
			now);
		return 0;
	case WR_MSG_ADOPT:
		worker_adopt(w, m->ptr, now);
		return 0;
	case WR_MSG_VIP_LOOK:
		look_at_vip(w, m->ptr);
		return 0;
	case WR_MSG_VIP_DROP:
		wr_l3_vip_drop(w->l3, m->ptr);
		return 0;
	case WR_MSG_IPSEC_OUT:
		wr_ipsec_set_out(w->ipsec, (uint16_t)m->a, m->ptr);
		return 0;
	case WR_MSG_CAPTURE:
		w->capture = m->ptr;
		return 0;
	case WR_MSG_KILL_BACKEND:
		wr_proxy_kill_backend(
			w->proxy, (uint16_t)m->a, m->t != 0 ? RTE_MIN(m->t, now) : now);
		return 0;
	case WR_MSG_KILL_SESSION:
		return wr_proxy_kill(w->proxy, m->a, now);
	case WR_MSG_DUMP_SESSIONS:
		dump = m->ptr;
		dump->count = wr_proxy_dump(
			w->proxy, &dump->filter, &dump->cursor, dump->out, dump->max, now);
		return (int)dump->count;
	case WR_MSG_STOP_ACCEPT:
		w->stopped = true;
		wr_proxy_stop(w->proxy);
		return 0;
	case WR_MSG_ABORT_ALL:
		wr_proxy_abort_all(w->proxy);
		return 0;
	case WR_MSG_LEDGER_WALK:
		wr_tcp_gauges_walk(w->tcp, m->ptr);
		return 0;
	case WR_MSG_FORCE_LEVEL:
		wr_pressure_force(&w->pressure, (uint16_t)m->a, (int)m->b - 1);
		return 0;
	case WR_MSG_DOOR_ORDER:
		wr_door_order(w->door, (uint16_t)m->a, (uint8_t)m->b);
		return 0;
	default:
		return 0;
	}
}

uint32_t worker_mailbox(struct wr_worker *w, wr_us_t now)
{
	struct wr_msg m[WR_MBOX_BUDGET];
	uint32_t n = rte_ring_dequeue_burst_elem(w->mailbox, m, sizeof(m[0]), WR_MBOX_BUDGET, NULL);

	for (uint32_t i = 0; i < n; i++) {
		int result = handle(w, &m[i], now);

		if (m[i].done != NULL)
			__atomic_store_n(m[i].done, 1 + result, __ATOMIC_RELEASE);
	}
	wr_stats_add(&w->stats, WR_CTR_mbox_messages, n);
	return n;
}

int wr_worker_post(struct wr_worker *w, const struct wr_msg *m)
{
	if (rte_ring_enqueue_elem(w->mailbox, (void *)(uintptr_t)m, sizeof(*m)) == 0)
		return 0;
	__atomic_fetch_add(&w->mailbox_refused, 1, __ATOMIC_RELAXED);
	return -ENOBUFS;
}

int wr_worker_call(struct wr_worker *w, struct wr_msg *m, uint32_t timeout_ms)
{
	// Static, since after a time-out the worker may still answer, at any later time; many, so
	// that such an answer does not meet a newer question. Control side only.
	static int slots[4096];
	static uint32_t next;
	int *done = &slots[__atomic_fetch_add(&next, 1, __ATOMIC_RELAXED) % RTE_DIM(slots)];
	struct timespec pause = {.tv_nsec = 100000};

	__atomic_store_n(done, 0, __ATOMIC_RELAXED);
	m->done = done;
	if (wr_worker_post(w, m) < 0)
		return -ENOBUFS;
	for (uint32_t waited_us = 0; waited_us < timeout_ms * 1000; waited_us += 100) {
		int got = __atomic_load_n(done, __ATOMIC_ACQUIRE);

		if (got != 0)
			return got - 1;
		nanosleep(&pause, NULL);
	}
	return -ETIMEDOUT;
}
