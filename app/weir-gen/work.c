/* SPDX-License-Identifier: BSD-3-Clause */
#include "server_priv.h"

#include <rte_branch_prediction.h>
#include <rte_common.h>

#include "dist.h"

// Requests between their arrival and the last piece of their answer. While any waits, all of
// `concurrency` are at work; pump() restores that wherever a place becomes free, and nothing below
// it calls it, so that a run of instant requests does not recurse.

static void enqueue(struct server *v, struct server_conn *s)
{
	s->state = SERVER_WAITING;
	s->wait.next = NULL;
	s->wait.prev = v->last;
	if (v->last != NULL)
		v->last->wait.next = s;
	else
		v->first = s;
	v->last = s;
	v->stats.waiting++;
	v->stats.waiting_peak = RTE_MAX(v->stats.waiting_peak, v->stats.waiting);
}

static void dequeue(struct server *v, struct server_conn *s)
{
	if (s->wait.prev != NULL)
		s->wait.prev->wait.next = s->wait.next;
	else
		v->first = s->wait.next;
	if (s->wait.next != NULL)
		s->wait.next->wait.prev = s->wait.prev;
	else
		v->last = s->wait.prev;
	v->stats.waiting--;
	// The same bytes are the timer's from now on.
	s->timer = (struct wr_wheel_node){0};
}

static void finish(struct server *v, struct server_conn *s, const struct gen_now *now)
{
	v->stats.working--;
	v->stats.answers++;
	wr_hist_record(v->stats.service_ns, now->ns - s->since_ns);
}

static bool place_free(const struct server *v)
{
	return v->conf->concurrency == 0 || v->stats.working < v->conf->concurrency;
}

static uint64_t draw_ns(struct server *v, const struct gen_dist *d)
{
	return dist_draw(d, &v->rng) * 1000;
}

// Give the pieces that are due; those after them come when the timer fires. Times follow from when
// the piece before was due, not from when it was given.
static void go_on(
	struct server *v, struct server_conn *s, uint64_t due_ns, const struct gen_now *now)
{
	while (due_ns <= now->ns) {
		if (answer_give(v, s)) {
			finish(v, s, now);
			return;
		}
		due_ns += draw_ns(v, &v->conf->token_gap);
	}
	wr_wheel_arm(&v->wheel, &s->timer, due_ns);
}

static void begin(struct server *v, struct server_conn *s, const struct gen_now *now)
{
	uint64_t due_ns = now->ns;

	wr_hist_record(v->stats.wait_ns, now->ns - s->since_ns);
	s->state = SERVER_WORKING;
	s->since_ns = now->ns;
	v->stats.working++;
	answer_begin(v, s, SERVER_OK, now);
	if (!v->instant) {
		due_ns += draw_ns(v, &v->conf->service);
		if (v->conf->tokens > 0)
			due_ns += draw_ns(v, &v->conf->first_token);
	}
	go_on(v, s, due_ns, now);
}

static void pump(struct server *v, const struct gen_now *now)
{
	struct server_conn *s;

	while (v->first != NULL && place_free(v)) {
		s = v->first;
		dequeue(v, s);
		begin(v, s, now);
	}
}

static bool refuse(struct server *v, struct server_conn *s, const struct gen_now *now)
{
	v->stats.queue_full++;
	switch (v->conf->on_full) {
	case GEN_ON_FULL_RESET:
		return false;
	case GEN_ON_FULL_CLOSE:
		s->state = SERVER_OVER;
		answer_end(v, s);
		return true;
	case GEN_ON_FULL_ANSWER:
		break;
	}
	answer_begin(v, s, SERVER_QUEUE_FULL, now);
	answer_give(v, s);
	return true;
}

// Whether a fault stalls the connection now; its timer is set to the fault's end. One without an
// end leaves it as it is until the peer gives up.
static bool stall(struct server *v, struct server_conn *s, const struct gen_now *now)
{
	wr_us_t until_us;

	if (likely(!fault_strikes(
		    &v->faults, GEN_FAULT_STALL, ep_tuple(s->conn), now->us, &until_us)))
		return false;
	if (!s->stalled_once)
		v->stats.faults_struck++;
	s->stalled_once = true;
	wr_wheel_arm(&v->wheel, &s->timer, until_us == WR_US_NEVER ? WR_US_NEVER : until_us * 1000);
	return true;
}

static bool admit(struct server *v, struct server_conn *s, const struct gen_now *now)
{
	if (likely(place_free(v)))
		begin(v, s, now);
	else if (v->stats.waiting < v->conf->queue)
		enqueue(v, s);
	else
		return refuse(v, s, now);
	return true;
}

bool work_arrive(struct server *v, struct server_conn *s, const struct gen_now *now)
{
	s->timer.pprev = NULL;
	if (unlikely(stall(v, s, now))) {
		s->state = SERVER_STALLED;
		return true;
	}
	return admit(v, s, now);
}

void work_leave(struct server *v, struct server_conn *s, const struct gen_now *now)
{
	switch (s->state) {
	case SERVER_WAITING:
		dequeue(v, s);
		break;
	case SERVER_STALLED:
		wr_wheel_cancel(&v->wheel, &s->timer);
		break;
	case SERVER_WORKING:
		wr_wheel_cancel(&v->wheel, &s->timer);
		v->stats.working--;
		break;
	default:
		return;
	}
	s->state = SERVER_OVER;
	pump(v, now);
}

static void expire(struct server *v, struct server_conn *s, const struct gen_now *now)
{
	uint64_t due_ns = s->timer.deadline_us;

	if (unlikely(stall(v, s, now)))
		return;
	if (s->state == SERVER_WORKING)
		go_on(v, s, due_ns, now);
	else if (!admit(v, s, now))
		server_abort(v, s, now);
}

uint32_t work_poll(struct server *v, uint32_t budget, const struct gen_now *now)
{
	struct wr_wheel_node *n;
	uint32_t done = 0;

	while (done < budget && (n = wr_wheel_poll(&v->wheel, now->ns)) != NULL) {
		expire(v, container_of(n, struct server_conn, timer), now);
		done++;
	}
	if (done > 0)
		pump(v, now);
	return done;
}
