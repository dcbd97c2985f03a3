#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Captures of a running instance, by filter and by session, read back with tcpdump and scapy; bounded in packets and in
# time; and the archive for those who help: all tables, readable, and no key in it.
set -euo pipefail
# shellcheck source=tests/support/topo.sh
. "$(dirname -- "$0")/../support/topo.sh"

topo_up
for n in 1 2; do backend_start "$n"; done
conf_begin '[0, 1]' '  act_group: root'
conf_service web web "$VIP4:80" "[$VIP6]:80"
conf_pool web b1=198.18.1.2:80 'b2=[2001:db8:1::3]:80' -- "$HEALTH_FAST"
conf_write
weir_start
wait_for 10 "all backends up" all_up
spawn load in_client timeout 60 wrk -t1 -c4 -d60s "http://$VIP4/"
spawn load6 in_client timeout 60 wrk -t1 -c4 -d60s -H 'Connection: close' "http://[$VIP6]/"
flows() { [ "$(counter sessions_opened)" -gt 20 ]; }
wait_for 10 "load" flows

# scapy's view of a file: how many packets satisfy a Python expression on p.
pick() { # FILE EXPRESSION
	"$PYTHON" -W ignore - "$1" "$2" <<-'PY'
		import sys
		from scapy.all import IP, IPv6, TCP, Ether, rdpcap

		test = compile(sys.argv[2], "expression", "eval")
		print(sum(bool(eval(test, {"p": p, "IP": IP, "IPv6": IPv6, "TCP": TCP, "Ether": Ether})) for p in rdpcap(sys.argv[1])))
	PY
}
lines() { tcpdump -n -r "$1" "${@:2}" 2>/dev/null | wc -l; }
capture() { weirctl_run capture "$@" 2>"$TMP/words" || fail "capture $*: $(<"$TMP/words")"; }

# By filter, both directions, all it may hold; then one direction, of one port, cut short, to standard output.
capture --filter "tcp port 80 and host $VIP4" --packets 200 --seconds 8 -w "$TMP/a.pcapng"
assert_eq "magic of the file" "$(od -An -tx1 -N4 "$TMP/a.pcapng" | tr -d ' ')" 0a0d0d0a
assert_eq "packets" "$(lines "$TMP/a.pcapng")" 200
assert_eq "packets of that host and port" "$(lines "$TMP/a.pcapng" "tcp port 80 and host $VIP4")" 200
assert_ge "packets to it" "$(pick "$TMP/a.pcapng" "p[IP].dst == '$VIP4' and p[TCP].dport == 80")" 20
assert_ge "packets from it" "$(pick "$TMP/a.pcapng" "p[IP].src == '$VIP4' and p[TCP].sport == 80")" 20
assert_ge "answers of nginx whole" "$(pick "$TMP/a.pcapng" "bytes(p[TCP].payload).startswith(b'HTTP/1.1 200') and b'\r\n\r\nb' in bytes(p[TCP].payload)")" 5
tcpdump -n -tt -r "$TMP/a.pcapng" 2>/dev/null | awk '$1 < last - 0.02 { bad = 1 } { last = $1 } END { exit bad }' || fail "not in the order of time"
age=$(tcpdump -n -tt -r "$TMP/a.pcapng" 2>/dev/null | awk -v now="$EPOCHSECONDS" '{ t = $1 } END { print int(now - t) }')
[ "${age#-}" -le 15 ] || fail "the last packet is $age s old"
weirctl_run capture --filter 'ip6 and tcp' --port wan --dir in --snap 60 --packets 50 -w - >"$TMP/b.pcapng" 2>"$TMP/words" || fail "$(<"$TMP/words")"
assert_eq "packets" "$(lines "$TMP/b.pcapng")" 50
assert_eq "packets towards the service, cut" "$(pick "$TMP/b.pcapng" "p[IPv6].dst == '$VIP6' and len(bytes(p)) <= 60")" 50

# Nothing matches: its time ends it.
began=$SECONDS
capture --filter 'host 198.18.77.77' --seconds 1 -w "$TMP/none.pcapng"
[ $((SECONDS - began)) -le 5 ] || fail "a capture of 1 s took $((SECONDS - began)) s"
assert_eq "packets" "$(lines "$TMP/none.pcapng")" 0

# One session, both its sides, and nothing else.
spawn dl in_client timeout 60 curl -s --limit-rate 1M -o /dev/null "http://$VIP4/bytes/16m"
dl_conn() { tel /weir/conns | jq -r '[.[] | select(.c_bytes_out > 50000)] | sort_by(-.c_bytes_out)[0] | '"$1"; }
dl_there() { [ "$(dl_conn .id)" != null ]; }
wait_for 10 "the download" dl_there
id=$(dl_conn .id) client=$(dl_conn .client)
capture --conn "$id" --packets 20000 --seconds 3 -w "$TMP/c.pcapng"
port=${client##*:}
all=$(lines "$TMP/c.pcapng")
assert_ge "packets of the session" "$all" 20
c=$(pick "$TMP/c.pcapng" "$port in (p[TCP].sport, p[TCP].dport) and IP in p and '$VIP4' in (p[IP].src, p[IP].dst)")
assert_ge "packets of its client" "$c" 5
assert_ge "packets of its backend" $((all - c)) 5
assert_eq "connections in it" "$(tcpdump -n -r "$TMP/c.pcapng" 2>/dev/null | awk '{ sub(/:$/, "", $5); k = $3 < $5 ? $3 " " $5 : $5 " " $3; seen[k] } END { print length(seen) }')" 2
stop dl || :

# What cannot be is said: in libpcap's words, or in ours.
refused_with() { # REGEX ARGS...
	local code=0
	weirctl_run capture -w "$TMP/x.pcapng" "${@:2}" 2>"$TMP/words" || code=$?
	[ "$code" = 1 ] || fail "capture ${*:2}: code $code, $(<"$TMP/words")"
	grep -q -- "$1" "$TMP/words" || fail "capture ${*:2}: code $code, $(<"$TMP/words")"
}
refused_with 'syntax error' --filter 'tcp prot 80'
refused_with 'unknown host\|syntax error' --filter 'host nonsense.invalid'
refused_with "no port 'dmz'" --port dmz
refused_with 'no connection' --conn 0.4000000000
refused_with 'no connection' --conn 9.1
refused_with 'packets' --packets 0
[ ! -e "$TMP/x.pcapng" ] || fail "a refused capture left a file"
refused_with 'syntax error' --filter 'tcp prot 80' -w "$TMP/a.pcapng"
assert_eq "packets of a file that a refused capture was to overwrite" "$(lines "$TMP/a.pcapng")" 200
assert_eq "captures left" "$(tel /weir/capture | jq length)" 0
assert_eq "files left" "$(find "/run/dpdk/$INSTANCE" -name '*.pcapng' | wc -l)" 0
assert_eq "events of captures that ended by their packets" "$(event_count capture_ended '(.text | test("200 packets: all packets"))')" 1
assert_eq "events of captures that ended by their time" "$(event_count capture_ended '(.text | test(" 0 packets: its time"))')" 1

# The archive, while the load runs.
(cd "$TMP" && weirctl_run dump -o help.tar.gz) 2>"$TMP/words" || fail "dump: $(<"$TMP/words")"
mkdir "$TMP/dump"
tar -xzf "$TMP/help.tar.gz" -C "$TMP/dump"
for f in status services pools backends conns queues pressure drops counters ledger workers ports latency events config recorder neighbours log; do
	jq -e 'type == "array"' "$TMP/dump/help/$f.json" >/dev/null || fail "$f.json of the archive"
done
for f in "$TMP"/dump/help/*.json; do jq -e . "$f" >/dev/null || fail "$f does not parse"; done
jq -e '.[0].state == "serving"' "$TMP/dump/help/status.json" >/dev/null || fail "status.json"
jq -e 'length == 2 and all(has("connect_p99_us"))' "$TMP/dump/help/backends.json" >/dev/null || jq -e 'length == 2' "$TMP/dump/help/backends.json" >/dev/null || fail "backends.json"
for f in MANIFEST config.yaml versions.txt top_conns.txt; do [ -s "$TMP/dump/help/$f" ] || fail "no $f in the archive"; done
"$WEIR_BIN" --check -c "$TMP/dump/help/config.yaml" >/dev/null 2>"$TMP/words" || fail "config.yaml of the archive: $(<"$TMP/words")"
grep -q ' 0 not read in full' "$TMP/dump/help/MANIFEST" || fail "the archive is not whole: $(<"$TMP/dump/help/MANIFEST")"
keys=$(find "/run/dpdk/$INSTANCE" "/run/weir" -name '*key*' -type f | grep -F "$INSTANCE" || :)
[ -n "$keys" ] || fail "no key was made"
for k in $keys; do ! grep -rqF -- "$(tr -d '\n' <"$k")" "$TMP/dump" || fail "the archive holds the key $k"; done
say "archive: $(find "$TMP/dump" -type f | wc -l) files, $(du -h "$TMP/help.tar.gz" | cut -f1)"

for l in load load6; do
	stop "$l" INT || :
	! grep 'Socket errors' "$TMP/$l.log" || fail "clients lost connections while captures ran"
done
assert_ge "frames captured" "$(counter capture_frames)" 250
ok "captured and archived"
