#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""A peer of weir-gen's on Linux's TCP, written apart from it: gen_peer.py COMMAND ...

half ADDRESS PORT BYTES      raw requests on a connection each that is half closed behind the request
slow ADDRESS PORT BYTES      does not read until the window is shut and was probed, then reads all
stamps ADDRESS PORT          whether time stamps, window scaling and no SACK were agreed on
nonsense ADDRESS PORT        what is no request is answered by a reset
refused ADDRESS PORT         a SYN where nobody listens is answered by a reset
body ID BYTES                the body of an HTTP answer with this id, to standard output

Exit 1 with a sentence when the other side did not do what it should."""
import fcntl
import select
import socket
import struct
import sys
import termios
import time

MASK = (1 << 64) - 1
TCP_INFO_OPTIONS = 5  # struct tcp_info, linux/tcp.h
OPT_TIMESTAMPS, OPT_SACK, OPT_WSCALE = 1, 2, 4
HEADER = 16  # app/weir-gen/message.h


def random_table():
    """xoshiro256** from a splitmix64 seed: 64 KiB, the words little-endian."""
    seed, state = 0x7765697267656E31, []
    for _ in range(4):
        seed = (seed + 0x9E3779B97F4A7C15) & MASK
        z = ((seed ^ (seed >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        state.append(z ^ (z >> 31))

    def rotl(x, k):
        return ((x << k) | (x >> (64 - k))) & MASK

    out = bytearray()
    for _ in range(8192):
        out += struct.pack("<Q", rotl((state[1] * 5) & MASK, 7) * 9 & MASK)
        t = (state[1] << 17) & MASK
        state[2] ^= state[0]
        state[3] ^= state[1]
        state[1] ^= state[2]
        state[0] ^= state[3]
        state[2] ^= t
        state[3] = rotl(state[3], 45)
    return bytes(out)


def body(ident, count):
    """Bytes behind the header of message `ident`: a window of the table for each 64 KiB."""
    table, out, offset = random_table(), bytearray(), HEADER
    end = HEADER + count
    while offset < end:
        block = offset // 65536
        key = ((ident << 16 | block) + 1) * 0x9E3779B97F4A7C15 & MASK
        at = ((key >> 48) + offset) & 65535
        n = min(end, (block + 1) * 65536) - offset
        out += (table + table)[at : at + n]
        offset += n
    return bytes(out)


def fail(text):
    sys.exit(f"gen_peer.py: {text}")


def request(ident, length, answer):
    return struct.pack(">4sIII", b"WGQ1", ident, length, answer) + body(ident, length - HEADER)


def connect(address, port, receive_buffer=None):
    info = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0]
    s = socket.socket(*info[:3])
    if receive_buffer:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    s.settimeout(15)
    s.connect(info[4])
    return s


def read_answer(s, ident, count):
    """A whole answer of `count` bytes, all of them right; then what follows."""
    got = bytearray()
    while len(got) < count:
        piece = s.recv(min(65536, count - len(got)))
        if not piece:
            fail(f"FIN after {len(got)} of {count} bytes")
        got += piece
    if got[:HEADER] != struct.pack(">4sIII", b"WGA1", ident, count, 0):
        fail(f"the answer's header is {bytes(got[:HEADER]).hex()}")
    if bytes(got[HEADER:]) != body(ident, count - HEADER):
        fail("the answer's body is wrong")


def half(address, port, count):
    for ident, length in ((1, 16), (77, 5000), (0xFFFFFFFE, 200000)):
        with connect(address, port) as s:
            s.sendall(request(ident, length, count))
            s.shutdown(socket.SHUT_WR)
            read_answer(s, ident, count)
            if s.recv(1) != b"":
                fail("bytes behind the answer")


def unread(s):
    return struct.unpack("i", fcntl.ioctl(s, termios.FIONREAD, bytes(4)))[0]


def wait_shut(s):
    """Until the peer has filled the window and what is unread grows no more, over a few looks."""
    same, last, end = 0, 0, time.monotonic() + 20
    while same < 30:
        if time.monotonic() > end:
            fail(f"the window was never filled: {last} bytes are unread")
        select.select([], [], [], 0.05)
        now = unread(s)
        same = same + 1 if now == last > 0 else 0
        last = now


def slow(address, port, count):
    with connect(address, port, 8192) as s:
        s.sendall(request(5, 16, count))
        wait_shut(s)
        read_answer(s, 5, count)


def stamps(address, port):
    with connect(address, port) as s:
        options = s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)[TCP_INFO_OPTIONS]
        if options & (OPT_TIMESTAMPS | OPT_SACK | OPT_WSCALE) != OPT_TIMESTAMPS | OPT_WSCALE:
            fail(f"options agreed on are {options}, should be time stamps and window scaling")


def nonsense(address, port):
    with connect(address, port) as s:
        s.sendall(b"GET / HTTP/1.1\r\n\r\n")
        try:
            got = s.recv(100)
        except ConnectionResetError:
            return
        fail(f"answered {got!r} in place of a reset")


def refused(address, port):
    try:
        connect(address, port).close()
    except ConnectionRefusedError:
        return
    fail("the connection was made")


def main(argv):
    commands = {"half": half, "slow": slow, "stamps": stamps, "nonsense": nonsense, "refused": refused}
    if len(argv) == 4 and argv[1] == "body":
        sys.stdout.buffer.write(body(int(argv[2]), int(argv[3])))
        return
    if len(argv) not in (4, 5) or argv[1] not in commands:
        sys.exit(__doc__)
    try:
        commands[argv[1]](argv[2], *[int(a) for a in argv[3:]])
    except OSError as error:
        fail(f"{argv[1]}: {error}")


if __name__ == "__main__":
    main(sys.argv)
