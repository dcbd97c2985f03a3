# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# The test bed of encrypted backend links. Source topo.sh, then this; call topo_up, then esp_up. It puts a far gateway
# between Weir and the backends, which keep their addresses; protected are those of the backends.
#
#   lb ns                   far ns                      backend ns
#   lan0 ------------------ f0  esp_gateway.py  f1 ------------- b0
#   198.18.1.1/24           198.18.1.9/24     198.18.8.1/24     198.18.1.2 .3 .4 .5 (each /32), 198.18.8.2/24
#   2001:db8:1::1/64        2001:db8:1::9     2001:db8:8::1     2001:db8:1::2 ::3 ::4 ::5, 2001:db8:8::2
#
# Weir's sources are 198.18.1.10-25 and 2001:db8:1::10-1f, of its checks 198.18.1.1 and 2001:db8:1::1.
# Transport mode needs no esp_up: the gateway runs in the backends' namespace, as the host 198.18.1.2 itself (host_start).

NS_FAR=$TOPO_PREFIX-far
ESP_FAR4=198.18.1.9
ESP_FAR6=2001:db8:1::9
ESP_TO4=198.18.1.2/31,198.18.1.4/31
ESP_TO6=2001:db8:1::2/127,2001:db8:1::4/127
ESP_FROM4=198.18.1.1/32,198.18.1.10/31,198.18.1.12/30,198.18.1.16/29,198.18.1.24/31
ESP_FROM6=2001:db8:1::1/128,2001:db8:1::10/124
export ESP_FAR4 ESP_FAR6 ESP_TO4 ESP_TO6 ESP_FROM4 ESP_FROM6

in_far() { ip netns exec "$NS_FAR" "$@"; }

# spawn_in NS NAME COMMAND...: as spawn(), in any namespace.
spawn_in() {
	local ns=$1 name=$2
	shift 2
	ip netns exec "$ns" "$@" >"$TMP/$name.log" 2>&1 </dev/null &
	PID["$name"]=$!
}

# A namespace more than topo_down knows: ended and removed before the rest.
esp_down() {
	local code=$? pids
	set +e
	for pids in "$TMP"/*.control; do # their last counters are among the logs of a failure
		pids=${pids##*/}
		[ -z "${PID[${pids%.control}]:-}" ] || (stop "${pids%.control}") >/dev/null 2>&1
	done
	pids=$(ip netns pids "$NS_FAR" 2>/dev/null)
	# shellcheck disable=SC2086
	[ -z "$pids" ] || kill -KILL $pids 2>/dev/null
	ip netns del "$NS_FAR" 2>/dev/null
	(exit "$code")
	topo_down
}

esp_ns() { # NS: made, awake, on the way between others
	ip netns add "$1"
	ip -n "$1" link set lo up
	ip netns exec "$1" sysctl -qw net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.all.accept_dad=0 \
		net.ipv6.conf.default.accept_ra=0 net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
}

# Addresses and ways of far gateway and backends, the devices being there: f0 and f1, b0.
esp_addresses() {
	local i
	ip -n "$NS_FAR" addr add "$ESP_FAR4/24" dev f0
	ip -n "$NS_FAR" addr add "$ESP_FAR6/64" dev f0 nodad
	ip -n "$NS_FAR" addr add 198.18.8.1/24 dev f1
	ip -n "$NS_FAR" addr add 2001:db8:8::1/64 dev f1 nodad
	ip -n "$NS_FAR" route add 198.18.1.2/31 via 198.18.8.2
	ip -n "$NS_FAR" route add 198.18.1.4/31 via 198.18.8.2
	ip -n "$NS_FAR" route add 2001:db8:1::2/127 via 2001:db8:8::2
	ip -n "$NS_FAR" route add 2001:db8:1::4/127 via 2001:db8:8::2
	esp_backend_addresses
}

esp_backend_addresses() {
	ip -n "$NS_BACKEND" addr add 198.18.8.2/24 dev b0
	ip -n "$NS_BACKEND" addr add 2001:db8:8::2/64 dev b0 nodad
	for i in 2 3 4 5; do
		ip -n "$NS_BACKEND" addr add "198.18.1.$i/32" dev b0
		ip -n "$NS_BACKEND" addr add "2001:db8:1::$i/128" dev b0 nodad
	done
	ip -n "$NS_BACKEND" route add 198.18.1.0/24 via 198.18.8.1
	ip -n "$NS_BACKEND" route add 2001:db8:1::/64 via 2001:db8:8::1
}

esp_up() {
	trap esp_down EXIT
	esp_ns "$NS_FAR"
	ip -n "$NS_LB" link del lan0
	veth "$NS_FAR" f0 "$NS_LB" lan0
	veth "$NS_BACKEND" b0 "$NS_FAR" f1
	esp_addresses
}

# esp_keys CIPHER WORKERS FILE [SPI]: a key file with fresh keys; another SPI for each generation.
esp_keys() { py esp_codec.py keys "$@"; }

# gateway_start NS NAME OPTIONS...: with control FIFO $TMP/NAME.control, when it is ready.
gateway_start() {
	local ns=$1 name=$2
	shift 2
	spawn_in "$ns" "$name" "$PYTHON" "$TOPO_DIR/esp_gateway.py" --control "$TMP/$name.control" "$@"
	wait_for 20 "ESP gateway $name to be ready" gateway_ready "$name"
}
gateway_ready() {
	alive "$1" || fail "ESP gateway $1 ended: $(tail -n 3 "$TMP/$1.log")"
	grep -q '"ready"' "$TMP/$1.log"
}

# far_start CIPHER KEYFILE [4|6 outside] [4|6 inside] OPTIONS...: the far gateway of tunnel mode.
far_start() {
	local cipher=$1 keys=$2 out=$3 in=$4 far=ESP_FAR$3 to=ESP_TO$4 from=ESP_FROM$4 weir
	shift 4
	weir=198.18.1.1
	[ "$out" = 4 ] || weir=2001:db8:1::1
	gateway_start "$NS_FAR" "far$in" --cipher "$cipher" --keys "$keys" --local "${!far}" --remote "$weir" --to "${!to}" --from "${!from}" --tun "esp$in" --table "450$in" "$@"
}

# host_start [4|6] CIPHER KEYFILE HOST OPTIONS...: no far namespace: topo_up alone, the host is one of the backends.
host_start() {
	local cipher=$2 keys=$3 host=$4 weir=198.18.1.1
	[ "$1" = 4 ] || weir=2001:db8:1::1
	shift 4
	gateway_start "$NS_BACKEND" host --mode transport --cipher "$cipher" --keys "$keys" --local "$host" --remote "$weir" "$@"
}

# gateway_order NAME WORDS...: reload [FILE], accept FILE, send, forget old|all, faults SPEC.
gateway_order() { printf '%s\n' "${*:2}" >"$TMP/$1.control"; }

# gateway_stats NAME [JQ]: fresh counters.
gateway_stats() {
	local lines
	lines=$(grep -c '"in_spi"' "$TMP/$1.log") || :
	kill -USR1 "${PID[$1]}"
	wait_for 10 "counters of ESP gateway $1" gateway_said "$1" "$lines"
	grep '"in_spi"' "$TMP/$1.log" | tail -n 1 | jq -rc "${2:-.}"
}
gateway_said() { [ "$(grep -c '"in_spi"' "$TMP/$1.log")" -gt "$2" ]; }

# gateway_sound NAME [FAULTS THAT ARE EXPECTED...]: all that a far gateway checks by itself.
gateway_sound() {
	local stats bad name=$1
	shift
	stats=$(gateway_stats "$name")
	bad=$(jq -c --args '
		(.in | {auth_failures, replays, gaps, out_of_order, iv_repeats, bad_padding, short, unknown_spi, selector,
			next_header, engines_differ, ce_not_ect, tun_refused}) +
		(.wire | {no_df, fragments, clear_in, clear_out, clear_asks, sniffer_lost}) |
		with_entries(select(.value != 0 and (.key | IN($ARGS.positional[]) | not))) | select(length > 0)' "$@" <<<"$stats")
	[ -z "$bad" ] || fail "ESP gateway $name counts $bad: $stats"
	jq -e '.in.packets > 0 and .out.packets > 0' <<<"$stats" >/dev/null || fail "ESP gateway $name carried nothing: $stats"
}

# ---- a stand-in for Weir: the same gateway from the other side -----------------------------------------

# near_up: lan0 is the kernel's for once, with addresses that Weir would have.
near_up() {
	in_lb sysctl -qw net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.lan0.disable_ipv6=0 net.ipv6.conf.lan0.accept_dad=0
	ip -n "$NS_LB" addr add 198.18.1.1/24 dev lan0
	ip -n "$NS_LB" addr add 198.18.1.10/32 dev lan0
	ip -n "$NS_LB" addr add 2001:db8:1::1/64 dev lan0 nodad
	ip -n "$NS_LB" addr add 2001:db8:1::10/128 dev lan0 nodad
}

# near_start CIPHER KEYFILE [4|6 outside] [4|6 inside] OPTIONS...
near_start() {
	local cipher=$1 keys=$2 weir=198.18.1.1 far=ESP_FAR$3 to=ESP_TO$4 from=ESP_FROM$4
	[ "$3" = 4 ] || weir=2001:db8:1::1
	shift 4
	gateway_start "$NS_LB" near --as-weir --cipher "$cipher" --keys "$keys" --local "$weir" --remote "${!far}" \
		--to "${!to}" --from "${!from}" "$@"
}

# near_get [4|6] PATH [OPTIONS OF CURL...]: from backend 1.
near_get() {
	local source=198.18.1.10 host=198.18.1.2 path=$2
	[ "$1" = 4 ] || { source=2001:db8:1::10 host='[2001:db8:1::2]'; }
	shift 2
	in_lb curl -sS --max-time 60 --interface "$source" -o "$TMP/got" "$@" "http://$host$path"
}

# near_fetch [4|6] FILE: a file of backend 1, compared.
near_fetch() { near_get "$1" "/bytes/$2" && cmp "$TMP/got" "$TMP/www/bytes/$2"; }

# transport_near [4|6] CIPHER KEYFILE HOST OPTIONS...: in transport mode to HOST.
transport_near() {
	local cipher=$2 keys=$3 host=$4 weir=198.18.1.1
	[ "$1" = 4 ] || weir=2001:db8:1::1
	shift 4
	gateway_start "$NS_LB" near --as-weir --mode transport --cipher "$cipher" --keys "$keys" --local "$weir" --remote "$host" "$@"
}

# ---- the same with a guest's kernel in place of the far namespace: for scripts/test --all ------------

GUEST=$TMP/guest
guest() { "$TREE/tests/vm/esp_guest.sh" "$1" "$GUEST" "${@:2}"; }
guest_run() { guest run "$@"; }

guest_down() {
	local code=$?
	set +e
	guest stop
	(exit "$code")
	topo_down
}

# esp_guest_up: lan0 of Weir and b0 of the backends are the guest's devices then; kept packages in ESP_GUEST_CACHE.
esp_guest_up() {
	trap guest_down EXIT
	ip -n "$NS_LB" link del lan0
	mkdir -p "$GUEST"
	guest start "$NS_LB:lan0" "$NS_BACKEND:b0" || fail "the guest does not start"
	guest_run <<-SH || fail "the guest does not take its addresses"
		set -e
		ip addr add $ESP_FAR4/24 dev eth0
		ip addr add $ESP_FAR6/64 dev eth0 nodad
		ip addr add 198.18.8.1/24 dev eth1
		ip addr add 2001:db8:8::1/64 dev eth1 nodad
		for net in 198.18.1.2/31 198.18.1.4/31; do ip route add \$net via 198.18.8.2; done
		for net in 2001:db8:1::2/127 2001:db8:1::4/127; do ip route add \$net via 2001:db8:8::2; done
	SH
	esp_backend_addresses
}

# guest_far ACTION CIPHER KEYFILE [4|6 outside] [4|6 inside] OPTIONS...: ACTION up, states, policies or forget.
guest_far() {
	local action=$1 cipher=$2 keys=$3 far=ESP_FAR$4 to=ESP_TO$5 from=ESP_FROM$5 weir=198.18.1.1
	[ "$4" = 4 ] || weir=2001:db8:1::1
	shift 5
	guest xfrm "$action" --cipher "$cipher" --keys "$keys" --local "${!far}" --remote "$weir" --to "${!to}" --from "${!from}" "$@"
}

# guest_clear: no association, no policy.
guest_clear() { guest_run 'ip xfrm policy flush; ip xfrm state flush'; }

# guest_errors: what the guest's kernel refused, "NAME COUNT" a line (XfrmInStateProtoError: forged, XfrmInStateSeqError: replayed,
# XfrmInTmplMismatch: in clear, XfrmInNoStates: unknown SPI).
guest_errors() { guest_run "awk '\$2 != 0' /proc/net/xfrm_stat"; }
