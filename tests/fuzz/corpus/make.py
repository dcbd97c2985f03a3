#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Write the seed corpora of the fuzz targets beside this file. Needs scapy."""
import pathlib

from scapy.all import ARP, Dot1Q, Ether, ICMP, IP, IPv6, TCP, UDP, Raw
from scapy.layers.inet6 import (ICMPv6EchoRequest, ICMPv6ND_NS, IPv6ExtHdrDestOpt,
                                IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, IPv6ExtHdrRouting,
                                PadN, RouterAlert)

HERE = pathlib.Path(__file__).resolve().parent
ETH = Ether(dst="02:00:00:00:00:02", src="02:00:00:00:00:01")
IP4 = IP(src="198.18.0.1", dst="198.18.0.100", id=1)
IP6 = IPv6(src="2001:db8::1", dst="2001:db8::100")
SYN = TCP(sport=4660, dport=80, flags="S", seq=1, options=[
    ("MSS", 1460), ("SAckOK", b""), ("Timestamp", (1, 0)), ("NOP", None), ("WScale", 7)])
SACK = TCP(sport=4660, dport=80, flags="A", seq=2, ack=3, options=[
    ("NOP", None), ("NOP", None), ("Timestamp", (5, 6)),
    ("NOP", None), ("NOP", None), ("SAck", (10, 20, 30, 40))])
DATA = TCP(sport=4660, dport=80, flags="PA", seq=2, ack=3)
PAYLOAD = Raw(bytes(range(64)))

FRAMES = {
    "ip4_syn": ETH / IP4 / SYN,
    "ip4_sack": ETH / IP4 / SACK,
    "ip4_data_vlan": ETH / Dot1Q(vlan=100) / IP4 / DATA / PAYLOAD,
    "ip4_options": ETH / IP(src="198.18.0.1", dst="198.18.0.100",
                            options=b"\x94\x04\x00\x00\x83\x03\x04\x00") / DATA,
    "ip4_fragment": ETH / IP(src="198.18.0.1", dst="198.18.0.100", flags="MF") / DATA / PAYLOAD,
    "ip4_icmp": ETH / IP4 / ICMP() / PAYLOAD,
    "ip4_udp": ETH / IP4 / UDP() / PAYLOAD,
    "ip6_syn": ETH / IP6 / SYN,
    "ip6_ext": ETH / IP6 / IPv6ExtHdrHopByHop(options=[RouterAlert(), PadN(optdata=b"")])
               / IPv6ExtHdrDestOpt(options=[PadN(optdata=b"\0" * 4)])
               / IPv6ExtHdrRouting(segleft=0) / DATA / PAYLOAD,
    "ip6_fragment": ETH / IP6 / IPv6ExtHdrFragment(m=1, id=7) / DATA / PAYLOAD,
    "ip6_ns": ETH / IPv6(src="::", dst="ff02::1:ff00:100", hlim=255)
              / ICMPv6ND_NS(tgt="2001:db8::100"),
    "ip6_echo": ETH / IP6 / ICMPv6EchoRequest(data=b"weir"),
    "arp": ETH / ARP(psrc="198.18.0.1", pdst="198.18.0.100"),
    "qinq": ETH / Dot1Q(vlan=1) / Dot1Q(vlan=2) / IP4 / SYN,
}

OPTIONS = {
    "syn": "01" "020405b4" "0402" "080a0000000100000000" "01030307",
    "timestamps": "00" "0101080a0000000500000006",
    "sack4": "00" "01010522" + "0000000a00000014" * 4,
    "end_of_list": "01" "0101000204",
    "zero_length": "01" "0200",
    "unknown": "01" "fe04aabb2202",
}

# A text, then settings of the command line, each behind a NUL byte; '!' is no text.
SETTINGS = {
    "all": ("""fast: yes
name: n
file: /tmp/x
workers: [3, 5]
wait: {max: 5s}
bytes: 2K
rate: 1.5M
share: 0.25
mode: quick
flags: [ack, fin]
mac: "02:00:00:00:00:01"
range: 198.18.0.1-198.18.0.2
span: 7
first: b
shelves: [{name: a}, {name: b, boxes: [{name: x, tags: [1, 2]}]}]
""",),
    "set_over": ("""wait: 7s
rings: 128
workers: 4
shelves: [{boxes: &b [{name: a}]}, {boxes: *b}]
""", "wait.max=9s", "rings.tx=256", "workers[1]=6", "shelves[0].boxes[0].size=5"),
    "set_alone": ("!", "shelves[1].boxes[0].name=x", "extra.a=3", "flags=syn,ack"),
    "set_nothing": ("shelves:\nwait:\n", "shelves[0].name=x", "wait.max=1s", "fast"),
    "set_path_newline": ("!", "a\nb"),
}


def main():
    for folder in ("frame", "tcp_options", "settings"):
        (HERE / folder).mkdir(exist_ok=True)
    for name, frame in FRAMES.items():
        (HERE / "frame" / name).write_bytes(b"\x00" + bytes(frame))
    (HERE / "frame" / "no_l2_trusted").write_bytes(b"\x03" + bytes(IP6 / SYN))
    for name, text in OPTIONS.items():
        (HERE / "tcp_options" / name).write_bytes(bytes.fromhex(text))
    for name, parts in SETTINGS.items():
        (HERE / "settings" / name).write_bytes("\0".join(parts).encode())


if __name__ == "__main__":
    main()
