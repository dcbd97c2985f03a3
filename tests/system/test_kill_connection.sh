#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# An operator ends one connection by its id: both its sides are reset, the others go on.
set -euo pipefail
# shellcheck source=tests/support/topo.sh
. "$(dirname -- "$0")/../support/topo.sh"

topo_up
backend_start 1
conf_begin
conf_service web web "$VIP4:80" "[$VIP6]:80"
conf_pool web b1=198.18.1.2:80 -- "$HEALTH_FAST"
conf_write
weir_start
wait_for 10 "the backend up" all_up

spawn victim in_client timeout 60 curl -s --limit-rate 2M -o /dev/null "http://$VIP4/bytes/16m"
spawn other in_client timeout 60 curl -s --limit-rate 8M -o "$TMP/16m" "http://[$VIP6]/bytes/16m"
two() { [ "$(tel /weir/conns | jq length)" = 2 ]; }
wait_for 10 "two connections" two
id=$(tel /weir/conns | jq -r '.[] | select(.client | startswith("198.18.0.2:")) | .id')

refused conn "kill=0.99999999" || fail "an id that does not exist was not refused"
refused conn "$id" || fail "an id without the verb was not refused"
act conn "kill=$id"
wait_for 5 "the victim's end" gone victim
code=0
wait "${PID[victim]}" || code=$?
unset 'PID[victim]'
assert_eq "curl's exit code of the victim" "$code" 56
wait_event 5 conn_killed
wait_for 30 "the other download" gone other
wait "${PID[other]}" || fail "the other download broke off"
unset 'PID[other]'
cmp "$TMP/16m" "$TMP/www/bytes/16m" || fail "the other download arrived changed"
ok "connection $id ended, the other went on"
