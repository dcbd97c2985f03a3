#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The far gateway of ESP tests against itself: two of them, each with the other engine, in front of real nginx; no Weir.
set -euo pipefail
# shellcheck source=tests/support/topo.sh
. "$(dirname -- "$0")/topo.sh"
# shellcheck source=tests/support/esp_bed.sh
. "$(dirname -- "$0")/esp_bed.sh"

topo_up
backend_start 1
near_up
part=${1:-all} # or one of: transport ciphers faults tshark

# pair CIPHER OUTSIDE INSIDE ENGINES OPTIONS...: gateways `near` and far, keys $TMP/keys; NEAR_MORE and FAR_MORE for one of them.
NEAR_MORE=() FAR_MORE=()
pair() {
	local cipher=$1 out=$2 in=$3 engines=$4
	shift 4
	esp_keys "$cipher" 2 "$TMP/keys"
	near_start "$cipher" "$TMP/keys" "$out" "$in" --engine "${engines%/*}" "$@" "${NEAR_MORE[@]}"
	far_start "$cipher" "$TMP/keys" "$out" "$in" --engine "${engines#*/}" "$@" "${FAR_MORE[@]}"
}
unpair() { stop near; stop "far$1"; }

if [[ $part =~ ^(all|transport)$ ]]; then
	# The backend is the other end itself; Weir's stand-in speaks from its own address only.
	for wire in "4" "6 --esn" "4 --udp-port 4500" "6 --udp-port 4500"; do
		read -r fam more <<<"$wire"
		host=198.18.1.2
		[ "$fam" = 4 ] || host=2001:db8:1::2
		esp_keys aes-gcm-128 1 "$TMP/keys"
		# shellcheck disable=SC2086
		transport_near "$fam" aes-gcm-128 "$TMP/keys" "$host" $more
		# shellcheck disable=SC2086
		host_start "$fam" aes-gcm-128 "$TMP/keys" "$host" --engine scapy $more
		near_get "$fam" /bytes/1k --interface "$([ "$fam" = 4 ] && echo 198.18.1.1 || echo 2001:db8:1::1)" || fail "transport $wire"
		cmp "$TMP/got" "$TMP/www/bytes/1k" || fail "transport $wire: it arrived changed"
		gateway_sound near
		gateway_sound host
		stop near
		stop host
		say "transport, $wire"
	done
fi

esp_up
near_up

if [[ $part =~ ^(all|ciphers)$ ]]; then
	turn=0
	for cipher in aes-gcm-128 aes-gcm-256 aes-cbc-128-sha256 aes-cbc-256-sha256; do
		for wire in "4 4" "6 4 --esn" "4 6 --udp-port 4500" "6 6 --esn --udp-port 4500"; do
			read -r out in more <<<"$wire"
			engines=cryptography/scapy
			[ $((turn++ % 2)) = 0 ] || engines=scapy/cryptography
			# shellcheck disable=SC2086
			pair "$cipher" "$out" "$in" "$engines" $more
			if [ "$in" = 4 ]; then set -- 198.18.1.10 198.18.1.2; else set -- 2001:db8:1::10 2001:db8:1::2; fi
			in_lb ping -q -c 2 -i 0.02 -W 5 -I "$1" "$2" >/dev/null || fail "$cipher $wire: ping"
			near_fetch "$in" 1k || fail "$cipher $wire: curl"
			gateway_sound near
			gateway_sound "far$in"
			unpair "$in"
			say "$cipher, outside and inside $wire, $engines"
		done
	done
fi

if [[ $part =~ ^(all|faults)$ ]]; then
	FAR_MORE=(--faults "replay=0.03,forge=0.03,truncate=0.03,reorder=0.03,loss=0.005,keepalive=0.02" --spread)
	pair aes-gcm-128 4 4 cryptography/cryptography --udp-port 4500
	near_fetch 4 1m || fail "curl through faults"
	for what in auth_failures replays out_of_order keepalives; do
		assert_ge "$what of the near gateway" "$(gateway_stats near ".in.$what")" 1
	done
	assert_ge "workers used" "$(gateway_stats near '[.in_spi[] | select(.packets > 10)] | length')" 2
	gateway_sound far4
	# Rekey while it runs: both accept, then both send, then the old ones go.
	for n in 1 2 3; do
		esp_keys aes-gcm-128 2 "$TMP/keys$n" $((0x3000 + 0x100 * n))
		for g in near far4; do gateway_order "$g" accept "$TMP/keys$n"; done
		for g in near far4; do
			accepted() { [ "$(gateway_stats "$g" .generation)" = $((n + 1)) ]; }
			wait_for 5 "$g to accept" accepted
		done
		for g in near far4; do gateway_order "$g" send; done
		near_fetch 4 1k || fail "curl after rekey $n"
	done
	assert_eq "generation that sends" "$(gateway_stats far4 '[.out_spi[].generation] | unique | join(" ")')" 4
	for g in near far4; do gateway_order "$g" forget old; done
	near_fetch 4 1k || fail "curl after the old associations went"
	gateway_sound far4
	# What must be seen is seen: a clear packet, a lost association.
	in_lb ip route add 198.18.1.2 via "$ESP_FAR4" table 44
	in_lb ip rule add pref 40 to 198.18.1.2 ipproto icmp table 44
	in_lb ping -q -c 1 -W 1 198.18.1.2 >/dev/null || :
	assert_ge "packets in clear" "$(gateway_stats far4 .wire.clear_in)" 1
	in_lb ip rule del pref 40
	gateway_order far4 forget all
	! near_get 4 / --max-time 1 2>/dev/null || fail "it still carries without associations"
	assert_ge "unknown SPIs" "$(gateway_stats far4 .in.unknown_spi)" 1
	unpair 4
	# Extended numbers pass 2^32.
	FAR_MORE=(--sequence 4294967290) NEAR_MORE=(--rx-sequence 4294967280)
	pair aes-cbc-128-sha256 4 4 cryptography/cryptography --esn
	near_fetch 4 1m || fail "curl past 2^32 packets"
	assert_ge "highest number" "$(gateway_stats near '[.in_spi[].highest] | max')" 4294967297
	gateway_sound near gaps # its first is not the one after --rx-sequence
	unpair 4
	FAR_MORE=() NEAR_MORE=()
	say "faults, rekeys, extended numbers"
fi

if [[ $part =~ ^(all|tshark)$ ]]; then
	if command -v tshark >/dev/null; then
		for cipher in aes-gcm-128 aes-gcm-256 aes-cbc-128-sha256 aes-cbc-256-sha256; do
			pair "$cipher" 4 4 cryptography/cryptography
			spawn_in "$NS_FAR" cap tcpdump -U -i f0 -w "$TMP/cap.pcap" esp
			caught() { [ "$(stat -c %s "$TMP/cap.pcap" 2>/dev/null || echo 0)" -ge "$1" ]; }
			wait_for 10 "tcpdump" caught 24
			near_fetch 4 1k || fail "curl"
			wait_for 10 "packets caught" caught 2000
			stop cap || :
			unpair 4
			mkdir -p "$TMP/shark"
			py esp_codec.py tshark "$cipher" 198.18.1.1 "$ESP_FAR4" "$TMP/keys" >"$TMP/shark/esp_sa"
			HOME=$TMP WIRESHARK_CONFIG_DIR=$TMP/shark tshark -r "$TMP/cap.pcap" -o esp.enable_encryption_decode:TRUE \
				-o esp.enable_authentication_check:TRUE -Y http -T fields -e http.request.uri -e http.response.code \
				>"$TMP/shark.out" 2>"$TMP/tshark.log" || fail "tshark: $(tail -n 3 "$TMP/tshark.log")"
			grep -q /bytes/1k "$TMP/shark.out" || fail "$cipher: tshark does not see the request"
			grep -q 200 "$TMP/shark.out" || fail "$cipher: tshark does not see the answer"
		done
		say "tshark decodes"
	else
		say "tshark is not installed: not decoded"
	fi
fi
ok "ESP gateway against itself"
