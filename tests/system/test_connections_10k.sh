#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Ten thousand connections stand at the same time, and each echoes a kilobyte in random order.
set -euo pipefail
# shellcheck source=tests/support/topo.sh
. "$(dirname -- "$0")/../support/topo.sh"

topo_up
server_start echo 91 echo.py
conf_begin
conf_service echo echo "$VIP4:91"
conf_pool echo s1=198.18.1.5:91
conf_write
weir_start
wait_for 10 "the server up" all_up

mkfifo "$TMP/go"
exec {go}<>"$TMP/go"
in_client timeout 100 "$PYTHON" "$TOPO_DIR/echo.py" run "$VIP4" 91 10000 1024 --hold <"$TMP/go" {go}>&- >"$TMP/client.log" 2>&1 &
PID[client]=$!
client_open() {
	alive client || fail "the client ended: $(tail -n 2 "$TMP/client.log")"
	grep -q '^open' "$TMP/client.log"
}
wait_for 100 "10,000 echoes" client_open
assert_eq "sessions" "$(sessions_now)" 10000
exec {go}>&-
wait "${PID[client]}" || fail "the client: $(tail -n 2 "$TMP/client.log")"
unset 'PID[client]'
wait_for 30 "no session left" no_sessions
ok "$(tail -n 1 "$TMP/client.log")"
