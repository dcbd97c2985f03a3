#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Overload: what refusing costs, and what is served of 0.5 to 10 times the capacity. Capacity is that of the backends (24
# places of 4 ms), with HAProxy beside Weir, or that of Weir's core. BENCH_OVERLOAD_PARTS chooses of:
#   ops refusal backend nginx core step priority flood p0
# Records go to $BENCH_OUT as JSON; report_overload.py makes tables of them.
set -euo pipefail
# shellcheck source=tests/bench/overload.sh
. "$(dirname -- "$0")/overload.sh"

read -ra PARTS <<<"${BENCH_OVERLOAD_PARTS:-ops refusal backend nginx core step priority flood p0}"
read -ra SWEEP <<<"${BENCH_OVERLOAD_SWEEP:-0.7 0.5 1 2 5 10}" # 0.7 first: it gives the objective
SHORT='requests: 1, request: 64, answer: 64, close: server'
KEPT='requests: 8, request: 64, answer: 64, close: client'
SPOOFED=198.19.128.0-198.19.255.255
CORE= # connections of KEPT a second that Weir's core can do

# ---- refusal: r of each measure ---------------------------------------------------------------------

# By instructions: the same in every run, but without the port's driver and the caches.
part_ops() (
	# shellcheck source=scripts/common.sh
	. scripts/common.sh
	local program names
	[ "$ROUND" = 1 ] || return 0
	scripts/build release tests/bench/ops || fail "tests/bench/ops does not build"
	program=$(build_dir release)/tests/bench/ops
	names=$(grep -o '{"\(syn\|short\|keepalive_64\|pending\)[a-z0-9_]*_v4"' tests/bench/ops.c | tr -d '{"')
	# shellcheck disable=SC2086
	"$PYTHON" tests/bench/ops_count.py "$program" $names | awk '/ instructions, / { gsub(",", ""); printf "overload\t{\"part\": \"ops\", \"name\": \"%s\", \"instructions\": %s}\n", $1, $2 }' >>"$BENCH_OUT"
)

# cost MEASURE PRESSURE BACKEND: a run whose record says what a unit costs; DOOR and the rest are set.
cost() {
	over_weir "$2"
	over_run weir "$3" part=refusal "measure=$1"
	over_stop weir
}
flood() { # PPS|max [TARGET [MAC]]
	local rate=", rate_pps: $1"
	[ "$1" != max ] || rate=
	FLOOD="name: syns, port: wan, kind: tcp, flags: [syn], source: \"$SPOOFED\", source_ports: 1024-65535, target: ${2:-$VIP4}, target_ports: 80, walk: random$rate${3:+, target_mac: \"$3\"}"
}

part_refusal() {
	local pps=500000
	WIRE=memif
	population load 'model: closed, users: 256' "$SHORT"
	cost served_short no "$FREE, close: yes"
	population load 'model: closed, users: 256' "$KEPT"
	cost served_kept no "$FREE"
	DOOR=', refuse: reset, limits: {rate: 1}' PRESSED=', resets: 100M'
	flood "$pps" && cost reset yes "$FREE"
	DOOR=', refuse: drop, limits: {rate: 1}'
	flood "$pps" && cost drop yes "$FREE"
	EXTRA_RUNTIME='  tcp: {syn_cookies: always}'
	flood "$pps" && cost cookie no "$FREE"
	flood max && cost flood yes "$FREE"
	# One place that is never free again: all wait for as long as allowed, then are told no.
	DOOR=', wait: {sessions: 20000, time: 50ms}' ROOM=', max_connections: 1'
	population load 'model: poisson, rate: 20000' "$SHORT"
	cost pending_timeout no 'service: 100s'
}

# ---- sweeps -----------------------------------------------------------------------------------------

# sweep PART SET WHO BACKEND RATE SHAPE [POINTS...]: SET off is Weir without pressure; KEEP_OBJECTIVE keeps that of before.
KEEP_OBJECTIVE=
OBJECTIVE_LEAST_US=0
sweep() {
	local x first=1
	local -a note
	[ -n "$KEEP_OBJECTIVE" ] || OBJECTIVE_US=60000000
	for x in "${@:7}"; do
		note=("part=$1" "set=$2" "x=$x" "capacity=$5")
		[ -n "$KEEP_OBJECTIVE$first" ] || note+=("objective_us=$OBJECTIVE_US")
		[ -z "$KEEP_OBJECTIVE" ] || note+=("objective_us=$OBJECTIVE_US")
		[ -n "$KEEP_OBJECTIVE" ] || [ -z "$first" ] || note+=(calibrates=1 "least_us=$OBJECTIVE_LEAST_US")
		population load "model: poisson, rate: $(times "$x" "$5")" "$6" '' ", protocol: ${PROTOCOL:-raw}, timeouts: {connect: $PATIENCE, answer: 10s}"
		[ "$3" != weir ] || [ -n "$first" ] || over_again
		over_run "$3" "$4" "${note[@]}"
		[ -n "$KEEP_OBJECTIVE" ] || [ -z "$first" ] || OBJECTIVE_US=$(over_field .objective_us)
		first=
	done
}

limited() { DOOR=${LIMITED[service]} ROOM=${LIMITED[backend]}; }

part_backend() {
	local servers="$SERVERS, close: yes" some=("${SWEEP[@]}")
	for WIRE in memif veth; do
		limited && over_weir no
		# On one wire the whole curve without pressure is drawn; on the other its peak is enough.
		[ "$WIRE" = memif ] || some=(0.7 1 2)
		KEEP_OBJECTIVE='' sweep backend off weir "$servers" "$CAPACITY" "$SHORT" "${some[@]}"
		over_stop weir
		limited && over_weir yes
		KEEP_OBJECTIVE=1 sweep backend on weir "$servers" "$CAPACITY" "$SHORT" "${SWEEP[@]}"
		over_stop weir
	done
	# Waits as long as Weir's default, and as short as Weir's target here.
	over_haproxy 1s 128
	KEEP_OBJECTIVE=1 sweep backend on haproxy "$servers" "$CAPACITY" "$SHORT" "${SWEEP[@]}"
	over_stop haproxy
	over_haproxy ${TARGET_MS}ms "$PLACES"
	KEEP_OBJECTIVE=1 sweep backend tight haproxy "$servers" "$CAPACITY" "$SHORT" 1 2 10
	over_stop haproxy
}

part_nginx() {
	local x
	WIRE=veth
	over_backend_nginx
	limited && over_weir no
	PROTOCOL=http KEEP_OBJECTIVE='' sweep nginx off weir none "$CAPACITY" 'requests: 1' 0.7 1 2
	over_stop weir
	limited && over_weir yes
	PROTOCOL=http KEEP_OBJECTIVE=1 sweep nginx on weir none "$CAPACITY" 'requests: 1' 0.7 1 2 10
	over_stop weir
	over_backend_stop
}

# core_capacity: CORE, by a closed population; Weir runs without pressure.
core_capacity() {
	OBJECTIVE_US=60000000
	population load 'model: closed, users: 256' "$KEPT"
	over_run weir "$FREE" part=core set=capacity x=0
	CORE=$(over_field '.clients.load.answers_per_s / 8 | floor')
}

part_core() {
	WIRE=memif PATIENCE=1500ms # time for one SYN more
	over_weir no
	core_capacity
	# A request waits in receive queues up to four times (SYN, request, the backend's SYN-ACK, answer), and twice that is
	# what can be asked at the least while admission holds each wait at its target.
	OBJECTIVE_LEAST_US=$((8 * CORE_TARGET_US))
	KEEP_OBJECTIVE='' sweep core off weir "$FREE" "$CORE" "$KEPT" "${SWEEP[@]}"
	OBJECTIVE_LEAST_US=0
	over_stop weir
	over_weir_core
	KEEP_OBJECTIVE=1 sweep core on weir "$FREE" "$CORE" "$KEPT" "${SWEEP[@]}"
	over_stop weir
	PATIENCE=3s
}
over_weir_core() { PRESSED=", target: ${CORE_TARGET_US}us" && over_weir yes; }
core_known() {
	[ -z "$CORE" ] || return 0
	over_weir no
	core_capacity
	over_stop weir
}

# ---- in time ----------------------------------------------------------------------------------------

# steps WHICH BACKEND CAPACITY SHAPE TARGET_US: Weir runs.
steps() {
	local span=$((DURATION > 2 ? DURATION : 2)) low high top
	low=$(times 0.7 "$3") high=$(times 1.4 "$3") top=$(times 3 "$3")
	OBJECTIVE_US=60000000
	WARMUP=0s RUN=$((3 * span))s WATCH_MS=10 GEN_RUNTIME=', interval: 100ms'
	population load "model: step, rate: $low, rate_to: $high, period: ${span}s" "$4"
	over_run weir "$2" part=step "what=$1" "capacity=$3" "span=$span" "target_us=$5" series=1
	over_again
	RUN=$((2 * span))s GEN_RUNTIME=', interval: 100ms'
	population load "model: ramp, rate: $(times 0.1 "$3"), rate_to: $top, period: $((2 * span))s" "$4"
	over_run weir "$2" part=ramp "what=$1" dir=up "capacity=$3" "span=$span" series=1
	over_again
	RUN=$((2 * span))s GEN_RUNTIME=', interval: 100ms'
	population load "model: ramp, rate: $top, rate_to: $(times 0.1 "$3"), period: $((2 * span))s" "$4"
	over_run weir "$2" part=ramp "what=$1" dir=down "capacity=$3" "span=$span" series=1
	over_again
	# What 2x settles to: its first second is the way there.
	WARMUP=1s RUN=$((2 * span))s
	population load "model: poisson, rate: $(times 2 "$3")" "$4"
	over_run weir "$2" part=steady "what=$1" "capacity=$3" series=1
	over_again
	# From 50 to 100 ms after the start.
	WARMUP=0s RUN=1s
	population load "model: step, rate: $(times 0.6 "$3"), rate_to: $top, period: 50ms" "$4"
	over_run weir "$2" part=burst "what=$1" "capacity=$3" series=1
	WARMUP=${BENCH_OVERLOAD_WARMUP:-500ms}
}

part_step() {
	WIRE=memif
	limited && over_weir yes
	steps backend "$SERVERS, close: yes" "$CAPACITY" "$SHORT" $((TARGET_MS * 1000))
	over_stop weir
	core_known
	over_weir_core
	steps core "$FREE" "$CORE" "$KEPT" "$CORE_TARGET_US"
	over_stop weir
}

# ---- who is served ----------------------------------------------------------------------------------

part_priority() {
	WIRE=memif
	OBJECTIVE_US=60000000
	limited
	DOOR+=', sources: [{from: 198.19.0.0/21, class: 0}, {from: 198.19.8.0/21, class: 7}]'
	over_weir yes
	population first "model: poisson, rate: $(times 0.5 "$CAPACITY")" "$SHORT" 198.19.0.1-198.19.7.254
	population last "model: poisson, rate: $(times 10 "$CAPACITY")" "$SHORT" 198.19.8.1-198.19.15.254
	over_run weir "$SERVERS, close: yes" part=priority "capacity=$CAPACITY"
	over_stop weir
}

part_flood() {
	local to mac
	WIRE=memif
	OBJECTIVE_US=60000000
	core_known
	over_weir_core
	mac=$(tel /weir/ports | jq -r '.[] | select(.name == "wan") | .mac')
	for to in none dead service; do
		population load 'model: closed, users: 64' 'requests: 1000000, request: 64, answer: 64, close: client'
		case $to in
		dead) flood $((10 * CORE)) 198.18.0.200 "$mac" ;;
		service) flood $((10 * CORE)) ;;
		esac
		over_run weir "$FREE" part=flood "to=$to" "capacity=$CORE"
	done
	over_stop weir
}

part_p0() {
	local on rate=0
	WIRE=memif
	OBJECTIVE_US=60000000
	for on in no yes; do
		over_weir "$on"
		population load 'model: closed, users: 256' "$SHORT"
		over_run weir "$FREE, close: yes" part=p0 "enabled=$on" load=full
		[ "$rate" -gt 0 ] || rate=$(over_field '.clients.load.answers_per_s / 2 | floor')
		population load "model: poisson, rate: $rate" "$SHORT"
		over_run weir "$FREE, close: yes" part=p0 "enabled=$on" load=half
		over_stop weir
	done
}

cd -- "$TREE"
gen_up
bench_quiet
for ((ROUND = 1; ROUND <= ROUNDS; ROUND++)); do
	for part in "${PARTS[@]}"; do
		declare -F "part_$part" >/dev/null || fail "unknown part '$part' in BENCH_OVERLOAD_PARTS"
		"part_$part"
	done
done
ok "overload"
