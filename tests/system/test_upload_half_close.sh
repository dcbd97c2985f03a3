#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# A gibibyte one way, ended by a half-close, is answered with its checksum over the other half.
set -euo pipefail
# shellcheck source=tests/support/topo.sh
. "$(dirname -- "$0")/../support/topo.sh"

topo_up
server_start xfer 90 xfer.py
conf_begin
conf_service xfer xfer "$VIP4:90" "[$VIP6]:90"
conf_pool xfer s1=198.18.1.5:90
conf_write
weir_start
wait_for 10 "the server up" all_up

in_client timeout 100 "$PYTHON" "$TOPO_DIR/xfer.py" run "$VIP4" 90 --up $((1 << 30)) || fail "1 GiB up over IPv4"
in_client timeout 60 "$PYTHON" "$TOPO_DIR/xfer.py" run "$VIP6" 90 --up $((64 << 20)) || fail "64 MiB up over IPv6"
# Nothing to send at all: the half-close alone must arrive.
in_client timeout 30 "$PYTHON" "$TOPO_DIR/xfer.py" run "$VIP4" 90 --down $((64 << 20)) || fail "64 MiB down"
wait_for 15 "no session left" no_sessions
ok "1 GiB up with half-close"
