#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The PROXY protocol between real peers: haproxy in front sends it (v1 and v2), nginx behind reads it (v1 and v2), on both
# families. Only a trusted source is believed; classes, limits and the session log go by the client that the header names.
set -euo pipefail
# shellcheck source=tests/support/topo.sh
. "$(dirname -- "$0")/../support/topo.sh"

FRONT4=198.18.0.10 FRONT6=2001:db8::10 # haproxy connects from here
C4=198.18.0.33 C6=2001:db8::33         # its clients
topo_up
for a in "$FRONT4/24" "$C4/24" 198.18.0.34/24; do ip -n "$NS_CLIENT" addr add "$a" dev c0; done
for a in "$FRONT6/64" "$C6/64"; do ip -n "$NS_CLIENT" addr add "$a" dev c0 nodad; done

# One nginx that expects headers, on both families, and says whom it was told of.
mkdir -p "$TMP/n"
cat >"$TMP/n/nginx.conf" <<-CONF
	daemon off;
	master_process off;
	pid $TMP/n/nginx.pid;
	events {}
	http {
		log_format told '\$proxy_protocol_addr \$proxy_protocol_port \$remote_addr \$status';
		access_log $TMP/n/access told;
		client_body_temp_path $TMP/n/body;
		proxy_temp_path $TMP/n/proxy;
		fastcgi_temp_path $TMP/n/fastcgi;
		uwsgi_temp_path $TMP/n/uwsgi;
		scgi_temp_path $TMP/n/scgi;
		server {
			listen 198.18.1.2:80 proxy_protocol;
			listen [2001:db8:1::2]:80 proxy_protocol;
			location / { return 200 "\$proxy_protocol_addr\n"; }
		}
	}
CONF
spawn nginx in_backend nginx -e "$TMP/n/error" -c "$TMP/n/nginx.conf" -p "$TMP/n"
wait_for 10 "nginx to listen" listens 80
spawn echo in_backend "$PYTHON" "$TOPO_DIR/echo.py" serve 198.18.1.5 7
wait_for 10 "the echo server to listen" listens 7

# Services v1 and v2 on ports 81 and 82, each family to a backend of its own and of the other one; echo on port 7.
TRUST="    proxy_from: [$FRONT4/32, \"$FRONT6/128\"]
    timeouts: {header: 400ms}"
conf_begin
printf 'log:\n  to: file\n  file: %s\n' "$TMP/sessions" >>"$CONF"
for v in 1 2; do
	conf_service "v$v" "v$v" "$VIP4:8$v" "[$VIP6]:8$v" -- "$TRUST
    sources: [{from: $C4/32, class: 1}, {from: \"$C6/128\", class: 2}, {from: $FRONT4/32, class: 6}]"
	conf_pool "v$v" four=198.18.1.2:80 'six=[2001:db8:1::2]:80' -- "    balance: round_robin
    send_proxy: v$v
$HEALTH_FAST"
done
CONF_POOLS=${CONF_POOLS//    balance: maglev$'\n'/}
conf_service echo echo "$VIP4:7" "[$VIP6]:7" -- "$TRUST
    limits: {client: {connections: 1}}"
conf_pool echo e=198.18.1.5:7 -- "$HEALTH_FAST"
conf_write
weir_start
wait_for 10 "all backends up" all_up

# haproxy: a door for each family and version sent to each of the services v1 and v2, and one to echo.
HOW=("" send-proxy send-proxy-v2)
listen() { printf 'listen l%s\n bind %s\n server w %s %s source %s\n' "$@"; } # NAME BIND TO HOW SOURCE
{
	printf 'global\n maxconn 200\ndefaults\n mode tcp\n timeout connect 5s\n timeout client 20s\n timeout server 20s\n'
	for v in 1 2; do
		for h in 1 2; do
			p=90$v$h
			listen "${p}four" "$FRONT4:$p" "$VIP4:8$v" "${HOW[h]}" "$FRONT4"
			listen "${p}six" "[$FRONT6]:$p" "[$VIP6]:8$v" "${HOW[h]}" "[$FRONT6]"
		done
	done
	listen echo "$FRONT4:7" "$VIP4:7" send-proxy-v2 "$FRONT4"
} >"$TMP/haproxy.cfg"
spawn haproxy in_client haproxy -db -f "$TMP/haproxy.cfg"
front_listens() { in_client ss -Hltn 'sport = :7' | grep -q . || { alive haproxy || fail "haproxy ended"; false; }; }
wait_for 10 "haproxy to listen" front_listens

# Every way in, every way out: the client's address arrives.
n=0
for v in 1 2; do
	for h in 1 2; do
		# By turns: one to each family of backends.
		for c in "$C4" "$C4" "$C6" "$C6"; do
			front=$FRONT4
			[ "$c" = "$C4" ] || front="[$FRONT6]"
			assert_eq "client at ${HOW[h]} to v$v" "$(get -f --interface "$c" "http://$front:90$v$h/")" "$c"
			n=$((n + 1))
		done
	done
done
assert_eq "headers taken" "$(counter proxy_headers_in)" "$n"
assert_ge "headers sent" "$(counter proxy_headers_out)" "$n"
awk -v a="$C4" -v b="$C6" -v n="$n" '($1 == a || $1 == b) && $4 == 200 { seen[$1, $3 ~ /:/]++; k++ }
	END { exit !(k == n && seen[a, 0] && seen[a, 1] && seen[b, 0] && seen[b, 1]) }' "$TMP/n/access" ||
	fail "nginx was told: $(sort "$TMP/n/access" | uniq -c)"

raw() { in_client "$PYTHON" "$TOPO_DIR/raw_client.py" "$@"; }
# A forged header of somebody else is payload: the echo server gives it back, and nginx is told of the forger.
forged='PROXY TCP4 198.18.77.7 198.18.77.8 1 2\r\n'
reply=$(raw "$VIP4" 7 --source 198.18.0.2 --send "$forged" --read 40 --then close)
assert_eq "what the echo server got" "$(jq -r .got <<<"$reply" | tr -d '\r\n')" "PROXY TCP4 198.18.77.7 198.18.77.8 1 2"
raw "$VIP4" 81 --source 198.18.0.2 --send "$forged" >"$TMP/forged"
told() { grep -q "^198.18.0.2 .* 400$" "$TMP/n/access"; }
wait_for 5 "nginx to refuse the forger's first line" told
! grep -q 198.18.77 "$TMP/n/access" || fail "a forged header was believed"
assert_eq "headers taken" "$(counter proxy_headers_in)" "$n"

# A trusted source without a header, with garbage, that ends or is silent: reset and counted.
bad=0
sig='\r\n\r\n\0\r\nQUIT\n' # of version 2
for words in 'GET / HTTP/1.1\r\n\r\n' 'PROXY TCP4 198.18.77.7\r\n' 'PROXY TCP4 1 2 3 4\r\n' "$(printf 'PROXY %120s' x)" \
	"$sig"'\x31\x11\0\x0c' "$sig"'\x21\x11\0\x01a'; do
	reply=$(raw "$VIP4" 7 --source "$FRONT4" --send "$words")
	bad=$((bad + 1))
	assert_eq "end of $words" "$(jq -r .end <<<"$reply")" reset
done
for words in '' 'PROX' "$sig"; do
	reply=$(raw "$VIP6" 7 --source "$FRONT6" --send "$words")
	bad=$((bad + 1))
	assert_eq "end of the silent one" "$(jq -r .end <<<"$reply")" reset
	assert_ge "milliseconds until then" "$(jq -r .ms <<<"$reply")" 350
done
raw "$VIP4" 7 --source "$FRONT4" --send 'PROXY' --then fin | jq -e '.end == "reset"' >/dev/null || fail "an ended one"
bad=$((bad + 1))
assert_eq "bad headers" "$(counter proxy_headers_bad)" "$bad"
wait_event 5 proxy_header_bad "(.peer // \"\") | startswith(\"$FRONT4:\")"

# In pieces, and what came behind it; the limit of a client is that of the client whom the header names.
reply=$(raw "$VIP4" 7 --source "$FRONT4" --send 'PROXY TCP4 198.18.0.34 198.18.0.100 5 7\r\nhello' --read 5 --then close)
assert_eq "what stood behind the header" "$(jq -r .got <<<"$reply")" hello
client() { spawn "$1" in_client "$PYTHON" "$TOPO_DIR/raw_client.py" "$FRONT4" 7 --source "$2" --send hello; }
echoes() { [ "$(tel /weir/conns service=echo | jq "[.[] | select(.c_bytes_out == 5)] | length")" = "$1" ]; }
client first "$C4"
wait_for 5 "the first client" echoes 1
client other 198.18.0.34
wait_for 5 "another client" echoes 2
reply=$(raw "$FRONT4" 7 --source "$C4" --send hello)
assert_eq "what a second connection of the first client got" "$(jq -r .got <<<"$reply")" ""
stop first KILL || :
wait_for 5 "its end" echoes 1
reply=$(raw "$FRONT4" 7 --source "$C4" --send hello --read 5 --then close)
assert_eq "what its next one got" "$(jq -r .got <<<"$reply")" hello
stop other KILL || :

# On record: who it was for, who brought it, and the class of the former.
wait_for 10 "all sessions to end" no_sessions
logged() { [ "$(jq -s 'length' "$TMP/sessions")" = "$(counter records_pushed)" ]; }
wait_for 5 "all lines" logged
count() { jq -s "[.[] | select($1)] | length" "$TMP/sessions"; }
proxied='.termination == "--" and .proxied and (.service | startswith("v"))'
assert_eq "lines with client, peer, class of IPv4" $((n / 2)) "$(count "$proxied and .class == 1 and
	(.client | startswith(\"$C4:\")) and (.peer | startswith(\"$FRONT4:\")) and .bytes_in < 120")"
assert_eq "lines with client, peer, class of IPv6" $((n / 2)) "$(count "$proxied and .class == 2 and
	(.client | startswith(\"[$C6]:\")) and (.peer | startswith(\"[$FRONT6]:\"))")"
assert_eq "lines of bad headers" "$(count '.termination == "PH" and .backend == "" and (.proxied | not)')" "$bad"
assert_eq "lines of the forger" "$(count '(.proxied | not) and .client == .peer and (.client | startswith("198.18.0.2:"))')" 2
assert_eq "lines of those above the limit" "$(count '.proxied and (.termination | startswith("P"))')" 1
ok "$n headers through, $bad refused"
