/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "client.h"
#include "ep.h"
#include "gen.h"
#include "packets.h"
#include "server.h"
#include "wr_err.h"
#include "wr_hist.h"
#include "wr_port.h"
#include "wr_stats.h"

// Everything that a run counts, at one instant. The loop's thread fills one at the end of every
// interval and of every phase; another thread reads it, so the histograms are its own copies.

enum gen_phase {
	GEN_PHASE_WARMUP,
	GEN_PHASE_MEASURE,
	GEN_PHASE_DRAIN,
};
const char *gen_phase_name(enum gen_phase p);

// Of the loop itself; cumulative but `longest_ns`.
struct gen_loop_stats {
	uint64_t cycles;      // of the time-stamp counter, since the start
	uint64_t cycles_busy; // of these in loops that moved something
	uint64_t loops;
	uint64_t longest_ns; // longest loop since the snapshot before
};

struct gen_port_count {
	struct wr_port_stats port;
	bool kernel_loss_known; // WR_PORT_F_KERNEL_LOSS
	uint64_t tx_given_up;   // frames that the loop dropped since the port did not take them
};

struct gen_snapshot {
	uint64_t at_ns;
	enum gen_phase phase; // that to which the interval ending here belongs
	struct gen_loop_stats loop;
	struct ep_counters ep;        // of all stacks
	uint64_t drop[WR_DROP_COUNT]; // frames that arrived and went nowhere, by reason
	uint32_t client_count, backend_count, packets_count, port_count; // as configured
	struct gen_client_stats clients[GEN_MAX_CLIENTS];
	struct gen_server_stats backends[GEN_MAX_BACKENDS];
	struct gen_packets_stats packets[GEN_MAX_PACKETS];
	struct gen_port_count ports[GEN_MAX_PORTS];
	struct wr_hist *hists; // storage of those above
};

// All zero, with room for the histograms of what `conf` names. Control side: it allocates.
struct gen_snapshot *gen_snapshot_create(const struct gen_conf *conf, struct wr_err *err);
void gen_snapshot_destroy(struct gen_snapshot *s);

// --- filling, on the loop's thread: no allocation, no system call ----------------------------
// Time, phase, and zero to what is added up.
void gen_snapshot_begin(struct gen_snapshot *s, uint64_t at_ns, enum gen_phase phase);
void gen_snapshot_client(struct gen_snapshot *s, uint32_t i, const struct gen_client_stats *from);
void gen_snapshot_backend(struct gen_snapshot *s, uint32_t i, const struct gen_server_stats *from);
void gen_snapshot_packets(struct gen_snapshot *s, uint32_t i, const struct gen_packets_stats *from);
void gen_snapshot_add_ep(struct gen_snapshot *s, const struct ep_counters *from);
void gen_snapshot_add_drops(struct gen_snapshot *s, const struct wr_stats *from);
// `loop` and `ports[]` are written by their owner.

// --- reading ---------------------------------------------------------------------------------
void gen_snapshot_copy(struct gen_snapshot *to, const struct gen_snapshot *from);

// Only the buckets in use are touched, so that it costs what was recorded, not 36 KiB. `to` was
// reset or copied to before.
void gen_hist_copy(struct wr_hist *to, const struct wr_hist *from);
// What came between two copies of one histogram. min and max are to the bucket.
void gen_hist_since(
	struct wr_hist *out, const struct wr_hist *later, const struct wr_hist *earlier);
