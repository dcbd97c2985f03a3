/* SPDX-License-Identifier: BSD-3-Clause */
#include "snapshot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CLIENT_HISTS  3
#define BACKEND_HISTS 2
#define PACKETS_HISTS 1

const char *gen_phase_name(enum gen_phase p)
{
	static const char *const name[] = {"warmup", "measure", "drain"};

	return name[p];
}

struct gen_snapshot *gen_snapshot_create(const struct gen_conf *conf, struct wr_err *err)
{
	size_t n = conf->client_count * CLIENT_HISTS + conf->backend_count * BACKEND_HISTS +
	           conf->packets_count * PACKETS_HISTS;
	struct gen_snapshot *s = calloc(1, sizeof(*s));
	struct wr_hist *h;

	if (s != NULL)
		s->hists = calloc(n > 0 ? n : 1, sizeof(*s->hists));
	if (s == NULL || s->hists == NULL) {
		wr_err_set(err, ENOMEM, "no memory for a snapshot of %zu histograms", n);
		free(s);
		return NULL;
	}
	for (size_t i = 0; i < n; i++)
		wr_hist_reset(&s->hists[i]);
	h = s->hists;
	s->client_count = conf->client_count;
	for (uint32_t i = 0; i < s->client_count; i++) {
		s->clients[i].measured.answer_ns = h++;
		s->clients[i].measured.connect_ns = h++;
		s->clients[i].measured.lag_ns = h++;
	}
	s->backend_count = conf->backend_count;
	for (uint32_t i = 0; i < s->backend_count; i++) {
		s->backends[i].wait_ns = h++;
		s->backends[i].service_ns = h++;
	}
	s->packets_count = conf->packets_count;
	for (uint32_t i = 0; i < s->packets_count; i++)
		s->packets[i].latency_ns = h++;
	s->port_count = conf->port_count;
	return s;
}

void gen_snapshot_destroy(struct gen_snapshot *s)
{
	if (s == NULL)
		return;
	free(s->hists);
	free(s);
}

void gen_hist_copy(struct wr_hist *to, const struct wr_hist *from)
{
	uint32_t first = from->count > 0 ? wr_hist_index(from->min) : WR_HIST_BUCKETS;
	uint32_t last = from->count > 0 ? wr_hist_index(from->max) : 0;

	// What it held outside of the new range: nothing, unless `from` was reset in between.
	if (to->count > 0) {
		uint32_t old = wr_hist_index(to->max);

		for (uint32_t i = wr_hist_index(to->min); i < first && i <= old; i++)
			to->bucket[i] = 0;
		for (uint32_t i = RTE_MAX(last + 1, wr_hist_index(to->min)); i <= old; i++)
			to->bucket[i] = 0;
	}
	to->count = from->count;
	to->sum = from->sum;
	to->min = from->min;
	to->max = from->max;
	if (from->count > 0)
		memcpy(&to->bucket[first], &from->bucket[first],
			(last - first + 1) * sizeof(to->bucket[0]));
}

void gen_hist_since(struct wr_hist *out, const struct wr_hist *later, const struct wr_hist *earlier)
{
	// After a reset in between all of `later` is new.
	bool whole = earlier == NULL || earlier->count > later->count;
	uint64_t n;

	wr_hist_reset(out);
	if (later->count == 0 || (!whole && later->count == earlier->count))
		return;
	for (uint32_t i = wr_hist_index(later->min); i <= wr_hist_index(later->max); i++) {
		n = later->bucket[i] - (whole ? 0 : earlier->bucket[i]);
		if (n == 0 || n > later->bucket[i])
			continue;
		out->bucket[i] = n;
		if (out->count == 0)
			out->min = RTE_MAX(wr_hist_bucket_low(i), later->min);
		out->max = RTE_MIN(wr_hist_bucket_high(i), later->max);
		out->count += n;
	}
	out->sum = later->sum - (whole ? 0 : earlier->sum);
}

void gen_snapshot_begin(struct gen_snapshot *s, uint64_t at_ns, enum gen_phase phase)
{
	s->at_ns = at_ns;
	s->phase = phase;
	memset(&s->ep, 0, sizeof(s->ep));
	memset(s->drop, 0, sizeof(s->drop));
}

void gen_snapshot_client(struct gen_snapshot *s, uint32_t i, const struct gen_client_stats *from)
{
	struct gen_client_stats *to = &s->clients[i];
	struct wr_hist *answer = to->measured.answer_ns, *connect = to->measured.connect_ns,
		       *lag = to->measured.lag_ns;

	*to = *from;
	to->measured.answer_ns = answer;
	to->measured.connect_ns = connect;
	to->measured.lag_ns = lag;
	gen_hist_copy(answer, from->measured.answer_ns);
	gen_hist_copy(connect, from->measured.connect_ns);
	gen_hist_copy(lag, from->measured.lag_ns);
}

void gen_snapshot_backend(struct gen_snapshot *s, uint32_t i, const struct gen_server_stats *from)
{
	struct gen_server_stats *to = &s->backends[i];
	struct wr_hist *wait = to->wait_ns, *service = to->service_ns;

	*to = *from;
	to->wait_ns = wait;
	to->service_ns = service;
	gen_hist_copy(wait, from->wait_ns);
	gen_hist_copy(service, from->service_ns);
}

void gen_snapshot_packets(struct gen_snapshot *s, uint32_t i, const struct gen_packets_stats *from)
{
	struct gen_packets_stats *to = &s->packets[i];
	struct wr_hist *latency = to->latency_ns;

	*to = *from;
	to->latency_ns = latency;
	gen_hist_copy(latency, from->latency_ns);
}

void gen_snapshot_add_ep(struct gen_snapshot *s, const struct ep_counters *from)
{
	struct ep_counters *to = &s->ep;

	to->segments_in += from->segments_in;
	to->segments_out += from->segments_out;
	to->retransmitted += from->retransmitted;
	to->out_of_order += from->out_of_order;
	to->duplicate += from->duplicate;
	to->stray += from->stray;
	to->resets_in += from->resets_in;
	to->resets_out += from->resets_out;
	to->bytes_in += from->bytes_in;
	to->bytes_out += from->bytes_out;
	to->no_mbuf += from->no_mbuf;
	to->syns += from->syns;
	to->syns_again += from->syns_again;
}

void gen_snapshot_add_drops(struct gen_snapshot *s, const struct wr_stats *from)
{
	for (uint32_t i = 0; i < WR_DROP_COUNT; i++)
		s->drop[i] += from->drop[i];
}

void gen_snapshot_copy(struct gen_snapshot *to, const struct gen_snapshot *from)
{
	gen_snapshot_begin(to, from->at_ns, from->phase);
	to->loop = from->loop;
	to->ep = from->ep;
	memcpy(to->drop, from->drop, sizeof(to->drop));
	memcpy(to->ports, from->ports, sizeof(to->ports));
	for (uint32_t i = 0; i < from->client_count; i++)
		gen_snapshot_client(to, i, &from->clients[i]);
	for (uint32_t i = 0; i < from->backend_count; i++)
		gen_snapshot_backend(to, i, &from->backends[i]);
	for (uint32_t i = 0; i < from->packets_count; i++)
		gen_snapshot_packets(to, i, &from->packets[i]);
}
