#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# A second instance of the same name ends with a sentence that names the first; another name may run.
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

code=0
in_lb timeout 20 "$WEIR_BIN" -c "$CONF" >"$TMP/second.log" 2>&1 || code=$?
assert_eq "exit code of the second instance" "$code" 1
grep -qw "${PID[weir]}" "$TMP/second.log" || fail "the second instance does not name process ${PID[weir]}: $(tail -n 3 "$TMP/second.log")"
assert_eq "answer of the first" "$(get "http://$VIP4/")" b1
ok "second instance refused"
