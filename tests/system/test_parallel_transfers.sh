#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# 64 transfers of random sizes in both directions at once arrive whole, with one worker and with two.
set -euo pipefail
# shellcheck source=tests/support/topo.sh
. "$(dirname -- "$0")/../support/topo.sh"

topo_up
server_start xfer 90 xfer.py
for workers in '[1]' '[0, 1]'; do
	[ "$(nproc)" -ge 2 ] || workers='[0]'
	conf_begin "$workers"
	conf_service xfer xfer "$VIP4:90" "[$VIP6]:90"
	conf_pool xfer s1=198.18.1.5:90
	conf_write
	weir_start
	wait_for 10 "the server up" all_up
	for vip in "$VIP4" "$VIP6"; do
		in_client timeout 80 "$PYTHON" "$TOPO_DIR/xfer.py" run "$vip" 90 --count 64 --up 4000000 --down 4000000 --seed 11 ||
			fail "transfers to $vip with workers $workers"
	done
	wait_for 15 "no session left" no_sessions
	weir_finish
done
ok "64 parallel transfers, both families, one and two workers"
