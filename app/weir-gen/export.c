/* SPDX-License-Identifier: BSD-3-Clause */
#include "export.h"

#include <errno.h>
#include <string.h>

#include "atomic_file.h"
#include "export_priv.h"

static void put_text(json_t *to, const char *key, const char *text)
{
	// Names come from a file; what is not UTF-8 must not make the member vanish.
	json_t *v = json_string(text);

	json_object_set_new(to, key, v != NULL ? v : json_string("?"));
}

// --- histograms ------------------------------------------------------------------------------

// [[share of values in millionths, microseconds], ...], denser towards the tail.
static json_t *curve(const struct wr_hist *h)
{
	static const uint32_t ppm[] = {0, 50000, 100000, 200000, 300000, 400000, 500000, 600000,
		700000, 750000, 800000, 850000, 900000, 925000, 950000, 960000, 970000, 980000,
		985000, 990000, 992500, 995000, 997500, 998000, 999000, 999250, 999500, 999750,
		999900, 999950, 999975, 999990, 999995, 999999, 1000000};
	json_t *list = json_array();

	for (uint32_t i = 0; i < RTE_DIM(ppm) && h->count > 0; i++)
		json_array_append_new(list, json_pack("[I, f]", (json_int_t)ppm[i],
						    (double)wr_hist_quantile(h, ppm[i]) / 1e3));
	return list;
}

static json_t *hist_json(const struct wr_hist *h)
{
	json_t *o = json_object();

	export_put_count(o, "count", h->count);
	if (h->count == 0)
		return o;
	export_put_real(o, "mean_us", (double)h->sum / (double)h->count / 1e3);
	export_put_real(o, "min_us", (double)h->min / 1e3);
	for (uint32_t i = 0; i < EXPORT_QUANTILES; i++) {
		char key[METRIC_LEN];

		export_put_real(o, export_metric(key, "%s_us", export_quantile[i].name),
			(double)wr_hist_quantile(h, export_quantile[i].ppm) / 1e3);
	}
	json_object_set_new(o, "curve", curve(h));
	return o;
}

// --- lists -----------------------------------------------------------------------------------

static json_t *clients_json(const struct report *r)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < r->conf->client_count; i++) {
		const struct gen_client_stats *c = &r->last->clients[i];
		json_t *o = json_object(), *errors = json_object(), *window = json_object();

		put_text(o, "name", r->conf->clients[i].name);
		export_put_count(o, "intended", c->measured.intended);
		export_put_count(o, "answers", c->measured.answers);
		export_put_count(o, "good", c->measured.good);
		export_put_count(o, "late", c->measured.late);
		export_put_count(o, "late_ppm", result_late_ppm(&r->result, i));
		export_put_count(o, "objective_us", r->conf->clients[i].objective_us);
		for (uint32_t e = 0; e < GEN_ERROR_COUNT; e++) {
			export_put_count(errors, result_error_name(e), c->errors[e]);
			export_put_count(window, result_error_name(e), c->measured.errors[e]);
		}
		json_object_set_new(o, "errors", errors);
		json_object_set_new(o, "errors_measured", window);
		json_object_set_new(o, "answer", hist_json(c->measured.answer_ns));
		json_object_set_new(o, "connect", hist_json(c->measured.connect_ns));
		json_object_set_new(o, "lag", hist_json(c->measured.lag_ns));
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *backends_json(const struct report *r)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < r->conf->backend_count; i++) {
		const struct gen_server_stats *s = &r->last->backends[i];
		json_t *o = json_object();

		put_text(o, "name", r->conf->backends[i].name);
		export_put_count(o, "accepted", s->accepted);
		export_put_count(o, "requests", s->requests);
		export_put_count(o, "answers", s->answers);
		export_put_count(o, "queue_full", s->queue_full);
		export_put_count(o, "queue_peak", s->waiting_peak);
		export_put_count(o, "wrong_bytes", s->wrong_bytes);
		export_put_count(o, "resets", s->resets);
		export_put_count(o, "early_closes", s->early_closes);
		export_put_count(o, "faults_struck", s->faults_struck);
		export_put_count(o, "bytes_in", s->bytes_in);
		export_put_count(o, "bytes_out", s->bytes_out);
		json_object_set_new(o, "wait", hist_json(s->wait_ns));
		json_object_set_new(o, "service", hist_json(s->service_ns));
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *packets_json(const struct report *r)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < r->conf->packets_count; i++) {
		const struct gen_packets_stats *p = &r->last->packets[i];
		json_t *o = json_object();

		put_text(o, "name", r->conf->packets[i].name);
		export_put_count(o, "sent", p->sent);
		export_put_count(o, "sent_bytes", p->sent_bytes);
		export_put_count(o, "not_taken", p->not_taken);
		export_put_count(o, "behind", p->behind);
		export_put_count(o, "behind_now", r->end->packets[i].behind_now);
		json_object_set_new(o, "stamped", json_boolean(r->conf->packets[i].stamp));
		export_put_count(o, "returned", p->returned);
		export_put_count(o, "lost", p->lost);
		export_put_count(o, "reordered", p->reordered);
		export_put_count(o, "duplicated", p->duplicated);
		export_put_count(o, "corrupted", p->corrupted);
		json_object_set_new(o, "latency", hist_json(p->latency_ns));
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *ports_json(const struct report *r)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < r->conf->port_count; i++) {
		const struct gen_port_count *p = &r->last->ports[i];
		json_t *o = json_object();

		put_text(o, "name", r->conf->ports[i].name);
		export_put_count(o, "rx_frames", p->port.rx_frames);
		export_put_count(o, "rx_bytes", p->port.rx_bytes);
		export_put_count(o, "tx_frames", p->port.tx_frames);
		export_put_count(o, "tx_bytes", p->port.tx_bytes);
		export_put_count(o, "rx_missed", p->port.rx_missed);
		export_put_count(o, "rx_errors", p->port.rx_errors);
		export_put_count(o, "rx_no_mbuf", p->port.rx_no_mbuf);
		export_put_count(o, "tx_errors", p->port.tx_errors);
		export_put_count(o, "tx_given_up", p->tx_given_up);
		if (p->kernel_loss_known)
			export_put_count(o, "kernel_loss", p->port.kernel_loss);
		export_put_count(o, "lost", result_port_lost(p));
		json_array_append_new(list, o);
	}
	return list;
}

// --- the series ------------------------------------------------------------------------------

// One column: called with its name and value, in the order of the header.
typedef void (*column_fn)(void *to, const char *name, double value, bool known);

static void row_walk(const struct series_row *row, column_fn f, void *to)
{
	uint64_t ns = row->span_ns;
	bool timed = row->latency_count > 0, lag = row->lag_count > 0;
	char name[METRIC_LEN];

	f(to, "trial", row->trial, true);
	f(to, "offered_per_s", result_per_s(row->intended, ns), true);
	f(to, "started_per_s", result_per_s(row->started, ns), true);
	f(to, "connections_per_s", result_per_s(row->connections, ns), true);
	f(to, "answers_per_s", result_per_s(row->answers, ns), true);
	f(to, "good_per_s", result_per_s(row->good, ns), true);
	f(to, "errors_per_s", result_per_s(row->error_sum, ns), true);
	f(to, "lost_per_s", result_per_s(row->lost, ns), row->kind == SERIES_PACKETS);
	f(to, "retries_per_s", result_per_s(row->retries, ns), row->kind == SERIES_CLIENT);
	f(to, "late", (double)row->late, true);
	f(to, "p50_us", (double)row->p50_ns / 1e3, timed);
	f(to, "p99_us", (double)row->p99_ns / 1e3, timed);
	f(to, "max_us", (double)row->max_ns / 1e3, timed);
	f(to, "lag_p99_us", (double)row->lag_p99_ns / 1e3, lag);
	f(to, "lag_max_us", (double)row->lag_max_ns / 1e3, lag);
	f(to, "open", (double)row->open, true);
	f(to, "in_flight", (double)row->in_flight, true);
	f(to, "gbit_up", result_gbit_per_s(row->bytes_up, ns), true);
	f(to, "gbit_down", result_gbit_per_s(row->bytes_down, ns), true);
	f(to, "rx_pps", result_per_s(row->rx_frames, ns), true);
	f(to, "tx_pps", result_per_s(row->tx_frames, ns), true);
	f(to, "rx_gbit", result_gbit_per_s(row->rx_bytes, ns), true);
	f(to, "tx_gbit", result_gbit_per_s(row->tx_bytes, ns), true);
	f(to, "frames_lost", (double)row->frames_lost, true);
	f(to, "core_busy_permille", row->busy_permille, true);
	f(to, "longest_loop_us", (double)row->longest_loop_ns / 1e3, true);
	for (uint32_t e = 0; e < GEN_ERROR_COUNT; e++)
		f(to, export_metric(name, "error_%s", result_error_name(e)), (double)row->errors[e],
			true);
}

static void column_json(void *to, const char *name, double value, bool known)
{
	if (known)
		export_put_real(to, name, value);
}

static json_t *series_json(const struct report *r)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->series.count; i++) {
		const struct series_row *row = &r->series.row[i];
		json_t *o = json_object();

		export_put_real(o, "at_s", (double)row->at_ns / 1e9);
		export_put_real(o, "span_s", (double)row->span_ns / 1e9);
		put_text(o, "phase", gen_phase_name(row->phase));
		put_text(o, "kind", series_kind_name(row->kind));
		put_text(o, "name", series_row_name(r->conf, row));
		row_walk(row, column_json, o);
		json_array_append_new(list, o);
	}
	return list;
}

static void column_header(void *to, const char *name, double value, bool known)
{
	fprintf(to, ",%s", name);
}

static void column_csv(void *to, const char *name, double value, bool known)
{
	if (known)
		fprintf(to, ",%.10g", value);
	else
		fputc(',', to);
}

// RFC 4180: a name with a comma, quote or line break is quoted, its quotes doubled.
static void csv_text(FILE *to, const char *text)
{
	if (strpbrk(text, ",\"\r\n") == NULL) {
		fputs(text, to);
		return;
	}
	fputc('"', to);
	for (; *text; text++) {
		if (*text == '"')
			fputc('"', to);
		fputc(*text, to);
	}
	fputc('"', to);
}

void export_csv(const struct report *r, FILE *to)
{
	static const struct series_row none;

	fputs("at_s,span_s,phase,kind,name", to);
	row_walk(&none, column_header, to);
	fputc('\n', to);
	for (size_t i = 0; i < r->series.count; i++) {
		const struct series_row *row = &r->series.row[i];

		fprintf(to, "%.6f,%.6f,%s,%s,", (double)row->at_ns / 1e9,
			(double)row->span_ns / 1e9, gen_phase_name(row->phase),
			series_kind_name(row->kind));
		csv_text(to, series_row_name(r->conf, row));
		row_walk(row, column_csv, to);
		fputc('\n', to);
	}
}

// --- all together ----------------------------------------------------------------------------

static json_t *run_json(const struct report *r)
{
	json_t *o = json_object(), *verdicts = json_array();

	put_text(o, "name", r->conf->name);
	export_put_count(o, "seed", r->conf->seed);
	export_put_real(o, "warmup_s", (double)r->conf->warmup_us / 1e6);
	export_put_real(o, "duration_s", (double)r->conf->duration_us / 1e6);
	export_put_real(o, "measured_s", (double)result_window_ns(&r->result) / 1e9);
	export_put_real(o, "ended_s", (double)r->last->at_ns / 1e9);
	json_object_set_new(o, "interrupted", json_boolean(r->result.interrupted));
	json_object_set_new(o, "generator_bound", json_boolean(r->result.generator_bound));
	json_object_set_new(o, "behind_schedule", json_boolean(r->result.behind));
	json_object_set_new(o, "series_complete", json_boolean(!r->series.lost));
	for (uint32_t i = 0; i < r->result.verdict_count; i++) {
		json_t *v = json_string(r->result.verdict[i]);

		json_array_append_new(verdicts, v != NULL ? v : json_string("?"));
	}
	json_object_set_new(o, "verdicts", verdicts);
	return o;
}

static json_t *search_json(const struct report *r)
{
	const struct search *s = r->search;
	json_t *o = json_object(), *runs = json_array(), *trials = json_array();
	char text[1024];

	put_text(o, "outcome", search_outcome_name(s->outcome));
	put_text(o, "text", search_text(s, report_unit(r->conf), text, sizeof(text)));
	put_text(o, "unit", report_unit(r->conf));
	export_put_count(o, "load", s->load);
	export_put_count(o, "over", s->over);
	export_put_count(o, "spread_permille", s->spread_permille);
	for (uint32_t i = 0; i < s->run_count; i++)
		json_array_append_new(
			runs, json_pack("{s:I, s:I, s:s}", "load", (json_int_t)s->run[i].load,
				      "over", (json_int_t)s->run[i].over, "outcome",
				      search_outcome_name(s->run[i].outcome)));
	for (uint32_t i = 0; i < s->trial_count && i < SEARCH_MAX_TRIALS; i++) {
		const struct search_step *t = &s->trial[i];

		json_array_append_new(
			trials, json_pack("{s:I, s:I, s:s, s:I, s:f, s:I, s:I}", "run",
					(json_int_t)t->run, "load", (json_int_t)t->load,
					"judgement", search_judgement_name(t->judgement),
					"good_ppm", (json_int_t)t->saw.good_ppm, "quantile_us",
					(double)t->saw.quantile_ns / 1e3, "late_ppm",
					(json_int_t)t->saw.late_ppm, "generator_idle_permille",
					(json_int_t)t->saw.idle_permille));
	}
	json_object_set_new(o, "runs", runs);
	json_object_set_new(o, "trials", trials);
	return o;
}

json_t *export_json(const struct report *r)
{
	json_t *o = json_object();

	if (o == NULL)
		return NULL;
	json_object_set_new(o, "flat", export_flat(r));
	json_object_set_new(o, "run", run_json(r));
	json_object_set_new(o, "clients", clients_json(r));
	json_object_set_new(o, "backends", backends_json(r));
	json_object_set_new(o, "packets", packets_json(r));
	json_object_set_new(o, "ports", ports_json(r));
	if (r->search != NULL)
		json_object_set_new(o, "search", search_json(r));
	json_object_set_new(o, "series", series_json(r));
	return o;
}

static int write_json(const struct report *r, struct wr_err *err)
{
	struct atomic_file a;
	json_t *o = export_json(r);
	int rc;

	if (o == NULL)
		return wr_err_set(err, ENOMEM, "cannot write %s: no memory", r->conf->json);
	rc = atomic_file_open(&a, r->conf->json, err);
	if (rc == 0) {
		// What fails here shows in the stream's error flag.
		json_dumpf(o, a.f, JSON_INDENT(1) | JSON_REAL_PRECISION(10));
		fputc('\n', a.f);
		rc = atomic_file_close(&a, err);
	}
	json_decref(o);
	return rc;
}

static int write_csv(const struct report *r, struct wr_err *err)
{
	struct atomic_file a;
	int rc = atomic_file_open(&a, r->conf->csv, err);

	if (rc != 0)
		return rc;
	export_csv(r, a.f);
	return atomic_file_close(&a, err);
}

int export_write(const struct report *r, struct wr_err *err)
{
	int json = r->conf->json[0] ? write_json(r, err) : 0;
	int csv = r->conf->csv[0] ? write_csv(r, err) : 0;

	return json != 0 ? json : csv;
}
