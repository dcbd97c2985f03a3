/* SPDX-License-Identifier: BSD-3-Clause */
#include "views.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "client.h"

#define TEXT_LEN 1024

#define COLUMNS(name) .columns = name, .count = sizeof(name) / sizeof(name[0])

static const struct column services[] = {{"name", "SERVICE"}, {"listen", "LISTEN"},
	{"pool", "POOL"}, {"sessions", "SESSIONS"}, {"sessions_peak", "PEAK"},
	{"sessions_total", "TOTAL"}, {"refused", "REFUSED"}, {"failed", "FAILED"},
	{"timeouts", "TIMEOUTS"}, {"bytes_in", "IN"}, {"bytes_out", "OUT"}};

static const struct column pools[] = {{"name", "POOL"}, {"backends", "BACKENDS"},
	{"usable", "USABLE"}, {"sessions", "SESSIONS"}, {"sessions_total", "TOTAL"},
	{"bytes_in", "IN"}, {"bytes_out", "OUT"}, {"health", "HEALTH"},
	{"health_interval_us", "EVERY"}, {"on_down", "ON DOWN"}, {"table_rebuilds", "REBUILDS"}};

static const struct column backends[] = {{"pool", "POOL"}, {"name", "BACKEND"},
	{"address", "ADDRESS"}, {"state", "STATE"}, {"state_for_us", "FOR"}, {"weight", "WEIGHT"},
	{"sessions", "SESSIONS"}, {"sessions_peak", "PEAK"}, {"sessions_total", "TOTAL"},
	{"connect_refused", "REFUSED"}, {"connect_timeout", "TIMEOUT"},
	{"connect_failed", "FAILED"}, {"connect_mean_us", "CONNECT"}, {"resets", "RESETS"},
	{"stalled", "STALLED"}, {"bytes_in", "IN"}, {"bytes_out", "OUT"},
	{"last_probe", "LAST PROBE"}};

static const struct column latency[] = {{"pool", "POOL"}, {"name", "BACKEND"},
	{"connects", "CONNECTS"}, {"connect_mean_us", "MEAN"}, {"what", "WHAT"}};

static const struct column conns[] = {{"id", "ID"}, {"service", "SERVICE"}, {"client", "CLIENT"},
	{"backend", "BACKEND"}, {"state", "STATE"}, {"stalled", "STALLED"}, {"age_us", "AGE"},
	{"idle_us", "IDLE"}, {"c_bytes_in", "IN"}, {"c_bytes_out", "OUT"},
	{"c_send_bytes", "TO CLIENT"}, {"b_send_bytes", "TO BACKEND"}, {"c_srtt_us", "C RTT"},
	{"b_srtt_us", "B RTT"}, {"c_cwnd", "C CWND"}, {"b_cwnd", "B CWND"}, {"c_ca", "C CA"},
	{"b_ca", "B CA"}, {"c_retrans", "C RETR"}, {"b_retrans", "B RETR"}};

static const struct column queues[] = {{"queue", "QUEUE"}, {"scope", "SCOPE"}, {"worker", "WORKER"},
	{"used_permille", "USED"}, {"depth", "DEPTH"}, {"capacity", "CAPACITY"}, {"unit", "UNIT"},
	{"peak", "PEAK"}, {"low", "LOW"}, {"high", "HIGH"}, {"critical", "CRITICAL"},
	{"state", "STATE"}, {"above_now_ms", "ABOVE NOW"}, {"above_ms", "ABOVE"},
	{"refusals", "REFUSALS"}, {"last_reason", "LAST REASON"}};

static const struct column pressure[] = {{"worker", "WORKER"}, {"level", "LEVEL"},
	{"level_for_ms", "FOR"}, {"cause", "CAUSE"}, {"cause_scope", "SCOPE"},
	{"cause_permille", "USED"}, {"queues", "QUEUES"}, {"queues_high", "HIGH"},
	{"queues_critical", "CRITICAL"}, {"refusals", "REFUSALS"}, {"overcommit", "OVERCOMMIT"},
	{"forced", "FORCED"}};

static const struct column drops[] = {{"name", "REASON"}, {"severity", "SEVERITY"},
	{"count", "COUNT"}, {"bytes", "BYTES"}, {"text", "MEANING"}};

static const struct column counters[] = {
	{"name", "COUNTER"}, {"value", "VALUE"}, {"text", "MEANING"}};

// A ledger is for adding up: every figure as it is.
static const struct column ledger[] = {{"worker", "WORKER"}, {"ledger", "LEDGER"}, {"unit", "UNIT"},
	{"in", "IN", true}, {"out", "OUT", true}, {"held", "HELD", true},
	{"dropped", "DROPPED", true}, {"residual", "RESIDUAL", true},
	{"held_walked", "HELD, WALKED", true}};

static const struct column workers[] = {{"worker", "WORKER"}, {"cpu", "CPU"}, {"level", "LEVEL"},
	{"busy_permille", "BUSY"}, {"sessions", "SESSIONS"}, {"connections", "CONNS"},
	{"half_open", "HALF OPEN"}, {"time_wait", "TIME WAIT"}, {"rx_frames", "RX"},
	{"rx_bytes", "RX BYTES"}, {"tx_frames", "TX"}, {"tx_bytes", "TX BYTES"},
	{"retransmitted", "RETRANS"}, {"held_rx_mbufs", "HELD"}, {"held_budget", "BUDGET"},
	{"promised_bytes", "PROMISED"}, {"tx_backlog", "BACKLOG"}, {"refusals", "REFUSALS"},
	{"events_lost", "EVENTS LOST"}};

static const struct column ports[] = {{"name", "PORT"}, {"driver", "DRIVER"}, {"link", "LINK"},
	{"speed_mbps", "MBIT/S"}, {"mac", "MAC"}, {"mtu", "MTU"}, {"numa_node", "NODE"},
	{"rx_queues", "RXQ"}, {"tx_queues", "TXQ"}, {"rx_frames", "RX"}, {"rx_bytes", "RX BYTES"},
	{"tx_frames", "TX"}, {"tx_bytes", "TX BYTES"}, {"rx_missed", "MISSED"},
	{"rx_errors", "ERRORS"}, {"rx_no_mbuf", "NO MBUF"}, {"tx_errors", "TX ERR"},
	{"kernel_loss", "KERNEL LOSS"}, {"loss_known", "LOSS KNOWN"}, {"flags", "FLAGS"}};

static const struct column neighbours[] = {{"address", "ADDRESS"}, {"mac", "MAC"}, {"port", "PORT"},
	{"state", "STATE"}, {"age_ms", "AGE"}};

static void print_config(FILE *out, const json_t *rows)
{
	char text[TEXT_LEN];

	for (size_t i = 0; i < json_array_size(rows); i++)
		fprintf(out, "%s\n",
			client_text(json_array_get(rows, i), "text", text, sizeof(text)));
}

void view_print_events(FILE *out, const json_t *rows)
{
	char text[TEXT_LEN], day[32];

	for (size_t i = 0; i < json_array_size(rows); i++) {
		json_t *row = json_array_get(rows, i);
		uint64_t ms = client_uint(row, "unix_ms");
		time_t s = (time_t)(ms / 1000);
		struct tm tm;

		localtime_r(&s, &tm);
		strftime(day, sizeof(day), "%Y-%m-%d %H:%M:%S", &tm);
		fprintf(out, "%s.%03u  %6" PRIu64 "  %s\n", day, (unsigned int)(ms % 1000),
			client_uint(row, "id"), client_text(row, "text", text, sizeof(text)));
	}
}

static const struct view views[] = {
	{"status", "/weir/status", "the instance: version, level, sessions, readiness", "",
		.print = table_print_fields},
	{"services", "/weir/services", "services and their sessions", "service=NAME",
		COLUMNS(services)},
	{"pools", "/weir/pools", "pools", "pool=NAME", COLUMNS(pools)},
	{"backends", "/weir/backends", "backends: state, sessions, connect time",
		"pool=NAME backend=POOL/NAME state=up|down|unchecked|drain", COLUMNS(backends)},
	{"latency", "/weir/latency", "mean connect time by backend", "pool=NAME backend=POOL/NAME",
		COLUMNS(latency)},
	{"conns", "/weir/conns", "sessions; the first 1000 unless --limit says otherwise",
		"service=NAME backend=POOL/NAME stalled=1 peer=ADDRESS id=WORKER.ID",
		COLUMNS(conns), .limit = 1000},
	{"queues", "/weir/queues", "every bounded queue, nearest to full first",
		"worker=N queue=NAME", COLUMNS(queues)},
	{"pressure", "/weir/pressure", "level of each worker and the queue that causes it", "",
		COLUMNS(pressure)},
	{"drops", "/weir/drops", "drops by reason", "worker=N all=1", COLUMNS(drops)},
	{"counters", "/weir/counters", "counters", "worker=N all=1", COLUMNS(counters)},
	{"ledger", "/weir/ledger", "in = out + held + dropped, for frames, payload, buffers",
		"worker=N walk=1", COLUMNS(ledger)},
	{"workers", "/weir/workers", "workers", "", COLUMNS(workers)},
	{"ports", "/weir/ports", "ports", "", COLUMNS(ports)},
	{"events", "/weir/events", "the last 50 events; --follow waits for more",
		"since=ID last=N kind=NAME", .print = view_print_events},
	{"neighbours", "/weir/neighbours", "neighbours (ARP, ND)", "", COLUMNS(neighbours)},
	{"config", "/weir/config", "the configuration in force, as YAML", "",
		.print = print_config},
	{NULL},
};

const struct view *view_all(void)
{
	return views;
}

const struct view *view_find(const char *name)
{
	for (const struct view *v = views; v->name != NULL; v++)
		if (strcmp(v->name, name) == 0)
			return v;
	return NULL;
}

void view_print(const struct view *v, FILE *out, const json_t *rows)
{
	if (v->print != NULL)
		v->print(out, rows);
	else
		table_print(out, v->columns, v->count, rows);
}
