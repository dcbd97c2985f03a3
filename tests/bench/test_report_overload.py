#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""report_overload.py and overload_point.py: the arithmetic of the overload benchmark, on records made by hand."""
import contextlib
import io
import json
import unittest

import overload_point
import report_overload as report


def weir(**more):
    return {"refused": 0, "refused_how": {}, "reasons": {}, "asked_per_s": 1000, "window": {}, "window_drops": {}, "window_s": 1.0,
            "cycles": 1e6, "busy_permille": 500, "hz": 1e9, "left": 0, "queue_full": 0, "residual": 0, "residuals": {}, "rss_kib": 2048,
            "level_max": 1, "events": [], **more}


def client(**more):
    return {"intended": 1000, "answers": 900, "good": 800, "answers_per_s": 900.0, "goodput_per_s": 800.0, "offered_per_s": 1000.0,
            "p50_us": 100.0, "p99_us": 500.0, "errors": {}, "failed": 0, "local": 0, **more}


def record(part, who="weir", wire="memif", **more):
    one = {"part": part, "who": who, "wire": wire, "round": 1, "clients": {"load": client()}, "idle_permille": 500, "behind": 0,
           "syns": 1000, "syns_again": 0, "lost": 0, "in_flight": 10, "packets": {}}
    if who == "weir":
        one["weir"] = weir()
    one.update(more)
    return one


def point(kind, x, good, who="weir", part="backend", **more):
    return record(part, who, set=kind, x=x, capacity=1000, objective_us=5000, clients={"load": client(goodput_per_s=good)}, **more)


def told(records):
    """(metrics, text) of a report."""
    out, text = {}, io.StringIO()
    with contextlib.redirect_stdout(text):
        report.report([json.dumps(r) for r in records], out)
    return out, text.getvalue()


class Sweeps(unittest.TestCase):
    def test_ratio_is_to_the_peak_without_pressure(self):
        out, text = told([point("off", 0.7, 700), point("off", 2, 100), point("on", 0.7, 690), point("on", 10, 630)])
        self.assertEqual(out["overload_backend_of_peak_permille_1000pct_weir_memif"], 900)
        self.assertEqual(out["overload_backend_off_of_peak_permille_200pct_weir_memif"], 143)
        self.assertEqual(out["overload_backend_offered_per_s_070pct_weir_memif"], 700)
        self.assertIn("pressure off", text)

    def test_an_objective_of_a_disturbed_machine_is_said(self):
        _, text = told([{**point("off", 1, 500), "objective_us": 300000}])
        self.assertIn("run again", text)

    def test_another_balancer_is_held_to_its_own_best(self):
        out, _ = told([point("on", 1, 500, who="haproxy"), point("on", 10, 50, who="haproxy"), point("off", 1, 900)])
        self.assertEqual(out["overload_backend_of_peak_permille_1000pct_haproxy_memif"], 100)

    def test_rounds_give_medians_and_the_worst_residual(self):
        rows = [point("off", 1, good, weir=weir(residual=n)) for good, n in ((100, 0), (300, 7), (200, 0))]
        out, text = told(rows)
        self.assertEqual(out["overload_backend_off_goodput_per_s_100pct_weir_memif"], 200)
        self.assertEqual(out["overload_backend_off_residual_100pct_weir_memif"], 7)
        self.assertIn("LEDGER RESIDUAL 7", text)

    def test_memory_is_held_to_what_was_planned(self):
        out, text = told([point("on", 1, 500, cap_mib=4, weir=weir(rss_kib=2048)), point("on", 2, 500, cap_mib=4, weir=weir(rss_kib=5120))])
        self.assertEqual(out["overload_backend_rss_of_cap_permille_100pct_weir_memif"], 500)
        self.assertEqual(text.count("MEMORY ABOVE"), 1)

    def test_failures_less_refusals(self):
        one = point("on", 2, 500, weir=weir(refused=110, refused_how={"door_reset": 110}))
        one["clients"]["load"].update(failed=100)
        one["syns_again"] = 12
        out, text = told([one])
        self.assertEqual(out["overload_backend_unexplained_200pct_weir_memif"], 2)
        self.assertIn("door_reset 110", text)

    def test_generator_bound_is_said(self):
        _, text = told([point("on", 2, 500, idle_permille=199), point("on", 5, 500, idle_permille=200)])
        self.assertEqual(text.count("generator-bound"), 1)

    def test_ceiling_of_the_core(self):
        costs = [record("refusal", measure="served_kept", weir=weir(cycles=1e6, window={"sessions_closed": 10})),
                 record("refusal", measure="reset", weir=weir(cycles=1e6, window={"door_reset": 1000}))]
        on = point("on", 2, 8 * 880, part="core", weir=weir(asked_per_s=2000, window={"door_reset": 5}))
        out, text = told([*costs, point("off", 1, 8 * 1000, part="core"), on])
        # r = 1000 / 100000 = 1 %, m = 2: (1 - 0.02) / 0.99 of 1000
        self.assertEqual(out["overload_core_ceiling_permille_200pct_weir_memif"], round(880 / (1000 * 0.98 / 0.99) * 1000))
        self.assertEqual(out["overload_refusal_r_kept_permille_reset_weir_memif"], 10)
        self.assertIn("r 1.0 %", text)

    def test_ceiling_is_none_below_capacity_and_0_when_refusing_takes_all(self):
        self.assertIsNone(report.ceiling(100, 0.9, 0.01))
        self.assertIsNone(report.ceiling(100, 2, None))
        self.assertEqual(report.ceiling(100, 10, 0.15), 0)


class InTime(unittest.TestCase):
    def test_back_under_target(self):
        points = [(i / 100, 900 if 10 <= i < 14 else 100) for i in range(100)]
        self.assertAlmostEqual(report.back_under(points, 500), 0.04)
        self.assertEqual(report.back_under([(0, 1), (1, 2)], 500), 0)
        self.assertIsNone(report.back_under([(i / 100, 900) for i in range(100)], 500))
        # A dip shorter than the calm time does not count.
        dip = [(i / 100, 100 if i in (20, 21) else 900) for i in range(40)]
        self.assertIsNone(report.back_under(dip, 500))

    def test_step(self):
        samples = [[100 + i / 100, 9000 if 210 <= i < 215 or 400 <= i < 430 else 0, None, 2 if i > 210 else 0, 0 if i < 10 else i] for i in range(650)]
        one = record("step", what="backend", span=2, target_us=5000, capacity=1000, series=[], weir=weir(watch=samples, recorder=[[102.5, 700, 2, 0, 0], [105, 9999, 0, 0, 0]]))
        out, _ = told([one])
        self.assertEqual(out["overload_step_backend_up_ms_weir_memif"], 50)
        self.assertEqual(out["overload_step_backend_down_ms_weir_memif"], 190)
        self.assertEqual(out["overload_step_backend_delay_max_us_weir_memif"], 9000)
        self.assertEqual(out["overload_step_backend_lag_max_us_weir_memif"], 700)
        graphs = report.drawings([json.dumps(one)])["drawings"]
        self.assertEqual([line["title"] for line in graphs[0]["lines"]], ["delay", "target"])

    def test_waits_between_samples_are_the_recorders(self):
        samples = [[100 + i / 100, 0, 0, 0, i] for i in range(650)]
        one = record("step", what="core", span=2, target_us=1000, capacity=1000, series=[],
                     weir=weir(watch=samples, recorder=[[102.505, 2000, 2, 0, 0], [102.605, 100, 2, 0, 0], [102.705, 3000, 2, 0, 0], [104.205, 1500, 0, 0, 0]]))
        out, _ = told([one])
        self.assertEqual(out["overload_step_core_delay_max_us_weir_memif"], 3000)
        self.assertTrue(100 < out["overload_step_core_up_ms_weir_memif"] < 250)
        self.assertTrue(150 < out["overload_step_core_down_ms_weir_memif"] < 250)

    def test_a_delay_that_was_not_seen_is_no_success(self):
        samples = [[100 + i / 100, None, None, 0, i] for i in range(650)]
        out, text = told([record("step", what="core", span=2, target_us=5000, capacity=1000, series=[], weir=weir(watch=samples, recorder=[]))])
        self.assertEqual(out, {})
        self.assertIn("NOT MEASURED", text)

    def test_ramps(self):
        def ramp(way, scale):
            at = [i / 10 for i in range(1, 41)]
            offered = [0.1 + 2.9 * (t / 4 if way == "up" else 1 - t / 4) for t in at]
            return record("ramp", what="backend", dir=way, span=2, capacity=1000,
                          series=[[t, o * 1000, 0, scale * min(1000, o * 1000), 0] for t, o in zip(at, offered)])
        out, _ = told([ramp("up", 1), ramp("down", 0.9)])
        self.assertTrue(80 <= out["overload_hysteresis_backend_max_permille_weir_memif"] <= 140)
        out, _ = told([ramp("up", 1), ramp("down", 1)])
        self.assertLess(out["overload_hysteresis_backend_mean_permille_weir_memif"], 20)

    def test_level_changes_after_the_way_there(self):
        events = [{"kind": "level_change", "at_us": at} for at in (1e6, 1.5e6, 3e6)] + [{"kind": "door_open", "at_us": 9e6}]
        self.assertEqual(report.level_changes(record("steady", weir=weir(events=events))), 1)
        self.assertEqual(report.level_changes(record("steady")), 0)


class Others(unittest.TestCase):
    def test_priority_flood_p0(self):
        rows = [record("priority", capacity=1000, clients={"first": client(intended=1000, answers=999), "last": client(answers=0, p99_us=None)})]
        rows += [record("flood", to=to, clients={"load": client(answers_per_s=rate)}, packets={"syns": 5})
                 for to, rate in (("none", 100), ("dead", 80), ("service", 72))]
        rows += [record("p0", enabled=on, load=load, clients={"load": client(answers_per_s=rate)}, weir=weir(window={"sessions_closed": 10}))
                 for on, rate in (("yes", 99), ("no", 100)) for load in ("full", "half")]
        out, _ = told(rows)
        self.assertEqual(out["overload_priority_class0_served_ppm_weir_memif"], 999000)
        self.assertEqual(out["overload_flood_established_permille_weir_memif"], 900)
        self.assertEqual(out["overload_p0_cps_permille_weir_memif"], 990)
        self.assertEqual(out["overload_p0_cycles_permille_weir_memif"], 1000)

    def test_instructions(self):
        rows = [{"part": "ops", "name": name, "instructions": n} for name, n in
                (("short_backend_closes_v4", 20000), ("short_client_closes_v4", 22000), ("keepalive_64_v4", 8000), ("syn_dropped_v4", 1000), ("keepalive_64_off_v4", 7900))]
        out, _ = told(rows)
        self.assertEqual(out["overload_refusal_r_instructions_permille_syn_dropped_v4_weir"], 50)
        self.assertEqual(out["overload_p0_instructions_permille_keepalive_64_v4_weir"], 1012.7)

    def test_names_hold_no_odd_letters(self):
        out, _ = told([point("tight", 0.7, 700, who="haproxy"), point("on", 10, 1)])
        for name in out:
            self.assertRegex(name, "^overload_[a-z0-9_]+$")


class Points(unittest.TestCase):
    def test_share_inside_a_limit(self):
        curve = [[0, 10.0], [500000, 20.0], [1000000, 40.0]]
        self.assertEqual(overload_point.below(curve, 5), 0)
        self.assertEqual(overload_point.below(curve, 20), 0.5)
        self.assertEqual(overload_point.below(curve, 30), 0.75)
        self.assertEqual(overload_point.below(curve, 50), 1)

    def test_own_refusals_are_no_failures(self):
        one = {"name": "load", "intended": 10, "answers": 5, "good": 4, "errors": {"refused_local": 3, "reset": 2, "closed_early": 0}}
        got = overload_point.client(one, 2.0)
        self.assertEqual((got["failed"], got["local"], got["goodput_per_s"]), (2, 3, 2.0))
        self.assertEqual(got["errors"], {"refused_local": 3, "reset": 2})

    def test_counts_since(self):
        self.assertEqual(overload_point.since({"c": {"a": 5, "b": 1, "n": 2}}, {"c": {"a": 3, "b": 1}}, "c"), {"a": 2, "n": 2})

    def test_busy_cycles_are_never_below_0(self):
        first, last = ({"counters": {"cycles_busy": c, "loops_busy": n}} for c, n in ((0, 0), (100, 10)))
        self.assertEqual(overload_point.busy_cycles(first, last, 4), 60)
        self.assertEqual(overload_point.busy_cycles(first, last, 40), 0)


if __name__ == "__main__":
    unittest.main()
