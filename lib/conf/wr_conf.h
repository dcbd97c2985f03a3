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
	WR_CONF_HEALTH_TCP,
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
	uint32_t line;
};

struct wr_conf_backend {
	char name[WR_NAME_LEN];
	struct wr_endpoint address;
	uint32_t weight;          // 0-256, default 1; 0: no new sessions
	uint32_t max_connections; // at the same time, all workers; 0: no limit
	uint32_t line;
};

struct wr_conf_source { // a range of addresses, inclusive
	struct wr_addr first, last;
};

struct wr_conf_pool {
	char name[WR_NAME_LEN];
	uint32_t source_count; // 0: the port's own addresses
	struct wr_conf_source source[16];
	enum wr_conf_on_down on_down;
	enum wr_conf_health health;
	wr_us_t health_interval_us; // default 1 s
	wr_us_t health_timeout_us;  // default 1 s
	uint32_t health_rise;       // default 2
	uint32_t health_fall;       // default 3
	uint32_t max_connections;   // of the pool at the same time, all workers; 0: no limit
	uint32_t retries;           // other backends tried when a connect fails; default 3
	uint32_t backend_count;
	struct wr_conf_backend *backends; // malloc'd
	uint32_t line;
};

struct wr_conf {
	char file[256];
	struct wr_conf_runtime runtime;
	struct wr_conf_pressure pressure;
	struct wr_conf_access access;
	struct wr_conf_limit limit; // of the instance
	enum wr_conf_over over;
	uint32_t port_count;
	struct wr_conf_port ports[WR_MAX_PORTS];
	uint32_t route_count;
	struct wr_conf_route routes[WR_MAX_ROUTES];
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

// Has a pool or one of its backends a max_connections? Sessions of its services may have to wait
// then.
bool wr_conf_pool_limited(const struct wr_conf *c, uint32_t pool);
