/* SPDX-License-Identifier: BSD-3-Clause */
#include "client_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_branch_prediction.h>
#include <rte_common.h>

#define WAITERS_DEFAULT 65536        // of an open loop without max_open
#define FAR             (1ULL << 62) // later than any timer

struct waiter_slab {
	struct waiter_slab *next;
	uint64_t used, count;
	struct waiter waiter[];
};

const char *gen_error_name(enum gen_error e)
{
	static const char *const name[] = {
#define X(sym, text) #sym,
		GEN_ERRORS(X)
#undef X
	};

	return e < GEN_ERROR_COUNT ? name[e] : "none";
}

const char *gen_error_text(enum gen_error e)
{
	static const char *const sentence[] = {
#define X(sym, text) text,
		GEN_ERRORS(X)
#undef X
	};

	return e < GEN_ERROR_COUNT ? sentence[e] : "no error";
}

uint32_t client_app_bytes(void)
{
	return sizeof(struct visit);
}

// --- waiters ----------------------------------------------------------------------------------

static bool add_waiters(struct client *c, uint64_t wanted)
{
	uint64_t more = wanted > c->waiters ? wanted - c->waiters : 0;
	struct waiter_slab *slab;

	if (more == 0)
		return true;
	slab = calloc(1, sizeof(*slab) + more * sizeof(slab->waiter[0]));
	if (slab == NULL)
		return false;
	slab->count = more;
	slab->next = c->slabs;
	c->slabs = slab;
	c->waiters += more;
	return true;
}

static struct waiter *get_waiter(struct client *c)
{
	struct waiter *w = c->free;

	if (w != NULL) {
		c->free = w->next;
		return w;
	}
	// Memory is touched as it is needed. There are few slabs: one for each raise of the load.
	for (struct waiter_slab *s = c->slabs; s != NULL; s = s->next) {
		if (s->used < s->count)
			return &s->waiter[s->used++];
	}
	return NULL;
}

bool client_wait(struct client *c, const struct ask *ask, wr_us_t at_us)
{
	struct waiter *w = get_waiter(c);

	if (unlikely(w == NULL))
		return false;
	w->ask = *ask;
	w->timer.kind = CLIENT_TIMER_WAITER;
	wr_wheel_arm(&c->wheel, &w->timer, at_us);
	return true;
}

static struct ask put_waiter(struct client *c, struct waiter *w)
{
	w->next = c->free;
	c->free = w;
	return w->ask;
}

static void wake(struct client *c, struct waiter *w, const struct gen_now *now)
{
	struct ask ask = put_waiter(c, w);

	// What was begun is brought to its end.
	if (!ask.begun && (c->stopped || (ask.user && c->users > c->users_wanted)))
		c->users -= ask.user;
	else
		visit_begin(c, &ask, now);
}

// --- users of a closed loop -------------------------------------------------------------------

static bool think(struct client *c, wr_us_t least_us, const struct gen_now *now)
{
	wr_us_t delay = RTE_MAX(dist_draw(&c->conf.think, &c->rng), least_us);
	wr_us_t at = delay != 0 ? client_tick(now->us + delay) : now->us;
	struct ask ask = {
		.intended_ns = delay != 0 ? at * 1000 : now->ns,
		.left = c->conf.requests,
		.user = true,
	};

	return client_wait(c, &ask, at);
}

void client_user_free(struct client *c, wr_us_t least_us, const struct gen_now *now)
{
	if (c->stopped || c->users > c->users_wanted || !think(c, least_us, now))
		c->users--;
}

// Users begin by thinking, so that they do not all come at once.
static void add_users(struct client *c, const struct gen_now *now)
{
	add_waiters(c, c->users_wanted);
	while (c->users < c->users_wanted && think(c, 0, now))
		c->users++;
}

// --- counts -----------------------------------------------------------------------------------

void client_count_intended(struct client *c, uint64_t intended_ns, const struct gen_now *now)
{
	uint64_t lag = now->ns > intended_ns ? now->ns - intended_ns : 0;
	bool late = lag > CLIENT_LATE_NS;

	c->stats.intended++;
	c->stats.in_flight++;
	c->stats.late += late;
	if (client_measures(c, intended_ns)) {
		c->stats.measured.intended++;
		c->stats.measured.late += late;
		wr_hist_record(c->stats.measured.lag_ns, lag);
	}
}

void client_count_answer(struct client *c, uint64_t intended_ns, const struct gen_now *now)
{
	uint64_t took = now->ns > intended_ns ? now->ns - intended_ns : 0;
	bool good = took <= c->objective_ns;

	c->stats.in_flight--;
	c->stats.answers++;
	c->stats.good += good;
	if (client_measures(c, intended_ns)) {
		c->stats.measured.answers++;
		c->stats.measured.good += good;
		wr_hist_record(c->stats.measured.answer_ns, took);
	}
}

void client_count_error(struct client *c, uint64_t intended_ns, enum gen_error e)
{
	c->stats.in_flight--;
	c->stats.errors[e]++;
	if (client_measures(c, intended_ns))
		c->stats.measured.errors[e]++;
}

const struct gen_client_stats *client_stats(const struct client *c)
{
	return &c->stats;
}

void client_reset_stats(struct client *c)
{
	struct gen_client_stats s = {.open = c->stats.open, .in_flight = c->stats.in_flight};

	s.measured.answer_ns = c->stats.measured.answer_ns;
	s.measured.connect_ns = c->stats.measured.connect_ns;
	s.measured.lag_ns = c->stats.measured.lag_ns;
	c->stats = s;
	wr_hist_reset(s.measured.answer_ns);
	wr_hist_reset(s.measured.connect_ns);
	wr_hist_reset(s.measured.lag_ns);
}

// --- creation ---------------------------------------------------------------------------------

static int check(const struct gen_client *conf, struct wr_err *err)
{
	if (conf->requests == 0)
		return wr_err_set(err, EINVAL, "clients %s: give at least 1 request a connection",
			conf->name);
	if (conf->protocol == GEN_PROTOCOL_RAW && conf->request_bytes < MESSAGE_HEADER)
		return wr_err_set(err, EINVAL,
			"clients %s: a raw request has a header of %u bytes, so give at least that",
			conf->name, MESSAGE_HEADER);
	if (conf->request_bytes > INT32_MAX || conf->answer_bytes > INT32_MAX)
		return wr_err_set(err, EINVAL,
			"clients %s: a message is longer than 2 GiB, which stream offsets do not "
			"hold",
			conf->name);
	return 0;
}

static int make_stats(struct client *c, struct wr_err *err)
{
	c->stats.measured.answer_ns = malloc(sizeof(struct wr_hist));
	c->stats.measured.connect_ns = malloc(sizeof(struct wr_hist));
	c->stats.measured.lag_ns = malloc(sizeof(struct wr_hist));
	if (c->stats.measured.answer_ns == NULL || c->stats.measured.connect_ns == NULL ||
		c->stats.measured.lag_ns == NULL)
		return wr_err_set(err, ENOMEM, "clients %s: out of memory", c->conf.name);
	client_reset_stats(c);
	return 0;
}

// A user has one waiter at most; of an open loop, a connection that fails or ends in a pause has.
static int make_waiters(struct client *c, struct wr_err *err)
{
	const struct gen_client *conf = &c->conf;
	uint64_t n = 0;

	if (c->closed)
		n = conf->users;
	else if (conf->retries > 0 || conf->requests > 1)
		n = conf->max_open != 0 ? conf->max_open : WAITERS_DEFAULT;
	if (!add_waiters(c, n))
		return wr_err_set(err, ENOMEM,
			"clients %s: no memory for %lu users or retries; lower users or max_open",
			conf->name, (unsigned long)n);
	return 0;
}

static void set_up(struct client *c, const struct gen_client *conf, bool verify,
	struct ep_stack *stack, uint64_t seed)
{
	c->conf = *conf;
	c->stack = stack;
	c->verify = verify;
	c->closed = conf->model == GEN_LOAD_CLOSED;
	c->stopped = true;
	c->users_wanted = conf->users;
	c->objective_ns = conf->objective_us != 0 ? conf->objective_us * 1000 : UINT64_MAX;
	c->protocol = conf->protocol == GEN_PROTOCOL_HTTP ? &client_http : &client_raw;
	c->request_bytes[0] = c->request_bytes[1] = conf->request_bytes;
	c->next_id = (uint32_t)(seed ^ seed >> 32) | 1;
	wr_rng_init(&c->rng, seed);
	schedule_init(&c->schedule, conf, seed + 1);
	wr_wheel_init(&c->wheel, 0);
}

struct client *client_create(const struct gen_client *conf, bool verify, struct ep_stack *stack,
	uint64_t seed, struct wr_err *err)
{
	struct client *c;

	if (check(conf, err) != 0)
		return NULL;
	c = calloc(1, sizeof(*c));
	if (c == NULL) {
		wr_err_set(err, ENOMEM, "clients %s: out of memory", conf->name);
		return NULL;
	}
	set_up(c, conf, verify, stack, seed);
	if (client_sources_init(&c->sources, &c->conf, err) != 0 || make_stats(c, err) != 0 ||
		make_waiters(c, err) != 0 ||
		(conf->protocol == GEN_PROTOCOL_HTTP && client_http_init(c, err) != 0)) {
		client_destroy(c);
		return NULL;
	}
	return c;
}

void client_destroy(struct client *c)
{
	struct waiter_slab *next;

	if (c == NULL)
		return;
	client_http_fini(c);
	for (struct waiter_slab *s = c->slabs; s != NULL; s = next) {
		next = s->next;
		free(s);
	}
	free(c->stats.measured.answer_ns);
	free(c->stats.measured.connect_ns);
	free(c->stats.measured.lag_ns);
	free(c);
}

// --- running ----------------------------------------------------------------------------------

void client_start(struct client *c, wr_us_t from, wr_us_t to, const struct gen_now *now)
{
	c->from_ns = from * 1000;
	c->to_ns = to > UINT64_MAX / 1000 ? UINT64_MAX : to * 1000;
	c->stopped = false;
	if (c->closed)
		add_users(c, now);
	else
		schedule_start(&c->schedule, now->ns);
}

void client_set_load(struct client *c, uint64_t load, const struct gen_now *now)
{
	if (c->closed) {
		c->users_wanted = load;
		if (!c->stopped)
			add_users(c, now);
		return;
	}
	c->schedule.rate = (uint32_t)RTE_MIN(load, (uint64_t)UINT32_MAX);
	if (!c->stopped)
		schedule_start(&c->schedule, now->ns);
}

static uint32_t run_timers(struct client *c, uint32_t budget, const struct gen_now *now)
{
	struct wr_wheel_node *n;
	uint32_t done = 0;

	for (; done < budget && (n = wr_wheel_poll(&c->wheel, now->us)) != NULL; done++) {
		if (n->kind == CLIENT_TIMER_VISIT)
			visit_timer(c, container_of(n, struct visit, timer), now);
		else
			wake(c, container_of(n, struct waiter, timer), now);
	}
	return done;
}

// Each with a budget of its own, so that neither keeps the other waiting.
uint32_t client_poll(struct client *c, uint32_t budget, const struct gen_now *now)
{
	uint32_t done = run_timers(c, budget, now);
	struct ask ask = {.left = c->conf.requests};

	if (c->stopped || c->closed)
		return done;
	for (; budget > 0 && c->schedule.next_ns <= now->ns; budget--, done++) {
		ask.intended_ns = c->schedule.next_ns;
		schedule_advance(&c->schedule);
		visit_begin(c, &ask, now);
	}
	return done;
}

void client_stop(struct client *c)
{
	c->stopped = true;
}

void client_abort(struct client *c, const struct gen_now *now)
{
	struct wr_wheel_node *n;
	struct ask ask;

	c->stopped = true;
	while ((n = wr_wheel_poll(&c->wheel, FAR)) != NULL) {
		if (n->kind == CLIENT_TIMER_VISIT) {
			visit_abort(c, container_of(n, struct visit, timer), now);
			continue;
		}
		ask = put_waiter(c, container_of(n, struct waiter, timer));
		c->users -= ask.user;
		if (ask.begun)
			client_count_error(c, ask.intended_ns, GEN_ERROR_answer_timeout);
	}
	wr_wheel_init(&c->wheel, now->us);
}

bool client_idle(const struct client *c)
{
	return c->stats.in_flight == 0 && c->closing == 0;
}

wr_us_t client_next(const struct client *c)
{
	wr_us_t timer = wr_wheel_next(&c->wheel);
	uint64_t next = c->schedule.next_ns;

	if (c->stopped || c->closed || next == UINT64_MAX)
		return timer;
	return RTE_MIN(timer, (next + 999) / 1000);
}
