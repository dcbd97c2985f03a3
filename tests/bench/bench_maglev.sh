#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Maglev tables: time to build and to pick, how even they are, and what moves when a backend goes.
# Pickers of every algorithm: time to build, time and instructions to pick.
set -euo pipefail
# shellcheck source=scripts/common.sh
. "$(dirname -- "$0")/../../scripts/common.sh"

TMP=$(mktemp -d "${TMPDIR:-/tmp}/weir-bench.XXXXXX")
trap 'rm -rf -- "$TMP"' EXIT
trap 'exit 130' INT TERM

scripts/build release tests/bench/bench_maglev tests/bench/bench_picker
bench=$(build_dir release)/tests/bench
out=${BENCH_OUT:-/dev/stdout}
for name in maglev picker; do
	taskset -c 0 "$bench/bench_$name" >"$TMP/times" || die "bench_$name failed"
	awk -F '\t' -v OFS='\t' '{ print "engine", $1, $2 }' "$TMP/times" >>"$out"
done

valgrind --tool=callgrind --callgrind-out-file="$TMP/callgrind" --collect-atstart=no \
	--toggle-collect='measured_*' "$bench/bench_picker" --instructions >"$TMP/items" 2>"$TMP/valgrind.log" ||
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
	$2 == "items" && $1 != "nothing" && ($1 in sum) && $3 > 0 {
		print "engine", "picker_pick_instructions_" $1, sprintf("%.1f", (sum[$1] - sum["nothing"]) / $3)
	}' "$TMP/annotated" "$TMP/items" >>"$out"
