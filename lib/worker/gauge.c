/* SPDX-License-Identifier: BSD-3-Clause */

// Pressure and publication: depths into the registry, refusals told, level into the engine, and a
// consistent copy for other threads.

#include "entry.h"

#include <errno.h>

#define SLOW_TICKS 64 // costly gauges and the pressure table are refreshed every so many ticks
#define NO_QUEUE   (-1)
// Frames read in turns in a row that did not empty a port, which count as a full ring, where the
// port cannot tell its depth.
#define RX_UNTOLD 8192u

// Time that frames may wait in receive queues before that is critical.
#define LAG_CAPACITY_US (20 * WR_US_PER_MS)
#define CLIENTS_A_TICK  1024 // entries of the table of clients looked at
#define IDLE_TURNS      16   // that tell what polling costs
#define CPU_EVERY_US    (100 * WR_US_PER_MS)

// Refusals that the engine and the proxy count, and the queue whose lack of room they tell. Those
// of connection requests are told where they are judged (entry.c).
enum refusal {
	REF_CONNS,
	REF_FLOWS,
	REF_SESSIONS,
	REF_BACKLOG,
	REF_CREDIT,
	REF_NEIGH,
	REF_PORTS,
	REF_MBUF,
	REF_CLIENTS,
	REF_ANSWERS,
	REF_ESP_BUFFERS,
	REF_ESP_COPY,
	REF_CRYPTO,
};
_Static_assert(REF_CRYPTO < RTE_DIM(((struct wr_worker *)0)->seen), "a refusal without its count");

static uint32_t rx_capacity(const struct wr_port *port)
{
	return wr_port_flags(port) & WR_PORT_F_RX_DEPTH ? wr_port_rx_desc(port) : RX_UNTOLD;
}

static int register_ports(struct wr_worker *w)
{
	struct wr_pressure *p = &w->pressure;

	for (uint16_t i = 0; i < w->ports; i++) {
		struct wport *wp = &w->port[i];

		wp->q_rx = NO_QUEUE;
		wp->q_tx = NO_QUEUE;
		if (wp->reads)
			wp->q_rx = wr_pressure_add(p, WR_Q_rx_ring, i, rx_capacity(wp->port));
		if (wp->owns_tx)
			wp->q_tx = wr_pressure_add(p, WR_Q_tx_backlog, i, BACKLOG_SLOTS);
		if ((wp->reads && wp->q_rx < 0) || (wp->owns_tx && wp->q_tx < 0))
			return -ENOSPC;
	}
	for (uint16_t i = 0; i < w->fabric->cfg.workers; i++) {
		w->q.handoff[i] = NO_QUEUE;
		if (w->handoff_in[i] == NULL)
			continue;
		w->q.handoff[i] = wr_pressure_add(p, WR_Q_handoff, i, WR_HANDOFF_SLOTS);
		if (w->q.handoff[i] < 0)
			return -ENOSPC;
	}
	return 0;
}

// Places at backends are shared by all workers, so worker 0 shows them. That they are all taken is
// what they are for; who finds none is pending, and that makes pressure.
static int register_place(
	struct wr_worker *w, enum wr_queue_kind kind, uint16_t scope, uint32_t capacity, int16_t *q)
{
	if (capacity == 0 || *q >= 0)
		return 0;
	*q = (int16_t)wr_pressure_add(&w->pressure, kind, scope, capacity);
	if (*q < 0)
		return -ENOSPC;
	w->pressure.queue[*q].gauge_only = true;
	return 0;
}

static int register_places(struct wr_worker *w, uint32_t pool)
{
	const struct wr_conf_pool *pc = &w->conf->pools[pool];

	if (w->id != 0)
		return 0;
	if (register_place(w, WR_Q_pool_inflight, (uint16_t)pool, pc->max_connections,
		    &w->q.pool_inflight[pool]) < 0)
		return -ENOSPC;
	for (uint32_t i = 0; i < pc->backend_count; i++) {
		const struct wr_conf_backend *bc = &pc->backends[i];

		if (register_place(w, WR_Q_backend_inflight, bc->id, bc->max_connections,
			    &w->q.backend_inflight[bc->id]) < 0)
			return -ENOSPC;
	}
	return 0;
}

static bool lacks(uint32_t capacity, int16_t q)
{
	return capacity != 0 && q < 0;
}

uint32_t worker_services_need(const struct wr_worker *w, const struct wr_conf *conf)
{
	uint32_t n = w->q.clients < 0;

	for (uint32_t i = 0; i < conf->service_count; i++) {
		const struct wr_conf_service *sv = &conf->services[i];

		if (sv->slot != WR_CONF_VACANT && wr_conf_pool_limited(conf, sv->pool))
			n += 2u * (w->q.pending[i] < 0);
	}
	for (uint32_t i = 0; w->id == 0 && i < conf->pool_count; i++) {
		const struct wr_conf_pool *pc = &conf->pools[i];

		n += lacks(pc->max_connections, w->q.pool_inflight[i]);
		for (uint32_t k = 0; k < pc->backend_count; k++)
			n += lacks(pc->backends[k].max_connections,
				w->q.backend_inflight[pc->backends[k].id]);
	}
	return n;
}

// The queue of those that wait for a backend, where somebody may have to.
static int register_wait(struct wr_worker *w, uint16_t i)
{
	const struct wr_conf_service *sv = &w->conf->services[i];
	struct wr_proxy_pending pp;

	wr_proxy_pending(w->proxy, i, 0, &pp);
	if (w->q.pending[i] >= 0) {
		wr_pressure_resize(&w->pressure, w->q.pending[i], pp.items_max);
		wr_pressure_resize(&w->pressure, w->q.pending_wait[i], sv->wait_time_us);
		return 0;
	}
	w->q.pending[i] =
		(int16_t)wr_pressure_add_service(&w->pressure, WR_Q_pending, i, i, pp.items_max);
	w->q.pending_wait[i] = (int16_t)wr_pressure_add_service(
		&w->pressure, WR_Q_pending_wait, i, i, sv->wait_time_us);
	return w->q.pending_wait[i] < 0 ? -ENOSPC : 0;
}

int worker_services_register(struct wr_worker *w)
{
	const struct wr_conf *conf = w->conf;

	for (uint16_t i = 0; i < conf->service_count; i++) {
		const struct wr_conf_service *sv = &conf->services[i];

		if (sv->slot == WR_CONF_VACANT || !wr_conf_pool_limited(conf, sv->pool))
			continue;
		if (register_wait(w, i) < 0)
			return -ENOSPC;
	}
	for (uint32_t i = 0; i < conf->pool_count; i++)
		if (register_places(w, i) < 0)
			return -ENOSPC;
	return 0;
}

void worker_clients_register(struct wr_worker *w)
{
	const struct wr_clients *clients = w->fabric->shared->clients;

	if (clients != NULL && w->q.clients < 0)
		w->q.clients = wr_pressure_add(
			&w->pressure, WR_Q_clients, 0, wr_clients_capacity(clients));
}

static void marks_of(const struct wr_conf *conf, struct wr_pressure_marks *marks)
{
	memset(marks, 0, WR_Q_COUNT * sizeof(*marks));
	for (uint32_t i = 0; i < conf->pressure.marks_count; i++) {
		const struct wr_conf_marks *m = &conf->pressure.marks[i];

		marks[m->queue] = (struct wr_pressure_marks){.low = (uint16_t)(m->low * 10),
			.high = (uint16_t)(m->high * 10),
			.critical = (uint16_t)(m->critical * 10)};
	}
}

void worker_marks(struct wr_worker *w)
{
	struct wr_pressure_marks marks[WR_Q_COUNT];

	marks_of(w->conf, marks);
	wr_pressure_remark(&w->pressure, marks);
}

static void register_ipsec(struct wr_worker *w)
{
	struct wr_ipsec_gauges g;

	w->q.ipsec_buffers = w->q.crypto = NO_QUEUE;
	if (w->ipsec == NULL)
		return;
	wr_ipsec_gauges(w->ipsec, &g);
	w->q.ipsec_buffers = wr_pressure_add(&w->pressure, WR_Q_ipsec_buffers, 0, g.buffers_max);
	w->q.crypto = wr_pressure_add(&w->pressure, WR_Q_crypto, 0, g.ops_max);
}

static void ipsec_depths(struct wr_worker *w)
{
	struct wr_ipsec_gauges g;

	if (w->ipsec == NULL)
		return;
	wr_ipsec_gauges(w->ipsec, &g);
	wr_pressure_depth(&w->pressure, w->q.ipsec_buffers, g.buffers_used);
	wr_pressure_depth(&w->pressure, w->q.crypto, g.ops_most);
}

int worker_queues_register(struct wr_worker *w)
{
	struct wr_pressure *p = &w->pressure;
	const struct wr_mempools *pools = w->fabric->cfg.pools[w->id];
	const struct wr_conf *conf = w->conf;
	struct wr_pressure_config cfg = {.worker = w->id,
		.services = (uint16_t)conf->service_count,
		.seed = w->fabric->cfg.seed + w->id};
	struct wr_proxy_gauges pg;
	struct wr_tcp_gauges tg;

	wr_proxy_gauges(w->proxy, &pg);
	wr_tcp_gauges(w->tcp, &tg);
	marks_of(conf, cfg.marks);
	wr_pressure_init(p, &cfg, w->events, &w->stats);
	memset(w->q.pending, 0xff, sizeof(w->q.pending));
	memset(w->q.pending_wait, 0xff, sizeof(w->q.pending_wait));
	memset(w->q.pool_inflight, 0xff, sizeof(w->q.pool_inflight));
	memset(w->q.backend_inflight, 0xff, sizeof(w->q.backend_inflight));
	w->ports_max = RTE_MAX(pg.ports_max, 1u);
	w->q.lag = wr_pressure_add(p, WR_Q_lag, 0, LAG_CAPACITY_US);
	w->q.rx_pool = wr_pressure_add(p, WR_Q_rx_pool, 0, tg.held_budget);
	w->q.small_pool = wr_pressure_add(p, WR_Q_small_pool, 0, pools->small_count);
	w->q.conns = wr_pressure_add(p, WR_Q_conns, 0, w->conns_max);
	w->q.sessions = wr_pressure_add(p, WR_Q_sessions, 0, pg.sessions_max);
	w->q.syn_backlog = wr_pressure_add(p, WR_Q_syn_backlog, 0, w->half_open_max);
	w->q.backend_wait = wr_pressure_add(p, WR_Q_backend_wait, 0, pg.sessions_max);
	w->q.mailbox = wr_pressure_add(p, WR_Q_mailbox, 0, WR_MBOX_SLOTS);
	w->q.source_ports = wr_pressure_add(p, WR_Q_source_ports, 0, w->ports_max);
	w->q.neigh_wait = wr_pressure_add(p, WR_Q_neigh_wait, 0, 1024);
	w->q.syn_hold = wr_pressure_add(p, WR_Q_syn_hold, 0, w->hold.q.cfg.items);
	w->q.answers = wr_pressure_add(p, WR_Q_answers, 0, tg.answers_room);
	w->q.disorder = wr_pressure_add(p, WR_Q_disorder, 0, tg.disorders_room);
	w->q.cpu = wr_pressure_add(p, WR_Q_cpu, 0, 1000);
	w->q.clients = NO_QUEUE;
	worker_clients_register(w);
	w->q.conn_recv =
		wr_pressure_add(p, WR_Q_conn_recv, 0, conf->runtime.tcp.receive_buffer_max);
	w->q.conn_send = wr_pressure_add(p, WR_Q_conn_send, 0, conf->runtime.tcp.send_buffer_max);
	register_ipsec(w);
	if (w->q.conn_send < 0 || register_ports(w) < 0)
		return -ENOSPC;
	return worker_services_register(w);
}

static void port_depths(struct wr_worker *w)
{
	for (uint16_t i = 0; i < w->ports; i++) {
		struct wport *wp = &w->port[i];
		int depth;

		if (wp->q_tx >= 0)
			wr_pressure_depth(&w->pressure, wp->q_tx, wp->count);
		if (wp->q_rx < 0)
			continue;
		depth = wr_port_rx_depth(wp->port, wp->rxq);
		if (depth < 0) // the port cannot tell: what reading it told
			depth = (int)RTE_MIN(wp->rx_depth, RX_UNTOLD);
		wr_pressure_depth(&w->pressure, wp->q_rx, (uint64_t)depth);
	}
	for (uint16_t i = 0; i < w->fabric->cfg.workers; i++)
		if (w->q.handoff[i] >= 0)
			wr_pressure_depth(
				&w->pressure, w->q.handoff[i], rte_ring_count(w->handoff_in[i]));
}

// An operator may have changed the limit; 0 takes it away.
static void place_depth(struct wr_pressure *p, int q, const struct wr_lease *lease)
{
	uint32_t limit;

	if (q < 0)
		return;
	limit = __atomic_load_n(&lease->limit, __ATOMIC_RELAXED);
	if (p->queue[q].capacity != limit)
		wr_pressure_resize(p, q, limit);
	wr_pressure_depth(p, q, wr_lease_used(lease));
}

// What waits before backends, and the places there.
static void service_depths(struct wr_worker *w, wr_us_t now)
{
	struct wr_pressure *p = &w->pressure;
	const struct wr_conf *conf = w->conf;
	struct wr_proxy_shared *sh = w->fabric->shared;

	w->recorded.pending = 0;
	for (uint16_t i = 0; i < conf->service_count; i++) {
		const struct wr_service_counters *sc = wr_proxy_service(w->proxy, i);
		struct wr_proxy_pending pp;
		uint64_t refused;

		if (w->q.pending[i] < 0 || sc == NULL)
			continue;
		refused = sc->pending_timeouts + sc->pending_evicted + sc->pending_full;
		wr_proxy_pending(w->proxy, i, now, &pp);
		w->recorded.pending += pp.depth;
		wr_pressure_depth(p, w->q.pending[i], pp.depth);
		wr_pressure_flow(p, w->q.pending[i], pp.arrivals, pp.waited_us);
		wr_pressure_depth(p, w->q.pending_wait[i], pp.oldest_us);
		if (refused != w->pending_refused[i])
			wr_pressure_refuse(
				p, w->q.pending[i], refused - w->pending_refused[i], WR_DROP_NONE);
		w->pending_refused[i] = refused;
	}
	for (uint32_t i = 0; w->id == 0 && i < conf->pool_count; i++) {
		const struct wr_conf_pool *pc = &conf->pools[i];

		place_depth(p, w->q.pool_inflight[i], sh->pools[i]);
		for (uint32_t k = 0; k < pc->backend_count; k++)
			place_depth(p, w->q.backend_inflight[pc->backends[k].id],
				sh->backends[pc->backends[k].id]);
	}
}

// The share of time that moved something, since the last look: busy turns, less what a turn costs
// that finds nothing. Naps count as rest.
uint32_t busy_permille(const struct wr_worker *w, struct busy_seen *seen, wr_us_t now)
{
	const uint64_t *c = w->stats.ctr;
	uint64_t cycles = c[WR_CTR_cycles] - seen->cycles,
		 busy = c[WR_CTR_cycles_busy] - seen->busy;
	uint64_t loops = c[WR_CTR_loops] - seen->loops;
	uint64_t loops_busy = c[WR_CTR_loops_busy] - seen->loops_busy;
	uint64_t all = (now - seen->at_us) * w->fabric->cycles_per_ms / 1000, polls;

	if (loops - loops_busy >= IDLE_TURNS)
		seen->idle_turn = (cycles - busy) / (loops - loops_busy);
	*seen = (struct busy_seen){.cycles = c[WR_CTR_cycles],
		.busy = c[WR_CTR_cycles_busy],
		.loops = c[WR_CTR_loops],
		.loops_busy = c[WR_CTR_loops_busy],
		.idle_turn = seen->idle_turn,
		.at_us = now};
	polls = RTE_MIN(loops_busy * seen->idle_turn, busy);
	return all > 0 ? (uint32_t)RTE_MIN((busy - polls) * 1000 / all, 1000ul) : 0;
}

// The table of clients, some of it a tick: worker 0 for all.
static void client_depth(struct wr_worker *w, wr_us_t now)
{
	if (w->id != 0 || w->q.clients < 0)
		return;
	if (!wr_clients_count_some(w->fabric->shared->clients, &w->clients_at, CLIENTS_A_TICK,
		    &w->clients_sum, now))
		return;
	wr_pressure_depth(&w->pressure, w->q.clients, w->clients_sum);
	w->clients_sum = 0;
}

static void cpu_depth(struct wr_worker *w, wr_us_t now)
{
	if (now < w->next_cpu_us)
		return;
	w->next_cpu_us = now + CPU_EVERY_US;
	w->cpu_permille = busy_permille(w, &w->cpu_busy, now);
	wr_pressure_depth(&w->pressure, w->q.cpu, w->cpu_permille);
}

static void depths(struct wr_worker *w, bool slow, wr_us_t now)
{
	struct wr_pressure *p = &w->pressure;
	struct wr_tcp_gauges tg;
	struct wr_proxy_depths pd;
	struct wr_proxy_gauges pg;

	wr_tcp_gauges(w->tcp, &tg);
	// TIME-WAIT gives way to new connections, so it does not fill the pool.
	wr_pressure_depth(p, w->q.conns, tg.conns - tg.time_wait);
	wr_pressure_depth(p, w->q.syn_backlog, tg.half_open);
	wr_pressure_depth(p, w->q.rx_pool, tg.held_rx_mbufs);
	wr_pressure_depth(p, w->q.mailbox, rte_ring_count(w->mailbox));
	wr_pressure_depth(p, w->q.neigh_wait, wr_l3_queued(w->l3));
	wr_proxy_depths(w->proxy, &pd);
	wr_pressure_depth(p, w->q.sessions, pd.sessions);
	w->recorded.sessions = pd.sessions;
	wr_pressure_depth(p, w->q.backend_wait, pd.connecting);
	wr_pressure_fullest(p, w->q.conn_recv, pd.recv_bytes);
	wr_pressure_fullest(p, w->q.conn_send, pd.send_bytes);
	wr_pressure_depth(p, w->q.lag, w->lag_us);
	w->lag_period_us = RTE_MAX(w->lag_period_us, w->lag_us);
	w->recorded.lag_us = (uint32_t)RTE_MAX((wr_us_t)w->recorded.lag_us, w->lag_us);
	w->lag_us = 0;
	wr_pressure_depth(p, w->q.syn_hold, w->hold.q.depth);
	wr_pressure_flow(p, w->q.syn_hold, w->hold.q.arrivals, w->hold.q.waited_us);
	wr_pressure_depth(p, w->q.disorder, tg.disorders);
	wr_pressure_depth(p, w->q.answers, tg.answers);
	port_depths(w);
	service_depths(w, now);
	client_depth(w, now);
	cpu_depth(w, now);
	if (!slow)
		return;
	ipsec_depths(w);
	wr_proxy_gauges(w->proxy, &pg);
	// Pairs differ a little in their number of ports: scaled, so that the marks hold for each.
	if (pg.ports_max > 0)
		wr_pressure_depth(p, w->q.source_ports,
			(uint64_t)pg.ports_used * w->ports_max / pg.ports_max);
	wr_pressure_depth(
		p, w->q.small_pool, rte_mempool_in_use_count(w->fabric->cfg.pools[w->id]->small));
}

static void tell(
	struct wr_worker *w, enum refusal what, uint64_t total, int queue, enum wr_drop reason)
{
	if (total == w->seen[what] || queue < 0)
		return;
	wr_pressure_refuse(&w->pressure, queue, total - w->seen[what], reason);
	w->seen[what] = total;
}

static void refusals(struct wr_worker *w)
{
	const uint64_t *d = w->stats.drop;
	uint64_t mailbox = __atomic_load_n(&w->mailbox_refused, __ATOMIC_RELAXED);

	tell(w, REF_CONNS, d[WR_DROP_conn_pool_full], w->q.conns, WR_DROP_conn_pool_full);
	tell(w, REF_FLOWS, d[WR_DROP_flow_table_full], w->q.conns, WR_DROP_flow_table_full);
	tell(w, REF_SESSIONS, d[WR_DROP_session_pool_full], w->q.sessions,
		WR_DROP_session_pool_full);
	tell(w, REF_BACKLOG, d[WR_DROP_syn_backlog_full], w->q.syn_backlog,
		WR_DROP_syn_backlog_full);
	tell(w, REF_CREDIT, d[WR_DROP_pay_no_credit], w->q.rx_pool, WR_DROP_pay_no_credit);
	tell(w, REF_NEIGH, d[WR_DROP_neigh_queue_full], w->q.neigh_wait, WR_DROP_neigh_queue_full);
	tell(w, REF_PORTS, w->stats.ctr[WR_CTR_source_ports_exhausted], w->q.source_ports,
		WR_DROP_NONE);
	tell(w, REF_MBUF, d[WR_DROP_no_mbuf], w->q.small_pool, WR_DROP_no_mbuf);
	tell(w, REF_ANSWERS, d[WR_DROP_answers_full], w->q.answers, WR_DROP_answers_full);
	tell(w, REF_ESP_BUFFERS, d[WR_DROP_ipsec_no_buffer], w->q.ipsec_buffers,
		WR_DROP_ipsec_no_buffer);
	tell(w, REF_ESP_COPY, d[WR_DROP_ipsec_in_no_buffer], w->q.rx_pool,
		WR_DROP_ipsec_in_no_buffer);
	tell(w, REF_CRYPTO, d[WR_DROP_ipsec_out_queue_full], w->q.crypto,
		WR_DROP_ipsec_out_queue_full);
	tell(w, REF_CLIENTS, w->stats.ctr[WR_CTR_clients_full], w->q.clients, WR_DROP_NONE);
	if (mailbox != w->mailbox_refused_seen)
		wr_pressure_refuse(&w->pressure, w->q.mailbox, mailbox - w->mailbox_refused_seen,
			WR_DROP_NONE);
	w->mailbox_refused_seen = mailbox;
}

// Only the first class is let in while something that each connection takes is at its critical
// mark; nothing is kept for requests that have not shown themselves while half-open connections
// crowd.
static void admission(struct wr_worker *w)
{
	const int each_takes[] = {w->q.conns, w->q.sessions, w->q.rx_pool, w->q.small_pool,
		w->q.source_ports, w->q.backend_wait};

	w->refusing = NO_QUEUE;
	if (!w->conf->pressure.enabled)
		return;
	for (uint32_t i = 0; i < RTE_DIM(each_takes) && w->refusing < 0; i++)
		if (w->pressure.queue[each_takes[i]].mark == WR_MARK_CRITICAL)
			w->refusing = each_takes[i];
	// An operator's P4 means it: a drill of the worst.
	if (w->refusing < 0 && w->pressure.own.forced == 4 + 1)
		w->refusing = w->q.lag;
	w->by_cookie = w->pressure.own.level >= 3 ||
	               w->pressure.queue[w->q.syn_backlog].mark != WR_MARK_NORMAL;
}

// The level that windows and buffers answer to is that of memory: a core that is behind is relieved
// at the door, and one actuator has one controller.
static uint8_t memory_level(const struct wr_worker *w)
{
	const int holds[] = {w->q.rx_pool, w->q.small_pool};
	uint8_t level = 0;

	if (w->pressure.own.forced != 0)
		return w->pressure.own.level;
	for (uint32_t i = 0; i < RTE_DIM(holds); i++) {
		const struct wr_queue *q = &w->pressure.queue[holds[i]];
		uint8_t asks = q->mark == WR_MARK_CRITICAL ? 4
		               : q->mark == WR_MARK_HIGH   ? 2
		                                           : q->depth >= q->low;

		level = RTE_MAX(level, asks);
	}
	// What is severe by its duration is so for the buffers as well.
	return level == 2 && w->pressure.own.level == 3 ? 3 : level;
}

// Whether the level of a service is another than at the last look.
static bool service_levels_moved(struct wr_worker *w)
{
	bool moved = false;

	for (uint16_t i = 0; i < w->pressure.services; i++) {
		moved |= w->service_level[i] != w->pressure.service[i].level;
		w->service_level[i] = w->pressure.service[i].level;
	}
	return moved;
}

static void react(struct wr_worker *w, wr_us_t now)
{
	bool enabled = w->conf->pressure.enabled;
	uint8_t memory = enabled ? memory_level(w) : 0;

	if (memory != w->memory_level)
		wr_tcp_set_pressure(w->tcp, memory, wr_pressure_overcommit(memory));
	w->memory_level = memory;
	wr_proxy_set_pressure(w->proxy, enabled ? w->pressure.own.level : 0);
	admission(w);
	wr_proxy_tick(w->proxy, now);
	// A cursor over all connections: each is looked at within a second or so.
	wr_tcp_promise_walk(w->tcp, w->promise_walk, now);
}

void worker_pressure(struct wr_worker *w, wr_us_t now)
{
	uint8_t before = w->pressure.own.level, level;
	bool slow;

	if (now < w->next_pressure_us)
		return;
	w->next_pressure_us = now + WR_PRESSURE_TICK_US;
	slow = (w->ticks++ % SLOW_TICKS) == 0;
	depths(w, slow, now);
	refusals(w);
	entry_tick(w, now);
	level = wr_pressure_tick(&w->pressure, now);
	react(w, now);
	worker_record(w, now);
	if (service_levels_moved(w) || slow || level != before)
		wr_pressure_publish(w->pressure_pub, &w->pressure);
	worker_publish(w, now);
}

static uint64_t rings_queued(const struct wr_worker *w)
{
	uint64_t n = 0;

	for (uint16_t i = 0; i < w->fabric->cfg.workers; i++)
		if (w->handoff_in[i] != NULL)
			n += rte_ring_count(w->handoff_in[i]);
	for (uint16_t i = 0; i < w->ports; i++)
		if (w->fabric->tx_ring[w->id][i] != NULL)
			n += rte_ring_count(w->fabric->tx_ring[w->id][i]);
	return n;
}

void worker_publish(struct wr_worker *w, wr_us_t now)
{
	struct wr_tcp_gauges tg;
	struct wr_stats_gauges g;

	wr_tcp_gauges(w->tcp, &tg);
	g = (struct wr_stats_gauges){.now_us = now,
		.conns = tg.conns,
		.conns_half_open = tg.half_open,
		.conns_time_wait = tg.time_wait,
		.sessions =
			w->stats.ctr[WR_CTR_sessions_opened] - w->stats.ctr[WR_CTR_sessions_closed],
		.pay_recv_held_bytes = tg.recv_queue_bytes + tg.ooo_bytes,
		.pay_send_held_bytes = tg.send_queue_bytes,
		.held_rx_mbufs = tg.held_rx_mbufs,
		.promised_bytes = tg.promised_bytes,
		.tx_backlog = worker_tx_backlog(w),
		.l3_queued = wr_l3_queued(w->l3),
		.handoff_queued = rings_queued(w),
		.syns_held = w->hold.used,
		.stale_promise_bytes = tg.stale_promise_bytes};
	wr_stats_publish(&w->pub, &w->stats, &g);
	w->unpublished = false;
}

void wr_worker_stats(const struct wr_worker *w, struct wr_stats_snapshot *out)
{
	wr_stats_read(&w->pub, out);
}

void wr_worker_pressure(const struct wr_worker *w, struct wr_pressure *out)
{
	wr_pressure_read(w->pressure_pub, out);
}
