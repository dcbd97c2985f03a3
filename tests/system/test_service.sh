#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# As a service: the manager hears of start, reload, life and end; the instance runs as another user with one capability
# in one thread; its socket and its key are for whom the configuration says.
set -euo pipefail
# shellcheck source=tests/support/topo.sh
. "$(dirname -- "$0")/../support/topo.sh"

# Accounts that every Debian has; the test makes none.
USER_NAME=nobody SOCKET_GROUP=games ACT_GROUP=operator
topo_up
chmod 711 "$TMP"
backend_start 1

shape() { # [extra of the pool]
	conf_begin '[0, 1]' "  user: $USER_NAME
  socket_group: $SOCKET_GROUP
  socket_mode: \"0660\"
  act_group: $ACT_GROUP
log:
  to: file
  file: $TMP/log/sessions.log"
	conf_service web web "$VIP4:80" "[$VIP6]:80"
	[ "${1:-}" != more ] || conf_service other web 198.18.0.101:80 '[2001:db8::101]:80'
	conf_pool web b1=198.18.1.2:80 -- "$HEALTH_FAST"
	conf_write
	chmod 644 "$CONF"
}
shape
mkdir "$TMP/log"
chown "$USER_NAME" "$TMP/log"

spawn manager in_lb "$PYTHON" "$TOPO_DIR/notify.py" "$TMP/notify"
wait_for 5 "the manager's socket" test -S "$TMP/notify"
heard() { grep -qE -- "$1" "$TMP/manager.log"; }
heard_times() { [ "$(grep -cE -- "$1" "$TMP/manager.log")" -ge "$2" ]; }

export NOTIFY_SOCKET=$TMP/notify WATCHDOG_USEC=400000
weir_start
unset NOTIFY_SOCKET WATCHDOG_USEC
wait_for 10 "READY=1" heard '^READY=1 STATUS=serves: .*configuration 1'
wait_for 10 "the backend up" all_up

# ---- who it is, thread by thread
pid=${PID[weir]}
uid=$(id -u "$USER_NAME")
threads=0
for task in "/proc/$pid/task"/*; do
	threads=$((threads + 1))
	who=$(awk '$1 == "Uid:" { print $2, $3, $4, $5 }' "$task/status")
	assert_eq "user of thread ${task##*/}" "$who" "$uid $uid $uid $uid"
	for set in CapPrm CapEff; do
		caps=$(awk -v s="$set:" '$1 == s { print $2 }' "$task/status")
		if [ "${task##*/}" = "$pid" ]; then
			assert_eq "$set of the main thread" "$caps" 0000000000001000 # CAP_NET_ADMIN, bit 12
		else
			assert_eq "$set of thread ${task##*/}" "$caps" 0000000000000000
		fi
	done
	for set in CapInh CapBnd CapAmb; do
		assert_eq "$set of thread ${task##*/}" "$(awk -v s="$set:" '$1 == s { print $2 }' "$task/status")" 0000000000000000
	done
	assert_eq "no new privileges, thread ${task##*/}" "$(awk '$1 == "NoNewPrivs:" { print $2 }' "$task/status")" 1
done
assert_ge "threads" "$threads" 4
say "$threads threads, one with one capability"
grep -q 'rights: runs as nobody, user .* the main thread keeps CAP_NET_ADMIN' "$TMP/weir.log" || fail "the log does not say what was kept"

# ---- who may ask, who may act
dir=/run/dpdk/$INSTANCE
assert_eq "the socket" "$(stat -c '%U:%G %a' "$dir/dpdk_telemetry.v2")" "$USER_NAME:$SOCKET_GROUP 660"
assert_eq "its directory" "$(stat -c '%U:%G %a' "$dir")" "$USER_NAME:$SOCKET_GROUP 751"
assert_eq "the key" "$(stat -c '%U:%G %a' "$dir/act.key")" "$USER_NAME:$ACT_GROUP 640"
grep -qxE '[0-9a-f]{32}' "$dir/act.key" || fail "the key is no 32 hexadecimal digits"
! grep -rqF -- "$(<"$dir/act.key")" "$TMP"/*.log || fail "the key is in a log"
assert_eq "the lock file" "$(stat -c %U "/run/weir/$INSTANCE.lock")" "$USER_NAME"
assert_eq "the log" "$(stat -c %U "$TMP/log/sessions.log")" "$USER_NAME"

# as GROUPS COMMAND...: a person in these groups only.
as() { setpriv --reuid=65000 --regid=65000 --groups="$1" --inh-caps=-all -- "${@:2}"; }
gid() { getent group "$1" | cut -d: -f3; }
cp "$WEIRCTL_BIN" "$TMP/weirctl"
ctl() { as "$1" env XDG_RUNTIME_DIR=/run timeout 10 "$TMP/weirctl" -n "$INSTANCE" "${@:2}"; }
reads=$(gid "$SOCKET_GROUP")
acts=$reads,$(gid "$ACT_GROUP")
ctl "$reads" status >"$TMP/asked" 2>&1 || fail "a member of the socket's group may not ask: $(<"$TMP/asked")"
! ctl 65000 status >"$TMP/asked" 2>&1 || fail "a stranger may ask"
! ctl "$reads" weight web/b1 3 >"$TMP/asked" 2>&1 || fail "who may only ask acted"
grep -q "$ACT_GROUP" "$TMP/asked" || fail "who may not act is not told the group: $(<"$TMP/asked")"
ctl "$acts" weight web/b1 3 >"$TMP/asked" 2>&1 || fail "who may act cannot: $(<"$TMP/asked")"
refused backend "weight=web/b1,4" || fail "an action without the key was taken"
refused backend "weight=web/b1,4,key=00000000000000000000000000000000" || fail "an action with another key was taken"

# ---- a new configuration, with an IPv6 address whose multicast group is new
shape more
kill -HUP "$pid"
wait_for 10 "RELOADING=1" heard '^RELOADING=1 MONOTONIC_USEC=[0-9]+$'
wait_for 10 "READY=1 after it" heard '^READY=1$'
wait_for 10 "the number of the configuration" heard '^STATUS=serves: .*configuration 2$'
wait_for 5 "the new service" get -f -o /dev/null "http://[2001:db8::101]/"
wait_for 5 "a line of a session" test -s "$TMP/log/sessions.log"
# What the user may not read is refused with a sentence, and nothing changes.
chmod 600 "$CONF"
kill -HUP "$pid"
wait_for 10 "the refusal" heard '^STATUS=.*the new one was refused: .*cannot be read: Permission denied'
wait_for 10 "READY=1 after the refusal" heard_times '^READY=1$' 2
get -f -o /dev/null "http://$VIP4/" || fail "the service ended with a refused configuration"

# ---- life: as long as every worker turns
beats() { grep -c '^WATCHDOG=1$' "$TMP/manager.log" || :; }
before=$(beats)
wait_for 5 "the watchdog's beats" heard_times '^WATCHDOG=1$' $((before + 5))

# ---- the end
stop weir || fail "exit code after SIGTERM is $?"
wait_for 5 "STOPPING=1" heard '^STOPPING=1 .*EXTEND_TIMEOUT_USEC=[0-9]+$'
[ ! -e "$dir/act.key" ] || fail "the key is still there"
stop manager || :

# ---- as root, and with names that are not there
conf_web
weir_start
wait_for 10 "rights given up" grep -q 'rights: runs as' "$TMP/weir.log"
for task in "/proc/${PID[weir]}/task"/*; do
	wanted=0000000000000000
	[ "${task##*/}" != "${PID[weir]}" ] || wanted=0000000000001000
	assert_eq "CapPrm of thread ${task##*/} of root" "$(awk '$1 == "CapPrm:" { print $2 }' "$task/status")" "$wanted"
done
stop weir || fail "exit code of root's after SIGTERM is $?"
for key in user socket_group act_group; do
	conf_begin '[0]' "  $key: nobody_of_this_name"
	conf_service web web "$VIP4:80"
	conf_pool web b1=198.18.1.2:80
	conf_write
	code=0
	in_lb timeout 20 "$WEIR_BIN" -c "$CONF" >"$TMP/unknown.log" 2>&1 || code=$?
	assert_eq "exit code with an unknown $key" "$code" 2
	grep -q "runtime.$key: there is no .* 'nobody_of_this_name'.*cure: " "$TMP/unknown.log" || fail "unknown $key: $(<"$TMP/unknown.log")"
done
ok "told the manager, $threads threads without rights, socket and key for their groups"
