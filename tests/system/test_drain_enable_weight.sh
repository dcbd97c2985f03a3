#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# An operator drains, enables and weighs backends; wrong words are refused with a remedy.
set -euo pipefail
# shellcheck source=tests/support/topo.sh
. "$(dirname -- "$0")/../support/topo.sh"

topo_up
for n in 1 2 3; do backend_start "$n"; done
conf_web
weir_start
wait_for 10 "all backends up" all_up

# A session that stands before the drain goes on through it.
spawn dl in_client timeout 60 curl -s --limit-rate 4M -o "$TMP/16m" "http://$VIP4/bytes/16m"
for b in b1 b2; do act backend "drain=web/$b"; done
refused backend drain=web/b3 || fail "the last backend was drained at once"
act backend force_drain=web/b3
for b in b2 b3; do act backend "enable=web/$b"; done
spread 100 "http://$VIP4/" >"$TMP/drained"
awk '$1 == "b1" { bad = 1 } { n += $2 } END { exit bad || n != 100 }' "$TMP/drained" || fail "b1 drained: $(tr '\n' ' ' <"$TMP/drained")"
wait_for 60 "the download" gone dl
wait "${PID[dl]}" || fail "the download broke off when its backend was drained"
unset 'PID[dl]'
cmp "$TMP/16m" "$TMP/www/bytes/16m" || fail "the download arrived changed"

act backend "enable=web/b1"
act backend "weight=web/b1,10"
spread 300 "http://$VIP4/" >"$TMP/weighed"
# 10 of 12 shares: 250 of 300 expected, 6 sigma is 39.
awk '$1 == "b1" { n = $2 } END { exit !(n >= 210 && n <= 290) }' "$TMP/weighed" || fail "b1 at weight 10 of 12: $(tr '\n' ' ' <"$TMP/weighed")"
assert_ge "events backend_admin" "$(event_count backend_admin)" 7

for wrong in "drain=web/nobody" "drain=web" "explode=web/b1" "weight=web/b1,9999" "weight=web/b1"; do
	refused backend "$wrong" || fail "/weir/backend,$wrong was not refused: $(tel /weir/backend "$wrong")"
done
ok "drain, enable, weight"
