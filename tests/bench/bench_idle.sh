#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# What an idle proxied pair costs in memory, with a hundred thousand and a million of them open, each of
# which then passes one byte.
set -euo pipefail
# shellcheck source=scripts/common.sh
. "$(dirname -- "$0")/../../scripts/common.sh"

scripts/build release tests/bench/idle_pairs
program=$(build_dir release)/tests/bench/idle_pairs
for row in 100000:100k 1000000:1m; do
	pairs=${row%:*}
	# Pools, what grows with them and twice as much to be safe.
	need=$((pairs * 2)) # KiB
	free=$(awk '/^MemAvailable:/ { print $2 }' /proc/meminfo)
	if [ "$free" -lt "$need" ]; then
		note "idle: $((free >> 10)) MiB are free, $((need >> 10)) are wanted for $pairs pairs: left out"
		continue
	fi
	got=$("$program" --pairs "$pairs") || die "idle_pairs failed with $pairs pairs"
	awk -F '\t' -v OFS='\t' -v label="${row#*:}" '
		$1 == "pairs" || $1 == "session_bytes" { next }
		$1 == "bytes_passed" || $1 == "pair_bytes_resident" { print "engine", "idle_" $1 "_" label, $2; next }
		{ print "engine", "idle_" $1, $2 }' <<<"$got" >>"$BENCH_OUT"
done
