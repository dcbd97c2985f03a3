#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The floor: dpdk-testpmd as a plain wire between the same two veth ports. What a load reaches here, no
# load balancer on this wire can pass; cycles a packet are what the port itself costs.
set -euo pipefail
# shellcheck source=tests/bench/bench.sh
. "$(dirname -- "$0")/bench.sh"

bench_up
bench_quiet
bench_backends
# One link: the client gets an address beside the backends.
ip -n "$NS_CLIENT" addr add 198.18.1.200/24 dev c0
# It forwards until it reads a line, then prints its sums.
exec {enter}<> <(:)
ip netns exec "$NS_LB" dpdk-testpmd --lcores "0@$LOAD_CPU,1@$LB_CPU" --no-huge -m 512 --no-pci --no-telemetry --no-shconf \
	--vdev 'net_af_packet0,iface=wan0,framecnt=8192' --vdev 'net_af_packet1,iface=lan0,framecnt=8192' -- \
	--forward-mode=io --nb-cores=1 --total-num-mbufs=32768 --record-core-cycles \
	<&"$enter" >"$TMP/testpmd.log" 2>&1 &
PID[testpmd]=$!
wired() { in_client curl -sf --max-time 1 -o /dev/null http://198.18.1.2/; }
wait_for 20 "testpmd to forward" wired

for ((round = 1; round <= ROUNDS; round++)); do
	for load in short rps bulk; do
		target=198.18.1.2
		conns=64
		[ "$load" != bulk ] || { target=198.18.1.5 conns=4; }
		before=$(cpu_now)
		"load_$load" "$conns" "$target"
		record "floor_$load" testpmd "$round" "$RATE" "$ERRORS" "$before" "$(cpu_now)"
	done
done
printf '\n' >&"$enter"
wait_for 10 "testpmd's sums" gone testpmd
unset 'PID[testpmd]'
cycles=$(grep -oE 'CPU cycles/packet=[0-9.]+' "$TMP/testpmd.log" | tail -n 1 | cut -d= -f2) || fail "testpmd printed no cycles"
printf 'floor_cycles\ttestpmd\t1\t%s\t0\t0\t1\n' "${cycles:-0}" >>"$BENCH_OUT"
ok "floor"
