/* SPDX-License-Identifier: BSD-3-Clause */
#include "picture.h"

#include <inttypes.h>
#include <string.h>

#include "client.h"
#include "human.h"
#include "table.h"

#define QUEUES_MAX   12
#define SERVICES_MAX 12 // those under pressure
#define REASONS_MAX  8

void picture_drop(struct sample *s)
{
	json_decref(s->status);
	json_decref(s->workers);
	json_decref(s->queues);
	json_decref(s->pressure);
	json_decref(s->services);
	json_decref(s->drops);
	*s = (struct sample){0};
}

// Growth of a counter a second. A counter that went back means another instance under the name.
static double rate(const json_t *now, const json_t *before, const char *key, double seconds)
{
	uint64_t n = client_uint(now, key), b = client_uint(before, key);

	return before != NULL && n >= b && seconds > 0 ? (double)(n - b) / seconds : 0;
}

static void put_rate(FILE *out, const char *what, double per_s, const char *unit)
{
	char text[HUMAN_LEN];
	size_t len = strlen(human_rate(per_s, text, sizeof(text)));

	// "12.3 kbit/s", "500 bit/s", "7/s"
	fprintf(out, "%s%s%s%s  ", what, text, text[len - 1] <= '9' && unit[0] != '/' ? " " : "",
		unit);
}

// The row of a name, or of a worker's domain; rows come and go between two looks.
static json_t *find_name(const json_t *rows, const char *key, const char *name)
{
	for (size_t i = 0; i < json_array_size(rows); i++)
		if (strcmp(client_str(json_array_get(rows, i), key), name) == 0)
			return json_array_get(rows, i);
	return NULL;
}

static json_t *find_domain(const json_t *rows, uint64_t worker, const char *domain)
{
	for (size_t i = 0; i < json_array_size(rows); i++) {
		json_t *row = json_array_get(rows, i);

		if (client_uint(row, "worker") == worker &&
			strcmp(client_str(row, "domain"), domain) == 0)
			return row;
	}
	return NULL;
}

static void print_head(FILE *out, const struct sample *now, const struct sample *before)
{
	const json_t *s = json_array_get(now->status, 0);
	const json_t *b = json_array_get(before->status, 0);
	double seconds = now->at_s - before->at_s;
	char up[HUMAN_LEN];

	fprintf(out, "%s %s  %s  up %s  level P%" PRIu64 "  backends %" PRIu64 " of %" PRIu64 "\n",
		client_str(s, "name"), client_str(s, "version"), client_str(s, "state"),
		human_by_key("_s", client_uint(s, "uptime_s"), up, sizeof(up)),
		client_uint(s, "level"), client_uint(s, "backends_usable"),
		client_uint(s, "backends"));
	fprintf(out, "sessions %" PRIu64 "  connections %" PRIu64 "  ", client_uint(s, "sessions"),
		client_uint(s, "connections"));
	put_rate(out, "new ", rate(s, b, "sessions_total", seconds), "/s");
	put_rate(out, "rx ", rate(s, b, "rx_frames", seconds), "frames/s");
	put_rate(out, "", 8 * rate(s, b, "rx_bytes", seconds), "bit/s");
	put_rate(out, "tx ", rate(s, b, "tx_frames", seconds), "frames/s");
	put_rate(out, "", 8 * rate(s, b, "tx_bytes", seconds), "bit/s");
	fprintf(out, "\nrefusals %" PRIu64 "  ", client_uint(s, "works_queue_full"));
	put_rate(out, "now ", rate(s, b, "works_queue_full", seconds), "/s");
	fprintf(out, "drops %" PRIu64 "  ", client_uint(s, "drops"));
	put_rate(out, "now ", rate(s, b, "drops", seconds), "/s");
	fprintf(out, "\n");
}

// Reasons that count now, in the catalogue's order.
static void print_reasons(FILE *out, const struct sample *now, const struct sample *before)
{
	double seconds = now->at_s - before->at_s;
	uint32_t shown = 0;

	for (size_t i = 0; i < json_array_size(now->drops) && shown < REASONS_MAX; i++) {
		json_t *row = json_array_get(now->drops, i);
		const char *name = client_str(row, "name");
		// What was never before is not among the rows before.
		uint64_t was = client_uint(find_name(before->drops, "name", name), "count");
		uint64_t is = client_uint(row, "count");
		char what[72];

		if (is <= was || seconds <= 0)
			continue;
		snprintf(what, sizeof(what), "%s%.64s ", shown == 0 ? "now: " : "", name);
		put_rate(out, what, (double)(is - was) / seconds, "/s");
		shown++;
	}
	fprintf(out, shown > 0 ? "\n\n" : "\n");
}

uint64_t picture_headroom(const struct sample *s, uint64_t worker, uint64_t load_permille)
{
	uint64_t most = load_permille;

	for (size_t i = 0; i < json_array_size(s->queues); i++) {
		json_t *q = json_array_get(s->queues, i);
		uint64_t used = client_uint(q, "used_permille");

		// A gauge that is full refuses nobody.
		if (client_uint(q, "worker") != worker || client_uint(q, "gauge_only") != 0)
			continue;
		if (used > most)
			most = used;
	}
	return most < 1000 ? 1000 - most : 0;
}

static uint64_t load_permille(const json_t *w, const json_t *b, double seconds)
{
	double cycles = (double)client_uint(w, "cycles_per_s");

	return cycles > 0 ? (uint64_t)(1000 * rate(w, b, "cycles_busy", seconds) / cycles) : 0;
}

// The first queue of a worker that can be full, as it stands and when it is full.
static void print_nearest(FILE *out, const struct sample *s, uint64_t worker)
{
	char used[HUMAN_LEN], in[HUMAN_LEN];

	for (size_t i = 0; i < json_array_size(s->queues); i++) {
		json_t *q = json_array_get(s->queues, i);

		if (client_uint(q, "worker") != worker || client_uint(q, "gauge_only") != 0)
			continue;
		fprintf(out, "%s%s%s %s", client_str(q, "queue"),
			client_str(q, "scope")[0] != '\0' ? " " : "", client_str(q, "scope"),
			human_permille(client_uint(q, "used_permille"), used, sizeof(used)));
		if (json_object_get(q, "full_in_ms") != NULL)
			fprintf(out, ", full in %s",
				human_by_key("_ms", client_uint(q, "full_in_ms"), in, sizeof(in)));
		return;
	}
}

static void print_workers(FILE *out, const struct sample *now, const struct sample *before)
{
	double seconds = now->at_s - before->at_s;
	char rx[HUMAN_LEN], tx[HUMAN_LEN], room[HUMAN_LEN];

	fprintf(out, "WORKER  CPU  LEVEL    LOAD  HEADROOM  SESSIONS     RX/s     TX/s"
		     "  HELD/BUDGET  NEAREST TO FULL, CAUSE\n");
	for (size_t i = 0; i < json_array_size(now->workers); i++) {
		json_t *w = json_array_get(now->workers, i);
		const json_t *b = json_array_get(before->workers, i);
		uint64_t number = client_uint(w, "worker"), load = load_permille(w, b, seconds);
		const json_t *p = find_domain(now->pressure, number, "worker");

		fprintf(out,
			"%6" PRIu64 "  %3" PRIu64 "     P%" PRIu64 "  %4" PRIu64
			" %%  %8s  %8" PRIu64 "  %7s  %7s  %" PRIu64 "/%" PRIu64 "  ",
			number, client_uint(w, "cpu"), client_uint(w, "level"), load / 10,
			human_permille(picture_headroom(now, number, load), room, sizeof(room)),
			client_uint(w, "sessions"),
			human_rate(rate(w, b, "rx_frames", seconds), rx, sizeof(rx)),
			human_rate(rate(w, b, "tx_frames", seconds), tx, sizeof(tx)),
			client_uint(w, "held_rx_mbufs"), client_uint(w, "held_budget"));
		print_nearest(out, now, number);
		if (client_str(p, "cause")[0] != '\0')
			fprintf(out, "; cause %s %s", client_str(p, "cause"),
				client_str(p, "cause_scope"));
		fprintf(out, "\n");
	}
	fprintf(out, "\n");
}

static void print_gates(FILE *out, const struct sample *now, const struct sample *before)
{
	double seconds = now->at_s - before->at_s;
	char offered[HUMAN_LEN], admitted[HUMAN_LEN], refused[HUMAN_LEN], held[HUMAN_LEN];

	fprintf(out, "WORKER  GATE     RATE/s  CUT      OFFERED/s  ADMITTED/s  REFUSED/s   HELD/s"
		     "  DOMAIN\n");
	for (size_t i = 0; i < json_array_size(now->pressure); i++) {
		json_t *p = json_array_get(now->pressure, i);
		uint64_t worker = client_uint(p, "worker");
		const json_t *b = find_domain(before->pressure, worker, client_str(p, "domain"));

		fprintf(out, "%6" PRIu64 "  %-7s  %6" PRIu64 "  %-7s  %9s  %10s  %9s  %7s  %s%s\n",
			worker, client_str(p, "gate"), client_uint(p, "rate_per_s"),
			client_str(p, "cut"),
			human_rate(rate(p, b, "offered", seconds), offered, sizeof(offered)),
			human_rate(rate(p, b, "admitted", seconds), admitted, sizeof(admitted)),
			human_rate(rate(p, b, "refused", seconds), refused, sizeof(refused)),
			human_rate(rate(p, b, "held", seconds), held, sizeof(held)),
			client_str(p, "domain"),
			client_uint(p, "drops_early") != 0 ? ", drops at first parse" : "");
	}
	fprintf(out, "\n");
}

static double refused_per_s(const json_t *s, const json_t *b, double seconds)
{
	static const char *const keys[] = {"refused", "failed", "pending_timeouts",
		"pending_evicted", "pending_full", "limited"};
	double sum = 0;

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		sum += rate(s, b, keys[i], seconds);
	return sum;
}

// Services of which there is something to say.
static void print_services(FILE *out, const struct sample *now, const struct sample *before)
{
	double seconds = now->at_s - before->at_s;
	char text[HUMAN_LEN];
	uint32_t shown = 0;

	for (size_t i = 0; i < json_array_size(now->services) && shown < SERVICES_MAX; i++) {
		json_t *s = json_array_get(now->services, i);
		const json_t *b = find_name(before->services, "name", client_str(s, "name"));
		double refused = refused_per_s(s, b, seconds);

		if (client_uint(s, "level") == 0 && client_uint(s, "pending") == 0 && refused <= 0)
			continue;
		if (shown++ == 0)
			fprintf(out, "LEVEL  SESSIONS  PENDING  REFUSED/s  SERVICE\n");
		fprintf(out, "   P%" PRIu64 "  %8" PRIu64 "  %7" PRIu64 "  %9s  %s\n",
			client_uint(s, "level"), client_uint(s, "sessions"),
			client_uint(s, "pending"), human_rate(refused, text, sizeof(text)),
			client_str(s, "name"));
	}
	if (shown > 0)
		fprintf(out, "\n");
}

static void print_queues(FILE *out, const struct sample *now)
{
	static const struct column columns[] = {{"queue", "NEAREST TO FULL"}, {"scope", "SCOPE"},
		{"worker", "WORKER"}, {"used_permille", "USED"}, {"full_in_ms", "FULL IN"},
		{"depth", "DEPTH", true}, {"capacity", "CAPACITY", true}, {"unit", "UNIT"},
		{"peak", "PEAK", true}, {"state", "STATE"}, {"refusals", "REFUSALS"},
		{"last_reason", "LAST REASON"}};
	json_t *first = json_array();

	for (size_t i = 0; i < QUEUES_MAX && i < json_array_size(now->queues); i++)
		json_array_append(first, json_array_get(now->queues, i));
	table_print(out, columns, sizeof(columns) / sizeof(columns[0]), first);
	json_decref(first);
}

void picture_print(FILE *out, const struct sample *now, const struct sample *before)
{
	print_head(out, now, before);
	print_reasons(out, now, before);
	print_workers(out, now, before);
	print_gates(out, now, before);
	print_services(out, now, before);
	print_queues(out, now);
}
