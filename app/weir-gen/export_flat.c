/* SPDX-License-Identifier: BSD-3-Clause */
#include "export_priv.h"

#include <ctype.h>
#include <stdlib.h>

const struct export_quantile export_quantile[EXPORT_QUANTILES] = {{"p50", 500000}, {"p90", 900000},
	{"p99", 990000}, {"p999", 999000}, {"p9999", 999900}, {"max", 1000000}};

// --- setting members -------------------------------------------------------------------------

void export_put_count(json_t *to, const char *key, uint64_t v)
{
	json_object_set_new(to, key, json_integer((json_int_t)v));
}

void export_put_real(json_t *to, const char *key, double v)
{
	json_object_set_new(to, key, json_real(v));
}

// Names of flat metrics hold letters, digits and underscores.
const char *export_metric(char buf[METRIC_LEN], const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf, METRIC_LEN, fmt, ap);
	va_end(ap);
	for (char *c = buf; *c; c++)
		if (!isalnum((unsigned char)*c))
			*c = '_';
	return buf;
}

static void flat_hist(json_t *flat, const char *prefix, const char *what, const struct wr_hist *h)
{
	char key[METRIC_LEN];

	for (uint32_t i = 0; i < EXPORT_QUANTILES && h->count > 0; i++)
		export_put_real(flat,
			export_metric(key, "%s%s%s_us", prefix, what, export_quantile[i].name),
			(double)wr_hist_quantile(h, export_quantile[i].ppm) / 1e3);
}

// One population's (or, with an empty prefix, all clients') figures of the window.
static void flat_client(json_t *flat, const char *p, const struct gen_client_stats *c, uint64_t ns)
{
	char key[METRIC_LEN];

	export_put_real(flat, export_metric(key, "%soffered_per_s", p),
		result_per_s(c->measured.intended, ns));
	export_put_real(flat, export_metric(key, "%sanswers_per_s", p),
		result_per_s(c->measured.answers, ns));
	export_put_real(
		flat, export_metric(key, "%sgoodput_per_s", p), result_per_s(c->measured.good, ns));
	export_put_real(flat, export_metric(key, "%sconnections_per_s", p),
		result_per_s(c->measured.connections, ns));
	export_put_count(flat, export_metric(key, "%sintended", p), c->measured.intended);
	export_put_count(flat, export_metric(key, "%sanswers", p), c->measured.answers);
	export_put_count(flat, export_metric(key, "%sgood", p), c->measured.good);
	export_put_count(flat, export_metric(key, "%slate", p), c->measured.late);
	export_put_count(flat, export_metric(key, "%serrors", p), result_errors_measured(c));
	export_put_count(flat, export_metric(key, "%serrors_all", p), result_errors(c));
	for (uint32_t e = 0; e < GEN_ERROR_COUNT; e++)
		export_put_count(flat, export_metric(key, "%serror_%s", p, result_error_name(e)),
			c->errors[e]);
	export_put_count(flat, export_metric(key, "%sattempts_failed", p), c->attempts_failed);
	export_put_count(flat, export_metric(key, "%sretries", p), c->retries);
	export_put_count(flat, export_metric(key, "%sbytes_up", p), c->bytes_up);
	export_put_count(flat, export_metric(key, "%sbytes_down", p), c->bytes_down);
	flat_hist(flat, p, "", c->measured.answer_ns);
	flat_hist(flat, p, "connect_", c->measured.connect_ns);
	flat_hist(flat, p, "lag_", c->measured.lag_ns);
}

static void client_sum(struct gen_client_stats *a, const struct gen_client_stats *b)
{
	a->measured.intended += b->measured.intended;
	a->measured.answers += b->measured.answers;
	a->measured.good += b->measured.good;
	a->measured.connections += b->measured.connections;
	a->measured.late += b->measured.late;
	a->attempts_failed += b->attempts_failed;
	a->retries += b->retries;
	a->bytes_up += b->bytes_up;
	a->bytes_down += b->bytes_down;
	for (uint32_t e = 0; e < GEN_ERROR_COUNT; e++) {
		a->errors[e] += b->errors[e];
		a->measured.errors[e] += b->measured.errors[e];
	}
	wr_hist_add(a->measured.answer_ns, b->measured.answer_ns);
	wr_hist_add(a->measured.connect_ns, b->measured.connect_ns);
	wr_hist_add(a->measured.lag_ns, b->measured.lag_ns);
}

static void flat_clients(const struct report *r, json_t *flat, uint64_t ns)
{
	struct wr_hist *h = calloc(3, sizeof(*h));
	struct gen_client_stats all = {
		.measured = {.answer_ns = h, .connect_ns = h + 1, .lag_ns = h + 2}};
	char prefix[METRIC_LEN];

	for (uint32_t i = 0; h != NULL && i < 3; i++)
		wr_hist_reset(&h[i]);
	for (uint32_t i = 0; i < r->conf->client_count; i++) {
		flat_client(flat, export_metric(prefix, "client_%s_", r->conf->clients[i].name),
			&r->last->clients[i], ns);
		if (h != NULL)
			client_sum(&all, &r->last->clients[i]);
	}
	if (h != NULL && r->conf->client_count > 0)
		flat_client(flat, "", &all, ns);
	free(h);
}

static void flat_packets(const struct report *r, json_t *flat, uint32_t i)
{
	const struct gen_packets_stats *p = &r->last->packets[i];
	const char *name = r->conf->packets[i].name;
	char key[METRIC_LEN], prefix[METRIC_LEN];

	export_put_real(flat, export_metric(key, "packets_%s_sent_per_s", name),
		result_packets_sent_per_s(&r->result, i));
	export_put_count(flat, export_metric(key, "packets_%s_sent", name), p->sent);
	export_put_count(flat, export_metric(key, "packets_%s_not_taken", name), p->not_taken);
	export_put_count(flat, export_metric(key, "packets_%s_behind", name), p->behind);
	if (!r->conf->packets[i].stamp)
		return;
	export_put_count(flat, export_metric(key, "packets_%s_returned", name), p->returned);
	export_put_count(flat, export_metric(key, "packets_%s_lost", name), p->lost);
	export_put_count(flat, export_metric(key, "packets_%s_reordered", name), p->reordered);
	export_put_count(flat, export_metric(key, "packets_%s_duplicated", name), p->duplicated);
	export_put_count(flat, export_metric(key, "packets_%s_corrupted", name), p->corrupted);
	flat_hist(flat, export_metric(prefix, "packets_%s_", name), "", p->latency_ns);
}

static void flat_backend(const struct report *r, json_t *flat, uint32_t i)
{
	const struct gen_server_stats *s = &r->last->backends[i];
	const char *name = r->conf->backends[i].name;
	char key[METRIC_LEN], prefix[METRIC_LEN];

	export_put_real(flat, export_metric(key, "backend_%s_requests_per_s", name),
		result_backend_requests_per_s(&r->result, i));
	export_put_count(flat, export_metric(key, "backend_%s_requests", name), s->requests);
	export_put_count(flat, export_metric(key, "backend_%s_queue_full", name), s->queue_full);
	export_put_count(flat, export_metric(key, "backend_%s_queue_peak", name), s->waiting_peak);
	export_put_count(flat, export_metric(key, "backend_%s_wrong_bytes", name), s->wrong_bytes);
	export_put_count(
		flat, export_metric(key, "backend_%s_faults_struck", name), s->faults_struck);
	flat_hist(flat, export_metric(prefix, "backend_%s_", name), "wait_", s->wait_ns);
}

json_t *export_flat(const struct report *r)
{
	uint64_t ns = result_window_ns(&r->result), lost = 0;
	uint32_t busy = result_busy_permille(&r->result);
	json_t *flat = json_object();
	char key[METRIC_LEN];

	flat_clients(r, flat, ns);
	for (uint32_t i = 0; i < r->conf->backend_count; i++)
		flat_backend(r, flat, i);
	for (uint32_t i = 0; i < r->conf->packets_count; i++)
		flat_packets(r, flat, i);
	for (uint32_t i = 0; i < r->conf->port_count; i++) {
		uint64_t here = result_port_lost(&r->last->ports[i]);

		export_put_count(
			flat, export_metric(key, "port_%s_lost", r->conf->ports[i].name), here);
		lost += here;
	}
	export_put_count(flat, "frames_lost", lost);
	export_put_count(flat, "syns_sent", r->last->ep.syns);
	export_put_count(flat, "syns_sent_again", r->last->ep.syns_again);
	export_put_count(flat, "segments_sent_again", r->last->ep.retransmitted);
	export_put_real(flat, "window_s", (double)ns / 1e9);
	export_put_count(flat, "core_busy_permille", busy);
	export_put_count(flat, "generator_idle_permille", 1000 - busy);
	export_put_count(flat, "generator_bound", r->result.generator_bound);
	export_put_count(flat, "behind_schedule", r->result.behind);
	export_put_count(flat, "interrupted", r->result.interrupted);
	if (r->search != NULL && r->search->outcome != SEARCH_RUNNING) {
		export_put_count(flat, "search_load", r->search->load);
		export_put_count(flat, "search_spread_permille", r->search->spread_permille);
		export_put_count(flat, "search_found", r->search->outcome == SEARCH_FOUND);
	}
	return flat;
}
