#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Tiers: while half of the first one is dead its share goes to the second and comes back after the hold; when all backends are
# gone a backup pool serves until they return; then nothing serves. Clients lose no more than what was in flight.
set -euo pipefail
# shellcheck source=tests/support/topo.sh
. "$(dirname -- "$0")/../support/topo.sh"

topo_up
for n in 1 2 3 4; do backend_start "$n"; done
conf_begin
conf_service web web "$VIP4:80" "[$VIP6]:80"
conf_service other other "$VIP4:81"
EXTRA="    slow_start: 'off'
    breaker: {enabled: no}
    health: {type: tcp, interval: 100ms, timeout: 300ms, rise: 2, fall: 2}"
conf_pool web b1=198.18.1.2:80 b2=198.18.1.3:80 b3=198.18.1.4:80 -- "    spill: {below: 100, hold: 1s}
    backup: spare
$EXTRA"
CONF_POOLS=${CONF_POOLS/'{name: b3, '/'{name: b3, priority: 1, '}
conf_pool spare b4=198.18.1.5:80 -- "$EXTRA"
conf_pool other b3=198.18.1.4:80 -- "$EXTRA"
conf_write
weir_start
wait_for 10 "all backends up" all_up

CONNS=16
load_start() { spawn load in_client timeout 60 wrk -t1 -c"$CONNS" -d50s --timeout 20s -H 'Connection: close' "http://$VIP4/"; }
load_stop() { # MOST that may be lost
	local lost
	stop load INT || :
	lost=$(sed -n 's/.*Socket errors: connect \([0-9]*\), read \([0-9]*\), write \([0-9]*\), timeout \([0-9]*\).*/\1 \2 \3 \4/p' "$TMP/load.log" |
		awk '{ n = $1 + $2 + $3 + $4 } END { print n + 0 }')
	[ "$lost" -le "$1" ] || fail "clients lost $lost, at most $1 were in flight: $(tail -n 6 "$TMP/load.log")"
	say "clients lost $lost of $(sed -n 's/^ *\([0-9]*\) requests in.*/\1/p' "$TMP/load.log") requests"
}
picks() { tel /weir/backends | jq -r "[.[] | select(.pool == \"$1\" and .name == \"$2\") | .sessions_total][0]"; }
more_than() { [ "$(picks "$1" "$2")" -gt "$3" ]; }
serves() { # POOL BACKEND: takes new sessions now
	local at
	at=$(picks "$1" "$2")
	wait_for 10 "$1/$2 to serve" more_than "$1" "$2" $((at + 20))
}
# who COUNT: who answers so many requests, "b1 10 b2 12 "
who() { spread "$1" "http://$VIP4/" | tr '\n' ' '; }
die() { stop "b$1" KILL || :; }
event_ids() { tel /weir/events "kind=$1" | jq -r '[.[].id] | max // 0'; }
# told KIND SINCE REGEX: an event with these words.
told() { wait_event 10 "$1" ".id > $2 and (.text + (.text_2 // \"\") + (.text_3 // \"\") | test(\"$3\"))"; }

load_start
serves web b1
serves web b2
assert_eq "sessions at the second tier" "$(picks web b3)" 0

# Half of the first tier is gone: half of the sessions spill.
die 1
wait_for 5 "b1 down" backend_is web b1 down
told pool_spill 0 'tier 0 to tier 1.*tier 0 has 50 %.*2 of 3 backends well'
serves web b3
who 200 >"$TMP/half"
# 100 of 200 each; 6 sigma is 42.
awk '{ exit !($1 == "b2" && $2 >= 58 && $2 <= 142 && $3 == "b3" && $4 == 200 - $2 && NF == 4) }' "$TMP/half" || fail "who serves: $(<"$TMP/half")"
backend_start 1
at=$EPOCHREALTIME
wait_for 5 "b1 up" backend_is web b1 up
told pool_return 0 'tier 1 to tier 0.*tier 0 has 100 %.*3 of 3'
# Two checks at 100 ms, then the hold.
awk -v a="$at" -v b="$EPOCHREALTIME" 'BEGIN { exit !(b - a >= 1) }' || fail "back before the hold of 1 s"
at=$(picks web b3)
serves web b1
[ "$(picks web b3)" -le $((at + CONNS)) ] || fail "the second tier still serves"
load_stop "$CONNS"

# The whole first tier, then the second: the backup pool.
at=$(event_ids pool_spill)
load_start
serves web b2
die 1
die 2
wait_for 5 "b2 down" backend_is web b2 down
wait_for 5 "b1 down" backend_is web b1 down
told pool_spill "$at" 'tier 0 has 0 %.*1 of 3'
serves web b3
assert_eq "who serves" "$(who 30)" "b3 30 "
load_stop $((3 * CONNS))
# Until a check says so, the last one is as good as any: nobody loses more than that time.
at=$(event_ids pool_spill)
die 3
wait_for 5 "b3 down" backend_is web b3 down
told pool_spill "$at" 'pool web to pool spare: all new sessions; 0 of 3'
told pool_empty 0 b3
load_start
serves spare b4
assert_eq "who serves" "$(who 30)" "b4 30 "
# The other pool with that backend has no backup: told at once.
code=0
get -o /dev/null "http://$VIP4:81/" 2>/dev/null || code=$?
refused_by_curl "$code" || fail "curl at a pool without backends: $code"
event_seen pool_empty '.scope == "other" or (.scope | contains("other"))' || fail "pool_empty of pool other: $(event_lines pool_empty)"
at=$(event_ids pool_return)
backend_start 3
wait_for 5 "b3 up" backend_is web b3 up
told pool_return "$at" 'pool spare to pool web: all new sessions; 1 of 3'
serves web b3
backend_start 1
backend_start 2
wait_for 5 "all up" all_up
told pool_return "$at" 'tier 0 has 100 %.*3 of 3'
serves web b1
at=$(picks spare b4)
serves web b2
[ "$(picks spare b4)" -le $((at + CONNS)) ] || fail "the backup pool still serves"
load_stop 0

# All that was told, in order.
event_lines 'pool_.*' | tee "$TMP/told.log" | head -n 20
[ "$(wc -l <"$TMP/told.log")" -le 24 ] || fail "a storm of events"
ok "spilled, returned, backed up"
