#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Bad paths: the same transfer Linux to Linux, and Linux to Weir to Linux, over the same relay with the same
# seeded loss. The relay (relay.c) is the client's hop in both; Weir's hop to its backend is a clean wire.
#
#   client ns    lb ns                                backend ns
#   c0 ------- rc0  relay  rw0 --- wan0  weir  lan0 --- b0      198.18.0.2 to the service to 198.18.1.5
#   c1 ------- rc1  relay  rd1 ------------------------ b1      198.18.2.2 to 198.18.2.5
#
# BENCH_LOSS (percent), BENCH_RTT (ms), BENCH_DIRECTION, BENCH_CC (of the client that sends), BENCH_SEEDS,
# BENCH_LOSS_SECONDS, BENCH_RATE (Mbit/s), BENCH_REORDER (percent, by 2 ms), BENCH_FAMILY choose what is run.
set -euo pipefail
# shellcheck source=tests/bench/bench.sh
. "$(dirname -- "$0")/bench.sh"

TOOLS=${BENCH_TOOLS:-${WEIR_BIN%/app/weir}/tests/bench}
RATE_MBIT=${BENCH_RATE:-100}
SEEDS=${BENCH_SEEDS:-3}
LIMIT=${BENCH_LOSS_SECONDS:-20}
REORDER=${BENCH_REORDER:-0}
BYTES=$((64 << 20))
PORT=5300
read -ra LOSSES <<<"${BENCH_LOSS:-0 0.1 1 2}"
read -ra RTTS <<<"${BENCH_RTT:-1 20 100}"
read -ra DIRECTIONS <<<"${BENCH_DIRECTION:-up down}"
read -ra CCS <<<"${BENCH_CC:-cubic bbr}"
if [ "${BENCH_FAMILY:-4}" = 6 ]; then
	declare -A TARGET=([direct]=2001:db8:2::5 [weir]=$VIP6) PINGED=([direct]=2001:db8:2::5 [weir]=2001:db8::1)
else
	declare -A TARGET=([direct]=198.18.2.5 [weir]=$VIP4) PINGED=([direct]=198.18.2.5 [weir]=198.18.0.1)
fi
# The relay's ends, and the devices of the two peers: namespace and device.
declare -A RELAY=([direct]='rc1 rd1' [weir]='rc0 rw0')
declare -A NEAR=([direct]="$NS_CLIENT c1" [weir]="$NS_CLIENT c0")
declare -A FAR=([direct]="$NS_BACKEND b1" [weir]="$NS_LB wan0")

steer() { # NS DEV CPU: packet work of that device on that processor
	ip netns exec "$1" sh -c "printf '%x' $((1 << $3)) >/sys/class/net/$2/queues/rx-0/rps_cpus"
}

wires_up() {
	topo_up
	local at
	for at in "$NS_CLIENT" "$NS_BACKEND"; do
		ip netns exec "$at" sysctl -qw net.ipv6.conf.default.router_solicitations=0
	done
	ip -n "$NS_CLIENT" link del c0
	veth "$NS_CLIENT" c0 "$NS_LB" rc0
	# Both ends in one namespace, of which veth readies the first.
	veth "$NS_LB" rw0 "$NS_LB" wan0
	in_lb ethtool -K wan0 tx off tso off gso off gro off >/dev/null
	ip -n "$NS_LB" link set wan0 up
	veth "$NS_CLIENT" c1 "$NS_LB" rc1
	veth "$NS_LB" rd1 "$NS_BACKEND" b1
	ip -n "$NS_CLIENT" addr add 198.18.0.2/24 dev c0
	ip -n "$NS_CLIENT" addr add 2001:db8::2/64 dev c0 nodad
	ip -n "$NS_CLIENT" addr add 198.18.2.2/24 dev c1
	ip -n "$NS_CLIENT" addr add 2001:db8:2::2/64 dev c1 nodad
	ip -n "$NS_BACKEND" addr add 198.18.2.5/24 dev b1
	ip -n "$NS_BACKEND" addr add 2001:db8:2::5/64 dev b1 nodad
	for at in "$NS_CLIENT c0" "$NS_CLIENT c1" "$NS_BACKEND b0" "$NS_BACKEND b1"; do
		# shellcheck disable=SC2086
		steer $at "$LOAD_CPU"
	done
	steer "$NS_LB" wan0 "$LB_CPU"
	steer "$NS_LB" lan0 "$LB_CPU"
	# Both kernels: windows past any bandwidth-delay product here, and no memory of the transfer before.
	for at in "$NS_CLIENT" "$NS_BACKEND"; do
		ip netns exec "$at" sysctl -qw net.ipv4.tcp_rmem='4096 131072 33554432' net.ipv4.tcp_wmem='4096 16384 33554432' \
			net.ipv4.tcp_no_metrics_save=1 net.ipv4.tcp_no_ssthresh_metrics_save=1
	done
}

weir_up() {
	conf_begin "[$LB_CPU]" "${BENCH_WEIR_RUNTIME:-}"
	conf_service flow flow "$VIP4:$PORT" "[$VIP6]:$PORT"
	conf_pool flow s1="198.18.1.5:$PORT" -- '    health: {type: none}'
	conf_write
	weir_start
}

weir_cycles() { tel /weir/workers | jq -r '"\([.[].cycles] | add) \([.[].cycles_busy] | add)"'; }

# worker_waited: nanoseconds that Weir's busiest thread was ready to run and did not: others had its core.
worker_waited() { sort -rn "/proc/${PID[weir]}"/task/*/schedstat | awk 'NR == 1 { print $2 }'; }

# packets NS DEV WHAT: what the kernel counted on that device, which the relay knows nothing of.
packets() { ip netns exec "$1" cat "/sys/class/net/$2/statistics/$3_packets"; }

relay_ready() {
	alive relay || fail "the relay ended: $(tail -n 2 "$TMP/relay.log")"
	grep -q ready "$TMP/relay.log"
}

relay_start() { # WHOSE DIRECTION LOSS RTT_MS SEED
	local ends way=ab
	read -ra ends <<<"${RELAY[$1]}"
	[ "$2" = up ] || way=ba
	# Before all else on the load's core, so that what it delays is late by what was asked and no more.
	spawn relay in_lb taskset -c "$LOAD_CPU" chrt -f 10 "$TOOLS/relay" --rtt-us $(($4 * 1000)) --rate-mbit "$RATE_MBIT" \
		--data "$way" --loss "$3" --reorder "$REORDER" --late-us 2000 --seed "$5" "${ends[@]}"
	wait_for 5 "the relay" relay_ready
}

# Also the exchange of link addresses, so that no transfer pays for it. Prints milliseconds.
ping_rtt() {
	in_client ping -q -n -c 4 -i 0.01 -W 2 "${PINGED[$1]}" | sed -n 's#^rtt [^=]*= \([0-9.]*\)/.*#\1#p'
}

idle_again() {
	[ -z "$(in_backend ss -Hnt state connected "sport = :$PORT")" ] && no_sessions
}

transfer() { # WHOSE DIRECTION CC LOSS RTT_MS SEED
	local before after c0 c1 w0 w1 tx rx sender receiver rtt down=()
	sender=${NEAR[$1]} receiver=${FAR[$1]}
	[ "$2" = up ] || { sender=${FAR[$1]} receiver=${NEAR[$1]} down=(--down); }
	# shellcheck disable=SC2086
	tx=$(packets $sender tx) rx=$(packets $receiver rx)
	relay_start "$1" "$2" "$4" "$5" "$6"
	rtt=$(ping_rtt "$1")
	c0=$(weir_cycles) w0=$(worker_waited)
	before=$(cpu_now)
	on_client "$TOOLS/flow" run "${TARGET[$1]}" "$PORT" "${down[@]}" --bytes "$BYTES" --seconds "$LIMIT" --cc "$3" \
		>"$TMP/flow.json" 2>"$TMP/flow.log" || say "transfer failed: $* $(cat "$TMP/flow.log" "$TMP/flow.json")" >&2
	after=$(cpu_now)
	c1=$(weir_cycles) w1=$(worker_waited)
	[ -s "$TMP/flow.json" ] || printf '{"ok": false, "mbit": 0, "bytes": 0, "seconds": 0, "min_rtt_us": 0, "retrans": 0}\n' >"$TMP/flow.json"
	wait_for 40 "the end of the connection" idle_again
	stop relay || fail "the relay: $(tail -n 2 "$TMP/relay.log")"
	# shellcheck disable=SC2086
	tx=$(($(packets $sender tx) - tx)) rx=$(($(packets $receiver rx) - rx))
	tail -n 1 "$TMP/relay.log" | jq -c --slurpfile flow "$TMP/flow.json" --arg whose "$1" --arg direction "$2" --arg cc "$3" \
		--argjson loss "$4" --argjson rtt "$5" --argjson seed "$6" --argjson rate "$RATE_MBIT" --argjson ping "${rtt:-0}" \
		--argjson tx "$tx" --argjson rx "$rx" --arg cpu "$before $after" --arg cycles "$c0 $c1" --argjson waited $((w1 - w0)) '
		($cpu | split(" ") | map(tonumber)) as $c | ($cycles | split(" ") | map(tonumber)) as $w |
		{whose: $whose, direction: $direction, cc: $cc, loss: $loss, rtt_ms: $rtt, seed: $seed, rate: $rate,
		 flow: $flow[0], relay: ., ping_ms: $ping, sent: $tx, arrived: $rx,
		 load_idle: (1 - ($c[8] - $c[3]) / ([$c[9] - $c[4], 1] | max)),
		 weir_wait: ($waited / 1e9 / ([$flow[0].seconds, 0.1] | max)),
		 weir_busy: (($w[3] - $w[1]) / ([$w[2] - $w[0], 1] | max))}' >"$TMP/record.json"
	printf 'loss\t%s\n' "$(cat "$TMP/record.json")" >>"$BENCH_OUT"
	jq -r '"seed \(.seed): \(.direction) \(.cc) \(.loss) % \(.rtt_ms) ms: \(.whose): \(.flow.mbit | . * 100 | round / 100) Mbit/s"' \
		"$TMP/record.json" >&2
}

# The wire itself, before anything is measured on it: the round trip is the asked one, what is lost is what the
# pattern says, and the kernels' own counters agree with the relay's.
check_relay() {
	local rtt tx rx said data lost
	for rtt in "${RTTS[@]}"; do
		relay_start direct up 0 "$rtt" 1
		said=$(ping_rtt direct)
		stop relay || fail "the relay: $(tail -n 2 "$TMP/relay.log")"
		# Wakings of an idle virtual machine come on top: up to a millisecond.
		awk -v got="${said:-0}" -v want="$rtt" 'BEGIN { exit !(got >= want && got < want + 1 + want / 20) }' ||
			fail "a ping over the relay takes '$said' ms, should be $rtt"
	done
	tx=$(packets "$NS_CLIENT" c1 tx) rx=$(packets "$NS_BACKEND" b1 rx)
	relay_start direct up 5 1 7
	on_client "$TOOLS/flow" run "${TARGET[direct]}" "$PORT" --bytes "$BYTES" --seconds 1 >"$TMP/flow.json" ||
		fail "no transfer over the relay: $(cat "$TMP/flow.json")"
	wait_for 40 "the end of the connection" idle_again
	stop relay || fail "the relay: $(tail -n 2 "$TMP/relay.log")"
	tx=$(($(packets "$NS_CLIENT" c1 tx) - tx)) rx=$(($(packets "$NS_BACKEND" b1 rx) - rx))
	read -r data lost said < <(tail -n 1 "$TMP/relay.log" |
		jq -r '.a_to_b | "\(.data) \(.dropped_random) \(.dropped_random + .dropped_queue + .inside)"')
	assert_ge "data packets in a second" "$data" 100
	assert_eq "loss among $data packets" "$lost" "$("$TOOLS/relay" --seed 7 --loss 5 --list "$data" | wc -l)"
	# A kernel may say a word of IPv6 housekeeping when no relay listens.
	assert_ge "frames sent and not arrived" $((tx - rx)) "$said"
	assert_ge "frames dropped by the relay, and 5," $((said + 5)) $((tx - rx))
}

pair() { # DIRECTION CC LOSS RTT_MS SEED: who goes first changes with the seed
	local whose order='direct weir'
	[ $(($5 % 2)) -eq 1 ] || order='weir direct'
	for whose in $order; do transfer "$whose" "$@"; done
}

for tool in relay flow; do
	[ -x "$TOOLS/$tool" ] || fail "no $TOOLS/$tool: run scripts/bench loss, which builds it"
done
wires_up
bench_quiet
spawn flow in_backend taskset -c "$LOAD_CPU" "$TOOLS/flow" serve "$PORT"
wait_for 10 "the server to listen" listens "$PORT"
weir_up
check_relay
for ((seed = 1; seed <= SEEDS; seed++)); do
	for direction in "${DIRECTIONS[@]}"; do
		ccs=("${CCS[@]}")
		[ "$direction" = up ] || ccs=(cubic) # Weir sends; beside it a Linux CUBIC sender
		for cc in "${ccs[@]}"; do
			for loss in "${LOSSES[@]}"; do
				for rtt in "${RTTS[@]}"; do
					pair "$direction" "$cc" "$loss" "$rtt" "$seed"
				done
			done
		done
	done
done
ok "loss"
