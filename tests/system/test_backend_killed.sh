#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# A killed backend costs only what it held: its sessions are reset, later ones go elsewhere.
set -euo pipefail
# shellcheck source=tests/support/topo.sh
. "$(dirname -- "$0")/../support/topo.sh"

topo_up
for n in 1 2 3; do backend_start "$n"; done
conf_web
weir_start
wait_for 10 "all backends up" all_up

# Downloads that are under way when b1 dies: as many as it takes for b1 to have two of them and another one, one.
n=0
b1_has_two() {
	local has
	has=$(in_backend ss -Htn state established src 198.18.1.2:80 | wc -l)
	[ "$has" -ge 2 ] && [ "$has" -lt "$n" ]
}
n_open() { [ "$(in_client ss -Htn state established dst "$VIP4:80" | wc -l)" = "$n" ]; }
until b1_has_two || [ "$n" -ge 40 ]; do
	n=$((n + 1))
	spawn "dl$n" in_client timeout 60 curl -s --limit-rate 3M -o /dev/null -w '%{exitcode} %{size_download}\n' "http://$VIP4/bytes/16m"
	wait_for 10 "download $n" n_open
done
b1_has_two || fail "of $n downloads b1 has fewer than two, or all"
stop b1 KILL || :
wait_event 10 backend_down
spread 100 "http://$VIP4/" >"$TMP/after"
awk '$1 == "b1" { bad = 1 } { n += $2 } END { exit bad || n != 100 }' "$TMP/after" || fail "after the kill: $(tr '\n' ' ' <"$TMP/after")"

whole=0 broken=0
for ((i = 1; i <= n; i++)); do
	wait_for 60 "download $i" gone "dl$i"
	wait "${PID[dl$i]}" || :
	unset "PID[dl$i]"
	case $(<"$TMP/dl$i.log") in
	"0 16777216") whole=$((whole + 1)) ;;
	"56 "* | "18 "*) broken=$((broken + 1)) ;; # reset, or ended early
	*) fail "download $i ended with $(<"$TMP/dl$i.log")" ;;
	esac
done
assert_ge "downloads of b1 that broke off" "$broken" 1
assert_ge "downloads of the other backends that ended whole" "$whole" 1

backend_start 1
wait_for 10 "b1 up again" backend_is web b1 up
spread 100 "http://$VIP4/" | grep -q '^b1 ' || fail "b1 takes no requests after its return"
ok "$broken downloads of b1 broke off, $whole others ended whole"
