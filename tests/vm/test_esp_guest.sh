#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The guest's kernel and tests/support/esp_gateway.py, which stands where Weir will, understand each other.
set -euo pipefail
# shellcheck source=tests/support/topo.sh
. "$(dirname -- "$0")/../support/topo.sh"
# shellcheck source=tests/support/esp_bed.sh
. "$(dirname -- "$0")/../support/esp_bed.sh"

topo_up
esp_guest_up
say "the guest runs by $(<"$GUEST/accel"): $(guest_run uname -r)"
backend_start 1
near_up

for cipher in aes-gcm-128 aes-gcm-256 aes-cbc-128-sha256 aes-cbc-256-sha256; do
	case $cipher in # each with all that differs, not all of each
	*128*) set -- "4 4" "6 6 --udp-port 4500 --esn" ;;
	*) set -- "6 4 --esn" "4 6 --udp-port 4500" ;;
	esac
	for wire in "$@"; do
		read -r out in more <<<"$wire"
		esp_keys "$cipher" 2 "$TMP/keys"
		# shellcheck disable=SC2086
		guest_far up "$cipher" "$TMP/keys" "$out" "$in" $more || fail "$cipher $wire: the guest takes no associations"
		# shellcheck disable=SC2086
		near_start "$cipher" "$TMP/keys" "$out" "$in" $more
		near_fetch "$in" 1k || fail "$cipher $wire: $(guest_errors)"
		gateway_sound near
		stop near
		guest_clear
		say "tunnel, $cipher, outside and inside $wire"
	done
done

# The guest itself is the other end, with a server of its own.
for wire in "4" "6 --esn" "4 --udp-port 4500 --esn" "6 --udp-port 4500"; do
	read -r fam more <<<"$wire"
	end=198.18.1.1 host=$ESP_FAR4 url=$ESP_FAR4
	[ "$fam" = 4 ] || { end=2001:db8:1::1 host=$ESP_FAR6 url="[$ESP_FAR6]"; }
	case $more in # one with, one without extended numbers
	*esn*) set -- aes-gcm-256 aes-cbc-128-sha256 ;;
	*) set -- aes-gcm-128 ;;
	esac
	for cipher in "$@"; do
		esp_keys "$cipher" 1 "$TMP/keys"
		# shellcheck disable=SC2086
		guest xfrm up --mode transport --cipher "$cipher" --keys "$TMP/keys" --local "$host" --remote "$end" $more
		# shellcheck disable=SC2086
		transport_near "$fam" "$cipher" "$TMP/keys" "$host" $more
		in_lb curl -sS --max-time 30 -o "$TMP/got" "http://$url/1m" || fail "transport $cipher $wire: $(guest_errors)"
		assert_eq "checksum of what came" "$(sha256sum <"$TMP/got")" "$(guest_run 'sha256sum </www/1m')"
		gateway_sound near
		stop near
		guest_clear
		say "transport, $cipher, $wire"
	done
done

# Through rekeys, and what the guest refuses.
esp_keys aes-gcm-128 2 "$TMP/keys"
guest_far up aes-gcm-128 "$TMP/keys" 4 4
near_start aes-gcm-128 "$TMP/keys" 4 4
began=$EPOCHREALTIME
near_fetch 4 16m || fail "16 MiB: $(guest_errors)"
say "16 MiB in $(awk -v a="$began" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }') s"
for n in 1 2 3; do
	esp_keys aes-gcm-128 2 "$TMP/keys$n" $((0x3000 + 0x100 * n))
	guest_far states aes-gcm-128 "$TMP/keys$n" 4 4
	gateway_order near accept "$TMP/keys$n"
	accepted() { [ "$(gateway_stats near .generation)" = $((n + 1)) ]; }
	wait_for 5 "the near gateway to accept" accepted
	guest_far policies aes-gcm-128 "$TMP/keys$n" 4 4
	gateway_order near send
	near_fetch 4 1k || fail "rekey $n: $(guest_errors)"
done
gateway_sound near
assert_eq "refused so far" "$(guest_errors | grep -v OutNoStates || :)" ""
gateway_order near faults replay=0.2,forge=0.2
near_fetch 4 1m || fail "through faults: $(guest_errors)"
for what in XfrmInStateProtoError XfrmInStateSeqError; do
	guest_errors | grep -q "$what" || fail "the guest saw no $what: $(guest_errors)"
done
guest_far forget aes-gcm-128 "$TMP/keys3" 4 4
! near_get 4 / --max-time 1 2>/dev/null || fail "it still carries without associations"
guest_errors | grep -q XfrmInNoStates || fail "the guest saw no unknown SPI: $(guest_errors)"
stop near
! near_get 4 / --max-time 1 2>/dev/null || fail "the guest took packets in clear"
ok "ESP with a guest's kernel"
