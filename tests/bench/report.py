#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Tables and JSON from the records of the benchmarks: report.py RECORDS [--json FILE] [--drawings FILE]

A record: load, whose, round, rate, errors, share of the balancer's core used, share of the generator's
core idle; those of the loss benchmark are report_loss.py's, those of tcp and idle report_engine.py's, those that weir-gen measured report_gen.py's, those of
overload report_overload.py's, whose curves --drawings keeps for plots.py. Medians over rounds. A row whose generator had less than a fifth of its core idle says
generator-bound and gets no ratio: its rate is what the generator could do, not what was measured."""
import argparse
import collections
import json
import statistics
import sys

import report_engine
import report_gen
import report_loss
import report_overload

IDLE_MIN = 0.20

# load: metric, unit of the table, what one unit is, divisor to it, description
LOADS = {
    "floor_short": ("floor_short_cps", "connections/s", "connection", 1,
                    "as peers_short, but straight to one backend over testpmd as the wire"),
    "floor_rps": ("floor_rps", "requests/s", "request", 1, "as peers_rps, but straight to one backend"),
    "floor_bulk": ("floor_bulk_gbps", "Gbit/s", "Gbit", 1, "as peers_bulk, but straight to the backend"),
    "floor_cycles": ("floor_cycles_per_packet", "cycles/packet", None, 1, "testpmd, receive and send, mixed sizes"),
    "peers_short": ("peers_short_cps", "connections/s", "connection", 1,
                    "wrk, 64 at a time, one request a connection, backend closes first, 1 client address, 3 backends"),
    "peers_short_light": ("peers_short_light_cps", "connections/s", "connection", 1,
                          "the same, 2 at a time: compare the core's time, not the rate"),
    "peers_rps": ("peers_rps", "requests/s", "request", 1,
                  "wrk, 64 keep-alive connections, client closes first, 1 client address, 3 backends"),
    "peers_rps_light": ("peers_rps_light", "requests/s", "request", 1,
                        "the same, 2 connections: compare the core's time, not the rate"),
    "peers_bulk": ("peers_bulk_gbps", "Gbit/s", "Gbit", 1,
                   "iperf3, 4 streams from client to backend, client closes first, 1 client address, 1 backend"),
}
WIRE = "veth"


def read(path):
    rows, loss, engine, gen, overload = collections.defaultdict(lambda: collections.defaultdict(list)), [], [], [], []
    with open(path, encoding="utf-8") as file:
        for line in file:
            if line.startswith("loss\t"):
                loss.append(line.removeprefix("loss\t"))
                continue
            if line.startswith("engine\t"):
                engine.append(line.removeprefix("engine\t"))
                continue
            if line.startswith("gen\t"):
                gen.append(line.removeprefix("gen\t"))
                continue
            if line.startswith("overload\t"):
                overload.append(line.removeprefix("overload\t"))
                continue
            load, whose, _, rate, errors, share, idle = line.rstrip("\n").split("\t")
            rows[load][whose].append((float(rate), float(errors), float(share), float(idle)))
    return rows, loss, engine, gen, overload


def summarise(rounds):
    rate, errors, share, idle = (statistics.median(column) for column in zip(*rounds))
    spread = (max(r[0] for r in rounds) - min(r[0] for r in rounds)) / rate if rate else 0
    cost = [1e6 * r[2] / r[0] for r in rounds if r[0] > 0]
    return {"rate": rate, "errors": errors, "share": share, "idle": idle, "spread": spread,
            "core_us": statistics.median(cost) if cost else 0.0, "bound": idle < IDLE_MIN}


def print_load(load, sides, out):
    metric, unit, one, _, text = LOADS[load]
    print(f"\n{metric}: {text}")
    ref = sides.get("weir")
    print(f"  {'':10} {unit:>15} {'spread':>7} {'core used':>10} {f'core us/{one}' if one else '':>20} {'gen. idle':>10} {'errors':>7}  note")
    for whose, s in sides.items():
        out[f"{metric}_{whose}_{WIRE}"] = round(s["rate"], 3)
        if one is None:
            print(f"  {whose:10} {s['rate']:15,.1f}")
            continue
        out[f"{load}_core_us_{whose}_{WIRE}"] = round(s["core_us"], 3)
        out[f"{load}_generator_idle_permille_{whose}_{WIRE}"] = round(1000 * s["idle"])
        note = "generator-bound" if s["bound"] else ""
        if ref and whose != "weir":
            if not s["bound"] and not ref["bound"]:
                note = f"weir {ref['rate'] / s['rate']:.2f} x the rate, {s['core_us'] / ref['core_us']:.2f} x less core a {one}"
            elif not s["bound"]:
                note = "weir's row is generator-bound: no ratio"
        print(f"  {whose:10} {s['rate']:15,.2f} {s['spread']:6.0%} {s['share']:10.0%} {s['core_us']:20,.1f} "
              f"{s['idle']:10.0%} {s['errors']:7.0f}  {note}")


def write(path, data):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(data, file, indent=1, sort_keys=True)
        file.write("\n")


def main(argv):
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("records")
    parser.add_argument("--json")
    parser.add_argument("--drawings")
    args = parser.parse_args(argv)
    (rows, loss, engine, gen, overload), out = read(args.records), {}
    if rows.keys() - {"machine"}:
        print("Medians. CPU of the balancer's core in full: user, system, interrupts; for Weir turns that moved something,")
        print("and interrupts in idle turns. veth, checksum and segmentation offloads off, receive work steered to each side's core.")
    busy = max((r[0] for r in rows.get("machine", {}).get("busy", [])), default=0)
    out["machine_busy_permille_before"] = busy
    if busy > 50:
        print(f"WARNING: the machine was {busy / 10:.0f} % busy before the run: these figures are not worth keeping.")
    for load in LOADS:
        if load in rows:
            print_load(load, {whose: summarise(r) for whose, r in rows[load].items()}, out)
    if gen:
        report_gen.report(gen, out)
    if loss:
        report_loss.report(loss, out)
    if engine:
        report_engine.report(engine, out)
    if overload:
        report_overload.report(overload, out)
    if args.json:
        write(args.json, out)
    if args.drawings and overload:
        write(args.drawings, report_overload.drawings(overload))


if __name__ == "__main__":
    main(sys.argv[1:])
