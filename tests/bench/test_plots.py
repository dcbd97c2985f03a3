#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""plots.py: what it draws is well-formed and complete, and bad input is refused with a sentence."""
import contextlib
import csv
import io
import json
import pathlib
import sys
import tempfile
import unittest
import xml.etree.ElementTree

import plots


def hist(scale):
    return {"count": 10000, "curve": [[0, scale], [500000, 2 * scale], [990000, 9 * scale], [1000000, 20 * scale]]}


def rows(name, kind="client"):
    return [{"at_s": i, "span_s": 1.0, "phase": "measure", "kind": kind, "name": name, "trial": 0, "offered_per_s": 100,
             "started_per_s": 100, "answers_per_s": 90, "good_per_s": 80, "errors_per_s": 10, "error_reset": 10,
             "error_closed_early": 0, "lost_per_s": 1, "p50_us": 100.0, "p99_us": 900.0, "max_us": 1000.0} for i in range(1, 5)]


def result(offered=100.0, name="web", **run):
    return {"flat": {"offered_per_s": offered, "goodput_per_s": offered / 2, "p99_us": offered * 3, "errors": 7},
            "run": {"verdicts": ["a <verdict> & more"], **run}, "clients": [{"name": name, "answer": hist(50)}],
            "packets": [{"name": "flood", "latency": hist(5)}], "series": rows(name) + rows("flood", "packets")}


class Plots(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.dir = pathlib.Path(self.folder.name)
        self.out = self.dir / "out"

    def put(self, name, data):
        path = self.dir / name
        path.write_text(data if isinstance(data, str) else json.dumps(data), encoding="utf-8")
        return str(path)

    def run_main(self, *paths):
        said, printed = io.StringIO(), io.StringIO()
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(printed):
            code = plots.main([*paths, "-o", str(self.out)])
        return code, said.getvalue()

    def draw(self, *paths):
        """Names of the SVG files of the page; each is checked to be one."""
        code, said = self.run_main(*paths)
        self.assertEqual((code, said), (0, ""))
        names = {path.name for path in self.out.iterdir()} - {"index.html"}
        page = (self.out / "index.html").read_text(encoding="utf-8")
        for name in names:
            root = xml.etree.ElementTree.parse(self.out / name).getroot()
            self.assertTrue(root.tag.endswith("svg"))
            self.assertIn(f"src='{name}'", page)
        return names

    def text(self, name):
        return (self.out / name).read_text(encoding="utf-8")

    def test_one_run(self):
        names = self.draw(self.put("r.json", result()))
        self.assertEqual(names, {"latency.svg", "series0_0.svg", "series0_1.svg", "times0_0.svg", "times0_1.svg"})
        self.assertIn("99.9 %", self.text("latency.svg"))
        self.assertIn("error_reset", self.text("series0_0.svg"))
        self.assertNotIn("error_closed_early", self.text("series0_0.svg"))
        self.assertIn("returned", self.text("series0_1.svg"))
        self.assertIn("a &lt;verdict&gt; &amp; more", self.text("index.html"))

    def test_drawings(self):
        graphs = [{"title": "goodput", "x": "offered", "y": "good", "log": "x", "lines": [
            {"title": "weir", "points": [[100, 90], [1000, 80], [2000, None]]}, {"title": "empty", "points": []}]},
            {"title": "nothing", "x": "x", "y": "y", "lines": []}]
        names = self.draw(self.put("d.json", {"drawings": graphs}))
        self.assertEqual(names, {"drawing0_0.svg"})
        self.assertIn("weir", self.text("drawing0_0.svg"))

    def test_points_of_a_sweep_are_no_bars(self):
        names = self.draw(self.put("b.json", {"overload_x_goodput_per_s_200pct_weir_veth": 1, "overload_x_goodput_per_s_200pct_haproxy_veth": 2,
                                              "cps_weir_veth": 3, "cps_haproxy_veth": 4}))
        self.assertEqual(names, {"bars0.svg"})

    def test_sweep(self):
        files = [self.put(f"r{n}.json", result(n, generator_bound=n > 200)) for n in (300, 100, 200)]
        names = self.draw(*files)
        self.assertLessEqual({"sweep_goodput_per_s.svg", "sweep_p99_us.svg"}, names)
        self.assertIn("doubtful", self.text("sweep_goodput_per_s.svg"))

    def test_same_load_is_no_sweep(self):
        names = self.draw(self.put("a.json", result()), self.put("b.json", result()))
        self.assertFalse([name for name in names if name.startswith("sweep")])

    def test_search(self):
        data = result()
        data["search"] = {"unit": "connections/s", "text": "found it", "trials": [
            {"load": 10, "judgement": "passed", "quantile_us": 100.0}, {"load": 20, "judgement": "failed", "quantile_us": 900.0},
            {"load": 40, "judgement": "generator", "quantile_us": 0.0}]}
        self.assertIn("search0.svg", self.draw(self.put("r.json", data)))
        self.assertIn("found it", self.text("index.html"))

    def test_series_of_csv(self):
        path = self.dir / "r.csv"
        with open(path, "w", encoding="utf-8", newline="") as file:
            out = csv.DictWriter(file, rows("web")[0].keys())
            out.writeheader()
            out.writerows(dict(row, p50_us="") for row in rows("web"))  # none known
        self.assertEqual(self.draw(str(path)), {"series0_0.svg", "times0_0.svg"})
        self.assertNotIn(">p50<", self.text("times0_0.svg").replace(" ", ""))

    def test_bench(self):
        flat = {"proxy_rps_weir_veth": 30000.5, "proxy_rps_haproxy_veth": 15000, "proxy_rps_weir_memif": 400000,
                "idle_pair_bytes": 1234, "lonely_weir_veth": 1}
        self.assertEqual(self.draw(self.put("before.json", flat), self.put("after.json", flat)), {"bars0.svg", "bars1.svg"})
        self.assertIn("haproxy veth", self.text("bars1.svg"))
        self.assertIn("proxy_rps", self.text("bars1.svg"))

    def test_bar_names(self):
        self.assertEqual(plots.bar_name("proxy_short_cps_weir_veth"), ("proxy_short_cps", "weir veth"))
        self.assertEqual(plots.bar_name("idle_pair_bytes_haproxy"), ("idle_pair_bytes", "haproxy"))
        self.assertIsNone(plots.bar_name("tcp_data_in_cycles"))
        self.assertIsNone(plots.bar_name("weir_veth"))
        self.assertIsNone(plots.bar_name("x_weir_veth_more"))

    def test_odd_names(self):
        # Nothing of a name is run, though gnuplot knows back quotes, system() and @macros.
        name = f"a \"quoted\" 'so' \\n <b> {{x}}_y %d $z @m `touch {self.dir}/run` ".ljust(10)
        self.draw(self.put("r.json", result(name=name)), self.put("s ' t.json", result(50, "plain")))
        self.assertIn("&lt;b> {x}_y %d $z @m \u2019touch", self.text("latency.svg"))
        self.assertIn("a \"quoted\" 'so' \\n", self.text("latency.svg"))
        self.assertIn("s ' t plain", self.text("latency.svg"))
        self.assertFalse((self.dir / "run").exists())

    def test_values_missing(self):
        data = result()
        data["series"][0]["offered_per_s"] = None
        data["series"][1]["answers_per_s"] = float("nan")
        data["clients"][0]["answer"] = {"count": 0}
        del data["flat"]["p99_us"]
        self.draw(self.put("r.json", data))

    def test_bad_input(self):
        for name, data, said in (("x.json", "{", "Expecting"), ("y.json", "[1]", "no object"), ("z.json", {"a": "b"}, "numbers"),
                                 ("w.csv", "a,b\n1,2\n", "at_s"), ("v.json", {"flat": {}}, "nothing to draw"),
                                 ("u.json", {"flat": {}, "series": [{}]}, "not a result")):
            code, text = self.run_main(self.put(name, data))
            self.assertEqual(code, 1, name)
            self.assertIn(said, text)
            self.assertEqual(text.count("\n"), 1)
            self.assertFalse((self.out / "index.html").exists())
        code, text = self.run_main(str(self.dir / "absent.json"))
        self.assertEqual((code, text), (1, f"plots.py: cannot read {self.dir}/absent.json: No such file or directory\n"))


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    unittest.main()
