/* SPDX-License-Identifier: BSD-3-Clause */
#include "series.h"

#include <stdlib.h>
#include <string.h>

#include "result.h"

const char *series_kind_name(enum series_kind k)
{
	static const char *const name[] = {"client", "backend", "packets"};

	return name[k];
}

const char *series_row_name(const struct gen_conf *c, const struct series_row *row)
{
	switch (row->kind) {
	case SERIES_CLIENT:
		return c->clients[row->index].name;
	case SERIES_BACKEND:
		return c->backends[row->index].name;
	case SERIES_PACKETS:
		return c->packets[row->index].name;
	}
	return "";
}

void series_init(struct series *s)
{
	memset(s, 0, sizeof(*s));
}

void series_fini(struct series *s)
{
	free(s->row);
	memset(s, 0, sizeof(*s));
}

// Counters start again from zero when they are reset (between trials of a search).
static uint64_t since(uint64_t before, uint64_t now)
{
	return now >= before ? now - before : now;
}

static struct series_row *row_new(
	struct series *s, const struct series_row *common, enum series_kind kind, uint32_t index)
{
	struct series_row *r;

	if (s->count == s->room) {
		size_t room = s->room > 0 ? s->room * 2 : 64;

		r = realloc(s->row, room * sizeof(*r));
		if (r == NULL) {
			s->lost = true;
			return NULL;
		}
		s->row = r;
		s->room = room;
	}
	r = &s->row[s->count++];
	*r = *common;
	r->kind = kind;
	r->trial = s->trial;
	r->index = index;
	return r;
}

static void latencies(struct series *s, struct series_row *r, const struct wr_hist *before,
	const struct wr_hist *now)
{
	gen_hist_since(&s->scratch, now, before);
	r->latency_count = s->scratch.count;
	r->p50_ns = wr_hist_quantile(&s->scratch, 500000);
	r->p99_ns = wr_hist_quantile(&s->scratch, 990000);
	r->max_ns = s->scratch.max;
}

// Requests that began so far: over, or on their way; those refused here never began.
static uint64_t started(const struct gen_client_stats *c)
{
	return c->answers + result_errors(c) - c->errors[GEN_ERROR_refused_local] + c->in_flight;
}

static void row_client(struct series *s, struct series_row *r, const struct gen_client_stats *b,
	const struct gen_client_stats *n)
{
	r->intended = since(b->intended, n->intended);
	r->started = since(started(b), started(n));
	r->connections = since(b->connections, n->connections);
	r->answers = since(b->answers, n->answers);
	r->good = since(b->good, n->good);
	for (uint32_t e = 0; e < GEN_ERROR_COUNT; e++) {
		r->errors[e] = since(b->errors[e], n->errors[e]);
		r->error_sum += r->errors[e];
	}
	r->attempts_failed = since(b->attempts_failed, n->attempts_failed);
	r->retries = since(b->retries, n->retries);
	r->late = since(b->late, n->late);
	r->bytes_up = since(b->bytes_up, n->bytes_up);
	r->bytes_down = since(b->bytes_down, n->bytes_down);
	r->open = n->open;
	r->in_flight = n->in_flight;
	latencies(s, r, b->measured.answer_ns, n->measured.answer_ns);
	gen_hist_since(&s->scratch, n->measured.lag_ns, b->measured.lag_ns);
	r->lag_count = s->scratch.count;
	r->lag_p99_ns = wr_hist_quantile(&s->scratch, 990000);
	r->lag_max_ns = s->scratch.max;
}

static void row_backend(struct series *s, struct series_row *r, const struct gen_server_stats *b,
	const struct gen_server_stats *n)
{
	r->intended = r->started = since(b->requests, n->requests);
	r->connections = since(b->accepted, n->accepted);
	r->answers = r->good = since(b->answers, n->answers);
	r->errors[GEN_ERROR_queue_full] = since(b->queue_full, n->queue_full);
	r->errors[GEN_ERROR_wrong_bytes] = since(b->wrong_bytes, n->wrong_bytes);
	r->errors[GEN_ERROR_reset] = since(b->resets, n->resets);
	r->errors[GEN_ERROR_closed_early] = since(b->early_closes, n->early_closes);
	for (uint32_t e = 0; e < GEN_ERROR_COUNT; e++)
		r->error_sum += r->errors[e];
	r->bytes_up = since(b->bytes_in, n->bytes_in);
	r->bytes_down = since(b->bytes_out, n->bytes_out);
	r->open = n->open;
	r->in_flight = n->working + n->waiting;
	latencies(s, r, b->wait_ns, n->wait_ns);
}

static void row_packets(struct series *s, struct series_row *r, const struct gen_packets_stats *b,
	const struct gen_packets_stats *n)
{
	uint64_t behind = since(b->behind_now, n->behind_now);

	r->started = since(b->sent, n->sent);
	// Called for: what was sent and what the schedule fell behind meanwhile.
	r->intended = r->started + (n->behind_now > b->behind_now ? behind : 0);
	r->answers = since(b->returned, n->returned);
	r->lost = since(b->lost, n->lost) + since(b->corrupted, n->corrupted);
	r->good = r->answers - RTE_MIN(r->answers, since(b->corrupted, n->corrupted));
	r->late = n->behind_now;
	r->bytes_up = since(b->sent_bytes, n->sent_bytes);
	latencies(s, r, b->latency_ns, n->latency_ns);
}

static void common_fill(
	struct series_row *r, const struct gen_snapshot *b, const struct gen_snapshot *n)
{
	memset(r, 0, sizeof(*r));
	r->phase = n->phase;
	r->at_ns = n->at_ns;
	r->span_ns = since(b->at_ns, n->at_ns);
	r->busy_permille = result_busy(&b->loop, &n->loop);
	r->longest_loop_ns = n->loop.longest_ns;
	for (uint32_t i = 0; i < n->port_count; i++) {
		const struct wr_port_stats *was = &b->ports[i].port, *is = &n->ports[i].port;

		r->rx_frames += since(was->rx_frames, is->rx_frames);
		r->tx_frames += since(was->tx_frames, is->tx_frames);
		r->rx_bytes += since(was->rx_bytes, is->rx_bytes);
		r->tx_bytes += since(was->tx_bytes, is->tx_bytes);
		r->frames_lost +=
			since(result_port_lost(&b->ports[i]), result_port_lost(&n->ports[i]));
	}
}

size_t series_add(struct series *s, const struct gen_snapshot *b, const struct gen_snapshot *n)
{
	struct series_row common, *r;
	size_t first = s->count;

	common_fill(&common, b, n);
	for (uint32_t i = 0; i < n->client_count; i++) {
		r = row_new(s, &common, SERIES_CLIENT, i);
		if (r != NULL)
			row_client(s, r, &b->clients[i], &n->clients[i]);
	}
	for (uint32_t i = 0; i < n->backend_count; i++) {
		r = row_new(s, &common, SERIES_BACKEND, i);
		if (r != NULL)
			row_backend(s, r, &b->backends[i], &n->backends[i]);
	}
	for (uint32_t i = 0; i < n->packets_count; i++) {
		r = row_new(s, &common, SERIES_PACKETS, i);
		if (r != NULL)
			row_packets(s, r, &b->packets[i], &n->packets[i]);
	}
	return s->count - first;
}
