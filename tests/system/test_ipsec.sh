#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Backends behind a far gateway, one tunnel for each family inside: files both ways by checksum, checks through the tunnel and
# nothing in clear, ten rekeys under load without a lost request, replayed, forged, cut and late packets, a far side that
# lost its associations, the end of a key's life, and no key in anything that is shown.
set -euo pipefail
# shellcheck source=tests/support/topo.sh
. "$(dirname -- "$0")/../support/topo.sh"
# shellcheck source=tests/support/esp_bed.sh
. "$(dirname -- "$0")/../support/esp_bed.sh"

topo_up
esp_up
for n in 1 2 3; do backend_start "$n"; done
esp_keys aes-gcm-128 2 "$TMP/keys4" 0x1000
esp_keys aes-gcm-256 2 "$TMP/keys6" 0x8000
far_start aes-gcm-128 "$TMP/keys4" 4 4 --esn
far_start aes-gcm-256 "$TMP/keys6" 6 6 --esn

conf_begin '[0, 1]'
cat >>"$CONF" <<-YAML
	tunnels:
	  - {name: far4, local: 198.18.1.1, remote: $ESP_FAR4, to: [${ESP_TO4//,/, }], cipher: aes-gcm-128, keys: $TMP/keys4, rekey: {switch_after: 500ms, keep_old: 1s}}
	  - name: far6
	    local: 2001:db8:1::1
	    remote: $ESP_FAR6
	    to: ["${ESP_TO6//,/\", \"}"]
	    cipher: aes-gcm-256
	    keys: $TMP/keys6
	    life: {time: 1h}
	    rekey: {switch_after: 500ms}
YAML
# Python encrypts at the far side: checks that a busy machine does not fail.
HEALTH='    health: {type: tcp, interval: 200ms, timeout: 2s, rise: 1, fall: 2}'
conf_service web4 web4 "$VIP4:80" "[$VIP6]:80"
conf_service web6 web6 "$VIP4:81" "[$VIP6]:81"
conf_pool web4 b1=198.18.1.2:80 b2=198.18.1.3:80 b3=198.18.1.4:80 -- "$HEALTH"$'\n    ipsec: {tunnel: far4}'
conf_pool web6 'b4=[2001:db8:1::2]:80' 'b5=[2001:db8:1::3]:80' -- "$HEALTH"$'\n    ipsec: {tunnel: far6}'
conf_write
weir_start
wait_for 15 "all backends up, through the tunnels" all_up

# Files, by checksum.
for url in "http://$VIP4:80" "http://[$VIP6]:81"; do
	for file in 1k 16m; do
		get -o "$TMP/got" "$url/bytes/$file"
		cmp "$TMP/got" "$TMP/www/bytes/$file" || fail "$file of $url differs"
	done
done
say "16 MiB came whole through either tunnel"
gateway_sound far4
gateway_sound far6

# Rekeys under load.
spawn load in_client timeout 100 wrk -t1 -c8 -d90s --timeout 10s "http://$VIP4/"
spawn short in_client timeout 100 wrk -t1 -c4 -d90s --timeout 10s -H 'Connection: close' "http://$VIP4/"
generation_is() { tel /weir/tunnels "tunnel=far4" | jq -e --argjson n "$1" '.[0].generation == $n' >/dev/null; }
kept() { [ "$(tel /weir/ipsec tunnel=far4 | jq '[.[] | .generation] | unique | length')" = "$1" ]; }
for n in 2 3 4 5 6 7 8 9 10 11; do
	esp_keys aes-gcm-128 2 "$TMP/keys4" $((0x1000 + 0x10 * n))
	chmod 600 "$TMP/keys4"
	gateway_order far4 accept "$TMP/keys4"
	weirctl_run rekey far4 >"$TMP/words" || fail "rekey $n: $(<"$TMP/words")"
	wait_for 5 "far4 to send with keys $n" generation_is "$n"
	gateway_order far4 send
	wait_for 10 "old keys to be gone" kept 1
done
for l in load short; do
	stop "$l" INT || :
	! grep -E 'Socket errors|Non-2xx' "$TMP/$l.log" || fail "clients noticed the rekeys: $(tail -n 6 "$TMP/$l.log")"
	say "$l: $(grep -E 'Requests/sec' "$TMP/$l.log")"
done
assert_eq "packets of unknown associations" "$(drop_count ipsec_unknown_spi)" 0
assert_eq "packets without association" "$(drop_count ipsec_no_association)" 0
event_seen ipsec_keys || fail "no event of new keys"
event_seen ipsec_retired || fail "no event of retired keys"

# A key file that will not do changes nothing.
printf '0 out 0x2000 00\n' >"$TMP/keys4.bad"
cp "$TMP/keys4" "$TMP/keys4.good"
cp "$TMP/keys4.bad" "$TMP/keys4"
! weirctl_run rekey far4 >"$TMP/words" 2>&1 || fail "a key of one byte was taken"
wait_event 5 ipsec_keys_refused
cp "$TMP/keys4.good" "$TMP/keys4"
chmod 644 "$TMP/keys4"
! weirctl_run rekey far4 >"$TMP/words" 2>&1 || fail "a key file that all may read was taken"
chmod 600 "$TMP/keys4"
assert_eq "answer" "$(get -o /dev/null -w '%{http_code}' "http://$VIP4/")" 200

# What a bad path and a hostile one do.
gateway_order far4 faults replay=0.05,forge=0.05,truncate=0.05,reorder=0.05,keepalive=0.01
get --max-time 60 -o "$TMP/got" "http://$VIP4/bytes/16m"
cmp "$TMP/got" "$TMP/www/bytes/16m" || fail "what came through faults differs"
gateway_order far4 faults replay=0,forge=0,truncate=0,reorder=0,keepalive=0
assert_ge "replays refused" "$(drop_count ipsec_replay)" 1
assert_ge "forgeries refused" "$(drop_count ipsec_authentication)" 1
wait_event 5 ipsec_refused

# Both sides refuse what is in clear.
in_backend timeout 10 "$PYTHON" - <<-'PY' || :
	import socket
	s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
	s.bind(("198.18.1.2", 0))
	s.settimeout(2)
	try:
	    s.connect(("198.18.1.10", 80))
	except OSError:
	    pass
PY
gateway_sound far4 replays gaps out_of_order auth_failures

# The far side loses its associations: the path is silent, checks say so, and new keys mend it.
gateway_order far6 forget all
down() { [ "$(tel /weir/backends pool=web6 | jq '[.[] | select(.state == "up")] | length')" = 0 ]; }
wait_for 15 "backends behind the lost tunnel to be down" down
esp_keys aes-gcm-256 2 "$TMP/keys6" 0x8100
gateway_order far6 reload "$TMP/keys6"
weirctl_run rekey far6 >/dev/null
none_down() { [ "$(tel /weir/backends pool=web6 | jq '[.[] | select(.state == "down")] | length')" = 0 ]; }
wait_for 20 "all backends up again" none_down
get -o "$TMP/got" "http://[$VIP6]:81/bytes/1k" && cmp "$TMP/got" "$TMP/www/bytes/1k"

# No part of a key is in what is shown, logged or dumped.
{
	for c in /weir/ipsec /weir/tunnels /weir/config /weir/events /weir/backends /weir/queues /weir/drops; do tel "$c"; done
	cat "$TMP/weir.log"
	weirctl_run ipsec
} >"$TMP/all" 2>&1
awk '$2 == "in" || $2 == "out" { print substr($4, 1, 8); print substr($4, 9, 8) }' "$TMP/keys4" "$TMP/keys6" >"$TMP/parts"
! grep -qiFf "$TMP/parts" "$TMP/all" || fail "a part of a key is shown: $(grep -iFf "$TMP/parts" "$TMP/all" | head -n 1)"
ok "$(counter ipsec_out) packets encrypted, $(counter ipsec_in) opened, ten rekeys"
