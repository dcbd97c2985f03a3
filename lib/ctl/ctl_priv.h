/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "wr_ctl.h"

#include "history.h"
#include "params.h"
#include "reply.h"
#include "reload.h"
#include "sink.h"

// What the control thread keeps of a backend's slot, besides what lib/backend does.
#define WR_CTL_RATE_LOOKS 10 // a second apart

struct wr_ctl_watch {
	uint64_t ident;  // of who is in the slot; another one there begins anew
	uint32_t kill;   // bit a worker: owes it WR_MSG_KILL_BACKEND
	wr_us_t kill_us; // since when it owes that; 0: since this turn
	uint32_t checks, checks_failed;
	wr_us_t look_us; // of the last look at its counters
	uint64_t total;  // sessions established up to then
	uint32_t per_s[WR_CTL_RATE_LOOKS];
	uint32_t per_s_max;
	uint8_t at, looks;
};

#define WR_CTL_KEY_LEN 32 // hexadecimal digits

// What was read from a port last time.
struct wr_ctl_port {
	bool seen;
	bool link_up;
	uint64_t kernel_loss;
	uint64_t rx_missed;
};

// An operator's orders, by service; the last is the workers' own. Each bit of `owed` is a worker
// that was not told yet.
#define WR_CTL_DOMAINS (WR_MAX_SERVICES + 1)
#define WR_CTL_WORKERS WR_MAX_SERVICES

struct wr_ctl_orders {
	uint8_t level[WR_CTL_DOMAINS];  // + 1; 0: by the queues
	uint8_t refuse[WR_CTL_DOMAINS]; // first class that is refused; WR_CLASSES: none
	uint32_t level_owed[WR_CTL_DOMAINS];
	uint32_t refuse_owed[WR_CTL_DOMAINS];
	bool any_owed;
};

// Memory that a worker may still write to, because it did not answer in time.
#define WR_CTL_LIMBO 64

struct wr_ctl {
	// Held by the control thread for a turn, and by telemetry threads while they read or act.
	// Workers never touch it; nobody waits for a worker while holding it.
	pthread_mutex_t lock;

	struct wr_fabric *fabric;
	const struct wr_conf *conf;
	struct wr_backends *backends;
	struct wr_l3_net *l3;
	uint16_t workers;

	wr_us_t now_us;     // of the last turn
	wr_us_t started_us; // of the first
	bool turned;

	struct wr_history history;

	struct wr_ctl_watch *watch; // [WR_MAX_BACKENDS]
	bool kills_owed;            // some `kill` above is not 0
	uint32_t rates_at;          // slot that is looked at next
	wr_us_t next_rates_us;

	struct wr_reload *reload;

	struct wr_ctl_ipsec *ipsec; // ipsec.c; NULL: no tunnels

	struct wr_ctl_captures *captures; // capture.c; NULL: none was ever made

	struct wr_sink sink;
	uint64_t ring_lost; // records that found no room in their worker's ring
	uint64_t sampled;   // sessions that workers left out of their sample under pressure
	wr_us_t next_ring_us;

	char act_key[WR_CTL_KEY_LEN + 1]; // that acting commands need; "": none is known

	wr_us_t next_port_us;
	struct wr_ctl_port port[WR_MAX_PORTS];

	struct wr_proxy_shared *shared; // of the fabric
	wr_us_t next_access_us;
	struct wr_ctl_orders orders;

	bool stopping;
	uint32_t stop_owed;                // bit a worker: not told yet
	int stop_done[WR_MAX_WORKERS];     // written by workers
	wr_us_t stop_seen[WR_MAX_WORKERS]; // clock of the first block published after that

	uint32_t answer_ms; // how long a worker is waited for
	uint32_t limbo_count;
	void *limbo[WR_CTL_LIMBO];
};

// --- names.c -------------------------------------------------------------------------------------

#define WR_SCOPE_LEN (2 * WR_NAME_LEN + 8)

// "web/b1", "" for a slot that is vacant; returns buf.
char *wr_ctl_backend_name(struct wr_ctl *c, uint16_t backend, char *buf, size_t len);
// Whose level a queue raises: a service's name, or "worker".
const char *wr_ctl_domain(struct wr_ctl *c, uint16_t domain);
// What the scope of a queue, or of an event, is called: "" where there is only one. Returns buf.
char *wr_ctl_queue_scope(struct wr_ctl *c, const struct wr_queue *q, char *buf, size_t len);
char *wr_ctl_event_scope(struct wr_ctl *c, const struct wr_event *ev, char *buf, size_t len);

// --- events.c: lock held ------------------------------------------------------------------------

// Give the event an id, keep it, say it in the log.
void wr_ctl_event_add(struct wr_ctl *c, struct wr_event *ev);
// Take what workers raised. True when some may be left.
bool wr_ctl_events_collect(struct wr_ctl *c);

// --- checks.c: lock held ------------------------------------------------------------------------

// What lib/backend wants done: checks go to workers, events to the log, kills and limits to whom
// they concern. Returns when it wants to run again.
wr_us_t wr_ctl_checks_turn(struct wr_ctl *c, wr_us_t now);

// --- rates.c: lock held -------------------------------------------------------------------------

// Look at the counters of backends, each once a second.
void wr_ctl_rates_turn(struct wr_ctl *c, wr_us_t now);
struct wr_ctl_rate {
	uint64_t per_s;    // sessions in the last second
	uint64_t per_s_10; // mean of the last ten
	uint64_t per_s_max;
};
struct wr_ctl_rate wr_ctl_rate(const struct wr_ctl *c, uint16_t backend);

// --- records.c: lock held -----------------------------------------------------------------------

// Take records of ended sessions and write their lines. True when some may be left.
bool wr_ctl_records_turn(struct wr_ctl *c, wr_us_t now);

// --- edits.c: lock held -------------------------------------------------------------------------

// Edits of the configuration in force: a new backend, and one that leaves when its sessions have
// ended or `drain` is over (0: no deadline). 0 or negative errno with a sentence.
int wr_ctl_edit_add(
	struct wr_ctl *c, const char *pool, const struct wr_conf_backend *b, struct wr_err *err);
int wr_ctl_edit_remove(
	struct wr_ctl *c, const char *pool, const char *name, wr_us_t drain, struct wr_err *err);

// --- capture.c: lock held -----------------------------------------------------------------------

// Move what the running capture's rings hold into its file, some thousand frames at most; begin and
// end it. Returns when it wants to run again.
wr_us_t wr_ctl_capture_turn(struct wr_ctl *c, wr_us_t now);
// Workers do not run any more: finish the file, free everything.
void wr_ctl_capture_fini(struct wr_ctl *c);

// --- losses.c: lock held ------------------------------------------------------------------------

// Read the ports once a second: losses and links become events.
void wr_ctl_losses_turn(struct wr_ctl *c, wr_us_t now);

// --- orders.c: lock held ------------------------------------------------------------------------

void wr_ctl_orders_init(struct wr_ctl_orders *o);
// Put an order in force and tell every worker; `domain` is a service or WR_CTL_WORKERS. Who has no
// room in the mailbox is told in a later turn. Returns how many that are.
uint32_t wr_ctl_order_level(struct wr_ctl *c, uint16_t domain, int level); // -1: by the queues
uint32_t wr_ctl_order_refuse(struct wr_ctl *c, uint16_t domain, uint8_t class);
// Tell those who are still owed something.
void wr_ctl_orders_turn(struct wr_ctl *c);

// --- rules.c: lock held -------------------------------------------------------------------------

// Once a second: access rules whose time is over end, each with an event.
void wr_ctl_rules_turn(struct wr_ctl *c, wr_us_t now);
// "deny 198.18.5.0/24 to web"; returns buf.
char *wr_ctl_rule_words(struct wr_ctl *c, const struct wr_access_rule *rule, char *buf, size_t len);

// --- ask.c: lock not held -----------------------------------------------------------------------

// Ask a worker and wait at most a second. `mem` is the message's ptr, from malloc: freed by the
// caller on success, kept by the control when the worker may still write to it. The result, or
// -ETIMEDOUT or -ENOBUFS with a sentence.
int wr_ctl_ask(struct wr_ctl *c, uint16_t worker, struct wr_msg *m, void *mem, struct wr_err *err);

// --- commands
// -------------------------------------------------------------------------------------

// Register /weir/... once a process, and point them at `c`. 0 or negative errno with a sentence.
int wr_ctl_commands_attach(struct wr_ctl *c, struct wr_err *err);
// After this no telemetry thread is inside `c`.
void wr_ctl_commands_detach(struct wr_ctl *c);

typedef void (*wr_ctl_show_fn)(struct wr_ctl *c, const struct wr_params *p, struct wr_reply *r);
typedef void (*wr_ctl_act_fn)(
	struct wr_ctl *c, const char *verb, const char *arg, struct wr_reply *r);

// Reading, lock held, except conns and ledger: those wait for workers, and take it in between.
void wr_show_status(struct wr_ctl *c, const struct wr_params *p, struct wr_reply *r);
void wr_show_services(struct wr_ctl *c, const struct wr_params *p, struct wr_reply *r);
void wr_show_pools(struct wr_ctl *c, const struct wr_params *p, struct wr_reply *r);
void wr_show_backends(struct wr_ctl *c, const struct wr_params *p, struct wr_reply *r);
void wr_show_log(struct wr_ctl *c, const struct wr_params *p, struct wr_reply *r);
void wr_show_capture(struct wr_ctl *c, const struct wr_params *p, struct wr_reply *r); // no lock
void wr_show_latency(struct wr_ctl *c, const struct wr_params *p, struct wr_reply *r);
void wr_show_conns(struct wr_ctl *c, const struct wr_params *p, struct wr_reply *r);
void wr_show_queues(struct wr_ctl *c, const struct wr_params *p, struct wr_reply *r);
void wr_show_pressure(struct wr_ctl *c, const struct wr_params *p, struct wr_reply *r);
void wr_show_admission(struct wr_ctl *c, const struct wr_params *p, struct wr_reply *r);
void wr_show_recorder(struct wr_ctl *c, const struct wr_params *p, struct wr_reply *r);
void wr_show_access(struct wr_ctl *c, const struct wr_params *p, struct wr_reply *r);
void wr_show_limits(struct wr_ctl *c, const struct wr_params *p, struct wr_reply *r);
void wr_show_clients(struct wr_ctl *c, const struct wr_params *p, struct wr_reply *r);
void wr_show_drops(struct wr_ctl *c, const struct wr_params *p, struct wr_reply *r);
void wr_show_ledger(struct wr_ctl *c, const struct wr_params *p, struct wr_reply *r);
void wr_show_workers(struct wr_ctl *c, const struct wr_params *p, struct wr_reply *r);
void wr_show_counters(struct wr_ctl *c, const struct wr_params *p, struct wr_reply *r);
void wr_show_tunnels(struct wr_ctl *c, const struct wr_params *p, struct wr_reply *r);
void wr_show_ipsec(struct wr_ctl *c, const struct wr_params *p, struct wr_reply *r);
void wr_show_ports(struct wr_ctl *c, const struct wr_params *p, struct wr_reply *r);
void wr_show_events(struct wr_ctl *c, const struct wr_params *p, struct wr_reply *r);
void wr_show_neighbours(struct wr_ctl *c, const struct wr_params *p, struct wr_reply *r);
void wr_show_config(struct wr_ctl *c, const struct wr_params *p, struct wr_reply *r);

void wr_show_history(struct wr_ctl *c, const struct wr_params *p, struct wr_reply *r);
void wr_show_diff(struct wr_ctl *c, const struct wr_params *p, struct wr_reply *r);

// Acting: all with the lock held, but conn and those of the configuration.
void wr_act_reload(struct wr_ctl *c, const char *verb, const char *arg, struct wr_reply *r);
void wr_act_confirm_config(struct wr_ctl *c, const char *verb, const char *arg, struct wr_reply *r);
void wr_act_rollback(struct wr_ctl *c, const char *verb, const char *arg, struct wr_reply *r);
void wr_act_backend(struct wr_ctl *c, const char *verb, const char *arg, struct wr_reply *r);
void wr_act_admission(struct wr_ctl *c, const char *verb, const char *arg, struct wr_reply *r);
void wr_act_access(struct wr_ctl *c, const char *verb, const char *arg, struct wr_reply *r);
void wr_act_conn(struct wr_ctl *c, const char *verb, const char *arg, struct wr_reply *r);
void wr_act_rekey(struct wr_ctl *c, const char *verb, const char *arg, struct wr_reply *r);
void wr_act_capture(struct wr_ctl *c, const char *verb, const char *arg, struct wr_reply *r);

// Ends an action: the event, and the row that says what was done.
void wr_act_done(struct wr_ctl *c, struct wr_reply *r, struct wr_event *ev, const char *verb,
	const char *target, const char *what);
// What needs to be asked for twice: the row says what it would do, and the request that does it.
void wr_act_confirm(struct wr_reply *r, const char *request, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
// Cut `arg` at its commas, at most `max` pieces; the last takes the rest. Returns how many, 0 when
// it is too long.
uint32_t wr_act_split(const char *arg, char *buf, size_t len, char **piece, uint32_t max);

// Pieces of rows that several commands share.
struct wr_ctl_wait {   // the queue of sessions that wait for a backend with room, over all workers
	uint8_t level; // of the service: the highest
	uint64_t depth, peak, capacity;
	uint64_t oldest_us;
	uint64_t arrivals, waited_us;
};
// Of every service: `out` has room for WR_MAX_SERVICES.
void wr_ctl_waits(struct wr_ctl *c, struct wr_ctl_wait *out);
uint64_t wr_ctl_permille(const struct wr_queue *q);
void wr_ctl_put_gate(struct wr_reply *r, const struct wr_gate *g);
void wr_ctl_put_rule(struct wr_reply *r, const struct wr_limit_rule *rule);
// A cursor of tables that workers have one each of: the worker, and a number in its table.
uint64_t wr_ctl_cursor(uint16_t worker, uint64_t number);
// The worker of a parameter, UINT64_MAX for all. False: an error row was written.
bool wr_ctl_param_worker(
	struct wr_ctl *c, const struct wr_params *p, struct wr_reply *r, uint64_t *worker);
// The service of a parameter, -1 for all. False: an error row was written.
bool wr_ctl_param_service(
	struct wr_ctl *c, const struct wr_params *p, struct wr_reply *r, int *service);

// "leaving": 1 where a slot is.
void wr_ctl_put_slot(struct wr_reply *r, enum wr_conf_slot slot);
// The s words are HAProxy's: sessions now, most at a time, since start, and their limit.
void wr_ctl_put_sessions(
	struct wr_reply *r, uint64_t now, uint64_t peak, uint64_t total, uint64_t limit);
// What a backend or a pool may have at the same time; 0: no limit. NULL: there is none yet.
void wr_ctl_put_lease(struct wr_reply *r, const struct wr_lease *l);
// Checks the filter of pools; -1: any, -2: no such pool, said.
int wr_ctl_param_pool(struct wr_ctl *c, const struct wr_params *p, struct wr_reply *r);
// All that is known of a backend, behind what /weir/backends shows first.
void wr_ctl_put_backend_detail(struct wr_ctl *c, struct wr_reply *r, const struct wr_backend *be,
	const struct wr_backend_counters *s);
// "connect_p50_us" and so on, of one histogram.
void wr_ctl_put_times(struct wr_reply *r, const char *name, const struct wr_hist_small *h);
// What a backend that starts slowly gets of its weight.
uint64_t wr_ctl_share_permille(struct wr_ctl *c, const struct wr_backend *be);
// Connects that failed, for whatever reason.
uint64_t wr_ctl_connect_errors(const struct wr_backend_counters *s);

// Whether a service's slot holds one.
static inline bool wr_ctl_has_service(const struct wr_ctl *c, uint32_t service)
{
	return service < c->conf->service_count &&
	       c->conf->services[service].slot != WR_CONF_VACANT;
}

// Sums over workers.
void wr_ctl_service_sum(struct wr_ctl *c, uint16_t service, struct wr_service_counters *out);
uint8_t wr_ctl_level(struct wr_ctl *c);

// Error rows that several commands share.
void wr_ctl_bad_param(struct wr_reply *r, const struct wr_err *err, const char *allowed);
