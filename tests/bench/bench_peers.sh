#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# A cross-check with clients and servers that nobody here wrote (wrk, nginx, iperf3): Weir, HAProxy (one thread) and nginx stream (one worker) on the same veth wires and the
# same core, in alternating rounds of one run. Every load runs twice: full, for the rate, and light, with
# few connections, so that the generator keeps time to spare and the cost on the balancer's core can be compared.
set -euo pipefail
# shellcheck source=tests/bench/bench.sh
. "$(dirname -- "$0")/bench.sh"

WHO=${BENCH_WHO:-weir haproxy nginx}

kernel_addresses() { # add|flush: kernel load balancers need addresses on the ports, Weir must not have any
	local dev
	if [ "$1" = flush ]; then
		for dev in wan0 lan0; do ip -n "$NS_LB" addr flush dev "$dev"; done
	else
		ip -n "$NS_LB" addr add 198.18.0.1/24 dev wan0
		ip -n "$NS_LB" addr add "$VIP4/24" dev wan0
		ip -n "$NS_LB" addr add 198.18.1.1/24 dev lan0
	fi
}

answers() { in_client curl -sf --max-time 1 -o /dev/null "http://$VIP4/"; }

start_weir() {
	conf_begin "[$LB_CPU]"
	conf_service web web "$VIP4:80"
	conf_service iperf iperf "$VIP4:5201"
	conf_pool web b1=198.18.1.2:80 b2=198.18.1.3:80 b3=198.18.1.4:80
	conf_pool iperf s1=198.18.1.5:5201 -- '    health: {type: none}'
	conf_write
	weir_start
	wait_for 10 "all backends up" all_up
}

start_haproxy() {
	kernel_addresses add
	cat >"$TMP/haproxy.cfg" <<-CFG
		global
		  nbthread 1
		  maxconn 8000
		defaults
		  mode tcp
		  timeout connect 3s
		  timeout client 60s
		  timeout server 60s
		listen web
		  bind $VIP4:80 backlog 16384
		  balance roundrobin
		  server b1 198.18.1.2:80 check
		  server b2 198.18.1.3:80 check
		  server b3 198.18.1.4:80 check
		listen iperf
		  bind $VIP4:5201
		  server s1 198.18.1.5:5201
	CFG
	spawn haproxy in_lb taskset -c "$LB_CPU" haproxy -db -f "$TMP/haproxy.cfg"
}

start_nginx() {
	kernel_addresses add
	mkdir -p "$TMP/lb"
	cat >"$TMP/lb/nginx.conf" <<-CFG
		load_module /usr/lib/nginx/modules/ngx_stream_module.so;
		daemon off;
		worker_processes 1;
		pid $TMP/lb/nginx.pid;
		events { worker_connections 16000; multi_accept on; }
		stream {
			upstream web { server 198.18.1.2:80; server 198.18.1.3:80; server 198.18.1.4:80; }
			server { listen $VIP4:80 backlog=16384; proxy_pass web; }
			server { listen $VIP4:5201; proxy_pass 198.18.1.5:5201; }
		}
	CFG
	spawn nginx in_lb taskset -c "$LB_CPU" nginx -e "$TMP/lb/error.log" -c "$TMP/lb/nginx.conf" -p "$TMP/lb"
}

stop_lb() {
	stop "$1" || :
	[ "$1" = weir ] || kernel_addresses flush
}

# Cycles that Weir's workers spent, all and busy, and ticks of its other threads.
weir_cycles() { tel /weir/workers | jq -r '"\([.[].cycles] | add) \([.[].cycles_busy] | add)"'; }

measure() { # LOAD WHOSE ROUND CONNECTIONS NAME
	local before after busy='' c0 c1
	[ "$2" != weir ] || c0=$(weir_cycles)
	before=$(cpu_now)
	"load_$1" "$4" "$VIP4"
	after=$(cpu_now)
	if [ "$2" = weir ]; then
		c1=$(weir_cycles)
		busy=$(awk -v a="$c0" -v b="$c1" 'BEGIN { split(a, x, " "); split(b, y, " "); d = y[1] - x[1]; print (d > 0 ? (y[2] - x[2]) / d : 0) }')
	fi
	record "$5" "$2" "$3" "$RATE" "$ERRORS" "$before" "$after" "$busy"
	say "round $3: $2: $5: $RATE" >&2
}

bench_up
bench_quiet
bench_backends
for ((round = 1; round <= ROUNDS; round++)); do
	for who in $WHO; do
		"start_$who"
		wait_for 20 "$who to serve" answers
		for load in short rps bulk; do
			full=64 light=2
			[ "$load" != bulk ] || full=4 light=1
			measure "$load" "$who" "$round" "$full" "peers_$load"
			[ "$load" = bulk ] || measure "$load" "$who" "$round" "$light" "peers_${load}_light"
		done
		stop_lb "$who"
	done
done
ok "peers"
