#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Transfers with checksums in both directions.

xfer.py serve ADDRESS PORT
xfer.py run ADDRESS PORT [--count N] [--up BYTES] [--down BYTES] [--seed N]

One connection: the client sends 16 bytes (how much it wants, and a seed), then its payload, and closes
its sending half; the server meanwhile sends what was asked, and at the client's end of data the SHA-256
of what it read, and closes. With --seed, sizes are random from 0 to the given ones."""
import argparse
import hashlib
import random
import socket
import struct
import sys
import threading

CHUNK = 256 * 1024
HEADER = struct.Struct("!QQ")


def pattern(seed):
    return random.Random(seed).randbytes(CHUNK + 4096)


def send_stream(sock, seed, size):
    """Chunks of one random block from changing offsets; returns the digest."""
    block, digest, sent = memoryview(pattern(seed)), hashlib.sha256(), 0
    while sent < size:
        n = min(CHUNK - (seed + sent) % 4096, size - sent)
        part = block[sent // CHUNK % 4096:][:n]
        sock.sendall(part)
        digest.update(part)
        sent += n
    return digest.digest()


def read_exact(sock, size, digest=None):
    got, keep = 0, bytearray()
    while got < size:
        data = sock.recv(min(CHUNK, size - got))
        if not data:
            raise EOFError(f"peer ended after {got} of {size} bytes")
        got += len(data)
        if digest:
            digest.update(data)
        else:
            keep += data
    return bytes(keep)


def serve_one(sock):
    with sock:
        try:
            want, seed = HEADER.unpack(read_exact(sock, HEADER.size))
            sender = threading.Thread(target=send_stream, args=(sock, seed, want))
            sender.start()
            digest = hashlib.sha256()
            while data := sock.recv(CHUNK):
                digest.update(data)
            sender.join()
            sock.sendall(digest.digest())
        except (EOFError, OSError):
            return  # a probe of the balancer, or a client that went away


def serve(args):
    family = socket.AF_INET6 if ":" in args.address else socket.AF_INET
    with socket.create_server((args.address, args.port), family=family, backlog=1024) as listener:
        while True:
            sock, _ = listener.accept()
            threading.Thread(target=serve_one, args=(sock,), daemon=True).start()


def run_one(args, up, down, seed):
    with socket.create_connection((args.address, args.port), timeout=args.timeout) as sock:
        mine, theirs = {}, hashlib.sha256()

        def upload():
            sock.sendall(HEADER.pack(down, seed))
            mine["digest"] = send_stream(sock, seed + 1, up)
            sock.shutdown(socket.SHUT_WR)

        sender = threading.Thread(target=upload)
        sender.start()
        read_exact(sock, down, theirs)
        answer = read_exact(sock, 32)
        sender.join()
        if sock.recv(1):
            return "bytes after the end"
        if answer != mine["digest"]:
            return f"upload of {up} bytes arrived changed"
        expect, block, sent = hashlib.sha256(), memoryview(pattern(seed)), 0
        while sent < down:
            n = min(CHUNK - (seed + sent) % 4096, down - sent)
            expect.update(block[sent // CHUNK % 4096:][:n])
            sent += n
        return None if theirs.digest() == expect.digest() else f"download of {down} bytes arrived changed"


def run(args):
    rng = random.Random(args.seed)
    errors, lock, threads, total = [], threading.Lock(), [], 0

    def one(up, down, seed):
        try:
            error = run_one(args, up, down, seed)
        except (OSError, EOFError) as problem:
            error = f"up {up} down {down}: {problem!r}"
        if error:
            with lock:
                errors.append(error)

    for _ in range(args.count):
        up = rng.randint(0, args.up) if args.seed else args.up
        down = rng.randint(0, args.down) if args.seed else args.down
        total += up + down
        threads.append(threading.Thread(target=one, args=(up, down, rng.randrange(1 << 32))))
        threads[-1].start()
    for thread in threads:
        thread.join()
    print(f"{args.count} transfers, {total} bytes, {len(errors)} errors")
    for error in errors[:5]:
        print(error)
    sys.exit(1 if errors else 0)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("role", choices=["serve", "run"])
    parser.add_argument("address")
    parser.add_argument("port", type=int)
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--up", type=int, default=0)
    parser.add_argument("--down", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--timeout", type=float, default=60)
    args = parser.parse_args()
    (serve if args.role == "serve" else run)(args)


if __name__ == "__main__":
    main()
