#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# weir-gen on both sides of Weir over memif: short connections and keep-alive, raw and HTTP, both families. Every byte
# is verified, and what clients, backends and Weir count is the same.
set -euo pipefail
# shellcheck source=tests/support/gen.sh
. "$(dirname -- "$0")/../support/gen.sh"

gen_up
CONF_SERVICES='' CONF_POOLS=''
conf_service raw raw "$VIP4:80" "[$VIP6]:80"
conf_service web web "$VIP4:8080" "[$VIP6]:8080"
conf_pool raw r1=198.18.1.2:80 r2=198.18.1.3:80 "r3=[2001:db8:1::2]:80" -- '    health: {type: none}'
conf_pool web w1=198.18.1.2:8080 "w2=[2001:db8:1::2]:8080" -- '    health: {type: none}'
gen_weir memif

# Bursts far apart: a known number of connections, whatever the machine does.
gen_conf memif 'duration: 3s' <<-YAML
	clients:
	  - {name: short4, source: [198.19.0.1-198.19.0.200], target: ["$VIP4:80"], load: {model: burst, burst: 600, rate: 10}, shape: {request: 64, answer: 64}}
	  - {name: short6, source: ["2001:db8::1000-2001:db8::10ff"], target: ["[$VIP6]:80"], load: {model: burst, burst: 600, rate: 10}, shape: {request: 200, answer: 3000, close: half}}
	  - {name: keep4, source: [198.18.0.10-198.18.0.99], target: ["$VIP4:80"], load: {model: burst, burst: 50, rate: 1}, shape: {requests: 40, request: 2000, answer: 20KiB}}
	  - {name: keep6, source: ["2001:db8::2000-2001:db8::20ff"], target: ["[$VIP6]:80"], load: {model: burst, burst: 50, rate: 1}, shape: {requests: 40, answer: 1KiB, close: reset}}
	  - {name: http4, source: [198.19.1.1-198.19.1.200], target: ["$VIP4:8080"], protocol: http, load: {model: burst, burst: 100, rate: 1}, shape: {requests: 5, request: 500, answer: 5000, close: server}}
	  - {name: http6, source: ["2001:db8::3000-2001:db8::30ff"], target: ["[$VIP6]:8080"], protocol: http, load: {model: burst, burst: 100, rate: 1}, shape: {requests: 5, pause: {kind: exponential, mean: 2ms}}}
	  - {name: big, source: ["2001:db8::4000"], target: ["[$VIP6]:80"], load: {model: burst, burst: 2, rate: 1}, shape: {request: 4MiB, answer: 16MiB}}
	backends:
	  - {name: raw, listen: ["198.18.1.2:80", "198.18.1.3:80", "[2001:db8:1::2]:80"]}
	  - {name: web, protocol: http, listen: ["198.18.1.2:8080", "[2001:db8:1::2]:8080"], service: {kind: exponential, mean: 200us}, answer: 2KiB}
YAML
gen_run memif

expect() { # POPULATION REQUESTS CONNECTIONS
	assert_eq "intended of $1" "$(gen_client memif "$1" intended)" "$2"
	assert_eq "answers of $1" "$(gen_client memif "$1" answers)" "$2"
	assert_eq "answers of $1 in the series" "$(gen_total memif "$1" answers)" "$2"
	assert_eq "connections of $1" "$(gen_total memif "$1" connections)" "$3"
	assert_eq "errors of $1" "$(gen_errors memif "$1")" ""
}
expect short4 600 600
expect short6 600 600
expect keep4 2000 50
expect keep6 2000 50
expect http4 500 100
expect http6 500 100
expect big 4 4
for n in answers requests; do
	assert_eq "$n of the raw backend" "$(gen_backend memif raw "$n")" 5204
	assert_eq "$n of the HTTP backend" "$(gen_backend memif web "$n")" 1000
done
assert_eq "connections of the raw backend" "$(gen_backend memif raw accepted)" 1304
assert_eq "connections of the HTTP backend" "$(gen_backend memif web accepted)" 200
assert_eq "resets at the raw backend" "$(gen_backend memif raw resets)" 50 # those of keep6, passed on
assert_eq "wrong bytes at backends" "$(gen memif '[.backends[].wrong_bytes] | add')" 0
assert_eq "early closes at backends" "$(gen memif '[.backends[].early_closes] | add')" 0
assert_eq "bytes down" "$(gen memif .flat.bytes_down)" "$(gen memif '[.backends[].bytes_out] | add')"
assert_eq "bytes up" "$(gen memif .flat.bytes_up)" "$(gen memif '[.backends[].bytes_in] | add')"
assert_eq "frames lost at ports" "$(gen memif .flat.frames_lost)" 0
assert_eq "Weir's sessions" "$(counter sessions_opened)" 1504
wait_for 10 "all sessions of Weir to end" no_sessions
ok "7 populations over memif, 6,204 answers right"
