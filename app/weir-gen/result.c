/* SPDX-License-Identifier: BSD-3-Clause */
#include "result.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "figure.h"

// --- figures ---------------------------------------------------------------------------------

double result_per_s(uint64_t count, uint64_t ns)
{
	return ns == 0 ? 0 : (double)count * 1e9 / (double)ns;
}

double result_gbit_per_s(uint64_t bytes, uint64_t ns)
{
	return result_per_s(bytes, ns) * 8 / 1e9;
}

uint64_t result_window_ns(const struct result *r)
{
	uint64_t from = r->conf->warmup_us * 1000, to = from + r->conf->duration_us * 1000;

	// Cut short, or without a planned end.
	if (r->end->at_ns < to || r->conf->duration_us == 0)
		to = r->end->at_ns;
	return r->measured && to > from ? to - from : 0;
}

uint64_t result_span_ns(const struct result *r)
{
	return r->measured && r->end->at_ns > r->base->at_ns ? r->end->at_ns - r->base->at_ns : 0;
}

uint32_t result_busy(const struct gen_loop_stats *from, const struct gen_loop_stats *to)
{
	uint64_t all = to->cycles - from->cycles;

	if (to->cycles <= from->cycles || to->cycles_busy < from->cycles_busy)
		return 0;
	return (uint32_t)RTE_MIN(
		(double)(to->cycles_busy - from->cycles_busy) * 1000 / (double)all, 1000.0);
}

uint32_t result_busy_permille(const struct result *r)
{
	return result_busy(&r->base->loop, &r->end->loop);
}

double result_offered_per_s(const struct result *r, uint32_t client)
{
	return result_per_s(r->last->clients[client].measured.intended, result_window_ns(r));
}

double result_answers_per_s(const struct result *r, uint32_t client)
{
	return result_per_s(r->last->clients[client].measured.answers, result_window_ns(r));
}

double result_goodput_per_s(const struct result *r, uint32_t client)
{
	return result_per_s(r->last->clients[client].measured.good, result_window_ns(r));
}

double result_connections_per_s(const struct result *r, uint32_t client)
{
	return result_per_s(r->last->clients[client].measured.connections, result_window_ns(r));
}

double result_backend_requests_per_s(const struct result *r, uint32_t i)
{
	return result_per_s(
		r->end->backends[i].requests - r->base->backends[i].requests, result_span_ns(r));
}

double result_packets_sent_per_s(const struct result *r, uint32_t i)
{
	return result_per_s(r->end->packets[i].sent - r->base->packets[i].sent, result_span_ns(r));
}

const char *result_error_name(uint32_t e)
{
	static const char *const name[GEN_ERROR_COUNT] = {
#define X(sym, text) #sym,
		GEN_ERRORS(X)
#undef X
	};

	return name[e];
}

const char *result_error_text(uint32_t e)
{
	static const char *const sentence[GEN_ERROR_COUNT] = {
#define X(sym, text) text,
		GEN_ERRORS(X)
#undef X
	};

	return sentence[e];
}

uint64_t result_errors(const struct gen_client_stats *c)
{
	uint64_t n = 0;

	for (uint32_t e = 0; e < GEN_ERROR_COUNT; e++)
		n += c->errors[e];
	return n;
}

uint64_t result_errors_measured(const struct gen_client_stats *c)
{
	uint64_t n = 0;

	for (uint32_t e = 0; e < GEN_ERROR_COUNT; e++)
		n += c->measured.errors[e];
	return n;
}

uint64_t result_port_lost(const struct gen_port_count *p)
{
	return p->port.rx_missed + p->port.rx_errors + p->port.rx_no_mbuf + p->port.tx_errors +
	       (p->kernel_loss_known ? p->port.kernel_loss : 0) + p->tx_given_up;
}

// --- the schedule ----------------------------------------------------------------------------

// Arrivals from the start until `s` seconds after it.
static double arrivals(const struct gen_client *c, double rate, double s)
{
	double p = (double)c->period_us / 1e6, in, over;

	switch (c->model) {
	case GEN_LOAD_CONSTANT:
	case GEN_LOAD_POISSON:
	case GEN_LOAD_BURST:
		return rate * s;
	case GEN_LOAD_RAMP:
		in = RTE_MIN(s, p);
		over = RTE_MAX(s - p, 0.0);
		return rate * in + (p > 0 ? (c->rate_to - rate) * in * in / (2 * p) : 0) +
		       c->rate_to * over;
	case GEN_LOAD_STEP:
		in = RTE_MIN(s, p);
		over = RTE_MIN(RTE_MAX(s - p, 0.0), p);
		return rate * in + c->rate_to * over + rate * RTE_MAX(s - 2 * p, 0.0);
	case GEN_LOAD_CLOSED:
		break;
	}
	return 0;
}

double result_scheduled(const struct result *r, uint32_t i)
{
	const struct gen_client *c = &r->conf->clients[i];
	double rate = r->load > 0 && i == 0 ? (double)r->load : c->rate;
	double from = (double)r->conf->warmup_us / 1e6;

	return arrivals(c, rate, from + (double)result_window_ns(r) / 1e9) -
	       arrivals(c, rate, from);
}

// Arrivals that never came about. What chance allows (four sigmas of a Poisson process, one burst,
// one arrival at either edge) is not a shortfall.
static uint64_t shortfall(const struct result *r, uint32_t i)
{
	double due = result_scheduled(r, i), slack = 2 + due / 1000;
	double came = (double)r->last->clients[i].measured.intended;

	if (r->conf->clients[i].model == GEN_LOAD_POISSON)
		slack += 4 * sqrt(due);
	if (r->conf->clients[i].model == GEN_LOAD_BURST)
		slack += r->conf->clients[i].burst;
	return due > came + slack ? (uint64_t)(due - came) : 0;
}

uint32_t result_late_ppm(const struct result *r, uint32_t i)
{
	uint64_t missing = shortfall(r, i), late = r->last->clients[i].measured.late + missing;
	uint64_t all = r->last->clients[i].measured.intended + missing;

	return all == 0 ? 0 : (uint32_t)((double)late * 1e6 / (double)all);
}

// --- verdicts --------------------------------------------------------------------------------

__attribute__((format(printf, 2, 3))) static void verdict(struct result *r, const char *fmt, ...)
{
	va_list ap;

	if (r->verdict_count == RESULT_VERDICTS) {
		r->verdict_lost++;
		return;
	}
	va_start(ap, fmt);
	vsnprintf(r->verdict[r->verdict_count++], RESULT_VERDICT_LEN, fmt, ap);
	va_end(ap);
}

static void judge_schedule(struct result *r, uint32_t i)
{
	const struct gen_client_stats *c = &r->last->clients[i];
	const char *name = r->conf->clients[i].name;
	uint64_t missing = shortfall(r, i);
	char a[FIGURE_LEN], b[FIGURE_LEN], share[FIGURE_LEN], worst[FIGURE_LEN];
	uint64_t late = c->measured.late, all = c->measured.intended;
	uint64_t ppm = all == 0 ? 0 : (uint64_t)((double)late * 1e6 / (double)all);

	if (late > 0) {
		bool reached = ppm < RESULT_LATE_PPM;

		verdict(r,
			"%s: behind schedule: %s of %s requests (%s) began more than 1 ms late, "
			"worst %s: %s",
			name, figure_exact(late, a), figure_exact(all, b),
			figure_share(RTE_MAX(ppm, 1UL), share),
			figure_time(c->measured.lag_ns->max, worst),
			reached ? "their delay is part of the latencies"
				: "the offered load was NOT reached");
		r->behind |= !reached;
	}
	if (missing > 0) {
		verdict(r,
			"%s: behind schedule: it called for %s requests in the window and %s of "
			"them were never begun: the offered load was NOT reached",
			name, figure_exact((uint64_t)result_scheduled(r, i), a),
			figure_exact(missing, b));
		r->behind = true;
	}
	if (c->errors[GEN_ERROR_wrong_bytes] > 0)
		verdict(r, "%s: %s answers were not what was asked for", name,
			figure_exact(c->errors[GEN_ERROR_wrong_bytes], a));
	if (c->errors[GEN_ERROR_refused_local] > 0)
		verdict(r, "%s: %s requests were refused by the generator itself: %s", name,
			figure_exact(c->errors[GEN_ERROR_refused_local], a),
			"raise max_open, add source addresses or runtime.max_conns, if that was "
			"not the intent");
}

static void judge_stream(struct result *r, uint32_t i)
{
	const struct gen_packets *conf = &r->conf->packets[i];
	const struct gen_packets_stats *p = &r->end->packets[i];
	double sent = result_packets_sent_per_s(r, i);
	double rate = r->load > 0 && r->conf->client_count == 0 && i == 0 ? (double)r->load
	                                                                  : (double)conf->rate_pps;
	// Behind by more than 1 ms of sending when the window closed.
	double slack = WR_BURST + (rate > 0 ? rate : sent) / 1000;
	char a[FIGURE_LEN], b[FIGURE_LEN];

	if (conf->rate_pps == 0 && conf->rate_bps == 0)
		return;
	if ((double)p->behind_now > slack) {
		verdict(r,
			"%s: behind schedule by %s packets at the end of the window, sent %s a "
			"second: the offered rate was NOT reached",
			conf->name, figure_exact(p->behind_now, a),
			figure_exact((uint64_t)sent, b));
		r->behind = true;
	} else if ((double)p->behind > slack) {
		verdict(r, "%s: behind schedule by %s packets for a while, caught up since",
			conf->name, figure_exact(p->behind, a));
	}
	if (p->corrupted > 0)
		verdict(r, "%s: %s packets came back changed", conf->name,
			figure_exact(p->corrupted, a));
}

static void judge_port(struct result *r, uint32_t i)
{
	const struct gen_port_count *p = &r->last->ports[i];
	uint64_t lost = result_port_lost(p);
	char a[FIGURE_LEN];

	if (lost == 0)
		return;
	verdict(r,
		"port %s lost %s frames: ring full %" PRIu64 ", no buffer %" PRIu64
		", receive errors %" PRIu64 ", in the kernel %" PRIu64 ", send errors %" PRIu64
		", not taken %" PRIu64 ": losses counted against the target may be the generator's",
		r->conf->ports[i].name, figure_exact(lost, a), p->port.rx_missed,
		p->port.rx_no_mbuf, p->port.rx_errors,
		p->kernel_loss_known ? p->port.kernel_loss : 0, p->port.tx_errors, p->tx_given_up);
}

void result_judge(struct result *r)
{
	uint32_t busy = result_busy_permille(r);
	char a[FIGURE_LEN], b[FIGURE_LEN];

	r->verdict_count = r->verdict_lost = 0;
	r->generator_bound = r->behind = false;
	if (r->interrupted &&
		r->conf->duration_us > 0) // without a planned end it is the way to end
		verdict(r,
			"interrupted %s after the start, of %s planned: these are the figures "
			"until then",
			figure_seconds(r->last->at_ns, a),
			figure_seconds((r->conf->warmup_us + r->conf->duration_us) * 1000, b));
	if (!r->measured || result_window_ns(r) == 0)
		verdict(r, "nothing was measured: the run ended in its warm-up");
	// The same fifth of idle time that tests/bench asks for.
	if (1000 - busy < SEARCH_IDLE_MIN_PERMILLE) {
		verdict(r,
			"generator-bound: its core was %u %% busy; the target may do more than "
			"this",
			(busy + 5) / 10);
		r->generator_bound = true;
	}
	for (uint32_t i = 0; r->measured && i < r->conf->client_count; i++)
		judge_schedule(r, i);
	for (uint32_t i = 0; r->measured && i < r->conf->packets_count; i++)
		judge_stream(r, i);
	for (uint32_t i = 0; i < r->conf->port_count; i++)
		judge_port(r, i);
	if (r->last->ep.no_mbuf > 0)
		verdict(r, "the generator had no buffer for %s segments: raise its memory",
			figure_exact(r->last->ep.no_mbuf, a));
	if (r->verdict_lost > 0)
		snprintf(r->verdict[RESULT_VERDICTS - 1], RESULT_VERDICT_LEN,
			"and %u verdicts more", r->verdict_lost + 1);
}

// --- as a trial ------------------------------------------------------------------------------

static uint32_t ppm_of(uint64_t part, uint64_t all)
{
	return all == 0 ? 0 : (uint32_t)((double)RTE_MIN(part, all) * 1e6 / (double)all);
}

static uint64_t quantile(const struct result *r, const struct wr_hist *h)
{
	return wr_hist_quantile(h, r->conf->search.objective_permille * 1000);
}

static void trial_packets(const struct result *r, struct search_trial *out)
{
	const struct gen_packets_stats *p = &r->last->packets[0], *before = &r->base->packets[0];
	uint64_t returned = p->returned - before->returned, bad = p->corrupted - before->corrupted;
	double rate = r->load > 0 ? (double)r->load : (double)r->conf->packets[0].rate_pps;
	double due = rate * (double)result_span_ns(r) / 1e9;
	double sent = (double)(r->end->packets[0].sent - before->sent);

	out->requests = p->sent - before->sent;
	out->good_ppm = ppm_of(returned - RTE_MIN(bad, returned), out->requests);
	out->quantile_ns = quantile(r, p->latency_ns);
	// The burst at either edge of the window may fall on its other side.
	out->late_ppm = due > sent + 2 * WR_BURST ? (uint32_t)((due - sent) * 1e6 / due) : 0;
}

void result_trial(const struct result *r, struct search_trial *out)
{
	*out = (struct search_trial){.idle_permille = 1000 - result_busy_permille(r)};
	if (!r->measured)
		return;
	if (r->conf->client_count == 0 && r->conf->packets_count > 0) {
		trial_packets(r, out);
	} else if (r->conf->client_count > 0) {
		const struct gen_client_stats *c = &r->last->clients[0];

		out->requests = c->measured.intended;
		out->good_ppm = ppm_of(c->measured.good, c->measured.intended);
		out->quantile_ns = quantile(r, c->measured.answer_ns);
		out->late_ppm = result_late_ppm(r, 0);
	}
}
