#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# A backend's own agent sets its weight, its limit and its state, on either family; words that are none are named and change
# nothing, and a backend whose agent is gone keeps what it said last.
set -euo pipefail
# shellcheck source=tests/support/topo.sh
. "$(dirname -- "$0")/../support/topo.sh"

topo_up
backend_start 1
backend_start 2
for n in 1 2; do echo 'up 100%' >"$TMP/agent$n"; done
spawn agent1 in_backend "$PYTHON" "$TOPO_DIR/agent.py" 198.18.1.2 90 "$TMP/agent1"
spawn agent2 in_backend "$PYTHON" "$TOPO_DIR/agent.py" 2001:db8:1::3 90 "$TMP/agent2"
both_listen() { [ "$(in_backend ss -Hltn 'sport = :90' | wc -l)" = 2 ]; }
wait_for 10 "both agents to listen" both_listen
conf_begin
conf_service web web "$VIP4:80" "[$VIP6]:80"
conf_pool web b1=198.18.1.2:80 'b2=[2001:db8:1::3]:80' -- "    slow_start: 'off'
    breaker: {enabled: no}
    health: {type: tcp, interval: 100ms, timeout: 500ms, rise: 2, fall: 2, agent: {port: 90, interval: 100ms}}"
CONF_POOLS=${CONF_POOLS/weight: 1/weight: 10}
CONF_POOLS=${CONF_POOLS/weight: 1\}/weight: 10\}}
conf_write
weir_start
wait_for 10 "all backends up" all_up

field() { tel /weir/backends "backend=web/$1" | jq -r ".[0].$2"; }
is() { [ "$(field "$1" "$2")" = "$3" ]; }
agent_says() { # N WORDS
	printf '%s' "$2" >"$TMP/agent$1.new"
	mv "$TMP/agent$1.new" "$TMP/agent$1"
}
# becomes N WORDS FIELD VALUE
becomes() {
	agent_says "$1" "$2"
	wait_for 5 "'$2' to make $3 of b$1 $4" is "b$1" "$3" "$4"
}
last_of() { # who answers
	spread "$1" "http://$VIP4/" | tr '\n' ' '
}

becomes 1 $'25%\n' agent_percent 25
becomes 2 $'75%\n' agent_percent 75
spread 400 "http://$VIP4/" >"$TMP/weighed"
# A quarter, 100 of 400; 6 sigma is 52, and the table's own share is near that.
awk '$1 == "b1" { n = $2 } END { exit !(n >= 40 && n <= 160) }' "$TMP/weighed" || fail "b1 at 25 to 75: $(tr '\n' ' ' <"$TMP/weighed")"
becomes 1 $'100%\n' agent_percent 100
for words in drain maint MAINT; do
	becomes 1 "$words"$'\r\n' state drain
	assert_eq "who answers while b1 says $words" "$(last_of 30)" "b2 30 "
	becomes 1 $'ready\n' state up
done
becomes 1 $'down # for repairs\n' state down
assert_eq "who answers while b1 says down" "$(last_of 30)" "b2 30 "
# A check of its port passes all the while; only the agent can take it back.
tel /weir/backends backend=web/b1 | jq -e '.[0].words | test("agent")' >/dev/null || fail "words of b1: $(field b1 words)"
becomes 1 $'up\n' state up
for words in fail stopped; do
	becomes 1 "$words" state down
	becomes 1 $'up ready 100%\n' state up
done
becomes 1 $'maxconn:1\n' limit 1
spawn hold in_client timeout 60 curl -s --limit-rate 1M -o /dev/null "http://$VIP4/bytes/16m"
spawn hold2 in_client timeout 60 curl -s --limit-rate 1M -o /dev/null "http://$VIP4/bytes/16m"
spawn hold3 in_client timeout 60 curl -s --limit-rate 1M -o /dev/null "http://$VIP4/bytes/16m"
held() { [ "$(sessions_now)" = 3 ]; }
wait_for 5 "three downloads" held
[ "$(field b1 sessions)" -le 1 ] || fail "b1 has $(field b1 sessions) sessions above its agent's limit"
for d in hold hold2 hold3; do stop "$d" || :; done
becomes 1 $'maxconn:1000\n' limit 1000
becomes 2 $'drain, 50%, maxconn:7\n' agent_percent 50
is b2 state drain || fail "state of b2: $(field b2 state)"
is b2 limit 7 || fail "limit of b2: $(field b2 limit)"
becomes 2 $'ready\t100%\n' state up

# Garbage is named, and changes nothing; nor do an agent that hangs and one that is gone.
agent_text() { field b1 agent_words | grep -q -- "$1"; }
for words in 'nonsense 5%' '%' '70000%' 'maxconn:' 'maxconn:-1' 'drain nonsense'; do
	agent_says 1 "$words"$'\n'
	bad=${words#drain }
	wait_for 5 "'${bad%% *}' to be named" agent_text "unknown word '${bad%% *}'"
done
agent_says 1 $'\n'
wait_for 5 "an empty line to be named" agent_text 'no word'
agent_says 1 "$(printf '%01000d' 0)"
wait_for 5 "a long line to be named" agent_text 'longer than'
agent_says 1 silent
wait_for 5 "silence to be named" agent_text 'time\|answer'
stop agent1 KILL || :
wait_for 5 "the agent that is gone to be named" agent_text 'refused'
is b1 state up || fail "state of b1: $(field b1 state)"
is b1 agent_percent 100 || fail "weight of b1: $(field b1 agent_percent)"
event_lines backend_agent
assert_ge "events of agents" "$(event_count backend_agent)" 16
assert_ge "checks of agents" "$(counter checks_agent)" 100
ok "agents were heard"
