/* SPDX-License-Identifier: BSD-3-Clause */

// What a session leaves behind: signals about its backend while it lives, and one record when it
// ends. Only what a backend did itself is counted against it.

#include "proxy_priv.h"

#include <errno.h>

#include <rte_malloc.h>

#define LEVEL_SAMPLES 2 // of pressure: from there on one record in so many is written
#define SAMPLE        16u
#define FAULT_US      WR_US_PER_S // what a failure counts as, among times to the first byte

int notes_create(struct wr_proxy *p)
{
	p->notes = rte_zmalloc_socket("session notes",
		p->sessions.capacity * sizeof(struct session_note), RTE_CACHE_LINE_SIZE,
		p->cfg.numa_node);
	return p->notes == NULL ? -ENOMEM : 0;
}

void notes_destroy(struct wr_proxy *p)
{
	rte_free(p->notes);
}

static uint32_t us32(wr_us_t us)
{
	return (uint32_t)RTE_MIN(us, (wr_us_t)UINT32_MAX);
}

static struct wr_backend_counters *counters(const struct wr_proxy *p, const struct session *s)
{
	return wr_backend_counters(wr_backends_get(p->cfg.backends, s->backend), p->cfg.worker);
}

void note_begin(struct wr_proxy *p, const struct session *s, const struct wr_tcp_info *client)
{
	*note_of(p, s) = (struct session_note){
		.client = client->tuple.remote, .client_port = client->tuple.rport};
}

void note_wait(struct wr_proxy *p, const struct session *s, wr_us_t now)
{
	note_of(p, s)->since_us = RTE_MAX(now, (wr_us_t)1);
}

void note_waited(struct wr_proxy *p, const struct session *s, wr_us_t now)
{
	struct session_note *n = note_of(p, s);

	if (n->since_us == 0 || session_is_moving(s))
		return;
	n->wait_us = us32(n->wait_us + now - n->since_us);
	n->since_us = 0;
}

void note_connected(struct wr_proxy *p, struct session *s, wr_us_t now)
{
	struct wr_backend_counters *bc = counters(p, s);
	struct session_note *n = note_of(p, s);

	bc->sessions_total++;
	wr_hist_small_record(&bc->connect_us, now - s->connecting.since_us);
	if (++bc->sessions > bc->sessions_peak)
		bc->sessions_peak = bc->sessions;
	s->counted = true;
	n->connect_us = us32(now - s->began_us - n->at_us - n->wait_us);
	n->first_byte_us = 0;
	n->at_us = 0;
	n->since_us = now;
	n->cause = WR_RECORD_NORMAL;
}

void note_request(struct wr_proxy *p, struct session *s, wr_us_t now)
{
	struct wr_backend_counters *bc;
	struct session_note *n;

	s->owed = true;
	if (s->requested)
		return;
	s->requested = true;
	if (s->answered)
		return;
	n = note_of(p, s);
	n->at_us = us32(now - n->since_us);
	bc = counters(p, s);
	s->unanswered = true;
	if (bc->unanswered++ == 0)
		bc->unanswered_since_us = now;
}

void note_not_waiting(struct wr_proxy *p, struct session *s)
{
	if (!s->unanswered)
		return;
	s->unanswered = false;
	counters(p, s)->unanswered--;
}

void note_answer(struct wr_proxy *p, struct session *s, wr_us_t now)
{
	struct wr_backend_counters *bc = counters(p, s);
	struct session_note *n = note_of(p, s);
	wr_us_t took = now - n->since_us;

	s->answered = true;
	n->first_byte_us = us32(RTE_MAX(took, (wr_us_t)1));
	bc->answered++;
	bc->unanswered_since_us = now;
	wr_hist_small_record(&bc->first_byte_us, took);
	note_not_waiting(p, s);
	// A client that lets its request wait does not make its backend slow.
	wr_backends_latency(p->cfg.backends, p->cfg.worker, s->backend, took - n->at_us);
}

void note_server_fin(struct wr_proxy *p, struct session *s)
{
	note_not_waiting(p, s);
	// Behind the end of the client's stream it is how protocols without answers end.
	if (!s->requested || s->answered || s->client_fin)
		return;
	counters(p, s)->closes_early++;
	note_fault(p, s);
}

void note_server_reset(struct wr_proxy *p, struct session *s)
{
	struct wr_backend_counters *bc = counters(p, s);

	note_not_waiting(p, s);
	// To a client that had left, a reset is as good an answer as any.
	if (s->answered || s->client_fin) {
		bc->resets++;
		return;
	}
	bc->resets_early++;
	note_fault(p, s);
}

void note_fault(struct wr_proxy *p, const struct session *s)
{
	wr_backends_latency(p->cfg.backends, p->cfg.worker, s->backend, FAULT_US);
}

enum wr_record_phase note_phase(const struct wr_proxy *p, const struct session *s)
{
	switch (s->state) {
	case WR_SESSION_HEADER:
		return WR_RECORD_HEADER;
	case WR_SESSION_PENDING:
		return WR_RECORD_QUEUE;
	case WR_SESSION_CONNECTING:
		// Taken out of its queue to be given up.
		return s->tries == 0 && note_of(p, s)->wait_us > 0 ? WR_RECORD_QUEUE
		                                                   : WR_RECORD_CONNECT;
	case WR_SESSION_OPEN:
		return s->answered ? WR_RECORD_DATA : WR_RECORD_REQUEST;
	default:
		return WR_RECORD_LAST;
	}
}

// Who owes what the session waits for: to take bytes, else to send some, else to be over.
static bool server_owes(struct wr_proxy *p, const struct session *s)
{
	struct wr_tcp_info client, server;

	if (wr_tcp_info(p->tcp, s->client, &client) && client.send_queue_bytes > 0)
		return false;
	if (wr_tcp_info(p->tcp, s->server, &server) && server.send_queue_bytes > 0)
		return true;
	if (s->state == WR_SESSION_OPEN)
		return s->owed;
	if (s->state == WR_SESSION_HALF_CLOSED)
		return s->client_fin;
	return s->client_over;
}

enum wr_record_cause note_idle_cause(struct wr_proxy *p, const struct session *s)
{
	return server_owes(p, s) ? WR_RECORD_SERVER_TIMEOUT : WR_RECORD_CLIENT_TIMEOUT;
}

static bool is_recorded(const struct wr_proxy *p, const struct session *s)
{
	return p->cfg.records != NULL && p->conf->log.to != WR_CONF_LOG_NONE &&
	       session_service(p, s)->log;
}

static void fill_ends(struct wr_proxy *p, const struct session *s, struct wr_record *r)
{
	const struct session_note *n = note_of(p, s);
	struct wr_tcp_info client;

	r->client = (struct wr_endpoint){n->client, n->client_port};
	if (!wr_tcp_info(p->tcp, s->client, &client))
		return;
	r->peer = (struct wr_endpoint){client.tuple.remote, client.tuple.rport};
	r->local = (struct wr_endpoint){client.tuple.local, client.tuple.lport};
	r->bytes_in = client.bytes_in - RTE_MIN(client.bytes_in, (uint64_t)n->header_bytes);
	r->bytes_out = client.bytes_out;
}

static bool push(struct wr_proxy *p, const struct session *s, enum wr_record_cause why,
	enum wr_record_phase phase, wr_us_t now)
{
	const struct session_note *n = note_of(p, s);
	struct wr_record r = {.ended_us = now,
		.session = s->self,
		.worker = p->cfg.worker,
		.service = s->service,
		.backend = s->backend,
		.cause = (uint8_t)why,
		.phase = (uint8_t)phase,
		.class = s->class,
		.tries = s->tries,
		.proxied = s->proxied,
		.wait_us = n->wait_us,
		.total_us = now - s->began_us};

	if (session_is_moving(s)) {
		r.connect_us = n->connect_us;
		r.first_byte_us = n->first_byte_us;
	}
	fill_ends(p, s, &r);
	return wr_record_push(p->cfg.records, &r);
}

void note_end(struct wr_proxy *p, struct session *s, enum wr_record_cause why,
	enum wr_record_phase phase, wr_us_t now)
{
	const struct session_note *n = note_of(p, s);

	note_not_waiting(p, s);
	note_waited(p, s, now);
	if (s->counted)
		wr_hist_small_record(&counters(p, s)->session_us, now - s->began_us);
	if (!is_recorded(p, s))
		return;
	if (s->drains) {
		why = n->cause;
		phase = n->phase;
	}
	if (p->level >= LEVEL_SAMPLES && p->records++ % SAMPLE != 0) {
		wr_stats_add(p->stats, WR_CTR_records_sampled, 1);
		return;
	}
	wr_stats_add(p->stats,
		push(p, s, why, phase, now) ? WR_CTR_records_pushed : WR_CTR_records_lost, 1);
}
