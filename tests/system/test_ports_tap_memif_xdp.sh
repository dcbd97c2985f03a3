#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Weir serves on other kinds of ports: net_af_xdp, net_memif with testpmd as the wire behind it, net_tap.
set -euo pipefail
# shellcheck source=tests/support/topo.sh
. "$(dirname -- "$0")/../support/topo.sh"

topo_up
backend_start 1
# These drivers keep buffers of the pool in rings of their own, whose fill they do not tell.
LEDGER_EXCEPT=mbufs

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

# memif has another DPDK program at its other end: testpmd passes frames between it and the client's veth.
exec {enter}<> <(:)
ip netns exec "$NS_LB" dpdk-testpmd --lcores '0@0,1@0' --no-huge -m 256 --no-pci --no-telemetry --no-shconf \
	--vdev "net_memif0,role=server,socket=$TMP/memif.sock,socket-abstract=no" \
	--vdev 'net_af_packet0,iface=wan0,framecnt=8192' -- --forward-mode=io --nb-cores=1 --total-num-mbufs=16384 \
	<&"$enter" >"$TMP/testpmd.log" 2>&1 &
PID[testpmd]=$!
wait_for 20 "testpmd's memif" test -S "$TMP/memif.sock"
wired() { wait_for 30 "an answer through memif" get -s --max-time 2 -f -o /dev/null "http://$VIP4/" 2>/dev/null; }
serves memif "net_memif0,role=client,socket=${TMP//\//\\\/}\/memif.sock,socket-abstract=no" wired
stop testpmd KILL || : # it may crash on SIGTERM once its peer is gone

# A TAP has its kernel end in the lb namespace: it becomes the client's link.
tap_to_client() {
	ip -n "$NS_CLIENT" link set c0 down
	ip -n "$NS_CLIENT" addr flush dev c0
	ip -n "$NS_LB" link set wtap netns "$NS_CLIENT"
	in_client sysctl -qw net.ipv6.conf.wtap.disable_ipv6=0 net.ipv6.conf.wtap.accept_dad=0
	# The driver gives both ends one MAC; a client needs another.
	ip -n "$NS_CLIENT" link set wtap address 02:00:00:00:00:02
	ip -n "$NS_CLIENT" addr add 198.18.0.2/24 dev wtap
	ip -n "$NS_CLIENT" addr add 2001:db8::2/64 dev wtap nodad
	ip -n "$NS_CLIENT" link set wtap up
}
serves tap "net_tap0,iface=wtap" tap_to_client
ok "af_xdp, memif, tap"
