# SPDX-License-Identifier: BSD-3-Clause
"""Profiles of Pktgen-DPDK, read: the subset of its command language that weir-gen can play too.

A command or argument outside of the subset is refused with its line; nothing is ignored. What a profile leaves
out has the value that Pktgen gives it, and where that value is of no use here (addresses of 192.168.0.0/16,
ranges that count by themselves), the profile must say it."""
import copy
import ipaddress
import re
from dataclasses import dataclass, field

FCS = 4  # Pktgen counts the check sequence in sizes
SIZE_MIN, SIZE_MAX = 64, 9018
SEQUENCE_MAX = 16
FLAGS = ("fin", "syn", "rst", "psh", "ack", "urg")
NO_MAC = "00:00:00:00:00:00"
# RFC 2544 C.2.2 and RFC 3849: nothing that a profile spoofs may be somebody's.
SOURCES = (ipaddress.ip_network("198.18.0.0/15"), ipaddress.ip_network("2001:db8::/32"))


class Refused(Exception):
    """Said to the user as it is."""


@dataclass
class Range:
    start: object = None
    min: object = None
    max: object = None
    inc: object = None

    def complete(self):
        return None not in (self.start, self.min, self.max, self.inc)


@dataclass
class Entry:  # of a sequence
    target_mac: str
    source_mac: str
    target: object
    source: object
    sport: int
    dport: int
    proto: str
    size: int
    line: int


@dataclass
class Profile:
    name: str
    mode: str = "single"
    count: int = 0
    rate: float = 100.0
    size: int = 64
    proto: str = "tcp"
    type: str = "ipv4"
    sport: int = 1234
    dport: int = 5678
    flags: set = field(default_factory=lambda: {"ack"})
    source: object = None  # ip_interface: what the port answers ARP and ND for, and single packets come from
    target: object = None
    source_mac: str = NO_MAC  # none: the port's own
    target_mac: str = NO_MAC  # none: the runner finds it
    range_proto: str = "tcp"
    range_type: str = "ipv4"
    range_flags: set = field(default_factory=lambda: {"ack"})
    ranges: dict = field(default_factory=dict)
    entries: dict = field(default_factory=dict)
    seq_cnt: int = 0
    lines: list = field(default_factory=list)  # commands as they are, for a real Pktgen


# ---- arguments ---------------------------------------------------------------------------------------


def number(low, high):
    def read(word):
        if not re.fullmatch(r"[0-9]{1,20}", word) or not low <= int(word) <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return int(word)

    return read


def percent(word):
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", word) or not 0 < float(word) <= 100:
        raise ValueError("a percentage above 0 and up to 100, such as 10 or 0.5")
    return float(word)


def mac(word):
    digits = re.sub(r"[:]", "", word)
    if not re.fullmatch(r"([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}|([0-9a-fA-F]{4}:){2}[0-9a-fA-F]{4}", word):
        raise ValueError("a MAC address such as 02:00:00:00:00:01")
    return ":".join(digits[i : i + 2] for i in range(0, 12, 2)).lower()


def address(word):
    try:
        return ipaddress.ip_address(word)
    except ValueError:
        raise ValueError("an address such as 198.18.0.100 or 2001:db8::100, without a prefix length") from None


def interface(word):
    if "/" not in word:
        raise ValueError("an address with its prefix length, such as 198.18.0.2/24")
    try:
        return ipaddress.ip_interface(word)
    except ValueError:
        raise ValueError("an address with its prefix length, such as 198.18.0.2/24") from None


def one_of(*words):
    def read(word):
        if word not in words:
            raise ValueError("one of " + ", ".join(words))
        return word

    return read


def port(word):
    if word not in ("0", "all"):
        raise ValueError("0 or all: these profiles are for one port")
    return word


SMMI = {"start": "start", "min": "min", "minimum": "min", "max": "max", "maximum": "max", "inc": "inc", "increment": "inc"}
RANGED = {
    "ip": address,
    "mac": mac,
    "port": number(0, 65535),
    "size": number(0, SIZE_MAX),
}
KINDS = {
    "PORT": port,
    "COUNT": number(0, 2**32 - 1),
    "SIZE": number(SIZE_MIN, SIZE_MAX),
    "RATE": percent,
    "L4": number(0, 65535),
    "SEQS": number(0, SEQUENCE_MAX),
    "SLOT": number(0, SEQUENCE_MAX - 1),
    "VLAN": number(0, 4095),
    "MAC": mac,
    "IP": address,
    "IFACE": interface,
    "TYPE": one_of("ipv4", "ipv6"),
    "PROTO": one_of("tcp", "udp", "icmp"),
    "L4PROTO": one_of("tcp", "udp"),
    "FLAG": one_of("urg", "ack", "psh", "rst", "syn", "fin", "all"),
    "SMMI": one_of(*SMMI),
    "END": one_of("src", "dst"),
    "PAGE": one_of("main", "range", "seq", "sequence", "stats", "cfg", "config"),
}


# ---- commands ----------------------------------------------------------------------------------------


def put(name):
    def act(p, _port, value):
        setattr(p, name, value)

    return act


def put_type(p, _port, value):
    p.type = {"ip4": "ipv4", "ip6": "ipv6"}.get(value, value)


def put_mac(p, _port, end, value):
    setattr(p, "source_mac" if end == "src" else "target_mac", value)


def flag(name, on):
    def act(p, _port, which):
        flags = getattr(p, name)
        words = set(FLAGS) if which == "all" else {which}
        setattr(p, name, flags | words if on else flags - words)

    return act


def range_one(kind):
    def act(p, _port, *rest):
        key = kind if kind == "size" else f"{rest[0]} {kind}"
        part, word = rest[-2:]
        setattr(p.ranges.setdefault(key, Range()), SMMI[part], read_ranged(kind, word))

    return act


def range_all(kind):
    def act(p, _port, *rest):
        key = kind if kind == "size" else f"{rest[0]} {kind}"
        p.ranges[key] = Range(*(read_ranged(kind, w) for w in rest[-4:]))

    return act


def read_ranged(kind, word):
    try:
        return RANGED[kind](word)
    except ValueError as error:
        raise Refused(f"'{word}' is not right; right would be {error}") from None


def mode(name):
    def act(p, _port):
        p.mode = name

    return act


def seq_cnt(p, _port, value):
    p.seq_cnt = value
    p.mode = "sequence" if value else "single"


def sequence(p, slot, _port, dmac, smac, dip, sip, sport, dport, version, proto, vlan, size):
    if vlan > 1:
        raise Refused(f"VLAN {vlan}: tags are outside of the subset (Pktgen adds none unless 'enable 0 vlan')")
    for a in (dip, sip.ip):
        if f"ipv{a.version}" != version:
            raise Refused(f"{a} is not of {version}")
    p.entries[slot] = Entry(dmac, smac, dip, sip, sport, dport, proto, size, 0)


def reset(p, _port="all"):
    fresh = Profile(p.name)
    fresh.lines = p.lines
    p.__dict__.update(fresh.__dict__)


def nothing(*_):
    """Of the screen or the counters alone: what is sent stays the same."""


def started(*_):
    raise Refused("the runner starts and stops the port; leave this command out")


COMMANDS = [
    ("set PORT count COUNT", put("count")),
    ("set PORT rate RATE", put("rate")),
    ("set PORT size SIZE", put("size")),
    ("set PORT sport L4", put("sport")),
    ("set PORT dport L4", put("dport")),
    ("set PORT type TYPE", put_type),
    ("set PORT proto PROTO", put("proto")),
    ("set PORT END mac MAC", put_mac),
    ("set PORT src ip IFACE", put("source")),
    ("set PORT dst ip IP", put("target")),
    ("set PORT tcp flag set FLAG", flag("flags", True)),
    ("set PORT tcp flag clr FLAG", flag("flags", False)),
    ("set PORT seq_cnt SEQS", seq_cnt),
    ("set PORT seqcnt SEQS", seq_cnt),
    ("range PORT type TYPE", put("range_type")),
    ("range PORT proto L4PROTO", put("range_proto")),
    ("range PORT tcp flag set FLAG", flag("range_flags", True)),
    ("range PORT tcp flag clr FLAG", flag("range_flags", False)),
    ("range PORT END ip SMMI *", range_one("ip")),
    ("range PORT END ip * * * *", range_all("ip")),
    ("range PORT END mac SMMI *", range_one("mac")),
    ("range PORT END mac * * * *", range_all("mac")),
    ("range PORT END port SMMI *", range_one("port")),
    ("range PORT END port * * * *", range_all("port")),
    ("range PORT size SMMI *", range_one("size")),
    ("range PORT size * * * *", range_all("size")),
    ("enable PORT range", mode("range")),
    ("disable PORT range", mode("single")),
    ("enable PORT process", nothing),  # weir-gen always answers ARP, ND and echo
    ("sequence SLOT PORT MAC MAC IP IFACE L4 L4 TYPE PROTO VLAN SIZE", sequence),
    ("seq SLOT PORT MAC MAC IP IFACE L4 L4 TYPE PROTO VLAN SIZE", sequence),
    ("reset PORT", reset),
    ("rst", reset),
    ("clear PORT stats", nothing),
    ("clr", nothing),
    ("page PAGE", nothing),
    ("off", nothing),
    ("on", nothing),
    ("start PORT", started),
    ("stop PORT", started),
    ("str", started),
    ("stp", started),
]


def wild(kind):
    return kind == "*" or kind.isupper()


def execute(p, words, line):
    best, why = 0, f"'{words[0]}' is not a command of the subset"
    for pattern, act in COMMANDS:
        kinds = pattern.split()
        values = []
        for i, kind in enumerate(kinds):
            if i >= len(words):
                if i > best:
                    best, why = i, f"it ends too soon; right would be '{pattern}'"
                break
            if not wild(kind):
                if words[i] != kind:
                    if i > best:
                        best, why = i, f"'{words[i]}' is not in the subset; right would be '{pattern}'"
                    break
                continue
            try:
                values.append(words[i] if kind == "*" else KINDS[kind](words[i]))
            except ValueError as error:
                if i >= best:
                    best, why = i, f"'{words[i]}' is not right in '{pattern}'; right would be {error}"
                break
        else:
            if len(words) > len(kinds):
                if len(kinds) >= best:
                    best, why = len(kinds), f"'{words[len(kinds)]}' is too much after '{pattern}'"
                continue
            act(p, *values)
            for entry in p.entries.values():
                entry.line = entry.line or line
            return
    raise Refused(why)


def parse(text, name, extra=()):
    """Profile of a file's text and of the runner's own commands behind it."""
    p = Profile(name)
    numbered = [(f"{name}:{n}", line) for n, line in enumerate(text.splitlines(), 1)]
    numbered += [("command line", line) for line in extra]
    for n, (where, line) in enumerate(numbered, 1):
        command = line.split("#", 1)[0].strip()
        if not command:
            continue
        try:
            execute(p, command.split(), n)
        except Refused as error:
            raise Refused(f"{where}: '{command}': {error}") from None
        p.lines.append(command)
    check(p)
    return p


# ---- what the whole must be --------------------------------------------------------------------------


def may_be_source(p, a):
    if not any(a in net for net in SOURCES if net.version == a.version):
        raise Refused(f"{p.name}: source address {a} is outside of 198.18.0.0/15 and 2001:db8::/32 (RFC 2544 C.2.2)")


def of_version(p, a, version, what):
    if f"ipv{a.version}" != version:
        raise Refused(f"{p.name}: {what} {a} is not of type {version}")


def check_range(p):
    need = ["src ip", "dst ip", "src port", "dst port", "size"]
    missing = [k for k in need if k not in p.ranges or not p.ranges[k].complete()]
    if missing:
        raise Refused(
            f"{p.name}: range of {', '.join(missing)} needs start, min, max and inc: "
            "Pktgen's own values would count through 192.168.0.0/16"
        )
    for key, r in p.ranges.items():
        check_span(p, key, r)
    for end in ("src", "dst"):
        for part in ("start", "min", "max"):
            of_version(p, getattr(p.ranges[f"{end} ip"], part), p.range_type, f"range {end} ip {part}")
    for a in (p.ranges["src ip"].start, p.ranges["src ip"].min, p.ranges["src ip"].max):
        may_be_source(p, a)
    if p.range_proto == "tcp" and not p.range_flags:
        raise Refused(f"{p.name}: no TCP flag is left; 'range 0 tcp flag set syn' sets one")


def step_of(key, inc):
    if key.endswith("ip"):
        return int(inc)
    if key.endswith("mac"):
        return int(inc.replace(":", ""), 16)
    return inc


def check_span(p, key, r):
    if not r.complete():
        raise Refused(f"{p.name}: range of {key} needs start, min, max and inc")
    step = step_of(key, r.inc)
    if step == 0:
        if key == "size" and r.start < SIZE_MIN:
            raise Refused(f"{p.name}: range size {r.start} is below {SIZE_MIN}")
        return
    if key.endswith("mac"):
        raise Refused(f"{p.name}: range {key} counts; in the subset MAC addresses stand still (inc 00:00:00:00:00:00)")
    if step != 1 or r.start != r.min or not r.min <= r.max:
        raise Refused(
            f"{p.name}: range {key} from {r.min} to {r.max}, start {r.start}, inc {r.inc}: "
            "weir-gen walks from min to max in steps of 1"
        )
    if key == "size" and r.min < SIZE_MIN:
        raise Refused(f"{p.name}: range size {r.min} is below {SIZE_MIN}")


def check(p):
    if p.source is None:
        raise Refused(f"{p.name}: 'set 0 src ip ADDRESS/LENGTH' is missing; it is what the port answers ARP and ND for")
    may_be_source(p, p.source.ip)
    if p.mode == "range":
        check_range(p)
    elif p.mode == "sequence":
        missing = [str(i) for i in range(p.seq_cnt) if i not in p.entries]
        if missing:
            raise Refused(f"{p.name}: 'set 0 seq_cnt {p.seq_cnt}' without sequence {', '.join(missing)}")
        for e in p.entries.values():
            may_be_source(p, e.source.ip)
    else:
        if p.target is None:
            raise Refused(f"{p.name}: 'set 0 dst ip ADDRESS' is missing")
        of_version(p, p.source.ip, p.type, "source")
        of_version(p, p.target, p.type, "target")
        if p.proto == "tcp" and not p.flags:
            raise Refused(f"{p.name}: no TCP flag is left; 'set 0 tcp flag set syn' sets one")
    if p.mode == "sequence" and any(e.proto == "tcp" for e in p.entries.values()) and p.flags != {"ack"}:
        raise Refused(f"{p.name}: 'set 0 tcp flag' does not reach sequences: Pktgen sends them with ACK")


def with_settings(p, **settings):
    """A copy with some settings changed, and the commands that tell a real Pktgen the same."""
    q = copy.deepcopy(p)
    for name, value in settings.items():
        if value is None:
            continue
        if name == "target_mac":
            fill_mac(q, value)
            continue
        if name == "size" and q.mode == "range":
            q.ranges["size"] = Range(value, value, value, 0)
            q.lines.append(f"range 0 size {value} {value} {value} 0")
            continue
        if name == "size" and q.mode == "sequence":
            raise Refused(f"{p.name}: a sequence has sizes of its own")
        setattr(q, name, value)
        q.lines.append(f"set 0 {name} {value:g}" if isinstance(value, float) else f"set 0 {name} {value}")
    return q


def fill_mac(p, value):
    """The next hop's MAC where the profile leaves it open (all zero)."""
    if p.target_mac == NO_MAC:
        p.target_mac = value
        p.lines.append(f"set 0 dst mac {value}")
    r = p.ranges.get("dst mac")
    if p.mode == "range" and (r is None or r.start == NO_MAC):
        p.ranges["dst mac"] = Range(value, value, value, NO_MAC)
        p.lines.append(f"range 0 dst mac {value} {value} {value} {NO_MAC}")
    for slot, e in p.entries.items():
        if e.target_mac == NO_MAC:
            e.target_mac = value
            where = f"{e.target} {e.source} {e.sport} {e.dport} ipv{e.target.version}"
            p.lines.append(f"sequence {slot} 0 {value} {e.source_mac} {where} {e.proto} 1 {e.size}")
