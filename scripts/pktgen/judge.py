# SPDX-License-Identifier: BSD-3-Clause
"""The verdict: on each way, what one end sent is what the other received or says that it lost."""
from ends import PORT_KEYS, residuals

LOST = ("rx_missed", "rx_no_mbuf", "rx_errors", "kernel_loss")


class Way:
    def __init__(self, name, sender, receiver, sent, counters):
        self.name, self.sender, self.receiver = name, sender, receiver
        self.sent = sent
        self.received = counters["rx_frames"]
        self.lost = {k: counters[k] for k in LOST}
        self.difference = sent - self.received - sum(self.lost.values())

    def sentence(self):
        if self.difference == 0:
            return f"{self.name}: closes, {self.sent} sent"
        if self.difference > 0:
            return f"{self.name}: {self.difference} frames that {self.sender} sent are in no counter of {self.receiver}"
        return f"{self.name}: {self.receiver} counts {-self.difference} frames more than {self.sender} sent"


class Verdict:
    def __init__(self, generator_name, generator, before, after):
        self.generator = generator
        self.weir = {k: after["port"].get(k, 0) - before["port"].get(k, 0) for k in PORT_KEYS}
        self.drops = {
            k: v - before["drops"].get(k, 0) for k, v in after["drops"].items() if v > before["drops"].get(k, 0)
        }
        self.residuals = residuals(after)
        self.ways = [
            Way("out", generator_name, "Weir", generator["tx_frames"], self.weir),
            Way("back", "Weir", generator_name, self.weir["tx_frames"], generator),
        ]

    def closes(self):
        return all(w.difference == 0 for w in self.ways) and not self.residuals

    def lost_on_the_way_in(self):
        return sum(self.ways[0].lost.values())

    def table(self):
        head = ["way", "sent", "received", "missed", "no-mbuf", "errors", "kernel", "difference"]
        rows = [[f"{w.sender} -> {w.receiver}", w.sent, w.received, *w.lost.values(), w.difference] for w in self.ways]
        cells = [head, *([str(c) for c in r] for r in rows)]
        width = [max(len(r[i]) for r in cells) for i in range(len(head))]
        lines = ["  ".join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(r, width))) for r in cells]
        if self.drops:
            lines.append("Weir dropped, by reason: " + ", ".join(f"{k} {v}" for k, v in sorted(self.drops.items())))
        return "\n".join(lines)

    def sentences(self):
        out = [w.sentence() for w in self.ways]
        out += [f"Weir's ledger {k}: residual {v}" for k, v in self.residuals.items()]
        return out

    def as_dict(self):
        return {
            "closes": self.closes(),
            "ways": [
                {"from": w.sender, "to": w.receiver, "sent": w.sent, "received": w.received, **w.lost, "difference": w.difference}
                for w in self.ways
            ],
            "generator": self.generator,
            "weir": self.weir,
            "weir_drops": self.drops,
            "weir_residuals": self.residuals,
        }
