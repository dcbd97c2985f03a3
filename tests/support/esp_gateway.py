#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""A far IPsec gateway or host in user space: ESP on raw sockets or UDP, plain packets on a TUN device of its own.

esp_gateway.py --cipher C --keys FILE --local ADDR --remote ADDR --to PREFIXES --from PREFIXES [options]

--local is this end's address outside, --remote Weir's; --to what lies behind this end, --from who may speak from
Weir's side (comma-separated; in --mode transport both default to the two ends). Key files are Weir's, so its `out`
is our in; with --as-weir this end is the other one: directions are not swapped, and --to and --from change places.

It makes a TUN device (--tun), and a routing table and rules (its number: --table), so that the kernel sends what is
for the other side into the TUN; its own sockets are marked and pass these rules by. So transport mode works without
any IPsec in the kernel: the host's TCP speaks to the other end's very address, and what it sends is turned aside into
the TUN, while ESP to the same address leaves by the wire. Returning packets are sent by the worker whose `out`
association last carried their flow; by any with --spread.

Orders, one a line, into the FIFO --control: `reload [FILE]` (accept its associations also, send with them),
`accept FILE` (only accept), `send` (with the newest accepted), `forget old|all` (associations), `faults SPEC`, `stats`.
SIGHUP is `reload`, SIGUSR1 `stats`; SIGTERM and SIGINT end it. Counters are one line of JSON on standard output.

Faults, SPEC as replay=0.01,forge=0.01: replay (an earlier one again), forge (a copy with a bit turned before the
true one), truncate (a copy cut before the true one), reorder (late), loss, ce (ECN mark outside), keepalive (UDP)."""
import argparse
import array
import fcntl
import ipaddress
import json
import os
import random
import selectors
import signal
import socket
import struct
import subprocess
import sys
import time
import zlib
from collections import deque

import esp_codec

MARK = 0x57  # of our own packets, for the routing rules
BATCH = 64
SO_RCVBUFFORCE, SO_MARK = 33, 36
IP_MTU_DISCOVER, IPV6_MTU_DISCOVER, IPV6_DONTFRAG, PMTUDISC_DO = 10, 23, 62, 2
IPV6_TCLASS, IPV6_RECVTCLASS, IP_RECVTOS = 67, 66, 13
TUNSETIFF, IFF_TUN_NO_PI = 0x400454CA, 0x1001
SOL_PACKET, PACKET_STATISTICS, PACKET_OUTGOING = 263, 6, 4
FLOWS = 1 << 18
IVS = 1 << 20
MISSING = 1 << 16


def addr(text):
    return ipaddress.ip_address(text).packed


class Prefixes:
    def __init__(self, nets):
        self.nets = list(nets)
        self.known = {}  # packed address to answer

    def has(self, packed):
        if packed not in self.known:
            if len(self.known) > 65536:
                self.known.clear()
            ip = ipaddress.ip_address(packed)
            self.known[packed] = any(ip in n for n in self.nets if n.version == ip.version)
        return self.known[packed]


def l4_flow(p):
    """(source, destination, protocol, ports) of an IP packet, None for what is no whole IP packet."""
    if len(p) >= 20 and p[0] >> 4 == 4:
        at, proto, src, dst = (p[0] & 15) * 4, p[9], bytes(p[12:16]), bytes(p[16:20])
    elif len(p) >= 40 and p[0] >> 4 == 6:
        at, proto, src, dst = 40, p[6], bytes(p[8:24]), bytes(p[24:40])
    else:
        return None
    if proto in (6, 17) and len(p) >= at + 4:
        return src, dst, proto, bytes(p[at:at + 2]), bytes(p[at + 2:at + 4])
    return src, dst, proto, b"", b""


def tos_of(p):
    return p[1] if p[0] >> 4 == 4 else (p[0] << 4 | p[1] >> 4) & 0xFF


def sum16(data):
    if len(data) % 2:
        data += b"\0"
    words = array.array("H", data)
    words.byteswap()
    total = sum(words)
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ip_header(src, dst, proto, tos, length, ttl=64):
    if len(src) == 16:
        return struct.pack("!IHBB16s16s", 6 << 28 | tos << 20, length, proto, ttl, src, dst)
    head = struct.pack("!BBHIBBH4s4s", 0x45, tos, 20 + length, 0x4000, ttl, proto, 0, src, dst)
    return head[:10] + struct.pack("!H", sum16(head)) + head[12:]


def set_ce(p):
    """RFC 6040 4.2: a mark outside goes on inside, where the flow can carry it; None: it must be dropped."""
    if tos_of(p) & 3 == 0:
        return None
    p = bytearray(p)
    if p[0] >> 4 == 6:
        p[1] |= 0x30
    else:
        p[1] |= 3
        p[10:12] = b"\0\0"
        p[10:12] = struct.pack("!H", sum16(bytes(p[:(p[0] & 15) * 4])))
    return bytes(p)


class Receiving:
    """What one arriving association has shown."""

    def __init__(self, codec, worker, generation, esn, start):
        self.codec, self.worker, self.generation, self.esn = codec, worker, generation, esn
        self.highest = start  # 0: nothing yet
        self.first = None
        self.missing, self.ivs = set(), set()
        self.n = dict.fromkeys(("packets", "bytes", "auth_failures", "replays", "out_of_order", "gaps", "iv_repeats",
                                "bad_padding", "short"), 0)

    def whole(self, low):
        """The sequence number whose low bits these are (RFC 4303 A2, with a window of 2^31)."""
        if not self.esn:
            return low
        high = self.highest >> 32
        behind = self.highest & 0xFFFFFFFF
        if low + (1 << 31) < behind:
            high += 1
        elif low > behind + (1 << 31) and high:
            high -= 1
        return high << 32 | low

    def arrived(self, seq):
        """Whether it is new; only for what is authentic."""
        if self.first is None:
            self.first = seq
            self.highest = max(self.highest, seq - 1)
        if seq > self.highest:
            if seq > self.highest + 1:
                self.n["gaps"] += seq - self.highest - 1
                if len(self.missing) < MISSING:
                    self.missing.update(range(self.highest + 1, min(seq, self.highest + 4096)))
            self.highest = seq
            return True
        if seq in self.missing:
            self.missing.remove(seq)
            self.n["gaps"] -= 1
            self.n["out_of_order"] += 1
            return True
        self.n["replays"] += 1
        return False

    def check(self, plain):
        pad = plain.padding
        if pad != bytes(range(1, len(pad) + 1)):  # RFC 4303 2.4
            self.n["bad_padding"] += 1
        if plain.iv in self.ivs:
            self.n["iv_repeats"] += 1
        elif len(self.ivs) < IVS:
            self.ivs.add(plain.iv)
        else:
            self.n["iv_unchecked"] = self.n.get("iv_unchecked", 0) + 1


class Sending:
    def __init__(self, codec, worker, generation, start):
        self.codec, self.worker, self.generation = codec, worker, generation
        self.next = start
        self.packets = 0


class Sniffer:
    """All that passes on the wire outside: what must not, and how ESP's own packets look."""

    def __init__(self, gateway, device):
        self.g = gateway
        self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
        self.sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
        self.sock.bind((device, 3))
        self.sock.setblocking(False)
        self.n = dict.fromkeys(("esp", "no_df", "fragments", "clear_in", "clear_out", "clear_asks", "sniffer_lost"), 0)
        self.ttl, self.sample = set(), None

    def poll(self):
        for _ in range(BATCH * 2):
            try:
                frame, where = self.sock.recvfrom(96)
            except BlockingIOError:
                return
            if where[1] == 0x0806:
                self.ask(frame[24:28], where[2])
            elif where[1] in (0x0800, 0x86DD) and len(frame) >= 20:
                self.see(frame, where[2] == PACKET_OUTGOING)

    def ask(self, target, kind):
        if kind != PACKET_OUTGOING and target not in (self.g.local, self.g.remote) and self.g.behind.has(target):
            self.n["clear_asks"] += 1

    def see(self, p, leaving):
        flow = l4_flow(p)
        if flow is None:
            return
        src, dst, proto, sport, dport = flow
        ours = (src, dst) == ((self.g.local, self.g.remote) if leaving else (self.g.remote, self.g.local))
        v4 = len(src) == 4
        fragment = struct.unpack("!H", p[6:8])[0] & 0x3FFF if v4 else proto == 44
        if ours and (proto == 50 or (self.g.udp and proto == 17 and dport == self.g.udp_port.to_bytes(2, "big")) or fragment):
            if not leaving:
                self.n["esp"] += 1
                self.ttl.add(p[8] if v4 else p[7])
                self.n["fragments"] += bool(fragment)
                self.n["no_df"] += bool(v4 and not p[6] & 0x40)
            return
        if proto == 58 and len(p) > 40 and 133 <= p[40] <= 137:  # neighbour discovery
            if not leaving and p[40] == 135:
                self.ask(bytes(p[48:64]), 0)
            return
        if proto == 1 and len(p) > 20 and p[20] == 3 or proto == 58 and len(p) > 40 and p[40] in (1, 2):
            return  # ICMP errors about ESP itself
        if self.g.behind.has(src if leaving else dst):
            self.n["clear_out" if leaving else "clear_in"] += 1
            self.sample = self.sample or p[:64].hex()

    def counters(self):
        lost = struct.unpack("II", self.sock.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))[1]
        self.n["sniffer_lost"] += lost
        return dict(self.n, ttl=sorted(self.ttl), clear_sample=self.sample)


class Gateway:
    def __init__(self, a):
        self.a, self.mode, self.esn = a, a.mode, a.esn
        self.local, self.remote = addr(a.local), addr(a.remote)
        self.outer = socket.AF_INET6 if ":" in a.local else socket.AF_INET
        self.udp_port, self.udp = a.udp_port, bool(a.udp_port)
        near, far = self.prefixes()
        self.behind, self.beyond = (Prefixes(far), Prefixes(near))
        self.random = random.Random(a.seed)
        self.faults = {}
        self.set_faults(a.faults)
        self.receiving, self.sending, self.newest, self.generation = {}, {}, {}, 0
        self.flows = {}
        self.held, self.recent = deque(), deque(maxlen=256)
        self.n_in = dict.fromkeys(("packets", "bytes", "unknown_spi", "selector", "dummies", "keepalives", "ike", "short",
                                   "engines_differ", "next_header", "ce", "ce_not_ect", "tos_differs", "tun_refused"), 0)
        self.n_out = dict.fromkeys(("packets", "bytes", "no_association", "too_big", "no_buffer", "not_sent", "other_flow"), 0)
        self.n_faults = {}
        self.accept(a.keys)
        self.sending = self.newest
        self.device = a.iface or self.device_of(a.local)
        self.wire = self.open_wire()
        self.tun = self.open_tun()
        self.sniffer = Sniffer(self, self.device)

    def prefixes(self):
        a = self.a
        ends = [[ipaddress.ip_network(x)] for x in ((a.local, a.remote) if a.as_weir else (a.remote, a.local))]
        near = [ipaddress.ip_network(x) for x in a.near.split(",")] if a.near else ends[0]
        far = [ipaddress.ip_network(x) for x in a.to.split(",")] if a.to else ends[1]
        return (far, near) if a.as_weir else (near, far)

    # ---- what the kernel must know -------------------------------------------------------------

    def device_of(self, address):
        out = subprocess.run(["ip", "-json", "addr", "show", "to", address], check=True, capture_output=True).stdout
        names = [x["ifname"] for x in json.loads(out) if x.get("ifname")]
        if not names:
            sys.exit(f"esp_gateway.py: no device has {address}: set it first")
        return names[0]

    def open_wire(self):
        kind, proto = (socket.SOCK_DGRAM, 0) if self.udp else (socket.SOCK_RAW, socket.IPPROTO_ESP)
        s = socket.socket(self.outer, kind, proto)
        s.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20)
        s.setsockopt(socket.SOL_SOCKET, SO_MARK, MARK)
        if self.outer == socket.AF_INET6:
            s.setsockopt(socket.IPPROTO_IPV6, IPV6_MTU_DISCOVER, PMTUDISC_DO)
            s.setsockopt(socket.IPPROTO_IPV6, IPV6_DONTFRAG, 1)
            s.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVTCLASS, 1)
        else:
            s.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, PMTUDISC_DO)
            s.setsockopt(socket.IPPROTO_IP, IP_RECVTOS, 1)
        s.bind((self.a.local, self.udp_port))
        s.setblocking(False)
        return s

    def open_tun(self):
        a = self.a
        fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", a.tun.encode(), IFF_TUN_NO_PI))
        orders = [f"link set {a.tun} mtu {a.mtu} txqueuelen 10000 up"]
        source = f" src {a.local}" if self.mode == "transport" else ""
        for net in self.beyond.nets:
            family = "-6 " if net.version == 6 else ""
            orders.append(f"{family}route replace {net} dev {a.tun} table {a.table}{source}")
        for version in sorted({net.version for net in self.beyond.nets}):  # not: all of a rule, so it names no address
            orders.append(f"-{version} rule add pref {a.table} not fwmark {MARK} lookup {a.table}")
        for order in orders:
            subprocess.run(["ip", *order.split()], check=True)
        for name in ("all", a.tun, self.device):  # what comes out of the TUN has its way back there by rule only
            with open(f"/proc/sys/net/ipv4/conf/{name}/rp_filter", "w", encoding="ascii") as f:
                f.write("0")
        for name in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
            with open(f"/proc/sys/net/{name}", "w", encoding="ascii") as f:
                f.write("1")
        return fd

    def forget_rules(self):
        for version in {net.version for net in self.beyond.nets}:
            subprocess.run(["ip", f"-{version}", "rule", "del", "pref", str(self.a.table)], check=False, stderr=subprocess.DEVNULL)

    # ---- associations --------------------------------------------------------------------------

    def accept(self, path):
        keys = esp_codec.read_keys(path, self.a.cipher)
        self.generation += 1
        newest = {}
        for k in keys:
            codec = esp_codec.ENGINES[self.a.engine](k, self.mode, self.a.local, self.a.remote, self.esn)
            if k.out != self.a.as_weir:
                old = self.receiving.get(k.spi)
                if old is None or (old.codec.key, old.codec.auth) != (codec.key, codec.auth):
                    self.receiving[k.spi] = Receiving(codec, k.worker, self.generation, self.esn, self.a.rx_sequence)
                continue
            for s in list(self.sending.values()) + list(self.newest.values()):
                if s.codec.spi == k.spi and (s.codec.key, s.codec.auth) == (codec.key, codec.auth):
                    newest[k.worker] = s
                    break
            else:
                newest[k.worker] = Sending(codec, k.worker, self.generation, self.a.sequence)
        self.newest = newest

    def order(self, line):
        words = line.split()
        if not words:
            return
        try:
            if words[0] == "reload":
                self.accept(words[1] if len(words) > 1 else self.a.keys)
                self.sending = self.newest
            elif words[0] == "accept":
                self.accept(words[1])
            elif words[0] == "send":
                self.sending = self.newest
            elif words[0] == "forget" and words[1] in ("old", "all"):
                keep = (lambda r: r.generation == self.generation) if words[1] == "old" else (lambda r: False)
                self.receiving = {spi: r for spi, r in self.receiving.items() if keep(r)}
                if words[1] == "all":
                    self.sending, self.newest = {}, {}
            elif words[0] == "faults":
                self.set_faults(words[1] if len(words) > 1 else "")
            elif words[0] == "stats":
                self.show()
            else:
                raise ValueError("no such order")
        except (OSError, ValueError, IndexError) as error:
            print(f"esp_gateway.py: order '{line}': {error}", file=sys.stderr, flush=True)

    def set_faults(self, spec):
        names = ("replay", "forge", "truncate", "reorder", "loss", "ce", "keepalive")
        faults = {}
        for word in filter(None, spec.split(",")):
            name, share = word.split("=")
            if name not in names:
                raise ValueError(f"no fault '{name}': {', '.join(names)}")
            faults[name] = float(share)
        self.faults = faults

    # ---- arriving ------------------------------------------------------------------------------

    def from_wire(self):
        for _ in range(BATCH):
            try:
                esp, anc, _, where = self.wire.recvmsg(65536, 64)
            except BlockingIOError:
                return
            except OSError:  # an ICMP error that came back for what was sent
                continue
            tos = anc[0][2][0] if anc else 0
            if not self.udp and self.outer == socket.AF_INET:
                tos = esp[1]
                esp = esp[(esp[0] & 15) * 4:]
            if addr(where[0]) == self.remote:
                self.decrypt(esp, tos)

    def decrypt(self, esp, tos):
        n = self.n_in
        if self.udp and esp == b"\xff":
            n["keepalives"] += 1
            return
        if self.udp and esp[:4] == b"\0\0\0\0":
            n["ike"] += 1
            return
        if len(esp) < 8:
            n["short"] += 1
            return
        spi, low = struct.unpack("!II", esp[:8])
        sa = self.receiving.get(spi)
        if sa is None:
            n["unknown_spi"] += 1
            return
        seq = sa.whole(low)
        try:
            plain = sa.codec.open(esp, seq)
        except esp_codec.Bad as bad:
            where = sa.n if str(bad) in sa.n else n
            where[str(bad)] += 1
            return
        if not sa.arrived(seq):
            return
        sa.check(plain)
        inner = self.inner(plain, tos)
        if inner is None:
            return
        sa.n["packets"] += 1
        sa.n["bytes"] += len(inner)
        n["packets"] += 1
        n["bytes"] += len(inner)
        flow = l4_flow(inner)
        if len(self.flows) >= FLOWS:
            self.flows.pop(next(iter(self.flows)))
        self.flows[flow] = sa.worker
        try:
            os.write(self.tun, inner)
        except OSError:
            n["tun_refused"] += 1

    def inner(self, plain, tos):
        """The packet inside, or None when it was counted as wrong."""
        n = self.n_in
        if plain.next_header == 59:  # RFC 4303 2.6
            n["dummies"] += 1
            return None
        p = plain.data
        if self.mode == "transport":
            p = ip_header(self.remote, self.local, plain.next_header, tos & 0xFC, len(p)) + p
        elif plain.next_header not in (4, 41) or not p or p[0] >> 4 != {4: 4, 41: 6}[plain.next_header]:
            n["next_header"] += 1
            return None
        flow = l4_flow(p)
        if flow is None or not self.beyond.has(flow[0]) or not self.behind.has(flow[1]):
            n["selector"] += 1
            return None
        if self.mode == "tunnel":
            n["tos_differs"] += tos_of(p) != tos
            if tos & 3 == 3 and tos_of(p) & 3 != 3:
                n["ce"] += 1
                p = set_ce(p)
                n["ce_not_ect"] += p is None
        return p

    # ---- leaving -------------------------------------------------------------------------------

    def from_tun(self):
        for _ in range(BATCH):
            try:
                p = os.read(self.tun, 65536)
            except BlockingIOError:
                return
            flow = l4_flow(p)
            if flow and self.behind.has(flow[0]) and self.beyond.has(flow[1]):
                self.encrypt(p, flow)
            else:
                self.n_out["other_flow"] += 1

    def worker_of(self, flow):
        if self.a.spread:
            return self.random.choice(list(self.sending))
        src, dst, proto, sport, dport = flow
        worker = self.flows.get((dst, src, proto, dport, sport))
        if worker in self.sending:
            return worker
        workers = sorted(self.sending)
        return workers[zlib.crc32(src + dst + sport + dport) % len(workers)]

    def encrypt(self, p, flow):
        if not self.sending:
            self.n_out["no_association"] += 1
            return
        sa = self.sending[self.worker_of(flow)]
        tos = tos_of(p)
        if self.mode == "tunnel":
            inner, next_header = p, 4 if p[0] >> 4 == 4 else 41
        else:
            inner, next_header = (p[40:], p[6]) if p[0] >> 4 == 6 else (p[(p[0] & 15) * 4:], p[9])
        esp = sa.codec.seal(inner, next_header, sa.next)
        sa.next += 1
        sa.packets += 1
        self.n_out["packets"] += 1
        self.n_out["bytes"] += len(p)
        if self.faults:
            self.with_faults(esp, tos)
        else:
            self.send(esp, tos)

    def hit(self, name):
        if self.random.random() >= self.faults.get(name, 0):
            return False
        self.n_faults[name] = self.n_faults.get(name, 0) + 1
        return True

    def with_faults(self, esp, tos):
        if self.hit("forge"):
            at = self.random.randrange(8, len(esp))
            self.send(esp[:at] + bytes((esp[at] ^ 1 << self.random.randrange(8),)) + esp[at + 1:], tos)
        if self.hit("truncate"):
            self.send(esp[:self.random.randrange(len(esp))], tos)
        if self.recent and self.hit("replay"):
            self.send(*self.random.choice(self.recent))
        if self.udp and self.hit("keepalive"):
            self.send(b"\xff", 0)
        if tos & 3 and self.hit("ce"):
            tos |= 3
        if self.hit("loss"):
            return
        if self.hit("reorder"):
            self.held.append((time.monotonic() + 0.005, self.random.randint(1, 8), esp, tos))
            return
        self.send(esp, tos)
        self.recent.append((esp, tos))
        self.release(1)

    def release(self, passed):
        """Late packets go when some others have passed them, or after 5 ms."""
        now = time.monotonic()
        for _ in range(len(self.held)):
            due, left, esp, tos = self.held.popleft()
            if left <= passed or now >= due:
                self.send(esp, tos)
            else:
                self.held.append((due, left - passed, esp, tos))

    def send(self, esp, tos):
        if self.outer == socket.AF_INET6:
            anc = [(socket.IPPROTO_IPV6, IPV6_TCLASS, struct.pack("i", tos))] if tos else []
            where = (self.a.remote, self.udp_port, 0, 0)
        else:
            anc = [(socket.IPPROTO_IP, socket.IP_TOS, struct.pack("i", tos))] if tos else []
            where = (self.a.remote, self.udp_port)
        for _ in range(2):
            try:
                self.wire.sendmsg([esp], anc, 0, where)
                return
            except OSError as error:  # of these, an ICMP error that waited for this socket: sent the second time
                name = {90: "too_big", 11: "no_buffer", 105: "no_buffer"}.get(error.errno)
                if name:
                    self.n_out[name] += 1
                    return
        self.n_out["not_sent"] += 1

    # ---- the run -------------------------------------------------------------------------------

    def show(self):
        total = dict(self.n_in)
        spis = {}
        for spi, sa in self.receiving.items():
            spis[f"{spi:#010x}"] = dict(sa.n, worker=sa.worker, generation=sa.generation, first=sa.first, highest=sa.highest)
            for name in ("auth_failures", "replays", "out_of_order", "gaps", "iv_repeats", "bad_padding", "short"):
                total[name] = total.get(name, 0) + sa.n[name]
        out = {f"{s.codec.spi:#010x}": {"worker": s.worker, "generation": s.generation, "packets": s.packets, "next": s.next}
               for s in self.sending.values()}
        print(json.dumps({"in": total, "out": self.n_out, "faults": self.n_faults, "wire": self.sniffer.counters(),
                          "generation": self.generation, "in_spi": spis, "out_spi": out}), flush=True)

    def run(self):
        poller = selectors.EpollSelector()
        poller.register(self.wire, selectors.EVENT_READ, self.from_wire)
        poller.register(self.tun, selectors.EVENT_READ, self.from_tun)
        poller.register(self.sniffer.sock, selectors.EVENT_READ, self.sniffer.poll)
        control = None
        if self.a.control:
            if not os.path.exists(self.a.control):
                os.mkfifo(self.a.control, 0o600)
            control = os.open(self.a.control, os.O_RDWR | os.O_NONBLOCK)  # for writing too: it never ends
            rest = [b""]

            def orders():
                *lines, rest[0] = (rest[0] + os.read(control, 4096)).split(b"\n")
                for line in lines:
                    self.order(line.decode(errors="replace"))
            poller.register(control, selectors.EVENT_READ, orders)
        told, tell = os.pipe()
        for fd in (told, tell):
            os.set_blocking(fd, False)
        signal.set_wakeup_fd(tell)
        for s in (signal.SIGHUP, signal.SIGUSR1, signal.SIGTERM, signal.SIGINT):
            signal.signal(s, lambda *_: None)
        self.ended = False

        def signals():
            for s in os.read(told, 64):
                if s in (signal.SIGTERM, signal.SIGINT):
                    self.ended = True
                elif s == signal.SIGHUP:
                    self.order("reload")
                else:
                    self.show()
        poller.register(told, selectors.EVENT_READ, signals)
        print(json.dumps({"ready": True, "tun": self.a.tun}), flush=True)
        while not self.ended:
            for key, _ in poller.select(0.005 if self.held else None):
                key.data()
            if self.held:
                self.release(0)
        self.sniffer.poll()
        self.forget_rules()
        self.show()


def main():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("--cipher", choices=esp_codec.CIPHERS, required=True)
    p.add_argument("--keys", required=True)
    p.add_argument("--local", required=True)
    p.add_argument("--remote", required=True)
    p.add_argument("--to", default="")
    p.add_argument("--from", dest="near", default="")
    p.add_argument("--mode", choices=("tunnel", "transport"), default="tunnel")
    p.add_argument("--engine", choices=esp_codec.ENGINES, default="cryptography")
    p.add_argument("--udp-port", type=int, default=0)
    p.add_argument("--esn", action="store_true")
    p.add_argument("--as-weir", action="store_true")
    p.add_argument("--spread", action="store_true")
    p.add_argument("--faults", default="")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--sequence", type=int, default=1, help="first to send")
    p.add_argument("--rx-sequence", type=int, default=0, help="highest arrived so far, for extended ones")
    p.add_argument("--control", default="")
    p.add_argument("--tun", default="esp0")
    p.add_argument("--mtu", type=int, default=1400)
    p.add_argument("--table", type=int, default=4500)
    p.add_argument("--iface", default="")
    Gateway(p.parse_args()).run()


if __name__ == "__main__":
    main()
