#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Compare the instructions of whole operations with the tree's baseline: baseline.py [PROGRAM] [--write]

An operation that became 5 % worse fails; 5 % better passes and asks for a new baseline, which --write makes."""
import json
import os
import sys

import ops_count

HERE = os.path.dirname(os.path.abspath(__file__))
FILE = os.path.join(HERE, "baseline.json")
LIMIT = 0.05
PROGRAM = os.path.join(HERE, "..", "..", "build", "tests", "bench", "ops")


def write(facts, now):
    with open(FILE, "w", encoding="utf-8") as file:
        json.dump({**facts, "instructions": now}, file, indent=1)
        file.write("\n")
    print(f"{len(now)} operations written to {os.path.relpath(FILE)}")


def compare(facts, now, then):
    worse, better, strange = [], [], []
    for name in facts:
        if facts[name] != then.get(name):
            print(f"NOTE: the baseline is of {name} {then.get(name)}, this is {name} {facts[name]}: differences may be its work")
    for name in sorted(now.keys() | then["instructions"].keys()):
        if name not in now or name not in then["instructions"]:
            strange.append(name)
            continue
        before, after = then["instructions"][name], now[name]
        change = after / before - 1
        mark = ""
        if change > LIMIT:
            worse.append(name)
            mark = "  WORSE"
        elif change < -LIMIT:
            better.append(name)
            mark = "  better"
        print(f"{name:28} {before:14,.1f} before {after:14,.1f} now {change:+8.1%}{mark}")
    for name in worse:
        before, after = then["instructions"][name], now[name]
        print(f"{name} costs {after:,.1f} instructions instead of {before:,.1f}: {after / before - 1:+.1%}, more than {LIMIT:.0%} worse")
    for name in strange:
        print(f"{name} is in {'the program' if name in now else 'the baseline'} only: tests/bench/baseline.py --write")
    if better:
        print(f"better by more than {LIMIT:.0%}: {', '.join(better)}; keep it: tests/bench/baseline.py --write")
    print(f"{len(now)} operations, {len(worse)} worse, {len(better)} better" + (f", {len(strange)} not in both" if strange else ""))
    return not worse and not strange


def main(argv):
    program = next((a for a in argv if not a.startswith("-")), PROGRAM)
    if set(argv) - {program, "--write"}:
        raise SystemExit("baseline.py [PROGRAM] [--write]")
    if not os.access(program, os.X_OK):
        raise SystemExit(f"{program} is not there: scripts/build makes it")
    facts, operations = ops_count.measure(program)
    now = {name: round(one["instructions"], 1) for name, one in operations.items()}
    if "--write" in argv:
        write(facts, now)
        return
    with open(FILE, encoding="utf-8") as file:
        then = json.load(file)
    if not compare(facts, now, then):
        raise SystemExit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
