#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Orders of `ip xfrm` for a far gateway, from a key file of Weir: xfrm.py ACTION OPTIONS

ACTION: states (adds associations), policies (sends with them, and takes nothing in clear), up (both),
forget (deletes associations). Options as of tests/support/esp_gateway.py. What is sent to the n-th prefix of --from
goes by the association of worker n modulo their number; --spread is always so, for the kernel knows no flows."""
import argparse
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import esp_codec  # noqa: E402


def algorithm(key):
    if key.auth:
        return f"enc 'cbc(aes)' 0x{key.key.hex()} auth-trunc 'hmac(sha256)' 0x{key.auth.hex()} 128"
    return f"aead 'rfc4106(gcm(aes))' 0x{key.key.hex()} 128"


def ends(a, key):
    return (a.remote, a.local) if key.out else (a.local, a.remote)


def states(a, keys):
    for k in keys:
        src, dst = ends(a, k)
        line = f"xfrm state add src {src} dst {dst} proto esp spi {k.spi:#x} mode {a.mode} {algorithm(k)}"
        line += f" replay-window {a.window}"
        if a.esn:
            line += " flag esn"
        if a.mode == "tunnel":
            line += " flag af-unspec"
        if a.udp_port:
            line += f" encap espinudp {a.udp_port} {a.udp_port} {'::' if ':' in src else '0.0.0.0'}"
        print(line)


def policies(a, keys):
    back = [k for k in sorted(keys) if not k.out]
    if a.mode == "transport":
        pairs, what, ways = [(f"{a.remote}", f"{a.local}")], " proto 6", ("in",)
    else:
        pairs = [(near, far) for near in a.near.split(",") for far in a.to.split(",")]
        what, ways = "", ("in", "fwd")
    nears = list(dict.fromkeys(near for near, _ in pairs))
    for near, far in pairs:
        for way in ways:
            print(f"xfrm policy update src {near} dst {far}{what} dir {way} "
                  f"tmpl src {a.remote} dst {a.local} proto esp mode {a.mode}")
        k = back[nears.index(near) % len(back)]
        print(f"xfrm policy update src {far} dst {near}{what} dir out "
              f"tmpl src {a.local} dst {a.remote} proto esp spi {k.spi:#x} mode {a.mode}")


def main():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("action", choices=("states", "policies", "up", "forget"))
    p.add_argument("--cipher", choices=esp_codec.CIPHERS, required=True)
    p.add_argument("--keys", required=True)
    p.add_argument("--local", required=True)
    p.add_argument("--remote", required=True)
    p.add_argument("--to", default="")
    p.add_argument("--from", dest="near", default="")
    p.add_argument("--mode", choices=("tunnel", "transport"), default="tunnel")
    p.add_argument("--udp-port", type=int, default=0)
    p.add_argument("--esn", action="store_true")
    p.add_argument("--spread", action="store_true")
    p.add_argument("--window", type=int, default=1024)
    a = p.parse_args()
    keys = esp_codec.read_keys(a.keys, a.cipher)
    print("set -e")
    if a.action in ("states", "up"):
        if a.udp_port:
            print(f"netstat -nul | grep -q ':{a.udp_port} ' || udp_encap {a.udp_port}")
    print("ip -batch - <<END")  # one process: a busy guest takes a second for thirty
    if a.action in ("states", "up"):
        states(a, keys)
    if a.action in ("policies", "up"):
        policies(a, keys)
    if a.action == "forget":
        for k in keys:
            src, dst = ends(a, k)
            print(f"xfrm state delete src {src} dst {dst} proto esp spi {k.spi:#x}")
    print("END")


if __name__ == "__main__":
    main()
