#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Transport mode: the backend's own host is the far end, on the same link, where its neighbour discovery stays in clear and
# nothing else does.
set -euo pipefail
# shellcheck source=tests/support/topo.sh
. "$(dirname -- "$0")/../support/topo.sh"
# shellcheck source=tests/support/esp_bed.sh
. "$(dirname -- "$0")/../support/esp_bed.sh"

topo_up
backend_start 1

kind() { # FAMILY CIPHER ESN UDP_PORT
	local family=$1 cipher=$2 esn=$3 udp=$4 host=198.18.1.2 local=198.18.1.1 at=198.18.1.2 more=()
	[ "$family" = 4 ] || { host=2001:db8:1::2 local=2001:db8:1::1 at='[2001:db8:1::2]'; }
	[ "$esn" = no ] || more+=(--esn)
	[ "$udp" = 0 ] || more+=(--udp-port "$udp")
	esp_keys "$cipher" 2 "$TMP/keys"
	host_start "$family" "$cipher" "$TMP/keys" "$host" "${more[@]}"
	conf_begin '[0, 1]'
	cat >>"$CONF" <<-YAML
		tunnels:
		  - {name: host, mode: transport, local: "$local", remote: "$host", cipher: $cipher, esn: $esn, udp_port: $udp, keys: $TMP/keys}
		services:
		  - {name: web, listen: ["$VIP4:80", "[$VIP6]:80"], mode: tcp, pool: web}
		pools:
		  - name: web
		    health: {type: tcp, interval: 200ms, timeout: 2s, rise: 1, fall: 3}
		    ipsec: {tunnel: host}
		    source: ["$local"]
		    backends:
		      - {name: b1, address: "$at:80"}
	YAML
	weir_start
	wait_for 15 "the backend up" all_up
	for url in "http://$VIP4" "http://[$VIP6]"; do
		get -o "$TMP/got" "$url/bytes/1m"
		cmp "$TMP/got" "$TMP/www/bytes/1m" || fail "$cipher $family: what came differs"
	done
	assert_eq "refused packets" "$(tel_sum /weir/drops count '.name | startswith("ipsec_")')" 0
	gateway_sound host clear_asks
	weir_finish
	unset 'PID[weir]'
	stop host
	say "transport, $cipher, IPv$family, esn $esn, UDP $udp"
}

kind 4 aes-gcm-128 yes 0
kind 6 aes-gcm-256 no 0
kind 4 aes-cbc-128-sha256 yes 4500
kind 6 aes-gcm-128 yes 4500
ok "four kinds"
