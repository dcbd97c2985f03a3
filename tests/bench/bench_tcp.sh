#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The TCP engine alone: cycles by the time-stamp counter and instructions by callgrind of a packet, a
# connection, a timer and a flow lookup, with rte_hash's bulk lookup beside it.
set -euo pipefail
# shellcheck source=scripts/common.sh
. "$(dirname -- "$0")/../../scripts/common.sh"
# shellcheck source=tests/bench/huge.sh
. tests/bench/huge.sh

PAGES=700 # of 2 MiB: a million connections, and rte_hash with as many keys
TMP=$(mktemp -d "${TMPDIR:-/tmp}/weir-bench.XXXXXX")
cleanup() {
	huge_give_back
	rm -rf -- "$TMP"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

scripts/build release tests/bench/bench_tcp
bench=$(build_dir release)/tests/bench/bench_tcp

huge_take "$PAGES"
taskset -c 0 "$bench" "${HUGE_ARGS[@]}" >"$TMP/cycles"
awk -F '\t' -v OFS='\t' '
	$1 == "huge_pages" { print "engine", "tcp_huge_pages", $3 }
	$2 == "cycles" {
		name = $1; whose = ""
		if (sub(/_rte_hash$/, "", name)) whose = "_rte_hash"
		if (sub(/_memory$/, "", name)) whose = "_memory"
		print "engine", "tcp_" name "_cycles" whose, $3
	}' "$TMP/cycles" >>"$BENCH_OUT"

# Counting is slow, but needs no huge pages and is not disturbed by anything.
valgrind --tool=callgrind --callgrind-out-file="$TMP/callgrind" --collect-atstart=no \
	--toggle-collect='measured_*' "$bench" --instructions --no-huge >"$TMP/items" 2>"$TMP/valgrind.log" ||
	die "callgrind failed: $(tail -n 3 "$TMP/valgrind.log")"
callgrind_annotate --inclusive=yes --threshold=100 --auto=no "$TMP/callgrind" >"$TMP/annotated"
awk -F '\t' -v OFS='\t' '
	FNR == NR {
		if (match($0, /measured_[a-z_]+/)) {
			name = substr($0, RSTART + 9, RLENGTH - 9)
			count = $0; sub(/^ */, "", count); sub(/[ (].*/, "", count); gsub(",", "", count)
			if (!(name in sum)) sum[name] = count
		}
		next
	}
	$2 == "items" && ($1 in sum) && $3 > 0 {
		name = $1; whose = ""
		if (name == "rte_hash" || name == "memory") { whose = "_" name; name = "lookup" }
		print "engine", "tcp_" name "_instructions" whose, sprintf("%.1f", sum[$1] / $3)
	}' "$TMP/annotated" "$TMP/items" >>"$BENCH_OUT"
