#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Write the seed programs of the stateful fuzz targets beside this file (see ../program.h)."""
import pathlib

HERE = pathlib.Path(__file__).resolve().parent

FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32
(SEGMENT, OPEN, DATA, ACKED, END_OF_STREAM, RESET, TIME) = range(7)
# of a bare stack
READ, WRITE, CALL, CONNECT, SHORTAGE, SETTING, HOLD, TIMER, PIPE = range(7, 16)
SHUTDOWN, RELEASE, ABORT, FAIL, ACCEPT = range(5)
# of a session
KILL, PROBE, WINDOW, ANSWER, S_SHORTAGE, ADMIN, BEHAVE, S_TIMER, S_HOLD = range(7, 16)

DELTAS = [0, 1, -1, 2, -2, 10, -10, 100, -100, 255, 256, -256, 536, -536, 1000, -1000, 1448, -1448, 1460, -1460,
          2896, -2896, 5000, -5000, 16384, -16384, 65535, -65535, 1 << 20, -(1 << 20), 2**31 - 1, -2**31]
LENGTHS = [0, 1, 2, 64, 255, 256, 257, 500, 512, 536, 1000, 1448, 1460, 2000, 2048, 4000]
MS = [0, 1, 10, 40, 100, 200, 250, 400, 500, 1000, 1100, 2000, 3000, 5000, 10000, 20000, 30000, 60000, 61000,
      120000, 240000, 300000, 301000]
NEXT, EDGE, IRS, MIDDLE, OWN, LAST, LAST_END = range(7)       # where a sequence number lies
SND_NXT, SND_UNA, ISS, ONE_SEGMENT, HALF, SND_END, LAST_ACK = range(7)  # where an acknowledgement lies


def op(what, where, *rest):
    return bytes([what | where << 4, *rest])


def place(base, delta=0):
    return base | DELTAS.index(delta) << 3


def length(n):
    return LENGTHS.index(n) if n in LENGTHS else n // 8


def seg(where, flags, seq=place(NEXT), ack=place(SND_NXT), size=0, window=0, how=0, extra=b""):
    return op(SEGMENT, where, flags, seq, ack, length(size), window, how) + bytes(extra)


def data(where, size):
    return op(DATA, where, length(size))


def wait(ms):
    return op(TIME, 0, MS.index(ms))


def write(where, size, chunk=162):
    return op(WRITE, where, length(size), chunk)


def sack(*blocks):
    """The SACK bytes of a segment: pairs of left edge and length."""
    out = [len(blocks)]
    for left, size in blocks:
        out += [left, length(size)]
    return bytes(out)


ALL = bytes([0, 0, 0x0e])       # every option, start 0
PLAIN = bytes([0, 0, 0])        # none
WRAPS = bytes([0x08, 0, 0x0e])  # numbers wrap soon
SMALL = bytes([0xf8, 0xc6, 0x0e])   # three connections, six buffers, three out of order
OPENED = op(OPEN, 0)
HOLE = seg(0, ACK, place(NEXT, 1460), size=1460)

CONN = {
    "echo": ALL + OPENED + data(0, 1460) + op(PIPE, 0, 0) + op(ACKED, 0, 255) + data(0, 64) + op(READ, 0, 0),
    "close_active": ALL + OPENED + op(CALL, 0, SHUTDOWN) + op(ACKED, 0, 255) + op(END_OF_STREAM, 0) + wait(61000),
    "close_passive": WRAPS + OPENED + op(END_OF_STREAM, 0) + write(0, 500) + op(CALL, 0, SHUTDOWN) + op(ACKED, 0, 255),
    "close_both": ALL + OPENED + op(CALL, 0, SHUTDOWN) + seg(0, FIN | ACK, ack=place(SND_UNA)) + op(ACKED, 0, 255),
    "reset": ALL + OPENED + data(0, 500) + op(RESET, 0) + data(0, 500),
    "reset_near": PLAIN + OPENED + seg(0, RST, place(NEXT, 1)) + seg(0, RST, place(EDGE)) + seg(0, SYN, place(NEXT)),
    "out_of_order": ALL + OPENED + HOLE + seg(0, ACK, place(NEXT, 5000), size=1448) + data(0, 1460) + op(READ, 0, 0),
    "overlap": WRAPS + OPENED + HOLE + seg(0, ACK, place(NEXT, 1000), size=2000) + seg(0, ACK, place(NEXT, 255), size=4000)
               + op(READ, 0, 1),
    "evict": SMALL + OPENED + HOLE + seg(0, ACK, place(NEXT, 5000), size=500) + seg(0, ACK, place(NEXT, 2896), size=500)
             + seg(0, ACK, place(NEXT, 16384), size=500) + data(0, 1460) + op(READ, 0, 0),
    "loss": ALL + OPENED + write(0, 2000, 163) * 3
            + seg(0, ACK, ack=place(SND_UNA), how=1, extra=sack((place(ONE_SEGMENT), 1448))) * 3 + op(TIMER, 0) + op(ACKED, 0, 255),
    "timeouts": ALL + OPENED + write(0, 2000, 162) + op(TIMER, 0) * 12 + wait(300000) + wait(60000),
    "cut_entry_lost": ALL + OPENED + write(0, 2000, 162) + op(TIMER, 0) * 2 + data(0, 2) + op(TIMER, 0) * 2,
    "persist": ALL + OPENED + op(ACKED, 0, 0) + write(0, 500, 162) + op(TIMER, 0) * 3
               + seg(0, ACK, window=1) + op(TIMER, 0) * 3 + op(ACKED, 0, 255),
    "partial_acks": WRAPS + OPENED + write(0, 4000, 163) + seg(0, ACK, ack=place(SND_UNA, 100))
                    + seg(0, ACK, ack=place(SND_UNA, 1)) + op(ACKED, 0, 255),
    "active": ALL + op(CONNECT, 4, 0x0e) + op(OPEN, 4) + write(4, 500) + op(ACKED, 4, 255) + op(CALL, 4, RELEASE) + op(END_OF_STREAM, 4),
    "active_refused": ALL + op(CONNECT, 5, 0) + seg(5, RST | ACK),
    "active_unanswered": ALL + op(CONNECT, 4, 0x0e) + op(TIMER, 0) * 8,
    "simultaneous": ALL + op(CONNECT, 4, 0x0e) + seg(4, SYN, place(OWN)) + seg(4, SYN | ACK, place(IRS)) + data(4, 64),
    "deferred": bytes([0x10, 0, 0x0e]) + OPENED + op(CALL, 0, ACCEPT) + op(ACKED, 0, 255) + data(0, 500),
    "time_wait_reuse": ALL + OPENED + op(CALL, 0, SHUTDOWN) + op(ACKED, 0, 255) + op(END_OF_STREAM, 0) + wait(1100)
                       + op(SETTING, 0, 7) + OPENED + data(0, 64),
    "orphan_data": ALL + OPENED + op(CALL, 0, RELEASE) + data(0, 500),
    "paws": ALL + OPENED + data(0, 500) + wait(1000) + seg(0, ACK, size=500, how=2, extra=[15]) + data(0, 500),
    "starved": ALL + OPENED + op(SHORTAGE, 0, 0) + data(0, 1460) + data(0, 64) + write(0, 500) + op(TIMER, 0) + op(SHORTAGE, 0, 128) + op(TIMER, 0),
    "burst_cut": ALL + OPENED + op(HOLD, 0, 3) + seg(0, ACK, size=2000, how=0xc0, extra=[7])
                 + seg(0, ACK, place(LAST_END), size=64, how=0x40, extra=[8]) + seg(0, ACK, place(LAST_END), size=2000, how=0x80) + op(READ, 0, 0),
    "pressure": SMALL + op(SETTING, 0, 0x11) + OPENED + op(OPEN, 1) + op(OPEN, 2) + data(0, 2048) + data(1, 2048) + op(READ, 0, 0),
    "v6": ALL + op(OPEN, 1) + data(1, 1448) + write(1, 1000, 200) + op(ACKED, 1, 255) + op(END_OF_STREAM, 1) + op(CALL, 1, RELEASE),
}

S_ALL, S_DEFERRED = bytes([0, 0x0e]), bytes([1, 0x0e])
S_OPEN = op(OPEN, 0) + op(ANSWER, 4)

SESSION = {
    "echo": S_ALL + S_OPEN + data(0, 1448) + op(ACKED, 4) + data(4, 1448) + op(ACKED, 0) + op(BEHAVE, 0),
    "close_client": S_ALL + S_OPEN + data(0, 64) + op(END_OF_STREAM, 0) + op(BEHAVE, 0) + op(END_OF_STREAM, 4) + op(BEHAVE, 0),
    "close_backend": bytes([0x20, 0x0e]) + S_OPEN + op(END_OF_STREAM, 4) + op(BEHAVE, 0) + data(0, 500) + op(END_OF_STREAM, 0) + op(BEHAVE, 0),
    "reset_client": S_ALL + S_OPEN + data(0, 1448) + op(RESET, 0),
    "reset_backend": S_ALL + S_OPEN + data(0, 1448) + op(RESET, 4) + op(BEHAVE, 0),
    "deferred": S_DEFERRED + op(OPEN, 0) + op(ANSWER, 4) + op(ACKED, 0) + data(0, 64) + op(BEHAVE, 0),
    "refused_retry": S_ALL + op(OPEN, 0) + data(0, 500) + seg(4, RST | ACK) + op(ANSWER, 4) + op(BEHAVE, 0),
    "connect_timeout": S_ALL + op(OPEN, 1) + wait(1100) + op(ANSWER, 4) + wait(1100) + wait(1100),
    "slow_client": S_ALL + S_OPEN + op(WINDOW, 0, 0) + op(ACKED, 0) + data(4, 1424) * 6 + wait(500) + wait(5000)
                   + op(WINDOW, 0, 1) + op(ACKED, 0) + op(BEHAVE, 0),
    "holes_both": S_ALL + S_OPEN + seg(0, ACK, place(NEXT, 1448), size=1448) + seg(4, ACK, place(NEXT, 536), size=1000)
                  + data(0, 1448) + data(4, 536) + op(BEHAVE, 0),
    "lost_to_backend": S_ALL + S_OPEN + data(0, 1448) * 5
                       + seg(4, ACK, ack=place(SND_UNA), how=1, extra=sack((place(ONE_SEGMENT), 1448))) * 3 + wait(250) + op(BEHAVE, 0),
    "idle": S_ALL + S_OPEN + data(0, 64) + op(BEHAVE, 0) + wait(20000) + wait(1000),
    "kill_session": S_ALL + S_OPEN + data(0, 64) + op(KILL, 0, 0),
    "kill_backends": S_ALL + S_OPEN + op(KILL, 0, 128) + op(KILL, 0, 129),
    "probe": S_ALL + op(PROBE, 0, 0) + op(ANSWER, 4) + op(PROBE, 0, 1) + seg(4, RST | ACK) + wait(1100),
    "starved": S_ALL + S_OPEN + op(S_SHORTAGE, 0, 2) + data(0, 1448) + data(4, 64) + wait(200) + op(S_SHORTAGE, 0, 128) + op(BEHAVE, 0),
    "small_ring": bytes([2, 0x0e]) + S_OPEN + op(S_HOLD, 0, 8) + data(0, 1448) + seg(0, ACK, place(LAST_END), size=1448, how=0xc0, extra=[9]) * 6
                  + seg(0, FIN | ACK, place(LAST_END)) + op(BEHAVE, 0),
    "drain": S_ALL + op(ADMIN, 0, 4) + S_OPEN + op(ADMIN, 0, 5) + op(OPEN, 1) + op(ADMIN, 0, 0) + op(OPEN, 2) + op(BEHAVE, 0),
    "many": S_ALL + b"".join(op(OPEN, i) + op(ANSWER, 4 + i) for i in range(4)) + data(0, 500) + data(2, 500) + op(BEHAVE, 0) + op(S_TIMER, 0),
    "v6_wrap": bytes([0x28, 0x0e]) + op(OPEN, 1) + op(ANSWER, 4) + data(1, 1424) + data(4, 1424) + op(BEHAVE, 0) + op(END_OF_STREAM, 1) + op(BEHAVE, 0),
}


def main():
    for folder, programs in (("tcp_conn", CONN), ("tcp_session", SESSION)):
        (HERE / folder).mkdir(exist_ok=True)
        for name, text in programs.items():
            (HERE / folder / name).write_bytes(text)


if __name__ == "__main__":
    main()
