#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Health checks take a backend out and back, and a pool with none left refuses.
set -euo pipefail
# shellcheck source=tests/support/topo.sh
. "$(dirname -- "$0")/../support/topo.sh"

topo_up
for n in 1 2; do backend_start "$n"; done
conf_begin
conf_service web web "$VIP4:80"
conf_pool web b1=198.18.1.2:80 "b2=[2001:db8:1::3]:80" -- "$HEALTH_FAST"
conf_write
weir_start
wait_for 10 "both backends up" all_up

stop b1 || :
wait_for 5 "b1 down" backend_is web b1 down
assert_eq "answers without b1" "$(spread 20 "http://$VIP4/" | tr '\n' ' ')" "b2 20 "
stop b2 || :
wait_for 5 "b2 down" backend_is web b2 down
code=0
get --max-time 5 -o /dev/null "http://$VIP4/" 2>/dev/null || code=$?
refused_by_curl "$code" || fail "curl's exit code with no backend is $code, should tell a refusal"
assert_ge "refusals for want of a backend" "$(counter no_backend)" 1

backend_start 1
wait_for 5 "b1 up" backend_is web b1 up
assert_eq "answers with b1 only" "$(spread 20 "http://$VIP4/" | tr '\n' ' ')" "b1 20 "
assert_ge "events backend_down" "$(event_count backend_down)" 2
assert_ge "events backend_up" "$(event_count backend_up)" 1
ok "down, none left, up again"
