#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Requests over both families, and across them, are answered by all backends in even shares.
set -euo pipefail
# shellcheck source=tests/support/topo.sh
. "$(dirname -- "$0")/../support/topo.sh"

topo_up
for n in 1 2 3; do backend_start "$n"; done
conf_begin
conf_service web web "$VIP4:80" "[$VIP6]:80"
conf_service to6 pool6 "$VIP4:81" "[$VIP6]:81"
conf_pool web b1=198.18.1.2:80 b2=198.18.1.3:80 b3=198.18.1.4:80 -- "$HEALTH_FAST"
conf_pool pool6 "b1=[2001:db8:1::2]:80" "b2=[2001:db8:1::3]:80" "b3=[2001:db8:1::4]:80" -- "$HEALTH_FAST"
conf_write
weir_start
wait_for 10 "all backends up" all_up

# With 300 picks of 3, a share outside 60-140 has a chance below one in a million.
for url in "http://$VIP4/" "http://[$VIP6]/" "http://$VIP4:81/" "http://[$VIP6]:81/"; do
	spread 300 "$url" >"$TMP/spread"
	awk '{ n += $2; if ($2 < 60 || $2 > 140) bad = 1 } END { exit bad || n != 300 || NR != 3 }' "$TMP/spread" ||
		fail "spread of 300 requests to $url: $(tr '\n' ' ' <"$TMP/spread")"
done

# Bodies arrive as they are, small and large.
for f in 1k 1m 16m; do
	get "http://$VIP4/bytes/$f" | cmp - "$TMP/www/bytes/$f" || fail "$f over IPv4 arrived changed"
	get "http://[$VIP6]:81/bytes/$f" | cmp - "$TMP/www/bytes/$f" || fail "$f over IPv6 arrived changed"
done

# The backends see Weir's source range, from the pool's family.
in_backend ss -Htn state time-wait src 198.18.1.2:80 | awk '{ print $4 }' | grep -q '^198\.18\.1\.1[0-9]:' ||
	fail "b1 does not see the pool's sources"
ok "spread over IPv4, IPv6 and across"
