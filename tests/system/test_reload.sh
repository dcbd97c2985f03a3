#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The configuration changes ten times a second under load: no client notices; files that are wrong, half written or
# not there are refused whole. RELOAD_SECONDS: how long (20).
set -euo pipefail
# shellcheck source=tests/support/topo.sh
. "$(dirname -- "$0")/../support/topo.sh"

RELOAD_SECONDS=${RELOAD_SECONDS:-20}
topo_up
for n in 1 2 3; do backend_start "$n"; done

# shape NAME: one of the configurations, whole, under that name.
pool='    health: {type: tcp, interval: 100ms, timeout: 500ms, rise: 2, fall: 3}'
shape() {
	local real=$CONF
	CONF=$TMP/$1.yaml
	conf_begin '[0, 1]'
	case $1 in
	plain) conf_service web web "$VIP4:80" "[$VIP6]:80" ;;
	slow) conf_service web web "$VIP4:80" "[$VIP6]:80" -- '    timeouts: {idle: 2m}' ;;
	more)
		conf_service other other "$VIP4:8080" 198.18.0.101:80
		conf_service web web "$VIP4:80" "[$VIP6]:80"
		;;
	esac
	case $1 in
	plain) conf_pool web b1=198.18.1.2:80 b2=198.18.1.3:80 b3=198.18.1.4:80 -- "$pool" ;;
	slow) conf_pool web b2=198.18.1.3:80,5 b1=198.18.1.2:80 -- "$pool" ;;
	more)
		conf_pool web b3=198.18.1.4:80 b1=198.18.1.2:80 b2=198.18.1.3:80 -- "$pool"$'\n''    max_connections: 1000'
		conf_pool other b1=198.18.1.2:80 -- "$pool"
		;;
	esac
	conf_write
	CONF=$real
}
for s in plain slow more; do shape "$s"; done
cp "$TMP/plain.yaml" "$CONF"
weir_start
wait_for 10 "all backends up" all_up

in_force() { tel /weir/config/history | jq -r '[.[] | select(.state == "in force")][0].id'; }
put() { # FILE: in place of the configuration, atomically
	cp "$1" "$CONF.new"
	mv "$CONF.new" "$CONF"
}

# A client that stays, on the backend that the next configurations take away and give back.
spawn stays in_client timeout 120 curl -s --limit-rate 400k -o "$TMP/16m" "http://$VIP4/bytes/16m"
spawn keep in_client timeout 120 wrk -t1 -c32 -d"${RELOAD_SECONDS}s" "http://$VIP4/"
spawn short in_client timeout 120 wrk -t1 -c8 -d"${RELOAD_SECONDS}s" -H 'Connection: close' "http://[$VIP6]/"
say "loads run"

# Every 100 ms another one; between them files that must not be taken.
n=0 refusals=0
end=$((SECONDS + RELOAD_SECONDS))
while [ "$SECONDS" -lt "$end" ]; do
	n=$((n + 1))
	case $((n % 6)) in
	0) put "$TMP/plain.yaml" ;;
	1) put "$TMP/slow.yaml" ;;
	2) put "$TMP/more.yaml" ;;
	3) put <(head -c $((RANDOM % 900 + 50)) "$TMP/more.yaml") ;; # half written
	4) put <(sed 's/pool: web/pool: wep/' "$TMP/plain.yaml") ;;
	5) put <(printf 'services: [\n') ;;
	esac
	kill -HUP "${PID[weir]}"
	pause
	pause
done
say "$n signals"
wait "${PID[keep]}" || fail "wrk on keep-alive: $(tail -n 5 "$TMP/keep.log")"
wait "${PID[short]}" || fail "wrk on short connections: $(tail -n 5 "$TMP/short.log")"
unset 'PID[keep]' 'PID[short]'
for l in keep short; do
	! grep -qE 'Socket errors|Non-2xx' "$TMP/$l.log" || fail "wrk $l: $(grep -E 'Socket errors|Non-2xx' "$TMP/$l.log")"
	say "$l: $(grep Requests/sec "$TMP/$l.log")"
done
assert_ge "configurations taken over" "$(in_force)" $((RELOAD_SECONDS / 2))
refusals=$(event_count config_refused)
assert_ge "configurations refused" "$refusals" $((RELOAD_SECONDS / 2))
assert_eq "requests without a backend" "$(counter no_backend)" 0
wait_for 90 "the client that stays" gone stays
wait "${PID[stays]}" || fail "the download broke off"
unset 'PID[stays]'
cmp "$TMP/16m" "$TMP/www/bytes/16m" || fail "the download arrived changed"

# What differs is said; what a reload would do can be asked before.
put "$TMP/plain.yaml"
act config/reload reload=now
put "$TMP/more.yaml"
tel /weir/config/diff file=1 | jq -e 'any(.[]; .change | test("services\\[other\\]"))' >/dev/null || fail "the difference does not name the new service"
act config/reload reload=now
wait_for 5 "the new service" get -f -o /dev/null "http://198.18.0.101/"
put "$TMP/plain.yaml"
act config/reload reload=now
! get --max-time 2 -o /dev/null "http://$VIP4:8080/" 2>/dev/null || fail "a service that is gone answers"
# A change that needs a restart is refused, with the key.
put <(sed 's/dad: false/max_sessions: 5000/' "$TMP/plain.yaml")
reply=$(tel /weir/config/reload reload=now)
[[ $reply == *max_sessions* && $reply == *restart* ]] || fail "a change of max_sessions: $reply"
rm "$CONF"
refused config/reload reload=now || fail "a missing file was taken"
say "switch of a worker: $(counter config_switch_us) us in $(counter configs_adopted)"
ok "$n reloads, $refusals refused, no request lost"
