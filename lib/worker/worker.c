/* SPDX-License-Identifier: BSD-3-Clause */

// One worker: made from what the fabric shares, and the turn of its loop.

#include "worker_priv.h"

#include <errno.h>
#include <stdlib.h>

#include <rte_malloc.h>

#include "entry.h"
#include "ipsec.h"
#include "stage.h"
#include "worker_life.h"

#define READY_BUDGET 96   // connections handled a turn; each may end in a reset (see proxy.c)
#define RECORD_SLOTS 4096 // of sessions that ended and that control has not read
#define TIMER_BUDGET 256  // connection timers a turn

void worker_capture(struct wr_worker *w, uint16_t port, bool out, struct rte_mbuf **m, uint16_t n)
{
	uint64_t frames = wr_capture_frames(w->capture), lost = wr_capture_lost(w->capture);

	wr_capture_burst(w->capture, port, out, m, n, w->now_us);
	frames = wr_capture_frames(w->capture) - frames;
	lost = wr_capture_lost(w->capture) - lost;
	wr_stats_add(&w->stats, WR_CTR_capture_frames, frames - lost);
	wr_stats_add(&w->stats, WR_CTR_capture_lost, lost);
}

// Since when work is left behind: frames in receive queues, or connections that are ready.
static void note_lag(struct wr_worker *w, wr_us_t now)
{
	if (likely(w->rx_emptied && !wr_tcp_ready_left(w->tcp)))
		w->behind_since_us = 0;
	else if (w->behind_since_us == 0)
		w->behind_since_us = RTE_MAX(now, (wr_us_t)1);
	else
		w->lag_us = RTE_MAX(w->lag_us, now - w->behind_since_us);
}

uint32_t wr_worker_turn(struct wr_worker *w, wr_us_t now)
{
	struct rte_rcu_qsbr *rcu = wr_backends_rcu(w->fabric->cfg.backends);
	const uint64_t *ctr = w->stats.ctr;
	uint64_t frames = ctr[WR_CTR_rx_frames] + ctr[WR_CTR_tx_frames];
	uint32_t done = 0;

	w->now_us = now;
	stage_begin(w);
	done += worker_mailbox(w, now);
	stage_end(w, WR_CTR_stage_control);
	done += worker_rx(w, now);
	done += entry_turn(w, now);
	stage_end(w, WR_CTR_stage_classify);
	done += wr_tcp_timers(w->tcp, TIMER_BUDGET, now);
	stage_end(w, WR_CTR_stage_timers);
	done += wr_proxy_poll(w->proxy, READY_BUDGET, now);
	stage_end(w, WR_CTR_stage_proxy);
	note_lag(w, now);
	done += worker_output(w, now);
	stage_end(w, WR_CTR_stage_l3_output);
	done += worker_tx_flush(w);
	stage_end(w, WR_CTR_stage_port_tx);
	rte_rcu_qsbr_quiescent(rcu, w->id);
	wr_stats_add(&w->stats, WR_CTR_loops, 1);
	if (done > 0) {
		wr_stats_add(&w->stats, WR_CTR_loops_busy, 1);
		w->unpublished = true;
	}
	worker_pressure(w, now);
	// At rest the published copy is exact.
	if (done == 0 && w->unpublished)
		worker_publish(w, now);
	stage_end(w, WR_CTR_stage_control);
	stage_turn(w, ctr[WR_CTR_rx_frames] + ctr[WR_CTR_tx_frames] - frames, done > 0);
	return done;
}

wr_us_t wr_worker_next_timer(const struct wr_worker *w)
{
	wr_us_t t = wr_tcp_next_timer(w->tcp);
	struct wr_tcp_gauges g;

	wr_tcp_gauges(w->tcp, &g);
	if (g.ready + g.dirty > 0 ||
		worker_tx_backlog(w) > 0) // left over by a budget or for lack of room
		return 0;
	t = RTE_MIN(t, wr_proxy_next_timer(w->proxy));
	t = RTE_MIN(t, wr_l3_next_timer(w->l3));
	// What is held is let in at a rate that is looked at each turn.
	return w->hold.used > 0 ? 0 : t;
}

// Budget of one worker: its node's, shared equally with the node's other workers.
static uint32_t share_of(const struct wr_fabric *f, uint16_t id, uint32_t total)
{
	uint32_t same = 0;

	for (uint16_t i = 0; i < f->cfg.workers; i++)
		same += f->cfg.pools[i] == f->cfg.pools[id];
	return total / RTE_MAX(same, 1u);
}

// Resets that a worker sends to those without a connection: unless told otherwise about a twentieth
// of a core's time, at 2,500 cycles each (`scripts/bench overload`, "reset").
#define RESETS_AUTO 50000

static uint32_t resets_per_s(const struct wr_conf *conf)
{
	return conf->pressure.resets_per_s != 0 ? conf->pressure.resets_per_s : RESETS_AUTO;
}

// The settings of runtime.tcp in the engine's words.
static void tcp_settings(struct wr_tcp_config *tc, const struct wr_conf_tcp *t)
{
	static const enum wr_tcp_congestion congestion[] = {
		[WR_CONF_CONGESTION_CUBIC] = WR_TCP_CUBIC,
		[WR_CONF_CONGESTION_NEWRENO] = WR_TCP_NEWRENO,
	};
	static const enum wr_tcp_cookies cookies[] = {
		[WR_CONF_COOKIES_AUTO] = WR_TCP_COOKIES_AUTO,
		[WR_CONF_COOKIES_ALWAYS] = WR_TCP_COOKIES_ALWAYS,
		[WR_CONF_COOKIES_NEVER] = WR_TCP_COOKIES_NEVER,
	};

	tc->congestion = congestion[t->congestion];
	tc->cookies = cookies[t->syn_cookies];
	tc->ack_delay_us = t->ack_delay_us;
	tc->keepalive_us = t->keepalive_us;
	tc->keepalive_interval_us = t->keepalive_interval_us;
	tc->keepalive_probes = t->keepalive_probes;
	tc->rcv_buf_bytes = t->receive_buffer;
	tc->rcv_buf_max_bytes = t->receive_buffer_max;
	tc->snd_buf_bytes = t->send_buffer;
	tc->snd_buf_max_bytes = t->send_buffer_max;
}

static int stack_create(struct wr_worker *w, uint32_t sessions, wr_us_t now, struct wr_err *err)
{
	const struct wr_fabric_config *cfg = &w->fabric->cfg;
	const struct wr_mempools *pools = cfg->pools[w->id];
	struct wr_tcp_config tc = {
		// Two connections a session, and room for those that rest in TIME-WAIT.
		.max_conns = sessions * 2 + sessions / 2 + PROBES_MAX + 64,
		.max_half_open = RTE_MAX(sessions / 4, 64u),
		.reserved_conns = PROBES_MAX,
		.held_budget = share_of(w->fabric, w->id, pools->held_budget),
		.held_reserve = share_of(w->fabric, w->id, pools->reserve),
		.small_budget = share_of(w->fabric, w->id, pools->small_count / 2),
		.small = pools->small,
		.stats = &w->stats,
		.resets_per_s = resets_per_s(cfg->conf),
		.seed = cfg->seed + w->id,
		.numa_node = pools->numa_node,
	};

	tcp_settings(&tc, &cfg->conf->runtime.tcp);
	memcpy(tc.secret, cfg->secret, sizeof(tc.secret));
	w->promise_walk = RTE_MIN(tc.max_conns / 1000 + 1, 64u);
	w->conns_max = tc.max_conns - tc.reserved_conns;
	w->half_open_max = tc.max_half_open;
	w->tcp = wr_tcp_stack_create(&tc, now);
	if (w->tcp == NULL)
		return wr_err_set(err, ENOMEM,
			"worker %u: no memory for %u connections of %u bytes; lower "
			"runtime.max_sessions",
			w->id, tc.max_conns, wr_tcp_conn_size());
	return 0;
}

static int proxy_create(struct wr_worker *w, uint32_t sessions, wr_us_t now, struct wr_err *err)
{
	const struct wr_fabric_config *cfg = &w->fabric->cfg;
	const struct wr_conf_tcp *t = &cfg->conf->runtime.tcp;
	struct wr_proxy_config pc = {
		.conf = cfg->conf,
		.shared = w->fabric->shared,
		.backends = cfg->backends,
		.tcp = w->tcp,
		.l3 = w->fabric->l3,
		.port_rss = w->fabric->port_rss,
		.worker = w->id,
		.workers = cfg->workers,
		.max_sessions = sessions,
		.max_probes = PROBES_MAX,
		.snd_buf_bytes = t->send_buffer,
		.rcv_buf_max_bytes = t->receive_buffer_max,
		.snd_buf_max_bytes = t->send_buffer_max,
		.stats = &w->stats,
		.events = w->events,
		.records = w->records,
		.small = cfg->pools[w->id]->small,
		.seed = cfg->seed ^ (0x9e3779b97f4a7c15ULL * (w->id + 1)),
		.numa_node = cfg->pools[w->id]->numa_node,
	};

	w->proxy = wr_proxy_create(&pc, now, err);
	return w->proxy == NULL ? -ENOMEM : 0;
}

// The way in: door, hold, and which limits there are.
static int entry_create(struct wr_worker *w, wr_us_t now, struct wr_err *err)
{
	const struct wr_fabric_config *cfg = &w->fabric->cfg;
	const struct wr_conf_pressure *pc = &cfg->conf->pressure;
	struct wr_door_config dc = {.worker = w->id,
		.services = (uint16_t)cfg->conf->service_count,
		.resets_per_s = resets_per_s(cfg->conf),
		.target_us = pc->target_us,
		.hold_us = pc->hold_us,
		.hold_requests = pc->hold_requests,
		.key = {cfg->secret[1] ^ cfg->secret[2], cfg->secret[0] ^ cfg->secret[3]}};
	int node = cfg->pools[w->id]->numa_node;

	for (uint32_t i = 0; i < cfg->conf->service_count; i++) {
		const struct wr_conf_service *sv = &cfg->conf->services[i];

		dc.drop[i] = sv->refuse == WR_CONF_REFUSE_DROP;
		dc.service_target_us[i] = sv->wait_target_us;
		w->limited[i] = worker_limits_of(sv);
	}
	w->limited_all = cfg->conf->limit.rate != 0 || cfg->conf->limit.connections != 0;
	w->door = wr_door_create(&dc, now, node);
	w->recorder = wr_recorder_create(node);
	// No shorter time for those that stand: the cut keeps the hold short, and a burst is to fit
	// in.
	if (w->door == NULL || w->recorder == NULL ||
		hold_init(&w->hold, pc->hold_requests, pc->hold_requests, pc->hold_us, node, now) <
			0)
		return wr_err_set(err, ENOMEM,
			"worker %u: no memory to hold %u connection requests; lower "
			"pressure.hold_requests",
			w->id, pc->hold_requests);
	hold_set(&w->hold, worker_holds(pc), pc->hold_us);
	return 0;
}

struct wr_worker *worker_create(struct wr_fabric *f, uint16_t id, wr_us_t now, struct wr_err *err)
{
	struct wr_worker *w = aligned_alloc(64, sizeof(*w));
	uint32_t sessions = RTE_MAX(f->cfg.conf->runtime.max_sessions / f->cfg.workers, 16u);

	if (w == NULL) {
		wr_err_set(err, ENOMEM, "worker %u: out of memory", id);
		return NULL;
	}
	memset(w, 0, sizeof(*w));
	f->worker[id] = w;
	w->fabric = f;
	w->id = id;
	w->cpu = f->cfg.conf->runtime.workers[id];
	w->conf = f->cfg.conf;
	w->refusing = -1;
	w->events = wr_event_ring_create(EVENT_SLOTS, f->cfg.pools[id]->numa_node);
	w->pressure_pub = wr_pressure_pub_create();
	w->mailbox = worker_ring_create(
		WR_MBOX_SLOTS, sizeof(struct wr_msg), RING_F_SC_DEQ, f->cfg.pools[id]->numa_node);
	w->records = wr_record_ring_create(RECORD_SLOTS, f->cfg.pools[id]->numa_node);
	if (w->events == NULL || w->pressure_pub == NULL || w->mailbox == NULL ||
		w->records == NULL) {
		wr_err_set(err, ENOMEM, "worker %u: out of memory", id);
		return NULL;
	}
	if (stack_create(w, sessions, now, err) < 0)
		return NULL;
	w->l3 = wr_l3_create(f->l3, id, f->cfg.pools[id]->small, &w->stats, w->events, now);
	if (w->l3 == NULL) {
		wr_err_set(err, ENOMEM, "worker %u: no memory for layer 3", id);
		return NULL;
	}
	if (worker_ipsec_create(w, err) < 0 || proxy_create(w, sessions, now, err) < 0 ||
		entry_create(w, now, err) < 0)
		return NULL;
	return w;
}

void worker_destroy(struct wr_worker *w)
{
	struct rte_mbuf *m;

	if (w == NULL)
		return;
	wr_proxy_destroy(w->proxy);
	if (w->tcp != NULL)
		wr_tcp_stack_destroy(w->tcp);
	if (w->l3 != NULL)
		wr_l3_destroy(w->l3);
	wr_ipsec_destroy(w->ipsec);
	for (uint16_t i = 0; i < w->ports; i++) {
		struct wport *wp = &w->port[i];

		for (; wp->backlog != NULL && wp->count > 0; wp->count--) {
			rte_pktmbuf_free(wp->backlog[wp->head]);
			wp->head = (wp->head + 1) & (BACKLOG_SLOTS - 1);
		}
		free(wp->backlog);
	}
	for (uint16_t i = 0; i < WR_MAX_WORKERS; i++) {
		if (w->handoff_in[i] == NULL)
			continue;
		while (rte_ring_sc_dequeue(w->handoff_in[i], (void **)&m) == 0)
			rte_pktmbuf_free(m);
		rte_free(w->handoff_in[i]);
	}
	hold_fini(&w->hold);
	wr_door_destroy(w->door);
	wr_recorder_destroy(w->recorder);
	rte_free(w->mailbox);
	wr_pressure_pub_destroy(w->pressure_pub);
	wr_record_ring_destroy(w->records);
	wr_event_ring_destroy(w->events);
	free(w);
}

uint16_t wr_worker_id(const struct wr_worker *w)
{
	return w->id;
}

uint16_t wr_worker_cpu(const struct wr_worker *w)
{
	return w->cpu;
}

struct wr_fabric *wr_worker_fabric(struct wr_worker *w)
{
	return w->fabric;
}

struct wr_event_ring *wr_worker_events(struct wr_worker *w)
{
	return w->events;
}

struct wr_record_ring *wr_worker_records(struct wr_worker *w)
{
	return w->records;
}

const struct wr_service_counters *wr_worker_service(const struct wr_worker *w, uint16_t service)
{
	return wr_proxy_service(w->proxy, service);
}

const struct wr_gate *wr_worker_gate(const struct wr_worker *w, uint16_t service)
{
	return wr_door_gate(w->door, service);
}

bool wr_worker_drops_early(const struct wr_worker *w)
{
	return wr_door_early(w->door);
}

uint8_t wr_worker_ordered(const struct wr_worker *w, uint16_t service)
{
	return wr_door_ordered(w->door, service);
}

const struct wr_recorder *wr_worker_recorder(const struct wr_worker *w)
{
	return w->recorder;
}
