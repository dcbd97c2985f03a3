#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""A service manager's ear: notify.py SOCKET. Binds SOCKET and prints each message that comes as one line, its own
lines joined by spaces, until it is ended."""
import os
import signal
import socket
import sys


def main(path):
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sock.bind(path)
    os.chmod(path, 0o600)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    while True:
        text = sock.recv(65536).decode(errors="replace")
        print(" ".join(text.split("\n")), flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
