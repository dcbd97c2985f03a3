#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# With exception: tap the kernel behind a port answers on the port's own address, beside the services.
set -euo pipefail
# shellcheck source=tests/support/topo.sh
. "$(dirname -- "$0")/../support/topo.sh"

topo_up
backend_start 1
WAN_EXTRA='exception: tap'
conf_begin
conf_service web web "$VIP4:80"
conf_pool web b1=198.18.1.2:80 -- "$HEALTH_FAST"
conf_write
weir_start
wait_for 10 "the backend up" all_up
assert_eq "answer of the service" "$(get "http://$VIP4/")" b1

tap=$(in_lb ip -j link show type tun | jq -r '.[0].ifname // empty')
[ -n "$tap" ] || fail "no TAP device in the load balancer's namespace"
ip -n "$NS_LB" addr add 198.18.0.1/24 dev "$tap"
ip -n "$NS_LB" link set "$tap" up
spawn sshd in_lb "$PYTHON" "$TOPO_DIR/xfer.py" serve 198.18.0.1 22
kernel_answers() { in_client timeout 10 "$PYTHON" "$TOPO_DIR/xfer.py" run 198.18.0.1 22 --up 100000 --down 100000 --timeout 3 >/dev/null 2>&1; }
wait_for 15 "a connection to the kernel through the exception path" kernel_answers
assert_ge "frames passed to the kernel" "$(counter rx_exception)" 10
in_client ping -c 2 -W 2 198.18.0.1 >/dev/null || fail "the port's own address does not answer ping"
assert_eq "answer of the service" "$(get "http://$VIP4/")" b1
ok "the kernel is reachable through the port"
