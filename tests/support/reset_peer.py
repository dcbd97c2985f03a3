#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Peers that reset connections.

reset_peer.py serve ADDRESS PORT    reads a letter: R resets at once, W waits and prints how the client ended
reset_peer.py victim ADDRESS PORT   asks for R and expects a reset
reset_peer.py culprit ADDRESS PORT  asks for W, waits for its answer, and resets"""
import socket
import struct
import sys
import threading


def reset(sock):
    # A linger time of 0 makes close() send a reset.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def serve_one(sock):
    letter = sock.recv(1)
    if letter == b"R":
        reset(sock)
        return
    sock.sendall(b"w")
    try:
        print("client: end" if sock.recv(1) == b"" else "client: data", flush=True)
    except ConnectionResetError:
        print("client: reset", flush=True)


def serve(address, port):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, port), family=family) as listener:
        while True:
            threading.Thread(target=serve_one, args=(listener.accept()[0],), daemon=True).start()


def victim(address, port):
    with socket.create_connection((address, port), timeout=10) as sock:
        sock.sendall(b"R")
        try:
            data = sock.recv(1)
        except ConnectionResetError:
            print("reset, as it should be")
            return
        sys.exit(f"read {data!r} in place of a reset")


def culprit(address, port):
    sock = socket.create_connection((address, port), timeout=10)
    sock.sendall(b"W")
    if sock.recv(1) != b"w":
        sys.exit("no answer")
    reset(sock)


if __name__ == "__main__":
    {"serve": serve, "victim": victim, "culprit": culprit}[sys.argv[1]](sys.argv[2], int(sys.argv[3]))
