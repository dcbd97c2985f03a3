#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# A capture that weirctl takes of encrypted backend links is read by Wireshark's decoder with the keys: the requests inside are
# there and the integrity of every packet is good. One tunnel for each cipher.
set -euo pipefail
# shellcheck source=tests/support/topo.sh
. "$(dirname -- "$0")/../support/topo.sh"
# shellcheck source=tests/support/esp_bed.sh
. "$(dirname -- "$0")/../support/esp_bed.sh"
command -v tshark >/dev/null || fail "no tshark: scripts/setup --all installs it"
mkdir -p "$TMP/shark"

topo_up
esp_up
backend_start 1
HEALTH='    health: {type: tcp, interval: 200ms, timeout: 2s, rise: 1, fall: 3}'

# shark FILTER FIELD... [-- OPTIONS OF TSHARK...]: of the capture, decrypted, one line a packet.
shark() {
	local filter=$1 fields=()
	shift
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		fields+=(-e "$1")
		shift
	done
	HOME=$TMP WIRESHARK_CONFIG_DIR=$TMP/shark tshark -r "$TMP/cap.pcapng" -o esp.enable_encryption_decode:TRUE -o esp.enable_authentication_check:TRUE \
		"${@:2}" -Y "$filter" -T fields "${fields[@]}" 2>"$TMP/tshark.log" || fail "tshark: $(tail -n 3 "$TMP/tshark.log")"
}
frames() { shark "$1" frame.number | wc -l; }

kind() { # CIPHER FAMILY
	local cipher=$1 family=$2 far=ESP_FAR$2 to=ESP_TO$2 local=198.18.1.1 backend=198.18.1.2 i
	[ "$family" = 4 ] || local=2001:db8:1::1 backend='[2001:db8:1::2]'
	esp_keys "$cipher" 2 "$TMP/keys"
	far_start "$cipher" "$TMP/keys" "$family" "$family"
	conf_begin '[0, 1]' '  act_group: root'
	cat >>"$CONF" <<-YAML
		tunnels: # Wireshark 4.0 knows no extended sequence numbers
		  - {name: far, local: "$local", remote: "${!far}", to: ["${!to//,/\", \"}"], cipher: $cipher, esn: no, keys: $TMP/keys}
	YAML
	conf_service web web "$VIP4:80" "[$VIP6]:80"
	conf_pool web "b1=$backend:80" -- "$HEALTH"$'\n    ipsec: {tunnel: far}'
	conf_write
	weir_start
	wait_for 15 "the backend up" all_up

	spawn capture "$WEIRCTL_BIN" -n "$INSTANCE" capture --port lan --packets 100000 --seconds 20 -w "$TMP/cap.pcapng"
	capturing() { [ "$(tel /weir/capture | jq length)" = 1 ]; }
	wait_for 10 "the capture" capturing
	for i in 1 2 3 4; do get -o "$TMP/got" "http://$VIP4/bytes/1k?$cipher-$i"; done # some for each worker
	get -o "$TMP/got" "http://$VIP4/bytes/1m?$cipher-5"
	stop capture INT || fail "capture: code $?, $(<"$TMP/capture.log")"
	grep -q ' 0 lost' "$TMP/capture.log" || fail "the capture is not whole: $(<"$TMP/capture.log")"

	py esp_codec.py tshark "$cipher" "$local" "${!far}" "$TMP/keys" >"$TMP/shark/esp_sa"
	assert_ge "packets of ESP" "$(frames esp)" 100
	assert_eq "directions" "$(shark esp esp.spi | sort -u | wc -l)" 4
	# What TCP carries is left out here: a body that Wireshark cannot read as HTTP makes it stop before it says how the ICV is.
	assert_eq "packets whose integrity is not good" "$(shark 'esp and not esp.icv_good == 1' frame.protocols -- --disable-protocol tcp)" ""
	assert_eq "packets in clear" "$(frames 'not (esp or arp or icmpv6)')" 0
	assert_eq "requests inside" "$(shark http.request http.request.uri | sort | tr '\n' ' ')" \
		"$(for i in 1 2 3 4; do printf '/bytes/1k?%s-%d ' "$cipher" "$i"; done)/bytes/1m?$cipher-5 "
	assert_eq "answers inside" "$(shark 'http.response.code == 200' http.response.code -- -o http.desegment_body:FALSE | wc -l)" 5
	say "$cipher, IPv$family: $(frames esp) packets, all good"
	weir_finish
	unset 'PID[weir]'
	gateway_sound "far$family"
	stop "far$family"
}

kind aes-gcm-128 4
kind aes-gcm-256 6
kind aes-cbc-128-sha256 4
kind aes-cbc-256-sha256 6
ok "tshark reads what Weir encrypts"
