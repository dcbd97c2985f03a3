/* SPDX-License-Identifier: BSD-3-Clause */

// From one configuration to the next while workers run: control makes everything, each worker
// takes its part over between two turns, and what was replaced is freed when all have.

#include "worker_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>

#include "ipsec.h"
#include "vips.h"
#include "wr_log.h"

#define GROUPS_MAX 64 // multicast groups of a port

// What one worker takes over.
struct worker_change {
	const struct wr_conf *conf;
	struct wr_proxy_change *proxy;
	const struct vips *vips;
	int done; // set by the worker
	bool asked;
};

struct wr_fabric_change {
	struct wr_fabric *fabric;
	const struct wr_conf *fresh;
	struct worker_change part[];
};

uint8_t worker_limits_of(const struct wr_conf_service *sv)
{
	bool service = sv->limit.rate != 0 || sv->limit.connections != 0;
	bool client = sv->client.rate != 0 || sv->client.connections != 0;

	return (uint8_t)((service ? LIMITED_SERVICE : 0) | (client ? LIMITED_CLIENT : 0));
}

uint32_t worker_holds(const struct wr_conf_pressure *pc)
{
	return pc->enabled && pc->hold_us != 0 ? pc->hold_requests : 0;
}

// Whether slot i belongs to another service than before.
static bool is_other(const struct wr_conf *before, const struct wr_conf *fresh, uint32_t i)
{
	return i >= before->service_count ||
	       strcmp(before->services[i].name, fresh->services[i].name) != 0;
}

static void adopt_service(struct wr_worker *w, const struct wr_conf *fresh, uint16_t i, wr_us_t now)
{
	const struct wr_conf_service *sv = &fresh->services[i];
	bool other = is_other(w->conf, fresh, i);

	w->limited[i] = worker_limits_of(sv);
	wr_door_set_service(
		w->door, i, sv->wait_target_us, sv->refuse == WR_CONF_REFUSE_DROP, other, now);
	if (!other)
		return;
	wr_pressure_force(&w->pressure, i, -1);
	w->limit_told[i] = w->limit_hits[i];
	w->pending_refused[i] = 0;
	w->gate_seen[1 + i] = (struct gate_seen){0};
}

void worker_adopt(struct wr_worker *w, struct worker_change *ch, wr_us_t now)
{
	const struct wr_conf *fresh = ch->conf;
	uint64_t from = rte_rdtsc();

	wr_proxy_adopt(w->proxy, ch->proxy, now);
	wr_door_set_services(w->door, (uint16_t)fresh->service_count);
	wr_pressure_set_services(&w->pressure, (uint16_t)fresh->service_count);
	wr_door_set_worker(w->door, fresh->pressure.target_us, fresh->pressure.hold_us,
		fresh->pressure.hold_requests);
	hold_set(&w->hold, worker_holds(&fresh->pressure), fresh->pressure.hold_us);
	if (w->conf->pressure.enabled && !fresh->pressure.enabled) {
		wr_door_open_all(w->door, now);
		w->by_cookie = false;
	}
	for (uint16_t i = 0; i < fresh->service_count; i++)
		adopt_service(w, fresh, i, now);
	w->limited_all = fresh->limit.rate != 0 || fresh->limit.connections != 0;
	w->conf = fresh;
	worker_services_register(w); // begin() saw to it that there is room
	worker_clients_register(w);
	worker_marks(w);
	if (w->id == 0)
		vips_begin(ch->vips, w->l3, now);
	wr_stats_add(&w->stats, WR_CTR_configs_adopted, 1);
	wr_stats_add(&w->stats, WR_CTR_config_switch_us,
		(rte_rdtsc() - from) * 1000 / w->fabric->cycles_per_ms);
}

// --- control thread -------------------------------------------------------------------------

static int queues_fit(struct wr_fabric *f, const struct wr_conf *fresh, struct wr_err *err)
{
	for (uint16_t i = 0; i < f->cfg.workers; i++) {
		const struct wr_worker *w = f->worker[i];
		uint32_t need = worker_services_need(w, fresh);

		if (w->pressure.queue_count + need > WR_PRESSURE_QUEUES_MAX)
			return wr_err_set(err, ENOSPC,
				"limits of pools and backends would bring worker %u to %u queues, "
				"and %u is the most; limit pools instead of each backend",
				i, w->pressure.queue_count + need, WR_PRESSURE_QUEUES_MAX);
	}
	return 0;
}

static void parts_free(struct wr_fabric_change *ch)
{
	for (uint16_t i = 0; i < ch->fabric->cfg.workers; i++)
		wr_proxy_change_destroy(ch->part[i].proxy);
	free(ch);
}

static int parts_make(struct wr_fabric_change *ch, struct wr_err *err)
{
	struct wr_fabric *f = ch->fabric;

	for (uint16_t i = 0; i < f->cfg.workers; i++) {
		struct worker_change *part = &ch->part[i];

		part->conf = ch->fresh;
		part->vips = &f->vips;
		part->proxy = wr_proxy_change_create(f->worker[i]->proxy, ch->fresh, err);
		if (part->proxy == NULL)
			return -ENOMEM;
	}
	return 0;
}

struct wr_fabric_change *wr_fabric_change_begin(
	struct wr_fabric *f, const struct wr_conf *fresh, struct wr_err *err)
{
	struct wr_fabric_change *ch =
		calloc(1, sizeof(*ch) + f->cfg.workers * sizeof(struct worker_change));

	if (ch == NULL) {
		wr_err_set(err, ENOMEM, "out of memory for a new configuration");
		return NULL;
	}
	ch->fabric = f;
	ch->fresh = fresh;
	if (queues_fit(f, fresh, err) < 0 || vips_plan(&f->vips, fresh, f->l3, err) < 0)
		goto fail;
	if (wr_backends_prepare(f->cfg.backends, fresh, err) < 0)
		goto fail_vips;
	if (wr_proxy_shared_prepare(
		    f->shared, fresh, &f->cfg.secret[2], f->cfg.pools[0]->numa_node, err) < 0 ||
		parts_make(ch, err) < 0)
		goto fail_backends;
	fabric_ipsec_guard(f, fresh);
	f->changing = true;
	return ch;

fail_backends:
	wr_backends_abandon(f->cfg.backends);
fail_vips:
	vips_cancel(&f->vips);
fail:
	parts_free(ch);
	return NULL;
}

bool wr_fabric_change_turn(struct wr_fabric_change *ch, wr_us_t now)
{
	struct wr_fabric *f = ch->fabric;
	bool all = true;

	for (uint16_t i = 0; i < f->cfg.workers; i++) {
		struct worker_change *part = &ch->part[i];
		struct wr_msg m = {.kind = WR_MSG_ADOPT, .ptr = part, .done = &part->done};

		if (!part->asked)
			part->asked = wr_worker_post(f->worker[i], &m) == 0;
		all = all && __atomic_load_n(&part->done, __ATOMIC_ACQUIRE) != 0;
	}
	return all;
}

void wr_fabric_change_end(struct wr_fabric_change *ch, wr_us_t now)
{
	struct wr_fabric *f = ch->fabric;
	struct wr_err err = {0};

	wr_backends_commit(f->cfg.backends, ch->fresh, now);
	if (wr_proxy_shared_commit(f->shared, f->cfg.conf, ch->fresh, &err) < 0)
		wr_log(WR_LOG_ERROR, "access rules stay as they were: %s", err.text);
	vips_commit(&f->vips, ch->fresh->runtime.drain_timeout_us, now);
	f->cfg.conf = ch->fresh;
	f->changing = false;
	for (uint16_t i = 0; i < f->cfg.workers; i++)
		if (wr_proxy_change_trouble(ch->part[i].proxy)[0] != '\0')
			wr_log(WR_LOG_ERROR, "worker %u: %s", i,
				wr_proxy_change_trouble(ch->part[i].proxy));
	wr_fabric_join_groups(f);
	parts_free(ch);
}

void wr_fabric_keep_conf(struct wr_fabric *f, struct wr_conf *conf)
{
	f->kept[f->kept[0] != NULL] = conf;
}

void wr_fabric_turn(struct wr_fabric *f, wr_us_t now)
{
	vips_turn(f, now);
}

uint32_t wr_fabric_join_groups(struct wr_fabric *f)
{
	struct rte_ether_addr groups[GROUPS_MAX];
	uint32_t refused = 0;

	for (uint16_t i = 0; i < f->cfg.conf->port_count; i++) {
		uint32_t n = wr_l3_multicast_macs(f->l3, i, groups, GROUPS_MAX);

		if (n > 0 && wr_port_set_multicast(f->cfg.ports[i], groups, n) < 0)
			refused |= 1u << i;
	}
	return refused;
}

// --- who needs a slot -----------------------------------------------------------------------

static bool service_used(void *arg, uint16_t slot)
{
	struct wr_fabric *f = arg;

	for (uint16_t i = 0; i < f->cfg.workers; i++)
		if (wr_proxy_service_sessions(f->worker[i]->proxy, slot) > 0)
			return true;
	return false;
}

static bool pool_used(void *arg, uint16_t slot)
{
	const struct wr_fabric *f = arg;

	return wr_backends_pool_used(f->cfg.backends, slot);
}

static bool backend_used(void *arg, uint16_t id)
{
	const struct wr_fabric *f = arg;

	return wr_backends_backend_used(f->cfg.backends, id);
}

struct wr_conf_use wr_fabric_conf_use(struct wr_fabric *f)
{
	return (struct wr_conf_use){
		.service = service_used, .pool = pool_used, .backend = backend_used, .arg = f};
}
