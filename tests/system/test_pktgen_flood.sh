#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Floods of scripts/pktgen through memif, played by weir-gen: what one end sent is what the other received, on
# both ways, and what Weir did with it stands in its counters.
set -euo pipefail
# shellcheck source=tests/support/topo.sh
. "$(dirname -- "$0")/../support/topo.sh"

[ -x "${WEIR_GEN_BIN:-$TREE/build/app/weir-gen}" ] || fail "no build/app/weir-gen: run scripts/build first"
topo_up
backend_start 1
# memif keeps buffers of the pool in its rings, whose fill it does not tell.
LEDGER_EXCEPT=mbufs
SOCKET=$TMP/memif.sock
# Cookies alone answer, so that nothing is half open and sent again once the generator has gone; and each is answered,
# however far the worker is behind.
WAN_EXTRA='gateway: [198.18.0.2, "2001:db8::2"]'
conf_begin '[1]' $'  tcp: {syn_cookies: always}\npressure: {enabled: no}'
conf_service web web "$VIP4:80" "[$VIP6]:80"
conf_pool web b1=198.18.1.2:80 -- "$HEALTH_FAST"
conf_write
sed -i "s|net_af_packet0,iface=wan0|net_memif0,role=server,socket=$SOCKET,socket-abstract=no|" "$CONF"
weir_start

# flood PROFILE COUNT [ARGS...]: about a second; the result is $TMP/PROFILE.json.
flood() {
	local profile=$1 count=$2
	shift 2
	in_lb "$TREE/scripts/pktgen/run" "$profile" --with weir-gen \
		--device "net_memif0,role=client,socket=$SOCKET,socket-abstract=no" --weir "$INSTANCE" --weir-port wan \
		--count "$count" --rate 4 --seconds 2 --cores 1,0 --memory "$WEIR_MEMORY" --json "$TMP/$profile.json" "$@" \
		>"$TMP/$profile.log" 2>&1 || fail "$profile: $(tail -n 12 "$TMP/$profile.log")"
	say "$(tail -n 1 "$TMP/$profile.log") ($profile)"
	assert_eq "$profile: packets that left" "$(jq .generator.packets "$TMP/$profile.json")" "$count"
}
field() { jq -r "$2 // 0" "$TMP/$1.json"; }
# The first answers may wait in vain for the gateway's MAC address: that queue has a bound.
answers() { jq '.ways[1].sent + (.weir_drops.neigh_queue_full // 0)' "$TMP/$1.json"; }

flood syn_flood 300000
assert_ge "SYN-ACKs of 300000 SYNs" "$(answers syn_flood)" 300000
flood syn_flood6 100000
assert_ge "SYN-ACKs of 100000 SYNs over IPv6" "$(answers syn_flood6)" 100000
assert_eq "sessions that floods made" "$(sessions_now)" 0

flood rst_flood 100000
assert_ge "resets dropped as belonging to nothing" "$(field rst_flood .weir_drops.tcp_no_conn_rst)" 100000
flood udp_flood 100000
assert_ge "UDP dropped as not served" "$(field udp_flood .weir_drops.unknown_protocol)" 100000
ok "syn_flood, syn_flood6, rst_flood, udp_flood: sums close on both ways"
