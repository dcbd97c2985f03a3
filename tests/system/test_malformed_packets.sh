#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Damaged and foreign frames are dropped, each with its reason, and service goes on.
set -euo pipefail
# shellcheck source=tests/support/topo.sh
. "$(dirname -- "$0")/../support/topo.sh"

topo_up
backend_start 1
conf_begin
conf_service web web "$VIP4:80" "[$VIP6]:80"
conf_pool web b1=198.18.1.2:80 -- "$HEALTH_FAST"
conf_write
weir_start
wait_for 10 "the backend up" all_up
get -o /dev/null "http://$VIP4/" # neighbours are known from here on

mac=$(in_client ip -j neigh show "$VIP4" | jq -r '.[0].lladdr')
own=$(in_client cat /sys/class/net/c0/address)
in_client timeout 60 "$PYTHON" "$TOPO_DIR/malformed.py" c0 "$own" "$mac" >"$TMP/expected" || fail "the frames could not be sent"
counted() { [ "$(drop_count "$1")" -ge "$2" ]; }
while read -r reason count; do
	wait_for 5 "$count drops for $reason, got $(drop_count "$reason")" counted "$reason" "$count"
done <"$TMP/expected"
assert_eq "answer after it all" "$(get "http://$VIP4/")" b1
assert_eq "answer after it all" "$(get "http://[$VIP6]/")" b1
ok "$(wc -l <"$TMP/expected") reasons"
