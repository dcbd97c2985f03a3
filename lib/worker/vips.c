/* SPDX-License-Identifier: BSD-3-Clause */

// Addresses of services and of sources towards backends: ours besides the ports' own. Layer 3
// serves them; here stands who they are for, so that one is given up only when nobody needs it.
// Control thread alone.

#include "vips.h"

#include <errno.h>
#include <stdlib.h>

#define LOOK_US  WR_US_PER_S       // between looks for one to give up
#define AGAIN_US (5 * WR_US_PER_S) // one that is in use is looked at again

static bool is_own_address(const struct wr_conf *c, const struct wr_addr *a)
{
	for (uint32_t i = 0; i < c->port_count; i++)
		for (uint32_t k = 0; k < c->ports[i].addr_count; k++)
			if (wr_addr_eq(&c->ports[i].addr[k].addr, a))
				return true;
	return false;
}

// False: there is no room.
static bool want(struct vips *v, const struct wr_conf *c, const struct wr_addr *a)
{
	if (is_own_address(c, a))
		return true;
	for (uint32_t i = 0; i < v->count; i++) {
		struct vip *e = &v->list[i];

		if (!wr_addr_eq(&e->addr, a))
			continue;
		e->fresh |= e->asked; // it was given up, or is about to be
		e->wanted = true;
		return true;
	}
	if (v->count == VIPS_MAX)
		return false;
	v->list[v->count++] = (struct vip){.addr = *a, .wanted = true, .fresh = true};
	return true;
}

static bool want_sources(struct vips *v, const struct wr_conf *c, const struct wr_conf_pool *pc)
{
	for (uint32_t k = 0; k < pc->source_count; k++) {
		struct wr_addr a = pc->source[k].first;

		for (uint32_t left = WR_MAX_SOURCES; left > 0; left--, a = wr_addr_next(&a)) {
			if (!want(v, c, &a))
				return false;
			if (wr_addr_cmp(&a, &pc->source[k].last) >= 0)
				break;
		}
	}
	return true;
}

static bool want_all(struct vips *v, const struct wr_conf *c)
{
	for (uint32_t i = 0; i < c->service_count; i++)
		for (uint32_t k = 0; k < c->services[i].listen_count; k++)
			if (!want(v, c, &c->services[i].listen[k].addr))
				return false;
	for (uint32_t i = 0; i < c->pool_count; i++)
		if (!want_sources(v, c, &c->pools[i]))
			return false;
	return true;
}

int vips_init(struct vips *v, const struct wr_conf *c, struct wr_err *err)
{
	v->list = calloc(VIPS_MAX, sizeof(*v->list));
	if (v->list == NULL)
		return wr_err_set(err, ENOMEM, "out of memory for addresses");
	return vips_plan(v, c, NULL, err);
}

void vips_fini(struct vips *v)
{
	free(v->list);
	v->list = NULL;
}

// Whether layer 3 takes those that are new.
static int check_fresh(const struct vips *v, const struct wr_l3_net *l3, struct wr_err *err)
{
	char text[WR_ADDR_STR];
	uint32_t more = 0;

	for (uint32_t i = 0; i < v->count; i++) {
		const struct vip *e = &v->list[i];
		int rc = e->fresh ? wr_l3_vip_may(l3, &e->addr, more) : 1;

		more += rc == 0;
		wr_addr_format(&e->addr, text, sizeof(text));
		if (rc == -EINVAL)
			return wr_err_set(err, EINVAL,
				"address %s of a service or source is no unicast address, or the "
				"broadcast address of a port's prefix",
				text);
		if (rc < 0)
			return wr_err_set(err, ENOSPC,
				"address %s of a service or source finds no room: %u different "
				"ones "
				"were served since the start; restart the instance",
				text, 2 * VIPS_MAX);
	}
	return 0;
}

int vips_plan(
	struct vips *v, const struct wr_conf *c, const struct wr_l3_net *l3, struct wr_err *err)
{
	int rc;

	v->known = v->count;
	for (uint32_t i = 0; i < v->count; i++) {
		v->list[i].was_wanted = v->list[i].wanted;
		v->list[i].wanted = false;
	}
	if (!want_all(v, c))
		rc = wr_err_set(err, E2BIG,
			"services and sources have more than %u addresses, those included that are "
			"being given up; use fewer source addresses",
			VIPS_MAX);
	else
		rc = l3 != NULL ? check_fresh(v, l3, err) : 0;
	if (rc < 0)
		vips_cancel(v);
	return rc;
}

void vips_cancel(struct vips *v)
{
	v->count = v->known;
	for (uint32_t i = 0; i < v->count; i++) {
		v->list[i].wanted = v->list[i].was_wanted;
		v->list[i].fresh = false;
	}
}

void vips_begin(const struct vips *v, struct wr_l3 *l3, wr_us_t now)
{
	for (uint32_t i = 0; i < v->count; i++)
		if (v->list[i].fresh)
			wr_l3_vip_add(l3, &v->list[i].addr, now);
}

void vips_commit(struct vips *v, wr_us_t keep, wr_us_t now)
{
	v->next_us = now + LOOK_US;
	for (uint32_t i = 0; i < v->count; i++) {
		struct vip *e = &v->list[i];

		if (e->fresh)
			e->asked = e->fresh = false;
		if (!e->wanted && e->was_wanted)
			e->until_us = now + keep;
	}
}

// --- giving up ------------------------------------------------------------------------------

// Takes a worker's answer, and asks it for more if need be. True while it has a message, or should.
static bool part_on(struct wr_worker *w, struct vip_look *l, struct vip_look_part *p, bool over)
{
	struct wr_msg m = {.kind = WR_MSG_VIP_LOOK, .ptr = p, .done = &p->done};

	if (p->asked) {
		if (__atomic_load_n(&p->done, __ATOMIC_ACQUIRE) == 0)
			return true;
		p->asked = false;
		l->used |= p->used;
	}
	if (over || l->used || p->cursor == UINT32_MAX)
		return false;
	p->addr = &l->addr;
	p->done = 0;
	p->asked = wr_worker_post(w, &m) == 0;
	return true;
}

// One address at a time: all workers are asked at once, some sessions a message, whether a
// connection still has it for its own. True while that goes on.
static bool look_on(struct wr_fabric *f, wr_us_t now)
{
	struct vip_look *l = &f->vips.look;
	struct vip *e = &f->vips.list[l->vip];
	struct wr_msg m = {.kind = WR_MSG_VIP_DROP, .ptr = &e->addr, .done = &e->done};
	bool on = false;

	for (uint16_t i = 0; i < f->cfg.workers; i++)
		on |= part_on(f->worker[i], l, &l->part[i], e->wanted);
	if (on)
		return true;
	if (e->wanted) // again, since
		return false;
	if (l->used) {
		e->until_us = now + AGAIN_US;
		return false;
	}
	e->done = 0;
	e->asked = wr_worker_post(f->worker[0], &m) == 0;
	f->vips.next_us = now; // there may be more
	return false;
}

// From the end: a message may still point at an entry that is not the last.
static void forget_last(struct vips *v)
{
	while (v->count > 0) {
		const struct vip *e = &v->list[v->count - 1];

		if (e->wanted || !e->asked || __atomic_load_n(&e->done, __ATOMIC_ACQUIRE) == 0)
			return;
		v->count--;
	}
}

void vips_turn(struct wr_fabric *f, wr_us_t now)
{
	struct vips *v = &f->vips;

	if (f->changing)
		return;
	if (v->looking)
		v->looking = look_on(f, now);
	if (v->looking || now < v->next_us)
		return;
	v->next_us = now + LOOK_US;
	forget_last(v);
	for (uint32_t k = 0, from = v->next; k < v->count && !v->looking; k++) {
		uint32_t i = (from + k) % v->count;
		const struct vip *e = &v->list[i];

		if (e->wanted || e->asked || now < e->until_us)
			continue;
		// Round robin: those in use, which are due again soon, are not all that is looked
		// at.
		v->next = i + 1;
		v->look = (struct vip_look){.addr = e->addr, .vip = i};
		v->looking = look_on(f, now);
	}
}
