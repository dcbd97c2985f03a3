/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "wr_addr.h"
#include "wr_err.h"
#include "wr_limits.h"
#include "wr_units.h"

// What weir-gen is told to do: one checked structure, made from YAML and flags (settings.c). All
// times are in microseconds from the start of the run; rates are per second.

#define GEN_MAX_PORTS    8
#define GEN_MAX_CLIENTS  16 // populations
#define GEN_MAX_BACKENDS 64
#define GEN_MAX_PACKETS  16 // stateless streams
#define GEN_MAX_RANGES   16
#define GEN_MAX_TARGETS  64
#define GEN_MAX_FAULTS   32
#define GEN_PATH_LEN     256
#define GEN_PORT_AUTO    UINT32_MAX // the port that the addresses belong to

// One instant in both units that the generator uses: timers run on microseconds, measurements on
// nanoseconds. Same origin, never goes back.
struct gen_now {
	wr_us_t us;
	uint64_t ns;
};

enum gen_memory {
	GEN_MEMORY_AUTO, // huge pages when the kernel has enough of them, else plain
	GEN_MEMORY_HUGE,
	GEN_MEMORY_PLAIN,
};

enum gen_protocol {
	GEN_PROTOCOL_RAW,  // messages with a 16-byte header, every byte verified (message.h)
	GEN_PROTOCOL_HTTP, // HTTP/1.1
};

// A random time.
enum gen_dist_kind {
	GEN_DIST_FIXED,       // always `mean`
	GEN_DIST_UNIFORM,     // 0 to 2 x mean
	GEN_DIST_EXPONENTIAL, // of this mean
	GEN_DIST_PARETO,      // heavy tail of index `shape` (above 1), this mean, cut at `max`
	GEN_DIST_LOGNORMAL,   // this mean, sigma `shape`, cut at `max`
};
struct gen_dist {
	enum gen_dist_kind kind;
	wr_us_t mean_us;
	uint32_t shape_permille; // 1500: 1.5
	wr_us_t max_us;          // 0: 100 x mean
};

struct gen_range { // of addresses, both ends included
	struct wr_addr first, last;
	uint32_t line;
};

struct gen_port {
	char name[WR_NAME_LEN];
	char device[256]; // as Weir's ports[].device
	uint32_t addr_count;
	struct wr_prefix addr[WR_MAX_PORT_ADDRS];
	uint32_t gateway_count;
	struct wr_addr gateway[2];
	uint16_t mtu;
	uint16_t rx_desc, tx_desc;
	char capture[GEN_PATH_LEN]; // write what arrives to this pcap file; empty: no
	uint32_t capture_frames;    // at most so many
	uint32_t line;
};

// --- stateful clients ------------------------------------------------------------------------

enum gen_load_model {
	GEN_LOAD_CONSTANT, // open loop: `rate` connections a second, equally spaced
	GEN_LOAD_POISSON,  // open loop: exponential gaps of mean 1 / rate
	GEN_LOAD_BURST,    // open loop: `burst` at once every burst / rate
	GEN_LOAD_RAMP,     // open loop: from `rate` to `rate_to` over `period`, then stays
	GEN_LOAD_STEP,   // open loop: `rate`, from `period` on `rate_to`, from 2 x period on `rate`
	GEN_LOAD_CLOSED, // `users` at work, each begins again `think` after its end
};

enum gen_close {
	GEN_CLOSE_CLIENT, // the client sends its FIN after the last answer
	GEN_CLOSE_SERVER, // it waits for the server's and answers it
	GEN_CLOSE_HALF,   // it sends its FIN behind the last request and reads on
	GEN_CLOSE_RESET,  // it resets after the last answer
	GEN_CLOSE_NEVER,  // it keeps the connection open and idle until the run ends
};

struct gen_client {
	char name[WR_NAME_LEN];
	uint32_t port; // index into ports, or GEN_PORT_AUTO (the default)
	uint32_t source_count;
	struct gen_range source[GEN_MAX_RANGES];
	uint16_t source_port_first, source_port_last; // default 1024-65535
	uint32_t target_count;
	struct wr_endpoint target[GEN_MAX_TARGETS]; // in turn; the source's family decides which
	enum gen_protocol protocol;
	char path[GEN_PATH_LEN]; // HTTP
	char host[WR_NAME_LEN];  // HTTP
	// load
	enum gen_load_model model;
	uint32_t rate, rate_to;
	wr_us_t period_us;
	uint32_t burst;
	uint32_t users;
	struct gen_dist think;
	uint32_t max_open; // most connections at once; arrivals beyond are counted `refused_local`
	// shape of a connection
	uint32_t requests;      // of a connection, one after the other
	uint32_t request_bytes; // raw: whole message, at least 16; HTTP: body
	uint32_t answer_bytes;  // raw: asked for; HTTP: 0, or asked for through the path
	struct gen_dist pause;  // between an answer and the next request
	uint32_t send_rate;     // bytes/s of a connection; 0: no limit
	uint32_t read_rate;     // likewise: the window closes on a slow reader
	enum gen_close close;
	uint32_t abort_after; // bytes of answer after which the client resets; 0: never
	// patience
	wr_us_t connect_timeout_us, answer_timeout_us;
	uint32_t retries; // after an error, of the same request
	struct gen_dist retry_delay;
	wr_us_t objective_us; // an answer later than this after its intended time is not goodput
	uint32_t line;
};

// --- emulated backends -----------------------------------------------------------------------

enum gen_on_full {
	GEN_ON_FULL_ANSWER, // raw: status queue_full; HTTP: 503 with Retry-After
	GEN_ON_FULL_RESET,
	GEN_ON_FULL_CLOSE,
};

enum gen_fault_kind {
	GEN_FAULT_REFUSE,      // SYNs are reset
	GEN_FAULT_RESET,       // open connections are reset as data arrives
	GEN_FAULT_BLACKHOLE,   // nothing is answered, not even by TCP
	GEN_FAULT_SLOW_ACCEPT, // SYN-ACKs leave `delay` late
	GEN_FAULT_STALL,       // TCP answers, the application does not
	GEN_FAULT_GARBAGE,     // answers are random bytes
	GEN_FAULT_FLAP,        // refuse and serve in turn, `delay` each
};
struct gen_fault {
	enum gen_fault_kind kind;
	wr_us_t at_us, for_us; // for 0: to the end
	wr_us_t delay_us;
	uint32_t permille; // of connections (by hash) that it strikes; default 1000
	uint32_t line;
};

struct gen_backend {
	char name[WR_NAME_LEN];
	uint32_t port; // index into ports, or GEN_PORT_AUTO (the default)
	uint32_t listen_count;
	struct wr_endpoint listen[GEN_MAX_TARGETS];
	enum gen_protocol protocol;
	struct gen_dist service; // time of work on a request
	uint32_t concurrency;    // requests worked on at once; 0: no limit
	uint32_t queue;          // requests waiting; 0 with a concurrency: none waits
	enum gen_on_full on_full;
	uint32_t answer_bytes; // when the request does not say
	// token stream: the answer comes in pieces, like a language model's
	uint32_t tokens; // mean pieces of an answer (exponential); 0: one piece
	uint32_t token_bytes;
	struct gen_dist first_token, token_gap;
	bool close;       // FIN behind the last byte of the first answer
	bool closes_idle; // FIN when the peer's arrives (else after own answers)
	uint32_t fault_count;
	struct gen_fault fault[GEN_MAX_FAULTS];
	uint32_t line;
};

// --- stateless packets -----------------------------------------------------------------------

enum gen_packet_kind {
	GEN_PACKET_TCP, // one segment with `flags`
	GEN_PACKET_UDP,
	GEN_PACKET_ICMP_ECHO,
	GEN_PACKET_RANDOM, // random bytes behind the Ethernet header
	GEN_PACKET_MUTATE, // TCP template, then 1-8 random bytes changed anywhere behind Ethernet
	GEN_PACKET_PCAP,   // frames of a file
};

// How a field goes through its range.
enum gen_walk {
	GEN_WALK_STEP, // the next one each packet, then from the start
	GEN_WALK_RANDOM,
};
struct gen_span { // of ports or sizes, both ends included
	uint16_t first, last;
	uint32_t line;
};

struct gen_packets {
	char name[WR_NAME_LEN];
	uint32_t port; // index into ports
	enum gen_packet_kind kind;
	struct gen_range source, target;
	struct gen_span source_port, target_port;
	enum gen_walk walk;
	uint8_t source_mac[6], target_mac[6]; // all zero: the port's own; by ARP or ND
	uint32_t source_macs;                 // addresses counted up from source_mac; 1
	uint8_t flags;                        // WR_TCP_*
	struct gen_span size; // of the frame without its check sequence, 60 at least
	bool imix;            // 7 x 64, 4 x 570, 1 x 1518 (less 4 each) in place of `size`
	uint64_t rate_pps;    // 0: as rate_bps says; both 0: as fast as the port takes them
	uint64_t rate_bps; // of layer 2 with 20 bytes of gap and preamble and 4 of check sequence
	uint64_t count;    // packets; 0: until the end
	bool stamp;        // sequence number and time in the payload; judged where they return
	char pcap[GEN_PATH_LEN];
	bool pcap_timing;    // with the file's own gaps
	uint32_t pcap_loops; // 0: until the end
	uint32_t line;
};

// --- search ----------------------------------------------------------------------------------

// The highest load that meets the objective: bisection over clients[0] (connections a second, or
// users when closed) or packets[0] (packets a second).
struct gen_search {
	bool on;
	uint64_t low, high;
	uint32_t tolerance_permille; // of the load; 30
	uint32_t runs;               // 3; the median counts, and the spread must be inside it
	uint32_t good_permille;      // share of requests that are goodput (packets: returned); 990
	wr_us_t objective_us;        // 0: that of clients[0]
	uint32_t objective_permille; // quantile that must meet it: 990
};

struct gen_conf {
	char file[256];
	// runtime
	char name[WR_NAME_LEN];
	uint16_t core; // CPU of the loop
	enum gen_memory memory;
	uint64_t seed;
	uint32_t max_conns; // of all clients and backends
	wr_us_t warmup_us, duration_us, drain_us;
	wr_us_t interval_us; // of the live line and the series
	wr_us_t time_wait_us;
	bool timestamps; // RFC 7323 offered and mirrored
	bool verify;     // every byte that comes back; true
	bool quiet;
	char json[GEN_PATH_LEN], csv[GEN_PATH_LEN];
	uint32_t port_count;
	struct gen_port ports[GEN_MAX_PORTS];
	uint32_t client_count;
	struct gen_client *clients;
	uint32_t backend_count;
	struct gen_backend *backends;
	uint32_t packets_count;
	struct gen_packets *packets;
	struct gen_search search;
};
