#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Packets without connections: stamped ones that come back are all accounted for; random, mutated and spoofed ones do
# not keep Weir from serving; what a port receives can be captured, read by tcpdump, and played again.
set -euo pipefail
# shellcheck source=tests/support/gen.sh
. "$(dirname -- "$0")/../support/gen.sh"

gen_up

# A wire alone: one weir-gen at both of its ends. All that leaves port a arrives at port b, and b writes it to a file.
GEN_PORTS=$(
	cat <<-YAML
		ports:
		  - {name: a, device: "$(gen_memif server 0 wire)", addresses: [198.18.0.254/24, "2001:db8::fe/64"]}
		  - {name: b, device: "$(gen_memif client 1 wire)", addresses: [198.18.0.1/24, "2001:db8::1/64"], capture: $TMP/wire.pcap}
	YAML
)
gen_conf wire 'duration: 1s' <<-YAML
	packets:
	  - {name: udp, kind: udp, stamp: yes, source: 198.18.64.0-198.18.65.255, source_ports: 1000-1999, target: 198.18.0.1, target_ports: 9, size: 64-1400, walk: random, rate_pps: 2k, count: 1000}
	  - {name: udp6, kind: udp, stamp: yes, target: "2001:db8::1", target_ports: 9-20, imix: yes, rate_bps: 5M, count: 500}
	  - {name: syn, kind: tcp, stamp: yes, source: 198.18.70.0-198.18.70.255, target: 198.18.0.1, rate_pps: 1k, count: 300}
YAML
gen_run wire
all_back() { # RUN STREAM COUNT
	local row
	row=$(jq -r --arg n "$2" '.packets[] | select(.name == $n) | "sent \(.sent) returned \(.returned) lost \(.lost) reordered \(.reordered) duplicated \(.duplicated) corrupted \(.corrupted) latencies \(.latency.count)"' "$TMP/$1.json")
	assert_eq "$2 of $1" "$row" "sent $3 returned $3 lost 0 reordered 0 duplicated 0 corrupted 0 latencies $3"
}
all_back wire udp 1000
all_back wire udp6 500
all_back wire syn 300
captured() { tcpdump -nn -r "$1" "$2" 2>/dev/null | wc -l; }
assert_eq "UDP over IPv4 captured" "$(captured "$TMP/wire.pcap" 'ip and udp dst port 9')" 1000
assert_eq "UDP over IPv6 captured" "$(captured "$TMP/wire.pcap" 'ip6 and udp')" 500
assert_eq "SYNs captured" "$(captured "$TMP/wire.pcap" 'tcp[tcpflags] == tcp-syn')" 300
tcpdump -nn -vv -r "$TMP/wire.pcap" 'udp or tcp' 2>/dev/null >"$TMP/wire.txt"
! grep -Eiq 'bad udp cksum|incorrect|bad cksum' "$TMP/wire.txt" || fail "tcpdump finds wrong checksums"

# The file, played twice, arrives twice, byte by byte.
tcpdump -nn -r "$TMP/wire.pcap" -w "$TMP/play.pcap" 'ip and udp dst port 9' 2>/dev/null
gen_conf replay 'duration: 1s' <<-YAML
	packets:
	  - {name: replay, kind: pcap, pcap: $TMP/play.pcap, pcap_loops: 2, rate_pps: 10k}
YAML
sed -i "s#wire.pcap#replay.pcap#" "$TMP/replay.yaml"
gen_run replay
assert_eq "frames replayed" "$(gen replay '.packets[0].sent')" 2000
assert_eq "frames that arrived" "$(captured "$TMP/replay.pcap" 'ip and udp dst port 9')" 2000
bytes_of() { tcpdump -nn -t -XX -r "$1" 'ip and udp dst port 9' 2>/dev/null | sha256sum; }
tcpdump -nn -r "$TMP/replay.pcap" -c 1000 -w "$TMP/half.pcap" 'ip and udp dst port 9' 2>/dev/null
assert_eq "bytes of the first round" "$(bytes_of "$TMP/half.pcap")" "$(bytes_of "$TMP/play.pcap")"
unset GEN_PORTS

# Weir: echoes return, whatever else comes.
CONF_SERVICES='' CONF_POOLS=''
conf_service web web "$VIP4:80" "[$VIP6]:80"
conf_pool web b1=198.18.1.2:80 "b2=[2001:db8:1::2]:80" -- '    health: {type: none}'
gen_weir memif
gen_conf noise 'duration: 3s' <<-YAML
	clients:
	  - {name: v4, source: [198.19.0.1-198.19.0.200], target: ["$VIP4:80"], load: {rate: 100}, shape: {answer: 10KiB}}
	  - {name: v6, source: ["2001:db8::1000-2001:db8::10ff"], target: ["[$VIP6]:80"], load: {rate: 100}, shape: {answer: 10KiB}}
	backends:
	  - {name: back, listen: ["198.18.1.2:80", "[2001:db8:1::2]:80"]}
	packets:
	  - {name: echo4, kind: icmp_echo, target: 198.18.0.1, stamp: yes, rate_pps: 50, count: 100}
	  - {name: echo6, kind: icmp_echo, target: "2001:db8::1", stamp: yes, size: 200-1000, rate_pps: 50, count: 100}
	  - {name: random, kind: random, size: 60-1514, rate_pps: 4k, count: 8000}
	  - {name: mutate, kind: mutate, source: 198.19.9.0-198.19.9.255, target: $VIP4, flags: [syn], rate_pps: 4k, count: 8000}
	  - {name: mutate6, kind: mutate, source: "2001:db8:9::1", target: "$VIP6", flags: [ack, psh], size: 80-300, rate_pps: 4k, count: 8000}
	  - {name: syns, kind: tcp, source: 198.19.128.0-198.19.255.255, target: $VIP4, rate_pps: 4k, count: 8000, walk: random}
	  - {name: stray, kind: udp, target: $VIP4, target_ports: 9-99, stamp: yes, rate_pps: 50, count: 100}
YAML
sed -i 's/drain: 5s/drain: 1s/' "$TMP/noise.yaml" # Weir asks the flood's sources again and again: it does not become quiet
gen_run noise
for family in v4 v6; do
	assert_eq "errors of clients over $family" "$(gen_errors noise $family)" ""
	assert_eq "intended over $family" "$(gen_client noise $family intended)" 300
	assert_eq "answers over $family" "$(gen_client noise $family answers)" 300
done
all_back noise echo4 100
all_back noise echo6 100
for stream in random mutate mutate6 syns; do
	assert_eq "frames of $stream" "$(gen noise ".packets[] | select(.name == \"$stream\") | .sent")" 8000
done
stray=$(gen noise '.packets[] | select(.name == "stray") | "returned \(.returned) lost \(.lost)"')
assert_eq "datagrams that nobody serves" "$stray" "returned 0 lost 100"
assert_ge "frames with wrong checksums at Weir" "$(drop_count tcp_checksum)" 1
assert_ge "frames at Weir" "$(counter rx_frames)" 32300
ok "1,800 stamped on a wire, 2,000 replayed, 200 echoes and 600 connections among 32,000 frames of noise"
