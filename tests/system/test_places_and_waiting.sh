#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Backends with 4 places each, as Weir knows them and as they themselves enforce: Weir never sends one too many; who finds no
# place waits, and who waits in vain is refused. What the clients saw, what Weir counted and what backends served is the same.
set -euo pipefail
# shellcheck source=tests/support/gen.sh
. "$(dirname -- "$0")/../support/gen.sh"

gen_up
CONF_SERVICES='' CONF_POOLS=''
conf_service web web "$VIP4:80" "[$VIP6]:80" -- '    wait: {sessions: 40, time: 300ms, target: 200ms}'
conf_pool web b1=198.18.1.2:80 b2=198.18.1.3:80 -- '    health: {type: none}
    max_connections: 7'
CONF_POOLS=${CONF_POOLS//weight: 1/weight: 1, max_connections: 4}
gen_weir memif

# Four bursts of 100 from each family: 7 are served at once, 40 may wait, the others are told at once.
LIMIT='concurrency: 4, queue: 0, service: 20ms, on_full: reset'
LOAD='load: {model: burst, burst: 100, rate: 100}'
gen_conf places 'duration: 3900ms' <<-YAML
	clients:
	  - {name: four, source: [198.19.0.1-198.19.15.254], target: ["$VIP4:80"], $LOAD}
	  - {name: six, source: ["2001:db8::1000-2001:db8::10ff"], target: ["[$VIP6]:80"], $LOAD}
	backends:
	  - {name: b, listen: ["198.18.1.2:80"], $LIMIT}
	  - {name: c, listen: ["198.18.1.3:80"], $LIMIT}
YAML
gen_run places
wait_for 10 "all sessions of Weir to end" no_sessions

for b in b c; do
	assert_eq "connections too many at backend $b" "$(gen_backend places "$b" queue_full)" 0
done
intended=$(($(gen_client places four intended) + $(gen_client places six intended)))
answers=$(($(gen_client places four answers) + $(gen_client places six answers)))
assert_eq "answers of the backends" "$(($(gen_backend places b answers) + $(gen_backend places c answers)))" "$answers"
waited=$(counter pending_begun)
served=$(counter pending_served)
in_vain=$(($(counter pending_timeouts) + $(counter pending_evicted) + $(counter pending_left) + $(counter pending_ended)))
turned_away=$(($(counter pending_full) + $(counter door_reset)))
assert_eq "those that waited" $((served + in_vain)) "$waited"
assert_ge "those that waited and were served" "$served" 1
assert_ge "those turned away" "$turned_away" 1
assert_eq "failures of the clients" $((intended - answers)) $((in_vain + turned_away))
assert_eq "requests dropped without an answer" "$(counter door_dropped)" 0
event_seen works_queue_full '.queue == "pending"' || fail "no event says works queue_full of pending"
tel /weir/queues | jq -e '[.[] | select(.queue == "pool_inflight")] | length == 1 and all(.peak <= 7 and .depth == 0)' >/dev/null ||
	fail "places of the pool: $(tel /weir/queues | jq -c '.[] | select(.queue == "pool_inflight")')"
tel /weir/queues | jq -e '[.[] | select(.queue == "backend_inflight")] | length == 2 and all(.peak <= 4 and .depth == 0)' >/dev/null ||
	fail "places of backends: $(tel /weir/queues | jq -c '.[] | select(.queue == "backend_inflight")')"
calm() { [ "$(tel_sum /weir/pressure level)" = 0 ]; }
wait_for 10 "level P0" calm
ok "of $intended requests $answers were answered, $served of them after waiting; $in_vain waited in vain, $turned_away were turned away"
