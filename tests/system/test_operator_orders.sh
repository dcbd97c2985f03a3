#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# What an operator orders with weirctl and sees: a class refused and let in again, a level held as a drill, a limit changed, the
# flight recorder after it; what lives goes on, and what is dangerous is asked twice.
set -euo pipefail
# shellcheck source=tests/support/topo.sh
. "$(dirname -- "$0")/../support/topo.sh"

topo_up
for n in 1 2 3; do backend_start "$n"; done
ip -n "$NS_CLIENT" addr add 198.18.0.3/24 dev c0
conf_begin
conf_service web web "$VIP4:80" "[$VIP6]:80" -- '    sources: [{from: 198.18.0.3/32, class: 1}]'
conf_pool web b1=198.18.1.2:80 b2=198.18.1.3:80 b3=198.18.1.4:80 -- "$HEALTH_FAST"$'\n    max_connections: 1000'
conf_write
weir_start
wait_for 10 "all backends up" all_up

level_is() { [ "$(tel_field /weir/pressure level)" = "$1" ]; }
served() { get --connect-timeout 2 -o /dev/null "$@" 2>/dev/null; }
says() { # REGEX COMMAND...: the output of weirctl matches
	local re=$1
	shift
	weirctl_run "$@" >"$TMP/said.log" 2>&1 || fail "weirctl $*: $(cat "$TMP/said.log")"
	grep -qE -- "$re" "$TMP/said.log" || fail "weirctl $* does not say '$re': $(cat "$TMP/said.log")"
}

# Classes 4 and worse are refused at once, class 1 is served, and a download goes on.
spawn dl in_client timeout 60 curl -s --limit-rate 4M -o "$TMP/16m" "http://$VIP4/bytes/16m"
has_session() { [ "$(sessions_now)" -ge 1 ]; }
wait_for 10 "the download to begin" has_session
weirctl_run refuse web 4 >/dev/null
! served "http://$VIP4/" || fail "class 4 was served though it is refused"
! served "http://[$VIP6]/" || fail "class 4 was served over IPv6 though it is refused"
served --interface 198.18.0.3 "http://$VIP4/" || fail "class 1 was not served while class 4 is refused"
assert_ge "requests refused by order" "$(drop_count syn_operator)" 2
says 'web' admission
weirctl_run admit web >/dev/null
served "http://$VIP4/" || fail "not served after the order was taken back"
wait_for 60 "the download" gone dl
wait "${PID[dl]}" || fail "the download broke off under an order that is about new connections"
unset 'PID[dl]'
cmp "$TMP/16m" "$TMP/www/bytes/16m" || fail "the download arrived changed"

# Nobody at all: asked twice.
! weirctl_run refuse web 0 >/dev/null 2>&1 || fail "all of a service was refused without being asked for it twice"
served "http://$VIP4/" || fail "not served after an order that was not confirmed"
weirctl_run refuse web 0 --yes >/dev/null
! served "http://$VIP4/" || fail "served though all of the service is refused"
weirctl_run admit all >/dev/null
served "http://$VIP4/" || fail "not served after all orders were taken back"

# A drill: P3 is held, clients come in by cookie, and the way back is by itself.
weirctl_run level all 3 >/dev/null
wait_for 5 "level P3" level_is 3
served "http://$VIP4/" || fail "not served at P3"
served "http://[$VIP6]/bytes/1m" || fail "not served at P3 over IPv6"
assert_ge "connections by cookie" "$(counter tcp_cookies_accepted)" 2
weirctl_run level all auto >/dev/null
wait_for 10 "level P0" level_is 0
says '3' recorder

# A limit, and what it is now.
weirctl_run limit web 500 >/dev/null
[ "$(tel /weir/pools | jq '.[0].limit')" = 500 ] || fail "the pool's limit is $(tel /weir/pools | jq -c '.[0]')"
for view in queues pressure limits access clients; do weirctl_run "$view" >/dev/null || fail "weirctl $view"; done
for wrong in "refuse nobody 4" "refuse web 9" "level web 7" "level nobody 1" "limit web/b9 4" "admit nobody" "deny 198.18.0.0/40"; do
	# shellcheck disable=SC2086
	! weirctl_run $wrong >/dev/null 2>&1 || fail "weirctl $wrong was not refused"
done
assert_ge "events of orders" "$(event_count operator)" 6
ok "orders"
