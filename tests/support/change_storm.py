#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Changes of backends through the telemetry socket, at a rate: change_storm.py INSTANCE POOL RATE SECONDS ADDRESS PORT

Weights, drains and enables of all backends of the pool, and up to 50 more that are added at ADDRESS, ports from
PORT on, and removed again. Each change must be done and answered. Of some it is measured when they show in
/weir/backends. At the end what was added is gone. Prints one JSON object; exit 1 when a change was refused."""
import json
import random
import sys
import threading
import time

from telemetry import Telemetry

MOST = 50
LOOK_EVERY = 10  # changes
GIVE_UP = 20.0  # seconds until a change shows
FAULTS = 5  # and it ends
PACE = threading.Event()  # nobody sets it


class Storm:
    def __init__(self, instance, pool, address, port):
        self.tel = Telemetry(instance, GIVE_UP)
        self.pool, self.address, self.port = pool, address, port
        rows = self.tel.rows("/weir/backends", f"pool={pool}")
        self.fixed = [r["name"] for r in rows]
        self.added = {}  # number: True while it drains
        # Of those, who showed, and who is not there at all: what is not in force yet takes no orders.
        self.there, self.free = set(), set(range(MOST))
        self.refused, self.unseen, self.answers, self.shows = [], [], [], []
        self.kinds, self.pending = {}, []
        self.random = random.Random(1)

    def row(self, name):
        reply = self.tel.ask("/weir/backends", f"backend={self.pool}/{name}")
        row = reply["rows"]["0"] if reply and reply.get("rows") else {}
        return row if "error" not in row else {}

    def who_is_there(self):
        rows = self.tel.rows("/weir/backends", f"pool={self.pool}")
        shown = {int(r["name"][1:]) for r in rows if r["name"][0] == "d" and r["state"] != "leaving"}
        self.there = shown & set(self.added)
        self.free = set(range(MOST)) - shown - set(self.added)

    def change(self, request):
        began = time.monotonic()
        reply = self.tel.ask("/weir/backend", request)
        self.answers.append(time.monotonic() - began)
        verb = request.split("=")[0]
        self.kinds[verb] = self.kinds.get(verb, 0) + 1
        row = reply["rows"]["0"] if reply and reply.get("rows") else {"error": f"no reply: {reply}"}
        if "error" in row:
            self.refused.append(f"{request}: {row['error']}")

    def see(self, what, name, holds):
        """From the answer on until it shows; looked at between the next changes."""
        self.pending.append((time.monotonic(), what, name, holds))
        self.look()

    def look(self):
        for one in list(self.pending):
            began, what, name, holds = one
            shows = holds(self.row(name))
            took = time.monotonic() - began
            if shows:
                self.shows.append(took)
            elif took > GIVE_UP:
                self.unseen.append(what)
            else:
                continue
            self.pending.remove(one)

    def weigh(self, look):
        name = self.random.choice(self.fixed + [f"d{n}" for n in sorted(self.there)])
        weight = self.random.randint(1, 256)
        self.change(f"weight={self.pool}/{name},{weight}")
        if look:
            self.see(f"weight of {name}", name, lambda r: r.get("weight") == weight)

    def add(self, look):
        n = self.random.choice(sorted(self.free))
        self.free.remove(n)
        self.added[n] = False
        at = self.address if ":" not in self.address else f"[{self.address}]"
        self.change(f"add={self.pool}/d{n},{at}:{self.port + n},weight=2")
        if look:
            self.see(f"d{n} added", f"d{n}", lambda r: r.get("state", "leaving") != "leaving")

    def remove(self, look):
        n = self.random.choice(sorted(self.there))
        del self.added[n]
        self.there.remove(n)
        self.change(f"remove={self.pool}/d{n},never")
        if look:
            self.see(f"d{n} removed", f"d{n}", lambda r: r.get("state", "leaving") in ("leaving", "drain"))

    def turn(self, look):
        n = self.random.choice(sorted(self.there))
        self.added[n] = not self.added[n]
        self.change(f"{'drain' if self.added[n] else 'enable'}={self.pool}/d{n}" + (",never" if self.added[n] else ""))
        if look:
            drains = self.added[n]
            self.see(f"state of d{n}", f"d{n}", lambda r: (r.get("state") == "drain") == drains)

    def step(self, i):
        dice, look = self.random.random(), i % LOOK_EVERY == 0
        if look:
            self.look()
            self.who_is_there()
        if dice < 0.15 and self.free:
            self.add(look)
        elif dice < 0.3 and self.there:
            self.remove(look)
        elif dice < 0.5 and self.there:
            self.turn(look)
        else:
            self.weigh(look)

    def run(self, rate, seconds):
        began, total = time.monotonic(), int(rate * seconds)
        for i in range(total):
            ahead = began + i / rate - time.monotonic()
            if ahead > 0:
                PACE.wait(ahead)
            self.step(i)
            self.look()
            if len(self.refused) + len(self.unseen) >= FAULTS:
                return time.monotonic() - began
        took = time.monotonic() - began
        until = time.monotonic() + GIVE_UP
        while (self.added or self.pending) and time.monotonic() < until:
            self.look()
            self.who_is_there()
            if self.there:
                self.remove(False)
        self.unseen += [f"d{n} to be removed" for n in self.added]
        return took


def part(values, share):
    return round(1000 * sorted(values)[min(len(values) - 1, int(len(values) * share))], 3) if values else 0


def main():
    instance, pool, rate, seconds, address, port = sys.argv[1:7]
    storm = Storm(instance, pool, address, int(port))
    took = storm.run(float(rate), float(seconds))
    print(json.dumps({
        "changes": len(storm.answers), "per_second": round(len(storm.answers) / took), "kinds": storm.kinds,
        "answer_p50_ms": part(storm.answers, 0.5), "answer_p99_ms": part(storm.answers, 0.99),
        "answer_max_ms": part(storm.answers, 1), "looked": len(storm.shows) + len(storm.unseen),
        "shows_p50_ms": part(storm.shows, 0.5), "shows_p99_ms": part(storm.shows, 0.99),
        "shows_max_ms": part(storm.shows, 1), "unseen": storm.unseen[:5], "refused": storm.refused[:5],
        "refusals": len(storm.refused)}))
    sys.exit(1 if storm.refused or storm.unseen else 0)


if __name__ == "__main__":
    main()
