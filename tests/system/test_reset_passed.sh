#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# A reset on one side reaches the other as a reset, in both directions.
set -euo pipefail
# shellcheck source=tests/support/topo.sh
. "$(dirname -- "$0")/../support/topo.sh"

topo_up
spawn peer in_backend "$PYTHON" "$TOPO_DIR/reset_peer.py" serve 198.18.1.5 92
wait_for 10 "the peer to listen" listens 92
conf_begin
conf_service reset reset "$VIP4:92" "[$VIP6]:92"
conf_pool reset s1=198.18.1.5:92 -- '    health: {type: none}'
conf_write
weir_start

for vip in "$VIP4" "$VIP6"; do
	# The backend resets: the client must read ECONNRESET, not an end of data.
	in_client timeout 20 "$PYTHON" "$TOPO_DIR/reset_peer.py" victim "$vip" 92 || fail "a backend's reset at $vip"
	# The client resets: the backend must see the same; it logs what it saw.
	lines=$(grep -c '^client: reset' "$TMP/peer.log" || :)
	in_client timeout 20 "$PYTHON" "$TOPO_DIR/reset_peer.py" culprit "$vip" 92 || fail "a client's reset at $vip"
	seen() { [ "$(grep -c '^client: reset' "$TMP/peer.log")" -gt "$lines" ]; }
	wait_for 10 "the client's reset at the backend" seen
done
! grep -q '^client: end' "$TMP/peer.log" || fail "the backend saw an orderly end in place of a reset"
wait_for 10 "no session left" no_sessions
ok "resets pass in both directions"
