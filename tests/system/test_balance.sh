#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Every way of balancing, on the wire, over three backends of weights 1, 1 and 2: each spreads as its definition says, and two
# instances with one configuration send the same clients to the same backends.
set -euo pipefail
# shellcheck source=tests/support/topo.sh
. "$(dirname -- "$0")/../support/topo.sh"

topo_up
for n in 1 2 3; do backend_start "$n"; done
declare -A PORT=([maglev]=80 [address]=81 [prefix]=82 [least]=83 [two_choices]=84 [bounded]=85 [round_robin]=86)
conf_begin
for how in "${!PORT[@]}"; do
	conf_service "$how" "$how" "$VIP4:${PORT[$how]}" "[$VIP6]:${PORT[$how]}"
	more="    balance: $how"
	case $how in
	address) more='    hash: address' ;;
	prefix) more='    hash: prefix
    hash_prefix_v4: 28
    hash_prefix_v6: 64' ;;
	bounded) more+='
    bound: 110' ;;
	esac
	[ "$how" = maglev ] && more=
	conf_pool "$how" b1=198.18.1.2:80 b2=198.18.1.3:80 b3=198.18.1.4:80,2 -- "    slow_start: 'off'
    breaker: {enabled: no}
$HEALTH_FAST${more:+$'\n'}$more"
done
CONF_POOLS=$(awk '/^  - name/ { how = $3 } /^    balance: maglev$/ && how !~ /maglev|address|prefix/ { next } { print }' <<<"$CONF_POOLS")$'\n'
conf_write
weir_start
wait_for 20 "all backends up" all_up

# from POOL SOURCE...: who answers each source, "source name" lines, one connection each.
from() {
	local url="http://$VIP4:${PORT[$1]}/" a
	shift
	[[ $1 != *:* ]] || url="http://[$VIP6]:${url##*:}"
	for a in "$@"; do printf '%s %s\n' "$a" "$(in_client curl -sS --max-time 10 --interface "$a" "$url")"; done
}
# shares LOW1 HIGH1 LOW3 HIGH3 COUNT: of "name count" lines on stdin, b1 and b2 within the first, b3 within the second.
shares() {
	awk -v a="$1" -v b="$2" -v c="$3" -v d="$4" -v all="$5" '{ n[$1] = $2; k += $2 }
		END { exit !(k == all && n["b1"] >= a && n["b1"] <= b && n["b2"] >= a && n["b2"] <= b && n["b3"] >= c && n["b3"] <= d) }'
}
# spreads POOL LOW1 HIGH1 LOW3 HIGH3: 400 connections.
spreads() {
	spread 400 "http://$VIP4:${PORT[$1]}/" >"$TMP/spread"
	shares "${@:2}" 400 <"$TMP/spread" || fail "$1 spreads $(tr '\n' ' ' <"$TMP/spread")"
	say "$1: $(tr '\n' ' ' <"$TMP/spread")"
}

# By port and address: 100, 100 and 200 of 400; 6 sigma is 52 and 60.
spreads maglev 48 152 140 260
# One after the other by weight, whoever asks: exactly.
spreads round_robin 100 100 200 200
# With nothing held, the faster of two different ones: the fastest gets all of whose two it is, 7/12 at weight 1 (233 of
# 400, 6 sigma 59) and 5/6 at weight 2 (333, 45); the slowest may get none.
spreads two_choices 0 292 0 378

# Held connections. 80 of them: 20, 20 and 40 where the load decides.
held_by() { tel /weir/backends "pool=$1" | jq -r '.[] | "\(.name) \(.sessions)"'; }
held() { [ "$(held_by "$1" | awk '{ n += $2 } END { print n }')" = "$2" ]; }
# hold POOL: 80 connections, ten and ten, since the sum that a bound is made of is a few milliseconds old.
hold() {
	local i
	for i in {1..8}; do
		spawn "hold_$1_$i" in_client "$PYTHON" -c '
import socket, sys, threading
held = [socket.create_connection((sys.argv[1], int(sys.argv[2])), 10) for _ in range(10)]
threading.Event().wait(60)' "$VIP4" "${PORT[$1]}"
		wait_for 10 "$((i * 10)) sessions of $1" held "$1" $((i * 10))
	done
	say "$1 holds: $(held_by "$1" | tr '\n' ' ')"
}
hold least
held_by least | shares 19 21 39 41 80 || fail "least"
hold two_choices
held_by two_choices | shares 14 26 32 48 80 || fail "two_choices"
# Bounded: none above 110 % of the mean by weight, rounded up: 22, 22 and 44 and what a step adds; the hash decides below that.
hold bounded
held_by bounded | shares 12 25 30 47 80 || fail "bounded"
for how in least two_choices bounded; do
	for i in {1..8}; do stop "hold_${how}_$i" || :; done
done

# By address alone: all connections of a client go to one backend, clients spread. By prefix: all clients of one prefix.
for i in {16..79}; do ip -n "$NS_CLIENT" addr add "198.18.0.$i/24" dev c0; done
mapfile -t clients < <(printf '198.18.0.%s\n' {16..79})
from address "${clients[@]}" >"$TMP/address1"
from address "${clients[@]}" >"$TMP/address2"
cmp "$TMP/address1" "$TMP/address2" || fail "a client changed its backend"
awk '{ n[$2]++ } END { for (b in n) print b, n[b] }' "$TMP/address1" | sort | tee "$TMP/spread" | tr '\n' ' '
# 16, 16, 32 of 64; 6 sigma is 21 and 24.
shares 1 37 8 56 64 <"$TMP/spread" || fail "clients by address"
from prefix "${clients[@]}" >"$TMP/prefix"
awk '{ split($1, a, "."); p = int(a[4] / 16); if (p in of && of[p] != $2) bad = 1; of[p] = $2 } END { exit bad }' "$TMP/prefix" ||
	fail "a prefix has two backends: $(<"$TMP/prefix")"
for i in a b c d; do ip -n "$NS_CLIENT" addr add "2001:db8::$i:1/64" dev c0 nodad; done
assert_eq "backends of one IPv6 prefix" "$(from prefix 2001:db8::{a,b,c,d}:1 | cut -d' ' -f2 | sort -u | wc -l)" 1

# Another instance, started from nothing: the same clients, the same backends.
ports_of() { # 200 clients by address and port
	in_client "$PYTHON" - "$VIP4" "${PORT[maglev]}" <<-'PY'
		import socket
		import sys

		for port in range(30000, 30200):
		    with socket.create_connection((sys.argv[1], int(sys.argv[2])), 10, ("198.18.0.2", port)) as s:
		        s.sendall(b"GET / HTTP/1.0\r\n\r\n")
		        print(port, s.makefile("rb").read().split()[-1].decode())
	PY
}
ports_of >"$TMP/one"
assert_eq "clients" "$(wc -l <"$TMP/one")" 200
wait_for 10 "all sessions to end" no_sessions
weir_finish
weir_start
wait_for 20 "all backends up" all_up
ports_of >"$TMP/two"
cmp "$TMP/one" "$TMP/two" || fail "another instance picks other backends"
from address "${clients[@]}" | cmp - "$TMP/address1" || fail "another instance picks other backends by address"
ok "each spreads as it should"
