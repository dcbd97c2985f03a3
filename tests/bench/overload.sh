# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash disable=SC2034
# What bench_overload.sh needs around weir-gen: balancers with limits, loads of several populations, and what Weir
# says of itself beside each.

# shellcheck source=tests/bench/gen.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/gen.sh"

BENCH=$TREE/tests/bench
PLACES=8                               # sessions that a backend serves at a time
BACKENDS=3
SERVICE_MS=${BENCH_OVERLOAD_SERVICE_MS:-4} # time that a backend works on a request
CAPACITY=$((BACKENDS * PLACES * 1000 / SERVICE_MS))
WAIT=${BENCH_OVERLOAD_WAIT:-sessions: 1024, time: 1s, target: 5ms} # the queue before the backends, well inside the objective
TARGET_MS=5                            # wait.target of it
CORE_TARGET_US=${BENCH_OVERLOAD_TARGET_US:-5000} # pressure.target where the core is the limit
WARMUP=${BENCH_OVERLOAD_WARMUP:-500ms}
LEDGER_EXCEPT=mbufs
declare -A LIMITED # a service that is limited by its backends
LIMITED[service]=", wait: {$WAIT}"
LIMITED[backend]=", max_connections: $PLACES"
DOOR=   # more of the service, of its backends, of pressure; all begin with a comma
ROOM=
PRESSED=
EXTRA_RUNTIME='' # lines of the section runtime
IDLE=0
CAP_MIB=0
ROUND=1

# ---- balancers -------------------------------------------------------------------------------------

# over_weir PRESSURE: yes or no; DOOR, ROOM, PRESSED and EXTRA_RUNTIME say more.
over_weir() {
	local wan lan n list=
	if [ "$WIRE" = memif ]; then
		wan=$(memif server 0 wan)
		lan=$(memif server 1 lan)
	else
		wan=net_af_packet0,iface=wan0
		lan=net_af_packet1,iface=lan0
		quiet_port "$NS_LB" wan0
		quiet_port "$NS_LB" lan0
	fi
	for n in 252 253 254; do list+="      - {name: b$n, address: \"198.18.1.$n:80\", weight: 1$ROOM}"$'\n'; done
	cat >"$CONF" <<-YAML
		runtime:
		  workers: [$LB_CPU]
		  memory: $WEIR_MEMORY
		  name: $INSTANCE
		  dad: false
		  max_sessions: 100000
		$EXTRA_RUNTIME
		pressure: {enabled: $1$PRESSED}
		ports:
		  - {name: wan, device: "$wan", addresses: [198.18.0.1/24, "2001:db8::1/64"]}
		  - {name: lan, device: "$lan", addresses: [198.18.1.1/24, "2001:db8:1::1/64"]}
		routes:
		  - {to: 198.19.0.0/16, via: 198.18.0.254, port: wan}
		services:
		  - {name: web, listen: ["$VIP4:80"], mode: tcp, pool: web$DOOR}
		pools:
		  - name: web
		    balance: maglev
		    health: {type: none}
		    source: ["198.18.1.10-198.18.1.25"]
		    backends:
		$list
	YAML
	weir_start
	# What Weir computed from its configuration at the start: resident memory must stay below.
	CAP_MIB=$(sed -n 's/.* with rings and slack \([0-9]*\) MiB.*/\1/p' "$TMP/weir.log" | head -n 1)
	# From the time before any load: interrupts of a load lengthen turns that move nothing.
	over_snap idle
	IDLE=$(jq '.counters | (.loops - .loops_busy) as $n | if $n > 0 then (.cycles - .cycles_busy) / $n else 0 end' "$TMP/idle.json")
}

# over_haproxy QUEUE_TIME MAXQUEUE: of each server.
over_haproxy() {
	gen_kernel_addresses add
	cat >"$TMP/haproxy.cfg" <<-CFG
		global
		  nbthread 1
		  maxconn 9000
		defaults
		  mode tcp
		  timeout connect 3s
		  timeout queue $1
		  timeout client 60s
		  timeout server 60s
		listen web
		  bind $VIP4:80 backlog 16384
		  balance roundrobin
		  default-server maxconn $PLACES maxqueue $2
		  server b1 198.18.1.252:80
		  server b2 198.18.1.253:80
		  server b3 198.18.1.254:80
	CFG
	spawn haproxy in_lb taskset -c "$LB_CPU" haproxy -db -f "$TMP/haproxy.cfg"
	wait_for 10 "haproxy to listen" listens_lb
}

# The same Weir anew, so that nothing of the load before is left in it: sessions whose generator has gone hold places.
over_again() {
	stop weir || :
	rm -f -- "$TMP"/*.sock
	weir_start
}

over_stop() {
	gen_stop "$1"
	DOOR='' ROOM='' PRESSED='' EXTRA_RUNTIME=''
}

# A real server as the backends: one nginx at the three addresses, one worker with few connections. An answer takes
# SERVICE_MS by its own timer (auth_delay, whose 401 becomes a 200), so that its capacity is known.
over_backend_nginx() {
	local n listen=
	mkdir -p "$TMP/backend"
	loud_port "$NS_CLIENT" b0
	for n in 252 253 254; do
		ip -n "$NS_CLIENT" addr add "198.18.1.$n/24" dev b0
		listen+="listen 198.18.1.$n:80 backlog=64; "
	done
	: >"$TMP/backend/users"
	cat >"$TMP/backend/nginx.conf" <<-CFG
		daemon off;
		worker_processes 1;
		pid $TMP/backend/nginx.pid;
		events { worker_connections 64; }
		http {
			access_log off;
			client_body_temp_path $TMP/backend/body; proxy_temp_path $TMP/backend/proxy; fastcgi_temp_path $TMP/backend/f;
			uwsgi_temp_path $TMP/backend/u; scgi_temp_path $TMP/backend/s;
			server {
				$listen
				location / { auth_basic x; auth_basic_user_file $TMP/backend/users; auth_delay ${SERVICE_MS}ms; error_page 401 =200 @ok; }
				location @ok { auth_basic off; return 200 ok; }
			}
		}
	CFG
	chmod -R a+rX "$TMP"
	spawn backend in_client taskset -c "$LOAD_CPU" nginx -e "$TMP/backend/error.log" -c "$TMP/backend/nginx.conf" -p "$TMP/backend"
	wait_for 10 "the backend nginx to listen" over_backend_listens
}
over_backend_listens() { alive backend || fail "nginx ended: $(tail -n 3 "$TMP/backend.log")"; in_client ss -Hltn 'sport = :80' | grep -q .; }
over_backend_stop() {
	stop backend || :
	ip -n "$NS_CLIENT" addr flush dev b0
	quiet_port "$NS_CLIENT" b0
}

# ---- loads -----------------------------------------------------------------------------------------

# population NAME LOAD SHAPE [SOURCES [MORE]]: the insides of those keys; appended to POPULATIONS.
POPULATIONS=
population() {
	POPULATIONS+="  - {name: $1, port: wan, source: [\"${4:-198.19.0.1-198.19.15.254}\"], target: [\"$VIP4:80\"], load: {$2}, shape: {$3}, objective: ${OBJECTIVE_US}us${5:-}}"$'\n'
}
SERVERS="concurrency: $PLACES, queue: 0, service: {kind: exponential, mean: ${SERVICE_MS}ms}" # of a backend, limited
FREE='service: 0s'                                                                               # not limited
OBJECTIVE_US=60000000
FLOOD=          # a packet stream
GEN_RUNTIME=''  # more of its runtime
WATCH_MS=       # sample delays as often
PATIENCE=3s     # of a client, for its connection

over_gen_conf() { # OUT BACKEND
	local n
	printf 'runtime: {core: %s, memory: %s, name: gen%s, max_conns: 600000, warmup: %s, duration: %s, drain: 1s, time_wait: 100ms, json: %s%s}\n' \
		"$LOAD_CPU" "$WEIR_MEMORY" "$INSTANCE" "$WARMUP" "$RUN" "$1" "$GEN_RUNTIME"
	printf 'ports:\n  - {name: wan, device: "%s", addresses: [198.18.0.254/24]}\n' "$(gen_device wan)"
	[ "$2" = none ] || printf '  - {name: lan, device: "%s", addresses: [198.18.1.251/24]}\n' "$(gen_device lan)"
	[ -z "$POPULATIONS" ] || printf 'clients:\n%s' "$POPULATIONS"
	[ -z "$FLOOD" ] || printf 'packets:\n  - {%s}\n' "$FLOOD"
	[ "$2" != none ] || return 0
	printf 'backends:\n'
	for n in 252 253 254; do printf '  - {name: b%s, port: lan, listen: ["198.18.1.%s:80"], %s}\n' "$n" "$n" "$2"; done
}

over_snap() { # NAME [BEFORE]
	taskset -c "$LOAD_CPU" "$PYTHON" "$BENCH/overload_watch.py" snap "$INSTANCE" "$TMP/$1.json" "${@:2}" || fail "no snapshot of Weir"
}
over_middle() { gone gen || [ "$(grep '^ *[0-9.]* s load ' "$TMP/gen.log" | grep -vc '(warmup)')" -ge "$1" ]; }
over_began() { gone gen || [ "$WARMUP" = 0s ] || grep -q '(warmup)' "$TMP/gen.log"; }

# over_run WHO BACKEND KEY=VALUE...: POPULATIONS and FLOOD for RUN (default: DURATION s), as one record. BACKEND: the
# inside of each backend, or none. Its result stays in $TMP/gen.json, the record in $TMP/record.json.
RUN=${DURATION}s
over_run() {
	local who=$1 out=$TMP/gen.json
	local -a folder=()
	over_gen_conf "$out" "$2" >"$TMP/gen.yaml"
	rm -f -- "$out" "$TMP/watch.json"
	if [ "$who" = weir ]; then
		folder=("$TMP" "idle_turn=$IDLE" "cap_mib=${CAP_MIB:-0}")
		over_snap before
		[ -z "$WATCH_MS" ] || spawn watch taskset -c "$LOAD_CPU" "$PYTHON" "$BENCH/overload_watch.py" watch "$INSTANCE" "$TMP/watch.json" "$WATCH_MS"
	fi
	spawn gen in_client taskset -c "$LOAD_CPU" timeout $((DURATION * 6 + 60)) "$GEN_BIN" -c "$TMP/gen.yaml"
	if [ "$who" = weir ]; then
		wait_for 60 "the end of the warm-up" over_began
		over_snap mid0
		wait_for $((DURATION * 6 + 10)) "the middle of the load" over_middle $((DURATION > 1 ? DURATION - 1 : 1))
		over_snap mid1
	fi
	wait_for $((DURATION * 6 + 60)) "the end of weir-gen" gone gen
	wait "${PID[gen]}" || fail "weir-gen: $(tail -n 5 "$TMP/gen.log")"
	unset 'PID[gen]'
	alive "$who" || fail "$who is no longer there: $(tail -n 3 "$TMP/$who.log")"
	if [ "$who" = weir ]; then
		[ -z "$WATCH_MS" ] || stop watch || fail "no samples of Weir: $(tail -n 2 "$TMP/watch.log")"
		OVERLOAD_RECORDER=$WATCH_MS over_snap after "$TMP/before.json"
	fi
	"$PYTHON" "$BENCH/overload_point.py" "$out" "${folder[@]}" "who=$who" "wire=$WIRE" "round=$ROUND" "${@:3}" >"$TMP/record.json"
	cat "$TMP/record.json" >>"$BENCH_OUT"
	POPULATIONS='' FLOOD='' GEN_RUNTIME='' WATCH_MS='' RUN=${DURATION}s
	say "$(over_said "${@:3}")" >&2
}
over_field() { sed 's/^overload\t//' "$TMP/record.json" | jq -r "$1"; }
over_said() {
	over_field '"round \(.round): \(.wire): \(.who): '"$*"': " + ([.clients[] | "\(.goodput_per_s | round) good/s, p99 \(.p99_us // 0 | round) us, \(.failed) failed"] | join("; "))'
}

times() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%d", a * b + 0.5 }'; }
