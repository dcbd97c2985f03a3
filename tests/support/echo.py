#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Many open connections, each echoing in random order.

echo.py serve ADDRESS PORT
echo.py run ADDRESS PORT COUNT [BYTES] [--hold]

`run` opens COUNT connections, and only when all stand sends BYTES (1024) on each, in random order, and
compares what comes back. With --hold it prints "open" then and waits for its standard input to end."""
import random
import selectors
import socket
import sys
import time

DEADLINE = 90  # seconds for everything
OUTSTANDING = 256


def serve(address, port):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.create_server((address, port), family=family, backlog=16384)
    listener.setblocking(False)
    poller = selectors.EpollSelector()
    poller.register(listener, selectors.EVENT_READ, None)
    while True:
        for key, _ in poller.select():
            if key.data is None:
                accept_all(listener, poller)
            else:
                echo_once(key.fileobj, key.data, poller)


def accept_all(listener, poller):
    for _ in range(256):
        try:
            sock, _ = listener.accept()
        except OSError:
            return
        sock.setblocking(False)
        poller.register(sock, selectors.EVENT_READ, bytearray())


def echo_once(sock, pending, poller):
    try:
        data = sock.recv(65536) if len(pending) < 65536 else b""
        if not data and not pending:
            raise ConnectionError
        pending += data
        del pending[:sock.send(pending)]
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if pending else 0)
        poller.modify(sock, events, pending)
    except BlockingIOError:
        pass
    except OSError:
        poller.unregister(sock)
        sock.close()


class Client:
    def __init__(self, address, port, count, size):
        self.where, self.count, self.size = (address, port), count, size
        self.family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.poller = selectors.EpollSelector()
        self.socks, self.end = [], time.monotonic() + DEADLINE

    def left(self):
        left = self.end - time.monotonic()
        if left <= 0:
            raise TimeoutError("deadline passed")
        return left

    def connect_all(self):
        opening = opened = 0
        while opened < self.count:
            while opening < self.count and opening - opened < OUTSTANDING:
                sock = socket.socket(self.family, socket.SOCK_STREAM)
                sock.setblocking(False)
                sock.connect_ex(self.where)
                self.poller.register(sock, selectors.EVENT_WRITE)
                self.socks.append(sock)
                opening += 1
            for key, _ in self.poller.select(self.left()):
                error = key.fileobj.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if error:
                    raise OSError(error, f"connection {opened} failed")
                self.poller.unregister(key.fileobj)
                opened += 1

    def echo_all(self):
        order = list(range(self.count))
        random.Random(7).shuffle(order)
        want, busy, good = {}, 0, 0
        while good < self.count:
            while order and busy < OUTSTANDING:
                index = order.pop()
                sock = self.socks[index]
                want[sock] = random.Random(index).randbytes(self.size)
                if sock.send(want[sock]) != self.size:
                    raise OSError(f"connection {index} did not take {self.size} bytes")
                self.poller.register(sock, selectors.EVENT_READ, bytearray())
                busy += 1
            for key, _ in self.poller.select(self.left()):
                data = key.fileobj.recv(65536)
                if not data:
                    raise OSError("a connection ended before its echo was complete")
                key.data.extend(data)
                if len(key.data) < self.size:
                    continue
                if bytes(key.data) != want.pop(key.fileobj):
                    raise OSError("an echo differs from what was sent")
                self.poller.unregister(key.fileobj)
                busy, good = busy - 1, good + 1


def main(argv):
    if argv[0] == "serve":
        serve(argv[1], int(argv[2]))
    hold = "--hold" in argv
    argv = [a for a in argv if a != "--hold"]
    client = Client(argv[1], int(argv[2]), int(argv[3]), int(argv[4]) if len(argv) > 4 else 1024)
    try:
        client.connect_all()
        client.echo_all()
    except OSError as error:
        sys.exit(f"echo.py: {error}")
    print("open", flush=True)
    if hold:
        sys.stdin.read()
    print(f"{client.count} connections echoed {client.size} bytes each")


if __name__ == "__main__":
    main(sys.argv[1:])
