#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Branch coverage of lib/tcp by its unit tests, those of lib/proxy, the packet scripts and the simulations.

    tests/mutation/coverage.py [--seeds N] [--least PERCENT] BUILD

BUILD is what `scripts/build coverage` made. Prints a line a file, where lines of untaken branches are named, and
ends with `lib/tcp branch coverage: NN.N %`; exits 1 when that is less than PERCENT or a test fails.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

from mutate import COVERED_BY, ROOT, run, told_tests

TEST_S = 600  # unoptimised and counted, on a busy machine


def run_tests(build, seeds):
    """Run what counts on fresh counters; returns the names of those that failed."""
    for old in build.rglob("*.gcda"):
        old.unlink()
    failed = []
    with tempfile.NamedTemporaryFile(prefix="weir-coverage.") as log:
        for test in told_tests(build, COVERED_BY, seeds):
            if run(test["cmd"], TEST_S, log.name, build) != 0:
                failed.append(test["name"])
                sys.stdout.write(pathlib.Path(log.name).read_text(errors="replace")[-2000:])
    return failed


def report(build):
    """What gcovr counted: {file: {line: (branches, taken)}}."""
    with tempfile.NamedTemporaryFile(prefix="weir-coverage.") as out:
        subprocess.run(["gcovr", "-r", str(ROOT), "--object-directory", str(build), "-f", "lib/tcp/",
                        "--exclude-throw-branches", "--json", out.name, str(build)], check=True, cwd=ROOT)
        told = json.load(open(out.name))
    files = {}
    for file in told["files"]:
        lines = files.setdefault(file["file"], {})
        for line in file["lines"]:
            branches = [b["count"] > 0 for b in line.get("branches", [])]
            if branches and not line.get("gcovr/noncode"):
                lines[line["line_number"]] = (len(branches), sum(branches))
    return files


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=300)
    parser.add_argument("--least", type=float, default=85.0)
    parser.add_argument("build", type=pathlib.Path)
    args = parser.parse_args()
    failed = run_tests(args.build.resolve(), args.seeds)
    total = taken = 0
    for name, lines in sorted(report(args.build.resolve()).items()):
        here, hit = sum(n for n, _ in lines.values()), sum(k for _, k in lines.values())
        total, taken = total + here, taken + hit
        missing = ",".join(str(line) for line, (n, k) in sorted(lines.items()) if k < n)
        if here:
            print(f"{name:28} {hit:5} of {here:5}  {100 * hit / here:5.1f} %  {missing}")
    if failed:
        print(f"failed: {' '.join(failed)}")
    percent = 100 * taken / total if total else 0.0
    print(f"lib/tcp branch coverage: {percent:.1f} %")
    return 0 if percent >= args.least and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
