/* SPDX-License-Identifier: BSD-3-Clause */
#include "settings_priv.h"

#include <rte_config.h>

#define MS(n) ((n)*WR_US_PER_MS)
#define S(n)  ((n)*WR_US_PER_S)
#define H(n)  ((n)*3600 * WR_US_PER_S)

#define MIB(n) ((n)*1024 * 1024ULL)

#define MESSAGE_MAX MIB(1024) // what clients and servers count to

#define FIELD    WR_SETTINGS_FIELD
#define ARRAY    WR_SETTINGS_ARRAY
#define HEAP     WR_SETTINGS_HEAP
#define INSIDE   WR_SETTINGS_INSIDE
#define OPTIONAL WR_SETTINGS_OPTIONAL
#define LINE(t)  .line_offset = offsetof(struct t, line)

static const char *const memory_words[] = {"auto", "huge", "plain", NULL};
static const char *const protocol_words[] = {"raw", "http", NULL};
static const char *const dist_words[] = {
	"fixed", "uniform", "exponential", "pareto", "lognormal", NULL};
static const char *const load_words[] = {
	"constant", "poisson", "burst", "ramp", "step", "closed", NULL};
static const char *const close_words[] = {"client", "server", "half", "reset", "never", NULL};
static const char *const on_full_words[] = {"answer", "reset", "close", NULL};
static const char *const fault_words[] = {
	"refuse", "reset", "blackhole", "slow_accept", "stall", "garbage", "flap", NULL};
static const char *const packet_words[] = {
	"tcp", "udp", "icmp_echo", "random", "mutate", "pcap", NULL};
static const char *const walk_words[] = {"step", "random", NULL};
// In the order of WR_TCP_*.
static const char *const flag_words[] = {
	"fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr", NULL};

// Two neighbours are stored as one span.
_Static_assert(offsetof(struct gen_client, source_port_last) ==
		       offsetof(struct gen_client, source_port_first) + sizeof(uint16_t),
	"a span of ports");

// A random time: a group of keys, or a plain time that is always the same.
#define DIST(path_, type_, m, mean_, help_)                                                        \
	{.path = path_, INSIDE, .scalar_sets = "mean", .help = help_},                             \
		{.path = path_ ".kind",                                                            \
			.type = WR_SETTINGS_T_CHOICE,                                              \
			.choices = dist_words,                                                     \
			.dflt = "fixed",                                                           \
			FIELD(type_, m.kind),                                                      \
			.help = "How the times are spread around their mean."},                    \
		{.path = path_ ".mean",                                                            \
			.type = WR_SETTINGS_T_TIME,                                                \
			.dflt = mean_,                                                             \
			.max = H(1),                                                               \
			FIELD(type_, m.mean_us),                                                   \
			.help = "Their mean."},                                                    \
		{.path = path_ ".shape",                                                           \
			.type = WR_SETTINGS_T_DECIMAL,                                             \
			.dflt = "1.5",                                                             \
			.min = 1,                                                                  \
			.max = 100000,                                                             \
			FIELD(type_, m.shape_permille),                                            \
			.help = "Tail index of pareto, above 1; sigma of lognormal, up to 5."},    \
	{                                                                                          \
		.path = path_ ".max", .type = WR_SETTINGS_T_TIME, .zero = "auto", .dflt = "auto",  \
		.min = 1, .max = H(24), FIELD(type_, m.max_us),                                    \
		.help = "Where pareto and lognormal are cut; auto is 100 times the mean."          \
	}

// Ports come first: their names are resolved when they are read.
// clang-format off
static const struct wr_settings_row rows[] = {
	{.path = "runtime", INSIDE,
	 .help = "The run: processor, memory, times, files."},
	{.path = "runtime.name", .type = WR_SETTINGS_T_NAME, .dflt = "weir-gen", FIELD(gen_conf, name),
	 .help = "Name of the run; runs at the same time on one box need different names."},
	{.path = "runtime.core", .type = WR_SETTINGS_T_COUNT, .unit = "CPU", .dflt = "1", .max = RTE_MAX_LCORE - 1,
	 FIELD(gen_conf, core), .help = "The processor of the loop, which it keeps busy."},
	{.path = "runtime.memory", .type = WR_SETTINGS_T_CHOICE, .choices = memory_words, .dflt = "auto",
	 FIELD(gen_conf, memory),
	 .help = "huge takes huge pages or fails, plain runs without them, auto takes them when the kernel has enough."},
	{.path = "runtime.seed", .type = WR_SETTINGS_T_COUNT, .dflt = "1", .max = 999999999999999999, FIELD(gen_conf, seed),
	 .help = "Of everything random; the same seed is the same schedule."},
	{.path = "runtime.max_conns", .type = WR_SETTINGS_T_COUNT, .unit = "connections", .dflt = "100000",
	 .min = 1, .max = 16777216, FIELD(gen_conf, max_conns),
	 .help = "Connections of all clients and backends at once, those in TIME-WAIT included; memory is sized from it."},
	{.path = "runtime.warmup", .type = WR_SETTINGS_T_TIME, .dflt = "1s", .max = H(24), FIELD(gen_conf, warmup_us),
	 .help = "Load before the measured window."},
	{.path = "runtime.duration", .type = WR_SETTINGS_T_TIME, .zero = "forever", .dflt = "10s", .min = MS(10), .max = H(8760),
	 FIELD(gen_conf, duration_us), .help = "The measured window; forever ends with a signal."},
	{.path = "runtime.drain", .type = WR_SETTINGS_T_TIME, .dflt = "2s", .max = H(1), FIELD(gen_conf, drain_us),
	 .help = "How long what still runs at the end may take before it is cut off."},
	{.path = "runtime.interval", .type = WR_SETTINGS_T_TIME, .dflt = "1s", .min = MS(10), .max = H(1), FIELD(gen_conf, interval_us),
	 .help = "Step of the live line and of the series in the results."},
	{.path = "runtime.time_wait", .type = WR_SETTINGS_T_TIME, .dflt = "1s", .max = S(240), FIELD(gen_conf, time_wait_us),
	 .help = "How long a connection that was closed here keeps its ports (RFC 9293 says 4 minutes; a generator has more to do)."},
	{.path = "runtime.timestamps", .type = WR_SETTINGS_T_BOOL, .dflt = "yes", FIELD(gen_conf, timestamps),
	 .help = "Offer and mirror TCP timestamps (RFC 7323)."},
	{.path = "runtime.verify", .type = WR_SETTINGS_T_BOOL, .dflt = "yes", FIELD(gen_conf, verify),
	 .help = "Look at every byte that comes back, not only at how many."},
	{.path = "runtime.quiet", .type = WR_SETTINGS_T_BOOL, .dflt = "no", FIELD(gen_conf, quiet),
	 .help = "No live line."},
	{.path = "runtime.json", .type = WR_SETTINGS_T_TEXT, .zero = "none", .dflt = "none", FIELD(gen_conf, json),
	 .help = "File that receives all results as JSON."},
	{.path = "runtime.csv", .type = WR_SETTINGS_T_TEXT, .zero = "none", .dflt = "none", FIELD(gen_conf, csv),
	 .help = "File that receives the series, a line an interval."},

	{.path = "ports[]", .type = WR_SETTINGS_T_SECTION, .min_items = 1, ARRAY(gen_conf, ports, port_count), LINE(gen_port),
	 .help = "Network ports of the run."},
	{.path = "ports[].name", .type = WR_SETTINGS_T_NAME, .dflt = "port#", FIELD(gen_port, name),
	 .help = "Name of the port; # is its place in the list."},
	{.path = "ports[].device", .type = WR_SETTINGS_T_TEXT, FIELD(gen_port, device),
	 .help = "PCI address of the NIC, or a DPDK virtual device such as net_af_packet0,iface=eth1."},
	{.path = "ports[].addresses[]", .type = WR_SETTINGS_T_PREFIX, .min_items = 1, ARRAY(gen_port, addr, addr_count),
	 .help = "The port's own addresses with their prefix lengths; they are what its link reaches directly."},
	{.path = "ports[].gateway[]", .type = WR_SETTINGS_T_ADDR, ARRAY(gen_port, gateway, gateway_count),
	 .help = "Next hop of everything that no prefix covers; at most one of each family."},
	{.path = "ports[].mtu", .type = WR_SETTINGS_T_COUNT, .unit = "bytes", .dflt = "1500", .min = 576, .max = WR_MAX_FRAME - 22,
	 FIELD(gen_port, mtu), .help = "Largest IP packet of the link."},
	{.path = "ports[].rx_desc", .type = WR_SETTINGS_T_COUNT, .unit = "descriptors", .zero = "auto", .dflt = "auto",
	 .min = 32, .max = 32768, FIELD(gen_port, rx_desc), .help = "Descriptors of the receive queue; auto is what the driver's profile says."},
	{.path = "ports[].tx_desc", .type = WR_SETTINGS_T_COUNT, .unit = "descriptors", .zero = "auto", .dflt = "auto",
	 .min = 32, .max = 32768, FIELD(gen_port, tx_desc), .help = "Descriptors of the transmit queue; auto is what the driver's profile says."},
	{.path = "ports[].capture", .type = WR_SETTINGS_T_TEXT, .zero = "none", .dflt = "none", FIELD(gen_port, capture),
	 .help = "pcap file that receives what arrives."},
	{.path = "ports[].capture_frames", .type = WR_SETTINGS_T_COUNT, .unit = "frames", .dflt = "10000", .min = 1, .max = 100000000,
	 FIELD(gen_port, capture_frames), .help = "Frames after which the capture ends."},

	{.path = "clients[]", .type = WR_SETTINGS_T_SECTION, HEAP(gen_conf, clients, client_count, GEN_MAX_CLIENTS), LINE(gen_client),
	 .help = "Populations of clients that make connections and ask."},
	{.path = "clients[].name", .type = WR_SETTINGS_T_NAME, .dflt = "client#", FIELD(gen_client, name),
	 .help = "Name of the population in the results; # is its place in the list."},
	{.path = "clients[].port", .type = WR_SETTINGS_T_REF, .refers = "ports[]", .unit = "port", .zero = "auto", .dflt = "auto",
	 .max = GEN_PORT_AUTO, FIELD(gen_client, port),
	 .help = "Name of the port it is behind; auto is the one whose prefix, or else whose gateway, leads to the first target."},
	{.path = "clients[].source[]", .type = WR_SETTINGS_T_RANGE, .max = 65536, ARRAY(gen_client, source, source_count),
	 .help = "Addresses that connections come from; without them, those of the port."},
	{.path = "clients[].source_ports", .type = WR_SETTINGS_T_SPAN, .dflt = "1024-65535", .min = 1, .max = 65535,
	 FIELD(gen_client, source_port_first), .help = "Ports that connections come from."},
	{.path = "clients[].target[]", .type = WR_SETTINGS_T_ENDPOINT, .min_items = 1, ARRAY(gen_client, target, target_count),
	 .help = "Where connections go, in turn; the source's family decides which."},
	{.path = "clients[].protocol", .type = WR_SETTINGS_T_CHOICE, .choices = protocol_words, .dflt = "raw", FIELD(gen_client, protocol),
	 .help = "raw is messages with a header of 16 bytes, every byte of them known to both ends; http is HTTP/1.1."},
	{.path = "clients[].path", .type = WR_SETTINGS_T_TEXT, .dflt = "/", FIELD(gen_client, path),
	 .help = "Path of HTTP requests."},
	{.path = "clients[].host", .type = WR_SETTINGS_T_TEXT, .dflt = "weir-gen", FIELD(gen_client, host),
	 .help = "Host of HTTP requests."},
	{.path = "clients[].load", INSIDE, .help = "How many connections, and when."},
	{.path = "clients[].load.model", .type = WR_SETTINGS_T_CHOICE, .choices = load_words, .dflt = "constant", FIELD(gen_client, model),
	 .help = "Open loops begin connections whatever becomes of earlier ones: constant at equal gaps, poisson at random ones, burst several at once, ramp from rate to rate_to over period and on, step to rate_to for one period; closed has users who begin again when they are done."},
	{.path = "clients[].load.rate", .type = WR_SETTINGS_T_RATE, .unit = "connections a second", .zero = "none", .dflt = "none",
	 .min = 1, .max = 100000000, FIELD(gen_client, rate), .help = "Of the open loops."},
	{.path = "clients[].load.rate_to", .type = WR_SETTINGS_T_RATE, .unit = "connections a second", .zero = "none", .dflt = "none",
	 .min = 1, .max = 100000000, FIELD(gen_client, rate_to), .help = "Of ramp and step."},
	{.path = "clients[].load.period", .type = WR_SETTINGS_T_TIME, .zero = "none", .dflt = "none", .min = MS(1), .max = H(24),
	 FIELD(gen_client, period_us), .help = "Of ramp and step."},
	{.path = "clients[].load.burst", .type = WR_SETTINGS_T_COUNT, .unit = "connections", .dflt = "1", .min = 1, .max = 1000000,
	 FIELD(gen_client, burst), .help = "Connections that burst begins at once."},
	{.path = "clients[].load.users", .type = WR_SETTINGS_T_COUNT, .unit = "users", .zero = "none", .dflt = "none", .min = 1, .max = 16777216,
	 FIELD(gen_client, users), .help = "Of the closed loop."},
	DIST("clients[].load.think", gen_client, think, "0s", "Pause of a user between the end of a connection and the next one."),
	{.path = "clients[].load.max_open", .type = WR_SETTINGS_T_COUNT, .unit = "connections", .zero = "auto", .dflt = "auto",
	 .min = 1, .max = 16777216, FIELD(gen_client, max_open),
	 .help = "Connections open at once, beyond which arrivals are counted as refused here; auto is runtime.max_conns."},
	{.path = "clients[].shape", INSIDE, .help = "What happens on a connection."},
	{.path = "clients[].shape.requests", .type = WR_SETTINGS_T_COUNT, .unit = "requests", .dflt = "1", .min = 1, .max = 1000000000,
	 FIELD(gen_client, requests), .help = "Requests of a connection, one after the other."},
	{.path = "clients[].shape.request", .type = WR_SETTINGS_T_SIZE, .zero = "auto", .dflt = "auto", .min = 1, .max = MESSAGE_MAX,
	 FIELD(gen_client, request_bytes), .help = "A request: of raw the whole message, at least 16 bytes, auto is 64; of http its body, auto is none."},
	{.path = "clients[].shape.answer", .type = WR_SETTINGS_T_SIZE, .zero = "auto", .dflt = "auto", .min = 1, .max = MESSAGE_MAX,
	 FIELD(gen_client, answer_bytes), .help = "The answer that is asked for; auto leaves it to the backend."},
	DIST("clients[].shape.pause", gen_client, pause, "0s", "Time between an answer and the next request."),
	{.path = "clients[].shape.send_rate", .type = WR_SETTINGS_T_RATE, .unit = "bytes a second", .zero = "none", .dflt = "none",
	 .min = 1, .max = 4000000000, FIELD(gen_client, send_rate), .help = "A slow sender: of each connection."},
	{.path = "clients[].shape.read_rate", .type = WR_SETTINGS_T_RATE, .unit = "bytes a second", .zero = "none", .dflt = "none",
	 .min = 1, .max = 4000000000, FIELD(gen_client, read_rate), .help = "A slow reader, whose window closes: of each connection."},
	{.path = "clients[].shape.close", .type = WR_SETTINGS_T_CHOICE, .choices = close_words, .dflt = "client", FIELD(gen_client, close),
	 .help = "Who ends a connection: client after the last answer, server, half ends its direction behind the last request and reads on, reset after the last answer, never keeps it open."},
	{.path = "clients[].shape.abort_after", .type = WR_SETTINGS_T_SIZE, .zero = "never", .dflt = "never", .min = 1, .max = MESSAGE_MAX,
	 FIELD(gen_client, abort_after), .help = "Bytes of an answer after which the client resets."},
	{.path = "clients[].timeouts", INSIDE, .help = "The client's patience."},
	{.path = "clients[].timeouts.connect", .type = WR_SETTINGS_T_TIME, .dflt = "3s", .min = MS(1), .max = H(1),
	 FIELD(gen_client, connect_timeout_us), .help = "For a connection."},
	{.path = "clients[].timeouts.answer", .type = WR_SETTINGS_T_TIME, .dflt = "10s", .min = MS(1), .max = H(1),
	 FIELD(gen_client, answer_timeout_us), .help = "For a whole answer."},
	{.path = "clients[].retries", .type = WR_SETTINGS_T_COUNT, .unit = "times", .dflt = "0", .max = 1000, FIELD(gen_client, retries),
	 .help = "How often a request that failed is tried again."},
	DIST("clients[].retry_delay", gen_client, retry_delay, "100ms", "Time before a further try."),
	{.path = "clients[].objective", .type = WR_SETTINGS_T_TIME, .zero = "none", .dflt = "none", .min = 1, .max = H(1),
	 FIELD(gen_client, objective_us), .help = "An answer later than this after the time its request was intended for is not good; none takes every right answer."},

	{.path = "backends[]", .type = WR_SETTINGS_T_SECTION, HEAP(gen_conf, backends, backend_count, GEN_MAX_BACKENDS), LINE(gen_backend),
	 .help = "Emulated servers."},
	{.path = "backends[].name", .type = WR_SETTINGS_T_NAME, .dflt = "backend#", FIELD(gen_backend, name),
	 .help = "Name of the backend in the results; # is its place in the list."},
	{.path = "backends[].port", .type = WR_SETTINGS_T_REF, .refers = "ports[]", .unit = "port", .zero = "auto", .dflt = "auto",
	 .max = GEN_PORT_AUTO, FIELD(gen_backend, port),
	 .help = "Name of the port it is behind; auto is the one whose prefix holds the first listener."},
	{.path = "backends[].listen[]", .type = WR_SETTINGS_T_ENDPOINT, .min_items = 1, ARRAY(gen_backend, listen, listen_count),
	 .help = "Addresses and ports that it serves; in a prefix of its port."},
	{.path = "backends[].protocol", .type = WR_SETTINGS_T_CHOICE, .choices = protocol_words, .dflt = "raw", FIELD(gen_backend, protocol),
	 .help = "As clients[].protocol."},
	DIST("backends[].service", gen_backend, service, "0s", "Time of work on a request."),
	{.path = "backends[].concurrency", .type = WR_SETTINGS_T_COUNT, .unit = "requests", .zero = "none", .dflt = "none", .min = 1, .max = 1000000,
	 FIELD(gen_backend, concurrency), .help = "Requests that are worked on at once; none has no limit."},
	{.path = "backends[].queue", .type = WR_SETTINGS_T_COUNT, .unit = "requests", .dflt = "0", .max = 1000000, FIELD(gen_backend, queue),
	 .help = "Requests that may wait for their turn; one more finds the queue full."},
	{.path = "backends[].on_full", .type = WR_SETTINGS_T_CHOICE, .choices = on_full_words, .dflt = "answer", FIELD(gen_backend, on_full),
	 .help = "What a request that finds the queue full gets: answer says so (raw: queue_full, http: 503 with Retry-After), reset and close end the connection."},
	{.path = "backends[].answer", .type = WR_SETTINGS_T_SIZE, .dflt = "64", .max = MESSAGE_MAX, FIELD(gen_backend, answer_bytes),
	 .help = "Answer to a request that asks for no length: of raw the whole message, at least 16 bytes; of http the body."},
	{.path = "backends[].tokens", INSIDE, .scalar_sets = "count", .help = "Answers that come in pieces, like a language model's."},
	{.path = "backends[].tokens.count", .type = WR_SETTINGS_T_COUNT, .unit = "pieces", .zero = "none", .dflt = "none", .min = 1, .max = 1000000,
	 FIELD(gen_backend, tokens), .help = "Mean number of pieces of an answer, spread exponentially; none answers in one."},
	{.path = "backends[].tokens.bytes", .type = WR_SETTINGS_T_SIZE, .dflt = "16", .min = 1, .max = MIB(1), FIELD(gen_backend, token_bytes),
	 .help = "Bytes of a piece."},
	DIST("backends[].tokens.first", gen_backend, first_token, "0s", "Time before the first piece, behind the service time."),
	DIST("backends[].tokens.gap", gen_backend, token_gap, "0s", "Time between two pieces."),
	{.path = "backends[].close", .type = WR_SETTINGS_T_BOOL, .dflt = "no", FIELD(gen_backend, close),
	 .help = "End the connection behind the first answer."},
	{.path = "backends[].closes_idle", .type = WR_SETTINGS_T_BOOL, .dflt = "yes", FIELD(gen_backend, closes_idle),
	 .help = "End its direction as soon as the client has ended the other; no waits until its answers are out."},
	{.path = "backends[].faults[]", .type = WR_SETTINGS_T_SECTION, ARRAY(gen_backend, fault, fault_count), LINE(gen_fault),
	 .help = "What goes wrong, and when."},
	{.path = "backends[].faults[].kind", .type = WR_SETTINGS_T_CHOICE, .choices = fault_words, FIELD(gen_fault, kind),
	 .help = "refuse resets SYNs, reset resets connections as data arrives, blackhole answers nothing, slow_accept answers SYNs delay late, stall lets TCP answer and the server not, garbage sends random bytes, flap refuses and serves in turn, delay each."},
	{.path = "backends[].faults[].at", .type = WR_SETTINGS_T_TIME, .dflt = "0s", .max = H(8760), FIELD(gen_fault, at_us),
	 .help = "When it begins, from the start of the load."},
	{.path = "backends[].faults[].for", .type = WR_SETTINGS_T_TIME, .zero = "end", .dflt = "end", .min = 1, .max = H(8760),
	 FIELD(gen_fault, for_us), .help = "How long it lasts; end is until the run ends."},
	{.path = "backends[].faults[].delay", .type = WR_SETTINGS_T_TIME, .zero = "none", .dflt = "none", .min = 1, .max = H(1),
	 FIELD(gen_fault, delay_us), .help = "Of slow_accept and flap."},
	{.path = "backends[].faults[].permille", .type = WR_SETTINGS_T_COUNT, .unit = "of 1000 connections", .dflt = "1000", .min = 1, .max = 1000,
	 FIELD(gen_fault, permille), .help = "Share of the connections that it strikes."},

	{.path = "packets[]", .type = WR_SETTINGS_T_SECTION, HEAP(gen_conf, packets, packets_count, GEN_MAX_PACKETS), LINE(gen_packets),
	 .help = "Streams of packets without connections."},
	{.path = "packets[].name", .type = WR_SETTINGS_T_NAME, .dflt = "packets#", FIELD(gen_packets, name),
	 .help = "Name of the stream in the results; # is its place in the list."},
	{.path = "packets[].port", .type = WR_SETTINGS_T_REF, .refers = "ports[]", .unit = "port", .zero = "first", .dflt = "first",
	 FIELD(gen_packets, port), .help = "Name of the port that sends them; first is the first of the list."},
	{.path = "packets[].kind", .type = WR_SETTINGS_T_CHOICE, .choices = packet_words, .dflt = "tcp", FIELD(gen_packets, kind),
	 .help = "tcp is a segment with flags, random is random bytes behind the Ethernet header, mutate is a segment with 1 to 8 random bytes changed, pcap is the frames of a file."},
	{.path = "packets[].source", .type = WR_SETTINGS_T_RANGE, .zero = "none", .dflt = "none", .max = 1ULL << 32, FIELD(gen_packets, source),
	 .help = "Addresses that they come from; none is the port's own address."},
	{.path = "packets[].target", .type = WR_SETTINGS_T_RANGE, .zero = "none", .dflt = "none", .max = 1ULL << 32, FIELD(gen_packets, target),
	 .help = "Addresses that they go to; all kinds but random and pcap need them."},
	{.path = "packets[].source_ports", .type = WR_SETTINGS_T_SPAN, .dflt = "1024-65535", .max = 65535, FIELD(gen_packets, source_port),
	 .help = "Ports that they come from; of icmp_echo the identifier."},
	{.path = "packets[].target_ports", .type = WR_SETTINGS_T_SPAN, .dflt = "80", .max = 65535, FIELD(gen_packets, target_port),
	 .help = "Ports that they go to."},
	{.path = "packets[].walk", .type = WR_SETTINGS_T_CHOICE, .choices = walk_words, .dflt = "step", FIELD(gen_packets, walk),
	 .help = "How addresses, ports and sizes go through their ranges."},
	{.path = "packets[].source_mac", .type = WR_SETTINGS_T_MAC, .zero = "auto", .dflt = "auto", FIELD(gen_packets, source_mac),
	 .help = "Ethernet address that they come from; auto is the port's, or what the file has."},
	{.path = "packets[].target_mac", .type = WR_SETTINGS_T_MAC, .zero = "auto", .dflt = "auto", FIELD(gen_packets, target_mac),
	 .help = "Ethernet address that they go to; auto is found by ARP or ND, or what the file has."},
	{.path = "packets[].source_macs", .type = WR_SETTINGS_T_COUNT, .unit = "addresses", .dflt = "1", .min = 1, .max = 16777216,
	 FIELD(gen_packets, source_macs), .help = "Ethernet addresses counted up from source_mac."},
	{.path = "packets[].flags", .type = WR_SETTINGS_T_FLAGS, .choices = flag_words, .dflt = "syn", FIELD(gen_packets, flags),
	 .help = "Flags of tcp and mutate."},
	{.path = "packets[].size", .type = WR_SETTINGS_T_SPAN, .zero = "auto", .dflt = "auto", .min = 60, .max = WR_MAX_FRAME,
	 FIELD(gen_packets, size), .help = "Bytes of a frame without check sequence; auto is the least that carries what it must."},
	{.path = "packets[].imix", .type = WR_SETTINGS_T_BOOL, .dflt = "no", FIELD(gen_packets, imix),
	 .help = "Of 12 frames 7 of 64 bytes, 4 of 570 and 1 of 1518, check sequence included, in place of size."},
	{.path = "packets[].rate_pps", .type = WR_SETTINGS_T_RATE, .unit = "packets a second", .zero = "none", .dflt = "none",
	 .min = 1, .max = 1000000000000, FIELD(gen_packets, rate_pps), .help = "With neither rate, as fast as the port takes them."},
	{.path = "packets[].rate_bps", .type = WR_SETTINGS_T_RATE, .unit = "bits a second", .zero = "none", .dflt = "none",
	 .min = 1, .max = 1000000000000, FIELD(gen_packets, rate_bps), .help = "As the link counts: with check sequence, preamble and gap, 24 bytes a frame."},
	{.path = "packets[].count", .type = WR_SETTINGS_T_COUNT, .unit = "packets", .zero = "none", .dflt = "none", .min = 1, .max = 999999999999999999,
	 FIELD(gen_packets, count), .help = "Packets after which the stream ends; none is until the run ends."},
	{.path = "packets[].stamp", .type = WR_SETTINGS_T_BOOL, .dflt = "no", FIELD(gen_packets, stamp),
	 .help = "Number and time in the payload, judged where the packets return: loss, order, latency."},
	{.path = "packets[].pcap", .type = WR_SETTINGS_T_TEXT, .zero = "none", .dflt = "none", FIELD(gen_packets, pcap),
	 .help = "File of the kind pcap."},
	{.path = "packets[].pcap_timing", .type = WR_SETTINGS_T_BOOL, .dflt = "no", FIELD(gen_packets, pcap_timing),
	 .help = "With the gaps of the file in place of a rate."},
	{.path = "packets[].pcap_loops", .type = WR_SETTINGS_T_COUNT, .unit = "rounds", .zero = "forever", .dflt = "1", .min = 1, .max = 1000000000,
	 FIELD(gen_packets, pcap_loops), .help = "How often the file is played."},

	{.path = "search", OPTIONAL(gen_conf, search.on),
	 .help = "Look for the highest load that meets the objective, of the first clients (connections a second, or users) or else the first packets."},
	{.path = "search.low", .type = WR_SETTINGS_T_RATE, .min = 1, .max = 1000000000, FIELD(gen_conf, search.low),
	 .help = "Load to begin with; it must pass."},
	{.path = "search.high", .type = WR_SETTINGS_T_RATE, .min = 1, .max = 1000000000, FIELD(gen_conf, search.high),
	 .help = "Load to end with; there is no need to look beyond."},
	{.path = "search.tolerance", .type = WR_SETTINGS_T_DECIMAL, .dflt = "0.03", .min = 1, .max = 500, FIELD(gen_conf, search.tolerance_permille),
	 .help = "How close the highest that passes and the lowest that fails shall come, as a share of the load."},
	{.path = "search.runs", .type = WR_SETTINGS_T_COUNT, .unit = "runs", .dflt = "3", .min = 1, .max = 14, FIELD(gen_conf, search.runs),
	 .help = "Searches whose median counts."},
	{.path = "search.good", .type = WR_SETTINGS_T_DECIMAL, .dflt = "0.99", .min = 1, .max = 1000, FIELD(gen_conf, search.good_permille),
	 .help = "Share of the requests that must be good; of packets, that must return."},
	{.path = "search.objective", .type = WR_SETTINGS_T_TIME, .zero = "auto", .dflt = "auto", .min = 1, .max = H(1),
	 FIELD(gen_conf, search.objective_us), .help = "Latency that the quantile must meet; auto is clients[0].objective."},
	{.path = "search.quantile", .type = WR_SETTINGS_T_DECIMAL, .dflt = "0.99", .min = 1, .max = 1000, FIELD(gen_conf, search.objective_permille),
	 .help = "Which quantile must meet it."},
};
// clang-format on

const struct wr_settings_table gen_settings_table = {
	.rows = rows,
	.count = sizeof(rows) / sizeof(rows[0]),
	.needs = "ports, and clients, backends or packets",
};
