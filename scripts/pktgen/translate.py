# SPDX-License-Identifier: BSD-3-Clause
"""A profile of Pktgen as weir-gen's YAML. Sizes lose the check sequence, percentages become bits a second of
layer 2 with gap and preamble, which is what Pktgen takes percentages of."""
import json
from collections import Counter

from pkt_profile import FCS, FLAGS, NO_MAC, Refused

GAP = 20  # gap and preamble of a frame, on top of a size that has the check sequence


def line_bits(size):
    return (size + GAP) * 8


def bits_per_second(p, link_bps):
    return max(1, int(link_bps * p.rate / 100))


def mean_size(p):
    """Bytes of a frame with check sequence, over a whole round of the profile."""
    if p.mode == "range":
        r = p.ranges["size"]
        return r.start if r.inc == 0 else (r.min + r.max) / 2
    if p.mode == "sequence":
        return sum(p.entries[i].size for i in range(p.seq_cnt)) / p.seq_cnt
    return p.size


def packets_per_second(p, link_bps):
    return bits_per_second(p, link_bps) / line_bits(mean_size(p))


def ordered(flags):
    return [f for f in FLAGS if f in flags]


def stream(name, proto, source, target, flags):
    kind = "icmp_echo" if proto == "icmp" else proto
    s = {"name": name, "port": "p0", "kind": kind, "source": source, "target": target, "walk": "step"}
    if proto == "tcp":
        s["flags"] = ordered(flags)
    return s


def pair(a, b):
    return f"{a}-{b}"


def span(r):
    return pair(r.start, r.start) if int(r.inc) == 0 else pair(r.min, r.max)


def put_ports(s, proto, source, target):
    if proto != "icmp":
        s["source_ports"], s["target_ports"] = source, target


def put_macs(s, source, target):
    if source != NO_MAC:
        s["source_mac"] = source
    if target != NO_MAC:
        s["target_mac"] = target


def single(p, link_bps):
    s = stream("single", p.proto, pair(p.source.ip, p.source.ip), pair(p.target, p.target), p.flags)
    put_ports(s, p.proto, pair(p.sport, p.sport), pair(p.dport, p.dport))
    put_macs(s, p.source_mac, p.target_mac)
    s["size"] = pair(p.size - FCS, p.size - FCS)
    s["rate_bps"] = bits_per_second(p, link_bps)
    s["count"] = p.count
    return [s]


def ranged(p, link_bps):
    r = p.ranges

    def address_span(x):
        return pair(x.start, x.start) if int(x.inc) == 0 else pair(x.min, x.max)

    s = stream("range", p.range_proto, address_span(r["src ip"]), address_span(r["dst ip"]), p.range_flags)
    put_ports(s, p.range_proto, span(r["src port"]), span(r["dst port"]))
    # Pktgen's range has addresses of its own, which begin as those of single mode were at its start: the port's.
    put_macs(s, r["src mac"].start if "src mac" in r else NO_MAC, r["dst mac"].start if "dst mac" in r else NO_MAC)
    size = r["size"]
    low, high = (size.start, size.start) if size.inc == 0 else (size.min, size.max)
    s["size"] = pair(low - FCS, high - FCS)
    s["rate_bps"] = bits_per_second(p, link_bps)
    s["count"] = p.count
    return [s]


def sequence(p, link_bps):
    """Equal entries become one stream with their share of the packets; order inside of a round is not kept."""
    if p.seq_cnt == 0:
        raise Refused(f"{p.name}: a sequence of no packets")
    keys = [
        (e.target_mac, e.source_mac, e.target, e.source.ip, e.sport, e.dport, e.proto, e.size)
        for e in (p.entries[i] for i in range(p.seq_cnt))
    ]
    rounds_pps = packets_per_second(p, link_bps) / p.seq_cnt
    left = p.count % p.seq_cnt  # packets of the last, cut round
    cut = Counter(keys[:left])
    out = []
    for i, (key, share) in enumerate(Counter(keys).items()):
        dmac, smac, target, source, sport, dport, proto, size = key
        s = stream(f"sequence{i}", proto, pair(source, source), pair(target, target), {"ack"})
        put_ports(s, proto, pair(sport, sport), pair(dport, dport))
        put_macs(s, smac, dmac)
        s["size"] = pair(size - FCS, size - FCS)
        s["rate_pps"] = max(1, int(rounds_pps * share))
        s["count"] = p.count // p.seq_cnt * share + cut[key]
        if p.count == 0 or s["count"] > 0:
            out.append(s)
    return out


def streams(p, link_bps):
    return {"single": single, "range": ranged, "sequence": sequence}[p.mode](p, link_bps)


def value(v):
    # JSON is YAML; strings in quotes, so that no address is taken for a number or a map.
    return json.dumps(v)


def block(key, rows):
    lines = [f"{key}:"]
    for row in rows:
        for i, (k, v) in enumerate(row.items()):
            lines.append(f"  {'- ' if i == 0 else '  '}{k}: {value(v)}")
    return lines


def to_yaml(p, device, link_bps, runtime, addresses=(), gateways=()):
    port = {"name": "p0", "device": device, "addresses": [str(p.source), *addresses]}
    if gateways:
        port["gateway"] = list(gateways)
    lines = [f"# {p.name}, {p.mode} mode, {p.rate:g} % of {link_bps / 1e9:g} Gbit/s", "runtime:"]
    lines += [f"  {k}: {value(v)}" for k, v in runtime.items()]
    lines += block("ports", [port])
    lines += block("packets", streams(p, link_bps))
    return "\n".join(lines) + "\n"
