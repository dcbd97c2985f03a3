#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Count the instructions of whole operations: ops_count.py PROGRAM [NAME ...], or as a module.

Runs tests/bench/ops under callgrind, in an empty environment; two runs count the same. What counts is wr_worker_turn() with all that it calls, but for the inside of the simulated ports."""
import collections
import glob
import os
import re
import subprocess
import sys
import tempfile

# Stages of the worker's loop, named as in lib/worker/stage.h.
ORDER = ("port_rx", "parse", "classify", "tcp_input", "timers", "proxy", "tcp_output", "l3_output", "port_tx", "control")
HARNESS = ("wr_sim_port_rx", "wr_sim_port_tx")
MUST_BE = ("worker_rx", "worker_output", "worker_tx_flush", "wr_port_rx", "wr_parse_burst", "wr_tcp_input_burst",
           "wr_tcp_timers", "wr_proxy_poll", "wr_tcp_output", *HARNESS)
WORKER = "/lib/worker/"  # a stage is what the loop's own files call: others call some of the same functions

NAMED = re.compile(r"(fl|fn|cfn)=\((\d+)\)(?: (.*))?$")
COST = re.compile(r"[+\-*\d]\S* (\d+)$")


def read_dump(path):
    """Name of the operation, total, inclusive instructions of each function, and of those that the worker's files call."""
    names, inclusive, called = {}, collections.Counter(), collections.Counter()
    total, operation, here, callee, in_worker = 0, None, None, None, False
    with open(path, encoding="utf-8") as file:
        for line in file:
            line = line.rstrip("\n")
            match = NAMED.match(line)
            if match:
                key = (match[1] == "fl", match[2])
                if match[3]:
                    names[key] = match[3]
                if match[1] == "fl":
                    in_worker = WORKER in names[key]
                elif match[1] == "fn":
                    here = names[key]
                else:
                    callee = names[key]
            elif line.startswith("desc: Trigger: Client Request: "):
                operation = line.rpartition(" ")[2]
            elif line.startswith("totals: "):
                total = int(line.split()[1])
            elif line.startswith(("fi=", "fe=", "cfi=", "cfl=")):
                match = re.match(r"c?f[iel]=\((\d+)\) (.*)$", line)
                if match:
                    names[True, match[1]] = match[2]
            elif here is not None:
                match = COST.match(line)
                if match:
                    inclusive[here] += int(match[1])
                    if callee is not None and in_worker:
                        called[callee] += int(match[1])
                    callee = None
    return operation, total, inclusive, called


def stages_of(inclusive, called):
    part = {
        "port_rx": called["wr_port_rx"] - inclusive["wr_sim_port_rx"],
        "parse": called["wr_parse_burst"],
        "tcp_input": called["wr_tcp_input_burst"],
        "timers": called["wr_tcp_timers"],
        "proxy": called["wr_proxy_poll"],
        "tcp_output": called["wr_tcp_output"],
        "port_tx": inclusive["worker_tx_flush"] - inclusive["wr_sim_port_tx"],
    }
    part["classify"] = inclusive["worker_rx"] - called["wr_port_rx"] - part["parse"] - part["tcp_input"]
    part["l3_output"] = inclusive["worker_output"] - part["tcp_output"]
    part["control"] = inclusive["wr_worker_turn"] - sum(part.values()) - sum(inclusive[f] for f in HARNESS)
    if min(part.values()) < 0:
        raise SystemExit(f"the stages do not add up: {part}; tests/bench/ops_count.py must know who calls whom")
    return part


def figures(one, name, total, inclusive, called):
    if inclusive["wr_worker_turn"] > 0:
        missing = [f for f in MUST_BE if f not in inclusive]
        # An operation need not come by all of them; a short connection does.
        if missing and name.startswith("short_"):
            raise SystemExit(f"{name}: callgrind saw no call of {', '.join(missing)}: renamed or inlined; tests/bench/ops_count.py must know")
        total = inclusive["wr_worker_turn"] - sum(inclusive[f] for f in HARNESS)
        one["stages"] = stages_of(inclusive, called)
    one["instructions"] = total / one["count"]


def measure(program, names=()):
    """({"compiler": ..., "avx2": ...}, {operation: its figures})"""
    facts, operations = {}, {}
    with tempfile.TemporaryDirectory(prefix="weir-ops.") as folder:
        out = os.path.join(folder, "callgrind")
        run = subprocess.run(
            ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", "--instr-atstart=no",
             "--collect-atstart=no", program, *names],
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}, capture_output=True, text=True, check=False)
        if run.returncode != 0:
            raise SystemExit(f"callgrind failed: {run.stderr[-2000:]}")
        for line in run.stdout.splitlines():
            name, *values = line.split("\t")
            if len(values) == 1:
                facts[name] = values[0]
            else:
                count, frames_in, frames_out = (int(v) for v in values)
                operations[name] = {"count": count, "in": frames_in, "out": frames_out}
        for path in glob.glob(f"{out}.*"):
            name, total, inclusive, called = read_dump(path)
            if name in operations:
                figures(operations[name], name, total, inclusive, called)
    lost = [name for name, one in operations.items() if "instructions" not in one]
    if lost:
        raise SystemExit(f"callgrind left nothing of {', '.join(lost)}")
    if facts["compiler"][0].isdigit():
        facts["compiler"] = f"gcc {facts['compiler']}"
    facts["valgrind"] = subprocess.run(["valgrind", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    return facts, operations


# Of these the stages are shown: what a load balancer does most.
STAGED = ("keepalive_64_v4", "keepalive_64_v6", "keepalive_1k_v4", "short_backend_closes_v4", "short_backend_closes_v6",
          "short_client_closes_v4")


def records(program):
    """Lines for report.py: instructions of each operation, frames, and instructions a packet by stage."""
    _, operations = measure(program)
    for name, one in operations.items():
        print(f"engine\tinstructions_{name}\t{one['instructions']:.1f}")
        frames = one["in"] + one["out"]
        if frames == 0:
            continue
        print(f"engine\tframes_in_{name}\t{one['in'] / one['count']:.2f}")
        print(f"engine\tframes_out_{name}\t{one['out'] / one['count']:.2f}")
        if name in STAGED:
            print(f"engine\tinstructions_per_packet_{name}\t{one['instructions'] * one['count'] / frames:.1f}")
            for stage in ORDER:
                print(f"engine\tinstructions_per_packet_{stage}_{name}\t{one['stages'][stage] / frames:.1f}")


def main(argv):
    if not argv:
        raise SystemExit("ops_count.py PROGRAM [NAME ...] | --records PROGRAM")
    if argv[0] == "--records":
        records(argv[1])
        return
    facts, operations = measure(argv[0], argv[1:])
    print(", ".join(f"{name} {value}" for name, value in facts.items()))
    for name, one in operations.items():
        print(f"{name:28} {one['instructions']:14,.1f} instructions, {one['in'] / one['count']:8.2f} frames in, "
              f"{one['out'] / one['count']:8.2f} out")


if __name__ == "__main__":
    main(sys.argv[1:])
