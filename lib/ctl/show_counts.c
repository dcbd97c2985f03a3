/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

// Drops, counters, ledgers: where everything went.

#define ALL_WORKERS UINT64_MAX

static const char *severity_name(enum wr_severity s)
{
	switch (s) {
	case WR_SEV_INFO:
		return "info";
	case WR_SEV_WARN:
		return "warn";
	default:
		return "fault";
	}
}

// Which worker, and the switch that the command has. False: an error row was written.
static bool parse(struct wr_ctl *c, const struct wr_params *p, const char *flag, struct wr_reply *r,
	uint64_t *worker, bool *on)
{
	struct wr_err err = {0};

	if (wr_params_uint(p, "worker", ALL_WORKERS, c->workers - 1u, worker, &err) == 0 &&
		wr_params_bool(p, flag, on, &err) == 0)
		return true;
	wr_reply_error(r, "see /weir/workers for the numbers; a switch is 0 or 1", "%s", err.text);
	return false;
}

static void sum(struct wr_ctl *c, uint64_t worker, struct wr_stats_snapshot *out)
{
	struct wr_stats_snapshot s;

	memset(out, 0, sizeof(*out));
	for (uint16_t w = 0; w < c->workers; w++) {
		if (worker != ALL_WORKERS && worker != w)
			continue;
		wr_worker_stats(wr_fabric_worker(c->fabric, w), &s);
		wr_stats_sum(out, &s);
	}
}

// What only a port can count: no worker ever saw those frames.
static void add_port_losses(struct wr_ctl *c, struct wr_stats *stats)
{
	struct wr_port_stats st;

	for (uint16_t i = 0; i < c->conf->port_count; i++) {
		wr_port_stats(wr_fabric_port(c->fabric, i), &st);
		stats->drop[WR_DROP_kernel_loss] += st.kernel_loss;
		stats->drop[WR_DROP_rx_missed] += st.rx_missed;
	}
}

void wr_show_drops(struct wr_ctl *c, const struct wr_params *p, struct wr_reply *r)
{
	struct wr_stats_snapshot s;
	uint64_t worker;
	bool all;

	if (!parse(c, p, "all", r, &worker, &all))
		return;
	sum(c, worker, &s);
	if (worker == ALL_WORKERS)
		add_port_losses(c, &s.stats);
	for (uint32_t d = WR_DROP_NONE + 1; d < WR_DROP_COUNT; d++) {
		if (!all && s.stats.drop[d] == 0 && s.stats.drop_bytes[d] == 0)
			continue;
		if (!wr_reply_row(r))
			continue;
		wr_reply_str(r, "name", wr_drop_name(d));
		wr_reply_str(r, "severity", severity_name(wr_drop_severity(d)));
		wr_reply_uint(r, "count", s.stats.drop[d]);
		wr_reply_uint(r, "bytes", s.stats.drop_bytes[d]);
		wr_reply_text(r, "text", wr_drop_text(d));
	}
}

void wr_show_counters(struct wr_ctl *c, const struct wr_params *p, struct wr_reply *r)
{
	struct wr_stats_snapshot s;
	uint64_t worker;
	bool all;

	if (!parse(c, p, "all", r, &worker, &all))
		return;
	sum(c, worker, &s);
	for (uint32_t i = 0; i < WR_CTR_COUNT; i++) {
		if ((!all && s.stats.ctr[i] == 0) || !wr_reply_row(r))
			continue;
		wr_reply_str(r, "name", wr_counter_name(i));
		wr_reply_uint(r, "value", s.stats.ctr[i]);
		wr_reply_text(r, "text", wr_counter_text(i));
	}
}

static_assert(WR_LEDGER_MBUFS == WR_LEDGER_COUNT - 1, "the ledger of the fabric alone comes last");

// --- ledgers -------------------------------------------------------------------------------------

// Ask a worker to count what it holds by walking its connections. NULL with an error row; else
// free.
static struct wr_tcp_gauges *walk(struct wr_ctl *c, uint16_t w, struct wr_reply *r)
{
	struct wr_tcp_gauges *g = calloc(1, sizeof(*g));
	struct wr_msg m = {.kind = WR_MSG_LEDGER_WALK};
	struct wr_err err = {0};
	int rc;

	if (g == NULL) {
		wr_reply_error(r, "free some memory", "no memory for the walk's result");
		return NULL;
	}
	rc = wr_ctl_ask(c, w, &m, g, &err);
	if (rc >= 0)
		return g;
	wr_reply_error(
		r, "ask again, or read /weir/workers for what that worker does", "%s", err.text);
	if (rc != -ETIMEDOUT)
		free(g);
	return NULL;
}

static void put_walk(struct wr_reply *r, enum wr_ledger_kind k, const struct wr_tcp_gauges *g)
{
	switch (k) {
	case WR_LEDGER_PAYLOAD_IN:
		wr_reply_uint(r, "held_walked", g->recv_queue_bytes + g->ooo_bytes);
		break;
	case WR_LEDGER_PAYLOAD_OUT:
		wr_reply_uint(r, "held_walked", g->send_queue_bytes);
		break;
	case WR_LEDGER_MBUFS:
		wr_reply_uint(r, "held_walked", g->held_rx_mbufs);
		break;
	default:
		break;
	}
}

static void ledger_rows(struct wr_reply *r, const char *worker,
	const struct wr_ledger_row rows[WR_LEDGER_COUNT], uint32_t count,
	const struct wr_tcp_gauges *g)
{
	for (uint32_t k = 0; k < count; k++) {
		if (!wr_reply_row(r))
			continue;
		wr_reply_str(r, "worker", worker);
		wr_reply_str(r, "ledger", wr_ledger_name(k));
		wr_reply_str(r, "unit", wr_ledger_unit(k));
		wr_reply_uint(r, "in", rows[k].in);
		wr_reply_uint(r, "out", rows[k].out);
		wr_reply_uint(r, "held", rows[k].held);
		wr_reply_uint(r, "dropped", rows[k].dropped);
		wr_reply_int(r, "residual", rows[k].residual);
		if (g != NULL)
			put_walk(r, k, g);
	}
}

static void add_ledger(struct wr_ledger_row total[WR_LEDGER_COUNT],
	const struct wr_ledger_row rows[WR_LEDGER_COUNT])
{
	for (uint32_t k = 0; k < WR_LEDGER_MBUFS; k++) {
		total[k].in += rows[k].in;
		total[k].out += rows[k].out;
		total[k].held += rows[k].held;
		total[k].dropped += rows[k].dropped;
		total[k].residual += rows[k].residual;
	}
}

void wr_show_ledger(struct wr_ctl *c, const struct wr_params *p, struct wr_reply *r)
{
	struct wr_ledger_row rows[WR_LEDGER_COUNT], total[WR_LEDGER_COUNT] = {0};
	struct wr_tcp_gauges *g, sum_g = {0};
	struct wr_stats_snapshot s;
	uint64_t only;
	bool walked;
	char name[12];

	if (!parse(c, p, "walk", r, &only, &walked))
		return;
	for (uint16_t w = 0; w < c->workers; w++) {
		if (only != ALL_WORKERS && only != w)
			continue;
		g = walked ? walk(c, w, r) : NULL;
		// An error is the whole reply: half a ledger would look like a residual.
		if (walked && g == NULL)
			return;
		wr_worker_stats(wr_fabric_worker(c->fabric, w), &s);
		wr_ledger_compute(&s, rows);
		snprintf(name, sizeof(name), "%u", w);
		// Buffers are shared between workers of a node: only the whole has a ledger of
		// them.
		ledger_rows(r, name, rows, WR_LEDGER_MBUFS, g);
		add_ledger(total, rows);
		if (g != NULL) {
			sum_g.recv_queue_bytes += g->recv_queue_bytes;
			sum_g.ooo_bytes += g->ooo_bytes;
			sum_g.send_queue_bytes += g->send_queue_bytes;
			sum_g.held_rx_mbufs += g->held_rx_mbufs;
		}
		free(g);
	}
	if (only != ALL_WORKERS)
		return;
	wr_fabric_mbuf_ledger(c->fabric, &total[WR_LEDGER_MBUFS]);
	ledger_rows(r, "all", total, WR_LEDGER_COUNT, walked ? &sum_g : NULL);
}
