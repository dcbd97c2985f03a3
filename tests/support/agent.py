#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""A backend's agent (HAProxy's agent-check): agent.py ADDRESS PORT FILE answers each connection with FILE, as it is
then; a file that says "silent" is answered with nothing."""
import pathlib
import socket
import sys


def main():
    address, port, file = sys.argv[1:4]
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    held = []
    with socket.create_server((address, int(port)), family=family, backlog=64) as listener:
        while True:
            conn, _ = listener.accept()
            words = pathlib.Path(file).read_bytes()
            if words.strip() == b"silent":
                held.append(conn)
                continue
            with conn:
                conn.sendall(words)


main()
