#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Every wrong configuration ends with code 2 and one line: file, line, key, value, and what would be right.
set -euo pipefail
# shellcheck source=tests/support/topo.sh
. "$(dirname -- "$0")/../support/topo.sh"

trap topo_down EXIT
conf_web
cp "$CONF" "$TMP/good.yaml"
"$WEIR_BIN" --check -c "$TMP/good.yaml" >/dev/null || fail "the good configuration is refused"

# Each row: a sed command that spoils the good file; what the message must say besides file and line.
cases=0
while IFS='|' read -r spoil says; do
	[ -n "$spoil" ] || continue
	sed -E "$spoil" "$TMP/good.yaml" >"$CONF"
	! cmp -s "$CONF" "$TMP/good.yaml" || fail "'$spoil' changes nothing"
	code=0
	timeout 10 "$WEIR_BIN" --check -c "$CONF" >"$TMP/out" 2>&1 || code=$?
	assert_eq "exit code after '$spoil' ($(<"$TMP/out"))" "$code" 2
	assert_eq "lines printed after '$spoil'" "$(wc -l <"$TMP/out")" 1
	grep -qE "weir\.yaml:[0-9]+: .*($says)" "$TMP/out" || fail "after '$spoil' the message does not say '$says': $(<"$TMP/out")"
	cases=$((cases + 1))
done <<'TABLE'
s/^runtime:/runtme:/|runtme.*runtime
s/balance: maglev/balance: magic/|balance.*magic.*maglev
s/mode: tcp/mode: udp/|mode.*udp.*tcp
s/memory: .*/memory: lots/|memory.*lots
s/workers: .*/workers: [1, 1]/|workers.*1
s/workers: .*/workers: [900]/|workers.*900
s/workers: .*/workers: []/|workers
s/interval: 100ms/interval: 100/|interval.*100
s/interval: 100ms/interval: 100 parsecs/|interval.*parsecs
s/interval: 100ms/interval: -1s/|interval.*-1s
s/interval: 100ms/interval: 1us/|interval
s/rise: 2/rise: two/|rise.*two
s/rise: 2/rise: 0/|rise.*0
s/rise: 2/rise: 2, rise: 3/|rise
s/weight: 1/weight: 9999/|weight.*9999
s/weight: 1/weigth: 1/|weigth.*weight
s#198.18.0.1/24#198.18.0.1/33#|33
s#198.18.0.1/24#198.18.0.300/24#|198.18.0.300
s#2001:db8::1/64#2001:db8:::1/64#|2001:db8:::1
s/name: lan/name: wan/|wan
s/device: "net_af_packet0,iface=wan0"/device: ""/|device
s/pool: web/pool: wbe/|pool.*wbe
s/name: b2/name: b1/|b1
s/198.18.0.100:80/198.18.0.100:0/|198.18.0.100:0
s/198.18.0.100:80/198.18.0.100:70000/|70000
s/198.18.0.100:80/198.18.0.100/|198.18.0.100
s/198.18.1.2:80/not-an-address:80/|not-an-address
s/198.18.1.10-198.18.1.25/198.18.1.25-198.18.1.10/|source.*198.18.1.25-198.18.1.10
s/^services:/services: []\nnothing:/|services
s/listen: .*/listen: ["198.18.0.100:80", "198.18.0.100:80"]/|198.18.0.100:80
s/listen: .*/listen: "198.18.0.100:80/|
s/dad: false/dad: perhaps/|dad.*perhaps
s/dad: false/dad: false\n  tcp: {send_buffer: 1MiB, send_buffer_max: 64KiB}/|send_buffer_max.*64KiB.*1MiB
s/dad: false/dad: false\n  tcp: {congestion: vegas}/|congestion.*vegas.*newreno
s/^ports:/ports: 7\nx:/|ports
s/^runtime:/pressure: {hold: 1s}\nruntime:/|pressure.hold.*1s.*SYN again after 1 s.*900ms
s/^runtime:/pressure: {marks: [{queue: rx_pool, low: 80, high: 75, critical: 90}]}\nruntime:/|marks.*high.*75.*above low, which is 80
s/^runtime:/pressure: {marks: [{queue: cpu, low: 1, high: 2, critical: 3}]}\nruntime:/|marks.*cpu.*gauge only
s/^runtime:/pressure: {marks: [{queue: rx_pol, low: 1, high: 2, critical: 3}]}\nruntime:/|rx_pol.*rx_pool
s#^runtime:#access: {deny: 198.18.1.0/24}\nruntime:#|access.deny.*198.18.1.0/24.*cut it off
s#^runtime:#access: {deny: "2001:db8::1/64"}\nruntime:#|access.deny.*2001:db8::1/64.*2001:db8::/64
s#^runtime:#access: {deny: 0.0.0.0/0}\nruntime:#|access.deny.*nobody could connect
s/^runtime:/limits: {rate_burst: 5}\nruntime:/|rate_burst.*5.*limits.rate
s/^runtime:/limits: {connections: 16000000}\nruntime:/|limits.connections.*16000000.*max_sessions
s/weight: 1/max_connections: 0x10/|max_connections.*0x10
s/pool: web/pool: web\n    limits: {connections: 5, client: {connections: 6}}/|client.connections.*6.*above.*limits.connections.*5
s/pool: web/pool: web\n    wait: {time: 20ms, target: 50ms}/|wait.target.*50ms.*wait.time.*20ms
s/pool: web/pool: web\n    class: 8/|class.*8.*0 to 7
s#pool: web#pool: web\n    sources: [{from: 10.0.0.0/8, class: 1}, {from: 10.0.0.0/8, class: 2}]#|sources.*10.0.0.0/8.*already
TABLE

code=0
"$WEIR_BIN" --check -c "$TMP/absent.yaml" >"$TMP/out" 2>&1 || code=$?
assert_eq "exit code without a file" "$code" 2
grep -q 'absent.yaml' "$TMP/out" || fail "the message does not name the absent file"
code=0
"$WEIR_BIN" --frobnicate >"$TMP/out" 2>&1 || code=$?
assert_eq "exit code of an unknown option" "$code" 2

# What it prints as the configuration in force reads back as the same.
"$WEIR_BIN" --dump -c "$TMP/good.yaml" >"$TMP/dump1.yaml"
"$WEIR_BIN" --dump -c "$TMP/dump1.yaml" >"$TMP/dump2.yaml"
cmp "$TMP/dump1.yaml" "$TMP/dump2.yaml" || fail "--dump does not read back as the same"
ok "$cases bad configurations"
