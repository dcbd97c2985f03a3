#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Backends of weir-gen with 2 places and a queue of 4, asked by more at once: each request is answered or told that the
# queue is full, through Weir, in every way of telling it, and both ends count the same.
set -euo pipefail
# shellcheck source=tests/support/gen.sh
. "$(dirname -- "$0")/../support/gen.sh"

gen_up
CONF_SERVICES='' CONF_POOLS=''
port=80
for kind in answer http close reset again; do
	conf_service "$kind" "$kind" "$VIP4:$port" "[$VIP6]:$port"
	conf_pool "$kind" "b1=198.18.1.2:$port" -- '    health: {type: none}'
	port=$((port + 1))
done
gen_weir memif

LIMIT='concurrency: 2, queue: 4, service: 20ms'
# Two bursts of 40 at once, far apart: of each 6 find room at least, and more as places become free.
LOAD='load: {model: burst, burst: 40, rate: 27}'
gen_conf full 'duration: 2500ms' <<-YAML
	clients:
	  - {name: answer, source: [198.19.0.1-198.19.0.200], target: ["$VIP4:80"], $LOAD}
	  - {name: http, source: ["2001:db8::1000-2001:db8::10ff"], target: ["[$VIP6]:81"], protocol: http, $LOAD, shape: {requests: 2}}
	  - {name: close, source: ["2001:db8::1000-2001:db8::10ff"], target: ["[$VIP6]:82"], $LOAD}
	  - {name: reset, source: [198.19.0.1-198.19.0.200], target: ["$VIP4:83"], $LOAD}
	  - {name: again, source: [198.19.0.1-198.19.0.200], target: ["$VIP4:84"], $LOAD, retries: 200, retry_delay: {kind: uniform, mean: 50ms}}
	backends:
	  - {name: answer, listen: ["198.18.1.2:80"], $LIMIT}
	  - {name: http, protocol: http, listen: ["198.18.1.2:81"], $LIMIT}
	  - {name: close, listen: ["198.18.1.2:82"], $LIMIT, on_full: close}
	  - {name: reset, listen: ["198.18.1.2:83"], $LIMIT, on_full: reset}
	  - {name: again, listen: ["198.18.1.2:84"], $LIMIT}
YAML
gen_run full

expect() { # POPULATION REQUESTS KIND-OF-ERROR: the same number of errors, and nothing else, at both ends
	local full answers
	full=$(gen_backend full "$1" queue_full)
	answers=$(gen_client full "$1" answers)
	assert_eq "requests of $1" "$(gen_client full "$1" intended)" "$2"
	assert_eq "errors of $1" "$(gen_errors full "$1")" "$3 $full"
	assert_eq "answers of $1" "$answers" $(($2 - full))
	assert_eq "good of $1" "$(gen_client full "$1" good)" "$answers"
	assert_eq "answers of backend $1" "$(gen_backend full "$1" answers)" "$answers"
	assert_eq "requests at backend $1" "$(gen_backend full "$1" requests)" "$2"
	assert_ge "answers of $1 (two bursts, each finds room for 6)" "$answers" 12
	assert_ge "refusals of $1" "$full" 1
	assert_eq "the longest queue of $1" "$(gen_backend full "$1" queue_peak)" 4
}
expect answer 80 queue_full
expect http 160 queue_full
expect close 80 closed_early
expect reset 80 reset

# Who tries again gets an answer in the end; each try that was refused is counted at both ends.
assert_eq "answers of again" "$(gen_client full again answers)" 80
assert_eq "errors of again" "$(gen_errors full again)" ""
assert_eq "tries of again that failed" "$(gen full .flat.client_again_attempts_failed)" "$(gen_backend full again queue_full)"
assert_eq "retries of again" "$(gen full .flat.client_again_retries)" "$(gen_backend full again queue_full)"
wait_for 10 "all sessions of Weir to end" no_sessions
ok "queue_full is the same at both ends: $(gen full '[.backends[] | "\(.name) \(.queue_full)"] | join(", ")')"
