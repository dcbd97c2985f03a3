# SPDX-License-Identifier: BSD-3-Clause
"""The two ends of a run: Weir, asked over its telemetry, and the generator, weir-gen or a real Pktgen."""
import fcntl
import json
import os
import pty
import re
import select
import shlex
import shutil
import signal
import struct
import subprocess
import tempfile
import termios
import time

from pkt_profile import Refused

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PORT_KEYS = ("rx_frames", "rx_missed", "rx_no_mbuf", "rx_errors", "kernel_loss", "tx_frames", "tx_errors")


def tool(name):
    """Of the tree's build, or installed."""
    built = os.environ.get(name.upper().replace("-", "_") + "_BIN") or f"{TREE}/build/app/{name}"
    return built if os.access(built, os.X_OK) else shutil.which(name)


class Weir:
    def __init__(self, instance, port=None, via=None):
        self.port = port
        if via:
            self.command = [*shlex.split(via), "weirctl", "--json", "-n", instance]
        else:
            binary = tool("weirctl")
            if not binary:
                raise Refused("no weirctl in build/app or PATH; scripts/build makes it")
            self.command = [binary, "--json", "-n", instance]

    def rows(self, what):
        try:
            done = subprocess.run([*self.command, what], capture_output=True, text=True, timeout=20, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Refused(f"Weir cannot be asked for its {what}: {error}") from None
        if done.returncode != 0:
            raise Refused(f"Weir cannot be asked for its {what}: {done.stderr.strip()}")
        out = []
        for line in done.stdout.splitlines():
            for page in json.loads(line).values():
                out.extend((page or {}).get("rows", {}).values())
        return out

    def snapshot(self):
        ports = self.rows("ports")
        mine = [r for r in ports if self.port in (None, r["name"])]
        if not mine:
            names = ", ".join(r["name"] for r in ports)
            raise Refused(f"Weir has no port '{self.port}'; it has {names}")
        return {
            "port": self.lasting(mine[0], ports),
            "drops": {r["name"]: r["count"] for r in self.rows("drops")},
            "ledger": self.rows("ledger"),
        }

    def lasting(self, mine, ports):
        """net_memif forgets its counters when its peer goes, and the generator does go: then Weir's own count of
        all ports, less what the others count, which keep theirs."""
        if "memif" not in mine.get("driver", ""):
            return mine
        if any("memif" in r.get("driver", "") for r in ports if r["name"] != mine["name"]):
            raise Refused("Weir has two memif ports, whose drivers forget their counters; with one it can be judged")
        keys = ("rx_frames", "tx_frames")

        def others(rows):
            return [[r[k] for k in keys] for r in rows if r["name"] != mine["name"]]

        for _ in range(100):
            own = {r["name"]: r["value"] for r in self.rows("counters")}
            before, ports = ports, self.rows("ports")
            if others(before) == others(ports):  # no frame of theirs came between the two readings
                return {**mine, **{k: own.get(k, 0) - sum(o[i] for o in others(ports)) for i, k in enumerate(keys)}}
        raise Refused("Weir's other ports are too busy to tell their frames from those of the memif port")

    def settled(self, seconds=10.0):
        """The snapshot once counters stand still and the ledgers close, or the last one in time."""
        end, before = time.monotonic() + seconds, self.snapshot()
        while True:
            select.select([], [], [], 0.2)
            now = self.snapshot()
            still = all(now["port"].get(k) == before["port"].get(k) for k in PORT_KEYS)
            if (still and residuals(now) == {}) or time.monotonic() > end:
                return now
            before = now


def residuals(snapshot):
    return {
        f"{r['ledger']} of worker {r['worker']}": r["residual"]
        for r in snapshot["ledger"]
        if r["residual"] != 0 and r["ledger"] in ("frames_in", "frames_out")
    }


# ---- weir-gen ----------------------------------------------------------------------------------------


def weir_gen():
    binary = tool("weir-gen")
    if not binary:
        raise Refused("no weir-gen in build/app or PATH; scripts/build makes it")
    return binary


def weir_gen_check(yaml):
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", prefix="weir-pktgen-") as f:
        f.write(yaml)
        f.flush()
        done = subprocess.run([weir_gen(), "--check", "-c", f.name], capture_output=True, text=True, timeout=60, check=False)
    if done.returncode != 0:
        raise Refused(f"weir-gen refuses the translation: {(done.stderr or done.stdout).strip()}")


def weir_gen_run(yaml, json_path, seconds):
    """Counters of the generator's end."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", prefix="weir-pktgen-") as f:
        f.write(yaml)
        f.flush()
        try:
            done = subprocess.run(
                [weir_gen(), "-c", f.name], capture_output=True, text=True, timeout=seconds + 60, check=False
            )
        except subprocess.TimeoutExpired:
            raise Refused(f"weir-gen was to run {seconds:g} s and did not end within a minute more") from None
    if done.returncode != 0 or not os.path.exists(json_path):
        raise Refused(f"weir-gen ended with {done.returncode}: {(done.stderr or done.stdout).strip()[-2000:]}")
    with open(json_path, encoding="utf-8") as f:
        result = json.load(f)
    end = {k: int(result["ports"][0].get(k, 0)) for k in PORT_KEYS}
    end["packets"] = sum(int(s["sent"]) for s in result["packets"])
    end["behind"] = sum(int(s.get("behind", 0)) for s in result["packets"])  # schedule, at most
    return end


# ---- a real Pktgen -----------------------------------------------------------------------------------

# portStats() takes the kind of counters up to 24.x, and returns them one table deeper from 25.x on.
DRIVER = """
local function stats()
  local ok, s = pcall(pktgen.portStats, "0", "port")
  if not ok then s = pktgen.portStats("0") end
  s = s[0]
  for _, k in ipairs({"pstats", "stats", "curr"}) do
    if type(s[k]) == "table" then s = s[k] end
  end
  return s
end
pktgen.load("%(commands)s")
pktgen.delay(2000)
pktgen.start("0")
local waited = 0
while waited < %(milliseconds)d do
  pktgen.delay(100)
  waited = waited + 100
  if waited >= 500 and pktgen.isSending("0")[0] == "n" then break end
end
pktgen.stop("0")
pktgen.delay(2000)
local s = stats()
local f = assert(io.open("%(result)s", "w"))
for _, k in ipairs({"opackets", "oerrors", "ipackets", "imissed", "rx_nombuf", "ierrors"}) do
  f:write(k, " ", string.format("%%d", s[k]), "\\n")
end
f:close()
pktgen.quit()
"""


def pktgen_binary():
    return os.environ.get("PKTGEN_BIN") or shutil.which("pktgen")


def pktgen_arguments(device, cores, driver, prefix, eal=()):
    pci = re.fullmatch(r"([0-9a-fA-F]{4}:)?[0-9a-fA-F]{2}:[0-9a-fA-F]{2}\.[0-7](,.*)?", device)
    where = ["-a", device] if pci else ["--no-pci", "--vdev", device]
    main, work = cores
    return [
        *("-l", f"{main},{work}", "-n", "4", "--proc-type", "primary", "--file-prefix", prefix),
        *where,
        *eal,
        *("--", "-P", "-m", f"{work}.0", "-f", driver),
    ]


def pktgen_run(p, device, seconds, cores, eal=()):
    if p.mode == "range" and "dst mac" not in p.ranges:
        raise Refused(f"{p.name}: Pktgen asks nobody for the next hop's MAC; give it with --target-mac")
    if p.mode == "single" and p.target_mac == "00:00:00:00:00:00":
        raise Refused(f"{p.name}: Pktgen asks nobody for the next hop's MAC; give it with --target-mac")
    with tempfile.TemporaryDirectory(prefix="weir-pktgen-") as tmp:
        names = {"commands": f"{tmp}/profile.pkt", "result": f"{tmp}/result"}
        with open(names["commands"], "w", encoding="utf-8") as f:
            f.write("\n".join(p.lines) + "\n")
        with open(f"{tmp}/driver.lua", "w", encoding="utf-8") as f:
            f.write(DRIVER % {**names, "milliseconds": int(seconds * 1000)})
        arguments = pktgen_arguments(device, cores, f"{tmp}/driver.lua", f"weir-pktgen-{os.getpid()}", eal)
        said = in_terminal([pktgen_binary(), *arguments], seconds + 90)
        if not os.path.exists(names["result"]):
            raise Refused(f"pktgen left no counters; its last words: {said[-1500:]}")
        with open(names["result"], encoding="utf-8") as f:
            c = {k: int(v) for k, v in (line.split() for line in f)}
    return {
        "tx_frames": c["opackets"],
        "tx_errors": c["oerrors"],
        "rx_frames": c["ipackets"],
        "rx_missed": c["imissed"],
        "rx_no_mbuf": c["rx_nombuf"],
        "rx_errors": c["ierrors"],
        "kernel_loss": 0,
        "packets": c["opackets"],
    }


def in_terminal(command, seconds):
    """Pktgen wants a terminal of some size; what it draws is kept in case it fails."""
    outer, inner = pty.openpty()
    fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 60, 160, 0, 0))
    process = subprocess.Popen(command, stdin=inner, stdout=inner, stderr=inner, start_new_session=True)
    os.close(inner)
    end, said = time.monotonic() + seconds, b""
    try:
        while process.poll() is None:
            if time.monotonic() > end:
                raise Refused(f"pktgen did not end within {seconds:g} s")
            if select.select([outer], [], [], 0.2)[0]:
                try:
                    said = (said + os.read(outer, 65536))[-65536:]
                except OSError:  # EIO: the other end is closed
                    process.wait(timeout=10)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        os.close(outer)
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", " ", said.decode("utf-8", "replace"))
