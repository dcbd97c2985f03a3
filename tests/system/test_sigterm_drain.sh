#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# SIGTERM refuses new connections, lets sessions end, resets the rest at the deadline, and exits 0.
set -euo pipefail
# shellcheck source=tests/support/topo.sh
. "$(dirname -- "$0")/../support/topo.sh"

topo_up
backend_start 1
conf_begin '[1]' '  drain_timeout: 20s'
conf_service web web "$VIP4:80"
conf_pool web b1=198.18.1.2:80 -- "$HEALTH_FAST"
conf_write
weir_start
wait_for 10 "the backend up" all_up
spawn dl in_client timeout 60 curl -s --limit-rate 6M -o "$TMP/16m" "http://$VIP4/bytes/16m"
one_session() { [ "$(sessions_now)" = 1 ]; }
wait_for 10 "the download" one_session
kill -TERM "${PID[weir]}"
refuses() { ! get --max-time 2 -o /dev/null "http://$VIP4/" 2>/dev/null; }
wait_for 5 "new connections refused" refuses
alive weir || fail "Weir ended before its session"
wait_for 30 "the download" gone dl
wait "${PID[dl]}" || fail "the download broke off"
unset 'PID[dl]'
cmp "$TMP/16m" "$TMP/www/bytes/16m" || fail "the download arrived changed"
wait_for 10 "Weir's end after its last session" gone weir
wait "${PID[weir]}" || fail "exit code $? after a drain"
unset 'PID[weir]'

# A session that does not end is reset at the deadline; a second SIGTERM does not wait for it.
sed -i 's/drain_timeout: 20s/drain_timeout: 1s/' "$CONF"
weir_start
wait_for 10 "the backend up" all_up
spawn idle in_client timeout 60 bash -c "exec 3<>/dev/tcp/$VIP4/80; read -r _ <&3"
wait_for 10 "the idle session" one_session
stop weir || fail "exit code $? after a deadline"
wait_for 10 "the client's reset" gone idle
ok "drained, then cut at the deadline"
