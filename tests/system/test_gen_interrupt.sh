#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# weir-gen interrupted: SIGINT and SIGTERM in the middle of a run end it with what was measured so far, a second one ends
# the drain too, and whatever ends it, SIGKILL included, nothing is left that keeps the next run from starting.
set -euo pipefail
# shellcheck source=tests/support/gen.sh
. "$(dirname -- "$0")/../support/gen.sh"

gen_up
CONF_SERVICES='' CONF_POOLS=''
conf_service web web "$VIP4:80"
conf_service slow slow "$VIP4:81"
conf_pool web b1=198.18.1.2:80 -- '    health: {type: none}'
conf_pool slow b1=198.18.1.2:81 -- '    health: {type: none}'
gen_weir memif

traffic() { # LISTENER SERVICE-TIME
	cat <<-YAML
		clients:
		  - {name: load, source: [198.19.0.1-198.19.0.200], target: ["$VIP4:$1"], load: {rate: 50}, timeouts: {answer: 60s}}
		backends:
		  - {name: back, listen: ["198.18.1.2:$1"], service: $2}
	YAML
}

# Huge pages, sockets, processes.
left() {
	find /dev/hugepages "/run/dpdk/$GEN_NAME" -name "*map_*" -path "*$GEN_NAME*" 2>/dev/null | wc -l
	in_client ss -H -a -0 -x | wc -l
	ip netns pids "$NS_CLIENT" | wc -l
}

stopped_well() { # NAME SIGNAL
	gen_start "$1"
	wait_for 10 "answers of $1" grep -qE ' load +[0-9]+ +[0-9]+ +[1-9]' "$TMP/$1.log"
	stop "$1" "$2" || fail "weir-gen's exit code after SIG$2 is $?"
	assert_eq "interrupted in the JSON of $1" "$(gen "$1" .run.interrupted)" true
	grep -q 'answers, complete, right' "$TMP/$1.log" || fail "$1: no table"
	assert_ge "answers of $1" "$(gen_client "$1" load answers)" 1
	assert_eq "errors of $1" "$(gen_errors "$1" load)" ""
	assert_eq "answers of $1 at the backend" "$(gen_backend "$1" back answers)" "$(gen_total "$1" load answers)"
	assert_eq "what $1 left" "$(left | tr '\n' ' ')" "0 0 0 "
}

traffic 80 1ms | gen_conf int 'duration: 60s, interval: 200ms'
stopped_well int INT
grep -q '^! interrupted .* of 60.* planned' "$TMP/int.log" || fail "the table does not say that it was interrupted"
traffic 80 1ms | gen_conf term 'duration: forever, interval: 200ms' # the way to end such a run
stopped_well term TERM

# In the warm-up nothing was measured, which is said.
traffic 80 1ms | gen_conf warm 'duration: 60s, interval: 200ms'
sed -i 's/warmup: 0s/warmup: 60s/' "$TMP/warm.yaml"
gen_start warm
stop warm INT || fail "weir-gen's exit code after SIGINT in its warm-up is $?"
grep -q '^! nothing was measured' "$TMP/warm.log" || fail "the table does not say that nothing was measured"

# Answers that take 60 s would be waited for as long as runtime.drain says: a second signal ends that.
traffic 81 60s | gen_conf twice 'duration: 60s, interval: 200ms'
sed -i 's/drain: 5s/drain: 50s/' "$TMP/twice.yaml"
gen_start twice
wait_for 10 "requests under way" grep -qE ' load +[0-9]+ +[1-9]' "$TMP/twice.log"
kill -INT "${PID[twice]}"
wait_for 10 "the drain" grep -q '(drain)' "$TMP/twice.log"
alive twice || fail "weir-gen did not drain"
begun=$SECONDS
stop twice INT || fail "weir-gen's exit code after a second SIGINT is $?"
[ $((SECONDS - begun)) -le 5 ] || fail "a second SIGINT took $((SECONDS - begun)) s"
assert_eq "interrupted in the JSON of twice" "$(gen twice .run.interrupted)" true
assert_eq "answers to what takes 60 s" "$(gen_client twice load answers)" 0
assert_ge "requests that were cut off" "$(gen twice '.clients[0].errors.answer_timeout')" 1
assert_eq "what twice left" "$(left | tr '\n' ' ')" "0 0 0 "

# Killed as memif's client, and run again at once.
traffic 80 1ms | gen_conf killed 'duration: 60s, interval: 200ms'
gen_start killed
stop killed KILL || :
assert_eq "what killed left" "$(left | tr '\n' ' ')" "0 0 0 "
traffic 80 1ms | gen_conf after 'duration: 500ms, interval: 200ms'
gen_run after
assert_eq "errors after SIGKILL" "$(gen_errors after load)" ""
assert_ge "answers after SIGKILL" "$(gen_client after load answers)" 1
weir_finish
unset "PID[weir]"

# Killed as memif's server, which leaves its socket behind: the next one takes the same name. Each of the two ports of
# one weir-gen is the other's peer.
GEN_PORTS=$(
	cat <<-YAML
		ports:
		  - {name: a, device: "$(gen_memif server 0 self)", addresses: [198.18.0.254/24]}
		  - {name: b, device: "$(gen_memif client 1 self)", addresses: [198.18.0.1/24]}
	YAML
)
itself() {
	cat <<-YAML
		clients:
		  - {name: load, port: a, target: ["198.18.0.1:80"], load: {rate: 50}}
		backends:
		  - {name: back, port: b, listen: ["198.18.0.1:80"]}
	YAML
}
itself | gen_conf self 'duration: 60s, interval: 200ms'
gen_start self
stop self KILL || :
itself | gen_conf self2 'duration: 500ms, interval: 200ms'
gen_run self2
assert_ge "answers beside the socket of a killed one" "$(gen_client self2 load answers)" 1
assert_eq "errors beside the socket of a killed one" "$(gen_errors self2 load)" ""

# While it waits for an answer to ARP that never comes.
GEN_PORTS='ports: [{name: wan, device: "net_af_packet0,iface=c0", addresses: [198.18.0.254/24]}]'
gen_conf asking <<<'clients: [{name: load, target: ["198.18.0.77:80"], load: {rate: 50}}]'
spawn asking in_client "$GEN_BIN" -c "$TMP/asking.yaml"
asks() { grep -qs eal-intr "/proc/${PID[asking]}/task/"*/comm; } # DPDK is up: it asks, or is about to
wait_for 10 "the start" asks
begun=$SECONDS code=0
stop asking INT || code=$?
assert_eq "exit code of a run that was interrupted before it began" "$code" 1
[ $((SECONDS - begun)) -le 4 ] || fail "SIGINT while it asks took $((SECONDS - begun)) s"
grep -q '^weir-gen: interrupted .* 198.18.0.77' "$TMP/asking.log" || fail "it does not say what it was waiting for"
ok "interrupted, interrupted twice, killed"
