#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""What Weir says of itself under load:

  overload_watch.py snap INSTANCE FILE [BEFORE]       all counts once; events since the snapshot BEFORE
  overload_watch.py watch INSTANCE FILE MILLISECONDS  delays and levels again and again, until SIGTERM

Both write JSON. Times are of the monotonic clock, which Weir's own times (at_us) need not share."""
import json
import os
import pathlib
import signal
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import telemetry  # noqa: E402  pylint: disable=wrong-import-position


def memory_kib(pid):
    """Resident memory, huge pages included, and its peak without them."""
    found = {}
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        for line in file:
            key, _, value = line.partition(":")
            if key in ("VmRSS", "VmHWM", "HugetlbPages"):
                found[key] = int(value.split()[0])
    return {"now": found.get("VmRSS", 0) + found.get("HugetlbPages", 0), "peak": found.get("VmHWM", 0) + found.get("HugetlbPages", 0)}


def pairs(rows, key, value):
    out = {}
    for row in rows:
        if key in row:
            out[row[key]] = out.get(row[key], 0) + row[value]
    return out


def levels(rows):
    """The highest level of any worker or service in the rows of /weir/pressure."""
    return max((row.get("level", 0) for row in rows), default=0)


def residuals(tel):
    return pairs([{**row, "residual": abs(row.get("residual", 0))} for row in tel.rows("/weir/ledger") if "ledger" in row],
                 "ledger", "residual")


def settled(tel, but, seconds=3.0):
    """Ledgers are exact across workers at rest only: what is left when they do not close in time."""
    end = time.monotonic() + seconds
    while True:
        left = {name: n for name, n in residuals(tel).items() if name not in but}
        if not any(left.values()) or time.monotonic() > end:
            return left
        threading.Event().wait(0.05)


def recorded(tel, seconds):
    """The flight recorder of so long: [seconds of the monotonic clock, lag us, level, pending sessions, rate let in]."""
    rows, now = tel.rows("/weir/recorder"), time.monotonic()
    return [[round(now - row["ago_ms"] / 1000, 3), row["lag_us"], row["level"], row["pending"], row["rate_per_s"]]
            for row in rows if row.get("ago_ms", 1e9) <= 1000 * seconds]


def snap(tel, before):
    out = {"at": time.monotonic()}
    out["counters"] = pairs(tel.rows("/weir/counters"), "name", "value")
    status = tel.rows("/weir/status")[0]
    out["last_event"] = status.get("last_event_id", 0)
    out["drops"] = pairs(tel.rows("/weir/drops"), "name", "count")
    out["hz"] = tel.rows("/weir/workers")[0]["cycles_per_s"]
    out["memory_kib"] = memory_kib(status["pid"])
    out["level"] = levels(tel.rows("/weir/pressure"))
    if before is not None:
        # memif's driver keeps buffers of the pool in rings of its own, whose fill it does not tell.
        out["residual"] = settled(tel, os.environ.get("LEDGER_EXCEPT", "").split())
        rows = tel.rows("/weir/events", f"since={before['last_event']}")
        out["events"] = [{key: row[key] for key in ("kind", "at_us", "level", "extra", "count", "scope", "queue", "reason") if key in row}
                         for row in rows if "kind" in row]
        if os.environ.get("OVERLOAD_RECORDER"):
            out["recorder"] = recorded(tel, time.monotonic() - before["at"])
    return out


def deepest(rows):
    return max((row["depth"] for row in rows if "depth" in row), default=None)


def watch(tel, path, every):
    """Samples [seconds, pending_wait us, lag us, level, sessions accepted so far]."""
    ending = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ending.set())
    samples, due = [], time.monotonic()
    while not ending.is_set():
        at = time.monotonic()
        pending = deepest(tel.rows("/weir/queues", "queue=pending_wait"))
        ring = deepest(tel.rows("/weir/queues", "queue=lag"))
        accepted = sum(row.get("sessions_total", 0) for row in tel.rows("/weir/services"))
        samples.append([round(at, 4), pending, ring, levels(tel.rows("/weir/pressure")), accepted])
        due = max(due + every, time.monotonic() - every)
        ending.wait(max(0.0, due - time.monotonic()))
    put(path, {"every": every, "samples": samples})


def put(path, data):
    with open(path + ".new", "w", encoding="utf-8") as file:
        json.dump(data, file)
    os.replace(path + ".new", path)


def main(argv):
    if len(argv) < 3 or argv[0] not in ("snap", "watch"):
        sys.exit(__doc__)
    try:
        tel = telemetry.Telemetry(argv[1])
        if argv[0] == "watch":
            watch(tel, argv[2], float(argv[3]) / 1000)
            return
        before = None
        if len(argv) > 3:
            with open(argv[3], encoding="utf-8") as file:
                before = json.load(file)
        put(argv[2], snap(tel, before))
    except (OSError, ValueError, LookupError) as error:
        sys.exit(f"overload_watch.py: {type(error).__name__}: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
