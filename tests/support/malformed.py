#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Send frames that must be dropped: malformed.py DEVICE OWN_MAC PEER_MAC

Prints `reason count`: how often each reason of the drop catalogue must have been counted at least."""
import collections
import logging
import socket
import struct
import sys

logging.getLogger("scapy").setLevel(logging.ERROR)
from scapy.all import (ICMP, IP, TCP, UDP, Dot1Q, Ether, ICMPv6EchoRequest, IPv6,  # noqa: E402
                       IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, PadN, Raw, conf)
from scapy.utils import checksum  # noqa: E402

V4, V6 = "198.18.0.100", "2001:db8::100"
ME4, ME6 = "198.18.0.2", "2001:db8::2"


def frames(own, peer):
    eth = Ether(src=own, dst=peer)

    def seg4(**kw):
        return TCP(**{"sport": 40000, "dport": 80, "flags": "S", "seq": 1, **kw})

    ip4, ip6 = eth / IP(src=ME4, dst=V4), eth / IPv6(src=ME6, dst=V6)
    whole = bytes(ip4 / seg4())

    # below IP
    yield "own_mac", Ether(src=peer, dst=peer) / IP(src=ME4, dst=V4) / seg4()
    yield "vlan_unknown", eth / Dot1Q(vlan=77) / IP(src=ME4, dst=V4) / seg4()
    yield "short_frame", Raw(whole[:20])
    yield "unknown_ethertype", Ether(src=own, dst=peer, type=0x88B5) / Raw(b"x" * 50)
    # IP
    yield "ip_version", eth / IP(src=ME4, dst=V4, version=7) / seg4()
    yield "ip_header", eth / IP(src=ME4, dst=V4, ihl=3) / seg4()
    yield "ip_checksum", eth / IP(src=ME4, dst=V4, chksum=0x1234) / seg4()
    yield "ip_truncated", Raw(bytes(eth / IP(src=ME4, dst=V4, len=1400) / seg4() / Raw(b"y" * 100)))
    yield "ip_options", eth / IP(src=ME4, dst=V4, options=[b"\x83\x07\x04\xc6\x12\x00\x02", b"\x00"]) / seg4()
    # IPv4 fragments are not sent: the kernel reassembles them before af_packet (PACKET_FANOUT_FLAG_DEFRAG).
    yield "ip_fragment", ip6 / IPv6ExtHdrFragment(offset=0, m=1, id=9, nh=6) / Raw(bytes(seg4()) + b"z" * 12)
    yield "ip_source", eth / IP(src="127.0.0.1", dst=V4) / seg4()
    yield "ip_source", eth / IP(src="224.0.0.1", dst=V4) / seg4()
    yield "ip_source", eth / IPv6(src="ff02::1", dst=V6) / seg4()
    yield "not_for_us", eth / IP(src=ME4, dst="198.19.200.1") / seg4()
    yield "not_for_us", eth / IPv6(src=ME6, dst="2001:db8:ffff::1") / seg4()
    yield "land", eth / IP(src=V4, dst=V4) / seg4(sport=80)
    long_chain = ip6
    for _ in range(12):
        long_chain = long_chain / IPv6ExtHdrDestOpt(options=[PadN(optdata=b"\0" * 4)])
    yield "ip_ext_header", long_chain / seg4()
    yield "icmp_malformed", ip4 / ICMP(chksum=0x1111) / Raw(b"ping")
    yield "icmp_malformed", ip6 / ICMPv6EchoRequest(cksum=0x1111, data=b"ping")
    # TCP
    yield "tcp_checksum", ip4 / seg4(chksum=0x4321)
    yield "tcp_checksum", ip6 / seg4(chksum=0x4321)
    yield "tcp_header", ip4 / seg4(dataofs=3)
    yield "tcp_options", eth / IP(src=ME4, dst=V4, proto=6) / bad_option(seg4())
    yield "tcp_flags", ip4 / seg4(flags=0)
    yield "tcp_flags", ip6 / seg4(flags="SF")
    yield "tcp_flags", ip4 / seg4(flags="SR")
    yield "tcp_port_zero", ip4 / seg4(sport=0)
    yield "tcp_no_conn", ip4 / seg4(flags="A", ack=5)
    yield "tcp_no_conn", ip6 / seg4(dport=4444)
    yield "tcp_no_conn_rst", ip6 / seg4(flags="R")
    yield "unknown_protocol", ip4 / UDP(sport=40000, dport=80) / Raw(b"datagram")


def bad_option(segment):
    """The segment with one option that says to be 1 byte long, which RFC 9293 3.1 rules out."""
    raw = bytearray(bytes(segment)) + b"\x08\x01\x01\x00"
    raw[12] = 6 << 4
    raw[16:18] = b"\0\0"
    pseudo = socket.inet_aton(ME4) + socket.inet_aton(V4) + struct.pack("!BBH", 0, 6, len(raw))
    raw[16:18] = struct.pack("!H", checksum(pseudo + bytes(raw)))
    return Raw(bytes(raw))


def main(device, own, peer):
    want = collections.Counter()
    with conf.L2socket(iface=device) as sock:
        for reason, frame in frames(own, peer):
            for _ in range(3):
                sock.send(frame)
                want[reason] += 1
    for reason, count in want.items():
        print(reason, count)


if __name__ == "__main__":
    main(*sys.argv[1:])
