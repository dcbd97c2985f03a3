#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# wrk on keep-alive and on short connections sees no error.
set -euo pipefail
# shellcheck source=tests/support/topo.sh
. "$(dirname -- "$0")/../support/topo.sh"

topo_up
for n in 1 2 3; do backend_start "$n"; done
conf_web
weir_start
wait_for 10 "all backends up" all_up

load() { # NAME ARGS...
	in_client timeout 60 wrk -t1 "${@:2}" >"$TMP/wrk.log" || fail "wrk $1"
	! grep -qE 'Socket errors|Non-2xx' "$TMP/wrk.log" || fail "wrk $1: $(grep -E 'Socket errors|Non-2xx' "$TMP/wrk.log")"
	say "$1: $(grep Requests/sec "$TMP/wrk.log")"
}
load "keep-alive, IPv4" -c64 -d3s "http://$VIP4/"
load "keep-alive, IPv6" -c64 -d3s "http://[$VIP6]/"
load "short connections" -c64 -d3s -H 'Connection: close' "http://$VIP4/"
load "1 MiB answers" -c16 -d3s "http://$VIP4/bytes/1m"
assert_eq "refusals" "$(event_count works_queue_full)" 0
ok "wrk"
