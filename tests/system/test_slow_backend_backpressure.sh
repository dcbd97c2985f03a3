#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# A backend stopped during an upload closes the client's window, and the event says so; then all arrives.
set -euo pipefail
# shellcheck source=tests/support/topo.sh
. "$(dirname -- "$0")/../support/topo.sh"

topo_up
server_start xfer 90 xfer.py
conf_begin
conf_service xfer xfer "$VIP4:90"
conf_pool xfer s1=198.18.1.5:90 -- '    health: {type: none}'
conf_write
weir_start

spawn up in_client timeout 100 "$PYTHON" "$TOPO_DIR/xfer.py" run "$VIP4" 90 --count 4 --up $((192 << 20)) --timeout 90
moving() { [ "$(in_client ss -Htn state established dst "$VIP4:90" | wc -l)" = 4 ]; }
wait_for 10 "4 uploads" moving
kill -STOP "${PID[xfer]}"

# Linux arms its persist timer when the peer's window is zero.
windows_zero() { [ "$(in_client ss -Htno state established dst "$VIP4:90" | grep -c 'timer:(persist')" = 4 ]; }
wait_for 30 "4 windows of zero at the client" windows_zero
wait_event 10 queue_high "$CONN_QUEUE"
wait_event 10 conn_stalled
assert_ge "windows of zero shown" "$(counter tcp_zero_window)" 4
held=$(tel_sum /weir/queues depth '.queue == "rx_pool"')
capacity=$(tel_sum /weir/queues capacity '.queue == "rx_pool"')
[ "$held" -le "$capacity" ] || fail "held $held buffers of a budget of $capacity"
assert_eq "refusals" "$(event_count works_queue_full)" 0

# Others are served meanwhile: what is held by a stopped backend stays within its share.
kill -CONT "${PID[xfer]}"
wait_for 60 "the uploads" gone up
wait "${PID[up]}" || fail "uploads: $(<"$TMP/up.log")"
unset 'PID[up]'
wait_event 10 conn_resumed
wait_event 10 queue_normal "$CONN_QUEUE"
wait_for 10 "no session left" no_sessions
ok "windows closed at $held of $capacity buffers, and all bytes arrived after SIGCONT"
