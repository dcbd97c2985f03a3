#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# weir --doctor on a real box: what is spoilt there is said with its cure, and a start that fails says it by itself.
set -euo pipefail
# shellcheck source=tests/support/topo.sh
. "$(dirname -- "$0")/../support/topo.sh"

topo_up
conf_web
cases=0

# doctor CODE [ARGS...]: into $TMP/out; what it prints has the form and the sum that it should.
doctor() {
	local want=$1 code=0
	shift
	in_lb timeout 20 "$WEIR_BIN" --doctor "$@" >"$TMP/out" 2>"$TMP/err" || code=$?
	assert_eq "exit code of --doctor ($(grep -v ^pass "$TMP/out" | head -n 5))" "$code" "$want"
	assert_eq "what it says on stderr" "$(<"$TMP/err")" ""
	assert_eq "the last line" "$(tail -n 1 "$TMP/out")" \
		"$(grep -c '^pass  ' "$TMP/out") pass, $(grep -c '^warn  ' "$TMP/out") warn, $(grep -c '^FAIL  ' "$TMP/out") fail"
	! grep -vE '^(pass  [a-z-]+: .+|(warn|FAIL)  [a-z-]+: .+; cure: .+|[0-9]+ pass, .*)$' "$TMP/out" || fail "a line of another form"
	cases=$((cases + 1))
}
line() { grep -qE -- "$1" "$TMP/out" || fail "no line '$1' in: $(<"$TMP/out")"; }

# ---- a good box ------------------------------------------------------------------------------------

code=0
"$WEIR_BIN" --doctor >"$TMP/out" || code=$? # whatever this box is like
[ "$code" -le 1 ] || fail "--doctor without a file ends with $code"
line '^pass  kernel: '
doctor 0 -c "$CONF"
line '^pass  device: port wan: the interface wan0 is there and up$'
line '^pass  offloads: port lan: lan0 has none on; its peer is in another namespace$'
line '^pass  addresses: '
line '^pass  instance: none named'
line '^pass  mtu: port wan: 1500$'
line '^(pass|warn)  isolation: '

# ---- spoilt, one thing after the other, and put right by the cure ------------------------------------

in_lb ip link set wan0 down
doctor 0 -c "$CONF"
line '^warn  device: .*wan0 is down; cure: ip link set wan0 up$'
in_lb ip link set wan0 up

in_lb ethtool -K lan0 gro on
doctor 0 -c "$CONF"
line '^warn  offloads: port lan: lan0 has gro on.*; cure: ethtool -K lan0 '
in_lb ethtool -K lan0 gro off
# Both ends in one namespace, the other's offloads on.
ip -n "$NS_LB" link add v0 type veth peer name v1
in_lb ethtool -K v0 tx off tso off gso off gro off >/dev/null
in_lb ip link set v0 up
sed 's/iface=wan0/iface=v0/' "$CONF" >"$TMP/v.yaml"
doctor 1 -c "$TMP/v.yaml"
line '^FAIL  offloads: port wan: v1, the peer of v0, has tx .*; cure: ethtool -K v1 tx off'
in_lb ip link del v0
doctor 1 -c "$TMP/v.yaml"
line '^FAIL  device: port wan: there is no interface v0'

in_lb ip link set wan0 mtu 1400
doctor 1 -c "$CONF"
line '^FAIL  mtu: .*wan0 has 1400.*; cure: ip link set wan0 mtu 1500$'
in_lb ip link set wan0 mtu 1500

in_lb ip addr add "$VIP4/32" dev lo
doctor 1 -c "$CONF"
line "^FAIL  addresses: $VIP4 of service web"
cure=$(sed -n 's/^FAIL  addresses: .*; cure: //p' "$TMP/out")
in_lb bash -c "$(in_lb bash -c "$cure")" # it prints the command
doctor 0 -c "$CONF"
line '^pass  addresses: '

spawn listener in_lb "$PYTHON" -c 'import socket, signal
s = socket.create_server(("0.0.0.0", 80)); signal.pause()'
in_lb ip addr add "$VIP4/32" dev lo
held() { in_lb ss -Hltn 'sport = :80' | grep -q .; }
wait_for 10 "a listener of the kernel" held
doctor 1 -c "$CONF"
line "^FAIL  listeners: a program of the kernel listens on $VIP4:80 of service web"
in_lb ip addr del "$VIP4/32" dev lo
stop listener KILL || :

sed 's/workers: .*/workers: [900]/' "$CONF" >"$TMP/w.yaml"
code=0
"$WEIR_BIN" --doctor -c "$TMP/w.yaml" >"$TMP/out" 2>&1 || code=$?
assert_eq "exit code with a bad configuration" "$code" 2

(ulimit -n 200 && doctor 1 -c "$CONF" && line '^FAIL  open-files: at most 200') || fail "no line on open files"

# ---- JSON says the same ----------------------------------------------------------------------------

doctor 0 -c "$CONF"
in_lb "$WEIR_BIN" --doctor --json -c "$CONF" >"$TMP/json" || fail "--json fails"
assert_eq "its lines" "$(jq -r '"\(.pass) pass, \(.warn) warn, \(.fail) fail"' "$TMP/json")" "$(tail -n 1 "$TMP/out")"
assert_eq "its findings" "$(jq -r '.findings[] | "\(.level)  \(.topic)"' "$TMP/json" | sort | md5sum)" \
	"$(sed -nE 's/^(pass|warn|FAIL)(  [a-z-]+): .*/\1\2/p' "$TMP/out" | sort | md5sum)"

# ---- a running one, a killed one, one that does not start ------------------------------------------

weir_start
doctor 1 -c "$CONF"
line "^FAIL  instance: one named $INSTANCE runs already, pid ${PID[weir]}; cure: kill -TERM ${PID[weir]}"
stop weir KILL || :
doctor 0 -c "$CONF"
line "^warn  instance: one named $INSTANCE ended without a farewell"
line "^warn  leftovers: /run/dpdk/$INSTANCE is of a dead program.*; cure: rm -r /run/dpdk/$INSTANCE$"

code=0
in_lb timeout 30 "$WEIR_BIN" -c "$TMP/v.yaml" >"$TMP/out" 2>&1 || code=$?
assert_eq "exit code of a start that fails" "$code" 1
line '^FAIL  device: port wan: there is no interface v0'
line '^[0-9]+ pass, [0-9]+ warn, [1-9][0-9]* fail$'
! grep -q '^pass  ' "$TMP/out" || fail "a start that fails prints what is well"
! grep -q '^FAIL  instance\|^FAIL  leftovers' "$TMP/out" || fail "it takes itself for another: $(<"$TMP/out")"
ok "$cases examinations"
