#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The profiles of scripts/pktgen and what reads, plays and judges them: without a network, on stand-ins of the
three programs that the runner starts. With a built weir-gen it checks every translation too."""
import glob
import importlib
import json
import os
import subprocess
import sys
import tempfile
import unittest

import yaml

sys.dont_write_bytecode = True
TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HERE = f"{TREE}/scripts/pktgen"
sys.path.insert(0, HERE)
ends, judge, pkt_profile, rfc2544, translate = (
    importlib.import_module(m) for m in ("ends", "judge", "pkt_profile", "rfc2544", "translate")
)
LINK = 10e9
SINGLE = "set 0 src ip 198.18.0.2/24\nset 0 dst ip 198.18.0.100\n"
RANGE = """set 0 src ip 198.18.0.2/24
range 0 src ip 198.19.0.1 198.19.0.1 198.19.0.9 0.0.0.1
range 0 dst ip 198.18.0.100 198.18.0.100 198.18.0.100 0.0.0.0
range 0 src port 1024 1024 2047 1
range 0 dst port 80 80 80 0
range 0 size 64 64 1518 1
enable 0 range
"""


def parse(text, extra=()):
    return pkt_profile.parse(text, "t.pkt", extra)


def streams(text):
    return translate.streams(parse(text), LINK)


class Parser(unittest.TestCase):
    def refused(self, text, *words):
        with self.assertRaises(pkt_profile.Refused) as caught:
            parse(text)
        for word in words:
            self.assertIn(word, str(caught.exception))

    def test_unknown_command_names_its_line(self):
        self.refused("# comment\n\nfoo 0 bar\n", "t.pkt:3", "'foo'")

    def test_unknown_argument_names_what_is_right(self):
        self.refused("set 0 sausage 1", "t.pkt:1", "'sausage'")
        self.refused("set 0 proto sctp", "'sctp'", "one of tcp, udp, icmp")
        self.refused("enable 0 latency", "'latency'")
        self.refused("set 0 tcp flag toggle syn", "'toggle'")

    def test_values_out_of_range(self):
        self.refused("set 0 size 63", "from 64 to")
        self.refused("set 0 rate 0", "percentage")
        self.refused("set 0 rate 101", "percentage")
        self.refused("set 0 sport 65536", "from 0 to 65535")
        self.refused("set 0 count -1", "'-1'")
        self.refused("set 0 src ip 198.18.0.2", "prefix length")
        self.refused("set 0 dst mac 02:00:00:00:00", "MAC address")
        self.refused("range 0 src ip start 198.18.0.256", "'198.18.0.256'")

    def test_too_few_and_too_many_words(self):
        self.refused("set 0 count", "ends too soon")
        self.refused("set 0 count 1 2", "'2' is too much")

    def test_other_ports_are_refused(self):
        self.refused("set 1 count 1", "'1'", "one port")

    def test_start_belongs_to_the_runner(self):
        self.refused(SINGLE + "start 0", "t.pkt:3", "runner starts")
        self.refused(SINGLE + "str", "runner starts")

    def test_sources_outside_of_the_test_networks(self):
        self.refused("set 0 src ip 192.0.2.1/24\nset 0 dst ip 198.18.0.1", "192.0.2.1", "198.18.0.0/15")
        self.refused(RANGE.replace("198.19.0.9", "198.20.0.9"), "198.20.0.9")
        self.refused("set 0 type ipv6\nset 0 src ip 2001:db9::1/64\nset 0 dst ip 2001:db8::1", "2001:db9::1")

    def test_incomplete_range_is_refused_since_pktgen_has_its_own_values(self):
        self.refused(RANGE.replace("range 0 dst port 80 80 80 0\n", ""), "dst port")
        self.refused(RANGE.replace("range 0 dst port 80 80 80 0", "range 0 dst port start 80"), "dst port")

    def test_range_that_weir_gen_cannot_walk(self):
        self.refused(RANGE.replace("1024 1024 2047 1", "1024 1024 2047 2"), "steps of 1")
        self.refused(RANGE.replace("1024 1024 2047 1", "1030 1024 2047 1"), "steps of 1")
        self.refused(RANGE.replace("1024 1024 2047 1", "2047 2047 1024 1"), "steps of 1")

    def test_mixed_families(self):
        self.refused("set 0 src ip 198.18.0.2/24\nset 0 dst ip 2001:db8::1", "not of type ipv4")
        self.refused(RANGE + "range 0 type ipv6", "not of type ipv6")

    def test_no_flag_left(self):
        self.refused(SINGLE + "set 0 tcp flag clr all", "no TCP flag")

    def test_sequence_with_holes(self):
        self.refused("set 0 src ip 198.18.0.2/24\nset 0 seq_cnt 1", "without sequence 0")

    def test_missing_address(self):
        self.refused("set 0 dst ip 198.18.0.1", "src ip")
        self.refused("set 0 src ip 198.18.0.2/24", "dst ip")

    def test_command_line_comes_last_and_is_checked_too(self):
        self.assertEqual(parse(SINGLE, ["set 0 dport 443"]).dport, 443)
        with self.assertRaises(pkt_profile.Refused) as caught:
            parse(SINGLE, ["set 0 dport x"])
        self.assertIn("command line", str(caught.exception))

    def test_flags_add_up_from_ack_as_in_pktgen(self):
        self.assertEqual(parse(SINGLE + "set 0 tcp flag set syn").flags, {"syn", "ack"})
        self.assertEqual(parse(SINGLE + "set 0 tcp flag clr all\nset 0 tcp flag set syn").flags, {"syn"})

    def test_range_by_parts_and_at_once_are_the_same(self):
        parts = "".join(f"range 0 src port {k} {v}\n" for k, v in zip(("start", "min", "max", "inc"), (1024, 1024, 2047, 1)))
        one = RANGE.replace("range 0 src port 1024 1024 2047 1\n", parts)
        self.assertEqual(parse(one).ranges, parse(RANGE).ranges)

    def test_reset_goes_back_to_pktgens_values(self):
        p = parse("set 0 dport 99\nenable 0 range\nreset 0\n" + SINGLE)
        self.assertEqual((p.dport, p.mode), (5678, "single"))


class Translation(unittest.TestCase):
    def test_sizes_lose_the_check_sequence(self):
        self.assertEqual(streams(SINGLE)[0]["size"], "60-60")
        self.assertEqual(streams(RANGE)[0]["size"], "60-1514")

    def test_percent_is_of_the_link_with_gap_and_preamble(self):
        s = streams(SINGLE + "set 0 rate 10")[0]
        self.assertEqual(s["rate_bps"], 10**9)
        self.assertEqual(round(translate.packets_per_second(parse(SINGLE), LINK)), 14880952)

    def test_range(self):
        s = streams(RANGE + "set 0 count 7")[0]
        self.assertEqual(s["source"], "198.19.0.1-198.19.0.9")
        self.assertEqual(s["target"], "198.18.0.100-198.18.0.100")
        self.assertEqual((s["source_ports"], s["target_ports"]), ("1024-2047", "80-80"))
        self.assertEqual((s["kind"], s["flags"], s["count"], s["walk"]), ("tcp", ["ack"], 7, "step"))

    def test_icmp_has_no_ports_and_no_flags(self):
        s = streams(SINGLE + "set 0 proto icmp")[0]
        self.assertEqual(s["kind"], "icmp_echo")
        self.assertFalse({"source_ports", "target_ports", "flags"} & set(s))

    def test_equal_entries_of_a_sequence_share_a_stream(self):
        entry = "sequence {} 0 02:00:00:00:00:01 02:00:00:00:00:02 198.18.0.100 198.18.0.2/24 5 80 ipv4 udp 1 {}\n"
        text = "set 0 src ip 198.18.0.2/24\nset 0 count 10\nset 0 seq_cnt 3\n" + "".join(
            entry.format(i, n) for i, n in enumerate((64, 1518, 64))
        )
        small, big = streams(text)
        # three rounds of three, and the first entry once more
        self.assertEqual((small["count"], big["count"]), (7, 3))
        self.assertAlmostEqual(small["rate_pps"] / big["rate_pps"], 2, places=4)
        bits = small["rate_pps"] * 84 * 8 + big["rate_pps"] * 1538 * 8
        self.assertAlmostEqual(bits / LINK, 1, places=4)

    def test_macs_only_where_the_profile_or_the_runner_gives_them(self):
        self.assertNotIn("target_mac", streams(RANGE)[0])
        p = pkt_profile.with_settings(parse(RANGE), target_mac="02:00:00:00:00:09")
        self.assertEqual(translate.streams(p, LINK)[0]["target_mac"], "02:00:00:00:00:09")

    def test_settings_of_the_runner_reach_a_real_pktgen_as_commands(self):
        p = pkt_profile.with_settings(parse(RANGE), rate=2.5, size=128, count=9, target_mac="02:00:00:00:00:09")
        self.assertIn("set 0 rate 2.5", p.lines)
        self.assertIn("set 0 count 9", p.lines)
        self.assertIn("range 0 size 128 128 128 0", p.lines)
        again = pkt_profile.parse("\n".join(p.lines), "again")
        self.assertEqual(translate.streams(again, LINK), translate.streams(p, LINK))

    def test_yaml_is_yaml_and_says_the_same(self):
        p = parse(RANGE)
        y = yaml.safe_load(translate.to_yaml(p, "net_null0", LINK, {"core": 1, "duration": "2s"}, gateways=["198.18.0.1"]))
        self.assertEqual(y["packets"], translate.streams(p, LINK))
        self.assertEqual(y["ports"][0]["addresses"], ["198.18.0.2/24"])
        self.assertEqual(y["ports"][0]["gateway"], ["198.18.0.1"])


class Profiles(unittest.TestCase):
    def test_each_translates_and_stays_in_the_test_networks(self):
        files = sorted(glob.glob(f"{HERE}/*.pkt"))
        self.assertGreaterEqual(len(files), 7)
        for path in files:
            with self.subTest(path), open(path, encoding="utf-8") as f:
                p = pkt_profile.parse(f.read(), os.path.basename(path))
                self.assertTrue(translate.streams(p, LINK))

    def test_flags_of_the_floods(self):
        for name, flag in (("syn_flood", "syn"), ("ack_flood", "ack"), ("rst_flood", "rst"), ("syn_flood6", "syn")):
            with open(f"{HERE}/{name}.pkt", encoding="utf-8") as f:
                self.assertEqual(streams(f.read())[0]["flags"], [flag], name)

    def test_imix_is_seven_four_one(self):
        with open(f"{HERE}/imix.pkt", encoding="utf-8") as f:
            mix = {s["size"]: s["count"] for s in streams(f.read())}
        self.assertEqual(mix, {"60-60": 700000, "566-566": 400000, "1514-1514": 100000})

    @unittest.skipUnless(ends.tool("weir-gen"), "weir-gen is not built")
    def test_weir_gen_takes_each_translation(self):
        done = subprocess.run([f"{HERE}/run", "--check"], capture_output=True, text=True, timeout=100, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)


def weir(rx, tx, **more):
    port = {"name": "wan", "rx_frames": rx, "tx_frames": tx, "mac": "02:00:00:00:00:01", **more}
    ledger = [{"worker": "all", "ledger": "frames_in", "residual": 0}, {"worker": "all", "ledger": "frames_out", "residual": 0}]
    return {"port": port, "drops": {}, "ledger": ledger}


def generator(tx, rx, **more):
    return {**{k: 0 for k in ends.PORT_KEYS}, "tx_frames": tx, "rx_frames": rx, "packets": tx, **more}


class Judge(unittest.TestCase):
    def test_closes_with_every_kind_of_loss_counted(self):
        after = weir(95, 100, rx_missed=4, rx_no_mbuf=3, rx_errors=2, kernel_loss=1)
        v = judge.Verdict("weir-gen", generator(100, 80, rx_missed=10), weir(5, 10), after)
        self.assertTrue(v.closes(), v.sentences())
        self.assertEqual(v.lost_on_the_way_in(), 10)

    def test_names_the_side_and_the_difference(self):
        v = judge.Verdict("weir-gen", generator(100, 50), weir(0, 0), weir(93, 50))
        self.assertFalse(v.closes())
        self.assertIn("7 frames that weir-gen sent are in no counter of Weir", "; ".join(v.sentences()))
        v = judge.Verdict("pktgen", generator(100, 51), weir(0, 0), weir(100, 50))
        self.assertIn("pktgen counts 1 frames more than Weir sent", "; ".join(v.sentences()))

    def test_an_open_ledger_does_not_close(self):
        after = weir(100, 0)
        after["ledger"][0]["residual"] = -3
        v = judge.Verdict("weir-gen", generator(100, 0), weir(0, 0), after)
        self.assertFalse(v.closes())
        self.assertIn("frames_in of worker all: residual -3", "; ".join(v.sentences()))

    def test_drops_are_those_of_the_run(self):
        before, after = weir(0, 0), weir(9, 0)
        before["drops"] = {"tcp_no_conn": 5, "land": 1}
        after["drops"] = {"tcp_no_conn": 9, "land": 1}
        v = judge.Verdict("weir-gen", generator(9, 0), before, after)
        self.assertEqual(v.drops, {"tcp_no_conn": 4})
        self.assertIn("tcp_no_conn 4", v.table())


class Asked(ends.Weir):
    """Weir of which every question for ports or counters gets the next answer."""

    def __init__(self, ports, counters):
        self.port, self.answers = "wan", {"ports": ports, "counters": counters}

    def rows(self, what):
        a = self.answers[what]
        return a.pop(0) if len(a) > 1 else a[0]


def two_ports(lan_rx, driver="net_memif"):
    mine = {"name": "wan", "driver": driver, "rx_frames": 0, "tx_frames": 0}
    return [mine, {"name": "lan", "driver": "net_af_packet", "rx_frames": lan_rx, "tx_frames": 1}]


class Memif(unittest.TestCase):
    def test_counts_are_weirs_own_less_those_of_other_ports(self):
        counters = [{"name": "rx_frames", "value": 110}, {"name": "tx_frames", "value": 41}]
        w = Asked([two_ports(10)], [counters])
        port = w.lasting(two_ports(10)[0], two_ports(10))
        self.assertEqual((port["rx_frames"], port["tx_frames"]), (100, 40))

    def test_a_frame_between_two_readings_asks_again(self):
        first, second = [{"name": "rx_frames", "value": 110}], [{"name": "rx_frames", "value": 111}]
        w = Asked([two_ports(11), two_ports(11)], [first, second])
        self.assertEqual(w.lasting(two_ports(10)[0], two_ports(10))["rx_frames"], 100)

    def test_busy_neighbours_are_refused(self):
        w = Asked([two_ports(n) for n in range(11, 200)], [[]])
        with self.assertRaises(pkt_profile.Refused):
            w.lasting(two_ports(10)[0], two_ports(10))

    def test_other_drivers_keep_their_own(self):
        rows = two_ports(10, "net_ixgbe")
        self.assertIs(Asked([], []).lasting(rows[0], rows), rows[0])


class Search(unittest.TestCase):
    def test_bisection_finds_the_edge_from_below(self):
        asked = []

        def passes(rate):
            asked.append(rate)
            return rate <= 37.3

        best = rfc2544.bisect(passes, 0.5)
        self.assertTrue(36.8 <= best <= 37.3, best)
        self.assertEqual(asked[0], 100.0)

    def test_bisection_ends_at_the_whole_link_and_at_nothing(self):
        self.assertEqual(rfc2544.bisect(lambda rate: True, 1), 100.0)
        self.assertEqual(rfc2544.bisect(lambda rate: False, 1), 0.0)

    def test_a_generator_that_falls_short_is_not_blamed_on_weir(self):
        p = pkt_profile.with_settings(parse(SINGLE), rate=100.0)
        v = judge.Verdict("weir-gen", generator(1000, 0), weir(0, 0), weir(1000, 0))
        t = rfc2544.Trial(p, v, 1.0, LINK)
        self.assertEqual((t.word(), t.passes()), ("generator-bound", False))


    def test_a_generator_that_catches_up_late_did_not_send_the_rate(self):
        p = pkt_profile.with_settings(parse(SINGLE), rate=10.0)
        n = int(translate.packets_per_second(p, LINK))
        for behind, word in ((n // 50, "generator-bound"), (n // 200, "good")):
            v = judge.Verdict("weir-gen", generator(n, 0, behind=behind), weir(0, 0), weir(n, 0))
            self.assertEqual(rfc2544.Trial(p, v, 1.0, LINK).word(), word)


# Weir as weirctl shows it: its counters stand in a file that the stand-ins of the generators raise.
WEIRCTL = """#!/usr/bin/python3
import json, os, sys
c = json.load(open(os.environ["WORLD"]))
rows = {
    "ports": [{"name": "wan", "mac": "02:00:00:00:00:01", "rx_missed": 0, "rx_no_mbuf": 0, "rx_errors": 0,
               "kernel_loss": 0, "tx_errors": 0, "rx_frames": c["rx"], "tx_frames": c["tx"]}],
    "drops": [{"name": "tcp_no_conn", "count": c["rx"]}],
    "ledger": [{"worker": "all", "ledger": "frames_in", "residual": 0}],
}[sys.argv[-1]]
print(json.dumps({f"/weir/{sys.argv[-1]}": {"rows": {str(i): r for i, r in enumerate(rows)}, "next": ""}}))
"""
WEIR_GEN = """#!/usr/bin/python3
import json, os, sys, yaml
y = yaml.safe_load(open(sys.argv[sys.argv.index("-c") + 1]))
n = min(sum(s["count"] for s in y["packets"]), int(os.environ.get("MOST", 10**9)))
c = json.load(open(os.environ["WORLD"]))
c["rx"] += n - int(os.environ.get("LOSE", "0"))
c["tx"] += n
json.dump(c, open(os.environ["WORLD"], "w"))
port = {"name": "p0", "rx_frames": n, "tx_frames": n, "rx_missed": 0, "rx_no_mbuf": 0, "tx_errors": 0, "kernel_loss": 0}
json.dump({"packets": [{"name": "x", "sent": n}], "ports": [port]}, open(y["runtime"]["json"], "w"))
"""
PKTGEN = """#!/usr/bin/python3
import json, os, re, sys
driver = open(sys.argv[sys.argv.index("-f") + 1]).read()
commands = open(re.search(r'load\\("(.*)"\\)', driver)[1]).read()
n = int(re.findall(r"set 0 count (\\d+)", commands)[-1])
assert "range 0 dst mac 02:00:00:00:00:01" in commands, commands
assert sys.argv[sys.argv.index("--") :][:4] == ["--", "-P", "-m", "1.0"], sys.argv
assert sys.argv[sys.argv.index("--vdev") + 1].startswith("net_memif0"), sys.argv
c = json.load(open(os.environ["WORLD"]))
c["rx"] += n
c["tx"] += n
json.dump(c, open(os.environ["WORLD"], "w"))
with open(re.search(r'io.open\\("(.*)", "w"\\)', driver)[1], "w") as f:
    f.write(f"opackets {n}\\noerrors 0\\nipackets {n}\\nimissed 0\\nrx_nombuf 0\\nierrors 0\\n")
"""


class Runner(unittest.TestCase):
    def setUp(self):
        self.tmp = tempfile.TemporaryDirectory()
        self.addCleanup(self.tmp.cleanup)
        self.world = f"{self.tmp.name}/world"
        with open(self.world, "w", encoding="utf-8") as f:
            json.dump({"rx": 5, "tx": 7}, f)
        self.env = {**os.environ, "WORLD": self.world}
        self.env.pop("PKTGEN_BIN", None)
        for name, text in (("WEIRCTL", WEIRCTL), ("WEIR_GEN", WEIR_GEN)):
            self.env[f"{name}_BIN"] = self.program(name.lower(), text)

    def program(self, name, text):
        path = f"{self.tmp.name}/{name}"
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(path, 0o755)
        return path

    def run_it(self, *arguments, **env):
        return subprocess.run(
            [f"{HERE}/run", *arguments],
            **{"capture_output": True, "text": True, "timeout": 60, "check": False, "env": {**self.env, **env}},
        )

    def test_sums_that_close_end_with_0(self):
        out = f"{self.tmp.name}/out.json"
        done = self.run_it("syn_flood", "--with", "weir-gen", "--weir", "w", "--count", "1000", "--json", out)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("verdict: the sums close", done.stdout)
        with open(out, encoding="utf-8") as f:
            result = json.load(f)
        self.assertTrue(result["closes"])
        self.assertEqual(result["ways"][0]["sent"], 1000)
        self.assertEqual(result["weir_drops"], {"tcp_no_conn": 1000})

    def test_sums_that_do_not_close_end_with_1(self):
        done = self.run_it("syn_flood", "--with", "weir-gen", "--weir", "w", "--count", "1000", LOSE="3")
        self.assertEqual(done.returncode, 1)
        self.assertIn("3 frames that weir-gen sent are in no counter of Weir", done.stdout)

    def test_a_real_pktgen_gets_commands_arguments_and_the_mac(self):
        pktgen = self.program("pktgen", PKTGEN)
        done = self.run_it("syn_flood", "--weir", "w", "--count", "500", PKTGEN_BIN=pktgen)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("played by pktgen", done.stdout)

    def test_pktgen_that_leaves_no_counters_is_a_failure(self):
        done = self.run_it("syn_flood", "--target-mac", "02:00:00:00:00:01", PKTGEN_BIN="/bin/true")
        self.assertEqual(done.returncode, 2)
        self.assertIn("pktgen left no counters", done.stderr)

    def test_refusals_end_with_2(self):
        for arguments, words in (
            (["nothing"], "no profile 'nothing'; there are ack_flood"),
            (["syn_flood", "--rate", "0"], "percentage"),
            (["syn_flood", "--command", "set 0 foo 1"], "'foo'"),
            (["rfc2544", "--with", "weir-gen"], "needs --weir"),
            (["syn_flood", "--with", "weir-gen", "--weir", "w", "--weir-port", "lan"], "no port 'lan'; it has wan"),
        ):
            done = self.run_it(*arguments)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertIn(words, done.stderr)

    def searched(self, **env):
        out = f"{self.tmp.name}/out.json"
        how = ("--sizes", "64", "--resolution", "25", "--seconds", "0.1", "--json", out)
        done = self.run_it("rfc2544", "--with", "weir-gen", "--weir", "w", *how, **env)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("RFC 2544 24 wants at least 60 s", done.stdout)
        with open(out, encoding="utf-8") as f:
            return json.load(f)["throughput"][0]

    def test_search_takes_the_whole_link_when_nothing_is_lost(self):
        row = self.searched()
        self.assertEqual((row["rate_percent"], row["generator_bound"]), (100, False))
        self.assertEqual((row["pps"], row["gbps"]), (14880950, 10.0))

    def test_search_says_that_the_generator_is_the_limit(self):
        row = self.searched(MOST="800000")
        self.assertEqual((row["rate_percent"], row["generator_bound"]), (50, True))


if __name__ == "__main__":
    unittest.main()
