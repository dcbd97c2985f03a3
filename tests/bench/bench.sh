# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash disable=SC2034
# What the benchmarks share. What is measured runs on CPU 0, all of the load (clients and backends, their
# kernel's work too) on CPU 1. Records go to $BENCH_OUT, one line each; report.py makes tables of them.

# shellcheck source=tests/support/topo.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../support/topo.sh"

LB_CPU=0
LOAD_CPU=1
ROUNDS=${BENCH_ROUNDS:-3}
DURATION=${BENCH_SECONDS:-4}
BENCH_OUT=${BENCH_OUT:-/dev/stdout}

on_lb() { in_lb taskset -c "$LB_CPU" "$@"; }
on_client() { in_client taskset -c "$LOAD_CPU" "$@"; }

# veth hands a frame over on the CPU that sent it. Receive steering moves the receiver's work to the
# receiver's own CPU, so that each core is charged with its side of the kernel and no other.
bench_up() {
	topo_up
	local mask_lb=$((1 << LB_CPU)) mask_load=$((1 << LOAD_CPU))
	# Without it whoever sends pays for its receiver's stack: the load's core has room then.
	[ -z "${BENCH_NO_STEERING:-}" ] || return 0
	in_lb sh -c "printf '%x' $mask_lb >/sys/class/net/wan0/queues/rx-0/rps_cpus; printf '%x' $mask_lb >/sys/class/net/lan0/queues/rx-0/rps_cpus"
	in_client sh -c "printf '%x' $mask_load >/sys/class/net/c0/queues/rx-0/rps_cpus"
	in_backend sh -c "printf '%x' $mask_load >/sys/class/net/b0/queues/rx-0/rps_cpus"
}

# Other work on the machine spoils every figure: say how busy it is before anything of ours runs.
bench_quiet() {
	local a b
	read -ra a < <(cpu_now)
	read -r -t 1 -u "$PAUSE_FD" || :
	read -ra b < <(cpu_now)
	printf 'machine\tbusy\t1\t%d\t0\t0\t0\n' $((1000 * (b[0] - a[0] + b[3] - a[3]) / (b[1] - a[1] + b[4] - a[4] + 1))) >>"$BENCH_OUT"
}

bench_backends() {
	local n
	for n in 1 2 3; do
		backend_start "$n"
		taskset -acp "$LOAD_CPU" "${PID[b$n]}" >/dev/null
	done
	spawn iperf in_backend taskset -c "$LOAD_CPU" iperf3 -s -B 198.18.1.5 -p 5201
	wait_for 10 "iperf3 to listen" listens 5201
}

# cpu_now: "busy total" ticks of both CPUs: lb_busy lb_total load_busy load_total.
cpu_now() {
	awk -v lb="cpu$LB_CPU" -v load="cpu$LOAD_CPU" '
		$1 == lb || $1 == load {
			total = $2 + $3 + $4 + $5 + $6 + $7 + $8 + $9
			busy[$1] = total - $5 - $6; all[$1] = total; soft[$1] = $7 + $8
		}
		END { print busy[lb], all[lb], soft[lb], busy[load], all[load] }' /proc/stat
}

# record LOAD WHOSE ROUND RATE ERRORS BEFORE AFTER [BUSY]: the CPU shares come from two cpu_now's, or for a
# poll-mode program from BUSY, the share of its core that it used for packets.
record() {
	local -a a b
	read -ra a <<<"$6"
	read -ra b <<<"$7"
	awk -v OFS='\t' -v load="$1" -v whose="$2" -v round="$3" -v rate="$4" -v errors="$5" -v busy="${8:-}" \
		-v lb=$((b[0] - a[0])) -v lbt=$((b[1] - a[1])) -v soft=$((b[2] - a[2])) -v gen=$((b[3] - a[3])) -v gent=$((b[4] - a[4])) '
		BEGIN {
			share = lbt ? lb / lbt : 0
			# Poll mode: busy turns, and the interrupts that came in idle ones.
			if (busy != "") { s = lbt ? soft / lbt : 0; share = busy + s * (1 - busy) }
			print load, whose, round, rate, errors, share, gent ? 1 - gen / gent : 0
		}' >>"$BENCH_OUT"
}

# ---- loads: each sets RATE and ERRORS --------------------------------------------------------------

load_wrk() { # CONNECTIONS ARGS...
	local log=$TMP/wrk.out
	on_client timeout $((DURATION + 30)) wrk -t1 -c"$1" -d"${DURATION}s" "${@:2}" >"$log" || fail "wrk: $(tail -n 2 "$log")"
	RATE=$(awk '/Requests\/sec/ { print $2 }' "$log")
	ERRORS=$(awk '/Socket errors/ { gsub(",", ""); n += $4 + $6 + $8 + $10 } /Non-2xx/ { n += $NF } END { print n + 0 }' "$log")
}

load_short() { load_wrk "$1" -H 'Connection: close' "http://$2/"; }
load_rps() { load_wrk "$1" "http://$2/"; }
load_bulk() {
	local log=$TMP/iperf.out
	on_client timeout $((DURATION + 30)) iperf3 -c "$2" -p 5201 -t "$DURATION" -P "$1" -J >"$log" || fail "iperf3: $(jq -r .error "$log")"
	RATE=$(jq '.end.sum_received.bits_per_second / 1e9' "$log")
	ERRORS=0
}
