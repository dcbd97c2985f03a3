/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

// Sessions, gathered worker by worker: each answers between two turns of its loop.
// The cursor is the worker's number above, the worker's own cursor below.

#define ROW_BYTES_MAX 1600 // more than any row below takes
#define CALLS_MAX     64   // of one page; each looks at 4,096 slots

static uint64_t encode(uint16_t worker, uint32_t index)
{
	return (uint64_t)worker << 32 | index;
}

static const char *stalled_side(const struct wr_session_info *s)
{
	if (s->stalled_client && s->stalled_backend)
		return "both";
	if (s->stalled_client)
		return "client";
	return s->stalled_backend ? "backend" : "";
}

static void put_endpoint(
	struct wr_reply *r, const char *key, const struct wr_addr *addr, uint16_t port)
{
	struct wr_endpoint e = {.addr = *addr, .port = port};
	char text[WR_ENDPOINT_STR];

	wr_reply_str(r, key, wr_endpoint_format(&e, text, sizeof(text)));
}

// One side, keys behind "c_" (client) or "b_" (backend).
static void put_side(struct wr_reply *r, char side, const struct wr_tcp_info *t)
{
	const struct {
		const char *key;
		uint64_t value;
	} field[] = {
		{"_mss", t->mss},
		{"_recv_bytes", t->recv_queue_bytes},
		{"_send_bytes", t->send_queue_bytes},
		{"_in_flight", t->in_flight_bytes},
		{"_peer_window", t->snd_wnd_bytes},
		{"_our_window", t->rcv_wnd_bytes},
		{"_cwnd", t->cwnd_bytes},
		{"_srtt_us", t->srtt_us},
		{"_min_rtt_us", t->min_rtt_us},
		{"_retrans", t->retrans},
		{"_sacked", t->sacked_bytes},
		{"_lost", t->lost_bytes},
		{"_recv_buf", t->rcv_buf_bytes},
		{"_send_buf", t->snd_buf_bytes},
		{"_bytes_in", t->bytes_in},
		{"_bytes_out", t->bytes_out},
	};
	char key[32];

	snprintf(key, sizeof(key), "%c_state", side);
	wr_reply_str(r, key, wr_tcp_state_name(t->state));
	snprintf(key, sizeof(key), "%c_cc", side);
	wr_reply_str(r, key, t->congestion);
	snprintf(key, sizeof(key), "%c_ca", side);
	wr_reply_str(r, key, t->ca_state);
	for (size_t i = 0; i < RTE_DIM(field); i++) {
		snprintf(key, sizeof(key), "%c%s", side, field[i].key);
		wr_reply_uint(r, key, field[i].value);
	}
}

static void conn_row(struct wr_ctl *c, struct wr_reply *r, const struct wr_session_info *s)
{
	char backend[WR_SCOPE_LEN];

	wr_reply_fmt(r, "id", "%u.%u", s->worker, s->id);
	wr_reply_str(r, "service",
		wr_ctl_has_service(c, s->service) ? c->conf->services[s->service].name : "");
	wr_reply_str(r, "backend", wr_ctl_backend_name(c, s->backend, backend, sizeof(backend)));
	put_endpoint(r, "client", &s->client.tuple.remote, s->client.tuple.rport);
	// Who the client is by its PROXY header; above is the balancer in front.
	if (s->proxied.port != 0)
		put_endpoint(r, "proxied", &s->proxied.addr, s->proxied.port);
	put_endpoint(r, "listener", &s->client.tuple.local, s->client.tuple.lport);
	if (s->has_server)
		put_endpoint(r, "source", &s->server.tuple.local, s->server.tuple.lport);
	wr_reply_str(r, "state", wr_session_state_name(s->state));
	wr_reply_str(r, "stalled", stalled_side(s));
	wr_reply_uint(r, "tries", s->tries);
	wr_reply_uint(r, "class", s->class);
	wr_reply_uint(r, "age_us", s->age_us);
	wr_reply_uint(r, "idle_us", s->idle_us);
	if (s->first_byte_us != 0)
		wr_reply_uint(r, "first_byte_us", s->first_byte_us);
	put_side(r, 'c', &s->client);
	if (s->has_server)
		put_side(r, 'b', &s->server);
}

struct query {
	struct wr_session_filter filter;
	int worker; // -1: all
};

// False: an error row was written.
static bool parse(struct wr_ctl *c, const struct wr_params *p, struct query *q, struct wr_reply *r)
{
	const char *service = wr_params_get(p, "service");
	const char *backend = wr_params_get(p, "backend");
	const char *peer = wr_params_get(p, "peer");
	const char *id = wr_params_get(p, "id");
	struct wr_err err = {0};

	*q = (struct query){
		.filter = {.service = -1, .backend = -1, .id = -1},
		.worker = -1,
	};
	if (service != NULL && (q->filter.service = wr_conf_find_service(c->conf, service)) < 0) {
		wr_reply_error(
			r, "see /weir/services for the names", "no service '%.64s'", service);
		return false;
	}
	if (backend != NULL && (q->filter.backend = wr_backends_find(c->backends, backend)) < 0) {
		wr_reply_error(r, "see /weir/backends; a backend is POOL/NAME",
			"no backend '%.64s'", backend);
		return false;
	}
	if (peer != NULL) {
		q->filter.has_peer = true;
		if (wr_addr_parse(peer, &q->filter.peer) != 0) {
			wr_reply_error(r, "give a client's address without a port: 198.18.0.5",
				"'%.64s' is not an address", peer);
			return false;
		}
	}
	if (id != NULL) {
		uint16_t worker;
		uint32_t n;

		if (wr_params_conn_id(id, &worker, &n) != 0 || worker >= c->workers) {
			wr_reply_error(r, "ids are WORKER.NUMBER, as /weir/conns shows them",
				"'%.64s' is not the id of a connection", id);
			return false;
		}
		q->worker = worker;
		q->filter.id = n;
	}
	if (wr_params_bool(p, "stalled", &q->filter.stalled, &err) != 0) {
		wr_reply_error(r, "stalled is 0 or 1", "%s", err.text);
		return false;
	}
	return true;
}

// A request and room for its answers in one piece, since a late worker may still write there.
struct dump {
	struct wr_dump_request req;
	struct wr_session_info info[WR_REPLY_BYTES / ROW_BYTES_MAX + 1];
};

// Ask one worker for as many sessions as surely fit. False: an error row was written.
static bool dump_some(struct wr_ctl *c, uint16_t worker, uint32_t *index, const struct query *q,
	struct wr_reply *r)
{
	struct dump *d = calloc(1, sizeof(*d));
	struct wr_msg m = {.kind = WR_MSG_DUMP_SESSIONS};
	struct wr_err err = {0};
	int rc;

	if (d == NULL) {
		wr_reply_error(r, "free some memory", "no memory for the worker's answer");
		return false;
	}
	d->req.filter = q->filter;
	d->req.cursor = *index;
	d->req.max = (uint32_t)RTE_MIN(wr_reply_room(r) / ROW_BYTES_MAX, RTE_DIM(d->info));
	d->req.out = d->info;
	rc = wr_ctl_ask(c, worker, &m, d, &err);
	if (rc < 0) {
		wr_reply_error(r, "ask again, or read /weir/workers for what that worker does",
			"%s", err.text);
		if (rc != -ETIMEDOUT)
			free(d);
		return false;
	}
	// Names are those of the configuration in force now.
	pthread_mutex_lock(&c->lock);
	for (uint32_t i = 0; i < d->req.count; i++)
		if (wr_reply_row(r))
			conn_row(c, r, &d->info[i]);
	pthread_mutex_unlock(&c->lock);
	*index = d->req.cursor;
	free(d);
	return true;
}

static uint64_t sessions_now(struct wr_ctl *c)
{
	struct wr_stats_snapshot s;
	uint64_t n = 0;

	for (uint16_t w = 0; w < c->workers; w++) {
		wr_worker_stats(wr_fabric_worker(c->fabric, w), &s);
		n += s.gauges.sessions;
	}
	return n;
}

void wr_show_conns(struct wr_ctl *c, const struct wr_params *p, struct wr_reply *r)
{
	uint64_t worker = p->cursor >> 32;
	uint32_t index = (uint32_t)p->cursor;
	struct query q;
	uint64_t next = 0;
	bool parsed;

	pthread_mutex_lock(&c->lock);
	parsed = parse(c, p, &q, r);
	pthread_mutex_unlock(&c->lock);
	if (!parsed)
		return;
	if (q.worker >= 0 && worker < (uint64_t)q.worker)
		worker = (uint64_t)q.worker;
	for (uint32_t calls = 0; worker < c->workers; calls++) {
		if (q.worker >= 0 && worker != (uint64_t)q.worker)
			break;
		if (calls == CALLS_MAX || wr_reply_room(r) < ROW_BYTES_MAX) {
			next = encode((uint16_t)worker, index);
			break;
		}
		// A worker that does not answer is told of, and passed by.
		if (!dump_some(c, (uint16_t)worker, &index, &q, r))
			index = UINT32_MAX;
		if (index == UINT32_MAX) {
			index = 0;
			worker++;
		}
	}
	wr_reply_set_next(r, next);
	wr_reply_set_total(r, sessions_now(c));
}
