/* SPDX-License-Identifier: BSD-3-Clause */

// Pressure and publication: depths into the registry, refusals told, level into the engine, and a
// consistent copy for other threads.

#include "worker_priv.h"

#include <errno.h>

#define SLOW_TICKS 64 // costly gauges and the pressure table are refreshed every so many ticks
#define NO_QUEUE   (-1)
// Frames read in turns in a row that did not empty a port, which count as a full ring, where the
// port cannot tell its depth.
#define RX_UNTOLD 8192u

// Refusals that the engine and the proxy count, and the queue whose lack of room they tell.
enum refusal {
	REF_CONNS,
	REF_FLOWS,
	REF_SESSIONS,
	REF_BACKLOG,
	REF_CREDIT,
	REF_SYN,
	REF_NEIGH,
	REF_PORTS,
	REF_MBUF,
};
_Static_assert(REF_MBUF < RTE_DIM(((struct wr_worker *)0)->seen), "a refusal without its count");

static uint32_t rx_capacity(const struct wr_port *port)
{
	return wr_port_flags(port) & WR_PORT_F_RX_DEPTH ? wr_port_rx_desc(port) : RX_UNTOLD;
}

int worker_queues_register(struct wr_worker *w)
{
	struct wr_pressure *p = &w->pressure;
	const struct wr_mempools *pools = w->fabric->cfg.pools[w->id];
	const struct wr_conf_tcp *tcp = &w->fabric->cfg.conf->runtime.tcp;
	struct wr_proxy_gauges pg;
	struct wr_tcp_gauges tg;

	wr_proxy_gauges(w->proxy, &pg);
	wr_tcp_gauges(w->tcp, &tg);
	wr_pressure_init(p, w->id, w->events, &w->stats);
	w->ports_max = RTE_MAX(pg.ports_max, 1u);
	w->q.rx_pool = wr_pressure_add(p, WR_Q_rx_pool, 0, tg.held_budget);
	w->q.small_pool = wr_pressure_add(p, WR_Q_small_pool, 0, pools->small_count);
	w->q.conns = wr_pressure_add(p, WR_Q_conns, 0, w->conns_max);
	w->q.sessions = wr_pressure_add(p, WR_Q_sessions, 0, pg.sessions_max);
	w->q.syn_backlog = wr_pressure_add(p, WR_Q_syn_backlog, 0, w->half_open_max);
	w->q.backend_wait = wr_pressure_add(p, WR_Q_backend_wait, 0, pg.sessions_max);
	w->q.mailbox = wr_pressure_add(p, WR_Q_mailbox, 0, WR_MBOX_SLOTS);
	w->q.source_ports = wr_pressure_add(p, WR_Q_source_ports, 0, w->ports_max);
	w->q.neigh_wait = wr_pressure_add(p, WR_Q_neigh_wait, 0, 1024);
	w->q.conn_recv = wr_pressure_add(p, WR_Q_conn_recv, 0, tcp->receive_buffer_max);
	w->q.conn_send = wr_pressure_add(p, WR_Q_conn_send, 0, tcp->send_buffer_max);
	if (w->q.conn_send < 0)
		return -ENOSPC;
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

static void depths(struct wr_worker *w, bool slow)
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
	wr_pressure_depth(p, w->q.backend_wait, pd.connecting);
	wr_pressure_fullest(p, w->q.conn_recv, pd.recv_bytes);
	wr_pressure_fullest(p, w->q.conn_send, pd.send_bytes);
	port_depths(w);
	if (!slow)
		return;
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
	if (w->refusing >= 0)
		tell(w, REF_SYN, d[WR_DROP_syn_refused], w->refusing, WR_DROP_syn_refused);
	w->seen[REF_SYN] = d[WR_DROP_syn_refused];
	if (mailbox != w->mailbox_refused_seen)
		wr_pressure_refuse(&w->pressure, w->q.mailbox, mailbox - w->mailbox_refused_seen,
			WR_DROP_NONE);
	w->mailbox_refused_seen = mailbox;
}

// New connections are refused while something that each of them takes is at its critical mark.
static void admission(struct wr_worker *w)
{
	const int each_takes[] = {w->q.conns, w->q.sessions, w->q.rx_pool, w->q.small_pool,
		w->q.source_ports, w->q.backend_wait};
	enum wr_tcp_admit admit = WR_TCP_ADMIT;
	int refusing = NO_QUEUE;

	for (uint32_t i = 0; i < RTE_DIM(each_takes) && refusing < 0; i++)
		if (w->pressure.queue[each_takes[i]].mark == WR_MARK_CRITICAL)
			refusing = each_takes[i];
	if (refusing >= 0 || w->stopped)
		admit = WR_TCP_REFUSE_RST;
	// What is refused until the next tick is told of the queue that asks for it now.
	w->refusing = refusing;
	if (admit != w->admit)
		wr_tcp_set_admit_all(w->tcp, admit);
	w->admit = admit;
}

void worker_pressure(struct wr_worker *w, wr_us_t now)
{
	uint8_t before = w->pressure.level, level;
	bool slow;

	if (now < w->next_pressure_us)
		return;
	w->next_pressure_us = now + WR_PRESSURE_TICK_US;
	slow = (w->ticks++ % SLOW_TICKS) == 0;
	depths(w, slow);
	refusals(w);
	level = wr_pressure_tick(&w->pressure, now);
	if (level != before)
		wr_tcp_set_pressure(w->tcp, level, wr_pressure_overcommit(level));
	admission(w);
	if (slow || level != before)
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
		.handoff_queued = rings_queued(w)};
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
