#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Client of Weir's telemetry socket: telemetry.py INSTANCE COMMAND [PARAM] [--raw]

Prints the rows of all pages as one JSON array; with --raw the first reply as it came. Exit 1 with a
sentence when the instance does not answer."""
import glob
import json
import os
import socket
import sys


class Telemetry:
    def __init__(self, instance, timeout=5.0):
        self.sock = self.connect(instance, timeout)
        greeting = json.loads(self.sock.recv(65536))
        self.max_output = int(greeting.get("max_output_len", 16384))
        self.pid = greeting.get("pid")

    @staticmethod
    def connect(instance, timeout):
        base = os.environ.get("RUNTIME_DIRECTORY", "/run")
        # An in-memory instance may have had to add ":1" to the name; the newest that answers is it.
        paths = glob.glob(f"{base}/dpdk/{instance}/dpdk_telemetry.v2*")
        for path in sorted(paths, key=os.path.getmtime, reverse=True):
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            sock.settimeout(timeout)
            try:
                sock.connect(path)
                return sock
            except OSError:
                sock.close()
        raise OSError(f"no instance '{instance}' answers in {base}/dpdk")

    def ask(self, command, param=""):
        """The reply inside the envelope, or None."""
        request = f"{command},{param}" if param != "" else command
        self.sock.send(request.encode())
        reply = json.loads(self.sock.recv(self.max_output + 1024))
        return reply.get(command)

    def rows(self, command, param=""):
        """All rows, page after page."""
        out, page, turns = [], self.ask(command, param), 0
        while page and page.get("rows"):
            out.extend(page["rows"].values())
            turns += 1
            if not page.get("next") or turns > 10000:
                break
            page = self.ask(command, f"{page['next']},{param}" if param else page["next"])
        return out


def main(argv):
    raw = "--raw" in argv
    args = [a for a in argv if a != "--raw"]
    if len(args) not in (2, 3):
        sys.exit(__doc__)
    try:
        tel = Telemetry(args[0])
        param = args[2] if len(args) == 3 else ""
        answer = tel.ask(args[1], param) if raw else tel.rows(args[1], param)
    except (OSError, ValueError) as error:
        sys.exit(f"telemetry.py: {error}")
    json.dump(answer, sys.stdout)
    print()


if __name__ == "__main__":
    main(sys.argv[1:])
