/* SPDX-License-Identifier: BSD-3-Clause */
#include "report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "figure.h"

#define HEADER_EVERY 24 // lines, about a screen

struct report *report_create(const struct gen_conf *conf, FILE *out, struct wr_err *err)
{
	struct report *r = calloc(1, sizeof(*r));

	if (r == NULL) {
		wr_err_set(err, ENOMEM, "no memory for the report");
		return NULL;
	}
	r->conf = conf;
	r->out = out;
	series_init(&r->series);
	r->before = gen_snapshot_create(conf, err);
	r->base = gen_snapshot_create(conf, err);
	r->end = gen_snapshot_create(conf, err);
	r->last = gen_snapshot_create(conf, err);
	if (!r->before || !r->base || !r->end || !r->last) {
		report_destroy(r);
		return NULL;
	}
	r->result = (struct result){.conf = conf, .base = r->base, .end = r->end, .last = r->last};
	return r;
}

void report_destroy(struct report *r)
{
	if (r == NULL)
		return;
	gen_snapshot_destroy(r->before);
	gen_snapshot_destroy(r->base);
	gen_snapshot_destroy(r->end);
	gen_snapshot_destroy(r->last);
	series_fini(&r->series);
	free(r);
}

const char *report_unit(const struct gen_conf *conf)
{
	if (conf->client_count == 0)
		return "packets/s";
	return conf->clients[0].model == GEN_LOAD_CLOSED ? "users" : "connections/s";
}

// --- the live line ---------------------------------------------------------------------------

static char *rate(uint64_t count, uint64_t ns, char buf[FIGURE_LEN])
{
	return figure_count((uint64_t)(result_per_s(count, ns) + 0.5), buf);
}

static char *time_or_none(uint64_t count, uint64_t ns, char buf[FIGURE_LEN])
{
	if (count == 0)
		snprintf(buf, FIGURE_LEN, "-");
	else
		figure_time(ns, buf);
	return buf;
}

static void live_header(struct report *r)
{
	if (r->lines++ % HEADER_EVERY != 0)
		return;
	fprintf(r->out, "%9s %-12s %10s %10s %10s %10s %9s %8s %8s %8s %9s %13s %19s %5s\n", "time",
		"population", "offered/s", "started/s", "answers/s", "good/s", "errors/s", "p50",
		"p99", "lag p99", "open", "Gbit/s up/dn", "frames/s out/in", "core");
}

static void live_errors(struct report *r, const struct series_row *row)
{
	char a[FIGURE_LEN];

	if (row->kind == SERIES_PACKETS) {
		if (row->lost > 0)
			fprintf(r->out, "  lost %s", figure_exact(row->lost, a));
		if (row->late > 0)
			fprintf(r->out, "  behind %s", figure_exact(row->late, a));
		return;
	}
	for (uint32_t e = 0; e < GEN_ERROR_COUNT; e++)
		if (row->errors[e] > 0)
			fprintf(r->out, "  %s %s", result_error_name(e),
				figure_exact(row->errors[e], a));
	if (row->late > 0)
		fprintf(r->out, "  late %s", figure_exact(row->late, a));
}

// What belongs to the generator as a whole stands in the first line of an interval.
static void live_line(struct report *r, const struct series_row *row, bool first)
{
	char f[9][FIGURE_LEN], gbit[FIGURE_LEN], frames[2 * FIGURE_LEN + 2] = "";
	char core[16] = "", at[FIGURE_LEN], out[FIGURE_LEN], in[FIGURE_LEN];
	uint64_t span = row->span_ns,
		 bad = row->kind == SERIES_PACKETS ? row->lost : row->error_sum;

	live_header(r);
	snprintf(gbit, sizeof(gbit), "%.2f/%.2f", result_gbit_per_s(row->bytes_up, span),
		result_gbit_per_s(row->bytes_down, span));
	if (first) {
		snprintf(frames, sizeof(frames), "%s/%s", rate(row->tx_frames, span, out),
			rate(row->rx_frames, span, in));
		snprintf(core, sizeof(core), "%u %%", (row->busy_permille + 5) / 10);
	}
	snprintf(f[8], FIGURE_LEN, "%s", "-");
	fprintf(r->out, "%9s %-12.12s %10s %10s %10s %10s %9s %8s %8s %8s %9s %13s %19s %5s",
		figure_seconds(row->at_ns, at), series_row_name(r->conf, row),
		rate(row->intended, span, f[0]), rate(row->started, span, f[1]),
		rate(row->answers, span, f[2]), rate(row->good, span, f[3]), rate(bad, span, f[4]),
		time_or_none(row->latency_count, row->p50_ns, f[5]),
		time_or_none(row->latency_count, row->p99_ns, f[6]),
		time_or_none(row->lag_count, row->lag_p99_ns, f[7]),
		row->kind == SERIES_PACKETS ? f[8] : figure_count(row->open, f[8]), gbit, frames,
		core);
	live_errors(r, row);
	if (first && row->frames_lost > 0)
		fprintf(r->out, "  ports lost %s", figure_exact(row->frames_lost, f[0]));
	if (row->phase != GEN_PHASE_MEASURE)
		fprintf(r->out, "  (%s)", gen_phase_name(row->phase));
	fputc('\n', r->out);
}

void report_add(struct report *r, const struct gen_snapshot *now)
{
	size_t n = r->series.count;
	// Backends speak while they run alone; else their clients do.
	bool backends = now->client_count + now->packets_count == 0, first = true;

	if (now->at_ns > r->before->at_ns)
		series_add(&r->series, r->before, now);
	for (; !r->conf->quiet && n < r->series.count; n++) {
		if (r->series.row[n].kind == SERIES_BACKEND && !backends)
			continue;
		live_line(r, &r->series.row[n], first);
		first = false;
	}
	fflush(r->out);
	if (now->phase == GEN_PHASE_WARMUP)
		gen_snapshot_copy(r->base, now);
	if (now->phase == GEN_PHASE_MEASURE) {
		gen_snapshot_copy(r->end, now);
		r->result.measured = true;
	}
	gen_snapshot_copy(r->before, now);
}

void report_restart(struct report *r, const struct gen_snapshot *now, uint64_t load)
{
	gen_snapshot_copy(r->before, now);
	gen_snapshot_copy(r->base, now);
	gen_snapshot_copy(r->end, now);
	r->before->at_ns = r->base->at_ns = r->end->at_ns = 0;
	r->series.trial++;
	r->result.load = load;
	r->result.measured = false;
}

const struct result *report_finish(
	struct report *r, const struct gen_snapshot *last, bool interrupted)
{
	gen_snapshot_copy(r->last, last);
	if (!r->result.measured)
		gen_snapshot_copy(r->end, r->base);
	r->result.interrupted = interrupted;
	result_judge(&r->result);
	return &r->result;
}

// --- tables ----------------------------------------------------------------------------------

static void print_latency(struct report *r, const char *what, const struct wr_hist *h)
{
	static const uint32_t ppm[] = {500000, 900000, 990000, 999000, 999900, 1000000};
	char t[FIGURE_LEN];

	if (h->count == 0)
		return;
	fprintf(r->out, "  %-26s", what);
	for (uint32_t i = 0; i < RTE_DIM(ppm); i++)
		fprintf(r->out, " %9s", figure_time(wr_hist_quantile(h, ppm[i]), t));
	fprintf(r->out, " %11s\n", figure_exact(h->count, t));
}

static void print_latency_header(struct report *r)
{
	fprintf(r->out, "  %-26s %9s %9s %9s %9s %9s %9s %11s\n", "", "p50", "p90", "p99", "p99.9",
		"p99.99", "max", "of");
}

static void print_count(struct report *r, const char *what, uint64_t n, const char *more)
{
	char a[FIGURE_LEN], b[FIGURE_LEN];

	fprintf(r->out, "  %-26s %14s %14s/s%s%s\n", what, figure_exact(n, a),
		rate(n, result_window_ns(&r->result), b), more[0] ? "  " : "", more);
}

static void print_client(struct report *r, uint32_t i)
{
	const struct gen_client *conf = &r->conf->clients[i];
	const struct gen_client_stats *c = &r->last->clients[i];
	char a[FIGURE_LEN], b[FIGURE_LEN], note[96];
	uint64_t outside, ns = result_window_ns(&r->result);

	fprintf(r->out, "\nclients %s, requests intended in the measured %s\n", conf->name,
		figure_seconds(ns, a));
	print_count(r, "intended", c->measured.intended, "");
	print_count(r, "answers, complete, right", c->measured.answers, "");
	snprintf(note, sizeof(note), "within %s of the intended time",
		figure_time(conf->objective_us * 1000, a));
	print_count(r, "good", c->measured.good, conf->objective_us > 0 ? note : "");
	print_count(r, "connections opened", c->measured.connections, "");
	fprintf(r->out, "  %-26s %14s %14s retries\n", "attempts that failed",
		figure_exact(c->attempts_failed, a), figure_exact(c->retries, b));
	fprintf(r->out, "  %-26s %14.3f %14.3f of the whole run\n", "Gbit/s up, down",
		result_gbit_per_s(c->bytes_up, r->last->at_ns),
		result_gbit_per_s(c->bytes_down, r->last->at_ns));
	for (uint32_t e = 0; e < GEN_ERROR_COUNT; e++) {
		if (c->errors[e] == 0 && c->measured.errors[e] == 0)
			continue;
		outside = c->errors[e] - RTE_MIN(c->errors[e], c->measured.errors[e]);
		fprintf(r->out, "  error %-20s %14s %s%s%s\n", result_error_name(e),
			figure_exact(c->measured.errors[e], a), result_error_text(e),
			outside > 0 ? "; outside of the window: " : "",
			outside > 0 ? figure_exact(outside, b) : "");
	}
	if (result_errors(c) == 0)
		fprintf(r->out, "  %-26s %14s\n", "errors", "0");
	print_latency_header(r);
	print_latency(r, "intended time to answer", c->measured.answer_ns);
	print_latency(r, "SYN to connection", c->measured.connect_ns);
	print_latency(r, "intended time to start", c->measured.lag_ns);
}

static void print_backend(struct report *r, uint32_t i)
{
	const struct gen_server_stats *s = &r->last->backends[i];
	char f[9][FIGURE_LEN];

	fprintf(r->out, "\nbackend %s, the whole run\n", r->conf->backends[i].name);
	fprintf(r->out, "  connections %s, requests %s (%s/s in the window), answers %s\n",
		figure_exact(s->accepted, f[0]), figure_exact(s->requests, f[1]),
		figure_count((uint64_t)(result_backend_requests_per_s(&r->result, i) + 0.5), f[2]),
		figure_exact(s->answers, f[3]));
	fprintf(r->out,
		"  queue_full %s, queue at most %s, wrong bytes %s, resets %s, early closes %s, "
		"struck by faults %s\n",
		figure_exact(s->queue_full, f[4]), figure_exact(s->waiting_peak, f[5]),
		figure_exact(s->wrong_bytes, f[6]), figure_exact(s->resets, f[7]),
		figure_exact(s->early_closes, f[8]), figure_exact(s->faults_struck, f[0]));
	if (s->wait_ns->count + s->service_ns->count == 0)
		return;
	print_latency_header(r);
	print_latency(r, "wait in the queue", s->wait_ns);
	print_latency(r, "work on a request", s->service_ns);
}

static void print_packets(struct report *r, uint32_t i)
{
	const struct gen_packets_stats *p = &r->last->packets[i];
	uint64_t ns = result_span_ns(&r->result);
	char f[7][FIGURE_LEN];

	fprintf(r->out, "\npackets %s\n", r->conf->packets[i].name);
	fprintf(r->out,
		"  sent %s (%s/s and %.3f Gbit/s of frames in the window), port full %s times\n",
		figure_exact(p->sent, f[0]),
		figure_count((uint64_t)(result_packets_sent_per_s(&r->result, i) + 0.5), f[1]),
		result_gbit_per_s(
			r->end->packets[i].sent_bytes - r->base->packets[i].sent_bytes, ns),
		figure_exact(p->not_taken, f[2]));
	if (!r->conf->packets[i].stamp)
		return;
	fprintf(r->out, "  returned %s, lost %s (%s), reordered %s, duplicated %s, corrupted %s\n",
		figure_exact(p->returned, f[0]), figure_exact(p->lost, f[1]),
		figure_share(p->sent > 0 ? (uint64_t)((double)p->lost * 1e6 / (double)p->sent) : 0,
			f[2]),
		figure_exact(p->reordered, f[3]), figure_exact(p->duplicated, f[4]),
		figure_exact(p->corrupted, f[5]));
	if (p->latency_ns->count == 0)
		return;
	print_latency_header(r);
	print_latency(r, "intended sending to return", p->latency_ns);
}

static void print_generator(struct report *r)
{
	const struct ep_counters *e = &r->last->ep;
	char f[7][FIGURE_LEN];

	fprintf(r->out, "\ngenerator\n");
	for (uint32_t i = 0; i < r->conf->port_count; i++) {
		const struct gen_port_count *p = &r->last->ports[i];

		fprintf(r->out,
			"  port %-12s frames in %s, out %s, bytes in %s, out %s, lost %s%s\n",
			r->conf->ports[i].name, figure_exact(p->port.rx_frames, f[0]),
			figure_exact(p->port.tx_frames, f[1]), figure_exact(p->port.rx_bytes, f[2]),
			figure_exact(p->port.tx_bytes, f[3]),
			figure_exact(result_port_lost(p), f[4]),
			p->kernel_loss_known ? "" : " (the kernel's own losses cannot be seen)");
	}
	if (e->segments_in + e->segments_out > 0)
		fprintf(r->out,
			"  TCP segments in %s, out %s, sent again %s, out of order %s, duplicate "
			"%s, "
			"stray %s; resets in %" PRIu64 ", out %" PRIu64 "\n",
			figure_exact(e->segments_in, f[0]), figure_exact(e->segments_out, f[1]),
			figure_exact(e->retransmitted, f[2]), figure_exact(e->out_of_order, f[3]),
			figure_exact(e->duplicate, f[4]), figure_exact(e->stray, f[5]),
			e->resets_in, e->resets_out);
	for (uint32_t d = WR_DROP_NONE + 1; d < WR_DROP_COUNT; d++)
		if (r->last->drop[d] > 0)
			fprintf(r->out, "  dropped %s: %s\n", figure_exact(r->last->drop[d], f[0]),
				wr_drop_text((enum wr_drop)d));
	fprintf(r->out, "  core %u.%u %% busy in the window\n",
		result_busy_permille(&r->result) / 10, result_busy_permille(&r->result) % 10);
}

void report_print(struct report *r)
{
	const struct result *result = &r->result;

	if (r->search != NULL)
		fprintf(r->out, "\nthe last trial (the search as a whole is above)\n");
	for (uint32_t i = 0; i < r->conf->client_count; i++)
		print_client(r, i);
	for (uint32_t i = 0; i < r->conf->packets_count; i++)
		print_packets(r, i);
	for (uint32_t i = 0; i < r->conf->backend_count; i++)
		print_backend(r, i);
	print_generator(r);
	if (r->series.lost)
		fprintf(r->out, "! memory ran out: the series is not complete\n");
	for (uint32_t i = 0; i < result->verdict_count; i++)
		fprintf(r->out, "! %s\n", result->verdict[i]);
	fflush(r->out);
}

// --- the search ------------------------------------------------------------------------------

void report_trial(struct report *r, const struct search_step *t)
{
	char f[5][FIGURE_LEN];

	fprintf(r->out,
		"run %u, %12s %s: %-9s good %s, quantile %s, late %s, generator %u %% idle%s\n",
		t->run + 1, figure_exact(t->load, f[0]), report_unit(r->conf),
		search_judgement_name(t->judgement), figure_share(t->saw.good_ppm, f[1]),
		figure_time(t->saw.quantile_ns, f[2]), figure_share(t->saw.late_ppm, f[3]),
		t->saw.idle_permille / 10, t->repeat > 0 ? " (repeated)" : "");
	fflush(r->out);
}

void report_search(struct report *r)
{
	char text[1024];

	if (r->search != NULL)
		fprintf(r->out, "\n%s\n",
			search_text(r->search, report_unit(r->conf), text, sizeof(text)));
	fflush(r->out);
}
