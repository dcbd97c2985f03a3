#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Runs a script in the guest: console.py SOCKET SECONDS < script

Its output (both kinds) comes out here, its exit code is this one's; 124 when the guest did not answer in time."""
import base64
import fcntl
import secrets
import socket
import sys
import time


def main(path, seconds):
    script = sys.stdin.buffer.read()
    end = time.monotonic() + seconds
    name = secrets.token_hex(4)
    with open(path + ".lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(seconds)
            s.connect(path)
            lines = base64.encodebytes(script)
            s.sendall(lines + b"#" + name.encode() + b"\n")
            got = b""
            while True:
                s.settimeout(max(0.01, end - time.monotonic()))
                try:
                    more = s.recv(65536)
                except TimeoutError:
                    sys.exit(124)
                if not more:
                    sys.exit(124)
                got += more
                before, found, after = got.partition(f"={name} ".encode())
                if found and b"\n" in after:
                    break
    text = b"".join(x for x in before.splitlines(keepends=True) if not x.startswith(b"="))
    sys.stdout.buffer.write(base64.b64decode(text))
    sys.stdout.flush()
    sys.exit(int(after.split()[0]))


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
