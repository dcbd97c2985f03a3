#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The comparison that weir-gen drives: every balancer to saturation of its own core, on the kernel's wire
# (Weir, HAProxy with one thread, nginx stream with one worker) and on the poll-mode wire (Weir, and the wire
# itself with testpmd in the balancer's place). Rounds alternate. Then what the balancer adds to latency, at half
# of the connection rate that it reached.
set -euo pipefail
# shellcheck source=tests/bench/gen.sh
. "$(dirname -- "$0")/gen.sh"

# LOAD: users, shape of a connection, backends, bits that one answer stands for (0: answers count).
declare -A USERS=([short]=256 [rps]=256 [rps_1k]=256 [bulk_up]=16 [bulk_down]=16)
declare -A SHAPE=(
	[short]='requests: 1, request: 64, answer: 64, close: server'
	[rps]='requests: 1000000, request: 64, answer: 64, close: client'
	[rps_1k]='requests: 1000000, request: 64, answer: 1024, close: client'
	[bulk_up]='requests: 1000000, request: 1MiB, answer: 64, close: client'
	[bulk_down]='requests: 1000000, request: 64, answer: 1MiB, close: client'
)
LOADS=${BENCH_LOADS:-short rps rps_1k bulk_up bulk_down}
declare -A BEST # connections/s of a balancer on a wire, last round

# What Weir's loop counted, and when: cycles and turns, all and busy, cycles a second, seconds.
weir_loop() {
	tel /weir/counters | jq -r --arg hz "$(tel_field /weir/workers cycles_per_s)" --arg at "$EPOCHREALTIME" '
		([.[] | {(.name): .value}] | add) as $c | "\($c.cycles) \($c.cycles_busy) \($c.loops) \($c.loops_busy) \($hz) \($at)"'
}

# row LOAD WHO ROUND RATE JSON SHARE
row() {
	printf 'gen\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$1" "$2" "$WIRE" "$3" "$4" \
		"$(jq '.flat.errors' "$5")" "$6" "$(jq '.flat.generator_idle_permille' "$5")" >>"$BENCH_OUT"
}

# What a turn costs that moves nothing, from the time before any load: interrupts of a load lengthen such turns.
idle_turn() { weir_loop | awk '{ print ($3 > $4 ? ($1 - $2) / ($3 - $4) : 0) }'; }
IDLE_TURN=0

# The share of the balancer's core that was used since share_begin. For the kernel's users all time but idle. For Weir
# the turns of its loop that moved something, less what polling costs in any case, and the interrupts in idle turns.
share_begin() { # WHO
	BEFORE=$(cpu_now)
	LOOP=
	[ "$1" != weir ] || LOOP=$(weir_loop)
}
share_end() { # WHO
	local after loop=
	after=$(cpu_now)
	[ "$1" != weir ] || loop=$(weir_loop)
	awk -v a="$BEFORE" -v b="$after" -v la="$LOOP" -v lb="$loop" -v idle="$IDLE_TURN" 'BEGIN {
		split(a, x, " "); split(b, y, " ")
		total = y[2] - x[2]
		if (total <= 0) { print 0; exit }
		if (la == "") { print (y[1] - x[1]) / total; exit }
		split(la, u, " "); split(lb, v, " ")
		for (i = 1; i <= 6; i++) d[i] = v[i] - u[i]
		wall = v[5] * d[6]
		if (wall <= 0) { print 0; exit }
		busy = d[2] / wall
		print busy - d[4] * idle / wall + (y[3] - x[3]) / total * (1 - busy)
	}'
}

measure() { # LOAD WHO ROUND
	local load=$1 who=$2 out=$TMP/$1.json rate close=''
	[ "$load" != short ] || close='close: yes'
	gen_load "$who" "$out" "model: closed, users: ${USERS[$load]}" "${SHAPE[$load]}" "$close"
	rate=$(jq '.flat.answers_per_s' "$out")
	case $load in
	short) BEST[$who.$WIRE]=$rate ;;
	bulk_*) rate=$(jq '.flat.answers_per_s * 8 * 1048576 / 1e9' "$out") ;;
	esac
	row "$load" "$who" "$3" "$rate" "$out" "$SHARE"
	say "round $3: $WIRE: $who: $load: $rate" >&2
}

# Latency of short connections that arrive at random, at RATE a second.
latency() { # WHO ROUND RATE
	local out=$TMP/latency.json q
	[ "${3%.*}" -gt 10 ] || return 0
	gen_load "$1" "$out" "model: poisson, rate: ${3%.*}" "${SHAPE[short]}" 'close: yes'
	for q in p50 p99 p999; do
		row "latency_$q" "$1" "$2" "$(jq ".flat.${q}_us" "$out")" "$out" 0
	done
	row latency_rate "$1" "$2" "$(jq '.flat.answers_per_s' "$out")" "$out" "$SHARE"
	row latency_behind "$1" "$2" "$(jq '.flat.behind_schedule' "$out")" "$out" 0
}

half() { awk -v r="$1" 'BEGIN { printf "%d", r / 2 }'; }

round() { # WIRE ROUND WHO...
	local who load
	WIRE=$1
	for who in "${@:3}"; do
		"gen_start_$who"
		[ "$who" != weir ] || IDLE_TURN=$(idle_turn)
		for load in $LOADS; do measure "$load" "$who" "$2"; done
		[ "$who" = ceiling ] || latency "$who" "$2" "$(half "${BEST[$who.$WIRE]:-0}")"
		# The wire alone, at the rate at which the balancer beside it was looked at.
		[ "$who" != ceiling ] || latency ceiling "$2" "$(half "${BEST[weir.$WIRE]:-0}")"
		gen_stop "$who"
	done
}

gen_up
bench_quiet
read -ra wires <<<"${BENCH_WIRES:-memif veth}"
read -ra on_memif <<<"${BENCH_WHO_MEMIF:-weir ceiling}"
read -ra on_veth <<<"${BENCH_WHO:-weir haproxy nginx}"
for ((r = 1; r <= ROUNDS; r++)); do
	for wire in "${wires[@]}"; do
		if [ "$wire" = memif ]; then round memif "$r" "${on_memif[@]}"; else round veth "$r" "${on_veth[@]}"; fi
	done
done
ok "proxy"
