#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""One point of the overload benchmark as a record: overload_point.py GEN.json [SNAPSHOTS] KEY=VALUE...

GEN.json is weir-gen's result; SNAPSHOTS is a directory with before.json, mid0.json, mid1.json and after.json of overload_watch.py,
and possibly watch.json; without it the balancer is not Weir. KEY=VALUE goes into the record as it is, a number as a number."""
import json
import os
import sys

# What the door and the queue before the backends refused; each is counted once.
REFUSALS = ("door_reset", "door_dropped", "pending_timeouts", "pending_evicted", "pending_full", "limits_refused")
# Reasons that name them, and what else may end a connection before it is served.
REASONS = ("syn_", "conn_pool_full", "flow_table_full", "session_", "reset_rate", "backend_", "no_backend", "not_for_us", "no_service")


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def value(text):
    try:
        return float(text)
    except ValueError:
        return text


def since(later, earlier, part):
    return {name: n - earlier[part].get(name, 0) for name, n in later[part].items() if n != earlier[part].get(name, 0)}


def below(curve, limit_us):
    """Share of the answers that came within the limit, of [[ppm, us], ...]."""
    last = (0, 0.0)
    for ppm, us in curve:
        if us > limit_us:
            part = (limit_us - last[1]) / (us - last[1]) if us > last[1] else 0
            return (last[0] + part * (ppm - last[0])) / 1e6
        last = (ppm, us)
    return 1.0


def client(one, window_s):
    """Figures of one population in the measured window, and of its failures in the whole run."""
    errors = {kind: n for kind, n in one["errors"].items() if n}
    local = errors.get("refused_local", 0)
    answer = one.get("answer", {})
    return {"intended": one["intended"], "answers": one["answers"], "good": one["good"],
            "answers_per_s": one["answers"] / window_s, "goodput_per_s": one["good"] / window_s,
            "offered_per_s": one["intended"] / window_s, "p50_us": answer.get("p50_us"), "p99_us": answer.get("p99_us"),
            "curve": answer.get("curve", []), "errors": errors, "failed": sum(errors.values()) - local, "local": local}


def generator(gen):
    flat = gen["flat"]
    window_s = flat["window_s"]
    out = {"clients": {one["name"]: client(one, window_s) for one in gen["clients"]},
           "idle_permille": flat["generator_idle_permille"], "behind": flat["behind_schedule"],
           "syns": flat.get("syns_sent"), "syns_again": flat.get("syns_sent_again"), "lost": flat.get("frames_lost", 0),
           "in_flight": max((row.get("in_flight", 0) for row in gen["series"] if row["phase"] == "measure"), default=0)}
    out["packets"] = {one["name"]: one["sent"] for one in gen["packets"]}
    return out


def busy_cycles(first, last, idle_turn):
    """Cycles of turns that moved something, less what polling costs in any case."""
    counts = since(last, first, "counters")
    return max(0.0, counts.get("cycles_busy", 0) - counts.get("loops_busy", 0) * idle_turn)


def weir(folder, turn):
    before, first, last, after = (load(os.path.join(folder, f"{n}.json")) for n in ("before", "mid0", "mid1", "after"))
    counts, window = since(after, before, "counters"), since(last, first, "counters")
    drops = since(after, before, "drops")
    seconds = last["at"] - first["at"]
    # An idle turn as it was before any load: interrupts of a load lengthen such turns.
    cycles = busy_cycles(first, last, turn)
    early = since(last, first, "drops").get("syn_early", 0)
    out = {"refused": sum(counts.get(name, 0) for name in REFUSALS),
           "refused_how": {name: counts[name] for name in REFUSALS if counts.get(name)},
           "reasons": {name: n for name, n in drops.items() if name.startswith(REASONS)},
           "asked_per_s": (window.get("tcp_syn_in", 0) + early) / seconds,
           "window": {**{name: n for name, n in window.items() if name.startswith(("door_", "pending_", "tcp_syn", "sessions_", "syn_cookies"))},
                      "syn_early": early},
           "window_drops": since(last, first, "drops"),
           "window_s": seconds, "cycles": cycles, "busy_permille": round(1000 * cycles / (last["hz"] * seconds)), "hz": last["hz"],
           "left": counts.get("pending_left", 0), "queue_full": counts.get("works_queue_full", 0),
           "residual": sum(after["residual"].values()), "residuals": {k: n for k, n in after["residual"].items() if n},
           "rss_kib": after["memory_kib"]["peak"], "level_max": max(s["level"] for s in (first, last)),
           "events": [e for e in after["events"] if e["kind"] in ("level_change", "service_level", "door_limited", "door_open")]}
    path = os.path.join(folder, "watch.json")
    if os.path.exists(path):
        out["watch"] = load(path)["samples"]
        out["recorder"] = after.get("recorder", [])
    return out


def main(argv):
    gen, record, folder = load(argv[0]), {}, None
    for word in argv[1:]:
        key, mark, text = word.partition("=")
        if mark:
            record[key] = value(text)
        else:
            folder = word
    record.update(generator(gen))
    if record.pop("series", 0):
        record["series"] = [[round(row["at_s"], 3), row["offered_per_s"], row["answers_per_s"], row["good_per_s"], row.get("p99_us")]
                            for row in gen["series"] if row["kind"] == "client"]
    # The first run at a load has no objective yet: twice its own p99 becomes the one of those that follow.
    if record.pop("calibrates", 0):
        for one in record["clients"].values():
            record["objective_us"] = max(record["least_us"], round(2 * (one["p99_us"] or 0)))
            one["goodput_per_s"] = one["answers_per_s"] * below(one["curve"], record["objective_us"])
    for one in record["clients"].values():
        del one["curve"]
    if folder is not None:
        record["weir"] = weir(folder, record.get("idle_turn", 0))
    print("overload\t" + json.dumps(record))


if __name__ == "__main__":
    main(sys.argv[1:])
