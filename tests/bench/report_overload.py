# SPDX-License-Identifier: BSD-3-Clause
"""Tables of the overload benchmark: a line is one record as JSON (overload_point.py). Medians over rounds; of errors, residuals
and memory the worst. A point whose generator had less than a fifth of its core idle, or fell behind its schedule, says so."""
import collections
import json
import statistics

IDLE_MIN = 200
OBJECTIVE_MOST_US = 200000  # twice a p99 at 0.7 of capacity; more was a disturbed machine
REQUESTS = 8  # of a connection of the core-limited load
MEASURES = {  # what was measured: text, and whose count is the units
    "served_short": ("a connection served: one request, backend closes", ("sessions_closed",)),
    "served_kept": ("a connection served: 8 requests, client closes", ("sessions_closed",)),
    "reset": ("SYN refused with a reset", ("door_reset",)),
    "drop": ("SYN dropped and counted, by parser and door", ("door_dropped",)),
    "cookie": ("SYN answered with a cookie that nobody brings back", ("tcp_syn_in",)),
    "flood": ("SYN of a flood as fast as the wire takes it", ("door_asked", "tcp_syn_in")),
    "pending_timeout": ("session that waited for a backend in vain", ("pending_timeouts",)),
}
PARTS = {
    "backend": "overload_backend: capacity is that of 3 backends with 8 places each; connections of one request, Poisson",
    "nginx": "overload_nginx: the same before one real nginx with one worker and 64 connections, HTTP",
    "core": "overload_core: capacity is that of Weir's core; connections of 8 kept requests of 64 bytes, Poisson",
}
SETS = {"off": "pressure off", "on": "", "tight": "short queue"}


def read(lines):
    return [json.loads(line) for line in lines]


def pick(records, **want):
    return [r for r in records if all(r.get(key) == value for key, value in want.items())]


def median(values):
    values = [v for v in values if v is not None]
    return statistics.median(values) if values else None


def worst(values):
    return max((v for v in values if v is not None), default=0)


def number(value, digits=0):
    return "-" if value is None else f"{value:,.{digits}f}"


def percent(value, digits=1):
    return "-" if value is None else f"{100 * value:.{digits}f} %"


def pct(x):
    """A point of a sweep in a name: 0.7 is 070pct."""
    return f"{round(100 * x):03d}pct"


def doubt(rows):
    """Why a row is not what it seems."""
    words = []
    if any(r["idle_permille"] < IDLE_MIN for r in rows):
        words.append("generator-bound")
    if any(r["behind"] for r in rows):
        words.append("behind schedule")
    if any(r["lost"] for r in rows):
        words.append(f"{worst(r['lost'] for r in rows)} frames lost by the generator")
    if any(one["local"] for r in rows for one in r["clients"].values()):
        words.append("refused by the generator itself")
    return words


def merge(dicts):
    """The worst count of each kind."""
    out = collections.Counter()
    for one in dicts:
        for key, n in one.items():
            out[key] = max(out[key], n)
    return out


def words_of(counts):
    return " ".join(f"{name} {n:,}" for name, n in sorted(counts.items(), key=lambda p: -p[1])) or "none"


# ---- what refusing costs ----------------------------------------------------------------------------

def unit_cycles(record):
    weir = record["weir"]
    names = MEASURES[record["measure"]][1]
    counts = {**weir["window_drops"], **weir["window"]}
    units = next((counts[name] for name in names if counts.get(name)), 0)
    # No cycles beyond those of idle turns: something else had the core while idle turns were timed.
    return weir["cycles"] / units if units and weir["cycles"] > 0 else None


def costs(records):
    return {m: median([unit_cycles(r) for r in pick(records, part="refusal", measure=m)]) for m in MEASURES
            if pick(records, part="refusal", measure=m)}


def ratio(cost, base):
    return cost / base if cost is not None and base else None


def report_costs(records, out):
    cost = costs(records)
    if not cost:
        return
    print("\noverload_refusal: cycles of Weir's core for one unit, memif, turns that moved something less what polling costs;")
    print("  r: its share of what it costs to serve a short connection, and one of 8 kept requests")
    print(f"  {'measure':16} {'cycles':>10} {'r short':>9} {'r kept 8':>9} {'core busy':>10}  what")
    for measure, cycles in cost.items():
        rows = pick(records, part="refusal", measure=measure)
        r1, r8 = (ratio(cycles, cost.get(base)) for base in ("served_short", "served_kept"))
        busy = median([r["weir"]["busy_permille"] for r in rows]) / 1000
        why = words_of({name: n for name, n in rows[-1]["weir"]["window_drops"].items() if n > 100 and name.startswith(("syn_", "reset_rate"))})
        print(f"  {measure:16} {number(cycles):>10} {percent(r1):>9} {percent(r8):>9} {busy:10.0%}  {MEASURES[measure][0]}"
              + ("" if measure.startswith("served") else f" ({why})"))
        if cycles is not None:
            out[f"overload_refusal_cycles_{measure}_weir_memif"] = round(cycles, 1)
        for name, r in (("short", r1), ("kept", r8)):
            if r is not None and not measure.startswith("served"):
                out[f"overload_refusal_r_{name}_permille_{measure}_weir_memif"] = round(1000 * r, 2)


def report_ops(records, out):
    ops = {r["name"]: r["instructions"] for r in pick(records, part="ops")}
    short, kept = ops.get("short_backend_closes_v4"), ops.get("keepalive_64_v4")
    if not short or not kept:
        return
    eight = ops.get("short_client_closes_v4", short) + (REQUESTS - 1) * kept
    print("\noverload_refusal by instructions: whole operations through the worker (callgrind), without the port's driver")
    print(f"  {'operation':28} {'instructions':>13} {'r short':>9} {'r kept 8':>9}")
    for name, n in ops.items():
        print(f"  {name:28} {n:13,.0f} {percent(n / short):>9} {percent(n / eight):>9}")
        if not name.startswith(("short", "keepalive")):  # what is served
            out[f"overload_refusal_r_instructions_permille_{name}_weir"] = round(1000 * n / short, 2)
            out[f"overload_refusal_r_kept_instructions_permille_{name}_weir"] = round(1000 * n / eight, 2)


# ---- sweeps -----------------------------------------------------------------------------------------

def load_of(record):
    return record["clients"]["load"]


def per_connection(record):
    return REQUESTS if record["part"] == "core" else 1


def goodput(rows):
    return median([load_of(r)["goodput_per_s"] / per_connection(r) for r in rows])


def refusal_r(records, rows, base="served_kept"):
    """r of what these points refused, weighted by how often each measure was used."""
    cost = costs(records)
    total = weight = 0
    for r in rows:
        w = r["weir"]["window"]
        early = w.get("syn_early", 0)
        for measure, n in (("reset", w.get("door_reset", 0)), ("drop", max(0, w.get("door_dropped", 0) - early)), ("flood", early)):
            share = ratio(cost.get(measure), cost.get(base))
            if share is not None and n > 0:
                total += n * share
                weight += n
    return total / weight if weight else None


def ceiling(peak, m, r):
    """The best that refusing can leave: overload.md, (1 - m r) / (1 - r) of the peak; below capacity what is offered."""
    if m <= 1 or r is None or r >= 1:
        return None
    return peak * max(0.0, (1 - m * r) / (1 - r))


def groups(records, part):
    out = collections.defaultdict(lambda: collections.defaultdict(list))
    for r in records:
        if r.get("part") == part and r.get("x", 0) > 0:
            out[r["wire"], r["who"], r["set"]][r["x"]].append(r)
    return out


def peaks(sides):
    """Of each wire and balancer: the best without pressure, or of what it has."""
    out = {}
    for (wire, who, kind), points in sides.items():
        best = max(goodput(rows) for rows in points.values())
        if kind == "off" or (wire, who, "off") not in sides:
            out[wire, who] = max(best, out.get((wire, who), 0))
    return out


def failures_unexplained(record):
    """Failures that clients saw, and SYNs that they sent again, less what Weir says it refused."""
    if record["syns_again"] is None:
        return None
    return sum(one["failed"] for one in record["clients"].values()) + record["syns_again"] - record["weir"]["refused"]


def point_notes(records, rows, peak, out, name):
    words = doubt(rows)
    if rows[0]["who"] != "weir":
        return words
    weir = [r["weir"] for r in rows]
    lefts = [failures_unexplained(r) for r in rows]
    left = max((n for n in lefts if n is not None), key=abs, default=None)
    flight = worst(r["in_flight"] for r in rows)
    words.append(f"refused {words_of(merge(w['refused_how'] for w in weir))}")
    words.append(f"reasons {words_of(merge(w['reasons'] for w in weir))}")
    words.append(f"unexplained {number(left)} of {flight:,.0f} in flight")
    cap, rss = worst(r.get("cap_mib") for r in rows), worst(w["rss_kib"] for w in weir) / 1024
    if cap and rss > cap:
        words.append(f"MEMORY ABOVE THE {cap:,.0f} MiB that Weir computed from its configuration")
    residual = worst(w["residual"] for w in weir)
    if residual:
        words.append(f"LEDGER RESIDUAL {residual} ({words_of(merge(w['residuals'] for w in weir))})")
    out[f"overload_{name[0]}refused_{name[1]}"] = worst(w["refused"] for w in weir)
    out[f"overload_{name[0]}residual_{name[1]}"] = residual
    out[f"overload_{name[0]}rss_mib_{name[1]}"] = round(worst(w["rss_kib"] for w in weir) / 1024)
    out[f"overload_{name[0]}in_flight_{name[1]}"] = flight
    if cap:
        out[f"overload_{name[0]}rss_of_cap_permille_{name[1]}"] = round(1000 * rss / cap)
    if left is not None:
        out[f"overload_{name[0]}unexplained_{name[1]}"] = left
    return words


def report_ceiling(records, rows, peak, out, name):
    """Of a core-limited point: m, r, the ceiling, and how much of it was reached."""
    m = median([r["weir"]["asked_per_s"] for r in rows]) / peak if peak else 0
    r = refusal_r(records, rows)
    best = ceiling(peak, m, r)
    got = goodput(rows)
    if best is None:
        return f"m {m:.2f}"
    out[f"overload_{name[0]}ceiling_permille_{name[1]}"] = round(1000 * got / best) if best else 0
    return f"m {m:.2f}, r {percent(r)}, ceiling {number(best)}: {percent(got / best) if best else 'nothing can be served'} of it"


def report_sweep(records, part, out):
    sides = groups(records, part)
    if not sides:
        return
    best = peaks(sides)
    print(f"\n{PARTS[part]}")
    print("  goodput: answers inside the objective, twice the p99 at 0.7 without pressure; of peak: of the best of the sweep without pressure")
    for key, points in sorted(sides.items()):
        wire, who, kind = key
        first = next(iter(points.values()))[0]
        least = " (the least that can be asked)" if first["objective_us"] == first.get("least_us") else ""
        if first["objective_us"] > OBJECTIVE_MOST_US:
            least = ", which no quiet machine has: the run that gave it was disturbed, run again"
        print(f"  {who} {wire} {SETS[kind]}: objective {first['objective_us'] / 1000:.1f} ms{least}".replace(" :", ":"))
        print(f"    {'of capacity':>11} {'offered/s':>10} {'goodput/s':>10} {'of peak':>8} {'p50 ms':>8} {'p99 ms':>8} {'core':>5} {'RSS MiB':>8} {'gen. idle':>9}  notes")
        for x, rows in sorted(points.items()):
            offered = x * median([r["capacity"] for r in rows])
            got, name = goodput(rows), (f"{part}_{'' if kind == 'on' else kind + '_'}", f"{pct(x)}_{who}_{wire}")
            p50, p99 = (median([load_of(r)[q] for r in rows]) for q in ("p50_us", "p99_us"))
            share = got / best[wire, who] if best[wire, who] else None
            out[f"overload_{name[0]}offered_per_s_{name[1]}"] = round(offered)
            out[f"overload_{name[0]}goodput_per_s_{name[1]}"] = round(got, 1)
            out[f"overload_{name[0]}of_peak_permille_{name[1]}"] = round(1000 * share) if share is not None else 0
            out[f"overload_{name[0]}generator_idle_permille_{name[1]}"] = min(r["idle_permille"] for r in rows)
            if p99:
                out[f"overload_{name[0]}p99_us_{name[1]}"] = round(p99)
            words = point_notes(records, rows, best[wire, who], out, name)
            if part == "core" and kind == "on":
                words.insert(0, report_ceiling(records, rows, best[wire, who], out, name))
            words.append("errors " + words_of(merge(load_of(r)["errors"] for r in rows)))
            weir = [r["weir"] for r in rows if "weir" in r]
            core = f"{median([w['busy_permille'] for w in weir]) / 1000:.0%}" if weir else "-"
            rss = number(worst(w["rss_kib"] for w in weir) / 1024) if weir else "-"
            print(f"    {x:10g}x {number(offered):>10} {number(got):>10} {percent(share):>8} {number(p50 and p50 / 1000, 1):>8} "
                  f"{number(p99 and p99 / 1000, 1):>8} {core:>5} {rss:>8} {min(r['idle_permille'] for r in rows) / 1000:9.0%}  {'; '.join(words)}")


# ---- in time ----------------------------------------------------------------------------------------

def start_of(samples):
    """When the load began: the first sample with a session more than before."""
    for s in samples:
        if s[4] > samples[0][4]:
            return s[0]
    return samples[0][0]


def delay_at(sample, what):
    return sample[1 if what == "backend" else 2]


def back_under(points, target, calm=0.1):
    """Seconds from the first delay above target until all of the next `calm` seconds are at or below it; None: never."""
    over = next((i for i, (_, delay) in enumerate(points) if delay > target), None)
    if over is None:
        return 0.0
    since = None
    for at, delay in points[over:]:
        if delay > target:
            since = None
        elif since is None:
            since = at
        if since is not None and at - since >= calm:
            return since - points[over][0]
    return None


def last_over(points, target, begin):
    return max((at - begin for at, delay in points if delay > target), default=0.0)


def step_figures(record):
    samples, span, target = record["weir"]["watch"], record["span"], record["target_us"]
    begin = start_of(samples)
    points = [(s[0] - begin, delay_at(s, record["what"])) for s in samples if delay_at(s, record["what"]) is not None]
    # The wait in receive queues lasts milliseconds, between two samples: the longest of each 100 ms is the flight recorder's.
    flights = [(r[0] - begin, r[1]) for r in record["weir"]["recorder"]]
    if record["what"] == "core" and points:
        points = sorted(points + flights)
    up = [p for p in points if span <= p[0] < 2 * span]
    down = [p for p in points if 2 * span <= p[0] < 3 * span]
    flight = max((wait for at, wait in flights if span <= at < 2 * span), default=None)
    return {"flight_us": flight, "up_s": back_under(up, target, 0.25 if flights and record["what"] == "core" else 0.1), "down_s": last_over(down, target, 2 * span),
            "max_us": max((d for _, d in up), default=0), "above": sum(d > target for _, d in up) / max(1, len(up)),
            "level": max((s[3] for s in samples), default=0), "points": points}


def report_steps(records, out):
    rows = pick(records, part="step")
    if not rows:
        return
    print("\noverload_step: 0.7 -> 1.4 -> 0.7 of capacity, memif; delay of the queue sampled each 10 ms (backend: pending_wait, core: lag)")
    for what in ("backend", "core"):
        runs = [(r, step_figures(r)) for r in rows if r["what"] == what]
        runs = [(r, f) for r, f in runs if f["points"]]
        if not runs:
            if any(r["what"] == what for r in rows):
                print(f"  {what:8} NOT MEASURED: Weir showed no delay of that queue")
            continue
        spans = [r["span"] if f["up_s"] is None else f["up_s"] for r, f in runs]
        up, down = median(spans), median([f["down_s"] for _, f in runs])
        high, above = worst(f["max_us"] for _, f in runs), median([f["above"] for _, f in runs])
        flight = worst(f["flight_us"] for _, f in runs)
        notes = "; ".join([f"flight recorder's longest lag at 1.4: {flight / 1000:,.1f} ms"] + doubt([r for r, _ in runs]))
        print(f"  {what:8} target {runs[0][0]['target_us'] / 1000:g} ms: back under it after {1000 * up:,.0f} ms up and {1000 * down:,.0f} ms down; "
              f"highest {high / 1000:,.1f} ms, above target {above:.1%} of the time at 1.4, level up to P{worst(f['level'] for _, f in runs)}; {notes}")
        for name, value in (("up_ms", 1000 * up), ("down_ms", 1000 * down), ("delay_max_us", high), ("lag_max_us", flight), ("above_permille", 1000 * above)):
            out[f"overload_step_{what}_{name}_weir_memif"] = round(value)


def per_unit(record):
    return REQUESTS if record["what"] == "core" else 1


def served_bins(record, width=0.5):
    """Goodput by multiples of capacity, which follow from the time: requests of those that were refused are offered by nobody."""
    out = collections.defaultdict(list)
    span = 2 * record["span"]
    first, last = (0.1, 3.0) if record["dir"] == "up" else (3.0, 0.1)
    for at, _, _, good, _ in record["series"]:
        if at <= span:
            out[int((first + (last - first) * at / span) / width)].append(good / per_unit(record))
    return {key: statistics.mean(values) for key, values in out.items() if len(values) > 2}


def report_ramps(records, out):
    for what in ("backend", "core"):
        ups, downs = (pick(records, part="ramp", what=what, dir=d) for d in ("up", "down"))
        worsts, means = [], []
        for one, two in zip(ups, downs):
            a, b = served_bins(one), served_bins(two)
            peak = max([*a.values(), *b.values()], default=0)
            gaps = [abs(a[k] - b[k]) / peak for k in a.keys() & b.keys() if peak]
            if gaps:
                worsts.append(max(gaps))
                means.append(statistics.mean(gaps))
        if not worsts:
            continue
        print(f"  {what:8} up and down sweep 0.1x to 3x and back: goodput differs by {percent(median(means))} of peak on average, "
              f"{percent(median(worsts))} at most (bins of 0.5x)")
        out[f"overload_hysteresis_{what}_mean_permille_weir_memif"] = round(1000 * median(means))
        out[f"overload_hysteresis_{what}_max_permille_weir_memif"] = round(1000 * median(worsts))


def level_changes(record, settle_us=1e6):
    """Changes of level from a second after the first one on, which is the way there."""
    changes = sorted(e["at_us"] for e in record["weir"]["events"] if e["kind"] in ("level_change", "service_level"))
    return sum(at > changes[0] + settle_us for at in changes)


def report_steady(records, out):
    for what in ("backend", "core"):
        rows = pick(records, part="steady", what=what)
        if not rows:
            continue
        seconds = [max(1.0, max(s[0] for s in r["series"]) - 1) for r in rows]
        per_5s = worst(5 * level_changes(r) / s for r, s in zip(rows, seconds))
        spread = []
        for r in rows:
            good = [s[3] for s in r["series"][1:-1]]
            if len(good) > 1 and statistics.mean(good) > 0:
                spread.append(statistics.pstdev(good) / statistics.mean(good))
        print(f"  {what:8} steady 2x: {per_5s:.1f} level changes in 5 s, goodput of seconds varies by {percent(median(spread))}; {'; '.join(doubt(rows))}")
        out[f"overload_steady_{what}_level_changes_per_5s_weir_memif"] = round(per_5s, 2)
        if spread:
            out[f"overload_steady_{what}_spread_permille_weir_memif"] = round(1000 * median(spread))
    for what in ("backend", "core"):
        rows = pick(records, part="burst", what=what)
        if not rows:
            continue
        refused, failed = worst(r["weir"]["refused"] for r in rows), worst(load_of(r)["failed"] for r in rows)
        print(f"  {what:8} burst of 3x for 50 ms at 0.6x: {refused:,} refused, {failed:,} failed ({words_of(merge(load_of(r)['errors'] for r in rows))}), "
              f"p99 {number(median([load_of(r)['p99_us'] for r in rows]) / 1000, 1)} ms; {'; '.join(doubt(rows))}")
        out[f"overload_burst_{what}_refused_weir_memif"] = refused
        out[f"overload_burst_{what}_failed_weir_memif"] = failed


# ---- who is served ----------------------------------------------------------------------------------

def report_priority(records, out):
    rows = pick(records, part="priority")
    if not rows:
        return
    print("\noverload_priority: backend-limited, memif; class 0 is offered 0.5x of capacity, class 7 10x")
    for who, kind in (("first", 0), ("last", 7)):
        ones = [r["clients"][who] for r in rows]
        share = median([one["answers"] / one["intended"] if one["intended"] else 0 for one in ones])
        print(f"  class {kind}: offered {number(median([o['offered_per_s'] for o in ones]))}/s, served {percent(share, 3)}, "
              f"p99 {number((median([o['p99_us'] for o in ones]) or 0) / 1000, 1)} ms, errors {words_of(merge(o['errors'] for o in ones))}")
        out[f"overload_priority_class{kind}_served_ppm_weir_memif"] = round(1e6 * share)
    print(f"  {'; '.join(doubt(rows))}")


def report_flood(records, out):
    rates = {to: median([load_of(r)["answers_per_s"] for r in pick(records, part="flood", to=to)]) for to in ("none", "dead", "service")}
    if rates["service"] is None:
        return
    rows = pick(records, part="flood")
    print("\noverload_flood: requests on 64 established connections, memif, beside a flood of SYNs at 10x of the core's connections, spoofed sources")
    for to, rate in rates.items():
        sent = median([r["packets"].get("syns", 0) for r in pick(records, part="flood", to=to)])
        notes = "; ".join(doubt(pick(records, part="flood", to=to)))
        print(f"  {'no flood' if to == 'none' else 'at a dead address' if to == 'dead' else 'at the service':18} {number(rate):>12} requests/s, {number(sent)} SYNs {notes}")
        out[f"overload_flood_{to}_rps_weir_memif"] = round(rate or 0)
    if rates["dead"]:
        print(f"  established goodput: {percent(rates['service'] / rates['dead'])} of what is left beside the same flood at a dead address")
        out["overload_flood_established_permille_weir_memif"] = round(1000 * rates["service"] / rates["dead"])
    reasons = merge(r["weir"]["window_drops"] for r in rows if r["to"] == "service")
    print(f"  drops: {words_of({k: n for k, n in reasons.items() if n > 100})}")


def report_p0_ops(records, out):
    """Operations that are there with pressure and without: X_v4 and X_off_v4."""
    ops = {r["name"]: r["instructions"] for r in pick(records, part="ops")}
    for name, without in ops.items():
        same = name.replace("_off_v4", "_v4")
        if same == name or same not in ops:
            continue
        print(f"\noverload_p0 by instructions: {same} {number(ops[same], 1)}, without pressure {number(without, 1)}: {percent(ops[same] / without - 1, 2)}")
        out[f"overload_p0_instructions_permille_{same}_weir"] = round(1000 * ops[same] / without, 1)


def report_p0(records, out):
    report_p0_ops(records, out)
    rows = {(on, load): pick(records, part="p0", enabled=on, load=load) for on in ("yes", "no") for load in ("full", "half")}
    if not rows["yes", "full"] or not rows["no", "full"]:
        return
    rate = {on: median([load_of(r)["answers_per_s"] for r in rows[on, "full"]]) for on in ("yes", "no")}
    cost = {on: median([r["weir"]["cycles"] / max(1, r["weir"]["window"].get("sessions_closed", 0)) for r in rows[on, "half"]]) for on in ("yes", "no")}
    print("\noverload_p0: short connections on memif, pressure enabled and not, in turns")
    print(f"  at saturation {number(rate['yes'])}/s and {number(rate['no'])}/s: {percent(rate['yes'] / rate['no'] - 1)}; "
          f"at half of that {number(cost['yes'])} and {number(cost['no'])} cycles a connection: {percent(cost['yes'] / cost['no'] - 1) if cost['no'] else '-'} "
          f"{'; '.join(doubt(rows['yes', 'full'] + rows['no', 'full']))}")
    out["overload_p0_cps_weir_memif"] = round(rate["yes"])
    out["overload_p0_off_cps_weir_memif"] = round(rate["no"])
    out["overload_p0_cps_permille_weir_memif"] = round(1000 * rate["yes"] / rate["no"])
    if cost["no"]:
        out["overload_p0_cycles_permille_weir_memif"] = round(1000 * cost["yes"] / cost["no"])


# ---- all --------------------------------------------------------------------------------------------

def drawings(lines):
    """What plots.py draws: goodput and p99 against what was offered, and delays over time."""
    records, out = read(lines), []
    for part in PARTS:
        sides = groups(records, part)
        for what, unit, of in (("goodput", "connections a second inside the objective", goodput),
                               ("p99", "microseconds", lambda rows: median([load_of(r)["p99_us"] for r in rows]))):
            graph = [{"title": f"{who} {wire} {SETS[kind]}".strip(),
                      "points": [[x * rows[0]["capacity"], of(rows)] for x, rows in sorted(points.items()) if of(rows) is not None]}
                     for (wire, who, kind), points in sorted(sides.items())]
            if graph:
                out.append({"title": f"{part}-limited: {what} against offered load", "x": "offered connections a second", "y": unit,
                            "log": "xy" if what == "p99" else "x", "lines": graph})
    for r in pick(records, part="step"):
        figures = step_figures(r)
        graph = [{"title": "delay", "points": [[at, delay / 1000] for at, delay in figures["points"] if at >= 0]},
                 {"title": "target", "points": [[0, r["target_us"] / 1000], [3 * r["span"], r["target_us"] / 1000]]}]
        out.append({"title": f"{r['what']}-limited: delay of the queue at 0.7x, 1.4x, 0.7x of capacity", "x": "seconds", "y": "milliseconds", "log": "", "lines": graph})
    return {"drawings": out}


def report(lines, out):
    records = read(lines)
    report_costs(records, out)
    report_ops(records, out)
    for part in PARTS:
        report_sweep(records, part, out)
    report_steps(records, out)
    report_ramps(records, out)
    report_steady(records, out)
    report_priority(records, out)
    report_flood(records, out)
    report_p0(records, out)
