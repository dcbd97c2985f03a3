#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Weir against a guest's kernel as far gateway: two ciphers, both families, ESP and ESP in UDP, a file down and one up through
# each; then GUEST_MIB (1024) each way at once across ten rekeys of both ends. Checksums all through, nothing refused, nothing in clear.
set -euo pipefail
# shellcheck source=tests/support/topo.sh
. "$(dirname -- "$0")/../support/topo.sh"
# shellcheck source=tests/support/esp_bed.sh
. "$(dirname -- "$0")/../support/esp_bed.sh"
GUEST_MIB=${GUEST_MIB:-1024}
export ESP_GUEST_LIMIT=1500

topo_up
esp_guest_up
say "the guest runs by $(<"$GUEST/accel"): $(guest_run uname -r)"
backend_start 1
HEALTH='    health: {type: tcp, interval: 500ms, timeout: 5s, rise: 1, fall: 4}' # a busy guest that emulates a processor is slow

# All between Weir and the guest but ESP and what finds a neighbour: this file stays empty.
spawn clear in_lb tcpdump -U -n -i lan0 -w "$TMP/clear.pcap" 'not (arp or esp or udp port 4500 or icmp6 or ip6 multicast)'
watched() { [ "$(stat -c %s "$TMP/clear.pcap" 2>/dev/null || echo 0)" = 24 ]; }
wait_for 10 "tcpdump" watched

up() { # CIPHER FAMILY ESN UDP_PORT: both ends; OPTIONS for guest_far, URL
	local cipher=$1 family=$2 esn=$3 udp=$4 far=ESP_FAR$2 to=ESP_TO$2 local=198.18.1.1 backend=198.18.1.2
	OPTIONS=() URL=http://$VIP4
	[ "$family" = 4 ] || local=2001:db8:1::1 backend='[2001:db8:1::2]' URL="http://[$VIP6]"
	[ "$esn" = no ] || OPTIONS+=(--esn)
	[ "$udp" = 0 ] || OPTIONS+=(--udp-port "$udp")
	esp_keys "$cipher" 2 "$TMP/keys"
	guest_far up "$cipher" "$TMP/keys" "$family" "$family" "${OPTIONS[@]}" || fail "the guest takes no associations"
	conf_begin '[0, 1]'
	cat >>"$CONF" <<-YAML
		tunnels:
		  - {name: far, local: "$local", remote: "${!far}", to: ["${!to//,/\", \"}"], cipher: $cipher, esn: $esn, udp_port: $udp, keys: $TMP/keys, rekey: {switch_after: 500ms, keep_old: 6s}}
	YAML
	conf_service web web "$VIP4:80" "[$VIP6]:80"
	conf_pool web "b1=$backend:80" -- "$HEALTH"$'\n    ipsec: {tunnel: far}'
	conf_write
	weir_start
	wait_for 30 "the backend up" all_up
}

sound() {
	assert_eq "refused by Weir" "$(tel /weir/drops | jq -c '[.[] | select(.name | startswith("ipsec_")) | select(.count != 0) | {name, count}]')" "[]"
	assert_eq "refused by the guest" "$(guest_errors)" ""
	watched || fail "in clear: $(tcpdump -n -r "$TMP/clear.pcap" -c 3 2>/dev/null)"
	alive clear || fail "tcpdump ended: $(<"$TMP/clear.log")"
}

down() {
	wait_for 20 "no session left" no_sessions
	sound
	weir_finish
	unset 'PID[weir]'
	guest_clear
}

kind() { # CIPHER FAMILY ESN UDP_PORT
	local began
	up "$@"
	for _ in 1 2 3 4; do # some for each worker
		in_client curl -sSf --max-time 30 -o "$TMP/got" "$URL/bytes/1k"
		cmp "$TMP/got" "$TMP/www/bytes/1k" || fail "$*: what came differs"
	done
	began=$EPOCHREALTIME
	in_client curl -sSf --max-time 100 -o "$TMP/got" "$URL/bytes/16m"
	cmp "$TMP/got" "$TMP/www/bytes/16m" || fail "$*: what came differs"
	in_client curl -sSf --max-time 100 -T "$TMP/www/bytes/16m" "$URL/upload/16m"
	cmp "$TMP/b1/upload/16m" "$TMP/www/bytes/16m" || fail "$*: what was sent differs"
	rm -- "$TMP/b1/upload/16m"
	say "$1, IPv$2, esn $3, UDP $4: 16 MiB each way in $(awk -v a="$began" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }') s"
	down
}

for udp in 0 4500; do
	for family in 4 6; do
		kind aes-gcm-128 "$family" "$([ "$udp" = 0 ] && echo yes || echo no)" "$udp"
		kind aes-cbc-128-sha256 "$family" yes "$udp"
	done
done

# ---- much of it, across rekeys ----------------------------------------------------------------------

size=$((GUEST_MIB << 20))
head -c "$size" /dev/urandom >"$TMP/www/bytes/much"
sum=$(sha256sum <"$TMP/www/bytes/much")
up aes-gcm-128 4 yes 0
began=$EPOCHREALTIME
# In no less than 150 s, so that all rekeys fall into it however little is asked for.
for way in "load_down -o $TMP/got $URL/bytes/much" "load_up -T $TMP/www/bytes/much $URL/upload/much"; do
	read -r name words <<<"$way"
	# shellcheck disable=SC2086
	spawn "$name" in_client curl -sSf --max-time 1200 --limit-rate $((size / 150)) $words
done

# Bytes that came so far by the way that is ahead.
ahead() { find "$TMP/got" "$TMP/b1/body" "$TMP/b1/upload" -type f -printf '%s\n' 2>/dev/null | sort -n | tail -n 1; }
moved() { local now; now=$(ahead); [ "${now:-0}" -ge "$1" ]; }
generation_is() { tel /weir/tunnels tunnel=far | jq -e --argjson n "$1" '.[0].generation == $n' >/dev/null; }
kept() { [ "$(tel /weir/ipsec tunnel=far | jq '[.[] | .generation] | unique | length')" = 1 ]; }
rm -f -- "$TMP/got"
for n in {1..10}; do
	wait_for 300 "$n parts of 12" moved $((size * n / 12))
	for name in load_down load_up; do
		alive "$name" || fail "$name ended before rekey $n: $(<"$TMP/$name.log")"
	done
	mv -- "$TMP/keys" "$TMP/keys.old"
	esp_keys aes-gcm-128 2 "$TMP/keys" $((0x1001 + 0x10 * n))
	guest_far states aes-gcm-128 "$TMP/keys" 4 4 "${OPTIONS[@]}"
	weirctl_run rekey far >"$TMP/words" || fail "rekey $n: $(<"$TMP/words")"
	guest_far policies aes-gcm-128 "$TMP/keys" 4 4 "${OPTIONS[@]}"
	wait_for 20 "Weir to send with keys $n" generation_is $((n + 1))
	wait_for 20 "old keys to be gone" kept
	guest_far forget aes-gcm-128 "$TMP/keys.old" 4 4
done
say "ten rekeys in $(awk -v a="$began" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.0f", b - a }') s, $(($(ahead) >> 20)) of $GUEST_MIB MiB"
ended() { gone load_down && gone load_up; }
wait_for 1200 "all $GUEST_MIB MiB each way" ended
took=$(awk -v a="$began" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.0f", b - a }')
for name in load_down load_up; do stop "$name" || fail "$name: code $?, $(<"$TMP/$name.log")"; done
assert_eq "checksum of what came" "$(sha256sum <"$TMP/got")" "$sum"
assert_eq "checksum of what was sent" "$(sha256sum <"$TMP/b1/upload/much")" "$sum"
packets="$(counter ipsec_out) packets encrypted, $(counter ipsec_in) opened"
down
ok "a guest's kernel: 8 kinds, $GUEST_MIB MiB each way in $took s across ten rekeys, $packets"
