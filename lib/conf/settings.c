/* SPDX-License-Identifier: BSD-3-Clause */
#include "settings.h"

#include "wr_conf.h"

#include <rte_config.h>

#define MS(n) ((n)*WR_US_PER_MS)
#define S(n)  ((n)*WR_US_PER_S)
#define H(n)  ((n)*3600 * WR_US_PER_S)

#define KIB(n) ((n)*1024ULL)
#define MIB(n) ((n)*1024 * 1024ULL)

#define FIELD  WR_SETTINGS_FIELD
#define ARRAY  WR_SETTINGS_ARRAY
#define INSIDE WR_SETTINGS_INSIDE

static const char *const memory_words[] = {"auto", "huge", "plain", NULL};
static const char *const congestion_words[] = {"cubic", "newreno", NULL};
static const char *const cookies_words[] = {"auto", "always", "never", NULL};
static const char *const exception_words[] = {"none", "tap", NULL};
static const char *const mode_words[] = {"tcp", NULL};
static const char *const accept_words[] = {"eager", "deferred", NULL};
static const char *const on_reset_words[] = {"pass", "drain", NULL};
static const char *const balance_words[] = {"maglev", NULL};
static const char *const on_down_words[] = {"reset", "drain", NULL};
static const char *const health_words[] = {"none", "tcp", NULL};

// Ports come before routes and pools before services: a name is resolved when it is read.
// clang-format off
static const struct wr_settings_row rows[] = {
	{.path = "runtime", INSIDE,
	 .help = "The instance itself: processors, memory, sizes, shutdown."},
	{.path = "runtime.workers[]", .type = WR_SETTINGS_T_COUNT, .unit = "lcore", .zero = "auto", .dflt = "auto",
	 .min = 0, .max = RTE_MAX_LCORE - 1, .min_items = 1, WR_SETTINGS_ITEMS(wr_conf, runtime.workers, runtime.worker_count),
	 .auto_offset = offsetof(struct wr_conf, runtime.workers_auto),
	 .help = "The lcores that forward, one worker each; auto takes every processor this process may run on except the first, which is left to control."},
	{.path = "runtime.memory", .type = WR_SETTINGS_T_CHOICE, .choices = memory_words, .dflt = "auto",
	 FIELD(wr_conf, runtime.memory),
	 .help = "huge takes huge pages or fails, plain runs without them, auto takes huge pages when the kernel has enough of them and else warns and runs without."},
	{.path = "runtime.name", .type = WR_SETTINGS_T_NAME, .dflt = "weir", FIELD(wr_conf, runtime.name),
	 .help = "Name of the instance; instances on one box need different names."},
	{.path = "runtime.max_sessions", .type = WR_SETTINGS_T_COUNT, .unit = "sessions", .dflt = "100000",
	 .min = 1, .max = 16777216, FIELD(wr_conf, runtime.max_sessions),
	 .help = "Sessions held at the same time over all workers; connection and session pools are sized from it."},
	{.path = "runtime.rx_mbufs", .type = WR_SETTINGS_T_COUNT, .unit = "buffers", .zero = "auto", .dflt = "auto",
	 .min = 1024, .max = 16777216, FIELD(wr_conf, runtime.rx_mbufs),
	 .help = "Receive buffers of each NUMA node; auto computes them from max_sessions, workers and descriptors."},
	{.path = "runtime.drain_timeout", .type = WR_SETTINGS_T_TIME, .dflt = "30s", .min = 0, .max = H(24),
	 FIELD(wr_conf, runtime.drain_timeout_us),
	 .help = "How long sessions may go on after SIGTERM before they are reset."},
	{.path = "runtime.dad", .type = WR_SETTINGS_T_BOOL, .dflt = "yes", FIELD(wr_conf, runtime.dad),
	 .help = "Ask the link whether another station has an address before serving it (RFC 5227, RFC 4862)."},
	{.path = "runtime.tcp", INSIDE,
	 .help = "Every TCP connection of this instance, towards clients and backends."},
	{.path = "runtime.tcp.congestion", .type = WR_SETTINGS_T_CHOICE, .choices = congestion_words, .dflt = "cubic",
	 FIELD(wr_conf, runtime.tcp.congestion),
	 .help = "Congestion control: cubic is RFC 9438 with HyStart++ (RFC 9406), newreno is RFC 5681."},
	{.path = "runtime.tcp.ack_delay", .type = WR_SETTINGS_T_TIME, .zero = "off", .dflt = "2ms", .min = MS(1), .max = MS(100),
	 FIELD(wr_conf, runtime.tcp.ack_delay_us),
	 .help = "How long the ACK of a peer's data waits for data of ours to carry it (RFC 9293, 3.8.6.3); off sends each at once."},
	{.path = "runtime.tcp.keepalive", .type = WR_SETTINGS_T_TIME, .zero = "off", .dflt = "off", .min = S(1), .max = H(168),
	 FIELD(wr_conf, runtime.tcp.keepalive_us),
	 .help = "After so long without a segment from a peer it is asked for an ACK (RFC 9293, 3.8.4); 0s is off."},
	{.path = "runtime.tcp.keepalive_interval", .type = WR_SETTINGS_T_TIME, .dflt = "75s", .min = MS(100), .max = H(1),
	 FIELD(wr_conf, runtime.tcp.keepalive_interval_us),
	 .help = "Time between two such questions."},
	{.path = "runtime.tcp.keepalive_probes", .type = WR_SETTINGS_T_COUNT, .unit = "questions", .dflt = "9", .min = 1, .max = 100,
	 FIELD(wr_conf, runtime.tcp.keepalive_probes),
	 .help = "Questions without an answer that end a connection."},
	{.path = "runtime.tcp.receive_buffer", .type = WR_SETTINGS_T_SIZE, .dflt = "128KiB", .min = KIB(16), .max = MIB(512),
	 FIELD(wr_conf, runtime.tcp.receive_buffer),
	 .help = "Payload that a connection may hold unread to begin with; its window is made from it."},
	{.path = "runtime.tcp.receive_buffer_max", .type = WR_SETTINGS_T_SIZE, .dflt = "4MiB", .min = KIB(16), .max = MIB(512),
	 FIELD(wr_conf, runtime.tcp.receive_buffer_max),
	 .help = "What autotuning may raise a connection's receive_buffer to, within an eighth of the worker's buffers; the same value switches it off."},
	{.path = "runtime.tcp.send_buffer", .type = WR_SETTINGS_T_SIZE, .dflt = "128KiB", .min = KIB(16), .max = MIB(512),
	 FIELD(wr_conf, runtime.tcp.send_buffer),
	 .help = "Payload that a connection may hold unacknowledged to begin with; beyond it the other side of the session is slowed."},
	{.path = "runtime.tcp.send_buffer_max", .type = WR_SETTINGS_T_SIZE, .dflt = "4MiB", .min = KIB(16), .max = MIB(512),
	 FIELD(wr_conf, runtime.tcp.send_buffer_max),
	 .help = "What autotuning may raise a connection's send_buffer to, within an eighth of the worker's buffers; the same value switches it off."},
	{.path = "runtime.tcp.syn_cookies", .type = WR_SETTINGS_T_CHOICE, .choices = cookies_words, .dflt = "auto",
	 FIELD(wr_conf, runtime.tcp.syn_cookies),
	 .help = "SYN cookies (RFC 4987): auto while half-open connections are at their limit, always for every SYN, never drops SYNs at the limit; a client that comes by cookie is accepted eagerly."},

	{.path = "ports[]", .type = WR_SETTINGS_T_SECTION, .min_items = 1, ARRAY(wr_conf, ports, port_count),
	 .line_offset = offsetof(struct wr_conf_port, line),
	 .help = "Network ports owned by this instance."},
	{.path = "ports[].name", .type = WR_SETTINGS_T_NAME, FIELD(wr_conf_port, name),
	 .help = "Name of the port in routes, messages and telemetry."},
	{.path = "ports[].device", .type = WR_SETTINGS_T_TEXT, FIELD(wr_conf_port, device),
	 .help = "PCI address of the NIC, or a DPDK virtual device such as net_af_packet0,iface=eth1."},
	{.path = "ports[].addresses[]", .type = WR_SETTINGS_T_PREFIX, .min_items = 1, ARRAY(wr_conf_port, addr, addr_count),
	 .help = "The port's own addresses with their prefix lengths; they are what its links reach directly."},
	{.path = "ports[].gateway[]", .type = WR_SETTINGS_T_ADDR, ARRAY(wr_conf_port, gateway, gateway_count),
	 .help = "Next hop of everything that no prefix and no route covers; at most one of each family."},
	{.path = "ports[].exception", .type = WR_SETTINGS_T_CHOICE, .choices = exception_words, .dflt = "none",
	 FIELD(wr_conf_port, exception),
	 .help = "tap passes frames for the port's own addresses that no service claims to the kernel, through a TAP device."},
	{.path = "ports[].mtu", .type = WR_SETTINGS_T_COUNT, .unit = "bytes", .zero = "auto", .dflt = "auto",
	 .min = 576, .max = WR_MAX_FRAME - 22, FIELD(wr_conf_port, mtu),
	 .help = "Largest IP packet of the link; auto is 1500."},
	{.path = "ports[].vlan", .type = WR_SETTINGS_T_COUNT, .unit = "id", .zero = "none", .dflt = "none",
	 .min = 1, .max = 4094, FIELD(wr_conf_port, vlan),
	 .help = "VLAN whose tagged frames the port sends and receives; none is untagged."},
	{.path = "ports[].queues", .type = WR_SETTINGS_T_COUNT, .unit = "queues", .zero = "auto", .dflt = "auto",
	 .min = 1, .max = WR_MAX_WORKERS, FIELD(wr_conf_port, queues),
	 .help = "Receive and transmit queues; auto is one a worker, or as many as the device has."},
	{.path = "ports[].descriptors", INSIDE, .scalar_sets = "*",
	 .help = "Descriptors of each queue; one number sets both directions."},
	{.path = "ports[].descriptors.rx", .type = WR_SETTINGS_T_COUNT, .unit = "descriptors", .zero = "auto", .dflt = "auto",
	 .min = 32, .max = 32768, FIELD(wr_conf_port, rx_desc),
	 .help = "Descriptors of a receive queue; auto is what the driver's profile says."},
	{.path = "ports[].descriptors.tx", .type = WR_SETTINGS_T_COUNT, .unit = "descriptors", .zero = "auto", .dflt = "auto",
	 .min = 32, .max = 32768, FIELD(wr_conf_port, tx_desc),
	 .help = "Descriptors of a transmit queue; auto is what the driver's profile says."},

	{.path = "routes[]", .type = WR_SETTINGS_T_SECTION, ARRAY(wr_conf, routes, route_count),
	 .line_offset = offsetof(struct wr_conf_route, line),
	 .help = "Static routes; the longest prefix wins."},
	{.path = "routes[].to", .type = WR_SETTINGS_T_PREFIX, FIELD(wr_conf_route, to),
	 .help = "Destinations of the route."},
	{.path = "routes[].via", .type = WR_SETTINGS_T_ADDR, FIELD(wr_conf_route, via),
	 .help = "Next hop, on the link of the port."},
	{.path = "routes[].port", .type = WR_SETTINGS_T_REF, .refers = "ports[]", .unit = "port", FIELD(wr_conf_route, port),
	 .help = "Name of the port that the next hop is on."},

	{.path = "pools[]", .type = WR_SETTINGS_T_SECTION, .min_items = 1, ARRAY(wr_conf, pools, pool_count),
	 .line_offset = offsetof(struct wr_conf_pool, line),
	 .help = "Groups of backends that serve the same thing."},
	{.path = "pools[].name", .type = WR_SETTINGS_T_NAME, FIELD(wr_conf_pool, name),
	 .help = "Name of the pool in services, messages and telemetry."},
	{.path = "pools[].balance", .type = WR_SETTINGS_T_CHOICE, .choices = balance_words, .dflt = "maglev",
	 .offset = WR_SETTINGS_NO_FIELD,
	 .help = "How a backend is picked; maglev hashes the client's address and port consistently."},
	{.path = "pools[].source[]", .type = WR_SETTINGS_T_RANGE, .max = WR_MAX_SOURCES, ARRAY(wr_conf_pool, source, source_count),
	 .help = "Addresses and ranges of addresses that connections to the backends come from; without them, the port's own addresses."},
	{.path = "pools[].on_down", .type = WR_SETTINGS_T_CHOICE, .choices = on_down_words, .dflt = "reset",
	 FIELD(wr_conf_pool, on_down),
	 .help = "What happens to sessions of a backend that went down: reset them, or drain lets them end by themselves."},
	{.path = "pools[].retries", .type = WR_SETTINGS_T_COUNT, .unit = "backends", .dflt = "3",
	 .min = 0, .max = 16, FIELD(wr_conf_pool, retries),
	 .help = "How many other backends are tried for a session when a connect fails."},
	{.path = "pools[].health", INSIDE,
	 .help = "Checks that take backends out of the pool and back."},
	{.path = "pools[].health.type", .type = WR_SETTINGS_T_CHOICE, .choices = health_words, .dflt = "tcp",
	 FIELD(wr_conf_pool, health),
	 .help = "tcp opens and closes a connection; none takes every backend as up."},
	{.path = "pools[].health.interval", .type = WR_SETTINGS_T_TIME, .dflt = "1s", .min = MS(10), .max = H(1),
	 FIELD(wr_conf_pool, health_interval_us),
	 .help = "Time between two checks of a backend."},
	{.path = "pools[].health.timeout", .type = WR_SETTINGS_T_TIME, .dflt = "1s", .min = MS(10), .max = S(300),
	 FIELD(wr_conf_pool, health_timeout_us),
	 .help = "How long a check may take before it has failed; at most ten intervals."},
	{.path = "pools[].health.rise", .type = WR_SETTINGS_T_COUNT, .unit = "checks", .dflt = "2", .min = 1, .max = 100,
	 FIELD(wr_conf_pool, health_rise),
	 .help = "Checks in a row that must pass before a backend is up again."},
	{.path = "pools[].health.fall", .type = WR_SETTINGS_T_COUNT, .unit = "checks", .dflt = "3", .min = 1, .max = 100,
	 FIELD(wr_conf_pool, health_fall),
	 .help = "Checks in a row that must fail before a backend is down."},
	{.path = "pools[].backends[]", .type = WR_SETTINGS_T_SECTION, .min_items = 1,
	 WR_SETTINGS_HEAP(wr_conf_pool, backends, backend_count, WR_MAX_BACKENDS),
	 .line_offset = offsetof(struct wr_conf_backend, line),
	 .help = "The backends of the pool."},
	{.path = "pools[].backends[].name", .type = WR_SETTINGS_T_NAME, FIELD(wr_conf_backend, name),
	 .help = "Name of the backend; balancing hashes it, so a renamed backend gets other clients."},
	{.path = "pools[].backends[].address", .type = WR_SETTINGS_T_ENDPOINT, FIELD(wr_conf_backend, address),
	 .help = "Address and port of the backend."},
	{.path = "pools[].backends[].weight", .type = WR_SETTINGS_T_COUNT, .unit = "shares", .dflt = "1", .min = 0, .max = 256,
	 FIELD(wr_conf_backend, weight),
	 .help = "Share of new sessions against the other backends of the pool; 0 takes no new ones."},

	{.path = "services[]", .type = WR_SETTINGS_T_SECTION, .min_items = 1, ARRAY(wr_conf, services, service_count),
	 .line_offset = offsetof(struct wr_conf_service, line),
	 .help = "What clients connect to."},
	{.path = "services[].name", .type = WR_SETTINGS_T_NAME, FIELD(wr_conf_service, name),
	 .help = "Name of the service in messages and telemetry."},
	{.path = "services[].listen[]", .type = WR_SETTINGS_T_ENDPOINT, .min_items = 1, ARRAY(wr_conf_service, listen, listen_count),
	 .help = "Addresses and ports that clients connect to; an address inside a port's prefix is announced there, another one must be routed to this box."},
	{.path = "services[].mode", .type = WR_SETTINGS_T_CHOICE, .choices = mode_words, .dflt = "tcp",
	 .offset = WR_SETTINGS_NO_FIELD,
	 .help = "tcp passes the bytes of a connection."},
	{.path = "services[].pool", .type = WR_SETTINGS_T_REF, .refers = "pools[]", .unit = "pool", FIELD(wr_conf_service, pool),
	 .help = "Name of the pool that serves it."},
	{.path = "services[].accept", .type = WR_SETTINGS_T_CHOICE, .choices = accept_words, .dflt = "eager",
	 FIELD(wr_conf_service, accept),
	 .help = "eager answers a client's SYN at once and connects to a backend then; deferred answers it once a backend has answered."},
	{.path = "services[].on_reset", .type = WR_SETTINGS_T_CHOICE, .choices = on_reset_words, .dflt = "pass",
	 FIELD(wr_conf_service, on_reset),
	 .help = "When one side resets its connection: pass resets the other one at once, as without a balancer between; drain sends it all that arrived before, and a FIN."},
	{.path = "services[].timeouts", INSIDE,
	 .help = "Time limits of a session."},
	{.path = "services[].timeouts.connect", .type = WR_SETTINGS_T_TIME, .dflt = "3s", .min = MS(10), .max = S(300),
	 FIELD(wr_conf_service, connect_us),
	 .help = "How long a backend may take to answer a connect before another one is tried."},
	{.path = "services[].timeouts.idle", .type = WR_SETTINGS_T_TIME, .dflt = "5m", .min = MS(10), .max = H(168),
	 FIELD(wr_conf_service, idle_us),
	 .help = "How long a session may live without a byte in either direction."},
	{.path = "services[].timeouts.half_closed", .type = WR_SETTINGS_T_TIME, .dflt = "1h", .min = MS(10), .max = H(168),
	 FIELD(wr_conf_service, half_closed_us),
	 .help = "How long a session may live after one side has ended its direction."},
	{.path = "services[].timeouts.close", .type = WR_SETTINGS_T_TIME, .dflt = "10s", .min = MS(10), .max = H(1),
	 FIELD(wr_conf_service, close_us),
	 .help = "How long the last bytes may take to be acknowledged once both sides have ended."},
};
// clang-format on

// Values are stored as the types of the table are.
_Static_assert(
	sizeof(struct wr_conf_source) == sizeof(struct wr_settings_range) &&
		offsetof(struct wr_conf_source, last) == offsetof(struct wr_settings_range, last),
	"a range of addresses");

const struct wr_settings_table wr_conf_table = {
	.rows = rows,
	.count = sizeof(rows) / sizeof(rows[0]),
	.needs = "ports, pools and services",
};
