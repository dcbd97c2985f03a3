# SPDX-License-Identifier: BSD-3-Clause
"""Tables of what the engine alone costs: records are metric, value."""

ROWS = [
    ("data_in", "a segment of 1,448 bytes in, established"),
    ("data_in_1m", "the same, of one in a million connections"),
    ("ack_in", "a pure ACK in, of one full segment"),
    ("data_out", "a segment of 1,448 bytes written and sent"),
    ("conn_setup", "a connection set up: SYN, SYN-ACK, ACK, accepted"),
    ("conn_teardown", "and torn down: FIN, ACK and FIN, ACK, released"),
    ("timer_fire", "a timer fires (retransmission)"),
    ("lookup_1k", "flow lookup among 1,000 connections"),
    ("lookup_100k", "among 100,000"),
    ("lookup_1m", "among 1,000,000"),
]


def number(values, name):
    return f"{values[name]:,.1f}" if name in values else "-"


def report_tcp(values):
    pages = "huge pages" if values.get("tcp_huge_pages") else "NO HUGE PAGES: translations cost extra"
    print(f"\ntcp: the engine alone, bursts of 32, time-stamp cycles ({pages})")
    print("  medians of 500 bursts; of 24 such rounds the least disturbed one. Packets are of 1,024 connections unless said, in random order.")
    print(f"  {'':52} {'cycles':>10} {'instructions':>13} {'rte_hash':>10} {'memory':>10}")
    for name, text in ROWS:
        instructions = "lookup" if name.startswith("lookup") else name
        print(f"  {text:52} {number(values, f'tcp_{name}_cycles'):>10} {number(values, f'tcp_{instructions}_instructions'):>13} "
              f"{number(values, f'tcp_{name}_cycles_rte_hash'):>10} {number(values, f'tcp_{name}_cycles_memory'):>10}")
    print("  A lookup: hash of the tuple, buckets, tuple compared in the connection. rte_hash: rte_hash_lookup_bulk with the same keys, in the same run,")
    print(f"  {number(values, 'tcp_lookup_instructions_rte_hash')} instructions. memory: one line each of 32 connections at random, prefetched at once: a lookup that misses")
    print("  the cache for its bucket and its connection costs no less than two of them.")


def report_idle(values):
    print(f"\nidle: memory of an idle proxied pair, {number(values, 'idle_pair_bytes')} bytes by the sizes of pools"
          f" ({number(values, 'idle_conn_bytes')} a connection with its flow slot)")
    for label, pairs in (("100k", "100,000"), ("1m", "1,000,000")):
        if f"idle_pair_bytes_resident_{label}" in values:
            print(f"  {pairs:>9} pairs open: {number(values, f'idle_pair_bytes_resident_{label}')} bytes a pair resident, "
                  f"{values[f'idle_bytes_passed_{label}']:,.0f} passed their byte, no buffer held while idle")


def report(lines, out):
    values = {}
    for line in lines:
        name, value = line.split()
        values[name] = float(value)
    if any(name.startswith("tcp_") for name in values):
        report_tcp(values)
    if any(name.startswith("idle_") for name in values):
        report_idle(values)
    out.update(values)
