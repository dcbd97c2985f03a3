#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# A backend fails in every way that servers do, under load: killed, stopped, black-holed, resetting, talking garbage,
# too slow, flapping. It is taken out in time, clients lose no more than what was in flight there, and it comes back.
set -euo pipefail
# shellcheck source=tests/support/topo.sh
. "$(dirname -- "$0")/../support/topo.sh"

topo_up
for n in 1 2 3; do backend_start "$n"; done
conf_begin
conf_service web web "$VIP4:80" "[$VIP6]:80"
conf_pool web b1=198.18.1.2:80 b2=198.18.1.3:80 b3=198.18.1.4:80 -- "    slow_start: 500ms
    breaker: {silence: 1s, silence_sessions: 1, open: 1s, open_max: 2s}
    health: {type: tcp, interval: 200ms, timeout: 400ms, rise: 2, fall: 2}"
conf_service checked checked "$VIP4:81"
conf_pool checked b1=198.18.1.2:80 b2=198.18.1.3:80 b3=198.18.1.4:80 -- "    slow_start: 'off'
    breaker: {enabled: no}
    health: {type: http, interval: 100ms, timeout: 500ms, rise: 2, fall: 2, http: {path: /, status: \"200\", body: b}}"
conf_write
weir_start
wait_for 10 "all backends up" all_up

CONNS=24
load_start() { spawn load in_client timeout 60 wrk -t1 -c"$CONNS" -d60s --timeout 30s -H 'Connection: close' "http://$VIP4/"; }
load_stop() { # the report is complete: wrk takes SIGINT as the end
	stop load INT || :
	sed -n 's/.*Socket errors: connect \([0-9]*\), read \([0-9]*\), write \([0-9]*\), timeout \([0-9]*\).*/\1 \2 \3 \4/p' "$TMP/load.log" |
		awk '{ n = $1 + $2 + $3 + $4 } END { print n + 0 }'
}
serving() { [ "$(counter sessions_opened)" -gt "${1:-0}" ]; }
state() { backend_state web "$1"; }
takes_none() { [[ $(state "$1") =~ ^(down|open|half_open)$ ]]; }
takes_some() { [[ $(state "$1") =~ ^(up|slow_start)$ ]]; }

# under NAME MOST SETUP UNDO: the load runs, b1 fails, is taken out within 3 s, and comes back.
under() {
	local name=$1 most=$2 began at lost
	load_start
	began=$(counter sessions_opened)
	wait_for 10 "load" serving $((began + 200))
	at=$EPOCHREALTIME
	"$3"
	wait_for 10 "$name: b1 to be taken out" takes_none b1
	at=$(awk -v a="$at" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }')
	assert_eq "$name: answers of the others" "$(spread 20 "http://$VIP4/" | awk '$1 != "b1" { n += $2 } END { print n + 0 }')" 20
	"$4"
	wait_for 30 "$name: b1 to come back" takes_some b1
	lost=$(load_stop)
	[ "$lost" -le "$most" ] || fail "$name: clients lost $lost, at most $most were in flight there: $(tail -n 6 "$TMP/load.log")"
	awk -v a="$at" 'BEGIN { exit a > 4 }' || fail "$name: taken out after $at s"
	say "$name: out after $at s, $lost of $CONNS clients' requests lost ($(tel /weir/backends backend=web/b1 | jq -r '.[0].last_chk // empty'))"
	wait_for 30 "$name: all well" all_well
}
all_well() { [ "$(tel /weir/backends | jq -r '[.[] | select(.state != "up" and .state != "unchecked")] | length')" = 0 ]; }

kill_b1() { stop b1 KILL || :; }
start_b1() { backend_start 1; }
under "killed" "$CONNS" kill_b1 start_b1

stop_b1() { kill -STOP "${PID[b1]}"; }
cont_b1() { kill -CONT "${PID[b1]}"; }
under "stopped" $((2 * CONNS)) stop_b1 cont_b1

hole() { in_backend nft -f - <<<'table ip hole { chain in { type filter hook input priority 0; ip daddr 198.18.1.2 drop; }; }'; }
unhole() { in_backend nft delete table ip hole; }
under "black-holed" $((2 * CONNS)) hole unhole

# A server that accepts and resets at once: checks of TCP pass, sessions see it.
reset_b1() {
	stop b1 KILL || :
	spawn rst in_backend "$PYTHON" "$TOPO_DIR/bad_server.py" reset 198.18.1.2 80
	wait_for 5 "the resetting server" listens_at 198.18.1.2
}
listens_at() { in_backend ss -Hltn "src $1" | grep -q .; }
unreset_b1() {
	stop rst KILL || :
	backend_start 1
}
under "resetting" $((4 * CONNS)) reset_b1 unreset_b1

# What TCP checks cannot see, HTTP checks do, and say.
last_check() { tel /weir/backends backend=checked/b1 | jq -r '.[0].last_chk'; }
says() { [[ $(last_check) == *"$1"* ]]; }
garbage() { # KIND WORDS
	stop b1 KILL || :
	spawn bad in_backend "$PYTHON" "$TOPO_DIR/bad_server.py" "$1" 198.18.1.2 80
	wait_for 5 "the $1 server" listens_at 198.18.1.2
	wait_for 5 "$1: the check to say '$2'" says "$2"
	wait_for 5 "$1: the check to fail" backend_is checked b1 down
	say "$1: $(last_check)"
	stop bad KILL || :
}
garbage garbage "not HTTP"
garbage slow "no answer within"
garbage error503 "HTTP 503"
garbage close "before an answer"
garbage endless "not over after"
start_b1
wait_for 10 "b1 to pass again" backend_is checked b1 up

# Flapping: it never serves wrongly for long, and there is no storm of events.
for _ in 1 2 3; do
	kill_b1
	wait_for 5 "b1 out" takes_none b1
	start_b1
	wait_for 10 "b1 back" takes_some b1
done
assert_ge "answers while flapping" "$(spread 30 "http://$VIP4/" | awk '{ n += $2 } END { print n }')" 30
assert_ge "breakers that opened" "$(event_count breaker_open)" 1
assert_ge "breakers that closed" "$(event_count breaker_closed)" 1
[ "$(event_count breaker_open)" -le 20 ] || fail "a storm of breakers: $(event_count breaker_open)"
ok "every failure seen in time"
