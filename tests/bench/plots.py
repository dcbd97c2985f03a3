#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""A page of plots: plots.py RESULT... -o DIR

RESULT: JSON of weir-gen (--json), its CSV (series alone), the flat JSON of scripts/bench, or drawings (report.py --drawings). Writes SVG files and
index.html into DIR, by gnuplot (package gnuplot-nox)."""
import argparse
import collections
import csv
import html
import json
import math
import os
import pathlib
import re
import subprocess
import sys

WIDTH, HEIGHT = 860, 430
HEADROOM = "set offsets 0, 0, graph 0.05, 0"
WIRES = ("veth", "memif", "ring")
WHOSE = ("weir", "haproxy", "nginx", "ceiling", "direct", "linux", "testpmd")
POINT = re.compile(r"_[0-9]{3,}pct_")  # of a sweep: curves show it, not bars
COLOURS = ("#0060ad", "#dd181f", "#00a000", "#e08000", "#8000a0", "#008080", "#806000", "#606060")


class Failure(Exception):
    """A sentence for the user."""


def number(value):
    """A number, or None for what is missing or no number."""
    try:
        value = float(value)
    except (TypeError, ValueError):
        return None
    return value if math.isfinite(value) else None


def quote(text):
    # Single quotes, and no back quotes: gnuplot runs what stands between those as a command.
    return "'" + re.sub(r"[\x00-\x1f]", " ", str(text)).replace("`", "\u2019").replace("'", "''") + "'"


# ---- gnuplot ----------------------------------------------------------------------------------------

class Line:
    """Points with a title."""

    def __init__(self, title, points, style="lines lw 2"):
        self.title, self.style = title, style
        self.points = [(x, y) for x, y in points if x is not None and y is not None]


def run_gnuplot(script):
    try:
        done = subprocess.run(["gnuplot", "-"], input=script, text=True, capture_output=True, check=False,
                              env={**os.environ, "LC_ALL": "C.UTF-8", "GNUTERM": "svg"})
    except FileNotFoundError:
        raise Failure("gnuplot is not installed: apt-get install gnuplot-nox") from None
    if done.returncode != 0:
        raise Failure("gnuplot: " + " ".join(done.stderr.split()))


def head(path, title, xlabel, ylabel):
    return [f"set terminal svg size {WIDTH},{HEIGHT} noenhanced background rgb 'white' font 'sans,12'",
            f"set output {quote(path)}", "set encoding utf8", f"set title {quote(title)} noenhanced",
            f"set xlabel {quote(xlabel)}", f"set ylabel {quote(ylabel)}",
            "set grid back lc rgb '#d0d0d0'", "set key outside right top", "set border 3", "set tics nomirror"]


def plot(path, title, xlabel, ylabel, lines, extra=()):
    """False when there is nothing to draw."""
    lines = [line for line in lines if line.points]
    if not lines:
        return False
    script = head(path, title, xlabel, ylabel) + list(extra)
    for i, line in enumerate(lines):
        script += [f"$d{i} << EOD"] + [f"{x:.10g} {y:.10g}" for x, y in line.points] + ["EOD"]
    script.append("plot " + ", ".join(
        f"$d{i} using 1:2 with {line.style} lc rgb {quote(COLOURS[i % len(COLOURS)])} title {quote(line.title)}"
        for i, line in enumerate(lines)))
    run_gnuplot("\n".join(script) + "\n")
    return True


# ---- what was read ----------------------------------------------------------------------------------

class Result:
    """One run of weir-gen."""

    def __init__(self, name, data):
        self.name, self.flat, self.run = name, data.get("flat", {}), data.get("run", {})
        self.clients, self.packets = data.get("clients", []), data.get("packets", [])
        self.series, self.search = data.get("series", []), data.get("search")

    def flag(self):
        """Why its figures are not what they seem, or an empty string."""
        for key, text in (("generator_bound", "generator-bound"), ("behind_schedule", "behind schedule"),
                          ("interrupted", "interrupted")):
            if self.run.get(key):
                return text
        return ""


class Drawings:
    """Curves that a report of scripts/bench made: graphs of titles, axes and lines of points."""

    def __init__(self, graphs):
        self.graphs = graphs


def read_csv(path):
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    if not rows or "at_s" not in rows[0]:
        raise Failure(f"{path}: not a series of weir-gen: its first row should name the column at_s")
    return Result(path.stem, {"series": rows})


def read(path):
    """A Result, Drawings, or the dictionary of flat metrics of scripts/bench."""
    try:
        if path.suffix == ".csv":
            return read_csv(path)
        with open(path, encoding="utf-8") as file:
            data = json.load(file)
    except OSError as error:
        raise Failure(f"cannot read {path}: {error.strerror}") from None
    except ValueError as error:
        raise Failure(f"{path}: {error}") from None
    if not isinstance(data, dict):
        raise Failure(f"{path}: neither a result of weir-gen nor metrics of scripts/bench: no object")
    if isinstance(data.get("flat"), dict):
        return Result(path.stem, data)
    if isinstance(data.get("drawings"), list):
        return Drawings(data["drawings"])
    values = {key: value for key, value in data.items() if isinstance(value, (int, float))}
    if not values:
        raise Failure(f"{path}: neither a result of weir-gen (\"flat\") nor metrics of scripts/bench (numbers)")
    return values


# ---- plots of weir-gen ------------------------------------------------------------------------------

def curve(title, latency):
    # A share p is drawn at 1 / (1 - p), which gives each further nine the same room.
    points = latency.get("curve") or []
    # No further to the right than one value of all can tell.
    last = min(max(latency.get("count", 0), 1), 2e6)
    return Line(title, [(min(1e6 / max(1e6 - ppm, 0.5), last), us) for ppm, us in points if us > 0], "lines lw 2")


def plot_latency(results, out):
    lines = [curve(f"{r.name} {c['name']}", c.get("answer", {})) for r in results for c in r.clients]
    lines += [curve(f"{r.name} {p['name']}", p.get("latency", {})) for r in results for p in r.packets]
    # Labels of tics are formats.
    tics = ", ".join(f'"{p}%" {at}' for p, at in (("0 %", 1), ("50 %", 2), ("90 %", 10), ("99 %", 100), ("99.9 %", 1000),
                                                 ("99.99 %", 10000), ("99.999 %", 100000)))
    return plot(out / "latency.svg", "Latency from the intended time", "share of the requests", "microseconds", lines,
                ("set logscale xy", f"set xtics ({tics})", "set xrange [1:*]"))


def populations(result):
    rows = collections.defaultdict(list)
    for row in result.series:
        rows[(row.get("kind", "client"), row["name"], int(number(row.get("trial")) or 0))].append(row)
    return rows


def column(rows, name):
    return [(number(row["at_s"]), number(row.get(name))) for row in rows]


def errors_named(rows):
    names = [name for name in rows[0] if name.startswith("error_")]
    return [name for name in names if any(number(row.get(name)) for row in rows)]


def plot_series(result, number_of, out):
    """Files made: rates and latencies of each population."""
    made = []
    for i, ((kind, name, trial), rows) in enumerate(populations(result).items()):
        who = f"{result.name}: {kind} {name}" + (f", trial {trial}" if trial else "")
        rates = [("offered_per_s", "offered"), ("answers_per_s", "answers"), ("good_per_s", "good"),
                 ("errors_per_s", "errors")]
        if kind == "packets":
            rates = [("offered_per_s", "offered"), ("started_per_s", "sent"), ("answers_per_s", "returned"),
                     ("lost_per_s", "lost")]
        lines = [Line(title, column(rows, key), "linespoints lw 2 pt 7 ps 0.4") for key, title in rates]
        for key in errors_named(rows):
            # Counts of an interval as a rate, as the others.
            points = [(number(r["at_s"]), (number(r.get(key)) or 0) / (number(r.get("span_s")) or 1)) for r in rows]
            lines.append(Line(key, points, "lines lw 1 dt 2"))
        path = out / f"series{number_of}_{i}.svg"
        if plot(path, who, "seconds", "per second", lines, ("set yrange [0:*]", HEADROOM)):
            made.append(path.name)
        lines = [Line(title, column(rows, key), "linespoints lw 2 pt 7 ps 0.4")
                 for key, title in (("p50_us", "p50"), ("p99_us", "p99"), ("max_us", "max"), ("lag_p99_us", "lag p99"))]
        lines = [Line(line.title, [(x, y) for x, y in line.points if y > 0], line.style) for line in lines]
        path = out / f"times{number_of}_{i}.svg"
        if plot(path, who, "seconds", "microseconds", lines, ("set logscale y",)):
            made.append(path.name)
    return made


def sweep(results):
    """Results of one kind of load, by what was offered."""
    points = [(number(r.flat.get("offered_per_s")), r) for r in results if number(r.flat.get("offered_per_s"))]
    return sorted(points, key=lambda p: p[0]) if len({load for load, _ in points}) > 1 else []


def plot_sweep(results, out):
    points, made = sweep(results), []
    doubtful = [(load, r) for load, r in points if r.flag()]
    for key, text, unit, extra in (
            ("goodput_per_s", "Goodput against offered load", "good answers per second", ("set yrange [0:*]", HEADROOM)),
            ("p99_us", "p99 against offered load", "microseconds", ("set logscale y",))):
        lines = [Line(key.rsplit("_", 2 if key.endswith("per_s") else 1)[0],
                      [(load, number(r.flat.get(key))) for load, r in points], "linespoints lw 2 pt 7 ps 0.7"),
                 Line("doubtful: see the verdicts", [(load, number(r.flat.get(key))) for load, r in doubtful],
                      "points pt 6 ps 1.6 lw 2")]
        if key == "goodput_per_s":
            lines.append(Line("as offered", [(load, load) for load, _ in points], "lines dt 2"))
        path = out / f"sweep_{key}.svg"
        if plot(path, text, "offered per second", unit, lines, extra):
            made.append(path.name)
    return made


def plot_search(result, number_of, out):
    search = result.search or {}
    lines = []
    for i, judgement in enumerate(("passed", "failed", "generator")):
        lines.append(Line(judgement, [(number(t["load"]), number(t["quantile_us"]) or None)
                                      for t in search.get("trials", []) if t["judgement"] == judgement],
                          f"points pt {(7, 2, 6)[i]} ps 0.8"))
    path = out / f"search{number_of}.svg"
    title = f"{result.name}: trials of the search"
    return [path.name] if plot(path, title, search.get("unit", "load"), "microseconds at the quantile", lines,
                               ("set logscale xy",)) else []


# ---- drawings of a report ---------------------------------------------------------------------------

def plot_drawings(graphs, number_of, out):
    made = []
    for i, graph in enumerate(graphs):
        log = graph.get("log", "")
        extra = [f"set logscale {log}"] if log else []
        if "y" not in log:
            extra += ["set yrange [0:*]", HEADROOM]
        lines = [Line(line["title"], [(number(x), number(y)) for x, y in line["points"]],
                      "lines lw 2" if len(line["points"]) > 50 else "linespoints lw 2 pt 7 ps 0.7") for line in graph["lines"]]
        path = out / f"drawing{number_of}_{i}.svg"
        if plot(path, graph["title"], graph["x"], graph["y"], lines, extra):
            made.append(path.name)
    return made


# ---- bars of scripts/bench --------------------------------------------------------------------------

def bar_name(key):
    """(what, whose/wire) of a metric named <what>_<whose>[_<wire>]; None for another."""
    parts = key.split("_")
    for at in range(1, len(parts)):
        rest = parts[at + 1:]
        if parts[at] in WHOSE and (not rest or (len(rest) == 1 and rest[0] in WIRES)):
            return "_".join(parts[:at]), " ".join(parts[at:])
    return None


def bar_groups(files):
    """what -> {whose/wire -> {file -> value}}, those with something to compare."""
    groups = collections.defaultdict(lambda: collections.defaultdict(dict))
    for name, values in files:
        for key, value in values.items():
            named = None if POINT.search(key) else bar_name(key)
            if named and number(value) is not None:
                groups[named[0]][named[1]][name] = value
    return {what: bars for what, bars in groups.items() if len(bars) > 1 or any(len(v) > 1 for v in bars.values())}


def plot_bars(what, bars, names, path):
    script = head(path, what, "", what) + [
        "set style data histograms", "set style histogram clustered gap 1", "set style fill solid 0.8 border -1",
        "set boxwidth 0.9", "set yrange [0:*]", "set xtics rotate by -20"] + ["$d << EOD"]
    for bar, values in sorted(bars.items()):
        script.append(f'"{bar}" ' + " ".join(f"{values[n]:.10g}" if n in values else "NaN" for n in names))
    script += ["EOD", "plot " + ", ".join(
        f"$d using {i + 2}:xtic(1) lc rgb {quote(COLOURS[i % len(COLOURS)])} title {quote(n)}" for i, n in enumerate(names))]
    run_gnuplot("\n".join(script) + "\n")


def plot_bench(files, out):
    made = []
    for i, (what, bars) in enumerate(sorted(bar_groups(files).items())):
        path = out / f"bars{i}.svg"
        plot_bars(what, bars, [name for name, _ in files], path)
        made.append(path.name)
    return made


# ---- the page ---------------------------------------------------------------------------------------

def page(sections, results):
    text = ["<!DOCTYPE html>", "<html lang='en'><head><meta charset='utf-8'><title>weir-gen</title>",
            "<style>body{font-family:sans-serif;max-width:900px;margin:2em auto}td,th{padding:.1em .8em;text-align:right}"
            "td:first-child,th:first-child{text-align:left}.bad{color:#b00}img{max-width:100%}</style></head><body>"]
    if results:
        text.append("<h1>weir-gen</h1>")
        for r in results:
            verdicts = r.run.get("verdicts", [])
            if r.search:
                verdicts = [r.search.get("text", "")] + verdicts
            for verdict in verdicts:
                text.append(f"<p class='bad'>{html.escape(r.name)}: {html.escape(str(verdict))}</p>")
        text.append(table([r for r in results if r.flat]))
    for title, files in sections:
        if files:
            text.append(f"<h2>{html.escape(title)}</h2>")
            text += [f"<p><img src='{html.escape(name)}' alt='{html.escape(name)}'></p>" for name in files]
    return "\n".join(text + ["</body></html>"]) + "\n"


def table(results):
    keys = ("offered_per_s", "answers_per_s", "goodput_per_s", "errors", "p50_us", "p99_us", "p999_us",
            "core_busy_permille")
    keys = [key for key in keys if any(key in r.flat for r in results)]
    if not keys:
        return ""
    rows = ["<table><tr><th>run</th>" + "".join(f"<th>{key}</th>" for key in keys) + "</tr>"]
    for r in results:
        values = [number(r.flat.get(key)) for key in keys]
        cells = "".join("<td>-</td>" if v is None else f"<td>{v:,.1f}</td>" for v in values)
        rows.append(f"<tr><td>{html.escape(r.name)}</td>{cells}</tr>")
    return "\n".join(rows + ["</table>"])


def make(paths, out):
    """Read, draw, write; returns the names of the files made."""
    read_all = [(path.stem, read(path)) for path in paths]
    results = [data for _, data in read_all if isinstance(data, Result)]
    drawn = [data.graphs for _, data in read_all if isinstance(data, Drawings)]
    bench = [(name, data) for name, data in read_all if isinstance(data, dict)]
    out.mkdir(parents=True, exist_ok=True)
    sections = [("Latency", ["latency.svg"] if plot_latency(results, out) else []),
                ("Sweep", plot_sweep(results, out)),
                ("Search", [name for i, r in enumerate(results) for name in plot_search(r, i, out)]),
                ("Over time", [name for i, r in enumerate(results) for name in plot_series(r, i, out)]),
                ("Curves", [name for i, graphs in enumerate(drawn) for name in plot_drawings(graphs, i, out)]),
                ("Benchmarks", plot_bench(bench, out))]
    made = [name for _, files in sections for name in files]
    if not made:
        raise Failure("nothing to draw: no run was measured, and no metric is named <what>_<whose>_<wire>")
    (out / "index.html").write_text(page(sections, results), encoding="utf-8")
    return made + ["index.html"]


def main(argv):
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("results", nargs="+", type=pathlib.Path, metavar="RESULT")
    parser.add_argument("-o", dest="out", required=True, type=pathlib.Path, metavar="DIR")
    args = parser.parse_args(argv)
    try:
        made = make(args.results, args.out)
    except Failure as failure:
        print(f"plots.py: {failure}", file=sys.stderr)
        return 1
    except (KeyError, TypeError, AttributeError) as error:
        print(f"plots.py: not a result as weir-gen writes it: {type(error).__name__} {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"plots.py: cannot write {args.out}: {error.strerror}", file=sys.stderr)
        return 1
    print(f"{args.out}/index.html: {len(made) - 1} plots")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
