/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

// After wr_test.h. A run for tests of reports: what the loop would count.

#include "export.h"

#define S  1000000000ULL
#define MS 1000000ULL

// A run of one population, one backend, one stream and one port; the test plays the loop.
struct fixture {
	struct gen_conf conf;
	struct gen_client clients[2];
	struct gen_backend backends[1];
	struct gen_packets packets[1];
	struct gen_snapshot *now; // what the loop would count on
	struct gen_snapshot *copy;
	struct report *report;
	FILE *out;
	char *text;
	size_t len;
};

static inline void make(struct fixture *f, uint32_t clients, uint32_t backends, uint32_t packets)
{
	struct wr_err err = {""};

	memset(f, 0, sizeof(*f));
	f->conf = (struct gen_conf){.name = "t",
		.seed = 5,
		.warmup_us = 1000000,
		.duration_us = 2000000,
		.interval_us = 1000000,
		.port_count = 1,
		.client_count = clients,
		.clients = f->clients,
		.backend_count = backends,
		.backends = f->backends,
		.packets_count = packets,
		.packets = f->packets};
	f->conf.search.objective_permille = 990;
	strcpy(f->conf.ports[0].name, "wan");
	strcpy(f->clients[0].name, "web");
	strcpy(f->clients[1].name, "long, \"odd\" name");
	for (int i = 0; i < 2; i++) {
		f->clients[i].rate = 1000;
		f->clients[i].model = GEN_LOAD_CONSTANT;
		f->clients[i].requests = 1;
		f->clients[i].objective_us = 10000;
	}
	strcpy(f->backends[0].name, "b1");
	strcpy(f->packets[0].name, "syn-flood");
	f->packets[0].rate_pps = 10000;
	f->packets[0].stamp = true;
	f->out = open_memstream(&f->text, &f->len);
	f->now = gen_snapshot_create(&f->conf, &err);
	f->copy = gen_snapshot_create(&f->conf, &err);
	f->report = report_create(&f->conf, f->out, &err);
	assert_non_null(f->report);
}

static inline void unmake(struct fixture *f)
{
	report_destroy(f->report);
	gen_snapshot_destroy(f->now);
	gen_snapshot_destroy(f->copy);
	fclose(f->out);
	free(f->text);
}

// A second of requests: `n` answered after 1 to 2 ms, and what the caller adds.
static inline void second(
	struct fixture *f, enum gen_phase phase, uint64_t n, uint32_t busy_permille)
{
	gen_snapshot_begin(f->now, f->now->at_ns + S, phase);
	f->now->loop.cycles += 1000000;
	f->now->loop.cycles_busy += 1000ULL * busy_permille;
	for (uint32_t i = 0; i < f->conf.client_count; i++) {
		struct gen_client_stats *c = &f->now->clients[i];

		c->intended += n;
		c->connections += n;
		c->answers += n;
		c->good += n;
		c->bytes_up += n * 125;
		c->bytes_down += n * 1250;
		if (phase != GEN_PHASE_MEASURE)
			continue;
		c->measured.intended += n;
		c->measured.connections += n;
		c->measured.answers += n;
		c->measured.good += n;
		for (uint64_t k = 0; k < n; k++) {
			wr_hist_record(c->measured.answer_ns, MS + k * MS / n);
			wr_hist_record(c->measured.connect_ns, MS / 2);
			wr_hist_record(c->measured.lag_ns, 2000);
		}
	}
	for (uint32_t i = 0; i < f->conf.packets_count; i++) {
		f->now->packets[i].sent += 10000;
		f->now->packets[i].returned += 10000;
		f->now->packets[i].sent_bytes += 640000;
	}
	f->now->ports[0].port.rx_frames += 2 * n;
	f->now->ports[0].port.tx_frames += 3 * n;
}

static inline void tell(struct fixture *f)
{
	gen_snapshot_copy(f->copy, f->now);
	report_add(f->report, f->copy);
}

static inline void drain(struct fixture *f)
{
	gen_snapshot_begin(f->now, f->now->at_ns, GEN_PHASE_DRAIN);
}

static inline const struct result *whole_run(struct fixture *f, uint64_t n, uint32_t busy)
{
	second(f, GEN_PHASE_WARMUP, n, busy);
	tell(f);
	second(f, GEN_PHASE_MEASURE, n, busy);
	tell(f);
	second(f, GEN_PHASE_MEASURE, n, busy);
	tell(f);
	drain(f);
	return report_finish(f->report, f->now, false);
}
