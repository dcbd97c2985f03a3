#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Put one listed fault after the other into a copy of the tree; the tests must turn red each time.

    tests/mutation/mutate.py [--check] [--scratch DIR] [--seeds N] [--jobs N] [--without SUITE] [NAME ...]

--check only looks whether every search text of faults.txt is found. SUITE is unit, packet or sim, for a tree in which
one is red anyway. NAME are shell patterns of fault names.
Prints a line a fault with the test that found it, and ends with `N of M faults found`; exits 1 unless N is M.
"""
import argparse
import fnmatch
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIST = pathlib.Path(__file__).resolve().parent / "faults.txt"
COPIED = ("app", "drivers-config", "lib", "meson.build", "meson_options.txt", "tests")
FIELDS = {"name", "file", "in", "find", "put", "why"}
BUILD_S, TEST_S = 600, 240  # a build, and a test, that takes longer hangs


# suites of meson that count here, and beginnings of the names in them
COVERED_BY = {"unit": ("tcp_", "proxy_"), "packet": ("",), "sim": ("",)}


class Wrong(Exception):
    """The list or the tree is not as it must be; says what and where."""


def read_list(path):
    """The faults: blocks of `field: text`, apart by blank lines."""
    faults, block = [], {}
    for number, line in enumerate(path.read_text().splitlines() + [""], 1):
        if line.startswith("#"):
            continue
        if line.strip():
            field, colon, text = line.partition(":")
            if not colon or field not in FIELDS or field in block:
                raise Wrong(f"{path.name}:{number}: '{line}' is not one of {', '.join(sorted(FIELDS))}, once each")
            block[field] = text.strip()
            block.setdefault("line", number)
        elif block:
            missing = FIELDS - {"in"} - block.keys()
            if missing:
                raise Wrong(f"{path.name}:{block['line']}: no {', '.join(sorted(missing))}")
            if any(f["name"] == block["name"] for f in faults):
                raise Wrong(f"{path.name}:{block['line']}: a second fault called {block['name']}")
            faults.append(block)
            block = {}
    return faults


def function_span(text, name):
    """Where the definition of a function lies: from its name to the brace in column one."""
    found = re.search(rf"^(?![ \t#/]).*\b{re.escape(name)}\((?:[^;{{]*)\n\{{\n", text, re.M)
    if not found:
        return None
    return found.start(), text.index("\n}\n", found.end())


def changed(fault, tree):
    """The file's text with the fault in it."""
    where = f"{LIST.name}: {fault['name']}: {fault['file']}"
    path = tree / fault["file"]
    if not path.is_file():
        raise Wrong(f"{where}: no such file")
    text = path.read_text()
    start, end = 0, len(text)
    if "in" in fault:
        span = function_span(text, fault["in"])
        if span is None:
            raise Wrong(f"{where}: no function {fault['in']}")
        start, end = span
    count = text.count(fault["find"], start, end)
    if count != 1:
        raise Wrong(f"{where}: '{fault['find']}' occurs {count} times{' in ' + fault['in'] if 'in' in fault else ''}, "
                    "not once")
    return text[:start] + text[start:end].replace(fault["find"], fault["put"]) + text[end:]


def run(command, limit, log, cwd=None):
    """A command in a group of its own. 0: it passed, 124: it took too long."""
    with open(log, "wb") as out:
        job = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                               cwd=cwd, start_new_session=True)
        try:
            return job.wait(limit)
        except subprocess.TimeoutExpired:
            return 124
        finally:
            if job.poll() is None:
                os.killpg(job.pid, signal.SIGKILL)
                job.wait()


def told_tests(build, suites, seeds):
    """The tests that meson knows in these suites, simulations with fewer seeds."""
    told = subprocess.run(["meson", "introspect", "--tests", str(build)], check=True, stdout=subprocess.PIPE)
    tests = []
    for test in json.loads(told.stdout):
        suite = test["suite"][0].partition(":")[2]
        command = list(test["cmd"])
        if suite not in suites or not test["name"].startswith(suites[suite]):
            continue
        if test["name"].endswith("_selftest"):  # of a harness, not of what it tests
            continue
        if suite == "sim" and "--count" in command:
            at = command.index("--count") + 1
            command[at] = str(min(seeds, int(command[at])))
        tests.append({"name": test["name"], "suite": suite, "cmd": command})
    return tests


class Suite:
    """The tests that may find a fault, in a scratch copy of the tree."""

    def __init__(self, scratch, args):
        self.tree = scratch / "tree"
        self.build = scratch / "build"
        self.log = scratch / "log"
        self.seeds, self.jobs = args.seeds, args.jobs
        self.suites = {k: v for k, v in COVERED_BY.items() if k not in args.without}

    def copy(self):
        shutil.rmtree(self.tree, ignore_errors=True)
        self.tree.mkdir(parents=True)
        for name in COPIED:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, self.tree / name, symlinks=True)
            else:
                shutil.copy2(ROOT / name, self.tree / name)

    def setup(self):
        shutil.rmtree(self.build, ignore_errors=True)
        # without warnings as errors: a fault may leave a variable unused
        if run(["meson", "setup", str(self.build), ".", "--buildtype=debug", "-Doptimization=1", "-Dwerror=false"],
               BUILD_S, self.log, self.tree) != 0:
            raise Wrong(f"meson could not configure the copy, see {self.log}")
        self.tests = told_tests(self.build, self.suites, self.seeds)

    def make(self, tests):
        targets = sorted({os.path.relpath(t["cmd"][0], self.build) for t in tests
                          if t["cmd"][0].startswith(str(self.build))})
        return run(["ninja", "-C", str(self.build), "-j", str(self.jobs), *targets], BUILD_S, self.log)

    def stages(self, file):
        """Groups of tests in the order in which a fault of this file is likely to be seen soon."""
        lib, noun = re.match(r"lib/(\w+)/(\w+)\.[ch]$", file).groups()
        own = f"{lib}_{noun}"
        def rank(test):
            if test["suite"] == "unit":
                if test["name"] == own:
                    return 0
                if test["name"] in ("tcp_matrix", "tcp_pair", "tcp_input") and lib == "tcp":
                    return 1
                return 2 if test["name"].startswith(lib) else 4
            if test["suite"] == "packet":
                return 1 if lib == "tcp" else 5
            return 3 if test["suite"] == "sim" else 6
        order = sorted(self.tests, key=rank)
        groups = []
        for test in order:
            if groups and rank(groups[-1][0]) == rank(test):
                groups[-1].append(test)
            else:
                groups.append([test])
        return groups

    def first_red(self, file):
        """The first test that fails; None when all pass. A fault that does not compile is Wrong."""
        for group in self.stages(file):
            code = self.make(group)
            if code != 0:
                tail = "".join(l for l in open(self.log, errors="replace") if "error" in l)[:300]
                raise Wrong(f"does not build: {tail.strip() or 'see ' + str(self.log)}")
            for test in group:
                code = run(test["cmd"], TEST_S, self.log, self.build)
                if code != 0:
                    return test["name"] + (" (hangs)" if code == 124 else "")
        return None


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--scratch", type=pathlib.Path)
    parser.add_argument("--seeds", type=int, default=150)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--without", metavar="SUITE", action="append", default=[])
    parser.add_argument("name", nargs="*", default=["*"])
    args = parser.parse_args()
    faults = [f for f in read_list(LIST) if any(fnmatch.fnmatch(f["name"], n) for n in args.name)]
    bad = 0
    for fault in faults:
        try:
            changed(fault, ROOT)
        except Wrong as error:
            print(error)
            bad += 1
    if bad or args.check:
        print(f"{len(faults) - bad} of {len(faults)} search texts found once")
        return 1 if bad else 0
    scratch = args.scratch or pathlib.Path(tempfile.mkdtemp(prefix="weir-mutation."))
    try:
        return hunt(faults, Suite(scratch.resolve(), args))
    finally:
        if not args.scratch:
            shutil.rmtree(scratch, ignore_errors=True)


def hunt(faults, suite):
    """Every fault in its turn."""
    found = 0
    suite.copy()
    suite.setup()
    red = suite.first_red("lib/tcp/input.c")
    if red:
        raise Wrong(f"the tree without any fault fails {red}, see {suite.log}")
    for number, fault in enumerate(faults, 1):
        path = suite.tree / fault["file"]
        whole, start = path.read_text(), time.monotonic()
        path.write_text(changed(fault, suite.tree))
        try:
            red = suite.first_red(fault["file"])
            said = f"found by {red}" if red else f"NOT FOUND: {fault['why']}"
        except Wrong as error:
            red, said = None, f"NOT FOUND: {error}"
        path.write_text(whole)
        found += bool(red)
        print(f"{number:3} {fault['name']:32} {said} ({time.monotonic() - start:.0f} s)", flush=True)
    print(f"{found} of {len(faults)} faults found")
    return 0 if found == len(faults) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Wrong as error:
        sys.exit(f"mutate: {error}")
