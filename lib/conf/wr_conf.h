/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "wr_addr.h"
#include "wr_err.h"
#include "wr_limits.h"
#include "wr_units.h"

// The configuration: YAML in, one checked structure out. One table of settings (name, type, unit,
// minimum, maximum, default, help) gives parser, checker, dump, --help and the reference page.
// Control side only.

enum wr_conf_memory {
	WR_CONF_MEMORY_AUTO,  // huge pages when the kernel has enough of them, else plain with a
	                      // warning
	WR_CONF_MEMORY_HUGE,  // huge pages or fail
	WR_CONF_MEMORY_PLAIN, // no huge pages
};

enum wr_conf_accept {
	WR_CONF_ACCEPT_EAGER,    // answer the SYN at once, connect to a backend then
	WR_CONF_ACCEPT_DEFERRED, // answer the SYN once a backend has answered ours
};

enum wr_conf_on_reset {
	WR_CONF_ON_RESET_PASS,  // the other side is reset at once, what it had not got is dropped
	WR_CONF_ON_RESET_DRAIN, // the other side gets all that arrived, then a FIN
};

enum wr_conf_on_down {
	WR_CONF_ON_DOWN_RESET, // sessions of a backend that went down are reset
	WR_CONF_ON_DOWN_DRAIN, // they go on until they end by themselves
};

enum wr_conf_health {
	WR_CONF_HEALTH_NONE,
	WR_CONF_HEALTH_TCP,  // a completed handshake passes
	WR_CONF_HEALTH_HTTP, // an answer that fits health.http passes
};

enum wr_conf_balance {
	WR_CONF_BALANCE_MAGLEV,      // consistent hashing
	WR_CONF_BALANCE_BOUNDED,     // the same, but no backend above `bound` of the mean load
	WR_CONF_BALANCE_LEAST,       // fewest sessions for its weight
	WR_CONF_BALANCE_TWO_CHOICES, // the better of two by hash, hot and cold ones told apart
	WR_CONF_BALANCE_ROUND_ROBIN, // in turn, by weight
};

enum wr_conf_hash { // what of the client is hashed for picking
	WR_CONF_HASH_ADDRESS_PORT,
	WR_CONF_HASH_ADDRESS,
	WR_CONF_HASH_PREFIX, // hash_prefix_v4, hash_prefix_v6 bits of the address
};

enum wr_conf_send_proxy {
	WR_CONF_SEND_PROXY_NO,
	WR_CONF_SEND_PROXY_V1,
	WR_CONF_SEND_PROXY_V2,
};

enum wr_conf_log {
	WR_CONF_LOG_NONE,
	WR_CONF_LOG_JOURNAL,
	WR_CONF_LOG_FILE,
};

// Where something named stands in the tables of an instance. Fresh from a file everything is LIVE.
// Laid over a running configuration (wr_conf_plan.h), what is gone keeps its slot while sessions
// need it, and a slot between others may be vacant.
enum wr_conf_slot {
	WR_CONF_LIVE,
	WR_CONF_LEAVING, // not in the file any more: no listeners, no new sessions
	WR_CONF_VACANT,  // nothing; name is empty
};

enum wr_conf_tunnel_mode {
	WR_CONF_TUNNEL_TUNNEL,    // whole packets inside, to a gateway
	WR_CONF_TUNNEL_TRANSPORT, // payload only, to the backend's host itself
};

// In the order of enum wr_ipsec_cipher (lib/ipsec), which the daemon asserts.
enum wr_conf_cipher {
	WR_CONF_CIPHER_AES_GCM_128,
	WR_CONF_CIPHER_AES_GCM_256,
	WR_CONF_CIPHER_AES_CBC_128_SHA256,
	WR_CONF_CIPHER_AES_CBC_256_SHA256,
};

enum wr_conf_congestion {
	WR_CONF_CONGESTION_CUBIC,
	WR_CONF_CONGESTION_NEWRENO,
};

enum wr_conf_cookies {
	WR_CONF_COOKIES_AUTO, // while half-open connections are at their limit
	WR_CONF_COOKIES_ALWAYS,
	WR_CONF_COOKIES_NEVER,
};

enum wr_conf_refuse {
	WR_CONF_REFUSE_RESET, // a refused client learns it at once
	WR_CONF_REFUSE_DROP,  // it tries again after 1, 3, 7 s
};

enum wr_conf_over {
	WR_CONF_OVER_DELAY, // held back as long as hold allows; then refused
	WR_CONF_OVER_REFUSE,
};

// Limits of new connections a second, of connections at the same time, of payload bytes a second
// (both directions); 0: none. Bursts of 0 are a tenth of a second's worth, at least 1 connection or
// 64 KiB.
struct wr_conf_limit {
	uint64_t rate, rate_burst;
	uint32_t connections;
	uint64_t bytes, bytes_burst;
};

// Marks of a kind of queue, other than its own.
struct wr_conf_marks {
	uint32_t queue;               // enum wr_queue_kind, by its name
	uint16_t low, high, critical; // percent of capacity, 1-100, in order
	uint32_t line;
};

struct wr_conf_pressure {
	bool enabled;           // no: queues, levels and events are shown, nothing reacts to them
	wr_us_t target_us;      // lag of a worker that admission aims at; default 5 ms
	wr_us_t hold_us;        // longest that a SYN-ACK is held back; default 300 ms, below 1 s
	uint32_t hold_requests; // most that are held, of a worker; default 4096
	uint32_t resets_per_s;  // resets that a worker sends to those without a connection; 0: auto
	wr_us_t stall_us;       // for a peer that takes nothing, under pressure; default 30 s
	uint32_t evictions;     // slow peers reset a tick of 1 ms from P3 on; default 4
	uint32_t clients;       // entries of the table of clients with limits; default 65536
	uint32_t marks_count;
	struct wr_conf_marks marks[32];
};

// Who may connect, and as what class.
struct wr_conf_source_class {
	struct wr_prefix from;
	uint32_t class;
	uint32_t line;
};

#define WR_CONF_SOURCES_MAX 4096 // over all services; and prefixes of access.deny and access.allow

struct wr_conf_access {
	struct wr_prefix *deny, *allow; // malloc'd
	uint32_t deny_count, allow_count;
};

struct wr_conf_line {
	uint32_t line; // where in the file, for messages; 0: default
};

// Of every connection.
struct wr_conf_tcp {
	enum wr_conf_congestion congestion;
	enum wr_conf_cookies syn_cookies;
	wr_us_t ack_delay_us;                        // 0: off; default 2 ms
	wr_us_t keepalive_us;                        // 0: off, the default
	wr_us_t keepalive_interval_us;               // default 75 s
	uint32_t keepalive_probes;                   // default 9
	uint32_t receive_buffer, receive_buffer_max; // bytes; 128 KiB, 4 MiB; max is not below
	uint32_t send_buffer, send_buffer_max;
};

struct wr_conf_runtime {
	bool workers_auto; // all lcores but the control core
	uint32_t worker_count;
	uint16_t workers[WR_MAX_WORKERS]; // lcore (CPU) numbers; several may share a CPU in tests
	enum wr_conf_memory memory;
	char name[WR_NAME_LEN];
	uint32_t max_sessions;    // per instance; pools are sized from it; default 100000
	uint32_t rx_mbufs;        // 0: computed
	wr_us_t drain_timeout_us; // SIGTERM: then the rest is reset; default 30 s
	bool dad;                 // duplicate-address detection at start; default true
	struct wr_conf_tcp tcp;
	char user[32];         // to run as once everything is open; "": who started it
	char socket_group[32]; // group of the telemetry socket; "": the user's
	uint32_t socket_mode;  // its permissions, octal in the file; default 0660
	char act_group[32]; // who may act: group of the key file that acting commands need; "": no
	                    // key is needed
};

// One line for each session that ended.
struct wr_conf_logging {
	enum wr_conf_log to; // default none
	char file[256];      // of to: file; absolute
	uint32_t rate; // lines a second at most, the rest is sampled and counted; default 1000
};

struct wr_conf_port {
	char name[WR_NAME_LEN];
	char device[256];
	uint32_t addr_count;
	struct wr_prefix addr[WR_MAX_PORT_ADDRS];
	uint32_t gateway_count;
	struct wr_addr gateway[2]; // at most one a family
	bool exception;            // tap
	uint16_t mtu;              // 0: 1500
	uint16_t vlan;
	uint16_t queues;           // RX and TX; 0: as many as workers, or what the port can
	uint16_t rx_desc, tx_desc; // 0: the driver profile's
	uint32_t line;
};

struct wr_conf_route {
	struct wr_prefix to;
	struct wr_addr via;
	uint32_t port; // index into ports
	uint32_t line;
};

// An encrypted path (IPsec ESP) to backends. Read at start.
struct wr_conf_tunnel {
	char name[WR_NAME_LEN];
	enum wr_conf_tunnel_mode mode;
	enum wr_conf_cipher cipher;   // default aes-gcm-128
	struct wr_addr local, remote; // of packets on the wire, same family; local is a port's own
	bool to_remote;               // no prefixes were given: `to` is `remote` (mode transport)
	uint32_t to_count;            // what is behind `remote`; of mode transport only `remote`
	struct wr_prefix to[WR_MAX_TUNNEL_TO]; // one family; no overlap with other tunnels
	char keys[256];                        // key file, absolute
	bool esn;                              // default true
	uint32_t replay_window;                // packets; default 1024
	uint16_t udp_port;                     // 0: ESP on IP; else in UDP of this port (RFC 3948)
	uint16_t mtu;                          // of the path between the two ends; 0: the port's
	uint64_t life_bytes, life_packets;     // of keys; 0: none
	wr_us_t life_us;                       // 0: none
	uint32_t life_warn_percent;            // of life used: event; default 80
	wr_us_t switch_us; // rekey.switch_after: new keys are used for sending once the far side
	                   // is heard with them, or then; default 5 s
	wr_us_t keep_us;   // rekey.keep_old: old ones are accepted so long after that; default 60 s
	uint32_t line;
};

struct wr_conf_service {
	char name[WR_NAME_LEN];
	uint32_t listen_count;
	struct wr_endpoint listen[16];
	uint32_t pool; // index into pools
	enum wr_conf_accept accept;
	enum wr_conf_on_reset on_reset;
	wr_us_t connect_us, idle_us, half_closed_us, close_us; // defaults 3 s, 5 min, 1 h, 10 s
	uint32_t class;                                        // 0 (first) - 7; default 4
	uint32_t source_count;
	struct wr_conf_source_class *sources; // malloc'd: class by source prefix, longest wins
	enum wr_conf_refuse refuse;           // default reset
	uint32_t wait_sessions; // that may wait for a backend with room, all workers; default 1024
	wr_us_t wait_time_us;   // longest wait; default 1 s
	wr_us_t wait_target_us; // longest wait while the queue stands; default 50 ms
	enum wr_conf_over over; // what happens above limits of rates; default refuse
	struct wr_conf_limit limit;
	struct wr_conf_limit client;                 // of one client of this service
	uint32_t client_prefix_v4, client_prefix_v6; // bits that make a client; 32 and 64
	bool log;                                    // lines for its sessions; default true
	uint32_t proxied_count;    // connections from here begin with a PROXY protocol header
	struct wr_prefix *proxied; // malloc'd; `proxy_from` in the file
	wr_us_t header_us;         // timeouts.header: for that header; default 3 s
	enum wr_conf_slot slot;
	uint32_t line;
};

struct wr_conf_backend {
	char name[WR_NAME_LEN];
	struct wr_endpoint address;
	uint32_t weight;          // 0-256, default 1; 0: no new sessions
	uint32_t max_connections; // at the same time, all workers; 0: no limit
	uint32_t priority;        // tier, 0 (first) to 7; default 0
	bool disabled;            // starts disabled
	bool draining;            // starts draining
	uint16_t id;              // slot over all pools; given by load, kept by plan
	bool old_source;          // LEAVING with a source that its pool does not have any more
	bool drain_given;         // LEAVING by order, with a time of its own: not in any file
	wr_us_t drain_us;         // that time, 0: no deadline
	enum wr_conf_slot slot;
	uint32_t line;
};

struct wr_conf_source { // a range of addresses, inclusive
	struct wr_addr first, last;
};

// An HTTP/1.1 check: GET or HEAD or OPTIONS of `path`, and what the answer must be.
struct wr_conf_http_check {
	char method[8];                     // default GET
	char path[256];                     // default /
	char host[256];                     // default: the backend's address
	uint16_t status_first, status_last; // default 200-399
	char header[128]; // "Name: value" that must be there, value as a part; "": any
	char body[128];   // that must occur in the first 16 KiB; "": any
};

// When a backend is taken out for what its sessions saw (closed, open, half-open).
struct wr_conf_breaker {
	bool enabled;           // default true
	uint32_t failures;      // in a row: connect failures, early resets; default 5
	uint32_t rate_permille; // or this share of at least `rate_min` in `window`; default 500
	uint32_t rate_min;      // default 20
	wr_us_t window_us;      // default 10 s
	wr_us_t silence_us; // or no byte from it for so long while sessions wait; 0: off, default
	                    // 10 s
	uint32_t silence_sessions;    // at least so many; default 3
	wr_us_t open_us, open_max_us; // default 5 s, doubling to 300 s, each with jitter
	uint32_t share_permille;      // of a pool that may be open at the same time; default 333
};

struct wr_conf_pool {
	char name[WR_NAME_LEN];
	enum wr_conf_balance balance;
	enum wr_conf_hash hash;
	uint32_t hash_prefix_v4, hash_prefix_v6; // default 24, 56
	uint32_t bound_percent;                  // of balance: bounded; 110-1000, default 125
	enum wr_conf_send_proxy send_proxy;
	struct wr_conf_breaker breaker;
	wr_us_t slow_start_us;      // ramp of a backend that came back; 0: none; default 10 s
	uint32_t fail_open_percent; // below this share of usable ones, checks and breakers are not
	                            // heeded; 0 (default): never
	uint32_t spill_percent;     // below this share of usable ones a tier spills to the next;
	                            // default 70
	wr_us_t spill_hold_us; // a tier must be well for so long to get its sessions back; default
	                       // 10 s
	int32_t backup;        // pool that serves when no backend here can; -1: none
	wr_us_t drain_us;      // for sessions of a backend that is removed or drained without a
	                       // deadline; 0: no deadline; default 5 min
	enum wr_conf_slot slot;
	int32_t tunnel; // ipsec.tunnel: all backends are behind it; -1: none, then none is behind
	                // any. Without tunnels any value is none
	bool require; // ipsec.require, default true: nothing in clear, ever. Without it packets go
	              // in clear until the tunnel has had keys once
	uint32_t source_count; // 0: the port's own addresses
	struct wr_conf_source source[16];
	enum wr_conf_on_down on_down;
	enum wr_conf_health health;
	wr_us_t health_interval_us;      // default 1 s
	wr_us_t health_interval_down_us; // while down; 0: as interval
	wr_us_t health_interval_fast_us; // while rise or fall is being counted; 0: as interval
	uint16_t health_port;            // 0: the backend's own
	bool http_given;                 // exactly with health: http; else http is empty
	struct wr_conf_http_check http;
	bool agent_given;          // else the two are 0
	uint16_t agent_port;       // HAProxy's agent-check is asked there as well; 0: none
	wr_us_t agent_interval_us; // default 2 s
	wr_us_t health_timeout_us; // default 1 s
	uint32_t health_rise;      // default 2
	uint32_t health_fall;      // default 3
	uint32_t max_connections;  // of the pool at the same time, all workers; 0: no limit
	uint32_t retries;          // other backends tried when a connect fails; default 3
	uint32_t backend_count;
	struct wr_conf_backend *backends; // malloc'd
	uint32_t line;
};

struct wr_settings_marks;

struct wr_conf {
	char file[256];
	struct wr_settings_marks *marks; // lines of what was given, as loaded; NULL once planned
	struct wr_conf_runtime runtime;
	struct wr_conf_pressure pressure;
	struct wr_conf_access access;
	struct wr_conf_limit limit; // of the instance
	enum wr_conf_over over;
	struct wr_conf_logging log;
	uint32_t port_count;
	struct wr_conf_port ports[WR_MAX_PORTS];
	uint32_t route_count;
	struct wr_conf_route routes[WR_MAX_ROUTES];
	uint32_t tunnel_count;
	struct wr_conf_tunnel tunnels[WR_MAX_TUNNELS];
	uint32_t service_count;
	struct wr_conf_service services[WR_MAX_SERVICES];
	uint32_t pool_count;
	struct wr_conf_pool pools[WR_MAX_POOLS];
};

// Read, parse and check a file. NULL with a sentence naming file, line, key, value and what would
// be right. Free with wr_conf_free().
struct wr_conf *wr_conf_load(const char *file, struct wr_err *err);

// The same from memory (tests, fuzzing); `file` only names it in messages.
struct wr_conf *wr_conf_parse(const char *file, const char *text, size_t len, struct wr_err *err);

void wr_conf_free(struct wr_conf *c);

// Write the whole configuration in force as YAML, defaults included; parses back to the same.
void wr_conf_dump(const struct wr_conf *c, FILE *out);

// Write the reference of all settings: name, type and unit, range, default, sentence. As plain text
// for --help-config, or as Markdown for the manual.
void wr_conf_reference(FILE *out, bool markdown);

// Index of a service or pool by name, or -1.
int wr_conf_find_service(const struct wr_conf *c, const char *name);
int wr_conf_find_pool(const struct wr_conf *c, const char *name);
int wr_conf_find_tunnel(const struct wr_conf *c, const char *name);
// The tunnel that an address is behind, or -1.
int wr_conf_tunnel_of(const struct wr_conf *c, const struct wr_addr *a);
// Whether a pool that uses a tunnel requires it, one that is LEAVING included.
bool wr_conf_tunnel_required(const struct wr_conf *c, uint32_t tunnel);

// Number of backend slots in use or vacant: above every wr_conf_backend.id.
uint32_t wr_conf_backend_slots(const struct wr_conf *c);

// A deep copy. NULL: out of memory.
struct wr_conf *wr_conf_copy(const struct wr_conf *c);

// Has a pool or one of its backends a max_connections? Sessions of its services may have to wait
// then.
bool wr_conf_pool_limited(const struct wr_conf *c, uint32_t pool);
