#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# After SIGKILL nothing is left that hinders a new start, and service resumes.
set -euo pipefail
# shellcheck source=tests/support/topo.sh
. "$(dirname -- "$0")/../support/topo.sh"

topo_up
backend_start 1
conf_begin
conf_service web web "$VIP4:80"
conf_pool web b1=198.18.1.2:80 -- "$HEALTH_FAST"
conf_write
for round in 1 2 3; do
	weir_start
	wait_for 10 "the backend up" all_up
	assert_eq "answer in round $round" "$(get "http://$VIP4/")" b1
	[ "$round" = 3 ] || stop weir KILL || :
	left=$(find /dev/hugepages -maxdepth 1 -name "*$INSTANCE*" 2>/dev/null || :)
	[ -z "$left" ] || fail "huge pages left: $left"
done
ok "two kills, two restarts"
