/* SPDX-License-Identifier: BSD-3-Clause */
#include "views.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "client.h"

#define TEXT_LEN 1024

#define COLUMNS(name) .columns = name, .count = sizeof(name) / sizeof(name[0])

static const struct column services[] = {{"name", "SERVICE"}, {"listen", "LISTEN"},
	{"pool", "POOL"}, {"serving_pool", "SERVED BY"}, {"sessions", "SESSIONS"},
	{"sessions_peak", "PEAK"}, {"sessions_total", "TOTAL"}, {"class", "CLASS"},
	{"level", "LEVEL"}, {"pending", "PENDING"}, {"pending_max", "OF"},
	{"pending_oldest_us", "OLDEST"}, {"pending_timeouts", "WAITED OUT"},
	{"pending_evicted", "EVICTED"}, {"pending_full", "NO ROOM"}, {"pending_left", "LEFT"},
	{"limited", "LIMITED"}, {"refused", "REFUSED"}, {"failed", "FAILED"},
	{"timeouts", "TIMEOUTS"}, {"bytes_in", "IN"}, {"bytes_out", "OUT"}};

static const struct column pools[] = {{"name", "POOL"}, {"state", "STATE", .state = true},
	{"serving", "SERVING"}, {"backends", "BACKENDS"}, {"usable", "USABLE"},
	{"tier0_permille", "TIER 0"}, {"tier1_permille", "1"}, {"tier2_permille", "2"},
	{"tier3_permille", "3"}, {"failing_open", "FAILS OPEN"}, {"sessions", "SESSIONS"},
	{"sessions_total", "TOTAL"}, {"in_use", "IN USE"}, {"limit", "LIMIT"},
	{"rate_per_s", "RATE/s"}, {"connect_errors", "CONN ERR"}, {"response_errors", "RESP ERR"},
	{"unanswered", "UNANSWERED"}, {"bytes_in", "IN"}, {"bytes_out", "OUT"},
	{"balance", "BALANCE"}, {"health", "HEALTH"}, {"health_interval_us", "EVERY"},
	{"backup", "BACKUP"}, {"spills", "SPILLS"}, {"returns", "RETURNS"},
	{"table_rebuilds", "REBUILDS"}};

static const struct column backends[] = {{"pool", "POOL"}, {"name", "BACKEND"},
	{"address", "ADDRESS"}, {"state", "STATE", .state = true}, {"state_for_us", "FOR"},
	{"priority", "TIER"}, {"weight", "WEIGHT"}, {"sessions", "SESSIONS"}, {"in_use", "IN USE"},
	{"limit", "LIMIT"}, {"rate_per_s", "RATE/s"}, {"connect_errors", "CONN ERR"},
	{"response_errors", "RESP ERR"}, {"unanswered", "UNANSWERED"},
	{"first_byte_p50_us", "BYTE p50"}, {"first_byte_mean_us", "BYTE MEAN"},
	{"first_byte_p99_us", "BYTE p99"}, {"last_check", "LAST CHECK"},
	{"last_check_age_us", "AGO"}};

static const struct column latency[] = {{"pool", "POOL"}, {"name", "BACKEND"},
	{"connects", "CONNECTS"}, {"connect_p50_us", "p50"}, {"connect_p90_us", "p90"},
	{"connect_p99_us", "p99"}, {"answers", "FIRST BYTES"}, {"first_byte_p50_us", "p50"},
	{"first_byte_p90_us", "p90"}, {"first_byte_p99_us", "p99"}, {"ended", "ENDED"},
	{"session_p50_us", "p50"}, {"session_p90_us", "p90"}, {"session_p99_us", "p99"}};

static const struct column history[] = {{"id", "ID", true}, {"at", "AT"}, {"from", "FROM"},
	{"changes", "CHANGES"}, {"state", "STATE", .state = true},
	{"confirm_within_s", "CONFIRM WITHIN"}, {"sum", "SUM"}};

static const struct column captures[] = {{"id", "ID"}, {"state", "STATE"}, {"why", "WHY"},
	{"packets", "PACKETS"}, {"packets_max", "OF"}, {"lost", "LOST"}, {"bytes", "BYTES"},
	{"left_ms", "LEFT"}, {"port", "PORT"}, {"dir", "DIR"}, {"file", "FILE"},
	{"filter", "FILTER"}};

static const struct column conns[] = {{"id", "ID"}, {"service", "SERVICE"}, {"client", "CLIENT"},
	{"backend", "BACKEND"}, {"state", "STATE"}, {"stalled", "STALLED"}, {"age_us", "AGE"},
	{"idle_us", "IDLE"}, {"c_bytes_in", "IN"}, {"c_bytes_out", "OUT"},
	{"c_send_bytes", "TO CLIENT"}, {"b_send_bytes", "TO BACKEND"}, {"c_srtt_us", "C RTT"},
	{"b_srtt_us", "B RTT"}, {"c_cwnd", "C CWND"}, {"b_cwnd", "B CWND"}, {"c_ca", "C CA"},
	{"b_ca", "B CA"}, {"c_retrans", "C RETR"}, {"b_retrans", "B RETR"}};

static const struct column queues[] = {{"queue", "QUEUE"}, {"scope", "SCOPE"}, {"worker", "WORKER"},
	{"domain", "DOMAIN"}, {"used_permille", "USED"}, {"full_in_ms", "FULL IN"},
	{"fill_per_s", "FILL/s"}, {"depth", "DEPTH"}, {"capacity", "CAPACITY"}, {"unit", "UNIT"},
	{"peak", "PEAK"}, {"low", "LOW"}, {"high", "HIGH"}, {"critical", "CRITICAL"},
	{"state", "STATE"}, {"above_now_ms", "ABOVE NOW"}, {"above_ms", "ABOVE"},
	{"refusals", "REFUSALS"}, {"last_reason", "LAST REASON"}, {"little_permille", "LITTLE"}};

static const struct column pressure[] = {{"worker", "WORKER"}, {"domain", "DOMAIN"},
	{"level", "LEVEL"}, {"level_for_ms", "FOR"}, {"cause", "CAUSE"}, {"cause_scope", "SCOPE"},
	{"cause_permille", "USED"}, {"gate", "GATE"}, {"rate_per_s", "RATE/s"}, {"cut", "CUT"},
	{"offered", "OFFERED"}, {"admitted", "ADMITTED"}, {"refused", "REFUSED"}, {"held", "HELD"},
	{"completed_per_s", "DONE/s"}, {"order", "ORDER"}, {"queues_high", "HIGH"},
	{"queues_critical", "CRITICAL"}, {"refusals", "REFUSALS"}, {"overcommit", "OVERCOMMIT"},
	{"drops_early", "EARLY"}, {"forced", "FORCED"}};

static const struct column admission[] = {{"worker", "WORKER"}, {"domain", "DOMAIN"},
	{"gate", "GATE"}, {"limited_for_ms", "FOR"}, {"rate_per_s", "RATE/s"}, {"cut", "CUT"},
	{"offered", "OFFERED"}, {"admitted", "ADMITTED"}, {"held", "HELD"}, {"refused", "REFUSED"},
	{"refused_0", "CLASS 0"}, {"refused_1", "1"}, {"refused_2", "2"}, {"refused_3", "3"},
	{"refused_4", "4"}, {"refused_5", "5"}, {"refused_6", "6"}, {"refused_7", "7"},
	{"order", "ORDER"}, {"forced", "LEVEL HELD"}, {"order_owed", "NOT TOLD YET"}};

static const struct column recorder[] = {{"worker", "WORKER"}, {"ago_ms", "AGO"},
	{"level", "LEVEL"}, {"level_before", "BEFORE"}, {"cause", "CAUSE"},
	{"cause_scope", "SCOPE"}, {"nearest", "NEAREST"}, {"nearest_scope", "SCOPE"},
	{"nearest_permille", "USED"}, {"full_in_ms", "FULL IN"}, {"cpu_permille", "CPU"},
	{"lag_us", "LAG us"}, {"rate_per_s", "RATE/s"}, {"cut_class", "CUT"}, {"early", "EARLY"},
	{"sessions", "SESSIONS"}, {"pending", "PENDING"}, {"held_syns", "HELD"},
	{"half_open", "HALF OPEN"}, {"held_mbufs", "MBUFS"}, {"offered", "OFFERED"},
	{"admitted", "ADMITTED"}, {"reset", "RESET"}, {"dropped", "DROPPED"}, {"completed", "DONE"},
	{"queue_full", "QUEUE FULL"}};

static const struct column rules[] = {{"from", "FROM"}, {"action", "ACTION"},
	{"service", "SERVICE"}, {"class", "CLASS"}, {"by", "BY"}, {"left_s", "LEFT"}};

static const struct column limits[] = {{"of", "OF"}, {"each", "EACH"},
	{"connections", "CONNECTIONS"}, {"limit_connections", "LIMIT"},
	{"connections_used_permille", "USED"}, {"limit_rate_per_s", "RATE/s"},
	{"limit_rate_burst", "BURST"}, {"rate_used_permille", "USED"},
	{"limit_bytes_per_s", "BYTES/s"}, {"limit_bytes_burst", "BURST"},
	{"bytes_used_permille", "USED"}, {"over", "OVER"}};

static const struct column clients[] = {{"client", "CLIENT"}, {"service", "SERVICE"},
	{"connections", "CONNECTIONS"}, {"rate_ahead_us", "RATE AHEAD"},
	{"bytes_ahead_us", "BYTES AHEAD"}};

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

static const struct column tunnels[] = {{"name", "TUNNEL"}, {"state", "STATE"},
	{"required", "REQUIRED"}, {"pools", "POOLS"}, {"mode", "MODE"}, {"cipher", "CIPHER"},
	{"local", "LOCAL"}, {"remote", "REMOTE"}, {"generation", "KEYS"},
	{"generation_next", "NEXT"}, {"age_s", "AGE"}, {"life_used_permille", "LIFE USED"},
	{"mtu_inside", "MTU INSIDE"}, {"in_packets", "IN"}, {"in_bytes", "IN BYTES"},
	{"out_packets", "OUT"}, {"out_bytes", "OUT BYTES"}, {"replayed", "REPLAYED"},
	{"forged", "FORGED"}, {"malformed", "MALFORMED"}, {"misplaced", "MISPLACED"}};

static const struct column associations[] = {{"tunnel", "TUNNEL"}, {"worker", "WORKER"},
	{"direction", "DIR"}, {"spi", "SPI"}, {"generation", "KEYS"},
	{"state", "STATE", .state = true}, {"mode", "MODE"}, {"cipher", "CIPHER"},
	{"local", "LOCAL"}, {"remote", "REMOTE"}, {"age_s", "AGE"}, {"packets", "PACKETS"},
	{"bytes", "BYTES"}, {"sequence", "SEQUENCE", true}, {"replayed", "REPLAYED"},
	{"forged", "FORGED"}, {"malformed", "MALFORMED"}, {"misplaced", "MISPLACED"},
	{"life_packets_left", "PACKETS LEFT"}, {"life_bytes_left", "BYTES LEFT"},
	{"life_s_left", "TIME LEFT"}, {"steered", "STEERED BY"}};

static const struct column neighbours[] = {{"address", "ADDRESS"}, {"mac", "MAC"}, {"port", "PORT"},
	{"state", "STATE"}, {"age_ms", "AGE"}};

void view_print_config(FILE *out, const json_t *rows)
{
	char text[TEXT_LEN];

	for (size_t i = 0; i < json_array_size(rows); i++)
		fprintf(out, "%s\n",
			client_text(json_array_get(rows, i), "text", text, sizeof(text)));
}

static void print_changes(FILE *out, const json_t *rows)
{
	char text[TEXT_LEN];

	for (size_t i = 0; i < json_array_size(rows); i++)
		fprintf(out, "%s\n",
			client_text(json_array_get(rows, i), "change", text, sizeof(text)));
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
	{"backends", "/weir/backends", "backends: state, sessions, rates, errors, last check",
		"pool=NAME "
		"state=up|down|drain|disabled|open|half_open|slow_start|unchecked|leaving",
		COLUMNS(backends)},
	{"backend", "/weir/backends", "all that is known of one backend", "",
		.print = table_print_fields, .usage = "POOL/NAME", .key = "backend"},
	{"latency", "/weir/latency", "connect, first byte and session times by backend",
		"pool=NAME backend=POOL/NAME", COLUMNS(latency)},
	{"conns", "/weir/conns", "sessions; the first 1000 unless --limit says otherwise",
		"service=NAME backend=POOL/NAME stalled=1 peer=ADDRESS id=WORKER.ID",
		COLUMNS(conns), .limit = 1000},
	{"queues", "/weir/queues",
		"every bounded queue, nearest to full first, and when it is full",
		"worker=N queue=NAME", COLUMNS(queues)},
	{"pressure", "/weir/pressure", "levels, their causes, gates; services under pressure", "",
		COLUMNS(pressure)},
	{"admission", "/weir/admission", "what the gates let in and refuse, and orders in force",
		"worker=N service=NAME", COLUMNS(admission)},
	{"recorder", "/weir/recorder", "the last minute, ten records a second; --saved",
		"worker=N saved=1 since=AT_US", COLUMNS(recorder)},
	{"access", "/weir/access", "who may connect, and with which class", "service=NAME",
		COLUMNS(rules)},
	{"limits", "/weir/limits", "limits, and how far they are used", "service=NAME",
		COLUMNS(limits)},
	{"clients", "/weir/clients", "clients of services that limit clients; the first 1000",
		"service=NAME", COLUMNS(clients), .limit = 1000},
	{"drops", "/weir/drops", "drops by reason", "worker=N all=1", COLUMNS(drops)},
	{"counters", "/weir/counters", "counters", "worker=N all=1", COLUMNS(counters)},
	{"ledger", "/weir/ledger", "in = out + held + dropped, for frames, payload, buffers",
		"worker=N walk=1", COLUMNS(ledger)},
	{"workers", "/weir/workers", "workers", "", COLUMNS(workers)},
	{"ports", "/weir/ports", "ports", "", COLUMNS(ports)},
	{"tunnels", "/weir/tunnels", "encrypted paths to backends: state, traffic, refusals",
		"tunnel=NAME", COLUMNS(tunnels)},
	{"ipsec", "/weir/ipsec", "IPsec associations: keys, life, refusals; --rekey for new keys",
		"tunnel=NAME worker=N", COLUMNS(associations)},
	{"events", "/weir/events", "the last 50 events; --follow waits for more",
		"since=ID last=N kind=NAME", .print = view_print_events},
	{"log", "/weir/log", "lines for ended sessions: where to, written, lost", "",
		.print = table_print_fields},
	{"captures", "/weir/capture", "captures that run or were not fetched yet", "",
		COLUMNS(captures)},
	{"neighbours", "/weir/neighbours", "neighbours (ARP, ND)", "", COLUMNS(neighbours)},
	{"config", "/weir/config", "the configuration in force, as YAML", "",
		.print = view_print_config},
	{"config history", "/weir/config/history", "configurations since the start", "",
		COLUMNS(history)},
	{"config diff", "/weir/config/diff",
		"what the last one changed; file=1: what a reload would", "id=N file=1",
		.print = print_changes},
	{NULL},
};

const struct view *view_all(void)
{
	return views;
}

const struct view *view_find(char **args, int count, int *words)
{
	const struct view *found = NULL;

	*words = 0;
	for (const struct view *v = views; v->name != NULL; v++) {
		size_t len = strcspn(v->name, " ");
		bool two = v->name[len] == ' ';

		if (strlen(args[0]) != len || memcmp(args[0], v->name, len) != 0 ||
			(two && (count < 2 || strcmp(args[1], v->name + len + 1) != 0)) ||
			*words > 1)
			continue;
		found = v;
		*words = two ? 2 : 1;
	}
	return found;
}

void view_print(const struct view *v, FILE *out, const json_t *rows)
{
	if (v->print != NULL)
		v->print(out, rows);
	else
		table_print(out, v->columns, v->count, rows);
}
