# SPDX-License-Identifier: BSD-3-Clause
"""The table and the metrics of `scripts/bench loss`, from the records of bench_loss.sh.

A pair is one direct transfer and one through Weir with the same seed; the ratio of a cell is the median over its
pairs. Its interval covers the median of all pairs in 90 % of cases; below five seeds even the extremes cover less,
and the table says how much."""
import collections
import json
import math
import statistics

GOAL = 0.9
IDLE_MIN = 0.20  # of the load's core
WAIT_MAX = 0.05  # share of the transfer that Weir's worker waited for its own core
LATE_MAX_US = 1000  # 99 of 100 packets leave the relay no later than this after their time
STRAY_MAX = 5  # frames: IPv6 housekeeping of a kernel while no relay listens
FULL_FRAME = 1448 / 1514  # payload of a frame with timestamps; the relay counts whole frames


def interval(values, wanted=0.90):
    """Low, high and coverage of the interval of the median: order statistics k and n + 1 - k, and between two such
    pairs the interpolation of Hettmansperger and Sheather (1986), so that it is no wider than was asked for."""
    values, n = sorted(values), len(values)
    cover = 1 - 2 * 0.5**n
    if cover <= wanted:
        return values[0], values[-1], cover
    for k in range(1, n // 2 + 1):
        inner = cover - 2 * math.comb(n, k) * 0.5**n
        if inner < wanted:
            break
        cover = inner
    part = (cover - wanted) / (cover - inner)
    weight = (n - k) * part / (k + (n - 2 * k) * part)
    low = (1 - weight) * values[k - 1] + weight * values[k]
    return low, (1 - weight) * values[n - k] + weight * values[n - 1 - k], wanted


def data_way(record):
    return record["relay"]["a_to_b" if record["direction"] == "up" else "b_to_a"]


def goodput(record):
    """Mbit/s; nothing when the transfer was cut off, however much came before."""
    return record["flow"]["mbit"] if record["flow"]["ok"] else 0.0


def unexplained(record):
    """Frames that the two kernels' counters miss and the relay does not account for."""
    way = data_way(record)
    known = sum(way[k] for k in ("dropped_random", "dropped_queue", "dropped_overflow", "dropped_oversize",
                                 "send_failed", "inside"))
    return record["sent"] - record["arrived"] - known


def trouble(record):
    """What makes this transfer's figure doubtful, as words of a set."""
    way, found = data_way(record), set()
    if record["load_idle"] < IDLE_MIN:
        found.add("cpu-bound")
    if record["whose"] == "weir" and (record["weir_busy"] > 1 - IDLE_MIN or record["weir_wait"] > WAIT_MAX):
        found.add("weir-cpu")
    if way["late_us_p99"] > LATE_MAX_US:
        found.add("relay-late")
    if not 0 <= unexplained(record) <= STRAY_MAX or way["dropped_overflow"] or way["dropped_oversize"] or way["lost_socket"]:
        found.add("frames-unexplained")
    if not record["flow"]["ok"]:
        found.add("FAILED")
    return found


def name_of(direction, cc, loss, rtt):
    return f"loss_{direction}_{cc}_{loss:g}pct_{rtt:g}ms".replace(".", "p")


def loss_seen(records):
    data = sum(data_way(r)["data"] for r in records)
    return 100 * sum(data_way(r)["dropped_random"] for r in records) / data if data else 0.0


def print_cell(key, sides, out):
    direction, cc, loss, rtt = key
    seeds = sorted(sides["direct"].keys() & sides["weir"].keys())
    pairs = [(sides["direct"][s], sides["weir"][s]) for s in seeds]
    ratios = [goodput(w) / goodput(d) for d, w in pairs if goodput(d) > 0]
    if not ratios:
        print(f"  {direction:4} {cc:5} {loss:5g} {rtt:5g}  no pair of transfers was finished")
        return
    low, high, cover = interval(ratios)
    mbit = {who: statistics.median(goodput(p[i]) for p in pairs) for i, who in enumerate(("direct", "weir"))}
    drops = [statistics.median(data_way(p[i])["dropped_queue"] for p in pairs) for i in (0, 1)]
    spoiled = collections.Counter(word for p in pairs for word in trouble(p[0]) | trouble(p[1]))
    idle = min(r["load_idle"] for p in pairs for r in p)
    note = ", ".join(f"{word} {n} of {len(pairs)}" for word, n in sorted(spoiled.items()))
    ratio = statistics.median(ratios)
    print(f"  {direction:4} {cc:5} {loss:5g} {rtt:5g} {mbit['direct']:9.2f} {mbit['weir']:9.2f} {ratio:7.3f} "
          f"{low:6.3f} - {high:6.3f} {'yes' if high >= GOAL else 'no':>4} {len(ratios):6} {cover:5.0%} "
          f"{loss_seen([p[0] for p in pairs]):6.2f} {loss_seen([p[1] for p in pairs]):5.2f} {drops[0]:6.0f} {drops[1]:5.0f} "
          f"{idle:5.0%}  {note}".rstrip())
    name = name_of(*key)
    out.update({f"{name}_ratio": round(ratio, 4), f"{name}_low": round(low, 4), f"{name}_high": round(high, 4),
                f"{name}_direct_mbit": round(mbit["direct"], 3), f"{name}_weir_mbit": round(mbit["weir"], 3),
                f"{name}_seeds": len(ratios), f"{name}_spoiled": sum(1 for p in pairs if trouble(p[0]) | trouble(p[1]))})


def print_wire(records, out):
    """What the relay and the two kernels say about the wire itself, over all transfers."""
    print("\nThe wire, over all transfers:")
    for rtt in sorted({r["rtt_ms"] for r in records}):
        pings = {who: [r["ping_ms"] for r in records if r["rtt_ms"] == rtt and r["whose"] == who]
                 for who in ("direct", "weir")}
        here = {who: statistics.median(p) for who, p in pings.items() if p}
        print(f"  round trip {rtt:g} ms: ping takes " + ", ".join(f"{ms:.2f} ms {who}" for who, ms in here.items()) +
              f"; queue {max(r['relay']['queue_bytes'] for r in records if r['rtt_ms'] == rtt)} bytes")
        for who, ms in here.items():
            out[f"loss_ping_{rtt:g}ms_{who}_us".replace(".", "p")] = round(1000 * ms)
    for loss in sorted({r["loss"] for r in records}):
        # Every transfer of a seed runs along the same pattern: count the longest of each only, or the error looks too small.
        longest = {}
        for r in sorted((r for r in records if r["loss"] == loss), key=lambda r: data_way(r)["data"]):
            longest[r["seed"]] = r
        some = longest.values()
        data, share = sum(data_way(r)["data"] for r in some), loss / 100
        wanted, got = data * share, sum(data_way(r)["dropped_random"] for r in some)
        sigma = math.sqrt(data * share * (1 - share))
        print(f"  loss {loss:g} %: {got} of {data} data packets, {100 * got / max(data, 1):.4f} %" +
              (f", {(got - wanted) / sigma:+.1f} sigma" if sigma else ""))
    clean = collections.defaultdict(list)
    for r in records:
        if r["loss"] == 0 and r["whose"] == "direct":
            clean[r["cc"], r["rtt_ms"]].append(goodput(r) / r["rate"] / FULL_FRAME)
    if clean:
        print("  direct without loss, of what full frames can reach: " + ", ".join(
            f"{statistics.median(v):.0%} {cc} {rtt:g} ms" for (cc, rtt), v in sorted(clean.items())))
    odd = max((abs(unexplained(r)) for r in records), default=0)
    late = max(data_way(r)["late_us_p99"] for r in records)
    print(f"  frames that the kernels' counters miss and the relay cannot explain: at most {odd} in a transfer; "
          f"99 of 100 frames at most {late} us late")
    out["loss_frames_unexplained"], out["loss_relay_late_us_p99"] = odd, late


def report(lines, out):
    records = [json.loads(line) for line in lines]
    cells = collections.defaultdict(lambda: {"direct": {}, "weir": {}})
    for r in records:
        cells[r["direction"], r["cc"], r["loss"], r["rtt_ms"]][r["whose"]][r["seed"]] = r
    rate = records[0]["rate"]
    print(f"\nloss: Mbit/s of payload over a relay of {rate} Mbit/s with a queue of one bandwidth-delay product; 64 MiB or "
          f"the time limit, whichever ends first.\nup: a Linux client sends to Weir (cc is the client's). down: Weir sends "
          f"(beside it Linux with CUBIC). weir/direct: median of pairs with the\nsame seed; its interval's upper end decides "
          f"whether {GOAL} is reached. Drops: random % direct and weir, by a full queue (packets) direct and weir.")
    print(f"  {'':4} {'cc':5} {'loss%':>5} {'rtt':>5} {'direct':>9} {'weir':>9} {'ratio':>7} {'interval':>15} {'>=.9':>4} "
          f"{'seeds':>6} {'cover':>5} {'rnd%':>6} {'rnd%':>5} {'queue':>6} {'queue':>5} {'idle':>5}  note")
    for key in sorted(cells, key=lambda k: (k[0] == "down", k[1] == "bbr", k[2], k[3])):
        print_cell(key, cells[key], out)
    print_wire(records, out)
