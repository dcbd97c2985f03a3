/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <rte_ring.h>
#include <rte_ring_elem.h>

#include "wr_rss.h"
#include "wr_worker.h"

#include "hold.h"

#define RX_BURSTS     4    // receive bursts of a port in one turn, at most
#define BACKLOG_SLOTS 1024 // frames a port may be behind; power of two
#define BACKLOG_SPARE 64   // of which TCP output leaves this many to ARP, ICMP and waiting frames
#define TX_RING_SLOTS 1024 // frames on their way to the worker that owns a port's TX queue
#define OUT_FRAMES    64   // frames in hand between TCP output and the backlogs
#define EVENT_SLOTS   4096
#define RSS_RETA_SIZE 128 // of software steering
#define PROBES_MAX    256 // health probes of one worker at a time, on reserved connections

// One port as one worker sees it.
struct wport {
	struct wr_port *port;
	struct wr_port *tap; // exception path, worker 0 only
	bool reads;          // this worker owns RX queue `rxq`
	bool owns_tx;        // this worker owns TX queue `txq`
	uint16_t rxq, txq;
	bool exception;
	struct rte_ring *to_owner; // when not owns_tx: ours towards the owner
	struct rte_mbuf **backlog; // when owns_tx
	uint32_t head, count;
	uint32_t standing;      // frames read in turns in a row that did not empty the port
	uint32_t rx_depth;      // what the port held, as far as reading it told
	wr_us_t next_notice_us; // rate limit of checksum and truncation events
	wr_us_t next_miss_us;   // and of steer_miss
	uint32_t misses;        // since the last such event
	int q_rx, q_tx;         // pressure queues
};

// Index of each queue of a worker in its pressure table; -1: none.
struct wqueues {
	int conns, sessions, syn_backlog, backend_wait, rx_pool, small_pool, mailbox, source_ports,
		neigh_wait, conn_recv, conn_send, lag, syn_hold, answers, disorder, cpu, clients,
		ipsec_buffers, crypto;
	int handoff[WR_MAX_WORKERS];
	// By service, pool and backend: -1 where nothing limits them.
	int16_t pending[WR_MAX_SERVICES], pending_wait[WR_MAX_SERVICES];
	int16_t pool_inflight[WR_MAX_POOLS], backend_inflight[WR_MAX_BACKENDS];
};

// Which limits new connections of a service meet.
#define LIMITED_SERVICE 1
#define LIMITED_CLIENT  2

// A gate of the door as events last told of it.
struct gate_seen {
	wr_us_t since_us;
	bool limited;
};

// Cycles that moved something, at the last look.
struct busy_seen {
	uint64_t cycles, busy, loops, loops_busy;
	uint64_t idle_turn; // cycles of a turn that found nothing
	wr_us_t at_us;
};

// What the flight recorder compares with: counts at the last record.
struct recorded {
	uint64_t asked, admitted, reset, dropped, completed, queue_full;
	uint32_t lag_us;            // longest since then
	uint32_t sessions, pending; // now
	uint8_t level;
};

struct wr_worker {
	struct wr_fabric *fabric;
	uint16_t id;
	uint16_t cpu;
	struct wr_tcp_stack *tcp;
	struct wr_l3 *l3;
	struct wr_ipsec *ipsec; // NULL: no tunnels
	struct wr_proxy *proxy;
	struct wr_event_ring *events;
	struct wr_record_ring *records;
	struct wr_capture *capture; // NULL: none
	const struct wr_conf *conf; // that this worker runs with
	struct rte_ring *mailbox;
	struct rte_ring *handoff_in[WR_MAX_WORKERS]; // from each worker; NULL from ourselves
	uint64_t mailbox_refused;                    // atomic: by posters
	uint64_t mailbox_refused_seen;
	struct wport port[WR_MAX_PORTS];
	uint16_t ports;
	wr_us_t now_us; // of the present turn
	bool stopped;
	int refusing;                           // pressure queue that makes us refuse, -1: none
	uint8_t memory_level;                   // that the engine was told
	uint8_t service_level[WR_MAX_SERVICES]; // published last
	uint32_t promise_walk;                  // connections looked at in a tick
	bool by_cookie;                         // requests are told to come back with a cookie
	// The way in (entry.c).
	struct wr_door *door;
	struct hold hold;
	bool limited_all; // the instance has a limit of connections
	uint8_t limited[WR_MAX_SERVICES];
	uint64_t limit_hits[WR_MAX_SERVICES], limit_told[WR_MAX_SERVICES];
	wr_us_t next_limit_us[WR_MAX_SERVICES];
	uint8_t limit_why[WR_MAX_SERVICES]; // enum wr_drop
	struct gate_seen gate_seen[1 + WR_MAX_SERVICES];
	bool rx_emptied;         // in this turn
	wr_us_t behind_since_us; // start of the first turn in a row that left work behind; 0: none
	wr_us_t lag_us;          // longest since the last tick
	wr_us_t lag_period_us;   // and since the last period of the door
	// Sight (record.c).
	struct wr_recorder *recorder;
	struct recorded recorded;
	uint64_t pending_refused[WR_MAX_SERVICES]; // told to pressure
	uint32_t clients_at, clients_sum;          // of a walk over the table of clients
	struct busy_seen door_busy, cpu_busy;
	wr_us_t next_cpu_us;
	uint32_t cpu_permille;
	struct wqueues q;
	uint32_t conns_max, half_open_max; // room for what is not reserved
	uint32_t ports_max;                // of the pair that source_ports' marks were set by
	uint64_t seen[13];                 // refusals already passed to pressure, by source
	uint32_t ticks;
	bool measure; // this turn's stages are measured (stage.h)
	uint64_t lap_from;
	uint64_t lap[WR_CTR_stage_frames - WR_CTR_stage_port_rx];
	bool unpublished;
	wr_us_t next_pressure_us;
	struct wr_pressure pressure;
	struct wr_stats stats;
	struct wr_stats_pub pub;
	struct wr_pressure_pub *pressure_pub;
} __attribute__((aligned(64)));

// An address of services or sources; kept for a while after nobody wants it any more, and as long
// as a session has it.
struct vip {
	struct wr_addr addr;
	bool wanted, was_wanted;
	bool fresh;       // by a configuration that is being taken over
	bool asked;       // worker 0, to give it up
	wr_us_t until_us; // not wanted: when it is given up
	int done;         // of the message that gives it up
};
#define VIPS_MAX (WR_MAX_LISTENERS + WR_MAX_SOURCES * 16)
// Whether sessions still have an address: asked of all workers, each some sessions a message.
struct vip_look_part {
	const struct wr_addr *addr;
	uint32_t cursor; // in its sessions; UINT32_MAX: that was all
	bool used;       // one has
	bool asked;
	int done; // of the message
};
struct vip_look {
	struct wr_addr addr;
	uint32_t vip; // in the list
	bool used;    // a worker said so
	struct vip_look_part part[WR_MAX_WORKERS];
};
struct vips {
	struct vip *list; // [VIPS_MAX]
	uint32_t count;
	uint32_t known;  // before the configuration that is being taken over
	wr_us_t next_us; // when to look for some to give up
	uint32_t next;   // from where on: behind the one that was looked at last
	struct vip_look look;
	bool looking;
};

struct wr_fabric {
	struct wr_fabric_config cfg;
	struct wr_l3_net *l3;
	struct fabric_ipsec *ipsec;                // NULL: no tunnels
	struct wr_proxy_shared *shared;            // limits, access, places at backends
	struct wr_rss *software_rss;               // steering where the NIC does not
	struct wr_rss *port_rss_own[WR_MAX_PORTS]; // from the port's own key and RETA
	const struct wr_rss *port_rss[WR_MAX_PORTS];
	bool nic_steers[WR_MAX_PORTS];
	struct rte_ring *tx_ring[WR_MAX_WORKERS][WR_MAX_PORTS]; // from a worker to a port's owner
	uint16_t tx_owner[WR_MAX_PORTS];
	uint64_t cycles_per_ms; // of the TSC
	uint32_t mbuf_baseline; // RX-pool buffers in rings after start
	struct vips vips;
	struct wr_conf *kept[2]; // freed with the fabric
	bool changing;           // a configuration is being taken over
	bool stop;
	struct wr_worker *worker[WR_MAX_WORKERS];
};

// worker.c: frames for whoever captures; w->capture is there.
void worker_capture(struct wr_worker *w, uint16_t port, bool out, struct rte_mbuf **m, uint16_t n);

// rx.c: receive, classify, steer. Returns frames handled.
uint32_t worker_rx(struct wr_worker *w, wr_us_t now);

// tx.c: frames towards ports.
void worker_send_frames(struct wr_worker *w, struct wr_l3_tx *out);
uint32_t worker_output(struct wr_worker *w, wr_us_t now); // TCP output through L3 into the backlogs
uint32_t worker_tx_flush(struct wr_worker *w);            // backlogs into ports
uint32_t worker_tx_room(struct wr_worker *w);             // frames that every port would take now
uint32_t worker_tx_backlog(const struct wr_worker *w);

// mailbox.c
uint32_t worker_mailbox(struct wr_worker *w, wr_us_t now);

// gauge.c: pressure and publication
int worker_queues_register(struct wr_worker *w);
// Marks as w->conf says.
void worker_marks(struct wr_worker *w);
// Queues of services, pools and backends that w->conf limits and that have none yet. 0 or -ENOSPC.
int worker_services_register(struct wr_worker *w);
// The table of clients, once there is one.
void worker_clients_register(struct wr_worker *w);
// How many more that would be with another configuration.
uint32_t worker_services_need(const struct wr_worker *w, const struct wr_conf *conf);
void worker_pressure(struct wr_worker *w, wr_us_t now);
uint32_t busy_permille(const struct wr_worker *w, struct busy_seen *seen, wr_us_t now);
void worker_publish(struct wr_worker *w, wr_us_t now);

// change.c: a new configuration
struct worker_change;
void worker_adopt(struct wr_worker *w, struct worker_change *ch, wr_us_t now);
// Which limits new connections of a service meet.
uint8_t worker_limits_of(const struct wr_conf_service *sv);
// How many connection requests the hold may keep in its queue.
uint32_t worker_holds(const struct wr_conf_pressure *pc);

// record.c: the flight recorder
void worker_record(struct wr_worker *w, wr_us_t now);

// fabric.c: buffers taken from the RX pools of all nodes.
uint32_t fabric_rx_in_use(const struct wr_fabric *f);

// A ring without a name in EAL, on our own memory. NULL: no memory.
struct rte_ring *worker_ring_create(
	uint32_t slots, uint32_t elem_size, unsigned int flags, int numa_node);
