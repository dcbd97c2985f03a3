#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# weir-gen's TCP and HTTP against others: its clients against nginx on Linux, curl, wrk and Python on Linux against its
# backends; both families, large bodies, half-close, time stamps, windows that close. No Weir between.
set -euo pipefail
# shellcheck source=tests/support/gen.sh
. "$(dirname -- "$0")/../support/gen.sh"

gen_up
backend_start 1
# weir-gen's link: the kernel has k0, weir-gen g0 and all addresses but ::1 and .1.
veth "$NS_CLIENT" g0 "$NS_BACKEND" k0
ip -n "$NS_BACKEND" addr add 198.18.2.1/24 dev k0
ip -n "$NS_BACKEND" addr add 2001:db8:2::1/64 dev k0 nodad
in_client sysctl -qw net.ipv6.conf.g0.disable_ipv6=1
# One CPU takes in what a device receives: through the queues of two it would come out of order, which weir-gen's TCP
# has sent again.
in_client sh -c 'echo 1 >/sys/class/net/g0/queues/rx-0/rps_cpus'
in_backend sh -c 'echo 1 >/sys/class/net/k0/queues/rx-0/rps_cpus'
GEN_PORTS=$(
	cat <<-YAML
		ports:
		  - {name: wan, device: "net_af_packet0,iface=g0,framecnt=8192", addresses: [198.18.2.2/24, "2001:db8:2::2/64"], gateway: [198.18.2.1, "2001:db8:2::1"]}
	YAML
)

# ---- weir-gen's clients, nginx's server --------------------------------------------------------------

gen_conf clients 'duration: 2500ms' <<-YAML
	clients:
	  - {name: short4, source: [198.18.2.10-198.18.2.99], target: ["198.18.1.2:80"], protocol: http, path: /bytes/1k, load: {model: burst, burst: 200, rate: 1}}
	  - {name: short6, source: ["2001:db8:2::10-2001:db8:2::99"], target: ["[2001:db8:1::2]:80"], protocol: http, path: /bytes/1k, load: {model: burst, burst: 200, rate: 1}, shape: {close: server}}
	  - {name: keep4, source: [198.18.2.10-198.18.2.99], target: ["198.18.1.2:80"], protocol: http, path: /bytes/1k, load: {model: burst, burst: 10, rate: 1}, shape: {requests: 50, close: reset}}
	  - {name: half6, source: ["2001:db8:2::10-2001:db8:2::99"], target: ["[2001:db8:1::2]:80"], protocol: http, path: /bytes/1k, load: {model: burst, burst: 10, rate: 1}, shape: {close: half}}
	  - {name: large4, target: ["198.18.1.2:80"], protocol: http, path: /bytes/16m, load: {model: burst, burst: 2, rate: 1}}
	  - {name: slow4, target: ["198.18.1.2:80"], protocol: http, path: /bytes/16m, load: {model: burst, burst: 3, rate: 1}, shape: {read_rate: 10M}}
	  - {name: none4, target: ["198.18.1.2:81"], protocol: http, load: {model: burst, burst: 5, rate: 1}}
	  - {name: missing6, target: ["[2001:db8:1::2]:80"], protocol: http, path: /bytes/none, load: {model: burst, burst: 5, rate: 1}}
YAML
sed -i 's/drain: 5s/drain: 15s/' "$TMP/clients.yaml" # what the kernel's queues lose of so much at once takes time to mend
gen_run clients

expect() { # POPULATION REQUESTS [ERRORS]
	assert_eq "intended of $1" "$(gen_client clients "$1" intended)" "$2"
	assert_eq "errors of $1" "$(gen_errors clients "$1")" "${3:-}"
	assert_eq "answers of $1" "$(gen_client clients "$1" answers)" "$([ -n "${3:-}" ] && echo 0 || echo "$2")"
}
expect short4 200
expect short6 200
expect keep4 500
expect half6 10
expect large4 4
expect slow4 3
expect none4 5 "connect_refused 5"
expect missing6 5 "http_status 5"
for name in large4 slow4; do
	[ "$(gen clients ".flat.client_${name}_bytes_down")" -ge $((3 * 16777216)) ] || fail "$name has not all bytes"
done
# 16 MiB at 10 MB/s, of which up to 1 MiB may be there at once: the reader is slow, and its window shut.
assert_ge "the fastest slow reader, in us" "$(gen clients '.clients[] | select(.name == "slow4") | .answer.min_us | floor')" 1500000

# ---- weir-gen's backends, Linux's clients --------------------------------------------------------------

gen_conf backends 'duration: forever, interval: 200ms' <<-YAML
	backends:
	  - {name: web, protocol: http, listen: ["198.18.2.10:80", "[2001:db8:2::10]:80"], answer: 1KiB}
	  - {name: tokens, protocol: http, listen: ["198.18.2.11:80"], answer: 64KiB, tokens: {count: 20, bytes: 700, gap: 1ms}}
	  - {name: raw, listen: ["198.18.2.10:7000", "[2001:db8:2::10]:7000"], closes_idle: no}
YAML
gen_start backends
for host in 198.18.2.10 '[2001:db8:2::10]'; do
	in_backend curl -sS --max-time 20 -H 'X-Weir-Gen-Id: 4242' -o "$TMP/got" "http://$host/bytes/16777216" || fail "curl from $host"
	[ -s "$TMP/want" ] || py gen_peer.py body 4242 16777216 >"$TMP/want"
	cmp "$TMP/got" "$TMP/want" || fail "16 MiB from $host are not what they should be"
	code=$(in_backend curl -sS --max-time 20 -o /dev/null -w '%{http_code} %{size_download}' --data-binary @"$TMP/www/bytes/16m" -H 'Expect:' "http://$host/")
	assert_eq "answer to 16 MiB sent to $host" "$code" "200 1024"
	# Three requests on one connection, and one without a body.
	code=$(in_backend curl -sS --max-time 10 -o /dev/null -o /dev/null -o /dev/null -w '%{http_code} %{size_download} %{num_connects},' "http://$host/bytes/1" "http://$host/x" "http://$host/bytes/100000")
	assert_eq "three answers of $host" "$code" "200 1 1,200 1024 0,200 100000 0,"
	code=$(in_backend curl -sS --max-time 10 -I "http://$host/bytes/12345" | tr -d '\r' | grep -c '^HTTP/1.1 200 OK$\|^Content-Length: 12345$')
	assert_eq "lines of an answer to HEAD" "$code" 2
done
code=$(in_backend curl -sS --max-time 10 -o /dev/null -w '%{http_code}' http://198.18.2.10/bytes/nonsense)
assert_eq "status of a path that is no number" "$code" 400
in_backend curl -sS --max-time 10 -H 'X-Weir-Gen-Id: 9' -o "$TMP/got" http://198.18.2.11/bytes/50000 || fail "curl of chunks"
py gen_peer.py body 9 50000 | cmp "$TMP/got" - || fail "50,000 bytes in chunks are not what they should be"

for host in 198.18.2.10 2001:db8:2::10; do
	for what in "half $host 7000 300000" "slow $host 7000 1000000" "stamps $host 7000" "nonsense $host 7000" "refused $host 7001"; do
		# shellcheck disable=SC2086
		in_backend "$PYTHON" "$TOPO_DIR/gen_peer.py" $what || fail "gen_peer.py $what"
	done
done
in_backend timeout 20 wrk -t1 -c32 -d1s "http://198.18.2.10/bytes/2000" >"$TMP/wrk.log" || fail "wrk"
in_backend timeout 20 wrk -t1 -c32 -d1s -H 'Connection: close' "http://[2001:db8:2::10]/" >>"$TMP/wrk.log" || fail "wrk, short connections"
! grep -qE 'Socket errors|Non-2xx' "$TMP/wrk.log" || fail "wrk: $(grep -E 'Socket errors|Non-2xx' "$TMP/wrk.log")"

stop backends INT || fail "weir-gen's exit code is $?"
wrk_requests=$(awk '/requests in/ { n += $1 } END { print n + 0 }' "$TMP/wrk.log")
assert_ge "requests of wrk" "$wrk_requests" 100
assert_ge "answers of the HTTP backend" "$(gen_backend backends web answers)" $((wrk_requests + 12))
assert_eq "requests of the raw backend" "$(gen_backend backends raw requests)" 8
assert_eq "answers of the raw backend" "$(gen_backend backends raw answers)" 8
assert_eq "wrong bytes at backends" "$(gen backends '[.backends[].wrong_bytes] | add')" 0
ok "nginx, curl, wrk and Python on Linux's TCP; $wrk_requests requests of wrk"
