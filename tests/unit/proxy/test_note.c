/* SPDX-License-Identifier: BSD-3-Clause */
#include "note_stage.h"

// What sessions leave behind: a record with cause and phase for every way to end.

static void note_normal(void **state)
{
	for (int family = 4; family <= 6; family += 2) {
		struct rig_config cfg = {.family = family};
		struct wr_record rec;
		struct end e;
		struct wr_endpoint at;

		rig_open(&e.r, &cfg);
		e.c = rig_connect(&e.r, 0, 4, 0);
		rig_settle(&e.r);
		e.b = rig_backend_end(&e.r);
		rig_run(&e.r, 30 * RIG_MS);
		e.c->to_send = 2000;
		rig_run(&e.r, 40 * RIG_MS);
		e.b->to_send = 5000;
		rig_run(&e.r, 50 * RIG_MS);
		at = (struct wr_endpoint){rig_client_addr(&e.r, 4), (uint16_t)(e.r.next_port - 1)};
		rig_end(&e.r, e.c);
		assert_true(rig_record(&e.r, &rec));
		assert_int_equal(rec.cause, WR_RECORD_NORMAL);
		assert_int_equal(rec.phase, WR_RECORD_DONE);
		assert_true(wr_addr_eq(&rec.client.addr, &at.addr));
		assert_int_equal(rec.client.port, at.port);
		assert_true(wr_addr_eq(&rec.peer.addr, &at.addr));
		assert_true(wr_addr_eq(&rec.local.addr, &e.r.conf->services[0].listen[0].addr));
		assert_int_equal(rec.local.port, 80);
		assert_int_equal(rec.backend, e.b->backend);
		assert_int_equal(rec.tries, 1);
		assert_int_equal(rec.class, 4);
		assert_int_equal(rec.bytes_in, 2000);
		assert_int_equal(rec.bytes_out, 5000);
		assert_int_equal(rec.wait_us, 0);
		assert_int_equal(rec.connect_us, 0);
		assert_in_range(rec.first_byte_us, 70 * RIG_MS, 72 * RIG_MS);
		assert_in_range(rec.total_us, 120 * RIG_MS, 122 * RIG_MS);
		assert_int_equal(rec.ended_us, e.r.now);
		assert_no_fault(&e.r, e.b->backend);
		rig_close(&e.r);
	}
}

static void note_reset_by_client(void **state)
{
	static const enum wr_record_phase phase[] = {
		WR_RECORD_REQUEST, WR_RECORD_REQUEST, WR_RECORD_DATA, WR_RECORD_LAST};

	for (int st = NOTHING; st <= HALF; st++) {
		struct rig_config cfg = {.backends = 1};
		struct end e;

		stage(&e, &cfg, st);
		rig_reset(&e.r, e.c);
		rig_settle(&e.r);
		assert_ended(&e.r, WR_RECORD_CLIENT, phase[st]);
		assert_no_fault(&e.r, 0);
		assert_int_equal(rig_backend(&e.r, 0)->resets, 0);
		rig_close(&e.r);
	}
}

static void note_reset_by_backend(void **state)
{
	static const enum wr_record_phase phase[] = {
		WR_RECORD_REQUEST, WR_RECORD_REQUEST, WR_RECORD_DATA, WR_RECORD_LAST};

	for (int st = NOTHING; st <= HALF; st++) {
		struct rig_config cfg = {.backends = 1};
		struct end e;

		stage(&e, &cfg, st);
		rig_reset(&e.r, e.b);
		rig_settle(&e.r);
		assert_ended(&e.r, WR_RECORD_SERVER, phase[st]);
		assert_int_equal(rig_backend(&e.r, 0)->resets_early, st < ANSWERED);
		assert_int_equal(rig_backend(&e.r, 0)->resets, st >= ANSWERED);
		assert_int_equal(rig_backend(&e.r, 0)->unanswered, 0);
		rig_close(&e.r);
	}
}

static void drain(struct wr_conf *c)
{
	c->services[0].on_reset = WR_CONF_ON_RESET_DRAIN;
}

// The other side still gets what was there, and how it ends then is no news.
static void note_reset_and_drain(void **state)
{
	for (int by_client = 0; by_client <= 1; by_client++) {
		for (int killed = 0; killed <= 1; killed++) {
			struct rig_config cfg = {.backends = 1, .tune = drain};
			struct rig_app *other;
			struct wr_record rec;
			struct end e;

			stage(&e, &cfg, ANSWERED);
			other = by_client ? e.b : e.c;
			other->deaf = true;
			rig_reset(&e.r, by_client ? e.c : e.b);
			rig_settle(&e.r);
			assert_false(rig_record(&e.r, &rec));
			if (killed) {
				wr_proxy_abort_all(e.r.p);
			} else {
				other->deaf = false;
				rig_run(&e.r, RIG_MS);
				rig_fin(&e.r, other);
			}
			rig_run(&e.r, 2 * RIG_MS);
			assert_ended(&e.r, by_client ? WR_RECORD_CLIENT : WR_RECORD_SERVER,
				WR_RECORD_DATA);
			rig_close(&e.r);
		}
	}
}

static void short_times(struct wr_conf *c)
{
	c->services[0].connect_us = 20 * RIG_MS;
	c->services[0].idle_us = 50 * RIG_MS;
	c->services[0].half_closed_us = 60 * RIG_MS;
	c->services[0].close_us = 40 * RIG_MS;
	c->pools[0].retries = 1;
}

static void note_idle(void **state)
{
	static const struct {
		enum stage st;
		bool again; // and asked again
		enum wr_record_cause cause;
		enum wr_record_phase phase;
	} of[] = {
		{NOTHING, false, WR_RECORD_CLIENT_TIMEOUT, WR_RECORD_REQUEST},
		{ASKED, false, WR_RECORD_SERVER_TIMEOUT, WR_RECORD_REQUEST},
		{ANSWERED, false, WR_RECORD_CLIENT_TIMEOUT, WR_RECORD_DATA},
		{ANSWERED, true, WR_RECORD_SERVER_TIMEOUT, WR_RECORD_DATA},
		{HALF, false, WR_RECORD_SERVER_TIMEOUT, WR_RECORD_LAST},
	};

	for (uint32_t i = 0; i < RTE_DIM(of); i++) {
		struct rig_config cfg = {.backends = 1, .tune = short_times};
		struct end e;

		stage(&e, &cfg, of[i].st);
		if (of[i].again)
			e.c->to_send += 10;
		rig_run(&e.r, 150 * RIG_MS);
		assert_ended(&e.r, of[i].cause, of[i].phase);
		assert_no_fault(&e.r, 0);
		rig_close(&e.r);
	}
}

// Bytes that nobody takes: who does not take them is to blame.
static void note_idle_with_bytes_queued(void **state)
{
	for (int client = 0; client <= 1; client++) {
		struct rig_config cfg = {.backends = 1, .tune = short_times};
		struct end e;

		stage(&e, &cfg, ANSWERED);
		if (client) {
			e.c->deaf = true;
			e.b->to_send += 4 << 20;
		} else {
			e.b->deaf = true;
			e.c->to_send += 4 << 20;
		}
		rig_run(&e.r, 300 * RIG_MS);
		assert_ended(&e.r, client ? WR_RECORD_CLIENT_TIMEOUT : WR_RECORD_SERVER_TIMEOUT,
			WR_RECORD_DATA);
		rig_close(&e.r);
	}
}

static void note_killed(void **state)
{
	for (int st = NOTHING; st <= HALF; st++) {
		struct rig_config cfg = {.backends = 1};
		struct end e;

		stage(&e, &cfg, st);
		if (st == ASKED)
			wr_proxy_abort_all(e.r.p);
		else
			wr_proxy_kill(e.r.p, rig_session(&e.r, e.c).id, e.r.now);
		rig_run(&e.r, RIG_MS);
		assert_ended(&e.r, WR_RECORD_KILLED,
			st == HALF       ? WR_RECORD_LAST
			: st == ANSWERED ? WR_RECORD_DATA
					 : WR_RECORD_REQUEST);
		assert_no_fault(&e.r, 0);
		rig_close(&e.r);
	}
}

static void note_backend_goes(void **state)
{
	struct rig_config cfg = {.backends = 1};
	struct end e;

	stage(&e, &cfg, ASKED);
	wr_proxy_kill_backend(e.r.p, 0, e.r.now);
	rig_run(&e.r, RIG_MS);
	assert_ended(&e.r, WR_RECORD_DOWN, WR_RECORD_REQUEST);
	assert_no_fault(&e.r, 0);
	// While it connects there is no other one to go to.
	e.r.dead[0] = true;
	rig_connect(&e.r, 0, 0, 0);
	rig_settle(&e.r);
	wr_proxy_kill_backend(e.r.p, 0, e.r.now);
	rig_run(&e.r, RIG_MS);
	assert_ended(&e.r, WR_RECORD_DOWN, WR_RECORD_CONNECT);
	assert_no_fault(&e.r, 0);
	assert_int_equal(rig_backend(&e.r, 0)->connect_failed, 1);
	rig_close(&e.r);
}

static void note_connect_refused(void **state)
{
	struct rig_config cfg = {.backends = 2};
	struct wr_record rec;
	struct end e;

	rig_open(&e.r, &cfg);
	rig_listen(&e.r, 0, false);
	rig_listen(&e.r, 1, false);
	rig_connect(&e.r, 0, 0, 0);
	rig_settle(&e.r);
	assert_int_equal(rig_backend(&e.r, 0)->connect_refused, 1);
	assert_int_equal(rig_backend(&e.r, 1)->connect_refused, 1);
	assert_true(rig_record(&e.r, &rec));
	assert_int_equal(rec.cause, WR_RECORD_SERVER);
	assert_int_equal(rec.phase, WR_RECORD_CONNECT);
	assert_int_equal(rec.tries, 2);
	rig_listen(&e.r, 0, true);
	rig_listen(&e.r, 1, true);
	rig_close(&e.r);
}

static void note_connect_timeout(void **state)
{
	struct rig_config cfg = {.backends = 2, .tune = short_times};
	struct rig_app *c;
	struct wr_record rec;
	struct end e;

	rig_open(&e.r, &cfg);
	e.r.dead[0] = e.r.dead[1] = true;
	c = rig_connect(&e.r, 0, 0, 0);
	rig_run(&e.r, 100 * RIG_MS);
	assert_true(c->closed);
	assert_ended(&e.r, WR_RECORD_SERVER_TIMEOUT, WR_RECORD_CONNECT);
	assert_int_equal(rig_backend(&e.r, 0)->connect_timeout, 1);
	assert_int_equal(rig_backend(&e.r, 1)->connect_timeout, 1);
	// The client leaves meanwhile: nobody's fault but its own.
	c = rig_connect(&e.r, 0, 0, 0);
	rig_settle(&e.r);
	rig_reset(&e.r, c);
	rig_settle(&e.r);
	assert_ended(&e.r, WR_RECORD_CLIENT, WR_RECORD_CONNECT);
	assert_int_equal(rig_backend(&e.r, 0)->connect_timeout, 1);
	assert_int_equal(rig_backend(&e.r, 1)->connect_timeout, 1);
	// One answers: the time that the other took is part of the connect.
	e.r.dead[1] = false;
	for (uint32_t i = 0; i < 4; i++) {
		c = rig_connect(&e.r, 0, 0, 0);
		rig_run(&e.r, 30 * RIG_MS);
		rig_end(&e.r, c);
		assert_true(rig_record(&e.r, &rec));
		assert_int_equal(rec.backend, 1);
		if (rec.tries == 2)
			assert_in_range(rec.connect_us, 20 * RIG_MS, 24 * RIG_MS);
		else
			assert_int_equal(rec.connect_us, 0);
	}
	assert_int_equal(wr_hist_small_count(&rig_backend(&e.r, 1)->connect_us), 4);
	assert_int_equal(wr_hist_small_quantile(&rig_backend(&e.r, 1)->connect_us, 999999), 0);
	rig_close(&e.r);
}

// A SYN that never left says nothing about who would have got it.
static void note_connect_never_sent(void **state)
{
	struct rig_config cfg = {.backends = 1, .deferred = true, .tune = short_times};
	struct end e;

	rig_open(&e.r, &cfg);
	e.r.muted = true;
	rig_connect(&e.r, 0, 0, 0);
	rig_run(&e.r, 60 * RIG_MS);
	assert_ended(&e.r, WR_RECORD_RESOURCE, WR_RECORD_CONNECT);
	assert_no_fault(&e.r, 0);
	assert_int_equal(rig_backend(&e.r, 0)->connect_failed, 1);
	e.r.muted = false;
	rig_close(&e.r);
}

static void no_backends(struct wr_conf *c)
{
	for (uint32_t i = 0; i < c->pools[0].backend_count; i++)
		c->pools[0].backends[i].weight = 0;
}

static void note_no_backend(void **state)
{
	struct rig_config cfg = {.tune = no_backends};
	struct end e;

	rig_open(&e.r, &cfg);
	e.c = rig_connect(&e.r, 0, 0, 0);
	rig_settle(&e.r);
	assert_true(rig_refused(e.c));
	assert_ended(&e.r, WR_RECORD_NO_BACKEND, WR_RECORD_CONNECT);
	rig_close(&e.r);
}

static void one_client(struct wr_conf *c)
{
	c->services[0].limit.connections = 1;
}

static void note_limited(void **state)
{
	struct rig_config cfg = {.tune = one_client};
	struct end e;

	stage(&e, &cfg, NOTHING);
	e.c = rig_connect(&e.r, 0, 0, 0);
	rig_settle(&e.r);
	assert_true(rig_refused(e.c));
	assert_ended(&e.r, WR_RECORD_PROXY, WR_RECORD_CONNECT);
	rig_close(&e.r);
}

static void one_place(struct wr_conf *c)
{
	c->pools[0].max_connections = 1;
	c->services[0].wait_sessions = 1;
	c->services[0].wait_time_us = 80 * RIG_MS;
	c->services[0].wait_target_us = 80 * RIG_MS;
}

static void note_waiting(void **state)
{
	struct rig_config cfg = {.backends = 1, .tune = one_place};
	struct wr_record rec;
	struct rig_app *w;
	struct end e;

	stage(&e, &cfg, NOTHING);
	// Waits for too long.
	w = rig_connect(&e.r, 0, 1, 0);
	rig_run(&e.r, 100 * RIG_MS);
	assert_true(w->closed);
	assert_true(rig_record(&e.r, &rec));
	assert_int_equal(rec.cause, WR_RECORD_PRESSURE);
	assert_int_equal(rec.phase, WR_RECORD_QUEUE);
	assert_in_range(rec.wait_us, 79 * RIG_MS, 82 * RIG_MS);
	// Too many wait.
	w = rig_connect(&e.r, 0, 1, 0);
	rig_settle(&e.r);
	rig_connect(&e.r, 0, 2, 0);
	rig_settle(&e.r);
	assert_ended(&e.r, WR_RECORD_PRESSURE, WR_RECORD_QUEUE);
	// Leaves by itself.
	rig_reset(&e.r, w);
	rig_settle(&e.r);
	assert_ended(&e.r, WR_RECORD_CLIENT, WR_RECORD_QUEUE);
	// Is served, and its wait is not part of its connect.
	w = rig_connect(&e.r, 0, 1, 0);
	rig_run(&e.r, 50 * RIG_MS);
	rig_end(&e.r, e.c);
	assert_ended(&e.r, WR_RECORD_NORMAL, WR_RECORD_DONE);
	rig_run(&e.r, 2 * RIG_MS);
	assert_int_equal(rig_session(&e.r, w).state, WR_SESSION_OPEN);
	rig_end(&e.r, w);
	assert_true(rig_record(&e.r, &rec));
	assert_int_equal(rec.cause, WR_RECORD_NORMAL);
	assert_in_range(rec.wait_us, 49 * RIG_MS, 53 * RIG_MS);
	assert_int_equal(rec.connect_us, 0);
	assert_int_equal(rec.tries, 1);
	assert_no_fault(&e.r, 0);
	rig_close(&e.r);
}

static void stall_soon(struct wr_conf *c)
{
	c->pressure.stall_us = 20 * RIG_MS;
}

static void note_stalled(void **state)
{
	struct rig_config cfg = {.backends = 1, .tune = stall_soon};
	struct end e;

	stage(&e, &cfg, ANSWERED);
	e.c->deaf = true;
	e.b->to_send += 1 << 20;
	rig_run(&e.r, 300 * RIG_MS);
	wr_proxy_set_pressure(e.r.p, 2);
	rig_run(&e.r, 100 * RIG_MS);
	assert_ended(&e.r, WR_RECORD_PRESSURE, WR_RECORD_DATA);
	rig_close(&e.r);
}

static void silent(struct wr_conf *c)
{
	c->services[0].log = false;
}

static void nowhere(struct wr_conf *c)
{
	c->log.to = WR_CONF_LOG_NONE;
}

static void note_not_recorded(void **state)
{
	for (int i = 0; i <= 2; i++) {
		struct rig_config cfg = {.tune = i == 0 ? silent : i == 1 ? nowhere : NULL};
		struct wr_record rec;
		struct end e;

		rig_open(&e.r, &cfg);
		if (i == 2)
			e.r.p->cfg.records = NULL;
		rig_connect(&e.r, 0, 0, 10);
		rig_settle(&e.r);
		rig_end(&e.r, &e.r.app[0]);
		assert_false(rig_record(&e.r, &rec));
		assert_int_equal(rig_ctr(&e.r, WR_CTR_records_pushed), 0);
		assert_int_equal(rig_ctr(&e.r, WR_CTR_records_lost), 0);
		assert_int_equal(rig_ctr(&e.r, WR_CTR_records_sampled), 0);
		rig_close(&e.r);
	}
}

static void many(struct rig *r, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		struct rig_app *c = rig_connect(r, 0, i % 100, 0);

		rig_settle(r);
		rig_end(r, c);
	}
}

static void note_sampled_under_pressure(void **state)
{
	struct rig_config cfg = {.backends = 1};
	struct end e;

	rig_open(&e.r, &cfg);
	wr_proxy_set_pressure(e.r.p, 1);
	many(&e.r, 64);
	assert_int_equal(rig_ctr(&e.r, WR_CTR_records_pushed), 64);
	wr_proxy_set_pressure(e.r.p, 2);
	many(&e.r, 160);
	assert_int_equal(rig_ctr(&e.r, WR_CTR_records_pushed), 64 + 10);
	assert_int_equal(rig_ctr(&e.r, WR_CTR_records_sampled), 150);
	assert_int_equal(rig_ctr(&e.r, WR_CTR_records_lost), 0); // there was room
	rig_close(&e.r);
}

static void note_ring_full(void **state)
{
	struct rig_config cfg = {.backends = 1};
	struct wr_record_ring *few = wr_record_ring_create(8, SOCKET_ID_ANY);
	struct end e;

	rig_open(&e.r, &cfg);
	e.r.p->cfg.records = few;
	many(&e.r, 20);
	assert_int_equal(
		rig_ctr(&e.r, WR_CTR_records_pushed) + rig_ctr(&e.r, WR_CTR_records_lost), 20);
	assert_int_equal(rig_ctr(&e.r, WR_CTR_records_pushed), 7); // a ring of 8 holds 7
	rig_close(&e.r);
	wr_record_ring_destroy(few);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(note_normal),
		cmocka_unit_test(note_reset_by_client),
		cmocka_unit_test(note_reset_by_backend),
		cmocka_unit_test(note_reset_and_drain),
		cmocka_unit_test(note_idle),
		cmocka_unit_test(note_idle_with_bytes_queued),
		cmocka_unit_test(note_killed),
		cmocka_unit_test(note_backend_goes),
		cmocka_unit_test(note_connect_refused),
		cmocka_unit_test(note_connect_timeout),
		cmocka_unit_test(note_connect_never_sent),
		cmocka_unit_test(note_no_backend),
		cmocka_unit_test(note_limited),
		cmocka_unit_test(note_waiting),
		cmocka_unit_test(note_stalled),
		cmocka_unit_test(note_not_recorded),
		cmocka_unit_test(note_sampled_under_pressure),
		cmocka_unit_test(note_ring_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
