# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash disable=SC2034
# Benchmarks that weir-gen drives: clients and backends in one process on CPU $LOAD_CPU, what is measured on
# CPU $LB_CPU, over one of two wires:
#
#   veth    c0 --- wan0  lb  lan0 --- b0     kernel interfaces; c0 and b0 are weir-gen's, through af_packet
#   memif   client 0 --- 0 lb 1 --- client 1 shared memory, poll mode at both ends, like a NIC's driver
#
# Clients: 4,094 addresses of 198.19.0.0/20 behind the router 198.18.0.254. Backends: 198.18.1.252-254.

# shellcheck source=tests/bench/bench.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/bench.sh"

GEN_BIN=${GEN_BIN:-${WEIR_BIN%/*}/weir-gen}
GEN_WARMUP=${GEN_WARMUP:-1}
WIRE=${WIRE:-memif}

# ---- wires -----------------------------------------------------------------------------------------

# Both far ends in the client's namespace, since one process owns them. The kernel there drops what
# arrives once weir-gen's packet socket has seen it: it would only look for routes.
gen_up() {
	local ns dev
	trap topo_down EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	ulimit -n "$(ulimit -Hn)"
	for ns in "$NS_CLIENT" "$NS_LB" "$NS_BACKEND"; do
		ip netns add "$ns"
		ip -n "$ns" link set lo up
	done
	in_client sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
	in_lb sysctl -qw net.ipv4.ip_local_port_range='1024 65535' net.ipv4.tcp_tw_reuse=1 net.core.somaxconn=32768 \
		net.ipv4.tcp_max_syn_backlog=32768 net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
	veth "$NS_CLIENT" c0 "$NS_LB" wan0
	veth "$NS_CLIENT" b0 "$NS_LB" lan0
	for dev in wan0 lan0; do
		in_lb sh -c "printf '%x' $((1 << LB_CPU)) >/sys/class/net/$dev/queues/rx-0/rps_cpus"
	done
	for dev in c0 b0; do
		in_client sh -c "printf '%x' $((1 << LOAD_CPU)) >/sys/class/net/$dev/queues/rx-0/rps_cpus"
		quiet_port "$NS_CLIENT" "$dev"
	done
}

# quiet_port NS DEV: the kernel drops what arrives there, after packet sockets have seen it.
quiet_port() {
	ip netns exec "$1" nft add table netdev "quiet_$2"
	ip netns exec "$1" nft "add chain netdev quiet_$2 in { type filter hook ingress device $2 priority 0; policy drop; }"
}
loud_port() { ip netns exec "$1" nft delete table netdev "quiet_$2" 2>/dev/null || :; }

memif() { # ROLE NUMBER NAME
	printf 'net_memif%s,role=%s,id=0,socket=%s/%s.sock,socket-abstract=no' "$2" "$1" "$TMP" "$3"
}

gen_device() { # wan|lan
	local i=0 dev=c0
	[ "$1" = wan ] || { i=1; dev=b0; }
	if [ "$WIRE" = memif ]; then memif client "$i" "$1"; else printf 'net_af_packet%s,iface=%s' "$i" "$dev"; fi
}

# ---- what is measured ------------------------------------------------------------------------------

gen_start_weir() {
	local wan lan
	if [ "$WIRE" = memif ]; then
		wan=$(memif server 0 wan)
		lan=$(memif server 1 lan)
	else
		wan=net_af_packet0,iface=wan0
		lan=net_af_packet1,iface=lan0
		quiet_port "$NS_LB" wan0
		quiet_port "$NS_LB" lan0
	fi
	cat >"$CONF" <<-YAML
		runtime:
		  workers: [$LB_CPU]
		  memory: $WEIR_MEMORY
		  name: $INSTANCE
		  dad: false
		  max_sessions: 100000
		ports:
		  - {name: wan, device: "$wan", addresses: [198.18.0.1/24, "2001:db8::1/64"]}
		  - {name: lan, device: "$lan", addresses: [198.18.1.1/24, "2001:db8:1::1/64"]}
		routes:
		  - {to: 198.19.0.0/16, via: 198.18.0.254, port: wan}
		services:
		  - {name: web, listen: ["$VIP4:80"], mode: tcp, pool: web}
		pools:
		  - name: web
		    balance: maglev
		    health: {type: none}
		    source: ["198.18.1.10-198.18.1.25"]
		    backends:
		      - {name: b1, address: "198.18.1.252:80", weight: 1}
		      - {name: b2, address: "198.18.1.253:80", weight: 1}
		      - {name: b3, address: "198.18.1.254:80", weight: 1}
	YAML
	weir_start
}

gen_kernel_addresses() { # add|flush
	local dev
	if [ "$1" = flush ]; then
		for dev in wan0 lan0; do ip -n "$NS_LB" addr flush dev "$dev"; done
		return
	fi
	ip -n "$NS_LB" addr add 198.18.0.1/24 dev wan0
	ip -n "$NS_LB" addr add "$VIP4/24" dev wan0
	ip -n "$NS_LB" addr add 198.18.1.1/24 dev lan0
	ip -n "$NS_LB" route add 198.19.0.0/16 via 198.18.0.254 dev wan0
}

gen_start_haproxy() {
	gen_kernel_addresses add
	cat >"$TMP/haproxy.cfg" <<-CFG
		global
		  nbthread 1
		  maxconn 9000
		defaults
		  mode tcp
		  timeout connect 3s
		  timeout client 60s
		  timeout server 60s
		listen web
		  bind $VIP4:80 backlog 16384
		  balance roundrobin
		  server b1 198.18.1.252:80
		  server b2 198.18.1.253:80
		  server b3 198.18.1.254:80
	CFG
	spawn haproxy in_lb taskset -c "$LB_CPU" haproxy -db -f "$TMP/haproxy.cfg"
	wait_for 10 "haproxy to listen" listens_lb
}

gen_start_nginx() {
	gen_kernel_addresses add
	mkdir -p "$TMP/lb"
	cat >"$TMP/lb/nginx.conf" <<-CFG
		load_module /usr/lib/nginx/modules/ngx_stream_module.so;
		daemon off;
		worker_processes 1;
		pid $TMP/lb/nginx.pid;
		events { worker_connections 18000; multi_accept on; }
		stream {
			upstream web { server 198.18.1.252:80; server 198.18.1.253:80; server 198.18.1.254:80; }
			server { listen $VIP4:80 backlog=16384; proxy_pass web; }
		}
	CFG
	spawn nginx in_lb taskset -c "$LB_CPU" nginx -e "$TMP/lb/error.log" -c "$TMP/lb/nginx.conf" -p "$TMP/lb"
	wait_for 10 "nginx to listen" listens_lb
}

listens_lb() { in_lb ss -Hltn "sport = :80" | grep -q .; }

# The wire itself: testpmd hands frames from one port to the other, and weir-gen talks to its own backends.
gen_start_ceiling() {
	local enter
	exec {enter}<> <(:) # it forwards until it reads a line or the end
	ip netns exec "$NS_LB" dpdk-testpmd --no-huge -m 512 --no-pci --no-shconf --no-telemetry --file-prefix "$INSTANCE" \
		--lcores "0@$LB_CPU,1@$LB_CPU" --vdev "$(memif server 0 wan)" --vdev "$(memif server 1 lan)" -- \
		--forward-mode=io --nb-cores=1 --total-num-mbufs=32768 <&"$enter" >"$TMP/ceiling.log" 2>&1 &
	PID[ceiling]=$!
	exec {enter}<&-
	wait_for 10 "testpmd to start its ports" ceiling_ready
}
ceiling_ready() { alive ceiling || fail "testpmd ended: $(tail -n 3 "$TMP/ceiling.log")"; grep -q "Checking link" "$TMP/ceiling.log"; }

gen_stop() { # WHO
	[ -n "${PID[$1]:-}" ] || return 0
	stop "$1" || :
	case $1 in
	weir) [ "$WIRE" = memif ] || { loud_port "$NS_LB" wan0; loud_port "$NS_LB" lan0; } ;;
	haproxy | nginx) gen_kernel_addresses flush ;;
	esac
	rm -f -- "$TMP"/*.sock
}

# ---- the load --------------------------------------------------------------------------------------

gen_measures() { gone gen || grep -q '(warmup)' "$TMP/gen.log"; }
gen_measured() { gone gen || [ "$(grep '^ *[0-9.]* s load ' "$TMP/gen.log" | grep -vc '(warmup)')" -ge "$1" ]; } # a line a second

# gen_load WHO OUT.json LOAD SHAPE [BACKEND [KEY: VALUE of the client]...]: LOAD and SHAPE are the insides of those keys.
# Sets SHARE, with the caller's share_begin and share_end.
gen_load() {
	local who=$1 out=$2 load=$3 shape=$4 backend=${5:-} lan=198.18.1.251/24 gateway='' listen='"198.18.1.252:80", "198.18.1.253:80", "198.18.1.254:80"'
	if [ "$who" = ceiling ]; then
		lan=198.18.0.253/24
		gateway='gateway: [198.18.0.254]'
		listen="\"$VIP4:80\""
	fi
	cat >"$TMP/gen.yaml" <<-YAML
		runtime: {core: $LOAD_CPU, memory: $WEIR_MEMORY, name: gen$INSTANCE, max_conns: 200000, warmup: ${GEN_WARMUP}s, duration: ${DURATION}s, drain: 1s, time_wait: 100ms, json: $out}
		ports:
		  - {name: wan, device: "$(gen_device wan)", addresses: [198.18.0.254/24]}
		  - {name: lan, device: "$(gen_device lan)", addresses: [$lan], $gateway}
		clients:
		  - name: load
		    port: wan
		    source: ["198.19.0.1-198.19.15.254"]
		    target: ["$VIP4:80"]
		    load: {$load}
		    shape: {$shape}
		    objective: 100ms
		backends:
		  - {name: backends, port: lan, listen: [$listen]${backend:+, $backend}}
	YAML
	rm -f -- "$out"
	spawn gen in_client taskset -c "$LOAD_CPU" timeout $((DURATION + 60)) "$GEN_BIN" -c "$TMP/gen.yaml"
	# What the balancer's core does is looked at in the middle of the measured time only.
	wait_for 60 "the end of the warm-up" gen_measures
	share_begin "$who"
	wait_for $((DURATION + 10)) "most of the measured time" gen_measured $(((DURATION * 3 + 3) / 4))
	SHARE=$(share_end "$who")
	wait_for 60 "the end of weir-gen" gone gen
	wait "${PID[gen]}" || fail "weir-gen: $(tail -n 5 "$TMP/gen.log")"
	unset 'PID[gen]'
	alive "$who" || fail "$who is no longer there: $(tail -n 3 "$TMP/$who.log")"
}
