#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Each fault of weir-gen's backends on a schedule, seen by clients through Weir: the errors are of the expected kind,
# they are there while the fault is, and they are over when it is.
set -euo pipefail
# shellcheck source=tests/support/gen.sh
. "$(dirname -- "$0")/../support/gen.sh"

gen_up
CONF_SERVICES='' CONF_POOLS=''
KINDS='refuse reset blackhole slow_accept stall garbage flap'
port=80 clients='' backends=''
LOAD='load: {rate: 40}, timeouts: {connect: 400ms, answer: 400ms}'
for kind in $KINDS; do
	conf_service "$kind" "$kind" "$VIP4:$port" "[$VIP6]:$port" -- '    timeouts: {connect: 1s}'
	conf_pool "$kind" "b1=198.18.1.2:$port" -- '    health: {type: none}'
	delay=''
	[[ $kind != slow_accept ]] || delay=', delay: 150ms'
	[[ $kind != flap ]] || delay=', delay: 250ms'
	source=198.19.0.$port target=$VIP4:$port
	[[ $kind != stall && $kind != reset ]] || { source=2001:db8::$port; target="[$VIP6]:$port"; }
	clients+="  - {name: $kind, source: [\"$source\"], target: [\"$target\"], $LOAD}"$'\n'
	backends+="  - {name: $kind, listen: [\"198.18.1.2:$port\"], faults: [{kind: $kind, at: 1s, for: 1s$delay}]}"$'\n'
	port=$((port + 1))
done
gen_weir memif
gen_conf faults 'duration: 4s, interval: 250ms' <<YAML
clients:
$clients
backends:
$backends
YAML
gen_run faults

# Rows of the series that end in (FROM, TO] seconds: rows POPULATION KEY FROM TO
rows() {
	jq -r --arg n "$1" --arg k "$2_per_s" --argjson from "$3" --argjson to "$4" \
		'[.series[] | select(.name == $n and .kind == "client" and .at_s > $from and .at_s <= $to) | .[$k] * .span_s] | add // 0 | round' "$TMP/faults.json"
}

expect() { # KIND [KIND-OF-ERROR]
	local errors intended answers n
	errors=$(gen_errors faults "$1")
	intended=$(gen_client faults "$1" intended)
	answers=$(gen_client faults "$1" answers)
	n=${errors#* }
	assert_eq "kind of errors of $1" "${errors%% *}" "${2:-}"
	assert_eq "errors of $1" "${n:-0}" $((intended - answers))
	assert_eq "errors of $1 before the fault" "$(rows "$1" errors 0 0.99)" 0
	assert_eq "errors of $1 after the fault" "$(rows "$1" errors 2.8 4.2)" 0
	assert_ge "answers of $1 before the fault" "$(rows "$1" answers 0 0.99)" 1
	assert_ge "answers of $1 after the fault" "$(rows "$1" answers 2.8 4.2)" 1
	assert_ge "connections that the fault $1 struck" "$(gen_backend faults "$1" faults_struck)" 1
	[ -z "${2:-}" ] || assert_ge "errors of $1" "$n" 1
}
# A client of Weir has its connection before Weir has one to the backend: what is refused there is a reset here.
expect refuse reset
expect reset reset
expect blackhole answer_timeout
expect slow_accept
expect stall answer_timeout
expect garbage wrong_bytes
expect flap reset

slowest=$(jq -r '.clients[] | select(.name == "slow_accept") | .answer.max_us | floor' "$TMP/faults.json")
assert_ge "the slowest answer behind a slow accept, in us" "$slowest" 150000
# A flap serves every other 250 ms: less than all that came in the second of the fault can have failed.
assert_ge "answers of flap beyond those of refuse" "$(gen_client faults flap answers)" $(($(gen_client faults refuse answers) + 1))
grep -q '^! garbage: .* answers were not what was asked for' "$TMP/faults.log" || fail "no verdict on the wrong answers"
wait_for 10 "all sessions of Weir to end" no_sessions
ok "$KINDS: struck $(gen faults '[.backends[].faults_struck] | add'), recovered"
