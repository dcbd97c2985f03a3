# SPDX-License-Identifier: BSD-3-Clause
"""Tables of what weir-gen measured: load, whose, wire, round, value, errors, share of the balancer's core used, permille
of the generator's core idle. Medians over rounds; a rate whose generator had less than a fifth of its core idle is a lower
bound, says generator-bound and gets no ratio."""
import collections
import statistics

IDLE_MIN = 200

# load: metric, unit, decimals, what it is
RATES = {
    "short": ("proxy_short_cps", "connections/s", 0,
              "256 at a time, a request and an answer of 64 bytes each, backend closes first"),
    "rps": ("proxy_rps", "requests/s", 0, "256 kept connections, request and answer of 64 bytes, client closes first"),
    "rps_1k": ("proxy_rps_1k", "requests/s", 0, "256 kept connections, request of 64 bytes, answer of 1 KiB, client closes first"),
    "bulk_up": ("proxy_bulk_gbps", "Gbit/s", 2, "16 connections from client to backend, MiB after MiB, client closes first"),
    "bulk_down": ("proxy_bulk_down_gbps", "Gbit/s", 2, "16 connections from backend to client, MiB after MiB, client closes first"),
}
QUANTILES = ("p50", "p99", "p999")
BASE = "haproxy", "veth"  # what ratios are taken to


def summarise(records):
    values, errors, share, idle = zip(*records)
    # The worst round's errors and idle time: a median would hide a round that failed, or was bound.
    value, share, errors, idle = statistics.median(values), statistics.median(share), max(errors), min(idle)
    return {"value": value, "errors": errors, "share": share, "idle": idle,
            "spread": (max(values) - min(values)) / value if value else 0.0}


def read(lines):
    rows = collections.defaultdict(lambda: collections.defaultdict(list))
    for line in lines:
        load, whose, wire, _, *values = line.rstrip("\n").split("\t")
        rows[load][whose, wire].append(tuple(float(v) for v in values))
    return {load: {key: summarise(records) for key, records in sides.items()} for load, sides in rows.items()}


def ratio(side, base):
    if base is None or base["value"] == 0:
        return ""
    if base["idle"] < IDLE_MIN:
        return "haproxy's row is generator-bound: no ratio"
    return f"{side['value'] / base['value']:.2f} x haproxy's on veth"


def report_rate(load, sides, out):
    metric, unit, digits, text = RATES[load]
    print(f"\n{metric}: {text}; 4,094 client addresses, 3 backends")
    print(f"  {'':18} {unit:>15} {'spread':>7} {'core used':>10} {'gen. idle':>10} {'errors':>7}  note")
    base = sides.get(BASE)
    for (whose, wire), s in sides.items():
        out[f"{metric}_{whose}_{wire}"] = round(s["value"], 3)
        out[f"{metric}_core_used_permille_{whose}_{wire}"] = round(1000 * s["share"])
        out[f"{metric}_generator_idle_permille_{whose}_{wire}"] = round(s["idle"])
        out[f"{metric}_errors_{whose}_{wire}"] = round(s["errors"])
        bound = s["idle"] < IDLE_MIN
        note = "generator-bound" if bound else ratio(s, base) if (whose, wire) != BASE else ""
        used = "" if whose == "ceiling" else f"{s['share']:.0%}"
        print(f"  {whose + ' ' + wire:18} {s['value']:15,.{digits}f} {s['spread']:6.0%} {used:>10} {s['idle'] / 1000:10.0%} {s['errors']:7.0f}  {note}")


def report_latency(rows, out):
    sides = rows["latency_p50"]
    print("\nadded_latency_us: connections as in proxy_short that begin at random times (Poisson), from the intended start to the last byte,")
    print("  at half the rate that the balancer reached; on memif beside the wire alone (ceiling) at the rate of Weir's row")
    print("  core used: half of what the full row uses is what an honest meter shows")
    print(f"  {'':18} {'connections/s':>14} {'p50 us':>10} {'p99 us':>10} {'p99.9 us':>10} {'core used':>10}  note")
    for whose, wire in sides:
        cells = {q: rows[f"latency_{q}"][whose, wire] for q in QUANTILES}
        rate = rows["latency_rate"][whose, wire]["value"]
        share = rows["latency_rate"][whose, wire]["share"]
        out[f"latency_cps_{whose}_{wire}"] = round(rate)
        used = ""
        if whose != "ceiling":
            used = f"{share:.0%}"
            out[f"half_load_core_used_permille_{whose}_{wire}"] = round(1000 * share)
        for q, cell in cells.items():
            out[f"latency_us_{q}_{whose}_{wire}"] = round(cell["value"], 1)
            alone = rows[f"latency_{q}"].get(("ceiling", wire))
            if alone and whose != "ceiling":
                out[f"added_latency_us_{q}_{whose}_{wire}"] = round(cell["value"] - alone["value"], 1)
        failed, behind = cells["p50"]["errors"], rows["latency_behind"][whose, wire]["value"]
        out[f"latency_errors_{whose}_{wire}"] = round(failed)
        notes = (["generator-bound"] if cells["p50"]["idle"] < IDLE_MIN else []) + (["behind schedule"] if behind else [])
        notes += [f"{failed:.0f} ERRORS are not in these"] if failed else []
        note = ", ".join(notes)
        print(f"  {whose + ' ' + wire:18} {rate:14,.0f} {cells['p50']['value']:10,.1f} {cells['p99']['value']:10,.1f} {cells['p999']['value']:10,.1f} {used:>10}  {note}")


def report(lines, out):
    rows = read(lines)
    for load in RATES:
        if load in rows:
            report_rate(load, rows[load], out)
    if "latency_p50" in rows:
        report_latency(rows, out)
