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

SIGNATURE = "0d0a0d0a000d0a515549540a"
INET4 = "c6120001" "c6120002" "1234" "01bb"
INET6 = "20010db8000000000000000000000001" "20010db8000000000000000000000002" "1234" "01bb"
PROXY_HEADERS = {
    "v1_ipv4": b"PROXY TCP4 198.18.0.1 198.18.0.2 4660 443\r\nGET / HTTP/1.1\r\n\r\n",
    "v1_ipv6": b"PROXY TCP6 2001:db8::1 2001:db8::2 4660 443\r\n",
    "v1_mapped": b"PROXY TCP6 ::ffff:198.18.0.1 2001:db8::2 0 65535\r\n",
    "v1_unknown": b"PROXY UNKNOWN\r\n",
    "v1_unknown_long": b"PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n",
    "v2_local": bytes.fromhex(SIGNATURE + "20000000"),
    "v2_ipv4": bytes.fromhex(SIGNATURE + "2111000c" + INET4),
    "v2_ipv6": bytes.fromhex(SIGNATURE + "21210024" + INET6),
    "v2_unix": bytes.fromhex(SIGNATURE + "213100d8" + "2f" * 216),
    "v2_unspec": bytes.fromhex(SIGNATURE + "21000003" + "010203"),
    "v2_tlvs_checksum": bytes.fromhex(SIGNATURE + "2111001c" + INET4 + "0100026832" +
                                      "030004" + "070b7842" + "040001aa"),
    "v2_longest": bytes.fromhex(SIGNATURE + "211103f0" + INET4 + "0403e1" + "00" * 993),
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

# Flags (1: an agent, 2: HEAD, 4: the stream ends), a seed of how it is cut, the header and the part
# of the body that must be there, each behind it a NUL byte, then the answer.
OK = b"HTTP/1.1 200 OK\r\n"
CHECKS = {
    "status": (4, b"", b"", OK + b"Content-Length: 2\r\n\r\nok"),
    "status_1_0": (4, b"", b"", b"HTTP/1.0 503 No\r\nServer: x\r\n\r\n"),
    "interim": (0, b"X-A: b", b"", b"HTTP/1.1 103 H\r\nX-A: b\r\n\r\n" + OK + b"x-a: abc\r\n\r\n"),
    "header_twice": (0, b"Via: me", b"", OK + b"Via: a\r\nVia: to me\r\nB:\r\n c\r\n\r\n"),
    "body_length": (0, b"", b"aab", OK + b"Content-Length: 6\r\n\r\naaaaab"),
    "body_chunked": (0, b"", b"ready", OK + b"Transfer-Encoding: chunked\r\n\r\n"
                     b"3;a=b\r\nrea\r\n2\r\ndy\r\n0\r\nT: v\r\n\r\n"),
    "body_close": (4, b"", b"no", OK + b"\r\nall is well"),
    "head": (2, b"", b"x", OK + b"Content-Length: 9\r\n\r\n"),
    "upgrade": (0, b"", b"x", b"HTTP/1.1 101 S\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\nx"),
    "status_1": (0, b"", b"", b"HTTP/1.1 1\n\r\n" + bytes(200) + b"S"),
    "banner": (4, b"", b"", b"SSH-2.0-x\r\n"),
    "agent_all": (1, b"", b"", b"75% maxconn:30 up,ready#all is well\n"),
    "agent_end": (5, b"", b"", b"drain"),
    "agent_unknown": (1, b"", b"", b"up down what\r\n"),
}


K0, K1, K2, K3 = ("9c41e70b5d28f36a8e13b7c094d25f61", "17fa3c8d60e29b45d3087e1fc65ab924",
                  "e5b80193c47f2ad65b9e3f07128ac4dd", "4d29f6a51b8c03e7762fe9d8b0354ca2")
S0, S1 = "c3a9175e", "80d6f24b"

# The first byte: cipher + 4 x (workers - 1). Then the file.
KEY_FILES = {
    "gcm_128": (0, f"# dc1\n0 out 0x00001001 {K0}{S0}\n0 in 8193 {K1}{S1} # far\n"),
    "gcm_256": (1, f"0 in 0X100 {K0}{K1}{S0}\r\n0 out 256 {K1}{K0}{S1}\r\n"),
    "cbc_128": (2, f"0 in 256 {K0} {K2}{K3}\n\n0\tout 4294967295 {K1}\t{K3}{K2}"),
    "cbc_256_two": (3 + 4, "".join(f"{w} {way} {300 + w} {k}{K1} {K2}{K3}\n" for w, way, k in (
        (0, "in", K0), (0, "out", K1), (1, "out", K2), (1, "in", K3.upper())))),
    "key_as_worker": (0, f"{K0}{S0} in 256 0\n"),
    "key_as_spi": (0, f"0 in {K0} {S0}\n"),
    "key_twice": (0, f"0 in 256 {K0}{S0}\n0 out 256 {K0}{S1}\n"),
    "spi_twice": (4, f"0 in 256 {K0}{S0}\n1 in 0x100 {K1}{S1}\n"),
    "no_peer": (0, f"0 in 256 {K0}{S0}\n"),
    "nul": (0, f"0 in 256 {K0}{S0}\0\n"),
}

# Association, what the rest is (0: a frame, 8: to be encrypted, 0x18: the same twice), changes, packet.
INSIDE4 = bytes(IP(src="10.1.0.1", dst="198.18.0.1") / DATA / PAYLOAD)
INSIDE6 = bytes(IPv6(src="2001:db8::1", dst="2001:db8::2") / DATA / PAYLOAD)
ESP = bytes.fromhex("00001000" "00000001") + bytes(64)
IPSEC = {
    "frame": bytes([0]) + bytes(ETH / IP(src="198.18.0.1", dst="198.18.9.1", proto=50) / ESP),
    "frame_udp": bytes([1]) + bytes(ETH / IP(src="198.18.0.1", dst="198.18.9.1")
                                    / UDP(sport=4500, dport=4500) / ESP),
    "keepalive": bytes([1]) + bytes(ETH / IP(src="198.18.0.1", dst="198.18.9.1")
                                    / UDP(sport=4500, dport=4500) / b"\xff"),
    "short": bytes([0]) + bytes(ETH / IP(src="198.18.0.1", dst="198.18.9.1", proto=50) / b"1234567"),
    "not_tcp": bytes([8, 0]) + bytes(IP(src="10.1.0.1", dst="198.18.0.1") / UDP() / PAYLOAD),
    "other_source": bytes([8, 0]) + bytes(IP(src="198.18.9.1", dst="198.18.0.1") / DATA),
    "changed": bytes([8, 1, 0, 60, 1]) + INSIDE4,
    "outer_ce": bytes([8, 1, 0, 15, 3]) + INSIDE4,
}
IPSEC.update({f"twice_{i}": bytes([0x18 + i, 0]) + (INSIDE6 if i in (1, 3, 6, 7) else INSIDE4)
              for i in range(8)})
IPSEC.update({f"cut_{i}": bytes([0x48 + 0x20 * (i % 2) + i, 0])
                          + (INSIDE6 if i in (1, 3, 6, 7) else INSIDE4) for i in range(8)})


def main():
    for folder in ("frame", "tcp_options", "proxy_header", "settings", "check_http", "ipsec_keys",
                   "ipsec"):
        (HERE / folder).mkdir(exist_ok=True)
    for name, frame in FRAMES.items():
        (HERE / "frame" / name).write_bytes(b"\x00" + bytes(frame))
    (HERE / "frame" / "no_l2_trusted").write_bytes(b"\x03" + bytes(IP6 / SYN))
    for name, text in OPTIONS.items():
        (HERE / "tcp_options" / name).write_bytes(bytes.fromhex(text))
    for name, header in PROXY_HEADERS.items():
        (HERE / "proxy_header" / name).write_bytes(header)
    for name, parts in SETTINGS.items():
        (HERE / "settings" / name).write_bytes("\0".join(parts).encode())
    for name, (flags, header, body, answer) in CHECKS.items():
        (HERE / "check_http" / name).write_bytes(
            bytes([flags, 7]) + header + b"\0" + body + b"\0" + answer)
    for name, (first, text) in KEY_FILES.items():
        (HERE / "ipsec_keys" / name).write_bytes(bytes([first]) + text.encode())
    for name, data in IPSEC.items():
        (HERE / "ipsec" / name).write_bytes(data)


if __name__ == "__main__":
    main()
