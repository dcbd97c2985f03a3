# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# The test bed of system tests, the quickstart and the benchmarks: three network namespaces of our own.
#
#   client ns           lb ns                    backend ns
#   c0 ------------- wan0  weir  lan0 ------------- b0
#   198.18.0.2/24     .1            198.18.1.1      198.18.1.2 .3 .4 (one nginx each)
#   2001:db8::2/64    ::1       2001:db8:1::1       2001:db8:1::2 ::3 ::4
#   services answer at 198.18.0.100 and 2001:db8::100
#
# Source it, call topo_up; whatever happens then, the exit trap ends what was started and removes the rest.
# Nothing here sleeps for a fixed time: waits are for a condition, with a deadline.

[ "$(id -u)" -eq 0 ] || { echo "needs root (network namespaces, raw sockets)" >&2; exit 1; }

TOPO_DIR=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
TREE=$(cd -- "$TOPO_DIR/../.." && pwd)
export LC_ALL=C PYTHONDONTWRITEBYTECODE=1
PYTHON=${PYTHON:-/usr/bin/python3}
WEIR_BIN=${WEIR_BIN:-$TREE/build/app/weir}
WEIRCTL_BIN=${WEIRCTL_BIN:-${WEIR_BIN%/*}/weirctl}
WEIR_MEMORY=${WEIR_MEMORY:-auto}
TOPO_PREFIX=${TOPO_PREFIX:-weir-$$}
NS_CLIENT=$TOPO_PREFIX-client
NS_LB=$TOPO_PREFIX-lb
NS_BACKEND=$TOPO_PREFIX-backend
INSTANCE=${INSTANCE:-${TOPO_PREFIX//[^A-Za-z0-9]/_}}
VIP4=198.18.0.100
VIP6=2001:db8::100
export VIP4 VIP6 INSTANCE
# The name says whose it is, so that the runner of the tests can find what a killed test left.
TMP=$(mktemp -d "${TMPDIR:-/tmp}/$TOPO_PREFIX.XXXXXX")
CONF=$TMP/weir.yaml
declare -A PID=() # of what spawn() started, by name
WEIR_CHECK_END=1 # at the end of a good run the ledgers must be closed

exec {PAUSE_FD}<> <(:)
pause() { read -r -t 0.05 -u "$PAUSE_FD" || :; }

say() { printf '%s\n' "$*"; }

fail() {
	printf 'FAIL: %s\n' "$*" >&2
	exit 1
}

ok() {
	weir_finish
	printf 'OK: %s\n' "$*"
}

# wait_for SECONDS WHAT COMMAND...: until the command succeeds.
wait_for() {
	local end=$((SECONDS + $1 + 1)) what=$2
	shift 2
	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || fail "waited in vain for: $what"
		pause
	done
}

assert_eq() { # WHAT GOT WANTED
	[ "$2" = "$3" ] || fail "$1 is '$2', should be '$3'"
}

assert_ge() { # WHAT GOT AT_LEAST
	[ "${2:-0}" -ge "$3" ] || fail "$1 is '$2', should be at least $3"
}

# ---- processes -------------------------------------------------------------------------------------

# spawn NAME COMMAND...: in the background, output to $TMP/NAME.log.
spawn() {
	local name=$1 ns=
	shift
	# Not through the functions of these names: the process itself must get the signals, not a shell before it.
	case $1 in
	in_client) ns=$NS_CLIENT ;;
	in_lb) ns=$NS_LB ;;
	in_backend) ns=$NS_BACKEND ;;
	esac
	[ -z "$ns" ] || set -- ip netns exec "$ns" "${@:2}"
	"$@" >"$TMP/$name.log" 2>&1 </dev/null &
	PID[$name]=$!
}

# A process that has ended but was not waited for is a zombie: ended.
alive() {
	local state
	state=$(ps -o stat= -p "${PID[$1]:-0}" 2>/dev/null) && [[ $state != Z* ]]
}

gone() { ! alive "$1"; }

# stop NAME [SIGNAL]: signal, wait for the end, return its exit code.
stop() {
	local pid=${PID[$1]:-} code=0
	[ -n "$pid" ] || return 0
	kill -"${2:-TERM}" "$pid" 2>/dev/null || :
	if [ "${2:-}" = KILL ]; then # waited for at once, else the shell announces its death
		{ wait "$pid"; } 2>/dev/null || code=$?
		unset "PID[$1]"
		return "$code"
	fi
	wait_for 40 "end of $1 (pid $pid) after SIG${2:-TERM}" gone "$1"
	wait "$pid" 2>/dev/null || code=$?
	unset "PID[$1]"
	return "$code"
}

in_client() { ip netns exec "$NS_CLIENT" "$@"; }
in_lb() { ip netns exec "$NS_LB" "$@"; }
in_backend() { ip netns exec "$NS_BACKEND" "$@"; }
py() { "$PYTHON" "$TOPO_DIR/$1" "${@:2}"; }

# ---- the end ---------------------------------------------------------------------------------------

ns_pids() {
	local ns
	for ns in "$NS_CLIENT" "$NS_LB" "$NS_BACKEND"; do
		ip netns pids "$ns" 2>/dev/null || :
	done
}

ns_empty() { [ -z "$(ns_pids)" ]; }

keep_logs() {
	local f
	[ -z "${WEIR_LOG_DIR:-}" ] || cp -r -- "$TMP"/*.log "$TMP"/*.yaml "$WEIR_LOG_DIR/" 2>/dev/null || :
	for f in "$TMP"/*.log; do
		[ -s "$f" ] || continue
		printf -- '---- tail of %s\n' "${f##*/}" >&2
		tail -n 25 -- "$f" >&2
	done
}

topo_down() {
	local code=$? pids ns end
	trap '' INT TERM HUP
	set +e
	if [ "$code" -ne 0 ] && [ -z "${TOPO_QUIET:-}" ]; then
		if [ -n "${PID[weir]:-}" ] && alive weir; then
			event_lines '.*' >"$TMP/events.log" 2>&1
			tel /weir/drops | jq -r '.[] | "\(.count) \(.name)"' >"$TMP/drops.log" 2>&1
			tel /weir/ledger 'walk=1' | jq -c '.[]' >"$TMP/ledger.log" 2>&1
		fi
		keep_logs
	fi
	pids=$(ns_pids)
	# shellcheck disable=SC2086
	[ -z "$pids" ] || { kill -TERM $pids; kill -CONT $pids; } 2>/dev/null
	end=$((SECONDS + 5))
	until ns_empty || [ "$SECONDS" -ge "$end" ]; do pause; done
	pids=$(ns_pids)
	# shellcheck disable=SC2086
	[ -z "$pids" ] || kill -KILL $pids 2>/dev/null
	end=$((SECONDS + 5))
	until ns_empty || [ "$SECONDS" -ge "$end" ]; do pause; done
	for ns in "$NS_CLIENT" "$NS_LB" "$NS_BACKEND"; do
		ip netns del "$ns" 2>/dev/null
	done
	wait 2>/dev/null
	rm -rf -- "$TMP" "/run/dpdk/$INSTANCE" "/run/dpdk/gen$INSTANCE" "/run/dpdk/gen_$INSTANCE"* "/run/weir/$INSTANCE.lock"
	exit "$code"
}

# ---- wires -----------------------------------------------------------------------------------------

veth() { # NS DEV PEER_NS PEER
	ip link add "$2" netns "$1" type veth peer name "$4" netns "$3"
	local ns dev
	for ns in "$1" "$3"; do
		dev=$2
		[ "$ns" = "$1" ] || dev=$4
		# Honest frames: whole checksums, no super-frames (af_packet would hand them over as they are).
		ip netns exec "$ns" ethtool -K "$dev" tx off tso off gso off gro off rx off >/dev/null 2>&1 ||
			ip netns exec "$ns" ethtool -K "$dev" tx off tso off gso off gro off >/dev/null
		ip -n "$ns" link set "$dev" up
	done
}

topo_up() {
	local ns i
	trap topo_down EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	ulimit -n "$(ulimit -Hn)"
	for ns in "$NS_CLIENT" "$NS_LB" "$NS_BACKEND"; do
		ip netns add "$ns"
		ip -n "$ns" link set lo up
		# No router or duplicate-address waits: addresses work at once.
		ip netns exec "$ns" sysctl -qw net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.all.accept_dad=0 \
			net.ipv6.conf.default.accept_ra=0 net.ipv4.ip_local_port_range='1024 65535' \
			net.ipv4.tcp_tw_reuse=1 net.core.somaxconn=32768 net.ipv4.tcp_max_syn_backlog=32768
	done
	# Weir's ports belong to Weir: the kernel has no address on them and says nothing there.
	in_lb sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
	veth "$NS_CLIENT" c0 "$NS_LB" wan0
	veth "$NS_BACKEND" b0 "$NS_LB" lan0
	ip -n "$NS_CLIENT" addr add 198.18.0.2/24 dev c0
	ip -n "$NS_CLIENT" addr add 2001:db8::2/64 dev c0 nodad
	for i in 2 3 4 5; do
		ip -n "$NS_BACKEND" addr add "198.18.1.$i/24" dev b0
		ip -n "$NS_BACKEND" addr add "2001:db8:1::$i/64" dev b0 nodad
	done
}

# ---- backends --------------------------------------------------------------------------------------

# backend_start N: an nginx called bN at 198.18.1.(N+1):80 and [2001:db8:1::(N+1)]:80, in a process of
# its own. GET / names it, GET /bytes/{1k,1m,16m} are files, PUT /upload/x stores.
backend_start() {
	local n=$1 name=b$1 host=$(($1 + 1))
	local dir=$TMP/$name
	mkdir -p "$dir/upload" "$TMP/www/bytes"
	if [ ! -e "$TMP/www/bytes/16m" ]; then
		head -c 1024 /dev/urandom >"$TMP/www/bytes/1k"
		head -c 1M /dev/urandom >"$TMP/www/bytes/1m"
		head -c 16M /dev/urandom >"$TMP/www/bytes/16m"
	fi
	cat >"$dir/nginx.conf" <<-CONF
		# One process, so that SIGSTOP stops all of it.
		daemon off;
		master_process off;
		pid $dir/nginx.pid;
		events { worker_connections $(($(ulimit -n) - 100)); multi_accept on; }
		http {
			access_log off;
			default_type text/plain;
			sendfile on;
			keepalive_timeout 600s;
			keepalive_requests 1000000000;
			client_max_body_size 0;
			client_body_temp_path $dir/body;
			proxy_temp_path $dir/proxy;
			fastcgi_temp_path $dir/fastcgi;
			uwsgi_temp_path $dir/uwsgi;
			scgi_temp_path $dir/scgi;
			server {
				listen 198.18.1.$host:80 backlog=16384;
				listen [2001:db8:1::$host]:80 backlog=16384;
				location / { return 200 "$name\n"; }
				location /bytes/ { root $TMP/www; }
				location /upload/ { root $dir; dav_methods PUT; }
			}
		}
	CONF
	spawn "$name" in_backend nginx -e "$dir/error.log" -c "$dir/nginx.conf" -p "$dir"
	wait_for 10 "nginx $name to listen" backend_answers "$n"
}

backend_answers() {
	alive "b$1" || fail "nginx b$1 ended: $(tail -n 3 "$TMP/b$1.log")"
	in_backend curl -sf --max-time 2 -o /dev/null "http://198.18.1.$(($1 + 1))/"
}

listens() { in_backend ss -Hltn "sport = :$1" | grep -q .; }

# server_start NAME PORT SCRIPT: a Python server of tests/support at 198.18.1.5 and [2001:db8:1::5].
server_start() {
	spawn "$1" in_backend "$PYTHON" "$TOPO_DIR/$3" serve 198.18.1.5 "$2"
	wait_for 10 "$1 to listen" listens "$2"
}

# ---- Weir ------------------------------------------------------------------------------------------

# Configuration: conf_begin [WORKERS] [more lines of runtime], then conf_service and conf_pool, then weir_start.
conf_begin() {
	CONF_SERVICES=
	CONF_POOLS=
	cat >"$CONF" <<-YAML
		runtime:
		  workers: ${1:-[1]}
		  memory: $WEIR_MEMORY
		  name: $INSTANCE
		  dad: false
		${2:-}
		ports:
		  - name: wan
		    device: "net_af_packet0,iface=wan0"
		    addresses: [198.18.0.1/24, "2001:db8::1/64"]
		    ${WAN_EXTRA:-}
		  - name: lan
		    device: "net_af_packet1,iface=lan0"
		    addresses: [198.18.1.1/24, "2001:db8:1::1/64"]
	YAML
}

# conf_service NAME POOL LISTEN... [-- extra lines, 4 spaces deep]
conf_service() {
	local name=$1 pool=$2 listen=
	shift 2
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		listen+="${listen:+, }\"$1\""
		shift
	done
	CONF_SERVICES+="  - name: $name"$'\n'"    listen: [$listen]"$'\n'"    mode: tcp"$'\n'"    pool: $pool"$'\n'
	[ $# -lt 2 ] || CONF_SERVICES+="$2"$'\n'
}

# conf_pool NAME BACKEND=ADDRESS[,WEIGHT]... [-- extra lines, 4 spaces deep]
conf_pool() {
	local name=$1 b addr weight
	shift
	CONF_POOLS+="  - name: $name"$'\n'"    balance: maglev"$'\n'
	CONF_POOLS+="    source: [\"198.18.1.10-198.18.1.25\", \"2001:db8:1::10-2001:db8:1::1f\"]"$'\n'
	local list="    backends:"$'\n'
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		b=${1%%=*}
		addr=${1#*=}
		weight=1
		[[ $addr != *,* ]] || { weight=${addr#*,}; addr=${addr%,*}; }
		list+="      - {name: $b, address: \"$addr\", weight: $weight}"$'\n'
		shift
	done
	[ $# -lt 2 ] || CONF_POOLS+="$2"$'\n'
	CONF_POOLS+=$list
}

conf_write() { printf 'services:\n%spools:\n%s' "$CONF_SERVICES" "$CONF_POOLS" >>"$CONF"; }

HEALTH_FAST='    health: {type: tcp, interval: 100ms, timeout: 200ms, rise: 2, fall: 2}'

# What most tests want: service web on both families, pool web of b1 b2 b3.
conf_web() {
	conf_begin "${1:-[1]}"
	conf_service web web "$VIP4:80" "[$VIP6]:80"
	conf_pool web b1=198.18.1.2:80 b2=198.18.1.3:80 b3=198.18.1.4:80 -- "$HEALTH_FAST"
	conf_write
}

weir_start() {
	[ -f "$WEIR_BIN" ] || fail "no $WEIR_BIN: run scripts/build first"
	spawn weir in_lb "$WEIR_BIN" -c "${1:-$CONF}"
	wait_for 30 "Weir to serve" weir_serves
}

weir_serves() {
	alive weir || fail "Weir ended at start: $(tail -n 3 "$TMP/weir.log")"
	[ "$(tel_field /weir/status state 2>/dev/null)" = serving ]
}

# Good runs end with closed ledgers and exit code 0 upon SIGTERM.
weir_finish() {
	[ -n "${PID[weir]:-}" ] || return 0
	alive weir || fail "Weir is no longer there: $(tail -n 5 "$TMP/weir.log")"
	[ -z "$WEIR_CHECK_END" ] || wait_for 10 "ledger residuals of 0" ledger_closed
	stop weir || fail "Weir's exit code after SIGTERM is $?"
}

# ---- telemetry: the only place that knows commands and keys ----------------------------------------

# tel COMMAND [PARAM]: all pages, as one JSON array of rows.
tel() { timeout 10 "$PYTHON" "$TOPO_DIR/telemetry.py" "$INSTANCE" "$@"; }

# tel_field COMMAND KEY: of the first row.
tel_field() { tel "$1" | jq -r --arg k "$2" '.[0][$k] // empty'; }

# tel_sum COMMAND KEY [jq condition on a row]
tel_sum() { tel "$1" | jq -r "[.[] | select(${3:-true}) | .$2 // 0] | add // 0"; }

# counter NAME [WORKER]
counter() { tel /weir/counters "${2:+worker=$2}" | jq -r "[.[] | select(.name == \"$1\") | .value] | add // 0"; }

# act COMMAND PARAM: an operator's action, which must be taken; refused: which must not.
act() {
	local reply
	reply=$(tel "/weir/$1" "$2")
	jq -e 'length >= 1 and (.[0] | has("error") | not)' <<<"$reply" >/dev/null || fail "/weir/$1,$2: $reply"
}
refused() {
	local reply
	reply=$(tel "/weir/$1" "$2")
	jq -e '.[0].error != "" and .[0].remedy != "" and (.[0] | has("error") and has("remedy"))' <<<"$reply" >/dev/null
}

# refused_by_curl CODE: curl was told no (reset, refused, empty, cut while sending), it did not wait in vain.
refused_by_curl() { [[ $1 =~ ^(7|52|55|56)$ ]]; }

drop_count() { tel_sum /weir/drops count ".name == \"$1\""; }

queue_peak() { tel /weir/queues | jq -r "[.[] | select(.queue == \"$1\") | .peak // 0] | max // 0"; }

# event_count NAME [jq condition]
event_count() { tel /weir/events "kind=$1" | jq -r "[.[] | select(${2:-true})] | length"; }

# event_lines KIND_REGEX [jq condition]: one readable line an event.
event_lines() {
	tel /weir/events | jq -r --arg re "^($1)\$" '.[] | select(.kind | test($re)) | select('"${2:-true}"') |
		"\(.kind) #\(.id): \(.text // "")\(.text_2 // "")\(.text_3 // "")"'
}

# The class of connections' own queues, for conditions on events.
export CONN_QUEUE='(.queue == "conn_recv" or .queue == "conn_send")'

no_event() { [ "$(event_count "$@")" -eq 0 ]; }

event_seen() { [ "$(event_count "$@")" -gt 0 ]; }

# wait_event SECONDS NAME [jq condition]
wait_event() { wait_for "$1" "event $2 ${3:-}" event_seen "${@:2}"; }

backend_state() { tel /weir/backends | jq -r ".[] | select(.pool == \"$1\" and .name == \"$2\") | .state"; }
backend_is() { [ "$(backend_state "$1" "$2")" = "$3" ]; }
all_up() { [ "$(tel /weir/backends | jq -r '[.[] | select(.state != "up" and .state != "unchecked")] | length')" = 0 ]; }

# LEDGER_EXCEPT names one that a test cannot expect to close.
ledger_closed() {
	tel /weir/ledger | jq -e --arg but "${LEDGER_EXCEPT:-}" 'length > 0 and all(.residual == 0 or .ledger == $but)' >/dev/null
}
sessions_now() { tel_field /weir/status sessions; }
no_sessions() { [ "$(sessions_now)" = 0 ]; }

# weirctl_run ARGS...: the operator's tool, on this instance.
weirctl_run() { timeout 10 "$WEIRCTL_BIN" -n "$INSTANCE" "$@"; }

# ---- loads -----------------------------------------------------------------------------------------

get() { in_client curl -sS --max-time 10 "$@"; }

# spread COUNT URL: one connection each; "name count" lines.
spread() {
	local url=$2 i
	for ((i = 0; i < $1; i++)); do printf 'url = "%s"\n' "$url"; done >"$TMP/urls"
	in_client curl -sS --max-time 60 -H 'Connection: close' -K "$TMP/urls" | sort | uniq -c | awk '{print $2, $1}'
}
