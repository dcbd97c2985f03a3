#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# A configuration that must be confirmed goes back by itself; versions can be had back; backends are added, removed and
# limited while running, and the last one is not taken away without being asked twice.
set -euo pipefail
# shellcheck source=tests/support/topo.sh
. "$(dirname -- "$0")/../support/topo.sh"

topo_up
for n in 1 2 3; do backend_start "$n"; done
conf_begin
conf_service web web "$VIP4:80" "[$VIP6]:80"
conf_pool web b1=198.18.1.2:80 -- "$HEALTH_FAST"$'\n    slow_start: 0s'
conf_write
weir_start
wait_for 10 "all backends up" all_up

state_of() { tel /weir/config/history | jq -r ".[] | select(.id == $1) | .state"; }
is_state() { [ "$(state_of "$1")" = "$2" ]; }
weight_of() { tel /weir/backends | jq -r ".[] | select(.name == \"$1\") | .weight"; }
is_weight() { [ "$(weight_of "$1")" = "$2" ]; }
backends() { tel /weir/backends | jq -r '[.[] | select(.state != "leaving") | .name] | sort | join(" ")'; }
limit_is() { [ "$(tel /weir/backends | jq -r '.[0].limit')" = "$1" ]; }
are_backends() { [ "$(backends)" = "$1" ]; }

# Not confirmed: it goes back.
sed -i 's/weight: 1/weight: 7/' "$CONF"
reply=$(tel /weir/config/reload reload=2)
assert_eq "number of the new one" "$(jq -r '.[0].id' <<<"$reply")" 2
assert_eq "its changes" "$(jq -r '.[0].changes' <<<"$reply")" 1
is_state 2 "to be confirmed" || fail "state of 2: $(state_of 2)"
is_weight b1 7 || fail "weight of b1: $(weight_of b1)"
wait_event 10 config_rolled_back
is_state 2 "rolled back" || fail "state of 2: $(state_of 2)"
is_weight b1 1 || fail "weight of b1 after going back: $(weight_of b1)"

# Confirmed: it stays.
act config/reload reload=2
refused config/confirm confirm=2 || fail "another number was confirmed"
act config/confirm confirm=4
is_state 4 "in force" || fail "state of 4: $(state_of 4)"
refused config/confirm confirm=4 || fail "nothing waited for a confirmation"
# And can be had back.
act config/rollback rollback=1
is_weight b1 1 || fail "weight of b1: $(weight_of b1)"
act config/rollback rollback=previous
is_weight b1 7 || fail "weight of b1: $(weight_of b1)"
refused config/rollback rollback=99 || fail "an unknown version"
refused config/rollback rollback= || fail "no version"
refused config/reload reload=0 || fail "0 seconds"

# Backends come and go.
act backend add=web/b2,198.18.1.3:80,weight=7
act backend 'add=web/b3,[2001:db8:1::4]:80'
wait_for 5 "three backends" are_backends "b1 b2 b3"
wait_for 5 "all of them up" all_up
spread 200 "http://$VIP4/" >"$TMP/three"
assert_eq "backends that answer" "$(wc -l <"$TMP/three")" 3
for wrong in add=web/b2,198.18.1.5:80 add=web/b9,198.18.1.3:80 add=nopool/b9,198.18.1.5:80 add=web/b9,nonsense \
	add=web/b9,198.18.1.5:80,weight=9999 add=web/b9,192.0.2.1:80 remove=web/nobody; do
	refused backend "$wrong" || fail "$wrong was taken"
done
# A removed one's session goes on until it ends.
spawn dl in_client timeout 60 curl -s --limit-rate 4M -o "$TMP/16m" "http://$VIP4/bytes/16m"
act backend remove=web/b2,60s
act backend remove=web/b3,60s
wait_for 5 "b1 alone" are_backends b1
assert_eq "who answers" "$(spread 20 "http://$VIP4/" | tr '\n' ' ')" "b1 20 "
wait_for 60 "the download" gone dl
wait "${PID[dl]}" || fail "the download broke off when its backend was removed"
unset 'PID[dl]'
cmp "$TMP/16m" "$TMP/www/bytes/16m" || fail "the download arrived changed"
# The last one.
for verb in drain disable remove; do
	refused backend "$verb=web/b1" || fail "$verb of the last backend was done at once"
done
refused backend weight=web/b1,0 || fail "weight 0 of the last backend was done at once"
assert_eq "who answers" "$(spread 5 "http://$VIP4/" | tr '\n' ' ')" "b1 5 "
act backend force_disable=web/b1
refused_code=0
get --max-time 5 -o /dev/null "http://$VIP4/" 2>/dev/null || refused_code=$?
refused_by_curl "$refused_code" || fail "curl with the last backend disabled: $refused_code"
act backend enable=web/b1
get -f -o /dev/null "http://$VIP4/" || fail "b1 enabled again does not answer"
# A limit where none was.
act backend limit=web/b1,2
wait_for 5 "the limit to show" limit_is 2
ok "confirmed, rolled back, added, removed, limited"
