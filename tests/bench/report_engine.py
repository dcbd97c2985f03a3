# SPDX-License-Identifier: BSD-3-Clause
"""Tables of what the parts cost: the engine alone, whole operations, Maglev, idle memory. Records are metric, value."""
import re

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


OPERATIONS = [
    ("short_backend_closes", "a connection: request and answer of 64 bytes, backend closes first"),
    ("short_client_closes", "the same, client closes first"),
    ("keepalive_64", "a request of 64 bytes on a kept connection, answer of 64 bytes"),
    ("keepalive_1k", "the same, answer of 1 KiB"),
    ("bulk_up_mib", "a MiB from client to backend, checksums in software"),
    ("bulk_down_mib", "a MiB from backend to client, checksums in software"),
    ("bulk_up_mib_v4_offload", "a MiB up, checksums by the port"),
    ("bulk_down_mib_v4_offload", "a MiB down, checksums by the port"),
    ("syn_refused", "a SYN refused with a reset while new connections are not taken"),
    ("syn_closed_port", "a SYN to a port without service, answered with a reset"),
    ("syn_dropped", "a SYN dropped unanswered"),
    ("syn_cookie", "a SYN answered with a cookie"),
    ("arp_answered", "an ARP request answered"),
    ("probe", "a health probe: connect and reset"),
    ("idle_turn", "a turn of the loop with nothing to do, 1 us after the one before"),
    ("parse", "a frame of 64 bytes of payload parsed, checksums verified"),
    ("maglev_pick", "key of a client, and the pick"),
    ("flow_lookup", "a flow looked up among 1,000, in bursts of 32"),
]
STAGES = ("port_rx", "parse", "classify", "tcp_input", "timers", "proxy", "tcp_output", "l3_output", "port_tx", "control")


def report_stages(values):
    print("\nstages: instructions (callgrind) of whole operations through one worker, bursts of 32, the ports' drivers not counted")
    print(f"  {'':72} {'IPv4':>12} {'IPv6':>12} {'frames in':>10} {'out':>8}")
    for name, text in OPERATIONS:
        four = name if f"instructions_{name}" in values else f"{name}_v4"
        print(f"  {text:72} {number(values, f'instructions_{four}'):>12} {number(values, f'instructions_{name}_v6'):>12} "
              f"{number(values, f'frames_in_{four}'):>10} {number(values, f'frames_out_{four}'):>8}")
    columns = [m[1] for m in (re.fullmatch(r"instructions_per_packet_parse_(.*)", v) for v in values) if m]
    print("  Instructions of a packet, received or sent, by stage of the loop:")
    print(f"  {'':12}" + "".join(f" {c:>24}" for c in columns))
    for stage in STAGES:
        print(f"  {stage:12}" + "".join(f" {number(values, f'instructions_per_packet_{stage}_{c}'):>24}" for c in columns))
    print(f"  {'all':12}" + "".join(f" {number(values, f'instructions_per_packet_{c}'):>24}" for c in columns))


def report_maglev(values):
    print(f"\nmaglev: a pick takes {number(values, 'maglev_pick_ns')} ns with 100 pools' tables out of the cache, "
          f"{number(values, 'maglev_pick_ns_warm')} ns with them in use, {number(values, 'maglev_pick_ns_hot')} ns with one small table;")
    print(f"  the key of a client before it takes {number(values, 'maglev_key_ns')} ns. Tables, of equal weights; * is the size that a pool of that many gets:")
    print(f"  {'backends':>9} {'entries':>9} {'build ms':>10} {'fullest above mean':>19} {'moved beyond the share of one that goes':>40}")
    for name in values:
        match = re.fullmatch(r"maglev_build_ms_(\d+)_backends_(\d+)", name)
        if not match:
            continue
        of = f"{match[1]}_backends_{match[2]}"
        own = "*" if values.get(f"maglev_size_{match[1]}_backends") == float(match[2]) else " "
        print(f"  {int(match[1]):9,} {int(match[2]):9,}{own}{values[name]:10.3f} {values[f'maglev_imbalance_permille_{of}'] / 10:18.2f}% "
              f"{values[f'maglev_disruption_permille_{of}'] / 10:39.2f}%")


def report_picker(values):
    print("\npicker: a pick in ns, 100 pools of 40 backends, weights 1 to 4, one in ten down; building one of 1,000 backends in ms, by weights")
    print(f"  {'':12} {'one pool':>9} {'pick':>9} {'chained':>9} {'cold':>9} {'instructions':>13} {'equal':>9} {'1 to 4':>9} {'1 to 256':>9}")
    for kind in (m[1] for m in (re.fullmatch(r"picker_pick_ns_(.*)_hot", name) for name in values) if m):
        print(f"  {kind:12}" + "".join(f" {number(values, f'picker_pick_ns_{kind}{what}'):>9}" for what in ("_hot", "", "_chained", "_cold")) +
              f" {number(values, f'picker_pick_instructions_{kind}'):>13}" +
              "".join(f" {number(values, f'picker_build_ms_{kind}_{what}'):>9}" for what in ("equal", "1_to_4", "1_to_256")))


def report_idle(values):
    print(f"\nidle: memory of an idle proxied pair, Weir {number(values, 'idle_pair_bytes')} bytes by the sizes of pools"
          f" ({number(values, 'idle_conn_bytes')} a connection with its flow slot)")
    for label, pairs in (("100k", "100,000"), ("1m", "1,000,000")):
        if f"idle_pair_bytes_resident_{label}" in values:
            print(f"  {pairs:>9} pairs open: {number(values, f'idle_pair_bytes_resident_{label}')} bytes a pair resident, "
                  f"{values[f'idle_bytes_passed_{label}']:,.0f} passed their byte, no buffer held while idle")


    for label, pairs in (("20k", "20,000"), ("100k", "100,000")):
        if f"idle_pair_bytes_haproxy_{label}" in values:
            print(f"  HAProxy, {pairs} pairs open: {number(values, f'idle_pair_bytes_haproxy_{label}')} bytes a pair resident in "
                  f"{values[f'idle_processes_haproxy_{label}']:.0f} process(es), and {number(values, f'idle_pair_kernel_bytes_haproxy_{label}')} in the kernel for its two sockets")


# Which records, by the beginning of their names, make which table.
CIPHERS = ("gcm128", "gcm256", "cbc128_sha256", "cbc256_sha256")


def share(values, name):
    return f"{values[name]:.2f}" if name in values else "-"


def report_ipsec(values):
    print("\nipsec: cycles of a packet made into ESP and opened again, bursts of 32, tunnel mode, sequence numbers of 64 bits; the cipher alone is")
    print("  dpdk-test-crypto-perf with buffers of that size, in the same run. Share: the cipher's cycles of ours.")
    print(f"  {'':16}{'bytes':>7}{'out':>9}{'cipher':>9}{'share':>8}{'Gbit/s at 3 GHz':>17}{'in':>10}{'cipher':>9}{'share':>8}")
    for cipher in CIPHERS:
        for size in (64, 128, 256, 512, 1024, 1408, 2048, 4096, 8192):
            of = f"{cipher}_{size}"
            if f"ipsec_out_cycles_{of}" not in values:
                continue
            rate = f"{size * 8 * 3 / values[f'ipsec_out_cycles_{of}']:.1f}"
            print(f"  {cipher:16}{size:7,}{number(values, f'ipsec_out_cycles_{of}'):>9}{number(values, f'ipsec_cipher_out_cycles_{of}'):>9}"
                  f"{share(values, f'ipsec_out_share_of_cipher_{of}'):>8}{rate:>17}"
                  f"{number(values, f'ipsec_in_cycles_{of}'):>10}{number(values, f'ipsec_cipher_in_cycles_{of}'):>9}"
                  f"{share(values, f'ipsec_in_share_of_cipher_{of}'):>8}")
    print("  Bulk through a worker (its cycles a byte; MTU 1500; backends behind a tunnel; share: clear's of that):")
    for way in ("up", "down"):
        for kind in ("clear", *CIPHERS):
            name = f"ipsec_bulk_{way}_cycles_per_byte_{kind}"
            if name in values:
                print(f"  {way:6}{kind:16}{values[name]:8.3f}{values.get(f'ipsec_bulk_{way}_share_of_clear_{kind}', 1):8.2f}")


SECTIONS = (("tcp_", report_tcp), ("instructions_", report_stages), ("maglev_", report_maglev), ("picker_", report_picker), ("idle_", report_idle),
            ("ipsec_", report_ipsec))


def report(lines, out):
    values = {}
    for line in lines:
        name, value = line.split()
        values[name] = float(value)
    for beginning, table in SECTIONS:
        if any(name.startswith(beginning) for name in values):
            table(values)
    out.update(values)
