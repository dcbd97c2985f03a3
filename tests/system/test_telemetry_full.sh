#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Ten clients that hold the telemetry socket open do not lock the operator out without an answer: weirctl says at once
# who they are and what to do, and works again when one of them is gone.
set -euo pipefail
# shellcheck source=tests/support/topo.sh
. "$(dirname -- "$0")/../support/topo.sh"

topo_up
backend_start 1
conf_begin
conf_service web web "$VIP4:80"
conf_pool web b1=198.18.1.2:80 -- "$HEALTH_FAST"
conf_write
weir_start
wait_for 10 "the backend up" all_up

hold='
import signal, socket, sys
held = []
for _ in range(int(sys.argv[2])):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.connect(sys.argv[1])
    assert s.recv(1024)
    held.append(s)
print("held", flush=True)
signal.pause()
'
path=$(printf '%s\n' /var/run/dpdk/"$INSTANCE"/dpdk_telemetry.v2* | head -n 1)
spawn nine "$PYTHON" -c "$hold" "$path" 9
spawn one "$PYTHON" -c "$hold" "$path" 1
wait_for 10 "nine clients" grep -q held "$TMP/nine.log"
wait_for 10 "one client" grep -q held "$TMP/one.log"

code=0
start=${EPOCHREALTIME/./}
weirctl_run status >"$TMP/full.log" 2>&1 || code=$?
took=$((${EPOCHREALTIME/./} - start))
assert_eq "exit code with all clients taken" "$code" 3
[ "$took" -lt 2000000 ] || fail "weirctl took $took us to say that all clients are taken"
for part in "ten clients" "pid ${PID[nine]}) 9" "pid ${PID[one]}) 1" "end one of them"; do
	grep -qF -- "$part" "$TMP/full.log" || fail "weirctl does not say '$part': $(cat "$TMP/full.log")"
done
assert_eq "answer meanwhile" "$(get "http://$VIP4/")" b1

stop one || : # by the signal
status_again() { weirctl_run status >/dev/null 2>&1; }
wait_for 5 "a client's place" status_again
stop nine || :
ok "all telemetry clients taken"
