#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Tunnels of every kind against a far gateway of another hand: ciphers, families outside and inside, in UDP, with and without
# extended sequence numbers, answers by any worker's association; once also scapy's own ESP layer.
set -euo pipefail
# shellcheck source=tests/support/topo.sh
. "$(dirname -- "$0")/../support/topo.sh"
# shellcheck source=tests/support/esp_bed.sh
. "$(dirname -- "$0")/../support/esp_bed.sh"

topo_up
esp_up
backend_start 1
HEALTH='    health: {type: tcp, interval: 200ms, timeout: 2s, rise: 1, fall: 3}'

# kind CIPHER OUTSIDE INSIDE ESN UDP_PORT OPTIONS OF THE GATEWAY...
kind() {
	local cipher=$1 out=$2 in=$3 esn=$4 udp=$5 far=ESP_FAR$2 to=ESP_TO$3 local=198.18.1.1 more=() backend=198.18.1.2
	shift 5
	[ "$out" = 4 ] || local=2001:db8:1::1
	[ "$in" = 4 ] || backend='[2001:db8:1::2]'
	[ "$esn" = no ] || more+=(--esn)
	[ "$udp" = 0 ] || more+=(--udp-port "$udp")
	esp_keys "$cipher" 2 "$TMP/keys"
	far_start "$cipher" "$TMP/keys" "$out" "$in" "${more[@]}" "$@"
	conf_begin '[0, 1]'
	cat >>"$CONF" <<-YAML
		tunnels:
		  - {name: far, local: "$local", remote: "${!far}", to: ["${!to//,/\", \"}"], cipher: $cipher, esn: $esn, udp_port: $udp, keys: $TMP/keys}
	YAML
	conf_service web web "$VIP4:80" "[$VIP6]:80"
	conf_pool web "b1=$backend:80" -- "$HEALTH"$'\n    ipsec: {tunnel: far}'
	conf_write
	weir_start
	wait_for 15 "the backend up" all_up
	for _ in 1 2 3 4; do # some for each worker
		get -o "$TMP/got" "http://$VIP4/bytes/1k"
		cmp "$TMP/got" "$TMP/www/bytes/1k" || fail "$cipher $out $in: what came differs"
	done
	[[ " $* " == *scapy* ]] || {
		get -o "$TMP/got" "http://[$VIP6]/bytes/1m"
		cmp "$TMP/got" "$TMP/www/bytes/1m" || fail "$cipher $out $in: what came differs"
	}
	assert_eq "refused packets" "$(tel_sum /weir/drops count '.name | startswith("ipsec_")')" 0
	[[ " $* " != *spread* ]] || assert_ge "packets handed to their worker" "$(counter rx_handoff_in)" 1
	gateway_sound "far$in"
	weir_finish
	unset 'PID[weir]'
	stop "far$in"
	say "$cipher, outside $out, inside $in, esn $esn, UDP $udp $*"
}

kind aes-gcm-128 4 4 yes 0 --spread
kind aes-gcm-256 6 4 yes 4500 --spread
kind aes-cbc-128-sha256 4 6 no 4500
kind aes-cbc-256-sha256 6 6 yes 0
kind aes-gcm-128 4 4 no 0 --engine scapy
kind aes-cbc-256-sha256 4 4 no 0 --engine scapy
ok "six kinds"
