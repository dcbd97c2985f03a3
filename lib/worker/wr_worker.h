/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "wr_backend.h"
#include "wr_capture.h"
#include "wr_conf.h"
#include "wr_conf_plan.h"
#include "wr_err.h"
#include "wr_event.h"
#include "wr_ipsec.h"
#include "wr_l3.h"
#include "wr_mempool.h"
#include "wr_door.h"
#include "wr_port.h"
#include "wr_pressure.h"
#include "wr_proxy.h"
#include "wr_recorder.h"
#include "wr_stats.h"

// Workers: the loop, the one place that knows the order of phases, and steering between workers.
// A fabric is all workers of an instance with what they share. The whole runs in a test with a
// virtual clock and simulated ports: wr_worker_turn() is one turn of the loop.

struct wr_fabric;
struct wr_worker;

struct wr_fabric_config {
	const struct wr_conf *conf;
	struct wr_port *ports[WR_MAX_PORTS]; // opened, in the order of conf->ports; not owned
	struct wr_port *taps[WR_MAX_PORTS];  // exception ports by port id, or NULL; not owned
	const struct wr_mempools *pools[WR_MAX_WORKERS]; // of each worker's node
	struct wr_backends *backends;                    // not owned
	uint16_t workers;
	uint64_t secret[4];
	uint64_t seed;
};

// Make all workers. Sentence on error.
struct wr_fabric *wr_fabric_create(
	const struct wr_fabric_config *cfg, wr_us_t now, struct wr_err *err);
void wr_fabric_destroy(struct wr_fabric *f); // workers must not run any more

uint16_t wr_fabric_workers(const struct wr_fabric *f);
struct wr_worker *wr_fabric_worker(struct wr_fabric *f, uint16_t i);
struct wr_l3_net *wr_fabric_l3(struct wr_fabric *f);

// One turn of the loop at `now`. Returns items handled (0: idle).
uint32_t wr_worker_turn(struct wr_worker *w, wr_us_t now);

// The earliest time at which an idle worker has something to do; for virtual clocks.
wr_us_t wr_worker_next_timer(const struct wr_worker *w);

// Run until wr_fabric_stop(); for rte_eal_remote_launch(). arg: struct wr_worker. Clock: TSC since
// wr_clock_start. A worker whose CPU is not isolated naps after a while without work.
int wr_worker_run(void *arg);
void wr_fabric_stop(struct wr_fabric *f);

// Microseconds since start, from the TSC; what wr_worker_run() passes as `now`. After rte_eal_init,
// and first called before workers start.
wr_us_t wr_clock_now(void);

// --- control: messages to workers ----------------------------------------------------------------

enum wr_msg_kind {
	WR_MSG_CHECK,         // a: backend, b: asked, t: timeout, c: kind | slot << 8
	WR_MSG_KILL_BACKEND,  // a: backend; t: of its sessions those up to then, 0: up to now
	WR_MSG_KILL_SESSION,  // a: session id; reply: bool
	WR_MSG_DUMP_SESSIONS, // ptr: struct wr_dump_request
	WR_MSG_STOP_ACCEPT,
	WR_MSG_ABORT_ALL,
	WR_MSG_LEDGER_WALK, // ptr: struct wr_tcp_gauges: held by walking
	WR_MSG_FORCE_LEVEL, // a: service or WR_PRESSURE_WORKER, b: level + 1, or 0: by the queues
	WR_MSG_DOOR_ORDER, // a: service or WR_DOOR_WORKER, b: first class refused, WR_CLASSES: none
	WR_MSG_ADOPT,      // ptr: this worker's part of a struct wr_fabric_change
	WR_MSG_VIP_LOOK,   // ptr: struct vip_look_part
	WR_MSG_VIP_DROP,   // ptr: struct wr_addr; to worker 0
	WR_MSG_IPSEC_OUT,  // a: tunnel, ptr: struct wr_ipsec_sa to send with, or NULL
	WR_MSG_NONE,       // nothing: who waits for it knows that a turn of the worker has ended
	WR_MSG_CAPTURE,    // ptr: struct wr_capture to fill from now on, NULL: none; reply 0
};

struct wr_msg {
	uint32_t kind;
	uint32_t a, b, c;
	wr_us_t t;
	void *ptr; // lives until *done is not 0
	int *done; // NULL: nobody waits; else set to 1 + result (release)
};

struct wr_dump_request {
	struct wr_session_filter filter;
	uint32_t cursor;
	uint32_t max;
	uint32_t count;
	struct wr_session_info *out;
};

// Put a message into a worker's mailbox; any thread. 0 or -ENOBUFS (full: works queue_full).
int wr_worker_post(struct wr_worker *w, const struct wr_msg *m);

// Post and wait for the worker to answer, at most timeout_ms. The result (>= 0), -ETIMEDOUT or
// -ENOBUFS. On -ETIMEDOUT m->ptr may still be written: such memory must be kept (static or leaked).
int wr_worker_call(struct wr_worker *w, struct wr_msg *m, uint32_t timeout_ms);

// --- a new configuration, by the control thread
// ---------------------------------------------------

// begin(): everything that the fabric and its workers need for `fresh` is made (wr_conf_plan()ned,
// backends prepared by it); workers are asked to take it over. NULL with a sentence: nothing
// happened. turn(): true once all workers run with it; call it until then (a full mailbox is tried
// again). end(): backends, limits and addresses follow, and what was replaced is freed; from then
// on `fresh` is the configuration in force, and the one before may be freed. Never blocks; the
// time that each worker took is in its counter config_switch_us.
struct wr_fabric_change;
struct wr_fabric_change *wr_fabric_change_begin(
	struct wr_fabric *f, const struct wr_conf *fresh, struct wr_err *err);
bool wr_fabric_change_turn(struct wr_fabric_change *ch, wr_us_t now);
void wr_fabric_change_end(struct wr_fabric_change *ch, wr_us_t now);
// Free a configuration, or NULL, with the fabric, which may still read it until then. At most two.
void wr_fabric_keep_conf(struct wr_fabric *f, struct wr_conf *conf);
// Each turn of control: addresses that no service and no source has any more are given up, after
// runtime.drain_timeout and when no session is left that has them.
void wr_fabric_turn(struct wr_fabric *f, wr_us_t now);
// Tell ports which multicast groups our addresses need (IPv6 neighbour discovery). Returns a bit
// for each port that refused.
uint32_t wr_fabric_join_groups(struct wr_fabric *f);
// Who still needs a slot, for wr_conf_plan().
struct wr_conf_use wr_fabric_conf_use(struct wr_fabric *f);

// --- encrypted paths, by the control thread
// ---------------------------------------------------------

// By the configuration's `tunnels`; NULL when there are none.
const struct wr_ipsec_tunnel *wr_fabric_tunnels(const struct wr_fabric *f);
struct wr_ipsec_device *wr_fabric_ipsec_device(struct wr_fabric *f);
struct wr_ipsec_sad *wr_fabric_ipsec_sad(struct wr_fabric *f);

// Most frames that can stand between workers and ports at a time: wr_mempools_need.esp_frames of an
// instance with tunnels.
uint32_t wr_worker_frames_most(uint16_t workers, uint16_t ports);

// --- sight, any thread ---------------------------------------------------------------------------

void wr_worker_stats(const struct wr_worker *w, struct wr_stats_snapshot *out);
void wr_worker_pressure(const struct wr_worker *w, struct wr_pressure *out);
struct wr_event_ring *wr_worker_events(struct wr_worker *w); // consumer: the control thread
const struct wr_service_counters *wr_worker_service(const struct wr_worker *w, uint16_t service);
// The gate of a service, or WR_DOOR_WORKER's own: plain words of its owner, any of which may be
// newer than another.
const struct wr_gate *wr_worker_gate(const struct wr_worker *w, uint16_t service);
bool wr_worker_drops_early(const struct wr_worker *w);
uint8_t wr_worker_ordered(const struct wr_worker *w, uint16_t service); // as wr_door_ordered()
const struct wr_recorder *wr_worker_recorder(const struct wr_worker *w);
struct wr_record_ring *wr_worker_records(struct wr_worker *w); // consumer: the control thread

// The four ledgers, each in one unit: in = out + held + drops by reason, from independent counts.
enum wr_ledger_kind {
	WR_LEDGER_FRAMES_IN,
	WR_LEDGER_PAYLOAD_IN,  // bytes towards receive queues
	WR_LEDGER_PAYLOAD_OUT, // bytes from send queues
	WR_LEDGER_FRAMES_OUT,
	WR_LEDGER_MBUFS, // of the fabric only: see wr_fabric_mbuf_ledger()
	WR_LEDGER_COUNT
};
struct wr_ledger_row {
	uint64_t in, out, held, dropped;
	int64_t residual; // in - out - held - dropped
};
const char *wr_ledger_name(enum wr_ledger_kind k);
const char *wr_ledger_unit(enum wr_ledger_kind k);

// Ledger of one worker from a snapshot; pure.
void wr_ledger_compute(
	const struct wr_stats_snapshot *s, struct wr_ledger_row out[WR_LEDGER_COUNT]);

// RX-pool buffers over all nodes: in = taken from the pools, out = those in receive rings since the
// start, held = by connections. Exact at rest; frames on their way through rings show as residual.
void wr_fabric_mbuf_ledger(struct wr_fabric *f, struct wr_ledger_row *out);

// Facts for /weir/workers.
uint16_t wr_worker_id(const struct wr_worker *w);
uint16_t wr_worker_cpu(const struct wr_worker *w);
struct wr_fabric *wr_worker_fabric(struct wr_worker *w);

struct wr_port *wr_fabric_port(struct wr_fabric *f, uint16_t i);
const struct wr_conf *wr_fabric_conf(const struct wr_fabric *f);
struct wr_backends *wr_fabric_backends(struct wr_fabric *f);
struct wr_proxy_shared *wr_fabric_shared(struct wr_fabric *f);
const struct wr_mempools *wr_fabric_pools(const struct wr_fabric *f, uint16_t worker);
