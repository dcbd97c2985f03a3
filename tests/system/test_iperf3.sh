#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# iperf3 runs through Weir in both directions and with parallel streams.
set -euo pipefail
# shellcheck source=tests/support/topo.sh
. "$(dirname -- "$0")/../support/topo.sh"

topo_up
spawn iperf in_backend iperf3 -s -B 198.18.1.5 -p 5201
wait_for 10 "iperf3 to listen" listens 5201
conf_begin
conf_service iperf iperf "$VIP4:5201" "[$VIP6]:5201"
# No checks: the server takes one client at a time and would mistake a check for one.
conf_pool iperf s1=198.18.1.5:5201 -- '    health: {type: none}'
conf_write
weir_start

for args in "-c $VIP4" "-c $VIP4 -R" "-c $VIP4 -P 4" "-c $VIP6"; do
	# shellcheck disable=SC2086
	in_client timeout 30 iperf3 $args -p 5201 -t 2 -J >"$TMP/iperf.json" || fail "iperf3 $args: $(jq -r .error "$TMP/iperf.json")"
	mbit=$(jq '.end.sum_received.bits_per_second / 1e6 | floor' "$TMP/iperf.json")
	say "iperf3 $args: $mbit Mbit/s"
	assert_ge "Mbit/s of iperf3 $args" "$mbit" 100
done
ok "iperf3"
