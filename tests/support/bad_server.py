#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""A server that fails on purpose: bad_server.py KIND ADDRESS PORT.

KIND: reset (at once), garbage (no HTTP), slow (answers after a minute), error503, close (at once, in order),
endless (a header without end).
"""
import socket
import struct
import sys
import threading

WAIT = threading.Event()


def reset(conn):
    conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def garbage(conn):
    conn.recv(4096)
    conn.sendall(b"\x16\x03\x01\x02\x00not http at all\r\n" * 4)


def slow(conn):
    conn.recv(4096)
    WAIT.wait(60)


def error503(conn):
    conn.recv(4096)
    conn.sendall(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 1\r\n\r\nb")


def close(conn):
    pass


def endless(conn):
    conn.recv(4096)
    conn.sendall(b"HTTP/1.1 200 OK\r\nX: ")
    while True:
        conn.sendall(b"y" * 65536)


KINDS = {f.__name__: f for f in (reset, garbage, slow, error503, close, endless)}


def serve(conn, kind):
    try:
        with conn:
            KINDS[kind](conn)
    except OSError:
        pass


def main():
    kind, address, port = sys.argv[1:4]
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, int(port)), family=family, backlog=4096) as s:
        while True:
            conn, _ = s.accept()
            threading.Thread(target=serve, args=(conn, kind), daemon=True).start()


main()
