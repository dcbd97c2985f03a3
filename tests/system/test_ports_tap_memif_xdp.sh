#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Weir serves on other kinds of ports: net_tap, net_af_xdp; net_memif comes up with a peer.
set -euo pipefail
# shellcheck source=tests/support/topo.sh
. "$(dirname -- "$0")/../support/topo.sh"

topo_up
backend_start 1

serves() { # NAME WAN_DEVICE
	conf_begin
	conf_service web web "$VIP4:80" "[$VIP6]:80"
	conf_pool web b1=198.18.1.2:80 -- "$HEALTH_FAST"
	conf_write
	sed -i "s/net_af_packet0,iface=wan0/$2/" "$CONF"
	weir_start
	wait_for 10 "the backend up" all_up
	[ -z "${3:-}" ] || "$3"
	get "http://$VIP4/bytes/1m" | cmp - "$TMP/www/bytes/1m" || fail "$1: 1 MiB over IPv4 arrived changed"
	get "http://[$VIP6]/bytes/1m" | cmp - "$TMP/www/bytes/1m" || fail "$1: 1 MiB over IPv6 arrived changed"
	say "$1: $(tel /weir/ports | jq -r '.[0] | "\(.driver) \(.flags)"')"
	weir_finish
}

serves af_xdp "net_af_xdp0,iface=wan0"

# A TAP has its kernel end in the lb namespace: it becomes the client's link.
tap_to_client() {
	ip -n "$NS_CLIENT" link set c0 down
	ip -n "$NS_CLIENT" addr flush dev c0
	ip -n "$NS_LB" link set wtap netns "$NS_CLIENT"
	in_client sysctl -qw net.ipv6.conf.wtap.disable_ipv6=0 net.ipv6.conf.wtap.accept_dad=0
	ip -n "$NS_CLIENT" addr add 198.18.0.2/24 dev wtap
	ip -n "$NS_CLIENT" addr add 2001:db8::2/64 dev wtap nodad
	ip -n "$NS_CLIENT" link set wtap up
}
serves tap "net_tap0,iface=wtap" tap_to_client
ok "af_xdp, tap"
