/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "run_fixture.h"

static bool says(const struct result *r, const char *what)
{
	for (uint32_t i = 0; i < r->verdict_count; i++)
		if (strstr(r->verdict[i], what) != NULL)
			return true;
	return false;
}

static const char *printed(struct fixture *f)
{
	report_print(f->report);
	return f->text;
}

static void report_clean_run(void **state)
{
	struct fixture f;
	const struct result *r;
	const char *text;

	make(&f, 1, 1, 1);
	r = whole_run(&f, 1000, 300);
	assert_int_equal(r->verdict_count, 0);
	assert_false(r->generator_bound || r->behind);
	assert_int_equal(result_window_ns(r), 2 * S);
	assert_int_equal(result_busy_permille(r), 300);
	assert_true(result_offered_per_s(r, 0) == 1000);
	assert_true(result_goodput_per_s(r, 0) == 1000);
	assert_true(result_packets_sent_per_s(r, 0) == 10000);
	text = printed(&f);
	assert_non_null(strstr(text, "clients web"));
	assert_non_null(strstr(text, "backend b1"));
	assert_non_null(strstr(text, "packets syn-flood"));
	assert_non_null(strstr(text, "p99.99"));
	assert_null(strstr(text, "\n! "));
	unmake(&f);
}

static void report_live_lines(void **state)
{
	struct fixture f;
	char *line, *rest;
	size_t lines = 0, columns = 0;

	make(&f, 2, 1, 0);
	whole_run(&f, 1000, 300);
	rest = f.text;
	while ((line = strsep(&rest, "\n")) != NULL && line[0]) {
		// Header and rows end their last common column at the same place.
		char *core = strstr(line, lines == 0 ? "core" : "30 %");

		if (lines % 2 == 1) { // of two populations the first shows the core's share
			assert_non_null(core);
			assert_int_equal(core + 4 - line, columns);
		}
		if (lines == 0)
			columns = (size_t)(core + 4 - line);
		lines++;
	}
	assert_int_equal(lines, 1 + 3 * 2); // backends are quiet beside clients
	unmake(&f);
	make(&f, 1, 0, 0);
	f.conf.quiet = true;
	whole_run(&f, 1000, 300);
	assert_int_equal(f.len, 0);
	assert_int_equal(f.report->series.count, 3); // kept all the same
	unmake(&f);
	make(&f, 0, 1, 0);
	whole_run(&f, 1000, 300);
	assert_non_null(strstr(f.text, "b1"));
	unmake(&f);
}

// Percentiles of an interval are its own, not those of all before.
static void report_interval_percentiles(void **state)
{
	struct fixture f;
	const struct series_row *row;

	make(&f, 1, 0, 0);
	second(&f, GEN_PHASE_WARMUP, 1000, 300);
	tell(&f);
	second(&f, GEN_PHASE_MEASURE, 1000, 300);
	tell(&f);
	second(&f, GEN_PHASE_MEASURE, 0, 300);
	for (int i = 0; i < 10; i++)
		wr_hist_record(f.now->clients[0].measured.answer_ns, 700 * MS);
	f.now->clients[0].errors[GEN_ERROR_reset] += 3;
	f.now->clients[0].errors[GEN_ERROR_refused_local] += 2; // which never began
	f.now->clients[0].in_flight = 6;
	f.now->clients[0].answers += 10;
	tell(&f);
	row = f.report->series.row;
	assert_int_equal(f.report->series.count, 3);
	assert_int_equal(row[0].latency_count, 0); // warm-up is not measured
	assert_int_equal(row[0].answers, 1000);
	assert_int_equal(row[1].latency_count, 1000);
	assert_in_range(row[1].p50_ns, 1480000, 1530000);
	assert_in_range(row[1].p99_ns, 1970000, 2010000);
	assert_int_equal(row[2].latency_count, 10);
	assert_in_range(row[2].p50_ns, 690 * MS, 710 * MS);
	assert_int_equal(row[2].started, 10 + 3 + 6);
	assert_int_equal(row[2].error_sum, 5);
	assert_non_null(strstr(f.text, "reset 3"));
	unmake(&f);
}

static void report_generator_bound(void **state)
{
	struct fixture f;
	const struct result *r;

	make(&f, 1, 0, 0);
	r = whole_run(&f, 1000, 800); // exactly a fifth idle
	assert_false(r->generator_bound);
	unmake(&f);
	make(&f, 1, 0, 0);
	r = whole_run(&f, 1000, 801);
	assert_true(r->generator_bound);
	assert_true(says(r, "generator-bound: its core was 80 % busy"));
	assert_non_null(strstr(printed(&f), "\n! generator-bound"));
	unmake(&f);
}

// What the loop did in the warm-up must not hide a full core in the window.
static void report_busy_of_window(void **state)
{
	struct fixture f;
	const struct result *r;

	make(&f, 1, 0, 0);
	second(&f, GEN_PHASE_WARMUP, 1000, 10);
	f.now->loop.cycles += 100000000;
	tell(&f);
	second(&f, GEN_PHASE_MEASURE, 2000, 990);
	f.now->at_ns += S;
	tell(&f);
	drain(&f);
	f.now->loop.cycles += 100000000;
	r = report_finish(f.report, f.now, false);
	assert_int_equal(result_busy_permille(r), 990);
	assert_true(r->generator_bound);
	unmake(&f);
}

static void report_behind_schedule(void **state)
{
	struct fixture f;
	const struct result *r;

	make(&f, 1, 0, 0);
	second(&f, GEN_PHASE_WARMUP, 1000, 100);
	tell(&f);
	second(&f, GEN_PHASE_MEASURE, 2000, 100);
	f.now->at_ns += S;
	f.now->clients[0].measured.late = 40;
	wr_hist_record(f.now->clients[0].measured.lag_ns, 34 * MS);
	tell(&f);
	r = report_finish(f.report, f.now, false);
	assert_true(r->behind);
	assert_true(
		says(r, "behind schedule: 40 of 2,000 requests (2.00 %) began more than 1 ms late, "
			"worst 34.0 ms: the offered load was NOT reached"));
	assert_int_equal(result_late_ppm(r, 0), 20000);
	f.now->clients[0].measured.late = 1;
	r = report_finish(f.report, f.now, false);
	assert_false(r->behind); // said all the same
	assert_true(says(r, "1 of 2,000 requests (0.05 %)"));
	unmake(&f);
}

// Arrivals that were never begun are no lower load: they are missing.
static void report_schedule_not_reached(void **state)
{
	struct fixture f;
	const struct result *r;

	make(&f, 1, 0, 0);
	r = whole_run(&f, 990, 100);
	assert_true(r->behind);
	assert_true(says(
		r, "it called for 2,000 requests in the window and 20 of them were never begun"));
	assert_int_equal(result_late_ppm(r, 0), 10000);
	unmake(&f);
	make(&f, 1, 0, 0);
	f.clients[0].model = GEN_LOAD_CLOSED; // which has no such number
	r = whole_run(&f, 10, 100);
	assert_false(r->behind);
	unmake(&f);
	make(&f, 1, 0, 0);
	f.clients[0].model = GEN_LOAD_POISSON; // 2,000 give or take 4 x 45
	assert_false(whole_run(&f, 930, 100)->behind);
	unmake(&f);
	make(&f, 1, 0, 0);
	f.clients[0].model = GEN_LOAD_POISSON;
	assert_true(whole_run(&f, 900, 100)->behind);
	unmake(&f);
}

static void report_scheduled_models(void **state)
{
	struct fixture f;
	const struct result *r;

	make(&f, 1, 0, 0);
	r = whole_run(&f, 1000, 100); // the window: seconds 1 to 3
	f.clients[0].rate_to = 3000;
	f.clients[0].period_us = 2000000;
	f.clients[0].model = GEN_LOAD_RAMP; // 2,500 in the second second, 3,000 in the third
	assert_true(result_scheduled(r, 0) == 5500);
	f.clients[0].model = GEN_LOAD_STEP;
	assert_true(result_scheduled(r, 0) == 1000 + 3000);
	f.clients[0].model = GEN_LOAD_BURST;
	assert_true(result_scheduled(r, 0) == 2000);
	f.clients[0].period_us = 0;
	f.clients[0].model = GEN_LOAD_RAMP;
	assert_true(result_scheduled(r, 0) == 6000);
	unmake(&f);
}

// The last snapshot of the window comes when the machine lets it: that is no shortfall.
static void report_snapshot_late(void **state)
{
	struct fixture f;
	const struct result *r;

	make(&f, 1, 0, 0);
	second(&f, GEN_PHASE_WARMUP, 1000, 100);
	f.now->at_ns += 30 * MS;
	tell(&f);
	second(&f, GEN_PHASE_MEASURE, 2000, 100);
	f.now->at_ns = 3 * S + 70 * MS;
	tell(&f);
	drain(&f);
	r = report_finish(f.report, f.now, false);
	assert_int_equal(result_window_ns(r), 2 * S);
	assert_int_equal(result_span_ns(r), 2 * S + 40 * MS);
	assert_true(result_offered_per_s(r, 0) == 1000);
	assert_int_equal(r->verdict_count, 0);
	unmake(&f);
}

static void report_interrupted(void **state)
{
	struct fixture f;
	const struct result *r;
	json_t *o;

	make(&f, 1, 0, 0);
	second(&f, GEN_PHASE_WARMUP, 1000, 100);
	tell(&f);
	second(&f, GEN_PHASE_MEASURE, 1000, 100);
	tell(&f);
	drain(&f);
	r = report_finish(f.report, f.now, true);
	assert_true(says(r, "interrupted 2.0 s after the start, of 3.0 s planned"));
	assert_int_equal(result_window_ns(r), S);
	assert_true(result_answers_per_s(r, 0) == 1000); // of what was measured, not of the plan
	assert_false(r->behind);
	o = export_json(f.report);
	assert_true(json_is_true(json_object_get(json_object_get(o, "run"), "interrupted")));
	json_decref(o);
	unmake(&f);
	make(&f, 1, 0, 0);
	second(&f, GEN_PHASE_WARMUP, 1000, 100);
	tell(&f);
	r = report_finish(f.report, f.now, true);
	assert_true(says(r, "nothing was measured"));
	assert_int_equal(result_window_ns(r), 0);
	printed(&f);
	o = export_json(f.report); // no rate is infinite
	assert_non_null(o);
	json_decref(o);
	unmake(&f);
}

static void report_errors_shown(void **state)
{
	struct fixture f;
	const char *text;

	make(&f, 1, 0, 0);
	for (uint32_t e = 0; e < GEN_ERROR_COUNT; e++) {
		f.now->clients[0].errors[e] = 100 + e;
		f.now->clients[0].measured.errors[e] = 10 + e;
	}
	whole_run(&f, 1000, 100);
	text = printed(&f);
#define X(sym, sentence) assert_non_null(strstr(text, sentence));
	GEN_ERRORS(X)
#undef X
	assert_non_null(strstr(text, "outside of the window: 90"));
	assert_true(says(&f.report->result, "105 answers were not what was asked for"));
	assert_true(says(&f.report->result, "refused by the generator itself"));
	unmake(&f);
}

static void report_losses_shown(void **state)
{
	struct fixture f;
	const struct result *r;

	make(&f, 0, 0, 1);
	f.now->ports[0].port.rx_missed = 1;
	f.now->ports[0].port.rx_errors = 20;
	f.now->ports[0].port.rx_no_mbuf = 300;
	f.now->ports[0].port.tx_errors = 4000;
	f.now->ports[0].port.kernel_loss = 50000;
	f.now->ports[0].tx_given_up = 600000;
	f.now->packets[0].lost = 77;
	f.now->packets[0].reordered = 5;
	f.now->packets[0].corrupted = 2;
	f.now->drop[WR_DROP_ip_checksum] = 9;
	assert_int_equal(result_port_lost(&f.now->ports[0]), 604321); // not known to be valid
	f.now->ports[0].kernel_loss_known = true;
	assert_int_equal(result_port_lost(&f.now->ports[0]), 654321);
	r = whole_run(&f, 0, 100);
	assert_true(says(r, "port wan lost 654,321 frames"));
	assert_non_null(strstr(printed(&f), "lost 77"));
	assert_non_null(strstr(f.text, "reordered 5"));
	unmake(&f);
	make(&f, 0, 0, 1);
	second(&f, GEN_PHASE_MEASURE, 0, 100);
	f.now->packets[0].behind_now = f.now->packets[0].behind = 5000;
	f.now->drop[WR_DROP_ip_checksum] = 9;
	tell(&f);
	r = report_finish(f.report, f.now, false);
	assert_true(r->behind);
	assert_true(says(r, "behind schedule by 5,000 packets"));
	assert_non_null(strstr(printed(&f), wr_drop_text(WR_DROP_ip_checksum)));
	unmake(&f);
}

static void report_trial_of_search(void **state)
{
	struct fixture f;
	struct search_trial t;

	make(&f, 1, 0, 0);
	whole_run(&f, 1000, 250);
	result_trial(&f.report->result, &t);
	assert_int_equal(t.requests, 2000);
	assert_int_equal(t.good_ppm, 1000000);
	assert_int_equal(t.idle_permille, 750);
	assert_int_equal(t.late_ppm, 0);
	assert_in_range(t.quantile_ns, 1970000, 2010000);
	// The next trial: counters from zero, time from zero, another load.
	f.now->clients[0] = (struct gen_client_stats){.measured = f.now->clients[0].measured};
	f.now->clients[0].measured.intended = f.now->clients[0].measured.good = 0;
	f.now->clients[0].measured.answers = f.now->clients[0].measured.connections = 0;
	wr_hist_reset(f.now->clients[0].measured.answer_ns);
	report_restart(f.report, f.now, 500);
	f.now->at_ns = 0;
	whole_run(&f, 500, 900);
	result_trial(&f.report->result, &t);
	assert_int_equal(t.requests, 1000);
	assert_int_equal(t.late_ppm, 0); // 500 a second were asked for
	assert_int_equal(t.idle_permille, 100);
	assert_int_equal(f.report->series.count, 6);
	assert_int_equal(f.report->series.row[3].trial, 1);
	assert_int_equal(f.report->series.row[4].intended, 500);
	assert_int_equal(f.report->series.row[4].latency_count, 500);
	report_restart(f.report, f.now, 0); // nothing measured is no pass
	report_finish(f.report, f.now, true);
	result_trial(&f.report->result, &t);
	assert_int_equal(t.requests, 0);
	unmake(&f);
	make(&f, 0, 0, 1);
	f.now->packets[0].lost = 1;
	whole_run(&f, 0, 100);
	f.report->last->packets[0].returned -= 400;
	result_trial(&f.report->result, &t);
	assert_int_equal(t.requests, 20000);
	assert_int_equal(t.good_ppm, 980000);
	unmake(&f);
}

static void report_histogram_copies(void **state)
{
	static struct wr_hist a, b, c;

	wr_hist_reset(&a);
	wr_hist_reset(&b);
	for (uint64_t v = 1; v < 1ULL << 43; v *= 3)
		wr_hist_record(&a, v);
	wr_hist_record(&a, 498);
	wr_hist_record(&a, 502);
	gen_hist_copy(&b, &a);
	assert_memory_equal(&a, &b, sizeof(a));
	wr_hist_record(&a, 12345);
	gen_hist_since(&c, &a, &b);
	assert_int_equal(c.count, 1);
	assert_in_range(c.min, 12288, 12345);
	assert_in_range(c.max, 12345, 12440);
	// After a reset nothing of before is left, and all is new.
	wr_hist_reset(&a);
	wr_hist_record(&a, 500);
	gen_hist_since(&c, &a, &b);
	assert_int_equal(c.count, 1);
	gen_hist_copy(&b, &a);
	assert_memory_equal(&a, &b, sizeof(a));
	wr_hist_reset(&a);
	gen_hist_copy(&b, &a);
	assert_memory_equal(&a, &b, sizeof(a));
	gen_hist_since(&c, &a, &b);
	assert_int_equal(c.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(report_clean_run),
		cmocka_unit_test(report_live_lines),
		cmocka_unit_test(report_interval_percentiles),
		cmocka_unit_test(report_generator_bound),
		cmocka_unit_test(report_busy_of_window),
		cmocka_unit_test(report_behind_schedule),
		cmocka_unit_test(report_schedule_not_reached),
		cmocka_unit_test(report_scheduled_models),
		cmocka_unit_test(report_snapshot_late),
		cmocka_unit_test(report_interrupted),
		cmocka_unit_test(report_errors_shown),
		cmocka_unit_test(report_losses_shown),
		cmocka_unit_test(report_trial_of_search),
		cmocka_unit_test(report_histogram_copies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
