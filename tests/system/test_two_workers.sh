#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Two workers share the connections of a port with one queue, and answers find their way back.
set -euo pipefail
# shellcheck source=tests/support/topo.sh
. "$(dirname -- "$0")/../support/topo.sh"

[ "$(nproc)" -ge 2 ] || { echo "needs two processors"; exit 77; }
topo_up
for n in 1 2 3; do backend_start "$n"; done
conf_web '[0, 1]'
weir_start
wait_for 10 "all backends up" all_up

spread 600 "http://$VIP4/" >"$TMP/spread"
awk '{ n += $2 } END { exit n != 600 || NR != 3 }' "$TMP/spread" || fail "spread: $(tr '\n' ' ' <"$TMP/spread")"
in_client timeout 30 wrk -t1 -c64 -d3s "http://[$VIP6]/" >"$TMP/wrk.log"
! grep -qE 'Socket errors|Non-2xx' "$TMP/wrk.log" || fail "wrk: $(grep -E 'Socket errors|Non-2xx' "$TMP/wrk.log")"
assert_ge "sessions of worker 0" "$(counter sessions_opened 0)" 100
assert_ge "sessions of worker 1" "$(counter sessions_opened 1)" 100
assert_eq "answers on the wrong worker" "$(counter steer_misses)" 0
assert_eq "hand-off overflows" "$(drop_count handoff_full)" 0
ok "two workers: $(grep Requests/sec "$TMP/wrk.log")"
