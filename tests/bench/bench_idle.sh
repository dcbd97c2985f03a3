#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# What an idle proxied pair costs in memory: Weir's engine and proxy with a hundred thousand and a million
# of them open, each of which then passes one byte; HAProxy with as many as it says, in namespaces.
set -euo pipefail
# shellcheck source=scripts/common.sh
. "$(dirname -- "$0")/../../scripts/common.sh"
# shellcheck source=tests/bench/bench.sh
. tests/bench/bench.sh

scripts/build release tests/bench/idle_pairs tests/bench/idle_sockets
programs=$(build_dir release)/tests/bench

free_kib() { awk '/^MemAvailable:/ { print $2 }' /proc/meminfo; }

weir_pairs() { # PAIRS LABEL
	# Pools, what grows with them and twice as much to be safe.
	local need=$(($1 * 2)) free got # KiB
	free=$(free_kib)
	if [ "$free" -lt "$need" ]; then
		note "idle: $((free >> 10)) MiB are free, $((need >> 10)) are wanted for $1 pairs: left out"
		return 0
	fi
	got=$("$programs/idle_pairs" --pairs "$1") || die "idle_pairs failed with $1 pairs"
	awk -F '\t' -v OFS='\t' -v label="$2" '
		$1 == "pairs" || $1 == "session_bytes" { next }
		$1 == "bytes_passed" || $1 == "pair_bytes_resident" { print "engine", "idle_" $1 "_" label, $2; next }
		{ print "engine", "idle_" $1, $2 }' <<<"$got" >>"$BENCH_OUT"
}

# ---- HAProxy -----------------------------------------------------------------------------------------

# All processes of it. One would do, but where a process may open no more than 20,000 files it holds 10,000 pairs.
# shellcheck disable=SC2016
resident_kib() {
	local n
	for ((n = 0; n < processes; n++)); do cat "/proc/${PID[haproxy$n]}/status"; done | awk '/^VmRSS:/ { sum += $2 } END { print sum }'
}
slab_kib() { awk '/^Slab:/ { print $2 }' /proc/meminfo; }
buffer_kib() { awk '$1 == "TCP:" { for (i = 2; i < NF; i += 2) if ($i == "mem") print 4 * $(i + 1) }' /proc/net/sockstat; }
# Sockets of HAProxy: one to each client and one to each backend.
# shellcheck disable=SC2016
sockets_open() { [ "$(in_lb awk '$1 == "TCP:" { print $3 }' /proc/net/sockstat)" -ge "$1" ]; }
# shellcheck disable=SC2016
listening() { [ "$("in_$1" awk '$4 == "0A" { n++ } END { print n + 0 }' /proc/net/tcp)" -ge "$2" ]; }
all_open() { # PAIRS
	alive hold || fail "the clients' side ended"
	alive serve || fail "the backends' side ended"
	[ "$(awk '$1 == "open" { n += $2 } END { print n + 0 }' "$TMP/hold.log")" -eq "$1" ] && sockets_open $((2 * $1))
}

haproxy_start() { # PAIRS of each process, at most
	local n
	cat >"$TMP/haproxy.cfg" <<-CFG
		global
		  nbthread 1
		  maxconn $1
		defaults
		  mode tcp
		  timeout connect 30s
		  timeout client 1h
		  timeout server 1h
		listen web
		  bind $VIP4:80 backlog 16384
		  balance roundrobin
		  server b1 198.18.1.2:80
		  server b2 198.18.1.3:80
		  server b3 198.18.1.4:80
	CFG
	for ((n = 0; n < processes; n++)); do
		spawn "haproxy$n" in_lb taskset -c "$LB_CPU" haproxy -db -f "$TMP/haproxy.cfg"
	done
	wait_for 10 "HAProxy to listen" listening lb "$processes"
}

haproxy_pairs() {
	local pairs=100000 label=100k need i rss slab buffers most sources=()
	# Four sockets a pair, all of them on this machine, and the process.
	need=$((pairs * 32))
	if [ "$(free_kib)" -lt "$need" ]; then
		note "idle: $(($(free_kib) >> 10)) MiB are free, $((need >> 10)) are wanted for 100,000 pairs of HAProxy: 20,000 then"
		pairs=20000 label=20k
	fi
	topo_up
	ip -n "$NS_LB" addr add 198.18.0.1/24 dev wan0
	ip -n "$NS_LB" addr add "$VIP4/24" dev wan0
	ip -n "$NS_LB" addr add 198.18.1.1/24 dev lan0
	for i in 10 11 12 13; do
		ip -n "$NS_CLIENT" addr add "198.18.0.$i/24" dev c0
		sources+=("198.18.0.$i")
	done
	# Two files a pair, and room since the kernel spreads connections over processes by chance.
	most=$((($(ulimit -n) - 200) / 2))
	[ "$most" -le "$pairs" ] || most=$((pairs + 1000))
	processes=$(((pairs * 6 / 5 + most - 1) / most))
	[ "$most" -lt "$pairs" ] || processes=1
	spawn serve in_backend taskset -c "$LOAD_CPU" "$programs/idle_sockets" serve "$processes" 80 198.18.1.2 198.18.1.3 198.18.1.4
	wait_for 10 "backends to listen" listening backend $((3 * processes))
	haproxy_start "$most"
	rss=$(resident_kib) slab=$(slab_kib) buffers=$(buffer_kib)
	spawn hold in_client taskset -c "$LOAD_CPU" "$programs/idle_sockets" hold "$pairs" "$VIP4" 80 "${sources[@]}"
	wait_for 90 "$pairs pairs through HAProxy" all_open "$pairs"
	rss=$(($(resident_kib) - rss)) slab=$(($(slab_kib) - slab)) buffers=$(($(buffer_kib) - buffers))
	# Half of the machine's sockets are HAProxy's, the others its clients' and backends'.
	awk -v OFS='\t' -v pairs="$pairs" -v label="$label" -v rss="$rss" -v kernel=$((slab + buffers)) -v processes="$processes" 'BEGIN {
		print "engine", "idle_pair_bytes_haproxy_" label, sprintf("%.1f", rss * 1024 / pairs)
		print "engine", "idle_pair_kernel_bytes_haproxy_" label, sprintf("%.1f", kernel * 1024 / pairs / 2)
		print "engine", "idle_processes_haproxy_" label, processes
	}' >>"$BENCH_OUT"
	ok "idle"
}

weir_pairs 100000 100k
weir_pairs 1000000 1m
haproxy_pairs
