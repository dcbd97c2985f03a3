#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""One TCP connection, byte by byte: raw_client.py ADDRESS PORT [options]

Sends --send (escapes as in C), reads --read bytes, then ends as --then says: close, reset, fin (shuts its
direction and reads on), or wait (the default: until the other side ends). Prints one JSON object: what came,
how it ended (closed, reset, refused, waited for in vain, by us) and after how many milliseconds.
"""
import argparse
import json
import socket
import struct
import time


def options():
    p = argparse.ArgumentParser()
    p.add_argument("address")
    p.add_argument("port", type=int)
    p.add_argument("--source", default="")
    p.add_argument("--send", default="")
    p.add_argument("--read", type=int, default=0)
    p.add_argument("--then", choices=("close", "reset", "fin", "wait"), default="wait")
    p.add_argument("--timeout", type=float, default=10)
    return p.parse_args()


def read_on(sock, got):
    while True:
        data = sock.recv(65536)
        if not data:
            return "closed"
        got += data


def talk(sock, o, got):
    if o.send:
        sock.sendall(o.send.encode("latin-1").decode("unicode_escape").encode("latin-1"))
    while len(got) < o.read:
        data = sock.recv(o.read - len(got))
        if not data:
            return "closed"
        got += data
    if o.then == "reset":
        # A linger time of 0 makes close() send a reset.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    if o.then in ("reset", "close"):
        return "by us"
    if o.then == "fin":
        sock.shutdown(socket.SHUT_WR)
    return read_on(sock, got)


def main():
    o = options()
    got, began, source = bytearray(), time.monotonic(), (o.source, 0) if o.source else None
    port = 0
    try:
        with socket.create_connection((o.address, o.port), o.timeout, source) as sock:
            port = sock.getsockname()[1]
            end = talk(sock, o, got)
    except ConnectionResetError:
        end = "reset"
    except ConnectionRefusedError:
        end = "refused"
    except TimeoutError:
        end = "waited for in vain"
    took = round((time.monotonic() - began) * 1000)
    print(json.dumps({"got": got.decode("latin-1"), "end": end, "ms": took, "port": port}))


if __name__ == "__main__":
    main()
