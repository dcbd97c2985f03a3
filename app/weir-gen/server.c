/* SPDX-License-Identifier: BSD-3-Clause */
#include "server_priv.h"

#include <errno.h>
#include <stdlib.h>

#include <rte_branch_prediction.h>

#include "dist.h"

uint32_t server_app_bytes(void)
{
	return sizeof(struct server_conn);
}

// --- requests behind others of their connection --------------------------------------------------

static bool ahead_put(struct server *v, struct server_conn *s, const struct server_request *r)
{
	uint32_t i = v->ahead_free;

	if (s->ahead_count >= SERVER_AHEAD_ONE)
		return false;
	if (i != SERVER_AHEAD_NONE)
		v->ahead_free = v->ahead[i].next;
	else if (v->ahead_used < SERVER_AHEAD)
		i = v->ahead_used++;
	else
		return false;
	v->ahead[i] = (struct server_ahead){.request = *r, .next = SERVER_AHEAD_NONE};
	if (s->ahead_count++ == 0)
		s->ahead_head = i;
	else
		v->ahead[s->ahead_tail].next = i;
	s->ahead_tail = i;
	return true;
}

static struct server_request ahead_take(struct server *v, struct server_conn *s)
{
	uint32_t i = s->ahead_head;

	s->ahead_head = v->ahead[i].next;
	s->ahead_count--;
	v->ahead[i].next = v->ahead_free;
	v->ahead_free = i;
	return v->ahead[i].request;
}

static void ahead_drop(struct server *v, struct server_conn *s)
{
	while (s->ahead_count > 0)
		ahead_take(v, s);
}

void server_hold(struct server_conn *s, bool on)
{
	if (s->held == on)
		return;
	s->held = on;
	ep_hold(s->conn, on);
	if (!on)
		ep_read(s->conn, ep_unread(s->conn));
}

// --- connections ---------------------------------------------------------------------------------

static bool owes(const struct server_conn *s)
{
	return s->state == SERVER_STALLED || s->state == SERVER_WAITING ||
	       s->state == SERVER_WORKING || s->ahead_count > 0;
}

static void note_early(struct server *v, struct server_conn *s)
{
	if (s->early)
		return;
	s->early = true;
	v->stats.early_closes++;
}

// The connection is over or will be: what it held in the server goes.
static void give_up(struct server *v, struct server_conn *s, const struct gen_now *now)
{
	ahead_drop(v, s);
	work_leave(v, s, now);
	s->state = SERVER_OVER;
}

void server_abort(struct server *v, struct server_conn *s, const struct gen_now *now)
{
	give_up(v, s, now);
	v->stats.open--;
	ep_abort(s->conn, now);
}

// Look at a request whose turn it is. False: reset.
static bool take(struct server *v, struct server_conn *s, const struct server_request *r,
	const struct gen_now *now)
{
	s->request = *r;
	s->since_ns = now->ns;
	s->stalled_once = false;
	if (likely((r->flags & REQUEST_BAD) == 0))
		return work_arrive(v, s, now);
	answer_begin(v, s, SERVER_BAD_REQUEST, now);
	answer_give(v, s);
	return true;
}

bool server_request(struct server *v, struct server_conn *s, const struct server_request *r,
	const struct gen_now *now)
{
	if (unlikely(s->state == SERVER_OVER))
		return true;
	if (r->flags & REQUEST_BAD) {
		v->stats.bad_requests++;
		s->ignore = true;
	} else {
		v->stats.requests++;
	}
	if (likely(s->state == SERVER_READING))
		return take(v, s, r, now);
	if (!ahead_put(v, s, r)) {
		v->stats.ahead_full++;
		return false;
	}
	server_hold(s, true);
	return true;
}

static void on_opened(struct ep_conn *c, const struct gen_now *now)
{
	struct server *v = ep_user(c);
	struct server_conn *s = ep_app(c);

	s->conn = c;
	v->protocol->start(s);
	v->stats.accepted++;
	v->stats.open++;
}

static void on_data(struct ep_conn *c, const uint8_t *at, uint32_t offset, uint32_t len,
	const struct gen_now *now)
{
	struct server *v = ep_user(c);
	struct server_conn *s = ep_app(c);

	v->stats.bytes_in += len;
	if (unlikely(fault_strikes(&v->faults, GEN_FAULT_RESET, ep_tuple(c), now->us, NULL))) {
		v->stats.faults_struck++;
		server_abort(v, s, now);
		return;
	}
	if (unlikely(s->state == SERVER_OVER || s->ignore))
		return;
	if (unlikely(!v->protocol->data(v, s, at, len, now)))
		server_abort(v, s, now);
}

static void on_fin(struct ep_conn *c, const struct gen_now *now)
{
	struct server *v = ep_user(c);
	struct server_conn *s = ep_app(c);

	s->fin = true;
	if (s->state == SERVER_OVER)
		return;
	if (!s->ignore && v->protocol->partial(s))
		note_early(v, s);
	if (owes(s)) {
		if (!v->conf->closes_idle)
			return; // answer_give() ends it behind the last answer owed
		note_early(v, s);
	}
	give_up(v, s, now);
	answer_end(v, s);
}

// The answer before is acknowledged: the bytes of the next one may take the place of its bytes.
static void on_acked(struct ep_conn *c, const struct gen_now *now)
{
	struct server *v = ep_user(c);
	struct server_conn *s = ep_app(c);
	struct server_request r;

	if (s->state != SERVER_SENT)
		return;
	s->state = SERVER_READING;
	if (likely(s->ahead_count == 0))
		return;
	r = ahead_take(v, s);
	if (s->ahead_count == 0)
		server_hold(s, false);
	if (!take(v, s, &r, now))
		server_abort(v, s, now);
}

static void on_ended(struct ep_conn *c, enum ep_end how, const struct gen_now *now)
{
	struct server *v = ep_user(c);
	struct server_conn *s = ep_app(c);

	if (how == EP_END_RESET)
		v->stats.resets++;
	if (s->state != SERVER_OVER && (owes(s) || (!s->ignore && v->protocol->partial(s))))
		note_early(v, s);
	give_up(v, s, now);
	v->stats.open--;
}

static void on_fill(struct ep_conn *c, uint8_t *to, uint32_t offset, uint32_t len)
{
	answer_fill(ep_user(c), ep_app(c), to, offset, len);
}

static const struct ep_ops server_ops = {
	.opened = on_opened,
	.data = on_data,
	.fin = on_fin,
	.fill = on_fill,
	.acked = on_acked,
	.ended = on_ended,
};

static enum ep_admit on_syn(
	void *user, const struct wr_tuple *t, wr_us_t *delay_us, const struct gen_now *now)
{
	struct server *v = user;
	uint64_t before = v->faults.struck;
	enum ep_admit how = fault_admit(&v->faults, t, delay_us, now->us);

	v->stats.faults_struck += v->faults.struck - before;
	return how;
}

// --- life ----------------------------------------------------------------------------------------

static int check(const struct gen_backend *conf, struct wr_err *err)
{
	const struct gen_dist *dist[] = {&conf->service, &conf->first_token, &conf->token_gap};
	static const char *const name[] = {"service", "first_token", "token_gap"};
	int rc;

	for (int i = 0; i < 3; i++) {
		rc = dist_check(dist[i], err);
		if (rc < 0) {
			wr_err_prefix(err, "%s", name[i]);
			return rc;
		}
	}
	if (conf->answer_bytes > SERVER_MAX_ANSWER)
		return wr_err_set(err, EINVAL,
			"answers of %u bytes are longer than the %u possible", conf->answer_bytes,
			SERVER_MAX_ANSWER);
	if (conf->tokens > 0 && (conf->token_bytes == 0 || conf->token_bytes > SERVER_MAX_ANSWER))
		return wr_err_set(err, EINVAL,
			"a stream of tokens of %u bytes each is not possible: give 1 to %u",
			conf->token_bytes, SERVER_MAX_ANSWER);
	if (conf->queue > 0 && conf->concurrency == 0)
		return wr_err_set(err, EINVAL,
			"a queue of %u without a concurrency would never be used: give both",
			conf->queue);
	return 0;
}

static int listen_all(struct server *v, struct wr_err *err)
{
	const struct gen_backend *conf = v->conf;
	char text[WR_ENDPOINT_STR];
	int rc;

	for (uint32_t i = 0; i < conf->listen_count; i++) {
		rc = ep_listen(v->stack, &conf->listen[i], &server_ops, v);
		if (rc == 0 && conf->fault_count > 0)
			rc = ep_listen_admit(v->stack, &conf->listen[i], on_syn);
		if (rc == -EADDRINUSE)
			return wr_err_set(err, EADDRINUSE,
				"%s is listened on already: give each backend its own addresses",
				wr_endpoint_format(&conf->listen[i], text, sizeof(text)));
		if (rc < 0)
			return wr_err_set(err, -rc, "no memory to listen on %s",
				wr_endpoint_format(&conf->listen[i], text, sizeof(text)));
	}
	return 0;
}

static int prepare(struct server *v, uint64_t seed, struct wr_err *err)
{
	struct gen_server_stats *st = &v->stats;

	wr_rng_init(&v->rng, seed);
	if (check(v->conf, err) < 0 ||
		fault_init(&v->faults, v->conf->fault, v->conf->fault_count, seed, err) < 0)
		return -EINVAL;
	st->wait_ns = calloc(1, sizeof(*st->wait_ns));
	st->service_ns = calloc(1, sizeof(*st->service_ns));
	v->ahead = calloc(SERVER_AHEAD, sizeof(*v->ahead));
	if (st->wait_ns == NULL || st->service_ns == NULL || v->ahead == NULL)
		return wr_err_set(err, ENOMEM, "no memory for an emulated backend");
	v->ahead_free = SERVER_AHEAD_NONE;
	wr_wheel_init(&v->wheel, 0);
	server_reset_stats(v);
	return listen_all(v, err);
}

// After an error `stack` may listen for a server that is gone: it is to be destroyed.
struct server *server_create(const struct gen_backend *conf, bool verify, struct ep_stack *stack,
	uint64_t seed, struct wr_err *err)
{
	struct server *v = calloc(1, sizeof(*v));

	if (v == NULL) {
		wr_err_set(err, ENOMEM, "no memory for an emulated backend");
		return NULL;
	}
	v->conf = conf;
	v->stack = stack;
	v->verify = verify;
	v->protocol = conf->protocol == GEN_PROTOCOL_HTTP ? &http_server : &raw_server;
	v->instant = conf->tokens == 0 && conf->service.mean_us == 0;
	if (prepare(v, seed, err) < 0) {
		wr_err_prefix(err, "backend %s", conf->name);
		server_destroy(v);
		return NULL;
	}
	return v;
}

void server_destroy(struct server *v)
{
	if (v == NULL)
		return;
	free(v->stats.wait_ns);
	free(v->stats.service_ns);
	free(v->ahead);
	free(v);
}

void server_start(struct server *v, const struct gen_now *now)
{
	fault_start(&v->faults, now->us);
}

uint32_t server_poll(struct server *v, uint32_t budget, const struct gen_now *now)
{
	return work_poll(v, budget, now);
}

wr_us_t server_next(const struct server *v)
{
	uint64_t ns = wr_wheel_next(&v->wheel);

	return ns == WR_US_NEVER ? WR_US_NEVER : (ns + 999) / 1000;
}

const struct gen_server_stats *server_stats(const struct server *v)
{
	return &v->stats;
}

void server_reset_stats(struct server *v)
{
	struct gen_server_stats *st = &v->stats;
	struct gen_server_stats fresh = {
		.open = st->open,
		.working = st->working,
		.waiting = st->waiting,
		.waiting_peak = st->waiting,
		.wait_ns = st->wait_ns,
		.service_ns = st->service_ns,
	};

	*st = fresh;
	wr_hist_reset(st->wait_ns);
	wr_hist_reset(st->service_ns);
}
