/* SPDX-License-Identifier: BSD-3-Clause */
#include "note_stage.h"

// What sessions tell about their backends, which blames nobody for what others did.

static void note_silence(void **state)
{
	struct rig_config cfg = {.backends = 1};
	const struct wr_backend_counters *bc;
	struct rig_app *c[3], *b[3];
	struct end e;
	wr_us_t first;

	rig_open(&e.r, &cfg);
	bc = rig_backend(&e.r, 0);
	for (uint32_t i = 0; i < 3; i++) {
		c[i] = rig_connect(&e.r, 0, i, 0);
		rig_settle(&e.r);
		b[i] = rig_backend_end(&e.r);
	}
	rig_run(&e.r, 10 * RIG_MS);
	assert_int_equal(bc->unanswered, 0); // nothing was asked
	c[0]->to_send = 10;
	rig_run(&e.r, RIG_MS);
	first = e.r.now;
	assert_int_equal(bc->unanswered, 1);
	assert_int_equal(bc->unanswered_since_us, first);
	rig_run(&e.r, 10 * RIG_MS);
	c[1]->to_send = c[2]->to_send = 10;
	rig_run(&e.r, 10 * RIG_MS);
	assert_int_equal(bc->unanswered, 3);
	assert_int_equal(bc->unanswered_since_us, first);
	// A client that leaves waits no more, and that is not a byte.
	rig_reset(&e.r, c[2]);
	rig_settle(&e.r);
	assert_int_equal(bc->unanswered, 2);
	assert_int_equal(bc->unanswered_since_us, first);
	b[0]->to_send = 10;
	rig_run(&e.r, RIG_MS);
	assert_int_equal(bc->unanswered, 1);
	assert_int_equal(bc->unanswered_since_us, e.r.now);
	assert_int_equal(bc->last_byte_us, e.r.now);
	assert_int_equal(bc->answered, 1);
	// Asked again, and silent for long: only the first byte is waited for.
	c[0]->to_send += 10;
	rig_run(&e.r, 5 * RIG_MS);
	assert_int_equal(bc->unanswered, 1);
	assert_int_equal(wr_hist_small_count(&bc->first_byte_us), 1);
	rig_close(&e.r);
}

static void slow_bytes(struct wr_conf *c)
{
	c->services[0].limit.bytes = 1000;
	c->services[0].limit.bytes_burst = 1000;
}

// While our own limit keeps us from reading, nobody knows whether the backend answers.
static void note_silence_of_our_own(void **state)
{
	struct rig_config cfg = {.backends = 1, .tune = slow_bytes};
	struct end e;

	stage(&e, &cfg, NOTHING);
	e.c->to_send = 5000;
	rig_run(&e.r, 10 * RIG_MS);
	assert_int_equal(rig_backend(&e.r, 0)->unanswered, 0);
	e.b->to_send = 10;
	rig_run(&e.r, 10 * RIG_S);
	assert_int_equal(e.c->got, 10);
	assert_int_equal(rig_backend(&e.r, 0)->answered, 1);
	rig_close(&e.r);
}

static void note_closes_early(void **state)
{
	static const struct {
		enum stage st;
		bool client_first;
		uint32_t early;
	} of[] = {{NOTHING, false, 0}, {ASKED, false, 1}, {ASKED, true, 0}, {ANSWERED, false, 0}};

	for (uint32_t i = 0; i < RTE_DIM(of); i++) {
		struct rig_config cfg = {.backends = 1};
		struct end e;

		stage(&e, &cfg, of[i].st);
		if (of[i].client_first)
			rig_fin(&e.r, e.c);
		else
			rig_fin(&e.r, e.b);
		rig_settle(&e.r);
		assert_int_equal(rig_backend(&e.r, 0)->closes_early, of[i].early);
		assert_int_equal(rig_backend(&e.r, 0)->unanswered, 0);
		if (!of[i].client_first)
			rig_fin(&e.r, e.c);
		rig_settle(&e.r);
		assert_ended(&e.r, WR_RECORD_NORMAL, WR_RECORD_DONE);
		rig_close(&e.r);
	}
}

// To a client that asked nothing and left, a reset is a way to say goodbye.
static void note_reset_behind_a_client(void **state)
{
	struct rig_config cfg = {.backends = 1};
	struct end e;

	stage(&e, &cfg, NOTHING);
	e.b->deaf = true;
	rig_fin(&e.r, e.c);
	rig_settle(&e.r);
	rig_reset(&e.r, e.b);
	rig_settle(&e.r);
	assert_no_fault(&e.r, 0);
	assert_int_equal(rig_backend(&e.r, 0)->resets, 1);
	assert_ended(&e.r, WR_RECORD_SERVER, WR_RECORD_LAST);
	rig_close(&e.r);
}

static void note_histograms(void **state)
{
	struct rig_config cfg = {.backends = 1};
	const struct wr_backend_counters *bc;
	struct end e;

	rig_open(&e.r, &cfg);
	bc = rig_backend(&e.r, 0);
	for (uint32_t i = 1; i <= 10; i++) {
		e.c = rig_connect(&e.r, 0, i, 10);
		rig_settle(&e.r);
		e.b = rig_backend_end(&e.r);
		rig_run(&e.r, i * 10 * RIG_MS);
		e.b->to_send = 10;
		rig_run(&e.r, 5 * RIG_MS);
		rig_end(&e.r, e.c);
	}
	assert_int_equal(bc->answered, 10);
	assert_int_equal(wr_hist_small_count(&bc->connect_us), 10);
	assert_int_equal(wr_hist_small_count(&bc->first_byte_us), 10);
	assert_int_equal(wr_hist_small_count(&bc->session_us), 10);
	assert_in_range(
		wr_hist_small_quantile(&bc->first_byte_us, 500000), 50 * RIG_MS, 60 * RIG_MS);
	assert_in_range(
		wr_hist_small_quantile(&bc->session_us, 999999), 105 * RIG_MS, 125 * RIG_MS);
	rig_close(&e.r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(note_silence),
		cmocka_unit_test(note_silence_of_our_own),
		cmocka_unit_test(note_closes_early),
		cmocka_unit_test(note_reset_behind_a_client),
		cmocka_unit_test(note_histograms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
