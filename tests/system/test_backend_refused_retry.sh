#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# A backend that refuses connections costs a retry, not a request.
set -euo pipefail
# shellcheck source=tests/support/topo.sh
. "$(dirname -- "$0")/../support/topo.sh"

topo_up
backend_start 1
conf_begin
conf_service web web "$VIP4:80" "[$VIP6]:80"
conf_service none none "$VIP4:81"
conf_pool web b1=198.18.1.2:80 closed=198.18.1.3:80 -- '    health: {type: none}'
conf_pool none closed=198.18.1.3:80 -- '    health: {type: none}'
conf_write
weir_start

for vip in "$VIP4" "[$VIP6]"; do
	assert_eq "answers at $vip" "$(spread 60 "http://$vip/" | tr '\n' ' ')" "b1 60 "
done
# Five in a row, and it is not tried any more.
assert_ge "retries" "$(counter connect_retries)" 5
assert_ge "breakers that opened" "$(event_count breaker_open '.text | test("web/closed")')" 1

# When nobody is left to try, the client gets a reset at once, not silence.
code=0
get --max-time 5 -o /dev/null "http://$VIP4:81/" 2>/dev/null || code=$?
refused_by_curl "$code" || fail "curl's exit code with no backend left is $code, should tell a reset"
ok "refused connects were retried elsewhere"
