# SPDX-License-Identifier: BSD-3-Clause
"""RFC 2544 26.1, throughput: for each frame size the highest rate at which nothing is lost, by bisection."""
import pkt_profile
import translate

SIZES = (64, 128, 256, 512, 1024, 1280, 1518)  # RFC 2544 9.1
SECONDS = 2.0
RFC_SECONDS = 60  # RFC 2544 24
SENT_ENOUGH = 0.99  # of the rate asked for; below it the generator is the limit


def bisect(passes, resolution):
    """Highest rate in percent for which passes(rate) says yes, or 0. Trial 1 is the whole link."""
    if passes(100.0):
        return 100.0
    low, high = 0.0, 100.0
    while high - low > resolution:
        middle = (low + high) / 2
        if passes(middle):
            low = middle
        else:
            high = middle
    return low


class Trial:
    def __init__(self, p, v, seconds, link_bps):
        asked = translate.packets_per_second(p, link_bps) * seconds
        self.rate, self.sent = p.rate, v.generator["packets"]
        self.lost = v.lost_on_the_way_in()
        self.answered = v.weir["tx_frames"]
        self.closes = v.closes()
        # weir-gen may catch up behind the end of a trial: that is not the rate either.
        self.short = self.sent - v.generator.get("behind", 0) < SENT_ENOUGH * asked
        self.pps = self.sent / seconds
        self.why = "; ".join(v.sentences())

    def passes(self):
        return self.closes and self.lost == 0 and not self.short

    def word(self):
        if not self.closes:
            return "sums do not close"
        if self.short:
            return "generator-bound"
        return "lost" if self.lost else "good"


def size_row(size, trials, best):
    good = [t for t in trials if t.passes() and t.rate == best]
    above = [t for t in trials if t.rate > best]
    bound = bool(above) and all(t.word() == "generator-bound" for t in above)
    pps = good[-1].pps if good else 0.0
    return {
        "size": size,
        "rate_percent": best,
        "pps": round(pps),
        "gbps": round(pps * translate.line_bits(size) / 1e9, 3),
        "generator_bound": bound,
        "trials": [
            {"rate_percent": t.rate, "sent": t.sent, "lost": t.lost, "answered": t.answered, "verdict": t.word()}
            for t in trials
        ],
    }


def search(p, o, run):
    seconds = o.seconds or SECONDS
    if seconds < RFC_SECONDS:
        print(f"trials of {seconds:g} s; RFC 2544 24 wants at least {RFC_SECONDS} s: --seconds {RFC_SECONDS}")
    if o.player == "pktgen":
        print(f"percentages of the NIC's link are taken as those of {o.link:g} Gbit/s (--link)")
    rows, closes = [], True
    for size in o.sizes:
        trials = []

        def passes(rate, size=size, trials=trials):
            q = pkt_profile.with_settings(p, size=size, rate=rate, count=0)
            t = Trial(q, run(q, seconds), seconds, o.link * 1e9)
            trials.append(t)
            counts = f"sent {t.sent}, lost {t.lost}, answered {t.answered}"
            print(f"  {size} bytes at {rate:.4g} %: {counts}: {t.word()}", flush=True)
            if not t.closes:
                print(f"    {t.why}")
            return t.passes()

        best = bisect(passes, o.resolution)
        closes = closes and all(t.closes for t in trials)
        rows.append(size_row(size, trials, best))
    print(f"{'size':>5}  {'rate %':>7}  {'packets/s':>11}  {'Gbit/s':>7}")
    for r in rows:
        note = "  generator-bound: Weir may do more" if r["generator_bound"] else ""
        print(f"{r['size']:>5}  {r['rate_percent']:>7.4g}  {r['pps']:>11}  {r['gbps']:>7}{note}")
    print(f"verdict: {'the sums of all trials close' if closes else 'THE SUMS OF SOME TRIAL DO NOT CLOSE'}")
    return {"closes": closes, "seconds": seconds, "link_gbit": o.link, "throughput": rows}
